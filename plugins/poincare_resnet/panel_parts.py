"""What several of the panel's views share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QComboBox, QWidget

from plugins.poincare_resnet.contract import MODELS
from workbench.sdk import MetricsHistory
from workbench.views import CurvesView
from workbench.views.hyperbolic_plane import distance, equidistant
from workbench.views.poincare_disk import PoincareDiskView
from workbench.views.theme import theme

COLOURS: Mapping[str, int] = {"hyperbolic": 0, "hyperbolic_head": 2, "euclidean": 1}
"""Index of a network's colour, the same in every view."""
TILINGS: Mapping[str, tuple[int, int] | None] = {"no tiling": None, "{7,3}": (7, 3), "{5,4}": (5, 4), "{3,7}": (3, 7)}

LEVELS = (-1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5)
"""Signed distances at which level sets of a hyperplane are drawn."""


def draw_hyperplane(disk: PoincareDiskView, foot: complex | None) -> None:
    """Draw the hyperplane through `foot`, at right angles to the way there, with its level sets; None removes them."""
    for level in LEVELS:
        line = None if foot is None else equidistant(foot, float(distance(np.array(foot), np.array(0))), level)
        disk.set_curve(f"level {level}", line, color="accent" if level == 0 else "muted",
                       width=2.0 if level == 0 else 1.0)  # fmt: skip


def show_networks(view: CurvesView, history: MetricsHistory, prefix: str, models: Sequence[str]) -> None:
    """Draw one metric of every network in its colour."""
    names = {f"{prefix}/{model}": MODELS[model] for model in models}
    view.show_history(history, names, colors={f"{prefix}/{model}": COLOURS[model] for model in models})


def tiling_box() -> QComboBox:
    """A small box that chooses a tiling of the disk."""
    box = QComboBox()
    box.setAccessibleName("Tiling")
    box.setToolTip("Draw a regular tiling: each tile is as large as every other")
    for text in TILINGS:
        box.addItem(text)
    return box


class DrawingPad(QWidget):
    """A square of pixels (n, n) to draw on with the mouse; the right button erases. `drawn` carries them in [0, 1]."""

    drawn = Signal(object)

    def __init__(self, side: int = 8) -> None:
        super().__init__()
        self.pixels = np.zeros((side, side))
        self.setFixedSize(104, 104)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setToolTip("Draw a digit; the right button erases")
        self.setAccessibleName("Drawing pad")

    def resize_pixels(self, side: int) -> None:
        """Use another number of pixels."""
        if side != len(self.pixels):
            self.pixels = np.zeros((side, side))
            self.update()

    @Slot()
    def clear(self) -> None:
        """Begin again."""
        self.pixels[:] = 0
        self.update()
        self.drawn.emit(self.pixels.copy())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the pixels, ink as foreground."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme().background))
        side = len(self.pixels)
        cell = self.width() / side
        ink = QColor(theme().foreground)
        for row, column in np.argwhere(self.pixels > 0):
            ink.setAlphaF(float(self.pixels[row, column]))
            painter.fillRect(int(column * cell), int(row * cell), int(cell) + 1, int(cell) + 1, ink)
        painter.setPen(QColor(theme().grid))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Draw a point."""
        self._draw(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Draw on."""
        self._draw(event)

    def _draw(self, event: QMouseEvent) -> None:
        side = len(self.pixels)
        x, y = event.position().x() / self.width() * side - 0.5, event.position().y() / self.height() * side - 0.5
        rows, columns = np.mgrid[:side, :side]
        brush = np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (0.09 * side))
        if event.buttons() & Qt.MouseButton.RightButton:
            self.pixels = np.clip(self.pixels - brush, 0, 1)
        elif event.buttons() & Qt.MouseButton.LeftButton:
            self.pixels = np.maximum(self.pixels, np.where(brush > 0.15, brush, 0))
        self.pixels[self.pixels < 0.1] = 0
        self.update()
        self.drawn.emit(self.pixels.copy())
