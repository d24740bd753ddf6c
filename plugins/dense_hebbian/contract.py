"""Parameters and frames of the dense Hebbian panel; both processes import this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from jaxtyping import Float, Int

from workbench.sdk import Frame, Parameters, Preset, choice, choices, file, param

ORDERS = (2, 4, 6, 8, 10, 12)
IMAGE_ORDERS = (2, 4, 6, 8, 10, 12, 16, 20, 30)
Order = Literal[2, 4, 6, 8, 10, 12]
Kernel = Literal["distinct", "full"]
Dynamics = Literal["glauber", "zero", "plefka1", "plefka2"]

KERNEL_LABELS = {"distinct": "distinct indices (i₁ < … < i_P)", "full": "full power x^P"}
DYNAMICS_LABELS = {
    "glauber": "Glauber, site by site",
    "zero": "zero temperature",
    "plefka1": "Plefka, first order",
    "plefka2": "Plefka, with reaction term",
}

ORDER_HELP = "Number of neurons that interact at once; 2 is the Hopfield network"
QUALITY_HELP = "Quality r: a bit of an example is right with probability (1 + r) / 2"
EXAMPLES_HELP = "Examples M of each archetype that the teacher averages"
KERNEL_HELP = "Which products of overlaps the couplings hold; the theory is that of distinct indices"


def _order(default: int = 4, live: bool = False) -> Any:
    return choice(default, help=ORDER_HELP, label="P", group="Network", live=live)


class RetrieveParameters(Parameters):
    """Store patterns on a canvas, corrupt one, and let the network relax."""

    steps: int = param(1600, ge=1, le=1_000_000, unit="steps", live=True, help="Steps, each a part of a sweep")
    order: Order = _order()
    side: int = param(12, ge=4, le=20, unit="pixels", help="Side of the canvas; N is its square", group="Network")
    kernel: Kernel = choice("distinct", help=KERNEL_HELP, labels=KERNEL_LABELS, group="Network")
    gamma: float = param(
        0.02,
        ge=0,
        le=1,
        help="Load γ = P! K / (2 N^(P-1)); letters are stored first, random fillers up to K",
        group="Data",
    )
    letters: str = param("AHT", help="Letters that are stored as archetypes", group="Data")
    quality: float = param(0.4, gt=0, le=1, help=QUALITY_HELP, group="Data", label="quality r")
    examples: int = param(60, ge=1, le=10_000, help=EXAMPLES_HELP, group="Data", label="examples M")
    dynamics: Dynamics = choice(
        "glauber", help="How the spins move", labels=DYNAMICS_LABELS, group="Dynamics", live=True
    )
    temperature: float = param(
        0.05, ge=0, le=2, live=True, help="Noise T' = 1/β', β' = 2β/P!", label="noise T'", group="Dynamics"
    )
    flips: float = param(0.25, ge=0, le=0.5, help="Share of spins turned at the start", group="Dynamics", live=True)
    replicas: int = param(4, ge=1, le=64, help="Copies that relax side by side, with the same data", group="Dynamics")
    parts: int = param(
        8, ge=1, le=64, live=True, help="Steps in which one sweep is shown", label="steps a sweep", group="Dynamics"
    )
    pause: float = param(
        0.03, ge=0, le=1, unit="s", live=True, help="Rest after each step, so that it can be watched", group="Dynamics",
        label="slow motion",
    )  # fmt: skip

    presets: ClassVar[tuple[Preset, ...]] = (
        Preset("dense", "Four-body couplings hold what two-body ones cannot.", {}),
        Preset(
            "Hopfield",
            "The same letters with P = 2, among as many fillers as it can bear.",
            {"order": 2, "gamma": 0.05},
        ),
        Preset("melting", "Above the transition the attractor melts: lower T' while it runs.", {"temperature": 0.95}),
        Preset("few examples", "With M = 4 the archetype is no attractor yet.", {"examples": 4}),
    )


class LearningParameters(Parameters):
    """Stream examples and watch the archetype become an attractor."""

    order: Order = _order()
    neurons: int = param(80, ge=16, le=400, help="Neurons N", group="Network", label="neurons N")
    kernel: Kernel = choice("distinct", help=KERNEL_HELP, labels=KERNEL_LABELS, group="Network")
    gamma: float = param(0.02, ge=0, le=1, help="Load γ = P! K / (2 N^(P-1))", group="Data")
    quality: float = param(0.3, gt=0, le=1, help=QUALITY_HELP, group="Data", label="quality r")
    most_examples: int = param(160, ge=2, le=10_000, help="The curve goes up to so many examples", group="Data")
    points: int = param(8, ge=2, le=30, help="Points of the curve, evenly spaced in log M", group="Data")
    temperature: float = param(
        0.0, ge=0, le=2, help="Noise T' of the Monte Carlo and the theory", label="noise T'", group="Dynamics"
    )
    sweeps: int = param(20, ge=1, le=500, help="Sweeps from the archetype at each point", group="Dynamics")
    seeds: int = param(4, ge=1, le=32, help="Independent samples of archetypes and examples", group="Dynamics")

    presets: ClassVar[tuple[Preset, ...]] = (
        Preset("low load", "The archetype appears smoothly as ρ falls below 1.", {}),
        Preset("higher load", "Near the threshold theory jumps and N = 80 rounds the jump off.", {"gamma": 0.1}),
        Preset("better data", "With r = 0.7 five examples are enough.", {"quality": 0.7, "most_examples": 20}),
    )


class PhaseParameters(Parameters):
    """The replica-symmetric phase diagram, with Monte Carlo probes where you click."""

    order: Order = _order()
    kernel: Kernel = choice("distinct", help=KERNEL_HELP, labels=KERNEL_LABELS, group="Network")
    entropies: tuple[Literal["0", "0.05", "0.1", "0.2", "0.4"], ...] = choices(
        ("0", "0.1", "0.2"), at_least=1, help="Dataset entropies ρ, one boundary each", label="ρ", group="Theory"
    )
    resolution: int = param(48, ge=8, le=200, help="Points of the map along each axis", group="Theory")
    most_gamma: float = param(0.5, gt=0, le=2, help="Right end of the load axis", group="Theory", label="largest γ")
    most_temperature: float = param(
        1.2, gt=0, le=6, help="Upper end of the noise axis", group="Theory", label="largest T'"
    )
    neurons: int = param(60, ge=16, le=120, help="Neurons N of a probe", group="Probes", label="neurons N")
    sweeps: int = param(15, ge=1, le=500, help="Sweeps of a probe", group="Probes")
    replicas: int = param(4, ge=1, le=32, help="Disorder samples of a probe", group="Probes")

    presets: ClassVar[tuple[Preset, ...]] = (
        Preset("P = 4", "Retrieval ends at γ = 0.396 for perfect data, at 0.197 for ρ = 0.2.", {}),
        Preset(
            "P = 8",
            "More storage from perfect data, less from poor data.",
            {"order": 8, "most_gamma": 0.7, "most_temperature": 1.6},
        ),
    )


class DetectionParameters(Parameters):
    """Bury one pattern in synaptic noise that grows with N."""

    neurons: int = param(30, ge=12, le=48, help="Neurons N", group="Network", label="neurons N")
    most_noise: float = param(
        50.0, gt=0, le=200, help="Largest ω of the noise tensor", group="Noise", label="largest ω"
    )
    points: int = param(13, ge=3, le=60, help="Points along ω", group="Noise")
    sweeps: int = param(20, ge=1, le=500, help="Sweeps from the pattern at each point", group="Dynamics")
    seeds: int = param(12, ge=1, le=64, help="Independent noise tensors", group="Dynamics")
    sizes: tuple[Literal["16", "20", "24", "30", "36"], ...] = choices(
        ("16", "20", "24", "30"), help="Sizes N of the scaling plot of the tolerated noise", at_least=2, group="Scaling"
    )

    presets: ClassVar[tuple[Preset, ...]] = (
        Preset("P = 2 against 4", "Twenty times the signal, and P = 4 still finds it.", {}),
    )


class ImagesParameters(Parameters):
    """Classes of images as archetypes: what a dense network recalls of real, correlated data."""

    order: Literal[2, 4, 6, 8, 10, 12, 16, 20, 30] = choice(12, help=ORDER_HELP, label="P", group="Network")
    kernel: Kernel = choice("full", help=KERNEL_HELP, labels=KERNEL_LABELS, group="Network")
    data: Literal["digits", "mnist", "fashion", "idx"] = choice(
        "digits",
        help="8×8 digits come with the workbench; MNIST and Fashion-MNIST are fetched from OpenML; IDX files are yours",
        labels={
            "digits": "digits 8×8",
            "mnist": "MNIST (OpenML)",
            "fashion": "Fashion-MNIST (OpenML)",
            "idx": "IDX files",
        },
        group="Data",
    )
    images: str = file(
        help="Images in IDX format; the labels beside it are found by name", suffixes=(".gz", "-ubyte"), group="Data"
    )
    examples: int = param(
        20, ge=1, le=10_000, help="Images M a class that the teacher averages", group="Data", label="examples M"
    )
    centred: bool = param(False, help="Subtract the mean image, which all classes share", group="Data")
    start: Literal["archetype", "image"] = choice(
        "archetype",
        help="What is corrupted and recalled: the class's archetype (sign of its mean), or an image not learnt from",
        group="Dynamics",
    )
    flips: float = param(0.2, ge=0, le=0.5, help="Share of pixels turned at the start", group="Dynamics")
    tests: int = param(50, ge=1, le=1000, help="Corrupted images a class to recall", group="Dynamics")
    sweeps: int = param(10, ge=1, le=200, help="At most so many zero-temperature sweeps", group="Dynamics")

    presets: ClassVar[tuple[Preset, ...]] = (
        Preset("dense", "P = 12 tells the digits apart.", {}),
        Preset("Hopfield", "P = 2 collapses: all digits share a background.", {"order": 2}),
        Preset("centred", "Without the common background P = 4 does better.", {"order": 4, "centred": True}),
    )


class TeacherParameters(Parameters):
    """What a teacher is worth: examples needed with and without grouping."""

    order: Literal[2, 4, 6] = choice(4, help=ORDER_HELP, label="P", group="Network")
    neurons: int = param(40, ge=16, le=120, help="Neurons N", group="Network", label="neurons N")
    gamma: float = param(0.02, ge=0, le=0.3, help="Load γ = P! K / (2 N^(P-1)) of the archetypes", group="Data")
    most_examples: int = param(300, ge=4, le=4096, help="Largest M tried", group="Data")
    points: int = param(7, ge=2, le=20, help="Qualities r between 0.3 and 0.9", group="Data")
    seeds: int = param(4, ge=1, le=32, help="Independent samples", group="Dynamics")

    presets: ClassVar[tuple[Preset, ...]] = (
        Preset("P = 4", "The gap grows as r falls: r^-8 against r^-2.", {}),
        Preset("P = 2", "For pairs the gap is r^-4 against r^-2.", {"order": 2, "neurons": 100, "gamma": 0.05}),
        Preset("one archetype", "Without other patterns one step needs no teacher; relaxing does.", {"gamma": 0.0}),
    )


@dataclass(frozen=True)
class RetrieveFrame(Frame):
    """The state of all replicas, of which the first is drawn.

    spins (r, n) in [-1, 1]; fields (n,); archetype (n,), mean_example (n,) of the pattern that was started from;
    overlaps (k',) of the most overlapping stored patterns with their indices and names; `stored` names the letters and
    drawings, `target` the pattern that is scored; stability (n,) xi_i h_i and the theory's
    mean and variance of it; magnetisation (r,), theory (m, n, q); trace (t, 5) has sweeps, energy per spin, m, n and q
    since the last start.
    """

    spins: Float[np.ndarray, "r n"]
    fields: Float[np.ndarray, " n"]
    archetype: Float[np.ndarray, " n"]
    mean_example: Float[np.ndarray, " n"]
    overlaps: Float[np.ndarray, " k"]
    indices: Int[np.ndarray, " k"]
    names: tuple[str, ...]
    target: int
    target_name: str
    stored: tuple[str, ...]
    stability: Float[np.ndarray, " n"]
    stability_theory: tuple[float, float]
    magnetisation: Float[np.ndarray, " r"]
    theory: tuple[float, float, float]
    patterns: int
    load: float
    entropy: float
    beta: float
    trace: Float[np.ndarray, "t 5"]
    side: int


@dataclass(frozen=True)
class CurveFrame(Frame):
    """Measured points with their spread against a control parameter, and theory lines on a finer grid.

    `points` maps a series to (x, mean, standard deviation) each (p,); `lines` maps a series to (x, y).
    """

    points: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]
    lines: dict[str, tuple[np.ndarray, np.ndarray]]
    extra: dict[str, tuple[np.ndarray, np.ndarray]]
    values: dict[str, float]


@dataclass(frozen=True)
class LearningFrame(CurveFrame):
    """Also archetype, one example, mean of the examples and end state as rows (4, n), and the M of that network."""

    patterns: Float[np.ndarray, "4 n"]
    examples: int


@dataclass(frozen=True)
class ProbeState:
    """Monte Carlo at one point: |m| over sweeps (samples, sweeps), NaN to come, and xi_i sigma_i (n,) of the last."""

    gamma: float
    temperature: float
    entropy: float
    traces: Float[np.ndarray, "s t"]
    aligned: Float[np.ndarray, " n"]


@dataclass(frozen=True)
class Recalled:
    """A drawing on its way to a memory: the state (h, w), energies so far (t,), overlaps with the archetypes (c,)."""

    state: Float[np.ndarray, "h w"]
    energies: Float[np.ndarray, " t"]
    overlaps: Float[np.ndarray, " c"]


@dataclass(frozen=True)
class PhaseFrame(Frame):
    """m (t, g) of the retrieval branch for the first entropy, phase (t, g): 0 ergodic, 1 glass, 2 metastable, 3 stable.

    4 is retrieval where the two cannot be told apart (P = 2, full power). Rows not solved yet are NaN.
    `boundaries` maps rho to (gamma, T') of the line where retrieval ends.
    `probes` (p, 7) are gamma, T', rho, measured |m|, its standard deviation over samples, the theory's m, and K.
    """

    gamma: Float[np.ndarray, " g"]
    temperature: Float[np.ndarray, " t"]
    magnetisation: Float[np.ndarray, "t g"]
    phase: Float[np.ndarray, "t g"]
    boundaries: dict[str, tuple[np.ndarray, np.ndarray]]
    probes: Float[np.ndarray, "p 7"]
    entropy: float


@dataclass(frozen=True)
class ImagesFrame(Frame):
    """Class means and archetypes (c, h, w), cases (start, end) each (s, h, w), confusion (c, c+1), the last is none."""

    means: Float[np.ndarray, "c h w"]
    archetypes: Float[np.ndarray, "c h w"]
    starts: Float[np.ndarray, "s h w"]
    ends: Float[np.ndarray, "s h w"]
    classes: Int[np.ndarray, " s"]
    confusion: Float[np.ndarray, "c d"]
    accuracy: float
    nearest_mean: float
