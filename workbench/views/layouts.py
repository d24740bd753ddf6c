"""Ways to place views: beside each other with movable borders, or behind each other as tabs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QTabWidget, QWidget


def beside(*widgets: QWidget, sizes: Sequence[int] = ()) -> QSplitter:
    """Widgets beside each other with movable borders; `sizes` in pixels share the room."""
    return _split(Qt.Orientation.Horizontal, widgets, sizes)


def above(*widgets: QWidget, sizes: Sequence[int] = ()) -> QSplitter:
    """Widgets one above the other with movable borders; `sizes` in pixels share the room."""
    return _split(Qt.Orientation.Vertical, widgets, sizes)


def _split(direction: Qt.Orientation, widgets: Sequence[QWidget], sizes: Sequence[int]) -> QSplitter:
    splitter = QSplitter(direction)
    splitter.setChildrenCollapsible(False)
    for widget in widgets:
        splitter.addWidget(widget)
    if sizes:
        splitter.setSizes(list(sizes))
        for index, size in enumerate(sizes):
            splitter.setStretchFactor(index, size)
    return splitter


def row_of(*widgets: QWidget) -> QWidget:
    """Small widgets in a row without borders, each with the same share of the room."""
    box = QWidget()
    layout = QHBoxLayout(box)
    layout.setContentsMargins(0, 0, 0, 0)
    for widget in widgets:
        layout.addWidget(widget, 1)
    return box


def with_button(widget: QWidget, *buttons: QWidget) -> QWidget:
    """A widget that takes the room of a row, and small buttons at its end."""
    box = row_of(widget, *buttons)
    layout = box.layout()
    assert isinstance(layout, QHBoxLayout)
    for place in range(1, 1 + len(buttons)):
        layout.setStretch(place, 0)
    return box


def tabs_of(pages: Mapping[str, QWidget]) -> QTabWidget:
    """Views that share a place, with what their tabs say."""
    tabs = QTabWidget()
    tabs.setDocumentMode(True)
    for text, page in pages.items():
        tabs.addTab(page, text)
    return tabs
