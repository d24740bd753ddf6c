"""Draw and retrieve: store letters among fillers, corrupt one, watch the energy fall and the overlap rise."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from plugins.dense_hebbian.contract import RetrieveFrame, RetrieveParameters
from plugins.dense_hebbian.experiments.common import checked_patterns, swept, write_rows
from plugins.dense_hebbian.letters import letter_patterns
from plugins.dense_hebbian.network import (
    Network,
    class_means,
    corrupted,
    mattis,
    plefka_step,
    random_archetypes,
    random_order,
    replica_overlap,
)
from plugins.dense_hebbian.theory import dataset_entropy, load_of, second_moment, solve
from workbench.sdk import Context, Experiment, Metrics, Progress, UserError, action
from workbench.toolkit.spin_systems import Patterns, Spins

SHOWN_OVERLAPS = 12
LONGEST_TRACE = 2000
NAP = 0.02
"""Seconds between two words while slow motion waits."""
BASIN_POINTS = 24
RADIUS_POINTS = 11
RECALLED = 0.95
"""Overlap above which a spoilt copy of a pattern counts as recalled."""
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
        self.sweeps = 0.0
        self.sites: list[int] = []
        self.spins = corrupted(self.archetypes[:, 0], p.flips, p.replicas, context.generator)
        self.previous = self.spins.clone()
        self._theory_key: tuple[Any, ...] = ()
        self._theory = (0.0, 0.0, 0.0)
        self._network: Network | None = None
        self._made_of = (self.chi, -1)
        self._stability: dict[int, Float[Tensor, " n"]] = {}
        self.trace: list[list[float]] = []
        self._note()

    @property
    def network(self) -> Network:
        """The couplings as they are now; made anew when the data changed."""
        p = self.parameters
        # A checkpoint may be copied into the same tensor, which only its version tells.
        made_of = (self.chi, self.chi._version)
        if self._network is None or made_of[0] is not self._made_of[0] or made_of[1] != self._made_of[1]:
            self._made_of = made_of
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
        """Visit a part of the neurons a step, and measure all replicas."""
        while self.step < self.parameters.steps:
            yield from self._wait()
            yield from self._move()
            self.step += 1
            yield self._note()

    def _wait(self) -> Iterator[Progress]:
        """Slow motion."""
        began = time.monotonic()
        while (left := self.parameters.pause - (time.monotonic() - began)) > 0:
            time.sleep(min(NAP, left))
            yield Progress("slow motion")

    def _move(self) -> Iterator[Progress]:
        p, net = self.parameters, self.network
        if p.dynamics in ("plefka1", "plefka2"):
            gamma = load_of(self.chi.shape[1], net.neurons, p.order)
            new = plefka_step(net, self.spins, self.previous, p.temperature, gamma, p.dynamics == "plefka2")
            self.previous, self.spins = self.spins, new
            self.sweeps += 1
            return
        temperature = 0.0 if p.dynamics == "zero" else p.temperature
        signs = torch.where(self.spins >= 0, 1.0, -1.0).to(self.spins)
        if not self.sites:
            self.sites = random_order(net.neurons, self.context.generator)
        count = -(-net.neurons // p.parts)
        now, self.sites = self.sites[:count], self.sites[count:]
        self.spins, self.flips = yield from swept(net, signs, temperature, self.context.generator, "sweeping", now)
        self.sweeps += len(now) / net.neurons

    def _note(self) -> Metrics:
        """Measure energy and overlaps, and append them to the trace since the start."""
        net = self.network
        m = mattis(self.spins, self.archetypes[:, self.target : self.target + 1])[0, :, 0]
        rho = dataset_entropy(self.parameters.quality, self.parameters.examples)
        n = net.overlaps(self.spins)[0, :, self.target] / np.sqrt(1 + rho)
        energy = float(net.energy(self.spins)[0].mean())
        metrics = {"energy per spin": energy, "m": float(m.mean()), "n": float(n.mean()), "flips": self.flips}
        q = float("nan")
        if len(m) > 1:
            q = float(replica_overlap(self.spins)[0])
            metrics |= {"m/spread": float(m.std()), "q": q}
        self.trace.append([self.sweeps, energy, metrics["m"], metrics["n"], q])
        del self.trace[:-LONGEST_TRACE]
        return metrics

    def _begin(self, spins: Spins) -> None:
        """Start anew from these spins: the trace with them."""
        self.spins, self.previous = spins, spins.clone()
        self.sweeps, self.sites, self.trace = 0.0, [], []
        self._note()

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
        unit = p.order / 2 * (1 + rho) ** (-p.order / 2)  # the mean of xi_i h_i at the archetype
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
            stability=(stability / unit).cpu().numpy(),
            stability_theory=(1.0, rho + 2 * gamma / p.order * (1 + rho) ** p.order),
            magnetisation=mattis(self.spins, archetype[None, None])[0, :, 0].cpu().numpy(),
            theory=self._solved(gamma, rho),
            patterns=self.chi.shape[1],
            load=gamma,
            entropy=rho,
            beta=1 / p.temperature if p.temperature > 0 else float("inf"),
            trace=np.array(self.trace, float).reshape(-1, 5),
            side=p.side,
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
    def paint(self, sites: Sequence[int], values: Sequence[float]) -> int:
        """Set spins of all replicas while the network relaxes."""
        self._check_sites(sites)
        self.spins[..., list(sites)] = torch.as_tensor(values, dtype=self.spins.dtype, device=self.spins.device)
        return len(sites)

    def _check_sites(self, sites: Sequence[int]) -> None:
        if any(not 0 <= site < self.spins.shape[-1] for site in sites):
            raise UserError(f"Pixels are numbered 0 to {self.spins.shape[-1] - 1}.")

    @action(edits=True)
    def disturb(self, sites: Sequence[int], share: float = 0.5) -> int:
        """Turn a share of some spins, in every replica by itself."""
        self._check_sites(sites)
        sites = list(sites)
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
        self._begin(corrupted(self.archetypes[:, pattern], share, self.parameters.replicas, self.context.generator))
        return pattern

    @action(edits=True)
    def begin_with(self, drawing: Float[np.ndarray, " n"]) -> int:
        """Start all replicas from a drawing; what is scored stays."""
        drawn = self._checked(drawing)
        self._begin(drawn.expand(1, self.parameters.replicas, -1).clone())
        return int(drawn.numel())

    @action(edits=True)
    def relax(self, sweeps: int = 5) -> Iterator[object]:
        """Relax for some sweeps without Train; partial answers are frames, as while training."""
        parts = 1 if self.parameters.dynamics.startswith("plefka") else self.parameters.parts
        for _ in range(sweeps * parts):
            yield from self._wait()
            yield from self._move()
            self._note()
            yield self.frame()
        return self.frame()

    @action(edits=True)
    def store(self, drawing: Float[np.ndarray, " n"]) -> str:
        """Store a drawing in place of a filler, by noisy examples of it; returns what it is called."""
        drawn = self._checked(drawing)
        index = len(self.names)
        if index >= self.archetypes.shape[1]:
            raise UserError("There is no filler left to give its place to the drawing; raise the load γ.")
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
    def radius(self, pattern: int | None = None, copies: int = 16, sweeps: int = 8) -> Iterator[Any]:
        """How far from a pattern its basin reaches: share of copies that are recalled against the share of flips.

        A copy is recalled when it ends with m > 0.95 at zero temperature. Partial answers, and the last, are the shares
        of flips (f,) and the shares recalled (f,), NaN to come; the basin's radius is where they pass one half.
        """
        target = self.target if pattern is None else pattern
        if not 0 <= target < self.archetypes.shape[1]:
            raise UserError(f"There is no pattern {target}; there are {self.archetypes.shape[1]}.")
        generator = torch.Generator(self.archetypes.device).manual_seed(self.context.seed)
        flips = np.linspace(0, 0.5, RADIUS_POINTS)
        recalled = np.full(RADIUS_POINTS, np.nan)
        for place, share in enumerate(flips.tolist()):
            spins = corrupted(self.archetypes[:, target], share, copies, generator)
            for _ in range(sweeps):
                spins, turned = yield from swept(self.network, spins, 0.0, generator, f"{100 * share:.0f} % flips")
                if turned == 0:
                    break
            m = mattis(spins, self.archetypes[:, target : target + 1])[0, :, 0]
            recalled[place] = float((m > RECALLED).double().mean())
            yield flips, recalled.copy()
        return flips, recalled

    def _checked(self, drawing: Float[np.ndarray, " n"]) -> Float[Tensor, " n"]:
        drawn = torch.as_tensor(np.where(np.asarray(drawing) >= 0, 1.0, -1.0), device=self.archetypes.device)
        if drawn.shape != self.archetypes.shape[2:]:
            raise UserError(f"A drawing has {self.archetypes.shape[2]} pixels, not {drawn.numel()}.")
        return drawn.to(self.archetypes)

    @action
    def basin(
        self,
        first: int,
        second: int,
        points: int = BASIN_POINTS,
        sweeps: int = 6,
        order: int | None = None,
        patterns: int | None = None,
        entropy: float | None = None,
    ) -> Iterator[Any]:
        """Paint a slice of the landscape: where starts between two patterns and noise end, at zero temperature.

        Rows go from no noise to pure noise, columns from the first pattern to the second. Yields the map so far
        (points, points) as labels (1 first, 2 second, 3 another pattern, 0 none) with the largest |m|, and returns it.
        `order`, `patterns` (the first K of them) and `entropy` rho ask how the landscape would be with these.
        """
        known = range(self.archetypes.shape[1] if patterns is None else min(patterns, self.archetypes.shape[1]))
        if first not in known or second not in known or first == second:
            raise UserError(f"Basins are painted between two different patterns of 0 to {len(known) - 1}.")
        archetypes = self.archetypes[:, : len(known)]
        net = self._imagined(archetypes, order, entropy)
        generator = torch.Generator(archetypes.device).manual_seed(self.context.seed)  # the same map at each call
        labels, overlaps = np.full((points, points), np.nan), np.full((points, points), np.nan)
        share = torch.linspace(0, 1, points, dtype=torch.float64, device=archetypes.device)
        for row in range(points):
            spins = self._mixture(archetypes, first, second, share, share[row])
            for _ in range(sweeps):
                spins, flips = yield from swept(net, spins, 0.0, generator, "painting basins")
                if flips == 0:
                    break
            own = mattis(spins, archetypes)[0]
            labels[row], overlaps[row] = _ends(own, first, second).cpu().numpy(), own.abs().amax(-1).cpu().numpy()
            yield labels.copy(), overlaps.copy()
        return labels, overlaps

    def _mixture(self, archetypes: Patterns, first: int, second: int, towards: Tensor, noise: Tensor) -> Spins:
        """Starts (1, p, n) between two patterns, a share `towards` (p,) over to the second, a share `noise` random.

        Sites go over in one random order, and become noise in another, so that neighbours differ little; it is the
        same at each call, so that what changes is the landscape.
        """
        device, neurons = archetypes.device, archetypes.shape[-1]
        generator = torch.Generator(device).manual_seed(self.context.seed)
        rank, drowned = (torch.randperm(neurons, generator=generator, device=device) for _ in range(2))
        random = random_archetypes(1, 1, neurons, generator)[0, 0]
        mixed = torch.where(rank < towards[:, None] * neurons, archetypes[0, second], archetypes[0, first])
        return torch.where(drowned < noise * neurons, random, mixed)[None]

    @action(edits=True)
    def begin_between(self, first: int, second: int, towards: float, noise: float) -> int:
        """Start all replicas where a map of basins has this place, and score the nearer of its two patterns."""
        self.target = first if towards < 0.5 else second
        place = torch.tensor([towards, noise], dtype=torch.float64, device=self.spins.device).clamp(0, 1)
        start = self._mixture(self.archetypes, first, second, place[:1], place[1])
        self._begin(start.expand(1, self.parameters.replicas, -1).clone())
        return self.target

    def _imagined(self, archetypes: Patterns, order: int | None, entropy: float | None) -> Network:
        """The network as it is, or with another order or other examples of the same archetypes."""
        p = self.parameters
        order = p.order if order is None else order
        if entropy is None:
            chi = self.chi[:, : archetypes.shape[1]]
            return Network(chi, order, second_moment(p.quality, p.examples), p.kernel)
        if entropy <= 0:
            return Network(archetypes, order, 1.0, p.kernel)
        quality = (1 + entropy * p.examples) ** -0.5
        generator = torch.Generator(archetypes.device).manual_seed(self.context.seed + 1)
        return Network.supervised(archetypes, quality, p.examples, order, generator, p.kernel)

    def save_artefacts(self, folder: Path) -> None:
        """Write archetypes, class means and the state of all replicas."""
        np.savez_compressed(
            folder / "network.npz",
            xi=self.archetypes[0].cpu().numpy().astype(np.int8),
            chi=self.chi[0].cpu().numpy().astype(np.float32),
            spins=self.spins[0].cpu().numpy(),
            names=np.array(self.names),
            trace=np.array(self.trace),
        )
        write_rows(folder / "trace.csv", ("sweeps", "energy_per_spin", "m", "n", "q"), self.trace)


def _ends(overlaps: Float[Tensor, "p k"], first: int, second: int) -> Float[Tensor, " p"]:
    """Label each end state by the pattern (or its negative) it is close to."""
    best, index = overlaps.abs().max(-1)
    label = torch.full_like(best, 3.0)
    label[index == first], label[index == second] = 1.0, 2.0
    return torch.where(best > CLOSE, label, 0.0)
