"""The real window with the real engine and the tiny plugin, driven as a person drives it."""

from __future__ import annotations

import asyncio
import time

import psutil
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from workbench.app.application import build_window
from workbench.cli.driving import drive
from workbench.engine import SessionState

SECONDS = 30


class Person:
    """Clicks, types, looks, and waits until something is to be seen."""

    def __init__(self):
        self.windows = []

    def open_window(self, **options):
        window = build_window(**options)
        window.resize(1280, 800)
        window.show()
        self.windows.append(window)
        return window

    async def until(self, condition, seconds=SECONDS):
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "it did not happen in time"
            await asyncio.sleep(0.02)

    async def focus(self, widget):
        """Give a widget the keyboard, as a click on it would; shortcuts need an active window."""
        widget.window().activateWindow()
        await self.until(widget.window().isActiveWindow, 10)
        widget.setFocus()

    async def open_paper(self, window, id="tiny"):
        window.show_gallery()
        self.click(window.gallery.card(id))
        await self.until(lambda: window.panel is not None and window.panel.session is not None)
        session = window.panel.session
        await self.until(lambda: session.state is not SessionState.LOADING)
        return window.panel

    async def state(self, session, *states):
        await self.until(lambda: session.state in states)

    @staticmethod
    def click(widget):
        QTest.mouseClick(widget, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint())

    @staticmethod
    def press(widget, key, modifiers=Qt.KeyboardModifier.NoModifier):
        QTest.keyClick(widget, key, modifiers)

    @staticmethod
    def type(widget, text):
        widget.setFocus()
        if hasattr(widget, "selectAll"):
            widget.selectAll()
        QTest.keyClicks(widget, text)
        QTest.keyClick(widget, Qt.Key.Key_Return)


@pytest.fixture
def person(qapp, user_plugins):
    person = Person()
    yield person
    for window in person.windows:
        window.close()
        window.deleteLater()
    qapp.processEvents()


@pytest.fixture
def run(person):
    """Run a coroutine function in the application's loop; no worker may outlive it."""
    before = {child.pid for child in psutil.Process().children(recursive=True)}

    def run(coroutine):
        async def guarded():
            try:
                await coroutine()
            finally:
                for window in person.windows:
                    window.close()

        drive(guarded)
        left = [
            child
            for child in psutil.Process().children(recursive=True)
            if child.pid not in before and "multiprocessing.spawn" in " ".join(child.cmdline())
        ]
        assert left == [], "a worker outlived its window"

    return run
