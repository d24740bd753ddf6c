"""What the experiments show and answer: frozen dataclasses of numpy arrays."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from workbench.sdk import Frame


@dataclass(frozen=True)
class ProblemCard:
    """What the panel must know of a problem to draw it."""

    title: str
    equation: str
    input_label: str
    output_label: str
    axis_labels: tuple[str, ...]
    axes: tuple[Float[np.ndarray, " q"], ...]
    interval: tuple[float, float]
    is_ode: bool
    is_discrete: bool


@dataclass(frozen=True)
class Response:
    """What the network and the true solver make of one input.

    `truth` is None where it was not asked for. `outside` is the Mahalanobis distance per sensor under the training
    process; `kappa` what the sensors lose of u, `bound` what theorem 2 makes of it (NaN where it does not apply).
    """

    u: Float[np.ndarray, " k"]
    sensor_x: Float[np.ndarray, " m"]
    sensor_u: Float[np.ndarray, " m"]
    prediction: Float[np.ndarray, "*grid"]
    truth: Float[np.ndarray, "*grid"] | None
    coefficients: Float[np.ndarray, " p"]
    contributions: Float[np.ndarray, " p"]
    outside: float
    relative_l2: float
    largest_error: float
    kappa: float
    bound: float
    step: int
    milliseconds: float = 0.0
    beyond_x: Float[np.ndarray, " e"] | None = None
    beyond: Float[np.ndarray, " e"] | None = None
    """What the network says past the end of the interval it was trained on, for functions of one variable."""
    velocity: Float[np.ndarray, " q"] | None = None


@dataclass(frozen=True)
class OperatorFrame(Frame):
    """Experiment "operator"."""

    step: int
    problem: ProblemCard
    response: Response
    case: int
    cases: int
    basis: Float[np.ndarray, "k q"]
    basis_x: Float[np.ndarray, " q"]
    basis_index: tuple[int, ...]
    singular_values: Float[np.ndarray, " p"]
    snapshots: tuple[int, ...]
    numbers: dict[str, float]
    parameters: int
    lost: int
    """Triples left out because the true solution is not finite there."""


@dataclass(frozen=True)
class SweepFrame(Frame):
    """Experiments "duel", "sensors", "scaling": errors of every member, and what the members are."""

    step: int
    title: str
    x_label: str
    labels: tuple[str, ...]
    """Groups: architectures, or curves of a sweep."""
    x: Float[np.ndarray, "g k"]
    train: Float[np.ndarray, "g k s"]
    test: Float[np.ndarray, "g k s"]
    trimmed: Float[np.ndarray, "g k s"]
    variance: Float[np.ndarray, " g"]
    parameters: tuple[int, ...]
    milliseconds: tuple[float, ...]
    fits: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    elbows: tuple[float, ...] = ()
    examples: dict[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class ShiftFrame(Frame):
    """Experiment "shift"."""

    step: int
    trained: float
    scales: Float[np.ndarray, " k"]
    distance: Float[np.ndarray, " k"]
    relative: Float[np.ndarray, "k s"]
    mse: Float[np.ndarray, "k s"]
    others: tuple[str, ...]
    others_relative: Float[np.ndarray, "o s"]
    x: Float[np.ndarray, " q"]
    inputs: Float[np.ndarray, "k n"]
    truths: Float[np.ndarray, "k q"]
    predictions: Float[np.ndarray, "k q"]
    input_x: Float[np.ndarray, " n"]


@dataclass(frozen=True)
class StochasticFrame(Frame):
    """Experiment "stochastic": curves for one length scale, and errors over all."""

    step: int
    title: str
    x: Float[np.ndarray, " q"]
    length_scale: float
    truth: Float[np.ndarray, "k q"]
    prediction: Float[np.ndarray, "k q"]
    modes_x: Float[np.ndarray, " j"]
    modes: Float[np.ndarray, "i j"]
    scales: Float[np.ndarray, " n"]
    errors: Float[np.ndarray, " n"]
    numbers: dict[str, float]
    is_path: bool


@dataclass(frozen=True)
class DiscAnswer:
    """The fractional Laplacian of one function on the disc, at one order; images cover [-1, 1]^2, NaN outside."""

    order: float
    known_order: float
    """The order nearest to it that the CNN has an image of."""
    input: Float[np.ndarray, "n n"]
    coefficients: Float[np.ndarray, " c"]
    truth: Float[np.ndarray, "n n"]
    predictions: Float[np.ndarray, "k n n"]
    relative: tuple[float, ...]
    milliseconds: tuple[float, ...]


@dataclass(frozen=True)
class FractionalFrame(Frame):
    """Experiment "fractional"."""

    step: int
    models: tuple[str, ...]
    answer: DiscAnswer
    cases: int
    orders: Float[np.ndarray, " o"]
    errors: Float[np.ndarray, "k o"]
    """Relative L2 over the test functions by order, NaN where a network knows nothing of an order."""
    parameters: tuple[int, ...]
    numbers: dict[str, float]
