"""MgNO's data: files of pairs, meshes and flows, finer truths, and roll-outs with several frames in and out."""

from pathlib import Path

import numpy as np
import pytest
import torch

from plugins.mgno.data import draw_coefficient
from plugins.mgno.experiments.fields import Fields
from plugins.mgno.experiments.rollout import Rollout
from tests.support.experiments import answer_of, steps_of
from workbench.compute.building import build, prepared
from workbench.sdk import Progress, UserError

SMALL = {
    Fields: {"n": 16, "train": 8, "test": 8, "channels": 4, "layers": 2, "levels": 3, "batch": 4, "steps": 10,
             "evaluate_every": 5, "fno_width": 4, "fno_modes": 3, "unet_width": 2, "dil_channels": 4,
             "models": ("mgno", "fno", "unet", "dilresnet")},
    Rollout: {"n": 16, "trajectories": 8, "test": 4, "frames": 2, "channels": 4, "layers": 2, "levels": 3, "batch": 4,
              "steps": 10, "evaluate_every": 5, "models": ("mgno", "fno"), "fno_width": 4, "fno_modes": 3},
}  # fmt: skip
COEFFICIENT = np.where(np.random.default_rng(0).random((16, 16)) > 0.5, 12.0, 2.0)


def started(kind, **changes):
    return prepared(build(kind, SMALL[kind] | changes))


DARCY = Path(__file__).parents[3] / "shared" / "data" / "darcy"


def test_files_train_and_say_what_they_cannot_do(tmp_path):
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "set.npz", x=rng.random((12, 16, 16)), y=rng.random((12, 16, 16)))
    own = started(Fields, dataset="file", path=str(tmp_path / "set.npz"), models=("mgno", "fno"))
    assert np.isfinite(steps_of(own)[-1]["test/mgno"])
    for action in (lambda: own.solve(COEFFICIENT), lambda: own.draw(0, 3.0), lambda: answer_of(own.resolutions())):
        with pytest.raises(UserError, match="file"):
            action()
    with pytest.raises(UserError, match="Choose a file"):
        started(Fields, dataset="file")


@pytest.mark.skipif(not DARCY.exists(), reason="the real Darcy files lie beside a developer's checkout only")
def test_the_real_darcy_files_are_read():
    own = started(Fields, dataset="file", path=str(DARCY / "darcy_train_16.npz"), train=20, test=10, models=("mgno",))
    assert own.frame().errors.shape == (1, 10)


def test_flows_of_a_file_train_and_only_single_frames_go_on_without_a_solver(tmp_path):
    flows = np.random.default_rng(0).standard_normal((8, 16, 16, 5))
    np.save(tmp_path / "flows.npy", flows)
    own = started(Rollout, dataset="file", path=str(tmp_path / "flows.npy"), frames=20, n=64)
    assert own.frame().truth.shape == (5, 16, 16)
    assert np.allclose(own.frame().truth, np.moveaxis(flows[6], -1, 0), atol=1e-6)  # a quarter is kept to test on
    assert np.isfinite(steps_of(own)[-1]["rollout/fno"])
    painted = np.random.default_rng(1).standard_normal((16, 16))
    with torch.no_grad():
        shown = answer_of(own.continue_from(painted))
    assert np.isnan(shown.truth[1:]).all()
    assert np.isfinite(shown.predictions).all()
    two = started(Rollout, dataset="file", path=str(tmp_path / "flows.npy"), history=2)
    with pytest.raises(UserError, match="read 2 frames"):
        answer_of(two.continue_from(painted))
    with pytest.raises(UserError, match="need flows of 6 frames; these have 5"):
        started(Rollout, dataset="file", path=str(tmp_path / "flows.npy"), frames=20, history=3, unroll=3)
    with pytest.raises(UserError, match="Choose a file of flows"):
        started(Rollout, dataset="file")


def test_a_mesh_is_read_by_every_model_and_its_problems_are_answered_as_wholes(tmp_path):
    rng = np.random.default_rng(0)
    for part, values in (
        ("X", rng.random((12, 17, 17))),
        ("Y", rng.random((12, 17, 17))),
        ("Q", rng.random((12, 2, 17, 17))),
    ):
        np.save(tmp_path / f"Pipe_{part}.npy", values)
    own = started(Fields, dataset="pipe", path=str(tmp_path / "Pipe_Q.npy"), loss="l2", scaling="released")
    assert np.isfinite(steps_of(own)[-1]["test/mgno"])
    shown = own.case(1)
    with torch.no_grad():
        again = own.predict(shown.input)
    assert np.array_equal(again.predictions, shown.predictions)
    assert own.receptive(shown.input, 3, 4).shape == (16, 16)
    assert own.cycle(shown.input).channels > 0
    with pytest.raises(UserError, match="mesh cannot be painted"):
        own.predict(COEFFICIENT)


def test_a_finer_truth_is_the_same_problem_solved_better_and_thinned():
    """Every third point of pictures solved on three times the grid: they differ by the coarse grid's error."""
    coarse, fine = (started(Fields, models=("fno",), dataset="darcy_smooth", tau=2.0, high=3.0, low=3.0, refine=refine)
                    for refine in (1, 3))  # fmt: skip
    assert fine._train.inputs.shape == coarse._train.inputs.shape
    a, b = (own._train.outputs[0, 0].numpy() for own in (coarse, fine))
    off = np.abs(a - b).max() / np.abs(b).max()
    assert 1e-4 < off < 0.05
    again = started(Fields, models=("fno",), refine=3)
    whole = draw_coefficient(again.parameters, 48, 0)
    assert np.array_equal(again._train.inputs[0, 0].numpy(), whole[1::3, 1::3].astype(np.float32))


def test_flows_on_finer_grids_are_thinned_and_eulers_are_near_heuns():
    flows = {}
    for name, changes in (("coarse", {}), ("fine", {"refine": 2}), ("euler", {"scheme": "euler"})):
        own = started(Rollout, models=("fno",), viscosity=0.02, time_step=2e-3, frames=2, trajectories=8, **changes)
        flows[name] = own._train.numpy()
    assert flows["fine"].shape == flows["coarse"].shape
    assert np.abs(flows["euler"] - flows["coarse"]).max() < 0.01 * np.abs(flows["coarse"]).max()
    assert not np.array_equal(flows["euler"], flows["coarse"])


def test_a_batch_of_one_trains_what_can_be_trained_with_it():
    own = started(Fields, batch=1, models=("mgno", "fno", "dilresnet"))
    assert np.isfinite(steps_of(own)[-1]["test/mgno"])
    assert np.isfinite(steps_of(started(Fields, batch=1, n=32, models=("unet",)))[-1]["test/unet"])


def test_the_input_is_scaled_as_asked():
    for scaling, mean in (("global", 0.0), ("none", None), ("released", None)):
        own = started(Fields, models=("fno",), scaling=scaling)
        encoded = own._encode.encode(own._train.inputs)
        expected = float(own._train.inputs.mean()) if mean is None else mean
        assert float(encoded.mean()) == pytest.approx(expected, abs=1e-4)


def test_frames_in_and_out_are_the_last_true_ones_and_the_models_own():
    """One step from true frames, and a roll-out that feeds answers back, against a loop written out."""
    own = started(Rollout, frames=5, history=2, unroll=3, models=("mgno",))
    assert own._starts == 2
    steps_of(own)
    network, test = own.networks[0], own._test
    with torch.no_grad():
        frames = [test[:, 0], test[:, 1]]
        for _ in range(4):
            frames.append(network(torch.stack(frames[-2:], 1))[:, 0])
        single = torch.stack([
            (network(test[:, t - 2 : t])[:, 0] - test[:, t]).flatten(1).norm(dim=1) / test[:, t].flatten(1).norm(dim=1)
            for t in range(2, 6)
        ])  # fmt: skip
    shown = own.frame()
    assert np.allclose(shown.predictions[0], torch.stack(frames, 1)[0].numpy(), atol=1e-5)
    assert shown.one_step[0] == pytest.approx(float(single.mean()), rel=1e-5)
    assert (shown.errors[0, :2] == 0).all()
    assert shown.given == 2


def test_the_loss_of_a_roll_out_goes_through_all_its_steps():
    """With one window for each flow and a batch of one, the loss is the mean error of the frames that follow."""
    own = started(Rollout, frames=3, history=2, unroll=2, models=("fno",), batch=1, steps=10)
    before = {name: value.clone() for name, value in own.networks[0].state_dict().items()}
    said = next(said for said in own.run() if not isinstance(said, Progress))
    after = own.networks[0].state_dict()
    assert any(not torch.equal(before[name], after[name]) for name in before)
    own.networks[0].load_state_dict(before)
    losses = []
    with torch.no_grad():
        for flow in own._train:
            frames = [flow[0], flow[1]]
            for _ in range(2):
                frames.append(own.networks[0](torch.stack(frames[-2:])[None])[0, 0])
            losses.append(np.mean([float((frames[t] - flow[t]).norm() / flow[t].norm()) for t in (2, 3)]))
    assert min(abs(float(said["loss/fno"]) - loss) for loss in losses) < 1e-5
