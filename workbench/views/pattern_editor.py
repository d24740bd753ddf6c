"""PatternEditor: a square of spins that a person paints while it changes by itself.

┌────────────┐
│ ██  ░░  ██ │    left drag paints (or erases), right drag adds noise;
│   ██████   │    small squares in the cells show the local fields
└────────────┘
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QEvent, QObject, Qt, Signal, Slot
from PySide6.QtGui import QMouseEvent, QPainter

from workbench.views.colour_bar import ColourScale
from workbench.views.controls import SegmentedButtons
from workbench.views.image import ImageView
from workbench.views.painting import draw_image, rgba_image
from workbench.views.picks import Pick, ReadOut
from workbench.views.theme import DIVERGING, theme
from workbench.views.ticks import format_number

if TYPE_CHECKING:
    from jaxtyping import Float
    from PySide6.QtCore import QPointF, QRectF

    from workbench.views.axis import Frame2D

INK_LEVEL = 1.12
"""Value at the ends of the colour map, so that full ink is not quite black."""
FIELD_PIXELS = 5
"""A cell's overlay has so many pixels across, of which the middle three are coloured."""


@dataclass(frozen=True)
class PaintedSites:
    """Sites (row * columns + column) that the mouse went over, and the spin that was painted."""

    sites: tuple[int, ...]
    value: int


class PatternEditor(ImageView):
    """Spins in [-1, 1] on a grid, +1 as ink. What is painted shows at once; the owner makes it true.

    `painted` emits PaintedSites while the left button is down (Shift paints the other value), `disturbed` a tuple of
    sites while the right one is, `stroke_ended` when either is let go. `set_fields` draws a signed number in each cell.
    """

    painted = Signal(object)
    disturbed = Signal(object)
    stroke_ended = Signal()

    def __init__(self, name: str, title: str, *, brush: int = 1, field_label: str = "field", hint: str = "") -> None:
        super().__init__(
            name,
            title,
            origin="upper",
            levels=(-INK_LEVEL, INK_LEVEL),
            colour_bar=False,
            hint=hint or "Drag to paint, Shift-drag to erase, right-drag to add noise; the wheel zooms.",
        )
        self.brush, self.field_label = brush, field_label
        self.drags = "edit"
        self.x_axis.tick_labels = self.y_axis.tick_labels = []
        self._fields: np.ndarray | None = None
        self._last: tuple[int, int] | None = None
        self._noise_last: tuple[int, int] | None = None
        self._is_noisy = self._moved = False
        self._tool = SegmentedButtons([(1, "ink"), (-1, "erase")], help="What the left button paints")
        self.add_tool(self._tool)
        self.pressed.connect(self._begin)
        self.dragged.connect(self._go_on)
        self.released.connect(self._end)
        self.body.installEventFilter(self)
        self.restyle()

    @property
    def tool(self) -> int:
        """What the left button paints: 1 or -1."""
        return -1 if self._tool.value == -1 else 1

    @property
    def is_painting(self) -> bool:
        """Whether a button is down on the grid."""
        return self._last is not None or self._is_noisy

    def set_pattern(self, spins: Float[np.ndarray, "h w"]) -> None:
        """Show spins in [-1, 1]."""
        self.set_image(np.array(spins, np.float64), row_labels=(), column_labels=())

    def set_fields(self, fields: Float[np.ndarray, "h w"] | None) -> None:
        """Show a signed number in the middle of each cell, or none."""
        self._fields = None if fields is None else np.asarray(fields, np.float64)
        self.refresh()

    @property
    def fields(self) -> Float[np.ndarray, "h w"] | None:
        """What the overlay shows, or None."""
        return self._fields

    def restyle(self) -> None:
        """Ink is dark on light backgrounds and light on dark ones."""
        self.set_colormap("gray" if theme().is_dark else "gray_r")

    def colour_scale(self) -> ColourScale | None:
        """What the overlay's colours mean, while there is one."""
        if self._fields is None:
            return None
        high = float(np.nanmax(np.abs(self._fields), initial=0.0)) or 1.0
        return ColourScale(-high, high, DIVERGING, self.field_label)

    def draw(self, painter: QPainter, frame: Frame2D, *, is_export: bool) -> None:
        """Draw the spins, then a small square of its field into each."""
        super().draw(painter, frame, is_export=is_export)
        scale, values = self.colour_scale(), self.values
        if scale is None or values is None or self._fields is None or self._fields.shape != values.shape[:2]:
            return
        height, width = self._fields.shape
        cells = np.zeros((height, FIELD_PIXELS, width, FIELD_PIXELS, 4), np.uint8)
        cells[:, 1:-1, :, 1:-1] = scale.rgba(self._fields)[:, None, :, None]
        image = rgba_image(cells.reshape(height * FIELD_PIXELS, width * FIELD_PIXELS, 4))
        draw_image(painter, self._area(frame, height, width), image)

    @staticmethod
    def _area(frame: Frame2D, height: int, width: int) -> QRectF:
        from PySide6.QtCore import QRectF

        return QRectF(frame.point(-0.5, -0.5), frame.point(width - 0.5, height - 0.5)).normalized()

    def read_out(self, frame: Frame2D, position: QPointF) -> ReadOut | None:
        """Say the spin and the field under the mouse."""
        cell = self.cell(*frame.data(position))
        if cell is None or self.values is None:
            return None
        lines = [(theme().foreground, f"spin {format_number(self.values[cell])}")]
        if self._fields is not None:
            lines.append((theme().muted, f"{self.field_label} {format_number(self._fields[cell])}"))
        return ReadOut(tuple(lines), has_crosshair=False)

    # The mouse

    @Slot(object)
    def _begin(self, pick: Pick) -> None:
        self._last = None
        self._go_on(pick)

    @Slot(object)
    def _go_on(self, pick: Pick) -> None:
        cell = self.cell(pick.x, pick.y)
        if cell is None or self.values is None:
            return
        sites = self._between(self._last or cell, cell)
        self._last = cell
        value = -self.tool if pick.modifiers & Qt.KeyboardModifier.ShiftModifier else self.tool
        shown = self.values.copy()
        shown.flat[list(sites)] = value
        self.set_pattern(shown)
        self.painted.emit(PaintedSites(sites, value))

    @Slot(object)
    def _end(self, pick: Pick) -> None:
        self._last = None
        self.stroke_ended.emit()

    def _between(self, first: tuple[int, int], last: tuple[int, int]) -> tuple[int, ...]:
        """Sites under the brush on the way from one cell to another: a quick hand leaves no gaps."""
        assert self.values is not None
        height, width = self.values.shape[:2]
        steps = max(abs(last[0] - first[0]), abs(last[1] - first[1]))
        found: dict[int, None] = {}
        around = range(-((self.brush - 1) // 2), self.brush // 2 + 1)
        for row, column in np.rint(np.linspace(first, last, steps + 1)).astype(int).tolist():
            for y in (row + by for by in around):
                for x in (column + by for by in around):
                    if 0 <= y < height and 0 <= x < width:
                        found[y * width + x] = None
        return tuple(found)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take right drags, which would otherwise zoom; a right click still opens the menu."""
        if watched is self.body and isinstance(event, QMouseEvent):
            return self._right_button(event)
        return super().eventFilter(watched, event)

    def _right_button(self, event: QMouseEvent) -> bool:
        kind = event.type()
        if kind == QEvent.Type.MouseButtonPress and event.button() == Qt.MouseButton.RightButton:
            frame = self.frame()
            self._is_noisy, self._moved = frame.rect.contains(event.position()), False
            self._noise_last = self.cell(*frame.data(event.position()))
            return self._is_noisy
        if not self._is_noisy:
            return False
        if kind == QEvent.Type.MouseMove:
            cell = self.cell(*self.frame().data(event.position()))
            if cell is not None and (cell != self._noise_last or self._moved):
                sites = self._between(self._noise_last or cell, cell)
                self._noise_last, self._moved = cell, True
                self.disturbed.emit(sites)
            return True
        if kind == QEvent.Type.MouseButtonRelease and event.button() == Qt.MouseButton.RightButton:
            self._is_noisy, self._noise_last = False, None
            if self._moved:
                self.stroke_ended.emit()
            else:
                self._canvas.open_menu(event.globalPosition())
            return True
        return False

    def data(self) -> Mapping[str, np.ndarray]:
        """Spins, and the fields where they are shown."""
        if self.values is None:
            return {}
        return {"spins": self.values} | ({"fields": self._fields} if self._fields is not None else {})

    def state(self) -> dict[str, Any]:
        """The zoom; colours belong to the theme."""
        return {key: value for key, value in super().state().items() if key in ("x", "y")}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore the zoom."""
        super().restore({key: value for key, value in state.items() if key in ("x", "y")})
        self.set_levels((-INK_LEVEL, INK_LEVEL))
        self.restyle()


if __name__ == "__main__":
    from workbench.views.demo import show_demo

    def _make() -> PatternEditor:
        view = PatternEditor("spins", "Spins")
        y, x = np.mgrid[-1:1:12j, -1:1:12j]
        view.set_pattern(np.where(x**2 + y**2 < 0.6, 1.0, -1.0))
        view.set_fields(0.6 - x**2 - y**2)
        return view

    show_demo(_make)
