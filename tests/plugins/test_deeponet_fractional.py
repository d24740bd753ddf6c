"""DeepONet's fractional Laplacian on the disc: closed forms, the singular integral, and both networks."""

import csv
import math

import numpy as np
import pytest
import torch
from scipy.special import gamma, roots_jacobi

from plugins.deeponet.contract import FractionalParameters, OperatorParameters
from plugins.deeponet.experiments.fractional import Fractional
from plugins.deeponet.fractional import (
    polar_grid,
    polynomial_count,
    power_laplacian,
    sobol_coefficients,
    square_grid,
    zernike,
    zernike_laplacian,
)
from plugins.deeponet.model import LatentCNN
from plugins.deeponet.problems import build_problem
from tests.support.experiments import steps_of
from workbench.compute.building import build, prepared
from workbench.compute.checks import assert_resuming_changes_nothing, assert_watching_changes_nothing
from workbench.sdk import UserError
from workbench.toolkit.field_models import parameter_count

TINY = {"functions": 20, "test_functions": 10, "grid": 8, "orders": 3, "width": 8, "batch": 8, "steps": 10,
        "evaluate_every": 5}  # fmt: skip
POINTS, _ = polar_grid(15)


def started(**changes):
    return prepared(build(Fractional, TINY | changes))


@pytest.mark.parametrize("s", [0.1, 0.25, 0.45, 0.9])
def test_one_minus_r_squared_to_the_s_has_a_constant_laplacian_of_order_2s(s):
    assert np.allclose(power_laplacian(POINTS, 2 * s, s), 4**s * gamma(1 + s) ** 2, rtol=1e-12)


def test_the_authors_fabricated_test_has_their_closed_form():
    order = 1.5
    expected = 2**order * gamma(order / 2 + 2) * gamma((2 + order) / 2) * (1 - (1 + order / 2) * (POINTS**2).sum(1))
    assert np.allclose(power_laplacian(POINTS, order, 1 + order / 2), expected, rtol=1e-12)


def test_near_order_two_it_is_minus_the_laplacian_and_near_zero_the_function():
    # (1 - r^2)^4 has the Laplacian 16 (1 - r^2)^2 (4 r^2 - 1).
    rest = 1 - (POINTS**2).sum(1)
    minus = -16 * rest**2 * (3 - 4 * rest)
    assert np.allclose(power_laplacian(POINTS, 2 - 1e-9, 4.0), minus, atol=1e-6)
    assert np.allclose(power_laplacian(POINTS, 1e-9, 4.0), rest**4, atol=1e-7)


@pytest.mark.parametrize("column", [0, 1, 8, 12])
def test_polynomials_agree_with_the_singular_integral(column):
    """C PV integral of (u(x) - u(y)) / |x - y|^(2 + 2s) in polar coordinates around x, u zero outside the disc."""
    place, order = np.array([0.3, -0.4]), 0.3
    s = order / 2
    at = zernike(place[None], 4)[0, column]
    nodes, weights = roots_jacobi(8, 0, -2 * s)  # exact for polynomials times t^(-2s)

    def ray(angle):
        way = np.array([math.cos(angle), math.sin(angle)])
        along = place @ way
        rim = -along + math.sqrt(along**2 + 1 - place @ place)
        t = rim * (1 + nodes) / 2
        slopes = (at - zernike(place + t[:, None] * way, 4)[:, column]) / t
        return (rim / 2) ** (1 - 2 * s) * (weights @ slopes) + at * rim ** (-2 * s) / (2 * s)

    angles = 2 * np.pi * np.arange(48) / 48  # smooth and periodic: equal weights converge geometrically
    constant = 4**s * gamma(1 + s) / (np.pi * abs(gamma(-s)))
    integral = constant * np.mean([ray(angle) for angle in angles]) * 2 * np.pi
    assert zernike_laplacian(place[None], 4, order)[0, column] == pytest.approx(integral, rel=1e-9)


def test_polynomials_are_orthonormal_over_the_disc_and_counted_as_the_authors():
    assert (polynomial_count(4), polynomial_count(7)) == (15, 36)
    pixels = square_grid(200)
    inside = pixels[(pixels**2).sum(1) < 1]
    shapes = zernike(inside, 7)
    assert np.abs(shapes.T @ shapes / len(inside) - np.eye(36)).max() < 6e-3  # the rim is a staircase
    r, t = np.hypot(*inside.T), np.arctan2(inside[:, 1], inside[:, 0])
    assert np.allclose(shapes[:, 7], math.sqrt(8) * (3 * r**3 - 2 * r) * np.sin(t))
    assert np.allclose(shapes[:, 12], math.sqrt(5) * (6 * r**4 - 6 * r**2 + 1))


def test_places_and_orders_without_a_value_are_refused():
    with pytest.raises(ValueError, match="inside the disc"):
        power_laplacian(np.array([[1.0, 0.0]]), 0.5, 1.0)
    for order, power in ((0.0, 1.0), (2.0, 1.0), (0.5, -1.0)):
        with pytest.raises(ValueError, match="order between 0 and 2"):
            power_laplacian(POINTS, order, power)


def test_coefficients_fill_the_cube_evenly_and_sets_differ():
    drawn = sobol_coefficients(256, 4, 2.0, 0)
    assert drawn.shape == (256, 15)
    assert np.abs(drawn).max() <= 2
    counts = [np.histogram(column, 8, (-2, 2))[0] for column in drawn.T]
    assert np.ptp(counts) == 0  # a Sobol sequence has as many in each eighth
    assert not np.array_equal(drawn, sobol_coefficients(256, 4, 2.0, 1))


def test_watching_and_resuming_change_nothing(tmp_path):
    actions = {"case": {"number": 2, "order": 0.7}, "bump": {}}
    assert_watching_changes_nothing(Fractional, TINY, actions=actions)
    assert_resuming_changes_nothing(Fractional, TINY, folder=tmp_path)


def test_training_lowers_the_error_and_all_orders_are_measured():
    own = started(steps=200, functions=100, width=20, bound=0.3, learning_rate=3e-3, evaluate_every=200)
    before = dict(own.numbers)
    steps_of(own)
    for name in ("deeponet", "cnn"):
        assert own.numbers[f"test/{name}"] < 0.9 * before[f"test/{name}"]
    errors = own.frame().errors
    assert np.isfinite(errors[0]).all()
    assert np.array_equal(np.isnan(errors[1]), [False, True, False, True, False])


def test_a_painted_polynomial_is_recognised_and_answered_by_the_closed_form():
    own = started()
    shown = own.case(3, 0.37)
    again = own.respond(np.nan_to_num(shown.input), 0.37)
    assert np.allclose(again.coefficients, shown.coefficients, atol=1e-9)
    assert np.allclose(again.truth, shown.truth, equal_nan=True)
    assert shown.known_order == pytest.approx(0.5)
    place = square_grid(64)[64 * 30 + 40]
    assert shown.truth[30, 40] == pytest.approx(
        float((zernike_laplacian(place[None], 4, 0.37) @ shown.coefficients)[0]), rel=1e-9
    )
    with pytest.raises(UserError, match="64 × 64"):
        own.respond(np.zeros((8, 8)))


def test_the_cnn_maps_images_to_images_and_draws_its_latent_only_in_training():
    network = LatentCNN(15, 10)
    u = torch.randn(3, 15, 15)
    assert network(u).shape == (3, 10, 15, 15)
    assert torch.equal(network(u), network(u))
    noisy = [network(u, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1)]
    assert torch.equal(noisy[0], noisy[1])
    assert not torch.equal(noisy[0], noisy[2])
    assert parameter_count(network) == 176_274
    with pytest.raises(ValueError, match="grid of 8"):
        LatentCNN(7)


def test_files_list_every_order(tmp_path):
    own = started()
    steps_of(own)
    own.save_artefacts(tmp_path)
    with (tmp_path / "errors.csv").open() as stream:
        assert len(list(csv.reader(stream))) == 1 + 2 * 5
    with np.load(tmp_path / "disc.npz") as saved:
        assert set(saved.files) == {"input", "truth", "deeponet", "cnn"}


def test_presets_are_valid():
    for preset in FractionalParameters.presets:
        FractionalParameters.checked(preset.values)
        assert preset.why.endswith(".")


def test_caputo_derivatives_of_all_orders_have_the_closed_form_of_a_square():
    problem = build_problem(OperatorParameters(problem="caputo_orders"))
    y, orders = problem.axes
    found = problem.solve(problem.nodes[None] ** 2)[0]
    exact = np.stack([2 * y ** (2 - alpha) / gamma(3 - alpha) for alpha in orders], 1)
    # The L1 scheme has order 2 - alpha, so it is worst at the highest one.
    assert np.abs(found - exact).max(0)[0] < 1e-5
    assert np.abs(found - exact).max() < 5e-3
    one = build_problem(OperatorParameters(problem="caputo", alpha=0.5))
    middle = int(np.abs(orders - 0.5).argmin())
    assert np.allclose(one.solve(one.nodes[None] ** 2)[0][-1], found[-1, middle], atol=2e-3)
