"""The box of axes around a 3-D scene: grids on the three far sides, ticks and names along the outer edges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float
from PySide6.QtCore import QPointF, QRectF

from workbench.views.camera3d import Camera
from workbench.views.painting import SMALL_PX, draw_text, figure_font, text_height, text_width
from workbench.views.theme import theme
from workbench.views.ticks import linear_ticks

if TYPE_CHECKING:
    from PySide6.QtGui import QPainter

Corner = Float[np.ndarray, "3"]
LABEL_AWAY = 5.0
NAME_AWAY = 22.0


@dataclass(frozen=True)
class AxisLabel:
    """A word beside an edge: where it belongs in the world, and how far outside in logical pixels."""

    position: Corner
    text: str
    away: float
    is_name: bool = False


@dataclass(frozen=True)
class Furniture:
    """Grid lines and edges (segments) and the words on them, for one camera."""

    grid: Float[np.ndarray, "n 2 3"]
    edges: Float[np.ndarray, "m 2 3"]
    labels: tuple[AxisLabel, ...]


def furniture(camera: Camera, rect: QRectF, low: Corner, high: Corner, names: tuple[str, str, str]) -> Furniture:
    """Return the axes of the box from `low` to `high` as `camera` sees it."""
    span = high - low
    middle = (low + high) / 2
    eye = camera.centre + camera.distance * camera.orientation[2]
    towards_eye = camera.orientation[2] if camera.field_of_view <= 0 else eye - middle
    # The far side in each direction carries the grid.
    far = np.where(towards_eye > 0, low, high)
    ticks = [
        [(value, text) for value, text in linear_ticks(low[axis], high[axis], 5).major if span[axis] > 0]
        for axis in range(3)
    ]
    grid = []
    for side in range(3):
        for axis in range(3):
            if axis == side:
                continue
            other = 3 - side - axis
            for value, _ in ticks[axis]:
                line = np.empty((2, 3))
                line[:, side], line[:, axis] = far[side], value
                line[:, other] = low[other], high[other]
                grid.append(line)
    edges, labels = [], []
    for axis in range(3):
        edge = _outer_edge(camera, rect, low, high, far, axis)
        if edge is None or span[axis] <= 0:
            continue
        edges.append(edge)
        for value, text in ticks[axis]:
            position = edge[0].copy()
            position[axis] = value
            labels.append(AxisLabel(position, text, LABEL_AWAY))
        factor = linear_ticks(low[axis], high[axis], 5).factor
        name = f"{names[axis]} ({factor})" if factor and names[axis] else names[axis] or factor
        labels.append(AxisLabel(edge.mean(0), name, NAME_AWAY, is_name=True))
    empty = np.empty((0, 2, 3))
    return Furniture(np.array(grid) if grid else empty, np.array(edges) if edges else empty, tuple(labels))


def _outer_edge(
    camera: Camera, rect: QRectF, low: Corner, high: Corner, far: Corner, axis: int
) -> Float[np.ndarray, "2 3"] | None:
    """Of the two edges along `axis` between a far and a near side, the lower one; for an upright axis the left one."""
    first, second = (other for other in range(3) if other != axis)
    near = low + high - far
    candidates = []
    for first_value, second_value in ((far[first], near[second]), (near[first], far[second])):
        edge = np.empty((2, 3))
        edge[:, first], edge[:, second] = first_value, second_value
        edge[:, axis] = low[axis], high[axis]
        pixels, _ = camera.project(edge, rect)
        if np.isfinite(pixels).all():
            candidates.append((edge, pixels))
    if not candidates:
        return None
    across, down = np.abs(candidates[0][1][1] - candidates[0][1][0])
    if down > 2 * across:
        return min(candidates, key=lambda pair: float(pair[1][:, 0].mean()))[0]
    return max(candidates, key=lambda pair: float(pair[1][:, 1].mean()))[0]


def draw_axis_labels(painter: QPainter, camera: Camera, rect: QRectF, made: Furniture, middle: Corner) -> None:
    """Draw the words, each pushed away from the middle of the box; ticks that would overlap are left out."""
    colours = theme()
    centre = QPointF(*camera.project(middle, rect)[0][0].tolist())
    taken: list[QRectF] = []
    for label in sorted(made.labels, key=lambda label: not label.is_name):
        pixels = camera.project(label.position, rect)[0][0]
        if not np.isfinite(pixels).all():
            continue
        font = figure_font(SMALL_PX, bold=label.is_name)
        painter.setFont(font)
        width, height = text_width(label.text, font), text_height(font)
        away = QPointF(*pixels.tolist()) - centre
        length = max(1e-6, float(np.hypot(away.x(), away.y())))
        across, down = away.x() / length, away.y() / length
        # Half of the text's own box in that direction comes on top, so that it never lies on the edge.
        reach = label.away + abs(across) * width / 2 + abs(down) * height / 2
        place = QRectF(0, 0, width, height)
        place.moveCenter(QPointF(pixels[0] + reach * across, pixels[1] + reach * down))
        place.moveLeft(min(max(place.left(), rect.left() + 1), rect.right() - width - 1))
        place.moveTop(min(max(place.top(), rect.top() + 1), rect.bottom() - height - 1))
        if any(place.intersects(other) for other in taken):
            continue
        taken.append(place.adjusted(-3, 0, 3, 0))
        draw_text(painter, place, label.text, colours.foreground if label.is_name else colours.muted)
