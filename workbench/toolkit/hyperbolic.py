"""The Poincaré ball of curvature -c: points x in R^n with c |x|² < 1, and the maps between them.

`c` is a positive number or a 0-d tensor, `s` its root; the vector axis is `dim`, everything else is batch. Distances
are those of the metric λ(x)² |dx|² with λ(0) = 2, so d(0, exp0(v)) = 2 |v|. Formulas after Ganea et al. 2018 and
van Spengler et al. 2023 (Poincaré ResNet), section 3; every function is smooth up to norms of 1 - 1e-7 in float32.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

Curvature = float | Tensor
SMALLEST = {torch.float32: 1e-15, torch.float64: 1e-30}
"""Norms are never taken to be smaller: a zero vector divided by it is zero, and its gradient is finite."""
MARGIN = {torch.float32: 4e-3, torch.float64: 1e-5}
"""How far inside the boundary `project` puts a point, as a share of the radius (the paper's code)."""
ATANH_MARGIN = {torch.float32: 6e-8, torch.float64: 1e-16}
DENOMINATOR = {torch.float32: 1e-15, torch.float64: 1e-30}


def root(c: Curvature, like: Tensor) -> Tensor:
    """Return √c as a tensor of the kind of `like`."""
    return torch.as_tensor(c, dtype=like.dtype, device=like.device).sqrt()


def norm(x: Tensor, dim: int = -1) -> Tensor:
    """Euclidean norm with its axis kept, never zero, with gradient zero at the zero vector."""
    smallest = SMALLEST[x.dtype]
    return x.square().sum(dim, keepdim=True).clamp_min(smallest**2).sqrt()


def atanh(x: Tensor) -> Tensor:
    """Inverse hyperbolic tangent that stays finite at 1, with no gradient beyond."""
    limit = 1 - ATANH_MARGIN[x.dtype]
    return torch.atanh(x.clamp(-limit, limit))


def gap(x: Tensor, c: Curvature, dim: int = -1) -> Tensor:
    """Return 1 - c |x|², never below what the type can tell from zero."""
    return (1 - c * x.square().sum(dim, keepdim=True)).clamp_min(torch.finfo(x.dtype).eps)


def conformal_factor(x: Float[Tensor, "*b n"], c: Curvature, dim: int = -1) -> Float[Tensor, "*b 1"]:
    """λ(x) = 2 / (1 - c |x|²)."""
    return 2 / gap(x, c, dim)


def mobius_add(x: Tensor, y: Tensor, c: Curvature, dim: int = -1) -> Tensor:
    """X ⊕ y; not commutative, with (-x) ⊕ (x ⊕ y) = y."""
    xy = (x * y).sum(dim, keepdim=True)
    xx, yy = x.square().sum(dim, keepdim=True), y.square().sum(dim, keepdim=True)
    above = (1 + 2 * c * xy + c * yy) * x + (1 - c * xx) * y
    return above / (1 + 2 * c * xy + c**2 * xx * yy).clamp_min(DENOMINATOR[x.dtype])


def mobius_scale(r: Tensor | float, x: Tensor, c: Curvature, dim: int = -1) -> Tensor:
    """R ⊗ x: the point r times as far from the origin, in the same direction."""
    s, size = root(c, x), norm(x, dim)
    return torch.tanh(r * atanh(s * size)) * x / (s * size)


def exp0(v: Tensor, c: Curvature, dim: int = -1) -> Tensor:
    """Exponential map at the origin: tanh(s |v|) v / (s |v|)."""
    scaled = root(c, v) * norm(v, dim)
    return torch.tanh(scaled) / scaled * v


def log0(y: Tensor, c: Curvature, dim: int = -1) -> Tensor:
    """Logarithm at the origin: atanh(s |y|) y / (s |y|)."""
    scaled = root(c, y) * norm(y, dim)
    return atanh(scaled) / scaled * y


def exp_term(x: Tensor, v: Tensor, c: Curvature, dim: int = -1) -> Tensor:
    """The second summand of the exponential map at x: tanh(s λ(x) |v| / 2) v / (s |v|)."""
    s, size = root(c, v), norm(v, dim)
    return torch.tanh(s * size / gap(x, c, dim)) * v / (s * size)


def expmap(x: Tensor, v: Tensor, c: Curvature, dim: int = -1) -> Tensor:
    """Exponential map at x: follow the geodesic that leaves x with velocity v for unit time."""
    return mobius_add(x, exp_term(x, v, c, dim), c, dim)


def log_term(x: Tensor, z: Tensor, c: Curvature, dim: int = -1) -> Tensor:
    """The logarithm at x of x ⊕ z: (2 / (s λ(x))) atanh(s |z|) z / |z|."""
    scaled = root(c, z) * norm(z, dim)
    return gap(x, c, dim) * atanh(scaled) / scaled * z


def logmap(x: Tensor, y: Tensor, c: Curvature, dim: int = -1) -> Tensor:
    """Logarithm at x: the velocity with which the geodesic to y leaves x."""
    return log_term(x, mobius_add(-x, y, c, dim), c, dim)


def distance(x: Tensor, y: Tensor, c: Curvature, dim: int = -1) -> Tensor:
    """Geodesic distance (2/s) asinh(s |x - y| / √((1 - c|x|²)(1 - c|y|²))), without the vector axis.

    The same as (2/s) atanh(s |(-x) ⊕ y|), but exact for near points and near the boundary.
    """
    s = root(c, x)
    between = norm(x - y, dim) * (gap(x, c, dim) * gap(y, c, dim)).rsqrt()
    return (2 / s * torch.asinh(s * between)).squeeze(dim)


def distance0(x: Tensor, c: Curvature, dim: int = -1) -> Tensor:
    """Distance to the origin, without the vector axis."""
    s = root(c, x)
    return (2 / s * atanh(s * norm(x, dim))).squeeze(dim)


def gyration(u: Tensor, v: Tensor, w: Tensor, c: Curvature, dim: int = -1) -> Tensor:
    """gyr[u, v] w: the rotation by which ⊕ fails to be associative, in the form that is linear in w."""
    uu, vv = u.square().sum(dim, keepdim=True), v.square().sum(dim, keepdim=True)
    uv, uw, vw = ((a * b).sum(dim, keepdim=True) for a, b in ((u, v), (u, w), (v, w)))
    a = -(c**2) * uw * vv + c * vw + 2 * c**2 * uv * vw
    b = -(c**2) * vw * uu - c * uw
    return w + 2 * (a * u + b * v) / (1 + 2 * c * uv + c**2 * uu * vv).clamp_min(DENOMINATOR[w.dtype])


def parallel_transport(x: Tensor, y: Tensor, v: Tensor, c: Curvature, dim: int = -1) -> Tensor:
    """Move the tangent vector v from x to y along the geodesic: (λ(x) / λ(y)) gyr[y, -x] v."""
    return gap(y, c, dim) / gap(x, c, dim) * gyration(y, -x, v, c, dim)


def project(x: Tensor, c: Curvature, dim: int = -1, margin: float | None = None) -> Tensor:
    """Pull points beyond the safe radius (1 - margin) / s back onto it."""
    limit = (1 - (MARGIN[x.dtype] if margin is None else margin)) / root(c, x)
    size = norm(x, dim)
    return torch.where(size > limit, x / size * limit, x)


def geodesic(x: Tensor, y: Tensor, t: Tensor, c: Curvature) -> Tensor:
    """Points x ⊕ (t ⊗ ((-x) ⊕ y)) at shares t (k,) of the way from x (n,) to y (n,)."""
    step = mobius_add(-x, y, c)
    return mobius_add(x.expand(len(t), -1), mobius_scale(t[:, None], step.expand(len(t), -1), c), c)


def translation(p: Tensor, q: Tensor, x: Tensor, c: Curvature, dim: int = -1) -> Tensor:
    """The isometry along the geodesic from p to q that takes p to q, applied to x: p ⊕ (a ⊕ ((-p) ⊕ x))."""
    return mobius_add(p, mobius_add(mobius_add(-p, q, c, dim), mobius_add(-p, x, c, dim), c, dim), c, dim)


def to_klein(x: Tensor, c: Curvature, dim: int = -1) -> Tensor:
    """The same point in the Klein model: 2 x / (1 + c |x|²)."""
    return 2 * x / (1 + c * x.square().sum(dim, keepdim=True))


def signed_distance(x: Float[Tensor, "*b n"], z: Float[Tensor, "n m"], r: Float[Tensor, " m"], c: Curvature) -> Tensor:
    """Signed distance of points to m hyperplanes with normals z_k and offsets r_k (HNN++), as (*b, m)."""
    s = root(c, x)
    sizes = norm(z, 0)[0]
    factor = conformal_factor(x, c)
    across = factor * s * (x @ (z / sizes))
    return torch.asinh(across * torch.cosh(2 * s * r) - (factor - 1) * torch.sinh(2 * s * r)) / s


def gromov_delta(distances: Float[Tensor, "n n"]) -> float:
    """Relative δ-hyperbolicity 2δ / diameter of a metric by the four-point condition at its first point (0: a tree)."""
    row = distances[0]
    products = 0.5 * (row[:, None] + row[None] - distances)
    best = torch.full_like(products, -torch.inf)
    for middle in products.unbind(0):  # max-min product of the matrix of Gromov products with itself
        best = torch.maximum(best, torch.minimum(middle[:, None], middle[None]))
    return float(2 * (best - products).max() / distances.max())
