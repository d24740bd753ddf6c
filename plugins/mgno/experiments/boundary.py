"""Experiment "boundary": Poisson's equation with three boundary conditions, learnt with three paddings each."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from plugins.mgno import exports
from plugins.mgno.contract import BoundaryParameters, smoothing_counts
from plugins.mgno.data import noise_of
from plugins.mgno.experiments.side_by_side import SideBySide, check_levels
from plugins.mgno.frames import BoundaryFrame
from plugins.mgno.model import MgNO
from workbench.sdk import Context, Metrics, Progress
from workbench.toolkit.elliptic import Boundary, solve_poisson
from workbench.toolkit.field_losses import relative_l2
from workbench.toolkit.field_models import parameter_count
from workbench.toolkit.random_fields import neumann_field, periodic_field

BOUNDARIES: tuple[Boundary, ...] = ("dirichlet", "neumann", "periodic")
PADDINGS = ("zeros", "reflect", "circular")
"""The padding that fits each boundary condition, in the same order."""
ALPHA, TAU = 2.0, 5.0


class BoundaryLab(SideBySide[BoundaryParameters, BoundaryFrame]):
    """Nine networks: for each boundary condition one with each padding, from the same weights, on the same batches."""

    def __init__(self, parameters: BoundaryParameters, context: Context) -> None:
        super().__init__(parameters, context)
        own = parameters
        check_levels(own.n, own.levels)
        for _ in BOUNDARIES:
            for padding in PADDINGS:
                self.enter(partial(self._network, padding), rate=own.learning_rate, decay=0.0, steps=own.steps)
        self.errors = np.full((3, 3), np.nan)

    def _network(self, padding: str) -> MgNO:
        own = self.parameters
        return MgNO(
            own.n, channels=own.channels, layers=own.layers, counts=smoothing_counts("1/0 2/0", own.levels),
            padding_mode=padding, activation="identity" if own.is_linear else "gelu",
        )  # fmt: skip

    def prepare(self) -> Iterator[Progress]:
        """Draw sources and solve by fast transforms."""
        own, device = self.parameters, self.context.device
        self._made_for, self._sets = self.data_seed, []
        for index, boundary in enumerate(BOUNDARIES):
            count = own.train + own.test
            rng = np.random.default_rng([self.data_seed, index])
            if boundary == "periodic":
                f = periodic_field(own.n, count, ALPHA, TAU, rng)
            else:
                f = neumann_field(np.stack([noise_of(own.n, rng) for _ in range(count)]), ALPHA, TAU)
            f = f / f.std()
            u = solve_poisson(f, boundary)
            u = u / u.std()
            pair = [torch.as_tensor(values, dtype=torch.float32, device=device)[:, None] for values in (f, u)]
            self._sets.append(pair)
            yield Progress(f"Solving with {boundary} boundary", (index + 1) / 3)
        yield from self._evaluate()

    def run(self) -> Iterator[Metrics | Progress]:
        """One batch of every boundary condition a step, through its three networks."""
        own = self.parameters
        if self._made_for != self.data_seed:
            yield from self.prepare()
        while self.step < own.steps:
            picked = torch.randint(own.train, (own.batch,), generator=self.context.generator,
                                   device=self.context.device)  # fmt: skip
            metrics: dict[str, Any] = {}
            for row, boundary in enumerate(BOUNDARIES):
                f, u = (values[picked] for values in self._sets[row])
                for column, padding in enumerate(PADDINGS):
                    index = 3 * row + column
                    loss = relative_l2(self.networks[index](f), u).mean()
                    self.learn(index, loss)
                    metrics[f"loss/{boundary}/{padding}"] = loss.detach()
                yield Progress("")
            self.step += 1
            if self.step % own.evaluate_every == 0 or self.step >= own.steps:
                yield from self._evaluate()
                metrics |= {
                    f"test/{boundary}/{padding}": float(self.errors[row, column])
                    for row, boundary in enumerate(BOUNDARIES) for column, padding in enumerate(PADDINGS)
                }  # fmt: skip
            yield metrics

    @torch.no_grad()
    def _predict(self, row: int, column: int, part: slice) -> torch.Tensor:
        return self.networks[3 * row + column](self._sets[row][0][part])

    def _evaluate(self) -> Iterator[Progress]:
        for row in range(3):
            for column in range(3):
                found = []
                for begun in range(self.parameters.train, self.parameters.train + self.parameters.test, 32):
                    part = slice(begun, min(begun + 32, self.parameters.train + self.parameters.test))
                    found.append(relative_l2(self._predict(row, column, part), self._sets[row][1][part]))
                self.errors[row, column] = float(torch.cat(found).mean())
            yield Progress("Looking at the test sources")

    def frame(self) -> BoundaryFrame:
        """The matrix of errors and the first test source of each boundary condition."""
        first = slice(self.parameters.train, self.parameters.train + 1)
        predictions = [
            [self._predict(row, column, first)[0, 0].cpu().numpy() for column in range(3)] for row in range(3)
        ]
        shown = [[self._sets[row][which][first][0, 0].cpu().numpy() for row in range(3)] for which in (0, 1)]
        return BoundaryFrame(
            step=self.step, errors=self.errors.copy(), source=np.stack(shown[0]), truth=np.stack(shown[1]),
            prediction=np.array(predictions), parameters=parameter_count(self.networks[0]),
        )  # fmt: skip

    def save_artefacts(self, folder: Path) -> None:
        """Write the matrix of errors."""
        rows = [(boundary, *map(float, self.errors[row])) for row, boundary in enumerate(BOUNDARIES)]
        exports.write_rows(folder / "errors.csv", ("boundary", *PADDINGS), rows)
