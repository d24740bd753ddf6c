"""The model, the camera, the painter and the mouse; none of this needs OpenGL."""

import io
import math
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt

from workbench.views.camera3d import Camera, arcball, rotation_about
from workbench.views.figure_export import png_bytes
from workbench.views.scene3d import Scene3DView
from workbench.views.scene3d_painter import cut_faces, cut_segments
from workbench.views.scene_model import frame_segments, segments_of
from workbench.views.theme import as_theme, theme

RECT = QRectF(0, 0, 640, 480)
angles = st.floats(-180, 180)
corners = st.lists(st.floats(-1, 1), min_size=3, max_size=3)


def by_hand(camera, point, rect):
    """Pinhole projection by similar triangles, from the eye's position alone."""
    right, up, back = camera.orientation
    eye = camera.centre + camera.radius / math.sin(math.radians(camera.field_of_view) / 2) * back
    away = np.asarray(point) - eye
    depth = -away @ back
    half = 0.92 * min(rect.width(), rect.height()) / 2
    screen = half / math.tan(math.radians(camera.field_of_view) / 2)
    x = rect.center().x() + screen * (away @ right) / depth
    y = rect.center().y() - screen * (away @ up) / depth
    return np.array([x, y]), depth


@settings(deadline=None)
@given(angles, st.floats(-89, 89), corners, st.sampled_from(["x", "y", "z"]))
def test_projection_is_that_of_a_pinhole_and_unproject_undoes_it(azimuth, elevation, point, up):
    camera = Camera(centre=np.array([0.3, -0.2, 0.1]), radius=2.0, up=up)
    camera.look_from(azimuth, elevation)
    np.testing.assert_allclose(camera.orientation @ camera.orientation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(camera.orientation) == pytest.approx(1)
    pixels, depth = camera.project(np.array([point]), RECT)
    expected, expected_depth = by_hand(camera, point, RECT)
    np.testing.assert_allclose(pixels[0], expected, atol=1e-9)
    assert depth[0] == pytest.approx(expected_depth)
    back = camera.unproject(QPointF(*pixels[0]), float(depth[0]), RECT)
    np.testing.assert_allclose(back, point, atol=1e-9)


@settings(deadline=None)
@given(
    angles, st.floats(-89, 89), st.lists(st.floats(-1, 1), min_size=3, max_size=3), st.sampled_from([0.0, 30.0, 60.0])
)
def test_the_matrix_for_opengl_projects_as_the_camera_does(azimuth, elevation, point, field_of_view):
    camera = Camera(centre=np.array([0.5, 0, 0]), radius=1.5, field_of_view=field_of_view)
    camera.look_from(azimuth, elevation)
    matrix = camera.clip_matrix(RECT, (np.zeros(3), 2.0))
    mapped = np.array([*point, 1.0]) @ matrix
    pixels, _ = camera.project(np.array([point]), RECT)
    np.testing.assert_allclose(mapped[:2] / mapped[3], pixels[0], atol=1e-6)
    assert -1 <= mapped[2] / mapped[3] <= 1
    nearer = np.array([*(np.array(point) + 0.01 * camera.orientation[2]), 1.0]) @ camera.clip_matrix(
        RECT, (np.zeros(3), 2.0)
    )
    assert nearer[2] / nearer[3] < mapped[2] / mapped[3]


def test_a_sphere_around_the_centre_just_fits():
    camera = Camera(radius=2.0)
    rim = 2.0 * np.stack([np.cos(np.linspace(0, 6.3, 200)), np.sin(np.linspace(0, 6.3, 200)), np.zeros(200)], 1)
    pixels, _ = camera.project(rim, RECT)
    assert 0.9 * 480 / 2 * 0.92 < np.abs(pixels[:, 1] - 240).max() <= 240


def test_points_behind_the_eye_have_no_pixels():
    camera = Camera(radius=1.0)
    behind = camera.centre + 2 * camera.distance * camera.orientation[2]
    assert np.isnan(camera.project(behind[None], RECT)[0]).all()


@given(st.tuples(*[st.floats(60, 420)] * 4))
def test_an_arcball_drag_takes_the_point_under_the_mouse_along(places):
    start, end = QPointF(places[0], places[1]), QPointF(places[2], places[3])
    rotation = arcball(start, end, RECT)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-9)

    def on_sphere(place):
        x, y = (place.x() - 320) / 240, -(place.y() - 240) / 240
        return np.array([x, y, math.sqrt(1 - x * x - y * y)]) if x * x + y * y < 0.5 else None

    first, second = on_sphere(start), on_sphere(end)
    if first is not None and second is not None:
        np.testing.assert_allclose(rotation @ first, second, atol=1e-7)


def test_a_turntable_keeps_the_vertical_vertical_and_stops_at_the_pole():
    camera = Camera()
    camera.look_from(10, 20)
    for _ in range(50):
        camera.turn(QPointF(0, 0), QPointF(17, 31), RECT)
        assert camera.orientation[0] @ [0, 0, 1] == pytest.approx(0, abs=1e-9)
    assert camera.orientation[2] @ [0, 0, 1] == pytest.approx(1)


def test_panning_keeps_the_grabbed_point_under_the_mouse():
    camera = Camera()
    camera.look_from(40, 30)
    start, end = QPointF(200, 150), QPointF(380, 260)
    grabbed = camera.unproject(start, camera.distance, RECT)
    camera.pan(start, end, RECT)
    np.testing.assert_allclose(camera.project(grabbed[None], RECT)[0][0], [380, 260], atol=1e-9)


def test_rodrigues_formula_turns_about_its_axis():
    np.testing.assert_allclose(rotation_about(np.array([0, 0, 2.0]), math.pi / 2) @ [1, 0, 0], [0, 1, 0], atol=1e-12)


def test_strips_break_at_missing_points_and_loops_close():
    points = np.array([[0, 0, 0], [1, 0, 0], [np.nan, 0, 0], [2, 0, 0], [3, 0, 0]], float)
    assert len(segments_of(points, "strip")) == 2
    assert len(segments_of(points[:2], "loop")) == 2
    assert len(segments_of(points[:2], "segments")) == 1
    assert len(segments_of(points[:1], "strip")) == 0
    with pytest.raises(ValueError, match="pairs"):
        segments_of(points, "segments")


def test_frames_are_the_columns_of_their_rotations():
    pose = np.eye(4)
    pose[:3, :3] = rotation_about(np.array([1.0, 2, 3]), 0.7)
    pose[:3, 3] = [1, 2, 3]
    ends = frame_segments(pose[None], 0.5)
    for axis in range(3):
        np.testing.assert_allclose(ends[axis, 0], [1, 2, 3])
        np.testing.assert_allclose(ends[axis, 1] - ends[axis, 0], 0.5 * pose[:3, axis])


def test_cutting_changes_no_shape():
    rng = np.random.default_rng(0)
    corners, ends = rng.normal(size=(7, 3, 3)), rng.normal(size=(9, 2, 3))
    faces, origin = cut_faces(corners, 0.3)

    def areas(triangles):
        normals = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
        return np.linalg.norm(normals, axis=1) / 2

    assert len(faces) > 50
    np.testing.assert_allclose(np.bincount(origin, areas(faces)), areas(corners))
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])[origin]
    np.testing.assert_allclose(((faces - corners[origin, :1]) * normals[:, None]).sum(2), 0, atol=1e-9)
    pieces, origin = cut_segments(ends, 0.3)
    lengths = np.linalg.norm(pieces[:, 1] - pieces[:, 0], axis=1)
    assert lengths.max() <= 0.6
    np.testing.assert_allclose(np.bincount(origin, lengths), np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1))
    np.testing.assert_allclose(pieces[origin == 3][0, 0], ends[3, 0])
    np.testing.assert_allclose(pieces[origin == 3][-1, 1], ends[3, 1])


# The view


@pytest.fixture
def view(show):
    made = Scene3DView("scene", "Scene", renderer="painter")
    made.set_points("corners", np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1.0]]), size=10, label="corners")
    show(made, 500, 420)
    return made


def pixel_of(view, point):
    pixels, _ = by_hand(view.camera, point, QRectF(view.body.rect()))
    return QPoint(*np.round(pixels).astype(int).tolist())


def surface(view):
    return view.body.childAt(view.body.rect().center())


def settle(qtbot, view):
    qtbot.waitUntil(lambda: not view._flush_timer.isActive())


def test_clicking_a_point_picks_it_where_our_own_mathematics_says_it_is(view, qtbot):
    settle(qtbot, view)
    for index, corner in enumerate(([0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1])):
        with qtbot.waitSignal(view.picked) as caught:
            qtbot.mouseClick(surface(view), Qt.MouseButton.LeftButton, pos=pixel_of(view, corner))
        assert (caught.args[0].item, caught.args[0].index) == ("corners", index)
        np.testing.assert_array_equal(caught.args[0].position, corner)
    with qtbot.assertNotEmitted(view.picked):
        qtbot.mouseClick(surface(view), Qt.MouseButton.LeftButton, pos=QPoint(5, 400))


def test_of_two_points_behind_each_other_the_front_one_is_picked(view, qtbot):
    settle(qtbot, view)
    towards_eye = view.camera.orientation[2]
    view.camera.field_of_view = 0.0
    view.set_points("pair", np.stack([-0.3 * towards_eye, 0.3 * towards_eye]) + view.camera.centre)
    pixels, _ = view.camera.project(view.camera.centre[None], QRectF(view.body.rect()))
    pick = view.pick_at(QPointF(*pixels[0]))
    assert (pick.item, pick.index) == ("pair", 1)


def test_a_face_is_picked_at_the_place_that_was_clicked(view, qtbot):
    view.set_mesh("floor", np.array([[-1, -1, 0], [3, -1, 0], [-1, 3, 0.0]]), np.array([[0, 1, 2]]), pickable=True)
    settle(qtbot, view)
    pick = view.pick_at(QPointF(pixel_of(view, [0.5, 0.6, 0])))
    assert (pick.item, pick.index) == ("floor", 0)
    np.testing.assert_allclose(pick.position, [0.5, 0.6, 0], atol=0.05)


def test_a_dragged_handle_moves_in_the_plane_that_faces_the_camera(view, qtbot):
    view.set_points("handle", [[0.5, 0.5, 0.5]], handle=True, size=14)
    settle(qtbot, view)
    start, rect = pixel_of(view, [0.5, 0.5, 0.5]), QRectF(view.body.rect())
    seen = []
    view.handle_dragged.connect(seen.append)
    with qtbot.waitSignal(view.handle_released) as caught:
        qtbot.mousePress(surface(view), Qt.MouseButton.LeftButton, pos=start)
        qtbot.mouseMove(surface(view), start + QPoint(60, -35))
        qtbot.mouseRelease(surface(view), Qt.MouseButton.LeftButton, pos=start + QPoint(60, -35))
    moved = caught.args[0]
    assert seen
    assert moved.item == "handle"
    assert (moved.position - 0.5) @ view.camera.orientation[2] == pytest.approx(0, abs=1e-9)
    now, _ = by_hand(view.camera, moved.position, rect)
    before, _ = by_hand(view.camera, [0.5, 0.5, 0.5], rect)
    np.testing.assert_allclose(now - before, [60, -35], atol=1e-6)


def test_rotating_the_object_reports_a_rotation_that_follows_the_mouse(view, qtbot):
    view.drag_mode = "rotate"
    settle(qtbot, view)
    before = view.camera.orientation.copy()
    rect = QRectF(view.body.rect())
    start, end = rect.center().toPoint(), rect.center().toPoint() + QPoint(60, 0)
    rotations = []
    view.rotated.connect(rotations.append)
    with qtbot.waitSignal(view.rotation_finished):
        qtbot.mousePress(surface(view), Qt.MouseButton.LeftButton, pos=start)
        qtbot.mouseMove(surface(view), end)
        qtbot.mouseRelease(surface(view), Qt.MouseButton.LeftButton, pos=end)
    rotation = np.linalg.multi_dot([*rotations[::-1], np.eye(3)])
    np.testing.assert_array_equal(view.camera.orientation, before)
    # The point that faces the eye goes to the right, where the mouse went.
    facing = view.camera.orientation[2]
    moved = view.camera.orientation @ (rotation @ facing)
    assert moved[0] == pytest.approx(60 / (0.5 * min(rect.width(), rect.height())), abs=0.02)
    assert moved[1] == pytest.approx(0, abs=0.02)


def test_dragging_turns_the_camera_and_double_click_shows_everything_again(view, qtbot):
    settle(qtbot, view)
    before = view.camera.orientation.copy()
    with qtbot.waitSignal(view.camera_changed):
        qtbot.mousePress(surface(view), Qt.MouseButton.LeftButton, pos=QPoint(30, 390))
        qtbot.mouseMove(surface(view), QPoint(130, 390))
        qtbot.mouseRelease(surface(view), Qt.MouseButton.LeftButton, pos=QPoint(130, 390))
    assert np.abs(view.camera.orientation - before).max() > 0.1
    radius = view.camera.radius
    view.camera.zoom(0.1)
    view.camera_moved(keeps_following=False)
    qtbot.mouseDClick(surface(view), Qt.MouseButton.LeftButton, pos=QPoint(30, 390))
    settle(qtbot, view)
    assert view.camera.radius == pytest.approx(radius)


def test_zoom_stays_while_data_move_and_follows_otherwise(view, qtbot):
    settle(qtbot, view)
    view.set_points("far", [[50, 0, 0]])
    settle(qtbot, view)
    assert view.camera.radius > 15
    view.camera.zoom(0.5)
    view.camera_moved(keeps_following=False)
    radius = view.camera.radius
    view.set_points("far", [[500, 0, 0]])
    settle(qtbot, view)
    assert view.camera.radius == radius


def test_the_picture_does_not_breathe_while_points_jitter(view, qtbot):
    settle(qtbot, view)
    radius = view.camera.radius
    view.set_points("corners", 0.97 * np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1.0]]))
    settle(qtbot, view)
    assert view.camera.radius == radius


def test_nearer_things_hide_farther_ones(qtbot):
    view = Scene3DView("order", "", axes=False, renderer="painter")
    qtbot.addWidget(view)
    view.camera.field_of_view = 0.0
    view.camera.look_from(0, 0)
    square = np.array([[0, -1, -1], [0, 1, -1], [0, 1, 1], [0, -1, 1.0]])
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    view.set_mesh("near", square + np.array([1, 0, 0]), faces, color="#ff0000")
    view.set_mesh("far", 1.5 * square - [1, 0, 0], faces, color="#0000ff")
    view.set_points("front", [[2, 0, 0]], color="#00ff00", size=20)
    image = np.asarray(Image.open(io.BytesIO(png_bytes(view, 1, (300, 300)))).convert("RGB")).astype(int)
    middle = image[image.shape[0] // 2, image.shape[1] // 2]
    assert middle[1] > 200 > middle[0] + middle[2]
    reds = (image[..., 0] > 100) & (image[..., 2] < 40) & (image[..., 1] < 40)
    blues = (image[..., 2] > 100) & (image[..., 0] < 40)
    assert reds.sum() > 3000
    # The far square has 2.25 times the area, of which the near one hides 1.
    assert blues.sum() == pytest.approx(1.25 / 1 * (reds.sum() + 314), rel=0.1)


def test_a_vector_export_is_made_of_shapes_with_legible_axes(view, tmp_path):
    view.set_lines("path", np.random.default_rng(0).normal(size=(50, 3)), color=1, label="path")
    view.set_text("name", [[0, 0, 1]], ["here"])
    view.export(tmp_path / "a.svg", size=(500, 400))
    root = ET.parse(tmp_path / "a.svg").getroot()
    svg = "{http://www.w3.org/2000/svg}"
    words = ["".join(element.itertext()) for element in root.iter(f"{svg}text")]
    assert {"Scene", "x", "y", "z", "corners", "path", "here"} <= set(words)
    assert sum(word.replace("−", "-").replace(".", "").lstrip("-").isdigit() for word in words) >= 6
    assert not list(root.iter(f"{svg}image"))
    assert len(list(root.iter(f"{svg}circle"))) + len(list(root.iter(f"{svg}ellipse"))) >= 4


def test_hiding_an_item_by_its_legend_entry_takes_it_from_the_picture(view, qtbot):
    settle(qtbot, view)
    entry = view.placed_legend(QRectF(view.body.rect()))[0]
    qtbot.mouseClick(surface(view), Qt.MouseButton.LeftButton, pos=entry.rect.center().toPoint())
    assert view.visible_items() == {}
    assert view.pick_at(QPointF(pixel_of(view, [0, 0, 0]))) is None


def test_views_can_share_a_camera(view, show, qtbot):
    other = Scene3DView("other", "Other", renderer="painter")
    other.set_points("p", np.eye(3))
    show(other, 300, 300)
    view.share_camera(other)
    view.look_from(77, 11)
    np.testing.assert_array_equal(other.camera.orientation, view.camera.orientation)
    assert other._flush_timer.isActive()


def test_items_are_checked(view):
    with pytest.raises(ValueError, match=r"positions are \(n, 3\)"):
        view.set_points("bad", np.zeros((3, 2)))
    with pytest.raises(ValueError, match=r"faces name vertices outside 0\.\.2"):
        view.set_mesh("bad", np.zeros((3, 3)), [[0, 1, 3]])
    with pytest.raises(ValueError, match="2 values for 3"):
        view.set_points("bad", np.zeros((3, 3)), values=[1, 2])
    with pytest.raises(ValueError, match="poses"):
        view.set_frames("bad", np.zeros((3, 2, 2)))
    view.set_points("none", np.empty((0, 3)))
    view.set_lines("none", np.empty((0, 3)))
    assert "bad" not in view.item_names


def test_state_comes_back(view, show):
    view.look_from(100, -20)
    view.camera.zoom(0.4)
    view.camera_moved(keeps_following=False)
    view.toggle("corners")
    other = show(Scene3DView("scene", "Scene", renderer="painter"))
    other.restore(view.state())
    assert other.state() == view.state()
    other.restore({"orientation": [[1, 2], [3]], "radius": "big", "centre": None, "mode": "flying"})
    assert other.state() == view.state()


def test_data_hold_every_item(view, tmp_path):
    view.set_mesh("mesh", np.eye(3), [[0, 1, 2]])
    view.export(tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as arrays:
        assert arrays["corners"].shape == (4, 3)
        assert arrays["mesh.faces"].tolist() == [[0, 1, 2]]


def test_the_painter_draws_in_the_colours_of_the_theme(view, pixels, near):
    view.set_points("big", [[0.2, 0.2, 0.2]], size=40, color=2)
    theme().set_mode("dark")
    image = pixels(view.body.grab())
    with as_theme("dark") as colours:
        assert near(image, colours.background, 3).mean() > 0.5
        assert near(image, colours.series(2)).sum() > 400
