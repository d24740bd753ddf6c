"""`workbench reproduce`: running claims and reporting what holds."""

from __future__ import annotations

import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from workbench.catalog import Entry
from workbench.cli import UsageProblem
from workbench.cli.targets import catalog, find_entry
from workbench.runs import Reproductions, Settings
from workbench.runs.atomic import write_json
from workbench.sdk import Progress as Said

MARKS = {True: "[green]✓ holds[/]", False: "[red]✗ does not hold[/]", None: "[yellow]– could not be run[/]"}


def reproduce(
    plugins: list[str],
    claims: list[str],
    scale: Literal["laptop", "paper"],
    seeds: int | None,
    device: str,
    report: Path | None,
    record: bool,
) -> int:
    """Run the claims of the named plugins, or of all; return 1 if a check could not be run."""
    known = catalog()
    entries = [find_entry(id, known) for id in plugins] or [entry for entry in known.entries if entry.status == "ok"]
    from workbench.compute.entry import worker_threads
    from workbench.compute.warm_up import warm_up
    from workbench.export.reports import write_report

    warm_up(worker_threads(Settings.load().worker_threads))
    console = Console()
    reports: list[dict[str, Any]] = []
    for entry in entries:
        results = _run_claims(entry, claims, scale, seeds, device, console)
        reports.append({"plugin": entry.card.id, "claims": results})
        checked = {id: one for id, one in results.items() if one["holds"] is not None}
        Reproductions(scale).keep(entry.card.id, checked)
        if record and entry.card.folder:
            # What was found once stays where the check cannot be run now.
            merged = {**results, **entry.recorded_claims(), **checked}
            write_json(entry.card.folder / "reproduction.json", {"plugin": entry.card.id, "claims": merged})
    if report:
        papers = {entry.card.id: entry.card for entry in entries}
        figures = _draw_figures(reports) if report.suffix.lower() == ".html" else {}
        write_report(report, reports, papers, figures)
        console.print(f"report written to {report}")
    found = [claim for item in reports for claim in item["claims"].values()]
    if claims and not found:
        raise UsageProblem(f"No plugin has a claim called {', '.join(claims)}.")
    return 1 if any(claim["holds"] is None for claim in found) else 0


def _draw_figures(reports: list[dict[str, Any]]) -> dict[tuple[str, str], str]:
    """Draw the claims' figures in a process of its own, without torch or a display; none where that fails."""
    from workbench.cli.figures import draw_claim_figures

    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        try:
            return pool.submit(draw_claim_figures, reports).result()
        except Exception as problem:
            print(f"workbench: figures were left out of the report: {problem}", file=sys.stderr)
            return {}


def _run_claims(
    entry: Entry, only: list[str], scale: Literal["laptop", "paper"], seeds: int | None, device: str, console: Console
) -> dict[str, Any]:
    from workbench.compute.claims import run_claim

    results = {}
    for id, claim in entry.claims().items():
        if only and id not in only:
            continue
        chosen = tuple(range(seeds)) if seeds else None
        columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task(f"{entry.card.id}/{id}", total=1.0)

            def say(said: Said, bar: Progress = bar, task: Any = task, id: str = id) -> None:
                bar.update(task, description=f"{entry.card.id}/{id}: {said.text}", completed=said.fraction or 0.0)

            result = run_claim(entry.card.id, claim, scale=scale, seeds=chosen, device=device, say=say)
        results[id] = result.as_json()
        console.print(f"{MARKS[result.holds]} {entry.card.id}/{id}: {claim.statement}", highlight=False)
        measured = result.finding.measured if result.finding else ""
        for text in (measured, result.why):
            if text:
                console.print(f"    {text}", highlight=False)
        console.print(f"    paper: {claim.paper} ({claim.source}); {result.seconds:.0f} s", highlight=False)
    return results
