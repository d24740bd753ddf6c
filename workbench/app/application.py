"""Starting and ending the application. Everything heavy waits until the window is visible."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QFileOpenEvent, QIcon
from PySide6.QtWidgets import QApplication, QWidget
from typing_extensions import override

from workbench.app.ending import Ending
from workbench.app.garbage import Collector
from workbench.app.logging_setup import Logging
from workbench.app.main_window import MainWindow
from workbench.app.notifications import Notifications
from workbench.app.single_instance import SingleInstance
from workbench.catalog import Catalog
from workbench.engine import Engine
from workbench.runs import AppState, Settings, folders
from workbench.views.theme import theme

if TYPE_CHECKING:
    import qasync

APPLICATION_NAME = "Paper workbench"
DESKTOP_FILE = "paper-workbench"
"""The name of the .desktop file, by which Wayland finds the icon of a window."""
START_REPORT_VARIABLE = "WORKBENCH_START_REPORT"
"""Where this is set, the application prints when its window was visible, as a line of JSON, and ends."""


def prepare_environment() -> None:
    """Set what Qt and OpenGL read once, before there is an application.

    On Wayland, PyOpenGL would choose EGL while Qt renders through XWayland, and the canvas stays black; both are told
    to use X11 unless the person decided otherwise.
    """
    if sys.platform == "linux" and os.environ.get("WAYLAND_DISPLAY") and os.environ.get("DISPLAY"):
        os.environ.setdefault("QT_QPA_PLATFORM", "xcb")
        os.environ.setdefault("PYOPENGL_PLATFORM", "glx")
    QCoreApplication.setAttribute(Qt.ApplicationAttribute.AA_ShareOpenGLContexts)


class Application(QApplication):
    """Says which file macOS wants opened; other systems name it on the command line."""

    file_opened = Signal(object)  # Path

    @override
    def event(self, event: QEvent) -> bool:
        if isinstance(event, QFileOpenEvent):
            self.file_opened.emit(Path(event.file()))
            return True
        return super().event(event)


def make_application() -> QApplication:
    """Return the QApplication of this process, made if there is none."""
    existing = QApplication.instance()
    if isinstance(existing, QApplication):
        return existing
    prepare_environment()
    application = Application(["workbench"])
    application.setApplicationName(APPLICATION_NAME)
    application.setApplicationDisplayName(APPLICATION_NAME)
    application.setDesktopFileName(DESKTOP_FILE)
    application.setWindowIcon(QIcon(str(Path(__file__).with_name("icon.png"))))
    return application


def build_window(
    *, restore: bool = True, is_saving: bool = True, notifications: Notifications | None = None
) -> MainWindow:
    """Make the main window from what is on disk; it is not shown yet and no worker is started. Needs a QApplication.

    With `restore` the panels of the last time are opened at once. Without `is_saving` nothing of what is done in this
    window changes what the next start restores.
    """
    where = folders().make()
    settings = Settings.load()
    theme().set_mode(settings.theme)
    catalog = Catalog.discover(where.plugins)
    window = MainWindow(catalog, Engine(settings), settings, AppState.load(), notifications, is_saving=is_saving)
    if restore:
        window.restore()
    return window


def make_loop(application: QApplication) -> qasync.QEventLoop:
    """Return the asyncio loop that runs on Qt's, so that slots can await."""
    import asyncio

    import qasync

    loop = qasync.QEventLoop(application)
    asyncio.set_event_loop(loop)
    return loop


def run_app(files: Sequence[Path] = (), *, is_debug: bool = False) -> int:
    """Open the application with these files and stay until it is closed; return its exit code.

    Where the application runs already, that window opens the files, and this one ends.
    """
    import asyncio

    application = make_application()
    is_report = bool(os.environ.get(START_REPORT_VARIABLE))
    instance = SingleInstance()
    if not is_report and not instance.start(files):
        return 0
    logging_parts = Logging(folders().make().logs, is_debug=is_debug)
    notifications = Notifications()
    logging_parts.bridge.noted.connect(notifications.add)
    window = build_window(restore=False, notifications=notifications)
    collector = Collector()
    instance.received.connect(window.take_over)
    if isinstance(application, Application):
        application.file_opened.connect(window.opener.open_path)
    painted = _FirstPaint(window.gallery)
    window.show()
    loop = make_loop(application)
    ended = asyncio.Event()
    window.closing.connect(ended.set)
    ending = Ending(window.close)

    def visible() -> None:
        if is_report:
            print(json.dumps({"visible": time.time(), "torch": "torch" in sys.modules}), flush=True)
            window.close()
            return
        if is_debug:
            print(f"window visible {process_age():.2f} s after the process started", file=sys.stderr)
        window.restore()
        window.engine.start()
        window.opener.open_paths(files)

    painted.happened.connect(visible)
    try:
        with loop:
            loop.run_until_complete(_until(ended))
    finally:
        ending.close()
        instance.close()
        collector.close()
        logging_parts.close()
    return 0


class _FirstPaint(QObject):
    """Says once that a widget has been painted: until then, whatever can wait would delay the window."""

    happened = Signal()

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self._widget = widget
        widget.installEventFilter(self)

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint:
            self._widget.removeEventFilter(self)
            QTimer.singleShot(0, self._happen)
        return False

    @Slot()
    def _happen(self) -> None:
        self.happened.emit()


async def _until(ended: object) -> None:
    import asyncio

    assert isinstance(ended, asyncio.Event)
    await ended.wait()
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def process_age() -> float:
    """Seconds since this process was started."""
    import psutil

    return time.time() - psutil.Process().create_time()
