"""What a sweep runs: grids, draws and seeds, refused before anything starts where something is wrong."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.sdk import InvalidParameters, UserError
from workbench.sweeps import Axis, SweepSpec, SweepStore, points_of
from workbench.sweeps.point import merged
from workbench.sweeps.spec import split_values
from workbench.sweeps.store import Cluster


def spec_of(*axes, **changes):
    return SweepSpec(plugin="tiny", experiment="fit", axes=axes, **changes)


@pytest.fixture
def parameters(tiny):
    return tiny.parameters_type("fit")


def test_a_grid_is_every_combination_with_every_seed(parameters):
    spec = spec_of(Axis.parse("learning_rate=0.1,0.2", "grid"), Axis.parse("steps=5,6,7", "grid"), seeds=(0, 4))
    points = points_of(spec, parameters)
    assert len(points) == spec.count == 12
    assert {(p.varied["learning_rate"], p.varied["steps"], p.seed) for p in points} == {
        (rate, steps, seed) for rate in (0.1, 0.2) for steps in (5, 6, 7) for seed in (0, 4)
    }
    assert [point.index for point in points] == list(range(12))


def test_draws_lie_in_their_range_repeat_for_the_same_spec_and_meet_every_grid_value(parameters):
    spec = spec_of(
        Axis.parse("learning_rate=1e-4:1", "log"), Axis.parse("noise=0:0.5", "uniform"),
        Axis.parse("slope=1,2", "grid"), samples=200,
    )  # fmt: skip
    points = points_of(spec, parameters)
    assert points == points_of(spec, parameters)
    assert len(points) == spec.count == 400
    rates = [point.varied["learning_rate"] for point in points]
    assert all(1e-4 <= rate <= 1 for rate in rates)
    assert sum(rate < 1e-2 for rate in rates) == pytest.approx(200, abs=60), "half of a log range is below its middle"
    assert all(0 <= point.varied["noise"] <= 0.5 for point in points)
    assert len({(p.varied["learning_rate"], p.varied["noise"]) for p in points}) == 200
    other = points_of(spec.model_copy(update={"draw_seed": 1}), parameters)
    assert other[0].varied != points[0].varied


def test_whole_numbers_are_drawn_whole(parameters):
    points = points_of(spec_of(Axis.parse("steps=1:1e4", "log"), samples=50), parameters)
    assert all(isinstance(point.varied["steps"], int) and 1 <= point.varied["steps"] <= 10_000 for point in points)


def test_choices_of_several_are_written_in_brackets(parameters):
    assert split_values("a,[a,b],c") == ["a", "a,b", "c"]
    points = points_of(spec_of(Axis.parse("methods=a,[a,b]", "grid")), parameters)
    assert [point.varied["methods"] for point in points] == [["a"], ["a", "b"]]


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("learning_rate", "grid", "--grid takes NAME=V1,V2"),
        ("learning_rate=", "grid", "--grid takes"),
        ("learning_rate=1", "log", "LOW:HIGH"),
        ("learning_rate=a:b", "uniform", "LOW:HIGH"),
        ("learning_rate=2:1", "uniform", "not a range from low to high"),
        ("learning_rate=0:1", "log", "begins above 0"),
        ("learning_rate=0:inf", "uniform", "not a range"),
    ],
)
def test_an_axis_that_makes_no_sense_is_refused_with_what_is_expected(text, kind, words):
    with pytest.raises(UserError, match=words):
        Axis.parse(text, kind)


def test_values_are_refused_as_the_form_refuses_them(parameters):
    with pytest.raises(InvalidParameters, match=r"learning rate = 50.*allowed"):
        points_of(spec_of(Axis.parse("learning_rate=0.1,50", "grid")), parameters)
    with pytest.raises(InvalidParameters, match="no such parameter"):
        points_of(spec_of(Axis.parse("width=1,2", "grid")), parameters)
    with pytest.raises(InvalidParameters, match="only numbers can be drawn"):
        points_of(spec_of(Axis.parse("fault=0:1", "uniform")), parameters)
    with pytest.raises(UserError, match="two axes"):
        points_of(spec_of(Axis.parse("steps=1,2", "grid"), Axis.parse("steps=1:9", "log")), parameters)
    with pytest.raises(UserError, match="the most are"):
        points_of(spec_of(Axis.parse("steps=1:9", "log"), samples=100_000, seeds=(0, 1)), parameters)


@given(st.lists(st.sampled_from(["running", "done", "failed"]), max_size=8))
def test_a_record_of_points_cut_anywhere_still_tells_the_whole_lines(states):
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        sweep = SweepStore(Path(folder)).create(spec_of(Axis(name="slope", values=(1,))), Cluster())
        for state in states:
            sweep.note(0, state=state, run="r")
        whole = sweep.points()
        file = sweep.path / "points.jsonl"
        if states:
            file.write_text(file.read_text() + '{"index": 0, "sta')
        assert sweep.points() == whole
        assert sum(sweep.counts().values()) == 1
        assert (whole[0].attempts if states else 0) == states.count("running")


def test_blocks_are_joined_in_order():
    import numpy as np

    from workbench.sdk import MetricsBlock

    first = MetricsBlock({"loss": (np.array([1, 2]), np.array([0.5, 0.4]))})
    second = MetricsBlock({"loss": (np.array([3]), np.array([0.3])), "other": (np.array([3]), np.array([9.0]))})
    joined = merged([first, second])
    assert joined.series["loss"][0].tolist() == [1, 2, 3]
    assert joined.series["other"][1].tolist() == [9.0]
    assert merged([]) is None
    assert math.isfinite(joined.series["loss"][1].sum())
