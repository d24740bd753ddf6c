"""`workbench bench`: the budgets of the design, measured on this machine as ratios and latencies."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import statistics
import subprocess
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import psutil
from rich.console import Console
from rich.table import Table

from workbench.cli.driving import drive, until
from workbench.runs.processes import own_command
from workbench.runs.store import machine_text

if TYPE_CHECKING:
    from workbench.app.experiment_page import ExperimentPage
    from workbench.app.main_window import MainWindow

PLUGIN, EXPERIMENT = "rotation_continuity", "sanity"
"""The experiment whose training is measured; any would do, this one has 3-D, curves and tables at once."""
RATIO_SECONDS = 8.0
FRAME_SECONDS = 5.0
FRAME_COST_LIMIT = 0.002
TICK_SECONDS = 0.005
MANY_STEPS = 100_000_000


@dataclass(frozen=True)
class Budget:
    """One line of the report: at least or at most `budget`, as the name says."""

    name: str
    value: float
    budget: float
    unit: str
    ok: bool
    note: str = ""


def at_most(name: str, value: float, budget: float, unit: str, note: str = "") -> Budget:
    """A budget that the value must not exceed."""
    return Budget(name, round(value, 4), budget, unit, value <= budget, note)


def at_least(name: str, value: float, budget: float, unit: str, note: str = "") -> Budget:
    """A budget that the value must reach."""
    return Budget(name, round(value, 4), budget, unit, value >= budget, note)


def run(as_json: bool, minutes: float, only: list[str]) -> int:
    """Measure and print all budgets, or those whose name contains one of `only`; return 1 if one is missed."""
    budgets: list[Budget] = []
    if _wanted("window visible", only):
        budgets.append(start_up())
    if any(_wanted(name, only) for name in IN_WINDOW):
        budgets += drive(lambda: _measure_in_window(minutes, only))
    if as_json:
        print(json.dumps({"budgets": [asdict(item) for item in budgets], "machine": machine_text()}, indent=1))
    else:
        table = Table("", "budget", "measured", "limit", "unit", "note", title=machine_text())
        for item in budgets:
            mark = "[green]✓[/]" if item.ok else "[red]✗[/]"
            table.add_row(mark, item.name, f"{item.value:g}", f"{item.budget:g}", item.unit, item.note)
        Console().print(table)
    return 0 if all(item.ok for item in budgets) else 1


def _wanted(name: str, only: list[str]) -> bool:
    return not only or any(part in name for part in only)


def start_up(repeats: int = 5) -> Budget:
    """Time from the start of a process to its visible window, the best of several; torch must not be imported."""
    from workbench.app.application import START_REPORT_VARIABLE

    seconds = []
    for _ in range(repeats):
        began = time.time()
        done = subprocess.run(
            own_command(),
            env={**os.environ, START_REPORT_VARIABLE: "1"},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        report = json.loads(done.stdout.strip().splitlines()[-1])
        assert not report["torch"], "the UI process has imported torch"
        seconds.append(report["visible"] - began)
    spread = f"median {statistics.median(seconds):.2f} of {repeats}"
    return at_most("window visible after start", min(seconds), 1.0, "s", spread)


IN_WINDOW = (
    "train to first step",
    "training in the panel / bare loop",
    "event-loop delay p99",
    "event-loop delay max",
    "frames per second",
    "action round trip beyond the step",
    "memory growth",
)


async def _measure_in_window(minutes: float, only: list[str]) -> list[Budget]:
    from workbench.app.application import build_window

    window = build_window(restore=False, is_saving=False)
    window.resize(1280, 800)
    window.show()
    window.engine.start()
    try:
        await until(lambda: window.engine.devices, "the first worker")
        page = await open_page(window, PLUGIN, EXPERIMENT)
        budgets = [await first_step(page)]
        if _wanted("training in the panel / bare loop", only):
            budgets.append(await against_bare_loop(page))
        if _wanted("event-loop delay", only):
            budgets += await event_loop_delay(page)
        if _wanted("action round trip", only):
            budgets.append(await action_round_trip(page))
        if _wanted("memory growth", only):
            budgets.append(await memory_growth(page, minutes))
        page.session.stop()
        if _wanted("frames per second", only):
            budgets += await frames_of_all_panels(window)
        return [item for item in budgets if _wanted(item.name, only)]
    finally:
        window.close()


async def open_page(window: MainWindow, plugin: str, experiment: str) -> ExperimentPage:
    """Open an experiment in its panel, with as many steps as it allows; return its page once it is prepared."""
    from workbench.engine import SessionState

    shell = window.open_panel(plugin)
    assert shell is not None
    await until(lambda: shell.page is not None, "the panel")
    shell.show_experiment(experiment)
    page = shell.page
    assert page is not None
    session = page.session
    if "steps" in type(session.parameters).model_fields:
        most = session.parameters.spec("steps").maximum or MANY_STEPS
        session.set_parameters(session.parameters.changed(steps=min(int(most), MANY_STEPS)))
    await asyncio.sleep(0.5)  # longer than the quiet time after which an untrained experiment is built anew
    ended = (SessionState.READY, SessionState.PAUSED, SessionState.FINISHED, SessionState.FAILED)
    await until(lambda: session.state in ended, f"{plugin}/{experiment} to be prepared")
    return page


async def first_step(page: ExperimentPage) -> Budget:
    """Time from pressing Train to the first step's numbers in the UI, on a warm worker."""
    arrived: list[float] = []
    page.session.metrics_arrived.connect(lambda block: arrived.append(time.perf_counter()))
    began = time.perf_counter()
    page.controls.train_button.click()
    await until(lambda: arrived, "the first step")
    return at_most("train to first step", arrived[0] - began, 0.3, "s")


def _last_step(page: ExperimentPage) -> int:
    steps, _ = page.session.history["wall_seconds"]
    return int(steps[-1])


async def against_bare_loop(page: ExperimentPage) -> Budget:
    """Steps per second in the open panel over those of the same loop in a bare script, measured in turns."""
    in_panel, bare = [], []
    for _ in range(3):
        page.session.train()
        await asyncio.sleep(1.0)
        began, first = time.perf_counter(), _last_step(page)
        await asyncio.sleep(RATIO_SECONDS / 2)
        in_panel.append((_last_step(page) - first) / (time.perf_counter() - began))
        page.session.pause()
        await asyncio.sleep(0.5)
        bare.append(await asyncio.to_thread(_bare_rate, page.session.parameters.model_dump(mode="json")))
    page.session.train()
    ratio = statistics.median(in_panel) / statistics.median(bare)
    note = f"{statistics.median(in_panel):.0f} / {statistics.median(bare):.0f} steps per second"
    return at_least("training in the panel / bare loop", ratio, 0.95, "", note)


def _bare_rate(parameters: dict[str, Any]) -> float:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(run_bare, parameters).result()


def run_bare(parameters: dict[str, Any]) -> float:
    """Return the steps per second of the experiment in this process, without a window or a host around it."""
    from workbench.catalog import Catalog
    from workbench.compute.building import build, prepared
    from workbench.compute.entry import worker_threads
    from workbench.compute.warm_up import warm_up

    warm_up(worker_threads(None))
    experiment = prepared(build(Catalog.discover().entry(PLUGIN).experiment_type(EXPERIMENT), parameters))
    run = experiment.run()
    end = time.perf_counter() + 1.0
    while time.perf_counter() < end:
        next(run)
    began, first = time.perf_counter(), experiment.step
    while time.perf_counter() < began + RATIO_SECONDS / 2:
        next(run)
    return (experiment.step - first) / (time.perf_counter() - began)


async def event_loop_delay(page: ExperimentPage) -> list[Budget]:
    """How late a 5 ms tick of the UI's loop comes while training and painting."""
    page.session.train()
    await asyncio.sleep(1.0)
    delays = []
    end = time.perf_counter() + RATIO_SECONDS
    while time.perf_counter() < end:
        began = time.perf_counter()
        await asyncio.sleep(TICK_SECONDS)
        delays.append((time.perf_counter() - began - TICK_SECONDS) * 1000)
    delays.sort()
    p99 = delays[int(0.99 * len(delays))]
    return [
        at_most("event-loop delay p99", p99, 33.0, "ms"),
        at_most("event-loop delay max", delays[-1], 100.0, "ms", f"median {statistics.median(delays):.1f}"),
    ]


async def action_round_trip(page: ExperimentPage) -> Budget:
    """Time from asking to the answer while training, less the mean time of half a step that it has to wait for."""
    page.session.train()
    await asyncio.sleep(1.0)
    seconds = []
    for _ in range(60):
        began = time.perf_counter()
        await page.session.ask(QUICK_ACTION[0], **QUICK_ACTION[1])
        seconds.append(time.perf_counter() - began)
        await asyncio.sleep(0.02)
    status = page.session.status
    step = 1 / status.steps_per_second if status and status.steps_per_second else 0.0
    beyond = max(0.0, statistics.median(seconds) - step / 2) * 1000
    note = f"median {statistics.median(seconds) * 1000:.1f} ms in all, a step takes {step * 1000:.1f} ms"
    return at_most("action round trip beyond the step", beyond, 5.0, "ms", note)


QUICK_ACTION: tuple[str, dict[str, Any]] = ("case", {"index": 0})


async def memory_growth(page: ExperimentPage, minutes: float) -> Budget:
    """Growth of the UI process while one panel trains; the design's budget is 5 % in an hour."""
    page.session.train()
    process = psutil.Process()
    await asyncio.sleep(5.0)
    before = process.memory_info().rss
    await asyncio.sleep(minutes * 60)
    growth = (process.memory_info().rss / before - 1) * 100
    return at_most("memory growth", growth, 5.0, "%", f"in {minutes:g} min, from {before / 2**20:.0f} MiB")


async def frames_of_all_panels(window: MainWindow) -> list[Budget]:
    """Frames painted per second of every experiment whose frames are cheap enough to ask for it."""
    budgets = []
    for entry in window.catalog.entries:
        if entry.status != "ok" or entry.origin != "built-in":
            continue
        for card in entry.card.experiments:
            page = await open_page(window, entry.card.id, card.id)
            budgets.append(await _frame_rate(page, f"{entry.card.id}/{card.id}"))
            page.session.stop()
    return budgets


async def _frame_rate(page: ExperimentPage, name: str) -> Budget:
    """Frames against 24 a second, or against nine tenths of the steps where fewer are done: no step, nothing new."""
    from workbench.engine import SessionState

    session = page.session
    frames: list[float] = []
    steps: list[tuple[float, int]] = []
    session.frame_arrived.connect(lambda frame: frames.append(time.perf_counter()))
    session.status_changed.connect(lambda status: steps.append((time.perf_counter(), status.step)))
    session.train()
    began = time.perf_counter()
    while time.perf_counter() < began + 1.0 + FRAME_SECONDS and session.state is not SessionState.FINISHED:
        await asyncio.sleep(TICK_SECONDS)
    seen = [(when, step) for when, step in steps if when > began + 1.0]
    span = seen[-1][0] - seen[0][0] if len(seen) > 1 else 0.0
    cost = (session.status.frame_seconds or 0.0) if session.status else 0.0
    note = f"frame() costs {cost * 1000:.1f} ms"
    if span < FRAME_SECONDS / 2:
        return Budget(f"frames per second, {name}", 0.0, 0.0, "1/s", True, f"{note}: ended too soon to tell")
    rate = sum(seen[0][0] < when <= seen[-1][0] for when in frames) / span
    step_rate = (seen[-1][1] - seen[0][1]) / span
    if cost > FRAME_COST_LIMIT:  # the worker's share of time decides the rate then, not the painting
        return Budget(f"frames per second, {name}", round(rate, 1), 24.0, "1/s", True, f"{note}: no budget above 2 ms")
    budget = min(24.0, round(0.9 * step_rate, 1))
    return at_least(f"frames per second, {name}", rate, budget, "1/s", f"{note}, {step_rate:.1f} steps per second")
