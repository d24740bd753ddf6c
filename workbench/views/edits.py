"""An undoable edit of something drawn or painted."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from PySide6.QtGui import QUndoCommand

T = TypeVar("T")


class Edit(QUndoCommand):
    """From `before` to `after`, each shown by calling `show`; pushing it does not show `after` again."""

    def __init__(self, text: str, show: Callable[[T], None], before: T, after: T) -> None:
        super().__init__(text)
        self._show, self._before, self._after = show, before, after
        self._is_new = True

    def undo(self) -> None:
        """Show what was there before."""
        self._show(self._before)

    def redo(self) -> None:
        """Show the edit; the first time it is already to be seen."""
        if self._is_new:
            self._is_new = False
        else:
            self._show(self._after)
