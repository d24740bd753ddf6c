"""What experiments share that train several networks side by side on the same batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

from plugins.mgno.model import level_sizes
from plugins.mgno.networks import END, WARM_UP, optimiser_of
from workbench.sdk import Context, Experiment, Frame, Parameters, UserError

P = TypeVar("P", bound=Parameters)
F = TypeVar("F", bound=Frame)


class SideBySide(Experiment[P, F], Generic[P, F]):
    """Base of these experiments: networks with their optimisers and schedules, and which data they were made for."""

    def __init__(self, parameters: P, context: Context) -> None:
        super().__init__(parameters, context)
        self.data_seed = context.seed
        """Decides data and first weights; a resumed run makes the data of its own seed again."""
        self._made_for: int | None = None
        self.networks: list[nn.Module] = []
        self.optimizers: list[torch.optim.Optimizer] = []
        self.schedules: list[Any] = []

    def enter(
        self, make: Callable[[], nn.Module], *, rate: float, decay: float, steps: int, warm_up: float = WARM_UP,
        end: float = END,
    ) -> None:  # fmt: skip
        """Build a network from the run's seed, so that its weights do not depend on who stands beside it."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.data_seed)
            network = make().to(self.context.device)
        optimizer, schedule = optimiser_of(network, rate, decay, steps, warm_up, end)
        self.networks.append(network)
        self.optimizers.append(optimizer)
        self.schedules.append(schedule)

    def learn(self, index: int, loss: Tensor) -> None:
        """One step of one network."""
        self.optimizers[index].zero_grad(set_to_none=True)
        loss.backward()
        self.optimizers[index].step()
        self.schedules[index].step()


def check_levels(n: int, levels: int) -> None:
    """Raise UserError where the coarsest of so many grids would have fewer than 3 points."""
    try:
        level_sizes(n, levels)
    except ValueError as error:
        raise UserError(f"{str(error)[0].upper()}{str(error)[1:]}.") from None
