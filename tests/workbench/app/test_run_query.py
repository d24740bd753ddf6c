from __future__ import annotations

import pytest
from run_fakes import indexed, record

from workbench.app.run_query import parse, value_of
from workbench.runs import RunIndex, folders


@pytest.fixture
def runs(home):
    slow = record(learning_rate=0.01, kind="relu", methods=["a", "b"])
    record(learning_rate=0.5, seed=3, kind="gelu")
    index = RunIndex(folders().runs)
    index.sync()
    index.label(slow, tags=["keep", "paper figure"], note="the slow one")
    index.close()
    return {"slow" if run.id == slow else "quick": run for run in indexed()}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {"slow", "quick"}),
        ("learning_rate<0.1", {"slow"}),
        ("learning_rate>=0.5", {"quick"}),
        ("learning_rate=0.50", {"quick"}),
        ("kind=relu", {"slow"}),
        ("kind!=relu", {"quick"}),
        ("kind:el", {"slow", "quick"}),
        ("methods=b", {"slow"}),
        ("tag=keep", {"slow"}),
        ("tag=kee", set()),
        ("note:SLOW", {"slow"}),
        ("seed=3", {"quick"}),
        ("loss<1e-6", {"quick"}),
        ("accuracy>0.9", {"quick"}),
        ("status=finished seed=0", {"slow"}),
        ("slow", {"slow"}),
        ("gelu", {"quick"}),
        ("nothing<3", set()),
        ("learning_rate<many", set()),
        ("learning_rate<", {"slow", "quick"}),
        ("seed=0 seed=3", set()),
    ],
)
def test_search_finds_what_it_asks_for(runs, text, found):
    accepts = parse(text)
    assert {name for name, run in runs.items() if accepts(run)} == found


def test_values_come_from_columns_parameters_and_metrics(runs):
    run = runs["quick"]
    assert [value_of(run, name) for name in ("seed", "kind", "status", "unknown")] == [3, "gelu", "finished", None]
    assert value_of(run, "loss") == run.finals["loss"]
