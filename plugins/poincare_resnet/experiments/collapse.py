"""Push points through untrained layers: with half the identity they stay, with HNN++ they fall to the origin."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from plugins.poincare_resnet.contract import CollapseFrame, CollapseParameters
from plugins.poincare_resnet.model import Design, ResNet
from workbench.sdk import Context, Experiment, Metrics, Progress
from workbench.toolkit import hyperbolic
from workbench.toolkit.hyperbolic_layers import Ball, PoincareLinear

VARIANTS = {"identity": ("identity", False), "HNN++": ("hnn++", False), "identity, published λ": ("identity", True)}
SHOWN = 400
SIDE = 8


class Collapse(Experiment[CollapseParameters, CollapseFrame]):
    """One layer a step, for three kinds of start at once."""

    def __init__(self, parameters: CollapseParameters, context: Context) -> None:
        super().__init__(parameters, context)
        own, device = parameters, context.device
        directions = torch.randn(own.points, own.width, generator=context.generator, device=device)
        sizes = own.spread / 2 * (0.5 + torch.rand(own.points, 1, generator=context.generator, device=device))
        start = directions / directions.norm(dim=-1, keepdim=True) * sizes  # the distance to 0 is 2 |v|
        ball = Ball(own.c)
        self.points: dict[str, Tensor] = {name: ball.exp0(start).detach() for name in VARIANTS}
        self.distances: dict[str, list[float]] = {name: [self._mean_distance(name)] for name in VARIANTS}

    def _mean_distance(self, name: str) -> float:
        return float(hyperbolic.distance0(self.points[name], self.parameters.c).mean())

    @property
    def total_steps(self) -> int:
        """Number of layers."""
        return self.parameters.layers

    @property
    def predicted(self) -> list[float]:
        """Distances that the linearised gain √(2 / width) of an HNN++ layer predicts (section 3.4)."""
        first = self.distances["HNN++"][0]
        gain = (2 / self.parameters.width) ** 0.5
        return [first * gain**layer for layer in range(len(self.distances["HNN++"]))]

    def run(self) -> Iterator[Metrics | Progress]:
        """Apply one more layer of each kind."""
        own = self.parameters
        while self.step < own.layers:
            metrics = {}
            generator = self.context.generator
            draw = int(torch.randint(2**31 - 1, (1,), generator=generator, device=generator.device))
            for name, (start, is_wrong) in VARIANTS.items():
                torch.manual_seed(draw)  # every kind of start sees the same layer
                with torch.no_grad():
                    if own.kind == "linear":
                        ball = Ball(own.c, wrong_factor=is_wrong)
                        layer = PoincareLinear(own.width, own.width, ball, start)  # type: ignore[arg-type]
                        self.points[name] = layer.to(self.context.device)(self.points[name])
                    else:
                        self.points[name] = self._block(name, start, is_wrong)
                self.distances[name].append(self._mean_distance(name))
                metrics[f"distance/{name}"] = self.distances[name][-1]
            self.step += 1
            yield metrics

    def _block(self, name: str, start: str, is_wrong: bool) -> Tensor:
        """One residual block without batch norm on a small image whose pixels are the points."""
        own = self.parameters
        design = Design(widths=(own.width,), c=own.c, initialisation=start, mean="off", wrong_factor=is_wrong)  # type: ignore[arg-type]
        block = ResNet(design).blocks[0].to(self.context.device)
        count = len(self.points[name]) // SIDE * SIDE
        tangent = hyperbolic.log0(self.points[name][:count], own.c)
        image = tangent.reshape(1, SIDE, -1, own.width).movedim(-1, 1)
        after = block(image).movedim(1, -1).reshape(count, own.width)
        return hyperbolic.exp0(after, own.c)

    def frame(self) -> CollapseFrame:
        """Distances so far, and the points' first two directions in the disk (the scale is kept)."""
        s = self.parameters.c**0.5
        disks = {name: (s * points[:SHOWN, :2]).cpu().numpy() for name, points in self.points.items()}
        table = np.array([self.distances[name] for name in VARIANTS])
        return CollapseFrame(tuple(VARIANTS), table, np.array(self.predicted), disks)

    def save_artefacts(self, folder: Path) -> None:
        """Write the distances after each layer."""
        rows = np.array([self.distances[name] for name in VARIANTS] + [self.predicted]).T
        header = ",".join([*(name.replace(",", "") for name in VARIANTS), "predicted HNN++"])
        np.savetxt(folder / "collapse.csv", rows, delimiter=",", header=header, comments="")
