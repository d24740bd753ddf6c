"""The panel: every view drawn, networks chosen, files and songs, what comes back at the next start."""

import mido
import numpy as np
import pytest

from plugins.cm_hrnn.panel_score import Score
from plugins.cm_hrnn.representation import encode, lead_sheet, one_hot_events
from tests.support.choosing import choose, open_dialog
from tests.support.melody_bench import KINDS, melody_benches
from workbench.sdk import Progress
from workbench.views.picks import Pick
from workbench.views.theme import theme


@pytest.fixture
def bench(qtbot):
    yield from melody_benches(qtbot)


@pytest.mark.parametrize("name", [*KINDS, "Inspect"])
def test_every_view_shows_something_before_and_after_training_in_both_themes_and_exports(bench, name, tmp_path):
    own = bench(name)
    own.show()
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


def test_patterns_and_bars_are_found_on_the_roll(bench):
    own = bench("Inspect", corpus="synthetic")
    own.show()
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
    for index, action in enumerate(own.view._export.menu().actions()):
        action.trigger()
        choose(tmp_path / f"song{index}.{open_dialog().defaultSuffix()}")
        assert own.port.said[-1].startswith("Written")
    written = {path.suffix for path in tmp_path.iterdir()}
    assert written == {".mid", ".musicxml", ".wav", ".csv", ".npy"}
    (sheet,) = read_file(tmp_path / "song0.mid")
    assert np.array_equal(sheet.notes, desk.score.note_rows())
    assert [track.name for track in mido.MidiFile(tmp_path / "song0.mid").tracks][1:] == ["Melody", "Chords"]
    assert [track.name for track in mido.MidiFile(tmp_path / "song1.mid").tracks][1:] == ["Melody"]
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
    own.view._open.click()
    choose(tmp_path / "a.mid")
    assert np.array_equal(own.view.desk.score.note_rows(), song.notes)
    own.view._import.menu().actions()[1].trigger()
    choose(tmp_path)
    assert own.port.changed == [{"corpus": "files", "files": str(tmp_path)}]
    assert "1 of 2 pieces can be used" in own.port.said[-1]
    assert "not a readable MIDI" in own.port.said[-1]
    assert own.view._import.isEnabled()
    inspect = bench("Inspect")
    inspect.view._folder.click()
    choose(tmp_path)
    assert inspect.view.report.title.startswith("Import: 1 of 2")
    structure = bench("Structure")
    structure.train()
    structure.view.measure_folder(str(tmp_path))
    assert any("files:" in name for name in structure.view.boxes.names)


@pytest.mark.parametrize(
    ("name", "told"), [("Listen", lambda view: view._import.text()), ("Inspect", lambda view: view.report.title)]
)
def test_an_import_tells_how_far_it_is_and_its_buttons_come_back_as_they_were(bench, name, told):
    own = bench(name)
    view, pending = own.view, []
    own.port.ask_latest = lambda action, done, /, **how: pending.append(how)
    buttons = view.import_buttons()
    before = [(button.text(), button.toolTip()) for button in buttons]
    view.import_paths(["one.mid"])
    pending[-1]["partial"](Progress("50 % of one.mid", 0.5))
    assert told(view).startswith("50 %")
    view.import_paths(["two.mid"])  # chosen in a dialog that was still open
    assert not any(button.isEnabled() for button in buttons)
    pending[-1]["failed"]("There is no two.mid.")
    assert own.port.said == ["There is no two.mid."]
    assert [(button.text(), button.toolTip()) for button in buttons] == before
    assert all(button.isEnabled() for button in buttons)
    assert own.port.changed == []


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


def test_the_share_of_right_pitches_is_drawn_while_it_learns(bench):
    for name, series in (("Listen", "pitch accuracy"), ("Compare", "pitch accuracy/attention")):
        own = bench(name)
        own.train()
        values = own.view.quality.data()
        assert any("pitch accuracy" in key for key in values), series
