"""The line at the bottom: device, memory, sessions, what is saved, what went wrong. Each part opens its details."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

from PySide6.QtCore import QPoint, Qt, QTimer, QUrl, Signal, Slot
from PySide6.QtGui import QAction, QDesktopServices
from PySide6.QtWidgets import QMenu, QStatusBar, QToolButton

from workbench.app.icons import icon
from workbench.app.notifications import Notifications
from workbench.app.widgets import bytes_text, duration_text
from workbench.engine import Engine, Session, SessionState

REFRESH_MS = 1000


class StatusBar(QStatusBar):
    """Refreshes once a second. `session_chosen` carries the Session whose panel is wanted."""

    session_chosen = Signal(object)
    messages_requested = Signal()
    settings_requested = Signal()

    def __init__(self, engine: Engine, notifications: Notifications) -> None:
        super().__init__()
        self._engine, self._notifications = engine, notifications
        self._saved_at: float | None = None
        self.setSizeGripEnabled(False)
        self.device = self._part("mdi6.chip", "Device", self._device_menu)
        self.memory = self._part("mdi6.memory", "Memory of the workers", self._memory_menu)
        self.sessions = self._part("mdi6.play-outline", "Sessions", self._sessions_menu)
        self.saved = self._part("mdi6.content-save-outline", "Saved", self._saved_menu)
        self.warnings = self._part("mdi6.bell-outline", "Messages", self.messages_requested)
        for part in (self.device, self.memory):
            self.addWidget(part)
        for part in (self.sessions, self.saved, self.warnings):
            self.addPermanentWidget(part)
        self._timer = QTimer(self)
        self._timer.setInterval(REFRESH_MS)
        self._timer.timeout.connect(self.refresh)
        self._timer.start()
        engine.sessions_changed.connect(self.refresh)
        engine.devices_changed.connect(self.refresh)
        notifications.changed.connect(self.refresh)
        self.refresh()

    def _part(self, icon_name: str, name: str, target: object) -> QToolButton:
        part = QToolButton()
        part.setIcon(icon(icon_name, "muted"))
        part.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        part.setAutoRaise(True)
        part.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        part.setAccessibleName(name)
        part.setProperty("part", name)
        part.clicked.connect(target)
        return part

    def mark_saved(self) -> None:
        """Say that the state of the application was just written."""
        self._saved_at = time.monotonic()
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Show everything as it is now."""
        sessions = self._engine.sessions
        self.device.setText(self._device_text())
        memory = sum(session.status.memory for session in sessions if session.status)
        self.memory.setText(f"worker {bytes_text(memory)}" if memory else "no worker at work")
        self.sessions.setText(sessions_text(sessions))
        is_running = any(session.state is SessionState.RUNNING for session in sessions)
        self.sessions.setIcon(
            icon("mdi6.play" if is_running else "mdi6.play-outline", "accent" if is_running else "muted")
        )
        self.saved.setText(self._saved_text())
        warnings = self._notifications.warnings
        self.warnings.setText(str(warnings))
        self.warnings.setIcon(
            icon("mdi6.alert-outline" if warnings else "mdi6.bell-outline", "warning" if warnings else "muted")
        )
        self.warnings.setToolTip(f"{warnings} warnings; click for all messages" if warnings else "No warnings")

    def _device_text(self) -> str:
        cores, threads = os.cpu_count() or 1, self._engine.threads
        accelerators = [device for device in self._engine.devices if device.id != "cpu"]
        processor = f"cpu · {threads} of {cores} cores" if threads else f"cpu · {cores} cores"
        if not self._engine.devices:
            return f"{processor} · workers warm up"
        names = ", ".join(device.title for device in accelerators) or "none"
        return f"{processor} · GPU: {names}"

    def _saved_text(self) -> str:
        if self._saved_at is None:
            return "not changed"
        return f"saved {duration_text(time.monotonic() - self._saved_at)} ago"

    # Details

    def _open(self, menu: QMenu, part: QToolButton) -> None:
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(part.mapToGlobal(QPoint(0, -menu.sizeHint().height())))

    def _menu_of(self, lines: Sequence[str]) -> QMenu:
        menu = QMenu(self)
        for line in lines:
            menu.addAction(line).setEnabled(False)
        return menu

    @Slot()
    def _device_menu(self) -> None:
        lines = [
            f"{device.id}: {device.title}{f', {bytes_text(device.memory_total)}' if device.memory_total else ''}"
            for device in self._engine.devices
        ]
        menu = self._menu_of(lines or ["The first worker is still starting."])
        menu.addSeparator()
        menu.addAction("Settings…").triggered.connect(self.settings_requested)
        self._open(menu, self.device)

    @Slot()
    def _memory_menu(self) -> None:
        lines = [
            f"{_name(session)}: {bytes_text(session.status.memory)}"
            + (f", {bytes_text(session.status.device_memory)} on the device" if session.status.device_memory else "")
            for session in self._engine.sessions
            if session.status
        ]
        self._open(self._menu_of(lines or ["No session has started to train."]), self.memory)

    @Slot()
    def _sessions_menu(self) -> None:
        menu = QMenu(self)
        for index, session in enumerate(self._engine.sessions):
            action = menu.addAction(f"{_name(session)}: {session.state.value}")
            action.setData(index)
            action.triggered.connect(self._session_chosen)
        if not self._engine.sessions:
            menu.addAction("No paper is open.").setEnabled(False)
        self._open(menu, self.sessions)

    @Slot()
    def _session_chosen(self) -> None:
        action = self.sender()
        if isinstance(action, QAction) and int(action.data()) < len(self._engine.sessions):
            self.session_chosen.emit(self._engine.sessions[int(action.data())])

    @Slot()
    def _saved_menu(self) -> None:
        lines = [
            f"{_name(session)}: checkpoint of step {session.status.checkpoint_step}"
            + (f", {duration_text(session.status.checkpoint_age)} ago" if session.status.checkpoint_age else "")
            for session in self._engine.sessions
            if session.status and session.status.checkpoint_step is not None
        ]
        menu = self._menu_of(["Parameters, layout and open papers are saved as they change.", *lines])
        for session in self._engine.sessions:
            if session.run_folder is not None:
                action = menu.addAction(f"Open the run folder of {_name(session)}")
                action.setData(str(session.run_folder))
                action.triggered.connect(self._open_folder)
        self._open(menu, self.saved)

    @Slot()
    def _open_folder(self) -> None:
        action = self.sender()
        if isinstance(action, QAction):
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(action.data())))


def sessions_text(sessions: Sequence[Session]) -> str:
    """Say how many sessions run, wait and rest."""
    count = {state: sum(session.state is state for session in sessions) for state in SessionState}
    parts = [
        (count[SessionState.RUNNING], "running"),
        (count[SessionState.QUEUED], "queued"),
        (count[SessionState.PAUSED], "paused"),
        (count[SessionState.FAILED], "failed"),
    ]
    return ", ".join(f"{number} {word}" for number, word in parts if number) or "nothing runs"


def _name(session: Session) -> str:
    return f"{session.entry.card.short} · {session.entry.card.experiment(session.experiment_id).title}"
