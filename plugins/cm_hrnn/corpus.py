"""Where training music comes from: the embedded chorales, generated songs, or what a person imported.

Songs are kept as lead sheets in one .npz; windows of S events are cut for training.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from plugins.cm_hrnn.chords import NO_CHORD
from plugins.cm_hrnn.representation import (
    BAR_SLOT,
    DURATIONS,
    REST,
    LeadSheet,
    accumulated_time,
    conditioned,
    encode,
    lead_sheet,
)
from plugins.cm_hrnn.synthetic import synthetic_sheets
from workbench.runs.atomic import write_json
from workbench.sdk import Progress, UserError

if TYPE_CHECKING:
    from jaxtyping import Int

CHORALES = Path(__file__).with_name("chorales.npz")
SHARES = (0.8, 0.1, 0.1)
"""Of songs for training, validation and test."""
MAX_SONGS = 200_000
LAST_IMPORT = Path("cm_hrnn", "last-import.json")
LEAST_CORPUS = 30
"""Songs from which on an import is a corpus to learn from."""
CONVERSION = "1"
"""Changes with the way files are converted, so that older conversions are not used."""


def save_sheets(path: Path | io.BytesIO, sheets: Sequence[LeadSheet]) -> None:
    """Write lead sheets to one compressed .npz of plain arrays."""
    notes = np.concatenate([np.zeros((0, 3), np.int64), *(each.notes for each in sheets)]).astype(np.int16)
    chords = np.concatenate([np.zeros((0, 2), np.int64), *(each.chords for each in sheets)]).astype(np.int16)
    np.savez_compressed(
        path,
        notes=notes,
        note_counts=np.array([len(each.notes) for each in sheets], np.int32),
        chords=chords,
        chord_counts=np.array([len(each.chords) for each in sheets], np.int32),
        lengths=np.array([each.length for each in sheets], np.int32),
        semitones=np.array([each.semitones for each in sheets], np.int16),
        tempi=np.array([each.tempo for each in sheets], np.float32),
        titles=np.array([each.title[:120] for each in sheets], np.str_),
    )


def load_sheets(path: Path) -> list[LeadSheet]:
    """Read what `save_sheets` wrote; raise UserError naming the file if it is something else."""
    try:
        # Opened here, since numpy does not close a file that it cannot read.
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            counts, chord_counts = file["note_counts"], file["chord_counts"]
            if len(counts) > MAX_SONGS:
                raise UserError(f"{path.name} holds {len(counts)} songs; at most {MAX_SONGS} are read.")
            notes = np.split(file["notes"].astype(np.int64), np.cumsum(counts)[:-1])
            chords = np.split(file["chords"].astype(np.int64), np.cumsum(chord_counts)[:-1])
            return [
                lead_sheet(own, harmony, int(length), title=str(title), semitones=int(shift), tempo=float(tempo))
                for own, harmony, length, title, shift, tempo in zip(
                    notes, chords, file["lengths"], file["titles"], file["semitones"], file["tempi"], strict=True
                )
            ]
    except UserError:
        raise
    except (OSError, ValueError, KeyError, EOFError, IndexError, zipfile.BadZipFile) as error:
        raise UserError(f"{path.name} is not a file of converted lead sheets: {error}.") from None


def cache_file(paths: Sequence[str | Path], cache: Path) -> Path:
    """Where the conversion of these files is kept; another name as soon as one of them changes."""
    from plugins.cm_hrnn.importing import music_files

    print_of = hashlib.sha256(CONVERSION.encode())
    for file in music_files(paths):
        stat = file.stat()
        print_of.update(f"{file.resolve()}|{stat.st_size}|{stat.st_mtime_ns}\n".encode())
    return cache / "cm_hrnn" / f"imported-{print_of.hexdigest()[:16]}.npz"


def keep_imported(paths: Sequence[str | Path], sheets: Sequence[LeadSheet], cache: Path) -> None:
    """Keep converted songs, so that the same unchanged files need no conversion again."""
    kept = cache_file(paths, cache)
    kept.parent.mkdir(parents=True, exist_ok=True)
    part = kept.with_name(f"{kept.stem}.{os.getpid()}.part.npz")
    save_sheets(part, sheets)
    os.replace(part, kept)
    remember_import(paths, len(sheets), cache)


def remember_import(paths: Sequence[str | Path], songs: int, cache: Path) -> None:
    """Note where a corpus came from, for the checks that are run on a person's own music; a few songs are none."""
    if songs >= LEAST_CORPUS:
        write_json(cache / LAST_IMPORT, {"paths": [str(Path(path).resolve()) for path in paths], "songs": songs})


def last_import(cache: Path) -> tuple[list[str], int]:
    """Files and folders of the corpus that was imported last, and its songs; UserError that says how to import one."""
    how = (
        f"Import at least {LEAST_CORPUS} lead sheets first: experiment “Import and inspect”, corpus “My own files”, "
        "and choose their folder under “files”."
    )
    try:
        noted = json.loads((cache / LAST_IMPORT).read_text(encoding="utf-8"))
        paths, songs = [str(path) for path in noted["paths"]], int(noted["songs"])
    except FileNotFoundError:
        raise UserError(f"No lead sheets of your own are there. {how}") from None
    except (OSError, ValueError, KeyError, TypeError):
        raise UserError(f"What was imported last cannot be read. {how}") from None
    for path in paths:
        if not Path(path).exists():
            raise UserError(f"{path}, which was imported last, is gone. {how}")
    return paths, songs


def import_cached(paths: Sequence[str | Path], cache: Path) -> Iterator[Progress | list[LeadSheet]]:
    """Convert a person's files once; the next time the same unchanged files come from the cache."""
    from plugins.cm_hrnn.importing import Imported, import_music

    kept = cache_file(paths, cache)
    if kept.is_file():
        sheets = load_sheets(kept)
        remember_import(paths, len(sheets), cache)
        yield sheets
        return
    for said in import_music(paths):
        if isinstance(said, Imported):
            if not said.sheets:
                first = next((piece for piece in said.pieces if not piece.is_used), None)
                why = f" {first.file}: {first.words}." if first else ""
                raise UserError(f"None of {len(said.pieces)} pieces can be used.{why}")
            keep_imported(paths, said.sheets, cache)
            yield list(said.sheets)
        else:
            yield said


def split_paths(text: str) -> list[str]:
    """The files and folders of a parameter: several are separated as in the system's PATH."""
    return [part for part in text.split(os.pathsep) if part.strip()]


def load_corpus(kind: str, files: str, songs: int, cache: Path) -> Iterator[Progress | list[LeadSheet]]:
    """Songs of a corpus ("chorales", "synthetic" or "files"), at most `songs` of them (0: all); last comes the list."""
    sheets: list[LeadSheet] = []
    if kind == "chorales":
        yield Progress("Reading the embedded chorales")
        sheets = load_sheets(CHORALES)
    elif kind == "synthetic":
        yield Progress("Generating songs")
        sheets = [song.sheet for song in synthetic_sheets(songs or 200, seed=2021)]
    else:
        paths = split_paths(files)
        if not paths:
            raise UserError("Choose the files or the folder to learn from: Data → files, or Import in the panel.")
        for said in import_cached(paths, cache):
            if isinstance(said, Progress):
                yield said
            else:
                sheets = said
    yield sheets[:songs] if songs else sheets


@dataclass(frozen=True)
class Split:
    """Songs for training, validation and test, by song."""

    train: list[LeadSheet]
    validation: list[LeadSheet]
    test: list[LeadSheet]


def split_songs(sheets: Sequence[LeadSheet], seed: int = 0) -> Split:
    """Split 80/10/10, at least one song each where there are three or more; raise UserError for no song."""
    if not sheets:
        raise UserError("There is no song to learn from.")
    if len(sheets) < 3:
        return Split(list(sheets), list(sheets), list(sheets))
    order = np.random.default_rng(seed).permutation(len(sheets))
    held = max(1, round(SHARES[1] * len(sheets)))
    pick = lambda part: [sheets[index] for index in part]  # noqa: E731
    return Split(pick(order[2 * held :]), pick(order[:held]), pick(order[held : 2 * held]))


@dataclass(frozen=True)
class Windows:
    """Training windows: conditioned inputs x (w, S, 5) and accumulated time a (w, S)."""

    x: Int[np.ndarray, "w S 5"]
    a: Int[np.ndarray, "w S"]
    dropped: int
    """Events in tails that were too short for a window."""

    def __len__(self) -> int:
        return len(self.x)


def cut_windows(sheets: Sequence[LeadSheet], length: int, *, begin: str) -> Windows:
    """Cut windows of `length` events.

    `begin="songs"`: one behind the other from the first bar start of each song, short tails dropped (the paper's code).
    `"filled"`: the same, but a tail is filled up with a bar of rest and the songs that follow (the last with the first
    ones), so that no event is lost. `"bars"`: filled windows from every bar start, which overlap: the tiers then meet
    each bar at every place of their clocks, which a small corpus needs. Raises ValueError for another word.
    """
    if begin not in ("songs", "filled", "bars"):
        raise ValueError(f"windows begin with songs, filled or bars, not {begin!r}")
    songs = [own for own in (from_first_bar(encode(sheet)) for sheet in sheets) if len(own)]
    gap = np.array([[1, NO_CHORD, DURATIONS - 1, REST]], np.int64)
    xs, times, dropped = [], [], 0
    for index, events in enumerate(songs):
        if begin == "bars":
            starts = np.flatnonzero(events[:, BAR_SLOT] == 1)
            starts = starts if len(starts) else np.zeros(1, np.int64)
        else:
            starts = np.arange(0, len(events), length)
        if begin == "songs":
            starts = starts[starts + length <= len(events)]
            dropped += len(events) % length
        elif len(starts):
            parts, have, other = [events], len(events), index
            while have < starts[-1] + length:
                other = (other + 1) % len(songs)
                parts += [gap, songs[other]]
                have += 1 + len(songs[other])
            events = np.concatenate(parts)
        if not len(starts):
            continue
        places = starts[:, None] + np.arange(length)
        xs.append(conditioned(events)[places])
        times.append(accumulated_time(events)[places])
    if not xs:
        return Windows(np.zeros((0, length, 5), np.int64), np.zeros((0, length), np.int64), dropped)
    return Windows(np.concatenate(xs), np.concatenate(times), dropped)


def from_first_bar(events: Int[np.ndarray, "L 4"]) -> Int[np.ndarray, "k 4"]:
    """Events from the first bar flag on; all of them where there is none."""
    starts = np.flatnonzero(events[:, BAR_SLOT] == 1)
    return events[starts[0] :] if len(starts) else events


def has_chords(sheet: LeadSheet) -> bool:
    """Whether any chord is written."""
    return bool((sheet.chords[:, 1] != NO_CHORD).any())
