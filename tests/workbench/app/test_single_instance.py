"""Two starts of one home: the second hands over and ends."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtNetwork import QLocalSocket

from workbench.app.single_instance import SingleInstance, _address

SECOND = (
    "import sys; from pathlib import Path; from PySide6.QtCore import QCoreApplication\n"
    "from workbench.app.single_instance import SingleInstance\n"
    "application = QCoreApplication([])\n"
    "print(SingleInstance().start([Path(text) for text in sys.argv[1:]]))"
)


@pytest.fixture
def first(qapp):
    instance = SingleInstance()
    assert instance.start([])
    yield instance
    instance.close()


def second_start(*arguments, cwd):
    return subprocess.Popen([sys.executable, "-c", SECOND, *arguments], stdout=subprocess.PIPE, text=True, cwd=cwd)


def test_a_second_start_hands_its_files_over_as_absolute_paths(first, qtbot, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
    with qtbot.waitSignal(first.received, timeout=20_000) as received:
        process = second_start("ein Läuf.workbench-run", cwd=tmp_path)
    assert received.args[0] == [tmp_path / "ein Läuf.workbench-run"]
    assert process.communicate(timeout=20)[0].strip() == "False"


def test_what_a_crash_left_behind_is_replaced(qapp, qtbot, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
    crash = (
        SECOND.replace("print(SingleInstance()", "first = SingleInstance()\nprint(first") + "\nimport os; os._exit(1)"
    )
    assert subprocess.run([sys.executable, "-c", crash], check=False).returncode == 1
    assert Path(_address()).exists()
    assert Path(f"{_address()}.lock").exists()
    instance = SingleInstance()
    try:
        assert instance.start([])
        with qtbot.waitSignal(instance.received, timeout=20_000) as received:
            process = second_start(cwd=tmp_path)
        assert received.args[0] == []
        assert process.communicate(timeout=20)[0].strip() == "False"
    finally:
        instance.close()


def test_one_that_does_not_answer_does_not_keep_a_person_from_working(first, qapp, monkeypatch, caplog):
    monkeypatch.setattr("workbench.app.single_instance.ANSWER_MS", 50)
    other = SingleInstance()
    assert other.start([])  # this process is busy here and reads nothing
    assert "does not answer" in caplog.text
    other.close()


def test_after_the_first_has_closed_a_start_is_the_first(first, qapp):
    first.close()
    other = SingleInstance()
    assert other.start([])
    other.close()


@pytest.mark.parametrize("message", [b"no json\n", b"3\n", json.dumps([1]).encode() + b"\n"])
def test_a_message_that_is_none_is_dropped_and_the_next_is_taken(first, qtbot, message):
    received = []
    first.received.connect(received.append)
    bad, good = QLocalSocket(), QLocalSocket()
    bad.connectToServer(_address())
    bad.write(message)
    qtbot.waitUntil(lambda: bad.state() == QLocalSocket.LocalSocketState.UnconnectedState)
    good.connectToServer(_address())
    good.write(b'["/x"]\n')
    qtbot.waitUntil(lambda: bool(received))
    assert received == [[Path("/x")]]
    good.abort()


def test_another_home_has_an_instance_of_its_own(first, qapp, tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    other = SingleInstance()
    assert other.start([])
    assert other._server.isListening()
    other.close()


def test_a_runtime_folder_of_somebody_else_is_not_used(qapp, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "not there"))
    instance = SingleInstance()
    assert instance.start([])
    assert instance._server.isListening()
    instance.close()


def test_where_nothing_can_be_locked_the_window_opens_at_once(qapp, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("workbench.app.single_instance._runtime_folder", lambda: tmp_path / "not there")
    instance = SingleInstance()
    assert instance.start([])
    assert "cannot be written" in caplog.text
    instance.close()
