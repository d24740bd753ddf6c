"""Draws what a Poincaré disk holds: regions, curves, points, marks and the boundary of the plane."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPen

from workbench.views import hyperbolic_plane as plane
from workbench.views.painting import draw_segments, pen, polygon, rgba_image, with_alpha
from workbench.views.scatter import stamp_points
from workbench.views.theme import theme

if TYPE_CHECKING:
    from jaxtyping import Bool, Complex, Float, Int, UInt8

    from workbench.views.poincare_disk import PoincareDiskView
    from workbench.views.poincare_scene import Curves, Mark

FEW = 400
"""So many points are drawn one by one, with rims; more are stamped into a picture."""
MOST_RINGS = 2000
SMALLEST_SEGMENT, SHORT_SEGMENT = 0.4, 5.0
"""Pixels between the ends of a geodesic below which it is left out, or drawn straight."""
SEGMENT_SAMPLES = ((40.0, 8), (150.0, 16), (np.inf, 32))
"""By the distance of the ends in pixels: so many points of a geodesic."""
FARTHEST_PIXEL = 1e5


class DiskPainter:
    """Paints the scene of a view under its motion, zoom and model; keeps the picture of the regions between paints."""

    def __init__(self, view: PoincareDiskView) -> None:
        self._view = view
        self._region_image: tuple[object, QImage] | None = None

    def paint(self, painter: QPainter, rect: QRectF) -> None:
        """Draw the whole plane into `rect`."""
        view = self._view
        painter.save()
        outline = self._outline(rect)
        painter.setClipRect(rect)
        painter.save()
        painter.setClipPath(outline, Qt.ClipOperation.IntersectClip)
        painter.fillPath(outline, QColor(theme().background))
        if view.regions is not None:
            painter.drawImage(rect, self._regions_picture(rect, *view.regions))
        for curve in view.curves.values():
            self._draw_curves(painter, rect, curve)
        self._draw_points(painter, rect)
        painter.restore()
        painter.setPen(pen(theme().muted, 1.3))
        painter.drawPath(outline)
        for mark in view.marks.values():
            self._draw_mark(painter, rect, mark)
        painter.restore()

    def _outline(self, rect: QRectF) -> QPainterPath:
        centre, unit = self._view.frame(rect)
        path = QPainterPath()
        if self._view.model == "half-plane":
            path.addRect(QRectF(rect.left(), rect.top() - 1, rect.width(), centre.y() - rect.top() + 1))
        else:
            path.addEllipse(centre, unit, unit)
        return path

    def _draw_curves(self, painter: QPainter, rect: QRectF, curve: Curves) -> None:
        if not curve.z.size:
            return
        view = self._view
        line = pen(theme().colour(curve.colour), curve.width)
        painter.setPen(line)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if curve.is_segment:
            self._draw_segments(painter, rect, view.motion(curve.z), line)
            return
        for points in view.to_pixels(view.to_view(curve.z), rect):
            good = points[_is_near(points)]
            if len(good) > 1:
                painter.drawPolyline(polygon(good))

    def _draw_segments(self, painter: QPainter, rect: QRectF, ends: Complex[np.ndarray, "e 2"], line: QPen) -> None:
        """Draw geodesics between places of the moved disk, with as many points as their length on the screen asks."""
        view = self._view
        is_straight = view.model == "klein" and view.zoom == 1
        seen = view.to_pixels(plane.scaled(view.zoom, ends) if view.zoom != 1 else ends, rect)
        lengths = np.hypot(*(seen[:, 1] - seen[:, 0]).T)
        lengths[~_is_near(seen).all(1)] = np.inf
        is_short = (lengths < SHORT_SEGMENT) | is_straight & np.isfinite(lengths)
        draw_segments(painter, seen[is_short & (lengths > SMALLEST_SEGMENT)].reshape(-1, 4), line)
        is_drawn = is_short
        for most, samples in SEGMENT_SAMPLES:
            chosen = ~is_drawn & (lengths <= most)
            is_drawn |= chosen
            arcs = plane.arcs(ends[chosen, 0], ends[chosen, 1], samples)
            pixels = view.to_pixels(arcs if view.zoom == 1 else plane.scaled(view.zoom, arcs), rect)
            is_good = _is_near(pixels)
            for points, good in zip(pixels, is_good, strict=True):
                painter.drawPolyline(polygon(points[good]))

    def _draw_points(self, painter: QPainter, rect: QRectF) -> None:
        view = self._view
        own = view.points
        chosen = np.flatnonzero(view.is_shown())
        if not len(chosen):
            return
        pixels = view.to_pixels(view.to_view(own.z[chosen]), rect)
        colours = self._colours()[chosen]
        sizes = np.broadcast_to(np.asarray(own.sizes, np.float64), own.z.shape)[chosen]
        if len(chosen) <= FEW:
            painter.setPen(pen(theme().background, 0.7))
            for (x, y), colour, size in zip(pixels.tolist(), colours.tolist(), sizes.tolist(), strict=True):
                painter.setBrush(QColor(*colour))
                painter.drawEllipse(QPointF(x, y), size / 2, size / 2)
        else:
            scale = max(1.0, painter.device().devicePixelRatioF() if painter.device() else 1.0)
            if own.dimmed is not None:  # pale points below the others
                order = np.argsort(colours[:, 3], kind="stable")
                pixels, colours, sizes, chosen = pixels[order], colours[order], sizes[order], chosen[order]
            image = stamp_points(pixels, colours, sizes, rect, scale)
            painter.drawImage(rect, rgba_image(np.ascontiguousarray(image)))
        picked = np.isin(chosen, view.selection) if len(view.selection) else np.zeros(len(chosen), bool)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(pen(theme().foreground, 1.3))
        for x, y in pixels[picked][:MOST_RINGS].tolist():
            painter.drawEllipse(QPointF(x, y), 5, 5)

    def _colours(self) -> UInt8[np.ndarray, "n 4"]:
        own = self._view.points
        if own.values is not None:
            share = np.clip(np.nan_to_num(own.values), 0, 1)
            colours = theme().colormap()[(share * 255).astype(np.int64)].copy()
        else:
            indices = own.classes if own.classes is not None else np.zeros(len(own.z), np.int64)
            names = [QColor(theme().series(k)) for k in range(int(indices.max(initial=0)) + 1)]
            table = np.array([[c.red(), c.green(), c.blue(), 255] for c in names], np.uint8)
            colours = table[indices]
        if own.dimmed is not None:
            colours[np.asarray(own.dimmed, bool), 3] = 70
        return colours

    def _draw_mark(self, painter: QPainter, rect: QRectF, mark: Mark) -> None:
        x, y = self._view.to_pixels(self._view.to_view(np.array(mark.z)), rect)
        colour = QColor(theme().colour(mark.colour))
        painter.setPen(QPen(QColor(theme().background), 1.5))
        painter.setBrush(colour)
        size = 6.0
        diamond = [QPointF(x, y - size), QPointF(x + size, y), QPointF(x, y + size), QPointF(x - size, y)]
        painter.drawPolygon(diamond)
        if mark.is_draggable:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(pen(colour, 1.4))
            painter.drawEllipse(QPointF(x, y), size + 4, size + 4)

    # Regions

    def _key(self, rect: QRectF, stamp: int) -> object:
        view = self._view
        return view.motion, view.zoom, view.model, rect.width(), rect.height(), stamp, theme().is_dark

    def _regions_picture(self, rect: QRectF, classes: Int[np.ndarray, "g g"], stamp: int) -> QImage:
        """The regions as they look under the present motion: each pixel asks the grid where it came from."""
        key = self._key(rect, stamp)
        if self._region_image is not None and self._region_image[0] == key:
            return self._region_image[1]
        places = self._view.pixel_places(rect)
        size = classes.shape[0]
        column = np.clip(((places.real + 1) / 2 * size), 0, size - 1)
        row = np.clip(((1 - places.imag) / 2 * size), 0, size - 1)
        found = classes[np.nan_to_num(row).astype(np.int64), np.nan_to_num(column).astype(np.int64)]
        found = np.where(np.isfinite(places) & (np.abs(places) < 1), found, -1)
        image = self._tinted(found)
        self._region_image = (key, image)
        return image

    def use_exact(self, rect: QRectF, stamp: int, classes: Int[np.ndarray, "h w"]) -> None:
        """Draw these classes of every pixel for as long as the view stays as it is."""
        self._region_image = (self._key(rect, stamp), self._tinted(classes))

    def _tinted(self, classes: np.ndarray) -> QImage:
        count = int(classes.max(initial=0)) + 1
        tints = [with_alpha(theme().series(k), 0.22) for k in range(count)]
        table = np.array([[c.red(), c.green(), c.blue(), c.alpha()] for c in tints] + [[0, 0, 0, 0]], np.uint8)
        rgba = table[classes]
        edge = np.zeros(classes.shape, bool)
        edge[:, 1:] |= (classes[:, 1:] != classes[:, :-1]) & (classes[:, 1:] >= 0) & (classes[:, :-1] >= 0)
        edge[1:] |= (classes[1:] != classes[:-1]) & (classes[1:] >= 0) & (classes[:-1] >= 0)
        dark = QColor(theme().foreground)
        rgba[edge] = (dark.red(), dark.green(), dark.blue(), 150)
        return rgba_image(np.ascontiguousarray(rgba))


def _is_near(pixels: Float[np.ndarray, "*n 2"]) -> Bool[np.ndarray, "*n"]:
    """Which pixels are finite and not so far off that Qt's numbers would overflow."""
    return (np.abs(pixels) < FARTHEST_PIXEL).all(-1)
