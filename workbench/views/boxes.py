"""BoxesView: distributions as boxes (quartiles, median, whiskers at 1.5 quartile distances) with every value as a dot.

    ┬        ┬
┌───┴──┐  ┌──┴───┐    dots: the values, spread sideways
│━━━━━━│  │━━━━━━│    diamond: the mean
└───┬──┘  └──┬───┘
   A         B
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter

from workbench.views.painting import draw_diamond, mixed, pen, with_alpha
from workbench.views.picks import ReadOut
from workbench.views.plot import Bounds, PlotView
from workbench.views.theme import theme
from workbench.views.ticks import format_number

if TYPE_CHECKING:
    from jaxtyping import Float

    from workbench.views.axis import Frame2D

HALF = 0.3
"""Half of a box's width; boxes are one apart."""
MOST_DOTS = 400


class BoxesView(PlotView):
    """One box for each named set of values; NaN are left out."""

    HAS_LOG_TOGGLES = False

    def __init__(self, name: str, title: str, y_label: str, *, y_unit: str = "", hint: str = "") -> None:
        super().__init__(
            name, title, y_label=y_label, y_unit=y_unit,
            hint=hint or "Box: quartiles and median; whiskers: 1.5 quartile distances; diamond: mean; dots: values.",
        )  # fmt: skip
        self._sets: dict[str, np.ndarray] = {}
        self._colours: dict[str, str | int] = {}

    def set_values(
        self, values: Mapping[str, Float[np.ndarray, " n"]], colors: Mapping[str, str | int] | None = None
    ) -> None:
        """Show these sets in order."""
        self._sets = {
            name: own[np.isfinite(own)] for name, own in ((k, np.asarray(v, float)) for k, v in values.items())
        }
        self._colours = dict(colors or {})
        self.x_axis.tick_labels = [(float(index), name) for index, name in enumerate(self._sets)]
        self.show_message("" if any(len(own) for own in self._sets.values()) else "There are no values yet.")
        self.refresh()

    def bounds(self) -> Bounds | None:
        """All values."""
        whole = np.concatenate([*self._sets.values(), np.zeros(0)])
        if not len(whole):
            return None
        low, high = float(whole.min()), float(whole.max())
        if high - low < 1e-9:
            low, high = low - 0.5, high + 0.5
        return (-0.6, len(self._sets) - 0.4), (low, high)

    def draw(self, painter: QPainter, frame: Frame2D, *, is_export: bool) -> None:
        """Draw dots, boxes, means."""
        for index, (name, own) in enumerate(self._sets.items()):
            if not len(own):
                continue
            colour = theme().colour(self._colours.get(name, index))
            self._draw_dots(painter, frame, index, own, colour)
            low, middle, high = np.percentile(own, [25, 50, 75]).tolist()
            reach = 1.5 * (high - low)
            bottom = float(own[own >= low - reach].min())
            top = float(own[own <= high + reach].max())
            painter.setPen(pen(colour, 1.5))
            for start, end in ((bottom, low), (high, top)):
                painter.drawLine(frame.point(index, start), frame.point(index, end))
            for edge in (bottom, top):
                painter.drawLine(frame.point(index - HALF / 2, edge), frame.point(index + HALF / 2, edge))
            box = QRectF(frame.point(index - HALF, high), frame.point(index + HALF, low))
            painter.setBrush(with_alpha(colour, 0.15))
            painter.drawRect(box)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(pen(colour, 2.5))
            painter.drawLine(frame.point(index - HALF, middle), frame.point(index + HALF, middle))
            draw_diamond(painter, frame.point(index, float(own.mean())), 5.0, mixed(colour, theme().foreground, 0.4))

    @staticmethod
    def _draw_dots(painter: QPainter, frame: Frame2D, index: int, own: np.ndarray, colour: str) -> None:
        shown = own[:MOST_DOTS]
        spread = index + HALF * 0.8 * (2 * ((np.arange(len(shown)) * 0.618034) % 1) - 1)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(with_alpha(colour, 0.45))
        for x, y in frame.points(spread, shown).tolist():
            painter.drawEllipse(QPointF(x, y), 2.2, 2.2)
        painter.setBrush(Qt.BrushStyle.NoBrush)

    def read_out(self, frame: Frame2D, position: QPointF) -> ReadOut | None:
        """Say the set under the mouse in numbers."""
        x, _ = frame.data(position)
        index = round(x)
        if not 0 <= index < len(self._sets):
            return None
        name, own = list(self._sets.items())[index]
        lines: list[tuple[str, str]] = [(theme().foreground, f"{name}: {len(own)} values")]
        if len(own):
            low, middle, high = np.percentile(own, [25, 50, 75]).tolist()
            lines.append((theme().muted, f"mean {format_number(own.mean())}, median {format_number(middle)}"))
            lines.append((theme().muted, f"quartiles {format_number(low)} to {format_number(high)}"))
        return ReadOut(tuple(lines), has_crosshair=False)

    def data(self) -> Mapping[str, np.ndarray]:
        """The values of each set."""
        return {name: own for name, own in self._sets.items() if len(own)}

    @property
    def names(self) -> Sequence[str]:
        """The sets shown."""
        return tuple(self._sets)


if __name__ == "__main__":
    from workbench.views.demo import show_demo

    def _make() -> BoxesView:
        view = BoxesView("boxes", "Two sets", "value")
        rng = np.random.default_rng(0)
        view.set_values({"A": rng.normal(0, 1, 60), "B": rng.normal(1, 0.5, 60)})
        return view

    show_demo(_make)
