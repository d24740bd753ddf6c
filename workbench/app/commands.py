"""The one list of commands: menus, shortcuts, the palette and the help dialog are all made from it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenuBar, QWidget

from workbench.app.icons import icon


@dataclass(frozen=True)
class Command:
    """What a person can do. `category` is its menu, `starts_group` draws a line above it there."""

    id: str
    title: str
    category: str
    shortcut: str = ""
    icon: str = ""
    help: str = ""
    starts_group: bool = False
    is_checkable: bool = False


COMMANDS: tuple[Command, ...] = (
    Command("app.gallery", "Gallery", "File", "Ctrl+G", "mdi6.view-grid-outline", "Show all papers"),
    Command("app.runs", "All runs", "File", "Ctrl+Shift+R", "mdi6.format-list-bulleted", "Every recorded run"),
    Command("app.open", "Open a run or plugin…", "File", "Ctrl+O", "mdi6.folder-open-outline",
            "A run that somebody saved as one file (.workbench-run), or a plugin (zip)"),
    Command("panel.reopen", "Reopen closed panel", "File", "Ctrl+Shift+T", "mdi6.history"),
    Command("panel.duplicate", "Open this paper again beside", "File", "", "mdi6.content-duplicate"),
    Command("panel.close", "Close panel", "File", "Ctrl+W", "mdi6.close"),
    Command("export.run", "Export run folder…", "File", "Ctrl+E", "mdi6.folder-download-outline",
            "Parameters, metrics, weights, figures and data of this run in one folder", True),
    Command("export.archive", "Export run as one file…", "File", "", "mdi6.archive-arrow-down-outline",
            "A .workbench-run file: opened elsewhere, it shows this run in its panel"),
    Command("export.weights", "Export weights…", "File", "", "mdi6.database-export-outline", "safetensors"),
    Command("export.metrics", "Export metrics…", "File", "", "mdi6.table-arrow-down", "CSV, one row a step"),
    Command("export.figures", "Export all figures…", "File", "", "mdi6.image-multiple-outline",
            "Every view as PNG, SVG and PDF, and its data"),
    Command("app.settings", "Settings…", "File", "Ctrl+,", "mdi6.cog-outline", "", True),
    Command("app.quit", "Quit", "File", "Ctrl+Q", "mdi6.exit-to-app"),
    Command("edit.undo", "Undo", "Edit", "Ctrl+Z", "mdi6.undo"),
    Command("edit.redo", "Redo", "Edit", "Ctrl+Shift+Z", "mdi6.redo"),
    Command("form.find", "Find a parameter", "Edit", "Ctrl+F", "mdi6.magnify", "", True),
    Command("form.defaults", "Reset all parameters to their defaults", "Edit", "", "mdi6.backup-restore"),
    Command("app.palette", "Search commands…", "View", "Ctrl+Shift+P", "mdi6.magnify"),
    Command("view.live", "Live tab", "View", "Alt+1", "mdi6.play-box-outline", "", True),
    Command("view.paper", "Paper tab", "View", "Alt+2", "mdi6.text-box-outline"),
    Command("view.reproduce", "Reproduce tab", "View", "Alt+3", "mdi6.check-decagram-outline"),
    Command("view.runs", "Runs tab", "View", "Alt+4", "mdi6.format-list-bulleted"),
    Command("view.fold", "Fold the left column", "View", "Ctrl+B", "mdi6.page-layout-sidebar-left"),
    Command("view.shrink", "Show all views again", "View", "Ctrl+0", "mdi6.view-dashboard-outline"),
    Command("view.split_right", "Split right", "View", "Ctrl+\\", "mdi6.dock-right", "", True),
    Command("view.split_down", "Split down", "View", "Ctrl+Shift+\\", "mdi6.dock-bottom"),
    Command("view.move", "Move panel to the next pane", "View", "Ctrl+Alt+Right", "mdi6.arrow-right-bold-box-outline"),
    Command("view.unsplit", "Join all panes", "View", "", "mdi6.dock-window"),
    Command("view.next_tab", "Next tab", "View", "Ctrl+Tab", "mdi6.tab", "", True),
    Command("view.previous_tab", "Previous tab", "View", "Ctrl+Shift+Tab", "mdi6.tab"),
    Command("theme.light", "Light theme", "View", "", "mdi6.weather-sunny", "", True),
    Command("theme.dark", "Dark theme", "View", "", "mdi6.weather-night"),
    Command("theme.system", "Theme of the desktop", "View", "", "mdi6.theme-light-dark"),
    Command("app.fullscreen", "Full screen", "View", "F11", "mdi6.fullscreen", "", True),
    Command("session.train", "Train or pause", "Session", "Space", "mdi6.play"),
    Command("session.step", "One step", "Session", "S", "mdi6.skip-next"),
    Command("session.stop", "Stop", "Session", "Esc", "mdi6.stop"),
    Command("session.reset", "Reset", "Session", "Ctrl+R", "mdi6.restore", "Build the untrained model anew"),
    Command("session.checkpoint", "Restart from the last checkpoint", "Session", "", "mdi6.content-save-move-outline",
            "", True),
    Command("session.sweep", "Sweep…", "Session", "Ctrl+Shift+W", "mdi6.grid",
            "Run this experiment over many parameters and seeds", True),
    Command("session.cluster", "Cluster…", "Session", "", "mdi6.server-network", "Train and sweep on a Dask cluster"),
    Command("session.pause_all", "Pause all sessions", "Session", "", "mdi6.pause-circle-outline"),
    Command("plugins.install", "Install a plugin…", "Plugins", "", "mdi6.puzzle-plus-outline",
            "A folder or zip with a plugin.toml"),
    Command("plugins.folder", "Open the plugin folder", "Plugins", "", "mdi6.folder-open-outline"),
    Command("plugins.arxiv", "Open this paper on arXiv", "Plugins", "", "mdi6.open-in-new", "", True),
    Command("help.start", "Start here", "Help", "", "mdi6.compass-outline"),
    Command("help.shortcuts", "Keyboard shortcuts", "Help", "F1", "mdi6.keyboard-outline"),
    Command("help.notifications", "Messages", "Help", "", "mdi6.bell-outline"),
    Command("help.logs", "Open the log folder", "Help", "", "mdi6.file-document-outline", "", True),
    Command("help.about", "About", "Help", "", "mdi6.information-outline"),
)  # fmt: skip
"""In the order of the menus."""


@dataclass(frozen=True)
class Choice:
    """One line of the palette: a command, or something else that can be chosen there, such as a paper to open.

    `reason` says why it cannot be chosen now; empty where it can.
    """

    title: str
    category: str
    choose: Callable[[], Any]
    shortcut: str = ""
    icon: str = ""
    help: str = ""
    reason: str = ""


class Commands(QObject):
    """Binds the list of commands to what they do. A command says why it cannot be used instead of hiding."""

    refreshed = Signal()

    def __init__(self, window: QWidget, commands: tuple[Command, ...] = COMMANDS) -> None:
        super().__init__(window)
        self._commands = {command.id: command for command in commands}
        self._handlers: dict[str, Callable[[], Any]] = {}
        self._reasons: dict[str, Callable[[], str]] = {}
        self._actions: dict[str, QAction] = {}
        self._sources: list[Callable[[], list[Choice]]] = []
        for command in commands:
            self._actions[command.id] = self._make_action(command, window)

    def _make_action(self, command: Command, window: QWidget) -> QAction:
        action = QAction(icon(command.icon) if command.icon else icon("mdi6.circle-small"), command.title, self)
        action.setObjectName(command.id)
        if command.shortcut:
            action.setShortcut(QKeySequence(command.shortcut))
        action.setCheckable(command.is_checkable)
        action.setToolTip(self._tooltip(command))
        action.setMenuRole(QAction.MenuRole.NoRole)
        action.triggered.connect(self._triggered)
        window.addAction(action)
        return action

    @property
    def commands(self) -> tuple[Command, ...]:
        """All commands in the order of the menus."""
        return tuple(self._commands.values())

    def bind(self, id: str, handler: Callable[[], Any], reason: Callable[[], str] | None = None) -> None:
        """Say what the command `id` does, and why it cannot be used now (an empty text: it can).

        A `handler` may be a coroutine function wrapped by `asyncSlot`. Raises KeyError for an unknown id.
        """
        command = self._commands[id]
        if inspect.iscoroutinefunction(handler):
            raise TypeError(f"the handler of {command.id} is a bare coroutine function; wrap it with asyncSlot")
        self._handlers[id] = handler
        if reason is not None:
            self._reasons[id] = reason

    def add_source(self, source: Callable[[], list[Choice]]) -> None:
        """Add a function that gives more lines for the palette each time it opens."""
        self._sources.append(source)

    def action(self, id: str) -> QAction:
        """Return the action of a command, for a button or another menu."""
        return self._actions[id]

    def reason(self, id: str) -> str:
        """Why the command cannot be used now; empty where it can."""
        if id not in self._handlers:
            return "Not available here."
        return self._reasons[id]() if id in self._reasons else ""

    def run(self, id: str) -> bool:
        """Do it, if it can be done now; return whether it was done."""
        if self.reason(id):
            return False
        self._handlers[id]()
        return True

    def refresh(self) -> None:
        """Enable what can be used now; call it when the current panel or its session changed."""
        for id, command in self._commands.items():
            reason = self.reason(id)
            action = self._actions[id]
            action.setEnabled(not reason)
            action.setToolTip(reason or self._tooltip(command))
            action.setStatusTip(reason or command.help)
        self.refreshed.emit()

    def set_title(self, id: str, title: str, icon_name: str = "") -> None:
        """Say what the command would do now, as in "Undo learning rate"."""
        self._actions[id].setText(title)
        if icon_name:
            self._actions[id].setIcon(icon(icon_name))

    def choices(self) -> list[Choice]:
        """Return the lines of the palette: all commands, then what the sources give."""
        lines = [
            Choice(
                self._actions[command.id].text(), command.category, partial(self.run, command.id),
                self._actions[command.id].shortcut().toString(QKeySequence.SequenceFormat.NativeText),
                command.icon, command.help, self.reason(command.id),
            )
            for command in self._commands.values()
        ]  # fmt: skip
        for source in self._sources:
            lines.extend(source())
        return lines

    def fill_menus(self, bar: QMenuBar) -> None:
        """Add one menu a category, with its commands in order."""
        menus: dict[str, Any] = {}
        for command in self._commands.values():
            if command.category not in menus:
                menus[command.category] = bar.addMenu(f"&{command.category}")
                menus[command.category].setToolTipsVisible(True)
            elif command.starts_group:
                menus[command.category].addSeparator()
            menus[command.category].addAction(self._actions[command.id])

    def _tooltip(self, command: Command) -> str:
        shortcut = QKeySequence(command.shortcut).toString(QKeySequence.SequenceFormat.NativeText)
        return f"{command.help or command.title}{f' ({shortcut})' if shortcut else ''}"

    @Slot()
    def _triggered(self) -> None:
        sender = self.sender()
        if sender is not None:
            self.run(sender.objectName())
