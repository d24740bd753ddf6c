"""The panel with its experiments behind it, in one process: drawn, edited by mouse, played, steered and restored."""

import os
import sys

import numpy as np
import pytest
import torch
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QUndoStack
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QMenu

from plugins.cm_hrnn import panel
from plugins.cm_hrnn.chords import NAMES
from plugins.cm_hrnn.experiments.inspecting import Inspect
from plugins.cm_hrnn.experiments.listen import Ablate, Compare, Harmony, Listen, Structure
from plugins.cm_hrnn.panel_score import Score
from plugins.cm_hrnn.representation import encode, lead_sheet, one_hot_events
from workbench.audio.player import Player
from workbench.compute.building import build, prepared
from workbench.sdk import MetricsBlock, MetricsHistory, Progress, UserError
from workbench.views.picks import Pick
from workbench.views.theme import theme

if sys.platform.startswith("linux") and not os.environ.get("DISPLAY") and not os.environ.get("WAYLAND_DISPLAY"):
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

TINY = {"steps": 3, "evaluate_every": 3, "hidden": 16, "batch": 4, "test_songs": 2, "songs": 12}
KINDS = {"Listen": Listen, "Compare": Compare, "Structure": Structure, "Harmony": Harmony, "Ablate": Ablate}
OWN = {"Compare": {"models": ("ad_rm3t_fc_rs", "attention")}, "Structure": {"models": ("ad_rm3t_fc_rs", "vanilla")},
       "Harmony": {"progressions": "C | G ; Am | F"}}  # fmt: skip


class Port:
    """Answers actions at once, as the worker would; keeps what was asked and said."""

    def __init__(self, experiment):
        self.undo_stack = QUndoStack()
        self.experiment, self.parameters = experiment, experiment.parameters
        self.asked, self.said, self.changed = [], [], []

    @torch.no_grad()
    def ask_latest(self, action, done, /, *, partial=None, failed=None, **arguments):
        self.asked.append((action, arguments))
        try:
            answer = getattr(self.experiment, action)(**arguments)
            while hasattr(answer, "send"):
                try:
                    said = next(answer)
                    if partial:
                        partial(said)
                except StopIteration as end:
                    answer = end.value
        except UserError as error:
            (failed or self.say)(str(error))
            return
        done(answer)

    def change_parameters(self, text, changes):
        self.changed.append(dict(changes))

    def say(self, sentence):
        self.said.append(sentence)


class SilentStream:
    """A sound card that hears nothing and whose time the test moves."""

    problem, underflows = "", 0

    def __init__(self, fill):
        self.fill, self.time = fill, 0.0

    def now(self):
        return self.time

    def close(self):
        pass


class Bench:
    """A view and its experiment."""

    def __init__(self, name, qtbot, **values):
        kind = {**KINDS, "Inspect": Inspect}[name]
        settings = {"steps": 3, "songs": 6} if name == "Inspect" else {**TINY, **OWN.get(name, {})}
        self.experiment = prepared(build(kind, {**settings, **values}))
        self.port = Port(self.experiment)
        self.player = Player(SilentStream)
        self.view = getattr(panel, f"{name}View")(self.port, player=self.player)
        qtbot.addWidget(self.view)
        qtbot.addWidget(self.view.play_controls())
        self.view.resize(980, 680)
        self.view.start_over()
        self.draw()
        self.settle()

    @torch.no_grad()
    def draw(self):
        self.view.show_frame(self.experiment.frame())

    def settle(self):
        """What follows a moment after the last change, at once."""
        if hasattr(self.view, "desk"):
            self.view.desk._settle.stop()
            self.view.desk._settled()

    def train(self):
        history = MetricsHistory()
        for said in self.experiment.run():
            if not isinstance(said, Progress):
                step = np.array([self.experiment.step])
                history.append(MetricsBlock({k: (step, np.array([float(v)])) for k, v in said.items()}))
        self.view.show_metrics(history)
        self.draw()
        self.settle()

    def show(self, qtbot):
        self.view.show()
        qtbot.waitExposed(self.view)
        self.view.grab()

    def at(self, beat, pitch):
        return self.view.desk.roll.frame().point(beat, pitch).toPoint()

    def drag(self, start, end, modifiers=Qt.KeyboardModifier.NoModifier, button=Qt.MouseButton.LeftButton):
        body = self.view.desk.roll.body
        QTest.mousePress(body, button, modifiers, start)
        QTest.mouseMove(body, (start + end) / 2)
        QTest.mouseMove(body, end)
        QTest.mouseRelease(body, button, modifiers, end)


@pytest.fixture
def bench(qtbot):
    theme().set_mode("light")
    made = []

    def make(name, **values):
        made.append(Bench(name, qtbot, **values))
        return made[-1]

    yield make
    for own in made:
        own.player.close()
    theme().set_mode("light")


@pytest.mark.parametrize("name", [*KINDS, "Inspect"])
def test_every_view_shows_something_before_and_after_training_in_both_themes_and_exports(bench, qtbot, name, tmp_path):
    own = bench(name)
    own.show(qtbot)
    roll = own.view.roll if name == "Inspect" else own.view.desk.roll
    assert len(roll.notes) > 5  # alive before training
    own.train()
    theme().set_mode("dark")
    tabs = own.view.tabs
    for index in range(tabs.count()):
        tabs.setCurrentIndex(index)
        own.view.grab()
    assert not own.port.said
    if name != "Inspect":
        own.view._next_note((own.view.desk.next_note, 0))
    for view in own.view.views():
        if view.name == "report":
            continue
        assert view.data(), view.name
        view.export(tmp_path / f"{view.name}.png")
        assert (tmp_path / f"{view.name}.png").stat().st_size > 500
    for suffix in (".svg", ".pdf", ".csv"):
        roll.export(tmp_path / f"roll{suffix}")
        assert (tmp_path / f"roll{suffix}").stat().st_size > 300


def test_notes_are_drawn_moved_stretched_and_deleted_by_mouse_and_each_step_can_be_undone(bench, qtbot):
    own = bench("Listen")
    own.show(qtbot)
    desk, roll = own.view.desk, own.view.desk.roll
    desk.edit(Score(chords=((0, 13),), length=128, primer=16).coloured(), "empty")
    roll.set_range(y=(52.0, 76.0))
    assert desk.shown is desk.entries[1]  # the live take was left as it is
    body = roll.body
    QTest.mouseClick(body, Qt.MouseButton.LeftButton, pos=own.at(4.1, 60))
    (note,) = desk.score.notes
    assert (note.start, note.length, note.pitch, note.kind) == (4.0, 1.0, 60, "tone")
    own.drag(own.at(8.05, 61), own.at(10.0, 61))
    assert [(n.start, n.length, n.pitch, n.kind) for n in desk.score.notes][1] == (8.0, 2.0, 61, "other")
    own.drag(own.at(8.5, 61), own.at(12.5, 64))
    assert [(n.start, n.pitch) for n in desk.score.notes] == [(4.0, 60), (12.0, 64)]
    edge = roll.note_rect(roll.frame(), roll.notes[1]).right() - 2
    own.drag(QPoint(int(edge), own.at(13, 64).y()), own.at(16.0, 64))
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


def test_a_note_drawn_into_another_cuts_it_since_melodies_have_one_voice(bench, qtbot):
    own = bench("Listen")
    own.show(qtbot)
    desk = own.view.desk
    desk.edit(Score(length=128), "empty")
    desk.roll.set_range(y=(52.0, 76.0))
    own.drag(own.at(0.05, 60), own.at(8.0, 60))
    QTest.mouseClick(desk.roll.body, Qt.MouseButton.LeftButton, pos=own.at(4.1, 65))
    notes = [(n.start, n.end, n.pitch) for n in desk.score.notes]
    assert notes[0] == (0.0, 4.0, 60)
    assert notes[1][0] == 4.0
    assert notes[1][2] == 65


def test_notes_are_selected_and_edited_by_keys_and_wheel(bench, qtbot):
    from PySide6.QtCore import QPointF
    from PySide6.QtGui import QWheelEvent
    from PySide6.QtWidgets import QApplication

    own = bench("Listen")
    own.show(qtbot)
    desk, roll = own.view.desk, own.view.desk.roll
    desk.edit(Score(length=128), "empty")
    roll.set_range(y=(48.0, 80.0))
    for beat, pitch in ((0, 60), (4, 62), (8, 64)):
        QTest.mouseClick(roll.body, Qt.MouseButton.LeftButton, pos=own.at(beat + 0.1, pitch))
    own.drag(own.at(3.5, 66), own.at(10.0, 58), Qt.KeyboardModifier.ShiftModifier)
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


def test_generate_streams_a_take_that_keeps_the_primer_and_the_chords(bench, qtbot):
    own = bench("Listen")
    own.show(qtbot)
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


def test_typed_chords_are_put_under_the_roll_and_nonsense_is_refused(bench, qtbot):
    own = bench("Listen")
    own.show(qtbot)
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


def test_a_chord_is_changed_from_its_menu_and_its_edge_is_dragged(bench, qtbot):
    own = bench("Listen")
    own.show(qtbot)
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
    own.drag(lane(8.0), lane(10.0))
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


def test_bars_are_kept_by_a_ctrl_click_in_the_ruler_and_come_back_in_the_next_take(bench, qtbot):
    own = bench("Listen")
    own.show(qtbot)
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


def test_it_plays_seeks_and_loops_with_the_playhead_and_pressed_keys(bench, qtbot):
    own = bench("Listen")
    own.show(qtbot)
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
    own.drag(ruler(4.0), ruler(11.6))
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
    own.show(qtbot)
    transport.play()
    qtbot.waitUntil(lambda: own.player.position > 0.1)
    transport._tick()
    assert transport.health.text() == "no sound"
    assert "no audio device" in transport.health.toolTip()
    transport.pause()


def test_the_keyboard_shows_next_note_probabilities_under_the_mouse(bench, qtbot):
    own = bench("Listen")
    own.show(qtbot)
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


def test_a_next_pitch_is_forced_by_a_click_and_the_rest_follows_from_there(bench, qtbot):
    own = bench("Listen")
    desk, view = own.view.desk, own.view
    own.show(qtbot)
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
    own.show(qtbot)
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


def test_patterns_and_bars_are_found_on_the_roll(bench, qtbot):
    own = bench("Inspect", corpus="synthetic")
    own.show(qtbot)
    view = own.view
    assert len(view._analysis.patterns) > 3
    view.patterns.clicked.emit(1)
    assert len(view.roll._shapes) == 1
    assert len(view.roll._shapes[0][0]) == len(view._analysis.patterns[1].occurrences)
    view.patterns.clicked.emit(1)
    assert len(view.roll._shapes) > 1
    view.likeness.kind.setCurrentText("rhythm")
    assert np.array_equal(view.likeness.values, view._analysis.similarity["rhythm"])
    view.pieces.clicked.emit(3)
    assert view.roll.title == "Generated song 4"
    assert not view.roll.is_editable
    own_melody = bench("Listen")
    own_melody.view.likeness.clicked.emit(Pick(0, 0, index=own_melody.view.desk.score.bars * 2 + 4))
    bars = {int(own_melody.view.desk.roll.notes[i].start // 4) for i in own_melody.view.desk.roll.selected}
    assert bars <= {2, 4}


def test_the_song_is_exported_in_every_format_from_the_menu(bench, monkeypatch, tmp_path):
    from plugins.cm_hrnn.importing import read_file

    own = bench("Listen")
    desk = own.view.desk
    for action in own.view._export.menu().actions():
        suffix = action.text()
        path = tmp_path / f"song{len(suffix)}"
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a, p=path, **k: (str(p), ""))
        action.trigger()
        assert own.port.said[-1].startswith("Written")
    written = {path.suffix for path in tmp_path.iterdir()}
    assert written == {".mid", ".musicxml", ".wav", ".csv", ".npy"}
    (sheet,) = read_file(next(tmp_path.glob("*.mid")))
    assert np.array_equal(sheet.notes, desk.score.note_rows())
    events = np.load(next(tmp_path.glob("*.npy")))
    assert events.shape[2] == 197
    desk.edit(Score(desk.score.notes[:5], desk.score.chords, desk.score.length), "shorter")
    desk.export(str(tmp_path / "edited.npy"))
    sheet = lead_sheet(desk.score.note_rows(), desk.score.chord_rows(), desk.score.length)
    assert np.array_equal(np.load(tmp_path / "edited.npy")[0], one_hot_events(encode(sheet)))


def test_files_are_opened_and_learnt_from_with_a_report(bench, monkeypatch, tmp_path):
    own = bench("Listen")
    song = own.experiment.corpus_song(1)
    own.experiment.save(str(tmp_path / "a.mid"), song)
    (tmp_path / "b.mid").write_bytes(b"nonsense")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *a, **k: (str(tmp_path / "a.mid"), ""))
    own.view._open.click()
    assert np.array_equal(own.view.desk.score.note_rows(), song.notes)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *a, **k: str(tmp_path))
    own.view._import.menu().actions()[1].trigger()
    assert own.port.changed == [{"corpus": "files", "files": str(tmp_path)}]
    assert "1 of 2 pieces can be used" in own.port.said[-1]
    assert "not a readable MIDI" in own.port.said[-1]
    assert own.view._import.isEnabled()
    inspect = bench("Inspect")
    inspect.view._folder.click()
    assert inspect.view.report.title.startswith("Import: 1 of 2")
    structure = bench("Structure")
    structure.train()
    structure.view.measure_folder(str(tmp_path))
    assert any("files:" in name for name in structure.view.boxes.names)


def test_primer_length_and_seed_are_set_in_the_controls(bench):
    own = bench("Listen")
    view = own.view
    view._bars.setValue(24)
    assert view.desk.score.length == 24 * 16
    view._primer.setValue(1)
    assert view.desk.score.primer == 16
    view._seed.setValue(7)
    view.desk.generate()
    assert [args for name, args in own.port.asked if name == "compose"][-1]["seed"] == 7
    before = len(view.desk.entries)
    view._next_song()
    assert len(view.desk.entries) == before + 1
    assert view.desk.shown.name.startswith("song:")


def test_the_score_that_a_person_works_on_comes_back(bench):
    own = bench("Listen")
    assert "score" not in own.view.state()
    own.view.desk.use_progression("Am | F")
    own.view.desk.generate()
    saved = own.view.state()
    other = bench("Listen")
    other.view.start_over()
    other.view.restore(saved)
    other.draw()
    assert other.view.desk.score.note_rows().tolist() == own.view.desk.score.note_rows().tolist()
    assert other.view.desk.score.chords == own.view.desk.score.chords
    other.view.restore({"score": {"notes": "nonsense"}})
    with pytest.raises(ValueError, match="not a score"):
        Score.of_plain({"notes": [[0, -1, 60, 80]], "chords": [[0, 1]], "length": 64, "primer": 0, "kept_bars": [],
                        "tempo": 100, "title": ""})  # fmt: skip


def test_networks_are_chosen_and_stand_side_by_side(bench):
    own = bench("Compare")
    view = own.view
    assert view._variant.count() == 2
    view._variant.setCurrentIndex(1)
    view._variant_chosen()
    assert view.desk.shown.score.title.startswith("Attention")
    view.desk.generate()
    assert view.desk.shown.variant == "attention"
    assert view.sides.data()
    own.settle()
    assert "one tier" in view.clock.message
