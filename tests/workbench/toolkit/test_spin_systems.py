"""Symmetric polynomials and noise tensors against sums over all subsets."""

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.toolkit.spin_systems import (
    TensorNoise,
    elementary_symmetric,
    rademacher,
    with_element,
    without_element,
)


def by_subsets(y, degree):
    return sum(math.prod(subset) for subset in itertools.combinations(y, degree))


@given(st.lists(st.floats(-2, 2), min_size=1, max_size=9), st.integers(1, 6))
@settings(max_examples=60, deadline=None)
def test_newtons_identities_give_the_sums_over_all_subsets(values, degree):
    found = elementary_symmetric(torch.tensor(values, dtype=torch.float64), degree)
    assert found.shape == (degree + 1,)
    for k in range(degree + 1):
        assert float(found[k]) == pytest.approx(by_subsets(values, k), rel=1e-8, abs=1e-6)


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=8), st.integers(1, 5))
@settings(max_examples=60, deadline=None)
def test_one_element_can_be_taken_out_and_put_back(values, degree):
    y = torch.tensor(values, dtype=torch.float64)
    whole = list(elementary_symmetric(y, degree)[1:])
    rest = without_element(whole, y[0])
    for k in range(degree):
        assert float(rest[k]) == pytest.approx(by_subsets(values[1:], k + 1), abs=1e-9)
    for before, after in zip(whole, with_element(rest, y[0]), strict=True):
        assert float(before) == pytest.approx(float(after), abs=1e-9)


@pytest.mark.parametrize("order", [2, 3, 4])
def test_the_field_of_a_noise_tensor_is_the_sum_over_the_subsets_with_that_spin(order):
    generator = torch.Generator().manual_seed(1)
    noise = TensorNoise(2, 7, order, generator)
    spins = rademacher(2, 3, 7, generator=generator)
    subsets = list(itertools.combinations(range(7), order))
    for site in range(7):
        expected = torch.zeros(2, 3, dtype=torch.float64)
        for row, subset in enumerate(subsets):
            if site in subset:
                others = spins[..., [j for j in subset if j != site]].prod(-1)
                expected += noise.coefficients[:, None, row] * others
        assert torch.allclose(noise.field(spins, site), expected)


def test_a_noise_tensor_beyond_memory_is_refused_with_its_size():
    with pytest.raises(ValueError, match="entries; lower N or P"):
        TensorNoise(1, 100, 6, torch.Generator())


def test_rademacher_is_fair_and_seeded():
    draw = rademacher(100, 1000, generator=torch.Generator().manual_seed(0))
    assert set(draw.unique().tolist()) == {-1.0, 1.0}
    assert abs(float(draw.mean())) < 5 / math.sqrt(100_000)
    assert torch.equal(draw, rademacher(100, 1000, generator=torch.Generator().manual_seed(0)))
