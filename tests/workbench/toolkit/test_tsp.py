"""Tours: exact ones against brute force, heuristics against bounds, files against what they say."""

import itertools

import networkx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.sdk import UserError
from workbench.toolkit import tsp


def sets(batch, count, seed=0):
    return np.random.default_rng(seed).random((batch, count, 2))


@pytest.mark.parametrize("count", [4, 6, 8])
def test_held_karp_and_enumeration_find_the_shortest_of_all_permutations(count):
    points = sets(6, count)
    for tours in (tsp.held_karp(points), tsp.enumerated_tours(points)):
        for own, length in zip(points, tsp.tour_lengths(points, tours), strict=True):
            away = np.linalg.norm(own[:, None] - own[None], axis=-1)
            shortest = min(
                sum(away[a, b] for a, b in zip((0, *rest), (*rest, 0), strict=True))
                for rest in itertools.permutations(range(1, count))
            )
            assert abs(length - shortest) < 1e-9


def test_there_are_half_of_n_minus_1_factorial_tours_and_2520_of_eight_cities():
    assert [len(tsp.all_tours(n)) for n in (1, 2, 3, 4, 5, 8)] == [1, 1, 1, 3, 12, 2520]


def test_a_tours_length_does_not_change_by_turning_mirroring_or_moving_it_and_grows_with_the_points():
    points, tours = sets(5, 9), np.tile(np.random.default_rng(1).permutation(9), (5, 1))
    length = tsp.tour_lengths(points, tours)
    for other in (np.roll(tours, 3, 1), tours[:, ::-1], tsp.canonical(tours)):
        assert np.allclose(tsp.tour_lengths(points, other), length, atol=1e-12)
    assert np.allclose(tsp.tour_lengths(points + 3, tours), length)
    assert np.allclose(tsp.tour_lengths(2.5 * points, tours), 2.5 * length)
    canonical = tsp.canonical(tours)
    assert (canonical[:, 0] == 0).all()
    assert (canonical[:, 1] < canonical[:, -1]).all()


@pytest.mark.parametrize("count", [3, 5, 12])
def test_the_best_tour_of_a_regular_polygon_goes_around_it(count):
    angle = np.random.default_rng(count).permutation(count) * 2 * np.pi / count
    points = np.stack([np.cos(angle), np.sin(angle)], 1)[None]
    expected = 2 * count * np.sin(np.pi / count)
    assert abs(tsp.tour_lengths(points, tsp.optimal(points))[0] - expected) < 1e-9


def test_no_heuristic_beats_the_optimum_two_opt_never_lengthens_and_christofides_keeps_its_bound():
    points = sets(60, 9)
    best = tsp.tour_lengths(points, tsp.optimal(points))
    for name, solve in tsp.SOLVERS.items():
        tours = solve(points)
        assert (np.sort(tours, 1) == np.arange(9)).all(), name
        assert (tsp.tour_lengths(points, tours) >= best - 1e-12).all(), name
    bare = np.stack([tsp.christofides(own) for own in points])
    assert (tsp.tour_lengths(points, bare) <= 1.5 * best + 1e-9).all()
    start = np.tile(np.arange(9), (60, 1))
    lengths = [tsp.tour_lengths(points, start)]
    lengths += [tsp.tour_lengths(points, own) for own in tsp.two_opt_steps(points, start)]
    assert len(lengths) > 3
    assert (np.diff(lengths, axis=0) <= 1e-12).all()


def test_nearest_neighbour_and_greedy_edges_agree_with_networkx_and_a_plain_loop():
    for own in sets(10, 11, seed=3):
        away = np.linalg.norm(own[:, None] - own[None], axis=-1)
        graph = networkx.from_numpy_array(away)
        theirs = networkx.approximation.greedy_tsp(graph, source=0)[:-1]
        ours = tsp.nearest_neighbour(own[None])[0]
        assert np.array_equal(ours, tsp.canonical(np.array(theirs)))
        kept = networkx.Graph()
        kept.add_nodes_from(range(11))
        for a, b in sorted(itertools.combinations(range(11), 2), key=lambda pair: away[pair]):
            if kept.degree[a] < 2 and kept.degree[b] < 2 and not networkx.has_path(kept, a, b):
                kept.add_edge(a, b)
        greedy = tsp.greedy_edge(own[None])[0]
        edges = {frozenset(pair) for pair in zip(greedy, np.roll(greedy, -1), strict=True)}
        assert {frozenset(pair) for pair in kept.edges} < edges


@pytest.mark.parametrize(("count", "mean"), [(5, 2.12), (10, 2.87)])
def test_mean_optimal_tours_are_as_long_as_the_paper_says(count, mean):
    points = sets(2000 if count == 5 else 1000, count)
    assert abs(tsp.tour_lengths(points, tsp.optimal(points)).mean() - mean) < 0.03


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_few_cities_are_no_trouble(count):
    points = sets(2, count)
    for solve in tsp.SOLVERS.values():
        assert solve(points).shape == (2, count)
    expected = 0 if count == 1 else 2 * np.linalg.norm(points[:, 0] - points[:, 1], axis=1)
    if count < 3:
        assert np.allclose(tsp.tour_lengths(points, tsp.optimal(points)), expected)


def test_more_cities_than_can_be_solved_exactly_are_refused():
    with pytest.raises(ValueError, match="14"):
        tsp.optimal(sets(1, 15))


def test_tsplib_and_csv_files_give_their_cities(tmp_path):
    file = tmp_path / "a.tsp"
    file.write_text("NAME: a\nEDGE_WEIGHT_TYPE : EUC_2D\nNODE_COORD_SECTION\n1 0 0\n2 3.5 4e0\nEOF\n", encoding="utf-8")
    assert np.array_equal(tsp.load_cities(file), [(0, 0), (3.5, 4)])
    file = tmp_path / "a.csv"
    file.write_text("x,y\n1,2\n\n3;4\n", encoding="utf-8")
    points = tsp.load_cities(file)
    assert np.array_equal(points, [(1, 2), (3, 4)])
    inside = tsp.into_unit_square(points)
    assert ((inside >= 0) & (inside <= 1)).all()
    assert abs(np.ptp(inside[:, 0]) - np.ptp(inside[:, 1])) < 1e-12


@pytest.mark.parametrize(
    ("name", "text", "word"),
    [
        ("a.tsp", "NAME: x\n", "NODE_COORD_SECTION"),
        ("a.tsp", "EDGE_WEIGHT_TYPE: EXPLICIT\n", "EXPLICIT"),
        ("a.tsp", "NODE_COORD_SECTION\n1 two 3\n", "two"),
        ("a.csv", "x,y\n1,nan\n", "finite"),
        ("a.csv", "x,y\n", "no cities"),
        ("a.csv", "1,2\n3\n", "line 2"),
    ],
)
def test_an_unusable_file_is_refused_with_one_sentence(tmp_path, name, text, word):
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=word) as error:
        tsp.load_cities(file)
    assert str(error.value).endswith(".")
    assert name in str(error.value)


def test_a_missing_or_binary_file_is_refused(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        tsp.load_cities(tmp_path / "none.tsp")
    (tmp_path / "b.tsp").write_bytes(bytes(range(128, 256)))
    with pytest.raises(UserError, match="not a text file"):
        tsp.load_cities(tmp_path / "b.tsp")


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 12), st.integers(0, 1000))
def test_every_solver_returns_a_tour_in_canonical_form_whatever_the_points(count, seed):
    points = np.round(sets(2, count, seed), 1)  # many ties, and doubled cities
    for name in ("optimal", "a1", "a2"):
        tours = tsp.SOLVERS[name](points)
        assert (np.sort(tours, 1) == np.arange(count)).all()
        assert (tours[:, 0] == 0).all()


@pytest.mark.parametrize("count", [1, 2, 3, 6])
def test_counter_clockwise_tours_are_the_same_tours_with_positive_area(count):
    points = np.random.default_rng(count).random((40, count, 2))
    tours = np.stack([np.random.default_rng(k).permutation(count) for k in range(40)])
    turned = tsp.counter_clockwise(points, tours)
    assert (turned[:, 0] == 0).all()
    assert np.allclose(tsp.tour_lengths(points, turned), tsp.tour_lengths(points, tours))
    assert np.array_equal(tsp.canonical(turned), tsp.canonical(tours))
    ordered = np.take_along_axis(points, turned[..., None], 1)
    x, y = ordered[..., 0], ordered[..., 1]
    assert ((x * np.roll(y, -1, 1) - y * np.roll(x, -1, 1)).sum(1) >= -1e-15).all()


@pytest.mark.parametrize("count", [4, 5, 9, 40])
def test_greedy_edges_of_one_set_are_those_of_the_batch(count):
    points = sets(12, count, seed=count)
    together = tsp.greedy_edge(points)
    for own, tour in zip(points, together, strict=True):
        assert np.array_equal(tsp.greedy_edge(own[None])[0], tour)
