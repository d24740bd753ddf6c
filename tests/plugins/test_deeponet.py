"""DeepONet: networks, problems, stochastic equations and experiments."""

import csv
import json
import math
import os

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.special import eval_legendre, gamma

from plugins.deeponet import claims, stochastic
from plugins.deeponet.contract import (
    MODELS,
    PROBLEMS,
    DuelParameters,
    OperatorParameters,
    ScalingParameters,
    SensorParameters,
    ShiftParameters,
    StochasticParameters,
)
from plugins.deeponet.data import make_triples, trimmed_mse
from plugins.deeponet.experiments.asking import fed_through, interpolation_loss, operator_bound
from plugins.deeponet.experiments.duel import Duel
from plugins.deeponet.experiments.operator import CASES, Operator
from plugins.deeponet.experiments.scaling import Scaling
from plugins.deeponet.experiments.sensors import Sensors
from plugins.deeponet.experiments.shift import Shift
from plugins.deeponet.experiments.stochastic import Stochastic
from plugins.deeponet.experiments.sweeping import elbow, scaling_fits
from plugins.deeponet.model import FNN, DeepONet, ResNet, Seq2Seq
from plugins.deeponet.problems import build_problem
from workbench.compute.building import build, prepared
from workbench.compute.checks import assert_resuming_changes_nothing, assert_watching_changes_nothing
from workbench.sdk import Progress, UserError, claims_of
from workbench.toolkit.field_models import parameter_count

SMALL = {
    Operator: {"steps": 12, "triples": 300, "test_triples": 200, "evaluate_every": 5, "batch": 50},
    Duel: {
        "steps": 12,
        "triples": 300,
        "test_triples": 200,
        "evaluate_every": 4,
        "models": tuple(MODELS),
        "fnn_width": 16,
    },
    Sensors: {"steps": 12, "triples": 300, "test_triples": 200, "evaluate_every": 4, "counts": "2 4 6 10", "seeds": 2},
    Scaling: {"steps": 12, "functions": "50 100 200", "test_triples": 200, "evaluate_every": 4, "seeds": 2},
    Shift: {"steps": 12, "triples": 300, "test_triples": 200, "evaluate_every": 4, "scales": "0.1 0.2 0.5"},
    Stochastic: {"steps": 12, "kernels": 30, "test_kernels": 20, "evaluate_every": 4, "batch": 64},
}
ACTIONS = {
    Operator: {
        "respond": {"values": np.sin(np.linspace(0, 3, 21))},
        "case": {"number": 3, "sensors": [0.1, 0.5, 0.9]},
        "draw_input": {"kind": "grf_rbf", "length_scale": 0.3, "seed": 1},
        "worst_input": {"values": np.ones(21), "steps": 2},
    },
    Stochastic: {"at": {"length_scale": 1.2, "seed": 4}},
}
EVERY = pytest.mark.parametrize("kind", SMALL, ids=lambda kind: kind.__name__)


def started(kind, seed=0, **changes):
    return prepared(build(kind, SMALL[kind] | changes, seed=seed))


def run(experiment):
    return [said for said in experiment.run() if not isinstance(said, Progress)]


def answer(action):
    while True:
        try:
            next(action)
        except StopIteration as end:
            return end.value


# Experiments


@EVERY
def test_watching_changes_nothing(kind):
    assert_watching_changes_nothing(kind, SMALL[kind], actions=ACTIONS.get(kind))


@EVERY
def test_a_resumed_run_is_the_uninterrupted_run(kind, tmp_path):
    assert_resuming_changes_nothing(kind, SMALL[kind], tmp_path)


@EVERY
def test_frames_metrics_and_files_are_there_and_seeds_differ(kind, tmp_path):
    first = started(kind)
    metrics = run(first)
    assert len(metrics) == SMALL[kind]["steps"]
    assert all(np.isfinite(float(value)) for row in metrics for value in row.values())
    with torch.no_grad():
        assert first.frame().step == first.step
    first.save_artefacts(tmp_path)
    assert any(tmp_path.iterdir())
    assert [dict(row) for row in run(started(kind, seed=1))] != metrics


@pytest.mark.parametrize("problem", PROBLEMS)
def test_every_problem_trains_and_answers_a_drawing(problem):
    own = started(Operator, problem=problem, triples=200)
    rows = run(own)
    assert np.isfinite(float(rows[-1]["mse/test"]))
    with torch.no_grad():
        shown = own.respond(np.linspace(-1, 1, 41) ** 2)
    assert shown.prediction.shape == shown.truth.shape == tuple(len(axis) for axis in own.frame().problem.axes)
    assert shown.milliseconds < 10_000


def test_training_lowers_the_error_and_best_of_training_is_kept():
    own = started(Operator, steps=300, triples=2000, test_triples=1000, batch=200, evaluate_every=100)
    rows = run(own)
    assert float(rows[-1]["mse/test"]) < 0.05 * own.numbers["var(s)"]
    assert own.best_train <= own.numbers["mse/train"]
    assert len(own.snapshots) == len(own.snapshot_steps) > 10
    with torch.no_grad():
        then, now = own.case(0, snapshot=0), own.case(0)
    assert then.step == 0
    assert then.relative_l2 > now.relative_l2


@pytest.mark.parametrize("changes", [
    {"pairing": "aligned", "points": 10, "batch": 0}, {"pairing": "aligned", "points": 10, "batch": 100},
    {"batch": 0}, {"stacked": True}, {"bias": False}, {"layout": "random"}, {"noise": 0.1}, {"sensors": 1},
    {"layout": "dragged", "positions": "0.1 0.4, 0.9 7"}, {"activation": "sin", "branch_depth": 1, "trunk_depth": 3},
    {"problem": "diffusion_reaction", "pairing": "aligned", "triples": 400},
    {"space": "chebyshev"}, {"space": "power"}, {"space": "grf_ae"},
])  # fmt: skip
def test_every_setting_trains(changes):
    assert np.isfinite(float(run(started(Operator, **changes))[-1]["loss"]))


def test_impossible_settings_are_refused_with_a_sentence():
    for kind, changes, words in (
        (Operator, {"layout": "dragged", "positions": "a b"}, "not a list of numbers"),
        (Operator, {"layout": "dragged", "positions": ""}, "between 1 and 200"),
        (Sensors, {"counts": "2 900"}, "between 1 and 200"),
        (Sensors, {"counts": ""}, "at least one"),
        (Sensors, {"length_scales": "0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8 0.9"}, "At most"),
        (Duel, {"problem": "legendre"}, "Seq2Seq says"),
    ):
        with pytest.raises(UserError, match=words):
            started(kind, **changes)


def test_actions_refuse_what_makes_no_sense():
    own = started(Operator)
    for values in (np.ones((3, 3)), np.array([1.0]), np.array([1.0, np.nan, 0, 0, 0])):
        with pytest.raises(UserError, match="four or more"):
            own.respond(values)
    with pytest.raises(UserError, match="sensors"):
        own.respond(np.ones(9), sensors=[])
    field = started(Operator, problem="advection_1")
    with pytest.raises(UserError, match="differentiable"):
        answer(field.worst_input(np.ones(9)))


# Networks


def test_parameter_counts_are_the_papers():
    assert parameter_count(DeepONet(100)) == 7401
    assert parameter_count(DeepONet(100, bias=False)) == 7401 - 41
    assert parameter_count(DeepONet(100, stacked=True)) == 164_961
    assert parameter_count(FNN(100, width=500, depth=1)) == 101 * 500 + 500 + 501


@pytest.mark.parametrize("make", [
    lambda: DeepONet(7, 2, width=9, basis=5, seeds=(1, 2)),
    lambda: DeepONet(7, 2, width=9, basis=5, stacked=True, seeds=(1, 2)),
    lambda: DeepONet(7, 2, width=9, basis=5, stacked=True, branch_depth=3, bias=False, seeds=(1, 2)),
    lambda: FNN(7, 2, width=9, seeds=(1, 2)), lambda: ResNet(7, 2, width=9, seeds=(1, 2)),
])  # fmt: skip
def test_aligned_output_is_the_unaligned_one_on_tiled_inputs(make):
    network = make()
    u, y = torch.randn(2, 4, 7), torch.randn(2, 3, 2)
    aligned = network.aligned(u, y)
    tiled = network(
        u[:, :, None].expand(-1, -1, 3, -1).reshape(2, 12, 7), y[:, None].expand(-1, 4, -1, -1).reshape(2, 12, 2)
    )
    assert torch.allclose(aligned, tiled.view(2, 4, 3), atol=1e-6)


def test_a_member_does_not_depend_on_who_stands_beside_it():
    both, alone = DeepONet(6, seeds=(3, 8)), DeepONet(6, seeds=(8,))
    u, y = torch.randn(1, 5, 6), torch.randn(1, 5, 1)
    assert torch.allclose(both(u.expand(2, -1, -1), y.expand(2, -1, -1))[1], alone(u, y)[0], atol=1e-6)


def test_the_branch_is_linear_at_its_end_and_the_trunk_active_everywhere():
    network = DeepONet(4, seeds=(0,))
    y = torch.linspace(-3, 3, 50)[None, :, None]
    assert (network.trunk(y) >= 0).all()
    assert (network.branch(torch.randn(1, 50, 4)) < 0).any()
    a, b = (layer for layer in network.branch.layers)
    u = torch.randn(1, 3, 4)
    by_hand = torch.relu(u[0] @ a.weight[0] + a.bias[0]) @ b.weight[0] + b.bias[0]
    assert torch.allclose(network.branch(u)[0], by_hand, atol=1e-6)


def test_equal_sub_branches_make_one_value_times_the_sum_of_the_trunk():
    network = DeepONet(5, width=6, basis=4, stacked=True, bias=False)
    with torch.no_grad():
        first = network.branch.first.weight.view(1, 5, 4, 6)
        first.copy_(first[:, :, :1].expand(-1, -1, 4, -1).clone())
        network.branch.last.weight.copy_(network.branch.last.weight[:1].expand(4, -1, -1).clone())
    u, y = torch.randn(1, 3, 5), torch.randn(1, 3, 1)
    assert torch.allclose(network(u, y), network.branch(u)[..., 0] * network.trunk(y).sum(-1), atol=1e-5)


def test_absent_inputs_are_not_read():
    network = DeepONet(10, seeds=(0, 1), inputs_used=(3, 10))
    u = torch.zeros(2, 4, 10)
    u[:, :, :3] = torch.randn(2, 4, 3)
    longer = u.clone()
    longer[:, :, 3:] = 5.0
    y = torch.randn(2, 4, 1)
    assert torch.allclose(network(u, y)[0], network(longer, y)[0])
    assert not torch.allclose(network(u, y)[1], network(longer, y)[1])


def test_the_derivative_in_y_is_that_of_differences():
    network = DeepONet(5, activation="tanh", seeds=(0,)).double()
    u, y = torch.randn(1, 6, 5, dtype=torch.float64), torch.rand(1, 6, 1, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(network(u, y).sum(), y)
    h = 1e-6
    difference = (network(u, y + h) - network(u, y - h)) / (2 * h)
    assert torch.allclose(slope[..., 0], difference, atol=1e-7)


def test_sequence_networks_keep_the_length_and_begin_with_equal_attention():
    network = Seq2Seq(20, cell="gru", seed=1)
    assert network(torch.randn(3, 20)).shape == (3, 20)
    assert torch.allclose(torch.softmax(network.attention, 1), torch.full((20, 20), 1 / 20))


# Problems and data


def test_answers_are_linear_where_the_operator_is():
    for name in ("antiderivative", "legendre", "advection_1", "advection_2", "advection_diffusion", "caputo"):
        problem = build_problem(OperatorParameters(problem=name))
        u, v = problem.space.sample(2, np.random.default_rng(0))
        both = problem.solve((2 * u - 3 * v)[None])
        assert np.allclose(both, 2 * problem.solve(u[None]) - 3 * problem.solve(v[None]), atol=1e-9)


def test_legendre_coefficients_are_those_of_scipy():
    problem = build_problem(OperatorParameters(problem="legendre"))
    x = problem.nodes
    cubic = problem.solve(eval_legendre(3, x)[None])[0]
    assert cubic[3] == pytest.approx(2 / 7, abs=1e-6)
    assert np.abs(np.delete(cubic, 3)).max() < 5e-6
    found = problem.solve(np.exp(x)[None])[0]
    assert np.allclose(
        found[:6], [quad(lambda t, n=n: math.exp(t) * eval_legendre(n, t), -1, 1)[0] for n in range(6)], atol=1e-6
    )


def test_the_caputo_derivative_of_a_square_has_its_closed_form():
    problem = build_problem(OperatorParameters(problem="caputo", alpha=0.4))
    x = problem.nodes
    assert np.abs(problem.solve((x**2)[None])[0] - 2 * x**1.6 / gamma(2.6)).max() < 1e-4


def test_advection_returns_to_its_beginning_and_settings_differ():
    problem = build_problem(OperatorParameters(problem="advection_1"))
    u = problem.space.sample(1, np.random.default_rng(0))
    s = problem.solve(u)[0]
    assert np.allclose(s[:, 0], s[:, -1])
    steady = build_problem(OperatorParameters(problem="advection_3")).solve(np.zeros_like(u))[0]
    x = t = np.linspace(0, 1, 100)
    inside = x[:, None] > t[None] + 0.05
    assert np.abs(steady - (x[:, None] - t[None]) ** 2)[inside].max() < 1e-3


def test_triples_hold_the_truth_at_their_places_and_come_from_the_cache_alike(tmp_path):
    own = OperatorParameters()
    places = np.linspace(0, 1, 50)

    def made():
        return [said for said in make_triples(own, places, 300, 2, 5, tmp_path) if not isinstance(said, Progress)][-1]

    first, second = made(), made()
    assert torch.equal(first.s, second.s)
    assert len(first) == 600
    u = build_problem(own).space.sample(250, np.random.default_rng(5))  # the first slice
    fine = build_problem(own).nodes
    x = first.y[:10, 0].numpy()
    for row in range(10):
        line = np.linspace(0, x[row], 4001)
        exact = np.trapezoid(np.interp(line, fine, u[first.index[row]]), line)
        assert float(first.s[row]) == pytest.approx(exact, abs=1e-5)
    assert np.allclose(first.sensors[3].numpy(), np.interp(places, fine, u[3]), atol=1e-4)


def test_solutions_that_blow_up_are_counted_and_left_out(tmp_path):
    own = OperatorParameters(problem="nonlinear", duration=5.0, length_scale=2.0)
    said = [part for part in make_triples(own, np.linspace(0, 5, 10), 400, 1, 0, tmp_path)][-1]
    assert said.lost > 0
    assert len(said) + said.lost == 400
    assert torch.isfinite(said.s).all()


def test_trimming_leaves_out_the_largest_per_mille():
    squared = torch.ones(1, 2000)
    squared[0, 7], squared[0, 9] = 1e6, 1e6
    assert float(trimmed_mse(squared)[0]) == 1.0


# What is asked of a trained network


def test_moved_sensors_are_joined_by_straight_lines_and_cost_less_than_the_bound():
    places, read = np.array([0.0, 0.5, 1.0]), np.array([0.0, 1.0, 0.0])
    assert np.allclose(fed_through(places, read, np.array([0.25, 0.75])), [0.5, 0.5])
    nodes = np.linspace(0, 1, 101)
    u = np.sin(np.pi * nodes)
    kappa = interpolation_loss(nodes, u, places, np.sin(np.pi * places))
    assert kappa == pytest.approx(np.abs(u - np.interp(nodes, places, [0, 1, 0])).max())
    problem = build_problem(OperatorParameters())
    assert operator_bound(problem, kappa) == pytest.approx(kappa * math.e)
    assert math.isnan(operator_bound(build_problem(OperatorParameters(problem="nonlinear")), kappa))


def test_the_worst_input_is_worse_and_within_the_process():
    own = started(Operator, problem="pendulum", steps=200, triples=2000, batch=200)
    run(own)
    start = 0.3 * np.sin(np.linspace(0, 3, 41))
    with torch.no_grad():
        before, after = own.respond(start), answer(own.worst_input(start, radius=1.0, steps=40))
    worse = np.mean((after.prediction - after.truth) ** 2)
    assert worse > 2 * np.mean((before.prediction - before.truth) ** 2)
    assert after.outside < 5


def test_held_out_functions_are_what_they_say():
    own = started(Operator)
    x = np.linspace(0, 1, 201)
    assert np.allclose(own.draw_input("xsin", 0.2, 0), x * np.sin(2 * np.pi * x))
    assert np.array_equal(own.draw_input("grf_rbf", 0.2, 3), own.draw_input("grf_rbf", 0.2, 3))


def test_zero_is_answered_by_the_bias_alone():
    own = started(Operator)
    with torch.no_grad():
        shown = own.respond(np.zeros(11))
    assert np.abs(shown.truth).max() == 0
    assert math.isnan(shown.relative_l2)


def test_past_the_interval_the_networks_own_curve_goes_on():
    own = started(Operator)
    with torch.no_grad():
        shown = own.case(0)
    assert shown.beyond_x[0] == pytest.approx(1.0)
    assert shown.beyond_x[-1] == pytest.approx(1.2)
    assert shown.beyond[0] == pytest.approx(shown.prediction[-1], rel=1e-5)
    with torch.no_grad():
        assert started(Operator, problem="legendre").case(0).beyond is None


def test_the_first_steps_are_looked_at_so_that_curves_have_a_beginning():
    own = started(Operator, steps=60, evaluate_every=1000)
    looked = [step for step, said in enumerate(run(own), 1) if "ratio" in said]
    assert looked == [1, 2, 5, 10, 20, 50, 60]


def test_elbows_and_fits_are_found_where_they_were_put():
    m = np.array([2.0, 4, 6, 8, 10, 14, 20, 40])
    errors = np.where(m < 10, np.exp(-0.8 * m), np.exp(-8.0))
    place, _ = elbow(m, errors)
    assert place == pytest.approx(10, abs=0.5)
    assert math.isnan(elbow(m[:3], errors[:3])[0])
    n = np.array([100.0, 200, 400, 800])
    assert scaling_fits(n, 3 * n**-1.5)["power law"][2] == pytest.approx(1.5)
    assert scaling_fits(n, 3 * np.exp(-n / 300))["exponential"][2] == pytest.approx(300)
    assert scaling_fits(n, np.full(len(n), 0.2035)) == {}
    assert scaling_fits(n, 3 * n**0.5) == {}


# Stochastic equations


def test_the_mean_population_agrees_with_monte_carlo_and_its_limits():
    from workbench.toolkit.random_functions import GaussianProcess

    t = np.linspace(0, 1, 100)
    k = GaussianProcess("exponential", 1.5, nodes=100).sample(200_000, np.random.default_rng(0))
    sampled = stochastic.population_path(k).mean(0)
    assert np.abs(sampled / stochastic.population_mean(1.5, t) - 1).max() < 0.01
    assert np.allclose(stochastic.growth_variance(1e4, t), t**2, atol=1e-4)


def test_paths_through_uniform_rock_are_parabolas():
    s = stochastic.diffusion_path(np.zeros((1, 101)))[0]
    x = np.linspace(0, 1, 101)
    assert np.allclose(s, 5 * x * (1 - x), atol=1e-12)
    assert s[50] == pytest.approx(1.25)
    b = 0.5 * np.sin(3 * x)
    s = stochastic.diffusion_path(b[None])[0]
    flux = np.exp(b[:-1] / 2 + b[1:] / 2) * np.diff(s) * 100
    assert np.abs(np.diff(flux) * 100 + 10).max() < 0.05


# Files and claims


def test_exports_say_how_the_weights_are_read(tmp_path):
    own = started(Operator)
    run(own)
    with torch.no_grad():
        own.save_artefacts(tmp_path)
    described = json.loads((tmp_path / "network.json").read_text())
    assert len(described["sensors"]) == 100
    assert described["shapes"]["branch.layers.0.weight"] == [1, 100, 40]
    with np.load(tmp_path / "cases.npz") as cases:
        assert cases["prediction"].shape == cases["truth"].shape
    with (tmp_path / "cases.csv").open() as stream:
        rows = list(csv.reader(stream))
    assert len(rows) == 1 + CASES * 1001


def test_presets_are_valid_and_claims_point_at_experiments():
    for kind in (
        OperatorParameters,
        DuelParameters,
        SensorParameters,
        ScalingParameters,
        ShiftParameters,
        StochasticParameters,
    ):
        assert kind.presets
        for preset in kind.presets:
            kind.checked(preset.values)
            assert preset.why.endswith(".")
    known = {"operator", "duel", "sensors", "scaling", "shift", "stochastic", "fractional"}
    found = claims_of(claims)
    assert len(found) >= 12
    assert {info.experiment for info in found.values()} <= known


def test_networks_agree_with_the_reference_library_on_copied_weights():
    """DeepXDE's DeepONet and DeepONetCartesianProd, where it is installed (a development extra)."""
    os.environ.setdefault("DDE_BACKEND", "pytorch")
    dde = pytest.importorskip("deepxde")
    ours = DeepONet(20, width=16, basis=12, seeds=(3,))
    theirs = dde.nn.DeepONetCartesianProd([20, 16, 12], [1, 16, 12], "relu", "Glorot normal")
    with torch.no_grad():
        for layers, copies in ((ours.branch.layers, theirs.branch.linears), (ours.trunk_layers, theirs.trunk.linears)):
            for own, copy in zip(layers, copies, strict=True):
                copy.weight.copy_(own.weight[0].T)
                copy.bias.copy_(torch.randn(copy.bias.shape))
                own.bias[0, 0].copy_(copy.bias)
        for bias in theirs.b:
            bias.fill_(0.3)
        ours.b0.fill_(0.3)
    u, y = torch.randn(6, 20), torch.rand(5, 1)
    assert torch.allclose(ours.aligned(u[None], y[None])[0], theirs((u, y)), atol=1e-6)
