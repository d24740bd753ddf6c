"""An axis and the rectangle between two of them: data coordinates to logical pixels and back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF

from workbench.views.ticks import Ticks, linear_ticks, log_ticks

if TYPE_CHECKING:
    from jaxtyping import Float


@dataclass
class Axis:
    """What one direction of a figure shows: its words, its range, and whether it is logarithmic.

    `tick_labels` replaces the numbers by (position, text) pairs, as for the rows of a matrix. On a logarithmic
    axis values that are not positive have no place (NaN).
    """

    label: str = ""
    unit: str = ""
    is_log: bool = False
    low: float = 0.0
    high: float = 1.0
    is_reversed: bool = False
    tick_labels: Sequence[tuple[float, str]] | None = field(default=None)

    def share(self, values: np.ndarray | float) -> np.ndarray:
        """Map data to [0, 1] between the ends of the axis."""
        values = np.asarray(values, np.float64)
        if self.is_log:
            with np.errstate(divide="ignore", invalid="ignore"):
                logs = np.where(values > 0, np.log(values), np.nan)
            low, high = math.log(self.low), math.log(self.high)
            shares = (logs - low) / (high - low)
        else:
            shares = (values - self.low) / (self.high - self.low)
        return 1 - shares if self.is_reversed else shares

    def value(self, share: float) -> float:
        """Inverse of `share` for one number."""
        share = 1 - share if self.is_reversed else share
        if self.is_log:
            low, high = math.log(self.low), math.log(self.high)
            return math.exp(min(700.0, low + share * (high - low)))
        return self.low + share * (self.high - self.low)

    def set_range(self, low: float, high: float) -> None:
        """Show `low` to `high`; what cannot be shown (empty, not finite, not positive on a log axis) is ignored."""
        if not (math.isfinite(low) and math.isfinite(high)) or (self.is_log and low <= 0):
            return
        if high - low > 1e-13 * max(abs(low), abs(high), 1e-290):
            self.low, self.high = float(low), float(high)

    def zoom(self, factor: float, centre: float) -> None:
        """Widen (factor > 1) or narrow the range around the data coordinate `centre`."""
        if self.is_log:
            if centre > 0:
                self.set_range(centre * (self.low / centre) ** factor, centre * (self.high / centre) ** factor)
        else:
            self.set_range(centre + (self.low - centre) * factor, centre + (self.high - centre) * factor)

    def pan(self, shares: float) -> None:
        """Move the range by `shares` of its length."""
        shares = -shares if self.is_reversed else shares
        if self.is_log:
            ratio = (self.high / self.low) ** shares
            self.set_range(self.low * ratio, self.high * ratio)
        else:
            step = shares * (self.high - self.low)
            self.set_range(self.low + step, self.high + step)

    def ticks(self, count: int) -> Ticks:
        """Ticks with at most about `count` labels."""
        if self.tick_labels is not None:
            shown = [tick for tick in self.tick_labels if self.low <= tick[0] <= self.high]
            every = max(1, math.ceil(len(shown) / max(1, count)))
            return Ticks(tuple(shown[::every]))
        return (log_ticks if self.is_log else linear_ticks)(self.low, self.high, count)

    def caption(self, ticks: Ticks) -> str:
        """Label with unit and the power of ten that the tick labels were divided by."""
        extras = " ".join(part for part in (ticks.factor, self.unit) if part)
        return f"{self.label} ({extras})" if extras and self.label else self.label or extras


@dataclass(frozen=True)
class Frame2D:
    """A rectangle of logical pixels between two axes."""

    rect: QRectF
    x: Axis
    y: Axis

    def points(self, x: np.ndarray | float, y: np.ndarray | float) -> Float[np.ndarray, "n 2"]:
        """Map data coordinates to logical pixels (n, 2); what has no place on a log axis is NaN."""
        across = self.rect.left() + self.x.share(x) * self.rect.width()
        down = self.rect.bottom() - self.y.share(y) * self.rect.height()
        points: np.ndarray = np.stack(np.broadcast_arrays(np.atleast_1d(across), np.atleast_1d(down)), -1)
        # Far outside points would overflow the rasteriser's fixed-point numbers; no one can see the difference.
        return np.clip(points, -1e6, 1e6)

    def point(self, x: float, y: float) -> QPointF:
        """Map one data coordinate to logical pixels."""
        return QPointF(*self.points(x, y)[0].tolist())

    def data(self, position: QPointF) -> tuple[float, float]:
        """Map logical pixels to data coordinates."""
        across = (position.x() - self.rect.left()) / max(1e-9, self.rect.width())
        up = (self.rect.bottom() - position.y()) / max(1e-9, self.rect.height())
        return self.x.value(across), self.y.value(up)
