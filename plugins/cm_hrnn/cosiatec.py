"""COSIATEC (Meredith 2013): a point set as a few patterns with their translations; the compression ratio of a melody.

Points are (onset in sixteenths, MIDI pitch). A TEC is a pattern P with all translators T for which P + t lies in the
set (the zero vector among them); it stands for its cover with |P| + |T| - 1 numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Bool, Int

MAX_POINTS = 400
"""More notes would take longer than a person waits (time grows with their square and more)."""
_STRIDE = 512
"""Codes of points are onset × 512 + pitch, so that a difference of codes is a vector: |pitch difference| < 256."""
_CHUNK = 4_000_000
"""Bound on lookups at once."""


@dataclass(frozen=True)
class Pattern:
    """A pattern (k, 2), its translators (t, 2), zero first, and which points (n,) of the whole set it covers."""

    points: Int[np.ndarray, "k 2"]
    translators: Int[np.ndarray, "t 2"]
    covered: Bool[np.ndarray, " n"]

    @property
    def occurrences(self) -> int:
        """How often it occurs."""
        return len(self.translators)

    @property
    def span(self) -> int:
        """Sixteenths from its first onset to its last."""
        return int(self.points[:, 0].max() - self.points[:, 0].min())

    @property
    def cost(self) -> int:
        """Numbers that say it."""
        return len(self.points) + len(self.translators) - 1


@dataclass(frozen=True)
class Encoding:
    """What COSIATEC makes of a point set: patterns, and the points left over, which count one by one."""

    points: Int[np.ndarray, "n 2"]
    patterns: tuple[Pattern, ...]
    left_over: int

    @property
    def ratio(self) -> float:
        """Compression ratio |D| / sum(|P| + |T| - 1); NaN for no points."""
        cost = sum(each.cost for each in self.patterns) + self.left_over
        return len(self.points) / cost if cost else float("nan")

    def long_and_short(self, threshold: int = 64) -> tuple[int, int]:
        """Occurrences of repeated patterns that span `threshold` sixteenths or more, and of shorter ones."""
        repeated = [each for each in self.patterns if each.occurrences > 1]
        long = sum(each.occurrences for each in repeated if each.span >= threshold)
        return long, sum(each.occurrences for each in repeated) - long


def cosiatec(points: Int[np.ndarray, "n 2"]) -> Encoding:
    """Compress a set of points; equal points count once.

    Raises ValueError for more than `MAX_POINTS` points or pitches outside 0 … 255.
    """
    whole = np.unique(np.asarray(points, np.int64).reshape(-1, 2), axis=0)
    if len(whole) > MAX_POINTS:
        raise ValueError(f"COSIATEC takes at most {MAX_POINTS} notes here, not {len(whole)}.")
    if len(whole) and (whole[:, 1].min() < 0 or whole[:, 1].max() > 255):
        raise ValueError("Pitches must be 0 to 255.")
    codes = (whole[:, 0] - (whole[0, 0] if len(whole) else 0)) * _STRIDE + whole[:, 1]
    remaining = np.arange(len(whole))
    patterns: list[Pattern] = []
    while len(remaining) > 1:
        best = _best_tec(codes[remaining])
        if best is None:
            break
        pattern, translators, is_covered = best
        covered = np.zeros(len(whole), bool)
        covered[remaining[is_covered]] = True
        own = whole[remaining[pattern]]
        shift = whole[remaining[translators]] - own[0]
        order = np.argsort(np.abs(shift).sum(1) > 0, kind="stable")
        patterns.append(Pattern(own, shift[order], covered))
        remaining = remaining[~is_covered]
    return Encoding(whole, tuple(patterns), len(remaining))


def _patterns(codes: Int[np.ndarray, " n"]) -> list[Int[np.ndarray, " k"]]:
    """Indices of every maximal translatable pattern of two or more points, one of those that are translations."""
    n = len(codes)
    first, second = np.triu_indices(n, 1)
    vectors = codes[second] - codes[first]
    order = np.lexsort((first, vectors))
    vectors, first = vectors[order], first[order]
    edges = np.flatnonzero(np.diff(vectors)) + 1
    found: dict[bytes, np.ndarray] = {}
    for own in np.split(first, edges):
        if len(own) > 1:
            found.setdefault((codes[own] - codes[own[0]]).tobytes(), own)
    return list(found.values())


def _best_tec(
    codes: Int[np.ndarray, " n"],
) -> tuple[Int[np.ndarray, " k"], Int[np.ndarray, " t"], Bool[np.ndarray, " n"]] | None:
    """Indices of the best pattern and of where its first point goes, and its cover; None if nothing compresses."""
    n = len(codes)
    reach = int(codes[-1] - codes[0]) + _STRIDE
    index_of = np.full(int(codes[-1]) + reach + _STRIDE, -1, np.int64)
    index_of[codes] = np.arange(n)
    by_size: dict[int, list[np.ndarray]] = {}
    for own in _patterns(codes):
        by_size.setdefault(len(own), []).append(own)
    best: tuple[tuple[float, ...], np.ndarray, np.ndarray, np.ndarray] | None = None
    for size, group in by_size.items():
        step = max(1, _CHUNK // (size * n))
        for start in range(0, len(group), step):
            patterns = np.stack(group[start : start + step])
            offsets = codes[patterns] - codes[patterns[:, :1]]
            goes = np.ones((len(patterns), n), bool)
            targets = []
            for place in range(size):
                wanted = offsets[:, place, None] + codes[None]
                index = index_of[np.clip(wanted, 0, len(index_of) - 1)]
                index = np.where(wanted < 0, -1, index)
                goes &= index >= 0
                targets.append(index)
            covers = np.zeros((len(patterns), n + 1), bool)
            rows = np.arange(len(patterns))[:, None]
            for index in targets:
                covers[rows, np.where(goes, index, n)] = True
            covers = covers[:, :n]
            count, cover = goes.sum(1), covers.sum(1)
            ratio = cover / (size + count - 1)
            top = ratio.max()
            if top <= 1 or (best is not None and top < best[0][0] - 1e-12):
                continue
            for row in np.flatnonzero(ratio >= top - 1e-12):
                own = patterns[row]
                rank = (float(ratio[row]), _compactness(codes, own), float(cover[row]), float(size),
                        -float(codes[own[-1]] // _STRIDE - codes[own[0]] // _STRIDE))  # fmt: skip
                if best is None or rank > best[0]:
                    best = (rank, own, np.flatnonzero(goes[row]), covers[row])
    return None if best is None else best[1:]


def _compactness(codes: Int[np.ndarray, " n"], own: Int[np.ndarray, " k"]) -> float:
    """Share of the points in the pattern's bounding box that belong to it."""
    onset, pitch = codes // _STRIDE, codes % _STRIDE
    inside = (onset >= onset[own].min()) & (onset <= onset[own].max())
    inside &= (pitch >= pitch[own].min()) & (pitch <= pitch[own].max())
    return len(own) / int(inside.sum())
