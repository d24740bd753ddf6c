"""Metrics and arrays as CSV and NPZ."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from workbench.runs.atomic import replacing
from workbench.sdk import MetricsHistory


def save_metrics_csv(path: Path, history: MetricsHistory) -> None:
    """Write a row a step and a column a metric; a step that did not report a metric has an empty cell."""
    steps, columns = history.table()
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["step", *columns])
        for index, step in enumerate(steps):
            cells = [column[index] for column in columns.values()]
            writer.writerow([int(step), *("" if np.isnan(cell) else repr(float(cell)) for cell in cells)])


def save_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write named arrays to one compressed NPZ file."""
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
