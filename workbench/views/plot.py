"""PlotView: axes, legend, marks, zoom and hover, for every figure with two axes.

        legend … wraps
      ┌──────────────┐ ▌ 1.0
    y │   contents   │ ▌      colour bar
      └──────────────┘ ▌ 0.0
              x

The same code draws on the screen and in exports: subclasses draw with a QPainter between two axes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal

from PySide6.QtCore import QPointF, QRectF, Qt, Signal, Slot
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QMenu, QToolButton

from workbench.views.axis import Axis, Frame2D
from workbench.views.base import View
from workbench.views.colour_bar import BAR_SPACE, ColourScale, colour_bar_width, draw_colour_bar
from workbench.views.legend import LegendEntry, PlacedEntry, draw_legend, legend_height, place_legend
from workbench.views.marks import ReferenceLine, Span, draw_across, draw_reference_lines, draw_spans
from workbench.views.painting import (
    SMALL_PX,
    TEXT_PX,
    LineStyle,
    draw_text,
    draw_text_up,
    elided,
    figure_font,
    mixed,
    pen,
    text_height,
    text_width,
)
from workbench.views.picks import Pick, ReadOut
from workbench.views.plot_canvas import PlotCanvas
from workbench.views.theme import theme
from workbench.views.ticks import Ticks, format_number, padded

Bounds = tuple[tuple[float, float], tuple[float, float]]
LOWER_SHARES = (1.0, 0.85, 0.7, 0.55, 0.4)
"""Shares of its height that a figure with equal scales may come down to."""
LABEL_STEP = 8.0
NARROW = 190.0
"""Logical pixels of width below which the picture needs the colour bar's room itself."""
SMALLEST_LABEL = 26.0
"""Logical pixels a column label needs to say anything; narrower columns are labelled now and then."""
Drawing = Callable[[QPainter, Frame2D], None]


@dataclass(frozen=True)
class Layout:
    """Where everything of a figure is, for one size of it."""

    frame: Frame2D
    x_ticks: Ticks
    y_ticks: Ticks
    legend: tuple[PlacedEntry, ...]
    bar: QRectF | None


class PlotView(View):
    """Base of the figures with two axes. Subclasses give `bounds`, `draw`, and what else they have.

    Left drag pans, the wheel zooms (over an axis: that axis only), a right drag zooms into a rectangle, double-click
    or A fits. Until the person zooms, the axes follow the data. With `drags = "edit"`, or where `grabs(x, y)` says
    yes, a left drag is reported by `pressed`, `dragged` and `released` instead (each a Pick), for brushes and handles.
    """

    clicked = Signal(object)
    pressed = Signal(object)
    dragged = Signal(object)
    released = Signal(object)
    hovered = Signal(object)
    """A Pick, or None when the mouse leaves."""
    range_changed = Signal()
    """The person zoomed or panned."""

    HAS_LOG_TOGGLES = True

    def __init__(
        self,
        name: str,
        title: str,
        *,
        x_label: str = "",
        y_label: str = "",
        x_unit: str = "",
        y_unit: str = "",
        log_x: bool = False,
        log_y: bool = False,
        aspect: Literal["free", "equal"] = "free",
        hint: str = "",
    ) -> None:
        super().__init__(name, title, hint=hint or "Drag to pan, wheel to zoom, right-drag a rectangle, A fits.")
        self.x_axis, self.y_axis = Axis(x_label, x_unit, log_x), Axis(y_label, y_unit, log_y)
        for axis in (self.x_axis, self.y_axis):
            axis.low, axis.high = (0.1, 1.0) if axis.is_log else (0.0, 1.0)
        self.aspect = aspect
        self.drags: Literal["pan", "edit"] = "pan"
        self.grabs: Callable[[float, float], bool] | None = None
        self.follows_x = self.follows_y = True
        self._lines: dict[str, ReferenceLine] = {}
        self._spans: dict[str, Span] = {}
        self._drawings: dict[str, tuple[Drawing, bool]] = {}
        self._cursor: tuple[float, float] | None = None
        self._canvas = PlotCanvas(self)
        self.set_body(self._canvas)
        self._options = QToolButton()
        self._options.setText("⋯")
        self._options.setToolTip("Axes and display")
        self._options.setAutoRaise(True)
        self._options.clicked.connect(self._open_options)
        self.add_tool(self._options)

    @Slot()
    def _open_options(self) -> None:
        self._canvas.open_menu(QPointF(self._options.mapToGlobal(self._options.rect().bottomLeft())))

    # What subclasses give

    def bounds(self) -> Bounds | None:
        """Return the (x, y) ranges of the data, positive on log axes; None where there is nothing."""
        return None

    def draw(self, painter: QPainter, frame: Frame2D, *, is_export: bool) -> None:
        """Draw the data, clipped to the frame."""

    def legend_entries(self) -> Sequence[LegendEntry]:
        """Return what the legend lists."""
        return ()

    def legend_clicked(self, name: str) -> None:
        """React to a click on the legend."""

    def colour_scale(self) -> ColourScale | None:
        """Return what the colour bar shows, or None for no bar."""
        return None

    def read_out(self, frame: Frame2D, position: QPointF) -> ReadOut | None:
        """Return what hovering at `position` (logical pixels) shows."""
        x, y = frame.data(position)
        return ReadOut(((theme().foreground, f"{format_number(x)}, {format_number(y)}"),))

    def pick(self, frame: Frame2D, position: QPointF) -> Pick:
        """Return what a click at `position` (logical pixels) means."""
        return Pick(*frame.data(position))

    def fill_menu(self, menu: QMenu) -> None:
        """Add this view's own entries to its context menu."""

    def build_menu(self, menu: QMenu) -> None:
        """Fill the menu that a right click or the ⋯ button opens."""
        menu.addAction("Fit to the data\tA").triggered.connect(self.fit)
        if self.HAS_LOG_TOGGLES:
            for text, axis, name in (("Logarithmic x", self.x_axis, "x"), ("Logarithmic y", self.y_axis, "y")):
                action = menu.addAction(text)
                action.setCheckable(True)
                action.setChecked(axis.is_log)
                action.toggled.connect(self._set_log_x if name == "x" else self._set_log_y)
        self.fill_menu(menu)
        menu.addSeparator()
        export = self.export_menu()
        export.setParent(menu, export.windowFlags())
        export.setTitle("Export")
        menu.addMenu(export)

    @Slot(bool)
    def _set_log_x(self, is_log: bool) -> None:
        self.set_log(x=is_log)

    @Slot(bool)
    def _set_log_y(self, is_log: bool) -> None:
        self.set_log(y=is_log)

    # What panels use

    def set_line(
        self,
        name: str,
        value: float | None,
        orientation: Literal["horizontal", "vertical"] = "horizontal",
        *,
        label: str = "",
        color: str | int = "muted",
        style: LineStyle = "dash",
    ) -> None:
        """Draw a reference line at a data coordinate; None removes it."""
        if value is None or not math.isfinite(value):
            self._lines.pop(name, None)
        else:
            self._lines[name] = ReferenceLine(float(value), orientation, label, color, style)
        self.refresh()

    def set_span(
        self,
        name: str,
        span: tuple[float, float] | None,
        orientation: Literal["horizontal", "vertical"] = "vertical",
        *,
        color: str | int = "accent",
        label: str = "",
    ) -> None:
        """Shade the data behind `span`; a vertical span covers a range of x. None removes it."""
        if span is None:
            self._spans.pop(name, None)
        else:
            self._spans[name] = Span(float(min(span)), float(max(span)), orientation, color, label)
        self.refresh()

    def set_drawing(self, name: str, drawing: Drawing | None, *, below: bool = False) -> None:
        """Let `drawing(painter, frame)` draw over (or below) the data, on screens and in exports; None removes it."""
        if drawing is None:
            self._drawings.pop(name, None)
        else:
            self._drawings[name] = (drawing, below)
        self.refresh()

    def clear_marks(self) -> None:
        """Remove all reference lines and spans."""
        self._lines.clear()
        self._spans.clear()
        self.refresh()

    def set_cursor(self, position: tuple[float, float] | None) -> None:
        """Show crosshairs at a data coordinate, as for the cursor of a linked view."""
        if position != self._cursor:
            self._cursor = position
            self._canvas.update()

    def fit(self) -> None:
        """Show all data, and follow them as they grow."""
        self.follows_x = self.follows_y = True
        self.refresh()
        self.range_changed.emit()

    def set_range(self, x: tuple[float, float] | None = None, y: tuple[float, float] | None = None) -> None:
        """Show the given ranges of data coordinates, and keep them while data change."""
        if x is not None:
            self.x_axis.set_range(*x)
            self.follows_x = False
        if y is not None:
            self.y_axis.set_range(*y)
            self.follows_y = False
        self.refresh()

    def set_log(self, *, x: bool | None = None, y: bool | None = None) -> None:
        """Make axes logarithmic or linear; they then show all data again."""
        for axis, is_log in ((self.x_axis, x), (self.y_axis, y)):
            if is_log is not None and axis.is_log != is_log:
                axis.is_log = is_log
                if is_log and axis.low <= 0:
                    axis.high = axis.high if axis.high > 0 else 1.0
                    axis.low = axis.high * 1e-3
                if axis is self.x_axis:
                    self.follows_x = True
                else:
                    self.follows_y = True
        self.refresh()

    def refresh(self) -> None:
        """Draw again soon, because the data or what is shown of them changed."""
        self._canvas.refresh()

    def frame(self) -> Frame2D:
        """Return the frame as now on the screen, to map between data and the body's logical pixels."""
        return self.layout_in(QRectF(self._canvas.rect())).frame

    # Drawing

    def paint(self, painter: QPainter, rect: QRectF) -> None:
        """Draw the figure anew into `rect`, as View.paint asks."""
        self.paint_plot(painter, rect, is_export=True)

    def paint_plot(self, painter: QPainter, rect: QRectF, *, is_export: bool) -> Layout:
        """Draw the whole figure; return where everything is."""
        layout = self.layout_in(rect)
        frame = layout.frame
        self._draw_grid(painter, layout)
        painter.save()
        painter.setClipRect(frame.rect)
        draw_spans(painter, frame, self._spans.values())
        for drawing, is_below in self._drawings.values():
            if is_below:
                drawing(painter, frame)
        self.draw(painter, frame, is_export=is_export)
        for drawing, is_below in self._drawings.values():
            if not is_below:
                drawing(painter, frame)
        painter.restore()
        draw_reference_lines(painter, frame, self._lines.values())
        self._draw_axes(painter, rect, layout)
        draw_legend(painter, layout.legend)
        if layout.bar is not None and (scale := self.colour_scale()) is not None:
            draw_colour_bar(painter, layout.bar, scale)
        return layout

    def layout_in(self, rect: QRectF) -> Layout:
        """Place everything in `rect`, after the axes followed the data where they should."""
        self._follow()
        font = figure_font(SMALL_PX)
        line = text_height(font)
        rect = rect.adjusted(4, 2, -6, -3)
        x_axis, y_axis = replace(self.x_axis), replace(self.y_axis)
        legend = tuple(
            place_legend(
                self.legend_entries(),
                rect.left() + 4,
                rect.top(),
                rect.width() - 8,
                max(1, int(rect.height() / 4 / line)),
            )
        )
        top = rect.top() + max(legend_height(legend), 0.5 * line)
        x_labels = not _is_blank(x_axis)
        bottom = rect.bottom() - (line + 5 if x_labels else 4)
        if x_axis.label or x_axis.unit:
            bottom -= text_height() + 1
        row = 1.15 * line if y_axis.tick_labels is not None else 2.6 * line
        # Equal scales may make the figure lower, and fewer ticks can have more digits: leave room for all of them.
        heights = [bottom - top] if self.aspect == "free" else [share * (bottom - top) for share in LOWER_SHARES]
        texts = {text for height in heights for _, text in y_axis.ticks(_tick_count(height, row)).major}
        labels = max((text_width(text, font) for text in texts), default=0.0)
        # In steps, so that the figure does not jump sideways each time a label gains a digit.
        left = rect.left() + min(LABEL_STEP * math.ceil(labels / LABEL_STEP), rect.width() / 3) + 6
        if y_axis.label or y_axis.unit:
            left += text_height() + 2
        right = rect.right()
        scale = self.colour_scale() if rect.width() >= NARROW else None
        if scale is not None:
            bar_width = max(colour_bar_width(scale, height) for height in heights)
            right -= bar_width + BAR_SPACE
        plot = QRectF(left, top, max(10.0, right - left), max(10.0, bottom - top))
        plot = self.fit_aspect(plot, x_axis, y_axis)
        x_ticks = _fitting_ticks(x_axis, plot.width())
        bar = None
        if scale is not None:
            bar = QRectF(plot.right() + BAR_SPACE, plot.top(), bar_width, plot.height())
        # Equal scales may have widened the range after the labels were measured.
        y_ticks = y_axis.ticks(_tick_count(plot.height(), row))
        return Layout(Frame2D(plot, x_axis, y_axis), x_ticks, y_ticks, legend, bar)

    def fit_aspect(self, plot: QRectF, x_axis: Axis, y_axis: Axis) -> QRectF:
        """Give x and y equal scales where asked, by widening the range of one of them."""
        if self.aspect == "equal" and not (x_axis.is_log or y_axis.is_log):
            per_x = (x_axis.high - x_axis.low) / plot.width()
            per_y = (y_axis.high - y_axis.low) / plot.height()
            axis, factor = (x_axis, per_y / per_x) if per_x < per_y else (y_axis, per_x / per_y)
            axis.zoom(factor, (axis.low + axis.high) / 2)
        return plot

    def _follow(self) -> None:
        if not (self.follows_x or self.follows_y) or (bounds := self.bounds()) is None:
            return
        for axis, follows, (low, high), orientation in (
            (self.x_axis, self.follows_x, bounds[0], "vertical"),
            (self.y_axis, self.follows_y, bounds[1], "horizontal"),
        ):
            if follows:
                marks = [line.value for line in self._lines.values() if line.orientation == orientation]
                marks = [value for value in marks if value > 0 or not axis.is_log]
                axis.set_range(*self.with_room(axis, min([low, *marks]), max([high, *marks])))

    def with_room(self, axis: Axis, low: float, high: float) -> tuple[float, float]:
        """Return the range that an axis shows of data from `low` to `high`."""
        return padded(low, high, axis.is_log, share=0.02 if axis is self.x_axis else 0.06)

    def _draw_grid(self, painter: QPainter, layout: Layout) -> None:
        frame, grid = layout.frame, theme().grid
        faint = mixed(grid, theme().background, 0.55)
        for ticks, is_x in ((layout.x_ticks, True), (layout.y_ticks, False)):
            for values, colour in ((ticks.minor, faint), (tuple(value for value, _ in ticks.major), grid)):
                painter.setPen(pen(colour, 1.0))
                for value in values:
                    draw_across(painter, frame, value, is_x)

    def _draw_axes(self, painter: QPainter, rect: QRectF, layout: Layout) -> None:
        frame, colours = layout.frame, theme()
        plot = frame.rect
        painter.setPen(pen(mixed(colours.muted, colours.background, 0.4), 1.0))
        painter.drawRect(plot)
        font = figure_font(SMALL_PX)
        line = text_height(font)
        painter.setFont(font)
        for value, text in layout.x_ticks.major:
            x = plot.left() + float(frame.x.share(value)) * plot.width()
            painter.setPen(pen(colours.muted, 1.0))
            painter.drawLine(QPointF(x, plot.bottom()), QPointF(x, plot.bottom() + 3))
            # A label at the very end of the axis moves in a little rather than being cut off by the view's edge.
            half = text_width(text, font) / 2
            centre = min(max(x, rect.left() + half + 1), rect.right() - half - 1)
            draw_text(painter, QRectF(centre - half, plot.bottom() + 4, 2 * half, line), text, colours.foreground)
        for value, text in layout.y_ticks.major:
            y = plot.bottom() - float(frame.y.share(value)) * plot.height()
            painter.setPen(pen(colours.muted, 1.0))
            painter.drawLine(QPointF(plot.left() - 3, y), QPointF(plot.left(), y))
            room = max(10.0, plot.left() - 5 - rect.left())
            place = QRectF(rect.left(), y - line / 2, room, line)
            draw_text(painter, place, elided(text, room, font), colours.foreground, Qt.AlignmentFlag.AlignRight)
        painter.setFont(figure_font(TEXT_PX))
        height = text_height()
        caption = frame.x.caption(layout.x_ticks)
        if caption:
            place = QRectF(plot.left(), plot.bottom() + line + 4, plot.width(), height)
            draw_text(painter, place, elided(caption, max(plot.width(), 60)), colours.foreground)
        caption = frame.y.caption(layout.y_ticks)
        if caption:
            labels = max((text_width(text, font) for _, text in layout.y_ticks.major), default=0.0)
            left = max(rect.left() + 2, plot.left() - 8 - labels - height)
            place = QRectF(left, plot.top(), height, plot.height())
            draw_text_up(painter, place, elided(caption, max(plot.height(), 60)), colours.foreground)

    # State

    def state(self) -> dict[str, Any]:
        """Return the zoom, where it does not follow the data, and which axes are logarithmic."""
        state: dict[str, Any] = {"log": [self.x_axis.is_log, self.y_axis.is_log]}
        if not self.follows_x:
            state["x"] = [self.x_axis.low, self.x_axis.high]
        if not self.follows_y:
            state["y"] = [self.y_axis.low, self.y_axis.high]
        return state

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore what `state` returned."""
        log = state.get("log")
        if isinstance(log, list) and len(log) == 2:
            self.set_log(x=bool(log[0]), y=bool(log[1]))
        self.set_range(_pair(state.get("x")), _pair(state.get("y")))

    def restyle(self) -> None:
        """Take over the colours of a changed theme."""
        self.refresh()


def _pair(value: object) -> tuple[float, float] | None:
    if isinstance(value, list) and len(value) == 2 and all(isinstance(part, (int, float)) for part in value):
        return float(value[0]), float(value[1])
    return None


def _is_blank(axis: Axis) -> bool:
    return axis.tick_labels is not None and not axis.tick_labels


def _spacing(tick_labels: Sequence[tuple[float, str]]) -> float:
    """Smallest distance between neighbouring labelled positions."""
    positions = sorted(position for position, _ in tick_labels)
    return min((b - a for a, b in pairwise(positions)), default=1.0)


def _tick_count(length: float, each: float) -> int:
    return max(2, int(length / each))


def _fitting_ticks(axis: Axis, width: float) -> Ticks:
    """As many ticks as have room beside each other; labels' widths are only known once they are chosen."""
    font = figure_font(SMALL_PX)
    if axis.tick_labels is not None:
        each = width / max(1.0, axis.high - axis.low) * _spacing(axis.tick_labels)
        if each >= SMALLEST_LABEL:
            ticks = axis.ticks(len(axis.tick_labels))
            return Ticks(tuple((value, elided(text, each - 4, font)) for value, text in ticks.major))
    count = _tick_count(width, 58)
    while True:
        ticks = axis.ticks(count)
        widest = max((text_width(text, font) for _, text in ticks.major), default=0.0)
        if count <= 1 or len(ticks.major) * (widest + 10) <= width + widest:
            return ticks
        count -= 1
