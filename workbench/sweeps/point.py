"""One point of a sweep, run in a Dask worker: the same experiment code as in the application."""

from __future__ import annotations

import os
import pickle
import secrets
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from workbench.sdk import MetricsBlock

SEND_SECONDS = 0.5
MOST_CHECKPOINT_BYTES = 256 * 2**20


@dataclass(frozen=True)
class PointTask:
    """What a worker needs to run one point; `experiment` is the class as `module:Class`."""

    sweep: str
    index: int
    plugin: str
    experiment: str
    parameters: dict[str, Any]
    seed: int
    device: str
    max_steps: int | None


@dataclass(frozen=True)
class PointMessage:
    """What a running point reports: its beginning, or metrics. `number` counts the messages of one attempt."""

    index: int
    attempt: str
    number: int
    worker: str
    step: int = 0
    total_steps: int | None = None
    seconds: float = 0.0
    block: MetricsBlock | None = None


@dataclass(frozen=True)
class PointResult:
    """How an attempt ended: `error` is one sentence where it failed, `messages` how many it sent before."""

    attempt: str
    messages: int
    step: int = 0
    seconds: float = 0.0
    device: str = ""
    versions: dict[str, str] | None = None
    checkpoint: bytes | None = None
    error: str = ""
    details: str = ""
    was_stopped: bool = False


class _Stopped(Exception):
    pass


def queue_name(sweep: str) -> str:
    """Name of the queue on the scheduler that carries a sweep's messages."""
    return f"workbench-sweep-{sweep}"


def stop_name(sweep: str) -> str:
    """Name of the event on the scheduler that tells a sweep's points to stop."""
    return f"workbench-stop-{sweep}"


def run_point(task: PointTask) -> PointResult:
    """Run a point to its end, reporting to the sweep's queue about twice a second."""
    from distributed import Event, Queue, get_client, get_worker

    worker, client = get_worker(), get_client()
    queue, stop = Queue(queue_name(task.sweep), client=client), Event(stop_name(task.sweep), client=client)
    attempt, sent, last = secrets.token_hex(6), 0, 0.0
    pending: list[MetricsBlock] = []

    def send(step: int, total: int | None, seconds: float) -> None:
        nonlocal sent, last
        message = PointMessage(task.index, attempt, sent, worker.address, step, total, seconds, merged(pending))
        queue.put(pickle.dumps(message))
        sent, last = sent + 1, time.perf_counter()
        pending.clear()

    def tick(now: Any) -> None:
        if now.block is not None:
            pending.append(now.block)
        if time.perf_counter() - last >= SEND_SECONDS:
            send(now.step, now.total_steps, now.seconds)
            if stop.is_set():
                raise _Stopped

    try:
        send(0, None, 0.0)
        return _computed(task, attempt, tick, send, lambda: sent)
    except _Stopped:
        return PointResult(attempt, sent, was_stopped=True)
    except Exception as error:
        first = str(error).strip().splitlines()
        sentence = f"{type(error).__name__}: {first[0] if first else 'no message'}"
        return PointResult(attempt, sent, error=sentence, details=traceback.format_exc())


def _computed(task: PointTask, attempt: str, tick: Any, send: Any, sent: Any) -> PointResult:
    from workbench.catalog import load_object, mount_user_folder
    from workbench.compute.building import build
    from workbench.compute.checkpoint import save_checkpoint
    from workbench.compute.recording import versions
    from workbench.compute.runner import run_to_end
    from workbench.compute.warm_up import warm_up
    from workbench.runs import folders

    mount_user_folder(folders().make().plugins)
    warm_up(int(os.environ.get("OMP_NUM_THREADS", "1") or 1))
    experiment = build(load_object(task.experiment), task.parameters, seed=task.seed, device=task.device)
    began = time.perf_counter()
    run_to_end(experiment, max_steps=task.max_steps, tick=tick)
    seconds = time.perf_counter() - began
    send(experiment.step, experiment.total_steps, seconds)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "checkpoint.pt"
        save_checkpoint(file, experiment, seconds)
        checkpoint = file.read_bytes() if file.stat().st_size <= MOST_CHECKPOINT_BYTES else None
    device = str(experiment.context.device)
    return PointResult(attempt, sent(), experiment.step, seconds, device, versions(), checkpoint)


def merged(blocks: list[MetricsBlock]) -> MetricsBlock | None:
    """Return one block with the series of several, in order; None for none."""
    import numpy as np

    if not blocks:
        return None
    names = dict.fromkeys(name for block in blocks for name in block.series)
    series = {}
    for name in names:
        parts = [block.series[name] for block in blocks if name in block.series]
        series[name] = (np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts]))
    return MetricsBlock(series)
