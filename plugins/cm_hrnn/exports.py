"""Songs as files: format-1 MIDI, MusicXML, WAV, CSV, and the paper's event array. Only the worker imports this."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import numpy as np

from plugins.cm_hrnn.chords import MODE_NOTES, NAMES, NO_CHORD, chord_pitches, root_of
from plugins.cm_hrnn.frames import Song
from plugins.cm_hrnn.representation import moved_chords, moved_events, moved_notes, one_hot_events
from workbench.audio.choice import SoundChoice
from workbench.audio.midi import MidiPart, midi_bytes
from workbench.audio.notes import Notes
from workbench.audio.synth import render
from workbench.audio.wav import wav_bytes
from workbench.runs.atomic import replacing
from workbench.sdk import UserError

SIXTEENTHS_A_BEAT = 4
FORMATS = (".mid", ".musicxml", ".wav", ".csv", ".npy")
CHORD_VELOCITY = 60
SYNTHESISER = SoundChoice()


def in_key(song: Song, semitones: int) -> Song:
    """The song so many semitones above C, its events too."""
    if not semitones:
        return song
    return replace(
        song, notes=moved_notes(song.notes, semitones), chords=moved_chords(song.chords, semitones),
        events=moved_events(song.events, semitones),
    )  # fmt: skip


def chord_spans(song: Song) -> list[tuple[int, int, int]]:
    """Onset, length and class of every chord that sounds."""
    ends = np.append(song.chords[1:, 0], song.length)
    return [
        (onset, int(end) - onset, chord)
        for (onset, chord), end in zip(song.chords.tolist(), ends.tolist(), strict=True)
        if chord != NO_CHORD and end > onset
    ]


def melody_notes(song: Song, velocity: np.ndarray | None = None) -> Notes:
    """The melody in beats."""
    return Notes.of(
        song.notes[:, 0] / SIXTEENTHS_A_BEAT, song.notes[:, 1] / SIXTEENTHS_A_BEAT, song.notes[:, 2],
        88 if velocity is None else velocity,
    )  # fmt: skip


def chord_notes(song: Song) -> Notes:
    """Block chords from middle C upwards, in beats."""
    rows = [(onset, length, pitch) for onset, length, chord in chord_spans(song) for pitch in chord_pitches(chord)]
    table = np.array(rows, float).reshape(-1, 3)
    return Notes.of(table[:, 0] / SIXTEENTHS_A_BEAT, table[:, 1] / SIXTEENTHS_A_BEAT, table[:, 2], CHORD_VELOCITY)


def song_midi(song: Song, velocity: np.ndarray | None = None, *, has_chords: bool = True) -> bytes:
    """Format-1 MIDI: tempo, metre and chord names as markers in the first track, then melody and chords."""
    names = {onset: NAMES[chord] for onset, chord in song.chords.tolist()}
    markers = [(onset / SIXTEENTHS_A_BEAT, name) for onset, name in sorted(names.items()) if onset < song.length]
    parts = [MidiPart("Melody", melody_notes(song, velocity), 0, 0)]
    if has_chords:
        parts.append(MidiPart("Chords", chord_notes(song), 1, 0))
    return midi_bytes(parts, tempo=song.tempo, markers=markers, title=song.title or "melody",
                      length=song.length / SIXTEENTHS_A_BEAT)  # fmt: skip


def song_wav(song: Song, velocity: np.ndarray | None = None, sound: SoundChoice = SYNTHESISER) -> bytes:
    """Melody and chords through the synthesiser or a SoundFont, 16 bits, 44.1 kHz."""
    melody, chords = melody_notes(song, velocity), chord_notes(song).as_accompaniment()
    return wav_bytes(render(melody.joined(chords), tempo=song.tempo, bank=sound.bank()))


def song_musicxml(song: Song) -> str:
    """MusicXML through music21: the melody in bars of 4/4 with chord symbols above it."""
    import warnings

    from music21 import harmony, metadata, meter, note, stream, tempo
    from music21.musicxml.m21ToXml import GeneralObjectExporter

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        score = stream.Score()
        score.metadata = metadata.Metadata(title=song.title or "melody")
        part = stream.Part()
        part.append(meter.TimeSignature("4/4"))
        part.insert(0, tempo.MetronomeMark(number=song.tempo))
        now = 0
        for onset, length, pitch in song.notes.tolist():
            if onset > now:
                part.insert(now / 4, note.Rest(quarterLength=(onset - now) / 4))
            part.insert(onset / 4, note.Note(pitch, quarterLength=length / 4))
            now = onset + length
        if now < song.length:
            part.insert(now / 4, note.Rest(quarterLength=(song.length - now) / 4))
        for onset, _, chord in chord_spans(song):
            part.insert(onset / 4, _chord_symbol(chord, harmony))
        for onset, chord in song.chords.tolist():
            if chord == NO_CHORD and onset < song.length:
                part.insert(onset / 4, harmony.NoChord())
        measured = part.makeMeasures()
        measured.makeTies(inPlace=True)
        score.insert(0, measured)
        return GeneralObjectExporter(score).parse().decode("utf-8")


def _chord_symbol(chord: int, harmony):  # type: ignore[no-untyped-def]
    kinds = {3: {4: "major", 3: "minor"}, 4: {4: "dominant-seventh"}}
    tones = MODE_NOTES[(chord - 1) % 4]
    kind = "diminished" if tones == (0, 3, 6) else kinds[len(tones)][tones[1]]
    root = ("C", "C#", "D", "E-", "E", "F", "F#", "G", "A-", "A", "B-", "B")[root_of(chord) or 0]
    return harmony.ChordSymbol(root=root, kind=kind)


def song_csv(song: Song, velocity: np.ndarray | None = None) -> str:
    """A row for each event of the paper's representation, with its time, and the MIDI pitch where one begins."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["event", "start_beats", "duration_beats", "bar_flag", "chord", "kind", "midi_pitch", "velocity"])
    ends = np.cumsum(song.events[:, 2] + 1)
    loudness = dict(zip(song.notes[:, 0].tolist(), np.full(len(song.notes), 88).tolist() if velocity is None
                        else np.asarray(velocity).tolist(), strict=True))  # fmt: skip
    for index, (bar, chord, duration, pitch) in enumerate(song.events.tolist()):
        start = int(ends[index]) - duration - 1
        kind = ("rest", "sustain")[pitch] if pitch < 2 else "note"
        writer.writerow([index, start / 4, (duration + 1) / 4, bar, NAMES[chord], kind,
                         pitch - 2 if pitch >= 2 else "", loudness.get(start, "") if pitch >= 2 else ""])  # fmt: skip
    return stream.getvalue()


def save_song(
    path: Path, song: Song, velocity: np.ndarray | None = None, *, sound: SoundChoice = SYNTHESISER,
    has_chords: bool = True,
) -> None:  # fmt: skip
    """Write a song as its suffix says (.mid .musicxml .wav .csv .npy); raise UserError for another or if it fails.

    `has_chords` is for MIDI: without it, the melody's track only.
    """
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise UserError(f"{path.name}: a song is exported as {', '.join(FORMATS)}, not as {suffix or 'nothing'}.")
    if suffix == ".mid":
        content = song_midi(song, velocity, has_chords=has_chords)
    elif suffix == ".musicxml":
        content = song_musicxml(song).encode("utf-8")
    elif suffix == ".wav":
        content = song_wav(song, velocity, sound)
    elif suffix == ".csv":
        content = song_csv(song, velocity).encode("utf-8")
    else:
        stream = io.BytesIO()
        np.save(stream, one_hot_events(song.events)[None], allow_pickle=False)
        content = stream.getvalue()
    try:
        with replacing(path) as temporary:
            temporary.write_bytes(content)
    except OSError as error:
        raise UserError(f"{path} could not be written: {error.strerror or error}.") from None


def save_measures(path: Path, names: tuple[str, ...], samples: dict[str, np.ndarray]) -> None:
    """Write a row for each song of each maker with its measures; what is undefined is left empty."""
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["maker", "song", *names])
        for maker, rows in samples.items():
            for index, row in enumerate(rows):
                writer.writerow([maker, index, *("" if np.isnan(value) else f"{value:.6g}" for value in row)])
