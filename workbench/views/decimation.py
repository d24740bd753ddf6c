"""Curves of any length, made drawable: at most two points a pixel column, extremes kept; and smoothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float

SMALL = 3
"""A curve is drawn whole while it has fewer points than this many per pixel column."""


def visible_slice(x: Float[np.ndarray, " n"], low: float, high: float) -> slice:
    """Return the part of ascending `x` that is inside [low, high], with one neighbour on each side."""
    start = int(np.searchsorted(x, low, side="left"))
    stop = int(np.searchsorted(x, high, side="right"))
    return slice(max(0, start - 1), min(len(x), stop + 1))


def decimate(
    x: Float[np.ndarray, " n"],
    y: Float[np.ndarray, " n"],
    low: float,
    high: float,
    columns: int,
    *,
    is_log: bool = False,
) -> tuple[Float[np.ndarray, " m"], Float[np.ndarray, " m"]]:
    """Reduce a curve with ascending `x` to what [low, high] on `columns` pixel columns can show.

    Each column keeps its smallest and its largest value, in the order in which the curve runs through them;
    a column that holds only NaN stays a gap. `is_log` says that columns are equal parts of log x.
    """
    part = visible_slice(x, low, high)
    x, y = x[part], y[part]
    if len(x) < SMALL * columns or columns < 1:
        return x, y
    first, last = max(low, float(x[0])), min(high, float(x[-1]))
    if is_log and (first <= 0 or last <= first):
        return x, y
    edges = np.geomspace(first, last, columns + 1) if is_log else np.linspace(first, last, columns + 1)
    # The first bin starts at 0 and the last ends at n, so the neighbours outside the view are kept in the outer bins.
    starts = np.searchsorted(x, edges[:-1], side="left")
    starts[0] = 0
    starts = np.unique(starts[starts < len(x)])
    smallest, largest = np.fmin.reduceat(y, starts), np.fmax.reduceat(y, starts)
    stops = np.append(starts[1:], len(x)) - 1
    is_rising = ~(y[starts] > y[stops])
    reduced_y = np.empty(2 * len(starts))
    reduced_y[0::2] = np.where(is_rising, smallest, largest)
    reduced_y[1::2] = np.where(is_rising, largest, smallest)
    reduced_x = np.empty(2 * len(starts))
    reduced_x[0::2], reduced_x[1::2] = x[starts], x[stops]
    return reduced_x, reduced_y


def smoothed(y: Float[np.ndarray, " n"], weight: float) -> Float[np.ndarray, " n"]:
    """Exponential moving average with `weight` in [0, 1) on the past, debiased; NaN are skipped and stay NaN.

    s_t = sum_k w^(t-k) y_k / sum_k w^(t-k) over the finite y_k with k <= t (as Adam's bias correction; Kingma & Ba
    2015, section 3), so the first values are not pulled to zero.
    """
    y = np.asarray(y, np.float64)
    if not 0 <= weight < 1:
        raise ValueError(f"the weight of the past is in [0, 1), not {weight}")
    if weight == 0 or len(y) == 0:
        return y.copy()
    is_finite = np.isfinite(y)
    sums = _decayed_sums(np.where(is_finite, y, 0.0), weight)
    masses = _decayed_sums(is_finite.astype(np.float64), weight)
    result = np.full(len(y), np.nan)
    np.divide(sums, masses, out=result, where=is_finite)
    return result


def _decayed_sums(y: np.ndarray, weight: float) -> np.ndarray:
    """s_t = w s_(t-1) + y_t. Blocks side by side, then the carry from block to block: sqrt(n) vectorised steps."""
    length = max(1, int(np.sqrt(len(y))))
    blocks = -(-len(y) // length)
    table = np.concatenate([y, np.zeros(blocks * length - len(y))]).reshape(blocks, length).T.copy()
    for row in range(1, length):
        table[row] += weight * table[row - 1]
    carries = np.zeros(blocks)
    decay = weight**length
    for block in range(1, blocks):
        carries[block] = table[-1, block - 1] + decay * carries[block - 1]
    table += weight ** np.arange(1, length + 1)[:, None] * carries
    return table.T.ravel()[: len(y)]
