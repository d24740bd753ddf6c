"""Files of the MgNO experiments."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

    from plugins.mgno.data import FieldSet


def write_fields(folder: Path, data: FieldSet, answers: Mapping[str, Tensor]) -> None:
    """Write fields.npz with inputs a, solutions u and each model's answers, and the first problem as a point table."""
    a, u = data.inputs[:, 0].cpu().numpy(), data.outputs[:, 0].cpu().numpy()
    arrays = {name: value.cpu().numpy() for name, value in answers.items()}
    np.savez_compressed(folder / "fields.npz", a=a, u=u, **{f"u_{name}": value for name, value in arrays.items()})
    n = a.shape[-1]
    centres = (np.arange(n) + 0.5) / n
    with (folder / "first.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("x", "y", "z", "a", "u", *(f"u_{name}" for name in arrays)))
        for row in range(n):
            for column in range(n):
                values = (own[0, row, column] for own in (a, u, *arrays.values()))
                writer.writerow((centres[column], centres[row], 0.0, *(float(value) for value in values)))


def write_table(file: Path, errors: Mapping[str, tuple[float, float]], parameters: Mapping[str, int]) -> None:
    """Write relative L2 and H1 errors over the test set and numbers of parameters."""
    with file.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("model", "relative L2", "relative H1", "parameters"))
        for name, (l2, h1) in errors.items():
            writer.writerow((name, l2, h1, parameters[name]))


def write_rows(file: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table."""
    with file.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        writer.writerows(rows)
