"""Controls beside draw and retrieve."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Signal, Slot
from PySide6.QtWidgets import QCheckBox, QComboBox, QFormLayout, QHBoxLayout, QLabel, QPushButton, QWidget

from plugins.dense_hebbian.contract import ORDERS
from workbench.views import LabelledSlider, SegmentedButtons

MOST_LISTED = 40
"""Patterns offered by name: letters, drawings, and the first fillers."""


def _button(text: str, help: str, signal: object) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(help)
    button.clicked.connect(signal)
    return button


class RetrieveControls(QWidget):
    """What to play with; signals say what the person did."""

    relax_wanted = Signal()
    start_wanted = Signal(object)
    noise_wanted = Signal()
    blank_wanted = Signal()
    store_wanted = Signal()
    fields_toggled = Signal()
    basins_wanted = Signal()
    basins_moved = Signal()
    radius_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._listed: tuple[tuple[str, ...], int] = ((), 0)
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self.pattern = QComboBox()
        self.pattern.setToolTip("Start from this pattern with the share of flips in the form")
        self.pattern.activated.connect(self._picked)
        form.addRow("Start from", self.pattern)
        form.addRow(
            self._row(
                _button("Spoil again", "Turn other spins of the chosen pattern, and relax", self._spoil),
                _button("Relax", "Five sweeps, without Train", self.relax_wanted),
            )
        )
        form.addRow(
            self._row(
                _button("All noise", "Random spins: no memory is near", self.noise_wanted),
                _button("Blank", "Paper to draw on", self.blank_wanted),
                _button("Store", "Learn what is drawn, by noisy examples of it", self.store_wanted),
            )
        )
        self.fields = QCheckBox("Show local fields")
        self.fields.setToolTip("A square in each cell: the field that the others make there")
        self.fields.toggled.connect(self._toggled)
        form.addRow(self.fields)
        form.addRow(QLabel("Basins of attraction"))
        self.first, self.second = QComboBox(), QComboBox()
        for box in (self.first, self.second):
            box.setToolTip("The map lies between these two patterns")
            box.activated.connect(self._moved)
        form.addRow(self._row(self.first, self.second))
        self._order = SegmentedButtons([(order, str(order)) for order in ORDERS[:4]], help="P of the map's network")
        self._order.set_value(4)
        self._order.chosen.connect(self._moved)
        form.addRow("P", self._order)
        self.basin_patterns = LabelledSlider(
            "K", 4, 20_000, 300, log=True, decimals=0, help="Stored patterns of the map's network, letters first"
        )
        self.basin_entropy = LabelledSlider(
            "ρ", 0.0, 0.5, 0.05, decimals=3, help="Dataset entropy of the map's network"
        )
        for slider in (self.basin_patterns, self.basin_entropy):
            slider.value_changed.connect(self._moved)
            form.addRow(slider)
        form.addRow(
            self._row(
                _button(
                    "Paint basins", "Relax from 24 × 24 starts between the two, at zero temperature", self.basins_wanted
                ),
                _button("Measure radius", "How many spins of the chosen pattern may be turned", self.radius_wanted),
            )
        )

    @staticmethod
    def _row(*widgets: QWidget) -> QHBoxLayout:
        row = QHBoxLayout()
        for widget in widgets:
            row.addWidget(widget)
        return row

    @property
    def first_pattern(self) -> int:
        """Index of the map's first pattern."""
        return max(0, self.first.currentIndex())

    @property
    def second_pattern(self) -> int:
        """Index of the map's second pattern."""
        return max(0, self.second.currentIndex())

    @property
    def basin_order(self) -> int:
        """P of the map's network."""
        return int(str(self._order.value))

    def set_patterns(self, stored: Sequence[str], count: int, target: int) -> None:
        """Offer the letters and drawings by name, and some fillers."""
        if self._listed != (tuple(stored), count):
            self._listed = (tuple(stored), count)
            fillers = [f"filler {k + 1}" for k in range(min(count, MOST_LISTED) - len(stored))]
            for box, chosen in ((self.pattern, target), (self.first, 0), (self.second, 1)):
                with QSignalBlocker(box):
                    box.clear()
                    box.addItems([*stored, *fillers])
                    box.setCurrentIndex(chosen)
        if target < self.pattern.count() and self.pattern.currentIndex() != target:
            with QSignalBlocker(self.pattern):
                self.pattern.setCurrentIndex(target)

    @Slot(int)
    def _picked(self, index: int) -> None:
        self.start_wanted.emit(index)

    @Slot()
    def _spoil(self) -> None:
        self.start_wanted.emit(max(0, self.pattern.currentIndex()))

    @Slot(bool)
    def _toggled(self, _: bool) -> None:
        self.fields_toggled.emit()

    @Slot(object)
    def _moved(self, _: object) -> None:
        self.basins_moved.emit()
