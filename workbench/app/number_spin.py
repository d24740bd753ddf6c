"""A spin box and a slider for numbers of any size, linear or logarithmic, whole or not."""

from __future__ import annotations

import math

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal, Slot
from PySide6.QtGui import QValidator
from PySide6.QtWidgets import QDoubleSpinBox, QSlider
from typing_extensions import override

from workbench.app.widgets import guard_wheel
from workbench.sdk import ParameterSpec

SLIDER_STEPS = 400
LARGEST_WHOLE = float(2**53)
SIGNIFICANT_DIGITS = 6
SHOWN_DIGITS = 7
STEPS_PER_DECADE = 10
WIDEST_WHOLE_SLIDER = 1000
LEAST_SHARE = 0.02
SLIDER_DIGITS = 3
"""Significant digits of what the slider gives, so that a drag ends at 0.0032 and not at 0.0032134871."""


class NumberSpin(QDoubleSpinBox):
    """Shows 1e-04 as a person writes it, and lets any number be typed: the model says what is wrong with it.

    A range set on the box itself would change 5000 into 1000 without a word.
    """

    def __init__(self, spec: ParameterSpec) -> None:
        super().__init__()
        self._spec = spec
        self.is_whole = spec.kind == "int"
        self.setDecimals(0 if self.is_whole else 15)
        self.setRange(-LARGEST_WHOLE if self.is_whole else -1e300, LARGEST_WHOLE if self.is_whole else 1e300)
        self.setKeyboardTracking(False)
        self.setAccelerated(True)
        self.setMinimumWidth(84)
        guard_wheel(self)

    @override
    def sizeHint(self) -> QSize:
        # Qt makes room for the largest number of the range, which here nobody will type.
        hint = super().sizeHint()
        text = "0" * SHOWN_DIGITS + self.suffix()
        hint.setWidth(self.fontMetrics().horizontalAdvance(text) + hint.height() + 14)
        return hint

    @override
    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    @override
    def textFromValue(self, value: float) -> str:
        return f"{value:.0f}" if self.is_whole else f"{value:.{SIGNIFICANT_DIGITS}g}"

    @override
    def valueFromText(self, text: str) -> float:
        try:
            number = float(self._number_text(text))
        except ValueError:
            return self.value()
        return number if math.isfinite(number) else self.value()

    @override
    def validate(self, text: str, position: int) -> object:
        cleaned = self._number_text(text)
        try:
            number = float(cleaned)
        except ValueError:
            is_begun = all(letter in "+-.eE0123456789" for letter in cleaned)
            return (QValidator.State.Intermediate if is_begun else QValidator.State.Invalid), text, position
        if self.is_whole and not float(number).is_integer():
            return QValidator.State.Intermediate, text, position
        return QValidator.State.Acceptable, text, position

    def _number_text(self, text: str) -> str:
        return text.removesuffix(self.suffix()).replace(",", ".").replace("\u2009", "").replace(" ", "")

    @override
    def stepBy(self, steps: int) -> None:
        self.setValue(self._within(self._stepped(steps)))

    def _stepped(self, steps: int) -> float:
        spec, value = self._spec, self.value()
        if spec.is_log and value > 0:
            following = _rounded(value * 10 ** (steps / STEPS_PER_DECADE), 2)
            if self.is_whole:
                following = round(following)
                return following if following != value else value + steps
            return following
        if spec.step is not None:
            return value + steps * spec.step
        if self.is_whole:
            return value + steps * max(1, 10 ** (int(math.log10(max(1.0, abs(value)))) - 1))
        size = abs(value) if value else _span(spec) or 1.0
        return _rounded(value + steps * 10 ** (math.floor(math.log10(size)) - 1), SIGNIFICANT_DIGITS)

    def _within(self, value: float) -> float:
        spec = self._spec
        if spec.minimum is not None and (value < spec.minimum or (spec.excludes_minimum and value == spec.minimum)):
            return self.value() if spec.excludes_minimum else spec.minimum
        if spec.maximum is not None and (value > spec.maximum or (spec.excludes_maximum and value == spec.maximum)):
            return self.value() if spec.excludes_maximum else spec.maximum
        return value


class NumberSlider(QSlider):
    """Gives values between the bounds of a spec, evenly or in equal ratios; `moved` carries them."""

    moved = Signal(float)

    def __init__(self, spec: ParameterSpec) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        assert spec.minimum is not None
        assert spec.maximum is not None
        self._spec, self._low, self._high = spec, float(spec.minimum), float(spec.maximum)
        self._count = SLIDER_STEPS
        if spec.kind == "int" and not spec.is_log:
            self._count = int(min(SLIDER_STEPS, self._high - self._low))
        elif spec.step:
            self._count = max(1, min(SLIDER_STEPS, round((self._high - self._low) / spec.step)))
        self.setRange(int(spec.excludes_minimum), self._count - int(spec.excludes_maximum))
        self.setPageStep(max(1, self._count // 10))
        self.setMinimumWidth(60)
        guard_wheel(self)
        self.valueChanged.connect(self._moved)

    def show_value(self, value: float) -> None:
        """Move the handle without telling anyone."""
        with QSignalBlocker(self):
            self.setValue(round(self._fraction(value) * self._count))

    @Slot(int)
    def _moved(self, position: int) -> None:
        self.moved.emit(self.at(position))

    def at(self, position: int) -> float:
        """Value at a position of the handle (0 to the number of steps)."""
        fraction = position / self._count
        if self._spec.is_log:
            value = _rounded(self._low * (self._high / self._low) ** fraction, SLIDER_DIGITS)
        else:
            value = _rounded(self._low + fraction * (self._high - self._low), SLIDER_DIGITS + 1)
        value = min(max(value, self._low), self._high)
        return float(round(value)) if self._spec.kind == "int" else value

    def _fraction(self, value: float) -> float:
        value = min(max(value, self._low), self._high)
        if self._spec.is_log:
            return math.log(value / self._low) / math.log(self._high / self._low)
        return (value - self._low) / (self._high - self._low)


def has_slider(spec: ParameterSpec) -> bool:
    """Whether a slider serves: both bounds known, and positive where it is logarithmic."""
    if spec.minimum is None or spec.maximum is None or not spec.minimum < spec.maximum or spec.is_optional:
        return False
    if spec.is_log:
        return spec.minimum > 0
    # 200 steps of at most a million lie within the handle's own width: nobody can drag to them.
    span, default = spec.maximum - spec.minimum, spec.default if isinstance(spec.default, int | float) else 0
    return span <= WIDEST_WHOLE_SLIDER or (default - spec.minimum) / span > LEAST_SHARE or spec.kind == "float"


def _span(spec: ParameterSpec) -> float:
    return (spec.maximum - spec.minimum) if spec.minimum is not None and spec.maximum is not None else 0.0


def _rounded(value: float, digits: int) -> float:
    return float(f"{value:.{digits - 1}e}")
