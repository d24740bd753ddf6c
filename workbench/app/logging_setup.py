"""Where messages go: a rotating file for all, the notification area for warnings, also from other threads."""

from __future__ import annotations

import logging
import logging.handlers
import sys
import threading
import traceback
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QMessageLogContext, QObject, QtMsgType, Signal, qInstallMessageHandler

from workbench.app.notifications import Level, Notification

FILE = "app.log"
FILE_BYTES = 1_000_000
FILES_KEPT = 3
FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"

_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.INFO,
    QtMsgType.QtCriticalMsg: logging.WARNING,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}
"""Qt warns about much that no person can mend, so its warnings go to the file only."""

qt_log = logging.getLogger("qt")


class Bridge(QObject):
    """Carries notifications from any thread into that of the UI: connect `noted` to a slot of a QObject there."""

    noted = Signal(object)


class _NotifyingHandler(logging.Handler):
    def __init__(self, bridge: Bridge) -> None:
        super().__init__(logging.WARNING)
        self._bridge = bridge

    def emit(self, record: logging.LogRecord) -> None:
        first, _, rest = record.getMessage().partition("\n")
        details = rest
        if record.exc_info:
            details = f"{rest}\n{''.join(traceback.format_exception(*record.exc_info))}".strip()
        level: Level = "error" if record.levelno >= logging.ERROR else "warning"
        try:
            self._bridge.noted.emit(Notification(level, first, details))
        except RuntimeError:
            # At the very end the bridge is gone before the last message; the file has it.
            self.acquire()
            self.release()


class Logging:
    """Installs handlers and hooks; `close` takes them away again and restores what was there."""

    def __init__(self, folder: Path, *, is_debug: bool = False) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.file = folder / FILE
        self.bridge = Bridge()
        self._root = logging.getLogger()
        self._level_before = self._root.level
        file_handler = logging.handlers.RotatingFileHandler(
            self.file, maxBytes=FILE_BYTES, backupCount=FILES_KEPT, encoding="utf-8", delay=True
        )
        file_handler.setFormatter(logging.Formatter(FORMAT))
        self._handlers: list[logging.Handler] = [file_handler, _NotifyingHandler(self.bridge)]
        if is_debug:
            console = logging.StreamHandler(sys.stderr)
            console.setFormatter(logging.Formatter(FORMAT))
            self._handlers.append(console)
        for handler in self._handlers:
            self._root.addHandler(handler)
        self._root.setLevel(logging.DEBUG if is_debug else logging.INFO)
        for chatty in ("asyncio", "qasync", "OpenGL", "vispy", "markdown_it"):
            logging.getLogger(chatty).setLevel(logging.WARNING)
        self._hook_before, self._thread_hook_before = sys.excepthook, threading.excepthook
        sys.excepthook = self._excepthook
        threading.excepthook = self._thread_excepthook
        qInstallMessageHandler(_qt_message)

    def _excepthook(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        """Log what nobody caught. It may run in any thread, so it opens nothing: the log queues to the UI."""
        if issubclass(kind, KeyboardInterrupt):
            self._hook_before(kind, error, trace)
            return
        logging.getLogger("workbench").error(
            "An unexpected error: %s: %s", kind.__name__, error, exc_info=(kind, error, trace)
        )

    def _thread_excepthook(self, arguments: threading.ExceptHookArgs) -> None:
        if arguments.exc_value is not None:
            self._excepthook(arguments.exc_type, arguments.exc_value, arguments.exc_traceback)

    def close(self) -> None:
        """Take handlers and hooks away."""
        qInstallMessageHandler(None)
        sys.excepthook, threading.excepthook = self._hook_before, self._thread_hook_before
        for handler in self._handlers:
            self._root.removeHandler(handler)
            handler.close()
        self._root.setLevel(self._level_before)


def _qt_message(kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
    qt_log.log(_LEVELS.get(kind, logging.INFO), "%s", message)
