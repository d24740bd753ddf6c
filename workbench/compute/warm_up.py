"""Doing in advance what makes the first step of a process slow."""

from __future__ import annotations

import torch


def warm_up(threads: int) -> None:
    """Set the number of threads, and build and step one throw-away optimiser.

    The first optimiser of a process imports torch._dynamo (1.5 to 2 s); a forward and backward pass sets up the
    thread pools.
    """
    torch.set_num_threads(threads)
    layer = torch.nn.Linear(4, 4)
    optimizer = torch.optim.Adam(layer.parameters())
    layer(torch.zeros(2, 4)).sum().backward()
    optimizer.step()
