"""`workbench sweep`: an experiment over a grid, random samples and seeds, here or on a Dask cluster."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from workbench.cli import UsageProblem, parse_settings
from workbench.cli.targets import find_experiment
from workbench.sweeps import Axis, Sweep, SweepSpec, SweepStore, points_of
from workbench.sweeps.driver import Driver
from workbench.sweeps.launch import launch
from workbench.sweeps.spec import Kind
from workbench.sweeps.store import Cluster

WATCH_SECONDS = 0.5


def start(
    target: str,
    axes: Mapping[Kind, list[str]],
    settings: list[str],
    samples: int,
    seeds: int,
    steps: int | None,
    device: str,
    cluster: Cluster,
    detach: bool,
    quiet: bool,
) -> int:
    """Make a sweep and drive it here, or in a process of its own with `detach`; return 1 if a point failed."""
    entry, card = find_experiment(target)
    parameters_type = entry.parameters_type(card.id)
    parsed = tuple(Axis.parse(text, kind) for kind, texts in axes.items() for text in texts)
    values: dict[str, Any] = parse_settings(settings)
    if steps is not None and "steps" in parameters_type.model_fields:
        values.setdefault("steps", steps)
        steps = None
    spec = SweepSpec(
        plugin=entry.card.id, experiment=card.id, parameters=values, axes=parsed, samples=samples,
        seeds=tuple(range(seeds)), max_steps=steps, device=device,
    )  # fmt: skip
    points_of(spec, parameters_type)
    sweep = SweepStore().create(spec, cluster)
    print(f"sweep {sweep.id}: {spec.count} runs")
    if detach:
        launch(sweep)
        return 0
    return _drive(sweep, quiet)


def attach(id: str, quiet: bool) -> int:
    """Go on with a sweep: watch the process that drives it, or drive it from where it stands."""
    sweep = _find(id)
    record = sweep.read()
    if sweep.is_driven and record.driver != os.getpid() and sweep.points():
        return _watch(sweep, quiet)
    sweep.forget_cancel()
    return _drive(sweep, quiet)


def cancel(id: str) -> int:
    """Ask a sweep to stop."""
    sweep = _find(id)
    sweep.cancel()
    print(f"{sweep.id} is asked to stop")
    return 0


def show(as_json: bool) -> int:
    """List the sweeps, newest first."""
    rows: list[dict[str, Any]] = []
    for sweep in SweepStore().sweeps():
        record = sweep.read()
        state = record.status if record.status != "running" or sweep.is_driven else "interrupted"
        target = f"{record.spec.plugin}/{record.spec.experiment}"
        rows.append({"id": sweep.id, "target": target, "status": state, "why": record.why} | dict(sweep.counts()))
    if as_json:
        print(json.dumps({"sweeps": rows}, indent=1))
        return 0
    table = Table("sweep", "experiment", "status", "done", "running", "waiting", "failed")
    for row in rows:
        table.add_row(*(str(row[name]) for name in ("id", "target", "status", "done", "running", "waiting", "failed")))
    Console().print(table)
    return 0


def _find(id: str) -> Sweep:
    try:
        return SweepStore().sweep(id)
    except KeyError as error:
        raise UsageProblem(f"{error.args[0]}.") from None


def _drive(sweep: Sweep, quiet: bool) -> int:
    with _Bar(sweep, quiet) as bar:
        try:
            Driver(sweep, bar.show).drive()
        except KeyboardInterrupt:
            print(f"stopped; `workbench sweep --attach {sweep.id}` goes on")
            return 1
    return _report(sweep)


def _watch(sweep: Sweep, quiet: bool) -> int:
    with _Bar(sweep, quiet) as bar:
        while sweep.is_driven:
            bar.show(sweep.counts())
            time.sleep(WATCH_SECONDS)
    return _report(sweep)


def _report(sweep: Sweep) -> int:
    counts, record = sweep.counts(), sweep.read()
    print(f"{sweep.id}: {record.status}; " + ", ".join(f"{count} {name}" for name, count in counts.items() if count))
    errors = {state.error for state in sweep.points().values() if state.state == "failed" and state.error}
    for error in sorted(errors):
        print(f"  {error}")
    return 0 if record.status == "finished" and not counts["failed"] else 1


class _Bar:
    def __init__(self, sweep: Sweep, quiet: bool) -> None:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[text]}"),
            TimeElapsedColumn(),
        )
        self._progress = Progress(*columns, console=Console(stderr=True, quiet=quiet), transient=True)
        self._task = self._progress.add_task(sweep.id, total=sweep.read().spec.count, text="")

    def __enter__(self) -> _Bar:
        self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._progress.stop()

    def show(self, counts: Mapping[Any, int]) -> None:
        """Show how many points have ended."""
        ended = counts["done"] + counts["failed"] + counts["cancelled"]
        text = ", ".join(f"{counts[name]} {name}" for name in ("running", "failed") if counts[name])
        self._progress.update(self._task, completed=ended, text=text)
