"""What the paper reports, from memory and UNVERIFIED: mean, maximum and standard deviation by representation.

A panel that shows these numbers says so beside them.
"""

from __future__ import annotations

SANITY: dict[str, tuple[float, float, float]] = {
    "6d": (0.49, 1.98, 0.27),
    "5d": (0.49, 1.99, 0.27),
    "quaternion": (3.32, 179.93, 5.97),
    "axis_angle": (3.69, 179.22, 5.99),
    "euler": (6.98, 179.95, 17.31),
}
"""Sanity test, degrees."""

CLOUDS: dict[str, tuple[float, float, float]] = {
    "6d": (2.85, 179.83, 9.16),
    "5d": (4.78, 179.87, 12.25),
    "quaternion": (9.03, 179.66, 16.33),
    "axis_angle": (11.93, 179.7, 21.35),
    "euler": (14.13, 179.67, 23.8),
    "matrix": (4.21, 180.0, 9.27),
}
"""Relative rotation of point clouds, degrees."""

KINEMATICS: dict[str, tuple[float, float, float]] = {
    "6d": (1.9, 28.7, 1.2),
    "5d": (2.0, 33.3, 1.4),
    "quaternion": (3.3, 261.0, 4.2),
    "axis_angle": (3.0, 120.3, 2.3),
    "euler": (2.7, 48.7, 2.1),
    "matrix": (22.9, 53.6, 4.0),
}
"""Inverse kinematics, cm."""
