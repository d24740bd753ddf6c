"""What the application had to say: a short-lived toast for each, and the history of all."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QColor, QFontDatabase, QGuiApplication, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QSplitter,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from workbench.app.icons import icon
from workbench.app.widgets import close_buttons
from workbench.views.theme import theme

Level = Literal["note", "warning", "error"]

KEPT = 500
TOAST_MS = 6000
TOAST_WIDTH = 380
_ICONS = {"note": "mdi6.information-outline", "warning": "mdi6.alert-outline", "error": "mdi6.alert-circle-outline"}
_COLOURS = {"note": "accent", "warning": "warning", "error": "error"}


@dataclass(frozen=True)
class Notification:
    """One sentence with its time; `details` is for whoever wants to know or report more."""

    level: Level
    text: str
    details: str = ""
    time: datetime = field(default_factory=datetime.now)


class Notifications(QObject):
    """The history; `added` carries a new Notification, `changed` says that the counts may differ."""

    added = Signal(object)
    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.items: list[Notification] = []

    @Slot(object)
    def add(self, notification: Notification) -> None:
        """Keep and show one; call it in the UI thread, or through a queued signal."""
        self.items.append(notification)
        del self.items[:-KEPT]
        self.added.emit(notification)
        self.changed.emit()

    def say(self, level: Level, text: str, details: str = "") -> None:
        """Keep and show a sentence."""
        self.add(Notification(level, text, details))

    @Slot()
    def clear(self) -> None:
        """Forget the history."""
        self.items.clear()
        self.changed.emit()

    @property
    def warnings(self) -> int:
        """How many warnings and errors there are."""
        return sum(item.level != "note" for item in self.items)


class Toast(QFrame):
    """Shows the newest notification at the lower right for a few seconds; a click opens the history."""

    clicked = Signal()

    def __init__(self, notifications: Notifications, window: QWidget) -> None:
        super().__init__(window)
        self._level: Level = "note"
        self._icon = QLabel()
        self._text = QLabel()
        self._text.setWordWrap(True)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(14, 10, 12, 10)
        self._row.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        self._row.addWidget(self._text, 1)
        self.setAutoFillBackground(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(TOAST_MS)
        self._timer.timeout.connect(self.hide)
        notifications.added.connect(self._show_notification)
        self.hide()

    @Slot(object)
    def _show_notification(self, notification: Notification) -> None:
        self._level = notification.level
        self._icon.setPixmap(icon(_ICONS[self._level], _COLOURS[self._level]).pixmap(18, 18))
        self._text.setText(notification.text if len(notification.text) < 300 else notification.text[:300] + " …")
        window = self.window()
        width = min(TOAST_WIDTH, window.width() - 40)
        self.setFixedWidth(width)
        self._row.activate()
        height = self._row.heightForWidth(width)
        self.setGeometry(window.width() - width - 16, window.height() - height - 44, width, height)
        self.show()
        self.raise_()
        self._timer.start()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme().background))
        painter.setPen(QColor(theme().grid))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.fillRect(0, 0, 4, self.height(), QColor(theme().colour(_COLOURS[self._level])))

    @override
    def mousePressEvent(self, event: object) -> None:
        self.hide()
        self.clicked.emit()


class NotificationDialog(QDialog):
    """All notifications, newest first, with their details."""

    def __init__(self, notifications: Notifications, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Messages")
        self.resize(680, 460)
        self._notifications = notifications
        self._list = QTreeWidget()
        self._list.setHeaderLabels(["Time", "Message"])
        self._list.setRootIsDecorated(False)
        self._list.setAccessibleName("Messages, newest first")
        self._list.currentItemChanged.connect(self._selected)
        self._details = QPlainTextEdit()
        self._details.setReadOnly(True)
        self._details.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self._details.setAccessibleName("Details of the message")
        parts = QSplitter(Qt.Orientation.Vertical)
        parts.addWidget(self._list)
        parts.addWidget(self._details)
        parts.setSizes([260, 160])
        copy, clear = QPushButton("Copy details"), QPushButton("Clear")
        copy.clicked.connect(self._copy)
        clear.clicked.connect(notifications.clear)
        buttons = close_buttons(copy, clear)
        buttons.rejected.connect(self.close)
        layout = QVBoxLayout(self)
        layout.addWidget(parts, 1)
        layout.addWidget(buttons)
        notifications.changed.connect(self._fill)
        self._fill()

    @Slot()
    def _fill(self) -> None:
        self._list.clear()
        for notification in reversed(self._notifications.items):
            item = QTreeWidgetItem([f"{notification.time:%H:%M:%S}", notification.text])
            item.setIcon(0, icon(_ICONS[notification.level], _COLOURS[notification.level]))
            item.setToolTip(1, notification.text)
            item.setData(0, Qt.ItemDataRole.UserRole, notification)
            self._list.addTopLevelItem(item)
        self._list.resizeColumnToContents(0)
        self._details.setPlainText("" if self._notifications.items else "Nothing so far.")
        if (newest := self._list.topLevelItem(0)) is not None:
            self._list.setCurrentItem(newest)

    def _text(self) -> str:
        item = self._list.currentItem()
        notification = item.data(0, Qt.ItemDataRole.UserRole) if item else None
        if not isinstance(notification, Notification):
            return ""
        return f"{notification.text}\n\n{notification.details}".strip()

    @Slot()
    def _selected(self) -> None:
        self._details.setPlainText(self._text())

    @Slot()
    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self._text())
