"""Where an axis has its ticks and what they say; and how numbers read in tables and read-outs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Ticks:
    """Labelled positions, unlabelled ones between them, and the power of ten that all labels were divided by."""

    major: tuple[tuple[float, str], ...]
    minor: tuple[float, ...] = ()
    exponent: int = 0

    @property
    def factor(self) -> str:
        """What an axis' label adds: `"×10³"`, or an empty text."""
        return f"×10{superscript(self.exponent)}" if self.exponent else ""


def superscript(number: int) -> str:
    """Write an integer in superscript digits."""
    return str(number).translate(_SUPERSCRIPTS)


def format_number(value: float, digits: int = 4) -> str:
    """Write a number for reading: `digits` significant ones, powers of ten only where they help, a true minus."""
    value = float(value)
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == 0:
        return "0"
    magnitude = math.floor(math.log10(abs(value)))
    if value == round(value) and magnitude < 7:
        return f"{value:.0f}".replace("-", "−")
    if -4 <= magnitude < 7:
        text = f"{value:.{max(0, digits - 1 - magnitude)}f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
        return text.replace("-", "−")
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    return f"{mantissa}·10{superscript(int(exponent))}".replace("-", "−")


def nice_step(span: float, count: int) -> float:
    """Smallest of 1, 2, 2.5, 5 times a power of ten that divides `span` into at most `count` parts."""
    raw = span / max(1, count)
    power = 10.0 ** math.floor(math.log10(raw))
    for factor in (1, 2, 2.5, 5):
        if raw <= factor * power * (1 + 1e-9):
            return factor * power
    return 10 * power


def linear_ticks(low: float, high: float, count: int) -> Ticks:
    """Ticks of a linear axis from `low` to `high` with at most about `count` labels."""
    span = high - low
    if not (math.isfinite(span) and span > 0):
        return Ticks(())
    step = nice_step(span, count)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    positions = [index * step for index in range(first, min(last, first + 200) + 1)]
    largest = max((abs(position) for position in positions), default=0.0)
    exponent = 0
    if largest >= 1e5 or 0 < largest < 1e-2:
        # In threes as units go, with labels between 0.1 and 100.
        exponent = 3 * math.floor((math.log10(largest * (1 + 1e-9)) + 1) / 3)
    scaled_step = step / 10.0**exponent
    decimals = max(0, -math.floor(math.log10(scaled_step) + 1e-9))
    # 2.5, 0.25, ... need one more digit than their power of ten.
    if abs(scaled_step * 10**decimals - round(scaled_step * 10**decimals)) > 1e-6:
        decimals += 1
    labels = [f"{position / 10.0**exponent:.{decimals}f}" for position in positions]
    labels = [("0" if float(label) == 0 else label).replace("-", "−") for label in labels]
    return Ticks(tuple(zip(positions, labels, strict=True)), (), exponent)


def log_ticks(low: float, high: float, count: int) -> Ticks:
    """Ticks of a logarithmic axis; below half a decade they are the linear ones."""
    if not (0 < low < high and math.isfinite(high)):
        return Ticks(())
    low_power, high_power = math.log10(low), math.log10(high)
    if high_power - low_power < 0.7:
        return linear_ticks(low, high, count)
    first, last = math.ceil(low_power - 1e-9), math.floor(high_power + 1e-9)
    every = max(1, math.ceil((last - first + 1) / max(1, count)))
    powers = [power for power in range(first, last + 1) if power % every == 0]
    minor = [
        factor * 10.0**power
        for power in range(first - 1, last + 1)
        for factor in range(2, 10)
        if every == 1 and low <= factor * 10.0**power <= high
    ]
    if high_power - low_power < 2 and count >= 3:
        labelled = [10.0**power for power in powers] + [value for value in minor if _leading(value) in (2, 5)]
        labelled.sort()
        major = tuple((value, format_number(value, 3)) for value in labelled)
        return Ticks(major, tuple(value for value in minor if value not in labelled))
    is_plain = all(-2 <= power <= 3 for power in powers)
    major = tuple(
        (10.0**power, format_number(10.0**power, 3) if is_plain else f"10{superscript(power)}") for power in powers
    )
    return Ticks(major, tuple(minor))


def _leading(value: float) -> int:
    return round(value / 10.0 ** math.floor(math.log10(value) + 1e-9))


def range_of(values: np.ndarray, is_log: bool = False) -> tuple[float, float] | None:
    """Smallest and largest finite (and on a log axis positive) value, or None where there is none."""
    values = np.asarray(values, np.float64).ravel()
    if not is_log and len(values) and math.isfinite(low := values.min()) and math.isfinite(high := values.max()):
        return float(low), float(high)
    good = values[np.isfinite(values) & (values > 0)] if is_log else values[np.isfinite(values)]
    return (float(good.min()), float(good.max())) if len(good) else None


def padded(low: float, high: float, is_log: bool = False, share: float = 0.04) -> tuple[float, float]:
    """Widen a range by `share` of itself on both sides; a single value gets some room around it."""
    if is_log:
        a, b = padded(math.log10(low), math.log10(high), share=share)
        return 10.0 ** max(a, -300), 10.0 ** min(b, 300)
    if not high - low > 1e-12 * max(abs(low), abs(high)):
        room = 0.5 * abs(low) if low else 1.0
        return low - room, high + room
    room = share * (high - low)
    return low - room, high + room
