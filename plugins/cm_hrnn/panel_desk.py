"""The desk: piano roll, chords, transport and takes; what the person does becomes scores, takes and questions."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from plugins.cm_hrnn.chords import (
    BAR,
    PROGRESSIONS,
    progression_text,
)
from plugins.cm_hrnn.contract import named
from plugins.cm_hrnn.frames import NextNote, Song, Take
from plugins.cm_hrnn.panel_chords import ChordEditing, shortened
from plugins.cm_hrnn.panel_composing import Composing
from plugins.cm_hrnn.panel_files import SongFiles
from plugins.cm_hrnn.panel_score import (
    BEAT,
    KINDS,
    AddTake,
    EditScore,
    RemoveTake,
    Score,
    TakeEntry,
    score_of,
)
from workbench.audio.player import Player
from workbench.views import PianoRoll, RollNote, SessionPort, Transport
from workbench.views.picks import Pick

SETTLE_MS = 120
FIRST_PITCH = 2
LIVE = "live"


class MelodyDesk(ChordEditing, Composing, SongFiles, QWidget):
    """Roll, transport, takes. `changed` is emitted when another score is shown or the shown one was edited.

    `next_note_changed` emits (NextNote, row) for the place under the mouse or playhead, or None.
    """

    changed = Signal()
    next_note_changed = Signal(object)

    def __init__(self, port: SessionPort, *, player: Player | None = None) -> None:
        super().__init__()
        self.port = port
        self.entries: list[TakeEntry] = [TakeEntry(LIVE, Score(), is_live=True)]
        self.shown = self.entries[0]
        self.variant = ""
        self.seed = 0
        self.key = 0
        self.regenerates = False
        self._made = 0
        self._composing: TakeEntry | None = None
        self._before_composing = self.shown
        self._next: NextNote | None = None
        self._hovered: float | None = None
        self._ghost: TakeEntry | None = None
        self.roll = PianoRoll("roll", "Piano roll", kinds=KINDS)
        self.roll.shows_joins = True
        self.transport = Transport(player)
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(SETTLE_MS)
        self._settle.timeout.connect(self._settled)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(1)
        layout.addWidget(self.roll, 1)
        layout.addLayout(self._first_row())
        layout.addLayout(self._second_row())
        self._connect()

    def _first_row(self) -> QHBoxLayout:
        self.takes = QComboBox()
        self.takes.setToolTip("Takes: the live one follows training; each generation adds one")
        self.takes.setAccessibleName("Take")
        self.takes.setMinimumContentsLength(14)
        self.takes.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.takes.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.keep_button = _tool("Keep", "Keep what is shown as a take of its own")
        self.ghost_button = _tool("Compare", "Show the take that was shown before as outlines behind this one")
        self.ghost_button.setCheckable(True)
        self.remove_button = _tool("Remove", "Take this take out of the list")
        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(self.transport)
        row.addWidget(self.takes, 1)
        for button in (self.keep_button, self.ghost_button, self.remove_button):
            row.addWidget(button)
        return row

    def _second_row(self) -> QHBoxLayout:
        self.generate_button = QPushButton("Generate")
        self.generate_button.setToolTip("Go on from the primer under the chords (G)")
        self.vary_button = QPushButton("Vary")
        self.vary_button.setToolTip("Generate once more with the next sampling seed")
        self.chord_text = QLineEdit()
        self.chord_text.setPlaceholderText("Am7 | Dm7 G7 | Cmaj7")
        self.chord_text.setToolTip(
            "Chords: | between bars, % repeats a bar; Return puts them under the roll, repeated to its length"
        )
        self.chord_text.setAccessibleName("Chords")
        self.presets = QToolButton()
        self.presets.setText("Presets")
        self.presets.setToolTip("Chord progressions to begin with")
        self.presets.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self.presets)
        for name, text in PROGRESSIONS.items():
            menu.addAction(f"{name}   {text if len(text) < 40 else text[:38] + '…'}").triggered.connect(
                partial(self._preset_chosen, text)
            )
        self.presets.setMenu(menu)
        row = QHBoxLayout()
        row.setSpacing(4)
        row.setContentsMargins(2, 0, 2, 0)
        for widget in (self.generate_button, self.vary_button):
            row.addWidget(widget)
        row.addWidget(self.chord_text, 1)
        row.addWidget(self.presets)
        return row

    def _connect(self) -> None:
        roll = self.roll
        roll.edited.connect(self._roll_edited)
        roll.chords_edited.connect(self._lane_edited)
        roll.chord_clicked.connect(self._chord_clicked)
        roll.chord_moved.connect(self._chord_moved)
        roll.seeked.connect(self.transport.seek)
        roll.note_clicked.connect(self._note_clicked)
        roll.loop_dragged.connect(self._loop_dragged)
        roll.bar_toggled.connect(self._bar_toggled)
        roll.hovered.connect(self._hover)
        self.transport.moved.connect(self._playhead_moved)
        self.transport.playing_changed.connect(self._playing_changed)
        self.transport.tempo_changed.connect(self._tempo_chosen)
        self.transport.said.connect(self._said)
        self.takes.activated.connect(self._take_chosen)
        self.keep_button.clicked.connect(self._keep)
        self.ghost_button.toggled.connect(self._show_ghost)
        self.remove_button.clicked.connect(self._remove_clicked)
        self.generate_button.clicked.connect(self.generate)
        self.vary_button.clicked.connect(self.vary)
        self.chord_text.returnPressed.connect(self._chords_typed)
        for key, act in (("P", self.transport.toggle), ("G", self.generate)):
            shortcut = QShortcut(QKeySequence(key), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(act)

    # What is shown

    @property
    def score(self) -> Score:
        """The score that is shown."""
        return self.shown.score

    @property
    def next_note(self) -> NextNote | None:
        """Probabilities along the shown score, once the worker has answered."""
        return self._next

    def set_key(self, key: int) -> None:
        """Show, play and export everything so many semitones above C."""
        if key != self.key:
            self.key = key
            for entry in self.entries:
                entry.score = entry.score.in_key(key)
            self._draw()

    def show_live(self, take: Take) -> None:
        """Take over what training made of the song; it is drawn if the live take is shown."""
        live = self.entries[0]
        live.score, live.take, live.variant = self._in_key(score_of(take.song)), take, take.song.maker
        live.name = f"live: {named(take.song.maker)}, step {take.song.step}"
        self._fill_takes()
        if self.shown is live:
            self._draw()

    def show_entry(self, entry: TakeEntry) -> None:
        """Show a take."""
        if entry is not self.shown:
            self._ghost = self.shown
        self.shown = entry
        self._fill_takes()
        self._draw()

    def _in_key(self, score: Score) -> Score:
        return score.in_key(self.key).coloured()

    def apply(self, entry: TakeEntry, score: Score) -> None:
        """Give a take another score, and show it."""
        entry.score = self._in_key(score)
        if entry not in self.entries:
            self.entries.append(entry)
        self.show_entry(entry)

    def insert(self, entry: TakeEntry) -> None:
        """Put a take into the list and show it."""
        entry.score = self._in_key(entry.score)
        if entry not in self.entries:
            self.entries.append(entry)
        self.show_entry(entry)

    def remove(self, entry: TakeEntry, then: TakeEntry | None) -> None:
        """Take a take out of the list."""
        if entry in self.entries and not entry.is_live:
            self.entries.remove(entry)
        if self.shown is entry:
            self.shown = then if then in self.entries else self.entries[-1]  # type: ignore[assignment]
        self._fill_takes()
        self._draw()

    def _fill_takes(self) -> None:
        names = [entry.name for entry in self.entries]
        if names != [self.takes.itemText(index) for index in range(self.takes.count())]:
            self.takes.clear()
            self.takes.addItems(names)
        self.takes.setCurrentIndex(self.entries.index(self.shown))
        self.remove_button.setEnabled(not self.shown.is_live)
        self.remove_button.setToolTip(
            "The live take cannot be removed" if self.shown.is_live else "Take this take out of the list"
        )

    def _draw(self) -> None:
        score = self.score
        self.roll.set_notes(score.notes, length=score.length / BEAT)
        self.roll.set_chords(score.lane())
        self.roll.set_primer(score.primer / BEAT)
        self.roll.set_kept_bars(score.kept_bars)
        if self.shown.take is not None and self.shown.take.song.remarks:
            self.roll.title = f"{score.title or self.shown.name} ({self.shown.take.song.remarks})"
        else:
            self.roll.title = score.title or self.shown.name
        self._show_ghost()
        if not self.chord_text.hasFocus():
            self.chord_text.setText(shortened(progression_text(score.chord_rows(), score.length)))
        self.transport.set_tempo(score.tempo)
        self.transport.set_notes(score.sound(), score.length / BEAT)
        self._next = None
        self._settle.start()

    @Slot()
    def _show_ghost(self) -> None:
        ghost = self._ghost if self.ghost_button.isChecked() else None
        self.roll.set_ghosts(ghost.score.notes if ghost is not None and ghost is not self.shown else ())

    @Slot()
    def _settled(self) -> None:
        """Nothing changed for a moment: ask what the network thinks of this score, and let pages follow."""
        if self._composing is None:
            self.changed.emit()
            if self.variant and len(self.score.notes):
                self.port.ask_latest(
                    "next_notes",
                    partial(self._next_answered, self.score),
                    failed=self._no_next,
                    variant=self.variant,
                    **self.score.arguments(),
                )

    def _next_answered(self, score: Score, answer: NextNote) -> None:
        if score is self.score:
            self._next = answer
            self._show_next()

    def _no_next(self, sentence: str) -> None:
        self._next = None
        self._show_next()

    # Edits

    def edit(self, score: Score, text: str) -> None:
        """Change the shown score undoably; the live take is left as it is, and a copy is changed."""
        entry = self.shown
        if entry.is_live:
            entry = TakeEntry(self._new_name(), replace(self.score), self.shown.take, variant=self.variant)
            self.port.undo_stack.beginMacro(text)
            self.port.undo_stack.push(AddTake(self, entry, text))
            self.port.undo_stack.push(EditScore(self, entry, entry.score, score, text))
            self.port.undo_stack.endMacro()
        else:
            self.port.undo_stack.push(EditScore(self, entry, entry.score, score, text))

    def _new_name(self) -> str:
        self._made += 1
        return f"take {self._made}"

    @Slot(object, object, str)
    def _roll_edited(self, before: tuple[RollNote, ...], after: tuple[RollNote, ...], text: str) -> None:
        self.edit(replace(self.score, notes=after), text)

    @Slot(object)
    def _bar_toggled(self, bar: int) -> None:
        kept = self.score.kept_bars ^ {bar}
        self.edit(replace(self.score, kept_bars=kept), f"keep bar {bar + 1}" if bar in kept else f"free bar {bar + 1}")

    def set_primer(self, bars: int) -> None:
        """Let the given beginning end after so many bars."""
        primer = min(bars * BAR, self.score.length)
        if primer != self.score.primer:
            self.edit(replace(self.score, primer=primer), "move the primer's end")

    def set_bars(self, bars: int) -> None:
        """Make the song so many bars long; its chords go on as they began."""
        if bars == self.score.bars or bars < 1:
            return
        old, length = self.score.length, bars * BAR
        rows = self.score.chord_rows()
        times = -(-length // old)
        self.edit(
            self.score.with_chords(np.concatenate([rows + np.array([i * old, 0]) for i in range(times)]), length),
            f"{bars} bars",
        )

    @Slot(object)
    def _tempo_chosen(self, tempo: float) -> None:
        if tempo != self.score.tempo:
            self.shown.score = replace(self.score, tempo=float(tempo))

    # Takes

    @Slot(int)
    def _take_chosen(self, index: int) -> None:
        if 0 <= index < len(self.entries):
            self.show_entry(self.entries[index])

    @Slot()
    def _keep(self) -> None:
        entry = TakeEntry(
            self._new_name() + f" (kept: {self.shown.name.removeprefix('live: ')})",
            self.score,
            self.shown.take,
            variant=self.shown.variant,
        )
        self.port.undo_stack.push(AddTake(self, entry, "keep a take"))

    @Slot()
    def _remove_clicked(self) -> None:
        if not self.shown.is_live:
            self.port.undo_stack.push(RemoveTake(self, self.shown))

    def use_song(self, song: Song, name: str, primer_bars: int = 2) -> None:
        """Take a song as a new take: its chords, its tempo, its first bars as the primer."""
        score = replace(score_of(song), primer=min(primer_bars * BAR, song.length)).coloured()
        self.port.undo_stack.push(AddTake(self, TakeEntry(name, score, variant=self.variant), "use a song"))

    # Playhead, mouse, keyboard

    @Slot(object)
    def _loop_dragged(self, span: tuple[float, float] | None) -> None:
        self.roll.set_loop(span)
        self.transport.set_loop(span)

    @Slot(object)
    def _note_clicked(self, index: int) -> None:
        """Put the playhead there, so that the next-note page goes on showing what else could have come."""
        if not self.transport.is_playing and 0 <= index < len(self.score.notes):
            self.transport.seek(self.score.notes[index].start)

    @Slot(object)
    def _playhead_moved(self, beat: float) -> None:
        self.roll.set_playhead(beat, follows=True)
        self._show_next()

    @Slot(bool)
    def _playing_changed(self, is_playing: bool) -> None:
        self._show_next()

    @Slot(object)
    def _hover(self, pick: Pick | None) -> None:
        self._hovered = None if pick is None else pick.x
        if not self.transport.is_playing:
            self._show_next()

    def _show_next(self) -> None:
        """Show on the keyboard what could come at the playhead, or where the mouse is."""
        playing = self.transport.is_playing
        beat = self.roll.playhead if playing else self._hovered if self._hovered is not None else self.roll.playhead
        answer = self._next
        row = -1
        if answer is not None and len(answer.starts):
            time = 0.0 if beat is None else beat * BEAT
            row = int(np.searchsorted(answer.starts, time + 1e-6, side="right")) - 1
            row = max(row, 0) if beat is None else row
        pressed = [n.pitch for n in self.roll.notes if beat is not None and n.start <= beat < n.end] if playing else []
        chances = None if answer is None or row < 0 else in_key(answer.pitch[row, FIRST_PITCH:], self.key)
        self.roll.set_keys(chances, pressed)
        self.next_note_changed.emit((answer, row) if answer is not None and row >= 0 else None)

    @Slot(str)
    def _said(self, sentence: str) -> None:
        self.port.say(sentence)


def in_key(chances: np.ndarray, key: int) -> np.ndarray:
    """Probabilities of the 128 pitches moved up by `key` semitones; what leaves the range is not shown."""
    moved = np.roll(chances, key)
    moved[: max(key, 0)] = 0
    moved[len(moved) + min(key, 0) :] = 0
    return moved


def _tool(text: str, help: str) -> QToolButton:
    button = QToolButton()
    button.setText(text)
    button.setToolTip(help)
    return button
