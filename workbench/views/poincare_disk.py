"""PoincareDiskView: the hyperbolic plane, moved by the mouse like a sheet without an edge.

  ╭───────╮     points, geodesics, circles, tilings and regions; drag moves the plane by an isometry,
 ╱ ·  ╲ ·  ╲    a right or double click makes a point the origin, the wheel looks closer or from farther away;
│ ·───(·)─· │   the same scene in the half-plane and in Klein's disk
 ╲ ·  ╱  · ╱
  ╰───────╯
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QTimer, Signal, Slot
from PySide6.QtGui import QImage, QPainter, QPainterPath
from PySide6.QtWidgets import QComboBox, QToolButton

from workbench.views import hyperbolic_plane as plane
from workbench.views.base import View
from workbench.views.hyperbolic_plane import MODELS, Motion
from workbench.views.legend import LegendEntry, PlacedEntry, draw_legend, legend_height, place_legend
from workbench.views.painting import figure_font, rgba_image
from workbench.views.poincare_canvas import DiskCanvas
from workbench.views.poincare_painter import DiskPainter
from workbench.views.poincare_scene import Curves, Mark, Points
from workbench.views.theme import theme

if TYPE_CHECKING:
    from jaxtyping import Float, Int, UInt8

REGION_PIXELS = 240
"""Longer side of the picture of regions that is made anew for every paint while the plane moves."""
EXACT_PIXELS = 640
"""The same for the picture of a view at rest."""
REACH = 14.0
FARTHEST = 1e4
"""Largest |α| of a motion: cosh of half the distance it moves the centre by."""
LEGEND_ROWS = 3
ANIMATION_STEPS = 14
LARGEST_ZOOM, SMALLEST_ZOOM = 100.0, 0.15
HALF_PLANE_HEIGHT = 4.2


class PoincareDiskView(View):
    """Points of the unit disk under hyperbolic motions. All positions in and out are those of the unmoved disk.

    `clicked` carries the index of a point or -1, with the place as (x, y); `moved` carries (name of a mark or index of
    a point, (x, y)) while one is dragged, `released` the same at the end; `selected` the indices inside a lasso,
    `view_changed` comes after the plane was moved, zoomed or resized, or another model chosen.
    """

    clicked = Signal(int, object)
    moved = Signal(object, object)
    released = Signal(object, object)
    selected = Signal(object)
    view_changed = Signal()

    def __init__(self, name: str, title: str, *, points_are_draggable: bool = False, hint: str = "") -> None:
        hint = hint or (
            "Drag moves the plane; right-click makes a point the origin; the wheel zooms; Shift+drag selects."
        )
        super().__init__(name, title, hint=hint)
        self.motion = Motion()
        self.zoom = 1.0
        self.model = "disk"
        self.points = Points()
        self.points_are_draggable = points_are_draggable
        self.selection = np.empty(0, np.int64)
        self.marks: dict[str, Mark] = {}
        self.curves: dict[str, Curves] = {}
        self.regions: tuple[Int[np.ndarray, "g g"], int] | None = None
        self._painter = DiskPainter(self)
        self._thumbnails: UInt8[np.ndarray, "n h w c"] | None = None
        self._stamp = 0
        self._seen_rect = QRectF()
        self._hidden: set[int] = set()
        self._path: list[Motion] = []
        self._animation = QTimer(self, interval=16)
        self._animation.timeout.connect(self._animate)
        self.choice = QComboBox()
        self.choice.setAccessibleName("Model of the plane")
        for key, (words, _, _) in MODELS.items():
            self.choice.addItem(words, key)
        self.choice.activated.connect(self._model_chosen)
        self.add_tool(self.choice)
        home = QToolButton()
        home.setText("⌂")
        home.setToolTip("Back to the view at the start (Home)")
        home.setAccessibleName("Reset the view")
        home.setAutoRaise(True)
        home.clicked.connect(self.reset_view)
        self.add_tool(home)
        self.canvas = DiskCanvas(self)
        self.set_body(self.canvas)

    # What is shown

    def set_points(
        self,
        points: Float[np.ndarray, "n 2"],
        *,
        classes: np.ndarray | None = None,
        class_names: Sequence[str] = (),
        values: np.ndarray | None = None,
        sizes: np.ndarray | float = 6.0,
        labels: Sequence[str] | None = None,
        dimmed: np.ndarray | None = None,
        thumbnails: UInt8[np.ndarray, "n h w c"] | None = None,
    ) -> None:
        """Show points of the open unit disk, coloured by `classes` or by `values` in [0, 1] (n,).

        `dimmed` (n,) ones are drawn pale, `labels` and `thumbnails` are shown on hover. Raises ValueError where lengths
        differ.
        """
        z = np.asarray(points, np.float64).reshape(-1, 2) @ np.array([1, 1j])
        for what, given in (("classes", classes), ("values", values), ("labels", labels), ("dimmed", dimmed)):
            if given is not None and len(given) != len(z):
                raise ValueError(f"{self.name}: {len(given)} {what} for {len(z)} points")
        self.points = Points(z, classes, class_names, values, sizes, labels, dimmed)
        self._thumbnails = thumbnails
        self.selection = self.selection[self.selection < len(z)]
        self.refresh()

    def set_mark(
        self, name: str, place: Sequence[float] | None, label: str = "", *, color: str | int = "foreground",
        draggable: bool = False,
    ) -> None:  # fmt: skip
        """Show a named point; None removes it."""
        if place is None or not np.isfinite(place).all():
            self.marks.pop(name, None)
        else:
            self.marks[name] = Mark(complex(place[0], place[1]), label, color, draggable)
        self.refresh()

    def set_segments(
        self, name: str, ends: Float[np.ndarray, "e 2 2"] | None, *, color: str | int = "muted", width: float = 1.0,
        label: str = "",
    ) -> None:  # fmt: skip
        """Draw geodesics between pairs of points (e, start or end, x or y); None removes them."""
        if ends is None:
            self.curves.pop(name, None)
        else:
            z = np.asarray(ends, np.float64).reshape(-1, 2, 2) @ np.array([1, 1j])
            self.curves[name] = Curves(z, color, width, label, True)
        self.refresh()

    def set_curve(
        self, name: str, z: np.ndarray | None, *, color: str | int = "foreground", width: float = 1.4, label: str = ""
    ) -> None:
        """Draw a curve through complex points (s,), as a circle or a hyperplane; None removes it."""
        if z is None:
            self.curves.pop(name, None)
        else:
            self.curves[name] = Curves(np.asarray(z, np.complex128).reshape(1, -1), color, width, label, False)
        self.refresh()

    def set_tiling(self, shape: tuple[int, int] | None) -> None:
        """Draw the regular tiling {p, q}; None removes it. Raises ValueError where it is not hyperbolic."""
        if shape is None:
            self.curves.pop("tiling", None)
        else:
            self.curves["tiling"] = Curves(plane.tiling(*shape), "grid", 1.0, "", True)
        self.refresh()

    def set_regions(self, classes: Int[np.ndarray, "g g"] | None) -> None:
        """Colour the disk by class: a grid over the square around it, first row at the top, -1 for none."""
        self._stamp += 1
        self.regions = None if classes is None else (classes, self._stamp)
        self.refresh()

    def refresh(self) -> None:
        """Draw anew at the next event; where the legend has taken or left room, the view has changed."""
        self.canvas.update()
        rect = self.plane_rect(QRectF(self.canvas.rect()))
        if rect != self._seen_rect:
            self._seen_rect = rect
            self.view_changed.emit()

    # The view of the plane

    def reset_view(self) -> None:
        """The disk as it is, without zoom."""
        self.zoom = 1.0
        self._go(Motion())

    def bring_to_centre(self, place: complex) -> None:
        """Move the plane so that a point comes to the centre, in a short movement."""
        self._go(Motion.to_origin(self.motion(np.array(place)).item()).after(self.motion))

    def _go(self, end: Motion) -> None:
        """Move from the present view to another along the geodesic of the centre, then turn."""
        from_here = self.motion.inverse(np.zeros(1))[0]
        there = end.inverse(np.zeros(1))[0]
        stops = plane.geodesics(np.array([from_here]), np.array([there]), ANIMATION_STEPS + 1)[0, 1:]
        first = Motion.to_origin(complex(from_here))
        turn_now = self.motion.after(first.inverse).alpha
        turn_then = end.after(Motion.to_origin(complex(there)).inverse).alpha
        angles = np.linspace(0, np.angle(turn_then / turn_now), ANIMATION_STEPS + 1)[1:]
        start = 2 * np.angle(turn_now)
        self._path = [
            Motion.rotation(start + 2 * angle).after(Motion.to_origin(complex(stop)))
            for stop, angle in zip(stops, angles, strict=True)
        ]
        self._path[-1] = end
        self._animation.start()

    @Slot()
    def _animate(self) -> None:
        if self._path:
            self.set_motion(self._path.pop(0))
        if not self._path:
            self._animation.stop()
            self.view_changed.emit()

    def set_motion(self, motion: Motion) -> None:
        """Look at the plane after this motion; one so far out that places could not be told apart is left."""
        if abs(motion.alpha) > FARTHEST:
            return
        self.motion = motion
        self.refresh()

    def set_zoom(self, zoom: float, about: complex = 0j) -> None:
        """Draw points `zoom` times as far from the centre (not an isometry: 1 is the truth).

        The plane is moved so that what is seen at `about` in the disk stays there.
        """
        before = self.unzoomed(about)
        self.zoom = float(np.clip(zoom, SMALLEST_ZOOM, LARGEST_ZOOM))
        if about:
            self.set_motion(Motion.translation(before, self.unzoomed(about)).after(self.motion))
        self.refresh()
        self.view_changed.emit()

    def unzoomed(self, seen: complex) -> complex:
        """Where a place of the seen disk is without the zoom."""
        return seen if self.zoom == 1 else complex(plane.scaled(1 / self.zoom, np.array(seen)).item())

    def set_model(self, model: str) -> None:
        """Draw in "disk", "half-plane" or "klein"."""
        self.model = model
        self.choice.setCurrentIndex(self.choice.findData(model))
        self.refresh()
        self.view_changed.emit()

    @Slot()
    def _model_chosen(self) -> None:
        self.set_model(str(self.choice.currentData()))

    def to_view(self, z: np.ndarray) -> np.ndarray:
        """From the unmoved disk to the seen one."""
        moved = self.motion(z)
        return moved if self.zoom == 1 else plane.scaled(self.zoom, moved)

    def from_view(self, z: np.ndarray) -> np.ndarray:
        """From the seen disk to the unmoved one."""
        z = np.asarray(z, np.complex128)
        return self.motion.inverse(z if self.zoom == 1 else plane.scaled(1 / self.zoom, z))

    def frame(self, rect: QRectF) -> tuple[QPointF, float]:
        """Centre of the disk, or the origin of the half-plane's line, and the pixels of one unit."""
        if self.model == "half-plane":
            unit = min(rect.height() / HALF_PLANE_HEIGHT, rect.width() / 6)
            return QPointF(rect.center().x(), rect.bottom() - 6), unit
        return rect.center(), min(rect.width(), rect.height()) / 2 - 5

    def to_pixels(self, seen: np.ndarray, rect: QRectF) -> Float[np.ndarray, "*n 2"]:
        """From the seen disk to logical pixels."""
        centre, unit = self.frame(rect)
        w = MODELS[self.model][1](seen)
        return np.stack([centre.x() + unit * w.real, centre.y() - unit * w.imag], -1)

    def from_pixels(self, position: QPointF, rect: QRectF) -> complex | None:
        """The place of the seen disk under a position; None outside the plane."""
        centre, unit = self.frame(rect)
        w = complex(position.x() - centre.x(), centre.y() - position.y()) / unit
        if (self.model == "half-plane" and w.imag <= 0) or (self.model != "half-plane" and abs(w) >= 1):
            return None
        return complex(MODELS[self.model][2](np.array(w)).item())

    # Picking

    def nearest(self, position: QPointF, rect: QRectF) -> int:
        """Index of the point within reach of a position, or -1."""
        shown = self.is_shown()
        if not len(self.points.z) or not shown.any():
            return -1
        pixels = self.to_pixels(self.to_view(self.points.z), rect)
        away = np.hypot(pixels[:, 0] - position.x(), pixels[:, 1] - position.y())
        away[~shown | np.isnan(away)] = np.inf
        best = int(away.argmin())
        return best if away[best] <= REACH else -1

    def mark_at(self, position: QPointF, rect: QRectF) -> str | None:
        """Name of the draggable mark within reach of a position."""
        for name, mark in self.marks.items():
            x, y = self.to_pixels(self.to_view(np.array(mark.z)), rect)
            if mark.is_draggable and np.hypot(x - position.x(), y - position.y()) <= REACH:
                return name
        return None

    def select_inside(self, outline: Sequence[QPointF], rect: QRectF) -> None:
        """Select the points inside a lasso."""
        path = QPainterPath()
        path.addPolygon([*outline, outline[0]])
        pixels = self.to_pixels(self.to_view(self.points.z), rect)
        shown = self.is_shown()
        inside = [i for i, (x, y) in enumerate(pixels) if shown[i] and path.contains(QPointF(x, y))]
        self.selection = np.array(inside, np.int64)
        self.selected.emit(self.selection)
        self.refresh()

    def is_shown(self) -> np.ndarray:
        """Which points are drawn (n,): those that are finite and whose class is not hidden."""
        shown = np.isfinite(self.points.z)
        if self.points.classes is not None and self._hidden:
            shown &= ~np.isin(self.points.classes, list(self._hidden))
        return shown

    def label_of(self, index: int) -> str:
        """What hovering over a point says."""
        own = self.points
        parts = [own.labels[index]] if own.labels is not None else [f"point {index}"]
        if own.classes is not None and own.labels is None and own.class_names:
            parts.append(str(own.class_names[int(own.classes[index])]))
        parts.append(f"distance from 0: {plane.distance(own.z[index], np.array(0)):.2f}")
        return "\n".join(parts)

    def thumbnail_of(self, index: int) -> QImage | None:
        """The picture of a point, enlarged."""
        if self._thumbnails is None or index >= len(self._thumbnails):
            return None
        pixels = self._thumbnails[index]
        rgb = np.repeat(pixels, 3, -1) if pixels.shape[-1] == 1 else pixels
        rgba = np.concatenate([rgb, np.full((*rgb.shape[:2], 1), 255, np.uint8)], -1)
        return rgba_image(np.ascontiguousarray(rgba)).scaled(72, 72)

    # Drawing

    def paint(self, painter: QPainter, rect: QRectF) -> None:
        """Draw the plane: regions, curves, points, marks, the boundary, and the legend."""
        painter.save()
        painter.setFont(figure_font())
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
        placed = self._placed_legend(rect)
        top = legend_height(placed)
        self._painter.paint(painter, rect.adjusted(0, top, 0, 0))
        draw_legend(painter, placed)
        painter.restore()

    def _placed_legend(self, rect: QRectF) -> list[PlacedEntry]:
        return place_legend(self._legend(), rect.left() + 6, rect.top() + 2, rect.width() - 8, LEGEND_ROWS)

    def plane_rect(self, rect: QRectF) -> QRectF:
        """The part of a figure's rectangle below its legend."""
        placed = self._placed_legend(rect)
        return rect.adjusted(0, legend_height(placed), 0, 0)

    def legend_at(self, position: QPointF, rect: QRectF) -> str | None:
        """Name of the legend's entry at a position."""
        placed = self._placed_legend(rect)
        return next((item.entry.name for item in placed if item.rect.contains(position)), None)

    def legend_clicked(self, name: str) -> None:
        """Hide or show a class."""
        if name.startswith("class "):
            self._hidden ^= {int(name.removeprefix("class "))}
            self.refresh()

    def _legend(self) -> list[LegendEntry]:
        entries = []
        if self.points.classes is not None and self.points.class_names:
            present = set(np.unique(self.points.classes).tolist())
            entries += [
                LegendEntry(f"class {k}", str(name), theme().series(k), "dot", is_on=k not in self._hidden)
                for k, name in enumerate(self.points.class_names)
                if k in present
            ]
        entries += [
            LegendEntry(name, curve.label, theme().colour(curve.colour))
            for name, curve in self.curves.items()
            if curve.label
        ]
        return entries + [
            LegendEntry(name, mark.label, theme().colour(mark.colour), "diamond")
            for name, mark in self.marks.items()
            if mark.label
        ]

    def pixel_places(self, rect: QRectF, most: int = REGION_PIXELS) -> np.ndarray:
        """Places of the unmoved disk under a grid of at most `most` pixels a side over `rect` (h, w); NaN outside."""
        longest = max(rect.width(), rect.height())
        wide, high = (max(2, round(min(most, longest) * side / longest)) for side in (rect.width(), rect.height()))
        centre, unit = self.frame(rect)
        x = (rect.left() + (np.arange(wide) + 0.5) / wide * rect.width() - centre.x()) / unit
        y = (centre.y() - rect.top() - (np.arange(high) + 0.5) / high * rect.height()) / unit
        w = x[None] + 1j * y[:, None]
        inside = w.imag > 0 if self.model == "half-plane" else np.abs(w) < 1
        with np.errstate(divide="ignore", invalid="ignore"):
            seen = MODELS[self.model][2](np.where(inside, w, 0.5j))
        return np.where(inside, self.from_view(seen), np.nan)

    def seen_places(self) -> np.ndarray:
        """Places of the unmoved disk under the pixels of the screen now (h, w); NaN outside of the plane."""
        return self.pixel_places(self.plane_rect(QRectF(self.canvas.rect())), EXACT_PIXELS)

    def set_exact_regions(self, classes: Int[np.ndarray, "h w"]) -> None:
        """Show classes that were worked out for exactly the places of `seen_places`, until the view changes."""
        if self.regions is not None:
            self._painter.use_exact(self.plane_rect(QRectF(self.canvas.rect())), self.regions[1], classes)
            self.refresh()

    # Elsewhere

    def data(self) -> Mapping[str, np.ndarray]:
        """Places of the points in the unmoved disk, with classes, values, labels, and which are selected (1 or 0)."""
        own = self.points
        columns: dict[str, np.ndarray] = {"x": own.z.real, "y": own.z.imag}
        if own.classes is not None:
            columns["class"] = own.classes
        if own.values is not None:
            columns["value"] = own.values
        if own.labels is not None:
            columns["label"] = np.array(own.labels, dtype=str)
        if len(self.selection):
            columns["selected"] = np.isin(np.arange(len(own.z)), self.selection).astype(np.int64)
        return columns

    def state(self) -> dict[str, Any]:
        """Motion, zoom and model."""
        numbers = [self.motion.alpha.real, self.motion.alpha.imag, self.motion.beta.real, self.motion.beta.imag]
        return {"motion": [float(number) for number in numbers], "zoom": self.zoom, "model": self.model}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore motion, zoom and model."""
        numbers = state.get("motion")
        if isinstance(numbers, list) and len(numbers) == 4 and np.isfinite(numbers).all():
            motion = Motion(complex(numbers[0], numbers[1]), complex(numbers[2], numbers[3]))
            if abs(abs(motion.alpha) ** 2 - abs(motion.beta) ** 2 - 1) < 1e-6:
                self.motion = motion
        if isinstance(state.get("zoom"), int | float):
            self.zoom = float(np.clip(state["zoom"], SMALLEST_ZOOM, LARGEST_ZOOM))
        if state.get("model") in MODELS:
            self.set_model(str(state["model"]))
        self.refresh()

    def export_size(self) -> tuple[int, int]:
        """Square, as large as on the screen."""
        width, height = super().export_size()
        side = max(300, min(width, height))
        return side, side


if __name__ == "__main__":
    from workbench.views.demo import show_demo

    def _make() -> PoincareDiskView:
        view = PoincareDiskView("demo", "A tiling and 50 000 points")
        rng = np.random.default_rng(0)
        z = np.tanh(rng.exponential(0.8, 50_000)) * np.exp(2j * np.pi * rng.random(50_000))
        view.set_points(np.stack([z.real, z.imag], 1), classes=rng.integers(0, 5, 50_000), class_names=list("abcde"),
                        sizes=2.0)  # fmt: skip
        view.set_tiling((7, 3))
        return view

    show_demo(_make)
