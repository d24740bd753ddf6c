"""Generating under the person's chords: what is asked, notes that come in as they are sampled, the finished take."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QPushButton, QWidget

from plugins.cm_hrnn.contract import named
from plugins.cm_hrnn.frames import Take
from plugins.cm_hrnn.panel_score import BEAT, AddTake, Score, TakeEntry, score_of

if TYPE_CHECKING:
    from plugins.cm_hrnn.panel_desk import MelodyDesk
    from workbench.views import PianoRoll, SessionPort, Transport

    Base = QWidget
else:
    Base = object


class Composing(Base):
    """Mixed into the desk; needs `score`, `shown`, `variant`, `seed`, the roll, the transport and the port."""

    if TYPE_CHECKING:
        port: SessionPort
        roll: PianoRoll
        transport: Transport
        generate_button: QPushButton
        shown: TakeEntry
        variant: str
        seed: int
        score: Score
        _composing: TakeEntry | None
        _before_composing: TakeEntry
        _new_name: Callable[[], str]
        _draw: Callable[[], None]

    @Slot()
    def generate(self) -> None:
        """Go on from the primer."""
        self.compose(self.score.primer)

    @Slot()
    def vary(self) -> None:
        """Generate once more with the next seed."""
        self.seed += 1
        self.compose(self.score.primer)

    def generate_from(self, place: int, **options: Any) -> None:
        """Keep the notes before a place (sixteenths) and go on from there; the primer's mark stays."""
        self.compose(place, **options)

    def compose(
        self, place: int, *, forced: Mapping[int, int] | None = None, copies: Mapping[int, int] | None = None
    ) -> None:
        """Ask for a new take that goes on from `place`; its notes come in as they are sampled."""
        if not self.variant:
            self.port.say("The network is not ready yet.")
            return
        score = self.score
        if self._composing is None:
            self._before_composing = self.shown
        name = f"{self._new_name()}: {named(self.variant)}, seed {self.seed}"
        entry = TakeEntry(name, score, seed=self.seed, variant=self.variant)
        self._composing = entry
        self.generate_button.setText("Generating …")
        self.port.ask_latest(
            "compose",
            partial(self._composed, entry, score),
            partial=partial(self._composing_on, entry, score),
            failed=self._compose_failed,
            variant=self.variant,
            primer=int(place),
            seed=self.seed,
            kept_bars=sorted(score.kept_bars),
            forced=dict(forced or {}),
            copies=dict(copies or {}),
            tempo=score.tempo,
            title=name,
            **score.arguments(),
        )

    def _merge(self, score: Score, take: Take) -> Score:
        """The new score: velocities of given notes are kept, marks stay where they are."""
        made = score_of(take.song).in_key(score.key)
        loudness = {(note.start, note.pitch): note.velocity for note in score.notes}
        notes = tuple(replace(n, velocity=loudness.get((n.start, n.pitch), n.velocity)) for n in made.notes)
        length = max(score.length, made.length if take.is_finished else 0)
        chords = score.chords
        return replace(score, notes=notes, chords=chords, length=length, title=take.song.title).coloured()

    def _composing_on(self, entry: TakeEntry, score: Score, said: object) -> None:
        if isinstance(said, Take) and entry is self._composing:
            entry.score = self._merge(score, said)
            self.roll.set_notes(entry.score.notes, length=entry.score.length / BEAT)
            self.roll.set_playhead(said.song.length / BEAT if not self.transport.is_playing else self.roll.playhead)
            if self.transport.is_playing:
                self.transport.set_notes(entry.score.sound(), entry.score.length / BEAT)

    def _composed(self, entry: TakeEntry, score: Score, take: Take) -> None:
        if entry is not self._composing:
            return
        self._end_composing()
        entry.take, entry.score = take, self._merge(score, take)
        self.port.undo_stack.push(AddTake(cast("MelodyDesk", self), entry, "generate"))
        self.roll.set_playhead(self.transport.player.position if self.transport.is_playing else None)

    def _compose_failed(self, sentence: str) -> None:
        self._end_composing()
        self._draw()
        self.port.say(sentence)

    def _end_composing(self) -> None:
        self._composing = None
        self.shown = self._before_composing
        self.generate_button.setText("Generate")

    @property
    def is_composing(self) -> bool:
        """Whether a take is being generated."""
        return self._composing is not None
