"""BarsView: values of several series in groups, with their spread, every seed, and the paper's value.

│   ┬        ◆ paper
│ ▐█▌•  ▐█▌
│ ▐█▌•  ▐█▌  ▐█▌
└──────────────────
A     B    C
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from workbench.views.axis import Axis, Frame2D
from workbench.views.legend import LegendEntry
from workbench.views.painting import draw_diamond, mixed, pen
from workbench.views.picks import Pick, ReadOut
from workbench.views.plot import Bounds, PlotView
from workbench.views.theme import theme
from workbench.views.ticks import format_number, padded, range_of

GROUP_SHARE = 0.78
"""Share of a group's place that its bars take."""


class BarsView(PlotView):
    """Bars from zero, with whiskers of one standard deviation over seeds, a dot a seed, and reference diamonds.

    Groups lie along x, or along y with `horizontal=True`, which suits long names. `clicked` emits a Pick with the
    series' name and the group's index.
    """

    HAS_LOG_TOGGLES = False

    def __init__(
        self,
        name: str,
        title: str,
        value_label: str = "",
        *,
        unit: str = "",
        group_label: str = "",
        log: bool = False,
        horizontal: bool = False,
        reference_label: str = "paper",
        hint: str = "",
    ) -> None:
        hint = hint or "Hover to read a bar; click a legend entry to hide it."
        super().__init__(name, title, hint=hint)
        self.horizontal, self.reference_label = horizontal, reference_label
        groups, values = (self.y_axis, self.x_axis) if horizontal else (self.x_axis, self.y_axis)
        groups.label, values.label, values.unit, values.is_log = group_label, value_label, unit, log
        groups.tick_labels, groups.is_reversed = [], horizontal
        values.low = 0.1 if log else 0.0
        self._groups: tuple[str, ...] = ()
        self._series: dict[str, np.ndarray] = {}
        self._references: dict[str, np.ndarray] = {}
        self._colours: dict[str, str | int] = {}
        self._hidden: set[str] = set()

    def set_bars(
        self,
        groups: Sequence[str],
        series: Mapping[str, np.ndarray | Sequence[float] | Sequence[Sequence[float]]],
        *,
        references: Mapping[str, np.ndarray | Sequence[float]] | None = None,
        colors: Mapping[str, str | int] | None = None,
    ) -> None:
        """Show each series' values (g,), or (g, seeds), over g groups; NaN where there is none.

        `references` maps series to values (g,) that are drawn as diamonds, as the paper's own numbers; under the
        name "" they belong to the whole group. Raises ValueError where a shape does not fit the groups.
        """
        made: dict[str, np.ndarray] = {}
        for name, values in series.items():
            table = np.asarray(values, np.float64)
            table = table[:, None] if table.ndim == 1 else table
            if table.ndim != 2 or len(table) != len(groups):
                raise ValueError(f"{name}: values of shape {table.shape} for {len(groups)} groups")
            made[name] = table
        self._groups, self._series = tuple(groups), made
        self._references = {name: np.asarray(values, np.float64) for name, values in (references or {}).items()}
        self._colours = {name: (colors or {}).get(name, index) for index, name in enumerate(made)}
        self._group_axis.tick_labels = [(float(index), label) for index, label in enumerate(self._groups)]
        self.show_message("")
        self.refresh()

    def clear(self) -> None:
        """Remove all bars."""
        self.set_bars((), {})

    @property
    def _group_axis(self) -> Axis:
        return self.y_axis if self.horizontal else self.x_axis

    @property
    def _value_axis(self) -> Axis:
        return self.x_axis if self.horizontal else self.y_axis

    def bounds(self) -> Bounds | None:
        """All groups, and values from zero (log: from below the smallest) with spread, seeds and references."""
        parts = [table for name, table in self._series.items() if name not in self._hidden]
        parts += [table[:, None] for table in self._references.values()]
        if not parts or not self._groups:
            return None
        is_log = self._value_axis.is_log
        found = range_of(np.concatenate([part.ravel() for part in parts]), is_log)
        if found is None:
            return None
        low, high = (found[0] / 2, found[1]) if is_log else (min(0.0, found[0]), max(0.0, found[1]))
        for name, table in self._series.items():
            if name not in self._hidden:
                mean, spread = mean_and_spread(table)
                high = max(high, float(np.nanmax(mean + spread, initial=-np.inf)))
        groups, values = (-0.5, len(self._groups) - 0.5), (low, high)
        return (values, groups) if self.horizontal else (groups, values)

    def with_room(self, axis: Axis, low: float, high: float) -> tuple[float, float]:
        """Let bars stand on zero, and groups fill their axis."""
        if axis is self._group_axis:
            return low, high
        low_room, high_room = padded(low, high, axis.is_log, share=0.06)
        return (low if low == 0 else low_room), (high if high == 0 else high_room)

    def draw(self, painter: QPainter, frame: Frame2D, *, is_export: bool) -> None:
        """Draw bars, then whiskers and seeds, then references."""
        shown = [name for name in self._series if name not in self._hidden]
        width = GROUP_SHARE / max(1, len(shown))
        axis = frame.x if self.horizontal else frame.y
        base = axis.low if axis.is_log else 0.0
        for place, name in enumerate(shown):
            table = self._series[name]
            mean, spread = mean_and_spread(table)
            colour = theme().colour(self._colours[name])
            for group in range(len(self._groups)):
                if not np.isfinite(mean[group]) or (axis.is_log and mean[group] <= 0):
                    continue
                centre = group - GROUP_SHARE / 2 + (place + 0.5) * width
                corner = self._point(frame, centre - 0.46 * width, base)
                bar = QRectF(corner, self._point(frame, centre + 0.46 * width, mean[group])).normalized()
                painter.fillRect(bar, QColor(mixed(colour, theme().background, 0.15)))
                self._draw_seeds(painter, frame, centre, width, table[group], mean[group], spread[group])
        for name, values in self._references.items():
            for group, value in enumerate(values[: len(self._groups)]):
                if np.isfinite(value) and name not in self._hidden:
                    offset = (shown.index(name) + 0.5) * width - GROUP_SHARE / 2 if name in shown else 0.0
                    draw_diamond(painter, self._point(frame, group + offset, value), 5.5, theme().foreground)

    def _draw_seeds(
        self,
        painter: QPainter,
        frame: Frame2D,
        centre: float,
        width: float,
        values: np.ndarray,
        mean: float,
        spread: float,
    ) -> None:
        good = values[np.isfinite(values)]
        if len(good) < 2:
            return
        painter.setPen(pen(theme().foreground, 1.3))
        axis = frame.x if self.horizontal else frame.y
        low, high = max(mean - spread, axis.low) if axis.is_log else mean - spread, mean + spread
        painter.drawLine(self._point(frame, centre, low), self._point(frame, centre, high))
        for end in (low, high):
            painter.drawLine(
                self._point(frame, centre - 0.12 * width, end), self._point(frame, centre + 0.12 * width, end)
            )
        painter.setPen(pen(theme().background, 0.8))
        painter.setBrush(QColor(theme().foreground))
        for index, value in enumerate(good):
            # Seeds are spread evenly over the bar in their own order: a random jitter would move at each paint.
            across = 0.0 if len(good) == 1 else 0.5 * (index / (len(good) - 1) - 0.5)
            painter.drawEllipse(self._point(frame, centre + across * width, value), 2.6, 2.6)
        painter.setBrush(Qt.BrushStyle.NoBrush)

    def _point(self, frame: Frame2D, group: float, value: float) -> QPointF:
        return frame.point(value, group) if self.horizontal else frame.point(group, value)

    def legend_entries(self) -> Sequence[LegendEntry]:
        """The series if there are several, and what the diamonds are."""
        entries = [
            LegendEntry(name, name, theme().colour(self._colours[name]), "box", is_on=name not in self._hidden)
            for name in self._series
        ]
        entries = entries if len(entries) > 1 else []
        if self._references:
            entries.append(LegendEntry("", self.reference_label, theme().foreground, "diamond"))
        return tuple(entries)

    def legend_clicked(self, name: str) -> None:
        """Hide or show a series."""
        if name in self._series:
            self._hidden ^= {name}
            self.refresh()

    def pick(self, frame: Frame2D, position: QPointF) -> Pick:
        """Return the series and the group under the mouse."""
        x, y = frame.data(position)
        along = y if self.horizontal else x
        group = round(along)
        shown = [name for name in self._series if name not in self._hidden]
        if not 0 <= group < len(self._groups) or not shown:
            return Pick(x, y)
        place = int((along - group + GROUP_SHARE / 2) / GROUP_SHARE * len(shown))
        return Pick(x, y, shown[min(max(place, 0), len(shown) - 1)], group)

    def read_out(self, frame: Frame2D, position: QPointF) -> ReadOut | None:
        """Say what the bar under the mouse is."""
        found = self.pick(frame, position)
        if found.index < 0:
            return None
        values = self._series[found.series][found.index]
        good = values[np.isfinite(values)]
        mean, spread = (float(part[0]) for part in mean_and_spread(values[None]))
        unit = f" {self._value_axis.unit}" if self._value_axis.unit else ""
        text = f"{format_number(mean)}{unit}"
        if len(good) > 1:
            text = f"{format_number(mean)} ± {format_number(spread, 2)}{unit} (s.d., {len(good)} seeds)"
        lines = [
            (theme().foreground, self._groups[found.index]),
            (theme().colour(self._colours[found.series]), f"{found.series}  {text}"),
        ]
        reference = self._references.get(found.series, self._references.get(""))
        if reference is not None and np.isfinite(reference[found.index]):
            lines.append((theme().muted, f"{self.reference_label}  {format_number(reference[found.index])}{unit}"))
        return ReadOut(tuple(lines), has_crosshair=False)

    def data(self) -> Mapping[str, np.ndarray]:
        """Groups, and for each series its seeds' values (g, seeds), and the references."""
        if not self._groups:
            return {}
        columns: dict[str, np.ndarray] = {"group": np.array(self._groups)}
        for name, table in self._series.items():
            columns[name] = table[:, 0] if table.shape[1] == 1 else table
        for name, values in self._references.items():
            columns[f"{name} {self.reference_label}".strip()] = values
        return columns


def mean_and_spread(table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and sample standard deviation (n - 1) over the finite entries of each row (g, seeds); 0 for one seed."""
    is_finite = np.isfinite(table)
    count = is_finite.sum(1)
    filled = np.where(is_finite, table, 0.0)
    mean = np.where(count > 0, filled.sum(1) / np.maximum(count, 1), np.nan)
    squares = np.where(is_finite, (table - mean[:, None]) ** 2, 0.0).sum(1)
    return mean, np.sqrt(squares / np.maximum(count - 1, 1))


if __name__ == "__main__":
    from workbench.views.demo import show_demo

    def _make() -> BarsView:
        view = BarsView("means", "Mean error", "error", unit="°")
        values = np.random.default_rng(0).uniform(0.8, 1.2, (3, 5))
        view.set_bars(("chair", "sofa", "bed"), {"6D": values, "quaternion": 3 * values}, references={"6D": [1, 1, 1]})
        return view

    show_demo(_make)
