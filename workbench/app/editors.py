"""One editor a kind of parameter: each shows a value and says when a person changed it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSignalBlocker, Signal, Slot
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QLineEdit,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from workbench.app.icons import icon
from workbench.app.number_spin import NumberSlider, NumberSpin, has_slider
from workbench.app.widgets import Chip, FlowLayout, guard_wheel
from workbench.sdk import ParameterSpec
from workbench.views.file_dialogs import ask_file

_gestures = itertools.count(1)


class Editor(QWidget):
    """Shows one value. `edited` carries what a person set; `gesture` is the same for all moves of one drag, else 0."""

    edited = Signal(object)
    is_beside_label = True
    """Whether it is narrow enough to stand on the line of its label."""

    def __init__(self, spec: ParameterSpec) -> None:
        super().__init__()
        self.spec = spec
        self.gesture = 0

    def show_value(self, value: Any) -> None:
        """Show `value` without telling anyone."""
        raise NotImplementedError

    def extra(self) -> QWidget | None:
        """Return a part that goes on a line of its own below, such as a slider."""
        return None

    def _name(self, widget: QWidget) -> None:
        unit = f", {self.spec.unit}" if self.spec.unit else ""
        widget.setAccessibleName(f"{self.spec.label}{unit}")
        widget.setAccessibleDescription(self.spec.help)
        self.setFocusProxy(widget)


def _row(widget: QWidget, *parts: QWidget) -> QHBoxLayout:
    layout = QHBoxLayout(widget)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(4)
    for part in parts:
        layout.addWidget(part)
    return layout


class NumberEditor(Editor):
    """A spin box, with a slider below where both bounds are known; a check box in front where it may be empty."""

    def __init__(self, spec: ParameterSpec) -> None:
        super().__init__(spec)
        self.spin = NumberSpin(spec)
        if spec.unit:
            self.spin.setSuffix(f" {spec.unit}")
        self._name(self.spin)
        self.spin.valueChanged.connect(self._spun)
        self.slider: NumberSlider | None = None
        if has_slider(spec):
            self.slider = NumberSlider(spec)
            self.slider.setAccessibleName(f"{spec.label} slider")
            self.slider.moved.connect(self._slid)
            self.slider.sliderPressed.connect(self._begin)
            self.slider.sliderReleased.connect(self._end)
        self._is_given: QCheckBox | None = None
        layout = _row(self, self.spin)
        if spec.is_optional:
            self._is_given = QCheckBox("set")
            self._is_given.setToolTip("Without the tick the value is chosen automatically.")
            self._is_given.setAccessibleName(f"set {spec.label}")
            self._is_given.toggled.connect(self._given)
            layout.insertWidget(0, self._is_given)

    def extra(self) -> QWidget | None:
        """Return the slider, if there is one."""
        return self.slider

    def show_value(self, value: Any) -> None:
        """Show a number, or None as "not set"."""
        if self._is_given is not None:
            with QSignalBlocker(self._is_given):
                self._is_given.setChecked(value is not None)
            self.spin.setEnabled(value is not None)
        if value is None:
            return
        with QSignalBlocker(self.spin):
            self.spin.setValue(float(value))
        if self.slider is not None and not self.slider.isSliderDown():
            self.slider.show_value(float(value))

    def _value(self, number: float) -> float | int:
        return round(number) if self.spec.kind == "int" else number

    @Slot(float)
    def _spun(self, number: float) -> None:
        self.edited.emit(self._value(number))

    @Slot(float)
    def _slid(self, number: float) -> None:
        with QSignalBlocker(self.spin):
            self.spin.setValue(number)
        self.edited.emit(self._value(number))

    @Slot(bool)
    def _given(self, is_given: bool) -> None:
        self.spin.setEnabled(is_given)
        self.edited.emit(self._value(self.spin.value()) if is_given else None)

    @Slot()
    def _begin(self) -> None:
        self.gesture = next(_gestures)

    @Slot()
    def _end(self) -> None:
        self.gesture = 0


class SwitchEditor(Editor):
    """A check box."""

    def __init__(self, spec: ParameterSpec) -> None:
        super().__init__(spec)
        self._box = QCheckBox()
        self._name(self._box)
        self._box.toggled.connect(self._toggled)
        _row(self, self._box)

    def show_value(self, value: Any) -> None:
        """Show True or False."""
        with QSignalBlocker(self._box):
            self._box.setChecked(bool(value))

    @Slot(bool)
    def _toggled(self, is_on: bool) -> None:
        self.edited.emit(is_on)


class ChoiceEditor(Editor):
    """A combo box."""

    def __init__(self, spec: ParameterSpec) -> None:
        super().__init__(spec)
        self._values: list[Any] = [value for value, _ in spec.options]
        labels = [label for _, label in spec.options]
        if spec.is_optional:
            self._values.insert(0, None)
            labels.insert(0, "automatic")
        self._box = QComboBox()
        self._box.addItems(labels)
        self._box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._box.setMinimumContentsLength(8)
        self._box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        guard_wheel(self._box)
        self._name(self._box)
        self._box.activated.connect(self._chosen)
        _row(self, self._box)

    def show_value(self, value: Any) -> None:
        """Show one of the options."""
        self._box.setCurrentIndex(self._values.index(value) if value in self._values else -1)

    @Slot(int)
    def _chosen(self, index: int) -> None:
        self.edited.emit(self._values[index])


class ChoicesEditor(Editor):
    """One chip an option; those that are pressed are picked."""

    is_beside_label = False

    def __init__(self, spec: ParameterSpec) -> None:
        super().__init__(spec)
        layout = FlowLayout(self, spacing=4)
        self._chips: list[Chip] = []
        for _, label in spec.options:
            chip = Chip(label)
            chip.setAccessibleName(f"{spec.label}: {label}")
            chip.clicked.connect(self._clicked)
            layout.addWidget(chip)
            self._chips.append(chip)
        if self._chips:
            self.setFocusProxy(self._chips[0])

    def show_value(self, value: Any) -> None:
        """Show the picked options."""
        for chip, (option, _) in zip(self._chips, self.spec.options, strict=True):
            chip.setChecked(option in value)

    @Slot()
    def _clicked(self) -> None:
        pairs = zip(self._chips, self.spec.options, strict=True)
        self.edited.emit(tuple(option for chip, (option, _) in pairs if chip.isChecked()))


class TextEditor(Editor):
    """A line of text."""

    is_beside_label = False

    def __init__(self, spec: ParameterSpec) -> None:
        super().__init__(spec)
        self._field = QLineEdit()
        self._name(self._field)
        self._field.editingFinished.connect(self._finished)
        self._shown = ""
        _row(self, self._field)

    def show_value(self, value: Any) -> None:
        """Show a text; None as empty."""
        self._shown = "" if value is None else str(value)
        self._field.setText(self._shown)

    @Slot()
    def _finished(self) -> None:
        text = self._field.text()
        if text != self._shown:
            self._shown = text
            self.edited.emit(None if self.spec.is_optional and not text else text)


class FileEditor(Editor):
    """A path with Browse and Clear; a file may be dropped on it."""

    is_beside_label = False

    def __init__(self, spec: ParameterSpec) -> None:
        super().__init__(spec)
        self.setAcceptDrops(True)
        self._shown = ""
        self._field = QLineEdit()
        self._field.setPlaceholderText("built-in")
        self._field.setAcceptDrops(False)
        self._field.editingFinished.connect(self._finished)
        self._name(self._field)
        browse, clear = QToolButton(), QToolButton()
        browse.setIcon(icon("mdi6.folder-open-outline"))
        browse.setToolTip(f"Choose a file ({', '.join(spec.suffixes)})")
        browse.setAccessibleName(f"choose a file for {spec.label}")
        browse.clicked.connect(self._browse)
        clear.setIcon(icon("mdi6.close"))
        clear.setToolTip("Use the built-in one")
        clear.setAccessibleName(f"clear {spec.label}")
        clear.clicked.connect(self._clear)
        _row(self, self._field, browse, clear)

    def show_value(self, value: Any) -> None:
        """Show a path; empty means the built-in default."""
        self._shown = str(value or "")
        self._field.setText(self._shown)
        self._field.setToolTip(self._shown)

    def _set(self, path: str) -> None:
        if path != self._shown:
            self.show_value(path)
            self.edited.emit(path)

    @Slot()
    def _finished(self) -> None:
        self._set(self._field.text().strip())

    @Slot()
    def _clear(self) -> None:
        self._set("")

    @Slot()
    def _browse(self) -> None:
        patterns = " ".join(f"*{suffix}" for suffix in self.spec.suffixes)
        kinds = [f"{self.spec.label} ({patterns})", "All files (*)"]
        start = Path(self._shown).parent if self._shown else ""
        ask_file(self, f"Choose {self.spec.label}", kinds, self._selected, start=start)

    def _selected(self, path: Path) -> None:
        self._set(str(path))

    @override
    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls() and event.mimeData().urls()[0].isLocalFile():
            event.acceptProposedAction()

    @override
    def dropEvent(self, event: QDropEvent) -> None:
        self._set(event.mimeData().urls()[0].toLocalFile())
        event.acceptProposedAction()


def make_editor(spec: ParameterSpec) -> Editor:
    """Return an editor for the kind of `spec`."""
    editors: dict[str, type[Editor]] = {
        "int": NumberEditor,
        "float": NumberEditor,
        "bool": SwitchEditor,
        "choice": ChoiceEditor,
        "choices": ChoicesEditor,
        "text": TextEditor,
        "file": FileEditor,
    }
    return editors[spec.kind](spec)


def stacked(parts: Sequence[QWidget | QHBoxLayout], widget: QWidget, spacing: int = 2) -> QVBoxLayout:
    """Lay `parts` out below each other in `widget`, without margins."""
    layout = QVBoxLayout(widget)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(spacing)
    for part in parts:
        if isinstance(part, QHBoxLayout):
            layout.addLayout(part)
        else:
            layout.addWidget(part)
    return layout
