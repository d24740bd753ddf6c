"""What the experiments share: networks trained side by side on windows of events, generations, measures, actions."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
import torch
from torch import nn

from plugins.cm_hrnn import exports
from plugins.cm_hrnn.chords import BAR
from plugins.cm_hrnn.contract import REAL, MelodyParameters, key_shift, named
from plugins.cm_hrnn.corpus import Split, Windows, cut_windows, load_corpus, split_songs
from plugins.cm_hrnn.experiments.playing import Playing, song_of
from plugins.cm_hrnn.frames import MelodyFrame, Take, Ticks
from plugins.cm_hrnn.generation import Generated, Request, Sampling, generate, request_of, scored
from plugins.cm_hrnn.measures import MEASURES, measures_of
from plugins.cm_hrnn.model import Config, Network, event_losses, make_network
from plugins.cm_hrnn.representation import (
    DURATION_SLOT,
    LeadSheet,
    conditioned,
    encode,
)
from workbench.sdk import Context, Experiment, Metrics, Progress, UserError

P = TypeVar("P", bound=MelodyParameters)
F = TypeVar("F", bound=MelodyFrame)
SPLIT_SEED = 2021
VALIDATION_BATCH = 32
VALIDATION_WINDOWS = 128
VALIDATION_WEIGHTS = np.array([0.4, 0.3, 0.3])
"""Of pitch, duration and bar, as in the paper's loss whatever the sliders say."""
GROUP = 10
"""Songs generated in lockstep."""
MEASURED = tuple(MEASURES)


def network_config(name: str, own: MelodyParameters) -> Config:
    """The configuration of a network by its name in the paper's code."""
    sizes = {"hidden": own.hidden, "layers": own.layers, "keep": own.keep, "big_frame": own.big_frame}
    if name == "attention":
        return Config(tiers=1, frame=1, has_time=False, has_residual=False, **sizes)
    if name == "vanilla":
        sizes["layers"] = min(own.layers + 1, 3)
        return Config(tiers=0, frame=1, has_time=False, has_residual=False, **sizes)
    if name in ("ad_rm2t_fc", "2t_fc"):  # two tiers: the slowest ticks every G events
        return Config(tiers=2, frame=own.big_frame, has_time=name.startswith("ad"), has_residual=False, **sizes)
    return Config(tiers=3, frame=own.frame, has_time=name.startswith("ad"), has_residual=name != "ad_rm3t_fc", **sizes)


class MelodyTraining(Playing, Experiment[P, F]):
    """Trains the networks of `model_names` on the same batches; subclasses say which variants generate."""

    def __init__(self, parameters: P, context: Context) -> None:
        super().__init__(parameters, context)
        self.networks: dict[str, Network] = {}
        self.optimisers: dict[str, torch.optim.Optimizer] = {}
        for name in self.model_names():
            # Every network begins from the run's seed, whichever others are trained beside it.
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(context.seed)
                network = make_network(network_config(name, parameters)).to(context.device)
            self.networks[name] = network
            self.optimisers[name] = torch.optim.Adam(
                network.parameters(), lr=parameters.learning_rate, eps=parameters.adam_epsilon,
                fused=context.device.type in ("cpu", "cuda"),  # a third less time a step on one core
            )  # fmt: skip
        self.order = np.zeros(0, np.int64)
        self.place = 0
        self.is_measured = False
        self.best: dict[str, float] = {}
        self.best_weights: dict[str, dict[str, torch.Tensor]] = {}
        self._split = Split([], [], [])
        self._windows = self._held = Windows(np.zeros((0, 1, 5)), np.zeros((0, 1)), 0)
        self._seed_sheet: LeadSheet | None = None
        self.samples: dict[str, np.ndarray] = {}
        """Measures (songs, k) of each variant and of real music, once measured."""
        self.nll: dict[str, np.ndarray] = {}
        """Validation nats of each variant: pitch, duration, bar."""
        self.look_step = 0
        self._takes: dict[str, Take] = {}
        self._takes_step = 0

    def model_names(self) -> tuple[str, ...]:
        """Networks to train."""
        return (self.parameters.model,)  # type: ignore[attr-defined]

    def variants(self) -> tuple[str, ...]:
        """Names of what generates: here each network."""
        return tuple(self.networks)

    def network_of(self, variant: str) -> Network:
        """The network behind a variant; raise UserError for an unknown one."""
        if variant in self.networks:
            return self.networks[variant]
        if len(self.networks) == 1:
            return next(iter(self.networks.values()))
        raise UserError(f"There is no network {variant!r} in this run; there are {', '.join(self.networks)}.")

    def sampling_of(self, variant: str) -> Sampling:
        """How a variant samples, as the parameters say now."""
        own = self.parameters
        return Sampling(
            own.pitch_temperature, own.duration_temperature, own.bar_temperature, own.top_k, own.top_p,
            own.timing == "time", own.snap, own.late_chords,
        )  # fmt: skip

    @property
    def seed_events(self) -> int:
        """Events of a song that every network is given, G: what is measured then holds as much real music of each."""
        return max(self.parameters.big_frame, *(network.config.first for network in self.networks.values()))

    def request_for(self, variant: str, sheet: LeadSheet) -> Request:
        """What a variant is asked to make of a song: here its own chords, seeded by its first events."""
        return request_of(sheet, self.seed_events)

    # Data

    def prepare(self) -> Iterator[Progress]:
        """Load the corpus, cut windows, choose the song to listen to, and generate once."""
        own = self.parameters
        sheets: list[LeadSheet] = []
        for said in load_corpus(own.corpus, own.files, own.songs, self.context.cache):
            if isinstance(said, Progress):
                yield said
            else:
                sheets = said
        self._split = split_songs(sheets, SPLIT_SEED)
        yield Progress("Cutting windows")
        self._windows = cut_windows(self._split.train, own.window, begin=own.windows)
        self._held = cut_windows(self._split.validation, own.window, begin="filled")
        if not len(self._windows):
            raise UserError(
                f"No song has the {own.window} events of a window; make the window shorter, or let windows be filled."
            )
        long_enough = [own for own in self._split.test if len(encode(own)) > 2 * self.seed_events] or self._split.test
        self._seed_sheet = min(long_enough, key=lambda sheet: abs(sheet.bars - 18))
        self._seed_song = song_of(self._seed_sheet)
        self._songs = tuple(long_enough[:40])
        yield from self.look()

    @property
    def seed_sheet(self) -> LeadSheet:
        """The test song whose chords and beginning are used."""
        assert self._seed_sheet is not None, "prepare comes first"
        return self._seed_sheet

    def _batch(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The next windows of this epoch's shuffled order."""
        size, count = min(self.parameters.batch, len(self._windows)), len(self._windows)
        if self.place + size > len(self.order):
            self.order, self.place = self.context.rng.permutation(count), 0
        chosen = self.order[self.place : self.place + size]
        self.place += size
        return self._tensors(self._windows, chosen)

    def _tensors(self, windows: Windows, chosen: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        device = self.context.device
        return torch.from_numpy(windows.x[chosen]).to(device), torch.from_numpy(windows.a[chosen]).to(device)

    # Training

    def run(self) -> Iterator[Metrics | Progress]:
        """Train every network on the same windows; listen now and then; measure many songs at the end."""
        while self.step < self.parameters.steps:
            x, a = self._batch()
            metrics: dict[str, Any] = {}
            for name, network in self.networks.items():
                metrics |= self._train(name, network, x, a)
                if len(self.networks) > 1:
                    yield Progress(f"Step {self.step + 1}: {named(name)}")
            self.step += 1
            if self.step % self.parameters.evaluate_every == 0 or self.step >= self.parameters.steps:
                yield from self.look()
                metrics |= self.look_metrics()
            yield metrics
        if not self.is_measured:
            if self.parameters.keep_best and self.best_weights:
                for name, weights in self.best_weights.items():
                    self.networks[name].load_state_dict(weights)
                yield from self.look()
            yield from self.measure()
            self.is_measured = True

    def _train(self, name: str, network: Network, x: torch.Tensor, a: torch.Tensor) -> dict[str, Any]:
        own, optimiser = self.parameters, self.optimisers[name]
        for group in optimiser.param_groups:
            group["lr"] = own.learning_rate
        network.train()
        logits = network(x, a)
        wanted = x[:, network.config.first :]
        losses = event_losses(logits, wanted, (own.weight_pitch, own.weight_duration, own.weight_bar))
        optimiser.zero_grad(set_to_none=True)
        losses.total.backward()
        nn.utils.clip_grad_norm_(network.parameters(), own.clip)
        optimiser.step()
        hits = (logits.pitch.detach().argmax(-1) == wanted[..., 4]).float().mean()
        tail = f"/{name}" if len(self.networks) > 1 else ""
        return {
            f"loss{tail}": losses.total.detach(),
            f"pitch nats{tail}": losses.pitch.detach(),
            f"duration nats{tail}": losses.duration.detach(),
            f"bar nats{tail}": losses.bar.detach(),
            f"pitch accuracy{tail}": hits,
        }

    # Looking

    def look(self) -> Iterator[Progress]:
        """Generate the song once with every variant, and measure the validation loss."""
        for variant in self.variants():
            yield Progress(f"Listening to {named(variant)}")
            self.nll[variant] = yield from self.validation(variant)
            yield from self._generate_take(variant)
        self.look_step = self._takes_step = self.step
        self._remember_best()

    def _generate_take(self, variant: str) -> Iterator[Progress]:
        """Generate the song that is listened to with one variant."""
        songs: list[Generated] = []
        for songs in generate(  # noqa: B007
            self.network_of(variant), [self.request_for(variant, self.seed_sheet)], self.sampling_of(variant),
            seed=self.parameters.take_seed,
        ):  # fmt: skip
            yield Progress(f"Listening to {named(variant)}")
        self._takes[variant] = self.take_of(songs[0], variant)

    def _remember_best(self) -> None:
        """Keep each network's weights where its held-out songs are likeliest, for the measures at the end."""
        for name, network in self.networks.items():
            variant = name if name in self.nll else next(iter(self.nll))
            loss = float(VALIDATION_WEIGHTS @ self.nll[variant])
            if self.parameters.keep_best and self.step and loss < self.best.get(name, np.inf):
                self.best[name] = loss
                self.best_weights[name] = {key: value.detach().clone() for key, value in network.state_dict().items()}

    def validation(self, variant: str) -> Generator[Progress, None, np.ndarray]:
        """Mean negative log-likelihood per event of held-out windows, in nats: pitch, duration, bar (3,).

        The same events count for every network: those that the slowest can predict.
        """
        network, windows = self.network_of(variant), self._held
        first = max(own.config.first for own in self.networks.values())
        chosen = np.arange(min(len(windows), VALIDATION_WINDOWS))
        sums, count = np.zeros(3), 0
        for start in range(0, len(chosen), VALIDATION_BATCH):
            yield Progress(f"Held-out songs: {named(variant)}")
            x, a = self._tensors(windows, chosen[start : start + VALIDATION_BATCH])
            network.eval()
            with torch.no_grad():
                losses = event_losses(network(x, a).after(first - network.config.first), x[:, first:])
            network.train()
            sums += len(x) * np.array([float(losses.pitch), float(losses.duration), float(losses.bar)])
            count += len(x)
        return sums / max(count, 1)

    def take_of(self, generated: Generated, variant: str, *, title: str = "", is_finished: bool = True) -> Take:
        """A generated song as the panel shows it, with the ticks of its tiers and its measures."""
        events = generated.own_events
        label = named(variant)
        song = song_of(generated.sheet(title or f"{label}, step {self.step}", self.seed_sheet.tempo), events)
        given = generated.given - generated.pad
        ends = np.cumsum(events[:, DURATION_SLOT] + 1)
        until = int(ends[given - 1]) if 0 < given <= len(ends) else 0
        remarks = [f"{generated.cut} events cut at chord changes or bar lines"] * bool(generated.cut)
        remarks += [f"{generated.clamped} × a bar was overfull"] * bool(generated.clamped)
        song = replace(song, given=until, maker=variant, step=self.step, remarks="; ".join(remarks))
        sheet = generated.sheet()
        measures = measures_of(sheet, events) if is_finished and len(sheet.notes) else {}
        return Take(song, self.ticks_of(generated, variant), measures, is_finished)

    def ticks_of(self, generated: Generated, variant: str) -> tuple[Ticks, ...]:
        """The tiers' ticks with the times at which they came."""
        names = {3: ("bar tier", "group tier", "event tier"), 2: ("group tier", "event tier")}
        config = self.network_of(variant).config
        ends = np.concatenate([[0], np.cumsum(generated.events[:, DURATION_SLOT] + 1)]) - generated.pad * BAR
        made = []
        for name, (events, states) in zip(names.get(config.tiers, ()), generated.ticks, strict=False):
            made.append(Ticks(name, events - generated.pad, ends[np.minimum(events, len(ends) - 1)], states))
        return tuple(made)

    def look_metrics(self) -> dict[str, float]:
        """What the last look found."""
        metrics = {}
        for variant, take in self._takes.items():
            tail = f"/{variant}" if len(self._takes) > 1 else ""
            nll = self.nll[variant]
            metrics[f"validation nats{tail}"] = float(VALIDATION_WEIGHTS @ nll)
            for name in ("success_bar", "compression"):
                if np.isfinite(value := take.measures.get(name, np.nan)):
                    metrics[f"{MEASURES[name][0]}{tail}"] = float(value)
        return metrics

    def measure(self) -> Iterator[Progress]:
        """Generate over many test songs with every variant, and take all measures; real music beside them."""
        yield from self.measure_real()
        yield from self.measure_variants(self.parameters.test_songs)

    def measure_variants(self, count: int) -> Iterator[Progress]:
        """Take the measures of `count` songs of every variant."""
        for variant in self.variants():
            rows: list[np.ndarray] = []
            for said in self.generated_songs(variant, count):
                if isinstance(said, Progress):
                    yield said
                else:
                    rows.append(self.measured(said.sheet(), said.own_events))
                    yield Progress(f"Measuring {named(variant)}", len(rows) / count)
            self.samples[variant] = np.array(rows)

    def measure_real(self) -> Iterator[Progress]:
        """Take the measures of the test songs themselves, once."""
        if REAL not in self.samples:
            rows = []
            for sheet in self.measured_songs(self.parameters.test_songs):
                yield Progress("Measuring real music", len(rows) / self.parameters.test_songs)
                rows.append(self.measured(sheet, encode(sheet)))
            self.samples[REAL] = np.array(rows)

    def measured(self, sheet: LeadSheet, events: np.ndarray | None) -> np.ndarray:
        """All measures of a song in the order of MEASURED; NaN for a song without notes."""
        if not len(sheet.notes):
            return np.full(len(MEASURED), np.nan)
        found = measures_of(sheet, events, threshold=getattr(self.parameters, "threshold", 64))
        return np.array([found[name] for name in MEASURED])

    def measured_songs(self, count: int) -> list[LeadSheet]:
        """Songs whose chords and beginnings are used to measure: test songs, then validation songs, then again."""
        least = self.seed_events + 8
        pool = [sheet for sheet in (*self._split.test, *self._split.validation) if len(encode(sheet)) > least]
        pool = pool or [self.seed_sheet]
        return [pool[index % len(pool)] for index in range(count)]

    def generated_songs(self, variant: str, count: int) -> Iterator[Progress | Generated]:
        """Generate `count` songs with a variant; the seeds of the samples differ, and are the same for all variants."""
        songs = self.measured_songs(count)
        for start in range(0, count, GROUP):
            requests = [self.request_for(variant, sheet) for sheet in songs[start : start + GROUP]]
            made: list[Generated] = []
            for made in generate(self.network_of(variant), requests, self.sampling_of(variant), seed=1000 + start):  # noqa: B007
                yield Progress(f"Generating {named(variant)}", start / count)
            yield from made

    def frame(self) -> F:
        """The latest takes and measures; of a run that was opened again, what its networks make of the song now."""
        names = self.variants()
        if self._takes_step != self.look_step:
            for name in names:
                for _ in self._generate_take(name):
                    pass
            self._takes_step = self.look_step
        events = int(self._windows.x.shape[0] * self._windows.x.shape[1])
        return cast(F, MelodyFrame(
            self.step, self.look_step, names, self._seed_song,
            tuple(self._takes[name] for name in names if name in self._takes), MEASURED, dict(self.samples),
            dict(self.nll), len(self._split.train), events, self._windows.dropped,
        ))  # fmt: skip

    def tensors(self) -> tuple[torch.Tensor, torch.Tensor]:
        """All training windows: x (w, S, 5) and a (w, S)."""
        return self._tensors(self._windows, np.arange(len(self._windows)))

    @property
    def split(self) -> Split:
        """Training, validation and test songs."""
        return self._split

    def likelihood(
        self, variant: str, sheets: Sequence[LeadSheet], ablation: str = "none"
    ) -> Generator[Progress, None, np.ndarray]:
        """Nats per event (pitch, duration, bar) over whole songs, with an ablation of the slow tiers."""
        network, sums, count = self.network_of(variant), np.zeros(3), 0
        for index, sheet in enumerate(sheets):
            yield Progress(f"Held-out songs: {ablation}", index / len(sheets))
            events = encode(sheet)
            logits, first = scored(network, events, 0, ablation)
            if not len(logits.pitch):
                continue
            x = torch.from_numpy(conditioned(events)[first:]).to(self.context.device)
            expanded = type(logits)(logits.bar[None], logits.duration[None], logits.pitch[None])
            losses = event_losses(expanded, x[None])
            sums += len(x) * np.array([float(losses.pitch), float(losses.duration), float(losses.bar)])
            count += len(x)
        return sums / max(count, 1)

    def save_artefacts(self, folder: Path) -> None:
        """Write each variant's latest song in the chosen key as MIDI, MusicXML, CSV, WAV and event array; measures."""
        key = key_shift(self.parameters.key)
        for variant, take in self._takes.items():
            stem = variant.replace(" ", "_").replace("/", "_")
            name = "melody" if len(self._takes) == 1 else f"melody_{stem}"
            for suffix in (".mid", ".musicxml", ".csv", ".npy", ".wav"):
                exports.save_song(folder / f"{name}{suffix}", exports.in_key(take.song, key))
        if self.samples:
            exports.save_measures(folder / "measures.csv", MEASURED, self.samples)
