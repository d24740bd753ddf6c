"""Where the means of the batch normalisations go while a network learns, and how far midpoint and Fréchet mean part."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from plugins.poincare_resnet.contract import BatchMeans
from plugins.poincare_resnet.model import ResNet
from workbench.toolkit import hyperbolic
from workbench.toolkit.hyperbolic_mean import frechet_mean, frechet_variance, midpoint

MOST_STOPS = 400
MOST_VECTORS = 512


class MeanPaths:
    """The mean of each layer's batches over the steps; when a path grows long, every second stop of all is left out."""

    def __init__(self) -> None:
        self.stride = 1
        self.steps: list[int] = []
        self.means: dict[str, Tensor] = {}

    def note(self, step: int, network: ResNet) -> None:
        """Take down the means of the batch that the network has just learnt from."""
        norms = network.norms()
        if not norms or step % self.stride:
            return
        if len(self.steps) >= MOST_STOPS:
            self.stride *= 2
            self.steps, self.means = self.steps[1::2], {name: own[1::2] for name, own in self.means.items()}
            if step % self.stride:
                return
        self.steps.append(step)
        for name, norm in norms:
            own = norm.last_mean[None]
            self.means[name] = torch.cat([self.means[name].to(own.device), own]) if name in self.means else own

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint holds."""
        return {"stride": self.stride, "steps": list(self.steps), "means": dict(self.means)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self.stride, self.steps, self.means = state["stride"], list(state["steps"]), dict(state["means"])

    def seen(self, network: ResNet, images: Float[Tensor, "n ch h w"]) -> dict[str, BatchMeans]:
        """Paths and targets in the disk, and how far the two means of these images' feature maps are apart."""
        errors = mean_errors(network, images)
        found = {}
        for name, norm in network.norms():
            c = float(norm.ball.c.detach())
            path = self.means.get(name, norm.bias.new_zeros(0, len(norm.bias))).to(norm.bias.device).double()
            tangent = hyperbolic.log0(path, c) * c**0.5
            # The plane through the origin that holds most of the path: the centre of the disk is the ball's.
            basis = torch.linalg.svd(tangent, full_matrices=False)[2][:2].T if len(path) > 1 else tangent[:2].T
            if basis.shape[1] < 2:
                basis = torch.eye(len(norm.bias), 2, dtype=path.dtype, device=path.device)
            target = norm.bias.detach().double()[None] * c**0.5
            places = hyperbolic.exp0(torch.cat([tangent, target]) @ basis, 1.0).cpu().numpy()
            size = tangent.square().sum().clamp_min(1e-30)
            share = float((tangent @ basis).square().sum() / size) if len(path) else 1.0
            found[name] = BatchMeans(np.array(self.steps), places[:-1], places[-1], share, *errors[name])
        return found


def mean_errors(network: ResNet, images: Float[Tensor, "n ch h w"]) -> dict[str, tuple[float, float]]:
    """Return d(midpoint, Fréchet mean) / σ and σ of what each batch norm is given for these images."""
    taken: dict[str, Tensor] = {}
    handles = []
    for name, norm in network.norms():

        def take(module: Any, inputs: tuple[Tensor, ...], name: str = name) -> None:
            vectors = inputs[0].movedim(1, -1).flatten(0, 2)
            chosen = torch.linspace(0, len(vectors) - 1, min(MOST_VECTORS, len(vectors)), device=vectors.device).long()
            taken[name] = vectors[chosen].double()

        handles.append(norm.register_forward_pre_hook(take))
    network.eval()
    with torch.no_grad():
        network.features(images)
    for handle in handles:
        handle.remove()
    found = {}
    for name, norm in network.norms():
        c = float(norm.ball.c.detach())
        points = hyperbolic.project(hyperbolic.exp0(taken[name], c), c)
        mean = frechet_mean(points, c)
        sigma = float(frechet_variance(points, mean, c).sqrt())
        found[name] = float(hyperbolic.distance(midpoint(points, c), mean, c)) / max(sigma, 1e-12), sigma
    return found
