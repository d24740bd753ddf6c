"""What the experiments share: making networks at a load, relaxing them, and checking their size beforehand."""

from __future__ import annotations

import csv
from collections.abc import Generator, Iterable, Iterator, Sequence
from pathlib import Path

import torch

from plugins.dense_hebbian.network import Network, sweep_pieces
from plugins.dense_hebbian.theory import patterns_at
from workbench.sdk import Progress, UserError
from workbench.toolkit.spin_systems import Spins

LARGEST_BYTES = 2 * 2**30
"""Memory that one network may take on a laptop."""


def checked_patterns(gamma: float, neurons: int, order: int, replicas: int, samples: int = 1) -> int:
    """K at a load; raises UserError where a sweep would need more memory than a laptop has, or N is too small for P."""
    if neurons < order:
        raise UserError(f"With N = {neurons} neurons no {order} indices are distinct; take N of at least {order}.")
    patterns = patterns_at(gamma, neurons, order)
    needed = 8 * samples * patterns * ((2 + order) * neurons + replicas * 3 * order)
    if needed > LARGEST_BYTES:
        raise UserError(
            f"γ = {gamma:g} with N = {neurons} and P = {order} means K = {patterns:,} patterns and "
            f"{needed / 2**30:.0f} GiB; lower N, P or γ."
        )
    return patterns


BATCH_BYTES = 256 * 2**20
"""Memory that samples which relax side by side may take together."""


def batches(samples: int, patterns: int, neurons: int, order: int) -> list[int]:
    """Sizes of the batches in which so many independent samples of disorder are relaxed side by side."""
    at_once = max(1, min(samples, BATCH_BYTES // (8 * patterns * neurons * (2 + order))))
    whole, rest = divmod(samples, at_once)
    return [at_once] * whole + ([rest] if rest else [])


def swept(
    network: Network,
    spins: Spins,
    temperature: float,
    generator: torch.Generator,
    text: str,
    sites: Sequence[int] | None = None,
) -> Generator[Progress, None, tuple[Spins, int]]:
    """One sweep (or the `sites` of it) that says Progress while it takes long; returns spins and flips."""
    pieces = sweep_pieces(network, spins, temperature, generator, sites)
    while True:
        try:
            share = next(pieces)
        except StopIteration as end:
            spins, flips = end.value
            return spins, flips
        yield Progress(text, share)


def relaxed(
    network: Network, spins: Spins, temperature: float, sweeps: int, generator: torch.Generator
) -> Iterator[Progress | Spins]:
    """Sweep until nothing flips at T' = 0, or `sweeps` times, saying Progress; the last thing yielded is the spins.

    At T' > 0 what is yielded at the end is the mean of the second half of the sweeps, in [-1, 1].
    """
    total, counted = torch.zeros_like(spins), 0
    for sweep in range(sweeps):
        spins, flips = yield from swept(network, spins, temperature, generator, f"sweep {sweep + 1}")
        if 2 * sweep >= sweeps:
            total, counted = total + spins, counted + 1
        if temperature <= 0 and flips == 0:
            break
        yield Progress(f"sweep {sweep + 1}", (sweep + 1) / sweeps)
    yield spins if temperature <= 0 or counted == 0 else total / counted


def write_rows(path: Path, header: Sequence[str], rows: Iterable[Sequence[float]]) -> None:
    """Write one CSV file of numbers with nine significant digits."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows([f"{value:.9g}" for value in row] for row in rows)
