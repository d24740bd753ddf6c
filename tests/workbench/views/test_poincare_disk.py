"""The disk under the mouse: panning, centring, zoom, lasso, dragging, models, and what is exported."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest

from workbench.views import hyperbolic_plane as plane
from workbench.views.poincare_disk import PoincareDiskView

Left, Shift = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def view(qtbot):
    view = PoincareDiskView("disk", "Disk", points_are_draggable=True)
    qtbot.addWidget(view)
    view.resize(500, 520)
    view.set_points(
        np.array([[0.5, 0.0], [-0.3, 0.4], [0.0, -0.6]]), classes=np.array([0, 1, 1]), class_names=("a", "b")
    )
    view.show()
    return view


def drag(view, start, *stops, modifier=Qt.KeyboardModifier.NoModifier):
    QTest.mousePress(view.canvas, Left, modifier, start)
    for stop in stops:
        QTest.mouseMove(view.canvas, stop)
    QTest.mouseRelease(view.canvas, Left, modifier, stops[-1])


def test_dragging_the_plane_takes_the_grabbed_place_along_and_keeps_distances(view):
    start = view.canvas.place_of((0.1, 0.15))
    end = start + QPoint(60, -40)
    before = view.points.z.copy()
    drag(view, start, start + QPoint(20, -10), end)
    landed = view.canvas.place_of((0.1, 0.15))
    assert (landed - end).manhattanLength() <= 2
    seen = view.to_view(before)
    assert plane.distance(seen[0], seen[1]) == pytest.approx(float(plane.distance(before[0], before[1])))
    assert np.array_equal(view.points.z, before), "the points themselves do not move"


@pytest.mark.parametrize("gesture", ["right click", "double click"])
def test_a_point_is_made_the_origin_and_home_goes_back(view, qtbot, gesture):
    place = view.canvas.place_of((0.5, 0.0))
    if gesture == "right click":
        QTest.mouseClick(view.canvas, Qt.MouseButton.RightButton, pos=place)
    else:
        QTest.mouseDClick(view.canvas, Left, pos=place)
    qtbot.waitUntil(lambda: not view._animation.isActive())
    assert abs(view.to_view(view.points.z)[0]) < 1e-6
    QTest.keyClick(view.canvas, Qt.Key.Key_Home)
    qtbot.waitUntil(lambda: not view._animation.isActive())
    assert np.allclose(view.to_view(view.points.z), view.points.z)


@pytest.mark.parametrize("model", ["disk", "half-plane", "klein"])
def test_the_wheel_keeps_what_is_under_the_mouse(view, model):
    view.set_model(model)
    place = (-0.3, 0.4)
    position = QPointF(view.canvas.place_of(place))
    for notches in (-240, -120, 480):
        view.canvas.wheelEvent(
            QWheelEvent(
                position, view.canvas.mapToGlobal(position), QPoint(), QPoint(0, notches), Qt.MouseButton.NoButton,
                Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
            )
        )  # fmt: skip
        assert view.zoom != 1
        assert (view.canvas.place_of(place) - position.toPoint()).manhattanLength() <= 2


def test_points_and_marks_are_dragged_where_they_may_be(view):
    moved, released = [], []
    view.moved.connect(lambda *all: moved.append(all))
    view.released.connect(lambda *all: released.append(all))
    start = view.canvas.place_of((-0.3, 0.4))
    drag(view, start, start + QPoint(10, 0), start + QPoint(40, 0))
    assert moved[-1][0] == released[-1][0] == 1
    assert released[-1][1][0] > -0.2
    view.set_mark("handle", (0.0, 0.3), "handle", draggable=True)
    start = view.canvas.place_of((0.0, 0.3))
    drag(view, start, start + QPoint(0, -10), start + QPoint(0, -30))
    assert released[-1][0] == "handle"
    assert released[-1][1][1] > 0.35


def test_a_click_names_the_point_and_a_lasso_selects(view):
    clicked, selected = [], []
    view.clicked.connect(lambda *all: clicked.append(all))
    view.selected.connect(selected.append)
    QTest.mouseClick(view.canvas, Left, pos=view.canvas.place_of((0.5, 0.0)))
    assert clicked[0][0] == 0
    centre = view.canvas.place_of((-0.3, 0.4))
    corners = [centre + QPoint(*by) for by in ((-40, -40), (40, -40), (40, 40), (-40, 40))]
    drag(view, corners[0], *corners[1:], corners[0], modifier=Shift)
    assert selected[-1].tolist() == [1]


def test_the_wheel_zooms_and_the_view_is_restored(view):
    view.set_zoom(1.6)
    view.set_model("klein")
    view.set_motion(plane.Motion.translation(0.2, 0.4j))
    other = PoincareDiskView("other", "Other")
    other.restore(view.state())
    assert np.allclose(other.to_view(np.array([0.3 + 0.1j])), view.to_view(np.array([0.3 + 0.1j])))
    assert other.model == "klein"
    other.restore({"motion": [1, 2, 3, 4], "zoom": "x", "model": "globe"})
    assert other.model == "klein"


@pytest.mark.parametrize("model", ["disk", "half-plane", "klein"])
def test_pixels_go_to_places_and_back_in_every_model(view, model):
    view.set_model(model)
    rect = QRectF(0, 0, 400, 400)
    z = np.array([0.2 + 0.1j, -0.4 + 0.3j])
    for place in z:
        x, y = view.to_pixels(np.array(place), rect)
        assert view.from_pixels(QPointF(x, y), rect) == pytest.approx(place, abs=1e-9)
    outside = QPointF(1, 1) if model != "half-plane" else QPointF(10, 399.5)
    assert view.from_pixels(outside, rect) is None


def test_regions_move_with_the_plane(view):
    size = 64
    grid = np.tile(np.arange(size) < size // 2, (size, 1)).astype(int)
    view.set_regions(grid)
    view.set_motion(plane.Motion.translation(0, 0.5))
    places = view.pixel_places(QRectF(0, 0, 200, 200))
    row = places[places.shape[0] // 2]
    border = np.flatnonzero(np.isfinite(row[:-1]) & np.isfinite(row[1:]) & ((row.real[:-1] < 0) != (row.real[1:] < 0)))
    assert border.size == 1
    middle = (border[0] + 1) / len(row) * 2 - 1
    assert middle == pytest.approx(0.5, abs=0.05), "the border through the origin is seen where the origin is now"
    assert not view.grab().isNull()


def test_the_plane_is_not_moved_farther_than_numbers_reach(view):
    view.set_motion(plane.Motion.to_origin(0.3))
    for _ in range(200):
        view.set_motion(plane.Motion.translation(0, 0.9).after(view.motion))
    assert np.isfinite(view.to_view(view.points.z)).all()
    assert abs(view.from_view(np.array([0.0]))[0]) < 1


def test_a_legend_entry_hides_its_class(view):
    view.legend_clicked("class 1")
    assert view.nearest(QPointF(view.canvas.place_of((-0.3, 0.4))), view.plane_rect(QRectF(view.canvas.rect()))) == -1


def test_fifty_thousand_points_with_a_tiling_are_drawn(view):
    rng = np.random.default_rng(0)
    z = np.tanh(rng.exponential(0.8, 50_000)) * np.exp(2j * np.pi * rng.random(50_000))
    view.set_points(
        np.stack([z.real, z.imag], 1), classes=rng.integers(0, 5, 50_000), class_names=list("abcde"), sizes=2.0
    )
    view.set_tiling((7, 3))
    picture = view.grab().toImage()
    colours = {picture.pixelColor(x, 260).name() for x in range(60, 440, 3)}
    assert len(colours) > 5


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf", ".csv", ".npz"])
def test_it_exports_like_every_view(view, tmp_path, suffix):
    view.set_segments("edges", np.array([[[0.5, 0.0], [-0.3, 0.4]]]), label="edge")
    view.export(tmp_path / f"d{suffix}")
    assert (tmp_path / f"d{suffix}").stat().st_size > 30


def test_lengths_that_differ_are_refused(view):
    with pytest.raises(ValueError, match="2 labels for 3 points"):
        view.set_points(np.zeros((3, 2)), labels=["a", "b"])


def test_whoever_draws_for_the_seen_pixels_hears_of_every_change(view, qtbot):
    changes = []
    view.view_changed.connect(lambda: changes.append(view.seen_places().shape))
    for change in (
        lambda: view.set_model("klein"), lambda: view.set_zoom(2.0), lambda: view.resize(420, 460),
        lambda: view.set_points(np.zeros((3, 2)), classes=np.arange(3), class_names=["a long name " * 4] * 3),
    ):  # fmt: skip
        before = len(changes)
        change()
        qtbot.waitUntil(lambda before=before: len(changes) > before)
    height, width = changes[-1]
    rect = view.plane_rect(QRectF(view.canvas.rect()))
    assert abs(width - rect.width()) <= 1
    assert abs(height - rect.height()) <= 1
    before = len(changes)
    view.set_mark("quiet", (0.1, 0.1))
    assert len(changes) == before, "a mark without a name takes no room from the plane"


def test_exact_regions_have_the_pixels_of_the_screen(view):
    view.set_regions(np.zeros((8, 8), int))
    places = view.seen_places()
    view.set_exact_regions(np.where(places.real > 0.123, 1, 0))
    rect = view.plane_rect(QRectF(view.canvas.rect()))
    picture = view.canvas.grab().toImage()
    centre, unit = view.frame(rect)
    row = round(centre.y() - 0.5 * unit)
    left, right = (picture.pixelColor(round(centre.x() + (0.123 * unit + by)), row).name() for by in (-4, 4))
    assert left != right, "the border is where it was worked out, to a few pixels"


def test_what_was_selected_is_exported(view):
    assert "selected" not in view.data()
    view.select_inside([QPointF(0, 0), QPointF(500, 0), QPointF(500, 520), QPointF(0, 520)],
                       view.plane_rect(QRectF(view.canvas.rect())))  # fmt: skip
    assert view.data()["selected"].tolist() == [1, 1, 1]


@pytest.mark.parametrize("zoom", [1.0, 0.5])
def test_a_geodesic_of_any_length_is_drawn_where_it_is(view, zoom):
    view.set_points(np.empty((0, 2)))
    view.set_zoom(zoom)
    white = view.canvas.grab().toImage()
    view.set_segments("one", np.array([[[-0.8, 0.2], [0.7, 0.5]], [[0.0, -0.5], [0.06, -0.5]]]), width=3.0)
    drawn = view.canvas.grab().toImage()
    rect = view.plane_rect(QRectF(view.canvas.rect()))
    for start, end in ((-0.8 + 0.2j, 0.7 + 0.5j), (-0.5j, 0.06 - 0.5j)):
        middle = plane.geodesics(np.array([start]), np.array([end]), 3)[0, 1]
        x, y = (round(float(value)) for value in view.to_pixels(view.to_view(np.array(middle)), rect))
        assert drawn.pixelColor(x, y) != white.pixelColor(x, y)
