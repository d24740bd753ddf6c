"""When frames are made, by a clock that the test moves."""

import contextlib
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from workbench.compute import frames
from workbench.compute.frames import FramePacer
from workbench.sdk import Frame


@dataclass(frozen=True)
class Nothing(Frame):
    """A frame without content."""


class Clock:
    """Time as the test tells it; making a frame takes `cost`."""

    def __init__(self, cost):
        self.now, self.cost = 100.0, cost
        self.sent = []

    def frame(self):
        self.now += self.cost
        return Nothing()

    def rate(self, step_seconds, share=0.05, seconds=20.0):
        experiment = SimpleNamespace(frame=self.frame, context=None)
        pacer = FramePacer(experiment, share, lambda frame: self.sent.append(self.now))
        begun = self.now
        while self.now < begun + seconds:
            self.now += step_seconds
            pacer.is_stale, pacer.credits = True, 1
            pacer.send_if_due()
        return len(self.sent) / (self.now - begun)


@pytest.fixture
def clock(monkeypatch):
    def make(cost):
        made = Clock(cost)
        monkeypatch.setattr(frames.time, "perf_counter", lambda: made.now)
        monkeypatch.setattr(frames, "watching", lambda context: contextlib.nullcontext())
        return made

    return make


@pytest.mark.parametrize("step_seconds", [0.001, 0.017, 0.026, 0.032])
def test_thirty_frames_a_second_are_made_whatever_part_of_the_interval_a_step_takes(clock, step_seconds):
    assert clock(0.0).rate(step_seconds) == pytest.approx(30, rel=0.03)


def test_a_step_longer_than_the_interval_has_one_frame(clock):
    assert clock(0.0).rate(0.1) == pytest.approx(10, rel=0.02)


def test_frames_that_are_dear_keep_to_their_share_of_the_time(clock):
    own = clock(0.02)
    assert own.rate(0.001) * 0.02 == pytest.approx(0.05, rel=0.06)


def test_after_a_rest_frames_do_not_come_in_a_burst(clock):
    own = clock(0.0)
    own.rate(0.001, seconds=1.0)
    own.now += 60
    own.sent.clear()
    assert own.rate(0.001, seconds=1.0) <= 32
