"""Forward kinematics as a differentiable batched operation, and reaching for a target by damped least squares."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from workbench.toolkit.motion import Skeleton, axis_rotation, forward_kinematics
from workbench.toolkit.rotations import rotation_vector_to_matrix

REACH_STEPS = 30
DAMPING_METRES = 0.05
LARGEST_TURN = 0.3  # radians a joint may turn in one step
LONGEST_CHAIN = 4


class ForwardKinematics:
    """Joint positions from local rotations: p_i = p_parent + G_parent o_i, G_i = G_parent R_i, root at the origin.

    Joints of one depth are computed together, so a skeleton costs as many steps as it is deep.
    """

    def __init__(self, skeleton: Skeleton, device: torch.device, dtype: torch.dtype = torch.float32) -> None:
        depth = np.zeros(len(skeleton), int)
        for joint, parent in enumerate(skeleton.parents[1:], 1):
            depth[joint] = depth[parent] + 1
        self._levels: list[tuple[Tensor, Tensor, Tensor]] = []
        above = [0]
        order = [0]
        for level in range(1, int(depth.max()) + 1):
            joints = [int(joint) for joint in np.flatnonzero(depth == level)]
            places = [above.index(int(skeleton.parents[joint])) for joint in joints]
            offsets = torch.tensor(skeleton.offsets[joints], dtype=dtype, device=device)
            self._levels.append((torch.tensor(joints, device=device), torch.tensor(places, device=device), offsets))
            above = joints
            order += joints
        self._back = torch.tensor(np.argsort(order), device=device)

    def __call__(self, rotations: Float[Tensor, "*b j 3 3"]) -> Float[Tensor, "*b j 3"]:
        """Return the joints' positions in metres."""
        orientation = rotations[..., :1, :, :]
        position = torch.zeros_like(rotations[..., :1, :, 0])
        found = [position]
        for depth, (joints, parents, offsets) in enumerate(self._levels):
            from_parents = orientation.index_select(-3, parents)
            position = position.index_select(-2, parents) + (from_parents @ offsets[..., None]).squeeze(-1)
            found.append(position)
            if depth + 1 < len(self._levels):
                orientation = from_parents @ rotations.index_select(-3, joints)
        return torch.cat(found, dim=-2).index_select(-2, self._back)


def chain_to(skeleton: Skeleton, joint: int) -> list[int]:
    """Joints that turn so that `joint` moves: up to four ancestors, the root only if there is no other."""
    chain = []
    parent = int(skeleton.parents[joint])
    while parent > 0 and len(chain) < LONGEST_CHAIN:
        chain.append(parent)
        parent = int(skeleton.parents[parent])
    return chain or [0]


def reach(
    skeleton: Skeleton, rotations: Float[np.ndarray, "j 3 3"], joint: int, target: Float[np.ndarray, "3"]
) -> Float[np.ndarray, "j 3 3"]:
    """Turn the joints above `joint` until it is at `target` (metres, root at the origin) or as near as they get.

    Damped least squares on rotations about the three global axes at each joint of the chain.
    """
    turned = rotations.astype(np.float64)
    chain = chain_to(skeleton, joint)
    for _ in range(REACH_STEPS):
        orientation, positions = _pose(skeleton, turned)
        missing = target - positions[joint]
        if np.linalg.norm(missing) < 1e-3:
            break
        arms = positions[joint] - positions[chain]
        jacobian = np.concatenate([np.cross(np.eye(3), arm).T for arm in arms], axis=1)
        square = jacobian @ jacobian.T + DAMPING_METRES**2 * np.eye(3)
        turns = (jacobian.T @ np.linalg.solve(square, missing)).reshape(-1, 3)
        turns *= min(1.0, LARGEST_TURN / max(float(np.linalg.norm(turns, axis=1).max()), 1e-12))
        increments = rotation_vector_to_matrix(torch.from_numpy(turns)).numpy()
        for index, increment in zip(chain, increments, strict=True):
            parent = skeleton.parents[index]
            above = orientation[parent] if parent >= 0 else np.eye(3)
            turned[index] = above.T @ increment @ above @ turned[index]
    return turned


def _pose(skeleton: Skeleton, rotations: Float[np.ndarray, "j 3 3"]) -> tuple[np.ndarray, np.ndarray]:
    orientation = rotations.copy()
    for joint, parent in enumerate(skeleton.parents[1:], 1):
        orientation[joint] = orientation[parent] @ rotations[joint]
    return orientation, forward_kinematics(skeleton, rotations[None])[0]


def facing(skeleton: Skeleton, rotations: Float[np.ndarray, "j 3 3"], degrees: float) -> Float[np.ndarray, "j 3 3"]:
    """Turn a whole pose about the vertical."""
    turned = rotations.copy()
    turned[0] = axis_rotation("Y", np.radians(degrees)) @ turned[0]
    return turned
