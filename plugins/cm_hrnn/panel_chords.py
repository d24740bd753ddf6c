"""Editing the chords under the roll: typed, picked from a menu, dragged by their edges."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPoint, Qt, Slot
from PySide6.QtGui import QCursor
from PySide6.QtWidgets import QLineEdit, QMenu, QWidget

from plugins.cm_hrnn.chords import (
    BAR,
    MODE_SUFFIX,
    MODES,
    NAMES,
    NO_CHORD,
    ROOTS,
    chord_class,
    chords_at,
    merged,
    parsed_progression,
    progression_bars,
    progression_text,
    root_of,
)
from plugins.cm_hrnn.panel_score import BEAT, Score
from plugins.cm_hrnn.representation import moved_chords

if TYPE_CHECKING:
    from collections.abc import Callable

    from workbench.views import PianoRoll, SessionPort

    Base = QWidget
else:
    Base = object

HALF_BAR = BAR // 2


class ChordEditing(Base):
    """Mixed into the desk; needs `score`, `edit`, `generate_from`, `regenerates`, `chord_text`."""

    if TYPE_CHECKING:
        score: Score
        edit: Callable[[Score, str], None]
        generate_from: Callable[[int], None]
        regenerates: bool
        chord_text: QLineEdit
        roll: PianoRoll
        port: SessionPort
        key: int

    @Slot(object, object)
    def _lane_edited(self, before: object, after: tuple[tuple[float, str], ...]) -> None:
        rows = [(round(beat * BEAT), chord) for (beat, _), (_, chord) in zip(after, self.score.chords, strict=True)]
        self._change_chords(np.array(rows, np.int64), "move a chord")

    def _change_chords(self, rows: np.ndarray, text: str, length: int | None = None) -> None:
        before = self.score
        after = before.with_chords(rows, length)
        self.edit(after, text)
        if self.regenerates:
            changed = first_difference(before.chord_rows(), after.chord_rows(), after.length)
            self.generate_from(max(before.primer, changed))

    @Slot()
    def _chords_typed(self) -> None:
        self.use_progression(self.chord_text.text())

    def use_progression(self, text: str) -> None:
        """Put typed chords under the roll, repeated to its length; a longer progression makes it longer."""
        try:
            rows, bars = parsed_progression(text), progression_bars(text)
        except ValueError as error:
            self.port.say(str(error))
            return
        total = max(self.score.bars, bars)
        times = -(-total // bars)
        whole = np.concatenate([rows + np.array([index * bars * BAR, 0]) for index in range(times)])
        self._change_chords(whole, "change the chords", total * BAR)
        self.chord_text.setText(text)

    def _preset_chosen(self, text: str, checked: bool = False) -> None:
        """Take a progression that is written in C into the key that is shown."""
        if self.key:
            text = progression_text(moved_chords(parsed_progression(text), self.key), progression_bars(text) * BAR)
        self.use_progression(text)

    @Slot(object)
    def _chord_clicked(self, index: int) -> None:
        half = int(self.roll.clicked_beat * BEAT) // HALF_BAR
        self.chord_menu(index, half).popup(QCursor.pos() if self.isVisible() else QPoint())

    def chord_menu(self, index: int, half: int | None = None) -> QMenu:
        """A menu of every root and mode for one chord, or for one half of a bar; to split it, to join it."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        now = self.score.chords[index][1]
        _fill_with_chords(menu, now, partial(self._set_chord, index))
        if half is not None and self._chord_length(index) > HALF_BAR:
            words = f"Only the {('first', 'second')[half % 2]} half of bar {half // 2 + 1}"
            _fill_with_chords(menu.addMenu(words), now, partial(self._set_half_bar, half))
        menu.addSeparator()
        split = menu.addAction("Split in two")
        split.triggered.connect(partial(self._split_chord, index))
        split.setEnabled(self._chord_length(index) >= 2)
        join = menu.addAction("Join to the chord before")
        join.triggered.connect(partial(self._join_chord, index))
        join.setEnabled(index > 0)
        return menu

    def _chord_length(self, index: int) -> int:
        chords = self.score.chords
        end = chords[index + 1][0] if index + 1 < len(chords) else self.score.length
        return end - chords[index][0]

    def _set_chord(self, index: int, chord: int, checked: bool = False) -> None:
        rows = self.score.chord_rows()
        rows[index, 1] = chord
        self._change_chords(merged(rows), "change a chord")

    def _set_half_bar(self, half: int, chord: int, checked: bool = False) -> None:
        """Put a chord on half a bar; what was before it goes on behind it."""
        at = chords_at(self.score.chord_rows(), np.arange(self.score.length))
        at[half * HALF_BAR : (half + 1) * HALF_BAR] = chord
        self._change_chords(merged(np.stack([np.arange(len(at)), at], 1)), "change half a bar's chord")

    @Slot(object, object)
    def _chord_moved(self, source: int, target: int) -> None:
        """Take a chord out, with its length, and put it where another one is; the chords between move along."""
        rows = self.score.chord_rows()
        spans = list(zip(np.diff(np.append(rows[:, 0], self.score.length)).tolist(), rows[:, 1].tolist(), strict=True))
        spans.insert(target, spans.pop(source))
        onsets = np.cumsum([0, *(length for length, _ in spans[:-1])])
        moved = np.stack([onsets, [chord for _, chord in spans]], 1)
        self._change_chords(merged(moved), "move a chord to another place")

    def _split_chord(self, index: int, checked: bool = False) -> None:
        rows = self.score.chord_rows()
        half = int(rows[index, 0]) + max(
            1, self._chord_length(index) // 2 // BEAT * BEAT or self._chord_length(index) // 2
        )
        chord = int(rows[index, 1])
        # Neighbours must differ, so the second half begins with the dominant of the first.
        other = chord_class(((root_of(chord) or 0) + 7) % 12, "7") if chord != NO_CHORD else chord_class(0, "maj")
        self._change_chords(np.insert(rows, index + 1, (half, other), axis=0), "split a chord")

    def _join_chord(self, index: int, checked: bool = False) -> None:
        self._change_chords(np.delete(self.score.chord_rows(), index, axis=0), "join chords")


def _fill_with_chords(menu: QMenu, now: int, chosen: Callable[..., None]) -> None:
    """A menu of roots, each with its modes; `chosen` gets the class."""
    for root in ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"):
        sub = menu.addMenu(root)
        pitch_class = (ROOTS.index(root) + 9) % 12
        for mode, suffix in zip(MODES, MODE_SUFFIX, strict=True):
            action = sub.addAction(f"{root}{suffix}")
            chord = chord_class(pitch_class, mode)
            action.setCheckable(True)
            action.setChecked(chord == now)
            action.triggered.connect(partial(chosen, chord))
        if root_of(now) == pitch_class:
            sub.menuAction().setCheckable(True)
            sub.menuAction().setChecked(True)
    menu.addAction(NAMES[NO_CHORD]).triggered.connect(partial(chosen, NO_CHORD))


def first_difference(before: np.ndarray, after: np.ndarray, length: int) -> int:
    """First sixteenth at which two progressions differ, else the length."""
    times = np.arange(length)
    differs = np.flatnonzero(chords_at(before, times) != chords_at(after, times))
    return int(differs[0]) if len(differs) else length


def shortened(text: str) -> str:
    """A progression without its repetitions, where it is one phrase again and again."""
    bars = text.split(" | ")
    for size in (1, 2, 4, 8, 12, 16):
        if size < len(bars) and all(bar == bars[index % size] for index, bar in enumerate(bars)):
            return " | ".join(bars[:size])
    return text
