"""Skeletons and recorded motion: one data model for BVH and ASF/AMC files, and the BVH writer.

Lengths are metres, angles radians, matrices act on column vectors; joint 0 is the root and parents come first.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int64

from workbench.sdk import UserError

MAX_BYTES = 256_000_000
MAX_JOINTS = 500
MAX_FRAMES = 1_000_000
MAX_VALUES = 20_000_000
METRES_PER_BVH_UNIT = 0.01  # BVH files of the CMU collection are in centimetres


@dataclass(frozen=True)
class Skeleton:
    """A tree of joints: `parents[i] < i`, -1 for the root; `offsets` from the parent in the parent's rest frame."""

    names: tuple[str, ...]
    parents: Int64[np.ndarray, " j"]
    offsets: Float[np.ndarray, "j 3"]
    is_end_site: Bool[np.ndarray, " j"]

    def __post_init__(self) -> None:
        count = len(self.names)
        if not (len(self.parents) == len(self.offsets) == len(self.is_end_site) == count > 0):
            raise ValueError("names, parents, offsets and is_end_site must have one entry for each joint")
        if self.parents[0] != -1 or any(not 0 <= parent < child for child, parent in enumerate(self.parents[1:], 1)):
            raise ValueError("parents must come before their children, after one root with parent -1")

    def __len__(self) -> int:
        return len(self.names)

    @property
    def root_children(self) -> tuple[int, ...]:
        """Joints whose positions pin the root's rotation."""
        return tuple(int(index) for index in np.flatnonzero(self.parents == 0))


@dataclass(frozen=True)
class Motion:
    """A skeleton's local rotations (f, j, 3, 3) and root positions (f, 3) over frames `frame_time` seconds apart."""

    skeleton: Skeleton
    rotations: Float[np.ndarray, "f j 3 3"]
    root_positions: Float[np.ndarray, "f 3"]
    frame_time: float

    def __len__(self) -> int:
        return len(self.rotations)


def forward_kinematics(skeleton: Skeleton, rotations: Float[np.ndarray, "f j 3 3"]) -> Float[np.ndarray, "f j 3"]:
    """Joint positions with the root at the origin: p_i = p_parent + G_parent o_i, G_i = G_parent R_i."""
    orientation = np.empty_like(rotations)
    positions = np.zeros((*rotations.shape[:2], 3), rotations.dtype)
    orientation[:, 0] = rotations[:, 0]
    for joint in range(1, len(skeleton)):
        parent = skeleton.parents[joint]
        positions[:, joint] = positions[:, parent] + orientation[:, parent] @ skeleton.offsets[joint]
        orientation[:, joint] = orientation[:, parent] @ rotations[:, joint]
    return positions


def axis_rotation(axis: str, angle: Float[np.ndarray, "*b"]) -> Float[np.ndarray, "*b 3 3"]:
    """Rotations about a coordinate axis "X", "Y" or "Z" by `angle` radians."""
    index = "XYZ".index(axis)
    i, k = (index + 1) % 3, (index + 2) % 3
    matrix = np.zeros((*np.shape(angle), 3, 3))
    cosine, sine = np.cos(angle), np.sin(angle)
    matrix[..., index, index] = 1
    matrix[..., i, i] = matrix[..., k, k] = cosine
    matrix[..., k, i], matrix[..., i, k] = sine, -sine
    return matrix


def euler_rotation(order: str, angles: Float[np.ndarray, "*b n"]) -> Float[np.ndarray, "*b 3 3"]:
    """Product of axis rotations in the order as written (intrinsic), e.g. R_z R_x R_y for "ZXY"; angles in radians."""
    matrix = np.broadcast_to(np.eye(3), (*angles.shape[:-1], 3, 3))
    for place, axis in enumerate(order):
        matrix = matrix @ axis_rotation(axis, angles[..., place])
    return matrix


def zxy_angles(matrix: Float[np.ndarray, "*b 3 3"]) -> Float[np.ndarray, "*b 3"]:
    """Angles (z, x, y) in radians with R = R_z R_x R_y; at gimbal lock (x = +-90 degrees) y = 0."""
    cosine = np.hypot(matrix[..., 2, 0], matrix[..., 2, 2])
    is_locked = cosine < 1e-9
    x = np.arctan2(matrix[..., 2, 1], cosine)
    z = np.where(
        is_locked,
        np.arctan2(matrix[..., 1, 0], matrix[..., 0, 0]),
        np.arctan2(-matrix[..., 0, 1], matrix[..., 1, 1]),
    )
    y = np.where(is_locked, 0.0, np.arctan2(-matrix[..., 2, 0], matrix[..., 2, 2]))
    return np.stack([z, x, y], -1)


def load_motion(path: Path, skeleton_path: Path | None = None) -> Motion:
    """Read a .bvh file, or an .amc file with its .asf skeleton (`skeleton_path`, or the only one beside it).

    Raises UserError with one sentence that names the file and, where it applies, the line.
    """
    from workbench.toolkit.acclaim import read_acclaim
    from workbench.toolkit.bvh import read_bvh

    suffix = path.suffix.lower()
    if suffix == ".bvh":
        return read_bvh(path)
    if suffix == ".amc":
        return read_acclaim(skeleton_path or _skeleton_beside(path), path)
    raise UserError(f"{path.name} is not a motion file: expected .bvh, or .amc with its .asf.")


def _skeleton_beside(path: Path) -> Path:
    same_name = path.with_suffix(".asf")
    if same_name.exists():
        return same_name
    found = sorted(path.parent.glob("*.asf")) if path.parent.is_dir() else []
    if len(found) == 1:
        return found[0]
    number = f"{len(found)} .asf files lie" if found else "no .asf file lies"
    raise UserError(f"{path.name} needs its skeleton, but {number} beside it: choose one.")


def read_lines(path: Path) -> list[str]:
    """Lines of a text file that is not too large; raise UserError otherwise."""
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise UserError(f"{path.name} has {size / 1e6:.0f} MB, more than the {MAX_BYTES / 1e6:.0f} MB allowed.")
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise UserError(f"{path.name} cannot be read: {error.strerror or error}.") from None


def problem(path: Path, line: int, sentence: str) -> UserError:
    """Return the error that names file and line (counted from 1)."""
    return UserError(f"{path.name}, line {line}: {sentence}")


def write_bvh(path: Path, motion: Motion) -> None:
    """Write a motion as BVH in centimetres, channels Zrotation Xrotation Yrotation; `read_bvh` reads it back."""
    skeleton = motion.skeleton
    children: list[list[int]] = [[] for _ in skeleton.names]
    for child, parent in enumerate(skeleton.parents[1:], 1):
        children[int(parent)].append(child)
    lines, order = ["HIERARCHY"], []

    def describe(joint: int, depth: int) -> None:
        pad = "\t" * depth
        offset = " ".join(f"{value / METRES_PER_BVH_UNIT:.6f}" for value in skeleton.offsets[joint])
        if skeleton.is_end_site[joint] and not children[joint] and joint:
            lines.extend([f"{pad}End Site", f"{pad}{{", f"{pad}\tOFFSET {offset}", f"{pad}}}"])
            return
        order.append(joint)
        channels = "6 Xposition Yposition Zposition" if joint == 0 else "3"
        lines.append(f"{pad}{'JOINT' if joint else 'ROOT'} {skeleton.names[joint].replace(' ', '_')}")
        lines.extend([f"{pad}{{", f"{pad}\tOFFSET {offset}"])
        lines.append(f"{pad}\tCHANNELS {channels} Zrotation Xrotation Yrotation")
        for child in children[joint]:
            describe(child, depth + 1)
        if not children[joint]:
            lines.extend([f"{pad}\tEnd Site", f"{pad}\t{{", f"{pad}\t\tOFFSET 0 0 0", f"{pad}\t}}"])
        lines.append(f"{pad}}}")

    describe(0, 0)
    angles = np.degrees(zxy_angles(motion.rotations[:, order])).reshape(len(motion), -1)
    values = np.concatenate([motion.root_positions / METRES_PER_BVH_UNIT, angles], axis=1)
    lines += ["MOTION", f"Frames: {len(motion)}", f"Frame Time: {motion.frame_time:.7f}"]
    lines += [" ".join(f"{value:.6f}" for value in row) for row in values]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
