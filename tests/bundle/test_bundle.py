"""The bundle as a person has it: copied elsewhere, in a foreign home, without Python or sources in reach, read-only.

    make bundle-test

Linux only: it reads /proc to see what the processes load. It writes what it measured to out/bundle.json.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

ROOT = Path(__file__).parents[2]
BUNDLE = ROOT / "dist" / "workbench"
MEASURED = ROOT / "out" / "bundle.json"
NOBODY = 65534
"""The user and group that owns nothing; the bundle runs as it where the test runs as root."""
SYSTEM = ("/usr/lib", "/lib", "/usr/share", "/etc", "/dev", "/proc", "/sys", "/var", "/run", "/memfd:", "/SYSV", "/[")
SELFTEST_SECONDS = 1500
START_SECONDS = 60
IDLE_SECONDS = 20.0
SUFFIX = ".workbench-run"

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc"),
    pytest.mark.timeout(SELFTEST_SECONDS + 300),
]
measured: dict[str, object] = {}


class Installed:
    """A copy of the bundle at a place that nothing of the build points to, used by somebody else."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / "Werkbänk für alle" / "workbench"
        self.executable = self.folder / "workbench"
        self.home = root / "home"
        shutil.copytree(BUNDLE, self.folder, symlinks=True)
        self.home.mkdir()
        root.chmod(0o755)
        if os.geteuid() == 0:
            os.chown(self.home, NOBODY, NOBODY)
        for path in (self.folder, *self.folder.rglob("*")):
            if not path.is_symlink():
                path.chmod(path.stat().st_mode & ~0o222)

    def start(self, *arguments: object, **options: object) -> subprocess.Popen[str]:
        """Start the bundle's executable with nothing but a home, a display and the system's own programs."""
        as_nobody = os.geteuid() == 0
        environment = {"HOME": str(self.home), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", **options}
        if "DISPLAY" in os.environ:
            environment["DISPLAY"] = os.environ["DISPLAY"]
        return subprocess.Popen(
            [str(self.executable), *map(str, arguments)], env=environment, cwd=self.home, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
            user=NOBODY if as_nobody else None, group=NOBODY if as_nobody else None,
            extra_groups=[] if as_nobody else None,
        )  # fmt: skip

    def run(self, *arguments: object, seconds: float = 300, **options: object) -> subprocess.CompletedProcess[str]:
        """Run a command to its end; it must succeed."""
        process = self.start(*arguments, **options)
        output, problems = process.communicate(timeout=seconds)
        assert process.returncode == 0, problems[-3000:] + output[-2000:]
        return subprocess.CompletedProcess(arguments, 0, output, problems)

    def foreign_files(self, process: psutil.Process) -> set[str]:
        """Files that a process has mapped or opened, beside the bundle's, the home's and the system's."""
        own = (str(self.root), "/tmp", *SYSTEM)
        try:
            found = {entry.path for entry in process.memory_maps(grouped=True)}
            found |= {file.path for file in process.open_files()}
        except psutil.Error:
            return set()
        return {path for path in found if path.startswith("/") and not path.startswith(own)}


@pytest.fixture(scope="module")
def installed():
    if not (BUNDLE / "workbench").exists():
        pytest.fail("There is no bundle; `make bundle` builds it.")
    root = Path(tempfile.mkdtemp(prefix="elsewhere-"))  # pytest's own folders are closed to other users
    yield Installed(root)
    for path in root.rglob("*"):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)
    shutil.rmtree(root)
    MEASURED.parent.mkdir(exist_ok=True)
    MEASURED.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(measured, indent=1))


def until(condition, what, seconds=START_SECONDS):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"still waiting for {what}"
        time.sleep(0.1)
    return found


def test_the_command_line_knows_its_version_and_every_plugin(installed):
    assert installed.run("--version").stdout.startswith("workbench ")
    plugins = {item["id"]: item for item in json.loads(installed.run("list", "--json").stdout)["plugins"]}
    built = {folder.parent.name for folder in (ROOT / "plugins").glob("*/plugin.toml")}
    assert {id for id, item in plugins.items() if item["status"] == "ok"} == built
    assert all(plugins[id]["claims"] for id in built)
    assert not [item for item in plugins.values() if item["status"] == "broken"]


def test_nothing_useless_is_inside_and_every_plugin_is_there_as_files(installed):
    inner = installed.folder / "_internal"
    names = {path.relative_to(inner).as_posix() for path in inner.rglob("*")}
    for folder in (ROOT / "plugins").glob("*/plugin.toml"):
        for file in folder.parent.rglob("*"):
            if file.is_file() and "__pycache__" not in file.parts:
                assert file.relative_to(ROOT).as_posix() in names
    qt = ("QtWebEngine", "Qt6Quick", "Qt6Qml", "Qt6Designer", "libgtk")
    assert not [name for name in names if any(word in name for word in qt)]
    assert not {"matplotlib", "mypy", "pyarrow", "pytest", "tensorboard"} & {name.split("/")[0] for name in names}
    assert not [name for name in names if name.startswith(("torch/test/", "torch/include/"))]
    assert any(name.startswith("vispy/glsl/") for name in names)
    measured["megabytes"] = round(
        sum(path.stat().st_size for path in installed.folder.rglob("*") if path.is_file() and not path.is_symlink())
        / 1e6
    )


def test_nothing_inside_names_the_folder_it_was_built_in(installed):
    built_in = str(ROOT).encode()
    texts = (path for path in installed.folder.rglob("*") if path.suffix in {".py", ".txt", ".json", ".toml", ""})
    assert not [
        path for path in texts if path.is_file() and path.stat().st_size < 1e6 and built_in in path.read_bytes()
    ]


def test_the_self_test_passes_and_loads_nothing_from_outside(installed):
    out = installed.home / "out"
    process = installed.start("selftest", "--first", "--steps", 20, "--out", out)
    foreign: set[str] = set()
    own = psutil.Process(process.pid)
    deadline = time.monotonic() + SELFTEST_SECONDS
    while process.poll() is None:
        assert time.monotonic() < deadline, "the self-test takes too long"
        for each in (own, *own.children(recursive=True)):
            foreign |= installed.foreign_files(each)
        time.sleep(3)
    output, problems = process.communicate()
    print(output)
    assert process.returncode == 0, output + problems[-3000:]
    assert not foreign
    summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    measured["selftest_seconds"] = summary["seconds"]
    assert summary["restored_after_restart"]
    experiments = summary["experiments"]
    assert len(experiments) == len(list((ROOT / "plugins").glob("*/plugin.toml")))
    assert all(item["steps"] > 0 and not item["problem"] for item in experiments)
    assert sum(item["actions"] for item in experiments) > 0
    files = {name for item in experiments for name in item["files"]}
    for suffix in (".png", ".svg", ".pdf", ".csv", ".npz", ".mid", "weights.safetensors"):
        assert any(name.endswith(suffix) for name in files), suffix


def test_a_window_opens_soon_rests_when_nothing_runs_and_takes_files_of_later_starts(installed):
    begin = time.time()
    report = json.loads(installed.run(WORKBENCH_START_REPORT="1").stdout.strip().splitlines()[-1])
    measured["first_start_seconds"] = round(report["visible"] - begin, 2)
    begin = time.time()
    report = json.loads(installed.run(WORKBENCH_START_REPORT="1").stdout.strip().splitlines()[-1])
    measured["window_visible_seconds"] = round(report["visible"] - begin, 2)
    assert not report["torch"]

    file = installed.home / f"ein Läuf{SUFFIX}"
    installed.run("run", "pointer_networks/hull", "--steps", 3, "--save", file, "--quiet")
    assert "checkpoint.pt" in zipfile.ZipFile(file).namelist()
    shutil.rmtree(installed.home / ".local")

    with _opened(installed) as window:
        until(lambda: _is_quiet(window), "the warm worker", 120)
        _measure_rest(window)
        assert installed.run(file).returncode == 0
        until(lambda: _open_plugins(installed) == ["pointer_networks"], "the panel of the handed-over run")
    assert _state(installed)["window"]["is_clean"]
    runs = list((installed.home / ".local/share/paper-workbench/runs").glob("*/run.json"))
    assert len(runs) == 1

    with _opened(installed):
        until(lambda: not _state(installed)["window"]["is_clean"], "the window to restore its panels")
    assert _open_plugins(installed) == ["pointer_networks"]
    assert _state(installed)["panels"][0]["runs"] == {"hull": str(runs[0].parent)}


@contextlib.contextmanager
def _opened(installed: Installed) -> Iterator[psutil.Process]:
    """The window, open; it is asked to end as a session manager asks, and must."""
    process = installed.start()
    try:
        until(lambda: _state(installed), "the window")
        yield psutil.Process(process.pid)
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(START_SECONDS) == 0
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def _state(installed: Installed) -> dict[str, Any]:
    """What the window keeps for its next start; empty before the first time it does."""
    file = installed.home / ".config/paper-workbench/state.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}


def _open_plugins(installed: Installed) -> list[str]:
    return [panel["plugin"] for panel in _state(installed)["panels"] if panel["runs"]]


def _is_quiet(window: psutil.Process) -> bool:
    """Whether window and workers have used no processor for two seconds."""
    family = [window, *window.children(recursive=True)]
    before = _seconds(family)
    time.sleep(2)
    return len(family) > 1 and _seconds(family) - before < 0.02


def _seconds(family: list[psutil.Process]) -> float:
    return sum(sum(each.cpu_times()[:2]) for each in family)


def _measure_rest(window: psutil.Process) -> None:
    family = [window, *window.children(recursive=True)]
    before = _seconds(family)
    time.sleep(IDLE_SECONDS)
    share = (_seconds(family) - before) / IDLE_SECONDS
    measured["idle_percent_of_a_core"] = round(100 * share, 2)
    measured["window_megabytes"] = round(window.memory_info().rss / 1e6)
    measured["worker_megabytes"] = round(sum(each.memory_info().rss for each in family[1:]) / 1e6)
    assert share < 0.01, "something works though nothing runs"
