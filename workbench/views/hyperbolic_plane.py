"""The hyperbolic plane of curvature -1 as views draw it: points are complex numbers of the unit disk."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Complex, Float

INSIDE = 1 - 1e-12


@dataclass(frozen=True)
class Motion:
    """An orientation-preserving isometry z ↦ (α z + β) / (β̄ z + ᾱ) with |α|² - |β|² = 1."""

    alpha: complex = 1.0
    beta: complex = 0.0

    @classmethod
    def translation(cls, start: complex, end: complex) -> Motion:
        """The translation along the geodesic from `start` to `end` that takes one to the other."""
        return cls.to_origin(-start).after(cls.to_origin(cls.to_origin(start)(np.array(end)).item() * -1)).after(
            cls.to_origin(start)
        )  # fmt: skip

    @classmethod
    def to_origin(cls, point: complex) -> Motion:
        """The translation that takes `point` to the origin."""
        point = clamped(point)
        size = math.sqrt(1 - abs(point) ** 2)
        return cls(1 / size, -point / size)

    @classmethod
    def rotation(cls, angle: float) -> Motion:
        """The rotation about the origin, in radians."""
        return cls(complex(math.cos(angle / 2), math.sin(angle / 2)), 0)

    def __call__(self, z: Complex[np.ndarray, "*n"]) -> Complex[np.ndarray, "*n"]:
        """Move points."""
        z = np.asarray(z, np.complex128)
        return (self.alpha * z + self.beta) / (np.conj(self.beta) * z + np.conj(self.alpha))

    def after(self, first: Motion) -> Motion:
        """The motion that does `first` and then this one; rounding does not add up over many."""
        alpha = self.alpha * first.alpha + self.beta * np.conj(first.beta)
        beta = self.alpha * first.beta + self.beta * np.conj(first.alpha)
        size = math.sqrt(max(abs(alpha) ** 2 - abs(beta) ** 2, 1e-300))
        return Motion(complex(alpha / size), complex(beta / size))

    @property
    def inverse(self) -> Motion:
        """The motion that undoes this one."""
        return Motion(np.conj(self.alpha).item(), -self.beta)


def clamped(point: complex) -> complex:
    """Return a point that is surely inside the disk."""
    size = abs(point)
    return point if size < INSIDE else point / size * INSIDE


def distance(z: Complex[np.ndarray, "*n"], w: Complex[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
    """Hyperbolic distance."""
    gaps = np.maximum((1 - np.abs(z) ** 2) * (1 - np.abs(w) ** 2), 1e-300)
    return 2 * np.arcsinh(np.abs(z - w) / np.sqrt(gaps))


def scaled(r: float, z: Complex[np.ndarray, "*n"]) -> Complex[np.ndarray, "*n"]:
    """R ⊗ z: r times as far from the origin."""
    size = np.clip(np.abs(z), 1e-300, INSIDE)
    return np.tanh(r * np.arctanh(size)) * z / size


def geodesics(
    start: Complex[np.ndarray, " e"], end: Complex[np.ndarray, " e"], samples: int = 24
) -> Complex[np.ndarray, "e s"]:
    """Points along the segments between pairs of points, evenly spaced in distance."""
    start, end = np.asarray(start, np.complex128), np.asarray(end, np.complex128)
    step = (end - start) / (1 - np.conj(start) * end)
    size = np.clip(np.abs(step), 1e-300, INSIDE)
    t = np.linspace(0, 1, samples)
    along = np.tanh(t * np.arctanh(size)[:, None]) * (step / size)[:, None]
    return (along + start[:, None]) / (1 + np.conj(start)[:, None] * along)


def arcs(
    start: Complex[np.ndarray, " e"], end: Complex[np.ndarray, " e"], samples: int = 24
) -> Complex[np.ndarray, "e s"]:
    """The same segments with points evenly spaced for the eye: along the circle at right angles to the boundary."""
    z, w = np.asarray(start, np.complex128), np.asarray(end, np.complex128)
    cross = z.real * w.imag - z.imag * w.real
    is_line = np.abs(cross) < 1e-9
    safe = np.where(is_line, 1.0, cross)
    first, second = (1 + np.abs(z) ** 2) / 2, (1 + np.abs(w) ** 2) / 2
    centre = ((first * w.imag - second * z.imag) + 1j * (second * z.real - first * w.real)) / safe
    radius = np.sqrt(np.maximum(np.abs(centre) ** 2 - 1, 0))
    begin = np.angle(z - centre)
    turn = np.angle((w - centre) / np.where(z == centre, 1, z - centre))  # the shorter way is the one in the disk
    t = np.linspace(0, 1, samples)
    curved = centre[:, None] + radius[:, None] * np.exp(1j * (begin[:, None] + turn[:, None] * t))
    straight = z[:, None] + (w - z)[:, None] * t
    found = np.where(is_line[:, None] | (radius > 1e4)[:, None], straight, curved)
    found[:, 0], found[:, -1] = z, w
    return found


def circle(centre: complex, radius: float, samples: int = 96) -> Complex[np.ndarray, " s"]:
    """Points of the hyperbolic circle, which is a Euclidean one about another centre."""
    around = math.tanh(radius / 2) * np.exp(2j * np.pi * np.linspace(0, 1, samples))
    return Motion.to_origin(centre).inverse(around)


def equidistant(normal: complex, offset: float, value: float, samples: int = 96) -> Complex[np.ndarray, " s"]:
    """Points at signed distance `value` from the geodesic with unit `normal` at `offset` from the origin.

    The geodesic itself (value 0) is a circle's arc at right angles to the boundary, or a diameter.
    """
    normal = normal / abs(normal)
    along = np.tanh(np.linspace(-6, 6, samples) / 2) * 1j  # the geodesic through the origin, normal to the real axis
    moved = np.empty(samples, np.complex128)
    for index, z in enumerate(along):
        moved[index] = Motion.to_origin(complex(z)).inverse(np.array(math.tanh(value / 2))).item()
    return Motion.to_origin(-math.tanh(offset / 2) * normal)(moved * normal)


def signed_distance(z: Complex[np.ndarray, "*n"], normal: complex, offset: float) -> Float[np.ndarray, "*n"]:
    """Signed distance to the geodesic with unit `normal` at `offset` from the origin: positive beyond it."""
    normal = normal / abs(normal)
    moved = Motion.to_origin(math.tanh(offset / 2) * normal)(z)
    across = (moved * np.conj(normal)).real
    return np.arcsinh(2 * across / np.maximum(1 - np.abs(moved) ** 2, 1e-300))


def tiling(p: int, q: int, most: int = 400) -> Complex[np.ndarray, "e 2"]:
    """Edges of the regular tiling by p-gons, q around each vertex; raises ValueError where that is not hyperbolic."""
    if p < 3 or q < 3 or (p - 2) * (q - 2) <= 4:
        raise ValueError(f"{{{p},{q}}} does not tile the hyperbolic plane: (p - 2)(q - 2) must exceed 4")
    # Distance from a tile's centre to a vertex: cosh R = cot(π/p) cot(π/q).
    radius = math.tanh(math.acosh(1 / (math.tan(math.pi / p) * math.tan(math.pi / q))) / 2)
    corners = radius * np.exp(2j * np.pi * (np.arange(p) + 0.5) / p)
    # Distance to the middle of a side: cosh h = cos(π/q) / sin(π/p); a half turn about it leads to the neighbour.
    half = math.acosh(math.cos(math.pi / q) / math.sin(math.pi / p))
    turns = []
    for side in range(p):
        middle = math.tanh(half / 2) * np.exp(2j * np.pi * side / p)
        there = Motion.to_origin(complex(middle))
        turns.append(there.inverse.after(Motion.rotation(math.pi)).after(there))
    found, seen = [Motion()], {(0.0, 0.0)}
    edges: dict[tuple[tuple[float, float], ...], tuple[complex, complex]] = {}
    for tile in found:
        own = tile(corners)
        for first, second in zip(own, np.roll(own, -1), strict=True):
            edges.setdefault(tuple(sorted([_key(first), _key(second)])), (first, second))
        for turn in turns:
            neighbour = tile.after(turn)
            key = _key(neighbour(np.zeros(1))[0])
            if key not in seen and len(found) < most:
                seen.add(key)
                found.append(neighbour)
    return np.array(list(edges.values()))


def _key(z: complex) -> tuple[float, float]:
    return round(float(z.real), 7) + 0.0, round(float(z.imag), 7) + 0.0


def to_klein(z: Complex[np.ndarray, "*n"]) -> Complex[np.ndarray, "*n"]:
    """The same points in the Klein model, where geodesics are straight."""
    return 2 * z / (1 + np.abs(z) ** 2)


def from_klein(k: Complex[np.ndarray, "*n"]) -> Complex[np.ndarray, "*n"]:
    """Inverse of `to_klein`."""
    return k / (1 + np.sqrt(np.maximum(1 - np.abs(k) ** 2, 0)))


def to_half_plane(z: Complex[np.ndarray, "*n"]) -> Complex[np.ndarray, "*n"]:
    """The same points in the upper half-plane: the origin is i, the disk's top is infinity."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return (z + 1j) / (1j * z + 1)


def from_half_plane(w: Complex[np.ndarray, "*n"]) -> Complex[np.ndarray, "*n"]:
    """Inverse of `to_half_plane`."""
    return (w - 1j) / (1 - 1j * w)


Map = Callable[[np.ndarray], np.ndarray]
MODELS: dict[str, tuple[str, Map, Map]] = {
    "disk": ("Poincaré disk", lambda z: np.asarray(z, np.complex128), lambda z: np.asarray(z, np.complex128)),
    "half-plane": ("half-plane", to_half_plane, from_half_plane),
    "klein": ("Klein disk", to_klein, from_klein),
}
"""Name, from the disk, and back."""
