"""Parts of the panel: which lines draw an output, and an undoable edit of the points."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PySide6.QtGui import QUndoCommand

from plugins.pointer_networks import geometry
from workbench.views.point_editor import cycle_pairs, triangle_pairs

COLOURS = {"pointer": 0, "lstm": 1, "attention": 2}
STOP_LABEL = "⇐"


def pairs_of(task: str, slots: np.ndarray) -> np.ndarray:
    """Pairs of point indices that draw an output: a polygon, triangles, a tour, or a path."""
    own = geometry.chosen(slots) - 1
    if task == "delaunay":
        return triangle_pairs([[k - 1 for k in triangle] for triangle in geometry.triangles(slots)])
    if task == "sort":
        return np.stack([own[:-1], own[1:]], 1) if len(own) > 1 else np.zeros((0, 2), np.int64)
    return cycle_pairs(geometry.corners(slots) - 1 if task == "hull" else own)


class MovePoints(QUndoCommand):
    """An edit of the points."""

    def __init__(self, use: Callable[[np.ndarray], None], before: np.ndarray, after: np.ndarray) -> None:
        super().__init__("edit points")
        self._use, self._before, self._after = use, before, after
        self._is_first = True

    def redo(self) -> None:
        """Edit again; the first time the person has just done it."""
        if not self._is_first:
            self._use(self._after)
        self._is_first = False

    def undo(self) -> None:
        """Take the edit back."""
        self._use(self._before)
