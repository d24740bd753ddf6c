"""The networks: Poincaré ResNet, the Euclidean one of the same widths, and a Euclidean one with a hyperbolic head."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from workbench.toolkit.hyperbolic_layers import (
    Ball,
    Gradients,
    Initialisation,
    Mean,
    PoincareBatchNorm,
    PoincareConv2d,
    PoincareLinear,
)

Kind = Literal["hyperbolic", "euclidean", "hyperbolic_head"]
Skip = Literal["fr", "rf", "off"]


@dataclass(frozen=True)
class Design:
    """What decides a network: every ablation of the paper is a field. `widths` are those of the three groups."""

    kind: Kind = "hyperbolic"
    inputs: int = 1
    classes: int = 10
    widths: tuple[int, ...] = (4, 8, 16)
    blocks: int = 1
    c: float = 0.1
    learnable_c: bool = False
    initialisation: Initialisation = "identity"
    mean: Mean = "midpoint"
    skip: Skip = "fr"
    gradients: Gradients = "manual"
    wrong_factor: bool = False
    uses_running: bool = False
    last: int | None = None
    """Width of an extra last layer, 2 to see the features as they are; None: none."""


class PoincareBlock(nn.Module):
    """out = ReLU(F ⊕ R), F = BN2(conv2(ReLU(BN1(conv1(x))))), R = x or its strided 1x1 convolution (section 3.6)."""

    def __init__(self, inputs: int, outputs: int, stride: int, design: Design) -> None:
        super().__init__()
        self.ball = _ball(design)
        self.skip = design.skip
        start = design.initialisation
        self.conv1 = PoincareConv2d(inputs, outputs, self.ball, stride=stride, initialisation=start)
        self.norm1 = PoincareBatchNorm(outputs, self.ball, design.mean, design.uses_running)
        self.conv2 = PoincareConv2d(outputs, outputs, self.ball, initialisation=start)
        self.norm2 = PoincareBatchNorm(outputs, self.ball, design.mean, design.uses_running)
        self.shortcut = (
            PoincareConv2d(inputs, outputs, self.ball, kernel=1, stride=stride, padding=0, initialisation=start)
            if stride != 1 or inputs != outputs
            else nn.Identity()
        )

    def forward(self, t: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d k l"]:
        """Tangent vectors to tangent vectors."""
        main = self.norm2(self.conv2(torch.relu(self.norm1(self.conv1(t)))))
        if self.skip == "off":
            return torch.relu(main)
        residual = self.shortcut(t)
        first, second = (main, residual) if self.skip == "fr" else (residual, main)
        ball = self.ball
        added = ball.add(ball.exp0(first, 1), ball.exp0(second, 1), 1)
        return torch.relu(ball.log0(added, 1))


class EuclideanBlock(nn.Module):
    """The same block with ordinary layers; the shortcut has no batch norm, as in the paper's baseline."""

    def __init__(self, inputs: int, outputs: int, stride: int, design: Design) -> None:
        super().__init__()
        self.skip = design.skip
        self.conv1, self.norm1 = nn.Conv2d(inputs, outputs, 3, stride, 1), _batch_norm(outputs, design)
        self.conv2, self.norm2 = nn.Conv2d(outputs, outputs, 3, 1, 1), _batch_norm(outputs, design)
        self.shortcut = nn.Conv2d(inputs, outputs, 1, stride) if stride != 1 or inputs != outputs else nn.Identity()

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d k l"]:
        """Feature maps to feature maps."""
        main = self.norm2(self.conv2(torch.relu(self.norm1(self.conv1(x)))))
        return torch.relu(main if self.skip == "off" else main + self.shortcut(x))


class ResNet(nn.Module):
    """conv3x3, three groups of blocks with strides 1, 2, 2, mean over the image, fully connected layer (section 3.7).

    Maps images (b, i, h, w) to logits (b, k): log0 of the last Poincaré layer's output, or the linear layer's output.
    """

    def __init__(self, design: Design) -> None:
        super().__init__()
        self.design = design
        is_hyperbolic = design.kind == "hyperbolic"
        block = PoincareBlock if is_hyperbolic else EuclideanBlock
        first = design.widths[0]
        self.ball = _ball(design)
        self.conv: nn.Module
        self.norm: nn.Module
        if is_hyperbolic:
            self.conv = PoincareConv2d(design.inputs, first, self.ball, initialisation=design.initialisation)
            self.norm = PoincareBatchNorm(first, self.ball, design.mean, design.uses_running)
        else:
            self.conv, self.norm = nn.Conv2d(design.inputs, first, 3, 1, 1), _batch_norm(first, design)
        blocks, width = [], first
        for group, own in enumerate(design.widths):
            for index in range(design.blocks):
                blocks.append(block(width, own, 2 if group and index == 0 else 1, design))
                width = own
        self.blocks = nn.ModuleList(blocks)
        has_ball = design.kind != "euclidean"
        self.narrow: nn.Module | None = None
        if design.last is not None:
            self.narrow = PoincareLinear(width, design.last, self.ball) if has_ball else nn.Linear(width, design.last)
            width = design.last
        self.head = (
            PoincareLinear(width, design.classes, self.ball, design.initialisation) if has_ball
            else nn.Linear(width, design.classes)
        )  # fmt: skip

    @property
    def has_ball(self) -> bool:
        """Whether the features before the head are points of the ball."""
        return self.design.kind != "euclidean"

    def layers(self, images: Float[Tensor, "b i h w"]) -> Iterator[tuple[str, Float[Tensor, "b c h w"]]]:
        """Yield name and output of the stem and of every block; tangent vectors where the layer is hyperbolic."""
        t = torch.relu(self.norm(self.conv(images)))
        yield "stem", t
        for index, block in enumerate(self.blocks):
            t = block(t)
            yield f"block {index + 1}", t

    def features(self, images: Float[Tensor, "b i h w"]) -> Float[Tensor, "b c"]:
        """Return what the head sees: points of the ball, or Euclidean vectors."""
        t = images
        for _, t in self.layers(images):  # noqa: B007 - the last one is wanted
            pass
        pooled = t.mean((-2, -1))  # the mean of tangent vectors, as in the paper's code
        features = self.ball.exp0(pooled) if self.has_ball else pooled
        return features if self.narrow is None else self.narrow(features)

    def classify(self, features: Float[Tensor, "b c"]) -> Float[Tensor, "b k"]:
        """Logits of features."""
        return self.ball.log0(self.head(features)) if self.has_ball else self.head(features)

    def forward(self, images: Float[Tensor, "b i h w"]) -> Float[Tensor, "b k"]:
        """Logits of images."""
        return self.classify(self.features(images))

    def balls(self) -> list[tuple[str, Ball]]:
        """Every ball by a name: each block has its own, with its own curvature."""
        found = [("stem", self.ball)] if self.has_ball else []
        return found + [
            (f"block {index + 1}", block.ball)
            for index, block in enumerate(self.blocks)
            if isinstance(block, PoincareBlock)
        ]

    def norms(self) -> list[tuple[str, PoincareBatchNorm]]:
        """Every hyperbolic batch norm by a name, from the stem on; none where it is off."""
        places = [("stem", self.norm)]
        for index, block in enumerate(self.blocks):
            if isinstance(block, PoincareBlock):
                places += [(f"block {index + 1} a", block.norm1), (f"block {index + 1} b", block.norm2)]
        return [(name, own) for name, own in places if isinstance(own, PoincareBatchNorm) and own.mean != "off"]


def parameter_groups(network: nn.Module, weight_decay: float) -> Sequence[dict[str, object]]:
    """Weight decay for all but the curvatures, which it would drift towards flat space (section 10)."""
    curvatures = [own for name, own in network.named_parameters() if name.endswith("raw")]
    others = [own for name, own in network.named_parameters() if not name.endswith("raw")]
    groups: list[dict[str, object]] = [{"params": others, "weight_decay": weight_decay}]
    return [*groups, {"params": curvatures, "weight_decay": 0.0}] if curvatures else groups


def energy(logits: Float[Tensor, "b k"], temperature: float = 1.0) -> Float[Tensor, " b"]:
    """Energy score -T log Σ exp(z / T): high for images that look unlike those of the training."""
    return -temperature * torch.logsumexp(logits / temperature, -1)


def _ball(design: Design) -> Ball:
    return Ball(design.c, is_learnable=design.learnable_c, gradients=design.gradients, wrong_factor=design.wrong_factor)


def _batch_norm(channels: int, design: Design) -> nn.Module:
    return nn.Identity() if design.mean == "off" else nn.BatchNorm2d(channels)
