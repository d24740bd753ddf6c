"""ParallelView: parallel coordinates, one axis a quantity and one line an item, coloured by the last axis.

 lr      width     loss
1e-2 ┬   256 ┬    ┬ 2.1
     │╲   ╱  │ ╲  │        drag on an axis: only lines through that range stay coloured
1e-4 ┴   64  ┴    ┴ 0.3
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from workbench.views.base import View
from workbench.views.painting import draw_text, figure_font, pen
from workbench.views.theme import theme
from workbench.views.ticks import format_number

if TYPE_CHECKING:
    from jaxtyping import Bool, Float

TOP, BOTTOM, SIDE = 40.0, 14.0, 56.0
NEAR = 24.0
"""A drag belongs to an axis when it begins at most so many pixels beside it."""


@dataclass(frozen=True)
class ParallelAxis:
    """One axis: numbers (n,), or words, which are spread evenly in the order of `words`."""

    name: str
    values: Float[np.ndarray, " n"]
    words: tuple[str, ...] = ()
    is_log: bool = False

    def places(self) -> Float[np.ndarray, " n"]:
        """Positions from 0 (bottom) to 1; NaN where there is no value."""
        values = np.log10(np.where(self.values > 0, self.values, np.nan)) if self.is_log else self.values
        finite = values[np.isfinite(values)]
        if not len(finite):
            return np.full(len(values), np.nan)
        low, high = (0.0, max(1.0, len(self.words) - 1)) if self.words else (float(finite.min()), float(finite.max()))
        return (values - low) / (high - low) if high > low else np.where(np.isfinite(values), 0.5, np.nan)

    def ends(self) -> tuple[str, str]:
        """What stands at the bottom and at the top."""
        finite = self.values[np.isfinite(self.values)]
        if not len(finite):
            return "", ""
        if self.words:
            return self.words[0], self.words[-1]
        return format_number(float(finite.min())), format_number(float(finite.max()))


class ParallelView(View):
    """Parallel coordinates. `clicked` emits the index of the item whose line is nearest to a click."""

    clicked = Signal(object)

    def __init__(self, name: str, title: str, *, hint: str = "") -> None:
        hint = hint or "Drag along an axis to keep only the lines through that range; double-click it to let go."
        super().__init__(name, title, hint=hint)
        self._axes: tuple[ParallelAxis, ...] = ()
        self._ranges: dict[str, tuple[float, float]] = {}
        self._highlight: frozenset[int] = frozenset()
        self.set_body(_Canvas(self))

    def set_axes(self, axes: Sequence[ParallelAxis]) -> None:
        """Show these axes from left to right; the last one gives the colours. Raises ValueError for unequal lengths."""
        if len({len(axis.values) for axis in axes}) > 1:
            raise ValueError(f"{self.name}: the axes have {[len(axis.values) for axis in axes]} values")
        self._axes = tuple(axes)
        self._ranges = {name: span for name, span in self._ranges.items() if name in {axis.name for axis in axes}}
        self.body.update()

    def set_highlight(self, indices: Sequence[int]) -> None:
        """Draw these items' lines thick."""
        self._highlight = frozenset(indices)
        self.body.update()

    @property
    def kept(self) -> Bool[np.ndarray, " n"]:
        """Which items pass through every range that was dragged (n,)."""
        count = len(self._axes[0].values) if self._axes else 0
        kept = np.ones(count, bool)
        for axis in self._axes:
            if axis.name in self._ranges:
                low, high = self._ranges[axis.name]
                places = axis.places()
                kept &= (places >= low) & (places <= high)
        return kept

    def set_range(self, axis: str, span: tuple[float, float] | None) -> None:
        """Keep only the lines through `span` (places from 0 to 1) of an axis; None: all."""
        if span is None:
            self._ranges.pop(axis, None)
        else:
            self._ranges[axis] = (min(span), max(span))
        self.body.update()

    def data(self) -> Mapping[str, np.ndarray]:
        """The values behind the lines, words as text."""
        return {
            axis.name: np.array([axis.words[int(value)] for value in axis.values]) if axis.words else axis.values
            for axis in self._axes
        }

    def state(self) -> dict[str, Any]:
        """The dragged ranges."""
        return {"ranges": {name: list(span) for name, span in self._ranges.items()}}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore the dragged ranges."""
        ranges = state.get("ranges")
        if isinstance(ranges, Mapping):
            self._ranges = {str(name): (float(span[0]), float(span[1])) for name, span in ranges.items()}

    def x_of(self, index: int, width: float) -> float:
        """Where the axis stands in a figure of this width."""
        return SIDE + (width - 2 * SIDE) * (index / (len(self._axes) - 1) if len(self._axes) > 1 else 0.5)

    def points(self, rect: QRectF) -> Float[np.ndarray, "n a 2"]:
        """Where every line crosses every axis, in the pixels of `rect`."""
        ys = np.stack([axis.places() for axis in self._axes], 1)
        xs = np.array([rect.x() + self.x_of(index, rect.width()) for index in range(len(self._axes))])
        span = rect.height() - TOP - BOTTOM
        return np.stack([np.broadcast_to(xs, ys.shape), rect.bottom() - BOTTOM - ys * span], 2)

    def axis_at(self, x: float, width: float) -> int | None:
        """The axis near a position, or None."""
        for index in range(len(self._axes)):
            if abs(self.x_of(index, width) - x) <= NEAR:
                return index
        return None

    def nearest(self, position: QPointF, rect: QRectF) -> int | None:
        """The item whose line is nearest to a position, within 12 pixels."""
        if len(self._axes) < 2 or not len(self._axes[0].values):
            return None
        points = self.points(rect)
        xs = points[0, :, 0]
        right = int(np.clip(np.searchsorted(xs, position.x()), 1, len(xs) - 1))
        share = np.clip((position.x() - xs[right - 1]) / (xs[right] - xs[right - 1]), 0, 1)
        y = points[:, right - 1, 1] * (1 - share) + points[:, right, 1] * share
        distance = np.where(np.isfinite(y), np.abs(y - position.y()), np.inf)
        best = int(distance.argmin())
        return best if distance[best] <= 12 else None

    def paint(self, painter: QPainter, rect: QRectF) -> None:
        """Draw lines, then axes over them."""
        if not self._axes:
            return
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if len(self._axes[0].values):
            self._draw_lines(painter, self.points(rect))
        painter.setFont(figure_font())
        for index, axis in enumerate(self._axes):
            self._draw_axis(painter, rect, rect.x() + self.x_of(index, rect.width()), axis)
        painter.restore()

    def _draw_lines(self, painter: QPainter, points: Float[np.ndarray, "n a 2"]) -> None:
        kept, last = self.kept, np.nan_to_num(self._axes[-1].places(), nan=0.5)
        colours = theme().colormap()[(last * 255).round().astype(np.int64)]
        order = sorted(range(len(points)), key=lambda index: (kept[index], index in self._highlight))
        for index in order:
            good = [QPointF(x, y) for x, y in points[index] if np.isfinite(y)]
            colour = QColor(*(int(part) for part in colours[index][:3])) if kept[index] else QColor(theme().grid)
            painter.setPen(pen(colour, 3.0 if index in self._highlight else 1.3))
            if len(good) > 1:
                painter.drawPolyline(good)

    def _draw_axis(self, painter: QPainter, rect: QRectF, x: float, axis: ParallelAxis) -> None:
        top, bottom = rect.y() + TOP, rect.bottom() - BOTTOM
        painter.setPen(pen(QColor(theme().foreground), 1.2))
        painter.drawLine(QPointF(x, top), QPointF(x, bottom))
        if axis.name in self._ranges:
            low, high = self._ranges[axis.name]
            painter.setPen(pen(QColor(theme().accent), 6.0))
            span = bottom - top
            painter.drawLine(QPointF(x, bottom - low * span), QPointF(x, bottom - high * span))
        low_text, high_text = axis.ends()
        width = 2 * SIDE - 6
        centre = Qt.AlignmentFlag.AlignHCenter
        name = axis.name + (" (log)" if axis.is_log else "")
        shown = painter.fontMetrics().elidedText(name, Qt.TextElideMode.ElideMiddle, int(width))
        draw_text(painter, QRectF(x - SIDE + 3, rect.y(), width, 18), shown, theme().foreground, centre)
        draw_text(painter, QRectF(x - SIDE + 3, rect.y() + 19, width, 18), high_text, theme().muted, centre)
        draw_text(painter, QRectF(x - SIDE + 3, bottom, width, BOTTOM), low_text, theme().muted, centre)


class _Canvas(QWidget):
    def __init__(self, view: ParallelView) -> None:
        super().__init__()
        self._view = view
        self._began: tuple[int, float] | None = None
        self._has_moved = False

    def _place(self, y: float) -> float:
        return float(np.clip((self.height() - BOTTOM - y) / max(1.0, self.height() - TOP - BOTTOM), 0, 1))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme().background))
        self._view.paint(painter, QRectF(self.rect()))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        axis = self._view.axis_at(event.position().x(), self.width())
        self._began = (axis, self._place(event.position().y())) if axis is not None else None
        self._has_moved = False

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._began is not None:
            axis, start = self._began
            end = self._place(event.position().y())
            self._has_moved = self._has_moved or abs(end - start) > 0.01
            if self._has_moved:
                self._view.set_range(self._view._axes[axis].name, (start, end))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if not self._has_moved:
            item = self._view.nearest(event.position(), QRectF(self.rect()))
            if item is not None:
                self._view.clicked.emit(item)
        self._began = None

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        axis = self._view.axis_at(event.position().x(), self.width())
        if axis is not None:
            self._view.set_range(self._view._axes[axis].name, None)


if __name__ == "__main__":
    from workbench.views.demo import show_demo

    def _make() -> ParallelView:
        view = ParallelView("demo", "Parallel coordinates")
        rng = np.random.default_rng(0)
        rate, width = 10 ** rng.uniform(-4, -1, 60), rng.integers(0, 3, 60).astype(float)
        loss = np.abs(np.log10(rate) + 2.5) + 0.2 * width
        view.set_axes([
            ParallelAxis("learning rate", rate, is_log=True),
            ParallelAxis("representation", width, ("6D", "Euler", "quaternion")),
            ParallelAxis("loss", loss),
        ])  # fmt: skip
        return view

    show_demo(_make)
