"""The replica-symmetric phase diagram over load and noise, and Monte Carlo probes on it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from plugins.dense_hebbian.contract import PhaseFrame, PhaseParameters
from plugins.dense_hebbian.experiments.common import checked_patterns, relaxed
from plugins.dense_hebbian.network import Network, corrupted, mattis, random_archetypes
from plugins.dense_hebbian.theory import RETRIEVES, critical_load, pressure, solve
from workbench.sdk import Context, Experiment, Metrics, Progress, action

ERGODIC, GLASS, METASTABLE, PURE = 0.0, 1.0, 2.0, 3.0
BOUNDARY_POINTS = 40


class PhaseDiagram(Experiment[PhaseParameters, PhaseFrame]):
    """One step is one row of the map (a noise T'), or one boundary; both branches are solved for all loads at once."""

    def __init__(self, parameters: PhaseParameters, context: Context) -> None:
        super().__init__(parameters, context)
        p = parameters
        self._gamma = np.linspace(0, p.most_gamma, p.resolution)
        self._temperature = np.linspace(p.most_temperature / p.resolution, p.most_temperature, p.resolution)
        self._entropies = [float(rho) for rho in p.entropies]
        shape = (p.resolution, p.resolution)
        self.magnetisation, self.phase = np.full(shape, np.nan), np.full(shape, np.nan)
        self.boundaries: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        self.probes: list[list[float]] = []

    @property
    def total_steps(self) -> int:
        """A step a boundary, and a step a row."""
        return len(self._entropies) + self.parameters.resolution

    def run(self) -> Iterator[Metrics | Progress]:
        while self.step < self.total_steps:
            if self.step < len(self._entropies):
                rho = self._entropies[self.step]
                yield Progress(f"boundary at ρ = {rho:g}")
                self.boundaries[f"{rho:g}"] = self._boundary(rho)
                report = {"boundary/largest γ": float(self.boundaries[f"{rho:g}"][0].max())}
            else:
                row = self.step - len(self._entropies)
                self._solve_row(row)
                report = {"row": row, "retrieval": float((self.magnetisation[row] > RETRIEVES).mean())}
            self.step += 1
            yield report

    def _boundary(self, rho: float) -> tuple[np.ndarray, np.ndarray]:
        """Where retrieval ends: the largest load at each noise T'.

        Traced along T' because the line is re-entrant: in the replica-symmetric theory some loads are retrieved at a
        middle noise and not at zero noise.
        """
        p = self.parameters
        temperature = np.linspace(0, p.most_temperature, BOUNDARY_POINTS)
        load = critical_load(
            rho, p.order, temperature=torch.from_numpy(temperature), kernel=p.kernel, precision=1e-3
        ).numpy()
        exists = load > 1e-3
        return load[exists], temperature[exists]

    def _solve_row(self, row: int) -> None:
        p, rho = self.parameters, self._entropies[0]
        temperature, gamma = float(self._temperature[row]), torch.from_numpy(self._gamma)
        found = solve(temperature, gamma, rho, p.order, kernel=p.kernel)
        glass = solve(temperature, gamma, rho, p.order, kernel=p.kernel, retrieval=False)
        retrieves = found.m > RETRIEVES
        phase = torch.where(glass.q > RETRIEVES, GLASS, ERGODIC)
        if p.order >= 4 and p.kernel == "distinct":
            better = pressure(found, temperature, gamma, rho, p.order) > pressure(
                glass, temperature, gamma, rho, p.order
            )
            phase = torch.where(retrieves, torch.where(better, PURE, METASTABLE), phase)
        else:
            phase = torch.where(retrieves, PURE, phase)
        self.magnetisation[row] = torch.where(retrieves, found.m, 0.0).numpy()
        self.phase[row] = phase.numpy()

    def frame(self) -> PhaseFrame:
        probes = np.array(self.probes, float).reshape(-1, 4)
        return PhaseFrame(
            self._gamma, self._temperature, self.magnetisation.copy(), self.phase.copy(), dict(self.boundaries), probes
        )

    @action(edits=True)
    def probe(self, gamma: float, temperature: float, rho: float = 0.0) -> Iterator[object]:
        """Run Monte Carlo at one point of the diagram and keep what it measured: |m|, its spread, and the theory's m."""
        p, generator = self.parameters, self.context.generator
        patterns = checked_patterns(gamma, p.neurons, p.order, 1)
        magnetisations = []
        for sample in range(p.replicas):
            archetypes = random_archetypes(1, patterns, p.neurons, generator)
            if rho > 0:  # as many examples of quality 1/2 as give this entropy
                quality = 0.5
                examples = max(1, round((1 - quality**2) / (rho * quality**2)))
                network = Network.supervised(archetypes, quality, examples, p.order, generator, p.kernel)
            else:
                network = Network(archetypes, p.order, 1.0, p.kernel)
            spins = corrupted(archetypes[:, 0], 0.0, 1, generator)
            for said in relaxed(network, spins, temperature, p.sweeps, generator):
                if isinstance(said, Progress):
                    yield Progress(f"sample {sample + 1} of {p.replicas}: {said.text}", said.fraction)
                else:
                    magnetisations.append(float(mattis(said, archetypes[:, :1]).abs().mean()))
        mean, spread = float(np.mean(magnetisations)), float(np.std(magnetisations))
        self.probes = [*self.probes, [gamma, temperature, mean, spread]]
        theory = float(solve(temperature, gamma, rho, p.order, kernel=p.kernel).m)
        return {"m": mean, "spread": spread, "theory": theory, "patterns": patterns}

    @action(edits=True)
    def clear_probes(self) -> None:
        """Forget all probes."""
        self.probes = []
