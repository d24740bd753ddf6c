"""The paper's claims as checks. Bars were fixed before anything was run here, and are not moved to fit."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
import torch

from plugins.mgno.classical import apply_stencil, classical_cycle
from plugins.mgno.contract import MODELS
from plugins.mgno.experiments.boundary import BOUNDARIES, PADDINGS, BoundaryLab
from plugins.mgno.experiments.fields import Fields
from plugins.mgno.experiments.multigrid_lab import MultigridLab
from plugins.mgno.experiments.rollout import Rollout
from plugins.mgno.model import MgNO
from workbench.sdk import ClaimBench, Finding, Table, claim
from workbench.toolkit.field_models import parameter_count

UNVERIFIED = "table 1 as remembered, not verified"
ROUGH: dict[str, Any] = {
    "dataset": "darcy_rough", "n": 48, "train": 200, "test": 60, "tau": 5.0, "high": 12.0, "low": 2.0,
    "loss": "h1_uncut", "batch": 8, "steps": 400, "channels": 12, "layers": 3, "levels": 4, "learning_rate": 1e-3,
    "fno_width": 16, "fno_modes": 10, "fno_padding": 5, "fno_learning_rate": 2e-3, "evaluate_every": 400,
    "scaling": "released",
}  # fmt: skip
"""For a laptop; the released scaling for this set is none."""
SCALED: dict[str, Any] = {"scaling": "global"}
"""Inputs of mean 0 and deviation 1 where MgNO stands beside other models: unscaled ones (12 and 2) cost MgNO a fifth of
its accuracy after so few steps and FNO none (measured, see the claims)."""
PAPER: dict[str, Any] = {
    "dataset": "darcy_rough", "n": 64, "train": 1000, "test": 100, "loss": "h1_uncut", "batch": 8, "steps": 12_500,
    "channels": 24, "layers": 4, "levels": 5, "learning_rate": 1e-3, "fno_learning_rate": 2e-3, "fno_padding": 8,
    "evaluate_every": 1250, "scaling": "released",
}  # fmt: skip
"""For a GPU: 100 epochs of 1000 problems."""
EQUAL_BUDGET = (
    "The budget is the cause: 400 steps leave all three underfitted, in the order of how fast they start. The same "
    "networks with 1000 problems and 6000 steps: MgNO 2.43 / 4.61 %, FNO 3.17 / 11.91 % (two seeds), U-Net 3.27 / 9.66 "
    "% (one seed). The U-Net's step size of 1e-3 is too small for it in 400 steps: with the best of 1e-3, 3e-3 and "
    "1e-2 for each, on 32 x 32 points (two seeds), MgNO 6.06 / 10.24 %, FNO 5.75 / 14.67 %, U-Net 5.46 / 14.53 %."
)
"""Why the order at laptop scale is another: measured with this module's data and losses, inputs scaled."""
Errors = dict[str, tuple[float, float]]


_RUNS: dict[tuple[Any, ...], tuple[tuple[float, float], tuple[float, float], int]] = {}
"""Runs of this process: several claims compare with the same one."""


def _train(
    bench: ClaimBench, seed: int, models: tuple[str, ...] = ("mgno",), **changes: Any
) -> tuple[Errors, Errors, dict[str, int]]:
    """Test errors, training errors and parameters of models trained on the same data and order of batches."""
    test, train, counts = {}, {}, {}
    for name in models:
        key = (bench.device.type, seed, name, *sorted((ROUGH | changes).items()))
        if key not in _RUNS:
            run = bench.run(Fields, seed=seed, **(ROUGH | changes | {"models": (name,)}))
            _RUNS[key] = run.errors("test")[name], run.errors("train")[name], parameter_count(run.networks[0])
        test[name], train[name], counts[name] = _RUNS[key]
    return test, train, counts


def _percent(values: list[float]) -> str:
    own = 100 * np.asarray(values)
    return f"{own.mean():.2f} ± {own.std(ddof=1):.2f}" if len(own) > 1 else f"{own.mean():.2f}"


def _compared(
    bench: ClaimBench, models: tuple[str, ...], **changes: Any
) -> tuple[dict[str, list[float]], dict[str, list[float]], dict[str, int], Table]:
    """L2 and H1 errors by model over the seeds, and the table of them."""
    l2: dict[str, list[float]] = {name: [] for name in models}
    h1: dict[str, list[float]] = {name: [] for name in models}
    trained: dict[str, list[float]] = {name: [] for name in models}
    counts: dict[str, int] = {}
    for seed in bench.seeds:
        test, train, counts = _train(bench, seed, models=models, **changes)
        for name in models:
            l2[name].append(test[name][0])
            h1[name].append(test[name][1])
            trained[name].append(train[name][0])
    rows = tuple(
        (MODELS[name], counts[name], _percent(trained[name]), _percent(l2[name]), _percent(h1[name])) for name in models
    )
    return l2, h1, counts, Table(("model", "parameters", "train L2 (%)", "test L2 (%)", "test H1 (%)"), rows)


def _mean(values: list[float]) -> float:
    return float(np.mean(values))


@claim(
    "parameter_efficiency",
    statement="With less than a fifth of FNO's parameters, MgNO comes within a factor of 1.5 of its error on rough "
    "Darcy flow after a short training.",
    source="Table 1 and the introduction",
    paper=f"L2 0.339 % with 0.57 M parameters, FNO 1.613 % ({UNVERIFIED})",
    experiment="fields",
    laptop="3 minutes",
)
def parameter_efficiency(bench: ClaimBench) -> Finding:
    """N = 48, 200 problems, 400 steps: MgNO's mean test L2 < 1.5 x FNO's, with < 1/5 of its parameters."""
    l2, _, counts, table = _compared(bench, ("mgno", "fno"), **SCALED)
    ratio = _mean(l2["mgno"]) / _mean(l2["fno"])
    holds = ratio < 1.5 and counts["mgno"] < counts["fno"] / 5
    measured = (
        f"L2 {_percent(l2['mgno'])} % with {counts['mgno']} parameters against {_percent(l2['fno'])} % with "
        f"{counts['fno']}: {ratio:.2f} times the error."
    )
    why = "" if holds else (
        "MgNO starts more slowly: at 400 steps its training error is nearly as large as its test error (see the "
        "table), while the released recipe trains 80 000 steps. The input is not normalised, as released for this set."
    )  # fmt: skip
    return Finding(holds, measured, table, why)


@claim(
    "equal_parameters",
    statement="At an equal number of parameters MgNO has lower L2 and H1 errors than FNO and U-Net on the same data.",
    source="Table 1",
    paper=f"rough Darcy, L2 / H1 in %: MgNO 0.339 / 1.380, FNO 1.613 / 7.516 ({UNVERIFIED})",
    experiment="fields",
    laptop="4 minutes",
    paper_scale="6 minutes on a large GPU (n = 64, 1000 problems, 12 500 steps)",
)
def equal_parameters(bench: ClaimBench) -> Finding:
    """Mean test L2 and H1 of MgNO below those of FNO and U-Net, all within 15 % of its parameters."""
    sizes: dict[str, Any] = SCALED | {"fno_modes": 4, "fno_width": 15, "unet_width": 3}
    if bench.scale == "paper":
        sizes = PAPER | {"fno_width": 24, "fno_modes": 7, "unet_width": 8}
    l2, h1, counts, table = _compared(bench, ("mgno", "fno", "unet"), **sizes)
    matched = all(abs(counts[name] / counts["mgno"] - 1) < 0.15 for name in ("fno", "unet"))
    holds = matched and all(_mean(own["mgno"]) < _mean(own[name]) for own in (l2, h1) for name in ("fno", "unet"))
    words = ", ".join(f"{MODELS[name]} {_percent(l2[name])} / {_percent(h1[name])} %" for name in l2)
    tuned = "The learning rates are the panel's defaults, tuned for none of the three."
    why = "" if holds else (EQUAL_BUDGET if bench.scale == "laptop" else tuned)
    return Finding(holds, f"L2 / H1: {words}.", table, why)


@claim(
    "h1_loss",
    statement="Training on the relative H1 norm lowers the H1 error compared with training on L2.",
    source="Section 4, on losses",
    paper="the paper trains Darcy with H1 (released code); no number for L2",
    experiment="fields",
    laptop="2 minutes",
)
def h1_loss(bench: ClaimBench) -> Finding:
    """Same data and steps: mean H1 test error with the H1 loss below that with the L2 loss."""
    _, by_h1, _, _ = _compared(bench, ("mgno",))
    _, by_l2, _, _ = _compared(bench, ("mgno",), loss="l2")
    measured = f"H1 error {_percent(by_h1['mgno'])} % with the H1 loss, {_percent(by_l2['mgno'])} % with the L2 loss."
    rows = (("H1", _percent(by_h1["mgno"])), ("L2", _percent(by_l2["mgno"])))
    return Finding(_mean(by_h1["mgno"]) < _mean(by_l2["mgno"]), measured, Table(("loss", "test H1 (%)"), rows))


@claim(
    "multilevel",
    statement="More levels lower the error: four grids beat two, two beat one, by more than a factor of two in all.",
    source="Section 3.2 (the V-cycle couples all scales)",
    paper="no number; the paper's cycles have six levels",
    experiment="fields",
    laptop="3 minutes",
)
def multilevel(bench: ClaimBench) -> Finding:
    """Equal layers and steps: mean test L2 with 4 levels < 2 levels < 1 level, 1 level > 2 x 4 levels."""
    found, rows = {}, []
    for levels in (1, 2, 4):
        l2, _, counts, _ = _compared(bench, ("mgno",), levels=levels)
        found[levels] = _mean(l2["mgno"])
        rows.append((levels, counts["mgno"], _percent(l2["mgno"])))
    holds = found[4] < found[2] < found[1] and found[1] > 2 * found[4]
    measured = ", ".join(
        f"{levels} level{'s' if levels > 1 else ''} {100 * error:.2f} %" for levels, error in found.items()
    )
    return Finding(holds, f"Test L2: {measured}.", Table(("levels", "parameters", "test L2 (%)"), tuple(rows)))


@claim(
    "overfitting",
    statement="With few training problems MgNO's test error stays closer to its training error than FNO's.",
    source="Section 4, training dynamics",
    paper="train and test curves stay together, less so for spectral models (qualitative)",
    experiment="fields",
    laptop="4 minutes",
)
def overfitting(bench: ClaimBench) -> Finding:
    """64 problems, 60 epochs of 8: mean test/train (L2) of MgNO below FNO's."""
    ratios: dict[str, list[float]] = {"mgno": [], "fno": []}
    rows = []
    for seed in bench.seeds:
        test, train, _ = _train(bench, seed, models=("mgno", "fno"), train=64, steps=480)
        for name, own in ratios.items():
            own.append(test[name][0] / train[name][0])
            rows.append((seed, MODELS[name], 100 * train[name][0], 100 * test[name][0], own[-1]))
    mgno, fno = (_mean(ratios[name]) for name in ("mgno", "fno"))
    measured = f"Test ÷ training error: MgNO {mgno:.2f}, FNO {fno:.2f}."
    return Finding(mgno < fno, measured, Table(("seed", "model", "train L2 (%)", "test L2 (%)", "ratio"), tuple(rows)))


@claim(
    "boundary",
    statement="The padding that fits the boundary condition learns Poisson's equation best, for each of three.",
    source="Section 3.3",
    paper="boundary conditions are met by the padding (qualitative)",
    experiment="boundary",
    laptop="3 minutes",
)
def boundary(bench: ClaimBench) -> Finding:
    """Mean relative L2 over seeds: in each row of the 3 x 3 matrix the fitting padding is lowest."""
    errors = np.stack([bench.run(BoundaryLab, seed=seed, evaluate_every=300).errors for seed in bench.seeds])
    mean = errors.mean(0)
    winners = [PADDINGS[int(row.argmin())] for row in mean]
    holds = all(winner == padding for winner, padding in zip(winners, PADDINGS, strict=True))
    measured = "; ".join(
        f"{name}: {', '.join(f'{padding} {100 * value:.1f} %' for padding, value in zip(PADDINGS, row, strict=True))}"
        for name, row in zip(BOUNDARIES, mean, strict=True)
    )
    rows = tuple(
        (name, *(_percent(list(errors[:, row, column])) for column in range(3)), winners[row])
        for row, name in enumerate(BOUNDARIES)
    )
    return Finding(holds, f"{measured}.", Table(("boundary", *(f"{p} (%)" for p in PADDINGS), "best"), rows))


@claim(
    "smooth_easier",
    statement="Smooth Darcy flow is learnt better than rough at the same budget.",
    source="Table 1",
    paper=f"L2 0.153 % smooth, 0.339 % rough ({UNVERIFIED})",
    experiment="fields",
    laptop="2 minutes",
)
def smooth_easier(bench: ClaimBench) -> Finding:
    """Tau 3, values 12 / 3 against tau 5, values 12 / 2: mean test L2 lower."""
    rough, _, _, _ = _compared(bench, ("mgno",))
    smooth, _, _, _ = _compared(bench, ("mgno",), dataset="darcy_smooth", tau=3.0, high=12.0, low=3.0)
    measured = f"Test L2 {_percent(smooth['mgno'])} % smooth, {_percent(rough['mgno'])} % rough."
    rows = (("smooth", _percent(smooth["mgno"])), ("rough", _percent(rough["mgno"])))
    return Finding(_mean(smooth["mgno"]) < _mean(rough["mgno"]), measured, Table(("set", "test L2 (%)"), rows))


@claim(
    "rollout",
    statement="One step of Navier–Stokes is predicted with less than a third of the error of assuming that nothing "
    "moves.",
    source="Table 2",
    paper="one step 0.90 %, ten frames 1.60 % at nu = 1e-5 (a third party's rerun of the released scripts)",
    experiment="rollout",
    laptop="3 minutes",
    seeds=(0, 1),
)
def rollout(bench: ClaimBench) -> Finding:
    """N = 64, nu = 1e-3, 64 flows of 10 pairs, 8 channels, 300 steps: one-step L2 < persistence / 3."""
    rows, ratios = [], []
    variants = [(seed, True) for seed in bench.seeds] + [(bench.seeds[0], False)]
    for seed, norm in variants:
        shown = bench.run(Rollout, seed=seed, steps=300, evaluate_every=300, norm=norm).frame()
        ratio = shown.one_step[0] / shown.persistence_step
        if norm:
            ratios.append(ratio)
        rows.append((seed, "released" if norm else "no LayerNorm", 100 * shown.one_step[0],
                     100 * shown.persistence_step, ratio, 100 * float(shown.errors[0, 1:].mean())))  # fmt: skip
    measured = (
        f"One-step error is {', '.join(f'{ratio:.2f}' for ratio in ratios)} of persistence's; without LayerNorm "
        f"{rows[-1][4]:.2f}."
    )
    why = (
        "Without LayerNorm the network is blind to where a pixel is, so from the random first frame it cannot know "
        "where the forcing's waves are; the released variant's LayerNorm has weights by pixel, which tell it."
    )
    columns = ("seed", "variant", "one step (%)", "nothing moves (%)", "ratio", "roll-out, mean (%)")
    return Finding(max(ratios) < 1 / 3, measured, Table(columns, tuple(rows)), why)


@claim(
    "classical",
    statement="A multigrid V-cycle is one setting of the weights, and its convergence does not depend on the grid.",
    source="Section 3.2, theorem on V-cycles",
    paper="contraction 1 - 1/c with c independent of h (form unverified)",
    experiment="multigrid",
    laptop="seconds",
    seeds=(0,),
)
def classical(bench: ClaimBench) -> Finding:
    """Textbook weights at omega 0.8: late residual factors below 0.25 on 31, 63 and 127 points, within 0.03."""
    rows = []
    generator = torch.Generator().manual_seed(bench.seeds[0])
    with torch.no_grad():
        for n in (31, 63, 127):
            cycle = classical_cycle(n).double()
            r = torch.randn(4, 1, n, n, generator=generator, dtype=torch.float64)
            norms = [float(r.norm())]
            for _ in range(12):
                r = r - apply_stencil(cycle(r))
                norms.append(float(r.norm()))
            rows.append((n, (norms[12] / norms[4]) ** (1 / 8)))
            bench.say(f"n = {n}")
    factors = [factor for _, factor in rows]
    holds = max(factors) < 0.25 and max(factors) - min(factors) < 0.03
    measured = ", ".join(f"{factor:.3f} on {n} x {n}" for n, factor in rows)
    return Finding(holds, f"Residual factor a cycle: {measured}.", Table(("n", "factor"), tuple(rows)))


@claim(
    "learnt_smoother",
    statement="Unfrozen and trained, the V-cycle converges faster than the textbook's.",
    source="Section 3.2 (trainable stencils)",
    paper="no number; the paper only trains whole operators",
    experiment="multigrid",
    laptop="a minute",
)
def learnt_smoother(bench: ClaimBench) -> Finding:
    """N = 31, 200 steps: late residual factor of the trained cycle below half of the textbook's on 31 points."""
    rows = []
    for seed in bench.seeds:
        run = bench.run(MultigridLab, seed=seed, n="31", steps=200)
        trained = run.factor(run.cycle, 12)
        textbook = run.factor(classical_cycle(31).to(bench.device), 12)
        rows.append((seed, textbook, trained))
    holds = all(trained < 0.5 * textbook for _, textbook, trained in rows)
    measured = f"Factor a cycle {np.mean([row[2] for row in rows]):.4f} trained, {np.mean([row[1] for row in rows]):.3f} textbook."  # noqa: E501
    return Finding(holds, measured, Table(("seed", "textbook", "trained"), tuple(rows)))


@claim(
    "linear_cost",
    statement="The cost of MgNO is linear in the number of grid points.",
    source="Abstract and section 3.2",
    paper="O(N) work",
    experiment="fields",
    laptop="half a minute",
    seeds=(0,),
)
def linear_cost(bench: ClaimBench) -> Finding:
    """Shortest time of a forward pass on 64, 128 and 256 points a side: slope of log time by log points < 1.15."""
    network = MgNO(256, channels=12, layers=3, counts=[(1, 0)] * 4 + [(2, 0)]).to(bench.device)
    network = network.to(memory_format=torch.channels_last)
    rows = []
    with torch.no_grad():
        for n in (64, 128, 256):
            a = torch.rand(1, 1, n, n, device=bench.device)
            times = []
            for _ in range(12):
                began = time.perf_counter()
                network(a)
                if bench.device.type == "cuda":
                    torch.cuda.synchronize()
                times.append(time.perf_counter() - began)
            rows.append((n, 1e3 * min(times)))
            bench.say(f"n = {n}")
    slope = math.log(rows[-1][1] / rows[0][1]) / math.log(16)
    measured = f"{', '.join(f'{ms:.1f} ms at {n}²' for n, ms in rows)}: time ~ points^{slope:.2f}."
    return Finding(slope < 1.15, measured, Table(("n", "shortest time (ms)"), tuple(rows)))
