"""Random functions and fields against kernels, closed forms, scikit-learn and scipy."""

import math

import numpy as np
import pytest
from scipy.fft import dctn, idctn
from scipy.linalg import sqrtm
from sklearn.gaussian_process.kernels import RBF, Matern

from workbench.toolkit.random_fields import (
    multiscale_coefficient,
    neumann_field,
    neumann_spectrum,
    periodic_field,
    torus_field,
    two_phases,
)
from workbench.toolkit.random_functions import (
    GaussianProcess,
    chebyshev_series,
    covariance,
    interpolation_matrix,
    karhunen_loeve,
    power_series,
    process_distance,
    wasserstein,
)

X = np.linspace(0, 1, 50)


@pytest.mark.parametrize(("kernel", "theirs"), [("rbf", RBF(0.2)), ("exponential", Matern(0.2, nu=0.5))])
def test_covariances_are_those_of_scikit_learn(kernel, theirs):
    assert np.allclose(covariance(kernel, 0.2, X, X), theirs(X[:, None]), atol=1e-12)


@pytest.mark.parametrize("kernel", ["rbf", "exponential"])
@pytest.mark.parametrize("scale", [0.05, 0.2, 2.0])
def test_a_factor_reproduces_its_covariance(kernel, scale):
    process = GaussianProcess(kernel, scale, nodes=300)
    assert np.abs(process.factor @ process.factor.T - covariance(kernel, scale, process.x, process.x)).max() < 1e-9


def test_sample_covariance_of_many_draws_is_the_kernel():
    process = GaussianProcess("rbf", 0.2, nodes=40)
    draws = process.sample(100_000, np.random.default_rng(0))
    assert np.abs(draws.T @ draws / len(draws) - covariance("rbf", 0.2, process.x, process.x)).max() < 0.02


def test_a_draw_is_as_typical_as_its_process_says_and_a_step_is_not():
    process = GaussianProcess("rbf", 0.2)
    places = np.linspace(0, 1, 30)
    read = interpolation_matrix(process.x, places)
    draws = process.sample(50, np.random.default_rng(1)) @ read.T
    typical = [process.mahalanobis(places, draw) for draw in draws]
    assert max(typical) < 1.5
    assert process.mahalanobis(places, (places > 0.5).astype(float)) > 100 * max(typical)


def test_karhunen_loeve_modes_are_orthonormal_and_carry_the_variance():
    values, functions = karhunen_loeve("exponential", 0.5, 100)
    weights = np.full(100, 1 / 99)
    weights[[0, -1]] *= 0.5
    assert np.all(values > 0)
    assert np.all(np.diff(values) <= 1e-15)
    assert values.sum() == pytest.approx(1.0, abs=1e-10)
    assert np.allclose((functions * weights) @ functions.T, np.eye(100), atol=1e-8)


def test_series_are_sums_of_their_terms():
    rng, again = np.random.default_rng(3), np.random.default_rng(3)
    coefficients = again.uniform(-1, 1, (2, 5))
    expected = np.polynomial.chebyshev.chebval(2 * X - 1, coefficients.T)
    assert np.allclose(chebyshev_series(2, 5, 1.0, X, rng), expected)
    coefficients = again.uniform(-1, 1, (2, 5))
    assert np.allclose(power_series(2, 5, 1.0, X, rng), np.polynomial.polynomial.polyval(X, coefficients.T))


def test_distance_of_processes_agrees_with_matrix_roots_and_is_a_distance():
    first, second = (covariance("rbf", scale, X, X) + 1e-8 * np.eye(50) for scale in (0.2, 0.5))
    root = sqrtm(first)
    direct = np.trace(first + second - 2 * np.real(sqrtm(root @ second @ root))) / 50
    assert wasserstein(first, second) == pytest.approx(math.sqrt(direct), rel=1e-3)
    assert process_distance("rbf", 0.2, 0.2) < 1e-6
    assert process_distance("rbf", 0.2, 0.1) < process_distance("rbf", 0.2, 0.05)


@pytest.mark.parametrize("degree", [1, 3])
def test_interpolation_is_exact_for_polynomials_of_its_degree_and_clamped_outside(degree):
    nodes = np.linspace(-1, 2, 17)
    places = np.linspace(-1, 2, 101)
    matrix = interpolation_matrix(nodes, places, degree)
    assert np.allclose(matrix @ nodes**degree, places**degree, atol=1e-12)
    assert np.allclose(interpolation_matrix(nodes, np.array([-5.0, 9.0]), degree) @ nodes, [-1, 2])
    with pytest.raises(ValueError, match="needs"):
        interpolation_matrix(nodes[:degree], places, degree)


def test_cosine_transform_and_variance_of_the_neumann_field():
    rng = np.random.default_rng(0)
    n, alpha, tau = 32, 2.0, 3.0
    field = neumann_field(rng.standard_normal((400, n, n)), alpha, tau)
    assert np.allclose(idctn(dctn(field[0], norm="ortho"), norm="ortho"), field[0], atol=1e-12)
    k = np.arange(n)
    expected = (tau ** (2 * (alpha - 1)) * (math.pi**2 * (k[:, None] ** 2 + k[None] ** 2) + tau**2) ** -alpha).copy()
    expected[0, 0] = 0
    assert np.allclose(neumann_spectrum(n, alpha, tau) ** 2, expected)
    assert (field**2).mean() == pytest.approx(expected.sum(), rel=0.1)
    assert abs(field.mean()) < 1e-12


def test_two_phases_and_multiscale_coefficients_have_their_ranges():
    field = np.array([[-1.0, 0.0], [2.0, -0.1]])
    assert np.array_equal(two_phases(field, 12, 2), [[2, 12], [12, 2]])
    lowest = 2.0 ** np.arange(6)
    a = multiscale_coefficient(np.stack([lowest, 1.5 * lowest]), 31)
    assert a.shape == (2, 31, 31)
    assert 0.5**12 <= a.min() < a.max() <= 1.5**12
    x1, x2 = (3 + 0.5) / 31, (7 + 0.5) / 31
    own = np.prod([(1 + 0.5 * np.cos(b * np.pi * (x1 + x2))) * (1 + 0.5 * np.sin(b * np.pi * (x2 - 3 * x1)))
                   for b in lowest])  # fmt: skip
    assert a[0, 3, 7] == pytest.approx(own)


def test_periodic_fields_have_the_variance_of_their_spectra_and_no_mean():
    rng = np.random.default_rng(0)
    n = 32
    k = np.fft.fftfreq(n, 1 / n)
    squared = k[:, None] ** 2 + k[None] ** 2
    for field, variance in (
        (periodic_field(n, 600, 2.5, 7.0, rng), 7.0**3 * (4 * np.pi**2 * squared + 49) ** -2.5),
        (torus_field(n, 600, 3.0, rng), 9 * 27 * (squared + 9.0) ** -4),
    ):
        variance = variance.copy()
        variance[0, 0] = 0
        assert (field**2).mean() == pytest.approx(variance.sum(), rel=0.1)
        assert abs(field.mean((1, 2))).max() < 1e-10
