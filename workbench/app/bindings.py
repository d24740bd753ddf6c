"""What each command does in the main window, and why it cannot be used now."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices

from workbench.app import run_controls
from workbench.engine import Session, SessionState
from workbench.runs import folders
from workbench.views.file_dialogs import ask_file

if TYPE_CHECKING:
    from workbench.app.main_window import MainWindow
    from workbench.app.panel_shell import PanelShell

NO_PANEL = "Open a paper first."


def bind_commands(window: MainWindow) -> None:
    """Bind every command of the list."""
    _bind_application(window)
    _bind_panel(window)
    _bind_session(window)
    _bind_workspace(window)


def _on_panel(window: MainWindow, act: Callable[[PanelShell], object]) -> Callable[[], None]:
    def run() -> None:
        if window.panel is not None:
            act(window.panel)

    return run


def _no_panel(window: MainWindow) -> Callable[[], str]:
    return lambda: "" if window.panel is not None else NO_PANEL


def _no_page(window: MainWindow) -> Callable[[], str]:
    return lambda: "" if window.panel is not None and window.panel.page is not None else NO_PANEL


def _bind_application(window: MainWindow) -> None:
    bind, commands = window.commands.bind, window.commands
    bind("app.gallery", window.show_gallery)
    bind("app.runs", window.show_runs)
    bind("app.settings", window.show_settings)
    bind("app.open", window.opener.choose)
    bind("app.quit", window.close)
    bind("app.palette", window.palette_box.open)
    bind("app.fullscreen", lambda: window.showNormal() if window.isFullScreen() else window.showFullScreen())
    for mode in ("light", "dark", "system"):
        bind(f"theme.{mode}", lambda mode=mode: window.set_theme(mode))  # type: ignore[misc]
    bind("plugins.install", lambda: _choose_plugin(window))
    bind("plugins.folder", lambda: _open_folder(str(folders().make().plugins)))
    bind("help.start", window.start_tour)
    bind("help.notifications", window.show_messages)
    bind("help.logs", lambda: _open_folder(str(folders().make().logs)))

    def shortcuts() -> None:
        from workbench.app.dialogs import shortcuts_dialog

        window.open_dialog(shortcuts_dialog(commands, window))

    def about() -> None:
        from workbench.app.dialogs import about_dialog

        window.open_dialog(about_dialog(window))

    bind("help.shortcuts", shortcuts)
    bind("help.about", about)


def _bind_panel(window: MainWindow) -> None:
    bind, on_panel, no_panel, no_page = window.commands.bind, _on_panel, _no_panel(window), _no_page(window)
    bind("panel.close", lambda: window.close_panel(window.workspace.current_key), no_panel)
    bind("panel.reopen", window.reopen_panel, lambda: "" if window.can_reopen else "No panel was closed.")
    bind("panel.duplicate", window.duplicate_panel, no_page)
    for what in ("run", "archive", "weights", "metrics", "figures"):
        bind(f"export.{what}", on_panel(window, lambda panel, what=what: panel.export(what)), no_page)  # type: ignore[misc]
    bind("edit.undo", on_panel(window, _undo), lambda: _undo_reason(window))
    bind("edit.redo", on_panel(window, _redo), lambda: _redo_reason(window))
    bind("form.find", on_panel(window, _find), no_page)
    bind("form.defaults", on_panel(window, _defaults), no_page)
    bind("view.live", on_panel(window, lambda panel: panel.header.show_tab("Live")), no_panel)
    bind("view.paper", on_panel(window, lambda panel: panel.header.show_tab("Paper")), no_panel)
    bind("view.reproduce", on_panel(window, lambda panel: panel.header.show_tab("Reproduce")), no_panel)
    bind("view.runs", on_panel(window, lambda panel: panel.header.show_tab("Runs")), no_panel)
    bind("view.fold", on_panel(window, lambda panel: panel.toggle_fold()), no_panel)
    bind("view.shrink", on_panel(window, lambda panel: panel.shrink()), lambda: _shrink_reason(window))
    bind("plugins.arxiv", on_panel(window, lambda panel: panel.header.open_link()), no_panel)


def _bind_session(window: MainWindow) -> None:
    bind = window.commands.bind

    def session() -> Session | None:
        return window.panel.session if window.panel else None

    def act(do: Callable[[Session], object]) -> Callable[[], None]:
        def run() -> None:
            current = session()
            if current is not None:
                do(current)

        return run

    bind("session.train", act(run_controls.toggle_training), lambda: run_controls.train_reason(session()))
    bind("session.step", act(lambda own: own.step()), lambda: run_controls.step_reason(session()))
    bind("session.stop", act(lambda own: own.stop()), lambda: run_controls.stop_reason(session()))
    bind("session.reset", act(lambda own: own.reset()), lambda: run_controls.reset_reason(session()))
    bind(
        "session.checkpoint",
        act(lambda own: own.restart_from_checkpoint()),
        lambda: run_controls.checkpoint_reason(session()),
    )

    def running() -> list[Session]:
        busy = (SessionState.RUNNING, SessionState.QUEUED)
        return [own for own in window.engine.sessions if own.state in busy]

    def pause_all() -> None:
        for own in running():
            own.pause()

    bind("session.sweep", window.show_sweep_dialog, lambda: "" if session() is not None else NO_PANEL)
    bind("session.cluster", window.show_cluster_dialog)
    bind("session.pause_all", pause_all, lambda: "" if running() else "Nothing runs.")


def _bind_workspace(window: MainWindow) -> None:
    bind, workspace = window.commands.bind, window.workspace

    def alone() -> str:
        current = workspace.current
        is_alone = current is None or workspace.pane_of(current).count() < 2
        return "There is no other tab in this pane." if is_alone else ""

    def one_pane() -> str:
        return "" if len(workspace.panes()) > 1 else "There is only one pane; split it first."

    bind("view.split_right", lambda: workspace.split("right"), alone)
    bind("view.split_down", lambda: workspace.split("down"), alone)
    bind("view.move", workspace.move_to_next_pane, one_pane)
    bind("view.unsplit", workspace.unsplit, one_pane)
    bind("view.next_tab", lambda: workspace.cycle(1))
    bind("view.previous_tab", lambda: workspace.cycle(-1))


def _undo(panel: PanelShell) -> None:
    if panel.undo_stack is not None:
        panel.undo_stack.undo()


def _redo(panel: PanelShell) -> None:
    if panel.undo_stack is not None:
        panel.undo_stack.redo()


def _undo_reason(window: MainWindow) -> str:
    stack = window.panel.undo_stack if window.panel else None
    return "" if stack is not None and stack.canUndo() else "There is nothing to undo."


def _redo_reason(window: MainWindow) -> str:
    stack = window.panel.undo_stack if window.panel else None
    return "" if stack is not None and stack.canRedo() else "There is nothing to redo."


def _shrink_reason(window: MainWindow) -> str:
    if window.panel is None:
        return NO_PANEL
    return "" if window.panel.enlarged_view is not None else "No view is enlarged; double-click the title of one."


def _find(panel: PanelShell) -> None:
    if panel.page is not None:
        panel.header.show_tab("Live")
        if panel.is_folded:
            panel.toggle_fold()
        panel.page.form.focus_search()


def _defaults(panel: PanelShell) -> None:
    if panel.page is not None:
        panel.page.form.reset_all()


def _choose_plugin(window: MainWindow) -> None:
    title = "Install a plugin (a zip, or the plugin.toml of a folder)"
    ask_file(window, title, ["Plugins (*.zip plugin.toml)"], window.opener.open_path)


def _open_folder(path: str) -> None:
    QDesktopServices.openUrl(QUrl.fromLocalFile(path))
