"""Every experiment: watching and resuming change nothing, actions do what they say, unusable requests are refused."""

import gzip
import struct

import numpy as np
import pytest
import torch

from plugins.dense_hebbian.contract import IMAGE_ORDERS, ProbeState, Recalled, RetrieveFrame
from plugins.dense_hebbian.experiments.common import batches, checked_patterns
from plugins.dense_hebbian.experiments.detection import Detection
from plugins.dense_hebbian.experiments.images import Images
from plugins.dense_hebbian.experiments.learning import LearningCurve
from plugins.dense_hebbian.experiments.phase import PhaseDiagram
from plugins.dense_hebbian.experiments.retrieve import Retrieve
from plugins.dense_hebbian.experiments.teacher import Teacher
from plugins.dense_hebbian.theory import critical_load, solve
from workbench.compute.building import build, prepared
from workbench.compute.checks import assert_resuming_changes_nothing, assert_watching_changes_nothing
from workbench.sdk import Progress, UserError

TINY = {
    Retrieve: {"steps": 12, "side": 6, "gamma": 0.05, "pause": 0.0, "parts": 4, "letters": "HT", "temperature": 0.3},
    LearningCurve: {"neurons": 20, "points": 4, "seeds": 2, "most_examples": 20, "temperature": 0.2},
    PhaseDiagram: {"resolution": 8, "entropies": ("0.2",), "neurons": 20, "replicas": 2, "sweeps": 4},
    Detection: {"neurons": 12, "points": 3, "seeds": 2, "sizes": ("16", "20"), "sweeps": 4},
    Images: {"tests": 4, "order": 4, "examples": 5},
    Teacher: {"neurons": 16, "points": 3, "seeds": 2, "most_examples": 16},
}
ACTIONS = {
    Retrieve: {"basin": {"first": 0, "second": 1, "points": 4}},
    LearningCurve: {"theory": {"quality": 0.5}},
    PhaseDiagram: {"melt": {"gamma": 0.05, "temperature": 0.3, "rho": 0.1, "sweeps": 1}},
    Detection: {"look": {"omega": 3.0}},
    Images: {"example": {"label": 3, "flips": 0.2, "start": "image"}},
    Teacher: {},
}
EVERY = pytest.mark.parametrize("kind", TINY)


def made(kind, **values):
    return prepared(build(kind, TINY[kind] | values))


def finished(answer):
    """Every partial answer but Progress, and what is returned."""
    partial = []
    while True:
        try:
            said = next(answer)
        except StopIteration as end:
            return partial, end.value
        if not isinstance(said, Progress):
            partial.append(said)


def ran(experiment):
    return [said for said in experiment.run() if not isinstance(said, Progress)]


@EVERY
def test_watching_changes_nothing(kind):
    assert_watching_changes_nothing(kind, TINY[kind], actions=ACTIONS[kind])


@EVERY
def test_a_resumed_run_goes_on_as_if_never_stopped(kind, tmp_path):
    assert_resuming_changes_nothing(kind, TINY[kind], tmp_path)


@EVERY
def test_a_run_ends_after_its_steps_with_frames_all_along_and_artefacts(kind, tmp_path):
    experiment = made(kind)
    assert experiment.frame() is not None
    assert len(ran(experiment)) == experiment.total_steps == experiment.step
    assert experiment.frame() is not None
    experiment.save_artefacts(tmp_path)
    assert all(file.stat().st_size > 20 for file in tmp_path.iterdir())
    assert list(tmp_path.iterdir())


# Retrieve


def test_a_spoilt_letter_is_put_right_its_energy_falls_and_plefka_does_the_same():
    for dynamics in ("glauber", "zero", "plefka1", "plefka2"):
        experiment = made(Retrieve, side=12, gamma=0.01, dynamics=dynamics, steps=16, temperature=0.05)
        ran(experiment)
        frame = experiment.frame()
        assert frame.trace[0, 2] == pytest.approx(0.5, abs=0.01)
        assert frame.trace[-1, 2] > 0.97, dynamics
        assert frame.trace[-1, 1] < frame.trace[0, 1]
        assert frame.theory[0] > 0.95


def test_painting_noise_starting_and_storing_change_the_state_and_nothing_else_is_accepted():
    experiment = made(Retrieve)
    experiment.paint([0, 7], [1.0, -1.0])
    assert (experiment.spins[..., 0] == 1).all()
    assert (experiment.spins[..., 7] == -1).all()
    before = experiment.spins.clone()
    turned = experiment.disturb(list(range(36)), share=1.0)
    assert turned == 36 * 4
    assert torch.equal(experiment.spins, -before)
    experiment.start_from(1, flips=0.0)
    assert np.array_equal(experiment.frame().spins[0], experiment.frame().archetype)
    assert len(experiment.trace) == 1
    drawing = np.where(np.eye(6) > 0, 1.0, -1.0).ravel()
    assert experiment.store(drawing) == "drawing 3"
    frame = experiment.frame()
    assert frame.target == 2
    assert np.array_equal(frame.archetype, drawing)
    experiment.begin_with(-drawing)
    assert experiment.frame().trace[-1, 2] == pytest.approx(-1.0)
    for wrong in (lambda: experiment.paint([36], [1.0]), lambda: experiment.start_from(10**6),
                  lambda: experiment.begin_with(np.ones(5)), lambda: experiment.store(np.ones(7))):  # fmt: skip
        with pytest.raises(UserError):
            wrong()


def test_relaxing_without_train_shows_frames_and_a_stored_drawing_becomes_a_memory():
    experiment = made(Retrieve, side=12, gamma=0.005, quality=0.6, temperature=0.02)
    drawing = np.where(np.arange(144) % 5 < 2, 1.0, -1.0)
    experiment.store(drawing)
    spoilt = drawing.copy()
    spoilt[::6] *= -1
    experiment.begin_with(spoilt)
    partial, last = finished(experiment.relax(3))
    assert len(partial) == 12
    assert isinstance(last, RetrieveFrame)
    assert last.trace[-1, 2] > 0.97
    assert experiment.step == 0


def test_basins_hold_both_patterns_at_their_ends_and_shrink_with_the_load():
    experiment = made(Retrieve, side=12, gamma=0.02)
    partial, (labels, overlaps) = finished(experiment.basin(3, 4, points=6, patterns=20, entropy=0.0))
    assert len(partial) == 6
    assert np.isnan(partial[0][0][1:]).all()
    assert labels[0, 0] == 1
    assert labels[0, -1] == 2
    assert overlaps[0, 0] == 1
    _, (again, _) = finished(experiment.basin(3, 4, points=6, patterns=20, entropy=0.0))
    assert np.array_equal(labels, again)
    _, (crowded, _) = finished(experiment.basin(3, 4, points=6, order=2, patterns=200, entropy=0.3))
    assert np.isin(labels, (1, 2)).sum() > np.isin(crowded, (1, 2)).sum()
    experiment.begin_between(3, 4, 0.0, 0.0)
    assert experiment.frame().trace[-1, 2] == pytest.approx(1.0)
    with pytest.raises(UserError, match="two different patterns"):
        finished(experiment.basin(1, 1))
    with pytest.raises(UserError, match="two different patterns"):
        finished(experiment.basin(0, 30, patterns=20))


def test_a_basin_has_a_radius_for_pairs_and_for_four_body_couplings():
    reach = {}
    for order, gamma in ((2, 0.06), (4, 0.0)):
        experiment = made(Retrieve, side=10, order=order, gamma=gamma, letters="", quality=1.0)
        partial, (flips, recalled) = finished(experiment.radius(0))
        assert len(partial) == len(flips) == 11
        assert recalled[0] == 1
        assert recalled[-1] <= 0.7  # half of the spins turned is no nearer to the pattern than to its negative
        reach[order] = float(flips[recalled >= 0.5].max())
    assert reach[4] >= 0.3
    assert reach[2] >= 0.1
    with pytest.raises(UserError, match="no pattern"):
        finished(experiment.radius(10**6))


# Learning, phases, detection


def test_the_learning_curve_rises_and_its_theory_can_be_asked_at_another_quality():
    experiment = made(LearningCurve, neurons=60, gamma=0.02, most_examples=160, points=3, seeds=3, temperature=0.0)
    found = ran(experiment)
    assert found[-1]["m"] > 0.97 > found[0]["m"]
    frame = experiment.frame()
    assert frame.patterns.shape == (4, 60)
    assert np.array_equal(np.sign(frame.patterns[0]), frame.patterns[0])
    r, examples, m, n = experiment.theory(0.6)
    assert r == 0.6
    rho = (1 - 0.36) / (examples[20] * 0.36)
    assert m[20] == pytest.approx(float(solve(0.0, 0.02, rho, 4).m), abs=1e-5)
    assert (n <= m + 1e-9).all()
    with pytest.raises(UserError, match="above 0"):
        experiment.theory(0.0)


def test_the_map_has_the_phases_of_the_theory_and_probes_measure_them():
    experiment = made(PhaseDiagram, neurons=40, replicas=3, sweeps=8, entropies=("0", "0.2"))
    ran(experiment)
    frame = experiment.frame()
    assert not np.isnan(frame.phase).any()
    assert frame.phase[0, 0] == 3  # cold and unloaded: stable retrieval
    assert frame.phase[-1, 0] == 0  # hot: ergodic
    assert frame.phase[0, -1] == 1  # cold and overloaded: glass
    load, noise = frame.boundaries["0"]
    assert load[0] == pytest.approx(float(critical_load(0.0, 4)), abs=2e-3)
    assert noise[0] == 0
    assert frame.boundaries["0.2"][0].max() < load.max()
    partial, last = finished(experiment.probe(0.05, 0.1))
    assert all(isinstance(said, ProbeState) for said in [*partial, last])
    _, hot = finished(experiment.probe(0.05, 1.5, 0.2))
    probes = experiment.frame().probes
    assert probes[0, 3] == pytest.approx(1, abs=0.03)
    assert probes[0, 5] == pytest.approx(1, abs=0.01)
    assert probes[1, 3] < 0.5
    assert probes[1, 2] == 0.2
    assert last.aligned.mean() > 0.9 > abs(hot.aligned.mean())
    experiment.set_probes(np.zeros((0, 7)))
    assert len(experiment.frame().probes) == 0
    rho, own, _ = finished(experiment.boundary(0.2))[1]
    assert rho == 0.2
    assert own[0] == pytest.approx(0.197, abs=0.01)
    for wrong in (lambda: finished(experiment.probe(-0.1, 0.1)), lambda: finished(experiment.boundary(-1.0)),
                  lambda: experiment.set_probes(np.zeros((2, 3)))):  # fmt: skip
        with pytest.raises(UserError):
            wrong()


def test_pairs_are_disordered_above_unit_noise_and_their_glass_lies_beside_retrieval():
    experiment = made(PhaseDiagram, order=2, entropies=("0",), resolution=12, most_gamma=0.2, most_temperature=1.4)
    ran(experiment)
    frame = experiment.frame()
    load, noise = frame.boundaries["0"]
    assert load[0] == pytest.approx(0.138, abs=2e-3)
    assert noise.max() < 1.0 + 1.4 / 39  # without load retrieval ends at T' = 1, as a ferromagnet
    assert noise.max() > 0.85
    assert set(np.unique(frame.phase)) <= {0.0, 1.0, 4.0}
    assert frame.phase[0, 0] == 4
    assert frame.phase[0, -1] == 1  # Amit, Gutfreund and Sompolinsky: glass at low noise and high load
    assert frame.phase[-1, 0] == 0


@EVERY
def test_every_preset_can_be_built_and_shows_a_frame(kind):
    for preset in kind.parameters_type.presets:
        if "paper" not in preset.name:
            assert prepared(build(kind, preset.values)).frame() is not None, preset.name


def test_p_4_keeps_a_pattern_in_noise_in_which_p_2_loses_it():
    experiment = made(Detection, neurons=24, seeds=6)
    _, found = finished(experiment.look(12.0))
    assert abs(found[4].mean()) == 1.0
    assert abs(found[2].mean()) < 0.9
    ran(experiment)
    frame = experiment.frame()
    assert frame.values["theory slope/P = 4"] == 1.5
    assert frame.extra["P = 4"][1][0] > 2 * frame.extra["P = 2"][1][0]
    with pytest.raises(UserError, match="not negative"):
        finished(experiment.look(-1.0))


def test_a_teacher_saves_examples_where_they_are_poor():
    experiment = made(Teacher, neurons=30, points=2, seeds=4, most_examples=400, gamma=0.02)
    ran(experiment)
    poorest = {name: rows[-1][1] for name, rows in experiment.needed.items()}
    assert poorest["no teacher"] > 3 * poorest["teacher"]
    assert experiment.needed["teacher"][0][1] == 1


# Images


def test_a_high_order_tells_the_digits_apart_and_pairs_do_not():
    right = {order: made(Images, order=order, tests=6, examples=20) for order in (2, 12)}
    for experiment in right.values():
        ran(experiment)
    assert right[12].frame().accuracy > 0.5
    assert right[2].frame().accuracy <= 0.2
    partial, (orders, shares) = finished(right[12].compare_orders(tests=2))
    assert tuple(orders) == IMAGE_ORDERS
    assert len(partial) == len(IMAGE_ORDERS)
    assert shares[-1] > shares[0]


def test_a_drawing_is_recalled_with_falling_energy():
    experiment = made(Images, order=12, examples=20)
    drawing = experiment.example(6, 0.1)
    partial, last = finished(experiment.recall(drawing))
    assert all(isinstance(said, Recalled) for said in partial)
    assert (np.diff(last.energies) <= 1e-12).all()
    assert last.overlaps.argmax() == 6
    for wrong in (lambda: finished(experiment.recall(np.ones((3, 3)))), lambda: experiment.example(10, 0.1)):
        with pytest.raises(UserError):
            wrong()


def test_idx_files_are_images_too_and_what_cannot_be_used_is_refused(tmp_path):
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), 8).astype(np.uint8)
    images = (rng.random((3, 6, 6)) > 0.5)[labels] * np.uint8(255)
    for name, values in (("own-images-idx3-ubyte.gz", images), ("own-labels-idx1-ubyte.gz", labels)):
        head = struct.pack(">BBBB", 0, 0, 8, values.ndim) + struct.pack(f">{values.ndim}I", *values.shape)
        (tmp_path / name).write_bytes(gzip.compress(head + values.tobytes()))
    file = str(tmp_path / "own-images-idx3-ubyte.gz")
    experiment = made(Images, data="idx", images=file, order=4)
    ran(experiment)
    assert experiment.frame().means.shape == (3, 6, 6)
    assert experiment.frame().accuracy > 0.9
    for values, sentence in (({"images": ""}, "Choose"), ({"images": file, "examples": 8}, "no more than 8")):
        with pytest.raises(UserError, match=sentence):
            made(Images, data="idx", **values)


# Sizes


def test_loads_that_need_more_memory_than_a_laptop_has_are_refused_with_the_number():
    assert checked_patterns(0.2, 60, 4, 1) == 3600
    with pytest.raises(UserError, match=r"K = 5,333,333 patterns .* lower N"):
        checked_patterns(1.0, 400, 4, 1, 4)
    with pytest.raises(UserError, match="no 12 indices"):
        checked_patterns(0.1, 10, 12, 1)
    assert sum(batches(7, 1000, 60, 4)) == 7
    assert batches(3, 10**6, 100, 4) == [1, 1, 1]
