"""Opening files: dropped on the window, chosen in a dialog, named at the start, or handed over by a second start."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QEvent, QObject, Slot
from PySide6.QtGui import QDropEvent
from typing_extensions import override

from workbench.app.async_slot import async_slot
from workbench.runs import RunFolder, RunRecord, RunStore, folders
from workbench.runs.archive import SUFFIX, unpack_run
from workbench.sdk import UserError
from workbench.views.file_dialogs import ask_files

if TYPE_CHECKING:
    from workbench.app.main_window import MainWindow

CARD = "plugin.toml"
NOT_OURS = f"{{name}} is neither a run of the workbench ({SUFFIX}) nor a plugin (a folder or zip with a {CARD})."


def is_openable(path: Path) -> bool:
    """Whether a file's name says that it is a run or a plugin; a folder may be a plugin."""
    return path.suffix.lower() in {SUFFIX, ".zip"} or path.name == CARD or path.is_dir()


class Opener(QObject):
    """Opens runs and plugins in a main window, and takes what is dropped on it."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        window.setAcceptDrops(True)
        window.installEventFilter(self)

    @Slot(object)
    def open_path(self, path: Path) -> None:
        """Open one file."""
        self.open_paths([path])

    def open_paths(self, paths: Sequence[Path]) -> None:
        """Open each file; what cannot be used is said in one sentence, and the rest is opened."""
        for path in paths:
            if path.suffix.lower() == SUFFIX:
                self.open_run_file(path)
            elif not is_openable(path):
                self._window.notifications.say("error", NOT_OURS.format(name=path.name))
            elif not path.exists():
                self._window.notifications.say("error", f"{path} does not exist.")
            else:
                self._window.ask_to_install(path.parent if path.name == CARD else path)

    @async_slot()
    async def open_run_file(self, path: Path) -> None:
        """Add the run in a file to the recorded runs, and show it in the panel of its paper."""
        try:
            folder, record = await asyncio.to_thread(unpack_run, path, RunStore(folders().runs))
        except (UserError, OSError) as error:
            self._window.notifications.say("error", str(error))
            return
        self._show(folder, record)

    def _show(self, folder: RunFolder, record: RunRecord) -> None:
        from workbench.app.runs_browser import RunRequest

        what: Literal["continue", "parameters"] = "continue" if folder.checkpoint.exists() else "parameters"
        self._window.open_run(RunRequest(what, record, folder.path))
        self._window.refresh_runs()

    @Slot()
    def choose(self) -> None:
        """Ask for a file to open."""
        kinds = [f"Runs and plugins (*{SUFFIX} *.zip {CARD})"]
        ask_files(self._window, "Open a run or a plugin", kinds, self.open_paths)

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        is_drop = event.type() in (QEvent.Type.DragEnter, QEvent.Type.Drop) and isinstance(event, QDropEvent)
        paths = _dropped(event) if is_drop else []  # type: ignore[arg-type]  # told by is_drop
        if not paths:
            return False
        event.accept()
        if event.type() == QEvent.Type.Drop:
            self.open_paths(paths)
        return True


def _dropped(event: QDropEvent) -> list[Path]:
    paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
    return paths if all(is_openable(path) for path in paths) else []
