"""Generated data sets, kept on disk under the parameters that made them."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from workbench.sdk import Progress

Arrays = dict[str, np.ndarray]
Made = Iterator[Progress | Arrays]


def cached(folder: Path, name: str, key: Mapping[str, Any], make: Callable[[], Made]) -> Made:
    """Yield Progress and last the arrays: read from `folder`, or made by `make` and written there.

    `key` holds everything that decides the arrays, and plain values only. A file that was made under another key or
    cannot be read is made again; writing is by renaming, so a stop half-way leaves nothing behind.
    """
    text = json.dumps(dict(key), sort_keys=True)
    file = folder / "fields" / f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:16]}.npz"
    if (found := _read(file, text)) is not None:
        yield Progress(f"Read {file.name}", 1.0)
        yield found
        return
    arrays: Arrays | None = None
    for said in make():
        if isinstance(said, Progress):
            yield said
        else:
            arrays = said
    if arrays is None:
        raise RuntimeError(f"{name}: nothing was made")
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f"{file.name}.{id(arrays):x}.part")
    with unfinished.open("wb") as stream:
        np.savez(stream, allow_pickle=False, _key=np.array(text), **arrays)
    unfinished.replace(file)
    yield arrays


def _read(file: Path, text: str) -> Arrays | None:
    try:
        with np.load(file, allow_pickle=False) as saved:
            if str(saved["_key"]) != text:
                return None
            return {name: saved[name] for name in saved.files if name != "_key"}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def finished(made: Made) -> Arrays:
    """Run a generator of arrays to its end, without telling anyone."""
    for said in made:
        if not isinstance(said, Progress):
            return said
    raise RuntimeError("the data ended without arrays")
