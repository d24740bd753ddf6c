"""Actions of the panel: generate under the person's chords, look at probabilities, analyse, import, export."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from plugins.cm_hrnn import exports
from plugins.cm_hrnn.chords import BAR
from plugins.cm_hrnn.cosiatec import MAX_POINTS, cosiatec
from plugins.cm_hrnn.frames import Analysis, ImportReport, NextNote, PatternShape, Song, Take
from plugins.cm_hrnn.generation import Request, Sampling, generate, scored
from plugins.cm_hrnn.harmony import estimated_key, pitch_class_weights
from plugins.cm_hrnn.measures import (
    bar_similarity,
    is_chord_tone,
    measures_of,
    sounding_notes,
    tension,
)
from plugins.cm_hrnn.representation import (
    CHORD_SLOT,
    DURATION_SLOT,
    PITCH_SLOT,
    LeadSheet,
    accumulated_time,
    encode,
    lead_sheet,
)
from workbench.audio.choice import SoundChoice
from workbench.sdk import UserError, action

if TYPE_CHECKING:
    from plugins.cm_hrnn.generation import Generated
    from plugins.cm_hrnn.model import Network

MAX_LENGTH = 256 * BAR
MOST_NOTES = 2000


def song_of(sheet: LeadSheet, events: np.ndarray | None = None) -> Song:
    """A lead sheet as the panel draws it."""
    return Song(
        sheet.title, sheet.notes, sheet.chords, sheet.length, encode(sheet) if events is None else events,
        tempo=sheet.tempo,
    )  # fmt: skip


def checked_sheet(notes: Any, chords: Any, length: int, *, title: str = "", tempo: float = 100.0) -> LeadSheet:
    """A lead sheet of what the panel sent; raise UserError with a sentence if it is none."""
    if not BAR <= int(length) <= MAX_LENGTH:
        raise UserError(f"A song has 1 to {MAX_LENGTH // BAR} bars, not {length / BAR:g}.")
    rows = np.asarray(notes, np.int64).reshape(-1, 3)
    if len(rows) > MOST_NOTES:
        raise UserError(f"At most {MOST_NOTES} notes can be used, not {len(rows)}.")
    try:
        return lead_sheet(rows, np.asarray(chords, np.int64).reshape(-1, 2), int(length), title=title, tempo=tempo)
    except ValueError as error:
        raise UserError(str(error)) from None


class Playing:
    """Mixed into the experiments that have networks; needs `network_of`, `sampling_of`, `take_of`, `parameters`."""

    if TYPE_CHECKING:
        parameters: Any
        context: Any
        step: int

        seed_sheet: LeadSheet
        network_of: Callable[[str], Network]
        sampling_of: Callable[[str], Sampling]
        take_of: Callable[..., Take]

    _songs: tuple[LeadSheet, ...] = ()

    @action
    def compose(
        self,
        variant: str,
        notes: Any,
        chords: Any,
        length: int,
        primer: int,
        seed: int = 0,
        kept_bars: Sequence[int] = (),
        forced: Mapping[int, int] | None = None,
        copies: Mapping[int, int] | None = None,
        tempo: float = 100.0,
        title: str = "",
    ) -> Iterator[Take]:
        """Go on from the notes before `primer` (sixteenths) under the chords; notes come in as they are sampled.

        `kept_bars` keep the notes they have, `forced` gives the MIDI pitch of the event that begins at a time, `copies`
        lets a tick of the slowest tier take an earlier tick's summary. The answer is the finished Take.
        """
        network, sampling = self.network_of(variant), self.sampling_of(variant)
        if (kept_bars or forced) and not sampling.by_time:
            raise UserError("Kept bars and forced notes need chords by time: Sampling → timing.")
        sheet = checked_sheet(notes, chords, length, title=title, tempo=tempo)
        primer = max(0, min(int(primer), sheet.length))
        seed_sheet = lead_sheet(sheet.notes[sheet.notes[:, 0] < primer], sheet.chords, max(primer, 1))
        events = encode(seed_sheet) if primer else np.zeros((0, 4), np.int64)
        kept = kept_events(sheet, kept_bars)
        wanted = {int(time): int(pitch) + 2 for time, pitch in (forced or {}).items()}
        if any(not 2 <= code < 130 for code in wanted.values()):
            raise UserError("A forced pitch must be 0 to 127.")
        ticks = {int(tick): int(source) for tick, source in (copies or {}).items()}
        request = Request(events, sheet.chords, sheet.length, encode(sheet)[:, CHORD_SLOT], kept, wanted, ticks)
        made: Generated | None = None
        for songs in generate(network, [request], sampling, seed=seed):
            made = songs[0]
            if len(made.events) > made.given:
                yield self._tempoed(self.take_of(made, variant, title=title, is_finished=False), tempo)
        assert made is not None
        return self._tempoed(self.take_of(made, variant, title=title), tempo)

    @staticmethod
    def _tempoed(take: Take, tempo: float) -> Take:
        return replace(take, song=replace(take.song, tempo=tempo))

    @action
    def next_notes(self, variant: str, notes: Any, chords: Any, length: int) -> NextNote:
        """Probability of every possible next pitch, duration and bar flag at each event of a song."""
        events = encode(checked_sheet(notes, chords, length))
        network, sampling = self.network_of(variant), self.sampling_of(variant)
        pad = max(0, network.config.first - max(0, len(events) - 1))
        logits, first = scored(network, events, pad)
        ends = np.cumsum(events[:, DURATION_SLOT] + 1)
        starts = np.concatenate([[0], ends])[:-1]
        from_event = max(0, first - pad)
        elapsed = accumulated_time(events) + 1
        heat = lambda own, T: np.asarray((own / max(T, 0.05)).softmax(-1).cpu(), np.float32)  # noqa: E731
        keep = slice(from_event, from_event + len(logits.pitch))
        skip = from_event + pad - first
        return NextNote(
            starts[keep], heat(logits.pitch, sampling.pitch)[skip:], heat(logits.duration, sampling.duration)[skip:],
            heat(logits.bar, sampling.bar)[skip:], elapsed[keep],
        )  # fmt: skip

    @action
    def analyse(self, notes: Any, chords: Any, length: int, events: Any = None) -> Analysis:
        """Likeness of bars, COSIATEC patterns, tension and measures of a song."""
        return analysis_of(checked_sheet(notes, chords, length), None if events is None else np.asarray(events))

    @action
    def analyse_seed(self) -> Analysis:
        """The same of the test song whose chords and beginning are used."""
        return analysis_of(self.seed_sheet, encode(self.seed_sheet))

    @action
    def corpus_song(self, index: int) -> Song:
        """One of the corpus' test songs, to take its chords and beginning."""
        if not self._songs:
            raise UserError("There are no songs yet.")
        return song_of(self._songs[int(index) % len(self._songs)])

    @action
    def save(
        self, path: str, song: Song, velocity: Any = None, key: int = 0, has_chords: bool = True,
        soundfont: str = "", programme: int = 0,
    ) -> str:  # fmt: skip
        """Write a song, `key` semitones above C, to a file as its suffix says.

        A WAV file sounds as the panel does; a MIDI file may be the melody only.
        """
        sheet = checked_sheet(song.notes, song.chords, song.length, title=song.title, tempo=song.tempo)
        whole = song if len(song.events) else replace(song, events=encode(sheet))
        loudness = None if velocity is None else np.asarray(velocity)
        sung = exports.in_key(replace(whole, notes=sheet.notes), int(key))
        sound = SoundChoice(soundfont, int(programme))
        exports.save_song(Path(path), sung, loudness, sound=sound, has_chords=has_chords)
        return str(path)

    @action
    def import_files(self, paths: Sequence[str]) -> Iterator[Any]:
        """Convert a person's files; the answer is the report, the converted songs are kept in the cache."""
        return import_report(paths, self.context.cache)

    @action
    def open_song(self, path: str) -> Song:
        """Read one file as a song for the roll; it comes in C major or A minor, and says its own key."""
        from plugins.cm_hrnn.importing import Unusable, in_c, read_file

        reason = "it holds no piece"
        for found in read_file(Path(path)):
            if isinstance(found, Unusable):
                reason = str(found)
            else:
                sheet = in_c(found)
                return replace(song_of(sheet), key=-sheet.semitones)
        raise UserError(f"{Path(path).name} cannot be used: {reason}.")


def import_report(paths: Sequence[str], cache: Path) -> Iterator[Any]:
    """Progress while files are converted, and at last an ImportReport (as the generator's value)."""
    from plugins.cm_hrnn.corpus import keep_imported
    from plugins.cm_hrnn.importing import Imported, import_music

    for said in import_music([str(path) for path in paths]):
        if isinstance(said, Imported):
            if said.sheets:
                keep_imported(paths, said.sheets, cache)
            rows = tuple((piece.file, piece.title, piece.is_used, piece.words) for piece in said.pieces)
            return ImportReport(rows, len(said.sheets))
        yield said
    raise AssertionError("an import ends with its result")


def kept_events(sheet: LeadSheet, bars: Sequence[int]) -> dict[int, tuple[int, int]]:
    """Duration and pitch class of the events in the bars to keep, by the time at which they begin."""
    wanted = {int(bar) for bar in bars}
    kept, now = {}, 0
    for event in encode(sheet).tolist():
        if now // BAR in wanted:
            kept[now] = (event[DURATION_SLOT], event[PITCH_SLOT])
        now += event[DURATION_SLOT] + 1
    return kept


def analysis_of(sheet: LeadSheet, events: np.ndarray | None = None) -> Analysis:
    """All that the measures see in one song."""
    likeness = {kind: bar_similarity(sheet, kind) for kind in ("exact", "transposed", "rhythm")}
    patterns = []
    points = sheet.notes[:, [0, 2]]
    for found in cosiatec(points if len(points) <= MAX_POINTS else points[:0]).patterns:
        if found.occurrences > 1:
            places = tuple(found.points + shift for shift in found.translators)
            patterns.append(PatternShape(places, found.span))
    sounding = sounding_notes(sheet)
    tonic, is_minor = estimated_key(pitch_class_weights(sounding)) if len(sounding) else (0, False)
    own = tension(sounding, sheet.bars, tonic=tonic, is_minor=is_minor)
    return Analysis(
        likeness, tuple(patterns), measures_of(sheet, events) if len(sheet.notes) else {},
        np.stack([own.diameter, own.momentum, own.strain]), is_chord_tone(sheet),
    )  # fmt: skip
