"""View of the experiment "fractional": paint a function on the disc, slide the order of its Laplacian."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Slot
from PySide6.QtWidgets import QComboBox, QFormLayout, QPushButton, QSpinBox, QVBoxLayout, QWidget

from plugins.deeponet.contract import FRACTIONAL_MODELS
from plugins.deeponet.frames import DiscAnswer, FractionalFrame
from workbench.sdk import MetricsHistory
from workbench.views import BarsView, CurvesView, ExperimentView, LabelledSlider, SessionPort, TableView
from workbench.views.curves import positive
from workbench.views.edits import Edit
from workbench.views.field_editor import BrushPalette, FieldEditor
from workbench.views.field_row import FieldRow
from workbench.views.layouts import above, beside, row_of, tabs_of
from workbench.views.theme import DIVERGING

DISC = (-1.0, 1.0, -1.0, 1.0)
COLOURS = {"deeponet": 0, "cnn": 1}


class FractionalView(ExperimentView):
    """The function, prediction, closed form and error on the disc; below, learning, and the error at every order."""

    hint = "Paint u on the disc or slide the order α: networks and closed form answer at once."

    def __init__(self, port: SessionPort, parent: QWidget | None = None) -> None:
        super().__init__(port, parent)
        self._frame: FractionalFrame | None = None
        self._own: np.ndarray | None = None
        self._case = 0
        self.palette_box = BrushPalette(-6.0, 6.0, 3.0)
        self.palette_box.hardness_slider.set_value(0.0)
        self.palette_box.radius_slider.set_value(0.2)
        self.editor = FieldEditor("disc", "Function u", self.palette_box, extent=DISC, symmetric=True, value_label="u",
                                  x_label="x", y_label="y")  # fmt: skip
        self.fields = FieldRow("disc-field", input_view=self.editor, output_label="(−Δ)^(α/2) u", colormap=DIVERGING)
        self.learning = CurvesView("learning", "Relative L2 error, all orders", y_label="relative L2", log_y=True)
        self.ratio = CurvesView("ratio", "Test MSE ÷ training MSE", y_label="ratio",
                                hint="The generalisation gap: 1 means that nothing was learnt by heart.")  # fmt: skip
        self.by_order = CurvesView(
            "by-order", "Error at every order", "order α", "relative L2", log_y=True,
            hint="The DeepONet is asked between the trained orders too; the CNN has images for the trained ones only.",
        )  # fmt: skip
        self.coefficients = BarsView("zernike", "Zernike coefficients of the function", "coefficient",
                                     group_label="polynomial")  # fmt: skip
        self.table = TableView("numbers", "Numbers")
        tabs = tabs_of({
            "Learning": beside(self.learning, self.ratio, self.by_order, sizes=(360, 260, 360)),
            "Numbers": beside(self.table, self.coefficients, sizes=(520, 480)),
            "Section, spectrum": self.fields.below,
        })  # fmt: skip
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(above(self.fields.row, tabs, sizes=(500, 500)))
        self._play = self._made_controls()
        self.editor.field_changed.connect(self._painted)
        self.editor.painting_finished.connect(self._stroke_done)

    def _made_controls(self) -> QWidget:
        box = QWidget()
        form = QFormLayout(box)
        form.setContentsMargins(0, 0, 0, 0)
        self.model = QComboBox()
        self.model.setToolTip("Whose prediction is shown")
        self.model.activated.connect(self.ask_again)
        form.addRow("Shown", self.model)
        self.order = LabelledSlider(
            "α", 0.01, 0.99, 0.5, decimals=2, help="Order of the Laplacian: −Δ to the power α/2"
        )
        self.order.value_changed.connect(self.ask_again)
        form.addRow(self.order)
        self.case = QSpinBox()
        self.case.setRange(1, 24)
        self.case.setToolTip("A function of the test set")
        self.case.valueChanged.connect(self._case_chosen)
        form.addRow("Test case", self.case)
        self.bump = QPushButton("(1 − r²)^1.75")
        self.bump.setToolTip("The authors' fabricated test, as the nearest sum of the polynomials")
        self.bump.clicked.connect(self._ask_bump)
        self.flat = QPushButton("Zero")
        self.flat.setToolTip("An empty disc to paint on")
        self.flat.clicked.connect(self._clear_disc)
        form.addRow(row_of(self.bump, self.flat))
        form.addRow(self.palette_box)
        return box

    def play_controls(self) -> QWidget:
        """Model, order, functions to start from, and the brush."""
        return self._play

    def start_over(self) -> None:
        """Forget the networks before; a painted function stays."""
        self._frame = None
        for view in (self.learning, self.ratio, self.by_order):
            view.clear()

    # What the worker says

    def show_metrics(self, history: MetricsHistory) -> None:
        """Draw errors of both networks."""
        for name, color in COLOURS.items():
            label = FRACTIONAL_MODELS[name]
            for key, view, text, style in (
                (f"train/{name}", self.learning, f"{label}, train", "dash"),
                (f"test/{name}", self.learning, f"{label}, test", "solid"),
                (f"ratio/{name}", self.ratio, label, "solid"),
            ):
                if key in history:
                    view.set_series(key, *history[key], color=color, label=text, style=style)  # type: ignore[arg-type]
        self.ratio.set_line("one", 1.0)

    def show_frame(self, frame: FractionalFrame) -> None:
        """Draw the chosen function, or ask anew about the painted one."""
        is_first = self._frame is None
        self._frame = frame
        if is_first and [self.model.itemData(row) for row in range(self.model.count())] != list(frame.models):
            self.model.clear()
            for name in frame.models:
                self.model.addItem(FRACTIONAL_MODELS[name], name)
        is_default = self._own is None and self._case == 0 and abs(float(self.order.value) - frame.answer.order) < 1e-9
        if is_default:
            self._show(frame.answer)
        elif not self.editor.is_painting:
            self.ask_again()
        for name, errors in zip(frame.models, frame.errors, strict=True):
            known = np.isfinite(errors)
            if known.any():
                self.by_order.set_series(name, frame.orders[known], positive(errors[known]), color=COLOURS[name],
                                         label=FRACTIONAL_MODELS[name])  # fmt: skip

    def _show(self, answer: DiscAnswer) -> None:
        frame = self._frame
        if frame is None or len(answer.predictions) != len(frame.models):
            return
        if not self.editor.is_painting:
            self.editor.set_field(answer.input)
        index = min(max(0, self.model.currentIndex()), len(answer.predictions) - 1)
        name = frame.models[index]
        note = f"{answer.known_order:.2f}" if name == "cnn" else ""
        self.fields.set_fields(answer.predictions[index], answer.truth, DISC, who=FRACTIONAL_MODELS[name],
                               note=note)  # fmt: skip
        self.fields.truth.title = f"Truth · α = {answer.order:.2f}"
        self.by_order.set_line("now", answer.order, "vertical", color="accent")
        names = [str(number) for number in range(len(answer.coefficients))]
        self.coefficients.set_bars(names, {"coefficient": answer.coefficients})
        rows = [
            (FRACTIONAL_MODELS[own], frame.parameters[row], *(
                100 * frame.numbers[f"{part}/{own}"] if f"{part}/{own}" in frame.numbers else None
                for part in ("train", "test")
            ), 100 * answer.relative[row], answer.milliseconds[row])
            for row, own in enumerate(frame.models)
        ]  # fmt: skip
        columns = ("model", "parameters", "train L2 (%)", "test L2 (%)", "this: L2 (%)", "time (ms)")
        self.table.set_rows(columns, rows)

    # Asking

    @Slot()
    def ask_again(self) -> None:
        """Ask for the answers to the function as it is, at the chosen order."""
        order = float(self.order.value)
        if self._own is None:
            self.port.ask_latest("case", self._show, number=self._case, order=order)
        else:
            self.port.ask_latest("respond", self._show, values=self._own, order=order)

    def take_function(self, values: np.ndarray) -> None:
        """Take this picture as the function that is painted."""
        self._own = np.asarray(values, float)
        self.editor.set_field(self._own)
        self.ask_again()

    def _edit(self, text: str, values: np.ndarray) -> None:
        before = self.editor.field
        self.take_function(values)
        if before is not None:
            self.port.undo_stack.push(Edit(text, self.take_function, before, np.asarray(values, float)))

    @Slot(int)
    def _case_chosen(self, number: int) -> None:
        self._own, self._case = None, number - 1
        self.ask_again()

    @Slot()
    def _ask_bump(self) -> None:
        self.port.ask_latest("bump", self._take_bump)

    def _take_bump(self, values: np.ndarray) -> None:
        self._edit("A bump", values)

    @Slot()
    def _clear_disc(self) -> None:
        values = self.editor.field
        if values is not None:
            self._edit("An empty disc", np.where(np.isnan(values), np.nan, 0.0))

    @Slot(object)
    def _painted(self, values: np.ndarray) -> None:
        self._own = values
        self.ask_again()

    @Slot(object, object)
    def _stroke_done(self, before: np.ndarray, after: np.ndarray) -> None:
        self._own = after
        self.port.undo_stack.push(Edit("Paint u", self.take_function, before, after))
        self.ask_again()
