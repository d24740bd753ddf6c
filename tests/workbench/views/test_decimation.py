import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from workbench.views.decimation import decimate, smoothed


def long_curve(seed, size):
    rng = np.random.default_rng(seed)
    return np.sort(rng.uniform(0, 100, size)), rng.standard_normal(size)


@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(2_000, 20_000), st.integers(10, 300))
def test_every_column_keeps_its_extremes_and_no_more_than_two_points(seed, size, columns):
    x, y = long_curve(seed, size)
    reduced_x, reduced_y = decimate(x, y, 0.0, 100.0, columns)
    if len(reduced_x) == size:
        assert size < 3 * columns
        return
    assert len(reduced_x) <= 2 * columns
    assert np.all(np.diff(reduced_x) >= 0)
    edges = np.linspace(x[0], x[-1], columns + 1)
    which = np.clip(np.searchsorted(edges, x, side="right") - 1, 0, columns - 1)
    for column in np.unique(which):
        inside = y[which == column]
        assert inside.max() in reduced_y
        assert inside.min() in reduced_y


def test_a_spike_of_one_sample_in_a_million_survives():
    y = np.zeros(1_000_000)
    y[654_321] = 7.0
    x = np.arange(len(y), dtype=float)
    assert decimate(x, y, 0, 1e6, 500)[1].max() == 7.0
    assert decimate(x, y, 0, 1e6, 500, is_log=False)[0][-1] == x[-1]


def test_a_log_axis_has_equal_columns_in_the_logarithm():
    x = np.arange(1.0, 100_001.0)
    reduced_x, _ = decimate(x, np.sin(x), 1, 1e5, 200, is_log=True)
    assert len(reduced_x) <= 400
    # Early columns hold less than a sample, so the first decades keep all of theirs.
    assert set(range(1, 20)) <= set(reduced_x.astype(int))


def test_a_gap_of_missing_values_stays_a_gap():
    x = np.arange(100_000.0)
    y = np.ones(len(x))
    y[40_000:60_000] = np.nan
    reduced_x, reduced_y = decimate(x, y, 0, len(x), 300)
    inside = (reduced_x > 40_500) & (reduced_x < 59_500)
    assert np.isnan(reduced_y[inside]).all()
    assert np.isfinite(reduced_y[(reduced_x < 39_000) | (reduced_x > 61_000)]).all()


def test_only_what_is_visible_is_kept_with_a_neighbour_on_each_side():
    x = np.arange(100.0)
    reduced_x, _ = decimate(x, x, 40.5, 50.5, 400)
    assert reduced_x.tolist() == list(range(40, 52))


def by_the_definition(y, weight):
    result, total, mass = [], 0.0, 0.0
    for value in y:
        total, mass = weight * total, weight * mass
        if np.isfinite(value):
            total, mass = total + value, mass + 1
        result.append(total / mass if np.isfinite(value) else np.nan)
    return np.array(result)


values = st.one_of(st.just(np.nan), st.floats(-1e3, 1e3))


@given(hnp.arrays(np.float64, st.integers(0, 400), elements=values), st.sampled_from([0.0, 0.3, 0.9, 0.999]))
def test_smoothing_is_the_debiased_moving_average(y, weight):
    # The sums pass 1e3 / (1 - 0.999); 1e-6 is far below what can be seen and far above rounding.
    np.testing.assert_allclose(smoothed(y, weight), by_the_definition(y, weight), atol=1e-6)


def test_smoothing_starts_at_the_first_value_and_leaves_a_constant_alone():
    assert smoothed(np.full(5000, 3.0), 0.99) == pytest.approx(3.0)
    assert smoothed(np.array([5.0, 1.0]), 0.9)[0] == 5.0


def test_a_weight_outside_its_range_is_refused():
    with pytest.raises(ValueError, match="weight"):
        smoothed(np.ones(3), 1.0)
