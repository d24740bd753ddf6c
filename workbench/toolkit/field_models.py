"""Networks from fields to fields that papers compare themselves with: FNO, U-Net, and a dilated residual network."""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from jaxtyping import Complex, Float
from torch import Tensor, nn
from torch.nn import functional

Fields = Float[Tensor, "b c h w"]
LARGEST_DIRECT = 128
"""Grids up to this size are transformed by matrix products on a CPU."""


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
        weight = torch.view_as_complex(self.weight[:, :m1, :m2].contiguous())
        if x.device.type == "cpu" and max(height, width) <= LARGEST_DIRECT:
            return _direct(x, weight)
        modes: Complex[Tensor, "b c h w"] = torch.fft.rfft2(x)
        picked = torch.stack((modes[:, :, :m1, :m2], modes[:, :, height - m1 :, :m2]))
        mixed = torch.einsum("sbixy,sxyio->sboxy", picked, weight)
        made = modes.new_zeros(len(x), weight.shape[-1], height, width // 2 + 1)
        made[:, :, :m1, :m2], made[:, :, height - m1 :, :m2] = mixed[0], mixed[1]
        return torch.fft.irfft2(made, s=(height, width))


@lru_cache(maxsize=32)
def _waves(height: int, width: int, m1: int, m2: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Matrices of the truncated transforms: along y forth (w, 2 m2), along x forth (2 m1, h) and back, along y back."""
    y, k2 = torch.arange(width, dtype=torch.float64), torch.arange(m2, dtype=torch.float64)
    angle = 2 * math.pi * y[:, None] * k2[None] / width
    forth_y = torch.cat((torch.cos(angle), -torch.sin(angle)), 1)
    # irfft counts every mode but the first and Nyquist's twice, for its mirror image.
    twice = torch.full((m2,), 2.0, dtype=torch.float64)
    twice[0] = 1.0
    if width % 2 == 0 and m2 == width // 2 + 1:
        twice[-1] = 1.0
    back_y = torch.cat((twice * torch.cos(angle), -twice * torch.sin(angle)), 1).T / width
    x = torch.arange(height, dtype=torch.float64)
    k1 = torch.cat((torch.arange(m1), torch.arange(height - m1, height))).to(torch.float64)
    wave = torch.exp(-2j * math.pi * k1[:, None] * x[None] / height)
    return forth_y.float(), wave.to(torch.complex64), (wave.conj() / height).T.to(torch.complex64), back_y.float()


def _direct(x: Fields, weight: Complex[Tensor, "2 p q i o"]) -> Fields:
    """Only the kept modes, by products with their waves: on small grids cheaper than all modes by FFT.

    Measured on one core, a training step of the FNO (batch 8, width 16, 10 modes): 100 -> 56 ms on 53 x 53 points, a
    prime that FFTs are slow at; 59 -> 57 ms on 54 x 54; width 32, 12 modes, 73 x 73: 400 -> 189 ms.
    """
    b, _, height, width = x.shape
    _, m1, m2, _, c_out = weight.shape
    forth_y, forth_x, back_x, back_y = (own.to(x.device) for own in _waves(height, width, m1, m2))
    if x.dtype == torch.float64:
        forth_y, back_y = forth_y.double(), back_y.double()
        forth_x, back_x = forth_x.to(torch.complex128), back_x.to(torch.complex128)
    along_y = x @ forth_y
    modes = torch.complex(along_y[..., :m2], along_y[..., m2:])
    modes = torch.matmul(forth_x, modes).view(b, -1, 2, m1, m2)
    mixed = torch.einsum("bisxy,sxyio->bosxy", modes, weight).reshape(b, c_out, 2 * m1, m2)
    back = torch.matmul(back_x, mixed)
    return torch.cat((back.real, back.imag), -1) @ back_y


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
