"""FieldEditor: a field of numbers that is painted by mouse, and the palette of its brush.

y ┌──────────┐ ▌ 12
  │ ▒▒▓▓░░▒▒ │ ▌        brush: paint a value, soft or hard · flip: exchange two values
  │ ░░▒▒▓▓▒▒ │ ▌ 2      inclusion: a disc that follows the mouse
  └──────────┘
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from PySide6.QtCore import QPointF, Qt, Signal, Slot
from PySide6.QtWidgets import QVBoxLayout, QWidget

from workbench.views.controls import LabelledSlider, SegmentedButtons
from workbench.views.image import ImageView
from workbench.views.painting import pen
from workbench.views.theme import theme

if TYPE_CHECKING:
    from jaxtyping import Float
    from PySide6.QtGui import QPainter

    from workbench.views.axis import Frame2D
    from workbench.views.picks import Pick

Tool = Literal["brush", "flip", "inclusion", "pan"]


class BrushPalette(QWidget):
    """What the mouse does in a FieldEditor: tool, value, radius and hardness of the edge."""

    def __init__(self, low: float, high: float, value: float, *, log: bool = False) -> None:
        super().__init__()
        self.tools = SegmentedButtons(
            [("brush", "brush"), ("flip", "flip"), ("inclusion", "disc"), ("pan", "pan")],
            help="Paint the value · exchange the two phases · drag a disc of the value · move the picture",
        )
        self.value_slider = LabelledSlider("value", low, high, value, log=log, decimals=2, help="What is painted")
        self.radius_slider = LabelledSlider("radius", 0.01, 0.4, 0.08, decimals=2, help="In units of the square's side")
        self.hardness_slider = LabelledSlider(
            "hardness", 0.0, 1.0, 1.0, decimals=2, help="1: an edge as sharp as a cell; 0: fades from the middle on"
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (self.tools, self.value_slider, self.radius_slider, self.hardness_slider):
            layout.addWidget(widget)

    @property
    def tool(self) -> Tool:
        """The tool in use."""
        return self.tools.value  # type: ignore[return-value]


class FieldEditor(ImageView):
    """A field on the unit square, painted with a palette's brush; Shift paints the other of two phases.

    Another `extent` (x0, x1, y0, y1) may be given; radii stay in units of its side. Cells that are NaN stay so.
    `field_changed` emits the values (n, n) while the person paints, `painting_finished` those before and after.
    """

    field_changed = Signal(object)
    painting_finished = Signal(object, object)

    def __init__(
        self,
        name: str,
        title: str,
        palette: BrushPalette,
        *,
        phases: tuple[float, float] | None = None,
        extent: tuple[float, float, float, float] = (0.0, 1.0, 0.0, 1.0),
        **options: Any,
    ) -> None:
        options.setdefault("hint", "Drag to paint; Shift paints the other phase. Hover reads, the wheel zooms.")
        super().__init__(name, title, **options)
        self.palette_box, self.phases, self.extent = palette, phases, extent
        self._before: np.ndarray | None = None
        self._flipped: np.ndarray | None = None
        self._last: tuple[float, float] | None = None
        self._at: tuple[float, float] | None = None
        self._is_other = False
        self.drags = "edit"
        palette.tools.chosen.connect(self._choose)
        self.pressed.connect(self._press)
        self.dragged.connect(self._drag)
        self.released.connect(self._release)
        self.hovered.connect(self._hover)
        self.set_drawing("brush", self._draw_brush)

    @property
    def field(self) -> Float[np.ndarray, "n n"] | None:
        """What is shown."""
        return None if self.values is None else self.values.copy()

    @property
    def is_painting(self) -> bool:
        """Whether a stroke is under way."""
        return self._before is not None

    def set_field(self, values: Float[np.ndarray, "n n"]) -> None:
        """Show a field on the editor's square, without a signal."""
        self.set_image(values, extent=self.extent)

    def _share(self, pick: Pick) -> tuple[float, float]:
        """Where in the square, as shares of its sides."""
        x0, x1, y0, y1 = self.extent
        return (pick.x - x0) / (x1 - x0), (pick.y - y0) / (y1 - y0)

    @Slot(object)
    def _choose(self, tool: str) -> None:
        self.drags = "pan" if tool == "pan" else "edit"

    @Slot(object)
    def _press(self, pick: Pick) -> None:
        if self.values is None:
            return
        self._before = self.values.copy()
        self._flipped = np.zeros(self.values.shape[:2], bool)
        self._last = None
        self._is_other = bool(pick.modifiers & Qt.KeyboardModifier.ShiftModifier)
        self._drag(pick)

    @Slot(object)
    def _drag(self, pick: Pick) -> None:
        if self._before is None or self.values is None:
            return
        x, y = (float(np.clip(share, 0, 1)) for share in self._share(pick))
        self._at = (x, y)
        first, self._last = self._last or (x, y), (x, y)
        palette = self.palette_box
        value = float(palette.value_slider.value)
        if self.phases and self._is_other:
            high, low = self.phases
            value = low if abs(value - high) <= abs(value - low) else high
        if palette.tool == "inclusion":
            share = self._covered((x, y), (x, y))
            shown = (1 - share) * self._before + share * value
        elif palette.tool == "flip" and self.phases:
            assert self._flipped is not None
            under = (self._covered(first, (x, y)) > 0.5) & ~self._flipped
            self._flipped |= under
            high, low = self.phases
            other = np.where(np.abs(self._before - high) <= np.abs(self._before - low), low, high)
            shown = np.where(under, other, self.values)
        else:
            share = self._covered(first, (x, y))
            shown = (1 - share) * self.values + share * value
        self.set_field(shown)
        self.field_changed.emit(shown.copy())

    @Slot(object)
    def _release(self, pick: Pick) -> None:
        before, self._before, self._last = self._before, None, None
        if before is not None and self.values is not None and not np.array_equal(before, self.values, equal_nan=True):
            self.painting_finished.emit(before, self.values.copy())

    @Slot(object)
    def _hover(self, pick: Pick | None) -> None:
        self._at = None if pick is None else self._share(pick)

    def _covered(self, first: tuple[float, float], last: tuple[float, float]) -> Float[np.ndarray, "n n"]:
        """Share of the brush at each cell, along the way from one place to the other."""
        assert self.values is not None
        height, width = self.values.shape[:2]
        x, y = (np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height
        start, way = np.array(first), np.array(last) - np.array(first)
        length = float(way @ way)
        ax, ay = x[None] - start[0], y[:, None] - start[1]
        along = np.clip((ax * way[0] + ay * way[1]) / length, 0, 1) if length > 0 else np.zeros((1, 1))
        distance = np.hypot(ax - along * way[0], ay - along * way[1])
        radius, hardness = float(self.palette_box.radius_slider.value), float(self.palette_box.hardness_slider.value)
        if hardness >= 1:
            return (distance <= radius).astype(float)
        t = np.clip((distance / radius - hardness) / (1 - hardness), 0, 1)
        return 1 - t * t * (3 - 2 * t)

    def _draw_brush(self, painter: QPainter, frame: Frame2D) -> None:
        if self._at is None or self.drags == "pan":
            return
        radius = float(self.palette_box.radius_slider.value)
        x0, x1, y0, y1 = self.extent
        corner, other = (
            frame.point(x0 + (self._at[0] + across) * (x1 - x0), y0 + (self._at[1] + up) * (y1 - y0))
            for across, up in ((-radius, radius), (radius, -radius))
        )
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for colour, width in ((theme().background, 3.0), (theme().accent, 1.4)):
            painter.setPen(pen(colour, width))
            painter.drawEllipse(QPointF((corner.x() + other.x()) / 2, (corner.y() + other.y()) / 2),
                                abs(other.x() - corner.x()) / 2, abs(other.y() - corner.y()) / 2)  # fmt: skip


if __name__ == "__main__":
    from workbench.views.demo import show_demo

    def _make() -> QWidget:
        box = QWidget()
        layout = QVBoxLayout(box)
        palette = BrushPalette(1.0, 20.0, 12.0)
        view = FieldEditor("coefficient", "Paint", palette, phases=(12.0, 2.0), value_label="a", levels=(0, 14))
        view.set_field(np.full((48, 48), 2.0))
        layout.addWidget(view, 1)
        layout.addWidget(palette)
        return box

    show_demo(_make)
