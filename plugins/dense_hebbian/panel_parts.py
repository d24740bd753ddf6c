"""Parts that the panel's experiments share."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from workbench.views import ImageView
from workbench.views.pattern_editor import INK_LEVEL
from workbench.views.theme import theme

GAP = 1
"""Empty cells between the images of a sheet."""


class InkView(ImageView):
    """Patterns in [-1, 1], +1 as ink, in the colours of the theme."""

    def __init__(self, name: str, title: str, hint: str = "") -> None:
        super().__init__(
            name,
            title,
            origin="upper",
            levels=(-INK_LEVEL, INK_LEVEL),
            colour_bar=False,
            hint=hint or "Hover to read a value.",
        )
        self.x_axis.tick_labels = self.y_axis.tick_labels = []
        self.restyle()

    def set_pattern(self, values: Float[np.ndarray, "h w"], rows: Sequence[str] = ()) -> None:
        """Show a pattern; `rows` names its rows."""
        self.set_image(np.asarray(values, float), row_labels=tuple(rows), column_labels=())

    def restyle(self) -> None:
        """Ink is dark on light backgrounds and light on dark ones."""
        self.set_colormap("gray" if theme().is_dark else "gray_r")


def near_square(count: int) -> tuple[int, int]:
    """Rows and columns of a rectangle of exactly `count` cells, as square as can be."""
    rows = next(k for k in range(math.isqrt(count), 0, -1) if count % k == 0)
    return rows, count // rows


def sheet(images: Float[np.ndarray, "c h w"], columns: int) -> Float[np.ndarray, "H W"]:
    """Images in rows of `columns`, with gaps of NaN between them."""
    count, height, width = images.shape
    columns = min(columns, max(1, count))
    rows = -(-count // columns)
    made = np.full((rows * (height + GAP) - GAP, columns * (width + GAP) - GAP), np.nan)
    for index, image in enumerate(images):
        top, left = index // columns * (height + GAP), index % columns * (width + GAP)
        made[top : top + height, left : left + width] = image
    return made


def sheet_index(index: int, shape: tuple[int, int], columns: int, total_width: int) -> int:
    """Which image of a sheet a cell (row * total_width + column) belongs to, -1 for a gap."""
    row, column = divmod(index, total_width)
    (down, y), (across, x) = divmod(row, shape[0] + GAP), divmod(column, shape[1] + GAP)
    return -1 if y >= shape[0] or x >= shape[1] else down * columns + across


def number(value: float, digits: int = 3) -> str:
    """A number as the panel writes it in sentences; infinity as a sign."""
    return "∞" if math.isinf(value) else f"{value:.{digits}g}"
