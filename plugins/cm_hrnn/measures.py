"""The paper's measures of a melody: success-bar ratio, compression, tonal tension; and the panel's extras."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from plugins.cm_hrnn.chords import BAR, chord_pitches, chord_tones, chords_at
from plugins.cm_hrnn.cosiatec import MAX_POINTS, cosiatec
from plugins.cm_hrnn.harmony import estimated_key, pitch_class_weights
from plugins.cm_hrnn.representation import BAR_SLOT, DURATION_SLOT, LeadSheet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxtyping import Bool, Float, Int

SPIRAL_RADIUS, SPIRAL_RISE = 1.0, 0.4
FIFTHS = np.array([0, -5, 2, -3, 4, -1, -6, 1, -4, 3, -2, 5])
"""Line-of-fifths index of each semitone above the tonic (Herremans & Chew)."""
CHORD_WEIGHTS = np.array([0.536, 0.274, 0.19])
"""Root, fifth, third of a chord; tonic, dominant, subdominant of a key."""
LONG_PATTERN = 64
"""Sixteenths from which a pattern is long; the published code's unit is unverified."""
HOLD, SILENT = -1, -2
RESAMPLES = 2000


def success_bar_ratio(events: Int[np.ndarray, "L 4"]) -> float:
    """Share of the bars, from one bar flag to the next, whose durations sum to a multiple of a whole bar.

    NaN where no bar is followed by another.
    """
    starts = np.flatnonzero(events[:, BAR_SLOT] == 1)
    if len(starts) < 2:
        return float("nan")
    before = np.concatenate([[0], np.cumsum(events[:, DURATION_SLOT] + 1)])
    return float(np.mean(np.diff(before[starts]) % BAR == 0))


# Tonal tension


def spiral_point(fifths: np.ndarray | float) -> Float[np.ndarray, "... 3"]:
    """Place of a pitch with a line-of-fifths index on the spiral array."""
    k = np.asarray(fifths, float)
    return np.stack([SPIRAL_RADIUS * np.sin(k * np.pi / 2), SPIRAL_RADIUS * np.cos(k * np.pi / 2), SPIRAL_RISE * k], -1)


def major_chord_centre(k: float) -> Float[np.ndarray, "3"]:
    """Centre of effect of the major chord on the pitch with index k."""
    return CHORD_WEIGHTS @ spiral_point([k, k + 1, k + 4])


def minor_chord_centre(k: float) -> Float[np.ndarray, "3"]:
    """Centre of effect of the minor chord on the pitch with index k."""
    return CHORD_WEIGHTS @ spiral_point([k, k + 1, k - 3])


def key_centre(k: float, *, is_minor: bool) -> Float[np.ndarray, "3"]:
    """Centre of effect of the key on the pitch with index k; minor keys mix both forms of dominant and subdominant."""
    if not is_minor:
        return CHORD_WEIGHTS @ np.stack([major_chord_centre(k + step) for step in (0, 1, -1)])
    dominant = 0.75 * major_chord_centre(k + 1) + 0.25 * minor_chord_centre(k + 1)
    subdominant = 0.75 * minor_chord_centre(k - 1) + 0.25 * major_chord_centre(k - 1)
    return CHORD_WEIGHTS @ np.stack([minor_chord_centre(k), dominant, subdominant])


@dataclass(frozen=True)
class Tension:
    """One value a bar (NaN where the bar is silent): cloud diameter, cloud momentum, tensile strain."""

    diameter: Float[np.ndarray, " bars"]
    momentum: Float[np.ndarray, " bars"]
    strain: Float[np.ndarray, " bars"]


def tension(notes: Int[np.ndarray, "n 3"], bars: int, *, tonic: int = 0, is_minor: bool = False) -> Tension:
    """Tension of the notes that sound in each bar; pitches are spelt as degrees above `tonic` (0 = C).

    For a minor key the tonic is taken as given; chords count if they are among the notes.
    """
    diameter, strain = np.full(bars, np.nan), np.full(bars, np.nan)
    centres = np.full((bars, 3), np.nan)
    home = key_centre(0, is_minor=is_minor)
    notes = np.asarray(notes)
    for bar in range(bars):
        start, end = bar * BAR, (bar + 1) * BAR
        overlap = np.minimum(notes[:, 0] + notes[:, 1], end) - np.maximum(notes[:, 0], start)
        own = overlap > 0
        if not own.any():
            continue
        places = spiral_point(FIFTHS[(notes[own, 2] - tonic) % 12])
        centres[bar] = np.average(places, axis=0, weights=overlap[own])
        distinct = np.unique(places.round(9), axis=0)
        away = np.linalg.norm(distinct[:, None] - distinct[None], axis=-1)
        diameter[bar] = away.max()
        strain[bar] = np.linalg.norm(centres[bar] - home)
    momentum = np.full(bars, np.nan)
    momentum[1:] = np.linalg.norm(np.diff(centres, axis=0), axis=1) if bars > 1 else momentum[1:]
    return Tension(diameter, momentum, strain)


def sounding_notes(sheet: LeadSheet, *, with_chords: bool = True) -> Int[np.ndarray, "n 3"]:
    """Melody, and the notes of its block chords, an octave lower so that they lie below it."""
    rows = [sheet.notes]
    if with_chords and len(sheet.chords):
        ends = np.append(sheet.chords[1:, 0], sheet.length)
        chords = [
            (onset, end - onset, pitch - 12)
            for (onset, chord), end in zip(sheet.chords.tolist(), ends.tolist(), strict=True)
            for pitch in chord_pitches(chord)
            if end > onset
        ]
        rows.append(np.array(chords, np.int64).reshape(-1, 3))
    return np.concatenate(rows)


# Bars and their likeness


def bar_slots(sheet: LeadSheet) -> Int[np.ndarray, "bars 16"]:
    """What each sixteenth of each bar holds: the pitch that begins there, HOLD, or SILENT."""
    slots = np.full(sheet.bars * BAR, SILENT, np.int64)
    for onset, length, pitch in sheet.notes.tolist():
        slots[onset + 1 : onset + length] = HOLD
        slots[onset] = pitch
    return slots.reshape(-1, BAR)


def bar_similarity(sheet: LeadSheet, kind: str = "exact") -> Float[np.ndarray, "bars bars"]:
    """Share of equal slots of every two bars: "exact", "transposed" (pitches from the bar's first), or "rhythm"."""
    slots = bar_slots(sheet)
    if kind == "rhythm":
        slots = np.where(slots >= 0, 1, slots)
    elif kind == "transposed":
        slots = slots.copy()
        for row in slots:
            pitches = row >= 0
            if pitches.any():
                row[pitches] += 1000 - row[pitches][0]
    elif kind != "exact":
        raise ValueError(f"bars are compared as exact, transposed or rhythm, not {kind!r}")
    return (slots[:, None] == slots[None]).mean(-1)


def bar_repeat_ratio(sheet: LeadSheet) -> float:
    """Share of the bars with notes, but the first, that equal an earlier bar in onsets and pitches."""
    seen: set[bytes] = set()
    repeats, counted = 0, 0
    for row in bar_slots(sheet):
        onsets = np.where(row >= 0, row, SILENT)
        if (onsets >= 0).any():
            key = onsets.tobytes()
            repeats += key in seen
            counted += 1
            seen.add(key)
    return repeats / (counted - 1) if counted > 1 else float("nan")


def is_chord_tone(sheet: LeadSheet) -> Bool[np.ndarray, " n"]:
    """Whether each note belongs to the chord at its onset."""
    chords = chords_at(sheet.chords, sheet.notes[:, 0])
    return chord_tones()[chords, sheet.notes[:, 2] % 12].astype(bool)


def chord_tone_ratio(sheet: LeadSheet) -> float:
    """Share of the melody's duration, where there is a chord, on notes of the chord that sounds at that moment."""
    table, inside, total = chord_tones(), 0, 0
    for onset, length, pitch in sheet.notes.tolist():
        chords = chords_at(sheet.chords, np.arange(onset, onset + length))
        inside += int(table[chords, pitch % 12].sum())
        total += int((chords > 0).sum())
    return inside / total if total else float("nan")


def pitch_class_entropy(sheet: LeadSheet) -> float:
    """Entropy of the melody's pitch classes by duration, in bits."""
    weights = pitch_class_weights(sheet.notes)
    if not weights.sum():
        return float("nan")
    share = weights[weights > 0] / weights.sum()
    return float(-(share * np.log2(share)).sum())


def mean_interval(sheet: LeadSheet) -> float:
    """Mean size of the steps of the melody, in semitones."""
    return float(np.abs(np.diff(sheet.notes[:, 2])).mean()) if len(sheet.notes) > 1 else float("nan")


MEASURES: dict[str, tuple[str, str]] = {
    "success_bar": ("success-bar ratio", "high"),
    "compression": ("compression ratio", "high"),
    "long_patterns": ("long patterns", "high"),
    "short_patterns": ("short patterns", ""),
    "diameter": ("cloud diameter", "low"),
    "momentum": ("cloud momentum", "low"),
    "strain": ("tensile strain", "low"),
    "chord_tones": ("chord-tone ratio", "high"),
    "bar_repeats": ("bar-repeat ratio", "high"),
    "entropy": ("pitch-class entropy (bits)", ""),
    "interval": ("mean |interval| (semitones)", ""),
    "notes": ("notes", ""),
}
"""Names and what the paper holds for better."""


def measures_of(
    sheet: LeadSheet,
    events: Int[np.ndarray, "L 4"] | None = None,
    *,
    threshold: int = LONG_PATTERN,
    with_chords: bool = True,
) -> dict[str, float]:
    """All measures of one melody. The success-bar ratio needs the events, with their own bar flags; else it is NaN.

    Melodies of more than `MAX_POINTS` notes are not compressed: their ratio and patterns are NaN.

    Tension is measured against C major or A minor, whichever the durations fit better, as the corpora are in "C".
    """
    points = sheet.notes[:, [0, 2]]
    is_short = len(points) <= MAX_POINTS
    encoding = cosiatec(points if is_short else points[:0])
    long, short = encoding.long_and_short(threshold) if is_short else (float("nan"), float("nan"))
    sounding = sounding_notes(sheet, with_chords=with_chords)
    tonic, is_minor = estimated_key(pitch_class_weights(sounding)) if len(sounding) else (0, False)
    own = tension(sounding, sheet.bars, tonic=tonic, is_minor=is_minor)
    mean = lambda values: float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")  # noqa: E731
    return {
        "success_bar": float("nan") if events is None else success_bar_ratio(events),
        "compression": encoding.ratio,
        "long_patterns": float(long),
        "short_patterns": float(short),
        "diameter": mean(own.diameter),
        "momentum": mean(own.momentum),
        "strain": mean(own.strain),
        "chord_tones": chord_tone_ratio(sheet),
        "bar_repeats": bar_repeat_ratio(sheet),
        "entropy": pitch_class_entropy(sheet),
        "interval": mean_interval(sheet),
        "notes": float(len(sheet.notes)),
    }


def bootstrap_mean(
    values: Sequence[float] | np.ndarray, *, level: float = 0.95, seed: int = 0
) -> tuple[float, float, float]:
    """Mean of the finite values and its percentile bootstrap interval; NaN where there are none."""
    good = np.asarray(values, float)
    good = good[np.isfinite(good)]
    if not len(good):
        return float("nan"), float("nan"), float("nan")
    rng = np.random.default_rng(seed)
    means = good[rng.integers(len(good), size=(RESAMPLES, len(good)))].mean(1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(good.mean()), float(low), float(high)
