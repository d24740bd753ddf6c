"""From many hyperbolic dimensions to the disk: principal components in the tangent space at the Fréchet mean."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from workbench.toolkit import hyperbolic
from workbench.toolkit.hyperbolic_mean import frechet_mean


@dataclass(frozen=True)
class TangentPlane:
    """A totally geodesic disk through the mean: coordinates on it keep distances to the mean exactly.

    `explained` is the share of the variance in the tangent space that the two directions hold.
    """

    mean: Float[Tensor, " n"]
    basis: Float[Tensor, "n 2"]
    c: float
    explained: float

    def to_disk(self, points: Float[Tensor, "m n"]) -> Float[Tensor, "m 2"]:
        """Project points of the ball to the unit disk."""
        tangent = hyperbolic.logmap(self.mean, points, self.c) * self._size
        return hyperbolic.exp0(tangent @ self.basis, 1.0)

    def from_disk(self, disk: Float[Tensor, "m 2"]) -> Float[Tensor, "m n"]:
        """The points of the ball that lie on this plane at places of the unit disk."""
        tangent = hyperbolic.log0(disk, 1.0) @ self.basis.T / self._size
        return hyperbolic.expmap(self.mean.expand(len(disk), -1), tangent, self.c)

    @property
    def _size(self) -> Tensor:
        """√c λ(mean) / 2: turns tangent vectors into those of a ball of curvature -1 seen from its centre."""
        factor = hyperbolic.conformal_factor(self.mean, self.c)
        return self.c**0.5 * factor / 2


def tangent_plane(points: Float[Tensor, "m n"], c: float) -> TangentPlane:
    """Fit the plane of the two largest principal components (tangent PCA) to points of the ball."""
    double = points.double()
    mean = frechet_mean(double, c)
    tangent = hyperbolic.logmap(mean, double, c)
    _, singular, right = torch.linalg.svd(tangent - tangent.mean(0), full_matrices=False)
    variance = singular.square()
    basis = right[:2].T
    if basis.shape[1] < 2:  # fewer than two points or dimensions
        basis = torch.nn.functional.pad(basis, (0, 2 - basis.shape[1]))
    # A sign that does not flip from one look to the next: the largest entry of each direction is positive.
    signs = basis.gather(0, basis.abs().argmax(0, keepdim=True)).sign()
    explained = float(variance[:2].sum() / variance.sum().clamp_min(1e-30))
    return TangentPlane(mean, basis * torch.where(signs == 0, 1.0, signs), c, explained)
