"""Scalars of a run: blocks as they cross the process boundary, and the history a view draws."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float, Int64


@dataclass(frozen=True)
class MetricsBlock:
    """What was measured since the last block: for each name its steps (n,) and values (n,).

    A name that a step did not report has no entry for it, so nothing stands in for a missing value.
    """

    series: Mapping[str, tuple[Int64[np.ndarray, " n"], Float[np.ndarray, " n"]]]

    def first_non_finite(self, prefix: str = "loss") -> tuple[str, int, float] | None:
        """Name, step and value of the earliest NaN or infinity among `prefix` and `prefix/...`, or None."""
        found = [
            (int(steps[bad[0]]), name, float(values[bad[0]]))
            for name, (steps, values) in self.series.items()
            if name == prefix or name.startswith(f"{prefix}/")
            if len(bad := np.flatnonzero(~np.isfinite(values)))
        ]
        if not found:
            return None
        step, name, value = min(found)
        return name, step, value


@dataclass
class _Column:
    steps: np.ndarray = field(default_factory=lambda: np.empty(1024, np.int64))
    values: np.ndarray = field(default_factory=lambda: np.empty(1024, np.float64))
    size: int = 0

    def extend(self, steps: np.ndarray, values: np.ndarray) -> None:
        needed = self.size + len(steps)
        if needed > len(self.steps):
            capacity = max(needed, 2 * len(self.steps))
            self.steps = np.concatenate([self.steps[: self.size], np.empty(capacity - self.size, np.int64)])
            self.values = np.concatenate([self.values[: self.size], np.empty(capacity - self.size)])
        self.steps[self.size : needed] = steps
        self.values[self.size : needed] = values
        self.size = needed


class MetricsHistory:
    """Everything measured so far, one growing pair of arrays a name; appending is amortised constant time."""

    def __init__(self, blocks: Iterable[MetricsBlock] = ()) -> None:
        self._columns: dict[str, _Column] = {}
        for block in blocks:
            self.append(block)

    def append(self, block: MetricsBlock) -> None:
        """Add a block at the end."""
        for name, (steps, values) in block.series.items():
            self._columns.setdefault(name, _Column()).extend(steps, values)

    def clear(self) -> None:
        """Forget everything."""
        self._columns.clear()

    def truncate(self, step: int) -> None:
        """Forget what was measured after `step`, as a run that goes on from an earlier checkpoint must."""
        for column in self._columns.values():
            column.size = int(np.searchsorted(column.steps[: column.size], step, side="right"))

    @property
    def names(self) -> tuple[str, ...]:
        """Names in the order in which they first appeared."""
        return tuple(self._columns)

    def __contains__(self, name: str) -> bool:
        return name in self._columns

    def __getitem__(self, name: str) -> tuple[Int64[np.ndarray, " n"], Float[np.ndarray, " n"]]:
        """Return steps (n,) and values (n,) of `name`, as views that later appends do not change."""
        column = self._columns[name]
        return column.steps[: column.size], column.values[: column.size]

    def latest(self, name: str) -> float | None:
        """Last value of `name`, or None where nothing was measured."""
        column = self._columns.get(name)
        return float(column.values[column.size - 1]) if column and column.size else None

    def table(self) -> tuple[Int64[np.ndarray, " n"], dict[str, Float[np.ndarray, " n"]]]:
        """Return all steps (n,), and each name's values aligned with them (NaN where a step has none)."""
        if not self._columns:
            return np.empty(0, np.int64), {}
        steps = np.unique(np.concatenate([self[name][0] for name in self.names]))
        aligned = {}
        for name in self.names:
            own_steps, values = self[name]
            column = np.full(len(steps), np.nan)
            column[np.searchsorted(steps, own_steps)] = values
            aligned[name] = column
        return steps, aligned
