"""The key in which songs are shown, typed, played and exported, while networks are asked in C."""

import numpy as np
import pytest

from plugins.cm_hrnn.chords import NAMES
from plugins.cm_hrnn.contract import KEYS, ListenParameters, key_at, key_shift
from plugins.cm_hrnn.exports import in_key
from plugins.cm_hrnn.importing import read_file
from plugins.cm_hrnn.panel_desk import in_key as chances_in_key
from plugins.cm_hrnn.panel_score import Score
from plugins.cm_hrnn.representation import decode, encode, moved_events, transpose
from plugins.cm_hrnn.synthetic import synthetic_sheets
from tests.support.melody_bench import melody_benches


@pytest.fixture
def bench(qtbot):
    yield from melody_benches(qtbot)


def choose(own, key):
    own.view.parameters_changed(ListenParameters(key=key))


def with_song(own):
    """The desk with a real song on it: what untrained networks write goes from end to end of the keyboard."""
    own.view.desk.use_song(own.experiment.frame().seed_song, "song")
    return own.view.desk


def test_keys_are_the_nearer_way_from_c_and_back():
    assert [key_shift(key) for key in ("C", "G", "F", "D", "F#", "B")] == [0, -5, 5, 2, 6, -1]
    assert all(key_at(key_shift(key)) == key for key in KEYS)


@pytest.mark.parametrize("semitones", range(-5, 7))
def test_events_of_a_song_in_another_key_are_its_events_moved(semitones):
    sheet = synthetic_sheets(1, 3)[0].sheet
    moved = transpose(sheet, semitones)
    assert np.array_equal(encode(moved), moved_events(encode(sheet), semitones))
    assert decode(moved_events(encode(sheet), semitones)).equals(moved)


def test_everything_is_shown_in_the_key_and_comes_back(bench):
    own = bench("Listen")
    desk = with_song(own)
    before, lane = desk.roll.notes, desk.roll.chords
    choose(own, "D")
    assert [note.pitch for note in desk.roll.notes] == [note.pitch + 2 for note in before]
    assert [note.kind for note in desk.roll.notes] == [note.kind for note in before]
    names = [name for _, name in lane]
    assert [NAMES.index(name) for _, name in desk.roll.chords] == [
        0 if name == "N.C." else (NAMES.index(name) - 1 + 8) % 48 + 1 for name in names
    ]
    assert desk.transport.player._sequencer.notes.pitch.min() >= 0
    choose(own, "C")
    assert desk.roll.notes == before
    assert desk.roll.chords == lane


def test_networks_are_asked_in_c_and_answers_are_shown_in_the_key(bench):
    own = bench("Listen")
    desk = with_song(own)
    desk.generate()
    plain = [(name, args) for name, args in own.port.asked if name == "compose"][-1][1]
    in_c = desk.score.note_rows()
    desk.show_entry(desk.entries[1])
    choose(own, "Bb")
    own.settle()
    desk.generate()
    own.settle()
    asked = [(name, args) for name, args in own.port.asked if name == "compose"][-1][1]
    assert np.array_equal(asked["notes"], plain["notes"])
    assert np.array_equal(asked["chords"], plain["chords"])
    made = desk.score.note_rows()
    assert np.array_equal(made[:, :2], in_c[:, :2])
    assert not ((made[:, 2] + 2 - in_c[:, 2]) % 12).any()
    answer = desk.next_note
    keys = desk.roll.key_probabilities
    shown = next(row for row in answer.pitch if np.allclose(chances_in_key(row[2:], -2), keys))
    assert keys.argmax() == shown[2:].argmax() - 2


def test_edits_and_undo_stay_in_the_key_that_is_shown(bench):
    own = bench("Listen")
    desk = with_song(own)
    desk.edit(Score(desk.score.notes[:4], desk.score.chords, desk.score.length), "four notes")
    in_c = [note.pitch for note in desk.score.notes]
    choose(own, "E")
    desk.edit(Score(desk.score.notes[:2], desk.score.chords, desk.score.length, key=4), "two notes")
    choose(own, "A")
    own.port.undo_stack.undo()
    assert [note.pitch for note in desk.score.notes] == [pitch - 3 for pitch in in_c]
    assert Score.of_plain(desk.score.as_plain()).key == -3


def test_progressions_on_offer_are_taken_into_the_key_and_typed_ones_are_as_typed(bench):
    own = bench("Listen")
    desk = own.view.desk
    choose(own, "D")
    desk._preset_chosen("C | G | Am | F")
    assert [NAMES[chord] for _, chord in desk.score.chords[:4]] == ["D", "A", "Bm", "G"]
    desk.use_progression("D | Em | A7 | D")
    assert [NAMES[chord] for _, chord in desk.score.chords[:3]] == ["D", "Em", "A7"]
    assert desk.score.arguments()["chords"][0, 1] == NAMES.index("C")


def test_files_are_written_in_the_key_and_opened_in_their_own(bench, tmp_path):
    own = bench("Listen")
    desk = with_song(own)
    choose(own, "D")
    desk.export(str(tmp_path / "song.mid"))
    (sheet,) = read_file(tmp_path / "song.mid")
    assert np.array_equal(sheet.notes, desk.score.note_rows())
    assert np.array_equal(sheet.chords, desk.score.chord_rows())
    choose(own, "C")
    own.view.open_song(str(tmp_path / "song.mid"))
    assert own.port.changed[-1] == {"key": "D"}
    choose(own, "D")
    assert np.array_equal(desk.score.note_rows(), sheet.notes)
    assert np.array_equal(desk.score.arguments()["notes"][:, 2], sheet.notes[:, 2] - 2)


def test_a_run_leaves_its_files_in_the_key(bench, tmp_path):
    own = bench("Listen", key="Eb")
    own.experiment.save_artefacts(tmp_path)
    (sheet,) = read_file(tmp_path / "melody.mid")
    take = own.experiment.frame().takes[0]
    assert np.array_equal(sheet.notes, in_key(take.song, 3).notes)
