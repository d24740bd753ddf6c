"""Generation event by event: tiers tick at their own rates with their states kept, heads are sampled, chords are given.

Several songs run in lockstep by event index. Times are in sixteenths.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from plugins.cm_hrnn.chords import BAR, NO_CHORD, chords_at
from plugins.cm_hrnn.model import CMHRNN, Logits, Network
from plugins.cm_hrnn.representation import (
    BAR_SLOT,
    CHORD_SLOT,
    DURATION_SLOT,
    DURATIONS,
    PITCH_SLOT,
    REST,
    LeadSheet,
    accumulated_time,
    conditioned,
    decode,
    encode,
    trimmed,
)

MAX_EVENTS = 4096
GREEDY = 1e-3
"""Temperatures below this take the most likely value."""
EVENTS_A_YIELD = 8
ABLATIONS = ("none", "zero bar tier", "freeze bar tier", "zero group tier", "freeze group tier")


@dataclass(frozen=True)
class Sampling:
    """How heads are sampled, and how chords go with events.

    `by_time`: the chord at the time reached, events cut at the next chord change and bar line; else the chord of the
    event with that index, as in the paper's code. `snap` sets the bar flag from the time. `late_chords` feeds the
    baselines the chords one event late, as the published script does.
    """

    pitch: float = 0.7
    duration: float = 0.2
    bar: float = 0.1
    top_k: int = 0
    top_p: float = 1.0
    by_time: bool = True
    snap: bool = False
    late_chords: bool = False
    ablation: str = "none"


@dataclass(frozen=True)
class Request:
    """What one song is to be: its seed's events, its chords until `length`, and what the person fixed.

    `kept` are the events that must come at given times (locked bars, by time only); `forced` maps a time to a pitch
    class. `copies` maps a tick of the slowest tier to the earlier tick whose summary it takes.
    """

    seed: Int[np.ndarray, "s 4"]
    chords: Int[np.ndarray, "m 2"]
    length: int
    indexed_chords: Int[np.ndarray, " k"] | None = None
    kept: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    forced: Mapping[int, int] = field(default_factory=dict)
    copies: Mapping[int, int] = field(default_factory=dict)


@dataclass
class Generated:
    """One song: its events, how many of them were given (padding first), and what happened on the way.

    `clamped` counts times beyond a bar, `cut` events shortened at a chord change or bar line. `ticks` holds, for each
    tier from the slowest, the event indices at which it ticked and its states there (ticks, H).
    """

    events: Int[np.ndarray, "L 4"]
    pad: int
    given: int
    clamped: int
    cut: int
    ticks: tuple[tuple[Int[np.ndarray, " k"], Float[np.ndarray, "k H"]], ...]

    @property
    def own_events(self) -> Int[np.ndarray, "k 4"]:
        """The events without the padding in front."""
        return self.events[self.pad :]

    def sheet(self, title: str = "", tempo: float = 100.0) -> LeadSheet:
        """The song as a lead sheet."""
        return decode(self.own_events, title=title, tempo=tempo)


class Stepper:
    """A network run one event at a time; `push` the next event, then ask for `logits`."""

    def __init__(
        self, network: Network, batch: int, *, ablation: str = "none", copies: Mapping[int, int] | None = None
    ):
        self.network, self.batch, self.ablation = network, batch, ablation
        self.copies = dict(copies or {})
        self.history: list[Int[Tensor, "b 5"]] = []
        self.bar_ticks: list[tuple[int, Tensor]] = []
        self.group_ticks: list[tuple[int, Tensor]] = []
        self.event_ticks: list[tuple[int, Tensor]] = []
        self._summaries: list[Tensor] = []
        self._bar_state: Any = None
        self._group_state: Any = None
        self._flat_state: Any = None
        self._flat: Logits | None = None
        self._c: Tensor | None = None
        self._f: Tensor | None = None
        self._first_f: Tensor | None = None

    def push(self, x: Int[Tensor, "b 5"]) -> None:
        """Take the next event; tiers whose turn it is tick."""
        self.history.append(x)
        t, network = len(self.history), self.network
        if not isinstance(network, CMHRNN):
            self._flat, self._flat_state = network.over_time(x[:, None], self._flat_state)
            self._flat = Logits(self._flat.bar[:, 0], self._flat.duration[:, 0], self._flat.pitch[:, 0])
            return
        own = network.config
        if t < own.first:
            return
        if own.tiers == 3 and t % own.big_frame == 0:
            c, self._bar_state = network.bar_step(self._last(own.big_frame)[:, None], self._bar_state)
            self._c = self._summary(c[:, 0], is_slowest=True)
            self.bar_ticks.append((t, self._bar_state[-1][0]))
        if t % own.frame == 0:
            c = None if self._c is None else self._c[:, t // own.frame % (own.big_frame // own.frame)][:, None]
            f, self._group_state = network.group_step(self._last(own.frame)[:, None], c, self._group_state)
            self._f = self._group_output(f[:, 0]) if own.tiers == 3 else self._summary(f[:, 0], is_slowest=True)
            self.group_ticks.append((t, self._group_state[-1][0]))

    def _summary(self, own: Tensor, *, is_slowest: bool) -> Tensor:
        """What the slowest tier says, after the person's copies and the ablation."""
        tick = len(self._summaries)
        source = self.copies.get(tick)
        if source is not None and 0 <= source < tick:
            own = self._summaries[source]
        self._summaries.append(own)
        part = "bar tier" if self.network.config.tiers == 3 else "group tier"
        if self.ablation == f"zero {part}":
            return torch.zeros_like(own)
        return self._summaries[0] if self.ablation == f"freeze {part}" else own

    def _group_output(self, f: Tensor) -> Tensor:
        if self._first_f is None:
            self._first_f = f
        if self.ablation == "zero group tier":
            return torch.zeros_like(f)
        return self._first_f if self.ablation == "freeze group tier" else f

    def _last(self, count: int) -> Int[Tensor, "b n 5"]:
        return torch.stack(self.history[-count:], 1)

    def logits(self, a: Int[Tensor, " b"]) -> Logits:
        """Logits of the next event; raise ValueError where too few events were pushed."""
        network, t = self.network, len(self.history)
        if not isinstance(network, CMHRNN):
            if self._flat is None:
                raise ValueError("one event at least must come before")
            return self._flat
        own = network.config
        if self._f is None or t < own.first:
            raise ValueError(f"{own.first} events must come before")
        f = self._f[:, t % own.frame]
        self.event_ticks.append((t, f))
        return network.event_step(self._last(own.frame), f, a)

    def ticks(self, song: int) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
        """Event indices and states of each tier, slowest first."""
        made = []
        for ticks in (self.bar_ticks, self.group_ticks, self.event_ticks):
            if ticks:
                states = torch.stack([state[song] for _, state in ticks]).float().cpu().numpy()
                made.append((np.array([t for t, _ in ticks]), states))
        return tuple(made)


def probabilities(logits: Float[Tensor, "b k"], temperature: float, top_k: int, top_p: float) -> Float[Tensor, "b k"]:
    """Distribution that is sampled: softmax of logits / T, cut to the top k and to the smallest set of mass p."""
    if temperature < GREEDY:
        return torch.nn.functional.one_hot(logits.argmax(-1), logits.shape[-1]).to(logits.dtype)
    own = (logits / temperature).softmax(-1)
    if 0 < top_k < own.shape[-1]:
        least = own.topk(top_k, -1).values[:, -1:]
        own = own.masked_fill(own < least, 0.0)
    if top_p < 1.0:
        ordered, index = own.sort(-1, descending=True)
        # What comes before a value tells whether it is still needed, so that the most likely always is.
        ordered = ordered.masked_fill(ordered.cumsum(-1) - ordered >= top_p * own.sum(-1, keepdim=True), 0.0)
        own = torch.zeros_like(own).scatter(-1, index, ordered)
    return own / own.sum(-1, keepdim=True)


def padded_seed(seed: Int[np.ndarray, "s 4"], first: int) -> tuple[Int[np.ndarray, "k 4"], int]:
    """Put whole bars of rest in front of a seed that is shorter than the network needs; how many."""
    missing = max(0, first - len(seed))
    chord = int(seed[0, CHORD_SLOT]) if len(seed) else NO_CHORD
    rests = np.tile(np.array([[1, chord, DURATIONS - 1, REST]], np.int64), (missing, 1))
    return np.concatenate([rests, seed]), missing


@torch.no_grad()
def generate(
    network: Network,
    requests: Sequence[Request],
    sampling: Sampling = Sampling(),
    *,
    seed: int = 0,
    said: Callable[[int], None] | None = None,
) -> Iterator[list[Generated]]:
    """Generate songs; yields what there is every few events, and at last the finished songs.

    All seeds must have the same number of events (after padding). The network is put into evaluation mode and back.
    Raises ValueError for unequal seeds or no request.
    """
    run = _Run(network, requests, sampling, seed)
    was_training = network.training
    network.eval()
    try:
        while run.step():
            if run.t % EVENTS_A_YIELD == 0:
                network.train(was_training)
                yield run.generated()
                network.eval()
    finally:
        network.train(was_training)
    yield run.generated()


class _Run:
    """The state of one generation."""

    def __init__(self, network: Network, requests: Sequence[Request], sampling: Sampling, seed: int) -> None:
        if not requests:
            raise ValueError("nothing is asked for")
        self.network, self.requests, self.sampling = network, requests, sampling
        self.device = next(network.parameters()).device
        self.draws = torch.Generator(self.device)
        self.draws.manual_seed(seed)
        seeds = [padded_seed(each.seed, network.config.first) for each in requests]
        self.given = len(seeds[0][0])
        if any(len(own) != self.given for own, _ in seeds):
            raise ValueError("songs that are generated together need seeds of the same number of events")
        self.pads = [pad for _, pad in seeds]
        self.seeds = np.stack([own for own, _ in seeds])
        batch = len(requests)
        self.stepper = Stepper(network, batch, ablation=sampling.ablation, copies=requests[0].copies)
        self.events: list[np.ndarray] = []
        self.now = np.array([-pad * BAR for pad in self.pads])
        self.elapsed = np.zeros(batch, np.int64)
        self.clamped, self.cut = np.zeros(batch, np.int64), np.zeros(batch, np.int64)
        self.lengths = np.full(batch, MAX_EVENTS)
        self.t = 0
        self._before = np.full((batch, 2), NO_CHORD)

    def step(self) -> bool:
        """Add one event to every song; False when all are finished."""
        finished = np.array([self._is_over(song) for song in range(len(self.requests))])
        self.lengths = np.where(finished & (self.lengths == MAX_EVENTS), self.t, self.lengths)
        if finished.all() or self.t >= MAX_EVENTS:
            return False
        chords = np.array([self._chord(song, self.t, int(self.now[song])) for song in range(len(self.requests))])
        if self.t < self.given:
            event = self.seeds[:, self.t].copy()
            chords = event[:, CHORD_SLOT]  # a seed keeps the chords that it came with
        else:
            event = self._sampled(chords)
        self.now = self.now + event[:, DURATION_SLOT] + 1
        self.elapsed = np.where(event[:, BAR_SLOT] == 1, 0, self.elapsed) + event[:, DURATION_SLOT] + 1
        self.events.append(event)
        self.t += 1
        following = self._following()
        slots = np.stack([following, chords], 1)
        if self.sampling.late_chords and not isinstance(self.network, CMHRNN) and self.t > self.given:
            slots, self._before = self._before, slots
        else:
            self._before = slots
        x = np.stack([event[:, 0], slots[:, 0], slots[:, 1], event[:, 2], event[:, 3]], 1)
        self.stepper.push(torch.from_numpy(x).to(self.device))
        return True

    def _following(self) -> np.ndarray:
        if self.t < self.given:
            return self.seeds[:, self.t, CHORD_SLOT]
        return np.array([self._chord(song, self.t, int(self.now[song])) for song in range(len(self.requests))])

    def _is_over(self, song: int) -> bool:
        request = self.requests[song]
        if self.sampling.by_time:
            return bool(self.now[song] >= request.length)
        indexed = request.indexed_chords
        return self.t >= (len(indexed) + self.pads[song] if indexed is not None else self.given)

    def _chord(self, song: int, t: int, now: int) -> int:
        request = self.requests[song]
        if self.sampling.by_time:
            return int(chords_at(request.chords, np.array([now]))[0]) if now < request.length else NO_CHORD
        indexed, place = request.indexed_chords, t - self.pads[song]
        return int(indexed[place]) if indexed is not None and 0 <= place < len(indexed) else NO_CHORD

    def _sampled(self, chords: np.ndarray) -> np.ndarray:
        own = self.sampling
        self.clamped += self.elapsed > BAR
        a = torch.from_numpy(np.clip(self.elapsed, 1, BAR) - 1).to(self.device)
        logits = self.stepper.logits(a)
        draw = lambda scores, T, k, p: torch.multinomial(probabilities(scores, T, k, p), 1, generator=self.draws)[:, 0]  # noqa: E731
        bar = draw(logits.bar, own.bar, 0, 1.0).cpu().numpy()
        duration = draw(logits.duration, own.duration, 0, 1.0).cpu().numpy()
        pitch = draw(logits.pitch, own.pitch, own.top_k, own.top_p).cpu().numpy()
        event = np.stack([bar, chords, duration, pitch], 1).astype(np.int64)
        for song, request in enumerate(self.requests):
            self._obey(event[song], request, song)
        return event

    def _obey(self, event: np.ndarray, request: Request, song: int) -> None:
        """Apply what is fixed for this moment: kept events, a forced pitch, bar lines and chord changes."""
        now, own = int(self.now[song]), self.sampling
        if own.snap:
            event[BAR_SLOT] = int(now % BAR == 0)
        if own.by_time and now in request.kept:
            event[BAR_SLOT] = int(now % BAR == 0)
            event[DURATION_SLOT], event[PITCH_SLOT] = request.kept[now]
            return
        if now in request.forced:
            event[PITCH_SLOT] = request.forced[now]
        room = DURATIONS
        if own.by_time or own.snap:
            room = BAR - now % BAR
        if own.by_time:
            later = request.chords[request.chords[:, 0] > now, 0]
            room = min(room, request.length - now, int(later[0]) - now if len(later) else DURATIONS)
        if event[DURATION_SLOT] >= room > 0:
            event[DURATION_SLOT] = room - 1
            self.cut[song] += 1

    def generated(self) -> list[Generated]:
        """The songs as far as they are."""
        whole = np.stack(self.events, 1) if self.events else np.zeros((len(self.requests), 0, 4), np.int64)
        made = []
        for song in range(len(self.requests)):
            end = min(int(self.lengths[song]), self.t)
            ticks = self.stepper.ticks(song) if len(self.requests) == 1 else ()
            made.append(
                Generated(whole[song, :end].copy(), self.pads[song], self.given, int(self.clamped[song]),
                          int(self.cut[song]), ticks)
            )  # fmt: skip
        return made


def finished(songs: Iterator[list[Generated]]) -> list[Generated]:
    """Run a generation to its end."""
    last: list[Generated] = []
    for last in songs:  # noqa: B007
        pass
    return last


def request_of(
    sheet: LeadSheet,
    first: int,
    *,
    seed_length: int | None = None,
    chords: np.ndarray | None = None,
    length: int | None = None,
) -> Request:
    """Ask for a song over a lead sheet's chords, seeded by its first `first` events (or what lies before a time).

    With `chords` and `length` the harmony is another one; the seed keeps its own. Where the song's own harmony ends
    before it does, nothing is generated behind that.
    """
    events = trimmed(encode(sheet))
    if seed_length is None:
        seed = events[:first]
    else:
        ends = np.cumsum(events[:, DURATION_SLOT] + 1)
        seed = events[: int(np.searchsorted(ends, seed_length, side="right"))]
    own_length = int((events[:, DURATION_SLOT] + 1).sum())
    return Request(seed, sheet.chords if chords is None else chords, own_length if length is None else length,
                   events[:, CHORD_SLOT])  # fmt: skip


@torch.no_grad()
def scored(
    network: Network, events: Int[np.ndarray, "L 4"], pad: int = 0, ablation: str = "none"
) -> tuple[Logits, int]:
    """Logits of every event of a song that has enough before it (k, ·), and the index of the first of them."""
    rests = np.tile(np.array([[1, int(events[0, CHORD_SLOT]) if len(events) else 0, DURATIONS - 1, REST]]), (pad, 1))
    own = np.concatenate([rests, events])
    device = next(network.parameters()).device
    x = torch.from_numpy(conditioned(own)).to(device)
    a = torch.from_numpy(accumulated_time(own)).to(device)
    first = network.config.first
    was_training = network.training
    network.eval()
    try:
        if len(own) <= first:
            empty = torch.zeros(0, device=device)
            return Logits(empty.new_zeros(0, 2), empty.new_zeros(0, 16), empty.new_zeros(0, 130)), first
        if isinstance(network, CMHRNN) and ablation == "none":
            missing = -len(x) % first
            x = torch.cat([x, x.new_zeros(missing, 5)])
            a = torch.cat([a, a.new_zeros(missing)])
            found = network(x[None], a[None])
            count = len(own) - first
            return Logits(found.bar[0, :count], found.duration[0, :count], found.pitch[0, :count]), first
        stepper, rows = Stepper(network, 1, ablation=ablation), []
        for t in range(len(own)):
            if t >= first:
                rows.append(stepper.logits(a[t : t + 1]))
            stepper.push(x[t : t + 1])
        return Logits(*(torch.cat([getattr(row, key) for row in rows]) for key in ("bar", "duration", "pitch"))), first
    finally:
        network.train(was_training)
