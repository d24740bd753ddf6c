"""SO(n) for n = 2 .. 6: the paper's construction against closed forms, numpy determinants and n = 3."""

import math

import numpy as np
import pytest
import torch

from plugins.rotation_continuity.representations import decode_5d, decode_6d, encode_5d
from plugins.rotation_continuity.special_orthogonal import (
    dimensions,
    generalised_cross,
    sized_representations,
)
from workbench.toolkit.rotations import orthogonality_error, special_orthogonal

SIZES = range(2, 7)


def rotations(n, count=1000):
    return special_orthogonal(count, n, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("name", ["gram_schmidt", "stereographic", "lie", "svd"])
def test_every_rotation_is_reached_and_every_code_decodes_to_one(n, name):
    own = sized_representations(n)[name]
    assert own.dimension == dimensions(n)[name]
    truth = rotations(n)
    code = own.encode(truth)
    assert code.shape[-1] == own.dimension
    assert (own.decode(code) - truth).abs().max() < (1e-8 if name == "lie" else 1e-12)
    decoded = own.decode(torch.randn(1000, own.dimension, generator=torch.Generator().manual_seed(1)))
    assert orthogonality_error(decoded).max() < (1e-5 if name == "lie" else 1e-6 + 1e-6 * (name == "svd"))
    assert (torch.linalg.det(decoded.double()) - 1).abs().max() < 1e-5


def test_dimensions_are_those_of_the_paper():
    assert [dimensions(n)["gram_schmidt"] for n in SIZES] == [2, 6, 12, 20, 30]
    assert [dimensions(n)["stereographic"] for n in SIZES] == [n * n - 2 * n + 2 for n in SIZES]
    assert [dimensions(n)["lie"] for n in SIZES] == [1, 3, 6, 10, 15]


@pytest.mark.parametrize("n", SIZES)
def test_generalised_cross_product_is_the_signed_minors(n):
    columns = np.random.default_rng(0).normal(size=(n, n - 1))
    minors = [np.linalg.det(np.delete(columns, k, axis=0)) for k in range(n)]
    expected = [(-1) ** (k + 1 + n) * minor for k, minor in enumerate(minors)]
    assert np.allclose(generalised_cross(torch.from_numpy(columns)).numpy(), expected)


def test_two_dimensions_normalise_cosine_and_sine_and_the_algebra_is_an_angle():
    decoded = sized_representations(2)["gram_schmidt"].decode(torch.tensor([3.0, 4.0]))
    assert torch.allclose(decoded, torch.tensor([[0.6, -0.8], [0.8, 0.6]]))
    turned = sized_representations(2)["lie"].decode(torch.tensor([math.pi / 3], dtype=torch.float64))
    assert turned[1, 0] == pytest.approx(math.sin(math.pi / 3))
    assert turned[0, 0] == pytest.approx(0.5)


def test_three_dimensions_are_six_d_and_five_d():
    known = sized_representations(3)
    code = torch.randn(500, 6, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    assert (known["gram_schmidt"].decode(code) - decode_6d(code)).abs().max() < 1e-12
    assert (known["stereographic"].decode(code[:, :5]) - decode_5d(code[:, :5])).abs().max() < 1e-12
    assert (known["stereographic"].encode(rotations(3)) - encode_5d(rotations(3))).abs().max() < 1e-12


@pytest.mark.parametrize("n", SIZES)
def test_projected_codes_stay_within_one(n):
    assert sized_representations(n)["stereographic"].encode(rotations(n, 5000)).abs().max() <= 1


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("name", ["gram_schmidt", "stereographic"])
def test_degenerate_codes_fall_back_to_a_rotation_without_nan(n, name):
    own = sized_representations(n)[name]
    codes = torch.zeros(2, own.dimension)
    codes[1] = 1.0  # all columns parallel
    codes.requires_grad_()
    decoded = own.decode(codes)
    assert orthogonality_error(decoded).max() < 1e-5
    assert (torch.linalg.det(decoded) - 1).abs().max() < 1e-4
    decoded.sum().backward()
    assert codes.grad.isfinite().all()
    assert own.degenerate(codes)[0]
    assert not own.degenerate(own.encode(rotations(n))).any()


def test_sizes_outside_two_to_six_are_refused():
    with pytest.raises(ValueError, match="n must lie"):
        sized_representations(7)
