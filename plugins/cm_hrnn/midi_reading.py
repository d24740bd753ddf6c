"""MIDI files as lead sheets: melody and block chords on two tracks, or one polyphonic track (skyline and templates)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from plugins.cm_hrnn.chords import parsed_chord
from plugins.cm_hrnn.representation import LeadSheet
from plugins.cm_hrnn.spans import Spans, Unusable, wrong_metre

MELODY_WORDS = re.compile(r"melod|\blead|vocal|sopran|\bsolo|singer|tune", re.IGNORECASE)
CHORD_WORDS = re.compile(r"chord|harmon|accomp|piano|guitar|pad|comp", re.IGNORECASE)
DRUMS = 9
OWN_METRES = {(4, 4), (2, 4), (2, 2)}


def read_midi(file: Path) -> LeadSheet:
    """Read a MIDI file as a lead sheet in its own key; raise Unusable with the reason.

    Chord names in marker events count as written chords, as in the files that this program exports.
    """
    import mido

    from plugins.cm_hrnn.importing import MAX_BEATS, finished

    try:
        midi = mido.MidiFile(file)
    except Exception as error:
        raise Unusable(
            f"it is not a readable MIDI file ({type(error).__name__}: {' '.join(str(error).split())})"
        ) from None
    if midi.ticks_per_beat <= 0:
        raise Unusable("its time is in frames, not in beats")
    voices, meta = _voices(midi)
    if not voices:
        raise Unusable("it has no notes")
    if any(metre not in OWN_METRES for metre in meta["metres"]):
        numerator, denominator = next(metre for metre in meta["metres"] if metre not in OWN_METRES)
        raise wrong_metre(f"{numerator}/{denominator}")
    remarks = ["tempo changes: the first is kept"] if len(set(meta["tempi"])) > 1 else []
    end = max(float((rows[:, 0] + rows[:, 1]).max()) for rows in voices.values())
    if end > MAX_BEATS:
        raise Unusable(f"it has {end / 4:.0f} bars; at most {MAX_BEATS // 4} are read")
    melody = _melody(voices)
    spans = {name: Spans(rows) for name, rows in voices.items()}
    symbols = []
    for onset, text in meta["markers"]:
        try:
            symbols.append((onset, parsed_chord(text)))
        except ValueError:
            continue
    speed = 60e6 / meta["tempi"][0] if meta["tempi"] else 120.0
    own = spans[melody]
    others = [own, *(each for name, each in spans.items() if name != melody)]
    return finished(own, others, symbols, end, 0.0, meta["title"] or file.stem, speed, remarks)


def _voices(midi: Any) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Notes of each track and channel in quarter notes, and what the meta events say."""
    meta: dict[str, Any] = {"metres": [], "tempi": [], "markers": [], "title": ""}
    voices: dict[str, np.ndarray] = {}
    for index, track in enumerate(midi.tracks):
        now, name = 0, f"track {index + 1}"
        sounding: dict[tuple[int, int], list[int]] = {}
        notes: dict[int, list[tuple[float, float, float]]] = {}
        for message in track:
            now += message.time
            if message.type == "track_name":
                name = message.name or name
                if index == 0 and midi.type == 1:
                    meta["title"] = message.name
            elif message.type == "set_tempo":
                meta["tempi"].append(message.tempo)
            elif message.type == "time_signature":
                meta["metres"].append((message.numerator, message.denominator))
            elif message.type == "marker":
                meta["markers"].append((now / midi.ticks_per_beat, message.text))
            elif message.type in ("note_on", "note_off") and message.channel != DRUMS:
                key = (message.channel, message.note)
                if sounding.get(key):
                    start = sounding[key].pop(0)
                    notes.setdefault(message.channel, []).append(
                        (start / midi.ticks_per_beat, (now - start) / midi.ticks_per_beat, message.note)
                    )
                if message.type == "note_on" and message.velocity > 0:
                    sounding.setdefault(key, []).append(now)
        for (channel, pitch), starts in sounding.items():  # never switched off: to the end of the track
            notes.setdefault(channel, []).extend(
                (start / midi.ticks_per_beat, (now - start) / midi.ticks_per_beat, pitch) for start in starts
            )
        for channel, rows in notes.items():
            label = name if len(notes) == 1 else f"{name}, channel {channel + 1}"
            while label in voices:
                label += "'"
            made = np.array(sorted(rows), float)
            voices[label] = made
    return voices, meta


def _melody(voices: dict[str, np.ndarray]) -> str:
    """Name of the voice that is the melody: by its name, else the highest of those that sing one note at a time."""
    named = [name for name in voices if MELODY_WORDS.search(name)]
    if named:
        return named[0]
    candidates = [name for name in voices if not CHORD_WORDS.search(name)] or list(voices)
    single = [name for name in candidates if not Spans(voices[name]).is_polyphonic] or candidates
    return max(single, key=lambda name: float(np.average(voices[name][:, 2], weights=voices[name][:, 1] + 1e-6)))
