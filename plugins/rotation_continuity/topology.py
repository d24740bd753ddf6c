"""Why a network must tear: loops of rotations, lifts to the unit quaternions, and the search for the tear.

A network followed by a decoder whose codes form a simply connected set is a continuous map into SO(3) that lifts to
the unit quaternions. Along the loop t -> exp(t w) R_0, t in [0, 2 pi], the lift of the true rotation ends at minus
its start, and the lift of the network's closes. Their inner product s(t) therefore changes sign, and where it is zero
the network is wrong by exactly 180 degrees (Xiang and Li 2020 argue so). The sign change is bracketed on samples
and bisected in double precision.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from plugins.rotation_continuity.evaluation import errors_of_all
from plugins.rotation_continuity.frames import LoopAnswer, SurfaceAnswer
from plugins.rotation_continuity.networks import Ensemble
from workbench.sdk import Progress
from workbench.toolkit.rotations import (
    geodesic_distance,
    matrix_to_quaternion,
    matrix_to_rotation_vector,
    quaternion_product,
    quaternion_to_matrix,
    rotation_vector_to_quaternion,
)

BISECTIONS = 48  # of an interval of 2 pi / 256 in double precision: down to rounding
SURFACE_SAMPLES = 256
SURFACE_LOOPS = 8  # at once: a tenth of a second for the paper's network


class Loops:
    """Loops t -> exp(t w_i) R_0 with one axis each, and their continuous lifts to the unit quaternions."""

    def __init__(self, axes: Float[Tensor, "l 3"], base: Float[Tensor, "3 3"]) -> None:
        self.axes = axes / torch.linalg.vector_norm(axes, dim=-1, keepdim=True)
        self.base = matrix_to_quaternion(base)

    def lift(self, t: Float[Tensor, "l k"]) -> Float[Tensor, "l k 4"]:
        """(cos t/2, w sin t/2) q_0: continuous, and minus its start after a full turn."""
        turn = rotation_vector_to_quaternion(t[..., None] * self.axes[:, None, :])
        return quaternion_product(turn, self.base.expand_as(turn))


def sphere_axes(count: int) -> Float[Tensor, "n 3"]:
    """Axes spread evenly over a half sphere (a Fibonacci spiral); -w gives the same loop as w, backwards."""
    index = torch.arange(count, dtype=torch.float64) + 0.5
    z = index / count
    around = math.pi * (3 - math.sqrt(5)) * index
    radius = (1 - z * z).sqrt()
    return torch.stack([radius * torch.cos(around), radius * torch.sin(around), z], -1)


@dataclass(frozen=True)
class Tears:
    """Refined tears of one representation: on which loop, where, the true rotation, and the error in degrees."""

    loops: Int64[np.ndarray, " n"]
    t: Float[np.ndarray, " n"]
    rotations: Float[np.ndarray, "n 3 3"]
    errors: Float[np.ndarray, " n"]

    @classmethod
    def none(cls) -> Tears:
        """No tears."""
        return cls(np.empty(0, np.int64), np.empty(0), np.empty((0, 3, 3)), np.empty(0))


class Dissection:
    """Errors of every representation's first seed along loops, and where they tear."""

    def __init__(self, ensemble: Ensemble) -> None:
        self._network = ensemble
        self._exact = copy.deepcopy(ensemble).double().cpu()
        self._device = next(ensemble.parameters()).device

    @torch.no_grad()
    def scan(self, loops: Loops, t: Float[Tensor, " k"]) -> tuple[Float[Tensor, "r l k"], Float[Tensor, "r l k"]]:
        """Errors in degrees, and s = <lift of truth, lift of network> (NaN without a lift), in single precision."""
        lifted = loops.lift(t.expand(len(loops.axes), -1))
        truth = quaternion_to_matrix(lifted).flatten(0, 1).float().to(self._device)
        seeds = len(self._network.seeds)
        raw = self._network.raw(truth.flatten(-2).expand(seeds, -1, -1))[:, :1]
        predicted = self._network.decode(raw, evaluated=True).squeeze(3)
        errors = errors_of_all(self._network, predicted, truth)[:, 0].cpu()
        products = torch.full(errors.shape, torch.nan)
        flat = lifted.flatten(0, 1).float()
        for index, own in enumerate(self._network.representations):
            if own.lift is not None:
                lift = own.lift(raw[index, 0, :, : own.dimension]).cpu()
                products[index] = (flat * lift).sum(-1)
        shape = (len(errors), len(loops.axes), len(t))
        return errors.reshape(shape), products.reshape(shape)

    @torch.no_grad()
    def refine(self, loops: Loops, t: Float[Tensor, " k"], products: Float[Tensor, "r l k"]) -> list[Tears]:
        """Bisect every sign change of s, for all representations at once."""
        places = [torch.nonzero(_sign_changes(own)) for own in products]
        width = max(len(place) for place in places)
        if width == 0:
            return [Tears.none() for _ in places]
        padded = torch.stack([torch.nn.functional.pad(place, (0, 0, 0, width - len(place))) for place in places])
        which, low = padded[..., 0], t[padded[..., 1]].double()
        high = t[padded[..., 1] + 1].double()
        sign = self._at(loops, which, low)[0].sign()
        for _ in range(BISECTIONS):
            middle = 0.5 * (low + high)
            is_same = self._at(loops, which, middle)[0].sign() == sign
            low, high = torch.where(is_same, middle, low), torch.where(is_same, high, middle)
        _, errors, truth = self._at(loops, which, low)
        return [
            Tears(*(part[index, : len(place)].numpy() for part in (which, low, truth, errors)))
            for index, place in enumerate(places)
        ]

    def _at(self, loops: Loops, which: Int64[Tensor, "r n"], t: Float[Tensor, "r n"]) -> tuple[Tensor, ...]:
        """Return s, error in degrees and true rotation at t on the named loops, in double precision.

        s is 1 for representations without a lift: it has no sign to change.
        """
        turn = rotation_vector_to_quaternion(t[..., None] * loops.axes[which])
        lifted = quaternion_product(turn, loops.base.expand_as(turn))
        truth = quaternion_to_matrix(lifted)
        # Each representation has its own places, and its seeds (of which the first is kept) get the same.
        codes = self._exact.body(truth.flatten(-2).repeat_interleave(len(self._exact.seeds), 0))
        products, errors = torch.ones_like(t), torch.zeros_like(t)
        for index, own in enumerate(self._exact.representations):
            if own.lift is not None:
                code = codes[index * len(self._exact.seeds), :, : own.dimension]
                lift = own.lift(code)
                products[index] = (lifted[index] * lift).sum(-1)
                errors[index] = torch.rad2deg(geodesic_distance(quaternion_to_matrix(lift), truth[index]))
        return products, errors, truth


def _sign_changes(products: Float[Tensor, "l k"]) -> Bool[Tensor, "l k-1"]:
    positive = products >= 0
    return positive[:, 1:] != positive[:, :-1]


def loop_answer(ensemble: Ensemble, axis: Float[Tensor, "3"], base: Float[Tensor, "3 3"], samples: int) -> LoopAnswer:
    """Dissect one loop: errors on evenly spaced samples, and every tear refined."""
    loops = Loops(axis.double()[None], base.double())
    t = torch.linspace(0, 2 * math.pi, samples, dtype=torch.float64)
    dissection = Dissection(ensemble)
    errors, products = dissection.scan(loops, t)
    tears = dissection.refine(loops, t, products)
    rotations = quaternion_to_matrix(loops.lift(t[None])[0])
    return LoopAnswer(
        names=ensemble.names,
        axis=loops.axes[0].numpy(),
        base=base.double().numpy(),
        t=t.numpy(),
        ball=matrix_to_rotation_vector(rotations).float().numpy(),
        error=errors[:, 0].numpy(),
        lifts=products[:, 0].numpy(),
        tears=tuple(found.t for found in tears),
        tear_errors=tuple(found.errors for found in tears),
        tear_rotations=tuple(found.rotations for found in tears),
    )


def tear_surface(
    ensemble: Ensemble, axes: Float[Tensor, "a 3"], base: Float[Tensor, "3 3"]
) -> Iterator[Progress | SurfaceAnswer]:
    """Dissect a loop about each axis, with partial answers after every few; the whole surface comes last.

    Each partial answer holds everything found so far.
    """
    t = torch.linspace(0, 2 * math.pi, SURFACE_SAMPLES + 1, dtype=torch.float64)
    dissection = Dissection(ensemble)
    count = len(ensemble.names)
    points: list[list[np.ndarray]] = [[np.empty((0, 3))] for _ in range(count)]
    errors: list[list[np.ndarray]] = [[np.empty(0)] for _ in range(count)]
    worst, torn = np.zeros(count), np.zeros(count, np.int64)
    for start in range(0, len(axes), SURFACE_LOOPS):
        loops = Loops(axes[start : start + SURFACE_LOOPS].double(), base.double())
        scanned, products = dissection.scan(loops, t)
        worst = np.maximum(worst, scanned.amax((1, 2)).numpy())
        for index, found in enumerate(dissection.refine(loops, t, products)):
            points[index].append(matrix_to_rotation_vector(torch.from_numpy(found.rotations)).numpy())
            errors[index].append(found.errors)
            torn[index] += len(np.unique(found.loops))
            worst[index] = max(worst[index], found.errors.max(initial=0.0))
        yield SurfaceAnswer(
            names=ensemble.names,
            loops=min(start + SURFACE_LOOPS, len(axes)),
            total=len(axes),
            points=tuple(np.concatenate(parts) for parts in points),
            errors=tuple(np.concatenate(parts) for parts in errors),
            worst=worst.copy(),
            torn_loops=torn.copy(),
        )
