"""Energies, fields and dynamics of the network against sums over all subsets and exact enumeration."""

import itertools
import math

import numpy as np
import pytest
import torch

from plugins.dense_hebbian.letters import GLYPHS, letter_patterns
from plugins.dense_hebbian.network import (
    Network,
    class_means,
    corrupted,
    examples_of,
    glauber_sweep,
    mattis,
    plefka_step,
    random_archetypes,
    random_order,
    replica_overlap,
    sweep_pieces,
)
from plugins.dense_hebbian.theory import dataset_entropy, load_of, patterns_at, second_moment, solve
from workbench.toolkit.spin_systems import TensorNoise

NEURONS = 8


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def network(order=4, kernel="distinct", noise=False, neurons=NEURONS, patterns=3, seed=0):
    rng = generator(seed)
    chi = class_means(random_archetypes(1, patterns, neurons, rng), 0.6, 5, rng)
    made = TensorNoise(1, neurons, order, rng) if noise else None
    return Network(chi, order, second_moment(0.6, 5), kernel, noise=made, omega=1.7 if noise else 0.0)


def brute_energy(net, sigma):
    """-(P!/2) w / (R^(P/2) N^(P-1)) sum over mu and subsets: the exponent of the Boltzmann weight over -beta'."""
    n, p = net.neurons, net.order
    scale = math.factorial(p) / 2 / n ** (p - 1)
    total = 0.0
    for chi in net.chi[0].tolist():
        y = [c * s for c, s in zip(chi, sigma, strict=True)]
        if net.kernel == "full":
            total += sum(y) ** p / math.factorial(p)
        else:
            total += sum(math.prod(subset) for subset in itertools.combinations(y, p))
    total *= net.weight * net.moment ** (-p / 2)
    if net.noise is not None:
        subsets = itertools.combinations(range(n), p)
        total += net.omega * sum(
            float(g) * math.prod(sigma[i] for i in subset)
            for g, subset in zip(net.noise.coefficients[0], subsets, strict=True)
        )
    return -scale * total


CASES = [(2, "distinct", False), (4, "distinct", False), (6, "distinct", False), (4, "full", False),
         (6, "full", False), (4, "distinct", True), (2, "distinct", True)]  # fmt: skip


@pytest.mark.parametrize(("order", "kernel", "noise"), CASES)
def test_energy_is_the_sum_over_subsets_and_the_field_half_the_energy_of_a_flip(order, kernel, noise):
    net = network(order, kernel, noise)
    spins = random_archetypes(1, 4, NEURONS, generator(5))
    energies = net.energy(spins) * NEURONS
    fields = net.fields(spins)
    for replica in range(4):
        sigma = spins[0, replica].tolist()
        assert float(energies[0, replica]) == pytest.approx(brute_energy(net, sigma), rel=1e-9)
        for site in range(NEURONS):
            up, down = ([*sigma[:site], value, *sigma[site + 1 :]] for value in (1.0, -1.0))
            expected = -(brute_energy(net, up) - brute_energy(net, down)) / 2
            assert float(fields[0, replica, site]) == pytest.approx(expected, rel=1e-8, abs=1e-12)


@pytest.mark.parametrize(("order", "kernel", "noise"), CASES)
def test_a_pattern_and_its_negative_are_equally_good(order, kernel, noise):
    net = network(order, kernel, noise)
    spins = random_archetypes(1, 3, NEURONS, generator(2))
    assert torch.allclose(net.energy(spins), net.energy(-spins))
    assert torch.allclose(net.fields(spins), -net.fields(-spins))


@pytest.mark.parametrize(("order", "kernel", "noise"), CASES)
def test_the_sums_of_a_sweep_stay_those_of_its_spins_and_cold_sweeps_never_climb(order, kernel, noise):
    net = network(order, kernel, noise, neurons=14, patterns=40)
    spins = random_archetypes(1, 5, 14, generator(3))
    before = net.energy(spins)
    for _ in range(3):
        spins, _ = glauber_sweep(net, spins, 0.0, generator(4))
        after = net.energy(spins)
        assert (after <= before + 1e-9).all()
        before = after
    settled, flips = glauber_sweep(net, spins, 0.0, generator(4))
    while flips:
        settled, flips = glauber_sweep(net, settled, 0.0, generator(4))
    fields = net.fields(settled)
    assert ((fields * settled) >= -1e-9).all()


def test_site_by_site_dynamics_samples_the_boltzmann_distribution():
    net, noise = network(4, neurons=NEURONS, patterns=2), 0.7
    states = torch.tensor(list(itertools.product((-1.0, 1.0), repeat=NEURONS)), dtype=torch.float64)
    energies = net.energy(states[None])[0] * NEURONS
    weights = torch.softmax(-energies / noise, 0)
    observable = (states[:, 0] * states[:, 1]) * 1.0
    exact, exact_energy = float(weights @ observable), float(weights @ energies)
    spins, rng = random_archetypes(1, 4000, NEURONS, generator(1)), generator(7)
    for _ in range(40):
        spins, _ = glauber_sweep(net, spins, noise, rng)
    sample = (spins[0, :, 0] * spins[0, :, 1]).numpy()
    assert abs(sample.mean() - exact) < 3.5 * sample.std() / math.sqrt(len(sample))
    sampled = (net.energy(spins)[0] * NEURONS).numpy()
    assert abs(sampled.mean() - exact_energy) < 3.5 * sampled.std() / math.sqrt(len(sampled))


def test_a_sweep_in_parts_visits_every_neuron_once():
    net, rng = network(neurons=20, patterns=30), generator(0)
    order = random_order(20, rng)
    assert sorted(order) == list(range(20))
    spins = random_archetypes(1, 1, 20, generator(9))
    parts = spins
    for start in (0, 7, 14):
        pieces = sweep_pieces(net, parts, 0.0, rng, order[start : start + 7])
        with pytest.raises(StopIteration) as end:
            while True:
                next(pieces)
        parts = end.value.value[0]
    whole = spins.clone()
    for site in order:
        field = net.fields(whole)[..., site]
        whole[..., site] = torch.where(field == 0, whole[..., site], torch.sign(field))
    assert torch.equal(parts, whole)


def test_class_means_are_those_of_examples_drawn_one_by_one():
    archetypes = random_archetypes(1, 400, 50, generator(0))
    r, count = 0.4, 6
    for chi in (
        class_means(archetypes, r, count, generator(1)),
        examples_of(archetypes, r, count, generator(2)).mean(2),
    ):
        assert float(chi.square().mean()) == pytest.approx(second_moment(r, count), abs=0.01)
        assert float((chi * archetypes).mean()) == pytest.approx(r, abs=0.01)
        assert set(np.round((chi.unique() * count).numpy()).astype(int)) <= set(range(-6, 7, 2))


def test_a_retrieved_pattern_of_a_large_unloaded_network_has_field_p_over_2_and_energy_minus_a_half():
    archetypes = random_archetypes(1, 1, 400, generator(0))
    for order, kernel in ((2, "distinct"), (4, "distinct"), (4, "full")):
        net = Network(archetypes, order, 1.0, kernel)
        aligned = net.fields(archetypes) * archetypes
        assert float(aligned.mean()) == pytest.approx(order / 2, rel=0.03)
        assert float(net.energy(archetypes)) == pytest.approx(-0.5, rel=0.03)


def test_fields_at_an_archetype_have_the_mean_and_variance_of_the_signal_to_noise_argument():
    neurons, gamma, r, count, samples = 60, 0.1, 0.5, 12, 60
    rho, patterns = dataset_entropy(r, count), patterns_at(gamma, neurons, 4)
    archetypes = random_archetypes(samples, patterns, neurons, generator(0))
    net = Network.supervised(archetypes, r, count, 4, generator(1))
    aligned = (net.fields(archetypes[:, :1]) * archetypes[:, :1])[:, 0] / (2 * (1 + rho) ** -2)
    # At finite N there are (N - 1)(N - 2)(N - 3) products of three others, not N^3.
    finite = (1 - 1 / neurons) * (1 - 2 / neurons) * (1 - 3 / neurons)
    assert float(aligned.mean()) == pytest.approx(finite, abs=0.08)  # three standard errors
    expected = finite**2 * rho + finite * 0.05 * (1 + rho) ** 4
    assert float(aligned.var(1).mean()) == pytest.approx(expected, rel=0.12)


def test_one_perfect_example_of_one_pattern_is_retrieved_in_one_sweep():
    archetypes = random_archetypes(1, 1, 30, generator(0))
    net = Network.supervised(archetypes, 1.0, 1, 4, generator(1))
    spins, _ = glauber_sweep(net, corrupted(archetypes[:, 0], 0.2, 3, generator(2)), 0.0, generator(3))
    assert torch.allclose(mattis(spins, archetypes).abs(), torch.ones(1, 3, 1, dtype=torch.float64))


def test_unsupervised_couplings_average_after_the_power():
    archetypes = random_archetypes(1, 2, NEURONS, generator(0))
    eta = examples_of(archetypes, 0.5, 3, generator(4))
    net = Network.unsupervised(archetypes, 0.5, 3, 4, generator(4))
    sigma = random_archetypes(1, 1, NEURONS, generator(8))
    single = [Network(eta[:, :, a], 4, second_moment(0.5, 3)).energy(sigma) for a in range(3)]
    assert torch.allclose(net.energy(sigma), sum(single) / 3)
    one = Network.unsupervised(archetypes, 0.5, 1, 4, generator(4))
    supervised = Network(eta[:, :, 0] * 0 + examples_of(archetypes, 0.5, 1, generator(4))[:, :, 0], 4,
                         second_moment(0.5, 1))  # fmt: skip
    assert torch.allclose(one.energy(sigma), supervised.energy(sigma))  # with one example a teacher is worth nothing


def test_plefkas_first_order_is_tanh_of_the_fields_and_its_fixed_point_is_close_to_the_theory():
    neurons, noise = 100, 0.2
    patterns = patterns_at(0.05, neurons, 4)
    archetypes = random_archetypes(1, patterns, neurons, generator(0))
    net = Network(archetypes, 4)
    start = archetypes[:, :1]
    first = plefka_step(net, start, start, noise, 0.05, False)
    assert torch.allclose(first, torch.tanh(net.fields(start) / noise))
    now = previous = start
    for _ in range(30):
        now, previous = plefka_step(net, now, previous, noise, load_of(patterns, neurons, 4), True), now
    assert float(mattis(now, start)) == pytest.approx(float(solve(noise, 0.05, 0.0, 4).m), abs=0.02)
    q = now.square().mean(-1, keepdim=True)
    onsager = noise**-2 * 0.05 * 6 * q**2 * (1 - q) * previous
    gap = torch.atanh(plefka_step(net, now * 0.5, previous, noise, 0.05, True)) - net.fields(now * 0.5) / noise
    half = (now * 0.5).square().mean(-1, keepdim=True)
    assert torch.allclose(-gap, onsager / (q**2 * (1 - q)) * half**2 * (1 - half), atol=1e-6)


def test_overlap_of_replicas_is_the_mean_over_pairs():
    spins = random_archetypes(2, 4, 50, generator(0))
    pairs = [spins[:, a] * spins[:, b] for a, b in itertools.combinations(range(4), 2)]
    assert torch.allclose(replica_overlap(spins), torch.stack(pairs).mean((0, 2)))
    assert replica_overlap(spins[:, :1]).isnan().all()


def test_corrupted_copies_have_exactly_the_share_of_flips():
    pattern = random_archetypes(1, 1, 80, generator(0))[:, 0]
    copies = corrupted(pattern, 0.25, 6, generator(1))
    assert ((copies != pattern[:, None]).sum(-1) == 20).all()
    assert not torch.equal(copies[:, 0], copies[:, 1])


@pytest.mark.parametrize(
    ("chi", "order", "sentence"),
    [
        (torch.ones(1, 2, 6), 3, "even"),
        (torch.ones(1, 2, 6), 0, "even"),
        (torch.ones(1, 0, 6), 4, "at least one pattern"),
        (torch.ones(1, 2, 3), 4, "no 4 indices are distinct"),
    ],
)
def test_networks_that_make_no_sense_are_refused(chi, order, sentence):
    with pytest.raises(ValueError, match=sentence):
        Network(chi, order)


def test_letters_are_patterns_of_the_canvas_each_once():
    names, patterns = letter_patterns("aA?tT 1", 12)
    assert names == ["A", "T"]
    assert patterns.shape == (2, 144)
    assert set(np.unique(patterns)) == {-1.0, 1.0}
    assert all(len({len(row) for row in glyph.split()}) == 1 for glyph in GLYPHS.values())
    assert letter_patterns("", 5)[1].shape == (0, 25)
