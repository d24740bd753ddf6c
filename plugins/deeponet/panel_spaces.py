"""Views of the experiments "shift" and "stochastic"."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Slot
from PySide6.QtWidgets import QFormLayout, QPushButton, QVBoxLayout, QWidget

from plugins.deeponet.frames import ShiftFrame, StochasticFrame
from plugins.deeponet.panel_parts import show_learning
from workbench.sdk import MetricsHistory
from workbench.views import BarsView, CurvesView, ExperimentView, LabelledSlider, Pick, ScatterView, SessionPort
from workbench.views.curves import positive
from workbench.views.layouts import above, beside


class ShiftView(ExperimentView):
    """Error by length scale and by distance, and one draw of each scale with the answers to it."""

    hint = "Click a point of the error curve to see a function of that length scale and the answers to it."

    def __init__(self, port: SessionPort, parent: QWidget | None = None) -> None:
        super().__init__(port, parent)
        self._frame: ShiftFrame | None = None
        self._chosen = -1
        self.errors = CurvesView("by-scale", "Error by the test functions' length scale", "length scale l",
                                 "relative L2", log_x=True, log_y=True)  # fmt: skip
        self.distance = ScatterView("by-distance", "Error by the distance of the spaces", "W2 distance", "relative L2",
                                    log_y=True)  # fmt: skip
        self.others = BarsView("others", "Other spaces", "relative L2", log=True)
        self.input = CurvesView("input", "A test function", "x", "u")
        self.answer = CurvesView("answer", "The answers to it", "x", "s")
        self.learning = CurvesView("learning", "Error on the training space", y_label="MSE", log_y=True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(above(
            beside(self.errors, self.distance, self.others, sizes=(420, 330, 230)),
            beside(self.input, self.answer, self.learning), sizes=(540, 460),
        ))  # fmt: skip
        self.errors.clicked.connect(self._clicked)

    def start_over(self) -> None:
        """Forget the networks before."""
        self._frame, self._chosen = None, -1
        for view in (self.errors, self.input, self.answer, self.learning):
            view.clear()

    def show_metrics(self, history: MetricsHistory) -> None:
        """Draw errors on the training space."""
        for name, label, color in (
            ("loss/deeponet", "loss", "muted"), ("train/deeponet", "train", 0), ("test/deeponet", "test", 1),
        ):  # fmt: skip
            if name in history:
                self.learning.set_series(name, *history[name], label=label, color=color, faint=color == "muted")

    def show_frame(self, frame: ShiftFrame) -> None:
        """Draw errors and the chosen example."""
        self._frame = frame
        if self._chosen < 0:
            self._chosen = int(np.abs(frame.scales - frame.trained).argmin())
        error = frame.relative
        if np.isfinite(error).all():
            band = (positive(error.min(1)), positive(error.max(1))) if error.shape[1] > 1 else None
            self.errors.set_series(
                "error", frame.scales, positive(error.mean(1)), color=0, band=band, label="relative L2"
            )
            labels = [f"l = {scale:g}" for scale in frame.scales]
            side = (frame.scales > frame.trained).astype(int)
            self.distance.set_points(
                frame.distance, error.mean(1), classes=side, labels=labels, sizes=np.full(len(side), 9.0),
                class_names=("rougher or equal", "smoother"),
            )  # fmt: skip
            self.others.set_bars(frame.others, {"error": frame.others_relative})
        self.errors.set_line("trained", frame.trained, "vertical", label="trained here")
        self._draw_example()

    @Slot(object)
    def _clicked(self, pick: Pick) -> None:
        if self._frame is not None and pick.x > 0:
            self._chosen = int(np.abs(np.log(self._frame.scales / pick.x)).argmin())
            self._draw_example()

    def _draw_example(self) -> None:
        frame = self._frame
        if frame is None:
            return
        index = min(self._chosen, len(frame.scales) - 1)
        self.input.title = f"A test function of length scale {frame.scales[index]:g}"
        self.input.set_series("u", frame.input_x, frame.inputs[index], color="foreground")
        truth, prediction = frame.truths[index], frame.predictions[index]
        self.answer.set_series("truth", frame.x, truth, color="foreground", width=2.0)
        self.answer.set_series("network", frame.x, prediction, color=0, style="dash", width=2.0,
                               band=(np.minimum(truth, prediction), np.maximum(truth, prediction)))  # fmt: skip
        self.errors.set_line("shown", float(frame.scales[index]), "vertical", color="accent")


class StochasticView(ExperimentView):
    """Curves of one process, true and predicted; its modes; the error of every test process."""

    hint = "Slide the length scale: the same dice, another process. New dice give other paths."

    def __init__(self, port: SessionPort, parent: QWidget | None = None) -> None:
        super().__init__(port, parent)
        self._frame: StochasticFrame | None = None
        self._own = False
        self._seed = 0
        self.fan = CurvesView("fan", "Curves", "t", "y", hint="Solid: true. Dashed: the network's.")
        self.modes = CurvesView("modes", "What the branch reads: √λ_i e_i", "x", "√λ_i e_i")
        self.errors = ScatterView("errors", "Error of every test process", "length scale l", "relative L2", log_y=True)
        self.learning = CurvesView("learning", "Mean squared error", y_label="MSE", log_y=True)
        self.errors.clicked.connect(self._error_clicked)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(above(
            beside(self.fan, self.modes, sizes=(600, 380)), beside(self.errors, self.learning), sizes=(560, 440)
        ))  # fmt: skip
        self._play = QWidget()
        form = QFormLayout(self._play)
        form.setContentsMargins(0, 0, 0, 0)
        self.scale = LabelledSlider("l", 0.1, 3.0, 1.5, decimals=2, help="Length scale of the process")
        self.scale.value_changed.connect(self._ask)
        form.addRow(self.scale)
        self.dice = QPushButton("New dice")
        self.dice.clicked.connect(self._roll)
        form.addRow(self.dice)

    def play_controls(self) -> QWidget:
        """Length scale and dice."""
        return self._play

    def start_over(self) -> None:
        """Forget the network before."""
        self._frame, self._own = None, False
        for view in (self.fan, self.modes, self.learning):
            view.clear()

    def show_metrics(self, history: MetricsHistory) -> None:
        """Draw errors."""
        show_learning(self.learning, history)

    def show_frame(self, frame: StochasticFrame) -> None:
        """Draw the middle of the range, or ask for the chosen process anew."""
        if self._own:
            self._ask()
            self._draw_errors(frame)
        else:
            self._show(frame)

    @Slot()
    def _ask(self) -> None:
        self._own = True
        self.port.ask_latest("at", self._show, length_scale=float(self.scale.value), seed=self._seed)

    @Slot()
    def _roll(self) -> None:
        self._seed += 1
        self._ask()

    @Slot(object)
    def _error_clicked(self, pick: Pick) -> None:
        self.scale.set_value(pick.x)
        self._ask()

    def _show(self, frame: StochasticFrame) -> None:
        self._frame = frame
        self.fan.clear()
        self.fan.title = f"{frame.title} · l = {frame.length_scale:.2f}"
        for index, (truth, answer) in enumerate(zip(frame.truth, frame.prediction, strict=True)):
            color = index % 8 if frame.is_path else "foreground"
            self.fan.set_series(f"true {index}", frame.x, truth, color=color, width=2.0, group="true")
            self.fan.set_series(f"network {index}", frame.x, answer, color=index % 8, style="dash", group="network")
        self.modes.clear()
        for index, mode in enumerate(frame.modes):
            self.modes.set_series(f"{index + 1}", frame.modes_x, mode, color=index % 8)
        self._draw_errors(frame)

    def _draw_errors(self, frame: StochasticFrame) -> None:
        good = np.isfinite(frame.errors) & (frame.errors > 0)
        if good.any():
            self.errors.set_points(frame.scales[: len(good)][good], frame.errors[good])
        self.errors.set_line("here", frame.length_scale, "vertical", color="accent")
