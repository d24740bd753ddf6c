"""The Poincaré ball against geoopt, closed forms and automatic differentiation, up to its boundary."""

from __future__ import annotations

import math
import warnings

import pytest
import scipy.special
import torch
from torch.autograd import gradcheck

from workbench.toolkit import hyperbolic as ball
from workbench.toolkit import hyperbolic_backward as manual
from workbench.toolkit.hyperbolic_layers import (
    Ball,
    PoincareBatchNorm,
    PoincareConv2d,
    PoincareLinear,
    beta_ratio,
    poincare_linear,
)
from workbench.toolkit.hyperbolic_mean import frechet_mean, frechet_variance, midpoint

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it compiles functions in a way that torch calls deprecated
    import geoopt

CURVATURES = [1e-3, 0.1, 1.0, 10.0]


def points(count, dimensions=5, c=1.0, spread=0.6, seed=0):
    generator = torch.Generator().manual_seed(seed)
    v = spread * torch.randn(count, dimensions, generator=generator, dtype=torch.float64)
    return ball.exp0(v / c**0.5, c)


def tangents(count, dimensions=5, c=1.0, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return 0.4 * torch.randn(count, dimensions, generator=generator, dtype=torch.float64) / c**0.5


@pytest.mark.parametrize("c", CURVATURES)
def test_maps_agree_with_geoopt(c):
    reference = geoopt.PoincareBall(torch.tensor(c, dtype=torch.float64))
    x, y, v = points(200, c=c), points(200, c=c, seed=3), tangents(200, c=c)
    scale = 1 / c**0.5
    for ours, theirs in (
        (ball.mobius_add(x, y, c), reference.mobius_add(x, y, project=False)),
        (ball.distance(x, y, c), reference.dist(x, y)),
        (ball.expmap(x, v, c), reference.expmap(x, v, project=False)),
        (ball.logmap(x, y, c), reference.logmap(x, y)),
        (ball.exp0(v, c), reference.expmap0(v, project=False)),
        (ball.log0(y, c), reference.logmap0(y)),
        (ball.parallel_transport(x, y, v, c), reference.transp(x, y, v)),
        (ball.mobius_scale(0.7, x, c), reference.mobius_scalar_mul(torch.tensor(0.7), x, project=False)),
        (ball.gyration(x, y, v, c), reference.gyration(x, y, v)),
    ):
        assert (ours - theirs).abs().max() < 1e-8 * scale


@pytest.mark.parametrize("c", CURVATURES)
def test_motions_keep_distances_and_cancel(c):
    x, y, a = points(50, c=c), points(50, c=c, seed=2), points(50, c=c, seed=4)
    assert torch.allclose(ball.mobius_add(-x, ball.mobius_add(x, y, c), c), y, atol=1e-9)
    moved = ball.distance(ball.mobius_add(a, x, c), ball.mobius_add(a, y, c), c)
    assert torch.allclose(moved, ball.distance(x, y, c), rtol=1e-7)
    w = tangents(50, c=c, seed=7)
    assert torch.allclose(ball.gyration(x, y, w, c).norm(dim=-1), w.norm(dim=-1), rtol=1e-9)
    p, q = x[:1], y[:1]
    assert torch.allclose(ball.translation(p, q, p, c), q, atol=1e-9)
    assert torch.allclose(ball.log0(ball.exp0(w, c), c), w, atol=1e-9)
    assert torch.allclose(ball.distance0(ball.exp0(w, c), c), 2 * w.norm(dim=-1), rtol=1e-9)


@pytest.mark.parametrize("c", [1e-3, 0.1, 1.0, 10.0])
def test_float32_stays_finite_at_the_boundary(c):
    direction = torch.nn.functional.normalize(torch.randn(64, 8, generator=torch.Generator().manual_seed(0)), dim=-1)
    x = (direction * (1 - 1e-7) / c**0.5).requires_grad_()
    y = (-direction.flip(0) * (1 - 1e-7) / c**0.5).requires_grad_()
    for maps in (ball, manual):
        total = torch.zeros(())
        for value in (
            maps.mobius_add(x, y, c), maps.log0(x, c), maps.conformal_factor(x, c), maps.logmap(x, y, c),
            maps.expmap(x, 0.1 * y, c), maps.project(x, c), ball.distance(x, y, c),
        ):  # fmt: skip
            assert torch.isfinite(value).all()
            total = total + value.sum() * 1e-6
        for gradient in torch.autograd.grad(total, (x, y)):
            assert torch.isfinite(gradient).all()


def test_the_origin_has_finite_gradients_and_exp0_is_the_identity_there():
    for maps in (ball, manual):
        v = torch.zeros(3, 4, dtype=torch.float64, requires_grad=True)
        (gradient,) = torch.autograd.grad(maps.exp0(v, 1.0).sum(), v)
        assert torch.equal(gradient, torch.ones_like(v))
        (gradient,) = torch.autograd.grad(maps.logmap(v, maps.exp0(v, 1.0), 1.0).sum(), v)
        assert torch.isfinite(gradient).all()


def gradient_cases():
    c = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    x, y = (points(4, 3, 0.7, seed=seed).requires_grad_() for seed in (0, 1))
    v = tangents(4, 3, 0.7).requires_grad_()
    far = (points(4, 3, 0.7, spread=2.5, seed=5)).detach().requires_grad_()
    return {
        "mobius_add": (manual.MobiusAdd, (x, y, c, -1)),
        "mobius_add with -x": (manual.MobiusAdd, (x, y, c, -1, -1.0)),
        "mobius_add over channels": (manual.MobiusAdd, (x[:, :, None], y[:, :, None], c, 1)),
        "mobius_add broadcast": (manual.MobiusAdd, (x[:1].detach().requires_grad_(), y, c, -1)),
        "exp0": (manual.Exp0, (v, c, -1)),
        "log0": (manual.Log0, (y, c, -1)),
        "conformal_factor": (manual.ConformalFactor, (x, c, -1)),
        "project inside": (manual.Project, (x, c, -1, 1e-3)),
        "project outside": (manual.Project, (far, c, -1, 0.5)),
        "exp_term": (manual.ExpTerm, (x, v, c, -1)),
        "log_term": (manual.LogTerm, (x, y, c, -1)),
    }


@pytest.mark.parametrize("name", gradient_cases())
def test_backward_passes_by_hand_are_the_gradients(name):
    function, arguments = gradient_cases()[name]
    assert gradcheck(function.apply, arguments, eps=1e-6, atol=1e-7)


def test_manual_and_automatic_maps_give_the_same_values():
    x, y, v = points(30), points(30, seed=2), tangents(30)
    for name, arguments in {
        "mobius_add": (x, y), "exp0": (v,), "log0": (y,), "conformal_factor": (x,), "project": (x,), "expmap": (x, v),
        "logmap": (x, y),
    }.items():  # fmt: skip
        ours, theirs = getattr(manual, name)(*arguments, 1.0), getattr(ball, name)(*arguments, 1.0)
        assert torch.allclose(ours, theirs, atol=1e-14), name


# Means


@pytest.mark.parametrize("c", [0.1, 1.0])
def test_the_midpoint_moves_with_the_points_and_is_kleins(c):
    x, a = points(40, 3, c), points(1, 3, c, seed=9)
    moved = midpoint(ball.mobius_add(a, x, c), c)
    assert torch.allclose(moved, ball.mobius_add(a[0], midpoint(x, c), c), atol=1e-10)
    klein = ball.to_klein(x, c)
    gamma = 1 / (1 - c * klein.square().sum(-1, keepdim=True)).sqrt()
    mean = (gamma * klein).sum(0) / gamma.sum()
    assert torch.allclose(ball.to_klein(midpoint(x, c), c), mean, atol=1e-12)
    assert torch.allclose(midpoint(x[:1].expand(5, -1), c), x[0], atol=1e-12)
    assert midpoint(torch.stack([x[0], -x[0]]), c).norm() < 1e-12
    pair = torch.stack([x[0], x[1]])
    assert torch.allclose(midpoint(pair, c), frechet_mean(pair, c), atol=1e-9)


@pytest.mark.parametrize("c", [0.1, 1.0])
def test_no_other_point_has_a_smaller_variance_than_the_frechet_mean(c):
    x = points(60, 3, c, spread=1.0)
    mean = frechet_mean(x, c)
    best = frechet_variance(x, mean, c)
    for step in torch.eye(3, dtype=torch.float64):
        for sign in (1e-3, -1e-3):
            assert frechet_variance(x, ball.expmap(mean, sign * step, c), c) > best
    assert ball.logmap(mean, x, c).mean(0).norm() < 1e-8, "the mean of the logarithms is zero there"


def test_the_frechet_mean_is_differentiated_through_its_condition():
    x = points(7, 3).requires_grad_()
    c = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    assert gradcheck(frechet_mean, (x, c), eps=1e-6, atol=1e-6)


# Layers


def test_half_the_identity_is_the_identity_layer():
    x = points(50, 6, 1.0)
    z = 0.5 * torch.eye(6, dtype=torch.float64)
    y = poincare_linear(x, z, torch.zeros(6, dtype=torch.float64), Ball(1.0).double())
    assert (y - x).abs().max() < 1e-7, "but for the curvature, which is kept in float32"


def test_the_published_factor_is_not_the_identity():
    x = points(50, 6, 1.0)
    z = 0.5 * torch.eye(6, dtype=torch.float64)
    y = poincare_linear(x, z, torch.zeros(6, dtype=torch.float64), Ball(1.0, wrong_factor=True).double())
    assert ball.distance0(y, 1.0).mean() < 0.8 * ball.distance0(x, 1.0).mean()


def test_a_layer_measures_signed_distances_to_its_hyperplanes():
    x = points(40, 2, 1.0)
    z = torch.tensor([[0.3], [0.4]], dtype=torch.float64)
    s = ball.signed_distance(x, z, torch.zeros(1, dtype=torch.float64), 1.0)[:, 0]
    normal = z[:, 0] / z.norm()
    closed = torch.asinh(ball.conformal_factor(x, 1.0)[:, 0] * (x @ normal))
    assert torch.allclose(s, closed, atol=1e-12)
    along = torch.tensor([-normal[1], normal[0]])
    line = ball.exp0(torch.linspace(-3, 3, 4001, dtype=torch.float64)[:, None] * along, 1.0)
    nearest = ball.distance(x[:, None], line[None], 1.0).amin(1)
    assert torch.allclose(s.abs(), nearest, atol=2e-3), "the distance to the nearest of many points of the hyperplane"


def test_a_flat_ball_gives_the_euclidean_layer():
    x = torch.randn(20, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    z = torch.randn(4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    r = torch.tensor([0.1, -0.2, 0.3], dtype=torch.float64)
    flat = 2 * x @ z - 2 * z.norm(dim=0) * r
    errors = [float((poincare_linear(x, z, r, Ball(c).double()) - flat).abs().max()) for c in (1e-8, 1e-9, 1e-10)]
    assert errors[2] < 1e-6
    assert errors[0] / errors[1] == pytest.approx(10, rel=0.05), "what is left is of the order of c"


def test_a_zero_column_and_huge_weights_give_finite_outputs():
    x = points(10, 3).float()
    flat = Ball(1.0)
    assert poincare_linear(x, torch.zeros(3, 2), torch.zeros(2), flat).abs().max() == 0
    y = poincare_linear(x, 1e4 * torch.ones(3, 2), torch.zeros(2), flat)
    assert torch.isfinite(y).all()
    assert (y.norm(dim=-1) < 1).all()


@pytest.mark.parametrize(("parts", "channels"), [(9, 8), (9, 3), (1, 16)])
def test_the_beta_ratio_is_eulers(parts, channels):
    wanted = scipy.special.beta(parts * channels / 2, 0.5) / scipy.special.beta(channels / 2, 0.5)
    assert beta_ratio(parts, channels) == pytest.approx(wanted, rel=1e-9)
    assert beta_ratio(parts, channels) <= 1


def test_a_convolution_is_the_layer_on_every_patch():
    torch.manual_seed(0)
    c = Ball(0.5)
    conv = PoincareConv2d(2, 3, c, initialisation="hnn++", stride=2)
    t = 0.3 * torch.randn(2, 2, 7, 6)
    y = conv(t)
    assert y.shape == torch.nn.functional.conv2d(t, torch.zeros(3, 2, 3, 3), stride=2, padding=1).shape
    padded = torch.nn.functional.pad(t, (1, 1, 1, 1))
    patch = padded[1, :, 2:5, 4:7].reshape(-1) * conv.scale
    assert torch.allclose(y[1, :, 1, 2], c.log0(conv.linear(c.exp0(patch[None])))[0], atol=1e-6)


@pytest.mark.parametrize("kind", ["midpoint", "frechet"])
def test_batch_norm_centres_and_scales(kind):
    torch.manual_seed(0)
    c = Ball(0.1)
    norm = PoincareBatchNorm(6, c, kind)
    t = 0.2 * torch.randn(8, 6, 4, 4) + 0.1
    y = c.exp0(norm(t).movedim(1, -1).flatten(0, 2)).detach()
    assert midpoint(y, c.c).norm() < 5e-3
    assert float(frechet_variance(y, frechet_mean(y, c.c), c.c)) == pytest.approx(1, abs=5e-3)


def test_batch_norm_of_equal_points_is_finite_and_running_statistics_follow():
    c = Ball(1.0)
    norm = PoincareBatchNorm(3, c, "midpoint", uses_running=True)
    assert torch.isfinite(norm(torch.zeros(2, 3, 2, 2))).all()
    torch.manual_seed(0)
    for _ in range(60):
        norm(0.2 * torch.randn(16, 3, 2, 2) + torch.tensor([0.3, 0, 0])[None, :, None, None])
    norm.eval()
    single = norm(torch.tensor([0.3, 0.0, 0.0])[None, :, None, None])
    assert single.norm() < 0.5, "a point at the running mean comes out near the centre"


@pytest.mark.parametrize("kind", ["midpoint", "frechet"])
@pytest.mark.parametrize("case", ["all at the origin", "all on the safe radius", "one vector", "two far apart"])
def test_batch_norm_of_degenerate_batches_is_finite_with_finite_gradients(kind, case):
    c = Ball(1.0)
    norm = PoincareBatchNorm(3, c, kind)
    with torch.no_grad():
        norm.bias.copy_(torch.tensor([0.2, -0.1, 0.0]))
    far = torch.nn.functional.normalize(torch.randn(6, 3, generator=torch.Generator().manual_seed(0)), dim=1) * 100
    t = {
        "all at the origin": torch.zeros(4, 3), "all on the safe radius": far, "one vector": 0.3 * torch.ones(1, 3),
        "two far apart": torch.tensor([[50.0, 0, 0], [-50.0, 0, 0]]),
    }[case][:, :, None, None].requires_grad_()  # fmt: skip
    y = norm(t)
    assert torch.isfinite(y).all()
    if case in ("all at the origin", "one vector"):
        assert torch.allclose(y[0, :, 0, 0], norm.bias, atol=1e-4), "no variance: all that is left is the target"
    for gradient in torch.autograd.grad(y.square().sum(), (t, norm.bias, norm.scale)):
        assert torch.isfinite(gradient).all()


@pytest.mark.parametrize("c", CURVATURES)
def test_the_gyration_is_the_failure_to_associate(c):
    u, v, w = points(40, c=c), points(40, c=c, seed=2), 0.3 * points(40, c=c, seed=5)
    add = ball.mobius_add
    defined = add(-add(u, v, c), add(u, add(v, w, c), c), c)
    assert torch.allclose(ball.gyration(u, v, w, c), defined, atol=1e-9 / c**0.5)


def test_curvature_that_is_learnt_gets_the_gradient_of_finite_differences():
    torch.manual_seed(0)
    x = points(20, 4, 0.5)
    layer = PoincareLinear(4, 3, Ball(0.5, is_learnable=True), "hnn++").double()

    def loss():
        return layer(x).square().sum()

    (gradient,) = torch.autograd.grad(loss(), layer.ball.raw)
    with torch.no_grad():
        layer.ball.raw += 1e-6
        above = loss()
        layer.ball.raw -= 2e-6
        below = loss()
    assert float(gradient) == pytest.approx(float((above - below) / 2e-6), rel=1e-5)


def test_trees_are_hyperbolic_and_spheres_are_not():
    import networkx as nx

    tree = nx.balanced_tree(2, 4)
    lengths = torch.tensor(nx.floyd_warshall_numpy(tree))
    assert ball.gromov_delta(lengths) == pytest.approx(0, abs=1e-12)
    ring = torch.tensor(nx.floyd_warshall_numpy(nx.cycle_graph(24)))
    assert ball.gromov_delta(ring) > 0.4
    assert math.isfinite(ball.gromov_delta(ring))
