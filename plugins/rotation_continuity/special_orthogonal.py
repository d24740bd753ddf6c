"""Continuous representations of SO(n) (section 3.4), for n from 2 to 6."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from plugins.rotation_continuity.representations import PARALLEL, ZERO, NearestRotation, Representation, never

SMALLEST, LARGEST = 2, 6


def dimensions(n: int) -> dict[str, int]:
    """Numbers that each representation of SO(n) takes; SO(n) itself has n (n - 1) / 2 degrees of freedom.

    The stereographic count n^2 - 2n + 2 is one less for every column after the first, but not below n = 2.
    """
    return {
        "gram_schmidt": n * n - n,
        "stereographic": n * n - n - (n - 2),
        "lie": n * (n - 1) // 2,
        "matrix": n * n,
        "svd": n * n,
    }


def generalised_cross(columns: Float[Tensor, "*b n m"]) -> Float[Tensor, "*b n"]:
    """Vector orthogonal to m = n - 1 columns: b_n[k] = (-1)^(k+n) det(columns without row k), k from 1."""
    n = columns.shape[-2]
    rows = torch.tensor([[row for row in range(n) if row != k] for k in range(n)], device=columns.device)
    minors = columns[..., rows, :]
    signs = torch.tensor([(-1.0) ** (k + 1 + n) for k in range(n)], dtype=columns.dtype, device=columns.device)
    return signs * torch.linalg.det(minors)


def _gram_schmidt(columns: Float[Tensor, "*b n m"]) -> tuple[Float[Tensor, "*b n m"], Bool[Tensor, "*b"]]:
    """Orthonormal columns, each orthogonalised twice, and whether a fallback was needed.

    A column that depends on those before it is replaced by the coordinate axis least aligned with them.
    """
    n, m = columns.shape[-2:]
    found: list[Tensor] = []
    needed = torch.zeros(columns.shape[:-2], dtype=torch.bool, device=columns.device)
    for index in range(m):
        a = columns[..., index]
        u = _remove(a, found)
        length = torch.linalg.vector_norm(a, dim=-1, keepdim=True)
        is_dependent = torch.linalg.vector_norm(u, dim=-1, keepdim=True) < torch.clamp(PARALLEL * length, min=ZERO)
        occupied = sum((b.square() for b in found), torch.zeros_like(a))
        free = torch.nn.functional.one_hot(occupied.argmin(-1), n).to(a.dtype)
        u = torch.where(is_dependent, _remove(free, found), u)
        u = _remove(u / torch.linalg.vector_norm(u, dim=-1, keepdim=True), found)
        found.append(u / torch.linalg.vector_norm(u, dim=-1, keepdim=True))
        needed = needed | is_dependent[..., 0]
    return torch.stack(found, -1), needed


def _remove(vector: Tensor, units: list[Tensor]) -> Tensor:
    for unit in units:
        vector = vector - (unit * vector).sum(-1, keepdim=True) * unit
    return vector


def _complete(columns: Float[Tensor, "*b n m"]) -> Float[Tensor, "*b n n"]:
    return torch.cat([columns, generalised_cross(columns)[..., None]], dim=-1)


def _as_columns(code: Float[Tensor, "*b d"], n: int) -> Float[Tensor, "*b n m"]:
    """Read n - 1 columns that are written one after the other."""
    return code.unflatten(-1, (n - 1, n)).transpose(-2, -1)


def decode_gram_schmidt(code: Float[Tensor, "*b d"], n: int) -> Float[Tensor, "*b n n"]:
    """Orthonormalise n - 1 columns and complete them by the generalised cross product, so that det = +1."""
    return _complete(_gram_schmidt(_as_columns(code, n))[0])


def encode_gram_schmidt(matrix: Float[Tensor, "*b n n"]) -> Float[Tensor, "*b d"]:
    """First n - 1 columns, one after the other."""
    return matrix[..., :-1].transpose(-2, -1).flatten(-2)


def _scales(n: int, column: int, like: Tensor) -> Tensor:
    """Largest values that the projection attains: sqrt2 in the row shared with the first column, else sqrt2 + 1."""
    row = column + 1
    values = [math.sqrt(2) if k == row else math.sqrt(2) + 1 for k in range(n)]
    return torch.tensor(values, dtype=like.dtype, device=like.device)


def encode_stereographic(matrix: Float[Tensor, "*b n n"]) -> Float[Tensor, "*b d"]:
    """Project each column after the first, together with one entry of the first, from the pole of a sphere.

    Column k = 2 .. n - 1 takes entry k + 1 of the first column: v = (b_1[k + 1], b_k) / |.| and p = v_rest / (1 - v_0),
    scaled into [-1, 1]. For n = 3 this is the paper's 5D; the two entries of b_1 that are left come first.
    """
    first, others = matrix[..., 0], matrix[..., 1:-1]
    n = matrix.shape[-1]
    parts = [first[..., :2]]
    for column in range(1, n - 1):
        v = torch.cat([first[..., column + 1, None], others[..., column - 1]], -1)
        v = v / torch.linalg.vector_norm(v, dim=-1, keepdim=True)
        parts.append(v[..., 1:] / (1 - v[..., :1]) / _scales(n, column, v))
    return torch.cat(parts, -1)


def _unproject(code: Float[Tensor, "*b d"], n: int) -> tuple[Float[Tensor, "*b n m"], Bool[Tensor, "*b"]]:
    heights, columns = [code[..., :2]], []
    needed = torch.zeros(code.shape[:-1], dtype=torch.bool, device=code.device)
    for column in range(1, n - 1):
        start = 2 + (column - 1) * n
        a = code[..., start : start + n] * _scales(n, column, code)
        is_zero = torch.linalg.vector_norm(a, dim=-1, keepdim=True) < ZERO
        axis = torch.zeros(n, dtype=a.dtype, device=a.device)
        axis[column] = 1
        a = torch.where(is_zero, axis, a)
        length = torch.linalg.vector_norm(a, dim=-1, keepdim=True)
        heights.append((length * length - 1) / (2 * length))
        columns.append(a / length)
        needed = needed | is_zero[..., 0]
    return torch.stack([torch.cat(heights, -1), *columns], -1), needed


def decode_stereographic(code: Float[Tensor, "*b d"], n: int) -> Float[Tensor, "*b n n"]:
    """Undo the projections, then Gram-Schmidt."""
    return _complete(_gram_schmidt(_unproject(code, n)[0])[0])


def _degenerate_stereographic(code: Float[Tensor, "*b d"], n: int) -> Bool[Tensor, "*b"]:
    columns, needed = _unproject(code, n)
    return needed | _gram_schmidt(columns)[1]


def decode_lie(code: Float[Tensor, "*b d"], n: int) -> Float[Tensor, "*b n n"]:
    """Exponential of the antisymmetric matrix whose upper triangle is the code: an angle for n = 2."""
    upper = torch.triu_indices(n, n, 1, device=code.device)
    matrix = code.new_zeros(*code.shape[:-1], n, n)
    matrix[..., upper[1], upper[0]] = code
    return torch.linalg.matrix_exp(matrix - matrix.transpose(-2, -1))


def encode_lie(matrix: Float[Tensor, "*b n n"]) -> Float[Tensor, "*b d"]:
    """Principal logarithm: eigenvalues exp(i theta) give i theta. Jumps where some theta is pi."""
    values, vectors = torch.linalg.eig(matrix.double())
    logarithm = (vectors * (1j * values.angle())[..., None, :]) @ torch.linalg.inv(vectors)
    n = matrix.shape[-1]
    upper = torch.triu_indices(n, n, 1, device=matrix.device)
    return logarithm.real[..., upper[1], upper[0]].to(matrix.dtype)


def _orthogonalised(code: Float[Tensor, "*b d"], n: int) -> Float[Tensor, "*b n n"]:
    """Gram-Schmidt on all n columns without a determinant fix: may be a reflection."""
    raw = code.unflatten(-1, (n, n))
    rotation = _complete(_gram_schmidt(raw[..., :-1])[0])
    side = (raw[..., -1] * rotation[..., -1]).sum(-1, keepdim=True)
    last = torch.where(side < 0, -rotation[..., -1], rotation[..., -1])
    return torch.cat([rotation[..., :-1], last[..., None]], -1)


def _flat(matrix: Tensor) -> Tensor:
    return matrix.flatten(-2)


def sized_representations(n: int) -> dict[str, Representation]:
    """Representations of SO(n) by name; raises ValueError for n outside 2 .. 6."""
    if not SMALLEST <= n <= LARGEST:
        raise ValueError(f"n must lie in {SMALLEST} .. {LARGEST}, not {n}")
    size = dimensions(n)

    def of_size(function: Callable[[Tensor, int], Tensor]) -> Callable[[Tensor], Tensor]:
        return lambda code: function(code, n)

    made = (
        Representation(
            "gram_schmidt", size["gram_schmidt"], of_size(decode_gram_schmidt), encode_gram_schmidt,
            lambda code: _gram_schmidt(_as_columns(code, n))[1], True,
        ),
        Representation(
            "stereographic", size["stereographic"], of_size(decode_stereographic), encode_stereographic,
            of_size(_degenerate_stereographic), True,
        ),
        Representation("lie", size["lie"], of_size(decode_lie), encode_lie, never, False),
        Representation(
            "matrix", size["matrix"], lambda code: code.unflatten(-1, (n, n)), _flat,
            lambda code: _gram_schmidt(code.unflatten(-1, (n, n))[..., :-1])[1], True,
            is_rotation=False, evaluated=of_size(_orthogonalised),
        ),
        Representation(
            "svd", size["svd"], lambda code: NearestRotation.apply(code.unflatten(-1, (n, n))), _flat, never, True,
        ),
    )  # fmt: skip
    return {own.name: own for own in made}
