"""View of draw and retrieve: the state to paint on, energy and overlaps, stored patterns, and a map of basins."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from PySide6.QtCore import Slot
from PySide6.QtGui import QPainter, QUndoCommand
from PySide6.QtWidgets import QVBoxLayout, QWidget

from plugins.dense_hebbian.contract import RetrieveFrame
from plugins.dense_hebbian.panel_parts import InkView, number
from plugins.dense_hebbian.panel_retrieve_play import RetrieveControls
from workbench.views import BarsView, CurvesView, ExperimentView, HistogramView, SessionPort, TableView
from workbench.views.axis import Frame2D
from workbench.views.layouts import above, beside, tabs_of
from workbench.views.painting import draw_curve
from workbench.views.pattern_editor import PaintedSites, PatternEditor
from workbench.views.phase_diagram import Phase, PhaseDiagramView
from workbench.views.picks import Pick
from workbench.views.theme import theme

OVERLAPS = (("m", "m, with the archetype", 0), ("n", "n, with the data", 1), ("q", "q, between replicas", 2))
BASINS = (Phase("none", "muted"), Phase("first", 0), Phase("second", 1), Phase("another", 2))
COARSE, FINE = 12, 24


class RetrieveView(ExperimentView):
    """The state, what it should become, and how it gets there."""

    hint = (
        "Drag to paint on the state while it relaxes, right-drag to add noise; click a bar to start from that pattern."
    )

    def __init__(self, port: SessionPort, parent: QWidget | None = None) -> None:
        super().__init__(port, parent)
        self._frame: RetrieveFrame | None = None
        self._painted: dict[int, float] = {}
        self._noisy: set[int] = set()
        self._stroke: dict[int, tuple[float, float]] = {}
        self.state_view = PatternEditor("state", "State of the network", field_label="local field h")
        self.archetype = InkView("archetype", "Archetype", "The pattern itself, which the network was never shown.")
        self.mean = InkView("mean", "Mean of its examples", "What the teacher stores: the average of M noisy copies.")
        self.energy = CurvesView("energy", "Energy", "sweeps since the start", "energy per spin")
        self.overlaps = CurvesView(
            "overlaps",
            "Overlaps",
            "sweeps since the start",
            "overlap",
            hint="Dashed: what the replica-symmetric theory predicts for infinite N.",
        )
        self.stored = BarsView(
            "stored",
            "Overlap with what is stored",
            "m",
            horizontal=True,
            hint="The stored patterns that the state overlaps most; click one to start from it.",
        )
        self.stability = HistogramView(
            "stability",
            "Stability of the archetype",
            "ξᵢ hᵢ, scaled",
            bins=24,
            density=True,
            hint="Local fields along the archetype; where they are negative it is no fixed point. Line: the theory.",
        )
        self.stability.set_drawing("theory", self._draw_gaussian)
        self.basins = PhaseDiagramView(
            "basins",
            "Where starts between two patterns end",
            BASINS,
            x_label="share of the second pattern",
            y_label="share of noise",
            value_label="largest |m|",
            value_levels=(0.0, 1.0),
            hint="Press Paint basins; click a place to start the network there.",
        )
        self.basins.show_message("Press “Paint basins” on the left.")
        self.radius = CurvesView(
            "radius",
            "How much can be spoilt",
            "share of flips",
            "share recalled",
            hint="Sixteen copies each; the basin's radius is where the curve passes one half.",
        )
        self.radius.set_range(y=(0.0, 1.05))
        self.radius.show_message("Press “Measure radius” on the left.")
        self.numbers = TableView("numbers", "This network")
        self._play = RetrieveControls()
        small = beside(self.archetype, self.mean, sizes=(1, 1))
        left = above(self.state_view, small, sizes=(430, 230))
        pages = tabs_of(
            {
                "Stored": self.stored,
                "Stability": self.stability,
                "Basins": self.basins,
                "Radius": self.radius,
                "Numbers": self.numbers,
            }
        )
        right = above(self.energy, self.overlaps, pages, sizes=(190, 220, 270))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(beside(left, right, sizes=(470, 510)))
        self._connect()

    def _connect(self) -> None:
        self.state_view.painted.connect(self._paint)
        self.state_view.disturbed.connect(self._disturb)
        self.state_view.stroke_ended.connect(self._stroke_ended)
        self.stored.clicked.connect(self._bar_clicked)
        self.basins.probe_asked.connect(self._begin_between)
        play = self._play
        play.relax_wanted.connect(self._relax)
        play.start_wanted.connect(self._start)
        play.noise_wanted.connect(self._all_noise)
        play.blank_wanted.connect(self._blank)
        play.store_wanted.connect(self._store)
        play.fields_toggled.connect(self._show_fields)
        play.basins_wanted.connect(self._ask_basins)
        play.radius_wanted.connect(self._ask_radius)
        play.basins_moved.connect(self._ask_coarse_basins)

    def play_controls(self) -> QWidget:
        """Relax, start from a pattern, store a drawing, paint basins."""
        return self._play

    def start_over(self) -> None:
        """Forget the network before."""
        self._frame = None
        self._painted, self._stroke = {}, {}
        self._noisy.clear()
        self.basins.show_message("Press “Paint basins” on the left.")
        self.radius.show_message("Press “Measure radius” on the left.")

    # Frames

    def show_frame(self, frame: RetrieveFrame) -> None:
        """Draw the first replica, and numbers of all."""
        is_new = self._frame is None
        self._frame = frame
        shape = (frame.side, frame.side)
        spins = frame.spins[0].copy()
        for site, value in self._painted.items():
            spins[site] = value
        self.state_view.set_pattern(spins.reshape(shape))
        self._show_fields()
        self.archetype.set_pattern(frame.archetype.reshape(shape))
        self.archetype.title = f"Archetype {frame.target_name}"
        self.mean.set_pattern(frame.mean_example.reshape(shape))
        self._show_traces(frame)
        names = [f"{name} (−)" if m < 0 else name for name, m in zip(frame.names, frame.overlaps, strict=True)]
        self.stored.set_bars(names, {"|m|": np.abs(frame.overlaps)})
        self.stability.set_samples("all", frame.stability, label="neurons of the archetype", color=0)
        self._play.set_patterns(frame.stored, frame.patterns, frame.target)
        m = float(frame.magnetisation[0])
        said = f"overlap with {frame.target_name}: {m:+.2f}"
        self.state_view.title = f"State, {said}"
        if is_new:
            self._show_numbers(frame)

    def _show_traces(self, frame: RetrieveFrame) -> None:
        sweeps, energy, *overlaps = frame.trace.T
        self.energy.set_series("energy", sweeps, energy, color=3, width=2.0, label="energy per spin")
        for (name, label, colour), values, theory in zip(OVERLAPS, overlaps, frame.theory, strict=True):
            if np.isfinite(values).any():
                self.overlaps.set_series(name, sweeps, values, color=colour, width=2.0, label=label)
            else:
                self.overlaps.remove_series(name)
            self.overlaps.set_line(name, theory, color=colour)

    def _show_numbers(self, frame: RetrieveFrame) -> None:
        order = int(getattr(self.port.parameters, "order", 4))
        dense = frame.beta * math.factorial(order) / 2
        rows = [
            ("neurons N", len(frame.archetype), "the canvas' pixels"),
            ("patterns K", frame.patterns, f"Hopfield's limit would be {0.138 * len(frame.archetype):.0f}"),
            ("load γ", frame.load, "P! K / (2 N^(P-1))"),
            ("dataset entropy ρ", frame.entropy, "(1 - r²) / (M r²)"),
            ("β' = 1/T'", number(frame.beta), f"β = β' P!/2 = {number(dense)}"),
            ("m, theory", frame.theory[0], "replica symmetry, infinite N"),
            ("n, theory", frame.theory[1], ""),
            ("q, theory", frame.theory[2], ""),
            ("mean of ξh", float(frame.stability.mean()), "theory 1"),
            ("variance of ξh", float(frame.stability.var()), f"theory {frame.stability_theory[1]:.3f}"),
        ]
        self.numbers.set_rows(["quantity", "value", "remark"], rows)

    def _draw_gaussian(self, painter: QPainter, frame: Frame2D) -> None:
        if self._frame is None:
            return
        mean, variance = self._frame.stability_theory
        x = np.linspace(frame.x.low, frame.x.high, 200)
        y = np.exp(-((x - mean) ** 2) / (2 * variance)) / math.sqrt(2 * math.pi * variance)
        draw_curve(painter, frame.points(x, y), theme().foreground, 1.8, "dash", is_export=False)

    @Slot()
    def _show_fields(self) -> None:
        frame = self._frame
        if frame is not None:
            shown = frame.fields.reshape(frame.side, frame.side) if self._play.fields.isChecked() else None
            self.state_view.set_fields(shown)

    # Painting

    @Slot(object)
    def _paint(self, painted: PaintedSites) -> None:
        if self._frame is None:
            return
        for site in painted.sites:
            before = self._stroke[site][0] if site in self._stroke else float(self._frame.spins[0, site])
            self._stroke[site] = (before, float(painted.value))
            self._painted[site] = float(painted.value)
        self._send_paint()

    def _send_paint(self) -> None:
        sent = dict(self._painted)

        def done(_: object) -> None:
            for site, value in sent.items():
                if self._painted.get(site) == value:
                    del self._painted[site]

        # Only the newest request counts, so each carries everything that was not taken over yet.
        self.port.ask_latest("paint", done, sites=list(sent), values=list(sent.values()))

    def set_sites(self, values: dict[int, float]) -> None:
        """Give these neurons these values, as the brush does."""
        self._painted |= values
        self._send_paint()

    @Slot(object)
    def _disturb(self, sites: tuple[int, ...]) -> None:
        self._noisy |= set(sites)
        sent = sorted(self._noisy)

        def done(_: object) -> None:
            self._noisy -= set(sent)

        self.port.ask_latest("disturb", done, sites=sent)

    @Slot()
    def _stroke_ended(self) -> None:
        if self._stroke:
            self.port.undo_stack.push(_Stroke(self, dict(self._stroke)))
            self._stroke = {}

    # Starting and storing

    @Slot()
    def _relax(self) -> None:
        self.port.ask_latest("relax", self._relaxed, partial=self._relaxed)

    def _relaxed(self, said: Any) -> None:
        if isinstance(said, RetrieveFrame):
            self.show_frame(said)

    @Slot(object)
    def _start(self, pattern: int) -> None:
        self.port.ask_latest("start_from", self._started, pattern=int(pattern))

    def _started(self, _: object) -> None:
        self._relax()

    @Slot(object)
    def _bar_clicked(self, pick: Pick) -> None:
        if self._frame is not None and 0 <= pick.index < len(self._frame.indices):
            self._start(int(self._frame.indices[pick.index]))

    @Slot()
    def _all_noise(self) -> None:
        if self._frame is not None:
            rng = np.random.default_rng()
            drawing = np.where(rng.random(len(self._frame.archetype)) < 0.5, -1.0, 1.0)
            self.port.ask_latest("begin_with", self._nothing, drawing=drawing)

    @Slot()
    def _blank(self) -> None:
        if self._frame is not None:
            self.port.ask_latest("begin_with", self._nothing, drawing=-np.ones(len(self._frame.archetype)))
            self.port.say(
                "All paper is a start like any other; since P is even, a pattern and its negative are "
                "equally good memories."
            )

    def _nothing(self, _: object) -> None:
        """The new frame says it all."""

    @Slot()
    def _store(self) -> None:
        if self._frame is not None:
            self.port.ask_latest("store", self._stored_drawing, drawing=self._frame.spins[0])

    def _stored_drawing(self, name: str) -> None:
        self._frame = None
        self.port.say(f"Stored as “{name}”, from noisy examples of it, in the place of a filler.")

    # Basins

    @Slot()
    def _ask_basins(self) -> None:
        self._ask_basins_of(FINE)

    @Slot()
    def _ask_coarse_basins(self) -> None:
        if not self.basins.message:
            self._ask_basins_of(COARSE)

    def _ask_basins_of(self, points: int) -> None:
        play = self._play
        self.port.ask_latest(
            "basin",
            self._show_basins,
            partial=self._show_basins,
            first=play.first_pattern,
            second=play.second_pattern,
            points=points,
            order=play.basin_order,
            patterns=int(play.basin_patterns.value),
            entropy=float(play.basin_entropy.value),
        )

    def _show_basins(self, said: Any) -> None:
        if not isinstance(said, tuple):
            return
        labels, overlaps = said
        side = np.linspace(0, 1, len(labels))
        self.basins.phases = (
            BASINS[0],
            Phase(self._play.first.currentText(), 0),
            Phase(self._play.second.currentText(), 1),
            BASINS[3],
        )
        self.basins.set_map(side, side, labels, overlaps)
        self.basins.title = f"Where starts end, P = {self._play.basin_order}"

    @Slot()
    def _ask_radius(self) -> None:
        self.radius.clear()
        self.port.ask_latest("radius", self._show_radius, partial=self._show_radius)

    def _show_radius(self, said: Any) -> None:
        if not isinstance(said, tuple) or self._frame is None:
            return
        flips, recalled = said
        self.radius.set_series("recalled", flips, recalled, color=0, width=2.2, label="share recalled")
        self.radius.set_line("half", 0.5)
        below = np.flatnonzero(recalled < 0.5)
        reach = f"up to {100 * flips[max(0, below[0] - 1)]:.0f} %" if len(below) else "so far all"
        self.radius.title = f"{self._frame.target_name}: {reach} of the spins may be turned"

    @Slot(object)
    def _begin_between(self, pick: Pick) -> None:
        if self._frame is not None and not self.basins.message:
            self.port.ask_latest(
                "begin_between",
                self._started,
                first=self._play.first_pattern,
                second=self._play.second_pattern,
                towards=pick.x,
                noise=pick.y,
            )


class _Stroke(QUndoCommand):
    """A stroke of the brush; what the network has made of it meanwhile is its own affair."""

    def __init__(self, view: RetrieveView, sites: dict[int, tuple[float, float]]) -> None:
        super().__init__("paint on the state")
        self._view, self._sites = view, sites
        self._is_first = True

    def redo(self) -> None:
        """Paint again; the first time the person has just done it."""
        if not self._is_first:
            self._view.set_sites({site: after for site, (_, after) in self._sites.items()})
        self._is_first = False

    def undo(self) -> None:
        """Give the neurons their values from before."""
        self._view.set_sites({site: before for site, (before, _) in self._sites.items()})
