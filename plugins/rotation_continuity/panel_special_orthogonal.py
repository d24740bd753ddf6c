"""View of SO(n): the matrices, the errors, how many numbers each code takes, and what the construction guarantees."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Slot
from PySide6.QtWidgets import QVBoxLayout, QWidget

from plugins.rotation_continuity.contract import LABELS
from plugins.rotation_continuity.frames import SpecialOrthogonalFrame
from plugins.rotation_continuity.panel_parts import ErrorViews, NameBox, columns_of
from workbench.sdk import MetricsHistory
from workbench.views import Column, ExperimentView, ImageView, SessionPort, TableView
from workbench.views.layouts import beside, tabs_of
from workbench.views.theme import DIVERGING


class SpecialOrthogonalView(ExperimentView):
    """A test rotation and a network's answer as images beside each other, and the tables."""

    hint = "Choose whose answer is shown above the second matrix; blue and red are entries from -1 to 1."

    def __init__(self, port: SessionPort, parent: QWidget | None = None) -> None:
        super().__init__(port, parent)
        self._frame: SpecialOrthogonalFrame | None = None
        shared = {"colormap": DIVERGING, "levels": (-1.0, 1.0), "origin": "upper", "value_label": "entry"}
        self.truth = ImageView("truth", "A test rotation", **shared)
        self.answer = ImageView("answer", "The network's answer", **shared)
        self.chosen = NameBox("Whose answer is shown")
        self.chosen.picked.connect(self._show_answer)
        self.answer.add_tool(self.chosen)
        self.numbers = TableView("numbers", "Numbers that a rotation of n dimensions takes",
                                 hint="SO(n) itself has n(n − 1)/2 degrees of freedom.")  # fmt: skip
        self.exact = TableView("exact", "Is the output a rotation?", hint="Worst over the test set, as decoded.")
        self.errors = ErrorViews("°", {})
        curves = tabs_of({"Loss": self.errors.loss, "Mean error": self.errors.error})
        tables = tabs_of({"Errors": self.errors.table, "Rotations?": self.exact, "Numbers": self.numbers})
        splitter = columns_of(
            (self.truth, self.answer), (beside(self.errors.percentiles, curves, sizes=(1, 1)), tables)
        )
        splitter.setSizes([300, 680])
        splitter.widget(1).setSizes([430, 260])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(splitter)

    def start_over(self) -> None:
        """Forget the run before."""
        self._frame = None
        self.errors.start_over()

    def show_frame(self, frame: SpecialOrthogonalFrame) -> None:
        """Draw the matrices, and where there is a newer look at the test set, the numbers."""
        is_first = self._frame is None
        self._frame = frame
        self.chosen.set_names(frame.names, prefer="gram_schmidt")
        self.truth.set_image(frame.truth)
        self._show_answer()
        if self.errors.show_frame(frame):
            rows = [
                (LABELS[name], float(off), float(low), float(high))
                for name, off, (low, high) in zip(frame.names, frame.orthogonality, frame.determinant, strict=True)
            ]
            self.exact.set_rows(
                ["code", Column("largest |RᵀR − 1|", digits=2), Column("smallest det", digits=7),
                 Column("largest det", digits=7)], rows,
            )  # fmt: skip
        if is_first:
            sizes = range(2, 2 + len(frame.dimensions))
            rows = [("degrees of freedom", *(n * (n - 1) // 2 for n in sizes))]
            rows += [
                (LABELS[name], *map(int, counts))
                for name, counts in zip(frame.sized_names, frame.dimensions.T, strict=True)
            ]
            self.numbers.set_rows(["code", *(f"n = {n}" for n in sizes)], rows)

    def show_metrics(self, history: MetricsHistory) -> None:
        """Draw loss and error over steps."""
        self.errors.show_metrics(history)

    @Slot()
    def _show_answer(self) -> None:
        frame = self._frame
        if frame is None or self.chosen.name not in frame.names:
            return
        own = frame.predicted[frame.names.index(self.chosen.name)]
        self.answer.set_image(own)
        off = float(np.abs(own - frame.truth).max())
        self.answer.title = f"Answer, off by up to {off:.3f}"
