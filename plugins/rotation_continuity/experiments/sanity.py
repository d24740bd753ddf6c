"""Experiment A: autoencode random rotations through every representation (section 3.6)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from plugins.rotation_continuity import exports, published
from plugins.rotation_continuity.contract import SanityParameters
from plugins.rotation_continuity.experiments.common import (
    loss_metrics,
    matrix_losses,
    sample_rotations,
    set_learning_rate,
)
from plugins.rotation_continuity.experiments.rotation_test import TEST_SEED, RotationTest
from plugins.rotation_continuity.frames import SanityFrame
from plugins.rotation_continuity.networks import StackedMLP, padded_outputs
from plugins.rotation_continuity.representations import REPRESENTATIONS
from workbench.sdk import Context, Metrics, Progress

ROTATION_ENTRIES = 9


class Sanity(RotationTest[SanityParameters, SanityFrame]):
    """Networks R (9 numbers) -> code -> R, one for each representation and seed, on identical batches."""

    def __init__(self, parameters: SanityParameters, context: Context) -> None:
        super().__init__(parameters, context)
        chosen = [REPRESENTATIONS[name] for name in parameters.representations]
        widths = (ROTATION_ENTRIES, *[parameters.width] * parameters.depth, padded_outputs(chosen))
        self.build(StackedMLP(len(chosen) * parameters.seeds, widths), chosen, parameters.seeds)

    def prepare(self) -> Iterator[Progress]:
        """Draw the test rotations: the same for every seed, with a generator of their own."""
        yield Progress("Drawing test rotations")
        generator = torch.Generator().manual_seed(TEST_SEED)
        own = self.parameters
        self.set_test(sample_rotations(own.sampler, own.cap, own.test_rotations, generator))
        yield from self.evaluate(whole=False)

    def run(self) -> Iterator[Metrics | Progress]:
        """Train all networks, one batch for each seed and step, and look at the test set now and then."""
        while self.step < self.parameters.steps:
            own = self.parameters
            set_learning_rate(self.optimizer, own, self.step)
            truth = torch.stack([sample_rotations(own.sampler, own.cap, own.batch, g) for g in self.generators])
            predicted = self.network(truth.flatten(-2)).squeeze(3)
            losses = matrix_losses(own.loss, predicted, truth)
            self.optimizer.zero_grad(set_to_none=True)
            losses.sum().backward()
            self.optimizer.step()
            self.step += 1
            metrics = loss_metrics(self.network.names, losses)
            is_last = self.step >= own.steps
            if is_last or self.step % own.evaluate_every == 0:
                yield from self.evaluate(whole=is_last)
                metrics |= self._evaluation.metrics(self.network.names)
            yield metrics
        if not self.is_tested:
            yield from self.evaluate(whole=True)

    def raw_codes(self, rotations: Float[Tensor, "b 3 3"], cases: Tensor) -> Float[Tensor, "r s b o"]:
        """Networks' outputs for rotations; there are no other inputs."""
        return self.network.raw(rotations.flatten(-2).expand(len(self._seeds), -1, -1))

    def frame(self) -> SanityFrame:
        """Pack the last look at the test set, and what every network makes of one test rotation now."""
        return SanityFrame(**self.frame_fields(self.parameters.evaluate_every))

    def save_artefacts(self, folder: Path) -> None:
        """Write every test rotation with its errors, the table, and the networks for the tear explorer."""
        seen = self.whole_look()
        exports.write_cases(folder / "test_rotations.csv", self._test.cpu(), self.network.names, seen.errors)
        exports.write_tables(folder, self.network.names, seen.table(), "degrees", published.SANITY)
        own = self.parameters
        config = {"width": own.width, "depth": own.depth, "steps": self.step}
        exports.save_networks(folder / "networks.safetensors", self.network, config)
