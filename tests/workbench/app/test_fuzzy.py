from hypothesis import given
from hypothesis import strategies as st

from workbench.app.fuzzy import fuzzy_match


@given(st.text(min_size=1, max_size=12), st.text(max_size=30))
def test_a_match_is_a_subsequence_and_a_subsequence_is_a_match(pattern, text):
    letters = [letter for letter in pattern.lower() if not letter.isspace()]
    match = fuzzy_match(pattern, text)
    rest = iter(text.lower())
    assert (match is not None) == all(letter in rest for letter in letters)
    if match is not None:
        assert [text.lower()[place] for place in match.positions] == letters
        assert list(match.positions) == sorted(match.positions)


def test_starts_of_words_come_before_letters_in_the_middle():
    split, search = fuzzy_match("sr", "Split right"), fuzzy_match("sr", "Search commands")
    assert split.score > search.score
    assert split.positions == (0, 6)


def test_nothing_typed_matches_everything():
    assert fuzzy_match("  ", "Anything").positions == ()
