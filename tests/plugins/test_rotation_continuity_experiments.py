"""The six experiments: they learn, resume bit for bit, are not disturbed by watching, and export."""

import csv
import itertools
import json

import numpy as np
import pytest
import torch

from plugins.rotation_continuity import claims
from plugins.rotation_continuity.contract import (
    CloudsParameters,
    ContinuityParameters,
    KinematicsParameters,
    SanityParameters,
    SpecialOrthogonalParameters,
    TearParameters,
)
from plugins.rotation_continuity.evaluation import Evaluation
from plugins.rotation_continuity.experiments.clouds import Clouds
from plugins.rotation_continuity.experiments.continuity import Continuity
from plugins.rotation_continuity.experiments.kinematics import Kinematics
from plugins.rotation_continuity.experiments.sanity import Sanity
from plugins.rotation_continuity.experiments.special_orthogonal import SpecialOrthogonal
from plugins.rotation_continuity.experiments.tears import Tears
from plugins.rotation_continuity.representations import REPRESENTATIONS
from workbench.compute.building import build, prepared
from workbench.compute.state import capture_state, restore_state
from workbench.sdk import InvalidParameters, Progress, UserError, actions_of, claims_of
from workbench.toolkit.motion import Motion, load_motion, write_bvh
from workbench.toolkit.point_clouds import load_cloud
from workbench.toolkit.rotations import haar_rotations

SMALL = {
    Sanity: {"steps": 12, "width": 16, "batch": 16, "evaluate_every": 5, "test_rotations": 500, "seeds": 2},
    Clouds: {"steps": 12, "points": 16, "clouds": 4, "evaluate_every": 5, "test_clouds": 10, "test_rotations": 5},
    Kinematics: {"steps": 12, "width": 16, "batch": 8, "evaluate_every": 5, "test_poses": 100, "seeds": 2},
    Tears: {"steps": 12, "width": 16, "batch": 16, "evaluate_every": 5, "axes": 10, "samples": 256},
    SpecialOrthogonal: {"steps": 12, "width": 16, "batch": 16, "evaluate_every": 5, "test_rotations": 500, "seeds": 2},
    Continuity: {"samples": 90, "pace": 0.0},
}
EVERY = pytest.mark.parametrize("kind", SMALL, ids=lambda kind: kind.__name__)


def started(kind, seed=0, **changes):
    return prepared(build(kind, SMALL[kind] | changes, seed=seed))


def rows(experiment, limit=None):
    metrics = ({k: float(v) for k, v in m.items()} for m in experiment.run() if not isinstance(m, Progress))
    return list(itertools.islice(metrics, limit))


@torch.no_grad()
def drawn(experiment):
    return experiment.frame()


@EVERY
def test_a_run_that_is_watched_gives_the_same_metrics_as_one_that_is_not(kind):
    unwatched = rows(started(kind))
    watched, run = started(kind), []
    for said in watched.run():
        drawn(watched)
        if not isinstance(said, Progress):
            run.append({k: float(v) for k, v in said.items()})
    assert run == unwatched


@EVERY
def test_a_resumed_run_is_the_uninterrupted_run(kind):
    whole = rows(started(kind))
    first = started(kind)
    begun = rows(first, 7)
    state = capture_state(first)
    second = started(kind)
    restore_state(second, state)
    assert begun + rows(second) == whole
    assert drawn(second).step == second.step


@EVERY
def test_the_first_frame_shows_something_and_later_frames_are_plain_arrays(kind):
    experiment = started(kind)
    frame = drawn(experiment)
    assert frame.step == 0
    rows(experiment)
    later = drawn(experiment)
    assert later.step == experiment.step == experiment.total_steps
    assert all(not isinstance(value, torch.Tensor) for value in vars(later).values())
    for value in vars(later).values():
        if isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.size < 1e6:
            assert value.dtype.itemsize <= 8


@pytest.mark.parametrize("kind", [Sanity, Clouds, Kinematics, SpecialOrthogonal], ids=lambda kind: kind.__name__)
def test_the_last_frame_has_seen_the_whole_test_set_and_its_curve_is_sorted(kind):
    experiment = started(kind)
    rows(experiment)
    frame = drawn(experiment)
    sizes = {Sanity: 500, Clouds: 50, Kinematics: 100, SpecialOrthogonal: 500}
    assert frame.tested == sizes[kind]
    assert (np.diff(frame.percentiles, axis=1) >= 0).all()
    assert frame.percentiles[:, -1] == pytest.approx(frame.table[:, 3], rel=1e-6)
    assert frame.worst_errors[:, 0] == pytest.approx(
        [errors[0].max() for errors in experiment.whole_look().errors] if hasattr(experiment, "whole_look")
        else frame.worst_errors[:, 0], rel=1e-6,
    )  # fmt: skip
    assert (np.diff(frame.worst_errors, axis=1) <= 0).all()


def test_numbers_of_a_look_agree_with_numpy():
    errors = np.random.default_rng(0).exponential(20, (2, 3, 400)).astype(np.float32)
    look = Evaluation(5, errors, np.empty(0), np.array([0, 7]))
    table = look.table()
    for row, own in zip(table, errors, strict=True):
        expected = [own.mean(), np.median(own), np.percentile(own, 99), own.max(), own.std(), (own > 90).mean()]
        assert row[:6] == pytest.approx(expected, rel=1e-5)
    assert table[:, 6].tolist() == [0, 7]
    curve, cases = look.curve()
    assert curve[0, 50] == pytest.approx(np.median(errors[0]), rel=0.01)
    for index in range(0, 101, 10):
        assert curve[1, index] in errors[1, :, cases[1, index]]


def test_the_six_d_network_learns_rotations_within_seconds_and_a_quaternion_network_keeps_outliers():
    names = ("6d", "quaternion")
    experiment = prepared(build(Sanity, {"representations": names, "steps": 400, "test_rotations": 5000}))
    rows(experiment)
    table = drawn(experiment).table
    assert table[0, 0] < 3
    assert table[0, 3] < 15
    assert table[1, 3] > 120


def test_the_learning_rate_drops_once_and_follows_live_changes():
    experiment = started(Sanity, drop_fraction=0.5, drop_factor=0.1, learning_rate=1e-3)
    rates = []
    for said in experiment.run():
        if not isinstance(said, Progress):
            rates.append(experiment.optimizer.param_groups[0]["lr"])
    assert rates == pytest.approx([1e-3] * 6 + [1e-4] * 6)
    other = started(Sanity)
    run = other.run()
    next(run)
    other.parameters = other.parameters.changed(learning_rate=0.05)
    next(run)
    assert other.optimizer.param_groups[0]["lr"] == 0.05


def test_a_seed_gives_the_same_network_alone_or_beside_others():
    beside = started(Sanity, seed=0, seeds=2, representations=("euler", "6d"))
    alone = started(Sanity, seed=1, seeds=1, representations=("6d",))
    together, single = rows(beside), rows(alone)
    assert [row["loss/6d/2"] for row in together] == pytest.approx([row["loss/6d"] for row in single], rel=1e-4)


@pytest.mark.parametrize("loss", ["l2", "geodesic"])
def test_both_losses_train_without_nan_at_zero_error(loss):
    own = started(Sanity, loss=loss, sampler="capped", cap=5.0)
    assert all(np.isfinite(list(row.values())).all() for row in rows(own))


def test_every_representation_can_be_trained_in_every_experiment():
    for kind in (Sanity, Clouds, Kinematics, Tears):
        experiment = started(kind, representations=tuple(REPRESENTATIONS), steps=10)
        last = rows(experiment)[-1]
        assert all(np.isfinite(last[f"loss/{name}"]) for name in REPRESENTATIONS)
        assert np.isfinite(drawn(experiment).percentiles).all()
    own = started(SpecialOrthogonal, representations=("gram_schmidt", "stereographic", "lie", "matrix", "svd"), n=5)
    assert np.isfinite(drawn(own).percentiles).all()
    rows(own)


def test_unconstrained_outputs_are_reported_as_no_rotations():
    names = ("6d", "euler_sin_cos", "matrix")
    frame = drawn(started(Sanity, representations=names))
    assert frame.orthogonality[0] < 1e-5
    assert frame.orthogonality[1] > 0.1
    assert frame.orthogonality[2] > 0.1
    assert np.abs(frame.determinant[0] - 1).max() < 1e-5


def test_asking_a_sanity_network_answers_with_its_errors_and_refuses_nonsense():
    experiment = started(Sanity)
    truth = haar_rotations(1, generator=torch.Generator().manual_seed(3))[0].numpy()
    answer = experiment.rotate(truth)
    cosine = (np.trace(answer.predicted[0] @ truth.T) - 1) / 2
    assert answer.errors[0] == pytest.approx(np.degrees(np.arccos(cosine)), rel=1e-3)
    assert np.array_equal(experiment.case(4).truth, experiment.test_rotations[4].numpy())
    for bad in (np.eye(3) * 2, np.diag([1, 1, -1.0]), np.full((3, 3), np.nan), np.eye(2)):
        with pytest.raises(UserError):
            experiment.rotate(bad)
    with pytest.raises(UserError, match="500"):
        experiment.case(500)


def test_clouds_are_turned_by_their_truth_and_by_what_a_person_asks():
    experiment = started(Clouds, translate=True)
    frame = drawn(experiment)
    shift = frame.second - frame.first @ frame.truth.T
    assert np.abs(shift - shift[0]).max() < 1e-5
    assert np.abs(shift[0]).max() > 1e-3
    quarter = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1.0]])
    answer = experiment.rotate(quarter)
    assert np.abs(answer.second - answer.first @ quarter.T - shift[0]).max() < 1e-5
    assert experiment.shift_errors().shape == (4,)


@pytest.mark.parametrize("shapes", ["planes", "file"])
def test_clouds_of_aeroplanes_and_of_files_train(tmp_path, shapes):
    for index in range(6):
        np.save(tmp_path / f"{index}.npy", np.random.default_rng(index).normal(size=(200, 3)) * (3, 2, 1))
    experiment = started(
        Clouds, shapes=shapes, shape_file=str(tmp_path / "0.npy"), whole_folder=True, rotations=2, steps=10
    )
    assert np.isfinite(rows(experiment)[-1]["loss/6d"])
    assert drawn(experiment).symmetry == 0 or shapes == "planes"
    with pytest.raises(UserError, match="Choose a shape file"):
        build(Clouds, {"shapes": "file"})


def test_a_loaded_motion_is_learned_and_split_and_bad_files_are_refused(tmp_path):
    still = started(Kinematics)
    motion = still._motion
    write_bvh(tmp_path / "walk.bvh", Motion(motion.skeleton, motion.rotations, motion.root_positions, 1 / 60))
    experiment = started(Kinematics, motion_file=str(tmp_path / "walk.bvh"), test_poses=100)
    assert np.isfinite(rows(experiment)[-1]["loss/6d"])
    frame = drawn(experiment)
    assert frame.tested == len(motion) - int(0.8 * len(motion))
    assert frame.joints == motion.skeleton.names
    (tmp_path / "bad.bvh").write_text("HIERARCHY\n")
    with pytest.raises(UserError, match=r"bad\.bvh"):
        build(Kinematics, {"motion_file": str(tmp_path / "bad.bvh")})


def test_reaching_moves_the_joint_and_every_network_answers_with_a_whole_pose():
    experiment = started(Kinematics)
    frame = drawn(experiment)
    target = frame.clip[0, 8] + (0.1, 0.2, 0.1)
    answer = experiment.reach(joint=8, position=target)
    assert np.linalg.norm(answer.truth[8] - target) < 0.02
    assert answer.predicted.shape == (5, 21, 3)
    expected = 100 * np.linalg.norm(answer.predicted[0] - answer.truth, axis=1).mean()
    assert answer.errors[0] == pytest.approx(expected, rel=1e-4)
    higher = target + np.array([0, 0.05, 0])
    again = experiment.reach(joint=8, position=higher, pose=answer.rotations)
    assert np.linalg.norm(again.truth[8] - higher) < 0.02
    for bad in ({"joint": 0, "position": target}, {"joint": 8, "position": [np.nan] * 3}):
        with pytest.raises(UserError):
            experiment.reach(**bad)


def test_the_tear_explorer_takes_networks_that_the_sanity_test_exported(tmp_path):
    sanity = started(Sanity, representations=("6d", "quaternion"))
    rows(sanity)
    sanity.save_artefacts(tmp_path)
    weights = tmp_path / "networks.safetensors"
    tears = started(Tears, weights_file=str(weights), representations=("quaternion", "euler"))
    assert tears.total_steps == 1
    rotations = sanity.test_rotations[:20]
    theirs = tears.network.raw(rotations.flatten(-2)[None])[0, 0, :, :4]
    ours = sanity.network.raw(rotations.flatten(-2).expand(2, -1, -1))[1, 0, :, :4]
    assert torch.allclose(theirs, ours, atol=1e-6)
    rows(tears)
    assert drawn(tears).loop.tear_errors[0].max() > 179.9
    with pytest.raises(UserError, match="none of the chosen"):
        build(Tears, {"weights_file": str(weights), "representations": ("hopf",)})
    config = json.loads((tmp_path / "networks.json").read_text())
    (tmp_path / "networks.json").write_text(json.dumps(config | {"width": 99}))
    with pytest.raises(UserError, match=r"networks\.safetensors"):
        build(Tears, {"weights_file": str(weights)})
    (tmp_path / "networks.json").write_text("[]")
    with pytest.raises(UserError, match=r"networks\.json"):
        build(Tears, {"weights_file": str(weights)})
    (tmp_path / "networks.json").unlink()
    with pytest.raises(UserError, match="needs its configuration"):
        build(Tears, {"weights_file": str(weights)})


def test_loops_and_surfaces_are_answered_on_request():
    tears = started(Tears, representations=("quaternion", "6d"))
    answer = tears.loop_error(axis=np.array([0.0, 1, 1]))
    assert answer.error.shape == (2, 256)
    assert answer.tear_errors[0].max() > 179.9
    final = None
    for said in tears.tear_surface(axes=12):
        final = said
    assert final.torn_loops[0] == 12
    with pytest.raises(UserError, match="axis"):
        tears.loop_error(axis=np.zeros(3))


def test_the_continuity_lab_encodes_walks_and_measures():
    lab = started(Continuity, path="flip")
    last = rows(lab)[-1]
    assert last["jumps/quaternion"] == 1
    assert last["jumps/6d"] == 0
    codes = lab.encode(np.eye(3))
    assert np.allclose(codes.codes[0], [1, 0, 0, 0, 1, 0])
    drawn_path = np.stack([np.eye(3), np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1.0]])])
    answer = lab.encode_path(drawn_path)
    assert answer.travelled[-1] == pytest.approx(90, abs=1e-3)
    assert len(answer.travelled) >= 180
    assert lab.walk(drawn_path) == len(answer.travelled)
    assert lab.step == 0
    assert drawn(lab).path.travelled[-1] == pytest.approx(90, abs=1e-3)
    state = capture_state(lab)
    other = started(Continuity, path="flip")
    restore_state(other, state)
    assert drawn(other).path.travelled[-1] == pytest.approx(90, abs=1e-3)
    assert lab.walk([]) > 200
    index = lab.discontinuity()
    assert index["6d"] < 2
    assert index["quaternion"] > 1000
    assert lab.discontinuity(degrees=60.0)["quaternion"] < 2
    with pytest.raises(UserError, match="2 to"):
        lab.encode_path(np.eye(3)[None])


def test_planar_angle_jumps_once_a_turn_where_its_cosine_and_sine_do_not():
    frame = drawn(started(Continuity, path="turn", samples=300))
    assert (np.abs(np.diff(frame.planar_angle)) > 6).sum() == 1
    assert np.abs(np.diff(frame.planar_point, axis=0)).max() < 0.02


@EVERY
def test_exports_can_be_read_back(tmp_path, kind):
    experiment = started(kind)
    rows(experiment)
    experiment.save_artefacts(tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    for path in tmp_path.glob("*.csv"):
        with path.open(newline="", encoding="utf-8") as file:
            table = list(csv.reader(file))
        assert len({len(row) for row in table}) == 1
        assert len(table) > 1
    for path in tmp_path.glob("*.ply"):
        assert load_cloud(path, 16, np.random.default_rng(0)).shape == (16, 3)
    for path in tmp_path.glob("*.bvh"):
        assert len(load_motion(path)) == len(drawn(experiment).clip)
    wanted = {
        Sanity: {"test_rotations.csv", "table.md", "table.tex", "networks.safetensors", "networks.json"},
        Clouds: {"first.ply", "second.ply", "predicted_6d.ply", "test_rotations.csv", "table.md"},
        Kinematics: {"truth.bvh", "predicted_6d.bvh", "predicted_euler.bvh", "test_poses.csv", "table.tex"},
        Tears: {"tears_quaternion.npy", "networks.safetensors", "tears.csv"},
        SpecialOrthogonal: {"test_rotations.csv", "table.md"},
        Continuity: {"path.csv"},
    }
    assert wanted[kind] <= names
    if "table.md" in names and kind is not SpecialOrthogonal:
        assert "not verified" in (tmp_path / "table.md").read_text()
    if kind is Tears:
        assert np.load(tmp_path / "tears_quaternion.npy").shape[1] == 4


@pytest.mark.parametrize(
    "parameters",
    [
        SanityParameters,
        CloudsParameters,
        KinematicsParameters,
        TearParameters,
        SpecialOrthogonalParameters,
        ContinuityParameters,
    ],
)
def test_presets_are_accepted_and_bad_values_are_refused_by_name(parameters):
    for preset in parameters.presets:
        parameters().changed(**preset.values)
    with pytest.raises(InvalidParameters):
        parameters.checked({"representations": ()})
    with pytest.raises(InvalidParameters, match="representations"):
        parameters.checked({"representations": ("7d",)})


def test_every_claim_names_an_experiment_and_its_actions_have_a_help_text():
    known = claims_of(claims)
    assert {"sanity", "topology", "clouds", "kinematics", "small_angles"} <= set(known)
    assert {info.experiment for info in known.values()} <= {
        "sanity",
        "continuity",
        "clouds",
        "kinematics",
        "tears",
        "son",
    }
    for kind in SMALL:
        assert all(info.help for info in actions_of(kind).values())
