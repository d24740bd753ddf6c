"""The Runs tab as a person uses it: look, search, compare, label, delete, bring back, export."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from run_fakes import indexed, record

from workbench.app.runs_browser import RunsBrowser
from workbench.runs import RunIndex, folders


@pytest.fixture
def ids(home):
    return [record(learning_rate=rate, seed=seed) for seed, rate in enumerate((0.01, 0.1, 0.5))]


@pytest.fixture
def browser(qtbot, ids):
    browser = RunsBrowser("tiny")
    qtbot.addWidget(browser)
    browser.resize(1100, 760)
    browser.show()
    qtbot.waitUntil(lambda: len(browser.model.all_runs) == 3)
    yield browser
    browser.lister.close()


def shown(browser):
    return [run.seed for run in browser.model.runs]


def wait_for_count(qtbot, browser, count):
    qtbot.waitUntil(lambda: len(browser.model.all_runs) == count)


def test_every_run_is_listed_and_a_new_one_appears_by_itself(qtbot, browser):
    assert sorted(shown(browser)) == [0, 1, 2]
    record(seed=9)
    wait_for_count(qtbot, browser, 4)
    assert 9 in shown(browser)
    record("other", seed=10)
    browser.lister.look()
    qtbot.wait(200)
    assert 10 not in shown(browser)


def test_typing_in_the_search_field_filters_and_a_heading_sorts(qtbot, browser):
    QTest.keyClicks(browser.search, "learning_rate<0.2")
    assert sorted(shown(browser)) == [0, 1]
    assert "1 hidden by the search" in browser.summary.text()
    browser.search.clear()
    browser.set_columns(["learning_rate", "loss"])
    column = browser.model.columns.index("loss")
    header = browser.table.horizontalHeader()
    place = QPoint(header.sectionViewportPosition(column) + 8, 6)
    QTest.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=place)
    order = shown(browser)
    assert order in ([0, 1, 2], [2, 1, 0])
    QTest.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert shown(browser) == order[::-1]


def test_selected_runs_are_drawn_together_and_told_apart_by_what_differs(qtbot, browser, ids):
    browser.table.selectAll()
    plots = browser.plots
    qtbot.waitUntil(lambda: set(plots.curves.series_names) == set(ids))
    assert plots.metric_box.currentText() == "loss"
    values = plots.curves.data()
    assert any(np.allclose(np.asarray(value)[-1], np.exp(-0.5 * 50)) for value in values.values() if len(value) == 50)
    labels = {entry.label for entry in plots.curves.legend_entries()}
    assert any(label.startswith("learning_rate 0.01") for label in labels)
    plots.time.setCurrentIndex(1)
    plots.time.activated.emit(1)
    assert plots.curves.x_axis.label == "wall time"
    assert plots.curves.bounds()[0] == pytest.approx((2 / 50, 2.0))


def test_parameters_are_compared_and_only_what_differs_is_shown(qtbot, browser):
    browser.table.selectAll()
    browser.plots.setCurrentIndex(1)
    text = browser.plots.difference.markdown()
    assert "learning_rate" in text
    assert "\n| steps" not in text
    browser.plots.only_different.click()
    assert "| steps" in browser.plots.difference.markdown()


def test_scatter_and_parallel_coordinates_show_parameter_against_metric(qtbot, browser):
    plots = browser.plots
    plots.setCurrentIndex(2)
    assert plots.x_box.currentText() == "learning_rate"
    data = plots.scatter.data()
    assert sorted(np.asarray(data["learning_rate"]).tolist()) == [0.01, 0.1, 0.5]
    assert plots.scatter.x_axis.is_log is False, "a factor of 50 still fits a linear axis"
    plots.setCurrentIndex(3)
    assert set(plots.parallel.data()) == {"learning_rate", "seed", "loss"}
    clicked = []
    plots.run_clicked.connect(clicked.append)
    plots.parallel.clicked.emit(0)
    assert [run.id for run in browser.selected] == clicked


def test_tags_and_note_are_written_in_the_table_kept_in_the_folder_and_undone(qtbot, browser, ids):
    browser.select(ids[1])
    browser._actions["tag"].trigger()
    editor = browser.table.focusWidget()
    QTest.keyClicks(editor, "keep, figure 3")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: {run.id: run.tags for run in browser.model.all_runs}[ids[1]] == ("keep", "figure 3"))
    assert {run.id: run.tags for run in indexed()}[ids[1]] == ("keep", "figure 3")
    assert [run.id for run in browser.selected] == [ids[1]], "writing a tag does not lose the selection"
    browser._actions["undo"].trigger()
    qtbot.waitUntil(lambda: {run.id: run.tags for run in browser.model.all_runs}[ids[1]] == ())


def test_delete_moves_runs_away_and_undo_brings_them_back(qtbot, browser, ids):
    browser.select(ids[0])
    QTest.keyClick(browser.table, Qt.Key.Key_Delete)
    wait_for_count(qtbot, browser, 2)
    assert not (folders().runs / ids[0]).exists()
    qtbot.waitUntil(lambda: "Deleted 1 run." in browser.strip.sentence)
    browser._actions["undo"].trigger()
    wait_for_count(qtbot, browser, 3)
    assert (folders().runs / ids[0] / "run.json").exists()


def test_buttons_say_why_they_cannot_be_used(qtbot, browser, ids):
    browser.table.clearSelection()
    assert browser._actions["continue"].toolTip() == "Select one run."
    assert not browser._actions["delete"].isEnabled()
    browser.select(ids[0])
    assert browser._actions["continue"].isEnabled()
    record(seed=20, checkpoint=False)
    wait_for_count(qtbot, browser, 4)
    browser.select(next(run.id for run in browser.model.all_runs if run.seed == 20))
    assert browser._actions["continue"].toolTip() == "This run has no checkpoint."


def test_a_run_is_asked_to_go_on_or_to_lend_its_parameters(qtbot, browser, ids):
    asked = []
    browser.open_asked.connect(asked.append)
    browser.select(ids[2])
    browser._actions["continue"].trigger()
    browser._actions["parameters"].trigger()
    assert [request.what for request in asked] == ["continue", "parameters"]
    assert asked[0].folder == folders().runs / ids[2]
    assert asked[1].run.parameters["learning_rate"] == 0.5


def test_the_table_that_is_shown_is_exported(qtbot, browser, tmp_path):
    QTest.keyClicks(browser.search, "seed=2")
    browser.export_table(tmp_path / "runs.csv")
    rows = list(csv.DictReader((tmp_path / "runs.csv").read_text().splitlines()))
    assert [(row["seed"], row["parameter.learning_rate"]) for row in rows] == [("2", "0.5")]
    browser.export_table(tmp_path / "runs.xls")
    assert ".csv or .parquet" in browser.strip.sentence


def test_the_index_is_free_for_others_while_the_tab_is_open(qtbot, browser, ids):
    other = RunIndex(folders().runs)
    other.label(ids[0], note="from elsewhere")
    other.close()
    qtbot.waitUntil(lambda: any(run.note == "from elsewhere" for run in browser.model.all_runs), timeout=8000)
