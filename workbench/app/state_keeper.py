"""Writes the application's state shortly after it changed, beside the UI thread, and once more at the end."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from workbench.runs import AppState

log = logging.getLogger(__name__)

QUIET_MS = 1200
"""Changes that follow each other faster than this are written once."""


class StateKeeper(QObject):
    """`collect` returns the state as it is now; `saved` follows once the file is written.

    Without `is_writing` nothing is ever written: for windows that only take pictures or measure.
    """

    saved = Signal()

    def __init__(self, collect: Callable[[], AppState], parent: QObject, *, is_writing: bool = True) -> None:
        super().__init__(parent)
        self._collect = collect
        self._is_closed, self._is_writing = False, is_writing
        # A disk may take a tenth of a second to confirm a write; the window must not wait for it.
        self._writer = ThreadPoolExecutor(1, "state writer")
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(QUIET_MS)
        self._timer.timeout.connect(self._write)

    @Slot()
    def touch(self) -> None:
        """Say that something changed; it is written at most QUIET_MS later, however long the changes go on."""
        if not self._timer.isActive() and self._is_writing and not self._is_closed:
            self._timer.start()

    @Slot()
    def _write(self) -> None:
        self._writer.submit(self._collect().save).add_done_callback(self._written)

    def _written(self, future: Future[None]) -> None:
        """Runs in the writer's thread: it only logs and emits."""
        if (error := future.exception()) is not None:
            log.warning("The state of the application could not be saved: %s", error)
        elif not self._is_closed:
            self.saved.emit()

    def close(self) -> None:
        """Write a last time and wait for it."""
        self._is_closed = True
        self._timer.stop()
        self._writer.shutdown(wait=True)
        if not self._is_writing:
            return
        try:
            self._collect().save()
        except OSError as error:
            log.warning("The state of the application could not be saved: %s", error)
