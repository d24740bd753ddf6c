"""The measures against hand-computed values, brute force and the authors' definitions."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.cm_hrnn import measures
from plugins.cm_hrnn.cosiatec import cosiatec
from plugins.cm_hrnn.measures import FIFTHS, key_centre, spiral_point, success_bar_ratio, tension
from plugins.cm_hrnn.representation import lead_sheet
from plugins.cm_hrnn.synthetic import synthetic_sheets


def bar(*durations):
    return [[int(i == 0), 0, d - 1, 62] for i, d in enumerate(durations)]


def test_success_bars_are_multiples_of_a_whole_bar():
    assert success_bar_ratio(np.array(bar(4, 4, 4, 4) + bar(16))) == 1
    assert success_bar_ratio(np.array(bar(4, 4, 4, 2) + bar(16))) == 0
    assert success_bar_ratio(np.array(bar(16, 16) + bar(8, 8) + bar(15) + bar(1))) == pytest.approx(2 / 3)
    assert math.isnan(success_bar_ratio(np.array(bar(16))))


def notes_at(pitches, step=4, start=0):
    return [(start + step * i, p) for i, p in enumerate(pitches)]


def test_compression_of_known_point_sets():
    quarters = [60, 62, 64, 65]
    motif = [60, 67, 63, 70, 61, 66, 72, 59]
    ratio = lambda points: cosiatec(np.array(points)).ratio  # noqa: E731
    assert ratio([(0, 60)]) == 1
    assert ratio([(0, 60), (4, 62)]) == 1
    assert ratio([p for b in range(4) for p in notes_at(quarters, start=16 * b)]) == pytest.approx(16 / 7)
    assert ratio(notes_at(motif) + notes_at(motif, start=32)) == pytest.approx(16 / 9)
    assert ratio(notes_at([60] * 16)) == 1  # its maximal patterns are only its beginnings: a known limit
    assert math.isnan(cosiatec(np.zeros((0, 2), int)).ratio)
    random = [ratio(np.stack([2 * np.arange(64), np.random.default_rng(s).integers(48, 84, 64)], 1)) for s in range(6)]
    assert min(random) > 1.25
    assert max(random) < 1.45


points = st.lists(st.tuples(st.integers(0, 24), st.integers(50, 62)), min_size=1, max_size=14, unique=True)


def brute_best(own):
    """Largest |cover| / (|P| + |T| - 1) over all maximal translatable patterns, by definition."""
    whole = set(own)
    best = 1.0
    for a, b in itertools.permutations(own, 2):
        v = (b[0] - a[0], b[1] - a[1])
        pattern = [p for p in own if (p[0] + v[0], p[1] + v[1]) in whole]
        if len(pattern) < 2:
            continue
        moves = {(q[0] - pattern[0][0], q[1] - pattern[0][1]) for q in own}
        translators = [t for t in moves if all((p[0] + t[0], p[1] + t[1]) in whole for p in pattern)]
        cover = {(p[0] + t[0], p[1] + t[1]) for p in pattern for t in translators}
        best = max(best, len(cover) / (len(pattern) + len(translators) - 1))
    return best


@given(points)
@settings(max_examples=80, deadline=None)
def test_the_first_pattern_is_the_best_by_brute_force_and_covers_partition_the_points(own):
    found = cosiatec(np.array(own))
    best = brute_best(own)
    if found.patterns:
        first = found.patterns[0]
        assert first.covered.sum() / first.cost == pytest.approx(best)
    else:
        assert best == pytest.approx(1)
    covered = sum((each.covered.astype(int) for each in found.patterns), np.zeros(len(found.points), int))
    assert covered.max(initial=0) <= 1
    assert covered.sum() + found.left_over == len(found.points)
    assert found.ratio >= 1
    for each in found.patterns:
        reached = {tuple(p + t) for p in each.points for t in each.translators}
        assert reached == {tuple(p) for p in found.points[each.covered]}
        assert (each.translators[0] == 0).all()


@given(points, st.integers(0, 30), st.integers(-20, 20))
@settings(max_examples=40, deadline=None)
def test_compression_does_not_change_when_a_melody_is_moved(own, later, higher):
    moved = [(t + later, p + higher) for t, p in own]
    assert cosiatec(np.array(own)).ratio == pytest.approx(cosiatec(np.array(moved)).ratio)


def test_long_and_short_patterns_count_occurrences_by_span():
    motif = [60, 67, 63, 70, 61, 66, 72, 59]
    found = cosiatec(np.array(notes_at(motif, 12) + notes_at(motif, 12, start=200)))
    assert found.patterns[0].span == 84
    assert found.long_and_short(64) == (2, 0)
    assert found.long_and_short(85) == (0, 2)


def test_more_points_than_can_be_done_are_refused():
    with pytest.raises(ValueError, match="at most"):
        cosiatec(np.stack([np.arange(2000), np.full(2000, 60)], 1))
    with pytest.raises(ValueError, match="Pitches"):
        cosiatec(np.array([(0, 300)]))


def distance(a, b):
    return float(np.linalg.norm(spiral_point(FIFTHS[a]) - spiral_point(FIFTHS[b])))


def test_distances_and_centres_of_the_spiral_array():
    expected = {7: 1.4697, 4: 1.6, 3: 1.8547, 2: 2.1541, 1: 2.4495, 6: 3.1241}
    for semitones, value in expected.items():
        assert distance(0, semitones) == pytest.approx(value, abs=5e-5)
    assert key_centre(0, is_minor=False) == pytest.approx([0.2078, 0.3661, 0.4472], abs=5e-5)
    assert key_centre(3, is_minor=True) == pytest.approx([-0.2783, 0.3237, 1.2498], abs=5e-5)


def chord_bars(*chords):
    return np.array([(16 * i, 16, p) for i, chord in enumerate(chords) for p in chord])


def test_tension_of_triads_in_c_major():
    found = tension(chord_bars((60, 64, 67), (65, 69, 60), (67, 71, 62, 65)), 3)
    assert found.diameter == pytest.approx([1.8547, 1.8547, 3.1241], abs=5e-5)
    assert found.strain == pytest.approx([0.3927, 0.8936, 0.6673], abs=5e-5)
    assert math.isnan(found.momentum[0])
    assert found.momentum[1] == pytest.approx(1.1274, abs=5e-5)


def test_tension_weighs_by_duration_within_the_bar_and_is_undefined_in_silence():
    held = tension(np.array([(0, 32, 60), (0, 4, 64)]), 3)
    weights = np.array([16, 4])
    places = spiral_point(FIFTHS[[0, 4]])
    centre = (weights[:, None] * places).sum(0) / 20
    assert held.strain[0] == pytest.approx(np.linalg.norm(centre - key_centre(0, is_minor=False)))
    assert held.diameter[1] == 0
    assert math.isnan(held.diameter[2])
    assert math.isnan(held.momentum[2])


def test_likeness_of_bars_exact_transposed_and_by_rhythm():
    sheet = lead_sheet(
        [(0, 8, 60), (8, 8, 64), (16, 8, 60), (24, 8, 64), (32, 8, 62), (40, 8, 66), (48, 4, 60), (52, 12, 64)], [], 64
    )
    exact, moved, rhythm = (measures.bar_similarity(sheet, kind) for kind in ("exact", "transposed", "rhythm"))
    assert exact[0, 1] == 1
    assert exact[0, 2] == 14 / 16
    assert moved[0, 2] == 1
    assert rhythm[0, 2] == 1
    assert rhythm[0, 3] == 14 / 16
    for matrix in (exact, moved, rhythm):
        assert np.array_equal(matrix, matrix.T)
        assert (np.diag(matrix) == 1).all()
    assert measures.bar_repeat_ratio(sheet) == pytest.approx(1 / 3)
    with pytest.raises(ValueError, match="exact"):
        measures.bar_similarity(sheet, "sideways")


def test_likeness_shows_the_repetition_of_generated_songs():
    song = synthetic_sheets(1, seed=5)[0]
    matrix = measures.bar_similarity(song.sheet, "rhythm")
    assert (matrix[np.arange(32), song.source_bar] == 1).all()


def test_chord_tones_count_by_duration_under_the_chord_of_the_moment():
    sheet = lead_sheet([(0, 8, 60), (8, 16, 65)], [(0, 13), (16, 33)], 32)  # F is no tone of C major, but of F major
    assert measures.chord_tone_ratio(sheet) == pytest.approx(16 / 24)
    assert math.isnan(measures.chord_tone_ratio(lead_sheet([(0, 8, 60)], [], 16)))


def test_entropy_and_intervals():
    sheet = lead_sheet([(0, 4, 60), (4, 4, 62), (8, 4, 64), (12, 4, 65)], [], 16)
    assert measures.pitch_class_entropy(sheet) == pytest.approx(2)
    assert measures.mean_interval(sheet) == pytest.approx(5 / 3)
    empty = lead_sheet([], [], 16)
    assert math.isnan(measures.pitch_class_entropy(empty))
    assert math.isnan(measures.mean_interval(empty))
    assert math.isnan(measures.measures_of(empty)["compression"])


def test_the_bootstrap_interval_is_about_that_of_the_normal_distribution():
    values = np.random.default_rng(0).normal(3, 2, 400)
    mean, low, high = measures.bootstrap_mean(values)
    assert mean == pytest.approx(values.mean())
    half = 1.96 * values.std() / 20
    assert (high - low) / 2 == pytest.approx(half, rel=0.1)
    assert math.isnan(measures.bootstrap_mean([math.nan])[0])
    assert measures.bootstrap_mean([1.0, math.nan, 1.0]) == (1.0, 1.0, 1.0)
