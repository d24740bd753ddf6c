"""Training steps per second beside the reference libraries, in one run: DeepXDE's DeepONet, neuraloperator's FNO.

    python tests/benchmarks/reference_speed.py [--seconds 6] [--json FILE]

Both libraries are optional; what is not installed is left out. The same sizes, batch, data and optimiser on both sides,
one torch thread, rounds in turn so that a busy machine slows both alike; the best round of each counts.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("DDE_BACKEND", "pytorch")
os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np
import torch

from plugins.deeponet.model import DeepONet
from workbench.toolkit.field_losses import relative_l2
from workbench.toolkit.field_models import FNO2d, parameter_count
from workbench.toolkit.ode_solvers import antiderivative
from workbench.toolkit.random_functions import GaussianProcess

ROUNDS = 5
FUNCTIONS, LOCATIONS, SENSORS, BATCH = 150, 100, 100, 1000
GRID, WIDTH, MODES, FIELD_BATCH = 48, 16, 10, 8
Step = Callable[[], None]


def stepping(network: torch.nn.Module, loss: Callable[[], torch.Tensor]) -> Step:
    """One Adam step."""
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)

    def step() -> None:
        value = loss()
        optimizer.zero_grad(set_to_none=True)
        value.backward()
        optimizer.step()

    return step


def operator_data() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Sensor readings (f, m), locations (q, 1), antiderivatives (f, q) of DeepXDE's aligned example."""
    process = GaussianProcess("rbf", 0.2, nodes=1001)
    u = process.sample(FUNCTIONS, np.random.default_rng(0))
    s = antiderivative(u, 1.0)
    read = np.linspace(0, 1000, SENSORS).round().astype(int)
    parts = (u[:, read], process.x[read][:, None], s[:, read])
    return tuple(torch.as_tensor(part, dtype=torch.float32) for part in parts)  # type: ignore[return-value]


def deeponet_pairs() -> dict[str, tuple[Step, Step]]:
    """Ours and DeepXDE's steps: aligned full batch, and triples."""
    import deepxde as dde

    u, y, s = operator_data()
    found: dict[str, tuple[Step, Step]] = {}
    ours = DeepONet(SENSORS)
    theirs = dde.nn.DeepONetCartesianProd([SENSORS, 40, 40], [1, 40, 40], "relu", "Glorot normal")
    assert parameter_count(ours) == sum(p.numel() for p in theirs.parameters())
    found["DeepONet, aligned, 150 x 100, full batch"] = (
        stepping(ours, lambda: (ours.aligned(u[None], y[None])[0] - s).square().mean()),
        stepping(theirs, lambda: (theirs((u, y)) - s).square().mean()),
    )
    rows, columns = torch.arange(FUNCTIONS * LOCATIONS) // LOCATIONS, torch.arange(FUNCTIONS * LOCATIONS) % LOCATIONS
    tiled, places, values = u[rows], y[columns], s.flatten()
    own = DeepONet(SENSORS)
    other = dde.nn.DeepONet([SENSORS, 40, 40], [1, 40, 40], "relu", "Glorot normal")

    def our_batch() -> torch.Tensor:
        picked = torch.randint(len(values), (BATCH,))
        return (own(u[rows[picked]][None], places[picked][None])[0] - values[picked]).square().mean()

    def their_batch() -> torch.Tensor:
        picked = torch.randint(len(values), (BATCH,))
        return (other((tiled[picked], places[picked]))[:, 0] - values[picked]).square().mean()

    found[f"DeepONet, triples, batch {BATCH}"] = stepping(own, our_batch), stepping(other, their_batch)
    return found


def fno_pairs() -> dict[str, tuple[Step, Step]]:
    """Ours and neuraloperator's steps on one batch of fields; the library's FNO without its channel MLPs."""
    from neuralop.models import FNO

    a, u = torch.rand(FIELD_BATCH, 1, GRID, GRID), torch.rand(FIELD_BATCH, 1, GRID, GRID)
    ours = FNO2d(width=WIDTH, modes=MODES, padding=0)
    theirs = FNO(
        n_modes=(2 * MODES, 2 * MODES), in_channels=1, out_channels=1, hidden_channels=WIDTH, n_layers=4,
        lifting_channel_ratio=0, projection_channel_ratio=8, use_channel_mlp=False, fno_skip="linear",
        positional_embedding="grid",
    )  # fmt: skip
    sizes = parameter_count(ours), sum(p.numel() * (2 if p.is_complex() else 1) for p in theirs.parameters())
    name = (
        f"FNO, {GRID} x {GRID}, batch {FIELD_BATCH}, width {WIDTH}, {MODES} modes ({sizes[0]} and {sizes[1]} numbers)"
    )
    return {
        name: (
            stepping(ours, lambda: relative_l2(ours(a), u).sum()),
            stepping(theirs, lambda: relative_l2(theirs(a), u).sum()),
        )
    }


def rates(pair: tuple[Step, Step], seconds: float) -> tuple[float, float]:
    """Best steps per second of each, in rounds in turn."""
    best = [0.0, 0.0]
    for step in pair:
        step()
    for _ in range(ROUNDS):
        for index, step in enumerate(pair):
            count, began = 0, time.perf_counter()
            while (spent := time.perf_counter() - began) < seconds / ROUNDS:
                step()
                count += 1
            best[index] = max(best[index], count / spent)
    return best[0], best[1]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=6.0, help="for each side of each pair")
    parser.add_argument("--json", type=Path, help="write the numbers to this file")
    options = parser.parse_args()
    torch.set_num_threads(1)
    results = []
    for make, library in ((deeponet_pairs, "deepxde"), (fno_pairs, "neuraloperator")):
        try:
            pairs = make()
        except ImportError as error:
            print(f"{library} is not installed ({error}); left out")
            continue
        for name, pair in pairs.items():
            ours, theirs = rates(pair, options.seconds)
            results.append({"what": name, "library": library, "ours": ours, "theirs": theirs, "ratio": ours / theirs})
            print(f"{name}: ours {ours:.1f}, {library} {theirs:.1f} steps/s, ratio {ours / theirs:.2f}")
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
