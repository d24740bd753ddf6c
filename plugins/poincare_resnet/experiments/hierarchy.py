"""Embed a hierarchy in the disk by Riemannian gradient descent, and in the plane with the same loss."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import networkx as nx
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from plugins.poincare_resnet import trees
from plugins.poincare_resnet.contract import TreeFrame, TreeParameters
from workbench.sdk import Context, Experiment, Metrics, Progress, UserError
from workbench.toolkit import hyperbolic

LIMIT = 1 - 1e-5
START = 1e-3
SCORE_EVERY = 200
BURN_IN_SHARE = 0.1


class Hierarchy(Experiment[TreeParameters, TreeFrame]):
    """Poincaré embeddings (Nickel and Kiela 2017): an ancestor is nearer than unrelated nodes.

    The same pairs, negatives and step sizes train points of the plane, where distances are Euclidean.
    """

    def __init__(self, parameters: TreeParameters, context: Context) -> None:
        super().__init__(parameters, context)
        self._graph = self._make_graph()
        count = self._graph.number_of_nodes()
        generator = context.generator
        self.disk = self._start(count, generator)
        self.plane = self._start(count, generator)
        self.scores: dict[str, tuple[float, float, float]] = {}
        self.scored = -1

    def _start(self, count: int, generator: torch.Generator) -> Tensor:
        draw = torch.rand(count, 2, generator=generator, dtype=torch.float64, device=self.context.device)
        return (2 * draw - 1) * START

    def _make_graph(self) -> nx.DiGraph:
        own = self.parameters
        match own.tree:
            case "balanced":
                return trees.balanced_tree(own.branching, own.depth)
            case "random":
                return trees.random_tree(own.nodes, self.context.rng)
        if not own.edges:
            raise UserError("Choose a CSV of parents and children under Tree.")
        return trees.read_edges(Path(own.edges))

    def prepare(self) -> Iterator[Progress]:
        """Work out the hierarchy's pairs and path lengths."""
        yield Progress("Working out the hierarchy")
        self._pairs = trees.closure(self._graph)
        self._targets = torch.from_numpy(self._pairs).to(self.context.device)
        count = self._graph.number_of_nodes()
        self._related = torch.zeros(count, count, dtype=torch.bool, device=self.context.device)
        self._related[self._targets[:, 0], self._targets[:, 1]] = True
        self._related.fill_diagonal_(True)
        self._lengths = trees.path_lengths(self._graph)
        self._edges = np.array([(i, j) for i, j in nx.convert_node_labels_to_integers(self._graph).edges])
        self._depths = trees.depths(self._graph)
        yield Progress("Comparing untrained positions")
        self._score()

    def run(self) -> Iterator[Metrics | Progress]:
        """One batch of pairs with unrelated nodes, for the disk and for the plane."""
        own = self.parameters
        while self.step < own.steps:
            generator, device = self.context.generator, self.context.device
            chosen = torch.randint(len(self._targets), (own.batch,), generator=generator, device=device)
            node, ancestor = self._targets[chosen].unbind(1)
            others = torch.randint(len(self.disk), (own.batch, own.negatives), generator=generator, device=device)
            is_related = self._related[node[:, None], others]
            rate = own.learning_rate * (BURN_IN_SHARE if self.step < own.burn_in else 1.0)
            candidates = torch.cat([ancestor[:, None], others], 1)
            hidden = torch.cat([torch.zeros_like(is_related[:, :1]), is_related], 1)
            disk_loss = self._disk_step(node, candidates, hidden, rate)
            plane_loss = self._plane_step(node, candidates, hidden, rate)
            self.step += 1
            metrics: dict[str, float | Tensor] = {"loss/disk": disk_loss, "loss/plane": plane_loss}
            if self.step % SCORE_EVERY == 0 or self.step >= own.steps:
                self._score()
                for name, (rank, precision, error) in self.scores.items():
                    metrics |= {f"mean rank/{name}": rank, f"MAP/{name}": precision, f"distortion/{name}": error}
            yield metrics

    @staticmethod
    def _loss(distances: Tensor, hidden: Tensor) -> Tensor:
        """-log of the softmax of -d at the ancestor, which is the first candidate."""
        scores = (-distances).masked_fill(hidden, -torch.inf)
        return functional.cross_entropy(scores, torch.zeros(len(scores), dtype=torch.int64, device=scores.device))

    def _disk_step(self, node: Tensor, candidates: Tensor, hidden: Tensor, rate: float) -> Tensor:
        points = self.disk.detach().requires_grad_()
        loss = self._loss(hyperbolic.distance(points[node][:, None], points[candidates], 1.0), hidden)
        (gradient,) = torch.autograd.grad(loss * len(node), points)
        with torch.no_grad():
            # The Riemannian gradient is the Euclidean one over λ²; the step follows the geodesic.
            riemannian = gradient * hyperbolic.gap(points, 1.0).square() / 4
            moved = hyperbolic.expmap(points, -rate * riemannian, 1.0)
            size = moved.norm(dim=-1, keepdim=True)
            self.disk = torch.where(size > LIMIT, moved / size * LIMIT, moved)
        return loss.detach()

    def _plane_step(self, node: Tensor, candidates: Tensor, hidden: Tensor, rate: float) -> Tensor:
        points = self.plane.detach().requires_grad_()
        loss = self._loss(hyperbolic.norm(points[node][:, None] - points[candidates]).squeeze(-1), hidden)
        (gradient,) = torch.autograd.grad(loss * len(node), points)
        with torch.no_grad():
            self.plane = points - rate * gradient
        return loss.detach()

    def _score(self) -> None:
        for name, points in (("disk", self.disk), ("plane", self.plane)):
            if name == "disk":
                distances = hyperbolic.distance(points[:, None], points[None], 1.0)
            else:
                distances = torch.cdist(points, points)
            table = distances.cpu().numpy()
            self.scores[name] = (
                trees.mean_rank(self._pairs, table), trees.mean_average_precision(self._graph, table),
                trees.distortion(self._lengths, table),
            )  # fmt: skip
        self.scored = self.step

    def frame(self) -> TreeFrame:
        """Positions now, and the last scores."""
        plane = self.plane - self.plane.mean(0)
        return TreeFrame(
            self.disk.cpu().numpy(), plane.cpu().numpy(), self._edges, self._depths,
            tuple(str(node) for node in self._graph), self.step, dict(self.scores),
        )  # fmt: skip

    def save_artefacts(self, folder: Path) -> None:
        """Write node, depth and position in the disk and in the plane."""
        with (folder / "embedding.csv").open("w", encoding="utf-8") as file:
            file.write("node,depth,disk x,disk y,plane x,plane y\n")
            rows = zip(self._graph, self._depths, self.disk.tolist(), self.plane.tolist(), strict=True)
            for node, depth, (x, y), (a, b) in rows:
                file.write(f'"{node}",{depth},{x!r},{y!r},{a!r},{b!r}\n')
