"""Chords as the paper codes them: 49 classes, their names, their notes, and progressions that a person types.

Class 0 is "no chord"; otherwise 1 + 4 × root + mode, roots in the order A, A#, B, C … G#, modes maj, min, 7, dim
(read off the authors' published arrays).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Int

CHORDS = 49
NO_CHORD = 0
ROOTS = ("A", "A#", "B", "C", "C#", "D", "D#", "E", "F", "F#", "G", "G#")
MODES = ("maj", "min", "7", "dim")
MODE_SUFFIX = ("", "m", "7", "dim")
MODE_NOTES = ((0, 4, 7), (0, 3, 7), (0, 4, 7, 10), (0, 3, 6))
A_PITCH_CLASS = 9
NAMES = ("N.C.", *(root + suffix for root in ROOTS for suffix in MODE_SUFFIX))
BAR = 16
"""Sixteenths in a bar: the representation knows 4/4 only."""
MAX_BARS = 512

PROGRESSIONS: dict[str, str] = {
    "Axis: I V vi IV": "C | G | Am | F",
    "Jazz: ii V I": "Dm7 | G7 | Cmaj7 | Cmaj7",
    "Fifties: I vi IV V": "C | Am | F | G7",
    "Minor: i VI III VII": "Am | F | C | G",
    "Andalusian": "Am | G | F | E7",
    "Pachelbel": "C G | Am Em | F C | F G7",
    "Twelve-bar blues": "C7 | C7 | C7 | C7 | F7 | F7 | C7 | C7 | G7 | F7 | C7 | G7",
    "AABA": "C | Am | F | G7 | C | Am | Dm7 G7 | C | C | Am | F | G7 | C | Am | Dm7 G7 | C | "
    "F | Fm | C | A7 | D7 | D7 | G7 | G7 | C | Am | F | G7 | C | Am | Dm7 G7 | C",
    "Autumn (fifths)": "Dm7 | G7 | Cmaj7 | Fmaj7 | Bdim | E7 | Am | Am",
}
"""Progressions on offer, in C major or A minor."""

_ROOT_CLASS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_SYMBOL = re.compile(r"^([A-Ga-g])([#♯b♭-]*)([^/]*)(?:/.*)?$")


def chord_class(pitch_class: int, mode: str) -> int:
    """Class of the chord on a pitch class (0 = C) with one of the four `MODES`."""
    return 1 + 4 * ((pitch_class - A_PITCH_CLASS) % 12) + MODES.index(mode)


def root_of(chord: int) -> int | None:
    """Pitch class (0 = C) of a chord's root; None for no chord."""
    return None if chord == NO_CHORD else ((chord - 1) // 4 + A_PITCH_CLASS) % 12


def mode_of(chord: int) -> str:
    """Mode of a chord, empty for no chord."""
    return "" if chord == NO_CHORD else MODES[(chord - 1) % 4]


def pitch_classes(chord: int) -> tuple[int, ...]:
    """Pitch classes of a chord, root first; none for no chord."""
    root = root_of(chord)
    return () if root is None else tuple((root + step) % 12 for step in MODE_NOTES[(chord - 1) % 4])


def chord_pitches(chord: int) -> tuple[int, ...]:
    """MIDI pitches of a block chord: every pitch class in the octave from middle C, root first (Am: 69, 60, 64)."""
    return tuple(60 + each for each in pitch_classes(chord))


def chord_tones() -> Int[np.ndarray, "49 12"]:
    """Return 1 where a pitch class belongs to a chord class."""
    table = np.zeros((CHORDS, 12), np.int64)
    for chord in range(CHORDS):
        table[chord, list(pitch_classes(chord))] = 1
    return table


def transposed(chord: int, semitones: int) -> int:
    """The chord so many semitones higher."""
    root = root_of(chord)
    return chord if root is None else chord_class(root + semitones, mode_of(chord))


def folded_mode(quality: str) -> str:
    """Fold a chord's suffix ("m7", "maj7", "sus4", "ø" …) onto the four modes.

    maj7, 6, sus, add, power chords → maj; m7, m6 → min; 9, 11, 13, augmented 7 → 7; m7b5 → dim; + → maj.
    Raises ValueError for a suffix that means nothing.
    """
    text = quality.strip().replace("♭", "b").replace("♯", "#").replace("Δ", "maj").replace("△", "maj")
    if not re.fullmatch(
        r"(?:(?:maj|Maj|MAJ|M|min|Min|MIN|mi|m|-|dim|o|°|ø|aug|\+|sus|add|dom|alt|no|omit|b|#|\(|\)|,|\^|"
        r"2|4|5|6|7|9|10|11|13|69|6/9)|\s)*",
        text,
    ):
        raise ValueError(quality)
    if re.match(r"(dim|o|°|ø)", text) or re.match(r"(m|min|mi|-)7?\(?b5", text):
        return "dim"
    if re.match(r"(m(?!aj)|min|mi|-)", text, re.IGNORECASE) and not re.match(r"(M(?!in|IN|i)|maj)", text):
        return "min"
    if re.match(r"(maj|Maj|MAJ|M|\^)", text):
        return "maj"
    if re.match(r"(aug|\+)?(7|9|11|13|dom|alt)", text):
        return "7"
    return "maj"


def parsed_chord(symbol: str) -> int:
    """Read a chord symbol ("Bb7", "F#m7b5", "C/E", "N.C."); raise ValueError with a sentence if it is none."""
    text = symbol.strip()
    if text.upper().replace(".", "") in ("NC", "NONE", "R", "REST", "_", "-"):
        return NO_CHORD
    found = _SYMBOL.match(text)
    if found is None:
        raise ValueError(f"“{symbol}” is not a chord; write for example Am7, F#dim, Bb or N.C.")
    letter, accidentals, quality = found.groups()
    # A minus directly behind the letter is a flat in some files and "minor" in others; before a digit it is minor.
    if accidentals.endswith("-"):
        accidentals, quality = accidentals[:-1], "-" + quality
    root = _ROOT_CLASS[letter.upper()]
    root += sum({"#": 1, "♯": 1, "b": -1, "♭": -1}.get(each, 0) for each in accidentals)
    try:
        return chord_class(root, folded_mode(quality))
    except ValueError:
        raise ValueError(
            f"“{symbol}” has a quality that is not known; write for example C, Cm7, C7, Cmaj7, Cdim."
        ) from None


def parsed_progression(text: str) -> Int[np.ndarray, "m 2"]:
    """Read bars separated by "|", chords of a bar separated by spaces and sharing it evenly.

    "%" repeats the bar before. Returns rows of onset in sixteenths and chord class, equal neighbours merged; the
    number of bars is `progression_bars(text)`. Raises ValueError with a sentence for anything else.
    """
    bars = _bars(text)
    rows: list[tuple[int, int]] = []
    previous: list[str] = []
    for number, symbols in enumerate(bars):
        if symbols == ["%"]:
            symbols = previous
        if not symbols:
            raise ValueError(f"Bar {number + 1} is empty; write its chord, % to repeat the bar before, or N.C.")
        if len(symbols) not in (1, 2, 3, 4, 8, 16):
            raise ValueError(f"Bar {number + 1} has {len(symbols)} chords; a bar takes 1, 2, 3, 4, 8 or 16.")
        # Three chords take two beats, one and one, as a lead sheet's reader plays them.
        places = [0, 8, 12] if len(symbols) == 3 else [BAR * index // len(symbols) for index in range(len(symbols))]
        for place, symbol in zip(places, symbols, strict=True):
            rows.append((number * BAR + place, parsed_chord(symbol)))
        previous = symbols
    return merged(np.array(rows, np.int64).reshape(-1, 2))


def progression_bars(text: str) -> int:
    """Number of bars that a typed progression has."""
    return len(_bars(text))


def _bars(text: str) -> list[list[str]]:
    inner = text.replace("\n", "|").replace("||", "|").strip().strip("|")
    bars = [bar.replace(",", " ").split() for bar in inner.split("|")]
    if not any(bars):
        raise ValueError("Type chords, with | between bars: Am7 | Dm7 G7 | Cmaj7")
    if len(bars) > MAX_BARS:
        raise ValueError(f"A progression has at most {MAX_BARS} bars, not {len(bars)}.")
    return bars


def merged(rows: Int[np.ndarray, "m 2"]) -> Int[np.ndarray, "k 2"]:
    """Drop a chord that equals the one before it."""
    if len(rows) < 2:
        return rows
    return rows[np.concatenate([[True], rows[1:, 1] != rows[:-1, 1]])]


def progression_text(chords: Int[np.ndarray, "m 2"], length: int) -> str:
    """Write chords as a person types them; empty where a bar's chords are not halves or quarters of it."""
    at = chords_at(chords, np.arange(max(length, 1)))
    bars = []
    for start in range(0, length, BAR):
        bar = at[start : start + BAR]
        for parts in (1, 2, 4):
            step = BAR // parts
            heads = bar[::step]
            if np.array_equal(np.repeat(heads, step)[: len(bar)], bar):
                bars.append(" ".join(NAMES[chord] for chord in heads))
                break
        else:
            return ""
    return " | ".join(bars)


def chords_at(chords: Int[np.ndarray, "m 2"], times: Int[np.ndarray, " k"]) -> Int[np.ndarray, " k"]:
    """Chord class at each time in sixteenths; no chord before the first."""
    if not len(chords):
        return np.zeros(len(times), np.int64)
    index = np.searchsorted(chords[:, 0], times, side="right") - 1
    return np.where(index >= 0, chords[np.maximum(index, 0), 1], NO_CHORD)
