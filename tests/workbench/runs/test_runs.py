"""What is kept on disk: runs, metrics, settings, and the state that is restored at the next start."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest

from workbench.runs import AppState, OpenPanel, RunStore, Settings, folders
from workbench.runs.atomic import replacing, write_json
from workbench.runs.metrics_file import RECORD, MetricsFile
from workbench.sdk import MetricsBlock


def block(**series):
    return MetricsBlock({name: (np.array(s, np.int64), np.array(v, float)) for name, (s, v) in series.items()})


def record_values(**changes):
    values = {"plugin": "tiny", "experiment": "fit", "parameters": {"steps": 3}, "seed": 0, "device": "cpu"}
    return values | changes


def test_metrics_come_back_as_they_were_written(tmp_path):
    file = MetricsFile(tmp_path)
    file.append(block(loss=([1, 2], [0.5, 0.25])))
    MetricsFile(tmp_path).append(block(loss=([3], [np.nan]), other=([3], [7])))
    history = MetricsFile(tmp_path).read()
    assert history.names == ("loss", "other")
    assert np.array_equal(history["loss"][1], [0.5, 0.25, np.nan], equal_nan=True)


@pytest.mark.parametrize("cut", range(1, RECORD.itemsize))
def test_a_record_cut_short_by_a_crash_is_left_out(tmp_path, cut):
    file = MetricsFile(tmp_path)
    file.append(block(loss=([1, 2, 3], [1, 2, 3])))
    data = tmp_path / "metrics.bin"
    data.write_bytes(data.read_bytes()[:-cut])
    assert MetricsFile(tmp_path).read()["loss"][0].tolist() == [1, 2]


def test_a_run_that_goes_on_forgets_what_came_after_its_checkpoint(tmp_path):
    file = MetricsFile(tmp_path)
    file.append(block(loss=([1, 2, 3], [1, 2, 3])))
    file.truncate(2)
    file.append(block(loss=([3], [30])))
    assert file.read()["loss"][1].tolist() == [1, 2, 30]


def test_a_file_is_the_old_or_the_new_one_never_half(tmp_path):
    file = tmp_path / "value.json"
    write_json(file, {"a": 1})
    with pytest.raises(RuntimeError), replacing(file) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert json.loads(file.read_text()) == {"a": 1}
    assert list(tmp_path.iterdir()) == [file]
    plain = tmp_path / "plain"
    plain.touch()
    assert file.stat().st_mode == plain.stat().st_mode, "readable by whom other new files are readable by"


def test_runs_that_were_left_are_offered_and_ended_ones_are_not():
    store = RunStore(folders().make().runs)
    made = {}
    for status, process in [("paused", None), ("running", os.getpid()), ("running", 2**22 + 1), ("finished", None)]:
        folder, record = store.create(record_values(process=process))
        record.status = status
        folder.write(record)
        folder.checkpoint.write_bytes(b"x")
        made[record.id] = (status, process)
    offered = [made[record.id] for _, record in store.to_continue()]
    assert sorted(offered, key=str) == [("paused", None), ("running", 2**22 + 1)]


def test_a_damaged_run_folder_hides_no_other(caplog):
    store = RunStore(folders().make().runs)
    store.create(record_values())
    bad, _ = store.create(record_values())
    (bad.path / "run.json").write_text("{")
    assert len(store.runs()) == 1
    assert len(store.runs("another")) == 0


def test_settings_keep_what_is_usable_of_a_damaged_file():
    path = Settings.path()
    write_json(path, {"theme": "dark", "frame_share": 7, "unknown": 1})
    assert Settings.load().theme == "dark"
    assert Settings.load().frame_share == 0.05
    path.write_text("not json")
    assert Settings.load() == Settings()


def test_state_is_restored_panel_by_panel():
    state = AppState(panels=[OpenPanel(plugin="tiny", parameters={"fit": {"steps": 3}})], recent=["tiny"])
    state.save()
    values = json.loads(AppState.path().read_text())
    values["panels"].append({"plugin": 7, "parameters": "broken"})
    write_json(AppState.path(), values)
    assert AppState.load() == state


def test_state_that_cannot_be_read_is_set_aside_and_not_lost():
    AppState.path().parent.mkdir(parents=True)
    AppState.path().write_text("{ damaged")
    assert AppState.load() == AppState()
    assert AppState.path().with_name("state.unreadable.json").read_text() == "{ damaged"


def test_state_of_version_1_is_still_read():
    from pathlib import Path

    golden = Path(__file__).parent / "state_v1.json"
    state = AppState.load(golden)
    assert state.panels[0].plugin == "rotation_continuity"
    assert state.panels[0].parameters["sanity"]["steps"] == 500
    assert golden.exists()
