"""Lead sheets from a person's files: MusicXML, MXL, ABC and Kern through music21, MIDI through mido.

What cannot be used is listed with its reason, and the rest is used. Only the worker process imports this.
"""

from __future__ import annotations

import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from plugins.cm_hrnn.chords import BAR, NO_CHORD, chord_class, parsed_chord, pitch_classes
from plugins.cm_hrnn.harmony import pitch_class_weights, semitones_to_c, template_chords
from plugins.cm_hrnn.midi_reading import MELODY_WORDS, read_midi
from plugins.cm_hrnn.representation import LeadSheet, lead_sheet, transpose
from plugins.cm_hrnn.spans import Spans, Unusable, wrong_metre
from workbench.sdk import Progress, UserError

SCORE_SUFFIXES = (".musicxml", ".mxl", ".xml", ".abc", ".krn")
MIDI_SUFFIXES = (".mid", ".midi")
SUFFIXES = SCORE_SUFFIXES + MIDI_SUFFIXES
MAX_BYTES = 20_000_000
MAX_UNPACKED = 60_000_000
MAX_FILES = 20_000
MAX_BEATS = 4 * 600
"""A piece of more than 600 bars is not a lead sheet."""


@dataclass(frozen=True)
class ImportedPiece:
    """One piece of a file: whether it is used, and in words why not or what was changed."""

    file: str
    title: str
    is_used: bool
    words: str


@dataclass(frozen=True)
class Imported:
    """What an import gave: the lead sheets in C major or A minor, and a line for each piece that was seen."""

    sheets: tuple[LeadSheet, ...]
    pieces: tuple[ImportedPiece, ...]


def music_files(paths: Sequence[str | Path]) -> list[Path]:
    """Files of the known kinds among `paths`, folders searched through; raise UserError if there are none."""
    found: list[Path] = []
    for path in map(Path, paths):
        if path.is_dir():
            found += sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
        elif path.is_file():
            found.append(path)
        else:
            raise UserError(f"{path} is neither a file nor a folder.")
    found = list(dict.fromkeys(found))
    if not found:
        raise UserError(f"There are no files to import there: expected {', '.join(SUFFIXES)}.")
    if len(found) > MAX_FILES:
        raise UserError(f"{len(found)} files are too many; at most {MAX_FILES} can be imported at once.")
    return found


def import_music(paths: Sequence[str | Path], *, to_c: bool = True) -> Iterator[Progress | Imported]:
    """Convert files and folders; says Progress for each piece, and last what came of it.

    `to_c` transposes every piece to C major or A minor. Raises UserError if no file of a known kind is there.
    """
    files = music_files(paths)
    sheets: list[LeadSheet] = []
    pieces: list[ImportedPiece] = []
    for index, file in enumerate(files):
        yield Progress(f"Reading {file.name}", index / len(files))
        for produced in read_file(file):
            if isinstance(produced, LeadSheet):
                sheet = in_c(produced) if to_c else produced
                shift = sheet.semitones - produced.semitones
                remarks = [sheet.source, f"moved by {shift:+d} semitones" if shift else ""]
                sheets.append(sheet)
                words = "; ".join(filter(None, remarks)) or "as it is"
                pieces.append(ImportedPiece(file.name, sheet.title, True, words))
            else:
                pieces.append(ImportedPiece(file.name, produced.title, False, str(produced)))
            share = (index + 0.5) / len(files)
            yield Progress(f"{file.name}: {len(sheets)} of {len(pieces)} pieces can be used", share)
    yield Imported(tuple(sheets), tuple(pieces))


def in_c(sheet: LeadSheet) -> LeadSheet:
    """The sheet in C major or A minor, whichever its durations fit better."""
    shift = semitones_to_c(key_weights(sheet))
    return transpose(sheet, shift) if shift else sheet


def key_weights(sheet: LeadSheet) -> np.ndarray:
    """Durations of melody and chord tones by pitch class."""
    weights = pitch_class_weights(sheet.notes)
    ends = np.append(sheet.chords[1:, 0], sheet.length)
    for (onset, chord), end in zip(sheet.chords.tolist(), ends.tolist(), strict=True):
        for each in pitch_classes(chord):
            weights[each] += (end - onset) / 3
    return weights


def read_file(file: Path) -> Iterator[LeadSheet | Unusable]:
    """Every piece of one file, in its own key; what cannot be used comes as an Unusable with the reason."""
    suffix = file.suffix.lower()
    try:
        size = file.stat().st_size
        if size == 0:
            raise Unusable("the file is empty")
        if size > MAX_BYTES:
            raise Unusable(f"the file has {size / 1e6:.0f} MB; at most {MAX_BYTES // 1_000_000} are read")
        if suffix in MIDI_SUFFIXES:
            yield read_midi(file)
        elif suffix == ".abc":
            yield from _read_tunes(file)
        elif suffix in SCORE_SUFFIXES:
            _check_archive(file)
            yield _sheet_of_score(_parsed(file, None), file.stem)
        else:
            raise Unusable(f"{suffix or 'a file without a suffix'} is not one of {', '.join(SUFFIXES)}")
    except Unusable as reason:
        yield reason
    except OSError as error:
        yield Unusable(f"it cannot be read: {error.strerror or error}")


def _check_archive(file: Path) -> None:
    if not zipfile.is_zipfile(file):
        if file.suffix.lower() == ".mxl":
            raise Unusable("it is not a compressed MusicXML archive, or it is cut short")
        return
    try:
        with zipfile.ZipFile(file) as archive:
            if sum(info.file_size for info in archive.infolist()) > MAX_UNPACKED:
                raise Unusable("unpacked it would be too large")
            if (broken := archive.testzip()) is not None:
                raise Unusable(f"the archive is damaged at {broken}")
    except (zipfile.BadZipFile, zlib.error, RuntimeError, EOFError, OSError) as error:
        raise Unusable(f"the archive is damaged: {error}") from None


def _read_tunes(file: Path) -> Iterator[LeadSheet | Unusable]:
    """Each tune of an ABC file by itself, so that one that cannot be read spoils no other."""
    text = file.read_text(encoding="utf-8", errors="replace")
    tunes = re.split(r"(?m)^(?=X:)", text)
    head, tunes = tunes[0], tunes[1:]
    if not tunes:
        raise Unusable("no tune begins in it (a line X: with a number)")
    shared = "\n".join(line for line in head.splitlines() if re.match(r"[LMQ]:", line))
    for tune in tunes:
        found = re.search(r"(?m)^T:\s*(.*)$", tune)
        title = found.group(1).strip() if found else "without a title"
        try:
            metre = re.search(r"(?m)^M:\s*(\S+)", tune) or re.search(r"(?m)^M:\s*(\S+)", shared)
            if metre is not None:
                _check_metre(metre.group(1))
            number, _, rest = tune.partition("\n")
            yield _sheet_of_score(_parsed(f"{number}\n{shared}\n{rest}" if shared else tune, "abc"), title)
        except Unusable as reason:
            yield Unusable(str(reason), title)


def _parsed(source: Any, kind: str | None) -> Any:
    """A score as music21 reads it; whatever goes wrong in there becomes an Unusable."""
    from music21 import converter

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return converter.parseData(source, format=kind) if kind else converter.parse(source, forceSource=True)
        except Exception as error:
            detail = " ".join(str(error).split())[:120]
            raise Unusable(f"it is not well formed ({type(error).__name__}{': ' if detail else ''}{detail})") from None


def _check_metre(metre: str) -> None:
    if metre in ("C", "C|", "4/4", "2/4", "2/2"):
        return
    raise wrong_metre(metre)


def _sheet_of_score(score: Any, name: str) -> LeadSheet:
    """Lead sheet of a music21 score with its repeats played, or as written where bars would not line up then."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            has_repeats = bool(score.recurse().getElementsByClass("RepeatMark"))
            played = score.expandRepeats() if has_repeats else score
        except Exception:  # repeats that do not close: play it once
            played = score
    if played is score:
        return _sheet_as_written(score, name)
    try:
        return _sheet_as_written(played, name)
    except Unusable:
        return _sheet_as_written(score, name)


def _sheet_as_written(score: Any, name: str) -> LeadSheet:
    """Lead sheet of a music21 score: top voice of the melody's part, written chords or those that the parts make."""
    from music21 import harmony, meter, note, stream, tempo

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        title = (score.metadata.title if score.metadata else None) or name
        parts = list(score.parts) if hasattr(score, "parts") else []
        parts = parts or [score]
        # In chorales with instruments above the voices, and in full scores, the melody is the part that says so.
        singing = [part for part in parts if MELODY_WORDS.search(str(part.partName or part.id or ""))]
        if singing:
            parts = [singing[0], *(part for part in parts if part is not singing[0])]
        try:
            metres = [each.ratioString for each in parts[0].recurse().getElementsByClass(meter.TimeSignature)]
            for metre in dict.fromkeys(metres):
                _check_metre(metre)
            measures = [
                (float(each.offset), float(each.duration.quarterLength))
                for each in parts[0].getElementsByClass(stream.Measure)
            ]
            bar = 2.0 if metres and metres[0] == "2/4" else 4.0
            pad = _front_padding(measures, bar)
            melody = _notes_of(parts[0], note)
            if not len(melody):
                raise Unusable("it has no notes")
            symbols = [
                (float(each.getOffsetInHierarchy(score)), _chord_of(each))
                for each in score.recurse().getElementsByClass(harmony.ChordSymbol)
            ]
            voices = [melody.top(), *(_notes_of(part, note) for part in parts[1:])] if len(parts) > 1 else [melody]
            end = max(float(part.duration.quarterLength) for part in parts)
            marks = list(score.recurse().getElementsByClass(tempo.MetronomeMark))
            speed = float(marks[0].getQuarterBPM() or 100.0) if marks else 100.0
        except Unusable as reason:
            raise Unusable(str(reason), str(title)) from None
        except Exception as error:
            raise Unusable(f"it is not well formed ({type(error).__name__}: {error})", str(title)) from None
    try:
        remarks = ["tempo changes: the first is kept"] if len({each.number for each in marks}) > 1 else []
        return finished(melody, voices, symbols, end, pad, str(title), speed, remarks)
    except Unusable as reason:
        raise Unusable(str(reason), str(title)) from None


def finished(
    melody: Spans,
    voices: Sequence[Spans],
    symbols: Sequence[tuple[float, int]],
    end: float,
    pad: float,
    title: str,
    speed: float,
    remarks: list[str],
) -> LeadSheet:
    """Put notes on the grid of sixteenths; chords as written, or by templates where several voices sound.

    All times come in quarter notes. Raises Unusable with the reason.
    """
    if end > MAX_BEATS:
        raise Unusable(f"it has {end / 4:.0f} bars; at most {MAX_BEATS // 4} are read")
    rows, rounded, dropped = melody.top().quantised(pad)
    if not len(rows):
        raise Unusable("it has no notes of a sixteenth or longer")
    if rows[:, 2].min() < 0 or rows[:, 2].max() > 127:
        raise Unusable("a pitch is outside the range of MIDI")
    length = -(-max(round((end + pad) * 4), int((rows[:, 0] + rows[:, 1]).max())) // BAR) * BAR
    if symbols:
        chords = [(max(0, round((onset + pad) * 4)), chord) for onset, chord in symbols]
        remarks.append(f"{len(symbols)} chords as written")
    elif sum(len(voice) > 0 for voice in voices) > 1 or melody.is_polyphonic:
        sounding = [voice.quantised(pad)[0] for voice in voices]
        found, fit = template_chords(np.concatenate([own for own in sounding if len(own)]), length)
        chords = [(int(onset), int(chord)) for onset, chord in found]
        remarks.append(f"chords found by templates (score {fit:.2f})")
    else:
        raise Unusable("it has no chords")
    if not any(chord != NO_CHORD for _, chord in chords):
        raise Unusable("it has no chords that are known")
    remarks += [f"{rounded} notes moved to the grid of sixteenths"] * bool(rounded)
    remarks += [f"{dropped} notes without length left out"] * bool(dropped)
    sheet = lead_sheet(rows, chords, length, title=title, tempo=min(max(speed, 20.0), 400.0), source="; ".join(remarks))
    if sheet.bars < 2:
        raise Unusable("it has less than two bars")
    return sheet


def _front_padding(measures: Sequence[tuple[float, float]], bar: float) -> float:
    """Rest to put before a pickup, in quarter notes, so that whole bars begin at multiples of `bar`.

    Raises Unusable where later bars do not line up.
    """
    whole = [offset for offset, duration in measures if abs(duration - bar) < 1e-3]
    if not measures:
        return 0.0
    if not whole:
        raise Unusable("no bar of it is full")
    pad = (-whole[0]) % bar
    misplaced = sum(abs((offset + pad + bar / 2) % bar - bar / 2) > 1e-3 for offset in whole)
    if misplaced > len(whole) * 0.05:
        raise Unusable(
            f"{misplaced} of {len(whole)} bars begin off the bars of {bar:g} quarters (a bar inside is not full)"
        )
    # 2/4 bars pair into 4/4; the padding is then a whole bar more where the music is an odd number of them.
    return pad


def _notes_of(part: Any, note: Any) -> Spans:
    """Onset, duration (quarters) and pitch of every note, tied ones joined; grace notes have no length."""
    rows: list[list[float]] = []
    open_ties: dict[int, int] = {}
    for element in part.flatten().notes:
        if element.classes and "ChordSymbol" in element.classes:
            continue
        members = [element] if isinstance(element, note.Note) else list(getattr(element, "notes", ()))
        for each in members:
            if not hasattr(each, "pitch"):
                continue
            pitch, tie = int(each.pitch.midi), each.tie.type if each.tie else None
            length = float(element.duration.quarterLength)
            if tie in ("continue", "stop") and pitch in open_ties:
                rows[open_ties[pitch]][1] += length
            else:
                rows.append([float(element.offset), length, pitch])
            if tie in ("start", "continue"):
                open_ties.setdefault(pitch, len(rows) - 1)
                if tie == "start":
                    open_ties[pitch] = len(rows) - 1
            else:
                open_ties.pop(pitch, None)
    return Spans(np.array(rows, float).reshape(-1, 3))


def _chord_of(symbol: Any) -> int:
    """Class of a written chord; by music21's analysis where its text is not one of ours."""
    if "NoChord" in symbol.classes:
        return NO_CHORD
    try:
        return parsed_chord(symbol.figure.replace("-", "b", 1) if symbol.figure[1:2] == "-" else symbol.figure)
    except (ValueError, AttributeError):
        pass
    try:
        kind = symbol.chordKind or ""
        mode = "7" if kind.startswith("dominant") else {"minor": "min", "diminished": "dim"}.get(symbol.quality, "maj")
        return chord_class(symbol.root().pitchClass, mode)
    except Exception:
        return NO_CHORD
