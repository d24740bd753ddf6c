"""Exports of a whole panel: weights, metrics, all figures, or everything in one folder or one file."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from workbench.engine import Session, SessionState
from workbench.runs import RunFolder
from workbench.runs.archive import SUFFIX, pack_run
from workbench.sdk import UserError
from workbench.views.base import View
from workbench.views.experiment_view import ExperimentView
from workbench.views.film import LONGEST_GIF, Film, write_film

What = Literal["run", "archive", "weights", "metrics", "figures"]
FILES: tuple[What, ...] = ("archive", "weights", "metrics")
"""What is exported to a file; the rest goes into a folder."""

NO_RUN = "There is no run yet: train first."
PAUSE_LOOK_SECONDS = 0.02
FIGURE_SUFFIXES = (".png", ".svg", ".pdf")
_FILES = {"weights": "weights.safetensors", "metrics": "metrics.csv"}
_MISSING = {
    "weights": "This experiment has no weights to export.",
    "metrics": "Nothing has been measured yet: train first.",
}


async def export_figures(views: Sequence[View], folder: Path) -> list[str]:
    """Write every view as PNG, SVG and PDF into `folder/figures`, and its numbers into `folder/data`.

    Between two files the window gets to breathe. Returns the files' names relative to `folder`; raises UserError.
    """
    written: list[str] = []
    for view in views:
        for suffix in FIGURE_SUFFIXES:
            target = folder / "figures" / f"{view.name}{suffix}"
            target.parent.mkdir(parents=True, exist_ok=True)
            view.export(target)
            written.append(str(target.relative_to(folder)))
            await asyncio.sleep(0)
        if view.data():
            target = folder / "data" / f"{view.name}.npz"
            target.parent.mkdir(parents=True, exist_ok=True)
            view.export(target)
            written.append(str(target.relative_to(folder)))
            await asyncio.sleep(0)
    return written


async def export_films(films: Sequence[Film], folder: Path) -> list[str]:
    """Write every film that has frames as a GIF into `folder/figures`, a frame at a time; return the files' names."""
    written: list[str] = []
    for film in films:
        if film.scrubber.count < 2:
            continue
        images = []
        for image in film.images():
            images.append(image)
            await asyncio.sleep(0)
        if len(images) <= LONGEST_GIF:
            target = folder / "figures" / f"{film.name}.gif"
            target.parent.mkdir(parents=True, exist_ok=True)
            write_film(target, images, film.scrubber.frames_per_second)
            written.append(str(target.relative_to(folder)))
    return written


async def export_view(view: ExperimentView, folder: Path) -> list[str]:
    """Write all figures, data and films of a panel's right-hand side; return the files' names."""
    return [*await export_figures(view.views(), folder), *await export_films(view.films(), folder)]


async def export_panel(what: What, session: Session, view: ExperimentView, target: Path) -> list[str]:
    """Export to `target`, a file or a folder as FILES says. Returns what was written; raises UserError."""
    try:
        if what == "figures":
            return await export_view(view, target)
        if what == "run":
            target.mkdir(parents=True, exist_ok=True)
            return [*await session.export(target), *await export_view(view, target)]
        if what == "archive":
            return await _export_archive(session, view, target)
        return await _export_file(what, session, target)
    except OSError as error:
        raise UserError(f"{target} cannot be written: {error.strerror or error}.") from error


async def _export_archive(session: Session, view: ExperimentView, target: Path) -> list[str]:
    """Write the run with its checkpoint, and the whole export beside it, into one file; training rests meanwhile."""
    was_running = session.state is SessionState.RUNNING
    if was_running:
        session.pause()  # the checkpoint is of the step that the figures show
    while session.state is SessionState.RUNNING:
        await asyncio.sleep(PAUSE_LOOK_SECONDS)
    folder = session.run_folder
    if folder is None:
        raise UserError(NO_RUN)
    with tempfile.TemporaryDirectory(prefix="workbench-export-") as temporary:
        exported = Path(temporary)
        await session.export(exported)
        await export_view(view, exported)
        await asyncio.to_thread(pack_run, RunFolder(folder), target, exported)
    if was_running and session.state is SessionState.PAUSED:
        session.train()
    return [target.name]


async def _export_file(what: What, session: Session, target: Path) -> list[str]:
    with tempfile.TemporaryDirectory(prefix="workbench-export-") as folder:
        await session.export(Path(folder))
        source = Path(folder) / _FILES[what]
        if not source.exists():
            raise UserError(_MISSING[what])
        shutil.move(source, target)
    return [target.name]


def default_name(what: What, session: Session) -> str:
    """Return a file or folder name that says what is in it: plugin, experiment, step."""
    step = session.status.step if session.status else 0
    stem = f"{session.entry.card.id}-{session.experiment_id}-step{step}"
    endings = {"archive": SUFFIX, "weights": ".safetensors", "metrics": ".csv", "figures": "-figures"}
    return stem + endings.get(what, "")
