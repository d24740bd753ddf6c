import csv
import io

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QTableView

from workbench.sdk import Table
from workbench.views.table import Column, TableView, column_texts


@pytest.fixture
def view(show):
    made = TableView("summary", "Summary")
    columns = ("method", Column("mean", "°", "low"), Column("accuracy", "%", "high"), "note")
    made.set_rows(columns, [("6D", 0.4912, 99.0, None), ("quaternion", 3.27, 45.5, "a|b"), ("Euler", 6.98, None, "c")])
    return show(made)


def texts(view):
    model = view.body.model()
    return [[model.index(r, c).data() for c in range(model.columnCount())] for r in range(model.rowCount())]


def test_numbers_of_a_column_share_their_decimals(view):
    assert [row[1] for row in texts(view)] == ["0.491", "3.270", "6.980"]
    assert [row[2] for row in texts(view)] == ["99.00", "45.50", ""]


def test_a_column_of_very_different_numbers_is_written_one_by_one():
    assert column_texts([1e-9, 0.25, 3e6], Column("p")) == ["1·10⁻⁹", "0.25", "3000000"]
    assert column_texts([1, 20, 300], Column("n")) == ["1", "20", "300"]
    assert column_texts([True, None, "x", np.inf], Column("mixed")) == ["yes", "", "x", "∞"]


def test_the_best_value_is_bold_by_what_better_means(view):
    model = view.body.model()

    def bold_rows(column):
        fonts = [model.index(row, column).data(Qt.ItemDataRole.FontRole) for row in range(3)]
        return [row for row, font in enumerate(fonts) if font is not None and font.bold()]

    assert bold_rows(1) == [0]
    assert bold_rows(2) == [0]
    assert bold_rows(3) == []


def test_a_click_on_a_heading_sorts_by_value_not_by_text(show, qtbot):
    view = TableView("n", "Numbers")
    view.set_rows(("n",), [(10,), (9,), (None,), (100,)])
    show(view)
    header = view.body.horizontalHeader()
    qtbot.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(12, 8))
    ascending = [row[0] for row in texts(view)]
    qtbot.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(12, 8))
    descending = [row[0] for row in texts(view)]
    assert {tuple(ascending), tuple(descending)} == {("9", "10", "100", ""), ("", "100", "10", "9")}


def test_a_click_on_a_row_gives_its_index_as_given_also_while_sorted(view, qtbot):
    table = view.findChild(QTableView)
    table.sortByColumn(1, Qt.SortOrder.DescendingOrder)
    assert view.row_order == (2, 1, 0)
    with qtbot.waitSignal(view.clicked) as caught:
        place = table.visualRect(table.model().index(0, 0)).center()
        qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert caught.args == [2]


def test_markdown_and_latex_hold_the_table_as_shown(view):
    lines = view.markdown().splitlines()
    assert lines[0] == "| method | mean (°) | accuracy (%) | note |"
    assert lines[1] == "| --- | ---: | ---: | --- |"
    assert lines[2] == "| 6D | **0.491** | **99.00** |  |"
    assert lines[3].endswith(r"| a\|b |")
    latex = view.latex()
    assert r"\begin{tabular}{lrrl}" in latex
    assert r"6D & \textbf{0.491} & \textbf{99.00} &  \\" in latex
    assert r"accuracy (\%)" in latex
    assert latex.count(r"\\") == 4


def test_the_menu_copies_the_table(view):
    from PySide6.QtGui import QGuiApplication

    actions = {action.text(): action for action in view.export_menu().actions()}
    actions["Copy Markdown"].trigger()
    assert QGuiApplication.clipboard().text() == view.markdown()
    actions["Copy LaTeX"].trigger()
    assert QGuiApplication.clipboard().text() == view.latex()


def test_csv_has_full_precision(view, tmp_path):
    view.export(tmp_path / "a.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "a.csv").read_text())))
    assert float(rows[0]["mean (°)"]) == 0.4912
    assert rows[1]["note"] == "a|b"


def test_the_exported_figure_has_every_word(view, tmp_path):
    import xml.etree.ElementTree as ET

    view.export(tmp_path / "a.svg")
    words = {"".join(e.itertext()) for e in ET.parse(tmp_path / "a.svg").iter("{http://www.w3.org/2000/svg}text")}
    assert {"Summary", "method", "mean (°)", "0.491", "quaternion", "a|b"} <= words


def test_a_claims_table_is_shown_with_its_units(show):
    view = show(TableView("claim", "Claim"))
    view.show_table(Table(("method", "error (°)"), (("6D", 1.5), ("5D", 2.5))))
    assert view.data()["error (°)"].tolist() == [1.5, 2.5]


def test_rows_must_fit_their_columns(view):
    with pytest.raises(ValueError, match="1 cells under 2 columns"):
        view.set_rows(("a", "b"), [(1,)])


def test_sorting_comes_back(view, show):
    view.restore({"sort": [1, True]})
    assert view.row_order == (2, 1, 0)
    other = show(TableView("summary", "Summary"))
    other.set_rows(("a", "b"), [(1, 1), (2, 2)])
    other.restore(view.state())
    assert other.row_order == (1, 0)


def test_the_same_rows_again_leave_what_is_selected(qtbot):
    view = TableView("same", "Same")
    qtbot.addWidget(view)
    view.set_rows(["name", "value"], [("a", 1.0), ("b", float("nan"))])
    view.select_row(1)
    view.set_rows(["name", "value"], [("a", 1.0), ("b", float("nan"))])
    assert [index.row() for index in view._table.selectionModel().selectedRows()] == [1]
    view.set_rows(["name", "value"], [("a", 1.0), ("b", 2.0)])
    assert view._table.selectionModel().selectedRows() == []


def test_columns_of_numbers_and_gaps_stand_right_and_words_left(qtbot):
    view = TableView("sides", "Sides")
    qtbot.addWidget(view)
    view.set_rows(["word", "number", "gap", "mixed"], [("a", 1, None, 1), ("b", None, None, "x")])
    sides = [view._model.data(view._model.index(0, column), Qt.ItemDataRole.TextAlignmentRole) for column in range(4)]
    assert [bool(side & Qt.AlignmentFlag.AlignRight) for side in sides] == [False, True, False, False]
