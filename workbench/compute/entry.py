"""The function that a spawned worker process runs; the UI imports it, so torch comes in only when it is called."""

from __future__ import annotations

import os
from multiprocessing.connection import Connection

from workbench.compute.protocol import WorkerOptions


def worker_threads(threads: int | None) -> int:
    """Number of torch threads to use: as chosen, else all cores but one, at least one."""
    return threads or max(1, (os.cpu_count() or 2) - 1)


def main(connection: Connection, options: WorkerOptions) -> None:
    """Serve the UI process at the other end of `connection` until it says Shutdown or goes away."""
    os.environ["OMP_NUM_THREADS"] = str(worker_threads(options.threads))
    from workbench.compute.worker import Worker

    Worker(connection, options).serve()
