"""View of the experiment "rollout": a flow as a film, true and predicted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QSignalBlocker, Slot
from PySide6.QtWidgets import QComboBox, QFormLayout, QProgressBar, QPushButton, QSpinBox, QVBoxLayout, QWidget

from plugins.mgno.contract import MODELS
from plugins.mgno.frames import RolloutFrame
from plugins.mgno.panel_parts import MODEL_COLOURS
from workbench.sdk import MetricsHistory, Progress
from workbench.views import CurvesView, ExperimentView, Film, FilmButton, FrameScrubber, SessionPort, TableView
from workbench.views.curves import positive
from workbench.views.edits import Edit
from workbench.views.field_editor import BrushPalette, FieldEditor
from workbench.views.field_row import FieldRow
from workbench.views.layouts import above, beside, tabs_of, with_button
from workbench.views.theme import DIVERGING


class RolloutView(ExperimentView):
    """First frame (to be painted), prediction, truth and error at one time; error by frame, spectra, learning."""

    hint = "Paint the first vorticity and let both go on from it; play the film with the scrubber."

    def __init__(self, port: SessionPort, parent: QWidget | None = None) -> None:
        super().__init__(port, parent)
        self._frame: RolloutFrame | None = None
        self._number = 0
        self._own: np.ndarray | None = None
        self.palette_box = BrushPalette(-2.0, 2.0, 1.0)
        self.palette_box.hardness_slider.set_value(0.0)
        self.editor = FieldEditor("first", "First vorticity", self.palette_box, phases=(1.0, -1.0), symmetric=True,
                                  value_label="w", x_label="x", y_label="y")  # fmt: skip
        self.fields = FieldRow("flow", input_view=self.editor, output_label="w", colormap=DIVERGING)
        self.model = QComboBox()
        self.model.setToolTip("Whose prediction is shown")
        self.model.activated.connect(self._draw)
        self.time = FrameScrubber(frames_per_second=4)
        self.time.frame_changed.connect(self._time_moved)
        self.errors = CurvesView("by-frame", "Error by frame", "frame", "relative L2", log_y=True)
        self.spectra = CurvesView("spectra", "Spectrum of the last frame", "|k|", "power", log_x=True, log_y=True)
        self.learning = CurvesView("learning", "Errors", y_label="relative L2", log_y=True)
        self.table = TableView("numbers", "Numbers")
        pictures = QWidget()
        column = QVBoxLayout(pictures)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.fields.row, 1)
        self.film = FilmButton(
            Film("flow", (self.fields.prediction, self.fields.truth, self.fields.error), self.time), port.say
        )
        column.addWidget(with_button(self.time, self.film))
        tabs = tabs_of({
            "Flow": beside(self.errors, self.spectra, self.learning),
            "Section, spectrum": self.fields.below,
            "Numbers": self.table,
        })  # fmt: skip
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(above(pictures, tabs, sizes=(520, 480)))
        self.editor.painting_finished.connect(self._stroke_done)
        self._play = QWidget()
        form = QFormLayout(self._play)
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow("Shown", self.model)
        self.number = QSpinBox()
        self.number.setRange(1, 16)
        self.number.valueChanged.connect(self._flow_chosen)
        form.addRow("Test flow", self.number)
        form.addRow(self.palette_box)
        self.go = QPushButton("Go on from the painted vorticity")
        self.go.clicked.connect(self._continue)
        form.addRow(self.go)
        self.progress = QProgressBar()
        self.progress.setRange(0, 100)
        self.progress.setVisible(False)
        form.addRow(self.progress)

    def play_controls(self) -> QWidget:
        """Which flow, and the brush."""
        return self._play

    def start_over(self) -> None:
        """Forget the networks before."""
        self._frame = self._own = None
        for view in (self.errors, self.spectra, self.learning):
            view.clear()

    def show_metrics(self, history: MetricsHistory) -> None:
        """Draw single-step and roll-out errors."""
        for name, color in MODEL_COLOURS.items():
            for key, label, style, faint in (
                (f"loss/{name}", f"{MODELS[name]}, batch", "solid", True),
                (f"one step/{name}", f"{MODELS[name]}, one step", "solid", False),
                (f"rollout/{name}", f"{MODELS[name]}, roll-out", "dash", False),
            ):
                if key in history:
                    self.learning.set_series(key, *history[key], color=color, label=label, style=style, faint=faint)  # type: ignore[arg-type]

    def show_frame(self, frame: RolloutFrame) -> None:
        """Draw the chosen flow; a painted one is kept until asked for anew."""
        with QSignalBlocker(self.number):
            self.number.setMaximum(frame.flows)
        if self.model.count() != len(frame.models):
            self.model.clear()
            for name in frame.models:
                self.model.addItem(MODELS[name], name)
        if self._own is not None:
            return
        if self._number == 0:
            self._show(frame)
        else:
            self.port.ask_latest("flow", self._show, number=self._number)

    @Slot(int)
    def _flow_chosen(self, number: int) -> None:
        self._own, self._number = None, number - 1
        self.port.ask_latest("flow", self._show, number=self._number)

    def films(self) -> Sequence[Film]:
        """The flow, predicted and true, with the error."""
        return (self.film.film,)

    def take_vorticity(self, values: np.ndarray) -> None:
        """Take this field as the painted one and go on from it."""
        self._own = np.asarray(values, float)
        self.editor.set_field(self._own)
        self._continue()

    @Slot(object, object)
    def _stroke_done(self, before: np.ndarray, after: np.ndarray) -> None:
        self._own = after
        self.port.undo_stack.push(Edit("Paint the vorticity", self.take_vorticity, before, after))
        self._continue()

    @Slot()
    def _continue(self) -> None:
        values = self.editor.field
        if values is None:
            return
        self._own = values
        self.go.setEnabled(False)
        self.progress.setVisible(True)
        self.port.ask_latest(
            "continue_from", self._continued, partial=self._going_on, failed=self._failed, vorticity=values
        )

    def _going_on(self, said: object) -> None:
        if isinstance(said, Progress) and said.fraction is not None:
            self.progress.setValue(round(100 * said.fraction))

    def _continued(self, frame: RolloutFrame) -> None:
        self._over()
        self._show(frame)

    def _failed(self, sentence: str) -> None:
        self._over()
        self.port.say(sentence)

    def _over(self) -> None:
        self.go.setEnabled(True)
        self.progress.setVisible(False)

    def _show(self, frame: RolloutFrame) -> None:
        is_first = self._frame is None
        self._frame = frame
        self.time.set_count(len(frame.truth))
        if is_first:
            self.time.set_frame(len(frame.truth) - 1)
        if not self.editor.is_painting:
            scale = float(np.abs(frame.truth[0]).max()) or 1.0
            self.editor.set_levels((-scale, scale))
            self.editor.set_field(frame.truth[0])
        known = frame.truth[np.isfinite(frame.truth)]
        reach = float(np.abs(known).max()) if len(known) else 1.0
        self.fields.levels = (-reach, reach) if reach > 0 else None
        frames = np.arange(len(frame.persistence))
        self.errors.set_series("nothing moves", frames, positive(frame.persistence), color="muted", style="dash")
        for name, errors in zip(frame.models, frame.errors, strict=True):
            self.errors.set_series(name, frames, positive(errors), color=MODEL_COLOURS[name], label=MODELS[name])
        k = np.arange(1, frame.spectra.shape[1])
        self.spectra.set_series("truth", k, positive(frame.spectra[0, 1:]), color="foreground")
        for name, power in zip(frame.models, frame.spectra[1:], strict=True):
            self.spectra.set_series(
                name, k, positive(power[1:]), color=MODEL_COLOURS[name], label=MODELS[name], style="dash"
            )
        rows = [
            (MODELS[name], frame.parameters[index], 100 * frame.one_step[index], 100 * float(errors[1:].mean()),
             100 * float(errors[-1]))
            for index, (name, errors) in enumerate(zip(frame.models, frame.errors, strict=True))
        ]  # fmt: skip
        rows.append(("nothing moves", 0, 100 * frame.persistence_step, 100 * float(frame.persistence[1:].mean()),
                     100 * float(frame.persistence[-1])))  # fmt: skip
        self.table.set_rows(("model", "parameters", "one step (%)", "roll-out (%)", "last frame (%)"), rows)
        self._draw()

    @Slot(object)
    def _time_moved(self, index: int) -> None:
        self._draw()

    @Slot()
    def _draw(self) -> None:
        frame = self._frame
        if frame is None:
            return
        index = min(self.time.frame, len(frame.truth) - 1)
        model = max(0, min(self.model.currentIndex(), len(frame.predictions) - 1))
        note = f"t = {index}, given" if index < frame.given else f"t = {index}"
        self.fields.set_fields(frame.predictions[model][index], frame.truth[index], who=MODELS[frame.models[model]],
                               note=note)  # fmt: skip
        self.errors.set_line("now", float(index), "vertical", color="accent")
