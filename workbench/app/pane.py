"""One group of tabs of the workspace, whose tabs can be dragged to another group."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QMimeData, QPoint, QRect, QSize, Qt, Signal, Slot
from PySide6.QtGui import (
    QColor,
    QDrag,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
)
from PySide6.QtWidgets import QTabBar, QTabWidget, QToolButton, QWidget
from typing_extensions import override

from workbench.app.icons import icon
from workbench.views.theme import theme

MIME = "application/x-workbench-tab"
EDGE_SHARE = 0.25
"""A tab dropped within this share of a pane's edge splits the pane there; in the middle it joins its tabs."""

Side = Literal["middle", "right", "down", "left", "up"]

_dragged: list[QWidget] = []
"""The page whose tab is dragged now, at most one; a drag never leaves the process."""


class _TabBar(QTabBar):
    def __init__(self, pane: Pane) -> None:
        super().__init__(pane)
        self._pane = pane
        self._pressed: QPoint | None = None
        self.setMovable(True)
        self.setElideMode(Qt.TextElideMode.ElideRight)
        self.setUsesScrollButtons(True)
        self.setIconSize(QSize(15, 15))
        self.setAccessibleName("Open papers")

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._pressed = event.position().toPoint() if event.button() == Qt.MouseButton.LeftButton else None
        if event.button() == Qt.MouseButton.MiddleButton:
            self._pane.close_requested.emit(self._pane.widget(self.tabAt(event.position().toPoint())))
        super().mousePressEvent(event)

    @override
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        place = event.position().toPoint()
        is_outside = not self.rect().adjusted(-20, -20, 20, 20).contains(place)
        if self._pressed is None or not is_outside or not event.buttons() & Qt.MouseButton.LeftButton:
            super().mouseMoveEvent(event)
            return
        page = self._pane.currentWidget()
        self._pressed = None
        # Qt is in the middle of moving the tab within the bar; the release ends that before the drag begins.
        release = QMouseEvent(
            QMouseEvent.Type.MouseButtonRelease, event.position(), event.globalPosition(),
            Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
        )  # fmt: skip
        super().mouseReleaseEvent(release)
        if page is not None:
            self._drag(page)

    def _drag(self, page: QWidget) -> None:
        mime = QMimeData()
        mime.setData(MIME, b"tab")
        drag = QDrag(self)
        drag.setMimeData(mime)
        drag.setPixmap(self.grab(self.tabRect(self.currentIndex())))
        _dragged[:] = [page]
        drag.exec(Qt.DropAction.MoveAction)
        _dragged.clear()


class _DropMark(QWidget):
    """Shows where a dragged tab would go."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        colour = QColor(theme().accent)
        painter.setPen(colour)
        colour.setAlphaF(0.25)
        painter.setBrush(colour)
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))


class Pane(QTabWidget):
    """Tabs with their pages. Emits what is asked for; the workspace moves pages between panes."""

    close_requested = Signal(object)  # the page
    activated = Signal(object)  # this pane
    dropped = Signal(object, object, str)  # page, this pane, Side
    new_requested = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setTabBar(_TabBar(self))
        self.setDocumentMode(True)
        self.setTabsClosable(False)
        self.setAcceptDrops(True)
        add = QToolButton()
        add.setIcon(icon("mdi6.plus"))
        add.setAutoRaise(True)
        add.setToolTip("Open another paper (Ctrl+G)")
        add.setAccessibleName("Open another paper")
        add.clicked.connect(self.new_requested)
        self.setCornerWidget(add, Qt.Corner.TopRightCorner)
        self._mark = _DropMark(self)
        self.currentChanged.connect(self._current_changed)
        self.tabBarClicked.connect(self._tab_clicked)

    def pages(self) -> list[QWidget]:
        """The pages in the order of their tabs."""
        return [page for index in range(self.count()) if (page := self.widget(index)) is not None]

    def add_page(self, page: QWidget, *, is_closable: bool, index: int = -1) -> None:
        """Add a page at the end, or at `index`, and show it."""
        place = self.insertTab(index if index >= 0 else self.count(), page, page.windowTitle())
        if is_closable:
            close = QToolButton()
            close.setIcon(icon("mdi6.close", "muted"))
            close.setIconSize(QSize(13, 13))
            close.setAutoRaise(True)
            close.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            close.setToolTip("Close (Ctrl+W)")
            close.setAccessibleName("Close")
            close.clicked.connect(self._close_clicked)
            self.tabBar().setTabButton(place, QTabBar.ButtonPosition.RightSide, close)
        self.setCurrentIndex(place)

    @Slot()
    def _close_clicked(self) -> None:
        for index in range(self.count()):
            if self.tabBar().tabButton(index, QTabBar.ButtonPosition.RightSide) is self.sender():
                self.close_requested.emit(self.widget(index))
                return

    @Slot(int)
    def _current_changed(self, index: int) -> None:
        if index >= 0:
            self.activated.emit(self)

    @Slot(int)
    def _tab_clicked(self, index: int) -> None:
        self.activated.emit(self)

    # Dropping

    def side_at(self, place: QPoint) -> Side:
        """Where a tab dropped at `place` goes: an edge of the pane, or its middle."""
        if self.tabBar().geometry().contains(place):
            return "middle"
        across, down = place.x() / max(1, self.width()), place.y() / max(1, self.height())
        distances: dict[Side, float] = {"left": across, "right": 1 - across, "up": down, "down": 1 - down}
        nearest = min(distances, key=lambda side: distances[side])
        return nearest if distances[nearest] < EDGE_SHARE else "middle"

    def _area(self, side: Side) -> QRect:
        width, height = self.width(), self.height()
        return {
            "middle": QRect(0, 0, width, height),
            "left": QRect(0, 0, width // 2, height),
            "right": QRect(width // 2, 0, width - width // 2, height),
            "up": QRect(0, 0, width, height // 2),
            "down": QRect(0, height // 2, width, height - height // 2),
        }[side]

    @override
    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasFormat(MIME) and _dragged:
            event.acceptProposedAction()

    @override
    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        if event.mimeData().hasFormat(MIME) and _dragged:
            self._mark.setGeometry(self._area(self.side_at(event.position().toPoint())))
            self._mark.show()
            self._mark.raise_()
            event.acceptProposedAction()

    @override
    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._mark.hide()

    @override
    def dropEvent(self, event: QDropEvent) -> None:
        self._mark.hide()
        if event.mimeData().hasFormat(MIME) and _dragged:
            event.acceptProposedAction()
            self.dropped.emit(_dragged[0], self, self.side_at(event.position().toPoint()))
