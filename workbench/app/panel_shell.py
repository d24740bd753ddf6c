"""What is around a plugin's views: header, tabs, left column, messages. One panel is one open paper."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent, QResizeEvent, QShowEvent, QUndoStack
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from workbench.app.async_slot import async_slot
from workbench.app.experiment_page import ExperimentPage, PageState, failure_label, restored_parameters
from workbench.app.message_strip import MessageStrip
from workbench.app.panel_export import FILES, What, default_name, export_panel
from workbench.app.panel_header import PanelHeader
from workbench.app.undo import ParameterChange
from workbench.catalog import BrokenPlugin, Entry
from workbench.engine import Engine, Session, SessionState
from workbench.runs import OpenPanel
from workbench.sdk import UserError
from workbench.views.base import View
from workbench.views.file_dialogs import ask_new_folder, ask_target

if TYPE_CHECKING:
    from workbench.app.runs_browser import RunRequest

log = logging.getLogger(__name__)

LEFT_WIDTH = 310
LEFT_MINIMUM = 256
LEFT_SHARE = 0.25
"""The left column takes at most this share of the panel's width (but never less than its minimum)."""

_LOOKS = {
    SessionState.LOADING: ("mdi6.timer-sand", "muted"),
    SessionState.QUEUED: ("mdi6.timer-sand", "accent"),
    SessionState.RUNNING: ("mdi6.play", "accent"),
    SessionState.PAUSED: ("mdi6.pause", "warning"),
    SessionState.FINISHED: ("mdi6.check", "success"),
    SessionState.FAILED: ("mdi6.alert-circle", "error"),
}


@dataclass(frozen=True)
class TabLook:
    """How the panel's tab shows its state: an icon of the font, its colour in the theme, and the text."""

    icon: str
    colour: str
    text: str


class PanelShell(QWidget):
    """One open paper. Raises BrokenPlugin where nothing of it can be shown.

    `changed` says that its tab and the menus may look different now, `edited` that there is something new to save;
    `noted` carries a sentence for the notification area.
    """

    changed = Signal()
    edited = Signal()
    noted = Signal(str)

    def __init__(self, engine: Engine, entry: Entry, saved: OpenPanel | None = None) -> None:
        super().__init__()
        self.entry = entry
        self._engine = engine
        self._saved = saved or OpenPanel(plugin=entry.card.id)
        self._pages: dict[str, ExperimentPage] = {}
        self._page: ExperimentPage | None = None
        self._broken: dict[str, QWidget] = {}
        self._is_folded = False
        self._left_width = LEFT_WIDTH
        first = entry.card.experiments[0].id
        known = [card.id for card in entry.card.experiments]
        self._experiment = self._saved.experiment if self._saved.experiment in known else first
        # A plugin whose contract or panel cannot be imported is refused here, before anything is shown.
        entry.parameters_type(self._experiment)
        entry.view_type(self._experiment)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setAccessibleName(entry.card.title)
        self.header = PanelHeader(entry.card)
        self.header.tab_chosen.connect(self._show_tab)
        self.header.fold_clicked.connect(self.toggle_fold)
        self.header.export_clicked.connect(self.export)
        self.choice = QComboBox()
        self.choice.setAccessibleName("Experiment")
        self.choice.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._about = QLabel()
        self._about.setWordWrap(True)
        self._strips = QVBoxLayout()
        self._lefts, self._rights = QStackedWidget(), QStackedWidget()
        self._splitter = QSplitter(Qt.Orientation.Horizontal)
        self._left = self._make_left()
        self._tabs = QStackedWidget()
        self._tab_pages: dict[str, QWidget] = {}
        self._lay_out()
        self._restore_layout(self._saved.extra)

    # Making

    def _make_left(self) -> QWidget:
        column = QWidget()
        layout = QVBoxLayout(column)
        layout.setContentsMargins(10, 4, 8, 8)
        layout.setSpacing(8)
        row = QHBoxLayout()
        row.addWidget(self.choice, 1)
        layout.addLayout(row)
        for card in self.entry.card.experiments:
            self.choice.addItem(card.title, card.id)
            self.choice.setItemData(self.choice.count() - 1, card.summary, Qt.ItemDataRole.ToolTipRole)
        self.choice.setCurrentIndex(self.choice.findData(self._experiment))
        self.choice.setVisible(self.choice.count() > 1)
        self.choice.activated.connect(self._experiment_chosen)
        layout.addWidget(self._lefts, 1)
        column.setMinimumWidth(LEFT_MINIMUM)
        return column

    def _lay_out(self) -> None:
        self._splitter.addWidget(self._left)
        self._splitter.addWidget(self._rights)
        self._splitter.setCollapsible(0, False)
        self._splitter.setCollapsible(1, False)
        self._splitter.setStretchFactor(0, 0)
        self._splitter.setStretchFactor(1, 1)
        self._splitter.splitterMoved.connect(self._splitter_moved)
        live = QWidget()
        below = QVBoxLayout(live)
        below.setContentsMargins(0, 0, 0, 0)
        below.setSpacing(4)
        below.addWidget(self._splitter, 1)
        self._tabs.addWidget(live)
        self._tab_pages["Live"] = live
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.header)
        layout.addLayout(self._strips)
        layout.addWidget(self._tabs, 1)

    def _restore_layout(self, extra: dict[str, Any]) -> None:
        if extra.get("folded") is True:
            self.toggle_fold()
        width = extra.get("left_width")
        if isinstance(width, int) and width >= LEFT_MINIMUM:
            self._left_width = width
        if isinstance(extra.get("tab"), str):
            self.header.show_tab(extra["tab"])

    # Experiments

    @property
    def page(self) -> ExperimentPage | None:
        """The experiment that is shown; None until the panel was first seen, or where its view failed."""
        return self._page

    @property
    def session(self) -> Session | None:
        """The session of the experiment that is shown."""
        return self._page.session if self._page else None

    @property
    def sessions(self) -> list[Session]:
        """The sessions of all experiments that were opened here."""
        return [page.session for page in self._pages.values()]

    @property
    def experiment(self) -> str:
        """Id of the experiment that is chosen."""
        return self._experiment

    @property
    def undo_stack(self) -> QUndoStack | None:
        """Undo of the experiment that is shown."""
        return self._page.undo_stack if self._page else None

    def show_experiment(self, id: str) -> None:
        """Show an experiment; its session is opened when it is first shown."""
        self._experiment = id
        self.choice.setCurrentIndex(self.choice.findData(id))
        if id not in self._pages and id not in self._broken:
            self._open(id)
        self._page = self._pages.get(id)
        for other, page in self._pages.items():
            page.strip.setVisible(other == id and bool(page.strip.sentence))
        if self._page is None:
            self._rights.setCurrentWidget(self._broken[id])
            self._lefts.setVisible(False)
        else:
            self._lefts.setVisible(True)
            self._lefts.setCurrentWidget(self._page.left)
            self._rights.setCurrentWidget(self._page.right)
        self.changed.emit()
        self.edited.emit()

    def _open(self, id: str) -> None:
        state = PageState(
            self._saved.parameters.get(id, {}),
            self._saved.seeds.get(id, 0),
            self._saved.devices.get(id, "auto"),
            self._saved.runs.get(id, ""),
            _mapping(self._saved.extra.get("views")).get(id, {}),
            _groups(self._saved.extra, id),
        )
        try:
            page = ExperimentPage(self._engine, self.entry, id, state, self)
        except BrokenPlugin as broken:
            self._broken[id] = self._show_broken(broken)
            return
        self._pages[id] = page
        self._strips.addWidget(page.strip)
        self._lefts.addWidget(page.left)
        self._rights.addWidget(page.right)
        page.changed.connect(self.changed)
        page.edited.connect(self.edited)
        page.enlarger.changed.connect(self._enlarged)
        page.undo_stack.indexChanged.connect(self._undo_changed)

    def _show_broken(self, broken: BrokenPlugin) -> QWidget:
        log.error("%s\n%s", broken, broken.details)
        strip = MessageStrip()
        self._strips.addWidget(strip)
        strip.say(str(broken), "error", details=broken.details)
        label = failure_label("This experiment cannot be shown. The message above says why; the others still work.")
        self._rights.addWidget(label)
        return label

    @Slot(int)
    def _experiment_chosen(self, index: int) -> None:
        self.show_experiment(str(self.choice.itemData(index)))

    @Slot(int)
    def _undo_changed(self, index: int) -> None:
        self.changed.emit()

    @Slot(bool)
    def _enlarged(self, is_enlarged: bool) -> None:
        self.changed.emit()

    @override
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._page is None and self._experiment not in self._broken:
            self.show_experiment(self._experiment)

    # Tabs, column, views

    @Slot(str)
    def _show_tab(self, name: str) -> None:
        if name not in self._tab_pages:
            self._tab_pages[name] = self._make_tab(name)
            self._tabs.addWidget(self._tab_pages[name])
        self._tabs.setCurrentWidget(self._tab_pages[name])
        self.header.fold.setEnabled(name == "Live")
        self.changed.emit()
        self.edited.emit()

    def _make_tab(self, name: str) -> QWidget:
        """Make the page of a tab when it is first shown: most panels are opened for Live alone."""
        if name == "Paper":
            from workbench.app.paper_tab import PaperTab

            card = self.entry.card
            text = self.entry.paper_markdown().strip() or f"# {card.title}\n\n{card.summary}"
            return PaperTab(text, card.folder)
        if name == "Reproduce":
            from workbench.app.reproduce_tab import ReproduceTab

            reproduce = ReproduceTab(self._engine.reproducer, self.entry)
            reproduce.noted.connect(self.noted)
            return reproduce
        from workbench.app.runs_browser import RunsBrowser

        runs = RunsBrowser(self.entry.card.id)
        runs.open_asked.connect(self.open_run)
        runs.noted.connect(self.noted)
        return runs

    @Slot()
    def toggle_fold(self) -> None:
        """Hide the left column, or show it again at its old width."""
        self._is_folded = not self._is_folded
        self._left.setVisible(not self._is_folded)
        self._fit_left()
        tip = "Show" if self._is_folded else "Fold"
        self.header.fold.setToolTip(f"{tip} the left column (Ctrl+B)")
        self.changed.emit()
        self.edited.emit()

    @property
    def is_folded(self) -> bool:
        """Whether the left column is hidden."""
        return self._is_folded

    def show_sweep(self, id: str) -> None:
        """Show the runs of a sweep in the Runs tab."""
        self.header.show_tab("Runs")
        runs = self._tab_pages["Runs"]
        runs.sweeps.choose(id)  # type: ignore[attr-defined]  # a RunsBrowser, which is imported when it is shown

    @Slot(object)
    def open_run(self, request: RunRequest) -> None:
        """Go on with a recorded run here, or put its parameters and seed into the form as one undoable step."""
        run = request.run
        self.header.show_tab("Live")
        self.show_experiment(run.experiment)
        page = self._page
        if page is None:
            return
        if request.what == "continue":
            page.session.resume_run(request.folder)
            return
        before = page.session.parameters
        after, dropped = restored_parameters(type(before), run.parameters)
        if after.difference(before):
            page.undo_stack.push(ParameterChange("parameters of a run", before, after, page.session.set_parameters))
        page.session.set_seed(run.seed)
        if dropped:
            page.strip.say(f"This version has no such values of {', '.join(dropped)}; their defaults are used.")

    def shrink(self) -> None:
        """Show all views again after one was enlarged."""
        if self._page:
            self._page.enlarger.restore()

    @property
    def enlarged_view(self) -> View | None:
        """The view that fills the panel, if one does."""
        return self._page.enlarger.view if self._page else None

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_left()

    def _fit_left(self) -> None:
        """Give the left column the width the person chose, or what its share allows in a narrow pane."""
        most = max(LEFT_MINIMUM, round(self.width() * LEFT_SHARE))
        self._left.setMaximumWidth(most)
        if not self._is_folded:
            width = min(self._left_width, most)
            self._splitter.setSizes([width, max(1, self.width() - width)])

    @Slot(int, int)
    def _splitter_moved(self, position: int, index: int) -> None:
        self._left_width = self._splitter.sizes()[0]
        self.edited.emit()

    @override
    def event(self, event: QEvent) -> bool:
        # The bare keys Space, S and Esc are shortcuts of the session, but belong to the control that has the focus.
        if event.type() == QEvent.Type.ShortcutOverride and _is_wanted(event, self.window().focusWidget()):
            event.accept()
            return True
        return super().event(event)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.setFocus(Qt.FocusReason.OtherFocusReason)
        else:
            super().keyPressEvent(event)

    # Export

    @Slot(str)
    def export(self, what: What) -> None:
        """Ask where to, then export the run, its weights, metrics or figures."""
        if self._page is None:
            return
        name = default_name(what, self._page.session)
        title, proposal, write = f"Export {what} to", Path.home() / name, partial(self.export_to, what)
        if what in FILES:
            ask_target(self, title, proposal, [f"*{proposal.suffix}"], write)
        else:
            ask_new_folder(self, title, proposal, write)

    @async_slot()
    async def export_to(self, what: What, target: Path) -> None:
        """Export to a file or folder, and say what was written or why not."""
        page = self._page
        if page is None:
            return
        try:
            written = await export_panel(what, page.session, page.view, target)
        except UserError as error:
            page.strip.say(str(error), "warning", details=getattr(error, "details", ""))
            return
        sentence = f"Exported {len(written)} files to {target}." if len(written) > 1 else f"Exported {target}."
        page.strip.say(sentence, details="\n".join(written))
        self.noted.emit(sentence)

    # State

    def look(self) -> TabLook:
        """Return how the tab shows this panel now."""
        short, session = self.entry.card.short, self.session
        if self._page is None or session is None:
            return TabLook(self.entry.card.icon, "error" if self._broken else "foreground", short)
        icon, colour = _LOOKS.get(session.state, (self.entry.card.icon, "foreground"))
        fraction = self._page.controls.fraction
        is_partial = session.state in (SessionState.RUNNING, SessionState.PAUSED) and fraction is not None
        return TabLook(icon, colour, f"{short} {fraction:.0%}" if is_partial else short)

    def saved(self) -> OpenPanel:
        """Return what to find again at the next start, also of experiments that were not shown this time."""
        saved = self._saved.model_copy(deep=True)
        saved.experiment = self._experiment
        views, groups = _mapping(saved.extra.get("views")), _mapping(saved.extra.get("groups"))
        for id, page in self._pages.items():
            state = page.saved()
            saved.parameters[id] = dict(state.parameters)
            saved.seeds[id], saved.devices[id], saved.runs[id] = state.seed, state.device, state.run
            views[id] = dict(state.views)
            groups[id] = list(state.groups or ())
        saved.extra |= {
            "views": views,
            "groups": groups,
            "folded": self._is_folded,
            "left_width": self._left_width,
            "tab": self.header.tab,
        }
        return saved

    def close_sessions(self) -> None:
        """Save and end all sessions of this panel."""
        for page in self._pages.values():
            page.close()
        self._pages.clear()
        self._page = None


def _mapping(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, dict) else {}


def _groups(extra: dict[str, Any], id: str) -> tuple[str, ...] | None:
    groups = _mapping(extra.get("groups")).get(id)
    return tuple(str(name) for name in groups) if isinstance(groups, list) else None


def _is_wanted(event: QEvent, focus: QWidget | None) -> bool:
    """Whether the focused control itself uses this bare key."""
    if not isinstance(event, QKeyEvent):
        return False
    if event.modifiers() not in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier):
        return False
    is_text = isinstance(focus, QLineEdit | QPlainTextEdit | QAbstractSpinBox)
    match event.key():
        case Qt.Key.Key_Escape:
            return is_text
        case Qt.Key.Key_Space:
            return is_text or isinstance(focus, QAbstractButton | QComboBox | QAbstractItemView)
        case Qt.Key.Key_S:
            return is_text or isinstance(focus, QComboBox | QAbstractItemView)
    return False
