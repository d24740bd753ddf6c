"""Worker processes, with one kept warm so that a session starts at once."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from workbench.compute.protocol import Ready, Report, WorkerOptions
from workbench.engine.remote_worker import RemoteWorkerThread
from workbench.engine.worker_thread import WorkerThread

AnyWorker = WorkerThread | RemoteWorkerThread

SPARE_DELAY_MS = 1500
"""A new spare starts this long after the last one was taken, so that its start does not slow the session's own."""
GRACE_SECONDS = 5.0


class WorkerPool(QObject):
    """Hands out warm workers and ends all of them at the end."""

    became_ready = Signal(object)

    def __init__(self, options: WorkerOptions, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.options = options
        self._spare: WorkerThread | None = None
        self._all: list[AnyWorker] = []
        self._is_closed = False
        self._timer = QTimer(self, singleShot=True, interval=SPARE_DELAY_MS)
        self._timer.timeout.connect(self.warm)

    @Slot()
    def warm(self) -> None:
        """Start a spare worker if there is none."""
        if self._spare is None and not self._is_closed:
            self._spare = self._start()

    def take(self) -> WorkerThread:
        """Return the spare worker, or a new one if it is not alive; a new spare follows.

        Raises RuntimeError once the pool is closed: a worker started then would outlive the application.
        """
        if self._is_closed:
            raise RuntimeError("the pool of workers is closed")
        worker = self._spare if self._spare is not None and self._spare.is_alive else self._start()
        self._spare = None
        self._timer.start()
        return worker

    def adopt(self, worker: AnyWorker) -> AnyWorker:
        """Look after a worker that was started elsewhere, to its end."""
        self._bury_the_dead()
        self._all.append(worker)
        return worker

    def release(self, worker: AnyWorker) -> None:
        """Let a worker save its run and end; it is waited for when the pool closes."""
        worker.ask_to_end()

    def close(self) -> None:
        """End all workers: they are asked together, and those that take longer than the grace time are killed."""
        self._is_closed = True
        self._timer.stop()
        for worker in self._all:
            worker.ask_to_end()
        if self._spare:  # it holds nothing to save
            self._spare.kill()
        for worker in self._all:
            worker.bury(GRACE_SECONDS)
        self._all.clear()
        self._spare = None

    def _start(self) -> WorkerThread:
        self._bury_the_dead()
        worker = WorkerThread(self.options)
        worker.received.connect(self._look_for_ready)
        self._all.append(worker)
        return worker

    def _bury_the_dead(self) -> None:
        for worker in [worker for worker in self._all if not worker.is_alive and worker.isFinished()]:
            worker.bury(0)
            self._all.remove(worker)

    @Slot(object)
    def _look_for_ready(self, report: Report) -> None:
        if isinstance(report, Ready):
            self.became_ready.emit(report)
