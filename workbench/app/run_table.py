"""The table of runs: one row each, with columns for any parameter or metric, tags and notes edited in place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QColor
from typing_extensions import override

from workbench.app.run_query import Predicate, value_of
from workbench.app.widgets import bytes_text, count_text, duration_text
from workbench.runs import IndexedRun
from workbench.views.theme import theme
from workbench.views.ticks import format_number

Index = QModelIndex | QPersistentModelIndex
BASE = ("started", "paper", "experiment", "status", "step", "seconds", "seed", "device", "size", "tags", "note")
EDITABLE = ("tags", "note")
_HEADINGS = {"seconds": "time", "size": "disk"}
_STATUS_COLOURS = {"running": "accent", "finished": "success", "failed": "error", "paused": "warning",
                   "interrupted": "error", "stopped": "muted"}  # fmt: skip
Role = Qt.ItemDataRole
MOST_SINGLE_CHANGES = 100
"""Beyond so many rows that come or go at once the whole table is drawn anew, and the selection is lost."""


class RunTableModel(QAbstractTableModel):
    """Rows are the runs that the search lets through, in the order that a heading was clicked for.

    It sorts and filters itself, with one key a run: asking Python for each comparison takes seconds with ten thousand.
    `labelled` carries (run id, "tags" or "note", new text) when the person wrote something.
    """

    labelled = Signal(str, str, str)

    def __init__(self, titles: Mapping[str, str], shows_paper: bool) -> None:
        super().__init__()
        self._titles = titles
        self._base = tuple(name for name in BASE if shows_paper or name != "paper")
        self._extra: tuple[str, ...] = ()
        self._all: Sequence[IndexedRun] = ()
        self._shown: list[IndexedRun] = []
        self._predicate: Predicate = lambda run: True
        self._order: tuple[str, bool] = ("started", True)

    @property
    def all_runs(self) -> Sequence[IndexedRun]:
        """All runs, newest first."""
        return self._all

    @property
    def runs(self) -> Sequence[IndexedRun]:
        """The runs that are shown, in the order of the rows."""
        return self._shown

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of all columns: what every run has, then the chosen parameters and metrics, then tags and note."""
        cut = len(self._base) - len(EDITABLE)
        return self._base[:cut] + self._extra + self._base[cut:]

    @property
    def extra(self) -> tuple[str, ...]:
        """The parameters and metrics that have a column."""
        return self._extra

    def set_extra(self, names: Sequence[str]) -> None:
        """Choose the parameters and metrics that have a column."""
        if tuple(names) != self._extra:
            self.beginResetModel()
            self._extra = tuple(names)
            self.endResetModel()

    def set_runs(self, runs: Sequence[IndexedRun]) -> None:
        """Take over these runs; rows that stay are kept, and with them the selection and what is being written."""
        self._all = runs
        self._show(self._wanted())

    def set_predicate(self, predicate: Predicate) -> None:
        """Show the runs for which `predicate` is true."""
        self._predicate = predicate
        self._show(self._wanted())

    @override
    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        if 0 <= column < len(self.columns):
            self._order = self.columns[column], order == Qt.SortOrder.DescendingOrder
            self._show(self._wanted())

    def _wanted(self) -> list[IndexedRun]:
        name, is_descending = self._order
        found = [run for run in self._all if self._predicate(run)]
        return sorted(found, key=lambda run: _key(self.value(run, name)), reverse=is_descending)

    def _show(self, wanted: list[IndexedRun]) -> None:
        """Go from the rows that are shown to those that are wanted with as little change as Qt can follow."""
        old, new = [run.id for run in self._shown], [run.id for run in wanted]
        kept, known = set(new), set(old)
        gone = [row for row, id in enumerate(old) if id not in kept]
        come = [row for row, id in enumerate(new) if id not in known]
        if len(gone) + len(come) > MOST_SINGLE_CHANGES:
            self.beginResetModel()
            self._shown = wanted
            self.endResetModel()
            return
        for row in reversed(gone):
            self.beginRemoveRows(QModelIndex(), row, row)
            del self._shown[row]
            self.endRemoveRows()
        staying = [run for run in wanted if run.id in known]
        if [run.id for run in staying] != [run.id for run in self._shown]:
            self._reorder(staying)
        before = {run.id: run.stamp for run in self._shown}
        self._shown = staying
        for row in come:
            self.beginInsertRows(QModelIndex(), row, row)
            self._shown.insert(row, wanted[row])
            self.endInsertRows()
        changed = [row for row, run in enumerate(self._shown) if before.get(run.id, run.stamp) != run.stamp]
        if changed:
            self.dataChanged.emit(self.index(changed[0], 0), self.index(changed[-1], len(self.columns) - 1))

    def _reorder(self, wanted: list[IndexedRun]) -> None:
        self.layoutAboutToBeChanged.emit()
        places = {run.id: row for row, run in enumerate(wanted)}
        before = self.persistentIndexList()
        after = [self.createIndex(places[self._shown[index.row()].id], index.column()) for index in before]
        self._shown = wanted
        self.changePersistentIndexList(before, after)
        self.layoutChanged.emit()

    @override
    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._shown)

    @override
    def columnCount(self, parent: Index | None = None) -> int:
        return len(self.columns)

    @override
    def flags(self, index: Index) -> Qt.ItemFlag:
        flags = super().flags(index)
        return flags | Qt.ItemFlag.ItemIsEditable if self.columns[index.column()] in EDITABLE else flags

    @override
    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Role.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Horizontal and role == Role.DisplayRole:
            name = self.columns[section]
            return _HEADINGS.get(name, name.replace("_", " "))
        return None

    @override
    def data(self, index: Index, role: int = Role.DisplayRole) -> Any:
        run, name = self._shown[index.row()], self.columns[index.column()]
        if role in (Role.DisplayRole, Role.EditRole):
            return self.text(run, name)
        if role == Role.ToolTipRole:
            return run.id if name == "started" else self.text(run, name)
        if role == Role.TextAlignmentRole and isinstance(self.value(run, name), int | float):
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role == Role.ForegroundRole and name == "status":
            return QColor(theme().colour(_STATUS_COLOURS.get(run.shown_status, "foreground")))
        return None

    @override
    def setData(self, index: Index, value: Any, role: int = Role.EditRole) -> bool:
        run, name = self._shown[index.row()], self.columns[index.column()]
        if role != Role.EditRole or name not in EDITABLE or str(value) == self.text(run, name):
            return False
        self.labelled.emit(run.id, name, str(value))
        return True

    def value(self, run: IndexedRun, name: str) -> Any:
        """The value behind a cell, to sort by."""
        match name:
            case "paper":
                return self._titles.get(run.plugin, run.plugin)
            case "size":
                return run.bytes
            case "tags":
                return ", ".join(run.tags)
        return value_of(run, name)

    def text(self, run: IndexedRun, name: str) -> str:
        """What a cell shows."""
        value = self.value(run, name)
        match name:
            case "started":
                return f"{datetime.fromisoformat(run.started).astimezone():%Y-%m-%d %H:%M:%S}"
            case "step":
                total = f" / {count_text(run.total_steps)}" if run.total_steps and run.step < run.total_steps else ""
                return f"{count_text(run.step)}{total}"
            case "seconds":
                return duration_text(run.seconds)
            case "size":
                return bytes_text(run.bytes) if run.bytes >= 2**20 else f"{run.bytes / 1024:.0f} kB"
        return cell_text(value)


def cell_text(value: Any) -> str:
    """Return a parameter's or metric's value as a cell or a legend shows it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return format_number(value)
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value)


def _key(value: Any) -> tuple[int, float, str]:
    if value is None:
        return 0, 0.0, ""
    if isinstance(value, int | float):
        return 1, float(value) if value == value else float("-inf"), ""
    return 2, 0.0, cell_text(value).lower()
