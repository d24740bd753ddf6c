"""Who may compute on which device: sessions take turns on one, or share it, as the person chose."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol

Policy = Literal["turns", "share"]


class Waiting(Protocol):
    """A session as the queue sees it."""

    def start_turn(self) -> None:
        """Begin to train: it is this session's turn."""


class DeviceQueue:
    """First come, first served, one list a device. `policy` maps a device to how it is shared."""

    def __init__(self, policy: Callable[[str], Policy]) -> None:
        self._policy = policy
        self._running: dict[str, list[Waiting]] = {}
        self._waiting: dict[str, list[Waiting]] = {}

    def request(self, session: Waiting, device: str) -> bool:
        """Return whether `session` may train on `device` now; otherwise it gets `start_turn` when it may."""
        running = self._running.setdefault(device, [])
        waiting = self._waiting.setdefault(device, [])
        if session in running:
            return True
        if running and self._policy(device) == "turns":
            if session not in waiting:
                waiting.append(session)
            return False
        running.append(session)
        return True

    def release(self, session: Waiting) -> None:
        """Say that `session` has stopped training or no longer waits; the next in line starts."""
        for device, running in self._running.items():
            self._waiting[device] = [other for other in self._waiting[device] if other is not session]
            if session in running:
                running.remove(session)
            self._start_next(device)

    def policy_changed(self) -> None:
        """Start whoever may start under a new policy."""
        for device in self._running:
            self._start_next(device)

    def position(self, session: Waiting) -> int | None:
        """How many sessions are before `session` in its line, or None if it does not wait."""
        for waiting in self._waiting.values():
            if session in waiting:
                return waiting.index(session)
        return None

    def _start_next(self, device: str) -> None:
        running, waiting = self._running[device], self._waiting[device]
        while waiting and (not running or self._policy(device) == "share"):
            session = waiting.pop(0)
            running.append(session)
            session.start_turn()
