"""All sessions of one application: their workers, their devices, their turns."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from workbench.catalog import Entry
from workbench.compute.protocol import DeviceInfo, Ready, WorkerOptions
from workbench.engine.cluster_link import ClusterLink
from workbench.engine.device_queue import DeviceQueue, Policy
from workbench.engine.pool import AnyWorker, WorkerPool
from workbench.engine.reproducer import Reproducer
from workbench.engine.session import Session
from workbench.runs import Settings, folders
from workbench.sdk import Parameters


def worker_options(settings: Settings) -> WorkerOptions:
    """What workers are started with under these settings."""
    where = folders().make()
    return WorkerOptions(
        where.cache,
        where.logs,
        where.runs,
        where.plugins,
        settings.worker_threads,
        settings.frame_share,
        settings.checkpoint_seconds,
    )


class Engine(QObject):
    """Opens sessions and ends everything at the end. `local_devices` is empty until the first worker is warm."""

    devices_changed = Signal()
    sessions_changed = Signal()

    def __init__(self, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.settings = settings
        self.pool = WorkerPool(worker_options(settings), self)
        self.pool.became_ready.connect(self._take_ready)
        self.reproducer = Reproducer(self.pool, self)
        self.device_queue = DeviceQueue(self._policy)
        self.sessions: list[Session] = []
        self.cluster = ClusterLink(self)
        self.cluster.changed.connect(self.devices_changed)
        self.local_devices: tuple[DeviceInfo, ...] = ()
        self.threads: int | None = None

    @property
    def devices(self) -> tuple[DeviceInfo, ...]:
        """What can be computed on: this machine's devices, then those of the cluster's workers."""
        return self.local_devices + self.cluster.devices

    def take_worker(self, where: str | None) -> AnyWorker:
        """Return a worker of this machine, or on the cluster's worker at `where`; raises UserError where it is gone."""
        if where is None:
            return self.pool.take()
        return self.pool.adopt(self.cluster.start_worker(where, self.pool.options))

    def start(self) -> None:
        """Start the warm spare; called once the window is visible."""
        self.pool.warm()

    def open_session(
        self,
        entry: Entry,
        experiment_id: str,
        parameters: Parameters,
        seed: int = 0,
        device: str = "auto",
        run_folder: Path | None = None,
    ) -> Session:
        """Build an experiment in a worker of its own; with `run_folder`, from that run's checkpoint."""
        session = Session(self, entry, experiment_id, parameters, seed, device)
        self.sessions.append(session)
        session.resume_run(run_folder) if run_folder else session.reset()
        self.sessions_changed.emit()
        return session

    def close_session(self, session: Session) -> None:
        """Save and end a session."""
        session.close()
        if session in self.sessions:
            self.sessions.remove(session)
            self.sessions_changed.emit()
            session.deleteLater()

    def apply_settings(self, settings: Settings) -> None:
        """Use new settings: the queue at once, the rest for workers that start from now on."""
        self.settings = settings
        self.pool.options = worker_options(settings)
        self.device_queue.policy_changed()

    def shutdown(self) -> None:
        """Save every open run and leave no process behind."""
        for session in list(self.sessions):
            session.close()
        self.sessions.clear()
        self.reproducer.close()
        self.pool.close()
        self.cluster.close()

    def _policy(self, device: str) -> Policy:
        return self.settings.cpu_queue_policy if device == "cpu" else self.settings.queue_policy

    @Slot(object)
    def _take_ready(self, ready: Ready) -> None:
        self.threads = ready.threads
        if ready.devices != self.local_devices:
            self.local_devices = ready.devices
            self.devices_changed.emit()
