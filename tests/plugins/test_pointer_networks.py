"""Labels against scipy, the models against their equations, decoding against exhaustion, experiments unwatched."""

import itertools
import math

import numpy as np
import pytest
import torch
from scipy.spatial import ConvexHull, Delaunay

from plugins.pointer_networks import geometry
from plugins.pointer_networks.contract import HullParameters, TourParameters
from plugins.pointer_networks.decoding import allowed_slots, decode, longest_output
from plugins.pointer_networks.experiments.tasks import Hull, Sort, Tour, Triangulation
from plugins.pointer_networks.files import authors_text, read_authors_text
from plugins.pointer_networks.model import make_model
from plugins.pointer_networks.presets import PRESETS, preset
from plugins.pointer_networks.tasks import DelaunayTask, HullTask, SortTask, TourTask
from workbench.compute.building import build, prepared
from workbench.compute.checkpoint import read_checkpoint, restore_checkpoint, save_checkpoint
from workbench.compute.checks import assert_resuming_changes_nothing, assert_watching_changes_nothing
from workbench.sdk import InvalidParameters, Progress, UserError

RNG = np.random.default_rng
TINY = {"steps": 10, "evaluate_every": 5, "hidden": 8, "batch": 8, "test_sets": 50, "n_max": 6}
KINDS = (Hull, Triangulation, Tour, Sort)


def model(name="pointer", hidden=12, longest=8, dtype=torch.float32, reach=0.8):
    made = make_model(name, 2, hidden, 5, longest)
    made.initialise(reach, torch.Generator().manual_seed(3))
    return made.to(dtype)


# Labels


@pytest.mark.parametrize("count", [3, 5, 12, 40])
def test_hulls_are_those_of_scipy_counter_clockwise_from_the_first_input(count):
    points = RNG(count).random((60, count, 2))
    for own, slots in zip(points, geometry.convex_hulls(points), strict=True):
        theirs = ConvexHull(own).vertices
        assert geometry.chosen(slots).tolist() == (np.roll(theirs, -theirs.argmin()) + 1).tolist()
        assert abs(geometry.polygon_area(own[geometry.chosen(slots) - 1]) - ConvexHull(own).volume) < 1e-12


@pytest.mark.parametrize("count", [3, 5, 8, 11])
def test_triangulations_are_those_of_scipy_with_2n_minus_2_minus_h_triangles_in_order_of_incentres(count):
    points = RNG(count).random((40, count, 2))
    for own, slots in zip(points, geometry.delaunay(points), strict=True):
        theirs = {tuple(sorted((face + 1).tolist())) for face in Delaunay(own).simplices}
        found = geometry.triangles(slots)
        assert set(found) == theirs
        assert len(found) == 2 * count - 2 - len(ConvexHull(own).vertices)
        centres = geometry.incentres(own[np.array(found) - 1])
        assert (np.diff(centres[:, 0]) > 0).all()


def test_unordered_triangles_are_the_same_triangles():
    points = RNG(0).random((30, 6, 2))
    ordered, mixed = geometry.delaunay(points), geometry.delaunay(points, ordered=False, rng=RNG(1))
    assert all(geometry.same_triangles(a, b) for a, b in zip(ordered, mixed, strict=True))
    assert not np.array_equal(ordered, mixed)


def test_the_incentre_of_a_right_triangle_is_at_its_inradius():
    assert np.allclose(geometry.incentres(np.array([(0.0, 0.0), (4.0, 0.0), (0.0, 3.0)])), (1.0, 1.0))


@pytest.mark.parametrize(("count", "share"), [(4, 25 / 36), (5, 49 / 144)])
def test_points_are_in_convex_position_as_often_as_valtr_proved(count, share):
    points = HullTask().draw(RNG(0), 20_000, count)
    assert share == pytest.approx((math.comb(2 * count - 2, count - 1) / math.factorial(count)) ** 2)
    assert abs((geometry.convex_hulls(points) > 0).all(1).mean() - share) < 0.01


def test_degenerate_sets_have_labels_and_break_nothing():
    line = np.stack([np.linspace(0, 1, 6), np.linspace(0, 0.5, 6)], 1)
    hull = geometry.chosen(geometry.convex_hulls(line[None])[0])
    assert set(hull) == {1, 6}
    assert not len(geometry.triangles(geometry.delaunay(line[None])[0]))
    many = np.stack([np.linspace(0, 1, 12), np.full(12, 0.5)], 1)
    assert not len(geometry.triangles(geometry.delaunay(many[None])[0]))
    same = np.full((1, 4, 2), 0.3)
    assert len(geometry.chosen(geometry.convex_hulls(same)[0])) == 1
    square = np.array([(0, 0), (1, 0), (1, 1), (0, 1), (0.5, 0.5)], float)
    assert geometry.chosen(geometry.convex_hulls(square[None])[0]).tolist() == [1, 2, 3, 4]


# Metrics


def test_polygons_are_the_same_from_any_corner_and_either_way_but_not_with_others_between():
    assert geometry.same_polygon([1, 4, 2, 5, 0], [2, 4, 1, 5])
    assert geometry.same_polygon([1, 2, 3, 1, 0], [1, 2, 3])
    assert not geometry.same_polygon([1, 4, 2, 5], [1, 2, 4, 5])


def test_a_bow_tie_is_not_simple_and_areas_are_shares_of_the_hull():
    square = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], float)
    assert geometry.is_simple(square)
    assert not geometry.is_simple(square[[0, 2, 1, 3]])
    assert not geometry.is_simple(square[:2])
    assert not geometry.is_simple(square[[0, 1, 2, 1]])
    truth = np.array([1, 2, 3, 4])
    assert geometry.area_share(square, truth, truth) == 1
    assert geometry.area_share(square, np.array([1, 2, 3, 0]), truth) == 0.5
    assert math.isnan(geometry.area_share(square, np.array([1, 3, 2, 4]), truth))


@pytest.mark.parametrize("task", [HullTask(), DelaunayTask(), TourTask(), SortTask()])
def test_the_right_output_is_judged_right_valid_and_whole(task):
    points = task.draw(RNG(2), 20, 7)
    truth = task.label(points)
    scores = task.judge(points, truth, truth)
    assert scores.is_right.all()
    assert scores.is_valid.all()
    if task.name != "tour":
        assert np.allclose(scores.quality, 1)
    wrong = task.judge(points, np.zeros_like(truth), truth)
    assert not wrong.is_right.any()


# Models


def test_the_pointers_scores_are_v_tanh_of_w1_e_plus_w2_d_and_the_gradient_is_right():
    own = model(dtype=torch.float64, hidden=4)
    points = torch.rand(2, 3, 2, dtype=torch.float64)
    memory = own.encode(points)
    states, (h, c) = own.encoder(own.embed(points))
    d, _ = own.decoder(own.embed(own.go.expand(2, 1, -1)), (h, c))
    expected = torch.stack([torch.tanh(own.W_1(e) + own.W_2(d[:, 0])) @ own.v
                            for e in (own.e_0.expand(2, -1), *states.unbind(1))], 1)  # fmt: skip
    assert torch.allclose(own.step(memory, None)[0], expected, atol=1e-12)
    targets = torch.tensor([[1, 2, 0], [3, 1, 0]])
    points.requires_grad_()
    assert torch.autograd.gradcheck(lambda p: own.forced(own.encode(p), targets).tanh(), points)


@pytest.mark.parametrize("name", ["pointer", "attention", "lstm"])
def test_stepwise_and_teacher_forced_scores_agree_and_padding_changes_nothing(name):
    own = model(name)
    points = torch.rand(3, 6, 2)
    lengths = torch.tensor([6, 4, 3])
    targets = torch.tensor([[2, 1, 3, 0]]).expand(3, -1)
    memory = own.encode(points, lengths)
    forced = own.forced(memory, targets)
    for place in range(4):
        scores, memory = own.step(memory, targets[:, place - 1] if place else None)
        assert torch.allclose(scores, forced[:, place], atol=1e-6)
    assert torch.allclose(forced.softmax(-1).sum(-1), torch.ones(3, 4))
    for row, count in enumerate(lengths.tolist()):
        alone = own.forced(own.encode(points[row : row + 1, :count]), targets[:1])
        assert torch.allclose(alone[0], forced[row, :, : count + 1], atol=1e-6)
        assert (forced[row].softmax(-1)[:, count + 1 :] == 0).all()


def test_the_pointer_network_takes_any_number_of_points_and_the_dictionaries_end():
    points = torch.rand(2, 31, 2)
    assert model().step(model().encode(points), None)[0].shape == (2, 32)
    for name in ("lstm", "attention"):
        with pytest.raises(ValueError, match="ends at 8"):
            model(name).encode(points)


# Decoding


@torch.no_grad()
def likelihood(own, points, slots):
    targets = torch.tensor([slots])
    logs = own.forced(own.encode(points), targets).log_softmax(-1)
    return float(logs.gather(-1, targets[..., None]).sum())


@pytest.mark.parametrize("name", ["pointer", "attention", "lstm"])
def test_a_wide_beam_finds_the_likeliest_of_all_tours_and_its_log_probability(name):
    own, points = model(name, longest=4), torch.rand(1, 4, 2)
    found = decode(own, points, rule="permutation", longest=5, beam=64)
    tours = [[*order, 0] for order in itertools.permutations(range(1, 5))]
    values = [likelihood(own, points, tour) for tour in tours]
    assert found.slots[0].tolist() == tours[int(np.argmax(values))]
    assert abs(float(found.log_probability[0]) - max(values)) < 1e-5


def test_a_beam_of_one_takes_the_likeliest_slot_at_every_step():
    own, points = model(), torch.rand(5, 6, 2)
    found = decode(own, points, rule="free", longest=7)
    for row in range(5):
        before = [0] * 7
        for place, slot in enumerate(found.slots[row].tolist()):
            targets = torch.tensor([before])
            assert slot == int(own.forced(own.encode(points[row : row + 1]), targets)[0, place].argmax())
            before[place] = slot
            if slot == 0:
                break


@pytest.mark.parametrize("beam", [1, 4])
def test_masked_decoding_always_gives_outputs_of_the_right_form(beam):
    own, points = model(), torch.rand(40, 7, 2)
    for task in (TourTask(), HullTask(), DelaunayTask()):
        longest = longest_output(task.rule, 7)
        slots = decode(own, points, rule=task.rule, longest=longest, beam=beam).slots.numpy()
        if task.name == "tour":
            assert geometry.is_permutation(slots, 7).all()
        for row in slots:
            used = geometry.chosen(row)
            if task.name == "hull":
                assert len(set(used)) == len(used) >= 3
            if task.name == "delaunay":
                assert all(a < b < c for a, b, c in used[: len(used) // 3 * 3].reshape(-1, 3))


def test_triangle_rule_leaves_room_for_the_rest_of_a_triple():
    allowed = allowed_slots("triangles", torch.tensor([[2]]), 5)[0].tolist()
    assert allowed == [False, False, False, True, True, False]
    assert not allowed_slots("triangles", torch.zeros(1, 0, dtype=torch.int64), 5)[0, 0]


# Experiments


@pytest.mark.parametrize("kind", KINDS)
def test_watching_and_resuming_change_nothing(kind, tmp_path):
    values = TINY | {"models": ("pointer", "attention", "lstm"), "test_max": 8}
    actions = {"answer": {"points": RNG(0).random((9, 2))}, "worst_order": {"points": RNG(1).random((5, 2))}}
    assert_watching_changes_nothing(kind, values, actions=actions)
    assert_resuming_changes_nothing(kind, values, tmp_path)


def test_christofides_labels_come_from_a_pool_that_does_not_depend_on_the_seed(tmp_path, monkeypatch):
    monkeypatch.setattr("plugins.pointer_networks.experiments.tasks.POOL", 40)
    assert_resuming_changes_nothing(Tour, TINY | {"solver": "a3", "n_min": 6}, tmp_path)


def test_sorting_is_learned_and_known_beyond_chance():
    run = prepared(build(Sort, {"steps": 500, "evaluate_every": 500, "n_min": 3, "n_max": 3, "test_max": 5}))
    said = [metrics for metrics in run.run() if not isinstance(metrics, Progress)]
    assert len(said) == 500
    assert run.look.accuracy[0, 0] > 0.6


def test_a_run_writes_its_test_and_sets_in_the_authors_format(tmp_path):
    run = prepared(build(Hull, TINY))
    for _ in run.run():
        pass
    run.save_artefacts(tmp_path)
    line = (tmp_path / "test_sets.txt").read_text(encoding="utf-8").splitlines()[0]
    coordinates, _, answer = line.partition(" output ")
    points = np.array(coordinates.split(), float).reshape(-1, 2)
    slots = [int(word) for word in answer.split()]
    assert slots[0] == slots[-1]
    assert set(slots) == set((ConvexHull(points).vertices + 1).tolist())
    assert len((tmp_path / "test_over_sizes.csv").read_text(encoding="utf-8").splitlines()) > 3
    assert authors_text(np.zeros((1, 1, 2)), np.array([[1]]), "sort") == "0 0 output 1\n"


def test_bad_points_forced_choices_and_parameters_are_refused_with_a_sentence(tmp_path):
    run = prepared(build(Tour, TINY))
    for points in (np.zeros((0, 2)), np.zeros((61, 2)), np.zeros((3, 3)), np.full((3, 2), np.nan)):
        with pytest.raises(UserError, match="oints"):
            run.answer(points)
    with pytest.raises(UserError, match="forced"):
        run.answer(RNG(0).random((4, 2)), prefix=(7,), prefix_of="pointer")
    with pytest.raises(UserError, match="LSTM"):
        list(run.worst_order(RNG(0).random((4, 2)), model="lstm"))
    file = tmp_path / "many.csv"
    file.write_text("\n".join(f"{k},{k * k}" for k in range(70)), encoding="utf-8")
    with pytest.raises(UserError, match="60"):
        run.load(str(file))
    with pytest.raises(InvalidParameters, match="must not be above"):
        HullParameters.checked({"n_min": 9, "n_max": 5})
    with pytest.raises(InvalidParameters, match="optimal"):
        TourParameters.checked({"n_max": 12, "test_max": 12})


@pytest.mark.parametrize("kind", KINDS)
def test_one_two_and_sixty_points_are_answered(kind):
    run = prepared(build(kind, TINY))
    for count in (1, 2, 60):
        answer = run.answer(RNG(count).random((count, 2)))
        assert len(answer.answers["pointer"].probabilities)


@pytest.mark.parametrize("name", PRESETS)
def test_presets_stay_in_the_square_and_jitter_moves_them(name):
    points = preset(name, 17, 0.0, 0)
    assert points.shape == (17, 2)
    assert ((points >= 0) & (points <= 1)).all()
    assert not np.array_equal(points, preset(name, 17, 0.05, 0))


# Files in the authors' format


@pytest.mark.parametrize("kind", [HullTask(), DelaunayTask(), TourTask(), SortTask()])
def test_the_authors_text_comes_back_as_it_was(kind, tmp_path):
    file = tmp_path / "sets.txt"
    parts = []
    for size in (5, 7):
        points = kind.draw(RNG(size), 6, size)
        parts.append((points, kind.label(points)))
    file.write_text("".join(authors_text(points, truth, kind.name) for points, truth in parts))
    found = read_authors_text(file, kind.name)
    assert list(found) == [5, 7]
    for points, truth in parts:
        own = found[points.shape[1]]
        assert np.array_equal(own.points, points)
        assert all(
            np.array_equal(geometry.chosen(a), geometry.chosen(b)) for a, b in zip(own.slots, truth, strict=True)
        )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "no point sets"),
        ("0 0 1 1 0 1 1 2 3 1", "line 1: the word"),
        ("0 0 1 1 0 1 output 1 2 3 1\n0 0 1 output 1", "line 2: 3 coordinates"),
        ("0 0 1 1 0 one output 1 2 3", "are numbers"),
        ("0 0 1 1 0 inf output 1 2 3", "finite"),
        ("0 0 1 1 0 1 output 1 2 4 1", "indices from 1 to 3"),
        ("0 0 1 1 0 1 output 1 2 2 1", "each of the 3 points once"),
    ],
)
def test_broken_files_are_refused_with_the_line(tmp_path, text, sentence):
    file = tmp_path / "broken.txt"
    file.write_text(text)
    with pytest.raises(UserError, match=r"broken\.txt") as refused:
        read_authors_text(file, "tour")
    assert sentence in str(refused.value)
    with pytest.raises(UserError, match="cannot be read"):
        read_authors_text(tmp_path / "nowhere.txt", "tour")
    (tmp_path / "bytes.txt").write_bytes(b"\xff\xfe\x00 output 1")
    with pytest.raises(UserError, match="not a text file"):
        read_authors_text(tmp_path / "bytes.txt", "tour")


def test_test_sets_of_a_file_take_the_place_of_drawn_ones(tmp_path):
    points = RNG(3).random((30, 6, 2))
    file = tmp_path / "tests.txt"
    file.write_text(authors_text(points, HullTask().label(points), "hull"))
    run = prepared(build(Hull, TINY | {"test_file": str(file), "models": ("pointer",)}))
    assert np.array_equal(run._tests[6][0], points)
    assert run._tests[5][0].shape[0] >= 12
    assert 6 in run.frame().sizes
    cities = prepared(build(Tour, TINY)).load(str(_tour_file(tmp_path)))
    assert cities.shape == (5, 2)


def _tour_file(folder):
    points = RNG(4).random((2, 5, 2))
    file = folder / "tours.txt"
    file.write_text(authors_text(points, TourTask().label(points), "tour"))
    return file


@pytest.mark.parametrize("direction", ["ccw", "index"])
def test_tours_are_taught_in_the_direction_asked_for(direction):
    points = RNG(0).random((50, 6, 2))
    tours = TourTask("optimal", direction).training_label(points, RNG(1)) - 1
    ordered = np.take_along_axis(points, tours[..., None], 1)
    signed = geometry.cross(ordered, np.roll(ordered, -1, 1)).sum(1)
    assert (tours[:, 0] == 0).all()
    assert (signed > 0).all() if direction == "ccw" else (tours[:, 1] < tours[:, -1]).all()


def test_candidates_carry_the_log_probability_of_every_step():
    run = prepared(build(Tour, TINY))
    points = RNG(5).random((5, 2))
    found = run.candidates(points, width=4)
    assert len(found) == 4
    for slots, logs in found:
        expected = likelihood(run.networks["pointer"], run.tensor(points[None]), slots.tolist())
        assert float(logs.sum()) == pytest.approx(expected, abs=1e-4)
    assert run.candidates(points, model="lstm") == ()


def test_a_resumed_run_still_knows_its_last_look_at_the_test_sets(tmp_path):
    run = prepared(build(Sort, TINY))
    list(run.run())
    save_checkpoint(tmp_path / "c.pt", run, 0.0)
    other = prepared(build(Sort, TINY, seed=1))
    restore_checkpoint(other, read_checkpoint(tmp_path / "c.pt"))
    assert other.look.step == TINY["steps"]
    assert np.array_equal(other.frame().accuracy, run.frame().accuracy)


@pytest.mark.parametrize("kind", KINDS)
def test_presets_that_a_laptop_can_take_are_built(kind):
    for own in kind.parameters_type.presets:
        assert build(kind, own.values).parameters.steps > 0
