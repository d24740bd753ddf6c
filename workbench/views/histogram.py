"""HistogramView: how values are distributed, several sets over the same bins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from PySide6.QtCore import QPointF, Qt

from workbench.views.axis import Axis, Frame2D
from workbench.views.legend import LegendEntry
from workbench.views.painting import draw_curve, polygon, with_alpha
from workbench.views.picks import Pick, ReadOut
from workbench.views.plot import Bounds, PlotView
from workbench.views.theme import theme
from workbench.views.ticks import format_number, padded, range_of

if TYPE_CHECKING:
    from PySide6.QtGui import QPainter

MAX_BINS = 200


@dataclass
class _Set:
    values: np.ndarray | None
    counts: np.ndarray
    edges: np.ndarray
    label: str
    colour: str | int


class HistogramView(PlotView):
    """Histograms as filled steps. `clicked` emits a Pick with the set's name and the bin's index.

    `bins` is a number, the edges, or "auto" (Freedman & Diaconis 1981 over all sets together).
    """

    def __init__(
        self,
        name: str,
        title: str,
        x_label: str = "",
        *,
        x_unit: str = "",
        log_x: bool = False,
        log_y: bool = False,
        bins: int | Sequence[float] | Literal["auto"] = "auto",
        density: bool = False,
        hint: str = "",
    ) -> None:
        super().__init__(
            name,
            title,
            x_label=x_label,
            x_unit=x_unit,
            y_label="density" if density else "count",
            log_x=log_x,
            log_y=log_y,
            hint=hint or "Hover to read a bin; click a legend entry to hide it; drag pans, wheel zooms, A fits.",
        )
        self.bins, self.density = bins, density
        self._sets: dict[str, _Set] = {}
        self._hidden: set[str] = set()

    def set_samples(
        self,
        name: str,
        values: np.ndarray | Sequence[float],
        *,
        color: str | int | None = None,
        label: str | None = None,
    ) -> None:
        """Show the distribution of values (any shape); what is not finite is left out."""
        flat = np.asarray(values, np.float64).ravel()
        self._put(name, _Set(flat[np.isfinite(flat)], np.empty(0), np.empty(0), label or name, 0), color)
        self._bin()

    def set_counts(
        self,
        name: str,
        edges: np.ndarray,
        counts: np.ndarray,
        *,
        color: str | int | None = None,
        label: str | None = None,
    ) -> None:
        """Show counts (k,) between edges (k + 1,) that were made elsewhere, as in the worker."""
        edges, counts = np.asarray(edges, np.float64), np.asarray(counts, np.float64)
        if len(edges) != len(counts) + 1:
            raise ValueError(f"{name}: {len(counts)} counts need {len(counts) + 1} edges, not {len(edges)}")
        self._put(name, _Set(None, counts, edges, label or name, 0), color)
        self.refresh()

    def _put(self, name: str, made: _Set, color: str | int | None) -> None:
        before = self._sets.get(name)
        made.colour = color if color is not None else before.colour if before else len(self._sets)
        self._sets[name] = made
        self.show_message("")

    def remove_samples(self, name: str) -> None:
        """Remove a set, if there is one of this name."""
        self._sets.pop(name, None)
        self._bin()

    def clear(self) -> None:
        """Remove all sets."""
        self._sets.clear()
        self.refresh()

    def set_log(self, *, x: bool | None = None, y: bool | None = None) -> None:
        """Make axes logarithmic; bins are then equal in the logarithm."""
        super().set_log(x=x, y=y)
        self._bin()

    def _bin(self) -> None:
        sampled = [one for one in self._sets.values() if one.values is not None]
        everything = np.concatenate([one.values for one in sampled if one.values is not None] or [np.empty(0)])
        if self.x_axis.is_log:
            everything = everything[everything > 0]
        edges = shared_edges(everything, self.bins, is_log=self.x_axis.is_log)
        for one in sampled:
            if one.values is not None:
                one.edges, one.counts = edges, np.histogram(one.values, edges)[0].astype(np.float64)
        self.refresh()

    def _heights(self, one: _Set) -> np.ndarray:
        if not self.density:
            return one.counts
        return one.counts / np.maximum(1e-300, one.counts.sum() * np.diff(one.edges))

    def bounds(self) -> Bounds | None:
        """From the first to the last edge, and from zero (on a log axis: half the smallest count) to the top."""
        shown = [one for name, one in self._sets.items() if name not in self._hidden and len(one.counts)]
        ranges = [range_of(one.edges, self.x_axis.is_log) for one in shown]
        tops = [range_of(self._heights(one), is_log=True) for one in shown]
        good_x, good_y = [found for found in ranges if found], [found for found in tops if found]
        if not good_x or not good_y:
            return None
        low = 0.5 * min(found[0] for found in good_y) if self.y_axis.is_log else 0.0
        x_range = min(found[0] for found in good_x), max(found[1] for found in good_x)
        return x_range, (low, max(found[1] for found in good_y))

    def with_room(self, axis: Axis, low: float, high: float) -> tuple[float, float]:
        """Let the bars stand on the axis."""
        if axis is self.y_axis and not axis.is_log:
            return 0.0, high * 1.06 or 1.0
        return padded(low, high, axis.is_log, share=0.02)

    def draw(self, painter: QPainter, frame: Frame2D, *, is_export: bool) -> None:
        """Draw filled steps, all fills below all outlines."""
        shown = [one for name, one in self._sets.items() if name not in self._hidden and len(one.counts)]
        floor = frame.y.low
        steps = []
        for one in shown:
            heights = np.maximum(self._heights(one), floor)
            x = np.repeat(one.edges, 2)
            y = np.concatenate([[floor], np.repeat(heights, 2), [floor]])
            points = frame.points(x, y)
            points = points[np.isfinite(points).all(1)]
            steps.append(points)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(with_alpha(theme().colour(one.colour), 0.55 if len(shown) == 1 else 0.22))
            painter.drawPolygon(polygon(points))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for one, points in zip(shown, steps, strict=True):
            draw_curve(painter, points, theme().colour(one.colour), 1.5, is_export=is_export)

    def legend_entries(self) -> Sequence[LegendEntry]:
        """The sets, if there are several."""
        if len(self._sets) < 2:
            return ()
        return tuple(
            LegendEntry(name, one.label, theme().colour(one.colour), "box", is_on=name not in self._hidden)
            for name, one in self._sets.items()
        )

    def legend_clicked(self, name: str) -> None:
        """Hide or show a set."""
        self._hidden ^= {name}
        self.refresh()

    def read_out(self, frame: Frame2D, position: QPointF) -> ReadOut | None:
        """Say what the bin under the mouse holds."""
        x, _ = frame.data(position)
        lines: list[tuple[str, str]] = []
        for name, one in self._sets.items():
            index = _bin_at(one.edges, x)
            if name in self._hidden or index < 0:
                continue
            if not lines:
                low, high = one.edges[index], one.edges[index + 1]
                unit = f" {self.x_axis.unit}" if self.x_axis.unit else ""
                lines.append((theme().muted, f"{format_number(low)} to {format_number(high)}{unit}"))
            total = one.counts.sum() or 1.0
            text = f"{one.label}  {format_number(one.counts[index])} ({100 * one.counts[index] / total:.1f} %)"
            lines.append((theme().colour(one.colour), text))
        return ReadOut(tuple(lines), has_crosshair=False) if lines else None

    def pick(self, frame: Frame2D, position: QPointF) -> Pick:
        """Return the bin and the lowest set whose bar is under the mouse."""
        x, y = frame.data(position)
        hits = []
        for name, one in self._sets.items():
            index = _bin_at(one.edges, x)
            if name not in self._hidden and index >= 0 and (height := float(self._heights(one)[index])) >= y:
                hits.append((height, name, index))
        if not hits:
            return Pick(x, y)
        _, name, index = min(hits)
        return Pick(x, y, name, index)

    def data(self) -> Mapping[str, np.ndarray]:
        """For each set its bins' edges (once where they are shared) and counts."""
        columns: dict[str, np.ndarray] = {}
        first: np.ndarray | None = None
        for name, one in self._sets.items():
            if first is None or not np.array_equal(first, one.edges):
                prefix = "" if first is None else f"{name}."
                columns[f"{prefix}low"], columns[f"{prefix}high"] = one.edges[:-1], one.edges[1:]
                first = one.edges if first is None else first
            columns[name] = one.counts
        return columns


def shared_edges(
    values: np.ndarray, bins: int | Sequence[float] | Literal["auto"], *, is_log: bool = False
) -> np.ndarray:
    """Edges (k + 1,) for `values`; "auto" is the rule of Freedman and Diaconis, 10 to 200 bins."""
    if not isinstance(bins, (str, int)):
        return np.asarray(bins, np.float64)
    found = range_of(values, is_log)
    if found is None:
        return np.array([0.0, 1.0]) + (0.1 if is_log else 0.0)
    low, high = found if found[1] > found[0] else padded(*found, is_log)
    scaled = np.log(values) if is_log else values
    span = np.log(high / low) if is_log else high - low
    if isinstance(bins, str):
        quarter, three_quarters = np.percentile(scaled, (25, 75))
        width = 2 * (three_quarters - quarter) / len(scaled) ** (1 / 3)
        bins = int(np.clip(np.ceil(span / width) if width > 0 else 10, 10, MAX_BINS))
    edges = np.geomspace(low, high, bins + 1) if is_log else np.linspace(low, high, bins + 1)
    return np.asarray(edges)


def _bin_at(edges: np.ndarray, x: float) -> int:
    if len(edges) < 2 or not edges[0] <= x <= edges[-1]:
        return -1
    return min(int(np.searchsorted(edges, x, side="right")) - 1, len(edges) - 2)


if __name__ == "__main__":
    from workbench.views.demo import show_demo

    def _make() -> HistogramView:
        view = HistogramView("errors", "Errors", "error", x_unit="°", log_x=True)
        view.set_samples("6D", np.random.default_rng(0).lognormal(0, 0.8, 3000))
        view.set_samples("quaternion", np.random.default_rng(1).lognormal(1, 1, 3000))
        return view

    show_demo(_make)
