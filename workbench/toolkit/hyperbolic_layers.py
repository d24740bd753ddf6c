"""Layers on the Poincaré ball (Poincaré ResNet, section 3).

Between layers a feature map is kept as tangent vectors at the origin, as in the paper's code: each layer applies exp0
on entry and log0 on exit, which changes nothing but the projection to the safe radius. Feature maps are (b, c, h, w)
with vectors along the channel axis.
"""

from __future__ import annotations

import math
from types import ModuleType
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from workbench.toolkit import hyperbolic, hyperbolic_backward
from workbench.toolkit.hyperbolic_mean import frechet_mean, frechet_variance, midpoint

Gradients = Literal["manual", "autograd"]
Initialisation = Literal["identity", "centre", "hnn++"]
Mean = Literal["midpoint", "frechet", "off"]
LARGEST_SINH = {torch.float32: 80.0, torch.float64: 700.0}
VARIANCE_FLOOR = 1e-6
MOMENTUM = 0.1


class Ball(nn.Module):
    """A curvature, fixed or learnt, and the maps with the chosen kind of backward pass.

    `clipped` counts the share of vectors that the last projections pulled back, `wrong_factor` reproduces the published
    code's conformal factor 2 (1 - c |x|²) inside the fully connected layer, for comparison.
    """

    def __init__(
        self, c: float, *, is_learnable: bool = False, gradients: Gradients = "manual", wrong_factor: bool = False
    ) -> None:
        super().__init__()
        self.raw: Tensor
        value = torch.tensor(math.log(math.expm1(c)))  # softplus takes it back to c
        if is_learnable:
            self.raw = nn.Parameter(value)
        else:
            self.register_buffer("raw", value)
        self.wrong_factor = wrong_factor
        self.maps: ModuleType = hyperbolic_backward if gradients == "manual" else hyperbolic
        self.clipped = torch.zeros(())

    @property
    def c(self) -> Tensor:
        """The curvature magnitude."""
        return functional.softplus(self.raw)

    def exp0(self, v: Tensor, dim: int = -1) -> Tensor:
        """Onto the ball, projected to the safe radius."""
        return self.project(self.maps.exp0(v, self.c, dim), dim)

    def log0(self, x: Tensor, dim: int = -1) -> Tensor:
        """Back to the tangent space at the origin."""
        return self.maps.log0(x, self.c, dim)

    def add(self, x: Tensor, y: Tensor, dim: int = -1) -> Tensor:
        """Möbius addition, projected."""
        return self.project(self.maps.mobius_add(x, y, self.c, dim), dim)

    def expmap(self, x: Tensor, v: Tensor, dim: int = -1) -> Tensor:
        """Exponential map at x, projected."""
        return self.project(self.maps.expmap(x, v, self.c, dim), dim)

    def logmap(self, x: Tensor, y: Tensor, dim: int = -1) -> Tensor:
        """Logarithm at x."""
        return self.maps.logmap(x, y, self.c, dim)

    def project(self, x: Tensor, dim: int = -1) -> Tensor:
        """Pull back what lies beyond the safe radius, and note how much that was."""
        c = self.c
        with torch.no_grad():
            limit = (1 - hyperbolic.MARGIN[x.dtype]) / c.sqrt()
            self.clipped = (hyperbolic.norm(x, dim) > limit).float().mean()
        return self.maps.project(x, c, dim)

    def conformal_factor(self, x: Tensor) -> Tensor:
        """λ, or what the published code computes in its place inside the fully connected layer."""
        if self.wrong_factor:
            return 2 * (1 - self.c * x.square().sum(-1, keepdim=True))
        return self.maps.conformal_factor(x, self.c)


def poincare_linear(
    x: Float[Tensor, "*b n"], z: Float[Tensor, "n m"], r: Float[Tensor, " m"], ball: Ball
) -> Float[Tensor, "*b m"]:
    """Fully connected layer of HNN++: the point whose signed distance to the k-th axis hyperplane is v_k(x).

    v_k = 2 |z_k| times the signed distance of x to the hyperplane (z_k, r_k); y = w / (1 + √(1 + c |w|²)) with
    w_k = sinh(s v_k) / s. A zero column gives zero.
    """
    c = ball.c
    s = c.sqrt()
    sizes = hyperbolic.norm(z, 0)
    factor = ball.conformal_factor(x)
    across = factor * s * (x @ (z / sizes))
    scaled = 2 * sizes * torch.asinh(across * torch.cosh(2 * s * r) - (factor - 1) * torch.sinh(2 * s * r))
    limit = LARGEST_SINH[x.dtype]
    w = torch.sinh(scaled.clamp(-limit, limit)) / s
    # Divided by its largest entry first: the squares of large ones would overflow.
    largest = w.abs().amax(-1, keepdim=True).clamp_min(1.0)
    small = w / largest
    below = 1 / largest + (1 / largest.square() + c * small.square().sum(-1, keepdim=True)).sqrt()
    return ball.project(small / below)


class PoincareLinear(nn.Module):
    """Weights Z (n, m) and offsets r (m,) of a fully connected layer.

    Initialised as half the identity, which makes the layer the identity map exactly; with normal entries of variance
    1 / (2 n m) as in HNN++; or, for a convolution of 3x3, with half the identity on the central pixel ("centre", not in
    the paper).
    """

    def __init__(self, n: int, m: int, ball: Ball, initialisation: Initialisation = "identity", taps: int = 1) -> None:
        super().__init__()
        self.ball = ball
        match initialisation:
            case "identity":
                weight = 0.5 * torch.eye(n, m)
            case "centre":
                weight = torch.zeros(n, m)
                for index in range(min(m, n // taps)):
                    weight[index * taps + taps // 2, index] = 0.5
            case "hnn++":
                weight = torch.randn(n, m) * (2 * n * m) ** -0.5
        self.z = nn.Parameter(weight)
        self.r = nn.Parameter(torch.zeros(m))

    def forward(self, x: Float[Tensor, "*b n"]) -> Float[Tensor, "*b m"]:
        """Points to points."""
        return poincare_linear(x, self.z, self.r, self.ball)


def beta_ratio(parts: int, dimensions: int) -> float:
    """β(N/2, ½) / β(C/2, ½) for N = parts x dimensions: keeps norms from growing when vectors are concatenated."""

    def log_beta(a: float) -> float:
        return math.lgamma(a) + math.lgamma(0.5) - math.lgamma(a + 0.5)

    return math.exp(log_beta(parts * dimensions / 2) - log_beta(dimensions / 2))


class PoincareConv2d(nn.Module):
    """Convolution: β-concatenation of the patch's vectors, then a fully connected layer (section 3.3)."""

    def __init__(
        self, inputs: int, outputs: int, ball: Ball, kernel: int = 3, stride: int = 1, padding: int = 1,
        initialisation: Initialisation = "identity",
    ) -> None:  # fmt: skip
        super().__init__()
        self.ball, self.kernel, self.stride, self.padding = ball, kernel, stride, padding
        taps = kernel * kernel
        self.scale = beta_ratio(taps, inputs)
        self.linear = PoincareLinear(inputs * taps, outputs, ball, initialisation, taps)

    def forward(self, t: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d k l"]:
        """Tangent vectors to tangent vectors."""
        high, wide = ((size + 2 * self.padding - self.kernel) // self.stride + 1 for size in t.shape[-2:])
        patches = functional.unfold(t * self.scale, self.kernel, padding=self.padding, stride=self.stride).transpose(
            1, 2
        )
        y = self.ball.log0(self.linear(self.ball.exp0(patches)))
        return y.transpose(1, 2).reshape(len(t), -1, high, wide)


class PoincareBatchNorm(nn.Module):
    """Centre a layer's points at a learnt point and give them a learnt Fréchet variance (section 3.5).

    With `uses_running` the evaluation uses running statistics, which the paper's code does not (it always uses those of
    the batch); the mean then moves along geodesics. `last_mean` is the mean of the last training batch.
    """

    def __init__(self, channels: int, ball: Ball, mean: Mean = "midpoint", uses_running: bool = False) -> None:
        super().__init__()
        self.ball, self.mean, self.uses_running = ball, mean, uses_running
        self.bias = nn.Parameter(torch.zeros(channels))
        self.scale = nn.Parameter(torch.ones(()))
        self.running_mean: Tensor
        self.running_variance: Tensor
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_variance", torch.ones(()))
        self.last_mean = torch.zeros(channels)

    def forward(self, t: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Tangent vectors to tangent vectors."""
        if self.mean == "off":
            return t
        x = self.ball.exp0(t.movedim(1, -1).flatten(0, 2))
        mean, variance = self._statistics(x)
        target = self.ball.exp0(self.bias)
        around = self.ball.logmap(mean.expand_as(x), x)
        moved = hyperbolic.parallel_transport(mean, target, around, self.ball.c)
        # A squared scale could not vanish or turn negative; the paper's γ is itself the variance, so its root is taken.
        stretched = moved * (self.scale.clamp_min(0) / (variance + VARIANCE_FLOOR)).sqrt()
        y = self.ball.log0(self.ball.expmap(target.expand_as(x), stretched))
        b, _, h, w = t.shape
        return y.reshape(b, h, w, -1).movedim(-1, 1)

    def _statistics(self, x: Float[Tensor, "m c"]) -> tuple[Tensor, Tensor]:
        if self.uses_running and not self.training:
            return self.running_mean, self.running_variance
        c = self.ball.c
        mean = midpoint(x, c) if self.mean == "midpoint" else frechet_mean(x, c)
        variance = frechet_variance(x, mean, c)
        if self.training:
            self.last_mean = mean.detach()
        if self.training and self.uses_running:
            with torch.no_grad():
                step = MOMENTUM * hyperbolic.logmap(self.running_mean, mean, c)
                self.running_mean.copy_(hyperbolic.project(hyperbolic.expmap(self.running_mean, step, c), c))
                self.running_variance.lerp_(variance, MOMENTUM)
        return mean, variance
