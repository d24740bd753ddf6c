"""Files of the DeepONet experiments."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float

    from plugins.deeponet.contract import OperatorParameters
    from plugins.deeponet.data import Triples
    from plugins.deeponet.model import DeepONet
    from plugins.deeponet.problems import Problem


def write_triples(file: Path, data: Triples) -> None:
    """Write sensors (f, m), index (n,), y (n, d), s (n,) of a set."""
    arrays = {"sensors": data.sensors, "index": data.index, "y": data.y, "s": data.s}
    np.savez_compressed(file, **{name: value.cpu().numpy() for name, value in arrays.items()})


def write_cases(
    folder: Path, problem: Problem, inputs: Float[np.ndarray, "b n"], truth: np.ndarray, answers: np.ndarray
) -> None:
    """Write cases.npz with everything and, for functions of one variable, cases.csv with a row a location."""
    axes = {f"axis {label}": axis for label, axis in zip(problem.axis_labels, problem.axes, strict=True)}
    np.savez_compressed(folder / "cases.npz", u=inputs, x=problem.nodes, truth=truth, prediction=answers, **axes)
    if problem.dimensions > 1:
        return
    with (folder / "cases.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("case", problem.axis_labels[0], "truth", "prediction"))
        for case, (own, answer) in enumerate(zip(truth, answers, strict=True)):
            for row in zip(problem.axes[0].tolist(), own.tolist(), answer.tolist(), strict=True):
                writer.writerow((case, *row))


def write_shapes(
    file: Path, network: DeepONet, places: Float[np.ndarray, " m"], parameters: OperatorParameters
) -> None:
    """Write the shapes of the weights and where the sensors are, which a reader of the weights needs."""
    shapes = {name: list(value.shape) for name, value in network.state_dict().items()}
    described = {"shapes": shapes, "sensors": places.tolist(), "parameters": parameters.model_dump(mode="json")}
    file.write_text(json.dumps(described, indent=1))


def write_rows(file: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table."""
    with file.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        writer.writerows(rows)
