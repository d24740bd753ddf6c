"""The window closes properly when the system asks the process to end."""

import os
import signal

import pytest

from workbench.app.ending import Ending

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_wakes_an_idle_loop_and_ends_it_once(qtbot, number):
    ended = []
    before = signal.getsignal(number)
    ending = Ending(lambda: ended.append(number))
    try:
        os.kill(os.getpid(), number)
        qtbot.waitUntil(lambda: bool(ended))
        assert ended == [number]
    finally:
        ending.close()
    assert signal.getsignal(number) is before
