"""Generated shapes, poses and kinematics against closed forms, and the loss against finite differences."""

import math

import numpy as np
import pytest
import torch

from plugins.rotation_continuity import data
from plugins.rotation_continuity.experiments.common import sample_rotations
from plugins.rotation_continuity.kinematics import ForwardKinematics, chain_to, reach
from workbench.sdk import Progress, UserError
from workbench.toolkit.motion import axis_rotation, forward_kinematics
from workbench.toolkit.point_clouds import symmetry_ratio
from workbench.toolkit.rotations import haar_rotations, rotation_angle, rotation_vector_to_matrix


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_tripods_are_three_segments_of_the_lengths_asked_for():
    clouds = data.tripods(200, 48, 0.0, generator())
    assert clouds.shape == (200, 48, 3)
    assert ((clouds != 0).sum(-1) <= 1).all()
    longest = clouds.amax((0, 1))
    for length, found in zip(data.TRIPOD_LENGTHS, longest, strict=True):
        assert 1.0 * length < float(found) <= 1.15 * length
    assert clouds.min() >= 0
    noisy = data.tripods(200, 48, 0.05, generator()) - clouds
    assert float(noisy.std()) == pytest.approx(0.05, rel=0.03)


def test_aeroplanes_are_centred_unit_shapes_symmetric_left_to_right_only():
    shapes = [data.plane(20_000, np.random.default_rng(seed)) for seed in range(3)]
    for shape in shapes:
        assert np.abs(shape.mean(0)).max() < 1e-12
        assert np.linalg.norm(shape, axis=1).max() == pytest.approx(1)
        assert abs((shape[:, 1] ** 3).mean()) < 0.003  # left and right alike
        assert shape[:, 2].max() > 1.5 * -shape[:, 2].min()  # the fin points up
    assert data.most_symmetric(np.stack(shapes)) in (0.0, max(symmetry_ratio(shape) for shape in shapes))
    assert not np.allclose(shapes[0], shapes[1])


def test_a_round_shape_is_reported_as_nearly_symmetric():
    ball = np.random.default_rng(0).normal(size=(2000, 3))
    assert data.most_symmetric(ball[None]) > data.NEARLY_SYMMETRIC
    assert data.most_symmetric((ball * (3, 2, 1))[None]) == 0


def test_a_file_or_its_whole_folder_becomes_clouds(tmp_path):
    for name in ("a.npy", "b.npy"):
        np.save(tmp_path / name, np.random.default_rng(0).normal(size=(100, 3)))

    def clouds_of(path, whole):
        made = data.file_library(path, whole, np.random.default_rng(0))
        return next(said for said in made if not isinstance(said, Progress))

    assert clouds_of(tmp_path / "a.npy", False).shape == (1, data.FILE_POINTS, 3)
    assert clouds_of(tmp_path / "a.npy", True).shape[0] == 2
    assert clouds_of(tmp_path, False).shape[0] == 2
    with pytest.raises(UserError, match="not there"):
        clouds_of(tmp_path / "c.npy", False)


def test_skeleton_has_21_joints_with_mirrored_limbs():
    skeleton = data.default_skeleton()
    assert len(skeleton) == 21
    assert [skeleton.names[i] for i in skeleton.root_children] == ["abdomen", "rThigh", "lThigh"]
    names = list(skeleton.names)
    for name in names:
        if name.startswith("r"):
            mirrored = skeleton.offsets[names.index("l" + name[1:])]
            assert np.allclose(skeleton.offsets[names.index(name)] * (-1, 1, 1), mirrored)
    height = forward_kinematics(skeleton, np.broadcast_to(np.eye(3), (1, 21, 3, 3)).copy())[0]
    assert np.ptp(height[:, 1]) == pytest.approx(1.45, abs=0.1)


def test_identity_rotations_give_cumulative_offsets_and_the_root_turns_everything():
    skeleton = data.default_skeleton()
    kinematics = ForwardKinematics(skeleton, torch.device("cpu"), torch.float64)
    still = torch.eye(3, dtype=torch.float64).expand(1, 21, 3, 3).clone()
    positions = kinematics(still)[0]
    for joint, parent in enumerate(skeleton.parents):
        expected = 0 if parent < 0 else positions[parent] + torch.from_numpy(skeleton.offsets[joint])
        assert torch.allclose(positions[joint], expected + torch.zeros(3, dtype=torch.float64))
    turned = still.clone()
    turned[0, 0] = haar_rotations(1, generator=generator(), dtype=torch.float64)[0]
    assert torch.allclose(kinematics(turned)[0], positions @ turned[0, 0].T)


def test_batched_kinematics_agree_with_the_recursion_joint_by_joint():
    skeleton = data.default_skeleton()
    poses = haar_rotations(2 * 5 * 21, generator=generator(), dtype=torch.float64).view(2, 5, 21, 3, 3)
    batched = ForwardKinematics(skeleton, torch.device("cpu"), torch.float64)(poses)
    plain = forward_kinematics(skeleton, poses.flatten(0, 1).numpy())
    assert np.abs(batched.flatten(0, 1).numpy() - plain).max() < 1e-12


def test_gradient_of_the_position_loss_agrees_with_finite_differences():
    kinematics = ForwardKinematics(data.default_skeleton(), torch.device("cpu"), torch.float64)
    target = kinematics(data.random_poses(1, generator()).double())
    start = 0.3 * torch.randn(21, 3, generator=generator(1), dtype=torch.float64)

    def loss(vectors):
        return (kinematics(rotation_vector_to_matrix(vectors)[None]) - target).square().mean()

    vectors = start.clone().requires_grad_()
    loss(vectors).backward()
    for joint, axis in [(0, 0), (2, 1), (6, 2), (14, 0)]:
        step = torch.zeros_like(start)
        step[joint, axis] = 1e-5
        difference = float(loss(start + step) - loss(start - step)) / 2e-5
        assert float(vectors.grad[joint, axis]) == pytest.approx(difference, abs=1e-8, rel=1e-5)


def test_random_poses_swing_limbs_more_than_the_trunk_and_turn_all_around():
    poses = data.random_poses(4000, generator())
    names = data.default_skeleton().names
    angles = rotation_angle(poses).square().mean(0).sqrt()
    for joint, name in enumerate(names):
        expected = math.sqrt(3) * (0.6 if name in data.SWINGING else 0.25)
        assert float(angles[joint]) == pytest.approx(expected, rel=0.12)
    facing = data.turned(poses, 360.0, generator(1))[:, 0, :, 2]
    assert facing[:, [0, 2]].mean(0).abs().max() < 0.05
    front = data.turned(poses, 0.0, generator(1))
    assert torch.equal(front, poses)
    clip = data.turned(poses[:10], 360.0, generator(2), together=True)
    turns = clip[:, 0] @ poses[:10, 0].transpose(1, 2)
    assert (turns - turns[0]).abs().max() < 1e-5


def test_the_walk_is_periodic_and_its_feet_swing_against_each_other():
    kinematics = ForwardKinematics(data.default_skeleton(), torch.device("cpu"), torch.float64)
    phase = torch.linspace(0, 2 * math.pi, 61, dtype=torch.float64)
    positions = kinematics(data.walk_poses(phase))
    assert (positions[0] - positions[-1]).abs().max() < 1e-9
    names = data.default_skeleton().names
    right, left = (positions[:-1, names.index(f"{side}Foot"), 2] for side in "rl")
    assert float(torch.corrcoef(torch.stack([right, left]))[0, 1]) < -0.9
    assert float(right.max() - right.min()) > 0.3
    hands = positions[:, [names.index("rHand"), names.index("lHand")], 1]
    assert (hands < 0.2).all()  # the arms hang


def test_reaching_brings_the_hand_to_the_target_and_moves_no_leg():
    skeleton = data.default_skeleton()
    start = np.broadcast_to(np.eye(3), (21, 3, 3)).copy()
    before = forward_kinematics(skeleton, start[None])[0]
    hand, names = 8, list(skeleton.names)
    assert [names[j] for j in chain_to(skeleton, hand)] == ["rForeArm", "rShldr", "rCollar", "chest"]
    target = before[hand] + (0.25, 0.3, 0.2)
    posed = reach(skeleton, start, hand, target)
    after = forward_kinematics(skeleton, posed[None])[0]
    assert np.linalg.norm(after[hand] - target) < 0.01
    legs = [names.index(name) for name in names if name[1:] in ("Thigh", "Shin", "Foot", "Toe")]
    assert np.allclose(after[legs], before[legs])
    assert np.abs(posed.transpose(0, 2, 1) @ posed - np.eye(3)).max() < 1e-9
    bones = np.linalg.norm(after[1:] - after[skeleton.parents[1:]], axis=1)
    assert np.allclose(bones, np.linalg.norm(skeleton.offsets[1:], axis=1))


def test_reaching_for_what_is_too_far_stretches_towards_it():
    skeleton = data.default_skeleton()
    start = np.broadcast_to(np.eye(3), (21, 3, 3)).copy()
    posed = reach(skeleton, start, 16, np.array([0.0, -0.5, 5.0]))
    assert forward_kinematics(skeleton, posed[None])[0][16, 2] > 0.5
    assert np.isfinite(posed).all()


def test_samplers_have_their_mean_angles():
    degrees = {
        kind: float(torch.rad2deg(rotation_angle(sample_rotations(kind, 60.0, 20_000, generator()))).mean())
        for kind in ("haar", "uniform_angle", "capped")
    }
    assert degrees["haar"] == pytest.approx(126.476, abs=0.8)
    assert degrees["uniform_angle"] == pytest.approx(90, abs=1)
    assert 40 < degrees["capped"] < 50


def test_a_turned_pose_faces_the_other_way():
    quarter = axis_rotation("Y", np.array(np.pi / 2))
    assert np.allclose(quarter @ (0, 0, 1), (1, 0, 0))
