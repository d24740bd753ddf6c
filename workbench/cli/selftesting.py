"""`workbench selftest`: uses the real window as a person would, and keeps what came of it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from workbench import __version__
from workbench.cli.driving import drive, until
from workbench.cli.screenshots import grab
from workbench.runs.atomic import write_json
from workbench.runs.folders import HOME_VARIABLE
from workbench.runs.store import machine_text
from workbench.sdk import UserError

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from workbench.app.main_window import MainWindow
    from workbench.catalog import Entry

TRAIN_SECONDS = 60.0
"""An experiment that has not done its steps by then goes on to be exported where it is."""
WINDOW_SIZE = (1280, 800)


@dataclass
class Result:
    """What one experiment did; the mouse asked for `actions` that were answered; without a `problem` all went well."""

    experiment: str
    steps: int = 0
    actions: int = 0
    seconds: float = 0.0
    files: list[str] = field(default_factory=list)
    problem: str = ""


def run(out: Path | None, steps: int, only_first: bool = False) -> int:
    """Run the test; print a line an experiment and return 1 if something failed.

    With `only_first` each plugin is tried with its first experiment alone.

    It has a home of its own, so that nothing of the person's runs, settings and open panels is touched.
    """
    with tempfile.TemporaryDirectory(prefix="workbench-selftest-") as folder:
        os.environ[HOME_VARIABLE] = str(Path(folder) / "home")
        return _run(out or Path(folder) / "out", steps, only_first)


def _run(out: Path, steps: int, only_first: bool) -> int:
    out.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    results, restored = drive(lambda: _test(out, steps, only_first))
    problems = [result for result in results if result.problem]
    if not restored:
        print("✗ the window did not restore its panels after a restart", file=sys.stderr)
    summary = {
        "workbench": __version__,
        "machine": machine_text(),
        "seconds": round(time.monotonic() - began, 1),
        "restored_after_restart": restored,
        "experiments": [asdict(result) for result in results],
    }
    write_json(out / "summary.json", summary)
    print(f"{len(results) - len(problems)} passed, {len(problems) + (not restored)} failed")
    return 1 if problems or not restored else 0


async def _test(out: Path, steps: int, only_first: bool) -> tuple[list[Result], bool]:
    from workbench.app.application import build_window

    window = build_window(restore=False)
    window.resize(*WINDOW_SIZE)
    window.show()
    window.engine.start()
    await asyncio.sleep(1.0)
    grab(window, out / "screenshots" / "gallery.png")
    results = []
    for entry in window.catalog.entries:
        if entry.status == "planned":
            continue
        for card in entry.card.experiments[: 1 if only_first else None]:
            result = await _try(window, entry, card.id, out, steps)
            mark = "✗" if result.problem else "✓"
            print(
                f"{mark} {result.experiment}: {result.steps} steps, {result.actions} actions, "
                f"{len(result.files)} files {result.problem}",
                flush=True,
            )
            results.append(result)
    open_before = sorted(panel.plugin for panel in window.state().panels)
    window.close()
    await asyncio.sleep(0.2)
    again = build_window()
    again.show()
    await asyncio.sleep(1.0)
    open_after = sorted(panel.plugin for panel in again.state().panels)
    grab(again, out / "screenshots" / "after_restart.png")
    again.close()
    return results, open_before == open_after


async def _try(window: MainWindow, entry: Entry, experiment: str, out: Path, steps: int) -> Result:
    result = Result(f"{entry.card.id}/{experiment}")
    began = time.monotonic()
    try:
        await _use(window, entry, experiment, out, steps, result)
    except Exception as error:
        result.problem = str(error) or type(error).__name__
    result.seconds = round(time.monotonic() - began, 1)
    return result


async def _use(window: MainWindow, entry: Entry, experiment: str, out: Path, steps: int, result: Result) -> None:
    """Open, train, interact, export: what a person does in the first minute."""
    from workbench.engine import SessionState

    shell = window.open_panel(entry.card.id)
    if shell is None:
        raise UserError("the panel could not be opened")
    await until(lambda: shell.page is not None, "the panel")
    shell.show_experiment(experiment)
    page = shell.page
    if page is None:
        raise UserError("the experiment could not be shown")
    session = page.session
    settled = (SessionState.READY, SessionState.PAUSED, SessionState.FINISHED, SessionState.FAILED)
    await until(lambda: session.state in settled, "the experiment to be prepared")
    page.controls.train_button.click()
    deadline = time.monotonic() + TRAIN_SECONDS

    def is_trained() -> bool:
        done = session.status is not None and session.status.step >= steps
        return done or session.state in (SessionState.FINISHED, SessionState.FAILED) or time.monotonic() > deadline

    await until(is_trained, f"step {steps}", TRAIN_SECONDS + 10)
    before = session.answers
    for view in page.view.views():
        if view.isVisible():
            _drag(view)
            await asyncio.sleep(0.1)
    if session.state is SessionState.RUNNING:
        session.pause()
    await until(lambda: session.state is not SessionState.RUNNING, "the pause")
    await asyncio.sleep(1.0)
    result.actions = session.answers - before
    result.steps = session.status.step if session.status else 0
    if session.failure:
        raise UserError(session.failure.sentence)
    if result.steps == 0:
        raise UserError("no step was done")
    grab(window, out / "screenshots" / f"{entry.card.id}-{experiment}.png")
    folder = out / "exports" / f"{entry.card.id}-{experiment}"
    await shell.export_to("run", folder)
    result.files = sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())
    _check_export(folder, result.files)


def _drag(widget: QWidget) -> None:
    """Drag the mouse over the middle of a view."""
    from PySide6.QtCore import QPoint, Qt
    from PySide6.QtTest import QTest

    centre = widget.rect().center()
    target = widget.childAt(centre) or widget
    start = target.mapFrom(widget, centre)
    left = Qt.MouseButton.LeftButton
    QTest.mousePress(target, left, pos=start)
    for offset in range(5, 40, 5):
        QTest.mouseMove(target, start + QPoint(offset, offset // 2))
    QTest.mouseRelease(target, left, pos=start + QPoint(40, 20))


def _check_export(folder: Path, files: list[str]) -> None:
    json.loads((folder / "run.json").read_text(encoding="utf-8"))
    for suffix in (".png", ".svg", ".pdf", ".csv"):
        if not any(name.endswith(suffix) for name in files):
            raise UserError(f"the export holds no {suffix}")
