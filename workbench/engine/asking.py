"""Requests to a worker that have an answer: futures for single ones, latest-wins while a person drags."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.compute.protocol import Answer, Ask, CancelAsk, Export, Partial, Refusal, Request
from workbench.sdk import UserError

Done = Callable[[Any], None]


class ActionFailed(UserError):
    """An action failed in the plugin's code; `details` is the worker's traceback."""

    def __init__(self, sentence: str, details: str) -> None:
        super().__init__(sentence)
        self.details = details


@dataclass
class _Pending:
    done: Done
    failed: Callable[[UserError], None]
    partial: Done | None
    action: str | None = None


@dataclass
class _Latest:
    """The request of one action in flight, and the newest that waits behind it."""

    id: int
    waiting: tuple[Done, Done | None, Callable[[UserError], None], Mapping[str, Any]] | None = None


class Asking:
    """Numbers requests and matches their answers, for one session. All in the UI thread."""

    def __init__(self, send: Callable[[Request], None]) -> None:
        self._send = send
        self._ids = itertools.count(1)
        self._pending: dict[int, _Pending] = {}
        self._latest: dict[str, _Latest] = {}
        self.answers = 0
        """How many requests the worker has answered."""

    async def ask(self, action: str, arguments: Mapping[str, Any], partial: Done | None = None) -> Any:
        """Call an action and await its answer; raises UserError or ActionFailed."""
        return await self._future(lambda id: Ask(id, action, arguments), partial)

    async def export(self, folder: Path) -> list[str]:
        """Have the worker write the run's files; return their names. Raises UserError."""
        return list(await self._future(lambda id: Export(id, folder), None))

    def ask_latest(
        self,
        action: str,
        arguments: Mapping[str, Any],
        done: Done,
        partial: Done | None,
        failed: Callable[[UserError], None],
    ) -> None:
        """Call an action; while one is in flight only the newest request of it is kept."""
        current = self._latest.get(action)
        if current is not None:
            if current.waiting is None:
                self._send(CancelAsk(current.id))
            current.waiting = (done, partial, failed, arguments)
            return
        id = next(self._ids)
        self._latest[action] = _Latest(id)
        self._pending[id] = _Pending(done, failed, partial, action)
        self._send(Ask(id, action, arguments))

    def take(self, report: Answer | Partial | Refusal) -> None:
        """Hand an answer to whoever asked."""
        if isinstance(report, Partial):
            pending = self._pending.get(report.id)
            if pending and pending.partial:
                pending.partial(report.value)
            return
        pending = self._pending.pop(report.id, None)
        if pending is None:
            return
        latest = self._latest.pop(pending.action, None) if pending.action else None
        if latest and latest.waiting and pending.action:
            done, partial, failed, arguments = latest.waiting
            self.ask_latest(pending.action, arguments, done, partial, failed)
            if isinstance(report, Refusal):
                return
        if isinstance(report, Answer):
            self.answers += 1
            pending.done(report.value)
        else:
            pending.failed(
                ActionFailed(report.sentence, report.details) if report.details else UserError(report.sentence)
            )

    def refuse_all(self, sentence: str) -> None:
        """End everything that waits for an answer: the worker is gone."""
        pending, self._pending = self._pending, {}
        self._latest.clear()
        for request in pending.values():
            request.failed(UserError(sentence))

    def _future(self, make: Callable[[int], Request], partial: Done | None) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        id = next(self._ids)

        def done(value: Any) -> None:
            if not future.done():
                future.set_result(value)

        def failed(error: UserError) -> None:
            if not future.done():
                future.set_exception(error)

        self._pending[id] = _Pending(done, failed, partial)
        self._send(make(id))
        return future
