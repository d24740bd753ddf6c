"""MIDI files as mido and music21 read them."""

import io

import mido
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.audio.midi import TICKS_A_BEAT, MidiPart, midi_bytes
from workbench.audio.notes import Notes

rows = st.lists(
    st.tuples(st.integers(0, 200), st.integers(1, 40), st.integers(0, 127), st.integers(1, 127)), max_size=30
)


def read(content):
    """Notes (channel, pitch, start tick, end tick, velocity) of a file, by mido."""
    file = mido.MidiFile(file=io.BytesIO(content))
    found = []
    for track in file.tracks:
        now, open_notes = 0, {}
        for message in track:
            now += message.time
            if message.type == "note_on" and message.velocity:
                open_notes.setdefault((message.channel, message.note), []).append((now, message.velocity))
            elif message.type in ("note_off", "note_on"):
                start, velocity = open_notes[message.channel, message.note].pop(0)
                found.append((message.channel, message.note, start, now, velocity))
        assert not any(open_notes.values())
    return file, sorted(found)


@given(rows)
@settings(max_examples=60, deadline=None)
def test_mido_reads_the_same_notes_at_the_same_ticks(own):
    last = {}
    for start, length, pitch, velocity in sorted(own):  # one note of a pitch at a time
        if last.get(pitch, (-1, 0, 0))[0] <= start:
            last[pitch] = (start + length, 0, 0)
        else:
            return
        del velocity
    table = np.array(own, float).reshape(-1, 4)
    notes = Notes.of(table[:, 0] / 4, table[:, 1] / 4, table[:, 2], table[:, 3])
    file, found = read(midi_bytes([MidiPart("melody", notes)], tempo=100.0, length=80.0))
    tick = TICKS_A_BEAT // 4
    assert found == sorted((0, int(p), int(s) * tick, int(s + n) * tick, int(v)) for s, n, p, v in table)
    assert file.ticks_per_beat == 480
    assert all(
        sum(message.time for message in track) == max(80 * 480, *[e for *_, e, _ in found], 0) for track in file.tracks
    )


def test_the_first_track_has_tempo_metre_markers_and_the_others_their_names():
    notes = Notes.of(np.zeros(1), np.ones(1), np.array([60]))
    file, _ = read(midi_bytes([MidiPart("Melody", notes), MidiPart("Chords", notes, 1, 4)], tempo=90.0, metre=(3, 4),
                              markers=[(0.0, "Am"), (4.0, "G7")], title="É"))  # fmt: skip
    assert file.type == 1
    assert [track.name for track in file.tracks[1:]] == ["Melody", "Chords"]
    head = {message.type: message for message in file.tracks[0]}
    assert (
        mido.tempo2bpm(head["set_tempo"].tempo) == np.float64(90.0) or abs(60e6 / head["set_tempo"].tempo - 90) < 1e-3
    )
    assert (head["time_signature"].numerator, head["time_signature"].denominator) == (3, 4)
    now, markers = 0, []
    for message in file.tracks[0]:
        now += message.time
        if message.type == "marker":
            markers.append((now, message.text))
    assert markers == [(0, "Am"), (1920, "G7")]
    assert [message.program for message in file.tracks[2] if message.type == "program_change"] == [4]
