"""From many hyperbolic dimensions to the disk: onto a totally geodesic plane through the Fréchet mean.

Two methods choose the plane and the way there: tangent principal components, and HoroPCA (Chami, Gu, Nguyen and Ré
2021, arXiv 2106.03306), whose projection keeps the Busemann functions of two ideal points.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from workbench.sdk import Progress
from workbench.toolkit import hyperbolic
from workbench.toolkit.hyperbolic_mean import frechet_mean

Method = Literal["tangent", "horopca"]
FIT_POINTS = 256
FIT_PARTNERS = (1, 2, 3, 5, 8, 13, 21, 34)
"""How far apart in the list the pairs are whose distances are maximised."""
FIT_STEPS = 60
FIT_RATE = 0.05
FIT_EPSILON = 1e-3
"""Adam's, large enough that a direction without a slope stays without a step."""
STARTS = 4
START_ANGLE = 0.9
"""Radians between the two ideal points at the start: their geodesic is then 1.5 from the mean."""
SMALLEST_PRODUCT = 1e-6
"""Two ideal points are never taken to be nearer than this in 1 - cos of their angle."""


@dataclass(frozen=True)
class GeodesicPlane:
    """A totally geodesic disk through the mean; `basis` holds two orthonormal directions there.

    `explained` is the share of the variance that is seen on it.
    """

    mean: Float[Tensor, " n"]
    basis: Float[Tensor, "n 2"]
    c: float
    explained: float

    def to_disk(self, points: Float[Tensor, "m n"]) -> Float[Tensor, "m 2"]:
        """Project points of the ball to the unit disk."""
        raise NotImplementedError

    def from_disk(self, disk: Float[Tensor, "m 2"]) -> Float[Tensor, "m n"]:
        """The points of the ball that lie on this plane at places of the unit disk."""
        return hyperbolic.mobius_add(self.mean.expand(len(disk), -1), disk @ self.basis.T / self.c**0.5, self.c)


class TangentPlane(GeodesicPlane):
    """Projection in the tangent space at the mean: distances to the mean are kept for points of the plane."""

    def to_disk(self, points: Float[Tensor, "m n"]) -> Float[Tensor, "m 2"]:
        """Coordinates of the logarithm at the mean along the two directions."""
        return hyperbolic.exp0(hyperbolic.log0(centred(points, self.mean, self.c), 1.0) @ self.basis, 1.0)


@dataclass(frozen=True)
class HorosphericalPlane(GeodesicPlane):
    """Projection along the horospheres of two ideal points (2, n), unit vectors as seen from the mean."""

    ideals: Float[Tensor, "2 n"]

    def to_disk(self, points: Float[Tensor, "m n"]) -> Float[Tensor, "m 2"]:
        """The point of the plane with the same Busemann functions, on the mean's side of their geodesic."""
        return horospherical_projection(centred(points, self.mean, self.c), self.ideals, self.basis)


def centred(points: Float[Tensor, "m n"], mean: Float[Tensor, " n"], c: float) -> Float[Tensor, "m n"]:
    """Return the points as seen from the mean, in the unit ball of curvature -1."""
    return hyperbolic.mobius_add(-mean.expand_as(points), points, c) * c**0.5


def busemann(points: Float[Tensor, "*b n"], ideal: Float[Tensor, " n"]) -> Float[Tensor, "*b"]:
    """Busemann function of an ideal point of the unit ball: log(|p - x|² / (1 - |x|²)), zero at the origin."""
    return torch.log((ideal - points).square().sum(-1) / hyperbolic.gap(points, 1.0).squeeze(-1))


def horospherical_projection(
    x: Float[Tensor, "m n"], ideals: Float[Tensor, "*s 2 n"], basis: Float[Tensor, "*s n 2"]
) -> Float[Tensor, "*s m 2"]:
    """Project onto the geodesic hull of the origin and two ideal points, in coordinates along `basis`.

    In the hyperboloid model x is X, an ideal point the light-like P = (1, p), and its Busemann function log(-<X, P>).
    All points with the same two Busemann functions are those that turn into each other about the geodesic between the
    ideal points; the one in the hull, on the origin's side, is the sum of X's part in the span of the P and of a
    vector of the length of the rest, in the direction in which the origin lies from that geodesic (HoroPCA, section 4).
    """
    gap = hyperbolic.gap(x, 1.0)
    time, space = (2 - gap) / gap, 2 * x / gap
    product = (1 - (ideals[..., 0, :] * ideals[..., 1, :]).sum(-1)).clamp_min(SMALLEST_PRODUCT)[..., None, None]
    heights = time - space @ ideals.mT  # -<X, P> for both ideal points
    shares = heights.flip(-1) / product
    rest = (2 * shares.prod(-1, keepdim=True) * product - 1).clamp_min(1e-30).sqrt()
    # The origin (1, 0) less its own part in the span, of length √((2 - product) / product).
    away = ((2 - product) / product).clamp_min(1e-30).sqrt()
    flat_ideals = ideals @ basis
    new_time = shares.sum(-1, keepdim=True) + rest * (1 - 2 / product) / away
    new_space = shares @ flat_ideals - rest * flat_ideals.sum(-2, keepdim=True) / product / away
    return new_space / (1 + new_time)


def tangent_plane(points: Float[Tensor, "m n"], c: float) -> TangentPlane:
    """Fit the plane of the two largest principal components (tangent PCA) to points of the ball."""
    double = points.double()
    mean = frechet_mean(double, c)
    tangent = hyperbolic.log0(centred(double, mean, c), 1.0)
    _, singular, right = torch.linalg.svd(tangent - tangent.mean(0), full_matrices=False)
    variance = singular.square()
    basis = right[:2].T
    if basis.shape[1] < 2:  # fewer than two points or dimensions
        basis = torch.nn.functional.pad(basis, (0, 2 - basis.shape[1]))
    # A sign that does not flip from one look to the next: the largest entry of each direction is positive.
    signs = basis.gather(0, basis.abs().argmax(0, keepdim=True)).sign()
    explained = float(variance[:2].sum() / variance.sum().clamp_min(1e-30))
    return TangentPlane(mean, basis * torch.where(signs == 0, 1.0, signs), c, explained)


def horospherical_plane(points: Float[Tensor, "m n"], c: float) -> Iterator[Progress | GeodesicPlane]:
    """Fit HoroPCA: say Progress now and then, and give the plane last.

    Maximises the mean squared distance between projected points over both ideal points, from several starts in the
    plane of tangent PCA; `explained` is its share of that of the points themselves. Points of one dimension, or of none
    but the mean, have no such plane: theirs is the tangent one.
    """
    flat = tangent_plane(points, c)
    x = centred(points.double(), flat.mean, c)
    if x.shape[1] < 2 or float(flat.basis.norm(dim=0).min()) < 0.5:
        yield flat
        return
    fitted = x[torch.linspace(0, len(x) - 1, min(FIT_POINTS, len(x))).long()]
    turns = torch.arange(STARTS, dtype=x.dtype, device=x.device) * (2 * torch.pi / STARTS)
    angles = torch.stack([turns - START_ANGLE / 2, turns + START_ANGLE / 2], -1)
    start = torch.cos(angles)[..., None] * flat.basis[:, 0] + torch.sin(angles)[..., None] * flat.basis[:, 1]
    with torch.enable_grad():
        free = start.clone().requires_grad_()
        optimizer = torch.optim.Adam([free], FIT_RATE, eps=FIT_EPSILON)
        slower = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / FIT_STEPS)
        for step in range(FIT_STEPS):
            seen = horospherical_projection(fitted, *_frame_of(free))
            pairs = torch.stack([hyperbolic.distance(seen, seen.roll(by, -2), 1.0).square() for by in FIT_PARTNERS])
            optimizer.zero_grad(set_to_none=True)
            (-pairs.mean((0, -1)).sum()).backward()
            optimizer.step()
            slower.step()
            if step % 8 == 0:
                yield Progress("Fitting HoroPCA", step / FIT_STEPS)
    with torch.no_grad():
        ideals, basis = _frame_of(free)
        spread = _spread(horospherical_projection(fitted, ideals, basis))
        best = int(spread.argmax())
        explained = float(spread[best] / _spread(fitted).clamp_min(1e-30))
        yield HorosphericalPlane(flat.mean, _turned_like(basis[best], flat.basis), c, explained, ideals[best])


def _frame_of(free: Float[Tensor, "*s 2 n"]) -> tuple[Float[Tensor, "*s 2 n"], Float[Tensor, "*s n 2"]]:
    """Unit vectors, and an orthonormal basis of their span."""
    ideals = free / free.norm(dim=-1, keepdim=True).clamp_min(1e-12)
    middle = ideals.sum(-2)
    across = ideals[..., 1, :] - ideals[..., 0, :]  # at right angles to the sum of two unit vectors
    basis = torch.stack([middle, across], -1)
    return ideals, basis / basis.norm(dim=-2, keepdim=True).clamp_min(1e-12)


def _turned_like(basis: Float[Tensor, "n 2"], model: Float[Tensor, "n 2"]) -> Float[Tensor, "n 2"]:
    """The basis of the same plane that is nearest to another one, so that pictures do not turn between looks."""
    left, _, right = torch.linalg.svd(basis.T @ model)
    return basis @ (left @ right)


def _spread(x: Float[Tensor, "*s m n"]) -> Float[Tensor, "*s"]:
    """Mean squared distance between all pairs of points of the unit ball."""
    return hyperbolic.distance(x[..., :, None, :], x[..., None, :, :], 1.0).square().mean((-2, -1))
