"""Elliptic problems on the unit square: Darcy flow, Helmholtz' equation, and Poisson's with three boundaries."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from jaxtyping import Float

if TYPE_CHECKING:
    from scipy.sparse import csc_matrix, csr_array

Field = Float[np.ndarray, "n n"]
Boundary = Literal["dirichlet", "neumann", "periodic"]
TOLERANCE = 1e-10


def darcy_matrix(a: Field) -> csr_array:
    """Cell-centred finite volumes of -div(a grad u) with u = 0 on the boundary; symmetric positive definite.

    Harmonic means on the faces, and half a cell to the boundary: second order, also at jumps along cell faces.
    Raises ValueError for a coefficient that is not positive everywhere.
    """
    from scipy.sparse import diags_array

    if not (np.isfinite(a).all() and (a > 0).all()):
        raise ValueError("the coefficient must be positive everywhere")
    n = len(a)
    down = 2 * a[1:] * a[:-1] / (a[1:] + a[:-1])
    across = 2 * a[:, 1:] * a[:, :-1] / (a[:, 1:] + a[:, :-1])
    diagonal = np.zeros((n, n))
    diagonal[1:] += down
    diagonal[:-1] += down
    diagonal[:, 1:] += across
    diagonal[:, :-1] += across
    for edge in (np.s_[0], np.s_[-1], np.s_[:, 0], np.s_[:, -1]):
        diagonal[edge] += 2 * a[edge]
    next_column = np.zeros((n, n))
    next_column[:, :-1] = across
    off = next_column.ravel()[:-1]
    matrix = diags_array(
        [diagonal.ravel(), -off, -off, -down.ravel(), -down.ravel()], offsets=[0, 1, -1, n, -n], format="csr"
    )
    return matrix * n**2


def solve_darcy(a: Field, source: Field | float = 1.0) -> Field:
    """Solve -div(a grad u) = f with u = 0 on the boundary, at cell centres (second order).

    By a sparse factorisation that keeps the symmetry. Measured on one core: 0.016 s on 64 x 64 cells, 0.36 s on 256 x
    256, 1.0 s on 421 x 421; conjugate gradients with an incomplete factorisation took 0.05, 0.9 and 28 s.
    """
    from scipy.sparse.linalg import splu

    n = len(a)
    right = np.broadcast_to(np.asarray(source, float), (n, n)).ravel()
    factors = splu(
        darcy_matrix(a).tocsc(), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True}
    )
    return np.asarray(factors.solve(right)).reshape(n, n)


def darcy_residual(a: Field, u: Field, source: float = 1.0) -> float:
    """||A u - f|| / ||f|| with the true operator A of the coefficient."""
    right = np.full(u.size, source)
    return float(np.linalg.norm(darcy_matrix(a) @ u.ravel() - right) / np.linalg.norm(right))


def conjugate_gradient_residuals(a: Field, start: Field, steps: int, source: float = 1.0) -> Float[np.ndarray, " k"]:
    """Relative residuals ||f - A u|| / ||f|| of plain conjugate gradients from `start`, from iteration 0 on."""
    matrix = darcy_matrix(a)
    u = start.ravel().astype(float).copy()
    right = np.full(u.size, source)
    scale = float(np.linalg.norm(right))
    r = right - matrix @ u
    p, squared = r.copy(), float(r @ r)
    found = [math.sqrt(squared) / scale]
    for _ in range(steps):
        if found[-1] < TOLERANCE:
            break
        image = matrix @ p
        alpha = squared / float(p @ image)
        u += alpha * p
        r -= alpha * image
        new = float(r @ r)
        p = r + (new / squared) * p
        squared = new
        found.append(math.sqrt(squared) / scale)
    return np.array(found)


def _resampled(field: Field, old: np.ndarray, new: np.ndarray) -> Field:
    from scipy.interpolate import RectBivariateSpline

    return np.asarray(RectBivariateSpline(old, old, field)(new, new))


def solve_darcy_nodes(a: Field) -> Field:
    """Solve the same problem as Li et al.'s solve_gwf.m did for the shipped data: f = 1, u = 0 on the boundary.

    The coefficient goes by cubic splines from cell centres to nodes, five-point fluxes use ARITHMETIC means, and the
    solution goes back to cell centres by splines.
    """
    from scipy.sparse import diags_array
    from scipy.sparse.linalg import spsolve

    n = len(a)
    centres, nodes = (np.arange(n) + 0.5) / n, np.linspace(0, 1, n)
    k = _resampled(a, centres, nodes)
    m = n - 2
    down, across = 0.5 * (k[1:, 1:-1] + k[:-1, 1:-1]), 0.5 * (k[1:-1, 1:] + k[1:-1, :-1])
    diagonal = down[1:] + down[:-1] + across[:, 1:] + across[:, :-1]
    next_column = across[:, 1:].copy()
    next_column[:, -1] = 0
    off, far = next_column.ravel()[:-1], down[1:-1].ravel()
    matrix = diags_array([diagonal.ravel(), -off, -off, -far, -far], offsets=[0, 1, -1, m, -m], format="csc")
    u = np.zeros((n, n))
    u[1:-1, 1:-1] = spsolve(matrix * (n - 1) ** 2, np.ones(m * m)).reshape(m, m)
    return _resampled(u, nodes, centres)


# Helmholtz' equation

GAUSS = np.array([-math.sqrt(0.6), 0.0, math.sqrt(0.6)])
GAUSS_WEIGHTS = np.array([5.0, 8.0, 5.0]) / 9.0
PORT_HALF_WIDTH = 0.15
"""The top edge is driven where |x - 0.5| is at most this."""


@lru_cache(maxsize=4)
def _bilinear(cells: int) -> tuple[Any, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Stiffness matrix (no coefficient), element nodes, shape values at the Gauss points, their products, load."""
    from scipy.sparse import coo_matrix

    n, h = cells + 1, 1.0 / cells
    xi, eta = np.meshgrid(GAUSS, GAUSS, indexing="ij")
    weights = np.outer(GAUSS_WEIGHTS, GAUSS_WEIGHTS).ravel() * h * h / 4
    xi, eta = xi.ravel(), eta.ravel()
    signs = np.array([(-1, -1), (1, -1), (-1, 1), (1, 1)])
    shape = 0.25 * (1 + signs[:, :1] * xi) * (1 + signs[:, 1:] * eta)
    dx = 0.25 * signs[:, :1] * (1 + signs[:, 1:] * eta) * 2 / h
    dy = 0.25 * signs[:, 1:] * (1 + signs[:, :1] * xi) * 2 / h
    local = (dx * weights) @ dx.T + (dy * weights) @ dy.T
    j, i = np.meshgrid(np.arange(cells), np.arange(cells), indexing="ij")
    corner = (j * n + i).ravel()
    nodes = corner[:, None] + np.array([0, 1, n, n + 1])
    rows, columns = np.repeat(nodes, 4, 1).ravel(), np.tile(nodes, (1, 4)).ravel()
    stiffness = coo_matrix((np.tile(local.ravel(), len(nodes)), (rows, columns)), shape=(n * n, n * n)).tocsc()
    load = np.zeros(n * n)
    for cell in range(cells):
        for point, weight in zip(GAUSS, GAUSS_WEIGHTS, strict=True):
            x = (cell + 0.5 + 0.5 * point) * h
            if abs(x - 0.5) <= PORT_HALF_WIDTH:
                top = cells * n + cell
                load[top] += weight * h / 2 * 0.5 * (1 - point)
                load[top + 1] += weight * h / 2 * 0.5 * (1 + point)
    return stiffness, nodes, shape, np.einsum("ag,bg,g->gab", shape, shape, weights), load


def helmholtz_system(speed: Float[np.ndarray, "n n"], omega: float) -> tuple[csc_matrix, csc_matrix, np.ndarray]:
    """Stiffness K, mass M weighted by (omega / c)^2, and load b of -Laplace u = (omega / c)^2 u with bilinear elements.

    du/dn = 1 where |x - 0.5| <= 0.15 on the top edge and 0 elsewhere. `speed[j, i]` is c at (i h, j h), the top edge
    is the last row. 3 x 3 Gauss points a cell (de Hoop, Huang, Qian and Stuart).
    """
    from scipy.sparse import coo_matrix

    n = len(speed)
    stiffness, nodes, shape, products, load = _bilinear(n - 1)
    at_points = speed.ravel()[nodes] @ shape
    local = np.einsum("eg,gab->eab", (omega / at_points) ** 2, products)
    rows, columns = np.repeat(nodes, 4, 1).ravel(), np.tile(nodes, (1, 4)).ravel()
    mass = coo_matrix((local.reshape(-1), (rows, columns)), shape=stiffness.shape).tocsc()
    return stiffness, mass, load


def solve_helmholtz(speed: Float[np.ndarray, "n n"], omega: float) -> Float[np.ndarray, "n n"]:
    """Solve by a sparse factorisation; lossless, so some speeds come near a resonance and give large values."""
    from scipy.sparse.linalg import splu

    stiffness, mass, load = helmholtz_system(speed, omega)
    n = len(speed)
    return np.asarray(splu((stiffness - mass).tocsc()).solve(load)).reshape(n, n)


def wave_speed(count: int, n: int, rng: np.random.Generator, modes: int = 100) -> Float[np.ndarray, "b n n"]:
    """C = 20 + tanh(a) with a a sum of `modes` cosine modes of deviation (pi^2 |l|^2 + 9)^(-1), at nodes [j, i]."""
    side = math.ceil(math.sqrt(2 * modes)) + 2
    all_pairs = ((i, j) for i in range(side) for j in range(side) if i or j)
    pairs = sorted(all_pairs, key=lambda pair: (pair[0] ** 2 + pair[1] ** 2, pair))
    x = np.linspace(0, 1, n)
    theta = rng.standard_normal((count, modes))
    a = np.zeros((count, n, n))
    for index, (i, j) in enumerate(pairs[:modes]):
        scale = (math.sqrt(2) if i else 1.0) * (math.sqrt(2) if j else 1.0)
        wave = scale * np.cos(math.pi * j * x)[:, None] * np.cos(math.pi * i * x)[None]
        a += (theta[:, index] / (math.pi**2 * (i * i + j * j) + 9))[:, None, None] * wave
    return 20 + np.tanh(a)


# Poisson's equation


def solve_poisson(f: Float[np.ndarray, "*b n n"], boundary: Boundary) -> Float[np.ndarray, "*b n n"]:
    """Solve -Laplace u = f on cell centres by fast transforms, five-point stencil (second order).

    u = 0 (dirichlet) or du/dn = 0 (neumann) on the edges, or periodic. Without a boundary value the mean of u is 0
    and that of f is taken out.
    """
    from scipy.fft import dctn, dstn, idctn, idstn

    n = f.shape[-1]
    k = np.arange(n)
    if boundary == "periodic":
        one = (2 - 2 * np.cos(2 * np.pi * k / n)) * n**2
        eigen = one[:, None] + one[None]
        eigen[0, 0] = np.inf
        return np.fft.ifft2(np.fft.fft2(f, axes=(-2, -1)) / eigen, axes=(-2, -1)).real
    if boundary == "neumann":
        one = (2 - 2 * np.cos(np.pi * k / n)) * n**2
        eigen = one[:, None] + one[None]
        eigen[0, 0] = np.inf
        return np.asarray(idctn(dctn(f, type=2, axes=(-2, -1)) / eigen, type=2, axes=(-2, -1)))
    one = (2 - 2 * np.cos(np.pi * (k + 1) / n)) * n**2
    eigen = one[:, None] + one[None]
    return np.asarray(idstn(dstn(f, type=2, axes=(-2, -1)) / eigen, type=2, axes=(-2, -1)))
