"""The scalars of a run on disk: an append-only file of fixed-size records, whole up to the last flush at any time."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from workbench.sdk import MetricsBlock, MetricsHistory

TAIL_RECORDS = 4096
RECORD = np.dtype([("name", "<u4"), ("step", "<i8"), ("value", "<f8")])


class MetricsFile:
    """`metrics.bin` holds records (name index, step, value); `metrics.names` the names, one a line.

    A crash can cut at most the last record short, which reading leaves out.
    """

    def __init__(self, folder: Path) -> None:
        self._data, self._names_file = folder / "metrics.bin", folder / "metrics.names"
        self._names: dict[str, int] = {name: index for index, name in enumerate(self._read_names())}

    def _read_names(self) -> list[str]:
        return self._names_file.read_text(encoding="utf-8").splitlines() if self._names_file.exists() else []

    def append(self, block: MetricsBlock) -> None:
        """Write a block and hand it to the operating system before returning."""
        for name in block.series:
            if name not in self._names:
                self._names[name] = len(self._names)
                with self._names_file.open("a", encoding="utf-8") as names:
                    names.write(f"{name}\n")
        parts = []
        for name, (steps, values) in block.series.items():
            part = np.empty(len(steps), RECORD)
            part["name"], part["step"], part["value"] = self._names[name], steps, values
            parts.append(part)
        if parts:
            with self._data.open("ab") as data:
                data.write(np.concatenate(parts).tobytes())

    def read(self) -> MetricsHistory:
        """Return everything written so far."""
        records, names = self._records(), self._read_names()
        series = {}
        for index, name in enumerate(names):
            own = records[records["name"] == index]
            if len(own):
                series[name] = (own["step"].copy(), own["value"].copy())
        return MetricsHistory([MetricsBlock(series)])

    def last_values(self) -> dict[str, float]:
        """Return the last value of every metric, reading the end of the file first: most are there."""
        names = self._read_names()
        size = self._data.stat().st_size if self._data.exists() else 0
        for wanted in (TAIL_RECORDS * RECORD.itemsize, size):
            found = self._tail_values(names, min(wanted, size), size)
            if len(found) == len(names) or wanted >= size:
                break
        return found

    def _tail_values(self, names: list[str], wanted: int, size: int) -> dict[str, float]:
        whole = size // RECORD.itemsize * RECORD.itemsize
        begin = max(0, whole - wanted // RECORD.itemsize * RECORD.itemsize)
        if whole == 0:
            return {}
        with self._data.open("rb") as data:
            data.seek(begin)
            records = np.frombuffer(data.read(whole - begin), RECORD)
        backwards = records[::-1]
        present, first = np.unique(backwards["name"], return_index=True)
        return {
            names[index]: float(backwards["value"][at])
            for index, at in zip(present, first, strict=True)
            if index < len(names)
        }

    def truncate(self, step: int) -> None:
        """Drop what was measured after `step`, so that a run can go on from the checkpoint it was saved at."""
        records = self._records()
        kept = records[records["step"] <= step]
        if self._data.exists():
            self._data.write_bytes(kept.tobytes())

    def _records(self) -> np.ndarray:
        raw = self._data.read_bytes() if self._data.exists() else b""
        return np.frombuffer(raw[: len(raw) // RECORD.itemsize * RECORD.itemsize], RECORD)
