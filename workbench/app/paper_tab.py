"""The Paper tab: Markdown with equations, drawn sharply, in the theme's colours, at the right baseline."""

from __future__ import annotations

import html
import logging
import re
import warnings
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from PySide6.QtCore import QByteArray, QRectF, Qt, QUrl, Slot
from PySide6.QtGui import QDesktopServices, QFontMetricsF, QImage, QPainter, QResizeEvent, QShowEvent, QTextDocument
from PySide6.QtWidgets import QTextBrowser
from typing_extensions import override

from workbench.views.theme import theme

log = logging.getLogger(__name__)

INLINE, DISPLAY = "math", "display"
MATH_SCALE = 1.12
"""STIX glyphs look smaller than a sans-serif text font of the same size."""
DISPLAY_SCALE = 1.25
WIDEST_TEXT = 760
"""Longer lines are tiring to read (pixels)."""

_VIEW_BOX = re.compile(r'viewBox="([^"]+)"')


@dataclass(frozen=True)
class Equation:
    """An equation as SVG; sizes in pixels, `descent` is what hangs below the baseline."""

    svg: str
    width: float
    height: float
    descent: float


@lru_cache(maxsize=1024)
def equation(latex: str, size: float, colour: str, is_display: bool) -> Equation:
    """Render LaTeX at a font size in pixels. Raises ValueError where it cannot be read."""
    with warnings.catch_warnings():
        # It finds its font in a way that Python 3.11 to 3.12 call deprecated and later ones allow again.
        warnings.simplefilter("ignore", DeprecationWarning)
        import ziamath

    try:
        # QtSvg does not draw the <symbol> elements of SVG 2.
        ziamath.config.svg2 = False
        svg = str(ziamath.Latex(latex, size=size, color=colour, inline=not is_display).svg())
        _, top, width, height = (float(part) for part in _VIEW_BOX.search(svg)[1].split())  # type: ignore[index]
    except Exception as error:
        raise ValueError(f"the equation {latex!r} cannot be drawn: {error}") from error
    return Equation(svg, width, height, max(0.0, height + top))


def markdown_html(text: str) -> str:
    """Convert Markdown with $inline$ and $$display$$ mathematics to HTML that refers to equations as images."""
    from markdown_it import MarkdownIt
    from mdit_py_plugins.dollarmath import dollarmath_plugin

    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    parser.use(dollarmath_plugin, allow_space=True, allow_digits=False, double_inline=True)

    def render(tokens: Any, index: int, options: Any, environment: Any) -> str:
        kind = DISPLAY if tokens[index].type.startswith("math_block") or "double" in tokens[index].type else INLINE
        source = f"{kind}:{quote(tokens[index].content.strip(), safe='')}"
        alternative = html.escape(tokens[index].content.strip(), quote=True)
        image = f'<img src="{source}" alt="{alternative}" style="vertical-align: middle"/>'
        return f'<p align="center">{image}</p>' if kind == DISPLAY else image

    rules: dict[str, Any] = getattr(parser.renderer, "rules")  # noqa: B009 - its protocol does not declare it
    for rule in ("math_inline", "math_inline_double", "math_block", "math_block_label"):
        rules[rule] = render
    return str(parser.render(text))


class PaperTab(QTextBrowser):
    """Shows a paper.md; links open in the browser, pictures come from the plugin's own folder only."""

    def __init__(self, markdown: str, folder: Path | None = None) -> None:
        super().__init__()
        self._markdown, self._folder = markdown, folder.resolve() if folder else None
        self._is_filled = False
        self.setOpenLinks(False)
        self.setAccessibleName("The paper explained")
        self.setFrameShape(QTextBrowser.Shape.NoFrame)
        self.anchorClicked.connect(self._follow)
        theme().changed.connect(self._restyle)
        font = self.font()
        font.setPointSizeF(font.pointSizeF() * 1.12)
        self.setFont(font)

    @override
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if not self._is_filled:
            self._fill()

    @Slot()
    def _restyle(self) -> None:
        if self._is_filled:
            place = self.verticalScrollBar().value()
            self._fill()
            self.verticalScrollBar().setValue(place)

    def _fill(self) -> None:
        self._is_filled = True
        document = self.document()
        document.clear()
        document.setDefaultFont(self.font())
        document.setDefaultStyleSheet(_style_sheet())
        document.setDocumentMargin(0)
        self.setHtml(_with_table_borders(markdown_html(self._markdown)))
        self._set_margins()

    def _set_margins(self) -> None:
        side = max(28, (self.viewport().width() - WIDEST_TEXT) // 2)
        frame = self.document().rootFrame()
        shape = frame.frameFormat()
        if shape.leftMargin() != side:
            shape.setLeftMargin(side)
            shape.setRightMargin(side)
            shape.setTopMargin(18)
            shape.setBottomMargin(24)
            frame.setFrameFormat(shape)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._is_filled:
            self._set_margins()

    @override
    def loadResource(self, type: int, name: QUrl | str) -> Any:
        text = name.toString(QUrl.ComponentFormattingOption.FullyEncoded) if isinstance(name, QUrl) else str(name)
        kind, _, rest = text.partition(":")
        if kind in (INLINE, DISPLAY):
            return self._equation_image(unquote(rest), is_display=kind == DISPLAY)
        if type == QTextDocument.ResourceType.ImageResource.value or type == QTextDocument.ResourceType.ImageResource:
            return self._picture(unquote(text))
        return super().loadResource(type, name)

    def _picture(self, name: str) -> QImage:
        file = (self._folder / name).resolve() if self._folder else None
        if file is None or self._folder not in file.parents or not file.is_file():
            log.warning("the picture %s of the paper is not in the plugin's folder", name)
            return QImage()
        image = QImage(str(file))
        if image.width() > WIDEST_TEXT:
            image = image.scaledToWidth(WIDEST_TEXT, Qt.TransformationMode.SmoothTransformation)
        return image

    def _equation_image(self, latex: str, *, is_display: bool) -> QImage:
        metrics = QFontMetricsF(self.font())
        size = self.font().pointSizeF() * self.logicalDpiY() / 72 * (DISPLAY_SCALE if is_display else MATH_SCALE)
        try:
            rendered = equation(latex, size, theme().foreground, is_display)
        except ValueError as error:
            log.warning("%s", error)
            return _text_image(latex, self.font(), metrics, self.devicePixelRatioF())
        return draw_equation(rendered, metrics.xHeight(), self.devicePixelRatioF(), is_inline=not is_display)

    @Slot(QUrl)
    def _follow(self, url: QUrl) -> None:
        if url.isRelative() and url.hasFragment():
            self.scrollToAnchor(url.fragment())
        elif url.scheme() in ("http", "https"):
            QDesktopServices.openUrl(url)


def draw_equation(rendered: Equation, x_height: float, ratio: float, *, is_inline: bool) -> QImage:
    """Draw an equation at `ratio` device pixels per pixel, padded so that its baseline meets the text's.

    Qt puts the middle of an image half an x-height above the baseline, so an image of height h has (h - x/2)/2 of it
    below: empty rows above or below the equation make that its own descent.
    """
    from PySide6.QtSvg import QSvgRenderer

    top = bottom = 0.0
    if is_inline:
        half = x_height / 2
        ascent, descent = rendered.height - rendered.descent, rendered.descent
        height = max(2 * descent + half, 2 * ascent - half)
        top, bottom = (height + half) / 2 - ascent, (height - half) / 2 - descent
    width, height = rendered.width + (2 if is_inline else 0), rendered.height + top + bottom
    image = QImage(
        max(1, round(width * ratio)), max(1, round(height * ratio)), QImage.Format.Format_ARGB32_Premultiplied
    )
    image.setDevicePixelRatio(ratio)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    renderer = QSvgRenderer(QByteArray(rendered.svg.encode()))
    renderer.render(painter, QRectF(1 if is_inline else 0, top, rendered.width, rendered.height))
    painter.end()
    return image


def _text_image(latex: str, font: Any, metrics: QFontMetricsF, ratio: float) -> QImage:
    """The source of an equation that could not be drawn: better to read than a broken picture."""
    width, height = metrics.horizontalAdvance(latex) + 4, metrics.height()
    image = QImage(round(width * ratio), round(height * ratio), QImage.Format.Format_ARGB32_Premultiplied)
    image.setDevicePixelRatio(ratio)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    painter.setFont(font)
    painter.setPen(theme().warning)
    painter.drawText(QRectF(0, 0, width, height), int(Qt.AlignmentFlag.AlignCenter), latex)
    painter.end()
    return image


def _with_table_borders(text: str) -> str:
    return text.replace("<table>", '<table cellspacing="0" cellpadding="5" border="1">')


def _style_sheet() -> str:
    colours = theme()
    return (
        f"body {{ color: {colours.foreground}; }}"
        f"h1 {{ font-size: 17pt; margin-bottom: 8px; }} h2 {{ font-size: 13.5pt; margin-top: 18px; }}"
        f"h3 {{ font-size: 11.5pt; margin-top: 14px; }}"
        f"a {{ color: {colours.accent}; text-decoration: none; }}"
        f"p, li {{ line-height: 135%; }} p {{ margin-top: 7px; margin-bottom: 7px; }}"
        f"code, pre {{ background-color: {colours.window}; font-family: monospace; }}"
        f"blockquote {{ color: {colours.muted}; }}"
        f"table {{ border-color: {colours.grid}; border-style: solid; border-collapse: collapse; margin: 8px; }}"
        f"th {{ background-color: {colours.window}; }}"
    )
