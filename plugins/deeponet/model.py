"""The networks, most with several members side by side: DeepONet (unstacked and stacked), and its rivals in the paper.

Shapes: s members, b samples, m sensors, d coordinates of an output location, p basis functions, q locations.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from workbench.toolkit.ensembles import EnsembleLinear, he_normal

Activation = Callable[[Tensor], Tensor]
ACTIVATIONS: dict[str, Activation] = {
    "relu": torch.relu,
    "tanh": torch.tanh,
    "gelu": torch.nn.functional.gelu,
    "sin": torch.sin,
}
Inputs = Float[Tensor, "s b m"]
Locations = Float[Tensor, "s b d"]
Values = Float[Tensor, "s b"]
SMALLEST_IMAGE = 8


def member_generators(seeds: Sequence[int]) -> list[torch.Generator]:
    """One generator for each member, so that a member's weights do not depend on who stands beside it."""
    return [torch.Generator().manual_seed(seed) for seed in seeds]


class UnstackedBranch(nn.Module):
    """b(u): one network m -> w -> ... -> p, an activation after every layer but the last."""

    def __init__(
        self, widths: Sequence[int], activation: Activation, bias: bool, generators: Sequence[torch.Generator],
        inputs_used: Sequence[int] | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        members, last = len(generators), len(widths) - 2
        self.activation = activation
        self.layers = nn.ModuleList(
            EnsembleLinear(
                members, a, b, bias=bias or index < last, generators=generators,
                inputs_used=inputs_used if index == 0 else None,
            )
            for index, (a, b) in enumerate(pairwise(widths))
        )  # fmt: skip

    def forward(self, u: Inputs) -> Float[Tensor, "s b p"]:
        """b(u)."""
        for layer in self.layers[:-1]:
            u = self.activation(layer(u))
        return self.layers[-1](u)


class StackedBranch(nn.Module):
    """b(u): p networks m -> w -> ... -> 1, He normal, an activation after every layer but the last.

    All first layers read the same u, so they are one matrix m -> p w; the inner ones are p products side by side.
    """

    def __init__(
        self, widths: Sequence[int], activation: Activation, bias: bool, generators: Sequence[torch.Generator],
        inputs_used: Sequence[int] | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        members = len(generators)
        self.p, self.width, self.activation = widths[-1], widths[1], activation
        own = [generator for generator in generators for _ in range(self.p)]
        self.first = EnsembleLinear(members, widths[0], self.p * self.width, initialise=he_normal,
                                    generators=generators, inputs_used=inputs_used)  # fmt: skip
        self.inner = nn.ModuleList(
            EnsembleLinear(members * self.p, a, b, initialise=he_normal, generators=own)
            for a, b in pairwise(widths[1:-1])
        )
        self.last = EnsembleLinear(members * self.p, widths[-2], 1, bias=bias, initialise=he_normal, generators=own)

    def forward(self, u: Inputs) -> Float[Tensor, "s b p"]:
        """b(u)."""
        members, b, _ = u.shape
        x = self.activation(self.first(u)).view(members, b, self.p, self.width)
        x = x.transpose(1, 2).reshape(members * self.p, b, self.width)
        for layer in self.inner:
            x = self.activation(layer(x))
        return self.last(x).view(members, self.p, b).transpose(1, 2)


class DeepONet(nn.Module):
    """G(u)(y) = sum_k b_k(u) t_k(y) + b_0 (equation 2 of the paper), for several members at once.

    Branch m -> w -> ... -> p (last layer linear), trunk d -> w -> ... -> p with an activation after EVERY layer, the
    last included. Without `bias`, only the bias of the branch's last layer and b_0 are left out. Glorot normal, zero
    biases; stacked branches use He normal. `inputs_used` says how many of the m inputs each member reads.
    """

    def __init__(
        self,
        sensors: int,
        dimensions: int = 1,
        *,
        width: int = 40,
        basis: int = 40,
        branch_depth: int = 2,
        trunk_depth: int = 2,
        stacked: bool = False,
        bias: bool = True,
        activation: str = "relu",
        seeds: Sequence[int] = (0,),
        inputs_used: Sequence[int] | None = None,
    ) -> None:
        super().__init__()
        generators = member_generators(seeds)
        self.activation = ACTIVATIONS[activation]
        branch = [sensors, *[width] * (branch_depth - 1), basis]
        trunk = [dimensions, *[width] * (trunk_depth - 1), basis]
        kind = StackedBranch if stacked and branch_depth > 1 else UnstackedBranch
        self.branch = kind(branch, self.activation, bias, generators, inputs_used)
        self.trunk_layers = nn.ModuleList(
            EnsembleLinear(len(seeds), a, b, generators=generators) for a, b in pairwise(trunk)
        )
        self.b0 = nn.Parameter(torch.zeros(len(seeds), 1)) if bias else None

    def trunk(self, y: Locations) -> Float[Tensor, "s b p"]:
        """t(y)."""
        for layer in self.trunk_layers:
            y = self.activation(layer(y))
        return y

    def forward(self, u: Inputs, y: Locations) -> Values:
        """G(u)(y) of each pair."""
        value = (self.branch(u) * self.trunk(y)).sum(-1)
        return value if self.b0 is None else value + self.b0

    def aligned(self, u: Inputs, y: Float[Tensor, "s q d"]) -> Float[Tensor, "s b q"]:
        """G(u_i)(y_j) for all pairs, where all functions share their output locations: one product of matrices."""
        value = torch.bmm(self.branch(u), self.trunk(y).transpose(1, 2))
        return value if self.b0 is None else value + self.b0[..., None]


class FNN(nn.Module):
    """Fully connected network on [u(x_1..m), y] -> 1 (section 4.1's baseline)."""

    def __init__(
        self, sensors: int, dimensions: int = 1, *, width: int = 100, depth: int = 2, activation: str = "relu",
        seeds: Sequence[int] = (0,),
    ) -> None:  # fmt: skip
        super().__init__()
        generators = member_generators(seeds)
        self.activation = ACTIVATIONS[activation]
        widths = [sensors + dimensions, *[width] * depth, 1]
        self.layers = nn.ModuleList(
            EnsembleLinear(len(seeds), a, b, generators=generators) for a, b in pairwise(widths)
        )

    def forward(self, u: Inputs, y: Locations) -> Values:
        """The value at y."""
        x = torch.cat((u, y), -1)
        for layer in self.layers[:-1]:
            x = self.activation(layer(x))
        return self.layers[-1](x)[..., 0]

    def aligned(self, u: Inputs, y: Float[Tensor, "s q d"]) -> Float[Tensor, "s b q"]:
        """All pairs, one by one: this network cannot share work between them."""
        return _all_pairs(self, u, y)


class ResNet(nn.Module):
    """Residual network of width 128 and two blocks x + W2 act(W1 x) on [u(x_1..m), y]."""

    def __init__(
        self, sensors: int, dimensions: int = 1, *, width: int = 128, blocks: int = 2, activation: str = "relu",
        seeds: Sequence[int] = (0,),
    ) -> None:  # fmt: skip
        super().__init__()
        generators, members = member_generators(seeds), len(seeds)
        self.activation = ACTIVATIONS[activation]
        self.enter = EnsembleLinear(members, sensors + dimensions, width, generators=generators)
        self.first = nn.ModuleList(EnsembleLinear(members, width, width, generators=generators) for _ in range(blocks))
        self.second = nn.ModuleList(EnsembleLinear(members, width, width, generators=generators) for _ in range(blocks))
        self.leave = EnsembleLinear(members, width, 1, generators=generators)

    def forward(self, u: Inputs, y: Locations) -> Values:
        """The value at y."""
        x = self.activation(self.enter(torch.cat((u, y), -1)))
        for first, second in zip(self.first, self.second, strict=True):
            x = self.activation(x + second(self.activation(first(x))))
        return self.leave(x)[..., 0]

    def aligned(self, u: Inputs, y: Float[Tensor, "s q d"]) -> Float[Tensor, "s b q"]:
        """All pairs, one by one."""
        return _all_pairs(self, u, y)


def _all_pairs(network: FNN | ResNet, u: Inputs, y: Float[Tensor, "s q d"]) -> Float[Tensor, "s b q"]:
    s, b, q = *u.shape[:2], y.shape[1]
    tiled = u[:, :, None].expand(-1, -1, q, -1).reshape(s, b * q, -1)
    places = y[:, None].expand(-1, b, -1, -1).reshape(s, b * q, -1)
    return network(tiled, places).view(s, b, q)


class Seq2Seq(nn.Module):
    """Recurrent encoder and decoder of hidden size 5 with learnt, input-independent attention between positions.

    Reads u at `length` points, says s at as many (journal version of the paper). One member only.
    """

    def __init__(self, length: int = 100, *, hidden: int = 5, cell: str = "gru", seed: int = 0) -> None:
        super().__init__()
        kind = {"gru": nn.GRU, "lstm": nn.LSTM, "rnn": nn.RNN}[cell]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.encoder = kind(1, hidden, batch_first=True)
            self.decoder = kind(hidden, hidden, batch_first=True)
            self.out = nn.Linear(hidden, 1)
        self.attention = nn.Parameter(torch.zeros(length, length))

    def forward(self, u: Float[Tensor, "b m"]) -> Float[Tensor, "b m"]:
        """S on the same points."""
        x, _ = self.encoder(u[..., None])
        x = torch.softmax(self.attention, 1) @ x
        x, _ = self.decoder(x)
        return self.out(x)[..., 0]


class LatentCNN(nn.Module):
    """Convolutional encoder and decoder: an image of u on the sensors' grid to images of the answer, one an order.

    3x3 convolutions to 32 and 64 channels with a pooling between, 64 units, a latent space of mean and deviation, 64
    and 1024 units, two 3x3 convolutions around an upsampling (authors' code of the fractional Laplacian; tanh). The
    latent is drawn while training and taken at its mean otherwise; no term of the loss ties it to a normal.
    Raises ValueError for grids below 8.
    """

    def __init__(self, grid: int = 15, images: int = 10, *, latent: int = 20) -> None:
        super().__init__()
        if grid < SMALLEST_IMAGE:
            raise ValueError(f"a grid of {SMALLEST_IMAGE} or more is needed, not {grid}")
        self.grid = grid
        small = (grid - 2) // 2 - 2
        self.enter = nn.ModuleList((nn.Conv2d(1, 32, 3), nn.Conv2d(32, 64, 3)))
        self.narrow = nn.Linear(64 * small**2, 64)
        self.mean, self.log_deviation = nn.Linear(64, latent), nn.Linear(64, latent)
        self.widen = nn.ModuleList((nn.Linear(latent, 64), nn.Linear(64, 64 * 4 * 4)))
        self.leave = nn.ModuleList((nn.Conv2d(64, 32, 3, padding=2), nn.Conv2d(32, images, 3, padding=2)))

    def forward(self, u: Float[Tensor, "b g g"], generator: torch.Generator | None = None) -> Float[Tensor, "b k g g"]:
        """Images of all orders; `generator` draws the latent, without one its mean is taken."""
        x = torch.tanh(self.enter[0](u[:, None]))
        x = torch.tanh(self.enter[1](nn.functional.max_pool2d(x, 2)))
        x = torch.tanh(self.narrow(x.flatten(1)))
        z = self.mean(x)
        if generator is not None:
            noise = torch.randn(z.shape, generator=generator, device=z.device)
            z = z + torch.exp(self.log_deviation(x)) * noise
        for layer in self.widen:
            z = torch.tanh(layer(z))
        x = torch.tanh(self.leave[0](z.view(-1, 64, 4, 4)))
        x = nn.functional.interpolate(x, size=(self.grid - 2, self.grid - 2), mode="bilinear", align_corners=False)
        return self.leave[1](x)
