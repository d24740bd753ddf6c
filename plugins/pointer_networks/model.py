"""The paper's three models: the pointer network, and sequence to sequence with and without attention (section 2).

Slot 0 of every output is the stop symbol "<=", slot j in 1..n is the j-th input point.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


@dataclass(frozen=True)
class Memory:
    """What a decoder knows: the encoded inputs (with e_0 first), W_1 e, its own state, and what it last attended to."""

    points: Float[Tensor, "b n c"]
    states: Float[Tensor, "b m h"]
    keys: Float[Tensor, "b m h"]
    is_slot: Bool[Tensor, "b m"]
    hidden: tuple[Float[Tensor, "1 b h"], Float[Tensor, "1 b h"]]
    blend: Float[Tensor, "b h"] | None = None

    def repeated(self, times: int) -> Memory:
        """Each example `times` times in a row, for beams."""
        return self.chosen(torch.arange(len(self.points), device=self.points.device).repeat_interleave(times))

    def chosen(self, rows: Int64[Tensor, " k"]) -> Memory:
        """The examples with these indices."""
        h, c = self.hidden
        blend = None if self.blend is None else self.blend[rows]
        return Memory(
            self.points[rows], self.states[rows], self.keys[rows], self.is_slot[rows], (h[:, rows], c[:, rows]), blend
        )


class EncoderDecoder(nn.Module):
    """Two LSTMs; subclasses say what they make of the decoder's states. Base class of the three models.

    Points P are (b, n, c), c coordinates each; `targets` are (b, T) slots. `embedding` 0 feeds coordinates directly.
    """

    longest: int | None = None
    """Largest number of points that the model can be given; None where there is no limit."""
    feeds_blend = False

    def __init__(self, coordinates: int, hidden: int, embedding: int) -> None:
        super().__init__()
        width = embedding or coordinates
        self.embed = nn.Linear(coordinates, embedding) if embedding else nn.Identity()
        self.encoder = nn.LSTM(width, hidden, batch_first=True)
        self.decoder = nn.LSTM(width + (hidden if self.feeds_blend else 0), hidden, batch_first=True)
        self.go = nn.Parameter(torch.zeros(coordinates))
        self.e_0 = nn.Parameter(torch.zeros(hidden))
        self.W_1 = nn.Linear(hidden, hidden, bias=False)
        self.W_2 = nn.Linear(hidden, hidden, bias=False)
        self.v = nn.Parameter(torch.zeros(hidden))

    @torch.no_grad()
    def initialise(self, reach: float, generator: torch.Generator) -> None:
        """Draw every parameter uniformly from [-reach, reach], the paper's way."""
        for parameter in self.parameters():
            parameter.copy_(2 * reach * torch.rand(parameter.shape, generator=generator, device=generator.device))
            parameter.sub_(reach)

    def encode(self, points: Float[Tensor, "b n c"], lengths: Int64[Tensor, " b"] | None = None) -> Memory:
        """Read the points; where `lengths` are given, what is beyond them is padding. Raises ValueError if too many."""
        batch, count, _ = points.shape
        if self.longest is not None and count > self.longest:
            raise ValueError(f"this model's dictionary ends at {self.longest} points, and {count} were given")
        inputs = self.embed(points)
        if lengths is None:
            states, hidden = self.encoder(inputs)
            is_point = torch.ones(batch, count, dtype=torch.bool, device=points.device)
        else:
            packed = pack_padded_sequence(inputs, lengths.cpu(), batch_first=True, enforce_sorted=False)
            packed_states, hidden = self.encoder(packed)
            states, _ = pad_packed_sequence(packed_states, batch_first=True, total_length=count)
            is_point = torch.arange(count, device=points.device) < lengths[:, None]
        states = torch.cat([self.e_0.expand(batch, 1, -1), states], 1)
        is_slot = torch.cat([torch.ones_like(is_point[:, :1]), is_point], 1)
        blend = torch.zeros_like(states[:, 0]) if self.feeds_blend else None
        return Memory(points, states, self.W_1(states), is_slot, hidden, blend)

    def inputs(self, memory: Memory, slots: Int64[Tensor, "b T"] | None) -> Float[Tensor, "b T c"]:
        """Coordinates of the points chosen before; the learned start symbol where there are none."""
        if slots is None:
            return self.go.expand(len(memory.points), 1, -1)
        index = (slots - 1).clamp(min=0)[..., None].expand(-1, -1, memory.points.shape[-1])
        return memory.points.gather(1, index)

    def step(self, memory: Memory, last: Int64[Tensor, " b"] | None) -> tuple[Float[Tensor, "b m"], Memory]:
        """Scores of all slots after the slot `last` was chosen (None: at the start), and the memory after that."""
        inputs = self.embed(self.inputs(memory, None if last is None else last[:, None]))
        d, hidden = self.decoder(inputs, memory.hidden)
        scores, _ = self.scores_of(memory, d)
        return scores[:, 0], replace(memory, hidden=hidden)

    def forced(self, memory: Memory, targets: Int64[Tensor, "b T"]) -> Float[Tensor, "b T m"]:
        """Scores at every step when the targets before it were chosen (teacher forcing), all steps at once."""
        inputs = torch.cat([self.inputs(memory, None), self.inputs(memory, targets[:, :-1])], 1)
        d, _ = self.decoder(self.embed(inputs), memory.hidden)
        return self.scores_of(memory, d)[0]

    def scores_of(self, memory: Memory, d: Float[Tensor, "b T h"]) -> tuple[Float[Tensor, "b T m"], Tensor | None]:
        """Scores of all slots in decoder states d, and what was attended to where the model needs it again."""
        raise NotImplementedError

    def attention(self, memory: Memory, d: Float[Tensor, "b T h"]) -> Float[Tensor, "b T m"]:
        """u^i_j = v . tanh(W_1 e_j + W_2 d_i), minus infinity at padding."""
        u = torch.tanh(memory.keys[:, None] + self.W_2(d)[:, :, None]) @ self.v
        return u.masked_fill(~memory.is_slot[:, None], -torch.inf)


class PointerNetwork(EncoderDecoder):
    """Ptr-Net (section 2.3): p(C_i = j | ...) = softmax_j(u^i). Takes any number of points."""

    def scores_of(self, memory: Memory, d: Float[Tensor, "b T h"]) -> tuple[Float[Tensor, "b T m"], Tensor | None]:
        """The raw u: the attention is the output."""
        return self.attention(memory, d), None


class SequenceToSequence(EncoderDecoder):
    """LSTM baseline (section 2.1): a softmax over a fixed dictionary of `longest` places and the stop symbol."""

    def __init__(self, coordinates: int, hidden: int, embedding: int, longest: int) -> None:
        super().__init__(coordinates, hidden, embedding)
        self.longest = longest
        self.output = nn.Linear(2 * hidden if self.feeds_blend else hidden, longest + 1)
        if not self.feeds_blend:
            del self.W_2, self.v, self.W_1
            self.W_1 = nn.Identity()

    def dictionary(self, memory: Memory, features: Float[Tensor, "b T f"]) -> Float[Tensor, "b T m"]:
        """Scores of the dictionary's entries that are slots of these inputs."""
        return self.output(features)[..., : memory.is_slot.shape[1]].masked_fill(~memory.is_slot[:, None], -torch.inf)

    def scores_of(self, memory: Memory, d: Float[Tensor, "b T h"]) -> tuple[Float[Tensor, "b T m"], Tensor | None]:
        """W_o d + b."""
        return self.dictionary(memory, d), None


class AttentionSequenceToSequence(SequenceToSequence):
    """LSTM with content-based attention (section 2.2): [d; d'] makes the prediction, and d' is fed to the next step."""

    feeds_blend = True

    def scores_of(self, memory: Memory, d: Float[Tensor, "b T h"]) -> tuple[Float[Tensor, "b T m"], Tensor | None]:
        """D' = sum_j softmax(u)_j e_j over the points."""
        u = self.attention(memory, d)[..., 1:]
        blend = torch.softmax(u, -1) @ memory.states[:, 1:]
        return self.dictionary(memory, torch.cat([d, blend], -1)), blend

    def step(self, memory: Memory, last: Int64[Tensor, " b"] | None) -> tuple[Float[Tensor, "b m"], Memory]:
        """As in the base class, with d' of the step before as further input."""
        assert memory.blend is not None
        inputs = self.embed(self.inputs(memory, None if last is None else last[:, None]))
        d, hidden = self.decoder(torch.cat([inputs, memory.blend[:, None]], -1), memory.hidden)
        scores, blend = self.scores_of(memory, d)
        assert blend is not None
        return scores[:, 0], replace(memory, hidden=hidden, blend=blend[:, 0])

    def forced(self, memory: Memory, targets: Int64[Tensor, "b T"]) -> Float[Tensor, "b T m"]:
        """One step after the other: each needs what the one before attended to."""
        scores = []
        for place in range(targets.shape[1]):
            own, memory = self.step(memory, targets[:, place - 1] if place else None)
            scores.append(own)
        return torch.stack(scores, 1)


def make_model(name: str, coordinates: int, hidden: int, embedding: int, longest: int) -> EncoderDecoder:
    """Build the model of that name."""
    if name == "pointer":
        return PointerNetwork(coordinates, hidden, embedding)
    kinds: Mapping[str, type[SequenceToSequence]] = {
        "lstm": SequenceToSequence, "attention": AttentionSequenceToSequence,
    }  # fmt: skip
    return kinds[name](coordinates, hidden, embedding, longest)


def token_loss(scores: Float[Tensor, "b T m"], targets: Int64[Tensor, "b T"], is_token: Bool[Tensor, "b T"]) -> Tensor:
    """Mean cross-entropy over the real tokens, the stop symbol among them."""
    return nn.functional.cross_entropy(scores[is_token], targets[is_token])
