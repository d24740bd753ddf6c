"""Motion files against scipy, hand-made skeletons with known poses, and round trips."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from workbench.sdk import UserError
from workbench.toolkit.motion import (
    Motion,
    Skeleton,
    euler_rotation,
    forward_kinematics,
    load_motion,
    write_bvh,
    zxy_angles,
)

BVH = """HIERARCHY
ROOT hip
{
  OFFSET 0 0 0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Yrotation Xrotation
  JOINT arm
  {
    OFFSET 10 0 0
    CHANNELS 3 Zrotation Xrotation Yrotation
    End Site
    {
      OFFSET 5 0 0
    }
  }
}
MOTION
Frames: 2
Frame Time: 0.0166667
0 100 0 90 0 0 0 0 0
1 2 3 10 20 30 40 50 60
"""
ASF = """:version 1.10
:units
  mass 1.0
  length 0.45
  angle deg
:root
  order TX TY TZ RX RY RZ
  axis XYZ
  position 0 0 0
  orientation 0 0 0
:bonedata
  begin
    id 1
    name hipjoint
    direction 1 0 0
    length 0.45
    axis 0 0 0 XYZ
  end
  begin
    id 2
    name femur
    direction 0 -1 0
    length 0.9
    axis 0 0 20 XYZ
    dof rx ry rz
    limits (-160 20) (-70 70) (-60 70)
  end
  begin
    id 3
    name tibia
    direction 0 -1 0
    length 0.45
    axis 0 0 20 XYZ
    dof rx
  end
:hierarchy
  begin
    root hipjoint
    hipjoint femur
    femur tibia
  end
"""
AMC = """#!OML:ASF F:x
:FULLY-SPECIFIED
:DEGREES
1
root 0.45 0 0 0 0 0
femur 0 0 0
tibia 0
2
root 0 0 0 0 90 0
femur 30 10 -20
tibia 45
"""


def save(folder, name, text):
    path = folder / name
    path.write_text(text)
    return path


def test_bvh_reads_metres_per_joint_orders_and_end_sites(tmp_path):
    motion = load_motion(save(tmp_path, "a.bvh", BVH))
    assert motion.skeleton.names == ("hip", "arm", "arm_end")
    assert list(motion.skeleton.parents) == [-1, 0, 1]
    assert motion.skeleton.is_end_site.tolist() == [False, False, True]
    assert np.allclose(motion.skeleton.offsets, [[0, 0, 0], [0.1, 0, 0], [0.05, 0, 0]])
    assert np.allclose(motion.root_positions, [[0, 1, 0], [0.01, 0.02, 0.03]])
    root = Rotation.from_euler("ZYX", [10, 20, 30], degrees=True).as_matrix()
    arm = Rotation.from_euler("ZXY", [40, 50, 60], degrees=True).as_matrix()
    assert np.allclose(motion.rotations[1, 0], root, atol=1e-12)
    assert np.allclose(motion.rotations[1, 1], arm, atol=1e-12)
    positions = forward_kinematics(motion.skeleton, motion.rotations)
    assert np.allclose(positions[0], [[0, 0, 0], [0, 0.1, 0], [0, 0.15, 0]], atol=1e-12)


def test_acclaim_turns_bones_by_c_m_c_inverse_and_folds_rigid_bones_into_offsets(tmp_path):
    save(tmp_path, "body.asf", ASF)
    motion = load_motion(save(tmp_path, "walk.amc", AMC))
    skeleton = motion.skeleton
    assert skeleton.names == ("root", "femur", "tibia", "tibia_end")
    inch = 0.0254
    assert np.allclose(skeleton.offsets, np.array([[0, 0, 0], [1, 0, 0], [0, -2, 0], [0, -1, 0]]) * inch)
    assert np.allclose(motion.root_positions[0], [inch, 0, 0])
    c = Rotation.from_euler("xyz", [0, 0, 20], degrees=True).as_matrix()
    m = Rotation.from_euler("xyz", [30, 10, -20], degrees=True).as_matrix()  # lower case: fixed axes
    assert np.allclose(motion.rotations[1, 1], c @ m @ c.T, atol=1e-12)
    positions = forward_kinematics(skeleton, motion.rotations)
    assert np.allclose(positions[0, 3], np.array([1, -3, 0]) * inch)
    root = Rotation.from_euler("xyz", [0, 90, 0], degrees=True).as_matrix()
    expected = root @ (np.array([1, 0, 0]) * inch) + root @ c @ m @ c.T @ (np.array([0, -2, 0]) * inch)
    assert np.allclose(positions[1, 2], expected)


@pytest.mark.parametrize("order", ["XYZ", "ZXY", "YZX", "XY", "Z"])
def test_euler_products_agree_with_scipy(order):
    angles = np.random.default_rng(0).uniform(-3, 3, (50, len(order)))
    assert np.abs(euler_rotation(order, angles) - Rotation.from_euler(order, angles).as_matrix()).max() < 1e-14


def test_zxy_angles_reproduce_the_matrix_also_at_gimbal_lock():
    matrices = Rotation.random(500, random_state=0).as_matrix()
    locked = Rotation.from_euler("ZXY", [[20, 90, 30], [20, -90, 30]], degrees=True).as_matrix()
    for matrix in (matrices, locked):
        assert np.abs(euler_rotation("ZXY", zxy_angles(matrix)) - matrix).max() < 1e-7


def test_a_written_bvh_reads_back_as_the_same_motion(tmp_path):
    skeleton = Skeleton(
        ("root", "spine", "head", "arm", "hand_end"), np.array([-1, 0, 1, 1, 3]),
        np.random.default_rng(1).normal(size=(5, 3)) * np.array([[0], [1], [1], [1], [1]]),
        np.array([False, False, False, False, True]),
    )  # fmt: skip
    rotations = Rotation.random(5 * 4, random_state=1).as_matrix().reshape(4, 5, 3, 3)
    rotations[:, 4] = np.eye(3)
    motion = Motion(skeleton, rotations, np.random.default_rng(2).normal(size=(4, 3)), 0.02)
    write_bvh(tmp_path / "out.bvh", motion)
    again = load_motion(tmp_path / "out.bvh")
    assert again.skeleton.names[:4] == skeleton.names[:4]
    assert np.array_equal(again.skeleton.parents, skeleton.parents)
    assert np.abs(again.skeleton.offsets - skeleton.offsets).max() < 1e-7
    assert np.abs(again.root_positions - motion.root_positions).max() < 1e-7
    positions = forward_kinematics(skeleton, rotations), forward_kinematics(again.skeleton, again.rotations)
    assert np.abs(positions[0] - positions[1]).max() < 1e-6
    assert again.frame_time == pytest.approx(0.02)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("Xrotation Yrotation\n", "Wrotation Yrotation\n", "line 9"),
        ("Frames: 2", "Frames: 1", "line 17"),
        ("Frames: 2", "Frames: 3", "2 of the 3"),
        ("40 50 60", "40 50", "line 20"),
        ("40 50 60", "40 nan 60", "line 20"),
        ("40 50 60", "40 x 60", "line 20"),
        ("OFFSET 10 0 0", "OFFSET 10 zero 0", "line 8"),
        ("HIERARCHY", "HIERARCH", "line 1"),
        ("Frames: 2", "Frames: 99999999999", "line 17"),
        ("JOINT arm", "JOINT", "line 8"),
        (BVH[BVH.index("  JOINT") :], "", "ends where"),
    ],
)
def test_a_damaged_bvh_is_refused_naming_file_and_line(tmp_path, old, new, said):
    assert old in BVH
    with pytest.raises(UserError) as refused:
        load_motion(save(tmp_path, "bad.bvh", BVH.replace(old, new)))
    assert "bad.bvh" in str(refused.value)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("tibia 45\n", "", "tibia"),
        ("tibia 45", "tibia x", "line 11"),
        ("femur 30 10 -20", "femur 30 10", "line 10"),
        ("femur 30", "humerus 30", "humerus"),
        ("2\nroot 0 0 0 0 90 0\nfemur 30 10 -20\ntibia 45\n", "", "2 frames"),
    ],
)
def test_a_damaged_amc_is_refused_naming_file_and_line(tmp_path, old, new, said):
    assert old in AMC
    save(tmp_path, "body.asf", ASF)
    with pytest.raises(UserError) as refused:
        load_motion(save(tmp_path, "bad.amc", AMC.replace(old, new)))
    assert "bad.amc" in str(refused.value)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("axis 0 0 0 XYZ", "axis 0 0 0 XXZ", "XXZ"),
        ("femur tibia", "femur shin", "shin"),
        ("dof rx ry rz", "dof rx qq", "qq"),
        ("length 0.9", "length long", "length"),
        (":hierarchy", ":nothing", "hierarchy"),
    ],
)
def test_a_damaged_asf_is_refused_naming_file_and_line(tmp_path, old, new, said):
    assert old in ASF
    save(tmp_path, "bad.asf", ASF.replace(old, new))
    with pytest.raises(UserError) as refused:
        load_motion(save(tmp_path, "bad.amc", AMC))
    assert "bad.asf" in str(refused.value)
    assert said in str(refused.value)


def test_an_amc_without_its_skeleton_says_what_to_do(tmp_path):
    with pytest.raises(UserError, match="needs its skeleton"):
        load_motion(save(tmp_path, "walk.amc", AMC))
    with pytest.raises(UserError, match="not a motion file"):
        load_motion(save(tmp_path, "walk.c3d", AMC))


@settings(max_examples=150, deadline=None)
@given(
    cut=st.integers(0, len(BVH)), junk=st.text(alphabet="{}0123456789 \nabcXYZ.-", max_size=20), is_bvh=st.booleans()
)
def test_whatever_stands_in_a_motion_file_only_a_user_error_comes_out(tmp_path_factory, cut, junk, is_bvh):
    folder = tmp_path_factory.mktemp("fuzz")
    if is_bvh:
        path = save(folder, "x.bvh", BVH[:cut] + junk + BVH[cut:])
    else:
        save(folder, "x.asf", ASF[:cut] + junk + ASF[cut:])
        path = save(folder, "x.amc", AMC)
    try:
        motion = load_motion(path)
    except UserError:
        return
    assert np.isfinite(motion.rotations).all()
