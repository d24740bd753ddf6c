"""Small widgets that panels put beside their views: a labelled slider, segmented buttons, a frame scrubber."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

from PySide6.QtCore import QSignalBlocker, Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from workbench.views.theme import theme

NOTCHES = 1000
SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0)


class LabelledSlider(QWidget):
    """A label, a slider and a box for the exact value; `log=True` makes equal steps equal factors.

    `value_changed` emits the value as a float (an int with `decimals=0`), also while the slider is dragged.
    """

    value_changed = Signal(object)

    def __init__(
        self,
        label: str,
        low: float,
        high: float,
        value: float,
        *,
        log: bool = False,
        decimals: int = 3,
        unit: str = "",
        help: str = "",
    ) -> None:
        super().__init__()
        if not low < high or (log and low <= 0):
            raise ValueError(f"{label}: a slider cannot run from {low} to {high}{' on a log scale' if log else ''}")
        self._low, self._high, self._log, self._decimals = low, high, log, decimals
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setRange(0, min(NOTCHES, round(high - low)) if decimals == 0 and not log else NOTCHES)
        self._slider.setMinimumWidth(70)
        self._slider.setAccessibleName(label)
        self._box = QDoubleSpinBox()
        self._box.setDecimals(decimals)
        self._box.setRange(low, high)
        self._box.setSingleStep(1 if decimals == 0 else (high - low) / 100)
        if log:
            self._box.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)
        self._box.setKeyboardTracking(False)
        self._box.setSuffix(f" {unit}" if unit else "")
        self._box.setAccessibleName(label)
        text = QLabel(label)
        text.setBuddy(self._box)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(text)
        layout.addWidget(self._slider, 1)
        layout.addWidget(self._box)
        self.setToolTip(help)
        self.set_value(value)
        self._slider.valueChanged.connect(self._slider_moved)
        self._box.valueChanged.connect(self._box_changed)

    @property
    def value(self) -> float:
        """The value now; an int with `decimals=0`."""
        return round(self._box.value()) if self._decimals == 0 else self._box.value()

    def set_value(self, value: float) -> None:
        """Show `value`, cut to the range, without emitting `value_changed`."""
        value = min(max(value, self._low), self._high)
        with QSignalBlocker(self._slider), QSignalBlocker(self._box):
            self._box.setValue(value)
            self._slider.setValue(self._notch(value))

    def _notch(self, value: float) -> int:
        if self._log:
            share = math.log(value / self._low) / math.log(self._high / self._low)
        else:
            share = (value - self._low) / (self._high - self._low)
        return round(share * self._slider.maximum())

    @Slot(int)
    def _slider_moved(self, notch: int) -> None:
        share = notch / self._slider.maximum()
        value = self._low + share * (self._high - self._low)
        if self._log:
            value = self._low * (self._high / self._low) ** share
        with QSignalBlocker(self._box):
            self._box.setValue(value)
        self.value_changed.emit(self.value)

    @Slot(float)
    def _box_changed(self, value: float) -> None:
        with QSignalBlocker(self._slider):
            self._slider.setValue(self._notch(value))
        self.value_changed.emit(self.value)


class SegmentedButtons(QWidget):
    """Buttons in a row of which one is down; `chosen` emits its value when the person picks another."""

    chosen = Signal(object)

    def __init__(self, options: Sequence[tuple[Hashable, str]], *, help: str = "") -> None:
        super().__init__()
        self._values = [value for value, _ in options]
        self._group = QButtonGroup(self)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        for index, (_, text) in enumerate(options):
            button = QToolButton()
            button.setText(text)
            button.setCheckable(True)
            button.setChecked(index == 0)
            self._group.addButton(button, index)
            layout.addWidget(button)
        layout.addStretch(1)
        self.setToolTip(help)
        self._style()
        theme().changed.connect(self._style)
        self._group.idClicked.connect(self._clicked)
        self._last = 0

    @Slot()
    def _style(self) -> None:
        # Fusion sinks a checked button a little, which cannot be seen on dark backgrounds.
        colours = theme()
        self.setStyleSheet(
            f"QToolButton {{ padding: 3px 8px; border: 1px solid {colours.grid}; background: {colours.window}; }}"
            f"QToolButton:checked {{ background: {colours.accent}; color: {colours.background}; }}"
            f"QToolButton:focus {{ border-color: {colours.accent}; }}"
        )

    @property
    def value(self) -> Hashable:
        """Value of the button that is down."""
        return self._values[self._group.checkedId()]

    def set_texts(self, texts: Sequence[str]) -> None:
        """Let the buttons say something else."""
        for button, text in zip(self._group.buttons(), texts, strict=True):
            button.setText(text)

    def set_value(self, value: Hashable) -> None:
        """Press the button of `value`, without emitting `chosen`; raise ValueError if there is none."""
        self._last = self._values.index(value)
        self._group.button(self._last).setChecked(True)

    @Slot(int)
    def _clicked(self, index: int) -> None:
        if index != self._last:
            self._last = index
            self.chosen.emit(self._values[index])


class FrameScrubber(QWidget):
    """Plays through a number of frames: play or pause, a slider, speed, loop.

    `frame_changed` emits the index as a Python int, from playing and from dragging alike.
    """

    frame_changed = Signal(object)
    playing_changed = Signal(bool)

    def __init__(self, count: int = 0, *, frames_per_second: float = 20.0) -> None:
        super().__init__()
        self._fps = frames_per_second
        self._play = QToolButton()
        self._play.setCheckable(True)
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setAccessibleName("Frame")
        self._slider.setMinimumWidth(60)
        self._position = QLabel()
        self._speed = QComboBox()
        self._speed.addItems([f"{speed:g}×" for speed in SPEEDS])
        self._speed.setCurrentIndex(SPEEDS.index(1.0))
        self._speed.setToolTip("Speed")
        self._loop = QToolButton()
        self._loop.setText("⟲")
        self._loop.setToolTip("Start over at the end")
        self._loop.setCheckable(True)
        self._loop.setChecked(True)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (self._play, self._slider, self._position, self._speed, self._loop):
            layout.addWidget(widget, 1 if widget is self._slider else 0)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._advance)
        self._play.toggled.connect(self._toggled)
        self._slider.valueChanged.connect(self._moved)
        self._speed.currentIndexChanged.connect(self._retime)
        self.set_count(count)
        self._style_play()

    @property
    def frame(self) -> int:
        """Index of the frame shown."""
        return self._slider.value()

    @property
    def count(self) -> int:
        """How many frames there are."""
        return self._slider.maximum() + 1

    @property
    def frames_per_second(self) -> float:
        """Frames a second at the speed that is chosen."""
        return self._fps * SPEEDS[self._speed.currentIndex()]

    @property
    def is_playing(self) -> bool:
        """Whether frames advance by themselves."""
        return self._play.isChecked()

    def set_count(self, count: int) -> None:
        """Say how many frames there are; the index is cut to them without a signal, and fewer than two disable it."""
        with QSignalBlocker(self._slider):
            self._slider.setRange(0, max(0, count - 1))
        self.setEnabled(count > 1)
        self.setToolTip("" if count > 1 else "There is nothing to play yet.")
        if count <= 1:
            self.set_playing(False)
        self._show_position()

    def set_frame(self, index: int) -> None:
        """Show the frame `index` without emitting `frame_changed`."""
        with QSignalBlocker(self._slider):
            self._slider.setValue(index)
        self._show_position()

    def go_to(self, index: int) -> None:
        """Show the frame `index` as if it was dragged there."""
        if index != self.frame:
            self._slider.setValue(index)
        else:
            self.frame_changed.emit(index)

    def set_playing(self, playing: bool) -> None:
        """Play or pause; playing from the last frame starts over."""
        self._play.setChecked(playing)

    @Slot(bool)
    def _toggled(self, playing: bool) -> None:
        if playing:
            if self.frame == self._slider.maximum():
                self._slider.setValue(0)
            self._retime()
            self._timer.start()
        else:
            self._timer.stop()
        self._style_play()
        self.playing_changed.emit(playing)

    @Slot()
    def _retime(self) -> None:
        self._timer.setInterval(max(1, round(1000 / (self._fps * SPEEDS[self._speed.currentIndex()]))))

    @Slot()
    def _advance(self) -> None:
        if self.frame < self._slider.maximum():
            self._slider.setValue(self.frame + 1)
        elif self._loop.isChecked():
            self._slider.setValue(0)
        else:
            self.set_playing(False)

    @Slot(int)
    def _moved(self, index: int) -> None:
        self._show_position()
        self.frame_changed.emit(index)

    def _show_position(self) -> None:
        total = self._slider.maximum() + 1
        self._position.setText(f"{self.frame + 1:>{len(str(total))}}/{total}")

    def _style_play(self) -> None:
        # Text instead of the style's icons, which are black in both themes.
        self._play.setText("❚❚" if self.is_playing else "▶")
        self._play.setToolTip("Pause" if self.is_playing else "Play")


if __name__ == "__main__":
    from workbench.views.demo import show_demo

    def _make() -> QWidget:
        box = QWidget()
        layout = QVBoxLayout(box)
        layout.addWidget(LabelledSlider("rate", 1e-5, 1, 1e-3, log=True, decimals=5))
        layout.addWidget(SegmentedButtons([("camera", "Camera"), ("object", "Object")]))
        layout.addWidget(FrameScrubber(60))
        return box

    show_demo(_make)
