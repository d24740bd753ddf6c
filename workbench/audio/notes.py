"""Notes as arrays, in beats: what the synthesiser plays and MIDI files hold."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float, Int

LEAD, ACCOMPANIMENT = 0, 1


@dataclass(frozen=True)
class Notes:
    """Start and length in beats, MIDI pitch, velocity 1 … 127 and timbre of each note, sorted by start."""

    start: Float[np.ndarray, " n"]
    length: Float[np.ndarray, " n"]
    pitch: Int[np.ndarray, " n"]
    velocity: Int[np.ndarray, " n"]
    timbre: Int[np.ndarray, " n"]

    @classmethod
    def of(
        cls, start: np.ndarray, length: np.ndarray, pitch: np.ndarray, velocity: np.ndarray | int = 88,
        timbre: int = LEAD,
    ) -> Notes:  # fmt: skip
        """Make notes; raise ValueError for pitches outside 0 … 127, negative starts or empty lengths."""
        count = len(np.atleast_1d(start))
        made = cls(
            np.asarray(start, float).reshape(count),
            np.asarray(length, float).reshape(count),
            np.asarray(pitch, np.int64).reshape(count),
            np.clip(np.broadcast_to(np.asarray(velocity, np.int64), (count,)), 1, 127),
            np.full(count, timbre),
        )
        if count and (made.start.min() < 0 or made.length.min() <= 0):
            raise ValueError("A note starts at 0 or later and has a length.")
        if count and (made.pitch.min() < 0 or made.pitch.max() > 127):
            raise ValueError("A MIDI pitch is 0 to 127.")
        return made.picked(np.argsort(made.start, kind="stable"))

    @classmethod
    def none(cls) -> Notes:
        """No notes."""
        return cls.of(np.zeros(0), np.zeros(0), np.zeros(0, np.int64))

    def __len__(self) -> int:
        return len(self.start)

    @property
    def end(self) -> float:
        """Beat at which the last note ends; 0 for none."""
        return float((self.start + self.length).max(initial=0.0))

    def picked(self, index: np.ndarray) -> Notes:
        """The notes at some indices."""
        return Notes(*(getattr(self, key)[index] for key in ("start", "length", "pitch", "velocity", "timbre")))

    def joined(self, other: Notes) -> Notes:
        """These and other notes."""
        keys = ("start", "length", "pitch", "velocity", "timbre")
        whole = Notes(*(np.concatenate([getattr(self, key), getattr(other, key)]) for key in keys))
        return whole.picked(np.argsort(whole.start, kind="stable"))

    def as_accompaniment(self) -> Notes:
        """The same an octave lower, in the accompaniment's softer timbre."""
        pitch = np.where(self.pitch >= 12, self.pitch - 12, self.pitch)
        return replace(self, pitch=pitch, timbre=np.full(len(self), ACCOMPANIMENT))
