"""The paper's networks, many at once: one member for each representation and seed, stacked along the first axis.

All members see the same batches and meet in no operation, so one backward pass through the sum of their losses
gives each its own gradient; and since Adam works entry by entry, one Adam over the stacked tensors is exactly one
Adam per network.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from plugins.rotation_continuity.representations import Representation

LEAKY_SLOPE = 0.01
SEED_STRIDE = 7919  # keeps the streams of weights and of data apart for neighbouring seeds


class StackedLinear(nn.Module):
    """Members' linear layers: x (m, b, i) -> x W_m^T + b_m (m, b, o), W (m, o, i), b (m, o)."""

    def __init__(self, members: int, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(members, outputs, inputs))
        self.bias = nn.Parameter(torch.empty(members, outputs))

    def forward(self, x: Float[Tensor, "m b i"]) -> Float[Tensor, "m b o"]:
        """Apply every member's layer to its own input."""
        return torch.baddbmm(self.bias[:, None, :], x, self.weight.transpose(1, 2))

    @torch.no_grad()
    def draw(self, member: int, generator: torch.Generator, outputs: int | None = None) -> None:
        """Fill one member with nn.Linear's default: weights and biases uniform within 1 / sqrt(inputs).

        Rows from `outputs` on are padding: zero, without influence, hence without gradient. Every row is drawn
        on its own stream position, so members that differ only in `outputs` start with the same numbers.
        """
        count, inputs = self.weight.shape[1:]
        bound = 1 / math.sqrt(inputs)
        drawn = (2 * torch.rand(count, inputs + 1, generator=generator) - 1) * bound
        if outputs is not None:
            drawn[outputs:] = 0
        self.weight[member] = drawn[:, :-1].to(self.weight)
        self.bias[member] = drawn[:, -1].to(self.bias)


class StackedMLP(nn.Module):
    """Linear layers of the given widths with LeakyReLU(0.01) between them, (m, b, widths[0]) -> (m, b, widths[-1])."""

    def __init__(self, members: int, widths: Sequence[int]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(StackedLinear(members, i, o) for i, o in pairwise(widths))

    def forward(self, x: Float[Tensor, "m b i"]) -> Float[Tensor, "m b o"]:
        """Apply every member's network to its own input."""
        for layer in self.layers[:-1]:
            x = nn.functional.leaky_relu(layer(x), LEAKY_SLOPE)
        return self.layers[-1](x)


class StackedPointNet(nn.Module):
    """Relative-rotation network of section 3.7: shared extractor on both clouds, maximum over points, MLP head.

    first and second (m, b, n, 3) -> (m, b, outputs). The extractor's widths are three per-point layers with
    LeakyReLU after the first two; the head has one hidden layer. No batch norm and no T-net, as in the paper.
    """

    def __init__(self, members: int, widths: Sequence[int], hidden: int, outputs: int) -> None:
        super().__init__()
        self.extractor = StackedMLP(members, (3, *widths))
        self.head = StackedMLP(members, (2 * widths[-1], hidden, outputs))

    def forward(self, first: Float[Tensor, "m b n 3"], second: Float[Tensor, "m b n 3"]) -> Float[Tensor, "m b o"]:
        """Return raw codes for each pair of clouds."""
        members, batch, points, _ = first.shape
        both = torch.cat([first, second], dim=1).reshape(members, 2 * batch * points, 3)
        features = self.extractor(both).reshape(members, 2 * batch, points, -1).amax(dim=2)
        return self.head(torch.cat([features[:, :batch], features[:, batch:]], dim=-1))


class Ensemble(nn.Module):
    """Stacked networks of several representations and seeds, with their decoders.

    Member r * seeds + s is representation r with seed s. `per_item` rotations are decoded from each sample's
    output (joints of a skeleton; 1 otherwise), and `extra` outputs follow them undecoded. Outputs are padded to
    the largest dimension; the padding has zero weights and zero gradients.

    Seed s of every representation starts from the same hidden layers, whichever representations run beside it.

    Step time on one CPU core for the sanity test (5 representations, batch 128, width 128), stacked against a loop
    over the same networks with fused Adam in both: 5.3 ms against 6.5 ms with one seed, 12 ms against 22 ms with three.
    """

    def __init__(
        self,
        body: nn.Module,
        representations: Sequence[Representation],
        seeds: Sequence[int],
        *,
        per_item: int = 1,
        extra: int = 0,
    ) -> None:
        super().__init__()
        self.body = body
        self.representations = tuple(representations)
        self.names = tuple(own.name for own in representations)
        self.seeds = tuple(seeds)
        self.per_item = per_item
        self.extra = extra
        for member in range(self.members):
            generator = torch.Generator().manual_seed(SEED_STRIDE * (self.seeds[member % len(self.seeds)] + 1))
            layers = [module for module in body.modules() if isinstance(module, StackedLinear)]
            for layer in layers[:-1]:
                layer.draw(member, generator)
            layers[-1].draw(member, generator, self.outputs(member // len(self.seeds)))

    @property
    def members(self) -> int:
        """Number of networks."""
        return len(self.names) * len(self.seeds)

    def outputs(self, index: int) -> int:
        """Outputs that representation `index` really uses."""
        return self.per_item * self.representations[index].dimension + self.extra

    def raw(self, *inputs: Float[Tensor, "s b ..."]) -> Float[Tensor, "r s b o"]:
        """Undecoded outputs of every network, from inputs given once for each seed."""
        count, seeds = len(self.names), len(self.seeds)
        repeated = [value.expand(count, *value.shape).flatten(0, 1) for value in inputs]
        return self.body(*repeated).unflatten(0, (count, seeds))

    def _split(self, index: int, raw: Float[Tensor, "s b o"]) -> tuple[Tensor, Tensor]:
        used = self.outputs(index)
        code, rest = raw[..., : used - self.extra], raw[..., used - self.extra : used]
        return code.unflatten(-1, (self.per_item, -1)), rest

    def forward(self, *inputs: Float[Tensor, "s b ..."], evaluated: bool = False) -> Float[Tensor, "r s b j n n"]:
        """Decoded matrices of every representation; `evaluated` decodes as the tests do, not as training does."""
        return self.decode(self.raw(*inputs), evaluated=evaluated)

    def with_extra(self, *inputs: Float[Tensor, "s b ..."]) -> tuple[Tensor, Tensor]:
        """Decoded matrices (r, s, b, j, 3, 3) and the outputs beside them (r, s, b, extra)."""
        raw = self.raw(*inputs)
        rest = torch.stack([self._split(index, values)[1] for index, values in enumerate(raw)])
        return self.decode(raw), rest

    def decode(self, raw: Float[Tensor, "r s b o"], *, evaluated: bool = False) -> Float[Tensor, "r s b j n n"]:
        """Decode raw outputs, each representation by its own decoder."""
        matrices = []
        for index, representation in enumerate(self.representations):
            code, _ = self._split(index, raw[index])
            matrices.append(representation.decode_evaluated(code) if evaluated else representation.decode(code))
        return torch.stack(matrices)

    def network_state(self, index: int, seed: int) -> dict[str, Tensor]:
        """Weights of one network as ordinary (o, i) and (o,) tensors without padding, on the CPU."""
        member = index * len(self.seeds) + seed
        state = {name: values[member].detach().cpu() for name, values in self.body.state_dict().items()}
        last = [name.removesuffix(".weight") for name in state if name.endswith(".weight")][-1]
        used = self.outputs(index)
        return {name: (values[:used] if name.startswith(f"{last}.") else values).contiguous()
                for name, values in state.items()}  # fmt: skip

    @torch.no_grad()
    def load_network(self, index: int, seed: int, state: dict[str, Tensor]) -> None:
        """Put weights that `network_state` returned into one member; raise KeyError or ValueError if they differ."""
        member = index * len(self.seeds) + seed
        expected = self.network_state(index, seed)
        if missing := sorted(expected.keys() ^ state.keys()):
            raise KeyError(f"weights of another network: {', '.join(missing)}")
        own = dict(self.body.named_parameters())
        for name, values in state.items():
            if values.shape != expected[name].shape:
                raise ValueError(f"{name} has shape {tuple(values.shape)}, expected {tuple(expected[name].shape)}")
            own[name][member] = 0
            own[name][member][: len(values)] = values.to(own[name])


def padded_outputs(representations: Sequence[Representation], *, per_item: int = 1, extra: int = 0) -> int:
    """Outputs of the last layer so that the widest representation fits."""
    return per_item * max(own.dimension for own in representations) + extra


def seed_generators(seeds: Sequence[int], device: torch.device) -> list[torch.Generator]:
    """One generator of training data for each seed, so that a seed's data do not depend on its neighbours."""
    return [torch.Generator(device).manual_seed(SEED_STRIDE * (seed + 1) + 1) for seed in seeds]
