"""Reading `plugin.toml`, and the list of the papers that the workbench sets out to show."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from workbench.sdk import ExperimentCard, PaperCard


class CardError(ValueError):
    """A card that cannot be used, in one sentence that names the file and the entry."""


class _Experiment(BaseModel):
    model_config = ConfigDict(extra="forbid")
    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str
    summary: str = ""
    experiment: str
    parameters: str
    view: str


class _Card(BaseModel):
    model_config = ConfigDict(extra="forbid")
    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str
    short: str
    authors: tuple[str, ...] = Field(min_length=1)
    year: int
    arxiv: str
    topic: str
    tags: tuple[str, ...] = ()
    summary: str = ""
    invitation: str = ""
    icon: str = ""
    venue: str = ""
    doi: str = ""
    claims: str = ""
    experiments: tuple[_Experiment, ...] = ()


def _absolute(dotted: str, package: str) -> str:
    return package + dotted if dotted.startswith(".") else dotted


def make_card(values: dict[str, Any], package: str, folder: Path | None, origin: str) -> PaperCard:
    """Make a card of TOML values; dotted names that start with a dot are below `package`.

    Raises CardError naming `origin` and the entry at fault.
    """
    try:
        card = _Card.model_validate(values)
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise CardError(f"{origin}: entry {where!r}: {problem['msg'].lower()}.") from None
    experiments = tuple(
        ExperimentCard(
            entry.id,
            entry.title,
            entry.summary,
            _absolute(entry.experiment, package),
            _absolute(entry.parameters, package),
            _absolute(entry.view, package),
        )
        for entry in card.experiments
    )
    shared = card.model_dump(exclude={"experiments", "claims"})
    return PaperCard(
        **shared, experiments=experiments, claims=_absolute(card.claims, package) if card.claims else "", folder=folder
    )


def read_card(file: Path, package: str) -> PaperCard:
    """Read `plugin.toml`; raise CardError with one sentence if it cannot be used."""
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CardError(f"{file.name} cannot be read: {error}.") from None
    card = make_card(values, package, file.parent, file.name)
    if not card.experiments:
        raise CardError(f"{file.name}: a plugin has at least one [[experiments]] entry.")
    if card.id != file.parent.name:
        raise CardError(f"{file.name}: id {card.id!r} differs from the folder's name {file.parent.name!r}.")
    return card


def planned_cards() -> tuple[PaperCard, ...]:
    """Return the cards of all papers that the workbench sets out to show, built or not."""
    text = resources.files("workbench.catalog").joinpath("papers.toml").read_text(encoding="utf-8")
    papers = tomllib.loads(text)["papers"]
    return tuple(make_card(values, "", None, "papers.toml") for values in papers)
