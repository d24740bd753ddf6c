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
    "print(SingleInstance().hand_over([Path(text) for text in sys.argv[1:]]))"
)


@pytest.fixture
def first(qapp):
    instance = SingleInstance()
    instance.listen()
    yield instance
    instance.close()


def second_start(*arguments, cwd):
    return subprocess.Popen([sys.executable, "-c", SECOND, *arguments], stdout=subprocess.PIPE, text=True, cwd=cwd)


def test_a_second_start_hands_its_files_over_as_absolute_paths(first, qtbot, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
    with qtbot.waitSignal(first.received, timeout=20_000) as received:
        process = second_start("ein Läuf.workbench-run", cwd=tmp_path)
    assert received.args[0] == [tmp_path / "ein Läuf.workbench-run"]
    assert process.communicate(timeout=20)[0].strip() == "True"


def test_where_nobody_listens_a_start_is_the_first(qapp):
    assert not SingleInstance().hand_over([])


def test_what_a_crash_left_behind_is_replaced(qapp, qtbot, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
    Path(_address()).write_bytes(b"")
    assert not SingleInstance().hand_over([])
    instance = SingleInstance()
    instance.listen()
    try:
        with qtbot.waitSignal(instance.received, timeout=20_000) as received:
            process = second_start(cwd=tmp_path)
        assert received.args[0] == []
        assert process.communicate(timeout=20)[0].strip() == "True"
    finally:
        instance.close()


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
    assert not SingleInstance().hand_over([])
