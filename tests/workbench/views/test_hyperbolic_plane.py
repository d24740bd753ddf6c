"""The hyperbolic plane of the views: isometries, geodesics, circles, tilings, models."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.views import hyperbolic_plane as plane
from workbench.views.hyperbolic_plane import MODELS, Motion

inside = st.builds(lambda r, a: r * np.exp(1j * a), st.floats(0, 0.98), st.floats(0, 2 * math.pi, allow_nan=False)).map(
    complex
)


def draw(count, seed=0):
    rng = np.random.default_rng(seed)
    return np.sqrt(rng.random(count)) * 0.95 * np.exp(2j * np.pi * rng.random(count))


@given(inside, inside, inside, inside)
def test_a_translation_takes_one_point_to_the_other_and_keeps_distances(p, q, z, w):
    motion = Motion.translation(p, q)
    assert abs(motion(np.array(p)) - q) < 1e-9
    before = plane.distance(np.array(z), np.array(w))
    after = plane.distance(motion(np.array(z)), motion(np.array(w)))
    assert after == pytest.approx(before, rel=1e-6, abs=1e-6)
    assert abs(motion.inverse(motion(np.array(z))) - z) < 1e-8


def test_many_motions_after_each_other_stay_a_motion():
    motion, there = Motion(), Motion.translation(0.1, 0.1 + 0.2j).after(Motion.rotation(0.3))
    for index in range(5000):
        motion = (there if index % 2 else there.inverse.after(Motion.rotation(0.001))).after(motion)
    assert abs(motion.alpha) ** 2 - abs(motion.beta) ** 2 == pytest.approx(1, rel=1e-9)


def test_every_point_of_a_segment_lies_between_its_ends():
    z, w = draw(40), draw(40, 1)
    for lines in (plane.geodesics(z, w), plane.arcs(z, w)):
        between = plane.distance(z[:, None], lines) + plane.distance(lines, w[:, None])
        assert np.allclose(between, plane.distance(z, w)[:, None], atol=1e-7)
        assert np.allclose(lines[:, [0, -1]], np.stack([z, w], 1))
    even = plane.geodesics(z, w)
    gaps = plane.distance(even[:, 1:], even[:, :-1])
    assert np.allclose(gaps, gaps.mean(1, keepdims=True), atol=1e-8)


def test_segments_through_the_centre_and_of_no_length_are_finite():
    z, w = np.array([-0.5, 0.3j, 0.2, 0.0]), np.array([0.5, -0.6j, 0.2, 0.0])
    for lines in (plane.geodesics(z, w), plane.arcs(z, w)):
        assert np.isfinite(lines).all()
        assert np.abs(lines[0].imag).max() < 1e-12


def test_a_circle_is_everywhere_as_far_from_its_centre():
    around = plane.circle(0.5 + 0.3j, 1.2)
    assert np.allclose(plane.distance(around, np.array(0.5 + 0.3j)), 1.2)


def test_equidistants_of_a_geodesic_are_where_they_say():
    geodesic = plane.equidistant(1j, 0.8, 0.0, 2001)
    shifted = plane.equidistant(1j, 0.8, 0.5, 9)[3:6]
    for z in shifted:
        assert plane.distance(geodesic, z).min() == pytest.approx(0.5, abs=1e-3)
    assert np.allclose(plane.signed_distance(shifted, 1j, 0.8), 0.5, atol=1e-9)
    assert np.allclose(plane.signed_distance(geodesic, 1j, 0.8), 0, atol=1e-9)
    assert plane.signed_distance(np.array(0j), 1j, 0.8) == pytest.approx(-0.8), "the origin is on the other side"


@pytest.mark.parametrize(("p", "q"), [(7, 3), (5, 4), (3, 7), (4, 5)])
def test_tiles_are_regular_and_meet_as_they_should(p, q):
    edges = plane.tiling(p, q, 120)
    lengths = plane.distance(edges[:, 0], edges[:, 1])
    # cosh(side / 2) = cos(π/p) / sin(π/q)
    assert np.allclose(lengths, 2 * math.acosh(math.cos(math.pi / p) / math.sin(math.pi / q)), atol=1e-8)
    near = edges[np.abs(edges[:, 0]).argmin(), 0]
    assert (np.abs(edges - near) < 1e-6).sum() == q, "q edges meet at an inner corner"


@pytest.mark.parametrize("shape", [(4, 4), (3, 6), (6, 3), (2, 9), (3, 3)])
def test_a_tiling_of_another_geometry_is_refused(shape):
    with pytest.raises(ValueError, match="does not tile the hyperbolic plane"):
        plane.tiling(*shape)


@pytest.mark.parametrize("model", MODELS)
def test_models_go_there_and_back(model):
    _, there, back = MODELS[model]
    z = draw(100)
    assert np.allclose(back(there(z)), z, atol=1e-12)


def test_geodesics_are_straight_in_kleins_disk_and_half_circles_in_the_half_plane():
    line = plane.geodesics(draw(1), draw(1, 4), 9)[0]
    k = plane.to_klein(line)
    assert np.abs(np.imag((k[1:-1] - k[0]) / (k[-1] - k[0]))).max() < 1e-9
    w = plane.to_half_plane(line)
    assert (w.imag > 0).all()
    a, b = w[0], w[-1]
    centre = (abs(b) ** 2 - abs(a) ** 2) / (2 * (b.real - a.real))
    assert np.allclose(np.abs(w - centre), abs(a - centre))
