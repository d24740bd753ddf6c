"""What crosses the pipe between the UI process and a worker: frozen dataclasses of plain values and numpy arrays.

Both sides import this module, so it imports neither Qt nor torch. Reading it top to bottom is reading the protocol.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from workbench.sdk import ActionInfo, Frame, MetricsBlock, Progress
from workbench.sdk.claims import Scale

WorkerState = Literal["loading", "ready", "running", "paused", "finished", "failed"]
FailureKind = Literal["nan", "memory", "exception", "killed", "crashed", "hung", "load"]


@dataclass(frozen=True)
class WorkerOptions:
    """What a worker process is started with. `threads` None: leave one core to the UI."""

    cache: Path
    logs: Path
    runs: Path
    plugins: Path
    threads: int | None = None
    frame_share: float = 0.05
    checkpoint_seconds: float = 60.0


@dataclass(frozen=True)
class DeviceInfo:
    """A device to compute on; `memory_total` in bytes, None where it cannot be known."""

    id: str
    title: str
    memory_total: int | None = None


# From the UI to the worker


@dataclass(frozen=True)
class Load:
    """Build an experiment; with `run_folder`, from that run's checkpoint, continuing its record."""

    plugin: str
    experiment_id: str
    experiment: str
    parameters: Mapping[str, Any]
    seed: int
    device: str
    run_folder: Path | None = None


@dataclass(frozen=True)
class Control:
    """Train on, pause before the next step, do one step, or end the run."""

    what: Literal["train", "pause", "step", "stop"]


@dataclass(frozen=True)
class SetParameters:
    """New values of live parameters, applied between two steps."""

    values: Mapping[str, Any]


@dataclass(frozen=True)
class Credit:
    """The UI has painted a frame and may be sent another."""


@dataclass(frozen=True)
class Ask:
    """Call an action; answered by Answer or Refusal with the same id, after any number of Partial."""

    id: int
    action: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class CancelAsk:
    """Forget an action that has not ended; it is answered by a Refusal."""

    id: int


@dataclass(frozen=True)
class Export:
    """Write the run's files to `folder`; answered like an action, with the names of the files."""

    id: int
    folder: Path


@dataclass(frozen=True)
class ListClaims:
    """Import a plugin's claims; answered by a tuple of ClaimCard."""

    id: int
    claims: str


@dataclass(frozen=True)
class RunClaim:
    """Run one claim's check; answered by its result in the form of reports, after Partials that hold a Progress.

    The worker does nothing else meanwhile; CancelAsk with the same id ends the check where it next reports.
    """

    id: int
    plugin: str
    claims: str
    claim: str
    scale: Scale
    device: str
    seeds: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Shutdown:
    """Save a checkpoint if a run is open, and end the process."""


Request = (
    Load | Control | SetParameters | Credit | Ask | CancelAsk | Export | ListClaims | RunClaim | Shutdown
)  # fmt: skip


# From the worker to the UI


@dataclass(frozen=True)
class Ready:
    """The process is warm: torch is imported and an optimiser was built."""

    process: int
    devices: tuple[DeviceInfo, ...]
    threads: int
    log: Path
    seconds: float


@dataclass(frozen=True)
class Loaded:
    """The experiment is built and prepared; frames and actions work.

    `run_folder` is set where a run goes on; parameters and seed are then those of its checkpoint.
    """

    actions: Mapping[str, ActionInfo]
    device: DeviceInfo
    dtype: str
    step: int
    total_steps: int | None
    run_folder: Path | None
    parameters: Mapping[str, Any]
    seed: int


@dataclass(frozen=True)
class StateChanged:
    """The worker's state; `run_folder` once a run is recorded."""

    state: WorkerState
    step: int
    run_folder: Path | None = None


@dataclass(frozen=True)
class MetricsMessage:
    """The metrics since the last message; none is ever left out."""

    block: MetricsBlock


@dataclass(frozen=True)
class FrameMessage:
    """One frame, sent against one credit."""

    frame: Frame
    step: int


@dataclass(frozen=True)
class ProgressMessage:
    """How far preparation or a long stretch of work is; None: it is over."""

    progress: Progress | None


@dataclass(frozen=True)
class Status:
    """Numbers for the run controls and the status bar. Times in seconds, memory in bytes."""

    step: int
    total_steps: int | None
    steps_per_second: float
    seconds: float
    seconds_left: float | None
    memory: int
    device_memory: int | None
    checkpoint_step: int | None
    checkpoint_age: float | None
    frame_seconds: float | None = None


@dataclass(frozen=True)
class Answer:
    """What an action returned."""

    id: int
    value: Any


@dataclass(frozen=True)
class Partial:
    """What a long action has so far: a Progress, or a part of its answer."""

    id: int
    value: Any


@dataclass(frozen=True)
class Refusal:
    """Why an action has no answer, in one sentence; `details` is a traceback where our code failed."""

    id: int
    sentence: str
    details: str = ""


@dataclass(frozen=True)
class Failure:
    """A run that cannot go on: one sentence, what to do about it, and details to copy.

    `step` is where it happened, `checkpoint_step` what it can go on from.
    """

    kind: FailureKind
    sentence: str
    mend: str = ""
    details: str = field(default="", repr=False)
    step: int | None = None
    checkpoint_step: int | None = None


Report = (
    Ready | Loaded | StateChanged | MetricsMessage | FrameMessage | ProgressMessage
    | Status | Answer | Partial | Refusal | Failure
)  # fmt: skip
