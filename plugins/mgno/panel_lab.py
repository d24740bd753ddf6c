"""Views of the experiments "multigrid" and "boundary"."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Slot
from PySide6.QtWidgets import QFormLayout, QGridLayout, QPushButton, QVBoxLayout, QWidget

from plugins.mgno.frames import BoundaryFrame, LabFrame
from workbench.sdk import MetricsHistory
from workbench.views import CurvesView, ExperimentView, ImageView, Pick, SessionPort, TableView
from workbench.views.curves import positive
from workbench.views.edits import Edit
from workbench.views.field_editor import BrushPalette, FieldEditor
from workbench.views.layouts import above, beside

UNIT = (0.0, 1.0, 0.0, 1.0)
CYCLE_COLOURS = {"Jacobi alone": "muted", "textbook": 0, "trained": 1}
BOUNDARY_NAMES = ("Dirichlet", "Neumann", "periodic")
PADDING_NAMES = ("zeros", "reflect", "circular")


class MultigridView(ExperimentView):
    """A painted source, the solution after some cycles, residuals, and how each Fourier mode is damped."""

    hint = "Paint a source; Train unfreezes the stencils. The factor is what one cycle leaves of the residual."

    def __init__(self, port: SessionPort, parent: QWidget | None = None) -> None:
        super().__init__(port, parent)
        self._frame: LabFrame | None = None
        self._own: np.ndarray | None = None
        self.palette_box = BrushPalette(-2.0, 2.0, 1.0)
        self.palette_box.hardness_slider.set_value(0.2)
        self.editor = FieldEditor("source", "Source f", self.palette_box, phases=(1.0, -1.0), symmetric=True,
                                  value_label="f", x_label="x", y_label="y", levels=(-2.0, 2.0))  # fmt: skip
        self.solution = ImageView("solution", "Solution after the cycles", symmetric=True, value_label="u",
                                  x_label="x", y_label="y")  # fmt: skip
        self.error = ImageView("error", "Its error", symmetric=True, value_label="Δu", x_label="x", y_label="y")
        self.residuals = CurvesView("residuals", "Residual by cycle", "cycle", "‖f − A u‖ ÷ ‖f‖", log_y=True)
        self.modes = CurvesView("modes", "What one cycle leaves of mode (k, k)", "k", "share left", log_y=True)
        self.learning = CurvesView("learning", "Factor of a cycle", y_label="factor", log_y=True)
        self.table = TableView("stencils", "Stencils on the finest grid")
        self.editor.field_changed.connect(self._painted)
        self.editor.painting_finished.connect(self._stroke_done)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(above(
            beside(self.editor, self.solution, self.error),
            beside(self.residuals, self.modes, above(self.learning, self.table)), sizes=(480, 520),
        ))  # fmt: skip
        self._play = QWidget()
        form = QFormLayout(self._play)
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow(self.palette_box)
        clear = QPushButton("Empty source")
        clear.clicked.connect(self._empty)
        form.addRow(clear)

    def play_controls(self) -> QWidget:
        """The brush."""
        return self._play

    def start_over(self) -> None:
        """Forget the cycle before."""
        self._frame = None
        for view in (self.residuals, self.modes, self.learning):
            view.clear()

    def show_metrics(self, history: MetricsHistory) -> None:
        """Draw the factors while the stencils learn."""
        if "loss" in history:
            self.learning.set_series("loss", *history["loss"], color="muted", faint=True)
        for name in ("textbook", "trained"):
            if f"factor/{name}" in history:
                self.learning.set_series(name, *history[f"factor/{name}"], color=CYCLE_COLOURS[name])

    def show_frame(self, frame: LabFrame) -> None:
        """Draw the source of the frame, or ask for the painted one anew."""
        if self._own is not None and self._own.shape != frame.source.shape:
            self._own = None
        if self._own is None:
            self._show(frame)
        elif not self.editor.is_painting:
            self._ask()

    def _show(self, frame: LabFrame) -> None:
        self._frame = frame
        if not self.editor.is_painting:
            self.editor.set_field(frame.source)
        self.solution.set_image(frame.solution, extent=UNIT)
        error = frame.solution - frame.exact
        self.error.set_image(error, extent=UNIT)
        scale = float(np.abs(frame.exact).max())
        cycles = len(frame.residuals["trained"]) - 1
        self.solution.title = f"Solution after {cycles} cycles"
        self.error.title = (
            f"Its error · at most {float(np.abs(error).max()) / scale:.1e} of max |u|" if scale else "Its error"
        )
        for name, curve in frame.residuals.items():
            label = f"{name}: {frame.factors[name]:.3f} a cycle" if name in frame.factors else name
            self.residuals.set_series(
                name, np.arange(len(curve)), positive(curve), color=CYCLE_COLOURS[name], label=label
            )
        for name, curve in frame.modes.items():
            self.modes.set_series(name, frame.wave_numbers, positive(curve), color=CYCLE_COLOURS[name])
        rows = [
            (name if line == 0 else "", *(float(value) for value in stencil[line]))
            for name, stencil in frame.stencils.items() for line in range(3)
        ]  # fmt: skip
        self.table.set_rows(("", "left", "middle", "right"), rows)

    def _ask(self) -> None:
        if self._own is not None:
            self.port.ask_latest("solve", self._show, source=self._own)

    @Slot(object)
    def _painted(self, values: np.ndarray) -> None:
        self._own = values
        self._ask()

    def take_source(self, values: np.ndarray) -> None:
        """Take this source as the painted one."""
        self._own = np.asarray(values, float)
        self.editor.set_field(self._own)
        self._ask()

    @Slot(object, object)
    def _stroke_done(self, before: np.ndarray, after: np.ndarray) -> None:
        self.port.undo_stack.push(Edit("Paint the source", self.take_source, before, after))

    @Slot()
    def _empty(self) -> None:
        before = self.editor.field
        if before is not None:
            self.take_source(np.zeros_like(before))
            self.port.undo_stack.push(Edit("Empty source", self.take_source, before, np.zeros_like(before)))


class BoundaryView(ExperimentView):
    """The 3 x 3 matrix of errors, and prediction and error of the chosen pair."""

    hint = "Click a cell of the matrix to see that network. On the diagonal the padding fits the boundary condition."

    def __init__(self, port: SessionPort, parent: QWidget | None = None) -> None:
        super().__init__(port, parent)
        self._frame: BoundaryFrame | None = None
        self._chosen = (0, 0)
        self.matrix = ImageView("matrix", "Test error by boundary and padding", x_label="padding",
                                y_label="boundary condition", value_label="relative L2", origin="upper",
                                hint="Click a cell to see its network.")  # fmt: skip
        self.source = ImageView("source", "Source f", symmetric=True, value_label="f", x_label="x", y_label="y")
        self.truth = ImageView("truth", "Truth u", symmetric=True, value_label="u", x_label="x", y_label="y")
        self.prediction = ImageView(
            "prediction", "Prediction", symmetric=True, value_label="u", x_label="x", y_label="y"
        )
        self.error = ImageView("error", "Error", symmetric=True, value_label="Δu", x_label="x", y_label="y")
        self.learning = CurvesView("learning", "Test error", y_label="relative L2", log_y=True)
        self.table = TableView("numbers", "Numbers")
        four = QWidget()
        grid = QGridLayout(four)
        grid.setContentsMargins(0, 0, 0, 0)
        for index, view in enumerate((self.source, self.truth, self.prediction, self.error)):
            grid.addWidget(view, index // 2, index % 2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(
            beside(above(self.matrix, self.learning, self.table, sizes=(420, 340, 200)), four, sizes=(420, 560))
        )
        self.matrix.clicked.connect(self._clicked)

    def start_over(self) -> None:
        """Forget the networks before."""
        self._frame = None
        self.learning.clear()

    def show_metrics(self, history: MetricsHistory) -> None:
        """Draw the test errors of all nine; dashed where the padding does not fit."""
        for row, boundary in enumerate(("dirichlet", "neumann", "periodic")):
            for column, padding in enumerate(PADDING_NAMES):
                key = f"test/{boundary}/{padding}"
                if key in history:
                    fits = row == column
                    self.learning.set_series(
                        key, *history[key], color=row, style="solid" if fits else "dot", width=2.2 if fits else 1.2,
                        label=f"{BOUNDARY_NAMES[row]}, {padding}", group=f"{BOUNDARY_NAMES[row]} (dots: others)",
                    )  # fmt: skip

    def show_frame(self, frame: BoundaryFrame) -> None:
        """Draw the matrix and the chosen network."""
        self._frame = frame
        self.matrix.set_image(frame.errors, row_labels=BOUNDARY_NAMES, column_labels=PADDING_NAMES)
        rows = []
        for row, name in enumerate(BOUNDARY_NAMES):
            errors = [100 * float(value) for value in frame.errors[row]]
            best = PADDING_NAMES[int(np.argmin(errors))] if np.isfinite(errors).all() else None
            rows.append((name, *errors, best))
        self.table.set_rows(("boundary", *(f"{padding} (%)" for padding in PADDING_NAMES), "best"), rows)
        self._draw()

    @Slot(object)
    def _clicked(self, pick: Pick) -> None:
        if pick.index >= 0:
            self._chosen = divmod(pick.index, 3)
            self._draw()

    def _draw(self) -> None:
        frame = self._frame
        if frame is None:
            return
        row, column = self._chosen
        truth, prediction = frame.truth[row], frame.prediction[row, column]
        scale = float(np.abs(truth).max())
        self.source.set_image(frame.source[row], extent=UNIT)
        for view, field in ((self.truth, truth), (self.prediction, prediction)):
            view.set_levels((-scale, scale))
            view.set_image(field, extent=UNIT)
        self.error.set_image(prediction - truth, extent=UNIT)
        self.prediction.title = f"Prediction · {BOUNDARY_NAMES[row]} with {PADDING_NAMES[column]}"
        self.matrix.set_cursor((float(column), float(row)))
