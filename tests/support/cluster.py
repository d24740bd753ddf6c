"""A real scheduler and real workers on loopback, as processes of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time


class ClusterProcesses:
    """`environment` is what the workers' processes have beyond ours."""

    def __init__(self, folder, security=(), **environment):
        self._environment = environment
        self._file, self._security = folder / "scheduler.json", list(security)
        protocol = "tls" if security else "tcp"
        self.scheduler = self._start(
            "scheduler", "--host", f"{protocol}://127.0.0.1", "--port", "0", "--no-dashboard",
            "--scheduler-file", self._file,
        )  # fmt: skip
        self.workers = []
        self._wait(lambda: self._file.exists() and self._file.stat().st_size > 0)
        self.address = json.loads(self._file.read_text())["address"]

    def _start(self, kind, *arguments):
        command = [sys.executable, "-m", "distributed.cli.dask_" + kind, *map(str, arguments), *self._security]
        environment = os.environ | {"OMP_NUM_THREADS": "1", "DASK_DISTRIBUTED__ADMIN__LOG_LENGTH": "0"}
        environment |= self._environment
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)

    def add_worker(self):
        worker = self._start("worker", self.address, "--no-nanny", "--nthreads", "1", "--no-dashboard", "--host",
                             "127.0.0.1")  # fmt: skip
        self.workers.append(worker)
        return worker

    @staticmethod
    def kill(process):
        process.send_signal(signal.SIGKILL)
        process.wait()

    @staticmethod
    def _wait(condition, seconds=60):
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "the cluster did not come up"
            time.sleep(0.05)

    def close(self):
        for process in (*self.workers, self.scheduler):
            if process.poll() is None:
                self.kill(process)
