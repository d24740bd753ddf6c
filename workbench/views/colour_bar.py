"""Values as colours, and the bar that explains them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt

from workbench.views.axis import Axis
from workbench.views.painting import (
    SMALL_PX,
    draw_image,
    draw_text,
    draw_text_up,
    elided,
    figure_font,
    pen,
    rgba_image,
    text_height,
    text_width,
)
from workbench.views.theme import SEQUENTIAL, theme

if TYPE_CHECKING:
    from jaxtyping import UInt8
    from PySide6.QtGui import QPainter

BAR_WIDTH = 12.0
BAR_SPACE = 8.0


@dataclass(frozen=True)
class ColourScale:
    """Maps values from `low` to `high` onto a colour map; NaN is transparent, values beyond take the end's colour."""

    low: float
    high: float
    colormap: str = SEQUENTIAL
    label: str = ""
    is_log: bool = False

    def axis(self) -> Axis:
        """Return the axis beside the bar."""
        axis = Axis(self.label, is_log=self.is_log)
        axis.set_range(self.low, self.high)
        return axis

    def rgba(self, values: np.ndarray) -> UInt8[np.ndarray, "*shape 4"]:
        """Colours of `values`, of any shape."""
        values = np.asarray(values, np.float64)
        shares = self.axis().share(values)
        is_missing = np.isnan(shares)
        indices = np.clip(np.where(is_missing, 0.0, shares) * 256, 0, 255).astype(np.uint8)
        colours: np.ndarray = theme().colormap(self.colormap)[indices]
        if is_missing.any():
            colours[is_missing] = 0
        return colours


def colour_bar_width(scale: ColourScale, height: float) -> float:
    """Width in logical pixels of the bar with its labels."""
    font = figure_font(SMALL_PX)
    ticks = scale.axis().ticks(max(2, int(height / 34)))
    labels = max((text_width(text, font) for _, text in ticks.major), default=0.0)
    caption = text_height() + 2 if scale.axis().caption(ticks) else 0.0
    return BAR_WIDTH + 6 + labels + caption


def draw_colour_bar(painter: QPainter, rect: QRectF, scale: ColourScale) -> None:
    """Draw the bar at the left of `rect`, its ticks and label to the right of it."""
    colours = theme()
    bar = QRectF(rect.left(), rect.top(), BAR_WIDTH, rect.height())
    table = colours.colormap(scale.colormap)[::-1]
    draw_image(painter, bar, rgba_image(np.repeat(table[:, None], 4, axis=1)))
    painter.setPen(pen(colours.muted, 1.0))
    painter.drawRect(bar)
    axis = scale.axis()
    ticks = axis.ticks(max(2, int(rect.height() / 34)))
    font = figure_font(SMALL_PX)
    painter.setFont(font)
    line = text_height(font)
    for value, text in ticks.major:
        y = bar.bottom() - float(axis.share(value)) * bar.height()
        painter.setPen(pen(colours.muted, 1.0))
        painter.drawLine(QPointF(bar.right(), y), QPointF(bar.right() + 3, y))
        place = QRectF(bar.right() + 5, y - line / 2, text_width(text, font), line)
        draw_text(painter, place, text, colours.foreground, Qt.AlignmentFlag.AlignLeft)
    if caption := axis.caption(ticks):
        painter.setFont(figure_font())
        height = text_height()
        place = QRectF(rect.right() - height, rect.top(), height, rect.height())
        draw_text_up(painter, place, elided(caption, max(60.0, rect.height())), colours.foreground)
