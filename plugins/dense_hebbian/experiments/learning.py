"""Learning curve: how many examples make the archetype, which nobody ever showed, an attractor."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from plugins.dense_hebbian.contract import LearningFrame, LearningParameters
from plugins.dense_hebbian.experiments.common import batches, checked_patterns, relaxed, write_rows
from plugins.dense_hebbian.network import Network, corrupted, examples_of, mattis, random_archetypes
from plugins.dense_hebbian.theory import dataset_entropy, solve
from workbench.sdk import Context, Experiment, Metrics, Progress, UserError, action

LINE_POINTS = 60
LINE_TOLERANCE = 1e-8


class LearningCurve(Experiment[LearningParameters, LearningFrame]):
    """One step is one number of examples M: fresh data for every seed, relaxed from the archetype."""

    def __init__(self, parameters: LearningParameters, context: Context) -> None:
        super().__init__(parameters, context)
        p = parameters
        self._patterns = checked_patterns(p.gamma, p.neurons, p.order, 1, 1)
        self.magnetisation: list[list[float]] = []
        self.data_overlap: list[list[float]] = []
        self.patterns = np.zeros((0, p.neurons))
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
            for size in batches(self.parameters.seeds, self._patterns, self.parameters.neurons, self.parameters.order):
                for said in self._samples(examples, size):
                    if isinstance(said, Progress):
                        yield Progress(f"M = {examples}: {said.text}", said.fraction)
                    else:
                        found += said
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

    def _samples(self, examples: int, size: int) -> Iterator[Progress | list[tuple[float, float]]]:
        """Relax `size` fresh networks side by side from their first archetype; last come |m| and |n| of each."""
        p, generator = self.parameters, self.context.generator
        archetypes = random_archetypes(size, self._patterns, p.neurons, generator)
        network = Network.supervised(archetypes, p.quality, examples, p.order, generator, p.kernel)
        yield Progress("learning")
        spins = corrupted(archetypes[:, 0], 0.0, 1, generator)
        for said in relaxed(network, spins, p.temperature, p.sweeps, generator):
            if isinstance(said, Progress):
                yield said
            else:
                spins = said
        example = examples_of(archetypes[:1, :1], p.quality, 1, generator)[0, 0, 0]
        rows = (archetypes[0, 0], example, network.chi[0, 0], spins[0, 0])
        self.patterns = torch.stack(rows).cpu().numpy()
        m = mattis(spins, archetypes[:, :1]).abs()[:, 0, 0]
        n = network.overlaps(spins)[:, 0, 0].abs() / np.sqrt(1 + dataset_entropy(p.quality, examples))
        yield list(zip(m.tolist(), n.tolist(), strict=True))

    def _theory(
        self, examples: np.ndarray, quality: float | None = None, gamma: float | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        p = self.parameters
        r = p.quality if quality is None else quality
        rho = torch.tensor([(1 - r**2) / (m * r**2) for m in examples], dtype=torch.float64)
        load = p.gamma if gamma is None else gamma
        found = solve(p.temperature, load, rho, p.order, kernel=p.kernel, tolerance=LINE_TOLERANCE)
        return examples, found.m.numpy(), found.n.numpy()

    def _at(self, examples: int) -> float:
        return float(self._theory(np.array([float(examples)]))[1][0])

    def frame(self) -> LearningFrame:
        """Points so far beside the theory."""
        x = np.array(self._examples[: len(self.magnetisation)], float)
        points = {}
        for name, values in (("m", self.magnetisation), ("n", self.data_overlap)):
            table = np.array(values).reshape(len(values), self.parameters.seeds)
            points[name] = (x, table.mean(1) if len(values) else x, table.std(1) if len(values) else x)
        examples, m, n = self._line
        p = self.parameters
        needed = (1 - p.quality**2) / p.quality**2
        values: dict[str, float] = {"needed": needed, "patterns": self._patterns, "neurons": p.neurons}
        shown = self._examples[len(self.magnetisation) - 1] if self.magnetisation else 0
        return LearningFrame(points, {"m": (examples, m), "n": (examples, n)}, {}, values, self.patterns.copy(), shown)

    @action
    def theory(self, quality: float, gamma: float | None = None) -> tuple[float, np.ndarray, np.ndarray, np.ndarray]:
        """The theory's m and n against M at another quality r of the examples: (r, M, m, n)."""
        if not 0 < quality <= 1:
            raise UserError("The quality r is above 0 and at most 1.")
        examples = np.geomspace(1, self.parameters.most_examples, LINE_POINTS)
        return quality, *self._theory(examples, quality, gamma)

    def save_artefacts(self, folder: Path) -> None:
        """Write the measured points and the theory's line."""
        rows = [(*key, *value) for key, value in zip(((m,) for m in self._examples), self._rows(), strict=False)]
        write_rows(folder / "learning_curve.csv", ("examples", "m", "m_spread", "n", "n_spread"), rows)
        write_rows(folder / "theory.csv", ("examples", "m", "n"), zip(*self._line, strict=True))

    def _rows(self) -> Iterator[tuple[float, ...]]:
        for m, n in zip(self.magnetisation, self.data_overlap, strict=True):
            yield float(np.mean(m)), float(np.std(m)), float(np.mean(n)), float(np.std(n))
