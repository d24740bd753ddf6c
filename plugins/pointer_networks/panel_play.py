"""Controls beside the panel: whose answer, which step, which points, in which input order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QModelIndex, QSignalBlocker, QSize, Qt, Signal, Slot
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QSpinBox,
    QWidget,
)

from plugins.pointer_networks.contract import LABELS, MOST_POINTS
from plugins.pointer_networks.presets import PRESETS, preset
from workbench.views import LabelledSlider


class OrderStrip(QListWidget):
    """The points' numbers in input order; dragging one emits `reordered` with the old indices in their new order."""

    reordered = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setFlow(QListWidget.Flow.LeftToRight)
        self.setWrapping(True)
        self.setResizeMode(QListWidget.ResizeMode.Adjust)
        self.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.setDefaultDropAction(Qt.DropAction.MoveAction)
        self.setSpacing(1)
        self.setFixedHeight(64)
        self.setAccessibleName("Input order")
        self.setToolTip("Drag a number elsewhere: the same points, read in another order")
        self.model().rowsMoved.connect(self._moved)

    def set_count(self, count: int) -> None:
        """Show the numbers 1 to `count` in order."""
        with QSignalBlocker(self.model()):
            self.clear()
            for index in range(count):
                item = QListWidgetItem(str(index + 1))
                item.setData(Qt.ItemDataRole.UserRole, index)
                item.setTextAlignment(Qt.AlignmentFlag.AlignCenter)
                item.setSizeHint(QSize(26, 22))
                self.addItem(item)
        self.doItemsLayout()

    @property
    def order(self) -> list[int]:
        """Old indices as they now stand."""
        return [int(self.item(row).data(Qt.ItemDataRole.UserRole)) for row in range(self.count())]

    @Slot(QModelIndex, int, int, QModelIndex, int)
    def _moved(self, *_: object) -> None:
        self.reordered.emit(self.order)


class PlayControls(QWidget):
    """What to play with; signals say what the person did."""

    model_chosen = Signal()
    step_chosen = Signal()
    points_chosen = Signal(object)
    reordered = Signal(object)
    worst_wanted = Signal()
    released = Signal()
    own_forgotten = Signal()
    improve_wanted = Signal()
    file_wanted = Signal()

    def __init__(self, is_tour: bool) -> None:
        super().__init__()
        self._names: tuple[str, ...] = ()
        self._draws = 0
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self.model = QComboBox()
        self.model.setToolTip("Whose answer the points and the matrix show")
        self.model.activated.connect(self._model_activated)
        form.addRow("Answer of", self.model)
        self.step = LabelledSlider("Step", 0, 40, 2, decimals=0,
                                   help="Output step whose attention is drawn as arrows; 0 draws none")  # fmt: skip
        self.step.value_changed.connect(self._step_moved)
        form.addRow(self.step)
        self.everyone = QCheckBox("All models' answers")
        self.everyone.toggled.connect(self._toggled)
        form.addRow(self.everyone)
        self.free = QPushButton("Let the model decide again")
        self.free.setEnabled(False)
        self.free.setToolTip("Nothing is forced: click a point while a step is shown to force it there")
        self.free.clicked.connect(self.released)
        form.addRow(self.free)
        self.preset = QComboBox()
        self.preset.addItems(list(PRESETS))
        self.preset.setToolTip("Where the points are drawn")
        self.count = QSpinBox()
        self.count.setRange(3, MOST_POINTS)
        self.count.setValue(8)
        self.count.setToolTip("How many points are drawn")
        draw = QPushButton("Draw")
        draw.clicked.connect(self._draw)
        row = QHBoxLayout()
        row.addWidget(self.preset, 1)
        row.addWidget(self.count)
        row.addWidget(draw)
        form.addRow(row)
        self.jitter = LabelledSlider("Jitter", 0.0, 0.1, 0.0, decimals=3, help="Moves the drawn points at random")
        self.jitter.value_changed.connect(self._jittered)
        form.addRow(self.jitter)
        form.addRow(QLabel("Input order"))
        self.strip = OrderStrip()
        self.strip.reordered.connect(self.reordered)
        form.addRow(self.strip)
        worst, back = QPushButton("Worst order"), QPushButton("Example")
        worst.setToolTip("Swaps inputs while that makes the right output less likely (up to 20 points)")
        back.setToolTip("Back to the example that is followed while training")
        worst.clicked.connect(self.worst_wanted)
        back.clicked.connect(self.own_forgotten)
        buttons = QHBoxLayout()
        buttons.addWidget(worst)
        buttons.addWidget(back)
        form.addRow(buttons)
        if is_tour:
            improve, load = QPushButton("Improve by 2-opt"), QPushButton("Open cities …")
            improve.setToolTip("Plays the exchanges that shorten the model's tour")
            load.setToolTip("TSPLIB (.tsp) or .csv")
            improve.clicked.connect(self.improve_wanted)
            load.clicked.connect(self.file_wanted)
            extra = QHBoxLayout()
            extra.addWidget(improve)
            extra.addWidget(load)
            form.addRow(extra)
        self.about = QLabel(wordWrap=True)
        form.addRow(self.about)

    @property
    def chosen_model(self) -> str:
        """The model whose answer is shown, or an empty text."""
        index = self.model.currentIndex()
        return self._names[index] if 0 <= index < len(self._names) else ""

    def set_models(self, names: Sequence[str]) -> None:
        """Offer these models, keeping the choice where it is still there."""
        if tuple(names) == self._names:
            return
        before = self.chosen_model
        self._names = tuple(names)
        self.model.clear()
        self.model.addItems([LABELS[name] for name in names])
        if before in self._names:
            self.model.setCurrentIndex(self._names.index(before))

    def set_forced(self, is_forced: bool) -> None:
        """Say whether a choice of the person's is in force."""
        self.free.setEnabled(is_forced)

    @Slot(int)
    def _model_activated(self, _: int) -> None:
        self.model_chosen.emit()

    @Slot(object)
    def _step_moved(self, _: float) -> None:
        self.step_chosen.emit()

    @Slot(bool)
    def _toggled(self, _: bool) -> None:
        self.model_chosen.emit()

    @Slot()
    def _draw(self) -> None:
        self._draws += 1
        self._emit_preset()

    @Slot(object)
    def _jittered(self, _: float) -> None:
        self._emit_preset()

    def _emit_preset(self) -> None:
        made = preset(self.preset.currentText(), self.count.value(), self.jitter.value, self._draws)
        self.points_chosen.emit(np.asarray(made))
