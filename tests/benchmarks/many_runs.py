"""How long the Runs window takes with ten thousand runs: `python tests/benchmarks/many_runs.py [COUNT]`."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np


def make(count: int) -> None:
    """Write run folders as a year of work would leave them."""
    from workbench.runs import RunStore, folders
    from workbench.sdk import MetricsBlock

    store = RunStore(folders().make().runs)
    values = {"plugin": "rotation_continuity", "experiment": "sanity", "device": "cpu", "status": "finished"}
    folder, record = store.create(values | {"seed": 0, "parameters": {}})
    at = np.arange(1, 51)
    folder.metrics.append(MetricsBlock({"loss": (at, 1 / at)}))
    pages = {file.name: file.read_bytes() for file in folder.path.iterdir()}
    for number in range(count - 1):
        id = f"20250101-{number:06d}-rotation_continuity-{number:06x}"
        path = store.root / id
        path.mkdir()
        own = record.model_copy(update={"id": id, "seed": number % 5, "parameters": {"learning_rate": number / count}})
        for name, content in pages.items():
            (path / name).write_bytes(json.dumps(own.model_dump()).encode() if name == "run.json" else content)


def main() -> None:
    """Print seconds."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    make(count)
    from workbench.runs import RunIndex, folders

    began = time.perf_counter()
    index = RunIndex(folders().runs)
    index.sync()
    print(f"index made of {count} folders: {time.perf_counter() - began:.2f} s")
    index.close()

    from PySide6.QtWidgets import QApplication

    application = QApplication([])
    from workbench.app.runs_browser import RunsWindow

    began = time.perf_counter()
    window = RunsWindow({})
    window.show()
    while window.model.rowCount() < count:
        application.processEvents()
    application.processEvents()
    print(f"window shows {count} runs: {time.perf_counter() - began:.2f} s")
    began = time.perf_counter()
    window.search.setText("learning_rate<0.1 seed=3")
    application.processEvents()
    print(f"search: {time.perf_counter() - began:.2f} s, {window.model.rowCount()} found")
    index = RunIndex(folders().runs)
    index.sync()
    began = time.perf_counter()
    index.sync()
    print(f"looking for changes: {time.perf_counter() - began:.2f} s")
    index.close()
    window.lister.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.environ["WORKBENCH_HOME"] = folder
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
        sys.path.insert(0, str(Path(__file__).parents[2]))
        main()
