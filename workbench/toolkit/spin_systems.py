"""Ising spins with many-body interactions through stored patterns: fields, energies and Monte Carlo, all batched.

A system is a batch of B disorder samples with R replicas each: spins (b, r, n) of +-1, patterns chi (b, k, n). The
P-body coupling tensor is never built: everything goes through the elementary symmetric polynomials of the products
y_i = chi_i sigma_i, so a sweep costs O(P K N).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

Spins = Float[Tensor, "b r n"]
Patterns = Float[Tensor, "b k n"]


def rademacher(
    *shape: int, generator: torch.Generator | None = None, dtype: torch.dtype = torch.float64
) -> Float[Tensor, "..."]:
    """Independent fair +-1 of the given shape, on the generator's device."""
    device = generator.device if generator is not None else None
    bits = torch.randint(0, 2, shape, generator=generator, device=device)
    return (2 * bits - 1).to(dtype)


def elementary_symmetric(y: Float[Tensor, "*b n"], degree: int) -> Float[Tensor, "*b degree+1"]:
    """Elementary symmetric polynomials e_0 .. e_degree of the entries of y, by Newton's identities.

    The power sums are p_j = sum_i y_i^j.
    """
    power_sums = []
    power = torch.ones_like(y)
    for _ in range(degree):
        power = power * y
        power_sums.append(power.sum(-1))
    return torch.stack([torch.ones_like(y[..., 0]), *from_power_sums(power_sums)], -1)


def from_power_sums(power_sums: Sequence[Float[Tensor, "*b"]]) -> list[Float[Tensor, "*b"]]:
    """Elementary symmetric polynomials e_1 .. e_d from the power sums p_1 .. p_d, by Newton's identities.

    k e_k = sum_{j=1..k} (-1)^(j-1) e_{k-j} p_j.
    """
    e: list[Tensor] = []
    for k in range(1, len(power_sums) + 1):
        total = power_sums[k - 1] * (-1) ** (k - 1)  # the term with e_0 = 1
        for j in range(1, k):
            total = total + (-1) ** (j - 1) * e[k - j - 1] * power_sums[j - 1]
        e.append(total / k)
    return e


def without_element(e: Sequence[Float[Tensor, "*b"]], y: Float[Tensor, "*b"]) -> list[Float[Tensor, "*b"]]:
    """Polynomials e_1 .. e_d of all entries but y, from those of all: e'_k = e_k - y e'_{k-1}, with e'_0 = 1."""
    rest = [e[0] - y] if e else []
    for value in e[1:]:
        rest.append(value - y * rest[-1])
    return rest


def with_element(e: Sequence[Float[Tensor, "*b"]], y: Float[Tensor, "*b"]) -> list[Float[Tensor, "*b"]]:
    """Polynomials e_1 .. e_d with one more entry y: e_k = e'_k + y e'_{k-1}, with e'_0 = 1."""
    return [value + (y if k == 0 else y * e[k - 1]) for k, value in enumerate(e)]


class TensorNoise:
    """A symmetric Gaussian P-tensor without coinciding indices, one a disorder sample: g_{i1<...<iP} ~ N(0, 1).

    Holds all binomial(n, P) coefficients; raises ValueError above 2 000 000 of them, which is what the memory of a
    laptop allows.
    """

    LARGEST = 2_000_000

    def __init__(self, batch: int, n: int, order: int, generator: torch.Generator) -> None:
        count = math.comb(n, order)
        if count > self.LARGEST:
            raise ValueError(f"a noise tensor of {n} spins and order {order} has {count} entries; lower N or P")
        subsets = torch.tensor(list(itertools.combinations(range(n), order)), device=generator.device)
        self.coefficients = torch.randn(batch, count, generator=generator, device=generator.device, dtype=torch.float64)
        order_of_rows = torch.argsort(subsets.flatten(), stable=True)
        rows = (order_of_rows // order).reshape(n, -1)
        members = subsets[rows]
        is_other = members != torch.arange(n, device=members.device)[:, None, None]
        self._rows: Int[Tensor, "n c"] = rows
        self._others: Int[Tensor, "n c order-1"] = members[is_other].reshape(n, rows.shape[1], order - 1)

    def field(self, spins: Spins, site: int) -> Float[Tensor, "b r"]:
        """Sum over the subsets with `site` of the coefficient times the product of the other spins."""
        products = spins[..., self._others[site]].prod(-1)
        return torch.einsum("brc,bc->br", products, self.coefficients[:, self._rows[site]])
