"""A person's own files as the corpus: choosing them, their conversion by the worker, what came of it."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QAbstractButton, QToolButton, QWidget

from plugins.cm_hrnn.contract import MUSIC_SUFFIXES
from plugins.cm_hrnn.frames import ImportReport
from workbench.sdk import Progress
from workbench.views.file_dialogs import ask_files, ask_folder

if TYPE_CHECKING:
    from workbench.views import SessionPort

    Base = QWidget
else:
    Base = object

MUSIC_FILTER = "Music (" + " ".join(f"*{suffix}" for suffix in MUSIC_SUFFIXES) + ")"


class Importing(Base):
    """Mixed into the views whose corpus may be a person's own files; needs the port.

    A view says for what it imports (`import_purpose`) and by which buttons, and may show progress and report.
    """

    import_purpose: ClassVar[str]
    """What is done with the files, as it stands in sentences: "learn from"."""

    _at_rest: Sequence[tuple[QAbstractButton, str, str]] = ()
    """Buttons with the text and tool tip that they get back after the import that is running."""

    if TYPE_CHECKING:
        port: SessionPort

    def import_buttons(self) -> Sequence[QAbstractButton]:
        """Buttons that start an import, and rest while one is running."""
        raise NotImplementedError

    def show_import_progress(self, said: Progress) -> None:
        """How far the conversion is."""

    def show_report(self, report: ImportReport) -> None:
        """What was used and what was left out."""

    @Slot()
    def _import_files(self) -> None:
        ask_files(self, f"Files to {self.import_purpose}", [MUSIC_FILTER], self.import_paths)

    @Slot()
    def _import_folder(self) -> None:
        ask_folder(self, f"A folder to {self.import_purpose}", lambda folder: self.import_paths([folder]))

    def import_paths(self, chosen: Sequence[str | Path]) -> None:
        """Convert files and folders in the worker, then make them the corpus."""
        paths = [str(path) for path in chosen]
        buttons = self.import_buttons()
        # A dialog that was still open may start another import while one is running.
        self._at_rest = self._at_rest or [(button, button.text(), button.toolTip()) for button in buttons]
        for button in buttons:
            button.setEnabled(False)
            button.setToolTip("An import is running")
        self.port.ask_latest(
            "import_files",
            partial(self._imported, paths),
            partial=self._importing,
            failed=self._import_failed,
            paths=paths,
        )

    def _importing(self, said: object) -> None:
        if isinstance(said, Progress):
            self.show_import_progress(said)

    def _import_over(self) -> None:
        for button, text, tip in self._at_rest:
            button.setEnabled(True)
            button.setText(text)
            button.setToolTip(tip)
        self._at_rest = ()

    def _import_failed(self, sentence: str) -> None:
        self._import_over()
        self.port.say(sentence)

    def _imported(self, paths: list[str], report: ImportReport) -> None:
        self._import_over()
        self.show_report(report)
        words = summary(report)
        if report.used:
            files = os.pathsep.join(paths)
            self.port.change_parameters(f"{self.import_purpose} files", {"corpus": "files", "files": files})
            words += f" Reset to {self.import_purpose} them."
        self.port.say(words)


class Learning(Importing):
    """Mixed into the views of networks; needs the port and the button `_import`, which counts the per cent."""

    import_purpose = "learn from"

    if TYPE_CHECKING:
        _import: QToolButton

    def import_buttons(self) -> Sequence[QAbstractButton]:
        """The one with the menu."""
        return [self._import]

    def show_import_progress(self, said: Progress) -> None:
        """On the button and in its tool tip."""
        self._import.setText(f"{round(100 * (said.fraction or 0))} %")
        self._import.setToolTip(said.text)


def summary(report: ImportReport) -> str:
    """What an import found, in one sentence."""
    left = len(report.rows) - report.used
    words = f"{report.used} of {len(report.rows)} pieces can be used."
    if left:
        reasons: dict[str, int] = {}
        for _, _, is_used, why in report.rows:
            if not is_used:
                alike = re.sub(r"^\d+ of \d+ ", "some ", why)
                reasons[alike] = reasons.get(alike, 0) + 1
        most = sorted(reasons.items(), key=lambda own: -own[1])[:3]
        words += " Left out: " + "; ".join(f"{count} × {why}" for why, count in most)
        words += " …" if len(reasons) > 3 else "."
    return words
