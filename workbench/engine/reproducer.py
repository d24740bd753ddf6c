"""Runs claims one after another in a worker process of its own, and keeps what was found."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from workbench.catalog import Entry
from workbench.compute.protocol import Answer, CancelAsk, ListClaims, Partial, Refusal, Report, RunClaim
from workbench.engine.worker_thread import WorkerThread, death_sentence
from workbench.runs import Reproductions
from workbench.sdk import ClaimCard
from workbench.sdk.claims import Scale

if TYPE_CHECKING:
    from workbench.engine.pool import WorkerPool

log = logging.getLogger(__name__)

IDLE_MS = 20_000
"""A worker that has had nothing to do for so long is given back."""
STOP_PATIENCE_MS = 5000


@dataclass(frozen=True)
class ClaimJob:
    """One claim that waits or runs."""

    entry: Entry
    claim: str
    scale: Scale = "laptop"
    device: str = "cpu"
    seeds: tuple[int, ...] | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Plugin and claim."""
        return self.entry.card.id, self.claim


class Reproducer(QObject):
    """A queue of claims. All methods and signals belong to the UI thread.

    `listed` carries (plugin, claims' cards), `progressed` (plugin, claim, Progress), `finished` (plugin, claim, result
    in the form of reports), `refused` (plugin, claim or "", sentence, details); `queue_changed` says that something
    began to wait, to run or has ended.
    """

    listed = Signal(str, object)
    progressed = Signal(str, str, object)
    finished = Signal(str, str, object)
    refused = Signal(str, str, str, str)
    queue_changed = Signal()

    def __init__(self, pool: WorkerPool, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = pool
        self._worker: WorkerThread | None = None
        self._ids = itertools.count(1)
        self._lists: dict[int, Entry] = {}
        self._cards: dict[str, tuple[ClaimCard, ...]] = {}
        self._waiting: list[ClaimJob] = []
        self._running: tuple[int, ClaimJob] | None = None
        self._idle_timer = QTimer(self, singleShot=True, interval=IDLE_MS)
        self._idle_timer.timeout.connect(self._rest)
        self._stop_timer = QTimer(self, singleShot=True, interval=STOP_PATIENCE_MS)
        self._stop_timer.timeout.connect(self._end_hung_worker)

    # What is asked

    def cards(self, entry: Entry) -> tuple[ClaimCard, ...]:
        """Return the claims of a plugin as far as they are known; `listed` brings them where they are not."""
        known = self._cards.get(entry.card.id)
        if known is None:
            if entry.card.claims and entry not in self._lists.values():
                id = next(self._ids)
                self._lists[id] = entry
                self._send(ListClaims(id, entry.card.claims))
            recorded = entry.recorded_claims()
            known = tuple(
                ClaimCard(id, claim.get("statement", id), claim.get("source", ""), claim.get("paper", ""))
                for id, claim in recorded.items()
            )
        return known

    def run(self, job: ClaimJob) -> None:
        """Run a claim after those that wait; one that waits or runs already is left as it is."""
        if self.is_busy_with(*job.key):
            return
        self._waiting.append(job)
        self._next()
        self.queue_changed.emit()

    def stop(self, plugin: str | None = None, claim: str | None = None) -> None:
        """End what runs and forget what waits: all, or those of one plugin, or one claim."""

        def is_meant(job: ClaimJob) -> bool:
            return plugin in (None, job.key[0]) and claim in (None, job.key[1])

        self._waiting = [job for job in self._waiting if not is_meant(job)]
        if self._running and is_meant(self._running[1]):
            self._send(CancelAsk(self._running[0]))
            self._stop_timer.start()
        self.queue_changed.emit()

    def close(self) -> None:
        """End everything; the pool buries the worker."""
        self._waiting.clear()
        self._running = None
        self._idle_timer.stop()
        self._stop_timer.stop()
        if self._worker:
            self._disconnect().kill()

    # What is known

    @property
    def running(self) -> ClaimJob | None:
        """The claim that is being checked."""
        return self._running[1] if self._running else None

    @property
    def waiting(self) -> tuple[ClaimJob, ...]:
        """The claims that wait, next one first."""
        return tuple(self._waiting)

    def is_busy_with(self, plugin: str, claim: str) -> bool:
        """Whether a claim waits or runs."""
        jobs = [*self._waiting, *([self.running] if self.running else [])]
        return any(job.key == (plugin, claim) for job in jobs)

    # The worker

    def _send(self, request: ListClaims | RunClaim | CancelAsk) -> None:
        self._idle_timer.stop()
        if self._worker is None or not self._worker.is_alive:
            self._worker = self._pool.take()
            self._worker.received.connect(self._receive)
            self._worker.died.connect(self._bury)
        self._worker.send(request)

    def _next(self) -> None:
        if self._running is None and self._waiting:
            job, id = self._waiting.pop(0), next(self._ids)
            self._running = id, job
            self._send(RunClaim(id, *_target(job), job.scale, job.device, job.seeds))
        elif self._running is None and not self._lists:
            self._idle_timer.start()

    @Slot(object)
    def _receive(self, report: Report) -> None:
        match report:
            case Answer(id, cards) if id in self._lists:
                entry = self._lists.pop(id)
                self._cards[entry.card.id] = cards
                self.listed.emit(entry.card.id, cards)
                self._next()
            case Refusal(id, sentence, details) if id in self._lists:
                self.refused.emit(self._lists.pop(id).card.id, "", sentence, details)
                self._next()
            case Partial(id, progress) if self._running and id == self._running[0]:
                self.progressed.emit(*self._running[1].key, progress)
            case Answer(id, result) if self._running and id == self._running[0]:
                self._take_result(self._running[1], result)
            case Refusal(id, sentence, details) if self._running and id == self._running[0]:
                self._end(sentence, details)

    def _take_result(self, job: ClaimJob, result: Mapping[str, Any]) -> None:
        plugin, claim = job.key
        self._stop_timer.stop()
        self._running = None
        if result["holds"] is None:
            self.refused.emit(plugin, claim, str(result["why"]), str(result.get("details", "")))
        else:
            Reproductions(job.scale).keep(plugin, {claim: result})
            self.finished.emit(plugin, claim, result)
        self._next()
        self.queue_changed.emit()

    def _end(self, sentence: str, details: str) -> None:
        self._stop_timer.stop()
        if self._running:
            job = self._running[1]
            self._running = None
            self.refused.emit(*job.key, sentence, details)
        self._next()
        self.queue_changed.emit()

    @Slot(object)
    def _bury(self, exit_code: int | None) -> None:
        sentence, _ = death_sentence(exit_code)
        self._worker = None
        for entry in self._lists.values():
            self.refused.emit(entry.card.id, "", sentence, "")
        self._lists.clear()
        self._end(sentence, "")

    @Slot()
    def _end_hung_worker(self) -> None:
        """A check that does not report cannot hear that it is to stop."""
        if self._worker:
            self._disconnect().kill()
        self._end("Stopped.", "")

    @Slot()
    def _rest(self) -> None:
        if self._worker:
            self._pool.release(self._disconnect())

    def _disconnect(self) -> WorkerThread:
        assert self._worker is not None
        worker, self._worker = self._worker, None
        worker.received.disconnect(self._receive)
        worker.died.disconnect(self._bury)
        return worker


def _target(job: ClaimJob) -> tuple[str, str, str]:
    return job.entry.card.id, job.entry.card.claims, job.claim
