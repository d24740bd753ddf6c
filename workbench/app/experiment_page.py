"""One experiment in a panel: its session, its form and controls at the left, the plugin's view at the right."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QUndoStack
from PySide6.QtWidgets import QLabel, QScrollArea, QSizePolicy, QVBoxLayout, QWidget
from typing_extensions import override

from workbench.app.enlarge import Enlarger
from workbench.app.message_strip import Mend, MessageStrip
from workbench.app.panel_port import PanelPort
from workbench.app.parameter_form import Edit, ParameterForm
from workbench.app.run_controls import RunControls
from workbench.app.undo import ParameterChange
from workbench.app.widgets import ElidedLabel, Line, Section
from workbench.catalog import BrokenPlugin, Entry
from workbench.compute.protocol import Failure
from workbench.engine import Engine, SessionState
from workbench.runs import RunFolder
from workbench.sdk import Frame, InvalidParameters, MetricsBlock, Parameters
from workbench.views.base import View
from workbench.views.experiment_view import ExperimentView

log = logging.getLogger(__name__)

METRICS_INTERVAL_MS = 120
"""Curves are drawn about 8 times a second, however fast the numbers come in."""
CHEAP_PAINT_SECONDS = 1 / 30
"""A frame whose painting takes longer is followed by a pause: painting leaves half of the time to the person."""
PLAY_SHARE = 0.5
"""Of the height of the left column, at most so much is for playing; the rest is the form."""


@dataclass(frozen=True)
class PageState:
    """What an experiment finds again at the next start."""

    parameters: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    device: str = "auto"
    run: str = ""
    views: Mapping[str, Any] = field(default_factory=dict)
    groups: tuple[str, ...] | None = None


def restored_parameters(parameters: type[Parameters], values: Mapping[str, Any]) -> tuple[Parameters, list[str]]:
    """Return saved values as Parameters, and the names of those that can no longer be used and fell back."""
    kept = {name: value for name, value in values.items() if name in parameters.model_fields}
    dropped = [name for name in values if name not in kept]
    while kept:
        try:
            return parameters.checked(kept), dropped
        except InvalidParameters as refused:
            bad = [name for name in refused.errors if name in kept] or list(kept)
            dropped += bad
            kept = {name: value for name, value in kept.items() if name not in bad}
    return parameters(), dropped


class ExperimentPage(QObject):
    """Opens the session and connects everything to it. Raises BrokenPlugin where the plugin's view fails.

    `changed` says that the tab and the menus may look different now, `edited` that there is something new to save.
    """

    changed = Signal()
    edited = Signal()

    def __init__(self, engine: Engine, entry: Entry, experiment: str, saved: PageState, parent: QObject) -> None:
        super().__init__(parent)
        self.entry, self.experiment = entry, experiment
        self._engine = engine
        parameters_type, view_type = entry.parameters_type(experiment), entry.view_type(experiment)
        parameters, dropped = restored_parameters(parameters_type, saved.parameters)
        self.strip = MessageStrip()
        self.undo_stack = QUndoStack(self)
        run = Path(saved.run) if saved.run and RunFolder(Path(saved.run)).checkpoint.exists() else None
        self.session = engine.open_session(entry, experiment, parameters, saved.seed, saved.device, run)
        try:
            self.view: ExperimentView = view_type(PanelPort(self.session, self.undo_stack, self.strip))
            play = self.view.play_controls()
        except Exception as error:
            engine.close_session(self.session)
            raise BrokenPlugin(_view_failed(entry, error), traceback.format_exc()) from error
        self.controls = RunControls(self.session, engine.devices)
        self.form = ParameterForm(parameters)
        if saved.groups is not None:
            self.form.set_open_groups(list(saved.groups))
        self.enlarger = Enlarger(self.view)
        self.hint = ElidedLabel(self.view.hint, "muted", scale=0.92)
        self.left = self._make_left(play)
        self.right = self._make_right()
        self._frame: Frame | None = None
        self._frame_began = 0.0
        self._is_view_broken = False
        self._has_new_metrics = False
        self._metrics_timer = self._timer(METRICS_INTERVAL_MS, self._show_metrics)
        self._painted_timer = self._timer(0, self._painted)
        self._credit_timer = self._timer(0, self._grant)
        self._shown_timer = self._timer(0, self._shown)
        self._connect()
        self._watch_views()
        self._restore_views(saved.views)
        if dropped:
            self.strip.say(f"Saved values of {', '.join(dropped)} no longer fit and are back at their defaults.")

    # Making

    def _timer(self, interval: int, slot: Callable[[], None]) -> QTimer:
        """Return a single-shot timer of this page's own: it ends with the page, as `QTimer.singleShot` does not."""
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(interval)
        timer.timeout.connect(slot)
        return timer

    def _make_left(self, play: QWidget | None) -> QWidget:
        column = QWidget()
        layout = QVBoxLayout(column)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self.controls)
        layout.addWidget(Line())
        layout.addWidget(_scrolled(self.form), 1)
        if play is not None:
            layout.addWidget(Line())
            area = _scrolled(play)
            area.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
            self._play, self._play_area = play, area
            column.installEventFilter(self)
            layout.addWidget(Section("Play", area))
        return column

    def _make_right(self) -> QWidget:
        side = QWidget()
        layout = QVBoxLayout(side)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.view, 1)
        self.hint.setContentsMargins(8, 0, 8, 2)
        self.hint.setAccessibleName("What the mouse does here")
        layout.addWidget(self.hint)
        return side

    def _connect(self) -> None:
        session = self.session
        session.frame_arrived.connect(self._take_frame)
        session.metrics_arrived.connect(self._take_metrics)
        session.started_over.connect(self._start_over)
        session.failed.connect(self._show_failure)
        session.state_changed.connect(self._state_changed)
        session.status_changed.connect(self._status_changed)
        session.parameters_changed.connect(self._parameters_changed)
        session.loaded.connect(self._loaded)
        self._engine.devices_changed.connect(self._devices_changed)
        self.form.edited.connect(self._form_edited)

    def _watch_views(self) -> None:
        self.view.installEventFilter(self)
        for view in self.view.views():
            view.installEventFilter(self)
            view.enlarge_requested.connect(self.enlarger.toggle)

    def _restore_views(self, state: Mapping[str, Any]) -> None:
        if not state:
            return
        try:
            self.view.restore(state)
        except Exception:
            log.exception("the views of %s could not be restored", self.entry.card.id)

    # Drawing

    @Slot(object)
    def _take_frame(self, frame: Frame) -> None:
        self._frame = frame
        if self.view.isVisible():
            self._draw_frame()

    def _draw_frame(self) -> None:
        frame, self._frame = self._frame, None
        if frame is None:
            return
        self._frame_began = time.perf_counter()
        self._guarded(self.view.show_frame, frame)
        # The credit goes out after Qt has painted what was just set: the worker never runs ahead of the screen.
        self._painted_timer.start()

    @Slot()
    def _painted(self) -> None:
        taken = time.perf_counter() - self._frame_began
        self._credit_timer.start(round(1000 * max(0.0, 2 * taken - CHEAP_PAINT_SECONDS)))

    @Slot()
    def _grant(self) -> None:
        self.session.grant_frame()

    @Slot(object)
    def _take_metrics(self, block: MetricsBlock) -> None:
        self._has_new_metrics = True
        if self.view.isVisible() and not self._metrics_timer.isActive():
            self._metrics_timer.start()

    @Slot()
    def _show_metrics(self) -> None:
        if self._has_new_metrics and self.view.isVisible():
            self._has_new_metrics = False
            self._guarded(self.view.show_metrics, self.session.history)

    @Slot()
    def _start_over(self) -> None:
        self._frame, self._is_view_broken = None, False
        self._has_new_metrics = False
        self._guarded(self.view.start_over)
        if self.strip.sentence and self.session.failure is None:
            self.strip.clear()

    def _guarded(self, draw: Any, *arguments: Any) -> None:
        """Call the plugin's view; a fault in it is said once and leaves the session and everything else running."""
        if self._is_view_broken:
            return
        try:
            draw(*arguments)
        except Exception as error:
            self._is_view_broken = True
            log.exception("the view of %s/%s failed", self.entry.card.id, self.experiment)
            self.strip.say(
                f"{_view_failed(self.entry, error)} Training goes on without it.",
                "error",
                details=traceback.format_exc(),
                mend=Mend("Reset", self.session.reset),
            )

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if watched is self.view and kind == QEvent.Type.Show:
            # What came in while the tab was hidden is drawn as soon as it is seen.
            self._shown_timer.start()
        elif kind == QEvent.Type.Enter and isinstance(watched, View):
            self.hint.setText(watched.hint or self.view.hint)
        elif kind == QEvent.Type.Leave and isinstance(watched, View):
            self.hint.setText(self.view.hint)
        elif kind == QEvent.Type.Resize and watched is self.left:
            content = self._play.sizeHint().height() + 4
            self._play_area.setFixedHeight(min(content, round(self.left.height() * PLAY_SHARE)))
        return False

    @Slot()
    def _shown(self) -> None:
        if self.view.isVisible():
            self._draw_frame()
            self._has_new_metrics = self._has_new_metrics or bool(self.session.history.names)
            self._show_metrics()

    # From the session

    @Slot(object)
    def _loaded(self, information: object) -> None:
        self.form.show_pending(self.session.pending)
        self._has_new_metrics = bool(self.session.history.names)
        self._show_metrics()
        self.changed.emit()

    @Slot(object)
    def _state_changed(self, state: SessionState) -> None:
        self.form.show_pending(self.session.pending)
        if state is not SessionState.FAILED:
            self._show_metrics()
        self.changed.emit()
        self.edited.emit()

    @Slot(object)
    def _status_changed(self, status: object) -> None:
        self.changed.emit()

    @Slot(object)
    def _parameters_changed(self, parameters: Parameters) -> None:
        self.form.show_parameters(parameters)
        self.form.show_pending(self.session.pending)
        self._guarded(self.view.parameters_changed, parameters)
        self.changed.emit()
        self.edited.emit()

    @Slot()
    def _devices_changed(self) -> None:
        self.controls.show_devices(self._engine.devices)

    @Slot(object)
    def _show_failure(self, failure: Failure) -> None:
        session = self.session
        if failure.checkpoint_step is not None and session.run_folder is not None:
            mend = Mend(f"Restart from step {failure.checkpoint_step}", session.restart_from_checkpoint)
        else:
            mend = Mend("Reset", session.reset)
        sentence = " ".join(part for part in (failure.sentence, failure.mend) if part)
        self.strip.say(sentence, "error", details=failure.details, mend=mend)

    # From the person

    @Slot(object)
    def _form_edited(self, edit: Edit) -> None:
        before = self.session.parameters
        if edit.parameters.difference(before):
            change = ParameterChange(
                edit.text, before, edit.parameters, self.session.set_parameters, gesture=edit.gesture
            )
            self.undo_stack.push(change)

    # Life

    def saved(self) -> PageState:
        """Return what to find again at the next start."""
        session = self.session
        try:
            views = self.view.state()
        except Exception:
            log.exception("the views of %s could not be saved", self.entry.card.id)
            views = {}
        return PageState(
            session.parameters.model_dump(mode="json"),
            session.seed,
            session.device,
            str(session.run_folder) if session.run_folder else "",
            views,
            tuple(self.form.open_groups()),
        )

    def close(self) -> None:
        """Save an open run and end the session; the widgets go with the panel."""
        for timer in (self._metrics_timer, self._painted_timer, self._credit_timer, self._shown_timer):
            timer.stop()
        self._engine.devices_changed.disconnect(self._devices_changed)
        for signal, slot in (
            (self.session.frame_arrived, self._take_frame),
            (self.session.metrics_arrived, self._take_metrics),
            (self.session.state_changed, self._state_changed),
        ):
            signal.disconnect(slot)
        self._engine.close_session(self.session)


def _view_failed(entry: Entry, error: Exception) -> str:
    first = str(error).strip().splitlines()[0] if str(error).strip() else "no message"
    return f"The panel of {entry.card.short} failed: {type(error).__name__}: {first}."


def _scrolled(widget: QWidget) -> QScrollArea:
    area = QScrollArea()
    area.setWidget(widget)
    area.setWidgetResizable(True)
    area.setFrameShape(QScrollArea.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.viewport().setAutoFillBackground(False)
    widget.setAutoFillBackground(False)
    return area


def failure_label(sentence: str) -> QLabel:
    """Return a centred, selectable sentence for a place where something could not be shown."""
    label = QLabel(sentence)
    label.setWordWrap(True)
    label.setAlignment(Qt.AlignmentFlag.AlignCenter)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label
