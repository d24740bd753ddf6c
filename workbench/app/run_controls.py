"""Train, pause, step, stop, reset; device and seed; how far it is and how long it will take."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Slot
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from workbench.app.icons import icon
from workbench.app.widgets import ColouredLabel, ProgressStrip, bytes_text, count_text, duration_text, guard_wheel
from workbench.compute.protocol import DeviceInfo, Loaded, Status
from workbench.engine import Session, SessionState
from workbench.engine.cluster_link import split_remote_id
from workbench.sdk import Progress

LARGEST_SEED = 2**31 - 1

_BUSY = (SessionState.RUNNING, SessionState.QUEUED)


def train_reason(session: Session | None) -> str:
    """Why Train (or Pause) cannot be pressed now; empty where it can."""
    if session is None:
        return "Open a paper first."
    if session.state is SessionState.CLOSED:
        return "This session is closed."
    return ""


def step_reason(session: Session | None) -> str:
    """Why a single step cannot be done now."""
    if session is not None and session.state is SessionState.RUNNING:
        return "Pause first: it is running."
    if session is not None and session.state is SessionState.QUEUED:
        return "It waits for its turn on the device."
    return train_reason(session)


def stop_reason(session: Session | None) -> str:
    """Why there is nothing to stop."""
    if session is None:
        return "Open a paper first."
    if session.state in (SessionState.RUNNING, SessionState.PAUSED, SessionState.QUEUED, SessionState.LOADING):
        return ""
    return "Nothing runs here."


def reset_reason(session: Session | None) -> str:
    """Why it cannot be built anew now."""
    return train_reason(session)


def checkpoint_reason(session: Session | None) -> str:
    """Why there is no checkpoint to go back to."""
    if session is None:
        return "Open a paper first."
    return "" if session.run_folder is not None else "No run has been started here, so there is no checkpoint."


def toggle_training(session: Session) -> None:
    """Pause what runs or waits, train on otherwise."""
    if session.state in _BUSY:
        session.pause()
    else:
        session.train()


def device_label(id: str) -> str:
    """Return a device as the list shows it: one on a cluster with its worker's host and port."""
    remote = split_remote_id(id)
    return f"{remote[1]} @ {remote[0].split('//')[-1]}" if remote else id


class RunControls(QWidget):
    """The controls of one session; shows its state and never keeps one of its own."""

    def __init__(self, session: Session, devices: tuple[DeviceInfo, ...] = ()) -> None:
        super().__init__()
        self._session = session
        self._progress_text = ""
        self.train_button = QPushButton()
        self.train_button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.train_button.setMinimumHeight(30)
        # A click leaves the focus where it was, so that Space goes on meaning Train.
        self.train_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.train_button.setIconSize(QSize(18, 18))
        self.step_button = _tool("mdi6.skip-next", "One step (S)", "Step")
        self.stop_button = _tool("mdi6.stop", "Stop (Esc)", "Stop")
        self.reset_button = _tool("mdi6.restore", "Reset: build the untrained model anew (Ctrl+R)", "Reset")
        self._tips = {button: button.toolTip() for button in (self.step_button, self.stop_button, self.reset_button)}
        self.train_button.clicked.connect(self._train)
        self.step_button.clicked.connect(self._step)
        self.stop_button.clicked.connect(self._stop)
        self.reset_button.clicked.connect(self._reset)
        self.bar = ProgressStrip()
        self.bar.setAccessibleName("Progress of the run")
        self.steps = QLabel()
        self.speed = ColouredLabel("", "muted")
        self.speed.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.state_text = ColouredLabel("", "muted", wrap=True)
        self.device = QComboBox()
        self.device.setAccessibleName("Device")
        self.device.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.device.setMinimumContentsLength(6)
        guard_wheel(self.device)
        self.device.activated.connect(self._device_chosen)
        self.seed = QSpinBox()
        self.seed.setRange(0, LARGEST_SEED)
        self.seed.setAccessibleName("Seed")
        self.seed.setToolTip("Seed of all random numbers; the same seed gives the same run on the processor.")
        self.seed.setKeyboardTracking(False)
        self.seed.setMinimumWidth(62)
        guard_wheel(self.seed)
        self.seed.valueChanged.connect(self._seed_set)
        self._lay_out()
        self.show_devices(devices)
        self._connect(session)
        self.refresh()

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.setSpacing(4)
        buttons.addWidget(self.train_button, 1)
        for button in (self.step_button, self.stop_button, self.reset_button):
            buttons.addWidget(button)
        numbers = QHBoxLayout()
        numbers.addWidget(self.steps)
        numbers.addStretch(1)
        numbers.addWidget(self.speed)
        choices = QHBoxLayout()
        choices.setSpacing(6)
        choices.addWidget(self.device, 1)
        seed_label = QLabel("seed")
        seed_label.setBuddy(self.seed)
        choices.addWidget(seed_label)
        choices.addWidget(self.seed)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(5)
        for row in (buttons, self.bar, numbers, self.state_text, choices):
            if isinstance(row, QHBoxLayout):
                layout.addLayout(row)
            else:
                layout.addWidget(row)

    def _connect(self, session: Session) -> None:
        session.state_changed.connect(self._state_changed)
        session.status_changed.connect(self._status_changed)
        session.progressed.connect(self._progressed)
        session.loaded.connect(self._loaded)
        session.parameters_changed.connect(self._parameters_changed)

    # What is shown

    def show_devices(self, devices: tuple[DeviceInfo, ...]) -> None:
        """List the devices that can be chosen; before the first worker is warm only "automatic" is known."""
        self.device.clear()
        self.device.addItem("auto", "auto")
        self.device.setItemData(0, "The first accelerator, else the processor.", Qt.ItemDataRole.ToolTipRole)
        for device in devices:
            memory = bytes_text(device.memory_total)
            self.device.addItem(device_label(device.id), device.id)
            text = ", ".join(part for part in (device.title, memory) if part)
            self.device.setItemData(self.device.count() - 1, text, Qt.ItemDataRole.ToolTipRole)
        self._show_device()

    def _show_device(self) -> None:
        index = self.device.findData(self._session.device)
        if index < 0:
            self.device.addItem(device_label(self._session.device), self._session.device)
            index = self.device.count() - 1
        self.device.setCurrentIndex(index)
        information = self._session.information
        if information is None:
            self.device.setToolTip("Device to compute on")
            return
        status = self._session.status
        memory = bytes_text(status.device_memory if status else None) or "—"
        total = bytes_text(information.device.memory_total)
        used = f"{memory} of {total}" if information.device.id != "cpu" else f"{total} in all"
        self.device.setItemText(0, f"auto: {information.device.id}")
        self.device.setToolTip(f"Computes on {information.device.title}, memory {used}, {information.dtype}")

    def refresh(self) -> None:
        """Show everything as the session has it now."""
        state = self._session.state
        is_busy = state in _BUSY
        words = {
            SessionState.PAUSED: "Continue",
            SessionState.FINISHED: "Train again",
            SessionState.RUNNING: "Pause",
            SessionState.QUEUED: "Leave the queue",
        }
        self.train_button.setText(words.get(state, "Train"))
        self.train_button.setIcon(icon("mdi6.pause" if is_busy else "mdi6.play", "foreground" if is_busy else "accent"))
        self._enable(self.train_button, train_reason(self._session), f"{words.get(state, 'Train')} (Space)")
        self._enable(self.step_button, step_reason(self._session), self._tips[self.step_button])
        self._enable(self.stop_button, stop_reason(self._session), self._tips[self.stop_button])
        self._enable(self.reset_button, reset_reason(self._session), self._tips[self.reset_button])
        with QSignalBlocker(self.seed):
            self.seed.setValue(self._session.seed)
        self._show_device()
        self._show_state()
        self._show_progress()

    @staticmethod
    def _enable(button: QWidget, reason: str, tip: str) -> None:
        button.setEnabled(not reason)
        button.setToolTip(reason or tip)

    def _show_state(self) -> None:
        session, state = self._session, self._session.state
        waits = sorted(session.pending & {"seed", "device"})
        if self._progress_text:
            text, colour = self._progress_text, "muted"
        elif state is SessionState.FAILED:
            text, colour = "Failed; the message above says why.", "error"
        elif session.pending:
            names = ", ".join([*waits, *(["parameters"] if session.pending - {"seed", "device"} else [])])
            text, colour = f"Changed {names}: Reset to apply.", "warning"
        elif state is SessionState.QUEUED:
            text, colour = "Queued: another session uses the device.", "muted"
        elif state is SessionState.LOADING:
            text, colour = "Preparing the model and its data …", "muted"
        elif state is SessionState.READY:
            text, colour = "Untrained; press Train.", "muted"
        else:
            text, colour = self._time_text(), "muted"
        self.state_text.set_colour(colour)
        self.state_text.setText(text)

    def _time_text(self) -> str:
        status, state = self._session.status, self._session.state
        if status is None:
            return state.value.capitalize()
        taken = duration_text(status.seconds)
        if state is SessionState.RUNNING:
            left = duration_text(status.seconds_left)
            return f"{left} left, {taken} so far" if left else f"{taken} so far"
        return f"{state.value.capitalize()} after {taken}" if taken else state.value.capitalize()

    def _show_progress(self) -> None:
        session, status = self._session, self._session.status
        step = status.step if status else (session.information.step if session.information else 0)
        total = status.total_steps if status else (session.information.total_steps if session.information else None)
        self.steps.setText(f"{count_text(step)} / {count_text(total)}" if total else f"step {count_text(step)}")
        is_running = session.state is SessionState.RUNNING
        self.speed.setText(_speed_text(status.steps_per_second) if status and is_running else "")
        if session.state is SessionState.LOADING or (is_running and not total):
            # Qt draws a moving bar for an empty range: work goes on, nobody knows how long.
            self.bar.setRange(0, 0)
        else:
            self.bar.setRange(0, 1000)
            self.bar.setValue(round(1000 * min(1.0, step / total)) if total else 0)

    @property
    def fraction(self) -> float | None:
        """Share of the run that is done, in [0, 1]; None where it is open-ended."""
        status = self._session.status
        return status.step / status.total_steps if status and status.total_steps else None

    # From the session

    @Slot(object)
    def _state_changed(self, state: SessionState) -> None:
        if state is not SessionState.LOADING:
            self._progress_text = ""
        self.refresh()

    @Slot(object)
    def _status_changed(self, status: Status) -> None:
        self._show_state()
        self._show_progress()

    @Slot(object)
    def _progressed(self, progress: Progress | None) -> None:
        self._progress_text = progress.text if progress else ""
        self._show_state()
        if progress is not None and progress.fraction is not None:
            self.bar.setRange(0, 1000)
            self.bar.setValue(round(1000 * progress.fraction))
        else:
            self._show_progress()

    @Slot(object)
    def _loaded(self, information: Loaded) -> None:
        self.refresh()

    @Slot(object)
    def _parameters_changed(self, parameters: object) -> None:
        self.refresh()

    # From the person

    @Slot()
    def _train(self) -> None:
        toggle_training(self._session)

    @Slot()
    def _step(self) -> None:
        self._session.step()

    @Slot()
    def _stop(self) -> None:
        self._session.stop()

    @Slot()
    def _reset(self) -> None:
        self._session.reset()

    @Slot(int)
    def _device_chosen(self, index: int) -> None:
        self._session.set_device(str(self.device.itemData(index)))

    @Slot(int)
    def _seed_set(self, seed: int) -> None:
        self._session.set_seed(seed)


def _tool(icon_name: str, tip: str, name: str) -> QToolButton:
    button = QToolButton()
    button.setIcon(icon(icon_name))
    button.setIconSize(QSize(18, 18))
    button.setMinimumSize(32, 30)
    button.setToolTip(tip)
    button.setAccessibleName(name)
    return button


def _speed_text(steps_per_second: float) -> str:
    if steps_per_second <= 0:
        return ""
    if steps_per_second < 10:
        return f"{steps_per_second:.1f}/s" if steps_per_second >= 1 else f"{1 / steps_per_second:.1f} s/step"
    return f"{count_text(round(steps_per_second))}/s"
