"""Colours of both themes: one place that every view asks at the moment it paints."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import numpy as np
from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtGui import QColor, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

if TYPE_CHECKING:
    from jaxtyping import UInt8

Mode = Literal["light", "dark", "system"]

SEQUENTIAL = "viridis"
DIVERGING = "crameri:vik"
CYCLIC = "crameri:romaO"


@dataclass(frozen=True)
class _Colours:
    foreground: str
    background: str
    window: str
    grid: str
    muted: str
    accent: str
    warning: str
    error: str
    success: str
    series: tuple[str, ...]


# Okabe & Ito (2008), darkened or lightened until each has at least 3:1 contrast to the background; vermillion and
# orange then differ by their lightness, which is all that is left between them for eyes without green cones. Brown and
# violet follow, for the ten classes of digits.
_LIGHT = _Colours(
    foreground="#1f2328",
    background="#ffffff",
    window="#f3f4f6",
    grid="#e2e5e9",
    muted="#626973",
    accent="#0072b2",
    warning="#8a5a00",
    error="#b3261e",
    success="#1a7f37",
    series=(
        "#0072b2",
        "#b8400a",
        "#009e73",
        "#c0609f",
        "#c08200",
        "#3f9bd6",
        "#575200",
        "#3a3f45",
        "#8a4b2a",
        "#5d3fd3",
    ),
)
_DARK = _Colours(
    foreground="#e6e8eb",
    background="#1b1e23",
    window="#24282e",
    grid="#343941",
    muted="#9aa2ad",
    accent="#58aaf0",
    warning="#f2b134",
    error="#ff7b72",
    success="#4cc47f",
    series=(
        "#4c9fe8",
        "#f0743a",
        "#1fb98a",
        "#df8fbf",
        "#f2ac2e",
        "#9ad8ff",
        "#f0e442",
        "#d4d8de",
        "#c98f66",
        "#a394ff",
    ),
)


class Theme(QObject):
    """The colours in use, as hex strings; `changed` is emitted when they change, and views then paint again."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._mode: Mode = "light"
        self._colours = _LIGHT
        self._is_following = False

    @property
    def mode(self) -> Mode:
        """What was asked for; `system` follows the desktop."""
        return self._mode

    @property
    def is_dark(self) -> bool:
        """Whether the dark colours are in use."""
        return self._colours is _DARK

    def set_mode(self, mode: Mode) -> None:
        """Use Fusion in light or dark colours, or those of the desktop. Needs a QApplication."""
        if mode not in ("light", "dark", "system"):
            raise ValueError(f"a theme is 'light', 'dark' or 'system', not {mode!r}")
        self._mode = mode
        hints = QGuiApplication.styleHints()
        if not self._is_following:
            hints.colorSchemeChanged.connect(self._follow_system)
            self._is_following = True
        schemes = {"light": Qt.ColorScheme.Light, "dark": Qt.ColorScheme.Dark, "system": Qt.ColorScheme.Unknown}
        hints.setColorScheme(schemes[mode])
        is_dark = mode == "dark" or (mode == "system" and hints.colorScheme() == Qt.ColorScheme.Dark)
        self._apply(_DARK if is_dark else _LIGHT)

    @Slot()
    def _follow_system(self) -> None:
        if self._mode == "system":
            is_dark = QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark
            self._apply(_DARK if is_dark else _LIGHT)

    def _apply(self, colours: _Colours) -> None:
        self._colours = colours
        application = QApplication.instance()
        if isinstance(application, QApplication):
            if application.style().objectName() != "fusion":
                application.setStyle("Fusion")
            # Platforms without a theme of their own (plain X11, offscreen) ignore setColorScheme.
            application.setPalette(_palette(colours))
        self.changed.emit()

    @property
    def foreground(self) -> str:
        """Text and axes."""
        return self._colours.foreground

    @property
    def background(self) -> str:
        """Behind figures."""
        return self._colours.background

    @property
    def window(self) -> str:
        """Behind controls."""
        return self._colours.window

    @property
    def grid(self) -> str:
        """Grid lines and frames."""
        return self._colours.grid

    @property
    def muted(self) -> str:
        """Secondary text and disabled things; still readable."""
        return self._colours.muted

    @property
    def accent(self) -> str:
        """What is selected or active."""
        return self._colours.accent

    @property
    def warning(self) -> str:
        """Something to notice."""
        return self._colours.warning

    @property
    def error(self) -> str:
        """Something failed."""
        return self._colours.error

    @property
    def success(self) -> str:
        """Something holds."""
        return self._colours.success

    def series(self, index: int) -> str:
        """Colour of the index-th series: colour-blind-safe, repeating after eight."""
        return self._colours.series[index % len(self._colours.series)]

    def colour(self, colour: str | int) -> str:
        """Resolve a colour as views keep it: a series index, a name here (`"muted"`), or any hex or CSS name."""
        if isinstance(colour, int):
            return self.series(colour)
        if colour in _NAMED:
            return str(getattr(self._colours, colour))
        return colour

    def colormap(self, name: str = SEQUENTIAL) -> UInt8[np.ndarray, "256 4"]:
        """Return the RGBA table of a colour map by its name in `cmap`; raise ValueError for an unknown one."""
        return colormap(name)


_NAMED = frozenset(_Colours.__dataclass_fields__) - {"series"}


@lru_cache(maxsize=64)
def colormap(name: str) -> UInt8[np.ndarray, "256 4"]:
    """Return the read-only RGBA table of a colour map by its name in `cmap`; raise ValueError for an unknown one."""
    from cmap import Colormap

    table = (np.asarray(Colormap(name)(np.linspace(0, 1, 256))) * 255).round().astype(np.uint8)
    table.setflags(write=False)
    return table


def _palette(colours: _Colours) -> QPalette:
    role, group = QPalette.ColorRole, QPalette.ColorGroup
    palette = QPalette(QColor(colours.window))
    for roles, colour in (
        ((role.Window, role.AlternateBase, role.Button), colours.window),
        ((role.Base,), colours.background),
        ((role.Text, role.WindowText, role.ButtonText, role.ToolTipText), colours.foreground),
        ((role.ToolTipBase,), colours.window),
        ((role.PlaceholderText,), colours.muted),
        ((role.Link, role.Highlight, role.Accent), colours.accent),
        ((role.BrightText,), colours.error),
    ):
        for each in roles:
            palette.setColor(each, QColor(colour))
    palette.setColor(role.HighlightedText, QColor("#ffffff" if colours is _LIGHT else "#0d1117"))
    for each in (role.Text, role.WindowText, role.ButtonText, role.HighlightedText):
        palette.setColor(group.Disabled, each, QColor(colours.muted).darker(100 if colours is _LIGHT else 130))
    palette.setColor(group.Disabled, role.Highlight, QColor(colours.grid))
    return palette


_theme: Theme | None = None


def theme() -> Theme:
    """Return the one Theme of this process."""
    global _theme
    if _theme is None:
        _theme = Theme()
    return _theme


@contextmanager
def as_theme(mode: Literal["light", "dark"]) -> Iterator[Theme]:
    """Paint in the colours of `mode` inside the block; nothing on the screen changes. For exports."""
    current = theme()
    before = current._colours
    current._colours = _DARK if mode == "dark" else _LIGHT
    try:
        yield current
    finally:
        current._colours = before
