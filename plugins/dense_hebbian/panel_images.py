"""View of the images: draw or spoil one and let it be recalled; classes, confusion, and accuracy against P."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import QSignalBlocker, Slot
from PySide6.QtGui import QUndoCommand
from PySide6.QtWidgets import QCheckBox, QComboBox, QFormLayout, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from plugins.dense_hebbian.contract import ImagesFrame, Recalled
from plugins.dense_hebbian.panel_parts import InkView, sheet, sheet_index
from workbench.views import BarsView, CurvesView, ExperimentView, ImageView, LabelledSlider, SessionPort
from workbench.views.layouts import above, beside, tabs_of
from workbench.views.pattern_editor import PaintedSites, PatternEditor
from workbench.views.picks import Pick

SHEET_COLUMNS = 5
FIRST_CLASS = 2


class ImagesView(ExperimentView):
    """A drawing on its way to a memory, and how all classes fare."""

    hint = "Draw on the left, or take an image; the network recalls it at zero temperature."

    def __init__(self, port: SessionPort, parent: QWidget | None = None) -> None:
        super().__init__(port, parent)
        self._frame: ImagesFrame | None = None
        self._drawing = np.zeros((0, 0))
        self._before: np.ndarray | None = None
        self.drawing = PatternEditor(
            "drawing", "Your image", brush=1, hint="Drag to draw, Shift-drag to erase, right-drag to add noise."
        )
        self.recalled = InkView("recalled", "Recalled")
        self.energy = CurvesView("energy", "Energy while it relaxes", "eighths of a sweep", "energy per pixel")
        self.overlaps = BarsView("overlaps", "Overlap with each class", "m", group_label="class")
        self.confusion = ImageView(
            "confusion",
            "Where spoilt images end",
            x_label="recalled class (–: none)",
            y_label="true class",
            value_label="share",
            levels=(0.0, 1.0),
            origin="upper",
        )
        self.means = InkView("classes", "Means of the classes", "Click one to start from its archetype.")
        self.archetypes = InkView("archetypes", "Archetypes: signs of the whole class's mean")
        self.batch = InkView("batch", "Last batch: spoilt above, recalled below")
        self.batch.show_message("Train recalls a spoilt image of every class at each step.")
        self.orders = BarsView("orders", "Right class against P", "share", group_label="P")
        self.orders.show_message("Press “Compare all P” on the left.")
        self._play = self._make_play()
        upper = beside(self.drawing, self.recalled, sizes=(1, 1))
        left = above(upper, beside(self.energy, self.overlaps, sizes=(1, 1)), sizes=(380, 300))
        pages = tabs_of({"Confusion": self.confusion, "Against P": self.orders, "Last batch": self.batch})
        data = tabs_of({"Means": self.means, "Archetypes": self.archetypes})
        right = above(pages, data, sizes=(380, 300))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(beside(left, right, sizes=(560, 420)))
        self.drawing.painted.connect(self._paint)
        self.drawing.disturbed.connect(self._disturb)
        self.drawing.stroke_ended.connect(self._stroke_ended)
        self.means.clicked.connect(self._class_clicked)

    def _make_play(self) -> QWidget:
        play = QWidget()
        form = QFormLayout(play)
        form.setContentsMargins(0, 0, 0, 0)
        self._class = QComboBox()
        self._class.setToolTip("Which class the image is taken from")
        self._class.activated.connect(self._take)
        form.addRow("Class", self._class)
        self._flips = LabelledSlider("Spoilt", 0.0, 0.5, 0.1, decimals=2, help="Share of pixels turned")
        self._flips.value_changed.connect(self._take)
        form.addRow(self._flips)
        row = QHBoxLayout()
        archetype, image = QPushButton("Archetype"), QPushButton("Unseen image")
        archetype.setToolTip("The class's archetype, spoilt")
        image.setToolTip("An image of the class that was not learnt from, spoilt")
        archetype.clicked.connect(self._take)
        image.clicked.connect(self._take_image)
        row.addWidget(archetype)
        row.addWidget(image)
        form.addRow(row)
        self._at_once = QCheckBox("Recall at once")
        self._at_once.setChecked(True)
        self._at_once.setToolTip("Recall whenever the drawing changes")
        form.addRow(self._at_once)
        recall, blank = QPushButton("Recall"), QPushButton("Blank")
        recall.clicked.connect(self._recall)
        blank.clicked.connect(self._blank)
        row = QHBoxLayout()
        row.addWidget(recall)
        row.addWidget(blank)
        form.addRow(row)
        compare = QPushButton("Compare all P")
        compare.setToolTip("Recalls the same spoilt images with every P")
        compare.clicked.connect(self._compare)
        form.addRow(compare)
        return play

    def play_controls(self) -> QWidget:
        """Take an image, recall, compare orders."""
        return self._play

    def start_over(self) -> None:
        """Forget the classes before."""
        self._frame = None
        self.batch.show_message("Train recalls a spoilt image of every class at each step.")
        self.orders.show_message("Press “Compare all P” on the left.")

    def show_frame(self, frame: ImagesFrame) -> None:
        """Draw classes, the last batch, and the confusion."""
        is_new, self._frame = self._frame is None, frame
        count = len(frame.means)
        if is_new:
            with QSignalBlocker(self._class):
                chosen = self._class.currentIndex() if self._class.count() else FIRST_CLASS
                self._class.clear()
                self._class.addItems([str(label) for label in range(count)])
                self._class.setCurrentIndex(min(chosen, count - 1))
            self.means.set_pattern(sheet(frame.means, SHEET_COLUMNS))
            self.archetypes.set_pattern(sheet(frame.archetypes, SHEET_COLUMNS))
            self.drawing.brush = max(1, frame.means.shape[1] // 12)
            if self._drawing.shape != frame.means.shape[1:]:
                self._take()
        labels = [str(label) for label in range(count)]
        self.confusion.set_image(frame.confusion, row_labels=labels, column_labels=[*labels, "–"])
        if frame.accuracy or len(frame.starts):
            self.confusion.title = (
                f"Right class {100 * frame.accuracy:.0f} %; nearest class mean {100 * frame.nearest_mean:.0f} %"
            )
        if len(frame.starts):
            both = np.concatenate([frame.starts, frame.ends])
            self.batch.set_pattern(sheet(both, len(frame.starts)))

    # The drawing

    def use_drawing(self, drawing: np.ndarray) -> None:
        """Show this drawing, and recall it if that is wanted."""
        self._drawing = np.asarray(drawing, float)
        self.drawing.set_pattern(self._drawing)
        if self._at_once.isChecked():
            self._recall()

    @Slot(object)
    def _paint(self, painted: PaintedSites) -> None:
        self._begin_stroke()
        self._drawing = self._drawing.copy()
        self._drawing.flat[list(painted.sites)] = painted.value

    @Slot(object)
    def _disturb(self, sites: tuple[int, ...]) -> None:
        self._begin_stroke()
        rng = np.random.default_rng()
        turned = [site for site in sites if rng.random() < 0.5]
        drawing = self._drawing.copy()
        drawing.flat[turned] *= -1
        self._drawing = drawing
        self.drawing.set_pattern(drawing)

    def _begin_stroke(self) -> None:
        if self._before is None:
            self._before = self._drawing

    @Slot()
    def _stroke_ended(self) -> None:
        if self._before is not None:
            self.port.undo_stack.push(_Draw(self, self._before, self._drawing))
            self._before = None

    @Slot()
    def _take(self, _: object = None) -> None:
        self._take_from("archetype")

    @Slot()
    def _take_image(self) -> None:
        self._take_from("image")

    def _take_from(self, start: str) -> None:
        if self._frame is not None:
            self.port.ask_latest(
                "example",
                self.use_drawing,
                label=max(0, self._class.currentIndex()),
                flips=float(self._flips.value),
                start=start,
            )

    @Slot()
    def _blank(self) -> None:
        if self._drawing.size:
            self.port.undo_stack.push(_Draw(self, self._drawing, -np.ones_like(self._drawing)))

    @Slot(object)
    def _class_clicked(self, pick: Pick) -> None:
        if self._frame is None or pick.index < 0 or self.means.values is None:
            return
        shape = self._frame.means.shape[1:]
        label = sheet_index(pick.index, (shape[0], shape[1]), SHEET_COLUMNS, self.means.values.shape[1])
        if 0 <= label < len(self._frame.means):
            self._class.setCurrentIndex(label)
            self._take()

    # Recall

    @Slot()
    def _recall(self) -> None:
        if self._drawing.size:
            self.port.ask_latest("recall", self._show_recalled, partial=self._show_recalled, drawing=self._drawing)

    def _show_recalled(self, said: Any) -> None:
        if not isinstance(said, Recalled):
            return
        self.recalled.set_pattern(said.state)
        self.energy.set_series(
            "energy", np.arange(len(said.energies)), said.energies, color=3, width=2.0, label="energy per pixel"
        )
        labels = [str(label) for label in range(len(said.overlaps))]
        self.overlaps.set_bars(labels, {"m": said.overlaps})
        best = int(np.argmax(said.overlaps))
        self.recalled.title = f"Recalled {best}, m = {said.overlaps[best]:.2f}"

    @Slot()
    def _compare(self) -> None:
        self.port.ask_latest("compare_orders", self._show_orders, partial=self._show_orders)

    def _show_orders(self, said: Any) -> None:
        if isinstance(said, tuple):
            orders, right = said
            self.orders.set_bars([str(order) for order in orders], {"right class": right})


class _Draw(QUndoCommand):
    """A stroke on the drawing."""

    def __init__(self, view: ImagesView, before: np.ndarray, after: np.ndarray) -> None:
        super().__init__("draw")
        self._view, self._before, self._after = view, before, after

    def redo(self) -> None:
        """Show the drawing with the stroke."""
        self._view.use_drawing(self._after)

    def undo(self) -> None:
        """Show the drawing without it."""
        self._view.use_drawing(self._before)
