"""Generating, playing and steering: takes stream in, the playhead moves, next notes are shown and forced."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from tests.support.melody_bench import melody_benches
from tests.support.soundfonts import write_soundfont
from workbench.audio.choice import SoundChoice
from workbench.audio.synth import render


@pytest.fixture
def bench(qtbot):
    yield from melody_benches(qtbot)


def test_generate_streams_a_take_that_keeps_the_primer_and_the_chords(bench):
    own = bench("Listen")
    own.show()
    desk, shown = own.view.desk, []
    plain = desk.roll.set_notes
    desk.roll.set_notes = lambda notes, **keys: (shown.append(len(notes)), plain(notes, **keys))[1]
    before = desk.score
    QTest.mouseClick(desk.generate_button, Qt.MouseButton.LeftButton)
    assert len(set(shown)) >= 3  # notes came in little by little
    assert not desk.is_composing
    entry = desk.shown
    assert entry.name.startswith("take 1: 3t+a+rs, seed 0")
    inside = lambda s: [(n.start, n.pitch) for n in s.notes if n.start < before.primer / 4][:-1]  # noqa: E731
    assert inside(entry.score) == inside(before)
    assert entry.score.chords == before.chords
    QTest.mouseClick(desk.vary_button, Qt.MouseButton.LeftButton)
    assert "seed 1" in desk.shown.name
    assert desk.shown.score.notes != entry.score.notes
    desk.ghost_button.click()
    assert len(desk.roll._ghosts) == len(entry.score.notes)
    own.port.undo_stack.undo()
    assert desk.shown is entry
    own.port.undo_stack.redo()
    assert len(desk.entries) == 3
    QTest.mouseClick(desk.remove_button, Qt.MouseButton.LeftButton)
    assert len(desk.entries) == 2
    own.port.undo_stack.undo()
    assert len(desk.entries) == 3
    desk.takes.setCurrentIndex(0)
    desk.takes.activated.emit(0)
    assert desk.shown.is_live
    assert not desk.remove_button.isEnabled()
    assert "cannot" in desk.remove_button.toolTip()
    QTest.mouseClick(desk.keep_button, Qt.MouseButton.LeftButton)
    assert "kept" in desk.shown.name


def test_it_plays_seeks_and_loops_with_the_playhead_and_pressed_keys(bench, qtbot):
    own = bench("Listen")
    own.show()
    desk, roll = own.view.desk, own.view.desk.roll
    transport = desk.transport
    ruler = lambda beat: QPoint(own.at(beat, 60).x(), int(roll.ruler_rect(roll.frame()).center().y()))  # noqa: E731
    QTest.mouseClick(roll.body, Qt.MouseButton.LeftButton, pos=ruler(8.0))
    assert roll.playhead == pytest.approx(8.0, abs=0.25)
    QTest.mouseClick(transport.play_button, Qt.MouseButton.LeftButton)
    assert transport.is_playing
    qtbot.waitUntil(lambda: own.player._buffered > 5000)
    own.player._stream.time = 1.0
    transport._tick()
    assert roll.playhead > 8.0
    own.drag_roll(ruler(4.0), ruler(11.6))
    assert roll.loop == (4.0, 12.0)
    assert transport.loop_button.isChecked()
    assert own.player._sequencer.loop == (4.0, 12.0)
    transport.tempo_box.setValue(150)
    assert own.player.tempo == 150
    QTest.mouseClick(transport.play_button, Qt.MouseButton.LeftButton)
    assert not transport.is_playing
    transport.back_button.click()
    assert roll.playhead == 4.0
    transport.loop_button.click()
    assert own.player._sequencer.loop is None


def test_without_an_audio_device_playback_says_so_in_place(bench, qtbot):
    from workbench.audio.player import Clock

    own = bench("Listen")
    transport = own.view.desk.transport
    own.player._open_stream = lambda fill: Clock(fill, "No sound: no audio device.")
    own.show()
    transport.play()
    qtbot.waitUntil(lambda: own.player.position > 0.1)
    transport._tick()
    assert transport.health.text() == "no sound"
    assert "no audio device" in transport.health.toolTip()
    transport.pause()


def test_the_keyboard_shows_next_note_probabilities_under_the_mouse(bench, qtbot):
    own = bench("Listen")
    own.show()
    desk = own.view.desk
    answer = desk.next_note
    own.view.tabs.setCurrentIndex([own.view.tabs.tabText(i) for i in range(own.view.tabs.count())].index("Next note"))
    row = len(answer.starts) // 2
    QTest.mouseMove(desk.roll.body, own.at(answer.starts[row] / 4 + 0.05, 66))
    qtbot.waitUntil(lambda: np.array_equal(desk.roll.key_probabilities, answer.pitch[row, 2:]))
    assert f"beat {answer.starts[row] % 16 / 4 + 1:g}" in own.view.next_pitches.title
    early = own.at(0.1, 66)
    QTest.mouseMove(desk.roll.body, early)
    qtbot.waitUntil(lambda: desk.roll.key_probabilities is None)


def test_a_next_pitch_is_forced_by_a_click_and_the_rest_follows_from_there(bench):
    own = bench("Listen")
    desk, view = own.view.desk, own.view
    own.show()
    view.tabs.setCurrentIndex([view.tabs.tabText(i) for i in range(view.tabs.count())].index("Next note"))
    row = len(desk.next_note.starts) // 2
    view._next_note((desk.next_note, row))
    choice = next(i for i, code in enumerate(view.next_pitches.codes) if code >= 2)
    time, pitch = view.next_pitches.time, view.next_pitches.codes[choice] - 2
    view.next_pitches.clicked.emit(choice)
    forced = [n for n in desk.score.notes if round(n.start * 4) == time]
    assert [n.pitch for n in forced] == [pitch]


def test_dragging_a_tick_of_the_slow_tier_copies_its_summary(bench, qtbot):
    own = bench("Listen")
    own.show()
    view = own.view
    view.tabs.setCurrentIndex([view.tabs.tabText(i) for i in range(view.tabs.count())].index("Clock"))
    own.view.desk.generate()
    own.settle()
    clock = view.clock
    qtbot.waitUntil(lambda: clock.isVisible())
    clock.grab()
    ticks = clock._ticks[0]
    assert ticks.tier == "bar tier"
    assert len(ticks.times) >= 3
    frame = clock.frame()
    middle = lambda i: frame.point(float(ticks.times[i]) + 2.0, 2.0).toPoint()  # noqa: E731
    QTest.mousePress(clock.body, Qt.MouseButton.LeftButton, pos=middle(0))
    QTest.mouseMove(clock.body, middle(2))
    QTest.mouseRelease(clock.body, Qt.MouseButton.LeftButton, pos=middle(2))
    asked = [args for name, args in own.port.asked if name == "compose"][-1]
    assert asked["copies"] == {2: 0}
    assert "summary of tick 1" in own.port.said[-1]


def test_the_tiers_light_up_as_they_tick_and_the_dial_fills_with_the_bar(bench):
    own = bench("Listen")
    own.show()
    view, desk = own.view, own.view.desk
    desk.generate()
    own.settle()
    slow, middle, event = view.clock._ticks
    assert view.clock.lit == ()
    QTest.mouseClick(desk.transport.play_button, Qt.MouseButton.LeftButton)
    desk.transport.seek(float(middle.times[1]) / 4)
    assert view.clock.lit == (
        int((slow.times <= middle.times[1]).sum()) - 1, 1, int((event.times <= middle.times[1]).sum()) - 1,
    )  # fmt: skip
    desk.transport.seek(0.0)
    assert view.clock.lit == (-1, -1, -1)
    QTest.mouseClick(desk.transport.play_button, Qt.MouseButton.LeftButton)
    assert view.clock.lit == ()
    answer = desk.next_note
    row = int((answer.elapsed == 4).nonzero()[0][0])
    view.next_durations.show_answer(answer, row)
    assert view.next_durations.dial.filled == 4
    assert "4/16" in view.next_durations.dial.toolTip()
    full = view.next_durations.dial.grab().toImage()
    view.next_durations.show_answer(None, -1)
    assert view.next_durations.dial.filled is None
    assert view.next_durations.dial.grab().toImage() != full


def test_a_soundfont_is_heard_and_exported(bench, qtbot, tmp_path):
    own = bench("Listen")
    own.show()
    desk = own.view.desk
    desk.export(str(tmp_path / "synth.wav"))
    file = write_soundfont(tmp_path / "own.sf2")
    desk.transport.sound_button.choose(SoundChoice(str(file)))
    qtbot.waitUntil(lambda: own.player._sequencer.bank is not None)
    desk.export(str(tmp_path / "font.wav"))
    assert own.port.said[-1].startswith("Written")
    assert (tmp_path / "font.wav").read_bytes() != (tmp_path / "synth.wav").read_bytes()
    truth = render(desk.score.sound(), tempo=desk.score.tempo, bank=desk.transport.sound_button.bank)
    assert len((tmp_path / "font.wav").read_bytes()) == 44 + 2 * len(truth)
    file.unlink()
    bad = tmp_path / "bad.sf2"
    bad.write_bytes(b"RIFF0000sfbk")
    desk.transport.sound_button.choose(SoundChoice(str(bad)))
    qtbot.waitUntil(lambda: own.port.said[-1].startswith("bad.sf2 cannot be used"))
    assert own.player._sequencer.bank is desk.transport.sound_button.bank
