"""The main window: gallery, panels, menus, palette, status; restores what was open and saves what changes."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QByteArray, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QCloseEvent, QShowEvent
from PySide6.QtWidgets import QApplication, QMainWindow, QToolButton, QVBoxLayout, QWidget
from typing_extensions import override

from workbench.app.bindings import bind_commands
from workbench.app.commands import Choice, Commands
from workbench.app.gallery import Gallery, WaitingRun
from workbench.app.icons import icon
from workbench.app.notifications import NotificationDialog, Notifications, Toast
from workbench.app.opening import Opener
from workbench.app.palette import Palette
from workbench.app.panel_shell import PanelShell
from workbench.app.run_finder import RunFinder
from workbench.app.state_keeper import StateKeeper
from workbench.app.status_bar import StatusBar
from workbench.app.widgets import count_text
from workbench.app.workspace import Workspace
from workbench.catalog import BrokenPlugin, Catalog, Entry
from workbench.engine import Engine, Session
from workbench.runs import AppState, OpenPanel, RunFolder, RunRecord, RunStore, Settings, folders
from workbench.sdk import UserError
from workbench.views.theme import theme

if TYPE_CHECKING:
    from workbench.app.runs_browser import RunRequest, RunsWindow
    from workbench.sweeps import SweepSpec
    from workbench.sweeps.store import Cluster

log = logging.getLogger(__name__)

TITLE = "Paper workbench"
GALLERY = "gallery"
REFRESH_MS = 100
"""Menus, tabs and tooltips follow what happens at most ten times a second."""
START_PAPER = "rotation_continuity"


class MainWindow(QMainWindow):
    """Owns the panels. `settings_changed` carries new Settings; `closing` comes once, before everything ends."""

    settings_changed = Signal(object)
    closing = Signal()

    def __init__(
        self,
        catalog: Catalog,
        engine: Engine,
        settings: Settings,
        state: AppState,
        notifications: Notifications | None = None,
        *,
        is_saving: bool = True,
    ) -> None:
        super().__init__()
        self.setWindowTitle(TITLE)
        self.catalog, self.engine, self.settings = catalog, engine, settings
        self.notifications = notifications or Notifications(self)
        self._state = state
        self._unrestored: list[OpenPanel] = []
        self._closed: list[OpenPanel] = []
        self._dialogs: list[QWidget] = []
        self._tour: QWidget | None = None
        self._runs: RunsWindow | None = None
        self._waiting: list[WaitingRun] = []
        self._is_closing = False
        self.workspace = Workspace()
        self.gallery = Gallery(catalog.entries)
        self.commands = Commands(self)
        self.palette_box = Palette(self.commands, self)
        self.opener = Opener(self)
        self._toast = Toast(self.notifications, self)
        self.status = StatusBar(engine, self.notifications)
        self.setStatusBar(self.status)
        self._center = QVBoxLayout()
        self._lay_out()
        self.commands.fill_menus(self.menuBar())
        self._add_search_button()
        bind_commands(self)
        self.commands.add_source(self._paper_choices)
        self._refresh_timer = QTimer(self)
        self._refresh_timer.setSingleShot(True)
        self._refresh_timer.setInterval(REFRESH_MS)
        self._refresh_timer.timeout.connect(self.refresh)
        self.keeper = StateKeeper(self.state, self, is_writing=is_saving)
        self.keeper.saved.connect(self._saved)
        self.finder = RunFinder(RunStore(folders().runs), self)
        self.finder.found.connect(self._show_waiting)
        self._connect()
        self._restore_geometry()
        self.refresh()

    def _lay_out(self) -> None:
        center = QWidget()
        self._center = QVBoxLayout(center)
        self._center.setContentsMargins(0, 0, 0, 0)
        self._center.setSpacing(0)
        self._center.addWidget(self.workspace, 1)
        self.setCentralWidget(center)
        self.workspace.add(GALLERY, self.gallery, title="Gallery", is_permanent=True)
        self.workspace.set_look(GALLERY, "mdi6.view-grid-outline", "foreground", "Gallery", "All papers (Ctrl+G)")

    def _add_search_button(self) -> None:
        search = QToolButton(self.menuBar())
        search.setDefaultAction(self.commands.action("app.palette"))
        search.setIcon(icon("mdi6.magnify", "muted"))
        search.setText("Search commands …   Ctrl+Shift+P")
        search.setAutoRaise(True)
        search.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        # Higher than a menu's title, it would push the titles off the bar's middle.
        search.setMaximumHeight(self.menuBar().sizeHint().height())
        self.menuBar().setCornerWidget(search)

    def _connect(self) -> None:
        self.gallery.opened.connect(self.open_entry)
        self.gallery.continued.connect(self.continue_run)
        self.gallery.start_requested.connect(self.start_tour)
        self.workspace.current_changed.connect(self._current_changed)
        self.workspace.layout_changed.connect(self.keeper.touch)
        self.workspace.close_requested.connect(self.close_panel)
        self.workspace.new_requested.connect(self.show_gallery)
        # At once and not with the rest: a key pressed right after a change of state must find its command enabled.
        self.engine.sessions_changed.connect(self.refresh)
        self.status.session_chosen.connect(self.show_session)
        self.status.messages_requested.connect(self.show_messages)
        self.status.settings_requested.connect(self.show_settings)
        self._toast.clicked.connect(self.show_messages)
        application = QApplication.instance()
        if isinstance(application, QApplication):
            application.focusChanged.connect(self._focus_changed)

    # Panels

    @property
    def panels(self) -> dict[str, PanelShell]:
        """The open panels by their keys, in the order of their tabs."""
        pages = {key: self.workspace.page(key) for key in self.workspace.keys}
        return {key: page for key, page in pages.items() if isinstance(page, PanelShell)}

    @property
    def panel(self) -> PanelShell | None:
        """The panel that commands are meant for; None while the gallery is shown."""
        page = self.workspace.current
        return page if isinstance(page, PanelShell) else None

    @Slot(object)
    def open_entry(self, entry: Entry) -> None:
        """Open a paper, or show it where it is open; a broken or planned one says why it cannot be opened."""
        if entry.status == "planned":
            self.notifications.say("note", f"{entry.card.short} is planned and not built yet.")
            return
        if entry.status == "broken":
            self.show_details(f"{entry.card.short} is broken", entry.error, entry.traceback)
            return
        for key, panel in self.panels.items():
            if panel.entry is entry:
                self.workspace.show_page(key)
                return
        self.add_panel(entry)

    def open_panel(self, id: str) -> PanelShell | None:
        """Open the paper called `id`, or show it where it is open; None where it cannot be opened."""
        entry = self.catalog.entry(id)
        self.open_entry(entry)
        return self.panel if self.panel is not None and self.panel.entry is entry else None

    def add_panel(self, entry: Entry, saved: OpenPanel | None = None) -> PanelShell | None:
        """Open a new panel of a paper; a plugin that fails says so and leaves everything else as it was."""
        try:
            panel = PanelShell(self.engine, entry, saved)
        except BrokenPlugin as broken:
            self.gallery.card(entry.card.id).refresh()
            self.show_details(f"{entry.card.short} is broken", str(broken), broken.details)
            return None
        except Exception as error:
            log.exception("The panel of %s could not be opened: %s", entry.card.short, error)
            return None
        panel.changed.connect(self._schedule_refresh)
        panel.edited.connect(self.keeper.touch)
        panel.noted.connect(self._note)
        self.workspace.add(self._new_key(entry, saved), panel, title=entry.card.short)
        panel.setFocus()
        self._schedule_refresh()
        return panel

    def _new_key(self, entry: Entry, saved: OpenPanel | None) -> str:
        wanted = str(saved.extra.get("key", "")) if saved else ""
        if wanted and not self.workspace.has(wanted):
            return wanted
        key, number = entry.card.id, 1
        while self.workspace.has(key):
            number += 1
            key = f"{entry.card.id}#{number}"
        return key

    @Slot(str)
    def close_panel(self, key: str) -> None:
        """Save and close a panel; "Reopen closed panel" brings it back."""
        panel = self.workspace.page(key)
        if not isinstance(panel, PanelShell):
            return
        self._closed.append(self._saved_panel(key, panel))
        self.workspace.remove(key)
        panel.close_sessions()
        panel.hide()
        panel.deleteLater()
        self.keeper.touch()
        self._schedule_refresh()

    def reopen_panel(self) -> None:
        """Open the panel that was closed last, as it was."""
        if self._closed:
            saved = self._closed.pop()
            self.add_panel(self.catalog.entry(saved.plugin), saved)

    def duplicate_panel(self) -> None:
        """Open the current paper once more, at the right of itself, with the same parameters."""
        panel = self.panel
        if panel is None:
            return
        saved = panel.saved()
        saved.runs = {}
        saved.extra.pop("key", None)
        if self.add_panel(panel.entry, saved) is not None:
            self.workspace.split("right")

    @property
    def can_reopen(self) -> bool:
        """Whether a panel was closed in this session of the application."""
        return bool(self._closed)

    @Slot(object)
    def continue_run(self, run: WaitingRun) -> None:
        """Open the panel of a run that was left before its end, at its last checkpoint."""
        for key, panel in self.panels.items():
            if any(session.run_folder == run.folder for session in panel.sessions):
                self.workspace.show_page(key)
                return
        saved = OpenPanel(plugin=run.plugin, experiment=run.experiment, runs={run.experiment: str(run.folder)})
        self.add_panel(self.catalog.entry(run.plugin), saved)

    @Slot()
    def show_sweep_dialog(self) -> None:
        """Ask what of the experiment in front is to be varied."""
        from workbench.app.sweep_dialog import SweepDialog

        panel = self.panel
        session = panel.session if panel else None
        if panel is None or session is None:
            return
        card = panel.entry.card.experiment(panel.experiment)
        dialog = SweepDialog(
            panel.entry.card.id, card.id, card.title, session.parameters, session.device, self.settings, self
        )
        dialog.started.connect(self.start_sweep)
        self.open_dialog(dialog)

    @Slot()
    def show_cluster_dialog(self) -> None:
        """Connect to a Dask cluster, or see what it offers."""
        from workbench.app.cluster_dialog import ClusterDialog

        dialog = ClusterDialog(self.settings, self.engine.cluster, self)
        dialog.changed.connect(self.apply_settings)
        self.open_dialog(dialog)

    @Slot(object, object)
    def start_sweep(self, spec: SweepSpec, cluster: Cluster) -> None:
        """Drive a sweep in a process of its own, and show its runs."""
        from workbench.sweeps import SweepStore
        from workbench.sweeps.launch import launch

        sweep = SweepStore().create(spec, cluster)
        launch(sweep)
        self.notifications.say("note", f"A sweep of {spec.count} runs has started.")
        panel = self.open_panel(spec.plugin)
        if panel is not None:
            panel.show_sweep(sweep.id)

    @Slot()
    def show_runs(self) -> None:
        """Open the window of all runs, or bring it to the front."""
        from workbench.app.runs_browser import RunsWindow

        if self._runs is None:
            self._runs = RunsWindow({entry.card.id: entry.card.short for entry in self.catalog.entries})
            self._runs.open_asked.connect(self.open_run)
        self._runs.show()
        self._runs.raise_()
        self._runs.activateWindow()

    @Slot(object)
    def open_run(self, request: RunRequest) -> None:
        """Open a recorded run in the panel of its paper; say why where that cannot be done."""
        run = request.run
        try:
            entry = self.catalog.entry(run.plugin)
            entry.card.experiment(run.experiment)
        except KeyError:
            self.notifications.say("warning", f"{run.plugin}/{run.experiment} is not installed now.")
            return
        for key, panel in self.panels.items():
            if any(session.run_folder == request.folder for session in panel.sessions):
                self.workspace.show_page(key)
                if request.what == "continue":
                    return
        opened = self.open_panel(run.plugin)
        if opened is not None:
            opened.open_run(request)
            self.activateWindow()

    @Slot(object)
    def show_session(self, session: Session) -> None:
        """Show the panel a session belongs to."""
        for key, panel in self.panels.items():
            for id, own in zip(panel.saved().parameters, panel.sessions, strict=False):
                if own is session:
                    self.workspace.show_page(key)
                    panel.show_experiment(id)

    @Slot()
    def show_gallery(self) -> None:
        """Show all papers, with the cursor in the search field."""
        self.workspace.show_page(GALLERY)
        self.gallery.search.setFocus()
        self.refresh_runs()

    def refresh_runs(self) -> None:
        """Look which runs can be continued, for the gallery; it shows them as soon as they are read."""
        self.gallery.show_runs(self._waiting, is_first_run=self.settings.first_run)
        self.finder.look()

    @Slot(object)
    def _show_waiting(self, found: list[tuple[RunFolder, RunRecord]]) -> None:
        open_now = {session.run_folder for session in self.engine.sessions}
        waiting = []
        for folder, record in found:
            try:
                entry = self.catalog.entry(record.plugin)
                title = entry.card.experiment(record.experiment).title
            except KeyError:
                continue
            if entry.status == "ok" and folder.path not in open_now:
                text = f"{entry.card.short} · {title} · step {count_text(record.step)}"
                waiting.append(WaitingRun(record.plugin, record.experiment, folder.path, text))
        self._waiting = waiting
        self.gallery.show_runs(waiting, is_first_run=self.settings.first_run)

    def _paper_choices(self) -> list[Choice]:
        reasons = {"planned": "planned, not built yet", "ok": "", "broken": "broken"}
        return [
            Choice(
                f"Open {entry.card.short}", "Papers", partial(self.open_entry, entry), "",
                entry.card.icon, f"{entry.card.title} {entry.card.byline}", reasons[entry.status],
            )
            for entry in self.catalog.entries
        ]  # fmt: skip

    # Plugins

    @Slot(object)
    def ask_to_install(self, source: Path) -> None:
        """Warn once that a plugin is code, then install it."""
        from workbench.app.dialogs import confirm_install

        confirm_install(source, self.install, self)

    def install(self, source: Path) -> None:
        """Copy a plugin into the user's folder and show it in the gallery; say why if it cannot be used."""
        try:
            entry = self.catalog.install(source)
        except UserError as error:
            self.notifications.say("error", str(error))
            return
        self.gallery.show_entries(self.catalog.entries)
        self.notifications.say("note", f"{entry.card.short} is installed.")
        self.workspace.show_page(GALLERY)

    # Windows

    def show_details(self, title: str, sentence: str, details: str) -> None:
        """Open a window with a sentence and a traceback to copy."""
        from workbench.app.dialogs import DetailsDialog

        self.open_dialog(DetailsDialog(title, sentence, details, self))

    @Slot()
    def show_messages(self) -> None:
        """Open the history of notifications."""
        self.open_dialog(NotificationDialog(self.notifications, self))

    @Slot()
    def show_settings(self) -> None:
        """Open the settings; each change applies at once."""
        from workbench.app.settings_dialog import SettingsDialog

        dialog = SettingsDialog(self.settings, self)
        dialog.changed.connect(self.apply_settings)
        self.open_dialog(dialog)

    def open_dialog(self, dialog: QWidget) -> None:
        """Show a window that does not block; it is kept until the next one opens."""
        self._dialogs[:] = [dialog]
        dialog.show()

    @Slot(object)
    def apply_settings(self, settings: Settings) -> None:
        """Use new settings and save them."""
        self.settings = settings
        if theme().mode != settings.theme:
            theme().set_mode(settings.theme)
        self.engine.apply_settings(settings)
        settings.save()
        self.settings_changed.emit(settings)

    def set_theme(self, mode: Any) -> None:
        """Use the light or dark theme, or that of the desktop."""
        self.apply_settings(self.settings.model_copy(update={"theme": mode}))

    @Slot()
    def start_tour(self) -> None:
        """Open a paper that shows much at once, with a bar that says what to do."""
        from workbench.app.tour import Tour

        live = [entry for entry in self.catalog.entries if entry.status == "ok"]
        if not live:
            self.notifications.say("note", "No paper is live yet; install a plugin to start.")
            return
        entry = next((entry for entry in live if entry.card.id == START_PAPER), live[0])
        panel = self.open_panel(entry.card.id)
        if panel is None or self._tour is not None:
            return
        tour = Tour(panel, self)
        tour.destroyed.connect(self._tour_ended)
        self._tour = tour
        self._center.insertWidget(0, tour)
        self.apply_settings(self.settings.model_copy(update={"first_run": False}))

    @Slot()
    def _tour_ended(self) -> None:
        self._tour = None

    # What is shown

    @Slot()
    def _schedule_refresh(self) -> None:
        if not self._refresh_timer.isActive() and not self._is_closing:
            self._refresh_timer.start()

    @Slot()
    def refresh(self) -> None:
        """Show commands, tabs and title as things are now."""
        if self._is_closing:
            return
        panel = self.panel
        undo = panel.undo_stack if panel else None
        self.commands.set_title("edit.undo", f"Undo {undo.undoText()}".strip() if undo else "Undo")
        self.commands.set_title("edit.redo", f"Redo {undo.redoText()}".strip() if undo else "Redo")
        self.commands.refresh()
        for key, shell in self.panels.items():
            look = shell.look()
            self.workspace.set_look(key, look.icon, look.colour, look.text, shell.entry.card.title)
        self.setWindowTitle(f"{panel.entry.card.short} – {TITLE}" if panel else TITLE)

    @Slot(object)
    def _current_changed(self, page: QWidget | None) -> None:
        self.refresh()

    @Slot("QWidget*", "QWidget*")
    def _focus_changed(self, old: QWidget | None, new: QWidget | None) -> None:
        if new is not None and not self._is_closing and self.workspace.isAncestorOf(new):
            self.workspace.activate_pane_of(new)

    @Slot(object)
    def take_over(self, paths: Sequence[Path]) -> None:
        """Come to the front and open what another start was given."""
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.raise_()
        self.activateWindow()
        self.opener.open_paths(paths)

    @Slot(str)
    def _note(self, sentence: str) -> None:
        self.notifications.say("note", sentence)

    @Slot()
    def _saved(self) -> None:
        self.status.mark_saved()

    # Restoring and saving

    def restore(self) -> None:
        """Open the panels of the last time, each on its own: one that fails is kept for the next start."""
        was_clean = bool(self._state.window.get("is_clean", True))
        if self.settings.restore_panels:
            for saved in self._state.panels:
                self._restore_panel(saved)
            self.workspace.restore(self._state.layout)
        else:
            self._unrestored = []
        if not was_clean and self._state.panels:
            self.notifications.say(
                "warning",
                "The workbench did not end properly last time. Open papers were restored; their runs wait, paused, "
                "at the last checkpoint.",
            )
        self.refresh_runs()
        self.keeper.touch()

    def _restore_panel(self, saved: OpenPanel) -> None:
        try:
            entry = self.catalog.entry(saved.plugin)
        except KeyError:
            self._unrestored.append(saved)
            log.warning("%s was open last time and is not installed now.", saved.plugin)
            return
        if entry.status != "ok" or self.add_panel(entry, saved) is None:
            self._unrestored.append(saved)
            log.warning("%s was open last time and cannot be restored: %s", entry.card.short, entry.error)

    def _restore_geometry(self) -> None:
        geometry = self._state.window.get("geometry")
        if not (isinstance(geometry, str) and self.restoreGeometry(QByteArray.fromBase64(geometry.encode()))):
            screen = self.screen().availableGeometry()
            self.resize(min(1280, screen.width()), min(800, screen.height()))

    def _saved_panel(self, key: str, panel: PanelShell) -> OpenPanel:
        saved = panel.saved()
        saved.extra["key"] = key
        return saved

    def state(self) -> AppState:
        """Return everything that the next start restores."""
        geometry = bytes(self.saveGeometry().toBase64().data()).decode()
        return self._state.model_copy(
            update={
                "window": {"geometry": geometry, "is_clean": self._is_closing},
                "layout": self.workspace.saved(),
                "panels": [*(self._saved_panel(key, panel) for key, panel in self.panels.items()), *self._unrestored],
            }
        )

    @override
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._toast.hide()

    @override
    def closeEvent(self, event: QCloseEvent) -> None:
        if not self._is_closing:
            self._is_closing = True
            self._refresh_timer.stop()
            application = QApplication.instance()
            if isinstance(application, QApplication):
                application.focusChanged.disconnect(self._focus_changed)
            self.finder.close()
            if self._runs is not None:
                self._runs.close()
                self._runs.lister.close()
            self.keeper.close()
            self.closing.emit()
            self.hide()
            for panel in self.panels.values():
                panel.close_sessions()
            self.engine.shutdown()
        event.accept()
