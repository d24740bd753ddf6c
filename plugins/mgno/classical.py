"""Textbook multigrid as one setting of the network's weights: bilinear elements, damped Jacobi, full weighting."""

from __future__ import annotations

import math

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from plugins.mgno.experiments.inspecting import bilinear_stencil
from plugins.mgno.model import MultigridOperator

FULL_WEIGHTING = torch.tensor([[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]]) / 4
"""R on a grid without h: the transpose of bilinear interpolation. The same kernel prolongates."""


def classical_cycle(
    n: int, relaxation: float = 0.8, pre: int = 1, post: int = 1, coarse: int = 20
) -> MultigridOperator:
    """A V(pre, post)-cycle for -Laplace u = f, u = 0 outside, on n = 2^J - 1 points a side down to 3.

    The stencil A carries no h: the right-hand side is h^2 f. Raises ValueError for another n.
    """
    levels = round(math.log2(n + 1)) - 1
    if 2 ** (levels + 1) - 1 != n or levels < 1:
        raise ValueError(f"nested grids need n = 2^J - 1, not {n}")
    counts = [(pre, post)] * (levels - 1) + [(coarse, 0)]
    cycle = MultigridOperator(1, 1, counts, n=n, form="classical", transfer_padding=0)
    set_classical(cycle, relaxation)
    return cycle


@torch.no_grad()
def set_classical(cycle: MultigridOperator, relaxation: float) -> None:
    """Give a one-channel cycle the textbook's stencils."""
    A = bilinear_stencil()[None, None]
    jacobi = torch.zeros(1, 1, 3, 3)
    jacobi[0, 0, 1, 1] = relaxation * 3 / 8
    for smoothers in (*cycle.pre, *cycle.post):
        for smoother in smoothers:
            smoother.S.weight.copy_(jacobi)
            if smoother.A is not None:
                smoother.A.weight.copy_(A)
    for operator in cycle.residual_A:
        operator.weight.copy_(A)
    for operator in (*cycle.R, *cycle.RT):
        operator.weight.copy_(FULL_WEIGHTING[None, None])


def apply_stencil(u: Float[Tensor, "b 1 n n"]) -> Float[Tensor, "b 1 n n"]:
    """A u with zeros outside."""
    return torch.nn.functional.conv2d(u, bilinear_stencil()[None, None].to(u), padding=1)


def exact_solution(f: Float[np.ndarray, "*b n n"]) -> Float[np.ndarray, "*b n n"]:
    """Solve A u = f exactly by sine transforms: A's eigenvalues are (8 - 2 cos a - 2 cos b - 4 cos a cos b) / 3."""
    from scipy.fft import dstn, idstn

    n = f.shape[-1]
    c = np.cos(np.pi * np.arange(1, n + 1) / (n + 1))
    eigenvalues = (8 - 2 * c[:, None] - 2 * c[None] - 4 * c[:, None] * c[None]) / 3
    return np.asarray(idstn(dstn(f, type=1, axes=(-2, -1)) / eigenvalues, type=1, axes=(-2, -1)))


@torch.no_grad()
def cycle_residuals(
    cycle: MultigridOperator, f: Float[Tensor, "1 1 n n"], cycles: int
) -> tuple[Float[np.ndarray, " c"], Tensor]:
    """||f - A u|| / ||f|| after 0, 1, ... cycles u <- u + W(f - A u), and the last u."""
    u = torch.zeros_like(f)
    scale = float(f.norm().clamp(min=1e-30))
    found = [float(f.norm()) / scale]
    for _ in range(cycles):
        u = u + cycle(f - apply_stencil(u))
        found.append(float((f - apply_stencil(u)).norm()) / scale)
    return np.array(found), u


@torch.no_grad()
def jacobi_residuals(f: Float[Tensor, "1 1 n n"], relaxation: float, cycles: int) -> Float[np.ndarray, " c"]:
    """The same for damped Jacobi alone, two sweeps counting as one cycle."""
    u = torch.zeros_like(f)
    scale = float(f.norm().clamp(min=1e-30))
    found = [float(f.norm()) / scale]
    for _ in range(cycles):
        for _ in range(2):
            u = u + relaxation * 3 / 8 * (f - apply_stencil(u))
        found.append(float((f - apply_stencil(u)).norm()) / scale)
    return np.array(found)


@torch.no_grad()
def mode_damping(cycle: MultigridOperator, n: int, k: Int64[np.ndarray, " m"]) -> Float[np.ndarray, " m"]:
    """||e - W A e|| / ||e|| for the errors e = sin(k pi x) sin(k pi y)."""
    wave_number = torch.as_tensor(k, dtype=torch.float64)
    place = torch.arange(1, n + 1, dtype=torch.float64)
    waves = torch.sin(math.pi * wave_number[:, None] * place[None] / (n + 1))
    e = (waves[:, :, None] * waves[:, None, :])[:, None].to(next(cycle.parameters()))
    return ((e - cycle(apply_stencil(e))).flatten(1).norm(dim=1) / e.flatten(1).norm(dim=1)).cpu().numpy()
