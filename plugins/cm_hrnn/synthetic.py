"""Generated lead sheets in AABA form whose repetition is known: the panel's quick mode, and a test of the measures.

32 bars: A A B A. A phrase of eight bars is a two-bar motif, taken up four times with 15 % mutation and moved to its
chords. A motif is drawn by a Markov chain on chord tones (0.7) and steps (0.3).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from plugins.cm_hrnn.chords import BAR, chord_class, pitch_classes
from plugins.cm_hrnn.representation import LeadSheet, lead_sheet

if TYPE_CHECKING:
    from jaxtyping import Int

FORM = "AABA"
PHRASE_BARS, MOTIF_BARS = 8, 2
ONE, TWO, FOUR, FIVE, SIX = (chord_class(*own) for own in ((0, "maj"), (2, "min"), (5, "maj"), (7, "maj"), (9, "min")))
PROGRESSIONS = ((ONE, FIVE, SIX, FOUR), (TWO, FIVE, ONE, ONE), (ONE, SIX, FOUR, FIVE), (SIX, FOUR, ONE, FIVE))
MUTATION = 0.15
CHORD_TONE = 0.7
RHYTHMS = (((8,), 0.1), ((4,), 0.35), ((2,), 0.5), ((1, 1), 0.05))
"""Lengths in sixteenths and how often they are drawn: 2, 1, 0.5 quarters and pairs of 0.25."""
C_MAJOR = (0, 2, 4, 5, 7, 9, 11)
LOWEST, HIGHEST = 60, 83


@dataclass(frozen=True)
class SyntheticSong:
    """A song, and for every bar the number of the earlier bar that it takes up (its own number where it is new)."""

    sheet: LeadSheet
    source_bar: Int[np.ndarray, " bars"]


def synthetic_sheets(count: int, seed: int = 0) -> list[SyntheticSong]:
    """So many songs, the same for a seed."""
    return [_song(np.random.default_rng([seed, index]), index) for index in range(count)]


def _song(rng: np.random.Generator, index: int) -> SyntheticSong:
    phrases: dict[str, tuple[list[list[int]], list[int], list[int]]] = {}
    notes: list[list[int]] = []
    chords: list[tuple[int, int]] = []
    source: list[int] = []
    places: dict[str, int] = {}
    for place, letter in enumerate(FORM):
        is_new = letter not in phrases
        if is_new:
            phrases[letter] = _phrase(rng)
            places[letter] = place * PHRASE_BARS
        own, harmony, motif_source = phrases[letter]
        start = place * PHRASE_BARS
        melody = own if is_new else _mutated(own, harmony, rng)
        notes += [[onset + start * BAR, length, pitch] for onset, length, pitch in melody]
        chords += [((start + bar) * BAR, chord) for bar, chord in enumerate(harmony)]
        source += (
            [places[letter] + each for each in motif_source]
            if is_new
            else [places[letter] + bar for bar in range(PHRASE_BARS)]
        )
    sheet = lead_sheet(notes, chords, len(FORM) * PHRASE_BARS * BAR, title=f"Generated song {index + 1}")
    return SyntheticSong(sheet, np.array(source))


def _phrase(rng: np.random.Generator) -> tuple[list[list[int]], list[int], list[int]]:
    """Notes of eight bars, a chord for each bar, and the bar that each takes up."""
    progression = PROGRESSIONS[rng.integers(len(PROGRESSIONS))]
    harmony = [progression[bar % len(progression)] for bar in range(PHRASE_BARS)]
    motif = _motif(rng, harmony[:MOTIF_BARS])
    notes: list[list[int]] = []
    for repeat in range(PHRASE_BARS // MOTIF_BARS):
        own = motif if repeat == 0 else _mutated(motif, harmony[repeat * MOTIF_BARS :], rng, harmony)
        notes += [[onset + repeat * MOTIF_BARS * BAR, length, pitch] for onset, length, pitch in own]
    return notes, harmony, [bar % MOTIF_BARS for bar in range(PHRASE_BARS)]


def _motif(rng: np.random.Generator, harmony: list[int]) -> list[list[int]]:
    notes: list[list[int]] = []
    pitch = int(rng.choice([67, 72, 76]))
    for bar, chord in enumerate(harmony):
        now = 0
        while now < BAR:
            lengths, chances = zip(*RHYTHMS, strict=True)
            fitting = np.array([chance * (sum(own) <= BAR - now) for own, chance in zip(lengths, chances, strict=True)])
            for length in lengths[rng.choice(len(lengths), p=fitting / fitting.sum())]:
                pitch = _next_pitch(rng, pitch, chord)
                notes.append([bar * BAR + now, length, pitch])
                now += length
    return notes


def _next_pitch(rng: np.random.Generator, pitch: int, chord: int) -> int:
    """The chain's next pitch: a chord tone near by, or a step of the scale."""
    allowed = pitch_classes(chord) if rng.random() < CHORD_TONE else C_MAJOR
    reach = 7 if allowed is not C_MAJOR else 2
    near = [p for p in range(pitch - reach, pitch + reach + 1)
            if p % 12 in allowed and p != pitch and LOWEST <= p <= HIGHEST]  # fmt: skip
    return int(rng.choice(near)) if near else _nearest(pitch, allowed)


def _nearest(pitch: int, allowed: tuple[int, ...]) -> int:
    return min((p for p in range(LOWEST, HIGHEST + 1) if p % 12 in allowed), key=lambda p: (abs(p - pitch), p))


def _mutated(
    notes: list[list[int]], harmony: list[int], rng: np.random.Generator, source: list[int] | None = None
) -> list[list[int]]:
    """The same rhythm with some pitches drawn anew; chord tones move to the new chords' nearest ones."""
    made, before = [], notes[0][2]
    for onset, length, pitch in notes:
        chord = harmony[onset // BAR]
        if rng.random() < MUTATION:
            pitch = _next_pitch(rng, before, chord)
        elif source is not None and pitch % 12 in pitch_classes(source[onset // BAR]):
            pitch = _nearest(pitch, pitch_classes(chord))
        made.append([onset, length, pitch])
        before = pitch
    return made
