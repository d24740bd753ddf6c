"""The gallery: all papers at a glance, the first thing a person sees."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QEvent, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QKeyEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from workbench.app.gallery_card import GalleryCard
from workbench.app.icons import icon
from workbench.app.widgets import Chip, ColouredLabel, FlowLayout
from workbench.catalog import Entry
from workbench.sdk import PaperCard

MINIMUM_CARD_WIDTH = 226
SPACING = 14
SHOWN_RUNS = 4
ALL = "All"
_SORTS = {"year": "Sort: year", "title": "Sort: title", "topic": "Sort: topic"}


@dataclass(frozen=True)
class WaitingRun:
    """A run that was left before its end and can be continued."""

    plugin: str
    experiment: str
    folder: Path
    text: str


def matches(card: PaperCard, text: str) -> bool:
    """Whether every word of `text` occurs in title, authors, tags, topic or summary."""
    haystack = " ".join(
        (card.title, card.short, *card.authors, *card.tags, card.topic, card.summary, card.invitation, str(card.year))
    ).lower()
    return all(word in haystack for word in text.lower().split())


def sorted_entries(entries: Sequence[Entry], by: str) -> list[Entry]:
    """Sort by "year" (newest first), "title" or "topic"; papers that can be opened come before planned ones."""
    keys: dict[str, Callable[[PaperCard], tuple[Any, ...]]] = {
        "year": lambda card: (-card.year, card.short.lower()),
        "title": lambda card: (card.short.lower(),),
        "topic": lambda card: (card.topic.lower(), -card.year, card.short.lower()),
    }
    return sorted(entries, key=lambda entry: (entry.status == "planned", *keys[by](entry.card)))


class Gallery(QWidget):
    """Search, topics, sorting, cards. Emits what a person wants; the main window does it."""

    opened = Signal(object)  # Entry
    continued = Signal(object)  # WaitingRun
    start_requested = Signal()

    def __init__(self, entries: Sequence[Entry]) -> None:
        super().__init__()
        self.setAccessibleName("Gallery of papers")
        self._cards: dict[str, GalleryCard] = {}
        self._shown: list[GalleryCard] = []
        self._runs: tuple[WaitingRun, ...] = ()
        self._columns = 0
        self._topic = ALL
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search papers, ideas, authors …")
        self.search.setAccessibleName("Search papers")
        self.search.setClearButtonEnabled(True)
        self.search.setMinimumHeight(30)
        self.search.addAction(icon("mdi6.magnify", "muted"), QLineEdit.ActionPosition.LeadingPosition)
        self.search.installEventFilter(self)
        self.search.textChanged.connect(self._refilter)
        self._sort = QComboBox()
        self._sort.setAccessibleName("Sort papers")
        for key, text in _SORTS.items():
            self._sort.addItem(text, key)
        self._sort.activated.connect(self._refilter)
        self._chip_box = QWidget()
        self._chip_layout = FlowLayout(self._chip_box)
        self._chips = QButtonGroup(self)
        self._chips.setExclusive(True)
        self._chips.buttonClicked.connect(self._topic_clicked)
        self._strip = QWidget()
        self._strip_layout = FlowLayout(self._strip)
        self._count = ColouredLabel("", "muted")
        self._nothing = ColouredLabel("", "muted", wrap=True)
        self._grid_box = QWidget()
        self._grid = FlowLayout(self._grid_box, spacing=SPACING)
        self._lay_out()
        # A drag of the window's edge resizes hundreds of times; the cards follow when it has paused a moment.
        self._resize_timer = QTimer(self)
        self._resize_timer.setSingleShot(True)
        self._resize_timer.setInterval(30)
        self._resize_timer.timeout.connect(self._arrange)
        self.show_entries(entries)

    def _lay_out(self) -> None:
        tools = QHBoxLayout()
        tools.setSpacing(10)
        tools.addWidget(self.search, 1)
        tools.addWidget(self._count)
        tools.addWidget(self._sort)
        content = QWidget()
        inner = QVBoxLayout(content)
        inner.setContentsMargins(18, 14, 18, 18)
        inner.setSpacing(12)
        inner.addLayout(tools)
        inner.addWidget(self._chip_box)
        inner.addWidget(self._strip)
        inner.addWidget(self._nothing)
        inner.addWidget(self._grid_box)
        inner.addStretch(1)
        self._scroll = QScrollArea()
        self._scroll.setWidget(content)
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        # Always there, so that its coming and going cannot change the number of columns back and forth.
        self._scroll.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._scroll)

    # What is shown

    def show_entries(self, entries: Sequence[Entry]) -> None:
        """Show these papers; cards that stay are kept."""
        known = {entry.card.id: entry for entry in entries}
        for id, card in list(self._cards.items()):
            if known.get(id) is not card.entry:
                self._grid.removeWidget(card)
                card.hide()
                card.deleteLater()
                del self._cards[id]
        for entry in entries:
            if entry.card.id not in self._cards:
                card = GalleryCard(entry)
                card.clicked.connect(self._card_clicked)
                card.moved.connect(self._move_focus)
                self._cards[entry.card.id] = card
            self._cards[entry.card.id].refresh()
        self._show_topics()
        self._refilter()

    def _show_topics(self) -> None:
        topics = [ALL, *dict.fromkeys(card.entry.card.topic for card in self._cards.values())]
        if [button.text() for button in self._chips.buttons()] == topics:
            return
        for button in self._chips.buttons():
            self._chips.removeButton(button)
            self._chip_layout.removeWidget(button)
            button.deleteLater()
        for topic in topics:
            chip = Chip(topic)
            chip.setChecked(topic == self._topic)
            self._chips.addButton(chip)
            self._chip_layout.addWidget(chip)

    def show_runs(self, runs: Sequence[WaitingRun], *, is_first_run: bool) -> None:
        """Show the runs that can be continued, newest first, and where to start for someone new."""
        self._runs = tuple(runs)
        while (item := self._strip_layout.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        if self._runs:
            label = QLabel("Continue where you left:")
            label.setMinimumHeight(26)
            self._strip_layout.addWidget(label)
        for index, run in enumerate(self._runs[:SHOWN_RUNS]):
            button = self._strip_button(run.text, "mdi6.play")
            button.setProperty("run", index)
            button.clicked.connect(self._run_clicked)
        start = self._strip_button("Start here: a 3-minute tour", "mdi6.compass-outline")
        start.setDefault(is_first_run)
        start.clicked.connect(self.start_requested)
        waiting = {run.plugin: run.text for run in reversed(self._runs)}
        for id, card in self._cards.items():
            card.set_waiting_run(waiting.get(id, ""))

    def _strip_button(self, text: str, icon_name: str) -> QPushButton:
        button = QPushButton(text)
        button.setIcon(icon(icon_name, "accent"))
        self._strip_layout.addWidget(button)
        return button

    @property
    def shown(self) -> list[Entry]:
        """The papers that match search and topic, in the order shown."""
        return [card.entry for card in self._shown]

    def card(self, id: str) -> GalleryCard:
        """Return the card of a paper; raise KeyError if there is none."""
        return self._cards[id]

    @Slot()
    def _refilter(self) -> None:
        text, by = self.search.text(), str(self._sort.currentData())
        found = [
            card.entry
            for card in self._cards.values()
            if matches(card.entry.card, text) and self._topic in (ALL, card.entry.card.topic)
        ]
        self._shown = [self._cards[entry.card.id] for entry in sorted_entries(found, by)]
        live = sum(card.entry.status == "ok" for card in self._shown)
        self._count.setText(f"{len(self._shown)} papers, {live} live")
        self._nothing.setText("No paper has all of these words. Fewer words, or the topic All, show more.")
        self._nothing.setVisible(not self._shown)
        self._fill()
        self._arrange()

    @Slot()
    def _arrange(self) -> None:
        width = self._scroll.viewport().width() - 36
        columns = max(1, (width + SPACING) // (MINIMUM_CARD_WIDTH + SPACING))
        card_width = max(120, (width - (columns - 1) * SPACING) // columns)
        self._columns = columns
        for card in self._shown:
            card.set_width(card_width)

    def _fill(self) -> None:
        """Put the cards that are shown into the grid, in order."""
        while self._grid.takeAt(0) is not None:
            pass
        for card in self._cards.values():
            card.setVisible(card in self._shown)
        previous: QWidget = self._sort
        for card in self._shown:
            self._grid.addWidget(card)
            QWidget.setTabOrder(previous, card)
            previous = card

    # Keyboard

    @Slot(object, object)
    def _move_focus(self, card: GalleryCard, key: Qt.Key) -> None:
        index = self._shown.index(card)
        moves = {
            Qt.Key.Key_Left: index - 1,
            Qt.Key.Key_Right: index + 1,
            Qt.Key.Key_Up: index - self._columns,
            Qt.Key.Key_Down: min(index + self._columns, len(self._shown) - 1),
            Qt.Key.Key_Home: 0,
            Qt.Key.Key_End: len(self._shown) - 1,
        }
        target = moves[key]
        if 0 <= target < len(self._shown):
            self._shown[target].setFocus(Qt.FocusReason.TabFocusReason)
            self._scroll.ensureWidgetVisible(self._shown[target], 10, 24)
        elif key is Qt.Key.Key_Up:
            self.search.setFocus(Qt.FocusReason.TabFocusReason)

    @override
    def eventFilter(self, watched: object, event: QEvent) -> bool:
        if (
            watched is self.search
            and isinstance(event, QKeyEvent)
            and event.type() == QEvent.Type.KeyPress
            and self._shown
        ):
            if event.key() == Qt.Key.Key_Down:
                self._shown[0].setFocus(Qt.FocusReason.TabFocusReason)
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self.opened.emit(self._shown[0].entry)
                return True
        return False

    # Mouse

    @Slot()
    def _card_clicked(self) -> None:
        card = self.sender()
        if isinstance(card, GalleryCard):
            self.opened.emit(card.entry)

    @Slot()
    def _run_clicked(self) -> None:
        button = self.sender()
        if button is not None:
            self.continued.emit(self._runs[int(button.property("run"))])

    @Slot(object)
    def _topic_clicked(self, chip: Chip) -> None:
        self._topic = chip.text()
        self._refilter()

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._resize_timer.start()

    @override
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._arrange()

    @override
    def sizeHint(self) -> QSize:
        return QSize(1100, 700)
