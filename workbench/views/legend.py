"""A legend above the figure that wraps into as many lines as it needs, and never covers what it explains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from workbench.views.painting import (
    SMALL_PX,
    LineStyle,
    draw_diamond,
    draw_text,
    elided,
    figure_font,
    pen,
    text_height,
    text_width,
)
from workbench.views.theme import theme

SWATCH, GAP, SPACE = 16.0, 5.0, 14.0


@dataclass(frozen=True)
class LegendEntry:
    """One line of a legend; `name` is what a click on it reports, `is_on` whether it is drawn."""

    name: str
    label: str
    colour: str
    kind: Literal["line", "dot", "box", "diamond"] = "line"
    style: LineStyle = "solid"
    is_on: bool = True


@dataclass(frozen=True)
class PlacedEntry:
    """An entry and where it is drawn, in logical pixels."""

    entry: LegendEntry
    rect: QRectF


def place_legend(
    entries: Sequence[LegendEntry], left: float, top: float, width: float, max_rows: int
) -> list[PlacedEntry]:
    """Place entries in rows of at most `width` pixels; those beyond `max_rows` rows are left out."""
    font = figure_font(SMALL_PX)
    line = text_height(font) + 3
    placed: list[PlacedEntry] = []
    x, row = left, 0
    for entry in entries:
        needed = min(width, SWATCH + GAP + text_width(entry.label, font))
        if x > left and x + needed > left + width:
            x, row = left, row + 1
        if row >= max_rows:
            break
        placed.append(PlacedEntry(entry, QRectF(x, top + row * line, needed, line)))
        x += needed + SPACE
    return placed


def draw_legend(painter: QPainter, placed: Sequence[PlacedEntry]) -> None:
    """Draw placed entries; those that are off are struck in the muted colour."""
    colours = theme()
    font = figure_font(SMALL_PX)
    painter.setFont(font)
    for item in placed:
        entry, rect = item.entry, item.rect
        swatch = QRectF(rect.left(), rect.top(), SWATCH, rect.height())
        _draw_swatch(painter, swatch, entry, entry.colour if entry.is_on else colours.grid)
        text = QRectF(rect.left() + SWATCH + GAP, rect.top(), rect.width() - SWATCH - GAP + 1, rect.height())
        label = elided(entry.label, text.width() + 1, font)
        draw_text(
            painter, text, label, colours.foreground if entry.is_on else colours.muted, Qt.AlignmentFlag.AlignLeft
        )
        if not entry.is_on:
            painter.setPen(pen(colours.muted, 1.0))
            painter.drawLine(QPointF(text.left(), text.center().y()), QPointF(text.right(), text.center().y()))


def _draw_swatch(painter: QPainter, rect: QRectF, entry: LegendEntry, colour: str) -> None:
    centre = rect.center()
    if entry.kind == "line":
        painter.setPen(pen(colour, 2.5, entry.style))
        painter.drawLine(QPointF(rect.left(), centre.y()), QPointF(rect.right(), centre.y()))
    elif entry.kind == "diamond":
        draw_diamond(painter, centre, 5.5, colour)
    else:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colour))
        if entry.kind == "dot":
            painter.drawEllipse(centre, 4.0, 4.0)
        else:
            painter.drawRect(QRectF(rect.left() + 2, centre.y() - 5, SWATCH - 4, 10))
        painter.setBrush(Qt.BrushStyle.NoBrush)


def legend_height(placed: Sequence[PlacedEntry]) -> float:
    """Height in logical pixels that a placed legend takes, with the space under it."""
    return placed[-1].rect.bottom() - placed[0].rect.top() + 4 if placed else 0.0
