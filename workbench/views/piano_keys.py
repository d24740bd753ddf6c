"""The keyboard at a piano roll's left edge with bars of probability, and the layer that shows it and the playhead."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPolygonF
from PySide6.QtWidgets import QWidget

from workbench.views.painting import SMALL_PX, draw_text, figure_font, mixed, pen, text_height, with_alpha
from workbench.views.roll_notes import BLACK, pitch_name
from workbench.views.theme import theme

if TYPE_CHECKING:
    from jaxtyping import Float

    from workbench.views.axis import Frame2D
    from workbench.views.piano_roll import PianoRoll

KEYS = 96.0
"""Logical pixels for keyboard and probabilities."""
KEY_WIDTH = 40.0
SMALLEST_SHARE = 0.004
LABELLED_SHARE = 0.06


def draw_keys(
    painter: QPainter, frame: Frame2D, probabilities: Float[np.ndarray, "128"] | None, pressed: frozenset[int]
) -> None:
    """Draw keys for the pitches that the frame shows, left of it; probabilities as bars that grow to the left."""
    colours, rect = theme(), frame.rect
    right = rect.left()
    painter.save()
    painter.setClipRect(QRectF(right - KEYS, rect.top(), KEYS, rect.height()))
    low, high = int(np.floor(frame.y.low)), int(np.ceil(frame.y.high))
    step = rect.height() / max(1e-9, frame.y.high - frame.y.low)
    white = "#f7f7f5" if not colours.is_dark else "#c9cdd3"
    black = "#2b2f36" if not colours.is_dark else "#15171b"
    font = figure_font(min(SMALL_PX, max(7.0, step)))
    painter.setFont(font)
    for pitch in range(max(low, 0), min(high, 127) + 1):
        bottom = frame.point(0, pitch - 0.5).y()
        key = QRectF(right - KEY_WIDTH, bottom - step, KEY_WIDTH, step)
        is_black = pitch % 12 in BLACK
        fill = colours.accent if pitch in pressed else black if is_black else white
        painter.fillRect(QRectF(key.left(), key.top(), KEY_WIDTH * (0.62 if is_black else 1.0), step), QColor(fill))
        if is_black and pitch not in pressed:
            painter.fillRect(QRectF(key.left() + KEY_WIDTH * 0.62, key.top(), KEY_WIDTH * 0.38, step), QColor(white))
        # Between B and C, E and F no black key parts the white ones; elsewhere they meet in a black key's middle.
        painter.setPen(pen(mixed(black, white, 0.6), 0.8))
        if pitch % 12 in (0, 5):
            painter.drawLine(QPointF(key.left(), key.bottom()), QPointF(key.right(), key.bottom()))
        elif is_black:
            middle = key.center().y()
            painter.drawLine(QPointF(key.left() + KEY_WIDTH * 0.62, middle), QPointF(key.right(), middle))
        painter.drawLine(QPointF(key.left(), key.top()), QPointF(key.left(), key.bottom()))
        if pitch % 12 == 0 and step >= 4:
            box = QRectF(key.left(), key.center().y() - 8, KEY_WIDTH - 3, 16)
            draw_text(painter, box, pitch_name(pitch), "#1f2328", Qt.AlignmentFlag.AlignRight)
    if probabilities is not None:
        _draw_probabilities(painter, frame, probabilities, step)
    painter.restore()


def _draw_probabilities(painter: QPainter, frame: Frame2D, probabilities: np.ndarray, step: float) -> None:
    colours = theme()
    room = KEYS - KEY_WIDTH - 4
    right = frame.rect.left() - KEY_WIDTH - 2
    top = max(float(probabilities.max()), 1e-9)
    font = figure_font(min(SMALL_PX, max(8.0, step)))
    painter.setFont(font)
    best = int(probabilities.argmax())
    for pitch in np.flatnonzero(probabilities >= SMALLEST_SHARE).tolist():
        share = float(probabilities[pitch])
        y = frame.point(0, pitch + 0.5).y()
        width = max(1.5, room * share / top)
        colour = colours.series(1) if pitch == best else colours.accent
        painter.fillRect(QRectF(right - width, y + 0.5, width, max(1.0, step - 1)), with_alpha(colour, 0.8))
        if (share >= LABELLED_SHARE and step >= 9) or pitch == best:
            height = text_height(font)
            place = QRectF(right - room, y + step / 2 - height / 2, room - 2, height)
            colour = colours.background if width > 26 else colours.foreground
            if width <= 26:
                place = QRectF(right - room, place.top(), room - width - 3, height)
            draw_text(painter, place, f"{100 * share:.0f}%", colour, Qt.AlignmentFlag.AlignRight)


class RollOverlay(QWidget):
    """Over the roll's canvas: keyboard and playhead, which change many times a second while the figure stays."""

    def __init__(self, view: PianoRoll, canvas: QWidget) -> None:
        super().__init__(canvas)
        self._view = view
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._probabilities: np.ndarray | None = None
        self._pressed: frozenset[int] = frozenset()
        self._playhead: float | None = None

    @property
    def probabilities(self) -> Float[np.ndarray, "128"] | None:
        """What the keyboard shows."""
        return self._probabilities

    @property
    def pressed(self) -> frozenset[int]:
        """Keys that are down."""
        return self._pressed

    @property
    def playhead(self) -> float | None:
        """Beat of the playhead."""
        return self._playhead

    def set_keys(self, probabilities: np.ndarray | None, pressed: frozenset[int]) -> None:
        """Show other probabilities and pressed keys."""
        self._probabilities, self._pressed = probabilities, pressed
        self.update(QRect(0, 0, int(self._view.frame().rect.left()) + 1, self.height()))

    def set_playhead(self, beat: float | None) -> None:
        """Move the playhead; only what it left and what it reached is drawn."""
        for own in (self._playhead, beat):
            if own is not None:
                x = int(self._view.frame().point(own, 0).x())
                self.update(QRect(x - 8, 0, 16, self.height()))
        self._playhead = beat

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw keys and playhead."""
        frame = self._view.frame()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if event.rect().left() < frame.rect.left():
            draw_keys(painter, frame, self._probabilities, self._pressed)
        if self._playhead is not None:
            x = frame.point(self._playhead, 0).x()
            if frame.rect.left() - 1 <= x <= frame.rect.right() + 1:
                colour = theme().error
                painter.setPen(pen(colour, 1.6))
                painter.drawLine(QPointF(x, frame.rect.top() - 10), QPointF(x, self._view.lane_rect(frame).bottom()))
                painter.setBrush(QColor(colour))
                top = frame.rect.top() - 12
                painter.drawPolygon(QPolygonF([QPointF(x - 5, top), QPointF(x + 5, top), QPointF(x, top + 7)]))
        painter.end()
