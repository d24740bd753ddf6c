"""Teacher on or off: the examples needed when they come grouped by class, and when they do not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from plugins.dense_hebbian.contract import CurveFrame, TeacherParameters
from plugins.dense_hebbian.experiments.common import relaxed, write_rows
from plugins.dense_hebbian.network import Network, corrupted, mattis, random_archetypes
from plugins.dense_hebbian.theory import examples_needed
from workbench.sdk import Context, Experiment, Metrics, Progress

LEARNT = 0.683
"""erf(1 / sqrt 2), the magnetisation of the learnability criterion."""
QUALITY_RANGE = (0.3, 0.9)


class Teacher(Experiment[TeacherParameters, CurveFrame]):
    """One step is one quality r: M doubles until the archetype is learnt, with and without a teacher."""

    def __init__(self, parameters: TeacherParameters, context: Context) -> None:
        super().__init__(parameters, context)
        self._quality = np.linspace(*reversed(QUALITY_RANGE), parameters.points)
        self.needed: dict[str, list[list[float]]] = {"teacher": [], "no teacher": []}

    @property
    def total_steps(self) -> int:
        """One step a quality."""
        return len(self._quality)

    def run(self) -> Iterator[Metrics | Progress]:
        """Search the examples needed, with and without a teacher, at one quality a step."""
        while self.step < len(self._quality):
            r = float(self._quality[self.step])
            report: dict[str, float] = {"quality": r}
            for name in self.needed:
                for value in self._search(r, name == "teacher"):
                    if isinstance(value, Progress):
                        yield value
                    else:
                        self.needed[name].append([r, value])
                        report[f"examples/{name}"] = value
            self.step += 1
            yield report

    def _search(self, r: float, has_teacher: bool) -> Iterator[Progress | float]:
        """Smallest power of two at which the mean |m| passes LEARNT; infinity beyond the largest allowed."""
        p, generator = self.parameters, self.context.generator
        make = Network.supervised if has_teacher else Network.unsupervised
        examples = 1
        while examples <= p.most_examples:
            found: list[float] = []
            yield Progress(f"r = {r:.2f}, {'with' if has_teacher else 'without'} teacher, M = {examples}")
            archetypes = random_archetypes(p.seeds, p.archetypes, p.neurons, generator)
            network = make(archetypes, r, examples, p.order, generator)
            for said in relaxed(network, corrupted(archetypes[:, 0], 0.0, 1, generator), 0.0, 10, generator):
                if isinstance(said, Progress):
                    yield said
                else:
                    found = mattis(said, archetypes[:, :1]).abs()[:, 0, 0].tolist()
            if np.mean(found) >= LEARNT:
                break
            examples *= 2
        yield float(examples) if examples <= p.most_examples else float("inf")

    def frame(self) -> CurveFrame:
        """Points so far beside the theory."""
        points, lines = {}, {}
        fine = np.linspace(*QUALITY_RANGE, 50)
        for name, found in self.needed.items():
            table = np.array(found, float).reshape(-1, 2)
            finite = np.isfinite(table[:, 1])
            points[name] = (table[finite, 0], table[finite, 1], np.zeros(finite.sum()))
            line = examples_needed(torch.from_numpy(fine), self.parameters.order, has_teacher=name == "teacher")
            lines[name] = (fine, line.numpy())
        return CurveFrame(points, lines, {}, {"most": float(self.parameters.most_examples)})

    def save_artefacts(self, folder: Path) -> None:
        """Write the examples needed at each quality; infinity where even the largest number tried was too few."""
        for name, found in self.needed.items():
            write_rows(folder / f"{name.replace(' ', '_')}.csv", ("quality", "examples"), found)
