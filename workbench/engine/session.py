"""One experiment as the UI holds it: its state, its numbers, and what can be asked of it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from workbench.catalog import Entry
from workbench.compute.protocol import (
    Answer,
    Control,
    Credit,
    Failure,
    FrameMessage,
    Load,
    Loaded,
    MetricsMessage,
    Partial,
    ProgressMessage,
    Ready,
    Refusal,
    Report,
    Request,
    SetParameters,
    StateChanged,
    Status,
)
from workbench.engine.asking import Asking
from workbench.engine.cluster_link import split_remote_id
from workbench.engine.pool import AnyWorker
from workbench.engine.worker_thread import death_sentence
from workbench.runs import RunFolder
from workbench.sdk import MetricsHistory, Parameters, UserError

if TYPE_CHECKING:
    from workbench.engine.engine import Engine

log = logging.getLogger(__name__)

REBUILD_QUIET_MS = 300
"""An untrained experiment is built anew when its parameters have been left alone for so long."""
STOP_PATIENCE_MS = 5000
"""A worker that has not stopped by then is ended."""
DETAIL_LINES = 40


class SessionState(Enum):
    """What a session is doing; the value is the word a person reads."""

    LOADING = "preparing"
    READY = "ready"
    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    FAILED = "failed"
    CLOSED = "closed"


_OF_WORKER = {
    "loading": SessionState.LOADING,
    "ready": SessionState.READY,
    "running": SessionState.RUNNING,
    "paused": SessionState.PAUSED,
    "finished": SessionState.FINISHED,
    "failed": SessionState.FAILED,
}


class Session(QObject):
    """One experiment in one worker process. All methods and signals belong to the UI thread.

    `history` holds every scalar so far, `pending` the names of changed parameters that wait for Reset.
    """

    state_changed = Signal(object)  # SessionState
    loaded = Signal(object)  # Loaded
    metrics_arrived = Signal(object)  # MetricsBlock
    frame_arrived = Signal(object)  # Frame
    progressed = Signal(object)  # Progress | None
    status_changed = Signal(object)  # Status
    failed = Signal(object)  # Failure
    parameters_changed = Signal(object)  # Parameters
    started_over = Signal()

    def __init__(
        self,
        engine: Engine,
        entry: Entry,
        experiment_id: str,
        parameters: Parameters,
        seed: int = 0,
        device: str = "auto",
        run_folder: Path | None = None,
    ) -> None:
        super().__init__(engine)
        self.entry, self.experiment_id = entry, experiment_id
        self.parameters, self.seed, self.device = parameters, seed, device
        self.state = SessionState.LOADING
        self.history = MetricsHistory()
        self.run_folder = run_folder
        self.pending: frozenset[str] = frozenset()
        self.information: Loaded | None = None
        self.status: Status | None = None
        self.failure: Failure | None = None
        self._engine = engine
        self._worker: AnyWorker | None = None
        self._asking = Asking(self._send)
        self._applied = parameters
        self._train_when_ready: str | None = None
        self._rebuild_timer = QTimer(self, singleShot=True, interval=REBUILD_QUIET_MS)
        self._rebuild_timer.timeout.connect(self.reset)
        self._stop_timer = QTimer(self, singleShot=True, interval=STOP_PATIENCE_MS)
        self._stop_timer.timeout.connect(self._end_hung_worker)

    # Life

    @Slot()
    def reset(self) -> None:
        """Build the experiment anew with the parameters as they are now; an open run stays recorded."""
        self._load(None)

    def resume_run(self, folder: Path) -> None:
        """Go on with a recorded run from its last checkpoint."""
        self._load(folder)

    def restart_from_checkpoint(self) -> None:
        """Build the experiment anew from the last checkpoint of its run; from nothing if there is none."""
        folder = self.run_folder
        self._load(folder if folder and RunFolder(folder).checkpoint.exists() else None)

    def close(self) -> None:
        """Save an open run and give the worker back."""
        if self.state is SessionState.CLOSED:
            return
        self._rebuild_timer.stop()
        self._stop_timer.stop()
        self._engine.device_queue.release(self)
        self._asking.refuse_all("The session was closed.")
        if self._worker:
            self._disconnect()
            self._engine.pool.release(self._worker)
            self._worker = None
        self._set_state(SessionState.CLOSED)

    def _load(self, run_folder: Path | None) -> None:
        if self.state is SessionState.CLOSED:
            return
        self._rebuild_timer.stop()
        self._stop_timer.stop()
        self._engine.device_queue.release(self)
        self._train_when_ready = None
        self._asking.refuse_all("The experiment was built anew.")
        try:
            self._take_worker()
        except UserError as error:
            self._set_state(SessionState.FAILED)
            self._take_failure(Failure("load", str(error), "", ""))
            return
        self._applied, self.pending = self.parameters, frozenset()
        self.failure, self.status, self.run_folder = None, None, run_folder
        self.history = RunFolder(run_folder).metrics.read() if run_folder else MetricsHistory()
        self._set_state(SessionState.LOADING)
        self.started_over.emit()
        card = self.entry.card.experiment(self.experiment_id)
        values = self.parameters.model_dump(mode="json")
        device = remote[1] if (remote := split_remote_id(self.device)) else self.device
        self._send(Load(self.entry.card.id, card.id, card.experiment, values, self.seed, device, run_folder))

    def _take_worker(self) -> None:
        """Have a living worker where the chosen device is; raises UserError where there is none to be had."""
        remote = split_remote_id(self.device)
        where = remote[0] if remote else None
        if self._worker is not None and self._worker.is_alive and self._worker.where == where:
            return
        worker = self._engine.take_worker(where)
        if self._worker is not None and self._worker.is_alive:
            self._engine.pool.release(self._worker)
        self._connect(worker)

    def _connect(self, worker: AnyWorker) -> None:
        self._disconnect()
        self._worker = worker
        worker.received.connect(self._receive)
        worker.died.connect(self._bury)

    def _disconnect(self) -> None:
        if self._worker:
            self._worker.received.disconnect(self._receive)
            self._worker.died.disconnect(self._bury)

    # Control

    def train(self) -> None:
        """Train on, or anew once the run has ended; waits in line where the device is taken."""
        self._go("train")

    def step(self) -> None:
        """Do one step and pause."""
        self._go("step")

    def pause(self) -> None:
        """Pause before the next step, saving a checkpoint."""
        self._train_when_ready = None
        if self.state is SessionState.QUEUED:
            self._engine.device_queue.release(self)
            self._set_state(self._state_before_queue())
        else:
            self._send(Control("pause"))

    def stop(self) -> None:
        """End the run; the trained model stays. A step that does not end within 5 s is ended with its process."""
        self._train_when_ready = None
        if self.state is SessionState.QUEUED:
            self.pause()
            return
        self._send(Control("stop"))
        if self.state in (SessionState.RUNNING, SessionState.LOADING):
            self._stop_timer.start()

    def start_turn(self) -> None:
        """Begin to train after having waited for the device (called by the device queue)."""
        if self.state is SessionState.QUEUED:
            self._send(Control(self._queued_control))

    def set_parameters(self, parameters: Parameters) -> None:
        """Take over new values: live ones at once, the others when the experiment is built anew.

        An experiment that has not begun is built anew by itself after a short quiet time.
        """
        if parameters == self.parameters:
            return
        self.parameters = parameters
        differing = parameters.difference(self._applied)
        live = {name: value for name, value in differing.items() if parameters.spec(name).is_live}
        self.pending = frozenset(differing) - frozenset(live)
        if self.state is SessionState.READY:
            self._rebuild_timer.start()
        elif live and self.state in (SessionState.RUNNING, SessionState.PAUSED, SessionState.FINISHED):
            self._applied = self._applied.changed(**live)
            self._send(SetParameters(live))
        elif self.state in (SessionState.LOADING, SessionState.FAILED):
            self._rebuild_timer.start()
        self.parameters_changed.emit(parameters)

    def set_seed(self, seed: int) -> None:
        """Use another seed from the next build on."""
        if seed != self.seed:
            self.seed = seed
            self._mark_pending("seed")

    def set_device(self, device: str) -> None:
        """Compute on another device from the next build on."""
        if device != self.device:
            self.device = device
            self._mark_pending("device")

    def grant_frame(self) -> None:
        """Say that the last frame is painted and another may come."""
        self._send(Credit())

    def _mark_pending(self, name: str) -> None:
        self.pending |= {name}
        if self.state is SessionState.READY:
            self._rebuild_timer.start()
        self.parameters_changed.emit(self.parameters)

    def _go(self, what: Any) -> None:
        if self._rebuild_timer.isActive() or self.state is SessionState.FAILED or self._has_run_out():
            self._load(None)
        if self.state is SessionState.LOADING:
            self._train_when_ready = what
        elif self.state in (SessionState.READY, SessionState.PAUSED, SessionState.FINISHED):
            self._request_turn(what)

    def _has_run_out(self) -> bool:
        """Whether the run has ended and its parameters do not ask for more steps."""
        if self.state is not SessionState.FINISHED:
            return False
        total, step = getattr(self._applied, "steps", None), self.status.step if self.status else 0
        return self.pending != frozenset() or total is None or step >= total or self._was_stopped

    _was_stopped = False
    _queued_control: Any = "train"

    def _request_turn(self, what: Any) -> None:
        own = self.information.device.id if self.information else "cpu"
        device = self.device if split_remote_id(self.device) else own
        self._queued_control = what
        if self._engine.device_queue.request(self, device):
            self._send(Control(what))
        else:
            self._set_state(SessionState.QUEUED)

    def _state_before_queue(self) -> SessionState:
        return SessionState.PAUSED if self.run_folder else SessionState.READY

    # Questions

    async def ask(self, action: str, /, **arguments: Any) -> Any:
        """Call an action and await its answer, between two steps; raises UserError if it cannot be had."""
        return await self._asking.ask(action, arguments)

    def ask_latest(
        self,
        action: str,
        done: Callable[[Any], None],
        /,
        *,
        partial: Callable[[Any], None] | None = None,
        failed: Callable[[UserError], None] | None = None,
        **arguments: Any,
    ) -> None:
        """Call an action; while one is under way, only the newest request of it is kept."""
        self._asking.ask_latest(action, arguments, done, partial, failed or self._log_refusal)

    @property
    def answers(self) -> int:
        """How many requests of the panel (actions, exports) the worker has answered."""
        return self._asking.answers

    async def export(self, folder: Path) -> list[str]:
        """Write run.json, metrics.csv, weights and the plugin's own files; return their names."""
        return await self._asking.export(folder)

    @staticmethod
    def _log_refusal(error: UserError) -> None:
        log.info("an action was refused: %s", error)

    # From the worker

    @Slot(object)
    def _receive(self, report: Report) -> None:
        match report:
            case FrameMessage():
                self.frame_arrived.emit(report.frame)
            case MetricsMessage():
                self.history.append(report.block)
                self.metrics_arrived.emit(report.block)
            case Status():
                self.status = report
                self.status_changed.emit(report)
            case ProgressMessage():
                self.progressed.emit(report.progress)
            case Answer() | Partial() | Refusal():
                self._asking.take(report)
            case StateChanged():
                self._take_state(report)
            case Loaded():
                self._take_loaded(report)
            case Failure():
                self._take_failure(report)
            case Ready():
                pass

    def _take_loaded(self, information: Loaded) -> None:
        self.information = information
        self.run_folder = information.run_folder
        if self.run_folder:
            self._applied = self._applied.checked(information.parameters)
            self.parameters, self.seed, self.pending = self._applied, information.seed, frozenset()
            self.parameters_changed.emit(self.parameters)
        self.history.truncate(information.step)
        self.grant_frame()
        self.loaded.emit(information)

    def _take_state(self, change: StateChanged) -> None:
        state = _OF_WORKER[change.state]
        if change.run_folder:
            self.run_folder = change.run_folder
        if state is not SessionState.RUNNING:
            self._stop_timer.stop()
        if state in (SessionState.PAUSED, SessionState.FINISHED, SessionState.FAILED):
            self._engine.device_queue.release(self)
        self._was_stopped = state is SessionState.FINISHED and not self._is_at_end(change.step)
        self._set_state(state)
        if state in (SessionState.READY, SessionState.PAUSED) and self._train_when_ready:
            what, self._train_when_ready = self._train_when_ready, None
            self._request_turn(what)

    def _is_at_end(self, step: int) -> bool:
        total = getattr(self._applied, "steps", None)
        return total is None or step >= total

    def _take_failure(self, failure: Failure) -> None:
        self.failure = failure
        self.failed.emit(failure)

    @Slot(object)
    def _bury(self, exit_code: int | str | None) -> None:
        sentence, mend = death_sentence(exit_code)
        details = self._log_tail()
        self._lose_worker(
            Failure(
                "killed" if exit_code == -9 else "crashed", sentence, mend, details, self._step(), self._saved_step()
            )
        )

    @Slot()
    def _end_hung_worker(self) -> None:
        if self._worker:
            worker = self._worker
            sentence = "The step did not end within 5 s of Stop, so its process was ended."
            failure = Failure(
                "hung", sentence, "Restart from the last checkpoint.", "", self._step(), self._saved_step()
            )
            self._disconnect()
            worker.kill()
            self._worker = None
            self._lose_worker(failure)

    def _lose_worker(self, failure: Failure) -> None:
        if self._worker:
            self._disconnect()
            self._worker = None
        self._stop_timer.stop()
        self._asking.refuse_all(failure.sentence)
        self._engine.device_queue.release(self)
        self._set_state(SessionState.FAILED)
        self._take_failure(failure)

    def _step(self) -> int | None:
        return self.status.step if self.status else None

    def _saved_step(self) -> int | None:
        return self.status.checkpoint_step if self.status else None

    def _log_tail(self) -> str:
        ready = self._worker.ready if self._worker else None
        if ready is None or not ready.log.exists():
            return ""
        lines = ready.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join([f"Last lines of {ready.log}:", *lines[-DETAIL_LINES:]])

    # Own

    @property
    def worker_process(self) -> int | None:
        """Identifier of the worker process, if there is one."""
        return self._worker.process_id if self._worker else None

    def _send(self, request: Request) -> None:
        if self._worker:
            self._worker.send(request)

    def _set_state(self, state: SessionState) -> None:
        if state is not self.state:
            self.state = state
            self.state_changed.emit(state)
            self._engine.sessions_changed.emit()
