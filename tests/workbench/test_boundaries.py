"""What each process may import, seen in a fresh interpreter: the linter sees names, this sees what happens."""

from __future__ import annotations

import subprocess
import sys

import pytest


def modules_after(code: str) -> set[str]:
    script = f"{code}\nimport sys; print('\\n'.join(sys.modules))"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(result.stdout.split())


@pytest.mark.parametrize(
    "module", ["workbench.app.application", "workbench.app.main_window", "workbench.engine", "workbench.views"]
)
def test_the_ui_imports_neither_torch_nor_scipy_nor_a_plugin(module):
    loaded = modules_after(f"import {module}")
    assert not loaded & {"torch", "scipy", "sklearn", "vispy", "trimesh", "ziamath"}
    assert not [name for name in loaded if name.startswith("plugins.")]


def test_the_contracts_and_panels_of_all_plugins_import_without_torch():
    loaded = modules_after(
        "from workbench.catalog import Catalog\n"
        "for entry in Catalog.discover().entries:\n"
        "    if entry.status == 'ok':\n"
        "        for card in entry.card.experiments:\n"
        "            entry.parameters_type(card.id); entry.view_type(card.id)\n"
        "    assert entry.status != 'broken', entry.traceback"
    )
    assert "PySide6.QtWidgets" in loaded
    assert not loaded & {"torch", "scipy", "sklearn"}


def test_the_worker_and_all_experiments_import_without_qt():
    loaded = modules_after(
        "import workbench.compute.worker, workbench.compute.runner, workbench.compute.claims\n"
        "from workbench.catalog import Catalog\n"
        "for entry in Catalog.discover().entries:\n"
        "    for card in entry.card.experiments:\n"
        "        entry.experiment_type(card.id)\n"
        "    entry.claims()"
    )
    assert "torch" in loaded
    assert not [name for name in loaded if name.split(".")[0] in {"PySide6", "pyqtgraph", "vispy", "qasync"}]
