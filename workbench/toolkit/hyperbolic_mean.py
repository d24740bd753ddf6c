"""Means on the Poincaré ball: the midpoint in closed form, and the Fréchet mean by iteration."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from workbench.toolkit.hyperbolic import Curvature, conformal_factor, distance

TOLERANCE = {torch.float32: 1e-6, torch.float64: 1e-12}
MOST_ITERATIONS = 1000


def midpoint(x: Float[Tensor, "m n"], c: Curvature, weights: Float[Tensor, " m"] | None = None) -> Float[Tensor, " n"]:
    """Poincaré midpoint ½ ⊗ (Σ λ_i x_i / Σ (λ_i - 1)): the Einstein midpoint of the Klein model (section 3.5).

    Moving all points by an isometry moves it along. For points that are all at the origin it is the origin.
    """
    factor = conformal_factor(x, c)
    weights = torch.ones_like(factor) if weights is None else weights[:, None]
    mean = (weights * factor * x).sum(0) / (weights * (factor - 1)).sum(0)
    return mean / (1 + (1 - c * mean.square().sum(-1, keepdim=True)).clamp_min(0).sqrt())


def frechet_variance(x: Float[Tensor, "m n"], mean: Float[Tensor, " n"], c: Curvature) -> Tensor:
    """Mean squared distance to `mean`: one scalar."""
    return distance(x, mean.expand_as(x), c).square().mean()


class _FrechetMean(torch.autograd.Function):
    """Fixed point of Lou et al. 2020 (arXiv 2003.00335), differentiated through the condition that it fulfils."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, c: Tensor) -> Tensor:
        with torch.no_grad():
            mean = _iterate(x, c)
        ctx.save_for_backward(x, c, mean)
        return mean

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, u: Tensor) -> Any:
        x, c, mean = ctx.saved_tensors
        with torch.enable_grad():
            x, c, mean = x.detach().requires_grad_(), c.detach().requires_grad_(), mean.detach().requires_grad_()
            slope = torch.autograd.grad(_spread(x, mean, c), mean, create_graph=True)[0]
            eye = torch.eye(len(mean), dtype=x.dtype, device=x.device)
            hessian = torch.autograd.grad(slope, mean, eye, retain_graph=True, is_grads_batched=True)[0]
            w = torch.linalg.solve(hessian, u)
            dx, dc = torch.autograd.grad(slope, (x, c), -w, allow_unused=True)
        return dx, dc if ctx.needs_input_grad[1] else None


def _spread(x: Tensor, mean: Tensor, c: Tensor) -> Tensor:
    """Sum of squared distances in a form whose second derivative is finite where a point is at the mean."""
    y = c * (x - mean).square().sum(-1) / ((1 - c * x.square().sum(-1)) * (1 - c * mean.square().sum(-1)))
    return (_acosh_squared(y) / c).sum()


def _acosh_squared(y: Tensor) -> Tensor:
    """acosh(1 + 2 y)² by its series near zero, where the root in its derivative is not finite."""
    is_small = y < 1e-3
    safe = torch.where(is_small, torch.ones_like(y), y)
    series = 4 * y - 4 * y.square() / 3 + 32 * y.pow(3) / 45 - 16 * y.pow(4) / 35
    return torch.where(is_small, series, torch.acosh(1 + 2 * safe).square())


def _iterate(x: Tensor, c: Tensor) -> Tensor:
    mean = midpoint(x, c)
    xx = x.square().sum(-1)
    for _ in range(MOST_ITERATIONS):
        y = c * (x - mean).square().sum(-1) / ((1 - c * xx) * (1 - c * mean.square().sum()))
        slope = torch.where(y < 1e-12, 4.0, 2 * torch.acosh(1 + 2 * y) / (y.square() + y).clamp_min(1e-30).sqrt())
        alpha = slope / (1 - c * xx)
        total = alpha.sum() + c * (alpha * xx).sum()
        weighted = (alpha[:, None] * x).sum(0)
        squared = c * weighted.square().sum()
        # The smaller root of the quadratic, written so that it does not divide zero by zero at the origin.
        new = 2 * weighted / (total + (total.square() - 4 * squared).clamp_min(0).sqrt())
        step = (new - mean).norm()
        mean = new
        if step < TOLERANCE[x.dtype]:
            break
    return mean


def frechet_mean(x: Float[Tensor, "m n"], c: Curvature) -> Float[Tensor, " n"]:
    """Return the point with the smallest mean squared distance to all points; differentiable in x and c."""
    return _FrechetMean.apply(x, torch.as_tensor(c, dtype=x.dtype, device=x.device))  # type: ignore[no-untyped-call]
