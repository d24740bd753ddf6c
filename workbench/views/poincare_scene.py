"""What a Poincaré disk shows: points, named marks, and curves, all in the unmoved disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass
class Points:
    """What is known of the points; `colours` are indices of the theme's series, or one name for all."""

    z: np.ndarray = field(default_factory=lambda: np.empty(0, np.complex128))
    classes: np.ndarray | None = None
    class_names: Sequence[str] = ()
    values: np.ndarray | None = None
    sizes: np.ndarray | float = 6.0
    labels: Sequence[str] | None = None
    dimmed: np.ndarray | None = None


@dataclass(frozen=True)
class Mark:
    """A point with a name of its own, larger than the others; one that is draggable has a ring."""

    z: complex
    label: str
    colour: str | int
    is_draggable: bool = False


@dataclass(frozen=True)
class Curves:
    """Polylines (e, s) in the disk, NaN where one ends; `is_segment` ones are geodesics, drawn anew in each view."""

    z: np.ndarray
    colour: str | int
    width: float
    label: str
    is_segment: bool
