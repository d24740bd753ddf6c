"""What a 3-D view shows, as named items of plain arrays; both renderers and the exports read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
from PySide6.QtGui import QColor

from workbench.views.colour_bar import ColourScale
from workbench.views.theme import theme

if TYPE_CHECKING:
    from jaxtyping import Float, Int

LIGHT = np.array([0.35, -0.45, 0.82])
"""Direction towards the light, fixed in the world, so that shading need not follow the camera."""
AXIS_COLOURS = ("error", 2, "accent")
"""Red, green and blue of a frame's axes, as each theme shows them."""


@dataclass(frozen=True)
class Tint:
    """How an item is coloured: one colour, a colour each (n, 3 or 4) in [0, 1], or values (n,) on a scale."""

    colour: str | int = 0
    each: np.ndarray | None = None
    values: np.ndarray | None = None
    colormap: str = "viridis"
    levels: tuple[float, float] | None = None
    label: str = ""

    def scale(self) -> ColourScale | None:
        """What the colours mean, if they are values."""
        if self.values is None:
            return None
        finite = self.values[np.isfinite(self.values)]
        low, high = self.levels or ((float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0))
        if high <= low:
            low, high = low - 0.5, low + 0.5
        return ColourScale(low, high, self.colormap, self.label)

    def rgba(self, count: int) -> Float[np.ndarray, "n 4"]:
        """Colours of `count` things, in [0, 1]."""
        scale = self.scale()
        if scale is not None and self.values is not None:
            return scale.rgba(self.values) / 255.0
        if self.each is not None:
            colours = np.ones((count, 4))
            colours[:, : self.each.shape[1]] = self.each
            return colours
        return np.repeat(rgba_of(self.colour)[None], count, 0)


def rgba_of(colour: str | int) -> Float[np.ndarray, "4"]:
    """Resolve a colour as views keep it, to RGBA in [0, 1]."""
    return np.array(QColor(theme().colour(colour)).getRgbF())


@dataclass
class Points:
    """Discs of `size` logical pixels at positions (n, 3)."""

    positions: Float[np.ndarray, "n 3"]
    tint: Tint
    size: float
    label: str = ""
    is_handle: bool = False
    is_pickable: bool = True
    names: Sequence[str] | None = None

    @property
    def extent(self) -> np.ndarray:
        """Positions that the camera should show."""
        return self.positions


@dataclass
class Segments:
    """Straight lines of `width` logical pixels between starts and ends (n, 2, 3)."""

    ends: Float[np.ndarray, "n 2 3"]
    tint: Tint
    width: float
    label: str = ""
    each: tuple[str | int, ...] = ()
    """Colours repeated over the segments, resolved at each drawing so that they follow the theme."""

    @property
    def extent(self) -> np.ndarray:
        """Positions that the camera should show."""
        return self.ends.reshape(-1, 3)

    def rgba(self) -> Float[np.ndarray, "n 4"]:
        """Colour of each segment, in [0, 1]."""
        if self.each:
            table = np.stack([rgba_of(colour) for colour in self.each])
            return table[np.arange(len(self.ends)) % len(table)]
        return self.tint.rgba(len(self.ends))


@dataclass
class Mesh:
    """A surface of triangles, shaded by a light fixed in the world."""

    vertices: Float[np.ndarray, "v 3"]
    faces: Int[np.ndarray, "f 3"]
    tint: Tint
    alpha: float = 1.0
    label: str = ""
    is_pickable: bool = False
    shade: Float[np.ndarray, " f"] = field(init=False)

    def __post_init__(self) -> None:
        corners = self.vertices[self.faces]
        normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        lengths = np.linalg.norm(normals, axis=1)
        # Both sides are lit alike: surfaces from data are often not closed or not wound consistently.
        facing = np.abs(normals @ LIGHT) / np.maximum(lengths, 1e-300)
        self.shade = 0.45 + 0.55 * facing

    @property
    def extent(self) -> np.ndarray:
        """Positions that the camera should show."""
        return self.vertices

    def face_rgba(self) -> Float[np.ndarray, "f 4"]:
        """Shaded colour of each face, in [0, 1]; values or colours may be given a vertex or a face."""
        given = self.tint.values if self.tint.values is not None else self.tint.each
        per_face = given is None or len(given) == len(self.faces)
        colours = self.tint.rgba(len(self.faces) if per_face else len(self.vertices))
        colours = colours if per_face else colours[self.faces].mean(1)
        colours[:, :3] *= self.shade[:, None]
        colours[:, 3] *= self.alpha
        return colours


@dataclass
class Texts:
    """Words at positions (n, 3)."""

    positions: Float[np.ndarray, "n 3"]
    texts: Sequence[str]
    colour: str | int
    label: str = ""

    @property
    def extent(self) -> np.ndarray:
        """Positions that the camera should show."""
        return self.positions


Item = Points | Segments | Mesh | Texts


def segments_of(
    positions: Float[np.ndarray, "n 3"], connect: Literal["strip", "segments", "loop"]
) -> Float[np.ndarray, "m 2 3"]:
    """Return the segments of a strip, of a closed loop, or of pairs; NaN breaks a strip."""
    if connect == "segments":
        if len(positions) % 2:
            raise ValueError(f"segments come in pairs of points, not {len(positions)} points")
        ends = positions.reshape(-1, 2, 3)
    else:
        closed = np.concatenate([positions, positions[:1]]) if connect == "loop" else positions
        ends = np.stack([closed[:-1], closed[1:]], 1) if len(closed) > 1 else np.empty((0, 2, 3))
    return ends[np.isfinite(ends).all((1, 2))]


def frame_segments(poses: Float[np.ndarray, "k 4 4"], size: float) -> Float[np.ndarray, "m 2 3"]:
    """Return the x, y and z axes (in this order) of each pose, as segments of length `size`."""
    origins = poses[:, None, :3, 3]
    tips = origins + size * np.swapaxes(poses[:, :3, :3], 1, 2)
    return np.stack([np.broadcast_to(origins, tips.shape), tips], 2).reshape(-1, 2, 3)


def bounds_of(items: Sequence[Item]) -> tuple[Float[np.ndarray, "3"], Float[np.ndarray, "3"]] | None:
    """Smallest and largest corner of everything that is finite, or None."""
    parts = [item.extent[np.isfinite(item.extent).all(1)] for item in items if len(item.extent)]
    parts = [part for part in parts if len(part)]
    if not parts:
        return None
    return np.min([part.min(0) for part in parts], axis=0), np.max([part.max(0) for part in parts], axis=0)


def checked_positions(name: str, positions: np.ndarray) -> Float[np.ndarray, "n 3"]:
    """Return positions as floats (n, 3); raise ValueError naming the item for another shape."""
    made = np.asarray(positions, np.float64)
    if made.size == 0:
        return np.empty((0, 3))
    if made.ndim != 2 or made.shape[1] != 3:
        raise ValueError(f"{name}: positions are (n, 3), not {made.shape}")
    return made


def checked_tint(
    name: str,
    color: str | int | np.ndarray,
    values: np.ndarray | None,
    colormap: str,
    levels: tuple[float, float] | None,
    label: str,
    counts: tuple[int, ...],
) -> Tint:
    """Return a tint whose colours or values are one each of the things counted; raise ValueError otherwise."""
    if values is not None:
        made = np.asarray(values, np.float64).ravel()
        if len(made) not in counts:
            raise ValueError(f"{name}: {len(made)} values for {' or '.join(map(str, counts))}")
        return Tint(0, None, made, colormap, levels, label)
    if isinstance(color, (str, int)):
        return Tint(color)
    each = np.asarray(color, np.float64)
    if each.ndim != 2 or each.shape[1] not in (3, 4) or len(each) not in counts:
        raise ValueError(f"{name}: colours are (n, 3) or (n, 4), not {each.shape}")
    return Tint(0, each)
