import os
import signal
import time
from pathlib import Path

import numpy as np
import torch

from workbench.sdk import Experiment, Frame, Progress, UserError, action

from .contract import CountParameters, FitFrame, FitParameters


class Fit(Experiment[FitParameters, FitFrame]):
    def __init__(self, parameters, context):
        super().__init__(parameters, context)
        if parameters.fault == "construct":
            raise ValueError("cannot be built")
        self.model = torch.nn.Sequential(torch.nn.Linear(1, 8), torch.nn.Dropout(0.2), torch.nn.Linear(8, 1))
        self.model.to(context.device)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=parameters.learning_rate)
        self.pushes = 0
        self.recent = []
        if parameters.fault == "unsavable":
            self.socket = open(os.devnull)  # noqa: SIM115

    def prepare(self):
        for index in range(self.parameters.prepare_slices):
            time.sleep(0.01)
            yield Progress(f"preparing {index}", index / self.parameters.prepare_slices)
        self._x = torch.linspace(-1, 1, 32)[:, None]

    def parameters_changed(self, names):
        for group in self.optimizer.param_groups:
            group["lr"] = self.parameters.learning_rate

    def run(self):
        while self.step < self.parameters.steps:
            if self.step == self.parameters.fault_step:
                self._go_wrong()
            if self.parameters.pause:
                time.sleep(self.parameters.pause)
            noise = torch.randn(32, 1, generator=self.context.generator)
            target = self.parameters.slope * self._x + self.parameters.noise * noise
            target = target + 0.01 * float(self.context.rng.normal()) + 0.01 * float(np.random.normal())
            loss = (self.model(self._x) - target).square().mean()
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self.optimizer.step()
            self.step += 1
            value = loss.detach()
            if self.parameters.fault == "nan" and self.step == self.parameters.fault_step:
                value = value * float("nan")
            self.recent = [*self.recent[-4:], self.step]
            yield {"loss": value, "count": self.step} | ({"every/ten": self.step / 10} if self.step % 10 == 0 else {})

    def _go_wrong(self):
        match self.parameters.fault:
            case "exception":
                raise ZeroDivisionError("a bug in the plugin")
            case "segfault":
                import ctypes

                ctypes.string_at(0)
            case "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            case "hang":
                time.sleep(3600)
            case "memory":
                raise MemoryError("can't allocate memory")

    def frame(self):
        if self.parameters.fault == "frame" and self.step >= self.parameters.fault_step:
            raise RuntimeError("no picture")
        torch.rand(3)
        np.random.rand(3)
        draw = float(torch.rand(1, generator=self.context.generator)) + float(self.context.rng.random())
        if self.parameters.fault == "tensor frame":
            return FitFrame(self._x, self._x, 0.0, self.step, draw)
        y = self.model(self._x).numpy()[:, 0].copy()
        return FitFrame(self._x.numpy()[:, 0].copy(), y, float(y[-1] - y[0]) / 2, self.step, draw)

    @action
    def predict(self, x: np.ndarray) -> np.ndarray:
        """Answer what the line is at x (n,)."""
        self.context.rng.random()
        torch.rand(1)
        return self.model(torch.as_tensor(x, dtype=torch.float32)[:, None])[:, 0]

    @action
    def refuse(self):
        """Refuse with a sentence."""
        raise UserError("There is nothing to do here.")

    @action
    def break_down(self):
        """Fail with a bug."""
        raise KeyError("a bug in the action")

    @action
    def sweep(self, n: int):
        """Answer a list, a part at a time."""
        found = []
        for index in range(n):
            time.sleep(0.005)
            found.append(float(self.context.rng.random()))
            yield Progress("sweeping", index / n)
        return found

    @action(edits=True)
    def push(self, amount: float):
        """Change the model."""
        with torch.no_grad():
            self.model[2].bias += amount
        self.pushes += 1
        return self.pushes

    def save_artefacts(self, folder: Path):
        (folder / "line.txt").write_text(f"{self.step}\n")


class Count(Experiment[CountParameters, Frame]):
    def run(self):
        while self.step < self.parameters.steps:
            self.step += 1
            yield {"loss": 1.0 / self.step, "value": self.step}
