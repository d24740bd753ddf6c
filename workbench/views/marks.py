"""Reference lines and shaded spans of a figure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from workbench.views.axis import Frame2D
from workbench.views.painting import (
    SMALL_PX,
    LineStyle,
    draw_text,
    figure_font,
    mixed,
    pen,
    text_height,
    text_width,
)
from workbench.views.theme import theme


@dataclass(frozen=True)
class ReferenceLine:
    """A straight line across the figure at a data coordinate."""

    value: float
    orientation: Literal["horizontal", "vertical"]
    label: str
    colour: str | int
    style: LineStyle


@dataclass(frozen=True)
class Span:
    """A shaded range of data coordinates."""

    low: float
    high: float
    orientation: Literal["horizontal", "vertical"]
    colour: str | int
    label: str


def draw_across(painter: QPainter, frame: Frame2D, value: float, is_x: bool) -> None:
    """Draw a line across the frame at x = value or y = value, with the painter's pen; none if it is outside."""
    rect = frame.rect
    if is_x:
        x = rect.left() + float(frame.x.share(value)) * rect.width()
        if rect.left() - 0.5 <= x <= rect.right() + 0.5:
            painter.drawLine(QPointF(x, rect.top()), QPointF(x, rect.bottom()))
    else:
        y = rect.bottom() - float(frame.y.share(value)) * rect.height()
        if rect.top() - 0.5 <= y <= rect.bottom() + 0.5:
            painter.drawLine(QPointF(rect.left(), y), QPointF(rect.right(), y))


def draw_spans(painter: QPainter, frame: Frame2D, spans: Iterable[Span]) -> None:
    """Shade spans and label them; draw this before the data."""
    for span in spans:
        colour = theme().colour(span.colour)
        area = QRectF(frame.rect)
        axis = frame.x if span.orientation == "vertical" else frame.y
        low, high = (float(share) for share in (axis.share(span.low), axis.share(span.high)))
        if math.isnan(low) or math.isnan(high):
            continue
        low, high = min(max(low, 0.0), 1.0), min(max(high, 0.0), 1.0)
        if span.orientation == "vertical":
            area.setLeft(frame.rect.left() + low * frame.rect.width())
            area.setRight(frame.rect.left() + high * frame.rect.width())
        else:
            area.setTop(frame.rect.bottom() - high * frame.rect.height())
            area.setBottom(frame.rect.bottom() - low * frame.rect.height())
        painter.fillRect(area, QColor(mixed(colour, theme().background, 0.86)))
        if span.label:
            painter.setFont(figure_font(SMALL_PX))
            flags = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop
            draw_text(painter, area.adjusted(4, 2, 0, 0), span.label, colour, flags)


def draw_reference_lines(painter: QPainter, frame: Frame2D, lines: Iterable[ReferenceLine]) -> None:
    """Draw reference lines with their labels; draw this after the data."""
    rect = frame.rect
    painter.setFont(figure_font(SMALL_PX))
    for line in lines:
        colour = theme().colour(line.colour)
        painter.setPen(pen(colour, 1.3, line.style))
        is_x = line.orientation == "vertical"
        draw_across(painter, frame, line.value, is_x)
        share = float((frame.x if is_x else frame.y).share(line.value))
        if not line.label or not 0 <= share <= 1:
            continue
        width, height = text_width(line.label, painter.font()) + 6, text_height(painter.font())
        if is_x:
            x = rect.left() + share * rect.width()
            left = x + 1 if x + width < rect.right() else x - width - 1
            place = QRectF(left, rect.top() + 2, width, height)
        else:
            y = rect.bottom() - share * rect.height()
            top = y - height - 1 if y - height - 1 > rect.top() else y + 1
            place = QRectF(rect.right() - width, top, width, height)
        painter.fillRect(place, QColor(theme().background))
        draw_text(painter, place, line.label, colour)
