"""Small widgets that several parts of the application use."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QMargins, QObject, QPoint, QRect, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import QBrush, QColor, QIcon, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import (
    QAbstractButton,
    QDialogButtonBox,
    QFrame,
    QLabel,
    QLayout,
    QLayoutItem,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from workbench.app.icons import draw_icon
from workbench.views.theme import theme


class FlowLayout(QLayout):
    """Places widgets from left to right and breaks into lines like words."""

    def __init__(self, parent: QWidget | None = None, spacing: int = 6) -> None:
        super().__init__(parent)
        self._items: list[QLayoutItem] = []
        self.setSpacing(spacing)
        self.setContentsMargins(QMargins(0, 0, 0, 0))

    @override
    def addItem(self, item: QLayoutItem) -> None:
        self._items.append(item)

    @override
    def count(self) -> int:
        return len(self._items)

    @override
    def itemAt(self, index: int) -> QLayoutItem | None:
        return self._items[index] if 0 <= index < len(self._items) else None

    @override
    def takeAt(self, index: int) -> QLayoutItem | None:
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    @override
    def expandingDirections(self) -> Qt.Orientation:
        return Qt.Orientation(0)

    @override
    def hasHeightForWidth(self) -> bool:
        return True

    @override
    def heightForWidth(self, width: int) -> int:
        return self._arrange(QRect(0, 0, width, 0), is_trial=True)

    @override
    def setGeometry(self, rect: QRect) -> None:
        super().setGeometry(rect)
        self._arrange(rect, is_trial=False)

    @override
    def sizeHint(self) -> QSize:
        return self.minimumSize()

    @override
    def minimumSize(self) -> QSize:
        size = QSize()
        for item in self._items:
            size = size.expandedTo(item.minimumSize())
        return size

    def _arrange(self, rect: QRect, is_trial: bool) -> int:
        x, y, line_height = rect.x(), rect.y(), 0
        for item in self._items:
            if item.isEmpty():
                continue
            size = item.sizeHint()
            if x > rect.x() and x + size.width() > rect.right() + 1:
                x, y, line_height = rect.x(), y + line_height + self.spacing(), 0
            if not is_trial:
                item.setGeometry(QRect(QPoint(x, y), size))
            x += size.width() + self.spacing()
            line_height = max(line_height, size.height())
        return y + line_height - rect.y()


class ColouredLabel(QLabel):
    """Text in a colour of the theme, which follows when the theme changes."""

    def __init__(self, text: str = "", colour: str = "muted", *, wrap: bool = False, scale: float = 1.0) -> None:
        super().__init__(text)
        self._colour = colour
        self.setWordWrap(wrap)
        if scale != 1.0:
            font = self.font()
            font.setPointSizeF(font.pointSizeF() * scale)
            self.setFont(font)
        theme().changed.connect(self._restyle)
        self._restyle()

    def set_colour(self, colour: str) -> None:
        """Use another colour of the theme."""
        if colour != self._colour:
            self._colour = colour
            self._restyle()

    @Slot()
    def _restyle(self) -> None:
        palette = self.palette()
        palette.setColor(QPalette.ColorRole.WindowText, QColor(theme().colour(self._colour)))
        palette.setColor(QPalette.ColorRole.Text, QColor(theme().colour(self._colour)))
        self.setPalette(palette)


class ElidedLabel(ColouredLabel):
    """One line that shortens with an ellipsis instead of widening its parent; the whole text is its tooltip."""

    def __init__(self, text: str = "", colour: str = "foreground", *, scale: float = 1.0, bold: bool = False) -> None:
        super().__init__(text, colour, scale=scale)
        font = self.font()
        font.setBold(bold)
        self.setFont(font)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(self.palette().color(QPalette.ColorRole.WindowText))
        text = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, self.width())
        painter.drawText(self.rect(), int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), text)
        painter.end()
        self.setToolTip(self.text() if text != self.text() else "")


class Chip(QAbstractButton):
    """A small rounded button that is filled while it is checked."""

    def __init__(self, text: str, colour: str = "accent") -> None:
        super().__init__()
        self._colour = colour
        self.setText(text)
        self.setAccessibleName(text)
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)

    @override
    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        return QSize(metrics.horizontalAdvance(self.text()) + 22, metrics.height() + 8)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colours, rect = theme(), QRectF(self.rect()).adjusted(1, 1, -1, -1)
        fill = QColor(colours.colour(self._colour))
        fill.setAlphaF(0.22 if self.isChecked() else 0.08 if self.underMouse() else 0.0)
        edge = QColor(colours.colour(self._colour) if self.isChecked() or self.hasFocus() else colours.muted)
        edge.setAlphaF(1.0 if self.isChecked() or self.hasFocus() else 0.5)
        painter.setBrush(fill)
        painter.setPen(QPen(edge, 2.0 if self.hasFocus() else 1.0))
        painter.drawRoundedRect(rect, rect.height() / 2, rect.height() / 2)
        painter.setPen(QColor(colours.foreground if self.isEnabled() else colours.muted))
        painter.drawText(self.rect(), int(Qt.AlignmentFlag.AlignCenter), self.text())


class _SectionHeader(QAbstractButton):
    """An arrow and a bold title across the whole width."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.setText(title)
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setAccessibleName(f"{title} section")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    @override
    def sizeHint(self) -> QSize:
        return QSize(120, self.fontMetrics().height() + 8)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.underMouse() or self.hasFocus():
            fill = QColor(theme().accent)
            fill.setAlphaF(0.16 if self.hasFocus() else 0.08)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(fill)
            painter.drawRoundedRect(QRectF(self.rect()), 4, 4)
        arrow = "mdi6.chevron-down" if self.isChecked() else "mdi6.chevron-right"
        draw_icon(painter, QRect(1, (self.height() - 16) // 2, 16, 16), arrow, QColor(theme().muted))
        font = self.font()
        font.setBold(True)
        painter.setFont(font)
        painter.setPen(QColor(theme().foreground))
        painter.drawText(self.rect().adjusted(20, 0, 0, 0), int(Qt.AlignmentFlag.AlignVCenter), self.text())


class Section(QWidget):
    """A titled part that folds; `toggled` carries whether it is open now."""

    toggled = Signal(bool)

    def __init__(self, title: str, body: QWidget, *, is_open: bool = True) -> None:
        super().__init__()
        self.title, self.body = title, body
        self._header = _SectionHeader(title)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self._header)
        layout.addWidget(body)
        self._header.setChecked(is_open)
        self._show(is_open)
        self._header.toggled.connect(self._clicked)

    @property
    def is_open(self) -> bool:
        """Whether the body is shown."""
        return self._header.isChecked()

    def set_open(self, is_open: bool) -> None:
        """Fold or unfold."""
        self._header.setChecked(is_open)

    @Slot(bool)
    def _clicked(self, is_open: bool) -> None:
        self._show(is_open)
        self.toggled.emit(is_open)

    def _show(self, is_open: bool) -> None:
        self.body.setVisible(is_open)
        self._header.setToolTip(f"Fold {self.title}" if is_open else f"Unfold {self.title}")


class Line(QFrame):
    """A thin horizontal separator."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(1)
        self.setAutoFillBackground(True)
        theme().changed.connect(self._restyle)
        self._restyle()

    @Slot()
    def _restyle(self) -> None:
        palette = self.palette()
        palette.setColor(QPalette.ColorRole.Window, QColor(theme().grid))
        self.setPalette(palette)


class WheelGuard(QObject):
    """Event filter that leaves the wheel to the scroll area unless the widget was clicked first.

    Without it, scrolling a form changes whatever spin box happens to pass under the mouse.
    """

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Wheel and isinstance(watched, QWidget) and not watched.hasFocus():
            event.ignore()
            return True
        return False


def close_buttons(*others: QPushButton) -> QDialogButtonBox:
    """Return a row of `others` and a Close button, for a window that applies or shows things at once."""
    box = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
    box.button(QDialogButtonBox.StandardButton.Close).setIcon(QIcon())
    for button in others:
        box.addButton(button, QDialogButtonBox.ButtonRole.ActionRole)
    return box


def guard_wheel(widget: QWidget) -> None:
    """Let `widget` react to the wheel only while it has the focus."""
    widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    widget.installEventFilter(WheelGuard(widget))


def duration_text(seconds: float | None) -> str:
    """Return a duration as a person says it: `"4 s"`, `"3 min 10 s"`, `"2 h 5 min"`; empty for None."""
    if seconds is None or seconds != seconds or seconds == float("inf"):
        return ""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole < 600 else f"{whole // 60} min"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def count_text(number: int) -> str:
    """Return a whole number with thin spaces between thousands: `"12 500"`."""
    return f"{number:,}".replace(",", "\u2009")


def bytes_text(size: int | None) -> str:
    """Return a size in memory: `"312 MB"`, `"1.4 GB"`; empty for None."""
    if size is None:
        return ""
    megabytes = size / 2**20
    return f"{megabytes:.0f} MB" if megabytes < 1000 else f"{megabytes / 1024:.1f} GB"


class ProgressStrip(QProgressBar):
    """A thin progress bar that stands still between two values.

    Fusion animates a bar that is not full 60 times a second for as long as it is seen, also while the run is paused.
    A run of unknown length is hatched.
    """

    def __init__(self, height: int = 8) -> None:
        super().__init__()
        self.setTextVisible(False)
        self.setFixedHeight(height)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(QColor(theme().grid))
        painter.setBrush(QColor(theme().background))
        frame = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.drawRect(frame)
        accent = QColor(theme().accent)
        if self.maximum() == self.minimum():
            painter.fillRect(frame, QBrush(accent, Qt.BrushStyle.BDiagPattern))
        else:
            share = (self.value() - self.minimum()) / (self.maximum() - self.minimum())
            painter.fillRect(QRectF(0, 0, max(0.0, share) * self.width(), self.height()), accent)
        painter.end()
