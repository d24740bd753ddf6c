"""The form of an experiment, made from its Parameters: the values live in the model, the form only shows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QLineEdit, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from workbench.app.editors import Editor, make_editor, stacked
from workbench.app.icons import icon
from workbench.app.undo import change_text
from workbench.app.widgets import ColouredLabel, Section, guard_wheel
from workbench.sdk import InvalidParameters, Parameters, ParameterSpec, Preset

LONG_FORM = 10
"""From so many fields on, a form has a search field and opens with its groups folded but the first."""


@dataclass(frozen=True)
class Edit:
    """A change that the model accepts: the new values, what to call the step back, and the gesture it is part of."""

    text: str
    parameters: Parameters
    gesture: int = 0


class _Field(QWidget):
    """Label, marks, editor and error sentence of one parameter."""

    reset_requested = Signal(str)
    edited = Signal(str, object)

    def __init__(self, spec: ParameterSpec) -> None:
        super().__init__()
        self.spec = spec
        self.editor: Editor = make_editor(spec)
        self.editor.edited.connect(self._edited)
        self._label = QLabel(spec.label)
        self._label.setBuddy(self.editor)
        self._label.setWordWrap(True)
        self._label.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._label.setMinimumWidth(60)
        self._live = ColouredLabel("live", "accent", scale=0.85)
        self._live.setToolTip("Applies at once, also while running.")
        self._live.setVisible(spec.is_live)
        self._pending = ColouredLabel("after Reset", "warning", scale=0.85)
        self._pending.setToolTip("The running experiment was built with another value; Reset builds it with this one.")
        self._reset = QToolButton()
        self._reset.setIcon(icon("mdi6.restore", "muted"))
        self._reset.setAutoRaise(True)
        self._reset.setAccessibleName(f"Reset {spec.label}")
        self._reset.setToolTip(f"Back to the default: {default_text(spec)}")
        self._reset.clicked.connect(self._reset_clicked)
        policy = self._reset.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self._reset.setSizePolicy(policy)
        self._error = ColouredLabel("", "error", wrap=True, scale=0.92)
        self._error.setAccessibleName(f"Problem with {spec.label}")
        self._lay_out()
        self._error.hide()
        self._pending.hide()
        self.setToolTip(help_text(spec))

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(5)
        top.addWidget(self._label, 1)
        top.addWidget(self._live)
        top.addWidget(self._pending)
        if self.editor.is_beside_label:
            top.addWidget(self.editor, 1 if self.spec.kind == "choice" else 0)
        top.addWidget(self._reset)
        parts: list[QWidget | QHBoxLayout] = [top]
        if not self.editor.is_beside_label:
            parts.append(self.editor)
        if (extra := self.editor.extra()) is not None:
            parts.append(extra)
        parts.append(self._error)
        stacked(parts, self, spacing=1)

    def show_value(self, value: Any) -> None:
        self.editor.show_value(value)
        self._reset.setVisible(value != self.spec.default)

    def show_pending(self, is_pending: bool) -> None:
        self._pending.setVisible(is_pending)
        self._live.setVisible(self.spec.is_live and not is_pending)

    def show_error(self, sentence: str) -> None:
        self._error.setText(sentence)
        self._error.setVisible(bool(sentence))

    @property
    def error(self) -> str:
        return self._error.text()

    def matches(self, text: str) -> bool:
        haystack = f"{self.spec.label} {self.spec.name} {self.spec.help} {self.spec.group}".lower()
        return all(word in haystack for word in text.lower().split())

    @Slot(object)
    def _edited(self, value: Any) -> None:
        self.edited.emit(self.spec.name, value)

    @Slot()
    def _reset_clicked(self) -> None:
        self.reset_requested.emit(self.spec.name)


class _PresetBox(QWidget):
    """Presets, with the sentence of why and the cost of the one that is chosen."""

    chosen = Signal(object)

    def __init__(self, presets: tuple[Preset, ...]) -> None:
        super().__init__()
        self._presets = (Preset("default", "The values that show the paper's effect soonest.", {}), *presets)
        self._box = QComboBox()
        self._box.addItems([preset.name for preset in self._presets])
        self._box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._box.setAccessibleName("Preset")
        self._box.setPlaceholderText("own values")
        for index, preset in enumerate(self._presets):
            self._box.setItemData(index, _preset_text(preset), Qt.ItemDataRole.ToolTipRole)
        guard_wheel(self._box)
        self._box.activated.connect(self._activated)
        self._why = ColouredLabel("", "muted", wrap=True, scale=0.92)
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addWidget(QLabel("Preset"))
        row.addWidget(self._box, 1)
        stacked([row, self._why], self)

    def show_parameters(self, parameters: Parameters) -> None:
        for index, preset in enumerate(self._presets):
            if parameters == preset_parameters(type(parameters), preset):
                self._box.setCurrentIndex(index)
                self._why.setText(_preset_text(preset))
                return
        self._box.setCurrentIndex(-1)
        self._why.setText("Own values; choose a preset to go back to values known to work.")

    @Slot(int)
    def _activated(self, index: int) -> None:
        self.chosen.emit(self._presets[index])


class ParameterForm(QWidget):
    """Shows Parameters and asks for changes that the model accepts; refused ones stay beside their field.

    `edited` carries an Edit. Whoever keeps the values answers with `show_parameters`.
    """

    edited = Signal(object)

    def __init__(self, parameters: Parameters) -> None:
        super().__init__()
        self._parameters = parameters
        self._drafts: dict[str, Any] = {}
        self._fields: dict[str, _Field] = {}
        self._sections: dict[str, Section] = {}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        self._presets: _PresetBox | None = None
        if type(parameters).presets:
            self._presets = _PresetBox(type(parameters).presets)
            self._presets.chosen.connect(self._preset_chosen)
            layout.addWidget(self._presets)
        specs = parameters.specs()
        self._search = QLineEdit()
        self._search.setPlaceholderText("Find a parameter")
        self._search.setClearButtonEnabled(True)
        self._search.setAccessibleName("Find a parameter")
        self._search.setVisible(len(specs) > LONG_FORM)
        self._search.textChanged.connect(self._filter)
        layout.addWidget(self._search)
        self._cross_error = ColouredLabel("", "error", wrap=True)
        self._cross_error.hide()
        layout.addWidget(self._cross_error)
        self._add_fields(layout, specs)
        self._none_found = ColouredLabel("No parameter has this in its name or help.", "muted", wrap=True)
        self._none_found.hide()
        layout.addWidget(self._none_found)
        layout.addStretch(1)
        self.show_parameters(parameters)

    def _add_fields(self, layout: QVBoxLayout, specs: tuple[ParameterSpec, ...]) -> None:
        groups: dict[str, list[_Field]] = {}
        for spec in specs:
            field = _Field(spec)
            field.edited.connect(self._field_edited)
            field.reset_requested.connect(self._field_reset)
            self._fields[spec.name] = field
            groups.setdefault(spec.group, []).append(field)
        is_first_open = not groups.get("")
        for group, fields in sorted(groups.items(), key=lambda item: item[0] != ""):
            body = QWidget()
            inner = stacked(fields, body, spacing=6)
            if not group:
                layout.addWidget(body)
                continue
            inner.setContentsMargins(10, 0, 0, 6)
            section = Section(group, body, is_open=len(specs) <= LONG_FORM or is_first_open)
            is_first_open = False
            self._sections[group] = section
            layout.addWidget(section)

    # What is shown

    def show_parameters(self, parameters: Parameters) -> None:
        """Show these values; a refused draft of a field that has them by now is forgotten."""
        changed = parameters.difference(self._parameters)
        self._parameters = parameters
        self._drafts = {name: value for name, value in self._drafts.items() if name not in changed}
        values = parameters.model_dump()
        for name, field in self._fields.items():
            if name not in self._drafts:
                field.show_value(values[name])
        if self._presets:
            self._presets.show_parameters(parameters)
        if not self._drafts:
            self._show_errors({})

    def show_pending(self, names: frozenset[str]) -> None:
        """Mark the fields whose values wait for Reset."""
        for name, field in self._fields.items():
            field.show_pending(name in names)

    @property
    def errors(self) -> dict[str, str]:
        """The sentences shown now, by field; one that concerns several fields is under an empty name."""
        shown = {name: field.error for name, field in self._fields.items() if field.error}
        return shown | ({"": self._cross_error.text()} if self._cross_error.text() else {})

    def editor(self, name: str) -> Editor:
        """Return the editor of a field."""
        return self._fields[name].editor

    def focus_search(self) -> None:
        """Put the cursor into the search field."""
        self._search.show()
        self._search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self._search.selectAll()

    def open_groups(self) -> list[str]:
        """Return the names of the groups that are unfolded."""
        return [name for name, section in self._sections.items() if section.is_open]

    def set_open_groups(self, names: list[str]) -> None:
        """Unfold these groups and fold the others."""
        for name, section in self._sections.items():
            section.set_open(name in names)

    def reset_all(self) -> None:
        """Ask for the default of every field."""
        self._drafts.clear()
        defaults = type(self._parameters)()
        if defaults == self._parameters:
            self.show_parameters(defaults)
        else:
            self.edited.emit(Edit("all parameters to defaults", defaults))

    # What a person does

    @Slot(str, object)
    def _field_edited(self, name: str, value: Any) -> None:
        self._drafts[name] = value
        try:
            accepted = self._parameters.changed(**self._drafts)
        except InvalidParameters as refused:
            self._show_errors(refused.errors)
            return
        changes = accepted.difference(self._parameters)
        self._drafts.clear()
        self._show_errors({})
        if changes:
            text = change_text(type(accepted), changes)
            self.edited.emit(Edit(text, accepted, self._fields[name].editor.gesture))
        else:
            self.show_parameters(self._parameters)

    @Slot(str)
    def _field_reset(self, name: str) -> None:
        self._field_edited(name, self._fields[name].spec.default)
        if name not in self._drafts:
            self._fields[name].show_value(self._parameters.model_dump()[name])

    @Slot(object)
    def _preset_chosen(self, preset: Preset) -> None:
        self._drafts.clear()
        chosen = preset_parameters(type(self._parameters), preset)
        if chosen == self._parameters:
            self.show_parameters(chosen)
        else:
            self.edited.emit(Edit(f"preset {preset.name}", chosen))

    def _show_errors(self, errors: Mapping[str, str]) -> None:
        for name, field in self._fields.items():
            field.show_error(errors.get(name, ""))
            if name in errors and field.spec.group in self._sections:
                self._sections[field.spec.group].set_open(True)
        rest = "; ".join(sentence for name, sentence in errors.items() if name not in self._fields)
        self._cross_error.setText(rest)
        self._cross_error.setVisible(bool(rest))

    @Slot(str)
    def _filter(self, text: str) -> None:
        found = {name for name, field in self._fields.items() if field.matches(text)}
        for name, field in self._fields.items():
            field.setVisible(name in found)
        for group, section in self._sections.items():
            has_any = any(self._fields[name].spec.group == group for name in found)
            section.setVisible(has_any)
            section.body.setVisible(section.is_open or (bool(text.strip()) and has_any))
        self._none_found.setVisible(not found)


def preset_parameters(parameters: type[Parameters], preset: Preset) -> Parameters:
    """Return the values of a preset: the defaults with its own in their place. Raises InvalidParameters."""
    return parameters.checked(preset.values)


def default_text(spec: ParameterSpec) -> str:
    """Return the default as a person reads it."""
    if spec.default is None:
        return "automatic"
    labels = dict(spec.options)
    if isinstance(spec.default, tuple):
        return ", ".join(str(labels.get(value, value)) for value in spec.default)
    if isinstance(spec.default, bool):
        return "on" if spec.default else "off"
    if isinstance(spec.default, float):
        return f"{spec.default:g}"
    return str(labels.get(spec.default, spec.default)) or "built-in"


def help_text(spec: ParameterSpec) -> str:
    """Return the tooltip of a field: what it is, its unit, what is allowed, its default."""
    allowed = "" if spec.options else spec.range_text
    facts = [
        f"in {spec.unit}" if spec.unit else "",
        f"allowed {allowed}" if allowed else "",
        f"default {default_text(spec)}",
    ]
    return f"{spec.help}\n({'; '.join(fact for fact in facts if fact)})"


def _preset_text(preset: Preset) -> str:
    return f"{preset.why} Cost: {preset.cost}." if preset.cost else preset.why
