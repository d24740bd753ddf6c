"""Parameters, frames and answers of the four experiments: what the worker process and the panel both know."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np
from pydantic import model_validator

from workbench.sdk import Frame, Parameters, Preset, choice, choices, file, param

ModelName = Literal["pointer", "attention", "lstm"]
Solver = Literal["optimal", "a1", "a2", "a3"]
LABELS: dict[str, str] = {"pointer": "Ptr-Net", "attention": "LSTM + attention", "lstm": "LSTM"}
SOLVER_LABELS: dict[str, str] = {
    "optimal": "Optimal", "a1": "A1 nearest neighbour", "a2": "A2 greedy + 2-opt", "a3": "A3 Christofides + 2-opt",
}  # fmt: skip
MOST_POINTS = 60
"""Points that can be placed by hand."""


class TrainingParameters(Parameters):
    """What all experiments share."""

    models: tuple[ModelName, ...] = choices(
        ("pointer",), labels=LABELS, at_least=1, group="Model", help="Trained side by side on the same batches"
    )
    n_min: int = param(5, ge=3, le=50, label="points, from", group="Data", help="Fewest points of a training set")
    n_max: int = param(5, ge=3, le=50, label="points, to", group="Data",
                       help="Most points of a training set; the LSTMs' dictionary ends here")  # fmt: skip
    test_max: int = param(15, ge=3, le=60, label="test up to", group="Test",
                          help="Largest sets of the test, beyond what was trained")  # fmt: skip
    test_file: str = file(
        suffixes=(".txt",), group="Test", label="test file",
        help="Test sets in the authors' text format, in place of drawn ones",
    )  # fmt: skip
    test_sets: int = param(1000, ge=50, le=20_000, group="Test",
                           help="Test sets of the trained size at the end; a fifth of them while training")  # fmt: skip
    evaluate_every: int = param(250, ge=1, le=100_000, unit="steps", label="evaluate every", group="Test",
                                help="Steps between two looks at the test sets")  # fmt: skip
    beam: int = param(1, ge=1, le=20, live=True, group="Decoding", help="Candidates kept in the search; 1 is greedy")
    constrained: bool = param(False, live=True, group="Decoding", label="only valid outputs",
                              help="Mask what cannot lead to an output of the right form")  # fmt: skip
    hidden: int = param(64, ge=8, le=512, group="Model", help="Units of each LSTM")
    embedding: int = param(16, ge=0, le=128, group="Model", help="Linear embedding of the coordinates; 0 for none, "
                           "as in the paper")  # fmt: skip
    initial_range: float = param(
        0.2, gt=0, le=1, group="Model",
        help="All weights start uniform in ± this; the paper has 0.08 at 256 units, from which 64 units may take "
        "thousands of steps to begin to learn",
    )  # fmt: skip
    optimiser: Literal["adam", "sgd"] = choice("adam", labels={"adam": "Adam", "sgd": "SGD"}, group="Optimiser",
                                               help="The paper uses SGD at rate 1, which needs far longer")  # fmt: skip
    learning_rate: float = param(5e-3, ge=1e-5, le=2.0, log=True, live=True, group="Optimiser",
                                 help="Falls to zero over the last half of the steps")  # fmt: skip
    batch: int = param(128, ge=4, le=1024, group="Optimiser", help="Point sets in a batch, fresh at each step")
    clip: float = param(2.0, gt=0, le=100, group="Optimiser", help="Largest norm of the gradient")
    steps: int = param(3000, ge=1, le=1_000_000, live=True, unit="steps", group="Optimiser", help="Optimiser steps")

    @model_validator(mode="after")
    def _sizes_fit(self) -> TrainingParameters:
        if self.n_min > self.n_max:
            raise ValueError(f"points, from ({self.n_min}) must not be above points, to ({self.n_max})")
        if self.test_max < self.n_max:
            raise ValueError(f"test up to ({self.test_max}) must not be below points, to ({self.n_max})")
        return self


PAPER = {
    "hidden": 256, "embedding": 0, "learning_rate": 1e-3, "steps": 80_000, "evaluate_every": 2000, "beam": 3,
    "initial_range": 0.08,
}  # fmt: skip


class HullParameters(TrainingParameters):
    """Convex hull."""

    models: tuple[ModelName, ...] = choices(
        ("pointer", "attention", "lstm"), labels=LABELS, at_least=1, group="Model",
        help="Trained side by side on the same batches",
    )  # fmt: skip
    presets: ClassVar[tuple[Preset, ...]] = (
        Preset("three models", "Five points: the pointer pulls ahead within a minute.", {}, "under two minutes"),
        Preset("many sizes", "Trains the pointer on 5 to 10 points, and tests it on up to 20.",
               {"models": ("pointer",), "n_max": 10, "test_max": 20, "steps": 6000}, "about two minutes"),
        Preset("paper", "5 to 50 points, 256 units; Adam in place of SGD, as a public replication has it.",
               PAPER | {"models": ("pointer",), "n_max": 50, "test_max": 60}, "hours on a GPU"),
    )  # fmt: skip


class DelaunayParameters(TrainingParameters):
    """Delaunay triangulation."""

    n_max: int = param(5, ge=3, le=20, label="points, to", group="Data",
                       help="Most points of a training set; the LSTMs' dictionary ends here")  # fmt: skip
    test_max: int = param(10, ge=3, le=20, label="test up to", group="Test", help="Largest sets of the test")
    order: Literal["incentre", "random"] = choice(
        "incentre", labels={"incentre": "By incentre", "random": "Random"}, group="Data",
        help="In which order the triangles are taught",
    )  # fmt: skip
    presets: ClassVar[tuple[Preset, ...]] = (
        Preset("five points", "The smallest case of the paper.", {}, "under a minute"),
        Preset("without order", "The same triangles taught in random order: it learns far worse.", {"order": "random"}),
        Preset("paper", "Ten points, 256 units.", PAPER | {"n_min": 10, "n_max": 10, "test_max": 10}, "a GPU"),
    )


class TourParameters(TrainingParameters):
    """Travelling salesman."""

    n_max: int = param(5, ge=3, le=50, label="cities, to", group="Data",
                       help="Most cities of a training set; optimal labels go up to 10")  # fmt: skip
    test_max: int = param(12, ge=3, le=60, label="test up to", group="Test", help="Largest sets of the test")
    constrained: bool = param(True, live=True, group="Decoding", label="only valid tours",
                              help="Mask visited cities, and the stop symbol before the end")  # fmt: skip
    solver: Solver = choice("optimal", labels=SOLVER_LABELS, group="Data", help="Whose tours are taught")
    direction: Literal["ccw", "index"] = choice(
        "ccw", labels={"ccw": "Counter-clockwise", "index": "Smaller index second"}, group="Data",
        help="Which of the two equally long directions is taught; the paper does not say",
    )  # fmt: skip
    presets: ClassVar[tuple[Preset, ...]] = (
        Preset("five cities", "Optimal tours of five cities.", {}, "under a minute"),
        Preset("many sizes", "Five to eight cities, tested on up to 12: tours get longer than they should beyond 8.",
               {"n_max": 8, "steps": 5000}, "about two minutes"),
        Preset("direction by index", "The same tours with a direction that the points do not show: it hardly learns.",
               {"direction": "index"}),
        Preset("taught by A1", "The nearest neighbour's tours are all it sees.", {"solver": "a1", "n_max": 8}),
        Preset("paper", "Ten cities, 256 units.", PAPER | {"n_min": 10, "n_max": 10}, "a GPU"),
    )  # fmt: skip

    @model_validator(mode="after")
    def _solver_is_quick(self) -> TourParameters:
        most = {"optimal": 10, "a3": 20}.get(self.solver, 50)
        if self.n_max > most:
            raise ValueError(f"cities, to ({self.n_max}) must not be above {most} with tours by {self.solver}")
        return self


class SortParameters(TrainingParameters):
    """Sorting numbers."""

    test_max: int = param(10, ge=3, le=60, label="test up to", group="Test", help="Largest sets of the test")
    steps: int = param(1500, ge=1, le=1_000_000, live=True, unit="steps", group="Optimiser", help="Optimiser steps")
    presets: ClassVar[tuple[Preset, ...]] = (
        Preset("five numbers", "Learns in seconds: a good first thing to press.", {}),
        Preset("five to ten", "And does it know about fifteen?", {"n_max": 10, "test_max": 15, "steps": 4000}),
    )


@dataclass(frozen=True)
class ModelAnswer:
    """What one model makes of a point set. Slots are 1-based, 0 is the stop symbol; m is n + 1.

    `quality` is the share of area, triangles or places, or the tour's length. `refusal` says why there is no answer.
    """

    slots: np.ndarray  # (T,)
    probabilities: np.ndarray  # (T, m)
    log_probability: float
    is_right: bool
    is_valid: bool
    quality: float
    beams: tuple[tuple[np.ndarray, float], ...] = ()
    refusal: str = ""
    states: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))  # (n, 2) e_j on two principal axes
    explained: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class SetAnswer:
    """All answers to one point set, the true output, and for tours the heuristics' (name, length, slots)."""

    task: str
    points: np.ndarray  # (n, 2)
    truth: np.ndarray  # (k,) slots
    is_exact: bool
    answers: dict[str, ModelAnswer]
    others: tuple[tuple[str, float, np.ndarray], ...] = ()
    note: str = ""


@dataclass(frozen=True)
class PointerFrame(Frame):
    """The probe set's answers now, and the last look at the test sets.

    Tables are NaN where a model cannot run or nothing was valid. `ranks` has hull accuracy in the lowest, middle and
    highest third of mean input rank of the hull's points.
    """

    step: int
    evaluated: int
    tested: int
    models: tuple[str, ...]
    trained: tuple[int, int]
    probe: SetAnswer
    sizes: np.ndarray  # (k,)
    accuracy: np.ndarray  # (models, k)
    valid: np.ndarray  # (models, k)
    quality: np.ndarray  # (models, k)
    references: dict[str, np.ndarray] = field(default_factory=dict)  # each (k,)
    ranks: np.ndarray = field(default_factory=lambda: np.zeros((0, 3)))  # (models, 3)
