"""The index of runs: as good as the folders, quick, and never the only copy of anything."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys

import numpy as np
import pytest

from workbench.runs import RunIndex, RunStore
from workbench.runs.metrics_file import TAIL_RECORDS, MetricsFile
from workbench.sdk import MetricsBlock


def add(root, steps=3, status="finished", **parameters):
    values = {"plugin": "tiny", "experiment": "fit", "parameters": parameters, "seed": 0, "device": "cpu"}
    folder, record = RunStore(root).create(values | {"status": status, "process": os.getpid()})
    at = np.arange(1, steps + 1)
    folder.metrics.append(MetricsBlock({"loss": (at, 1.0 / at), "rare": (at[:1], np.array([7.0]))}))
    return record.id


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "data" / "runs"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def index(root):
    index = RunIndex(root)
    yield index
    index.close()


def test_it_says_of_each_run_what_its_folder_says(root, index):
    id = add(root, width=16, methods=["a", "b"])
    assert index.sync() == 1
    (run,) = index.runs()
    assert (run.id, run.plugin, run.experiment, run.status) == (id, "tiny", "fit", "finished")
    assert run.parameters == {"width": 16, "methods": ["a", "b"]}
    assert run.finals == {"loss": pytest.approx(1 / 3), "rare": 7.0}
    assert run.bytes == sum(file.stat().st_size for file in (root / id).iterdir())
    assert index.sync() == 0, "nothing changed, so nothing is read again"


def test_it_follows_runs_that_change_appear_and_go(root, index):
    first = add(root, status="running")
    index.sync()
    second = add(root, width=2)
    folder = index.folder(first)
    folder.metrics.append(MetricsBlock({"loss": (np.array([4]), np.array([0.01]))}))
    assert index.sync() == 2
    assert {run.id: run.finals["loss"] for run in index.runs()}[first] == 0.01
    for file in (root / second).iterdir():
        file.unlink()
    (root / second).rmdir()
    index.sync()
    assert [run.id for run in index.runs()] == [first]


def test_runs_of_one_plugin_are_found_alone_newest_first(root, index):
    ids = [add(root) for _ in range(3)]
    index.sync()
    assert sorted([run.id for run in index.runs("tiny")], reverse=True) == [run.id for run in index.runs("tiny")]
    assert {run.id for run in index.runs("tiny")} == set(ids)
    assert index.runs("other") == []


@pytest.mark.parametrize("damage", ["lost", "noise", "truncated", "other schema"])
def test_a_lost_or_damaged_index_is_made_again_with_labels(root, damage):
    id = add(root)
    index = RunIndex(root)
    index.sync()
    index.label(id, tags=["keep"], note="the good one")
    index.close()
    file = root.parent / "runs.sqlite"
    match damage:
        case "lost":
            file.unlink()
        case "noise":
            file.write_bytes(os.urandom(5000))
        case "truncated":
            file.write_bytes(file.read_bytes()[:3000])
        case "other schema":
            with sqlite3.connect(file) as base:
                base.execute("DROP TABLE runs")
                base.execute("PRAGMA user_version = 99")
            base.close()
    index = RunIndex(root)
    index.sync()
    (run,) = index.runs()
    assert (run.tags, run.note) == (("keep",), "the good one")
    index.close()


def test_deleted_runs_come_back_whole(root, index):
    kept, gone = add(root), add(root, width=3)
    index.sync()
    index.label(gone, tags=["x"])
    before = {file.name: file.read_bytes() for file in (root / gone).iterdir()}
    assert index.delete([gone]) == [gone]
    assert [run.id for run in index.runs()] == [kept]
    assert index.sync() == 0
    index.restore([gone])
    assert {file.name: file.read_bytes() for file in (root / gone).iterdir()} == before
    assert index.run(gone).tags == ("x",)
    index.delete([gone])
    index.empty_trash()
    index.restore([gone])
    assert index.run(gone) is None


def test_a_run_that_computes_is_not_deleted_and_one_whose_process_died_is_interrupted(root, index):
    busy = add(root, status="running")
    dead = add(root, status="running")
    file = root / dead / "run.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"process": 2**22 + 1}))
    index.sync()
    assert index.run(busy).is_computing
    assert index.run(dead).shown_status == "interrupted"
    assert index.delete([busy, dead]) == [dead]


def test_an_unreadable_record_is_left_out_and_hides_no_other(root, index):
    good, bad = add(root), add(root)
    (root / bad / "run.json").write_text("{")
    (root / "no-run").mkdir()
    index.sync()
    assert [run.id for run in index.runs()] == [good]


def test_last_values_are_found_wherever_they_stand_in_a_long_file(tmp_path):
    file = MetricsFile(tmp_path)
    at = np.arange(TAIL_RECORDS * 3)
    file.append(MetricsBlock({"once": (np.array([0]), np.array([5.0]))}))
    file.append(MetricsBlock({"loss": (at, at.astype(float))}))
    assert file.last_values() == {"once": 5.0, "loss": float(at[-1])}
    (tmp_path / "metrics.bin").write_bytes(b"abc")
    assert file.last_values() == {}
    assert MetricsFile(tmp_path / "nothing").last_values() == {}


def test_processes_that_write_at_once_lose_nothing(root):
    script = (
        "import sys; from pathlib import Path; from workbench.runs import RunIndex\n"
        "root = Path(sys.argv[1]); index = RunIndex(root)\n"
        "for _ in range(20):\n"
        "    index.sync()\n"
        "    for run in index.runs(): index.label(run.id, note=run.note + sys.argv[2])\n"
        "print(len(index.runs()))"
    )
    ids = [add(root) for _ in range(5)]
    both = [
        subprocess.Popen([sys.executable, "-c", script, str(root), mark], stdout=subprocess.PIPE, text=True)
        for mark in "ab"
    ]
    assert [process.communicate(timeout=120)[0].strip() for process in both] == ["5", "5"]
    index = RunIndex(root)
    index.sync()
    assert {run.id for run in index.runs()} == set(ids)
    index.close()


def test_ten_thousand_runs_are_listed_without_reading_a_folder(root, index, monkeypatch):
    add(root)
    index.sync()
    row = index._base.execute("SELECT * FROM runs").fetchone()
    marks = ", ".join("?" * len(row))
    with index._base:
        index._base.executemany(
            f"INSERT INTO runs VALUES ({marks})", [(f"2020-{number}", *row[1:]) for number in range(10_000)]
        )
    monkeypatch.setattr("workbench.runs.store.RunFolder.read", lambda folder: pytest.fail("a folder was read"))
    assert len(index.runs()) == 10_001
