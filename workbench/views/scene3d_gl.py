"""Draws a 3-D scene with OpenGL through vispy; imported only when a 3-D view is first shown.

The canvas lives in a window of its own that is never shown; the view paints its picture. An OpenGL widget inside the
application's window would make Qt compose that whole window through OpenGL at every repaint of anything in it: without
a graphics card 20 to 30 ms each, for a label as for a plot (measured at 1280x800). It also outlives every move of the
view to another window, which would end the context of a widget inside it.

Visuals are made once an item and then updated in place. The matrix comes from our own camera, so that what is picked
and exported is what is seen.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QGuiApplication, QImage, QOffscreenSurface, QOpenGLContext

from workbench.views.camera3d import Camera
from workbench.views.painting import mixed
from workbench.views.scene_axes import Furniture
from workbench.views.scene_model import Item, Mesh, Points, Segments, rgba_of
from workbench.views.theme import theme

if TYPE_CHECKING:
    from PySide6.QtOpenGLWidgets import QOpenGLWidget
    from PySide6.QtWidgets import QWidget

log = logging.getLogger(__name__)

PLATFORMS_WITHOUT_GL = ("offscreen", "minimal", "vnc", "linuxfb")
GL_RENDERER = 0x1F01
SOFTWARE = ("llvmpipe", "softpipe", "swrast", "software", "swiftshader")
SAMPLES = 4
FLOATS = np.float32


class NoOpenGL(Exception):
    """OpenGL cannot be used; the text says why, in words that fit "drawn without OpenGL: ..."."""


def probe() -> str:
    """Return the name of the OpenGL renderer; raise NoOpenGL where there is none."""
    platform = QGuiApplication.platformName()
    if platform in PLATFORMS_WITHOUT_GL:
        raise NoOpenGL(f"Qt's {platform} platform has none")
    context = QOpenGLContext()
    if not context.create():
        raise NoOpenGL("the display offers none")
    surface = QOffscreenSurface()
    surface.setFormat(context.format())
    surface.create()
    if not context.makeCurrent(surface):
        raise NoOpenGL("its context cannot be used")
    try:
        version = context.format().version()
        if tuple(version) < (2, 1):
            raise NoOpenGL(f"version 2.1 is needed, the display offers {version}")
        return str(context.functions().glGetString(GL_RENDERER))
    finally:
        context.doneCurrent()
        surface.destroy()


class SceneGL:
    """One vispy canvas for `parent`, which it does not outlive. `failed(reason)` is called once if drawing raises.

    Raises NoOpenGL if the canvas cannot be made.
    """

    def __init__(self, parent: QWidget, failed: Callable[[str], None]) -> None:
        renderer = probe()
        self._failed = failed
        self._visuals: dict[str, Any] = {}
        try:
            self._make_canvas(parent, is_software=any(word in renderer.lower() for word in SOFTWARE))
        except Exception as error:
            log.warning("OpenGL canvas could not be made", exc_info=True)
            raise NoOpenGL(f"{type(error).__name__}: {error}") from error

    def _make_canvas(self, parent: QWidget, *, is_software: bool) -> None:
        from vispy import app, scene
        from vispy.visuals.transforms import MatrixTransform

        app.use_app("pyside6")
        canvas_type = _canvas_type(scene.SceneCanvas)
        # A software renderer pays for each sample; there the lines' own width has to do.
        config = {"samples": 0 if is_software else SAMPLES, "depth_size": 24}
        # Qt swaps the window's buffers itself; a second swap would wait another 5 ms a frame.
        self._canvas: Any = canvas_type(
            keys=None, show=False, autoswap=False, config=config, dpi=96.0, bgcolor=theme().background
        )
        self._canvas.failed = self._draw_failed
        self._scene = scene
        self._world = scene.Node(parent=self._canvas.scene)
        matrix = MatrixTransform()
        # Otherwise vispy multiplies it with its neighbours in the chain once, and later changes are not seen.
        matrix.dynamic = True
        self._world.transform = matrix
        line = scene.visuals.Line
        self._grid = line(np.zeros((2, 3), FLOATS), parent=self._world, method="gl", connect="segments")
        self._edges = line(np.zeros((2, 3), FLOATS), parent=self._world, method="gl", connect="segments")
        for visual in (self._grid, self._edges):
            visual.set_gl_state("opaque", depth_test=True)
            visual.order = -1
        widget: QOpenGLWidget = self._canvas.native
        # No parent, not even as a window: Qt would mark all of its parents as composed through OpenGL.
        parent.destroyed.connect(widget.deleteLater)
        widget.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
        widget.setAttribute(Qt.WidgetAttribute.WA_QuitOnClose, False)
        widget.show()
        self.widget = widget

    def _draw_failed(self, error: Exception) -> None:
        log.warning("OpenGL drawing failed", exc_info=error)
        self._failed(f"{type(error).__name__}: {error}")

    def close(self) -> None:
        """Give the canvas up; its widget is deleted."""
        # Not canvas.close(): that runs the event loop inside itself, twice.
        native: Any = self.widget
        native._vispy_canvas = None
        native.hide()
        native.setParent(None)
        native.deleteLater()
        self._visuals.clear()

    def restyle(self) -> None:
        """Take over the background of a changed theme."""
        self._canvas.bgcolor = theme().background

    def show(self, camera: Camera, rect: QRectF, sphere: tuple[np.ndarray, float], axes: Furniture | None) -> None:
        """Look through `camera` in the next picture."""
        self._world.transform.matrix = camera.clip_matrix(rect, sphere)
        self._grid.visible = self._edges.visible = axes is not None
        if axes is not None:
            self._set_lines(self._grid, axes.grid, rgba_of(mixed(theme().grid, theme().background, 0.2)), 1.0)
            self._set_lines(self._edges, axes.edges, rgba_of("muted"), 1.0)

    def fit(self, size: QSize, ratio: float) -> None:
        """Make the canvas as large as a place of `size` logical pixels of `ratio` physical ones each.

        Not to be called while something is painted: Qt answers a new size by painting the canvas' own window, and a
        painting inside a painting has ended in a segmentation fault.
        """
        wanted = size * (ratio / self.widget.devicePixelRatioF())
        if self.widget.size() != wanted:
            self.widget.resize(wanted)

    def picture(self) -> QImage:
        """Draw now and return the picture, at the canvas' size."""
        return self.widget.grabFramebuffer()

    def sync(self, items: Mapping[str, Item], changed: Iterable[str]) -> None:
        """Bring the visuals of changed items up to date; those of items that are gone are removed."""
        for name in changed:
            item, visual = items.get(name), self._visuals.get(name)
            if visual is not None and (item is None or not isinstance(visual, self._type_of(item))):
                visual.parent = None
                del self._visuals[name]
                visual = None
            if item is None or self._type_of(item) is type(None):
                continue
            if visual is None:
                visual = self._visuals[name] = self._make(item)
            self._update(visual, item)

    def _type_of(self, item: Item) -> type:
        visuals = self._scene.visuals
        kinds = {Points: visuals.Markers, Segments: visuals.Line, Mesh: visuals.Mesh}
        return kinds.get(type(item), type(None))

    def _make(self, item: Item) -> Any:
        visuals = self._scene.visuals
        if isinstance(item, Points):
            visual = visuals.Markers(parent=self._world, scaling="fixed", antialias=1)
            visual.set_gl_state("translucent", depth_test=True)
            visual.order = 1
        elif isinstance(item, Segments):
            visual = visuals.Line(np.zeros((2, 3), FLOATS), parent=self._world, method="gl", connect="segments")
            visual.set_gl_state("opaque", depth_test=True)
        else:
            visual = visuals.Mesh(parent=self._world, shading=None)
        return visual

    def _update(self, visual: Any, item: Item) -> None:
        if isinstance(item, Points):
            good = np.isfinite(item.positions).all(1)
            visual.visible = bool(good.any())
            if visual.visible:
                colours = item.tint.rgba(len(good))[good].astype(FLOATS)
                positions = item.positions[good].astype(FLOATS)
                visual.set_data(positions, size=item.size, edge_width=0, face_color=colours, symbol="disc")
        elif isinstance(item, Segments):
            self._set_lines(visual, item.ends, item.rgba(), item.width)
        elif isinstance(item, Mesh):
            visual.visible = len(item.faces) > 0
            if visual.visible:
                is_solid = item.alpha >= 1
                visual.set_gl_state(
                    "opaque" if is_solid else "translucent",
                    depth_test=True,
                    cull_face=False,
                    polygon_offset_fill=True,
                    polygon_offset=(1, 1),
                )
                visual.order = 0 if is_solid else 2
                visual.set_data(
                    item.vertices.astype(FLOATS),
                    item.faces.astype(np.uint32),
                    face_colors=item.face_rgba().astype(FLOATS),
                )

    @staticmethod
    def _set_lines(visual: Any, ends: np.ndarray, colours: np.ndarray, width: float) -> None:
        visual.visible = len(ends) > 0
        if visual.visible:
            each = np.broadcast_to(colours, (len(ends), 4)) if colours.ndim == 1 else colours
            positions = ends.reshape(-1, 3).astype(FLOATS)
            visual.set_data(positions, color=np.repeat(each, 2, 0).astype(FLOATS), width=width, connect="segments")


def _canvas_type(base: Any) -> Any:
    class Canvas(base):
        failed: Callable[[Exception], None] | None = None
        is_paused = False

        def on_draw(self, event: object) -> None:
            if self.is_paused:
                return
            try:
                super().on_draw(event)
            except Exception as error:
                self.is_paused = True
                if self.failed is not None:
                    self.failed(error)

    return Canvas
