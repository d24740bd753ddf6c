"""Learning from a person's own files: choosing them, their conversion by the worker, what came of it."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QToolButton, QWidget

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


class Learning(Base):
    """Mixed into the views of networks; needs the port and the button `_import`."""

    if TYPE_CHECKING:
        port: SessionPort
        _import: QToolButton

    @Slot()
    def _import_files(self) -> None:
        ask_files(self, "Files to learn from", [MUSIC_FILTER], self.learn_from)

    @Slot()
    def _import_folder(self) -> None:
        ask_folder(self, "A folder to learn from", lambda folder: self.learn_from([folder]))

    def learn_from(self, chosen: Sequence[str | Path]) -> None:
        """Convert files and folders in the worker, then make them the corpus."""
        paths = [str(path) for path in chosen]
        self._import.setEnabled(False)
        self._import.setToolTip("An import is running")
        self.port.ask_latest(
            "import_files",
            partial(self._imported, paths),
            partial=self._importing,
            failed=self._import_failed,
            paths=paths,
        )

    def _importing(self, said: object) -> None:
        if isinstance(said, Progress):
            self._import.setText(f"{round(100 * (said.fraction or 0))} %")
            self._import.setToolTip(said.text)

    def _import_over(self) -> None:
        self._import.setEnabled(True)
        self._import.setText("Learn from …")
        self._import.setToolTip("Convert your own files or a folder, and learn from them")

    def _import_failed(self, sentence: str) -> None:
        self._import_over()
        self.port.say(sentence)

    def _imported(self, paths: list[str], report: ImportReport) -> None:
        self._import_over()
        words = summary(report)
        if report.used:
            self.port.change_parameters("learn from files", {"corpus": "files", "files": os.pathsep.join(paths)})
            words += " Reset to learn from them."
        self.port.say(words)


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
