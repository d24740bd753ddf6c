"""The command palette: type a few letters, choose with the arrows, press Enter."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
    Slot,
)
from PySide6.QtGui import QColor, QFocusEvent, QFont, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QGraphicsDropShadowEffect,
    QLineEdit,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from workbench.app.commands import Choice, Commands
from workbench.app.fuzzy import fuzzy_match
from workbench.app.icons import draw_icon
from workbench.views.theme import theme

WIDTH = 640
VISIBLE_ROWS = 11
ROW_HEIGHT = 32
UNAVAILABLE_PENALTY = 12.0
"""So that what cannot be chosen now comes after what can, unless it matches far better."""

Index = QModelIndex | QPersistentModelIndex
_CHOICE, _POSITIONS = Qt.ItemDataRole.UserRole, Qt.ItemDataRole.UserRole + 1


@dataclass(frozen=True)
class Line:
    """A choice that matches, and the letters of its title that were typed."""

    choice: Choice
    positions: tuple[int, ...]


def matching(choices: list[Choice], pattern: str) -> list[Line]:
    """Return the choices that match, best first; all in their own order where nothing is typed."""
    found = []
    for order, choice in enumerate(choices):
        match = fuzzy_match(pattern, choice.title)
        if match is None:
            # A word of the category or help finds it as well, but after every title that matches.
            rest = fuzzy_match(pattern, f"{choice.category} {choice.title} {choice.help}")
            if rest is None or pattern.lower() not in f"{choice.category} {choice.title} {choice.help}".lower():
                continue
            found.append((-1000.0 + rest.score, order, Line(choice, ())))
            continue
        score = match.score - (UNAVAILABLE_PENALTY if choice.reason and pattern.strip() else 0.0)
        found.append((score if pattern.strip() else 0.0, order, Line(choice, match.positions)))
    return [line for _, _, line in sorted(found, key=lambda entry: (-entry[0], entry[1]))]


class _Lines(QAbstractListModel):
    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.lines: list[Line] = []

    def show(self, lines: list[Line]) -> None:
        self.beginResetModel()
        self.lines = lines
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else len(self.lines)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        line = self.lines[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return line.choice.title
            case Qt.ItemDataRole.AccessibleTextRole:
                parts = (line.choice.title, line.choice.category, line.choice.shortcut, line.choice.reason)
                return ", ".join(part for part in parts if part)
            case Qt.ItemDataRole.ToolTipRole:
                return line.choice.reason or line.choice.help
            case _ if role == _CHOICE:
                return line.choice
            case _ if role == _POSITIONS:
                return line.positions
        return None


class _Delegate(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(WIDTH - 40, ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        choice, positions = index.data(_CHOICE), index.data(_POSITIONS)
        rect: QRect = option.rect
        is_selected = bool(option.state & QStyle.StateFlag.State_Selected)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if is_selected:
            highlight = QColor(theme().accent)
            highlight.setAlphaF(0.20)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(highlight)
            painter.drawRoundedRect(rect.adjusted(2, 1, -2, -1), 5, 5)
        ink = QColor(theme().muted if choice.reason else theme().foreground)
        if choice.icon:
            draw_icon(painter, QRect(rect.x() + 12, rect.center().y() - 8, 17, 17), choice.icon, ink)
        right = self._draw_right(painter, rect, choice)
        self._draw_title(painter, rect.adjusted(40, 0, right - rect.width() - 8, 0), choice, positions, ink)
        painter.restore()

    def _draw_right(self, painter: QPainter, rect: QRect, choice: Choice) -> int:
        """Draw the shortcut, or the reason or category, and return how much width is left of it."""
        text = choice.reason or choice.shortcut or choice.category
        small = QFont(painter.font())
        small.setPointSizeF(small.pointSizeF() * 0.9)
        painter.setFont(small)
        painter.setPen(QColor(theme().warning if choice.reason else theme().muted))
        area = rect.adjusted(rect.width() // 2, 0, -14, 0)
        elided = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, area.width())
        painter.drawText(area, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), elided)
        return rect.width() - 14 - painter.fontMetrics().horizontalAdvance(elided)

    def _draw_title(
        self, painter: QPainter, rect: QRect, choice: Choice, positions: tuple[int, ...], ink: QColor
    ) -> None:
        parent = self.parent()
        assert isinstance(parent, QWidget)
        plain = QFont(parent.font())
        bold = QFont(plain)
        bold.setBold(True)
        x = rect.x()
        for place, letter in enumerate(choice.title):
            painter.setFont(bold if place in positions else plain)
            painter.setPen(QColor(theme().accent) if place in positions else ink)
            width = painter.fontMetrics().horizontalAdvance(letter)
            if x + width > rect.right() - 10 and place < len(choice.title) - 1:
                painter.setPen(ink)
                painter.drawText(x, rect.y(), 20, rect.height(), int(Qt.AlignmentFlag.AlignVCenter), "…")
                return
            painter.drawText(x, rect.y(), width + 4, rect.height(), int(Qt.AlignmentFlag.AlignVCenter), letter)
            x += width


class Palette(QFrame):
    """Lies over the window, not in a window of its own, so that it opens at once and works without a window manager."""

    def __init__(self, commands: Commands, window: QWidget) -> None:
        super().__init__(window)
        self._commands = commands
        self._choices: list[Choice] = []
        self._focus_before: QWidget | None = None
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.setAutoFillBackground(True)
        self.setAccessibleName("Command palette")
        shadow = QGraphicsDropShadowEffect(self)
        shadow.setBlurRadius(36)
        shadow.setOffset(0, 6)
        self.setGraphicsEffect(shadow)
        self._field = QLineEdit()
        self._field.setPlaceholderText("Type a command or the name of a paper …")
        self._field.setAccessibleName("Search commands")
        self._field.setClearButtonEnabled(True)
        self._field.setMinimumHeight(34)
        self._field.installEventFilter(self)
        self._field.textChanged.connect(self._search)
        self._model = _Lines(self)
        self._list = QListView()
        self._list.setModel(self._model)
        self._list.setItemDelegate(_Delegate(self._list))
        self._list.setFrameShape(QFrame.Shape.NoFrame)
        self._list.setUniformItemSizes(True)
        self._list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._list.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self._list.setAccessibleName("Commands that match")
        self._list.clicked.connect(self._clicked)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.addWidget(self._field)
        layout.addWidget(self._list)
        self.hide()

    def open(self) -> None:
        """Show it over the window, empty, with all commands."""
        self._focus_before = self.window().focusWidget()
        self._choices = self._commands.choices()
        self._field.clear()
        self._search("")
        width = min(WIDTH, self.window().width() - 40)
        height = min(VISIBLE_ROWS * ROW_HEIGHT + 62, self.window().height() - 80)
        self.setGeometry((self.window().width() - width) // 2, 48, width, height)
        self.show()
        self.raise_()
        self._field.setFocus(Qt.FocusReason.PopupFocusReason)

    @property
    def lines(self) -> list[Line]:
        """What is listed now, best first."""
        return list(self._model.lines)

    @Slot(str)
    def _search(self, text: str) -> None:
        self._model.show(matching(self._choices, text))
        if self._model.lines:
            self._list.setCurrentIndex(self._model.index(0))

    @Slot(QModelIndex)
    def _clicked(self, index: QModelIndex) -> None:
        self._choose(index)

    def _choose(self, index: QModelIndex) -> None:
        if not index.isValid():
            return
        choice: Choice = index.data(_CHOICE)
        if choice.reason:
            return
        self._dismiss()
        choice.choose()

    def _dismiss(self) -> None:
        self.hide()
        if self._focus_before is not None:
            self._focus_before.setFocus(Qt.FocusReason.PopupFocusReason)
            self._focus_before = None

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is not self._field:
            return False
        if event.type() == QEvent.Type.FocusOut and isinstance(event, QFocusEvent):
            if event.reason() not in (Qt.FocusReason.ActiveWindowFocusReason, Qt.FocusReason.PopupFocusReason):
                self.hide()
            return False
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            # Esc is the shortcut that stops a session; here it only closes the palette.
            if event.key() == Qt.Key.Key_Escape:
                event.accept()
                return True
            return False
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            return self._key(event)
        return False

    def _key(self, event: QKeyEvent) -> bool:
        moves = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: 10, Qt.Key.Key_PageUp: -10}
        key = Qt.Key(event.key())
        if key == Qt.Key.Key_Escape:
            self._dismiss()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._choose(self._list.currentIndex())
        elif key in moves and self._model.lines:
            row, last = self._list.currentIndex().row() + moves[key], len(self._model.lines) - 1
            # The single steps go round, the long ones stop at the ends.
            row = row % (last + 1) if abs(moves[key]) == 1 else min(max(row, 0), last)
            self._list.setCurrentIndex(self._model.index(row))
        else:
            return False
        return True
