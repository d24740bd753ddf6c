"""The command line as a shell sees it: output, files, exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile

import pytest

from workbench.runs import RunStore
from workbench.runs.archive import unpack_run


def workbench(*arguments, expect=0, **environment):
    result = subprocess.run(
        [sys.executable, "-m", "workbench", *map(str, arguments)],
        capture_output=True, text=True, env=os.environ | environment, check=False,
    )  # fmt: skip
    assert result.returncode == expect, result.stderr + result.stdout
    return result


def test_list_as_json_names_all_papers_with_parameters_and_claims(user_plugins):
    listed = {plugin["id"]: plugin for plugin in json.loads(workbench("list", "--json").stdout)["plugins"]}
    assert len(listed) == 28
    assert listed["tiny"]["status"] == "ok"
    fit = listed["tiny"]["experiments"][0]
    assert fit["parameters"]["properties"]["learning_rate"]["exclusiveMinimum"] == 0
    assert {"id": "learns", "statement": "The line is learnt.", "source": "Nowhere, section 0"} in listed["tiny"][
        "claims"
    ]
    assert listed["einspace"]["status"] in ("planned", "ok")


def test_run_without_a_display_records_exports_and_draws(user_plugins, tmp_path):
    from workbench.runs import RunStore, folders

    out = tmp_path / "out"
    workbench(
        "run",
        "tiny/fit",
        "--steps",
        60,
        "--seed",
        3,
        "--device",
        "cpu",
        "--export",
        out,
        DISPLAY="",
        QT_QPA_PLATFORM="",
    )
    record = json.loads((out / "run.json").read_text())
    assert (record["seed"], record["step"], record["status"]) == (3, 60, "finished")
    assert len((out / "metrics.csv").read_text().splitlines()) == 61
    for suffix in ("png", "svg", "pdf"):
        assert (out / "figures" / f"loss.{suffix}").stat().st_size > 1000
    assert (out / "data" / "loss.npz").exists()
    assert (out / "line.txt").read_text() == "60\n"
    assert len(RunStore(folders().runs).runs("tiny")) == 1


def test_a_run_is_saved_as_one_file_or_says_in_a_sentence_why_not(user_plugins, tmp_path):
    file = tmp_path / "new" / "line.workbench-run"
    workbench("run", "tiny", "--steps", 5, "--quiet", "--save", file, "--export", tmp_path / "out", "--no-figures")
    folder, record = unpack_run(file, RunStore(tmp_path / "elsewhere" / "runs"))
    assert (record.plugin, record.step) == ("tiny", 5)
    assert folder.checkpoint.exists()
    assert "export/metrics.csv" in zipfile.ZipFile(file).namelist()
    (tmp_path / "file").write_text("")
    lost = workbench("run", "tiny", "--steps", 5, "--quiet", "--save", tmp_path / "file" / "x.workbench-run", expect=1)
    assert "x.workbench-run cannot be written" in lost.stderr
    assert len(lost.stderr.strip().splitlines()) == 1


def test_the_same_seed_gives_the_same_numbers(user_plugins, tmp_path):
    for name in ("a", "b"):
        workbench(
            "run", "tiny", "--steps", 30, "--seed", 5, "--device", "cpu", "--export", tmp_path / name, "--no-figures"
        )
    first, second = ((tmp_path / name / "weights.safetensors").read_bytes() for name in ("a", "b"))
    assert first == second


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "tiny", "--set", "learning_rate=-1"], "learning rate = -1"),
        (["run", "tiny", "--set", "stepz=1"], "no such parameter"),
        (["run", "tiny", "--set", "steps"], "KEY=VALUE"),
        (["run", "nothing"], "no plugin 'nothing'"),
        (["run", "tiny/nothing"], "no experiment 'nothing'"),
        (["reproduce", "tiny", "--claim", "nothing"], "no plugin has a claim"),
        (["new-plugin", "Not a name"], "lower-case"),
        (["fly"], "no such command"),
    ],
)
def test_unusable_arguments_end_with_2_and_one_sentence(user_plugins, arguments, words):
    result = workbench(*arguments, expect=2)
    assert words.lower() in result.stderr.lower()
    assert "Traceback" not in result.stderr


def test_a_failing_experiment_ends_with_1_and_one_line_why(user_plugins):
    result = workbench("run", "tiny", "--set", "fault=exception", "--quiet", expect=1)
    assert result.stderr.strip() == "workbench: ZeroDivisionError: a bug in the plugin"
    assert "Traceback" in workbench("run", "tiny", "--set", "fault=exception", "--quiet", "--debug", expect=1).stderr
    lost = workbench("run", "tiny", "--set", "fault=nan", "--quiet", expect=1)
    assert "loss became nan at step 50" in lost.stderr


@pytest.mark.parametrize("suffix", ["json", "md", "html"])
def test_a_report_tells_what_holds_and_what_does_not(user_plugins, tmp_path, suffix):
    report = tmp_path / f"report.{suffix}"
    workbench("reproduce", "tiny", "--report", report)
    text = report.read_text()
    if suffix == "json":
        claims = json.loads(text)["claims"]
        assert claims["learns"]["holds"] is True
        assert claims["never"]["holds"] is False
        assert claims["never"]["why"] == "Pigs have no wings."
        assert set(claims["learns"]) >= {
            "statement",
            "source",
            "scale",
            "paper",
            "measured",
            "seeds",
            "seconds",
            "date",
            "machine",
        }
    else:
        assert "does not hold" in text
        assert "The line is learnt." in text


def test_recorded_results_are_kept_with_the_plugin(user_plugins, tiny):
    workbench("reproduce", "tiny", "--claim", "never", "--record")
    workbench("reproduce", "tiny", "--claim", "learns", "--record")
    assert {id: claim["holds"] for id, claim in tiny.recorded_claims().items()} == {"never": False, "learns": True}


def test_a_check_that_cannot_be_run_leaves_what_was_recorded(user_plugins, tiny):
    workbench("reproduce", "tiny", "--claim", "learns", "--record")
    workbench("reproduce", "tiny", "--claim", "learns", "--scale", "paper", "--record", expect=1)
    assert tiny.recorded_claims()["learns"]["holds"] is True


def test_a_new_plugin_works_and_passes_its_own_test(home, tmp_path):
    from workbench.catalog import Catalog

    workbench("new-plugin", "my_paper", "--in", tmp_path)
    entry = Catalog.discover(tmp_path).entry("my_paper")
    assert entry.status == "ok"
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path / "my_paper")],
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert "3 passed" in result.stdout, result.stdout + result.stderr
    workbench("new-plugin", "my_paper", "--in", tmp_path, expect=2)


def test_version_is_told():
    from workbench import __version__

    assert workbench("--version").stdout.strip() == f"workbench {__version__}"
