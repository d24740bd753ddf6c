"""The fractional Laplacian of functions on the unit disc, in closed form (journal version, 2-D fractional Laplacian).

Functions are sums of Zernike polynomials inside the disc and zero outside. A term is V_k = r^k cos(k t) or r^k sin(k t)
times a polynomial in rho = r^2, which is written in powers of (1 - rho); for each of them, inside the disc,

    (-Laplace)^s [V_k (1 - rho)_+^p]
        = 4^s G(p + 1) G(1 + k + s) / (G(1 + k) G(p + 1 - s)) V_k F(1 + k + s, s - p; 1 + k; rho)

with G the gamma function and F Gauss's hypergeometric one: Bochner's relation, and the formula of Dyda, Kuznetsov and
Kwasnicki (Fractional Laplace operator and Meijer G-function, 2017). The authors' code sums directional differences
instead. The paper's order is alpha = 2 s; below 1 a jump at the rim is allowed.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from jaxtyping import Float
from scipy.special import gamma, hyp2f1
from scipy.stats import qmc

Points = Float[np.ndarray, "n 2"]
Matrix = Float[np.ndarray, "n k"]
LARGEST_RADIUS = 0.95
"""Sensors and locations stay within this radius: the operator is singular at the rim (the authors' code)."""
LOWEST_ORDER, HIGHEST_ORDER = 0.01, 0.99


def polynomial_count(degree: int) -> int:
    """Zernike polynomials up to a degree: 15 for 4, 36 for 7, the two sets of the authors' code."""
    return (degree + 1) * (degree + 2) // 2


def polar_grid(size: int) -> tuple[Points, Float[np.ndarray, "n 2"]]:
    """Points (x, y) and their (r, t) on size x size values of t in [0, 2 pi] and r in [0, 0.95], r fastest."""
    t, r = np.meshgrid(np.linspace(0, 2 * math.pi, size), np.linspace(0, LARGEST_RADIUS, size), indexing="ij")
    polar = np.stack((r.ravel(), t.ravel()), 1)
    return np.stack((polar[:, 0] * np.cos(polar[:, 1]), polar[:, 0] * np.sin(polar[:, 1])), 1), polar


def square_grid(size: int) -> Points:
    """Cell centres of size x size cells on [-1, 1]^2, rows y upwards."""
    centres = (np.arange(size) + 0.5) * 2 / size - 1
    y, x = np.meshgrid(centres, centres, indexing="ij")
    return np.stack((x.ravel(), y.ravel()), 1)


@lru_cache(maxsize=8)
def _terms(degree: int) -> tuple[tuple[int, int, tuple[float, ...]], ...]:
    """For each polynomial in OSA order: k, m = k or -k, and its coefficients of (1 - rho)^j."""
    found = []
    for n in range(degree + 1):
        for m in range(-n, n + 1, 2):
            k = abs(m)
            half = (n - k) // 2
            in_rho = [0.0] * (half + 1)
            for i in range(half + 1):
                in_rho[half - i] = (-1) ** i * math.factorial(n - i) / (
                    math.factorial(i) * math.factorial((n + k) // 2 - i) * math.factorial(half - i)
                )  # fmt: skip
            own = np.polynomial.Polynomial(in_rho)(np.polynomial.Polynomial([1.0, -1.0]))
            scale = math.sqrt((n + 1) * (2 if k else 1))
            found.append((k, m, tuple(scale * float(value) for value in np.atleast_1d(own.coef))))
    return tuple(found)


def _harmonic(points: Points, k: int, m: int) -> Float[np.ndarray, " n"]:
    power = (points[:, 0] + 1j * points[:, 1]) ** k
    return power.imag if m < 0 else power.real


def zernike(points: Points, degree: int) -> Matrix:
    """Zernike polynomials (n, k) at points of the disc, in OSA order, sines first, mean square 1 over the disc."""
    rest = 1 - (points**2).sum(1)
    return np.stack(
        [_harmonic(points, k, m) * np.polynomial.polynomial.polyval(rest, own) for k, m, own in _terms(degree)], 1
    )


def power_laplacian(points: Points, order: float, power: float, k: int = 0, m: int = 1) -> Float[np.ndarray, " n"]:
    """(-Laplace)^(order / 2) of V_k (1 - r^2)_+^power at points within the disc; `m` < 0 takes the sine.

    Raises ValueError for points outside the open disc, and where the function is not integrable or the order not in
    (0, 2).
    """
    s, rho = order / 2, (points**2).sum(1)
    if not 0 < order < 2 or power <= -1:
        raise ValueError(f"an order between 0 and 2 and a power above -1 are needed, not {order} and {power}")
    if rho.max(initial=0.0) >= 1:
        raise ValueError("the closed form holds inside the disc only")
    scale = 4**s * gamma(power + 1) * gamma(1 + k + s) / (gamma(1 + k) * gamma(power + 1 - s))
    return scale * _harmonic(points, k, m) * hyp2f1(1 + k + s, s - power, 1 + k, rho)


def zernike_laplacian(points: Points, degree: int, order: float) -> Matrix:
    """(-Laplace)^(order / 2) of every Zernike polynomial cut off at the rim (n, k)."""
    found = np.zeros((len(points), polynomial_count(degree)))
    for column, (k, m, own) in enumerate(_terms(degree)):
        for power, coefficient in enumerate(own):
            found[:, column] += coefficient * power_laplacian(points, order, power, k, m)
    return found


def sobol_coefficients(count: int, degree: int, bound: float, seed: int) -> Float[np.ndarray, "c k"]:
    """Coefficients spread evenly over [-bound, bound]^k: a scrambled Sobol sequence, as in the authors' code."""
    sampler = qmc.Sobol(polynomial_count(degree), seed=np.random.default_rng(seed))
    drawn = sampler.random_base2(max(0, math.ceil(math.log2(count))))[:count]
    return bound * (2 * drawn - 1)
