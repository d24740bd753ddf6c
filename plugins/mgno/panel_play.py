"""Controls beside the field view: problems to start from, the brush, the levels of the V-cycles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QSignalBlocker, Slot
from PySide6.QtWidgets import QFormLayout, QGroupBox, QPushButton, QSpinBox, QVBoxLayout, QWidget

from plugins.mgno.contract import FROM_FILES
from plugins.mgno.frames import FieldFrame
from workbench.views import LabelledSlider
from workbench.views.layouts import row_of

if TYPE_CHECKING:
    from plugins.mgno.panel_fields import FieldsView


class FieldPlay(QWidget):
    """Placed in the left column; says what the person chose to the view."""

    def __init__(self, view: FieldsView) -> None:
        super().__init__()
        self._view = view
        self._seed = 0
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow("Shown", view.model)
        self.case = QSpinBox()
        self.case.setRange(1, 64)
        self.case.setToolTip("A problem of the test set")
        self.case.valueChanged.connect(self._case_chosen)
        form.addRow("Test problem", self.case)
        self.new = QPushButton("New draw")
        self.new.setToolTip("Another coefficient of the same kind")
        self.new.clicked.connect(self._draw_another)
        self.grids = QPushButton("Other grids")
        self.grids.setToolTip("Errors on the same problems at n/2, n and 2n: see the tab Resolution")
        self.grids.clicked.connect(self._ask_grids)
        form.addRow(row_of(self.new, self.grids))
        self.tau = LabelledSlider("τ", 1.0, 20.0, 5.0, log=True, decimals=1, help="Same dice, rougher or smoother")
        self.tau.value_changed.connect(self._draw)
        form.addRow(self.tau)
        form.addRow(view.palette_box)
        self.box = QGroupBox("Corrections from coarser levels")
        self.box.setToolTip("Scale what each level of every V-cycle gets from below: 0 freezes the coarser ones out")
        self._levels = QVBoxLayout(self.box)
        self._levels.setContentsMargins(6, 4, 6, 4)
        self._sliders: list[LabelledSlider] = []
        form.addRow(self.box)

    @property
    def gains(self) -> list[float] | None:
        """Factors of the levels' corrections, None while all are 1."""
        values = [float(slider.value) for slider in self._sliders]
        return None if all(value == 1 for value in values) else values

    def show_frame(self, frame: FieldFrame) -> None:
        """Offer as many levels and cases as there are."""
        with QSignalBlocker(self.case):
            self.case.setRange(1, frame.errors.shape[1])
        is_file = frame.dataset in FROM_FILES
        for button in (self.new, self.grids, self.tau):
            button.setEnabled(not is_file)
        self.tau.setVisible(frame.phases is not None)
        has_mgno = "mgno" in frame.models and len(frame.levels) > 1
        self.box.setVisible(has_mgno)
        if len(self._sliders) != len(frame.levels) - 1:
            for slider in self._sliders:
                slider.deleteLater()
            self._sliders = []
            for fine, coarse in zip(frame.levels[:-1], frame.levels[1:], strict=True):
                slider = LabelledSlider(f"{coarse} → {fine}", 0.0, 1.5, 1.0, decimals=2)
                slider.value_changed.connect(self._gain_changed)
                self._levels.addWidget(slider)
                self._sliders.append(slider)
            palette = self._view.palette_box
            if frame.phases is not None:
                palette.value_slider.set_value(frame.phases[0])
            else:
                palette.value_slider.set_value(frame.limits[1])

    def choose_case(self, number: int) -> None:
        """Choose a test problem as the person does."""
        if self.case.value() == number + 1:
            self._view.show_case(number)
        else:
            self.case.setValue(number + 1)

    @Slot(int)
    def _case_chosen(self, number: int) -> None:
        self._view.show_case(number - 1)

    @Slot()
    def _draw_another(self) -> None:
        self._seed += 1
        self._draw()

    @Slot()
    def _draw(self) -> None:
        self._view.port.ask_latest("draw", self._take, seed=31_000_000 + self._seed, tau=float(self.tau.value))

    def _take(self, values: np.ndarray) -> None:
        self._view.edit("Another coefficient", values)

    @Slot()
    def _ask_grids(self) -> None:
        self._view.ask_resolutions()

    @Slot()
    def _gain_changed(self) -> None:
        self._view.ask_again()
