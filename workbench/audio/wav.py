"""Samples as a WAV file."""

from __future__ import annotations

import io
import wave
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float

FULL_SCALE = 32_767


def wav_bytes(samples: Float[np.ndarray, " n"], sample_rate: int = 44_100) -> bytes:
    """Mono, 16 bits; what is beyond [-1, 1] is cut."""
    whole = np.round(np.clip(np.asarray(samples, float), -1.0, 1.0) * FULL_SCALE).astype("<i2")
    stream = io.BytesIO()
    with wave.open(stream, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes(whole.tobytes())
    return stream.getvalue()
