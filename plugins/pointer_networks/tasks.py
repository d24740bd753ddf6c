"""The four tasks: how points are drawn, what the right output is, and how an output is judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float, Int64

from plugins.pointer_networks import geometry
from plugins.pointer_networks.decoding import Rule
from workbench.sdk import UserError
from workbench.toolkit import tsp


@dataclass(frozen=True)
class Scores:
    """One number an output: is it right, is it of the right form, and how good is it (NaN where that has no meaning).

    `quality` is the covered share of the hull's area or of the triangles, or the tour's length.
    """

    is_right: np.ndarray
    is_valid: np.ndarray
    quality: np.ndarray


class Task:
    """Convex hull, Delaunay triangulation, tour or order. Coordinates that a model sees are the first `coordinates`."""

    name: ClassVar[str]
    rule: ClassVar[Rule]
    coordinates: ClassVar[int] = 2

    def draw(self, rng: np.random.Generator, batch: int, count: int) -> Float[np.ndarray, "b n 2"]:
        """Points, uniform in the unit square."""
        return rng.random((batch, count, 2))

    def label(self, points: Float[np.ndarray, "b n 2"]) -> Int64[np.ndarray, "b k"]:
        """Right outputs as slots, padded with 0."""
        raise NotImplementedError

    def training_label(self, points: np.ndarray, rng: np.random.Generator) -> Int64[np.ndarray, "b k"]:
        """What a model is taught, which may be worse than `label`."""
        return self.label(points)

    def judge(self, points: np.ndarray, slots: np.ndarray, truth: np.ndarray) -> Scores:
        """Compare outputs with the right ones."""
        raise NotImplementedError


class HullTask(Task):
    """Convex hull, counter-clockwise from its first input point, without the repetition that closes it."""

    name, rule = "hull", "polygon"

    def label(self, points: Float[np.ndarray, "b n 2"]) -> Int64[np.ndarray, "b k"]:
        """Gift wrapping."""
        return geometry.convex_hulls(points)

    def judge(self, points: np.ndarray, slots: np.ndarray, truth: np.ndarray) -> Scores:
        """Same polygon, simple polygon, share of the area."""
        area = np.array([geometry.area_share(*each) for each in zip(points, slots, truth, strict=True)])
        right = np.array([geometry.same_polygon(*each) for each in zip(slots, truth, strict=True)], bool)
        return Scores(right, np.isfinite(area), area)


class DelaunayTask(Task):
    """Delaunay triangulation, triangles by their incentres or taught in random order."""

    name, rule = "delaunay", "triangles"

    def __init__(self, is_ordered: bool = True) -> None:
        self.is_ordered = is_ordered

    def label(self, points: Float[np.ndarray, "b n 2"]) -> Int64[np.ndarray, "b k"]:
        """Empty circles."""
        return geometry.delaunay(points)

    def training_label(self, points: np.ndarray, rng: np.random.Generator) -> Int64[np.ndarray, "b k"]:
        """In the order asked for."""
        return geometry.delaunay(points, ordered=self.is_ordered, rng=rng)

    def judge(self, points: np.ndarray, slots: np.ndarray, truth: np.ndarray) -> Scores:
        """Same set of triangles, whole triangles, share of them."""
        right = np.array([geometry.same_triangles(*each) for each in zip(slots, truth, strict=True)], bool)
        valid = np.array([len(own := geometry.chosen(row)) % 3 == 0 and len(own) == 3 * len(geometry.triangles(row))
                          for row in slots], bool)  # fmt: skip
        share = np.array([geometry.triangle_share(*each) for each in zip(slots, truth, strict=True)])
        return Scores(right, valid, share)


class TourTask(Task):
    """Shortest round tour from the first city, without the way back.

    A tour and its mirror image are equally long, and the paper does not say which one is taught. `direction` "ccw"
    takes the one with positive area, "index" the one whose second city has a smaller number than its last.
    """

    name, rule = "tour", "permutation"

    def __init__(self, solver: str = "optimal", direction: str = "ccw") -> None:
        self.solver, self.direction = solver, direction

    def label(self, points: Float[np.ndarray, "b n 2"]) -> Int64[np.ndarray, "b k"]:
        """Exact up to tsp.EXACT_LIMIT cities; above, the best heuristic that is batched."""
        exact = points.shape[1] <= tsp.EXACT_LIMIT
        return self._directed(points, tsp.optimal(points) if exact else tsp.greedy_two_opt(points)) + 1

    def training_label(self, points: np.ndarray, rng: np.random.Generator) -> Int64[np.ndarray, "b k"]:
        """By the chosen solver."""
        return self._directed(points, tsp.SOLVERS[self.solver](points)) + 1

    def _directed(self, points: np.ndarray, tours: np.ndarray) -> Int64[np.ndarray, "b k"]:
        return tsp.counter_clockwise(points, tours) if self.direction == "ccw" else tsp.canonical(tours)

    def judge(self, points: np.ndarray, slots: np.ndarray, truth: np.ndarray) -> Scores:
        """Length of the valid tours; right within 1e-6 of the true tour's length."""
        count = points.shape[1]
        valid = geometry.is_permutation(slots, count)
        tours = np.where(valid[:, None], geometry.padded(slots, count), truth) - 1
        lengths = np.where(valid, tsp.tour_lengths(points, tours), np.nan)
        right = valid & (np.abs(lengths - tsp.tour_lengths(points, truth - 1)) < 1e-6)
        return Scores(right, valid, lengths)


class SortTask(Task):
    """Sort numbers: point at them in ascending order. The numbers are the points' x."""

    name, rule, coordinates = "sort", "permutation", 1

    def draw(self, rng: np.random.Generator, batch: int, count: int) -> Float[np.ndarray, "b n 2"]:
        """Numbers, uniform in [0, 1], shown from top to bottom in the order of the input."""
        height = np.broadcast_to(np.linspace(0.9, 0.1, count), (batch, count))
        return np.stack([rng.random((batch, count)), height], -1)

    def label(self, points: Float[np.ndarray, "b n 2"]) -> Int64[np.ndarray, "b k"]:
        """Where each of the sorted numbers stood."""
        return points[..., 0].argsort(1, kind="stable") + 1

    def judge(self, points: np.ndarray, slots: np.ndarray, truth: np.ndarray) -> Scores:
        """Same order; the share of places that are right."""
        count = points.shape[1]
        own = geometry.padded(slots, count)
        valid = geometry.is_permutation(slots, count)
        return Scores(valid & (own == truth).all(1), valid, (own == truth).mean(1))


def checked_points(values: object, most: int) -> Float[np.ndarray, "n 2"]:
    """Check points that a person gave; raise UserError with one sentence if they cannot be used."""
    points = np.asarray(values, np.float64)
    if points.ndim != 2 or points.shape[1:] != (2,) or not np.isfinite(points).all():
        raise UserError("Points are pairs of finite numbers.")
    if not 1 <= len(points) <= most:
        raise UserError(f"Between 1 and {most} points can be used here, not {len(points)}.")
    return points
