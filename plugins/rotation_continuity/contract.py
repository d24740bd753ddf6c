"""Parameters of the six experiments: with `frames`, what the worker process and the panel both know."""

from __future__ import annotations

from typing import ClassVar, Literal

from workbench.sdk import Parameters, Preset, choice, choices, file, param

RepresentationName = Literal[
    "6d", "5d", "quaternion", "axis_angle", "rodrigues", "euler",
    "matrix", "svd", "half_quaternion", "euler_sin_cos", "hopf",
]  # fmt: skip
SizedName = Literal["gram_schmidt", "stereographic", "lie", "matrix", "svd"]
PathName = Literal["turn", "flip", "gimbal", "circle", "wobble", "tumble"]

LABELS: dict[str, str] = {
    "6d": "6D",
    "5d": "5D",
    "quaternion": "Quaternion",
    "axis_angle": "Axis-angle",
    "rodrigues": "Rodrigues",
    "euler": "Euler",
    "matrix": "3×3 matrix",
    "svd": "9D + SVD",
    "half_quaternion": "Half quaternion",
    "euler_sin_cos": "Euler sin-cos",
    "hopf": "Hopf",
    "gram_schmidt": "Gram–Schmidt",
    "stereographic": "Stereographic",
    "lie": "Lie algebra",
}
DIMENSIONS: dict[str, int] = {
    "6d": 6, "5d": 5, "quaternion": 4, "axis_angle": 4, "rodrigues": 3, "euler": 3,
    "matrix": 9, "svd": 9, "half_quaternion": 4, "euler_sin_cos": 6, "hopf": 3,
}  # fmt: skip
FIVE: tuple[RepresentationName, ...] = ("6d", "5d", "quaternion", "axis_angle", "euler")
CLOUD_SUFFIXES = (".obj", ".ply", ".off", ".stl", ".pts", ".xyz", ".npy")
MOTION_SUFFIXES = (".bvh", ".amc")


def _representations(default: tuple[RepresentationName, ...] = FIVE) -> tuple[RepresentationName, ...]:
    return choices(default, help="What the networks put out, trained side by side on the same batches",
                   labels=LABELS, at_least=1, group="Representations")  # fmt: skip


def _seeds() -> int:
    return param(1, ge=1, le=5, help="Networks of each representation, with their own weights and data",
                 group="Representations")  # fmt: skip


def _steps(default: int, maximum: int = 3_000_000) -> int:
    return param(default, ge=10, le=maximum, live=True, unit="steps", help="Optimiser steps", group="Optimiser")


def _learning_rate(default: float) -> float:
    return param(default, ge=1e-6, le=0.1, log=True, live=True, help="Adam's step size", group="Optimiser")


def _drop_fraction(default: float) -> float:
    return param(default, ge=0.0, le=1.0, live=True, label="drop at",
                 help="Share of the steps after which the learning rate drops", group="Optimiser")  # fmt: skip


def _drop_factor(default: float) -> float:
    return param(default, gt=0.0, le=1.0, live=True, label="drop to",
                 help="What the learning rate is multiplied by when it drops", group="Optimiser")  # fmt: skip


def _every(default: int) -> int:
    return param(default, ge=1, le=100_000, unit="steps", label="evaluate every",
                 help="Steps between two looks at the test set", group="Test")  # fmt: skip


def _loss() -> Literal["l2", "geodesic"]:
    return choice("l2", help="Mean squared difference of the matrices, or the mean angle between them",
                  labels={"l2": "L2 of matrices", "geodesic": "Geodesic angle"}, group="Optimiser")  # fmt: skip


def _sampler() -> Literal["haar", "uniform_angle", "capped"]:
    return choice("haar", help="Distribution of the rotations, in training and test", group="Data",
                  labels={"haar": "Uniform (Haar)", "uniform_angle": "Uniform angle (official code)",
                          "capped": "Uniform, up to the cap"})  # fmt: skip


def _cap() -> float:
    return param(180.0, ge=5.0, le=180.0, unit="degrees", label="angle cap", group="Data",
                 help="Largest rotation angle, where the sampler is the capped one")  # fmt: skip


class SanityParameters(Parameters):
    """Sanity test (section 3.6): an autoencoder of rotation matrices through each representation."""

    representations: tuple[RepresentationName, ...] = _representations()
    seeds: int = _seeds()
    loss: Literal["l2", "geodesic"] = _loss()
    sampler: Literal["haar", "uniform_angle", "capped"] = _sampler()
    cap: float = _cap()
    batch: int = param(128, ge=8, le=1024, help="Rotations in a batch, fresh at each step", group="Data")
    steps: int = _steps(2500)
    learning_rate: float = _learning_rate(1e-3)
    drop_fraction: float = _drop_fraction(0.7)
    drop_factor: float = _drop_factor(0.1)
    width: int = param(128, ge=16, le=1024, help="Units of each hidden layer", group="Model")
    depth: int = param(3, ge=1, le=8, help="Hidden layers", group="Model")
    evaluate_every: int = _every(50)
    test_rotations: int = param(20_000, ge=500, le=100_000, group="Test",
                                help="Test rotations at the end; while training the first 1500 are used")  # fmt: skip

    presets: ClassVar[tuple[Preset, ...]] = (
        Preset("laptop", "Shows the paper's effect in well under a minute on one core.", {}),
        Preset(
            "paper",
            "The official code's recipe: lr 1e-5, then 1e-6 from iteration 10 000, batch 64, 100 000 test rotations.",
            {"steps": 500_001, "learning_rate": 1e-5, "drop_fraction": 0.02, "drop_factor": 0.1, "batch": 64,
             "evaluate_every": 5000, "test_rotations": 100_000},
            "about an hour on a laptop core, 15 min on a GPU",
        ),
        Preset(
            "everything",
            "All eleven representations of the paper, its code and SVD: see which ones tear.",
            {"representations": tuple(DIMENSIONS)},
            "about a minute",
        ),
        Preset(
            "small angles",
            "Rotations of at most 60 degrees: no half turn is near, so quaternions do well.",
            {"sampler": "capped", "cap": 60.0},
        ),
    )  # fmt: skip


class CloudsParameters(Parameters):
    """Relative rotation of two point clouds (section 3.7)."""

    representations: tuple[RepresentationName, ...] = _representations(("6d", "5d", "quaternion", "euler"))
    seeds: int = _seeds()
    shapes: Literal["tripod", "planes", "file"] = choice(
        "tripod", help="What is rotated", group="Data",
        labels={"tripod": "Tripods (fast)", "planes": "Aeroplanes (slow)", "file": "My own shapes"},
    )  # fmt: skip
    shape_file: str = file("", help="A mesh or a cloud, used where the shapes are my own", suffixes=CLOUD_SUFFIXES,
                           group="Data")  # fmt: skip
    whole_folder: bool = param(False, help="Use every shape in that file's folder: a fifth of them for the test",
                               group="Data")  # fmt: skip
    points: int = param(48, ge=16, le=2048, help="Points of each cloud", group="Data")
    noise: float = param(0.02, ge=0.0, le=0.2, help="Standard deviation of the points' noise, the shape's radius = 1",
                         group="Data")  # fmt: skip
    sampler: Literal["haar", "uniform_angle", "capped"] = _sampler()
    cap: float = _cap()
    clouds: int = param(48, ge=1, le=256, label="clouds a batch", help="Clouds in a batch", group="Data")
    rotations: int = param(1, ge=1, le=64, label="rotations a cloud", help="Rotations of each cloud in a batch",
                           group="Data")  # fmt: skip
    translate: bool = param(False, help="Also move the second cloud, and regress by how much", group="Data")
    loss: Literal["l2", "geodesic"] = _loss()
    steps: int = _steps(800)
    learning_rate: float = _learning_rate(2e-3)
    drop_fraction: float = _drop_fraction(0.7)
    drop_factor: float = _drop_factor(0.2)
    size: Literal["small", "paper"] = choice(
        "small", help="Widths of the extractor, and of the head's hidden layer", group="Model",
        labels={"small": "32-64-96, head 192", "paper": "64-128-1024, head 512"},
    )  # fmt: skip
    evaluate_every: int = _every(40)
    test_clouds: int = param(100, ge=5, le=1000, help="Test clouds", group="Test")
    test_rotations: int = param(10, ge=1, le=100, label="rotations a test cloud", help="Rotations of each test cloud",
                                group="Test")  # fmt: skip

    presets: ClassVar[tuple[Preset, ...]] = (
        Preset("laptop", "Tripods show their axes to a small network, so it learns in a minute.", {}),
        Preset(
            "aeroplanes",
            "Generated aeroplanes look like the paper's data and are as slow: 6D gets from 126 to about 100 degrees.",
            {"shapes": "planes", "points": 96, "steps": 5000, "learning_rate": 5e-4},
            "about 4 min",
        ),
        Preset(
            "paper",
            "The official recipe on your own ShapeNet aeroplanes (choose a file and its whole folder): 10 rotations "
            "of one cloud a batch.",
            {"shapes": "file", "whole_folder": True, "points": 1024, "clouds": 1, "rotations": 10, "size": "paper",
             "steps": 2_500_000, "learning_rate": 1e-5, "drop_fraction": 1.0, "test_clouds": 400, "noise": 0.0,
             "evaluate_every": 10_000},
            "days on a GPU",
        ),
    )  # fmt: skip


class KinematicsParameters(Parameters):
    """Inverse kinematics (section 3.8): joint rotations from joint positions, scored through forward kinematics."""

    representations: tuple[RepresentationName, ...] = _representations()
    seeds: int = _seeds()
    motion_file: str = file("", help="A motion to learn instead of the generated poses (.amc needs its .asf)",
                            suffixes=MOTION_SUFFIXES, group="Data")  # fmt: skip
    skeleton_file: str = file("", help="The .asf skeleton of an .amc motion; empty: the one beside it",
                              suffixes=(".asf",), group="Data")  # fmt: skip
    poses: Literal["random", "walk", "mixed"] = choice(
        "random", help="Generated training poses", group="Data",
        labels={"random": "Random joint angles", "walk": "Walk cycle", "mixed": "Half and half"},
    )  # fmt: skip
    yaw: float = param(360.0, ge=0.0, le=360.0, unit="degrees", label="yaw range", group="Data",
                       help="Random turn about the vertical: its full range breaks discontinuous codes")  # fmt: skip
    batch: int = param(64, ge=8, le=1024, help="Poses in a batch", group="Data")
    hip_weight: float = param(10.0, ge=0.0, le=1000.0, live=True, group="Optimiser",
                              help="Weight of the root's children, which pin the root's rotation")  # fmt: skip
    steps: int = _steps(900)
    learning_rate: float = _learning_rate(1e-3)
    drop_fraction: float = _drop_fraction(0.75)
    drop_factor: float = _drop_factor(0.2)
    width: int = param(256, ge=16, le=1024, help="Units of each hidden layer", group="Model")
    depth: int = param(3, ge=1, le=8, help="Hidden layers", group="Model")
    evaluate_every: int = _every(25)
    test_poses: int = param(4000, ge=100, le=20_000, group="Test",
                            help="Test poses at the end; while training the first 400 are used")  # fmt: skip

    presets: ClassVar[tuple[Preset, ...]] = (
        Preset("laptop", "21 joints, random poses in all directions: tails differ within half a minute.", {}),
        Preset(
            "facing forward",
            "Without the random yaw no representation has to cross its seam, and they come close to each other.",
            {"yaw": 0.0},
        ),
        Preset(
            "paper",
            "The official recipe on your own CMU motion (choose a .bvh).",
            {"steps": 1_960_000, "learning_rate": 1e-5, "drop_fraction": 1.0, "width": 1024, "evaluate_every": 5000},
            "about a day on a GPU",
        ),
    )


class TearParameters(Parameters):
    """Tear explorer: where exactly a trained network turns the wrong way."""

    representations: tuple[RepresentationName, ...] = _representations(
        ("6d", "5d", "quaternion", "axis_angle", "rodrigues", "euler")
    )
    weights_file: str = file("", help="Networks exported from the sanity test; empty: train them here",
                             suffixes=(".safetensors",), group="Model")  # fmt: skip
    steps: int = _steps(1500)
    learning_rate: float = _learning_rate(1e-3)
    drop_fraction: float = _drop_fraction(0.7)
    drop_factor: float = _drop_factor(0.1)
    batch: int = param(128, ge=8, le=1024, help="Rotations in a batch", group="Data")
    width: int = param(128, ge=16, le=1024, help="Units of each hidden layer", group="Model")
    depth: int = param(3, ge=1, le=8, help="Hidden layers", group="Model")
    samples: int = param(4096, ge=256, le=16_384, help="Points on a loop before the tear is refined", group="Loops")
    axes: int = param(200, ge=10, le=5000, help="Axes swept for the tear surface", group="Loops")
    evaluate_every: int = _every(100)

    presets: ClassVar[tuple[Preset, ...]] = (
        Preset("laptop", "Enough training that the tears are thin; about 20 s on one core.", {}),
        Preset("untrained", "The theorem needs no training: ten steps, and every loop tears all the same.",
               {"steps": 10}),
        Preset("fine surface", "A thousand axes: the tear surface becomes a sheet.", {"axes": 1000}, "about a minute"),
    )  # fmt: skip


class SpecialOrthogonalParameters(Parameters):
    """SO(n) autoencoder (section 3.4)."""

    n: int = param(4, ge=2, le=6, help="Rotations of n-dimensional space", group="Data")
    representations: tuple[SizedName, ...] = choices(
        ("gram_schmidt", "stereographic", "lie"), help="What the networks put out", labels=LABELS, at_least=1,
        group="Representations",
    )  # fmt: skip
    seeds: int = _seeds()
    batch: int = param(128, ge=8, le=1024, help="Rotations in a batch, fresh at each step", group="Data")
    steps: int = _steps(1500)
    learning_rate: float = _learning_rate(1e-3)
    drop_fraction: float = _drop_fraction(0.7)
    drop_factor: float = _drop_factor(0.1)
    width: int = param(128, ge=16, le=1024, help="Units of each hidden layer", group="Model")
    depth: int = param(3, ge=1, le=8, help="Hidden layers", group="Model")
    evaluate_every: int = _every(50)
    test_rotations: int = param(5000, ge=500, le=50_000, help="Test rotations", group="Test")

    presets: ClassVar[tuple[Preset, ...]] = (
        Preset("laptop", "Four dimensions: 12 and 10 numbers for a rotation that has 6 degrees of freedom.", {}),
        Preset("the plane", "n = 2: an angle (Lie algebra) against its cosine and sine (Gram-Schmidt).", {"n": 2}),
        Preset("six dimensions", "The construction does not mind: 30 and 26 numbers.", {"n": 6, "steps": 3000}),
    )


class ContinuityParameters(Parameters):
    """Continuity lab: every encoder along a path of rotations, without training."""

    representations: tuple[RepresentationName, ...] = _representations(
        ("6d", "5d", "quaternion", "axis_angle", "rodrigues", "euler")
    )
    path: PathName = choice(
        "turn", help="The path to walk", group="Path",
        labels={"turn": "Full turn about z", "flip": "Across a half turn", "gimbal": "Through gimbal lock",
                "circle": "Full turn of a tilted frame", "wobble": "Small loop around a half turn",
                "tumble": "Tumbling body"},
    )  # fmt: skip
    samples: int = param(720, ge=90, le=5000, help="Rotations on the path", group="Path")
    pace: float = param(240.0, ge=0.0, le=5000.0, live=True, unit="samples/s", group="Path",
                        help="How fast to walk; 0: as fast as it goes")  # fmt: skip

    presets: ClassVar[tuple[Preset, ...]] = (
        Preset("full turn", "The two-dimensional story in three: only 6D, 5D and matrices close without a jump.", {}),
        Preset("half turn", "Where quaternions with w >= 0 and rotation vectors jump.", {"path": "flip"}),
        Preset("gimbal lock", "Where Euler angles jump although nothing else does.", {"path": "gimbal"}),
    )
