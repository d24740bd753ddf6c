"""Small SoundFont files made in code, for the tests."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

RATE = 44_100
PERIOD = 100
"""Samples in a period: 441 Hz at the sample's own rate."""
ROOT = 69


def chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def generators(*pairs: tuple[int, int]) -> bytes:
    return b"".join(struct.pack("<Hh", operator, amount) for operator, amount in pairs)


def soundfont_bytes(
    zone: tuple[tuple[int, int], ...] = (),
    preset: tuple[tuple[int, int], ...] = (),
    *,
    wave: np.ndarray | None = None,
    stream: bytes = b"",
    loop: tuple[int, int] = (PERIOD, 2 * PERIOD),
    presets: tuple[tuple[str, int], ...] = (("Sine", 0),),
) -> bytes:
    """One looped sine of 441 Hz as MIDI pitch 69, in presets that share it; `stream`: its samples as Ogg Vorbis."""
    if wave is None:
        wave = np.sin(2 * np.pi * np.arange(10 * PERIOD) / PERIOD)
    data = stream or np.round(wave * 32_767).astype("<i2").tobytes() + b"\0" * 92
    end, kind = (len(stream), 0x11) if stream else (len(wave), 1)
    heads = b"".join(
        struct.pack("<20sHHHIII", name.encode(), programme, 0, index, 0, 0, 0)
        for index, (name, programme) in enumerate(presets)
    ) + struct.pack("<20sHHHIII", b"EOP", 0, 0, len(presets), 0, 0, 0)
    above = generators(*preset, (41, 0))
    within = generators(*zone, (54, 1), (53, 0))
    count = len(above) // 4
    pdta = (
        chunk(b"phdr", heads)
        + chunk(b"pbag", b"".join(struct.pack("<HH", index * count, 0) for index in range(len(presets) + 1)))
        + chunk(b"pmod", b"\0" * 10)
        + chunk(b"pgen", above * len(presets) + b"\0" * 4)
        + chunk(b"inst", struct.pack("<20sH", b"Sine", 0) + struct.pack("<20sH", b"EOI", 1))
        + chunk(b"ibag", struct.pack("<HHHH", 0, 0, len(within) // 4, 0))
        + chunk(b"imod", b"\0" * 10)
        + chunk(b"igen", within + b"\0" * 4)
        + chunk(b"shdr", struct.pack("<20sIIIIIBbHH", b"Sine", 0, end, *loop, RATE, ROOT, 0, 0, kind)
                + struct.pack("<20sIIIIIBbHH", b"EOS", 0, 0, 0, 0, 0, 0, 0, 0, 0))
    )  # fmt: skip
    body = (
        chunk(b"LIST", b"INFO" + chunk(b"ifil", struct.pack("<HH", 2, 4)))
        + chunk(b"LIST", b"sdta" + chunk(b"smpl", data))
        + chunk(b"LIST", b"pdta" + pdta)
    )
    return chunk(b"RIFF", b"sfbk" + body)


def write_soundfont(path: Path, *args, **options) -> Path:
    path.write_bytes(soundfont_bytes(*args, **options))
    return path
