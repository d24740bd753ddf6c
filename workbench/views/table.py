"""TableView: numbers and words in aligned, sortable columns, exported as figure, Markdown, LaTeX or CSV.

method       error (°)   max (°)
6D               0.49      1.98     best of each column in bold
quaternion       3.27    179.90
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeGuard

import numpy as np
from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QPersistentModelIndex,
    QPointF,
    QRectF,
    QSortFilterProxyModel,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QFont, QGuiApplication, QPainter
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QMenu, QTableView

from workbench.sdk import Table
from workbench.views.base import View
from workbench.views.painting import (
    TEXT_PX,
    draw_text,
    elided,
    figure_font,
    mixed,
    pen,
    text_height,
    text_width,
)
from workbench.views.theme import theme
from workbench.views.ticks import format_number

Cell = str | float | int | bool | None
Index = QModelIndex | QPersistentModelIndex
CELL_SPACE = 22.0
ROWS_MEASURED = 200
"""Rows that decide the widths of columns: to measure thousands would hold up the window at each change."""


@dataclass(frozen=True)
class Column:
    """A column's heading; `better` says which end of it is set in bold; `digits` counts significant ones."""

    name: str
    unit: str = ""
    better: Literal["low", "high"] | None = None
    digits: int = 4

    @property
    def heading(self) -> str:
        """Name with unit."""
        return f"{self.name} ({self.unit})" if self.unit else self.name


class TableView(View):
    """A sortable table. `clicked` emits the row's index as given, also while sorted."""

    clicked = Signal(object)

    def __init__(self, name: str, title: str, *, hint: str = "") -> None:
        super().__init__(name, title, hint=hint or "Click a heading to sort; the export menu copies the table.")
        self._columns: tuple[Column, ...] = ()
        self._rows: tuple[tuple[Cell, ...], ...] = ()
        self._texts: tuple[tuple[str, ...], ...] = ()
        self._best: frozenset[tuple[int, int]] = frozenset()
        self._numeric: tuple[bool, ...] = ()
        self._model = _Model(self)
        self._proxy = _SortByValue(self)
        self._proxy.setSourceModel(self._model)
        self._table = QTableView()
        self._table.setModel(self._proxy)
        self._table.setSortingEnabled(True)
        self._table.sortByColumn(-1, Qt.SortOrder.AscendingOrder)
        self._table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self._table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self._table.setShowGrid(False)
        self._table.setAlternatingRowColors(True)
        self._table.setFrameShape(QTableView.Shape.NoFrame)
        self._table.setWordWrap(False)
        self._table.verticalHeader().hide()
        self._table.verticalHeader().setDefaultSectionSize(self._table.fontMetrics().height() + 8)
        header = self._table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setResizeContentsPrecision(ROWS_MEASURED)
        header.setStretchLastSection(False)
        header.setHighlightSections(False)
        self._table.clicked.connect(self._row_clicked)
        self.set_body(self._table)

    def set_rows(self, columns: Sequence[Column | str], rows: Sequence[Sequence[Any]]) -> None:
        """Show rows of words and numbers; None and NaN are empty. Raises ValueError for a row of another length."""
        made = tuple(column if isinstance(column, Column) else _parsed(column) for column in columns)
        cells = tuple(tuple(_plain(cell) for cell in row) for row in rows)
        for row in cells:
            if len(row) != len(made):
                raise ValueError(f"{self.name}: a row of {len(row)} cells under {len(made)} columns")
        if (made, cells) == (self._columns, self._rows):
            self.show_message("")
            return
        self._model.beginResetModel()
        self._columns, self._rows = made, cells
        by_column = [column_texts([row[index] for row in cells], column) for index, column in enumerate(made)]
        self._texts = tuple(tuple(texts[row] for texts in by_column) for row in range(len(cells)))
        self._numeric = tuple(_all_numbers([row[index] for row in cells]) for index in range(len(made)))
        self._best = frozenset((row, index) for index in range(len(made)) for row in self._best_rows(index))
        self._model.endResetModel()
        self.show_message("")

    def show_table(self, table: Table) -> None:
        """Show a claim's table."""
        self.set_rows(table.columns, table.rows)

    def clear(self) -> None:
        """Remove all rows."""
        self.set_rows(self._columns, ())

    def select_row(self, row: int | None) -> None:
        """Select a row by its index as given; None selects nothing."""
        self._table.clearSelection()
        if row is not None:
            self._table.selectRow(self._proxy.mapFromSource(self._model.index(row, 0)).row())

    def _best_rows(self, index: int) -> list[int]:
        better = self._columns[index].better
        numbers = [(row, float(value)) for row, cells in enumerate(self._rows) if is_number(value := cells[index])]
        if better is None or len(numbers) < 2:
            return []
        best = (min if better == "low" else max)(value for _, value in numbers)
        return [row for row, value in numbers if value == best]

    def _row_clicked(self, index: QModelIndex) -> None:
        self.clicked.emit(self._proxy.mapToSource(index).row())

    @property
    def row_order(self) -> tuple[int, ...]:
        """Indices of the rows as now sorted."""
        places = [self._proxy.mapToSource(self._proxy.index(row, 0)) for row in range(self._proxy.rowCount())]
        return tuple(place.row() for place in places)

    # Export

    def markdown(self) -> str:
        """Return the table as Markdown, best values in bold, as now sorted."""
        lines = ["| " + " | ".join(_escaped(column.heading, "|") for column in self._columns) + " |"]
        rules = ["---:" if self._numeric[index] else "---" for index in range(len(self._columns))]
        lines.append("| " + " | ".join(rules) + " |")
        for row in self.row_order:
            cells = []
            for index, text in enumerate(self._texts[row]):
                escaped = _escaped(text, "|")
                cells.append(f"**{escaped}**" if (row, index) in self._best else escaped)
            lines.append("| " + " | ".join(cells) + " |")
        return "\n".join(lines) + "\n"

    def latex(self) -> str:
        """Return the table as a LaTeX tabular with booktabs' rules, best values in bold, as now sorted."""
        kinds = "".join("r" if self._numeric[index] else "l" for index in range(len(self._columns)))
        lines = [rf"\begin{{tabular}}{{{kinds}}}", r"\toprule"]
        lines += [" & ".join(_latex(column.heading) for column in self._columns) + r" \\", r"\midrule"]
        for row in self.row_order:
            cells = [
                rf"\textbf{{{_latex(text)}}}" if (row, index) in self._best else _latex(text)
                for index, text in enumerate(self._texts[row])
            ]
            lines.append(" & ".join(cells) + r" \\")
        return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"

    def export_menu(self) -> QMenu:
        """Add copying as Markdown and as LaTeX to the menu of every view."""
        menu = super().export_menu()
        for text, make in (("Copy Markdown", self.markdown), ("Copy LaTeX", self.latex)):
            action = menu.addAction(text)
            action.setEnabled(bool(self._rows))
            action.triggered.connect(partial(_copy, make))
        return menu

    def data(self) -> Mapping[str, np.ndarray]:
        """Each column's values under its heading; numbers as floats, NaN where a cell is empty."""
        if not self._rows:
            return {}
        columns: dict[str, np.ndarray] = {}
        for index, column in enumerate(self._columns):
            cells = [row[index] for row in self._rows]
            if self._numeric[index]:
                values = np.array([math.nan if cell is None else float(cell) for cell in cells])
            else:
                values = np.array(["" if cell is None else str(cell) for cell in cells])
            columns[column.heading if column.heading not in columns else f"{column.heading} {index}"] = values
        return columns

    def export_size(self) -> tuple[int, int]:
        """Just large enough for all rows."""
        widths, row_height = self._natural_widths(), text_height() + 8
        width = sum(widths) + 30
        return max(240, math.ceil(width)), max(80, math.ceil((len(self._rows) + 1) * row_height + 60))

    def _natural_widths(self) -> list[float]:
        bold = figure_font(TEXT_PX, bold=True)
        widths = []
        for index, column in enumerate(self._columns):
            texts = [column.heading, *(row[index] for row in self._texts)]
            widths.append(max(text_width(text, bold) for text in texts) + CELL_SPACE)
        return widths

    def paint(self, painter: QPainter, rect: QRectF) -> None:
        """Draw the table; columns shrink together where the room is too narrow, rows beyond the room are counted."""
        colours = theme()
        bold, row_height = figure_font(TEXT_PX, bold=True), text_height() + 8
        widths = self._natural_widths()
        shrink = min(1.0, rect.width() / max(1.0, sum(widths)))
        widths = [width * shrink for width in widths]
        room = int(rect.height() / row_height) - 1
        order = self.row_order
        shown = order if len(order) <= room else order[: max(0, room - 1)]
        y = rect.top()
        painter.setFont(bold)
        self._draw_row(painter, rect.left(), y, widths, [column.heading for column in self._columns], bold, frozenset())
        painter.setPen(pen(colours.foreground, 1.0))
        right = rect.left() + sum(widths)
        painter.drawLine(QPointF(rect.left(), y + row_height), QPointF(right, y + row_height))
        for place, row in enumerate(shown):
            y += row_height
            if place % 2:
                stripe = QRectF(rect.left(), y, sum(widths), row_height)
                painter.fillRect(stripe, QColor(mixed(colours.grid, colours.background, 0.6)))
            best = frozenset(index for index in range(len(widths)) if (row, index) in self._best)
            self._draw_row(painter, rect.left(), y, widths, self._texts[row], figure_font(), best)
        if len(shown) < len(order):
            painter.setFont(figure_font())
            place_rect = QRectF(rect.left() + 6, y + row_height, rect.width(), row_height)
            text = f"… {len(order) - len(shown)} more rows"
            draw_text(painter, place_rect, text, colours.muted, Qt.AlignmentFlag.AlignLeft)

    def _draw_row(
        self,
        painter: QPainter,
        left: float,
        y: float,
        widths: Sequence[float],
        texts: Sequence[str],
        font: QFont,
        best: frozenset[int],
    ) -> None:
        bold, row_height = figure_font(TEXT_PX, bold=True), text_height() + 8
        for index, (width, text) in enumerate(zip(widths, texts, strict=True)):
            used = bold if index in best else font
            painter.setFont(used)
            place = QRectF(left + 6, y, width - 12, row_height)
            side = Qt.AlignmentFlag.AlignRight if self._numeric[index] else Qt.AlignmentFlag.AlignLeft
            draw_text(painter, place, elided(text, width - 12, used), theme().foreground, side)
            left += width

    def state(self) -> dict[str, Any]:
        """Return the column sorted by and its direction."""
        header = self._table.horizontalHeader()
        is_descending = header.sortIndicatorOrder() == Qt.SortOrder.DescendingOrder
        return {"sort": [self._proxy.sortColumn(), is_descending]}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore what `state` returned."""
        sort = state.get("sort")
        if isinstance(sort, list) and len(sort) == 2 and isinstance(sort[0], int):
            order = Qt.SortOrder.DescendingOrder if sort[1] else Qt.SortOrder.AscendingOrder
            self._table.sortByColumn(sort[0], order)


class _Model(QAbstractTableModel):
    def __init__(self, view: TableView) -> None:
        super().__init__(view)
        self._view = view

    def rowCount(self, parent: Index | None = None) -> int:
        return len(self._view._rows)

    def columnCount(self, parent: Index | None = None) -> int:
        return len(self._view._columns)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        view, row, column = self._view, index.row(), index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return view._texts[row][column]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if view._numeric[column] else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.FontRole and (row, column) in view._best:
            font = QFont()
            font.setBold(True)
            return font
        if role == Qt.ItemDataRole.ToolTipRole and is_number(view._rows[row][column]):
            return repr(view._rows[row][column])
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return self._view._columns[section].heading
        return None


class _SortByValue(QSortFilterProxyModel):
    """Sorts by the values behind the texts; empty cells come last in ascending order."""

    def __init__(self, view: TableView) -> None:
        super().__init__(view)
        self._view = view

    def lessThan(self, left: Index, right: Index) -> bool:
        rows = self._view._rows
        return sort_key(rows[left.row()][left.column()]) < sort_key(rows[right.row()][right.column()])


def _all_numbers(cells: Sequence[Cell]) -> bool:
    """Whether a column is to be set flush right: it has numbers, and nothing but numbers and gaps."""
    found = [cell for cell in cells if cell is not None]
    return bool(found) and all(is_number(cell) for cell in found)


def sort_key(cell: Cell) -> tuple[int, float, str]:
    """Numbers by value, then words by letters, then empty cells."""
    if cell is None:
        return 2, 0.0, ""
    return (0, float(cell), "") if is_number(cell) else (1, 0.0, str(cell).casefold())


def is_number(cell: Cell) -> TypeGuard[int | float]:
    """Whether a cell holds a number (truth values are words here)."""
    return isinstance(cell, (int, float)) and not isinstance(cell, bool)


def column_texts(cells: Sequence[Cell], column: Column) -> list[str]:
    """Write a column's cells; its numbers share their decimals, so that they align, unless they differ too much."""
    numbers = [abs(float(cell)) for cell in cells if is_number(cell) and math.isfinite(float(cell)) and cell]
    is_whole = all(isinstance(cell, int) for cell in cells if is_number(cell))
    decimals: int | None = 0
    if numbers and not is_whole:
        largest, smallest = math.floor(math.log10(max(numbers))), math.floor(math.log10(min(numbers)))
        # The largest number gets its significant digits, and the smallest at least three.
        decimals = max(0, column.digits - 1 - largest, 2 - smallest if largest - smallest <= 3 else 0)
        # Fixed decimals that hide the small numbers' digits mislead; then each is written on its own.
        if largest >= 7 or smallest < -decimals or decimals > 6:
            decimals = None

    def written(cell: Cell) -> str:
        if cell is None:
            return ""
        if isinstance(cell, bool):
            return "yes" if cell else "no"
        if not isinstance(cell, (int, float)):
            return str(cell)
        if decimals is None or not math.isfinite(float(cell)):
            return format_number(float(cell), column.digits)
        return f"{cell:.{decimals}f}".replace("-", "−")

    return [written(cell) for cell in cells]


def _plain(cell: Any) -> Cell:
    if isinstance(cell, (np.generic, np.ndarray)) and np.ndim(cell) == 0:
        cell = cell.item()
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return None
    return cell if isinstance(cell, (str, bool, int, float)) else str(cell)


def _parsed(heading: str) -> Column:
    """Read `"error (°)"` as a name and a unit."""
    if heading.endswith(")") and " (" in heading:
        name, unit = heading[:-1].rsplit(" (", 1)
        return Column(name, unit)
    return Column(heading)


def _escaped(text: str, marks: str) -> str:
    for mark in marks:
        text = text.replace(mark, f"\\{mark}")
    return text


def _latex(text: str) -> str:
    special = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    special |= {mark: f"\\{mark}" for mark in "&%$#_{}"} | {"−": "$-$", "∞": r"$\infty$", "°": r"$^\circ$"}
    special |= {"±": r"$\pm$", "·": r"$\cdot$", "×": r"$\times$"}
    special |= {mark: f"$^{{{plain}}}$" for mark, plain in zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-", strict=True)}
    return "".join(special.get(mark, mark) for mark in text)


def _copy(make: Any, checked: bool = False) -> None:
    QGuiApplication.clipboard().setText(make())


if __name__ == "__main__":
    from workbench.views.demo import show_demo

    def _make() -> TableView:
        view = TableView("summary", "Summary")
        columns = ("method", Column("mean", "°", "low"), Column("max", "°", "low"))
        view.set_rows(columns, [("6D", 0.49, 1.98), ("quaternion", 3.27, 179.93), ("Euler", 6.98, 179.95)])
        return view

    show_demo(_make)
