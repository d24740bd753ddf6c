"""Running an experiment to its end in this process: for the command line, claims, and sweeps on a cluster."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.compute.metrics_buffer import MetricsBuffer
from workbench.compute.recording import Recorder
from workbench.runs import RunStore
from workbench.sdk import Experiment, MetricsBlock, MetricsHistory, Progress, UserError

FLUSH_SECONDS = 0.1


class NotFinite(UserError):
    """A loss became NaN or infinite; the text says which, and at which step."""


@dataclass(frozen=True)
class Tick:
    """How far a run is; given to the caller about ten times a second."""

    step: int
    total_steps: int | None
    seconds: float
    progress: Progress | None
    block: MetricsBlock | None


def run_to_end(
    experiment: Experiment[Any, Any],
    *,
    max_steps: int | None = None,
    tick: Callable[[Tick], None] | None = None,
    recorder: Recorder | None = None,
) -> MetricsHistory:
    """Prepare and run an experiment; return all metrics.

    `max_steps` ends it early, `tick` may raise to stop it. Raises NotFinite if a loss is not finite, and whatever
    the experiment raises.
    """
    history, buffer = MetricsHistory(), MetricsBuffer()
    began = last = time.perf_counter()

    def report(said: Progress | None) -> None:
        nonlocal last
        last = time.perf_counter()
        block = buffer.flush()
        if block is not None:
            if recorder:
                block = recorder.add(block, last - began)
            history.append(block)
            if bad := block.first_non_finite():
                raise NotFinite(f"{bad[0]} became {bad[2]} at step {bad[1]}.")
        if tick:
            tick(Tick(experiment.step, experiment.total_steps, last - began, said, block))

    for preparing in experiment.prepare():
        if time.perf_counter() - last >= FLUSH_SECONDS:
            report(preparing)
    steps = 0
    for produced in experiment.run() if max_steps != 0 else ():
        progress = produced if isinstance(produced, Progress) else None
        if not isinstance(produced, Progress):
            buffer.add(experiment.step, produced)
            steps += 1
        if time.perf_counter() - last >= FLUSH_SECONDS:
            report(progress)
        if steps == max_steps:
            break
    report(None)
    return history


def recorded_run(
    experiment: Experiment[Any, Any],
    plugin: str,
    experiment_id: str,
    runs: Path,
    *,
    max_steps: int | None = None,
    tick: Callable[[Tick], None] | None = None,
) -> tuple[MetricsHistory, Recorder]:
    """Run to the end as `run_to_end` does, with a record in the run store and a checkpoint at the end."""
    recorder = Recorder.begin(RunStore(runs), plugin, experiment_id, experiment)
    try:
        history = run_to_end(experiment, max_steps=max_steps, tick=tick, recorder=recorder)
    except BaseException:
        recorder.write("failed", experiment)
        raise
    recorder.checkpoint(experiment)
    recorder.write("finished", experiment)
    return history, recorder
