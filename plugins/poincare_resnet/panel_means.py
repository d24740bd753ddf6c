"""What the batch norms and balls of the network do while it learns."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from PySide6.QtCore import Slot
from PySide6.QtWidgets import QComboBox, QVBoxLayout, QWidget

from plugins.poincare_resnet.contract import BatchMeans, TrainFrame
from workbench.views import Column, TableView
from workbench.views.poincare_disk import PoincareDiskView

ALL = "all layers"
SCALES = (100, 50, 20, 10, 5, 2, 1)
FARTHEST = 2.5
"""Distance from the origin at which the farthest mean may be seen."""
MARKED_LAYERS = 8
"""Of so many layers all ends are marked with their names; with more, the names would hide the paths."""


class BatchMeansView(QWidget):
    """The way of every batch norm's mean in the disk, and where it is moved to."""

    def __init__(self) -> None:
        super().__init__()
        self._means: Mapping[str, BatchMeans] = {}
        self.disk = PoincareDiskView(
            "mean-paths", "Means of the batches, by step",
            hint="A path leads from the first batch to the last, dark to bright; the diamonds are where they are now.",
        )  # fmt: skip
        self.layer = QComboBox()
        self.layer.setAccessibleName("Layer whose batch means are shown")
        self.layer.activated.connect(self._draw)
        self.disk.add_tool(self.layer)
        self.disk.view_changed.connect(self._show_title)
        self._scale = 1.0
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.disk)

    def show_means(self, means: Mapping[str, BatchMeans]) -> None:
        """Draw the paths (by layer); none where batch norm is off or no network is hyperbolic."""
        names = [ALL, *means]
        if [self.layer.itemText(index) for index in range(self.layer.count())] != names:
            self.layer.clear()
            self.layer.addItems(names)
        self._means = means
        self.disk.show_message("" if means else "These networks have no hyperbolic batch norm.")
        self._draw()

    @Slot()
    def _draw(self) -> None:
        chosen = self.layer.currentText()
        shown = {name: own for name, own in self._means.items() if chosen in (ALL, name)}
        for name in [name for name in self.disk.curves if name.removeprefix("path ") not in shown]:
            self.disk.set_curve(name, None)
        for name in list(self.disk.marks):
            self.disk.set_mark(name, None)
        paths, shades = [np.empty((0, 2))], [np.empty(0)]
        for index, (name, own) in enumerate(self._means.items()):
            if name not in shown or not len(own.path):
                continue
            self.disk.set_curve(f"path {name}", own.path[:, 0] + 1j * own.path[:, 1], color=index, width=1.4)
            if len(shown) <= MARKED_LAYERS:
                self.disk.set_mark(f"mean {name}", own.path[-1], name, color=index)
            paths.append(own.path)
            shades.append(np.linspace(0.1, 1, len(own.path)))
        if len(shown) == 1:
            (own,) = shown.values()
            self.disk.set_mark("target", own.target, "moved to", color="accent")
            labels = [f"step {step}" for step in own.steps.tolist()]
        else:
            labels = [f"{name}, step {step}" for name, own in shown.items() for step in own.steps.tolist()]
        values = np.concatenate(shades)
        self.disk.set_points(np.concatenate(paths), values=values, sizes=4.0, labels=labels)
        # Means are often near the origin: the largest round scale at which all of them stay well inside is used.
        farthest = 2 * np.arctanh(max(np.hypot(*np.concatenate(paths).T).max(initial=0), 1e-6))
        scale = next((scale for scale in SCALES if scale * farthest <= FARTHEST), SCALES[-1])
        if scale != self._scale:
            self._scale = scale
            self.disk.set_zoom(scale)
        self._show_title()

    @Slot()
    def _show_title(self) -> None:
        self.disk.title = f"Batch means, distances × {self.disk.zoom:.3g}"


class BallsView(TableView):
    """Of each batch norm: its ball's curvature, what the projection pulled back there, and how far the means part."""

    def __init__(self) -> None:
        super().__init__("balls", "Curvature, σ of the batch, midpoint to Fréchet mean")

    def show_balls(self, frame: TrainFrame) -> None:
        """Fill the table, or say that no network is hyperbolic."""
        self.show_message("" if len(frame.curvatures) else "None of these networks is hyperbolic from the pixels on.")
        norms = list(frame.means) or list(frame.layers[: len(frame.curvatures)])
        rows = []
        for name in norms:
            ball = next(index for index, layer in enumerate(frame.layers) if f"{name} ".startswith(f"{layer} "))
            own = frame.means.get(name)
            rows.append([
                name, float(frame.curvatures[ball]), 100 * float(frame.clipped[ball]),
                own.sigma if own else None, 100 * own.error if own else None,
            ])  # fmt: skip
        self.set_rows(
            ["layer", Column("c", digits=3), Column("pulled back", "%"), Column("σ", digits=3),
             Column("d / σ", "%", digits=2)], rows,
        )  # fmt: skip
