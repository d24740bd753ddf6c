"""Looking into a V-cycle: every moment of it, and the Fourier symbols of its smoothers."""

from __future__ import annotations

import math

import numpy as np
import torch
from jaxtyping import Complex, Float
from torch import Tensor, nn

from plugins.mgno.frames import CycleAnswer, SymbolAnswer
from plugins.mgno.model import CycleRecord, HelmholtzMgNO, MgNO, Smoother
from workbench.sdk import UserError

FREQUENCIES = 33
JACOBI_WEIGHT = 0.8


@torch.no_grad()
def cycle_record(
    network: MgNO | HelmholtzMgNO, encoded: Float[Tensor, "1 c n n"], layer: int, channel: int
) -> CycleAnswer:
    """Take one layer's V-cycle apart; channel -1 is the root mean square over channels."""
    trace: list[list[CycleRecord]] = []
    network.eval()
    network(encoded, trace=trace)
    if not 0 <= layer < len(trace):
        raise UserError(f"There are layers 1 to {len(trace)}.")

    def shown(values: Tensor) -> Float[np.ndarray, "n n"]:
        own = values[0]
        picked = own.square().mean(0).sqrt() if channel < 0 else own[channel % len(own)]
        return picked.cpu().numpy()

    records = trace[layer]
    return CycleAnswer(
        layer, tuple(record.level for record in records), tuple(record.stage for record in records),
        tuple(shown(record.u) for record in records), tuple(shown(record.f) for record in records),
        int(records[0].u.shape[1]),
    )  # fmt: skip


def stencil_symbol(weight: Float[Tensor, "o i 3 3"], theta: Float[Tensor, " m"]) -> Complex[Tensor, "m m o i"]:
    """Symbol of a 3x3 convolution: sum_xy w[:, :, x, y] e^{i (x t1 + y t2)}, x, y in -1, 0, 1."""
    shift = torch.arange(-1, 2, device=weight.device, dtype=theta.dtype)
    wave = torch.exp(1j * theta[:, None] * shift[None])
    return torch.einsum("oixy,ax,by->aboi", weight.to(wave.dtype), wave, wave)


@torch.no_grad()
def smoother_symbols(network: MgNO | HelmholtzMgNO, layer: int, frequencies: int = FREQUENCIES) -> SymbolAnswer:
    """Spectral radius of I - S^ A^ (c_u x c_u) at every frequency in [-pi, pi]^2, for each smoothing with an A.

    Beside them damped Jacobi's for the bilinear stencil, |1 - 0.8 (3/8) A^|. Raises UserError for a layer that is
    not there.
    """
    if not 0 <= layer < len(network.W):
        raise UserError(f"There are layers 1 to {len(network.W)}.")
    theta = torch.linspace(-math.pi, math.pi, frequencies, dtype=torch.float64)
    names, found = [], []
    cycle = network.W[layer]
    for kind, lists in (("pre", cycle.pre), ("post", cycle.post)):
        for level, smoothers in enumerate(lists):
            for index, smoother in enumerate(smoothers):
                if smoother.A is None or not _is_used(cycle, kind, level, index):
                    continue
                names.append(f"level {level} · {kind} {index + 1}")
                found.append(_radius(smoother, theta))
    own = bilinear_stencil()[None, None].to(torch.float64)
    jacobi = (1 - JACOBI_WEIGHT * 0.375 * stencil_symbol(own, theta)[..., 0, 0]).abs()
    if not found:
        raise UserError("This cycle smooths only once on the finest grid, from zero: it has no operator A.")
    return SymbolAnswer(tuple(names), np.stack(found), jacobi.numpy())


def _is_used(cycle: nn.Module, kind: str, level: int, index: int) -> bool:
    """The very first smoothing starts from zero and applies no A, even where it owns one."""
    return not (kind == "pre" and level == 0 and index == 0)


def _radius(smoother: Smoother, theta: Float[Tensor, " m"]) -> Float[np.ndarray, "m m"]:
    assert smoother.A is not None
    s = stencil_symbol(smoother.S.weight.detach().cpu().double(), theta)
    a = stencil_symbol(smoother.A.weight.detach().cpu().double(), theta)
    product = s @ a
    identity = torch.eye(product.shape[-1], dtype=product.dtype)
    return torch.linalg.eigvals(identity - product).abs().amax(-1).numpy()


def bilinear_stencil() -> Float[Tensor, "3 3"]:
    """A = (1/3) [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]]: -Laplace with bilinear elements, times h^2."""
    stencil = torch.full((3, 3), -1 / 3)
    stencil[1, 1] = 8 / 3
    return stencil
