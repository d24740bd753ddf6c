"""Many networks on many data sets at once: groups of equal architecture, each trained as one batched network."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from plugins.deeponet.contract import NetworkParameters, numbers
from plugins.deeponet.data import Triples, trimmed_mse
from workbench.sdk import Context, Experiment, Frame, Metrics, Progress, UserError
from workbench.toolkit.field_models import parameter_count

CHUNK = 4000
P = TypeVar("P", bound=NetworkParameters)
F = TypeVar("F", bound=Frame)


@dataclass(frozen=True)
class Stack:
    """Triples of several data sets side by side: sensors (d, f, m), index (d, n), y (d, n, k), s (d, n)."""

    sensors: Float[Tensor, "d f m"]
    index: Int64[Tensor, "d n"]
    y: Float[Tensor, "d n k"]
    s: Float[Tensor, "d n"]
    count: tuple[int, ...]
    """Triples of each set; a shorter one is filled up by repeating its own."""

    @classmethod
    def of(cls, sets: Sequence[Triples], device: torch.device, inputs: int | None = None) -> Stack:
        """Stack sets; sensors are filled up with zeros to `inputs`."""
        width = max(own.sensors.shape[1] for own in sets) if inputs is None else inputs
        functions, longest = max(len(own.sensors) for own in sets), max(map(len, sets))
        sensors = torch.zeros(len(sets), functions, width)
        index, y, s = [], [], []
        for row, own in enumerate(sets):
            sensors[row, : len(own.sensors), : own.sensors.shape[1]] = own.sensors
            repeated = torch.arange(longest) % len(own)
            index.append(own.index[repeated])
            y.append(own.y[repeated])
            s.append(own.s[repeated])
        parts = (sensors, torch.stack(index), torch.stack(y), torch.stack(s))
        return cls(*(part.to(device) for part in parts), tuple(map(len, sets)))

    def at(self, sets: Int64[Tensor, " s"], picked: Int64[Tensor, "s b"]) -> tuple[Tensor, Tensor, Tensor]:
        """Readings (s, b, m), locations (s, b, k), values (s, b) of some triples for members that own `sets`."""
        rows = sets[:, None]
        return self.sensors[rows, self.index[rows, picked]], self.y[rows, picked], self.s[rows, picked]


@dataclass
class Group:
    """Members of one architecture: which data set each learns from, and how many of its triples."""

    label: str
    network: nn.Module
    train: Stack
    test: Stack
    sets: Int64[Tensor, " s"]
    limits: Int64[Tensor, " s"]

    @property
    def members(self) -> int:
        """Networks in this group."""
        return len(self.sets)

    @property
    def parameters(self) -> int:
        """Numbers that one member trains."""
        return parameter_count(self.network) // self.members


class Sweep(Experiment[P, F], Generic[P, F]):
    """Base of the experiments that train several groups; subclasses make the groups in `prepare`."""

    def __init__(self, parameters: P, context: Context) -> None:
        super().__init__(parameters, context)
        self.data_seed = context.seed
        """Decides data and first weights; a resumed run makes the data of its own seed again."""
        self._made_for: int | None = None
        self.networks: list[nn.Module] = []
        self.optimizers: list[torch.optim.Optimizer] = []
        self._groups: list[Group] = []
        self._found: dict[str, dict[str, Float[np.ndarray, " s"]]] = {}
        self._times: dict[str, float] = {}
        self._history: list[tuple[int, dict[str, dict[str, np.ndarray]]]] = []

    def adopt(self, groups: Sequence[Group]) -> None:
        """Take over groups and make their optimisers."""
        self._groups, self._made_for = list(groups), self.data_seed
        if self.networks:  # a resumed run brings its own
            for group, network in zip(groups, self.networks, strict=True):
                group.network = network
            return
        self.networks = [group.network for group in groups]
        self.optimizers = [
            torch.optim.Adam(network.parameters(), lr=self.parameters.learning_rate) for network in self.networks
        ]

    def parameters_changed(self, names: frozenset[str]) -> None:
        """Take over a new step size at once."""
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = self.parameters.learning_rate

    def run(self) -> Iterator[Metrics | Progress]:
        """One batch for every member a step: the sum of their losses has each member's own gradient."""
        own: Any = self.parameters
        if self._made_for != self.data_seed:
            yield from self.prepare()
        while self.step < own.steps:
            metrics: dict[str, Any] = {}
            for group, optimizer in zip(self._groups, self.optimizers, strict=True):
                began = time.perf_counter()
                losses = self.losses(group)
                optimizer.zero_grad(set_to_none=True)
                losses.sum().backward()
                optimizer.step()
                metrics[f"loss/{group.label}"] = losses.detach().mean()
                spent = time.perf_counter() - began
                self._times[group.label] = min(self._times.get(group.label, spent), spent)
                if spent > 0.05:
                    yield Progress("")
            self.step += 1
            if self.step % own.evaluate_every == 0 or self.step >= own.steps:
                yield from self.evaluate()
                metrics |= self.test_metrics()
            yield metrics

    def warm(self) -> None:
        """Make one frame: the first one pays for what is loaded lazily, and would slow down those that follow."""
        with torch.no_grad():
            self.frame()

    def losses(self, group: Group) -> Float[Tensor, " s"]:
        """Mean squared error of a random batch for each member."""
        own: Any = self.parameters
        batch = min(own.batch or int(group.limits.max()), int(group.limits.max()))
        share = torch.rand(group.members, batch, generator=self.context.generator, device=self.context.device)
        picked = (share * group.limits[:, None]).long()
        u, y, s = group.train.at(group.sets, picked)
        return (group.network(u, y) - s).square().mean(1)

    def evaluate(self) -> Iterator[Progress]:
        """Errors on training and test triples of every member."""
        for index, group in enumerate(self._groups):
            found = {}
            for name, data in (("train", group.train), ("test", group.test)):
                squared = []
                for begun in range(0, data.s.shape[1], max(200, CHUNK // group.members * 4)):
                    squared.append(self.squared(group, data, begun, max(200, CHUNK // group.members * 4)))
                    yield Progress("Looking at the errors", index / len(self._groups))
                values = torch.cat(squared, 1)
                if name == "train":
                    places = torch.arange(values.shape[1], device=values.device)
                    kept = places[None] < group.limits[:, None]
                    mean = (values * kept).sum(1) / kept.sum(1)
                else:
                    mean = values.mean(1)
                    found["trimmed"] = trimmed_mse(values).cpu().numpy()
                found[name] = mean.cpu().numpy()
            self._found[group.label] = found
        self._history.append((self.step, dict(self._found)))

    @torch.no_grad()
    def squared(self, group: Group, data: Stack, begun: int, size: int) -> Float[Tensor, "s b"]:
        """Squared errors of some consecutive triples."""
        picked = torch.arange(begun, min(begun + size, data.s.shape[1]), device=self.context.device)
        u, y, s = data.at(group.sets, picked.expand(group.members, -1))
        return (group.network(u, y) - s).square()

    def test_metrics(self) -> dict[str, float]:
        """Means over the members of each group."""
        found: dict[str, float] = {}
        for label, own in self._found.items():
            found |= {f"{name}/{label}": float(values.mean()) for name, values in own.items()}
        return found

    @property
    def looks(self) -> list[tuple[int, dict[str, dict[str, Float[np.ndarray, " s"]]]]]:
        """Step and errors by group of every look at the test set since the experiment was made."""
        return self._history

    def errors(self, label: str) -> dict[str, Float[np.ndarray, " s"]]:
        """Errors of a group's members at the last look."""
        return self._found[label]


def listed(text: str, what: str, low: float, high: float, default: float | None = None) -> tuple[float, ...]:
    """Read a list of a form's field; raises UserError with one sentence."""
    try:
        found = numbers(text, what, low, high)
    except ValueError as error:
        raise UserError(f"{error}.") from None
    if not found:
        if default is None:
            raise UserError(f"{what}: at least one number is needed.")
        return (default,)
    return tuple(sorted(set(found)))


def elbow(x: Float[np.ndarray, " k"], errors: Float[np.ndarray, " k"]) -> tuple[float, tuple[np.ndarray, np.ndarray]]:
    """Where two lines through log error against x, joined at a point, bend (least squares over the joint).

    Returns the place and the fitted line (x, error). With fewer than four points there is no elbow: NaN.
    """
    good = np.isfinite(errors) & (errors > 0)
    x, y = np.asarray(x, float)[good], np.log(np.asarray(errors, float)[good])
    if len(x) < 4:
        return float("nan"), (x, np.exp(y))
    best: tuple[float, float, np.ndarray] | None = None
    for joint in np.linspace(x[1], x[-2], 200):
        basis = np.stack([np.ones_like(x), np.minimum(x - joint, 0), np.maximum(x - joint, 0)], 1)
        solution, *_ = np.linalg.lstsq(basis, y, rcond=None)
        residual = float(((basis @ solution - y) ** 2).sum())
        if best is None or residual < best[0]:
            best = residual, float(joint), solution
    assert best is not None
    _, joint, solution = best
    line = np.linspace(x[0], x[-1], 100)
    fitted = solution[0] + solution[1] * np.minimum(line - joint, 0) + solution[2] * np.maximum(line - joint, 0)
    return joint, (line, np.exp(fitted))


SMALLEST_FALL = 1e-3
"""Of the logarithm of the error: less is not a fall."""


def scaling_fits(
    n: Float[np.ndarray, " k"], errors: Float[np.ndarray, " k"]
) -> dict[str, tuple[np.ndarray, np.ndarray, float, float]]:
    """Exponential a e^(-n / b) and power law a n^(-b) through the errors: x, y, b, and rms misfit in log error.

    Errors that do not fall over the whole range have neither.
    """
    good = np.isfinite(errors) & (errors > 0)
    n, y = np.asarray(n, float)[good], np.log(np.asarray(errors, float)[good])
    found = {}
    if len(n) < 3:
        return found
    line = np.geomspace(n[0], n[-1], 100)
    for name, of in (("exponential", lambda v: v), ("power law", np.log)):
        slope, offset = np.polyfit(of(n), y, 1)
        if slope * (of(n[-1]) - of(n[0])) > -SMALLEST_FALL:
            continue
        residual = float(np.sqrt(np.mean((offset + slope * of(n) - y) ** 2)))
        rate = -1 / slope if name == "exponential" else -slope
        found[name] = line, np.exp(offset + slope * of(line)), float(rate), residual
    return found
