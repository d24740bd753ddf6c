"""MgNO beside FNO and U-Net at equal parameter count on rough Darcy flow, for a machine with a GPU.

    python tests/benchmarks/equal_parameters.py [--steps 12500] [--n 64] [--train 1000] [--seeds 2] [--json FILE]

The claim "equal_parameters" at paper scale without the application around it: torch, numpy, scipy and jaxtyping are
enough. Same data, same batches, relative H1 loss, one-cycle schedule; learning rates 1e-3, and 2e-3 for the FNO.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np
import torch

from plugins.mgno.model import MgNO
from workbench.toolkit.elliptic import solve_darcy
from workbench.toolkit.field_losses import relative_h1, relative_l2
from workbench.toolkit.field_models import FNO2d, UNet, parameter_count
from workbench.toolkit.random_fields import neumann_field, two_phases

TESTS, BATCH, ALPHA, TAU, HIGH, LOW = 100, 8, 2.0, 5.0, 12.0, 2.0


def problem(job: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Coefficient and solution of one seed on n points a side."""
    n, seed = job
    noise = np.random.default_rng(seed).standard_normal((n, n))
    a = two_phases(neumann_field(noise, ALPHA, TAU), HIGH, LOW)
    return a.astype(np.float32), solve_darcy(a).astype(np.float32)


def data(n: int, count: int, first: int, device: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Inputs and outputs (b, 1, n, n)."""
    with ProcessPoolExecutor() as pool:
        pairs = list(pool.map(problem, [(n, first + index) for index in range(count)], chunksize=8))
    return tuple(torch.from_numpy(np.stack(own))[:, None].to(device) for own in zip(*pairs, strict=True))  # type: ignore[return-value]


def networks(n: int) -> dict[str, tuple[torch.nn.Module, float]]:
    """Networks of nearly the same size, and their largest step sizes."""
    counts = [(1, 0)] * 4 + [(2, 0)]
    return {
        "MgNO": (MgNO(n, channels=24, layers=4, counts=counts), 1e-3),
        "FNO": (FNO2d(width=24, modes=7, padding=8), 2e-3),
        "U-Net": (UNet(width=8), 1e-3),
    }


def main() -> None:
    """Train all, one after the other, and print errors in per cent."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, value in (("steps", 12_500), ("n", 64), ("train", 1000), ("seeds", 2)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--json", type=Path)
    own = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    found = []
    for seed in range(own.seeds):
        a, u = data(own.n, own.train, 100_000 * seed, device)
        test_a, test_u = data(own.n, TESTS, 10_000_000 + 100_000 * seed, device)
        mean, deviation = u.mean(), u.std()
        torch.manual_seed(seed)
        for name, (network, rate) in networks(own.n).items():
            network.to(device)
            optimizer = torch.optim.Adam(network.parameters(), lr=rate, weight_decay=1e-4)
            schedule = torch.optim.lr_scheduler.OneCycleLR(
                optimizer, rate, total_steps=own.steps + 1, pct_start=0.2, div_factor=2.0, final_div_factor=100.0
            )
            generator, began, order = torch.Generator().manual_seed(seed), time.perf_counter(), torch.empty(0).long()
            network.train()
            for _ in range(own.steps):
                if len(order) < BATCH:
                    order = torch.randperm(own.train, generator=generator)
                picked, order = order[:BATCH].to(device), order[BATCH:]
                loss = relative_h1(network(a[picked]) * deviation + mean, u[picked], cut=None).sum()
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                optimizer.step()
                schedule.step()
            network.eval()
            with torch.no_grad():
                l2, h1, trained = (
                    float(torch.cat([error(network(x) * deviation + mean, y)
                                     for x, y in zip(xs.split(20), ys.split(20), strict=True)]).mean())
                    for xs, ys, error in (
                        (test_a, test_u, relative_l2), (test_a, test_u, lambda p, y: relative_h1(p, y, cut=None)),
                        (a, u, relative_l2),
                    )
                )  # fmt: skip
            row = {"seed": seed, "model": name, "parameters": parameter_count(network), "l2": 100 * l2, "h1": 100 * h1,
                   "train l2": 100 * trained, "seconds": time.perf_counter() - began}  # fmt: skip
            found.append(row)
            print(json.dumps(row), flush=True)
    if own.json:
        own.json.write_text(json.dumps({"device": torch.cuda.get_device_name() if device == "cuda" else device,
                                        "steps": own.steps, "n": own.n, "rows": found}, indent=1))  # fmt: skip


if __name__ == "__main__":
    main()
