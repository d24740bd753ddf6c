"""Exports of a whole panel: weights, metrics, all figures, or everything in one run folder."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from workbench.engine import Session
from workbench.sdk import UserError
from workbench.views.base import View

What = Literal["run", "weights", "metrics", "figures"]

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


async def export_panel(what: What, session: Session, views: Sequence[View], target: Path) -> list[str]:
    """Export to `target`: a file for weights and metrics, else a folder. Returns what was written; raises UserError."""
    try:
        if what == "figures":
            return await export_figures(views, target)
        if what == "run":
            target.mkdir(parents=True, exist_ok=True)
            return [*await session.export(target), *await export_figures(views, target)]
        return await _export_file(what, session, target)
    except OSError as error:
        raise UserError(f"{target} cannot be written: {error.strerror or error}.") from error


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
    return {"weights": f"{stem}.safetensors", "metrics": f"{stem}.csv", "figures": f"{stem}-figures"}.get(what, stem)
