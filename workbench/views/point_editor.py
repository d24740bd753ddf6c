"""PointEditor: points in the unit square that are placed, dragged and deleted by mouse, with lines between them.

   ─── model  - - truth
1 ┌──────────────┐
  │  •2 ───── •1 │    click adds, drag moves, right click deletes
  │    ╲    ╱    │    lines and arrows are between points, so they follow them
0 └──────•3──────┘
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int64
from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, Qt, Signal, Slot
from PySide6.QtGui import QColor, QMouseEvent, QPainter

from workbench.views.axis import Frame2D
from workbench.views.legend import LegendEntry
from workbench.views.painting import (
    SMALL_PX,
    LineStyle,
    draw_segments,
    draw_text,
    figure_font,
    pen,
    polygon,
    text_height,
    text_width,
    with_alpha,
)
from workbench.views.picks import Pick, ReadOut
from workbench.views.plot import Bounds, PlotView
from workbench.views.theme import theme
from workbench.views.ticks import format_number

REACH = 11.0
"""Logical pixels within which the mouse finds a point."""
RADIUS = 4.5
FAINTEST = 0.02
"""Opacity below which an arrow is left out."""


@dataclass(frozen=True)
class _Lines:
    pairs: Int64[np.ndarray, "m 2"]
    colour: str | int
    width: float
    style: LineStyle
    label: str


@dataclass(frozen=True)
class _Arrows:
    pairs: Int64[np.ndarray, "m 2"]
    weights: Float[np.ndarray, " m"]
    colour: str | int


def cycle_pairs(order: Sequence[int] | np.ndarray) -> Int64[np.ndarray, "m 2"]:
    """Pairs of indices along a closed polygon or tour."""
    own = np.asarray(order, np.int64)
    if len(own) < 2:
        return np.zeros((0, 2), np.int64)
    return np.stack([own, np.roll(own, -1)], 1)[: None if len(own) > 2 else 1]


def triangle_pairs(triangles: Sequence[Sequence[int]] | np.ndarray) -> Int64[np.ndarray, "m 2"]:
    """Pairs of indices along the sides of triangles, each side once."""
    own = np.asarray(triangles, np.int64).reshape(-1, 3)
    sides = np.sort(np.concatenate([own[:, [0, 1]], own[:, [1, 2]], own[:, [0, 2]]]), 1)
    return np.unique(sides, axis=0)


class PointEditor(PlotView):
    """Points that the person edits; `points_changed` emits them (n, 2) at every change by hand.

    `edit_finished` emits the points before and after a whole gesture, for an undo stack. `point_clicked` emits the
    index of a point that was pressed and not moved. Points stay within the unit square and between `fewest` and `most`.
    """

    points_changed = Signal(object)
    edit_finished = Signal(object, object)
    point_clicked = Signal(object)
    refused = Signal(str)
    """A sentence why nothing was added or deleted."""

    HAS_LOG_TOGGLES = False

    def __init__(self, name: str, title: str, *, fewest: int = 1, most: int = 60, hint: str = "") -> None:
        hint = hint or "Click to add a point, drag to move one, right-click to delete it; wheel zooms, A fits."
        super().__init__(name, title, x_label="x", y_label="y", aspect="equal", hint=hint)
        self.fewest, self.most = fewest, most
        self._points: np.ndarray = np.zeros((0, 2))
        self._lines_between: dict[str, _Lines] = {}
        self._arrows: dict[str, _Arrows] = {}
        self._hidden: set[str] = set()
        self._marked: int | None = None
        self._held = -1
        self._before: np.ndarray = self._points
        self.grabs = self._is_near
        self.clicked.connect(self._add)
        self.pressed.connect(self._press)
        self.dragged.connect(self._drag)
        self.released.connect(self._release)
        self._canvas.installEventFilter(self)

    # What panels use

    @property
    def points(self) -> Float[np.ndarray, "n 2"]:
        """The points as they are now."""
        return self._points.copy()

    @property
    def is_dragging(self) -> bool:
        """Whether a point is in the person's hand."""
        return self._held >= 0

    def set_points(self, points: Float[np.ndarray, "n 2"]) -> None:
        """Show these points, without a signal; raise ValueError if they are not (n, 2)."""
        points = np.asarray(points, np.float64)
        if points.ndim != 2 or points.shape[1] != 2:
            raise ValueError(f"{self.name}: points are (n, 2), not {points.shape}")
        self._points = points.copy()
        self._held = -1
        self.refresh()

    def set_lines(
        self,
        name: str,
        pairs: Int64[np.ndarray, "m 2"] | None,
        *,
        color: str | int = 0,
        width: float = 2.0,
        style: LineStyle = "solid",
        label: str = "",
    ) -> None:
        """Draw lines between pairs of points (indices); None removes them. `label` goes into the legend."""
        if pairs is None:
            self._lines_between.pop(name, None)
        else:
            made = np.asarray(pairs, np.int64).reshape(-1, 2)
            self._lines_between[name] = _Lines(made, color, width, style, label)
        self.refresh()

    def set_arrows(
        self,
        name: str,
        pairs: Int64[np.ndarray, "m 2"] | None,
        weights: Float[np.ndarray, " m"] | None = None,
        *,
        color: str | int = "accent",
    ) -> None:
        """Draw arrows whose opacity and width are `weights` in [0, 1]; an arrow from a point to itself is a ring."""
        if pairs is None:
            self._arrows.pop(name, None)
        else:
            made = np.asarray(pairs, np.int64).reshape(-1, 2)
            strength = np.ones(len(made)) if weights is None else np.clip(np.asarray(weights, np.float64), 0, 1)
            self._arrows[name] = _Arrows(made, strength, color)
        self.refresh()

    def set_marked(self, index: int | None) -> None:
        """Ring one point; None rings none."""
        self._marked = index
        self.refresh()

    def clear_overlays(self) -> None:
        """Remove all lines, arrows and the ring."""
        self._lines_between.clear()
        self._arrows.clear()
        self._marked = None
        self.refresh()

    # The mouse

    def _is_near(self, x: float, y: float) -> bool:
        return self._nearest(self.frame(), self.frame().point(x, y)) >= 0

    def _nearest(self, frame: Frame2D, position: QPointF) -> int:
        if not len(self._points):
            return -1
        away = frame.points(self._points[:, 0], self._points[:, 1]) - (position.x(), position.y())
        distance = np.hypot(away[:, 0], away[:, 1])
        nearest = int(distance.argmin())
        return nearest if distance[nearest] <= REACH else -1

    @Slot(object)
    def _add(self, pick: Pick) -> None:
        if len(self._points) >= self.most:
            self.refused.emit(f"At most {self.most} points can be placed here.")
            return
        self._change(np.concatenate([self._points, np.clip([[pick.x, pick.y]], 0.0, 1.0)]))

    @Slot(object)
    def _press(self, pick: Pick) -> None:
        self._held, self._before = pick.index, self._points.copy()

    @Slot(object)
    def _drag(self, pick: Pick) -> None:
        if 0 <= self._held < len(self._points):
            self._points = self._points.copy()
            self._points[self._held] = np.clip((pick.x, pick.y), 0.0, 1.0)
            self.refresh()
            self.points_changed.emit(self.points)

    @Slot(object)
    def _release(self, pick: Pick) -> None:
        held, self._held = self._held, -1
        if held < 0:
            return
        if np.array_equal(self._before, self._points):
            self.point_clicked.emit(held)
        else:
            self.edit_finished.emit(self._before, self.points)

    def delete(self, index: int) -> None:
        """Delete a point as the person does, with the signals that follow."""
        if len(self._points) <= self.fewest:
            self.refused.emit(f"At least {self.fewest} points are needed here.")
            return
        self._marked = None
        self._change(np.delete(self._points, index, 0))

    def _change(self, points: np.ndarray) -> None:
        before, self._points = self._points, points
        self.refresh()
        self.points_changed.emit(self.points)
        self.edit_finished.emit(before, self.points)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Delete the point under a right click; elsewhere a right click opens the menu, as in every figure."""
        if (
            watched is self._canvas
            and isinstance(event, QMouseEvent)
            and event.type() == QEvent.Type.MouseButtonPress
            and event.button() == Qt.MouseButton.RightButton
            and (index := self._nearest(self.frame(), event.position())) >= 0
        ):
            self.delete(index)
            return True
        return super().eventFilter(watched, event)

    # Drawing

    def bounds(self) -> Bounds:
        """The unit square."""
        return (0.0, 1.0), (0.0, 1.0)

    def legend_entries(self) -> Sequence[LegendEntry]:
        """The lines that have a label."""
        return tuple(
            LegendEntry(name, own.label, theme().colour(own.colour), "line", is_on=name not in self._hidden)
            for name, own in self._lines_between.items()
            if own.label
        )

    def legend_clicked(self, name: str) -> None:
        """Hide or show lines."""
        self._hidden ^= {name}
        self.refresh()

    def draw(self, painter: QPainter, frame: Frame2D, *, is_export: bool) -> None:
        """Draw lines, then arrows, then points with their numbers."""
        if not len(self._points):
            text = "Click to place points."
            draw_text(painter, frame.rect, text, theme().muted)
            return
        pixels = frame.points(self._points[:, 0], self._points[:, 1])
        for name, lines in self._lines_between.items():
            if name not in self._hidden:
                pairs = self._existing(lines.pairs)
                segments = np.concatenate([pixels[pairs[:, 0]], pixels[pairs[:, 1]]], 1)
                draw_segments(painter, segments, pen(theme().colour(lines.colour), lines.width, lines.style))
        for arrows in self._arrows.values():
            self._draw_arrows(painter, pixels, arrows)
        self._draw_points(painter, frame, pixels)

    def _existing(self, pairs: Int64[np.ndarray, "m 2"]) -> Int64[np.ndarray, "m 2"]:
        return pairs[((pairs >= 0) & (pairs < len(self._points))).all(1)]

    def _draw_arrows(self, painter: QPainter, pixels: np.ndarray, arrows: _Arrows) -> None:
        colour = theme().colour(arrows.colour)
        good = ((arrows.pairs >= 0) & (arrows.pairs < len(self._points))).all(1) & (arrows.weights > FAINTEST)
        for (start, end), weight in zip(arrows.pairs[good].tolist(), arrows.weights[good].tolist(), strict=True):
            tint = with_alpha(colour, 0.15 + 0.85 * weight)
            width = 0.8 + 3.2 * weight
            painter.setPen(pen(tint, width))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            if start == end:
                painter.drawEllipse(QPointF(*pixels[end]), RADIUS + 4 + width / 2, RADIUS + 4 + width / 2)
                continue
            way = pixels[end] - pixels[start]
            length = float(np.hypot(*way))
            if length < 2 * RADIUS:
                continue
            way = way / length
            tip = pixels[end] - (RADIUS + 2) * way
            head = 5 + 5 * weight
            across = np.array((-way[1], way[0]))
            base = tip - head * way
            painter.drawLine(QPointF(*(pixels[start] + RADIUS * way)), QPointF(*base))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(tint)
            painter.drawPolygon(polygon(np.stack([tip, base + 0.45 * head * across, base - 0.45 * head * across])))
        painter.setBrush(Qt.BrushStyle.NoBrush)

    def _draw_points(self, painter: QPainter, frame: Frame2D, pixels: np.ndarray) -> None:
        painter.setPen(pen(theme().background, 1.2))
        painter.setBrush(QColor(theme().foreground))
        for x, y in pixels.tolist():
            painter.drawEllipse(QPointF(x, y), RADIUS, RADIUS)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if self._marked is not None and 0 <= self._marked < len(pixels):
            painter.setPen(pen(theme().warning, 2.2))
            painter.drawEllipse(QPointF(*pixels[self._marked]), RADIUS + 3.5, RADIUS + 3.5)
        font = figure_font(SMALL_PX)
        painter.setFont(font)
        height = text_height(font)
        for index, (x, y) in enumerate(pixels.tolist()):
            text = str(index + 1)
            width = text_width(text, font) + 3
            # A number goes to the side on which there is room.
            left = x + RADIUS + 1 if x + RADIUS + width < frame.rect.right() else x - RADIUS - width
            top = y - RADIUS - height if y - RADIUS - height > frame.rect.top() else y + RADIUS
            place = QRectF(left, top, width, height)
            painter.fillRect(place.adjusted(0, 2, 0, -2), with_alpha(theme().background, 0.7))
            draw_text(painter, place, text, theme().foreground)

    def read_out(self, frame: Frame2D, position: QPointF) -> ReadOut | None:
        """Say which point is under the mouse, or where the mouse is."""
        index = self._nearest(frame, position)
        if index < 0:
            x, y = frame.data(position)
            return ReadOut(((theme().muted, f"{format_number(x)}, {format_number(y)}"),), has_crosshair=False)
        x, y = self._points[index].tolist()
        lines = (
            (theme().foreground, f"point {index + 1}"),
            (theme().muted, f"{format_number(x)}, {format_number(y)}"),
        )
        return ReadOut(lines, has_crosshair=False)

    def pick(self, frame: Frame2D, position: QPointF) -> Pick:
        """Return the place and the index of the point there, -1 if there is none."""
        x, y = frame.data(position)
        return Pick(x, y, "", self._nearest(frame, position))

    def data(self) -> Mapping[str, np.ndarray]:
        """Coordinates in input order."""
        if not len(self._points):
            return {}
        return {"point": np.arange(1, len(self._points) + 1), "x": self._points[:, 0], "y": self._points[:, 1]}

    def state(self) -> dict[str, Any]:
        """Zoom and points."""
        return super().state() | {"points": self._points.tolist()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore the zoom; a panel decides whether the points still fit."""
        super().restore({key: value for key, value in state.items() if key != "log"})


if __name__ == "__main__":
    from workbench.views.demo import show_demo

    def _make() -> PointEditor:
        view = PointEditor("points", "A tour")
        view.set_points(np.random.default_rng(0).random((8, 2)))
        view.set_lines("tour", cycle_pairs(range(8)), label="in order")
        view.set_arrows("next", np.array([(0, other) for other in range(1, 8)]), np.linspace(0.05, 0.9, 7))
        return view

    show_demo(_make)
