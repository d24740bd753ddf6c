"""The replica-symmetric phase diagram over load and noise, and Monte Carlo probes on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from plugins.dense_hebbian.contract import PhaseFrame, PhaseParameters
from plugins.dense_hebbian.experiments.common import checked_patterns, swept, write_rows
from plugins.dense_hebbian.network import Network, corrupted, mattis, random_archetypes
from plugins.dense_hebbian.theory import RETRIEVES, critical_load_steps, pressure, solve
from workbench.sdk import Context, Experiment, Metrics, Progress, UserError, action

ERGODIC, GLASS, METASTABLE, PURE = 0.0, 1.0, 2.0, 3.0
BOUNDARY_POINTS = 40
BOUNDARY_PIECE = 8
"""Points bisected at once: few enough that one halving is a fraction of a second."""
SLICE_POINTS = 40
MAP_TOLERANCE = 1e-8
PROBE_QUALITY = 0.5
"""About the quality r of a probe's examples where rho > 0; only rho counts."""


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
        """Trace the boundaries, then fill the map row by row."""
        while self.step < self.total_steps:
            if self.step < len(self._entropies):
                rho = self._entropies[self.step]
                yield Progress(f"boundary at ρ = {rho:g}")
                for said in self._boundary(rho):
                    if isinstance(said, Progress):
                        yield said
                    else:
                        self.boundaries[f"{rho:g}"] = said
                report = {"boundary/largest γ": float(self.boundaries[f"{rho:g}"][0].max())}
            else:
                row = self.step - len(self._entropies)
                self._solve_row(row)
                report = {"row": row, "retrieval": float((self.magnetisation[row] > RETRIEVES).mean())}
            self.step += 1
            yield report

    def _boundary(self, rho: float) -> Iterator[Progress | tuple[np.ndarray, np.ndarray]]:
        """Where retrieval ends: the largest load at each noise T'.

        Traced along T' because the line is re-entrant: in the replica-symmetric theory some loads are retrieved at a
        middle noise and not at zero noise.
        """
        p = self.parameters
        temperature = np.linspace(0, p.most_temperature, BOUNDARY_POINTS)
        parts = []
        for place in range(0, BOUNDARY_POINTS, BOUNDARY_PIECE):
            part = torch.from_numpy(temperature[place : place + BOUNDARY_PIECE])
            steps = critical_load_steps(rho, p.order, temperature=part, kernel=p.kernel, precision=1e-3)
            lower = torch.zeros_like(part)
            for found in steps:
                lower = found
                yield Progress(f"boundary at ρ = {rho:g}", place / BOUNDARY_POINTS)
            parts.append(lower.numpy())
        load = np.concatenate(parts)
        exists = load > 1e-3
        yield load[exists], temperature[exists]

    def _solve_row(self, row: int) -> None:
        p, rho = self.parameters, self._entropies[0]
        temperature, gamma = float(self._temperature[row]), torch.from_numpy(self._gamma)
        found = solve(temperature, gamma, rho, p.order, kernel=p.kernel, tolerance=MAP_TOLERANCE)
        glass = solve(temperature, gamma, rho, p.order, kernel=p.kernel, retrieval=False, tolerance=MAP_TOLERANCE)
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
        """What is solved so far, and the probes."""
        probes = np.array(self.probes, float).reshape(-1, 7)
        return PhaseFrame(
            self._gamma, self._temperature, self.magnetisation.copy(), self.phase.copy(), dict(self.boundaries), probes,
            self._entropies[0],
        )  # fmt: skip

    @action
    def slices(self, gamma: float) -> Iterator[object]:
        """Solve the theory along the noise T' at one load, for every entropy; partial answers map rho to (T', m, q)."""
        p = self.parameters
        temperature = np.linspace(p.most_temperature / SLICE_POINTS, p.most_temperature, SLICE_POINTS)
        found: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}
        for rho in self._entropies:
            solved = solve(torch.from_numpy(temperature), gamma, rho, p.order, kernel=p.kernel, tolerance=MAP_TOLERANCE)
            found[f"{rho:g}"] = temperature, solved.m.numpy(), solved.q.numpy()
            yield dict(found)
        return found

    @action(edits=True)
    def probe(self, gamma: float, temperature: float, rho: float | None = None) -> Iterator[object]:
        """Run Monte Carlo at one point of the diagram and keep what it measured: |m|, its spread, and the theory's m.

        Partial answers are the traces of |m| over sweeps so far, (samples, sweeps) with NaN where there is none yet.
        """
        p = self.parameters
        rho = self._entropies[0] if rho is None else rho
        if gamma < 0 or temperature < 0 or rho < 0:
            raise UserError("Load γ, noise T' and entropy ρ of a probe are not negative.")
        patterns = checked_patterns(gamma, p.neurons, p.order, 1)
        traces = np.full((p.replicas, p.sweeps), np.nan)
        magnetisations = []
        for sample in range(p.replicas):
            text = f"sample {sample + 1} of {p.replicas}"
            yield Progress(text, sample / p.replicas)
            network, archetype = self._network(patterns, rho)
            spins, total, counted = corrupted(archetype, 0.0, 1, self.context.generator), 0.0, 0
            for sweep in range(p.sweeps):
                spins, flips = yield from swept(network, spins, temperature, self.context.generator, text)
                traces[sample, sweep] = m = float(mattis(spins, archetype[:, None]).abs())
                yield traces.copy()
                if 2 * sweep >= p.sweeps:
                    total, counted = total + m, counted + 1
                if temperature == 0 and flips == 0:
                    traces[sample, sweep:] = m
                    break
            magnetisations.append(m if temperature == 0 or not counted else total / counted)
        mean, spread = float(np.mean(magnetisations)), float(np.std(magnetisations))
        theory = float(solve(temperature, gamma, rho, p.order, kernel=p.kernel).m)
        self.probes = [*self.probes, [gamma, temperature, rho, mean, spread, theory, patterns]]
        return {"m": mean, "spread": spread, "theory": theory, "patterns": patterns, "traces": traces}

    def _network(self, patterns: int, rho: float) -> tuple[Network, Tensor]:
        """A network at this entropy and the archetype (1, n) that it is started from."""
        p, generator = self.parameters, self.context.generator
        archetypes = random_archetypes(1, patterns, p.neurons, generator)
        if rho == 0:
            return Network(archetypes, p.order, 1.0, p.kernel), archetypes[:, 0]
        examples = max(1, round((1 - PROBE_QUALITY**2) / (rho * PROBE_QUALITY**2)))
        quality = (1 / (1 + rho * examples)) ** 0.5  # whole M, and r such that rho is met exactly
        return Network.supervised(archetypes, quality, examples, p.order, generator, p.kernel), archetypes[:, 0]

    @action(edits=True)
    def clear_probes(self) -> None:
        """Forget all probes."""
        self.probes = []

    def save_artefacts(self, folder: Path) -> None:
        """Write the map, the boundaries and the probes."""
        np.savez_compressed(
            folder / "phase_diagram.npz",
            gamma=self._gamma,
            temperature=self._temperature,
            magnetisation=self.magnetisation,
            phase=self.phase,
        )
        rows = [(float(rho), g, t) for rho, line in self.boundaries.items() for g, t in zip(*line, strict=True)]
        write_rows(folder / "boundaries.csv", ("rho", "gamma", "noise"), rows)
        header = ("gamma", "noise", "rho", "m", "m_spread", "m_theory", "patterns")
        write_rows(folder / "probes.csv", header, self.probes)
