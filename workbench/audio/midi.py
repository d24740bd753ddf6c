"""Notes as a MIDI file: format 1, with tempo, metre and markers in the first track."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.audio.notes import Notes

if TYPE_CHECKING:
    import mido

TICKS_A_BEAT = 480
LAST_OFF, FIRST_ON = 0, 1
"""At the same tick a note ends before another begins."""


@dataclass(frozen=True)
class MidiPart:
    """One track: its name, notes, channel (0 … 15) and General MIDI programme (0 … 127)."""

    name: str
    notes: Notes
    channel: int = 0
    programme: int = 0


def midi_file(
    parts: Sequence[MidiPart],
    *,
    tempo: float = 100.0,
    metre: tuple[int, int] = (4, 4),
    markers: Sequence[tuple[float, str]] = (),
    title: str = "",
    length: float | None = None,
) -> mido.MidiFile:
    """Build the file; `markers` are (beat, text), `length` in beats sets the end of every track at least there."""
    import mido

    file = mido.MidiFile(type=1, ticks_per_beat=TICKS_A_BEAT, charset="utf-8")
    head: list[tuple[int, int, Any]] = [
        (0, 0, mido.MetaMessage("track_name", name=title or "music")),
        (0, 0, mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(tempo))),
        (0, 0, mido.MetaMessage("time_signature", numerator=metre[0], denominator=metre[1])),
    ]
    head += [(_tick(beat), 1, mido.MetaMessage("marker", text=text)) for beat, text in markers]
    last = max([_tick(length or 0.0), *(_tick(part.notes.end) for part in parts)])
    file.tracks.append(_track(head, last))
    for part in parts:
        events: list[tuple[int, int, Any]] = [
            (0, -1, mido.MetaMessage("track_name", name=part.name)),
            (0, -1, mido.Message("program_change", channel=part.channel, program=part.programme)),
        ]
        own = part.notes
        for start, duration, pitch, velocity in zip(
            own.start.tolist(), own.length.tolist(), own.pitch.tolist(), own.velocity.tolist(), strict=True
        ):
            note = {"channel": part.channel, "note": pitch}
            events.append((_tick(start), FIRST_ON, mido.Message("note_on", velocity=velocity, **note)))
            until = max(_tick(start + duration), _tick(start) + 1)
            events.append((until, LAST_OFF, mido.Message("note_off", velocity=0, **note)))
        file.tracks.append(_track(events, last))
    return file


def midi_bytes(parts: Sequence[MidiPart], **options: Any) -> bytes:
    """`midi_file` as bytes."""
    stream = io.BytesIO()
    midi_file(parts, **options).save(file=stream)
    return stream.getvalue()


def _tick(beat: float) -> int:
    return int(np.floor(beat * TICKS_A_BEAT + 0.5))


def _track(events: list[tuple[int, int, Any]], last: int) -> mido.MidiTrack:
    import mido

    track = mido.MidiTrack()
    now = 0
    for tick, _, message in sorted(events, key=lambda event: event[:2]):
        track.append(message.copy(time=tick - now))
        now = tick
    track.append(mido.MetaMessage("end_of_track", time=max(0, last - now)))
    return track
