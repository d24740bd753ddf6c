"""The replica-symmetric equations against known limits, scipy, and stationarity of the pressure."""

import math

import pytest
import torch
from scipy.integrate import quad
from scipy.optimize import minimize_scalar
from scipy.special import erf

from plugins.dense_hebbian.theory import (
    OrderParameters,
    critical_load,
    critical_load_of_perfect_data,
    crosstalk,
    dataset_entropy,
    examples_needed,
    load_of,
    one_step_magnetisation,
    own_scatter,
    patterns_at,
    pressure,
    second_moment,
    solve,
    tolerated_noise,
)

RHO = (0.0, 0.05, 0.1, 0.2, 0.4)
# Largest loads at T' = 0, found by an independent iteration with Gauss-Hermite nodes and bisection.
LOADS = {4: (0.396, 0.315, 0.261, 0.197, 0.141), 6: (0.473, 0.321, 0.231, 0.140, 0.076),
         8: (0.559, 0.331, 0.210, 0.103, 0.043)}  # fmt: skip


@pytest.mark.parametrize("order", LOADS)
def test_largest_loads_are_those_of_an_independent_solver(order):
    found = critical_load(torch.tensor(RHO, dtype=torch.float64), order, precision=1e-3)
    assert found.tolist() == pytest.approx(LOADS[order], abs=0.005)


@pytest.mark.parametrize("order", [4, 6, 8])
def test_perfect_data_have_a_closed_form_that_scipy_maximises_too(order):
    best = minimize_scalar(lambda x: -(erf(x) ** (order - 1)) / x, bounds=(0.3, 4), method="bounded")
    exact = order / 4 * best.fun**2
    assert critical_load_of_perfect_data(order) == pytest.approx(exact, rel=1e-5)
    assert float(critical_load(0.0, order)) == pytest.approx(exact, abs=1e-3)


def test_pairs_are_hopfields_network_with_its_limit_at_0138():
    assert float(critical_load(0.0, 2)) == pytest.approx(0.1379, abs=3e-4)
    assert float(tolerated_noise(100, 2)) == pytest.approx(math.sqrt(200 / math.pi))


def test_the_full_power_holds_two_and_a_half_times_less_at_p_4():
    q = torch.linspace(0, 1, 11, dtype=torch.float64)
    one = torch.ones_like(q)
    assert torch.allclose(crosstalk(q, one, one, 4, "full"), 2 * q**3 + 3 * q)
    assert torch.allclose(crosstalk(q, one, one, 4, "distinct"), 2 * q**3)
    ratio = float(critical_load(0.0, 4)) / float(critical_load(0.0, 4, kernel="full"))
    assert ratio == pytest.approx(2.5, abs=0.01)


@pytest.mark.parametrize("order", [4, 6])
def test_the_full_powers_crosstalk_is_the_derivative_of_its_gaussian_covariance(order):
    """C(q) = E x^P y^P for correlated Gaussians; the variance of the field is proportional to C'(q)."""

    def covariance(q):
        z = torch.linspace(-9, 9, 601, dtype=torch.float64)
        weight = torch.exp(-z.square() / 2) / math.sqrt(2 * math.pi) * (z[1] - z[0])
        y = q * z[:, None] + math.sqrt(1 - q * q) * z
        return float((z[:, None] ** order * y**order * weight[:, None] * weight).sum())

    one = torch.tensor(1.0, dtype=torch.float64)
    slope = (covariance(0.61) - covariance(0.59)) / 0.02
    expected = slope / (2 * math.factorial(order))
    assert float(crosstalk(0.6 * one, one, one, order, "full")) == pytest.approx(expected, rel=1e-3)


def test_without_load_retrieval_begins_where_atanh_m_over_2_m_cubed_is_least():
    least = minimize_scalar(lambda m: math.atanh(m) / (2 * m**3), bounds=(0.5, 0.99), method="bounded")
    beta = least.fun
    assert beta == pytest.approx(1.0085, abs=1e-4)
    found = solve(torch.tensor([1 / (beta * 1.003), 1 / (beta * 0.99)]), 0.0, 0.0, 4)
    assert found.m.tolist()[0] > 0.8
    assert found.m.tolist()[1] < 1e-6


@pytest.mark.parametrize(("noise", "gamma", "rho"), [(0.3, 0.1, 0.1), (0.5, 0.2, 0.0), (0.1, 0.05, 0.3)])
def test_a_solution_fulfils_the_equations_as_scipy_integrates_them(noise, gamma, rho):
    found = solve(noise, gamma, rho, 4)
    m, n, q = (float(value) for value in (found.m, found.n, found.q))
    beta = 1 / noise
    s = beta * 2 * (1 + rho) * n**3
    deviation = math.sqrt(rho * s**2 + beta**2 * gamma * 2 * q**3)
    density = lambda z: math.exp(-z * z / 2) / math.sqrt(2 * math.pi)  # noqa: E731
    mean = lambda f: quad(lambda z: f(math.tanh(s + z * deviation)) * density(z), -9, 9, limit=300)[0]  # noqa: E731
    assert m > 0.5
    assert m == pytest.approx(mean(lambda t: t), abs=1e-6)
    assert q == pytest.approx(mean(lambda t: t * t), abs=1e-6)
    assert n == pytest.approx(m / (1 + rho) + rho / (1 + rho) * s * (1 - q), abs=1e-6)


@pytest.mark.parametrize("order", [4, 6])
@pytest.mark.parametrize(("noise", "gamma", "rho"), [(0.4, 0.1, 0.1), (0.3, 0.15, 0.0), (0.25, 0.02, 0.3)])
def test_the_pressure_is_stationary_at_a_solution(order, noise, gamma, rho):
    found = solve(noise, gamma, rho, order, tolerance=1e-13)
    assert float(found.m) > 0.5
    step = 1e-4
    for name in ("n", "q"):
        values = []
        for sign in (1, -1):
            moved = {key: getattr(found, key) for key in ("m", "n", "q")}
            moved[name] = moved[name] + sign * step
            values.append(
                float(pressure(OrderParameters(**moved, converged=found.converged), noise, gamma, rho, order))
            )
        assert abs(values[0] - values[1]) / (2 * step) < 1e-5, name


def test_hot_networks_are_disordered_and_have_the_pressure_of_free_spins():
    found = solve(20.0, 0.3, 0.1, 4)
    assert float(found.m) < 1e-6
    assert float(found.q) < 1e-6
    assert float(pressure(found, 20.0, 0.3, 0.1, 4)) == pytest.approx(math.log(2) + 0.3 / (4 * 400), abs=1e-9)


def test_perfect_data_have_n_equal_to_m_and_cold_unloaded_networks_retrieve_all():
    found = solve(torch.tensor([0.1, 0.4, 0.6]), 0.1, 0.0, 4)
    assert torch.allclose(found.n, found.m, atol=1e-8)
    assert float(solve(0.0, 0.0, 0.0, 6).m) == pytest.approx(1.0)
    assert float(solve(0.001, 0.0, 0.0, 4).m) == pytest.approx(1.0)


@pytest.mark.parametrize(("order", "gamma", "rho"), [(4, 0.1, 0.1), (4, 0.05, 0.5), (8, 0.05, 0.1), (2, 0.05, 0.1)])
def test_zero_temperature_is_the_limit_of_low_temperatures(order, gamma, rho):
    cold, limit = solve(0.01, gamma, rho, order), solve(0.0, gamma, rho, order)
    assert float(cold.m) == pytest.approx(float(limit.m), abs=5e-3)
    assert float(cold.n) == pytest.approx(float(limit.n), abs=5e-3)


def test_retrieval_and_glass_are_two_branches_where_both_exist():
    both = [solve(0.1, 0.3, 0.0, 4, retrieval=retrieval) for retrieval in (True, False)]
    assert float(both[0].m) > 0.9
    assert float(both[1].m) < 1e-6
    assert float(both[1].q) > 0.5


def test_entropy_moment_and_load_are_as_defined():
    assert dataset_entropy(1.0, 5) == 0
    assert dataset_entropy(0.5, 1) == pytest.approx(3)
    assert second_moment(0.4, 10) == pytest.approx(0.16 * (1 + dataset_entropy(0.4, 10)))
    assert patterns_at(load_of(3600, 60, 4), 60, 4) == 3600
    assert load_of(3600, 60, 4) == pytest.approx(0.2)
    with pytest.raises(ValueError, match="r = 0"):
        dataset_entropy(0.0, 5)


def test_one_step_keeps_0683_exactly_where_the_noise_is_the_signal():
    assert float(one_step_magnetisation(0.0, 1.0, 4)) == pytest.approx(math.erf(1 / math.sqrt(2)))
    needed = examples_needed(torch.tensor([0.3, 0.6]), 4, 0.02, has_teacher=True)
    for r, count in zip((0.3, 0.6), needed.tolist(), strict=True):
        rho = (1 - r * r) / (count * r * r)
        assert float(one_step_magnetisation(0.02, rho, 4)) == pytest.approx(0.6827, abs=1e-3)


def test_without_load_a_teacher_needs_1_minus_r2_over_r2_and_without_one_it_grows_as_r_to_minus_2p():
    assert float(examples_needed(0.5, 4, has_teacher=True)) == pytest.approx(3.0)
    few, many = examples_needed(torch.tensor([0.1, 0.05]), 4, 0.1, has_teacher=False).tolist()
    assert math.log(many / few) / math.log(2) == pytest.approx(8, abs=0.05)


@pytest.mark.parametrize("r", [0.3, 0.6])
def test_the_scatter_of_one_examples_field_is_what_simulation_finds(r):
    generator = torch.Generator().manual_seed(0)
    neurons, draws = 12, 400_000
    bits = torch.where(torch.rand(draws, neurons, generator=generator) < (1 + r) / 2, 1.0, -1.0).double()
    p1 = bits[:, 1:].sum(1)
    # e_3 of +-1 numbers: p2 = n, p3 = p1.
    field = bits[:, 0] * (p1**3 - 3 * p1 * (neurons - 1) + 2 * p1) / 6 / math.comb(neurons - 1, 3)
    measured = float(field.var() / r**8)
    assert float(own_scatter(torch.tensor(r, dtype=torch.float64), 4, neurons)) == pytest.approx(measured, rel=0.02)
