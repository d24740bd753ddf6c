"""SoundFonts: pitch, loop, envelope, velocity as the specification has them; damaged files give a sentence."""

import io
import random

import numpy as np
import pytest
import soundfile

from tests.support.soundfonts import PERIOD, RATE, soundfont_bytes, write_soundfont
from workbench.audio.choice import SoundChoice
from workbench.audio.notes import ACCOMPANIMENT, Notes
from workbench.audio.player import Player
from workbench.audio.soundfont import SoundFont, rendered_seconds
from workbench.audio.synth import RELEASE, SAMPLE_RATE, Sequencer, render
from workbench.sdk import UserError

HELD = 441.0  # Hz: the test file's sample as it is
ATTACK, DECAY, SUSTAIN, ATTENUATION, KEY_RANGE, COARSE_TUNE, FINE_TUNE = 34, 36, 37, 48, 43, 51, 52


def peak_hertz(sound):
    part = sound[:32_768] * np.hanning(32_768)
    return np.abs(np.fft.rfft(part)).argmax() * RATE / 32_768


def note(tmp_path, *args, pitch=69, velocity=127, seconds=1.0, **options):
    return SoundFont(write_soundfont(tmp_path / "a.sf2", *args, **options)).note(pitch, velocity, seconds)


@pytest.mark.parametrize(("pitch", "ratio"), [(69, 1), (81, 2), (57, 0.5), (76, 2 ** (7 / 12))])
def test_a_note_has_its_pitch_and_is_held_far_beyond_its_sample(tmp_path, pitch, ratio):
    sound = note(tmp_path, pitch=pitch, seconds=4.0)
    assert peak_hertz(sound[-40_000:]) == pytest.approx(HELD * ratio, abs=1.5)
    assert np.abs(sound[-1000:]).max() == pytest.approx(1.0, abs=0.01)


def test_a_note_at_its_own_pitch_is_the_looped_sample_itself(tmp_path):
    sound = note(tmp_path)
    truth = np.sin(2 * np.pi * np.arange(len(sound)) / PERIOD)
    assert np.abs(sound[50:] - truth[50:]).max() < 1e-4  # the shortest attack is under 50 samples


def test_tuning_of_instrument_and_preset_add_up(tmp_path):
    sound = note(tmp_path, ((COARSE_TUNE, 7), (FINE_TUNE, 50)), ((COARSE_TUNE, 5), (FINE_TUNE, -50)))
    assert peak_hertz(sound) == pytest.approx(2 * HELD, abs=1.5)


def test_velocity_and_attenuation_make_it_softer(tmp_path):
    loud = np.abs(note(tmp_path, velocity=127)).max()
    assert np.abs(note(tmp_path, velocity=64)).max() / loud == pytest.approx((64 / 127) ** 2, rel=1e-3)
    softer = np.abs(note(tmp_path, ((ATTENUATION, 150),))).max()
    assert 20 * np.log10(softer / loud) == pytest.approx(-0.4 * 15, abs=0.01)


def test_the_envelope_attacks_decays_straight_in_decibels_and_stays_at_its_sustain(tmp_path):
    # Attack 0.25 s, decay 1 s for 100 dB, sustain 20 dB down: reached 0.2 s after the attack.
    sound = note(tmp_path, ((ATTACK, -2400), (DECAY, 0), (SUSTAIN, 200)), seconds=1.0)
    level = lambda second: np.abs(sound[int(second * RATE) : int(second * RATE) + PERIOD]).max()  # noqa: E731
    assert level(0.125) == pytest.approx(0.5, abs=0.01)
    assert level(0.35) == pytest.approx(10 ** (-10 / 20), abs=0.01)
    assert level(0.9) == pytest.approx(0.1, abs=0.002)


def test_keys_outside_a_zone_are_silent(tmp_path):
    zone = ((KEY_RANGE, 72 << 8 | 60),)
    assert np.abs(note(tmp_path, zone, pitch=60)).max() > 0.5
    assert not note(tmp_path, zone, pitch=59).any()
    assert not note(tmp_path, zone, ((KEY_RANGE, 65 << 8 | 0),), pitch=70).any()


def test_the_programme_is_chosen_or_else_the_first_preset(tmp_path):
    file = write_soundfont(tmp_path / "b.sf2", presets=(("Flute", 73), ("Oboe", 68)))
    assert SoundFont(file, 73).preset.name == "Flute"
    assert SoundFont(file, 68).preset.name == "Oboe"
    assert SoundFont(file, 0).preset.name == "Oboe"


def test_compressed_samples_sound_like_the_others(tmp_path):
    wave = np.sin(2 * np.pi * np.arange(400 * PERIOD) / PERIOD)
    stream = io.BytesIO()
    soundfile.write(stream, wave, RATE, format="OGG", subtype="VORBIS")
    loop = (100 * PERIOD, 300 * PERIOD)
    file = write_soundfont(tmp_path / "c.sf3", stream=stream.getvalue(), loop=loop)
    sound = SoundFont(file).note(69, 127, 1.0)
    assert peak_hertz(sound) == pytest.approx(HELD, abs=1.5)
    assert np.abs(sound[1000:-1000]).max() == pytest.approx(1.0, abs=0.1)
    damaged = bytearray(stream.getvalue())
    damaged[:200] = b"\0" * 200
    bad = write_soundfont(tmp_path / "d.sf3", stream=bytes(damaged), loop=loop)
    with pytest.raises(UserError, match=r"d\.sf3 cannot be used .* compressed sample is damaged"):
        SoundFont(bad).note(69, 127, 1.0)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty or cut short"),
        (b"MThd" + bytes(40), "does not begin as one"),
        (soundfont_bytes()[:-300], "cut short"),
        (soundfont_bytes().replace(b"shdr", b"xxxx"), "part shdr is missing"),
        (soundfont_bytes(wave=np.zeros(0)), "no preset"),
    ],
)
def test_a_file_that_is_no_soundfont_is_refused_in_a_sentence(tmp_path, content, words):
    file = tmp_path / "bad.sf2"
    file.write_bytes(content)
    with pytest.raises(UserError, match=rf"^bad\.sf2 cannot be used as a SoundFont.*{words}.*\.$"):
        SoundFont(file)


def test_damaged_files_give_notes_or_a_sentence_and_nothing_else(tmp_path):
    whole, draws = soundfont_bytes(((ATTACK, -2400), (SUSTAIN, 200))), random.Random(0)
    begin = whole.index(b"pdta")
    refused = 0
    for trial in range(300):
        damaged = bytearray(whole)
        for _ in range(draws.choice([1, 4, 30])):
            damaged[draws.randrange(begin if trial % 3 else 0, len(damaged))] = draws.randrange(256)
        file = tmp_path / f"{trial}.sf2"
        file.write_bytes(damaged)
        try:
            sound = SoundFont(file).note(69, 100, 0.5)
        except UserError:
            refused += 1
            continue
        assert np.isfinite(sound).all()
    assert 10 < refused < 290


def test_notes_are_rendered_for_a_power_of_two_of_seconds_and_kept(tmp_path):
    assert [rendered_seconds(each) for each in (0.1, 0.5, 0.7, 3.0, 100.0)] == [0.5, 0.5, 1.0, 4.0, 32.0]
    font = SoundFont(write_soundfont(tmp_path / "a.sf2"))
    assert font.note(60, 90, 0.7) is font.note(60, 90, 0.9)


# In the sequencer


def test_blocks_of_any_size_give_the_same_samples_through_a_bank(tmp_path):
    font = SoundFont(write_soundfont(tmp_path / "a.sf2"))
    notes = Notes.of(np.arange(6) / 3, np.full(6, 0.4), 60 + np.arange(6))
    made = []
    for size in (64, 1024, 44_032):
        sequencer = Sequencer(notes, tempo=97)
        sequencer.bank = font
        sequencer.play()
        made.append(np.concatenate([sequencer.render(size) for _ in range(44_032 // size)]))
    assert np.array_equal(made[0], made[1])
    assert np.array_equal(made[0], made[2])
    assert np.abs(made[0]).max() > 0.1


def test_a_banks_note_is_let_go_at_its_end_and_chords_are_softer(tmp_path):
    font = SoundFont(write_soundfont(tmp_path / "a.sf2"))
    one = Notes.of(np.zeros(1), np.ones(1), np.array([69]), 127)
    sound = render(one, tempo=60, bank=font)
    assert np.abs(sound[RATE - 500 : RATE]).max() == pytest.approx(np.tanh(1.0), abs=0.01)
    assert len(sound) <= RATE + RELEASE * SAMPLE_RATE + 1
    assert np.abs(sound[-200:]).max() < 0.01
    chord = render(one.as_accompaniment(), tempo=60, bank=font)
    assert (one.as_accompaniment().timbre == ACCOMPANIMENT).all()
    assert np.arctanh(np.abs(chord).max()) == pytest.approx(10 ** (-12 / 20), rel=0.01)


def test_a_player_renders_a_banks_notes_before_they_are_due(tmp_path, wait_for):
    font = SoundFont(write_soundfont(tmp_path / "a.sf2"))
    player = Player(lambda fill: Silent())
    player.set_bank(font)
    player.set_notes(Notes.of(np.array([0.0, 40.0]), np.ones(2), np.array([60, 90])), 44.0)
    player.play()
    try:
        wait_for(lambda: any(key[0] == 90 for key in font._notes))
        assert player.position < 30
    finally:
        player.close()


class Silent:
    problem, underflows = "", 0

    def now(self):
        return 0.0

    def close(self):
        return None


@pytest.fixture
def wait_for():
    import time

    def wait(condition):
        end = time.monotonic() + 5
        while not condition():
            assert time.monotonic() < end, "it did not happen in 5 s"
            time.sleep(0.005)

    return wait


# The choice


def test_the_choice_is_kept_and_a_damaged_one_is_the_synthesiser(tmp_path):
    assert SoundChoice.load() == SoundChoice()
    assert SoundChoice().bank() is None
    chosen = SoundChoice(str(write_soundfont(tmp_path / "a.sf2")), 0)
    chosen.save()
    assert SoundChoice.load() == chosen
    assert chosen.bank() is SoundChoice.load().bank()
    SoundChoice.file().write_text("{")
    assert SoundChoice.load() == SoundChoice()
