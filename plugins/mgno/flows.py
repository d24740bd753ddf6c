"""Flows of the Navier-Stokes equations: solved here, or read from a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from workbench.sdk import Progress, UserError
from workbench.toolkit.data_cache import cached
from workbench.toolkit.field_files import load_flows
from workbench.toolkit.navier_stokes import NavierStokes, li_forcing
from workbench.toolkit.random_fields import periodic_field

if TYPE_CHECKING:
    from plugins.mgno.contract import RolloutParameters

Flows = Float[np.ndarray, "b t n n"]
ALPHA, TAU = 2.5, 7.0
SLICE, QUARTER = 8, 0.25
"""Flows solved together, and units of time, between two messages."""
TEST_SEED = 600_000
FEWEST = 4


def solved_from(own: RolloutParameters, start: Float[Tensor, "b n n"], frames: int) -> Iterator[tuple[int, Tensor]]:
    """Yield quarters of frames done and the vorticity then, from `start` on, until `frames` units of time are over."""
    n = start.shape[-1]
    solver = NavierStokes(n, own.viscosity, own.time_step, scheme=own.scheme)
    yield from enumerate(solver.solve(start, li_forcing(n), frames * round(1 / QUARTER), QUARTER), 1)


def make_flows(own: RolloutParameters, count: int, seed: int, cache: Path, purpose: str) -> Iterator[Progress | Flows]:
    """Yield Progress and last `count` flows of own.frames + 1 frames from random vorticity, kept on disk.

    Raises UserError where the true solver blows up.
    """
    key = {"n": own.n, "viscosity": own.viscosity, "count": count, "seed": seed, "frames": own.frames,
           "time_step": own.time_step, "version": 1}  # fmt: skip
    if own.refine > 1 or own.scheme != "heun":
        key |= {"refine": own.refine, "scheme": own.scheme}
    every = own.refine

    def make() -> Iterator[Progress | dict[str, np.ndarray]]:
        rng = np.random.default_rng(seed)
        start = torch.as_tensor(periodic_field(own.refine * own.n, count, ALPHA, TAU, rng))
        flows = np.empty((count, own.frames + 1, own.n, own.n), np.float32)
        per_frame = round(1 / QUARTER)
        for begun in range(0, count, SLICE):
            part = slice(begun, min(begun + SLICE, count))
            flows[part, 0] = start[part, ::every, ::every].numpy()
            for index, w in solved_from(own, start[part], own.frames):
                if index % per_frame == 0:
                    flows[part, index // per_frame] = w[:, ::every, ::every].numpy()
                share = (begun + (part.stop - begun) * index / (own.frames * per_frame)) / count
                yield Progress(f"Solving {purpose} flows: {begun} to {part.stop} of {count}", share)
        bad = np.flatnonzero(~np.isfinite(flows).all((1, 2, 3)))
        if len(bad):
            raise UserError(f"Flow {bad[0]} blew up in the true solver: lower its time step.")
        yield {"flows": flows}

    for said in cached(cache, "mgno-navier-stokes", key, make):
        yield said if isinstance(said, Progress) else said["flows"]


def load_sets(own: RolloutParameters, seed: int, cache: Path) -> Iterator[Progress | tuple[Flows, Flows]]:
    """Yield Progress and last training and test flows: generated, or the file's in order, the last ones to test on."""
    if own.dataset == "file":
        if not own.path:
            raise UserError("Choose a file of flows, or flows that are solved here.")
        yield Progress(f"Reading {Path(own.path).name}")
        flows = load_flows(Path(own.path), most=own.trajectories + own.test, frames=own.frames + 1)
        if len(flows) < FEWEST:
            raise UserError(f"{Path(own.path).name} holds {len(flows)} flows; at least {FEWEST} are needed.")
        tests = min(own.test, max(1, len(flows) // 4))
        yield flows[:-tests], flows[-tests:]
        return
    found: list[Flows] = []
    for name, count, first in (("train", own.trajectories, seed), ("test", own.test, TEST_SEED + seed)):
        for said in make_flows(own, count, first, cache, name):
            if isinstance(said, Progress):
                yield said
            else:
                found.append(said)
    yield found[0], found[1]
