"""Decoders and encoders against scipy, closed forms and the paper's invariances."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from plugins.rotation_continuity.contract import DIMENSIONS, FIVE
from plugins.rotation_continuity.representations import (
    REPRESENTATIONS,
    decode_5d,
    decode_6d,
    decode_euler,
    decode_svd,
    discontinuity_index,
    encode_5d,
    encode_6d,
)
from workbench.toolkit.rotations import (
    haar_rotations,
    orthogonality_error,
    quaternion_to_matrix,
    rotation_angle,
    rotation_vector_to_matrix,
)

PROPER = [name for name, own in REPRESENTATIONS.items() if own.is_rotation]


def doubles(count, seed=0):
    return haar_rotations(count, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def normal(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def test_the_form_offers_every_representation_with_its_dimension():
    assert {name: own.dimension for name, own in REPRESENTATIONS.items()} == DIMENSIONS
    assert set(FIVE) < set(DIMENSIONS)


@pytest.mark.parametrize("name", REPRESENTATIONS)
def test_decoding_an_encoded_rotation_gives_it_back(name):
    own, rotations = REPRESENTATIONS[name], doubles(2000)
    code = own.encode(rotations)
    assert code.shape == (2000, own.dimension)
    tolerance = 1e-12 if name in {"6d", "5d", "matrix", "svd"} else 1e-9
    assert (own.decode(code) - rotations).abs().max() < tolerance
    assert (own.decode_evaluated(code) - rotations).abs().max() < tolerance


def test_decoders_agree_with_scipy():
    quaternions, vectors = normal(500, 4), normal(500, 3, seed=1)
    expected = Rotation.from_quat(quaternions.numpy()[:, [1, 2, 3, 0]]).as_matrix()
    assert np.abs(REPRESENTATIONS["quaternion"].decode(quaternions).numpy() - expected).max() < 1e-14
    assert np.abs(REPRESENTATIONS["half_quaternion"].decode(quaternions).numpy() - expected).max() < 1e-14
    expected = Rotation.from_rotvec(2 * vectors.numpy()).as_matrix()
    assert np.abs(REPRESENTATIONS["rodrigues"].decode(vectors).numpy() - expected).max() < 1e-13
    expected = Rotation.from_euler("XZY", vectors.numpy()[:, [0, 2, 1]]).as_matrix()
    assert np.abs(decode_euler(vectors).numpy() - expected).max() < 1e-14
    axis = quaternions[:, 1:] / quaternions[:, 1:].norm(dim=1, keepdim=True)
    expected = Rotation.from_rotvec((math.pi * torch.tanh(quaternions[:, :1]) * axis).numpy()).as_matrix()
    assert np.abs(REPRESENTATIONS["axis_angle"].decode(quaternions).numpy() - expected).max() < 1e-13


def test_hopf_coordinates_follow_the_formula():
    code = normal(200, 3)
    theta, phi, tau = ((torch.tanh(code) + 1) * math.pi * torch.tensor([0.5, 1.0, 1.0])).numpy().T
    q = [np.cos(theta / 2) * np.cos(tau / 2), np.cos(theta / 2) * np.sin(tau / 2)]
    q += [np.sin(theta / 2) * np.cos(phi + tau / 2), np.sin(theta / 2) * np.sin(phi + tau / 2)]
    expected = Rotation.from_quat(np.stack([q[1], q[2], q[3], q[0]], -1)).as_matrix()
    assert np.abs(REPRESENTATIONS["hopf"].decode(code).numpy() - expected).max() < 1e-6  # tensor of float32 factors


def test_svd_gives_the_nearest_rotation_and_its_exact_gradient():
    code = normal(50, 9)
    expected = np.stack([Rotation.align_vectors(m.T, np.eye(3))[0].as_matrix() for m in code.view(-1, 3, 3).numpy()])
    assert np.abs(decode_svd(code).numpy() - expected).max() < 1e-9
    assert torch.autograd.gradcheck(decode_svd, (code[:8].clone().requires_grad_(),))
    equal = torch.eye(3, dtype=torch.float64).flatten().requires_grad_()
    decode_svd(equal).sum().backward()
    assert equal.grad.isfinite().all()


def test_worked_values_of_the_paper_come_out():
    def decoded(name, *values):
        return REPRESENTATIONS[name].decode(torch.tensor(values, dtype=torch.float64))

    assert torch.equal(decoded("6d", 1, 0, 0, 0, 1, 0), torch.eye(3, dtype=torch.float64))
    quarter = torch.from_numpy(Rotation.from_euler("z", 90, degrees=True).as_matrix())
    assert torch.allclose(decoded("6d", 0, 2, 0, -3, 0, 0), quarter, atol=1e-15)
    assert torch.allclose(decoded("quaternion", 0, 0, 0, 5), torch.diag(torch.tensor([-1.0, -1, 1])).double())
    expected = torch.tensor([1, 0, 0, 1 / (1 + math.sqrt(2)), 0], dtype=torch.float64)
    assert torch.allclose(encode_5d(torch.eye(3, dtype=torch.float64)), expected)
    assert encode_5d(doubles(5000)).abs().max() <= 1


def test_six_d_takes_columns_and_the_cross_product_form_is_the_same():
    rotation = doubles(1)[0]
    assert torch.equal(encode_6d(rotation), torch.cat([rotation[:, 0], rotation[:, 1]]))
    code = normal(1000, 6)
    x = torch.nn.functional.normalize(code[:, :3], dim=1)
    z = torch.nn.functional.normalize(torch.linalg.cross(x, code[:, 3:]), dim=1)
    assert (decode_6d(code) - torch.stack([x, torch.linalg.cross(z, x), z], -1)).abs().max() < 1e-12


def test_six_d_ignores_scale_and_shear_and_turns_with_its_columns():
    code, q = normal(500, 6), doubles(1, 3)[0]
    a1, a2 = code[:, :3], code[:, 3:]
    sheared = torch.cat([0.3 * a1, 7 * a2 - 2.5 * a1], -1)
    assert (decode_6d(sheared) - decode_6d(code)).abs().max() < 1e-12
    turned = torch.cat([a1 @ q.T, a2 @ q.T], -1)
    assert (decode_6d(turned) - q @ decode_6d(code)).abs().max() < 1e-12


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("name", PROPER)
def test_random_codes_decode_to_rotations_in_single_precision(name, scale):
    own = REPRESENTATIONS[name]
    matrices = own.decode(scale * normal(5000, own.dimension, dtype=torch.float32))
    assert orthogonality_error(matrices).max() < 1e-6
    assert (torch.linalg.det(matrices) > 0).all()


@pytest.mark.parametrize("name", ["euler_sin_cos", "matrix"])
def test_unconstrained_codes_do_not_decode_to_rotations(name):
    own = REPRESENTATIONS[name]
    assert orthogonality_error(own.decode(normal(100, own.dimension))).min() > 1e-3
    if name == "matrix":
        evaluated = own.decode_evaluated(normal(100, 9))
        assert orthogonality_error(evaluated).max() < 1e-10
        assert (torch.linalg.det(evaluated) < 0).any()


@pytest.mark.parametrize("name", PROPER)
def test_degenerate_codes_decode_to_rotations_with_finite_gradients_and_are_counted(name):
    own = REPRESENTATIONS[name]
    codes = torch.zeros(3, own.dimension)
    codes[1, 0] = 1.0
    if own.dimension == 6:
        codes[2] = torch.tensor([1.0, 2, 3, -2, -4, -6])
    codes.requires_grad_()
    matrices = own.decode(codes)
    assert orthogonality_error(matrices).max() < 1e-6
    assert (torch.linalg.det(matrices) > 0.99).all()
    matrices.sum().backward()
    assert codes.grad.isfinite().all()
    counted = {"6d": 3, "5d": 3, "quaternion": 2, "half_quaternion": 2, "axis_angle": 3, "svd": 3}
    assert int(own.degenerate(codes.detach()).sum()) == counted.get(name, 0)
    assert not own.degenerate(own.encode(doubles(100))).any()


def test_a_parallel_second_column_falls_back_on_the_least_aligned_axis():
    decoded = decode_6d(torch.tensor([0.0, 0.0, 2.0, 0.0, 0.0, 5.0]))
    assert torch.allclose(decoded[:, 0], torch.tensor([0.0, 0.0, 1.0]))
    assert torch.allclose(decoded[:, 1], torch.tensor([1.0, 0.0, 0.0]))
    fallback = decode_5d(torch.tensor([1.0, 0.0, 0.0, 0.0, 0.0]))
    assert torch.allclose(fallback, torch.eye(3))


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(PROPER), st.lists(st.floats(-1e6, 1e6, width=32), min_size=9, max_size=9))
def test_any_finite_code_decodes_to_a_rotation(name, numbers):
    own = REPRESENTATIONS[name]
    matrix = own.decode(torch.tensor(numbers[: own.dimension], dtype=torch.float64))
    assert orthogonality_error(matrix) < 1e-6
    assert torch.linalg.det(matrix) > 0


@pytest.mark.parametrize("name", [n for n, own in REPRESENTATIONS.items() if own.lift])
def test_lifts_are_unit_quaternions_above_the_decoded_rotation_and_have_no_jump(name):
    own = REPRESENTATIONS[name]
    ends = normal(2, 50, own.dimension)
    share = torch.linspace(0, 1, 2000, dtype=torch.float64)[:, None, None]
    codes = ends[0] + share * (ends[1] - ends[0])
    lifted = own.lift(codes)
    assert (lifted.norm(dim=-1) - 1).abs().max() < 1e-12
    assert (quaternion_to_matrix(lifted) - own.decode(codes)).abs().max() < 1e-12
    assert ((lifted[1:] * lifted[:-1]).sum(-1) > 0.5).all()


def test_six_d_and_five_d_are_continuous_where_the_others_jump():
    axes = torch.nn.functional.normalize(normal(2, 2000, 3), dim=-1)
    angle = 1e-4
    near = rotation_vector_to_matrix(axes[0] * (math.pi - angle / 2))
    across = rotation_vector_to_matrix(axes[0] * angle) @ near
    sideways = rotation_vector_to_matrix(axes[1] * angle) @ near
    assert (rotation_angle(across @ near.transpose(1, 2)) - angle).abs().max() < 1e-9
    both, far = near.repeat(2, 1, 1), torch.cat([across, sideways])
    index = {name: discontinuity_index(own, both, far, angle) for name, own in REPRESENTATIONS.items()}
    assert index["6d"] == pytest.approx(math.sqrt(2), abs=2e-3)
    assert index["5d"] < 5
    assert index["quaternion"] == pytest.approx(2e4, rel=1e-3)
    assert index["rodrigues"] == pytest.approx(math.pi * 1e4, rel=1e-2)  # half of the rotation vector's 2 pi / 1e-4
    for name, own in REPRESENTATIONS.items():
        assert (index[name] < 5) == own.is_continuous, name
