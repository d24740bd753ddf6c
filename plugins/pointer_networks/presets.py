"""Point sets to start from."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from jaxtyping import Float

Maker = Callable[[int, np.random.Generator], Float[np.ndarray, "n 2"]]


def _random(count: int, rng: np.random.Generator) -> Float[np.ndarray, "n 2"]:
    return rng.random((count, 2))


def _circle(count: int, rng: np.random.Generator) -> Float[np.ndarray, "n 2"]:
    angle = rng.permutation(count) * 2 * np.pi / count
    return 0.5 + 0.42 * np.stack([np.cos(angle), np.sin(angle)], 1)


def _line(count: int, rng: np.random.Generator) -> Float[np.ndarray, "n 2"]:
    along = 0.06 + 0.88 * rng.permutation(count) / max(1, count - 1)
    return np.stack([along, 0.25 + 0.5 * along], 1)


def _cluster(count: int, rng: np.random.Generator) -> Float[np.ndarray, "n 2"]:
    centres = np.array([(0.25, 0.3), (0.75, 0.35), (0.5, 0.78)])
    return np.clip(centres[rng.integers(3, size=count)] + 0.07 * rng.standard_normal((count, 2)), 0.01, 0.99)


def _grid(count: int, rng: np.random.Generator) -> Float[np.ndarray, "n 2"]:
    side = int(np.ceil(np.sqrt(count)))
    row, column = np.divmod(rng.permutation(side * side)[:count], side)
    return 0.1 + 0.8 * np.stack([column, row], 1) / max(1, side - 1)


def _moons(count: int, rng: np.random.Generator) -> Float[np.ndarray, "n 2"]:
    angle = np.pi * rng.random(count)
    is_upper = rng.permutation(count) % 2 == 0
    x = np.where(is_upper, 0.4 + 0.3 * np.cos(angle), 0.6 - 0.3 * np.cos(angle))
    y = np.where(is_upper, 0.45 + 0.38 * np.sin(angle), 0.55 - 0.38 * np.sin(angle))
    return np.stack([x, y], 1)


PRESETS: Mapping[str, Maker] = {
    "Random": _random,
    "Circle": _circle,
    "Line": _line,
    "Three clusters": _cluster,
    "Grid": _grid,
    "Two moons": _moons,
}


def preset(name: str, count: int, jitter: float, seed: int) -> Float[np.ndarray, "n 2"]:
    """Points of a preset in a random input order, each moved by a normal draw of standard deviation `jitter`."""
    rng = np.random.default_rng(seed)
    points = PRESETS[name](count, rng)
    return np.clip(points + jitter * rng.standard_normal(points.shape), 0.0, 1.0)
