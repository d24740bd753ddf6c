"""The panel with its experiments behind it, in one process: it draws, is dragged, clicked and exported."""

import math

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QRectF, Qt
from scipy.spatial.transform import Rotation

from plugins.rotation_continuity import panel
from plugins.rotation_continuity.contract import DIMENSIONS, LABELS
from plugins.rotation_continuity.experiments.clouds import Clouds
from plugins.rotation_continuity.experiments.continuity import Continuity
from plugins.rotation_continuity.experiments.kinematics import Kinematics
from plugins.rotation_continuity.experiments.sanity import Sanity
from plugins.rotation_continuity.experiments.special_orthogonal import SpecialOrthogonal
from plugins.rotation_continuity.experiments.tears import Tears
from plugins.rotation_continuity.panel_parts import broken_at_rim, exponential, logarithm, parsed_rotation
from tests.support.panels import ViewBench, benches, drag
from workbench.compute.building import build, prepared
from workbench.views.picks import Pick
from workbench.views.scene3d_stage import Surface
from workbench.views.theme import theme

SMALL = {
    "Sanity": (Sanity, {"steps": 20, "width": 16, "evaluate_every": 10, "test_rotations": 500, "seeds": 2}),
    "Clouds": (Clouds, {"steps": 10, "points": 16, "clouds": 4, "evaluate_every": 5, "test_clouds": 10}),
    "Kinematics": (Kinematics, {"steps": 10, "width": 16, "batch": 8, "evaluate_every": 5, "test_poses": 100}),
    "Tear": (Tears, {"steps": 10, "width": 16, "evaluate_every": 5, "axes": 10, "samples": 256}),
    "SpecialOrthogonal": (SpecialOrthogonal, {"steps": 10, "width": 16, "evaluate_every": 5, "test_rotations": 500}),
    "Continuity": (Continuity, {"pace": 0.0}),
}
EVERY = pytest.mark.parametrize("name", SMALL)


@pytest.fixture
def bench(qtbot):
    def made(name, **changes):
        kind, small = SMALL[name]
        return ViewBench(getattr(panel, f"{name}View"), kind, qtbot, **(small | changes))

    yield from benches(made)


def drag_scene(scene, start, way):
    drag(scene.findChild(Surface), start, *(start + way * share for share in (0.25, 0.5, 0.75, 1.0)))


def pixel(scene, point):
    pixels, _ = scene.camera.project(np.array([point], float), QRectF(scene.body.rect()))
    return QPoint(*np.rint(pixels[0]).astype(int).tolist())


@EVERY
def test_every_view_shows_something_before_and_after_training_in_both_themes(bench, name, tmp_path):
    own = bench(name)
    own.show()
    own.train()
    assert not own.port.said
    names = [view.name for view in own.view.views()]
    assert len(names) == len(set(names)) >= 4
    for mode in ("light", "dark"):
        theme().set_mode(mode)
        for view in own.view.views():
            path = tmp_path / f"{view.name}-{mode}.png"
            view.export(path, scale=1, size=(420, 300))
            assert path.stat().st_size > 1500, view.name
            assert view.data(), view.name


@EVERY
def test_state_of_a_view_goes_back_into_a_fresh_one(bench, name):
    first, second = bench(name), bench(name)
    second.view.restore(first.view.state())
    second.view.restore({"nonsense": 3})
    second.draw()


def test_the_case_that_was_shown_is_shown_again_at_the_next_start(bench):
    first, second = bench("Sanity"), bench("Sanity")
    first.view.show_case(9)
    second.view.restore(first.view.state())
    second.train()
    assert second.port.asked[-1] == ("case", {"index": 9})
    assert second.view.scene.title == "Case 9"


def test_two_experiments_can_be_shown_with_other_representations_after_one_another(bench):
    own = bench("Sanity", representations=("6d", "quaternion"))
    other = prepared(build(Sanity, SMALL["Sanity"][1] | {"representations": ("svd", "hopf", "matrix")}))
    own.experiment = own.port.experiment = other
    own.view.start_over()
    own.draw()
    assert own.view.errors.percentiles.series_names == ("svd", "hopf", "matrix")
    assert {item for item in own.view.scene.item_names if item.startswith("answer")} == {
        "answer svd", "answer hopf", "answer matrix",
    }  # fmt: skip
    assert own.view.chosen.name in ("svd", "hopf", "matrix")


def test_clicking_a_percentile_a_worst_case_or_a_point_loads_that_case(bench):
    own = bench("Sanity")
    own.train()
    view, frame = own.view, own.frame
    view.errors.percentiles.clicked.emit(Pick(100.0, 1.0, "quaternion", 100))
    row = frame.names.index("quaternion")
    expected = int(frame.percentile_cases[row, 100])
    assert own.port.asked[-1] == ("case", {"index": expected})
    assert np.allclose(view.scene.rotation, own.experiment.test_rotations[expected].numpy(), atol=1e-6)
    view.errors.worst.clicked.emit(2)
    assert own.port.asked[-1] == ("case", {"index": int(frame.worst_cases[row, 2])})
    view.scatter.clicked.emit(Pick(0, 0, "", 7))
    assert own.port.asked[-1] == ("case", {"index": 7})
    assert view.scene.title == "Case 7"


def test_dragging_the_frame_turns_it_and_asks_every_network(bench):
    own = bench("Sanity")
    own.show()
    before = own.view.scene.rotation.copy()
    centre = own.view.scene.body.rect().center()
    drag_scene(own.view.scene, centre, QPoint(50, 20))
    action, arguments = own.port.asked[-1]
    assert action == "rotate"
    turned = arguments["matrix"]
    assert np.abs(turned.T @ turned - np.eye(3)).max() < 1e-9
    assert np.linalg.norm(turned - before) > 0.2
    assert np.allclose(own.view.scene.rotation, turned)
    own.draw()
    assert np.allclose(own.view.scene.rotation, turned)  # a frame does not take it back
    own.view._forget.click()
    assert np.allclose(own.view.scene.rotation, own.frame.truth)


def test_a_typed_rotation_is_asked_for_and_nonsense_is_explained(bench, qtbot):
    own = bench("Sanity")
    qtbot.keyClicks(own.view._typed, "0 0 90")
    qtbot.keyClick(own.view._typed, Qt.Key.Key_Return)
    assert np.allclose(own.port.asked[-1][1]["matrix"], [[0, -1, 0], [1, 0, 0], [0, 0, 1]], atol=1e-12)
    own.view._typed.setText("1 2")
    qtbot.keyClick(own.view._typed, Qt.Key.Key_Return)
    assert "3 numbers" in own.port.said[-1]


def test_a_slice_shows_only_rotations_near_its_height(bench):
    own = bench("Sanity")
    own.view._sliced.setChecked(True)
    own.view._height.value_changed.emit(0.0)
    shown = own.view.ball._items["errors"].positions
    heights = shown[np.isfinite(shown).all(1), 2]
    assert 20 < len(heights) < 400
    assert np.abs(heights).max() < 0.36


def test_rotation_arithmetic_of_the_panel_agrees_with_scipy():
    for vector in [*np.random.default_rng(0).normal(size=(50, 3)), np.zeros(3), np.array([math.pi, 0, 0])]:
        matrix = Rotation.from_rotvec(vector).as_matrix()
        assert np.allclose(exponential(vector), matrix, atol=1e-12)
        assert np.allclose(exponential(logarithm(matrix)), matrix, atol=1e-7)
    q = np.array([0.3, -0.4, 0.5, 0.7])
    typed = parsed_rotation("(0.3, -0.4, 0.5, 0.7)")
    assert np.allclose(typed, Rotation.from_quat(q[[1, 2, 3, 0]]).as_matrix())
    matrix = Rotation.from_rotvec([1, 2, 0.5]).as_matrix()
    assert np.allclose(parsed_rotation(" ".join(f"{x:.6f}" for x in matrix.ravel())), matrix, atol=1e-5)
    for bad in ("", "1 2 3 4 5", "0 0 0 0", "1 1 1 1 1 1 1 1 1"):
        with pytest.raises(ValueError, match="Type 3 numbers"):
            parsed_rotation(bad)
    wrapped = broken_at_rim(np.array([[3.0, 0, 0], [3.1, 0, 0], [-3.1, 0, 0]]))
    assert np.isnan(wrapped[2]).all()
    assert len(wrapped) == 4


def test_dragging_the_frame_in_the_lab_fills_the_strips_with_the_hands_path(bench):
    own = bench("Continuity")
    own.show()
    centre = own.view.scene.body.rect().center()
    for _ in range(3):
        drag_scene(own.view.scene, centre - QPoint(60, 0), QPoint(120, 0))
    assert own.port.asked[-1][0] == "encode_path"
    path = own.view.strips._path
    assert path.travelled[-1] > 100
    assert own.view._source.value == "hand"
    before = path
    own.draw()
    assert own.view.strips._path is before
    own.view._take.click()
    assert own.port.asked[-1][0] == "walk"
    assert own.view._source.value == "walk"
    assert own.draw().path.travelled[-1] == pytest.approx(path.travelled[-1], rel=0.02)
    own.port.undo_stack.undo()
    assert own.draw().path.travelled[-1] == pytest.approx(360, abs=0.01)
    own.port.undo_stack.redo()
    assert own.draw().path.travelled[-1] == pytest.approx(path.travelled[-1], rel=0.02)
    own.view._again.click()
    assert not own.view._take.isEnabled()


def test_a_loop_drawn_in_the_ball_is_closed_and_judged(bench):
    own = bench("Continuity", path="wobble")
    own.show()
    own.view._dot_dragged(type("P", (), {"position": np.array([0.1, 0, 0])})())
    for t in np.linspace(0, 2 * math.pi, 60):
        point = np.array([2.9 + 0.9 * math.sin(t), 0.9 * math.cos(t), 0.3])  # in and out through the rim
        own.view._dot_dragged(type("P", (), {"position": point})())
    own.view._dot_dragged(type("P", (), {"position": np.array(logarithm(own.view._loop[0]))})())
    own.view._dot_released(None)
    path = own.view.strips._path
    assert path.is_closed
    jumps = dict(zip(path.names, path.jumps.sum(1), strict=True))
    assert jumps["quaternion"] >= 2
    assert jumps["6d"] == 0
    assert "Quaternion" in own.view.strips.title
    assert "closed" in own.view.strips.title


def test_the_dot_in_the_ball_can_be_dragged_by_the_mouse(bench):
    own = bench("Continuity")
    own.show()
    ball = own.view.ball
    drag_scene(ball, pixel(ball, ball._items["dot"].positions[0]), QPoint(40, -30))
    assert own.port.asked[-1][0] == "encode_path"
    assert own.view._source.value == "hand"


def test_strips_tell_jumps_and_codes_under_the_mouse(bench):
    own = bench("Continuity", path="flip")
    strips = own.view.strips
    own.show()
    frame = strips.frame()
    row = own.frame.path.names.index("quaternion")
    place = own.frame.path.travelled[np.flatnonzero(own.frame.path.jumps[row])[0]]
    said = strips.read_out(frame, frame.point(float(place), row + 0.5))
    texts = [text for _, text in said.lines]
    assert texts[0].startswith("Quaternion")
    assert strips.pick(frame, frame.point(0.0, 0.5)).index == 0
    assert set(strips.data()) >= {"turned", "6d.0", "quaternion.jump"}
    strips.clicked.emit(Pick(0, 0, "", 10))
    assert np.allclose(own.view.scene.rotation, own.frame.path.rotations[10])


def test_clouds_follow_the_answer_and_near_symmetry_is_said(bench, tmp_path):
    ball = np.random.default_rng(0).normal(size=(300, 3))
    np.save(tmp_path / "ball.npy", ball)
    own = bench("Clouds", shapes="file", shape_file=str(tmp_path / "ball.npy"))
    assert any("second moments" in sentence for sentence in own.port.said)
    second = own.view.scene._items["second"].positions
    assert np.allclose(second, own.frame.second)
    own.view._ask_rotation(np.eye(3))
    assert np.allclose(own.view.scene._items["second"].positions, own.frame.first, atol=1e-5)


def test_dragging_a_hand_moves_it_and_every_network_answers(bench):
    own = bench("Kinematics")
    own.show()
    own.view.scrubber.set_frame(30)
    own.view.scrubber.frame_changed.emit(30)
    scene, hand = own.view.scene, own.frame.joints.index("rHand")
    before = scene._items["joints"].positions[hand].copy()
    drag_scene(scene, pixel(scene, before), QPoint(-30, -40))
    assert own.port.asked[-1][0] == "reach"
    assert own.port.asked[-1][1]["joint"] == hand
    after = scene._items["joints"].positions
    assert np.linalg.norm(after[hand] - before) > 0.05
    assert np.allclose(after[0], 0)
    assert {f"ghost {name}" for name in own.frame.names} <= set(scene.item_names)
    own.view._back.click()
    assert np.allclose(scene._items["joints"].positions, own.frame.clip[30])


def test_scrubbing_and_clicking_the_clip_show_that_moment(bench):
    own = bench("Kinematics")
    own.view.scrubber.frame_changed.emit(0)
    own.view.clip.clicked.emit(Pick(1.0, 2.0, "6d", 60))
    assert own.view.scrubber.frame == 60
    assert np.allclose(own.view.scene._items["joints"].positions, own.frame.clip[60])
    own.view.errors.case_chosen.emit(3)
    assert own.port.asked[-1] == ("case", {"index": 3})
    assert own.view.scene.title.startswith("Test pose 3")


def test_an_axis_dragged_or_typed_gives_another_loop_whose_tears_are_marked(bench, qtbot):
    own = bench("Tear")
    own.show()
    first = own.view._loop
    assert np.allclose(first.axis, [0, 0, 1])
    own.view._typed.setText("1 1 0")
    qtbot.keyClick(own.view._typed, Qt.Key.Key_Return)
    loop = own.view._loop
    assert np.allclose(loop.axis, np.array([1, 1, 0]) / math.sqrt(2))
    row = loop.names.index(own.view.chosen.name)
    assert len(own.view.ball._items["tears"].positions) == len(loop.tears[row]) >= 1
    handle = own.view.ball._items["axis"].positions[0]
    drag_scene(own.view.ball, pixel(own.view.ball, handle), QPoint(25, 60))
    assert own.port.asked[-1][0] == "loop_error"
    assert not np.allclose(own.view._loop.axis, loop.axis, atol=0.02)
    assert own.view.along.title.startswith("Wrong by 180°")
    own.view._typed.setText("0 0 0")
    qtbot.keyClick(own.view._typed, Qt.Key.Key_Return)
    assert "not all zero" in own.port.said[-1]
    own.view._reset.click()
    assert np.allclose(own.view._loop.axis, [0, 0, 1])


def test_sweeping_collects_the_tear_surface_and_counts_torn_loops(bench, qtbot):
    own = bench("Tear")
    own.show()
    qtbot.mouseClick(own.view._sweep, Qt.MouseButton.LeftButton)
    surface = own.view._surface
    assert surface.loops == surface.total == 10
    row = surface.names.index("quaternion")
    own.view.chosen.setCurrentIndex(row)
    own.view.chosen.activated.emit(row)
    assert len(own.view.ball._items["surface"].positions) == len(surface.points[row]) >= 10
    assert own.view._sweep.isEnabled()
    cells = dict(zip(("code", "tears", "at", "max", "torn"), own.view.tears._rows[row], strict=False))
    assert cells["torn"] == "10 of 10"
    own.train()
    assert own.view._surface is None  # it was of other networks


def test_labels_and_colours_cover_every_representation():
    from plugins.rotation_continuity.panel_parts import COLOURS

    assert set(DIMENSIONS) <= set(LABELS) <= set(COLOURS) | {"matrix", "svd"}


@pytest.mark.gl
def test_scenes_draw_with_opengl_where_it_works(bench):
    own = bench("Sanity")
    own.show()
    assert own.view.scene.renderer == "gl", own.view.scene.fallback_reason
    image = own.view.window().grab().toImage()
    assert image.width() >= 980
