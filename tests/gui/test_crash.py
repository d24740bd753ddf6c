"""kill -9 of the whole application in the middle of a run: the next start offers the run, and nothing is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from workbench.engine import SessionState
from workbench.runs import RunFolder, Settings

TRAINS = """
import asyncio
from workbench.app.application import build_window
from workbench.cli.driving import drive, until
from workbench.engine import SessionState

async def main():
    window = build_window()
    window.show()
    panel = window.open_panel("tiny")
    await until(lambda: panel.session is not None and panel.session.state is SessionState.READY, "ready", seconds=60)
    session = panel.session
    session.set_parameters(session.parameters.changed(steps=100_000_000, pause=0.002))
    await asyncio.sleep(0.6)
    await until(lambda: session.state is SessionState.READY, "ready again", seconds=60)
    session.train()
    await until(lambda: session.run_folder is not None, "a run")
    print(session.run_folder, session.worker_process, flush=True)
    await asyncio.sleep(600)

drive(main)
"""


@pytest.mark.parametrize("with_worker", [False, True])
def test_a_killed_application_offers_its_run_at_the_next_start(person, run, with_worker):
    Settings(checkpoint_seconds=5).save()
    process = subprocess.Popen([sys.executable, "-c", TRAINS], stdout=subprocess.PIPE, text=True, env=os.environ)
    path, worker = process.stdout.readline().split()
    folder = RunFolder(Path(path))
    deadline = time.monotonic() + 60
    while not folder.checkpoint.exists():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    time.sleep(1.0)
    seen = folder.metrics.read()["count"][1]
    process.send_signal(signal.SIGKILL)
    if with_worker:
        os.kill(int(worker), signal.SIGKILL)
    process.wait()
    process.stdout.close()
    while psutil.pid_exists(int(worker)):
        assert time.monotonic() < deadline + 30, "the worker outlived the application"
        time.sleep(0.1)
    kept = folder.metrics.read()["count"][1]
    assert kept[: len(seen)].tolist() == seen.tolist(), "what was recorded stays"
    assert kept.tolist() == list(range(1, len(kept) + 1))

    async def story():
        window = person.open_window()
        await person.until(lambda: window._waiting or window.panels)
        if not window.panels:
            window.continue_run(window._waiting[0])
        panel = next(iter(window.panels.values()))
        await person.until(lambda: panel.session is not None)
        session = panel.session
        await person.state(session, SessionState.PAUSED)
        assert session.run_folder == folder.path
        step = session.information.step
        assert 0 < step <= len(kept)
        if not with_worker:
            assert step == len(kept), "the worker saved its last step when it found itself alone"
        assert session.history["count"][1].tolist() == list(range(1, step + 1))
        session.step()
        await person.until(lambda: session.history.latest("count") == step + 1)

    run(story)
