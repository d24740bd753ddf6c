"""The connection to a Dask cluster: its workers' devices, offered beside those of this machine."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, Signal

from workbench.compute.protocol import DeviceInfo, WorkerOptions
from workbench.engine.remote_worker import RemoteWorkerThread
from workbench.sdk import UserError
from workbench.sweeps.store import Cluster

if TYPE_CHECKING:
    from distributed import Client

log = logging.getLogger(__name__)

PREFIX = "dask"
LOOK_MS = 5000


def remote_id(where: str, device: str) -> str:
    """Name a device of a cluster's worker: `dask|tcp://10.0.0.2:40331|cuda:0`."""
    return f"{PREFIX}|{where}|{device}"


def split_remote_id(id: str) -> tuple[str, str] | None:
    """Return the worker's address and its device, or None for a device of this machine."""
    parts = id.split("|")
    return (parts[1], parts[2]) if len(parts) == 3 and parts[0] == PREFIX else None


class ClusterLink(QObject):
    """Connects beside the UI thread. `changed` comes when `devices`, `address` or `problem` are new."""

    changed = Signal()
    _arrived = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.address = ""
        self.problem = ""
        self.devices: tuple[DeviceInfo, ...] = ()
        self._client: Client | None = None
        self._thread = ThreadPoolExecutor(1, "cluster")
        self._arrived.connect(self._take)
        self._timer = QTimer(self, interval=LOOK_MS)
        self._timer.timeout.connect(self._look)
        self._known: frozenset[str] = frozenset()
        self._is_closed = False

    @property
    def is_connected(self) -> bool:
        """Whether a cluster is connected."""
        return self._client is not None

    def connect_to(self, cluster: Cluster) -> None:
        """Connect to a scheduler in place of the one before; `changed` follows."""
        self.problem = "Connecting …"
        self.changed.emit()
        self._do(lambda: self._connect(cluster))

    def disconnect_from(self) -> None:
        """Let go of the cluster; sessions on it lose their workers."""
        self._do(self._drop)

    def start_worker(self, where: str, options: WorkerOptions) -> RemoteWorkerThread:
        """Start a worker process on a cluster's worker; raises UserError where it is not connected."""
        if self._client is None:
            raise UserError("No cluster is connected; connect to one in the Session menu, or choose another device.")
        if where not in self._known:
            raise UserError(f"The cluster has no worker at {where} now; choose another device.")
        return RemoteWorkerThread(self._client, where, options)

    def close(self) -> None:
        """Disconnect and end the thread; a second call does nothing."""
        if self._is_closed:
            return
        self._is_closed = True
        self._timer.stop()
        self._thread.submit(self._drop)
        self._thread.shutdown(wait=True)

    # In the thread

    def _do(self, act: Callable[[], Any]) -> None:
        if not self._is_closed:
            self._thread.submit(act).add_done_callback(self._log)

    @staticmethod
    def _log(future: Future[Any]) -> None:
        if not future.cancelled() and (error := future.exception()) is not None:
            log.warning("The cluster: %s", error)

    def _connect(self, cluster: Cluster) -> None:
        from workbench.sweeps.cluster import connect

        self._drop()
        try:
            client = connect(cluster)  # the default one: proxies of actors look for it
        except UserError as error:
            self._arrived.emit((None, "", frozenset(), (), str(error)))
            return
        self._client = client
        self._describe(client, cluster.address)

    def _describe(self, client: Client, address: str) -> None:
        from workbench.compute.remote_host import describe_devices

        try:
            found = client.run(describe_devices, on_error="ignore")
        except Exception as error:
            self._arrived.emit((None, "", frozenset(), (), f"The cluster at {address} does not answer: {error}"))
            return
        devices = tuple(
            DeviceInfo(remote_id(where, device.id), f"{device.id} on {where}: {device.title}", device.memory_total)
            for where, own in sorted(found.items())
            for device in own
        )
        problem = "" if devices else "The cluster has no workers now."
        self._arrived.emit((client, address, frozenset(found), devices, problem))

    def _drop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close(timeout=2)
            self._arrived.emit((None, "", frozenset(), (), ""))

    # In the UI thread

    def _look(self) -> None:
        """Describe the workers again where some came or went."""
        client = self._client
        if client is None:
            return
        now = frozenset(client.scheduler_info(n_workers=-1)["workers"])
        if now != self._known:
            self._known = now
            self._do(lambda: self._describe(client, self.address))

    def _take(self, news: tuple[Client | None, str, frozenset[str], tuple[DeviceInfo, ...], str]) -> None:
        client, self.address, self._known, self.devices, self.problem = news
        if client is None:
            self._timer.stop()
        else:
            self._timer.start()
        self.changed.emit()
