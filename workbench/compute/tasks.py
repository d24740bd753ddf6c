"""Actions of an experiment, answered between two steps; long ones advance a slice at a time."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch

from workbench.compute.protocol import Answer, Ask, Partial, Refusal, Report
from workbench.compute.random_state import RandomState, capture_random_state, restore_random_state, watching
from workbench.sdk import ActionInfo, Experiment, UserError, actions_of


@dataclass
class _Task:
    ask: Ask
    slices: Generator[Any, None, Any]
    edits: bool
    random: RandomState


class Actions:
    """Runs the actions of one experiment and sends their answers.

    `edited` is called with the action's name and arguments after one that changes the experiment.
    """

    def __init__(
        self,
        experiment: Experiment[Any, Any],
        send: Callable[[Report], None],
        edited: Callable[[str, Mapping[str, Any]], None],
    ) -> None:
        self.known: dict[str, ActionInfo] = actions_of(type(experiment))
        self._experiment, self._send, self._edited = experiment, send, edited
        self._tasks: list[_Task] = []

    @property
    def are_running(self) -> bool:
        """Whether a long action is under way."""
        return bool(self._tasks)

    def start(self, ask: Ask) -> None:
        """Call an action; answer at once, or begin to advance it if it is a generator."""
        info = self.known.get(ask.action)
        if info is None:
            names = ", ".join(self.known) or "none"
            self._send(Refusal(ask.id, f"The experiment has no action {ask.action!r}; it has: {names}."))
            return
        try:
            with self._looking(info):
                result = getattr(self._experiment, ask.action)(**ask.arguments)
        except Exception as error:
            self._refuse(ask, error)
            return
        if isinstance(result, Generator):
            self._tasks.append(_Task(ask, result, info.edits, capture_random_state(self._experiment.context)))
        else:
            self._finish(ask, info.edits, result)

    def advance(self) -> None:
        """Do one slice of every long action."""
        for task in list(self._tasks):
            try:
                part = self._slice(task)
            except StopIteration as stop:
                self._tasks.remove(task)
                self._finish(task.ask, task.edits, stop.value)
            except Exception as error:
                self._tasks.remove(task)
                self._refuse(task.ask, error)
            else:
                self._send(Partial(task.ask.id, plain(part)))

    def cancel(self, id: int | None = None, sentence: str = "Cancelled.") -> None:
        """End the long action `id`, or all of them."""
        for task in [task for task in self._tasks if id in (None, task.ask.id)]:
            task.slices.close()
            self._tasks.remove(task)
            self._send(Refusal(task.ask.id, sentence))

    def _slice(self, task: _Task) -> Any:
        """Advance a generator under its own random state, which goes on from slice to slice."""
        if task.edits:
            with torch.no_grad():
                return next(task.slices)
        context = self._experiment.context
        with watching(context):
            restore_random_state(context, task.random)
            try:
                return next(task.slices)
            finally:
                task.random = capture_random_state(context)

    def _looking(self, info: ActionInfo) -> AbstractContextManager[None]:
        return nullcontext() if info.edits else watching(self._experiment.context)

    def _finish(self, ask: Ask, edits: bool, value: Any) -> None:
        if edits:
            self._edited(ask.action, ask.arguments)
        self._send(Answer(ask.id, plain(value)))

    def _refuse(self, ask: Ask, error: Exception) -> None:
        details = "".join(traceback.format_exception(error))
        if isinstance(error, UserError):
            self._send(Refusal(ask.id, str(error)))
        else:
            reason = str(error).strip().splitlines()[0] if str(error).strip() else ""
            self._send(Refusal(ask.id, f"{ask.action} failed: {type(error).__name__}: {reason}", details))


def plain(value: Any) -> Any:
    """Replace tensors by numpy arrays, inside containers too: the UI process has no torch to read them with."""
    match value:
        case torch.Tensor():
            return value.detach().cpu().numpy().copy()
        case dict():
            return {key: plain(item) for key, item in value.items()}
        case list():
            return [plain(item) for item in value]
        case tuple() if type(value) is tuple:
            return tuple(plain(item) for item in value)
    return value
