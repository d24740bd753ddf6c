"""Triples (u, y, G(u)(y)): made in slices, kept on disk, indexed so that a u with many y is stored once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from plugins.deeponet.problems import Problem, build_problem
from workbench.sdk import Progress, UserError
from workbench.toolkit.data_cache import cached

if TYPE_CHECKING:
    from plugins.deeponet.contract import ProblemParameters

SLICE = 250
"""Functions solved between two messages: well under 200 ms in every problem."""
BLOWN_UP = 1e6
"""Solutions larger than this have blown up; they are left out and counted."""
PROBLEM_FIELDS = ("problem", "duration", "pendulum_k", "diffusivity", "reaction", "alpha", "space", "length_scale")
LARGEST_SENSORS = 200


@dataclass(frozen=True)
class Triples:
    """Sensor readings (f, m), and for each triple the function's index (n,), the location (n, d), the value (n,)."""

    sensors: Float[Tensor, "f m"]
    index: Int64[Tensor, " n"]
    y: Float[Tensor, "n d"]
    s: Float[Tensor, " n"]
    lost: int = 0

    def __len__(self) -> int:
        return len(self.s)

    def to(self, device: torch.device) -> Triples:
        """Move everything."""
        return Triples(*(own.to(device) for own in (self.sensors, self.index, self.y, self.s)), self.lost)


def points_of(problem: Problem, points: int) -> int:
    """Locations per function: as asked, or one for functions of one variable, 10 of Legendre's 20, 100 for fields."""
    if points:
        return points
    if problem.is_discrete:
        return 10
    return 1 if problem.dimensions == 1 else 100


def problem_key(own: ProblemParameters) -> dict[str, Any]:
    """The parameters that decide a problem's data."""
    return {name: getattr(own, name) for name in PROBLEM_FIELDS}


def make_triples(
    own: ProblemParameters,
    places: Float[np.ndarray, " m"],
    functions: int,
    points: int,
    seed: int,
    cache: Path,
    *,
    shared: bool = False,
    purpose: str = "training",
) -> Iterator[Progress | Triples]:
    """Yield Progress and last the triples of `functions` new inputs with `points` locations each.

    Locations are uniform on the interval for functions of one variable, else grid points with replacement; `shared`
    gives all functions the same ones. Raises UserError if nothing finite is left.
    """
    problem = build_problem(own)
    key = problem_key(own) | {
        "places": [round(float(place), 9) for place in places], "functions": functions, "points": points,
        "seed": seed, "shared": shared, "version": 1,
    }  # fmt: skip

    def make() -> Iterator[Progress | dict[str, np.ndarray]]:
        rng = np.random.default_rng(seed)
        reader = problem.reader(places)
        sensors, index, ys, values = [], [], [], []
        lost = 0
        fixed = _locations(problem, 1, points, rng) if shared else None
        for begun in range(0, functions, SLICE):
            count = min(SLICE, functions - begun)
            u = problem.space.sample(count, rng)
            solution = problem.solve(u)
            where = fixed if fixed is not None else _locations(problem, count, points, rng)
            y, found = _picked(problem, solution, where)
            good = np.isfinite(found) & (np.abs(found) < BLOWN_UP)
            if shared:  # aligned data need whole rows
                good &= good.all(1, keepdims=True)
            lost += int((~good).sum())
            sensors.append((u @ reader).astype(np.float32))
            rows = np.broadcast_to(np.arange(begun, begun + count)[:, None], good.shape)
            index.append(rows[good])
            ys.append(y[good].astype(np.float32))
            values.append(found[good].astype(np.float32))
            yield Progress(f"Solving {purpose} problems: {begun + count} of {functions}", (begun + count) / functions)
        yield {
            "sensors": np.concatenate(sensors), "index": np.concatenate(index).astype(np.int64),
            "y": np.concatenate(ys), "s": np.concatenate(values), "lost": np.array(lost),
        }  # fmt: skip

    for said in cached(cache, f"deeponet-{own.problem}", key, make):
        if isinstance(said, Progress):
            yield said
        else:
            yield checked(said)


def checked(arrays: Mapping[str, np.ndarray]) -> Triples:
    """Make tensors; raise UserError naming the first sample that is not finite."""
    for name in ("sensors", "y", "s"):
        bad = np.flatnonzero(~np.isfinite(arrays[name].reshape(len(arrays[name]), -1)).all(1))
        if len(bad):
            raise UserError(f"The training data hold a value that is not finite: {name} of sample {bad[0]}.")
    if not len(arrays["s"]):
        raise UserError("Every solution blew up: there is nothing to train on. Shorten T.")
    return Triples(*(torch.from_numpy(np.array(arrays[name])) for name in ("sensors", "index", "y", "s")),
                   int(arrays["lost"]))  # fmt: skip


def _locations(problem: Problem, count: int, points: int, rng: np.random.Generator) -> np.ndarray:
    """Places (count, points): a share of the interval for functions of one variable, else flat grid indices."""
    if problem.dimensions == 1 and not problem.is_discrete:
        return rng.uniform(0.0, 1.0, (count, points))
    size = len(problem.locations)
    if problem.is_discrete and points <= size:
        return rng.permuted(np.broadcast_to(np.arange(size), (count, size)), axis=1)[:, :points]
    return rng.integers(0, size, (count, points))


def _picked(problem: Problem, solution: np.ndarray, where: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Locations (b, points, d) and values (b, points); between grid points of one variable, linearly."""
    count = len(solution)
    where = np.broadcast_to(where, (count, where.shape[1]))
    rows = np.arange(count)[:, None]
    if where.dtype.kind == "i":
        flat = solution.reshape(count, -1)
        return problem.locations[where], flat[rows, where]
    axis = problem.axes[0]
    exact = where * (len(axis) - 1)
    cell = np.minimum(exact.astype(int), len(axis) - 2)
    share = exact - cell
    values = (1 - share) * solution[rows, cell] + share * solution[rows, cell + 1]
    return (axis[0] + where * (axis[-1] - axis[0]))[..., None], values


def trimmed_mse(squared: Float[Tensor, "s n"]) -> Float[Tensor, " s"]:
    """Mean without the largest 1 per mille (the paper's "MSE w/o outliers")."""
    count = squared.shape[1]
    kept = max(1, count - max(1, count // 1000))
    return squared.sort(1).values[:, :kept].mean(1)
