"""A SQLite index over the run folders: ten thousand runs open at once, and everything in it can be made again.

The folders are the truth: the index holds what their `run.json`, `label.json` and metrics say, and a file of it that
is lost or damaged is rebuilt from them. Several processes may use it at once (write-ahead log).
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from workbench.runs.atomic import write_json
from workbench.runs.store import RunFolder, RunRecord, is_alive

log = logging.getLogger(__name__)

SCHEMA = 1
BUSY_SECONDS = 10.0
BATCH = 200
"""Folders that are read between two commits: another process never waits long for the index."""
_COLUMNS = (
    "id, plugin, experiment, status, started, ended, seconds, step, total_steps, seed, device, process, sweep, "
    "parameters, finals, tags, note, bytes, stamp"
)


class Label(BaseModel):
    """`label.json` beside a run: what a person wrote about it."""

    tags: list[str] = Field(default_factory=list)
    note: str = ""


@dataclass(frozen=True)
class IndexedRun:
    """One run as lists show it. `finals` is the last value of each metric, `bytes` the folder's size on disk."""

    id: str
    plugin: str
    experiment: str
    status: str
    started: str
    ended: str | None
    seconds: float
    step: int
    total_steps: int | None
    seed: int
    device: str
    process: int | None
    sweep: str
    parameters: Mapping[str, Any]
    finals: Mapping[str, float]
    tags: tuple[str, ...]
    note: str
    bytes: int
    stamp: str = field(compare=False, default="")

    @property
    def is_computing(self) -> bool:
        """Whether a living process writes this run now."""
        return self.status == "running" and is_alive(self.process)

    @property
    def is_interrupted(self) -> bool:
        """Whether the run's process died before it could say how the run ended."""
        return self.status == "running" and not self.is_computing

    @property
    def shown_status(self) -> str:
        """The status as a person reads it."""
        return "interrupted" if self.is_interrupted else self.status


class RunIndex:
    """The index of the runs under `root`, kept beside that folder. One instance serves one thread."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.trash = root.parent / "deleted-runs"
        self.file = root.parent / "runs.sqlite"
        self._seen: dict[str, tuple[int, str]] = {}
        root.mkdir(parents=True, exist_ok=True)
        try:
            self._base = self._open()
        except sqlite3.DatabaseError as error:
            log.warning("%s is damaged (%s) and is made anew from the run folders.", self.file, error)
            self._set_aside()
            self._base = self._open()

    def _open(self) -> sqlite3.Connection:
        base = sqlite3.connect(self.file, timeout=BUSY_SECONDS)
        try:
            base.execute("PRAGMA journal_mode = WAL")
            base.execute("PRAGMA synchronous = NORMAL")
            with base:
                base.execute("BEGIN IMMEDIATE")  # of two processes that find no table, one makes it
                if base.execute("PRAGMA user_version").fetchone()[0] != SCHEMA:
                    base.execute("DROP TABLE IF EXISTS runs")
                    first, *others = _COLUMNS.split(", ")
                    base.execute(f"CREATE TABLE runs ({first} TEXT PRIMARY KEY, {', '.join(others)})")
                    base.execute("CREATE INDEX runs_by_plugin ON runs (plugin)")
                    base.execute(f"PRAGMA user_version = {SCHEMA}")
            base.execute(f"SELECT {_COLUMNS} FROM runs LIMIT 1").fetchone()
        except sqlite3.DatabaseError:
            base.close()
            raise
        return base

    def _set_aside(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                self.file.with_name(self.file.name + suffix).unlink()

    def close(self) -> None:
        """Close the file."""
        self._base.close()

    def runs(self, plugin: str | None = None) -> list[IndexedRun]:
        """Return what the index holds, newest first, of one plugin if named; reads no folder."""
        where, values = ("WHERE plugin = ?", (plugin,)) if plugin else ("", ())
        rows = self._base.execute(f"SELECT {_COLUMNS} FROM runs {where} ORDER BY id DESC", values)
        return [_from_row(row) for row in rows]

    def run(self, id: str) -> IndexedRun | None:
        """Return one run, or None where the index has no such run."""
        row = self._base.execute(f"SELECT {_COLUMNS} FROM runs WHERE id = ?", (id,)).fetchone()
        return _from_row(row) if row else None

    def folder(self, id: str) -> RunFolder:
        """The folder of a run."""
        return RunFolder(self.root / id)

    @property
    def version(self) -> int:
        """A number that changes when another process or thread has changed the index."""
        return int(self._base.execute("PRAGMA data_version").fetchone()[0])

    def sync(self) -> int:
        """Bring the index up to date with the folders; return how many runs changed."""
        return sum(self.sync_slices())

    def sync_slices(self) -> Iterator[int]:
        """Do what `sync` does a slice at a time, yielding how many runs changed in each."""
        known = dict(self._base.execute("SELECT id, stamp FROM runs"))
        live = {id for (id,) in self._base.execute("SELECT id FROM runs WHERE status = 'running'")}
        present: dict[str, str] = {}
        with os.scandir(self.root) as entries:
            for entry in entries:
                # A replaced file changes its folder's time; only metrics grow in place, while a run goes on.
                at = entry.stat().st_mtime_ns
                before = self._seen.get(entry.name)
                is_quiet = before is not None and before[0] == at and entry.name not in live
                stamp = before[1] if before is not None and is_quiet else _stamp(Path(entry.path))
                if stamp:
                    present[entry.name] = stamp
                    self._seen[entry.name] = at, stamp
        changed = [id for id, stamp in present.items() if known.get(id) != stamp]
        gone = [id for id in known if id not in present]
        if gone:
            with self._base:
                self._base.executemany("DELETE FROM runs WHERE id = ?", [(id,) for id in gone])
        yield len(gone)
        for begin in range(0, len(changed), BATCH):
            rows = [row for id in changed[begin : begin + BATCH] if (row := self._read(id, present[id]))]
            self._put(rows)
            yield len(rows)

    def _read(self, id: str, stamp: str) -> tuple[Any, ...] | None:
        folder = self.folder(id)
        try:
            record = folder.read()
        except ValueError as problem:
            log.warning("%s", problem)
            return None
        label = read_label(folder)
        finals = folder.metrics.last_values()
        size = sum(file.stat().st_size for file in folder.path.rglob("*") if file.is_file())
        return _as_row(record, label, finals, size, stamp)

    def label(self, id: str, *, tags: Sequence[str] | None = None, note: str | None = None) -> None:
        """Change tags or note of a run, in its folder and here."""
        folder = self.folder(id)
        old = read_label(folder)
        kept = list(dict.fromkeys(tag.strip() for tag in tags if tag.strip())) if tags is not None else old.tags
        write_json(folder.path / "label.json", Label(tags=kept, note=old.note if note is None else note).model_dump())
        self._refresh(id)

    def _refresh(self, id: str) -> None:
        if row := self._read(id, _stamp(self.root / id)):
            self._put([row])

    def _put(self, rows: Sequence[tuple[Any, ...]]) -> None:
        marks = ", ".join("?" * len(_COLUMNS.split(", ")))
        with self._base:
            self._base.executemany(f"INSERT OR REPLACE INTO runs ({_COLUMNS}) VALUES ({marks})", rows)

    def delete(self, ids: Sequence[str]) -> list[str]:
        """Move runs aside, to be brought back by `restore`; return those moved. A run that computes is kept."""
        self.trash.mkdir(parents=True, exist_ok=True)
        moved = []
        for id in ids:
            run = self.run(id)
            if run is None or run.is_computing:
                continue
            try:
                (self.root / id).replace(self.trash / id)
            except OSError as error:
                log.warning("Run %s could not be deleted: %s", id, error)
                continue
            moved.append(id)
        with self._base:
            self._base.executemany("DELETE FROM runs WHERE id = ?", [(id,) for id in moved])
        return moved

    def restore(self, ids: Sequence[str]) -> None:
        """Bring deleted runs back."""
        for id in ids:
            if (self.trash / id).exists():
                (self.trash / id).replace(self.root / id)
                self._refresh(id)

    def empty_trash(self) -> None:
        """Remove deleted runs for good."""
        shutil.rmtree(self.trash, ignore_errors=True)


def read_label(folder: RunFolder) -> Label:
    """Return what a person wrote about a run; an unreadable file counts as nothing written."""
    try:
        return Label.model_validate_json((folder.path / "label.json").read_bytes())
    except (OSError, ValidationError):
        return Label()


def _stamp(folder: Path) -> str:
    """Changes whenever the record, the label or the metrics of a run change; empty where there is no record."""
    parts = []
    for name in ("run.json", "label.json", "metrics.bin"):
        try:
            status = os.stat(folder / name)
        except OSError:
            if name == "run.json":
                return ""
            continue
        parts.append(f"{status.st_mtime_ns}/{status.st_size}")
    return " ".join(parts)


def _as_row(record: RunRecord, label: Label, finals: Mapping[str, float], size: int, stamp: str) -> tuple[Any, ...]:
    return (
        record.id, record.plugin, record.experiment, record.status, record.started, record.ended, record.seconds,
        record.step, record.total_steps, record.seed, record.device, record.process, record.sweep,
        json.dumps(record.parameters), json.dumps(finals), json.dumps(label.tags), label.note, size, stamp,
    )  # fmt: skip


def _from_row(row: tuple[Any, ...]) -> IndexedRun:
    values = dict(zip(_COLUMNS.split(", "), row, strict=True))
    values["parameters"], values["finals"] = json.loads(values["parameters"]), json.loads(values["finals"])
    values["tags"] = tuple(json.loads(values["tags"]))
    return IndexedRun(**values)
