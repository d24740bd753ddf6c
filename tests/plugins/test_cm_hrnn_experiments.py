"""The experiments: watched and resumed runs are the same runs; answers of every action; variants differ as they say."""

import numpy as np
import pytest
import torch

from plugins.cm_hrnn import contract
from plugins.cm_hrnn.chords import NAMES
from plugins.cm_hrnn.claims_checks import with_shuffled_chords
from plugins.cm_hrnn.contract import REAL, CompareParameters, ListenParameters
from plugins.cm_hrnn.experiments.inspecting import Inspect
from plugins.cm_hrnn.experiments.listen import Ablate, Compare, Harmony, Listen, Structure
from plugins.cm_hrnn.frames import Take
from plugins.cm_hrnn.generation import ABLATIONS, Stepper
from plugins.cm_hrnn.measures import MEASURES
from plugins.cm_hrnn.representation import accumulated_time, conditioned, encode
from plugins.cm_hrnn.synthetic import synthetic_sheets
from workbench.compute.building import build, prepared
from workbench.compute.checks import assert_resuming_changes_nothing, assert_watching_changes_nothing
from workbench.sdk import InvalidParameters, Progress, UserError, actions_of

TINY = {"steps": 4, "evaluate_every": 4, "hidden": 16, "batch": 4, "test_songs": 2, "songs": 12, "keep": 0.8}
OWN = {
    Listen: {},
    Compare: {"models": ("ad_rm3t_fc_rs", "attention")},
    Structure: {"models": ("ad_rm2t_fc", "vanilla")},
    Harmony: {"progressions": "C | G ; Am | F"},
    Ablate: {},
    Inspect: {},
}
EVERY = pytest.mark.parametrize("kind", OWN, ids=lambda kind: kind.__name__)
TRAINED = pytest.mark.parametrize("kind", [own for own in OWN if own is not Inspect], ids=lambda kind: kind.__name__)


def tiny(kind):
    if kind is Inspect:
        return {"steps": 4, "songs": 12, "corpus": "synthetic"}
    return {**TINY, **OWN[kind]}


def answer_of(answer):
    """The answer of an action, and what it said before."""
    if not hasattr(answer, "send"):
        return answer, []
    said = []
    while True:
        try:
            said.append(next(answer))
        except StopIteration as end:
            return end.value, said


def run(experiment):
    for _ in experiment.run():
        pass
    return experiment


@EVERY
def test_watching_changes_nothing(kind):
    song = {"notes": [(0, 4, 60), (4, 4, 64), (8, 8, 67), (16, 4, 60)], "chords": [(0, 13), (16, 43)], "length": 48}
    actions = {"analyse": song}
    if kind is not Inspect:
        variant = "ad_rm2t_fc" if kind is Structure else "ad_rm3t_fc_rs"
        compose = {**song, "variant": variant, "primer": 16, "seed": 1}
        actions |= {"compose": compose, "next_notes": {**song, "variant": variant}}
    assert_watching_changes_nothing(kind, tiny(kind), actions=actions)


@EVERY
def test_a_resumed_run_is_the_run_that_was_never_stopped(kind, tmp_path):
    assert_resuming_changes_nothing(kind, tiny(kind), tmp_path)


@TRAINED
def test_a_run_measures_every_variant_and_real_music_and_leaves_its_files(kind, tmp_path):
    own = run(prepared(build(kind, tiny(kind))))
    frame = own.frame()
    assert frame.step == frame.look_step == 4
    assert [take.song.maker for take in frame.takes] == list(frame.names)
    assert set(frame.samples) == {*frame.names, REAL}
    for rows in frame.samples.values():
        assert rows.shape == (2, len(MEASURES))
    assert frame.samples[REAL][:, list(MEASURES).index("success_bar")].tolist() == [1, 1]
    own.save_artefacts(tmp_path)
    names = {path.suffix for path in tmp_path.iterdir()}
    assert names == {".mid", ".musicxml", ".csv", ".npy", ".wav"}
    assert len((tmp_path / "measures.csv").read_text().splitlines()) == 1 + 2 * len(frame.samples)


def test_a_run_says_what_it_does_at_least_between_networks():
    own = prepared(build(Compare, tiny(Compare)))
    said = list(own.run())
    assert sum(isinstance(each, Progress) for each in said) > 4
    metrics = [each for each in said if not isinstance(each, Progress)]
    assert len(metrics) == 4
    assert {"loss/attention", "pitch nats/ad_rm3t_fc_rs"} <= set(metrics[0])
    assert "validation nats/attention" in metrics[-1]


def test_networks_begin_alike_whoever_trains_beside_them():
    alone = build(Compare, {**tiny(Compare), "models": ("attention",)})
    beside = build(Compare, tiny(Compare))
    for one, other in zip(
        alone.networks["attention"].parameters(), beside.networks["attention"].parameters(), strict=True
    ):
        assert torch.equal(one, other)


def test_a_network_learns():
    own = prepared(build(Listen, {**TINY, "steps": 60, "evaluate_every": 60, "batch": 8, "learning_rate": 5e-3}))
    before = own.nll["ad_rm3t_fc_rs"].sum()
    losses = [float(each["loss"]) for each in own.run() if not isinstance(each, Progress)]
    assert np.mean(losses[-5:]) < 0.6 * np.mean(losses[:5])
    assert own.nll["ad_rm3t_fc_rs"].sum() < before


def test_a_composition_streams_and_keeps_primer_chords_kept_bars_and_seed():
    own = prepared(build(Listen, tiny(Listen)))
    sheet = synthetic_sheets(1, 7)[0].sheet
    ask = {"variant": "ad_rm3t_fc_rs", "notes": sheet.notes, "chords": sheet.chords, "length": 256, "primer": 64}
    take, said = answer_of(own.compose(**ask, seed=3, kept_bars=[9], title="mine", tempo=90.0))
    assert isinstance(take, Take)
    assert len(said) >= 2
    assert all(not each.is_finished for each in said)
    lengths = [each.song.length for each in said]
    assert lengths == sorted(lengths)
    song = take.song
    assert (song.given, song.tempo, song.title, song.length) == (64, 90.0, "mine", 256)
    early = sheet.notes[(sheet.notes[:, 0] < 64)]
    assert np.array_equal(song.notes[: len(early) - 1], early[:-1])
    again, _ = answer_of(own.compose(**ask, seed=3, kept_bars=[9], title="mine", tempo=90.0))
    assert np.array_equal(again.song.notes, song.notes)
    other, _ = answer_of(own.compose(**ask, seed=4))
    assert not np.array_equal(other.song.notes, song.notes)
    ninth = lambda notes: notes[(notes[:, 0] >= 144) & (notes[:, 0] < 160)][1:, [0, 2]]  # noqa: E731
    assert np.array_equal(ninth(song.notes), ninth(sheet.notes))
    assert [own.tier for own in take.ticks] == ["bar tier", "group tier", "event tier"]
    assert (np.diff(take.ticks[0].events) == 16).all()
    assert (np.diff(take.ticks[1].events) == 8).all()
    empty, _ = answer_of(own.compose("ad_rm3t_fc_rs", np.zeros((0, 3)), [(0, 13)], 64, 0))
    assert empty.song.length == 64


@pytest.mark.parametrize(
    ("change", "words"),
    [({"length": 8}, "1 to 256 bars"), ({"notes": [(0, 4, 200)]}, "0 to 127"), ({"chords": [(0, 77)]}, "49"),
     ({"variant": "nobody"}, "no network"), ({"forced": {64: 200}}, "0 to 127"),
     ({"notes": [(i, 1, 60) for i in range(2001)]}, "2000")],
)  # fmt: skip
def test_impossible_requests_are_refused_with_a_sentence(change, words):
    own = prepared(build(Compare, tiny(Compare)))
    ask = {"variant": "attention", "notes": [(0, 4, 60)], "chords": [(0, 13)], "length": 64, "primer": 16}
    with pytest.raises(UserError, match=words):
        answer_of(own.compose(**{**ask, **change}))


def test_kept_bars_need_chords_by_time():
    own = prepared(build(Listen, {**tiny(Listen), "timing": "index"}))
    with pytest.raises(UserError, match="by time"):
        answer_of(own.compose("ad_rm3t_fc_rs", [(0, 4, 60)], [(0, 13)], 64, 16, kept_bars=[2]))


@pytest.mark.parametrize("notes", [[(0, 4, 60)], synthetic_sheets(1, 0)[0].sheet.notes])
def test_next_note_probabilities_are_distributions_with_their_times(notes):
    own = prepared(build(Listen, tiny(Listen)))
    answer = own.next_notes("ad_rm3t_fc_rs", notes, [(0, 13)], 512)
    assert len(answer.starts) == len(answer.pitch) == len(answer.duration) == len(answer.bar) == len(answer.elapsed)
    for table in (answer.pitch, answer.duration, answer.bar):
        assert np.allclose(table.sum(1), 1, atol=1e-5)
    assert (np.diff(answer.starts) > 0).all()
    assert answer.starts[-1] < 512


def test_probabilities_on_the_keyboard_are_those_of_the_network_run_event_by_event():
    own = prepared(build(Listen, tiny(Listen)))
    sheet = synthetic_sheets(1, 3)[0].sheet
    answer = own.next_notes("ad_rm3t_fc_rs", sheet.notes, sheet.chords, sheet.length)
    events = encode(sheet)
    x, a = torch.from_numpy(conditioned(events)), torch.from_numpy(accumulated_time(events))
    network = own.networks["ad_rm3t_fc_rs"].eval()
    stepper = Stepper(network, 1)
    starts = np.cumsum(events[:, 2] + 1) - events[:, 2] - 1
    assert np.array_equal(answer.starts, starts[16:])
    with torch.no_grad():
        for t in range(40):
            if t >= 16:
                heated = (stepper.logits(a[t : t + 1]).pitch[0] / 0.7).softmax(-1)
                assert np.allclose(answer.pitch[t - 16], heated, atol=1e-5)
            stepper.push(x[t : t + 1])


def test_files_are_imported_opened_and_saved_through_actions(tmp_path):
    own = prepared(build(Listen, tiny(Listen)))
    song = own.corpus_song(3)
    path = own.save(str(tmp_path / "a.mid"), song, np.full(len(song.notes), 33))
    opened = own.open_song(path)
    assert np.array_equal(opened.notes, song.notes)
    report, said = answer_of(own.import_files([str(tmp_path)]))
    assert report.used == 1
    assert said
    with pytest.raises(UserError, match="cannot be used"):
        (tmp_path / "b.mid").write_bytes(b"nonsense")
        own.open_song(str(tmp_path / "b.mid"))
    files = prepared(build(Listen, {**tiny(Listen), "corpus": "files", "files": str(tmp_path / "a.mid")}))
    assert len(files.split.train) == 1


def test_another_systems_folder_is_measured_with_the_same_measures(tmp_path):
    own = prepared(build(Structure, tiny(Structure)))
    sheets = [each.sheet for each in synthetic_sheets(3, 9)]
    from plugins.cm_hrnn.experiments.playing import song_of

    for index, sheet in enumerate(sheets):
        own.save(str(tmp_path / f"{index}.mid"), song_of(sheet))
    (name, rows, report), _ = answer_of(own.measure_files(str(tmp_path)))
    assert name == f"files: {tmp_path.name}"
    assert report.used == 3
    column = list(MEASURES).index("compression")
    assert rows[:, column] == pytest.approx([own.measured(sheet, None)[column] for sheet in sheets])
    again = run(prepared(build(Structure, {**tiny(Structure), "folder": str(tmp_path / "0.mid")})))
    assert again.samples[name].shape == rows.shape


def test_progressions_are_repeated_and_bad_ones_refused():
    own = prepared(build(Harmony, tiny(Harmony)))
    takes = {take.song.maker: take for take in own.frame().takes}
    assert takes["C | G"].song.length == 256
    assert len(takes["Am | F"].song.chords) >= 15
    for bad, words in (("H | C", "not a chord"), (" ; ", "Give 1 to 8"), (" ; ".join(NAMES[1:12]), "Give 1 to 8")):
        with pytest.raises(UserError, match=words):
            build(Harmony, {**tiny(Harmony), "progressions": bad})


def test_ablations_have_their_own_likelihoods():
    own = prepared(build(Ablate, {**tiny(Ablate), "steps": 10}))
    assert own.variants() == ABLATIONS
    assert len({round(float(nll.sum()), 9) for nll in own.nll.values()}) == len(ABLATIONS)
    two = prepared(build(Ablate, {**tiny(Ablate), "model": "ad_rm2t_fc"}))
    assert "zero bar tier" not in two.variants()


def test_inspecting_measures_songs_in_order():
    own = run(prepared(build(Inspect, tiny(Inspect))))
    frame = own.frame()
    assert frame.measures.shape == (4, len(MEASURES))
    assert len(frame.titles) == 12
    assert own.total_steps == 4
    assert np.array_equal(own.song(2).notes, synthetic_sheets(12, 2021)[2].sheet.notes)
    with pytest.raises(UserError, match="12 songs"):
        own.song(99)


@pytest.mark.parametrize(
    ("values", "words"),
    [({"frame": 5}, "must divide"), ({"window": 48, "big_frame": 32}, "multiple"), ({"keep": 0}, "keep"),
     ({"model": "other"}, "model"), ({"window": 16}, "window")],
)  # fmt: skip
def test_sizes_that_do_not_fit_are_refused(values, words):
    with pytest.raises(InvalidParameters, match=words):
        ListenParameters.checked(values)


def test_presets_are_valid_and_say_why():
    for name in dir(contract):
        kind = getattr(contract, name)
        if isinstance(kind, type) and issubclass(kind, contract.Parameters) and kind is not contract.Parameters:
            for preset in getattr(kind, "presets", ()):
                assert kind.checked(preset.values)
                assert len(preset.why if hasattr(preset, "why") else preset.description) > 20
    assert CompareParameters().models


def test_every_action_has_help():
    for kind in OWN:
        assert all(info.help for info in actions_of(kind).values())


def test_shuffled_chords_are_the_same_bars_in_another_order():
    sheet = synthetic_sheets(1, 0)[0].sheet
    mixed = with_shuffled_chords(sheet, sheet, np.random.default_rng(0))
    assert not np.array_equal(mixed.chords, sheet.chords)
    spread = lambda own: np.bincount(  # noqa: E731
        own.chords[:, 1], np.diff(np.append(own.chords[:, 0], own.length)), minlength=49
    )
    assert np.array_equal(spread(mixed), spread(sheet))
