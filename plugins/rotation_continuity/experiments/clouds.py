"""Experiment B: the rotation by which two point clouds differ (section 3.7)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from plugins.rotation_continuity import exports, published
from plugins.rotation_continuity.contract import CloudsParameters
from plugins.rotation_continuity.data import PLANES, file_library, most_symmetric, plane_library, tripods
from plugins.rotation_continuity.experiments.common import (
    loss_metrics,
    matrix_losses,
    sample_rotations,
    set_learning_rate,
)
from plugins.rotation_continuity.experiments.rotation_test import TEST_SEED, RotationTest
from plugins.rotation_continuity.frames import CaseAnswer, CloudAnswer, CloudsFrame
from plugins.rotation_continuity.networks import StackedPointNet, padded_outputs
from plugins.rotation_continuity.representations import REPRESENTATIONS
from workbench.sdk import Context, Metrics, Progress, UserError, action

SIZES = {"small": ((32, 64, 96), 192), "paper": ((64, 128, 1024), 512)}
SHIFT_SD = 0.1  # the official code's Gaussian / 10
TEST_SHARE = 5  # a fifth of a folder's shapes is kept for the test
CHUNK_PRODUCTS = 1_000_000_000
"""Multiplications of the extractor in one test pass: about 100 ms on one core."""


class Clouds(RotationTest[CloudsParameters, CloudsFrame]):
    """Networks (first cloud, second cloud) -> code -> R with second = R first, on identical batches."""

    live_cases = 300

    def __init__(self, parameters: CloudsParameters, context: Context) -> None:
        super().__init__(parameters, context)
        if parameters.shapes == "file" and not parameters.shape_file:
            raise UserError("Choose a shape file, or one of the generated shapes.")
        chosen = [REPRESENTATIONS[name] for name in parameters.representations]
        extra = 3 if parameters.translate else 0
        widths, hidden = SIZES[parameters.size]
        body = StackedPointNet(len(chosen) * parameters.seeds, widths, hidden, padded_outputs(chosen, extra=extra))
        self.build(body, chosen, parameters.seeds, extra=extra)
        products = 2 * parameters.points * sum(i * o for i, o in pairwise((3, *widths)))
        self.chunk = max(len(chosen) * parameters.seeds, CHUNK_PRODUCTS // products)
        self._library: Float[Tensor, "c n 3"] = torch.empty(0)
        self._first: Float[Tensor, "n p 3"] = torch.empty(0)
        self._shift: Float[Tensor, "n 3"] = torch.empty(0)
        self._symmetry = 0.0

    def prepare(self) -> Iterator[Progress]:
        """Draw or read the shapes, and make the test pairs of them, the same for every seed."""
        own = self.parameters
        generator = torch.Generator().manual_seed(TEST_SEED)
        test_library = yield from self._make_library()
        rotations = own.test_rotations
        count = own.test_clouds if own.shapes == "tripod" else min(own.test_clouds, len(test_library))
        order = torch.randperm(count * rotations, generator=generator)  # so that any part holds many clouds
        if own.shapes == "tripod":
            clouds = tripods(count, own.points, own.noise, generator)
        else:
            clouds = self._pick(test_library[:count], torch.arange(count), generator)
        self._first = clouds.repeat_interleave(rotations, 0)[order].to(self.context.device)
        self._shift = torch.randn(count * rotations, 3, generator=generator).mul(SHIFT_SD).to(self.context.device)
        self.set_test(sample_rotations(own.sampler, own.cap, count * rotations, generator))
        yield from self.evaluate(whole=False)

    def _make_library(self) -> Iterator[Progress]:
        """Fill the training library and return that of the test; both are empty for tripods, which are always new."""
        own, rng = self.parameters, np.random.default_rng(TEST_SEED)
        yield Progress("Preparing shapes")
        if own.shapes == "tripod":
            return torch.empty(0)
        making = plane_library(rng) if own.shapes == "planes" else file_library(
            Path(own.shape_file), own.whole_folder, rng
        )  # fmt: skip
        clouds = np.empty(0)
        for said in making:
            if isinstance(said, Progress):
                yield said
            else:
                clouds = said
        self._symmetry = most_symmetric(clouds)
        held_out = PLANES[1] if own.shapes == "planes" else len(clouds) // TEST_SHARE
        library = torch.from_numpy(clouds.astype(np.float32))
        self._library = library[held_out:].to(self.context.device)
        return library[:held_out] if held_out else library

    def _pick(self, library: Float[Tensor, "c n 3"], which: Tensor, generator: torch.Generator) -> Tensor:
        """Draw the points of each named cloud anew, and disturb them."""
        own = self.parameters
        shape = (len(which), own.points)
        places = torch.randint(library.shape[1], shape, generator=generator, device=library.device)
        jitter = torch.randn(*shape, 3, generator=generator, device=library.device)
        return library[which[:, None], places] + own.noise * jitter

    def _batch(self, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """First clouds (b, n, 3), rotations (b, 3, 3) and shifts (b, 3) of one seed's batch."""
        own = self.parameters
        if own.shapes == "tripod":
            clouds = tripods(own.clouds, own.points, own.noise, generator)
        else:
            which = torch.randint(len(self._library), (own.clouds,), generator=generator, device=generator.device)
            clouds = self._pick(self._library, which, generator)
        truth = sample_rotations(own.sampler, own.cap, own.clouds * own.rotations, generator)
        shift = torch.zeros(len(truth), 3, device=generator.device)
        if own.translate:
            shift = SHIFT_SD * torch.randn(len(truth), 3, generator=generator, device=generator.device)
        return clouds.repeat_interleave(own.rotations, 0), truth, shift

    def run(self) -> Iterator[Metrics | Progress]:
        """Train all networks, one batch for each seed and step, and look at the test set now and then."""
        while self.step < self.parameters.steps:
            own = self.parameters
            set_learning_rate(self.optimizer, own, self.step)
            batches = [self._batch(generator) for generator in self.generators]
            first, truth, shift = (torch.stack(parts) for parts in zip(*batches, strict=True))
            predicted, rest = self.network.with_extra(first, moved(first, truth, shift))
            losses = matrix_losses(own.loss, predicted.squeeze(3), truth)
            if own.translate:
                losses = losses + (rest - shift).square().mean((-2, -1))
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
        """Networks' outputs where the first clouds of test `cases` are turned by `rotations`."""
        first, second = self._pair(rotations, cases)
        seeds = len(self._seeds)
        return self.network.raw(first.expand(seeds, -1, -1, -1), second.expand(seeds, -1, -1, -1))

    def _pair(self, rotations: Float[Tensor, "b 3 3"], cases: Tensor) -> tuple[Tensor, Tensor]:
        cases = cases.to(self.context.device)
        first = self._first[cases]
        shift = self._shift[cases] if self.parameters.translate else torch.zeros_like(self._shift[cases])
        return first, moved(first, rotations, shift)

    def frame(self) -> CloudsFrame:
        """Pack the last look at the test set, and the first test pair with every network's answer now."""
        first, second = self._pair(self._test[:1], torch.zeros(1, dtype=torch.int64))
        return CloudsFrame(
            **self.frame_fields(self.parameters.evaluate_every),
            first=first[0].cpu().numpy(),
            second=second[0].cpu().numpy(),
            symmetry=self._symmetry,
        )

    def case_answer(self, truth: Float[Tensor, "3 3"], index: int) -> CloudAnswer:
        """Ask every network for the cloud of test case `index` (of the first for -1), turned by `truth`."""
        answer = super().case_answer(truth, index)
        first, second = self._pair(truth[None], torch.tensor([max(index, 0)]))
        plain = {item.name: getattr(answer, item.name) for item in fields(CaseAnswer)}
        return CloudAnswer(**plain, first=first[0].cpu().numpy(), second=second[0].cpu().numpy())

    @action
    def case(self, index: int) -> CloudAnswer:
        """Ask every network for one pair of the test set."""
        self.check_case(index)
        return self.case_answer(self._test[index], index)

    @torch.no_grad()
    def shift_errors(self) -> Float[np.ndarray, " r"]:
        """Mean distance between predicted and true shift over the live test cases; empty without translation."""
        if not self.parameters.translate:
            return np.empty(0)
        cases = torch.arange(min(self.live_cases, len(self._test)))
        first, second = self._pair(self._test[cases], cases)
        seeds = len(self._seeds)
        _, rest = self.network.with_extra(first.expand(seeds, -1, -1, -1), second.expand(seeds, -1, -1, -1))
        return torch.linalg.vector_norm(rest - self._shift[cases], dim=-1).mean((1, 2)).cpu().numpy()

    def save_artefacts(self, folder: Path) -> None:
        """Write every test rotation with its errors, the table, and one test pair as clouds with each answer."""
        seen = self.whole_look()
        exports.write_cases(folder / "test_rotations.csv", self._test.cpu(), self.network.names, seen.errors)
        exports.write_tables(folder, self.network.names, seen.table(), "degrees", published.CLOUDS)
        answer = self.case_answer(self._test[0], 0)
        exports.write_cloud(folder / "first.ply", answer.first)
        exports.write_cloud(folder / "second.ply", answer.second)
        for name, predicted in zip(answer.names, answer.predicted, strict=True):
            exports.write_cloud(folder / f"predicted_{name}.ply", answer.first @ predicted.T)
        if self.parameters.translate:
            exports.write_rows(folder / "shift_errors.csv", self.network.names, self.shift_errors()[None])


def moved(
    clouds: Float[Tensor, "*b n 3"], rotations: Float[Tensor, "*b 3 3"], shift: Float[Tensor, "*b 3"]
) -> Float[Tensor, "*b n 3"]:
    """R p + t for every point p."""
    return clouds @ rotations.transpose(-2, -1) + shift[..., None, :]
