"""Lead sheets and the paper's events: what is encoded, how it is decoded, and the arrays the networks see.

An event is (bar flag, chord, duration, pitch), one for each note, cut at bar lines and chord changes; a cut note goes
on as "sustain". Times are in sixteenths of a 4/4 bar.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from plugins.cm_hrnn.chords import BAR, CHORDS, NO_CHORD, chords_at, merged, transposed

if TYPE_CHECKING:
    from jaxtyping import Float, Int

BARS, DURATIONS, PITCHES = 2, 16, 130
REST, SUSTAIN, FIRST_PITCH = 0, 1, 2
EVENT_SIZE = BARS + CHORDS + DURATIONS + PITCHES
"""197: the published arrays' row."""
INPUT_SIZE = EVENT_SIZE + CHORDS
"""246: with the chord of the next event put in front of the chord."""
TARGET_SIZE = BARS + DURATIONS + PITCHES
BAR_SLOT, CHORD_SLOT, DURATION_SLOT, PITCH_SLOT = range(4)
OFFSETS = (0, BARS, BARS + CHORDS, BARS + CHORDS + DURATIONS)
"""Where each part of an event begins in its 197 numbers."""
INPUT_OFFSETS = (0, BARS, BARS + CHORDS, BARS + 2 * CHORDS, BARS + 2 * CHORDS + DURATIONS)
"""Bar, next chord, chord, duration, pitch in the 246 numbers of the conditioned input."""
MELODY_VELOCITY = 88
EMPTY_NOTES = np.zeros((0, 3), np.int64)


@dataclass(frozen=True)
class LeadSheet:
    """A monophonic melody over chords, in 4/4 on the grid of sixteenths.

    `notes` (n, 3): onset, length, MIDI pitch, sorted, not overlapping, within `length`. `chords` (m, 2): onset and
    chord class, neighbours differing, the first at 0. `semitones` is by how much the piece was transposed.
    """

    notes: Int[np.ndarray, "n 3"]
    chords: Int[np.ndarray, "m 2"]
    length: int
    title: str = ""
    semitones: int = 0
    tempo: float = 100.0
    source: str = field(default="", compare=False)

    @property
    def bars(self) -> int:
        """Bars, the last one perhaps begun only."""
        return -(-self.length // BAR)

    def equals(self, other: LeadSheet) -> bool:
        """Whether notes, chords and length are the same."""
        return (
            self.length == other.length
            and np.array_equal(self.notes, other.notes)
            and np.array_equal(self.chords, other.chords)
        )


def lead_sheet(
    notes: Sequence[Sequence[int]] | np.ndarray,
    chords: Sequence[Sequence[int]] | np.ndarray = (),
    length: int | None = None,
    *,
    title: str = "",
    semitones: int = 0,
    tempo: float = 100.0,
    source: str = "",
) -> LeadSheet:
    """Make a valid lead sheet: sort, cut overlaps at the next onset, merge equal chords, fill with no chord.

    Raises ValueError with a sentence for negative times, empty notes, pitches outside 0 … 127 or unknown chords.
    """
    rows = np.array(notes, np.int64).reshape(-1, 3)
    harmony = np.array(chords, np.int64).reshape(-1, 2)
    if len(rows) and (rows[:, 0].min() < 0 or rows[:, 1].min() < 1):
        raise ValueError("A note needs an onset of 0 or later and a length of at least a sixteenth.")
    if len(rows) and (rows[:, 2].min() < 0 or rows[:, 2].max() > 127):
        raise ValueError(f"A pitch must be 0 to 127, not {rows[:, 2].min()} to {rows[:, 2].max()}.")
    if len(harmony) and (harmony.min() < 0 or harmony[:, 1].max() >= CHORDS):
        raise ValueError("A chord needs an onset of 0 or later and one of the 49 classes.")
    rows = rows[np.lexsort((-rows[:, 2], rows[:, 0]))]
    if len(rows):
        rows = rows[np.concatenate([[True], np.diff(rows[:, 0]) > 0])]  # of a chord, the top note
        rows[:-1, 1] = np.minimum(rows[:-1, 1], np.diff(rows[:, 0]))
    end = int(rows[-1, :2].sum()) if len(rows) else 0
    if length is None:
        last = int(harmony[:, 0].max()) + 1 if len(harmony) else 0
        length = -(-max(end, last) // BAR) * BAR
    rows = rows[rows[:, 0] < length]
    rows[:, 1] = np.minimum(rows[:, 1], length - rows[:, 0])
    harmony = harmony[np.argsort(harmony[:, 0], kind="stable")]
    if len(harmony):  # of chords at one time, the last
        harmony = harmony[np.concatenate([np.diff(harmony[:, 0]) > 0, [True]])]
    harmony = harmony[harmony[:, 0] < max(length, 1)]
    if not len(harmony) or harmony[0, 0] > 0:
        harmony = np.concatenate([np.array([[0, NO_CHORD]]), harmony])
    return LeadSheet(rows, merged(harmony), int(length), title, semitones, tempo, source)


def moved_pitches(pitches: Int[np.ndarray, " n"], semitones: int) -> Int[np.ndarray, " n"]:
    """MIDI pitches so many semitones (at most an octave) higher; what leaves 0 … 127 comes back by an octave."""
    moved = pitches + semitones
    return np.where(moved < 0, moved + 12, np.where(moved > 127, moved - 12, moved))


def moved_chords(rows: Int[np.ndarray, "m k"], semitones: int, column: int = 1) -> Int[np.ndarray, "m k"]:
    """Rows with the chord class in one column so many semitones higher."""
    moved = rows.copy()
    moved[:, column] = [transposed(int(chord), semitones) for chord in rows[:, column]]
    return moved


def moved_notes(notes: Int[np.ndarray, "n 3"], semitones: int) -> Int[np.ndarray, "n 3"]:
    """Notes so many semitones higher."""
    return np.concatenate([notes[:, :2], moved_pitches(notes[:, 2], semitones)[:, None]], 1)


def moved_events(events: Int[np.ndarray, "L 4"], semitones: int) -> Int[np.ndarray, "L 4"]:
    """Events so many semitones higher; rests and sustained notes stay what they are."""
    moved = moved_chords(events, semitones, CHORD_SLOT)
    is_note = events[:, PITCH_SLOT] >= FIRST_PITCH
    moved[is_note, PITCH_SLOT] = moved_pitches(events[is_note, PITCH_SLOT] - FIRST_PITCH, semitones) + FIRST_PITCH
    return moved


def transpose(sheet: LeadSheet, semitones: int) -> LeadSheet:
    """Move melody and chords; notes that leave 0 … 127 are moved back by octaves."""
    return replace(sheet, notes=moved_notes(sheet.notes, semitones), chords=moved_chords(sheet.chords, semitones),
                   semitones=sheet.semitones + semitones)  # fmt: skip


def encode(sheet: LeadSheet) -> Int[np.ndarray, "L 4"]:
    """Events of a lead sheet: rows of bar flag, chord, duration index d for (d + 1) sixteenths, pitch class.

    Every note and rest is cut at bar lines and chord changes; a cut note goes on as SUSTAIN.
    """
    rows: list[tuple[int, int, int, int]] = []
    cuts = np.union1d(np.arange(0, sheet.length, BAR), sheet.chords[:, 0])
    segments: list[tuple[int, int, int]] = []
    now = 0
    for onset, length, pitch in sheet.notes.tolist():
        if onset > now:
            segments.append((now, onset, -1))
        segments.append((onset, onset + length, pitch))
        now = onset + length
    if now < sheet.length:
        segments.append((now, sheet.length, -1))
    for start, end, pitch in segments:
        inner = cuts[(cuts > start) & (cuts < end)].tolist()
        edges = [start, *inner, end]
        harmony = chords_at(sheet.chords, np.array(edges[:-1], np.int64))
        for index, chord in enumerate(harmony.tolist()):
            code = REST if pitch < 0 else (SUSTAIN if index else pitch + FIRST_PITCH)
            left, right = edges[index], edges[index + 1]
            rows.append((int(left % BAR == 0), chord, right - left - 1, code))
    return np.array(rows, np.int64).reshape(-1, 4)


def decode(events: Int[np.ndarray, "L 4"], *, title: str = "", tempo: float = 100.0) -> LeadSheet:
    """Lead sheet of any events, also of sampled ones: a sustain with no note before it is a rest."""
    ends = np.cumsum(events[:, DURATION_SLOT] + 1)
    starts = ends - events[:, DURATION_SLOT] - 1
    notes: list[list[int]] = []
    is_sounding = False
    for start, end, code in zip(starts.tolist(), ends.tolist(), events[:, PITCH_SLOT].tolist(), strict=True):
        if code >= FIRST_PITCH:
            notes.append([start, end - start, code - FIRST_PITCH])
            is_sounding = True
        elif code == SUSTAIN and is_sounding:
            notes[-1][1] += end - start
        else:
            is_sounding = False
    chords = np.stack([starts, events[:, CHORD_SLOT]], 1) if len(events) else np.zeros((0, 2), np.int64)
    return lead_sheet(notes, chords, int(ends[-1]) if len(ends) else 0, title=title, tempo=tempo)


def one_hot_events(events: Int[np.ndarray, "L 4"]) -> Float[np.ndarray, "L 197"]:
    """The published layout: four ones a row in 2 + 49 + 16 + 130 numbers."""
    array = np.zeros((len(events), EVENT_SIZE), np.float32)
    rows = np.arange(len(events))
    for part, offset in enumerate(OFFSETS):
        array[rows, offset + events[:, part]] = 1
    return array


def events_of_one_hot(array: Float[np.ndarray, "... 197"]) -> Int[np.ndarray, "L 4"]:
    """Inverse of `one_hot_events`; takes the published [1, L, 197] too. Raises ValueError for anything else."""
    array = np.asarray(array)
    if array.ndim == 3 and array.shape[0] == 1:
        array = array[0]
    if array.ndim != 2 or array.shape[1] != EVENT_SIZE:
        raise ValueError(f"Events are an array (L, {EVENT_SIZE}), not {array.shape}.")
    ends = (*OFFSETS[1:], EVENT_SIZE)
    parts = [array[:, start:end] for start, end in zip(OFFSETS, ends, strict=True)]
    if any(not np.array_equal(np.sort(part, 1)[:, -2:], np.tile([0, 1], (len(part), 1))) for part in parts):
        raise ValueError("Every event needs exactly one 1 in each of its four parts.")
    return np.stack([part.argmax(1) for part in parts], 1)


def conditioned(events: Int[np.ndarray, "L 4"]) -> Int[np.ndarray, "L 5"]:
    """Input x: bar, chord of the *next* event, chord, duration, pitch; behind the last event there is no chord."""
    following = np.append(events[1:, CHORD_SLOT], NO_CHORD) if len(events) else np.zeros(0, np.int64)
    return np.stack([events[:, 0], following, events[:, 1], events[:, 2], events[:, 3]], 1)


def accumulated_time(events: Int[np.ndarray, "L 4"]) -> Int[np.ndarray, " L"]:
    """Time a_t in the bar before each event, as a duration index: from the latest bar start before t up to t - 1.

    At an event that starts the next bar it is a whole bar. The first event has no history and gets index 0; more
    than a bar is clamped to a bar.
    """
    found = np.zeros(len(events), np.int64)
    elapsed = 0
    for t in range(len(events)):
        found[t] = min(max(elapsed, 1), DURATIONS) - 1
        if events[t, BAR_SLOT]:
            elapsed = 0
        elapsed += int(events[t, DURATION_SLOT]) + 1
    return found


def trimmed(events: Int[np.ndarray, "L 4"]) -> Int[np.ndarray, "k 4"]:
    """Drop trailing events without a chord, as before generation; a piece without any chord stays as it is."""
    with_chord = np.flatnonzero(events[:, CHORD_SLOT] != NO_CHORD)
    return events[: with_chord[-1] + 1] if len(with_chord) else events
