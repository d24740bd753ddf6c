"""Coefficients and solutions: generated a sample at a time, or read from a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from plugins.mgno.contract import FROM_FILES
from workbench.sdk import Progress, UserError
from workbench.toolkit.data_cache import cached
from workbench.toolkit.elliptic import solve_darcy, solve_darcy_nodes, solve_helmholtz, wave_speed
from workbench.toolkit.field_files import load_field_pairs, load_pipe
from workbench.toolkit.random_fields import multiscale_coefficient, neumann_field, two_phases

if TYPE_CHECKING:
    from plugins.mgno.contract import FieldParameters

Fields = Float[np.ndarray, "b n n"]
MULTISCALE_TERMS = 6
TEST_SEED = 10_000_000
PADDING_OF = {"darcy_rough": "zeros", "darcy_smooth": "zeros", "darcy_multiscale": "zeros", "helmholtz": "reflect",
              "pipe": "zeros", "file": "zeros"}  # fmt: skip


@dataclass(frozen=True)
class FieldSet:
    """Inputs (b, c, n, n) and outputs (b, 1, n, n)."""

    inputs: Float[Tensor, "b c n n"]
    outputs: Float[Tensor, "b 1 n n"]

    def to(self, device: torch.device) -> FieldSet:
        """Move both."""
        return FieldSet(self.inputs.to(device), self.outputs.to(device))


def noise_of(size: int, rng: np.random.Generator) -> Float[np.ndarray, "n n"]:
    """White noise of cosine modes, drawn so that a larger size extends a smaller one's modes in the same order.

    Modes are drawn shell by shell, max(k1, k2) = 0, 1, ...: the same seed on a finer grid is the same function with
    more detail.
    """
    noise = np.empty((size, size))
    for shell in range(size):
        drawn = rng.standard_normal(2 * shell + 1)
        noise[shell, : shell + 1] = drawn[: shell + 1]
        noise[:shell, shell] = drawn[shell + 1 :]
    return noise


def draw_coefficient(own: FieldParameters, n: int, seed: int, *, tau: float | None = None) -> Float[np.ndarray, "n n"]:
    """One coefficient (or wave speed) at n points a side; the same seed and another tau or n is the same draw."""
    rng = np.random.default_rng(seed)
    if own.dataset == "helmholtz":
        return wave_speed(1, n, rng)[0]
    if own.dataset == "darcy_multiscale":
        lowest = 2.0 ** np.arange(MULTISCALE_TERMS)
        return multiscale_coefficient(rng.uniform(lowest, 1.5 * lowest)[None], n)[0]
    field = neumann_field(noise_of(n, rng), own.alpha, own.tau if tau is None else tau)
    return two_phases(field, own.high, own.low)


def true_solution(own: FieldParameters, coefficient: Float[np.ndarray, "n n"]) -> Float[np.ndarray, "n n"]:
    """The true solver's answer. Raises UserError for a coefficient that the equation does not allow."""
    if not np.isfinite(coefficient).all() or coefficient.min() <= 0:
        raise UserError("The coefficient must be positive and finite everywhere.")
    if own.dataset == "helmholtz":
        return solve_helmholtz(coefficient, own.omega)
    return solve_darcy_nodes(coefficient) if own.solver == "nodes" else solve_darcy(coefficient)


def make_fields(
    own: FieldParameters, n: int, count: int, seed: int, cache: Path, purpose: str
) -> Iterator[Progress | FieldSet]:
    """Yield Progress and last `count` pairs at n points a side, kept under everything that decides them.

    With own.refine they are solved on a grid so many times finer, of which every such point is kept.
    """
    names = ("dataset", "tau", "alpha", "high", "low", "solver", "omega")
    key = {name: getattr(own, name) for name in names} | {"n": n, "count": count, "seed": seed, "version": 1}
    if own.refine > 1:
        key["refine"] = own.refine
    every = slice((own.refine - 1) // 2, None, own.refine)

    def make() -> Iterator[Progress | dict[str, np.ndarray]]:
        inputs, outputs = np.empty((count, n, n), np.float32), np.empty((count, n, n), np.float32)
        for index in range(count):
            a = draw_coefficient(own, own.refine * n, seed + index)
            inputs[index], outputs[index] = a[every, every], true_solution(own, a)[every, every]
            yield Progress(f"Solving {purpose} problems: {index + 1} of {count}", (index + 1) / count)
        yield {"inputs": inputs, "outputs": outputs}

    for said in cached(cache, f"mgno-{own.dataset}", key, make):
        yield said if isinstance(said, Progress) else checked(said["inputs"], said["outputs"], purpose)


def checked(inputs: Float[np.ndarray, "b *c n n"], outputs: Fields, source: str) -> FieldSet:
    """Make tensors; raise UserError naming the first sample that is not finite."""
    for name, values in (("input", inputs), ("output", outputs)):
        bad = np.flatnonzero(~np.isfinite(values).reshape(len(values), -1).all(1))
        if len(bad):
            raise UserError(f"{source}: the {name} of sample {bad[0]} has values that are not finite.")
    made = (torch.from_numpy(np.array(values, np.float32)) for values in (inputs, outputs))
    return FieldSet(*(values if values.ndim == 4 else values[:, None] for values in made))


def load_sets(own: FieldParameters, seed: int, cache: Path) -> Iterator[Progress | tuple[FieldSet, FieldSet]]:
    """Yield Progress and last the training and the test set: generated, or the file's samples split in order."""
    if own.dataset in FROM_FILES:
        if not own.path:
            raise UserError("Choose a file of fields, or another data set.")
        yield Progress(f"Reading {Path(own.path).name}")
        load = load_pipe if own.dataset == "pipe" else load_field_pairs
        pairs = load(Path(own.path), most=own.train + own.test, stride=own.stride)
        total = len(pairs.inputs)
        if total < 4:
            raise UserError(f"{pairs.source} holds {total} samples; at least 4 are needed.")
        tests = min(own.test, max(1, total // 4)) if total < own.train + own.test else own.test
        split = total - tests
        yield (checked(pairs.inputs[:split], pairs.outputs[:split], pairs.source),
               checked(pairs.inputs[split:], pairs.outputs[split:], pairs.source))  # fmt: skip
        return
    found = []
    for count, first, purpose in (
        (own.train, 100_000 * seed, "training"),
        (own.test, TEST_SEED + 100_000 * seed, "test"),
    ):
        for said in make_fields(own, own.n, count, first, cache, purpose):
            if isinstance(said, Progress):
                yield said
            else:
                found.append(said)
    yield found[0], found[1]
