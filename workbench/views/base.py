"""View: a titled figure that shows itself on the screen and draws itself anew for every export."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import QMouseEvent, QPainter
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QSizePolicy, QStackedLayout, QToolButton, QVBoxLayout, QWidget

from workbench.views.theme import theme

if TYPE_CHECKING:
    import numpy as np

DEFAULT_EXPORT_SIZE = (800, 500)


class View(QWidget):
    """A figure with a title bar and an export menu; the base class of everything a panel shows.

    Subclasses give `set_body` a widget, return their numbers in `data`, and draw the whole figure in `paint`.
    `name` is safe in file names and unique within a panel; `hint` says what the mouse does here.
    """

    enlarge_requested = Signal(object)
    """The view itself, when its title is double-clicked."""

    def __init__(self, name: str, title: str, *, hint: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        if not re.fullmatch(r"[A-Za-z0-9_.-]+", name):
            raise ValueError(f"a view's name becomes a file name, so {name!r} may hold only letters, digits, _ - and .")
        self.name, self.hint = name, hint
        self._bar = _TitleBar(self, title)
        self._body = QWidget()
        self._message = QLabel(alignment=Qt.AlignmentFlag.AlignCenter, wordWrap=True)
        self._message.setContentsMargins(12, 12, 12, 12)
        self._pages = QStackedLayout()
        self._pages.addWidget(self._body)
        self._pages.addWidget(self._message)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._bar)
        layout.addLayout(self._pages, 1)
        self.setMinimumSize(150, 110)
        theme().changed.connect(self._theme_changed)
        self._style_message()

    @property
    def title(self) -> str:
        """What the title bar says; it heads the exported figure too."""
        return self._bar.title.text()

    @title.setter
    def title(self, text: str) -> None:
        self._bar.title.setText(text)

    @property
    def body(self) -> QWidget:
        """The widget under the title bar."""
        return self._body

    def set_body(self, widget: QWidget) -> None:
        """Show `widget` under the title bar; a body set before is deleted."""
        self._pages.removeWidget(self._body)
        self._body.deleteLater()
        self._body = widget
        self._pages.insertWidget(0, widget)
        self._pages.setCurrentIndex(0)

    def add_tool(self, widget: QWidget) -> None:
        """Place a small widget in the title bar, left of the export button."""
        self._bar.add_tool(widget)

    def show_message(self, text: str) -> None:
        """Show a sentence in place of the figure; an empty text shows the figure again."""
        self._message.setText(text)
        self._pages.setCurrentIndex(1 if text else 0)

    @property
    def message(self) -> str:
        """The sentence shown in place of the figure, or an empty text."""
        return self._message.text()

    def data(self) -> Mapping[str, np.ndarray]:
        """Return the numbers behind the figure by name, as exported to CSV and NPZ."""
        return {}

    def paint(self, painter: QPainter, rect: QRectF) -> None:
        """Draw the figure, without its title, anew into `rect` (logical pixels) in the colours of `theme()`."""

    def state(self) -> dict[str, Any]:
        """Return what to restore at the next start, as plain JSON values."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore what `state` returned; unknown or unusable entries are ignored."""

    def restyle(self) -> None:
        """Take over the colours of a changed theme."""
        self._body.update()

    def export_size(self) -> tuple[int, int]:
        """Width and height in logical pixels of an export for which none is asked: as on the screen, within reason."""
        if not self.isVisible() or self._body.width() < 200 or self._body.height() < 150:
            return DEFAULT_EXPORT_SIZE
        return self._body.width(), self._body.height()

    def export(self, path: Path, *, scale: int = 2, size: tuple[int, int] | None = None) -> None:
        """Write the figure or its data to `path`, whose suffix (.png .svg .pdf .csv .npz) says how.

        `size` is in logical pixels; a PNG has `scale` times as many. Raises UserError with one sentence where the
        suffix is unknown or the file cannot be written.
        """
        from workbench.views.figure_export import export_view

        export_view(self, Path(path), scale=scale, size=size)

    def copy_image(self) -> None:
        """Put the figure on the clipboard, at twice its size on the screen."""
        from workbench.views.figure_export import copy_image

        copy_image(self)

    def export_menu(self) -> QMenu:
        """Return a new menu with every way to export this view."""
        from workbench.views.figure_export import export_menu

        return export_menu(self)

    def sizeHint(self) -> QSize:
        """Return a size at which the figure reads well."""
        return QSize(420, 300)

    def title_double_clicked(self) -> None:
        """Ask for this view to fill the panel."""
        self.enlarge_requested.emit(self)

    @Slot()
    def _theme_changed(self) -> None:
        self._style_message()
        self.restyle()

    def _style_message(self) -> None:
        palette = self._message.palette()
        palette.setColor(self._message.foregroundRole(), theme().muted)
        self._message.setPalette(palette)


class _TitleBar(QWidget):
    def __init__(self, view: View, text: str) -> None:
        super().__init__(view)
        self._view = view
        self.title = _ElidedLabel(text)
        self._export = QToolButton()
        self._export.setText("⇩")
        self._export.setToolTip("Export this view")
        self._export.setAutoRaise(True)
        self._export.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._export.setAccessibleName("Export")
        # The menu is built when it is opened: most views are never exported, and a panel opens faster without.
        self._menu = QMenu(self._export)
        self._menu.aboutToShow.connect(self._fill_menu)
        self._export.setMenu(self._menu)
        self._tools = QHBoxLayout()
        self._tools.setSpacing(2)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 1, 2, 1)
        layout.setSpacing(4)
        layout.addWidget(self.title, 1)
        layout.addLayout(self._tools)
        layout.addWidget(self._export)

    def add_tool(self, widget: QWidget) -> None:
        self._tools.addWidget(widget)

    @Slot()
    def _fill_menu(self) -> None:
        self._menu.clear()
        built = self._view.export_menu()
        built.setParent(self._menu)
        self._menu.addActions(built.actions())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._view.title_double_clicked()
            event.accept()


class _ElidedLabel(QLabel):
    """A bold line that shortens with an ellipsis instead of widening its view."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        font = self.font()
        font.setBold(True)
        self.setFont(font)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def paintEvent(self, event: QEvent) -> None:
        painter = QPainter(self)
        painter.setPen(self.palette().color(self.foregroundRole()))
        text = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, self.width())
        painter.drawText(self.rect(), int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), text)
        self.setToolTip(self.text() if text != self.text() else "")
