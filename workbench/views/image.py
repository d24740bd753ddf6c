"""ImageView: a field or a matrix as an image, with axes and a colour bar.

y ┌──────────┐ ▌ 1.0
│ ▒▒▓▓░░▒▒ │ ▌
│ ░░▒▒▓▓▒▒ │ ▌ 0.0      NaN is transparent
└──────────┘
x
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QActionGroup, QImage, QPainter

from workbench.views.axis import Axis, Frame2D
from workbench.views.colour_bar import ColourScale
from workbench.views.painting import draw_image, rgba_image
from workbench.views.picks import Pick, ReadOut
from workbench.views.plot import Bounds, PlotView
from workbench.views.theme import CYCLIC, DIVERGING, SEQUENTIAL, theme
from workbench.views.ticks import format_number, range_of

if TYPE_CHECKING:
    from PySide6.QtWidgets import QMenu

COLORMAPS = {
    "Viridis": SEQUENTIAL,
    "Magma": "magma",
    "Cividis": "cividis",
    "Greys": "gray",
    "Blue-red (diverging)": DIVERGING,
    "Green-pink (diverging)": "colorbrewer:PiYG_11",
    "Cyclic": CYCLIC,
}


class ImageView(PlotView):
    """One value a cell. Give `symmetric=True` for signed quantities: a diverging map with zero in its middle.

    `clicked` emits a Pick whose `index` is row * columns + column; with `drags = "edit"` the left button paints.
    """

    HAS_LOG_TOGGLES = False

    def __init__(
        self,
        name: str,
        title: str,
        *,
        x_label: str = "",
        y_label: str = "",
        x_unit: str = "",
        y_unit: str = "",
        value_label: str = "",
        colormap: str | None = None,
        symmetric: bool = False,
        levels: tuple[float, float] | None = None,
        origin: Literal["lower", "upper"] = "lower",
        aspect: Literal["free", "equal"] = "equal",
        colour_bar: bool = True,
        hint: str = "",
    ) -> None:
        super().__init__(
            name,
            title,
            x_label=x_label,
            y_label=y_label,
            x_unit=x_unit,
            y_unit=y_unit,
            aspect=aspect,
            hint=hint or "Hover to read a value; drag pans, wheel zooms, A fits; right-click for colours.",
        )
        self.value_label = value_label
        self.has_colour_bar = colour_bar
        self.bar_label: str | None = None
        """What stands beside the colour bar; None: the value's label."""
        self._symmetric, self._levels = symmetric, levels
        self._colormap = colormap
        self._origin: Literal["lower", "upper"] = origin
        self.y_axis.is_reversed = origin == "upper"
        self._values: np.ndarray | None = None
        self._extent = (0.0, 1.0, 0.0, 1.0)
        self._labels: tuple[Sequence[str] | None, Sequence[str] | None] = (None, None)
        self._image: tuple[tuple[ColourScale | None, bool], QImage] | None = None

    def set_image(
        self,
        values: np.ndarray,
        *,
        extent: tuple[float, float, float, float] | None = None,
        row_labels: Sequence[str] | None = None,
        column_labels: Sequence[str] | None = None,
    ) -> None:
        """Show values (h, w), or colours (h, w, 3 or 4) as uint8; NaN is transparent.

        Row 0 is at the bottom for `origin="lower"`, at the top for `"upper"`. `extent` is x0, x1, y0, y1 of the
        image's outer edges in data coordinates (default: cells have size 1 and centres at whole numbers).
        Raises ValueError for other shapes.
        """
        values = np.asarray(values)
        is_colour = values.ndim == 3 and values.shape[2] in (3, 4)
        if not (values.ndim == 2 or is_colour) or 0 in values.shape:
            raise ValueError(f"{self.name}: an image is (h, w) or (h, w, 3 or 4), not {values.shape}")
        height, width = values.shape[:2]
        self._values = values.astype(np.uint8) if is_colour else np.asarray(values, np.float64)
        self._extent = extent or (-0.5, width - 0.5, -0.5, height - 0.5)
        self._labels = row_labels, column_labels
        self.x_axis.tick_labels = self._ticks_of(column_labels, width, self._extent[0], self._extent[1])
        self.y_axis.tick_labels = self._ticks_of(row_labels, height, self._extent[2], self._extent[3])
        self._image = None
        self.show_message("")
        self.refresh()

    def clear(self) -> None:
        """Show nothing."""
        self._values = self._image = None
        self.refresh()

    @property
    def values(self) -> np.ndarray | None:
        """What is shown, or None."""
        return self._values

    @property
    def colormap(self) -> str:
        """Name of the colour map in use."""
        return self._colormap or (DIVERGING if self._symmetric else SEQUENTIAL)

    def set_colormap(self, name: str | None, *, symmetric: bool | None = None) -> None:
        """Use a colour map (None: the default one), and centre it on zero or not."""
        if name is not None:
            theme().colormap(name)
        self._colormap = name
        if symmetric is not None:
            self._symmetric = symmetric
        self._image = None
        self.refresh()

    def set_levels(self, levels: tuple[float, float] | None) -> None:
        """Fix the values at the ends of the colour map; None follows the data."""
        self._levels = levels
        self._image = None
        self.refresh()

    @property
    def levels(self) -> tuple[float, float]:
        """Values at the ends of the colour map."""
        if self._levels is not None:
            return self._levels
        found = range_of(self._values) if self._values is not None else None
        low, high = found or (0.0, 1.0)
        if self._symmetric:
            high = max(abs(low), abs(high)) or 1.0
            return -high, high
        return (low, high) if high > low else (low - 0.5, low + 0.5)

    def cell(self, x: float, y: float) -> tuple[int, int] | None:
        """Row and column under a data coordinate, or None outside the image."""
        if self._values is None:
            return None
        height, width = self._values.shape[:2]
        x0, x1, y0, y1 = self._extent
        column, row = int(np.floor((x - x0) / (x1 - x0) * width)), int(np.floor((y - y0) / (y1 - y0) * height))
        return (row, column) if 0 <= row < height and 0 <= column < width else None

    def bounds(self) -> Bounds | None:
        """The image's edges."""
        if self._values is None:
            return None
        x0, x1, y0, y1 = self._extent
        return (min(x0, x1), max(x0, x1)), (min(y0, y1), max(y0, y1))

    def with_room(self, axis: Axis, low: float, high: float) -> tuple[float, float]:
        """Leave no room around an image."""
        return low, high

    def fit_aspect(self, plot: QRectF, x_axis: Axis, y_axis: Axis) -> QRectF:
        """Shrink the frame around the image rather than showing emptiness inside it."""
        if self.aspect == "free":
            return plot
        across, up = x_axis.high - x_axis.low, y_axis.high - y_axis.low
        per_pixel = max(across / plot.width(), up / plot.height())
        width, height = across / per_pixel, up / per_pixel
        return QRectF(
            plot.left() + (plot.width() - width) / 2, plot.top() + (plot.height() - height) / 2, width, height
        )

    def colour_scale(self) -> ColourScale | None:
        """What the colours mean; None for colour images."""
        if not self.has_colour_bar or self._values is None or self._values.ndim == 3:
            return None
        return self._scale()

    def _scale(self) -> ColourScale:
        low, high = self.levels
        label = self.value_label if self.bar_label is None else self.bar_label
        return ColourScale(low, high, self.colormap, label)

    def draw(self, painter: QPainter, frame: Frame2D, *, is_export: bool) -> None:
        """Draw the visible part of the image."""
        if self._values is None:
            return
        x0, x1, y0, y1 = self._extent
        first, second = frame.point(x0, y0), frame.point(x1, y1)
        image = self._made_image(is_upside_down=first.y() > second.y())
        area = QRectF(first, second).normalized()
        visible = area.intersected(frame.rect)
        if visible.isEmpty():
            return
        across, down = image.width() / area.width(), image.height() / area.height()
        # Whole cells around what is visible: a fractional source would shift the cells' edges.
        left = int((visible.left() - area.left()) * across)
        top = int((visible.top() - area.top()) * down)
        right = min(image.width(), int((visible.right() - area.left()) * across) + 1)
        bottom = min(image.height(), int((visible.bottom() - area.top()) * down) + 1)
        source = QRectF(left, top, right - left, bottom - top)
        corner = area.topLeft() + QPointF(left / across, top / down)
        target = QRectF(corner.x(), corner.y(), source.width() / across, source.height() / down)
        draw_image(painter, target, image, source)

    def _made_image(self, *, is_upside_down: bool) -> QImage:
        """Return the image in the current colours, with row 0 at the top or, upside down, at the bottom."""
        assert self._values is not None
        scale = self._scale() if self._values.ndim == 2 else None
        if self._image is None or self._image[0] != (scale, is_upside_down):
            if scale is not None:
                rgba = scale.rgba(self._values)
            else:
                height, width, channels = self._values.shape
                rgba = np.full((height, width, 4), 255, np.uint8)
                rgba[..., :channels] = self._values
            self._image = (scale, is_upside_down), rgba_image(rgba[::-1] if is_upside_down else rgba)
        return self._image[1]

    def read_out(self, frame: Frame2D, position: QPointF) -> ReadOut | None:
        """Say where the mouse is and the value there."""
        x, y = frame.data(position)
        if self._values is None or (cell := self.cell(x, y)) is None:
            return None
        row, column = cell
        rows, columns = self._labels
        value = self._values[row, column]
        shown = ", ".join(str(part) for part in value) if value.ndim else format_number(value)
        where = (
            f"{rows[row] if rows else f'row {row}'} · {columns[column] if columns else f'column {column}'}"
            if rows or columns or self._is_matrix
            else f"{self.x_axis.label or 'x'} {format_number(x)}  {self.y_axis.label or 'y'} {format_number(y)}"
        )
        label = f"{self.value_label}  " if self.value_label else ""
        return ReadOut(((theme().muted, where), (theme().foreground, f"{label}{shown}")))

    def pick(self, frame: Frame2D, position: QPointF) -> Pick:
        """Return the place and the cell's flat index (-1 outside)."""
        x, y = frame.data(position)
        cell = self.cell(x, y)
        if cell is None or self._values is None:
            return Pick(x, y)
        return Pick(x, y, "", cell[0] * self._values.shape[1] + cell[1])

    def fill_menu(self, menu: QMenu) -> None:
        """Add the colour maps and the choice of a symmetric scale."""
        if self._values is not None and self._values.ndim == 3:
            return
        maps = menu.addMenu("Colour map")
        group = QActionGroup(maps)
        for title, name in COLORMAPS.items():
            action = maps.addAction(title)
            action.setCheckable(True)
            action.setChecked(name == self.colormap)
            action.triggered.connect(partial(self._choose_colormap, name))
            group.addAction(action)
        symmetric = menu.addAction("Centre colours on zero")
        symmetric.setCheckable(True)
        symmetric.setChecked(self._symmetric)
        symmetric.toggled.connect(self._choose_symmetric)
        fixed = menu.addAction("Hold the colour range")
        fixed.setCheckable(True)
        fixed.setChecked(self._levels is not None)
        fixed.toggled.connect(self._choose_fixed)

    def _choose_colormap(self, name: str, checked: bool = False) -> None:
        self.set_colormap(name)

    def _choose_symmetric(self, symmetric: bool) -> None:
        self._symmetric = symmetric
        self.set_levels(None)

    def _choose_fixed(self, fixed: bool) -> None:
        self.set_levels(self.levels if fixed else None)

    def data(self) -> Mapping[str, np.ndarray]:
        """The values; beside them the cells' centres where the axes have a scale of their own."""
        if self._values is None:
            return {}
        if self._is_matrix or self._values.ndim == 3:
            return {"values": self._values}
        height, width = self._values.shape
        x0, x1, y0, y1 = self._extent
        x = x0 + (np.arange(width) + 0.5) * (x1 - x0) / width
        y = y0 + (np.arange(height) + 0.5) * (y1 - y0) / height
        return {"y": y, "values": self._values, "x": x}

    def state(self) -> dict[str, Any]:
        """Zoom, colour map and levels."""
        levels = list(self._levels) if self._levels else None
        return super().state() | {"colormap": self._colormap, "symmetric": self._symmetric, "levels": levels}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore what `state` returned."""
        super().restore({key: value for key, value in state.items() if key != "log"})
        colormap = state.get("colormap")
        if colormap is None or colormap in COLORMAPS.values():
            self.set_colormap(colormap, symmetric=bool(state.get("symmetric", self._symmetric)))
        levels = state.get("levels")
        if isinstance(levels, list) and len(levels) == 2 and all(isinstance(level, (int, float)) for level in levels):
            self.set_levels((float(levels[0]), float(levels[1])))

    @property
    def _is_matrix(self) -> bool:
        if self._values is None:
            return False
        height, width = self._values.shape[:2]
        return self._extent == (-0.5, width - 0.5, -0.5, height - 0.5)

    @staticmethod
    def _ticks_of(labels: Sequence[str] | None, count: int, low: float, high: float) -> list[tuple[float, str]] | None:
        if labels is None:
            return None
        if len(labels) not in (0, count):
            raise ValueError(f"{len(labels)} labels for {count} rows or columns")
        return [(low + (index + 0.5) * (high - low) / count, str(label)) for index, label in enumerate(labels)]


if __name__ == "__main__":
    from workbench.views.demo import show_demo

    def _make() -> ImageView:
        view = ImageView("field", "Field", x_label="x", y_label="y", value_label="u", symmetric=True)
        y, x = np.mgrid[0:1:96j, 0:1:96j]
        view.set_image(np.sin(7 * x) * np.cos(5 * y), extent=(0, 1, 0, 1))
        return view

    show_demo(_make)
