"""Quadrature against moments and scipy; fixed points against roots found otherwise."""

import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.optimize import brentq

from workbench.toolkit.self_consistency import finished, fixed_point_pieces, gaussian_nodes, solve_fixed_point


def test_gaussian_moments_and_a_steep_tanh_are_integrated_exactly():
    z, weights = gaussian_nodes()
    for power, moment in ((0, 1), (1, 0), (2, 1), (4, 3), (6, 15)):
        assert float((z**power) @ weights) == pytest.approx(moment, abs=1e-9)
    density = lambda x: math.exp(-x * x / 2) / math.sqrt(2 * math.pi)  # noqa: E731
    exact = quad(lambda x: math.tanh(20 + 15 * x) * density(x), -9, 9, points=[-20 / 15], limit=400)[0]
    assert float(torch.tanh(20 + 15 * z) @ weights) == pytest.approx(exact, abs=1e-7)


def test_every_point_of_a_grid_converges_to_its_own_solution_of_the_mean_field_ferromagnet():
    beta = torch.tensor([[1.2, 1.5], [2.0, 3.0]], dtype=torch.float64)

    def update(x, index):
        return torch.tanh(beta.flatten()[index, None] * x)

    found = solve_fixed_point(update, torch.ones(2, 2, 1, dtype=torch.float64), tolerance=1e-12)
    assert found.converged.all()
    for own, m in zip(beta.flatten().tolist(), found.values.flatten().tolist(), strict=True):
        assert m == pytest.approx(brentq(lambda x, b=own: math.tanh(b * x) - x, 0.1, 1.0), abs=1e-9)
    assert found.iterations.flatten()[0] > found.iterations.flatten()[3]  # slower near the transition


def test_points_that_converged_are_not_touched_again():
    seen = []

    def update(x, index):
        seen.append(index.tolist())
        return torch.where(index[:, None] == 0, x, -x)

    found = solve_fixed_point(update, torch.ones(2, 1, dtype=torch.float64), damping=0.0, max_iterations=6)
    assert seen[0] == [0, 1]
    assert all(later == [1] for later in seen[1:])
    assert found.converged.tolist() == [True, False]


def test_pieces_speak_while_they_work_and_return_the_same(monkeypatch):
    monkeypatch.setattr("workbench.toolkit.self_consistency.LONGEST_PIECE", 0.0)
    start = torch.ones(3, 1, dtype=torch.float64)
    pieces = fixed_point_pieces(lambda x, index: torch.cos(x), start)
    shares = []
    while True:
        try:
            shares.append(next(pieces))
        except StopIteration as end:
            found = end.value
            break
    assert shares
    assert np.all(np.diff(shares) >= 0)
    assert torch.equal(found.values, finished(fixed_point_pieces(lambda x, index: torch.cos(x), start)).values)
    assert float(found.values[0, 0]) == pytest.approx(0.7390851332151607, abs=1e-8)
