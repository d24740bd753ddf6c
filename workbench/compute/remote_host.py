"""A worker process on another machine, held by an actor in a Dask worker that passes its messages on unread.

The actor adds nothing to the protocol: what travels is what crosses the pipe on this machine. It also moves the few
files that both sides need: the record of a run, its checkpoint, and what an export wrote.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Mapping
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path

from workbench.compute.protocol import DeviceInfo, WorkerOptions
from workbench.runs import folders
from workbench.runs.processes import own_command

KEY_VARIABLE = "WORKBENCH_CONNECTION_KEY"
MOST_FILE_BYTES = 512 * 2**20
START_SECONDS = 60.0


def describe_devices() -> tuple[DeviceInfo, ...]:
    """What a Dask worker's machine can compute on; called there."""
    from workbench.compute.devices import devices

    return devices()


class RemoteHost:
    """Lives in a Dask worker. Starts one worker process and stands between it and the client."""

    def __init__(self, threads: int | None, frame_share: float, checkpoint_seconds: float) -> None:
        where = folders().make()
        self._runs = where.runs
        options = WorkerOptions(
            where.cache, where.logs, where.runs, where.plugins, threads, frame_share, checkpoint_seconds
        )
        key = secrets.token_bytes(16)
        with Listener(("127.0.0.1", 0), authkey=key) as listener:
            port = listener.address[1]
            self._process = subprocess.Popen(
                own_command("remote-worker", str(port)),
                env=os.environ | {KEY_VARIABLE: key.hex()}, stdin=subprocess.DEVNULL,
            )  # fmt: skip
            # A process that dies before it calls must not leave us waiting for ever.
            watch = threading.Timer(START_SECONDS, self._process.kill)
            threading.Thread(target=self._knock_if_dead, args=(port, key), daemon=True).start()
            watch.start()
            self._connection: Connection = listener.accept()
            watch.cancel()
        self._connection.send(options)
        self._reports: list[bytes] = []
        self._lock = threading.Lock()
        self._news: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._has_ended = False
        self._temporary: list[Path] = []
        threading.Thread(target=self._read, name="remote reports", daemon=True).start()

    def _knock_if_dead(self, port: int, key: bytes) -> None:
        """Call ourselves if the process ends before it has called, so that `accept` returns."""
        self._process.wait()
        with contextlib.suppress(OSError):
            Client(("127.0.0.1", port), authkey=key).close()

    def _read(self) -> None:
        try:
            while True:
                raw = self._connection.recv_bytes()
                with self._lock:
                    self._reports.append(raw)
                self._wake()
        except (EOFError, OSError):
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(5)  # its exit code says how it ended
            self._has_ended = True
            self._wake()

    def _wake(self) -> None:
        if self._loop is not None and self._news is not None:
            self._loop.call_soon_threadsafe(self._news.set)

    # Called by the client

    def place(self) -> tuple[str, str]:
        """A name of this machine and the folder of its runs: where both are the client's, no file need travel."""
        import platform

        return platform.node(), str(self._runs)

    def send(self, requests: list[bytes]) -> None:
        """Pass requests on to the process, in order."""
        for raw in requests:
            self._connection.send_bytes(raw)

    async def receive(self, seconds: float) -> tuple[list[bytes], int | None, bool]:
        """Return the reports that came, waiting up to `seconds` for one; the exit code; whether the process ended."""
        if self._loop is None:
            self._loop, self._news = asyncio.get_running_loop(), asyncio.Event()
        assert self._news is not None
        if not self._reports and not self._has_ended:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), seconds)
        self._news.clear()
        with self._lock:
            reports, self._reports = self._reports, []
        is_over = self._has_ended and not reports
        return reports, self._process.poll(), is_over

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()

    def close(self) -> None:
        """Wait a little for the process to end by itself, then end it; remove temporary folders."""
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._connection.close()
        for folder in self._temporary:
            shutil.rmtree(folder, ignore_errors=True)

    def put_run(self, name: str, files: Mapping[str, bytes]) -> str:
        """Write a run's files here, so that the process can go on with it; return the folder."""
        folder = self._runs / Path(name).name
        folder.mkdir(parents=True, exist_ok=True)
        for file, content in files.items():
            (folder / Path(file).name).write_bytes(content)
        return str(folder)

    def temporary_folder(self) -> str:
        """Make a folder for an export and return its path."""
        folder = Path(tempfile.mkdtemp(prefix="workbench-"))
        self._temporary.append(folder)
        return str(folder)

    def read_file(self, path: str) -> bytes | None:
        """Return a file of a run or of an export, None where there is none or it is too large to travel."""
        file = Path(path).resolve()
        is_ours = any(file.is_relative_to(root.resolve()) for root in (self._runs, *self._temporary))
        if not is_ours or not file.is_file() or file.stat().st_size > MOST_FILE_BYTES:
            return None
        return file.read_bytes()


def serve(port: int) -> None:
    """Be the worker process of a RemoteHost: call it and serve what comes."""
    from workbench.compute.entry import main

    connection = Client(("127.0.0.1", port), authkey=bytes.fromhex(os.environ.pop(KEY_VARIABLE)))
    main(connection, connection.recv())
