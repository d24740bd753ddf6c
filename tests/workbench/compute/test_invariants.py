"""Watching changes nothing; resumed equals uninterrupted; checkpoints are whole and never executed."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch

from workbench.catalog import load_object
from workbench.compute.building import build, prepared
from workbench.compute.checkpoint import previous_of, read_checkpoint, restore_checkpoint, save_checkpoint
from workbench.compute.checks import assert_resuming_changes_nothing, assert_watching_changes_nothing
from workbench.compute.state import capture_state, restore_state
from workbench.sdk import Experiment, Frame, InvalidParameters, Parameters, UserError


@pytest.fixture
def fit(user_plugins):
    return load_object("workbench_user_plugins.tiny.experiments:Fit")


def test_watching_changes_nothing(fit):
    assert_watching_changes_nothing(fit, {"steps": 40}, actions={"predict": {"x": np.zeros(3)}, "sweep": {"n": 3}})


def test_watching_is_seen_to_change_something_where_it_does(fit):
    """The check itself can fail: an action that draws from the experiment's generators for good is noticed."""

    class Careless(fit):
        def frame(self):
            self.step_noise = getattr(self, "step_noise", 0) + 1
            with torch.no_grad():
                self.model[0].weight.add_(1e-3)
            return super().frame()

    with pytest.raises(AssertionError, match="differs first at step"):
        assert_watching_changes_nothing(Careless, {"steps": 10})


def test_resumed_equals_uninterrupted(fit, tmp_path):
    assert_resuming_changes_nothing(fit, {"steps": 60}, tmp_path)


def test_a_damaged_checkpoint_falls_back_to_the_one_before(fit, tmp_path):
    experiment = prepared(build(fit, {"steps": 5}))
    file = tmp_path / "checkpoint.pt"
    save_checkpoint(file, experiment, 0.0)
    experiment.step = 3
    save_checkpoint(file, experiment, 0.0)
    assert read_checkpoint(file)["step"] == 3
    file.write_bytes(file.read_bytes()[:100])
    assert read_checkpoint(file)["step"] == 0
    previous_of(file).write_bytes(b"")
    with pytest.raises(UserError, match="damaged"):
        read_checkpoint(file)


def test_a_checkpoint_with_code_in_it_is_refused_and_not_executed(tmp_path):
    class Payload:
        def __reduce__(self):
            return (tmp_path.joinpath("executed").touch, ())

    file = tmp_path / "checkpoint.pt"
    torch.save({"format": 1, "state": Payload()}, file, pickle_module=pickle)
    with pytest.raises(UserError):
        read_checkpoint(file)
    assert not (tmp_path / "executed").exists()


def test_a_checkpoint_of_another_shape_is_refused_with_a_sentence(fit, tmp_path):
    experiment = prepared(build(fit, {"steps": 5}))
    save_checkpoint(tmp_path / "c.pt", experiment, 0.0)
    other = prepared(build(fit, {"steps": 5}))
    other.model = torch.nn.Linear(3, 3)
    with pytest.raises(UserError, match="does not fit"):
        restore_checkpoint(other, read_checkpoint(tmp_path / "c.pt"))


class EmptyParameters(Parameters):
    pass


class Everything(Experiment[EmptyParameters, Frame]):
    def __init__(self, parameters, context):
        super().__init__(parameters, context)
        import collections
        import random

        self.layers = {"a": torch.nn.Linear(2, 2), "b": [torch.nn.Linear(1, 1)]}
        self.weight = torch.zeros(3, requires_grad=True)
        self.optimizer = torch.optim.Adam([self.weight])
        self.array = np.arange(4.0)
        self.names = ["x", None, True, 1.5]
        self.window = collections.deque([1, 2], maxlen=2)
        self.best = (3, {"loss": 0.5})
        self.python = random.Random(3)
        self.extra_rng = np.random.default_rng(5)
        self.extra_generator = torch.Generator().manual_seed(4)
        self.scheduler = torch.optim.lr_scheduler.StepLR(self.optimizer, 2)
        self._derived = lambda: None


def test_every_kind_of_state_survives_a_checkpoint(tmp_path):
    first = build(Everything)
    for layer in (first.layers["a"], first.layers["b"][0]):
        torch.nn.init.constant_(layer.weight, 7.0)
    (first.weight.sum() * 2).backward()
    first.optimizer.step()
    first.scheduler.step()
    first.array[2], first.step = 99.0, 12
    first.window.append(5)
    first.names.append("new")
    save_checkpoint(tmp_path / "c.pt", first, 1.0)
    expected = (first.python.random(), first.extra_rng.random(), torch.rand(1, generator=first.extra_generator))

    second = build(Everything)
    held = second.weight
    restore_checkpoint(second, read_checkpoint(tmp_path / "c.pt"))
    assert second.step == 12
    assert float(second.layers["a"].weight[0, 0].detach()) == 7.0
    assert float(second.layers["b"][0].weight.detach()) == 7.0
    assert second.weight is held, "the optimiser's tensor is written to, not replaced"
    assert torch.equal(second.weight, first.weight)
    assert second.optimizer.state_dict()["state"][0]["step"] == 1
    assert second.scheduler.last_epoch == 1
    assert second.array.tolist() == [0.0, 1.0, 99.0, 3.0]
    assert second.names == ["x", None, True, 1.5, "new"]
    assert list(second.window) == [2, 5]
    assert second.window.maxlen == 2
    assert second.best == (3, {"loss": 0.5})
    drawn = (second.python.random(), second.extra_rng.random(), torch.rand(1, generator=second.extra_generator))
    assert drawn == expected


def test_restoring_in_place_leaves_other_holders_of_a_network_right():
    first, second = build(Everything, seed=1), build(Everything, seed=2)
    network = second.layers["a"]
    restore_state(second, capture_state(first))
    assert second.layers["a"] is network


def test_building_refuses_bad_values_with_a_sentence(fit):
    with pytest.raises(InvalidParameters, match="learning rate = -1"):
        build(fit, {"learning_rate": -1})
    with pytest.raises(UserError, match="no device 'cuda:7'"):
        build(fit, device="cuda:7")
