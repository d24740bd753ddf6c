"""Random generators: seeding, capturing and restoring all of them, and looking without touching them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from workbench.sdk import Context

RandomState = dict[str, Any]


def seed_everything(seed: int) -> None:
    """Seed the global generators of Python, numpy and torch, on all devices."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def capture_random_state(context: Context) -> RandomState:
    """Copy the state of the global generators and of the context's two; plain values and tensors only."""
    version, words, gauss = random.getstate()
    _, keys, position, has_gauss, cached = np.random.get_state(legacy=True)
    state: RandomState = {
        "python": [version, list(words), gauss],
        "numpy": [torch.from_numpy(np.asarray(keys, np.uint32).copy()), int(position), int(has_gauss), float(cached)],
        "torch": torch.get_rng_state(),
        "generator": context.generator.get_state(),
        "rng": context.rng.bit_generator.state,
    }
    if context.device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(context.device)
    elif context.device.type == "mps":
        state["mps"] = torch.mps.get_rng_state()
    return state


def restore_random_state(context: Context, state: RandomState) -> None:
    """Put back what `capture_random_state` copied."""
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words), gauss))
    keys, position, has_gauss, cached = state["numpy"]
    np.random.set_state(("MT19937", keys.numpy(), position, has_gauss, cached))
    torch.set_rng_state(state["torch"])
    context.generator.set_state(state["generator"])
    context.rng.bit_generator.state = state["rng"]
    if "cuda" in state and context.device.type == "cuda":
        torch.cuda.set_rng_state(state["cuda"], context.device)
    elif "mps" in state and context.device.type == "mps":
        torch.mps.set_rng_state(state["mps"])


@contextmanager
def watching(context: Context) -> Iterator[None]:
    """Run without gradients and under a forked random state: whatever is drawn inside, nothing outside changes."""
    state = capture_random_state(context)
    try:
        with torch.no_grad():
            yield
    finally:
        restore_random_state(context, state)
