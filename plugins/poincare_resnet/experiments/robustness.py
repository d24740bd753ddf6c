"""Attack trained networks with the fast gradient sign method, and show them images of another kind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from plugins.poincare_resnet.contract import RobustnessFrame, RobustnessParameters
from plugins.poincare_resnet.data import other_images
from plugins.poincare_resnet.experiments.common import EVALUATION_BATCH, Networks
from plugins.poincare_resnet.model import ResNet, energy
from workbench.sdk import Context, Metrics, Progress, UserError, action

LEVELS = 9
EXAMPLE = 0


class Robustness(Networks[RobustnessParameters, RobustnessFrame]):
    """Train first; the last step is followed by the attacks and by the energy scores."""

    def __init__(self, parameters: RobustnessParameters, context: Context) -> None:
        super().__init__(parameters, context)
        self.accuracy: dict[str, list[float]] = {}
        self.scores: dict[str, tuple[float, float, float]] = {}
        self._known: dict[str, np.ndarray] = {}
        self._strange: dict[str, np.ndarray] = {}
        self._curves: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        self._examples: list[np.ndarray] = []
        self._guesses: dict[str, tuple[int, ...]] = {}
        self._evaluated = -1
        self._has_begun = False

    @property
    def epsilons(self) -> Float[np.ndarray, " e"]:
        """Sizes of the attack in 255ths of the range of a pixel."""
        return np.linspace(0, self.parameters.epsilon, LEVELS)

    def prepare(self) -> Iterator[Progress]:
        """Read images, build networks, and attack them untrained, so that something is to be seen."""
        yield from super().prepare()
        yield Progress("Reading images of another kind")
        self._others = other_images(self.parameters, self.images.test).to(self._test)
        yield from self.evaluate()

    def run(self) -> Iterator[Metrics | Progress]:
        """Train, then evaluate."""
        self._has_begun = True
        while self.step < self.parameters.steps:
            metrics = self.train_step()
            if self.step >= self.parameters.steps:
                yield from self.evaluate()
                for name in self.networks:
                    rate, area, precision = self.scores[name]
                    metrics |= {f"FPR95/{name}": rate, f"AUROC/{name}": area, f"AUPR/{name}": precision,
                                f"attacked/{name}": self.accuracy[name][-1]}  # fmt: skip
            yield metrics
        if self._evaluated != self.step:  # paused in the middle of the evaluation
            yield from self.evaluate()

    def evaluate(self) -> Iterator[Progress]:
        """Accuracy at each size of the attack, and how well energy tells strange images apart."""
        strange = self._others
        for name, network in self.networks.items():
            correct = np.zeros(LEVELS)
            guesses: list[int] = []
            for images, labels in zip(self._test.split(EVALUATION_BATCH), self._test_labels.split(EVALUATION_BATCH),
                                      strict=True):  # fmt: skip
                direction = gradient_sign(network, images, labels)
                for level, size in enumerate(self.epsilons):
                    with torch.no_grad():
                        found = network(self._attacked(images, direction, float(size))).argmax(-1)
                    correct[level] += float((found == labels).sum())
                    if len(guesses) < LEVELS:  # of the first part, which holds the example
                        guesses.append(int(found[EXAMPLE]))
                yield Progress(f"Attacking {name}")
            self.accuracy[name] = (correct / len(self._test)).tolist()
            self._guesses[name] = tuple(guesses[:LEVELS])
            self._known[name] = self._energies(network, self._test)
            self._strange[name] = self._energies(network, strange)
            self.scores[name], self._curves[name] = separation(self._known[name], self._strange[name])
            yield Progress(f"Energies of {name}")
        self._examples = self._pictures()
        self._evaluated = self.step

    def _attacked(self, images: Tensor, direction: Tensor, size: float) -> Tensor:
        """Move by `size` 255ths of a pixel's range; the paper's code does so in normalised coordinates."""
        span = 2.0 if images.shape[1] == 3 else 1.0
        return (images + size / 255 * span * direction).clamp(-span / 2, span / 2)

    def _energies(self, network: ResNet, images: Tensor) -> np.ndarray:
        network.eval()
        with torch.no_grad():
            parts = [energy(network(part)) for part in images.split(EVALUATION_BATCH)]
        return torch.cat(parts).cpu().numpy()

    def _pictures(self, index: int = EXAMPLE) -> list[np.ndarray]:
        """A test image attacked through the first network, as bytes."""
        first = next(iter(self.networks.values()))
        start = index // EVALUATION_BATCH * EVALUATION_BATCH
        images = self._test[start : start + EVALUATION_BATCH]
        labels = self._test_labels[start : start + EVALUATION_BATCH]
        direction = gradient_sign(first, images, labels)
        span = 2.0 if images.shape[1] == 3 else 1.0
        pictures = []
        for size in self.epsilons:
            attacked = self._attacked(images, direction, float(size))[index - start]
            pictures.append(((attacked / span + 0.5) * 255).round().byte().movedim(0, -1).cpu().numpy())
        return pictures

    def frame(self) -> RobustnessFrame:
        """The last evaluation; a run that was taken up again is evaluated once before it goes on."""
        if not self._has_begun and self._evaluated != self.step:
            for _ in self.evaluate():
                pass
        examples = np.stack(self._examples) if self._examples else np.zeros((0, 8, 8, 1), np.uint8)
        return RobustnessFrame(
            tuple(self.networks), self._evaluated, self.epsilons,
            {name: np.array(values) for name, values in self.accuracy.items()}, dict(self._curves), dict(self.scores),
            dict(self._known), dict(self._strange), examples, dict(self._guesses),
        )  # fmt: skip

    @action
    def attack(self, index: int) -> dict[str, np.ndarray | tuple[int, ...]]:
        """Attack another test image: its pictures at every size, and what each network takes them for."""
        if not 0 <= index < len(self._test):
            raise UserError(f"There are {len(self._test)} test images.")
        start = min(index, len(self._test) - 1) // EVALUATION_BATCH * EVALUATION_BATCH
        images = self._test[start : start + EVALUATION_BATCH]
        labels = self._test_labels[start : start + EVALUATION_BATCH]
        answer: dict[str, np.ndarray | tuple[int, ...]] = {"pictures": np.stack(self._pictures(index))}
        for name, network in self.networks.items():
            direction = gradient_sign(network, images, labels)
            found = []
            for size in self.epsilons:
                with torch.no_grad():
                    logits = network(self._attacked(images, direction, float(size)))
                found.append(int(logits[index - start].argmax()))
            answer[name] = tuple(found)
        return answer

    def save_artefacts(self, folder: Path) -> None:
        """Write accuracy under attack and the separation of strange images."""
        with (folder / "robustness.csv").open("w", encoding="utf-8") as file:
            file.write(",".join(["epsilon", *self.networks]) + "\n")
            for level, size in enumerate(self.epsilons):
                file.write(
                    ",".join([f"{size:g}", *(f"{self.accuracy[name][level]:g}" for name in self.networks)]) + "\n"
                )


def gradient_sign(network: ResNet, images: Tensor, labels: Tensor) -> Tensor:
    """Sign of the loss's gradient at the images (fast gradient sign method, L∞)."""
    network.eval()
    with torch.enable_grad():
        inputs = images.detach().requires_grad_()
        loss = functional.cross_entropy(network(inputs), labels)
        (gradient,) = torch.autograd.grad(loss, inputs)
    return gradient.sign()


def separation(
    known: Float[np.ndarray, " n"], strange: Float[np.ndarray, " m"]
) -> tuple[tuple[float, float, float], tuple[np.ndarray, np.ndarray]]:
    """Return FPR at 95 % TPR, AUROC and AUPR of telling strange images by their energy, and the ROC curve.

    Strange images are the positive class for AUROC and AUPR; FPR95 is the share of strange images taken for known ones
    where 95 % of the known ones are accepted (lower is better).
    """
    from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

    scores = np.concatenate([known, strange])
    is_strange = np.concatenate([np.zeros(len(known)), np.ones(len(strange))])
    accepted = np.quantile(known, 0.95)
    rates, hits, _ = roc_curve(is_strange, scores)
    rate = float((strange <= accepted).mean())
    area, precision = float(roc_auc_score(is_strange, scores)), float(average_precision_score(is_strange, scores))
    return (rate, area, precision), (rates, hits)
