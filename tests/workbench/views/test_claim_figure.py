from __future__ import annotations

import numpy as np
import pytest

from workbench.views.bars import BarsView
from workbench.views.claim_figure import as_number, claim_figure, unit_of
from workbench.views.curves import CurvesView
from workbench.views.report_figures import figures_of


def table(columns, *rows):
    return {"table": {"columns": columns, "rows": rows}}


def test_curves_are_drawn_over_their_axes(qtbot):
    view = claim_figure("c", {"curves": {"6D": [[0, 50, 100], [0.01, 1, 30]]}, "axes": ["percentile [%]", "error [°]"]})
    assert isinstance(view, CurvesView)
    assert view.series_names == ("6D",)
    assert (view.x_axis.label, view.y_axis.is_log) == ("percentile [%]", True)


def test_words_in_the_first_column_make_bars_of_the_columns_with_one_unit(qtbot):
    view = claim_figure(
        "c", table(["code", "mean [°]", "max [°]", "share [%]"], ["6D", "0.70 ± 0.02", 2.2, 0], ["5D", 0.8, 3, 1])
    )
    assert isinstance(view, BarsView)
    data = {name: np.asarray(values).tolist() for name, values in view.data().items()}
    assert data["mean"] == [0.7, 0.8]
    assert data["max"] == [2.2, 3.0]
    assert not any("share" in name for name in data)


def test_rising_numbers_in_the_first_column_make_a_curve(qtbot):
    view = claim_figure("c", table(["n", "accuracy"], [5, 0.9], [10, 0.8], [20, 0.2]))
    assert isinstance(view, CurvesView)
    assert view.x_axis.label == "n"


@pytest.mark.parametrize("result", [{}, table(["a", "b"], ["x", "words"]), table(["a", "b"]), table(["a"], [1], [2])])
def test_where_there_are_no_numbers_there_is_no_figure(qtbot, result):
    assert claim_figure("c", result) is None


@pytest.mark.parametrize(
    ("cell", "number"),
    [(3, 3.0), (0.5, 0.5), ("0.70 ± 0.02", 0.7), ("12 %", 12.0), ("−1.5e-3", -0.0015), ("6D", None), (True, None),
     (None, None), ("3 of 4", None), (float("nan"), None)],
)  # fmt: skip
def test_numbers_are_read_from_cells(cell, number):
    assert as_number(cell) == number


def test_units_are_read_from_headings():
    assert [unit_of(text) for text in ("mean [°]", "time (s)", "accuracy")] == ["°", "s", ""]


def test_reports_get_figures_as_svg(qtbot):
    claims = {"a": table(["code", "mean"], ["6D", 1.0], ["5D", 2.0]), "b": {}}
    figures = figures_of([{"plugin": "tiny", "claims": claims}])
    assert list(figures) == [("tiny", "a")]
    assert figures["tiny", "a"].startswith("<svg")
