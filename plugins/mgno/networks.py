"""The models that are compared, built from an experiment's parameters; losses by name; their schedule."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor, nn

from plugins.mgno.contract import MgnoParameters, smoothing_counts
from plugins.mgno.data import PADDING_OF
from plugins.mgno.model import HelmholtzMgNO, MgNO, level_sizes
from workbench.sdk import UserError
from workbench.toolkit.field_losses import absolute_h1, relative_h1, relative_h1_differences, relative_l2
from workbench.toolkit.field_models import DilResNet, FNO2d, UNet

if TYPE_CHECKING:
    from plugins.mgno.contract import FieldParameters

PerSample = Callable[[Tensor, Tensor], Float[Tensor, " b"]]
LOSSES: dict[str, PerSample] = {
    "l2": relative_l2,
    "h1": relative_h1,
    "h1_uncut": lambda predicted, truth: relative_h1(predicted, truth, cut=None),
    "h1_differences": relative_h1_differences,
    "h1_absolute": absolute_h1,
}
WARM_UP, START, END = 0.2, 2.0, 100.0
"""OneCycle of the released code: 20 % warm-up from half the largest step size, down to a hundredth of the start."""


def counts_of(own: MgnoParameters, n: int, transfer_padding: int = 1) -> tuple[tuple[int, int], ...]:
    """Smoothings of each level; raises UserError for an impossible list or too many levels for the grid."""
    try:
        counts = smoothing_counts(own.smoothings, own.levels)
        level_sizes(n, own.levels, transfer_padding)
    except ValueError as error:
        raise UserError(f"{str(error)[0].upper()}{str(error)[1:]}.") from None
    return counts


def build_mgno(own: FieldParameters, n: int, c_in: int = 1) -> MgNO | HelmholtzMgNO:
    """An MgNO for this data set: Helmholtz has its own variant, as in the paper."""
    if own.dataset == "helmholtz":
        counts = counts_of(own, n, 0)
        return HelmholtzMgNO(n, channels=own.channels, layers=own.layers, counts=[pre or 1 for pre, _ in counts],
                             activation=own.activation)  # fmt: skip
    padding = PADDING_OF[own.dataset] if own.padding == "auto" else own.padding
    return MgNO(n, c_in=c_in, channels=own.channels, layers=own.layers, counts=counts_of(own, n), padding_mode=padding,
                pointwise=own.pointwise, form=own.form, activation=own.activation)  # fmt: skip


def build_model(name: str, own: FieldParameters, n: int, c_in: int = 1) -> nn.Module:
    """One of the compared models at the sizes of the form.

    Convolutional ones keep channels last: on a CPU a training step of MgNO then takes 53 instead of 72 ms (12
    channels, 48 x 48, batch 8, one core), of the U-Net 30 instead of 36, of DilResNet 89 instead of 111.
    """
    if name == "fno":
        return FNO2d(c_in, width=own.fno_width, modes=own.fno_modes, padding=own.fno_padding)
    network: nn.Module
    if name == "mgno":
        network = build_mgno(own, n, c_in)
    elif name == "unet":
        network = UNet(c_in, width=own.unet_width)
    else:
        network = DilResNet(c_in, channels=own.dil_channels)
    return network.to(memory_format=torch.channels_last)


def optimiser_of(
    network: nn.Module, rate: float, decay: float, steps: int, warm_up: float = WARM_UP, end: float = END
) -> tuple[torch.optim.Adam, torch.optim.lr_scheduler.OneCycleLR]:
    """Adam with decay inside the gradient, and the one-cycle schedule by steps."""
    optimizer = torch.optim.Adam(network.parameters(), lr=rate, weight_decay=decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=rate, total_steps=max(2, steps + 1), pct_start=warm_up, div_factor=START, final_div_factor=end
    )
    return optimizer, schedule
