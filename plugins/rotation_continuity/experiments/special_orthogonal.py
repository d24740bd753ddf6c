"""SO(n): the same autoencoder for rotations of n-dimensional space (section 3.4)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from plugins.rotation_continuity import exports
from plugins.rotation_continuity.contract import SpecialOrthogonalParameters
from plugins.rotation_continuity.evaluation import RotationEvaluation
from plugins.rotation_continuity.experiments.common import (
    finish,
    is_current,
    loss_metrics,
    matrix_losses,
    set_learning_rate,
)
from plugins.rotation_continuity.experiments.rotation_test import TEST_SEED
from plugins.rotation_continuity.frames import SpecialOrthogonalFrame
from plugins.rotation_continuity.networks import Ensemble, StackedMLP, padded_outputs, seed_generators
from plugins.rotation_continuity.special_orthogonal import LARGEST, SMALLEST, dimensions, sized_representations
from workbench.sdk import Context, Experiment, Metrics, Progress
from workbench.toolkit.rotations import orthogonality_error, special_orthogonal, special_orthogonal_distance

LIVE_ROTATIONS = 500
PIECE = 1000  # test rotations at once; their eigenvalues cost more than the networks


class SpecialOrthogonal(Experiment[SpecialOrthogonalParameters, SpecialOrthogonalFrame]):
    """Networks R (n^2 numbers) -> code -> R, one for each representation of SO(n) and seed."""

    def __init__(self, parameters: SpecialOrthogonalParameters, context: Context) -> None:
        super().__init__(parameters, context)
        known = sized_representations(parameters.n)
        chosen = [known[name] for name in parameters.representations]
        widths = (parameters.n**2, *[parameters.width] * parameters.depth, padded_outputs(chosen))
        self._seeds = tuple(range(context.seed, context.seed + parameters.seeds))
        body = StackedMLP(len(chosen) * parameters.seeds, widths)
        self.network = Ensemble(body, chosen, self._seeds).to(context.device)
        self.optimizer = torch.optim.Adam(self.network.parameters(), fused=True)
        self.generators = seed_generators(self._seeds, context.device)
        self._test = torch.empty(0)
        self._evaluation: RotationEvaluation | None = None

    def prepare(self) -> Iterator[Progress]:
        """Draw the test rotations."""
        yield Progress("Drawing test rotations")
        generator = torch.Generator().manual_seed(TEST_SEED)
        own = self.parameters
        self._test = special_orthogonal(own.test_rotations, own.n, generator=generator).to(self.context.device)
        yield from self._evaluate(whole=False)

    def run(self) -> Iterator[Metrics | Progress]:
        """Train all networks, one batch for each seed and step, and look at the test set now and then."""
        while self.step < self.parameters.steps:
            own = self.parameters
            set_learning_rate(self.optimizer, own, self.step)
            truth = torch.stack([special_orthogonal(own.batch, own.n, generator=g) for g in self.generators])
            losses = matrix_losses("l2", self.network(truth.flatten(-2)).squeeze(3), truth)
            self.optimizer.zero_grad(set_to_none=True)
            losses.sum().backward()
            self.optimizer.step()
            self.step += 1
            metrics = loss_metrics(self.network.names, losses)
            is_last = self.step >= own.steps
            if is_last or self.step % own.evaluate_every == 0:
                yield from self._evaluate(whole=is_last)
                metrics |= self._evaluation.metrics(self.network.names)
            yield metrics
        if not self._is_tested():
            yield from self._evaluate(whole=True)

    def _is_tested(self) -> bool:
        seen = self._evaluation
        return seen is not None and seen.step == self.step and seen.tested == len(self._test)

    def _evaluate(self, *, whole: bool) -> Iterator[Progress]:
        for said in self._look(whole=whole):
            if isinstance(said, RotationEvaluation):
                self._evaluation = said
            else:
                yield said

    @torch.no_grad()
    def _look(self, *, whole: bool) -> Iterator[Progress | RotationEvaluation]:
        """Geodesic errors in degrees on the test set, in pieces; the Evaluation comes last."""
        truth = self._test if whole else self._test[:LIVE_ROTATIONS]
        size = max(1, PIECE // self.network.members)
        errors, firsts, orthogonality, determinants = [], [], [], []
        degenerate = torch.zeros(len(self.network.names), dtype=torch.int64)
        for start in range(0, len(truth), size):
            piece = truth[start : start + size]
            raw = self._raw(piece)
            predicted = self.network.decode(raw, evaluated=True).squeeze(3)
            errors.append(torch.rad2deg(special_orthogonal_distance(predicted.cpu(), piece.cpu())))
            firsts.append(predicted[:, 0].cpu())
            decoded = self.network.decode(raw).squeeze(3)
            orthogonality.append(orthogonality_error(decoded).amax((1, 2)).cpu())
            determinants.append(torch.linalg.det(decoded.cpu()).flatten(1))
            for index, own in enumerate(self.network.representations):
                degenerate[index] += own.degenerate(raw[index, ..., : own.dimension]).sum().cpu()
            yield Progress("Testing", min(1.0, (start + size) / len(truth)))
        determinant = torch.cat(determinants, 1)
        yield RotationEvaluation(
            self.step, torch.cat(errors, -1).numpy(), torch.cat(firsts, 1).numpy(), degenerate.numpy(),
            orthogonality=torch.stack(orthogonality).amax(0).numpy(),
            determinant=torch.stack([determinant.amin(1), determinant.amax(1)], -1).numpy(),
        )  # fmt: skip

    @torch.no_grad()
    def _answer(self, rotations: Float[Tensor, "b n n"]) -> Float[Tensor, "r b n n"]:
        return self.network.decode(self._raw(rotations), evaluated=True)[:, 0, :, 0]

    def _raw(self, rotations: Float[Tensor, "b n n"]) -> Float[Tensor, "r s b o"]:
        return self.network.raw(rotations.flatten(-2).expand(len(self._seeds), -1, -1))

    def frame(self) -> SpecialOrthogonalFrame:
        """Pack the last look at the test set, and what every network makes of one test rotation now."""
        if not is_current(self._evaluation, self.step, self.parameters.evaluate_every):
            self._evaluation = finish(self._look(whole=False))
        seen = self._evaluation
        table = [dimensions(n) for n in range(SMALLEST, LARGEST + 1)]
        return SpecialOrthogonalFrame(
            **seen.frame_fields(self.network.names, self.step),
            n=self.parameters.n,
            sized_names=tuple(table[0]),
            dimensions=np.array([list(row.values()) for row in table]),
            orthogonality=seen.orthogonality,
            determinant=seen.determinant,
            truth=self._test[0].cpu().numpy(),
            predicted=self._answer(self._test[:1])[:, 0].cpu().numpy(),
        )

    def save_artefacts(self, folder: Path) -> None:
        """Write each test rotation's errors, and the table."""
        seen = self._evaluation if self._is_tested() else finish(self._look(whole=True))
        names = self.network.names
        header = [f"error_degrees_{name}_seed{seed}" for name in names for seed in range(seen.errors.shape[1])]
        exports.write_rows(folder / "test_rotations.csv", header, seen.errors.reshape(-1, seen.tested).T)
        exports.write_tables(folder, names, seen.table(), "degrees", {})
