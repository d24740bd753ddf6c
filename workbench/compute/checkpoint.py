"""Checkpoints: the state of an experiment and of all random generators in one file, replaced atomically."""

from __future__ import annotations

import contextlib
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from workbench.compute.random_state import capture_random_state, restore_random_state
from workbench.compute.state import capture_state, restore_state
from workbench.runs.atomic import replacing
from workbench.sdk import Experiment, UserError

FORMAT = 1


def save_checkpoint(path: Path, experiment: Experiment[Any, Any], seconds: float) -> None:
    """Write the state; the checkpoint before it is kept as `<name>.previous`.

    Raises TypeError if the experiment holds something that cannot be saved.
    """
    content = {
        "format": FORMAT,
        "parameters": experiment.parameters.model_dump(mode="json"),
        "seed": experiment.context.seed,
        "step": experiment.step,
        "seconds": seconds,
        "state": capture_state(experiment),
        "random": capture_random_state(experiment.context),
    }
    with replacing(path) as temporary:
        torch.save(content, temporary)
        if path.exists():
            path.replace(previous_of(path))


def previous_of(path: Path) -> Path:
    """Return where the checkpoint before `path` is kept."""
    return path.with_suffix(f"{path.suffix}.previous")


def read_checkpoint(path: Path) -> Mapping[str, Any]:
    """Read a checkpoint, or the one before it if the newest is damaged; nothing in it is ever executed.

    Raises UserError with one sentence if neither can be used.
    """
    for candidate in (path, previous_of(path)):
        with contextlib.suppress(OSError, RuntimeError, ValueError, KeyError, EOFError, pickle.UnpicklingError):
            content = torch.load(candidate, map_location="cpu", weights_only=True)
            if isinstance(content, dict) and content.get("format") == FORMAT:
                return content
    raise UserError(f"{path.name} is not a checkpoint of this version of the workbench, or it is damaged.")


def restore_checkpoint(experiment: Experiment[Any, Any], content: Mapping[str, Any]) -> None:
    """Put a checkpoint's state into an experiment that was built with its parameters and seed and prepared.

    Raises UserError if the state does not fit.
    """
    try:
        restore_state(experiment, content["state"])
    except (RuntimeError, ValueError, KeyError, AttributeError, TypeError) as error:
        first_line = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UserError(f"The checkpoint does not fit this version of the experiment: {first_line}") from error
    restore_random_state(experiment.context, content["random"])
