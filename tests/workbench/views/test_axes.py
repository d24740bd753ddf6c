import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPointF, QRectF

from workbench.views.axis import Axis, Frame2D
from workbench.views.ticks import format_number, linear_ticks, log_ticks, padded

finite = st.floats(-1e9, 1e9, allow_nan=False)
positive = st.floats(1e-9, 1e9)


def number(label):
    """Read what a label says."""
    digits = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻−", "0123456789--")
    text = label
    if "10" in text and any(mark in text for mark in "⁰¹²³⁴⁵⁶⁷⁸⁹"):
        mantissa, _, power = text.rpartition("10")
        return float(mantissa.replace("·", "").translate(digits) or 1) * 10.0 ** int(power.translate(digits))
    return float(text.translate(digits))


@given(finite, st.floats(1e-6, 1e9), st.integers(2, 12))
def test_linear_ticks_lie_inside_evenly_and_say_where_they_are(low, span, count):
    if span < 1e-4 * abs(low):
        return
    ticks = linear_ticks(low, low + span, count)
    positions = [position for position, _ in ticks.major]
    assert 1 <= len(positions) <= count + 1
    assert low - 1e-6 * span <= positions[0]
    assert positions[-1] <= low + span * (1 + 1e-6)
    assert np.allclose(np.diff(positions), np.diff(positions)[:1] if len(positions) > 1 else [], rtol=1e-6)
    step = positions[1] - positions[0] if len(positions) > 1 else span
    for position, label in ticks.major:
        assert number(label) * 10.0**ticks.exponent == pytest.approx(position, abs=0.01 * step)


@given(positive, st.floats(0.8, 12), st.integers(2, 10))
def test_log_ticks_say_where_they_are(low, decades, count):
    ticks = log_ticks(low, low * 10**decades, count)
    for position, label in ticks.major:
        assert low * 0.999 <= position <= low * 10**decades * 1.001
        assert number(label) * 10.0**ticks.exponent == pytest.approx(position, rel=0.01)
    assert all(low <= position <= low * 10**decades for position in ticks.minor)


@pytest.mark.parametrize(("low", "high"), [(0, 0), (1, 0), (math.nan, 1), (0, math.inf)])
def test_ranges_that_cannot_be_shown_have_no_ticks(low, high):
    assert linear_ticks(low, high, 5).major == ()
    assert log_ticks(low, high, 5).major == ()


@given(st.one_of(st.floats(-1e12, 1e12), st.integers(-(10**6), 10**6)))
def test_a_written_number_reads_back(value):
    assert number(format_number(value)) == pytest.approx(value, rel=1e-3)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (-2.5, "−2.5"), (180, "180"), (1e-9, "1·10⁻⁹"), (math.nan, "–"), (-math.inf, "−∞"), (0.1 + 0.2, "0.3")],
)
def test_numbers_are_written_as_people_write_them(value, text):
    assert format_number(value) == text


@given(st.booleans(), st.booleans(), positive, st.floats(1.5, 1e6), st.floats(-0.5, 1.5))
def test_data_and_pixels_are_inverse(is_log, is_reversed, low, factor, share):
    axis = Axis(is_log=is_log, is_reversed=is_reversed, low=low, high=low * factor)
    frame = Frame2D(QRectF(40, 10, 300, 200), axis, axis)
    value = axis.value(share)
    if is_log and value <= 0:
        return
    point = frame.point(value, value)
    x, y = frame.data(point)
    assert axis.share(x) == pytest.approx(share, abs=1e-6)
    assert axis.share(y) == pytest.approx(share, abs=1e-6)
    assert point.x() == pytest.approx(40 + 300 * share, abs=1e-4)


@given(st.booleans(), positive, st.floats(1.5, 1e4), st.floats(0.05, 0.95), st.floats(0.3, 3))
def test_zooming_keeps_the_place_under_the_mouse(is_log, low, factor, share, zoom):
    axis = Axis(is_log=is_log, low=low, high=low * factor)
    place = axis.value(share)
    axis.zoom(zoom, place)
    assert axis.share(place) == pytest.approx(share, abs=1e-6)


def test_a_range_that_cannot_be_shown_is_ignored():
    axis = Axis(is_log=True, low=1, high=10)
    axis.set_range(-1, 5)
    axis.set_range(3, math.nan)
    axis.set_range(4, 4)
    assert (axis.low, axis.high) == (1, 10)


def test_what_is_not_positive_has_no_place_on_a_log_axis():
    axis = Axis(is_log=True, low=1, high=10)
    assert np.isnan(axis.share(np.array([-1.0, 0.0]))).all()


def test_a_single_value_gets_room():
    low, high = padded(3.0, 3.0)
    assert low < 3 < high
    low, high = padded(3.0, 3.0, is_log=True)
    assert 0 < low < 3 < high


def test_a_reversed_axis_has_its_low_end_at_the_top():
    frame = Frame2D(QRectF(0, 0, 100, 100), Axis(low=0, high=1), Axis(low=0, high=10, is_reversed=True))
    assert frame.data(QPointF(50, 0))[1] == pytest.approx(0)
