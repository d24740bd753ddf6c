"""Scene3DView: points, lines, surfaces and frames in space, to turn, to pick and to drag.

      ● truth   ● prediction
       ┌────────┐
      z│ ·∵·    │     drag turns, Shift-drag pans, wheel zooms, A fits
       │   ╱╲   │
       └───x────┘y

OpenGL draws where it works, the 2-D painter elsewhere; exports always use the painter, so PDF and SVG are lines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import QMenu, QToolButton

from workbench.views.base import View
from workbench.views.camera3d import Camera
from workbench.views.colour_bar import ColourScale, colour_bar_width, draw_colour_bar
from workbench.views.legend import LegendEntry, PlacedEntry, draw_legend, legend_height, place_legend
from workbench.views.painting import SMALL_PX, draw_text, figure_font, text_height, text_width
from workbench.views.scene3d_painter import draw_scene
from workbench.views.scene3d_picking import Pick3D, pick_item
from workbench.views.scene3d_stage import Stage
from workbench.views.scene_axes import Furniture, draw_axis_labels, furniture
from workbench.views.scene_model import (
    AXIS_COLOURS,
    Item,
    Mesh,
    Points,
    Segments,
    Texts,
    Tint,
    bounds_of,
    checked_positions,
    checked_tint,
    frame_segments,
    segments_of,
)
from workbench.views.theme import theme

if TYPE_CHECKING:
    from PySide6.QtGui import QPainter

Colours = str | int | np.ndarray
FILLED = 0.82
"""Radius shown, as a share of the box's own: its corners are never all at the rim of the view."""
ROOM_FOR_WORDS = 1.12
"""The camera shows this much more where axes have labels around them."""


class Scene3DView(View):
    """Named items in space; setting an item again updates it in place.

    A left drag turns the camera, or with `drag_mode = "rotate"` is reported by `rotated` as a rotation (3, 3) in world
    coordinates since the last report, to be multiplied from the left. Clicking a point emits `picked` (a Pick3D).
    Dragging a handle point emits `handle_dragged` (a Pick3D with its new position in the plane through it that faces
    the camera) and at its end `handle_released`; the panel moves the point.
    """

    picked = Signal(object)
    handle_dragged = Signal(object)
    handle_released = Signal(object)
    rotated = Signal(object)
    rotation_finished = Signal()
    camera_changed = Signal()

    def __init__(
        self,
        name: str,
        title: str,
        *,
        camera: Literal["turntable", "arcball"] = "turntable",
        up: Literal["x", "y", "z"] = "z",
        axes: bool = True,
        axis_names: tuple[str, str, str] = ("x", "y", "z"),
        field_of_view: float = 30.0,
        renderer: Literal["auto", "painter"] = "auto",
        hint: str = "",
    ) -> None:
        hint = hint or "Drag turns, Shift-drag pans, wheel zooms, A fits; click a point to pick it."
        super().__init__(name, title, hint=hint)
        self.camera = Camera(mode=camera, up=up, field_of_view=field_of_view)
        self.camera.look_from(30, 22)
        self.drag_mode: Literal["camera", "rotate"] = "camera"
        self.has_axes, self.axis_names = axes, axis_names
        self._items: dict[str, Item] = {}
        self._hidden, self._changed = set[str](), set[str]()
        self._box: tuple[np.ndarray, np.ndarray] | None = None
        self._has_fixed_box = False
        self._follows = True
        self._flush_timer = QTimer(self)
        self._flush_timer.setSingleShot(True)
        self._flush_timer.timeout.connect(self._flush)
        self._stage = Stage(self, wants_gl=renderer == "auto")
        self.set_body(self._stage)
        options = QToolButton()
        options.setText("⋯")
        options.setToolTip("Camera and display")
        options.setAutoRaise(True)
        options.clicked.connect(self._open_options)
        self._options = options
        self.add_tool(options)

    # Items

    def set_points(
        self,
        name: str,
        positions: np.ndarray,
        *,
        color: Colours = 0,
        values: np.ndarray | None = None,
        colormap: str = "viridis",
        levels: tuple[float, float] | None = None,
        size: float = 6.0,
        label: str = "",
        value_label: str = "",
        handle: bool = False,
        pickable: bool = True,
        names: Sequence[str] | None = None,
    ) -> None:
        """Show discs of `size` logical pixels at positions (n, 3).

        `color` is one colour or (n, 3 or 4) in [0, 1]; `values` (n,) are coloured by `colormap`, with a colour bar if
        they have a `value_label`. `label` puts the item into the legend, `names` (n,) are shown on hover.
        """
        made = checked_positions(name, positions)
        tint = checked_tint(name, color, values, colormap, levels, value_label, (len(made),))
        self._put(name, Points(made, tint, size, label, handle, pickable or handle, names))

    def set_lines(
        self,
        name: str,
        positions: np.ndarray,
        connect: Literal["strip", "segments", "loop"] = "strip",
        *,
        color: Colours = 0,
        width: float = 1.5,
        label: str = "",
    ) -> None:
        """Show lines of `width` logical pixels through positions (n, 3); NaN breaks a strip.

        `color` is one colour, or (m, 3 or 4) in [0, 1] for the m segments.
        """
        ends = segments_of(checked_positions(name, positions), connect)
        self._put(name, Segments(ends, checked_tint(name, color, None, "", None, "", (len(ends),)), width, label))

    def set_mesh(
        self,
        name: str,
        vertices: np.ndarray,
        faces: np.ndarray,
        *,
        color: Colours = "muted",
        values: np.ndarray | None = None,
        colormap: str = "viridis",
        levels: tuple[float, float] | None = None,
        alpha: float = 1.0,
        label: str = "",
        value_label: str = "",
        pickable: bool = False,
    ) -> None:
        """Show triangles `faces` (f, 3) over vertices (v, 3); colours or values may be a vertex' or a face's."""
        made, triangles = checked_positions(name, vertices), np.asarray(faces, np.int64).reshape(-1, 3)
        if len(triangles) and not (triangles.min() >= 0 and triangles.max() < len(made)):
            raise ValueError(f"{name}: faces name vertices outside 0..{len(made) - 1}")
        tint = checked_tint(name, color, values, colormap, levels, value_label, (len(made), len(triangles)))
        item = Mesh(made, triangles, tint, alpha, label)
        item.is_pickable = pickable
        self._put(name, item)

    def set_frames(self, name: str, poses: np.ndarray, *, size: float = 1.0, width: float = 2.5) -> None:
        """Show poses (k, 4, 4), or rotations (k, 3, 3) at the origin, as red x, green y and blue z axes."""
        given = np.asarray(poses, np.float64)
        if given.shape[-2:] == (3, 3):
            padded = np.zeros((*given.shape[:-2], 4, 4))
            padded[..., :3, :3], padded[..., 3, 3] = given, 1
            given = padded
        if given.shape[-2:] != (4, 4):
            raise ValueError(f"{name}: poses are (k, 4, 4) or (k, 3, 3), not {given.shape}")
        ends = frame_segments(given.reshape(-1, 4, 4), size)
        self._put(name, Segments(ends, Tint(), width, each=AXIS_COLOURS))

    def set_text(
        self, name: str, positions: np.ndarray, texts: Sequence[str], *, color: str | int = "foreground"
    ) -> None:
        """Show words at positions (n, 3)."""
        made = checked_positions(name, positions)
        if len(made) != len(texts):
            raise ValueError(f"{name}: {len(texts)} texts at {len(made)} positions")
        self._put(name, Texts(made, tuple(texts), color))

    def remove(self, name: str) -> None:
        """Remove an item, if there is one of this name."""
        if self._items.pop(name, None) is not None:
            self._changed.add(name)
            self.refresh()

    def clear(self) -> None:
        """Remove all items."""
        self._changed.update(self._items)
        self._items.clear()
        self.refresh()

    @property
    def item_names(self) -> tuple[str, ...]:
        """Names of the items."""
        return tuple(self._items)

    def _put(self, name: str, item: Item) -> None:
        self._items[name] = item
        self._changed.add(name)
        self.show_message("")
        self.refresh()

    def visible_items(self) -> dict[str, Item]:
        """Return the items that the legend does not hide."""
        return {name: item for name, item in self._items.items() if name not in self._hidden}

    # Camera

    def set_bounds(self, low: Sequence[float], high: Sequence[float]) -> None:
        """Show this box whatever the items do, as for an animation that must not breathe."""
        self._box = np.asarray(low, np.float64), np.asarray(high, np.float64)
        self._has_fixed_box = True
        self.fit()

    def fit(self) -> None:
        """Show everything, and follow it as it grows."""
        self._follows = True
        if not self._has_fixed_box:
            self._box = None
        self.refresh()
        self.camera_changed.emit()

    def look_from(self, azimuth: float, elevation: float) -> None:
        """Turn the camera to two angles in degrees."""
        self.camera.look_from(azimuth, elevation)
        self.camera_moved()

    def camera_moved(self, *, keeps_following: bool = True) -> None:
        """Draw again after the camera was moved; panning and zooming end the following of the data."""
        self._follows = self._follows and keeps_following
        self.refresh()
        self.camera_changed.emit()

    def set_camera_mode(self, mode: Literal["turntable", "arcball"]) -> None:
        """Keep the scene upright while turning, or turn freely."""
        self.camera.mode = mode
        if mode == "turntable":
            self.camera.look_from(30, 22)
        self.camera_moved()

    def share_camera(self, *others: Scene3DView) -> None:
        """Let other views look through this view's camera, so that they turn together."""
        group = (self, *others)
        for view in group:
            view.camera = self.camera
            for other in group:
                if other is not view:
                    view.camera_changed.connect(other.refresh)

    def refresh(self) -> None:
        """Draw again soon; many changes before that are one drawing."""
        if not self._flush_timer.isActive():
            self._flush_timer.start(0)

    @Slot()
    def _flush(self) -> None:
        self.follow()
        changed, self._changed = self._changed, set()
        self._stage.show_scene(changed)

    def follow(self) -> None:
        """Move the box and the camera to where the data are now, unless the person has moved it."""
        found = bounds_of(list(self.visible_items().values()))
        if not self._has_fixed_box and found is not None and self._needs_new_box(*found):
            self._box = found
        if self._box is not None and self._follows:
            low, high = self._box
            self.camera.centre = (low + high) / 2
            radius = FILLED * float(np.linalg.norm(high - low)) / 2 or 1.0
            self.camera.radius = radius * (ROOM_FOR_WORDS if self.has_axes else 1.0)

    def _needs_new_box(self, low: np.ndarray, high: np.ndarray) -> bool:
        """Whether the box that is shown is too small for the data, or far too large: it must not breathe."""
        if self._box is None:
            return True
        shown_low, shown_high = self._box
        slack = 0.02 * float(np.max(shown_high - shown_low))
        is_outside = bool((low < shown_low - slack).any() or (high > shown_high + slack).any())
        return is_outside or float(np.max(high - low)) < 0.5 * float(np.max(shown_high - shown_low))

    # Drawing

    def sphere(self) -> tuple[np.ndarray, float]:
        """Centre and radius of a sphere around everything, for clipping planes."""
        found = bounds_of(list(self.visible_items().values()))
        boxes = [box for box in (found, self._box) if box is not None]
        if not boxes:
            return np.zeros(3), 1.0
        low, high = np.min([box[0] for box in boxes], axis=0), np.max([box[1] for box in boxes], axis=0)
        return (low + high) / 2, float(np.linalg.norm(high - low)) / 2 or 1.0

    def furniture(self, rect: QRectF) -> Furniture | None:
        """Return grid, edges and labels of the axes, if they are shown."""
        if not self.has_axes or self._box is None:
            return None
        return furniture(self.camera, rect, *self._box, self.axis_names)

    def paint(self, painter: QPainter, rect: QRectF) -> None:
        """Draw the scene anew with the painter, as View.paint asks."""
        self.follow()
        made = self.furniture(rect)
        draw_scene(painter, rect, self.camera, self.visible_items(), made)
        self.draw_words(painter, rect, made)

    def draw_words(self, painter: QPainter, rect: QRectF, made: Furniture | None) -> None:
        """Draw everything that lies over the scene: tick labels, texts, legend and colour bar."""
        if made is not None and self._box is not None:
            draw_axis_labels(painter, self.camera, rect, made, (self._box[0] + self._box[1]) / 2)
        font = figure_font()
        painter.setFont(font)
        for item in self.visible_items().values():
            if isinstance(item, Texts):
                pixels, _ = self.camera.project(item.positions, rect)
                for (x, y), text in zip(pixels.tolist(), item.texts, strict=True):
                    if np.isfinite(x):
                        width, height = text_width(text, font), text_height(font)
                        place = QRectF(x + 5, y - height - 2, width, height)
                        draw_text(painter, place, text, theme().colour(item.colour), Qt.AlignmentFlag.AlignLeft)
        placed = self.placed_legend(rect)
        draw_legend(painter, placed)
        if (scale := self.colour_scale()) is not None:
            height = min(160.0, 0.6 * rect.height())
            width = colour_bar_width(scale, height)
            top = rect.top() + legend_height(placed) + 8
            draw_colour_bar(painter, QRectF(rect.right() - width - 4, top, width, height), scale)
        if self._stage.fallback_reason and self._stage.is_painting:
            painter.setFont(figure_font(SMALL_PX))
            text = f"Drawn without OpenGL: {self._stage.fallback_reason}."
            place = QRectF(rect.left() + 6, rect.bottom() - text_height() - 2, rect.width(), text_height())
            draw_text(painter, place, text, theme().muted, Qt.AlignmentFlag.AlignLeft)

    def words_key(self) -> object:
        """Return what the words depend on; equal keys mean equal words."""
        camera, box = self.camera, b"" if self._box is None else np.concatenate(self._box).tobytes()
        where = (camera.orientation.tobytes(), camera.centre.tobytes(), camera.radius, camera.field_of_view)
        labels = tuple((name, item.label) for name, item in self._items.items())
        texts = [item for item in self.visible_items().values() if isinstance(item, Texts)]
        words = tuple((item.positions.tobytes(), item.texts, item.colour) for item in texts)
        look = (self.has_axes, theme().is_dark, frozenset(self._hidden), self.colour_scale())
        return where, box, labels, words, look

    def placed_legend(self, rect: QRectF) -> list[PlacedEntry]:
        """Where the legend is in `rect`."""
        entries = []
        for name, item in self._items.items():
            if item.label and not isinstance(item, Texts):
                kind: Literal["dot", "line", "box"] = "dot"
                if not isinstance(item, Points):
                    kind = "line" if isinstance(item, Segments) else "box"
                colour = theme().colour(item.tint.colour)
                entries.append(LegendEntry(name, item.label, colour, kind, is_on=name not in self._hidden))
        return place_legend(entries, rect.left() + 8, rect.top() + 3, rect.width() - 16, 3)

    def colour_scale(self) -> ColourScale | None:
        """Return the scale of the first item whose values have a label, for the colour bar."""
        for item in self.visible_items().values():
            if isinstance(item, (Points, Mesh)) and item.tint.label:
                return item.tint.scale()
        return None

    def toggle(self, name: str) -> None:
        """Hide or show an item, as a click on its legend entry does."""
        self._hidden ^= {name}
        self._changed.add(name)
        self.refresh()

    def pick_at(self, position: QPointF, *, handles_only: bool = False) -> Pick3D | None:
        """Return what is under a logical pixel of the body: the nearest point within reach, else a pickable face."""
        rect = QRectF(self._stage.rect())
        return pick_item(self.visible_items(), self.camera, rect, position, handles_only=handles_only)

    # Renderer

    @property
    def renderer(self) -> Literal["gl", "painter"]:
        """What draws on the screen now."""
        return self._stage.renderer

    @property
    def fallback_reason(self) -> str:
        """Why OpenGL is not used, or an empty text."""
        return self._stage.fallback_reason

    def restyle(self) -> None:
        """Take over the colours of a changed theme."""
        self._changed.update(self._items)
        self._stage.restyle()
        self.refresh()

    # Menu, data, state

    @Slot()
    def _open_options(self) -> None:
        self.open_menu(QPointF(self._options.mapToGlobal(self._options.rect().bottomLeft())))

    def open_menu(self, position: QPointF) -> None:
        """Open the view's menu at a global position."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Fit to the data\tA").triggered.connect(self.fit)
        for text, checked, slot in (
            ("Turn freely (arcball)", self.camera.mode == "arcball", self._set_arcball),
            ("Axes", self.has_axes, self._set_axes),
            ("Parallel projection", self.camera.field_of_view <= 0, self._set_parallel),
        ):
            action = menu.addAction(text)
            action.setCheckable(True)
            action.setChecked(checked)
            action.toggled.connect(slot)
        menu.popup(position.toPoint())

    @Slot(bool)
    def _set_arcball(self, on: bool) -> None:
        self.set_camera_mode("arcball" if on else "turntable")

    @Slot(bool)
    def _set_axes(self, on: bool) -> None:
        self.has_axes = on
        self.refresh()

    @Slot(bool)
    def _set_parallel(self, on: bool) -> None:
        self.camera.field_of_view = 0.0 if on else 30.0
        self.camera_moved()

    def data(self) -> Mapping[str, np.ndarray]:
        """For each item its positions (n, 3), and its values, faces or texts."""
        columns: dict[str, np.ndarray] = {}
        for name, item in self._items.items():
            if isinstance(item, Segments):
                columns[name] = item.ends.reshape(-1, 6)
                continue
            columns[name] = item.extent
            if isinstance(item, Mesh):
                columns[f"{name}.faces"] = item.faces
            if isinstance(item, Texts):
                columns[f"{name}.text"] = np.array(item.texts, dtype=str)
            elif item.tint.values is not None:
                columns[f"{name}.values"] = item.tint.values
        return columns

    def state(self) -> dict[str, Any]:
        """Return where the camera is, and what is hidden."""
        camera = self.camera.state()
        if self._follows:
            del camera["centre"], camera["radius"]
        return camera | {"axes": self.has_axes, "hidden": sorted(self._hidden)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore what `state` returned."""
        self._follows = self._follows and not self.camera.restore(state)
        self.has_axes = bool(state.get("axes", self.has_axes))
        if isinstance(hidden := state.get("hidden"), list):
            self._hidden = {name for name in hidden if isinstance(name, str)}
        self._changed.update(self._items)
        self.refresh()


if __name__ == "__main__":
    from workbench.views.demo import show_demo

    def _make() -> Scene3DView:
        view = Scene3DView("scene", "Points, a path and frames")
        points, turn = np.random.default_rng(0).normal(size=(500, 3)) / 2, np.linspace(0, 12, 200)
        view.set_points("samples", points, values=points[:, 2], label="samples", value_label="height")
        view.set_lines("path", np.stack([np.cos(turn), np.sin(turn), turn / 6 - 1], 1), color=1, label="path")
        view.set_frames("frame", np.eye(4)[None], size=0.8)
        return view

    show_demo(_make)
