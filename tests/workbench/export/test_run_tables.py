"""Runs for other programs, read back by those programs' own libraries."""

from __future__ import annotations

import csv
import sys
import warnings
from datetime import datetime

import numpy as np
import pytest

from workbench.export.run_tables import save_event_files, save_table
from workbench.runs import RunIndex, RunStore
from workbench.sdk import MetricsBlock, UserError


@pytest.fixture
def runs(tmp_path):
    root = tmp_path / "data" / "runs"
    root.mkdir(parents=True)
    store = RunStore(root)
    for seed, parameters in enumerate(({"width": 8, "kind": "relu"}, {"width": 16, "depth": 2, "methods": ["a", "b"]})):
        values = {"plugin": "tiny", "experiment": "fit", "parameters": parameters, "seed": seed, "device": "cpu"}
        folder, _ = store.create(values | {"status": "finished"})
        at = np.arange(1, 101)
        block = {"loss": (at, 1 / at), "wall_seconds": (np.array([50, 100]), np.array([5.0, 10.0]))}
        folder.metrics.append(MetricsBlock(block))
    index = RunIndex(root)
    index.sync()
    found = sorted(index.runs(), key=lambda run: run.seed)
    histories = [index.folder(run.id).metrics.read() for run in found]
    index.close()
    return found, histories


def test_csv_has_a_row_a_run_and_a_column_a_parameter(runs, tmp_path):
    save_table(tmp_path / "runs.csv", runs[0])
    first, second = csv.DictReader((tmp_path / "runs.csv").read_text().splitlines())
    assert (first["parameter.width"], first["parameter.depth"], first["parameter.kind"]) == ("8.0", "", "relu")
    assert (second["parameter.methods"], float(second["last.loss"])) == ("a, b", 0.01)


def test_parquet_keeps_numbers_as_numbers(runs, tmp_path):
    import pyarrow.parquet

    save_table(tmp_path / "runs.parquet", runs[0])
    table = pyarrow.parquet.read_table(tmp_path / "runs.parquet").to_pydict()
    assert table["parameter.width"] == [8.0, 16.0]
    assert table["parameter.depth"] == [None, 2.0]
    assert table["seed"] == [0, 1]


def test_parquet_without_its_library_says_what_to_install(runs, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match="pip install pyarrow"):
        save_table(tmp_path / "runs.parquet", runs[0])


def test_another_kind_of_file_is_refused(runs, tmp_path):
    with pytest.raises(UserError, match=r"\.csv or \.parquet, not \.xls"):
        save_table(tmp_path / "runs.xls", runs[0])


def test_tensorboard_reads_every_scalar_at_its_step_and_time(runs, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    found, histories = runs
    folders = save_event_files(tmp_path / "events", list(zip(found, histories, strict=True)))
    assert [folder.name for folder in folders] == [run.id for run in found]
    accumulator = EventAccumulator(str(folders[0]), size_guidance={"scalars": 0})
    accumulator.Reload()
    events = accumulator.Scalars("loss")
    assert [event.step for event in events] == list(range(1, 101))
    assert np.allclose([event.value for event in events], 1 / np.arange(1, 101))
    started = datetime.fromisoformat(found[0].started).timestamp()
    assert events[-1].wall_time - started == pytest.approx(10.0, abs=1e-3)


def test_event_files_without_the_library_say_what_to_install(runs, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(UserError, match="pip install tensorboardX"):
        save_event_files(tmp_path, [])
