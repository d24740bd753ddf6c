"""The piano roll by itself: edits as pure functions, drawing, zoom, playhead, lanes."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from workbench.views import PianoRoll, RollNote
from workbench.views.piano_keys import KEYS
from workbench.views.roll_notes import louder, moved, pitch_name, resized, without_overlaps

note = st.builds(
    RollNote, st.integers(0, 60).map(lambda k: k / 4), st.integers(1, 16).map(lambda k: k / 4), st.integers(40, 80)
)
notes = st.lists(note, min_size=1, max_size=12)


@given(notes, st.data())
def test_after_an_edit_notes_never_overlap_and_the_placed_ones_stay(own, data):
    winner = data.draw(st.integers(0, len(own) - 1))
    made = without_overlaps(own, {winner})
    assert own[winner] in made
    for first, second in pairwise(made):
        assert first.end <= second.start + 1e-9
    assert all(each.length > 0 for each in made)


@given(notes, st.floats(-30, 30), st.integers(-90, 90))
def test_moving_keeps_the_chosen_notes_together_and_inside(own, beats, semitones):
    chosen = set(range(0, len(own), 2))
    made = moved(own, chosen, round(beats * 4) / 4, semitones, 40.0)
    shifts = {
        (round(b.start - a.start, 6), b.pitch - a.pitch)
        for i, (a, b) in enumerate(zip(own, made, strict=True))
        if i in chosen
    }
    assert len(shifts) == 1
    assert all(made[i] == own[i] for i in range(len(own)) if i not in chosen)
    assert all(each.start >= 0 and each.end <= 40 + 1e-9 and 0 <= each.pitch <= 127 for each in made)


def test_stretching_and_loudness_keep_to_their_limits():
    own = [RollNote(0, 1, 60, 100), RollNote(4, 1, 62, 20)]
    assert [each.length for each in resized(own, {0, 1}, -5, 0.25, 16)] == [0.25, 0.25]
    assert resized(own, {1}, 100, 0.25, 16)[1].end == 16
    assert [each.velocity for each in louder(own, {0, 1}, 60)] == [127, 80]
    assert [each.velocity for each in louder(own, {0, 1}, -60)] == [40, 1]
    assert [pitch_name(p) for p in (60, 61, 69, 0, 127)] == ["C4", "C♯4", "A4", "C-1", "G9"]


def make(count=8):
    view = PianoRoll("roll", "Roll")
    view.set_notes([RollNote(i, 1, 60 + i) for i in range(count)], length=16.0)
    view.set_chords([(0.0, "C"), (8.0, "G7")])
    return view


def test_it_draws_in_both_themes_with_everything_on_it(show, tmp_path):
    from workbench.views.theme import theme

    view = show(make(), 700, 300)
    view.set_ghosts([RollNote(2, 2, 66)])
    view.set_shapes([([np.array([(0.0, 60), (1.0, 61)]), np.array([(4.0, 64), (5.0, 65)])], 2)])
    view.set_kept_bars([1])
    view.set_loop((4.0, 8.0))
    view.set_primer(4.0)
    view.set_keys(np.full(128, 1 / 128))
    view.set_playhead(5.0)
    for mode in ("light", "dark"):
        theme().set_mode(mode)
        assert not view.grab().isNull()
    for suffix in (".png", ".svg", ".pdf", ".csv", ".npz"):
        view.export(tmp_path / f"roll{suffix}")
        assert (tmp_path / f"roll{suffix}").stat().st_size > 100
    assert view.data()["pitch"].tolist() == list(range(60, 68))


def test_the_keyboard_stands_left_of_the_notes_and_the_lane_below(show):
    view = show(make(), 700, 300)
    frame = view.frame()
    assert frame.rect.left() >= KEYS
    assert view.lane_rect(frame).top() > frame.rect.bottom()
    assert view.ruler_rect(frame).bottom() <= frame.rect.top() + 1
    assert view.chord_at(frame, view.lane_rect(frame).center()) == 1
    assert frame.data(frame.rect.topRight())[0] == pytest.approx(16.0)


def test_the_page_turns_when_the_playhead_leaves_it(show):
    view = show(make(), 700, 300)
    view.set_playhead(12.0, follows=True)
    assert view.x_axis.low == 0  # all of it is shown: no page to turn
    view.set_range(x=(0.0, 4.0))
    view.set_playhead(6.0, follows=True)
    assert view.x_axis.low <= 6.0 <= view.x_axis.high
    assert view.x_axis.high - view.x_axis.low == pytest.approx(4.0)
    view.set_playhead(15.9, follows=True)
    assert view.x_axis.high <= 16.0 + 1e-9


def test_a_roll_that_is_not_editable_selects_and_never_changes(show):
    view = show(make(), 700, 300)
    view.is_editable = False
    clicked, edited = [], []
    view.note_clicked.connect(clicked.append)
    view.edited.connect(lambda *own: edited.append(own))
    at = lambda beat, pitch: view.frame().point(beat, pitch).toPoint()  # noqa: E731
    QTest.mouseClick(view.body, Qt.MouseButton.LeftButton, pos=at(2.5, 62))
    assert clicked == [2]
    QTest.mouseClick(view.body, Qt.MouseButton.LeftButton, pos=at(12.5, 62))
    QTest.mousePress(view.body, Qt.MouseButton.RightButton, pos=at(3.5, 63))
    QTest.mouseMove(view.body, at(3.6, 63) + QPoint(1, 0))
    QTest.keyClick(view.body, Qt.Key.Key_Delete)
    assert not edited
    assert len(view.notes) == 8


def test_zoom_is_restored(show):
    view = show(make(), 700, 300)
    view.set_range(x=(2.0, 6.0), y=(58.0, 70.0))
    other = make()
    other.restore(view.state())
    assert (other.x_axis.low, other.x_axis.high) == (2.0, 6.0)


def test_boxes_show_quartiles_and_leave_out_nan(show):
    from workbench.views import BoxesView

    view = show(BoxesView("boxes", "Boxes", "value"), 400, 300)
    view.set_values({"a": np.array([1.0, 2.0, 3.0, np.nan]), "b": np.zeros(0)})
    view.grab()
    assert view.data()["a"].tolist() == [1, 2, 3]
    assert view.names == ("a", "b")
    frame = view.frame()
    text = view.read_out(frame, frame.point(0, 2.0)).lines
    assert "3 values" in text[0][1]
    assert "median 2" in text[1][1]
    view.set_values({"a": np.array([np.nan])})
    assert "no values" in view.message
