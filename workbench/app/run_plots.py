"""What can be seen of several runs together: curves, what differs, scatter, parallel coordinates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QLabel, QTabWidget, QVBoxLayout, QWidget

from workbench.app.run_query import value_of
from workbench.app.run_table import cell_text
from workbench.runs import IndexedRun
from workbench.sdk import MetricsHistory
from workbench.views import CurvesView, ParallelAxis, ParallelView, Pick, ScatterView, TableView

WALL_TIME = "wall_seconds"
MOST_CURVES = 40
MOST_AXES = 9
LOG_RATIO = 50.0
COLUMNS_OF_A_RUN = ("seed", "seconds", "step")


def differing(runs: Sequence[IndexedRun]) -> tuple[str, ...]:
    """Names of the parameters that are not the same in all runs, and "seed" where seeds differ."""
    names: dict[str, None] = {}
    for run in runs:
        names.update(dict.fromkeys(run.parameters))
    different = [name for name in names if len({cell_text(run.parameters.get(name)) for run in runs}) > 1]
    return (*different, *(["seed"] if len({run.seed for run in runs}) > 1 else []))


def run_label(run: IndexedRun, names: Sequence[str]) -> str:
    """Tell a run from the others by what differs; by its start where nothing does."""
    told = ", ".join(f"{name} {cell_text(value_of(run, name))}" for name in names[:3])
    return told or run.id[:15]


def metric_names(runs: Sequence[IndexedRun]) -> list[str]:
    """Names of all metrics of some runs, losses first."""
    names = {name for run in runs for name in run.finals if name != WALL_TIME}
    return sorted(names, key=lambda name: (not name.startswith("loss"), name))


def numeric_names(runs: Sequence[IndexedRun]) -> list[str]:
    """Names of the parameters and columns with a number in some run, those that differ first."""
    if not runs:
        return []
    names = dict.fromkeys(name for name in differing(runs) if any(is_number(run.parameters.get(name)) for run in runs))
    for run in runs:
        names.update(dict.fromkeys(name for name, value in run.parameters.items() if is_number(value)))
    return list(dict.fromkeys([*names, *COLUMNS_OF_A_RUN]))


def is_number(value: Any) -> bool:
    """Whether a value has a place on an axis."""
    return isinstance(value, int | float) and not isinstance(value, bool)


class RunPlots(QTabWidget):
    """Four ways to look at runs. `histories_wanted` carries the runs whose metrics are to be read.

    `run_clicked` carries the id of a run that was clicked in a plot.
    """

    histories_wanted = Signal(object)
    run_clicked = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._scattered: Sequence[IndexedRun] = ()
        self._paralleled: Sequence[IndexedRun] = ()
        self._all: list[IndexedRun] = []
        self._selected: list[IndexedRun] = []
        self._histories: dict[str, MetricsHistory] = {}
        self.curves = CurvesView("run-curves", "Curves", smoothing=0.0,
                                 hint="Select runs in the table; the menu … smooths and sets log axes.")  # fmt: skip
        self.metric_box, self.time = QComboBox(), QComboBox()
        self.time.addItem("over steps", "step")
        self.time.addItem("over wall time", "wall")
        self.difference = TableView("run-parameters", "Parameters", hint="Select two or more runs to compare them.")
        self.only_different = QCheckBox("only what differs")
        self.only_different.setChecked(True)
        self.scatter = ScatterView("run-scatter", "Parameter against metric")
        self.x_box, self.y_box = QComboBox(), QComboBox()
        self.parallel = ParallelView("run-parallel", "Parallel coordinates")
        self.coloured = QComboBox()
        self.addTab(_page(self.curves, ("metric", self.metric_box), ("", self.time)), "Curves")
        self.addTab(_page(self.difference, ("", self.only_different)), "Parameters")
        self.addTab(_page(self.scatter, ("across", self.x_box), ("up", self.y_box)), "Scatter")
        self.addTab(_page(self.parallel, ("colour", self.coloured)), "Parallel")
        self.metric_box.activated.connect(self._draw_curves)
        self.time.activated.connect(self._draw_curves)
        self.only_different.toggled.connect(self._draw_difference)
        self.x_box.activated.connect(self._draw_scatter)
        self.y_box.activated.connect(self._draw_scatter)
        self.coloured.activated.connect(self._draw_parallel)
        self.currentChanged.connect(self._draw)
        self.scatter.clicked.connect(self._scatter_clicked)
        self.parallel.clicked.connect(self._parallel_clicked)

    def show_runs(self, runs: Sequence[IndexedRun], selected: Sequence[IndexedRun]) -> None:
        """Show these runs; curves and differences are of the selected ones alone."""
        self._all, self._selected = list(runs), list(selected)[:MOST_CURVES]
        self._draw()

    def show_histories(self, histories: Mapping[str, MetricsHistory]) -> None:
        """Draw the curves that were read."""
        self._histories = dict(histories)
        self._draw_curves()

    @Slot()
    def _draw(self) -> None:
        if self.currentIndex() == 0:
            _offer(self.metric_box, metric_names(self._selected))
            self.histories_wanted.emit(self._selected)
        else:
            measured = [*metric_names(self._all), *COLUMNS_OF_A_RUN] if self._all else []
            _offer(self.x_box, numeric_names(self._all))
            _offer(self.y_box, measured)
            _offer(self.coloured, measured)
            (self._draw_difference, self._draw_scatter, self._draw_parallel)[self.currentIndex() - 1]()

    @Slot()
    def _draw_curves(self) -> None:
        metric, over_wall = self.metric_box.currentText(), self.time.currentData() == "wall"
        names = differing(self._selected)
        self.curves.x_axis.label, self.curves.x_axis.unit = ("wall time", "s") if over_wall else ("step", "")
        self.curves.y_axis.label = metric
        shown = [run for run in self._selected if run.id in self._histories and metric in self._histories[run.id]]
        for name in set(self.curves.series_names) - {run.id for run in shown}:
            self.curves.remove_series(name)
        for index, run in enumerate(shown):
            history = self._histories[run.id]
            steps, values = history[metric]
            x = seconds_at(history, steps) if over_wall else steps
            self.curves.set_series(run.id, x, values, label=run_label(run, names), color=index)
        self.curves.show_message("" if shown else self._why_no_curves())

    def _why_no_curves(self) -> str:
        return "Select one or more runs in the table." if not self._selected else "These runs measured nothing yet."

    @Slot()
    def _draw_difference(self) -> None:
        runs = self._selected
        if not runs:
            self.difference.show_message("Select runs in the table to see their parameters side by side.")
            return
        different = set(differing(runs))
        names = [*dict.fromkeys(name for run in runs for name in run.parameters), "seed", "device"]
        if self.only_different.isChecked() and len(runs) > 1:
            names = [name for name in names if name in different]
        metrics = metric_names(runs)
        rows: list[list[Any]] = [[name, *(cell_text(value_of(run, name)) for run in runs)] for name in names]
        rows += [[f"{name} (last)", *(run.finals.get(name) for run in runs)] for name in metrics]
        self.difference.set_rows(["", *(f"{run.id[9:15]} · {run.experiment}" for run in runs)], rows)

    @Slot()
    def _draw_scatter(self) -> None:
        x, y = self.x_box.currentText(), self.y_box.currentText()
        runs = [run for run in self._all if is_number(value_of(run, x)) and is_number(value_of(run, y))]
        self._scattered = runs
        if not runs:
            self.scatter.clear()
            self.scatter.show_message(f"No run has both {x or 'a parameter'} and {y or 'a metric'}.")
            return
        xs, ys = (np.array([float(value_of(run, name)) for run in runs]) for name in (x, y))
        self.scatter.x_axis.label, self.scatter.y_axis.label = x, y
        self.scatter.set_log(x=is_wide(xs), y=is_wide(ys))
        names = differing(runs)
        kinds = sorted({run.experiment for run in runs})
        self.scatter.set_points(
            xs, ys, classes=[kinds.index(run.experiment) for run in runs], class_names=kinds,
            labels=[run_label(run, names) for run in runs],
        )  # fmt: skip
        chosen = {run.id for run in self._selected}
        self.scatter.set_highlight([index for index, run in enumerate(runs) if run.id in chosen])

    @Slot()
    def _draw_parallel(self) -> None:
        metric = self.coloured.currentText()
        runs = [run for run in self._all if is_number(value_of(run, metric))]
        self._paralleled = runs
        names = [name for name in differing(runs)[:MOST_AXES] if name != metric]
        if not names:
            self.parallel.set_axes(())
            self.parallel.show_message("Parallel coordinates need runs that differ in a parameter.")
            return
        self.parallel.show_message("")
        self.parallel.set_axes([*(axis_of(runs, name) for name in names), axis_of(runs, metric)])
        chosen = {run.id for run in self._selected}
        self.parallel.set_highlight([index for index, run in enumerate(runs) if run.id in chosen])

    @Slot(object)
    def _scatter_clicked(self, pick: Any) -> None:
        if isinstance(pick, Pick) and 0 <= pick.index < len(self._scattered):
            self.run_clicked.emit(self._scattered[pick.index].id)

    @Slot(object)
    def _parallel_clicked(self, index: int) -> None:
        self.run_clicked.emit(self._paralleled[index].id)


def seconds_at(history: MetricsHistory, steps: np.ndarray) -> np.ndarray:
    """Return the seconds of computing at each step (n,), interpolated between the times that were recorded."""
    if WALL_TIME not in history:
        return np.full(len(steps), np.nan)
    at, seconds = history[WALL_TIME]
    return np.interp(steps, np.concatenate([[0], at]), np.concatenate([[0.0], seconds]))


def axis_of(runs: Sequence[IndexedRun], name: str) -> ParallelAxis:
    """One axis of parallel coordinates: numbers where every value is one, else words."""
    values = [value_of(run, name) for run in runs]
    if all(is_number(value) or value is None for value in values):
        numbers = np.array([np.nan if value is None else float(value) for value in values])
        return ParallelAxis(name, numbers, is_log=is_wide(numbers))
    words = tuple(sorted({cell_text(value) for value in values}))
    return ParallelAxis(name, np.array([float(words.index(cell_text(value))) for value in values]), words)


def is_wide(values: np.ndarray) -> bool:
    """Whether positive values span so much that a logarithmic axis shows them better."""
    finite = values[np.isfinite(values)]
    return bool(len(finite) and finite.min() > 0 and finite.max() / finite.min() > LOG_RATIO)


def _offer(box: QComboBox, names: Sequence[str]) -> None:
    """Fill a box with names, keeping what was chosen where it is still there."""
    if [box.itemText(index) for index in range(box.count())] != list(names):
        chosen = box.currentText()
        box.clear()
        box.addItems(list(names))
        if chosen in names:
            box.setCurrentText(chosen)


def _page(view: QWidget, *tools: tuple[str, QWidget]) -> QWidget:
    page = QWidget()
    row = QHBoxLayout()
    row.setContentsMargins(8, 4, 8, 0)
    for text, widget in tools:
        if text:
            row.addWidget(QLabel(text))
        if isinstance(widget, QComboBox):
            widget.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
            widget.setMinimumContentsLength(10)
            widget.setAccessibleName(text or "axis")
        row.addWidget(widget)
    row.addStretch(1)
    layout = QVBoxLayout(page)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(2)
    layout.addLayout(row)
    layout.addWidget(view, 1)
    return page
