"""What the mouse points at in a figure."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt


@dataclass(frozen=True)
class Pick:
    """Where the mouse is, in data coordinates, and what is nearest to it there (a series' name, a point's index)."""

    x: float
    y: float
    series: str = ""
    index: int = -1
    button: Qt.MouseButton = Qt.MouseButton.LeftButton
    modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier


@dataclass(frozen=True)
class ReadOut:
    """What hovering shows: lines of text with their colours, and the points (x, y, colour) that they are about."""

    lines: tuple[tuple[str, str], ...]
    points: tuple[tuple[float, float, str], ...] = ()
    has_crosshair: bool = True
