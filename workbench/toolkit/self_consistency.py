"""Self-consistency equations of mean-field theories, solved for whole grids of control parameters at once."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import cache
from typing import TypeVar, cast

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

T = TypeVar("T")


@cache
def gaussian_nodes(points: int = 801, reach: float = 9.0) -> tuple[Float[Tensor, " z"], Float[Tensor, " z"]]:
    """Nodes and weights (z,) in float64 with E f(Z) = sum_z w_z f(x_z) for Z ~ N(0, 1): the trapezoidal rule.

    Converges geometrically for smooth f, and unlike Gauss-Hermite quadrature still resolves the steep tanh of low
    temperatures: with 61 Gauss-Hermite points the critical load of a P = 4 network at T' = 0.01 comes out as 0.494
    instead of 0.397.
    """
    nodes = torch.linspace(-reach, reach, points, dtype=torch.float64)
    weights = torch.exp(-nodes.square() / 2) / math.sqrt(2 * math.pi) * (nodes[1] - nodes[0])
    return nodes, weights


@dataclass(frozen=True)
class FixedPoint:
    """Order parameters (*grid, k) at the end, whether it converged (*grid,), and after how many steps."""

    values: Float[Tensor, "*grid k"]
    converged: Bool[Tensor, "*grid"]
    iterations: Int[Tensor, "*grid"]


LONGEST_PIECE = 0.06
"""Seconds of iterating after which the pieces of a solution let others speak."""


def fixed_point_pieces(
    update: Callable[[Float[Tensor, "g k"], Int[Tensor, " g"]], Float[Tensor, "g k"]],
    start: Float[Tensor, "*grid k"],
    *,
    damping: float = 0.5,
    tolerance: float = 1e-10,
    max_iterations: int = 5000,
) -> Generator[float, None, FixedPoint]:
    """Iterate x <- damping x + (1 - damping) update(x) at every grid point until it moves less than `tolerance`.

    `update` is given the points that still move (g, k) and their flat indices (g,) into the grid, so that it can pick
    their control parameters; points that have converged cost nothing more. Yields the share that has converged every
    few hundredths of a second, and returns the solution.
    """
    grid, k = start.shape[:-1], start.shape[-1]
    values = start.reshape(-1, k).clone()
    iterations = torch.zeros(len(values), dtype=torch.int64, device=start.device)
    moving = torch.arange(len(values), device=start.device)
    began = time.monotonic()
    for _ in range(max_iterations):
        if len(moving) == 0:
            break
        old = values[moving]
        new = damping * old + (1 - damping) * update(old, moving)
        values[moving] = new
        iterations[moving] += 1
        moving = moving[(new - old).abs().amax(-1) > tolerance]
        if time.monotonic() - began > LONGEST_PIECE:
            yield 1 - len(moving) / len(values)
            began = time.monotonic()
    converged = torch.ones(len(values), dtype=torch.bool, device=start.device)
    converged[moving] = False
    return FixedPoint(values.reshape(*grid, k), converged.reshape(grid), iterations.reshape(grid))


def solve_fixed_point(
    update: Callable[[Float[Tensor, "g k"], Int[Tensor, " g"]], Float[Tensor, "g k"]],
    start: Float[Tensor, "*grid k"],
    *,
    damping: float = 0.5,
    tolerance: float = 1e-10,
    max_iterations: int = 5000,
) -> FixedPoint:
    """Do all of `fixed_point_pieces` at once."""
    return finished(
        fixed_point_pieces(update, start, damping=damping, tolerance=tolerance, max_iterations=max_iterations)
    )


def finished(pieces: Generator[object, None, T]) -> T:
    """Run a computation that speaks in between to its end, and return what it found."""
    while True:
        try:
            next(pieces)
        except StopIteration as end:
            return cast("T", end.value)
