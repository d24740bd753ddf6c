"""What is in the roll: a score that is edited, its takes, and the undoable commands on them. Qt, no torch."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtGui import QUndoCommand

from plugins.cm_hrnn.chords import BAR, NAMES, chord_pitches, chord_tones, chords_at, merged, transposed
from plugins.cm_hrnn.frames import Song, Take
from plugins.cm_hrnn.representation import moved_pitches
from workbench.audio.notes import Notes
from workbench.views.roll_notes import RollNote

if TYPE_CHECKING:
    from jaxtyping import Int

    from plugins.cm_hrnn.panel_desk import MelodyDesk

BEAT = 4
"""Sixteenths in a beat."""
GIVEN, TONE, OTHER = "given", "tone", "other"
KINDS: dict[str, tuple[str | int, str]] = {
    GIVEN: ("muted", "primer"),
    TONE: (0, "chord tone"),
    OTHER: (1, "other note"),
}
CHORD_VELOCITY = 70
_TONES = chord_tones()


@dataclass(frozen=True)
class Score:
    """Notes in beats, chords (sixteenth, class), length and primer in sixteenths, kept bars, tempo.

    All is as the person sees and hears it, `key` semitones above C; networks are asked in C.
    """

    notes: tuple[RollNote, ...] = ()
    chords: tuple[tuple[int, int], ...] = ((0, 0),)
    length: int = 8 * BAR
    primer: int = 0
    kept_bars: frozenset[int] = frozenset()
    tempo: float = 100.0
    title: str = ""
    key: int = 0

    @property
    def bars(self) -> int:
        """Bars, the last one perhaps begun only."""
        return -(-self.length // BAR)

    def note_rows(self) -> Int[np.ndarray, "n 3"]:
        """Onset, length (sixteenths) and pitch."""
        rows = [(round(note.start * BEAT), max(1, round(note.length * BEAT)), note.pitch) for note in self.notes]
        return np.array(rows, np.int64).reshape(-1, 3)

    def chord_rows(self) -> Int[np.ndarray, "m 2"]:
        """Onset and class."""
        return np.array(self.chords, np.int64).reshape(-1, 2)

    def velocities(self) -> Int[np.ndarray, " n"]:
        """Velocity of each note."""
        return np.array([note.velocity for note in self.notes], np.int64)

    def in_key(self, key: int) -> Score:
        """The same so many semitones above C."""
        if key == self.key:
            return self
        by = key - self.key
        pitches = moved_pitches(self.note_rows()[:, 2], by).tolist()
        notes = tuple(replace(note, pitch=pitch) for note, pitch in zip(self.notes, pitches, strict=True))
        chords = tuple((onset, transposed(chord, by)) for onset, chord in self.chords)
        return replace(self, notes=notes, chords=chords, key=key)

    def arguments(self) -> dict[str, Any]:
        """What actions want to know, in C."""
        own = self.in_key(0)
        return {"notes": own.note_rows(), "chords": own.chord_rows(), "length": self.length}

    def song(self, events: np.ndarray | None = None) -> Song:
        """The score as a song in C to export; its events are made anew where none are given."""
        own = self.in_key(0)
        return Song(
            self.title,
            own.note_rows(),
            own.chord_rows(),
            self.length,
            np.zeros((0, 4), np.int64) if events is None else events,
            self.primer,
            self.tempo,
        )

    def sound(self, *, with_chords: bool = True) -> Notes:
        """What is played, in beats."""
        rows = self.note_rows()
        melody = Notes.of(rows[:, 0] / BEAT, rows[:, 1] / BEAT, rows[:, 2], self.velocities())
        if not with_chords:
            return melody
        ends = [onset for onset, _ in self.chords[1:]] + [self.length]
        block = [
            (onset / BEAT, (end - onset) / BEAT, pitch)
            for (onset, chord), end in zip(self.chords, ends, strict=True)
            for pitch in chord_pitches(chord)
            if end > onset
        ]
        table = np.array(block, float).reshape(-1, 3)
        return melody.joined(Notes.of(table[:, 0], table[:, 1], table[:, 2], CHORD_VELOCITY).as_accompaniment())

    def coloured(self) -> Score:
        """The same with each note's kind: primer, chord tone or another."""
        rows = self.note_rows()
        chords = chords_at(self.chord_rows(), rows[:, 0])
        fits = _TONES[chords, rows[:, 2] % 12].astype(bool) | (chords == 0)
        kinds = [GIVEN if row[0] < self.primer else TONE if fit else OTHER for row, fit in zip(rows, fits, strict=True)]
        return replace(self, notes=tuple(replace(n, kind=kind) for n, kind in zip(self.notes, kinds, strict=True)))

    def lane(self) -> list[tuple[float, str]]:
        """Chords as the roll shows them."""
        return [(onset / BEAT, NAMES[chord]) for onset, chord in self.chords]

    def with_chords(self, rows: Int[np.ndarray, "m 2"], length: int | None = None) -> Score:
        """Other chords, and another length where given; what lies beyond it goes."""
        length = self.length if length is None else length
        kept = [own for own in merged(rows).tolist() if own[0] < length]
        notes = tuple(
            replace(note, length=min(note.length, length / BEAT - note.start))
            for note in self.notes
            if note.start < length / BEAT
        )
        bars = frozenset(bar for bar in self.kept_bars if bar * BAR < length)
        return replace(
            self,
            chords=tuple((int(a), int(b)) for a, b in kept),
            length=length,
            notes=notes,
            primer=min(self.primer, length),
            kept_bars=bars,
        )

    def as_plain(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "notes": [[n.start, n.length, n.pitch, n.velocity] for n in self.notes],
            "chords": [list(own) for own in self.chords],
            "length": self.length,
            "primer": self.primer,
            "kept_bars": sorted(self.kept_bars),
            "tempo": self.tempo,
            "title": self.title,
            "key": self.key,
        }

    @classmethod
    def of_plain(cls, value: Any) -> Score:
        """Inverse of `as_plain`; raise ValueError for anything else."""
        try:
            notes = tuple(RollNote(float(a), float(b), int(c), int(d)) for a, b, c, d in value["notes"])
            chords = tuple((int(a), int(b)) for a, b in value["chords"])
            made = cls(
                notes,
                chords,
                int(value["length"]),
                int(value["primer"]),
                frozenset(int(bar) for bar in value["kept_bars"]),
                float(value["tempo"]),
                str(value["title"]),
                int(value.get("key", 0)),
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"not a score: {error}") from None
        is_sound = made.length >= BAR and made.chords and all(0 <= chord < len(NAMES) for _, chord in made.chords)
        if not is_sound or any(n.length <= 0 or n.start < 0 or not 0 <= n.pitch <= 127 for n in notes):
            raise ValueError("not a score: its times, pitches or chords cannot be")
        return made


def score_of(song: Song) -> Score:
    """The score of a song, in C."""
    notes = tuple(RollNote(onset / BEAT, length / BEAT, pitch) for onset, length, pitch in song.notes.tolist())
    chords = tuple((int(a), int(b)) for a, b in song.chords.tolist()) or ((0, 0),)
    return Score(notes, chords, max(int(song.length), BAR), int(song.given), frozenset(), song.tempo, song.title)


@dataclass
class TakeEntry:
    """One entry of the take list: its score, and what the network said about it when it was made."""

    name: str
    score: Score
    take: Take | None = None
    is_live: bool = False
    seed: int = 0
    variant: str = ""
    details: dict[str, Any] = field(default_factory=dict)


class EditScore(QUndoCommand):
    """The score of one take, before and after an edit."""

    def __init__(self, desk: MelodyDesk, entry: TakeEntry, before: Score, after: Score, text: str) -> None:
        super().__init__(text)
        self._desk, self._entry, self._before, self._after = desk, entry, before, after

    def redo(self) -> None:
        """Show the take as edited."""
        self._desk.apply(self._entry, self._after)

    def undo(self) -> None:
        """Show it as it was."""
        self._desk.apply(self._entry, self._before)


class AddTake(QUndoCommand):
    """A take that was generated or forked; undone, it leaves the list."""

    def __init__(self, desk: MelodyDesk, entry: TakeEntry, text: str) -> None:
        super().__init__(text)
        self._desk, self._entry = desk, entry
        self._shown_before = desk.shown

    def redo(self) -> None:
        """Put it into the list and show it."""
        self._desk.insert(self._entry)

    def undo(self) -> None:
        """Take it out, and show what was shown before."""
        self._desk.remove(self._entry, self._shown_before)


class RemoveTake(QUndoCommand):
    """A take that the person removed."""

    def __init__(self, desk: MelodyDesk, entry: TakeEntry) -> None:
        super().__init__(f"remove {entry.name}")
        self._desk, self._entry = desk, entry

    def redo(self) -> None:
        """Take it out."""
        self._desk.remove(self._entry, None)

    def undo(self) -> None:
        """Put it back."""
        self._desk.insert(self._entry)
