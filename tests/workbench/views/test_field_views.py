"""Functions drawn and fields painted by real mouse events; the linked row of fields."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QUndoStack

from workbench.views.edits import Edit
from workbench.views.field_editor import BrushPalette, FieldEditor
from workbench.views.field_row import FieldRow, radial_power
from workbench.views.function_editor import FunctionEditor
from workbench.views.picks import Pick


def shown(qtbot, widget, size=(500, 360)):
    qtbot.addWidget(widget)
    widget.resize(*size)
    widget.show()
    qtbot.waitExposed(widget)
    widget.grab()
    return widget


def pixel(view, x, y):
    point = view.frame().point(x, y)
    return QPoint(round(point.x()), round(point.y()))


def drag(qtbot, view, places, modifier=Qt.KeyboardModifier.NoModifier):
    canvas = view.body
    qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, modifier, pixel(view, *places[0]))
    for place in places[1:]:
        qtbot.mouseMove(canvas, pixel(view, *place))
    qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, modifier, pixel(view, *places[-1]))


@pytest.fixture
def editor(qtbot):
    view = FunctionEditor("u", "u")
    view.set_function((0.0, 1.0), np.zeros(101))
    view.set_sensors(np.linspace(0, 1, 5))
    return shown(qtbot, view)


def test_a_stroke_writes_the_function_where_it_went_and_nowhere_else(editor, qtbot):
    said, ended = [], []
    editor.values_changed.connect(said.append)
    editor.drawing_finished.connect(lambda before, after: ended.append((before, after)))
    drag(qtbot, editor, [(0.2, 0.15), (0.3, 0.15), (0.4, 0.15)])
    values = editor.values
    x = np.linspace(0, 1, 101)
    assert np.abs(values[(x > 0.24) & (x < 0.36)] - 0.15).max() < 0.02
    assert np.abs(values[x > 0.6]).max() < 1e-12
    assert said
    assert np.array_equal(ended[-1][0], np.zeros(101))
    assert np.array_equal(ended[-1][1], values)
    assert not editor.is_drawing


def test_a_quick_stroke_leaves_no_gap_and_a_wide_brush_is_smoother(editor, qtbot):
    editor.brush = 0.0
    drag(qtbot, editor, [(0.1, -0.2), (0.9, 0.2)])
    sharp = np.abs(np.diff(editor.values)).max()
    x = np.linspace(0, 1, 101)
    inside = (x > 0.15) & (x < 0.85)
    assert np.allclose(editor.values[inside], -0.2 + 0.5 * (x[inside] - 0.1), atol=0.02)
    editor.set_function((0.0, 1.0), np.zeros(101))
    editor.brush = 0.05
    drag(qtbot, editor, [(0.1, -0.2), (0.9, 0.2)])
    assert np.abs(np.diff(editor.values)).max() < sharp


def test_the_paper_stays_still_under_the_pen(editor, qtbot):
    before = editor.frame().y.low, editor.frame().y.high
    canvas = editor.body
    qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=pixel(editor, 0.5, 0.1))
    qtbot.mouseMove(canvas, pixel(editor, 0.6, 0.3))
    assert (editor.frame().y.low, editor.frame().y.high) == before
    qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=pixel(editor, 0.6, 0.3))


def test_sensors_are_dragged_added_and_deleted(editor, qtbot):
    moved, ended = [], []
    editor.sensors_changed.connect(moved.append)
    editor.sensors_finished.connect(lambda before, after: ended.append(len(after)))
    (button,) = [child for child in editor.mode_buttons.children() if getattr(child, "text", str)() == "sensors"]
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert editor.mode == "sensors"
    drag(qtbot, editor, [(0.25, 0.0), (0.3, 0.0), (0.4, 0.0)])
    assert moved[-1][1] == pytest.approx(0.4, abs=0.02)
    drag(qtbot, editor, [(0.5, 0.0), (2.0, 0.0)])
    assert editor.sensors.max() <= 1.0
    qtbot.mouseClick(editor.body, Qt.MouseButton.LeftButton, pos=pixel(editor, 0.6, 0.1))
    assert len(editor.sensors) == 6
    qtbot.mouseClick(editor.body, Qt.MouseButton.RightButton, pos=pixel(editor, 0.0, 0.0))
    assert len(editor.sensors) == 5
    assert ended == [5, 5, 6, 5]


def test_a_function_needs_four_values_and_data_hold_the_sensors(editor):
    with pytest.raises(ValueError, match="4 values"):
        editor.set_function((0, 1), np.zeros(3))
    assert len(editor.data()["sensors"]) == 5
    assert editor.state()["interval"] == [0.0, 1.0]


@pytest.fixture
def field(qtbot):
    palette = BrushPalette(0.0, 20.0, 12.0)
    view = FieldEditor("a", "a", palette, phases=(12.0, 2.0), value_label="a")
    view.set_field(np.full((20, 20), 2.0))
    qtbot.addWidget(palette)
    return shown(qtbot, view)


def test_a_hard_brush_paints_a_band_and_shift_the_other_phase(field, qtbot):
    said, ended = [], []
    field.field_changed.connect(said.append)
    field.painting_finished.connect(lambda before, after: ended.append((before, after)))
    field.palette_box.radius_slider.set_value(0.11)
    drag(qtbot, field, [(0.2, 0.5), (0.8, 0.5)])
    painted = field.field
    assert set(np.unique(painted)) == {2.0, 12.0}
    assert (painted[9:11, 5:15] == 12).all()
    assert (painted[:5] == 2).all()
    assert said
    assert np.array_equal(ended[0][0], np.full((20, 20), 2.0))
    drag(qtbot, field, [(0.2, 0.5), (0.8, 0.5)], Qt.KeyboardModifier.ShiftModifier)
    assert (field.field[9:11, 5:15] == 2).all()


def test_a_soft_brush_fades_and_flip_exchanges_each_cell_once(field, qtbot):
    field.palette_box.radius_slider.set_value(0.3)
    field.palette_box.hardness_slider.set_value(0.0)
    drag(qtbot, field, [(0.5, 0.5), (0.5, 0.5)])
    assert len(np.unique(field.field)) > 5
    field.set_field(np.full((20, 20), 2.0))
    field.palette_box.hardness_slider.set_value(1.0)
    field.palette_box.tools.set_value("flip")
    drag(qtbot, field, [(0.3, 0.5), (0.7, 0.5), (0.3, 0.5)])
    assert (field.field[10, 7:13] == 12).all()


def test_a_disc_follows_the_mouse_and_gives_back_what_it_covered(field, qtbot):
    field.palette_box.tools.set_value("inclusion")
    field.palette_box.radius_slider.set_value(0.15)
    drag(qtbot, field, [(0.2, 0.2), (0.5, 0.5), (0.8, 0.8)])
    assert field.field[16, 16] == 12
    assert field.field[4, 4] == 2
    assert (field.field == 12).sum() < 40


def test_edits_are_undone_and_done_again():
    shown_values = []
    stack = QUndoStack()
    stack.push(Edit("paint", shown_values.append, 1, 2))
    assert shown_values == []
    stack.undo()
    stack.redo()
    assert shown_values == [1, 2]


def test_a_row_shares_colours_and_cursors_and_cuts_through_the_place(qtbot, tmp_path):
    row = shown(qtbot, FieldRow("f"), (900, 560))
    y, x = np.mgrid[0:1:32j, 0:1:32j]
    truth = np.sin(3 * x) * y
    row.set_input(x + y)
    row.set_fields(truth + 0.01, truth)
    assert row.prediction.levels == row.truth.levels == (truth.min(), truth.max())
    low, high = row.error.levels
    assert low == -high
    assert "L2" in row.error.title

    def is_seen():  # the display may put its own pointer's leave event after the first move
        qtbot.mouseMove(row.truth.body, pixel(row.truth, 0.5, 0.75))
        return row.prediction._cursor is not None

    qtbot.waitUntil(is_seen)
    assert row.prediction._cursor == pytest.approx((0.5, 0.75), abs=0.02)
    qtbot.mouseClick(row.truth.body, Qt.MouseButton.LeftButton, pos=pixel(row.truth, 0.5, 0.75))
    assert row.place == pytest.approx((0.5, 0.75), abs=0.02)
    assert any(
        np.allclose(values, truth[int(32 * row.place[1])])
        for values in row.section.data().values()
        if len(values) == 32
    )
    row.prediction.set_range((0.2, 0.4), (0.2, 0.4))
    row.prediction.range_changed.emit()
    assert row.truth.x_axis.low == pytest.approx(0.2)
    row.set_fields(truth, None)
    assert "rests" in row.truth.message
    row.set_fields(truth, truth)
    assert not row.truth.message
    row.truth.export(tmp_path / "t.png")
    assert (tmp_path / "t.png").stat().st_size > 1000


def test_power_of_a_wave_stands_at_its_number():
    x = np.arange(32) / 32
    k, power = radial_power(np.cos(2 * np.pi * 5 * x)[None] * np.ones((32, 1)))
    assert k[power.argmax()] == 5
    assert np.isfinite(radial_power(np.full((8, 8), np.nan))[1]).all()


def test_the_editor_takes_a_pick_outside_the_picture(field):
    field._press(Pick(-3.0, 5.0))
    field._release(Pick(-3.0, 5.0))
    assert field.field.shape == (20, 20)


def test_what_is_left_to_redraw_goes_with_the_views(qtbot):
    """A panel lays section and spectrum out elsewhere, and may be closed just after a field was shown."""
    row = FieldRow("late")
    row.row.setParent(None)
    qtbot.addWidget(row.row)
    row.set_fields(np.ones((16, 16)), np.ones((16, 16)))
    assert row._later.isActive()
    gone = []
    row._later.destroyed.connect(lambda: gone.append(True))
    row.below.setParent(None)
    row.below.deleteLater()
    qtbot.waitUntil(lambda: bool(gone))
    qtbot.wait(300)
