"""The worker process: takes requests from the pipe and lets the hosted experiment advance between them."""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import logging
import logging.handlers
import os
import queue
import threading
import time
import traceback
from multiprocessing.connection import Connection
from pathlib import Path

import psutil

from workbench.catalog import mount_user_folder
from workbench.compute.claim_desk import answer_about_claims
from workbench.compute.devices import devices
from workbench.compute.entry import worker_threads
from workbench.compute.faults import describe
from workbench.compute.host import Host
from workbench.compute.protocol import (
    Ask,
    CancelAsk,
    Control,
    Credit,
    Export,
    ListClaims,
    Load,
    ProgressMessage,
    Ready,
    Refusal,
    Report,
    Request,
    RunClaim,
    SetParameters,
    Shutdown,
    StateChanged,
    WorkerOptions,
)
from workbench.compute.warm_up import warm_up

log = logging.getLogger(__name__)

ORPHAN_SECONDS = 5.0
"""How long a worker whose UI is gone may take to save its run before it ends, whatever it is doing."""
LOG_BYTES = 1_000_000


class Worker:
    """Serves one UI process through one pipe. A thread empties the pipe, so that the UI never waits to send."""

    def __init__(self, connection: Connection, options: WorkerOptions) -> None:
        self._connection, self._options = connection, options
        self._inbox: queue.SimpleQueue[Request] = queue.SimpleQueue()
        self._send_lock = threading.Lock()
        self._host: Host | None = None
        self._process = psutil.Process()

    def serve(self) -> None:
        """Work until told to shut down or until the UI is gone."""
        began = time.perf_counter()
        log_file = _start_log(self._options.logs)
        threading.Thread(target=self._receive, name="receive", daemon=True).start()
        mount_user_folder(self._options.plugins)
        threads = worker_threads(self._options.threads)
        warm_up(threads)
        gc.collect()
        gc.freeze()
        seconds = time.perf_counter() - began
        self._send(Ready(os.getpid(), devices(), threads, log_file, seconds))
        while self._take_requests():
            if self._host:
                self._host.advance()
        if self._host:
            self._host.close()

    def _receive(self) -> None:
        try:
            while True:
                self._inbox.put(self._connection.recv())
        except (EOFError, OSError):
            self._inbox.put(Shutdown())
            time.sleep(ORPHAN_SECONDS)
            os._exit(1)

    def _send(self, report: Report) -> None:
        try:
            with self._send_lock:
                self._connection.send(report)
        except (BrokenPipeError, ConnectionResetError):
            self._inbox.put(Shutdown())
        except OSError as error:
            log.warning("a report was not sent: %s", error)

    def _take_requests(self) -> bool:
        """Handle all requests that wait, or wait for one if there is nothing else to do; False: shut down."""
        timeout = self._host.wait() if self._host else None
        try:
            request = self._inbox.get(block=timeout != 0.0, timeout=timeout)
            while True:
                if isinstance(request, Shutdown):
                    return False
                self._handle(request)
                request = self._inbox.get_nowait()
        except queue.Empty:
            return True

    def _handle(self, request: Request) -> None:
        host = self._host
        match request:
            case Load():
                self._load(request)
            case ListClaims() | RunClaim():
                answer_about_claims(request, self._send, self._is_called_off)
            case Ask() | Export() if host is None:
                self._send(Refusal(request.id, "No experiment is loaded."))
            case _ if host is None:
                pass
            case Credit():
                host.grant()
            case Control():
                host.control(request)
            case SetParameters():
                host.set_parameters(request.values)
            case Ask():
                host.ask(request)
            case CancelAsk():
                host.cancel(request.id)
            case Export():
                host.export(request)

    def _is_called_off(self, id: int) -> bool:
        """Whether the long request `id` is to end early; other requests that came meanwhile wait their turn."""
        waiting = []
        with contextlib.suppress(queue.Empty):
            while True:
                waiting.append(self._inbox.get_nowait())
        for request in waiting:
            self._inbox.put(request)
        return any(isinstance(one, Shutdown) or one == CancelAsk(id) for one in waiting)

    def _load(self, load: Load) -> None:
        if self._host:
            self._host.close()
            self._host = None
            gc.collect()
        self._send(StateChanged("loading", 0))
        try:
            self._host = Host(load, self._options, self._send, lambda: self._process.memory_info().rss)
        except Exception as error:
            log.error("load failed\n%s", traceback.format_exc())
            self._send(ProgressMessage(None))
            self._send(describe(error, None, "building the experiment"))
            self._send(StateChanged("failed", 0))


def _start_log(folder: Path) -> Path:
    """Log to one rotating file for this process; a crash of the interpreter leaves its stacks there too."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"worker-{os.getpid()}.log"
    handler = logging.handlers.RotatingFileHandler(file, maxBytes=LOG_BYTES, backupCount=1, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.captureWarnings(True)
    faulthandler.enable(file.open("a"), all_threads=False)
    return file
