"""`workbench screenshot`: drives the real window and saves what a person would see."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.cli import UsageProblem, parse_settings
from workbench.cli.driving import drive, until
from workbench.cli.targets import find_experiment
from workbench.sdk import UserError

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from workbench.app.main_window import MainWindow


TABS = ("live", "paper", "reproduce", "runs")


def take(
    target: str,
    out: Path,
    steps: int,
    settings: list[str],
    theme: str,
    size: str,
    scale: float,
    tab: str,
    settle: float,
) -> None:
    """Open the target in the window, train `steps` steps, wait for the views, and write the PNG."""
    if theme not in ("light", "dark"):
        raise UsageProblem(f"--theme is light or dark, not {theme!r}.")
    if tab not in TABS:
        raise UsageProblem(f"--tab is {', '.join(TABS)}, not {tab!r}.")
    width, _, height = size.partition("x")
    if not (width.isdigit() and height.isdigit()):
        raise UsageProblem(f"--size is WIDTHxHEIGHT, not {size!r}.")
    if scale != 1:
        os.environ["QT_SCALE_FACTOR"] = str(scale)
    shape = (int(width), int(height))
    drive(lambda: _take(target, out, steps, settings, theme, shape, tab, settle))
    print(out)


async def _take(
    target: str, out: Path, steps: int, settings: list[str], theme: str, size: tuple[int, int], tab: str, settle: float
) -> None:
    from workbench.app.application import build_window
    from workbench.views.theme import theme as the_theme

    window = build_window(restore=False, is_saving=False)
    the_theme().set_mode("dark" if theme == "dark" else "light")
    window.resize(*size)
    window.show()
    try:
        if target != "gallery":
            await _open(window, target, steps, settings, tab)
        await asyncio.sleep(settle)
        grab(window, out)
    finally:
        window.close()


async def _open(window: MainWindow, target: str, steps: int, settings: list[str], tab: str) -> None:
    from workbench.engine import SessionState

    entry, card = find_experiment(target, window.catalog)
    shell = window.open_panel(entry.card.id)
    if shell is None:
        raise UserError(f"{entry.card.short} could not be opened: {entry.error}")
    await until(lambda: shell.page is not None, "the panel")
    shell.show_experiment(card.id)
    page = shell.page
    if page is None:
        raise UserError(f"{card.title} could not be shown: {entry.error}")
    values = parse_settings(settings)
    if steps and "steps" in entry.parameters_type(card.id).model_fields:
        values.setdefault("steps", steps)
    session = page.session
    session.set_parameters(
        session.parameters.changed(**type(session.parameters).checked(values).model_dump(include=set(values)))
    )
    await asyncio.sleep(0.5)
    shell.header.show_tab(tab)
    if steps:
        session.train()
        ended = (SessionState.FINISHED, SessionState.FAILED)
        await until(
            lambda: session.state in ended or (session.status is not None and session.status.step >= steps),
            f"step {steps}",
            seconds=900,
        )
        if session.state is SessionState.RUNNING:
            session.pause()
    else:
        await until(lambda: session.state is not SessionState.LOADING, "the experiment to be prepared")


def grab(window: QWidget, out: Path) -> None:
    """Save the window as the screen shows it, OpenGL included; raises UserError if the file cannot be written."""
    screen = window.screen()
    picture = screen.grabWindow(window.winId())
    if picture.isNull():
        picture = window.grab()
    out.parent.mkdir(parents=True, exist_ok=True)
    if not picture.save(str(out)):
        raise UserError(f"{out} could not be written.")
