"""The table of runs: one row each, with columns for any parameter or metric, tags and notes edited in place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, QSortFilterProxyModel, Qt, Signal
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


class RunTableModel(QAbstractTableModel):
    """Rows are runs. `labelled` carries (run id, "tags" or "note", new text) when the person wrote something."""

    labelled = Signal(str, str, str)

    def __init__(self, titles: Mapping[str, str], shows_paper: bool) -> None:
        super().__init__()
        self._titles = titles
        self._base = tuple(name for name in BASE if shows_paper or name != "paper")
        self._extra: tuple[str, ...] = ()
        self._runs: list[IndexedRun] = []

    @property
    def runs(self) -> Sequence[IndexedRun]:
        """The runs, newest first."""
        return self._runs

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
        """Show these runs; rows that stayed are updated in place, so that the selection stays."""
        old, new = [run.id for run in self._runs], [run.id for run in runs]
        if old == new:
            changed = [row for row, (a, b) in enumerate(zip(self._runs, runs, strict=True)) if a.stamp != b.stamp]
            self._runs = list(runs)
            if changed:
                last = len(self.columns) - 1
                self.dataChanged.emit(self.index(changed[0], 0), self.index(changed[-1], last))
            return
        kept = set(new)
        for row in reversed([row for row, id in enumerate(old) if id not in kept]):
            self.beginRemoveRows(QModelIndex(), row, row)
            del self._runs[row]
            self.endRemoveRows()
        if [run.id for run in self._runs] == new[len(new) - len(self._runs) :]:
            added = len(new) - len(self._runs)
            self.beginInsertRows(QModelIndex(), 0, added - 1) if added else None
            self._runs = list(runs)
            self.endInsertRows() if added else None
            if len(self._runs) > added:
                self.dataChanged.emit(self.index(added, 0), self.index(len(runs) - 1, len(self.columns) - 1))
        else:
            self.beginResetModel()
            self._runs = list(runs)
            self.endResetModel()

    @override
    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._runs)

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
        run, name = self._runs[index.row()], self.columns[index.column()]
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
        run, name = self._runs[index.row()], self.columns[index.column()]
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


class RunSorter(QSortFilterProxyModel):
    """Sorts by value and lets through what the search text asks for."""

    def __init__(self, model: RunTableModel) -> None:
        super().__init__()
        self._model = model
        self._predicate: Predicate = lambda run: True
        self.setSourceModel(model)
        self.setDynamicSortFilter(True)

    def set_predicate(self, predicate: Predicate) -> None:
        """Show the runs for which `predicate` is true."""
        self._predicate = predicate
        self.invalidate()

    def runs(self) -> list[IndexedRun]:
        """The runs that are shown, in the order of the rows."""
        return [self._model.runs[self.mapToSource(self.index(row, 0)).row()] for row in range(self.rowCount())]

    @override
    def filterAcceptsRow(self, source_row: int, source_parent: Index) -> bool:
        return self._predicate(self._model.runs[source_row])

    @override
    def lessThan(self, left: Index, right: Index) -> bool:
        name = self._model.columns[left.column()]
        return _key(self._model.value(self._model.runs[left.row()], name)) < _key(
            self._model.value(self._model.runs[right.row()], name)
        )


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
