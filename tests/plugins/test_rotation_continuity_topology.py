"""Loops, lifts and tears: the theorem on networks with any weights, and the paths of the continuity lab."""

import math

import numpy as np
import pytest
import torch

from plugins.rotation_continuity.networks import Ensemble, StackedMLP, padded_outputs
from plugins.rotation_continuity.paths import CURVES, encode_path, first_part, path_rotations, resampled
from plugins.rotation_continuity.representations import REPRESENTATIONS
from plugins.rotation_continuity.topology import Loops, loop_answer, sphere_axes, tear_surface
from workbench.sdk import Progress
from workbench.toolkit.rotations import (
    geodesic_distance,
    haar_rotations,
    quaternion_to_matrix,
    rotation_angle,
    rotation_vector_to_matrix,
)

LIFTED = tuple(name for name, own in REPRESENTATIONS.items() if own.lift)


def network(names, seed=0):
    chosen = [REPRESENTATIONS[name] for name in names]
    return Ensemble(StackedMLP(len(names), (9, 32, 32, padded_outputs(chosen))), chosen, (seed,))


def test_a_loop_turns_about_its_axis_and_its_lift_ends_at_minus_its_start():
    axis = torch.tensor([[1.0, 2.0, -2.0]], dtype=torch.float64)
    base = haar_rotations(1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)[0]
    t = torch.linspace(0, 2 * math.pi, 100, dtype=torch.float64)
    lifted = Loops(axis, base).lift(t[None])[0]
    assert torch.allclose(lifted[-1], -lifted[0])
    assert ((lifted[1:] * lifted[:-1]).sum(-1) > 0.99).all()
    expected = rotation_vector_to_matrix(t[:, None] * axis / 3) @ base
    assert (quaternion_to_matrix(lifted) - expected).abs().max() < 1e-12


@pytest.mark.parametrize("seed", [0, 1])
def test_every_network_behind_a_simply_connected_code_is_wrong_by_180_degrees_on_every_loop(seed):
    torch.manual_seed(seed)
    net = network(LIFTED, seed)
    base = haar_rotations(1, generator=torch.Generator().manual_seed(seed))[0]
    answer = loop_answer(net, torch.randn(3), base, 1024)
    for index, name in enumerate(answer.names):
        own = REPRESENTATIONS[name]
        assert len(answer.tears[index]) % 2 == 1, name
        assert answer.tear_errors[index].max() > 179.999, name
        rotations = torch.from_numpy(answer.tear_rotations[index])
        exact = net.double()
        predicted = own.decode(exact.raw(rotations.flatten(-2)[None])[index, 0, :, : own.dimension])
        assert torch.rad2deg(geodesic_distance(predicted, rotations)).max() > 179.999
        net.float()


def test_a_network_that_copies_its_input_has_no_tear_behind_six_d():
    own = REPRESENTATIONS["6d"]
    net = Ensemble(StackedMLP(1, (9, 6)), [own], (0,))
    layer = net.body.layers[0]
    with torch.no_grad():
        layer.bias.zero_()
        layer.weight.zero_()
        for row, entry in enumerate((0, 3, 6, 1, 4, 7)):  # the two columns of a row-major matrix
            layer.weight[0, row, entry] = 1
    answer = loop_answer(net, torch.tensor([0.0, 0, 1]), torch.eye(3), 512)
    assert answer.error.max() < 0.1
    assert len(answer.tears[0]) == 0
    assert np.isnan(answer.lifts).all()


def test_axes_of_the_surface_are_unit_and_spread_over_a_half_sphere():
    axes = sphere_axes(500)
    assert torch.allclose(axes.norm(dim=1), torch.ones(500, dtype=torch.float64))
    assert (axes[:, 2] > 0).all()
    nearest = torch.cdist(axes, axes).fill_diagonal_(9).amin(1)
    assert nearest.min() > 0.6 * nearest.max()


def test_the_tear_surface_meets_every_loop_of_a_quaternion_network_and_none_of_its_points_is_a_small_error():
    net = network(("quaternion", "6d"))
    answers = [said for said in tear_surface(net, sphere_axes(20), torch.eye(3)) if not isinstance(said, Progress)]
    assert [answer.loops for answer in answers] == [8, 16, 20]
    final = answers[-1]
    assert final.torn_loops.tolist() == [20, 0]
    assert len(final.points[0]) >= 20
    assert final.errors[0].min() > 179.9
    assert len(final.points[1]) == 0
    assert (np.linalg.norm(final.points[0], axis=1) <= math.pi + 1e-9).all()


def test_paths_are_walked_in_steps_of_half_a_degree_along_the_same_rotations():
    coarse = path_rotations("tumble", 200)
    fine = resampled(coarse)
    steps = rotation_angle(fine[1:] @ fine[:-1].transpose(-2, -1))
    assert steps.max() < math.radians(0.5) + 1e-9
    distance = geodesic_distance(coarse[:, None], fine[None]).amin(1)
    assert distance.max() < 1e-6
    with pytest.raises(ValueError, match="too long"):
        resampled(haar_rotations(2000, generator=torch.Generator().manual_seed(0), dtype=torch.float64))


@pytest.mark.parametrize("name", CURVES)
def test_six_d_five_d_and_matrices_never_jump_on_any_path(name):
    path = encode_path(list(REPRESENTATIONS.values()), resampled(path_rotations(name, 300)))
    jumps = dict(zip(path.names, path.jumps.sum(1), strict=True))
    assert all(jumps[smooth] == 0 for smooth in ("6d", "5d", "matrix", "svd"))
    if name == "gimbal":
        assert jumps["euler"] == 1
        assert jumps["quaternion"] == jumps["rodrigues"] == 0
    else:
        assert jumps["quaternion"] >= 1
        assert jumps["rodrigues"] >= 1
        assert jumps["euler"] >= 1


def test_a_loop_that_cannot_be_shrunk_makes_quaternions_jump_an_odd_number_of_times_and_others_an_even_one():
    own = [REPRESENTATIONS["quaternion"]]
    for name, parity in (("turn", 1), ("circle", 1), ("wobble", 0)):
        path = encode_path(own, resampled(path_rotations(name, 300)))
        assert path.is_closed
        assert path.jumps.sum() % 2 == parity


def test_a_code_followed_without_jumping_returns_on_loops_that_shrink_and_ends_elsewhere_on_others():
    names = ("6d", "5d", "quaternion", "rodrigues", "euler", "axis_angle")
    own = [REPRESENTATIONS[name] for name in names]
    gaps = {
        name: dict(zip(names, encode_path(own, resampled(path_rotations(name, 300))).gaps, strict=True))
        for name in ("turn", "wobble", "circle")
    }
    for closed in gaps.values():
        assert closed["6d"] < 1e-5
        assert closed["5d"] < 1e-5
        assert np.isnan(closed["axis_angle"])
    for name in ("turn", "circle"):
        assert gaps[name]["quaternion"] == pytest.approx(2, abs=1e-5)  # from q to -q
        assert gaps[name]["rodrigues"] == pytest.approx(math.pi, abs=1e-4)  # half of a full turn
        assert gaps[name]["euler"] == pytest.approx(2 * math.pi, abs=1e-4)
    assert gaps["wobble"]["quaternion"] < 1e-5
    assert gaps["wobble"]["rodrigues"] < 1e-4


def test_speed_is_the_rate_of_the_code_and_gaps_are_measured_on_closed_paths_only():
    own = [REPRESENTATIONS["6d"], REPRESENTATIONS["rodrigues"]]
    path = encode_path(own, resampled(path_rotations("turn", 300)))
    assert path.speed[0, 1:] == pytest.approx(math.sqrt(2), rel=1e-3)
    assert np.median(path.speed[1, 1:]) == pytest.approx(0.5, rel=1e-3)
    assert path.travelled[-1] == pytest.approx(360, abs=1e-3)
    part = first_part(path, 100)
    assert len(part.travelled) == 100
    assert not part.is_closed
    assert np.isnan(part.gaps).all()
