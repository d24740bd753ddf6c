import numpy as np
import pytest
from app_fakes import FakeEngine
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QEnterEvent
from PySide6.QtWidgets import QApplication

from workbench.app.experiment_page import restored_parameters
from workbench.app.panel_shell import LEFT_MINIMUM, PanelShell
from workbench.catalog import BrokenPlugin
from workbench.compute.protocol import Failure
from workbench.engine import SessionState
from workbench.runs import OpenPanel
from workbench.sdk import MetricsBlock


@pytest.fixture
def engine():
    return FakeEngine()


@pytest.fixture
def open_shell(engine, tiny, qtbot):
    def build(saved=None):
        shell = PanelShell(engine, tiny, saved)
        shell.resize(1200, 700)
        qtbot.addWidget(shell)
        shell.show()
        return shell

    return build


@pytest.fixture
def shell(open_shell):
    shell = open_shell()
    shell.session.load()
    return shell


def frame(shell, step=1, slope=2.0):
    frame_type = type(shell.page.view).__module__.rsplit(".", 1)[0]
    from workbench.catalog import load_object

    return load_object(f"{frame_type}.contract:FitFrame")(np.zeros(2), np.zeros(2), slope, step, 0.0)


def test_a_session_is_opened_when_its_experiment_is_first_shown(shell, engine):
    assert [session.experiment_id for session in engine.sessions] == ["fit"]
    shell.show_experiment("count")
    assert [session.experiment_id for session in engine.sessions] == ["fit", "count"]
    shell.show_experiment("fit")
    assert len(engine.sessions) == 2
    assert shell.session is engine.sessions[0]


def test_a_panel_that_was_never_seen_opens_no_session(engine, tiny, qtbot):
    shell = PanelShell(engine, tiny)
    qtbot.addWidget(shell)
    assert engine.sessions == []
    assert shell.session is None


def test_a_frame_is_drawn_and_one_credit_follows(shell, qtbot):
    shell.session.frame_arrived.emit(frame(shell, step=7))
    assert shell.page.view.label.text() == "step 7: slope 2.000"
    assert shell.session.credits == 0
    qtbot.waitUntil(lambda: shell.session.credits == 1)


def test_a_hidden_panel_draws_nothing_and_asks_for_nothing_until_it_is_seen(shell, qtbot):
    shell.hide()
    for step in (1, 2, 3):
        shell.session.frame_arrived.emit(frame(shell, step))
    qtbot.wait(30)
    assert shell.page.view.frames == 0
    assert shell.session.credits == 0
    shell.show()
    qtbot.waitUntil(lambda: shell.session.credits == 1)
    assert shell.page.view.label.text().startswith("step 3")
    assert shell.page.view.frames == 1


def test_curves_are_drawn_far_less_often_than_numbers_come(shell, qtbot, monkeypatch):
    drawn = []
    monkeypatch.setattr(shell.page.view, "show_metrics", lambda history: drawn.append(len(history["loss"][0])))
    for step in range(200):
        block = MetricsBlock({"loss": (np.array([step]), np.array([1.0]))})
        shell.session.history.append(block)
        shell.session.metrics_arrived.emit(block)
    qtbot.waitUntil(lambda: drawn == [200], timeout=1000)


def test_a_view_that_fails_says_so_once_and_training_goes_on(shell, qtbot, monkeypatch, caplog):
    def fail(frame):
        raise RuntimeError("no such colour")

    monkeypatch.setattr(shell.page.view, "show_frame", fail)
    shell.session.frame_arrived.emit(frame(shell))
    qtbot.waitUntil(lambda: shell.session.credits == 1)
    assert "The panel of Tiny failed: RuntimeError: no such colour." in shell.page.strip.sentence
    shell.page.strip.clear()
    shell.session.frame_arrived.emit(frame(shell))
    qtbot.waitUntil(lambda: shell.session.credits == 2)
    assert shell.page.strip.sentence == ""


def test_a_failed_run_says_what_happened_and_restarts_from_its_checkpoint(shell, qtbot, tmp_path):
    shell.session.run_folder = tmp_path
    shell.session.fail(Failure("nan", "loss became nan at step 12.", "Lower the learning rate.", "trace", 12, 10))
    strip = shell.page.strip
    assert strip.isVisible()
    assert strip.sentence == "loss became nan at step 12. Lower the learning rate."
    assert strip._mend_button.text() == "Restart from step 10"
    assert shell.look().icon == "mdi6.alert-circle"
    qtbot.mouseClick(strip._details_button, Qt.MouseButton.LeftButton)
    assert strip._details.isVisible()
    qtbot.mouseClick(strip._copy_button, Qt.MouseButton.LeftButton)
    assert QApplication.clipboard().text() == f"{strip.sentence}\n\ntrace"
    qtbot.mouseClick(strip._mend_button, Qt.MouseButton.LeftButton)
    assert shell.session.calls == ["restart_from_checkpoint"]
    assert strip.isHidden()


def test_a_failure_without_a_checkpoint_is_mended_by_reset(shell, qtbot):
    shell.session.fail(Failure("exception", "It fell over."))
    assert shell.page.strip._mend_button.text() == "Reset"
    qtbot.mouseClick(shell.page.strip._mend_button, Qt.MouseButton.LeftButton)
    assert shell.session.calls == ["reset"]


def test_each_experiment_keeps_its_own_message(shell):
    shell.page.strip.say("about the line", "error")
    shell.show_experiment("count")
    assert [strip.sentence for strip in shell.findChildren(type(shell.page.strip)) if strip.isVisible()] == []
    shell.show_experiment("fit")
    assert shell.page.strip.isVisible()


def test_an_edit_in_the_form_reaches_the_session_and_ctrl_z_takes_it_back(shell):
    shell.page.form._field_edited("slope", 3.0)
    assert shell.session.parameters.slope == 3.0
    shell.undo_stack.undo()
    assert shell.session.parameters.slope == 2.0
    assert shell.page.form.editor("slope").spin.value() == 2.0


def test_a_view_may_change_parameters_as_one_undoable_step(shell):
    port = shell.page.view.port
    port.change_parameters("drag the line", {"slope": 1.5, "noise": 0.2})
    assert (port.parameters.slope, port.parameters.noise) == (1.5, 0.2)
    assert shell.undo_stack.undoText() == "drag the line"
    port.change_parameters("too far", {"slope": 99})
    assert port.parameters.slope == 1.5
    assert "99" in shell.page.strip.sentence


def test_a_view_hears_of_changed_values_while_no_frame_comes(shell, monkeypatch):
    heard = []
    monkeypatch.setattr(shell.page.view, "parameters_changed", heard.append)
    shell.page.view.port.change_parameters("more noise", {"noise": 0.5})
    assert [parameters.noise for parameters in heard] == [0.5]
    shell.undo_stack.undo()
    assert heard[-1].noise != 0.5


def test_the_tab_shows_state_and_progress(shell):
    looks = []
    for state in (SessionState.READY, SessionState.RUNNING, SessionState.PAUSED, SessionState.FINISHED):
        shell.session.become(state)
        shell.session.report(62, 100)
        looks.append((shell.look().icon, shell.look().text))
    assert looks == [
        ("", "Tiny"),
        ("mdi6.play", "Tiny 62%"),
        ("mdi6.pause", "Tiny 62%"),
        ("mdi6.check", "Tiny"),
    ]


def test_a_double_click_on_a_title_fills_the_panel_and_another_brings_all_back(shell, qtbot):
    view = shell.page.view.curves
    bar = view._bar
    before = view.size()
    qtbot.mouseDClick(bar, Qt.MouseButton.LeftButton)
    assert shell.enlarged_view is view
    assert not shell.page.view.label.isVisible()
    assert not shell.page.view.button.isVisible()
    qtbot.waitUntil(lambda: view.height() > before.height())
    qtbot.mouseDClick(bar, Qt.MouseButton.LeftButton)
    assert shell.enlarged_view is None
    assert shell.page.view.label.isVisible()
    qtbot.waitUntil(lambda: view.size() == before)


def test_the_left_column_takes_at_most_a_quarter_and_folds(shell, qtbot):
    shell.resize(2400, 900)
    assert shell._left.width() <= 600
    shell.resize(1200, 700)
    qtbot.waitUntil(lambda: shell._left.width() <= 300)
    shell.toggle_fold()
    assert not shell._left.isVisible()
    shell.toggle_fold()
    assert shell._left.isVisible()
    assert shell._left.width() >= LEFT_MINIMUM


def test_the_hint_follows_the_view_under_the_mouse(shell):
    curves = shell.page.view.curves
    QApplication.sendEvent(curves, QEvent(QEvent.Type.Leave))
    assert shell.page.hint.text() == "Press the button to push the line."
    where = QPointF(5, 5)
    QApplication.sendEvent(curves, QEnterEvent(where, where, where))
    assert shell.page.hint.text() == curves.hint
    QApplication.sendEvent(curves, QEvent(QEvent.Type.Leave))
    assert shell.page.hint.text() == "Press the button to push the line."


def test_everything_is_found_again(shell, open_shell, engine):
    shell.page.form._field_edited("slope", 3.0)
    shell.session.seed, shell.session.device = 5, "cpu"
    shell.page.form.set_open_groups([])
    shell.show_experiment("count")
    shell.header.show_tab("paper")
    shell.toggle_fold()
    saved = OpenPanel.model_validate_json(shell.saved().model_dump_json())
    again = open_shell(saved)
    assert again.experiment == "count"
    assert again.header.tab == "Paper"
    assert again.is_folded
    again.show_experiment("fit")
    session = again.session
    assert (session.parameters.slope, session.seed, session.device) == (3.0, 5, "cpu")
    assert again.page.form.open_groups() == []


def test_what_was_saved_of_experiments_that_were_not_shown_is_kept(open_shell):
    saved = OpenPanel(plugin="tiny", experiment="fit", parameters={"count": {"steps": 77}}, seeds={"count": 3})
    shell = open_shell(saved)
    assert shell.saved().parameters["count"] == {"steps": 77}
    assert shell.saved().seeds["count"] == 3


def test_saved_values_that_no_longer_fit_fall_back_one_by_one(tiny):
    parameters = tiny.parameters_type("fit")
    restored, dropped = restored_parameters(parameters, {"slope": 3.0, "noise": 99, "gone": 1})
    assert (restored.slope, restored.noise) == (3.0, 0.1)
    assert sorted(dropped) == ["gone", "noise"]


def test_a_plugin_whose_panel_cannot_be_imported_is_refused_with_its_traceback(engine, tiny, qtbot):
    panel = tiny.card.folder / "panel.py"
    panel.write_text("raise RuntimeError('broken on purpose')")
    with pytest.raises(BrokenPlugin, match="broken on purpose") as broken:
        PanelShell(engine, tiny)
    assert "Traceback" in broken.value.details
    assert engine.sessions == []


def test_a_view_that_cannot_be_built_leaves_the_other_experiments_usable(open_shell, tiny, engine, monkeypatch, caplog):
    view_type = tiny.view_type("fit")
    original = view_type.__init__

    def fail(self, port, parent=None):
        if len(engine.sessions) == 1:
            raise RuntimeError("no canvas")
        original(self, port, parent)

    monkeypatch.setattr(view_type, "__init__", fail)
    shell = open_shell()
    assert shell.page is None
    assert engine.sessions == []
    monkeypatch.setattr(view_type, "__init__", original)
    shell.show_experiment("count")
    assert shell.page is not None
    assert "no canvas" in caplog.text


@pytest.mark.parametrize(
    ("key", "focus", "reaches_control"),
    [
        (Qt.Key.Key_Space, "spin", True),
        (Qt.Key.Key_S, "spin", True),
        (Qt.Key.Key_Escape, "spin", True),
        (Qt.Key.Key_Space, "button", True),
        (Qt.Key.Key_S, "button", False),
        (Qt.Key.Key_Space, "panel", False),
        (Qt.Key.Key_Escape, "panel", False),
    ],
)
def test_bare_keys_are_left_to_the_control_that_uses_them(shell, key, focus, reaches_control):
    from PySide6.QtGui import QKeyEvent

    widget = {"spin": shell.page.form.editor("slope").spin, "button": shell.page.view.button, "panel": shell}[focus]
    widget.setFocus()
    event = QKeyEvent(QEvent.Type.ShortcutOverride, key, Qt.KeyboardModifier.NoModifier)
    event.ignore()
    QApplication.sendEvent(shell, event)
    assert event.isAccepted() == reaches_control


def test_nothing_of_a_panel_is_wider_than_a_small_window(shell, qtbot):
    shell.resize(640, 500)
    assert shell.minimumSizeHint().width() <= 640
    corner = shell.header.tabs.mapTo(shell, QPoint(shell.header.tabs.width(), 0))
    assert corner.x() <= 640


def test_closing_ends_all_sessions_of_the_panel(shell, engine):
    shell.show_experiment("count")
    shell.close_sessions()
    assert engine.sessions == []
    assert shell.session is None
