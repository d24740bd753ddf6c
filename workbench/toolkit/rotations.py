"""Rotations as tensors: sampling SO(3) and SO(n), conversions, and angles that stay accurate near 0 and 180 degrees.

Matrices (..., n, n) act on column vectors; quaternions (..., 4) are (w, x, y, z); angles are radians. Everything
broadcasts over leading axes, keeps dtype and device, and can be differentiated except where a docstring says not.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, Int64
from torch import Tensor

TINY_ANGLE = 1e-8
"""Below this angle (radians) an axis is not defined by a rotation vector; the first axis stands in."""


def normalized_quaternions(count: int, *, generator: torch.Generator, dtype: torch.dtype) -> Float[Tensor, "n 4"]:
    """Draw unit quaternions uniformly on the 3-sphere: Gaussian vectors divided by their norms."""
    raw = torch.randn(count, 4, generator=generator, device=generator.device, dtype=dtype)
    return torch.nn.functional.normalize(raw, dim=-1, eps=1e-12)


def haar_rotations(
    count: int, *, generator: torch.Generator, dtype: torch.dtype = torch.float32
) -> Float[Tensor, "n 3 3"]:
    """Draw rotations from the uniform (Haar) distribution of SO(3), on the generator's device.

    The mean angle between two of them is 90 + 360 / pi^2 = 126.48 degrees.
    """
    return quaternion_to_matrix(normalized_quaternions(count, generator=generator, dtype=dtype))


def haar_rotations_within(
    count: int, angle: float, *, generator: torch.Generator, dtype: torch.dtype = torch.float32
) -> Float[Tensor, "n 3 3"]:
    """Draw Haar rotations under the condition that they turn by at most `angle` (0 < angle <= pi).

    The turning angle of a Haar rotation has density proportional to 1 - cos(theta); its distribution function is
    inverted by Newton's method from the small-angle solution, so a fixed number of random values is used.
    """
    if not 0 < angle <= math.pi:
        raise ValueError(f"angle must lie in (0, pi], not {angle}")
    device = generator.device
    axis = torch.nn.functional.normalize(
        torch.randn(count, 3, generator=generator, device=device, dtype=dtype), dim=-1, eps=1e-12
    )
    share = torch.rand(count, generator=generator, device=device, dtype=dtype)
    goal = share * (angle - math.sin(angle))
    theta = angle * share.pow(1 / 3)
    for _ in range(8):
        theta = theta - (theta - theta.sin() - goal) / (1 - theta.cos()).clamp_min(1e-6)
        theta = theta.clamp(0, angle)
    return rotation_vector_to_matrix(axis * theta[:, None])


def uniform_angle_rotations(
    count: int, *, generator: torch.Generator, dtype: torch.dtype = torch.float32
) -> Float[Tensor, "n 3 3"]:
    """Draw rotations with a uniform axis and an angle uniform on [0, pi], which is not Haar: mean angle 90 degrees."""
    device = generator.device
    axis = torch.nn.functional.normalize(
        torch.randn(count, 3, generator=generator, device=device, dtype=dtype), dim=-1, eps=1e-12
    )
    angle = math.pi * torch.rand(count, 1, generator=generator, device=device, dtype=dtype)
    return rotation_vector_to_matrix(axis * angle)


def special_orthogonal(
    count: int, n: int, *, generator: torch.Generator, dtype: torch.dtype = torch.float32
) -> Float[Tensor, "b n n"]:
    """Draw from the Haar distribution of SO(n): QR of a Gaussian matrix with the signs of R's diagonal moved into Q.

    The sign fix makes Q Haar on O(n) (Mezzadri 2007); swapping the sign of one column maps det = -1 onto SO(n).
    """
    if n < 2:
        raise ValueError(f"SO(n) needs n >= 2, not {n}")
    gaussian = torch.randn(count, n, n, generator=generator, device=generator.device, dtype=dtype)
    q, r = torch.linalg.qr(gaussian)
    signs = torch.where(torch.diagonal(r, dim1=-2, dim2=-1) < 0, -1.0, 1.0).to(dtype)
    q = q * signs[:, None, :]
    flip = torch.where(torch.linalg.det(q) < 0, -1.0, 1.0).to(dtype)
    return torch.cat([q[:, :, :1] * flip[:, None, None], q[:, :, 1:]], dim=-1)


def quaternion_to_matrix(quaternion: Float[Tensor, "*b 4"]) -> Float[Tensor, "*b 3 3"]:
    """Turn quaternions (w, x, y, z) of any norm but zero into matrices.

    Dividing by the squared norm keeps single precision orthogonal to 1e-6, which rounded unit quaternions are not.
    """
    w, x, y, z = quaternion.unbind(-1)
    s = 2 / quaternion.square().sum(-1)
    rows = [
        1 - s * (y * y + z * z), s * (x * y - z * w), s * (x * z + y * w),
        s * (x * y + z * w), 1 - s * (x * x + z * z), s * (y * z - x * w),
        s * (x * z - y * w), s * (y * z + x * w), 1 - s * (x * x + y * y),
    ]  # fmt: skip
    return torch.stack(rows, -1).reshape(*quaternion.shape[:-1], 3, 3)


def matrix_to_quaternion(matrix: Float[Tensor, "*b 3 3"]) -> Float[Tensor, "*b 4"]:
    """Turn rotations into unit quaternions with w >= 0 (Shepperd's method: divide by the largest component).

    The sign convention makes this map jump at half turns, as every such map must. At w = 0 the first non-zero
    entry is positive.
    """
    r = matrix
    trace = r[..., 0, 0] + r[..., 1, 1] + r[..., 2, 2]
    squares = torch.stack(
        [
            1 + trace,
            1 + 2 * r[..., 0, 0] - trace,
            1 + 2 * r[..., 1, 1] - trace,
            1 + 2 * r[..., 2, 2] - trace,
        ],
        -1,
    )
    a, b, c = r[..., 2, 1] - r[..., 1, 2], r[..., 0, 2] - r[..., 2, 0], r[..., 1, 0] - r[..., 0, 1]
    d, e, f = r[..., 1, 0] + r[..., 0, 1], r[..., 0, 2] + r[..., 2, 0], r[..., 2, 1] + r[..., 1, 2]
    candidates = torch.stack(
        [
            torch.stack([squares[..., 0], a, b, c], -1),
            torch.stack([a, squares[..., 1], d, e], -1),
            torch.stack([b, d, squares[..., 2], f], -1),
            torch.stack([c, e, f, squares[..., 3]], -1),
        ],
        -2,
    )
    largest = squares.argmax(-1)
    picked = torch.take_along_dim(candidates, largest[..., None, None], dim=-2).squeeze(-2)
    quaternion = torch.nn.functional.normalize(picked, dim=-1, eps=1e-12)
    first = _first_nonzero(quaternion)
    return torch.where(torch.take_along_dim(quaternion, first[..., None], dim=-1) < 0, -quaternion, quaternion)


def _first_nonzero(values: Float[Tensor, "*b d"]) -> Int64[Tensor, "*b"]:
    return (values != 0).to(torch.uint8).argmax(-1)


def quaternion_product(p: Float[Tensor, "*b 4"], q: Float[Tensor, "*b 4"]) -> Float[Tensor, "*b 4"]:
    """Hamilton product p q: the rotation q followed by p."""
    pw, px, py, pz = p.unbind(-1)
    qw, qx, qy, qz = q.unbind(-1)
    return torch.stack(
        [
            pw * qw - px * qx - py * qy - pz * qz,
            pw * qx + px * qw + py * qz - pz * qy,
            pw * qy - px * qz + py * qw + pz * qx,
            pw * qz + px * qy - py * qx + pz * qw,
        ],
        -1,
    )


def rotation_vector_to_quaternion(vector: Float[Tensor, "*b 3"]) -> Float[Tensor, "*b 4"]:
    """Exponential map into the unit quaternions: (cos(|v|/2), v sin(|v|/2) / |v|), smooth at v = 0."""
    angle = torch.linalg.vector_norm(vector, dim=-1, keepdim=True)
    is_tiny = angle < TINY_ANGLE
    ratio = torch.sin(angle / 2) / torch.where(is_tiny, 1.0, angle)
    return torch.cat([torch.cos(angle / 2), torch.where(is_tiny, 0.5, ratio) * vector], -1)


def rotation_vector_to_matrix(vector: Float[Tensor, "*b 3"]) -> Float[Tensor, "*b 3 3"]:
    """Exponential map of so(3): turn by |v| radians about v."""
    return quaternion_to_matrix(rotation_vector_to_quaternion(vector))


def matrix_to_rotation_vector(matrix: Float[Tensor, "*b 3 3"]) -> Float[Tensor, "*b 3"]:
    """Logarithm of SO(3): axis times angle, |v| <= pi. Jumps at half turns, where v and -v are the same rotation."""
    quaternion = matrix_to_quaternion(matrix)
    imaginary = quaternion[..., 1:]
    sine = torch.linalg.vector_norm(imaginary, dim=-1, keepdim=True)
    angle = 2 * torch.atan2(sine, quaternion[..., :1])
    scale = torch.where(sine > TINY_ANGLE, angle / sine.clamp_min(TINY_ANGLE), torch.full_like(sine, 2.0))
    return scale * imaginary


def skew_vector(matrix: Float[Tensor, "*b 3 3"]) -> Float[Tensor, "*b 3"]:
    """Vector of the antisymmetric part of R: axis times sin(angle) for a rotation."""
    return 0.5 * torch.stack(
        [
            matrix[..., 2, 1] - matrix[..., 1, 2],
            matrix[..., 0, 2] - matrix[..., 2, 0],
            matrix[..., 1, 0] - matrix[..., 0, 1],
        ],
        -1,
    )


def rotation_angle(matrix: Float[Tensor, "*b 3 3"]) -> Float[Tensor, "*b"]:
    """Angle in [0, pi] by which a rotation turns, as atan2(sine, cosine): accurate near 0 and pi, unlike acos."""
    cosine = 0.5 * (torch.diagonal(matrix, dim1=-2, dim2=-1).sum(-1) - 1)
    return torch.atan2(torch.linalg.vector_norm(skew_vector(matrix), dim=-1), cosine)


def geodesic_distance(a: Float[Tensor, "*b 3 3"], b: Float[Tensor, "*b 3 3"]) -> Float[Tensor, "*b"]:
    """Angle in [0, pi] of the rotation that takes `a` to `b`; both must be rotations."""
    return rotation_angle(a @ b.transpose(-2, -1))


def trace_angle(a: Float[Tensor, "*b n n"], b: Float[Tensor, "*b n n"], *, margin: float = 0.0) -> Float[Tensor, "*b"]:
    """Evaluate acos((tr(a b^T) - 1) / 2) with its argument clamped to [-1 + margin, 1 - margin].

    Defined for matrices that are not rotations too. Its gradient is infinite at 0 and pi: train with a margin.
    """
    cosine = 0.5 * ((a * b).sum((-2, -1)) - 1)
    return torch.acos(cosine.clamp(-1 + margin, 1 - margin))


def special_orthogonal_distance(a: Float[Tensor, "*b n n"], b: Float[Tensor, "*b n n"]) -> Float[Tensor, "*b"]:
    """Geodesic distance in SO(n), |log(a^T b)|_F / sqrt(2): for n = 3 the angle. Not for training (eigenvalues).

    The eigenvalues of a^T b come in pairs exp(+-i theta_k); the distance is the root of the sum of theta_k squared.
    """
    relative = (a.transpose(-2, -1) @ b).double()
    angles = torch.linalg.eigvals(relative).angle()
    return (0.5 * angles.square().sum(-1)).sqrt().to(a.dtype)


def orthogonality_error(matrix: Float[Tensor, "*b n n"]) -> Float[Tensor, "*b"]:
    """Largest entry of |R^T R - I|: zero for orthogonal matrices."""
    identity = torch.eye(matrix.shape[-1], dtype=matrix.dtype, device=matrix.device)
    return (matrix.transpose(-2, -1) @ matrix - identity).abs().amax((-2, -1))
