"""What a sweep runs: axes over parameters, seeds, and the points they make."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from workbench.sdk import InvalidParameters, Parameters, UserError

MOST_POINTS = 100_000
Kind = Literal["grid", "uniform", "log"]


class Axis(BaseModel):
    """One parameter that varies: over given values, or drawn uniformly or log-uniformly between two bounds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    kind: Kind = "grid"
    values: tuple[Any, ...] = ()
    low: float = 0.0
    high: float = 1.0

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.kind == "grid" and not self.values:
            raise ValueError(f"{self.name}: a grid needs at least one value")
        if self.kind != "grid" and not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueError(f"{self.name}: {self.low:g}:{self.high:g} is not a range from low to high")
        if self.kind == "log" and self.low <= 0:
            raise ValueError(f"{self.name}: a logarithmic range begins above 0, not at {self.low:g}")
        return self

    @classmethod
    def parse(cls, text: str, kind: Kind) -> Self:
        """Read `name=v1,v2` (a grid) or `name=low:high` (a range); raises UserError with what was expected."""
        name, separator, rest = text.partition("=")
        if not separator or not name.strip() or not rest.strip():
            raise UserError(f"--{kind} takes {'NAME=V1,V2,…' if kind == 'grid' else 'NAME=LOW:HIGH'}, not {text!r}.")
        try:
            if kind == "grid":
                return cls(name=name.strip(), values=tuple(split_values(rest)))
            low, high = (float(part) for part in rest.split(":"))
            return cls(name=name.strip(), kind=kind, low=low, high=high)
        except ValueError as error:
            raise UserError(f"--{kind} {text}: {_reason(error)}.") from None


class SweepSpec(BaseModel):
    """Everything that decides which runs a sweep makes. `parameters` are the values that do not vary."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    plugin: str
    experiment: str
    parameters: dict[str, Any] = Field(default_factory=dict)
    axes: tuple[Axis, ...] = ()
    samples: int = Field(1, ge=1, le=MOST_POINTS)
    seeds: tuple[int, ...] = (0,)
    max_steps: int | None = Field(None, ge=1)
    device: str = "cpu"
    draw_seed: int = 0

    @property
    def is_random(self) -> bool:
        """Whether some axis is drawn."""
        return any(axis.kind != "grid" for axis in self.axes)

    @property
    def count(self) -> int:
        """Number of runs."""
        grid = math.prod(len(axis.values) for axis in self.axes if axis.kind == "grid")
        return grid * (self.samples if self.is_random else 1) * len(self.seeds)


@dataclass(frozen=True)
class Point:
    """One run of a sweep: what varies, with the seed."""

    index: int
    varied: dict[str, Any]
    seed: int


def points_of(spec: SweepSpec, parameters_type: type[Parameters]) -> list[Point]:
    """Return the runs of a sweep, each checked; the same list for the same spec.

    Every sample draws its own values; each is combined with every point of the grid and every seed. Raises UserError
    for an axis that is named twice or a sweep that is too large, InvalidParameters for a value that is refused.
    """
    names = [axis.name for axis in spec.axes]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UserError(f"{twice} varies along two axes.")
    if spec.count > MOST_POINTS:
        raise UserError(f"This sweep has {spec.count} runs; the most are {MOST_POINTS}.")
    if not spec.seeds:
        raise UserError("A sweep needs at least one seed.")
    rng = np.random.default_rng(spec.draw_seed)
    grid = [axis for axis in spec.axes if axis.kind == "grid"]
    drawn = [axis for axis in spec.axes if axis.kind != "grid"]
    points = []
    for _ in range(spec.samples if drawn else 1):
        sample = {axis.name: _draw(axis, parameters_type, rng) for axis in drawn}
        for values in itertools.product(*(axis.values for axis in grid)):
            asked = {**sample, **dict(zip([axis.name for axis in grid], values, strict=True))}
            checked = parameters_type.checked({**spec.parameters, **asked}).model_dump(mode="json")
            varied = {name: checked[name] for name in names}
            points += [(varied, seed) for seed in spec.seeds]
    return [Point(index, varied, seed) for index, (varied, seed) in enumerate(points)]


def split_values(text: str) -> list[str]:
    """Split at commas, but not inside brackets: `a,[b,c]` are the values `a` and `b,c` (a choice of several)."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter == "[") - (letter == "]")
        if letter == "," and depth == 0:
            parts.append("")
        elif letter not in "[]":
            parts[-1] += letter
    return [part.strip() for part in parts if part.strip()]


def _draw(axis: Axis, parameters_type: type[Parameters], rng: np.random.Generator) -> float | int:
    spec = parameters_type.spec(axis.name)
    if spec.kind not in ("int", "float"):
        raise InvalidParameters({axis.name: f"{spec.label}: only numbers can be drawn; list its values instead"})
    if axis.kind == "log":
        value = math.exp(rng.uniform(math.log(axis.low), math.log(axis.high)))
    else:
        value = float(rng.uniform(axis.low, axis.high))
    return round(value) if spec.kind == "int" else value


def _reason(error: ValueError) -> str:
    first = str(error).strip().splitlines()
    detail = next((line for line in first if "Value error, " in line), "")
    if detail:
        return detail.partition("Value error, ")[2].partition(" [type=")[0]
    return "a range is LOW:HIGH, two numbers"
