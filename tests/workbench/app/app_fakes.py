"""A session that answers at once and keeps what it was told, with the signals of the real one."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from PySide6.QtCore import QObject, Signal

from workbench.compute.protocol import DeviceInfo, Failure, Loaded, Status
from workbench.engine import SessionState
from workbench.sdk import MetricsHistory, Parameters, Preset, choice, choices, file, param

CPU = DeviceInfo("cpu", "a processor", 8 * 2**30)
GPU = DeviceInfo("cuda:0", "an accelerator", 16 * 2**30)


class DemoParameters(Parameters):
    """One field of each kind, bounds, groups, a cross-field rule."""

    presets = (
        Preset("quick", "Small and fast.", {"steps": 50, "width": 16}),
        Preset("paper", "As in the paper.", {"steps": 5000, "width": 512}, cost="about 2 h on a GPU"),
    )
    kind: Literal["relu", "gelu"] = choice("relu", help="Activation", labels={"relu": "ReLU", "gelu": "GELU"})
    steps: int = param(300, ge=1, unit="steps", help="Optimiser steps")
    rate: float = param(1e-3, ge=1e-6, le=1.0, log=True, live=True, help="Step size", label="learning rate")
    width: int = param(64, ge=8, le=512, help="Units in a layer", group="Model")
    depth: int | None = param(None, ge=1, le=8, help="Layers", group="Model")
    methods: tuple[Literal["a", "b", "c"], ...] = choices(("a", "b"), help="What to compare", at_least=1, group="Data")
    noise: float = param(0.1, ge=0, lt=1, help="Standard deviation", group="Data")
    shuffle: bool = param(True, help="New order each epoch", group="Data")
    points: str = file(help="Own data", suffixes=(".csv",), group="Data")
    note: str = param("", help="Anything", group="Notes")


class FakeSession(QObject):
    state_changed = Signal(object)
    loaded = Signal(object)
    metrics_arrived = Signal(object)
    frame_arrived = Signal(object)
    progressed = Signal(object)
    status_changed = Signal(object)
    failed = Signal(object)
    parameters_changed = Signal(object)
    started_over = Signal()

    def __init__(self, parameters: Parameters | None = None, seed: int = 0, device: str = "auto") -> None:
        super().__init__()
        self.parameters = parameters or DemoParameters()
        self.seed, self.device = seed, device
        self.state = SessionState.LOADING
        self.history = MetricsHistory()
        self.run_folder: Path | None = None
        self.pending: frozenset[str] = frozenset()
        self.information: Loaded | None = None
        self.status: Status | None = None
        self.failure: Failure | None = None
        self.calls: list[Any] = []
        self.answers: dict[str, Any] = {}
        self.credits = 0
        self.worker_process = None

    def become(self, state: SessionState) -> None:
        self.state = state
        self.state_changed.emit(state)

    def load(self, device: DeviceInfo = CPU) -> None:
        total, values = getattr(self.parameters, "steps", None), self.parameters.model_dump()
        self.information = Loaded({}, device, "float32", 0, total, None, values, self.seed)
        self.loaded.emit(self.information)
        self.become(SessionState.READY)

    def report(self, step: int, total: int | None = 300, speed: float = 100.0) -> None:
        left = (total - step) / speed if total else None
        self.status = Status(step, total, speed, step / speed, left, 300 * 2**20, None, None, None)
        self.status_changed.emit(self.status)

    def fail(self, failure: Failure) -> None:
        self.become(SessionState.FAILED)
        self.failure = failure
        self.failed.emit(failure)

    def train(self) -> None:
        self.calls.append("train")

    def pause(self) -> None:
        self.calls.append("pause")

    def step(self) -> None:
        self.calls.append("step")

    def stop(self) -> None:
        self.calls.append("stop")

    def reset(self) -> None:
        self.calls.append("reset")

    def restart_from_checkpoint(self) -> None:
        self.calls.append("restart_from_checkpoint")

    def close(self) -> None:
        self.become(SessionState.CLOSED)

    def set_parameters(self, parameters: Parameters) -> None:
        self.calls.append(("set_parameters", parameters.difference(self.parameters)))
        self.parameters = parameters
        self.parameters_changed.emit(parameters)

    def set_seed(self, seed: int) -> None:
        self.calls.append(("set_seed", seed))
        self.seed = seed

    def set_device(self, device: str) -> None:
        self.calls.append(("set_device", device))
        self.device = device

    def grant_frame(self) -> None:
        self.credits += 1

    async def ask(self, action: str, /, **arguments: Any) -> Any:
        self.calls.append(("ask", action, arguments))
        return self.answers[action]

    async def export(self, folder: Path) -> list[str]:
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("run.json", "metrics.csv", "weights.safetensors", "artefact.txt"):
            (folder / name).write_text("{}", encoding="utf-8")
        return ["run.json", "metrics.csv", "weights.safetensors", "artefact.txt"]


class FakeEngine(QObject):
    """Opens fake sessions and remembers them."""

    devices_changed = Signal()
    sessions_changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.devices = (CPU,)
        self.threads = 1
        self.sessions: list[FakeSession] = []
        self.settings_used: list[Any] = []

    def open_session(
        self,
        entry: Any,
        experiment_id: str,
        parameters: Parameters,
        seed: int = 0,
        device: str = "auto",
        run_folder: Path | None = None,
    ) -> FakeSession:
        session = FakeSession(parameters, seed, device)
        session.entry, session.experiment_id, session.run_folder = entry, experiment_id, run_folder
        self.sessions.append(session)
        return session

    def close_session(self, session: FakeSession) -> None:
        session.close()
        self.sessions.remove(session)

    def start(self) -> None:
        pass

    def apply_settings(self, settings: Any) -> None:
        self.settings_used.append(settings)

    def shutdown(self) -> None:
        for session in list(self.sessions):
            self.close_session(session)
