"""A worker on a cluster, with the face of one on this machine: the same requests, reports and deaths."""

from __future__ import annotations

import logging
import os
import pickle
import platform
import queue
import threading
from dataclasses import replace
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QThread, Signal

from workbench.compute.protocol import (
    Answer,
    Export,
    Load,
    Loaded,
    MetricsMessage,
    Ready,
    Report,
    Request,
    Shutdown,
    StateChanged,
    Status,
    WorkerOptions,
)
from workbench.runs import RunFolder, folders

if TYPE_CHECKING:
    from distributed import Client

log = logging.getLogger(__name__)

RECEIVE_SECONDS = 0.5
ENDED_STATES = ("paused", "finished", "failed")
LOST = "The connection to the cluster's worker was lost."


class RemoteWorkerThread(QThread):
    """Supervises one worker process on a cluster; `where` is the Dask worker's address.

    Runs are recorded there as everywhere, and kept here too: metrics as they come, the rest as it changes.
    """

    received = Signal(object)
    died = Signal(object)

    def __init__(self, client: Client, where: str, options: WorkerOptions) -> None:
        super().__init__()
        self.where = where
        self.ready: Ready | None = None
        self._client, self._options = client, options
        self._actor: Any = None
        self._outbox: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self._is_ending = False
        self._mirror: RunMirror | None = None
        self._sender = threading.Thread(target=self._send_all, name="remote sender", daemon=True)
        self._has_actor = threading.Event()
        self.start()
        self._sender.start()

    @property
    def process_id(self) -> int | None:
        """Identifier of the worker process on its machine."""
        return self.ready.process if self.ready else None

    @property
    def is_alive(self) -> bool:
        """Whether the connection stands."""
        return self.isRunning()

    def send(self, request: Request) -> None:
        """Send a request; never blocks."""
        self._outbox.put(request)

    def run(self) -> None:
        """Start the process on the cluster and listen until it ends (runs in this thread)."""
        exit_code: Any = LOST
        try:
            self._begin()
            is_over = False
            while not is_over:
                raws, code, is_over = self._actor.receive(RECEIVE_SECONDS).result()
                for raw in raws:
                    self._take_report(pickle.loads(raw))
                exit_code = code if is_over else exit_code
        except Exception as error:
            if not self._is_ending:
                log.warning("worker on %s: %s", self.where, error)
                exit_code = f"{LOST} ({type(error).__name__})"
        self._has_actor.set()
        self._outbox.put(None)
        if not self._is_ending:
            self.died.emit(exit_code)
        else:
            self._forget()

    def _begin(self) -> None:
        from workbench.compute.remote_host import RemoteHost

        own = self._options
        future = self._client.submit(
            RemoteHost, own.threads, own.frame_share, own.checkpoint_seconds,
            actor=True, workers=[self.where], allow_other_workers=False, pure=False,
        )  # fmt: skip
        self._actor = future.result()
        machine, runs = self._actor.place().result()
        is_here = machine == platform.node() and runs == str(self._options.runs)
        self._mirror = None if is_here else RunMirror(self._actor, runs, self.where)
        self._has_actor.set()

    def _take_report(self, report: Report) -> None:
        if isinstance(report, Ready):
            self.ready = report
        if self._mirror is not None:
            report = self._mirror.take(report)
        self.received.emit(report)

    def _send_all(self) -> None:
        self._has_actor.wait()
        while (request := self._outbox.get()) is not None:
            try:
                if self._mirror is not None:
                    request = self._mirror.prepare(request)
                self._actor.send([pickle.dumps(request)]).result()
            except Exception as error:
                if not isinstance(request, Shutdown):
                    log.warning("a request to %s was not sent: %s", self.where, error)
                return

    def _forget(self) -> None:
        try:
            self._actor.close().result(timeout=10)
        except Exception as error:
            log.info("worker on %s was not closed: %s", self.where, error)

    def ask_to_end(self) -> None:
        """Tell the process to save its run and end."""
        self._is_ending = True
        self.send(Shutdown())

    def kill(self) -> None:
        """End the process at once; `died` follows unless it was asked to end."""

        def end() -> None:
            self._has_actor.wait()
            try:
                self._actor.kill().result(timeout=5)
            except Exception as error:
                log.info("worker on %s was not killed: %s", self.where, error)

        threading.Thread(target=end, name="remote kill", daemon=True).start()

    def bury(self, seconds: float) -> None:
        """Wait until the process has ended, killing it after `seconds`."""
        self._is_ending = True
        if not self.wait(round(seconds * 1000)):
            self.kill()
            if not self.wait(round(seconds * 1000)):
                log.warning("the worker on %s does not answer", self.where)
                self.terminate_connection()
                self.wait()
        self._sender.join(1.0)

    def terminate_connection(self) -> None:
        """Close the client, which ends whatever waits for it."""
        self._client.close(timeout=1)


class RunMirror:
    """Keeps a remote run in the local store, and makes paths of one side those of the other."""

    def __init__(self, actor: Any, remote_runs: str, where: str) -> None:
        self._actor, self._where = actor, where
        self._remote_runs: PurePath = (PureWindowsPath if "\\" in remote_runs else PurePosixPath)(remote_runs)
        self._local_runs = folders().make().runs
        self._run: RunFolder | None = None
        self._checkpoint_step: int | None = None
        self._exports: dict[int, tuple[PurePath, Path]] = {}

    def prepare(self, request: Request) -> Request:
        """Bring along what a request needs on the other side."""
        if isinstance(request, Load):
            self._run = None
            if request.run_folder is not None:
                return replace(request, run_folder=self._push(Path(request.run_folder)))
        if isinstance(request, Export):
            remote = type(self._remote_runs)(self._actor.temporary_folder().result())
            self._exports[request.id] = remote, Path(request.folder)
            return replace(request, folder=Path(remote))
        return request

    def _push(self, folder: Path) -> Path:
        names = ("run.json", "checkpoint.pt", "metrics.bin", "metrics.names")
        files = {name: (folder / name).read_bytes() for name in names if (folder / name).exists()}
        return Path(self._actor.put_run(folder.name, files).result())

    def take(self, report: Report) -> Report:
        """Record what a report says, and give it local paths."""
        match report:
            case StateChanged() if report.run_folder is not None:
                local = self._opened(report.run_folder)
                if report.state in ENDED_STATES:
                    self._pull(local, "checkpoint.pt")
                self._pull(local, "run.json")
                return replace(report, run_folder=local.path)
            case Loaded() if report.run_folder is not None:
                local = self._opened(report.run_folder)
                local.metrics.truncate(report.step)
                return replace(report, run_folder=local.path)
            case MetricsMessage() if self._run is not None:
                self._run.metrics.append(report.block)
            case Status() if self._run is not None and report.checkpoint_step not in (None, self._checkpoint_step):
                self._checkpoint_step = report.checkpoint_step
                self._pull(self._run, "checkpoint.pt")
            case Answer() if report.id in self._exports:
                self._fetch_export(*self._exports.pop(report.id), report.value)
        return report

    def _opened(self, remote: Path) -> RunFolder:
        path = self._local_runs / PurePath(remote).name
        if self._run is None or self._run.path != path:
            path.mkdir(parents=True, exist_ok=True)
            self._run = RunFolder(path)
            self._checkpoint_step = None
        return self._run

    def _pull(self, local: RunFolder, name: str) -> None:
        content = self._actor.read_file(str(self._remote_runs / local.path.name / name)).result()
        if content is None:
            return
        temporary = local.path / f".{name}.part"
        temporary.write_bytes(content)
        temporary.replace(local.path / name)
        if name == "run.json":
            record = local.read()
            # The process on the other machine means nothing here; ours keeps the run from looking interrupted.
            local.write(
                record.model_copy(update={"process": os.getpid(), "device": f"{record.device} on {self._where}"})
            )

    def _fetch_export(self, remote: PurePath, local: Path, names: list[str]) -> None:
        for name in names:
            content = self._actor.read_file(str(remote / name)).result()
            if content is not None:
                target = local / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
