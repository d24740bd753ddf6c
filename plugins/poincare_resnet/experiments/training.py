"""Train Poincaré ResNet and its Euclidean counterparts on the same batches, and look at their features."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from plugins.poincare_resnet.contract import BatchMeans, Embedding, TrainFrame, TrainParameters
from plugins.poincare_resnet.experiments.batch_means import MeanPaths
from plugins.poincare_resnet.experiments.common import Networks, features_of, gradient_norms, layer_radii
from plugins.poincare_resnet.model import ResNet
from plugins.poincare_resnet.projection import GeodesicPlane, horospherical_plane, tangent_plane
from workbench.sdk import Context, Metrics, Progress, UserError, action
from workbench.toolkit import hyperbolic
from workbench.toolkit.hyperbolic_mean import midpoint

MOST_SHOWN = 2000
GRID = 96
DELTA_POINTS = 200


class Train(Networks[TrainParameters, TrainFrame]):
    """Networks side by side; every `evaluate_every` steps their test features are embedded in the disk."""

    def __init__(self, parameters: TrainParameters, context: Context) -> None:
        super().__init__(parameters, context)
        self.mean_paths = MeanPaths()
        self._means: dict[str, BatchMeans] = {}
        self._features: dict[str, Tensor] = {}
        self._projected = ""
        self._planes: dict[str, GeodesicPlane] = {}
        self._embeddings: dict[str, Embedding] = {}
        self._layers: tuple[str, ...] = ()
        self._radii = self._gradients = np.empty((0, 0))
        self._accuracy: dict[str, float] = {}
        self._clipped = self._curvatures = np.empty(0)
        self._delta = float("nan")
        self._seen_step = -1
        self._has_begun = False

    def prepare(self) -> Iterator[Progress]:
        """Read images, build networks, and look at them untrained."""
        yield from super().prepare()
        yield from self.look()

    def run(self) -> Iterator[Metrics | Progress]:
        """Train, looking at the test set now and then."""
        own = self.parameters
        self._has_begun = True
        while self.step < own.steps:
            metrics = self.train_step()
            if "hyperbolic" in self.networks:
                self.mean_paths.note(self.step, self.networks["hyperbolic"])
            if self.step % own.evaluate_every == 0 or self.step >= own.steps:
                yield from self.look()
                metrics |= {f"accuracy/{name}": value for name, value in self._accuracy.items()}
                for index, layer in enumerate(self._layers):
                    metrics |= {f"radius/{name}/{layer}": float(self._radii[index, column])
                                for column, name in enumerate(self.networks)}  # fmt: skip
                if own.learnable_c:
                    metrics |= {f"curvature/{name}": float(c)
                                for name, c in zip(self._layers, self._curvatures, strict=False)}  # fmt: skip
            yield metrics
        if self._seen_step != self.step:  # paused in the middle of the last look
            yield from self.look()

    def look(self) -> Iterator[Progress]:
        """Embed the test set with every network as it is now."""
        radii, gradients = [], []
        for name, network in self.networks.items():
            parts = []
            for part in features_of(network, self._test):
                parts.append(part)
                yield Progress(f"Looking at the test set with {name}")
            features = torch.cat(parts)
            with torch.no_grad():
                logits = network.classify(features)
            self._accuracy[name] = float((logits.argmax(-1) == self._test_labels).float().mean())
            self._features[name] = features
            yield from self._embed(name)
            layers, own_radii = layer_radii(network, self._test[:200])
            radii.append(own_radii)
            gradients.append(gradient_norms(network, layers))
            self._layers = tuple(layers)
        self._radii, self._gradients = np.array(radii).T, np.array(gradients).T
        self._projected = self.parameters.projection
        self._look_at_balls()
        self._seen_step = self.step

    def _look_at_balls(self) -> None:
        hyperbolic_one = self.networks.get("hyperbolic")
        if hyperbolic_one is None:
            return
        balls = hyperbolic_one.balls()
        self._clipped = np.array([float(ball.clipped) for _, ball in balls])
        self._curvatures = np.array([float(ball.c.detach()) for _, ball in balls])
        self._means = self.mean_paths.seen(hyperbolic_one, self._test[:200])

    def _embed(self, name: str) -> Iterator[Progress]:
        """Place features in the disk; Euclidean ones are taken to it by exp0, which keeps distances to the mean."""
        network, features = self.networks[name], self._features[name]
        with torch.no_grad():
            logits = network.classify(features[:MOST_SHOWN])
        shown = features[:MOST_SHOWN].double()
        has_ball = network.has_ball
        c = float(network.ball.c.detach()) if has_ball else 1.0
        if not has_ball:
            # The plane has no boundary; scaled so that the mean distance is 1, half of it is drawn as if hyperbolic.
            shown = hyperbolic.exp0((shown - shown.mean(0)) / (2 * shown.std().clamp_min(1e-9)), 1.0)
        plane: GeodesicPlane = tangent_plane(shown, c)
        if self.parameters.projection == "horopca":
            for said in horospherical_plane(shown, c):
                if isinstance(said, GeodesicPlane):
                    plane = said
                else:
                    yield said
        self._planes[name] = plane
        points = plane.to_disk(shown).cpu().numpy()
        labels = self._test_labels[: len(shown)]
        means = _class_means(shown, labels, len(self.images.class_names), plane)
        if name == "hyperbolic" or (has_ball and "hyperbolic" not in self.networks):
            count = min(DELTA_POINTS, len(shown))
            pairs = shown[:count]
            self._delta = hyperbolic.gromov_delta(hyperbolic.distance(pairs[:, None], pairs[None], c))
        self._embeddings[name] = Embedding(
            points,
            labels.cpu().numpy(),
            (logits.argmax(-1) == labels).cpu().numpy(),
            hyperbolic.distance0(shown, c).cpu().numpy(),
            logits.softmax(-1).amax(-1).cpu().numpy(),
            means,
            plane.explained,
            self._regions(name, network, disk_grid(GRID)).reshape(GRID, GRID) if has_ball else None,
        )

    def _regions(self, name: str, network: ResNet, places: Float[np.ndarray, "m 2"]) -> np.ndarray:
        """Class at places of the disk; -1 outside of it."""
        inside = (places**2).sum(1) < 0.9999
        classes = np.full(len(places), -1)
        plane = self._planes[name]
        points = plane.from_disk(torch.from_numpy(places[inside]).to(plane.mean)).to(self._test.dtype)
        with torch.no_grad():
            classes[inside] = network.classify(points.to(self.context.device)).argmax(-1).cpu().numpy()
        return classes

    def frame(self) -> TrainFrame:
        """Pack the last look; a run that was taken up again is looked at once before it goes on."""
        if not self._has_begun and self._seen_step != self.step:
            for _ in self.look():
                pass
        if self._projected != self.parameters.projection and self._seen_step >= 0:
            self._projected = self.parameters.projection
            for name in self.networks:
                for _ in self._embed(name):
                    pass
        return TrainFrame(
            tuple(self.networks), self._seen_step, dict(self._embeddings), self.images.thumbnails[:MOST_SHOWN],
            self.images.class_names, self._layers, self._radii, self._gradients, self._clipped, self._curvatures,
            dict(self._accuracy), self._delta, self._projected, dict(self._means),
        )  # fmt: skip

    @action
    def regions_at(self, model: str, places: np.ndarray) -> np.ndarray:
        """Answer the decided class at places (m, 2) of the disk, exactly; -1 outside."""
        network = self._known(model)
        if not network.has_ball:
            raise UserError("This network's features are not hyperbolic.")
        return self._regions(model, network, np.asarray(places, np.float64))

    @action
    def between(self, model: str, first: int, second: int, shares: int = 41) -> dict[str, Any]:
        """Class probabilities along the geodesic between the features of two test images."""
        network = self._known(model)
        picked = torch.stack([self._test[first], self._test[second]])
        batch = torch.cat([picked, self._test[:100]])  # batch statistics of two images alone would mean nothing
        network.eval()
        features = network.features(batch)[:2].detach()
        t = torch.linspace(0, 1, shares, device=features.device)
        if network.has_ball:
            c = float(network.ball.c)
            path = hyperbolic.geodesic(features[0], features[1], t, c)
            length = float(hyperbolic.distance(features[0], features[1], c))
            disk = self._planes[model].to_disk(path.double())
        else:
            path = torch.lerp(features[:1], features[1:], t[:, None])
            length, disk = float((features[0] - features[1]).norm()), torch.zeros(shares, 2)
        return {"t": t, "probabilities": network.classify(path).softmax(-1).detach(), "length": length, "path": disk}

    @action
    def place(self, model: str, image: np.ndarray) -> dict[str, Any]:
        """Where a drawn image (h, w) in [0, 1] lands in the disk, and what it is taken for."""
        network = self._known(model)
        known = self._test[:100]
        drawn = torch.as_tensor(image, dtype=known.dtype, device=known.device)
        scaled = (drawn - 0.5) / (0.5 if known.shape[1] == 3 else 1.0)
        network.eval()
        batch = torch.cat([scaled.expand(1, *known.shape[1:]), known])
        feature = network.features(batch)[:1].detach()
        probabilities = network.classify(feature)[0].softmax(-1).detach()
        disk = self._planes[model].to_disk(feature.double())[0] if network.has_ball else torch.zeros(2)
        return {"place": disk, "probabilities": probabilities}

    def _known(self, model: str) -> ResNet:
        if model not in self.networks:
            raise UserError(f"There is no network {model!r}; there are {', '.join(self.networks)}.")
        return self.networks[model]

    def save_artefacts(self, folder: Path) -> None:
        """Write features and their places in the disk, and the settings of the networks."""
        arrays: dict[str, Any] = {}
        for name, network in self.networks.items():
            features = torch.cat(list(features_of(network, self._test)))
            arrays |= {f"{name}_features": features.cpu().numpy(), f"{name}_disk": self._embeddings[name].points}
            if network.has_ball:
                arrays[f"{name}_c"] = float(network.ball.c.detach())
        for name, own in self._means.items():
            arrays[f"mean_path_{name.replace(' ', '_')}"] = own.path
        np.savez_compressed(folder / "features.npz", labels=self._test_labels.cpu().numpy(), **arrays)

    @property
    def accuracies(self) -> Mapping[str, float]:
        """Share of the test set that each network got right at the last look."""
        return self._accuracy


def _class_means(
    points: Float[Tensor, "m n"], labels: Int[Tensor, " m"], classes: int, plane: GeodesicPlane
) -> Float[np.ndarray, "k 2"]:
    """Midpoint of each class's features, taken in all dimensions and then to the disk; NaN where a class has none."""
    found = np.full((classes, 2), np.nan)
    for k in labels.unique().tolist():
        mean = midpoint(points[labels == k], plane.c)
        found[k] = plane.to_disk(mean[None])[0].cpu().numpy()
    return found


def disk_grid(size: int) -> Float[np.ndarray, "m 2"]:
    """Centres of a grid's cells over the square around the unit disk, first row at the top."""
    line = (np.arange(size) + 0.5) / size * 2 - 1
    x, y = np.meshgrid(line, -line)
    return np.stack([x.ravel(), y.ravel()], 1)
