"""Collecting garbage in the UI thread alone.

Widgets, their undo commands and closures refer to each other in cycles, and Python's collector runs in whatever thread
happens to allocate: those that listen to workers or read the index of runs, too. A widget destroyed outside the UI
thread ends the application. So the collector is switched off and asked from a timer.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer, Slot

INTERVAL_MS = 500
THRESHOLDS = (700, 10, 10)
"""Python's own at its start; libraries raise those that are set while they run."""


class Collector(QObject):
    """Collects while it exists; `close` gives the collector back to Python."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._was_enabled = gc.isenabled()
        gc.disable()
        self._timer = QTimer(self, interval=INTERVAL_MS)
        self._timer.timeout.connect(self.look)
        self._timer.start()

    @Slot()
    def look(self) -> None:
        """Collect the oldest generation whose threshold is passed."""
        counts = gc.get_count()
        for generation in (2, 1, 0):
            if counts[generation] > THRESHOLDS[generation]:
                gc.collect(generation)
                return

    def close(self) -> None:
        """Stop, and let Python collect by itself again."""
        self._timer.stop()
        if self._was_enabled:
            gc.enable()
