"""Controls beside the operator view: inputs to start from, the brush, the training's history, sensors."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QSignalBlocker, Slot
from PySide6.QtWidgets import QComboBox, QFormLayout, QLabel, QPushButton, QSpinBox, QWidget

from plugins.deeponet.frames import OperatorFrame, Response
from workbench.views import FrameScrubber, LabelledSlider
from workbench.views.layouts import row_of

if TYPE_CHECKING:
    from plugins.deeponet.panel_operator import OperatorView

KINDS = {
    "grf_rbf": "GRF, RBF", "grf_ae": "GRF, exponential", "chebyshev": "Chebyshev", "power": "power series",
    "x": "x", "sin": "sin πx", "sin2": "sin 2πx", "xsin": "x sin 2πx", "one": "1", "zero": "0",
}  # fmt: skip


class OperatorPlay(QWidget):
    """Placed in the left column; says what the person chose to the view."""

    def __init__(self, view: OperatorView) -> None:
        super().__init__()
        self._view = view
        self._seed = 0
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        self.case = QSpinBox()
        self.case.setRange(1, 24)
        self.case.setToolTip("A function of the test set")
        self.case.valueChanged.connect(self._case_chosen)
        form.addRow("Test case", self.case)
        self.kind = QComboBox()
        for value, text in KINDS.items():
            self.kind.addItem(text, value)
        self.kind.setToolTip("Where the input is drawn from")
        self.kind.activated.connect(self._draw)
        again = QPushButton("New")
        again.clicked.connect(self._draw_another)
        form.addRow("Input", row_of(self.kind, again))
        self.scale = LabelledSlider("l", 0.05, 2.0, 0.2, log=True, decimals=2, help="Length scale: same dice, other l")
        self.scale.value_changed.connect(self._draw)
        form.addRow(self.scale)
        buttons = []
        for kind in ("sin", "step", "bump"):
            button = QPushButton(f"+ {kind}")
            button.clicked.connect(partial(self._add, kind))
            buttons.append(button)
        form.addRow(row_of(*buttons))
        self.brush = LabelledSlider("brush", 0.0, 0.1, 0.02, decimals=3, help="Smoothing along a stroke")
        self.brush.value_changed.connect(self._brush_changed)
        form.addRow(self.brush)
        self.worst = QPushButton("Worst input nearby")
        self.worst.clicked.connect(self._find_worst)
        form.addRow(self.worst)
        self.train_here = QPushButton("Train with these")
        self.train_here.clicked.connect(self._train_here)
        back = QPushButton("Back")
        back.setToolTip("To where the network was trained")
        back.clicked.connect(self._sensors_back)
        form.addRow(row_of(self.train_here, back))
        self.history = FrameScrubber(frames_per_second=8)
        self.history.frame_changed.connect(self._history_moved)
        self._live = True
        self._snapshots: tuple[int, ...] = ()
        self.history.setToolTip("The network as it was: at the right end, as it is")
        form.addRow(QLabel("History of the training"))
        form.addRow(self.history)

    @property
    def snapshot(self) -> int:
        """Which kept state of the network answers; -1 for the one that learns."""
        return -1 if self._live else self.history.frame

    def show_frame(self, frame: OperatorFrame) -> None:
        """Take over how much history there is, and what this problem offers."""
        if frame.snapshots != self._snapshots:
            self._snapshots = frame.snapshots
            self.history.set_count(len(frame.snapshots) + 1)
            if self._live:
                self.history.set_frame(len(frame.snapshots))
        self.worst.setEnabled(frame.problem.is_ode)
        self.worst.setToolTip(
            "Climb the network's error from this input, within what the training process would draw"
            if frame.problem.is_ode
            else "Needs a differentiable solver, which the three ODEs have"
        )
        has_moved = self._view.moved_sensors is not None
        self.train_here.setEnabled(has_moved)
        self.train_here.setToolTip(
            "A new network with sensors where they are now (Reset starts it)" if has_moved else "Move a sensor first"
        )

    @Slot(int)
    def _case_chosen(self, number: int) -> None:
        self._view.show_case(number - 1)

    @Slot()
    def _draw_another(self) -> None:
        self._seed += 1
        self._draw()

    @Slot()
    def _draw(self) -> None:
        self._view.port.ask_latest("draw_input", self._take, kind=self.kind.currentData(),
                                   length_scale=float(self.scale.value), seed=self._seed)  # fmt: skip

    def _take(self, values: np.ndarray) -> None:
        self._view.edit("Another input", values)

    def _add(self, kind: str, checked: bool = False) -> None:
        self._view.add_bump(kind)

    @Slot(object)
    def _brush_changed(self, width: float) -> None:
        self._view.editor.brush = float(width)

    @Slot()
    def _find_worst(self) -> None:
        self.worst.setEnabled(False)
        self._view.port.ask_latest(
            "worst_input", self._worst_found, partial=self._climbed, failed=self._worst_failed, values=self._view.drawn
        )

    def _climbed(self, response: Response) -> None:
        if isinstance(response, Response):
            self._show_climb(response)

    def _show_climb(self, response: Response) -> None:
        dense = np.linspace(0, 1, len(response.u))
        self._view.take_input(np.interp(np.linspace(0, 1, 201), dense, response.u))

    def _worst_found(self, response: Response) -> None:
        self.worst.setEnabled(True)
        self._show_climb(response)

    def _worst_failed(self, sentence: str) -> None:
        self.worst.setEnabled(True)
        self._view.port.say(sentence)

    @Slot()
    def _train_here(self) -> None:
        positions = self._view.moved_sensors
        frame = self._view._frame
        if positions is None or frame is None:
            return
        low, high = frame.problem.interval
        shares = (positions - low) / (high - low)
        text = " ".join(f"{share:.4f}".rstrip("0").rstrip(".") for share in shares)
        self._view.port.change_parameters("Train with dragged sensors", {"layout": "dragged", "positions": text})
        self._view.set_sensors(None)

    @Slot()
    def _sensors_back(self) -> None:
        self._view.set_sensors(None)

    @Slot(object)
    def _history_moved(self, index: int) -> None:
        self._live = index >= len(self._snapshots)
        self._view.ask_again()

    def reset_case(self) -> None:
        """Show the first case without asking for it."""
        with QSignalBlocker(self.case):
            self.case.setValue(1)
