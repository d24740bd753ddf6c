"""When a frame is made: only against a credit, at most 30 a second, within its share of the worker's time."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import torch

from workbench.compute.random_state import watching
from workbench.sdk import Experiment, Frame

MINIMUM_INTERVAL = 1 / 30
"""Seconds between two frames, however cheap they are."""


class FramePacer:
    """Builds frames of one experiment under back-pressure. `share` is the part of the time that frames may take.

    `cost` is how many seconds the last frame took to build and send.
    """

    def __init__(self, experiment: Experiment[Any, Any], share: float, send: Callable[[Frame], None]) -> None:
        self._experiment, self._send = experiment, send
        self.share = share
        self.credits = 0
        self.is_stale = True
        self.cost: float | None = None
        self._next = 0.0

    def wait(self) -> float | None:
        """Seconds until a frame is due; None while no frame is wanted."""
        if not (self.is_stale and self.credits > 0):
            return None
        return max(0.0, self._next - time.perf_counter())

    def send_if_due(self) -> None:
        """Build and send a frame if one is due; whatever `frame` raises comes through."""
        if self.wait() != 0.0:
            return
        began = time.perf_counter()
        self.is_stale = False
        with watching(self._experiment.context):
            frame = self._experiment.frame()
        if frame is not None:
            self.credits -= 1
            self._send(_checked(frame))
        now = time.perf_counter()
        self.cost = now - began
        # Counted from when it was due: of steps a little shorter than the interval, not only every second one is shown.
        due = max(self._next, began - MINIMUM_INTERVAL)
        self._next = max(due + MINIMUM_INTERVAL, now + self.cost * (1 / self.share - 1))


def _checked(frame: Frame) -> Frame:
    for field in dataclasses.fields(frame):
        if isinstance(getattr(frame, field.name), torch.Tensor):
            raise TypeError(f"{type(frame).__name__}.{field.name} is a tensor; frames hold numpy arrays")
    return frame
