"""Labelled images as tensors: bundled, from OpenML, IDX files, or folders of pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from plugins.poincare_resnet.contract import NetworkParameters
from workbench.sdk import Progress, UserError
from workbench.toolkit import image_sets

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp")
MOST_PICTURES = 100_000
CIFAR_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


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
    """Say Progress, then give the images, split into train and test with a fixed shuffle. Raises UserError."""
    yield Progress("Reading images")
    pixels, labels, names = _read(parameters, cache)
    generator = np.random.default_rng(0)
    order = generator.permutation(len(pixels))
    wanted = parameters.train_size + parameters.test_size
    if len(order) < wanted:
        raise UserError(
            f"There are {len(order)} images; {parameters.train_size} to train on and {parameters.test_size} to test on "
            "are asked for."
        )
    pixels, labels = pixels[order[:wanted]], labels[order[:wanted]]
    # Normalised with mean and deviation 0.5 as in the paper's code; grey digits by their mean alone.
    scaled = torch.from_numpy(pixels.astype(np.float32) / 255).movedim(-1, 1)
    scaled = (scaled - 0.5) / (0.5 if scaled.shape[1] == 3 else 1.0)
    classes = torch.from_numpy(labels)
    cut = parameters.train_size
    yield Images(scaled[:cut], classes[:cut], scaled[cut:], classes[cut:], names, pixels[cut:])


def _read(parameters: NetworkParameters, cache: Path) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    match parameters.source:
        case "digits":
            found = image_sets.load_digits()
        case "mnist" | "fashion":
            found = image_sets.load_openml(parameters.source, cache)
        case "cifar10":
            pixels, labels = image_sets.load_openml_colour("cifar10", cache)
            return pixels, labels, CIFAR_CLASSES
        case "idx":
            if not parameters.images:
                raise UserError("Choose an IDX file of images under Data.")
            found = image_sets.load_idx(Path(parameters.images))
        case "folder":
            return read_folder(Path(parameters.folder))
    return found.images[..., None], found.labels, tuple(str(index) for index in range(found.classes))


def read_folder(folder: Path) -> tuple[UInt8[np.ndarray, "n h w 3"], Int[np.ndarray, " n"], tuple[str, ...]]:
    """Read pictures in sub-folders named after their classes, all made as large as the first one.

    Raises UserError where there are no two classes, or naming a file that is no picture.
    """
    from PIL import Image, UnidentifiedImageError

    if not folder.name or not folder.is_dir():
        raise UserError(f"{folder} is not a folder; one with a sub-folder for each class is expected.")
    classes = sorted(child for child in folder.iterdir() if child.is_dir() and not child.name.startswith("."))
    files = [(file, index) for index, child in enumerate(classes) for file in sorted(child.iterdir())
             if file.suffix.lower() in PICTURES]  # fmt: skip
    if len({index for _, index in files}) < 2:
        raise UserError(f"{folder} holds no two sub-folders with pictures ({', '.join(PICTURES)}).")
    if len(files) > MOST_PICTURES:
        raise UserError(f"{folder} holds {len(files)} pictures; at most {MOST_PICTURES} are read.")
    pixels, size = [], (0, 0)
    for file, _ in files:
        try:
            with Image.open(file) as picture:
                size = size if size != (0, 0) else _bounded(picture.size)
                pixels.append(np.asarray(picture.convert("RGB").resize(size), np.uint8))
        except (OSError, UnidentifiedImageError, Image.DecompressionBombError, ValueError) as error:
            raise UserError(f"{file.name} is not a picture that can be read: {error}.") from None
    return np.stack(pixels), np.array([index for _, index in files], np.int64), tuple(c.name for c in classes)


def _bounded(size: tuple[int, int]) -> tuple[int, int]:
    width, height = size
    shrink = max(1.0, max(width, height) / 64)
    return max(8, round(width / shrink)), max(8, round(height / shrink))


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
