"""Notes from a SoundFont: samples at a note's pitch, looped, under the font's volume envelope."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from workbench.audio.sf2 import Preset, SoundFontFile, Zone
from workbench.sdk import UserError

if TYPE_CHECKING:
    from jaxtyping import Float, Float32

SHORTEST, LONGEST = 0.5, 32.0
"""Seconds that a note is rendered for: the next power of two of what is asked, so that few are rendered."""
KEPT_SAMPLES = 20_000_000
"""Rendered samples that are kept (80 MB)."""
ATTENUATION_SHARE = 0.4
"""Of the generator initialAttenuation: what the hardware that fonts are voiced for does, and players follow."""
LOOPS = (1, 3)
LINKED = (2, 4)  # right and left of a stereo pair
SILENT_CENTIBELS = 1000
OPEN_FILTER = 13_500  # cents above 8.176 Hz: no filter
LOWEST_HERTZ = 8.176
# Generators (SoundFont 2.04, section 8.1.3) and their defaults
START, END, LOOP, LOOP_END = 0, 1, 2, 3
START_COARSE, END_COARSE, LOOP_COARSE, LOOP_END_COARSE = 4, 12, 45, 50
FILTER, DELAY, ATTACK, HOLD, DECAY, SUSTAIN = 8, 33, 34, 35, 36, 37
KEY, VELOCITY, ATTENUATION, COARSE_TUNE, FINE_TUNE, MODES, SCALE, ROOT = 46, 47, 48, 51, 52, 54, 56, 58
DEFAULTS = {FILTER: OPEN_FILTER, DELAY: -12_000, ATTACK: -12_000, HOLD: -12_000, DECAY: -12_000, SCALE: 100}
NOT_ADDED = frozenset({KEY, VELOCITY, MODES, ROOT})
"""Generators that a preset has no say in."""


class SoundFont:
    """A bank of notes: one preset of a file. Raises UserError with a sentence if the file cannot be used.

    `programme` is the General MIDI programme; where the file lacks it, its first preset is used.
    """

    def __init__(self, path: str | Path, programme: int = 0, sample_rate: int = 44_100) -> None:
        self.file = SoundFontFile(Path(path))
        self.sample_rate = sample_rate
        self.preset = self._chosen(programme)
        self._zones = self.file.zones(self.preset)
        self._samples: dict[int, Float32[np.ndarray, " n"]] = {}
        self._lock = threading.Lock()
        self._notes: OrderedDict[tuple[int, int, float], Float32[np.ndarray, " n"]] = OrderedDict()

    @property
    def path(self) -> Path:
        """The file."""
        return self.file.path

    def _chosen(self, programme: int) -> Preset:
        wanted = sorted(self.file.presets, key=lambda own: (own.bank, own.programme) != (0, programme))
        for preset in wanted:
            if self.file.zones(preset):
                return preset
        raise UserError(f"{self.file.path.name} cannot be used as a SoundFont: no preset in it has a sample.")

    def note(self, pitch: int, velocity: int, seconds: float) -> Float32[np.ndarray, " n"]:
        """A note (MIDI pitch, velocity 1 … 127) held for at least `seconds`, at most `LONGEST`; never let go."""
        key = (pitch, velocity, rendered_seconds(seconds))
        with self._lock:
            if key not in self._notes:
                self._notes[key] = self._rendered(*key)
                kept = sum(map(len, self._notes.values()))
                while kept > KEPT_SAMPLES and len(self._notes) > 1:
                    kept -= len(self._notes.popitem(last=False)[1])
            self._notes.move_to_end(key)
            return self._notes[key]

    def _rendered(self, pitch: int, velocity: int, seconds: float) -> Float32[np.ndarray, " n"]:
        sound = np.zeros(round(seconds * self.sample_rate))
        for zone in self._zones:
            if zone.keys[0] <= pitch <= zone.keys[1] and zone.velocities[0] <= velocity <= zone.velocities[1]:
                part = self._zone_sound(zone, pitch, velocity, len(sound))
                sound[: len(part)] += part
        return sound.astype(np.float32)

    def _zone_sound(self, zone: Zone, pitch: int, velocity: int, count: int) -> Float[np.ndarray, " n"]:
        own = _Values(zone)
        row = self.file.headers[zone.sample]
        wave, loop = self._wave(zone, own)
        if len(wave) < 2:
            return np.zeros(0)
        pitch = own[KEY] if own.has(KEY) else pitch
        velocity = own[VELOCITY] if own.has(VELOCITY) else velocity
        root = own[ROOT] if own.has(ROOT) and own[ROOT] >= 0 else int(row["root"]) if row["root"] <= 127 else 60
        cents = (pitch - root) * own[SCALE] + 100 * own[COARSE_TUNE] + own[FINE_TUNE] + int(row["correction"])
        step = float(row["rate"]) / self.sample_rate * 2.0 ** (np.clip(cents, -12_000, 12_000) / 1200)
        sound = resampled(wave, step, count, loop)
        level = 10 ** (-ATTENUATION_SHARE * max(0, own[ATTENUATION]) / 200) * (velocity / 127) ** 2
        level *= 0.5 if int(row["kind"]) & 0xF in LINKED else 1.0
        if own[FILTER] < OPEN_FILTER:
            sound = low_passed(sound, LOWEST_HERTZ * 2 ** (own[FILTER] / 1200), self.sample_rate)
        return level * sound * volume_envelope(len(sound) / self.sample_rate, self.sample_rate, own)

    def _wave(self, zone: Zone, own: _Values) -> tuple[Float32[np.ndarray, " n"], tuple[int, int] | None]:
        """The sample with its ends moved as the generators say, and its loop if it has one."""
        if zone.sample not in self._samples:
            self._samples[zone.sample] = self.file.sample(zone.sample)
        whole, row = self._samples[zone.sample], self.file.headers[zone.sample]
        # In compressed files loops count from the sample's own start.
        base = 0 if row["kind"] & 0x10 else int(row["start"])
        begin = max(0, own[START] + 32_768 * own[START_COARSE])
        end = len(whole) + min(0, own[END] + 32_768 * own[END_COARSE])
        first = int(row["loop"]) - base + own[LOOP] + 32_768 * own[LOOP_COARSE] - begin
        last = int(row["loop_end"]) - base + own[LOOP_END] + 32_768 * own[LOOP_END_COARSE] - begin
        wave = whole[begin : max(begin, end)]
        is_looped = own[MODES] & 3 in LOOPS and 0 <= first < last - 1 and last <= len(wave)
        return wave, (first, last) if is_looped else None


def rendered_seconds(seconds: float) -> float:
    """How long a note is rendered that is to be held for so long."""
    return min(max(2.0 ** math.ceil(math.log2(max(seconds, 1e-3))), SHORTEST), LONGEST)


class _Values:
    """A zone's generators with the preset's added and the specification's defaults."""

    def __init__(self, zone: Zone) -> None:
        self._own, self._added = zone.generators, zone.added

    def has(self, operator: int) -> bool:
        return operator in self._own

    def __getitem__(self, operator: int) -> int:
        value = self._own.get(operator, DEFAULTS.get(operator, 0))
        return value if operator in NOT_ADDED else value + self._added.get(operator, 0)


def resampled(
    wave: Float32[np.ndarray, " n"], step: float, count: int, loop: tuple[int, int] | None
) -> Float[np.ndarray, " k"]:
    """`count` samples read every `step`, straight between neighbours; shorter where a sample without a loop ends."""
    if loop is None:
        count = min(count, int((len(wave) - 1) / step) + 1)
    place = step * np.arange(count)
    index = np.floor(place).astype(np.int64)
    share = place - index
    after = index + 1
    if loop is not None:
        first, last = loop
        index, after = (np.where(at < last, at, first + (at - first) % (last - first)) for at in (index, after))
    after = np.minimum(after, len(wave) - 1)
    return np.asarray((1 - share) * wave[index] + share * wave[after])


def low_passed(sound: Float[np.ndarray, " n"], hertz: float, sample_rate: int) -> Float[np.ndarray, " n"]:
    """Two poles' loss above a frequency (without the resonance, and without delay)."""
    size = len(sound)
    frequency = np.fft.rfftfreq(size, 1 / sample_rate)
    return np.fft.irfft(np.fft.rfft(sound) / np.sqrt(1 + (frequency / hertz) ** 4), size)


def volume_envelope(seconds: float, sample_rate: int, values: _Values) -> Float[np.ndarray, " n"]:
    """Delay, attack (straight), hold, decay (straight in decibels) and sustain of a note that is held."""
    age = np.arange(round(seconds * sample_rate)) / sample_rate
    delay, attack, hold, decay = (2.0 ** (np.clip(values[part], -12_000, 8_000) / 1200)
                                  for part in (DELAY, ATTACK, HOLD, DECAY))  # fmt: skip
    delay = 0.0 if values[DELAY] <= -12_000 else delay
    rise = np.clip((age - delay) / attack, 0.0, 1.0)
    sustain = np.clip(values[SUSTAIN], 0, SILENT_CENTIBELS)
    loss = np.minimum(np.maximum(age - delay - attack - hold, 0.0) / decay * SILENT_CENTIBELS, sustain)
    level = rise * 10 ** (-loss / 200)
    return np.where(loss >= SILENT_CENTIBELS, 0.0, level)
