"""A view around pyqtgraph plots, for panels whose author brings them: themed, exported and enlarged like any other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QPainter, QPen

from workbench.views.base import View
from workbench.views.theme import theme

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget


class PyqtgraphView(View):
    """Holds a `pyqtgraph.GraphicsLayoutWidget` as `graphics`; add plots with `plot`.

        +--------------------------+
        | title              ... v |
        | +----------+-----------+ |
        | | PlotItem | PlotItem  | |
        | +----------+-----------+ |
        +--------------------------+

    pyqtgraph is imported when the first such view is made: it takes a third of a second.
    """

    def __init__(self, name: str, title: str, *, hint: str = "", parent: QWidget | None = None) -> None:
        super().__init__(name, title, hint=hint)
        import pyqtgraph

        self.graphics: Any = pyqtgraph.GraphicsLayoutWidget(self)
        self._curve_type: Any = pyqtgraph.PlotDataItem
        self._plots: list[Any] = []
        self.set_body(self.graphics)
        self.restyle()

    def plot(self, *, row: int | None = None, column: int | None = None, x_label: str = "", y_label: str = "") -> Any:
        """Add a `pyqtgraph.PlotItem` with labelled axes and return it."""
        added = self.graphics.addPlot(row=row, col=column)
        added.showGrid(x=True, y=True, alpha=0.2)
        for side, label in (("bottom", x_label), ("left", y_label)):
            if label:
                added.setLabel(side, label)
        self._plots.append(added)
        self.restyle()
        return added

    def data(self) -> Mapping[str, np.ndarray]:
        """Return x and y of every curve, by its name or its place."""
        found: dict[str, np.ndarray] = {}
        for number, curve in enumerate(self._curves()):
            x, y = curve.getData()
            if x is not None:
                name = curve.name() or f"curve {number + 1}"
                found |= {f"{name} x": np.asarray(x), f"{name} y": np.asarray(y)}
        return found

    def paint(self, painter: QPainter, rect: QRectF) -> None:
        """Draw the plots anew into `rect`."""
        with self._pens_scaled(painter.deviceTransform().m11()):
            self.restyle()
            painter.fillRect(rect, QColor(theme().background))
            self.graphics.scene().render(painter, rect, self.graphics.sceneRect())

    def restyle(self) -> None:
        """Take over the colours of the theme."""
        self.graphics.setBackground(theme().background)
        for plot in self._plots:
            for side in ("left", "bottom", "right", "top"):
                axis = plot.getAxis(side)
                pen = QPen(QColor(theme().foreground), axis.pen().widthF())
                pen.setCosmetic(True)
                axis.setPen(pen)
                axis.setTextPen(theme().foreground)

    def _curves(self) -> Iterator[Any]:
        for plot in self._plots:
            yield from (item for item in plot.items if isinstance(item, self._curve_type))

    @contextmanager
    def _pens_scaled(self, scale: float) -> Iterator[None]:
        """Widen pens for a picture of `scale` pixels a unit: pyqtgraph's are cosmetic and would stay one pixel wide."""
        before = [(curve, curve.opts["pen"]) for curve in self._curves()]
        for curve, pen in before:
            wide = QPen(_made(pen))
            wide.setWidthF(max(1.0, wide.widthF()) * scale)
            curve.setPen(wide)
        try:
            yield
        finally:
            for curve, pen in before:
                curve.setPen(pen)


def _made(pen: Any) -> QPen:
    import pyqtgraph

    made: QPen = pyqtgraph.mkPen(pen)
    return made
