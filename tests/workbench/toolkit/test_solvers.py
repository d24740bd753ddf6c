"""Solvers against manufactured solutions (with their order), closed forms and scipy."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp
from scipy.linalg import solve_banded

from workbench.toolkit.elliptic import (
    conjugate_gradient_residuals,
    darcy_matrix,
    darcy_residual,
    helmholtz_system,
    solve_darcy,
    solve_darcy_nodes,
    solve_helmholtz,
    solve_poisson,
    wave_speed,
)
from workbench.toolkit.navier_stokes import NavierStokes, li_forcing
from workbench.toolkit.ode_solvers import antiderivative, nonlinear, pendulum, rk4_on_grid
from workbench.toolkit.pde_1d import (
    advection_diffusion,
    advection_diffusion_reaction,
    diffusion_reaction,
    solve_tridiagonal,
    wendroff,
)


def order(errors):
    """Observed order of accuracy under halving."""
    return [math.log2(a / b) for a, b in pairwise(errors)]


# Ordinary differential equations


def test_antiderivative_of_one_and_of_a_cosine_and_its_order():
    x = np.linspace(0, 1, 1001)
    assert np.allclose(antiderivative(np.ones((1, 1001)), 1.0), x, atol=1e-12)
    assert np.abs(antiderivative(np.cos(np.pi * x)[None], 1.0) - np.sin(np.pi * x) / np.pi).max() < 1e-6
    errors = []
    for n in (33, 65, 129):
        t = np.linspace(0, 1, n)
        errors.append(np.abs(antiderivative(np.exp(t)[None], 1.0)[0] - np.expm1(t)).max())
    assert min(order(errors)) > 1.9


def test_runge_kutta_finds_tanh_with_order_four():
    errors = [abs(rk4_on_grid(nonlinear, np.ones((1, n)), (0.0,), 1.0)[0, -1, 0] - math.tanh(1)) for n in (9, 17, 33)]
    assert min(order(errors)) > 3.8


def test_a_negative_input_blows_up_where_the_tangent_does():
    c, u = 2.0, np.full((1, 2001), -4.0)
    with np.errstate(over="ignore", invalid="ignore"):
        s = rk4_on_grid(nonlinear, u, (0.0,), 1.0)[0, :, 0]
    t = np.linspace(0, 1, 1001)
    before = t < 0.7
    assert np.allclose(s[before], -c * np.tan(c * t[before]), rtol=1e-6)
    after = s[t > math.pi / (2 * c) + 0.01]
    assert np.all(~np.isfinite(after) | (np.abs(after) > 50))


def test_the_pendulum_without_gravity_is_a_double_integral_and_small_swings_are_harmonic():
    t = np.linspace(0, 1, 501)
    u = np.ones((1, 1001))
    assert np.allclose(rk4_on_grid(pendulum(0.0), u, (0.0, 0.0), 1.0)[0, :, 0], t**2 / 2, atol=1e-12)
    small = rk4_on_grid(pendulum(1.0), 1e-4 * u, (0.0, 0.0), 1.0)[0, :, 0]
    assert np.allclose(small, 1e-4 * (1 - np.cos(t)), atol=1e-11)


def test_the_pendulum_agrees_with_scipy_and_numpy_with_torch():
    x = np.linspace(0, 3, 1001)
    u = np.sin(2 * x)[None]
    ours = rk4_on_grid(pendulum(2.0), u, (0.0, 0.0), 3.0)[0, -1]
    theirs = solve_ivp(
        lambda t, s: [s[1], -2 * math.sin(s[0]) + math.sin(2 * t)], (0, 3), [0, 0], rtol=1e-10, atol=1e-12
    )
    assert np.allclose(ours, theirs.y[:, -1], atol=1e-8)
    in_torch = rk4_on_grid(pendulum(2.0), torch.from_numpy(u), (0.0, 0.0), 3.0)[0, -1]
    assert np.allclose(in_torch.numpy(), ours, atol=1e-12)


def test_an_even_number_of_nodes_is_refused():
    with pytest.raises(ValueError, match="odd"):
        rk4_on_grid(nonlinear, np.ones((1, 10)), (0.0,), 1.0)


# Equations in one dimension and time


def test_tridiagonal_systems_are_solved_as_scipy_solves_them():
    rng = np.random.default_rng(0)
    lower, upper, right = (rng.standard_normal((3, 8)) for _ in range(3))
    diagonal = 5 + rng.random((3, 8))
    ours = solve_tridiagonal(lower, diagonal, upper, right)
    for b in range(3):
        bands = np.zeros((3, 8))
        bands[0, 1:], bands[1], bands[2, :-1] = upper[b, :-1], diagonal[b], lower[b, 1:]
        assert np.allclose(ours[b], solve_banded((1, 1), bands, right[b]))


@pytest.mark.parametrize("batch", [1, 2])
def test_advection_diffusion_reaction_is_second_order_on_the_authors_manufactured_solution(batch):
    errors = []
    for n in (21, 41, 81):
        x, t = np.linspace(-1, 1, n), np.linspace(0, 1, n)
        exact = np.exp(-t)[None] * (1 - x**2)[:, None]
        source = np.exp(-t)[None] * (1 + x**2 - 2 * x)[:, None] - exact**3
        found = advection_diffusion_reaction(
            np.array(1.0), np.array(1.0), lambda s: s**3, lambda s: 3 * s**2, np.tile(source, (batch, 1, 1)),
            np.tile(1 - x**2, (batch, 1)), width=2.0,
        )  # fmt: skip
        errors.append(np.abs(found[-1] - exact).max())
    assert min(order(errors)) > 1.85


def test_diffusion_without_reaction_is_the_sine_series():
    x, D = np.linspace(0, 1, 201), 0.01
    u = np.sin(np.pi * x) + 0.5 * np.sin(3 * np.pi * x)
    found = diffusion_reaction(u[None], D, 0.0, 201)[0, :, -1]
    rate = [D * (n * math.pi) ** 2 for n in (1, 3)]
    exact = np.sin(np.pi * x) * (1 - math.exp(-rate[0])) / rate[0]
    exact = exact + 0.5 * np.sin(3 * np.pi * x) * (1 - math.exp(-rate[1])) / rate[1]
    assert np.abs(found - exact).max() < 3e-5


def test_many_reactions_are_solved_as_one():
    u = np.random.default_rng(0).standard_normal((3, 50)).cumsum(1) / 5
    together = diffusion_reaction(u, 0.01, 0.05, 40)
    assert np.allclose(
        together, np.concatenate([diffusion_reaction(row[None], 0.01, 0.05, 40) for row in u]), atol=1e-12
    )


def test_wendroff_shifts_exactly_at_the_characteristic_step_and_returns_after_a_period():
    x = np.linspace(0, 1, 65)
    start = np.sin(2 * np.pi * x)[None] + np.cos(4 * np.pi * x)[None]
    found = wendroff(np.ones((1, 65)), start, None, nt=65)
    assert np.abs(found[0, :, -1] - start[0]).max() < 1e-12
    assert np.abs(found[0, 1:, 1] - start[0, :-1]).max() < 1e-12
    with pytest.raises(ValueError, match="time levels"):
        wendroff(np.ones((1, 65)), start, None)


def test_wendroff_is_second_order_with_a_varying_speed_and_inflow():
    """s = f(t - T(x)) with T' = 1 / a solves the equation: a = 1 + x / 2, T = 2 log(1 + x / 2)."""
    errors = []
    for n in (41, 81, 161):
        x, t = np.linspace(0, 1, n), np.linspace(0, 1, n // 2 + 1)
        travel = 2 * np.log(1 + x / 2)
        exact = np.sin(2 * (t[None] - travel[:, None]))
        found = wendroff((1 + x / 2)[None], exact[None, :, 0], exact[None, 0])
        errors.append(np.abs(found[0] - exact).max())
    assert min(order(errors)) > 1.9


def test_advection_diffusion_damps_and_carries_a_sine_with_second_order():
    errors = []
    for n in (33, 65, 129):
        x = np.linspace(0, 1, n)
        found = advection_diffusion(np.sin(2 * np.pi * x)[None], 0.1, 10 * (n - 1) + 1, 10 * (n - 1), 0.2)[0, :, -1]
        exact = math.exp(-4 * math.pi**2 * 0.1 * 0.2) * np.sin(2 * np.pi * (x - 0.2))
        errors.append(np.abs(found - exact).max())
    assert min(order(errors)) > 1.95
    assert found[0] == found[-1]


# Elliptic problems


def test_darcy_with_a_constant_coefficient_is_the_series_and_scales_inversely():
    centre = solve_darcy(np.ones((129, 129)))[64, 64]
    assert centre == pytest.approx(0.0736713, abs=1e-4)
    assert np.allclose(solve_darcy(np.full((24, 24), 5.0)), solve_darcy(np.ones((24, 24))) / 5)


def test_darcy_is_second_order_on_a_manufactured_solution():
    """a = 1 + x y, u = sin(pi x) sin(pi y); f = -div(a grad u) by hand."""
    errors = []
    for n in (16, 32, 64):
        c = (np.arange(n) + 0.5) / n
        x, y = c[:, None], c[None]
        u = np.sin(np.pi * x) * np.sin(np.pi * y)
        a = 1 + x * y
        f = 2 * np.pi**2 * a * u - np.pi * (
            y * np.cos(np.pi * x) * np.sin(np.pi * y) + x * np.sin(np.pi * x) * np.cos(np.pi * y)
        )
        errors.append(np.abs(solve_darcy(a, f) - u).max())
    assert min(order(errors)) > 1.9


def test_layers_keep_their_flux_and_symmetries_hold():
    a = np.where(np.arange(20)[:, None] < 7, 12.0, 2.0) * np.ones((1, 20))
    rng = np.random.default_rng(0)
    rough = np.where(rng.random((20, 20)) > 0.5, 12.0, 2.0)
    u = solve_darcy(rough)
    assert u.min() > 0
    assert np.allclose(solve_darcy(rough.T), u.T)
    assert np.allclose(solve_darcy(rough[::-1]), u[::-1])
    matrix = darcy_matrix(a)
    assert abs(matrix - matrix.T).max() < 1e-9
    assert darcy_residual(rough, u) < 1e-10
    # In one direction the discrete problem is the tridiagonal one with harmonic means: its flux falls by h f a cell.
    column = solve_darcy(np.repeat(a[:, :1], 20, 1), 1.0)
    assert np.allclose(column, column[:, ::-1])


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan])
def test_a_coefficient_that_is_not_positive_is_refused(bad):
    a = np.ones((8, 8))
    a[3, 4] = bad
    with pytest.raises(ValueError, match="positive"):
        solve_darcy(a)


def test_the_node_form_agrees_for_smooth_coefficients():
    c = (np.arange(64) + 0.5) / 64
    a = 3 + np.sin(3 * c)[:, None] * np.cos(2 * c)[None]
    assert np.abs(solve_darcy_nodes(a) - solve_darcy(a)).max() < 1e-3 * solve_darcy(a).max()


def test_conjugate_gradients_save_iterations_from_a_good_start():
    a = np.where(np.random.default_rng(0).random((24, 24)) > 0.5, 12.0, 2.0)
    u = solve_darcy(a)
    from_zero = conjugate_gradient_residuals(a, np.zeros_like(a), 400)
    assert from_zero[0] == pytest.approx(1.0)
    assert from_zero[-1] < 1e-9
    assert len(conjugate_gradient_residuals(a, u, 400)) <= 2


def test_helmholtz_keeps_its_energy_and_converges_to_the_cosine_series():
    rng = np.random.default_rng(0)
    c = wave_speed(1, 25, rng)[0]
    assert 19 < c.min() < c.max() < 21
    stiffness, mass, load = helmholtz_system(c, 100.0)
    u = solve_helmholtz(c, 100.0).ravel()
    assert u @ (stiffness @ u) - u @ (mass @ u) == pytest.approx(load @ u, abs=1e-10)
    assert load.sum() == pytest.approx(0.3, abs=0.05)
    found = []
    for cells in (20, 40, 80):
        field = solve_helmholtz(np.full((cells + 1, cells + 1), 20.0), 60.0)
        k = 3.0
        x = np.linspace(0, 1, cells + 1)
        series = np.zeros_like(field)
        for m in range(60):
            g = 0.3 if m == 0 else 2 * (math.sin(m * math.pi * 0.65) - math.sin(m * math.pi * 0.35)) / (m * math.pi)
            mu = complex((m * math.pi) ** 2 - k**2) ** 0.5
            profile = (np.cosh(mu * x) / (mu * np.sinh(mu))).real
            series += g * profile[:, None] * np.cos(m * math.pi * x)[None]
        found.append(np.linalg.norm(field - series) / np.linalg.norm(series))
    assert found[2] < 2e-3
    assert min(order(found)) > 1.5  # the edge's ends fall between nodes on some grids


@pytest.mark.parametrize("boundary", ["dirichlet", "neumann", "periodic"])
def test_fast_poisson_solvers_are_second_order(boundary):
    errors = []
    for n in (16, 32, 64):
        c = (np.arange(n) + 0.5) / n if boundary != "periodic" else np.arange(n) / n
        wave = {"dirichlet": np.sin(np.pi * c), "neumann": np.cos(np.pi * c), "periodic": np.sin(2 * np.pi * c)}[
            boundary
        ]
        k = np.pi if boundary != "periodic" else 2 * np.pi
        u = wave[:, None] * wave[None]
        errors.append(np.abs(solve_poisson(2 * k**2 * u, boundary) - u).max())
    assert min(order(errors)) > 1.95


def test_dirichlet_poisson_is_darcy_with_coefficient_one():
    f = np.random.default_rng(0).standard_normal((17, 17))
    assert np.allclose(solve_poisson(f, "dirichlet"), solve_darcy(np.ones((17, 17)), f), atol=1e-10)


# Navier-Stokes


def test_a_single_wave_only_decays():
    n, nu = 32, 0.01
    x = torch.arange(n, dtype=torch.float64) / n
    w = torch.sin(2 * math.pi * x)[:, None].expand(n, n)[None]
    last = list(NavierStokes(n, nu, 0.01).solve(w, None, 2, 0.5))[-1]
    assert torch.allclose(last, math.exp(-4 * math.pi**2 * nu) * w, atol=1e-5)


def test_forcing_a_wave_alone_gives_the_laminar_flow():
    """On the torus of side 2 pi, f = sin(k y): w = f (1 - exp(-nu k^2 t)) / (nu k^2)."""
    n, nu, k = 32, 0.1, 2
    y = 2 * math.pi * torch.arange(n, dtype=torch.float64) / n
    f = torch.sin(k * y)[None].expand(n, n)
    last = next(
        iter(NavierStokes(n, nu, 0.01, length=2 * math.pi).solve(torch.zeros(1, n, n, dtype=torch.float64), f, 1, 1.0))
    )
    assert torch.allclose(last[0], f * (1 - math.exp(-nu * k**2)) / (nu * k**2), atol=1e-5)
    still = next(iter(NavierStokes(n, nu, 0.1).solve(torch.zeros(1, n, n, dtype=torch.float64), None, 1, 1.0)))
    assert torch.equal(still, torch.zeros_like(still))


@pytest.mark.parametrize(("scheme", "expected"), [("heun", 1.8), ("euler", 0.85)])
def test_time_steps_have_their_order_and_enstrophy_does_not_grow(scheme, expected):
    from workbench.toolkit.random_fields import periodic_field

    w = 5 * torch.from_numpy(periodic_field(32, 1, 2.5, 7.0, np.random.default_rng(0)))
    results = {}
    for dt in (0.04, 0.02, 0.01, 0.00125):
        results[dt] = next(iter(NavierStokes(32, 1e-3, dt, scheme=scheme).solve(w, None, 1, 0.4)))
    errors = [float((results[dt] - results[0.00125]).norm()) for dt in (0.04, 0.02, 0.01)]
    assert min(order(errors)) > expected
    assert results[0.00125].square().sum() <= w.square().sum()
    assert abs(float(results[0.01].mean())) < 1e-12
    assert li_forcing(8).shape == (8, 8)
