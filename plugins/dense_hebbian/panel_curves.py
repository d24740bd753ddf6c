"""Views of the learning curve, of ultra-detection, and of the teacher: theory as lines, Monte Carlo as points."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import Slot
from PySide6.QtWidgets import QFormLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from plugins.dense_hebbian.contract import CurveFrame, LearningFrame
from plugins.dense_hebbian.panel_parts import InkView, near_square
from workbench.views import Column, ExperimentView, LabelledSlider, SessionPort, TableView
from workbench.views.layouts import above, beside
from workbench.views.measured import MeasuredView

COLOURS = {
    "m": 0,
    "n": 1,
    "P = 2": 1,
    "P = 4": 0,
    "teacher": 0,
    "no teacher": 1,
    "teacher, relaxed": 2,
    "no teacher, relaxed": 3,
}
ROWS = ("archetype", "one example", "mean of M", "recalled")


class LearningView(ExperimentView):
    """m and n against the number of examples, the data behind a point, and the theory at another quality."""

    hint = "Train adds points; drag r and the theory's dashed line follows at once."

    def __init__(self, port: SessionPort, parent: QWidget | None = None) -> None:
        super().__init__(port, parent)
        self._count = -1
        self.curve = MeasuredView("curve", "Overlap against examples", "examples M", "overlap", log_x=True)
        self.curve.set_range(y=(0.0, 1.05))
        self.patterns = InkView("patterns", "What the network saw", "The first archetype of one sample, bit by bit.")
        self.patterns.aspect = "free"
        self.patterns.show_message("Each point that is measured shows its data here.")
        self.table = TableView("numbers", "Measured and predicted")
        self._play = self._make_play()
        lower = beside(self.patterns, self.table, sizes=(480, 500))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(above(self.curve, lower, sizes=(440, 240)))

    def _make_play(self) -> QWidget:
        play = QWidget()
        form = QFormLayout(play)
        form.setContentsMargins(0, 0, 0, 0)
        self._quality = LabelledSlider("r", 0.05, 1.0, 0.3, decimals=3, help="Quality of the dashed line's examples")
        self._gamma = LabelledSlider("γ", 0.0, 0.5, 0.02, decimals=3, help="Load of the dashed line")
        for slider in (self._quality, self._gamma):
            slider.value_changed.connect(self._moved)
            form.addRow(slider)
        take = QPushButton("Measure there")
        take.setToolTip("Put r and γ into the form; then Train (undo takes it back)")
        take.clicked.connect(self._take)
        form.addRow(take)
        self._about = QLabel(wordWrap=True)
        form.addRow(self._about)
        return play

    def play_controls(self) -> QWidget:
        """Quality and load of the dashed line."""
        return self._play

    def start_over(self) -> None:
        """Forget the curve before."""
        self._count = -1
        self.curve.clear()
        self.patterns.show_message("Each point that is measured shows its data here.")

    def show_frame(self, frame: LearningFrame) -> None:
        """Draw what is measured so far over the theory."""
        labels = {"m": "m, with the archetype", "n": "n, with the data"}
        for name, (x, y) in frame.lines.items():
            self.curve.set_series(name, x, y, color=COLOURS[name], width=2.0, label=f"{labels[name]}: theory")
        for name, (x, mean, spread) in frame.points.items():
            self.curve.set_points(name, x, mean, spread, color=COLOURS[name], label=f"{name}: Monte Carlo")
        needed = frame.values["needed"]
        self.curve.set_line("needed", needed, "vertical", label="ρ = 1")
        k, n = int(frame.values["patterns"]), int(frame.values["neurons"])
        self.curve.title = f"Overlap against examples; K = {k} patterns, N = {n} neurons"
        x, mean, spread = frame.points["m"]
        if len(x) == self._count:
            return
        self._count = len(x)
        line, theory = frame.lines["m"]
        predicted = np.round(np.interp(np.log(np.maximum(x, 1)), np.log(line), theory), 5)
        rows = [(int(m), needed / m, a, b, c) for m, a, b, c in zip(x, mean, spread, predicted, strict=True)]
        columns = [
            Column("M"),
            Column("ρ", digits=3),
            Column("|m|", digits=3),
            Column("± sd", digits=2),
            Column("theory", digits=3),
        ]
        self.table.set_rows(columns, rows)
        if len(frame.patterns):
            self.patterns.set_pattern(frame.patterns, rows=ROWS)
            self.patterns.title = f"What the network saw, M = {frame.examples}"

    @Slot(object)
    def _moved(self, _: float) -> None:
        self.port.ask_latest(
            "theory", self._show_theory, quality=float(self._quality.value), gamma=float(self._gamma.value)
        )

    def _show_theory(self, said: Any) -> None:
        r, x, m, _ = said
        self.curve.set_series("own", x, m, color=3, style="dash", width=2.0, label=f"theory at r = {r:.3f}")
        held = x[m > 0.683]
        words = f"m passes 0.683 at M = {held[0]:.0f}" if len(held) else "m stays below 0.683 here"
        self._about.setText(f"r = {r:.3f}, γ = {self._gamma.value:.3f}: {words}; ρ = 1 at M = {(1 - r**2) / r**2:.1f}.")

    @Slot()
    def _take(self) -> None:
        self.port.change_parameters(
            "measure there",
            {"quality": round(float(self._quality.value), 3), "gamma": round(float(self._gamma.value), 3)},
        )


class DetectionView(ExperimentView):
    """m against the noise for P = 2 and 4, the tolerated noise against N, and what is left of a pattern."""

    hint = "Drag ω and see what each network keeps of the pattern; the right plot fits the power of N."

    def __init__(self, port: SessionPort, parent: QWidget | None = None) -> None:
        super().__init__(port, parent)
        self.noise = MeasuredView(
            "noise",
            "Overlap against the noise",
            "noise ω of the couplings",
            "|m|",
            hint="Dashed: the noise at which retrieval ends in the theory.",
        )
        self.noise.set_range(y=(0.0, 1.05))
        self.scaling = MeasuredView(
            "scaling",
            "Tolerated noise",
            "neurons N",
            "largest ω with |m| ≥ 0.9",
            log_x=True,
            log_y=True,
            hint="Lines: the theory, N^((P-1)/2).",
        )
        self.kept = {
            order: InkView(f"kept{order}", f"P = {order}", "Ink: neurons that agree with the pattern.")
            for order in (2, 4)
        }
        self.table = TableView("numbers", "Powers of N")
        for view in self.kept.values():
            view.show_message("Drag ω on the left.")
        self._play = QWidget()
        form = QFormLayout(self._play)
        form.setContentsMargins(0, 0, 0, 0)
        self._omega = LabelledSlider(
            "ω", 0.0, 80.0, 20.0, decimals=1, help="Strength of the noise; one pattern's coupling is 1"
        )
        self._omega.value_changed.connect(self._look)
        form.addRow(self._omega)
        again = QPushButton("Another sample")
        again.setToolTip("Another pattern in other noise")
        again.clicked.connect(self._look)
        form.addRow(again)
        upper = beside(self.noise, self.scaling, sizes=(520, 460))
        lower = beside(self.kept[2], self.kept[4], self.table, sizes=(250, 250, 480))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(above(upper, lower, sizes=(420, 260)))
        self._is_first = True

    def play_controls(self) -> QWidget:
        """The noise of the two pictures."""
        return self._play

    def start_over(self) -> None:
        """Forget the curves before."""
        self._is_first = True
        self.noise.clear()
        self.scaling.clear()

    def show_frame(self, frame: CurveFrame) -> None:
        """Draw both orders, and their powers of N."""
        rows = []
        for name, (x, mean, spread) in frame.points.items():
            colour = COLOURS[name]
            self.noise.set_points(name, x, mean, spread, color=colour, label=name)
            limit = frame.values[f"limit/{name}"]
            self.noise.set_line(name, limit, "vertical", color=colour, label=f"{name}: {limit:.1f}")
            sizes, theory = frame.lines[name]
            self.scaling.set_series(name, sizes, theory, color=colour, width=2.0, label=f"{name}: theory")
            n, found = frame.extra[name]
            self.scaling.set_points(name, n, found, color=colour, label=f"{name}: measured")
            rows.append((name, frame.values.get(f"slope/{name}"), frame.values[f"theory slope/{name}"], limit))
        self.table.set_rows(
            [
                "network",
                Column("fitted power", digits=3),
                Column("(P-1)/2", digits=3),
                Column("ω limit, theory", digits=3),
            ],
            rows,
        )
        if self._is_first:
            self._is_first = False
            self._look()

    @Slot(object)
    def _look(self, _: object = None) -> None:
        self.port.ask_latest("look", self._show_kept, partial=self._show_kept, omega=float(self._omega.value))

    def _show_kept(self, said: Any) -> None:
        if not isinstance(said, dict):
            return
        for order, aligned in said.items():
            view = self.kept[order]
            view.set_pattern(aligned.reshape(near_square(len(aligned))))
            view.title = f"P = {order}: |m| = {abs(float(aligned.mean())):.2f}"


class TeacherView(ExperimentView):
    """The number of examples needed against their quality, with a teacher and without."""

    hint = "The gap between the lines is what a teacher is worth. Points: measured; hover for values."

    def __init__(self, port: SessionPort, parent: QWidget | None = None) -> None:
        super().__init__(port, parent)
        self.needed = MeasuredView(
            "needed",
            "Examples needed",
            "quality r",
            "examples M",
            log_y=True,
            hint="Lines: one step of signal against noise keeps |m| = 0.683. Points: the smallest M that did.",
        )
        self.table = TableView("numbers", "What a teacher is worth")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(above(self.needed, self.table, sizes=(450, 230)))

    def start_over(self) -> None:
        """Forget the points before."""
        self.needed.clear()

    def show_frame(self, frame: CurveFrame) -> None:
        """Draw both cases, after one step and after relaxing."""
        for name, (x, y) in frame.lines.items():
            self.needed.set_series(name, x, y, color=COLOURS[name], width=2.0, label=f"{name}: theory")
        for name, (x, y, spread) in frame.points.items():
            self.needed.set_points(name, x, y, spread, color=COLOURS[name], label=name)
        self.needed.set_line("most", frame.values["most"], label="largest M tried", color="muted")
        count, neurons = int(frame.values["patterns"]), int(frame.values["neurons"])
        self.needed.title = f"Examples needed; K = {count} archetypes, N = {neurons} neurons"
        found = {name: dict(zip(x.tolist(), y.tolist(), strict=True)) for name, (x, y, _) in frame.points.items()}
        quality = sorted({r for own in found.values() for r in own}, reverse=True)
        rows = []
        for r in quality:
            own = [found[name].get(r) for name in frame.points]
            predicted = [float(np.interp(r, *frame.lines[name])) for name in ("teacher", "no teacher")]
            rows.append((r, *(None if value is None else int(value) for value in own), *predicted))
        heads = [Column("r", digits=3), *(Column(f"M, {name}") for name in frame.points)]
        heads += [Column("theory, teacher", digits=3), Column("theory, no teacher", digits=3)]
        self.table.set_rows(heads, rows)
        if not rows:
            self.table.show_message("Train searches the number of examples at each quality.")
