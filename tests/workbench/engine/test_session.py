"""A session over a real worker process, with the tiny test plugin."""

from __future__ import annotations

import os
import signal
import time

import numpy as np
import psutil
import pytest

from workbench.engine import SessionState
from workbench.runs import RunFolder
from workbench.sdk import UserError


def test_an_opened_session_shows_the_untrained_model(driver):
    session = driver.ready()
    driver.wait(lambda: session.frames)
    assert session.frames[0].step == 0
    assert session.run_folder is None, "nothing was trained, so nothing is recorded"


def test_a_session_passes_through_its_states_and_records_its_run(driver):
    session = driver.finished(driver.ready(steps=150))
    assert session.states == [SessionState.READY, SessionState.RUNNING, SessionState.FINISHED]
    record = RunFolder(session.run_folder).read()
    assert (record.status, record.step, record.plugin, record.experiment) == ("finished", 150, "tiny", "fit")
    assert record.parameters["steps"] == 150
    assert RunFolder(session.run_folder).checkpoint.exists()


def test_metrics_are_lossless_at_full_speed(driver):
    session = driver.finished(driver.ready("count", steps=40_000), seconds=120)
    steps, values = session.history["value"]
    assert np.array_equal(steps, np.arange(1, 40_001))
    assert np.array_equal(values, steps)
    stored_steps, stored = RunFolder(session.run_folder).metrics.read()["value"]
    assert np.array_equal(stored_steps, steps)
    assert np.array_equal(stored, values)
    seconds = session.history.latest("wall_seconds")
    assert 40_000 / seconds > 5_000, "the loop that was watched is too slow to say anything"


def test_a_metric_that_some_steps_leave_out_has_only_its_own_steps(driver):
    session = driver.finished(driver.ready(steps=95))
    assert session.history["every/ten"][0].tolist() == list(range(10, 91, 10))


def test_no_frame_comes_without_a_credit(driver):
    session = driver.wait_for(driver.open(grant=False, steps=400), SessionState.READY)
    driver.finished(session)
    driver.qtbot.wait(200)
    assert len(session.frames) == 1, "the one credit that loading grants"
    session.grant_frame()
    driver.wait(lambda: len(session.frames) == 2)
    assert session.frames[-1].step == 400, "the frame is of now, not a stale one"


def test_the_last_frame_shows_the_end_of_the_run(driver):
    session = driver.finished(driver.ready(steps=333))
    driver.wait(lambda: session.frames[-1].step == 333)


def test_actions_are_answered_while_training(driver):
    session = driver.ready(steps=100_000_000)
    session.train()
    driver.wait(lambda: "loss" in session.history)
    answer = driver.answer(session, "predict", x=np.zeros(5))
    assert isinstance(answer, np.ndarray)
    assert answer.shape == (5,)
    assert session.state is SessionState.RUNNING


def test_a_refused_action_gives_its_sentence_and_a_failing_one_its_traceback(driver):
    session = driver.ready()
    refused = driver.answer(session, "refuse")
    assert isinstance(refused, UserError)
    assert str(refused) == "There is nothing to do here."
    failed = driver.answer(session, "break_down")
    assert "KeyError" in str(failed)
    assert "in break_down" in failed.details
    unknown = driver.answer(session, "fly")
    assert "no action 'fly'" in str(unknown)
    assert "predict" in str(unknown)


def test_only_the_newest_of_many_requests_is_answered(driver):
    session = driver.ready(pause=0.05)
    session.train()
    driver.wait(lambda: "loss" in session.history)
    answered = []
    for value in range(50):
        session.ask_latest("predict", lambda answer, value=value: answered.append(value), x=np.full(1, value))
    driver.wait(lambda: 49 in answered)
    assert len(answered) < 5
    assert answered[-1] == 49


def test_a_long_action_gives_parts_and_lets_training_go_on(driver):
    session = driver.ready(steps=100_000_000)
    session.train()
    driver.wait(lambda: "loss" in session.history)
    parts, found = [], []
    before = session.history.latest("count")
    session.ask_latest("sweep", found.append, partial=parts.append, n=40)
    driver.wait(lambda: found)
    assert len(found[0]) == 40
    assert [part.fraction for part in parts] == [index / 40 for index in range(40)]
    assert session.history.latest("count") > before


def test_asking_is_awaitable(driver, qapp):
    import qasync

    session = driver.ready()
    loop = qasync.QEventLoop(qapp)
    with loop:
        assert loop.run_until_complete(session.ask("predict", x=np.zeros(2))).shape == (2,)
        with pytest.raises(UserError, match="nothing to do"):
            loop.run_until_complete(session.ask("refuse"))


def test_pause_holds_the_step_and_train_goes_on_from_it(driver):
    session = driver.ready(steps=100_000_000)
    session.train()
    driver.wait(lambda: session.history.latest("count") and session.history.latest("count") > 50)
    session.pause()
    driver.wait_for(session, SessionState.PAUSED)
    held = session.history.latest("count")
    driver.qtbot.wait(300)
    assert session.history.latest("count") == held
    assert RunFolder(session.run_folder).read().status == "paused"
    session.step()
    driver.wait(lambda: session.history.latest("count") == held + 1)
    driver.wait_for(session, SessionState.PAUSED)
    session.train()
    driver.wait(lambda: session.history.latest("count") > held + 5)
    counts = session.history["count"][1]
    assert np.array_equal(counts, np.arange(1, len(counts) + 1))


def test_stop_ends_the_run_and_train_then_starts_anew(driver):
    session = driver.ready(steps=100_000_000)
    session.train()
    driver.wait(lambda: "loss" in session.history)
    session.stop()
    driver.wait_for(session, SessionState.FINISHED)
    first = session.run_folder
    assert RunFolder(first).read().status == "stopped"
    session.train()
    driver.wait_for(session, SessionState.RUNNING)
    driver.wait(lambda: session.run_folder not in (None, first) and "count" in session.history)
    assert session.history["count"][1][0] == 1


def test_more_steps_let_a_finished_run_go_on(driver):
    session = driver.finished(driver.ready(steps=50))
    folder = session.run_folder
    session.set_parameters(session.parameters.changed(steps=80))
    driver.finished(session)
    assert session.run_folder == folder
    assert session.history["count"][1].tolist() == list(range(1, 81))


def test_live_parameters_apply_while_running_and_are_recorded(driver):
    session = driver.ready(steps=100_000_000)
    session.train()
    driver.wait(lambda: "loss" in session.history)
    session.set_parameters(session.parameters.changed(pause=0.02, slope=3.0))
    assert session.pending == {"slope"}, "a parameter that is not live waits for Reset"
    driver.qtbot.wait(700)
    driver.wait(lambda: session.status.steps_per_second < 60)
    session.pause()
    driver.wait_for(session, SessionState.PAUSED)
    edits = RunFolder(session.run_folder).read().edits
    assert [edit["parameters"] for edit in edits] == [{"pause": 0.02}]


def test_changing_parameters_before_training_builds_the_model_anew(driver):
    session = driver.ready()
    driver.wait(lambda: session.frames)
    session.set_parameters(session.parameters.changed(slope=-1.0))
    driver.wait(lambda: session.states[-2:] == [SessionState.LOADING, SessionState.READY])
    assert session.pending == frozenset()


def test_edits_of_the_model_reach_the_panel_at_once(driver):
    session = driver.ready()
    driver.wait(lambda: session.frames)
    before = session.frames[-1].y
    assert driver.answer(session, "push", amount=3.0) == 1
    driver.wait(lambda: np.allclose(session.frames[-1].y, before + 3.0, atol=1e-1) and len(session.frames) > 1)


def test_export_writes_what_independent_readers_read(driver, qapp, tmp_path):
    import csv
    import json

    import qasync
    from safetensors.numpy import load_file

    session = driver.finished(driver.ready(steps=60))
    with qasync.QEventLoop(qapp) as loop:
        names = loop.run_until_complete(session.export(tmp_path / "out"))
    assert names == ["line.txt", "metrics.csv", "run.json", "weights.safetensors"]
    assert json.loads((tmp_path / "out/run.json").read_text())["parameters"]["steps"] == 60
    with (tmp_path / "out/metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["count"]) for row in rows] == list(range(1, 61))
    assert load_file(tmp_path / "out/weights.safetensors")["model.0.weight"].shape == (8, 1)


def test_closing_saves_the_run_so_that_it_can_go_on(driver, engine):
    session = driver.ready(steps=100_000_000)
    session.train()
    driver.wait(lambda: session.history.latest("count") and session.history.latest("count") > 100)
    folder = session.run_folder
    engine.close_session(session)
    driver.wait(lambda: RunFolder(folder).read().status == "paused")
    step = RunFolder(folder).read().step
    again = driver.wait_for(driver.open(run_folder=folder), SessionState.PAUSED)
    assert again.parameters.steps == 100_000_000
    assert again.history["count"][1].tolist() == list(range(1, step + 1))
    again.train()
    driver.wait(lambda: again.history.latest("count") > step + 10)
    counts = again.history["count"][1]
    assert np.array_equal(counts, np.arange(1, len(counts) + 1))


def test_shutdown_leaves_no_process_behind(driver, engine):
    driver.ready(steps=100_000_000).train()
    engine.start()
    driver.qtbot.wait(300)
    assert psutil.Process().children(recursive=True)
    engine.shutdown()
    left = [
        child
        for child in psutil.Process().children(recursive=True)
        if "resource_tracker" not in " ".join(child.cmdline())
    ]
    assert left == []


def test_an_edit_just_before_closing_starts_no_worker(driver, engine):
    session = driver.ready()
    session.set_parameters(session.parameters.changed(slope=1.0))
    engine.close_session(session)
    driver.qtbot.wait(500)
    assert session.state is SessionState.CLOSED
    assert session.worker_process is None


def test_two_sessions_take_turns_where_the_person_wants_it(driver, engine):
    engine.settings = engine.settings.model_copy(update={"cpu_queue_policy": "turns"})
    first, second = driver.ready(steps=100_000_000), driver.ready(steps=100)
    first.train()
    driver.wait_for(first, SessionState.RUNNING)
    second.train()
    driver.wait_for(second, SessionState.QUEUED)
    first.pause()
    driver.wait_for(second, SessionState.FINISHED)
    assert first.state is SessionState.PAUSED


def test_two_sessions_share_where_the_person_wants_it(driver):
    first, second = driver.ready(steps=100_000_000), driver.ready(steps=100)
    first.train()
    driver.wait_for(first, SessionState.RUNNING)
    driver.finished(second)
    assert first.state is SessionState.RUNNING


def test_the_worker_is_ended_when_the_ui_process_is_killed(home, user_plugins, tmp_path):
    """An application that dies without a word leaves no worker, and the run can go on from a checkpoint."""
    import subprocess
    import sys

    script = tmp_path / "dies.py"
    script.write_text(DYING_APPLICATION)
    application = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True)
    worker = int(application.stdout.readline())
    assert psutil.pid_exists(worker)
    application.send_signal(signal.SIGKILL)
    application.wait()
    application.stdout.close()
    deadline = time.monotonic() + 20
    while psutil.pid_exists(worker) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not psutil.pid_exists(worker)
    from workbench.runs import RunStore, folders

    [(folder, record)] = RunStore(folders().runs).to_continue()
    assert record.status == "paused"
    assert folder.metrics.read().latest("count") == record.step


DYING_APPLICATION = """
import sys

def main():
    from PySide6.QtCore import QCoreApplication
    from workbench.catalog import Catalog
    from workbench.engine import Engine
    from workbench.runs import Settings, folders

    application = QCoreApplication([])
    entry = Catalog.discover(folders().plugins).entry("tiny")
    engine = Engine(Settings(worker_threads=1))
    session = engine.open_session(entry, "fit", entry.parameters_type("fit")(steps=100_000_000))
    session.train()

    def say(block):
        if session.history.latest("count") > 20 and not said:
            said.append(print(session.worker_process, flush=True))

    said = []
    session.metrics_arrived.connect(say)
    application.exec()

if __name__ == "__main__":
    main()
"""


@pytest.mark.skipif(not hasattr(os, "kill"), reason="needs POSIX signals")
def test_a_full_pipe_never_blocks_the_ui(driver):
    session = driver.ready(steps=100_000_000)
    os.kill(session.worker_process, signal.SIGSTOP)
    try:
        began = time.monotonic()
        for _ in range(20):
            session.ask_latest("predict", lambda answer: None, x=np.zeros(200_000))
            session.grant_frame()
        assert time.monotonic() - began < 1.0
    finally:
        os.kill(session.worker_process, signal.SIGCONT)
