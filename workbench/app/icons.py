"""Icons drawn from a bundled icon font, in the colours of the theme at the moment they are painted."""

from __future__ import annotations

import importlib.util
import json
import logging
from functools import lru_cache
from pathlib import Path

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QIcon, QIconEngine, QPainter, QPixmap

from workbench.views.theme import theme

log = logging.getLogger(__name__)

FALLBACK = "mdi6.shape-outline"


class _Glyphs:
    """The Material Design Icons font that qtawesome brings.

    qtawesome itself is not imported: it takes 200 ms before the first window, the font and its table take 50 ms.
    """

    def __init__(self) -> None:
        folder = _font_folder()
        self.characters: dict[str, str] = {}
        self.family = ""
        tables = sorted(folder.glob("materialdesignicons6-webfont-charmap-*.json")) if folder else []
        fonts = sorted(folder.glob("materialdesignicons6-webfont-*.ttf")) if folder else []
        if not (tables and fonts):
            log.warning("the icon font is missing, so buttons have no pictures")
            return
        table = json.loads(tables[-1].read_text(encoding="utf-8"))
        self.characters = {f"mdi6.{name}": chr(int(code, 16)) for name, code in table.items()}
        families = QFontDatabase.applicationFontFamilies(QFontDatabase.addApplicationFont(str(fonts[-1])))
        self.family = families[0] if families else ""


def _font_folder() -> Path | None:
    spec = importlib.util.find_spec("qtawesome")
    for location in (spec.submodule_search_locations or ()) if spec else ():
        return Path(location) / "fonts"
    return None


@lru_cache(maxsize=1)
def _glyphs() -> _Glyphs:
    return _Glyphs()


def draw_icon(painter: QPainter, rect: QRect, name: str, colour: QColor) -> None:
    """Draw the icon `name` (as in "mdi6.piano"), centred and as large as `rect` allows, in `colour`."""
    glyphs = _glyphs()
    character = glyphs.characters.get(name) or glyphs.characters.get(FALLBACK, "")
    if not character:
        return
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.TextAntialiasing)
    font = QFont(glyphs.family)
    font.setPixelSize(max(1, min(rect.width(), rect.height())))
    font.setStyleStrategy(QFont.StyleStrategy.NoFontMerging)
    # Hinting pulls the thin lines of small icons onto whole pixels and closes the gaps between them.
    font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    painter.setFont(font)
    painter.setPen(colour)
    painter.drawText(rect, int(Qt.AlignmentFlag.AlignCenter), character)
    painter.restore()


def has_icon(name: str) -> bool:
    """Whether the font has an icon of this name."""
    return name in _glyphs().characters


class _GlyphEngine(QIconEngine):
    def __init__(self, name: str, colour: str) -> None:
        super().__init__()
        self._name, self._colour = name, colour

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        colour = QColor(theme().colour(self._colour))
        if mode == QIcon.Mode.Disabled:
            colour = QColor(theme().muted)
            colour.setAlphaF(0.55)
        draw_icon(painter, rect, self._name, colour)

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        pixmap = QPixmap(size)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        self.paint(painter, QRect(QPoint(0, 0), size), mode, state)
        painter.end()
        return pixmap


def icon(name: str, colour: str = "foreground") -> QIcon:
    """Return the icon `name` in a colour of the theme (or any CSS colour), looked up whenever it is painted."""
    return QIcon(_GlyphEngine(name, colour))
