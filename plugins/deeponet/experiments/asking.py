"""What asking a trained network needs: sensors that moved, the theorem's bound, and inputs that make it err."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from plugins.deeponet.frames import ProblemCard
from plugins.deeponet.model import DeepONet
from plugins.deeponet.problems import Antiderivative, Pendulum, Problem
from workbench.toolkit.ode_solvers import nonlinear, pendulum, rk4_on_grid
from workbench.toolkit.random_functions import interpolation_matrix

ASCENT_NODES = 201
"""Nodes of the differentiable solver: 100 steps of Runge-Kutta are exact to plotting accuracy."""


def card_of(problem: Problem) -> ProblemCard:
    """What the panel must know to draw a problem."""
    return ProblemCard(
        problem.title, problem.equation, problem.input_label, problem.output_label, problem.axis_labels, problem.axes,
        (problem.space.start, problem.space.end), problem.is_ode, problem.is_discrete,
    )  # fmt: skip


def fed_through(
    places: Float[np.ndarray, " k"], read: Float[np.ndarray, " k"], trained: Float[np.ndarray, " m"]
) -> Float[np.ndarray, " m"]:
    """What the trained positions see of sensors elsewhere: straight lines between these, their ends beyond."""
    return np.interp(trained, places, read)


def interpolation_loss(
    nodes: Float[np.ndarray, " n"], u: Float[np.ndarray, " n"], places: Float[np.ndarray, " k"],
    read: Float[np.ndarray, " k"],
) -> float:  # fmt: skip
    """Kappa of this u: the largest |u - u_m|, u_m the straight lines between what the sensors read."""
    return float(np.abs(u - np.interp(nodes, places, read)).max())


def operator_bound(problem: Problem, kappa: float) -> float:
    """C T kappa e^(c T) (theorem 2), NaN where the right-hand side has no Lipschitz constant."""
    if problem.lipschitz is None:
        return float("nan")
    power = problem.lipschitz * (problem.space.end - problem.space.start)
    return power * kappa * math.exp(power)


def relative(prediction: np.ndarray, truth: np.ndarray | None) -> float:
    """||s_hat - s|| / ||s||; NaN where there is no truth, it blew up, or it is zero."""
    if truth is None or not np.isfinite(truth).all():
        return float("nan")
    scale = float(np.linalg.norm(truth))
    return float(np.linalg.norm(prediction - truth)) / scale if scale > 0 else float("nan")


def solve_in_torch(problem: Problem, u: Float[Tensor, "b n"]) -> Float[Tensor, "b q"]:
    """The ODEs' answers on every second node, differentiable in u."""
    duration = problem.space.end
    if isinstance(problem, Antiderivative):
        step = duration / (u.shape[-1] - 1)
        inner = torch.cumsum(0.5 * step * (u[:, 1:] + u[:, :-1]), 1)
        return torch.cat((torch.zeros_like(u[:, :1]), inner), 1)[:, ::2]
    side = pendulum(problem.extra["k"]) if isinstance(problem, Pendulum) else nonlinear
    start = (0.0, 0.0) if isinstance(problem, Pendulum) else (0.0,)
    return rk4_on_grid(side, u, start, duration)[..., 0]


@torch.enable_grad()
def worst_ascent(
    problem: Problem, network: DeepONet, places: Float[np.ndarray, " m"], start: Float[np.ndarray, "1 n"],
    radius: float, steps: int,
) -> Iterator[Float[np.ndarray, "1 n"]]:  # fmt: skip
    """Gradient ascent on ||G_theta(u) - G(u)||^2 in the process's own coordinates, u = A z, |z| <= radius sqrt(rank).

    With radius 1 these are inputs as likely as a draw of the training process. Yields u on the problem's nodes.
    """
    space = problem.space
    nodes = np.linspace(space.start, space.end, ASCENT_NODES)
    coarse = type(space.process)(space.process.kernel, space.length_scale, space.start, space.end, ASCENT_NODES)
    factor = torch.from_numpy(coarse.factor)
    rank = factor.shape[1]
    known = torch.from_numpy((interpolation_matrix(space.x, nodes, 3) @ start[0]).copy())
    z = torch.linalg.lstsq(factor, known[:, None]).solution[:, 0]
    limit = radius * math.sqrt(rank)
    z = z * min(1.0, limit / max(float(z.norm()), 1e-12))
    reader = torch.from_numpy(interpolation_matrix(nodes, places, space.degree))
    device = next(network.parameters()).device
    y = torch.as_tensor(nodes[::2], dtype=torch.float32, device=device)[None, :, None]
    back = interpolation_matrix(nodes, space.x, 3)
    for _ in range(steps):
        z = z.detach().requires_grad_(True)
        u = (factor @ z)[None]
        seen = (u @ reader.T).float().to(device)[None]
        answer = network.aligned(seen, y)[0].cpu().double()
        error = (answer - solve_in_torch(problem, u)).square().mean()
        (slope,) = torch.autograd.grad(error, z)
        with torch.no_grad():
            z = z + 0.1 * limit * slope / slope.norm().clamp(min=1e-30)
            z = z * min(1.0, limit / max(float(z.norm()), 1e-12))
            yield (back @ (factor @ z).numpy())[None]
