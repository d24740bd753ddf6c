"""The Poincaré midpoint beside the Fréchet mean: for a cloud under the mouse, and for series of clouds."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from plugins.poincare_resnet.contract import MeanFrame, MeanParameters
from workbench.sdk import Context, Experiment, Metrics, Progress, UserError, action
from workbench.toolkit import hyperbolic
from workbench.toolkit.hyperbolic_mean import frechet_mean, frechet_variance, midpoint

DEVIATIONS = (0.2, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0)
CURVATURES = (0.1, 1.0)
CLOUD = 512


class Means(Experiment[MeanParameters, MeanFrame]):
    """A cloud in the disk, and one step of the series for each spread and curvature."""

    def __init__(self, parameters: MeanParameters, context: Context) -> None:
        super().__init__(parameters, context)
        own = parameters
        tangent = torch.randn(own.points, 2, generator=context.generator, dtype=torch.float64, device=context.device)
        shift = torch.tensor([own.offset / 2, 0.0], dtype=torch.float64, device=context.device)
        s = own.c**0.5
        cloud = hyperbolic.exp0(tangent * own.spread / 2, own.c)
        self.cloud: Tensor = hyperbolic.mobius_add(hyperbolic.exp0(shift, own.c), cloud, own.c) * s
        self.ratios: dict[str, list[float]] = {f"c = {c:g}": [] for c in CURVATURES}
        self.deviations: dict[str, list[float]] = {f"c = {c:g}": [] for c in CURVATURES}
        self.times: dict[str, list[float]] = {"midpoint": [], "Fréchet mean": []}

    @property
    def total_steps(self) -> int:
        """Clouds of the series."""
        return len(DEVIATIONS) * len(CURVATURES)

    def run(self) -> Iterator[Metrics | Progress]:
        """Measure one cloud of the series: how far the two means are apart, and what each takes."""
        while self.step < self.total_steps:
            index, which = divmod(self.step, len(CURVATURES))
            ratio, deviation, quick, slow = measured_cloud(
                DEVIATIONS[index], CURVATURES[which], self.parameters.dimensions, self.context.generator
            )
            self.ratios[f"c = {CURVATURES[which]:g}"].append(ratio)
            self.deviations[f"c = {CURVATURES[which]:g}"].append(deviation)
            self.times["midpoint"].append(quick)
            self.times["Fréchet mean"].append(slow)
            self.step += 1
            yield {"ratio": ratio, "milliseconds/midpoint": 1e3 * quick, "milliseconds/Fréchet mean": 1e3 * slow}

    def frame(self) -> MeanFrame:
        """The cloud with its means, and the series."""
        return self._frame_of(self.cloud)

    def _frame_of(self, cloud: Tensor) -> MeanFrame:
        mid, mean = midpoint(cloud, 1.0), frechet_mean(cloud, 1.0)
        apart = float(hyperbolic.distance(mid, mean, 1.0))
        spread = float(frechet_variance(cloud, mean, 1.0).sqrt())
        return MeanFrame(
            cloud.cpu().numpy(), mid.cpu().numpy(), mean.cpu().numpy(), apart, spread,
            {name: np.array(values) for name, values in self.deviations.items()},
            {name: np.array(values) for name, values in self.ratios.items()},
        )  # fmt: skip

    @action
    def means_of(self, points: np.ndarray) -> dict[str, np.ndarray | float]:
        """Midpoint and Fréchet mean of points (n, 2) of the unit disk."""
        cloud = torch.as_tensor(np.asarray(points), dtype=torch.float64, device=self.context.device)
        if cloud.ndim != 2 or cloud.shape[1] != 2 or not len(cloud) or not bool((cloud.norm(dim=1) < 1).all()):
            raise UserError("Points of the open unit disk are expected.")
        found = self._frame_of(cloud)
        return {"midpoint": found.midpoint, "frechet": found.frechet, "apart": found.apart, "spread": found.spread}

    @action
    def cloud_now(self) -> dict[str, np.ndarray | float]:
        """The cloud as it was drawn, with its means."""
        return {"points": self.cloud.cpu().numpy(), **self.means_of(self.cloud.cpu().numpy())}

    def save_artefacts(self, folder: Path) -> None:
        """Write the cloud and the series."""
        np.savetxt(folder / "cloud.csv", self.cloud.cpu().numpy(), delimiter=",", header="x,y", comments="")


def measured_cloud(
    deviation: float, c: float, dimensions: int, generator: torch.Generator
) -> tuple[float, float, float, float]:
    """Return d(midpoint, Fréchet mean) / σ, σ itself, and the seconds that each mean took.

    `deviation` is that of a flat cloud; σ is the root of the Fréchet variance of the curved one.
    """
    device = generator.device
    tangent = torch.randn(CLOUD, dimensions, generator=generator, dtype=torch.float64, device=device)
    tangent = tangent * deviation / 2 / dimensions**0.5
    tangent[:, 0] += deviation / 4  # off the origin, where the two would agree by symmetry
    points = hyperbolic.exp0(tangent, c)
    began = time.perf_counter()
    mid = midpoint(points, c)
    between = time.perf_counter()
    mean = frechet_mean(points, c)
    ended = time.perf_counter()
    apart = hyperbolic.distance(mid, mean, c)
    sigma = float(frechet_variance(points, mean, c).sqrt())
    return float(apart) / sigma, sigma, between - began, ended - between
