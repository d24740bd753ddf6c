"""One window a home: a second start hands its files to the first and ends, or both would write the same state."""

from __future__ import annotations

import hashlib
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QStandardPaths, Signal, Slot
from PySide6.QtNetwork import QLocalServer, QLocalSocket

from workbench.runs import folders

log = logging.getLogger(__name__)

ANSWER_MS = 2000
"""A first instance that does not answer by then is taken for dead or stuck."""
MOST_BYTES = 2**20


class SingleInstance(QObject):
    """`received` carries the paths (list[Path], may be empty) that a later start hands over."""

    received = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._connected)

    def hand_over(self, paths: Sequence[Path]) -> bool:
        """Give the paths to the instance that runs already; return False where none does."""
        socket = QLocalSocket()
        socket.connectToServer(_address())
        if not socket.waitForConnected(ANSWER_MS):
            return False
        socket.write(json.dumps([str(path.absolute()) for path in paths]).encode() + b"\n")
        answered = socket.waitForBytesWritten(ANSWER_MS) and socket.waitForReadyRead(ANSWER_MS)
        socket.disconnectFromServer()
        return answered

    def listen(self) -> None:
        """Be the instance that later starts find."""
        if self._server.listen(_address()):
            return
        QLocalServer.removeServer(_address())  # left behind by a crash: `hand_over` found nobody there
        if not self._server.listen(_address()):
            log.warning("A second start will open a window of its own: %s", self._server.errorString())

    def close(self) -> None:
        """Stop listening."""
        self._server.close()

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


def _address() -> str:
    """A socket in the user's own runtime folder (a pipe's name on Windows), one for each home."""
    home = hashlib.sha256(str(folders().data.absolute()).encode()).hexdigest()[:16]
    name = f"paper-workbench-{home}"
    if sys.platform == "win32":
        return name
    runtime = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.RuntimeLocation)
    return str(Path(runtime or "/tmp") / name)
