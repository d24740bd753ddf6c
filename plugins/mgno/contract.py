"""Parameters of the experiments: with `frames`, what the worker process and the panel both know."""

from __future__ import annotations

import re
from typing import ClassVar, Literal

from workbench.sdk import Parameters, Preset, choice, choices, file, param

DatasetName = Literal["darcy_rough", "darcy_smooth", "darcy_multiscale", "helmholtz", "pipe", "file"]
ModelName = Literal["mgno", "fno", "unet", "dilresnet"]
PaddingName = Literal["auto", "zeros", "reflect", "circular", "replicate"]
FormName = Literal["released", "mgnet", "classical"]
LossName = Literal["l2", "h1", "h1_uncut", "h1_differences", "h1_absolute"]
ActivationName = Literal["gelu", "relu", "tanh", "silu"]
ScalingName = Literal["global", "released", "pixelwise", "none"]

DATASETS: dict[str, str] = {
    "darcy_rough": "Darcy, rough (12 / 2)",
    "darcy_smooth": "Darcy, smooth (12 / 3)",
    "darcy_multiscale": "Darcy, multiscale",
    "helmholtz": "Helmholtz",
    "pipe": "Pipe (files)",
    "file": "File",
}
FROM_FILES = ("pipe", "file")
"""Data sets whose equation and solver are not known here."""
MODELS: dict[str, str] = {"mgno": "MgNO", "fno": "FNO", "unet": "U-Net", "dilresnet": "DilResNet"}
PADDINGS: dict[str, str] = {
    "auto": "From the boundary", "zeros": "Zeros (Dirichlet)", "reflect": "Reflect (Neumann)",
    "circular": "Circular (periodic)", "replicate": "Replicate",
}  # fmt: skip
FORMS: dict[str, str] = {
    "released": "Released: R f, Π u", "mgnet": "MgNet: R(f − Au) + A′Πu", "classical": "Classical: R(f − Au), 0",
}  # fmt: skip
SCALINGS: dict[str, str] = {
    "global": "Mean and deviation of all values", "released": "As released for the set",
    "pixelwise": "Mean and deviation of each pixel", "none": "None",
}  # fmt: skip
LOSSES: dict[str, str] = {
    "l2": "Relative L2", "h1": "Relative H1 (Fourier, cut at 20)", "h1_uncut": "Relative H1 (Fourier)",
    "h1_differences": "Relative H1 (differences)", "h1_absolute": "Absolute H1 (paper's Helmholtz)",
}  # fmt: skip


def smoothing_counts(text: str, levels: int) -> tuple[tuple[int, int], ...]:
    """Read "1/0 1/0 2/0" as (pre, post) for each level; a shorter list repeats its first entry before its last.

    Raises ValueError with one sentence.
    """
    words = text.replace(",", " ").split()
    pairs = []
    for word in words:
        found = re.fullmatch(r"([0-4])(?:/([0-4]))?", word)
        if found is None:
            raise ValueError(f"smoothings: {word!r} is not pre/post with numbers from 0 to 4")
        pairs.append((int(found[1]), int(found[2] or 0)))
    if not pairs:
        raise ValueError("smoothings: at least one pair pre/post is needed")
    while len(pairs) < levels:
        pairs.insert(1 if len(pairs) > 1 else 0, pairs[0])
    pairs = pairs[: levels - 1] + pairs[-1:] if len(pairs) > levels else pairs
    if pairs[0][0] < 1:
        raise ValueError("smoothings: the finest level needs one on the way down")
    return tuple(pairs)


class MgnoParameters(Parameters):
    """Sizes of an MgNO."""

    channels: int = param(12, ge=2, le=64, help="Functions in a layer (24 in the paper)", group="MgNO")
    layers: int = param(3, ge=1, le=8, help="Layers, each with a V-cycle (4 or 5 in the paper)", group="MgNO")
    levels: int = param(4, ge=1, le=7, help="Grids of a V-cycle (6 in the paper); the coarsest needs 3 points",
                        group="MgNO")  # fmt: skip
    smoothings: str = param("1/0 2/0", help="pre/post on each level, fine to coarse; the first repeats", group="MgNO")
    form: FormName = choice("released", help="What goes to the coarser grid", labels=FORMS, group="MgNO")
    padding: PaddingName = choice("auto", help="Boundary condition of every convolution", labels=PADDINGS, group="MgNO")
    pointwise: bool = param(
        True, label="1×1 branch", help="K_i beside each V-cycle, with a constant bias", group="MgNO"
    )
    activation: ActivationName = choice("gelu", help="Nonlinearity between layers", group="MgNO")


class FieldParameters(MgnoParameters):
    """Experiment "fields": models learn coefficient -> solution side by side."""

    dataset: DatasetName = choice("darcy_rough", help="What is learnt", labels=DATASETS, group="Data")
    path: str = file(
        help="A file of pairs: coeff/sol, x/y or a/u, samples first; NAME_x.npy beside NAME_y.npy; for the pipe "
        "NAME_X.npy beside NAME_Y.npy and NAME_Q.npy", suffixes=(".npz", ".mat", ".h5", ".npy"), label="file",
        group="Data",
    )  # fmt: skip
    stride: int = param(1, ge=1, le=16, label="every n-th point", help="Thins out the grid of a file", group="Data")
    n: int = param(48, ge=16, le=421, label="grid n", help="Points a side; a file brings its own", group="Data")
    refine: int = param(1, ge=1, le=8, label="finer truth", help="Solve on a grid so many times finer and keep every "
                        "such point: 2 in the paper for smooth and rough, 4 for multiscale", group="Data")  # fmt: skip
    train: int = param(256, ge=8, le=4000, log=True, label="training samples", help="Problems solved to learn from",
                       group="Data")  # fmt: skip
    test: int = param(64, ge=8, le=1000, log=True, label="test samples", help="Problems solved to test on",
                      group="Data")  # fmt: skip
    tau: float = param(5.0, ge=1.0, le=20.0, log=True, label="τ", help="Inverse length of the rough field",
                       group="Data")  # fmt: skip
    alpha: float = param(2.0, ge=1.5, le=4.0, label="α", help="Smoothness of the field", group="Data")
    high: float = param(12.0, ge=0.01, le=100.0, log=True, help="Coefficient of one phase (smooth: 12)", group="Data")
    low: float = param(2.0, ge=0.01, le=100.0, log=True, help="Coefficient of the other (smooth: 3)", group="Data")
    solver: Literal["cells", "nodes"] = choice(
        "cells", group="Data", labels={"cells": "Finite volumes, harmonic", "nodes": "As the shipped data (nodes)"},
        help="The true solver",
    )  # fmt: skip
    scaling: ScalingName = choice("global", help="How the networks' input is scaled", label="input scaling",
                                  labels=SCALINGS, group="Data")  # fmt: skip
    omega: float = param(400.0, ge=50.0, le=1000.0, label="ω", help="Helmholtz: angular frequency (1000 in the paper)",
                         group="Data")  # fmt: skip
    models: tuple[ModelName, ...] = choices(
        ("mgno", "fno"), help="Trained side by side on the same batches", labels=MODELS, at_least=1, group="Models"
    )
    fno_width: int = param(16, ge=4, le=64, label="FNO width", help="Channels of the FNO", group="Models")
    fno_modes: int = param(10, ge=2, le=64, label="FNO modes", help="Fourier modes kept along each axis",
                           group="Models")  # fmt: skip
    fno_padding: int = param(6, ge=0, le=32, label="FNO padding", help="Zeros at the far sides (9 at n = 421)",
                             group="Models")  # fmt: skip
    unet_width: int = param(8, ge=2, le=64, label="U-Net width", help="Channels of the first level (64 in the paper)",
                            group="Models")  # fmt: skip
    dil_channels: int = param(16, ge=4, le=96, label="DilResNet channels", help="48 in the paper", group="Models")
    loss: LossName = choice("h1_uncut", help="What is minimised", labels=LOSSES, group="Optimiser")
    learning_rate: float = param(1e-3, ge=1e-5, le=0.1, log=True, help="Largest step size of the one-cycle schedule",
                                 group="Optimiser")  # fmt: skip
    fno_learning_rate: float = param(2e-3, ge=1e-5, le=0.1, log=True, label="FNO learning rate",
                                     help="The same for the FNO", group="Optimiser")  # fmt: skip
    weight_decay: float = param(1e-4, ge=0.0, le=0.1, help="Inside the gradient (Adam, not AdamW)", group="Optimiser")
    batch: int = param(8, ge=1, le=128, unit="samples", help="Samples in a step", group="Optimiser")
    steps: int = param(512, ge=10, le=200_000, unit="steps", help="Optimiser steps: 16 epochs of 256 samples",
                       group="Optimiser")  # fmt: skip
    evaluate_every: int = param(32, ge=1, le=10_000, unit="steps", label="evaluate every",
                                help="Steps between two looks at the test set", group="Test")  # fmt: skip
    presets: ClassVar[tuple[Preset, ...]] = (
        Preset("Rough Darcy", "MgNO with a sixth of FNO's parameters on the same batches: FNO starts faster.", {}),
        Preset("Smooth Darcy", "The easier set: errors fall about twice as fast.",
               {"dataset": "darcy_smooth", "tau": 3.0, "high": 12.0, "low": 3.0}),
        Preset("Multiscale Darcy", "Contrast up to half a million; six scales in each coefficient.",
               {"dataset": "darcy_multiscale"}),
        Preset("Helmholtz", "Waves in random rock, all Neumann: the padding reflects.",
               {"dataset": "helmholtz", "n": 41, "levels": 4, "loss": "h1_differences"}),
        Preset("Equal sizes, more steps", "At 6000 steps MgNO is ahead of an FNO and a U-Net of its own size.",
               {"train": 1000, "test": 60, "steps": 6000, "evaluate_every": 200, "models": ("mgno", "fno", "unet"),
                "fno_modes": 4, "fno_width": 15, "fno_padding": 5, "unet_width": 3}, cost="15 minutes"),
        Preset("Four networks", "MgNO beside FNO, U-Net and DilResNet on the same batches.",
               {"models": ("mgno", "fno", "unet", "dilresnet")}, cost="4 minutes"),
        Preset("Paper: smooth Darcy", "As released: 5 layers of 24, six levels, every second point of 422 x 422.",
               {"dataset": "darcy_smooth", "tau": 3.0, "high": 12.0, "low": 3.0, "n": 211, "refine": 2, "train": 1000,
                "test": 100, "channels": 24, "layers": 5, "levels": 6, "batch": 8, "steps": 62_500,
                "learning_rate": 5e-4, "loss": "h1", "models": ("mgno",), "evaluate_every": 625, "scaling": "released"},
               cost="data: 15 minutes on one core; training: 40 minutes on a GPU, days on a laptop"),
        Preset("Paper: multiscale Darcy", "As released: 4 layers of 24, every fourth point of 1024 x 1024.",
               {"dataset": "darcy_multiscale", "n": 256, "refine": 4, "train": 1000, "test": 100, "channels": 24,
                "layers": 4, "levels": 6, "batch": 8, "steps": 62_500, "learning_rate": 5e-4, "loss": "h1",
                "models": ("mgno",), "evaluate_every": 625, "scaling": "released"},
               cost="data: 2.5 hours on one core; training: 45 minutes on a GPU, days on a laptop"),
        Preset("Paper: Helmholtz", "As released: 4 layers of 20, five levels, 101 x 101 points, 100 epochs.",
               {"dataset": "helmholtz", "n": 101, "omega": 1000.0, "train": 4000, "test": 200, "channels": 20,
                "layers": 4, "levels": 5, "smoothings": "1/0 2/0", "batch": 10, "steps": 40_000, "weight_decay": 1e-5,
                "learning_rate": 3e-4, "loss": "h1_absolute", "models": ("mgno",), "evaluate_every": 400},
               cost="data: 4 minutes on one core; training: half an hour on a GPU, a day on a laptop"),
        Preset("Paper: rough Darcy", "As released: 4 layers of 24, six levels, every second point of 512 x 512.",
               {"n": 256, "refine": 2, "train": 1280, "test": 112, "channels": 24, "layers": 4, "levels": 6, "batch": 8,
                "steps": 80_000, "learning_rate": 5e-4, "loss": "h1", "models": ("mgno",), "evaluate_every": 800,
                "scaling": "released"},
               cost="data: half an hour on one core; training: 45 minutes on a GPU, days on a laptop"),
        Preset("Paper: pipe flow", "Mesh to velocity from Geo-FNO's files: choose your Pipe_X.npy as the file.",
               {"dataset": "pipe", "train": 1000, "test": 200, "channels": 24, "layers": 5, "levels": 6,
                "smoothings": "1/0 1/0 1/0 1/0 1/1 2/0", "loss": "l2", "batch": 4, "steps": 125_000,
                "learning_rate": 3e-4, "models": ("mgno",), "evaluate_every": 2500, "scaling": "released"},
               cost="training: over an hour on a GPU, days on a laptop"),
    )  # fmt: skip


class LabParameters(Parameters):
    """Experiment "multigrid": a V-cycle with textbook stencils, then unfrozen."""

    n: Literal["15", "31", "63", "127"] = choice(
        "63", help="Points a side, boundary left out: 2^J - 1", group="Problem"
    )
    relaxation: float = param(0.8, ge=0.1, le=1.2, label="ω", help="Weight of damped Jacobi, S = ω (3/8) δ",
                              group="Cycle")  # fmt: skip
    pre: int = param(1, ge=1, le=4, help="Smoothings on the way down", group="Cycle")
    post: int = param(1, ge=0, le=4, help="Smoothings on the way up", group="Cycle")
    coarse: int = param(20, ge=1, le=50, label="coarsest sweeps", help="Smoothings on the 3 x 3 grid", group="Cycle")
    cycles: int = param(10, ge=1, le=40, help="Cycles shown", group="Cycle")
    batch: int = param(8, ge=1, le=64, help="Random right-hand sides in a step", group="Training")
    learning_rate: float = param(2e-3, ge=1e-5, le=0.1, log=True, live=True, help="Adam's step size", group="Training")
    steps: int = param(300, ge=10, le=20_000, live=True, unit="steps", help="Steps after unfreezing", group="Training")
    presets: ClassVar[tuple[Preset, ...]] = (
        Preset("Textbook", "Damped Jacobi at 0.8: the residual falls by six each cycle, on every grid.", {}),
        Preset("Under-relaxed", "A poor smoother, which training can mend.", {"relaxation": 0.3}),
    )


class BoundaryParameters(Parameters):
    """Experiment "boundary": three boundary conditions times three paddings."""

    n: int = param(32, ge=16, le=128, label="grid n", help="Points a side", group="Data")
    train: int = param(128, ge=16, le=2000, label="training samples", help="Random sources", group="Data")
    test: int = param(64, ge=8, le=500, label="test samples", help="Random sources", group="Data")
    channels: int = param(8, ge=2, le=48, help="Functions in a layer", group="MgNO")
    layers: int = param(
        1, ge=1, le=4, help="Layers; one without activation suffices for a linear problem", group="MgNO"
    )
    levels: int = param(4, ge=2, le=6, help="Grids of a V-cycle", group="MgNO")
    is_linear: bool = param(True, label="linear", help="No activation: a V-cycle and a 1×1 output", group="MgNO")
    learning_rate: float = param(5e-3, ge=1e-5, le=0.1, log=True, help="Largest step size", group="Optimiser")
    batch: int = param(16, ge=1, le=128, help="Samples in a step", group="Optimiser")
    steps: int = param(300, ge=10, le=20_000, unit="steps", help="Steps of each of the nine", group="Optimiser")
    evaluate_every: int = param(20, ge=1, le=1000, unit="steps", label="evaluate every", help="Between two looks",
                                group="Test")  # fmt: skip
    presets: ClassVar[tuple[Preset, ...]] = (
        Preset("Nine networks", "The padding that fits the boundary condition should win its row.", {}),
    )


class RolloutParameters(Parameters):
    """Experiment "rollout": Navier-Stokes, one step at a time."""

    dataset: Literal["generated", "file"] = choice(
        "generated", labels={"generated": "Solved here", "file": "File"}, help="Where flows come from", group="Data"
    )
    path: str = file(help="Flows u (N, n, n, times) as in FNO's sets, or (N, times, n, n)",
                     suffixes=(".mat", ".npz", ".h5", ".npy"), label="file", group="Data")  # fmt: skip
    n: int = param(64, ge=16, le=128, label="grid n", help="Points a side; a file brings its own", group="Data")
    viscosity: float = param(1e-3, ge=1e-5, le=0.1, log=True, label="ν", help="1e-5 in the paper", group="Data")
    trajectories: int = param(64, ge=8, le=1000, log=True, help="Flows to learn from (1000 in the paper)", group="Data")
    test: int = param(16, ge=4, le=200, label="test flows", help="Flows to test on", group="Data")
    frames: int = param(10, ge=2, le=20, help="Frames of each flow, one unit of time apart", group="Data")
    history: int = param(1, ge=1, le=10, label="frames in", help="Frames that a model reads: 1 as released, 10 as "
                         "FNO's", group="Data")  # fmt: skip
    unroll: int = param(1, ge=1, le=10, label="frames out", help="Frames that training goes on from its own answers: 1 "
                        "as released, 10 in FNO's layout", group="Data")  # fmt: skip
    refine: int = param(1, ge=1, le=4, label="finer truth", help="Solve on a grid so many times finer and keep every "
                        "such point: 4 in the paper", group="Data")  # fmt: skip
    scheme: Literal["heun", "euler"] = choice(
        "heun", labels={"heun": "Heun", "euler": "Euler (the paper's)"}, help="Of the true solver in time", group="Data"
    )
    time_step: float = param(2e-2, ge=1e-4, le=5e-2, log=True, help="Of the true solver (1e-4 in the paper)",
                             group="Data")  # fmt: skip
    channels: int = param(8, ge=2, le=48, help="Functions in a layer (32 in the paper)", group="MgNO")
    layers: int = param(3, ge=1, le=8, help="Layers (5 in the paper)", group="MgNO")
    levels: int = param(4, ge=2, le=6, help="Grids of a V-cycle (5 in the paper)", group="MgNO")
    norm: bool = param(
        True,
        label="LayerNorm",
        help="In the cycles, as released: its weights by pixel say where a pixel is",
        group="MgNO",
    )
    models: tuple[Literal["mgno", "fno"], ...] = choices(
        ("mgno",), help="Trained side by side", labels=MODELS, at_least=1, group="Models"
    )
    fno_width: int = param(16, ge=4, le=64, label="FNO width", help="Channels of the FNO", group="Models")
    fno_modes: int = param(8, ge=2, le=32, label="FNO modes", help="Fourier modes kept", group="Models")
    learning_rate: float = param(2e-3, ge=1e-5, le=0.1, log=True, help="Largest step size", group="Optimiser")
    batch: int = param(16, ge=1, le=128, help="Pairs of frames in a step", group="Optimiser")
    steps: int = param(300, ge=10, le=100_000, unit="steps", help="Optimiser steps", group="Optimiser")
    evaluate_every: int = param(50, ge=1, le=1000, unit="steps", label="evaluate every", help="Between two looks",
                                group="Test")  # fmt: skip
    presets: ClassVar[tuple[Preset, ...]] = (
        Preset("Slow vortices", "nu = 1e-3: a step is a gentle change, and errors add up slowly.", {}),
        Preset("As released", "5 layers of 32, five levels, LayerNorm, nu = 1e-5, 1000 flows.",
               {"viscosity": 1e-5, "trajectories": 1000, "test": 100, "frames": 20, "channels": 32, "layers": 5,
                "levels": 5, "norm": True, "steps": 100_000, "batch": 64, "learning_rate": 1e-3},
               cost="data: half an hour on one core; training: an hour on a GPU"),
        Preset("As released, their solver", "The same with data from Euler steps of 1e-4 on 256 x 256 points.",
               {"viscosity": 1e-5, "trajectories": 1000, "test": 100, "frames": 20, "channels": 32, "layers": 5,
                "levels": 5, "norm": True, "steps": 100_000, "batch": 64, "learning_rate": 1e-3, "refine": 4,
                "time_step": 1e-4, "scheme": "euler"},
               cost="data: six days on one core; training: an hour on a GPU"),
        Preset("Ten frames in, ten out", "FNO's layout: ten frames are given, ten follow and are trained on.",
               {"frames": 19, "history": 10, "unroll": 10, "trajectories": 48, "batch": 4, "steps": 120,
                "models": ("mgno", "fno")}, cost="4 minutes"),
    )  # fmt: skip
