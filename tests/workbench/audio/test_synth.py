"""The synthesiser: pitch, envelope, no clicks at any seam, the same samples in blocks of any size."""

import io
import wave

import numpy as np
import pytest

from workbench.audio import synth
from workbench.audio.notes import ACCOMPANIMENT, Notes
from workbench.audio.synth import SAMPLE_RATE, Sequencer, envelope, frequency, render, triangle
from workbench.audio.wav import wav_bytes


def scale(count=8, length=0.9):
    return Notes.of(np.arange(count, dtype=float), np.full(count, length), 60 + np.arange(count))


def blocks(sequencer, total, size):
    return np.concatenate([sequencer.render(size) for _ in range(total // size)])


def test_a_note_has_the_frequency_of_its_pitch():
    sound = render(Notes.of(np.zeros(1), np.full(1, 4.0), np.array([69])), tempo=120)
    part = sound[4410 : 4410 + 65_536] * np.hanning(65_536)
    peak = np.abs(np.fft.rfft(part)).argmax() * SAMPLE_RATE / 65_536
    assert peak == pytest.approx(440.0, abs=1.5)
    assert frequency(np.array([60, 81])) == pytest.approx([261.6256, 880.0])


def test_the_triangle_has_only_odd_harmonics_that_fall_with_their_square():
    wave_form = triangle(np.arange(4096) / 256)
    spectrum = np.abs(np.fft.rfft(wave_form))
    base = spectrum[16]
    assert spectrum[32] < 1e-9 * base
    assert spectrum[48] / base == pytest.approx(1 / 9, rel=0.01)
    assert wave_form[0] == pytest.approx(0, abs=1e-12)


def test_the_envelope_rises_falls_to_its_level_and_fades_after_the_gate():
    gate = np.array(1.0)
    at = lambda t: float(envelope(np.array(t), gate))  # noqa: E731
    assert at(-0.1) == at(0.0) == 0
    assert at(synth.ATTACK) == pytest.approx(1)
    assert at(0.9) == pytest.approx(synth.SUSTAIN, abs=1e-3)
    assert at(1.0 + synth.RELEASE / 2) == pytest.approx(synth.SUSTAIN / 4, abs=1e-3)
    assert at(1.0 + synth.RELEASE) == 0
    short = envelope(np.linspace(0, 0.2, 20_000), np.array(0.002))
    assert np.abs(np.diff(short)).max() < 0.01


@pytest.mark.parametrize("size", [1, 64, 1000, 4096])
def test_blocks_of_any_size_give_the_same_samples(size):
    notes = scale(3).joined(Notes.of(np.zeros(1), np.full(1, 3.0), np.array([48])).as_accompaniment())
    total = 4096 if size == 1 else 40_000
    one = Sequencer(notes, tempo=200)
    one.play()
    other = Sequencer(notes, tempo=200)
    other.play()
    whole = other.render(total)
    assert np.abs(blocks(one, total, size) - whole[: total // size * size]).max() < 1e-6


LARGEST_STEP = 0.02
"""Of neighbouring samples: two voices of at most 1 kHz at full level stay well below it, a click of 0.05 does not."""


@pytest.mark.parametrize("act", ["seek", "pause", "tempo", "notes", "loop", "nothing"])
def test_there_is_no_click_whatever_is_done_while_it_plays(act):
    sequencer = Sequencer(scale(8, 1.0), tempo=120)
    if act == "loop":
        sequencer.loop = (0.0, 1.3)
    sequencer.play()
    parts = []
    for index in range(120):
        if index % 17 == 9:
            if act == "seek":
                sequencer.seek((index * 0.37) % 8)
            elif act == "pause":
                sequencer.pause()
                parts.append(sequencer.render(700))
                sequencer.play()
            elif act == "tempo":
                sequencer.tempo = 60.0 + index
            elif act == "notes":
                sequencer.set_notes(scale(8, 0.3 + 0.005 * index))
        parts.append(sequencer.render(1013))
    sound = np.concatenate(parts)
    assert np.abs(sound).max() > 0.05
    assert np.abs(np.diff(sound)).max() < LARGEST_STEP


def test_position_follows_tempo_loop_and_end():
    sequencer = Sequencer(scale(4), tempo=60)
    sequencer.set_notes(scale(4), 6.0)
    sequencer.play()
    sequencer.render(SAMPLE_RATE)
    assert sequencer.position == pytest.approx(1)
    sequencer.tempo = 120
    sequencer.render(SAMPLE_RATE)
    assert sequencer.position == pytest.approx(3)
    sequencer.loop = (2.0, 4.0)
    sequencer.render(SAMPLE_RATE)
    assert sequencer.position == pytest.approx(3)
    sequencer.loop = None
    sequencer.render(2 * SAMPLE_RATE)
    assert sequencer.position == pytest.approx(6)
    assert not sequencer.is_playing
    sequencer.play()
    assert sequencer.position == 0


def test_a_long_chord_sounds_when_one_begins_in_its_middle():
    notes = Notes.of(np.zeros(1), np.full(1, 8.0), np.array([60]))
    sequencer = Sequencer(notes, tempo=120)
    sequencer.seek(4.0)
    sequencer.play()
    assert np.abs(sequencer.render(8820)).max() > 0.05


def test_accompaniment_is_an_octave_lower_and_12_decibels_softer():
    notes = Notes.of(np.zeros(1), np.full(1, 2.0), np.array([60]), 100)
    soft = notes.as_accompaniment()
    assert soft.pitch.tolist() == [48]
    assert soft.timbre.tolist() == [ACCOMPANIMENT]
    # At its peak, before the detuned waves drift apart.
    level = lambda own: np.abs(render(own)[:2000]).max()  # noqa: E731
    assert 20 * np.log10(level(soft) / level(notes)) == pytest.approx(-12, abs=0.5)


def test_the_click_sounds_on_beats():
    sequencer = Sequencer(tempo=60)
    sequencer.set_notes(Notes.none(), 4.0)
    sequencer.has_click = True
    sequencer.play()
    sound = np.abs(sequencer.render(3 * SAMPLE_RATE))
    loud = np.flatnonzero(sound > 0.03) / SAMPLE_RATE
    assert set(np.floor(loud + 0.01).astype(int)) == {0, 1, 2}
    assert (loud % 1 < synth.CLICK_SECONDS + 0.001).all()


def test_a_wav_file_is_read_back_by_the_standard_library():
    sound = render(scale(2), tempo=200)
    with wave.open(io.BytesIO(wav_bytes(sound))) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, SAMPLE_RATE)
        read = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32_767
    assert np.abs(read - sound).max() < 1 / 32_000


@pytest.mark.parametrize("bad", [(-1.0, 1.0, 60), (0.0, 0.0, 60), (0.0, 1.0, 128), (0.0, 1.0, -1)])
def test_impossible_notes_are_refused(bad):
    with pytest.raises(ValueError, match=r"note|pitch"):
        Notes.of(*(np.array([value]) for value in bad))


def test_very_many_voices_are_cut_to_those_that_began_last():
    notes = Notes.of(np.linspace(0, 0.5, 120), np.full(120, 4.0), np.arange(120))
    sequencer = Sequencer(notes)
    sequencer.play()
    sound = sequencer.render(SAMPLE_RATE)
    assert np.isfinite(sound).all()
    assert np.abs(sound).max() <= 1
