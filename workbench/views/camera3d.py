"""The camera of 3-D views: one projection for OpenGL, for the 2-D painter and for picking."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float
    from PySide6.QtCore import QPointF, QRectF

FILL = 0.92
"""Share of the smaller side of the view that the scene's sphere takes."""
UPS = {"x": 0, "y": 1, "z": 2}


def rotation_about(axis: Float[np.ndarray, "3"], radians: float) -> Float[np.ndarray, "3 3"]:
    """Return the rotation by an angle about an axis of any length (Rodrigues' formula)."""
    x, y, z = np.asarray(axis, np.float64) / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + math.sin(radians) * cross + (1 - math.cos(radians)) * (cross @ cross)


@dataclass
class Camera:
    """Looks at `centre`; a sphere of `radius` around it fills the view.

    The rows of `orientation` (3, 3) are right, up and backwards in world coordinates. `field_of_view` is in degrees,
    0 for a parallel projection. A turntable keeps the axis `up` upright; an arcball turns freely.
    """

    centre: Float[np.ndarray, "3"] = field(default_factory=lambda: np.zeros(3))
    radius: float = 1.0
    field_of_view: float = 30.0
    up: Literal["x", "y", "z"] = "z"
    mode: Literal["turntable", "arcball"] = "turntable"
    orientation: Float[np.ndarray, "3 3"] = field(default_factory=lambda: np.eye(3))

    def look_from(self, azimuth: float, elevation: float) -> None:
        """Place the camera by two angles in degrees: around `up`, and above the plane across it."""
        a, e = math.radians(azimuth), math.radians(elevation)
        back = np.array([math.cos(e) * math.cos(a), math.cos(e) * math.sin(a), math.sin(e)])
        right = np.array([-math.sin(a), math.cos(a), 0.0])
        rows = np.stack([right, np.cross(back, right), back])
        # The angles are written for z; cyclic axes keep the hand for the others.
        self.orientation = np.roll(rows, UPS[self.up] - 2, axis=1)

    @property
    def distance(self) -> float:
        """From the eye to the centre, in world units."""
        if self.field_of_view <= 0:
            return 10 * self.radius
        return self.radius / math.sin(math.radians(self.field_of_view) / 2)

    def focal(self, rect: QRectF) -> float:
        """Logical pixels of a world unit, times its depth (perspective) or not (parallel)."""
        half = FILL * min(rect.width(), rect.height()) / 2
        if self.field_of_view <= 0:
            return half / self.radius
        return half / math.tan(math.radians(self.field_of_view) / 2)

    def project(
        self, points: Float[np.ndarray, "n 3"], rect: QRectF
    ) -> tuple[Float[np.ndarray, "n 2"], Float[np.ndarray, " n"]]:
        """Map world points to logical pixels (n, 2), and their depths (n,) away from the eye.

        Points at or behind the eye have no pixels (NaN).
        """
        seen = (np.asarray(points, np.float64).reshape(-1, 3) - self.centre) @ self.orientation.T
        depth = self.distance - seen[:, 2]
        if self.field_of_view <= 0:
            factor = np.full(len(seen), self.focal(rect))
        else:
            factor = self.focal(rect) / np.where(depth > 1e-3 * self.distance, depth, np.nan)
        middle = rect.center()
        return np.stack([middle.x() + factor * seen[:, 0], middle.y() - factor * seen[:, 1]], 1), depth

    def unproject(self, position: QPointF, depth: float, rect: QRectF) -> Float[np.ndarray, "3"]:
        """Return the world point at a logical pixel and a depth."""
        factor = self.focal(rect) / (depth if self.field_of_view > 0 else 1.0)
        away = position - rect.center()
        seen = np.array([away.x() / factor, -away.y() / factor, self.distance - depth])
        return self.centre + seen @ self.orientation

    def clip_matrix(self, rect: QRectF, scene: tuple[Float[np.ndarray, "3"], float]) -> Float[np.ndarray, "4 4"]:
        """Return the matrix that maps row vectors (x, y, z, 1) to pixels times w, and a depth in [-w, w].

        `scene` is the centre and radius of a sphere around everything, for the near and far planes.
        """
        seen = self.orientation @ (np.asarray(scene[0]) - self.centre)
        middle_depth = self.distance - seen[2]
        reach = 1.05 * scene[1] + 1e-6 * self.radius
        near, far = middle_depth - reach, middle_depth + reach
        to_camera = np.eye(4)
        to_camera[:3, :3] = self.orientation.T
        to_camera[3, :3] = -self.orientation @ self.centre
        focal, middle = self.focal(rect), rect.center()
        projection = np.zeros((4, 4))
        if self.field_of_view <= 0:
            projection[0, 0], projection[1, 1] = focal, -focal
            projection[3, 0], projection[3, 1] = middle.x(), middle.y()
            projection[2, 2] = -2 / (far - near)
            projection[3, 2] = (2 * self.distance - far - near) / (far - near)
            projection[3, 3] = 1.0
            return to_camera @ projection
        near = max(near, 0.01 * self.distance)
        far = max(far, 1.01 * near)
        projection[0, 0], projection[1, 1] = focal, -focal
        # w is the depth, distance - z; pixels and clip depth are written as (something) * w.
        slope, offset = (far + near) / (far - near), -2 * far * near / (far - near)
        projection[2] = [-middle.x(), -middle.y(), -slope, -1.0]
        projection[3] = [
            middle.x() * self.distance,
            middle.y() * self.distance,
            slope * self.distance + offset,
            self.distance,
        ]
        return to_camera @ projection

    # How drags move it

    def turn(self, start: QPointF, end: QPointF, rect: QRectF) -> None:
        """Turn by a drag from `start` to `end` (logical pixels)."""
        if self.mode == "arcball":
            self.orientation = arcball(start, end, rect) @ self.orientation
            return
        across = 2 * math.pi * (end.x() - start.x()) / max(200.0, rect.width())
        down = math.pi * (end.y() - start.y()) / max(200.0, rect.height())
        axis = np.eye(3)[UPS[self.up]]
        elevation = math.atan2(float(self.orientation[2] @ axis), float(self.orientation[1] @ axis)) + down
        elevation = min(max(elevation, -math.pi / 2), math.pi / 2)
        # Built anew from two angles each time: turning on would let rounding errors grow at the poles.
        right = self.orientation[0] @ rotation_about(axis, across)
        right -= (right @ axis) * axis
        right /= np.linalg.norm(right)
        level = np.cross(right, axis)
        back = math.cos(elevation) * level + math.sin(elevation) * axis
        self.orientation = np.stack([right, np.cross(back, right), back])

    def rotation_of_drag(self, start: QPointF, end: QPointF, rect: QRectF) -> Float[np.ndarray, "3 3"]:
        """Return the rotation in world coordinates by which an object follows an arcball drag."""
        return self.orientation.T @ arcball(start, end, rect) @ self.orientation

    def pan(self, start: QPointF, end: QPointF, rect: QRectF) -> None:
        """Move so that what was under `start` is under `end`, in the plane through the centre."""
        depth = self.distance
        self.centre = self.centre + self.unproject(start, depth, rect) - self.unproject(end, depth, rect)

    def zoom(self, factor: float) -> None:
        """Show a sphere `factor` times as large."""
        self.radius = min(max(self.radius * factor, 1e-9), 1e12)

    def state(self) -> dict[str, Any]:
        """Return everything but `up` as plain JSON values."""
        return {
            "orientation": self.orientation.tolist(),
            "centre": self.centre.tolist(),
            "radius": self.radius,
            "mode": self.mode,
            "field_of_view": self.field_of_view,
        }

    def restore(self, state: Mapping[str, Any]) -> bool:
        """Restore what `state` returned, ignoring what is unusable; return whether it said where to look."""
        orientation = finite_array(state.get("orientation"), (3, 3))
        if orientation is not None and np.allclose(orientation @ orientation.T, np.eye(3), atol=1e-6):
            self.orientation = orientation
        if state.get("mode") in ("turntable", "arcball"):
            self.mode = state["mode"]
        if isinstance(angle := state.get("field_of_view"), (int, float)) and 0 <= angle < 120:
            self.field_of_view = float(angle)
        centre, radius = finite_array(state.get("centre"), (3,)), state.get("radius")
        if centre is None or not isinstance(radius, (int, float)) or not radius > 0:
            return False
        self.centre, self.radius = centre, float(radius)
        return True


def arcball(start: QPointF, end: QPointF, rect: QRectF) -> Float[np.ndarray, "3 3"]:
    """Return the rotation in camera coordinates of a drag over a ball in the view (Shoemake 1992).

    Outside the ball the surface goes on as Bell's hyperbola, so that the rotation has no jump there.
    """
    a, b = _on_ball(start, rect), _on_ball(end, rect)
    axis = np.cross(a, b)
    length = float(np.linalg.norm(axis))
    if length < 1e-12:
        return np.eye(3)
    return rotation_about(axis, math.atan2(length, float(a @ b)))


def _on_ball(position: QPointF, rect: QRectF) -> Float[np.ndarray, "3"]:
    away = (position - rect.center()) / (0.5 * max(1.0, min(rect.width(), rect.height())))
    squared = away.x() ** 2 + away.y() ** 2
    depth = math.sqrt(1 - squared) if squared <= 0.5 else 0.5 / math.sqrt(squared)
    made = np.array([away.x(), -away.y(), depth])
    return made / float(np.linalg.norm(made))


def finite_array(value: object, shape: tuple[int, ...]) -> np.ndarray | None:
    """Return `value` as floats of the given shape, or None if it is anything else."""
    try:
        made = np.asarray(value, np.float64)
    except (TypeError, ValueError):
        return None
    return made if made.shape == shape and np.isfinite(made).all() else None
