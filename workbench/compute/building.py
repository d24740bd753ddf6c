"""Making an experiment of its class, parameters, seed and device: the same for the app, the CLI and a cluster."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch

from workbench.compute.devices import resolve
from workbench.compute.random_state import seed_everything
from workbench.runs import folders
from workbench.sdk import Context, Experiment, Parameters

E = TypeVar("E", bound=Experiment[Any, Any])


def make_context(seed: int, device: str = "cpu", cache: Path | None = None) -> Context:
    """Seed everything and return the context for one experiment; raises UserError for an unknown device."""
    torch_device = torch.device(resolve(device).id)
    seed_everything(seed)
    generator = torch.Generator(torch_device)
    generator.manual_seed(seed)
    cache = cache or folders().cache
    return Context(torch_device, torch.float32, seed, generator, np.random.default_rng(seed), cache)


def build(
    experiment_type: type[E],
    parameters: Parameters | Mapping[str, Any] | None = None,
    *,
    seed: int = 0,
    device: str = "cpu",
    cache: Path | None = None,
) -> E:
    """Construct an experiment; `prepare` has still to be run through.

    Raises InvalidParameters for refused values and UserError for an unknown device.
    """
    if not isinstance(parameters, Parameters):
        parameters = experiment_type.parameters_type.checked(parameters or {})
    return experiment_type(parameters, make_context(seed, device, cache))


def prepared(experiment: E) -> E:
    """Run `prepare` to its end and return the experiment."""
    for _ in experiment.prepare():
        pass
    return experiment
