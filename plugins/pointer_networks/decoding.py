"""Decoding: greedy and beam search, free or under rules that only allow outputs of the right form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from plugins.pointer_networks.model import EncoderDecoder

Rule = Literal["free", "permutation", "polygon", "triangles"]
STOP = 0


@dataclass(frozen=True)
class Decoded:
    """Best outputs: slots (b, T), 0 from the stop symbol on; their log-probability; the distributions along them.

    Log-probabilities are the model's own, without renormalising over what a rule allows. `others` holds the further
    beams, best first.
    """

    slots: Int64[Tensor, "b T"]
    log_probability: Float[Tensor, " b"]
    probabilities: Float[Tensor, "b T m"]
    has_stopped: Bool[Tensor, " b"]
    others: tuple[tuple[Int64[Tensor, "b T"], Float[Tensor, " b"]], ...] = ()


def allowed_slots(rule: Rule, slots: Int64[Tensor, "b t"], count: int) -> Bool[Tensor, "b m"]:
    """Which slots may come next after `slots`, by the rule, for `count` points."""
    batch, length = slots.shape
    allowed = torch.ones(batch, count + 1, dtype=torch.bool, device=slots.device)
    if rule == "free":
        return allowed
    if rule in ("permutation", "polygon"):
        if length:
            allowed.scatter_(1, slots, False)
        least = count if rule == "permutation" else min(3, count)
        allowed[:, STOP] = length >= least
        return allowed
    index = torch.arange(count + 1, device=slots.device)
    place = length % 3
    last = slots[:, -1:] if place else torch.zeros_like(slots[:, :1]) if length else slots.new_zeros(batch, 1)
    allowed = (index > last) & (index <= count - 2 + place)
    allowed[:, STOP] = (length > 0 and place == 0) or count < 3
    return allowed


def longest_output(rule_of_task: Rule, count: int) -> int:
    """Steps after which an output is surely too long: all points, or all triangles, and the stop symbol."""
    if rule_of_task == "triangles":
        return 3 * max(1, 2 * count - 5) + 1
    return count + 1


@torch.no_grad()
def decode(
    model: EncoderDecoder,
    points: Float[Tensor, "b n c"],
    *,
    rule: Rule,
    longest: int,
    beam: int = 1,
    prefix: Sequence[int] = (),
    lengths: Int64[Tensor, " b"] | None = None,
) -> Decoded:
    """Search for the likeliest output of at most `longest` steps with `beam` candidates; 1 is greedy.

    `prefix` forces the first slots of every example. With a beam the distributions are those along the best output.
    """
    batch, count, _ = points.shape
    memory = model.encode(points, lengths).repeated(beam)
    device = points.device
    slots = torch.zeros(batch * beam, 0, dtype=torch.int64, device=device)
    # All beams start alike, so only the first may be continued at the first step.
    total = torch.full((batch, beam), -torch.inf, dtype=points.dtype, device=device)
    total[:, 0] = 0.0
    has_stopped = torch.zeros(batch * beam, dtype=torch.bool, device=device)
    distributions: list[Tensor] = []
    last: Tensor | None = None
    for place in range(longest):
        scores, memory = model.step(memory, last)
        logs = torch.log_softmax(scores, -1)
        distributions = [*distributions, logs.exp()]
        ruled = logs.clone()
        if place < len(prefix):
            only = torch.zeros_like(ruled, dtype=torch.bool)
            only[:, prefix[place]] = True
            ruled.masked_fill_(~only, -torch.inf)
        elif rule != "free":
            ruled.masked_fill_(~allowed_slots(rule, slots, count), -torch.inf)
        # What has stopped stays as it is.
        ruled[has_stopped] = -torch.inf
        ruled[has_stopped, STOP] = 0.0
        sums = total[:, :, None] + ruled.view(batch, beam, -1)
        total, flat = sums.view(batch, -1).topk(beam, 1)
        rows = (torch.arange(batch, device=device)[:, None] * beam + flat // (count + 1)).flatten()
        last = (flat % (count + 1)).flatten()
        if beam > 1:
            memory = memory.chosen(rows)
            distributions = [own[rows] for own in distributions]
            slots, has_stopped = slots[rows], has_stopped[rows]
        slots = torch.cat([slots, last[:, None]], 1)
        has_stopped = has_stopped | (last == STOP)
        if bool(has_stopped.all()):
            break
    by_example = slots.view(batch, beam, -1)
    probabilities = torch.stack(distributions, 1).view(batch, beam, slots.shape[1], -1)[:, 0]
    others = tuple((by_example[:, k], total[:, k]) for k in range(1, beam))
    return Decoded(by_example[:, 0], total[:, 0], probabilities, has_stopped.view(batch, beam)[:, 0], others)
