"""Random functions of one variable: Gaussian processes, Karhunen-Loeve expansions, Chebyshev and power series.

Everything is numpy in double precision: a smooth kernel's covariance is singular in single precision.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from jaxtyping import Float

Kernel = Literal["rbf", "exponential"]
Matrix = Float[np.ndarray, "n n"]
NEGLIGIBLE = 1e-13
"""Variance below which what is left of a process is left out (its square root is 3e-7)."""
FINE_NODES = 1000
"""Nodes to a unit interval on which processes are sampled (the authors' code)."""


def covariance(
    kernel: Kernel, length_scale: float, x: Float[np.ndarray, " n"], y: Float[np.ndarray, " k"]
) -> Float[np.ndarray, "n k"]:
    """Covariance of a process with unit variance: exp(-d^2 / (2 l^2)) (rbf) or exp(-d / l) (exponential)."""
    distance = np.abs(np.asarray(x, float)[:, None] - np.asarray(y, float)[None])
    if kernel == "rbf":
        return np.exp(-0.5 * (distance / length_scale) ** 2)
    return np.exp(-distance / length_scale)


@dataclass(frozen=True)
class GaussianProcess:
    """Zero-mean process of unit variance on [start, end], sampled on `nodes` equispaced points.

    Sampling is by a pivoted Cholesky factor of the numerical rank (the plain one fails for smooth kernels even in
    double precision), and for the exponential kernel by the exact factor of its Markov chain.
    """

    kernel: Kernel
    length_scale: float
    start: float = 0.0
    end: float = 1.0
    nodes: int = FINE_NODES

    @property
    def x(self) -> Float[np.ndarray, " n"]:
        """Nodes."""
        return np.linspace(self.start, self.end, self.nodes)

    @property
    def factor(self) -> Float[np.ndarray, "n r"]:
        """A with A A^T the covariance on the nodes."""
        return _factor(self.kernel, self.length_scale, self.start, self.end, self.nodes)

    def sample(self, count: int, rng: np.random.Generator) -> Float[np.ndarray, "c n"]:
        """Draw functions as values on the nodes."""
        factor = self.factor
        return rng.standard_normal((count, factor.shape[1])) @ factor.T

    def mahalanobis(self, x: Float[np.ndarray, " m"], u: Float[np.ndarray, " m"], jitter: float = 1e-6) -> float:
        """u^T (K + jitter I)^{-1} u / m: about 1 for a function of this process, large for one far outside."""
        gram = covariance(self.kernel, self.length_scale, x, x) + jitter * np.eye(len(x))
        return float(u @ np.linalg.solve(gram, u)) / len(x)


@lru_cache(maxsize=16)
def _factor(kernel: Kernel, length_scale: float, start: float, end: float, nodes: int) -> np.ndarray:
    x = np.linspace(start, end, nodes)
    if kernel == "exponential":
        return _markov_factor(length_scale, x)
    return _pivoted_cholesky(kernel, length_scale, x)


def _markov_factor(length_scale: float, x: Float[np.ndarray, " n"]) -> Float[np.ndarray, "n n"]:
    """Exact Cholesky factor of the exponential kernel: each node is the last one times rho, plus noise."""
    steps = np.arange(len(x))
    rho = np.exp(-(x[1] - x[0]) / length_scale)
    lag = steps[:, None] - steps[None]
    scale = np.where(steps == 0, 1.0, np.sqrt(1 - rho**2))
    return np.where(lag >= 0, rho ** np.maximum(lag, 0), 0.0) * scale[None]


def _pivoted_cholesky(kernel: Kernel, length_scale: float, x: Float[np.ndarray, " n"]) -> Float[np.ndarray, "n r"]:
    """A (n, r) with A A^T the covariance to NEGLIGIBLE, r the numerical rank: O(n r^2), no n x n matrix."""
    left = np.ones(len(x))
    columns: list[np.ndarray] = []
    while (pivot := int(left.argmax())) >= 0 and left[pivot] > NEGLIGIBLE and len(columns) < len(x):
        column = covariance(kernel, length_scale, x, x[pivot : pivot + 1])[:, 0]
        for known in columns:
            column = column - known[pivot] * known
        column = column / np.sqrt(left[pivot])
        columns.append(column)
        left = np.maximum(left - column**2, 0.0)
        left[pivot] = 0.0
    return np.stack(columns, 1)


def karhunen_loeve(
    kernel: Kernel, length_scale: float, modes: int, *, start: float = 0.0, end: float = 1.0, nodes: int = 100
) -> tuple[Float[np.ndarray, " k"], Float[np.ndarray, "k n"]]:
    """Largest eigenvalues and L2-normalised eigenfunctions of the covariance's integral operator (Nystrom, trapezoid).

    On [0, 1] all eigenvalues together sum to the mean variance, 1.
    """
    x = np.linspace(start, end, nodes)
    weights = np.full(nodes, (end - start) / (nodes - 1))
    weights[[0, -1]] *= 0.5
    root = np.sqrt(weights)
    values, vectors = np.linalg.eigh(root[:, None] * covariance(kernel, length_scale, x, x) * root[None])
    values, vectors = values[::-1][:modes], (vectors / root[:, None])[:, ::-1][:, :modes].T
    signs = np.where(vectors[:, :1] < 0, -1.0, 1.0)
    return np.maximum(values, 0.0), vectors * signs


def chebyshev_series(
    count: int, terms: int, bound: float, x: Float[np.ndarray, " n"], rng: np.random.Generator
) -> Float[np.ndarray, "c n"]:
    """Sum of a_i T_i(2x - 1) with a_i uniform in [-bound, bound], x in [0, 1]."""
    angles = np.arccos(np.clip(2 * np.asarray(x, float) - 1, -1, 1))
    return rng.uniform(-bound, bound, (count, terms)) @ np.cos(np.arange(terms)[:, None] * angles[None])


def power_series(
    count: int, terms: int, bound: float, x: Float[np.ndarray, " n"], rng: np.random.Generator
) -> Float[np.ndarray, "c n"]:
    """Sum of a_i x^i with a_i uniform in [-bound, bound], x in [0, 1]."""
    return rng.uniform(-bound, bound, (count, terms)) @ np.asarray(x, float)[None] ** np.arange(terms)[:, None]


def wasserstein(first: Matrix, second: Matrix) -> float:
    """W2 distance per point of two zero-mean Gaussians: sqrt(tr(K1 + K2 - 2 (K1^{1/2} K2 K1^{1/2})^{1/2}) / n)."""
    values, vectors = np.linalg.eigh(first)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    cross = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ second @ root), 0)).sum()
    squared = (np.trace(first) + np.trace(second) - 2 * cross) / len(first)
    return float(np.sqrt(max(squared, 0.0)))


def process_distance(kernel: Kernel, first: float, second: float, nodes: int = 100) -> float:
    """W2 distance between processes of two length scales on [0, 1]."""
    x = np.linspace(0, 1, nodes)
    return wasserstein(covariance(kernel, first, x, x), covariance(kernel, second, x, x))


def interpolation_matrix(
    nodes: Float[np.ndarray, " n"], x: Float[np.ndarray, " m"], degree: Literal[1, 3] = 3
) -> Float[np.ndarray, "m n"]:
    """Matrix of piecewise Lagrange interpolation (linear, or cubic through the four nearest equispaced nodes).

    Values outside the nodes' interval are those at its ends. Raises ValueError for fewer than degree + 1 nodes.
    """
    nodes, x = np.asarray(nodes, float), np.clip(np.asarray(x, float), nodes[0], nodes[-1])
    if len(nodes) < degree + 1:
        raise ValueError(f"interpolation of degree {degree} needs {degree + 1} nodes, not {len(nodes)}")
    cell = np.clip(np.searchsorted(nodes, x, side="right") - 1, 0, len(nodes) - 2)
    first = np.clip(cell - (degree - 1) // 2, 0, len(nodes) - 1 - degree)
    columns = first[:, None] + np.arange(degree + 1)
    local = nodes[columns]
    weights = np.ones_like(local)
    for own in range(degree + 1):
        for other in range(degree + 1):
            if other != own:
                weights[:, own] *= (x - local[:, other]) / (local[:, own] - local[:, other])
    matrix = np.zeros((len(x), len(nodes)))
    np.put_along_axis(matrix, columns, weights, 1)
    return matrix
