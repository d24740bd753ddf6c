"""Running the claims of a plugin and writing down what was found."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

import torch

from workbench.compute.building import build
from workbench.compute.devices import resolve
from workbench.compute.runner import Tick, run_to_end
from workbench.runs.store import machine_text
from workbench.sdk import ClaimInfo, Experiment, Finding, Progress, UserError
from workbench.sdk.claims import Scale

E = TypeVar("E", bound=Experiment[Any, Any])
Say = Callable[[Progress], None]


class Bench:
    """What a claim's check is given (sdk.ClaimBench): runs experiments in this process, says how far they are.

    `say` may raise to stop the check.
    """

    def __init__(self, scale: Scale, seeds: tuple[int, ...], device: str, say: Say) -> None:
        self.scale, self.seeds = scale, seeds
        self._device, self._say = resolve(device).id, say
        self._label = ""

    @property
    def device(self) -> torch.device:
        """The device the experiments run on."""
        return torch.device(self._device)

    def run(self, experiment_type: type[E], seed: int = 0, **parameters: Any) -> E:
        """Run an experiment to its end and return it for evaluation."""
        experiment = build(experiment_type, parameters, seed=seed, device=self._device)
        self._label = f"{experiment_type.__name__}, seed {seed}"
        run_to_end(experiment, tick=self._tick)
        return experiment

    def say(self, text: str, fraction: float | None = None) -> None:
        """Report progress."""
        self._say(Progress(text, fraction))

    def _tick(self, tick: Tick) -> None:
        fraction = tick.step / tick.total_steps if tick.total_steps else None
        self._say(Progress(f"{self._label}: step {tick.step}", fraction))


@dataclass(frozen=True)
class ClaimResult:
    """A claim with what was found, as reports and `reproduction.json` hold it. `holds` None: could not be run."""

    plugin: str
    claim: ClaimInfo
    scale: str
    seeds: tuple[int, ...]
    finding: Finding | None
    why: str
    seconds: float
    device: str
    details: str = ""

    @property
    def holds(self) -> bool | None:
        """The verdict; None if the check could not be run."""
        return self.finding.holds if self.finding else None

    def as_json(self) -> dict[str, Any]:
        """Plain values in the stable form of reports."""
        finding = self.finding
        values: dict[str, Any] = {
            "statement": self.claim.statement,
            "source": self.claim.source,
            "scale": self.scale,
            "paper": self.claim.paper,
            "measured": finding.measured if finding else "",
            "holds": self.holds,
            "why": self.why,
            "seeds": list(self.seeds),
            "seconds": round(self.seconds, 1),
            "date": datetime.now(UTC).date().isoformat(),
            "machine": machine_text(),
            "device": self.device,
        }
        if finding and finding.table:
            rows = [[_plain(cell) for cell in row] for row in finding.table.rows]
            values["table"] = {"columns": list(finding.table.columns), "rows": rows}
        if finding and finding.curves:
            values["curves"] = {
                name: [[_plain(value) for value in axis] for axis in curve] for name, curve in finding.curves.items()
            }
            if any(finding.axes):
                values["axes"] = list(finding.axes)
        return values


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value


def run_claim(
    plugin: str,
    claim: ClaimInfo,
    *,
    scale: Scale = "laptop",
    seeds: tuple[int, ...] | None = None,
    device: str = "cpu",
    say: Say = lambda progress: None,
) -> ClaimResult:
    """Run a claim's check; a check that fails is a result without a verdict, not an exception."""
    seeds = claim.seeds if seeds is None else seeds
    result = ClaimResult(plugin, claim, scale, seeds, None, "", 0.0, device)
    if scale not in claim.cost:
        return replace(result, why=f"This claim is only set up at {', '.join(claim.cost)} scale.")
    began = time.perf_counter()
    try:
        finding = claim.check(Bench(scale, seeds, device, say))
    except UserError as error:
        return replace(result, why=str(error), seconds=time.perf_counter() - began)
    except Exception as error:
        why = f"The check failed: {type(error).__name__}: {error}"
        return replace(result, why=why, seconds=time.perf_counter() - began, details=traceback.format_exc())
    return replace(result, finding=finding, why=finding.why, seconds=time.perf_counter() - began)


def report_of(plugin: str, results: Mapping[str, Any]) -> dict[str, Any]:
    """The stable form of one plugin's report: `{"plugin", "claims": {id: ...}}`."""
    return {"plugin": plugin, "claims": dict(results)}
