"""Letters as patterns of +-1 on a square canvas."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

ROWS = 7
COLUMNS = 5
GLYPHS = {
    "A": "01110 10001 10001 11111 10001 10001 10001",
    "B": "11110 10001 10001 11110 10001 10001 11110",
    "C": "01111 10000 10000 10000 10000 10000 01111",
    "D": "11110 10001 10001 10001 10001 10001 11110",
    "E": "11111 10000 10000 11110 10000 10000 11111",
    "F": "11111 10000 10000 11110 10000 10000 10000",
    "G": "01111 10000 10000 10011 10001 10001 01111",
    "H": "10001 10001 10001 11111 10001 10001 10001",
    "I": "11111 00100 00100 00100 00100 00100 11111",
    "J": "00111 00010 00010 00010 00010 10010 01100",
    "K": "10001 10010 10100 11000 10100 10010 10001",
    "L": "10000 10000 10000 10000 10000 10000 11111",
    "M": "10001 11011 10101 10101 10001 10001 10001",
    "N": "10001 11001 10101 10101 10011 10001 10001",
    "O": "01110 10001 10001 10001 10001 10001 01110",
    "P": "11110 10001 10001 11110 10000 10000 10000",
    "Q": "01110 10001 10001 10001 10101 10010 01101",
    "R": "11110 10001 10001 11110 10100 10010 10001",
    "S": "01111 10000 10000 01110 00001 00001 11110",
    "T": "11111 00100 00100 00100 00100 00100 00100",
    "U": "10001 10001 10001 10001 10001 10001 01110",
    "V": "10001 10001 10001 10001 10001 01010 00100",
    "W": "10001 10001 10001 10101 10101 11011 10001",
    "X": "10001 10001 01010 00100 01010 10001 10001",
    "Y": "10001 10001 01010 00100 00100 00100 00100",
    "Z": "11111 00001 00010 00100 01000 10000 11111",
}


def letter_patterns(text: str, side: int) -> tuple[list[str], Float[np.ndarray, "k n"]]:
    """Return names and patterns (k, side * side) of the letters in `text`, each once; other characters are left out.

    A glyph of 5 x 7 is stretched to the canvas by nearest neighbours; ink is +1, paper -1.
    """
    names = [letter for letter in dict.fromkeys(text.upper()) if letter in GLYPHS]
    rows = np.arange(side) * ROWS // side
    columns = np.arange(side) * COLUMNS // side
    patterns = []
    for name in names:
        bits = np.array([[int(bit) for bit in row] for row in GLYPHS[name].split()])
        patterns.append(2.0 * bits[np.ix_(rows, columns)].ravel() - 1)
    return names, np.array(patterns).reshape(len(names), side * side)
