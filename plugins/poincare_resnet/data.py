"""Labelled images as tensors: bundled, from OpenML, or from files; and images of other kinds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from plugins.poincare_resnet.contract import NetworkParameters, RobustnessParameters
from workbench.sdk import Progress, UserError
from workbench.toolkit import image_files, image_sets
from workbench.toolkit.image_files import LabelledPictures


@dataclass(frozen=True)
class Images:
    """Pixels (n, channels, h, w) in [-0.5, 0.5] or, as the paper's code scales colour, [-1, 1], with labels (n,)."""

    train: Float[Tensor, "n ch h w"]
    train_labels: Int[Tensor, " n"]
    test: Float[Tensor, "m ch h w"]
    test_labels: Int[Tensor, " m"]
    class_names: tuple[str, ...]
    thumbnails: UInt8[np.ndarray, "m h w ch"]

    @property
    def channels(self) -> int:
        """1 for grey images, 3 for colour."""
        return self.train.shape[1]


def load(parameters: NetworkParameters, cache: Path) -> Iterator[Progress | Images]:
    """Say Progress, then give the images, split into train and test with a fixed shuffle. Raises UserError.

    Sets that come with a test set of their own keep it.
    """
    yield Progress("Reading images")
    found = _read(parameters, cache)
    train, test = _split(len(found.labels), found.training, parameters, np.random.default_rng(0))
    scaled = scaled_pixels(found.pixels)
    labels = torch.from_numpy(found.labels)
    yield Images(scaled[train], labels[train], scaled[test], labels[test], found.names, found.pixels[test])


def _split(
    count: int, training: int | None, own: NetworkParameters, rng: np.random.Generator
) -> tuple[Int[np.ndarray, " t"], Int[np.ndarray, " s"]]:
    """Indices of the images to train and to test on; raises UserError where there are too few."""
    if training is not None:
        for what, wanted, there in (("train", own.train_size, training), ("test", own.test_size, count - training)):
            if wanted > there:
                raise UserError(f"There are {there} images to {what} on; {wanted} are asked for.")
        rest = training + rng.permutation(count - training)
        return rng.permutation(training)[: own.train_size], rest[: own.test_size]
    if count < own.train_size + own.test_size:
        raise UserError(
            f"There are {count} images; {own.train_size} to train on and {own.test_size} to test on are asked for."
        )
    order = rng.permutation(count)
    return order[: own.train_size], order[own.train_size : own.train_size + own.test_size]


def scaled_pixels(pixels: UInt8[np.ndarray, "n h w ch"]) -> Float[Tensor, "n ch h w"]:
    """Normalise with mean and deviation 0.5 as in the paper's code; grey images by their mean alone."""
    scaled = torch.from_numpy(pixels.astype(np.float32) / 255).movedim(-1, 1)
    return (scaled - 0.5) / (0.5 if scaled.shape[1] == 3 else 1.0)


def _read(parameters: NetworkParameters, cache: Path) -> LabelledPictures:
    match parameters.source:
        case "digits":
            found = image_sets.load_digits()
        case "mnist" | "fashion":
            found = image_sets.load_openml(parameters.source, cache)
        case "cifar10":
            pixels, labels = image_sets.load_openml_colour("cifar10", cache)
            return LabelledPictures(pixels, labels, image_files.CIFAR_CLASSES)
        case "idx":
            if not parameters.images:
                raise UserError("Choose an IDX file of images under Data.")
            found = image_sets.load_idx(Path(parameters.images))
        case "folder":
            return image_files.read_folder(Path(parameters.folder))
        case "cifar_files":
            return image_files.read_cifar(Path(parameters.folder))
    names = tuple(str(index) for index in range(found.classes))
    return LabelledPictures(found.images[..., None], found.labels, names)


def augmented(images: Float[Tensor, "b ch h w"], generator: torch.Generator) -> Float[Tensor, "b ch h w"]:
    """Pad by an eighth with grey, crop at random, flip half of the images (the order of the paper's code)."""
    b, _, h, w = images.shape
    pad = max(1, h // 8)
    padded = torch.nn.functional.pad(images, (pad, pad, pad, pad))
    device = generator.device
    down = torch.randint(0, 2 * pad + 1, (b,), generator=generator, device=device)
    across = torch.randint(0, 2 * pad + 1, (b,), generator=generator, device=device)
    flip = torch.rand(b, generator=generator, device=device) < 0.5
    columns = torch.arange(w, device=device).expand(b, w)
    columns = torch.where(flip[:, None], columns.flip(1), columns) + across[:, None]
    rows = torch.arange(h, device=device) + down[:, None]
    batch = torch.arange(b, device=device)[:, None, None]
    return padded.movedim(1, -1)[batch, rows[:, :, None], columns[:, None, :]].movedim(-1, 1)


def strange_images(kind: str, images: Float[Tensor, "n ch h w"], seed: int = 0) -> Float[Tensor, "n ch h w"]:
    """Make images of another kind out of, or in the shape of, known ones."""
    generator = torch.Generator().manual_seed(seed)
    low, high = float(images.min()), float(images.max())
    match kind:
        case "noise":
            return low + (high - low) * torch.rand(images.shape, generator=generator)
        case "checkers":
            h, w = images.shape[-2:]
            size = torch.randint(1, 4, (len(images), 1, 1, 1), generator=generator)
            grid = torch.arange(h)[:, None] // size + torch.arange(w)[None] // size
            return torch.where(grid % 2 == 0, low, high).expand(images.shape).clone()
        case "shuffled":
            order = torch.randperm(images[0, 0].numel(), generator=generator)
            return images.flatten(2)[..., order].reshape(images.shape)
    return low + high - images


def other_images(own: RobustnessParameters, known: Float[Tensor, "n ch h w"]) -> Float[Tensor, "m ch h w"]:
    """Images of another kind as the network would be given them: made of the known ones, or of SVHN or a folder.

    Those of files are resized to the known images' size, made grey where those are, and at most as many. Raises
    UserError.
    """
    if own.strange not in ("svhn", "pictures"):
        return strange_images(own.strange, known)
    count, channels, height, width = known.shape
    if own.strange == "svhn":
        if not own.strange_file:
            raise UserError("Choose SVHN's test_32x32.mat under Attack.")
        pixels = image_files.read_svhn(Path(own.strange_file))[0][:count]
        pixels = image_files.resized(pixels, (width, height))
    else:
        if not own.strange_folder:
            raise UserError("Name a folder with other pictures, as that of Textures, under Attack.")
        pixels = image_files.read_pictures(Path(own.strange_folder), (width, height), count)
    return scaled_pixels(pixels if channels == 3 else image_files.grey(pixels))
