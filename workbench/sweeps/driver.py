"""Drives a sweep: hands its points to a cluster, writes each one's run as its numbers come, and stops when told."""

from __future__ import annotations

import logging
import os
import pickle
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from workbench.catalog import Catalog, Entry
from workbench.runs import RunFolder, RunRecord, RunStore, folders
from workbench.runs.store import RunStatus, machine_text
from workbench.sdk import UserError
from workbench.sweeps.cluster import connected
from workbench.sweeps.point import PointMessage, PointResult, PointTask, queue_name, run_point, stop_name
from workbench.sweeps.spec import Point, SweepSpec, points_of
from workbench.sweeps.store import State, Sweep

if TYPE_CHECKING:
    from distributed import Client, Future

log = logging.getLogger(__name__)

POLL_SECONDS = 0.2
STOP_SECONDS = 20.0
"""Points that have not stopped by then are left to the cluster."""
WAITING_SECONDS = 30.0
"""Messages of a point that has ended are waited for so long."""
Say = Callable[[Mapping[State, int]], None]


@dataclass
class _Running:
    """A point that was begun: the attempt whose messages count, and the run they are written to."""

    attempt: str
    folder: RunFolder
    record: RunRecord
    messages: int = 0
    early: list[PointMessage] = field(default_factory=list)


class Driver:
    """One sweep from wherever it stands to its end. `drive` returns when every point is done, failed or cancelled."""

    def __init__(self, sweep: Sweep, say: Say = lambda counts: None) -> None:
        self._sweep, self._say = sweep, say
        self._record = sweep.read()
        self._spec: SweepSpec = self._record.spec
        entry = self._entry()
        self._dotted = entry.card.experiment(self._spec.experiment).experiment
        points = points_of(self._spec, entry.parameters_type(self._spec.experiment))
        done = {index for index, state in sweep.points().items() if state.state == "done"}
        self._points = {point.index: point for point in points if point.index not in done}
        self._states: dict[int, State] = {point.index: "waiting" for point in points}
        self._states.update((index, "done") for index in done)
        self._runs = RunStore(folders().make().runs)
        self._running: dict[int, _Running] = {}
        self._ended: dict[int, tuple[PointResult, float]] = {}

    def _entry(self) -> Entry:
        catalog = Catalog.discover(folders().plugins)
        try:
            entry = catalog.entry(self._spec.plugin)
            entry.card.experiment(self._spec.experiment)
        except KeyError as error:
            raise UserError(f"{error.args[0]}.") from None
        return entry

    def drive(self) -> None:
        """Run every point that is not done; raises UserError where the cluster cannot be used."""
        self._record.driver, self._record.status, self._record.why = os.getpid(), "running", ""
        self._sweep.write(self._record)
        try:
            with connected(self._record.cluster, len(self._points)) as client:
                self._record.dashboard = client.dashboard_link or ""
                self._sweep.write(self._record)
                self._run_all(client)
        except UserError as error:
            self._end("failed", str(error))
            raise
        except BaseException as error:
            self._end("failed", f"The driver ended: {type(error).__name__}: {error}")
            raise
        self._end("cancelled" if "cancelled" in self._states.values() else "finished")

    def _end(self, status: Any, why: str = "") -> None:
        for index in list(self._running):
            self._close_run(index, "stopped")
        self._record.status, self._record.why = status, why
        self._sweep.write(self._record)
        self._say(self.counts())

    def counts(self) -> Mapping[State, int]:
        """How many points are in each state."""
        states = list(self._states.values())
        kinds: tuple[State, ...] = ("waiting", "running", "done", "failed", "cancelled")
        return {state: states.count(state) for state in kinds}

    # The cluster

    def _run_all(self, client: Client) -> None:
        from distributed import Event, Queue

        queue, stop = Queue(queue_name(self._sweep.id), client=client), Event(stop_name(self._sweep.id), client=client)
        stop.clear()
        futures = {
            client.submit(
                run_point, self._task(point), pure=False, key=f"{self._sweep.id}-{index}-{os.getpid()}"
            ): index
            for index, point in self._points.items()
        }
        stopping_since: float | None = None
        while futures or self._ended:
            self._take_messages(queue)
            self._take_results(futures)
            self._finish_ended()
            self._say(self.counts())
            if self._sweep.is_cancelled and stopping_since is None:
                stopping_since = time.monotonic()
                stop.set()
                self._cancel_waiting(client, futures)
            if stopping_since is not None and time.monotonic() - stopping_since > STOP_SECONDS:
                for future, index in futures.items():
                    future.cancel()
                    self._settle(index, "cancelled")
                break

    def _task(self, point: Point) -> PointTask:
        spec = self._spec
        parameters = {**spec.parameters, **point.varied}
        return PointTask(
            self._sweep.id, point.index, spec.plugin, self._dotted, parameters, point.seed, spec.device, spec.max_steps
        )

    def _cancel_waiting(self, client: Client, futures: dict[Future, int]) -> None:
        waiting = [future for future, index in futures.items() if self._states[index] == "waiting"]
        client.cancel(waiting)
        for future in waiting:
            self._settle(futures.pop(future), "cancelled")

    def _take_messages(self, queue: Any) -> None:
        messages = queue.get(batch=True)  # what is there now; waiting with a timeout would fill the cluster's log
        if not messages:
            time.sleep(POLL_SECONDS)
        for raw in messages:
            self._take_message(pickle.loads(raw))

    def _take_results(self, futures: dict[Future, int]) -> None:
        for future in [future for future in futures if future.done()]:
            index = futures.pop(future)
            try:
                result = future.result(timeout=60)
            except Exception as error:
                # The task itself reports its failures; this is a worker that died too often, or a cancelled future.
                was_cancelled = future.status == "cancelled"
                self._settle(index, "cancelled" if was_cancelled else "failed", _sentence(error))
                continue
            self._ended[index] = result, time.monotonic()

    # Points

    def _take_message(self, message: PointMessage) -> None:
        running = self._running.get(message.index)
        if self._states.get(message.index) not in ("waiting", "running"):
            return
        if message.number == 0 and (running is None or running.attempt != message.attempt):
            running = self._begin(message)
        if running is None or running.attempt != message.attempt:
            return  # of an attempt whose worker was lost
        running.messages += 1
        if message.block is not None:
            import numpy as np

            last = max(int(steps[-1]) for steps, _ in message.block.series.values())
            wall = (np.array([last]), np.array([message.seconds]))
            running.folder.metrics.append(type(message.block)({**message.block.series, "wall_seconds": wall}))
        record = running.record
        record.step, record.seconds, record.total_steps = message.step, message.seconds, message.total_steps
        running.folder.write(record)

    def _begin(self, message: PointMessage) -> _Running:
        """Open the run of a point, or begin it again after its worker was lost."""
        before = self._running.get(message.index)
        if before is not None:
            before.folder.metrics.truncate(-1)
            folder, record = before.folder, before.record
        else:
            point = self._points[message.index]
            folder, record = self._runs.create({
                "plugin": self._spec.plugin, "experiment": self._spec.experiment,
                "parameters": self._checked(point), "seed": point.seed, "device": self._spec.device,
                "process": os.getpid(), "sweep": self._sweep.id, "total_steps": message.total_steps,
            })  # fmt: skip
        record.machine = f"{message.worker} ({machine_text()})" if _is_here(message.worker) else message.worker
        running = _Running(message.attempt, folder, record)
        self._running[message.index] = running
        self._states[message.index] = "running"
        self._sweep.note(message.index, state="running", run=record.id, worker=message.worker)
        return running

    def _checked(self, point: Point) -> dict[str, Any]:
        parameters_type = self._entry().parameters_type(self._spec.experiment)
        return parameters_type.checked({**self._spec.parameters, **point.varied}).model_dump(mode="json")

    def _finish_ended(self) -> None:
        """Close the runs whose every message has come: results travel another way and may be first."""
        for index, (result, since) in list(self._ended.items()):
            running = self._running.get(index)
            is_complete = running is not None and running.attempt == result.attempt \
                and running.messages >= result.messages  # fmt: skip
            if is_complete or time.monotonic() - since > WAITING_SECONDS:
                del self._ended[index]
                self._finish(index, result)

    def _finish(self, index: int, result: PointResult) -> None:
        running = self._running.get(index)
        if running is not None and not (result.error or result.was_stopped):
            record = running.record
            record.step, record.seconds, record.device = result.step, result.seconds, result.device
            record.versions = result.versions or {}
            if result.checkpoint is not None:
                running.folder.checkpoint.write_bytes(result.checkpoint)
        if result.details:
            log.warning("Point %s of %s failed:\n%s", index, self._sweep.id, result.details)
        self._settle(index, "failed" if result.error else "cancelled" if result.was_stopped else "done", result.error)

    def _settle(self, index: int, state: State, error: str = "") -> None:
        """Say how a point ended, once."""
        if self._states[index] in ("done", "failed", "cancelled"):
            return
        self._states[index] = state
        self._sweep.note(index, state=state, **({"error": error} if error else {}))
        statuses: dict[State, RunStatus] = {"done": "finished", "failed": "failed", "cancelled": "stopped"}
        self._close_run(index, statuses[state])

    def _close_run(self, index: int, status: RunStatus) -> None:
        running = self._running.pop(index, None)
        if running is not None:
            from datetime import UTC, datetime

            running.record.status, running.record.process = status, None
            running.record.ended = datetime.now(UTC).isoformat(timespec="seconds")
            running.folder.write(running.record)


def _sentence(error: BaseException) -> str:
    name = type(error).__name__
    if name == "KilledWorker":
        return "Its worker died several times; it may need more memory than a worker has."
    first = str(error).strip().splitlines()
    return f"{name}: {first[0] if first else 'no message'}"


def _is_here(address: str) -> bool:
    return "127.0.0.1" in address or "localhost" in address
