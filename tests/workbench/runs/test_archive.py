"""A run packed into one file and opened in another home, and files that are not what they say."""

import json
import zipfile

import numpy as np
import pytest

from workbench.runs import RunFolder, RunStore
from workbench.runs import archive as archives
from workbench.runs.archive import SUFFIX, pack_run, unpack_run
from workbench.sdk import MetricsBlock, UserError

VALUES = {"plugin": "tiny", "experiment": "line", "parameters": {"steps": 7}, "seed": 3, "device": "cpu"}


@pytest.fixture
def packed(tmp_path):
    folder, record = RunStore(tmp_path / "here" / "runs").create(VALUES | {"process": 1, "status": "running"})
    folder.metrics.append(MetricsBlock({"loss": (np.arange(3), np.array([3.0, 2.0, 1.0]))}))
    folder.checkpoint.write_bytes(b"weights")
    file = tmp_path / f"run{SUFFIX}"
    pack_run(folder, file)
    return file, record


@pytest.fixture
def elsewhere(tmp_path):
    return RunStore(tmp_path / "there" / "runs")


def test_a_packed_run_is_the_same_run_elsewhere_and_its_process_is_not(packed, elsewhere):
    file, before = packed
    folder, record = unpack_run(file, elsewhere)
    assert record.model_dump(exclude={"process"}) == before.model_dump(exclude={"process"})
    assert record.process is None
    assert record.can_continue
    assert folder.checkpoint.read_bytes() == b"weights"
    assert folder.metrics.read()["loss"][1].tolist() == [3.0, 2.0, 1.0]
    assert [found.id for _, found in elsewhere.runs()] == [before.id]


def test_opening_twice_adds_one_run_and_another_run_of_the_same_name_gets_its_own(packed, elsewhere):
    file, before = packed
    first, _ = unpack_run(file, elsewhere)
    again, _ = unpack_run(file, elsewhere)
    assert again.path == first.path
    first.write(first.read().model_copy(update={"step": 99}))
    other, record = unpack_run(file, elsewhere)
    assert other.path != first.path
    assert record.id == other.path.name == f"{before.id}-2"
    assert first.read().step == 99


def test_what_an_export_wrote_travels_in_the_file_and_is_not_taken_out(tmp_path, packed, elsewhere):
    exported = tmp_path / "exported"
    (exported / "figures").mkdir(parents=True)
    (exported / "figures" / "loss.svg").write_text("<svg/>")
    source, _ = unpack_run(packed[0], elsewhere)
    file = tmp_path / f"whole{SUFFIX}"
    pack_run(source, file, exported)
    assert "export/figures/loss.svg" in zipfile.ZipFile(file).namelist()
    folder, _ = unpack_run(file, RunStore(tmp_path / "third" / "runs"))
    assert sorted(path.name for path in folder.path.iterdir()) == [
        "checkpoint.pt", "metrics.bin", "metrics.names", "run.json",
    ]  # fmt: skip


def write_zip(file, members):
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def test_members_that_are_no_files_of_a_run_are_never_written(tmp_path, elsewhere):
    record = json.dumps({**VALUES, "id": "../../evil", "started": "2026-01-01T00:00:00+00:00"})
    file = tmp_path / f"evil{SUFFIX}"
    write_zip(file, {"run.json": record, "../outside.txt": "x", "/absolute.txt": "x", "plugins/x.py": "x"})
    folder, found = unpack_run(file, elsewhere)
    assert folder.path.parent == elsewhere.root
    assert found.id == folder.path.name == "evil"
    assert [path.name for path in folder.path.iterdir()] == ["run.json"]
    assert not list(tmp_path.rglob("outside.txt"))


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        ({}, "holds no readable run.json"),
        ({"run.json": "{"}, "holds no readable run.json"),
        ({"run.json": json.dumps({"id": "x"})}, "holds no readable run.json"),
    ],
)
def test_a_zip_without_a_run_is_refused_and_leaves_nothing(tmp_path, elsewhere, members, sentence):
    file = tmp_path / f"bad{SUFFIX}"
    write_zip(file, members)
    with pytest.raises(UserError, match=sentence):
        unpack_run(file, elsewhere)
    assert list(elsewhere.root.iterdir()) == []
    assert list(elsewhere.root.parent.iterdir()) == [elsewhere.root]


@pytest.mark.parametrize("damage", [lambda whole: b"", lambda whole: whole[: len(whole) // 2], lambda whole: b"no zip"])
def test_a_damaged_file_is_refused_in_one_sentence(packed, elsewhere, damage):
    file, _ = packed
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(UserError, match="is not a readable run file") as refused:
        unpack_run(file, elsewhere)
    assert "\n" not in str(refused.value)


def test_no_wrong_byte_does_more_than_a_refusal(packed, elsewhere):
    file, _ = packed
    whole = file.read_bytes()
    numbers = np.random.default_rng(0)
    refused = 0
    for place in numbers.choice(len(whole), min(len(whole), 250), replace=False):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << numbers.integers(8)
        file.write_bytes(damaged)
        try:
            unpack_run(file, elsewhere)
        except UserError:
            refused += 1
    assert refused > 50


def test_a_file_that_unpacks_to_more_than_a_run_may_have_is_refused_before_it_is_unpacked(
    packed, elsewhere, monkeypatch
):
    monkeypatch.setitem(archives.MOST_BYTES, "checkpoint.pt", 3)
    with pytest.raises(UserError, match=r"checkpoint\.pt is 0 MB; 0 MB is the most"):
        unpack_run(packed[0], elsewhere)
    assert list(elsewhere.root.iterdir()) == []


def test_the_folder_of_the_file_is_made_where_it_is_missing(packed, elsewhere, tmp_path):
    folder, _ = unpack_run(packed[0], elsewhere)
    pack_run(folder, tmp_path / "new" / "deep" / f"x{SUFFIX}")
    assert [file.name for file in (tmp_path / "new" / "deep").iterdir()] == [f"x{SUFFIX}"]


def test_a_folder_that_is_no_run_is_not_packed(tmp_path):
    with pytest.raises(UserError, match=r"is not a readable run record"):
        pack_run(RunFolder(tmp_path), tmp_path / f"x{SUFFIX}")
    assert list(tmp_path.iterdir()) == []
