"""The maps of the Poincaré ball with backward passes derived by hand (Poincaré ResNet, section 3.8).

Each saves its arguments and scalars with the vector axis kept, never an intermediate as wide as the vectors. `u` is the
gradient that comes in; names follow the derivation. The curvature may be a tensor that is learnt.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from workbench.toolkit.hyperbolic import DENOMINATOR, MARGIN, Curvature, atanh, gap, norm

Context = Any


def _sum(a: Tensor, b: Tensor, dim: int) -> Tensor:
    return (a * b).sum(dim, keepdim=True)


def _tensor(c: Curvature, like: Tensor) -> Tensor:
    return torch.as_tensor(c, dtype=like.dtype, device=like.device)


def _fit(gradient: Tensor, like: Tensor) -> Tensor:
    """Sum a gradient over the axes along which its argument was broadcast."""
    return gradient.sum_to_size(like.shape) if gradient.shape != like.shape else gradient


class MobiusAdd(torch.autograd.Function):
    """(sign x) ⊕ y; the sign is a number, so that -x need not be kept beside x."""

    @staticmethod
    def forward(ctx: Context, x: Tensor, y: Tensor, c: Tensor, dim: int, sign: float = 1.0) -> Tensor:
        """Compute the value and keep what the backward pass needs."""
        xy, xx, yy = sign * _sum(x, y, dim), _sum(x, x, dim), _sum(y, y, dim)
        ctx.save_for_backward(x, y, c, xy, xx, yy)
        ctx.dim, ctx.sign = dim, sign
        below = (1 + 2 * c * xy + c**2 * xx * yy).clamp_min(DENOMINATOR[x.dtype])
        return (sign * (1 + 2 * c * xy + c * yy) * x + (1 - c * xx) * y) / below

    @staticmethod
    @once_differentiable
    def backward(ctx: Context, u: Tensor) -> Any:
        """Gradients of the arguments."""
        x, y, c, xy, xx, yy = ctx.saved_tensors
        dim, original = ctx.dim, x
        x = ctx.sign * x
        a, b = 1 + 2 * c * xy + c * yy, 1 - c * xx
        below = (1 + 2 * c * xy + c**2 * xx * yy).clamp_min(DENOMINATOR[x.dtype])
        ux, uy = _sum(u, x, dim), _sum(u, y, dim)
        theta = (a * ux + b * uy) / below
        factor = 2 * c / below
        dx = a / below * u + factor * ((ux - theta) * y - (uy + c * theta * yy) * x)
        dy = b / below * u + factor * ((ux - theta) * x + (ux - c * theta * xx) * y)
        dc = None
        if ctx.needs_input_grad[2]:
            dc = (((2 * xy + yy) * ux - xx * uy) / below - 2 * theta * (xy + c * xx * yy) / below).sum()
        return _fit(ctx.sign * dx, original), _fit(dy, y), dc, None, None


class Exp0(torch.autograd.Function):
    """Exponential map at the origin."""

    @staticmethod
    def forward(ctx: Context, v: Tensor, c: Tensor, dim: int) -> Tensor:
        """Compute the value and keep what the backward pass needs."""
        n = norm(v, dim)
        ctx.save_for_backward(v, c, n)
        ctx.dim = dim
        scaled = c.sqrt() * n
        return torch.tanh(scaled) / scaled * v

    @staticmethod
    @once_differentiable
    def backward(ctx: Context, u: Tensor) -> Any:
        """Gradients of the arguments."""
        v, c, n = ctx.saved_tensors
        scaled = c.sqrt() * n
        ratio, slope = torch.tanh(scaled) / scaled, torch.cosh(scaled.clamp_max(40)).pow(-2)
        uv = _sum(u, v, ctx.dim)
        dv = ratio * u + (slope - ratio) / n * (uv / n) * v
        dc = (uv / (2 * c) * (slope - ratio)).sum() if ctx.needs_input_grad[1] else None
        return dv, dc, None


class Log0(torch.autograd.Function):
    """Logarithm at the origin."""

    @staticmethod
    def forward(ctx: Context, y: Tensor, c: Tensor, dim: int) -> Tensor:
        """Compute the value and keep what the backward pass needs."""
        n = norm(y, dim)
        ctx.save_for_backward(y, c, n)
        ctx.dim = dim
        scaled = c.sqrt() * n
        return atanh(scaled) / scaled * y

    @staticmethod
    @once_differentiable
    def backward(ctx: Context, u: Tensor) -> Any:
        """Gradients of the arguments."""
        y, c, n = ctx.saved_tensors
        scaled = c.sqrt() * n
        ratio = atanh(scaled) / scaled
        slope = 1 / (1 - c * n.square()).clamp_min(torch.finfo(y.dtype).eps)
        uy = _sum(u, y, ctx.dim)
        dy = ratio * u + (slope - ratio) / n * (uy / n) * y
        dc = (uy / (2 * c) * (slope - ratio)).sum() if ctx.needs_input_grad[1] else None
        return dy, dc, None


class ConformalFactor(torch.autograd.Function):
    """λ(x)."""

    @staticmethod
    def forward(ctx: Context, x: Tensor, c: Tensor, dim: int) -> Tensor:
        """Compute the value and keep what the backward pass needs."""
        factor = 2 / gap(x, c, dim)
        ctx.save_for_backward(x, c, factor)
        ctx.dim = dim
        return factor

    @staticmethod
    @once_differentiable
    def backward(ctx: Context, u: Tensor) -> Any:
        """Gradients of the arguments."""
        x, c, factor = ctx.saved_tensors
        squared = factor.square()
        dc = (u * squared / 2 * _sum(x, x, ctx.dim)).sum() if ctx.needs_input_grad[1] else None
        return u * c * squared * x, dc, None


class Project(torch.autograd.Function):
    """Pull points beyond the safe radius back onto it."""

    @staticmethod
    def forward(ctx: Context, x: Tensor, c: Tensor, dim: int, margin: float) -> Tensor:
        """Compute the value and keep what the backward pass needs."""
        n, limit = norm(x, dim), (1 - margin) / c.sqrt()
        ctx.save_for_backward(x, c, n)
        ctx.dim, ctx.margin = dim, margin
        return torch.where(n > limit, x / n * limit, x)

    @staticmethod
    @once_differentiable
    def backward(ctx: Context, u: Tensor) -> Any:
        """Gradients of the arguments."""
        x, c, n = ctx.saved_tensors
        limit = (1 - ctx.margin) / c.sqrt()
        is_outside = n > limit
        ux = _sum(u, x, ctx.dim)
        dx = torch.where(is_outside, limit / n * (u - ux / n * (x / n)), u)
        dc = -torch.where(is_outside, limit * ux / (2 * c * n), 0.0).sum() if ctx.needs_input_grad[1] else None
        return dx, dc, None, None


class ExpTerm(torch.autograd.Function):
    """The second summand of the exponential map at x."""

    @staticmethod
    def forward(ctx: Context, x: Tensor, v: Tensor, c: Tensor, dim: int) -> Tensor:
        """Compute the value and keep what the backward pass needs."""
        n, d = norm(v, dim), gap(x, c, dim)
        ctx.save_for_backward(x, v, c, n, d)
        ctx.dim = dim
        s = c.sqrt()
        return torch.tanh(s * n / d) / (s * n) * v

    @staticmethod
    @once_differentiable
    def backward(ctx: Context, u: Tensor) -> Any:
        """Gradients of the arguments."""
        x, v, c, n, d = ctx.saved_tensors
        s = c.sqrt()
        p = s * n / d
        ratio, slope = torch.tanh(p) / (s * n), torch.cosh(p.clamp_max(40)).pow(-2)
        uv = _sum(u, v, ctx.dim)
        dx = 2 * c * uv * slope / d.square() * x
        dv = ratio * u + (slope / d - ratio) / n * (uv / n) * v
        dc = (uv / (2 * c) * ((2 - d) * slope / d.square() - ratio)).sum() if ctx.needs_input_grad[2] else None
        return _fit(dx, x), _fit(dv, v), dc, None


class LogTerm(torch.autograd.Function):
    """The logarithm at x of x ⊕ z."""

    @staticmethod
    def forward(ctx: Context, x: Tensor, z: Tensor, c: Tensor, dim: int) -> Tensor:
        """Compute the value and keep what the backward pass needs."""
        n, d = norm(z, dim), gap(x, c, dim)
        ctx.save_for_backward(x, z, c, n, d)
        ctx.dim = dim
        scaled = c.sqrt() * n
        return d * atanh(scaled) / scaled * z

    @staticmethod
    @once_differentiable
    def backward(ctx: Context, u: Tensor) -> Any:
        """Gradients of the arguments."""
        x, z, c, n, d = ctx.saved_tensors
        scaled = c.sqrt() * n
        ratio = atanh(scaled) / scaled
        q = (1 - c * n.square()).clamp_min(torch.finfo(z.dtype).eps)
        uz = _sum(u, z, ctx.dim)
        dx = -2 * c * ratio * uz * x
        dz = d * ratio * u + d * (1 / q - ratio) / n * (uz / n) * z
        dc = (uz / (2 * c) * (d / q - ratio * (2 - d))).sum() if ctx.needs_input_grad[2] else None
        return _fit(dx, x), _fit(dz, z), dc, None


def mobius_add(x: Tensor, y: Tensor, c: Curvature, dim: int = -1) -> Tensor:
    """X ⊕ y."""
    return MobiusAdd.apply(x, y, _tensor(c, x), dim)  # type: ignore[no-untyped-call]


def exp0(v: Tensor, c: Curvature, dim: int = -1) -> Tensor:
    """Exponential map at the origin."""
    return Exp0.apply(v, _tensor(c, v), dim)  # type: ignore[no-untyped-call]


def log0(y: Tensor, c: Curvature, dim: int = -1) -> Tensor:
    """Logarithm at the origin."""
    return Log0.apply(y, _tensor(c, y), dim)  # type: ignore[no-untyped-call]


def conformal_factor(x: Tensor, c: Curvature, dim: int = -1) -> Tensor:
    """λ(x)."""
    return ConformalFactor.apply(x, _tensor(c, x), dim)  # type: ignore[no-untyped-call]


def project(x: Tensor, c: Curvature, dim: int = -1, margin: float | None = None) -> Tensor:
    """Pull points beyond the safe radius back onto it."""
    return Project.apply(x, _tensor(c, x), dim, MARGIN[x.dtype] if margin is None else margin)  # type: ignore[no-untyped-call]


def expmap(x: Tensor, v: Tensor, c: Curvature, dim: int = -1) -> Tensor:
    """Exponential map at x."""
    return mobius_add(x, ExpTerm.apply(x, v, _tensor(c, v), dim), c, dim)  # type: ignore[no-untyped-call]


def logmap(x: Tensor, y: Tensor, c: Curvature, dim: int = -1) -> Tensor:
    """Logarithm at x."""
    return LogTerm.apply(x, MobiusAdd.apply(x, y, _tensor(c, y), dim, -1.0), _tensor(c, y), dim)  # type: ignore[no-untyped-call]
