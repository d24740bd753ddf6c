"""Whatever goes wrong in one session ends in one clear sentence there, and other sessions go on."""

from __future__ import annotations

import os
import signal

import pytest

from workbench.engine import SessionState
from workbench.runs import RunFolder


def test_a_loss_that_is_not_finite_pauses_the_run_and_says_where(driver):
    session = driver.ready(steps=2000, fault="nan", fault_step=700)
    session.train()
    driver.wait_for(session, SessionState.PAUSED)
    [failure] = session.failures
    assert failure.kind == "nan"
    assert failure.step == 700
    assert "loss became nan at step 700" in failure.sentence


def test_an_exception_is_told_with_its_step_and_traceback(driver):
    session = driver.finished(driver.ready(fault="exception", fault_step=30))
    assert session.state is SessionState.FAILED
    [failure] = session.failures
    assert failure.kind == "exception"
    assert "step 31" in failure.sentence
    assert "ZeroDivisionError: a bug in the plugin" in failure.sentence
    assert "_go_wrong" in failure.details
    assert session.history["count"][1].tolist() == list(range(1, 31)), "what was measured before is kept"
    assert RunFolder(session.run_folder).read().status == "failed"


def test_out_of_memory_says_what_to_lower(driver):
    session = driver.finished(driver.ready(fault="memory", fault_step=5))
    assert session.failures[0].kind == "memory"
    assert "Out of memory on cpu" in session.failures[0].sentence
    assert session.failures[0].mend


@pytest.mark.parametrize(("fault", "word"), [("segfault", "crashed"), ("kill", "killed")])
def test_the_death_of_a_worker_ends_one_session_only(driver, fault, word):
    other = driver.ready(steps=100_000_000)
    other.train()
    session = driver.finished(driver.ready(fault=fault, fault_step=30))
    assert session.state is SessionState.FAILED
    assert word in session.failures[0].sentence
    seen = other.history.latest("count")
    driver.wait(lambda: other.history.latest("count") > seen)
    assert other.state is SessionState.RUNNING


def test_a_segfault_leaves_its_stack_in_the_details(driver):
    session = driver.finished(driver.ready(fault="segfault", fault_step=3))
    assert "_go_wrong" in session.failures[0].details


def test_after_a_kill_one_click_goes_on_from_the_last_checkpoint(driver):
    session = driver.ready(steps=100_000_000)
    session.train()
    driver.wait(lambda: (session.history.latest("count") or 0) > 50)
    session.pause()
    driver.wait_for(session, SessionState.PAUSED)
    saved = session.history.latest("count")
    session.train()
    driver.wait(lambda: session.history.latest("count") > saved + 50)
    os.kill(session.worker_process, signal.SIGKILL)
    driver.wait_for(session, SessionState.FAILED)
    session.restart_from_checkpoint()
    driver.wait_for(session, SessionState.PAUSED)
    assert session.history.latest("count") == saved
    session.train()
    driver.wait(lambda: session.history.latest("count") > saved + 10)


def test_a_step_that_does_not_end_is_ended_with_its_process(driver):
    session = driver.ready(fault="hang", fault_step=10)
    session.train()
    driver.wait_for(session, SessionState.RUNNING)
    driver.qtbot.wait(300)
    session.stop()
    driver.wait_for(session, SessionState.FAILED, seconds=15)
    assert session.failures[0].kind == "hung"


def test_an_experiment_that_cannot_be_built_says_why_and_can_be_mended(driver):
    session = driver.ready(fault="construct")
    assert session.state is SessionState.FAILED
    assert "cannot be built" in session.failures[0].sentence
    session.set_parameters(session.parameters.changed(fault="none"))
    driver.wait_for(session, SessionState.READY)


def test_long_preparing_can_be_stopped(driver):
    session = driver.open(prepare_slices=100_000)
    said = []
    session.progressed.connect(said.append)
    driver.wait(lambda: said)
    session.stop()
    driver.wait_for(session, SessionState.FAILED)
    assert session.failures[0].sentence == "Preparing was stopped."


def test_a_frame_that_fails_does_not_stop_the_training(driver):
    session = driver.finished(driver.ready(steps=300, fault="frame", fault_step=20))
    assert session.state is SessionState.FINISHED
    assert "no picture" in session.failures[0].sentence
    assert len(session.failures) == 1


def test_a_tensor_in_a_frame_is_told_by_its_name(driver):
    session = driver.ready(fault="tensor frame")
    driver.wait(lambda: session.failures)
    assert "FitFrame.x is a tensor" in session.failures[0].sentence


def test_state_that_cannot_be_saved_is_told_by_its_name(driver):
    session = driver.ready(steps=20, fault="unsavable")
    driver.finished(session)
    assert "Fit.socket is a TextIOWrapper" in session.failures[0].sentence
