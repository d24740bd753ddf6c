"""The button that chooses what is heard: the synthesiser, or a SoundFont file and one of its instruments."""

from __future__ import annotations

import threading
from functools import partial
from pathlib import Path

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QMenu, QToolButton, QWidget

from workbench.audio.choice import SoundChoice
from workbench.audio.player import Player
from workbench.audio.soundfont import SoundFont
from workbench.sdk import UserError
from workbench.views.file_dialogs import ask_file

SUFFIXES = "*.sf2 *.SF2 *.sf3 *.SF3"
HELP = "What is heard: the built-in synthesiser, or a SoundFont (.sf2, .sf3) of your own"


class SoundButton(QToolButton):
    """Chooses the sound of a Player, for this panel and all others. `said` emits a sentence for the person."""

    said = Signal(str)
    _loaded = Signal(object, object)

    def __init__(self, player: Player, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.player = player
        self.choice = SoundChoice()
        self.bank: SoundFont | None = None
        self._wanted = self._refused = self.choice
        self.setText("♬")
        self.setAutoRaise(True)
        self.setToolTip(HELP)
        self.setAccessibleName("Sound")
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self)
        menu.aboutToShow.connect(self.fill)
        self.setMenu(menu)
        self._loaded.connect(self._take)

    @Slot()
    def refresh(self) -> None:
        """Take over what was chosen last, perhaps in another panel."""
        chosen = SoundChoice.load()
        if chosen not in (self._wanted, self._refused):
            self.choose(chosen)

    def choose(self, choice: SoundChoice) -> None:
        """Load a choice; it is used and kept if it can be used, and else everything stays as it is."""
        self._wanted = choice
        self.setToolTip(f"Loading {Path(choice.path).name} …" if choice.path else HELP)
        threading.Thread(target=self._load_apart, args=(choice,), name="soundfont", daemon=True).start()

    def _load_apart(self, choice: SoundChoice) -> None:
        found: SoundFont | UserError | None
        try:
            found = choice.bank()
            if found is not None:
                found.note(60, 88, 1.0)  # reads the samples now, and tells whether they can be read
        except UserError as error:
            found = error
        try:
            self._loaded.emit(choice, found)
        except RuntimeError:  # the panel was closed in the meantime
            return

    @Slot(object, object)
    def _take(self, choice: SoundChoice, found: SoundFont | UserError | None) -> None:
        if choice != self._wanted:
            return
        if isinstance(found, UserError):
            self._wanted, self._refused = self.choice, choice
            self.said.emit(f"{found} The sound stays as it was.")
        else:
            self.choice, self.bank = choice, found
            self.player.set_bank(found)
            if choice != SoundChoice.load():
                choice.save()
        self.setToolTip(HELP if self.bank is None else f"{HELP}. Now: {self.bank.path.name}, {self.bank.preset.name}")

    @Slot()
    def fill(self) -> None:
        """Build the menu for what is chosen now."""
        menu = self.menu()
        menu.clear()
        self._entry(menu, "Synthesiser", SoundChoice(), is_on=self.bank is None)
        if self.bank is not None:
            self._entry(menu, self.bank.path.name, self.choice, is_on=True)
            instruments = menu.addMenu("Instrument")
            for preset in self.bank.file.presets:
                if preset.bank == 0:
                    choice = SoundChoice(self.choice.path, preset.programme)
                    self._entry(instruments, preset.name, choice, is_on=preset == self.bank.preset)
        menu.addSeparator()
        menu.addAction("Choose a SoundFont …").triggered.connect(self._ask)

    def _entry(self, menu: QMenu, text: str, choice: SoundChoice, *, is_on: bool) -> None:
        action = menu.addAction(text)
        action.setCheckable(True)
        action.setChecked(is_on)
        action.triggered.connect(partial(self._entry_chosen, choice))

    def _entry_chosen(self, choice: SoundChoice, checked: bool = False) -> None:
        self.choose(choice)

    @Slot()
    def _ask(self) -> None:
        start = Path(self.choice.path).parent if self.choice.path else ""
        ask_file(self, "A SoundFont to play with", [f"SoundFonts ({SUFFIXES})"], self._file_chosen, start=start)

    def _file_chosen(self, path: Path) -> None:
        self.choose(SoundChoice(str(path)))

    def showEvent(self, event: QShowEvent) -> None:
        """A panel that is shown uses what was chosen meanwhile."""
        self.refresh()
        super().showEvent(event)
