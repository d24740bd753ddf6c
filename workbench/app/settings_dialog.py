"""What a person can choose for the whole application."""

from __future__ import annotations

import os

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from workbench.app.widgets import ColouredLabel, close_buttons
from workbench.runs import Settings

THEMES = {"system": "as the desktop", "light": "light", "dark": "dark"}
POLICIES = {"turns": "one after the other", "share": "at the same time"}


class SettingsDialog(QDialog):
    """Applies each change at once; `changed` carries the new Settings."""

    changed = Signal(object)

    def __init__(self, settings: Settings, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Settings")
        self._settings = settings.model_copy()
        cores = os.cpu_count() or 1
        self._theme = _combo(THEMES, settings.theme, "Theme")
        self._threads_set = QCheckBox("set")
        self._threads_set.setAccessibleName("set the number of threads")
        self._threads_set.setChecked(settings.worker_threads is not None)
        self._threads = QSpinBox()
        self._threads.setRange(1, max(cores, settings.worker_threads or 1))
        self._threads.setValue(settings.worker_threads or max(1, cores - 1))
        self._threads.setEnabled(settings.worker_threads is not None)
        self._threads.setAccessibleName("Threads of a worker")
        self._share = QDoubleSpinBox()
        self._share.setRange(1, 90)
        self._share.setDecimals(0)
        self._share.setSuffix(" %")
        self._share.setValue(settings.frame_share * 100)
        self._share.setAccessibleName("Share of the time for pictures")
        self._queue = _combo(POLICIES, settings.queue_policy, "Sessions on one accelerator")
        self._cpu_queue = _combo(POLICIES, settings.cpu_queue_policy, "Sessions on the processor")
        self._checkpoint = QSpinBox()
        self._checkpoint.setRange(5, 3600)
        self._checkpoint.setSuffix(" s")
        self._checkpoint.setValue(round(settings.checkpoint_seconds))
        self._checkpoint.setAccessibleName("Time between checkpoints")
        self._restore = QCheckBox("Open the papers of the last time at the start")
        self._restore.setChecked(settings.restore_panels)
        self._lay_out(cores)
        for combo in (self._theme, self._queue, self._cpu_queue):
            combo.activated.connect(self._apply)
        for spin in (self._threads, self._checkpoint):
            spin.setKeyboardTracking(False)
            spin.valueChanged.connect(self._apply)
        self._share.setKeyboardTracking(False)
        self._share.valueChanged.connect(self._apply)
        for box in (self._threads_set, self._restore):
            box.toggled.connect(self._apply)

    def _lay_out(self, cores: int) -> None:
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.FieldsStayAtSizeHint)
        form.setVerticalSpacing(8)
        form.addRow("Theme", self._theme)
        threads = QHBoxLayout()
        threads.addWidget(self._threads_set)
        threads.addWidget(self._threads)
        form.addRow("Threads of a worker", threads)
        form.addRow("", _note(f"Not set: all {cores} cores but one, which is left to the window. For new sessions."))
        form.addRow("Time for pictures, at most", self._share)
        form.addRow("", _note("Of the worker's time; more gives smoother pictures and slower training."))
        form.addRow("Two sessions on one accelerator", self._queue)
        form.addRow("Two sessions on the processor", self._cpu_queue)
        form.addRow("Time between checkpoints", self._checkpoint)
        form.addRow("", self._restore)
        buttons = close_buttons()
        buttons.rejected.connect(self.close)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addStretch(1)
        layout.addWidget(buttons)

    @Slot()
    def _apply(self) -> None:
        self._threads.setEnabled(self._threads_set.isChecked())
        self._settings = self._settings.model_copy(
            update={
                "theme": self._theme.currentData(),
                "worker_threads": self._threads.value() if self._threads_set.isChecked() else None,
                "frame_share": self._share.value() / 100,
                "queue_policy": self._queue.currentData(),
                "cpu_queue_policy": self._cpu_queue.currentData(),
                "checkpoint_seconds": float(self._checkpoint.value()),
                "restore_panels": self._restore.isChecked(),
            }
        )
        self.changed.emit(self._settings)


def _combo(options: dict[str, str], value: str, name: str) -> QComboBox:
    box = QComboBox()
    box.setAccessibleName(name)
    for key, text in options.items():
        box.addItem(text, key)
    box.setCurrentIndex(box.findData(value))
    return box


def _note(text: str) -> ColouredLabel:
    label = ColouredLabel(text, "muted", wrap=True, scale=0.92)
    label.setMinimumWidth(320)
    label.setAlignment(Qt.AlignmentFlag.AlignTop)
    return label
