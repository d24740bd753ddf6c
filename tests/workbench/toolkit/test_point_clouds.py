"""Shapes from files: what is read, and one clear sentence for what cannot be."""

import struct
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.sdk import UserError
from workbench.toolkit.point_clouds import (
    centred,
    load_cloud,
    sample_surface,
    shapes_beside,
    symmetry_ratio,
)

SQUARE_OBJ = "v 0 0 0\nv 2 0 0\nv 2 1 0\nv 0 1 0\nf 1/1/1 2/2/2 3 -1\n"
SQUARE_OFF = "OFF4 1 0\n0 0 0\n2 0 0\n2 1 0\n0 1 0\n4 0 1 2 3\n"
PLY_HEAD = (
    "ply\nformat {} 1.0\nelement vertex 4\nproperty float x\nproperty float y\nproperty float z\n"
    "element face 1\nproperty list uchar int vertex_indices\nend_header\n"
)


def rng():
    return np.random.default_rng(0)


def ply(kind):
    head = PLY_HEAD.format(kind)
    corners = [(0, 0, 0), (2, 0, 0), (2, 1, 0), (0, 1, 0)]
    if kind == "ascii":
        return (head + "".join(f"{x} {y} {z}\n" for x, y, z in corners) + "4 0 1 2 3\n").encode()
    order = "<" if "little" in kind else ">"
    return (
        head.encode()
        + b"".join(struct.pack(f"{order}3f", *c) for c in corners)
        + struct.pack(f"{order}B4i", 4, 0, 1, 2, 3)
    )


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("square.obj", SQUARE_OBJ.encode()),
        ("glued.off", SQUARE_OFF.encode()),
        ("square.off", SQUARE_OFF.replace("OFF4", "OFF\n4").encode()),
        ("a.ply", ply("ascii")),
        ("l.ply", ply("binary_little_endian")),
        ("b.ply", ply("binary_big_endian")),
    ],
)
def test_meshes_give_points_spread_evenly_over_their_surface(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    points = load_cloud(tmp_path / name, 20_000, rng())
    assert points.shape == (20_000, 3)
    assert np.abs(points[:, 2]).max() == 0
    assert np.abs(points.mean(0) - (1, 0.5, 0)).max() < 0.02  # uniform on [0, 2] x [0, 1]
    assert np.abs(points.var(0) - (4 / 12, 1 / 12, 0)).max() < 0.01


def test_surface_samples_weight_triangles_by_their_area():
    vertices = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 5], [3, 0, 5], [0, 3, 5.0]])
    points = sample_surface(vertices, np.array([[0, 1, 2], [3, 4, 5]]), 20_000, rng())
    assert abs((points[:, 2] > 4).mean() - 0.9) < 0.01


@pytest.mark.parametrize("name", ["cloud.pts", "cloud.xyz", "cloud.npy"])
def test_clouds_give_distinct_points_of_the_file(tmp_path, name):
    cloud = rng().normal(size=(50, 3))
    path = tmp_path / name
    if name.endswith("npy"):
        np.save(path, cloud)
    else:
        path.write_text("50\n" * name.endswith("pts") + "\n".join(f"{x} {y},{z} 9 9" for x, y, z in cloud) + "\n")
    points = load_cloud(path, 40, rng())
    assert len(np.unique(points, axis=0)) == 40
    nearest = np.linalg.norm(points[:, None] - cloud[None], axis=2).min(1)
    assert nearest.max() < 1e-9
    assert len(load_cloud(path, 80, rng())) == 80


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("few.xyz", "0 0 0\n1 1 1\n", "2 points"),
        ("nan.xyz", "1 2 3\n" * 20 + "nan 0 0\n", "point 21"),
        ("word.xyz", "1 2 3\nx y z\n", "line 2"),
        ("short.xyz", "1 2\n", "line 1"),
        ("flat.xyz", "1 2 3\n" * 20, "no extent"),
        ("bad.npy", "not an array", "bad.npy"),
        ("bad.ply", "ply\nformat ascii 1.0\nelement vertex x\nend_header\n", "bad.ply"),
        ("empty.obj", "", "empty.obj"),
        ("point.obj", "v 0 0 0\nv 1 0 0\nv 2 0 0\nf 1 2 3\n", "no surface"),
        ("what.txt", "1 2 3\n", "expected .obj"),
    ],
)
def test_a_shape_that_cannot_be_used_is_refused_in_one_sentence_naming_the_file(tmp_path, name, content, said):
    (tmp_path / name).write_text(content)
    with pytest.raises(UserError) as refused:
        load_cloud(tmp_path / name, 32, rng())
    assert name in str(refused.value)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_missing_file_and_an_array_of_objects_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"gone\.xyz"):
        load_cloud(tmp_path / "gone.xyz", 32, rng())
    np.save(tmp_path / "o.npy", np.array([{}, {}], dtype=object), allow_pickle=True)
    with pytest.raises(UserError, match=r"o\.npy"):
        load_cloud(tmp_path / "o.npy", 32, rng())


@settings(max_examples=40, deadline=None)
@given(
    content=st.binary(max_size=200), suffix=st.sampled_from([".obj", ".ply", ".off", ".stl", ".pts", ".xyz", ".npy"])
)
def test_whatever_bytes_a_file_holds_only_a_user_error_comes_out(tmp_path_factory, content, suffix):
    path = tmp_path_factory.mktemp("fuzz") / f"x{suffix}"
    path.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            points = load_cloud(path, 16, rng())
        except UserError:
            return
    assert np.isfinite(points).all()


def test_centred_clouds_have_zero_mean_and_unit_radius():
    cloud = centred(rng().normal(size=(100, 3)) * 7 + 3)
    assert np.abs(cloud.mean(0)).max() < 1e-12
    assert np.linalg.norm(cloud, axis=1).max() == pytest.approx(1)


def test_symmetry_ratio_tells_a_ball_from_a_stretched_box():
    ball = rng().normal(size=(5000, 3))
    assert symmetry_ratio(ball) > 0.9
    assert symmetry_ratio(ball * (3, 2, 1)) == pytest.approx(4 / 9, abs=0.05)


def test_all_known_shapes_of_a_folder_are_found(tmp_path):
    for name in ("b.obj", "a.xyz", "note.txt"):
        (tmp_path / name).write_text("")
    assert [path.name for path in shapes_beside(tmp_path / "b.obj")] == ["a.xyz", "b.obj"]
    assert shapes_beside(tmp_path) == shapes_beside(tmp_path / "a.xyz")
