"""Turning what went wrong in an experiment into one sentence a person can use."""

from __future__ import annotations

import traceback
from typing import Any

import torch

from workbench.compute.protocol import Failure, FailureKind
from workbench.sdk import Experiment, UserError

_OUT_OF_MEMORY_WORDS = ("out of memory", "can't allocate memory", "cannot allocate memory", "not enough memory")
_SIZE_WORDS = ("batch", "width", "samples", "size", "points", "resolution", "replicas", "hidden", "channels")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that host or device memory is used up."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(word in str(error).lower() for word in _OUT_OF_MEMORY_WORDS)


def describe(error: BaseException, experiment: Experiment[Any, Any] | None, doing: str) -> Failure:
    """Make a Failure of an exception raised while `doing` something ("step 120", "preparing the data")."""
    details = "".join(traceback.format_exception(error))
    step = experiment.step if experiment else None
    kind: FailureKind = "exception"
    if is_out_of_memory(error):
        device = experiment.context.device if experiment else "this machine"
        return Failure("memory", f"Out of memory on {device} at {doing}.", _what_to_lower(experiment), details, step)
    if isinstance(error, UserError):
        return Failure("load", str(error), "", details, step)
    reason = str(error).strip().splitlines()
    text = f"{type(error).__name__}: {reason[0]}" if reason else type(error).__name__
    return Failure(kind, f"The experiment failed at {doing}: {text}", "", details, step)


def _what_to_lower(experiment: Experiment[Any, Any] | None) -> str:
    if experiment is None:
        return "Close other programs, or choose smaller sizes."
    sizes = [
        f"{spec.label} ({getattr(experiment.parameters, spec.name)})"
        for spec in type(experiment.parameters).specs()
        if spec.kind == "int" and any(word in spec.name for word in _SIZE_WORDS)
    ]
    return (
        f"Lower {', '.join(sizes)}, or choose another device." if sizes else "Choose smaller sizes or another device."
    )
