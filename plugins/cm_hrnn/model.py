"""The networks: CM-HRNN with two or three tiers, and its baselines AttentionRNN and vanilla RNN.

Sizes as in the paper's code: G ("big frame") and F ("frame") count events, H units. Inputs are the five indices of an
event (bar, next chord, chord, duration, pitch) that stand for the 246-d one-hot x_t; a matrix times that vector is the
sum of five of its columns, which is how `OneHotLinear` computes it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from plugins.cm_hrnn.representation import BARS, DURATIONS, INPUT_OFFSETS, INPUT_SIZE, PITCHES

ATTENTION_LENGTH = 32
FORGET_BIAS = 1.0  # TensorFlow's BasicLSTM adds it; PyTorch does not
LOSS_WEIGHTS = (0.4, 0.3, 0.3)  # pitch, duration, bar
LSTMState: TypeAlias = tuple[Float[Tensor, "layers b H"], Float[Tensor, "layers b H"]]


@dataclass(frozen=True)
class Config:
    """What makes a network: kind of tiers and sizes."""

    tiers: int = 3
    """3 or 2 for CM-HRNN; 1 for AttentionRNN, 0 for the vanilla RNN."""
    big_frame: int = 16
    frame: int = 8
    hidden: int = 128
    layers: int = 1
    keep: float = 0.8
    has_time: bool = True
    has_residual: bool = True

    def __post_init__(self) -> None:
        if self.tiers not in (0, 1, 2, 3):
            raise ValueError(f"a network has 0 to 3 tiers, not {self.tiers}")
        if self.tiers == 3 and self.big_frame % self.frame:
            raise ValueError(f"the frame of {self.frame} events must divide the big frame of {self.big_frame}")

    @property
    def first(self) -> int:
        """First event that is predicted: as many are needed as a seed."""
        return {3: self.big_frame, 2: self.frame}.get(self.tiers, 1)


@dataclass(frozen=True)
class Logits:
    """Unnormalised log-probabilities of an event's three predicted parts."""

    bar: Float[Tensor, "*b 2"]
    duration: Float[Tensor, "*b 16"]
    pitch: Float[Tensor, "*b 130"]

    def after(self, count: int) -> Logits:
        """Those of (b, n, ·) logits that come after the first `count` events."""
        return Logits(self.bar[:, count:], self.duration[:, count:], self.pitch[:, count:])


class OneHotLinear(nn.Module):
    """A linear map of `events` one-hot inputs in a row, (…, events, 5) indices to (…, out), optionally with a bias."""

    def __init__(self, events: int, out: int, *, bias: bool) -> None:
        super().__init__()
        self.events, self.out = events, out
        self.weight = nn.Parameter(torch.empty(events * INPUT_SIZE, out))
        nn.init.xavier_uniform_(self.weight)
        self.bias = nn.Parameter(torch.zeros(out)) if bias else None
        offsets = torch.tensor(INPUT_OFFSETS) + INPUT_SIZE * torch.arange(events)[:, None]
        self.register_buffer("offsets", offsets, persistent=False)
        self.offsets: Tensor

    def forward(self, x: Int[Tensor, "*b e 5"]) -> Float[Tensor, "*b out"]:
        """Sum the rows that the ones pick."""
        index = (x + self.offsets).reshape(-1, 5 * self.events)
        found = functional.embedding_bag(index, self.weight, mode="sum").reshape(*x.shape[:-2], self.out)
        return found if self.bias is None else found + self.bias


def linear(inputs: int, outputs: int) -> nn.Linear:
    """Fully connected layer with Xavier weights and no bias to begin with."""
    made = nn.Linear(inputs, outputs)
    nn.init.xavier_uniform_(made.weight)
    nn.init.zeros_(made.bias)
    return made


class Recurrent(nn.Module):
    """LSTM of `layers` layers whose outputs, of each layer, are dropped with 1 - keep; forget bias 1.

    Input (b, T, inputs); with `events` the input is (b, T, events, 5) indices of one-hot events instead.
    """

    def __init__(self, inputs: int, hidden: int, layers: int, keep: float, events: int = 0) -> None:
        super().__init__()
        self.project = OneHotLinear(events, 4 * hidden, bias=False) if events else None
        # The first layer's product with one-hot inputs is done outside: PyTorch's LSTM then adds it through an identity
        # (its input matrix is not needed), so cells are written out here.
        self.hidden, self.layers = hidden, layers
        sizes = [inputs, *[hidden] * (layers - 1)]
        self.input_weights = nn.ParameterList(
            [
                nn.Parameter(torch.empty(0 if events and index == 0 else size, 4 * hidden))
                for index, size in enumerate(sizes)
            ]
        )
        self.recurrent = nn.ParameterList([nn.Parameter(torch.empty(hidden, 4 * hidden)) for _ in sizes])
        self.biases = nn.ParameterList([nn.Parameter(torch.zeros(4 * hidden)) for _ in sizes])
        for index, size in enumerate(sizes):
            bound = math.sqrt(6 / (size + 5 * hidden))  # TensorFlow's one kernel of inputs and state
            for weight in (self.input_weights[index], self.recurrent[index]):
                nn.init.uniform_(weight, -bound, bound)
            with torch.no_grad():
                self.biases[index][hidden : 2 * hidden] = FORGET_BIAS
        if self.project is not None:
            bound = math.sqrt(6 / (INPUT_SIZE * events + 5 * hidden))
            nn.init.uniform_(self.project.weight, -bound, bound)
        self.dropout = nn.Dropout(1 - keep)

    def start(self, batch: int) -> list[tuple[Tensor, Tensor]]:
        """Zero state of each layer."""
        zero = self.recurrent[0].new_zeros(batch, self.hidden)
        return [(zero, zero)] * self.layers

    def forward(
        self, x: Tensor, state: list[tuple[Tensor, Tensor]] | None = None
    ) -> tuple[Float[Tensor, "b T H"], list[tuple[Tensor, Tensor]]]:
        """Run over time from `state` (default zero); return the top layer's outputs and the state behind the last."""
        states = self.start(x.shape[0]) if state is None else list(state)
        for layer in range(self.layers):
            is_first = layer == 0 and self.project is not None
            gates = self.project(x) if is_first else x @ self.input_weights[layer]  # type: ignore[misc]
            gates = gates + self.biases[layer]
            h, c = states[layer]
            outputs = []
            for t in range(gates.shape[1]):
                h, c = lstm_cell(gates[:, t] + h @ self.recurrent[layer], c)
                outputs.append(h)
            states[layer] = (h, c)
            x = self.dropout(torch.stack(outputs, 1))
        return x, states


def lstm_cell(gates: Float[Tensor, "b 4H"], c: Float[Tensor, "b H"]) -> tuple[Tensor, Tensor]:
    """Output and cell of an LSTM from its summed gates: input, forget, candidate, output."""
    i, f, g, o = gates.chunk(4, -1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return o.sigmoid() * c.tanh(), c


class Heads(nn.Module):
    """Duration = FC(ReLU(FC(u))), bar = FC(duration logits), pitch = FC(ReLU(FC(u)))."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.duration_hidden, self.duration = linear(inputs, DURATIONS), linear(DURATIONS, DURATIONS)
        self.bar = linear(DURATIONS, BARS)
        self.pitch_hidden, self.pitch = linear(inputs, PITCHES), linear(PITCHES, PITCHES)

    def forward(self, u: Float[Tensor, "*b H"]) -> Logits:
        """Logits of all three parts."""
        duration = self.duration(self.duration_hidden(u).relu())
        return Logits(self.bar(duration), duration, self.pitch(self.pitch_hidden(u).relu()))


class CMHRNN(nn.Module):
    """CM-HRNN (figure 2 of the paper): a bar tier clocked every G events, a group tier every F, an event tier each.

    With two tiers the group tier is the slowest and reads its chunks straight into the LSTM.
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        if config.tiers not in (2, 3):
            raise ValueError("CM-HRNN has two or three tiers")
        self.config = own = config
        H, F, G = own.hidden, own.frame, own.big_frame
        if own.tiers == 3:
            self.bar_tier = Recurrent(G * INPUT_SIZE, H, own.layers, own.keep, events=G)
            self.bar_out = linear(H, H * G // F)
            self.group_in = OneHotLinear(F, H, bias=True)
            self.group_tier = Recurrent(H, H, own.layers, own.keep)
        else:
            self.group_tier = Recurrent(F * INPUT_SIZE, H, own.layers, own.keep, events=F)
        self.group_out = linear(H, H * F)
        self.convolution = OneHotLinear(F, H, bias=False)
        self.heads = Heads(H + (DURATIONS if own.has_time else 0))

    def bar_step(self, x: Int[Tensor, "b T G 5"], state: list | None) -> tuple[Float[Tensor, "b T k H"], list]:
        """C for the k = G / F groups that follow each chunk of G events."""
        output, state = self.bar_tier(x, state)
        own = self.config
        return self.bar_out(output).unflatten(-1, (own.big_frame // own.frame, own.hidden)), state

    def group_step(
        self, x: Int[Tensor, "b T F 5"], c: Float[Tensor, "b T H"] | None, state: list | None
    ) -> tuple[Float[Tensor, "b T F H"], list]:
        """F for the F events that follow each chunk of F events."""
        own = self.config
        if own.tiers == 3:
            assert c is not None
            output, state = self.group_tier(self.group_in(x) + c, state)
            if own.has_residual:
                output = output + c
        else:
            output, state = self.group_tier(x, state)
        return self.group_out(output).unflatten(-1, (own.frame, own.hidden)), state

    def event_step(self, x: Int[Tensor, "*b F 5"], f: Float[Tensor, "*b H"], a: Int[Tensor, "*b"]) -> Logits:
        """Logits of the event behind each F events, with f of its slot and the time accumulated in its bar."""
        u = self.convolution(x) + f
        if self.config.has_time:
            u = torch.cat([u, functional.one_hot(a, DURATIONS).to(u.dtype)], -1)
        return self.heads(u)

    def forward(self, x: Int[Tensor, "b S 5"], a: Int[Tensor, "b S"]) -> Logits:
        """Teacher-forced logits of events first … S - 1; S must be a multiple of G (3 tiers) or F (2 tiers).

        Raises ValueError for another length.
        """
        own = self.config
        F, first, S = own.frame, own.first, x.shape[1]
        if S % first or first >= S:
            raise ValueError(f"a window's length must be a multiple of {first} and longer, not {S}")
        c = None
        if own.tiers == 3:
            G = own.big_frame
            c, _ = self.bar_step(x[:, : S - G].unflatten(1, (-1, G)), None)
            c = c.flatten(1, 2)
        f, _ = self.group_step(x[:, first - F : S - F].unflatten(1, (-1, F)), c, None)
        windows = x[:, first - F : S - 1].unfold(1, F, 1).transpose(2, 3)
        return self.event_step(windows, f.flatten(1, 2), a[:, first:])


class AttentionRNN(nn.Module):
    """The baseline: a first LSTM layer that attends to its last 32 outputs, then plain layers, and the same heads.

    z = W_in [x; r]; (o, s) = LSTM(z, s); score_k = v · tanh(W_a A_k + W_q s); r = Σ softmax(score)_k A_k;
    out = W_o [o; r], which joins A (TensorFlow's AttentionCellWrapper, as known; not read again).
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = own = config
        H = own.hidden
        self.in_x = OneHotLinear(1, H, bias=True)
        self.in_r = nn.Linear(H, H, bias=False)
        nn.init.xavier_uniform_(self.in_r.weight)
        self.cell = Recurrent(H, H, 1, 1.0)
        self.keys = nn.Linear(H, H, bias=False)
        self.query = nn.Linear(2 * H, H, bias=False)
        self.score = nn.Parameter(torch.empty(H))
        nn.init.xavier_uniform_(self.keys.weight)
        nn.init.xavier_uniform_(self.query.weight)
        nn.init.uniform_(self.score, -math.sqrt(3 / H), math.sqrt(3 / H))
        self.out = linear(2 * H, H)
        self.dropout = nn.Dropout(1 - own.keep)
        self.rest = Recurrent(H, H, own.layers - 1, own.keep) if own.layers > 1 else None
        self.heads = Heads(H)

    def start(self, batch: int) -> dict[str, object]:
        """State before the first event: the attended outputs are zero."""
        zero = self.score.new_zeros(batch, self.config.hidden)
        past = self.score.new_zeros(batch, ATTENTION_LENGTH, self.config.hidden)
        return {"lstm": self.cell.start(batch), "past": past, "keys": past, "r": zero, "rest": None}

    def step(self, x: Float[Tensor, "b H"], state: dict) -> tuple[Float[Tensor, "b H"], dict]:
        """One event through the attentive layer; `x` is W_in's part of the event."""
        z = x + self.in_r(state["r"])
        output, lstm = self.cell(z[:, None], state["lstm"])
        o = output[:, 0]
        h, c = lstm[0]
        scores = torch.tanh(state["keys"] + self.query(torch.cat([c, h], -1))[:, None]) @ self.score
        r = (scores.softmax(-1)[..., None] * state["past"]).sum(1)
        out = self.out(torch.cat([o, r], -1))
        past = torch.cat([state["past"][:, 1:], out[:, None]], 1)
        keys = torch.cat([state["keys"][:, 1:], self.keys(out)[:, None]], 1)
        return self.dropout(out), {**state, "lstm": lstm, "past": past, "keys": keys, "r": r}

    def over_time(self, x: Int[Tensor, "b T 5"], state: dict | None = None) -> tuple[Logits, dict]:
        """Logits of the event behind each of T events, and the state."""
        state = self.start(x.shape[0]) if state is None else state
        projected = self.in_x(x[:, :, None])
        outputs = []
        for t in range(x.shape[1]):
            output, state = self.step(projected[:, t], state)
            outputs.append(output)
        u = torch.stack(outputs, 1)
        if self.rest is not None:
            u, rest = self.rest(u, state["rest"])
            state = {**state, "rest": rest}
        return self.heads(u), state

    def forward(self, x: Int[Tensor, "b S 5"], a: Int[Tensor, "b S"]) -> Logits:
        """Teacher-forced logits of events 1 … S - 1; the accumulated time is not used."""
        return self.over_time(x[:, :-1])[0]


class VanillaRNN(nn.Module):
    """The plain baseline: an LSTM over events (three layers in the paper's code), and the same heads."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.lstm = Recurrent(INPUT_SIZE, config.hidden, config.layers, config.keep, events=1)
        self.heads = Heads(config.hidden)

    def over_time(self, x: Int[Tensor, "b T 5"], state: list | None = None) -> tuple[Logits, list]:
        """Logits of the event behind each of T events, and the state."""
        u, state = self.lstm(x[:, :, None], state)
        return self.heads(u), state

    def forward(self, x: Int[Tensor, "b S 5"], a: Int[Tensor, "b S"]) -> Logits:
        """Teacher-forced logits of events 1 … S - 1."""
        return self.over_time(x[:, :-1])[0]


Network: TypeAlias = CMHRNN | AttentionRNN | VanillaRNN


def make_network(config: Config) -> Network:
    """The network of a configuration; draws its weights from torch's global generator."""
    kinds = {3: CMHRNN, 2: CMHRNN, 1: AttentionRNN, 0: VanillaRNN}
    return kinds[config.tiers](config)


@dataclass(frozen=True)
class Losses:
    """Cross-entropies in nats, each a mean over all predicted events, and their weighted sum."""

    total: Float[Tensor, ""]
    pitch: Float[Tensor, ""]
    duration: Float[Tensor, ""]
    bar: Float[Tensor, ""]


def event_losses(logits: Logits, x: Int[Tensor, "b n 5"], weights: tuple[float, float, float] = LOSS_WEIGHTS) -> Losses:
    """Losses against the events `x` that were to be predicted; `weights` are those of pitch, duration and bar."""
    cross = lambda own, part: functional.cross_entropy(own.flatten(0, 1), x[..., part].flatten())  # noqa: E731
    bar, duration, pitch = cross(logits.bar, 0), cross(logits.duration, 3), cross(logits.pitch, 4)
    return Losses(weights[0] * pitch + weights[1] * duration + weights[2] * bar, pitch, duration, bar)
