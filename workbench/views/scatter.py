"""ScatterView: many points in the plane, coloured by a value or by their class."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from workbench.views.axis import Frame2D
from workbench.views.colour_bar import ColourScale
from workbench.views.legend import LegendEntry
from workbench.views.painting import device_scale, draw_curve, is_vector, pen, rgba_image
from workbench.views.picks import Pick, ReadOut
from workbench.views.plot import Bounds, PlotView
from workbench.views.theme import SEQUENTIAL, theme
from workbench.views.ticks import format_number, range_of

if TYPE_CHECKING:
    from jaxtyping import Float, UInt8

FEW = 1500
"""Up to here points are drawn as circles one by one; more are stamped into an image."""
FEW_VECTORS = 8000
"""As FEW, for PDF and SVG; a file with more circles opens slowly everywhere."""
VECTOR_IMAGE_SCALE = 4.0
REACH = 12.0
"""Logical pixels within which the mouse finds a point."""


class ScatterView(PlotView):
    """Points with a colour bar or a legend, a read-out, and an optional running median; fluid at 50 000 points.

    `clicked` emits a Pick whose `index` is the nearest point's, or -1 where none is near.
    """

    def __init__(
        self,
        name: str,
        title: str,
        x_label: str = "",
        y_label: str = "",
        *,
        x_unit: str = "",
        y_unit: str = "",
        log_x: bool = False,
        log_y: bool = False,
        aspect: str = "free",
        value_label: str = "",
        colormap: str = SEQUENTIAL,
        point_size: float = 5.0,
        median: bool = False,
        hint: str = "",
    ) -> None:
        super().__init__(
            name,
            title,
            x_label=x_label,
            y_label=y_label,
            x_unit=x_unit,
            y_unit=y_unit,
            log_x=log_x,
            log_y=log_y,
            aspect="equal" if aspect == "equal" else "free",
            hint=hint or "Hover or click a point; drag pans, wheel zooms, A fits.",
        )
        self.value_label, self.colormap, self.point_size, self.has_median = value_label, colormap, point_size, median
        self._points: Float[np.ndarray, "n 2"] = np.empty((0, 2))
        self._values: np.ndarray | None = None
        self._classes: np.ndarray | None = None
        self._class_names: Sequence[str] = ()
        self._sizes: np.ndarray | None = None
        self._labels: Sequence[str] | None = None
        self._levels: tuple[float, float] | None = None
        self._colour: str | int = 0
        self._hidden: set[int] = set()
        self._highlight: np.ndarray = np.empty(0, np.int64)

    def set_points(
        self,
        x: np.ndarray | Sequence[float],
        y: np.ndarray | Sequence[float],
        *,
        values: np.ndarray | Sequence[float] | None = None,
        classes: np.ndarray | Sequence[int] | None = None,
        class_names: Sequence[str] | None = None,
        sizes: np.ndarray | None = None,
        labels: Sequence[str] | None = None,
        levels: tuple[float, float] | None = None,
        color: str | int = 0,
    ) -> None:
        """Show points x (n,), y (n,), coloured by `values` (n,) or by `classes` (n,) in 0..k-1, or all in `color`.

        `sizes` are diameters in logical pixels (n,); `labels` (n,) are shown on hover; `levels` fixes the colours'
        range. Raises ValueError where lengths differ.
        """
        points = np.stack([np.asarray(x, np.float64).ravel(), np.asarray(y, np.float64).ravel()], 1)
        for what, given in (("values", values), ("classes", classes), ("sizes", sizes), ("labels", labels)):
            if given is not None and len(given) != len(points):
                raise ValueError(f"{self.name}: {len(given)} {what} for {len(points)} points")
        self._points = points
        self._values = None if values is None else np.asarray(values, np.float64)
        self._classes = None if classes is None else np.asarray(classes, np.int64)
        if class_names is not None:
            self._class_names = class_names
        elif self._classes is not None and len(self._classes):
            self._class_names = [str(index) for index in range(int(self._classes.max()) + 1)]
        self._sizes = None if sizes is None else np.asarray(sizes, np.float64)
        self._labels, self._levels, self._colour = labels, levels, color
        self._highlight = self._highlight[self._highlight < len(points)]
        self.show_message("")
        self.refresh()

    def set_highlight(self, indices: Sequence[int] | np.ndarray) -> None:
        """Ring the points with these indices, as the selected ones."""
        found = np.asarray(indices, np.int64).ravel()
        self._highlight = found[(found >= 0) & (found < len(self._points))]
        self.refresh()

    def clear(self) -> None:
        """Remove all points."""
        self.set_points([], [])

    def bounds(self) -> Bounds | None:
        """Range of the points that are shown and have a place on the axes."""
        points = self._points[self._is_shown()]
        good = np.isfinite(points).all(1)
        for column, axis in enumerate((self.x_axis, self.y_axis)):
            if axis.is_log:
                good &= points[:, column] > 0
        x, y = range_of(points[good, 0]), range_of(points[good, 1])
        return (x, y) if x and y else None

    def colour_scale(self) -> ColourScale | None:
        """What the colours mean, if they are values."""
        if self._values is None:
            return None
        low, high = self._levels or range_of(self._values) or (0.0, 1.0)
        if high <= low:
            low, high = low - 0.5, low + 0.5
        return ColourScale(low, high, self.colormap, self.value_label)

    def legend_entries(self) -> Sequence[LegendEntry]:
        """The classes."""
        if self._classes is None:
            return ()
        return tuple(
            LegendEntry(str(index), name, theme().series(index), "dot", is_on=index not in self._hidden)
            for index, name in enumerate(self._class_names)
        )

    def legend_clicked(self, name: str) -> None:
        """Hide or show a class."""
        self._hidden ^= {int(name)}
        self.refresh()

    def draw(self, painter: QPainter, frame: Frame2D, *, is_export: bool) -> None:
        """Draw the points, then the median and the rings."""
        pixels = frame.points(self._points[:, 0], self._points[:, 1]) if len(self._points) else self._points
        room = float(np.max(self._sizes)) if self._sizes is not None and len(self._sizes) else self.point_size
        margin = frame.rect.adjusted(-room, -room, room, room)
        seen = self._is_shown() & np.isfinite(pixels).all(1)
        with np.errstate(invalid="ignore"):
            seen &= (pixels[:, 0] >= margin.left()) & (pixels[:, 0] <= margin.right())
            seen &= (pixels[:, 1] >= margin.top()) & (pixels[:, 1] <= margin.bottom())
        indices = np.flatnonzero(seen)
        colours = self._colours()[indices]
        sizes = np.full(len(indices), self.point_size) if self._sizes is None else self._sizes[indices]
        if len(indices) <= (FEW_VECTORS if is_vector(painter) else FEW):
            _draw_circles(painter, pixels[indices], colours, sizes)
        else:
            scale = VECTOR_IMAGE_SCALE if is_vector(painter) else device_scale(painter)
            stamped = stamp_points(pixels[indices], colours, sizes, frame.rect, scale)
            painter.drawImage(frame.rect, rgba_image(stamped))
        if self.has_median:
            x, y = running_median(self._points[self._is_shown()], is_log=frame.x.is_log)
            points = frame.points(x, y)
            draw_curve(painter, points, theme().background, 4.5, is_export=is_export)
            draw_curve(painter, points, theme().foreground, 2.0, is_export=is_export)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for index in self._highlight:
            if np.isfinite(pixels[index]).all():
                radius = 0.5 * (self.point_size if self._sizes is None else float(self._sizes[index])) + 3
                painter.setPen(pen(theme().foreground, 2.0))
                painter.drawEllipse(QPointF(*pixels[index]), radius, radius)

    def read_out(self, frame: Frame2D, position: QPointF) -> ReadOut | None:
        """Say what the nearest point is."""
        index = self._nearest(frame, position)
        if index < 0:
            return None
        x, y = self._points[index].tolist()
        lines = [(theme().foreground, self._labels[index])] if self._labels is not None else []
        for axis, name, value in ((self.x_axis, "x", x), (self.y_axis, "y", y)):
            unit = f" {axis.unit}" if axis.unit else ""
            lines.append((theme().muted, f"{axis.label or name}  {format_number(value)}{unit}"))
        if self._values is not None:
            lines.append((theme().muted, f"{self.value_label or 'value'}  {format_number(self._values[index])}"))
        colour = QColor(*self._colours()[index].tolist()).name()
        if self._classes is not None and 0 <= self._classes[index] < len(self._class_names):
            lines.append((colour, self._class_names[self._classes[index]]))
        return ReadOut(tuple(lines), ((x, y, colour),), has_crosshair=False)

    def pick(self, frame: Frame2D, position: QPointF) -> Pick:
        """Return the place and the index of the nearest point."""
        x, y = frame.data(position)
        return Pick(x, y, "", self._nearest(frame, position))

    def data(self) -> Mapping[str, np.ndarray]:
        """Columns of the points' coordinates, values, classes and labels."""
        if not len(self._points):
            return {}
        columns = {self.x_axis.label or "x": self._points[:, 0], self.y_axis.label or "y": self._points[:, 1]}
        if len(columns) < 2:
            columns = {"x": self._points[:, 0], "y": self._points[:, 1]}
        extras = {"class": self._classes, self.value_label or "value": self._values, "size": self._sizes}
        columns |= {name: values for name, values in extras.items() if values is not None}
        if self._labels is not None:
            columns["label"] = np.array(self._labels, dtype=str)
        return columns

    def _is_shown(self) -> np.ndarray:
        if self._classes is None or not self._hidden:
            return np.ones(len(self._points), bool)
        return ~np.isin(self._classes, list(self._hidden))

    def _colours(self) -> UInt8[np.ndarray, "n 4"]:
        if (scale := self.colour_scale()) is not None and self._values is not None:
            colours = scale.rgba(self._values)
            colours[np.isnan(self._values)] = QColor(theme().muted).getRgb()
            return colours
        if self._classes is not None:
            count = max(1, int(self._classes.max(initial=0)) + 1)
            table = np.array([QColor(theme().series(index)).getRgb() for index in range(count)], np.uint8)
            return table[np.maximum(self._classes, 0)]
        colour = np.array(QColor(theme().colour(self._colour)).getRgb(), np.uint8)
        return np.repeat(colour[None], len(self._points), 0)

    def _nearest(self, frame: Frame2D, position: QPointF) -> int:
        if not len(self._points):
            return -1
        away = frame.points(self._points[:, 0], self._points[:, 1]) - (position.x(), position.y())
        distance = np.hypot(away[:, 0], away[:, 1])
        distance[~self._is_shown() | np.isnan(distance)] = np.inf
        nearest = int(np.argmin(distance))
        return nearest if distance[nearest] <= REACH else -1


def _draw_circles(painter: QPainter, points: np.ndarray, colours: np.ndarray, sizes: np.ndarray) -> None:
    # A thin rim in the background's colour keeps overlapping points apart.
    has_rim = len(points) <= 300
    painter.setPen(pen(theme().background, 0.7) if has_rim else QPen(Qt.PenStyle.NoPen))
    for (x, y), colour, size in zip(points.tolist(), colours.tolist(), sizes.tolist(), strict=True):
        painter.setBrush(QColor(*colour))
        painter.drawEllipse(QPointF(x, y), size / 2, size / 2)
    painter.setBrush(Qt.BrushStyle.NoBrush)


def stamp_points(
    points: Float[np.ndarray, "n 2"],
    colours: UInt8[np.ndarray, "n 4"],
    sizes: Float[np.ndarray, " n"],
    rect: QRectF,
    scale: float,
) -> UInt8[np.ndarray, "h w 4"]:
    """Return an image of `rect` (logical pixels) at `scale` with a disc at each point.

    One vectorised write per pixel of a disc instead of one drawing call per point: first the discs' soft edges,
    then their cores, so that no edge dims another disc's core.
    """
    width, height = max(1, round(rect.width() * scale)), max(1, round(rect.height() * scale))
    diameters = np.maximum(1, np.round(sizes * scale).astype(np.int64))
    margin = int(diameters.max(initial=1)) // 2 + 2
    # Four bytes as one number, and a margin in place of bounds checks, make each write a single indexed store.
    stride = width + 2 * margin
    image = np.zeros((height + 2 * margin) * stride, np.uint32)
    base = np.floor((points - (rect.left(), rect.top())) * scale).astype(np.int64)
    inside = (base >= -1).all(1) & (base[:, 0] <= width) & (base[:, 1] <= height)
    base, diameters, colours = base[inside], diameters[inside], colours[inside]
    places = (base[:, 1] + margin) * stride + base[:, 0] + margin
    for wants_core in (False, True):
        for diameter in np.unique(diameters):
            chosen = diameters == diameter
            targets, tints = places[chosen], colours[chosen]
            for down, across, cover in _disc(int(diameter)):
                if (cover >= 1) == wants_core:
                    soft = tints.copy()
                    soft[:, 3] = (tints[:, 3] * cover).astype(np.uint8)
                    image[targets + (down * stride + across)] = soft.view(np.uint32)[:, 0]
    table = image.view(np.uint8).reshape(height + 2 * margin, stride, 4)
    return table[margin : margin + height, margin : margin + width]


def _disc(diameter: int) -> list[tuple[int, int, float]]:
    """Offsets (down, across) in pixels around a disc's centre, and how much of each pixel it covers."""
    reach = range(-(diameter // 2 + 1), diameter // 2 + 2)
    covers = ((down, across, diameter / 2 + 0.5 - math.hypot(across, down)) for down in reach for across in reach)
    return [(down, across, min(1.0, cover)) for down, across, cover in covers if cover > 0]


def running_median(
    points: Float[np.ndarray, "n 2"], *, is_log: bool = False, bins: int = 24
) -> tuple[np.ndarray, np.ndarray]:
    """Median of y in `bins` equal parts of x (of log x), at the median x of each part that has 5 points or more."""
    good = np.isfinite(points).all(1) & ((points[:, 0] > 0) | (not is_log))
    points = points[good]
    if len(points) < 5:
        return np.empty(0), np.empty(0)
    position = np.log(points[:, 0]) if is_log else points[:, 0]
    edges = np.linspace(position.min(), position.max(), bins + 1)[1:-1]
    which = np.digitize(position, edges)
    medians = [np.median(points[which == index], axis=0) for index in range(bins) if (which == index).sum() >= 5]
    table = np.array(medians).reshape(-1, 2)
    return table[:, 0], table[:, 1]


if __name__ == "__main__":
    from workbench.views.demo import show_demo

    def _make() -> ScatterView:
        view = ScatterView("points", "Error by angle", "angle", "error", x_unit="°", log_y=True, median=True)
        angle = np.random.default_rng(0).uniform(0, 180, 50_000)
        view.set_points(angle, np.exp(angle / 60 + np.random.default_rng(1).normal(size=50_000)), values=angle)
        return view

    show_demo(_make)
