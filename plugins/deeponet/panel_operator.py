"""View of the experiment "operator": draw an input, read the answer as you draw."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QTimer, Slot
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from plugins.deeponet.frames import OperatorFrame, Response
from plugins.deeponet.panel_parts import show_learning
from plugins.deeponet.panel_pendulum import PendulumView
from plugins.deeponet.panel_play import OperatorPlay
from workbench.sdk import MetricsHistory
from workbench.views import (
    BarsView,
    CurvesView,
    ExperimentView,
    Film,
    FilmButton,
    FrameScrubber,
    SessionPort,
    TableView,
)
from workbench.views.curves import positive
from workbench.views.edits import Edit
from workbench.views.field_row import FieldRow
from workbench.views.function_editor import FunctionEditor
from workbench.views.layouts import above, beside, tabs_of, with_button

DRAWN_POINTS = 201
HALF_CELL = 0.5
DETAILS_MS = 80


class OperatorView(ExperimentView):
    """The drawn input with its sensors, the answers, what the basis does, and the errors of the training."""

    hint = "Draw u with the mouse: network and solver answer while you draw."

    def __init__(self, port: SessionPort, parent: QWidget | None = None) -> None:
        super().__init__(port, parent)
        self._frame: OperatorFrame | None = None
        self._response: Response | None = None
        self._own: np.ndarray | None = None
        self._sensors: np.ndarray | None = None
        self._case = 0
        self.editor = FunctionEditor("input", "Input", "x", "u(x)")
        self.answer = CurvesView(
            "answer", "Answer", "x", "s(x)",
            hint="Solid: the true solver. Dashed: the network. The error between them is filled.",
        )  # fmt: skip
        self.fields = FieldRow("field", has_input=False, output_label="s", x_label="x", y_label="t", aspect="free")
        self.time = FrameScrubber(frames_per_second=25)
        self.time.frame_changed.connect(self._time_moved)
        pictures = QWidget()
        column = QVBoxLayout(pictures)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.fields.row, 1)
        self.film = FilmButton(Film("section-film", (self.fields.section,), self.time, (720, 440)), port.say)
        column.addWidget(with_button(self.time, self.film))
        self.answers = QStackedWidget()
        self.answers.addWidget(self.answer)
        self.answers.addWidget(pictures)
        self.learning = CurvesView("learning", "Mean squared error", y_label="MSE", log_y=True)
        self.ratio = CurvesView("ratio", "Test error ÷ training error", y_label="ratio",
                                hint="The generalisation gap: 1 means that nothing was learnt by heart.")  # fmt: skip
        self.basis = CurvesView("basis", "Trunk: the basis t_k(y) that this input uses most", "x", "t_k")
        self.parts = BarsView("coefficients", "Branch: size of b_k(u) t_k", "rms of b_k t_k", group_label="k",
                              hint="Sorted: how much each basis function contributes for this input.")  # fmt: skip
        self.sums = CurvesView("sums", "Sums of the largest contributions", "x", "s(x)")
        self.spectrum = CurvesView("singular", "Singular values of the trunk", "k", "σ_k", log_y=True,
                                   hint="How many directions of the basis are really there.")  # fmt: skip
        self.table = TableView("numbers", "Numbers", hint="Errors on the test set, and for the input that is shown.")
        self.pendulum = PendulumView("pendulum", "Two pendulums")
        self.pendulum.pushed.connect(self._pushed)
        learn = beside(self.learning, self.ratio, sizes=(600, 400))
        anatomy = beside(self.basis, self.parts, self.spectrum, sizes=(400, 300, 260))
        self.tabs = tabs_of({"Learning": learn, "Numbers": self.table, "Anatomy": anatomy, "Partial sums": self.sums})
        self._section_tab = self.tabs.addTab(self.fields.below, "Section, spectrum")
        self._pendulum_tab = self.tabs.addTab(self.pendulum, "Play the pendulum")
        self._top = beside(self.editor, self.answers, sizes=(480, 520))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(above(self._top, self.tabs, sizes=(560, 440)))
        self._play = OperatorPlay(self)
        self._details = QTimer(self)
        self._details.setSingleShot(True)
        self._details.setInterval(DETAILS_MS)
        self._details.timeout.connect(self._show_details)
        self.editor.values_changed.connect(self._drawn)
        self.editor.drawing_finished.connect(self._stroke_done)
        self.editor.sensors_changed.connect(self._sensors_moved)
        self.editor.sensors_finished.connect(self._sensors_done)

    def play_controls(self) -> QWidget:
        """Inputs to start from, brush, history, sensors."""
        return self._play

    def films(self) -> Sequence[Film]:
        """Truth and prediction along x, as time goes on."""
        return (self.film.film,)

    def start_over(self) -> None:
        """Forget the network before; the drawn input stays where it fits."""
        self._frame = self._response = None
        for view in (self.learning, self.ratio, self.basis, self.sums):
            view.clear()

    def show_frame(self, frame: OperatorFrame) -> None:
        """Draw the chosen case, or ask anew about the drawn input."""
        is_first = self._frame is None or self._frame.problem.title != frame.problem.title
        interval_changed = self._frame is None or self._frame.problem.interval != frame.problem.interval
        self._frame = frame
        if is_first:
            self._set_up(frame)
        if interval_changed and self._own is not None:
            self.editor.set_function(frame.problem.interval, self._own)
        self._play.show_frame(frame)
        if self._own is None and self._case == 0 and self._sensors is None and self._play.snapshot < 0:
            self._show_response(frame.response)
        elif not self.editor.is_drawing:
            self.ask_again()
        for rank, (curve, index) in enumerate(zip(frame.basis, frame.basis_index, strict=True)):
            self.basis.set_series(f"{rank}", frame.basis_x, curve, label=f"t{index + 1}", color=rank % 8)
        self.spectrum.set_series("σ", np.arange(1, len(frame.singular_values) + 1), positive(frame.singular_values))

    def show_metrics(self, history: MetricsHistory) -> None:
        """Draw errors."""
        show_learning(self.learning, history)
        if "ratio" in history:
            self.ratio.set_series("ratio", *history["ratio"], label="test ÷ train")
            self.ratio.set_line("one", 1.0)

    def _set_up(self, frame: OperatorFrame) -> None:
        card = frame.problem
        self.editor.title = f"Input {card.input_label}"
        self.editor.y_axis.label = self.editor.label = card.input_label
        self.editor.x_axis.label = card.input_label[2:-1]
        self.answer.title = f"{card.title}:  {card.equation}"
        self.answer.x_axis.label, self.answer.y_axis.label = card.axis_labels[0], card.output_label
        is_field = len(card.axes) == 2
        self.answers.setCurrentIndex(1 if is_field else 0)
        self.tabs.setTabVisible(self._section_tab, is_field)
        self.tabs.setTabVisible(self._pendulum_tab, card.title == "Gravity pendulum")
        self._top.setSizes([410, 570] if is_field else [480, 500])
        self.answer.clear()
        self.time.set_count(len(card.axes[1]) if is_field else 0)
        if is_field:
            self.time.set_frame(len(card.axes[1]) - 1)
            self.fields.set_axis_labels(*card.axis_labels)
        for view in (self.sums, self.basis):
            view.clear()
            view.x_axis.label = card.axis_labels[0]
        self.sums.y_axis.label = card.output_label

    # Asking

    def show_case(self, number: int) -> None:
        """Take a test function as the input."""
        self._own, self._case = None, number
        self.ask_again()

    def take_input(self, values: np.ndarray) -> None:
        """Take these values as the input that was drawn."""
        assert self._frame is not None
        self._own = np.asarray(values, float)
        self.editor.set_function(self._frame.problem.interval, self._own)
        self.ask_again()

    @property
    def drawn(self) -> np.ndarray:
        """The input as it is now, on the editor's points."""
        return self._own if self._own is not None else self.editor.values

    def add_bump(self, kind: str) -> None:
        """Add sin, a step or a bump to the input, as one undoable edit."""
        share = np.linspace(0, 1, len(self.drawn))
        added = {
            "sin": np.sin(2 * np.pi * share), "step": (share > HALF_CELL).astype(float),
            "bump": np.exp(-0.5 * ((share - 0.5) / 0.06) ** 2),
        }[kind]  # fmt: skip
        self.edit(f"Add {kind}", self.drawn + added)

    def edit(self, text: str, values: np.ndarray) -> None:
        """Replace the input as one undoable step."""
        before = self.drawn.copy()
        self.take_input(values)
        self.port.undo_stack.push(Edit(text, self.take_input, before, np.asarray(values, float)))

    def ask_again(self) -> None:
        """Ask for the answers to the input as it is."""
        extra = {"sensors": self._sensors, "snapshot": self._play.snapshot}
        if self._own is not None:
            self.port.ask_latest("respond", self._show_response, values=self._own, **extra)
        else:
            self.port.ask_latest("case", self._show_response, number=self._case, **extra)

    @Slot(object)
    def _drawn(self, values: np.ndarray) -> None:
        self._own = values
        self.ask_again()

    @Slot(object, object)
    def _stroke_done(self, before: np.ndarray, after: np.ndarray) -> None:
        self._own = after
        self.port.undo_stack.push(Edit("Draw the input", self.take_input, before, after))
        self.ask_again()

    @Slot(object)
    def _sensors_moved(self, positions: np.ndarray) -> None:
        self._sensors = positions
        self.ask_again()

    @Slot(object, object)
    def _sensors_done(self, before: np.ndarray, after: np.ndarray) -> None:
        self.port.undo_stack.push(Edit("Move sensors", self.set_sensors, before, after))

    def set_sensors(self, positions: np.ndarray | None) -> None:
        """Put sensors elsewhere; None puts them where the network was trained."""
        self._sensors = positions
        if positions is not None:
            self.editor.set_sensors(positions)
        self.ask_again()

    @property
    def moved_sensors(self) -> np.ndarray | None:
        """Positions of sensors that were moved, or None."""
        return self._sensors

    @Slot(object)
    def _pushed(self, values: np.ndarray) -> None:
        self.take_input(values)

    @Slot(object)
    def _time_moved(self, index: int) -> None:
        if self._frame is not None and len(self._frame.problem.axes) == 2:
            self.fields.set_direction("across")
            self.fields.set_place(self.fields.place[0], float(self._frame.problem.axes[1][index]))

    # Showing

    def _show_response(self, response: Response) -> None:
        frame = self._frame
        if frame is None or response.prediction.shape != tuple(len(axis) for axis in frame.problem.axes):
            return
        self._response = response
        card = frame.problem
        if not self.editor.is_drawing:
            if self._own is None:
                dense = np.linspace(0, 1, len(response.u))
                shown = np.interp(np.linspace(0, 1, DRAWN_POINTS), dense, response.u)
                self.editor.set_function(card.interval, shown)
            self.editor.set_sensors(response.sensor_x)
        elif self.editor.mode == "draw":
            self.editor.set_sensors(response.sensor_x)
        if len(card.axes) == 2:
            x, t = card.axes
            extent = (float(x[0]), float(x[-1]), float(t[0]), float(t[-1]))
            truth = None if response.truth is None else response.truth.T
            self.fields.set_fields(response.prediction.T, truth, extent)
        else:
            self._show_curves(card.axes[0], response)
            self._show_beyond(response)
        self.pendulum.show_response(response, card.interval[1])
        self._title(frame, response)
        if not self._details.isActive():
            self._details.start()

    @Slot()
    def _show_details(self) -> None:
        """Draw numbers and anatomy; a few times a second are enough for eyes that follow the hand."""
        frame, response = self._frame, self._response
        if frame is not None and response is not None:
            self._show_parts(response)
            self._show_numbers(frame, response)

    def _show_curves(self, x: np.ndarray, response: Response) -> None:
        assert self._frame is not None
        truth = response.truth
        if truth is not None and np.isfinite(truth).any():
            self.answer.set_series("truth", x, truth, color="foreground", width=2.0)
            low, high = np.minimum(truth, response.prediction), np.maximum(truth, response.prediction)
            self.answer.set_series("network", x, response.prediction, color=0, width=2.0, style="dash",
                                   band=(low, high))  # fmt: skip
        else:
            self.answer.remove_series("truth")
            self.answer.set_series("network", x, response.prediction, color=0, width=2.0, style="dash")

    def _show_beyond(self, response: Response) -> None:
        """The network's curve past the interval, greyed: nothing was learnt there."""
        if response.beyond is None or response.beyond_x is None:
            self.answer.remove_series("beyond")
        else:
            self.answer.set_series("beyond", response.beyond_x, response.beyond, color="muted", style="dot",
                                   label="extrapolation")  # fmt: skip

    def _show_parts(self, response: Response) -> None:
        order = np.argsort(-response.contributions)[:16]
        self.parts.set_bars([str(k + 1) for k in order], {"b_k t_k": response.contributions[order]})
        frame = self._frame
        assert frame is not None
        known = {index: curve for index, curve in zip(frame.basis_index, frame.basis, strict=True)}
        if len(frame.problem.axes) != 1:
            self.sums.show_message("Partial sums are drawn for functions of one variable.")
            return
        total = np.zeros(len(frame.basis_x))
        for used, index in enumerate((int(k) for k in order if int(k) in known), 1):
            total = total + response.coefficients[index] * known[index]
            if used in (1, 2, 4, 8):
                self.sums.set_series(f"{used}", frame.basis_x, total, label=f"{used} largest", color=used.bit_length())
        self.sums.set_series("all", frame.basis_x, response.prediction, label="all, with b₀", color="foreground")

    def _show_numbers(self, frame: OperatorFrame, response: Response) -> None:
        own = frame.numbers
        rows: list[tuple[str, object, object]] = [
            ("test MSE", own.get("mse/test"), "all test triples"),
            ("test MSE, no outliers", own.get("mse/trimmed"), "largest 0.1 % dropped"),
            ("training MSE", own.get("mse/train"), "all training triples"),
            ("test ÷ training", own.get("ratio"), "generalisation"),
            ("test MSE at the best training error", own.get("best test"), "as the paper reports"),
            ("variance of s", own.get("var(s)"), "error of predicting the mean"),
            ("linearity defect", own.get("linearity"), "of the network; 0 for a linear operator"),
            ("parameters", frame.parameters, "numbers that are trained"),
            ("blown up", frame.lost, "triples left out"),
            ("this input: relative L2", response.relative_l2, "‖ŝ − s‖ ÷ ‖s‖"),
            ("this input: largest error", response.largest_error, ""),
            ("this input: outside", response.outside, "Mahalanobis per sensor; 1 is typical of training"),
            ("κ of this input", response.kappa, "what straight lines between sensors lose of u"),
            ("bound c T κ exp(c T)", response.bound, "theorem 2, on what the sensors can cost"),
            ("answered in", response.milliseconds, "ms in the worker"),
        ]
        self.table.set_rows(("what", "value", "meaning"), [row for row in rows if row[1] is not None])

    def _title(self, frame: OperatorFrame, response: Response) -> None:
        note = f"outside {response.outside:.3g}"
        if np.isfinite(response.relative_l2):
            note = f"error {100 * response.relative_l2:.3g} % · {note}"
        if len(frame.problem.axes) == 2:
            self.editor.title = f"{frame.problem.input_label} · outside {response.outside:.2g}"
        else:
            self.answer.title = f"{frame.problem.title}: {frame.problem.equation} · {note}"
