"""The hyperbolic plane itself, without a network: points to look at and to measure between."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import networkx as nx
import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from plugins.poincare_resnet import trees
from plugins.poincare_resnet.contract import ExploreFrame, ExploreParameters
from workbench.sdk import Context, Experiment, Metrics, Progress
from workbench.toolkit import hyperbolic

PORTIONS = 20
SHOWN_AT_FIRST = 0.1


class Explore(Experiment[ExploreParameters, ExploreFrame]):
    """Each step shows a portion more of the scene's points; the scene is drawn once, at the start."""

    def __init__(self, parameters: ExploreParameters, context: Context) -> None:
        super().__init__(parameters, context)
        own = parameters
        self.points: Tensor
        self.classes: Int[np.ndarray, " n"]
        self._edges = np.empty((0, 2), np.int64)
        self._names: tuple[str, ...] = ()
        self._labels: tuple[str, ...] | None = None
        generator = context.generator
        match own.scene:
            case "uniform":
                self.points = uniform(own.points, own.reach, generator)
                self.classes = np.zeros(own.points, np.int64)
            case "blobs":
                self.points, self.classes = blobs(own, generator)
                self._names = tuple(f"group {index + 1}" for index in range(own.groups))
            case "tree":
                tree = trees.balanced_tree(own.groups, own.depth)
                self.points = torch.from_numpy(trees.sarkar_layout(tree, own.edge))
                self._edges = np.array([(i, j) for i, j in nx.convert_node_labels_to_integers(tree).edges])
                self.classes = trees.depths(tree)
                self._names = tuple(f"level {level}" for level in range(own.depth + 1))
                self._labels = tuple(f"node {node}" for node in tree)

    @property
    def total_steps(self) -> int:
        """Portions."""
        return PORTIONS

    @property
    def shown(self) -> int:
        """How many points are shown now; a tenth of them before the first step. A tree is shown whole."""
        if self.parameters.scene == "tree":
            return len(self.points)
        share = SHOWN_AT_FIRST + (1 - SHOWN_AT_FIRST) * self.step / PORTIONS
        return max(1, round(share * len(self.points)))

    def run(self) -> Iterator[Metrics | Progress]:
        """Show a portion more."""
        while self.step < PORTIONS:
            self.step += 1
            mean = hyperbolic.distance0(self.points[: self.shown], 1.0).mean()
            yield {"points": self.shown, "mean distance": float(mean) / self.parameters.c**0.5}

    def frame(self) -> ExploreFrame:
        """The points so far."""
        return ExploreFrame(
            self.points[: self.shown].cpu().numpy(), self.classes[: self.shown], self._names, self._edges, self._labels,
            self.parameters.c,
        )  # fmt: skip

    def save_artefacts(self, folder: Path) -> None:
        """Write places in the unit disk and classes."""
        table = np.column_stack([self.points.cpu().numpy(), self.classes])
        np.savetxt(folder / "points.csv", table, "%.17g", ",", header="x,y,class", comments="")


def uniform(count: int, reach: float, generator: torch.Generator) -> Float[Tensor, "n 2"]:
    """Points uniform by area within `reach` of the centre: a circle of radius r holds 2π (cosh r - 1)."""
    share, angle = torch.rand(2, count, generator=generator, dtype=torch.float64, device=generator.device)
    radius = torch.acosh(1 + share * (np.cosh(reach) - 1))
    return _at(radius, 2 * torch.pi * angle)


def blobs(own: ExploreParameters, generator: torch.Generator) -> tuple[Float[Tensor, "n 2"], Int[np.ndarray, " n"]]:
    """Groups of groups: centres half of the reach away, the parts of each as far again, within the outer half turn."""
    device = generator.device
    group = torch.randint(own.groups, (own.points,), generator=generator, device=device)
    part = torch.randint(own.parts, (own.points,), generator=generator, device=device)
    around = hyperbolic.exp0(
        own.spread / 2 * torch.randn(own.points, 2, generator=generator, dtype=torch.float64, device=device), 1.0
    )
    half = torch.full((own.points,), own.reach / 2, dtype=torch.float64, device=device)
    # A part's centre is seen from its group's: an angle within the half turn that leads outwards.
    towards = torch.pi * (part + 0.5) / own.parts - torch.pi / 2
    inner = hyperbolic.mobius_add(_at(half, towards), around, 1.0)
    outward = hyperbolic.mobius_add(_at(half, torch.zeros_like(half)), inner, 1.0)
    angle = 2 * torch.pi * group / own.groups
    turn = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], -1).reshape(-1, 2, 2).double()
    return (turn @ outward[:, :, None]).squeeze(-1), group.cpu().numpy()


def _at(radius: Float[Tensor, " n"], angle: Float[Tensor, " n"]) -> Float[Tensor, "n 2"]:
    """Points of the disk at a distance from the centre and an angle."""
    return torch.tanh(radius / 2)[:, None] * torch.stack([angle.cos(), angle.sin()], -1)
