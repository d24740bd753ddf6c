"""The record of every run: one folder each, readable without the workbench."""

from __future__ import annotations

import logging
import os
import platform
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import psutil
from pydantic import BaseModel, Field, ValidationError

from workbench.runs.atomic import write_json
from workbench.runs.metrics_file import MetricsFile

log = logging.getLogger(__name__)

RunStatus = Literal["running", "paused", "finished", "stopped", "failed"]


def machine_text() -> str:
    """Processor, cores, memory and system in one line, for reports."""
    memory = psutil.virtual_memory().total / 2**30
    processor = platform.processor() or platform.machine()
    return f"{processor}, {os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.release()}"


def is_alive(process: int | None) -> bool:
    """Whether a process exists and has not ended; one that nobody buried yet has ended."""
    if process is None:
        return False
    try:
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


class RunRecord(BaseModel):
    """`run.json`: what was run, with what, where, and how it ended. Times are ISO 8601 in UTC."""

    format: int = 1
    id: str
    plugin: str
    experiment: str
    parameters: dict[str, Any]
    seed: int
    device: str
    dtype: str = "float32"
    versions: dict[str, str] = Field(default_factory=dict)
    machine: str = ""
    started: str
    ended: str | None = None
    status: RunStatus = "running"
    step: int = 0
    total_steps: int | None = None
    seconds: float = 0.0
    process: int | None = None
    sweep: str = ""
    edits: list[dict[str, Any]] = Field(default_factory=list)

    @property
    def is_alive(self) -> bool:
        """Whether the process that writes this run still exists."""
        return is_alive(self.process)

    @property
    def can_continue(self) -> bool:
        """Whether the run was left before its end: paused, or interrupted by a crash."""
        return self.status == "paused" or (self.status == "running" and not self.is_alive)


class RunFolder:
    """A run on disk: `run.json`, `metrics.bin`, `checkpoint.pt` and the one before it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.metrics = MetricsFile(path)

    @property
    def checkpoint(self) -> Path:
        """The newest checkpoint; may not exist yet."""
        return self.path / "checkpoint.pt"

    def read(self) -> RunRecord:
        """Return the record; raise ValueError with one sentence if the file cannot be used."""
        file = self.path / "run.json"
        try:
            return RunRecord.model_validate_json(file.read_bytes())
        except (OSError, ValidationError) as error:
            raise ValueError(f"{file} is not a readable run record.") from error

    def write(self, record: RunRecord) -> None:
        """Replace the record."""
        write_json(self.path / "run.json", record.model_dump())


class RunStore:
    """All runs under one folder, newest last; a folder that cannot be read is skipped and logged."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def create(self, record_values: dict[str, Any]) -> tuple[RunFolder, RunRecord]:
        """Make a new run folder with its record; `record_values` are RunRecord's fields but id and started."""
        now = datetime.now(UTC)
        id = f"{now:%Y%m%d-%H%M%S}-{record_values['plugin']}-{secrets.token_hex(3)}"
        path = self.root / id
        path.mkdir(parents=True)
        record = RunRecord(id=id, started=now.isoformat(timespec="seconds"), machine=machine_text(), **record_values)
        folder = RunFolder(path)
        folder.write(record)
        return folder, record

    def runs(self, plugin: str | None = None) -> list[tuple[RunFolder, RunRecord]]:
        """Return folder and record of every run, oldest first, of one plugin if named."""
        found = []
        for file in sorted(self.root.glob("*/run.json")):
            folder = RunFolder(file.parent)
            try:
                record = folder.read()
            except ValueError as problem:
                log.warning("%s", problem)
                continue
            if plugin in (None, record.plugin):
                found.append((folder, record))
        return found

    def to_continue(self) -> list[tuple[RunFolder, RunRecord]]:
        """Return the runs that were left before their end and have a checkpoint, newest first."""
        return [
            (folder, record)
            for folder, record in reversed(self.runs())
            if record.can_continue and folder.checkpoint.exists()
        ]
