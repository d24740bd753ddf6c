"""View of the experiment "fields": paint the coefficient, every model answers while you paint."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QTimer, Slot
from PySide6.QtWidgets import QComboBox, QVBoxLayout, QWidget

from plugins.mgno.contract import FROM_FILES, MODELS
from plugins.mgno.frames import FieldAnswer, FieldFrame, ResolutionAnswer
from plugins.mgno.panel_inside import CycleViews, SmootherViews
from plugins.mgno.panel_parts import MODEL_COLOURS
from plugins.mgno.panel_play import FieldPlay
from workbench.sdk import MetricsHistory
from workbench.views import BarsView, CurvesView, ExperimentView, HistogramView, ImageView, Pick, SessionPort, TableView
from workbench.views.curves import positive
from workbench.views.edits import Edit
from workbench.views.field_editor import BrushPalette, FieldEditor
from workbench.views.field_row import FieldRow
from workbench.views.layouts import above, beside, tabs_of

NUMBERS_MS = 80
REST_MS = 160
"""The true solver is asked when the mouse has not changed anything for so long."""


class FieldsView(ExperimentView):
    """Coefficient, prediction, truth and error in a row; below, sections, learning, and the V-cycles taken apart."""

    hint = "Paint the coefficient: the models answer while you paint, the true solver when the mouse rests."

    def __init__(self, port: SessionPort, parent: QWidget | None = None) -> None:
        super().__init__(port, parent)
        self._frame: FieldFrame | None = None
        self._answer: FieldAnswer | None = None
        self._own: np.ndarray | None = None
        self._case = 0
        self.palette_box = BrushPalette(0.1, 20.0, 12.0)
        self.editor = FieldEditor("coefficient", "Coefficient a", self.palette_box, value_label="a", x_label="x",
                                  y_label="y")  # fmt: skip
        self.fields = FieldRow("field", input_view=self.editor)
        self.model = QComboBox()
        self.model.setToolTip("Whose prediction is shown")
        self.model.activated.connect(self._redraw)
        self.fields.probed.connect(self._probed)
        self.learning = CurvesView("learning", "Relative L2 error", y_label="relative L2", log_y=True)
        self.learning_h1 = CurvesView("learning-h1", "Relative H1 error and loss", y_label="relative H1", log_y=True)
        self.histogram = HistogramView("errors", "Errors of the test problems", "relative L2",
                                       hint="Click a bar for a test problem with such an error.")  # fmt: skip
        self.histogram.clicked.connect(self._error_clicked)
        self.table = TableView("numbers", "Numbers")
        self.times = BarsView("times", "Time of an answer", "ms", log=True)
        self.receptive = ImageView("receptive", "Receptive field: ∂u(pixel) / ∂a", symmetric=True, x_label="x",
                                   y_label="y", value_label="∂u/∂a")  # fmt: skip
        self.receptive.show_message("Click a pixel of the prediction, truth or error.")
        self.iterations = CurvesView("iterations", "Conjugate gradients from each prediction", "iteration",
                                     "‖f − A u‖ ÷ ‖f‖", log_y=True)  # fmt: skip
        self.iterations.show_message("Paint or draw a coefficient: the true operator then measures each prediction.")
        self.resolution = CurvesView("resolution", "Error on other grids", "points a side", "relative L2", log_x=True,
                                     log_y=True)  # fmt: skip
        self.resolution.show_message("Ask for other grids on the left: the same problems at n/2, n and 2n.")
        self.cycle = CycleViews(self)
        self.smoothers = SmootherViews(self)
        self.tabs = tabs_of({
            "Section, spectrum": self.fields.below,
            "Learning": beside(self.learning, self.learning_h1),
            "Errors": beside(self.histogram, self.times, sizes=(600, 380)),
            "Numbers": self.table,
            "V-cycle": self.cycle,
            "Smoothers": self.smoothers,
            "Pixel": beside(self.receptive, self.iterations),
            "Resolution": self.resolution,
        })  # fmt: skip
        self.tabs.currentChanged.connect(self._tab_changed)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(above(self.fields.row, self.tabs, sizes=(480, 520)))
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MS)
        self._rest.timeout.connect(self._rested)
        self._numbers = QTimer(self)
        self._numbers.setSingleShot(True)
        self._numbers.setInterval(NUMBERS_MS)
        self._numbers.timeout.connect(self._show_numbers)
        self._play = FieldPlay(self)
        self.editor.field_changed.connect(self._painted)
        self.editor.painting_finished.connect(self._stroke_done)

    def play_controls(self) -> QWidget:
        """Problems to start from, the brush, the levels of the V-cycles."""
        return self._play

    def start_over(self) -> None:
        """Forget the networks before; a painted coefficient stays where its grid fits."""
        self._frame = self._answer = None
        for view in (self.learning, self.learning_h1, self.resolution, self.iterations):
            view.clear()

    # What the worker says

    def show_frame(self, frame: FieldFrame) -> None:
        """Draw the chosen test problem, or ask anew about the painted coefficient."""
        is_first = self._frame is None
        size_changed = self._own is not None and self._own.shape != frame.answer.input.shape
        self._frame = frame
        if is_first:
            self._set_up(frame)
        if size_changed:
            self._own = None
        self._play.show_frame(frame)
        if self._own is None and self._case == 0 and self._play.gains is None:
            self._show(frame.answer)
        elif not self.editor.is_painting:
            self.ask_again()
        if np.isfinite(frame.errors).any():
            for name, errors in zip(frame.models, frame.errors, strict=True):
                self.histogram.set_samples(name, errors, label=MODELS[name], color=MODEL_COLOURS[name])
        self._tab_changed(self.tabs.currentIndex())

    def show_metrics(self, history: MetricsHistory) -> None:
        """Draw errors of every model."""
        for name, color in MODEL_COLOURS.items():
            for key, view, label, style, faint in (
                (f"train/{name}", self.learning, f"{MODELS[name]}, batch", "solid", True),
                (f"test/{name}", self.learning, f"{MODELS[name]}, test", "solid", False),
                (f"loss/{name}", self.learning_h1, f"{MODELS[name]}, loss", "solid", True),
                (f"test_h1/{name}", self.learning_h1, f"{MODELS[name]}, test", "solid", False),
            ):
                if key in history:
                    view.set_series(key, *history[key], color=color, label=label, style=style, faint=faint)  # type: ignore[arg-type]

    def _set_up(self, frame: FieldFrame) -> None:
        shown = self.model.currentData()
        self.model.clear()
        for name in frame.models:
            self.model.addItem(MODELS[name], name)
        if shown in frame.models:
            self.model.setCurrentIndex(frame.models.index(shown))
        what = {"helmholtz": "Wave speed", "pipe": "Mesh"}.get(frame.dataset, "Coefficient")
        self.editor.title = f"{what} {frame.input_label}"
        self.editor.value_label = frame.input_label
        self.editor.phases = frame.phases
        self.editor.set_levels(frame.phases[::-1] if frame.phases else frame.limits)
        can_paint = frame.dataset != "pipe"
        self.palette_box.setEnabled(can_paint)
        self.palette_box.setToolTip("" if can_paint else "A mesh cannot be painted: choose test problems.")
        self.editor.drags = "edit" if can_paint and self.palette_box.tool != "pan" else "pan"
        self.fields.is_robust = frame.dataset == "helmholtz"
        self.cycle.set_levels(frame)

    @property
    def chosen_model(self) -> int:
        """Index of the model whose prediction is shown."""
        return max(0, self.model.currentIndex())

    def _show(self, answer: FieldAnswer) -> None:
        frame = self._frame
        if frame is None or answer.input.shape != frame.answer.input.shape:
            return
        if answer.truth is None and self._answer is not None and not self._rest.isActive():
            self._rest.start()
        self._answer = answer
        if not self.editor.is_painting:
            self.editor.set_field(answer.input)
        self._redraw()
        if answer.iterations is not None:
            names = ("from zero", *(f"from {MODELS[name]}" for name in frame.models))
            for index, (name, curve) in enumerate(zip(names, answer.iterations, strict=True)):
                color = "muted" if index == 0 else MODEL_COLOURS[frame.models[index - 1]]
                self.iterations.set_series(name, np.arange(len(curve)), positive(curve), color=color)
            self.iterations.title = self._saved(answer)

    @Slot()
    def _redraw(self) -> None:
        answer, frame = self._answer, self._frame
        if answer is None or frame is None:
            return
        index = min(self.chosen_model, len(answer.predictions) - 1)
        milliseconds = answer.milliseconds[index]
        self.fields.set_fields(answer.predictions[index], answer.truth, who=MODELS[frame.models[index]],
                               note=f"{milliseconds:.3g} ms")  # fmt: skip
        if not self._numbers.isActive():
            self._numbers.start()

    @staticmethod
    def _saved(answer: FieldAnswer) -> str:
        assert answer.iterations is not None
        counts = [int(np.isfinite(curve).sum()) - 1 for curve in answer.iterations]
        saved = ", ".join(f"{counts[0] - count:+d}" for count in counts[1:])
        return f"Conjugate gradients: {counts[0]} iterations from zero; saved {saved}"

    @Slot()
    def _show_numbers(self) -> None:
        frame, answer = self._frame, self._answer
        if frame is None or answer is None:
            return
        rows = []
        for index, name in enumerate(frame.models):
            truth = answer.truth
            here = h1_here = largest = None
            if truth is not None:
                error = answer.predictions[index] - truth
                here = 100 * float(np.linalg.norm(error) / max(np.linalg.norm(truth), 1e-30))
                h1_here = 100 * _h1_norm(error) / max(_h1_norm(truth), 1e-30)
                largest = float(np.abs(error).max())
            errors, h1 = frame.errors[index], frame.h1_errors[index]
            rows.append((
                MODELS[name], frame.parameters[index], 100 * float(errors.mean()), 100 * float(h1.mean()), here,
                h1_here, largest, answer.residuals[index] if answer.residuals else None, answer.milliseconds[index],
            ))  # fmt: skip
        if np.isfinite(answer.solver_ms):
            rows.append(("true solver", None, None, None, 0.0, 0.0, 0.0, None, answer.solver_ms))
        self.table.set_rows(
            ("model", "parameters", "test L2 (%)", "test H1 (%)", "this: L2 (%)", "this: H1 (%)", "this: max",
             "‖Au − f‖ ÷ ‖f‖", "time (ms)"), rows,
        )  # fmt: skip
        times = dict(zip((MODELS[name] for name in frame.models), answer.milliseconds, strict=True))
        if np.isfinite(answer.solver_ms):
            times["solver"] = answer.solver_ms
        self.times.set_bars(list(times), {"ms": list(times.values())})

    # Asking

    def show_case(self, number: int) -> None:
        """Take a test problem."""
        self._own, self._case = None, number
        self.ask_again()

    def take_coefficient(self, values: np.ndarray) -> None:
        """Take this coefficient as the one that is painted."""
        self._own = np.asarray(values, float)
        self.editor.set_field(self._own)
        self.ask_again()

    def edit(self, text: str, values: np.ndarray) -> None:
        """Replace the coefficient as one undoable step."""
        before = self.coefficient
        self.take_coefficient(values)
        if before is not None:
            self.port.undo_stack.push(Edit(text, self.take_coefficient, before, np.asarray(values, float)))

    @property
    def coefficient(self) -> np.ndarray | None:
        """What is in the editor."""
        return self.editor.field

    def ask_again(self) -> None:
        """Ask for the models' answers now, and for the true one when nothing has changed for a moment."""
        if self._own is None:
            self.port.ask_latest("case", self._show, number=self._case, gains=self._play.gains)
            return
        self.port.ask_latest("predict", self._show, values=self._own, gains=self._play.gains)
        self._rest.start()

    @Slot()
    def _rested(self) -> None:
        if self._own is not None and self._frame is not None and self._frame.dataset not in FROM_FILES:
            self.port.ask_latest("solve", self._show, values=self._own, gains=self._play.gains)

    @Slot(object)
    def _painted(self, values: np.ndarray) -> None:
        self._own = values
        self.ask_again()

    @Slot(object, object)
    def _stroke_done(self, before: np.ndarray, after: np.ndarray) -> None:
        self._own = after
        self.port.undo_stack.push(Edit("Paint", self.take_coefficient, before, after))
        self.ask_again()

    @Slot(object)
    def _probed(self, pick: Pick) -> None:
        values = self.coefficient
        if values is None:
            return
        n = len(values)
        row, column = int(np.clip(pick.y * n, 0, n - 1)), int(np.clip(pick.x * n, 0, n - 1))
        self.port.ask_latest("receptive", self._show_receptive, values=values, row=row, column=column,
                             model=self.chosen_model)  # fmt: skip
        self.receptive.set_cursor((pick.x, pick.y))

    def _show_receptive(self, slope: np.ndarray) -> None:
        self.receptive.set_image(slope, extent=(0, 1, 0, 1))
        self.receptive.title = f"Receptive field of one pixel: {MODELS[str(self.model.currentData())]}"

    @Slot(object)
    def _error_clicked(self, pick: Pick) -> None:
        frame = self._frame
        if frame is None or not np.isfinite(frame.errors).any():
            return
        errors = frame.errors[min(self.chosen_model, len(frame.errors) - 1)]
        self._play.choose_case(int(np.abs(errors - pick.x).argmin()))

    def ask_resolutions(self) -> None:
        """Measure the errors on other grids."""
        self.port.ask_latest("resolutions", self._show_resolutions)

    def _show_resolutions(self, answer: ResolutionAnswer) -> None:
        for name, errors in zip(answer.models, answer.errors, strict=True):
            self.resolution.set_series(name, answer.sizes, positive(errors), label=MODELS[name],
                                       color=MODEL_COLOURS[name])  # fmt: skip
        if self._frame is not None:
            self.resolution.set_line("trained", float(len(self._frame.answer.input)), "vertical", label="trained here")
        if answer.refused:
            self.port.say(" ".join(f"{MODELS[name]}: {why}" for name, why in answer.refused.items()))

    @Slot(int)
    def _tab_changed(self, index: int) -> None:
        page = self.tabs.widget(index)
        if page in (self.cycle, self.smoothers) and self._frame is not None and self.coefficient is not None:
            page.ask()  # type: ignore[attr-defined]


def _h1_norm(field: np.ndarray) -> float:
    """Root of the summed squares of a field and of its differences over cells of 1/n, as in relative_h1_differences."""
    down, across = np.gradient(field, 1 / field.shape[-1])
    return float(np.sqrt((field**2 + down**2 + across**2).sum()))
