"""The player with a stream that the test drives: places, seams, gaps; and the clock that stands in for a sound card."""

import time

import numpy as np
import pytest

from workbench.audio.notes import Notes
from workbench.audio.player import AHEAD, Clock, Player
from workbench.audio.synth import SAMPLE_RATE

BEATS = Notes.of(np.arange(8.0), np.full(8, 0.9), 60 + np.arange(8))


class Device:
    """Asks for samples when told to."""

    problem, underflows = "", 0

    def __init__(self, fill):
        self.fill, self.time, self.heard, self.is_closed = fill, 0.0, [], False

    def now(self):
        return self.time

    def run(self, seconds, block=512):
        for _ in range(round(seconds * SAMPLE_RATE / block)):
            out = np.full(block, np.nan, np.float32)
            self.fill(out, self.time)
            self.heard.append(out)
            self.time += block / SAMPLE_RATE

    def close(self):
        self.is_closed = True


def wait_until(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)


@pytest.fixture
def playing():
    made = {}

    def open_stream(fill):
        made["device"] = Device(fill)
        return made["device"]

    player = Player(open_stream)
    player.set_notes(BEATS, 8.0)
    player.set_tempo(120)
    yield player, made
    player.close()


def filled(player):
    wait_until(lambda: player._buffered >= AHEAD * SAMPLE_RATE)


def step(player, device, seconds):
    """Let the device run in steps that the buffer can serve."""
    for _ in range(round(seconds / 0.1)):
        filled(player)
        device.run(0.1)


def test_the_place_is_what_is_heard_and_not_what_was_rendered_ahead(playing):
    player, made = playing
    player.play()
    filled(player)
    assert player.position == pytest.approx(0, abs=0.06)
    step(player, made["device"], 1.0)
    assert player.position == pytest.approx(2.0, abs=0.1)
    player.pause()
    assert player.position == pytest.approx(2.0, abs=0.1)
    assert not player.is_playing


def test_a_buffer_that_runs_dry_is_counted_and_heard_as_silence(playing):
    player, made = playing
    player.play()
    filled(player)
    device = made["device"]
    step(player, device, 0.2)
    assert player.underruns == 0
    with player._lock:
        ready = sum(len(each) for each in player._ready)
        player._ready.clear()
        player._buffered = 10**9  # the renderer thinks that there is enough
    assert ready
    device.run(0.05)
    assert player.underruns >= 1
    assert (device.heard[-1] == 0).all()


def test_seeking_pausing_and_looping_are_heard_without_a_click(playing):
    player, made = playing
    player.play()
    for place in (3.0, 0.5, 6.2, None, 1.0):
        step(player, made["device"], 0.3)
        if place is None:
            player.pause()
            step(player, made["device"], 0.1)
            player.play()
        else:
            player.seek(place)
    player.set_loop((1.0, 1.5))
    player.seek(1.0)
    step(player, made["device"], 0.5)
    sound = np.concatenate(made["device"].heard)
    assert np.isfinite(sound).all()
    assert np.abs(sound).max() > 0.05
    assert np.abs(np.diff(sound)).max() < 0.02
    assert 1.0 <= player.position <= 1.5
    assert player.underruns == 0


def test_notes_may_change_while_it_plays(playing):
    player, made = playing
    player.play()
    step(player, made["device"], 0.5)
    player.set_notes(Notes.none(), 8.0)
    step(player, made["device"], 1.0)
    tail = np.concatenate(made["device"].heard[-20:])
    assert np.abs(tail).max() < 1e-6
    assert player.is_playing


def test_without_a_sound_card_a_clock_keeps_time_and_says_why():
    def no_card(fill):
        return Clock(fill, "No sound: there is no audio device.")

    player = Player(no_card)
    player.set_notes(BEATS, 8.0)
    player.set_tempo(240)
    began = time.monotonic()
    player.play()
    try:
        wait_until(lambda: player.position > 2)
        elapsed = time.monotonic() - began
        assert elapsed >= 2 / 240 * 60 - 0.1  # not faster than the music
        assert "no audio device" in player.problem
    finally:
        player.close()
    assert not player.is_playing


def test_a_closed_player_can_play_again(playing):
    player, made = playing
    player.play()
    filled(player)
    first = made["device"]
    player.close()
    assert first.is_closed
    player.play()
    filled(player)
    assert made["device"] is not first
    assert player.is_playing
