"""Parts of the panel that several experiments use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QTabWidget, QWidget

MODEL_COLOURS = {"mgno": 0, "fno": 1, "unet": 2, "dilresnet": 3}


def split(direction: Qt.Orientation, *widgets: QWidget, sizes: Sequence[int] = ()) -> QSplitter:
    """Widgets beside or above each other with movable borders."""
    made = QSplitter(direction)
    made.setChildrenCollapsible(False)
    for widget in widgets:
        made.addWidget(widget)
    if sizes:
        made.setSizes(list(sizes))
    return made


def beside(*widgets: QWidget, sizes: Sequence[int] = ()) -> QSplitter:
    """Widgets beside each other."""
    return split(Qt.Orientation.Horizontal, *widgets, sizes=sizes)


def above(*widgets: QWidget, sizes: Sequence[int] = ()) -> QSplitter:
    """Widgets above each other."""
    return split(Qt.Orientation.Vertical, *widgets, sizes=sizes)


def tabs_of(pages: Mapping[str, QWidget]) -> QTabWidget:
    """Views that share a place."""
    tabs = QTabWidget()
    tabs.setDocumentMode(True)
    for text, page in pages.items():
        tabs.addTab(page, text)
    return tabs


def row_of(*widgets: QWidget) -> QWidget:
    """Widgets in a row without borders."""
    box = QWidget()
    layout = QHBoxLayout(box)
    layout.setContentsMargins(0, 0, 0, 0)
    for widget in widgets:
        layout.addWidget(widget, 1)
    return box


def positive(values: np.ndarray) -> np.ndarray:
    """Values for a logarithmic axis: what is not positive becomes a gap."""
    return np.where(np.asarray(values, float) > 0, values, np.nan)
