"""Poincaré ResNet: networks, experiments, trees and loaders."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from plugins.poincare_resnet import trees
from plugins.poincare_resnet.contract import NetworkParameters, TrainParameters
from plugins.poincare_resnet.data import Images, augmented, load, read_folder, strange_images
from plugins.poincare_resnet.experiments.collapse import Collapse
from plugins.poincare_resnet.experiments.common import design_of
from plugins.poincare_resnet.experiments.cost import Cost, map_names, saved_bytes
from plugins.poincare_resnet.experiments.hierarchy import Hierarchy
from plugins.poincare_resnet.experiments.means import Means
from plugins.poincare_resnet.experiments.robustness import Robustness, gradient_sign, separation
from plugins.poincare_resnet.experiments.training import Train
from plugins.poincare_resnet.model import Design, ResNet, energy, parameter_groups
from plugins.poincare_resnet.projection import tangent_plane
from workbench.compute.building import build, prepared
from workbench.compute.checks import assert_resuming_changes_nothing, assert_watching_changes_nothing
from workbench.compute.runner import run_to_end
from workbench.sdk import UserError
from workbench.toolkit import hyperbolic
from workbench.toolkit.hyperbolic_layers import PoincareConv2d

SMALL = {"train_size": 120, "test_size": 60, "batch": 40, "widths": "2,3,4"}
KINDS = ("hyperbolic", "hyperbolic_head", "euclidean")


# Networks


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [8, 32])
def test_a_network_has_the_papers_shape(kind, size):
    network = ResNet(Design(kind, inputs=3, widths=(8, 16, 32), blocks=3))
    images = torch.randn(4, 3, size, size) / 2
    shapes = [tuple(t.shape) for _, t in network.layers(images)]
    assert shapes[0] == (4, 8, size, size)
    assert [shape[1] for shape in shapes[1:]] == [8, 8, 8, 16, 16, 16, 32, 32, 32]
    assert shapes[-1][-1] == size // 4
    assert network(images).shape == (4, 10)
    convolutions = [m for m in network.modules() if isinstance(m, (PoincareConv2d, torch.nn.Conv2d))]
    assert (
        len([m for m in convolutions if getattr(m, "kernel", None) == 3 or getattr(m, "kernel_size", 0) == (3, 3)])
        == 19
    )


def test_manual_and_automatic_gradients_of_the_whole_network_agree():
    images, labels = torch.randn(6, 1, 8, 8, dtype=torch.float64) / 2, torch.arange(6)
    gradients = {}
    for kind in ("manual", "autograd"):
        torch.manual_seed(0)
        network = ResNet(Design(gradients=kind, learnable_c=True)).double()
        torch.nn.functional.cross_entropy(network(images), labels).backward()
        gradients[kind] = [own.grad for own in network.parameters()]
    for ours, theirs in zip(*gradients.values(), strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize(
    "switch",
    [{"mean": "frechet"}, {"mean": "off"}, {"skip": "rf"}, {"skip": "off"}, {"initialisation": "hnn++"},
     {"initialisation": "centre"}, {"wrong_factor": True}, {"c": 1.0}, {"learnable_c": True}, {"last": 2},
     {"uses_running": True}],
)  # fmt: skip
def test_every_switch_changes_the_network_and_keeps_its_gradients_finite(switch):
    images = torch.randn(8, 1, 8, 8, generator=torch.Generator().manual_seed(0)) / 2
    outputs = []
    for design in (Design(), Design(**switch)):
        torch.manual_seed(0)
        network = ResNet(design)
        logits = network(images)
        torch.nn.functional.cross_entropy(logits, torch.arange(8)).backward()
        assert all(torch.isfinite(own.grad).all() for own in network.parameters() if own.grad is not None)
        outputs.append(logits.detach())
    if switch not in ({"uses_running": True}, {"learnable_c": True}):
        assert not torch.allclose(*outputs, atol=1e-5)


def test_learnt_curvatures_are_not_decayed():
    groups = parameter_groups(ResNet(Design(learnable_c=True)), 0.1)
    assert [group["weight_decay"] for group in groups] == [0.1, 0.0]
    assert len(groups[1]["params"]) == 4, "one for the stem and one a block"


def test_energy_is_minus_the_logarithm_of_the_sum():
    logits = torch.tensor([[1.0, 2.0, 3.0]])
    assert float(energy(logits)) == pytest.approx(-np.log(np.exp([1, 2, 3]).sum()), rel=1e-6)


# The disk


def test_the_projection_keeps_distances_to_the_mean_of_points_on_a_plane():
    generator = torch.Generator().manual_seed(0)
    v = torch.zeros(50, 6, dtype=torch.float64)
    v[:, :2] = torch.randn(50, 2, generator=generator, dtype=torch.float64)
    points = hyperbolic.mobius_add(torch.full((6,), 0.2, dtype=torch.float64), hyperbolic.exp0(v, 0.1), 0.1)
    plane = tangent_plane(points, 0.1)
    disk = plane.to_disk(points)
    assert plane.explained == pytest.approx(1, abs=1e-3)
    assert torch.allclose(plane.from_disk(disk), points, atol=0.02)
    far = hyperbolic.distance(plane.mean.expand_as(points), points, 0.1) * 0.1**0.5
    assert torch.allclose(hyperbolic.distance0(disk, 1.0), far, rtol=2e-2)
    again = plane.to_disk(plane.from_disk(disk))
    assert torch.allclose(again, disk, atol=1e-9)


# Experiments


@pytest.mark.parametrize(
    ("experiment", "parameters"),
    [
        (Train, {**SMALL, "steps": 4, "evaluate_every": 2, "models": KINDS}),
        (Robustness, {**SMALL, "steps": 3}),
        (Collapse, {"layers": 4, "width": 8, "points": 16}),
        (Hierarchy, {"steps": 6, "branching": 2, "depth": 3}),
    ],
)
def test_watching_and_resuming_change_nothing(experiment, parameters, tmp_path):
    assert_watching_changes_nothing(experiment, parameters)
    assert_resuming_changes_nothing(experiment, parameters, tmp_path)


def test_training_learns_digits_and_the_frame_says_so():
    run = build(
        Train, {"train_size": 600, "test_size": 200, "steps": 48, "evaluate_every": 24, "models": ("hyperbolic",)}
    )
    run_to_end(run)
    assert run.accuracies["hyperbolic"] > 0.6
    frame = run.frame()
    own = frame.embeddings["hyperbolic"]
    assert frame.step == 48
    assert (np.linalg.norm(own.points, axis=1) < 1).all()
    assert own.is_right.mean() == pytest.approx(run.accuracies["hyperbolic"])
    assert set(np.unique(own.regions)) <= set(range(-1, 10))
    assert frame.layers == ("stem", "block 1", "block 2", "block 3")
    places = np.array([[0.0, 0.0], [0.9999, 0.9]])
    assert run.regions_at("hyperbolic", places)[1] == -1
    between = run.between("hyperbolic", 0, 1, shares=5)
    assert torch.allclose(between["probabilities"].sum(-1), torch.ones(5), atol=1e-5)
    placed = run.place("hyperbolic", np.zeros((8, 8)))
    assert float(placed["place"].norm()) < 1
    with pytest.raises(UserError, match="no network 'nobody'"):
        run.regions_at("nobody", places)


def test_identity_layers_preserve_and_hnn_collapses():
    run = build(Collapse, {"layers": 10, "width": 64})
    run_to_end(run)
    ratio = {name: values[-1] / values[0] for name, values in run.distances.items()}
    assert ratio["identity"] == pytest.approx(1, abs=1e-5)
    assert ratio["HNN++"] < 1e-6
    assert ratio["HNN++"] == pytest.approx((2 / 64) ** 5, rel=1.0), "within a factor of the linearised gain"


def test_the_means_of_a_dragged_cloud_are_answered():
    run = prepared(build(Means, {"points": 5}))
    found = run.means_of(np.array([[0.5, 0.0], [-0.5, 0.0]]))
    assert np.allclose(found["midpoint"], 0, atol=1e-9)
    assert np.allclose(found["frechet"], 0, atol=1e-9)
    assert run.cloud_now()["points"].shape == (5, 2)
    with pytest.raises(UserError, match="open unit disk"):
        run.means_of(np.array([[2.0, 0.0]]))


def test_the_hierarchy_is_learnt_better_in_the_disk_than_in_the_plane():
    run = build(Hierarchy, {"steps": 1200, "learning_rate": 0.1})
    run_to_end(run)
    disk, plane = run.scores["disk"], run.scores["plane"]
    assert disk[0] < plane[0] / 2
    assert disk[2] < plane[2]
    frame = run.frame()
    assert frame.edges.shape == (120, 2)
    assert (np.linalg.norm(frame.points, axis=1) < 1).all()


def test_manual_passes_keep_less():
    run = build(Cost, {"points": 20_000, "repeats": 1, "batch": 8})
    run_to_end(run)
    ratio = dict(zip(map_names(), np.array(run.saved["manual"]) / np.array(run.saved["autograd"]), strict=True))
    assert ratio["x ⊕ y"] <= 0.65
    assert ratio["exp_x ∘ log_x"] <= 0.6
    x = torch.randn(1000, requires_grad=True)
    assert saved_bytes(lambda: x.sin()) == 4000


def test_an_attack_moves_pixels_by_epsilon_towards_a_larger_loss():
    run = prepared(build(Robustness, {**SMALL, "steps": 1, "epsilon": 8.0}))
    network = run.networks["hyperbolic"]
    images, labels = run._test[:40], run._test_labels[:40]
    sign = gradient_sign(network, images, labels)
    assert set(sign.unique().tolist()) <= {-1.0, 0.0, 1.0}
    attacked = run._attacked(images, sign, 8.0)
    assert float((attacked - images).abs().max()) <= 8 / 255 + 1e-6
    assert attacked.abs().max() <= 0.5
    with torch.no_grad():
        before, after = (torch.nn.functional.cross_entropy(network(x), labels) for x in (images, attacked))
    assert after > before
    answer = run.attack(3)
    assert answer["pictures"].shape == (9, 8, 8, 1)


def test_separation_of_scores_is_scikit_learns_and_fpr_is_at_95_percent():
    known, strange = np.arange(100.0), np.arange(50.0, 150.0)
    (rate, area, _), _ = separation(known, strange)
    assert area == pytest.approx((known[:, None] < strange).mean() + 0.5 * (known[:, None] == strange).mean())
    assert rate == pytest.approx((strange <= np.quantile(known, 0.95)).mean())
    assert separation(known, known + 1000)[0][:2] == (0.0, 1.0)


# Data


def images_of(**changes):
    *_, found = load(NetworkParameters(**changes), None)
    assert isinstance(found, Images)
    return found


def test_digits_are_split_and_centred():
    found = images_of()
    assert found.train.shape == (1400, 1, 8, 8)
    assert found.test.shape == (397, 1, 8, 8)
    assert found.train.min() == -0.5
    assert found.train.max() == 0.5


def test_a_folder_of_images_is_read_and_bad_ones_are_refused(tmp_path):
    for name, colour in (("red", (255, 0, 0)), ("blue", (0, 0, 255))):
        (tmp_path / name).mkdir()
        for index in range(3):
            Image.new("RGB", (20 + index, 16), colour).save(tmp_path / name / f"{index}.png")
    pixels, labels, names = read_folder(tmp_path)
    assert pixels.shape == (6, 16, 20, 3)
    assert (names, labels.tolist()) == (("blue", "red"), [0, 0, 0, 1, 1, 1])
    assert pixels[labels == 1][0, 0, 0].tolist() == [255, 0, 0]
    (tmp_path / "red" / "3.png").write_bytes(b"not a picture")
    with pytest.raises(UserError, match=r"3\.png is not a picture"):
        read_folder(tmp_path)
    with pytest.raises(UserError, match="no two sub-folders"):
        read_folder(tmp_path / "blue")
    with pytest.raises(UserError, match="is not a folder"):
        read_folder(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"source": "idx"}, "Choose an IDX file"), ({"source": "folder"}, "is not a folder"),
     ({"train_size": 5000}, "There are 1797 images"),
     ({"source": "idx", "images": "/nowhere/x-images.gz"}, "labels of")],
)  # fmt: skip
def test_data_that_is_not_there_is_refused_with_one_sentence(changes, words):
    with pytest.raises(UserError, match=words):
        images_of(**changes)


@pytest.mark.parametrize("widths", ["", "a,b", "4,0", "4;8"])
def test_widths_that_are_no_numbers_are_refused(widths):
    with pytest.raises(UserError, match="whole numbers with commas"):
        design_of("hyperbolic", TrainParameters(widths=widths), 1, 10)


def test_augmentation_crops_what_was_padded_with_grey():
    images = torch.arange(64.0).reshape(1, 1, 8, 8).expand(200, 1, 8, 8) + 1
    seen = augmented(images, torch.Generator().manual_seed(0))
    assert seen.shape == images.shape
    assert (seen == 0).any()
    inner = {tuple(image[0, 3:5, 3:5].flatten().tolist()) for image in seen}
    assert len(inner) > 10
    whole = [image for image in seen if torch.equal(image, images[0]) or torch.equal(image, images[0].flip(-1))]
    assert whole, "no shift and a flip are among the draws"


@pytest.mark.parametrize("kind", ["noise", "checkers", "inverted", "shuffled"])
def test_strange_images_are_of_the_same_shape_and_range(kind):
    images = images_of().test
    strange = strange_images(kind, images)
    assert strange.shape == images.shape
    assert strange.min() >= -0.5
    assert strange.max() <= 0.5
    assert not torch.equal(strange, images)
    assert torch.equal(strange, strange_images(kind, images))


# Trees


def test_pairs_depths_and_scores_of_a_path(tmp_path):
    file = tmp_path / "edges.csv"
    file.write_text("parent,child\nroot,a\na,b\nb,c\n")
    graph = trees.read_edges(file)
    assert len(trees.closure(graph)) == 6
    assert trees.depths(graph).tolist() == [0, 1, 2, 3]
    lengths = trees.path_lengths(graph)
    line = np.abs(np.subtract.outer(np.arange(4.0), np.arange(4.0)))
    assert np.array_equal(lengths, line)
    assert trees.distortion(lengths, 3 * line) == pytest.approx(0, abs=1e-12)
    assert trees.mean_average_precision(graph, line) == 1
    assert trees.mean_rank(trees.closure(graph), line) >= 1


@pytest.mark.parametrize(
    ("text", "words"),
    [("a\n", "line 1: a parent and a child"), ("a,b\n", "at least two"), ("a,b\nb,c\nc,a\n", "a cycle"),
     ("a,b\nb,c\nd,e\n", "2 separate trees"), ("", "0 edges"), ("a,b\nc,\n", "line 2")],
)  # fmt: skip
def test_an_edge_list_that_is_no_tree_is_refused_with_the_line(tmp_path, text, words):
    file = tmp_path / "edges.csv"
    file.write_text(text)
    with pytest.raises(UserError, match=words):
        trees.read_edges(file)


def test_a_tree_that_is_too_large_is_refused():
    with pytest.raises(UserError, match="at most 5000"):
        trees.balanced_tree(8, 9)
