from __future__ import annotations

import sys
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from workbench.views.theme import theme

# pytest's importlib mode leaves sys.path alone, so the fakes beside the tests are made importable here.
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def _light(qapp):
    theme().set_mode("light")
    yield
    QApplication.processEvents()
