"""Looks for runs that can be continued, beside the UI thread: after a year there are thousands of them."""

from __future__ import annotations

import logging
from concurrent.futures import Future, ThreadPoolExecutor

from PySide6.QtCore import QObject, Signal

from workbench.runs import RunFolder, RunRecord, RunStore

log = logging.getLogger(__name__)

Found = list[tuple[RunFolder, RunRecord]]


class RunFinder(QObject):
    """`found` carries the runs that were left before their end, newest first, in the UI thread."""

    found = Signal(object)

    def __init__(self, store: RunStore, parent: QObject) -> None:
        super().__init__(parent)
        self._store = store
        self._reader = ThreadPoolExecutor(1, "run finder")
        self._is_closed = False

    def look(self) -> None:
        """Look now; `found` follows."""
        if not self._is_closed:
            self._reader.submit(self._store.to_continue).add_done_callback(self._done)

    def _done(self, future: Future[Found]) -> None:
        """Runs in the reader's thread: it only logs and emits."""
        if future.cancelled():
            return
        if (error := future.exception()) is not None:
            log.warning("Recorded runs could not be listed: %s", error)
        elif not self._is_closed:
            self.found.emit(future.result())

    def close(self) -> None:
        """Stop looking, and wait for a look under way."""
        self._is_closed = True
        self._reader.shutdown(wait=True, cancel_futures=True)
