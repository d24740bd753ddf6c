"""From many hyperbolic dimensions to the disk: tangent components and HoroPCA against what they must keep."""

from __future__ import annotations

import pytest
import torch

from plugins.poincare_resnet.projection import (
    busemann,
    horospherical_plane,
    horospherical_projection,
    tangent_plane,
)
from workbench.toolkit import hyperbolic


def on_a_plane(c, spread, count=120, dimensions=6):
    """Points of a totally geodesic plane that goes neither through the origin nor along the axes."""
    generator = torch.Generator().manual_seed(0)
    turn, _ = torch.linalg.qr(torch.randn(dimensions, dimensions, generator=generator, dtype=torch.float64))
    flat = spread / 2 * torch.randn(count, 2, generator=generator, dtype=torch.float64) / c**0.5
    shift = torch.full((dimensions,), 0.15 / c**0.5, dtype=torch.float64).expand(count, -1)
    return hyperbolic.mobius_add(shift, hyperbolic.exp0(flat @ turn[:2], c), c)


def pairwise(points, c):
    return hyperbolic.distance(points[:, None], points[None], c)


@pytest.mark.parametrize("c", [0.1, 1.0])
def test_tangent_components_are_exact_on_a_plane(c):
    points = on_a_plane(c, 1.0)
    plane = tangent_plane(points, c)
    disk = plane.to_disk(points)
    assert plane.explained == pytest.approx(1, abs=1e-12)
    assert torch.allclose(pairwise(disk, 1.0), pairwise(points, c) * c**0.5, atol=1e-9)
    assert torch.allclose(plane.from_disk(disk), points, atol=1e-9)


@pytest.mark.parametrize("c", [0.1, 1.0])
@pytest.mark.parametrize("spread", [0.4, 1.5])
def test_horopca_is_exact_on_a_plane(c, spread):
    points = on_a_plane(c, spread)
    *_, plane = horospherical_plane(points, c)
    disk = plane.to_disk(points)
    assert plane.explained == pytest.approx(1, abs=1e-4)
    wanted = pairwise(points, c) * c**0.5
    assert (pairwise(disk, 1.0) - wanted).abs().max() < 2e-3 * wanted.max()
    assert torch.allclose(plane.from_disk(disk), points, atol=5e-3 / c**0.5)


def test_the_horospherical_projection_keeps_busemann_functions_and_distances_from_the_axis():
    generator = torch.Generator().manual_seed(1)
    x = hyperbolic.exp0(0.8 * torch.randn(60, 5, generator=generator, dtype=torch.float64), 1.0)
    ideals = torch.nn.functional.normalize(torch.randn(2, 5, generator=generator, dtype=torch.float64), dim=-1)
    basis = torch.linalg.qr(ideals.T)[0]
    seen = horospherical_projection(x, ideals, basis) @ basis.T
    for ideal in ideals:
        assert torch.allclose(busemann(seen, ideal), busemann(x, ideal), atol=1e-9)
    # Busemann functions measure along a geodesic: b(x) falls as fast as x moves towards the ideal point.
    ray = torch.tanh(torch.tensor([[0.5], [1.0]], dtype=torch.float64)) * ideals[0]
    assert torch.allclose(busemann(ray, ideals[0]), torch.tensor([-1.0, -2.0], dtype=torch.float64))
    # No two points come farther apart (HoroPCA, proposition 4.3), and those of the hull on the origin's side stay.
    assert (pairwise(seen, 1.0) <= pairwise(x, 1.0) + 1e-9).all()
    again = horospherical_projection(seen, ideals, basis) @ basis.T
    assert torch.allclose(again, seen, atol=1e-9)


def test_horopca_shows_more_variance_than_tangent_components():
    generator = torch.Generator().manual_seed(2)
    scales = torch.linspace(1.0, 0.1, 12, dtype=torch.float64)
    x = hyperbolic.exp0(torch.randn(150, 12, generator=generator, dtype=torch.float64) * scales, 1.0)
    *_, plane = horospherical_plane(x, 1.0)
    spreads = [float(pairwise(own.to_disk(x), 1.0).square().mean()) for own in (plane, tangent_plane(x, 1.0))]
    assert spreads[0] > 1.2 * spreads[1]
    assert plane.explained == pytest.approx(spreads[0] / float(pairwise(x, 1.0).square().mean()), rel=1e-6)
    assert 0 < plane.explained < 1


@pytest.mark.parametrize("shape", [(1, 4), (2, 4), (5, 1), (6, 2)])
def test_few_points_or_dimensions_have_a_projection_too(shape):
    points = hyperbolic.exp0(
        torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64) / 2, 1.0
    )
    *_, plane = horospherical_plane(points, 1.0)
    disk = plane.to_disk(points)
    assert disk.shape == (shape[0], 2)
    assert torch.isfinite(disk).all()
    assert (disk.norm(dim=1) < 1).all()
