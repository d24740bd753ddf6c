"""A small polyphonic synthesiser: two detuned triangles a voice, an envelope in closed form, all voices at once.

Where there is a bank of notes (a SoundFont), voices are its samples instead, let go in the same way.

The sound of a voice is a function of its age, so blocks of any size give the same samples.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Protocol

import numpy as np

from workbench.audio.notes import ACCOMPANIMENT, Notes

if TYPE_CHECKING:
    from jaxtyping import Float, Float32

SAMPLE_RATE = 44_100
ATTACK, DECAY, SUSTAIN, RELEASE = 0.005, 0.080, 0.6, 0.120  # seconds, seconds, share, seconds
DETUNE_CENTS = 4.0
LEAD_GAIN = 0.28
ACCOMPANIMENT_GAIN = LEAD_GAIN * 10 ** (-12 / 20)
BANK_GAIN = 1.0
CLICK_GAIN, CLICK_SECONDS = 0.15, 0.03
MAX_VOICES = 48
BLOCK = 4096
SLOWEST, FASTEST = 20.0, 400.0  # beats a minute


def envelope(age: Float[np.ndarray, "*n"], gate: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
    """Loudness in [0, 1] at `age` seconds of a note that is let go at `gate` seconds."""
    held = np.minimum(age, gate)
    level = np.where(
        held < ATTACK, held / ATTACK, SUSTAIN + (1 - SUSTAIN) * np.exp(-np.maximum(held - ATTACK, 0.0) / DECAY)
    )
    fade = np.clip(1 - np.maximum(age - gate, 0.0) / RELEASE, 0.0, 1.0)
    return np.where(age < 0, 0.0, level * fade**2)


def triangle(cycles: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
    """Triangle wave in [-1, 1], zero and rising at whole cycles."""
    return 1 - 4 * np.abs((cycles + 0.25) % 1.0 - 0.5)


def frequency(pitch: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
    """Hertz of MIDI pitches, A4 = 440."""
    return 440.0 * 2.0 ** ((np.asarray(pitch, float) - 69) / 12)


class Bank(Protocol):
    """Notes as samples at the output's rate."""

    def note(self, pitch: int, velocity: int, seconds: float) -> Float32[np.ndarray, " n"]:
        """A note held for at least `seconds`, and never let go."""


@dataclass
class _Voices:
    """Sounding notes: onset and end in samples of the output's clock, the beat at which each is let go.

    `sound` holds a bank's samples, or None for a voice of the synthesiser.
    """

    on: np.ndarray = field(default_factory=lambda: np.zeros(0))
    off: np.ndarray = field(default_factory=lambda: np.zeros(0))
    end_beat: np.ndarray = field(default_factory=lambda: np.zeros(0))
    hertz: np.ndarray = field(default_factory=lambda: np.zeros(0))
    gain: np.ndarray = field(default_factory=lambda: np.zeros(0))
    sound: np.ndarray = field(default_factory=lambda: np.zeros(0, object))

    def __len__(self) -> int:
        return len(self.on)

    def picked(self, mask: np.ndarray) -> _Voices:
        return _Voices(*(getattr(self, part.name)[mask] for part in fields(self)))

    def joined(self, other: _Voices) -> _Voices:
        return _Voices(*(np.concatenate([getattr(each, part.name) for each in (self, other)]) for part in fields(self)))


class Sequencer:
    """Plays notes: `render` gives the next samples and moves on; tempo, notes, loop and place may change in between.

    `position` is in beats, `clock` counts all samples rendered. While paused it renders the tails of voices.
    """

    def __init__(self, notes: Notes | None = None, *, tempo: float = 100.0, sample_rate: int = SAMPLE_RATE) -> None:
        self.notes = notes or Notes.none()
        self.sample_rate = sample_rate
        self.tempo = tempo
        self.length = self.notes.end
        self.loop: tuple[float, float] | None = None
        self.has_click = False
        self.bank: Bank | None = None
        self.is_playing = False
        self.position = 0.0
        self.clock = 0
        self._voices = _Voices()

    @property
    def samples_a_beat(self) -> float:
        """Samples in a beat at the tempo now."""
        return self.sample_rate * 60.0 / min(max(self.tempo, SLOWEST), FASTEST)

    def set_notes(self, notes: Notes, length: float | None = None) -> None:
        """Play these from now on; what sounds ends where it was to end. `length` is the piece's, in beats."""
        self.notes = notes
        self.length = max(notes.end, 0.0 if length is None else length)

    def play(self) -> None:
        """Go on from the position; at the end, from the beginning."""
        if self.position >= self._end - 1e-9:
            self.position = self.loop[0] if self.loop else 0.0
        self.is_playing = True
        self._chase()

    def pause(self) -> None:
        """Stop where it is; sounding voices are let go."""
        self.is_playing = False
        self._let_go(float(self.clock))

    def seek(self, beat: float) -> None:
        """Go on at another beat; notes that would be sounding there begin."""
        self.position = min(max(beat, 0.0), self.length)
        self._let_go(float(self.clock))
        if self.is_playing:
            self._chase()

    def silence(self) -> None:
        """Drop all voices at once; for a caller that fades the sound out itself."""
        self._voices = _Voices()

    @property
    def _end(self) -> float:
        return min(self.loop[1], self.length) if self.loop else self.length

    def _let_go(self, sample: float) -> None:
        self._voices.off = np.minimum(self._voices.off, sample)

    def _chase(self) -> None:
        own = self.notes
        sounding = (own.start < self.position - 1e-9) & (own.start + own.length > self.position + 1e-9)
        self._begin(own.picked(sounding), np.full(int(sounding.sum()), float(self.clock)))

    def _begin(self, notes: Notes, on: np.ndarray) -> None:
        if len(notes):
            gain = np.where(notes.timbre == ACCOMPANIMENT, ACCOMPANIMENT_GAIN, LEAD_GAIN)
            sound = np.full(len(notes), None)
            if self.bank is None:
                gain = gain * notes.velocity / 127
            else:
                gain = gain * BANK_GAIN / LEAD_GAIN
                seconds = self.seconds_of(notes)
                for index, (pitch, velocity) in enumerate(zip(notes.pitch, notes.velocity, strict=True)):
                    sound[index] = self.bank.note(int(pitch), int(velocity), float(seconds[index]))
            begun = _Voices(
                on, np.full(len(on), np.inf), notes.start + notes.length, frequency(notes.pitch), gain, sound
            )
            self._voices = self._voices.joined(begun)

    def seconds_of(self, notes: Notes) -> Float[np.ndarray, " n"]:
        """How long notes sound at the tempo now, until nothing is left of them."""
        return notes.length * self.samples_a_beat / self.sample_rate + RELEASE

    def render(self, frames: int) -> Float32[np.ndarray, " frames"]:
        """Return the next mono samples in [-1, 1]."""
        begun, done = self.clock, 0
        clicks: list[tuple[float, bool]] = []
        while done < frames:
            if not self.is_playing or self.length <= 0:
                break
            done += self._advance(frames - done, done, clicks)
        sound = self._sound(begun, frames)
        for at, is_first in clicks:
            sound += self._click(begun, frames, at, is_first)
        self.clock = begun + frames
        # The limiter is a straight line where the sound is soft.
        return np.tanh(sound).astype(np.float32)

    def _advance(self, frames: int, offset: int, clicks: list[tuple[float, bool]]) -> int:
        """Start and end voices of the next `frames` samples, or of those up to the end of loop or piece."""
        a_beat, end = self.samples_a_beat, self._end
        left = (end - self.position) * a_beat
        count = min(frames, max(0, math.ceil(left - 1e-6)))
        start, stop = self.position, min(self.position + count / a_beat, end)
        here = self.clock + offset
        own = self._voices
        ends = np.isinf(own.off) & (own.end_beat <= stop + 1e-12)
        own.off[ends] = here + np.maximum(own.end_beat[ends] - start, 0.0) * a_beat
        new = (self.notes.start >= start - 1e-9) & (self.notes.start < stop - 1e-9)
        if new.any():
            begun = self.notes.picked(new)
            self._begin(begun, here + np.maximum(begun.start - start, 0.0) * a_beat)
            own = self._voices
            fresh = np.isinf(own.off) & (own.end_beat <= stop + 1e-12)
            own.off[fresh] = here + (own.end_beat[fresh] - start) * a_beat
        if self.has_click:
            for beat in range(math.ceil(start - 1e-9), math.ceil(stop - 1e-9)):
                clicks.append((here + (beat - start) * a_beat, beat % 4 == 0))
        self.position = stop
        if count < frames or stop >= end - 1e-9:
            self._let_go(here + max(0.0, (end - start) * a_beat))
            if self.loop is not None and self.loop[0] < end - 1e-6:
                self.position = self.loop[0]
                self._chase_at(here + count)
            else:
                self.is_playing = False
        return count

    def _chase_at(self, sample: float) -> None:
        own = self.notes
        sounding = (own.start < self.position - 1e-9) & (own.start + own.length > self.position + 1e-9)
        self._begin(own.picked(sounding), np.full(int(sounding.sum()), float(sample)))

    def _sound(self, begun: int, frames: int) -> Float[np.ndarray, " frames"]:
        own = self._voices.picked(self._voices.off + RELEASE * self.sample_rate > begun)
        if len(own) > MAX_VOICES:
            own = own.picked(np.argsort(np.argsort(-own.on)) < MAX_VOICES)
        self._voices = own
        is_sampled = np.array([wave is not None for wave in own.sound], bool)
        return self._synthesised(own.picked(~is_sampled), begun, frames) + self._sampled(
            own.picked(is_sampled), begun, frames
        )

    def _sampled(self, own: _Voices, begun: int, frames: int) -> Float[np.ndarray, " frames"]:
        """A bank's notes, faded as they are let go; times are whole samples, so that blocks of any size agree."""
        sound = np.zeros(frames)
        for on, off, gain, wave in zip(own.on, own.off, own.gain, own.sound, strict=True):
            start = round(on)
            first, last = max(begun, start), min(begun + frames, start + len(wave))
            if first < last:
                late = (np.arange(first, last) - off) / (RELEASE * self.sample_rate)
                fade = np.clip(1 - np.maximum(late, 0.0), 0.0, 1.0) ** 2
                sound[first - begun : last - begun] += gain * fade * wave[first - start : last - start]
        return sound

    def _synthesised(self, own: _Voices, begun: int, frames: int) -> Float[np.ndarray, " frames"]:
        if not len(own):
            return np.zeros(frames)
        age = (begun + np.arange(frames) - own.on[:, None]) / self.sample_rate
        gate = ((own.off - own.on) / self.sample_rate)[:, None]
        ratio = 2 ** (DETUNE_CENTS / 1200)
        cycles = own.hertz[:, None] * np.maximum(age, 0.0)
        wave = 0.5 * (triangle(cycles * ratio) + triangle(cycles / ratio))
        return (own.gain[:, None] * wave * envelope(age, gate)).sum(0)

    def _click(self, begun: int, frames: int, at: float, is_first: bool) -> Float[np.ndarray, " frames"]:
        age = (begun + np.arange(frames) - at) / self.sample_rate
        inside = (age >= 0) & (age < CLICK_SECONDS)
        fade = np.where(inside, np.minimum(age / 0.001, 1.0) * (1 - age / CLICK_SECONDS) ** 2, 0.0)
        return CLICK_GAIN * fade * np.sin(2 * np.pi * (1760.0 if is_first else 1320.0) * age)


def render(
    notes: Notes, *, tempo: float = 100.0, sample_rate: int = SAMPLE_RATE, bank: Bank | None = None
) -> Float32[np.ndarray, " n"]:
    """All notes from the first beat to the last voice's end, as mono samples; through a bank where one is given."""
    sequencer = Sequencer(notes, tempo=tempo, sample_rate=sample_rate)
    sequencer.bank = bank
    total = math.ceil(notes.end * sequencer.samples_a_beat + RELEASE * sample_rate) + 1
    sequencer.play()
    parts = [sequencer.render(min(BLOCK, total - start)) for start in range(0, total, BLOCK)]
    return np.concatenate(parts)
