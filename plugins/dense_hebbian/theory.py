"""Replica-symmetric theory of the supervised P-spin Hebbian network, for whole grids of control parameters.

Symbols: beta' = 2 beta / P! and T' = 1/beta'; rho = (1 - r^2) / (M r^2) the dataset entropy; gamma = P! K / (2 N^(P-1))
the load; m the Mattis magnetisation with the archetype, n the overlap with the data, q the Edwards-Anderson overlap.
The equations follow from the model's standard definition by the replica-symmetric ansatz; the pages of the paper that
print them could not be read, so they are checked against Monte Carlo and against stationarity of the pressure.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from workbench.toolkit.self_consistency import FixedPoint, finished, fixed_point_pieces, gaussian_nodes

Kernel = Literal["distinct", "full"]
Grid = Float[Tensor, "*grid"]


def dataset_entropy(r: float, examples: int) -> float:
    """Dataset entropy rho = (1 - r^2) / (M r^2); raises ValueError for r = 0, where examples carry nothing."""
    if r <= 0:
        raise ValueError("quality r = 0 makes examples that carry nothing (the dataset entropy is infinite)")
    return (1 - r**2) / (examples * r**2)


def second_moment(r: float, examples: int) -> float:
    """R = E chi^2 = r^2 + (1 - r^2) / M = r^2 (1 + rho)."""
    return r**2 + (1 - r**2) / examples


def load_of(patterns: int, neurons: int, order: int) -> float:
    """Load gamma = P! K / (2 N^(P-1)), the load in Gardner's normalisation; alpha = K / N for P = 2."""
    return math.factorial(order) * patterns / (2 * neurons ** (order - 1))


def patterns_at(gamma: float, neurons: int, order: int) -> int:
    """K = 2 gamma N^(P-1) / P!, at least one."""
    return max(1, round(2 * gamma * neurons ** (order - 1) / math.factorial(order)))


@dataclass(frozen=True)
class OrderParameters:
    """m, n, q on a grid, and whether the iteration converged there."""

    m: Grid
    n: Grid
    q: Grid
    converged: Tensor


def crosstalk(q: Tensor, gamma: Tensor, beta: Tensor, order: int, kernel: Kernel) -> Tensor:
    """Variance of the field that the other patterns make, divided by beta'^2.

    Distinct indices: gamma (P/2) q^(P-1). The full power adds the lower Hermite components of x^P, of the same order:
    sum over k of the same parity of k c_k^2 k! q^(k-1) / (2 (P-1)! P), for P = 4 gamma (2 q^3 + 3 q). P = 2 has the
    correlated noise of Amit, Gutfreund and Sompolinsky, q / (1 - beta' (1 - q))^2.
    """
    if order == 2:
        return gamma * q / (1 - beta * (1 - q)).square()
    if kernel == "distinct":
        return gamma * order / 2 * q ** (order - 1)
    total = torch.zeros_like(q)
    for k in range(2, order + 1, 2):
        hermite = math.factorial(order) / (
            math.factorial(k) * 2 ** ((order - k) // 2) * math.factorial((order - k) // 2)
        )
        covariance = hermite**2 * math.factorial(k)
        total = total + covariance * k / (2 * math.factorial(order)) * q ** (k - 1)
    return gamma * total


def signal(n: Tensor, rho: Tensor, order: int) -> Tensor:
    """Field of the retrieved pattern divided by beta': (P/2) (1 + rho)^(P/2 - 1) n^(P-1)."""
    return order / 2 * (1 + rho) ** (order / 2 - 1) * n ** (order - 1)


def _update(x: Tensor, beta: Tensor, gamma: Tensor, rho: Tensor, order: int, kernel: Kernel) -> Tensor:
    n, q = x[..., 1], x[..., 2]
    z, weights = (value.to(x.device) for value in gaussian_nodes())
    s = beta * signal(n, rho, order)
    deviation = torch.sqrt(rho * s.square() + beta.square() * crosstalk(q, gamma, beta, order, kernel))
    t = torch.tanh(s[..., None] + deviation[..., None] * z)
    m, q = t @ weights, t.square() @ weights
    n = m / (1 + rho) + rho / (1 + rho) * s * (1 - q)
    return torch.stack([m, n, q], -1)


def _broadcast(*values: Tensor | float) -> list[Tensor]:
    tensors = [torch.as_tensor(value, dtype=torch.float64) for value in values]
    return list(torch.broadcast_tensors(*tensors))


def solve_pieces(
    temperature: Grid | float,
    gamma: Grid | float,
    rho: Grid | float,
    order: int,
    *,
    kernel: Kernel = "distinct",
    start: Tensor | None = None,
    retrieval: bool = True,
    tolerance: float = 1e-10,
) -> Generator[float, None, OrderParameters]:
    """Solve for m, n, q at every point; T' = 0 uses the zero-temperature limit.

    Starts on the retrieval branch (1, 1/(1+rho), 1), or with `retrieval=False` on the glass branch (0, 0, 1), unless
    `start` (*grid, 3) gives a neighbouring solution to follow. All of T', gamma and rho broadcast. Yields the share
    that has converged, so that a large grid can be interrupted.
    """
    temperature, gamma, rho = _broadcast(temperature, gamma, rho)
    if start is None:
        m = torch.full_like(rho, float(retrieval))
        # For P = 2 at T' = 0 the third entry carries C = beta' (1 - q), which begins at 0.
        third = torch.where(temperature <= 0, 0.0, 1.0).to(m) if order == 2 else torch.ones_like(m)
        start = torch.stack([m, m / (1 + rho), third], -1)
    flat = [value.reshape(-1) for value in (temperature, gamma, rho)]

    def update(x: Tensor, index: Int[Tensor, " g"]) -> Tensor:
        t, g, e = (value[index] for value in flat)
        cold = t <= 0
        warm = _update(x, 1 / torch.where(cold, 1.0, t), g, e, order, kernel)
        return torch.where(cold[:, None], _update_cold(x, g, e, order, kernel), warm) if cold.any() else warm

    found: FixedPoint = yield from fixed_point_pieces(update, start.to(torch.float64), tolerance=tolerance)
    return OrderParameters(*found.values.unbind(-1), found.converged)


def solve(
    temperature: Grid | float,
    gamma: Grid | float,
    rho: Grid | float,
    order: int,
    *,
    kernel: Kernel = "distinct",
    start: Tensor | None = None,
    retrieval: bool = True,
    tolerance: float = 1e-10,
) -> OrderParameters:
    """Do all of `solve_pieces` at once."""
    return finished(
        solve_pieces(
            temperature, gamma, rho, order, kernel=kernel, start=start, retrieval=retrieval, tolerance=tolerance
        )
    )


def _update_cold(x: Tensor, gamma: Tensor, rho: Tensor, order: int, kernel: Kernel) -> Tensor:
    """T' -> 0: m = erf(G), n = m / (1 + rho) + rho / (1 + rho) sig C, q = 1 (P = 2: C = beta' (1 - q) is finite).

    The third entry carries C for P = 2, which the crosstalk needs, and 1 otherwise.
    """
    n = x[..., 1]
    sig = signal(n, rho, order)
    if order == 2:
        noise = gamma / (1 - x[..., 2].clamp(max=1 - 1e-9)).square()
    else:
        noise = crosstalk(torch.ones_like(n), gamma, torch.ones_like(n), order, kernel)
    deviation = torch.sqrt(rho * sig.square() + noise).clamp(min=1e-300)
    g = sig / (math.sqrt(2) * deviation)
    m = torch.erf(g)
    c = math.sqrt(2 / math.pi) * torch.exp(-g.square()) / deviation
    n = m / (1 + rho) + rho / (1 + rho) * sig * c
    return torch.stack([m, n, c if order == 2 else torch.ones_like(m)], -1)


def pressure(x: OrderParameters, temperature: Grid | float, gamma: Grid | float, rho: Grid | float, order: int) -> Grid:
    """Quenched pressure A = -beta' f of the distinct kernel, P >= 4; the phase with the larger A is stable.

    A = ln 2 + E ln cosh g - (P-1)/2 beta' (1+rho)^(P/2) n^P + (beta'^2 gamma / 4) (1 - P q^(P-1) + (P-1) q^P).
    """
    temperature, gamma, rho = _broadcast(temperature, gamma, rho)
    beta = 1 / temperature
    z, weights = gaussian_nodes()
    s = beta * signal(x.n, rho, order)
    deviation = torch.sqrt(rho * s.square() + beta.square() * crosstalk(x.q, gamma, beta, order, "distinct"))
    g = s[..., None] + deviation[..., None] * z
    log_cosh = g.abs() + torch.nn.functional.softplus(-2 * g.abs()) - math.log(2)
    entropy = math.log(2) + log_cosh @ weights
    energy = (order - 1) / 2 * beta * (1 + rho) ** (order / 2) * x.n**order
    noise = beta.square() * gamma / 4 * (1 - order * x.q ** (order - 1) + (order - 1) * x.q**order)
    return entropy - energy + noise


RETRIEVES = 0.1
"""Magnetisation above which a solution counts as retrieval; the transition is a jump to well above it."""


HIGHEST_LOAD = 2.0
"""Above the critical load of every order and noise; the bisection starts there."""
FOUND = 1e-7
"""Where an iteration moves less, a solution is there: past the threshold it still moves by about the excess load."""


def critical_load_pieces(
    rho: Grid | float,
    order: int,
    *,
    temperature: Grid | float = 0.0,
    kernel: Kernel = "distinct",
    precision: float = 1e-4,
) -> Generator[Grid, None, Grid]:
    """Bisect the largest gamma at which the retrieval solution exists; yields the lower bounds so far, often."""
    rho, temperature = _broadcast(rho, temperature)
    low, high = torch.zeros_like(rho), torch.full_like(rho, HIGHEST_LOAD)
    while float((high - low).max()) > precision:
        middle = (low + high) / 2
        solving = solve_pieces(temperature, middle, rho, order, kernel=kernel, tolerance=FOUND)
        while True:
            try:
                next(solving)
            except StopIteration as end:
                exists = end.value.m > RETRIEVES
                break
            yield low
        low, high = torch.where(exists, middle, low), torch.where(exists, high, middle)
        yield low
    return low


def critical_load(
    rho: Grid | float,
    order: int,
    *,
    temperature: Grid | float = 0.0,
    kernel: Kernel = "distinct",
    precision: float = 1e-4,
) -> Grid:
    """Largest gamma at which the retrieval solution exists, by bisection, for every rho and T' at once."""
    return finished(critical_load_pieces(rho, order, temperature=temperature, kernel=kernel, precision=precision))


def critical_load_of_perfect_data(order: int) -> float:
    """gamma_c at T' = 0 and rho = 0 for P >= 4 in closed form: (P / 4) max_x (erf(x)^(P-1) / x)^2."""
    x = torch.linspace(0.05, 5.0, 100_000, dtype=torch.float64)
    return order / 4 * float((torch.erf(x) ** (order - 1) / x).max()) ** 2


def one_step_magnetisation(gamma: Grid | float, rho: Grid | float, order: int) -> Grid:
    """Magnetisation after one step at T' = 0 from the archetype: erf(1 / sqrt(2 (rho + (2 gamma / P) (1 + rho)^P)))."""
    gamma, rho = _broadcast(gamma, rho)
    return torch.erf(torch.rsqrt(2 * (rho + 2 * gamma / order * (1 + rho) ** order)))


def examples_needed(
    r: Grid | float, order: int, gamma: float = 0.0, *, has_teacher: bool, neurons: int | None = None
) -> Grid:
    """M at which one step at T' = 0 from the archetype keeps |m| = erf(1 / sqrt 2) = 0.683; infinite where none does.

    The noise of a field over its signal has the variance rho + (2 gamma / P) (1 + rho)^P with a teacher, who averages
    before the P-th power. Without one every example makes its own coupling, and the other patterns' noise grows by
    1 + rho_P instead, with rho_P = (1 - r^(2P)) / (M r^(2P)): the noise of a P-fold product. So M grows as r^(-2)
    with a teacher and as gamma r^(-2P) without one.

    Given N (`neurons`), the case without a teacher counts how the examples' own overlaps with the archetype, r on
    average, scatter by 1 / sqrt N, which their (P-1)-th power makes large.
    """
    r = torch.as_tensor(r, dtype=torch.float64)
    own, crosstalk_share = (1 - r.square()) / r.square(), 2 * gamma / order
    if crosstalk_share >= 1:
        return torch.full_like(r, torch.inf)
    if not has_teacher:
        if neurons is not None:
            own = own_scatter(r, order, neurons)
        return (own + crosstalk_share * (r ** (-2 * order) - 1)) / (1 - crosstalk_share)
    low, high = 0.0, 1.0  # the largest rho with rho + (2 gamma / P) (1 + rho)^P <= 1
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if middle + crosstalk_share * (1 + middle) ** order <= 1 else (low, middle)
    return own / low


def own_scatter(r: Grid, order: int, neurons: int) -> Grid:
    """Variance over squared mean of the field that one example of quality r makes along its archetype.

    The field is the mean over (P-1)-tuples of other neurons of a product of P bits, each right with (1 + r) / 2. Two
    tuples that share k neurons have the second moment r^(2 (P-1-k)), and share k with the hypergeometric probability.
    """
    degree, others = order - 1, neurons - 1
    moment = torch.zeros_like(r)
    for shared in range(degree + 1):
        if others - degree < degree - shared:
            continue
        ways = math.comb(degree, shared) * math.comb(others - degree, degree - shared) / math.comb(others, degree)
        moment = moment + ways * r ** (2 * (degree - shared))
    return (moment - r ** (2 * order)) / r ** (2 * order)


def tolerated_noise(neurons: Grid | float, order: int) -> Grid:
    """Largest omega of the tensor noise that retrieval of one pattern survives at T = 0, mean field.

    omega^2 adds to K: omega_c = sqrt(2 gamma_c N^(P-1) / P!); for P = 2, sqrt(2 N / pi).
    """
    neurons = torch.as_tensor(neurons, dtype=torch.float64)
    if order == 2:
        return torch.sqrt(2 * neurons / math.pi)
    gamma = critical_load_of_perfect_data(order)
    return torch.sqrt(2 * gamma * neurons ** (order - 1) / math.factorial(order))
