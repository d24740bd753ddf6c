"""Spins are painted, erased and disturbed by mouse; strokes leave no gaps."""

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication

from workbench.views.pattern_editor import PatternEditor
from workbench.views.theme import theme


@pytest.fixture
def editor(show):
    view = PatternEditor("spins", "Spins")
    view.set_pattern(-np.ones((8, 8)))
    return show(view, 420, 440)


def at(view, row, column):
    return view.frame().point(column, row).toPoint()


def drag(qtbot, view, button, *cells, modifier=Qt.KeyboardModifier.NoModifier):
    """A press, moves and a release with a button held, which qtbot's moves do not say."""
    points = [QPointF(at(view, *cell)) for cell in cells]
    kinds = [QMouseEvent.Type.MouseButtonPress, *[QMouseEvent.Type.MouseMove] * (len(points) - 1)]
    for kind, point in zip(kinds, points, strict=True):
        own = button if kind == QMouseEvent.Type.MouseButtonPress else Qt.MouseButton.NoButton
        event = QMouseEvent(kind, point, view.body.mapToGlobal(point), own, button, modifier)
        QApplication.sendEvent(view.body, event)
    end = QMouseEvent(QMouseEvent.Type.MouseButtonRelease, points[-1], view.body.mapToGlobal(points[-1]), button,
                      Qt.MouseButton.NoButton, modifier)  # fmt: skip
    QApplication.sendEvent(view.body, end)


def test_a_stroke_paints_every_cell_on_its_way_and_ends_once(editor, qtbot):
    painted, ends = [], []
    editor.painted.connect(painted.append)
    editor.stroke_ended.connect(lambda: ends.append(1))
    drag(qtbot, editor, Qt.MouseButton.LeftButton, (2, 1), (2, 6))
    assert {site for part in painted for site in part.sites} == {2 * 8 + k for k in range(1, 7)}
    assert all(part.value == 1 for part in painted)
    assert (editor.values[2, 1:7] == 1).all()
    assert (editor.values == 1).sum() == 6
    assert len(ends) == 1
    assert not editor.is_painting


def test_shift_or_the_eraser_paints_the_other_value(editor, qtbot):
    editor.set_pattern(np.ones((8, 8)))
    drag(qtbot, editor, Qt.MouseButton.LeftButton, (1, 1), (1, 2), modifier=Qt.KeyboardModifier.ShiftModifier)
    assert (editor.values[1, 1:3] == -1).all()
    editor._tool.set_value(-1)
    drag(qtbot, editor, Qt.MouseButton.LeftButton, (4, 4), (4, 4))
    assert editor.values[4, 4] == -1


def test_a_wide_brush_stays_on_the_canvas(editor, qtbot):
    editor.brush = 3
    painted = []
    editor.painted.connect(painted.append)
    drag(qtbot, editor, Qt.MouseButton.LeftButton, (0, 0), (0, 0))
    assert set(painted[0].sites) == {0, 1, 8, 9}


def test_a_right_drag_asks_for_noise_and_paints_nothing(editor, qtbot):
    sites, ends = [], []
    editor.disturbed.connect(sites.append)
    editor.stroke_ended.connect(lambda: ends.append(1))
    drag(qtbot, editor, Qt.MouseButton.RightButton, (3, 1), (3, 3), (3, 5))
    assert {site for part in sites for site in part} == {24 + k for k in range(1, 6)}
    assert (editor.values == -1).all()
    assert len(ends) == 1


def test_fields_are_drawn_in_the_cells_read_by_hovering_and_exported(editor):
    fields = np.zeros((8, 8))
    fields[2, 3] = 5.0
    plain = editor.body.grab().toImage().pixelColor(at(editor, 2, 3)).name()
    editor.set_fields(fields)
    assert editor.body.grab().toImage().pixelColor(at(editor, 2, 3)).name() != plain
    assert any("field 5" in text for _, text in editor.read_out(editor.frame(), QPointF(at(editor, 2, 3))).lines)
    assert editor.data()["fields"][2, 3] == 5
    assert editor.colour_scale().high == 5
    editor.set_fields(None)
    assert editor.colour_scale() is None


def test_ink_contrasts_with_the_background_in_both_themes(editor):
    editor.set_pattern(np.where(np.arange(64).reshape(8, 8) == 0, 1.0, -1.0))
    for mode in ("light", "dark"):
        theme().set_mode(mode)
        image = editor.body.grab().toImage()
        ink, paper = (image.pixelColor(at(editor, *cell)).lightness() for cell in ((0, 0), (4, 4)))
        assert (ink < paper) == (mode == "light")
