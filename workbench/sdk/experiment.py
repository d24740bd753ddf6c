"""The contract of a plugin's computation: an Experiment yields once per step, shows frames, answers actions."""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, overload

from workbench.sdk.parameters import Parameters

if TYPE_CHECKING:
    import numpy as np
    import torch

Metrics = Mapping[str, Any]
"""Name to scalar (a number or a 0-d tensor). `loss` and `loss/...` pause the run when they are not finite."""


class UserError(Exception):
    """Something the person can mend (a bad file, an impossible request): its text is one clear sentence."""


@dataclass(frozen=True)
class Frame:
    """Base class of what a panel draws at one moment: a frozen dataclass of numpy arrays and plain values."""


@dataclass(frozen=True)
class Progress:
    """Said by `prepare`, `run`, actions and claims while long work goes on; `fraction` in [0, 1] where known."""

    text: str
    fraction: float | None = None


@dataclass(frozen=True)
class Context:
    """What an experiment is given to compute with.

    `generator` lives on `device` and `rng` is numpy's; both are seeded with `seed`, and the engine saves and
    restores them. `cache` is the folder for generated or downloaded data, keyed by its parameters.
    """

    device: torch.device
    dtype: torch.dtype
    seed: int
    generator: torch.Generator
    rng: np.random.Generator
    cache: Path


P = TypeVar("P", bound=Parameters)
F = TypeVar("F", bound=Frame)


class Experiment(Generic[P, F]):
    """One computation of a paper, run in the worker process.

    Subclass as `class Sanity(Experiment[SanityParameters, SanityFrame])` and build networks and optimisers in
    `__init__`. All public attributes are the state: whatever has a `state_dict`, random generators, tensors,
    arrays, numbers, strings, and lists, tuples and dictionaries of these are saved in checkpoints and restored.
    An attribute whose name starts with `_` is derived: `__init__` or `prepare` makes it again from the
    parameters and the seed.
    """

    parameters_type: ClassVar[type[Parameters]]
    frame_type: ClassVar[type[Frame]]

    def __init__(self, parameters: P, context: Context) -> None:
        self.parameters = parameters
        self.context = context
        self.step = 0

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        for base in getattr(cls, "__orig_bases__", ()):
            if isinstance(typing.get_origin(base), type) and issubclass(typing.get_origin(base), Experiment):
                parameters_type, frame_type = typing.get_args(base)
                if isinstance(parameters_type, type):
                    cls.parameters_type, cls.frame_type = parameters_type, frame_type

    def prepare(self) -> Iterator[Progress]:
        """Make or load data, saying Progress at least every 200 ms. Runs once, before the first frame."""
        return iter(())

    def run(self) -> Iterator[Metrics | Progress]:
        """Compute from whatever state is found; increment `self.step` and yield its metrics once per step."""
        raise NotImplementedError

    def frame(self) -> F | None:
        """Return what the panel draws now. Called without gradients; must not change the state."""
        return None

    def parameters_changed(self, names: frozenset[str]) -> None:
        """React to live parameters that were changed; `self.parameters` already holds the new values."""

    @property
    def total_steps(self) -> int | None:
        """Steps after which `run` ends, for progress and time left; None where it is open-ended."""
        return getattr(self.parameters, "steps", None)

    def save_artefacts(self, folder: Path) -> None:
        """Write the plugin's own files (`melody.mid`, `tour.csv`, ...) for an export, if it has any."""


@dataclass(frozen=True)
class ActionInfo:
    """What is known of an action without calling it. `edits` says that it changes the experiment's state."""

    name: str
    help: str
    edits: bool


Method = TypeVar("Method", bound=Callable[..., Any])


@overload
def action(method: Method) -> Method: ...
@overload
def action(*, edits: bool = False) -> Callable[[Method], Method]: ...
def action(method: Method | None = None, *, edits: bool = False) -> Method | Callable[[Method], Method]:
    """Mark a method that the panel may call between two steps, with keyword arguments.

    It runs without gradients and under a forked random state, so that asking changes nothing; with `edits=True`
    it may change the experiment, draws from the real generators, and a new frame follows. A long action is a
    generator: it yields Progress or partial answers at least every 200 ms, and its `return` value is the answer.
    Raise UserError for what the person can mend.
    """

    def mark(function: Method) -> Method:
        help_text = (function.__doc__ or "").strip().split("\n")[0]
        function.__workbench_action__ = ActionInfo(function.__name__, help_text, edits)  # type: ignore[attr-defined]
        return function

    return mark if method is None else mark(method)


def actions_of(experiment_type: type[Experiment[Any, Any]]) -> dict[str, ActionInfo]:
    """Return the actions that an experiment offers, by name."""
    found = {}
    for name in dir(experiment_type):
        info = getattr(getattr(experiment_type, name, None), "__workbench_action__", None)
        if isinstance(info, ActionInfo):
            found[name] = info
    return found
