"""Files of every format, whole and malformed; our exports read back by mido and music21."""

import io
import zipfile

import mido
import numpy as np
import pytest

from plugins.cm_hrnn import exports, importing
from plugins.cm_hrnn.chords import NAMES, parsed_progression
from plugins.cm_hrnn.contract import MUSIC_SUFFIXES
from plugins.cm_hrnn.corpus import import_cached, load_corpus
from plugins.cm_hrnn.experiments.playing import song_of
from plugins.cm_hrnn.importing import Imported, import_music, read_file
from plugins.cm_hrnn.representation import LeadSheet, lead_sheet
from plugins.cm_hrnn.spans import Spans, Unusable
from plugins.cm_hrnn.synthetic import synthetic_sheets
from workbench.sdk import Progress, UserError

ABC = """X:1
T:A tune
M:4/4
L:1/4
K:C
"C"C E G c | "F"A F "G7"G2 | "C"c4 | "Am"A2 "Dm"D2 |]
"""


def read(path, content=None):
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(read_file(path))


def only(path, content=None):
    (found,) = read(path, content)
    return found


def names(sheet):
    return [(start, NAMES[chord]) for start, chord in sheet.chords.tolist()]


def test_an_abc_tune_with_chords_is_read_as_written(tmp_path):
    sheet = only(tmp_path / "a.abc", ABC)
    assert sheet.title == "A tune"
    assert sheet.notes.tolist()[:5] == [[0, 4, 60], [4, 4, 64], [8, 4, 67], [12, 4, 72], [16, 4, 69]]
    assert names(sheet) == [(0, "C"), (16, "F"), (24, "G7"), (32, "C"), (48, "Am"), (56, "Dm")]
    assert sheet.length == 64


def test_each_tune_of_a_book_is_used_or_refused_by_itself(tmp_path):
    jig = ABC.replace("M:4/4", "M:6/8").replace("X:1", "X:2").replace("A tune", "A jig")
    bare = ABC.replace('"C"', "").replace('"F"', "").replace('"G7"', "").replace('"Am"', "").replace('"Dm"', "")
    found = read(tmp_path / "book.abc", ABC + "\n" + jig + "\n" + bare.replace("X:1", "X:3") + "\nX:4\nT:Empty\nK:C\n")
    assert isinstance(found[0], LeadSheet)
    assert [str(each) for each in found[1:3]] == [
        "metre 6/8 is not 4/4 (nor 2/4 or 2/2, which pair into it)", "it has no chords",
    ]  # fmt: skip
    assert found[1].title == "A jig"
    assert isinstance(found[3], Unusable)


def test_a_pickup_is_put_at_the_end_of_a_first_bar_of_rest(tmp_path):
    sheet = only(tmp_path / "p.abc", ABC.replace('"C"C E', 'G | "C"C E').replace("D2 |]", "D |]"))
    assert sheet.notes[0].tolist() == [12, 4, 67]
    assert sheet.notes[1].tolist() == [16, 4, 60]
    assert names(sheet)[:2] == [(0, "N.C."), (16, "C")]


def test_repeats_are_played_and_two_four_pairs_into_four_four(tmp_path):
    repeated = only(tmp_path / "r.abc", ABC.replace('"C"C E', '|:"C"C E').replace("D2 |]", "D2 :|"))
    assert repeated.length == 128
    assert np.array_equal(repeated.notes[:10, 2], repeated.notes[10:, 2])
    two = ABC.replace("M:4/4", "M:2/4").replace('"C"C E G c', '"C"C E | G c').replace("c4", "c2|c2")
    two = two.replace('F "G7"G2', 'F | "G7"G2').replace('"Am"A2 "Dm"D2', '"Am"A2 | "Dm"D2')
    assert only(tmp_path / "two.abc", two).length == 64


@pytest.mark.parametrize(
    ("change", "words"),
    [(("M:4/4", "M:5/4"), "metre 5/4"), (("M:4/4", "M:3/4"), "metre 3/4"), ((ABC, ABC[:20]), "it"),
     ((ABC, "no tune"), "no tune"),
     ((ABC, ""), "empty"), (("K:C\n", ""), "")],
)  # fmt: skip
def test_what_an_abc_file_lacks_is_said(tmp_path, change, words):
    found = only(tmp_path / "bad.abc", ABC.replace(*change))
    if isinstance(found, Unusable):
        assert words in str(found)
    else:
        assert not words  # a tune without its key is read in C


def song(tmp_path=None, seed=0):
    sheet = synthetic_sheets(1, seed)[0].sheet
    return song_of(sheet)


def midi(tracks, *, metre=(4, 4), tempi=(500_000,), ticks=480, kind=1):
    """A MIDI file of tracks (name, [(start, end, pitch)]) in beats."""
    file = mido.MidiFile(type=kind, ticks_per_beat=ticks)
    head = mido.MidiTrack()
    for tempo in tempi:
        head.append(mido.MetaMessage("set_tempo", tempo=tempo, time=0))
    if metre:
        head.append(mido.MetaMessage("time_signature", numerator=metre[0], denominator=metre[1], time=0))
    file.tracks.append(head)
    for channel, (name, notes) in enumerate(tracks):
        events = sorted([(s, 1, p) for s, _, p in notes] + [(e, 0, p) for _, e, p in notes])
        track, now = mido.MidiTrack([mido.MetaMessage("track_name", name=name)]), 0
        for beat, is_on, pitch in events:
            tick = round(beat * ticks)
            kind_of = "note_on" if is_on else "note_off"
            track.append(mido.Message(kind_of, note=pitch, velocity=80, time=tick - now, channel=channel))
            now = tick
        file.tracks.append(track)
    stream = io.BytesIO()
    file.save(file=stream)
    return stream.getvalue()


MELODY = ("Melody", [(i, i + 1, p) for i, p in enumerate((60, 64, 67, 72, 69, 65, 67, 67))])
BLOCKS = ("Piano", [(b, b + 4, p) for b, chord in ((0, (48, 52, 55)), (4, (53, 57, 60))) for p in chord])


def test_two_tracks_of_a_midi_file_are_melody_and_chords(tmp_path):
    sheet = only(tmp_path / "two.mid", midi([BLOCKS, MELODY]))
    assert sheet.notes[:, 2].tolist() == [60, 64, 67, 72, 69, 65, 67, 67]
    assert names(sheet) == [(0, "C"), (16, "F")]
    assert "templates" in sheet.source


def test_one_polyphonic_track_gives_a_skyline_over_template_chords(tmp_path):
    both = ("music", [*MELODY[1], *[(b, e, p - 12) for b, e, p in BLOCKS[1]]])
    sheet = only(tmp_path / "one.mid", midi([both]))
    assert sheet.notes[:, 2].tolist() == [60, 64, 67, 72, 69, 65, 67, 67]
    assert names(sheet) == [(0, "C"), (16, "F")]


def test_triplets_zero_length_notes_and_tempo_changes_are_mended_and_said(tmp_path):
    notes = [(0, 1 / 3, 60), (1 / 3, 2 / 3, 62), (2 / 3, 1, 64), (1, 1, 65), (1, 2, 65), (2, 8, 67)]
    sheet = only(tmp_path / "t.mid", midi([("Melody", notes), BLOCKS], tempi=(500_000, 400_000)))
    assert sheet.notes[0].tolist() == [0, 1, 60]
    assert "moved to the grid" in sheet.source
    assert "tempo changes" in sheet.source
    assert sheet.tempo == 120


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"MThd not really a file", "not a readable MIDI"),
        (midi([MELODY, BLOCKS])[:60], "not a readable MIDI"),
        (midi([MELODY, BLOCKS], metre=(5, 4)), "metre 5/4"),
        (midi([MELODY]), "no chords"),
        (midi([]), "no notes"),
        (midi([("Melody", [(0, 3000, 60)]), BLOCKS]), "bars"),
        (midi([("Melody", [(0, 1, 60)]), ("Piano", [(0, 1, 48), (0, 1, 52), (0, 1, 55)])]), "less than two bars"),
    ],
)
def test_midi_files_that_cannot_be_used_say_why(tmp_path, content, words):
    found = only(tmp_path / "bad.mid", content)
    assert isinstance(found, Unusable)
    assert words in str(found)


def test_our_midi_is_read_by_mido_at_the_same_ticks_and_by_us_as_the_same_song(tmp_path):
    own = song()
    exports.save_song(tmp_path / "a.mid", own)
    file = mido.MidiFile(tmp_path / "a.mid")
    assert (file.type, file.ticks_per_beat) == (1, 480)
    now, found, open_at = 0, [], {}
    for message in file.tracks[1]:
        now += message.time
        if message.type == "note_on":
            open_at[message.note] = now
        elif message.type == "note_off":
            start = open_at.pop(message.note)
            found.append([start // 120, (now - start) // 120, message.note])
            assert start % 120 == 0
    assert sorted(found) == own.notes.tolist()
    again = only(tmp_path / "a.mid")
    assert np.array_equal(again.notes, own.notes)
    assert np.array_equal(again.chords, own.chords)
    assert again.length == own.length


def test_our_files_are_read_by_music21_as_the_same_notes_and_chords(tmp_path):
    from music21 import converter, harmony

    own = song(seed=4)
    exports.save_song(tmp_path / "a.mid", own)
    exports.save_song(tmp_path / "a.musicxml", own)
    heard = converter.parse(tmp_path / "a.mid", quantizePost=False).parts[0].flatten().notes
    assert [(int(n.offset * 4), int(n.quarterLength * 4), n.pitch.midi) for n in heard] == [
        tuple(r) for r in own.notes.tolist()
    ]
    score = converter.parse(tmp_path / "a.musicxml")
    written = score.parts[0].stripTies().flatten()
    pitched = [n for n in written.notes if not isinstance(n, harmony.Harmony)]
    assert [(int(n.offset * 4), int(n.quarterLength * 4), n.pitch.midi) for n in pitched] == [
        tuple(r) for r in own.notes.tolist()
    ]
    again = only(tmp_path / "a.musicxml")
    assert np.array_equal(again.notes, own.notes)
    assert np.array_equal(again.chords, own.chords)


def test_every_chord_class_survives_midi_and_musicxml(tmp_path):
    rows = parsed_progression(" | ".join(NAMES[1:]))
    sheet = lead_sheet([(16 * bar, 16, 60 + bar % 12) for bar in range(48)], rows, 48 * 16, title="all chords")
    for suffix in (".mid", ".musicxml"):
        exports.save_song(tmp_path / f"all{suffix}", song_of(sheet))
        assert only(tmp_path / f"all{suffix}").equals(sheet), suffix


def test_csv_and_event_arrays_hold_the_events(tmp_path):
    own = song(seed=2)
    exports.save_song(tmp_path / "a.csv", own)
    lines = (tmp_path / "a.csv").read_text().splitlines()
    assert len(lines) == len(own.events) + 1
    assert lines[1].startswith("0,0.0,")
    exports.save_song(tmp_path / "a.npy", own)
    assert np.load(tmp_path / "a.npy").shape == (1, len(own.events), 197)
    with pytest.raises(UserError, match=r"not as \.ogg"):
        exports.save_song(tmp_path / "a.ogg", own)
    (tmp_path / "folder.mid").mkdir()
    with pytest.raises(UserError, match="could not be written"):
        exports.save_song(tmp_path / "folder.mid", own)


XML = b"""<?xml version="1.0"?><score-partwise version="3.1"><part-list><score-part id="P1"><part-name>M</part-name>
</score-part></part-list><part id="P1"><measure number="1"></measure></part></score-partwise>"""


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.musicxml", b"", "empty"),
        ("a.musicxml", b"<score-partwise><part>", "not well formed"),
        ("a.musicxml", XML, ""),
        ("a.xml", b"\x00\x01\x02", "not well formed"),
        ("a.mxl", b"PK\x03\x04 broken", "not a compressed MusicXML archive"),
        ("a.krn", b"**kern\n4c\n", ""),
        ("a.txt", b"notes", "not one of"),
    ],
)
def test_broken_scores_are_refused_with_the_reason(tmp_path, name, content, words):
    found = only(tmp_path / name, content)
    assert isinstance(found, Unusable)
    assert words in str(found)


def test_a_damaged_or_swollen_archive_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    exports.save_song(tmp_path / "a.musicxml", song())
    with zipfile.ZipFile(tmp_path / "good.mxl", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "META-INF/container.xml",
            '<?xml version="1.0"?><container><rootfiles><rootfile full-path="a.musicxml"/></rootfiles></container>',
        )
        archive.write(tmp_path / "a.musicxml", "a.musicxml")
    assert isinstance(only(tmp_path / "good.mxl"), LeadSheet)
    whole = bytearray((tmp_path / "good.mxl").read_bytes())
    whole[len(whole) // 2] ^= 0xFF
    assert "damaged" in str(only(tmp_path / "bad.mxl", bytes(whole)))
    monkeypatch.setattr(importing, "MAX_UNPACKED", 1000)
    assert "too large" in str(only(tmp_path / "good.mxl"))
    monkeypatch.setattr(importing, "MAX_BYTES", 10)
    assert "MB" in str(only(tmp_path / "good.mxl"))


def finish(said):
    last = None
    for last in said:  # noqa: B007
        pass
    return last


def test_a_folder_is_converted_to_c_and_every_piece_is_accounted_for(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "a.abc").write_text(ABC.replace("K:C", "K:D"))
    (tmp_path / "deep" / "b.mid").write_bytes(midi([MELODY, BLOCKS]))
    (tmp_path / "deep" / "c.mid").write_bytes(b"nonsense")
    (tmp_path / "readme.txt").write_text("not music")
    said = list(import_music([tmp_path]))
    assert sum(isinstance(each, Progress) for each in said) >= 3
    result = said[-1]
    assert isinstance(result, Imported)
    assert [piece.is_used for piece in result.pieces] == [True, True, False]
    assert "not a readable MIDI" in result.pieces[2].words
    assert all(importing.semitones_to_c(importing.key_weights(sheet)) == 0 for sheet in result.sheets)


def test_an_import_is_kept_until_a_file_changes(tmp_path, monkeypatch):
    file, cache = tmp_path / "a.abc", tmp_path / "cache"
    file.write_text(ABC)
    first = finish(import_cached([str(file)], cache))
    monkeypatch.setattr(importing, "read_file", lambda path: pytest.fail("it was converted again"))
    again = finish(import_cached([str(file)], cache))
    assert again[0].equals(first[0])
    monkeypatch.undo()
    file.write_text(ABC.replace("C E G c", "G E G c"))
    assert not finish(import_cached([str(file)], cache))[0].equals(first[0])


def test_a_corpus_of_files_that_cannot_be_used_says_so(tmp_path):
    (tmp_path / "c.mid").write_bytes(b"nonsense")
    for files, words in ((str(tmp_path / "c.mid"), "None of 1"), ("", "Choose the files"),
                         (str(tmp_path / "no"), "neither"),
                         (str(tmp_path), "None of 1")):  # fmt: skip
        with pytest.raises(UserError, match=words):
            finish(load_corpus("files", files, 0, tmp_path / "cache"))
    (tmp_path / "c.mid").unlink()
    with pytest.raises(UserError, match="no files"):
        finish(load_corpus("files", str(tmp_path), 0, tmp_path / "cache"))


def test_the_dialogs_offer_every_format_that_can_be_read():
    assert set(MUSIC_SUFFIXES) == set(importing.SUFFIXES)


def test_quantising_rounds_drops_and_pads():
    spans = Spans(np.array([(0.0, 0.0, 60), (0.1, 0.3, 61), (1.0, 1.0, 62)]))
    rows, rounded, dropped = spans.quantised(1.0)
    assert rows.tolist() == [[4, 2, 61], [8, 4, 62]]
    assert (rounded, dropped) == (1, 1)
    assert Spans(np.zeros((0, 3))).top().quantised()[1:] == (0, 0)
