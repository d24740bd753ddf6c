"""The shown song as a file, written by the worker."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QMenu, QWidget

from plugins.cm_hrnn.panel_score import Score, TakeEntry, score_of
from workbench.views.file_dialogs import ask_target

if TYPE_CHECKING:
    from workbench.views import SessionPort, Transport

    Base = QWidget
else:
    Base = object

EXPORTS = {
    "MIDI (melody, chords, markers) …": (".mid", True),
    "MIDI, melody only …": (".mid", False),
    "MusicXML …": (".musicxml", True),
    "WAV …": (".wav", True),
    "Events CSV …": (".csv", True),
    "Event array (paper's 197 layout) …": (".npy", True),
}
"""Text, suffix, and whether the chords are in it."""


class SongFiles(Base):
    """Mixed into the desk; needs `score`, `shown`, the transport and the port."""

    if TYPE_CHECKING:
        port: SessionPort
        transport: Transport
        shown: TakeEntry
        score: Score

    def export_menu(self, parent: QWidget) -> QMenu:
        """A menu with every file format of a song."""
        menu = QMenu(parent)
        for text, (suffix, has_chords) in EXPORTS.items():
            menu.addAction(text).triggered.connect(partial(self._ask_export, suffix, has_chords))
        return menu

    def _ask_export(self, suffix: str, has_chords: bool, checked: bool = False) -> None:
        write = partial(self._export_to, has_chords)
        ask_target(self, "Export the song", Path.home() / f"melody{suffix}", [f"*{suffix}"], write)

    def _export_to(self, has_chords: bool, path: Path) -> None:
        self.export(str(path), has_chords=has_chords)

    def export(self, path: str, *, has_chords: bool = True) -> None:
        """Let the worker write the shown song to a file."""
        take = self.shown.take
        is_untouched = take is not None and score_of(take.song).notes == tuple(
            replace(n, kind="note", velocity=88) for n in self.score.in_key(0).notes
        )
        song = replace(
            self.score.song(take.song.events if is_untouched and take else None),
            title=self.score.title or self.shown.name,
        )
        sound = self.transport.sound_button.choice
        self.port.ask_latest(
            "save",
            self._saved,
            path=path,
            song=song,
            velocity=self.score.velocities(),
            key=self.score.key,
            has_chords=has_chords,
            soundfont=sound.path,
            programme=sound.programme,
        )

    def _saved(self, path: str) -> None:
        self.port.say(f"Written: {path}")
