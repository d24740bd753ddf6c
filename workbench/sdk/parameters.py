"""Parameters of an experiment: one pydantic model from which form, command line, sweep and run record are made."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo

Kind = Literal["int", "float", "bool", "choice", "choices", "text", "file"]


class InvalidParameters(ValueError):
    """Values that an experiment refuses; `errors` maps each field's name to one sentence for the person."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        self.errors = dict(errors)
        super().__init__("; ".join(self.errors.values()))


@dataclass(frozen=True)
class Preset:
    """Values known to work, with a sentence of why, and where it is long, what it costs (`"about 2 h on a GPU"`)."""

    name: str
    why: str
    values: Mapping[str, Any]
    cost: str = ""


@dataclass(frozen=True)
class ParameterSpec:
    """One field as a form or a command line needs it; bounds are None where there is none."""

    name: str
    label: str
    kind: Kind
    default: Any
    help: str
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    excludes_minimum: bool = False
    excludes_maximum: bool = False
    is_log: bool = False
    is_live: bool = False
    is_optional: bool = False
    step: float | None = None
    group: str = ""
    options: tuple[tuple[Any, str], ...] = ()
    suffixes: tuple[str, ...] = ()

    @property
    def range_text(self) -> str:
        """The allowed values as a person reads them: `"1e-06 … 0.1, in steps"`; empty where anything goes."""
        if self.options:
            return ", ".join(str(value) for value, _ in self.options)
        low = "" if self.minimum is None else f"{'>' if self.excludes_minimum else '≥'} {self.minimum:g}"
        high = "" if self.maximum is None else f"{'<' if self.excludes_maximum else '≤'} {self.maximum:g}"
        return " and ".join(part for part in (low, high) if part)


def param(
    default: Any,
    *,
    help: str,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
    unit: str = "",
    log: bool = False,
    live: bool = False,
    step: float | None = None,
    group: str = "",
    label: str = "",
) -> Any:
    """Declare a number, switch or text field.

    `live` fields may change while the experiment runs, `log` asks for a logarithmic slider, `group` names the
    folding section of the form. Bounds are checked wherever a value comes in.
    """
    extra = {"unit": unit, "log": log, "live": live, "step": step, "group": group, "label": label}
    return Field(default, ge=ge, gt=gt, le=le, lt=lt, description=help, json_schema_extra=_without_empty(extra))


def choice(
    default: Any,
    *,
    help: str,
    labels: Mapping[Any, str] | None = None,
    live: bool = False,
    group: str = "",
    label: str = "",
) -> Any:
    """Declare a field annotated `Literal[...]` of which one value is picked; `labels` gives what a person reads."""
    extra = {"labels": dict(labels or {}), "live": live, "group": group, "label": label}
    return Field(default, description=help, json_schema_extra=_without_empty(extra))


def choices(
    default: tuple[Any, ...],
    *,
    help: str,
    labels: Mapping[Any, str] | None = None,
    at_least: int = 0,
    live: bool = False,
    group: str = "",
    label: str = "",
) -> Any:
    """Declare a field annotated `tuple[Literal[...], ...]` of which any subset is picked, `at_least` so many."""
    extra = {"labels": dict(labels or {}), "live": live, "group": group, "label": label}
    return Field(default, description=help, min_length=at_least, json_schema_extra=_without_empty(extra))


def file(
    default: str = "",
    *,
    help: str,
    suffixes: tuple[str, ...],
    live: bool = False,
    group: str = "",
    label: str = "",
) -> Any:
    """Declare a `str` field that holds the path of a file to open; empty means the embedded default."""
    extra = {"suffixes": list(suffixes), "live": live, "group": group, "label": label}
    return Field(default, description=help, json_schema_extra=_without_empty(extra))


def _without_empty(extra: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in extra.items() if value not in ("", None, False, {})}


class Parameters(BaseModel):
    """Base class of an experiment's parameters: frozen, every value checked, made to be shown as a form.

    Declare fields with `param`, `choice`, `choices` and `file`; list presets in `presets`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True)
    presets: ClassVar[tuple[Preset, ...]] = ()

    @classmethod
    def checked(cls, values: Mapping[str, Any]) -> Self:
        """Make an instance of plain values or of text (`{"steps": "300"}`); raise InvalidParameters otherwise."""
        specs = {spec.name: spec for spec in cls.specs()}
        parsed = {
            name: _from_text(value, specs[name]) if isinstance(value, str) and name in specs else value
            for name, value in values.items()
        }
        try:
            return cls.model_validate(parsed)
        except ValidationError as error:
            raise InvalidParameters(_sentences(cls, error)) from None

    def changed(self, **values: Any) -> Self:
        """Return a checked copy with some values changed; raise InvalidParameters if one is refused."""
        return type(self).checked({**self.model_dump(), **values})

    def difference(self, other: Parameters) -> dict[str, Any]:
        """Name and value of every field of this instance that `other` has differently."""
        mine, theirs = self.model_dump(), other.model_dump()
        return {name: value for name, value in mine.items() if theirs.get(name) != value}

    @classmethod
    def specs(cls) -> tuple[ParameterSpec, ...]:
        """Describe every field in declaration order, for forms, help texts and sweeps."""
        hints = typing.get_type_hints(cls, include_extras=False)
        return tuple(_spec(name, hints[name], info) for name, info in cls.model_fields.items())

    @classmethod
    def spec(cls, name: str) -> ParameterSpec:
        """Describe the field `name`; raise InvalidParameters naming the known ones if there is none."""
        for spec in cls.specs():
            if spec.name == name:
                return spec
        raise InvalidParameters({name: _unknown(cls, name)})


def _from_text(text: str, spec: ParameterSpec) -> Any:
    """Read what a command line or a sweep gives as text: options may be numbers; pydantic reads the other kinds."""
    options = {str(value): value for value, _ in spec.options}
    if spec.kind == "choices":
        return tuple(options.get(part.strip(), part.strip()) for part in text.split(",") if part.strip())
    return options.get(text, text) if spec.kind == "choice" else text


def _unknown(cls: type[Parameters], name: str) -> str:
    return f"{name}: there is no such parameter; known are {', '.join(cls.model_fields)}"


def _spec(name: str, annotation: Any, info: FieldInfo) -> ParameterSpec:
    raw_extra = info.json_schema_extra
    extra: Mapping[str, Any] = raw_extra if isinstance(raw_extra, Mapping) else {}
    annotation, is_optional = _strip_optional(annotation)
    kind, values = _kind(annotation, extra)
    labels = extra.get("labels", {})
    bounds: dict[str, Any] = {}
    for rule in info.metadata:
        match rule:
            case Ge(ge=bound):
                bounds["minimum"] = bound
            case Gt(gt=bound):
                bounds |= {"minimum": bound, "excludes_minimum": True}
            case Le(le=bound):
                bounds["maximum"] = bound
            case Lt(lt=bound):
                bounds |= {"maximum": bound, "excludes_maximum": True}
    return ParameterSpec(
        name=name,
        label=extra.get("label") or name.replace("_", " "),
        kind=kind,
        default=info.get_default(call_default_factory=True),
        help=info.description or "",
        unit=extra.get("unit", ""),
        is_log=extra.get("log", False),
        is_live=extra.get("live", False),
        is_optional=is_optional,
        step=extra.get("step"),
        group=extra.get("group", ""),
        options=tuple((value, labels.get(value, str(value))) for value in values),
        suffixes=tuple(extra.get("suffixes", ())),
        **bounds,
    )


def _strip_optional(annotation: Any) -> tuple[Any, bool]:
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        rest = [part for part in typing.get_args(annotation) if part is not type(None)]
        if len(rest) == 1:
            return rest[0], True
    return annotation, False


def _kind(annotation: Any, extra: Mapping[str, Any]) -> tuple[Kind, tuple[Any, ...]]:
    if typing.get_origin(annotation) is Literal:
        return "choice", typing.get_args(annotation)
    if typing.get_origin(annotation) is tuple:
        inner = typing.get_args(annotation)[0]
        if typing.get_origin(inner) is Literal:
            return "choices", typing.get_args(inner)
    if annotation is str:
        return ("file" if "suffixes" in extra else "text"), ()
    kinds: dict[type, Kind] = {bool: "bool", int: "int", float: "float"}
    if annotation in kinds:
        return kinds[annotation], ()
    raise TypeError(f"a parameter can be int, float, bool, str, Literal or tuple[Literal, ...], not {annotation}")


def _sentences(cls: type[Parameters], error: ValidationError) -> dict[str, str]:
    """One sentence for each refused field, with its value and what is allowed; cross-field errors go under ''."""
    sentences: dict[str, str] = {}
    for problem in error.errors():
        name = str(problem["loc"][0]) if problem["loc"] else ""
        if problem["type"] == "extra_forbidden":
            sentences[name] = _unknown(cls, name)
        elif name:
            spec = cls.spec(name)
            allowed = f" (allowed: {spec.range_text})" if spec.range_text else ""
            sentences[name] = f"{spec.label} = {problem['input']}: {_lower_first(problem['msg'])}{allowed}"
        else:
            sentences[name] = problem["msg"].removeprefix("Value error, ")
    return sentences


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]
