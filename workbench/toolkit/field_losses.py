"""Errors of fields: relative L2 and H1, and power by wavenumber."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

H1_CUT = 20
"""Modes of an axis from here on get no weight of that axis (MgNO's "truncation")."""
Fields = Float[Tensor, "b *c n n"]


def relative_l2(predicted: Fields, truth: Fields) -> Float[Tensor, " b"]:
    """||p - y|| / ||y|| of each sample, over everything but the first axis."""
    return (predicted - truth).flatten(1).norm(dim=1) / truth.flatten(1).norm(dim=1).clamp(min=1e-12)


def h1_weight(
    n: int, width: int, a: float = 1.0, cut: int | None = H1_CUT, device: torch.device | None = None
) -> Float[Tensor, "n h"]:
    """sqrt(1 + a^2 (kx^2 + ky^2)) on the modes of rfft2, kx and ky taken as 0 from `cut` on.

    Modes that rfft2 leaves out are the mirror images of kept ones, so the weight carries their multiplicity too.
    """
    kx = torch.fft.fftfreq(n, 1 / n, device=device).abs()
    ky = torch.fft.rfftfreq(width, 1 / width, device=device)
    multiplicity = torch.full_like(ky, 2.0)
    multiplicity[0] = 1.0
    if width % 2 == 0:
        multiplicity[-1] = 1.0
    if cut is not None:
        kx, ky = torch.where(kx < cut, kx, 0.0), torch.where(ky < cut, ky, 0.0)
    return ((1 + a**2 * (kx[:, None] ** 2 + ky[None] ** 2)) * multiplicity[None]).sqrt()


def relative_h1(predicted: Fields, truth: Fields, a: float = 1.0, cut: int | None = H1_CUT) -> Float[Tensor, " b"]:
    """||w (p^ - y^)|| / ||w y^|| with orthonormal 2-D Fourier transforms and w = sqrt(1 + a^2 |k|^2).

    The field counts as periodic although it is not: harmless where it vanishes on the boundary.
    """
    weight = h1_weight(truth.shape[-2], truth.shape[-1], a, cut, truth.device)
    error = torch.fft.rfft2(predicted - truth, norm="ortho")
    scale = torch.fft.rfft2(truth, norm="ortho")
    return (weight * error.abs()).flatten(1).norm(dim=1) / (weight * scale.abs()).flatten(1).norm(dim=1).clamp(
        min=1e-12
    )


def absolute_h1(predicted: Fields, truth: Fields) -> Float[Tensor, " b"]:
    """Sqrt of the sum over pixels of 10 e^2 + e_x^2 + e_y^2, derivatives with spacing 1/n: MgNO's Helmholtz loss.

    It is not relative: do not compare it with relative H1.
    """
    error = predicted - truth
    down, across = torch.gradient(error, spacing=1.0 / error.shape[-1], dim=(-2, -1))
    return (10 * error**2 + down**2 + across**2).flatten(1).sum(1).sqrt()


def relative_h1_differences(predicted: Fields, truth: Fields) -> Float[Tensor, " b"]:
    """Relative H1 norm by one-sided and central differences on the unit square: no periodicity assumed."""

    def norm(field: Tensor) -> Tensor:
        down, across = torch.gradient(field, spacing=1.0 / field.shape[-1], dim=(-2, -1))
        return (field**2 + down**2 + across**2).flatten(1).sum(1).sqrt()

    return norm(predicted - truth) / norm(truth).clamp(min=1e-12)


def radial_spectrum(field: Float[Tensor, "*b n n"]) -> Float[Tensor, "*b k"]:
    """Power by rounded wavenumber |k| = 0 .. n // 2, summed over each ring, of orthonormal Fourier modes."""
    n = field.shape[-1]
    power = torch.fft.fft2(field, norm="ortho").abs().square()
    k = torch.fft.fftfreq(n, 1 / n, device=field.device)
    ring = (k[:, None] ** 2 + k[None] ** 2).sqrt().round().long()
    rings = n // 2 + 1
    keep = (ring < rings).flatten()
    found = torch.zeros(*field.shape[:-2], rings, dtype=power.dtype, device=field.device)
    return found.index_add(-1, ring.flatten()[keep], power.flatten(-2)[..., keep])
