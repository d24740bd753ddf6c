"""Maps, means and layers of the Poincaré ball against hypll, the library of the paper's first author, in float64."""

from __future__ import annotations

import pytest
import torch
from hypll.manifolds.poincare_ball import Curvature, PoincareBall
from hypll.manifolds.poincare_ball.math import diffgeom, linalg, stats
from hypll.nn import HBatchNorm2d, HConvolution2d, HReLU
from hypll.tensors import ManifoldTensor

from workbench.toolkit import hyperbolic as ball
from workbench.toolkit import hyperbolic_backward as manual
from workbench.toolkit.hyperbolic_layers import Ball, PoincareBatchNorm, PoincareConv2d, poincare_linear
from workbench.toolkit.hyperbolic_mean import frechet_mean, frechet_variance, midpoint

CURVATURES = [1e-3, 0.1, 1.0, 10.0]
BOUND = 1e-8


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def points(count, c, dimensions=5, seed=0):
    return ball.exp0(0.5 * draw(count, dimensions, seed=seed) / c**0.5, c)


@pytest.mark.parametrize("c", CURVATURES)
@pytest.mark.parametrize("maps", [ball, manual], ids=["autograd", "manual"])
def test_maps_agree(maps, c):
    x, y, v = points(200, c), points(200, c, seed=1), 0.3 * draw(200, 5, seed=2) / c**0.5
    theirs = torch.tensor(c, dtype=torch.float64)
    for ours, reference in (
        (maps.mobius_add(x, y, c), diffgeom.mobius_add(x, y, theirs)),
        (maps.project(maps.exp0(v, c), c), diffgeom.expmap0(v, theirs)),
        (maps.log0(y, c), diffgeom.logmap0(y, theirs)),
        (maps.project(maps.expmap(x, v, c), c), diffgeom.expmap(x, v, theirs)),
        (maps.logmap(x, y, c), diffgeom.logmap(x, y, theirs)),
        (ball.distance(x, y, c), diffgeom.dist(x, y, theirs)),
        (ball.gyration(x, y, v, c), diffgeom.gyration(x, y, v, theirs)),
        (ball.parallel_transport(x, y, v, c), diffgeom.transp(x, y, v, theirs)),
    ):
        assert (ours - reference).abs().max() < BOUND / c**0.5


@pytest.mark.parametrize("c", CURVATURES)
def test_projections_agree_on_both_sides_of_the_safe_radius(c):
    x = draw(200, 3) / c**0.5
    reference = diffgeom.project(x, torch.tensor(c, dtype=torch.float64))
    assert (ball.project(x, c) - reference).abs().max() < BOUND / c**0.5


@pytest.mark.parametrize("c", CURVATURES)
def test_signed_distances_and_the_linear_layer_agree(c):
    own = Ball(c).double()
    x, z, r = points(60, c), draw(5, 7, seed=3), 0.2 * draw(7, seed=4) / c**0.5
    theirs = linalg.poincare_hyperplane_dists(x, z, r, own.c)
    ours = 2 * z.norm(dim=0) * ball.signed_distance(x, z, r, own.c)
    assert torch.allclose(ours, theirs, rtol=1e-9, atol=BOUND / c**0.5)
    layer = linalg.poincare_fully_connected(x, 0.2 * z, r, own.c)
    assert (poincare_linear(x, 0.2 * z, r, own) - layer).abs().max() < BOUND / c**0.5


@pytest.mark.parametrize("c", CURVATURES)
def test_means_and_variance_agree(c):
    x, theirs = points(80, c), torch.tensor(c, dtype=torch.float64)
    weights = draw(80, 1, seed=5).abs()
    assert (midpoint(x, c) - stats.midpoint(x, theirs)).abs().max() < BOUND / c**0.5
    weighted = stats.midpoint(x, theirs, w=weights)
    assert (midpoint(x, c, weights[:, 0]) - weighted).abs().max() < BOUND / c**0.5
    mean = stats.frechet_mean(x, theirs)
    assert (frechet_mean(x, c) - mean).abs().max() < BOUND / c**0.5
    variance = stats.frechet_variance(x, theirs, mu=mean)
    assert float(frechet_variance(x, mean, c)) == pytest.approx(float(variance), rel=1e-9)


def test_gradients_of_the_frechet_mean_agree():
    x, u = points(30, 1.0, 3), draw(3, seed=6)
    gradients = []
    for mean in (lambda y: frechet_mean(y, 1.0), lambda y: stats.frechet_mean(y, torch.ones((), dtype=torch.float64))):
        free = x.clone().requires_grad_()
        gradients.append(torch.autograd.grad((mean(free) * u).sum(), free)[0])
    assert torch.allclose(*gradients, atol=1e-8)


def same_ball(own):
    manifold = PoincareBall(Curvature(0.0))
    manifold.c.value.data = own.raw.detach().clone()  # both take the softplus of it
    return manifold


@pytest.mark.parametrize("c", [0.1, 1.0])
@pytest.mark.parametrize("stride", [1, 2])
def test_convolutions_agree(c, stride):
    torch.manual_seed(0)
    own = Ball(c).double()
    conv = PoincareConv2d(3, 4, own, stride=stride, initialisation="hnn++").double()
    with torch.no_grad():
        conv.linear.r.copy_(0.1 * draw(4))
    manifold = same_ball(own)
    theirs = HConvolution2d(3, 4, 3, manifold, stride=stride, padding=1)
    theirs.weights.tensor.data = conv.linear.z.detach().clone()
    theirs.bias.data = conv.linear.r.detach().clone()
    t = 0.4 * draw(2, 3, 6, 6, seed=1)
    given = ManifoldTensor(own.exp0(t, 1), manifold=manifold, man_dim=1)
    ours, reference = own.exp0(conv(t), 1), theirs(given).tensor
    assert ours.shape == reference.shape
    assert (ours - reference).abs().max() < BOUND / c**0.5


@pytest.mark.parametrize("kind", ["midpoint", "frechet"])
def test_batch_norm_and_relu_agree(kind):
    own = Ball(0.1).double()
    norm = PoincareBatchNorm(4, own, kind).double()
    manifold = same_ball(own)
    theirs = HBatchNorm2d(4, manifold, use_midpoint=kind == "midpoint").double()
    with torch.no_grad():
        for bias, scale in ((norm.bias, norm.scale), (theirs.norm.bias, theirs.norm.weight)):
            bias.copy_(0.3 * draw(4, seed=8))
            scale.fill_(1.7)
    t = 0.3 * draw(5, 4, 3, 3, seed=9) + 0.1
    given = ManifoldTensor(own.exp0(t, 1), manifold=manifold, man_dim=1)
    after = theirs(given)
    assert (own.exp0(norm(t), 1) - after.tensor).abs().max() < 1e-7
    rectified = HReLU(manifold)(after).tensor
    assert (own.exp0(torch.relu(norm(t)), 1) - rectified).abs().max() < 1e-7
