"""The widget under a PlotView: keeps the drawn figure, and turns the mouse into pans, zooms, picks and read-outs."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, QTimer
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QEnterEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPixmap,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QMenu, QWidget

from workbench.views.painting import SMALL_PX, draw_text, figure_font, pen, text_height, text_width, with_alpha
from workbench.views.theme import theme

if TYPE_CHECKING:
    from workbench.views.picks import ReadOut
    from workbench.views.plot import Layout, PlotView

ZOOM_PER_NOTCH = 0.85
Gesture = Literal["none", "press", "pan", "edit", "zoom"]

log = logging.getLogger(__name__)


class PlotCanvas(QWidget):
    """Shows one PlotView. The figure is drawn once into a pixmap; hovering only draws on top of it."""

    def __init__(self, view: PlotView) -> None:
        super().__init__(view)
        self._view = view
        self._pixmap: QPixmap | None = None
        self._layout: Layout | None = None
        self._hover: QPointF | None = None
        self._gesture: Gesture = "none"
        self._button = Qt.MouseButton.NoButton
        self._start = self._last = QPointF()
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    def refresh(self) -> None:
        """Draw the figure anew at the next paint event."""
        self._pixmap = None
        self.update()

    @property
    def layout_now(self) -> Layout:
        """Where everything is on the screen."""
        if self._layout is None:
            self._layout = self._view.layout_in(QRectF(self.rect()))
        return self._layout

    def paintEvent(self, event: QPaintEvent) -> None:
        """Show the kept figure, and over it what belongs to the mouse."""
        ratio = self.devicePixelRatioF()
        if self._pixmap is None or self._pixmap.devicePixelRatio() != ratio:
            self._pixmap = self._drawn(ratio)
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._draw_cursor(painter)
        if self._gesture == "zoom":
            area = QRectF(self._start, self._last).normalized()
            painter.fillRect(area, with_alpha(theme().accent, 0.15))
            painter.setPen(pen(theme().accent, 1.0))
            painter.drawRect(area)
        elif self._hover is not None and self._gesture in ("none", "edit"):
            self._draw_read_out(painter, self._hover)
        painter.end()

    def _drawn(self, ratio: float) -> QPixmap:
        pixmap = QPixmap(self.size() * ratio)
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(QColor(theme().background))
        painter = QPainter(pixmap)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
        try:
            self._layout = self._view.paint_plot(painter, QRectF(self.rect()), is_export=False)
        except Exception as error:
            # Qt would end the whole application where a painter is left on a picture that goes away.
            log.exception("view %s could not be drawn", self._view.name)
            sentence = f"This view could not be drawn: {type(error).__name__}: {error}"
            QTimer.singleShot(0, self, lambda: self._view.show_message(sentence))
        finally:
            painter.end()
        return pixmap

    def _draw_cursor(self, painter: QPainter) -> None:
        cursor = self._view._cursor
        if cursor is None:
            return
        frame = self.layout_now.frame
        point = frame.point(*cursor)
        if frame.rect.contains(point):
            self._draw_cross(painter, frame.rect, point)

    @staticmethod
    def _draw_cross(painter: QPainter, rect: QRectF, point: QPointF) -> None:
        painter.setPen(pen(theme().muted, 1.0, "dot"))
        painter.drawLine(QPointF(point.x(), rect.top()), QPointF(point.x(), rect.bottom()))
        painter.drawLine(QPointF(rect.left(), point.y()), QPointF(rect.right(), point.y()))

    def _draw_read_out(self, painter: QPainter, position: QPointF) -> None:
        frame = self.layout_now.frame
        if not frame.rect.contains(position):
            return
        read_out = self._view.read_out(frame, position)
        if read_out is None:
            return
        if read_out.has_crosshair:
            self._draw_cross(painter, frame.rect, position)
        painter.save()
        painter.setClipRect(frame.rect)
        for x, y, colour in read_out.points:
            painter.setPen(pen(theme().background, 1.5))
            painter.setBrush(QColor(colour))
            painter.drawEllipse(frame.point(x, y), 4.5, 4.5)
        painter.restore()
        self._draw_box(painter, position, read_out)

    def _draw_box(self, painter: QPainter, position: QPointF, read_out: ReadOut) -> None:
        font = figure_font(SMALL_PX)
        painter.setFont(font)
        line = text_height(font) + 1
        room = max(1, int((self.height() - 12) / line))
        lines = list(read_out.lines)
        if len(lines) > room:
            lines = [*lines[: room - 1], (theme().muted, f"… {len(lines) - room + 1} more")]
        width = max((text_width(text, font) for _, text in lines), default=0.0) + 14
        height = line * len(lines) + 6
        left = position.x() + 14 if position.x() + 14 + width < self.width() - 2 else position.x() - 14 - width
        top = position.y() + 12 if position.y() + 12 + height < self.height() - 2 else position.y() - 12 - height
        box = QRectF(max(2.0, left), min(max(2.0, top), max(2.0, self.height() - height - 2)), width, height)
        painter.setPen(pen(theme().grid, 1.0))
        painter.setBrush(with_alpha(theme().window, 0.94))
        painter.drawRoundedRect(box, 4, 4)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for index, (colour, text) in enumerate(lines):
            place = QRectF(box.left() + 7, box.top() + 3 + index * line, width, line)
            draw_text(painter, place, text, colour, Qt.AlignmentFlag.AlignLeft)

    # Mouse and keys

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a click, pan, edit or rectangle."""
        self._start = self._last = event.position()
        self._button = event.button()
        view, frame = self._view, self.layout_now.frame
        if event.button() == Qt.MouseButton.LeftButton:
            for item in self.layout_now.legend:
                if item.rect.contains(event.position()):
                    view.legend_clicked(item.entry.name)
                    return
            is_inside = frame.rect.contains(event.position())
            wants_edit = view.drags == "edit" or (view.grabs is not None and view.grabs(*frame.data(event.position())))
            if is_inside and wants_edit:
                self._gesture = "edit"
                view.pressed.emit(self._pick(event))
            else:
                self._gesture = "press"
        elif event.button() == Qt.MouseButton.MiddleButton:
            self._gesture = "pan"
        elif event.button() == Qt.MouseButton.RightButton:
            self._gesture = "press"

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Follow the mouse with whatever was begun."""
        position = event.position()
        self._hover = position
        moved = (position - self._start).manhattanLength() >= QApplication.startDragDistance()
        if self._gesture == "press" and moved:
            self._gesture = "zoom" if self._button == Qt.MouseButton.RightButton else "pan"
        if self._gesture == "pan":
            self._pan(position - self._last)
        elif self._gesture == "edit":
            self._view.dragged.emit(self._pick(event))
        self._last = position
        if self._gesture in ("none", "edit"):
            is_inside = self.layout_now.frame.rect.contains(position)
            self._view.hovered.emit(self._pick(event) if is_inside else None)
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End what was begun; a press that never moved is a click."""
        gesture, self._gesture = self._gesture, "none"
        if gesture == "edit":
            self._view.released.emit(self._pick(event))
        elif gesture == "zoom":
            self._zoom_to(QRectF(self._start, event.position()).normalized())
        elif gesture == "press" and event.button() == Qt.MouseButton.LeftButton:
            if self.layout_now.frame.rect.contains(event.position()):
                self._view.clicked.emit(self._pick(event))
        elif gesture == "press" and event.button() == Qt.MouseButton.RightButton:
            self.open_menu(event.globalPosition())
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Fit the axes to the data."""
        if event.button() == Qt.MouseButton.LeftButton and self._view.drags == "pan":
            self._view.fit()
        else:
            self.mousePressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom about the mouse; over an axis, that axis only."""
        notches = event.angleDelta().y() / 120 or event.pixelDelta().y() / 40
        if not notches:
            return
        view, frame = self._view, self.layout_now.frame
        position = event.position()
        factor = ZOOM_PER_NOTCH**notches
        self._take_shown_range()
        x, y = frame.data(position)
        is_over_x, is_over_y = position.y() > frame.rect.bottom(), position.x() < frame.rect.left()
        if view.aspect == "equal" or not (is_over_x or is_over_y):
            view.x_axis.zoom(factor, x)
            view.y_axis.zoom(factor, y)
            view.follows_x = view.follows_y = False
        elif is_over_x:
            view.x_axis.zoom(factor, x)
            view.follows_x = False
        else:
            view.y_axis.zoom(factor, y)
            view.follows_y = False
        view.refresh()
        view.range_changed.emit()
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """A fits; plus and minus zoom."""
        if event.key() == Qt.Key.Key_A and not event.modifiers():
            self._view.fit()
        elif event.key() in (Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Minus):
            rect = self.layout_now.frame.rect
            share = -0.1 if event.key() == Qt.Key.Key_Minus else 0.1
            across, down = share * rect.width(), share * rect.height()
            self._zoom_to(rect.adjusted(across, down, -across, -down))
        else:
            super().keyPressEvent(event)

    def enterEvent(self, event: QEnterEvent) -> None:
        """Show the read-out from the first moment."""
        self._hover = event.position()
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        """Take the read-out away."""
        self._hover = None
        self._view.hovered.emit(None)
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lay everything out anew."""
        self._layout = None
        self.refresh()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Open the menu from the keyboard; the mouse opens it on release, since a right drag zooms."""
        if event.reason() != QContextMenuEvent.Reason.Mouse:
            self.open_menu(QPointF(event.globalPos()))

    def _pick(self, event: QMouseEvent) -> object:
        picked = self._view.pick(self.layout_now.frame, event.position())
        return replace(picked, button=event.button(), modifiers=event.modifiers())

    def _pan(self, by: QPointF) -> None:
        view, rect = self._view, self.layout_now.frame.rect
        self._take_shown_range()
        view.x_axis.pan(-by.x() / rect.width())
        view.y_axis.pan(by.y() / rect.height())
        view.follows_x = view.follows_y = False
        view.refresh()
        view.range_changed.emit()

    def _zoom_to(self, area: QRectF) -> None:
        frame = self.layout_now.frame
        if area.width() < 4 or area.height() < 4:
            return
        corners = frame.data(area.bottomLeft()), frame.data(area.topRight())
        (x0, y0), (x1, y1) = corners
        self._view.set_range((min(x0, x1), max(x0, x1)), (min(y0, y1), max(y0, y1)))
        self._view.range_changed.emit()

    def _take_shown_range(self) -> None:
        """Equal scales may show more than the axes say; what is on the screen is what moves."""
        frame = self.layout_now.frame
        for axis, shown in ((self._view.x_axis, frame.x), (self._view.y_axis, frame.y)):
            axis.low, axis.high = shown.low, shown.high

    def open_menu(self, position: QPointF) -> None:
        """Open the view's menu at a global position."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._view.build_menu(menu)
        menu.popup(position.toPoint())
