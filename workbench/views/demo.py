"""Shows one view in a window of its own: `python -m workbench.views.curves [light|dark]`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import cast

from PySide6.QtWidgets import QApplication, QWidget

from workbench.views.theme import Mode, theme


def show_demo(make: Callable[[], QWidget]) -> None:
    """Show the widget that `make` returns until its window is closed."""
    application = QApplication(sys.argv)
    theme().set_mode(cast(Mode, sys.argv[1]) if len(sys.argv) > 1 else "system")
    widget = make()
    widget.resize(760, 520)
    widget.show()
    sys.exit(application.exec())
