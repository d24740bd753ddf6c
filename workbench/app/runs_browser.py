"""The Runs tab, and the window of all runs: table, comparison, and what can be done with a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from PySide6.QtCore import QItemSelection, QItemSelectionModel, QModelIndex, QPoint, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QAction, QHideEvent, QKeyEvent, QShowEvent, QUndoCommand, QUndoStack
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QPushButton,
    QSplitter,
    QTableView,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from workbench.app.icons import icon
from workbench.app.message_strip import Mend, MessageStrip
from workbench.app.run_lister import RunLister
from workbench.app.run_plots import RunPlots, metric_names
from workbench.app.run_query import HELP, parse
from workbench.app.run_table import RunTableModel
from workbench.app.sweep_bar import SweepBar
from workbench.app.widgets import ColouredLabel, bytes_text, count_text
from workbench.export.run_tables import NO_PARQUET, has_parquet, save_event_files, save_table
from workbench.runs import IndexedRun, RunFolder, RunIndex, RunRecord, folders
from workbench.runs.archive import SUFFIX, pack_run
from workbench.sdk import MetricsHistory, UserError
from workbench.views.file_dialogs import ask_folder, ask_target

LOOK_MS = 2000
"""While it is seen, it looks so often for runs that are new, changed or gone."""
ROWS_MEASURED = 40
"""So many rows decide how wide a column is."""
MOST_COLUMNS = 3
"""Losses that have a column before anybody chose."""


@dataclass(frozen=True)
class RunRequest:
    """What to do with a recorded run: go on from its last checkpoint, or open its parameters for a new run."""

    what: Literal["continue", "parameters"]
    run: IndexedRun | RunRecord
    folder: Path


class _Change(QUndoCommand):
    """A change of the index with its opposite."""

    def __init__(self, text: str, lister: RunLister, do: Any, undo: Any) -> None:
        super().__init__(text)
        self._lister, self._do, self._undo = lister, do, undo

    @override
    def redo(self) -> None:
        self._lister.change(self.text(), self._do)

    @override
    def undo(self) -> None:
        self._lister.change(f"undo {self.text()}", self._undo)


class RunsBrowser(QWidget):
    """Runs of one plugin, or of all. `open_asked` carries a RunRequest, `noted` a sentence to keep."""

    open_asked = Signal(object)
    noted = Signal(str)

    def __init__(self, plugin: str | None = None, titles: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self._root = folders().make().runs
        self.lister = RunLister(self._root, plugin)
        self.undo_stack = QUndoStack(self)
        self.model = RunTableModel(titles or {}, shows_paper=plugin is None)
        self.plots = RunPlots()
        self.strip = MessageStrip()
        self.sweeps = SweepBar(plugin)
        self.sweeps.chosen.connect(self._sweep_chosen)
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search runs:  words, or  loss<0.1  status=finished  tag=keep")
        self.search.setToolTip(HELP)
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._search_changed)
        self.summary = ColouredLabel()
        self.table = self._make_table()
        self._actions = self._make_actions()
        self._has_chosen_columns = False
        self._ticket = 0
        self._lay_out()
        self._timer = QTimer(self, interval=LOOK_MS)
        self._timer.timeout.connect(self.lister.look)
        self.lister.listed.connect(self._listed)
        self.lister.histories.connect(self._take_histories)
        self.lister.done.connect(self._done)
        self.model.labelled.connect(self._label)
        self.plots.histories_wanted.connect(self._want_histories)
        self.plots.run_clicked.connect(self.select)
        self.destroyed.connect(self.lister.close)
        self._selection_changed()

    # Making

    def _make_table(self) -> QTableView:
        table = QTableView()
        table.setModel(self.model)
        table.setSortingEnabled(True)
        table.sortByColumn(0, Qt.SortOrder.DescendingOrder)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        table.setEditTriggers(
            QAbstractItemView.EditTrigger.DoubleClicked | QAbstractItemView.EditTrigger.EditKeyPressed
        )
        table.setShowGrid(False)
        table.setAlternatingRowColors(True)
        table.setWordWrap(False)
        table.setFrameShape(QTableView.Shape.NoFrame)
        table.setAccessibleName("Runs")
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(table.fontMetrics().height() + 8)
        table.horizontalHeader().setSectionsMovable(True)
        table.horizontalHeader().setResizeContentsPrecision(ROWS_MEASURED)
        table.horizontalHeader().setHighlightSections(False)
        table.horizontalHeader().setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        table.horizontalHeader().customContextMenuRequested.connect(self._column_menu)
        table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        table.customContextMenuRequested.connect(self._row_menu)
        table.selectionModel().selectionChanged.connect(self._selection_moved)
        return table

    def _make_actions(self) -> dict[str, QAction]:
        def make(name: str, text: str, icon_name: str, slot: Any) -> tuple[str, QAction]:
            action = QAction(icon(icon_name), text, self)
            action.triggered.connect(slot)
            return name, action

        return dict([
            make("continue", "Continue", "mdi6.play", self._continue),
            make("parameters", "Open with these parameters", "mdi6.tune-variant", self._open_parameters),
            make("tag", "Tag or note", "mdi6.tag-outline", self._edit_tags),
            make("delete", "Delete", "mdi6.trash-can-outline", self._delete),
            make("undo", "Undo", "mdi6.undo", self.undo_stack.undo),
            make("archive", "Run as one file …", "mdi6.archive-arrow-down-outline", self._export_archive),
            make("csv", "Table of runs as CSV …", "mdi6.table-arrow-down", self._export_csv),
            make("parquet", "Table of runs as Parquet …", "mdi6.table-arrow-down", self._export_parquet),
            make("events", "Event files for TensorBoard …", "mdi6.chart-line", self._export_events),
        ])  # fmt: skip

    def _lay_out(self) -> None:
        bar = QHBoxLayout()
        bar.setContentsMargins(10, 4, 10, 0)
        bar.addWidget(self.search, 1)
        for name in ("continue", "parameters", "tag", "delete", "undo"):
            button = QToolButton()
            button.setDefaultAction(self._actions[name])
            has_text = name in ("continue", "parameters")
            style = Qt.ToolButtonStyle.ToolButtonTextBesideIcon if has_text else Qt.ToolButtonStyle.ToolButtonIconOnly
            button.setToolButtonStyle(style)
            button.setAutoRaise(True)
            bar.addWidget(button)
        columns = QPushButton(icon("mdi6.view-column-outline"), "Columns")
        columns.clicked.connect(lambda: self._column_menu(None))
        export = QPushButton(icon("mdi6.tray-arrow-down"), "Export")
        menu = QMenu(export)
        menu.setToolTipsVisible(True)
        for name in ("archive", "csv", "parquet", "events"):
            menu.addAction(self._actions[name])
        export.setMenu(menu)
        self._columns_button = columns
        bar.addWidget(columns)
        bar.addWidget(export)
        top = QWidget()
        column = QVBoxLayout(top)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(bar)
        column.addWidget(self.sweeps)
        column.addWidget(self.strip)
        column.addWidget(self.table, 1)
        self.summary.setContentsMargins(10, 0, 10, 2)
        column.addWidget(self.summary)
        self.splitter = QSplitter(Qt.Orientation.Vertical)
        self.splitter.addWidget(top)
        self.splitter.addWidget(self.plots)
        self.splitter.setSizes([360, 340])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.splitter)

    # What is shown

    @override
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.lister.look()
        self.sweeps.look()
        self._timer.start()

    @override
    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._timer.stop()

    @property
    def selected(self) -> list[IndexedRun]:
        """The runs whose rows are selected, in the order of the rows."""
        rows = sorted(index.row() for index in self.table.selectionModel().selectedRows())
        shown = self.model.runs
        return [shown[row] for row in rows]

    @Slot(str)
    def _sweep_chosen(self, id: str) -> None:
        others = [term for term in self.search.text().split() if not term.startswith("sweep=")]
        self.search.setText(" ".join([*others, f"sweep={id}"] if id else others))
        if self.sweeps.sweep is not None:
            varied = [axis.name for axis in self.sweeps.sweep.read().spec.axes]
            self.set_columns([*varied, *self._first_losses(self.model.runs)])
            self._has_chosen_columns = bool(self.model.runs)

    @Slot(str)
    def select(self, id: str) -> None:
        """Select one run and scroll to it; one that the search hides is not selected."""
        for row, run in enumerate(self.model.runs):
            if run.id == id:
                index = self.model.index(row, 0)
                # Not selectRow: that one would toggle the row while Ctrl is held.
                Flag = QItemSelectionModel.SelectionFlag
                self.table.selectionModel().setCurrentIndex(index, Flag.ClearAndSelect | Flag.Rows)
                self.table.scrollTo(index)

    @Slot(object)
    def _listed(self, runs: list[IndexedRun]) -> None:
        is_first = not self.model.all_runs
        if not self._has_chosen_columns and (losses := self._first_losses(runs)):
            self._has_chosen_columns = True
            self.model.set_extra([*(name for name in self.model.extra if name not in losses), *losses])
        self.model.set_runs(runs)
        if is_first and runs:
            self.table.resizeColumnsToContents()
            self.select(self.model.runs[0].id) if self.model.rowCount() else None
        self._show()

    @staticmethod
    def _first_losses(runs: Sequence[IndexedRun]) -> list[str]:
        return [name for name in metric_names(runs) if name.startswith("loss")][:MOST_COLUMNS]

    @Slot()
    def _search_changed(self) -> None:
        self.model.set_predicate(parse(self.search.text()))
        self._show()

    @Slot(QItemSelection, QItemSelection)
    def _selection_moved(self, now: QItemSelection, before: QItemSelection) -> None:
        self._selection_changed()
        self.plots.show_runs(self.model.runs, self.selected)

    def _show(self) -> None:
        shown = self.model.runs
        total = sum(run.bytes for run in self.model.all_runs)
        hidden = len(self.model.all_runs) - len(shown)
        parts = [
            f"{count_text(len(shown))} run{'s' if len(shown) != 1 else ''}",
            f"{count_text(hidden)} hidden by the search" if hidden else "",
            f"{bytes_text(total) if total >= 2**20 else f'{total / 1024:.0f} kB'} on disk",
        ]
        self.summary.setText(" · ".join(part for part in parts if part))
        self._selection_changed()
        self.plots.show_runs(shown, self.selected)

    def _selection_changed(self) -> None:
        chosen = self.selected
        one = "" if len(chosen) == 1 else "Select one run."
        some = "" if chosen else "Select runs in the table."
        checkpoint = one or self._why_not_continue(chosen[0])
        shown = "" if self.model.rowCount() else "There are no runs to export."
        for name, reason, help in (
            ("continue", checkpoint, "Go on from the last checkpoint of this run"),
            ("parameters", one, "Put this run's parameters and seed into the form, for a new run"),
            ("tag", one, "Write tags (with commas) and a note; they are kept in the run's folder"),
            ("delete", some, "Delete the selected runs; Undo brings them back"),
            ("undo", "" if self.undo_stack.canUndo() else "There is nothing to undo.",
             f"Undo {self.undo_stack.undoText()}"),
            ("archive", one, "A .workbench-run file: opened elsewhere, it shows this run in its panel"),
            ("csv", shown, "The runs that the table shows, with parameters and last values"),
            ("parquet", shown or ("" if has_parquet() else NO_PARQUET), "The same with typed columns"),
            ("events", some, "Every scalar of the selected runs, one folder a run"),
        ):  # fmt: skip
            self._actions[name].setEnabled(not reason)
            self._actions[name].setToolTip(reason or help)

    def _why_not_continue(self, run: IndexedRun) -> str:
        if run.is_computing:
            return "This run is being computed now."
        return "" if RunFolder(self._root / run.id).checkpoint.exists() else "This run has no checkpoint."

    @Slot(object)
    def _want_histories(self, runs: Sequence[IndexedRun]) -> None:
        self._ticket += 1
        if runs:
            self.lister.read_histories(runs, self._ticket)
        else:
            self.plots.show_histories({})

    @Slot(object, object)
    def _take_histories(self, ticket: int, histories: Mapping[str, MetricsHistory]) -> None:
        if ticket == self._ticket:
            self.plots.show_histories(histories)

    # Columns

    @Slot(QPoint)
    def _column_menu(self, position: QPoint | None) -> None:
        menu = QMenu(self)
        runs = self.model.all_runs
        parameters = list(dict.fromkeys(name for run in runs for name in run.parameters))
        for heading, names in (("Metrics (last value)", metric_names(runs)), ("Parameters", parameters)):
            menu.addSection(heading)
            for name in names:
                action = menu.addAction(name.replace("_", " "))
                action.setData(name)
                action.setCheckable(True)
                action.setChecked(name in self.model.extra)
                action.triggered.connect(self._column_toggled)
        place = self._columns_button if position is None else self.table.horizontalHeader()
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(place.mapToGlobal(position or QPoint(0, place.height())))

    @Slot()
    def _column_toggled(self) -> None:
        action = self.sender()
        if isinstance(action, QAction):
            name = str(action.data())
            kept = [other for other in self.model.extra if other != name]
            self.set_columns([*kept, name] if action.isChecked() else kept)

    def set_columns(self, names: Sequence[str]) -> None:
        """Show these parameters and metrics as columns."""
        self._has_chosen_columns = True
        chosen = [run.id for run in self.selected]
        self.model.set_extra(names)
        self.table.resizeColumnsToContents()
        for id in chosen[:1]:
            self.select(id)

    @Slot(QPoint)
    def _row_menu(self, position: QPoint) -> None:
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        for name in ("continue", "parameters", "tag", "delete"):
            menu.addAction(self._actions[name])
        menu.addSeparator()
        menu.addAction(self._actions["archive"])
        menu.addAction(self._actions["events"])
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(self.table.viewport().mapToGlobal(position))

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Delete and self._actions["delete"].isEnabled():
            self._delete()
        else:
            super().keyPressEvent(event)

    # What can be done

    def _ask(self, what: Literal["continue", "parameters"]) -> None:
        for run in self.selected[:1]:
            self.open_asked.emit(RunRequest(what, run, self._root / run.id))

    @Slot()
    def _continue(self) -> None:
        self._ask("continue")

    @Slot()
    def _open_parameters(self) -> None:
        self._ask("parameters")

    @Slot()
    def _edit_tags(self) -> None:
        rows = self.table.selectionModel().selectedRows()
        if rows:
            index: QModelIndex = self.model.index(rows[0].row(), self.model.columns.index("tags"))
            self.table.scrollTo(index)
            self.table.edit(index)

    @Slot(str, str, str)
    def _label(self, id: str, what: str, text: str) -> None:
        run = next(run for run in self.model.all_runs if run.id == id)

        def change(value: Any) -> Any:
            return lambda index: index.label(id, **{what: value})

        new, old = (text.split(","), list(run.tags)) if what == "tags" else (text, run.note)
        self.undo_stack.push(_Change(f"change of {what}", self.lister, change(new), change(old)))

    @Slot()
    def _delete(self) -> None:
        ids = [run.id for run in self.selected]
        computing = sum(run.is_computing for run in self.selected)
        gone: list[str] = []

        def delete(index: RunIndex) -> str:
            gone[:] = index.delete(ids)
            kept = f" {computing} still computing, kept." if computing else ""
            return f"Deleted {len(gone)} run{'s' if len(gone) != 1 else ''}.{kept}"

        text = f"deletion of {len(ids)} run{'s' if len(ids) != 1 else ''}"
        self.undo_stack.push(_Change(text, self.lister, delete, lambda index: index.restore(gone)))

    @Slot(str, object)
    def _done(self, what: str, result: object) -> None:
        if isinstance(result, str):
            mend = Mend("Undo", self.undo_stack.undo) if what.startswith("deletion") else None
            self.strip.say(result, mend=mend)
        elif isinstance(result, UserError | OSError):
            self.strip.say(str(result), "warning")
        self._selection_changed()

    # Export

    @Slot()
    def _export_archive(self) -> None:
        for run in self.selected[:1]:
            self._ask_file(f"{run.id}{SUFFIX}", f"Run (*{SUFFIX})", self.export_archive)

    def export_archive(self, path: Path) -> None:
        """Write the selected run with its checkpoint to one file, beside the UI thread."""
        run = self.selected[0]

        def write(index: RunIndex) -> object:
            try:
                pack_run(index.folder(run.id), path)
            except (UserError, OSError) as error:
                return error
            return f"Exported {path}."

        self.lister.change("export", write)

    @Slot()
    def _export_csv(self) -> None:
        self._ask_file("runs.csv", "Table (*.csv)", self.export_table)

    @Slot()
    def _export_parquet(self) -> None:
        self._ask_file("runs.parquet", "Parquet (*.parquet)", self.export_table)

    @Slot()
    def _export_events(self) -> None:
        ask_folder(self, "Folder for the event files", self.export_events)

    def _ask_file(self, name: str, kind: str, write: Callable[[Path], object]) -> None:
        ask_target(self, "Export runs", Path.home() / name, [kind], write)

    def export_table(self, path: Path) -> None:
        """Write the runs that the table shows to a CSV or Parquet file."""
        try:
            save_table(path, self.model.runs)
        except (UserError, OSError) as error:
            self.strip.say(str(error), "warning")
            return
        self.strip.say(f"Exported {path}.")

    def export_events(self, path: Path) -> None:
        """Write event files of the selected runs into a folder, beside the UI thread."""
        runs = self.selected

        def write(index: RunIndex) -> object:
            try:
                save_event_files(path, [(run, index.folder(run.id).metrics.read()) for run in runs])
            except (UserError, OSError) as error:
                return error
            return f"Event files of {len(runs)} run{'s' if len(runs) != 1 else ''} are in {path}."

        self.lister.change("export", write)


class RunsWindow(RunsBrowser):
    """The runs of all plugins, in a window of its own."""

    def __init__(self, titles: Mapping[str, str]) -> None:
        super().__init__(None, titles)
        self.setWindowTitle("All runs")
        self.resize(1180, 780)
