"""A typed `asyncSlot`: a coroutine method that Qt and plain code may call alike."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar, cast

from qasync import asyncSlot

P = ParamSpec("P")
R = TypeVar("R")


def async_slot(
    *types: type,
) -> Callable[[Callable[P, Coroutine[Any, Any, R]]], Callable[P, asyncio.Task[R]]]:
    """Make a slot of a coroutine method: it returns at once, its task runs in the application's event loop.

    An exception in it reaches `sys.excepthook`, as in any other slot.
    """
    return cast(
        Callable[[Callable[P, Coroutine[Any, Any, R]]], Callable[P, asyncio.Task[R]]],
        asyncSlot(*types),
    )
