"""The figure of a claim's result: its curves, or else the numbers of its table.

A result is what reports hold: `{"table": {"columns", "rows"}, "curves": {name: [x, y]}, "axes": [x, y]}`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from workbench.views.bars import BarsView
from workbench.views.curves import CurvesView
from workbench.views.plot import PlotView

MOST_GROUPS = 24
MOST_SERIES = 4
LOG_RATIO = 300.0
"""Values that span more than this are drawn on a logarithmic axis."""
_NUMBER = re.compile(r"\s*([-+−]?\d+(?:\.\d+)?(?:e[-+]?\d+)?)\s*(?:±.*|%)?$", re.IGNORECASE)
_UNIT = re.compile(r"\[(.+?)\]\s*$|\((.+?)\)\s*$")


def claim_figure(name: str, result: Mapping[str, Any]) -> PlotView | None:
    """Return a view of a claim's result, or None where it holds nothing that can be drawn."""
    if curves := result.get("curves"):
        return _of_curves(name, curves, result.get("axes") or ("", ""))
    if table := result.get("table"):
        return _of_table(name, table["columns"], table["rows"])
    return None


def _of_curves(name: str, curves: Mapping[str, Any], axes: Sequence[str]) -> PlotView:
    ys = np.concatenate([np.asarray(y, np.float64).ravel() for _, y in curves.values()] or [np.zeros(1)])
    xs = np.concatenate([np.asarray(x, np.float64).ravel() for x, _ in curves.values()] or [np.zeros(1)])
    view = CurvesView(name, "Measured", axes[0], axes[1], log_x=_is_wide(xs), log_y=_is_wide(ys))
    for curve, (x, y) in curves.items():
        view.set_series(curve, np.asarray(x, np.float64), np.asarray(y, np.float64))
    return view


def _of_table(name: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> PlotView | None:
    parsed = [[as_number(row[index]) for row in rows] for index in range(len(columns))]
    is_numeric = [len(rows) > 0 and all(value is not None for value in column) for column in parsed]
    first_values = [index for index in range(1, len(columns)) if is_numeric[index]]
    if not first_values or len(rows) > MOST_GROUPS * 20:
        return None
    unit = unit_of(columns[first_values[0]])
    chosen = [index for index in first_values if unit_of(columns[index]) == unit][:MOST_SERIES]
    values = {_without_unit(columns[index]): np.array(parsed[index], np.float64) for index in chosen}
    everything = np.concatenate(list(values.values()))
    label = next(iter(values)) if len(values) == 1 else ""
    positions = np.array(parsed[0], np.float64) if is_numeric[0] else np.empty(0)
    if len(positions) >= 3 and (np.diff(positions) > 0).all():
        view = CurvesView(
            name, "Measured", columns[0], label, y_unit=unit, log_x=_is_wide(positions), log_y=_is_wide(everything)
        )
        for series, y in values.items():
            view.set_series(series, positions, y)
        return view
    if len(rows) > MOST_GROUPS:
        return None
    groups = [" ".join(str(row[index]) for index in range(chosen[0])) for row in rows]
    bars = BarsView(name, "Measured", label, unit=unit, log=_is_wide(everything), horizontal=_is_long(groups))
    bars.set_bars(groups, values)
    return bars


def as_number(cell: Any) -> float | None:
    """Return a cell's number: 3, 0.5, "0.70 ± 0.02", "12 %"; None for anything else."""
    if isinstance(cell, bool) or cell is None:
        return None
    if isinstance(cell, int | float):
        return float(cell) if math.isfinite(cell) else None
    match = _NUMBER.match(str(cell))
    return float(match[1].replace("−", "-")) if match else None


def unit_of(column: str) -> str:
    """Return the unit in a column's heading: `"mean [°]"` gives `"°"`."""
    match = _UNIT.search(column)
    return (match[1] or match[2]) if match else ""


def _without_unit(column: str) -> str:
    return _UNIT.sub("", column).strip() or column


def _is_wide(values: np.ndarray) -> bool:
    finite = values[np.isfinite(values)]
    return bool(len(finite) and finite.min() > 0 and finite.max() / finite.min() > LOG_RATIO)


def _is_long(groups: Sequence[str]) -> bool:
    return sum(map(len, groups)) > 40
