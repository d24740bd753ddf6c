"""Claims: which music they are checked on, that the comparison is fair, and that a run opened again is the same run."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from plugins.cm_hrnn import claims
from plugins.cm_hrnn.chords import NO_CHORD, chord_class
from plugins.cm_hrnn.claims_music import imported_music
from plugins.cm_hrnn.corpus import LEAST_CORPUS, keep_imported, last_import
from plugins.cm_hrnn.experiments.listen import Compare, Listen
from plugins.cm_hrnn.generation import request_of
from plugins.cm_hrnn.model import event_losses
from plugins.cm_hrnn.representation import encode, lead_sheet
from plugins.cm_hrnn.synthetic import synthetic_sheets
from workbench.compute.building import build, prepared
from workbench.compute.checkpoint import read_checkpoint, restore_checkpoint, save_checkpoint
from workbench.compute.claims import run_claim
from workbench.runs.folders import folders
from workbench.sdk import UserError, claims_of

TINY = {"steps": 4, "evaluate_every": 4, "hidden": 16, "batch": 4, "test_songs": 2, "songs": 12}
C = chord_class(0, "maj")


@pytest.fixture
def imported(tmp_path):
    """A folder whose conversion is in the cache, as after an import of 30 songs."""
    folder = tmp_path / "tunes"
    folder.mkdir()
    (folder / "tune.abc").write_text("X:1\nT:a tune\nK:C\n")
    keep_imported([folder], [own.sheet for own in synthetic_sheets(LEAST_CORPUS, 0)], folders().cache)
    return folder


def test_without_an_import_a_claim_says_in_a_sentence_what_to_do():
    result = run_claim("cm_hrnn", claims_of(claims)["compression_imported"])
    assert result.holds is None
    assert result.why.startswith("No lead sheets of your own are there. Import at least 30 lead sheets first")
    assert not result.details


def test_a_claim_is_checked_on_the_corpus_that_was_imported_last(imported):
    result = run_claim("cm_hrnn", claims_of(claims)["lossless_imported"])
    assert result.holds
    assert result.finding.measured.startswith("30 songs imported from tunes: 30 imported songs")
    assert imported_music().files == str(imported)


def test_a_few_songs_are_no_corpus_and_do_not_replace_one(imported, tmp_path):
    few = tmp_path / "one.abc"
    few.write_text("X:1\nT:another\nK:C\n")
    keep_imported([few], [synthetic_sheets(1, 1)[0].sheet], folders().cache)
    assert last_import(folders().cache) == ([str(imported)], LEAST_CORPUS)


def test_a_corpus_that_is_gone_and_a_damaged_note_of_it_are_told(imported):
    (imported / "tune.abc").unlink()
    imported.rmdir()
    with pytest.raises(UserError, match="tunes, which was imported last, is gone"):
        last_import(folders().cache)
    (folders().cache / "cm_hrnn" / "last-import.json").write_text('{"paths": 3')
    with pytest.raises(UserError, match="cannot be read"):
        last_import(folders().cache)


def test_claims_on_imported_music_are_the_same_statements():
    known = claims_of(claims)
    own = {id: claim for id, claim in known.items() if id.endswith("_imported")}
    assert len(own) == 8
    for id, claim in own.items():
        assert claim.statement == f"On your own lead sheets: {known[id.removesuffix('_imported')].statement}"


def test_the_recorded_results_are_those_of_the_declared_claims():
    recorded = json.loads(Path(claims.__file__).with_name("reproduction.json").read_text())
    embedded = {id for id in claims_of(claims) if not id.endswith("_imported")}
    assert embedded <= set(recorded["claims"]) <= set(claims_of(claims))
    assert all(found["holds"] is not None and found["seeds"] for found in recorded["claims"].values())


# A fair comparison


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    return prepared(build(Compare, {**TINY, "models": ("ad_rm3t_fc_rs", "attention")}))


def test_every_network_is_given_the_same_first_events(pair):
    sheet = pair.seed_sheet
    ours, baseline = (pair.request_for(name, sheet) for name in pair.networks)
    assert len(ours.seed) == 16
    assert np.array_equal(ours.seed, baseline.seed)


def test_the_cost_of_every_network_is_counted_over_the_same_events(pair):
    network = pair.networks["attention"].eval()
    x, a = (torch.from_numpy(own) for own in (pair._held.x[:128], pair._held.a[:128]))
    with torch.no_grad():
        logits = network(x, a)  # of events 1 … S - 1
        parts = type(logits)(logits.bar[:, 15:], logits.duration[:, 15:], logits.pitch[:, 15:])
        truth = event_losses(parts, x[:, 16:])
    wanted = [float(truth.pitch), float(truth.duration), float(truth.bar)]
    assert pair.nll["attention"] == pytest.approx(wanted, rel=1e-5)


def test_nothing_is_generated_behind_the_end_of_the_harmony():
    melody = [(4 * place, 4, 60) for place in range(16)]
    sheet = lead_sheet(melody, [(0, C), (32, NO_CHORD)], 64)
    request = request_of(sheet, 4)
    assert request.length == 32
    assert len(request.indexed_chords) == 8
    whole = request_of(lead_sheet(melody, [(0, NO_CHORD)], 64), 4)
    assert whole.length == 64
    assert len(whole.indexed_chords) == 16


# A run that is opened again


def test_a_run_that_is_opened_again_shows_its_takes_and_measures(tmp_path):
    first = prepared(build(Listen, TINY))
    for _ in first.run():
        pass
    save_checkpoint(tmp_path / "c.pt", first, 1.0)
    again = prepared(build(Listen, TINY))
    restore_checkpoint(again, read_checkpoint(tmp_path / "c.pt"))
    one, other = first.frame(), again.frame()
    assert other.look_step == one.look_step == 4
    assert other.takes[0].song.step == 4
    assert np.array_equal(other.takes[0].song.events, one.takes[0].song.events)
    assert set(other.samples) == set(one.samples) == {"real music", "ad_rm3t_fc_rs"}
    for maker in one.samples:
        assert np.array_equal(other.samples[maker], one.samples[maker], equal_nan=True)
    assert np.array_equal(other.nll["ad_rm3t_fc_rs"], one.nll["ad_rm3t_fc_rs"])
    assert len(encode(again.seed_sheet)) > 16
