"""From predictions on a test set to the numbers that views and tables show."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from plugins.rotation_continuity.networks import Ensemble
from plugins.rotation_continuity.representations import Representation
from workbench.sdk import Metrics, Progress
from workbench.toolkit.rotations import geodesic_distance, orthogonality_error, trace_angle

OUTLIER_DEGREES = 90.0
WORST = 12
"""Cases that a worst-case browser lists for each representation."""
CHUNK = 16_384
"""Networks times samples of one forward pass: well under 200 ms for the paper's sanity network on one core."""


def angle_errors(
    representation: Representation, predicted: Float[Tensor, "*b 3 3"], truth: Float[Tensor, "*b 3 3"]
) -> Float[Tensor, "*b"]:
    """Geodesic error in degrees; by the clamped trace where the prediction may not be a rotation."""
    if representation.is_rotation:
        return torch.rad2deg(geodesic_distance(predicted, truth))
    return torch.rad2deg(trace_angle(predicted.double(), truth.double())).to(truth.dtype)


def errors_of_all(
    ensemble: Ensemble, predicted: Float[Tensor, "r s b 3 3"], truth: Float[Tensor, "b 3 3"]
) -> Float[Tensor, "r s b"]:
    """Errors of every member in degrees, on the CPU: some need double precision, which not every device has."""
    predicted, truth = predicted.cpu(), truth.cpu()
    return torch.stack(
        [angle_errors(own, predicted[index], truth) for index, own in enumerate(ensemble.representations)]
    )


@dataclass(frozen=True)
class Evaluation:
    """One look at the test set: at which step, and what every network answered.

    errors are degrees or cm; predicted holds the answers of the first seed, (r, n, ...); degenerate counts codes
    for which a decoder needed its fallback; `outlier` is the error above which a case counts as an outlier, NaN
    where none is defined.
    """

    step: int
    errors: Float[np.ndarray, "r s n"]
    predicted: np.ndarray
    degenerate: Int64[np.ndarray, " r"]
    outlier: float = OUTLIER_DEGREES

    @property
    def tested(self) -> int:
        """Size of the test set."""
        return self.errors.shape[-1]

    def table(self) -> Float[np.ndarray, "r 7"]:
        """Mean, median, p99, maximum, standard deviation, share of outliers and degenerate codes, seeds pooled."""
        pooled = self.errors.reshape(len(self.errors), -1)
        share = (pooled > self.outlier).mean(1) if math.isfinite(self.outlier) else np.full(len(pooled), np.nan)
        columns = [pooled.mean(1), *np.percentile(pooled, (50, 99), axis=1), pooled.max(1), pooled.std(1), share]
        return np.stack([*columns, self.degenerate], axis=1).astype(np.float64)

    def curve(self) -> tuple[Float[np.ndarray, "r 101"], Int64[np.ndarray, "r 101"]]:
        """Error at 0, 1, ... 100 percent, and the test case that stands there."""
        pooled = self.errors.reshape(len(self.errors), -1)
        order = np.argsort(pooled, axis=1, kind="stable")
        places = np.rint(np.linspace(0, pooled.shape[1] - 1, 101)).astype(np.int64)
        picked = order[:, places]
        return np.take_along_axis(pooled, picked, axis=1), picked % self.tested

    def worst(self) -> tuple[Int64[np.ndarray, "r w"], Float[np.ndarray, "r w"]]:
        """Test cases with the largest errors of the first seed, worst first."""
        first = self.errors[:, 0]
        order = np.argsort(-first, axis=1, kind="stable")[:, :WORST]
        return order, np.take_along_axis(first, order, axis=1)

    def metrics(self, names: Sequence[str], kind: str = "error") -> Metrics:
        """Mean, p99 and maximum as scalars: `error/6d`, `p99/6d`, `max/6d`."""
        table = self.table()
        scalars: dict[str, float] = {}
        for row, name in zip(table, names, strict=True):
            scalars |= {f"{kind}/{name}": row[0], f"p99/{name}": row[2], f"max/{name}": row[3]}
        return scalars

    def frame_fields(self, names: Sequence[str], step: int) -> dict[str, Any]:
        """Fields of an ErrorsFrame."""
        return {"step": step, "names": tuple(names), **self._summary}

    @cached_property
    def _summary(self) -> dict[str, Any]:
        percentiles, percentile_cases = self.curve()
        worst_cases, worst_errors = self.worst()
        return {
            "evaluated": self.step,
            "tested": self.tested,
            "percentiles": percentiles,
            "percentile_cases": percentile_cases,
            "table": self.table(),
            "seed_means": self.errors.mean(-1),
            "worst_cases": worst_cases,
            "worst_errors": worst_errors,
        }


@dataclass(frozen=True)
class RotationEvaluation(Evaluation):
    """A look at a test set of rotations.

    orthogonality and determinant (lowest, highest) judge what each decoder puts out in training.
    """

    orthogonality: Float[np.ndarray, " r"] = field(default_factory=lambda: np.empty(0))
    determinant: Float[np.ndarray, "r 2"] = field(default_factory=lambda: np.empty((0, 2)))


@torch.no_grad()
def evaluate_rotations(
    ensemble: Ensemble,
    truth: Float[Tensor, "n 3 3"],
    raw_codes: Callable[[slice], Float[Tensor, "r s b o"]],
    step: int,
    chunk: int,
) -> Iterator[Progress | RotationEvaluation]:
    """Evaluate every network on rotations, in pieces, saying Progress after each; the Evaluation comes last.

    raw_codes answers the networks' raw outputs for a slice of the test set; a piece is `chunk` networks times cases.
    """
    size = max(1, chunk // ensemble.members)
    errors, firsts, degenerate = [], [], torch.zeros(len(ensemble.names), dtype=torch.int64)
    orthogonality = torch.zeros(len(ensemble.names))
    low, high = torch.full_like(orthogonality, torch.inf), torch.full_like(orthogonality, -torch.inf)
    for start in range(0, len(truth), size):
        raw = raw_codes(slice(start, start + size))
        predicted = ensemble.decode(raw, evaluated=True).squeeze(3)
        errors.append(errors_of_all(ensemble, predicted, truth[start : start + size]))
        firsts.append(predicted[:, 0].cpu())
        for index, own in enumerate(ensemble.representations):
            code = raw[index, ..., : own.dimension]
            degenerate[index] += own.degenerate(code).sum().cpu()
            decoded = predicted[index] if own.is_rotation else own.decode(code)
            determinant = torch.linalg.det(decoded.cpu())
            orthogonality[index] = torch.maximum(orthogonality[index], orthogonality_error(decoded).max().cpu())
            low[index], high[index] = (
                torch.minimum(low[index], determinant.min()),
                torch.maximum(high[index], determinant.max()),
            )
        if start + size < len(truth):
            yield Progress("Testing", (start + size) / len(truth))
    yield RotationEvaluation(
        step,
        torch.cat(errors, -1).numpy(),
        torch.cat(firsts, 1).numpy(),
        degenerate.numpy(),
        orthogonality=orthogonality.numpy(),
        determinant=torch.stack([low, high], -1).numpy(),
    )
