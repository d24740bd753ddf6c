"""Harmony that is not written down: the key of a piece, and the chord of each beat from the notes that sound."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from plugins.cm_hrnn.chords import CHORDS, NO_CHORD, chord_tones, merged, root_of

if TYPE_CHECKING:
    from jaxtyping import Float, Int

BEAT = 4
"""Sixteenths in a beat."""
SIZE_PENALTY = 0.05
BASS_BONUS = 0.1
# Krumhansl & Kessler (1982): how well each pitch class fits a major and a minor key, tonic first.
MAJOR_PROFILE = np.array([6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88])
MINOR_PROFILE = np.array([6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17])
_TONES = chord_tones()[1:].astype(float)
_ROOTS = np.array([root_of(chord) for chord in range(1, CHORDS)])


def pitch_class_weights(notes: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "12"]:
    """Total duration of each pitch class of notes (onset, length, pitch)."""
    notes = np.asarray(notes)
    return np.bincount(notes[:, 2].astype(int) % 12, notes[:, 1].astype(float), 12)


def estimated_key(weights: Float[np.ndarray, "12"]) -> tuple[int, bool]:
    """Tonic (0 = C) and whether the key is minor: the profile that correlates best with the durations."""
    best = (-2.0, 0, False)
    for profile, is_minor in ((MAJOR_PROFILE, False), (MINOR_PROFILE, True)):
        for tonic in range(12):
            rolled = np.roll(profile, tonic)
            if weights.std() == 0:
                return 0, False
            fit = float(np.corrcoef(weights, rolled)[0, 1])
            if fit > best[0] + 1e-12:
                best = (fit, tonic, is_minor)
    return best[1], best[2]


def semitones_to_c(weights: Float[np.ndarray, "12"]) -> int:
    """Smallest transposition (-6 … 5) that brings the estimated key to C major or A minor."""
    tonic, is_minor = estimated_key(weights)
    return ((9 if is_minor else 0) - tonic + 6) % 12 - 6


def template_chords(voices: Int[np.ndarray, "n 3"], length: int) -> tuple[Int[np.ndarray, "m 2"], float]:
    """Chord of each beat from all notes that sound in it, and the mean score of the chosen templates.

    Score of a template: share of the sounding duration on it, less the share off it, less 0.05 for each of its notes,
    plus 0.1 where the bass is its root. A silent beat keeps the chord before it.
    """
    beats = -(-length // BEAT)
    profile = np.zeros((beats, 12))
    bass = np.full(beats, 999)
    for onset, duration, pitch in np.asarray(voices).tolist():
        first, last = onset // BEAT, (onset + duration - 1) // BEAT
        for beat in range(max(first, 0), min(last, beats - 1) + 1):
            overlap = min(onset + duration, (beat + 1) * BEAT) - max(onset, beat * BEAT)
            profile[beat, pitch % 12] += overlap
            bass[beat] = min(bass[beat], pitch)
    total = profile.sum(1, keepdims=True)
    share = profile / np.maximum(total, 1e-9)
    on = share @ _TONES.T
    score = on - (1 - on) - SIZE_PENALTY * _TONES.sum(1)
    score += BASS_BONUS * (bass[:, None] % 12 == _ROOTS[None]) * (bass[:, None] < 999)
    chosen = score.argmax(1) + 1
    is_silent = total[:, 0] == 0
    rows, now = [], NO_CHORD
    for beat in range(beats):
        now = now if is_silent[beat] else int(chosen[beat])
        rows.append((beat * BEAT, now))
    fit = float(score.max(1)[~is_silent].mean()) if (~is_silent).any() else 0.0
    return merged(np.array(rows, np.int64).reshape(-1, 2)), fit
