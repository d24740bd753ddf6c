"""Gaussian random fields on the unit square: with Neumann boundary (DCT) and periodic (FFT)."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float


def neumann_spectrum(n: int, alpha: float, tau: float) -> Float[np.ndarray, "n n"]:
    """Standard deviations tau^(alpha-1) (pi^2 |k|^2 + tau^2)^(-alpha/2) of the cosine modes; the mean's is 0."""
    k = np.arange(n)
    squared = math.pi**2 * (k[:, None] ** 2 + k[None] ** 2)
    deviation = tau ** (alpha - 1) * (squared + tau**2) ** (-alpha / 2)
    deviation[0, 0] = 0.0
    return deviation


def neumann_field(noise: Float[np.ndarray, "*b n n"], alpha: float, tau: float) -> Float[np.ndarray, "*b n n"]:
    """Field g ~ N(0, tau^(2 alpha - 2) (-Laplace + tau^2)^(-alpha)) at cell centres, from white noise of its modes.

    The orthonormal inverse DCT of n * deviation * noise (Li et al.'s GRF.m). The same noise with another tau is the
    same draw, rougher or smoother.
    """
    from scipy.fft import idctn

    n = noise.shape[-1]
    return np.asarray(idctn(n * neumann_spectrum(n, alpha, tau) * noise, type=2, norm="ortho", axes=(-2, -1)))


def two_phases(field: Float[np.ndarray, "*b n n"], high: float, low: float) -> Float[np.ndarray, "*b n n"]:
    """`high` where the field is not negative, `low` elsewhere."""
    return np.where(field >= 0, high, low)


def multiscale_coefficient(
    first: Float[np.ndarray, " b"] | Float[np.ndarray, "b k"], n: int
) -> Float[np.ndarray, "b n n"]:
    """Product over k of (1 + cos(a_k pi (x1 + x2)) / 2)(1 + sin(a_k pi (x2 - 3 x1)) / 2) at cell centres.

    `first` holds a_k (b, 6), drawn from U(2^(k-1), 1.5 * 2^(k-1)).
    """
    centres = (np.arange(n) + 0.5) / n
    x1, x2 = centres[:, None], centres[None]
    a = np.pi * np.asarray(first, float)[..., None, None]
    factors = (1 + 0.5 * np.cos(a * (x1 + x2))) * (1 + 0.5 * np.sin(a * (x2 - 3 * x1)))
    return factors.prod(axis=-3)


def periodic_field(
    n: int, count: int, alpha: float, tau: float, rng: np.random.Generator, sigma: float | None = None
) -> Float[np.ndarray, "b n n"]:
    """Periodic field on the unit torus with sqrt eigenvalues n^2 sqrt2 sigma (4 pi^2 |k|^2 + tau^2)^(-alpha/2).

    sigma is tau^((2 alpha - 2) / 2) by default; the mean is 0 (Li et al.'s random_fields.py).
    """
    sigma = tau ** (0.5 * (2 * alpha - 2)) if sigma is None else sigma
    k = np.fft.fftfreq(n, 1 / n)
    squared = 4 * math.pi**2 * (k[:, None] ** 2 + k[None] ** 2)
    deviation = n**2 * math.sqrt(2) * sigma * (squared + tau**2) ** (-alpha / 2)
    deviation[0, 0] = 0.0
    # Complex noise of unit power; the real part of what it becomes has half of it, which the sqrt2 above restores.
    noise = (rng.standard_normal((count, n, n)) + 1j * rng.standard_normal((count, n, n))) / math.sqrt(2)
    return np.fft.ifft2(deviation * noise, axes=(-2, -1)).real


def torus_field(n: int, count: int, amplitude: float, rng: np.random.Generator) -> Float[np.ndarray, "b n n"]:
    """Forcing on the torus of side 2 pi: N(0, 27 (-Laplace + 9)^(-4)), mean removed, times `amplitude`."""
    k = np.fft.fftfreq(n, 1 / n)
    deviation = math.sqrt(27) * (k[:, None] ** 2 + k[None] ** 2 + 9.0) ** -2
    deviation[0, 0] = 0.0
    white = np.fft.fft2(rng.standard_normal((count, n, n)), axes=(-2, -1)) * n
    return amplitude * np.fft.ifft2(deviation * white, axes=(-2, -1)).real
