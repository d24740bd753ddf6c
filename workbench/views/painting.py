"""What all figures draw with: fonts, texts, curves, marks and images, the same on screens, in PDF and in SVG."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import shiboken6
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QImage, QPaintEngine, QPainter, QPen, QPolygonF

from workbench.views.theme import theme

if TYPE_CHECKING:
    from jaxtyping import Float, UInt8

TEXT_PX = 11.5
"""Height of a figure's text in logical pixels, before the person's own scaling."""
SMALL_PX = 10.5
DENSE = 600
"""Vertices from which a curve on a screen is drawn with the quick pen, one device pixel wide."""
CHUNK = 24
"""Segments drawn at once where strokes are wide: Qt's rasteriser is quadratic in the crossings of one stroke."""

LineStyle = Literal["solid", "dash", "dot"]
_STYLES = {"solid": Qt.PenStyle.SolidLine, "dash": Qt.PenStyle.DashLine, "dot": Qt.PenStyle.DotLine}


@lru_cache(maxsize=32)
def figure_font(pixels: float = TEXT_PX, bold: bool = False) -> QFont:
    """Return the figures' font; sized in pixels, so that it scales with the painter."""
    font = QFont()
    # setPixelSize takes whole pixels only; the point size is what a 72 dpi device would have.
    font.setPixelSize(round(pixels))
    font.setBold(bold)
    font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    return font


def text_width(text: str, font: QFont | None = None) -> float:
    """Width of one line of text in logical pixels."""
    return QFontMetricsF(font or figure_font()).horizontalAdvance(text)


def text_height(font: QFont | None = None) -> float:
    """Height of one line of text in logical pixels."""
    return QFontMetricsF(font or figure_font()).height()


def elided(text: str, width: float, font: QFont | None = None) -> str:
    """Shorten `text` with an ellipsis to `width` logical pixels."""
    return QFontMetricsF(font or figure_font()).elidedText(text, Qt.TextElideMode.ElideRight, width)


def draw_text(
    painter: QPainter,
    rect: QRectF,
    text: str,
    colour: str,
    alignment: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignCenter,
) -> None:
    """Draw one or more lines into `rect`, vertically centred unless `alignment` says otherwise; nothing is clipped."""
    painter.setPen(QColor(colour))
    vertical = alignment & Qt.AlignmentFlag.AlignVertical_Mask
    flags = alignment if vertical else alignment | Qt.AlignmentFlag.AlignVCenter
    painter.drawText(rect, flags.value | Qt.TextFlag.TextDontClip.value, text)


def draw_text_up(painter: QPainter, rect: QRectF, text: str, colour: str) -> None:
    """Draw a line of text that reads from bottom to top, centred in `rect`."""
    painter.save()
    painter.translate(rect.center())
    painter.rotate(-90)
    draw_text(painter, QRectF(-rect.height() / 2, -rect.width() / 2, rect.height(), rect.width()), text, colour)
    painter.restore()


def pen(colour: str | QColor, width: float = 1.0, style: LineStyle = "solid") -> QPen:
    """Return a pen that scales with the painter."""
    made = QPen(QColor(colour), width, _STYLES[style])
    made.setCapStyle(Qt.PenCapStyle.FlatCap if style != "solid" else Qt.PenCapStyle.RoundCap)
    made.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    return made


def mixed(colour: str, other: str, share: float) -> str:
    """Return `colour` with `share` of `other` in it: an opaque stand-in for transparency, which draws far slower."""
    a, b = QColor(colour), QColor(other)
    parts = [round(x * (1 - share) + y * share) for x, y in zip(a.getRgb()[:3], b.getRgb()[:3], strict=True)]  # type: ignore[index]
    return QColor(*parts).name()


def with_alpha(colour: str, alpha: float) -> QColor:
    """Return `colour` with an opacity in [0, 1]."""
    made = QColor(colour)
    made.setAlphaF(alpha)
    return made


def is_vector(painter: QPainter) -> bool:
    """Whether `painter` writes SVG or PDF."""
    return painter.paintEngine().type() in (QPaintEngine.Type.SVG, QPaintEngine.Type.Pdf, QPaintEngine.Type.Picture)


def device_scale(painter: QPainter) -> float:
    """Device pixels per logical pixel of an image or widget; 1 for vector formats."""
    return 1.0 if is_vector(painter) else painter.device().devicePixelRatioF()


def polygon(points: Float[np.ndarray, "n 2"]) -> QPolygonF:
    """Return points as a QPolygonF, by one copy of memory (a list of QPointF takes 20 times as long)."""
    points = np.ascontiguousarray(points, np.float64)
    made = QPolygonF()
    made.resize(len(points))
    if len(points):
        pointer: Any = shiboken6.VoidPtr
        np.frombuffer(pointer(made.data(), points.nbytes, True), np.float64)[:] = points.ravel()
    return made


def runs_of_finite(points: Float[np.ndarray, "n 2"]) -> list[Float[np.ndarray, "m 2"]]:
    """Split points at those with a NaN or infinity; what is left of each side is drawn on its own."""
    good = np.isfinite(points).all(1)
    if good.all():
        return [points] if len(points) else []
    edges = np.flatnonzero(np.diff(np.concatenate([[False], good, [False]]).astype(np.int8)))
    return [points[start:stop] for start, stop in edges.reshape(-1, 2)]


def draw_curve(
    painter: QPainter,
    points: Float[np.ndarray, "n 2"],
    colour: str,
    width: float = 1.5,
    style: LineStyle = "solid",
    *,
    is_export: bool = False,
) -> None:
    """Draw connected points (logical pixels); NaN makes a gap, a point between two gaps a dot.

    On screens, dense curves are drawn with Qt's quick pen of one device pixel, wider ones as several of them below
    each other: a 1600-vertex noisy line takes 2 ms so, 100 ms in short chunks of a wide pen, and 400 ms in one wide
    stroke. Exports take the chunks.
    """
    for run in runs_of_finite(points):
        if len(run) == 1:
            painter.setPen(pen(colour, max(3.0, 2 * width)))
            painter.drawPoint(QPointF(*run[0]))
            continue
        if is_vector(painter) or (style != "solid" and len(run) <= DENSE):
            painter.setPen(pen(colour, width, style))
            painter.drawPolyline(polygon(run))
        elif len(run) > DENSE and not is_export:
            ratio = device_scale(painter)
            painter.setPen(QPen(QColor(colour), 1.0 / ratio))
            copies = max(1, round(width * ratio))
            for offset in (np.arange(copies) - (copies - 1) / 2) / ratio:
                painter.drawPolyline(polygon(run + np.array((0.0, offset))))
        else:
            painter.setPen(pen(colour, width, style if len(run) <= DENSE else "solid"))
            for start in range(0, len(run) - 1, CHUNK):
                painter.drawPolyline(polygon(run[start : start + CHUNK + 1]))


def draw_segments(painter: QPainter, segments: Float[np.ndarray, "n 4"], line: QPen) -> None:
    """Draw lines given as x1, y1, x2, y2 in logical pixels; those with NaN are left out."""
    good = segments[np.isfinite(segments).all(1)]
    painter.setPen(line)
    painter.drawLines([QLineF(*row) for row in good.tolist()])


def rgba_image(rgba: UInt8[np.ndarray, "h w 4"]) -> QImage:
    """Return an RGBA array as an image that owns its pixels; row 0 is the top."""
    rgba = np.ascontiguousarray(rgba, np.uint8)
    height, width = rgba.shape[:2]
    return QImage(rgba.data, width, height, 4 * width, QImage.Format.Format_RGBA8888).copy()


def draw_image(painter: QPainter, rect: QRectF, image: QImage, source: QRectF | None = None) -> None:
    """Draw an image with crisp pixels; small ones are enlarged first for PDF and SVG, whose viewers would blur them."""
    if is_vector(painter) and max(image.width(), image.height()) < 512:
        factor = -(-1024 // max(image.width(), image.height()))
        if source is not None:
            source = QRectF(source.topLeft() * factor, source.size() * factor)
        image = image.scaled(image.size() * factor)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
    painter.drawImage(rect, image, source if source is not None else QRectF(image.rect()))
    painter.restore()


def draw_diamond(painter: QPainter, centre: QPointF, radius: float, colour: str) -> None:
    """Draw a filled diamond with an outline in the background's colour: the paper's own value."""
    x, y = centre.x(), centre.y()
    painter.setPen(pen(theme().background, 1.2))
    painter.setBrush(QColor(colour))
    painter.drawPolygon(polygon(np.array([(x, y - radius), (x + radius, y), (x, y + radius), (x - radius, y)])))
    painter.setBrush(Qt.BrushStyle.NoBrush)
