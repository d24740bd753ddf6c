"""What the experiments with networks share: building them, training steps, and looks at them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Generic, TypeVar

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from plugins.poincare_resnet.contract import MODELS, NetworkParameters
from plugins.poincare_resnet.data import Images, augmented, load
from plugins.poincare_resnet.model import Design, Kind, ResNet, parameter_groups
from workbench.sdk import Context, Experiment, Frame, Progress, UserError
from workbench.toolkit import hyperbolic

P = TypeVar("P", bound=NetworkParameters)
F = TypeVar("F", bound=Frame)
EVALUATION_BATCH = 200
CHECK_EVERY = 20
"""Steps between two looks whether the loss is a number, where looking means waiting for the device."""


def design_of(kind: Kind, own: NetworkParameters, channels: int, classes: int) -> Design:
    """Turn parameters into a network's design; raises UserError for widths that cannot be read."""
    try:
        widths = own.group_widths
        if not widths or min(widths) < 1 or max(widths) > 512:
            raise ValueError
    except ValueError:
        raise UserError(f"widths = {own.widths}: whole numbers with commas are expected, as in 4,8,16.") from None
    return Design(
        kind, channels, classes, widths, own.blocks, own.c, own.learnable_c, own.initialisation, own.mean, own.skip,
        own.gradients, own.wrong_factor, own.uses_running, own.last or None,
    )  # fmt: skip


class Networks(Experiment[P, F], Generic[P, F]):
    """Several networks learn from the same batches; each step is one batch for all of them."""

    models: tuple[str, ...]

    def __init__(self, parameters: P, context: Context) -> None:
        super().__init__(parameters, context)
        self._images: Images | None = None
        self.networks: dict[str, ResNet] = {}
        self.optimizers: dict[str, torch.optim.Adam] = {}
        self.order = torch.empty(0, dtype=torch.int64)

    def prepare(self) -> Iterator[Progress]:
        """Read the images and build the networks."""
        own: Any = self.parameters
        for said in load(own, self.context.cache):
            if isinstance(said, Images):
                self._images = said
            else:
                yield said
        images = self.images
        device, dtype = self.context.device, getattr(torch, own.precision)
        for kind in own.models:
            torch.manual_seed(self.context.seed)
            design = design_of(kind, own, images.channels, len(images.class_names))
            self.networks[kind] = ResNet(design).to(device, dtype)
            groups = parameter_groups(self.networks[kind], own.weight_decay)
            self.optimizers[kind] = torch.optim.Adam(groups, own.learning_rate)
        self._train = images.train.to(device, dtype)
        self._train_labels = images.train_labels.to(device)
        self._test, self._test_labels = images.test.to(device, dtype), images.test_labels.to(device)

    @property
    def images(self) -> Images:
        """The images; `prepare` has read them."""
        assert self._images is not None
        return self._images

    def parameters_changed(self, names: frozenset[str]) -> None:
        """Take over step size and weight decay."""
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = self.parameters.learning_rate
                group["weight_decay"] = self.parameters.weight_decay if group["weight_decay"] else 0.0

    def next_batch(self) -> tuple[Float[Tensor, "b ch h w"], Int[Tensor, " b"]]:
        """The next images of the epoch, in an order that is drawn anew each time all were seen."""
        own, generator = self.parameters, self.context.generator
        if len(self.order) < min(own.batch, len(self._train)):
            self.order = torch.randperm(len(self._train), generator=generator, device=generator.device)
        chosen, self.order = self.order[: own.batch], self.order[own.batch :]
        images = self._train[chosen]
        return (augmented(images, generator) if own.augment else images), self._train_labels[chosen]

    def train_step(self) -> dict[str, Any]:
        """One batch for every network; yields their losses and accuracies by name."""
        images, labels = self.next_batch()
        metrics: dict[str, Any] = {}
        for name, network in self.networks.items():
            network.train()
            logits = network(images)
            loss = functional.cross_entropy(logits, labels)
            if (loss.device.type == "cpu" or self.step % CHECK_EVERY == 0) and not torch.isfinite(loss):
                raise UserError(self._not_finite(name, images))
            optimizer = self.optimizers[name]
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), self.parameters.clip)
            optimizer.step()
            metrics[f"loss/{name}"] = loss.detach()
            metrics[f"train accuracy/{name}"] = (logits.argmax(-1) == labels).float().mean()
        self.step += 1
        return metrics

    def _not_finite(self, name: str, images: Float[Tensor, "b ch h w"]) -> str:
        """Return a sentence that names the first layer whose output is not finite."""
        network = self.networks[name]
        first = "the images" if not torch.isfinite(images).all() else "the head"
        with torch.no_grad():
            for layer, t in network.layers(images):
                if not torch.isfinite(t).all():
                    first = layer if first != "the images" else first
                    break
        return (
            f"{MODELS[name]}: the loss at step {self.step} is not a number; {first} is the first to hold such values. "
            "A smaller learning rate or curvature (c at most 0.1) helps."
        )


def features_of(network: ResNet, images: Float[Tensor, "n ch h w"]) -> Iterator[Tensor]:
    """Yield features of a part of the images at a time: batch statistics need batches, also for a test."""
    network.eval()
    for part in images.split(EVALUATION_BATCH):
        with torch.no_grad():
            yield network.features(part)


def layer_radii(network: ResNet, images: Float[Tensor, "n ch h w"]) -> tuple[list[str], list[float]]:
    """Mean distance to the origin after each layer: hyperbolic where it is, else twice the Euclidean norm."""
    names, radii = [], []
    network.eval()
    with torch.no_grad():
        for name, t in network.layers(images):
            names.append(name)
            # A tangent vector v at the origin is at distance 2 |v|.
            radii.append(float(2 * hyperbolic.norm(t, 1).mean()))
    return names, radii


def gradient_norms(network: ResNet, layers: Sequence[str]) -> list[float]:
    """Norm of the last gradient in the stem and in each block."""
    parts: list[nn.Module] = [network.conv, *network.blocks]
    norms = []
    for part in parts[: len(layers)]:
        squares = [own.grad.square().sum() for own in part.parameters() if own.grad is not None]
        norms.append(float(torch.stack(squares).sum().sqrt()) if squares else float("nan"))
    return norms
