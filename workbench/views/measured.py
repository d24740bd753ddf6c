"""MeasuredView: theory as curves, with measured points and their spread on top.

│    ╲        ┬
│     ╲______ ●     ── theory   ● measured, whiskers of one standard deviation
│   ●     ●
└──────────────
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor, QPainter

from workbench.views.curves import CurvesView
from workbench.views.legend import LegendEntry
from workbench.views.painting import draw_segments, pen
from workbench.views.picks import Pick, ReadOut
from workbench.views.theme import theme
from workbench.views.ticks import format_number, range_of

if TYPE_CHECKING:
    from jaxtyping import Float

    from workbench.views.axis import Frame2D
    from workbench.views.plot import Bounds

RADIUS, CAP = 4.2, 4.0
"""Of a point and of a whisker's end, in logical pixels."""
REACH = 12.0


@dataclass(frozen=True)
class _Points:
    x: Float[np.ndarray, " n"]
    y: Float[np.ndarray, " n"]
    spread: Float[np.ndarray, " n"]
    label: str
    colour: str | int


class MeasuredView(CurvesView):
    """CurvesView with sets of points that have error bars. `clicked` reports a near point by its set's name."""

    def __init__(self, name: str, title: str, x_label: str = "", y_label: str = "", **options: object) -> None:
        super().__init__(name, title, x_label, y_label, **options)  # type: ignore[arg-type]
        self._points: dict[str, _Points] = {}

    def set_points(
        self,
        name: str,
        x: np.ndarray | Sequence[float],
        y: np.ndarray | Sequence[float],
        spread: np.ndarray | Sequence[float] | None = None,
        *,
        color: str | int = 0,
        label: str = "",
    ) -> None:
        """Draw or replace points (n,) with whiskers of `spread`; raise ValueError where the lengths differ."""
        xs, ys = np.asarray(x, np.float64).ravel(), np.asarray(y, np.float64).ravel()
        away = np.zeros_like(ys) if spread is None else np.asarray(spread, np.float64).ravel()
        if not len(xs) == len(ys) == len(away):
            raise ValueError(f"{name}: {len(xs)} positions, {len(ys)} values and {len(away)} spreads")
        self._points[name] = _Points(xs, ys, np.nan_to_num(away), label or name, color)
        self.show_message("")
        self.refresh()

    def remove_points(self, name: str) -> None:
        """Remove a set of points, if there is one."""
        self._points.pop(name, None)
        self.refresh()

    @property
    def point_names(self) -> tuple[str, ...]:
        """Names of the sets of points."""
        return tuple(self._points)

    def clear(self) -> None:
        """Remove curves and points."""
        self._points.clear()
        super().clear()

    def _shown_points(self) -> dict[str, _Points]:
        return {name: own for name, own in self._points.items() if name not in self._hidden and len(own.x)}

    def bounds(self) -> Bounds | None:
        """Ranges of curves and points together."""
        found = super().bounds()
        x_ranges, y_ranges = ([found[0]], [found[1]]) if found else ([], [])
        for own in self._shown_points().values():
            x_ranges += [r for r in (range_of(own.x, self.x_axis.is_log),) if r]
            edges = np.concatenate([own.y - own.spread, own.y + own.spread])
            y_ranges += [r for r in (range_of(edges, self.y_axis.is_log),) if r]
        if not x_ranges or not y_ranges:
            return None
        lows, highs = zip(*x_ranges, strict=True)
        bottoms, tops = zip(*y_ranges, strict=True)
        return (min(lows), max(highs)), (min(bottoms), max(tops))

    def draw(self, painter: QPainter, frame: Frame2D, *, is_export: bool) -> None:
        """Draw the curves, then the points over them."""
        super().draw(painter, frame, is_export=is_export)
        for own in self._shown_points().values():
            colour = theme().colour(own.colour)
            centre = frame.points(own.x, own.y)
            floor = frame.y.low if frame.y.is_log else -np.inf
            high = frame.points(own.x, own.y + own.spread)
            low = frame.points(own.x, np.maximum(own.y - own.spread, floor))
            has_bar = (own.spread > 0) & np.isfinite(np.concatenate([high, low], 1)).all(1)
            bars = np.concatenate([high, low], 1)[has_bar]
            cap = np.array([(-CAP, 0.0, CAP, 0.0)])
            ends = [np.concatenate([edge[has_bar], edge[has_bar]], 1) + cap for edge in (high, low)]
            draw_segments(painter, np.concatenate([bars, *ends]), pen(colour, 1.4))
            painter.setPen(pen(theme().background, 1.2))
            painter.setBrush(QColor(colour))
            for x, y in centre[np.isfinite(centre).all(1)].tolist():
                painter.drawEllipse(QPointF(x, y), RADIUS, RADIUS)
        painter.setBrush(QColor(0, 0, 0, 0))

    def legend_entries(self) -> Sequence[LegendEntry]:
        """The curves', and a dot for each set of points."""
        dots = (
            LegendEntry(name, own.label, theme().colour(own.colour), "dot", is_on=name not in self._hidden)
            for name, own in self._points.items()
        )
        return (*super().legend_entries(), *dots)

    def _near(self, frame: Frame2D, position: QPointF) -> tuple[str, int] | None:
        best: tuple[float, str, int] | None = None
        for name, own in self._shown_points().items():
            away = np.hypot(*(frame.points(own.x, own.y) - (position.x(), position.y())).T)
            away = np.where(np.isfinite(away), away, np.inf)
            index = int(away.argmin())
            if away[index] <= REACH and (best is None or away[index] < best[0]):
                best = float(away[index]), name, index
        return (best[1], best[2]) if best else None

    def read_out(self, frame: Frame2D, position: QPointF) -> ReadOut | None:
        """A near point with its spread; else the curves."""
        near = self._near(frame, position)
        if near is None:
            return super().read_out(frame, position)
        name, index = near
        own = self._points[name]
        x, y, colour = float(own.x[index]), float(own.y[index]), theme().colour(own.colour)
        spread = f" ± {format_number(own.spread[index])}" if own.spread[index] > 0 else ""
        lines = (
            (theme().foreground, f"{self.x_axis.label or 'x'} {format_number(x, 5)}"),
            (colour, f"{own.label}  {format_number(y)}{spread}"),
        )
        return ReadOut(lines, ((x, y, colour),))

    def pick(self, frame: Frame2D, position: QPointF) -> Pick:
        """A near point, else what the curves say."""
        near = self._near(frame, position)
        if near is None:
            return super().pick(frame, position)
        own = self._points[near[0]]
        return Pick(float(own.x[near[1]]), float(own.y[near[1]]), *near)

    def data(self) -> Mapping[str, np.ndarray]:
        """The curves' columns, and x, mean and spread of each set of points."""
        columns = dict(super().data())
        for name, own in self._points.items():
            if len(own.x):
                columns |= {f"{name}.at": own.x, f"{name}.mean": own.y, f"{name}.spread": own.spread}
        return columns


if __name__ == "__main__":
    from workbench.views.demo import show_demo

    def _make() -> MeasuredView:
        view = MeasuredView("m", "Magnetisation", "load", "m")
        x = np.linspace(0, 1, 80)
        view.set_series("theory", x, np.sqrt(np.maximum(0, 1 - x)))
        view.set_points("measured", x[::10], np.sqrt(np.maximum(0, 1 - x[::10])) - 0.02, np.full(8, 0.05), color=1)
        return view

    show_demo(_make)
