"""A recorded run as one file, `.workbench-run`: a zip of the run's folder that opens in its panel elsewhere."""

from __future__ import annotations

import shutil
import struct
import tempfile
import zipfile
import zlib
from pathlib import Path

from pydantic import ValidationError

from workbench.runs.store import RunFolder, RunRecord, RunStore
from workbench.sdk import UserError

SUFFIX = ".workbench-run"
EXPORTED = "export/"
"""Below it lies what an export writes for people: tables, weights, figures. Opening the file reads none of it."""
MEBIBYTE = 2**20
MOST_BYTES = {
    "run.json": 16 * MEBIBYTE,
    "label.json": MEBIBYTE,
    "metrics.names": MEBIBYTE,
    "metrics.bin": 4096 * MEBIBYTE,
    "checkpoint.pt": 8192 * MEBIBYTE,
}
"""The files of a run and how large each may be; nothing else is taken out of the archive."""
UNREADABLE = (
    OSError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)
"""What a damaged zip makes the library raise."""


def pack_run(folder: RunFolder, target: Path, exported: Path | None = None) -> None:
    """Write a run, and the files of the folder `exported` beside it, to one file.

    The file appears whole or not at all. Raises UserError if the folder holds no readable run, OSError if `target`
    cannot be written.
    """
    try:
        folder.read()
    except ValueError as problem:
        raise UserError(str(problem)) from None
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".packing-") as temporary:
        packed = Path(temporary) / target.name
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for name in MOST_BYTES:
                if (file := folder.path / name).exists():
                    archive.write(file, name)
            for file in sorted(exported.rglob("*")) if exported else ():
                if file.is_file():
                    archive.write(file, EXPORTED + file.relative_to(exported).as_posix())  # type: ignore[arg-type]
        packed.replace(target)


def unpack_run(file: Path, store: RunStore) -> tuple[RunFolder, RunRecord]:
    """Add the run in `file` to a store and return it; a run that is there already is returned as it is.

    Raises UserError with one sentence if the file cannot be used; the store is as it was then.
    """
    store.root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=store.root.parent, prefix=".opening-") as temporary:
        staging = RunFolder(Path(temporary) / "run")
        staging.path.mkdir()
        try:
            with zipfile.ZipFile(file) as archive:
                _extract(archive, staging.path, file.name)
        except UNREADABLE as error:
            raise UserError(f"{file.name} is not a readable run file: {error}.") from None
        try:
            record = RunRecord.model_validate_json((staging.path / "run.json").read_bytes())
        except (OSError, ValidationError):
            raise UserError(f"{file.name} holds no readable run.json, so it is not a run of the workbench.") from None
        return _add(staging, record, store)


def _extract(archive: zipfile.ZipFile, target: Path, name: str) -> None:
    for member in archive.infolist():
        most = MOST_BYTES.get(member.filename)
        if most is None:
            continue
        if member.file_size > most:
            raise UserError(
                f"{name}: {member.filename} is {member.file_size / MEBIBYTE:.0f} MB; {most // MEBIBYTE} MB is the most."
            )
        with archive.open(member) as source, (target / member.filename).open("wb") as copy:
            shutil.copyfileobj(source, copy, MEBIBYTE)


def _add(staging: RunFolder, record: RunRecord, store: RunStore) -> tuple[RunFolder, RunRecord]:
    name = "".join(sign for sign in record.id if sign.isascii() and (sign.isalnum() or sign in "-_"))[:120] or "run"
    target, number = store.root / name, 1
    while target.exists():
        known = RunFolder(target)
        try:
            if _same(known.read(), record):
                return known, known.read()
        except ValueError:
            pass  # something else has this name
        number += 1
        target = store.root / f"{name}-{number}"
    # The process that wrote it belongs to another machine or another time.
    record = record.model_copy(update={"id": target.name, "process": None})
    staging.write(record)
    staging.path.replace(target)
    return RunFolder(target), record


def _same(known: RunRecord, other: RunRecord) -> bool:
    ignored = {"id", "process"}
    return known.model_dump(exclude=ignored) == other.model_dump(exclude=ignored)
