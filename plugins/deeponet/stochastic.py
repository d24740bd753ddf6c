"""Stochastic equations of the paper: closed forms, paths from Karhunen-Loeve terms, and Monte Carlo means."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from workbench.toolkit.ode_solvers import antiderivative
from workbench.toolkit.random_functions import GaussianProcess, Kernel, karhunen_loeve

NODES = 100
SOURCE = 10.0
"""f of the SPDE."""
MEAN_SCALE = 0.1
"""b is multiplied by this in the SPDE whose mean is learnt."""
Paths = Float[np.ndarray, "b n"]


def growth_variance(length_scale: float, t: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Variance of the integral of k over [0, t] for the exponential kernel: 2 l t + 2 l^2 (e^(-t / l) - 1)."""
    return 2 * length_scale * t + 2 * length_scale**2 * np.expm1(-t / length_scale)


def population_mean(length_scale: float, t: Float[np.ndarray, " n"], moment: int = 1) -> Float[np.ndarray, " n"]:
    """E[y^q] for y' = k(t; w) y, y(0) = 1 and the exponential kernel: exp(q^2 sigma^2(t) / 2)."""
    return np.exp(0.5 * moment**2 * growth_variance(length_scale, t))


def population_path(k: Paths) -> Paths:
    """Y = exp(integral of k) on [0, 1], by the trapezoid rule (order 2)."""
    return np.exp(antiderivative(k, 1.0))


def diffusion_path(b: Paths, source: float = SOURCE) -> Paths:
    """Solve (e^b s')' = -f, s(0) = s(1) = 0: s = C V1 - V2 by quadrature (trapezoid, order 2).

    V1 = int e^-b, V2 = int f x e^-b, C = V2(1) / V1(1).
    """
    x = np.linspace(0, 1, b.shape[-1])
    weight = np.exp(-b)
    first, second = antiderivative(weight, 1.0), antiderivative(source * x * weight, 1.0)
    return second[..., -1:] / first[..., -1:] * first - second


def modes(kernel: Kernel, length_scale: float, count: int, nodes: int = NODES) -> Float[np.ndarray, "k n"]:
    """sqrt(lambda_i) e_i on `nodes` points of [0, 1]."""
    values, functions = karhunen_loeve(kernel, length_scale, count, nodes=NODES)
    scaled = np.sqrt(values)[:, None] * functions
    if nodes == NODES:
        return scaled
    old, new = np.linspace(0, 1, NODES), np.linspace(0, 1, nodes)
    return np.stack([np.interp(new, old, mode) for mode in scaled])


def diffusion_mean(length_scale: float, paths: int, rng: np.random.Generator) -> Float[np.ndarray, " n"]:
    """Monte Carlo mean of the SPDE's solution for b = 0.1 times a process with the RBF kernel."""
    b = MEAN_SCALE * GaussianProcess("rbf", length_scale, nodes=NODES).sample(paths, rng)
    return diffusion_path(b).mean(0)
