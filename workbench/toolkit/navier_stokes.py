"""Vorticity form of the 2-D Navier-Stokes equations on a torus, pseudo-spectral, for many fields at once."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

Scheme = Literal["heun", "euler"]


@dataclass(frozen=True)
class NavierStokes:
    """w_t + u . grad w = nu Laplace w + f on a torus of side `length`, `n` x `n` points.

    Crank-Nicolson for diffusion; advection and forcing by Heun's method (order 2) or explicit Euler (order 1, as in
    Li et al.'s script). 2/3 dealiasing. psi = (-Laplace)^-1 w, u = psi_y, v = -psi_x; axis -2 is x, axis -1 is y.
    """

    n: int
    viscosity: float
    time_step: float
    length: float = 1.0
    scheme: Scheme = "heun"

    def solve(
        self, w: Float[Tensor, "b n n"], forcing: Float[Tensor, "*b n n"] | None, times: int, every: float
    ) -> Iterator[Float[Tensor, "b n n"]]:
        """Yield w after each `every` units of time, `times` of them. Values may become infinite: check them."""
        k = 2 * math.pi / self.length
        kx = k * torch.fft.fftfreq(self.n, 1 / self.n, dtype=w.dtype, device=w.device)[:, None]
        ky = k * torch.fft.rfftfreq(self.n, 1 / self.n, dtype=w.dtype, device=w.device)[None]
        squared = kx**2 + ky**2
        inverse = torch.where(squared > 0, 1 / squared.clamp(min=1e-30), 0.0)
        cut = k * self.n / 3
        kept = ((kx.abs() < cut) & (ky.abs() < cut)).to(w.dtype)
        push = 0.0 if forcing is None else torch.fft.rfft2(forcing)
        steps = max(1, round(every / self.time_step))
        dt = every / steps
        damped, growth = 1 - 0.5 * dt * self.viscosity * squared, 1 / (1 + 0.5 * dt * self.viscosity * squared)

        def explicit(w_hat: Tensor) -> Tensor:
            psi = w_hat * inverse
            velocity_x, velocity_y = torch.fft.irfft2(1j * ky * psi), torch.fft.irfft2(-1j * kx * psi)
            slope_x, slope_y = torch.fft.irfft2(1j * kx * w_hat), torch.fft.irfft2(1j * ky * w_hat)
            return push - kept * torch.fft.rfft2(velocity_x * slope_x + velocity_y * slope_y)

        w_hat = torch.fft.rfft2(w)
        for _ in range(times):
            for _ in range(steps):
                first = explicit(w_hat)
                following = growth * (damped * w_hat + dt * first)
                if self.scheme == "heun":
                    following = growth * (damped * w_hat + 0.5 * dt * (first + explicit(following)))
                w_hat = following
            yield torch.fft.irfft2(w_hat)


def li_forcing(n: int) -> Float[Tensor, "n n"]:
    """0.1 (sin 2 pi (x + y) + cos 2 pi (x + y)) on the unit torus (Li et al.)."""
    x = torch.arange(n, dtype=torch.float64) / n
    phase = 2 * math.pi * (x[:, None] + x[None])
    return 0.1 * (torch.sin(phase) + torch.cos(phase))
