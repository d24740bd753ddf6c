"""The body of a 3-D view: one surface that takes the mouse and draws the words, over a picture of the scene.

The picture comes from OpenGL, or from the painter where there is none; picking and dragging are one piece of code.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, QTimer, Slot
from PySide6.QtGui import (
    QColor,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPixmap,
    QResizeEvent,
    QShowEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QWidget

from workbench.views.painting import SMALL_PX, draw_text, figure_font, pen, text_height, text_width, with_alpha
from workbench.views.scene3d_painter import draw_scene
from workbench.views.scene3d_picking import Pick3D
from workbench.views.scene_model import Points
from workbench.views.theme import theme
from workbench.views.ticks import format_number

if TYPE_CHECKING:
    from workbench.views.scene3d import Scene3DView
    from workbench.views.scene3d_gl import SceneGL
    from workbench.views.scene_axes import Furniture

log = logging.getLogger(__name__)

ZOOM_PER_NOTCH = 0.88


class Stage(QWidget):
    """Holds what draws a Scene3DView."""

    def __init__(self, view: Scene3DView, *, wants_gl: bool) -> None:
        super().__init__(view)
        self._view = view
        self._wants_gl = wants_gl
        self._gl: SceneGL | None = None
        self._picture: QImage | None = None
        self._words: tuple[object, QPixmap] | None = None
        self.fallback_reason = ""
        self.is_painting = False
        self._surface = Surface(self, view)

    @property
    def renderer(self) -> Literal["gl", "painter"]:
        """What draws on the screen now."""
        return "gl" if self._gl is not None else "painter"

    def showEvent(self, event: QShowEvent) -> None:
        """Make the canvas at the first showing."""
        super().showEvent(event)
        if self._wants_gl and self._gl is None and not self.fallback_reason:
            self.rebuild()

    def rebuild(self) -> None:
        """Make the canvas anew from the model; where that fails, the surface draws and says why."""
        from workbench.views.scene3d_gl import NoOpenGL, SceneGL

        if not self._wants_gl:
            return
        self._drop_canvas()
        try:
            self._gl = SceneGL(self, self._gl_failed)
        except NoOpenGL as error:
            self._fall_back(str(error))
            return
        self._gl.sync(self._view.visible_items(), self._view.item_names)
        self._view.refresh()

    def _drop_canvas(self) -> None:
        self._picture = self._words = None
        if self._gl is not None:
            self._gl.close()
            self._gl = None

    def _gl_failed(self, reason: str) -> None:
        # Called while the canvas paints; it must not be deleted under its own feet.
        self.fallback_reason = reason
        QTimer.singleShot(0, self, self._leave_gl)

    @Slot()
    def _leave_gl(self) -> None:
        self._fall_back(self.fallback_reason)

    def _fall_back(self, reason: str) -> None:
        log.info("3-D view %s is drawn without OpenGL: %s", self._view.name, reason)
        self._drop_canvas()
        self.fallback_reason = reason
        self._surface.update()

    def show_scene(self, changed: Iterable[str]) -> None:
        """Draw the view's model as it is now; `changed` names items that are new, different or gone."""
        if self._gl is not None:
            rect = QRectF(self.rect())
            self._gl.fit(self.size(), self.devicePixelRatioF())
            self._gl.sync(self._view.visible_items(), changed)
            self._gl.show(self._view.camera, rect, self._view.sphere(), self._view.furniture(rect))
            self._picture = None
        self._surface.update()

    def draw(self, painter: QPainter, rect: QRectF) -> None:
        """Draw scene and words. Of OpenGL's, both are kept while nothing of them has changed."""
        self._view.follow()
        made = self._view.furniture(rect)
        self.is_painting = True
        if self._gl is None:
            painter.fillRect(rect, QColor(theme().background))
            draw_scene(painter, rect, self._view.camera, self._view.visible_items(), made)
            self._view.draw_words(painter, rect, made)
        else:
            if self._picture is None:
                self._picture = self._gl.picture()
            painter.drawImage(rect, self._picture)
            painter.drawPixmap(0, 0, self._words_layer(rect, made))
        self.is_painting = False

    def _words_layer(self, rect: QRectF, made: Furniture | None) -> QPixmap:
        ratio = self.devicePixelRatioF()
        key = (self._view.words_key(), self.size(), ratio)
        if self._words is None or self._words[0] != key:
            layer = QPixmap(self.size() * ratio)
            layer.setDevicePixelRatio(ratio)
            layer.fill(Qt.GlobalColor.transparent)
            painter = QPainter(layer)
            painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
            self._view.draw_words(painter, rect, made)
            painter.end()
            self._words = (key, layer)
        return self._words[1]

    def restyle(self) -> None:
        """Take over the colours of a changed theme."""
        if self._gl is not None:
            self._gl.restyle()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fill the stage."""
        self._surface.setGeometry(self.rect())
        self._view.refresh()


class Surface(QWidget):
    """The topmost layer: takes the mouse, draws words, and without OpenGL the scene too."""

    def __init__(self, stage: Stage, view: Scene3DView) -> None:
        super().__init__(stage)
        self._stage, self._view = stage, view
        self._gesture: Literal["none", "turn", "rotate", "pan", "handle"] = "none"
        self._start = self._last = QPointF()
        self._has_moved = False
        self._handle: Pick3D | None = None
        self._hover: Pick3D | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw."""
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
        self._stage.draw(painter, QRectF(self.rect()))
        if self._hover is not None and self._gesture == "none":
            self._draw_hover(painter, self._hover)
        painter.end()

    def _draw_hover(self, painter: QPainter, hover: Pick3D) -> None:
        pixels = self._view.camera.project(hover.position, QRectF(self.rect()))[0][0]
        item = self._view.visible_items().get(hover.item)
        if not isinstance(item, Points) or hover.index >= len(item.positions):
            return
        painter.setPen(pen(theme().foreground, 1.6))
        painter.drawEllipse(QPointF(*pixels), item.size / 2 + 3, item.size / 2 + 3)
        where = ", ".join(format_number(part, 3) for part in item.positions[hover.index])
        name = item.names[hover.index] if item.names is not None else f"{item.label or hover.item} {hover.index}"
        value = f" = {format_number(item.tint.values[hover.index])}" if item.tint.values is not None else ""
        text = f"{name}{value}  ({where})"
        font = figure_font(SMALL_PX)
        painter.setFont(font)
        box = QRectF(0, 0, text_width(text, font) + 12, text_height(font) + 6)
        box.moveTopLeft(QPointF(pixels[0] + 10, pixels[1] + 10))
        box.moveLeft(max(2.0, min(box.left(), self.width() - box.width() - 2)))
        box.moveTop(max(2.0, min(box.top(), self.height() - box.height() - 2)))
        painter.setPen(pen(theme().grid, 1.0))
        painter.setBrush(with_alpha(theme().window, 0.94))
        painter.drawRoundedRect(box, 4, 4)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        draw_text(painter, box, text, theme().foreground)

    # Mouse and keys

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a turn, a pan, a rotation or the drag of a handle."""
        self._start = self._last = event.position()
        self._has_moved = False
        if event.button() == Qt.MouseButton.LeftButton:
            for placed in self._view.placed_legend(QRectF(self.rect())):
                if placed.rect.contains(event.position()):
                    self._view.toggle(placed.entry.name)
                    return
            self._handle = self._view.pick_at(event.position(), handles_only=True)
            if self._handle is not None:
                self._gesture = "handle"
            elif event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
                self._gesture = "pan"
            else:
                self._gesture = "rotate" if self._view.drag_mode == "rotate" else "turn"
        elif event.button() == Qt.MouseButton.MiddleButton:
            self._gesture = "pan"
        elif event.button() == Qt.MouseButton.RightButton:
            # With the left button taken by the object, the right one moves the camera.
            self._gesture = "turn" if self._view.drag_mode == "rotate" else "pan"

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Follow the mouse with what was begun."""
        position, rect = event.position(), QRectF(self.rect())
        if self._gesture == "none":
            hover = self._view.pick_at(position)
            if (hover is None) != (self._hover is None) or (
                hover is not None
                and self._hover is not None
                and (hover.item, hover.index) != (self._hover.item, self._hover.index)
            ):
                self._hover = hover
                self.update()
            return
        if not self._has_moved:
            if (position - self._start).manhattanLength() < QApplication.startDragDistance():
                return
            self._has_moved = True
        camera = self._view.camera
        if self._gesture == "turn":
            camera.turn(self._last, position, rect)
            self._view.camera_moved()
        elif self._gesture == "pan":
            camera.pan(self._last, position, rect)
            self._view.camera_moved(keeps_following=False)
        elif self._gesture == "rotate":
            self._view.rotated.emit(camera.rotation_of_drag(self._last, position, rect))
        elif self._handle is not None:
            self._view.handle_dragged.emit(self._moved_handle(self._handle, position))
        self._last = position

    def _moved_handle(self, handle: Pick3D, position: QPointF) -> Pick3D:
        rect, camera = QRectF(self.rect()), self._view.camera
        # The point keeps its offset to the mouse, so it does not jump when it is taken beside its middle.
        grabbed = camera.unproject(self._start, handle.depth, rect)
        moved = handle.position + camera.unproject(position, handle.depth, rect) - grabbed
        return replace(handle, position=moved)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End what was begun; a press that never moved picks."""
        gesture, self._gesture = self._gesture, "none"
        if gesture == "handle" and self._handle is not None and self._has_moved:
            self._view.handle_released.emit(self._moved_handle(self._handle, event.position()))
        elif gesture == "rotate" and self._has_moved:
            self._view.rotation_finished.emit()
        elif not self._has_moved and event.button() == Qt.MouseButton.LeftButton and gesture != "none":
            if (hit := self._view.pick_at(event.position())) is not None:
                self._view.picked.emit(hit)
        elif not self._has_moved and event.button() == Qt.MouseButton.RightButton:
            self._view.open_menu(event.globalPosition())
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Show everything."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._view.fit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom."""
        notches = event.angleDelta().y() / 120 or event.pixelDelta().y() / 40
        self._view.camera.zoom(ZOOM_PER_NOTCH**notches)
        self._view.camera_moved(keeps_following=False)
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """A fits; plus and minus zoom; arrows turn."""
        turns = {
            Qt.Key.Key_Left: QPointF(-15, 0),
            Qt.Key.Key_Right: QPointF(15, 0),
            Qt.Key.Key_Up: QPointF(0, -15),
            Qt.Key.Key_Down: QPointF(0, 15),
        }
        key = Qt.Key(event.key())
        if key == Qt.Key.Key_A and not event.modifiers():
            self._view.fit()
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Minus):
            self._view.camera.zoom(1 / ZOOM_PER_NOTCH if key == Qt.Key.Key_Minus else ZOOM_PER_NOTCH)
            self._view.camera_moved(keeps_following=False)
        elif key in turns:
            centre = QRectF(self.rect()).center()
            self._view.camera.turn(centre, centre + turns[key], QRectF(self.rect()))
            self._view.camera_moved()
        else:
            super().keyPressEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        """Take the read-out away."""
        self._hover = None
        self.update()
