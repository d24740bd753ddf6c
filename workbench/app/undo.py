"""Undoable changes of parameters; consecutive ones of one gesture become one step."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Mapping
from typing import Any

from PySide6.QtGui import QUndoCommand
from typing_extensions import override

from workbench.sdk import Parameters

MERGE_SECONDS = 1.0
"""Changes of one field that follow each other faster than this are one step back."""


class ParameterChange(QUndoCommand):
    """From `before` to `after`, applied by calling `apply`; `fields` are the names that were changed."""

    def __init__(
        self,
        text: str,
        before: Parameters,
        after: Parameters,
        apply: Callable[[Parameters], None],
        *,
        gesture: int = 0,
    ) -> None:
        super().__init__(text)
        self._before, self._after, self._apply = before, after, apply
        self._fields = frozenset(after.difference(before))
        self._gesture, self._time = gesture, time.monotonic()

    @override
    def id(self) -> int:
        """Return a number that is the same for changes of the same fields, as Qt asks for merging."""
        return zlib.crc32(",".join(sorted(self._fields)).encode()) & 0x7FFFFFFF

    @override
    def mergeWith(self, other: QUndoCommand) -> bool:
        if not isinstance(other, ParameterChange) or other._fields != self._fields:
            return False
        is_same_gesture = other._gesture != 0 and other._gesture == self._gesture
        if not is_same_gesture and other._time - self._time > MERGE_SECONDS:
            return False
        self._after, self._time = other._after, other._time
        self.setObsolete(not self._after.difference(self._before))
        return True

    @override
    def redo(self) -> None:
        self._apply(self._after)

    @override
    def undo(self) -> None:
        self._apply(self._before)


def change_text(parameters: type[Parameters], changes: Mapping[str, Any]) -> str:
    """Name a change for the Edit menu: the field's label, or how many fields."""
    if len(changes) == 1:
        return parameters.spec(next(iter(changes))).label
    return f"{len(changes)} parameters"
