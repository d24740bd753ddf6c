"""Sweeps on disk: one folder each, from which a driver goes on after whatever happened and any window can watch."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ValidationError

from workbench.runs import folders
from workbench.runs.atomic import write_json
from workbench.runs.store import is_alive
from workbench.sweeps.spec import SweepSpec

State = Literal["waiting", "running", "done", "failed", "cancelled"]
Status = Literal["running", "finished", "cancelled", "failed"]


@dataclass(frozen=True)
class Cluster:
    """Where a sweep runs: "local", or a scheduler's address with the certificates that `tls://` needs."""

    address: str = "local"
    workers: int | None = None
    ca: str = ""
    certificate: str = ""
    key: str = ""


class SweepRecord(BaseModel):
    """`sweep.json`."""

    id: str
    spec: SweepSpec
    cluster: Cluster
    created: str
    status: Status = "running"
    why: str = ""
    driver: int | None = None
    dashboard: str = ""


@dataclass(frozen=True)
class PointState:
    """How one point stands; `attempts` counts how often it was begun."""

    state: State = "waiting"
    run: str = ""
    error: str = ""
    worker: str = ""
    attempts: int = 0


class Sweep:
    """One sweep's folder. The driver writes; everybody else reads, and may ask it to stop."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def id(self) -> str:
        """The folder's name."""
        return self.path.name

    def read(self) -> SweepRecord:
        """Return the record; raises ValueError with one sentence if it cannot be used."""
        try:
            return SweepRecord.model_validate_json((self.path / "sweep.json").read_bytes())
        except (OSError, ValidationError) as error:
            raise ValueError(f"{self.path / 'sweep.json'} is not a readable record of a sweep.") from error

    def write(self, record: SweepRecord) -> None:
        """Replace the record."""
        write_json(self.path / "sweep.json", record.model_dump(mode="json"))

    def note(self, index: int, **facts: Any) -> None:
        """Append what happened to a point."""
        with (self.path / "points.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps({"index": index, **facts}) + "\n")

    def points(self) -> Mapping[int, PointState]:
        """Return the state of every point that something happened to; a line cut short by a crash is left out."""
        states: dict[int, PointState] = {}
        file = self.path / "points.jsonl"
        if not file.exists():
            return states
        for line in file.read_text(encoding="utf-8").splitlines():
            try:
                facts = json.loads(line)
                index = int(facts.pop("index"))
                before = states.get(index, PointState())
                attempts = before.attempts + (facts["state"] == "running")
                states[index] = PointState(**{**before.__dict__, **facts, "attempts": attempts})
            except (ValueError, KeyError, TypeError):
                continue
        return states

    def cancel(self) -> None:
        """Ask the driver to stop; what runs is ended at its next report."""
        (self.path / "cancel").touch()

    @property
    def is_cancelled(self) -> bool:
        """Whether somebody asked the sweep to stop."""
        return (self.path / "cancel").exists()

    def forget_cancel(self) -> None:
        """Let the sweep go on."""
        (self.path / "cancel").unlink(missing_ok=True)

    @property
    def is_driven(self) -> bool:
        """Whether a living process drives it now."""
        record = self.read()
        return record.status == "running" and is_alive(record.driver)

    def counts(self) -> dict[State, int]:
        """Return how many points are in each state."""
        states = self.points()
        counts: dict[State, int] = {"waiting": 0, "running": 0, "done": 0, "failed": 0, "cancelled": 0}
        for state in states.values():
            counts[state.state] += 1
        counts["waiting"] += self.read().spec.count - len(states)
        return counts


class SweepStore:
    """All sweeps of this user."""

    def __init__(self, root: Path | None = None) -> None:
        self.root = root or folders().data / "sweeps"

    def create(self, spec: SweepSpec, cluster: Cluster) -> Sweep:
        """Make the folder of a new sweep."""
        now = datetime.now(UTC)
        id = f"{now:%Y%m%d-%H%M%S}-{spec.plugin}-{secrets.token_hex(2)}"
        path = self.root / id
        path.mkdir(parents=True)
        sweep = Sweep(path)
        sweep.write(SweepRecord(id=id, spec=spec, cluster=cluster, created=now.isoformat(timespec="seconds"),
                                driver=os.getpid()))  # fmt: skip
        return sweep

    def sweep(self, id: str) -> Sweep:
        """Return a sweep by its id, or by the beginning of it; raises KeyError with those there are."""
        found = [sweep for sweep in self.sweeps() if sweep.id.startswith(id)]
        if len(found) != 1:
            known = ", ".join(sweep.id for sweep in self.sweeps()) or "none"
            raise KeyError(f"{id!r} is not one sweep; there are: {known}")
        return found[0]

    def sweeps(self) -> list[Sweep]:
        """Return all sweeps, newest first; a folder without a readable record is left out."""
        found = []
        for file in sorted(self.root.glob("*/sweep.json"), reverse=True):
            sweep = Sweep(file.parent)
            try:
                sweep.read()
            except ValueError:
                continue
            found.append(sweep)
        return found
