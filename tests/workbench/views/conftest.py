"""Views are tested on whatever display there is; without one, on Qt's offscreen platform."""

from __future__ import annotations

import os
import sys

import numpy as np
import pytest

if sys.platform.startswith("linux") and not os.environ.get("DISPLAY") and not os.environ.get("WAYLAND_DISPLAY"):
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


@pytest.fixture(autouse=True)
def light_theme(qapp):
    from workbench.views.theme import theme

    theme().set_mode("light")
    yield
    theme().set_mode("light")


@pytest.fixture
def show(qtbot):
    """Show a widget at a size and wait until it is on the screen."""

    def shown(widget, width=480, height=360):
        qtbot.addWidget(widget)
        widget.resize(width, height)
        widget.show()
        qtbot.waitExposed(widget)
        widget.grab()
        return widget

    return shown


@pytest.fixture
def pixels():
    """Return a QImage or QPixmap as (h, w, 3) integers."""

    def as_array(image):
        from PySide6.QtGui import QImage

        made = image.toImage() if hasattr(image, "toImage") else image
        made = made.convertToFormat(QImage.Format.Format_RGB888)
        rows = np.frombuffer(made.constBits(), np.uint8).reshape(made.height(), made.bytesPerLine())
        return rows[:, : 3 * made.width()].reshape(made.height(), made.width(), 3).astype(int)

    return as_array


@pytest.fixture
def near():
    """Which pixels of an (h, w, 3) array are close to a colour."""

    def found(array, colour, tolerance=24):
        from PySide6.QtGui import QColor

        return np.abs(array - np.array(QColor(colour).getRgb()[:3])).max(-1) <= tolerance

    return found
