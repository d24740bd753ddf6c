"""The authors' text format: a line has points, the word "output", and the answer as 1-based indices."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int64

from plugins.pointer_networks import geometry
from workbench.sdk import UserError

MOST_BYTES = 400_000_000
MOST_LINES = 20_000
"""Lines of a file that are read; the released test files have 10 000, the training files a million."""


@dataclass(frozen=True)
class LabelledSets:
    """Point sets of one size with their answers as slots, padded with 0."""

    points: Float[np.ndarray, "b n 2"]
    slots: Int64[np.ndarray, "b k"]


def authors_text(points: np.ndarray, truth: np.ndarray, task: str) -> str:
    """Lines `x1 y1 ... xn yn output i1 ... ik`, as released by the authors: hulls and tours end where they began."""
    lines = []
    for own, slots in zip(points, truth, strict=True):
        answer = geometry.chosen(slots).tolist()
        answer += answer[:1] if task in ("hull", "tour") else []
        lines.append(" ".join([*(f"{value:.17g}" for value in own.ravel()), "output", *map(str, answer)]))
    return "\n".join(lines) + "\n"


def read_authors_text(path: Path, task: str, most: int = MOST_LINES) -> dict[int, LabelledSets]:
    """Read a file in the authors' format, at most `most` lines, grouped by the number of points.

    The index that closes a hull or tour is taken off. Raises UserError naming the line that cannot be used.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise UserError(f"{path.name} is larger than the {MOST_BYTES / 1e6:.0f} MB allowed.")
        with path.open(encoding="utf-8") as stream:
            rows = [_row(path, number, line, task) for number, line in _used(stream, most)]
    except UnicodeDecodeError:
        raise UserError(f"{path.name} is not a text file.") from None
    except OSError as error:
        raise UserError(f"{path.name} cannot be read: {error.strerror or error}.") from None
    if not rows:
        raise UserError(f"{path.name} holds no point sets.")
    found = {}
    for size in sorted({len(points) for points, _ in rows}):
        own = [(points, slots) for points, slots in rows if len(points) == size]
        width = max(len(slots) for _, slots in own)
        padded = [np.pad(slots, (0, width - len(slots))) for _, slots in own]
        found[size] = LabelledSets(np.stack([points for points, _ in own]), np.stack(padded))
    return found


def _used(stream: object, most: int) -> list[tuple[int, str]]:
    used = []
    for number, line in enumerate(stream, 1):  # type: ignore[arg-type, var-annotated]
        if line.strip():
            used.append((number, line))
        if len(used) >= most:
            break
    return used


def _row(path: Path, number: int, line: str, task: str) -> tuple[np.ndarray, np.ndarray]:
    where = f"{path.name}, line {number}"
    left, found, right = line.partition(" output ")
    if not found:
        raise UserError(f"{where}: the word “output” is missing between points and answer.")
    try:
        points = np.array([float(word) for word in left.split()])
        slots = np.array([int(word) for word in right.split()], np.int64)
    except ValueError:
        raise UserError(f"{where}: coordinates and indices are numbers.") from None
    if len(points) % 2 or not len(points) or not np.isfinite(points).all():
        raise UserError(f"{where}: {len(points)} coordinates are no pairs of finite numbers.")
    points = points.reshape(-1, 2)
    if task in ("hull", "tour") and len(slots) > 1 and slots[0] == slots[-1]:
        slots = slots[:-1]
    if not len(slots) or slots.min() < 1 or slots.max() > len(points):
        raise UserError(f"{where}: the answer must have indices from 1 to {len(points)}.")
    if task in ("tour", "sort") and sorted(slots.tolist()) != list(range(1, len(points) + 1)):
        raise UserError(f"{where}: the answer must name each of the {len(points)} points once.")
    return points, slots
