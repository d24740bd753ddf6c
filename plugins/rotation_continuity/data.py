"""Generated data: tripods, aeroplanes, a skeleton of 21 joints with random poses and a walk cycle."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from plugins.rotation_continuity.representations import decode_euler
from workbench.sdk import Progress, UserError
from workbench.toolkit.motion import Motion, Skeleton
from workbench.toolkit.point_clouds import centred, load_cloud, shapes_beside, symmetry_ratio
from workbench.toolkit.rotations import rotation_vector_to_matrix

TRIPOD_LENGTHS = (1.0, 0.7, 0.45)
PLANE_POINTS = 2048
PLANES = (120, 30)
"""Aeroplanes for training and for the test."""
NEARLY_SYMMETRIC = 0.9
"""Ratio of two second moments above which a shape may look alike when turned, so that its answers are not unique."""
FILE_POINTS = 2600  # as many as the paper's clouds have
MAX_FILES = 5000


def tripods(count: int, points: int, noise: float, generator: torch.Generator) -> Float[Tensor, "b n 3"]:
    """Draw clouds of three segments from the origin along x, y, z, of different lengths scaled by U(0.85, 1.15).

    Points lie uniformly on the segments, a third on each, with isotropic Gaussian noise.
    """
    device = generator.device
    lengths = torch.tensor(TRIPOD_LENGTHS, device=device) * (
        0.85 + 0.3 * torch.rand(count, 1, 3, generator=generator, device=device)
    )
    along = torch.rand(count, points, 1, generator=generator, device=device)
    directions = torch.eye(3, device=device)[torch.arange(points, device=device) % 3]
    jitter = torch.randn(count, points, 3, generator=generator, device=device)
    return along * directions * lengths + noise * jitter


def plane(points: int, rng: np.random.Generator) -> Float[np.ndarray, "n 3"]:
    """Draw one aeroplane: nose to +x, wings along y, fin to +z, centred, farthest point at distance 1."""
    length, radius = rng.uniform(0.8, 1.2), rng.uniform(0.05, 0.10)
    wing = (rng.uniform(0.7, 1.2), rng.uniform(0.12, 0.25), rng.uniform(0.0, 0.35))
    tail = (rng.uniform(0.25, 0.40), 0.5 * wing[1], wing[2])
    fin_height, rear = rng.uniform(0.15, 0.30), -0.42 * length
    parts: list[tuple[float, Callable[[int], np.ndarray]]] = [
        (2 * math.pi * radius * length * 0.85, lambda n: _fuselage(length, radius, n, rng)),
        (0.8 * wing[0] * wing[1], lambda n: _moved(_wing(*wing, n, rng), 0.1 * length, 0)),
        (0.8 * tail[0] * tail[1], lambda n: _moved(_wing(*tail, n, rng), rear, 0.3 * radius)),
        (0.8 * fin_height * tail[1], lambda n: _moved(_fin(fin_height, tail[1], n, rng), rear, 0)),
    ]
    areas = np.array([area for area, _ in parts])
    counts = rng.multinomial(points, areas / areas.sum())
    cloud = np.concatenate([draw(int(count)) for (_, draw), count in zip(parts, counts, strict=True)])
    return centred(rng.permutation(cloud))


def _fuselage(length: float, radius: float, count: int, rng: np.random.Generator) -> Float[np.ndarray, "n 3"]:
    """Draw on a body of revolution with r(t) = r sqrt(1 - |2t - 1|^3), weighting its rings by their girth."""
    grid = np.linspace(0, 1, 401)
    girth = np.cumsum(np.sqrt(1 - np.abs(2 * grid - 1) ** 3))
    t = np.interp(rng.random(count) * girth[-1], girth, grid)
    around = rng.uniform(0, 2 * math.pi, count)
    ring = radius * np.sqrt(1 - np.abs(2 * t - 1) ** 3)
    return np.column_stack([length * (t - 0.5), ring * np.cos(around), ring * np.sin(around)])


def _wing(span: float, chord: float, sweep: float, count: int, rng: np.random.Generator) -> Float[np.ndarray, "n 3"]:
    """Draw on two swept trapezoids whose tip chord is 0.6 of the root chord (uniform: chords weight the span)."""
    out = _towards_root(rng.random(count))
    x = (rng.random(count) - 0.5) * chord * (1 - 0.4 * out) - sweep * out * span / 2
    return np.column_stack([x, rng.choice((-0.5, 0.5), count) * span * out, np.zeros(count)])


def _fin(height: float, chord: float, count: int, rng: np.random.Generator) -> Float[np.ndarray, "n 3"]:
    up = _towards_root(rng.random(count))
    return np.column_stack([(rng.random(count) - 0.5) * chord * (1 - 0.4 * up), np.zeros(count), height * up])


def _moved(points: Float[np.ndarray, "n 3"], forward: float, up: float) -> Float[np.ndarray, "n 3"]:
    return points + np.array([forward, 0.0, up])


def _towards_root(u: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Invert the distribution function (s - 0.2 s^2) / 0.8 of a place on a trapezoid that narrows to 0.6."""
    return (1 - np.sqrt(1 - 0.64 * u)) / 0.4


def plane_library(rng: np.random.Generator) -> Iterator[Progress | Float[np.ndarray, "c n 3"]]:
    """Draw aeroplanes for training and test together, saying Progress; the clouds come last."""
    total = sum(PLANES)
    clouds = []
    for index in range(total):
        clouds.append(plane(PLANE_POINTS, rng))
        if index % 30 == 0:
            yield Progress("Building aeroplanes", index / total)
    yield np.stack(clouds)


def file_library(path: Path, whole_folder: bool, rng: np.random.Generator) -> Iterator[Progress | np.ndarray]:
    """Read one shape or all of its folder as clouds (c, n, 3), saying Progress; the clouds come last.

    Raises UserError naming the file that cannot be used.
    """
    if not path.exists():
        raise UserError(f"{path.name} is not there.")
    paths = shapes_beside(path) if whole_folder or path.is_dir() else [path]
    if not paths:
        raise UserError(f"{path.name} holds no shapes.")
    if len(paths) > MAX_FILES:
        raise UserError(f"{path.name} holds {len(paths)} shapes, more than the {MAX_FILES} allowed.")
    clouds = []
    for index, item in enumerate(paths):
        clouds.append(centred(load_cloud(item, FILE_POINTS, rng)))
        yield Progress(f"Reading {item.name}", (index + 1) / len(paths))
    yield np.stack(clouds)


def most_symmetric(clouds: Float[np.ndarray, "c n 3"]) -> float:
    """Largest ratio of two second moments among the clouds, or 0 if none is nearly symmetric."""
    worst = max(symmetry_ratio(cloud) for cloud in clouds)
    return worst if worst > NEARLY_SYMMETRIC else 0.0


_BODY: tuple[tuple[str, int, tuple[float, float, float]], ...] = (
    ("hip", -1, (0, 0, 0)),
    ("abdomen", 0, (0, 20.7, -0.7)),
    ("chest", 1, (0, 11.7, -0.5)),
    ("neck", 2, (0, 22.2, -2.2)),
    ("head", 3, (0, 7.1, 1.2)),
    ("rCollar", 2, (-2.7, 19.3, -4.9)),
    ("rShldr", 5, (-8.8, -2, 1.5)),
    ("rForeArm", 6, (-28.2, -1.7, 0.5)),
    ("rHand", 7, (-22.6, 0.8, 7)),
    ("lCollar", 2, (2.7, 19.3, -4.9)),
    ("lShldr", 9, (8.8, -2, 1.5)),
    ("lForeArm", 10, (28.2, -1.7, 0.5)),
    ("lHand", 11, (22.6, 0.8, 7)),
    ("rThigh", 0, (-8.8, 2.7, -1)),
    ("rShin", 13, (0, -36.8, 0.7)),
    ("rFoot", 14, (0.7, -45.1, -5.1)),
    ("rToe", 15, (-1.1, -3.7, 12.1)),
    ("lThigh", 0, (8.8, 2.7, -1)),
    ("lShin", 17, (0, -36.8, 0.7)),
    ("lFoot", 18, (-0.7, -45.1, -5.1)),
    ("lToe", 19, (1.1, -3.7, 12.1)),
)
"""Joint, parent, offset in cm; y up, facing +z, arms along x."""
SWINGING = ("rShldr", "rForeArm", "lShldr", "lForeArm", "rThigh", "rShin", "lThigh", "lShin")
SWING_SD, STILL_SD = 0.6, 0.25  # radians
WALK_SECONDS = 1.2
FRAMES_PER_SECOND = 60


def default_skeleton() -> Skeleton:
    """Return the embedded skeleton of 21 joints, in metres."""
    return Skeleton(
        tuple(name for name, _, _ in _BODY),
        np.array([parent for _, parent, _ in _BODY], np.int64),
        np.array([offset for _, _, offset in _BODY], float) / 100,
        np.zeros(len(_BODY), bool),
    )


def random_poses(count: int, generator: torch.Generator) -> Float[Tensor, "b 21 3 3"]:
    """Draw joint angles R_x R_z R_y ~ N(0, 0.25 rad), 0.6 rad for shoulders, elbows, hips and knees."""
    spread = torch.tensor([SWING_SD if name in SWINGING else STILL_SD for name, _, _ in _BODY])
    angles = torch.randn(count, len(_BODY), 3, generator=generator, device=generator.device)
    return decode_euler(angles * spread[:, None].to(generator.device))


def walk_poses(phase: Float[Tensor, " b"], amplitude: Float[Tensor, " b"] | float = 1.0) -> Float[Tensor, "b 21 3 3"]:
    """Poses of a walk cycle at `phase` radians: hips, knees, shoulders and elbows as phase-shifted sines."""
    names = [name for name, _, _ in _BODY]
    vectors = torch.zeros(*phase.shape, len(names), 3, dtype=phase.dtype, device=phase.device)
    for side, shift in (("r", 0.0), ("l", math.pi)):
        swing = torch.sin(phase + shift) * amplitude
        # Turning about +x takes the leg (which points to -y) backwards, so a knee bends by positive angles.
        vectors[..., names.index(f"{side}Thigh"), 0] = -0.45 * swing - 0.05
        vectors[..., names.index(f"{side}Shin"), 0] = 0.35 + 0.3 * torch.sin(phase + shift + 0.6 * math.pi) * amplitude
        vectors[..., names.index(f"{side}Foot"), 0] = -0.15 + 0.15 * torch.sin(phase + shift + math.pi) * amplitude
        outward = -1.0 if side == "r" else 1.0
        vectors[..., names.index(f"{side}ForeArm"), 1] = -outward * (0.45 + 0.2 * swing)
    vectors[..., names.index("abdomen"), 1] = 0.12 * torch.sin(phase) * amplitude
    rotations = rotation_vector_to_matrix(vectors)
    for side, outward, shift in (("r", -1.0, math.pi), ("l", 1.0, 0.0)):
        down = _about(2, torch.full_like(phase, -outward * 1.25))
        swing = _about(0, -0.4 * torch.sin(phase + shift) * amplitude)
        rotations[..., names.index(f"{side}Shldr"), :, :] = swing @ down
    return rotations


def _about(axis: int, angle: Float[Tensor, " b"]) -> Float[Tensor, "b 3 3"]:
    return rotation_vector_to_matrix(angle[..., None] * torch.eye(3, dtype=angle.dtype, device=angle.device)[axis])


def varied_walk_poses(count: int, generator: torch.Generator) -> Float[Tensor, "b 21 3 3"]:
    """Draw poses of walks with random phase and stride, each joint disturbed by 0.08 rad."""
    device = generator.device
    phase = 2 * math.pi * torch.rand(count, generator=generator, device=device)
    stride = 0.5 + torch.rand(count, generator=generator, device=device)
    noise = 0.08 * torch.randn(count, len(_BODY), 3, generator=generator, device=device)
    return walk_poses(phase, stride) @ rotation_vector_to_matrix(noise)


def turned(
    poses: Float[Tensor, "b j 3 3"], degrees: float, generator: torch.Generator, *, together: bool = False
) -> Float[Tensor, "b j 3 3"]:
    """Turn poses about the vertical by angles uniform in +-degrees/2; `together` turns a clip by one angle."""
    count = 1 if together else len(poses)
    share = torch.rand(count, generator=generator, device=generator.device) - 0.5
    yaw = _about(1, math.radians(degrees) * share)
    return torch.cat([(yaw @ poses[:, 0])[:, None], poses[:, 1:]], dim=1)


def walk_motion(frames: int) -> Motion:
    """Return a walk of the embedded skeleton at 60 frames a second, turning once about the vertical meanwhile."""
    time = torch.arange(frames, dtype=torch.float64)
    rotations = walk_poses(2 * math.pi * time / (WALK_SECONDS * FRAMES_PER_SECOND))
    yaw = _about(1, 2 * math.pi * time / frames)
    rotations[:, 0] = yaw @ rotations[:, 0]
    return Motion(default_skeleton(), rotations.numpy(), np.zeros((frames, 3)), 1 / FRAMES_PER_SECOND)
