"""Teacher on or off: the examples needed when they come grouped by class, and when they do not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from plugins.dense_hebbian.contract import CurveFrame, TeacherParameters
from plugins.dense_hebbian.experiments.common import LARGEST_BYTES, batches, relaxed, write_rows
from plugins.dense_hebbian.network import Network, corrupted, mattis, random_archetypes
from plugins.dense_hebbian.theory import examples_needed, patterns_at
from workbench.sdk import Context, Experiment, Metrics, Progress

LEARNT = 0.683
"""erf(1 / sqrt 2), the magnetisation of the learnability criterion."""
QUALITY_RANGE = (0.3, 0.9)
GROWTH = 1.3
"""Factor between two numbers of examples that are tried."""
SWEEPS = 10
CASES = ("teacher", "no teacher")
RELAXED = "{}, relaxed"


class Teacher(Experiment[TeacherParameters, CurveFrame]):
    """One step is one quality r: M grows until the archetype is learnt, with and without a teacher."""

    def __init__(self, parameters: TeacherParameters, context: Context) -> None:
        super().__init__(parameters, context)
        self._quality = np.linspace(*reversed(QUALITY_RANGE), parameters.points)
        self._patterns = patterns_at(parameters.gamma, parameters.neurons, parameters.order)
        self.needed: dict[str, list[list[float]]] = {
            name: [] for case in CASES for name in (case, RELAXED.format(case))
        }

    @property
    def total_steps(self) -> int:
        """One step a quality."""
        return len(self._quality)

    def run(self) -> Iterator[Metrics | Progress]:
        """Search the examples needed, with and without a teacher, at one quality a step."""
        while self.step < len(self._quality):
            r = float(self._quality[self.step])
            report: dict[str, float] = {"quality": r}
            for case in CASES:
                for found in self._search(r, case):
                    if isinstance(found, Progress):
                        yield found
                        continue
                    for name, value in found.items():
                        self.needed[name].append([r, value])
                        report[f"examples/{name}"] = value
            self.step += 1
            yield report

    def _search(self, r: float, case: str) -> Iterator[Progress | dict[str, float]]:
        """Smallest M tried at which the mean |m| passes LEARNT after one step, and after relaxing; infinity if none."""
        wanted = {case: float("inf"), RELAXED.format(case): float("inf")}
        examples = 1
        while examples <= self._most(case) and not all(np.isfinite(value) for value in wanted.values()):
            measured: dict[str, list[float]] = {name: [] for name in wanted}
            stored = self._patterns * (1 if case == "teacher" else examples)
            for size in batches(self.parameters.seeds, stored, self.parameters.neurons, self.parameters.order):
                yield Progress(f"r = {r:.2f}, {case}, M = {examples}")
                for said in self._samples(r, case, examples, size):
                    if isinstance(said, Progress):
                        yield said
                    else:
                        for name, values in zip(wanted, said, strict=True):
                            measured[name] += values
            for name, values in measured.items():
                if np.mean(values) >= LEARNT and not np.isfinite(wanted[name]):
                    wanted[name] = float(examples)
            examples = max(examples + 1, round(examples * GROWTH))
        yield wanted

    def _most(self, case: str) -> int:
        """Largest M to try: without a teacher every example is stored, which memory ends."""
        p = self.parameters
        room = LARGEST_BYTES // (8 * self._patterns * p.neurons * (2 + p.order))
        return p.most_examples if case == "teacher" else min(p.most_examples, room)

    def _samples(
        self, r: float, case: str, examples: int, size: int
    ) -> Iterator[Progress | tuple[list[float], list[float]]]:
        """|m| of `size` fresh networks, after one parallel step from the archetype, and after relaxing."""
        p, generator = self.parameters, self.context.generator
        archetypes = random_archetypes(size, self._patterns, p.neurons, generator)
        make = Network.supervised if case == "teacher" else Network.unsupervised
        network = make(archetypes, r, examples, p.order, generator)
        start = corrupted(archetypes[:, 0], 0.0, 1, generator)
        yield Progress("one step")
        once = torch.sign(network.fields(start))
        ends = start
        for said in relaxed(network, start, 0.0, SWEEPS, generator):
            if isinstance(said, Progress):
                yield said
            else:
                ends = said
        first, last = (mattis(spins, archetypes[:, :1])[:, 0, 0].abs().tolist() for spins in (once, ends))
        yield first, last

    def frame(self) -> CurveFrame:
        """Points so far beside the theory."""
        p, points, lines = self.parameters, {}, {}
        fine = np.linspace(*QUALITY_RANGE, 50)
        for name, found in self.needed.items():
            table = np.array(found, float).reshape(-1, 2)
            finite = np.isfinite(table[:, 1])
            points[name] = (table[finite, 0], table[finite, 1], np.zeros(finite.sum()))
        for case in CASES:
            has_teacher = case == "teacher"
            line = examples_needed(torch.from_numpy(fine), p.order, p.gamma, has_teacher=has_teacher, neurons=p.neurons)
            lines[case] = (fine, line.numpy().clip(1))
        values = {"most": float(p.most_examples), "patterns": float(self._patterns), "neurons": float(p.neurons)}
        return CurveFrame(points, lines, {}, values)

    def save_artefacts(self, folder: Path) -> None:
        """Write the examples needed at each quality; infinity where even the largest number tried was too few."""
        for name, found in self.needed.items():
            file = folder / f"{name.replace(',', '').replace(' ', '_')}.csv"
            write_rows(file, ("quality", "examples"), found)
