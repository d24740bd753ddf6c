"""The search field over runs: words that must be found, and comparisons such as `loss<0.1` or `tag=keep`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

from workbench.runs import IndexedRun

Predicate = Callable[[IndexedRun], bool]
_TERM = re.compile(r"(?P<name>[\w./]+)(?P<sign><=|>=|!=|=|:|<|>)(?P<value>.*)")
_ORDER: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge,
}  # fmt: skip
_FIELDS = ("id", "plugin", "experiment", "device", "seed", "step", "seconds", "sweep", "note", "started")
HELP = (
    "Words are looked for everywhere. Compare parameters, metrics and columns: learning_rate<0.01 status=finished "
    "seed=3 tag=keep note:text loss>=0.5"
)


def parse(text: str) -> Predicate:
    """Return the test of one line of search text; an empty line lets every run through."""
    tests = [_test(term) for term in text.split()]
    return lambda run: all(test(run) for test in tests)


def value_of(run: IndexedRun, name: str) -> Any:
    """Return a parameter, a metric's last value, or a column of a run by name; None where it has none."""
    if name == "status":
        return run.shown_status
    if name in ("tag", "tags"):
        return run.tags
    if name in _FIELDS:
        return getattr(run, name)
    return run.parameters.get(name, run.finals.get(name))


def _test(term: str) -> Predicate:
    match = _TERM.fullmatch(term)
    if match is None or not match["value"]:
        word = (match["name"] if match else term).lower()
        return lambda run: word in _text(run)
    name, sign, wanted = match["name"], match["sign"], match["value"]
    if sign in _ORDER:
        try:
            bound = float(wanted)
        except ValueError:
            return lambda run: False
        compare = _ORDER[sign]
        return lambda run: _is_number(value := value_of(run, name)) and compare(float(value), bound)
    if sign == ":":
        return lambda run: wanted.lower() in str(value_of(run, name)).lower()
    is_wanted = sign == "="
    return lambda run: _equals(value_of(run, name), wanted) is is_wanted


def _equals(value: Any, wanted: str) -> bool:
    if isinstance(value, list | tuple):
        return any(_equals(part, wanted) for part in value)
    if _is_number(value):
        try:
            return float(value) == float(wanted)
        except ValueError:
            return False
    return str(value).lower() == wanted.lower()


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text(run: IndexedRun) -> str:
    parts = (run.id, run.plugin, run.experiment, run.shown_status, run.device, run.note, run.sweep, *run.tags)
    return " ".join([*parts, *(f"{name}={value}" for name, value in run.parameters.items())]).lower()
