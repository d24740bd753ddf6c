"""View of the phase diagram: the map with its lines and probes, what happens at the ring, and cuts through the map."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import Slot
from PySide6.QtGui import QUndoCommand
from PySide6.QtWidgets import QFormLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from plugins.dense_hebbian.contract import PhaseFrame, ProbeState
from plugins.dense_hebbian.panel_parts import InkView, near_square
from workbench.views import Column, CurvesView, ExperimentView, LabelledSlider, SessionPort, TableView
from workbench.views.layouts import above, beside, tabs_of
from workbench.views.measured import MeasuredView
from workbench.views.phase_diagram import Phase, PhaseDiagramView
from workbench.views.picks import Pick

PHASES = (
    Phase("ergodic", "muted"),
    Phase("spin glass", 1),
    Phase("retrieval, metastable", 2),
    Phase("retrieval, stable", 0),
    Phase("retrieval", 0),
)
LINE_COLOURS = ("foreground", 3, 4, 5, 6)
OWN_LINE = "ρ of the slider"


class PhaseView(ExperimentView):
    """The map, and Monte Carlo where the person points."""

    hint = "Click for Monte Carlo at that point; drag the ring and watch the attractor melt; drag ρ to move the line."

    def __init__(self, port: SessionPort, parent: QWidget | None = None) -> None:
        super().__init__(port, parent)
        self._frame: PhaseFrame | None = None
        self._slices: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}
        self.diagram = PhaseDiagramView(
            "diagram", "Phases", PHASES, x_label="load γ", y_label="noise T'", value_label="m", value_levels=(0.0, 1.0)
        )
        self.slices = MeasuredView(
            "slices",
            "Along the noise, at the ring's load",
            "noise T'",
            "m",
            hint="Lines: the theory at each ρ. Points: probes near this load.",
        )
        self.overlap = CurvesView("glass", "q along the noise, at the ring's load", "noise T'", "q")
        self.traces = CurvesView(
            "traces",
            "Monte Carlo at the ring",
            "sweep",
            "|m|",
            hint="One line a sample of patterns, all started on an archetype.",
        )
        self.melting = InkView(
            "melting",
            "Neurons that still agree with the archetype",
            "Ink: agrees. The attractor melts where paper spreads.",
        )
        self.table = TableView("probes", "Probes", hint="Measured over samples of patterns, beside the theory.")
        for view in (self.slices, self.overlap, self.traces):
            view.set_range(y=(0.0, 1.05))
        self._play = self._make_play()
        lower = beside(self.traces, self.melting, sizes=(300, 190))
        pages = tabs_of({"m": self.slices, "q": self.overlap, "Probes": self.table})
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        right = above(pages, lower, sizes=(340, 330))
        layout.addWidget(beside(self.diagram, right, sizes=(540, 440)))
        self.diagram.probe_asked.connect(self._probe_clicked)
        self.diagram.handle_moved.connect(self._ring_moved)
        self.diagram.handle_dropped.connect(self._ring_dropped)
        self.slices.clicked.connect(self._slice_clicked)

    def _make_play(self) -> QWidget:
        play = QWidget()
        form = QFormLayout(play)
        form.setContentsMargins(0, 0, 0, 0)
        self._entropy = LabelledSlider(
            "ρ",
            0.0,
            0.6,
            0.0,
            decimals=3,
            help="Dataset entropy of probes, of the ring, and of the line that follows it",
        )
        self._entropy.value_changed.connect(self._entropy_moved)
        form.addRow(self._entropy)
        again = QPushButton("Probe at the ring")
        again.setToolTip("Monte Carlo over all samples at the ring's place, kept in the diagram")
        again.clicked.connect(self._probe_ring)
        form.addRow(again)
        clear = QPushButton("Clear probes")
        clear.setToolTip("Undo brings them back")
        clear.clicked.connect(self._clear)
        form.addRow(clear)
        self._about = QLabel(wordWrap=True)
        form.addRow(self._about)
        return play

    def play_controls(self) -> QWidget:
        """The entropy of probes; probe; clear."""
        return self._play

    def start_over(self) -> None:
        """Forget the diagram before."""
        self._frame, self._slices = None, {}
        self.diagram.clear_boundaries()
        for view in (self.slices, self.overlap, self.traces):
            view.clear()

    # Frames

    def show_frame(self, frame: PhaseFrame) -> None:
        """Draw the map as far as it is solved, the lines, and the probes."""
        is_new, self._frame = self._frame is None, frame
        self.diagram.set_map(frame.gamma, frame.temperature, frame.phase, frame.magnetisation)
        for index, (rho, (load, noise)) in enumerate(frame.boundaries.items()):
            colour = LINE_COLOURS[index % len(LINE_COLOURS)]
            self.diagram.set_boundary(f"ρ = {rho}", load, noise, colour=colour)
        self.diagram.title = f"Phases at ρ = {frame.entropy:g}; lines: where retrieval ends"
        self._show_probes(frame.probes)
        if is_new:
            low, high = frame.gamma[[0, -1]]
            if self.diagram.handle is None:
                self.diagram.set_handle((float(low + 0.25 * (high - low)), 0.35 * float(frame.temperature[-1])))
            self._ask_ring()

    def _show_probes(self, probes: np.ndarray) -> None:
        words = [
            f"γ = {gamma:.3f}, T' = {noise:.3f}, ρ = {rho:.3g}, K = {int(count)}: |m| = {m:.3f} ± {spread:.3f}, "
            f"theory {theory:.3f}"
            for gamma, noise, rho, m, spread, theory, count in probes.tolist()
        ]
        self.diagram.set_probes(probes[:, [0, 1, 3]], words)
        columns = [
            "γ",
            "T'",
            "ρ",
            Column("K"),
            Column("|m|", digits=3),
            Column("± sd", digits=2),
            Column("theory m", digits=3),
        ]
        self.table.set_rows(
            columns, [(g, t, rho, int(k), m, sd, theory) for g, t, rho, m, sd, theory, k in probes.tolist()]
        )
        if not len(probes):
            self.table.show_message("Click the diagram: each probe is listed here.")
        self._show_near_probes()

    def _show_near_probes(self) -> None:
        frame, ring = self._frame, self.diagram.handle
        if frame is None or ring is None:
            return
        probes = frame.probes
        near = np.abs(probes[:, 0] - ring[0]) <= 0.04 * float(frame.gamma[-1]) if len(probes) else np.zeros(0, bool)
        own = probes[near]
        self.slices.set_points("probes", own[:, 1], own[:, 3], own[:, 4], color="foreground", label="probes near here")

    # The ring

    def _ask_ring(self) -> None:
        ring = self.diagram.handle
        if ring is None:
            return
        gamma, noise = ring
        self.port.ask_latest("slices", self._show_slices, partial=self._show_slices, gamma=gamma)
        self.port.ask_latest(
            "melt", self._show_state, partial=self._show_state, gamma=gamma, temperature=noise, rho=self._entropy.value
        )
        self._show_near_probes()

    def _show_slices(self, said: Any) -> None:
        if not isinstance(said, dict):
            return
        self._slices = said
        for index, (rho, (noise, m, q)) in enumerate(said.items()):
            colour = LINE_COLOURS[index % len(LINE_COLOURS)]
            self.slices.set_series(rho, noise, m, color=colour, label=f"ρ = {rho}", width=2.0)
            self.overlap.set_series(rho, noise, q, color=colour, label=f"ρ = {rho}", width=2.0)
        ring = self.diagram.handle
        if ring is not None:
            for view, name in ((self.slices, "m"), (self.overlap, "q")):
                view.set_line("ring", ring[1], "vertical", color="accent")
                view.title = f"{name} along the noise, at γ = {ring[0]:.3f}"

    def _show_state(self, said: Any) -> None:
        if not isinstance(said, ProbeState):
            return
        samples, sweeps = said.traces.shape
        for name in self.traces.series_names:
            if not name.isdigit() or int(name) >= samples:
                self.traces.remove_series(name)
        for index, trace in enumerate(said.traces):
            self.traces.set_series(
                str(index), np.arange(1, sweeps + 1), trace, color=index % 8, width=1.8, label=f"sample {index + 1}"
            )
        self.traces.title = f"Monte Carlo at γ = {said.gamma:.3f}, T' = {said.temperature:.3f}, ρ = {said.entropy:.3g}"
        shape = near_square(len(said.aligned))
        self.melting.set_pattern(said.aligned.reshape(shape))
        share = float((said.aligned > 0).mean())
        self.melting.title = f"{100 * share:.0f} % agree"

    @Slot(object)
    def _ring_moved(self, _: Pick) -> None:
        self._ask_ring()

    @Slot(object)
    def _ring_dropped(self, _: Pick) -> None:
        self._ask_ring()

    @Slot(object)
    def _slice_clicked(self, pick: Pick) -> None:
        ring = self.diagram.handle
        if ring is not None and pick.series != "probes":
            self.diagram.set_handle((ring[0], max(0.0, pick.x)))
            self._ask_ring()

    # Probes

    @Slot(object)
    def _probe_clicked(self, pick: Pick) -> None:
        if self._frame is not None and pick.x >= 0 and pick.y >= 0:
            self.diagram.set_handle((pick.x, pick.y))
            self._ask_ring()
            self._probe(pick.x, pick.y)

    @Slot()
    def _probe_ring(self) -> None:
        if self.diagram.handle is not None:
            self._probe(*self.diagram.handle)

    def _probe(self, gamma: float, noise: float) -> None:
        self.port.ask_latest(
            "probe", self._probed, partial=self._show_state, gamma=gamma, temperature=noise, rho=self._entropy.value
        )

    def _probed(self, said: Any) -> None:
        self._show_state(said)

    @Slot()
    def _clear(self) -> None:
        if self._frame is not None and len(self._frame.probes):
            self.port.undo_stack.push(_ClearProbes(self, self._frame.probes))

    def use_probes(self, probes: np.ndarray) -> None:
        """Let the experiment keep these probes."""
        self.port.ask_latest("set_probes", self._nothing, probes=probes)

    def _nothing(self, _: object) -> None:
        """The new frame shows it."""

    # The entropy

    @Slot(object)
    def _entropy_moved(self, rho: float) -> None:
        self.port.ask_latest("boundary", self._show_boundary, rho=float(rho))
        self._ask_ring()

    def _show_boundary(self, said: Any) -> None:
        rho, load, noise = said
        self.diagram.set_boundary(OWN_LINE, load, noise, colour="accent", style="dash")
        largest = f"{float(load.max()):.3f}" if len(load) else "0"
        self._about.setText(f"At ρ = {rho:.3f} retrieval exists up to γ = {largest}.")


class _ClearProbes(QUndoCommand):
    """Forgetting all probes."""

    def __init__(self, view: PhaseView, probes: np.ndarray) -> None:
        super().__init__("clear probes")
        self._view, self._probes = view, probes

    def redo(self) -> None:
        """Forget them."""
        self._view.use_probes(np.zeros((0, 7)))

    def undo(self) -> None:
        """Bring them back."""
        self._view.use_probes(self._probes)
