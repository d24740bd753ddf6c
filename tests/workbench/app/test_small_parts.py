import logging
import sys
import threading

import pytest
from app_fakes import CPU, GPU, FakeEngine, FakeSession
from PySide6.QtCore import QCoreApplication, Qt, QtMsgType, qCritical
from PySide6.QtWidgets import QCheckBox, QMainWindow, QMessageBox, QPushButton

from workbench.app.commands import COMMANDS, Commands
from workbench.app.dialogs import DetailsDialog, about_dialog, about_text, confirm_install, shortcuts_dialog
from workbench.app.icons import has_icon
from workbench.app.licences_dialog import LicencesDialog
from workbench.app.logging_setup import _LEVELS, Logging
from workbench.app.message_strip import MessageStrip
from workbench.app.notifications import Notification, NotificationDialog, Notifications, Toast
from workbench.app.panel_header import EXPORTS
from workbench.app.settings_dialog import SettingsDialog
from workbench.app.state_keeper import StateKeeper
from workbench.app.status_bar import StatusBar, sessions_text
from workbench.catalog.cards import planned_cards
from workbench.engine import SessionState
from workbench.runs import AppState, Settings
from workbench.views.theme import theme


@pytest.fixture
def window(qtbot):
    window = QMainWindow()
    window.resize(900, 600)
    qtbot.addWidget(window)
    window.show()
    return window


@pytest.fixture
def logs(tmp_path):
    root = logging.getLogger()
    before = root.handlers[:]
    logs = Logging(tmp_path / "logs")
    yield logs
    logs.close()
    assert root.handlers == before


def test_every_icon_that_is_named_exists():
    names = [command.icon for command in COMMANDS] + [name for *_, name in EXPORTS]
    names += [card.icon for card in planned_cards()]
    assert [name for name in names if name and not has_icon(name)] == []


def test_warnings_from_any_thread_reach_the_notifications_in_the_ui_thread(logs, qtbot):
    notifications = Notifications()
    threads = []
    notifications.added.connect(lambda notification: threads.append(threading.get_ident()))
    logs.bridge.noted.connect(notifications.add)
    worker = threading.Thread(target=lambda: logging.getLogger("x").warning("from afar\nsecond line"))
    worker.start()
    worker.join()
    qtbot.waitUntil(lambda: len(notifications.items) == 1)
    assert notifications.items[0].text == "from afar"
    assert notifications.items[0].details == "second line"
    assert threads == [threading.get_ident()]
    assert "from afar" in logs.file.read_text()


def test_an_uncaught_exception_is_logged_and_shown_and_nothing_is_opened(logs, qtbot, capsys):
    notifications = Notifications()
    logs.bridge.noted.connect(notifications.add)
    try:
        raise KeyError("lost")
    except KeyError:
        sys.excepthook(*sys.exc_info())
    qtbot.waitUntil(lambda: len(notifications.items) == 1)
    assert notifications.items[0].level == "error"
    assert "KeyError" in notifications.items[0].details
    assert "Traceback" in logs.file.read_text()


def test_messages_of_qt_go_to_the_file(logs):
    qCritical("a message of Qt")
    assert "a message of Qt" in logs.file.read_text()
    assert _LEVELS[QtMsgType.QtWarningMsg] < logging.WARNING


def test_information_is_in_the_file_but_not_shown(logs, qtbot):
    notifications = Notifications()
    logs.bridge.noted.connect(notifications.add)
    logging.getLogger("x").info("only for the file")
    QCoreApplication.processEvents()
    assert notifications.items == []
    assert "only for the file" in logs.file.read_text()


def test_a_toast_shows_the_newest_notification_inside_the_window(window, qtbot):
    notifications = Notifications()
    toast = Toast(notifications, window)
    notifications.say("warning", "Something long " * 12)
    assert toast.isVisible()
    assert window.rect().contains(toast.geometry())
    with qtbot.waitSignal(toast.clicked):
        qtbot.mouseClick(toast, Qt.MouseButton.LeftButton)
    assert toast.isHidden()


def test_the_history_lists_newest_first_and_can_be_cleared(window, qtbot):
    notifications = Notifications()
    for number in range(3):
        notifications.add(Notification("warning", f"number {number}", "because"))
    dialog = NotificationDialog(notifications, window)
    qtbot.addWidget(dialog)
    assert [dialog._list.topLevelItem(row).text(1) for row in range(3)] == ["number 2", "number 1", "number 0"]
    assert dialog._details.toPlainText() == "number 2\n\nbecause"
    notifications.clear()
    assert dialog._list.topLevelItemCount() == 0
    assert notifications.warnings == 0


def test_a_note_goes_away_by_itself_and_an_error_stays(qtbot, monkeypatch):
    monkeypatch.setattr("workbench.app.message_strip.NOTE_MS", 20)
    strip = MessageStrip()
    qtbot.addWidget(strip)
    strip.say("saved")
    qtbot.waitUntil(strip.isHidden, timeout=1000)
    strip.say("failed", "error")
    qtbot.wait(60)
    assert strip.isVisible()


def test_settings_apply_at_once(window, qtbot):
    dialog = SettingsDialog(Settings(), window)
    changes = []
    dialog.changed.connect(changes.append)
    dialog.show()
    box = next(b for b in dialog.findChildren(QCheckBox) if b.text() == "set")
    box.click()
    assert changes[-1].worker_threads >= 1
    box.click()
    assert changes[-1].worker_threads is None
    dialog._share.setValue(20)
    assert changes[-1].frame_share == 0.2
    dialog._theme.setCurrentIndex(2)
    dialog._theme.activated.emit(2)
    assert changes[-1].theme == "dark"
    assert changes[-1].model_validate(changes[-1].model_dump()) == changes[-1]


def test_the_status_bar_tells_device_memory_sessions_and_warnings(qtbot):
    engine, notifications = FakeEngine(), Notifications()
    engine.devices = (CPU, GPU)
    bar = StatusBar(engine, notifications)
    qtbot.addWidget(bar)
    session = FakeSession()
    engine.sessions.append(session)
    session.become(SessionState.RUNNING)
    session.report(3)
    notifications.say("warning", "hot")
    bar.refresh()
    assert "an accelerator" in bar.device.text()
    assert bar.memory.text() == "worker 300 MB"
    assert bar.sessions.text() == "1 running"
    assert bar.warnings.text() == "1"
    bar.mark_saved()
    assert bar.saved.text() == "saved 0 s ago"
    for part in (bar.device, bar.memory, bar.sessions, bar.saved, bar.warnings):
        assert part.accessibleName()
    with qtbot.waitSignal(bar.messages_requested):
        bar.warnings.click()


def test_sessions_are_counted_by_state():
    sessions = [FakeSession() for _ in range(4)]
    for session, state in zip(
        sessions, (SessionState.RUNNING, SessionState.RUNNING, SessionState.QUEUED, SessionState.READY), strict=True
    ):
        session.state = state
    assert sessions_text(sessions) == "2 running, 1 queued"
    assert sessions_text([]) == "nothing runs"


def test_the_state_is_written_soon_after_a_change_and_at_the_end(qtbot, home, monkeypatch):
    monkeypatch.setattr("workbench.app.state_keeper.QUIET_MS", 10)
    current = {"recent": ["a"]}
    owner = QMainWindow()
    qtbot.addWidget(owner)
    keeper = StateKeeper(lambda: AppState(**current), owner)
    with qtbot.waitSignal(keeper.saved, timeout=5000):
        for _ in range(50):
            keeper.touch()
    assert AppState.load().recent == ["a"]
    current["recent"] = ["b"]
    keeper.close()
    assert AppState.load().recent == ["b"]


def test_a_window_that_only_measures_writes_nothing(qtbot, home):
    owner = QMainWindow()
    qtbot.addWidget(owner)
    keeper = StateKeeper(AppState, owner, is_writing=False)
    keeper.touch()
    keeper.close()
    assert not AppState.path().exists()


def test_a_state_that_cannot_be_written_is_said_and_survived(qtbot, home, caplog):
    AppState.path().parent.mkdir(parents=True, exist_ok=True)
    AppState.path().parent.joinpath("state.json").mkdir()
    owner = QMainWindow()
    qtbot.addWidget(owner)
    StateKeeper(AppState, owner).close()
    assert "could not be saved" in caplog.text


def test_the_shortcuts_window_lists_every_shortcut(window):
    dialog = shortcuts_dialog(Commands(window), window)
    text = dialog.findChild(object, "") and dialog.layout().itemAt(0).widget().toPlainText()
    for command in COMMANDS:
        if command.shortcut:
            assert command.title in text


def test_about_names_the_versions_a_report_needs():
    assert "PySide6-Essentials" in about_text()
    assert "torch" in about_text()


def test_details_can_be_copied(window, qtbot):
    from PySide6.QtWidgets import QApplication

    dialog = DetailsDialog("Broken", "It fell over.", "Traceback ...", window)
    dialog.show()
    copy = next(b for b in dialog.findChildren(QPushButton) if b.text() == "Copy details")
    qtbot.mouseClick(copy, Qt.MouseButton.LeftButton)
    assert QApplication.clipboard().text() == "It fell over.\n\nTraceback ..."
    assert not dialog.isModal()


@pytest.mark.parametrize("agrees", [True, False])
def test_a_plugin_is_installed_only_after_the_warning_was_accepted(window, qtbot, tmp_path, agrees):
    installed = []
    box = confirm_install(tmp_path, installed.append, window)
    assert "code" in box.informativeText()
    wanted = "Install" if agrees else box.button(QMessageBox.StandardButton.Cancel).text()
    button = next(b for b in box.buttons() if b.text() == wanted)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert installed == ([tmp_path] if agrees else [])


def test_the_colours_of_a_coloured_label_follow_the_theme(qtbot):
    from workbench.app.widgets import ColouredLabel

    label = ColouredLabel("x", "error")
    qtbot.addWidget(label)
    light = label.palette().windowText().color().name()
    theme().set_mode("dark")
    assert label.palette().windowText().color().name() == theme().error != light


def test_about_leads_to_the_licences_which_can_be_searched(window, qtbot):
    about = about_dialog(window)
    about.show()
    assert "never looks for updates" in about_text()
    qtbot.mouseClick(
        next(button for button in about.findChildren(QPushButton) if "Licences" in button.text()),
        Qt.MouseButton.LeftButton,
    )
    licences = about.findChild(LicencesDialog)
    qtbot.keyClicks(licences.search, "lgpl")
    items = [licences.list.topLevelItem(index) for index in range(licences.list.topLevelItemCount())]
    shown = [item for item in items if not item.isHidden()]
    assert "PySide6_Essentials" in [item.text(0) for item in shown]
    assert "numpy" not in [item.text(0) for item in shown]
    licences.list.setCurrentItem(next(item for item in items if item.text(0) == "numpy"))
    assert "Redistribution" in licences.text.toPlainText()
    licences.close()
    about.close()
