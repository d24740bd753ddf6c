"""Stacked networks against ordinary ones: same start, same gradients, same training."""

import math

import pytest
import torch
from torch import nn

from plugins.rotation_continuity.networks import (
    Ensemble,
    StackedLinear,
    StackedMLP,
    StackedPointNet,
    padded_outputs,
    seed_generators,
)
from plugins.rotation_continuity.representations import REPRESENTATIONS
from workbench.toolkit.rotations import haar_rotations


def ensemble(names, seeds, width=16, per_item=1, extra=0):
    chosen = [REPRESENTATIONS[name] for name in names]
    widths = (9, width, width, padded_outputs(chosen, per_item=per_item, extra=extra))
    return Ensemble(StackedMLP(len(names) * len(seeds), widths), chosen, seeds, per_item=per_item, extra=extra)


def ordinary(stacked, index, seed):
    state = stacked.network_state(index, seed)
    layers = []
    for number in range(len(state) // 2):
        weight, bias = state[f"layers.{number}.weight"], state[f"layers.{number}.bias"]
        layer = nn.Linear(weight.shape[1], weight.shape[0])
        layer.load_state_dict({"weight": weight, "bias": bias})
        layers += [layer, nn.LeakyReLU(0.01)]
    return nn.Sequential(*layers[:-1])


def test_a_member_is_drawn_as_nn_linear_draws_itself():
    stacked = StackedLinear(1, 64, 4096).requires_grad_(False)
    stacked.draw(0, torch.Generator().manual_seed(1))
    torch.manual_seed(0)
    reference = nn.Linear(64, 4096)
    bound = 1 / math.sqrt(64)
    for own, other in ((stacked.weight[0], reference.weight.detach()), (stacked.bias[0], reference.bias.detach())):
        assert own.abs().max() <= bound
        assert own.abs().max() == pytest.approx(float(other.abs().max()), rel=2e-3)
        assert float(own.std()) == pytest.approx(float(other.std()), rel=0.05)
        assert abs(float(own.mean())) < 0.05 * bound


def test_a_network_does_not_depend_on_which_others_are_trained_beside_it():
    alone, among = ensemble(["quaternion"], (3,)), ensemble(["matrix", "6d", "quaternion"], (2, 3))
    one, other = alone.network_state(0, 0), among.network_state(2, 1)
    assert one.keys() == other.keys()
    assert all(torch.equal(one[key], other[key]) for key in one)
    different = among.network_state(2, 0)
    assert not torch.equal(one["layers.0.weight"], different["layers.0.weight"])
    batches = [haar_rotations(8, generator=g) for g in seed_generators((2, 3), torch.device("cpu"))]
    assert torch.equal(batches[1], haar_rotations(8, generator=seed_generators((3,), torch.device("cpu"))[0]))


@pytest.mark.parametrize("fused", [False, True])
def test_stacked_training_equals_one_network_and_one_adam_each(fused):
    names, seeds = ("6d", "euler", "quaternion"), (0, 1)
    stacked = ensemble(names, seeds).double()
    singles = [(r, s, ordinary(stacked, r, s).double()) for r in range(len(names)) for s in range(len(seeds))]
    own_optimizer = torch.optim.Adam(stacked.parameters(), 1e-2, fused=fused)
    optimizers = [torch.optim.Adam(net.parameters(), 1e-2) for _, _, net in singles]
    generator = torch.Generator().manual_seed(0)
    for _ in range(5):
        truth = haar_rotations(2 * 32, generator=generator, dtype=torch.float64).view(2, 32, 3, 3)
        predicted = stacked(truth.flatten(-2)).squeeze(3)
        own_optimizer.zero_grad()
        (predicted - truth).square().mean((2, 3, 4)).sum().backward()
        own_optimizer.step()
        for (r, s, net), optimizer in zip(singles, optimizers, strict=True):
            decoded = REPRESENTATIONS[names[r]].decode(net(truth[s].flatten(-2)))
            optimizer.zero_grad()
            (decoded - truth[s]).square().mean().backward()
            optimizer.step()
    for r, s, net in singles:
        trained = stacked.network_state(r, s)
        for number, layer in enumerate(net[::2]):
            assert (trained[f"layers.{number}.weight"] - layer.weight).abs().max() < 1e-9
            assert (trained[f"layers.{number}.bias"] - layer.bias).abs().max() < 1e-9


def test_padding_stays_zero_while_training():
    stacked = ensemble(("quaternion", "matrix"), (0,))
    optimizer = torch.optim.Adam(stacked.parameters(), 0.1)
    truth = haar_rotations(16, generator=torch.Generator().manual_seed(0))[None]
    for _ in range(3):
        optimizer.zero_grad()
        (stacked(truth.flatten(-2)).squeeze(3) - truth).square().mean().backward()
        optimizer.step()
    last = stacked.body.layers[-1]
    assert (last.weight[0, 4:] == 0).all()
    assert (last.bias[0, 4:] == 0).all()
    assert (last.weight[1] != 0).any()


def test_point_net_equals_shared_layers_a_maximum_and_a_head():
    chosen = [REPRESENTATIONS["6d"], REPRESENTATIONS["quaternion"]]
    body = StackedPointNet(2, (8, 12, 16), 10, 6)
    stacked = Ensemble(body, chosen, (0,))
    first, second = torch.randn(1, 5, 20, 3), torch.randn(1, 5, 20, 3)
    raw = stacked.raw(first, second)
    state = stacked.network_state(1, 0)

    def layer(name, x):
        return x @ state[f"{name}.weight"].T + state[f"{name}.bias"]

    def features(cloud):
        x = nn.functional.leaky_relu(layer("extractor.layers.0", cloud), 0.01)
        x = nn.functional.leaky_relu(layer("extractor.layers.1", x), 0.01)
        return layer("extractor.layers.2", x).amax(1)

    joined = torch.cat([features(first[0]), features(second[0])], -1)
    expected = layer("head.layers.1", nn.functional.leaky_relu(layer("head.layers.0", joined), 0.01))
    assert (raw[1, 0, :, :4] - expected).abs().max() < 1e-5
    shuffled = stacked.raw(first[:, :, torch.randperm(20)], second)
    assert (shuffled - raw).abs().max() < 1e-5


def test_joints_and_extra_outputs_are_taken_from_the_right_places():
    stacked = ensemble(("quaternion", "6d"), (0,), per_item=2, extra=3)
    inputs = torch.randn(1, 7, 9)
    raw = stacked.raw(inputs)
    decoded, rest = stacked.with_extra(inputs)
    assert decoded.shape == (2, 1, 7, 2, 3, 3)
    assert torch.equal(rest[0], raw[0, ..., 8:11])
    assert torch.equal(rest[1], raw[1, ..., 12:15])
    assert torch.allclose(decoded[0, 0, :, 1], REPRESENTATIONS["quaternion"].decode(raw[0, 0, :, 4:8]))


def test_saved_weights_load_into_another_ensemble_and_wrong_ones_are_refused():
    one, other = ensemble(("6d", "matrix"), (0,)), ensemble(("matrix", "quaternion"), (5,))
    other.load_network(0, 0, one.network_state(1, 0))
    inputs = torch.randn(1, 4, 9)
    assert torch.allclose(one(inputs)[1], other(inputs)[0])
    with pytest.raises(ValueError, match="shape"):
        other.load_network(1, 0, one.network_state(1, 0))
    with pytest.raises(KeyError, match="another network"):
        other.load_network(0, 0, {})
