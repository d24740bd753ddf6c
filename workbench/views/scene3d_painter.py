"""Draws a 3-D scene with QPainter: for PDF, SVG and PNG, and on screens where OpenGL does not work.

Painter's algorithm: everything is sorted by its depth and drawn from far to near. Vector files keep that exact order;
on screens and in images large scenes are cut into slabs of equal count, each drawn in a few batched calls.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from workbench.views.camera3d import Camera
from workbench.views.painting import draw_segments, is_vector, mixed, pen, polygon
from workbench.views.scene_axes import Furniture
from workbench.views.scene_model import Item, Mesh, Points, Segments
from workbench.views.theme import theme

if TYPE_CHECKING:
    from jaxtyping import Float, Int

SLABS = 40
FEW = 1200
"""Up to so many primitives are drawn in their exact order on screens too."""
POINT, SEGMENT, FACE = 0, 1, 2
PIECE = 0.2
"""Lines and faces longer than this share of the view's radius are cut, since each has one depth to be sorted by."""
MOST_CUTS = 12
MOST_PIECES = 6000


def draw_scene(
    painter: QPainter, rect: QRectF, camera: Camera, items: Mapping[str, Item], axes: Furniture | None
) -> None:
    """Draw items and axes lines into `rect`; words and legends are drawn over it by the view."""
    painter.save()
    painter.setClipRect(rect)
    if axes is not None:
        faint = pen(mixed(theme().grid, theme().background, 0.2), 0.8)
        draw_segments(painter, _projected(camera, rect, axes.grid), faint)
        draw_segments(painter, _projected(camera, rect, axes.edges), pen(theme().muted, 1.2))
    primitives = _Primitives(camera, rect)
    for item in items.values():
        primitives.add(item)
    primitives.draw(painter)
    painter.restore()


def _projected(camera: Camera, rect: QRectF, ends: np.ndarray) -> np.ndarray:
    return camera.project(ends.reshape(-1, 3), rect)[0].reshape(-1, 4)


def cut_segments(
    ends: Float[np.ndarray, "n 2 3"], longest: float
) -> tuple[Float[np.ndarray, "m 2 3"], Int[np.ndarray, " m"]]:
    """Cut segments into equal pieces of about `longest`; also return which segment each piece is from."""
    lengths = np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1)
    cuts = np.clip(np.ceil(lengths / longest), 1, MOST_CUTS).astype(int)
    if cuts.sum() > MOST_PIECES or cuts.max() == 1:
        return ends, np.arange(len(ends))
    origin = np.repeat(np.arange(len(ends)), cuts)
    place = np.arange(len(origin)) - np.repeat(np.cumsum(cuts) - cuts, cuts)
    shares = np.stack([place, place + 1], 1) / cuts[origin][:, None]
    start, along = ends[origin, 0], (ends[:, 1] - ends[:, 0])[origin]
    return start[:, None] + shares[..., None] * along[:, None], origin


def cut_faces(
    corners: Float[np.ndarray, "n 3 3"], longest: float
) -> tuple[Float[np.ndarray, "m 3 3"], Int[np.ndarray, " m"]]:
    """Cut triangles into similar ones with sides of about `longest`; also return which each is from."""
    sides = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max()
    parts = int(np.clip(np.ceil(sides / longest), 1, MOST_CUTS))
    parts = min(parts, max(1, int(np.sqrt(MOST_PIECES / len(corners)))))
    if parts == 1:
        return corners, np.arange(len(corners))
    weights = []
    for row in range(parts):
        for column in range(parts - row):
            weights.append([(row, column), (row + 1, column), (row, column + 1)])
            if column < parts - row - 1:
                weights.append([(row + 1, column), (row + 1, column + 1), (row, column + 1)])
    shares = np.array(weights) / parts
    across, up = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    edges = np.stack([across, up], 1)
    pieces = corners[:, None, None, 0] + np.einsum("pcs,nsd->npcd", shares, edges)
    return pieces.reshape(-1, 3, 3), np.repeat(np.arange(len(corners)), len(shares))


class _Primitives:
    """Points, segments and faces of all items as arrays: pixels, depth, colour and width of each."""

    def __init__(self, camera: Camera, rect: QRectF) -> None:
        self._camera, self._rect = camera, rect
        self._parts: list[tuple[int, np.ndarray, np.ndarray, np.ndarray, np.ndarray]] = []

    def add(self, item: Item) -> None:
        if isinstance(item, Points):
            pixels, depth = self._camera.project(item.positions, self._rect)
            colours, widths = item.tint.rgba(len(pixels)), np.full(len(pixels), item.size)
            self._keep(POINT, pixels, depth, colours, widths)
        elif isinstance(item, Segments) and len(item.ends):
            ends, origin = cut_segments(item.ends, PIECE * self._camera.radius)
            pixels, depth = self._camera.project(ends.reshape(-1, 3), self._rect)
            colours, widths = item.rgba()[origin], np.full(len(ends), item.width)
            self._keep(SEGMENT, pixels.reshape(-1, 4), depth.reshape(-1, 2).mean(1), colours, widths)
        elif isinstance(item, Mesh) and len(item.faces):
            corners, origin = cut_faces(item.vertices[item.faces], PIECE * self._camera.radius)
            pixels, depth = self._camera.project(corners.reshape(-1, 3), self._rect)
            colours = item.face_rgba()[origin]
            self._keep(FACE, pixels.reshape(-1, 6), depth.reshape(-1, 3).mean(1), colours, np.zeros(len(corners)))

    def _keep(self, kind: int, pixels: np.ndarray, depth: np.ndarray, colours: np.ndarray, widths: np.ndarray) -> None:
        rect = self._rect.adjusted(-2000, -2000, 2000, 2000)
        with np.errstate(invalid="ignore"):
            x, y = pixels[:, 0::2], pixels[:, 1::2]
            good = (x >= rect.left()) & (x <= rect.right()) & (y >= rect.top()) & (y <= rect.bottom())
        seen = np.flatnonzero(good.all(1))
        rgba = (255 * np.clip(colours[seen], 0, 1)).round().astype(np.uint8)
        self._parts.append((kind, pixels[seen], depth[seen], rgba, widths[seen]))

    def draw(self, painter: QPainter) -> None:
        if not self._parts:
            return
        depths = np.concatenate([part[2] for part in self._parts])
        kinds = np.concatenate([np.full(len(part[2]), index) for index, part in enumerate(self._parts)])
        inner = np.concatenate([np.arange(len(part[2])) for part in self._parts])
        order = np.argsort(-depths, kind="stable")
        count = len(order)
        is_exact = is_vector(painter) or count <= FEW
        slabs = [order] if is_exact else np.array_split(order, SLABS)
        for slab in slabs:
            parts = kinds[slab]
            if is_exact:
                # Neighbours in depth that belong to one item are drawn together.
                cuts = np.flatnonzero(np.diff(parts)) + 1
                groups = np.split(slab, cuts)
            else:
                groups = [slab[parts == index] for index in np.unique(parts)]
                groups.sort(key=lambda group: -self._parts[kinds[group[0]]][0])
            for group in groups:
                if len(group):
                    self._draw_group(painter, int(kinds[group[0]]), inner[group])

    def _draw_group(self, painter: QPainter, part: int, chosen: np.ndarray) -> None:
        kind, pixels, _, colours, widths = self._parts[part]
        pixels, colours, widths = pixels[chosen], colours[chosen], widths[chosen]
        if kind == FACE:
            for corners, colour in zip(pixels.reshape(-1, 3, 2), colours.tolist(), strict=True):
                made = QColor(*colour)
                painter.setBrush(made)
                # A hairline in the same colour hides the seams between antialiased neighbours.
                painter.setPen(QPen(made, 0.5) if colour[3] == 255 else QPen(Qt.PenStyle.NoPen))
                painter.drawPolygon(polygon(corners))
            painter.setBrush(Qt.BrushStyle.NoBrush)
        elif kind == SEGMENT:
            self._draw_lines(painter, pixels, colours, float(widths[0]))
        else:
            self._draw_points(painter, pixels, colours, widths)

    @staticmethod
    def _draw_lines(painter: QPainter, pixels: np.ndarray, colours: np.ndarray, width: float) -> None:
        keys = np.ascontiguousarray(colours).view(np.uint32)[:, 0]
        cuts = np.flatnonzero(np.diff(keys)) + 1
        for rows, tints in zip(np.split(pixels, cuts), np.split(colours, cuts), strict=True):
            line = pen(QColor(*tints[0].tolist()), width)
            line.setCapStyle(Qt.PenCapStyle.RoundCap)
            painter.setPen(line)
            painter.drawLines([QLineF(*row) for row in rows.tolist()])

    @staticmethod
    def _draw_points(painter: QPainter, pixels: np.ndarray, colours: np.ndarray, widths: np.ndarray) -> None:
        if is_vector(painter):
            painter.setPen(Qt.PenStyle.NoPen)
            for (x, y), colour, size in zip(pixels.tolist(), colours.tolist(), widths.tolist(), strict=True):
                painter.setBrush(QColor(*colour))
                painter.drawEllipse(QPointF(x, y), size / 2, size / 2)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            return
        # Round dots of one colour in one call; within a slab their order does not show.
        keys = np.ascontiguousarray(colours).view(np.uint32)[:, 0]
        order = np.argsort(keys, kind="stable")
        cuts = np.flatnonzero(np.diff(keys[order])) + 1
        for group in np.split(order, cuts):
            dot = QPen(QColor(*colours[group[0]].tolist()), float(widths[group[0]]))
            dot.setCapStyle(Qt.PenCapStyle.RoundCap)
            painter.setPen(dot)
            painter.drawPoints(polygon(pixels[group]))
