"""Poincaré ResNet: networks, experiments, trees and loaders."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.io
import torch
from PIL import Image

from plugins.poincare_resnet import trees
from plugins.poincare_resnet.contract import NetworkParameters, RobustnessParameters, TrainParameters
from plugins.poincare_resnet.data import Images, augmented, load, other_images, strange_images
from plugins.poincare_resnet.experiments.batch_means import MeanPaths, mean_errors
from plugins.poincare_resnet.experiments.collapse import Collapse
from plugins.poincare_resnet.experiments.common import design_of
from plugins.poincare_resnet.experiments.cost import Cost, map_names, saved_bytes
from plugins.poincare_resnet.experiments.explore import Explore, uniform
from plugins.poincare_resnet.experiments.hierarchy import Hierarchy
from plugins.poincare_resnet.experiments.means import Means
from plugins.poincare_resnet.experiments.robustness import Robustness, gradient_sign, separation
from plugins.poincare_resnet.experiments.training import Train
from plugins.poincare_resnet.model import Design, ResNet, energy, parameter_groups
from workbench.compute.building import build, prepared
from workbench.compute.checks import assert_resuming_changes_nothing, assert_watching_changes_nothing
from workbench.compute.runner import run_to_end
from workbench.sdk import UserError
from workbench.toolkit import hyperbolic
from workbench.toolkit.hyperbolic_layers import PoincareConv2d
from workbench.toolkit.hyperbolic_mean import frechet_mean, frechet_variance, midpoint

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


# Experiments


@pytest.mark.parametrize(
    ("experiment", "parameters"),
    [
        (Train, {**SMALL, "steps": 4, "evaluate_every": 2, "models": KINDS}),
        (Robustness, {**SMALL, "steps": 3}),
        (Collapse, {"layers": 4, "width": 8, "points": 16}),
        (Hierarchy, {"steps": 6, "branching": 2, "depth": 3}),
        (Explore, {"points": 50}),
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


def test_changing_the_projection_shows_the_same_features_anew():
    run = build(Train, {**SMALL, "steps": 2, "evaluate_every": 2, "models": ("hyperbolic",)})
    run_to_end(run)
    before = run.frame()
    run.parameters = run.parameters.changed(projection="horopca")
    after = run.frame()
    assert (before.projection, after.projection) == ("tangent", "horopca")
    assert after.step == before.step
    own, other = before.embeddings["hyperbolic"], after.embeddings["hyperbolic"]
    assert not np.allclose(own.points, other.points)
    assert np.array_equal(own.radii, other.radii)
    assert 0 < other.explained <= 1


def test_a_classes_mean_is_the_midpoint_of_its_features_as_the_plane_shows_it():
    run = build(Train, {**SMALL, "steps": 1, "models": ("hyperbolic",), "last": 2, "precision": "float64"})
    run_to_end(run)
    own = run.frame().embeddings["hyperbolic"]
    # Two dimensions are shown as they are, up to an isometry, which takes midpoints along.
    for k in np.unique(own.classes):
        disk = torch.from_numpy(own.points[own.classes == k])
        assert np.allclose(own.means[k], midpoint(disk, 1.0).numpy(), atol=1e-6)


def test_the_paths_of_batch_means_follow_the_batches():
    run = build(Train, {**SMALL, "steps": 3, "evaluate_every": 3, "models": ("hyperbolic",)})
    run_to_end(run)
    frame = run.frame()
    names = ["stem", *(f"block {index} {half}" for index in (1, 2, 3) for half in "ab")]
    assert list(frame.means) == names
    for name, norm in run.networks["hyperbolic"].norms():
        own = frame.means[name]
        assert own.steps.tolist() == [1, 2, 3]
        assert own.path.shape == (3, 2)
        s = float(norm.ball.c) ** 0.5
        assert np.linalg.norm(own.path[-1]) <= s * float(norm.last_mean.norm()) + 1e-6
        assert own.error < 0.05
        assert own.sigma > 0
    off = build(Train, {**SMALL, "steps": 1, "models": ("hyperbolic",), "mean": "off"})
    run_to_end(off)
    assert off.frame().means == {}


def test_long_paths_are_thinned_and_keep_their_ends():
    network = ResNet(Design(widths=(2, 2, 2)))
    paths = MeanPaths()
    for step in range(1, 2001):
        for _, norm in network.norms():
            norm.last_mean = torch.full_like(norm.bias, step * 1e-4)
        paths.note(step, network)
    assert len(paths.steps) <= 400
    assert paths.steps[-1] > 1990
    assert np.ptp(np.diff(paths.steps)) == 0
    assert torch.allclose(paths.means["stem"][:, 0], torch.tensor(paths.steps) * 1e-4)


def test_the_two_means_of_one_layer_are_measured_as_its_batch_norm_is_given_them():
    torch.manual_seed(0)
    network = ResNet(Design())
    images = torch.randn(20, 1, 8, 8) / 2
    found = mean_errors(network, images)
    t = network.conv(images)
    points = network.ball.exp0(t.movedim(1, -1).flatten(0, 2)).detach().double()
    mean = frechet_mean(points, float(network.ball.c))
    assert found["stem"][1] == pytest.approx(
        float(frechet_variance(points, mean, float(network.ball.c)).sqrt()), rel=0.1
    )


def test_a_loss_that_is_not_a_number_stops_the_run_and_names_the_layer():
    run = prepared(build(Train, {**SMALL, "steps": 2, "models": ("euclidean",)}))
    with torch.no_grad():
        run.networks["euclidean"].blocks[1].conv2.weight[0, 0] = float("nan")
    with pytest.raises(UserError, match="step 0 is not a number; block 2 is the first"):
        next(run.run())


def test_double_precision_is_used_from_the_images_to_the_regions():
    run = build(Train, {**SMALL, "steps": 1, "precision": "float64", "models": KINDS})
    run_to_end(run)
    assert all(own.dtype == torch.float64 for network in run.networks.values() for own in network.parameters())
    assert run.regions_at("hyperbolic", np.zeros((1, 2)))[0] >= 0


def test_learnt_curvatures_are_reported_and_move():
    run = build(Train, {**SMALL, "steps": 6, "evaluate_every": 3, "models": ("hyperbolic",), "learnable_c": True})
    run = prepared(run)
    seen = [metrics for metrics in run.run() if isinstance(metrics, dict) and "curvature/block 2" in metrics]
    assert len(seen) == 2
    names = [f"curvature/{layer}" for layer in ("stem", "block 1", "block 2", "block 3")]
    assert any(abs(seen[-1][name] - 0.1) > 1e-5 for name in names)
    assert np.allclose([seen[-1][name] for name in names], run.frame().curvatures)


def test_points_are_uniform_by_area():
    points = uniform(20_000, 3.0, torch.Generator().manual_seed(0))
    radii = hyperbolic.distance0(points, 1.0)
    for r in (1.0, 2.0, 2.5):
        assert float((radii < r).double().mean()) == pytest.approx((np.cosh(r) - 1) / (np.cosh(3) - 1), abs=0.01)
    assert float(radii.max()) <= 3


@pytest.mark.parametrize("scene", ["blobs", "uniform", "tree"])
def test_a_scene_fills_the_disk(scene):
    run = build(Explore, {"scene": scene, "points": 500, "groups": 3, "depth": 3})
    first = run.frame()
    run_to_end(run)
    last = run.frame()
    assert len(last.points) == (40 if scene == "tree" else 500)
    assert np.array_equal(last.points[: len(first.points)], first.points)
    assert (np.linalg.norm(last.points, axis=1) < 1).all()
    assert len(last.edges) == (39 if scene == "tree" else 0)


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


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"source": "idx"}, "Choose an IDX file"), ({"source": "folder"}, "is not a folder"),
     ({"source": "cifar_files"}, "is not a folder"), ({"train_size": 5000}, "There are 1797 images"),
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


def test_cifars_own_test_images_are_never_trained_on(tmp_path):
    rng = np.random.default_rng(0)
    for index, name in enumerate([*(f"data_batch_{n}.bin" for n in range(1, 6)), "test_batch.bin"]):
        records = rng.integers(0, 256, (60, 3073), dtype=np.uint8)
        records[:, 0] = rng.integers(0, 10, 60)
        records[:, 1:] = 200 if index == 5 else records[:, 1:] // 2  # the test images are the bright ones
        records.tofile(tmp_path / name)
    found = images_of(source="cifar_files", folder=str(tmp_path), train_size=300, test_size=50)
    assert found.train.shape == (300, 3, 32, 32)
    assert float(found.train.max()) < 0
    assert torch.allclose(found.test, torch.tensor(200 / 127.5 - 1), atol=1e-6)
    assert found.class_names[0] == "airplane"
    with pytest.raises(UserError, match="There are 60 images to test on; 61 are asked for"):
        images_of(source="cifar_files", folder=str(tmp_path), train_size=300, test_size=61)


def test_other_images_come_from_files_as_the_network_wants_them(tmp_path):
    known = images_of().test
    pixels = np.zeros((32, 32, 3, 5), np.uint8)
    pixels[:, :, 1] = 255  # green
    scipy.io.savemat(tmp_path / "test_32x32.mat", {"X": pixels, "y": np.ones((5, 1), np.uint8)})
    (tmp_path / "banded").mkdir()
    Image.new("RGB", (300, 400), (0, 0, 255)).save(tmp_path / "banded" / "a.jpg")
    svhn = other_images(RobustnessParameters(strange="svhn", strange_file=str(tmp_path / "test_32x32.mat")), known)
    assert svhn.shape == (5, 1, 8, 8)
    assert torch.allclose(svhn, torch.tensor(150 / 255 - 0.5), atol=1e-6), "luma of green"
    colour = known.expand(-1, 3, -1, -1)
    blue = other_images(RobustnessParameters(strange="pictures", strange_folder=str(tmp_path)), colour)
    assert blue.shape == (1, 3, 8, 8)
    assert torch.allclose(blue[0, :, 4, 4], torch.tensor([-1.0, -1.0, 1.0]), atol=0.05)
    for strange, words in (("svhn", "Choose SVHN's"), ("pictures", "Name a folder")):
        with pytest.raises(UserError, match=words):
            other_images(RobustnessParameters(strange=strange), known)


def test_a_network_is_judged_on_svhn(tmp_path):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (32, 32, 3, 30), dtype=np.uint8)
    scipy.io.savemat(tmp_path / "svhn.mat", {"X": pixels, "y": np.ones((30, 1), np.uint8)})
    run = build(Robustness, {**SMALL, "steps": 1, "strange": "svhn", "strange_file": str(tmp_path / "svhn.mat"),
                             "models": ("euclidean",)})  # fmt: skip
    run_to_end(run)
    assert len(run._strange["euclidean"]) == 30
    assert 0 <= run.scores["euclidean"][1] <= 1


# Trees


def test_the_laid_out_tree_has_edges_of_one_length_and_little_distortion():
    graph = trees.balanced_tree(3, 4)
    places = torch.from_numpy(trees.sarkar_layout(graph, 1.8))
    edges = np.array(graph.edges)
    lengths = hyperbolic.distance(places[edges[:, 0]], places[edges[:, 1]], 1.0)
    assert torch.allclose(lengths, torch.tensor(1.8, dtype=torch.float64), atol=1e-9)
    table = hyperbolic.distance(places[:, None], places[None], 1.0).numpy()
    errors = [trees.distortion(trees.path_lengths(graph), table)]
    longer = torch.from_numpy(trees.sarkar_layout(graph, 3.5))
    errors.append(
        trees.distortion(trees.path_lengths(graph), hyperbolic.distance(longer[:, None], longer[None], 1.0).numpy())
    )
    assert errors[1] < 0.5 * errors[0] < 0.1, "Sarkar: as near to the tree as one likes with longer edges"
    assert trees.mean_average_precision(graph, table) == 1


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
