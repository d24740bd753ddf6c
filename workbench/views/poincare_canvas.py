"""What the mouse does in a Poincaré disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

from workbench.views.hyperbolic_plane import Motion
from workbench.views.painting import figure_font, pen, with_alpha
from workbench.views.theme import theme

if TYPE_CHECKING:
    from workbench.views.poincare_disk import PoincareDiskView

CLICK = 4
NOTCH = 120


class DiskCanvas(QWidget):
    """Drag moves the plane, or a point or mark that may be moved; Shift+drag draws a lasso, right-click recentres."""

    def __init__(self, view: PoincareDiskView) -> None:
        super().__init__()
        self._view = view
        self._pressed: QPointF | None = None
        self._start: complex | None = None
        self._origin = Motion()
        self._dragged: str | int | None = None
        self._lasso: list[QPointF] = []
        self._hover = -1
        self._has_moved = False
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setMinimumSize(120, 120)

    @property
    def _rect(self) -> QRectF:
        return self._view.plane_rect(QRectF(self.rect()))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the plane, the lasso, and what is under the mouse."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme().background))
        self._view.paint(painter, QRectF(self.rect()))
        if len(self._lasso) > 1:
            painter.setPen(pen(theme().accent, 1.3))
            painter.setBrush(with_alpha(theme().accent, 0.12))
            painter.drawPolygon(self._lasso)
        if 0 <= self._hover < len(self._view.points.z):
            self._draw_hover(painter)
        painter.end()

    def _draw_hover(self, painter: QPainter) -> None:
        view = self._view
        x, y = view.to_pixels(view.to_view(view.points.z[self._hover]), self._rect)
        painter.setPen(pen(theme().foreground, 1.5))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(QPointF(x, y), 6, 6)
        painter.setFont(figure_font())
        lines = view.label_of(self._hover).split("\n")
        picture = view.thumbnail_of(self._hover)
        metrics = painter.fontMetrics()
        wide = max([metrics.horizontalAdvance(line) for line in lines] + [picture.width() if picture else 0]) + 12
        high = metrics.height() * len(lines) + 10 + (picture.height() + 4 if picture else 0)
        left = min(x + 12, self.width() - wide - 2) if x + 12 + wide < self.width() else x - 12 - wide
        box = QRectF(max(2.0, left), min(max(2.0, y - high / 2), self.height() - high - 2.0), wide, high)
        painter.setPen(pen(theme().grid, 1.0))
        painter.setBrush(QColor(theme().window))
        painter.drawRoundedRect(box, 4, 4)
        top = box.top() + 5
        if picture is not None:
            painter.drawImage(QPointF(box.left() + 6, top), picture)
            top += picture.height() + 4
        painter.setPen(QColor(theme().foreground))
        for index, line in enumerate(lines):
            painter.drawText(QPointF(box.left() + 6, top + metrics.ascent() + index * metrics.height()), line)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin to move the plane, a point, or a lasso; the right button makes what is there the origin."""
        if event.button() == Qt.MouseButton.RightButton and self._pressed is None:
            self._recentre(event.position())
        if event.button() != Qt.MouseButton.LeftButton:
            return
        view, position = self._view, event.position()
        view._animation.stop()
        if (name := view.legend_at(position, QRectF(self.rect()))) is not None:
            view.legend_clicked(name)
            return
        self._pressed, self._has_moved = position, False
        self._start = view.from_pixels(position, self._rect)
        self._origin = view.motion
        self._dragged = None
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self._lasso = [position]
            return
        self._dragged = view.mark_at(position, self._rect)
        if self._dragged is None and view.points_are_draggable:
            index = view.nearest(position, self._rect)
            self._dragged = index if index >= 0 else None

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move what was taken; without a button, say what is under the mouse."""
        view, position = self._view, event.position()
        if self._pressed is None:
            hover = view.nearest(position, self._rect)
            if hover != self._hover:
                self._hover = hover
                self.update()
            return
        if (position - self._pressed).manhattanLength() > CLICK:
            self._has_moved = True
        if not self._has_moved:
            return
        if self._lasso:
            self._lasso.append(position)
            self.update()
            return
        here = view.from_pixels(position, self._rect)
        if here is None:
            return
        if self._dragged is not None:
            place = complex(view.from_view(np.array(here)).item())
            view.moved.emit(self._dragged, (place.real, place.imag))
        elif self._start is not None:
            # From where the drag began: the plane comes back exactly when the mouse does.
            view.set_motion(Motion.translation(view.unzoomed(self._start), view.unzoomed(here)).after(self._origin))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Finish: a click, a lasso, or a movement."""
        if self._pressed is None or event.button() != Qt.MouseButton.LeftButton:
            return
        view, position = self._view, event.position()
        pressed, self._pressed = self._pressed, None
        if self._lasso:
            outline, self._lasso = self._lasso, []
            if len(outline) > 2:
                view.select_inside(outline, self._rect)
            self.update()
            return
        here = view.from_pixels(position if self._has_moved else pressed, self._rect)
        place = complex(view.from_view(np.array(here)).item()) if here is not None else None
        if not self._has_moved:
            if place is not None:
                view.clicked.emit(view.nearest(position, self._rect), (place.real, place.imag))
        elif self._dragged is not None and place is not None:
            view.released.emit(self._dragged, (place.real, place.imag))
        elif self._dragged is None:
            view.view_changed.emit()
        self._dragged = None

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Bring what was clicked to the centre."""
        if event.button() != Qt.MouseButton.LeftButton:
            return
        self._pressed = None
        self._recentre(event.position())

    def _recentre(self, position: QPointF) -> None:
        index = self._view.nearest(position, self._rect)
        here = self._view.from_pixels(position, self._rect)
        if index >= 0:
            self._view.bring_to_centre(complex(self._view.points.z[index]))
        elif here is not None:
            self._view.bring_to_centre(complex(self._view.from_view(np.array(here)).item()))

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Look closer, or from farther away; what is under the mouse stays there."""
        notches = event.angleDelta().y() / NOTCH
        if notches:
            about = self._view.from_pixels(event.position(), self._rect)
            self._view.set_zoom(self._view.zoom * 0.9**notches, about=about or 0j)
            event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Home goes back; the arrows move the plane."""
        steps = {Qt.Key.Key_Left: 0.15, Qt.Key.Key_Right: -0.15, Qt.Key.Key_Up: -0.15j, Qt.Key.Key_Down: 0.15j}
        if event.key() == Qt.Key.Key_Home:
            self._view.reset_view()
        elif (step := steps.get(Qt.Key(event.key()))) is not None:
            self._view.set_motion(Motion.translation(0j, complex(step)).after(self._view.motion))
            self._view.view_changed.emit()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The view has changed: whoever works out something for the seen pixels does so again."""
        self._view.refresh()

    def leaveEvent(self, event: QEvent) -> None:
        """Forget what was under the mouse."""
        self._hover = -1
        self.update()

    def place_of(self, place: tuple[float, float]) -> QPoint:
        """Pixels of a place of the unmoved disk, for whoever wants to point at it."""
        x, y = self._view.to_pixels(self._view.to_view(np.array(complex(*place))), self._rect)
        return QPoint(round(float(x)), round(float(y)))
