"""CurvesView: many curves over one axis, of any length.

── train  ── test  ◆ paper
y │ ╲___
│     ╲________      faint: the raw values under a smoothed curve
└───────────────
step
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QPointF, Qt, Slot
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QSlider, QWidget, QWidgetAction

from workbench.sdk import MetricsHistory
from workbench.views.axis import Frame2D
from workbench.views.decimation import decimate, smoothed, visible_slice
from workbench.views.legend import LegendEntry
from workbench.views.painting import LineStyle, draw_curve, mixed, polygon, runs_of_finite
from workbench.views.picks import Pick, ReadOut
from workbench.views.plot import Bounds, PlotView
from workbench.views.theme import theme
from workbench.views.ticks import format_number, range_of

if TYPE_CHECKING:
    from jaxtyping import Float

SMOOTHING_NOTCHES = 100
FAINT = 0.68
"""Share of the background in the colour of faint curves: opaque, since translucent pens draw many times slower."""


def positive(values: np.ndarray) -> Float[np.ndarray, "*n"]:
    """Values for a logarithmic axis: what is not positive becomes a gap."""
    values = np.asarray(values, float)
    return np.where(values > 0, values, np.nan)


@dataclass
class _Series:
    x: Float[np.ndarray, " n"]
    y: Float[np.ndarray, " n"]
    label: str
    colour: str | int
    width: float
    style: LineStyle
    is_faint: bool
    group: str
    band: tuple[np.ndarray, np.ndarray] | None
    is_ascending: bool
    smooth: tuple[float, np.ndarray] | None = None
    ranges: dict[tuple[str, bool], tuple[float, float] | None] = field(default_factory=dict)

    def range(self, part: str, is_log: bool) -> tuple[float, float] | None:
        """Range of `x`, `y` or a band's `low` or `high`; kept, since a million values take milliseconds."""
        if part == "x" and self.is_ascending and len(self.x) and self.x[0] > (0 if is_log else -np.inf):
            return float(self.x[0]), float(self.x[-1])
        if (part, is_log) not in self.ranges:
            values = {"x": self.x, "y": self.y} | dict(zip(("low", "high"), self.band or (), strict=False))
            self.ranges[part, is_log] = range_of(values[part], is_log)
        return self.ranges[part, is_log]

    def shown_y(self, weight: float) -> np.ndarray:
        """The values that the main curve shows; smoothing is computed once per weight and data."""
        if weight == 0 or not self.is_ascending:
            return self.y
        if self.smooth is None or self.smooth[0] != weight:
            self.smooth = weight, smoothed(self.y, weight)
        return self.smooth[1]


class CurvesView(PlotView):
    """Curves with legend, read-out, log axes, smoothing, bands and gaps; fluid with a million points a curve.

    `clicked` emits a Pick with the series' name and the nearest point of it.
    """

    def __init__(
        self,
        name: str,
        title: str,
        x_label: str = "step",
        y_label: str = "",
        *,
        x_unit: str = "",
        y_unit: str = "",
        log_x: bool = False,
        log_y: bool = False,
        smoothing: float = 0.0,
        hint: str = "",
    ) -> None:
        super().__init__(
            name,
            title,
            x_label=x_label,
            y_label=y_label,
            x_unit=x_unit,
            y_unit=y_unit,
            log_x=log_x,
            log_y=log_y,
            hint=hint or "Hover to read values; click a legend entry to hide it; drag pans, wheel zooms, A fits.",
        )
        self._series: dict[str, _Series] = {}
        self._hidden: set[str] = set()
        self._smoothing = smoothing

    def set_series(
        self,
        name: str,
        x: np.ndarray | Sequence[float],
        y: np.ndarray | Sequence[float],
        *,
        color: str | int | None = None,
        width: float = 1.6,
        style: LineStyle = "solid",
        faint: bool = False,
        band: tuple[np.ndarray, np.ndarray] | None = None,
        label: str | None = None,
        group: str = "",
    ) -> None:
        """Draw or replace the curve `name` through x (n,) and y (n,); NaN makes gaps.

        `color` is a hex string or, better, an index of the theme's series (by default the next one). `faint` draws
        it pale and leaves it out of the legend, as for single seeds. `band` is a (low, high) pair of (n,) arrays.
        Curves of one `group` share a legend entry that shows the group's name, and their colour. Raises ValueError
        where x and y differ in length.
        """
        xs, ys = np.asarray(x, np.float64).ravel(), np.asarray(y, np.float64).ravel()
        if len(xs) != len(ys):
            raise ValueError(f"{name}: {len(xs)} positions but {len(ys)} values")
        if band is not None:
            low, high = (np.broadcast_to(np.asarray(edge, np.float64), xs.shape) for edge in band)
            band = low, high
        if color is None:
            color = self._next_colour(name, group)
        self._series[name] = _Series(
            xs,
            ys,
            label if label is not None else name,
            color,
            width,
            style,
            faint,
            group,
            band,
            bool(np.all(xs[1:] >= xs[:-1])),
        )
        self.show_message("")
        self.refresh()

    def remove_series(self, name: str) -> None:
        """Remove the curve `name`, if there is one."""
        self._series.pop(name, None)
        self.refresh()

    def clear(self) -> None:
        """Remove all curves; reference lines and spans stay."""
        self._series.clear()
        self.refresh()

    @property
    def series_names(self) -> tuple[str, ...]:
        """Names of the curves, in the order in which they are drawn."""
        return tuple(self._series)

    def show_history(
        self,
        history: MetricsHistory,
        names: Mapping[str, str] | Sequence[str] | None = None,
        *,
        colors: Mapping[str, str | int] | None = None,
        faint: Sequence[str] = (),
    ) -> None:
        """Draw metrics of a run: `names` maps each to its label (default: all); those not measured yet are left out."""
        if names is None:
            names = history.names
        labels = dict(names) if isinstance(names, Mapping) else {name: name for name in names}
        for index, (name, label) in enumerate(labels.items()):
            if name in history:
                steps, values = history[name]
                color = (colors or {}).get(name, index)
                self.set_series(name, steps, values, label=label, color=color, faint=name in faint)
            else:
                self.remove_series(name)

    @property
    def smoothing(self) -> float:
        """Weight of the past in the smoothed curves, in [0, 1); 0 draws the raw ones only."""
        return self._smoothing

    @smoothing.setter
    def smoothing(self, weight: float) -> None:
        self._smoothing = min(max(0.0, float(weight)), 0.9999)
        self.refresh()

    def set_shown(self, name: str, shown: bool) -> None:
        """Show or hide a curve (or a group) as a click on its legend entry does."""
        (self._hidden.discard if shown else self._hidden.add)(name)
        self.refresh()

    # Drawing

    def bounds(self) -> Bounds | None:
        """Ranges of all curves that are shown, with their bands."""
        shown = [series for name, series in self._series.items() if self._is_shown(name, series)]
        x_ranges, y_ranges = [], []
        for series in shown:
            # A smoothed curve lies between the raw extremes, so those are enough.
            x_ranges.append(series.range("x", self.x_axis.is_log))
            parts = ("y", "low", "high") if series.band is not None else ("y",)
            y_ranges += [series.range(part, self.y_axis.is_log) for part in parts]
        x_good, y_good = [r for r in x_ranges if r], [r for r in y_ranges if r]
        if not x_good or not y_good:
            return None
        return (
            (min(low for low, _ in x_good), max(high for _, high in x_good)),
            (min(low for low, _ in y_good), max(high for _, high in y_good)),
        )

    def draw(self, painter: QPainter, frame: Frame2D, *, is_export: bool) -> None:
        """Draw bands, then faint curves, then the others."""
        shown = [series for name, series in self._series.items() if self._is_shown(name, series)]
        for series in shown:
            if series.band is not None:
                self._draw_band(painter, frame, series)
        for series in shown:
            if series.is_faint or (self._smoothing and series.is_ascending):
                pale = mixed(theme().colour(series.colour), theme().background, FAINT)
                self._draw_one(painter, frame, series, series.y, pale, 1.0, is_export)
        for series in shown:
            if not series.is_faint:
                y, colour = series.shown_y(self._smoothing), theme().colour(series.colour)
                self._draw_one(painter, frame, series, y, colour, series.width, is_export)

    def _draw_one(
        self,
        painter: QPainter,
        frame: Frame2D,
        series: _Series,
        y: np.ndarray,
        colour: str,
        width: float,
        is_export: bool,
    ) -> None:
        x = series.x
        if series.is_ascending and len(x):
            columns = int(frame.rect.width())
            x, y = decimate(x, y, frame.x.low, frame.x.high, columns, is_log=frame.x.is_log)
        draw_curve(painter, frame.points(x, y), colour, width, series.style, is_export=is_export)

    def _draw_band(self, painter: QPainter, frame: Frame2D, series: _Series) -> None:
        assert series.band is not None
        low, high = series.band
        columns = int(frame.rect.width())
        floor = frame.y.low if frame.y.is_log else -np.inf
        if series.is_ascending and len(series.x):
            axis = frame.x
            x, low = decimate(series.x, np.maximum(low, floor), axis.low, axis.high, columns, is_log=axis.is_log)
            _, high = decimate(series.x, np.maximum(high, floor), axis.low, axis.high, columns, is_log=axis.is_log)
        else:
            x = series.x
        upper, lower = frame.points(x, high), frame.points(x, low)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(_translucent(theme().colour(series.colour)))
        # Gaps of the lower edge are gaps of the upper one too, so both are cut at the same places.
        both = np.concatenate([upper, lower], axis=1)
        for run in runs_of_finite(both):
            painter.drawPolygon(polygon(np.concatenate([run[:, :2], run[::-1, 2:]])))
        painter.setBrush(Qt.BrushStyle.NoBrush)

    def legend_entries(self) -> Sequence[LegendEntry]:
        """One entry a group, or a curve without one; faint curves outside groups have none."""
        entries: dict[str, LegendEntry] = {}
        for name, series in self._series.items():
            key = series.group or name
            if key in entries or (series.is_faint and not series.group):
                continue
            label = series.group or series.label
            colour = theme().colour(series.colour)
            entries[key] = LegendEntry(key, label, colour, "line", series.style, key not in self._hidden)
        only = next(iter(entries.values()), None)
        is_obvious = (
            len(entries) == 1 and only is not None and only.is_on and only.label in (self.title, self.y_axis.label)
        )
        return () if is_obvious else tuple(entries.values())

    def legend_clicked(self, name: str) -> None:
        """Hide or show a curve or group."""
        self.set_shown(name, name in self._hidden)

    # Mouse

    def read_out(self, frame: Frame2D, position: QPointF) -> ReadOut | None:
        """Values of every curve at the mouse's x."""
        x, _ = frame.data(position)
        x_name = self.x_axis.label or "x"
        lines = [(theme().foreground, f"{x_name} {format_number(x, 5)}")]
        points = []
        for name, series in self._series.items():
            if series.is_faint or not self._is_shown(name, series) or not len(series.x):
                continue
            index = self._index_at(frame, series, position)
            if index is None:
                continue
            y = series.shown_y(self._smoothing)[index]
            colour = theme().colour(series.colour)
            unit = f" {self.y_axis.unit}" if self.y_axis.unit else ""
            lines.append((colour, f"{series.label}  {format_number(y)}{unit}"))
            points.append((float(series.x[index]), float(y), colour))
            if len(points) == 1:
                lines[0] = (theme().foreground, f"{x_name} {format_number(series.x[index], 7)}")
        return ReadOut(tuple(lines), tuple(points)) if points else None

    def pick(self, frame: Frame2D, position: QPointF) -> Pick:
        """Return the nearest point of the nearest curve; without curves, the place itself."""
        best: tuple[float, Pick] | None = None
        for name, series in self._series.items():
            if not self._is_shown(name, series) or (index := self._index_at(frame, series, position)) is None:
                continue
            x, y = float(series.x[index]), float(series.shown_y(self._smoothing)[index])
            away = frame.point(x, y) - position
            distance = away.x() ** 2 + away.y() ** 2
            if best is None or distance < best[0]:
                best = distance, Pick(x, y, name, index)
        return best[1] if best else super().pick(frame, position)

    def _index_at(self, frame: Frame2D, series: _Series, position: QPointF) -> int | None:
        """Index of the finite point nearest to the mouse: in x for a curve over x, in the plane for a path."""
        y = series.shown_y(self._smoothing)
        if series.is_ascending:
            x, _ = frame.data(position)
            one_pixel = abs(frame.data(position + QPointF(3, 0))[0] - x)
            part = visible_slice(series.x, x - one_pixel, x + one_pixel)
        else:
            part = slice(0, len(series.x))
        points = frame.points(series.x[part], y[part])
        if not len(points):
            return None
        away = points - (position.x(), position.y())
        # Beside the mouse's column lie both neighbours; the nearer one in x counts, unless the curve is a path.
        distance = np.abs(away[:, 0]) if series.is_ascending else np.hypot(away[:, 0], away[:, 1])
        distance = np.where(np.isfinite(points).all(1), distance, np.inf)
        nearest = int(np.argmin(distance))
        return part.start + nearest if np.isfinite(distance[nearest]) else None

    # Menu, data, state

    def fill_menu(self, menu: QMenu) -> None:
        """Add the smoothing slider."""
        row = QWidget()
        layout = QHBoxLayout(row)
        layout.setContentsMargins(12, 2, 12, 2)
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setRange(0, SMOOTHING_NOTCHES)
        slider.setValue(_notch_of(self._smoothing))
        slider.setMinimumWidth(120)
        slider.setAccessibleName("Smoothing")
        slider.valueChanged.connect(self._smoothing_moved)
        layout.addWidget(QLabel("Smooth"))
        layout.addWidget(slider)
        action = QWidgetAction(menu)
        action.setDefaultWidget(row)
        menu.addAction(action)

    @Slot(int)
    def _smoothing_moved(self, notch: int) -> None:
        self.smoothing = _weight_of(notch)

    def data(self) -> Mapping[str, np.ndarray]:
        """Columns `x` and a column a curve where all share x, else a pair of columns a curve; bands beside them."""
        series = list(self._series.items())
        if not series:
            return {}
        columns: dict[str, np.ndarray] = {}
        x_name = self.x_axis.label or "x"
        first = series[0][1].x
        is_shared = all(one.x is first or np.array_equal(one.x, first) for _, one in series)
        if is_shared:
            columns[x_name] = first
        for name, one in series:
            if not is_shared:
                columns[f"{name}.{x_name}"] = one.x
            columns[name] = one.y
            if one.band is not None:
                columns[f"{name}.low"], columns[f"{name}.high"] = one.band
        return columns

    def state(self) -> dict[str, Any]:
        """Zoom, log axes, smoothing and hidden curves."""
        return super().state() | {"smoothing": self._smoothing, "hidden": sorted(self._hidden)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore what `state` returned."""
        super().restore(state)
        if isinstance(weight := state.get("smoothing"), (int, float)):
            self.smoothing = weight
        if isinstance(hidden := state.get("hidden"), list):
            self._hidden = {name for name in hidden if isinstance(name, str)}
        self.refresh()

    def _is_shown(self, name: str, series: _Series) -> bool:
        return (series.group or name) not in self._hidden

    def _next_colour(self, name: str, group: str) -> str | int:
        if name in self._series:
            return self._series[name].colour
        for series in self._series.values():
            if group and series.group == group:
                return series.colour
        taken = {series.colour for series in self._series.values()}
        return next(index for index in range(len(self._series) + 1) if index not in taken)


def _translucent(colour: str) -> QColor:
    made = QColor(colour)
    made.setAlphaF(0.2)
    return made


def _weight_of(notch: int) -> float:
    """Slider notch to weight: the span 1 / (1 - weight) grows evenly in its logarithm, up to 1000 steps."""
    return 0.0 if notch <= 0 else 1 - 10.0 ** (-3 * notch / SMOOTHING_NOTCHES)


def _notch_of(weight: float) -> int:
    return round(-np.log10(1 - min(weight, 0.999)) / 3 * SMOOTHING_NOTCHES)


if __name__ == "__main__":
    from workbench.views.demo import show_demo

    def _make() -> CurvesView:
        view = CurvesView("loss", "Loss", y_label="loss", log_y=True, smoothing=0.9)
        steps, rng = np.arange(4000), np.random.default_rng(0)
        for index, name in enumerate(("quaternion", "6D")):
            view.set_series(name, steps, np.exp(-steps / 900 - index) + 0.02 * rng.exponential(size=4000))
        view.set_line("paper", 0.02, label="paper")
        return view

    show_demo(_make)
