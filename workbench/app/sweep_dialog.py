"""The dialog that makes a sweep of the experiment in front: what varies, how, with how many seeds, and where."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from workbench.app.run_table import cell_text
from workbench.app.widgets import ColouredLabel, count_text, guard_wheel
from workbench.runs import Settings
from workbench.sdk import InvalidParameters, Parameters, ParameterSpec, UserError
from workbench.sweeps import Axis, SweepSpec, points_of
from workbench.sweeps.cluster import local_workers
from workbench.sweeps.store import Cluster

HOW = {"fixed": "fixed", "grid": "values", "uniform": "range", "log": "log range"}
HINTS = {"fixed": "", "grid": "1, 2, 3", "uniform": "low : high", "log": "low : high"}
NOTHING_VARIES = "Nothing varies: choose values or a range for a parameter, or more seeds."


def cluster_of(settings: Settings) -> Cluster:
    """Return the cluster that the settings name."""
    return Cluster(
        settings.cluster_address, None, settings.cluster_ca, settings.cluster_certificate, settings.cluster_key
    )


@dataclass
class _Row:
    spec: ParameterSpec
    value: str
    how: QComboBox
    text: QLineEdit

    def axis(self) -> Axis | None:
        """What this parameter does in the sweep; raises UserError where it makes no sense."""
        kind = self.how.currentData()
        if kind == "fixed":
            return None
        try:
            return Axis.parse(f"{self.spec.name}={self.text.text()}", kind)
        except UserError:
            wanted = "values with commas between them" if kind == "grid" else "two rising numbers as low : high"
            above = ", above 0" if kind == "log" else ""
            raise UserError(f"{self.spec.label}: {wanted}{above} are expected.") from None


class SweepDialog(QDialog):
    """`started` carries (SweepSpec, Cluster)."""

    started = Signal(object, object)

    def __init__(
        self, plugin: str, experiment: str, title: str, parameters: Parameters, device: str, settings: Settings,
        parent: QWidget,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(f"Sweep: {title}")
        self._plugin, self._experiment, self._parameters, self._device = plugin, experiment, parameters, device
        self._settings = settings
        self.rows: dict[str, _Row] = {}
        self.seeds = _spin(1, 1000, 1, "Seeds")
        self.samples = _spin(1, 100_000, 20, "Draws")
        self.workers = _spin(1, 256, local_workers(256), "Processes")
        self.where = QComboBox()
        self.where.setAccessibleName("Where")
        self.where.addItem("this machine", "local")
        if settings.cluster_address:
            self.where.addItem(settings.cluster_address, "cluster")
        self.count = ColouredLabel("", "muted", wrap=True)
        self.start = QPushButton("Start")
        self._lay_out()
        self.start.setDefault(True)
        self.start.clicked.connect(self._start)
        for spin in (self.seeds, self.samples, self.workers):
            spin.valueChanged.connect(self._check)
        self.where.activated.connect(self._check)
        self._check()
        self.resize(620, 640)

    def _lay_out(self) -> None:
        grid = QGridLayout()
        grid.setColumnStretch(3, 1)
        for column, name in enumerate(("parameter", "now", "varies over", "")):
            grid.addWidget(ColouredLabel(name), 0, column)
        values = self._parameters.model_dump()
        for spec in self._parameters.specs():
            if spec.kind not in ("file", "text"):
                self._add_row(grid, spec, cell_text(values[spec.name]))
        grid.setRowStretch(grid.rowCount(), 1)
        inside = QWidget()
        inside.setLayout(grid)
        area = QScrollArea()
        area.setWidget(inside)
        area.setWidgetResizable(True)
        options = QHBoxLayout()
        for text, widget in (("seeds", self.seeds), ("draws", self.samples), ("on", self.where),
                             ("processes", self.workers)):  # fmt: skip
            options.addWidget(QLabel(text))
            options.addWidget(widget)
        options.addStretch(1)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        buttons.button(QDialogButtonBox.StandardButton.Cancel).setIcon(QIcon())
        buttons.addButton(self.start, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.rejected.connect(self.reject)
        note = (
            "It runs in processes of its own and goes on when this window is closed; its runs appear in the Runs tab."
        )
        layout = QVBoxLayout(self)
        layout.addWidget(area, 1)
        layout.addLayout(options)
        layout.addWidget(self.count)
        layout.addWidget(ColouredLabel(note, wrap=True, scale=0.92))
        layout.addWidget(buttons)

    def _add_row(self, grid: QGridLayout, spec: ParameterSpec, value: str) -> None:
        how, text = QComboBox(), QLineEdit()
        how.setAccessibleName(f"How {spec.label} varies")
        text.setAccessibleName(f"Values of {spec.label}")
        for kind, word in HOW.items():
            if kind in ("fixed", "grid") or spec.kind in ("int", "float"):
                how.addItem(word, kind)
        guard_wheel(how)
        row = _Row(spec, value, how, text)
        self.rows[spec.name] = row
        line = grid.rowCount()
        label = QLabel(f"{spec.label} ({spec.unit})" if spec.unit else spec.label)
        label.setToolTip(spec.help)
        for column, widget in enumerate((label, ColouredLabel(value), how, text)):
            grid.addWidget(widget, line, column)
        text.setEnabled(False)
        how.activated.connect(lambda index, row=row: self._how_chosen(row))
        text.textEdited.connect(self._check)

    def _how_chosen(self, row: _Row) -> None:
        kind = row.how.currentData()
        row.text.setEnabled(kind != "fixed")
        row.text.setPlaceholderText(HINTS[kind])
        allowed = row.spec.range_text
        row.text.setToolTip(f"Allowed: {allowed}" if allowed else row.spec.help)
        if kind == "grid" and row.spec.options and not row.text.text():
            row.text.setText(", ".join(str(value) for value, _ in row.spec.options))
        if kind == "grid" and row.spec.kind == "bool" and not row.text.text():
            row.text.setText("no, yes")
        if kind != "fixed":
            row.text.setFocus()
        self._check()

    def spec(self) -> SweepSpec:
        """Return the sweep as it is chosen; raises UserError or InvalidParameters with what is wrong."""
        axes = tuple(axis for row in self.rows.values() if (axis := row.axis()) is not None)
        varied = {axis.name for axis in axes}
        values = {name: value for name, value in self._parameters.model_dump(mode="json").items() if name not in varied}
        spec = SweepSpec(
            plugin=self._plugin, experiment=self._experiment, parameters=values, axes=axes,
            samples=self.samples.value(), seeds=tuple(range(self.seeds.value())), device=self._device,
        )  # fmt: skip
        points_of(spec, type(self._parameters))
        return spec

    def cluster(self) -> Cluster:
        """Return where it is to run."""
        if self.where.currentData() == "cluster":
            return cluster_of(self._settings)
        return Cluster("local", self.workers.value())

    @Slot()
    def _check(self) -> None:
        self.workers.setEnabled(self.where.currentData() == "local")
        reason, is_random = "", any(row.how.currentData() in ("uniform", "log") for row in self.rows.values())
        self.samples.setEnabled(is_random)
        self.samples.setToolTip("How often the ranges are drawn" if is_random else "Nothing is drawn from a range.")
        try:
            spec = self.spec()
            text = f"{count_text(spec.count)} runs"
            if not spec.axes and len(spec.seeds) == 1:
                reason = NOTHING_VARIES
        except (UserError, InvalidParameters) as error:
            reason = str(error)
        self.count.setText(reason or text)
        self.count.set_colour("warning" if reason else "foreground")
        self.start.setEnabled(not reason)
        self.start.setToolTip(reason or "Start the sweep")

    @Slot()
    def _start(self) -> None:
        self.started.emit(self.spec(), self.cluster())
        self.accept()


def _spin(low: int, high: int, value: int, name: str) -> QSpinBox:
    spin = QSpinBox()
    spin.setRange(low, high)
    spin.setValue(value)
    spin.setAccessibleName(name)
    return spin
