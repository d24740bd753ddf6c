"""Parts of the panel that several experiments use."""

from __future__ import annotations

import numpy as np
from PySide6.QtWidgets import QHBoxLayout, QWidget

MODEL_COLOURS = {"mgno": 0, "fno": 1, "unet": 2, "dilresnet": 3}


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
