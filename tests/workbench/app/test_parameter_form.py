import math

import pytest
from app_fakes import DemoParameters
from hypothesis import given
from hypothesis import strategies as st
from pydantic import model_validator
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QUndoStack, QWheelEvent
from PySide6.QtWidgets import QApplication, QComboBox, QLineEdit, QToolButton

from workbench.app.number_spin import NumberSlider, NumberSpin, has_slider
from workbench.app.parameter_form import ParameterForm, default_text, help_text
from workbench.app.undo import ParameterChange
from workbench.app.widgets import Chip, Section
from workbench.sdk import Parameters, param


class Form:
    """A form whose edits are kept as a session keeps them, with undo."""

    def __init__(self, qtbot, parameters):
        self.parameters, self.stack = parameters, QUndoStack()
        self.form = ParameterForm(parameters)
        self.form.edited.connect(self.take)
        self.form.resize(300, 900)
        qtbot.addWidget(self.form)
        self.form.show()

    def take(self, edit):
        self.stack.push(ParameterChange(edit.text, self.parameters, edit.parameters, self.apply, gesture=edit.gesture))

    def apply(self, parameters):
        self.parameters = parameters
        self.form.show_parameters(parameters)


@pytest.fixture
def kept(qtbot):
    return Form(qtbot, DemoParameters())


def type_into(qtbot, spin, text):
    spin.setFocus()
    spin.selectAll()
    qtbot.keyClicks(spin, text)
    qtbot.keyClick(spin, Qt.Key.Key_Return)


def test_every_field_has_an_editor_that_shows_its_value(kept):
    for spec in DemoParameters.specs():
        assert kept.form.editor(spec.name).spec == spec
    assert kept.form.editor("steps").spin.text() == "300 steps"
    assert kept.form.editor("rate").spin.text() == "0.001"


def test_a_typed_number_reaches_the_model_and_can_be_undone(kept, qtbot):
    type_into(qtbot, kept.form.editor("steps").spin, "1200")
    assert kept.parameters.steps == 1200
    assert kept.stack.undoText() == "steps"
    kept.stack.undo()
    assert kept.parameters.steps == 300
    assert kept.form.editor("steps").spin.value() == 300


def test_a_number_out_of_range_is_refused_beside_its_field_and_stays_to_be_mended(kept, qtbot):
    type_into(qtbot, kept.form.editor("width").spin, "5000")
    assert kept.parameters.width == 64
    assert "512" in kept.form.errors["width"]
    assert "5000" in kept.form.errors["width"]
    assert kept.form.editor("width").spin.value() == 5000
    type_into(qtbot, kept.form.editor("width").spin, "500")
    assert kept.parameters.width == 500
    assert kept.form.errors == {}


def test_scientific_notation_is_understood_and_shown(kept, qtbot):
    type_into(qtbot, kept.form.editor("rate").spin, "3e-5")
    assert kept.parameters.rate == 3e-5
    assert kept.form.editor("rate").spin.text() == "3e-05"


def test_words_are_not_accepted_as_a_number(kept, qtbot):
    type_into(qtbot, kept.form.editor("rate").spin, "fast")
    assert kept.parameters.rate == 1e-3


class Ordered(Parameters):
    low: float = param(0.0, ge=0, le=10, help="Lower bound")
    high: float = param(1.0, ge=0, le=10, help="Upper bound")

    @model_validator(mode="after")
    def _is_ordered(self):
        if self.low >= self.high:
            raise ValueError("The lower bound must lie below the upper bound.")
        return self


def test_a_rule_between_fields_is_said_and_mended_by_the_other_field(qtbot):
    kept = Form(qtbot, Ordered())
    type_into(qtbot, kept.form.editor("low").spin, "5")
    assert kept.form.errors == {"": "The lower bound must lie below the upper bound."}
    assert kept.parameters == Ordered()
    type_into(qtbot, kept.form.editor("high").spin, "8")
    assert kept.parameters == Ordered(low=5, high=8)
    assert kept.form.errors == {}
    assert kept.stack.undoText() == "2 parameters"
    kept.stack.undo()
    assert kept.parameters == Ordered()


def test_one_drag_of_a_slider_is_one_undo_step(kept):
    slider = kept.form.editor("rate").slider
    slider.sliderPressed.emit()
    for position in (100, 150, 200, 250):
        slider.setValue(position)
    slider.sliderReleased.emit()
    assert kept.stack.count() == 1
    assert kept.parameters.rate == slider.at(250)
    kept.stack.undo()
    assert kept.parameters.rate == 1e-3


def test_a_drag_back_to_where_it_began_leaves_nothing_to_undo(kept):
    slider = kept.form.editor("noise").slider
    start = slider.value()
    assert slider.at(start) == kept.parameters.noise
    slider.sliderPressed.emit()
    slider.setValue(start + 50)
    assert kept.stack.count() == 1
    slider.setValue(start)
    slider.sliderReleased.emit()
    assert kept.parameters == DemoParameters()
    assert kept.stack.count() == 0


def test_two_fields_changed_at_once_are_two_undo_steps(kept, qtbot):
    type_into(qtbot, kept.form.editor("steps").spin, "20")
    type_into(qtbot, kept.form.editor("width").spin, "32")
    assert kept.stack.count() == 2


def test_a_logarithmic_slider_gives_equal_ratios():
    slider = NumberSlider(DemoParameters.spec("rate"))
    ends = slider.at(0), slider.at(slider.maximum())
    assert ends == (1e-6, 1.0)
    middle = slider.at(slider.maximum() // 2)
    assert math.isclose(middle, 1e-3, rel_tol=0.01)


@given(st.floats(1e-6, 1.0))
def test_a_slider_finds_the_place_of_any_value_to_within_one_step(value):
    slider = NumberSlider(DemoParameters.spec("rate"))
    slider.show_value(value)
    step = math.log(1e6) / slider.maximum()
    assert abs(math.log(slider.at(slider.value()) / value)) <= step


def test_an_excluded_bound_cannot_be_reached_by_slider_or_arrows(kept):
    editor = kept.form.editor("noise")
    editor.slider.setValue(editor.slider.maximum())
    assert kept.parameters.noise < 1
    for _ in range(40):
        editor.spin.stepBy(10)
    assert kept.parameters.noise < 1
    assert kept.form.errors == {}


def test_the_arrows_stay_within_the_bounds(kept):
    spin = kept.form.editor("width").spin
    for _ in range(60):
        spin.stepBy(10)
    assert kept.parameters.width == 512
    assert kept.form.errors == {}


def test_a_huge_range_of_whole_numbers_has_no_slider():
    class Big(Parameters):
        steps: int = param(200, ge=1, le=100_000_000, help="Steps")
        size: int = param(16, ge=2, le=64, help="Size")

    assert not has_slider(Big.spec("steps"))
    assert has_slider(Big.spec("size"))


def test_the_wheel_scrolls_the_form_and_changes_nothing_unless_the_field_was_clicked(kept, qtbot):
    for widget in (kept.form.editor("steps").spin, kept.form.editor("kind").findChild(QComboBox)):
        event = QWheelEvent(
            QPointF(5, 5), QPointF(5, 5), QPoint(0, -120), QPoint(0, -120),
            Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(widget, event)
    assert kept.parameters == DemoParameters()


def test_a_choice_a_switch_and_chips_set_their_values(kept, qtbot):
    box = kept.form.editor("kind").findChild(QComboBox)
    assert box.currentText() == "ReLU"
    box.setCurrentIndex(1)
    box.activated.emit(1)
    assert kept.parameters.kind == "gelu"
    chips = kept.form.editor("methods").findChildren(Chip)
    qtbot.mouseClick(chips[2], Qt.MouseButton.LeftButton)
    assert kept.parameters.methods == ("a", "b", "c")


def test_the_last_chip_cannot_be_released_where_one_is_needed(kept, qtbot):
    chips = kept.form.editor("methods").findChildren(Chip)
    qtbot.mouseClick(chips[0], Qt.MouseButton.LeftButton)
    qtbot.mouseClick(chips[1], Qt.MouseButton.LeftButton)
    assert kept.parameters.methods == ("b",)
    assert "methods" in kept.form.errors


def test_an_optional_number_is_automatic_until_it_is_set(kept, qtbot):
    editor = kept.form.editor("depth")
    assert not editor.spin.isEnabled()
    editor._is_given.click()
    type_into(qtbot, editor.spin, "4")
    assert kept.parameters.depth == 4
    editor._is_given.click()
    assert kept.parameters.depth is None


def test_a_text_is_taken_when_its_field_is_left(kept, qtbot):
    field = kept.form.editor("note").findChild(QLineEdit)
    qtbot.keyClicks(field, "hello")
    assert kept.parameters.note == ""
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert kept.parameters.note == "hello"


def test_a_field_that_differs_from_its_default_can_be_reset_alone(kept, qtbot):
    resets = {button.accessibleName(): button for button in kept.form.findChildren(QToolButton)}
    button = resets["Reset steps"]
    assert button.isHidden()
    type_into(qtbot, kept.form.editor("steps").spin, "20")
    type_into(qtbot, kept.form.editor("width").spin, "32")
    assert not button.isHidden()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert (kept.parameters.steps, kept.parameters.width) == (300, 32)


def test_a_refused_draft_is_dropped_by_its_reset(kept, qtbot):
    type_into(qtbot, kept.form.editor("width").spin, "5000")
    kept.form._fields["width"].reset_requested.emit("width")
    assert kept.form.errors == {}
    assert kept.form.editor("width").spin.value() == 64


def test_all_fields_are_reset_in_one_step(kept, qtbot):
    type_into(qtbot, kept.form.editor("steps").spin, "20")
    type_into(qtbot, kept.form.editor("width").spin, "32")
    kept.form.reset_all()
    assert kept.parameters == DemoParameters()
    kept.stack.undo()
    assert (kept.parameters.steps, kept.parameters.width) == (20, 32)


def test_a_preset_sets_all_values_in_one_step_and_says_why_and_what_it_costs(kept):
    box = kept.form._presets._box
    box.setCurrentIndex(2)
    box.activated.emit(2)
    assert kept.parameters == DemoParameters(steps=5000, width=512)
    assert kept.form._presets._why.text() == "As in the paper. Cost: about 2 h on a GPU."
    kept.stack.undo()
    assert kept.parameters == DemoParameters()
    assert box.currentText() == "default"


def test_own_values_are_not_called_by_a_presets_name(kept, qtbot):
    type_into(qtbot, kept.form.editor("width").spin, "33")
    assert kept.form._presets._box.currentIndex() == -1


def test_pending_fields_are_marked(kept):
    kept.form.show_pending(frozenset({"width"}))
    marks = {name: not field._pending.isHidden() for name, field in kept.form._fields.items()}
    assert [name for name, is_marked in marks.items() if is_marked] == ["width"]
    kept.form.show_pending(frozenset())
    assert kept.form._fields["width"]._pending.isHidden()


def test_live_fields_are_marked(kept):
    assert [name for name, field in kept.form._fields.items() if not field._live.isHidden()] == ["rate"]


def test_searching_shows_only_fields_that_match_and_unfolds_their_group(qtbot):
    fields = {f"field_{index}": (float, param(0.5, ge=0, le=1, help="Anything", group="Many")) for index in range(12)}
    from pydantic import create_model

    many = create_model("Many", __base__=Parameters, special=(int, param(1, help="Momentum", group="Other")), **fields)
    kept = Form(qtbot, many())
    kept.form.set_open_groups([])
    search = kept.form._search
    assert search.isVisible()
    qtbot.keyClicks(search, "momentum")
    shown = [name for name, field in kept.form._fields.items() if field.isVisible()]
    assert shown == ["special"]
    search.clear()
    assert kept.form.open_groups() == []
    assert not kept.form._fields["special"].isVisible()


def test_folded_groups_are_remembered(kept):
    kept.form.set_open_groups(["Model"])
    assert kept.form.open_groups() == ["Model"]
    assert [section.title for section in kept.form.findChildren(Section) if section.body.isVisible()] == ["Model"]


def test_an_error_in_a_folded_group_unfolds_it(kept):
    kept.form.set_open_groups([])
    kept.form._field_edited("width", 5000)
    assert kept.form.open_groups() == ["Model"]


def test_the_tooltip_tells_meaning_unit_range_and_default():
    assert help_text(DemoParameters.spec("steps")) == "Optimiser steps\n(in steps; allowed ≥ 1; default 300)"
    assert default_text(DemoParameters.spec("methods")) == "a, b"
    assert default_text(DemoParameters.spec("depth")) == "automatic"


def test_the_form_fits_into_a_narrow_column(kept):
    assert kept.form.minimumSizeHint().width() <= 236


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_a_spin_box_reads_back_what_it_writes(value):
    spin = NumberSpin(DemoParameters.spec("note").__class__("x", "x", "float", 0.0, ""))
    text = spin.textFromValue(value)
    assert math.isclose(spin.valueFromText(text), value, rel_tol=1e-5, abs_tol=1e-40)


def test_everything_can_be_reached_by_keyboard_and_has_a_name(kept):
    for spec in DemoParameters.specs():
        target = kept.form.editor(spec.name)
        while target.focusProxy() is not None:
            target = target.focusProxy()
        assert target.focusPolicy() & Qt.FocusPolicy.TabFocus
        assert spec.label in target.accessibleName()
