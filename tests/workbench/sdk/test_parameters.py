from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.sdk import InvalidParameters, Parameters, Preset, choice, choices, file, param


class Example(Parameters):
    steps: int = param(100, ge=1, le=1000, unit="steps", help="How long", live=True)
    rate: float = param(1e-3, gt=0, lt=1, log=True, help="How fast", label="learning rate")
    is_deep: bool = param(False, help="Whether")
    kind: Literal["a", "b"] = choice("a", help="Which", labels={"a": "the first"})
    several: tuple[Literal["x", "y", "z"], ...] = choices(("x",), help="Which ones", at_least=1)
    limit: int | None = param(None, ge=0, help="At most")
    data: str = file(help="From where", suffixes=(".csv",))
    note: str = param("", help="Anything")

    presets = (Preset("long", "To see the end.", {"steps": 1000}),)


def test_a_form_can_be_made_of_the_specs():
    specs = {spec.name: spec for spec in Example.specs()}
    assert [spec.kind for spec in specs.values()] == [
        "int",
        "float",
        "bool",
        "choice",
        "choices",
        "int",
        "file",
        "text",
    ]
    assert (specs["steps"].minimum, specs["steps"].maximum, specs["steps"].unit) == (1, 1000, "steps")
    assert specs["rate"].is_log
    assert specs["rate"].excludes_minimum
    assert specs["rate"].label == "learning rate"
    assert specs["kind"].options == (("a", "the first"), ("b", "b"))
    assert specs["limit"].is_optional
    assert specs["data"].suffixes == (".csv",)


def test_texts_of_a_command_line_become_values():
    made = Example.checked({"steps": "7", "rate": "0.5", "is_deep": "true", "several": "x, z", "limit": "3"})
    assert (made.steps, made.rate, made.is_deep, made.several, made.limit) == (7, 0.5, True, ("x", "z"), 3)


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"steps": 0}, "steps", ("steps = 0", "≥ 1 and ≤ 1000")),
        ({"rate": "fast"}, "rate", ("learning rate = fast", "> 0 and < 1")),
        ({"rate": float("nan")}, "rate", ("learning rate = nan",)),
        ({"kind": "c"}, "kind", ("kind = c", "a, b")),
        ({"several": []}, "several", ("several = []",)),
        ({"stepz": 3}, "stepz", ("no such parameter", "steps")),
    ],
)
def test_a_refused_value_is_told_with_its_field_value_and_range(values, field, words):
    with pytest.raises(InvalidParameters) as raised:
        Example.checked(values)
    assert list(raised.value.errors) == [field]
    for word in words:
        assert word in raised.value.errors[field]


def test_all_refused_fields_are_told_together():
    with pytest.raises(InvalidParameters) as raised:
        Example.checked({"steps": 0, "kind": "c"})
    assert set(raised.value.errors) == {"steps", "kind"}


def test_parameters_cannot_be_changed_in_place():
    with pytest.raises(ValueError, match="frozen"):
        Example().steps = 3


@given(st.integers(1, 1000), st.sampled_from(["a", "b"]))
def test_a_change_is_found_again_as_the_difference(steps, kind):
    changed = Example().changed(steps=steps, kind=kind)
    assert Example().changed(**changed.difference(Example())) == changed


@given(st.integers())
def test_bounds_hold_for_every_integer(steps):
    if 1 <= steps <= 1000:
        assert Example.checked({"steps": steps}).steps == steps
    else:
        with pytest.raises(InvalidParameters):
            Example.checked({"steps": steps})


def test_values_survive_json():
    import json

    made = Example.checked({"several": ("x", "y"), "limit": 4})
    assert Example.checked(json.loads(made.model_dump_json())) == made


def test_options_that_are_numbers_can_be_written_as_text():
    class Numbers(Parameters):
        order: Literal[2, 4, 6] = choice(4, help="Which")
        grids: tuple[Literal[16, 32], ...] = choices((16,), help="Which ones")

    assert Numbers.checked({"order": "6", "grids": "16, 32"}).model_dump() == {"order": 6, "grids": (16, 32)}
    with pytest.raises(InvalidParameters, match="order = 5"):
        Numbers.checked({"order": "5"})
