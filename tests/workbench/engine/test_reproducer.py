"""Claims run one after another in a worker of their own, can be stopped, and their results are kept."""

from __future__ import annotations

import pytest

from workbench.engine import ClaimJob
from workbench.runs import Reproductions

AWKWARD = """

import os
import signal
import time

from workbench.sdk import UserError


def _claim(check):
    return claim(check.__name__, statement="", source="", paper="", experiment="fit", laptop="")(check)


@_claim
def endless(bench):
    while True:
        time.sleep(0.01)
        bench.say("still at it", 0.5)


@_claim
def deaf(bench):
    bench.say("begins")
    time.sleep(600)


@_claim
def breaks(bench):
    return 1 / 0


@_claim
def needs(bench):
    raise UserError("There is no GPU here.")


@_claim
def dies(bench):
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def awkward(user_plugins):
    """Claims that fail in every way, added to the user's copy of the test plugin."""
    with (user_plugins / "tiny" / "claims.py").open("a") as file:
        file.write(AWKWARD)


class Ear:
    def __init__(self, reproducer):
        self.listed, self.progress, self.finished, self.refused = [], [], [], []
        reproducer.listed.connect(lambda *all: self.listed.append(all))
        reproducer.progressed.connect(lambda *all: self.progress.append(all))
        reproducer.finished.connect(lambda *all: self.finished.append(all))
        reproducer.refused.connect(lambda *all: self.refused.append(all))


@pytest.fixture
def ear(engine):
    return Ear(engine.reproducer)


def wait(qtbot, condition):
    qtbot.waitUntil(lambda: bool(condition()), timeout=60_000)


def test_claims_are_listed_without_importing_them_here(engine, tiny, ear, qtbot):
    assert engine.reproducer.cards(tiny) == ()
    wait(qtbot, lambda: ear.listed)
    plugin, cards = ear.listed[0]
    assert (plugin, [card.id for card in cards]) == ("tiny", ["learns", "never"])
    assert cards[0].cost == {"laptop": "1 s"}
    assert not hasattr(cards[0], "check")
    assert engine.reproducer.cards(tiny) == cards


def test_claims_wait_for_each_other_report_progress_and_are_kept(engine, tiny, ear, qtbot):
    reproducer = engine.reproducer
    for claim in ("learns", "never", "learns"):
        reproducer.run(ClaimJob(tiny, claim))
    assert reproducer.running.claim == "learns"
    assert [job.claim for job in reproducer.waiting] == ["never"], "one that runs already is not queued again"
    wait(qtbot, lambda: len(ear.finished) == 2)
    (_, first, result), (_, second, other) = ear.finished
    assert (first, second) == ("learns", "never")
    assert (result["holds"], other["holds"], other["why"]) == (True, False, "Pigs have no wings.")
    assert result["table"]["columns"] == ["seed", "error"]
    kept = Reproductions().of("tiny")
    assert kept["learns"]["measured"] == result["measured"]
    assert set(kept) == {"learns", "never"}
    assert reproducer.running is None


def test_a_long_check_stops_when_told_and_what_waits_is_forgotten(engine, tiny, ear, qtbot, awkward):
    reproducer = engine.reproducer
    reproducer.run(ClaimJob(tiny, "endless"))
    reproducer.run(ClaimJob(tiny, "learns"))
    wait(qtbot, lambda: ear.progress)
    assert ear.progress[0][:2] == ("tiny", "endless")
    reproducer.stop("tiny")
    wait(qtbot, lambda: ear.refused)
    assert ear.refused[0][1:3] == ("endless", "Stopped.")
    assert not reproducer.is_busy_with("tiny", "learns")
    assert Reproductions().of("tiny") == {}


def test_a_check_that_does_not_listen_is_ended_and_the_next_one_runs(engine, tiny, ear, qtbot, awkward):
    reproducer = engine.reproducer
    reproducer._stop_timer.setInterval(200)
    reproducer.run(ClaimJob(tiny, "deaf"))
    reproducer.run(ClaimJob(tiny, "never"))
    wait(qtbot, lambda: ear.progress)
    reproducer.stop("tiny", "deaf")
    wait(qtbot, lambda: ear.finished)
    assert ear.refused[0][1] == "deaf"
    assert ear.finished[0][1] == "never"


@pytest.mark.parametrize(
    ("claim", "sentence", "has_details"),
    [("breaks", "ZeroDivisionError", True), ("needs", "There is no GPU here.", False), ("dies", "killed", False)],
)
def test_a_check_that_cannot_be_run_says_why_and_keeps_no_result(
    engine, tiny, ear, qtbot, awkward, claim, sentence, has_details
):
    engine.reproducer.run(ClaimJob(tiny, claim))
    wait(qtbot, lambda: ear.refused)
    plugin, refused, said, details = ear.refused[0]
    assert (plugin, refused) == ("tiny", claim)
    assert sentence in said
    assert bool(details) is has_details
    assert not details or "in breaks" in details
    assert Reproductions().of("tiny") == {}
    engine.reproducer.run(ClaimJob(tiny, "never"))
    wait(qtbot, lambda: ear.finished)


def test_a_claims_module_that_fails_to_import_is_refused_with_its_traceback(engine, tiny, ear, qtbot, user_plugins):
    (user_plugins / "tiny" / "claims.py").write_text("import nowhere_to_be_found")
    engine.reproducer.cards(tiny)
    wait(qtbot, lambda: ear.refused)
    assert "nowhere_to_be_found" in ear.refused[0][2]
    assert "Traceback" in ear.refused[0][3]
