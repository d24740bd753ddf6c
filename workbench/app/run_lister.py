"""Reads and changes the index of runs beside the UI thread: after a year there are thousands of them."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from workbench.runs import IndexedRun, RunFolder, RunIndex
from workbench.sdk import MetricsHistory

log = logging.getLogger(__name__)


class RunLister(QObject):
    """One thread with its own index.

    `listed` carries the runs, newest first: at once as the index has them, then again if the folders say otherwise.
    `histories` carries (ticket, {run id: MetricsHistory}); `done` carries (what, result) of a change.
    """

    listed = Signal(object)
    histories = Signal(object, object)
    done = Signal(str, object)

    def __init__(self, root: Path, plugin: str | None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._root, self._plugin = root, plugin
        self._index: RunIndex | None = None
        self._is_closed = False
        self._version: int | None = None
        self._read: dict[tuple[str, str], MetricsHistory] = {}
        self._thread = ThreadPoolExecutor(1, "run index")

    def look(self) -> None:
        """Look for runs that are new, changed or gone."""
        self._do(self._look)

    def read_histories(self, runs: Sequence[IndexedRun], ticket: object) -> None:
        """Read the metrics of runs; `histories` brings them with the ticket."""
        self._do(lambda: self._read_histories(tuple(runs), ticket))

    def change(self, what: str, act: Callable[[RunIndex], Any]) -> None:
        """Do something with the index, list again, and say `done` with `what` and the result."""

        def run() -> None:
            result = act(self._opened())
            self.listed.emit(self._opened().runs(self._plugin))
            self.done.emit(what, result)

        self._do(run)

    def close(self) -> None:
        """End the thread after what it does now."""
        if self._is_closed:
            return
        self._is_closed = True
        with contextlib.suppress(RuntimeError):  # the interpreter is ending and has ended its threads
            self._thread.submit(self._close_index)
        self._thread.shutdown(wait=True)

    # In the thread

    def _do(self, act: Callable[[], None]) -> None:
        if not self._is_closed:
            self._thread.submit(act).add_done_callback(_log_failure)

    def _opened(self) -> RunIndex:
        if self._index is None:
            self._index = RunIndex(self._root)
        return self._index

    def _close_index(self) -> None:
        if self._index is not None:
            self._index.close()

    def _look(self) -> None:
        index = self._opened()
        version, changed = index.version, 0
        if version != self._version:
            self._version = version
            self.listed.emit(index.runs(self._plugin))
        for slice_changed in index.sync_slices():
            changed += slice_changed
            if self._is_closed:
                return
        if changed:
            self.listed.emit(index.runs(self._plugin))

    def _read_histories(self, runs: tuple[IndexedRun, ...], ticket: object) -> None:
        found = {}
        for run in runs:
            key = run.id, run.stamp
            if key not in self._read:
                self._read[key] = RunFolder(self._root / run.id).metrics.read()
            found[run.id] = self._read[key]
        wanted = {(run.id, run.stamp) for run in runs}
        self._read = {key: history for key, history in self._read.items() if key in wanted}
        if not self._is_closed:
            self.histories.emit(ticket, found)


def _log_failure(future: Future[None]) -> None:
    if not future.cancelled() and (error := future.exception()) is not None:
        log.warning("The index of runs: %s", error, exc_info=error)
