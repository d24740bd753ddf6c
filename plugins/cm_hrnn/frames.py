"""Frames and answers: what the worker process tells the panel."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int

from workbench.sdk import Frame


@dataclass(frozen=True)
class Song:
    """A melody over chords as the panel draws it; times in sixteenths. `given` is where the seed ends."""

    title: str
    notes: Int[np.ndarray, "n 3"]
    chords: Int[np.ndarray, "m 2"]
    length: int
    events: Int[np.ndarray, "L 4"]
    given: int = 0
    tempo: float = 100.0
    maker: str = ""
    """Which network or variant made it; empty for a person or a corpus."""
    step: int = 0
    remarks: str = ""
    key: int = 0
    """Semitones from C of the key that the song came in; what stands here is in C major or A minor."""


@dataclass(frozen=True)
class Ticks:
    """When one tier ticked (event indices and times) and its state then."""

    tier: str
    events: Int[np.ndarray, " k"]
    times: Int[np.ndarray, " k"]
    states: Float[np.ndarray, "k H"]


@dataclass(frozen=True)
class Take:
    """A generated song, the ticks of the tiers behind it, and its measures."""

    song: Song
    ticks: tuple[Ticks, ...] = ()
    measures: dict[str, float] = field(default_factory=dict)
    is_finished: bool = True


@dataclass(frozen=True)
class MelodyFrame(Frame):
    """What the panel draws: the song whose chords and seed are used, what each variant made of them, the measures.

    `samples[name]` (songs, measures) are the measures of many generated songs, NaN where undefined; `real` those of
    test songs. `nll` is each variant's validation negative log-likelihood per event: pitch, duration, bar.
    """

    step: int
    look_step: int
    names: tuple[str, ...]
    seed_song: Song
    takes: tuple[Take, ...]
    measure_names: tuple[str, ...]
    samples: dict[str, Float[np.ndarray, "n k"]]
    nll: dict[str, Float[np.ndarray, "3"]]
    songs: int
    events: int
    dropped: int


@dataclass(frozen=True)
class NextNote:
    """Probabilities of each event of a song, given what comes before it; rows start at event `first`.

    `starts` (k,) are the events' times, `elapsed` the time accumulated in the bar (sixteenths).
    """

    starts: Int[np.ndarray, " k"]
    pitch: Float[np.ndarray, "k 130"]
    duration: Float[np.ndarray, "k 16"]
    bar: Float[np.ndarray, "k 2"]
    elapsed: Int[np.ndarray, " k"]


@dataclass(frozen=True)
class PatternShape:
    """A COSIATEC pattern: the notes (onset, pitch) of each occurrence."""

    occurrences: tuple[Int[np.ndarray, "k 2"], ...]
    span: int


@dataclass(frozen=True)
class Analysis:
    """What the measures see in one song: likeness of bars, patterns, tension a bar, which notes fit their chord."""

    similarity: dict[str, Float[np.ndarray, "b b"]]
    patterns: tuple[PatternShape, ...]
    measures: dict[str, float]
    tension: Float[np.ndarray, "3 bars"]
    fits: np.ndarray


@dataclass(frozen=True)
class ImportReport:
    """What an import found: rows of file, piece, whether it is used, and why not or what was changed."""

    rows: tuple[tuple[str, str, bool, str], ...]
    used: int


@dataclass(frozen=True)
class InspectFrame(Frame):
    """A corpus: titles and measures (songs, k) so far, one song in full, and the report of an import."""

    step: int
    titles: tuple[str, ...]
    measure_names: tuple[str, ...]
    measures: Float[np.ndarray, "n k"]
    shown: Song
    report: ImportReport | None
    pitch_counts: Int[np.ndarray, "12"]
    duration_counts: Int[np.ndarray, "16"]
    chord_counts: Int[np.ndarray, "49"]
