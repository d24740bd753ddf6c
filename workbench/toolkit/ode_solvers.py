"""Ordinary differential equations driven by a sampled function, for many functions at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float

RightHandSide = Callable[[Any, Any, float], Any]
"""g(s, u, t): time derivative of the states s (b, d) under the inputs u (b,), both of one library."""


def rk4_on_grid(right_hand_side: RightHandSide, inputs: Any, start: Any, duration: float) -> Any:
    """Classical Runge-Kutta (order 4): states (b, (n + 1) // 2, d) at every second node of inputs u (b, n).

    The nodes between serve as midpoints, so nothing is interpolated. numpy and torch alike; with torch the answer is
    differentiable in the inputs. `start` is (d,) or (b, d). Raises ValueError for an even number of nodes.
    """
    nodes = inputs.shape[-1]
    if nodes % 2 == 0 or nodes < 3:
        raise ValueError(f"an odd number of nodes (3 or more) is needed, not {nodes}")
    step = 2 * duration / (nodes - 1)
    is_numpy = isinstance(inputs, np.ndarray)
    if is_numpy:
        state = np.broadcast_to(np.asarray(start, inputs.dtype), (len(inputs), np.shape(start)[-1])).copy()
    else:
        state = inputs.new_tensor(start).expand(len(inputs), -1)
    states: list[Any] = [state]
    for index in range(0, nodes - 1, 2):
        t = 0.5 * index * step
        first, middle, last = inputs[:, index], inputs[:, index + 1], inputs[:, index + 2]
        k1 = right_hand_side(state, first, t)
        k2 = right_hand_side(state + 0.5 * step * k1, middle, t + 0.5 * step)
        k3 = right_hand_side(state + 0.5 * step * k2, middle, t + 0.5 * step)
        k4 = right_hand_side(state + step * k3, last, t + step)
        state = state + (step / 6) * (k1 + 2 * (k2 + k3) + k4)
        states.append(state)
    if is_numpy:
        return np.stack(states, 1)
    import torch

    return torch.stack(states, 1)


def antiderivative(u: Float[np.ndarray, "b n"], duration: float) -> Float[np.ndarray, "b n"]:
    """Integral from 0 by the trapezoid rule on equispaced nodes (order 2)."""
    step = duration / (u.shape[-1] - 1)
    found = np.zeros_like(u)
    np.cumsum(0.5 * step * (u[..., 1:] + u[..., :-1]), axis=-1, out=found[..., 1:])
    return found


def nonlinear(s: Any, u: Any, t: float) -> Any:
    """S' = -s^2 + u; from rest with u = 1 it is tanh, with u = -c^2 it is -c tan(c x), which ends at pi / (2 c)."""
    return -s * s + u[..., None]


def pendulum(k: float) -> RightHandSide:
    """s1' = s2, s2' = -k sin s1 + u(t), by the states (b, 2)."""

    def swing(s: Any, u: Any, t: float) -> Any:
        if isinstance(s, np.ndarray):
            return np.stack([s[..., 1], -k * np.sin(s[..., 0]) + u], -1)
        import torch

        return torch.stack([s[..., 1], -k * torch.sin(s[..., 0]) + u], -1)

    return swing
