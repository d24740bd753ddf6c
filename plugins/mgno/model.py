"""MgNO: neurons are functions, weights are linear operators, each one multigrid V-cycle of small convolutions.

Shapes: b samples, c channels, n x n grids; level 0 is the fine grid. * below is a 3x3 convolution.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

Fields = Float[Tensor, "b c n n"]
Form = Literal["released", "mgnet", "classical"]
Counts = Sequence[tuple[int, int]]
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "gelu": functional.gelu, "relu": torch.relu, "tanh": torch.tanh, "silu": functional.silu,
    "identity": lambda x: x,
}  # fmt: skip
SMALLEST_COARSE = 3


@dataclass(frozen=True)
class CycleRecord:
    """u and f of one moment within a V-cycle."""

    level: int
    stage: str
    u: Fields
    f: Fields


def level_sizes(n: int, levels: int, transfer_padding: int = 1) -> list[int]:
    """Grid sizes from fine to coarse; raise ValueError where the coarsest would be below 3."""
    sizes = [n]
    for _ in range(levels - 1):
        sizes.append((sizes[-1] + 2 * transfer_padding - 3) // 2 + 1)
    if sizes[-1] < SMALLEST_COARSE:
        raise ValueError(f"{levels} levels take a grid of {n} down to {sizes[-1]}; the coarsest needs 3 or more")
    return sizes


class Smoother(nn.Module):
    """One iteration u <- u + S (f - A u); the first of a cycle starts from u = 0 and is u = S f."""

    def __init__(self, c_u: int, c_f: int, *, padding_mode: str, bias: bool, has_A: bool = True) -> None:
        super().__init__()
        self.S = nn.Conv2d(c_f, c_u, 3, padding=1, bias=bias, padding_mode=padding_mode)
        self.A = nn.Conv2d(c_u, c_f, 3, padding=1, bias=bias, padding_mode=padding_mode) if has_A else None

    def forward(self, u: Fields | None, f: Fields) -> Fields:
        """Smooth once."""
        if u is None or self.A is None:
            return self.S(f)
        return u + self.S(f - self.A(u))


class MultigridOperator(nn.Module):
    """Bounded linear operator between two function spaces, as one multigrid V-cycle (section 3.2).

    Maps f (b, c_f, n, n) to u (b, c_u, n, n). Level l smooths counts[l] = (pre, post) times with operators A, S of its
    own for every iteration; then (u, f) go to the next level, and u comes back up by a transposed convolution:

        released   f <- R f                  u <- Pi u
        mgnet      f <- R (f - A u) + A' Pi u    u <- Pi u      (A' of the coarser level's first iteration)
        classical  f <- R (f - A u)          u <- 0

    Zero padding makes it a Dirichlet operator, reflect a Neumann one, circular a periodic one. Without biases and norms
    it is linear in f. `growth` gives level l (l + 1) times the channels; `norm` adds LayerNorm(c, n_l, n_l) after each
    upward addition, which ties it to the grid `n`. Raises ValueError where the coarsest grid would be below 3.
    """

    def __init__(
        self,
        c_f: int,
        c_u: int,
        counts: Counts,
        *,
        n: int,
        padding_mode: str = "zeros",
        bias: bool = False,
        form: Form = "released",
        norm: bool = False,
        growth: bool = False,
        transfer_padding: int = 1,
        first_has_A: bool = False,
    ) -> None:
        super().__init__()
        self.counts, self.form, self.transfer_padding = tuple(counts), form, transfer_padding
        levels = len(self.counts)
        if self.counts[0][0] < 1:
            raise ValueError("the finest level needs a smoothing on the way down")
        sizes = level_sizes(n, levels, transfer_padding)
        u = [c_u * (level + 1 if growth else 1) for level in range(levels)]
        f = [c_f * (level + 1 if growth else 1) for level in range(levels)]
        common = {"padding_mode": padding_mode, "bias": bias}
        self.pre, self.post = nn.ModuleList(), nn.ModuleList()
        for level, (before, after) in enumerate(self.counts):
            self.pre.append(nn.ModuleList(
                Smoother(u[level], f[level], has_A=first_has_A or level > 0 or index > 0, **common)
                for index in range(before)
            ))  # fmt: skip
            self.post.append(nn.ModuleList(Smoother(u[level], f[level], **common) for _ in range(after)))
        # The helm variant pads its transfers with nothing, so their mode does not matter there.
        transfer = {"stride": 2, "padding": transfer_padding, "bias": False}
        mode = padding_mode if transfer_padding else "zeros"
        self.Pi, self.R, self.RT, self.residual_A, self.norms = (nn.ModuleList() for _ in range(5))
        for level in range(levels - 1):
            if form != "classical":
                self.Pi.append(nn.Conv2d(u[level], u[level + 1], 3, padding_mode=mode, **transfer))
            self.R.append(nn.Conv2d(f[level], f[level + 1], 3, padding_mode=mode, **transfer))
            if form != "released":
                self.residual_A.append(nn.Conv2d(u[level], f[level], 3, padding=1, **common))
            is_nested = sizes[level] % 2 == 1
            kernel = 3 if is_nested else 4
            self.RT.append(
                nn.ConvTranspose2d(u[level + 1], u[level], kernel, stride=2, padding=transfer_padding, bias=False)
            )
            if norm:
                self.norms.append(nn.LayerNorm([u[level], sizes[level], sizes[level]]))

    def forward(
        self, f: Fields, *, gains: Sequence[float] | None = None, trace: list[CycleRecord] | None = None
    ) -> Fields:
        """Run the cycle. `gains` multiply what each level gets from below; `trace` is filled with every moment."""

        def note(level: int, stage: str) -> None:
            if trace is not None:
                trace.append(CycleRecord(level, stage, u if u is not None else torch.zeros_like(f), f))

        u: Tensor | None = None
        kept: list[tuple[Tensor, Tensor]] = []
        last = len(self.counts) - 1
        for level, smoothers in enumerate(self.pre):
            for index, smoother in enumerate(smoothers):
                u = smoother(u, f)
                note(level, f"smooth {index + 1}")
            if u is None:  # a level without smoothing in the classical form
                u = torch.zeros_like(f[:, :1]).expand(-1, self._channels(level), -1, -1)
            kept.append((u, f))
            if level < last:
                u, f = self._down(level, u, f)
                note(level + 1, "restricted")
        for level in range(last - 1, -1, -1):
            below = kept[level + 1][0] if level + 1 == last else u
            u, f = kept[level]
            correction = self._up(level, below, u)
            u = u + (correction if gains is None else gains[level] * correction)
            if len(self.norms):
                u = self.norms[level](u)
            note(level, "corrected")
            for index, smoother in enumerate(self.post[level]):
                u = smoother(u, f)
                note(level, f"post {index + 1}")
        return u

    def _channels(self, level: int) -> int:
        return self.RT[level].out_channels if level < len(self.RT) else self.RT[-1].in_channels

    def _down(self, level: int, u: Tensor, f: Tensor) -> tuple[Tensor | None, Tensor]:
        if self.form == "released":
            return self.Pi[level](u), self.R[level](f)
        f = self.R[level](f - self.residual_A[level](u))
        if self.form == "classical":
            return None, f
        u = self.Pi[level](u)
        following = self.pre[level + 1]
        operator = following[0].A if len(following) else self.residual_A[min(level + 1, len(self.residual_A) - 1)]
        return u, f + operator(u)

    def _up(self, level: int, below: Tensor, like: Tensor) -> Tensor:
        """Prolongate to the size of the finer level, whatever the grid of this call."""
        operator = self.RT[level]
        height, width = like.shape[-2:]
        if operator.kernel_size[0] == 3:
            return operator(below, output_size=[height, width])
        return operator(below)[..., :height, :width]


class Normaliser(nn.Module):
    """Shift and scale with fixed mean and deviation: of all values, of each pixel, or none."""

    def __init__(self, values: Fields, kind: Literal["none", "global", "pixelwise"], epsilon: float = 1e-5) -> None:
        super().__init__()
        shape = (1, values.shape[1], *((1, 1) if kind != "pixelwise" else values.shape[-2:]))
        if kind == "none":
            mean, deviation = torch.zeros(shape), torch.ones(shape)
        elif kind == "global":
            mean, deviation = values.mean((0, 2, 3), keepdim=True), values.std((0, 2, 3), keepdim=True) + epsilon
        else:
            mean, deviation = values.mean(0, keepdim=True), values.std(0, keepdim=True) + epsilon
        self.kind = kind
        self.register_buffer("mean", mean.to(values))
        self.register_buffer("deviation", deviation.to(values))

    def encode(self, x: Fields) -> Fields:
        """(x - mean) / deviation."""
        return (x - self._fit(self.mean, x)) / self._fit(self.deviation, x)

    def decode(self, x: Fields) -> Fields:
        """X * deviation + mean."""
        return x * self._fit(self.deviation, x) + self._fit(self.mean, x)

    def _fit(self, own: Tensor, x: Tensor) -> Tensor:
        """A pixelwise field on another grid is interpolated."""
        if own.shape[-1] in (1, x.shape[-1]):
            return own
        return functional.interpolate(own, size=x.shape[-2:], mode="bilinear", align_corners=False)


class MgNO(nn.Module):
    """O(a): x_i = act(W_i x_{i-1} + K_i x_{i-1}), i = 1 .. L, then a 1x1 convolution (equation 2 and section 3).

    W_i are V-cycles, K_i 1x1 convolutions with bias (the constant part of B_i and an identity-like operator); no
    lifting, no coordinates. `pointwise=False` leaves K out, `norm` puts LayerNorm into the cycles, `residual` adds the
    input: with both and circular padding this is the released Navier-Stokes variant.
    """

    def __init__(
        self,
        n: int,
        *,
        c_in: int = 1,
        channels: int = 24,
        layers: int = 4,
        counts: Counts = ((1, 0), (1, 0), (1, 0), (1, 0), (1, 0), (2, 0)),
        padding_mode: str = "zeros",
        pointwise: bool = True,
        bias: bool = False,
        norm: bool = False,
        residual: bool = False,
        form: Form = "released",
        activation: str = "gelu",
        c_out: int = 1,
    ) -> None:
        super().__init__()
        self.activation, self.residual = ACTIVATIONS[activation], residual
        sources = [c_in, *[channels] * (layers - 1)]
        self.W = nn.ModuleList(
            MultigridOperator(source, channels, counts, n=n, padding_mode=padding_mode, bias=bias, norm=norm, form=form)
            for source in sources
        )
        self.K = nn.ModuleList(nn.Conv2d(source, channels, 1) for source in sources) if pointwise else None
        self.out = nn.Conv2d(channels, c_out, 1, bias=False)

    def forward(
        self, a: Fields, *, gains: Sequence[float] | None = None, trace: list[list[CycleRecord]] | None = None
    ) -> Fields:
        """Apply all layers; `gains` scale the corrections of every V-cycle level by level."""
        x = a
        for index, cycle in enumerate(self.W):
            records: list[CycleRecord] | None = [] if trace is not None else None
            y = cycle(x, gains=gains, trace=records)
            if trace is not None and records is not None:
                trace.append(records)
            x = self.activation(y if self.K is None else y + self.K[index](x))
        u = self.out(x)
        return u + a[:, -1:] if self.residual else u


class HelmholtzMgNO(nn.Module):
    """The released Helmholtz variant: channels grow with depth, LayerNorm before each activation, a V-cycle to end.

    Transfers have no padding, smoothings reflect padding with bias; n is fixed by the LayerNorm (101 in the paper).
    """

    def __init__(
        self, n: int = 101, *, channels: int = 20, layers: int = 4, counts: Sequence[int] = (1, 1, 1, 1, 2),
        activation: str = "gelu",
    ) -> None:  # fmt: skip
        super().__init__()
        self.activation = ACTIVATIONS[activation]

        def cycle(c_f: int, c_u: int) -> MultigridOperator:
            pairs = [(count, 0) for count in counts]
            return MultigridOperator(c_f, c_u, pairs, n=n, padding_mode="reflect", bias=True, growth=True,
                                     transfer_padding=0, first_has_A=True)  # fmt: skip

        self.W = nn.ModuleList(cycle(1 if index == 0 else channels, channels) for index in range(layers))
        self.norms = nn.ModuleList(nn.LayerNorm([channels, n, n]) for _ in range(layers))
        self.last = cycle(channels, 1)

    def forward(
        self, a: Fields, *, gains: Sequence[float] | None = None, trace: list[list[CycleRecord]] | None = None
    ) -> Fields:
        """Apply all layers."""
        x = a
        for cycle, norm in zip(self.W, self.norms, strict=True):
            records: list[CycleRecord] | None = [] if trace is not None else None
            x = self.activation(norm(cycle(x, gains=gains, trace=records)))
            if trace is not None and records is not None:
                trace.append(records)
        return self.last(x, gains=gains)
