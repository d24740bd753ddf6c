"""Collects the scalars of each step in columns, and brings tensors to the CPU in one batch when flushed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from workbench.sdk import MetricsBlock


class MetricsBuffer:
    """Adding costs a few appends and never waits for the device."""

    def __init__(self) -> None:
        self._steps: dict[str, list[int]] = {}
        self._values: dict[str, list[Any]] = {}

    def add(self, step: int, metrics: Mapping[str, Any]) -> None:
        """Take a step's scalars (numbers or 0-d tensors, which must not be changed afterwards)."""
        for name, value in metrics.items():
            if name not in self._steps:
                self._steps[name], self._values[name] = [], []
            self._steps[name].append(step)
            self._values[name].append(value)

    def flush(self) -> MetricsBlock | None:
        """Return everything added since the last flush, or None if there is nothing.

        Raises ValueError naming a metric that is not a scalar.
        """
        if not self._steps:
            return None
        values, self._values = self._values, {}
        steps, self._steps = self._steps, {}
        self._to_numbers(values)
        return MetricsBlock(
            {name: (np.array(steps[name], np.int64), np.array(values[name], np.float64)) for name in steps}
        )

    @staticmethod
    def _to_numbers(values: dict[str, list[Any]]) -> None:
        """Replace tensors by numbers, moving them with one transfer a device."""
        by_device: dict[torch.device, list[tuple[list[Any], int]]] = {}
        for name, column in values.items():
            for index, value in enumerate(column):
                if isinstance(value, torch.Tensor):
                    if value.numel() != 1:
                        raise ValueError(f"metric {name!r} has shape {tuple(value.shape)}; a metric is one number")
                    by_device.setdefault(value.device, []).append((column, index))
        for device, places in by_device.items():
            dtype = torch.float32 if device.type == "mps" else torch.float64
            stacked = torch.stack([column[index].detach().reshape(()).to(dtype) for column, index in places])
            for (column, index), number in zip(places, stacked.cpu().tolist(), strict=True):
                column[index] = number
