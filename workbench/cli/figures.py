"""Drawing the figures of a recorded run on Qt's `offscreen` platform, in a process without torch or a display."""

from __future__ import annotations

import asyncio
import os
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from workbench.sdk import UserError

SETTLE_SECONDS = 1.0
"""Time for views to ask the worker what they show beyond the frame."""
VIEW_SIZE = (1200, 800)


def draw_figures(run_folder: Path, export: Path, answer: Connection) -> None:
    """Open a run in its panel and export every view; answer with (file names, problem or "")."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    try:
        from workbench.cli.driving import drive

        answer.send((drive(lambda: _draw(run_folder, export)), ""))
    except Exception as error:
        first = str(error).strip().splitlines()
        answer.send(([], first[0] if first else type(error).__name__))


def draw_claim_figures(reports: list[dict[str, Any]]) -> dict[tuple[str, str], str]:
    """Return the figures of claims as SVG, by plugin and claim."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from PySide6.QtWidgets import QApplication

    from workbench.views.report_figures import figures_of

    application = QApplication.instance() or QApplication([])
    try:
        return figures_of(reports)
    finally:
        application.processEvents()


async def _draw(run_folder: Path, export: Path) -> list[str]:
    from PySide6.QtCore import QObject

    from workbench.app.experiment_page import ExperimentPage, PageState
    from workbench.app.panel_export import export_view
    from workbench.cli.driving import until
    from workbench.cli.targets import find_entry
    from workbench.engine import Engine, SessionState
    from workbench.runs import RunFolder, Settings

    record = RunFolder(run_folder).read()
    engine = Engine(Settings.load())
    try:
        saved = PageState(record.parameters, record.seed, record.device, str(run_folder))
        owner = QObject()
        page = ExperimentPage(engine, find_entry(record.plugin), record.experiment, saved, owner)
        page.right.resize(*VIEW_SIZE)
        page.right.show()
        frames: list[object] = []
        page.session.frame_arrived.connect(frames.append)
        ended = (SessionState.PAUSED, SessionState.FAILED)
        await until(lambda: page.session.state in ended, "the run to be loaded")
        if page.session.failure:
            raise UserError(page.session.failure.sentence)
        await asyncio.sleep(SETTLE_SECONDS)
        return await export_view(page.view, export)
    finally:
        engine.shutdown()
