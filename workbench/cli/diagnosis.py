"""`workbench doctor`: what works on this machine, and how to mend the rest. Each check runs in its own process."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.table import Table

from workbench import __version__
from workbench.runs import folders
from workbench.runs.processes import is_bundled, own_command
from workbench.runs.store import machine_text

SECONDS = 60
NO_GPU = "Everything runs on the processor; for a GPU install with pip, and the torch build for its driver."


@dataclass(frozen=True)
class Finding:
    """One line of the diagnosis; `mend` says what to do where something is missing."""

    name: str
    works: bool
    found: str
    mend: str = ""
    is_needed: bool = False


def run(as_json: bool) -> int:
    """Print the diagnosis; return 1 if something that the workbench cannot do without is missing."""
    findings = [check() for check in CHECKS]
    if as_json:
        print(json.dumps({"workbench": __version__, "checks": [asdict(item) for item in findings]}, indent=1))
    else:
        table = Table("", "what", "found", "how to mend it")
        for item in findings:
            table.add_row("[green]✓[/]" if item.works else "[red]✗[/]", item.name, item.found, item.mend)
        Console().print(table)
    return 1 if any(item.is_needed and not item.works for item in findings) else 0


def _probe(name: str) -> tuple[bool, str]:
    """Try something in a fresh process, where a crash harms nothing; return whether it worked, and its last line."""
    try:
        done = subprocess.run(
            own_command("doctor", "--probe", name), capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return False, f"no answer within {SECONDS} s"
    lines = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()
    return done.returncode == 0, lines[-1] if lines else f"ended with code {done.returncode}"


def _machine() -> Finding:
    return Finding("machine", True, f"{machine_text()}, Python {platform.python_version()}")


def _window() -> Finding:
    works, found = _probe("window")
    mend = "" if works else "Start it in a desktop session, or on a virtual display (xvfb-run)."
    return Finding("window", works, found, mend, is_needed=True)


def _gl() -> Finding:
    works, found = _probe("gl")
    mend = (
        ""
        if works
        else "3-D views are drawn without OpenGL, slower. Install your graphics driver (Linux: libgl1-mesa-dri)."
    )
    return Finding("OpenGL", works, found, mend)


def _audio() -> Finding:
    works, found = _probe("audio")
    mend = (
        ""
        if works
        else "Playback stays silent, everything else works. Linux: install libportaudio2 and a sound server."
    )
    return Finding("audio", works, found, mend)


def _torch() -> Finding:
    works, found = _probe("torch")
    again = "Install the workbench anew." if is_bundled() else "Reinstall torch (pip install --force-reinstall torch)."
    mend = "" if works else again
    return Finding("computing", works, found, mend, is_needed=True)


def _accelerator() -> Finding:
    works, found = _probe("accelerator")
    mend = "" if works else NO_GPU
    return Finding("accelerator", works, found if works else "none", mend)


def _libraries() -> Finding:
    wanted = [requirement.split(">")[0].split("<")[0].split(";")[0].strip() for requirement in _requirements()]
    missing = []
    for name in wanted:
        try:
            importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    mend = f"pip install {' '.join(missing)}" if missing else ""
    found = f"missing: {', '.join(missing)}" if missing else f"all {len(wanted)} present"
    return Finding("libraries", not missing, found, mend, is_needed=True)


def _requirements() -> list[str]:
    return [item for item in importlib.metadata.requires("paper-workbench") or [] if "extra ==" not in item]


def _folders() -> Finding:
    where = folders()
    try:
        where.make()
        with tempfile.TemporaryFile(dir=where.data):
            pass
    except OSError as error:
        return Finding(
            "folders", False, str(error), "Set WORKBENCH_HOME to a folder that you may write to.", is_needed=True
        )
    free = os.statvfs(where.data).f_bavail * os.statvfs(where.data).f_frsize if hasattr(os, "statvfs") else None
    space = f", {free / 2**30:.0f} GiB free" if free is not None else ""
    return Finding("folders", True, f"{where.data}{space}", is_needed=True)


CHECKS: tuple[Callable[[], Finding], ...] = (
    _machine, _window, _gl, _audio, _torch, _accelerator, _libraries, _folders,
)  # fmt: skip
