"""The operators of the paper: how inputs are drawn, what the true answer is, and where it may be asked for.

Every problem works on functions sampled on nodes of its own; inputs reach networks through a matrix that reads the
sensors. Table 4.2 of the dossier's sources: the authors' data code.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from workbench.sdk import UserError
from workbench.toolkit.ode_solvers import antiderivative, nonlinear, pendulum, rk4_on_grid
from workbench.toolkit.pde_1d import advection_diffusion, diffusion_reaction, wendroff
from workbench.toolkit.random_functions import (
    FINE_NODES,
    GaussianProcess,
    Kernel,
    chebyshev_series,
    interpolation_matrix,
    power_series,
)

if TYPE_CHECKING:
    from plugins.deeponet.contract import ProblemParameters

Functions = Float[np.ndarray, "b n"]
PDE_NODES = 100
LEGENDRE_DEGREES = 20
CAPUTO_ORDERS = (0.01, 0.99, 25)
"""Lowest and highest order, and how many of them."""
CHEBYSHEV_TERMS, POWER_TERMS, SERIES_BOUND = 20, 100, 1.0


@dataclass(frozen=True)
class Space:
    """A family of input functions on [start, end]."""

    kind: str
    length_scale: float
    start: float
    end: float
    nodes: int

    @property
    def x(self) -> Float[np.ndarray, " n"]:
        """Nodes."""
        return np.linspace(self.start, self.end, self.nodes)

    @property
    def process(self) -> GaussianProcess:
        """The Gaussian process; for series, the RBF process of this length scale, as a yardstick."""
        kernel: Kernel = "exponential" if self.kind == "grf_ae" else "rbf"
        return GaussianProcess(kernel, self.length_scale, self.start, self.end, self.nodes)

    @property
    def degree(self) -> Any:
        """Of interpolation between nodes: rough functions are read linearly."""
        return 1 if self.kind == "grf_ae" else 3

    def sample(self, count: int, rng: np.random.Generator) -> Functions:
        """Draw functions on the nodes."""
        share = (self.x - self.start) / (self.end - self.start)
        if self.kind == "chebyshev":
            return chebyshev_series(count, CHEBYSHEV_TERMS, SERIES_BOUND, share, rng)
        if self.kind == "power":
            return power_series(count, POWER_TERMS, SERIES_BOUND, share, rng)
        return self.process.sample(count, rng)


@dataclass(frozen=True)
class Problem:
    """One operator u -> s. Outputs live on the grid of `axes`; `solve` maps functions on nodes (b, n) to (b, *grid)."""

    space: Space
    axes: tuple[Float[np.ndarray, " q"], ...]
    title: str
    equation: str
    input_label: str = "u(x)"
    output_label: str = "s(x)"
    axis_labels: tuple[str, ...] = ("x",)
    is_ode: bool = False
    is_discrete: bool = False
    lipschitz: float | None = None
    """Constant c of the bound c T kappa e^(c T) on what the sensors lose (theorem 2), where the paper has one."""
    extra: dict[str, float] = field(default_factory=dict)

    def solve(self, u: Functions) -> np.ndarray:
        """The true answers."""
        raise NotImplementedError

    @property
    def nodes(self) -> Float[np.ndarray, " n"]:
        """Where inputs are sampled."""
        return self.space.x

    @property
    def dimensions(self) -> int:
        """Coordinates of an output location."""
        return len(self.axes)

    @property
    def locations(self) -> Float[np.ndarray, "q d"]:
        """All grid points, first axis slowest."""
        return np.stack(np.meshgrid(*self.axes, indexing="ij"), -1).reshape(-1, self.dimensions)

    def reader(self, places: Float[np.ndarray, " m"]) -> Float[np.ndarray, "n m"]:
        """Matrix that takes functions on the nodes to their values at `places` (clamped to the interval)."""
        return interpolation_matrix(self.nodes, places, self.space.degree).T

    def from_drawing(self, values: Float[np.ndarray, " k"]) -> Functions:
        """Functions on the nodes from equispaced values that a person drew. Raises UserError for other input."""
        values = np.asarray(values, float)
        if values.ndim != 1 or len(values) < 4 or not np.isfinite(values).all():
            raise UserError("A drawn function is four or more finite numbers, equally spaced.")
        drawn = np.linspace(self.space.start, self.space.end, len(values))
        return (interpolation_matrix(drawn, self.nodes, self.space.degree) @ values)[None]


class Antiderivative(Problem):
    """s' = u, s(0) = 0."""

    def solve(self, u: Functions) -> Float[np.ndarray, "b n"]:
        """By the trapezoid rule on all nodes (order 2)."""
        return antiderivative(u, self.space.end)


class NonlinearODE(Problem):
    """s' = -s^2 + u, s(0) = 0: may blow up, then the values are not finite."""

    def solve(self, u: Functions) -> Float[np.ndarray, "b q"]:
        """By Runge-Kutta, every second node a step (order 4)."""
        with np.errstate(over="ignore", invalid="ignore"):
            return rk4_on_grid(nonlinear, u, (0.0,), self.space.end)[..., 0]


class Pendulum(Problem):
    """s1' = s2, s2' = -k sin s1 + u, from rest; the angle s1 is asked for."""

    def solve(self, u: Functions) -> Float[np.ndarray, "b q"]:
        """By Runge-Kutta (order 4)."""
        return rk4_on_grid(pendulum(self.extra["k"]), u, (0.0, 0.0), self.space.end)[..., 0]


class DiffusionReaction(Problem):
    """s_t = D s_xx + k s^2 + u(x), zero at first and at both ends."""

    def solve(self, u: Functions) -> Float[np.ndarray, "b x t"]:
        """By the authors' implicit scheme on 100 x 100 points (order 2)."""
        return diffusion_reaction(u, self.extra["D"], self.extra["k"], PDE_NODES)


class Legendre(Problem):
    """J_n(f) = integral of P_n f over [-1, 1], n = 0 .. 19."""

    def solve(self, u: Functions) -> Float[np.ndarray, "b 20"]:
        """By the trapezoid rule on 10 000 points of the cubic interpolant."""
        return u @ self._weights

    @property
    def _weights(self) -> Float[np.ndarray, "n 20"]:
        return _legendre_weights(self.space.nodes, self.space.degree)


@lru_cache(maxsize=4)
def _legendre_weights(nodes: int, degree: Any) -> Float[np.ndarray, "n 20"]:
    fine = np.linspace(-1, 1, 10_001)
    weights = np.full(len(fine), 2.0 / (len(fine) - 1))
    weights[[0, -1]] *= 0.5
    polynomials = np.polynomial.legendre.legvander(fine, LEGENDRE_DEGREES - 1)
    return interpolation_matrix(np.linspace(-1, 1, nodes), fine, degree).T @ (weights[:, None] * polynomials)


class Advection(Problem):
    """s_t + a s_x = 0 in the paper's four settings; a, and what the input is, differ."""

    def solve(self, u: Functions) -> Float[np.ndarray, "b x t"]:
        """Exact for I, else by Wendroff's box scheme (order 2)."""
        x = t = np.linspace(0, 1, PDE_NODES)
        which, ones = int(self.extra["which"]), np.ones((len(u), PDE_NODES))
        at_nodes = u @ self.reader(x)
        if which == 1:
            places = np.sin(np.pi * ((x[:, None] - t[None]) % 1.0)) ** 2
            return (u @ self.reader(places.ravel())).reshape(len(u), PDE_NODES, PDE_NODES)
        if which == 2:
            return wendroff(ones, x * at_nodes, np.zeros((len(u), PDE_NODES)))
        if which == 3:
            inflow = np.broadcast_to(np.sin(np.pi * t), ones.shape)
            return wendroff(1 + 0.1 * at_nodes, np.broadcast_to(x**2, ones.shape), inflow)
        speed = 1 + 0.05 * (at_nodes + at_nodes[:, ::-1])
        return wendroff(speed, np.broadcast_to(np.sin(2 * np.pi * x), ones.shape), None, nt=PDE_NODES)


class AdvectionDiffusion(Problem):
    """s_t + s_x - 0.1 s_xx = 0, periodic, s(x, 0) = V(sin^2 pi x)."""

    def solve(self, u: Functions) -> Float[np.ndarray, "b x t"]:
        """By Crank-Nicolson: 991 levels, every tenth kept (order 2)."""
        x = np.linspace(0, 1, PDE_NODES)
        start = u @ self.reader(np.sin(np.pi * x) ** 2)
        return advection_diffusion(start, 0.1, 991, 10)


def caputo_derivatives(u: Functions, length: float, orders: Float[np.ndarray, " k"]) -> Float[np.ndarray, "b n k"]:
    """D^a u(y) = integral of (y - x)^(-a) u'(x) / Gamma(1 - a) on all nodes, for orders a in (0, 1).

    By the L1 scheme, exact for piecewise linear u (order 2 - a).
    """
    n = u.shape[1] - 1
    h, j, size = length / n, np.arange(n), 2 * n
    slopes = np.fft.rfft(np.diff(u, axis=1), size, axis=1)
    found = np.zeros((*u.shape, len(orders)))
    for column, alpha in enumerate(orders):
        weights = (j + 1.0) ** (1 - alpha) - j ** (1 - alpha)
        product = np.fft.irfft(slopes * np.fft.rfft(weights, size), size, axis=1)[:, :n]
        found[:, 1:, column] = product * h**-alpha / math.gamma(2 - alpha)
    return found


class Caputo(Problem):
    """Caputo derivative of order alpha in (0, 1)."""

    def solve(self, u: Functions) -> Float[np.ndarray, "b q"]:
        """By the L1 scheme (order 2 - alpha)."""
        return caputo_derivatives(u, self.space.end - self.space.start, np.array([self.extra["alpha"]]))[..., 0]


class CaputoOrders(Problem):
    """Caputo derivatives of all orders at once: the location is (y, alpha), as in the journal version."""

    def solve(self, u: Functions) -> Float[np.ndarray, "b y a"]:
        """By the L1 scheme (order 2 - alpha), on every tenth node."""
        every = (self.space.nodes - 1) // (len(self.axes[0]) - 1)
        return caputo_derivatives(u, self.space.end - self.space.start, self.axes[1])[:, ::every]


def build_problem(own: ProblemParameters) -> Problem:
    """Make the problem that the parameters name, with its input space."""
    name, kind, scale = own.problem, own.space, own.length_scale
    line = np.linspace(0.0, 1.0, PDE_NODES)
    pde = {"axes": (line, line), "axis_labels": ("x", "t"), "output_label": "s(x, t)"}
    unit = Space(kind, scale, 0.0, 1.0, FINE_NODES)
    if name in ("antiderivative", "nonlinear", "pendulum"):
        duration = own.duration
        nodes = 2 * max(100, round(FINE_NODES * duration / 2)) + 1
        space = Space(kind, scale, 0.0, duration, nodes)
        if name == "antiderivative":
            return Antiderivative(space, (space.x,), "Antiderivative", "s′ = u,  s(0) = 0", is_ode=True, lipschitz=1.0)
        axes = (space.x[::2],)
        if name == "nonlinear":
            return NonlinearODE(space, axes, "Nonlinear ODE", "s′ = −s² + u,  s(0) = 0", is_ode=True)
        return Pendulum(
            space, axes, "Gravity pendulum", "s₁′ = s₂,  s₂′ = −k sin s₁ + u(t)", "u(t)", "angle s₁(t)", ("t",),
            is_ode=True, lipschitz=max(1.0, own.pendulum_k), extra={"k": own.pendulum_k},
        )  # fmt: skip
    if name == "diffusion_reaction":
        space = Space(kind, scale, 0.0, 1.0, PDE_NODES)
        extra = {"D": own.diffusivity, "k": own.reaction}
        return DiffusionReaction(
            space, title="Diffusion–reaction", equation="s_t = D s_xx + k s² + u(x)", extra=extra, **pde
        )
    if name == "legendre":
        space = Space(kind, scale, -1.0, 1.0, 2 * FINE_NODES)
        degrees = np.arange(float(LEGENDRE_DEGREES))
        return Legendre(
            space, (degrees,), "Legendre transform", "J_n = ∫ P_n f", "f(x)", "J_n(f)", ("n",), is_discrete=True
        )
    if name == "caputo":
        return Caputo(
            unit, (unit.x,), "Caputo derivative", "D^α u", "u(x)", "D^α u(y)", ("y",), extra={"alpha": own.alpha}
        )
    if name == "caputo_orders":
        fine = Space(kind, scale, 0.0, 1.0, FINE_NODES + 1)
        return CaputoOrders(
            fine, (fine.x[::10], np.linspace(*CAPUTO_ORDERS)), "Caputo, all orders", "D^α u(y),  0 < α < 1", "u(x)",
            "D^α u(y)", ("y", "α"),
        )  # fmt: skip
    if name == "advection_diffusion":
        return AdvectionDiffusion(
            unit, title="Advection–diffusion", equation="s_t + s_x − 0.1 s_xx = 0, periodic", input_label="V(x)", **pde
        )
    which = {"advection_1": 1, "advection_2": 2, "advection_3": 3, "advection_4": 4}[name]
    equations = {
        1: "s_t + s_x = 0, periodic, s(x,0) = V(sin² πx)",
        2: "s_t + s_x = 0, s(x,0) = x V(x), s(0,t) = 0",
        3: "s_t + (1 + 0.1 V) s_x = 0, s(x,0) = x², s(0,t) = sin πt",
        4: "s_t + (1 + 0.05 (V(x) + V(1−x))) s_x = 0, s(x,0) = sin 2πx",
    }
    return Advection(
        unit, title=f"Advection {'I' * which if which < 4 else 'IV'}", equation=equations[which], input_label="V(x)",
        extra={"which": float(which)}, **pde,
    )  # fmt: skip
