"""Ultra-detection: one pattern buried in synaptic noise, found by P = 4 where P = 2 is lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from plugins.dense_hebbian.contract import CurveFrame, DetectionParameters
from plugins.dense_hebbian.experiments.common import relaxed, write_rows
from plugins.dense_hebbian.network import Network, corrupted, mattis, random_archetypes
from plugins.dense_hebbian.theory import tolerated_noise
from workbench.sdk import Context, Experiment, Metrics, Progress, UserError, action
from workbench.toolkit.spin_systems import TensorNoise

ORDERS = (2, 4)
HELD = 0.9
"""Magnetisation above which the pattern counts as held: just below the theory's at its limit (0.924 for P = 4).

A lower bar would not do: zero-temperature dynamics that starts on the pattern keeps a remanent |m| of about 0.5 in
pure noise at these sizes.
"""
BISECTIONS = 6


class Detection(Experiment[DetectionParameters, CurveFrame]):
    """First a step a noise strength, both orders; then a step a size, finding the tolerated noise by bisection."""

    def __init__(self, parameters: DetectionParameters, context: Context) -> None:
        super().__init__(parameters, context)
        p = parameters
        self._omega = np.linspace(0, p.most_noise, p.points)
        self._tasks = [(order, int(n)) for order in ORDERS for n in sorted(p.sizes, key=int)]
        self._limits = {
            (order, n): float(tolerated_noise(n, order)) for order in ORDERS for n in {*map(int, p.sizes), p.neurons}
        }
        self.found: dict[str, list[list[float]]] = {str(order): [] for order in ORDERS}
        self.limits: dict[str, list[list[float]]] = {str(order): [] for order in ORDERS}

    @property
    def total_steps(self) -> int:
        """Noise strengths and sizes."""
        return len(self._omega) + len(self._tasks)

    def run(self) -> Iterator[Metrics | Progress]:
        """Measure both orders along ω, then bisect the tolerated noise at each size."""
        while self.step < self.total_steps:
            if self.step < len(self._omega):
                omega = float(self._omega[self.step])
                report: dict[str, float] = {"omega": omega}
                for order in ORDERS:
                    values: list[float] = []
                    for value in self._measure(order, self.parameters.neurons, omega):
                        if isinstance(value, Progress):
                            yield value
                        else:
                            values.append(value)
                    self.found[str(order)].append(values)
                    report[f"m/P = {order}"] = float(np.mean(values))
            else:
                order, n = self._tasks[self.step - len(self._omega)]
                limit = 0.0
                for value in self._limit(order, n):
                    if isinstance(value, Progress):
                        yield value
                    else:
                        limit = value
                self.limits[str(order)].append([n, limit])
                report = {f"tolerated/P = {order}": limit}
            self.step += 1
            yield report

    def _measure(self, order: int, n: int, omega: float) -> Iterator[Progress | float]:
        """|m| of each seed after relaxing from the pattern at T' = 0."""
        generator, seeds = self.context.generator, self.parameters.seeds
        yield Progress(f"P = {order}, N = {n}, ω = {omega:.1f}")
        archetype = random_archetypes(seeds, 1, n, generator)
        network = Network(archetype, order, noise=TensorNoise(seeds, n, order, generator), omega=omega)
        for said in relaxed(
            network, corrupted(archetype[:, 0], 0.0, 1, generator), 0.0, self.parameters.sweeps, generator
        ):
            if isinstance(said, Progress):
                yield said
            else:
                yield from (float(m) for m in mattis(said, archetype).abs()[:, 0, 0])

    def _limit(self, order: int, n: int) -> Iterator[Progress | float]:
        """The noise at which the mean |m| falls below HELD, by bisection between 0 and three times the theory's."""
        low, high = 0.0, 3 * self._limits[order, n]
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            values: list[float] = []
            for value in self._measure(order, n, middle):
                if isinstance(value, Progress):
                    yield value
                else:
                    values.append(value)
            low, high = (middle, high) if np.mean(values) >= HELD else (low, middle)
        yield (low + high) / 2

    def frame(self) -> CurveFrame:
        """Points, spreads, theory, and the slopes fitted so far."""
        points, extra, lines = {}, {}, {}
        sizes = np.array(sorted(map(int, self.parameters.sizes)), float)
        values: dict[str, float] = {}
        for order in ORDERS:
            name = f"P = {order}"
            table = np.array(self.found[str(order)]).reshape(-1, self.parameters.seeds)
            x = self._omega[: len(table)]
            points[name] = (x, table.mean(1) if len(x) else x, table.std(1) if len(x) else x)
            extra[name] = tuple(np.array(self.limits[str(order)], float).reshape(-1, 2).T)
            lines[name] = (sizes, np.array([self._limits[order, int(n)] for n in sizes]))
            values[f"limit/{name}"] = self._limits[order, self.parameters.neurons]
            limits = np.array(self.limits[str(order)], float).reshape(-1, 2)
            values[f"theory slope/{name}"] = (order - 1) / 2
            if len(limits) >= 2 and (limits > 0).all():
                values[f"slope/{name}"] = float(np.polyfit(np.log(limits[:, 0]), np.log(limits[:, 1]), 1)[0])
        return CurveFrame(points, lines, extra, values)  # type: ignore[arg-type]

    @action
    def look(self, omega: float) -> Iterator[object]:
        """Bury one pattern of N neurons in noise of strength ω, and relax from it at T' = 0, with P = 2 and P = 4.

        Partial answers, and the last, map P to xi_i sigma_i (n,): +1 where the pattern is kept.
        """
        if omega < 0:
            raise UserError("The noise ω is not negative.")
        generator, n = self.context.generator, self.parameters.neurons
        found: dict[int, np.ndarray] = {}
        for order in ORDERS:
            yield Progress(f"P = {order}, ω = {omega:.1f}")
            archetype = random_archetypes(1, 1, n, generator)
            network = Network(archetype, order, noise=TensorNoise(1, n, order, generator), omega=omega)
            spins = corrupted(archetype[:, 0], 0.0, 1, generator)
            for said in relaxed(network, spins, 0.0, self.parameters.sweeps, generator):
                if isinstance(said, Progress):
                    yield said
                else:
                    found[order] = (archetype * said)[0, 0].cpu().numpy()
            yield dict(found)
        return found

    def save_artefacts(self, folder: Path) -> None:
        """Write |m| of every sample against the noise, and the tolerated noise against N."""
        for order in ORDERS:
            found = zip(self._omega, self.found[str(order)], strict=False)
            header = ["omega", *(f"m_sample{index}" for index in range(self.parameters.seeds))]
            write_rows(folder / f"detection_p{order}.csv", header, ((omega, *values) for omega, values in found))
            limits = [(n, limit, self._limits[order, int(n)]) for n, limit in self.limits[str(order)]]
            write_rows(folder / f"tolerated_p{order}.csv", ("neurons", "omega", "omega_theory"), limits)
