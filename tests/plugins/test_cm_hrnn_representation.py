"""Lead sheets and events are the same thing; the published layout; chords by name; tiers' inputs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.cm_hrnn import chords, corpus, representation, synthetic
from plugins.cm_hrnn.corpus import CHORALES, cut_windows, load_sheets, save_sheets, split_songs
from plugins.cm_hrnn.harmony import semitones_to_c, template_chords
from plugins.cm_hrnn.importing import key_weights
from plugins.cm_hrnn.representation import decode, encode, lead_sheet
from workbench.sdk import UserError


@st.composite
def sheets(draw):
    """Any lead sheet: notes and rests of any length, chords anywhere, a last bar that may be short."""
    now, notes = 0, []
    for _ in range(draw(st.integers(0, 25))):
        now += draw(st.integers(0, 20))
        length = draw(st.integers(1, 40))
        notes.append((now, length, draw(st.integers(0, 127))))
        now += length
    length = max(1, now + draw(st.integers(0, 33)))
    harmony = draw(st.lists(st.tuples(st.integers(0, length - 1), st.integers(0, 48)), max_size=12))
    return lead_sheet(notes, harmony, length)


@given(sheets())
@settings(max_examples=150, deadline=None)
def test_decoding_an_encoded_lead_sheet_gives_it_back(sheet):
    events = encode(sheet)
    assert decode(events).equals(sheet)
    assert int((events[:, 2] + 1).sum()) == sheet.length
    again = representation.events_of_one_hot(representation.one_hot_events(events))
    assert np.array_equal(again, events)


@given(sheets())
@settings(max_examples=60, deadline=None)
def test_events_lie_in_one_bar_and_under_one_chord_and_bar_flags_stand_at_bar_lines(sheet):
    events = encode(sheet)
    ends = np.cumsum(events[:, 2] + 1)
    starts = ends - events[:, 2] - 1
    assert (starts // 16 == (ends - 1) // 16).all()
    assert np.array_equal(events[:, 0] == 1, starts % 16 == 0)
    for start, end, chord in zip(starts, ends, events[:, 1], strict=True):
        assert (chords.chords_at(sheet.chords, np.arange(start, end)) == chord).all()


def test_every_embedded_chorale_survives_and_is_in_c_or_a_minor():
    sheets = load_sheets(CHORALES)
    assert len(sheets) == 353
    assert all(decode(encode(sheet)).equals(sheet) for sheet in sheets)
    keys = [semitones_to_c(key_weights(sheet)) for sheet in sheets]
    assert np.mean(np.array(keys) == 0) > 0.9


def test_the_published_layout_has_four_ones_in_197_numbers():
    sheet = lead_sheet([(0, 4, 60), (4, 20, 64)], [(0, 13), (8, 43)], 32)
    array = representation.one_hot_events(encode(sheet))
    assert array.shape == (len(encode(sheet)), 197)
    assert (array.sum(1) == 4).all()
    # bar, C major, a quarter, middle C
    assert np.flatnonzero(array[0]).tolist() == [1, 2 + 13, 51 + 3, 67 + 62]
    assert array[2, 67 + 1] == 1  # the long note goes on under the next chord
    with pytest.raises(ValueError, match="197"):
        representation.events_of_one_hot(array[:, :-1])
    array[0, 0] = 1
    with pytest.raises(ValueError, match="exactly one"):
        representation.events_of_one_hot(array)


def test_chord_classes_are_the_published_ones():
    assert [chords.parsed_chord(name) for name in ("C", "Am", "G7", "G#dim", "Cm", "N.C.")] == [13, 2, 43, 48, 14, 0]
    assert chords.chord_pitches(2) == (69, 60, 64)
    assert chords.NAMES[13] == "C"
    assert all(chords.parsed_chord(name) == index for index, name in enumerate(chords.NAMES))


@pytest.mark.parametrize(
    ("symbol", "name"),
    [("Cmaj7", "C"), ("CM7", "C"), ("C6", "C"), ("Csus4", "C"), ("C5", "C"), ("Caug", "C"), ("Cm7", "Cm"),
     ("Cmin", "Cm"),
     ("C-7", "Cm"), ("Cmaj9", "C"), ("C9", "C7"), ("C13", "C7"), ("C7#9", "C7"), ("Cm7b5", "Cdim"), ("Cdim7", "Cdim"),
     ("Cø7", "Cdim"), ("Bb", "A#"), ("Ebm", "D#m"), ("Cb", "B"), ("E/G#", "E"), ("F♯m", "F#m")],
)  # fmt: skip
def test_other_qualities_fold_on_four_modes(symbol, name):
    assert chords.NAMES[chords.parsed_chord(symbol)] == name


@pytest.mark.parametrize("word", ["H", "Cfoo", "", "7", "C??", "|"])
def test_what_is_no_chord_is_refused_with_a_sentence(word):
    with pytest.raises(ValueError, match=r"not a chord|not known"):
        chords.parsed_chord(word)


def test_a_typed_progression_shares_bars_evenly():
    rows = chords.parsed_progression("Am7 | Dm7 G7 | Cmaj7 | % | C F G")
    names = [(start, chords.NAMES[chord]) for start, chord in rows.tolist()]
    assert names == [(0, "Am"), (16, "Dm"), (24, "G7"), (32, "C"), (72, "F"), (76, "G")]
    assert chords.progression_bars("Am7 | Dm7 G7 | Cmaj7 | % | C F G") == 5
    assert chords.progression_text(rows[:4], 48) == "Am | Dm G7 | C"
    with pytest.raises(ValueError, match="5 chords"):
        chords.parsed_progression("C D E F G")
    with pytest.raises(ValueError, match="empty"):
        chords.parsed_progression("C |  | G")
    for text in chords.PROGRESSIONS.values():
        assert len(chords.parsed_progression(text))


def test_accumulated_time_counts_from_the_bar_start_and_is_a_whole_bar_at_the_next_one():
    events = np.array([[1, 0, 3, 62], [0, 0, 3, 62], [0, 0, 7, 62], [1, 0, 15, 62], [1, 0, 3, 62]])
    assert (representation.accumulated_time(events) + 1).tolist() == [1, 4, 8, 16, 16]
    overfull = np.array([[1, 0, 15, 62], [0, 0, 15, 62], [0, 0, 0, 62]])
    assert (representation.accumulated_time(overfull) + 1).tolist() == [1, 16, 16]


def test_the_conditioned_input_holds_the_next_chord_before_the_chord():
    events = encode(lead_sheet([(0, 4, 60), (4, 4, 62), (8, 8, 64)], [(0, 13), (4, 2), (8, 43)], 16))
    assert representation.conditioned(events)[:, [1, 2]].tolist() == [[2, 13], [43, 2], [0, 43]]


def test_odd_events_decode_without_inventing_notes():
    sheet = decode(np.array([[1, 0, 3, 1], [0, 0, 3, 0], [0, 0, 3, 1], [0, 0, 3, 62], [1, 0, 3, 1]]))
    assert sheet.notes.tolist() == [[12, 8, 60]]
    assert len(encode(lead_sheet([], [], 16))) == 1
    assert decode(np.zeros((0, 4), np.int64)).length == 0
    assert encode(lead_sheet([(0, 40, 60)], [], 48))[:, 2].max() == 15


@pytest.mark.parametrize(
    ("notes", "harmony"), [([(-1, 4, 60)], []), ([(0, 0, 60)], []), ([(0, 4, 128)], []), ([(0, 4, 60)], [(0, 49)])]
)
def test_impossible_lead_sheets_are_refused(notes, harmony):
    with pytest.raises(ValueError, match=r"needs|must be"):
        lead_sheet(notes, harmony)


def test_transposing_twelve_times_comes_back_to_the_same_chords():
    sheet = load_sheets(CHORALES)[0]
    moved = sheet
    for _ in range(12):
        moved = representation.transpose(moved, 1)
    assert np.array_equal(moved.chords, sheet.chords)
    assert np.array_equal(moved.notes[:, 2], sheet.notes[:, 2] + 12)


def test_templates_find_the_chords_of_block_harmony():
    truth = [13, 2, 43, 14]
    voices = [(16 * i, 16, pitch) for i, chord in enumerate(truth) for pitch in chords.chord_pitches(chord)]
    voices += [(16 * i, 16, 36 + chords.root_of(chord)) for i, chord in enumerate(truth)]
    found, fit = template_chords(np.array(voices), 64)
    assert found.tolist() == [[16 * i, chord] for i, chord in enumerate(truth)]
    assert 0.5 < fit <= 1


def test_the_key_agrees_with_music21_on_real_chorales():
    from music21 import corpus as music21_corpus

    for name in ("bach/bwv66.6", "bach/bwv253", "bach/bwv254"):
        score = music21_corpus.parse(name)
        weights = np.zeros(12)
        for note in score.flatten().notes:
            for pitch in note.pitches:
                weights[pitch.pitchClass] += float(note.quarterLength)
        key = score.analyze("krumhansl")
        tonic = 9 if key.mode == "minor" else 0
        assert semitones_to_c(weights) % 12 == (tonic - key.tonic.pitchClass) % 12


def test_generated_songs_repeat_as_they_say():
    for song in synthetic.synthetic_sheets(20, seed=3):
        assert song.sheet.bars == len(song.source_bar) == 32
        slots = (np.isin(np.arange(512), song.sheet.notes[:, 0])).reshape(32, 16)
        assert (slots == slots[song.source_bar]).all()  # a bar has the rhythm of the one that it takes up
        a, b, second = (encode(song.sheet), encode(song.sheet), synthetic.synthetic_sheets(2, seed=3)[1].sheet)
        assert np.array_equal(a, b)
        assert second.bars == 32


def test_windows_are_cut_from_the_first_bar_and_tails_are_counted():
    songs = [own.sheet for own in synthetic.synthetic_sheets(3, seed=0)]
    apart = cut_windows(songs, 32, begin="songs")
    lengths = [len(encode(own)) for own in songs]
    assert len(apart) == sum(length // 32 for length in lengths)
    assert apart.dropped == sum(length % 32 for length in lengths)
    assert apart.x.shape[1:] == (32, 5)
    assert apart.x[0, 0, 0] == 1
    together = cut_windows(songs, 32, begin="filled")
    assert len(together) == sum(-(-length // 32) for length in lengths)
    starts = np.cumsum([0, *(-(-length // 32) for length in lengths[:-1])])
    for start, song in zip(starts, songs, strict=True):
        assert np.array_equal(together.x[start, :31], representation.conditioned(encode(song))[:31])
    every = cut_windows(songs, 32, begin="bars")
    assert len(every) == sum(int(encode(song)[:, 0].sum()) for song in songs)
    assert (every.x[:, 0, 0] == 1).all()
    second = int(np.flatnonzero(encode(songs[0])[:, 0])[1])
    assert np.array_equal(every.x[1], representation.conditioned(encode(songs[0]))[second : second + 32])
    assert len(cut_windows([], 32, begin="filled")) == 0
    with pytest.raises(ValueError, match="sideways"):
        cut_windows(songs, 32, begin="sideways")


def test_songs_are_saved_and_read_back_and_a_broken_file_is_refused(tmp_path):
    songs = [own.sheet for own in synthetic.synthetic_sheets(3, seed=1)]
    save_sheets(tmp_path / "a.npz", songs)
    assert all(a.equals(b) and a.title == b.title for a, b in zip(songs, load_sheets(tmp_path / "a.npz"), strict=True))
    whole = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "b.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match=r"b\.npz"):
        load_sheets(tmp_path / "b.npz")
    with pytest.raises(UserError, match="no song"):
        split_songs([])
    assert len(split_songs(songs).train) == 1
    assert corpus.split_paths("") == []
