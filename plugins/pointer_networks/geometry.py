"""The planar problems in numpy: labels for batches of point sets, and what makes two outputs the same.

Slots are 1-based as in the paper; 0 is the stop symbol and pads what follows it. Uniform points are in general
position with probability one, so labels are unique; degenerate sets (on one line, doubled) get a label all the same.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from jaxtyping import Bool, Float, Int64

ENUMERATED_TRIANGLES = 8
"""Largest number of points whose triangles are all tested at once; scipy goes through larger sets one by one."""
COLLINEAR = 1e-12

Sets = Float[np.ndarray, "b n 2"]
Slots = Int64[np.ndarray, "b T"]


def cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Third component of the cross product of vectors in the plane."""
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]


# Convex hulls


def convex_hulls(points: Sets) -> Int64[np.ndarray, "b k"]:
    """Hull of each set: slots counter-clockwise from the one that comes first in the input, then 0.

    Gift wrapping, one hull point of every set at a time: the next one is that to whose right nothing lies, the
    farthest where several are on one line.
    """
    batch, count, _ = points.shape
    rows = np.arange(batch)
    start = np.lexsort((points[..., 0], points[..., 1]), axis=1)[:, 0] if count else np.zeros(batch, int)
    current, heading = start, np.tile((1.0, 0.0), (batch, 1))
    is_open = np.ones(batch, bool)
    found = []
    for _ in range(count):
        found.append(np.where(is_open, current, -1))
        here = points[rows, current]
        away = points - here[:, None]
        distance = np.linalg.norm(away, axis=-1)
        angle = np.arctan2(cross(heading[:, None], away), (heading[:, None] * away).sum(-1))
        # Just short of a full turn is a rounding error of straight on.
        angle = np.where(angle < -COLLINEAR, angle + 2 * np.pi, np.maximum(angle, 0.0))
        angle = np.where(distance <= COLLINEAR, np.inf, angle)
        smallest = angle.min(1, keepdims=True)
        following = np.where(angle <= smallest + 1e-9, distance, -np.inf).argmax(1)
        is_open &= np.isfinite(smallest[:, 0]) & (
            np.linalg.norm(points[rows, following] - points[rows, start], axis=1) > 0
        )
        step = points[rows, following] - here
        heading = step / np.maximum(np.linalg.norm(step, axis=1, keepdims=True), 1e-300)
        current = following
        if not is_open.any():
            break
    hulls = np.stack(found, 1) if found else np.zeros((batch, 0), np.int64)
    # Turn each so that the point that comes first in the input is first.
    size = (hulls >= 0).sum(1, keepdims=True)
    first = np.where(hulls >= 0, hulls, count).argmin(1)[:, None] if count else np.zeros((batch, 1), int)
    place = np.arange(hulls.shape[1])
    turned = np.take_along_axis(hulls, (first + place) % np.maximum(size, 1), 1)
    return np.where(place < size, turned + 1, 0)


def polygon_area(points: Float[np.ndarray, "k 2"]) -> float:
    """Area inside a polygon, whichever way round it goes."""
    return 0.5 * abs(float(cross(points, np.roll(points, -1, 0)).sum()))


def is_simple(points: Float[np.ndarray, "k 2"]) -> bool:
    """Whether a closed polygon has at least three corners, none twice, and no two sides that meet elsewhere."""
    count = len(points)
    if count < 3 or len(np.unique(points, axis=0)) < count:
        return False
    if count == 3:
        return True
    ends = np.roll(points, -1, 0)
    i, j = np.triu_indices(count, 1)
    apart = (j - i > 1) & (j - i < count - 1)
    i, j = i[apart], j[apart]
    a, b, c, d = points[i], ends[i], points[j], ends[j]
    first = cross(b - a, c - a) * cross(b - a, d - a)
    second = cross(d - c, a - c) * cross(d - c, b - c)
    return not bool(((first < 0) & (second < 0)).any())


def chosen(slots: Sequence[int] | np.ndarray) -> Int64[np.ndarray, " k"]:
    """The slots before the stop symbol."""
    slots = np.asarray(slots, np.int64)
    stops = np.flatnonzero(slots == 0)
    return slots[: stops[0]] if len(stops) else slots


def corners(slots: Sequence[int] | np.ndarray) -> Int64[np.ndarray, " k"]:
    """Corners of an output polygon, without a repeated first one that closes it."""
    own = chosen(slots)
    return own[:-1] if len(own) > 1 and own[0] == own[-1] else own


def same_polygon(first: Sequence[int] | np.ndarray, second: Sequence[int] | np.ndarray) -> bool:
    """Whether two outputs are the same polygon, from whichever corner and whichever way round."""
    return _turned(corners(first)) == _turned(corners(second))


def _turned(polygon: Int64[np.ndarray, " k"]) -> tuple[int, ...]:
    if not len(polygon):
        return ()
    turned = np.roll(polygon, -int(polygon.argmin()))
    mirrored = np.roll(turned[::-1], 1)
    return min(tuple(turned.tolist()), tuple(mirrored.tolist()))


def area_share(points: Float[np.ndarray, "n 2"], slots: np.ndarray, truth: np.ndarray) -> float:
    """Area of an output polygon over that of the true hull; NaN where the output is not a simple polygon."""
    own = points[corners(slots) - 1]
    whole = polygon_area(points[corners(truth) - 1])
    return polygon_area(own) / whole if whole > 0 and is_simple(own) else float("nan")


# Delaunay triangulations


@lru_cache(maxsize=32)
def _triples(count: int) -> Int64[np.ndarray, "t 3"]:
    return np.array(list(itertools.combinations(range(count), 3)), np.int64).reshape(-1, 3)


def in_circle(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> np.ndarray:
    """Positive where d lies inside the circle through a, b, c, whichever way round these are."""
    a, b, c = a - d, b - d, c - d
    determinant = (
        np.square(a).sum(-1) * cross(b, c) + np.square(b).sum(-1) * cross(c, a) + np.square(c).sum(-1) * cross(a, b)
    )
    return determinant * np.sign(cross(b - a, c - a))


def incentres(points: Float[np.ndarray, "... 3 2"]) -> Float[np.ndarray, "... 2"]:
    """Incentre (aA + bB + cC) / (a + b + c) of triangles with corners A, B, C, a being the side opposite to A."""
    sides = np.linalg.norm(np.roll(points, -1, -2) - np.roll(points, 1, -2), axis=-1)
    total = np.maximum(sides.sum(-1), 1e-300)
    centre: np.ndarray = (sides[..., None] * points).sum(-2) / total[..., None]
    return centre


def delaunay(points: Sets, *, ordered: bool = True, rng: np.random.Generator | None = None) -> Int64[np.ndarray, "b k"]:
    """Delaunay triangles of each set as flattened ascending slot triples, then 0.

    Triangles come in the order of their incentres, x before y; unordered ones in a random order drawn from `rng`.
    """
    batch, count, _ = points.shape
    most = max(0, 2 * count - 5)
    if count < 3:
        return np.zeros((batch, 0), np.int64)
    if count <= ENUMERATED_TRIANGLES:
        triples = _triples(count)
        corner = points[:, triples]
        a, b, c = (corner[:, :, None, k] for k in range(3))
        inside = in_circle(a, b, c, points[:, None])
        is_own = (triples[:, :, None] == np.arange(count)).any(1)
        is_face = ((inside <= 0) | is_own).all(-1) & (np.abs(cross(b - a, c - a))[..., 0] > COLLINEAR)
        index = np.broadcast_to(triples, (batch, *triples.shape))
    else:
        index, is_face = _scipy_triangles(points, most)
        corner = np.take_along_axis(points[:, None], index[..., None], 2)
    centre = incentres(corner) if ordered or rng is None else rng.random((*is_face.shape, 2))
    order = np.lexsort((centre[..., 1], np.where(is_face, centre[..., 0], np.inf)), axis=1)[:, :most]
    slots = np.take_along_axis(np.where(is_face[..., None], index + 1, 0), order[..., None], 1)
    return slots.reshape(batch, -1)


def _scipy_triangles(points: Sets, most: int) -> tuple[np.ndarray, np.ndarray]:
    from scipy.spatial import Delaunay, QhullError

    index = np.zeros((len(points), most, 3), np.int64)
    is_face = np.zeros((len(points), most), bool)
    for row, own in enumerate(points):
        try:
            found = np.sort(Delaunay(own).simplices, 1)
        except QhullError:
            continue
        index[row, : len(found)], is_face[row, : len(found)] = found, True
    return index, is_face


def triangles(slots: Sequence[int] | np.ndarray) -> list[tuple[int, int, int]]:
    """Triangles that an output names, each as three ascending slots; what does not name three points is left out."""
    own = chosen(slots)
    whole = own[: len(own) // 3 * 3].reshape(-1, 3)
    return [tuple(sorted(row)) for row in whole.tolist() if len(set(row)) == 3]


def same_triangles(first: np.ndarray, second: np.ndarray) -> bool:
    """Whether two outputs are the same set of triangles, and complete ones."""
    return len(chosen(first)) % 3 == 0 and set(triangles(first)) == set(triangles(second))


def triangle_share(slots: np.ndarray, truth: np.ndarray) -> float:
    """Share of the true triangles that an output has."""
    true = set(triangles(truth))
    return len(true & set(triangles(slots))) / len(true) if true else float("nan")


# Tours and orders


def is_permutation(slots: Slots, count: int) -> Bool[np.ndarray, " b"]:
    """Which outputs name each of `count` points once and then stop."""
    if slots.shape[1] < count:
        return np.zeros(len(slots), bool)
    is_each = (np.sort(slots[:, :count], 1) == np.arange(1, count + 1)).all(1)
    return is_each & (slots[:, count:] == 0).all(1)


def padded(slots: np.ndarray, width: int) -> np.ndarray:
    """Slots with stop symbols behind them, `width` long."""
    return np.pad(slots[:, :width], ((0, 0), (0, max(0, width - slots.shape[1]))))


def mean_hull_rank(truth: np.ndarray, count: int) -> Float[np.ndarray, " b"]:
    """Mean place of the hull's points in the input, 0 for the first and 1 for the last."""
    is_point = truth > 0
    mean: np.ndarray = np.where(is_point, truth - 1, 0).sum(1) / np.maximum(is_point.sum(1), 1) / max(1, count - 1)
    return mean
