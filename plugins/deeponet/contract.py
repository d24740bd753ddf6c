"""Parameters of the experiments: with `frames`, what the worker process and the panel both know."""

from __future__ import annotations

from typing import ClassVar, Literal

from workbench.sdk import Parameters, Preset, choice, choices, param

ProblemName = Literal[
    "antiderivative", "nonlinear", "pendulum", "diffusion_reaction", "legendre", "advection_1", "advection_2",
    "advection_3", "advection_4", "advection_diffusion", "caputo", "caputo_orders",
]  # fmt: skip
OdeName = Literal["antiderivative", "nonlinear", "pendulum"]
SpaceName = Literal["grf_rbf", "grf_ae", "chebyshev", "power"]
ModelName = Literal["unstacked", "unstacked_plain", "stacked", "stacked_plain", "fnn", "resnet", "seq2seq"]
ActivationName = Literal["relu", "tanh", "gelu", "sin"]
StochasticName = Literal["sode_mean", "sode_path", "spde_mean", "spde_path"]

PROBLEMS: dict[str, str] = {
    "antiderivative": "Antiderivative",
    "nonlinear": "Nonlinear ODE",
    "pendulum": "Gravity pendulum",
    "diffusion_reaction": "Diffusion–reaction",
    "legendre": "Legendre transform",
    "advection_1": "Advection I (initial value)",
    "advection_2": "Advection II (inflow)",
    "advection_3": "Advection III (speed, inflow)",
    "advection_4": "Advection IV (speed, periodic)",
    "advection_diffusion": "Advection–diffusion",
    "caputo": "Caputo derivative",
    "caputo_orders": "Caputo, all orders",
}
SPACES: dict[str, str] = {
    "grf_rbf": "GRF, RBF kernel",
    "grf_ae": "GRF, exponential kernel",
    "chebyshev": "Chebyshev series",
    "power": "Power series",
}
MODELS: dict[str, str] = {
    "unstacked": "Unstacked",
    "unstacked_plain": "Unstacked, no bias",
    "stacked": "Stacked",
    "stacked_plain": "Stacked, no bias",
    "fnn": "FNN",
    "resnet": "ResNet",
    "seq2seq": "Seq2Seq",
}
FRACTIONAL_MODELS: dict[str, str] = {"deeponet": "DeepONet", "cnn": "CNN"}
STOCHASTIC: dict[str, str] = {
    "sode_mean": "SODE, mean",
    "sode_path": "SODE, path",
    "spde_mean": "SPDE, mean",
    "spde_path": "SPDE, path",
}


class ProblemParameters(Parameters):
    """What decides a problem and its input space."""

    problem: ProblemName = choice("antiderivative", help="The operator to learn", labels=PROBLEMS, group="Problem")
    duration: float = param(1.0, ge=0.5, le=5.0, label="T", help="Length of the interval, for the three ODEs",
                            group="Problem")  # fmt: skip
    pendulum_k: float = param(1.0, ge=0.0, le=10.0, unit="1/s²", label="pendulum k",
                              help="Gravity over length of the pendulum", group="Problem")  # fmt: skip
    diffusivity: float = param(0.01, ge=1e-4, le=0.1, log=True, label="D", help="Diffusion–reaction: diffusivity",
                               group="Problem")  # fmt: skip
    reaction: float = param(0.01, ge=-0.1, le=0.1, label="reaction k", help="Diffusion–reaction: rate of k s²",
                            group="Problem")  # fmt: skip
    alpha: float = param(0.5, ge=0.05, le=0.95, label="α", help="Order of the Caputo derivative", group="Problem")
    space: SpaceName = choice("grf_rbf", help="Where input functions are drawn from", labels=SPACES, group="Inputs")
    length_scale: float = param(0.2, ge=0.05, le=2.0, log=True, label="length scale l",
                                help="Correlation length of the Gaussian process", group="Inputs")  # fmt: skip


class NetworkParameters(ProblemParameters):
    """A problem, and the size of a DeepONet."""

    width: int = param(40, ge=5, le=512, help="Units of a hidden layer (100 in the paper's PDEs)", group="Network")
    basis: int = param(40, ge=2, le=512, label="p", help="Basis functions: outputs of branch and trunk",
                       group="Network")  # fmt: skip
    branch_depth: int = param(2, ge=1, le=6, label="branch layers", help="Dense layers of the branch", group="Network")
    trunk_depth: int = param(2, ge=1, le=6, label="trunk layers", help="Dense layers of the trunk", group="Network")
    activation: ActivationName = choice("relu", help="Nonlinearity; a ReLU trunk makes kinks in y", group="Network")
    learning_rate: float = param(1e-3, ge=1e-5, le=0.1, log=True, live=True, help="Adam's step size",
                                 group="Optimiser")  # fmt: skip


def _steps(default: int) -> int:
    return param(default, ge=10, le=500_000, live=True, unit="steps", help="Optimiser steps", group="Optimiser")


def _batch(default: int = 1000) -> int:
    return param(default, ge=0, le=1_000_000, unit="triples", help="Triples in a step; 0 takes all of them",
                 group="Optimiser")  # fmt: skip


def _every(default: int) -> int:
    return param(default, ge=1, le=100_000, unit="steps", label="evaluate every",
                 help="Steps between two looks at the test set", group="Test")  # fmt: skip


def _triples(default: int = 10_000) -> int:
    return param(default, ge=100, le=1_000_000, log=True, unit="triples", label="training triples",
                 help="Triples (u, y, G(u)(y)) to learn from", group="Data")  # fmt: skip


def _points() -> int:
    return param(0, ge=0, le=10_000, label="points per function",
                 help="Locations y for each u; 0: one for ODEs, 10 of Legendre's 20, 100 for PDEs",
                 group="Data")  # fmt: skip


def _tests(default: int = 10_000) -> int:
    return param(default, ge=100, le=1_000_000, log=True, unit="triples", label="test triples",
                 help="Triples of functions that are not trained on (100 000 in the paper)", group="Test")  # fmt: skip


def _seeds(default: int = 3) -> int:
    return param(default, ge=1, le=10, help="Networks of each kind, with data and weights of their own",
                 group="Data")  # fmt: skip


class OperatorParameters(NetworkParameters):
    """Experiment "operator": one DeepONet on one problem."""

    sensors: int = param(100, ge=1, le=200, label="sensors m", help="Points at which u is read", group="Inputs")
    layout: Literal["equispaced", "random", "dragged"] = choice(
        "equispaced", help="Where the sensors are; dragged ones are listed below", group="Inputs"
    )
    positions: str = param("", help="Positions of dragged sensors in [0, 1] of the interval, separated by spaces",
                           label="dragged to", group="Inputs")  # fmt: skip
    noise: float = param(0.0, ge=0.0, le=0.5, unit="of std(u)", label="sensor noise",
                         help="Gaussian noise on the readings, in training and test", group="Inputs")  # fmt: skip
    pairing: Literal["triples", "aligned"] = choice(
        "triples", group="Data",
        labels={"triples": "Triples (each u its own y)", "aligned": "Aligned (all u share y)"},
        help="Aligned data need only one product of branch and trunk matrices",
    )  # fmt: skip
    triples: int = _triples()
    points: int = _points()
    stacked: bool = param(False, help="p separate branch networks instead of one", group="Network")
    bias: bool = param(True, help="Bias of the branch's last layer, and b₀", group="Network")
    batch: int = _batch()
    steps: int = _steps(5000)
    test_triples: int = _tests()
    evaluate_every: int = _every(100)
    presets: ClassVar[tuple[Preset, ...]] = (
        Preset("Antiderivative", "The paper's first problem: down to an error of 1e-5 in twenty seconds.", {}),
        Preset("Pendulum", "A nonlinear operator that you can play: the mouse pushes two pendulums.",
               {"problem": "pendulum"}),
        Preset("Diffusion–reaction", "The paper's PDE, 100 functions with 100 points each.",
               {"problem": "diffusion_reaction", "width": 100, "basis": 100}),
        Preset("Advection of a drawn wave", "Draw V; the solution is your drawing, carried along.",
               {"problem": "advection_1", "width": 100, "basis": 100, "triples": 50_000}),
        Preset("DeepXDE's aligned example", "150 functions on 100 shared points, full batch, as in its documentation.",
               {"pairing": "aligned", "triples": 15_000, "points": 100, "batch": 0, "steps": 10_000}),
        Preset("Paper: nonlinear ODE", "Full batch, 100 000 steps; compare the errors without outliers.",
               {"problem": "nonlinear", "batch": 0, "steps": 100_000, "test_triples": 100_000, "evaluate_every": 1000},
               cost="40 minutes on a laptop, 4 on a GPU"),
        Preset("Paper: pendulum", "Full batch, 100 000 steps.",
               {"problem": "pendulum", "batch": 0, "steps": 100_000, "test_triples": 100_000, "evaluate_every": 1000},
               cost="40 minutes on a laptop, 4 on a GPU"),
        Preset("Paper: diffusion–reaction", "100 functions with 1000 points each, full batch, 500 000 steps.",
               {"problem": "diffusion_reaction", "width": 100, "basis": 100, "triples": 100_000, "points": 1000,
                "batch": 0, "steps": 500_000, "test_triples": 1_000_000, "evaluate_every": 1000},
               cost="data: a minute; training: days on a laptop, an hour on a GPU"),
        Preset("As in the paper", "Full batch, 50 000 steps: its log ends at a test MSE of 9.3e-7.",
               {"batch": 0, "steps": 50_000, "test_triples": 100_000, "evaluate_every": 1000},
               cost="20 minutes on a laptop, 2 on a GPU"),
    )  # fmt: skip


class DuelParameters(NetworkParameters):
    """Experiment "duel": architectures on the same data."""

    models: tuple[ModelName, ...] = choices(
        ("unstacked", "unstacked_plain", "stacked", "fnn"), help="What is trained side by side", labels=MODELS,
        at_least=1, group="Models",
    )  # fmt: skip
    fnn_width: int = param(100, ge=10, le=2560, label="FNN width", help="Units of the FNN's hidden layers; the paper's "
                           "search ended at 2560", group="Models")  # fmt: skip
    fnn_depth: int = param(2, ge=1, le=4, label="FNN hidden layers", help="Hidden layers of the FNN", group="Models")
    cell: Literal["gru", "lstm", "rnn"] = choice("gru", help="Recurrent cell of Seq2Seq", group="Models")
    sensors: int = param(100, ge=2, le=200, label="sensors m", help="Points at which u is read", group="Inputs")
    seeds: int = _seeds(2)
    triples: int = _triples()
    points: int = _points()
    batch: int = _batch(250)
    steps: int = _steps(1500)
    test_triples: int = _tests()
    evaluate_every: int = _every(100)
    presets: ClassVar[tuple[Preset, ...]] = (
        Preset("Four architectures", "Shows the order within a minute: unstacked ahead, FNN far behind.", {}),
        Preset("All seven", "Everything the paper compares, on one set of data.", {"models": tuple(MODELS), "seeds": 1},
               cost="5 minutes"),
        Preset("Nonlinear ODE", "The problem whose solutions can blow up: compare errors without outliers.",
               {"problem": "nonlinear"}),
    )  # fmt: skip


class SensorParameters(NetworkParameters):
    """Experiment "sensors": at how many points u must be read."""

    problem: ProblemName = choice("pendulum", help="The operator to learn", labels=PROBLEMS, group="Problem")
    counts: str = param("2 4 6 8 10 15 20 100", label="sensors m", help="Numbers of sensors, separated by spaces",
                        group="Sweep")  # fmt: skip
    durations: str = param("", label="T list", help="Several T to compare (empty: the one above)", group="Sweep")
    length_scales: str = param("", label="l list", help="Several length scales to compare", group="Sweep")
    gravities: str = param("", label="k list", help="Several pendulum k to compare", group="Sweep")
    seeds: int = _seeds(1)
    triples: int = _triples()
    points: int = _points()
    batch: int = _batch(256)
    steps: int = _steps(2000)
    test_triples: int = _tests(4000)
    evaluate_every: int = _every(200)
    presets: ClassVar[tuple[Preset, ...]] = (
        Preset("Elbow", "The error falls by a factor of four for each sensor, then not at all.", {}),
        Preset("Rough and smooth", "Halve the length scale and the elbow moves to twice as many sensors.",
               {"length_scales": "0.1 0.2 0.5", "counts": "2 4 6 10 20 40"}, cost="2 minutes"),
        Preset("Longer times", "The elbow moves out with T, and the floor rises.",
               {"durations": "1 3 5", "counts": "2 4 6 10 16 25 40"}, cost="2 minutes"),
        Preset("Gravity", "The elbow hardly moves with k.", {"gravities": "0.1 1 5", "counts": "2 4 6 10 20"},
               cost="2 minutes"),
    )  # fmt: skip


class ScalingParameters(NetworkParameters):
    """Experiment "scaling": how the error falls with the amount of data."""

    problem: ProblemName = choice("pendulum", help="The operator to learn", labels=PROBLEMS, group="Problem")
    functions: str = param("200 500 1000 2000 4000 8000", label="#u", help="Numbers of training functions",
                           group="Sweep")  # fmt: skip
    point_counts: str = param("1", label="P", help="Numbers of locations for each function", group="Sweep")
    sensors: int = param(100, ge=2, le=200, label="sensors m", help="Points at which u is read", group="Inputs")
    seeds: int = _seeds(1)
    batch: int = _batch(256)
    steps: int = _steps(3000)
    test_triples: int = _tests()
    evaluate_every: int = _every(300)
    presets: ClassVar[tuple[Preset, ...]] = (
        Preset("Pendulum", "Exponential at first, then a power law: compare both fits.", {}),
        Preset("Diffusion–reaction", "The number of functions counts for more than the points on each.",
               {"problem": "diffusion_reaction", "functions": "20 40 80 160 320", "point_counts": "10 100",
                "width": 64, "basis": 64, "steps": 2000}, cost="2 minutes"),
    )  # fmt: skip


class ShiftParameters(NetworkParameters):
    """Experiment "shift": trained on one space of functions, tested on others."""

    scales: str = param("0.05 0.07 0.1 0.14 0.2 0.3 0.5 1 2", label="test l", help="Length scales to test on",
                        group="Test")  # fmt: skip
    sensors: int = param(100, ge=2, le=200, label="sensors m", help="Points at which u is read", group="Inputs")
    seeds: int = _seeds(2)
    triples: int = _triples()
    points: int = _points()
    batch: int = _batch(500)
    steps: int = _steps(3000)
    test_triples: int = _tests(4000)
    evaluate_every: int = _every(200)
    presets: ClassVar[tuple[Preset, ...]] = (
        Preset(
            "Length scales", "The error grows with the distance between the spaces, but not alike on both sides.", {}
        ),
    )


class StochasticParameters(Parameters):
    """Experiment "stochastic": random coefficients; the input is the process itself."""

    problem: StochasticName = choice("sode_path", help="What is learnt", labels=STOCHASTIC, group="Problem")
    modes: int = param(5, ge=1, le=12, label="KL modes", help="Terms of the Karhunen–Loève expansion (8 for the SPDE's "
                       "mean in the paper)", group="Inputs")  # fmt: skip
    mode_points: int = param(20, ge=5, le=60, label="points per mode", help="Points at which each mode is read (30 for "
                             "the SPDE's mean)", group="Inputs")  # fmt: skip
    kernels: int = param(400, ge=20, le=1_000_000, log=True, label="processes", help="Length scales drawn (paths: one "
                         "path each)", group="Data")  # fmt: skip
    points: int = param(50, ge=1, le=100, label="points per process", help="Locations on each", group="Data")
    monte_carlo: int = param(4000, ge=200, le=50_000, log=True, label="paths per mean", group="Data",
                             help="Monte Carlo paths behind each SPDE mean (20 000 in the paper)")  # fmt: skip
    width: int = param(100, ge=5, le=512, help="Units of a hidden layer, and basis functions", group="Network")
    learning_rate: float = param(1e-3, ge=1e-5, le=0.1, log=True, live=True, help="Adam's step size",
                                 group="Optimiser")  # fmt: skip
    batch: int = _batch(1000)
    steps: int = _steps(3000)
    test_kernels: int = param(100, ge=20, le=10_000, label="test processes", help="Processes to test on", group="Test")
    evaluate_every: int = _every(100)
    presets: ClassVar[tuple[Preset, ...]] = (
        Preset("Paths of a population model", "The network gets the process and the dice, and says the path.",
               {"kernels": 4000, "points": 20}),
        Preset("Mean of the population", "Every length scale has a mean curve with a closed form.",
               {"problem": "sode_mean"}),
        Preset("Mean through random rock", "The paper's SPDE: a mean over paths for every length scale.",
               {"problem": "spde_mean", "modes": 8, "mode_points": 30}),
        Preset("Paths through random rock", "One coefficient, one solution.",
               {"problem": "spde_path", "kernels": 4000, "points": 20}),
    )  # fmt: skip


class FractionalParameters(Parameters):
    """Experiment "fractional": the fractional Laplacian on the unit disc, for all orders at once."""

    degree: int = param(4, ge=1, le=7, help="Of the Zernike polynomials: 15 of them for 4, 36 for 7", group="Inputs")
    bound: float = param(2.0, gt=0.0, le=10.0, help="Coefficients are drawn from [-bound, bound]", group="Inputs")
    grid: int = param(15, ge=8, le=32, help="Sensors: grid x grid values of radius and angle; the locations too",
                      group="Inputs")  # fmt: skip
    orders: int = param(10, ge=2, le=30, help="Orders α from 0.01 to 0.99 in the training data", group="Data")
    functions: int = param(1000, ge=20, le=20_000, log=True, label="training functions", group="Data",
                           help="5000 in the paper: each is asked for at all locations and orders")  # fmt: skip
    models: tuple[Literal["deeponet", "cnn"], ...] = choices(
        ("deeponet", "cnn"), help="Trained side by side on the same batches", labels=FRACTIONAL_MODELS, at_least=1,
        group="Models",
    )  # fmt: skip
    width: int = param(60, ge=5, le=512, help="Units of a hidden layer, and basis functions", group="Models")
    depth: int = param(3, ge=1, le=6, label="layers", help="Dense layers of branch and trunk", group="Models")
    activation: ActivationName = choice("tanh", help="Nonlinearity of the DeepONet", group="Models")
    latent: int = param(20, ge=1, le=128, help="Latent numbers of the CNN", group="Models")
    learning_rate: float = param(1e-3, ge=1e-5, le=0.1, log=True, live=True, help="Adam's step size",
                                 group="Optimiser")  # fmt: skip
    batch: int = param(32, ge=1, le=1000, unit="functions", help="Functions in a step, at all locations and orders: "
                       "44 are the paper's 100 000 triples", group="Optimiser")  # fmt: skip
    steps: int = _steps(1500)
    test_functions: int = param(200, ge=10, le=20_000, log=True, help="Functions to test on (5000 in the paper)",
                                group="Test")  # fmt: skip
    evaluate_every: int = _every(50)
    presets: ClassVar[tuple[Preset, ...]] = (
        Preset("All orders at once", "The trunk reads (x, y, α): one network answers for every order.", {}),
        Preset("Learns in a minute", "Small inputs keep units out of saturation, and gelu learns faster than tanh.",
               {"bound": 0.3, "activation": "gelu", "steps": 3000, "models": ("deeponet",)}),
        Preset("36 polynomials", "Functions with finer detail.", {"degree": 7}),
        Preset("As in the paper", "5000 functions, 100 000 triples in a step; a million steps in the authors' code.",
               {"functions": 5000, "test_functions": 5000, "batch": 44, "steps": 100_000, "evaluate_every": 1000},
               cost="data: seconds; training: half an hour on a laptop's core, some minutes on a GPU"),
    )  # fmt: skip


def numbers(text: str, what: str, low: float, high: float) -> tuple[float, ...]:
    """Read numbers separated by spaces or commas; raise ValueError with one sentence."""
    try:
        found = tuple(float(word) for word in text.replace(",", " ").split())
    except ValueError:
        raise ValueError(f"{what}: {text!r} is not a list of numbers") from None
    if not all(low <= value <= high for value in found):
        raise ValueError(f"{what}: every number must be between {low:g} and {high:g}")
    return found
