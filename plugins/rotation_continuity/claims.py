"""The paper's claims as checks. Bars were fixed before anything was run here, and are not moved to fit."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from plugins.rotation_continuity.contract import LABELS
from plugins.rotation_continuity.experiments.clouds import Clouds
from plugins.rotation_continuity.experiments.continuity import Continuity
from plugins.rotation_continuity.experiments.kinematics import Kinematics
from plugins.rotation_continuity.experiments.sanity import Sanity
from plugins.rotation_continuity.experiments.tears import Tears
from plugins.rotation_continuity.special_orthogonal import LARGEST, SMALLEST, dimensions, sized_representations
from workbench.sdk import ClaimBench, Finding, Table, claim
from workbench.toolkit.rotations import haar_rotations, orthogonality_error, special_orthogonal

SEAMED = ("quaternion", "axis_angle", "rodrigues", "euler")
CAVEAT = "as remembered from Table 1, not verified"
LOOPS = 20
Errors = Float[np.ndarray, "r s n"]


def _errors(bench: ClaimBench, experiment_type: Any, **parameters: Any) -> Errors:
    """Test errors of every representation and seed; consecutive seeds run stacked, others one after the other."""
    seeds = bench.seeds
    if len(seeds) <= 5 and seeds == tuple(range(seeds[0], seeds[0] + len(seeds))):
        run = bench.run(experiment_type, seed=seeds[0], seeds=len(seeds), **parameters)
        return run.whole_look().errors
    runs = [bench.run(experiment_type, seed=seed, **parameters).whole_look().errors for seed in seeds]
    return np.concatenate(runs, axis=1)


def _spread(values: Float[np.ndarray, " s"]) -> str:
    return f"{values.mean():.2f} ± {values.std(ddof=1):.2f}" if len(values) > 1 else f"{values.mean():.2f}"


def _table(names: Sequence[str], errors: Errors, unit: str) -> Table:
    """Mean with its spread over seeds, pooled median, p99 and maximum, and for angles the share above 90 degrees."""
    columns = ["representation", f"mean ± sd over seeds [{unit}]", f"median [{unit}]", f"p99 [{unit}]", f"max [{unit}]"]
    rows = []
    for name, own in zip(names, errors, strict=True):
        median, p99 = np.percentile(own, (50, 99))
        row: list[Any] = [LABELS[name], _spread(own.mean(1)), *(round(float(v), 2) for v in (median, p99, own.max()))]
        if unit == "°":
            row.append(round(100 * float((own > 90).mean()), 2))
        rows.append(tuple(row))
    return Table((*columns, "> 90° [%]") if unit == "°" else tuple(columns), tuple(rows))


def _curves(names: Sequence[str], errors: Errors) -> Mapping[str, tuple[np.ndarray, np.ndarray]]:
    """Error at each percentile, the paper's figure."""
    percent = np.arange(101)
    return {LABELS[name]: (percent, np.percentile(own, percent)) for name, own in zip(names, errors, strict=True)}


def _axes(unit: str) -> tuple[str, str]:
    return "percentile [%]", f"error [{unit}]"


@claim(
    "encoders_jump",
    statement="6D and 5D have a continuous encoder; those of quaternions, axis-angle, Rodrigues and Euler jump.",
    source="Sections 3 and 4",
    paper="No representation of SO(3) in four dimensions or fewer is continuous; in five and six there are some.",
    experiment="continuity",
    laptop="a second",
    seeds=(0,),
)
def encoders_jump(bench: ClaimBench) -> Finding:
    """Largest |g(R') - g(R)| / angle(R, R') over 2000 pairs 1e-4 rad apart near half turns: < 2, < 5, > 1000."""
    names = ("6d", "5d", *SEAMED)
    lab = bench.run(Continuity, representations=names, pace=0.0)
    index = lab.discontinuity()
    holds = index["6d"] < 2 and index["5d"] < 5 and all(index[name] > 1000 for name in SEAMED)
    measured = (
        f"Near half turns the codes move by at most {index['6d']:.2f} (6D) and {index['5d']:.2f} (5D) per radian; "
        f"the others by at least {min(index[name] for name in SEAMED):.0f}."
    )
    rows = tuple((LABELS[name], float(f"{index[name]:.4g}")) for name in names)
    return Finding(holds, measured, Table(("representation", "largest |Δg| per radian"), rows))


@claim(
    "sanity",
    statement="In the sanity test 6D and 5D have errors several times smaller on average and no outliers; every "
    "representation with four or three numbers errs by almost 180° somewhere.",
    source="Section 5.1, Table 1 (left)",
    paper=f"mean / max in degrees: 6D 0.49 / 1.98, 5D 0.49 / 1.99, quaternion 3.32 / 179.93, axis-angle "
    f"3.69 / 179.22, Euler 6.98 / 179.95 ({CAVEAT})",
    experiment="sanity",
    laptop="about a minute",
    paper_scale="an hour or two (three seeds, 500 000 steps)",
)
def sanity(bench: ClaimBench) -> Finding:
    """Mean of 6D and 5D below a third of each other's; their maximum below 10°, the others' above 120° in each seed."""
    names = ("6d", "5d", *SEAMED)
    recipe: dict[str, Any] = {}
    if bench.scale == "paper":
        recipe = {
            "steps": 500_001, "learning_rate": 1e-5, "drop_fraction": 0.02, "batch": 64, "evaluate_every": 5000,
            "test_rotations": 100_000,
        }  # fmt: skip
    errors = _errors(bench, Sanity, representations=names, **recipe)
    means, largest = errors.mean((1, 2)), errors.max(2)
    holds = bool(max(means[:2]) < min(means[2:]) / 3 and largest[:2].max() < 10 and largest[2:].min() > 120)
    measured = (
        f"Mean error {means[0]:.2f}° (6D) and {means[1]:.2f}° (5D), at most {largest[:2].max():.1f}°; "
        f"the others {means[2:].min():.2f}° to {means[2:].max():.2f}°, at most {largest[2:].max():.1f}°."
    )
    why = "" if holds else "The bar was: means below a third, largest below 10°, the others' largest above 120°."
    return Finding(holds, measured, _table(names, errors, "°"), why, _curves(names, errors), _axes("°"))


@claim(
    "topology",
    statement="A network behind a quaternion, Euler or Rodrigues decoder is wrong by 180° somewhere on every loop "
    "t → exp(t w) R, whatever its weights; behind 6D it need not be.",
    source="Section 4 (with the lifting argument of Xiang and Li 2020)",
    paper="a theorem; the paper's maxima of 179.9° agree",
    experiment="tears",
    laptop="about a minute",
)
def topology(bench: ClaimBench) -> Finding:
    """On each of 20 random loops (4096 samples, bisection): largest error above 175°; below 10° for 6D."""
    names = ("6d", "quaternion", "rodrigues", "euler")
    smallest = np.full(len(names), math.inf)
    largest = np.zeros(len(names))
    for place, seed in enumerate(bench.seeds):
        run = bench.run(Tears, seed=seed, representations=names, samples=4096)
        generator = torch.Generator().manual_seed(seed)
        axes = torch.randn(LOOPS, 3, generator=generator).numpy()
        for loop, (axis, base) in enumerate(zip(axes, haar_rotations(LOOPS, generator=generator), strict=True)):
            bench.say(f"Seed {seed}, loop {loop + 1} of {LOOPS}", (place + loop / LOOPS) / len(bench.seeds))
            answer = run.loop_error(axis, base.numpy())
            worst = [max(float(e.max()), float(t.max(initial=0.0)))
                     for e, t in zip(answer.error, answer.tear_errors, strict=True)]  # fmt: skip
            smallest, largest = np.minimum(smallest, worst), np.maximum(largest, worst)
    holds = bool(smallest[1:].min() > 175 and largest[0] < 10)
    measured = (
        f"On {LOOPS * len(bench.seeds)} loops the largest error was at least {smallest[1:].min():.3f}° for the three, "
        f"and at most {largest[0]:.2f}° for 6D."
    )
    rows = tuple(
        (LABELS[name], round(float(low), 3), round(float(high), 3))
        for name, low, high in zip(names, smallest, largest, strict=True)
    )
    table = Table(("representation", "smallest of the loops' largest errors [°]", "largest error [°]"), rows)
    return Finding(holds, measured, table)


@claim(
    "clouds",
    statement="For the rotation between two point clouds 6D is better than quaternions, on average and in the tail.",
    source="Section 5.2, Table 1 (middle)",
    paper=f"mean in degrees: 6D 2.85, quaternion 9.03 ({CAVEAT}; ShapeNet aeroplanes, 2.5 million steps)",
    experiment="clouds",
    laptop="about a minute",
)
def clouds(bench: ClaimBench) -> Finding:
    """On tripods of 48 points, 800 steps: mean of 6D below 0.75 of the quaternion's, and fewer errors above 90°."""
    names = ("6d", "quaternion")
    errors = _errors(bench, Clouds, representations=names, test_clouds=400)
    mean, outliers = errors.mean((1, 2)), (errors > 90).mean((1, 2))
    holds = bool(mean[0] < 0.75 * mean[1] and outliers[0] < outliers[1])
    measured = (
        f"Mean error {mean[0]:.1f}° against {mean[1]:.1f}° ({mean[0] / mean[1]:.2f} of it); above 90° are "
        f"{100 * outliers[0]:.2f} % against {100 * outliers[1]:.2f} %."
    )
    why = "" if holds else "The bar was a mean below 0.75 of the quaternion's, and fewer errors above 90°."
    return Finding(holds, measured, _table(names, errors, "°"), why, _curves(names, errors), _axes("°"))


@claim(
    "aeroplanes",
    statement="The same network begins to learn the rotation of aeroplanes, which do not show their axes, within 5000 "
    "steps.",
    source="Section 5.2 (the paper trains 2.5 million steps)",
    paper="only that it is learned; no number at this scale",
    experiment="clouds",
    laptop="about 4 minutes",
)
def aeroplanes(bench: ClaimBench) -> Finding:
    """On generated aeroplanes of 96 points: loss of 6D below 0.55 after 5000 steps (untrained: 2/3)."""
    errors = _errors(
        bench, Clouds, representations=("6d",), shapes="planes", points=96, steps=5000, evaluate_every=1000
    )  # fmt: skip
    # For rotations the mean squared entry of R_hat - R is 4 (1 - cos(error)) / 9.
    losses = (4 / 9 * (1 - np.cos(np.radians(errors)))).mean((0, 2))
    loss = float(losses.mean())
    holds = loss < 0.55
    measured = (
        f"After 5000 steps the test loss is {_spread(losses)} (chance: 0.67), the mean error {errors.mean():.1f}° "
        "(chance: 126.5°)."
    )
    why = "" if holds else (
        "Centred, almost flat shapes hide their axes from a network that takes a maximum over points, and at this "
        "step size it finds none in 5000 steps. At a quarter of it (the preset 'aeroplanes') the mean error falls to "
        "about 100° (one seed): slow, as the paper's millions of steps suggest."
    )  # fmt: skip
    return Finding(holds, measured, _table(("6d",), errors, "°"), why, _curves(("6d",), errors), _axes("°"))


@claim(
    "kinematics",
    statement="In inverse kinematics 6D has the shorter tail: its 99th percentile and its worst pose are better than "
    "those of quaternions and Euler angles.",
    source="Section 5.3, Table 1 (right)",
    paper=f"mean / max in cm: 6D 1.9 / 28.7, quaternion 3.3 / 261, Euler 2.7 / 48.7 ({CAVEAT}; CMU motion)",
    experiment="kinematics",
    laptop="about a minute",
)
def kinematics(bench: ClaimBench) -> Finding:
    """21 joints, 900 steps, 4000 poses: p99 of 6D below 0.85 of both others', and its maximum below both."""
    names = ("6d", "quaternion", "euler")
    errors = _errors(bench, Kinematics, representations=names)
    pooled = errors.reshape(len(names), -1)
    p99, largest = np.percentile(pooled, 99, axis=1), pooled.max(1)
    holds = bool(p99[0] < 0.85 * p99[1:].min() and largest[0] < largest[1:].min())
    measured = (
        f"p99 {p99[0]:.1f} cm against {p99[1]:.1f} (quaternion) and {p99[2]:.1f} (Euler); "
        f"worst pose {largest[0]:.1f} cm against {largest[1]:.1f} and {largest[2]:.1f}."
    )
    why = "" if holds else "The bar was a p99 below 0.85 of both, and a smaller worst pose than both."
    return Finding(holds, measured, _table(names, errors, "cm"), why, _curves(names, errors), _axes("cm"))


@claim(
    "matrix",
    statement="Putting out an unconstrained 3×3 matrix is no remedy in inverse kinematics.",
    source="Section 5.3, Table 1 (right)",
    paper=f"mean in cm: matrix 22.9, 6D 1.9 ({CAVEAT}; CMU motion)",
    experiment="kinematics",
    laptop="about a minute",
)
def matrix(bench: ClaimBench) -> Finding:
    """21 joints, 900 steps, 4000 poses: the matrix's mean, after orthogonalisation, above 6D's in every seed."""
    names = ("6d", "matrix")
    errors = _errors(bench, Kinematics, representations=names)
    means = errors.mean(2)
    holds = bool((means[1] > means[0]).all())
    measured = f"Mean {means[1].mean():.1f} cm (matrix) against {means[0].mean():.1f} cm (6D)."
    why = "" if holds else "The matrix was not worse than 6D in every seed."
    return Finding(holds, measured, _table(names, errors, "cm"), why, _curves(names, errors), _axes("cm"))


@claim(
    "small_angles",
    statement="Where no rotation comes near a half turn, quaternions do about as well as 6D.",
    source="follows from section 4: the seam is then out of reach",
    paper="not measured in the paper",
    experiment="sanity",
    laptop="under a minute",
)
def small_angles(bench: ClaimBench) -> Finding:
    """Rotations of at most 60°: mean of the quaternion below twice that of 6D."""
    names = ("6d", "quaternion")
    errors = _errors(bench, Sanity, representations=names, sampler="capped", cap=60.0)
    means = errors.mean((1, 2))
    holds = bool(means[1] < 2 * means[0])
    measured = f"Mean error {means[1]:.2f}° (quaternion) against {means[0]:.2f}° (6D), largest {errors[1].max():.1f}°."
    why = "" if holds else "The quaternion's mean is not below twice that of 6D."
    return Finding(holds, measured, _table(names, errors, "°"), why, _curves(names, errors), _axes("°"))


@claim(
    "any_dimension",
    statement="The construction works in every dimension: n² − n numbers, or fewer by stereographic projection, give "
    "a rotation of n-dimensional space, and every rotation is reached.",
    source="Section 4.2 and 4.3, supplement",
    paper="n² − n with Gram–Schmidt; n² − 2n + 2 after projections (the general count from memory, not verified)",
    experiment="son",
    laptop="a second",
    seeds=(0,),
)
def any_dimension(bench: ClaimBench) -> Finding:
    """N = 2 .. 6: decoded random codes orthogonal to 1e-6 with det 1, and f(g(R)) = R to 1e-12 in double precision."""
    rows, worst = [], np.zeros(3)
    for n in range(SMALLEST, LARGEST + 1):
        generator = torch.Generator().manual_seed(bench.seeds[0])
        rotations = special_orthogonal(2000, n, generator=generator, dtype=torch.float64)
        for name in ("gram_schmidt", "stereographic"):
            own = sized_representations(n)[name]
            decoded = own.decode(torch.randn(2000, own.dimension, generator=generator))
            numbers = np.array(
                [
                    float(orthogonality_error(decoded).max()),
                    float((torch.linalg.det(decoded.double()) - 1).abs().max()),
                    float((own.decode(own.encode(rotations)) - rotations).abs().max()),
                ]
            )
            worst = np.maximum(worst, numbers)
            rows.append((n, LABELS[name], dimensions(n)[name], *(float(f"{number:.2g}") for number in numbers)))
    holds = bool(worst[0] < 1e-6 and worst[1] < 1e-5 and worst[2] < 1e-12)
    measured = (
        f"For n = 2 to 6: |RᵀR − 1| at most {worst[0]:.1g} and |det − 1| at most {worst[1]:.1g} in single precision, "
        f"round trips to {worst[2]:.1g} in double."
    )
    columns = ("n", "representation", "numbers", "|RᵀR − 1|", "|det − 1|", "round trip")
    return Finding(holds, measured, Table(columns, tuple(rows)))
