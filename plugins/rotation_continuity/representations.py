"""Rotation representations (section 3.2 of the paper): decoders f: R^D -> SO(3) and encoders g with f(g(R)) = R.

Codes are (..., D), matrices (..., 3, 3) act on column vectors, quaternions are (w, x, y, z), angles are radians.
Where a decoder is undefined (a zero vector, two parallel columns) it returns a valid rotation by a documented
fallback, never NaN, and `Representation.degenerate` tells which codes those were.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from workbench.toolkit.rotations import (
    matrix_to_quaternion,
    matrix_to_rotation_vector,
    quaternion_product,
    quaternion_to_matrix,
    rotation_vector_to_quaternion,
)

Decoder = Callable[[Tensor], Tensor]

ZERO = 1e-8  # the official code's threshold in normalise()
PARALLEL = 1e-6  # sine of the angle under which two single-precision columns count as parallel
STEREOGRAPHIC_SCALE = (math.sqrt(2) + 1, math.sqrt(2) + 1, math.sqrt(2))  # the largest values that p attains
ALMOST_ONE = 1 - 1e-12  # tanh never reaches 1, so encoders stop just short of it


@dataclass(frozen=True)
class Representation:
    """A pair of maps between codes (..., D) and matrices (..., 3, 3).

    `decode` is used in training and `decode_evaluated` in tests: they differ for the raw matrix only, which is
    orthogonalised when it is tested. `lift` maps a code continuously to the unit quaternion above its rotation; it
    exists where the codes form a simply connected set, which is where the topological argument bites.
    `is_rotation` says that every decoded matrix lies in SO(3).
    """

    name: str
    dimension: int
    decode: Decoder
    encode: Decoder
    degenerate: Callable[[Tensor], Tensor]
    is_continuous: bool
    is_rotation: bool = True
    lift: Decoder | None = None
    evaluated: Decoder | None = None

    def decode_evaluated(self, code: Float[Tensor, "*b d"]) -> Float[Tensor, "*b 3 3"]:
        """Decode as the paper's tests do."""
        return (self.evaluated or self.decode)(code)


def _norm(vector: Tensor) -> Tensor:
    return torch.linalg.vector_norm(vector, dim=-1, keepdim=True)


def _unit_or(vector: Float[Tensor, "*b d"], fallback: Float[Tensor, "*b d"]) -> Float[Tensor, "*b d"]:
    """N(v) = v / |v|, and `fallback` where |v| is under the threshold. Its gradient is zero there, not NaN."""
    is_zero = _norm(vector) < ZERO
    safe = torch.where(is_zero, fallback, vector)
    return safe / _norm(safe)


def _constant(like: Tensor, values: tuple[float, ...]) -> Tensor:
    return torch.tensor(values, dtype=like.dtype, device=like.device)


def _least_aligned_axis(unit: Float[Tensor, "*b 3"]) -> Float[Tensor, "*b 3"]:
    """Coordinate axis whose angle with `unit` is largest."""
    return torch.nn.functional.one_hot(unit.abs().argmin(-1), 3).to(unit.dtype)


def _without(vector: Tensor, unit: Tensor) -> Tensor:
    return vector - (unit * vector).sum(-1, keepdim=True) * unit


def decode_6d(code: Float[Tensor, "*b 6"]) -> Float[Tensor, "*b 3 3"]:
    """Gram-Schmidt on two vectors; b_1, b_2 and b_1 x b_2 are the COLUMNS of R (eq. 14 of the supplement).

    b_2 is orthogonalised twice ("twice is enough", Kahan), which keeps single precision orthogonal to 1e-6 for
    nearly parallel columns. Fallbacks: b_1 = e_x for a_1 = 0; the axis least aligned with b_1 for a parallel a_2.
    """
    a1, a2 = code[..., :3], code[..., 3:]
    b1 = _unit_or(a1, _constant(code, (1.0, 0.0, 0.0)).expand_as(a1))
    u2 = _without(a2, b1)
    is_parallel = _norm(u2) < torch.clamp(PARALLEL * _norm(a2), min=ZERO)
    u2 = torch.where(is_parallel, _without(_least_aligned_axis(b1), b1), u2)
    u2 = u2 / _norm(u2)
    u2 = _without(u2, b1)
    b2 = u2 / _norm(u2)
    return torch.stack([b1, b2, torch.linalg.cross(b1, b2, dim=-1)], dim=-1)


def encode_6d(matrix: Float[Tensor, "*b 3 3"]) -> Float[Tensor, "*b 6"]:
    """First two columns of R, one after the other."""
    return matrix[..., :2].transpose(-2, -1).flatten(-2)


def degenerate_6d(code: Float[Tensor, "*b 6"]) -> Bool[Tensor, "*b"]:
    """Whether a_1 = 0 or a_2 is parallel to it."""
    a1, a2 = code[..., :3], code[..., 3:]
    b1 = _unit_or(a1, _constant(code, (1.0, 0.0, 0.0)).expand_as(a1))
    is_parallel = _norm(_without(a2, b1)) < torch.clamp(PARALLEL * _norm(a2), min=ZERO)
    return ((_norm(a1) < ZERO) | is_parallel)[..., 0]


def unproject_5d(code: Float[Tensor, "*b 5"]) -> Float[Tensor, "*b 6"]:
    """Undo the stereographic step: p -> ((|a|^2 - 1) / (2 |a|), a / |a|) with a = s p, giving a 6D code.

    The last three entries are a unit vector. Fallback for a = 0: the direction e_y with height 0.
    """
    a = code[..., 2:] * _constant(code, STEREOGRAPHIC_SCALE)
    is_zero = _norm(a) < ZERO
    a = torch.where(is_zero, _constant(code, (0.0, 1.0, 0.0)).expand_as(a), a)
    length = _norm(a)
    return torch.cat([code[..., :2], (length * length - 1) / (2 * length), a / length], dim=-1)


def decode_5d(code: Float[Tensor, "*b 5"]) -> Float[Tensor, "*b 3 3"]:
    """Stereographic un-projection, then Gram-Schmidt."""
    return decode_6d(unproject_5d(code))


def encode_5d(matrix: Float[Tensor, "*b 3 3"]) -> Float[Tensor, "*b 5"]:
    """6D code whose last four entries are normalised and projected from the sphere; all entries lie in [-1, 1].

    The first of the four is at most 1/sqrt(2) after normalisation, so the pole of the projection is never met.
    """
    r = encode_6d(matrix)
    v = r[..., 2:] / _norm(r[..., 2:])
    p = v[..., 1:] / (1 - v[..., :1])
    return torch.cat([r[..., :2], p / _constant(r, STEREOGRAPHIC_SCALE)], dim=-1)


def degenerate_5d(code: Float[Tensor, "*b 5"]) -> Bool[Tensor, "*b"]:
    """Whether p = 0, or the un-projected columns are parallel."""
    a = code[..., 2:] * _constant(code, STEREOGRAPHIC_SCALE)
    return (_norm(a)[..., 0] < ZERO) | degenerate_6d(unproject_5d(code))


def lift_quaternion(code: Float[Tensor, "*b 4"]) -> Float[Tensor, "*b 4"]:
    """N(r); the identity for r = 0."""
    return _unit_or(code, _constant(code, (1.0, 0.0, 0.0, 0.0)).expand_as(code))


def _is_zero(code: Tensor) -> Tensor:
    return _norm(code)[..., 0] < ZERO


def decode_half_quaternion(code: Float[Tensor, "*b 4"]) -> Float[Tensor, "*b 3 3"]:
    """Quaternion of r (sign(r_4) + 1/2), from the official code: the same rotation, other gradients."""
    return quaternion_to_matrix(lift_quaternion(code * (code[..., 3:].sign() + 0.5)))


def lift_axis_angle(code: Float[Tensor, "*b 4"]) -> Float[Tensor, "*b 4"]:
    """(cos(theta/2), axis sin(theta/2)) with theta = pi tanh(r_0) and axis = N(r_1..r_3); e_x for a zero axis."""
    half = 0.5 * math.pi * torch.tanh(code[..., :1])
    axis = _unit_or(code[..., 1:], _constant(code, (1.0, 0.0, 0.0)).expand_as(code[..., 1:]))
    return torch.cat([torch.cos(half), axis * torch.sin(half)], dim=-1)


def encode_axis_angle(matrix: Float[Tensor, "*b 3 3"]) -> Float[Tensor, "*b 4"]:
    """(atanh(theta / pi), axis) with theta in [0, pi); a half turn is clamped just under it, its axis jumps."""
    vector = matrix_to_rotation_vector(matrix)
    angle = _norm(vector)
    axis = _unit_or(vector, _constant(vector, (1.0, 0.0, 0.0)).expand_as(vector))
    return torch.cat([_atanh(angle / math.pi), axis], dim=-1)


def lift_rodrigues(code: Float[Tensor, "*b 3"]) -> Float[Tensor, "*b 4"]:
    """(cos theta, axis sin theta) with theta = |r|: the official code turns by 2 |r|, not |r|."""
    return rotation_vector_to_quaternion(2 * code)


def lift_euler(code: Float[Tensor, "*b 3"]) -> Float[Tensor, "*b 4"]:
    """Quaternion of R_x(r_0) R_z(r_2) R_y(r_1)."""
    cosine, sine = torch.cos(code / 2), torch.sin(code / 2)
    zero = torch.zeros_like(cosine[..., 0])
    about_x = torch.stack([cosine[..., 0], sine[..., 0], zero, zero], -1)
    about_y = torch.stack([cosine[..., 1], zero, sine[..., 1], zero], -1)
    about_z = torch.stack([cosine[..., 2], zero, zero, sine[..., 2]], -1)
    return quaternion_product(quaternion_product(about_x, about_z), about_y)


def _matrix_of_sines(sine: Float[Tensor, "*b 3"], cosine: Float[Tensor, "*b 3"]) -> Float[Tensor, "*b 3 3"]:
    """R_x(0) R_z(2) R_y(1) written out in the sines and cosines of the three angles."""
    sx, sy, sz = sine.unbind(-1)
    cx, cy, cz = cosine.unbind(-1)
    rows = [
        cz * cy, -sz, cz * sy,
        cx * sz * cy + sx * sy, cx * cz, cx * sz * sy - sx * cy,
        sx * sz * cy - cx * sy, sx * cz, sx * sz * sy + cx * cy,
    ]  # fmt: skip
    return torch.stack(rows, -1).unflatten(-1, (3, 3))


def decode_euler(code: Float[Tensor, "*b 3"]) -> Float[Tensor, "*b 3 3"]:
    """R_x(r_0) R_z(r_2) R_y(r_1), scipy's intrinsic 'XZY' of (r_0, r_2, r_1); the angles are not squashed."""
    return _matrix_of_sines(torch.sin(code), torch.cos(code))


def encode_euler(matrix: Float[Tensor, "*b 3 3"]) -> Float[Tensor, "*b 3"]:
    """Angles with r_2 in [-pi/2, pi/2]; at gimbal lock (r_2 = +-pi/2) r_1 = 0. Jumps there and at wrap-around."""
    cosine_z = torch.hypot(matrix[..., 0, 0], matrix[..., 0, 2])
    z = torch.atan2(-matrix[..., 0, 1], cosine_z)
    is_locked = cosine_z < 1e-7
    x = torch.where(
        is_locked,
        torch.atan2(-matrix[..., 1, 2], matrix[..., 2, 2]),
        torch.atan2(matrix[..., 2, 1], matrix[..., 1, 1]),
    )
    y = torch.where(is_locked, 0.0, torch.atan2(matrix[..., 0, 2], matrix[..., 0, 0]))
    return torch.stack([x, y, z], -1)


def _atanh(value: Tensor) -> Tensor:
    limit = ALMOST_ONE if value.dtype == torch.float64 else 1 - 1e-6
    return torch.atanh(value.clamp(-limit, limit))


def decode_euler_sin_cos(code: Float[Tensor, "*b 6"]) -> Float[Tensor, "*b 3 3"]:
    """Euler matrix of (s_x, c_x, s_y, c_y, s_z, c_z) = tanh(r), not normalised: NOT a rotation (code extra)."""
    squashed = torch.tanh(code)
    return _matrix_of_sines(squashed[..., 0::2], squashed[..., 1::2])


def encode_euler_sin_cos(matrix: Float[Tensor, "*b 3 3"]) -> Float[Tensor, "*b 6"]:
    """Inverse tanh of sine and cosine of the Euler angles, clamped where tanh saturates."""
    angles = encode_euler(matrix)
    return _atanh(torch.stack([torch.sin(angles), torch.cos(angles)], -1)).flatten(-2)


def lift_hopf(code: Float[Tensor, "*b 3"]) -> Float[Tensor, "*b 4"]:
    """Hopf coordinates theta in (0, pi), phi and tau in (0, 2 pi), each squashed by tanh (code extra)."""
    squashed = torch.tanh(code) + 1
    half_theta = 0.25 * math.pi * squashed[..., 0]
    phi = math.pi * squashed[..., 1]
    half_tau = 0.5 * math.pi * squashed[..., 2]
    return torch.stack(
        [
            torch.cos(half_theta) * torch.cos(half_tau),
            torch.cos(half_theta) * torch.sin(half_tau),
            torch.sin(half_theta) * torch.cos(phi + half_tau),
            torch.sin(half_theta) * torch.sin(phi + half_tau),
        ],
        -1,
    )


def encode_hopf(matrix: Float[Tensor, "*b 3 3"]) -> Float[Tensor, "*b 3"]:
    """Hopf coordinates of the quaternion, its sign chosen so that tau/2 lies in [0, pi); clamped at the seams."""
    w, x, y, z = matrix_to_quaternion(matrix).unbind(-1)
    sign = torch.where((x < 0) | ((x == 0) & (w < 0)), -1.0, 1.0).to(w.dtype)
    w, x, y, z = sign * w, sign * x, sign * y, sign * z
    half_tau = torch.atan2(x, w)
    half_theta = torch.atan2(torch.hypot(y, z), torch.hypot(w, x))
    phi = torch.remainder(torch.atan2(z, y) - half_tau, 2 * math.pi)
    return torch.stack(
        [_atanh(4 * half_theta / math.pi - 1), _atanh(phi / math.pi - 1), _atanh(2 * half_tau / math.pi - 1)], -1
    )


def decode_raw_matrix(code: Float[Tensor, "*b 9"]) -> Float[Tensor, "*b 3 3"]:
    """The nine numbers as they are, row by row: what the loss sees in training. NOT a rotation."""
    return code.unflatten(-1, (3, 3))


def decode_orthogonalised(code: Float[Tensor, "*b 9"]) -> Float[Tensor, "*b 3 3"]:
    """Gram-Schmidt on all three columns without a determinant fix, as the official tests do: may be a reflection."""
    columns = code.unflatten(-1, (3, 3))
    rotation = decode_6d(encode_6d(columns))
    side = (columns[..., 2] * rotation[..., 2]).sum(-1, keepdim=True)
    third = torch.where(side < 0, -rotation[..., 2], rotation[..., 2])
    return torch.cat([rotation[..., :2], third[..., None]], dim=-1)


class NearestRotation(torch.autograd.Function):
    """U diag(1, .., 1, det(U V^T)) V^T with its closed-form derivative.

    Autograd through the SVD divides by differences of squared singular values and is NaN where two agree. The
    derivative of the nearest rotation itself divides by sums: with A = V^T R^T (dL/dR) V and the signed singular
    values s, dL/dM = R V ((A - A^T)_ij / (s_i + s_j)) V^T.
    """

    @staticmethod
    def forward(ctx: Any, matrix: Tensor) -> Tensor:
        """Return the nearest rotation of each matrix (..., n, n)."""
        u, singular, vh = torch.linalg.svd(matrix)
        sign = torch.where(torch.linalg.det(u @ vh) < 0, -1.0, 1.0).to(matrix.dtype)
        signs = torch.ones_like(singular)
        signs[..., -1] = sign
        rotation = (u * signs[..., None, :]) @ vh
        # One Newton step towards orthogonality takes LAPACK's single-precision factors below 1e-6.
        rotation = 1.5 * rotation - 0.5 * rotation @ rotation.transpose(-2, -1) @ rotation
        ctx.save_for_backward(rotation, vh, singular * signs)
        return rotation

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # type: ignore[override]
        """Return dL/dM."""
        rotation, vh, signed = ctx.saved_tensors
        v = vh.transpose(-2, -1)
        a = vh @ rotation.transpose(-2, -1) @ gradient @ v
        sums = signed[..., :, None] + signed[..., None, :]
        sums = torch.where(sums.abs() < ZERO, torch.inf, sums)
        return rotation @ v @ ((a - a.transpose(-2, -1)) / sums) @ vh


def decode_svd(code: Float[Tensor, "*b 9"]) -> Float[Tensor, "*b 3 3"]:
    """Nearest rotation to the 3x3 matrix (Levinson et al. 2020); not in the paper, for comparison."""
    return NearestRotation.apply(code.unflatten(-1, (3, 3)))


def degenerate_svd(code: Float[Tensor, "*b 9"]) -> Bool[Tensor, "*b"]:
    """Whether the nearest rotation is not unique: the two smallest signed singular values add up to zero."""
    matrix = code.unflatten(-1, (3, 3))
    singular = torch.linalg.svdvals(matrix)
    sign = torch.where(torch.linalg.det(matrix) < 0, -1.0, 1.0).to(code.dtype)
    return (singular[..., 1] + sign * singular[..., 2]).abs() < ZERO


def never(code: Float[Tensor, "*b d"]) -> Bool[Tensor, "*b"]:
    """No code is degenerate."""
    return torch.zeros(code.shape[:-1], dtype=torch.bool, device=code.device)


def _through(lift: Decoder) -> Decoder:
    return lambda code: quaternion_to_matrix(lift(code))


REPRESENTATIONS: dict[str, Representation] = {
    representation.name: representation
    for representation in (
        Representation("6d", 6, decode_6d, encode_6d, degenerate_6d, True),
        Representation("5d", 5, decode_5d, encode_5d, degenerate_5d, True),
        Representation(
            "quaternion", 4, _through(lift_quaternion), matrix_to_quaternion, _is_zero, False, lift=lift_quaternion
        ),
        Representation(
            "half_quaternion", 4, decode_half_quaternion, matrix_to_quaternion, _is_zero, False, lift=lift_quaternion
        ),
        Representation(
            "axis_angle", 4, _through(lift_axis_angle), encode_axis_angle,
            lambda code: _is_zero(code[..., 1:]), False, lift=lift_axis_angle,
        ),
        Representation(
            "rodrigues", 3, _through(lift_rodrigues), lambda matrix: matrix_to_rotation_vector(matrix) / 2,
            never, False, lift=lift_rodrigues,
        ),
        Representation("euler", 3, decode_euler, encode_euler, never, False, lift=lift_euler),
        Representation(
            "euler_sin_cos", 6, decode_euler_sin_cos, encode_euler_sin_cos, never, False, is_rotation=False
        ),
        Representation("hopf", 3, _through(lift_hopf), encode_hopf, never, False, lift=lift_hopf),
        Representation(
            "matrix", 9, decode_raw_matrix, lambda matrix: matrix.flatten(-2),
            lambda code: degenerate_6d(encode_6d(code.unflatten(-1, (3, 3)))), True, is_rotation=False,
            evaluated=decode_orthogonalised,
        ),
        Representation("svd", 9, decode_svd, lambda matrix: matrix.flatten(-2), degenerate_svd, True),
    )
}  # fmt: skip
"""Every representation of the paper, the official code's extras, and the SVD, by name."""


def discontinuity_index(
    representation: Representation, near: Float[Tensor, "n 3 3"], far: Float[Tensor, "n 3 3"], angle: float
) -> float:
    """Largest |g(R') - g(R)| / angle(R, R') over given pairs `angle` radians apart (Lipschitz estimate of g)."""
    return float(_norm(representation.encode(far) - representation.encode(near)).max() / angle)
