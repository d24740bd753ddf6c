"""One sentence at the top of a panel: what happened, how to mend it, and the details for whoever wants them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QRectF, QTimer, Signal, Slot
from PySide6.QtGui import QColor, QFontDatabase, QGuiApplication, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPlainTextEdit, QPushButton, QToolButton, QVBoxLayout, QWidget
from typing_extensions import override

from workbench.app.icons import icon
from workbench.views.theme import theme

Level = Literal["note", "warning", "error"]

NOTE_MS = 8000
"""A note goes away by itself; warnings and errors stay until they are closed."""
DETAILS_HEIGHT = 190
_ICONS = {"note": "mdi6.information-outline", "warning": "mdi6.alert-outline", "error": "mdi6.alert-circle-outline"}
_COLOURS = {"note": "accent", "warning": "warning", "error": "error"}


@dataclass(frozen=True)
class Mend:
    """A way out: what the button says, and what it does."""

    text: str
    do: Callable[[], object]


class MessageStrip(QWidget):
    """Hidden until there is something to say; a new sentence replaces the one before."""

    closed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._level: Level = "note"
        self._mend: Callable[[], object] | None = None
        self._icon = QLabel()
        self._sentence = QLabel()
        self._sentence.setWordWrap(True)
        self._sentence.setAccessibleName("Message")
        self._mend_button = QPushButton()
        self._mend_button.clicked.connect(self._mend_clicked)
        self._details_button = QPushButton("Details")
        self._details_button.setCheckable(True)
        self._copy_button = QPushButton("Copy details")
        self._copy_button.clicked.connect(self._copy)
        close = QToolButton()
        close.setIcon(icon("mdi6.close", "muted"))
        close.setAutoRaise(True)
        close.setAccessibleName("Close the message")
        close.setToolTip("Close")
        close.clicked.connect(self.clear)
        self._details = QPlainTextEdit()
        self._details.setReadOnly(True)
        self._details.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self._details.setFixedHeight(DETAILS_HEIGHT)
        self._details.setAccessibleName("Details of the message")
        self._details.hide()
        self._details_button.toggled.connect(self._details.setVisible)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self._icon)
        row.addWidget(self._sentence, 1)
        for button in (self._mend_button, self._details_button, self._copy_button, close):
            row.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 6, 6, 6)
        layout.addLayout(row)
        layout.addWidget(self._details)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(NOTE_MS)
        self._timer.timeout.connect(self.clear)
        theme().changed.connect(self._restyle)
        self.hide()

    @property
    def sentence(self) -> str:
        """What is said now; empty where nothing is."""
        return self._sentence.text()

    def say(self, sentence: str, level: Level = "note", *, details: str = "", mend: Mend | None = None) -> None:
        """Show a sentence, with a button for `mend` and one for `details` where there are any."""
        if not sentence:
            self.clear()
            return
        self._level = level
        self._sentence.setText(sentence)
        self._mend = mend.do if mend else None
        self._mend_button.setVisible(mend is not None)
        self._mend_button.setText(mend.text if mend else "")
        self._details.setPlainText(details)
        self._details_button.setChecked(False)
        self._details_button.setVisible(bool(details))
        self._copy_button.setVisible(bool(details))
        self._restyle()
        self.show()
        if level == "note":
            self._timer.start()
        else:
            self._timer.stop()

    @Slot()
    def clear(self) -> None:
        """Say nothing."""
        self._timer.stop()
        self._sentence.clear()
        self.hide()
        self.closed.emit()

    @Slot()
    def _mend_clicked(self) -> None:
        mend = self._mend
        self.clear()
        if mend is not None:
            mend()

    @Slot()
    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(f"{self._sentence.text()}\n\n{self._details.toPlainText()}")

    @Slot()
    def _restyle(self) -> None:
        self._icon.setPixmap(icon(_ICONS[self._level], _COLOURS[self._level]).pixmap(18, 18))
        self.update()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        colour = QColor(theme().colour(_COLOURS[self._level]))
        painter.fillRect(QRectF(0, 0, 4, self.height()), colour)
        colour.setAlphaF(0.14)
        painter.fillRect(self.rect(), colour)
