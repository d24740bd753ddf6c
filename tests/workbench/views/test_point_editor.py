"""Points are edited by mouse, within their limits, and lines stay between the points that are left."""

import numpy as np
import pytest
from PySide6.QtCore import Qt

from workbench.views.point_editor import PointEditor, cycle_pairs, triangle_pairs

SQUARE = np.array([(0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.2, 0.8)])


@pytest.fixture
def editor(qtbot):
    view = PointEditor("points", "Points", fewest=3, most=5)
    qtbot.addWidget(view)
    view.resize(500, 480)
    view.set_points(SQUARE)
    view.show()
    qtbot.waitExposed(view)
    return view


def at(view, x, y):
    return view.frame().point(x, y).toPoint()


def test_a_click_on_free_ground_adds_a_point_up_to_the_limit(editor, qtbot):
    with qtbot.waitSignals([editor.points_changed, editor.edit_finished]):
        qtbot.mouseClick(editor.body, Qt.MouseButton.LeftButton, pos=at(editor, 0.5, 0.5))
    assert np.allclose(editor.points[4], 0.5, atol=0.01)
    with qtbot.waitSignal(editor.refused) as said:
        qtbot.mouseClick(editor.body, Qt.MouseButton.LeftButton, pos=at(editor, 0.4, 0.4))
    assert "5" in said.args[0]
    assert len(editor.points) == 5


def test_a_drag_moves_a_point_stays_in_the_square_and_is_one_edit(editor, qtbot):
    edits = []
    editor.edit_finished.connect(lambda before, after: edits.append((before, after)))
    qtbot.mousePress(editor.body, Qt.MouseButton.LeftButton, pos=at(editor, 0.8, 0.8))
    assert editor.is_dragging
    qtbot.mouseMove(editor.body, at(editor, 0.9, 0.9))
    qtbot.mouseMove(editor.body, at(editor, 1.04, 0.6))
    qtbot.mouseRelease(editor.body, Qt.MouseButton.LeftButton, pos=at(editor, 1.04, 0.6))
    assert np.allclose(editor.points[2], (1.0, 0.6), atol=0.01)
    assert len(edits) == 1
    assert np.array_equal(edits[0][0], SQUARE)
    assert not editor.is_dragging


def test_a_press_that_does_not_move_is_a_click_on_the_point(editor, qtbot):
    with qtbot.waitSignal(editor.point_clicked) as said:
        qtbot.mouseClick(editor.body, Qt.MouseButton.LeftButton, pos=at(editor, 0.2, 0.8))
    assert said.args == [3]
    assert np.array_equal(editor.points, SQUARE)


def test_a_right_click_deletes_the_point_under_it_down_to_the_limit(editor, qtbot):
    qtbot.mouseClick(editor.body, Qt.MouseButton.RightButton, pos=at(editor, 0.2, 0.2))
    assert np.array_equal(editor.points, SQUARE[1:])
    with qtbot.waitSignal(editor.refused):
        qtbot.mouseClick(editor.body, Qt.MouseButton.RightButton, pos=at(editor, 0.8, 0.2))
    assert len(editor.points) == 3


def test_overlays_to_points_that_are_gone_are_left_out_and_the_rest_is_drawn(editor, tmp_path):
    empty = editor.grab().toImage()
    editor.set_lines("tour", cycle_pairs(range(4)), label="tour")
    editor.set_arrows("next", np.array([(0, 1), (0, 2), (1, 1), (3, 3)]), np.array([0.9, 0.3, 0.5, 0.0]))
    editor.set_marked(3)
    assert editor.grab().toImage() != empty
    editor.delete(3)
    editor.grab()
    for suffix in ("png", "svg", "pdf", "csv"):
        editor.export(tmp_path / f"points.{suffix}")
    assert editor.data()["point"].tolist() == [1, 2, 3]
    editor.legend_clicked("tour")
    assert not editor.legend_entries()[0].is_on


def test_pairs_of_cycles_and_triangles_name_every_side_once():
    assert cycle_pairs([2, 0, 1]).tolist() == [[2, 0], [0, 1], [1, 2]]
    assert cycle_pairs([4, 1]).tolist() == [[4, 1]]
    assert not len(cycle_pairs([1]))
    assert len(triangle_pairs([(0, 1, 2), (1, 2, 3)])) == 5
    assert not len(triangle_pairs([]))
