"""A claim: a statement of the paper as a check that can be run, with what the paper reports beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

if TYPE_CHECKING:
    import torch

    from workbench.sdk.experiment import Experiment

Scale = Literal["laptop", "paper"]
E = TypeVar("E", bound="Experiment[Any, Any]")


@dataclass(frozen=True)
class Table:
    """Rows of numbers and words under named columns; units belong in the column names."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"a row of {len(row)} cells under {len(self.columns)} columns: {row}")


@dataclass(frozen=True)
class Finding:
    """What a claim's check found: a verdict, one sentence with the numbers, and the table behind it.

    `why` explains a verdict that surprises, such as a claim that does not hold at this scale. `curves` are drawn as
    the claim's figure, over `axes` (what lies along x and along y, with units); without curves the table's numbers are.
    """

    holds: bool
    measured: str
    table: Table | None = None
    why: str = ""
    curves: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    axes: tuple[str, str] = ("", "")


class ClaimBench(Protocol):
    """What a claim's function is given: it runs experiments, says how far it is, and can be stopped."""

    scale: Scale
    seeds: tuple[int, ...]

    @property
    def device(self) -> torch.device:
        """The device the experiments run on."""

    def run(self, experiment_type: type[E], seed: int = 0, **parameters: Any) -> E:
        """Run an experiment to its end and return it for evaluation."""

    def say(self, text: str, fraction: float | None = None) -> None:
        """Report progress; also the point at which a stop takes effect."""


@dataclass(frozen=True)
class ClaimCard:
    """A claim as lists and reports show it. `cost` maps each scale on offer to its expected time in words."""

    id: str
    statement: str
    source: str
    paper: str
    experiment: str = ""
    cost: Mapping[str, str] = field(default_factory=dict)
    seeds: tuple[int, ...] = ()

    @property
    def scales(self) -> tuple[str, ...]:
        """The scales at which the check can be run."""
        return tuple(self.cost)


@dataclass(frozen=True)
class ClaimInfo(ClaimCard):
    """A claim with its check, which only a process that may import torch can hold."""

    check: Callable[[ClaimBench], Finding] = field(compare=False, kw_only=True)

    @property
    def card(self) -> ClaimCard:
        """The claim without its check, for the UI process."""
        return ClaimCard(*(getattr(self, part.name) for part in fields(ClaimCard)))


def claim(
    id: str,
    *,
    statement: str,
    source: str,
    paper: str,
    experiment: str,
    laptop: str,
    paper_scale: str | None = None,
    seeds: tuple[int, ...] = (0, 1, 2),
) -> Callable[[Callable[[ClaimBench], Finding]], Callable[[ClaimBench], Finding]]:
    """Declare a claim over a function `check(bench) -> Finding`.

    `statement` is ours, `source` names table, figure or theorem, `paper` is the number the paper reports (say so
    if it could not be verified), `laptop` and `paper_scale` are the expected cost at each scale, in words.
    """
    cost = {"laptop": laptop} | ({"paper": paper_scale} if paper_scale else {})

    def mark(check: Callable[[ClaimBench], Finding]) -> Callable[[ClaimBench], Finding]:
        info = ClaimInfo(id, statement, source, paper, experiment, cost, seeds, check=check)
        check.__workbench_claim__ = info  # type: ignore[attr-defined]
        return check

    return mark


def claims_of(module: ModuleType) -> dict[str, ClaimInfo]:
    """Return the claims that a module declares, by id, in the order of declaration."""
    found = {}
    for value in vars(module).values():
        info = getattr(value, "__workbench_claim__", None)
        if isinstance(info, ClaimInfo):
            if info.id in found:
                raise ValueError(f"two claims are called {info.id!r}")
            found[info.id] = info
    return found
