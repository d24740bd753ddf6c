"""Notes in quarter notes as files give them, before they are put on the grid of sixteenths."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float, Int

OFF_GRID = 0.02
"""Sixteenths by which a note may miss the grid before that is reported."""


class Unusable(Exception):
    """Why a piece cannot be used, as a sentence's end; with the piece's title where it is known."""

    def __init__(self, reason: str, title: str = "") -> None:
        super().__init__(reason)
        self.title = title


def wrong_metre(metre: str) -> Unusable:
    """The refusal of a metre: an event has no place for it, and bars and their measures are those of 4/4."""
    return Unusable(f"metre {metre} is not 4/4 (nor 2/4 or 2/2, which pair into it)")


@dataclass(frozen=True)
class Spans:
    """Notes (n, 3): onset and duration in quarter notes, MIDI pitch."""

    rows: Float[np.ndarray, "n 3"]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def is_polyphonic(self) -> bool:
        """Whether notes sound together."""
        rows = self.rows[np.argsort(self.rows[:, 0], kind="stable")]
        return bool(len(rows) > 1 and (rows[1:, 0] < (rows[:, 0] + rows[:, 1])[:-1] - 0.05).any())

    def top(self) -> Spans:
        """The skyline: of notes that begin together the highest, none that begins under a higher one that sounds."""
        rows = self.rows[np.lexsort((-self.rows[:, 2], self.rows[:, 0]))] if len(self.rows) else self.rows
        kept: list[list[float]] = []
        for onset, length, pitch in rows.tolist():
            if kept:
                before, duration, above = kept[-1]
                if abs(onset - before) < 1e-6:
                    continue
                if onset < before + duration - 0.05 and pitch < above:
                    continue
            kept.append([onset, length, pitch])
        return Spans(np.array(kept, float).reshape(-1, 3))

    def quantised(self, pad: float = 0.0) -> tuple[Int[np.ndarray, "m 3"], int, int]:
        """Rows in sixteenths, moved right by `pad` quarters; how many were off the grid, how many had no length."""
        if not len(self.rows):
            return np.zeros((0, 3), np.int64), 0, 0
        has_length = self.rows[:, 1] > 1e-3
        rows = self.rows[has_length]
        start, end = (rows[:, 0] + pad) * 4, (rows[:, 0] + rows[:, 1] + pad) * 4
        onset = np.floor(start + 0.5).astype(np.int64)
        until = np.maximum(np.floor(end + 0.5).astype(np.int64), onset + 1)
        is_off = (np.abs(start - onset) > OFF_GRID) | (np.abs(end - until) > OFF_GRID)
        made = np.stack([onset, until - onset, rows[:, 2].astype(np.int64)], 1)
        made = made[made[:, 0] >= 0]
        return made, int(is_off.sum()), int((~has_length).sum())
