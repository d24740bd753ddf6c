"""Connecting to a Dask cluster: its workers then stand in the device list, and sweeps can run on it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from workbench.app.sweep_dialog import cluster_of
from workbench.app.widgets import ColouredLabel, close_buttons
from workbench.engine.cluster_link import ClusterLink
from workbench.runs import Settings
from workbench.views.file_dialogs import ask_file

FILES = (
    ("cluster_ca", "Authority's certificate"),
    ("cluster_certificate", "Own certificate"),
    ("cluster_key", "Own key"),
)


class ClusterDialog(QDialog):
    """`changed` carries the new Settings when the person connects."""

    changed = Signal(object)

    def __init__(self, settings: Settings, link: ClusterLink, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Cluster")
        self._settings, self._link = settings, link
        self.address = QLineEdit(settings.cluster_address)
        self.address.setPlaceholderText("tcp://host:8786  or  tls://host:8786")
        self.address.setAccessibleName("Address of the scheduler")
        self.files = {name: QLineEdit(getattr(settings, name)) for name, _ in FILES}
        self.state = ColouredLabel(wrap=True)
        self.workers = QListWidget()
        self.workers.setAccessibleName("Devices of the cluster's workers")
        self.connect_button = QPushButton("Connect")
        self.disconnect_button = QPushButton("Disconnect")
        self._lay_out()
        self.address.textChanged.connect(self._show)
        self.connect_button.clicked.connect(self._connect)
        self.disconnect_button.clicked.connect(link.disconnect_from)
        link.changed.connect(self._show)
        self._show()
        self.resize(560, 420)

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.addRow("Scheduler", self.address)
        for name, text in FILES:
            self.files[name].setAccessibleName(text)
            row = QHBoxLayout()
            row.addWidget(self.files[name])
            browse = QToolButton()
            browse.setText("…")
            browse.setToolTip(f"Choose the {text.lower()} (PEM), for tls:// addresses")
            browse.setProperty("field", name)
            browse.clicked.connect(self._browse)
            row.addWidget(browse)
            form.addRow(text, row)
        note = (
            "Start one with `dask scheduler` and `dask worker`, dask-jobqueue or dask-cuda; its workers need this "
            "workbench installed. What is trained there is recorded here too. Connect only to a cluster you trust: "
            "whoever controls it can run code here."
        )
        row = QHBoxLayout()
        row.addWidget(self.connect_button)
        row.addWidget(self.disconnect_button)
        row.addStretch(1)
        buttons = close_buttons()
        buttons.rejected.connect(self.close)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addLayout(row)
        layout.addWidget(self.state)
        layout.addWidget(self.workers, 1)
        layout.addWidget(ColouredLabel(note, wrap=True, scale=0.92))
        layout.addWidget(buttons)

    @Slot()
    def _browse(self) -> None:
        name = str(self.sender().property("field"))
        field = self.files[name]
        ask_file(
            self, "Choose a PEM file", ["All files (*)"], lambda path: field.setText(str(path)), start=field.text()
        )

    @Slot()
    def _connect(self) -> None:
        chosen = {"cluster_address": self.address.text().strip()}
        chosen |= {name: edit.text().strip() for name, edit in self.files.items()}
        self._settings = self._settings.model_copy(update=chosen)
        self.changed.emit(self._settings)
        self._link.connect_to(cluster_of(self._settings))

    @Slot()
    def _show(self) -> None:
        link = self._link
        self.state.setText(f"Connected to {link.address}" if link.is_connected and not link.problem else link.problem)
        self.state.set_colour("success" if link.is_connected and not link.problem else "warning")
        self.workers.clear()
        self.workers.addItems([device.title for device in link.devices])
        self.connect_button.setEnabled(bool(self.address.text().strip()))
        self.connect_button.setToolTip("" if self.address.text().strip() else "Write the scheduler's address first.")
        self.disconnect_button.setEnabled(link.is_connected)
        self.disconnect_button.setToolTip("" if link.is_connected else "No cluster is connected.")
