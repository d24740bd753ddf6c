"""The sweeps of a paper above its runs: how far each is, what went wrong, and stopping or going on."""

from __future__ import annotations

from datetime import datetime

from PySide6.QtCore import QTimer, Signal, Slot
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QPushButton, QWidget
from typing_extensions import override

from workbench.app.icons import icon
from workbench.app.widgets import ColouredLabel, ProgressStrip
from workbench.sweeps import Sweep, SweepStore
from workbench.sweeps.launch import launch
from workbench.sweeps.store import State

LOOK_MS = 1000


class SweepBar(QWidget):
    """Hidden where there is no sweep. `chosen` carries the id of the sweep whose runs are to be shown, or ""."""

    chosen = Signal(str)

    def __init__(self, plugin: str | None) -> None:
        super().__init__()
        self._plugin = plugin
        self._store = SweepStore()
        self.box = QComboBox()
        self.box.setAccessibleName("Sweep")
        self.box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.progress = ProgressStrip()
        self.progress.setMinimumWidth(120)
        self.text = ColouredLabel()
        self.stop = QPushButton(icon("mdi6.stop"), "Stop")
        self.go_on = QPushButton(icon("mdi6.play"), "Go on")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(10, 0, 10, 0)
        layout.addWidget(self.box)
        layout.addWidget(self.progress)
        layout.addWidget(self.text, 1)
        layout.addWidget(self.stop)
        layout.addWidget(self.go_on)
        self.box.activated.connect(self._box_activated)
        self.stop.clicked.connect(self._stop)
        self.go_on.clicked.connect(self._go_on)
        self._timer = QTimer(self, interval=LOOK_MS)
        self._timer.timeout.connect(self.look)
        self.look()

    @override
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._timer.start()

    @override
    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._timer.stop()

    @property
    def sweep(self) -> Sweep | None:
        """The sweep that is chosen, or None for all runs."""
        id = self.box.currentData()
        return Sweep(self._store.root / id) if id else None

    def choose(self, id: str) -> None:
        """Choose a sweep, or all runs with an empty id."""
        self.look()
        self.box.setCurrentIndex(max(0, self.box.findData(id)))
        self._show()
        self.chosen.emit(self.box.currentData() or "")

    @Slot()
    def look(self) -> None:
        """Take over which sweeps there are and how the chosen one stands."""
        sweeps = [one for one in self._store.sweeps() if self._plugin in (None, one.read().spec.plugin)]
        ids = [sweep.id for sweep in sweeps]
        if ids != [self.box.itemData(index) for index in range(1, self.box.count())]:
            current = self.box.currentData()
            self.box.clear()
            self.box.addItem("all runs", "")
            for sweep in sweeps:
                record = sweep.read()
                varied = ", ".join(axis.name for axis in record.spec.axes) or "seeds"
                began = datetime.fromisoformat(record.created).astimezone()
                self.box.addItem(f"sweep of {varied} · {began:%m-%d %H:%M}", sweep.id)
            self.box.setCurrentIndex(max(0, self.box.findData(current)))
        self.setVisible(bool(ids))
        self._show()

    def _show(self) -> None:
        sweep = self.sweep
        for widget in (self.progress, self.text, self.stop, self.go_on):
            widget.setVisible(sweep is not None)
        if sweep is None:
            return
        record, counts = sweep.read(), sweep.counts()
        is_driven = sweep.is_driven
        ended = counts["done"] + counts["failed"] + counts["cancelled"]
        self.progress.setRange(0, max(1, record.spec.count))
        self.progress.setValue(ended)
        order: tuple[State, ...] = ("done", "running", "waiting", "failed", "cancelled")
        parts = [f"{counts[state]} {state}" for state in order if counts[state]]
        status = record.status if record.status != "running" or is_driven else "interrupted"
        errors = [state.error for state in sweep.points().values() if state.error]
        why = record.why or (errors[0] if errors else "")
        self.text.setText(f"{status}: {', '.join(parts)}" + (f" · {why}" if why else ""))
        self.text.setToolTip(record.why or "\n".join(sorted(set(errors))))
        self.stop.setEnabled(is_driven and not sweep.is_cancelled)
        self.stop.setToolTip("Stop what runs and forget what waits" if self.stop.isEnabled() else "It does not run.")
        is_left = not is_driven and counts["done"] < record.spec.count
        self.go_on.setEnabled(is_left)
        self.go_on.setToolTip("Run what is not done yet" if is_left else "Nothing is left to run, or it runs already.")

    @Slot()
    def _box_activated(self) -> None:
        self._show()
        self.chosen.emit(self.box.currentData() or "")

    @Slot()
    def _stop(self) -> None:
        if self.sweep is not None:
            self.sweep.cancel()
            self._show()

    @Slot()
    def _go_on(self) -> None:
        if self.sweep is not None:
            self.sweep.forget_cancel()
            launch(self.sweep)
            self.go_on.setEnabled(False)
