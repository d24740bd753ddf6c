import pytest
from app_fakes import CPU, GPU, FakeSession
from PySide6.QtCore import Qt

from workbench.app import run_controls
from workbench.app.run_controls import RunControls, toggle_training
from workbench.app.widgets import bytes_text, count_text, duration_text
from workbench.engine import SessionState
from workbench.sdk import Progress


@pytest.fixture
def session():
    return FakeSession()


@pytest.fixture
def controls(session, qtbot):
    controls = RunControls(session, (CPU, GPU))
    controls.resize(300, 200)
    qtbot.addWidget(controls)
    controls.show()
    return controls


def test_train_becomes_pause_and_continue_with_the_state(controls, session, qtbot):
    session.load()
    texts = []
    for state in (SessionState.READY, SessionState.RUNNING, SessionState.PAUSED, SessionState.FINISHED):
        session.become(state)
        texts.append(controls.train_button.text())
        qtbot.mouseClick(controls.train_button, Qt.MouseButton.LeftButton)
    assert texts == ["Train", "Pause", "Continue", "Train again"]
    assert session.calls == ["train", "pause", "train", "train"]


def test_a_queued_session_leaves_the_queue_with_the_same_key(session):
    session.become(SessionState.QUEUED)
    toggle_training(session)
    assert session.calls == ["pause"]


def test_each_button_does_what_it_says(controls, session, qtbot):
    session.load()
    session.become(SessionState.PAUSED)
    for button in (controls.step_button, controls.stop_button, controls.reset_button):
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert session.calls == ["step", "stop", "reset"]


@pytest.mark.parametrize("state", list(SessionState))
def test_a_disabled_control_says_why(controls, session, state):
    session.become(state)
    for button in (controls.train_button, controls.step_button, controls.stop_button, controls.reset_button):
        if not button.isEnabled():
            assert button.toolTip().endswith(".")
    assert controls.step_button.isEnabled() == (run_controls.step_reason(session) == "")


def test_a_single_step_is_not_offered_while_it_runs(controls, session):
    session.become(SessionState.RUNNING)
    assert not controls.step_button.isEnabled()
    assert controls.step_button.toolTip() == "Pause first: it is running."


def test_progress_speed_and_time_left_are_shown(controls, session):
    session.load()
    session.become(SessionState.RUNNING)
    session.report(120, 300, speed=100.0)
    assert controls.steps.text() == "120 / 300"
    assert controls.speed.text() == "100/s"
    assert controls.state_text.text() == "2 s left, 1 s so far"
    assert controls.bar.value() == 400
    assert controls.fraction == 0.4


def test_an_open_ended_run_shows_its_step_and_a_moving_bar(controls, session):
    session.load()
    session.become(SessionState.RUNNING)
    session.report(7, None)
    assert controls.steps.text() == "step 7"
    assert controls.bar.maximum() == 0
    assert controls.fraction is None


def test_slow_steps_are_given_in_seconds_a_step(controls, session):
    session.load()
    session.become(SessionState.RUNNING)
    session.report(7, 10, speed=0.25)
    assert controls.speed.text() == "4.0 s/step"


def test_preparation_says_what_it_does_and_how_far_it_is(controls, session):
    session.progressed.emit(Progress("making 300 shapes", 0.5))
    assert controls.state_text.text() == "making 300 shapes"
    assert controls.bar.value() == 500
    session.load()
    assert controls.state_text.text() == "Untrained; press Train."


def test_changed_parameters_that_wait_are_named(controls, session):
    session.load()
    session.become(SessionState.PAUSED)
    session.pending = frozenset({"seed", "width"})
    session.parameters_changed.emit(session.parameters)
    assert controls.state_text.text() == "Changed seed, parameters: Reset to apply."


def test_devices_and_their_memory_can_be_read_and_chosen(controls, session):
    session.load(GPU)
    assert [controls.device.itemData(index) for index in range(3)] == ["auto", "cpu", "cuda:0"]
    assert controls.device.itemData(2, Qt.ItemDataRole.ToolTipRole) == "an accelerator, 16.0 GB"
    assert controls.device.itemText(0) == "auto: cuda:0"
    assert "float32" in controls.device.toolTip()
    controls.device.setCurrentIndex(1)
    controls.device.activated.emit(1)
    assert session.calls == [("set_device", "cpu")]


def test_a_device_that_is_not_here_any_more_is_still_shown(session, qtbot):
    session.device = "cuda:3"
    controls = RunControls(session, (CPU,))
    qtbot.addWidget(controls)
    assert controls.device.currentData() == "cuda:3"


def test_the_seed_is_set_once_and_shown(controls, session, qtbot):
    controls.seed.setFocus()
    controls.seed.selectAll()
    qtbot.keyClicks(controls.seed, "42")
    qtbot.keyClick(controls.seed, Qt.Key.Key_Return)
    assert session.calls == [("set_seed", 42)]
    session.seed = 7
    controls.refresh()
    assert controls.seed.value() == 7
    assert session.calls == [("set_seed", 42)]


def test_a_click_on_train_leaves_the_focus_where_it_was(controls, session, qtbot):
    session.load()
    controls.seed.setFocus()
    qtbot.mouseClick(controls.train_button, Qt.MouseButton.LeftButton)
    assert not controls.train_button.hasFocus()


def test_numbers_are_written_as_people_write_them():
    assert duration_text(3.4) == "3 s"
    assert duration_text(75) == "1 min 15 s"
    assert duration_text(7500) == "2 h 5 min"
    assert duration_text(None) == duration_text(float("inf")) == ""
    assert count_text(12500) == "12\u2009500"
    assert (bytes_text(312 * 2**20), bytes_text(3 * 2**30), bytes_text(None)) == ("312 MB", "3.0 GB", "")
