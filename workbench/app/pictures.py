"""Pictures for papers that have no thumbnail yet: a quiet pattern in the colour of the topic, and the plugin's icon."""

from __future__ import annotations

import math
import random
from functools import lru_cache

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QColor, QLinearGradient, QPainter, QPainterPath, QPen, QPixmap

from workbench.app.icons import draw_icon
from workbench.sdk import PaperCard
from workbench.views.theme import theme

HUES = {
    "Music": 330,
    "Operators & PDEs": 205,
    "Geometry": 165,
    "Algorithms": 28,
    "Theory": 265,
    "Architecture search": 90,
    "Learning": 48,
    "Statistical mechanics": 350,
    "Hypernetworks": 235,
    "Activations": 128,
    "Representations": 185,
}
"""Degrees on the colour wheel; a topic that is not listed gets one of its own from its name."""


def topic_colour(topic: str) -> QColor:
    """Return the colour of a topic in the theme that is in use."""
    hue = HUES.get(topic, sum(map(ord, topic)) * 47 % 360)
    return QColor.fromHslF(hue / 360, 0.42, 0.62 if theme().is_dark else 0.45)


def placeholder(card: PaperCard, size: QSize, ratio: float, *, is_greyed: bool = False) -> QPixmap:
    """Return a drawn picture of `size` logical pixels; the same paper always gets the same one."""
    return _placeholder(card.id, card.topic, card.icon, size.width(), size.height(), ratio, is_greyed, theme().is_dark)


@lru_cache(maxsize=256)
def _placeholder(
    id: str, topic: str, icon: str, width: int, height: int, ratio: float, is_greyed: bool, is_dark: bool
) -> QPixmap:
    pixmap = QPixmap(round(width * ratio), round(height * ratio))
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    colour = topic_colour(topic)
    if is_greyed:
        colour = QColor.fromHslF(colour.hslHueF(), 0.2, colour.lightnessF())
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    _draw_ground(painter, QRectF(0, 0, width, height), colour, is_dark)
    _draw_pattern(painter, QRectF(0, 0, width, height), colour, random.Random(id))
    side = round(height * 0.42)
    ink = QColor(colour.lighter(125) if is_dark else colour.darker(125))
    draw_icon(painter, QRect((width - side) // 2, (height - side) // 2, side, side), icon, ink)
    painter.end()
    return pixmap


def _draw_ground(painter: QPainter, rect: QRectF, colour: QColor, is_dark: bool) -> None:
    shade = QLinearGradient(rect.topLeft(), rect.bottomRight())
    ground = QColor(theme().background)
    for place, share in ((0.0, 0.16), (1.0, 0.34 if is_dark else 0.28)):
        shade.setColorAt(place, _mixed(ground, colour, share))
    painter.fillRect(rect, QBrush(shade))


def _draw_pattern(painter: QPainter, rect: QRectF, colour: QColor, generator: random.Random) -> None:
    ink = QColor(colour)
    ink.setAlphaF(0.28)
    painter.setPen(QPen(ink, 1.2))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    generator.choice((_waves, _orbits, _net))(painter, rect, generator)


def _waves(painter: QPainter, rect: QRectF, generator: random.Random) -> None:
    phase, frequency = generator.uniform(0, math.tau), generator.uniform(1.2, 2.4)
    for line in range(9):
        path = QPainterPath()
        base = rect.height() * (line + 0.5) / 9
        for step in range(61):
            x = step / 60
            swing = math.sin(math.tau * frequency * x + phase + line * 0.35) * math.exp(-(((x - 0.5) / 0.35) ** 2))
            point = QPointF(rect.width() * x, base + 10 * swing)
            path.lineTo(point) if step else path.moveTo(point)
        painter.drawPath(path)


def _orbits(painter: QPainter, rect: QRectF, generator: random.Random) -> None:
    tilt = generator.uniform(0, 180)
    painter.save()
    painter.translate(rect.center())
    painter.rotate(tilt)
    for ring in range(1, 9):
        radius = rect.height() * 0.13 * ring
        painter.drawEllipse(QPointF(0, 0), radius, radius * generator.uniform(0.5, 0.95))
    painter.restore()


def _net(painter: QPainter, rect: QRectF, generator: random.Random) -> None:
    columns, rows = 7, 4
    points = [
        QPointF(
            rect.width() * (column + 0.5 + generator.uniform(-0.25, 0.25)) / columns,
            rect.height() * (row + 0.5 + generator.uniform(-0.25, 0.25)) / rows,
        )
        for column in range(columns)
        for row in range(rows)
    ]
    reach = rect.width() / columns * 1.35
    for index, point in enumerate(points):
        painter.drawEllipse(point, 2.2, 2.2)
        for other in points[index + 1 :]:
            if math.hypot(point.x() - other.x(), point.y() - other.y()) < reach:
                painter.drawLine(point, other)


def _mixed(ground: QColor, colour: QColor, share: float) -> QColor:
    return QColor.fromRgbF(
        ground.redF() * (1 - share) + colour.redF() * share,
        ground.greenF() * (1 - share) + colour.greenF() * share,
        ground.blueF() * (1 - share) + colour.blueF() * share,
    )
