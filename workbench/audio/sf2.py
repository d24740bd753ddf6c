"""Reading SoundFont files (.sf2, and .sf3 with Ogg Vorbis samples): the SoundFont 2.04 specification, in NumPy.

Compiled readers end the process on a damaged file, and a person may choose any file; here every index is checked.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.sdk import UserError

if TYPE_CHECKING:
    from jaxtyping import Float32

MOST_BYTES = 2_000_000_000
MOST_SECONDS = 120
"""Of one compressed sample."""
INSTRUMENT, SAMPLE = 41, 53
KEY_RANGE, VELOCITY_RANGE = 43, 44
RANGES = (KEY_RANGE, VELOCITY_RANGE)
COMPRESSED = 0x10
ROM = 0x8000
NAME = ("name", "S20")
RECORDS: dict[bytes, np.dtype[Any]] = {
    b"phdr": np.dtype([NAME, ("preset", "<u2"), ("bank", "<u2"), ("bag", "<u2"), ("rest", "V12")]),
    b"pbag": np.dtype([("generator", "<u2"), ("modulator", "<u2")]),
    b"pgen": np.dtype([("operator", "<u2"), ("amount", "<i2")]),
    b"inst": np.dtype([NAME, ("bag", "<u2")]),
    b"ibag": np.dtype([("generator", "<u2"), ("modulator", "<u2")]),
    b"igen": np.dtype([("operator", "<u2"), ("amount", "<i2")]),
    b"shdr": np.dtype([NAME, ("start", "<u4"), ("end", "<u4"), ("loop", "<u4"), ("loop_end", "<u4"), ("rate", "<u4"),
                       ("root", "u1"), ("correction", "i1"), ("link", "<u2"), ("kind", "<u2")]),
}  # fmt: skip
Generators = Mapping[int, int]


@dataclass(frozen=True)
class Zone:
    """What sounds for some keys and velocities (both ends included): a sample and the summed generators."""

    keys: tuple[int, int]
    velocities: tuple[int, int]
    sample: int
    generators: Generators
    """Of the instrument: absolute values."""
    added: Generators
    """Of the preset: added to them."""


@dataclass(frozen=True)
class Preset:
    """An instrument on offer: General MIDI programme 0 … 127 in a bank, and its name."""

    index: int
    bank: int
    programme: int
    name: str


class SoundFontFile:
    """One file's presets, zones and samples; raises UserError with a sentence if it cannot be used."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            size = path.stat().st_size
            if size > MOST_BYTES:
                raise self._refusal(f"it has {size / 1e6:.0f} MB, and at most {MOST_BYTES // 1_000_000} are read")
            if size < 12:
                raise self._refusal("it is empty or cut short")
            self._bytes = np.memmap(path, np.uint8, "r")
        except OSError as error:
            raise self._refusal(f"it cannot be read ({error.strerror or error})") from None
        chunks = dict(self._chunks())
        missing = [name.decode() for name in (b"smpl", *RECORDS) if name not in chunks]
        if missing:
            raise self._refusal(f"its part {missing[0]} is missing")
        self.samples_at, length = chunks[b"smpl"]
        self.sample_bytes = length
        self._records = {name: self._table(name, *chunks[name]) for name in RECORDS}
        self.headers = self._records[b"shdr"]

    def _refusal(self, why: str) -> UserError:
        return UserError(f"{self.path.name} cannot be used as a SoundFont (.sf2 or .sf3): {why}.")

    def _chunks(self) -> Iterator[tuple[bytes, tuple[int, int]]]:
        """Name, place and length of every chunk in the file's lists."""
        whole = self._bytes
        if whole[:4].tobytes() != b"RIFF" or whole[8:12].tobytes() != b"sfbk":
            raise self._refusal("it does not begin as one")
        yield from self._inside(12, len(whole))

    def _inside(self, at: int, end: int) -> Iterator[tuple[bytes, tuple[int, int]]]:
        while at + 8 <= end:
            name = self._bytes[at : at + 4].tobytes()
            length = int(self._bytes[at + 4 : at + 8].view("<u4")[0])
            if at + 8 + length > end:
                raise self._refusal("it is cut short")
            if name == b"LIST":
                yield from self._inside(at + 12, at + 8 + length)
            else:
                yield name, (at + 8, length)
            at += 8 + length + length % 2

    def _table(self, name: bytes, at: int, length: int) -> np.ndarray:
        kind = RECORDS[name]
        if length % kind.itemsize or length < kind.itemsize:
            raise self._refusal(f"its part {name.decode()} has a wrong length")
        return np.frombuffer(self._bytes[at : at + length].tobytes(), kind)

    @cached_property
    def presets(self) -> tuple[Preset, ...]:
        """Everything on offer, by bank and programme; the last record only ends the list."""
        rows = self._records[b"phdr"][:-1]
        made = [
            Preset(index, int(row["bank"]), int(row["preset"]), _text(row["name"])) for index, row in enumerate(rows)
        ]
        return tuple(sorted(made, key=lambda own: (own.bank, own.programme)))

    def zones(self, preset: Preset) -> tuple[Zone, ...]:
        """Everything that sounds in a preset; zones that point outside the file are left out."""
        made = []
        for added, instrument in self._layers(b"phdr", b"pbag", b"pgen", preset.index, INSTRUMENT):
            if instrument >= len(self._records[b"inst"]) - 1:
                continue
            for own, sample in self._layers(b"inst", b"ibag", b"igen", instrument, SAMPLE):
                keys, velocities = (_both(_range(own, key), _range(added, key)) for key in RANGES)
                if keys[0] <= keys[1] and velocities[0] <= velocities[1] and self._is_usable(sample):
                    made.append(Zone(keys, velocities, sample, own, added))
        return tuple(made)

    def _layers(self, heads: bytes, bags: bytes, gens: bytes, index: int, end: int) -> Iterator[tuple[Generators, int]]:
        """Generators of each zone with those of the global one beneath, and the instrument or sample that it names."""
        first, last = (int(self._records[heads]["bag"][place]) for place in (index, index + 1))
        bounds = self._records[bags]["generator"].astype(int)
        shared: dict[int, int] = {}
        for bag in range(first, min(last, len(bounds) - 1)):
            rows = self._records[gens][bounds[bag] : bounds[bag + 1]]
            own = {int(row["operator"]): int(row["amount"]) for row in rows}
            if end in own:
                yield {**shared, **own}, own[end] & 0xFFFF
            elif bag == first:
                shared = own

    def _is_usable(self, sample: int) -> bool:
        if sample >= len(self.headers) - 1:
            return False
        row = self.headers[sample]
        unit = 1 if row["kind"] & COMPRESSED else 2
        in_file = row["start"] < row["end"] and int(row["end"]) * unit <= self.sample_bytes
        return bool(in_file and not row["kind"] & ROM and 400 <= row["rate"] <= 192_000)

    def sample(self, index: int) -> Float32[np.ndarray, " n"]:
        """One sample in [-1, 1]; raise UserError if what is compressed cannot be read."""
        row = self.headers[index]
        start, end = int(row["start"]), int(row["end"])
        if row["kind"] & COMPRESSED:
            return self._decoded(self._bytes[self.samples_at + start : self.samples_at + end].tobytes())
        raw = self._bytes[self.samples_at + 2 * start : self.samples_at + 2 * end].tobytes()
        return np.frombuffer(raw, "<i2").astype(np.float32) / 32_768

    def _decoded(self, stream: bytes) -> Float32[np.ndarray, " n"]:
        try:
            import soundfile
        except (ImportError, OSError):
            raise self._refusal("its samples are compressed (.sf3), which needs the package soundfile") from None
        try:
            with soundfile.SoundFile(io.BytesIO(stream)) as file:
                found = file.read(MOST_SECONDS * file.samplerate, dtype="float32", always_2d=True)
        except (RuntimeError, ValueError) as error:
            raise self._refusal(f"a compressed sample is damaged ({error})") from None
        return np.ascontiguousarray(found.mean(1))


def _text(raw: bytes) -> str:
    return raw.split(b"\0")[0].decode("latin-1").strip() or "without a name"


def _range(generators: Generators, operator: int) -> tuple[int, int]:
    """Lowest and highest key or velocity: the two bytes of the amount."""
    amount = generators.get(operator, 0x7F00) & 0xFFFF
    return amount & 0xFF, amount >> 8


def _both(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    return max(one[0], other[0]), min(one[1], other[1])
