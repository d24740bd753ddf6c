"""Equations in one space dimension and time, for many inputs at once; numpy, each with its order of accuracy."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from jaxtyping import Float

Array: TypeAlias = Float[np.ndarray, "..."]
Reaction = Callable[[Array], Array]


def solve_tridiagonal(lower: Array, diagonal: Array, upper: Array, right: Array) -> Array:
    """Solve tridiagonal systems (b, n) by elimination without pivoting; the matrices must be diagonally dominant.

    `lower[..., 0]` and `upper[..., -1]` are not used.
    """
    n = right.shape[-1]
    c, d = np.empty_like(right), np.empty_like(right)
    c[..., 0], d[..., 0] = upper[..., 0] / diagonal[..., 0], right[..., 0] / diagonal[..., 0]
    for i in range(1, n):
        pivot = diagonal[..., i] - lower[..., i] * c[..., i - 1]
        c[..., i] = upper[..., i] / pivot
        d[..., i] = (right[..., i] - lower[..., i] * d[..., i - 1]) / pivot
    for i in range(n - 2, -1, -1):
        d[..., i] -= c[..., i] * d[..., i + 1]
    return d


def _solve_one(lower: Array, diagonal: Array, upper: Array, right: Array) -> Array:
    from scipy.linalg import solve_banded

    bands = np.zeros((3, right.shape[-1]))
    bands[0, 1:], bands[1], bands[2, :-1] = upper[0, :-1], diagonal[0], lower[0, 1:]
    return np.asarray(solve_banded((1, 1), bands, right[0], overwrite_ab=True, check_finite=False))[None]


def advection_diffusion_reaction(
    diffusivity: Array,
    drift: Array,
    reaction: Reaction,
    slope: Reaction,
    source: Array,
    start: Array,
    *,
    width: float = 1.0,
    duration: float = 1.0,
) -> Float[np.ndarray, "b nx nt"]:
    """Solve s_t = (D s_x)_x - v s_x + g(s) + f with s = 0 at both ends: second order in space and time.

    One linear solve a step: Crank-Nicolson for diffusion and drift, the reaction linearised about the last step, as
    in the authors' ADR_solver. D, v (nx,), f (b, nx, nt), start (b, nx); `slope` is g'. h = width / (nx - 1).
    """
    b, nx, nt = source.shape
    h, dt = width / (nx - 1), duration / (nt - 1)
    D, v = np.broadcast_to(diffusivity, (nx,)), np.broadcast_to(drift, (nx,))
    middle = 0.5 * (D[1:] + D[:-1])
    left = middle[:-1] / h**2 + v[1:-1] / (2 * h)
    right = middle[1:] / h**2 - v[1:-1] / (2 * h)
    centre = -(middle[1:] + middle[:-1]) / h**2
    solution = np.zeros((b, nx, nt))
    solution[:, :, 0] = start
    s = np.array(start, float)
    s[:, [0, -1]] = 0.0
    lower, upper = (np.broadcast_to(-0.5 * own, (b, nx - 2)) for own in (left, right))
    solve = _solve_one if b == 1 else solve_tridiagonal
    for n in range(nt - 1):
        inner = s[:, 1:-1]
        gradient = slope(inner)
        transport = left * s[:, :-2] + centre * inner + right * s[:, 2:]
        known = inner / dt + 0.5 * transport + reaction(inner) - 0.5 * gradient * inner
        known = known + 0.5 * (source[:, 1:-1, n] + source[:, 1:-1, n + 1])
        s = s.copy()
        s[:, 1:-1] = solve(lower, 1 / dt - 0.5 * centre - 0.5 * gradient, upper, known)
        solution[:, :, n + 1] = s
    return solution


def diffusion_reaction(
    u: Float[np.ndarray, "b nx"], D: float, k: float, nt: int, duration: float = 1.0
) -> Float[np.ndarray, "b nx nt"]:
    """Solve s_t = D s_xx + k s^2 + u(x) on (0, 1) with zero initial and boundary values."""
    source = np.broadcast_to(u[:, :, None], (*u.shape, nt))
    return advection_diffusion_reaction(
        np.array(D),
        np.array(0.0),
        lambda s: k * s * s,
        lambda s: 2 * k * s,
        source,
        np.zeros_like(u),
        duration=duration,
    )


def wendroff(
    speed: Float[np.ndarray, "b nx"],
    start: Float[np.ndarray, "b nx"],
    inflow: Float[np.ndarray, "b nt"] | None,
    *,
    width: float = 1.0,
    duration: float = 1.0,
    nt: int | None = None,
) -> Float[np.ndarray, "b nx nt"]:
    """Solve s_t + a(x) s_x = 0 with a > 0 by Wendroff's box scheme (order 2, stable for every step).

    With `inflow` given, s = inflow at x = 0; without it the problem is periodic and the last node repeats the first.
    Periodic steps solve one cyclic bidiagonal system: the scheme marches from s_0 = c, and c closes the circle.
    """
    b, nx = start.shape
    nt = inflow.shape[-1] if inflow is not None else nt
    if nt is None:
        raise ValueError("the number of time levels is needed for a periodic problem")
    ratio = (duration / (nt - 1)) / (width / (nx - 1))
    middle = 0.5 * (speed[:, 1:] + speed[:, :-1]) * ratio
    kappa = (1 - middle) / (1 + middle)
    solution = np.empty((b, nx, nt))
    solution[:, :, 0] = start
    # Periodic: s_last = A s_0 + B must equal s_0, with A the product of -kappa.
    closing = np.prod(-kappa, axis=1)

    def first_of(known: Array, level: int) -> Array:
        if inflow is not None:
            return inflow[:, level]
        return _marched(known, kappa, np.zeros(b))[:, -1] / (1 - closing)

    for n in range(nt - 1):
        old = solution[:, :, n]
        known = old[:, :-1] + kappa * old[:, 1:]
        solution[:, :, n + 1] = _marched(known, kappa, first_of(known, n + 1))
    return solution


def _marched(known: Array, kappa: Array, first: Array) -> Array:
    """s_{j+1} = known_j - kappa_j s_j from s_0 = first."""
    b, cells = known.shape
    s = np.empty((b, cells + 1))
    s[:, 0] = first
    for j in range(cells):
        s[:, j + 1] = known[:, j] - kappa[:, j] * s[:, j]
    return s


def advection_diffusion(
    start: Float[np.ndarray, "b nx"], D: float, steps: int, every: int, duration: float = 1.0
) -> Float[np.ndarray, "b nx nt"]:
    """Solve s_t + s_x - D s_xx = 0, periodic on [0, 1], by Crank-Nicolson and central differences (order 2 in both).

    The last node repeats the first. The scheme is linear and translation invariant, so each step multiplies the
    discrete Fourier modes by a number: what the linear solve would give, to rounding. Every `every`-th level is kept.
    """
    nx = start.shape[1] - 1
    h, dt = 1.0 / nx, duration / (steps - 1)
    phase = 2 * np.pi * np.fft.rfftfreq(nx)
    rate = -1j * np.sin(phase) / h - D * (2 - 2 * np.cos(phase)) / h**2
    growth = (1 + 0.5 * dt * rate) / (1 - 0.5 * dt * rate)
    levels = np.arange(0, steps, every)
    modes = np.fft.rfft(start[:, :-1])[:, :, None] * growth[None, :, None] ** levels[None, None, :]
    found = np.fft.irfft(modes, nx, axis=1)
    return np.concatenate([found, found[:, :1]], 1)
