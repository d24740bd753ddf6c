"""Learning curve: how many examples make the archetype, which nobody ever showed, an attractor."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from plugins.dense_hebbian.contract import CurveFrame, LearningParameters
from plugins.dense_hebbian.experiments.common import checked_patterns, relaxed, write_rows
from plugins.dense_hebbian.network import Network, corrupted, mattis, random_archetypes
from plugins.dense_hebbian.theory import dataset_entropy, solve
from workbench.sdk import Context, Experiment, Metrics, Progress

LINE_POINTS = 60


class LearningCurve(Experiment[LearningParameters, CurveFrame]):
    """One step is one number of examples M: fresh data for every seed, relaxed from the archetype."""

    def __init__(self, parameters: LearningParameters, context: Context) -> None:
        super().__init__(parameters, context)
        p = parameters
        self._patterns = checked_patterns(p.gamma, p.neurons, p.order, 1, 1)
        self.magnetisation: list[list[float]] = []
        self.data_overlap: list[list[float]] = []
        self._examples = [int(m) for m in np.unique(np.geomspace(1, p.most_examples, p.points).round())]
        self._line = self._theory(np.geomspace(1, p.most_examples, LINE_POINTS))

    @property
    def total_steps(self) -> int:
        """One step a number of examples."""
        return len(self._examples)

    def run(self) -> Iterator[Metrics | Progress]:
        """Relax fresh networks at one number of examples a step."""
        while self.step < len(self._examples):
            examples = self._examples[self.step]
            found: list[tuple[float, float]] = []
            for seed in range(self.parameters.seeds):
                for said in self._one(examples):
                    if isinstance(said, Progress):
                        yield Progress(f"M = {examples}, sample {seed + 1}: {said.text}", said.fraction)
                    else:
                        found.append(said)
            self.magnetisation.append([m for m, _ in found])
            self.data_overlap.append([n for _, n in found])
            self.step += 1
            m, n = np.array(found).T
            yield {
                "examples": examples,
                "m": m.mean(),
                "m/spread": m.std(),
                "n": n.mean(),
                "theory/m": self._at(examples),
            }

    def _one(self, examples: int) -> Iterator[Progress | tuple[float, float]]:
        p, generator = self.parameters, self.context.generator
        archetypes = random_archetypes(1, self._patterns, p.neurons, generator)
        network = Network.supervised(archetypes, p.quality, examples, p.order, generator, p.kernel)
        yield Progress("learning")
        spins = corrupted(archetypes[:, 0], 0.0, 1, generator)
        for said in relaxed(network, spins, p.temperature, p.sweeps, generator):
            if isinstance(said, Progress):
                yield said
            else:
                m = float(mattis(said, archetypes[:, :1]).abs().mean())
                rho = dataset_entropy(p.quality, examples)
                yield m, float(network.overlaps(said)[..., 0].abs().mean()) / float(np.sqrt(1 + rho))

    def _theory(self, examples: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        p = self.parameters
        rho = torch.tensor([(1 - p.quality**2) / (m * p.quality**2) for m in examples], dtype=torch.float64)
        found = solve(p.temperature, p.gamma, rho, p.order, kernel=p.kernel)
        return examples, found.m.numpy(), found.n.numpy()

    def _at(self, examples: int) -> float:
        return float(self._theory(np.array([float(examples)]))[1][0])

    def frame(self) -> CurveFrame:
        """Points so far beside the theory."""
        x = np.array(self._examples[: len(self.magnetisation)], float)
        points = {}
        for name, values in (("m", self.magnetisation), ("n", self.data_overlap)):
            table = np.array(values).reshape(len(values), -1)
            points[name] = (x, table.mean(1) if len(values) else x, table.std(1) if len(values) else x)
        examples, m, n = self._line
        p = self.parameters
        needed = (1 - p.quality**2) / p.quality**2
        values: dict[str, float] = {"needed": needed, "patterns": self._patterns, "neurons": p.neurons}
        return CurveFrame(points, {"m": (examples, m), "n": (examples, n)}, {}, values)

    def save_artefacts(self, folder: Path) -> None:
        """Write the measured points and the theory's line."""
        rows = [(*key, *value) for key, value in zip(((m,) for m in self._examples), self._rows(), strict=False)]
        write_rows(folder / "learning_curve.csv", ("examples", "m", "m_spread", "n", "n_spread"), rows)
        write_rows(folder / "theory.csv", ("examples", "m", "n"), zip(*self._line, strict=True))

    def _rows(self) -> Iterator[tuple[float, ...]]:
        for m, n in zip(self.magnetisation, self.data_overlap, strict=True):
            yield float(np.mean(m)), float(np.std(m)), float(np.mean(n)), float(np.std(n))


def measured(run: LearningCurve) -> dict[int, tuple[float, float, float]]:
    """Return M -> (mean |m|, its spread over samples, the theory's m)."""
    table: Any = zip(run._examples, run.magnetisation, strict=False)
    return {m: (float(np.mean(v)), float(np.std(v)), run._at(m)) for m, v in table}
