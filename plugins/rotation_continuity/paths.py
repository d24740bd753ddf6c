"""Paths of rotations for the continuity lab, and every encoder along them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from plugins.rotation_continuity.contract import PathName
from plugins.rotation_continuity.frames import PathAnswer
from plugins.rotation_continuity.representations import Representation
from workbench.toolkit.rotations import (
    matrix_to_quaternion,
    matrix_to_rotation_vector,
    quaternion_product,
    quaternion_to_matrix,
    rotation_angle,
    rotation_vector_to_matrix,
    rotation_vector_to_quaternion,
)

JUMP = 0.2
"""A code that moves by more than this in a step is said to jump, if the rotation turned by less than SMALL_STEP."""
SMALL_STEP = math.radians(1.0)
FINE_STEP = math.radians(0.5)
MAX_SAMPLES = 20_000
FOLLOWED_EVERY = 4  # samples: two degrees, small beside the distance between the codes of one rotation
CLOSED = 1e-3  # radians between the ends of a path that counts as closed

Curve = Callable[[Float[Tensor, " n"]], Float[Tensor, "n 3 3"]]


def _vector(x: Tensor, y: Tensor, z: Tensor) -> Float[Tensor, "n 3 3"]:
    return rotation_vector_to_matrix(torch.stack([x, y, z], -1))


def _turn(s: Float[Tensor, " n"]) -> Float[Tensor, "n 3 3"]:
    """Once around z."""
    zero = torch.zeros_like(s)
    return _vector(zero, zero, 2 * math.pi * s)


def _flip(s: Float[Tensor, " n"]) -> Float[Tensor, "n 3 3"]:
    """From 120 to 240 degrees about a slowly leaning axis: across a half turn."""
    angle = math.pi * (2 / 3 + 2 / 3 * s)
    lean = 0.4 * (s - 0.5)
    return _vector(angle * torch.sin(lean), 0.3 * angle * torch.cos(lean), 0.954 * angle * torch.cos(lean))


def _gimbal(s: Float[Tensor, " n"]) -> Float[Tensor, "n 3 3"]:
    """Through gimbal lock of R_x R_z R_y, by turning about z past 90 degrees with a small tilt about x."""
    zero = torch.zeros_like(s)
    about_z = _vector(zero, zero, math.pi * (1 / 6 + 2 / 3 * s))
    return _vector(torch.full_like(s, 0.35), zero, zero) @ about_z @ _vector(zero, torch.full_like(s, 0.2), zero)


def _circle(s: Float[Tensor, " n"]) -> Float[Tensor, "n 3 3"]:
    """A tilted frame, once around a tilted axis: a closed path that cannot be shrunk to a point."""
    angle = 2 * math.pi * s
    base = _vector(*torch.tensor([0.7, -0.4, 0.5], dtype=s.dtype)[:, None])
    return _vector(0.36 * angle, 0.48 * angle, 0.8 * angle) @ base


def _wobble(s: Float[Tensor, " n"]) -> Float[Tensor, "n 3 3"]:
    """A closed path of 20 degrees radius around a half turn about x: it can be shrunk to a point."""
    half_turn = _vector(*torch.tensor([math.pi, 0.0, 0.0], dtype=s.dtype)[:, None])
    radius = math.radians(20)
    zero = torch.zeros_like(s)
    around = _vector(radius * torch.cos(2 * math.pi * s), zero, radius * torch.sin(2 * math.pi * s))
    return around @ half_turn


def _tumble(s: Float[Tensor, " n"]) -> Float[Tensor, "n 3 3"]:
    """A body that spins fast about its own axis while that axis wanders."""
    zero = torch.zeros_like(s)
    own_spin = _vector(zero, zero, 6 * math.pi * s)
    nod = _vector(0.9 + 0.6 * torch.sin(2 * math.pi * s), zero, zero)
    return _vector(zero, 2 * math.pi * s, zero) @ nod @ own_spin


CURVES: dict[PathName, Curve] = {
    "turn": _turn,
    "flip": _flip,
    "gimbal": _gimbal,
    "circle": _circle,
    "wobble": _wobble,
    "tumble": _tumble,
}


def path_rotations(name: PathName, samples: int) -> Float[Tensor, "n 3 3"]:
    """Rotations of a preset path, evenly spaced in its parameter, in double precision."""
    return CURVES[name](torch.linspace(0, 1, samples, dtype=torch.float64))


def resampled(rotations: Float[Tensor, "n 3 3"], step: float = FINE_STEP) -> Float[Tensor, "m 3 3"]:
    """Put rotations between neighbours (along the shorter arc) until none is farther than `step` radians.

    Raises ValueError where that takes more than 20 000 of them.
    """
    relative = rotations[1:] @ rotations[:-1].transpose(-2, -1)
    vectors = matrix_to_rotation_vector(relative)
    # Rounding must not split a step that is just as long as allowed.
    pieces = (torch.linalg.vector_norm(vectors, dim=-1) / step - 1e-6).ceil().clamp_min(1).long()
    if int(pieces.sum()) >= MAX_SAMPLES:
        raise ValueError(f"the path is too long for {MAX_SAMPLES} samples")
    segment = torch.repeat_interleave(torch.arange(len(pieces)), pieces)
    first = torch.cumsum(pieces, 0) - pieces
    share = (torch.arange(len(segment)) - first[segment]) / pieces[segment]
    start = matrix_to_quaternion(rotations[:-1])[segment]
    between = quaternion_product(rotation_vector_to_quaternion(share[:, None] * vectors[segment]), start)
    return torch.cat([quaternion_to_matrix(between), rotations[-1:]])


def encode_path(representations: Sequence[Representation], rotations: Float[Tensor, "n 3 3"]) -> PathAnswer:
    """Encode every rotation of a path with every encoder, and flag the jumps."""
    turned = rotation_angle(rotations[1:] @ rotations[:-1].transpose(-2, -1))
    codes = [own.encode(rotations) for own in representations]
    moved = torch.stack([torch.linalg.vector_norm(code[1:] - code[:-1], dim=-1) for code in codes])
    jumps = (moved > JUMP) & (turned < SMALL_STEP)
    is_closed = bool(rotation_angle(rotations[-1] @ rotations[0].T) < CLOSED) and len(rotations) > 2
    start = torch.zeros(len(codes), 1, dtype=rotations.dtype)
    return PathAnswer(
        names=tuple(own.name for own in representations),
        widths=tuple(own.dimension for own in representations),
        travelled=_single(torch.rad2deg(torch.cat([start[0], torch.cumsum(turned, 0)]))),
        rotations=_single(rotations),
        ball=_single(matrix_to_rotation_vector(rotations)),
        codes=_single(torch.cat(codes, -1)),
        jumps=torch.cat([start > 0, jumps], 1).numpy(),
        speed=_single(torch.cat([start, moved / turned.clamp_min(1e-9)], 1)),
        gaps=np.array(
            [
                _gap(own, code, bool(jumped.any())) if is_closed else np.nan
                for own, code, jumped in zip(representations, codes, jumps, strict=True)
            ],
            np.float32,
        ),
        is_closed=is_closed,
    )


def _gap(representation: Representation, codes: Float[Tensor, "n d"], has_jumped: bool) -> float:
    """Distance between the ends of a closed path's code when it is followed without jumping; NaN if it cannot be."""
    if not has_jumped:
        return float(torch.linalg.vector_norm(codes[-1] - codes[0]))
    nearest = _NEAREST.get(representation.name)
    if nearest is None:
        return math.nan
    some = np.concatenate([codes[:-1:FOLLOWED_EVERY].numpy(), codes[-1:].numpy()])
    followed = some[0]
    for code in some[1:]:
        followed = nearest(code, followed)
    return float(np.linalg.norm(followed - some[0]))


def _nearest_sign(code: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Of q and -q, which are one rotation, the one nearer to the code before."""
    return code if code @ before >= 0 else -code


def _nearest_vector(code: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Of the vectors (|r| + k pi) r / |r|, which are one rotation, the nearest to the code before."""
    length = float(np.linalg.norm(code))
    axis = code / length if length > 1e-9 else before / max(float(np.linalg.norm(before)), 1e-9)
    return (length + math.pi * np.round((axis @ before - length) / math.pi)) * axis


def _nearest_angles(code: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Of the angles (x, y, z) and (x + pi, y + pi, pi - z), up to full turns, the nearest to those before."""
    x, y, z = code
    both = np.array([[x, y, z], [x + math.pi, y + math.pi, math.pi - z]])
    both += 2 * math.pi * np.round((before - both) / (2 * math.pi))
    return both[np.argmin(np.linalg.norm(both - before, axis=1))]


_NEAREST = {
    "quaternion": _nearest_sign,
    "half_quaternion": _nearest_sign,
    "rodrigues": _nearest_vector,
    "euler": _nearest_angles,
}


def first_part(path: PathAnswer, samples: int) -> PathAnswer:
    """Return the path up to a sample; it is not closed before its end."""
    if samples >= len(path.travelled):
        return path
    return PathAnswer(
        names=path.names,
        widths=path.widths,
        travelled=path.travelled[:samples],
        rotations=path.rotations[:samples],
        ball=path.ball[:samples],
        codes=path.codes[:samples],
        jumps=path.jumps[:, :samples],
        speed=path.speed[:, :samples],
        gaps=np.full(len(path.names), np.nan, np.float32),
        is_closed=False,
    )


def _single(values: Tensor) -> np.ndarray:
    return values.float().numpy()
