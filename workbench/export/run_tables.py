"""Runs as files for other programs: one table (CSV, Parquet), and event files that TensorBoard opens."""

from __future__ import annotations

import csv
import importlib.util
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from workbench.runs import IndexedRun
from workbench.runs.atomic import replacing
from workbench.sdk import MetricsHistory, UserError

FIXED = ("id", "plugin", "experiment", "status", "started", "ended", "seconds", "step", "seed", "device", "sweep",
         "tags", "note", "bytes")  # fmt: skip
WALL_TIME = "wall_seconds"
NO_PARQUET = "Parquet needs the library pyarrow: pip install pyarrow."


def has_parquet() -> bool:
    """Whether the library that writes Parquet is installed."""
    return importlib.util.find_spec("pyarrow") is not None


def table_of(runs: Sequence[IndexedRun]) -> dict[str, list[Any]]:
    """Return one column for what every run has, each parameter and each metric's last value; a row a run."""
    columns: dict[str, list[Any]] = {}
    for name in FIXED:
        columns[name] = [getattr(run, name) for run in runs]
    columns["status"] = [run.shown_status for run in runs]
    columns["tags"] = [", ".join(run.tags) for run in runs]
    for prefix, part in (("parameter", "parameters"), ("last", "finals")):
        names = list(dict.fromkeys(name for run in runs for name in getattr(run, part)))
        for name in names:
            columns[f"{prefix}.{name}"] = _one_kind([getattr(run, part).get(name) for run in runs])
    return columns


def save_table(path: Path, runs: Sequence[IndexedRun]) -> None:
    """Write the table of runs as its suffix says (.csv, .parquet); raises UserError for any other."""
    columns = table_of(runs)
    match path.suffix.lower():
        case ".csv":
            with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file)
                writer.writerow(columns)
                writer.writerows(zip(*columns.values(), strict=True))
        case ".parquet":
            if not has_parquet():
                raise UserError(NO_PARQUET)
            import pyarrow
            import pyarrow.parquet

            with replacing(path) as temporary:
                pyarrow.parquet.write_table(pyarrow.table(columns), temporary)
        case suffix:
            raise UserError(f"A table of runs can be .csv or .parquet, not {suffix or 'a file without suffix'}.")


def save_event_files(
    folder: Path, runs: Sequence[tuple[IndexedRun, MetricsHistory]], say: Callable[[int], None] = lambda done: None
) -> list[Path]:
    """Write one folder a run with every scalar and the parameters, for TensorBoard; return the folders.

    Wall times are the run's start plus the seconds it had computed. Raises UserError without the library.
    """
    try:
        from tensorboardX import SummaryWriter
    except ImportError:
        raise UserError("Event files need the library tensorboardX: pip install tensorboardX.") from None
    written = []
    for done, (run, history) in enumerate(runs):
        target = folder / run.id
        started = datetime.fromisoformat(run.started).timestamp()
        with SummaryWriter(str(target), write_to_disk=True) as writer:
            writer.add_text("parameters", f"```json\n{json.dumps(dict(run.parameters), indent=1)}\n```", 0, started)
            for name in history.names:
                steps, values = history[name]
                times = started + _seconds(history, steps)
                for step, value, at in zip(steps.tolist(), values.tolist(), times.tolist(), strict=True):
                    writer.add_scalar(name, value, step, at)
        written.append(target)
        say(done + 1)
    return written


def _seconds(history: MetricsHistory, steps: np.ndarray) -> np.ndarray:
    if WALL_TIME not in history:
        return np.zeros(len(steps))
    at, seconds = history[WALL_TIME]
    return np.interp(steps, np.concatenate([[0], at]), np.concatenate([[0.0], seconds]))


def _one_kind(values: Sequence[Any]) -> list[Any]:
    """Make a column of one kind, as Parquet asks: numbers, switches, or text."""
    present = [value for value in values if value is not None]
    if all(isinstance(value, bool) for value in present):
        return list(values)
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in present):
        return [None if value is None else float(value) for value in values]
    return [None if value is None else _words(value) for value in values]


def _words(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
