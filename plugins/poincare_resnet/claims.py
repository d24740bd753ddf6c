"""The paper's claims as checks. Bars were fixed before anything was run here, and are not moved to fit."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch

from plugins.poincare_resnet.contract import MODELS, PAPER_SCALE
from plugins.poincare_resnet.experiments.collapse import Collapse
from plugins.poincare_resnet.experiments.common import Networks
from plugins.poincare_resnet.experiments.cost import FRECHET, NETWORK, Cost, map_names
from plugins.poincare_resnet.experiments.means import Means
from plugins.poincare_resnet.experiments.robustness import Robustness
from plugins.poincare_resnet.experiments.training import Train
from workbench.compute.building import build
from workbench.sdk import ClaimBench, Finding, Table, claim

DISTANCE_AXES = ("standard deviation", "d(midpoint, mean) / σ")
UNREAD = "table cells could not be read, so no number of the paper is shown"
PAPER: dict[str, Any] = {
    **{name: value for name, value in PAPER_SCALE.items() if name != "models"}, "source": "cifar10",
    "evaluate_every": 3910,
}  # fmt: skip


def _spread(values: list[float], unit: str = "") -> str:
    array = np.array(values)
    return f"{array.mean():.3f} ± {array.std(ddof=1):.3f}{unit}" if len(array) > 1 else f"{array.mean():.3f}{unit}"


@claim(
    "identity_preserves",
    statement="Layers that start as half the identity leave points where they are; with the start of HNN++ they "
    "collapse to the origin.",
    source="Section 3.4",
    paper="An identity layer is exactly the identity map; HNN++ shrinks every layer's output.",
    experiment="collapse",
    laptop="seconds",
)
def identity_preserves(bench: ClaimBench) -> Finding:
    """64 channels, c = 0.1: identity within 1 % after 20 layers, HNN++ below 1e-6 of the distance after 10."""
    rows, ratios, tenth = [], [], []
    curves: dict[str, Any] = {}
    for seed in bench.seeds:
        run = bench.run(Collapse, seed, layers=20, width=64, c=0.1)
        own = {name: np.array(values) / values[0] for name, values in run.distances.items()}
        ratios.append(float(own["identity"][-1]))
        tenth.append(float(own["HNN++"][10]))
        gain = float((run.distances["HNN++"][5] / run.distances["HNN++"][0]) ** 0.2)
        rows.append((seed, ratios[-1], tenth[-1], gain, (2 / 64) ** 0.5))
        curves |= {name: (np.arange(21), values) for name, values in own.items() if seed == bench.seeds[0]}
    holds = max(abs(ratio - 1) for ratio in ratios) < 0.01 and max(tenth) < 1e-6
    measured = f"After 20 identity layers {ratios[0]:.6f} of the distance; after 10 of HNN++ at most {max(tenth):.1e}."
    columns = ("seed", "identity, 20 layers", "HNN++, 10 layers", "gain of an HNN++ layer", "predicted gain")
    return Finding(holds, measured, Table(columns, tuple(rows)), curves=curves, axes=("layer", "share of the distance"))


@claim(
    "midpoint_is_mean",
    statement="Batch norm with the Poincaré midpoint is as effective as with the Fréchet mean: virtually the same "
    "accuracy.",
    source="Abstract (ii), Table 1",
    paper=f"A faster and equally effective alternative; virtually the same accuracy ({UNREAD}).",
    experiment="train",
    laptop="3 min",
    paper_scale="days on a GPU",
)
def midpoint_is_mean(bench: ClaimBench) -> Finding:
    """The same start and batches with either mean: test accuracies differ by at most one point, mean over the seeds.

    How far the two means themselves part is told beside it: clouds of 512 points in 16 dimensions.
    """
    rows = []
    for seed in bench.seeds:
        own = PAPER if bench.scale == "paper" else {"steps": 84, "evaluate_every": 84}
        found = [100 * bench.run(Train, seed, models=("hyperbolic",), mean=mean, **own).accuracies["hyperbolic"]
                 for mean in ("midpoint", "frechet")]  # fmt: skip
        rows.append((seed, *found, found[0] - found[1]))
    gaps = [row[3] for row in rows]
    worst, curves = _means_apart(bench)
    text = f"Midpoint less Fréchet: {_spread(gaps)} points of accuracy over {len(rows)} seeds."
    why = "The means themselves are not the same point: " + "; ".join(
        f"at most {100 * far:.2f} % of σ apart for clouds up to σ = 4 at {name}" for name, far in worst.items()
    )
    columns = ("seed", "midpoint [%]", "Fréchet [%]", "difference")
    return Finding(abs(float(np.mean(gaps))) <= 1.0, text, Table(columns, tuple(rows)), f"{why}.", curves,
                   DISTANCE_AXES)  # fmt: skip


def _means_apart(bench: ClaimBench) -> tuple[dict[str, float], dict[str, Any]]:
    """Largest d(midpoint, Fréchet mean) / σ over the seeds of clouds with σ below 4, and the curves of the first."""
    worst: dict[str, float] = {}
    curves: dict[str, Any] = {}
    for seed in bench.seeds:
        run = bench.run(Means, seed, dimensions=16)
        for name, values in run.ratios.items():
            deviations = np.array(run.deviations[name])
            worst[name] = max(worst.get(name, 0.0), float(np.array(values)[deviations < 4].max()))
            curves.setdefault(name, (deviations, np.array(values)))
    return worst, curves


@claim(
    "midpoint_is_near_mean",
    statement="For deviations below 4 the Poincaré midpoint is within 1 % of the deviation of the Fréchet mean.",
    source="Section 3.5; the bar is ours",
    paper="An approximation of the Fréchet mean; how near is not told.",
    experiment="mean",
    laptop="seconds",
)
def midpoint_is_near_mean(bench: ClaimBench) -> Finding:
    """Clouds of 512 points in 16 dimensions at several curvatures, d(midpoint, Fréchet mean) / σ below 0.01."""
    worst, curves = _means_apart(bench)
    text = "; ".join(f"at most {100 * far:.2f} % of σ apart at {name}" for name, far in worst.items())
    holds = max(worst.values()) < 0.01
    far = "Only clouds at c = 1 whose deviation is near 4 pass the bar of 1 %; the paper's networks work at c = 0.1."
    table = Table(("clouds", "largest d / σ"), tuple(worst.items()))
    return Finding(holds, f"{text[0].upper()}{text[1:]}.", table, "" if holds else far, curves, DISTANCE_AXES)


@claim(
    "midpoint_is_quicker",
    statement="A training step with the midpoint is quicker than one with the Fréchet mean.",
    source="Table 1",
    paper=f"Training time cut by roughly 20-25 % ({UNREAD}).",
    experiment="cost",
    laptop="half a minute",
)
def midpoint_is_quicker(bench: ClaimBench) -> Finding:
    """The same network and batch, steps taken in turn, medians of 15; the bar is that it is quicker for every seed."""
    rows = []
    for seed in bench.seeds:
        run = build(Cost, {"points": 1000}, seed=seed, device=str(bench.device))
        works = {name: run._work(name, "manual") for name in (NETWORK, FRECHET)}
        times: dict[str, list[float]] = {name: [] for name in works}
        for index in range(16):
            for name, work in works.items():
                began = time.perf_counter()
                work().backward()
                if bench.device.type == "cuda":
                    torch.cuda.synchronize()
                if index:  # the first of each warms up
                    times[name].append(1000 * (time.perf_counter() - began))
                bench.say(f"step {index} of {name}, seed {seed}", index / 16)
        quick, slow = (float(np.median(times[name])) for name in (NETWORK, FRECHET))
        rows.append((seed, quick, slow, 100 * (1 - quick / slow)))
    quick, slow = (float(np.mean([row[index] for row in rows])) for index in (1, 2))
    text = f"{quick:.0f} ms against {slow:.0f} ms a step: {_spread([row[3] for row in rows])} % less."
    why = "The Fréchet mean here is solved to 1e-6 by Lou's iteration in Python; on a GPU the share may differ."
    columns = ("seed", "midpoint [ms]", "Fréchet [ms]", "less [%]")
    return Finding(all(row[1] < row[2] for row in rows), text, Table(columns, tuple(rows)), why)


@claim(
    "it_trains",
    statement="A network that is hyperbolic from the pixels on trains well.",
    source="Section 4",
    paper=f"Accuracy close to the Euclidean network of the same widths ({UNREAD}).",
    experiment="train",
    laptop="1 min",
    paper_scale="hours on a GPU",
)
def it_trains(bench: ClaimBench) -> Finding:
    """Digits, widths 4, 8, 16, six epochs of 14 steps: at least 93 % of the test digits right over the seeds."""
    rows = []
    for seed in bench.seeds:
        own = PAPER if bench.scale == "paper" else {"steps": 84, "evaluate_every": 14}
        run = bench.run(Train, seed, models=("hyperbolic",), **own)
        rows.append((seed, 100 * run.accuracies["hyperbolic"]))
    found = [row[1] for row in rows]
    bar = 80.0 if bench.scale == "paper" else 93.0
    text = f"{_spread(found)} % right, {min(found):.1f} % for the worst seed."
    return Finding(float(np.mean(found)) >= bar, text, Table(("seed", "accuracy [%]"), tuple(rows)))


@claim(
    "on_par",
    statement="Poincaré ResNet is on par with the Euclidean network of the same widths.",
    source="Section 4, CIFAR tables",
    paper=f"On par, slightly below ({UNREAD}).",
    experiment="train",
    laptop="3 min",
    paper_scale="hours on a GPU",
)
def on_par(bench: ClaimBench) -> Finding:
    """Digits, 15 epochs: accuracies differ by at most two points on average; a Euclidean step is 4 times as quick."""
    rows = []
    for seed in bench.seeds:
        own = PAPER if bench.scale == "paper" else {"steps": 210, "evaluate_every": 70}
        run = bench.run(Train, seed, models=("hyperbolic", "hyperbolic_head", "euclidean"), **own)
        rows.append((seed, *(100 * run.accuracies[name] for name in run.networks)))
    table = np.array([row[1:] for row in rows])
    gap = float(table[:, 0].mean() - table[:, 2].mean())
    ratio = _step_ratio(run)
    text = (
        f"{table[:, 0].mean():.1f} % against {table[:, 2].mean():.1f} % (Euclidean); "
        f"a step takes {ratio:.0f} times as long."
    )
    columns = ("seed", "Poincaré [%]", "hyperbolic head [%]", "Euclidean [%]")
    return Finding(abs(gap) <= 2.0, text, Table(columns, tuple(rows)))


def _step_ratio(run: Networks[Any, Any]) -> float:
    """How many times as long as a Euclidean step a hyperbolic one takes, both measured now."""
    images, labels = run.next_batch()
    seconds = {}
    for name in ("hyperbolic", "euclidean"):
        times = []
        for _ in range(5):
            began = time.perf_counter()
            torch.nn.functional.cross_entropy(run.networks[name](images), labels).backward()
            times.append(time.perf_counter() - began)
        seconds[name] = float(np.median(times))
    return seconds["hyperbolic"] / seconds["euclidean"]


@claim(
    "depth_needs_identity",
    statement="Initialisations that collapse to the origin limit deeper networks: without batch norm, a deep network "
    "learns worse from the start of HNN++ than from the identity.",
    source="Abstract (i), section 3.4",
    paper="Current initialisations collapse to the origin, limiting their applicability in deeper networks.",
    experiment="train",
    laptop="3 min",
)
def depth_needs_identity(bench: ClaimBench) -> Finding:
    """Three blocks a group, no batch norm, 150 steps on the same batches: a lower loss for every seed."""
    rows = _deep_starts(bench)
    table = np.array([row[1:] for row in rows])
    identity, other = table[:, 0], table[:, 1]
    text = (
        f"Loss {_spread(list(identity))} (identity) against {_spread(list(other))} (HNN++); "
        f"{table[:, 2].mean():.1f} % against {table[:, 3].mean():.1f} % right."
    )
    return Finding(bool((identity < other).all()), text, Table(DEEP_COLUMNS, rows))


@claim(
    "hnn_start_is_stuck",
    statement="Without batch norm, a deep network learns nothing from the start of HNN++, but from the identity.",
    source="Section 3.4; the bar is ours",
    paper="Current initialisations collapse to the origin, limiting their applicability in deeper networks.",
    experiment="train",
    laptop="3 min",
)
def hnn_start_is_stuck(bench: ClaimBench) -> Finding:
    """Three blocks a group, no batch norm, 150 steps: loss > 2.2 (ln 10 = 2.30) with HNN++, < 1.5 with identity."""
    rows = _deep_starts(bench)
    identity, other = (np.array([row[index] for row in rows]) for index in (1, 2))
    holds = bool(identity.max() < 1.5 and other.min() > 2.2)
    text = f"Loss {_spread(list(identity))} (identity) against {_spread(list(other))} (HNN++); chance is 2.30."
    why = "" if holds else (
        "HNN++ is slowed, not stopped: the skip connections carry the signal past the collapsing layers."
        if other.min() <= 2.2 else "The identity start is slower than the bar at this learning rate."
    )  # fmt: skip
    return Finding(holds, text, Table(DEEP_COLUMNS, rows), why)


DEEP_COLUMNS = ("seed", "loss, identity", "loss, HNN++", "accuracy, identity [%]", "accuracy, HNN++ [%]")


def _deep_starts(bench: ClaimBench) -> tuple[tuple[Any, ...], ...]:
    """Loss and accuracy of a deep network without batch norm from either start, a row a seed."""
    rows = []
    for seed in bench.seeds:
        losses, accuracies = [], []
        for start in ("identity", "hnn++"):
            run = bench.run(Train, seed, models=("hyperbolic",), initialisation=start, mean="off", blocks=3, steps=150,
                            evaluate_every=150)  # fmt: skip
            losses.append(_training_loss(run))
            accuracies.append(100 * run.accuracies["hyperbolic"])
        rows.append((seed, *losses, *accuracies))
    return tuple(rows)


def _training_loss(run: Train) -> float:
    network = run.networks["hyperbolic"]
    with torch.no_grad():
        images, labels = run._train[:400], run._train_labels[:400]
        return float(torch.nn.functional.cross_entropy(network(images), labels))


@claim(
    "backward_saves_memory",
    statement="Backward passes derived by hand keep less memory than automatic differentiation.",
    source="Section 3.8",
    paper="One saved node a map instead of a chain of small operations.",
    experiment="cost",
    laptop="half a minute",
    seeds=(0,),
)
def backward_saves_memory(bench: ClaimBench) -> Finding:
    """20000 vectors of 16: at most 0.65 of the bytes for ⊕ and 0.6 for exp_x ∘ log_x; time is told, not judged."""
    run = bench.run(Cost, bench.seeds[0], points=20_000, dimensions=16, repeats=3)
    ratio = np.array(run.saved["manual"]) / np.array(run.saved["autograd"])
    quick = np.array(run.milliseconds["manual"]) / np.array(run.milliseconds["autograd"])
    by_name = dict(zip(map_names(), ratio, strict=True))
    holds = by_name["x ⊕ y"] <= 0.65 and by_name["exp_x ∘ log_x"] <= 0.6
    text = f"{by_name['x ⊕ y']:.3f} of the bytes for ⊕, {by_name['exp_x ∘ log_x']:.3f} for exp ∘ log, " \
           f"{by_name[NETWORK]:.2f} for a network's step."  # fmt: skip
    rows = tuple((name, float(r), float(t)) for name, r, t in zip(map_names(), ratio, quick, strict=True))
    return Finding(bool(holds), text, Table(("map", "ratio of bytes", "ratio of time"), rows))


@claim(
    "strange_images",
    statement="A hyperbolic network tells images of another kind from known ones better than a Euclidean one.",
    source="Section 4.3, out-of-distribution tables",
    paper=f"Better on most pairs of data sets ({UNREAD}).",
    experiment="robustness",
    laptop="3 min",
)
def strange_images(bench: ClaimBench) -> Finding:
    """Digits against inverted, shuffled and checkered ones: the mean AUROC is higher on at least two of them."""
    rows = []
    for kind in ("inverted", "shuffled", "checkers"):
        areas: dict[str, list[float]] = {"hyperbolic": [], "euclidean": []}
        for seed in bench.seeds:
            run = bench.run(Robustness, seed, steps=140, strange=kind)
            for name in areas:
                areas[name].append(100 * run.scores[name][1])
        means = [float(np.mean(values)) for values in areas.values()]
        spreads = [float(np.std(values, ddof=1)) if len(values) > 1 else 0.0 for values in areas.values()]
        rows.append((kind, *means, *spreads))
    table = np.array([row[1:3] for row in rows])
    better = int((table[:, 0] > table[:, 1]).sum())
    text = f"Mean AUROC {table[:, 0].mean():.1f} % against {table[:, 1].mean():.1f} %; better on {better} of 3 kinds."
    columns = ("images", "Poincaré [%]", "Euclidean [%]", "sd, Poincaré", "sd, Euclidean")
    return Finding(better >= 2, text, Table(columns, tuple(rows)))


@claim(
    "attacks_hurt_less",
    statement="A hyperbolic network keeps more of its accuracy under FGSM attacks than the Euclidean one of the same "
    "widths.",
    source="Section 4, adversarial attacks",
    paper=f"Reported as more robust for attacks of 0.8 to 3.2 / 255 on CIFAR ({UNREAD}; recalled, not re-read).",
    experiment="robustness",
    laptop="3 min",
    paper_scale="hours on a GPU",
)
def attacks_hurt_less(bench: ClaimBench) -> Finding:
    """Digits, attacks up to 16 / 255: accuracy under attack over accuracy without, meaned over the sizes and seeds."""
    rows = []
    epsilons = np.empty(0)
    kept: dict[str, list[np.ndarray]] = {"hyperbolic": [], "euclidean": []}
    for seed in bench.seeds:
        own = {**PAPER, "epsilon": 3.2} if bench.scale == "paper" else {"steps": 140, "epsilon": 16.0}
        own.pop("evaluate_every", None)
        run = bench.run(Robustness, seed, **own)
        epsilons = run.epsilons
        for name, shares in kept.items():
            accuracy = np.array(run.accuracy[name])
            shares.append(100 * accuracy / max(accuracy[0], 1e-9))
        rows.append((seed, *(float(shares[-1][1:].mean()) for shares in kept.values()),
                     *(100 * run.accuracy[name][-1] for name in kept)))  # fmt: skip
    table = np.array([row[1:3] for row in rows])
    curves = {MODELS[name]: (epsilons, np.mean(shares, 0)) for name, shares in kept.items()}
    text = (
        f"{_spread(list(table[:, 0]))} % of the accuracy kept on average against {_spread(list(table[:, 1]))} % "
        f"(Euclidean), attacks up to {epsilons[-1]:g} / 255."
    )
    columns = ("seed", "kept, Poincaré [%]", "kept, Euclidean [%]", "right at the largest, Poincaré [%]",
               "right at the largest, Euclidean [%]")  # fmt: skip
    return Finding(bool(table[:, 0].mean() > table[:, 1].mean()), text, Table(columns, tuple(rows)), "", curves,
                   ("ε [255ths]", "accuracy kept [%]"))  # fmt: skip
