"""Parameters and frames of the experiments: what both processes know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from workbench.sdk import Frame, Parameters, Preset, choice, choices, file, param

Model = Literal["hyperbolic", "hyperbolic_head", "euclidean"]
MODELS = {"hyperbolic": "Poincaré ResNet", "hyperbolic_head": "Euclidean, hyperbolic head", "euclidean": "Euclidean"}
INITIALISATIONS = {"identity": "identity", "centre": "centre tap (not in the paper)", "hnn++": "HNN++"}
Source = Literal["digits", "mnist", "fashion", "cifar10", "cifar_files", "idx", "folder"]
SOURCES = {
    "digits": "digits (8x8, bundled)", "mnist": "MNIST (OpenML)", "fashion": "Fashion-MNIST (OpenML)",
    "cifar10": "CIFAR-10 (OpenML)", "cifar_files": "CIFAR-10 or -100, binary files", "idx": "IDX files",
    "folder": "a folder of images",
}  # fmt: skip


class NetworkParameters(Parameters):
    """What decides a network and its data; the training experiments share it."""

    source: Source = choice("digits", help="Images to learn", labels=SOURCES, group="Data")
    images: str = file(help="IDX file of images; its labels are found beside it", suffixes=(".gz", "", ".idx"),
                       group="Data")  # fmt: skip
    folder: str = param(
        "", help="Folder of CIFAR's binary files, or with one sub-folder of images for each class", group="Data"
    )
    train_size: int = param(1400, ge=100, le=60_000, help="Images to train on", group="Data")
    test_size: int = param(397, ge=50, le=10_000, help="Images to test on", group="Data")
    augment: bool = param(False, help="Random crop after padding by an eighth, and horizontal flip", group="Data")
    widths: str = param("4,8,16", help="Channels of the three groups", group="Network")
    blocks: int = param(1, ge=1, le=9, help="Blocks in a group: 3 is ResNet-20, 5 is ResNet-32", group="Network")
    last: int = param(0, ge=0, le=64, label="last layer", group="Network",
                      help="Channels of an extra last layer; 2 shows the features as they are, 0: none")  # fmt: skip
    c: float = param(0.1, gt=1e-3, le=10, log=True, label="curvature", help="c, the sectional curvature is -c",
                     group="Geometry")  # fmt: skip
    learnable_c: bool = param(False, label="learn curvature", help="One curvature a block, learnt", group="Geometry")
    initialisation: Literal["identity", "centre", "hnn++"] = choice(
        "identity", help="Start of the weights", labels=INITIALISATIONS, group="Geometry"
    )
    mean: Literal["midpoint", "frechet", "off"] = choice(
        "midpoint", label="batch norm", help="Mean of the batch normalisation",
        labels={"midpoint": "Poincaré midpoint", "frechet": "Fréchet mean", "off": "off"}, group="Geometry",
    )  # fmt: skip
    uses_running: bool = param(False, label="running statistics", group="Geometry",
                               help="Test with running statistics, not with the batch's as in the paper")  # fmt: skip
    skip: Literal["fr", "rf", "off"] = choice(
        "fr", help="Order of the Möbius addition; it is not commutative",
        labels={"fr": "F ⊕ R", "rf": "R ⊕ F", "off": "off"}, group="Geometry",
    )  # fmt: skip
    gradients: Literal["manual", "autograd"] = choice("manual", help="Backward passes of the maps", group="Geometry")
    wrong_factor: bool = param(
        False, label="published λ", help="2(1 - c|x|²) in place of 2/(1 - c|x|²) in the linear layer",
        group="Geometry",
    )  # fmt: skip
    learning_rate: float = param(2e-3, ge=1e-5, le=0.1, log=True, live=True, help="Step size of Adam",
                                 group="Optimiser")  # fmt: skip
    weight_decay: float = param(1e-4, ge=0, le=0.1, live=True, help="L2 penalty, not on curvatures", group="Optimiser")
    batch: int = param(100, ge=2, le=512, help="Images in a step", group="Optimiser")
    precision: Literal["float32", "float64"] = choice("float32", help="Numbers that the networks compute with",
                                                      group="Optimiser")  # fmt: skip
    clip: float = param(5.0, gt=0, le=100, help="Largest norm of the gradient", group="Optimiser")

    @property
    def group_widths(self) -> tuple[int, ...]:
        """Channels of the groups; raises ValueError where the text does not say so."""
        return tuple(int(part) for part in self.widths.split(","))


PAPER_SCALE: dict[str, object] = {
    "models": ("hyperbolic", "euclidean"), "train_size": 50_000, "test_size": 10_000, "augment": True,
    "widths": "8,16,32", "blocks": 3, "learning_rate": 1e-3, "batch": 128, "steps": 39_100,
}  # fmt: skip
"""The recipe of the paper's code for CIFAR: ResNet-20, Adam, 100 epochs of 391 steps."""
PAPER_COST = "hours on a GPU; a step of ResNet-20 takes about 25 s on one CPU core"


class TrainParameters(NetworkParameters):
    """Train networks side by side on the same batches."""

    models: tuple[Model, ...] = choices(("hyperbolic", "euclidean"), help="Networks to compare", labels=MODELS,
                                        at_least=1)  # fmt: skip
    steps: int = param(210, ge=1, le=1_000_000, help="Optimiser steps", unit="steps")
    evaluate_every: int = param(14, ge=1, le=10_000, help="Steps between two looks at the test set", unit="steps")
    projection: Literal["tangent", "horopca"] = choice(
        "tangent", help="How features come from many dimensions to the disk; may change while running", live=True,
        labels={"tangent": "tangent PCA", "horopca": "HoroPCA"}, label="disk by",
    )  # fmt: skip

    presets = (
        Preset("quick", "Six epochs of digits: all three networks reach 95 %.",
               {"models": ("hyperbolic", "hyperbolic_head", "euclidean"), "steps": 84}),
        Preset("two dimensions", "A last layer of two channels: the disk shows the features themselves.",
               {"models": ("hyperbolic",), "last": 2, "steps": 210}),
        Preset("deep without batch norm", "Where the identity initialisation matters: HNN++ stays at chance.",
               {"models": ("hyperbolic",), "blocks": 3, "mean": "off", "initialisation": "hnn++", "steps": 150}),
        Preset("paper, ResNet-20", "hyperbolic-8-16-32-resnet-20 on CIFAR-10, 100 epochs.",
               {**PAPER_SCALE, "source": "cifar10", "evaluate_every": 391}, cost=PAPER_COST),
        Preset("paper, ResNet-32", "hyperbolic-8-16-32-resnet-32 on CIFAR-10, 100 epochs.",
               {**PAPER_SCALE, "source": "cifar10", "blocks": 5, "evaluate_every": 391}, cost=PAPER_COST),
        Preset("paper, CIFAR-100", "The same ResNet-20 on CIFAR-100: name the folder of its binary files under Data.",
               {**PAPER_SCALE, "source": "cifar_files", "evaluate_every": 391}, cost=PAPER_COST),
    )  # fmt: skip


class RobustnessParameters(NetworkParameters):
    """Train networks, then attack them and show them images of other kinds."""

    models: tuple[Model, ...] = choices(("hyperbolic", "euclidean"), help="Networks to compare", labels=MODELS,
                                        at_least=1)  # fmt: skip
    steps: int = param(150, ge=1, le=1_000_000, help="Optimiser steps", unit="steps")
    epsilon: float = param(16.0, gt=0, le=255, help="Largest change of a pixel, in 255ths (the paper: 0.8 to 3.2)",
                           group="Attack", label="ε max")  # fmt: skip
    strange: Literal["noise", "checkers", "inverted", "shuffled", "svhn", "pictures"] = choice(
        "inverted", help="Images of another kind", group="Attack", label="other images",
        labels={"noise": "uniform noise", "checkers": "checkerboards", "inverted": "inverted images",
                "shuffled": "images with shuffled pixels", "svhn": "SVHN (MATLAB file)",
                "pictures": "a folder, as Textures"},
    )  # fmt: skip
    strange_file: str = file(help="SVHN's cropped digits, test_32x32.mat", suffixes=(".mat",), group="Attack",
                             label="SVHN file")  # fmt: skip
    strange_folder: str = param("", help="Pictures of another kind, in sub-folders or not: Textures, Places365",
                                group="Attack", label="other folder")  # fmt: skip
    presets = (
        Preset("quick", "Digits, ten epochs, then FGSM and inverted digits.", {"steps": 140}),
        Preset("small changes", "The paper's range of attacks.", {"epsilon": 3.2}),
        Preset(
            "paper, ResNet-20",
            "CIFAR-10 with attacks up to 3.2; choose Textures or SVHN as other images.",
            {**PAPER_SCALE, "source": "cifar10", "epsilon": 3.2},
            cost=PAPER_COST,
        ),
    )


class ExploreParameters(Parameters):
    """Points of the hyperbolic plane to look at."""

    scene: Literal["blobs", "uniform", "tree"] = choice(
        "blobs", help="What is in the disk", group="Scene",
        labels={"blobs": "groups of groups", "uniform": "uniform by area", "tree": "a tree, laid out"},
    )  # fmt: skip
    points: int = param(3000, ge=1, le=50_000, log=True, help="How many points", group="Scene")
    groups: int = param(4, ge=2, le=8, help="Groups, or children of a node of the tree", group="Scene")
    parts: int = param(4, ge=1, le=12, help="Groups within a group", group="Scene")
    reach: float = param(4.0, gt=0.1, le=8, help="Distance from the centre to the groups, or to the last point",
                         group="Scene")  # fmt: skip
    spread: float = param(0.35, gt=0.01, le=2, help="Standard deviation in the smallest group, as a distance",
                          group="Scene")  # fmt: skip
    depth: int = param(4, ge=1, le=8, help="Levels of the tree below the root", group="Scene")
    edge: float = param(1.8, ge=0.1, le=4, help="Length of the tree's edges", group="Scene")
    c: float = param(1.0, gt=1e-3, le=10, log=True, label="curvature", help="c: measured lengths are divided by √c")
    presets = (
        Preset("groups of groups", "Four groups of four: a hierarchy that fits without crowding.", {}),
        Preset("area", "Uniform by area: nearly all of it is at the rim.", {"scene": "uniform", "reach": 5.0}),
        Preset("50 000 points", "As many as the view is made for.", {"scene": "uniform", "points": 50_000}),
        Preset(
            "a tree without training", "Edges of one length, laid out in closed form.", {"scene": "tree", "groups": 3}
        ),
    )


class CollapseParameters(Parameters):
    """Push points through untrained layers."""

    kind: Literal["linear", "network"] = choice(
        "linear", help="Fully connected layers, or the blocks of a network without batch norm"
    )
    layers: int = param(20, ge=1, le=60, help="How many layers")
    width: int = param(64, ge=2, le=256, help="Channels")
    c: float = param(0.1, gt=1e-3, le=10, log=True, label="curvature", help="c")
    spread: float = param(1.0, gt=0.01, le=5, help="Mean distance of the points from the origin at the start")
    points: int = param(256, ge=8, le=4096, help="How many points")
    presets = (
        Preset("the paper's reason", "64 channels: HNN++ loses a factor of about 5.7 at each layer.", {"width": 64}),
        Preset("strong curvature", "c = 1 shows what the published code's λ does to identity layers.", {"c": 1.0}),
    )


class MeanParameters(Parameters):
    """A cloud of points, its midpoint and its Fréchet mean."""

    points: int = param(24, ge=2, le=2000, help="How many points")
    spread: float = param(1.2, gt=0.01, le=5, help="Standard deviation, as a distance")
    offset: float = param(1.5, ge=0, le=5, help="How far the cloud's centre is from the origin")
    c: float = param(1.0, gt=1e-3, le=10, log=True, label="curvature", help="c")
    dimensions: int = param(16, ge=2, le=128, help="Dimensions of the measured series of clouds (the disk has two)")
    presets = (
        Preset("narrow", "Midpoint and mean are the same to the eye.", {"spread": 0.4}),
        Preset("wide", "A wide cloud far out: the two part.", {"spread": 2.5, "offset": 2.5}),
    )


class TreeParameters(Parameters):
    """Embed a tree or a hierarchy in the disk, and in the plane for comparison."""

    tree: Literal["balanced", "random", "edges"] = choice(
        "balanced", help="What to embed", labels={"balanced": "balanced tree", "random": "random tree",
                                                  "edges": "an edge list (CSV)"}, group="Tree",
    )  # fmt: skip
    branching: int = param(3, ge=2, le=8, help="Children of a node", group="Tree")
    depth: int = param(4, ge=1, le=9, help="Levels below the root", group="Tree")
    nodes: int = param(150, ge=3, le=5000, help="Nodes of a random tree", group="Tree")
    edges: str = file(help="CSV with two columns: parent, child", suffixes=(".csv", ".tsv", ".txt"), group="Tree")
    learning_rate: float = param(0.02, ge=1e-3, le=10, log=True, live=True, help="Step size of Riemannian SGD")
    negatives: int = param(10, ge=1, le=100, help="Unrelated nodes shown with each pair")
    batch: int = param(64, ge=1, le=1024, help="Pairs in a step")
    burn_in: int = param(200, ge=0, le=100_000, help="First steps at a tenth of the step size", unit="steps")
    steps: int = param(5000, ge=1, le=1_000_000, help="Optimiser steps", unit="steps")
    presets = (
        Preset("balanced", "121 nodes: the disk has room for every leaf, the plane has not.", {}),
        Preset("deep and binary", "255 nodes in eight levels.", {"branching": 2, "depth": 7, "steps": 8000}),
        Preset("random", "A random recursive tree.", {"tree": "random"}),
    )


class CostParameters(Parameters):
    """Measure what a backward pass keeps and takes."""

    points: int = param(20_000, ge=100, le=500_000, help="Vectors of a map", log=True)
    dimensions: int = param(16, ge=2, le=512, help="Length of a vector")
    repeats: int = param(5, ge=1, le=100, help="Measurements of which the median is shown")
    batch: int = param(50, ge=2, le=256, help="Images of the network's step")
    blocks: int = param(1, ge=1, le=5, help="Blocks in a group of the network")


@dataclass(frozen=True)
class Embedding:
    """Features of the test images of one network, as points of the unit disk (n, 2), by tangent PCA or HoroPCA.

    `means` are the midpoints of the classes' features, taken before the projection.
    """

    points: Float[np.ndarray, "n 2"]
    classes: Int[np.ndarray, " n"]
    is_right: Bool[np.ndarray, " n"]
    radii: Float[np.ndarray, " n"]
    confidence: Float[np.ndarray, " n"]
    means: Float[np.ndarray, "k 2"]
    explained: float
    regions: Int[np.ndarray, "g g"] | None = None
    centre: Float[np.ndarray, " 2"] | None = None


@dataclass(frozen=True)
class BatchMeans:
    """The mean of one batch norm at some steps (k,), as places (k, 2) of the unit disk with the ball's origin at 0.

    `target` is the point to which it moves the mean, `explained` the share of the path's size that the disk shows,
    `error` d(midpoint, Fréchet mean) / σ for test images, and `sigma` their standard deviation as a distance.
    """

    steps: Int[np.ndarray, " k"]
    path: Float[np.ndarray, "k 2"]
    target: Float[np.ndarray, " 2"]
    explained: float
    error: float
    sigma: float


@dataclass(frozen=True)
class TrainFrame(Frame):
    """What the training panel draws. `layers` names the rows of `radii` and `gradients` (layers, networks)."""

    models: tuple[str, ...]
    step: int
    embeddings: dict[str, Embedding]
    images: UInt8[np.ndarray, "n h w ch"]
    class_names: tuple[str, ...]
    layers: tuple[str, ...]
    radii: Float[np.ndarray, "l m"]
    gradients: Float[np.ndarray, "l m"]
    clipped: Float[np.ndarray, " l"]
    curvatures: Float[np.ndarray, " l"]
    accuracy: dict[str, float]
    delta: float
    projection: str
    means: dict[str, BatchMeans]


@dataclass(frozen=True)
class ExploreFrame(Frame):
    """Points of the unit disk (n, 2) with classes, and the edges of a tree; lengths are those of curvature -c."""

    points: Float[np.ndarray, "n 2"]
    classes: Int[np.ndarray, " n"]
    class_names: tuple[str, ...]
    edges: Int[np.ndarray, "e 2"]
    labels: tuple[str, ...] | None
    c: float


@dataclass(frozen=True)
class CollapseFrame(Frame):
    """Mean distance to the origin after each layer (layers + 1,), by initialisation, and what theory predicts."""

    names: tuple[str, ...]
    distances: Float[np.ndarray, "k l"]
    predicted: Float[np.ndarray, " l"]
    disks: dict[str, Float[np.ndarray, "n 2"]]


@dataclass(frozen=True)
class MeanFrame(Frame):
    """A cloud in the unit disk with its means, and a series of clouds in many dimensions."""

    points: Float[np.ndarray, "n 2"]
    midpoint: Float[np.ndarray, " 2"]
    frechet: Float[np.ndarray, " 2"]
    apart: float
    spread: float
    deviations: dict[str, Float[np.ndarray, " s"]]
    ratios: dict[str, Float[np.ndarray, " s"]]


@dataclass(frozen=True)
class TreeFrame(Frame):
    """Positions of the nodes in the disk and in the plane (n, 2), the edges (e, 2), and scores of both."""

    points: Float[np.ndarray, "n 2"]
    plane: Float[np.ndarray, "n 2"]
    edges: Int[np.ndarray, "e 2"]
    depth: Int[np.ndarray, " n"]
    labels: tuple[str, ...]
    step: int
    scores: dict[str, tuple[float, float, float]]


@dataclass(frozen=True)
class CostFrame(Frame):
    """Bytes that are saved for the backward pass, and milliseconds, of each map and network by kind of gradient."""

    names: tuple[str, ...]
    saved: dict[str, Float[np.ndarray, " m"]]
    milliseconds: dict[str, Float[np.ndarray, " m"]]


@dataclass(frozen=True)
class RobustnessFrame(Frame):
    """Accuracy under attack, and scores of known and strange images, by network."""

    models: tuple[str, ...]
    step: int
    epsilons: Float[np.ndarray, " e"]
    accuracy: dict[str, Float[np.ndarray, " e"]]
    curves: dict[str, tuple[np.ndarray, np.ndarray]]
    scores: dict[str, tuple[float, float, float]]
    known: dict[str, np.ndarray]
    strange: dict[str, np.ndarray]
    examples: UInt8[np.ndarray, "e h w ch"]
    guesses: dict[str, tuple[int, ...]]
