"""What the training experiments share: schedules, losses as metrics, rotation samplers, and the test's turn."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from plugins.rotation_continuity.evaluation import Evaluation
from plugins.rotation_continuity.representations import Representation
from workbench.sdk import Progress, UserError
from workbench.toolkit.rotations import (
    haar_rotations,
    haar_rotations_within,
    orthogonality_error,
    trace_angle,
    uniform_angle_rotations,
)

Looked = TypeVar("Looked", bound=Evaluation)

ACOS_MARGIN = 1e-7
"""Keeps the gradient of the geodesic loss finite at 0 and 180 degrees (in single precision the clamp is one ulp)."""


class Schedule(Protocol):
    """Parameters of a step size that drops once."""

    steps: int
    learning_rate: float
    drop_fraction: float
    drop_factor: float


def set_learning_rate(optimizer: torch.optim.Optimizer, schedule: Schedule, step: int) -> None:
    """Give the optimiser the step size of `step`: constant, and dropped from a share of the steps on."""
    has_dropped = step >= schedule.drop_fraction * schedule.steps
    rate = schedule.learning_rate * (schedule.drop_factor if has_dropped else 1.0)
    for group in optimizer.param_groups:
        group["lr"] = rate


def sample_rotations(kind: str, cap: float, count: int, generator: torch.Generator) -> Float[Tensor, "n 3 3"]:
    """Draw rotations with the sampler of that name; `cap` is in degrees and used by the capped one."""
    if kind == "haar" or (kind == "capped" and cap >= 180):
        return haar_rotations(count, generator=generator)
    if kind == "capped":
        return haar_rotations_within(count, math.radians(cap), generator=generator)
    return uniform_angle_rotations(count, generator=generator)


def matrix_losses(
    kind: str, predicted: Float[Tensor, "r s b 3 3"], truth: Float[Tensor, "s b 3 3"]
) -> Float[Tensor, "r s"]:
    """Loss of every member: mean squared entry of R_hat - R, or mean angle in radians (section 3.5)."""
    if kind == "l2":
        return (predicted - truth).square().mean((-3, -2, -1))
    return trace_angle(predicted, truth, margin=ACOS_MARGIN).mean(-1)


def loss_metrics(names: Sequence[str], losses: Float[Tensor, "r s"]) -> dict[str, Any]:
    """`loss/6d` as the mean over seeds, and `loss/6d/1`, `loss/6d/2`, ... for each seed where there are several."""
    metrics: dict[str, Any] = dict(
        zip((f"loss/{name}" for name in names), losses.detach().mean(1).unbind(), strict=True)
    )
    if losses.shape[1] > 1:
        for name, row in zip(names, losses.detach(), strict=True):
            metrics |= {f"loss/{name}/{seed + 1}": value for seed, value in enumerate(row.unbind())}
    return metrics


def is_current(evaluation: Evaluation | None, step: int, every: int) -> bool:
    """Whether a look at the test set may still be shown; a restored run finds its own one stale.

    A frame may be asked for while the look that is due is being taken, so up to two intervals are fine.
    """
    return evaluation is not None and evaluation.step <= step < evaluation.step + 2 * every


def finish(evaluating: Iterator[Progress | Looked]) -> Looked:
    """Run an evaluation to its end at once."""
    for said in evaluating:
        if not isinstance(said, Progress):
            return said
    raise RuntimeError("the evaluation ended without a result")


def as_rotation(matrix: Any) -> Float[Tensor, "3 3"]:
    """Check a matrix that a person gave; raise UserError if it is not a rotation within 1e-3."""
    values = np.asarray(matrix, dtype=np.float32)
    if values.shape != (3, 3) or not np.isfinite(values).all():
        raise UserError("A rotation is a 3×3 matrix of finite numbers.")
    rotation = torch.from_numpy(values.copy())
    if orthogonality_error(rotation) > 1e-3 or torch.linalg.det(rotation) < 0:
        raise UserError("That matrix is not a rotation: its columns must be orthonormal and its determinant 1.")
    return rotation


def codes_as_arrays(
    representations: Sequence[Representation], matrices: Float[Tensor, "n 3 3"]
) -> list[Float[np.ndarray, "n d"]]:
    """Encode matrices with every encoder."""
    return [own.encode(matrices).cpu().numpy() for own in representations]
