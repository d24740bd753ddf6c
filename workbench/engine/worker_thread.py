"""One QThread for each worker process: it starts, feeds, listens to and buries the process."""

from __future__ import annotations

import logging
import multiprocessing
import queue
import signal
import threading
from multiprocessing.connection import Connection, wait

from PySide6.QtCore import QThread, Signal

from workbench.compute.entry import main
from workbench.compute.protocol import Ready, Report, Request, Shutdown, WorkerOptions

log = logging.getLogger(__name__)

_SPAWN = multiprocessing.get_context("spawn")


class WorkerThread(QThread):
    """Supervises one worker process.

    `received` carries every Report, in order; `died` the exit code, once, if the process ends unasked. Both are
    emitted from this thread; receivers live in the UI thread.
    """

    received = Signal(object)
    died = Signal(object)
    where: str | None = None
    """This machine; a worker on a cluster has its address here."""

    def __init__(self, options: WorkerOptions) -> None:
        super().__init__()
        self.ready: Ready | None = None
        self._connection, theirs = _SPAWN.Pipe()
        self._process = _SPAWN.Process(target=main, args=(theirs, options), daemon=True, name="workbench worker")
        self._process.start()
        theirs.close()
        self._outbox: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self._is_ending = False
        self._sender = threading.Thread(target=self._send_all, name="worker sender", daemon=True)
        self._sender.start()
        self.start()

    @property
    def process_id(self) -> int | None:
        """Identifier of the worker process."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether the worker process runs. Only the thread waits for the process: two waiters would race."""
        return self.isRunning()

    def send(self, request: Request) -> None:
        """Send a request; never blocks, however busy the worker is."""
        self._outbox.put(request)

    def run(self) -> None:
        """Listen until the process ends (runs in this thread)."""
        try:
            while True:
                ready = wait([self._connection, self._process.sentinel])
                if self._connection in ready:
                    self._take_report(self._connection)
                elif self._process.sentinel in ready:
                    break
        except (EOFError, OSError):
            pass
        except Exception:
            log.exception("a report of worker %s could not be read", self._process.pid)
            self._process.kill()
        self._process.join()
        self._outbox.put(None)
        if not self._is_ending:
            self.died.emit(self._process.exitcode)

    def _take_report(self, connection: Connection) -> None:
        report: Report = connection.recv()
        if isinstance(report, Ready):
            self.ready = report
        self.received.emit(report)

    def _send_all(self) -> None:
        while (request := self._outbox.get()) is not None:
            try:
                self._connection.send(request)
            except (BrokenPipeError, ConnectionResetError, OSError):
                return
            except Exception:
                log.exception("a request could not be sent: %s", type(request).__name__)

    def ask_to_end(self) -> None:
        """Tell the process to save its run and end."""
        self._is_ending = True
        self.send(Shutdown())

    def kill(self) -> None:
        """End the process at once; `died` follows unless it was asked to end."""
        self._process.kill()

    def bury(self, seconds: float) -> None:
        """Wait until process and thread have ended, killing the process after `seconds`."""
        self._is_ending = True
        if not self.wait(round(seconds * 1000)):
            log.warning("worker %s did not end by itself and was killed", self._process.pid)
            self._process.kill()
            self.wait()
        self._sender.join(1.0)
        self._connection.close()


def death_sentence(exit_code: int | str | None) -> tuple[str, str]:
    """Say in one sentence how a process ended, and what to do about it; a text says it itself."""
    if isinstance(exit_code, str):
        return exit_code, "Restart from the last checkpoint, there or on another device."
    if exit_code == -signal.SIGKILL if hasattr(signal, "SIGKILL") else False:
        return (
            "The worker process was killed, most often because the system ran out of memory.",
            "Choose smaller sizes, or restart from the last checkpoint.",
        )
    if exit_code is not None and (exit_code < 0 or exit_code > 0xC0000000):
        name = signal.Signals(-exit_code).name if exit_code < 0 else f"0x{exit_code:08X}"
        return f"The worker process crashed ({name}).", "Restart from the last checkpoint."
    return f"The worker process ended unexpectedly (exit code {exit_code}).", "Restart from the last checkpoint."
