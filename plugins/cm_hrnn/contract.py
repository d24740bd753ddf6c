"""Parameters of the six experiments: with `frames`, what the worker process and the panel both know."""

from __future__ import annotations

from typing import ClassVar, Literal, get_args

from pydantic import model_validator

from workbench.sdk import Parameters, Preset, choice, choices, file, param

ModelName = Literal[
    "ad_rm3t_fc_rs",
    "ad_rm3t_fc",
    "3t_fc",
    "ad_rm2t_fc",
    "2t_fc",
    "attention",
    "vanilla",
]
CorpusName = Literal["chorales", "synthetic", "files"]
AblationName = Literal["none", "zero bar tier", "freeze bar tier", "zero group tier", "freeze group tier"]

LABELS: dict[str, str] = {
    "ad_rm3t_fc_rs": "3 tiers + time + residual",
    "ad_rm3t_fc": "3 tiers + time",
    "3t_fc": "3 tiers (+ residual)",
    "ad_rm2t_fc": "2 tiers + time",
    "2t_fc": "2 tiers",
    "attention": "AttentionRNN",
    "vanilla": "Vanilla RNN",
}
SHORT: dict[str, str] = {
    "ad_rm3t_fc_rs": "3t+a+rs",
    "ad_rm3t_fc": "3t+a",
    "3t_fc": "3t",
    "ad_rm2t_fc": "2t+a",
    "2t_fc": "2t",
    "attention": "Attention",
    "vanilla": "Vanilla",
}


def named(variant: str) -> str:
    """Short name of what generates: a network's, or the variant's own words."""
    return "intact" if variant == "none" else SHORT.get(variant, variant)


COLOURS: dict[str, int] = {
    "ad_rm3t_fc_rs": 0,
    "ad_rm3t_fc": 5,
    "3t_fc": 2,
    "ad_rm2t_fc": 4,
    "2t_fc": 6,
    "attention": 1,
    "vanilla": 3,
}
CORPORA = {"chorales": "Bach chorales (353)", "synthetic": "Generated songs, AABA", "files": "My own files"}
MUSIC_SUFFIXES = (".musicxml", ".mxl", ".xml", ".abc", ".krn", ".mid", ".midi")
REAL = "real music"


KeyName = Literal["C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"]
KEYS: tuple[KeyName, ...] = get_args(KeyName)
_MINOR = ("A", "Bb", "B", "C", "C#", "D", "D#", "E", "F", "F#", "G", "G#")
TIMINGS = {"time": "the chord at its time", "index": "the event's own (paper's code)"}


def key_shift(key: str) -> int:
    """Semitones from C to a key, the nearer way: -5 (G) to 6 (F#)."""
    return (KEYS.index(key) + 5) % 12 - 5  # type: ignore[arg-type]


def key_at(semitones: int) -> KeyName:
    """The key so many semitones from C."""
    return KEYS[semitones % 12]


def _steps(default: int) -> int:
    return param(default, ge=1, le=200_000, live=True, unit="steps", help="Optimiser steps", group="Optimiser")


def _weight(default: float, part: str) -> float:
    words = f"Weight of the {part}'s cross-entropy"
    return param(default, ge=0.0, le=1.0, live=True, label=f"weight of {part}", group="Optimiser", help=words)


def _temperature(default: float, part: str, help: str) -> float:
    return param(default, ge=0.0, le=2.0, live=True, label=f"{part} temperature", group="Sampling", help=help)


def _timing(default: str) -> Literal["time", "index"]:
    return choice(default, live=True, group="Sampling", help="Which chord an event hears", labels=TIMINGS)


def _songs_measured(default: int, help: str) -> int:
    return param(default, ge=2, le=500, unit="songs", label="songs measured", group="Test", help=help)


class MelodyParameters(Parameters):
    """What all experiments share: corpus, sizes, optimiser, sampling."""

    corpus: CorpusName = choice("chorales", help="What is learnt", labels=CORPORA, group="Data")
    files: str = file(
        "",
        help="Files or a folder to learn from, used where the corpus is my own files (several are "
        "separated as in PATH): MusicXML, MXL, ABC, Kern, MIDI",
        suffixes=MUSIC_SUFFIXES,
        group="Data",
    )
    songs: int = param(0, ge=0, le=20_000, help="Use so many songs; 0: all", group="Data")
    window: int = param(
        64,
        ge=32,
        le=256,
        step=16,
        label="window S",
        unit="events",
        help="Events of a training window, a multiple of the slowest frame",
        group="Data",
    )
    windows: Literal["bars", "filled", "songs"] = choice(
        "bars", help="Where training windows begin; a small corpus needs every bar", group="Data",
        labels={"bars": "at every bar", "filled": "one after the other", "songs": "… tails dropped (paper's code)"},
    )  # fmt: skip
    keep_best: bool = param(True, group="Test", label="keep the best",
                            help="Measure with the weights for which held-out songs were likeliest")  # fmt: skip
    big_frame: int = param(
        16,
        ge=4,
        le=64,
        label="big frame G",
        unit="events",
        help="Events between two ticks of the slowest tier",
        group="Model",
    )
    frame: int = param(
        8,
        ge=1,
        le=32,
        label="frame F",
        unit="events",
        help="Events between two ticks of the middle tier of three; divides G",
        group="Model",
    )
    hidden: int = param(128, ge=16, le=512, label="units H", help="Units of each LSTM layer", group="Model")
    layers: int = param(
        1, ge=1, le=3, label="LSTM layers", help="Layers of each LSTM (vanilla: one more)", group="Model"
    )
    keep: float = param(
        0.8, gt=0.0, le=1.0, label="keep", help="Share of each LSTM layer's outputs that dropout keeps", group="Model"
    )
    steps: int = _steps(1000)
    batch: int = param(32, ge=2, le=512, unit="windows", help="Windows in a batch", group="Optimiser")
    learning_rate: float = param(1e-3, ge=1e-6, le=0.1, log=True, live=True, help="Adam's step size", group="Optimiser")
    adam_epsilon: float = param(
        1e-8,
        ge=1e-10,
        le=0.1,
        log=True,
        label="Adam ε",
        group="Optimiser",
        help="Adam's epsilon; the paper's code has 1e-2, which makes early steps tiny",
    )
    clip: float = param(
        5.0, gt=0.0, le=100.0, label="clip norm", help="Global norm to which gradients are cut", group="Optimiser"
    )
    weight_pitch: float = _weight(0.4, "pitch")
    weight_duration: float = _weight(0.3, "duration")
    weight_bar: float = _weight(0.3, "bar flag")
    pitch_temperature: float = _temperature(0.7, "pitch", "0 takes the most likely pitch; high is daring")
    duration_temperature: float = _temperature(0.2, "duration", "Nearly greedy in the paper: rhythms repeat")
    bar_temperature: float = _temperature(0.1, "bar", "Of the flag that starts a bar")
    top_k: int = param(
        0, ge=0, le=130, live=True, label="top k", group="Sampling", help="Sample among so many pitches; 0: all"
    )
    top_p: float = param(
        1.0,
        gt=0.0,
        le=1.0,
        live=True,
        label="top p",
        group="Sampling",
        help="Sample among the likeliest pitches of this mass",
    )
    timing: Literal["time", "index"] = _timing("time")
    key: KeyName = choice(
        "C",
        live=True,
        group="Sampling",
        help="Key in which songs are shown, played and exported; networks learn and write in C major and A minor",
        labels={major: f"{major} major / {minor} minor" for major, minor in zip(KEYS, _MINOR, strict=True)},
    )
    snap: bool = param(
        False,
        live=True,
        group="Sampling",
        label="snap to bars",
        help="Set the bar flag from the time instead of sampling it",
    )
    late_chords: bool = param(
        False,
        live=True,
        group="Sampling",
        label="late chords (as published)",
        help="Feed AttentionRNN and the vanilla RNN the chords one event late in generation, as "
        "the published script does",
    )
    take_seed: int = param(
        0,
        ge=0,
        le=1_000_000,
        live=True,
        label="sampling seed",
        group="Sampling",
        help="The same seed samples the same melody",
    )
    evaluate_every: int = param(
        100,
        ge=1,
        le=100_000,
        unit="steps",
        label="listen every",
        help="Steps between two generations and looks at the validation songs",
        group="Test",
    )
    test_songs: int = _songs_measured(20, "Songs generated over test songs' chords when training ends")

    @model_validator(mode="after")
    def _sizes_fit(self) -> MelodyParameters:
        if self.big_frame % self.frame:
            raise ValueError(f"frame F = {self.frame} must divide the big frame G = {self.big_frame}")
        if self.window % self.big_frame or self.window <= self.big_frame:
            raise ValueError(
                f"window S = {self.window} must be a multiple of the big frame G = {self.big_frame}, and longer"
            )
        return self


PAPER_RECIPE = {
    "window": 128,
    "batch": 512,
    "hidden": 256,
    "layers": 2,
    "keep": 0.5,
    "steps": 120_000,
    "learning_rate": 1.2e-4,
    "adam_epsilon": 1e-2,
    "windows": "songs",
    "keep_best": False,
    "evaluate_every": 500,
    "timing": "index",
}


def _presets(**paper: object) -> tuple[Preset, ...]:
    return (
        Preset("laptop", "Chorales, small networks, 1000 steps: bars and cadences in under two minutes.", {}),
        Preset(
            "quick",
            "Generated AABA songs are simple and repeat by construction, so half the steps are enough.",
            {"corpus": "synthetic", "steps": 500},
        ),
        Preset(
            "daring",
            "The same training with hot sampling: hear what the temperatures do.",
            {"pitch_temperature": 1.2, "duration_temperature": 0.8},
        ),
        Preset(
            "paper",
            "The official code's recipe; choose your own lead sheets under Data (its crawl of TheoryTab is "
            "not redistributable).",
            {**PAPER_RECIPE, "corpus": "files", **paper},
            "hours on a GPU",
        ),
    )


def _models(default: tuple[ModelName, ...]) -> tuple[ModelName, ...]:
    return choices(default, help="Trained side by side on the same windows", labels=LABELS, at_least=1, group="Model")


def _model() -> ModelName:
    return choice("ad_rm3t_fc_rs", help="The network", labels=LABELS, group="Model")


class ListenParameters(MelodyParameters):
    """Train one network and play with it."""

    model: ModelName = _model()
    presets: ClassVar[tuple[Preset, ...]] = _presets()


class CompareParameters(MelodyParameters):
    """Several networks side by side, on the same chords and the same seed."""

    models: tuple[ModelName, ...] = _models(("ad_rm3t_fc_rs", "ad_rm2t_fc", "attention"))
    steps: int = _steps(500)
    presets: ClassVar[tuple[Preset, ...]] = (
        *_presets(),
        Preset("everything", "All seven networks of the paper and its code.", {"models": tuple(LABELS)}, "10 minutes"),
    )


class StructureParameters(MelodyParameters):
    """The paper's measures over many songs of each network, beside real music and a folder of MIDI files."""

    models: tuple[ModelName, ...] = _models(("ad_rm3t_fc_rs", "attention"))
    steps: int = _steps(500)
    test_songs: int = _songs_measured(40, "Songs generated by each network over test songs' chords")
    timing: Literal["time", "index"] = _timing("index")
    folder: str = file(
        "",
        help="Any music file; its folder is measured as another system's output",
        suffixes=MUSIC_SUFFIXES,
        group="Test",
        label="other system's folder",
    )
    threshold: int = param(
        64,
        ge=4,
        le=512,
        unit="sixteenths",
        label="long pattern from",
        group="Test",
        help="Span from which a repeated pattern is long (the published code's unit is unverified)",
    )
    presets: ClassVar[tuple[Preset, ...]] = _presets()


class HarmonyParameters(MelodyParameters):
    """The same seed under different progressions."""

    model: ModelName = _model()
    progressions: str = param(
        "C | G | Am | F ; Dm7 | G7 | Cmaj7 | Cmaj7 ; Am | G | F | E7 ; C7 | C7 | F7 | C7",
        help="Progressions in C major or A minor, separated by semicolons; each is repeated to sixteen bars",
        group="Harmony",
    )
    presets: ClassVar[tuple[Preset, ...]] = _presets()


class AblateParameters(MelodyParameters):
    """Zero or freeze what the slow tiers say, and hear what is lost."""

    model: Literal["ad_rm3t_fc_rs", "ad_rm3t_fc", "3t_fc", "ad_rm2t_fc", "2t_fc"] = choice(
        "ad_rm3t_fc_rs", help="The network", labels=LABELS, group="Model"
    )
    presets: ClassVar[tuple[Preset, ...]] = _presets()


class InspectParameters(Parameters):
    """Look at a corpus, one's own too: every piece, its measures, and what was left out and why."""

    corpus: CorpusName = choice("chorales", help="What is looked at", labels=CORPORA, group="Data")
    files: str = file(
        "",
        help="Files or a folder, used where the corpus is my own files (several are separated as in PATH)",
        suffixes=MUSIC_SUFFIXES,
        group="Data",
    )
    songs: int = param(0, ge=0, le=20_000, help="Look at so many songs; 0: all", group="Data")
    steps: int = param(100, ge=1, le=20_000, live=True, unit="songs", help="Songs to measure", group="Data")
    presets: ClassVar[tuple[Preset, ...]] = (
        Preset("chorales", "What the other experiments learn from by default.", {}),
        Preset(
            "generated",
            "AABA songs with known repetition: compare their similarity matrices with the truth.",
            {"corpus": "synthetic"},
        ),
    )
