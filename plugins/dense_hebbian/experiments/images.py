"""Classes of images as archetypes: which order P tells correlated patterns apart."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from plugins.dense_hebbian.contract import IMAGE_ORDERS, ImagesFrame, ImagesParameters, Recalled
from plugins.dense_hebbian.experiments.common import swept, write_rows
from plugins.dense_hebbian.network import Network, random_order
from workbench.sdk import Context, Experiment, Metrics, Progress, UserError, action
from workbench.toolkit.image_sets import ImageSet, load_digits, load_idx, load_openml

MID_GREY = 127
SHOWN = 10
RECALL_PARTS = 8
"""States of each sweep that a recalled drawing shows."""
RECALLED = 0.5
"""An end state whose largest overlap with a class is below this belongs to none of them."""


class Images(Experiment[ImagesParameters, ImagesFrame]):
    """One step recalls one batch: a corrupted image of every class, at zero temperature."""

    def __init__(self, parameters: ImagesParameters, context: Context) -> None:
        super().__init__(parameters, context)
        self.confusion = np.zeros((0, 0))
        self.order = np.zeros(0, np.int64)
        self._learnt = b""
        self.right = 0
        self.nearest = 0
        self.seen = 0
        self.last = np.zeros((0, 0, 0))

    @property
    def total_steps(self) -> int:
        """One batch a test image."""
        return self.parameters.tests

    def prepare(self) -> Iterator[Progress]:
        """Load the images, average each class, and store the averages."""
        p = self.parameters
        yield Progress(f"loading {p.data}")
        loader = ThreadPoolExecutor(1)
        loading = loader.submit(self._load)
        try:
            while not wait([loading], timeout=0.1).done:
                yield Progress(f"loading {p.data}")
        finally:
            loader.shutdown(wait=False, cancel_futures=True)
        images = loading.result()
        yield Progress("learning the classes")
        self._binary = np.where(images.images.reshape(len(images.images), -1) > MID_GREY, 1, -1).astype(np.int8)
        self._labels, self._shape = images.labels, images.images.shape[1:]
        if (np.bincount(images.labels) <= p.examples).any():
            raise UserError(f"Some class has no more than {p.examples} images; lower the number of examples M.")
        if len(self.order) == 0:
            self.order = self.context.rng.permutation(len(images.labels))
        if self.confusion.size == 0:
            self.confusion = np.zeros((images.classes, images.classes + 1))

    def _learn(self) -> None:
        """Average the first M images of each class in `order`; made anew when a checkpoint brought another order."""
        key = self.order.tobytes()
        if key == self._learnt:
            return
        p, self._learnt = self.parameters, key
        shuffled = [self.order[self._labels[self.order] == label] for label in range(len(self.confusion))]
        means = np.stack([self._binary[members[: p.examples]].mean(0) for members in shuffled])
        self._offset = means.mean(0) if p.centred else np.zeros(self._binary.shape[1])
        chi = means - self._offset
        chi /= np.sqrt((chi**2).mean(1, keepdims=True)).clip(1e-9)
        whole = np.stack([self._binary[members].mean(0) for members in shuffled])
        device = self.context.device
        self._archetypes = torch.from_numpy(np.where(whole >= 0, 1.0, -1.0)).to(device)
        self._test = [torch.from_numpy(self._binary[members[p.examples :]]).to(device) for members in shuffled]
        self._chi = torch.from_numpy(chi)[None].to(device)
        self._network = Network(self._chi, p.order, 1.0, p.kernel)
        self._means = means

    def _load(self) -> ImageSet:
        p = self.parameters
        if p.data == "digits":
            return load_digits()
        if p.data == "idx":
            if not p.images:
                raise UserError("Choose the IDX file of the images.")
            return load_idx(Path(p.images))
        return load_openml(p.data, self.context.cache)

    def run(self) -> Iterator[Metrics | Progress]:
        """Recall one corrupted image of every class a step."""
        self._learn()
        while self.step < self.parameters.tests:
            starts = self._corrupted(self.step)
            spins = starts[None]
            for sweep in range(self.parameters.sweeps):
                text = f"batch {self.step + 1}, sweep {sweep + 1}"
                spins, flips = yield from swept(self._network, spins, 0.0, self.context.generator, text)
                yield Progress(text)
                if flips == 0:
                    break
            self._score(starts, spins[0])
            self.step += 1
            correct = float(np.diag(self.confusion[:, :-1]).sum())
            yield {
                "recalled": correct / self.seen,
                "nearest mean": self.nearest / self.seen,
                "energy": self._network.energy(spins).mean(),
            }

    def _corrupted(self, index: int) -> Float[Tensor, "c n"]:
        """One pattern of every class with a share of its pixels turned."""
        if self.parameters.start == "archetype":
            images = self._archetypes
        else:
            images = torch.stack([own[index % len(own)] for own in self._test]).double()
        return self._turned(images, self.parameters.flips)

    def _turned(self, images: Float[Tensor, "*b n"], flips: float) -> Float[Tensor, "*b n"]:
        """Turn each pixel with this probability."""
        generator = self.context.generator
        turned = torch.rand(images.shape, generator=generator, device=generator.device) < flips
        return torch.where(turned, -images, images)

    def _score(self, starts: Float[Tensor, "c n"], ends: Float[Tensor, "c n"]) -> None:
        classes = len(ends)
        overlaps = ends @ self._archetypes.T / ends.shape[1]
        best, index = overlaps.max(-1)
        own = torch.arange(classes, device=index.device)
        self.right += int((index == own).sum())
        found = torch.where(best >= RECALLED, index, classes)
        for true, label in enumerate(found.tolist()):
            self.confusion[true, label] += 1
        nearest = (starts @ torch.from_numpy(self._means - self._offset).to(starts).T).argmax(-1)
        self.nearest += int((nearest == own).sum())
        self.seen += classes
        self.last = np.stack([starts.cpu().numpy(), ends.cpu().numpy()])

    def frame(self) -> ImagesFrame:
        """Class means, the last batch, and how the classes were confused."""
        self._learn()
        h, w = self._shape
        starts, ends = self.last if self.last.size else np.zeros((2, 0, h * w))
        classes: Int[np.ndarray, " s"] = np.arange(len(starts[:SHOWN]))
        total = self.confusion.sum(1, keepdims=True).clip(1)
        seen = max(1, self.seen)
        return ImagesFrame(
            self._means.reshape(-1, h, w),
            self._archetypes.cpu().numpy().reshape(-1, h, w),
            starts[:SHOWN].reshape(-1, h, w),
            ends[:SHOWN].reshape(-1, h, w),
            classes,
            self.confusion / total,
            self.right / seen,
            self.nearest / seen,
        )

    @action
    def example(self, label: int, flips: float, start: str = "archetype") -> Float[np.ndarray, "h w"]:
        """A class's archetype, or an image of it that was not learnt from, with a share of its pixels turned."""
        self._learn()
        if not 0 <= label < len(self._test):
            raise UserError(f"There are classes 0 to {len(self._test) - 1}, but no {label}.")
        image = self._archetypes[label]
        if start == "image":
            own = self._test[label]
            row = int(self.context.rng.integers(len(own)))
            image = own[row].double()
        found: np.ndarray = self._turned(image, flips).cpu().numpy().reshape(self._shape)
        return found

    @action
    def recall(self, drawing: Float[np.ndarray, "h w"]) -> Iterator[object]:
        """Relax from a drawing at T' = 0; partial answers, and the last, say the state, energies, and overlaps."""
        self._learn()
        drawn = torch.from_numpy(np.where(np.asarray(drawing, float) >= 0, 1.0, -1.0).ravel()).to(self.context.device)
        if len(drawn) != self._archetypes.shape[1]:
            raise UserError(f"A drawing has {self._archetypes.shape[1]} pixels here, not {len(drawn)}.")
        spins, generator = drawn[None, None], self.context.generator
        energies = [float(self._network.energy(spins))]
        yield self._recalled(spins, energies)
        for sweep in range(self.parameters.sweeps):
            flips = 0
            sites = random_order(self._network.neurons, generator)
            count = -(-len(sites) // RECALL_PARTS)
            for place in range(0, len(sites), count):
                part = sites[place : place + count]
                spins, turned = yield from swept(self._network, spins, 0.0, generator, f"sweep {sweep + 1}", part)
                flips += turned
                energies.append(float(self._network.energy(spins)))
                yield self._recalled(spins, energies)
            if flips == 0:
                break
        return self._recalled(spins, energies)

    def _recalled(self, spins: Tensor, energies: list[float]) -> Recalled:
        overlaps = (spins[0] @ self._archetypes.T)[0] / self._archetypes.shape[1]
        state = spins[0, 0].cpu().numpy().reshape(self._shape)
        return Recalled(state, np.array(energies), overlaps.cpu().numpy())

    @action
    def compare_orders(self, tests: int = 5) -> Iterator[object]:
        """Recall the same corrupted images with every P; partial answers are (orders, share of right classes)."""
        self._learn()
        starts = torch.cat([self._corrupted(index) for index in range(tests)])
        classes = torch.arange(len(starts), device=starts.device) % len(self._means)
        orders, right = [], []
        for order in IMAGE_ORDERS:
            network, spins = Network(self._chi, order, 1.0, self.parameters.kernel), starts[None]
            for _ in range(self.parameters.sweeps):
                spins, flips = yield from swept(network, spins, 0.0, self.context.generator, f"P = {order}")
                if flips == 0:
                    break
            found = (spins[0] @ self._archetypes.T).argmax(-1)
            orders.append(order)
            right.append(float((found == classes).double().mean()))
            yield np.array(orders), np.array(right)
        return np.array(orders), np.array(right)

    def save_artefacts(self, folder: Path) -> None:
        """Write the class means, the archetypes, the last batch, and the confusion matrix as counts."""
        self._learn()
        starts, ends = self.last if self.last.size else np.zeros((2, 0, self._means.shape[1]))
        np.savez_compressed(
            folder / "images.npz",
            means=self._means,
            archetypes=self._archetypes.cpu().numpy(),
            starts=starts,
            ends=ends,
        )
        classes = len(self.confusion)
        write_rows(folder / "confusion.csv", [*(f"class{i}" for i in range(classes)), "none"], self.confusion)
