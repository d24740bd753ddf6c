"""What of a 3-D scene is under the mouse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF

from workbench.views.camera3d import Camera
from workbench.views.scene_model import Item, Mesh, Points

if TYPE_CHECKING:
    from jaxtyping import Float

REACH = 10.0
"""Logical pixels around the mouse within which a point is found."""


@dataclass(frozen=True)
class Pick3D:
    """An item's point (or, for a mesh, face) and where it is in the world."""

    item: str
    index: int
    position: Float[np.ndarray, "3"]
    depth: float = 0.0


def pick_item(
    items: Mapping[str, Item], camera: Camera, rect: QRectF, position: QPointF, *, handles_only: bool = False
) -> Pick3D | None:
    """Return the point nearest to the mouse (handles first, the nearer to the eye of equals), else a face."""
    mouse = np.array([position.x(), position.y()])
    best: tuple[bool, float, float] | None = None
    found: Pick3D | None = None
    for name, item in items.items():
        if not isinstance(item, Points) or not item.is_pickable or (handles_only and not item.is_handle):
            continue
        pixels, depth = camera.project(item.positions, rect)
        if not len(pixels):
            continue
        distance = np.hypot(*(pixels - mouse).T)
        distance[np.isnan(distance)] = np.inf
        reach = max(REACH, item.size / 2)
        # Whole pixels, so that of points one behind the other the front one wins.
        order = np.lexsort((depth, np.round(distance)))
        index = int(order[0])
        if distance[index] > reach:
            continue
        rank = (not item.is_handle, float(np.round(distance[index])), float(depth[index]))
        if best is None or rank < best:
            best, found = rank, Pick3D(name, index, item.positions[index].copy(), float(depth[index]))
    if found is not None or handles_only:
        return found
    return _pick_face(items, camera, rect, mouse)


def _pick_face(items: Mapping[str, Item], camera: Camera, rect: QRectF, mouse: np.ndarray) -> Pick3D | None:
    found: Pick3D | None = None
    for name, item in items.items():
        if not isinstance(item, Mesh) or not item.is_pickable or not len(item.faces):
            continue
        pixels, depth = camera.project(item.vertices, rect)
        a, b, c = (pixels[item.faces[:, corner]] for corner in range(3))
        with np.errstate(invalid="ignore", divide="ignore"):
            area = _cross(b - a, c - a)
            weights = np.stack(
                [_cross(b - mouse, c - mouse), _cross(c - mouse, a - mouse), _cross(a - mouse, b - mouse)]
            )
            weights = weights / area
            hit = (weights >= 0).all(0)
        if not hit.any():
            continue
        # On a plane seen in perspective it is the inverse depth that is linear over the screen.
        corners = depth[item.faces]
        depths = (weights.T * corners).sum(1)
        if camera.field_of_view > 0:
            with np.errstate(invalid="ignore", divide="ignore"):
                depths = 1 / (weights.T / corners).sum(1)
        depths = np.where(hit, depths, np.inf)
        index = int(np.argmin(depths))
        if found is None or depths[index] < found.depth:
            at = camera.unproject(QPointF(*mouse.tolist()), float(depths[index]), rect)
            found = Pick3D(name, index, at, float(depths[index]))
    return found


def _cross(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return np.asarray(u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0])
