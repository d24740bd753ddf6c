"""Draw and retrieve: store letters among fillers, corrupt one, watch the energy fall and the overlap rise."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from plugins.dense_hebbian.contract import RetrieveFrame, RetrieveParameters
from plugins.dense_hebbian.experiments.common import checked_patterns, swept
from plugins.dense_hebbian.letters import letter_patterns
from plugins.dense_hebbian.network import (
    Network,
    class_means,
    corrupted,
    mattis,
    plefka_step,
    random_archetypes,
    replica_overlap,
)
from plugins.dense_hebbian.theory import dataset_entropy, load_of, second_moment, solve
from workbench.sdk import Context, Experiment, Metrics, Progress, UserError, action

SHOWN_OVERLAPS = 12
BASIN_POINTS = 24
CLOSE = 0.8
"""An end state whose overlap with a pattern (or with its negative) is above this has retrieved it."""


class Retrieve(Experiment[RetrieveParameters, RetrieveFrame]):
    """A network that has learnt noisy examples of letters and random fillers, relaxing from a corrupted pattern."""

    def __init__(self, parameters: RetrieveParameters, context: Context) -> None:
        super().__init__(parameters, context)
        p = parameters
        neurons = p.side**2
        self.names, drawn = letter_patterns(p.letters, p.side)
        patterns = max(len(drawn), checked_patterns(p.gamma, neurons, p.order, p.replicas))
        fillers = random_archetypes(1, patterns, neurons, context.generator)
        fillers[0, : len(drawn)] = torch.as_tensor(drawn, dtype=torch.float64, device=context.device)
        self.archetypes = fillers
        self.chi = class_means(fillers, p.quality, p.examples, context.generator)
        self.target = 0
        self.flips = 0
        self.spins = corrupted(self.archetypes[:, 0], p.flips, p.replicas, context.generator)
        self.previous = self.spins.clone()
        self._theory_key: tuple[Any, ...] = ()
        self._theory = (0.0, 0.0, 0.0)
        self._network: Network | None = None
        self._stability: dict[int, Float[Tensor, " n"]] = {}

    @property
    def network(self) -> Network:
        """The couplings as they are now; made anew when the data changed."""
        p = self.parameters
        if self._network is None or self._network.chi is not self.chi:
            self._network = Network(self.chi, p.order, second_moment(p.quality, p.examples), p.kernel)
            self._stability.clear()
        return self._network

    def _stability_of(self, target: int) -> Float[Tensor, " n"]:
        """xi_i h_i at the archetype itself, which does not change while the network relaxes."""
        network = self.network
        if target not in self._stability:
            archetype = self.archetypes[0, target]
            self._stability[target] = archetype * network.fields(archetype[None, None])[0, 0]
        return self._stability[target]

    def run(self) -> Iterator[Metrics | Progress]:
        """Sweep, and measure all replicas."""
        while self.step < self.parameters.steps:
            yield from self._move()
            self.step += 1
            yield self._measured()

    def _move(self) -> Iterator[Progress]:
        p, net = self.parameters, self.network
        if p.dynamics in ("plefka1", "plefka2"):
            gamma = load_of(self.chi.shape[1], net.neurons, p.order)
            new = plefka_step(net, self.spins, self.previous, p.temperature, gamma, p.dynamics == "plefka2")
            self.previous, self.spins = self.spins, new
            return
        temperature = 0.0 if p.dynamics == "zero" else p.temperature
        signs = torch.where(self.spins >= 0, 1.0, -1.0).to(self.spins)
        self.spins, self.flips = yield from swept(net, signs, temperature, self.context.generator, "sweeping")

    def _measured(self) -> Metrics:
        net = self.network
        m = mattis(self.spins, self.archetypes[:, self.target : self.target + 1])[0, :, 0]
        rho = dataset_entropy(self.parameters.quality, self.parameters.examples)
        n = net.overlaps(self.spins)[0, :, self.target] / np.sqrt(1 + rho)
        energy = net.energy(self.spins)[0]
        metrics = {"energy per spin": energy.mean(), "m": m.mean(), "n": n.mean(), "flips": self.flips}
        if len(m) > 1:
            metrics |= {"m/spread": m.std(), "q": replica_overlap(self.spins)[0]}
        return metrics

    def frame(self) -> RetrieveFrame:
        """The first replica in full, and numbers of all."""
        p, net = self.parameters, self.network
        rho = dataset_entropy(p.quality, p.examples)
        gamma = load_of(self.chi.shape[1], net.neurons, p.order)
        archetype = self.archetypes[0, self.target]
        fields = net.fields(self.spins[:, :1])[0, 0]
        overlaps = mattis(self.spins[:, :1], self.archetypes)[0, 0]
        top = overlaps.abs().topk(min(SHOWN_OVERLAPS, len(overlaps))).indices
        stability = self._stability_of(self.target)
        scale = p.order / 2 * (1 + rho) ** (p.order / 2 - 1)
        return RetrieveFrame(
            spins=self.spins[0].cpu().numpy().copy(),
            fields=fields.cpu().numpy(),
            archetype=archetype.cpu().numpy().copy(),
            mean_example=self.chi[0, self.target].cpu().numpy().copy(),
            overlaps=overlaps[top].cpu().numpy(),
            indices=top.cpu().numpy(),
            names=tuple(self._name(i) for i in top.tolist()),
            target=self.target,
            target_name=self._name(self.target),
            stored=tuple(self.names),
            stability=(stability / scale * (1 + rho) ** ((p.order - 1) / 2)).cpu().numpy(),
            stability_theory=(1.0, rho + 2 * gamma / p.order * (1 + rho) ** p.order),
            magnetisation=mattis(self.spins, archetype[None, None])[0, :, 0].cpu().numpy(),
            theory=self._solved(gamma, rho),
            patterns=self.chi.shape[1],
            load=gamma,
            entropy=rho,
            beta=1 / p.temperature if p.temperature > 0 else float("inf"),
            sweep=self.step,
        )

    def _name(self, index: int) -> str:
        return self.names[index] if index < len(self.names) else f"filler {index - len(self.names) + 1}"

    def _solved(self, gamma: float, rho: float) -> tuple[float, float, float]:
        """RS values of m, n, q at these control parameters; solved again only when they change."""
        p = self.parameters
        temperature = 0.0 if p.dynamics == "zero" else p.temperature
        key = (temperature, gamma, rho, p.order, p.kernel)
        if key != self._theory_key:
            found = solve(temperature, gamma, rho, p.order, kernel=p.kernel)
            q = 1.0 if temperature == 0 else float(found.q)
            self._theory_key, self._theory = key, (float(found.m), float(found.n), q)
        return self._theory

    @action(edits=True)
    def paint(self, sites: list[int], value: int) -> int:
        """Set spins of all replicas while the network relaxes."""
        self.spins[..., sites] = float(value)
        return len(sites)

    @action(edits=True)
    def disturb(self, sites: list[int], share: float = 0.5) -> int:
        """Turn a share of some spins, in every replica by itself."""
        turned = (
            torch.rand(self.spins[..., sites].shape, generator=self.context.generator, device=self.spins.device) < share
        )
        self.spins[..., sites] = torch.where(turned, -self.spins[..., sites], self.spins[..., sites])
        return int(turned.sum())

    @action(edits=True)
    def start_from(self, pattern: int, flips: float | None = None) -> int:
        """Start all replicas from a stored pattern with a share of its spins turned, and score it from now on."""
        if not 0 <= pattern < self.archetypes.shape[1]:
            raise UserError(f"There is no pattern {pattern}; there are {self.archetypes.shape[1]}.")
        self.target = pattern
        share = self.parameters.flips if flips is None else flips
        self.spins = corrupted(self.archetypes[:, pattern], share, self.parameters.replicas, self.context.generator)
        self.previous = self.spins.clone()
        return pattern

    @action(edits=True)
    def store(self, drawing: Float[np.ndarray, " n"]) -> str:
        """Store a drawing in place of a filler, by noisy examples of it; returns what it is called."""
        drawn = torch.as_tensor(np.where(np.asarray(drawing) >= 0, 1.0, -1.0), device=self.archetypes.device)
        index = len(self.names)
        if index >= self.archetypes.shape[1]:
            raise UserError("There is no filler left to give its place to the drawing; raise the load γ.")
        if drawn.shape != self.archetypes.shape[2:]:
            raise UserError(f"A drawing has {self.archetypes.shape[2]} pixels, not {drawn.numel()}.")
        self.archetypes = self.archetypes.clone()
        self.archetypes[0, index] = drawn.to(self.archetypes)
        p = self.parameters
        learnt = class_means(self.archetypes[:, index : index + 1], p.quality, p.examples, self.context.generator)
        self.chi = self.chi.clone()  # a new tensor: what was derived from the old one is made again
        self.chi[:, index] = learnt[:, 0]
        self.names = [*self.names, f"drawing {index + 1}"]
        self.target = index
        return self.names[-1]

    @action
    def basin(self, first: int, second: int, points: int = BASIN_POINTS, sweeps: int = 6) -> Iterator[Any]:
        """Paint a slice of the landscape: where starts between two patterns and noise end.

        Rows go from no noise to pure noise, columns from the first pattern to the second. Yields the map so far
        (points, points) as signed labels: 1 first, 2 second, 3 another pattern, 0 none; returns it at the end.
        """
        known = range(self.archetypes.shape[1])
        if first not in known or second not in known:
            raise UserError(f"Basins are painted between two of the patterns 0 to {len(known) - 1}.")
        net, labels = self.network, np.full((points, points), np.nan)
        a, b = self.archetypes[0, first], self.archetypes[0, second]
        generator = self.context.generator
        # One order in which sites go over to b, and one in which they become noise, so that neighbours differ little.
        rank, drowned = (torch.randperm(net.neurons, generator=generator, device=a.device) for _ in range(2))
        noise = random_archetypes(1, 1, net.neurons, generator)[0, 0]
        share = torch.linspace(0, 1, points, dtype=torch.float64, device=a.device)[:, None]
        mixed = torch.where(rank < share * net.neurons, b, a)
        for row in range(points):
            is_noise = drowned < share[row] * net.neurons
            spins = torch.where(is_noise, noise, mixed)[None]
            for _ in range(sweeps):
                spins, flips = yield from swept(net, spins, 0.0, generator, "painting basins")
                if flips == 0:
                    break
            labels[row] = _ends(mattis(spins, self.archetypes)[0], first, second).cpu().numpy()
            yield labels.copy()
        return labels

    def save_artefacts(self, folder: Path) -> None:
        """Write archetypes, class means and the state of all replicas."""
        np.savez_compressed(
            folder / "network.npz",
            xi=self.archetypes[0].cpu().numpy().astype(np.int8),
            chi=self.chi[0].cpu().numpy().astype(np.float32),
            spins=self.spins[0].cpu().numpy(),
            names=np.array(self.names),
        )


def _ends(overlaps: Float[Tensor, "p k"], first: int, second: int) -> Float[Tensor, " p"]:
    """Label each end state by the pattern (or its negative) it is close to."""
    best, index = overlaps.abs().max(-1)
    label = torch.full_like(best, 3.0)
    label[index == first], label[index == second] = 1.0, 2.0
    return torch.where(best > CLOSE, label, 0.0)
