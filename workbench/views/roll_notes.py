"""Notes of a piano roll, and edits of them as pure functions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

NAMES = ("C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B")
BLACK = frozenset((1, 3, 6, 8, 10))
LOWEST, HIGHEST = 0, 127


@dataclass(frozen=True)
class RollNote:
    """A note in beats; `kind` picks its colour among those that the roll was given."""

    start: float
    length: float
    pitch: int
    velocity: int = 88
    kind: str = "note"

    @property
    def end(self) -> float:
        """Beat at which it ends."""
        return self.start + self.length


Notes = tuple[RollNote, ...]


def pitch_name(pitch: int) -> str:
    """Name with octave; middle C (60) is C4."""
    return f"{NAMES[pitch % 12]}{pitch // 12 - 1}"


def snapped(beat: float, grid: float) -> float:
    """Nearest line of the grid."""
    return round(beat / grid) * grid


def floored(beat: float, grid: float) -> float:
    """Last line of the grid at or before a beat."""
    return int(beat / grid + 1e-9) * grid


def without_overlaps(notes: Sequence[RollNote], winners: Collection[int]) -> Notes:
    """One note at a time: where notes overlap, those with an index in `winners` stay, and others give way.

    A note that a winner begins in is cut short; one that begins under a winner starts at its end, or is dropped when
    nothing of it is left.
    """
    won = sorted((notes[index] for index in winners), key=lambda note: (note.start, -note.pitch))
    kept: list[RollNote] = []
    for note in won:  # among winners the later one cuts the earlier one
        if kept and note.start < kept[-1].end - 1e-9:
            if note.start <= kept[-1].start + 1e-9:
                continue
            kept[-1] = replace(kept[-1], length=note.start - kept[-1].start)
        kept.append(note)
    others: list[RollNote] = []
    for index, note in sorted(enumerate(notes), key=lambda own: own[1].start):
        if index in winners:
            continue
        start, end = note.start, note.end
        for other in kept:
            if other.start <= start + 1e-9 and other.end > start + 1e-9:
                start = other.end
            elif start < other.start < end - 1e-9:
                end = other.start
        if others and others[-1].end > start + 1e-9:
            others[-1] = replace(others[-1], length=start - others[-1].start)
            if others[-1].length <= 1e-6:
                others.pop()
        if end - start > 1e-6:
            others.append(replace(note, start=start, length=end - start))
    return tuple(sorted((*kept, *others), key=lambda note: (note.start, note.pitch)))


def moved(notes: Sequence[RollNote], chosen: Collection[int], beats: float, semitones: int, length: float) -> Notes:
    """Move the chosen notes together, no farther than the piece and the pitches reach."""
    own = [notes[index] for index in chosen]
    if not own:
        return tuple(notes)
    beats = max(beats, -min(note.start for note in own))
    beats = min(beats, length - max(note.end for note in own))
    semitones = max(semitones, LOWEST - min(note.pitch for note in own))
    semitones = min(semitones, HIGHEST - max(note.pitch for note in own))
    return tuple(
        replace(note, start=note.start + beats, pitch=note.pitch + semitones) if index in chosen else note
        for index, note in enumerate(notes)
    )


def resized(notes: Sequence[RollNote], chosen: Collection[int], beats: float, grid: float, length: float) -> Notes:
    """Lengthen the chosen notes by `beats`, to a line of the grid at least and the piece's end at most."""
    return tuple(
        replace(note, length=min(max(note.length + beats, grid), length - note.start)) if index in chosen else note
        for index, note in enumerate(notes)
    )


def louder(notes: Sequence[RollNote], chosen: Collection[int], by: int) -> Notes:
    """Change the chosen notes' velocities, within 1 … 127."""
    return tuple(
        replace(note, velocity=min(max(note.velocity + by, 1), 127)) if index in chosen else note
        for index, note in enumerate(notes)
    )
