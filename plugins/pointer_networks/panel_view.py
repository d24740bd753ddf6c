"""What all tasks show: points to edit, the pointer matrix, learning curves, candidates, states, the test over sizes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from PySide6.QtCore import QRectF, QTimer, Slot
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QVBoxLayout, QWidget

from plugins.pointer_networks import geometry
from plugins.pointer_networks.contract import LABELS, MOST_POINTS, ModelAnswer, PointerFrame, SetAnswer
from plugins.pointer_networks.panel_beams import BeamTreeView
from plugins.pointer_networks.panel_parts import COLOURS, STOP_LABEL, MovePoints, pairs_of
from plugins.pointer_networks.panel_play import PlayControls
from workbench.sdk import MetricsHistory
from workbench.views import Column, CurvesView, ExperimentView, ImageView, ScatterView, SessionPort, TableView
from workbench.views.axis import Frame2D
from workbench.views.file_dialogs import ask_file
from workbench.views.layouts import above, beside, tabs_of
from workbench.views.painting import pen
from workbench.views.picks import Pick
from workbench.views.point_editor import PointEditor
from workbench.views.theme import CYCLIC, theme

IMPROVE_MS = 450
CHOSEN, TARGET = "#ffffff", "#ffb000"
"""Outlines in the matrix, whose colour map is the same in both themes."""
FAIL_SHARE = 0.01
"""Share of outputs that may cross themselves before the paper reports FAIL instead of an area."""


class PointerView(ExperimentView):
    """Base of the four views."""

    task: ClassVar[str] = "hull"
    quality_label: ClassVar[str] = "area covered"
    hint = "Click adds a point, drag moves it, right click deletes it; the network answers at once."

    def __init__(self, port: SessionPort, parent: QWidget | None = None) -> None:
        super().__init__(port, parent)
        self._frame: PointerFrame | None = None
        self._answer: SetAnswer | None = None
        self._free: ModelAnswer | None = None
        self._prefix: list[int] = []
        self._is_own = False
        self._steps: list[np.ndarray] = []
        self.editor = PointEditor("points", "Points", most=MOST_POINTS, fewest=1)
        self.matrix = ImageView(
            "pointers",
            "Where each step points",
            x_label="input",
            y_label="output step",
            value_label="probability",
            levels=(0.0, 1.0),
            origin="upper",
            aspect="free",
            hint="Boxed: chosen; dotted: the right one. Click a row to see its arrows.",
        )
        self.matrix.set_drawing("boxes", self._draw_boxes)
        self.loss = CurvesView("loss", "Training loss", "step", "cross-entropy", y_unit="nats", smoothing=0.9)
        self.accuracy = CurvesView("accuracy", "Right outputs on the test sets", "step", "share")
        self.teacher = CurvesView(
            "sequences", "Right sequences in the batch, teacher-forced", "step", "share", smoothing=0.9
        )
        self.sizes = CurvesView(
            "sizes",
            "Accuracy over the number of points",
            "points",
            "accuracy",
            hint="Shaded: the sizes trained. The LSTMs have no words beyond them.",
        )
        self.quality = CurvesView(
            "quality",
            f"{self.quality_label.capitalize()}",
            "points",
            self.quality_label,
            hint="Shaded: the sizes trained. Over valid outputs only.",
        )
        self.numbers = TableView("numbers", "Answers to these points")
        self.beams = BeamTreeView("beams", "Candidates of a beam search")
        self.beams.show_message("Six candidates are searched while this tab is open.")
        self.states = ScatterView(
            "states",
            "Encoder states e_j",
            "first principal axis",
            "second",
            value_label="angle of the point (°)",
            colormap=CYCLIC,
            point_size=11.0,
            hint="Coloured by the point's angle around the centre; hover to find it.",
        )
        self.results = TableView("results", "Test sets", hint="The last look at the test sets, size by size.")
        for view in (self.accuracy, self.teacher, self.sizes):
            view.set_range(y=(0.0, 1.03))
        self._play = PlayControls(self.task == "tour")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._arranged())
        self._timer = QTimer(self)
        self._timer.setInterval(IMPROVE_MS)
        self._timer.timeout.connect(self._next_improvement)
        self._connect()

    def _arranged(self) -> QWidget:
        curves = tabs_of({"Loss": self.loss, "Test": self.accuracy, "Sequences": self.teacher, "States": self.states})
        tests = tabs_of(self.test_pages())
        tests.currentChanged.connect(self._ask_candidates)
        left = above(self.editor, self.matrix)
        left.setSizes([430, 250])
        right = above(curves, tests)
        right.setSizes([300, 380])
        whole = beside(left, right)
        whole.setSizes([520, 460])
        return whole

    def test_pages(self) -> dict[str, QWidget]:
        """Views that share the lower right."""
        return {
            "Sizes": self.sizes,
            self.quality_label.capitalize(): self.quality,
            "Answers": self.numbers,
            "Beams": self.beams,
            "Table": self.results,
        }

    def _connect(self) -> None:
        self.editor.points_changed.connect(self._edited)
        self.editor.edit_finished.connect(self._edit_finished)
        self.editor.point_clicked.connect(self._point_clicked)
        self.editor.refused.connect(self._say)
        self.matrix.clicked.connect(self._matrix_clicked)
        self.states.hovered.connect(self._state_hovered)
        self.beams.clicked.connect(self._beam_clicked)
        self._play.model_chosen.connect(self._draw_answer)
        self._play.step_chosen.connect(self._draw_answer)
        self._play.points_chosen.connect(self._points_chosen)
        self._play.reordered.connect(self._reordered)
        self._play.worst_wanted.connect(self._ask_worst)
        self._play.released.connect(self._release)
        self._play.own_forgotten.connect(self._forget_own)
        self._play.improve_wanted.connect(self._improve)
        self._play.file_wanted.connect(self._open_file)

    def play_controls(self) -> QWidget:
        """Whose answer, which step, which points."""
        return self._play

    def state(self) -> dict[str, Any]:
        """Zooms, and the points where they are the person's own."""
        return super().state() | {"own": self._is_own}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore what `state` returned; own points are asked for with the next frame."""
        super().restore(state)
        saved = state.get(self.editor.name)
        if state.get("own") and isinstance(saved, Mapping):
            try:
                points = np.asarray(saved.get("points"), np.float64)
            except (TypeError, ValueError):
                return
            if points.ndim == 2 and points.shape[1] == 2 and 1 <= len(points) <= MOST_POINTS:
                self._is_own = True
                self.editor.set_points(np.clip(points, 0, 1))

    def start_over(self) -> None:
        """Forget the run before; the person's own points stay."""
        self._frame, self._answer, self._free, self._prefix = None, None, None, []
        self._timer.stop()
        self.editor.clear_overlays()
        for view in (self.loss, self.accuracy, self.teacher, self.sizes, self.quality):
            view.clear()

    # Frames and metrics

    def show_frame(self, frame: PointerFrame) -> None:
        """Draw the example, or ask again about the person's own points; and the test where there is a newer one."""
        before, self._frame = self._frame, frame
        self._play.set_models(frame.models)
        if self._is_own or self._prefix:
            if before is None or before.step != frame.step:
                self._ask()
        elif not self.editor.is_dragging:
            self.show_answer(frame.probe)
        if before is None or (before.evaluated, before.tested) != (frame.evaluated, frame.tested):
            self._show_test(frame)

    def _show_test(self, frame: PointerFrame) -> None:
        low, high = frame.trained
        for view, table in ((self.sizes, frame.accuracy), (self.quality, frame.quality)):
            for row, name in enumerate(frame.models):
                view.set_series(name, frame.sizes, table[row], color=COLOURS[name], label=LABELS[name], width=2.2)
            view.set_span("trained", (low - 0.25, high + 0.25), label="trained")
        styles = ("dash", "dot", "dash")
        for style, color, (name, values) in zip(
            styles, ("foreground", 3, "muted"), frame.references.items(), strict=False
        ):
            self.quality.set_series(name, frame.sizes, values, color=color, style=style)
        self.sizes.title = f"Accuracy over the number of points, step {frame.evaluated}"
        rows = []
        for row, name in enumerate(frame.models):
            for column, size in enumerate(frame.sizes.tolist()):
                numbers = (frame.accuracy[row, column], frame.valid[row, column])
                if np.isfinite(numbers[0]):
                    quality = self.quality_cell(float(numbers[1]), float(frame.quality[row, column]))
                    rows.append((LABELS[name], int(size), *map(float, numbers), quality))
        self.results.set_rows(
            ["model", Column("points"), Column("right", digits=3), Column("valid", digits=3), self.quality_label], rows
        )
        self.results.title = f"Test sets, step {frame.evaluated}"

    def quality_cell(self, valid: float, quality: float) -> object:
        """What the table says of quality."""
        return round(quality, 4) if np.isfinite(quality) else None

    def show_metrics(self, history: MetricsHistory) -> None:
        """Draw the curves."""
        for metric in history.names:
            kind, _, name = metric.partition("/")
            view = {"loss": self.loss, "accuracy": self.accuracy, "sequence": self.teacher}.get(kind)
            if name in COLOURS and (view is not None or kind == "valid"):
                steps, values = history[metric]
                if kind == "valid":
                    self.accuracy.set_series(
                        metric, steps, values, color=COLOURS[name], style="dot", label=f"{LABELS[name]}, valid"
                    )
                elif view is not None:
                    view.set_series(name, steps, values, color=COLOURS[name], label=LABELS[name])

    # Answers

    def _ask(self) -> None:
        if self._frame is not None:
            self.port.ask_latest(
                "answer",
                self._answered,
                points=self.editor.points,
                prefix=tuple(self._prefix),
                prefix_of=self._play.chosen_model,
            )

    def _answered(self, answer: SetAnswer) -> None:
        # While a point is dragged, the answer is a little behind the hand; another number of points is out of date.
        if len(answer.points) == len(self.editor.points):
            self.show_answer(answer, keeps_points=True)

    def show_answer(self, answer: SetAnswer, *, keeps_points: bool = False) -> None:
        """Draw the answers to one point set."""
        if not keeps_points:
            self.editor.set_points(answer.points)
        if self._play.strip.count() != len(answer.points):
            self._play.strip.set_count(len(answer.points))
        self._answer = answer
        self._timer.stop()
        self._draw_answer()

    @property
    def shown(self) -> ModelAnswer | None:
        """The answer of the model that is chosen."""
        answer = self._answer
        return answer.answers.get(self._play.chosen_model) if answer else None

    @Slot()
    def _draw_answer(self) -> None:
        answer, own = self._answer, self.shown
        if answer is None or own is None:
            return
        self.editor.set_lines(
            "truth",
            pairs_of(self.task, answer.truth),
            color="muted",
            style="dash",
            width=1.6,
            label=self.truth_label(answer),
        )
        for name in COLOURS:
            is_shown = name == self._play.chosen_model or self._play.everyone.isChecked()
            found = answer.answers.get(name)
            visible = found is not None and is_shown and not found.refusal
            self.editor.set_lines(
                name,
                pairs_of(self.task, found.slots) if visible and found else None,
                color=COLOURS[name],
                width=2.6,
                label=self.answer_label(name, found),
            )
        free = pairs_of(self.task, self._free.slots) if self._free is not None and self._prefix else None
        self.editor.set_lines(
            "free",
            free,
            color=3,
            style="dot",
            width=1.8,
            label=f"unforced, log p {self._free.log_probability:.2f}" if self._free else "",
        )
        self.editor.set_lines("improved", None)
        self._draw_attention(own)
        self._show_matrix(answer, own)
        self._show_numbers(answer, own)
        self._show_states(answer.points, own)
        self._ask_candidates()
        self._play.set_forced(bool(self._prefix))
        self._play.about.setText(" ".join(text for text in (own.refusal, answer.note) if text))

    def _draw_attention(self, own: ModelAnswer) -> None:
        step = min(int(self._play.step.value), len(own.probabilities))
        if step < 1:
            self.editor.set_arrows("attention", None)
            self.editor.set_marked(None)
            return
        weights = own.probabilities[step - 1, 1:]
        ends = np.arange(len(weights))
        before = int(own.slots[step - 2]) - 1 if step > 1 else -1
        starts = np.full(len(weights), before) if before >= 0 else ends
        self.editor.set_arrows("attention", np.stack([starts, ends], 1), weights, color="warning")
        self.editor.set_marked(before if before >= 0 else None)

    def _show_matrix(self, answer: SetAnswer, own: ModelAnswer) -> None:
        if not len(own.probabilities):
            self.matrix.show_message(own.refusal or "There is nothing to point at.")
            return
        steps, slots = own.probabilities.shape
        table = np.concatenate([own.probabilities[:, 1:], own.probabilities[:, :1]], 1)
        self.matrix.set_image(
            table,
            row_labels=[str(k + 1) for k in range(steps)],
            column_labels=[*(str(k) for k in range(1, slots)), STOP_LABEL],
        )
        self.matrix.title = f"Where each step of {LABELS[self._play.chosen_model]} points"

    def _draw_boxes(self, painter: QPainter, frame: Frame2D) -> None:
        answer, own = self._answer, self.shown
        if answer is None or own is None or not len(own.probabilities):
            return
        last = own.probabilities.shape[1] - 1
        truth = [*geometry.chosen(answer.truth).tolist(), 0]
        step = int(self._play.step.value)
        for slots, style, colour in ((truth, "dot", TARGET), (own.slots.tolist(), "solid", CHOSEN)):
            painter.setPen(pen(colour, 1.8, style))
            for row, slot in enumerate(slots[: len(own.probabilities)]):
                column = last if slot == 0 else slot - 1
                corner, other = frame.point(column - 0.46, row - 0.44), frame.point(column + 0.46, row + 0.44)
                painter.drawRect(QRectF(corner, other).normalized())
        if 1 <= step <= len(own.probabilities):
            painter.setPen(pen(theme().warning, 2.2))
            edge = QRectF(frame.point(-0.5, step - 1.5), frame.point(last + 0.5, step - 0.5)).normalized()
            painter.drawRect(edge.adjusted(1, 1, -1, -1))

    def _show_numbers(self, answer: SetAnswer, own: ModelAnswer) -> None:
        rows = []
        for name, found in answer.answers.items():
            words = "–" if found.refusal else "yes" if found.is_right else "no"
            valid = "–" if found.refusal else "yes" if found.is_valid else "no"
            rows.append((LABELS[name], words, valid, found.quality, found.log_probability))
        self.numbers.set_rows(
            ["model", "right", "valid", Column(self.quality_label, digits=4), Column("log p", "nats", digits=4)], rows
        )

    def truth_label(self, answer: SetAnswer) -> str:
        """What the legend calls the right output."""
        return "right"

    def answer_label(self, name: str, found: ModelAnswer | None) -> str:
        """What the legend calls a model's output: with its log-probability while it is steered."""
        if found is None or not self._prefix or name != self._play.chosen_model:
            return LABELS[name]
        return f"{LABELS[name]}, log p {found.log_probability:.2f}"

    def _show_states(self, points: np.ndarray, own: ModelAnswer) -> None:
        if len(own.states) < 3 or len(own.states) != len(points):
            self.states.show_message("Three points or more have principal axes.")
            return
        away = points - points.mean(0)
        labels = [f"point {index + 1}" for index in range(len(points))]
        self.states.set_points(
            *own.states.T,
            values=np.degrees(np.arctan2(away[:, 1], away[:, 0])) % 360,
            labels=labels,
            levels=(0.0, 360.0),
        )
        self.states.title = f"Encoder states, {100 * sum(own.explained):.0f} % of their variance"

    @Slot(object)
    def _state_hovered(self, pick: Pick | None) -> None:
        self.editor.set_marked(pick.index if pick is not None and pick.index >= 0 else None)

    @Slot()
    def _ask_candidates(self, _: int = 0) -> None:
        if self._answer is not None and self.beams.isVisible():
            self.port.ask_latest(
                "candidates", self.beams.set_candidates, points=self._answer.points, model=self._play.chosen_model
            )

    @Slot(object)
    def _beam_clicked(self, pick: Pick) -> None:
        """Force a candidate, so that its steps are shown."""
        own = self.shown
        if own is not None and 0 <= pick.index < len(self.beams.candidates):
            if not self._prefix:
                self._free = own
            self._prefix = self.beams.candidates[pick.index][0].tolist()
            self._ask()

    # What the person does

    @Slot(str)
    def _say(self, sentence: str) -> None:
        self.port.say(sentence)

    def use_points(self, points: np.ndarray) -> None:
        """Show these points and ask about them."""
        self.editor.set_points(points)
        self._edited(points)

    @Slot(object)
    def _edited(self, points: np.ndarray) -> None:
        self._is_own, self._prefix, self._free = True, [], None
        self._ask()

    @Slot(object, object)
    def _edit_finished(self, before: np.ndarray, after: np.ndarray) -> None:
        self.port.undo_stack.push(MovePoints(self.use_points, before, after))

    @Slot(object)
    def _points_chosen(self, points: np.ndarray) -> None:
        before = self.editor.points
        self.use_points(points)
        self._edit_finished(before, points)

    @Slot(object)
    def _reordered(self, order: list[int]) -> None:
        before = self.editor.points
        if sorted(order) == list(range(len(before))):
            self._play.strip.set_count(len(before))
            self._points_chosen(before[order])

    @Slot()
    def _ask_worst(self) -> None:
        if self._frame is not None:
            self.port.ask_latest(
                "worst_order", self._reordered_by_worker, points=self.editor.points, model=self._play.chosen_model
            )

    def _reordered_by_worker(self, order: np.ndarray) -> None:
        self._reordered([int(index) for index in order])

    @Slot(object)
    def _point_clicked(self, index: int) -> None:
        own, step = self.shown, int(self._play.step.value)
        if own is None or step < 1 or own.refusal:
            return
        if not self._prefix:
            self._free = own
        self._prefix = [*own.slots[: step - 1].tolist(), int(index) + 1]
        self._ask()

    @Slot()
    def _release(self) -> None:
        self._prefix, self._free = [], None
        self._ask()

    @Slot()
    def _forget_own(self) -> None:
        self._is_own, self._prefix, self._free = False, [], None
        if self._frame is not None:
            self.show_answer(self._frame.probe)

    @Slot(object)
    def _matrix_clicked(self, pick: Pick) -> None:
        own = self.shown
        if own is not None and pick.index >= 0 and own.probabilities.size:
            self._play.step.set_value(pick.index // own.probabilities.shape[1] + 1)
            self._draw_answer()

    @Slot()
    def _improve(self) -> None:
        own, answer = self.shown, self._answer
        if own is None or answer is None or not own.is_valid:
            self.port.say("Only a valid tour can be improved.")
            return
        slots = geometry.chosen(own.slots)
        self.port.ask_latest("improve", self._play_improvements, points=answer.points, slots=slots)

    def _play_improvements(self, tours: list[np.ndarray]) -> None:
        if not tours:
            self.port.say("No exchange of two edges makes this tour shorter.")
            return
        self._steps = list(tours)
        self._timer.start()
        self._next_improvement()

    @Slot()
    def _next_improvement(self) -> None:
        if not self._steps:
            self._timer.stop()
            return
        self.editor.set_lines("improved", pairs_of("tour", self._steps.pop(0)), color=4, width=2.6, label="2-opt")

    @Slot()
    def _open_file(self) -> None:
        ask_file(self, "Open cities", ["Cities (*.tsp *.csv *.txt)"], self._load)

    def _load(self, file: Path) -> None:
        self.port.ask_latest("load", self._points_chosen, file=str(file))
