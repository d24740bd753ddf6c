"""Dense layers of many networks at once: one batched product instead of a loop over networks."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

TRUNCATED_STD = 0.87962566103423978
"""Standard deviation of a unit normal cut at two deviations: what TensorFlow's Glorot normal divides by."""
Initialiser = Callable[[Tensor, int, int, torch.Generator], None]


def truncated_normal(weight: Tensor, deviation: float, generator: torch.Generator) -> None:
    """Fill with a normal of this deviation, redrawn outside two of its own."""
    nn.init.trunc_normal_(weight, 0.0, deviation / TRUNCATED_STD, -2 * deviation / TRUNCATED_STD,
                          2 * deviation / TRUNCATED_STD, generator=generator)  # fmt: skip


def glorot_normal(weight: Tensor, fan_in: int, fan_out: int, generator: torch.Generator) -> None:
    """TensorFlow's Glorot normal: variance 2 / (fan_in + fan_out), truncated at two deviations."""
    truncated_normal(weight, math.sqrt(2 / (fan_in + fan_out)), generator)


def he_normal(weight: Tensor, fan_in: int, fan_out: int, generator: torch.Generator) -> None:
    """TensorFlow's He normal: variance 2 / fan_in, truncated at two deviations."""
    truncated_normal(weight, math.sqrt(2 / fan_in), generator)


class EnsembleLinear(nn.Module):
    """y_s = x_s W_s + b_s for `members` s: (s, b, n_in) -> (s, b, n_out). Biases begin at zero.

    `inputs_used` (one number a member) leaves the weights of further inputs at zero, for members that read less.
    """

    def __init__(
        self,
        members: int,
        n_in: int,
        n_out: int,
        *,
        bias: bool = True,
        initialise: Initialiser = glorot_normal,
        generators: Sequence[torch.Generator],
        inputs_used: Sequence[int] | None = None,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(members, n_in, n_out))
        self.bias = nn.Parameter(torch.zeros(members, 1, n_out)) if bias else None
        with torch.no_grad():
            for member in range(members):
                used = n_in if inputs_used is None else inputs_used[member]
                initialise(self.weight[member, :used], used, n_out, generators[member])

    def forward(self, x: Float[Tensor, "s b i"]) -> Float[Tensor, "s b o"]:
        """One batched product."""
        if self.bias is None:
            return torch.bmm(x, self.weight)
        return torch.baddbmm(self.bias, x, self.weight)
