"""The roll and the chords edited by mouse, keys and typed words; every step can be undone."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu

from plugins.cm_hrnn.chords import NAMES
from plugins.cm_hrnn.panel_score import Score
from tests.support.melody_bench import melody_benches
from workbench.views.roll_notes import RollNote


@pytest.fixture
def bench(qtbot):
    yield from melody_benches(qtbot)


def test_notes_are_drawn_moved_stretched_and_deleted_by_mouse_and_each_step_can_be_undone(bench):
    own = bench("Listen")
    own.show()
    desk, roll = own.view.desk, own.view.desk.roll
    desk.edit(Score(chords=((0, 13),), length=128, primer=16).coloured(), "empty")
    roll.set_range(y=(52.0, 76.0))
    assert desk.shown is desk.entries[1]  # the live take was left as it is
    body = roll.body
    QTest.mouseClick(body, Qt.MouseButton.LeftButton, pos=own.at(4.1, 60))
    (note,) = desk.score.notes
    assert (note.start, note.length, note.pitch, note.kind) == (4.0, 1.0, 60, "tone")
    own.drag_roll(own.at(8.05, 61), own.at(10.0, 61))
    assert [(n.start, n.length, n.pitch, n.kind) for n in desk.score.notes][1] == (8.0, 2.0, 61, "other")
    own.drag_roll(own.at(8.5, 61), own.at(12.5, 64))
    assert [(n.start, n.pitch) for n in desk.score.notes] == [(4.0, 60), (12.0, 64)]
    edge = roll.note_rect(roll.frame(), roll.notes[1]).right() - 2
    own.drag_roll(QPoint(int(edge), own.at(13, 64).y()), own.at(16.0, 64))
    assert desk.score.notes[1].length == 4.0
    QTest.mouseClick(body, Qt.MouseButton.RightButton, pos=own.at(13.0, 64))
    assert len(desk.score.notes) == 1
    for expected in (2, 2, 2, 1, 0):
        own.port.undo_stack.undo()
        assert len(desk.score.notes) == expected
    own.port.undo_stack.redo()
    assert len(desk.score.notes) == 1
    own.draw()  # a frame does not take the person's notes away
    assert len(desk.score.notes) == 1


def test_a_note_drawn_into_another_cuts_it_since_melodies_have_one_voice(bench):
    own = bench("Listen")
    own.show()
    desk = own.view.desk
    desk.edit(Score(length=128), "empty")
    desk.roll.set_range(y=(52.0, 76.0))
    own.drag_roll(own.at(0.05, 60), own.at(8.0, 60))
    QTest.mouseClick(desk.roll.body, Qt.MouseButton.LeftButton, pos=own.at(4.1, 65))
    notes = [(n.start, n.end, n.pitch) for n in desk.score.notes]
    assert notes[0] == (0.0, 4.0, 60)
    assert notes[1][0] == 4.0
    assert notes[1][2] == 65


def test_notes_are_selected_and_edited_by_keys_and_wheel(bench):
    from PySide6.QtCore import QPointF
    from PySide6.QtGui import QWheelEvent
    from PySide6.QtWidgets import QApplication

    own = bench("Listen")
    own.show()
    desk, roll = own.view.desk, own.view.desk.roll
    desk.edit(Score(length=128), "empty")
    roll.set_range(y=(48.0, 80.0))
    for beat, pitch in ((0, 60), (4, 62), (8, 64)):
        QTest.mouseClick(roll.body, Qt.MouseButton.LeftButton, pos=own.at(beat + 0.1, pitch))
    own.drag_roll(own.at(3.5, 66), own.at(10.0, 58), modifiers=Qt.KeyboardModifier.ShiftModifier)
    assert roll.selected == {1, 2}
    QTest.keyClick(roll.body, Qt.Key.Key_Up)
    QTest.keyClick(roll.body, Qt.Key.Key_Up, Qt.KeyboardModifier.ShiftModifier)
    assert [n.pitch for n in desk.score.notes] == [60, 75, 77]
    QTest.keyClick(roll.body, Qt.Key.Key_Right)
    assert [n.start for n in desk.score.notes] == [0, 4.25, 8.25]
    where = QPointF(own.at(0.4, 60))
    wheel = QWheelEvent(where, roll.body.mapToGlobal(where), QPoint(), QPoint(0, 240), Qt.MouseButton.NoButton,
                        Qt.KeyboardModifier.AltModifier, Qt.ScrollPhase.NoScrollPhase, False)  # fmt: skip
    QApplication.sendEvent(roll.body, wheel)
    assert desk.score.notes[0].velocity == 100
    QTest.keyClick(roll.body, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    assert len(roll.selected) == 3
    QTest.keyClick(roll.body, Qt.Key.Key_Delete)
    assert not desk.score.notes
    own.port.undo_stack.undo()
    assert len(desk.score.notes) == 3


def test_typed_chords_are_put_under_the_roll_and_nonsense_is_refused(bench):
    own = bench("Listen")
    own.show()
    desk = own.view.desk
    desk.chord_text.setText("Am7 | Dm7 G7 | Cmaj7")
    QTest.keyClick(desk.chord_text, Qt.Key.Key_Return)
    names = [NAMES[chord] for _, chord in desk.score.chords[:4]]
    assert names == ["Am", "Dm", "G7", "C"]
    assert desk.score.chords[4][0] == 48  # the progression comes again
    assert [text for _, text in desk.roll.chords][:2] == ["Am", "Dm"]
    kept = desk.score
    desk.chord_text.setText("Am7 | Hm")
    QTest.keyClick(desk.chord_text, Qt.Key.Key_Return)
    assert "not a chord" in own.port.said[-1]
    assert desk.score is kept
    own.port.undo_stack.undo()
    assert desk.score.chords != kept.chords
    desk.presets.menu().actions()[0].trigger()
    assert [NAMES[chord] for _, chord in desk.score.chords[:4]] == ["C", "G", "Am", "F"]


def test_a_chord_is_changed_from_its_menu_and_its_edge_is_dragged(bench):
    own = bench("Listen")
    own.show()
    desk, roll = own.view.desk, own.view.desk.roll
    desk.use_progression("C | G | Am | F")
    lane = lambda beat: QPoint(own.at(beat, 60).x(), int(roll.lane_rect(roll.frame()).center().y()))  # noqa: E731
    clicked = []
    roll.chord_clicked.connect(clicked.append)
    QTest.mouseClick(roll.body, Qt.MouseButton.LeftButton, pos=lane(5.0))
    assert clicked == [1]
    menu = desk.chord_menu(1)
    roots = menu.findChildren(QMenu)
    next(a for a in [each for sub in roots for each in sub.actions()] if a.text() == "Em").trigger()
    assert NAMES[desk.score.chords[1][1]] == "Em"
    own.drag_roll(lane(8.0), lane(10.0))
    assert desk.score.chords[2][0] == 40
    menus = [desk.chord_menu(0)]
    next(a for a in menus[0].actions() if a.text() == "Split in two").trigger()
    assert [start for start, _ in desk.score.chords[:3]] == [0, 8, 16]
    menus.append(desk.chord_menu(1))
    next(a for a in menus[1].actions() if a.text().startswith("Join")).trigger()
    assert desk.score.chords[1][0] == 16
    for _ in range(4):
        own.port.undo_stack.undo()
    assert [NAMES[c] for _, c in desk.score.chords[:4]] == ["C", "G", "Am", "F"]


def test_a_chord_edit_generates_again_from_the_first_changed_chord(bench):
    own = bench("Listen")
    desk = own.view.desk
    desk.use_progression("C | G | Am | F")
    desk.generate()
    before = desk.score
    own.view._auto.setChecked(True)
    changed = next(i for i, (start, _) in enumerate(before.chords) if start >= 144)
    desk._set_chord(changed, 5)
    asked = [args for name, args in own.port.asked if name == "compose"][-1]
    assert asked["primer"] == before.chords[changed][0]
    cut = before.chords[changed][0] / 4
    early = lambda s: [(n.start, n.pitch) for n in s.notes if n.end <= cut]  # noqa: E731
    assert early(desk.score) == early(before)


def test_bars_are_kept_by_a_ctrl_click_in_the_ruler_and_come_back_in_the_next_take(bench):
    own = bench("Listen")
    own.show()
    desk, roll = own.view.desk, own.view.desk.roll
    ruler = QPoint(own.at(4 * 8 + 1, 60).x(), int(roll.ruler_rect(roll.frame()).center().y()))
    QTest.mouseClick(roll.body, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ControlModifier, ruler)
    assert desk.score.kept_bars == {8}
    own.port.said.clear()
    before = desk.score
    desk.vary()
    inside = lambda s: [(n.start, n.pitch) for n in s.notes if 32 < n.start < 36]  # noqa: E731
    assert inside(desk.score) == inside(before)
    assert not own.port.said


def test_a_chord_is_dragged_to_another_place_and_the_others_move_along(bench):
    own = bench("Listen")
    own.show()
    desk, roll = own.view.desk, own.view.desk.roll
    desk.edit(desk.score.with_chords(desk.score.chord_rows()[:1], 64), "four bars")
    desk.use_progression("C | G | Am | F")
    lane = lambda beat: QPoint(own.at(beat, 60).x(), int(roll.lane_rect(roll.frame()).center().y()))  # noqa: E731
    names = lambda: [NAMES[chord] for _, chord in desk.score.chords]  # noqa: E731
    clicked = []
    roll.chord_clicked.connect(clicked.append)
    own.drag_roll(lane(2.0), lane(10.0))
    assert names() == ["G", "Am", "C", "F"]
    own.drag_roll(lane(14.0), lane(1.5))
    assert names() == ["F", "G", "Am", "C"]
    assert [onset for onset, _ in desk.score.chords] == [0, 16, 32, 48]
    assert not clicked
    own.port.undo_stack.undo()
    own.port.undo_stack.undo()
    assert names() == ["C", "G", "Am", "F"]


def test_half_a_bar_gets_a_chord_of_its_own(bench):
    own = bench("Listen")
    own.show()
    desk, roll = own.view.desk, own.view.desk.roll
    desk.edit(desk.score.with_chords(desk.score.chord_rows()[:1], 64), "four bars")
    desk.use_progression("C | C | C | F")
    halves = []
    desk.chord_menu = lambda index, half, real=desk.chord_menu: halves.append((index, half)) or real(index, half)
    place = QPoint(own.at(6.5, 60).x(), int(roll.lane_rect(roll.frame()).center().y()))
    QTest.mouseClick(roll.body, Qt.MouseButton.LeftButton, pos=place)
    assert halves == [(0, 3)]
    menu = type(desk).chord_menu(desk, 0, 3)
    (only,) = [sub for sub in menu.findChildren(QMenu) if sub.title().startswith("Only")]
    assert only.title() == "Only the second half of bar 2"
    roots = only.findChildren(QMenu)
    next(a for a in [each for sub in roots for each in sub.actions()] if a.text() == "Am").trigger()
    assert [(onset, NAMES[chord]) for onset, chord in desk.score.chords] == [
        (0, "C"), (24, "Am"), (32, "C"), (48, "F"),
    ]  # fmt: skip


def test_notes_that_go_on_over_a_bar_or_a_chord_show_their_joins(bench):
    own = bench("Listen")
    own.show()
    desk, roll = own.view.desk, own.view.desk.roll
    score = Score((RollNote(1.0, 8.0, 64), RollNote(10.0, 1.0, 64)), ((0, 13), (24, 2)), 64)
    desk.edit(score.coloured(), "long notes")
    assert roll.shows_joins
    assert [roll.joins_of(note) for note in roll.notes] == [[4.0, 6.0, 8.0], []]
    with_joins = roll.grab().toImage()
    roll.shows_joins = False
    roll.refresh()
    assert roll.grab().toImage() != with_joins
