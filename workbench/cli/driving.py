"""Driving the real application from a command: a Qt loop that runs one coroutine and ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from workbench.sdk import UserError

T = TypeVar("T")


def drive(coroutine: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine in the loop of a QApplication (made here if there is none) and return its result."""
    from workbench.app.application import make_application, make_loop

    application = make_application()
    application.setQuitOnLastWindowClosed(False)  # a command may close one window and open the next
    with make_loop(application) as loop:
        result: T = loop.run_until_complete(coroutine())
        return result


async def until(condition: Callable[[], object], what: str, seconds: float = 120.0) -> None:
    """Wait while the loop runs until `condition` is true; raises UserError saying `what` did not happen in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise UserError(f"After {seconds:.0f} s still waiting for {what}.")
        await asyncio.sleep(0.02)
