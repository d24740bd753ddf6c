"""One window a home: a second start hands its files to the first and ends, or both would write the same state."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QDeadlineTimer, QLockFile, QObject, Signal, Slot
from PySide6.QtNetwork import QLocalServer, QLocalSocket

from workbench.runs import folders

log = logging.getLogger(__name__)

ANSWER_MS = 5000
"""A first instance that does not answer by then is taken for stuck; it may be starting itself."""
RETRY_SECONDS = 0.05
MOST_BYTES = 2**20


class SingleInstance(QObject):
    """`received` carries the paths (list[Path], may be empty) that a later start hands over."""

    received = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lock = QLockFile(str(_runtime_folder() / f"{_name()}.lock"))
        self._lock.setStaleLockTime(0)  # however old: only a lock whose process is gone is stale
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._connected)

    def start(self, paths: Sequence[Path]) -> bool:
        """Be the instance of this home, or give the paths to the one that runs; return whether this is it now."""
        if self._lock.tryLock(0):
            QLocalServer.removeServer(_address())  # a crash leaves its socket behind
            if not self._server.listen(_address()):
                log.warning("A second start will open a window of its own: %s", self._server.errorString())
            return True
        if self._lock.error() != QLockFile.LockError.LockFailedError:
            log.warning("A second start will open a window of its own: %s cannot be written.", _runtime_folder())
            return True
        if _hand_over(paths):
            return False
        log.warning("Another start of this home runs and does not answer; this one opens a window of its own.")
        return True

    def close(self) -> None:
        """Stop listening; the next start is the first again."""
        self._server.close()
        self._lock.unlock()

    @Slot()
    def _connected(self) -> None:
        while (socket := self._server.nextPendingConnection()) is not None:
            socket.readyRead.connect(self._read)
            socket.disconnected.connect(socket.deleteLater)

    @Slot()
    def _read(self) -> None:
        socket = self.sender()
        if not isinstance(socket, QLocalSocket):
            return
        if not socket.canReadLine():
            if socket.bytesAvailable() > MOST_BYTES:
                socket.abort()
            return
        try:
            paths = [Path(text) for text in json.loads(bytes(socket.readLine().data()))]
        except (ValueError, TypeError) as error:
            log.warning("A message of another start could not be read: %s", error)
            socket.abort()
            return
        socket.write(b"taken\n")
        socket.flush()
        self.received.emit(paths)


def _hand_over(paths: Sequence[Path]) -> bool:
    deadline = QDeadlineTimer(ANSWER_MS)
    socket = QLocalSocket()
    while True:
        socket.connectToServer(_address())
        if socket.waitForConnected(ANSWER_MS):
            break
        if deadline.hasExpired():
            return False
        time.sleep(RETRY_SECONDS)  # the first has its lock and is about to listen; no window is open here yet
    socket.write(json.dumps([str(path.absolute()) for path in paths]).encode() + b"\n")
    answered = socket.waitForBytesWritten(ANSWER_MS) and socket.waitForReadyRead(ANSWER_MS)
    socket.disconnectFromServer()
    return answered


def _address() -> str:
    """A socket in the user's own runtime folder (a pipe's name on Windows), one for each home."""
    return _name() if sys.platform == "win32" else str(_runtime_folder() / _name())


def _name() -> str:
    """Short, since the path of a socket may have some hundred letters."""
    return f"workbench-{hashlib.sha256(str(folders().data.absolute()).encode()).hexdigest()[:12]}"


def _runtime_folder() -> Path:
    if sys.platform == "win32":
        return Path(tempfile.gettempdir())  # of this user
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR") or "")
    if runtime.is_absolute() and os.access(runtime, os.W_OK | os.X_OK):
        return runtime
    folder = Path(tempfile.gettempdir()) / f"paper-workbench-{os.getuid()}"  # as after `su`, where it is another's
    with contextlib.suppress(OSError):
        folder.mkdir(mode=0o700, exist_ok=True)
    return folder
