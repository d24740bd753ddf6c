"""Rotations against scipy, closed forms and the laws of a bi-invariant metric."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from scipy.stats import kstest

from workbench.toolkit.rotations import (
    geodesic_distance,
    haar_rotations,
    haar_rotations_within,
    matrix_to_quaternion,
    matrix_to_rotation_vector,
    orthogonality_error,
    quaternion_product,
    quaternion_to_matrix,
    rotation_angle,
    rotation_vector_to_matrix,
    special_orthogonal,
    special_orthogonal_distance,
    trace_angle,
    uniform_angle_rotations,
)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def doubles(count, seed=0):
    return haar_rotations(count, generator=generator(seed), dtype=torch.float64)


def test_conversions_agree_with_scipy():
    matrices = doubles(2000)
    reference = Rotation.from_matrix(matrices.numpy())
    quaternions = reference.as_quat(canonical=True)[:, [3, 0, 1, 2]]
    assert np.abs(matrix_to_quaternion(matrices).numpy() - quaternions).max() < 1e-12
    assert np.abs(matrix_to_rotation_vector(matrices).numpy() - reference.as_rotvec()).max() < 1e-10
    vectors = torch.from_numpy(reference.as_rotvec())
    assert (rotation_vector_to_matrix(vectors) - matrices).abs().max() < 1e-12
    assert (quaternion_to_matrix(torch.from_numpy(quaternions)) - matrices).abs().max() < 1e-14


def test_quaternion_product_composes_rotations():
    a, b = doubles(100, 1), doubles(100, 2)
    product = quaternion_to_matrix(quaternion_product(matrix_to_quaternion(a), matrix_to_quaternion(b)))
    assert (product - a @ b).abs().max() < 1e-14


def test_half_turns_and_the_identity_have_valid_quaternions_and_vectors():
    halves = torch.stack(
        [torch.diag(torch.tensor(d, dtype=torch.float64)) for d in ([1, -1, -1], [-1, 1, -1], [-1, -1, 1])]
    )
    vectors = matrix_to_rotation_vector(halves)
    assert torch.allclose(vectors, math.pi * torch.eye(3, dtype=torch.float64))
    assert (matrix_to_rotation_vector(torch.eye(3)) == 0).all()


@pytest.mark.parametrize("angle", [1e-7, 1e-4, 1.0, math.pi - 1e-4, math.pi - 1e-7, math.pi])
def test_rotation_angle_is_accurate_near_zero_and_near_a_half_turn(angle):
    axis = torch.nn.functional.normalize(torch.tensor([0.3, -0.5, 0.8], dtype=torch.float64), dim=0)
    assert abs(float(rotation_angle(rotation_vector_to_matrix(axis * angle))) - angle) < 1e-9 * max(1, 1 / angle) ** 0.5


def test_geodesic_distance_is_a_bi_invariant_metric():
    a, b, c, q = (doubles(500, seed) for seed in range(4))
    distance = geodesic_distance(a, b)
    for other in (geodesic_distance(b, a), geodesic_distance(q @ a, q @ b), geodesic_distance(a @ q, b @ q)):
        assert (distance - other).abs().max() < 1e-9
    assert (geodesic_distance(a, c) <= distance + geodesic_distance(b, c) + 1e-9).all()
    assert (distance - trace_angle(a, b)).abs().max() < 1e-6


def test_haar_rotations_are_on_average_126_degrees_apart():
    angles = torch.rad2deg(rotation_angle(haar_rotations(200_000, generator=generator())))
    assert abs(float(angles.mean()) - (90 + 360 / math.pi**2)) < 0.25  # four standard errors
    identity = torch.eye(3)
    loss = (haar_rotations(200_000, generator=generator(1)) - identity).square().mean()
    assert abs(float(loss) - 2 / 3) < 0.005


@pytest.mark.parametrize("cap", [20.0, 60.0, 180.0])
def test_capped_rotations_follow_the_conditioned_haar_distribution(cap):
    limit = math.radians(cap)
    angles = rotation_angle(haar_rotations_within(20_000, limit, generator=generator(), dtype=torch.float64)).numpy()
    assert angles.max() <= limit + 1e-9
    assert kstest(angles, lambda t: (t - np.sin(t)) / (limit - math.sin(limit))).pvalue > 1e-3


def test_a_cap_outside_half_a_turn_is_refused():
    with pytest.raises(ValueError, match="angle"):
        haar_rotations_within(1, 4.0, generator=generator())


def test_uniform_angle_rotations_are_not_haar():
    angles = rotation_angle(uniform_angle_rotations(20_000, generator=generator(), dtype=torch.float64)).numpy()
    assert kstest(angles, "uniform", args=(0, math.pi)).pvalue > 1e-3
    assert abs(np.degrees(angles.mean()) - 90) < 1.5


@pytest.mark.parametrize("n", [2, 3, 4, 6])
def test_special_orthogonal_matrices_are_rotations_with_haar_moments(n):
    matrices = special_orthogonal(20_000, n, generator=generator(), dtype=torch.float64)
    assert orthogonality_error(matrices).max() < 1e-13
    assert (torch.linalg.det(matrices) - 1).abs().max() < 1e-12
    assert matrices.mean(0).abs().max() < 0.03  # Haar has mean zero and E[R_ij^2] = 1 / n
    assert (matrices.square().mean(0) - 1 / n).abs().max() < 0.03


def test_distance_in_so3_is_the_geodesic_angle_and_in_so_n_the_norm_of_the_logarithm():
    a, b = doubles(200, 1), doubles(200, 2)
    assert (special_orthogonal_distance(a, b) - geodesic_distance(a, b)).abs().max() < 1e-7
    skew = torch.randn(50, 5, 5, generator=generator(), dtype=torch.float64)
    skew = 0.3 * (skew - skew.transpose(1, 2))
    turned = torch.linalg.matrix_exp(skew)
    expected = torch.linalg.matrix_norm(skew) / math.sqrt(2)
    assert (special_orthogonal_distance(torch.eye(5, dtype=torch.float64), turned) - expected).abs().max() < 1e-6


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-10, 10), min_size=3, max_size=3))
def test_exponential_and_logarithm_are_inverse_up_to_full_turns(vector):
    matrix = rotation_vector_to_matrix(torch.tensor(vector, dtype=torch.float64))
    again = rotation_vector_to_matrix(matrix_to_rotation_vector(matrix))
    assert (matrix - again).abs().max() < 1e-9
    assert (matrix - torch.from_numpy(Rotation.from_rotvec(vector).as_matrix())).abs().max() < 1e-9
