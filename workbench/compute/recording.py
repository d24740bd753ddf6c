"""Recording a run: its folder, metrics, checkpoints, and what an export of it holds."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from workbench import __version__
from workbench.compute.checkpoint import save_checkpoint
from workbench.compute.state import weights_of
from workbench.export.tables import save_metrics_csv
from workbench.export.weights import save_weights
from workbench.runs import RunFolder, RunRecord, RunStore
from workbench.runs.atomic import write_json
from workbench.runs.store import RunStatus
from workbench.sdk import Experiment, MetricsBlock, MetricsHistory

WALL_TIME = "wall_seconds"
"""Metric added at each flush: seconds that the run has computed so far, for plots against time."""


def versions() -> dict[str, str]:
    """Versions of what decides the numbers of a run."""
    names = ("torch", "numpy", "scipy")
    return {"workbench": __version__, "python": platform.python_version()} | {
        name: importlib.metadata.version(name) for name in names
    }


class Recorder:
    """One run on disk, from its first step to its end. `seconds` counts computing time only."""

    def __init__(self, folder: RunFolder, record: RunRecord) -> None:
        self.folder, self.record = folder, record
        self.checkpoint_step: int | None = None
        self._checkpoint_time: float | None = None

    @classmethod
    def begin(cls, store: RunStore, plugin: str, experiment_id: str, experiment: Experiment[Any, Any]) -> Recorder:
        """Open the record of a new run."""
        context = experiment.context
        values = {
            "plugin": plugin,
            "experiment": experiment_id,
            "parameters": experiment.parameters.model_dump(mode="json"),
            "seed": context.seed,
            "device": str(context.device),
            "dtype": str(context.dtype).removeprefix("torch."),
            "versions": versions(),
            "total_steps": experiment.total_steps,
            "process": os.getpid(),
        }
        return cls(*store.create(values))

    @classmethod
    def resume(cls, path: Path, step: int) -> Recorder:
        """Go on with the record of an earlier run from its checkpoint at `step`."""
        folder = RunFolder(path)
        recorder = cls(folder, folder.read())
        folder.metrics.truncate(step)
        recorder.checkpoint_step = step
        return recorder

    def add(self, block: MetricsBlock, seconds: float) -> MetricsBlock:
        """Append metrics to the file, with the wall time; return the block as written."""
        last = max(int(steps[-1]) for steps, _ in block.series.values())
        block = MetricsBlock({**block.series, WALL_TIME: (np.array([last]), np.array([seconds]))})
        self.folder.metrics.append(block)
        self.record.seconds = seconds
        return block

    def checkpoint(self, experiment: Experiment[Any, Any]) -> None:
        """Save the state so that the run can go on from here."""
        save_checkpoint(self.folder.checkpoint, experiment, self.record.seconds)
        self.checkpoint_step, self._checkpoint_time = experiment.step, time.monotonic()

    @property
    def checkpoint_age(self) -> float | None:
        """Seconds since this process saved a checkpoint of the run."""
        return None if self._checkpoint_time is None else time.monotonic() - self._checkpoint_time

    def note_edit(self, step: int, what: dict[str, Any]) -> None:
        """Remember something a person changed while the run went on."""
        self.record.edits.append({"step": step, **what})

    def write(self, status: RunStatus, experiment: Experiment[Any, Any]) -> None:
        """Write the record with the state the run is in."""
        self.record.status, self.record.step = status, experiment.step
        self.record.total_steps = experiment.total_steps
        self.record.process = os.getpid()
        ended = status in ("finished", "stopped", "failed")
        self.record.ended = datetime.now(UTC).isoformat(timespec="seconds") if ended else None
        self.folder.write(self.record)


def export_run(
    folder: Path, experiment: Experiment[Any, Any], history: MetricsHistory, record: dict[str, Any]
) -> list[str]:
    """Write run.json, metrics.csv, weights.safetensors and the plugin's own files; return their names."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "run.json", record)
    save_metrics_csv(folder / "metrics.csv", history)
    if weights := weights_of(experiment):
        described = {key: record[key] for key in ("plugin", "experiment", "parameters", "seed")}
        save_weights(folder / "weights.safetensors", weights, described)
    experiment.save_artefacts(folder)
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())
