"""Ending properly when the system says so: SIGTERM at logout, Ctrl+C in the terminal."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable
from types import FrameType

from PySide6.QtCore import QObject, QSocketNotifier, Slot

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Ending(QObject):
    """Calls `end` in the event loop when a signal asks this process to end.

    Python runs its handlers only between two of its own instructions, and an idle window executes none: the signal
    writes to a socket, which wakes Qt.
    """

    def __init__(self, end: Callable[[], object]) -> None:
        super().__init__()
        self._end = end
        self._reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)
        self._before = {number: signal.signal(number, _noted) for number in SIGNALS}
        self._wakeup_before = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        self._notifier = QSocketNotifier(self._reader.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._woken)

    @Slot()
    def _woken(self) -> None:
        if set(self._reader.recv(64)) & set(SIGNALS):
            self._end()

    def close(self) -> None:
        """Give the signals back to who had them."""
        self._notifier.setEnabled(False)
        signal.set_wakeup_fd(self._wakeup_before)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._reader.close()
        self._writer.close()


def _noted(number: int, frame: FrameType | None) -> None:
    """Leave it to the event loop."""
