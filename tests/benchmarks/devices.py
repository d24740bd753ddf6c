"""Runs every experiment of every built-in plugin a few steps on a device: does it work there, and how fast is it?

`python tests/benchmarks/devices.py cuda:0 [SECONDS] [PLUGIN ...]` prints a line an experiment, with steps per second on
the device and on the processor in the same run, and says of each failure where it happened.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
import traceback
from pathlib import Path

ROOT = Path(__file__).parents[2]


def measure(entry, card, device: str, seconds: float) -> tuple[int, float]:
    """Return how many steps were done within `seconds`, and the rate after the first one."""
    import torch

    from workbench.compute.building import build
    from workbench.sdk import Progress

    experiment = build(entry.experiment_type(card.id), seed=0, device=device)
    for _ in experiment.prepare():
        pass
    with torch.no_grad():
        experiment.frame()
    began, first, last = time.perf_counter(), None, {}
    for produced in experiment.run():
        now = time.perf_counter()
        if not isinstance(produced, Progress):
            first, last = first or now, produced
        if now - began > seconds:
            break
    for name, value in last.items():
        if name.startswith("loss") and not torch.isfinite(torch.as_tensor(float(value))):
            raise ValueError(f"{name} is {float(value)}")
    with torch.no_grad():
        experiment.frame()
    elapsed = time.perf_counter() - (first or began)
    return experiment.step, (experiment.step - 1) / elapsed if experiment.step > 1 and elapsed > 0 else float("nan")


def main() -> int:
    """Go through the plugins; return 1 if something failed."""
    from workbench.catalog import Catalog

    device = sys.argv[1] if len(sys.argv) > 1 else "cpu"
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 3.0
    failed = 0
    for entry in Catalog.discover().entries:
        if entry.status != "ok" or (sys.argv[3:] and entry.card.id not in sys.argv[3:]):
            continue
        for card in entry.card.experiments:
            name = f"{entry.card.id}/{card.id}"
            try:
                steps, rate = measure(entry, card, device, seconds)
                other = "" if device == "cpu" else f"; cpu {measure(entry, card, 'cpu', seconds)[1]:9.1f} steps/s"
                print(f"ok    {name:38} {steps:6d} steps, {rate:9.1f} steps/s{other}", flush=True)
            except Exception as error:
                failed += 1
                where = traceback.extract_tb(error.__traceback__)[-1]
                place = f"{Path(where.filename).name}:{where.lineno}"
                print(f"FAIL  {name:38} {type(error).__name__}: {str(error)[:160]} ({place})", flush=True)
                frames = [
                    f
                    for f in traceback.extract_tb(error.__traceback__)
                    if "plugins" in f.filename or "toolkit" in f.filename
                ]
                for frame in frames[-3:]:
                    print(f"        {Path(frame.filename).name}:{frame.lineno} {frame.line}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.environ["WORKBENCH_HOME"] = folder
        sys.path.insert(0, str(ROOT))
        sys.exit(main())
