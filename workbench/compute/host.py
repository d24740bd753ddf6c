"""One experiment being served: preparing, stepping, reporting, checkpointing, a slice at a time."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from workbench.catalog import load_object
from workbench.compute.building import build
from workbench.compute.checkpoint import read_checkpoint, restore_checkpoint
from workbench.compute.devices import memory_used, resolve
from workbench.compute.faults import describe
from workbench.compute.frames import FramePacer
from workbench.compute.metrics_buffer import MetricsBuffer
from workbench.compute.protocol import (
    Answer,
    Ask,
    Control,
    Export,
    Failure,
    FrameMessage,
    Load,
    Loaded,
    MetricsMessage,
    ProgressMessage,
    Refusal,
    Report,
    StateChanged,
    Status,
    WorkerOptions,
    WorkerState,
)
from workbench.compute.recording import Recorder, export_run, versions
from workbench.compute.tasks import Actions
from workbench.runs import RunFolder, RunStore
from workbench.sdk import Experiment, Frame, InvalidParameters, MetricsHistory, Progress, UserError

log = logging.getLogger(__name__)

FLUSH_SECONDS = 0.1
STATUS_SECONDS = 0.25
RATE_WINDOW_SECONDS = 3.0


class Host:
    """Serves one experiment. `advance` does one slice of work; `wait` says how long there is nothing to do.

    Construction imports and builds the experiment; raises what its code raises.
    """

    def __init__(
        self, load: Load, options: WorkerOptions, send: Callable[[Report], None], memory: Callable[[], int]
    ) -> None:
        self._load, self._options, self._send, self._memory = load, options, send, memory
        self._checkpoint = read_checkpoint(RunFolder(load.run_folder).checkpoint) if load.run_folder else None
        parameters = self._checkpoint["parameters"] if self._checkpoint else load.parameters
        seed = int(self._checkpoint["seed"]) if self._checkpoint else load.seed
        self._device = resolve(load.device)
        self.experiment: Experiment[Any, Any] = build(
            load_object(load.experiment), parameters, seed=seed, device=self._device.id, cache=options.cache
        )
        self.state: WorkerState = "loading"
        self._preparation: Iterator[Progress] = self.experiment.prepare()
        self._run: Iterator[Any] | None = None
        self._actions = Actions(self.experiment, send, self._note_edit)
        self._waiting_asks: list[Ask] = []
        self._frames = FramePacer(self.experiment, options.frame_share, self._send_frame)
        self._buffer = MetricsBuffer()
        self._recorder: Recorder | None = None
        self._train_when_ready = False
        self._only_one_step = False
        self._seconds = 0.0
        self._rate: deque[tuple[float, int]] = deque()
        self._last_flush = self._last_status = self._last_progress = self._last_checkpoint = time.perf_counter()

    # Work

    def advance(self) -> None:
        """Do one slice of whatever there is to do."""
        if self.state == "loading":
            self._prepare_slice()
            return
        if self.state == "running":
            self._step()
        self._actions.advance()
        now = time.perf_counter()
        if self.state == "running" and now - self._last_flush >= FLUSH_SECONDS:
            self._flush()
        if self.state == "running" and now - self._last_status >= STATUS_SECONDS:
            self._send_status()
        if self.state == "running" and now - self._last_checkpoint >= self._options.checkpoint_seconds:
            self._save_checkpoint()
        self._show_frame()

    def wait(self) -> float | None:
        """Seconds until there is something to do without a new message; None: nothing."""
        if self.state in ("loading", "running") or self._actions.are_running:
            return 0.0
        return self._frames.wait() if self.state != "failed" else None

    def _prepare_slice(self) -> None:
        try:
            progress = next(self._preparation)
        except StopIteration:
            self._finish_loading()
        except Exception as error:
            self.fail(error, "preparing the data")
        else:
            self._say(progress)

    def _finish_loading(self) -> None:
        step = 0
        if self._checkpoint is not None and self._load.run_folder is not None:
            try:
                restore_checkpoint(self.experiment, self._checkpoint)
            except UserError as error:
                self.fail(error, "restoring the checkpoint")
                return
            step = self.experiment.step
            self._seconds = float(self._checkpoint["seconds"])
            self._recorder = Recorder.resume(self._load.run_folder, step)
        self._send(ProgressMessage(None))
        self._send(self._loaded(step))
        self._set_state("paused" if self._recorder else "ready")
        self._send_status()
        for ask in self._waiting_asks:
            self._actions.start(ask)
        self._waiting_asks.clear()
        if self._train_when_ready:
            self.control(Control("train"))

    def _loaded(self, step: int) -> Loaded:
        dtype = str(self.experiment.context.dtype).removeprefix("torch.")
        run_folder = self._recorder.folder.path if self._recorder else None
        values = self.experiment.parameters.model_dump(mode="json")
        total, seed = self.experiment.total_steps, self.experiment.context.seed
        return Loaded(self._actions.known, self._device, dtype, step, total, run_folder, values, seed)

    def _step(self) -> None:
        if self._run is None:
            self._run = iter(self.experiment.run())
        began = time.perf_counter()
        try:
            produced = next(self._run)
        except StopIteration:
            self._end("finished")
            return
        except Exception as error:
            self.fail(error, f"step {self.experiment.step + 1}")
            return
        finally:
            self._seconds += time.perf_counter() - began
        if isinstance(produced, Progress):
            self._say(produced)
            return
        self._buffer.add(self.experiment.step, produced)
        self._frames.is_stale = True
        if self._only_one_step:
            self._pause()

    # Requests

    def control(self, control: Control) -> None:
        """Train on, pause, do one step, or end the run."""
        match control.what, self.state:
            case (("train" | "step"), "loading"):
                self._train_when_ready = True
            case (("train" | "step"), ("ready" | "paused" | "finished")):
                self._only_one_step = control.what == "step"
                self._begin()
            case "pause", "running":
                self._pause()
            case "pause", "loading":
                self._train_when_ready = False
            case "stop", ("running" | "paused"):
                self._end("stopped")
            case "stop", "loading":
                self._preparation = iter(())
                self._send(ProgressMessage(None))
                self._send(Failure("load", "Preparing was stopped.", "Press Reset to prepare again."))
                self._set_state("failed")
        if control.what == "stop":
            self._actions.cancel(sentence="Stopped.")

    def set_parameters(self, values: Mapping[str, Any]) -> None:
        """Apply live parameters; they were checked by the UI with the same model."""
        try:
            new = self.experiment.parameters.changed(**values)
        except InvalidParameters as error:
            self._send(Failure("exception", str(error)))
            return
        changed = frozenset(new.difference(self.experiment.parameters))
        if changed:
            self.experiment.parameters = new
            self.experiment.parameters_changed(changed)
            self._frames.is_stale = True
            if self._recorder:
                self._recorder.note_edit(self.experiment.step, {"parameters": {k: getattr(new, k) for k in changed}})
            self._send_status()

    def ask(self, ask: Ask) -> None:
        """Start an action, or keep it until the experiment is prepared."""
        if self.state == "loading":
            self._waiting_asks.append(ask)
        elif self.state == "failed":
            self._send(Refusal(ask.id, "The experiment has failed; press Reset to build it again."))
        else:
            self._actions.start(ask)

    def cancel(self, id: int) -> None:
        """Forget an action."""
        for ask in [ask for ask in self._waiting_asks if ask.id == id]:
            self._waiting_asks.remove(ask)
            self._send(Refusal(id, "Cancelled."))
        self._actions.cancel(id)

    def grant(self) -> None:
        """Take a credit for one frame; there is never more than one, so that frames cannot queue up."""
        self._frames.credits = min(self._frames.credits + 1, 1)

    def export(self, export: Export) -> None:
        """Write the run's files and answer with their names."""
        self._flush()
        history = self._recorder.folder.metrics.read() if self._recorder else MetricsHistory()
        try:
            self._send(Answer(export.id, export_run(export.folder, self.experiment, history, self._record())))
        except (OSError, UserError) as error:
            self._send(Refusal(export.id, f"Nothing could be written to {export.folder}: {error}"))

    def close(self) -> None:
        """Leave an open run so that it can be continued."""
        if self.state == "running":
            self._pause()
        self._actions.cancel(sentence="The session was closed.")

    # State

    def fail(self, error: Exception, doing: str) -> None:
        """Report what went wrong and stop here, keeping the last good checkpoint."""
        log.exception("failed at %s", doing, exc_info=error)
        self._flush(may_pause=False)
        failure = describe(error, self.experiment, doing)
        self._report_failure(failure)
        if self._recorder:
            self._recorder.write("failed", self.experiment)
        for ask in self._waiting_asks:
            self._send(Refusal(ask.id, failure.sentence))
        self._waiting_asks.clear()
        self._set_state("failed")

    def _report_failure(self, failure: Failure) -> None:
        checkpoint = self._recorder.checkpoint_step if self._recorder else None
        self._send(Failure(failure.kind, failure.sentence, failure.mend, failure.details, failure.step, checkpoint))

    def _begin(self) -> None:
        if self._recorder is None:
            store = RunStore(self._options.runs)
            self._recorder = Recorder.begin(store, self._load.plugin, self._load.experiment_id, self.experiment)
        if self.state == "finished":
            self._run = None
        self._recorder.write("running", self.experiment)
        self._rate.clear()
        self._last_flush = 0.0  # the first step is reported at once
        self._last_checkpoint = time.perf_counter()
        self._set_state("running")

    def _pause(self) -> None:
        self._only_one_step = False
        if self._flush(may_pause=False):
            self._save_checkpoint()
        if self._recorder:
            self._recorder.write("paused", self.experiment)
        self._send_status()  # before the state: who sees "paused" finds the step it was paused at
        self._set_state("paused")

    def _end(self, status: Any) -> None:
        self._only_one_step = False
        if self._flush(may_pause=False):
            self._save_checkpoint()
        if self._recorder:
            self._recorder.write(status, self.experiment)
        self._run = None
        self._frames.is_stale = True
        self._send(ProgressMessage(None))
        self._send_status()
        self._set_state("finished")

    def _set_state(self, state: WorkerState) -> None:
        self.state = state
        folder = self._recorder.folder.path if self._recorder else None
        self._send(StateChanged(state, self.experiment.step, folder))

    def _save_checkpoint(self) -> None:
        self._last_checkpoint = time.perf_counter()
        if self._recorder is None or self._recorder.checkpoint_step == self.experiment.step:
            return
        try:
            self._recorder.checkpoint(self.experiment)
        except (OSError, TypeError, RuntimeError) as error:
            self._report_failure(Failure("exception", f"The checkpoint could not be saved: {error}"))

    def _note_edit(self, action: str, arguments: Mapping[str, Any]) -> None:
        self._frames.is_stale = True
        if self._recorder:
            self._recorder.note_edit(self.experiment.step, {"action": action, "arguments": sorted(arguments)})

    def _record(self) -> dict[str, Any]:
        if self._recorder:
            return self._recorder.record.model_dump()
        context = self.experiment.context
        return {
            "plugin": self._load.plugin,
            "experiment": self._load.experiment_id,
            "parameters": self.experiment.parameters.model_dump(mode="json"),
            "seed": context.seed,
            "device": str(context.device),
            "versions": versions(),
            "step": self.experiment.step,
        }

    # Reports

    def _flush(self, may_pause: bool = True) -> bool:
        """Send what was measured; return whether the losses in it are finite. Pauses the run if they are not."""
        self._last_flush = time.perf_counter()
        block = self._buffer.flush()
        if block is None:
            return True
        if self._recorder:
            block = self._recorder.add(block, self._seconds)
        self._send(MetricsMessage(block))
        bad = block.first_non_finite()
        if bad is None:
            return True
        name, step, value = bad
        checkpoint = self._recorder.checkpoint_step if self._recorder else None
        mend = (
            f"Restart from the checkpoint at step {checkpoint} with a smaller learning rate, or Reset."
            if checkpoint is not None
            else "Reset and try a smaller learning rate."
        )
        self._send(
            Failure("nan", f"{name} became {value} at step {step}, so the run is paused.", mend, "", step, checkpoint)
        )
        if may_pause:
            if self._recorder:
                self._recorder.write("paused", self.experiment)
            self._set_state("paused")
        return False

    def _show_frame(self) -> None:
        if self.state == "failed":
            return
        try:
            self._frames.send_if_due()
        except Exception as error:
            log.exception("frame failed")
            failure = describe(error, self.experiment, "drawing")
            self._report_failure(failure)
            self._frames.credits = -(2**31)

    def _send_frame(self, frame: Frame) -> None:
        self._send(FrameMessage(frame, self.experiment.step))

    def _send_status(self) -> None:
        now = self._last_status = time.perf_counter()
        step, total = self.experiment.step, self.experiment.total_steps
        self._rate.append((now, step))
        while len(self._rate) > 2 and now - self._rate[0][0] > RATE_WINDOW_SECONDS:
            self._rate.popleft()
        (first_time, first_step), span = self._rate[0], now - self._rate[0][0]
        rate = (step - first_step) / span if span > 0 and self.state == "running" else 0.0
        left = (total - step) / rate if total is not None and rate > 0 and first_time < now else None
        recorder = self._recorder
        self._send(
            Status(
                step,
                total,
                rate,
                self._seconds,
                left,
                self._memory(),
                memory_used(self.experiment.context.device),
                recorder.checkpoint_step if recorder else None,
                recorder.checkpoint_age if recorder else None,
                self._frames.cost,
            )
        )

    def _say(self, progress: Progress) -> None:
        now = time.perf_counter()
        if now - self._last_progress >= FLUSH_SECONDS or progress.fraction == 1.0:
            self._last_progress = now
            self._send(ProgressMessage(progress))
