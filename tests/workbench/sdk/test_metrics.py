from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from workbench.sdk import MetricsBlock, MetricsHistory


def block(**series):
    return MetricsBlock({name: (np.array(s, np.int64), np.array(v, float)) for name, (s, v) in series.items()})


@given(st.lists(st.lists(st.floats(allow_nan=False), max_size=30), max_size=20))
def test_nothing_is_lost_however_the_blocks_are_cut(parts):
    history, step = MetricsHistory(), 0
    for part in parts:
        history.append(block(loss=(range(step, step + len(part)), part)))
        step += len(part)
    everything = [value for part in parts for value in part]
    if everything:
        assert history["loss"][1].tolist() == everything
        assert history.latest("loss") == everything[-1]


def test_what_was_handed_out_does_not_change_when_more_comes():
    history = MetricsHistory([block(loss=([1, 2], [3.0, 4.0]))])
    steps, values = history["loss"]
    for start in range(3, 5000, 100):
        history.append(block(loss=(range(start, start + 100), np.zeros(100))))
    assert steps.tolist() == [1, 2]
    assert values.tolist() == [3.0, 4.0]


def test_the_table_aligns_metrics_of_different_steps():
    steps, columns = MetricsHistory([block(a=([1, 2, 3], [1, 2, 3]), b=([2], [9]))]).table()
    assert steps.tolist() == [1, 2, 3]
    assert np.isnan(columns["b"]).tolist() == [True, False, True]


def test_truncating_forgets_what_came_after():
    history = MetricsHistory([block(a=([1, 2, 3], [1, 2, 3]))])
    history.truncate(2)
    history.append(block(a=([3], [30])))
    assert history["a"][1].tolist() == [1, 2, 30]


def test_the_first_value_that_is_not_finite_is_found_among_losses_only():
    found = block(accuracy=([1], [np.nan]), **{"loss/b": ([5, 6], [1, np.inf]), "loss": ([5, 7], [1, np.nan])})
    assert found.first_non_finite() == ("loss/b", 6, np.inf)
    assert block(accuracy=([1], [np.nan])).first_non_finite() is None
