import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QMainWindow

from workbench.app.commands import COMMANDS, Choice, Commands
from workbench.app.palette import Palette, matching


@pytest.fixture
def window(qtbot):
    window = QMainWindow()
    window.resize(900, 600)
    qtbot.addWidget(window)
    return window


@pytest.fixture
def bound(window):
    done, reasons = [], {"session.step": "Pause first: it is running."}
    commands = Commands(window)
    for command in COMMANDS:
        commands.bind(command.id, lambda id=command.id: done.append(id), lambda id=command.id: reasons.get(id, ""))
    commands.refresh()
    return commands, done


def test_no_two_commands_have_the_same_id_title_or_shortcut():
    for values in (
        [command.id for command in COMMANDS],
        [command.title for command in COMMANDS],
        [QKeySequence(command.shortcut).toString() for command in COMMANDS if command.shortcut],
    ):
        assert len(values) == len(set(values))


def test_every_shortcut_is_one_that_qt_knows():
    for command in COMMANDS:
        if command.shortcut:
            assert QKeySequence(command.shortcut).count() == 1, command
            assert QKeySequence(command.shortcut)[0].key() != Qt.Key.Key_unknown


def test_each_menu_holds_its_commands_in_order(window, bound):
    commands, _ = bound
    commands.fill_menus(window.menuBar())
    listed = [
        action.objectName()
        for menu in window.menuBar().actions()
        for action in menu.menu().actions()
        if not action.isSeparator()
    ]
    assert sorted(listed) == sorted(command.id for command in COMMANDS)
    by_menu = [next(c for c in COMMANDS if c.id == id).category for id in listed]
    assert by_menu == sorted(by_menu, key=list(dict.fromkeys(by_menu)).index)


def test_a_disabled_command_says_why_and_does_nothing(bound):
    commands, done = bound
    action = commands.action("session.step")
    assert not action.isEnabled()
    assert action.toolTip() == "Pause first: it is running."
    assert not commands.run("session.step")
    assert done == []


def test_a_menu_entry_runs_its_command(bound):
    commands, done = bound
    commands.action("session.train").trigger()
    assert done == ["session.train"]


def test_a_bare_coroutine_function_is_refused_because_it_would_never_run(bound):
    async def handler():
        pass

    with pytest.raises(TypeError, match=r"session\.train"):
        bound[0].bind("session.train", handler)


def test_an_unbound_command_cannot_be_run(window):
    assert Commands(window).reason("app.quit") == "Not available here."


def test_what_cannot_be_chosen_comes_after_what_can():
    choices = [
        Choice("Split down", "View", lambda: None, reason="There is no other tab."),
        Choice("Split right", "View", lambda: None),
    ]
    assert [line.choice.title for line in matching(choices, "split")] == ["Split right", "Split down"]
    assert [line.choice.title for line in matching(choices, "")] == ["Split down", "Split right"]


def test_a_word_of_the_help_finds_a_command_after_the_titles():
    choices = [
        Choice("Export metrics", "File", lambda: None, help="CSV, one row a step"),
        Choice("One step", "Session", lambda: None),
    ]
    assert [line.choice.title for line in matching(choices, "step")] == ["One step", "Export metrics"]
    assert matching(choices, "xyz") == []


def test_the_palette_is_used_by_keyboard_alone(window, bound, qtbot):
    commands, done = bound
    papers = []
    commands.add_source(lambda: [Choice("Open MgNO", "Papers", lambda: papers.append("mgno"))])
    palette = Palette(commands, window)
    window.show()
    palette.open()
    field = palette.findChild(type(palette._field))
    qtbot.keyClicks(field, "mgno")
    assert palette.lines[0].choice.title == "Open MgNO"
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert papers == ["mgno"]
    assert palette.isHidden()
    palette.open()
    assert len(palette.lines) == len(COMMANDS) + 1
    qtbot.keyClick(field, Qt.Key.Key_Down)
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert done == [COMMANDS[1].id]


def test_escape_closes_the_palette_and_does_not_stop_a_session(window, bound, qtbot):
    commands, done = bound
    palette = Palette(commands, window)
    window.show()
    palette.open()
    qtbot.keyClick(palette._field, Qt.Key.Key_Escape)
    assert palette.isHidden()
    assert done == []


def test_a_greyed_line_of_the_palette_cannot_be_chosen(window, bound, qtbot):
    commands, done = bound
    palette = Palette(commands, window)
    window.show()
    palette.open()
    qtbot.keyClicks(palette._field, "one step")
    assert palette.lines[0].choice.reason == "Pause first: it is running."
    qtbot.keyClick(palette._field, Qt.Key.Key_Return)
    assert done == []
    assert not palette.isHidden()
