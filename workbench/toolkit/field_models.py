"""Networks from fields to fields that papers compare themselves with: FNO, U-Net, and a dilated residual network."""

from __future__ import annotations

import torch
from jaxtyping import Complex, Float
from torch import Tensor, nn
from torch.nn import functional

Fields = Float[Tensor, "b c h w"]


def unit_grid(like: Fields) -> Float[Tensor, "b 2 h w"]:
    """Coordinates of the samples, 0 and 1 at the ends, as two channels."""
    b, _, height, width = like.shape
    x = torch.linspace(0, 1, height, dtype=like.dtype, device=like.device)
    y = torch.linspace(0, 1, width, dtype=like.dtype, device=like.device)
    grid = torch.stack(torch.meshgrid(x, y, indexing="ij"))
    return grid.expand(b, -1, -1, -1)


class SpectralConv2d(nn.Module):
    """Multiply the lowest modes of each channel by matrices: v^(k) = R(k) u^(k), |k1| < modes, 0 <= k2 < modes.

    Weights are complex, uniform in the unit square of the complex plane over c_in c_out (Li et al.). Fields with fewer
    than 2 modes points to a side use the modes that they have.
    """

    def __init__(self, c_in: int, c_out: int, modes: int) -> None:
        super().__init__()
        self.modes = modes
        scale = 1 / (c_in * c_out)
        # Real and imaginary parts apart: complex parameters are not saved by every exchange format.
        self.weight = nn.Parameter(scale * torch.rand(2, modes, modes, c_in, c_out, 2))

    def forward(self, x: Fields) -> Fields:
        """Transform, multiply, transform back."""
        height, width = x.shape[-2:]
        m1, m2 = min(self.modes, height // 2), min(self.modes, width // 2 + 1)
        modes: Complex[Tensor, "b c h w"] = torch.fft.rfft2(x)
        weight = torch.view_as_complex(self.weight[:, :m1, :m2].contiguous())
        picked = torch.stack((modes[:, :, :m1, :m2], modes[:, :, height - m1 :, :m2]))
        mixed = torch.einsum("sbixy,sxyio->sboxy", picked, weight)
        made = modes.new_zeros(len(x), weight.shape[-1], height, width // 2 + 1)
        made[:, :, :m1, :m2], made[:, :, height - m1 :, :m2] = mixed[0], mixed[1]
        return torch.fft.irfft2(made, s=(height, width))


class FNO2d(nn.Module):
    """Fourier neural operator: lift (a, x, y), four spectral layers beside 1x1 ones, a head of 128.

    The field is extended by `padding` zeros at its far sides, since it is not periodic (0 for one that is).
    """

    def __init__(
        self, c_in: int = 1, c_out: int = 1, *, width: int = 32, modes: int = 12, layers: int = 4, padding: int = 9,
        head: int = 128,
    ) -> None:  # fmt: skip
        super().__init__()
        self.padding = padding
        self.lift = nn.Conv2d(c_in + 2, width, 1)
        self.spectral = nn.ModuleList(SpectralConv2d(width, width, modes) for _ in range(layers))
        self.pointwise = nn.ModuleList(nn.Conv2d(width, width, 1) for _ in range(layers))
        self.head = nn.Sequential(nn.Conv2d(width, head, 1), nn.GELU(), nn.Conv2d(head, c_out, 1))

    def forward(self, a: Fields) -> Fields:
        """Map fields to fields on the same grid."""
        height, width = a.shape[-2:]
        x = self.lift(torch.cat((a, unit_grid(a)), 1))
        if self.padding:
            x = functional.pad(x, (0, self.padding, 0, self.padding))
        last = len(self.spectral) - 1
        for index, (spectral, pointwise) in enumerate(zip(self.spectral, self.pointwise, strict=True)):
            x = spectral(x) + pointwise(x)
            if index < last:
                x = functional.gelu(x)
        return self.head(x[..., :height, :width])


class _DoubleConv(nn.Sequential):
    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__(
            nn.Conv2d(c_in, c_out, 3, padding=1, bias=False), nn.BatchNorm2d(c_out), nn.ReLU(inplace=True),
            nn.Conv2d(c_out, c_out, 3, padding=1, bias=False), nn.BatchNorm2d(c_out), nn.ReLU(inplace=True),
        )  # fmt: skip


class UNet(nn.Module):
    """U-Net with widths w, 2w, 4w, 8w, 16w (w = 64 in the paper): double and transposed convolutions, max-pool.

    Sizes that are not multiples of 16 are padded on the way up.
    """

    def __init__(self, c_in: int = 1, c_out: int = 1, *, width: int = 64) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(5)]
        self.down = nn.ModuleList(_DoubleConv(a, b) for a, b in zip([c_in, *widths[:-1]], widths, strict=True))
        pairs = list(zip(widths[:0:-1], widths[-2::-1], strict=True))
        self.up = nn.ModuleList(nn.ConvTranspose2d(a, b, 2, stride=2) for a, b in pairs)
        self.merge = nn.ModuleList(_DoubleConv(a, b) for a, b in pairs)
        self.out = nn.Conv2d(width, c_out, 1)

    def forward(self, x: Fields) -> Fields:
        """Map fields to fields on the same grid."""
        kept = []
        for level, block in enumerate(self.down):
            x = block(x if level == 0 else functional.max_pool2d(x, 2))
            kept.append(x)
        for up, merge, skip in zip(self.up, self.merge, kept[-2::-1], strict=True):
            x = up(x)
            missing = (skip.shape[-2] - x.shape[-2], skip.shape[-1] - x.shape[-1])
            x = functional.pad(
                x, (missing[1] // 2, missing[1] - missing[1] // 2, missing[0] // 2, missing[0] - missing[0] // 2)
            )
            x = merge(torch.cat((skip, x), 1))
        return self.out(x)


class _DilatedBlock(nn.Module):
    DILATIONS = (1, 2, 4, 8, 4, 2, 1)

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Conv2d(channels, channels, 3, padding=dilation, dilation=dilation) for dilation in self.DILATIONS
        )

    def forward(self, x: Fields) -> Fields:
        """Seven dilated convolutions and the input."""
        y = x
        for index, layer in enumerate(self.layers):
            y = layer(y if index == 0 else functional.relu(y))
        return functional.relu(y + x)


class DilResNet(nn.Module):
    """3x3 encoder, four residual blocks of seven dilated 3x3 convolutions (1, 2, 4, 8, 4, 2, 1), 3x3 decoder."""

    def __init__(self, c_in: int = 1, c_out: int = 1, *, channels: int = 48, blocks: int = 4) -> None:
        super().__init__()
        self.encoder = nn.Conv2d(c_in, channels, 3, padding=1)
        self.blocks = nn.Sequential(*(_DilatedBlock(channels) for _ in range(blocks)))
        self.decoder = nn.Conv2d(channels, c_out, 3, padding=1)

    def forward(self, x: Fields) -> Fields:
        """Map fields to fields on the same grid."""
        return self.decoder(self.blocks(self.encoder(x)))


def parameter_count(module: nn.Module) -> int:
    """Numbers that are trained."""
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)
