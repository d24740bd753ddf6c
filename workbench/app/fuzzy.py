"""Fuzzy matching of what a person types with the titles of commands and papers."""

from __future__ import annotations

from dataclasses import dataclass

START_OF_WORD = 8.0
CONSECUTIVE = 5.0
MATCH = 1.0
SKIPPED = 0.05


@dataclass(frozen=True)
class Match:
    """How well a text matches (higher is better), and which of its characters were meant."""

    score: float
    positions: tuple[int, ...]


def fuzzy_match(pattern: str, text: str) -> Match | None:
    """Match the letters of `pattern` with `text` in order, ignoring case and spaces; None where one is missing.

    The best of all alignments counts: starts of words and runs of letters are worth more, skipped letters a little
    less, so that "sr" finds "Split right" before "Search commands".
    """
    letters = [letter for letter in pattern.lower() if not letter.isspace()]
    if not letters:
        return Match(0.0, ())
    lower = text.lower()
    # best[j]: the best score and positions of an alignment that ends at character j of the text.
    best: dict[int, tuple[float, tuple[int, ...]]] = {}
    for index, letter in enumerate(letters):
        following: dict[int, tuple[float, tuple[int, ...]]] = {}
        for place, character in enumerate(lower):
            if character != letter:
                continue
            worth = MATCH + (START_OF_WORD if _starts_word(text, place) else 0.0)
            if index == 0:
                following[place] = (worth - SKIPPED * place, (place,))
                continue
            options = [
                (score + worth + (CONSECUTIVE if end == place - 1 else -SKIPPED * (place - end)), (*path, place))
                for end, (score, path) in best.items()
                if end < place
            ]
            if options:
                following[place] = max(options)
        if not following:
            return None
        best = following
    score, positions = max(best.values())
    return Match(score - SKIPPED * len(text), positions)


def _starts_word(text: str, place: int) -> bool:
    return place == 0 or not text[place - 1].isalnum() or (text[place].isupper() and text[place - 1].islower())
