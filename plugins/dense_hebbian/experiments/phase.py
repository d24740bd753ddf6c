"""The replica-symmetric phase diagram over load and noise, and Monte Carlo probes on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from plugins.dense_hebbian.contract import PhaseFrame, PhaseParameters, ProbeState
from plugins.dense_hebbian.experiments.common import batches, checked_patterns, swept, write_rows
from plugins.dense_hebbian.network import Network, corrupted, mattis, random_archetypes
from plugins.dense_hebbian.theory import RETRIEVES, critical_load_pieces, pressure, solve, solve_pieces
from workbench.sdk import Context, Experiment, Metrics, Progress, UserError, action

ERGODIC, GLASS, METASTABLE, PURE, RETRIEVAL = 0.0, 1.0, 2.0, 3.0, 4.0
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
                for _ in self._solve_row(row):
                    yield Progress(f"row {row + 1} of {self.parameters.resolution}")
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
            bisecting = critical_load_pieces(rho, p.order, temperature=part, kernel=p.kernel, precision=1e-3)
            while True:
                try:
                    next(bisecting)
                except StopIteration as end:
                    lower = end.value
                    break
                yield Progress(f"boundary at ρ = {rho:g}", place / BOUNDARY_POINTS)
            parts.append(lower.numpy())
        load = np.concatenate(parts)
        exists = load > 1e-3
        yield load[exists], temperature[exists]

    def _solve_row(self, row: int) -> Iterator[float]:
        p, rho = self.parameters, self._entropies[0]
        temperature, gamma = float(self._temperature[row]), torch.from_numpy(self._gamma)
        options = {"kernel": p.kernel, "tolerance": MAP_TOLERANCE}
        found = yield from solve_pieces(temperature, gamma, rho, p.order, **options)
        glass = yield from solve_pieces(temperature, gamma, rho, p.order, retrieval=False, **options)
        retrieves = found.m > RETRIEVES
        phase = torch.where(glass.q > RETRIEVES, GLASS, ERGODIC)
        if p.order >= 4 and p.kernel == "distinct":
            better = pressure(found, temperature, gamma, rho, p.order) > pressure(
                glass, temperature, gamma, rho, p.order
            )
            phase = torch.where(retrieves, torch.where(better, PURE, METASTABLE), phase)
        else:
            phase = torch.where(retrieves, RETRIEVAL, phase)  # which of the two is stable is not known here
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

        Partial answers are what it looks like so far.
        """
        p = self.parameters
        rho = self._entropies[0] if rho is None else rho
        if gamma < 0 or temperature < 0 or rho < 0:
            raise UserError("Load γ, noise T' and entropy ρ of a probe are not negative.")
        patterns = checked_patterns(gamma, p.neurons, p.order, 1)
        traces = np.full((p.replicas, p.sweeps), np.nan)
        measured = np.zeros(p.replicas)
        generator, done = self.context.generator, 0
        for size in batches(p.replicas, patterns, p.neurons, p.order):
            text = f"samples {done + 1} to {done + size} of {p.replicas}"
            yield Progress(text, done / p.replicas)
            network, archetype = self._network(patterns, rho, size)
            own = slice(done, done + size)
            spins, total, counted = corrupted(archetype, 0.0, 1, generator), np.zeros(size), 0
            for sweep in range(p.sweeps):
                spins, flips = yield from swept(network, spins, temperature, generator, text)
                m = mattis(spins, archetype[:, None]).abs()[:, 0, 0].cpu().numpy()
                traces[own, sweep] = m
                yield ProbeState(gamma, temperature, rho, traces.copy(), (archetype[0] * spins[0, 0]).cpu().numpy())
                if 2 * sweep >= p.sweeps:
                    total, counted = total + m, counted + 1
                if temperature == 0 and flips == 0:
                    traces[own, sweep:] = m[:, None]
                    break
            measured[own] = m if temperature == 0 or not counted else total / counted
            done += size
        theory = float(solve(temperature, gamma, rho, p.order, kernel=p.kernel).m)
        row = [gamma, temperature, rho, float(measured.mean()), float(measured.std()), theory, patterns]
        self.probes = [*self.probes, row]
        return ProbeState(gamma, temperature, rho, traces, (archetype[0] * spins[0, 0]).cpu().numpy())

    @action
    def melt(self, gamma: float, temperature: float, rho: float = 0.0, sweeps: int = 8) -> Iterator[object]:
        """Relax one sample from an archetype at this point, and keep nothing of it; partial answers as it goes."""
        patterns = checked_patterns(gamma, self.parameters.neurons, self.parameters.order, 1)
        network, archetype = self._network(patterns, rho)
        spins = corrupted(archetype, 0.0, 1, self.context.generator)
        trace = np.full((1, sweeps + 1), np.nan)
        trace[0, 0] = 1.0
        for sweep in range(sweeps):
            spins, _ = yield from swept(network, spins, temperature, self.context.generator, "melting")
            trace[0, sweep + 1] = float(mattis(spins, archetype[:, None]).abs())
            yield ProbeState(gamma, temperature, rho, trace.copy(), (archetype * spins)[0, 0].cpu().numpy())
        return ProbeState(gamma, temperature, rho, trace, (archetype * spins)[0, 0].cpu().numpy())

    @action
    def boundary(self, rho: float, points: int = 16) -> Iterator[object]:
        """Where retrieval ends at any entropy: returns loads and noises of the line; partial answers say Progress."""
        if rho < 0:
            raise UserError("The dataset entropy ρ is not negative.")
        p = self.parameters
        temperature = np.linspace(0, p.most_temperature, points)
        bisecting = critical_load_pieces(
            rho, p.order, temperature=torch.from_numpy(temperature), kernel=p.kernel, precision=4e-3
        )
        while True:
            try:
                next(bisecting)
            except StopIteration as end:
                load = end.value.numpy()
                break
            yield Progress(f"boundary at ρ = {rho:.3g}")
        exists = load > 5e-3
        return rho, load[exists], temperature[exists]

    def _network(self, patterns: int, rho: float, samples: int = 1) -> tuple[Network, Tensor]:
        """Networks at this entropy and the archetypes (samples, n) that they are started from."""
        p, generator = self.parameters, self.context.generator
        archetypes = random_archetypes(samples, patterns, p.neurons, generator)
        if rho == 0:
            return Network(archetypes, p.order, 1.0, p.kernel), archetypes[:, 0]
        examples = max(1, round((1 - PROBE_QUALITY**2) / (rho * PROBE_QUALITY**2)))
        quality = (1 / (1 + rho * examples)) ** 0.5  # whole M, and r such that rho is met exactly
        return Network.supervised(archetypes, quality, examples, p.order, generator, p.kernel), archetypes[:, 0]

    @action(edits=True)
    def set_probes(self, probes: Float[np.ndarray, "p 7"]) -> int:
        """Keep these probes instead of what there is; none of them forgets all."""
        table = np.asarray(probes, float)
        if table.ndim != 2 or table.shape[1] != 7:
            raise UserError("Probes are rows of seven numbers.")
        self.probes = table.tolist()
        return len(table)

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
