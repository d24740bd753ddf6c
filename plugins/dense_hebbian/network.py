"""The supervised P-spin Hebbian network at finite size: data, local fields, energies, and its dynamics.

Everything is batched over b disorder samples and r replicas; a sweep never builds the coupling tensor.
"""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from plugins.dense_hebbian.theory import Kernel, second_moment
from workbench.toolkit.self_consistency import finished
from workbench.toolkit.spin_systems import (
    Patterns,
    Spins,
    TensorNoise,
    from_power_sums,
    rademacher,
    with_element,
    without_element,
)


def class_means(archetypes: Patterns, r: float, examples: int, generator: torch.Generator) -> Patterns:
    """Means chi (b, k, n) of M noisy examples of each archetype, drawn without making the examples.

    Each bit of an example is right with probability (1 + r) / 2, so chi = xi (2 B - M) / M with B ~ Binomial(M, .).
    """
    probability = torch.full_like(archetypes, (1 + r) / 2)
    count = torch.full_like(archetypes, float(examples))
    right = torch.binomial(count, probability, generator=generator)
    return archetypes * (2 * right - examples) / examples


def examples_of(archetypes: Patterns, r: float, examples: int, generator: torch.Generator) -> Float[Tensor, "b k a n"]:
    """The noisy examples themselves (b, k, M, n), which only a network without a teacher needs one by one."""
    b, k, n = archetypes.shape
    uniform = torch.rand(b, k, examples, n, generator=generator, device=archetypes.device)
    flips = torch.where(uniform < (1 + r) / 2, 1.0, -1.0).to(archetypes)
    return archetypes[:, :, None, :] * flips


LARGEST_PIECE = 4_000_000
"""Numbers (replicas x patterns x neurons) that the full power's fields are worked out for at once."""


@dataclass
class Network:
    """Couplings that store class means chi (b, k, n) by the supervised dense Hebbian rule of order P.

    H = -(w / (R^(P/2) N^(P-1))) sum_mu sum_{i1<...<iP} chi_{i1} ... chi_{iP} sigma_{i1} ... sigma_{iP}, with the full
    power of the overlap instead of distinct indices if `kernel` is "full". `weight` w is 1, or 1 / M where every
    example is stored by itself (no teacher). `noise` adds omega times a Gaussian tensor to the couplings, in units of
    one pattern's coupling (not divided by R^(P/2)). Raises ValueError for an order that is odd or exceeds N.
    """

    chi: Patterns
    order: int
    moment: float = 1.0
    kernel: Kernel = "distinct"
    weight: float = 1.0
    noise: TensorNoise | None = None
    omega: float = 0.0

    def __post_init__(self) -> None:
        if self.order < 2 or self.order % 2:
            raise ValueError(f"the order P is even and at least 2, not {self.order}")
        if self.chi.shape[-2] == 0:
            raise ValueError("the network stores at least one pattern")
        if self.kernel == "distinct" and self.order > self.chi.shape[-1]:
            raise ValueError(
                f"with {self.chi.shape[-1]} neurons no {self.order} indices are distinct, so all fields vanish"
            )
        self._scaled = self.chi / self.neurons  # keeps powers near 1 whatever N and P are
        self._by_site = self._scaled.transpose(-1, -2).contiguous()
        self._powers = [self._scaled]
        self._prefactor = self.weight * self.moment ** (-self.order / 2)

    @classmethod
    def supervised(
        cls,
        archetypes: Patterns,
        r: float,
        examples: int,
        order: int,
        generator: torch.Generator,
        kernel: Kernel = "distinct",
    ) -> Network:
        """Learn from M examples of quality r of each archetype, grouped by a teacher."""
        chi = class_means(archetypes, r, examples, generator)
        return cls(chi, order, second_moment(r, examples), kernel)

    @classmethod
    def unsupervised(
        cls,
        archetypes: Patterns,
        r: float,
        examples: int,
        order: int,
        generator: torch.Generator,
        kernel: Kernel = "distinct",
    ) -> Network:
        """Learn from the same examples without a teacher: each is stored by itself, with weight 1 / M."""
        eta = examples_of(archetypes, r, examples, generator).flatten(1, 2)
        return cls(eta, order, second_moment(r, examples), kernel, weight=1 / examples)

    @property
    def neurons(self) -> int:
        """N."""
        return self.chi.shape[-1]

    def overlaps(self, spins: Spins) -> Float[Tensor, "b r k"]:
        """x_mu = chi_mu . sigma / (N sqrt R)."""
        return spins @ self._scaled.transpose(-1, -2) / math.sqrt(self.moment)

    def power(self, exponent: int) -> Patterns:
        """(chi / N) to the given power, kept once made."""
        while len(self._powers) < exponent:
            self._powers.append(self._powers[-1] * self._scaled)
        return self._powers[exponent - 1]

    def symmetric(self, spins: Spins, degree: int) -> list[Float[Tensor, "b r k"]]:
        """Elementary symmetric polynomials e_1 .. e_degree of chi_i sigma_i / N for every pattern, by products."""
        sums, power = [], torch.ones_like(spins)
        for j in range(1, degree + 1):
            power = power * spins
            sums.append(power @ self.power(j).transpose(-1, -2))
        return from_power_sums(sums)

    def energy(self, spins: Spins) -> Float[Tensor, "b r"]:
        """H(sigma) / N in units in which the Boltzmann weight is exp(-beta' N H/N): (P!/2) times the sum over subsets.

        A retrieved pattern (K = 1, rho = 0) has -1/2 for large N.
        """
        if self.kernel == "full":
            per_pattern = (spins @ self._scaled.transpose(-1, -2)) ** self.order / 2
        else:
            per_pattern = self.symmetric(spins, self.order)[-1] * math.factorial(self.order) / 2
        total = -self._prefactor * per_pattern.sum(-1)
        if self.noise is not None and self.omega:
            per_site = [self.noise.field(spins, i) * spins[..., i] for i in range(self.neurons)]
            subsets = torch.stack(per_site).sum(0) / self.order
            total = total - self._noise_scale() * subsets / self.neurons
        return total

    def fields(self, spins: Spins) -> Spins:
        """Local fields h_i (b, r, n) that the other spins make; the weight is exp(beta' h_i sigma_i).

        Spins may be replaced by means in [-1, 1], which gives the mean fields of Plefka's first order.
        """
        p = self.order
        if self.kernel == "full":
            total = torch.zeros_like(spins)
            for part in self._scaled.split(max(1, LARGEST_PIECE // spins[0].numel()), dim=1):
                chi = part[:, None]
                y = chi * spins[:, :, None]
                rest = y.sum(-1, keepdim=True) - y
                total = total + (((rest + chi) ** p - (rest - chi) ** p) / 4).sum(2)
        else:
            # sum_mu chi_i e_{P-1}(without i), with e_k(without i) = sum_j (-y_i)^j e_{k-j}: one matrix product a term.
            e = [torch.ones_like(self.overlaps(spins)), *self.symmetric(spins, p - 1)]
            sign = torch.ones_like(spins)
            total = torch.zeros_like(spins)
            for j in range(p):
                total = total + sign * (e[p - 1 - j] @ self.power(j + 1))
                sign = -sign * spins
            total = total * math.factorial(p) / 2
        fields = self._prefactor * self.neurons * total
        if self.noise is not None and self.omega:
            noise = [self.noise.field(spins, i) for i in range(self.neurons)]
            fields = fields + self._noise_scale() * torch.stack(noise, -1)
        return fields

    def _noise_scale(self) -> float:
        n, p = self.neurons, self.order
        return self.omega * math.factorial(p) / 2 / n ** (p - 1)


class Sweep:
    """Sums over all neurons that a site-by-site pass keeps up to date."""

    def __init__(self, network: Network, spins: Spins) -> None:
        self.network, self.spins = network, spins
        if network.kernel == "full":
            self._sums = [spins @ network._scaled.transpose(-1, -2)]
        else:
            self._sums = network.symmetric(spins, network.order - 1)

    def field(self, site: int) -> Float[Tensor, "b r"]:
        """h_i at `site`, from the other spins."""
        net, p = self.network, self.network.order
        chi = net._by_site[:, None, site]
        y = chi * self.spins[..., site, None]
        if net.kernel == "full":
            rest = self._sums[0] - y
            total = (((rest + chi) ** p - (rest - chi) ** p) / 4).sum(-1)
        else:
            rest = without_element(self._sums, y)[-1]
            total = (rest @ net._by_site[:, site, :, None])[..., 0] * math.factorial(p) / 2
        field = net._prefactor * net.neurons * total
        if net.noise is not None and net.omega:
            field = field + net._noise_scale() * net.noise.field(self.spins, site)
        return field

    def set(self, site: int, values: Float[Tensor, "b r"]) -> None:
        """Give the spins at `site` new values +-1."""
        chi = self.network._by_site[:, None, site]
        old, new = chi * self.spins[..., site, None], chi * values[..., None]
        if self.network.kernel == "full":
            self._sums = [self._sums[0] + new - old]
        else:
            self._sums = with_element(without_element(self._sums, old), new)
        self.spins[..., site] = values


def random_order(neurons: int, generator: torch.Generator) -> list[int]:
    """Order in which one sweep visits the neurons."""
    return [int(site) for site in torch.randperm(neurons, generator=generator, device=generator.device)]


LONGEST_PIECE = 0.08
"""Seconds of a sweep after which a long one lets others speak."""


def sweep_pieces(
    network: Network,
    spins: Spins,
    temperature: float,
    generator: torch.Generator,
    sites: Sequence[int] | None = None,
) -> Generator[float, None, tuple[Spins, int]]:
    """One random-order pass of sequential Glauber dynamics at T'; returns new spins and the number of flips.

    p(sigma_i = +1) = 1 / (1 + exp(-2 beta' h_i)); at T' = 0 the spin follows its field and keeps its value at a tie.
    `sites` gives the neurons to visit, for a part of a sweep. Yields the share that is done, so that a large network
    can be interrupted within a sweep.
    """
    sweep = Sweep(network, spins.clone())
    flips = 0
    order = random_order(network.neurons, generator) if sites is None else list(sites)
    began = time.monotonic()
    for place, site in enumerate(order):
        field, old = sweep.field(site), sweep.spins[..., site]
        if temperature <= 0:
            new = torch.where(field == 0, old, torch.sign(field))
        else:
            up = torch.sigmoid(2 * field / temperature)
            new = torch.where(torch.rand(up.shape, generator=generator, device=up.device) < up, 1.0, -1.0).to(old)
        turned = int((new != old).sum())
        if turned:
            sweep.set(site, new)
            flips += turned
        if time.monotonic() - began > LONGEST_PIECE:
            yield (place + 1) / len(order)
            began = time.monotonic()
    return sweep.spins, flips


def glauber_sweep(network: Network, spins: Spins, temperature: float, generator: torch.Generator) -> tuple[Spins, int]:
    """Do the whole of `sweep_pieces` at once."""
    return finished(sweep_pieces(network, spins, temperature, generator))


def plefka_step(
    network: Network, magnetisations: Spins, previous: Spins, temperature: float, gamma: float, second_order: bool
) -> Spins:
    """Parallel mean-field update m_i <- tanh(beta' h_i(m)), with the Onsager reaction term at second order.

    Second order subtracts beta'^2 gamma (P/2) (P-1) q^(P-2) (1 - q) m_i(t-1) from the argument, q = mean of m_i^2. This
    reading of the paper's Plefka speed-up (the hidden Gaussian fields of the patterns replaced by their means, so that
    no tensor is evaluated) is ours; the page that gives it could not be read.
    """
    beta = 1 / max(temperature, 1e-6)
    argument = beta * network.fields(magnetisations)
    if second_order:
        p = network.order
        q = magnetisations.square().mean(-1, keepdim=True)
        argument = argument - beta**2 * gamma * p / 2 * (p - 1) * q ** (p - 2) * (1 - q) * previous
    return torch.tanh(argument)


def mattis(spins: Spins, archetypes: Patterns) -> Float[Tensor, "b r k"]:
    """Mattis magnetisations m_mu = xi_mu . sigma / N."""
    return spins @ archetypes.transpose(-1, -2) / archetypes.shape[-1]


def replica_overlap(spins: Spins) -> Float[Tensor, " b"]:
    """q: mean overlap of pairs of different replicas; NaN for a single replica."""
    r, n = spins.shape[-2:]
    gram = spins @ spins.transpose(-1, -2) / n
    return (
        (gram.sum((-1, -2)) - gram.diagonal(dim1=-2, dim2=-1).sum(-1)) / (r * (r - 1))
        if r > 1
        else gram[:, 0, 0] * torch.nan
    )


def corrupted(pattern: Float[Tensor, "b n"], flips: float, replicas: int, generator: torch.Generator) -> Spins:
    """Copies (b, r, n) of a pattern in which a share `flips` of the spins, chosen at random, is turned."""
    b, n = pattern.shape
    turned = round(flips * n)
    ranks = torch.rand(b, replicas, n, generator=generator, device=pattern.device).argsort(-1).argsort(-1)
    return torch.where(ranks < turned, -1.0, 1.0).to(pattern) * pattern[:, None]


def random_archetypes(batch: int, patterns: int, neurons: int, generator: torch.Generator) -> Patterns:
    """Independent Rademacher archetypes (b, k, n)."""
    return rademacher(batch, patterns, neurons, generator=generator)
