"""Tear explorer: train or load networks, then find on any loop where they turn the wrong way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from plugins.rotation_continuity import exports
from plugins.rotation_continuity.contract import TearParameters
from plugins.rotation_continuity.experiments.common import (
    as_rotation,
    loss_metrics,
    matrix_losses,
    set_learning_rate,
)
from plugins.rotation_continuity.experiments.rotation_test import TEST_SEED, RotationTest
from plugins.rotation_continuity.experiments.sanity import ROTATION_ENTRIES
from plugins.rotation_continuity.frames import LoopAnswer, SurfaceAnswer, TearFrame
from plugins.rotation_continuity.networks import StackedMLP, padded_outputs
from plugins.rotation_continuity.representations import REPRESENTATIONS
from plugins.rotation_continuity.topology import loop_answer, sphere_axes, tear_surface
from workbench.sdk import Context, Metrics, Progress, UserError, action
from workbench.toolkit.rotations import haar_rotations

TEST_ROTATIONS = 5000
FRAME_SAMPLES = 721  # every half degree


class Tears(RotationTest[TearParameters, TearFrame]):
    """Networks of the sanity test, dissected along loops t -> exp(t w) R_0."""

    def __init__(self, parameters: TearParameters, context: Context) -> None:
        super().__init__(parameters, context)
        names: list[str] = list(parameters.representations)
        width, depth = parameters.width, parameters.depth
        self._is_loaded = bool(parameters.weights_file)
        if self._is_loaded:
            path = Path(parameters.weights_file)
            config = exports.load_config(path)
            width, depth = config["width"], config["depth"]
            names = [name for name in names if name in config["representations"]]
            if not names:
                raise UserError(f"{path.name} holds none of the chosen representations.")
        chosen = [REPRESENTATIONS[name] for name in names]
        widths = (ROTATION_ENTRIES, *[width] * depth, padded_outputs(chosen))
        self.build(StackedMLP(len(chosen), widths), chosen, 1)
        if self._is_loaded:
            exports.load_networks(path, self.network)
        self._loop: LoopAnswer | None = None
        self._loop_step = -1

    @property
    def total_steps(self) -> int:
        """Optimiser steps; loaded networks take one step, which only looks at them."""
        return 1 if self._is_loaded else self.parameters.steps

    def prepare(self) -> Iterator[Progress]:
        """Draw the test rotations."""
        yield Progress("Drawing test rotations")
        self.set_test(haar_rotations(TEST_ROTATIONS, generator=torch.Generator().manual_seed(TEST_SEED)))
        yield from self.evaluate(whole=False)
        yield Progress("Following the first loop")
        self._first_loop()

    def run(self) -> Iterator[Metrics | Progress]:
        """Train as the sanity test does (not at all where networks were loaded), and look at one loop."""
        while self.step < self.total_steps:
            own = self.parameters
            losses: dict[str, Any] = {}
            if not self._is_loaded:
                set_learning_rate(self.optimizer, own, self.step)
                truth = torch.stack([haar_rotations(own.batch, generator=g) for g in self.generators])
                each = matrix_losses("l2", self.network(truth.flatten(-2)).squeeze(3), truth)
                self.optimizer.zero_grad(set_to_none=True)
                each.sum().backward()
                self.optimizer.step()
                losses = loss_metrics(self.network.names, each)
            self.step += 1
            is_last = self.step >= self.total_steps
            if is_last or self.step % own.evaluate_every == 0:
                yield from self.evaluate(whole=is_last)
                losses |= self._evaluation.metrics(self.network.names)
                loop = self._first_loop()
                losses |= {f"loop/{name}": error.max() for name, error in zip(loop.names, loop.error, strict=True)}
            yield losses
        if not self.is_tested:
            yield from self.evaluate(whole=True)

    def raw_codes(self, rotations: Float[Tensor, "b 3 3"], cases: Tensor) -> Float[Tensor, "r s b o"]:
        """Networks' outputs for rotations; there are no other inputs."""
        return self.network.raw(rotations.flatten(-2)[None])

    def _first_loop(self) -> LoopAnswer:
        """The loop about z through the identity, as it was at the last look at the test set."""
        seen = -1 if self._evaluation is None else self._evaluation.step
        if self._loop is None or self._loop_step != seen:
            axis, base = torch.tensor([0.0, 0.0, 1.0]), torch.eye(3)
            self._loop, self._loop_step = loop_answer(self.network, axis, base, FRAME_SAMPLES), seen
        return self._loop

    def frame(self) -> TearFrame:
        """Pack the last look at the test set and at the first loop."""
        fields = self.frame_fields(self.parameters.evaluate_every)
        return TearFrame(**fields, loop=self._first_loop())

    @action
    def loop_error(self, axis: np.ndarray, base: np.ndarray | None = None) -> LoopAnswer:
        """Follow every network along the loop about `axis` from `base`, and bisect its tears."""
        start = torch.eye(3) if base is None else as_rotation(base)
        return loop_answer(self.network, _as_axis(axis), start, self.parameters.samples)

    @action
    def tear_surface(self, base: np.ndarray | None = None, axes: int = 0) -> Iterator[Progress | SurfaceAnswer]:
        """Sweep the axis over the half sphere (`axes` of them; 0: as the form says) and collect every tear."""
        start = torch.eye(3) if base is None else as_rotation(base)
        answer: SurfaceAnswer | None = None
        for said in tear_surface(self.network, sphere_axes(axes or self.parameters.axes), start):
            answer = said
            yield said
        return answer

    def save_artefacts(self, folder: Path) -> None:
        """Write the networks, and each one's tear points: rotation vector (radians) and error (degrees)."""
        config = {"width": self.network.body.layers[0].weight.shape[1], "depth": len(self.network.body.layers) - 1}
        exports.save_networks(folder / "networks.safetensors", self.network, {**config, "steps": self.step})
        answer = None
        for said in tear_surface(self.network, sphere_axes(self.parameters.axes), torch.eye(3)):
            answer = said
        for name, points, errors in zip(answer.names, answer.points, answer.errors, strict=True):
            np.save(folder / f"tears_{name}.npy", np.column_stack([points, errors]))
        columns = ["loops", "torn_loops", "worst_error_degrees"]
        rows = np.column_stack([np.full(len(answer.names), answer.total), answer.torn_loops, answer.worst])
        exports.write_named_rows(folder / "tears.csv", ["representation", *columns], answer.names, rows)


def _as_axis(axis: Any) -> Float[Tensor, "3"]:
    values = np.asarray(axis, float)
    if values.shape != (3,) or not np.isfinite(values).all() or np.linalg.norm(values) < 1e-9:
        raise UserError("An axis is three finite numbers, not all zero.")
    return torch.from_numpy(values)
