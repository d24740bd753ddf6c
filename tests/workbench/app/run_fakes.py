"""Recorded runs without an experiment behind them."""

from __future__ import annotations

import numpy as np

from workbench.runs import RunIndex, RunStore, folders
from workbench.sdk import MetricsBlock


def record(plugin="tiny", experiment="fit", seed=0, steps=50, status="finished", checkpoint=True, **parameters):
    """Write a run whose loss falls with the learning rate in its parameters; return its id."""
    parameters = {"learning_rate": 0.1, "steps": steps} | parameters
    values = {"plugin": plugin, "experiment": experiment, "parameters": parameters, "seed": seed, "device": "cpu"}
    folder, run = RunStore(folders().make().runs).create(values | {"status": status, "step": steps, "seconds": 2.0})
    at = np.arange(1, steps + 1)
    loss = np.exp(-at * parameters["learning_rate"])
    block = {"loss": (at, loss), "accuracy": (at, 1 - loss), "wall_seconds": (at[[-1]], np.array([2.0]))}
    folder.metrics.append(MetricsBlock(block))
    if checkpoint:
        folder.checkpoint.write_bytes(b"state")
    return run.id


def indexed():
    """All runs as the index has them."""
    index = RunIndex(folders().make().runs)
    index.sync()
    runs = index.runs()
    index.close()
    return runs
