"""Labelled image sets: bundled digits, OpenML's MNIST family, and IDX files of the user's."""

from __future__ import annotations

import gzip
import math
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int, UInt8

from workbench.sdk import UserError

IDX_UNSIGNED_BYTE = 0x08
LARGEST_IDX_BYTES = 2 * 2**30
OPENML = {"mnist": ("mnist_784", 554, (28, 28)), "fashion": ("Fashion-MNIST", 40996, (28, 28))}

OPENML_COLOUR = {"cifar10": ("CIFAR-10", 40927, (32, 32))}


@dataclass(frozen=True)
class ImageSet:
    """Grey images (n, h, w) as bytes, and their classes (n,)."""

    images: UInt8[np.ndarray, "n h w"]
    labels: Int[np.ndarray, " n"]

    @property
    def classes(self) -> int:
        """Number of classes."""
        return int(self.labels.max()) + 1


def load_digits() -> ImageSet:
    """The 1797 digits of 8x8 pixels that come with scikit-learn, scaled from 0..16 to 0..255."""
    from sklearn.datasets import load_digits as bundled

    data = bundled()
    return ImageSet((data.images * (255 / 16)).round().astype(np.uint8), data.target.astype(np.int64))


def load_openml(name: str, cache: Path) -> ImageSet:
    """Fetch "mnist" or "fashion" from OpenML, once; later from `cache`. Raises UserError if it cannot be had."""
    file = cache / "images" / f"{name}.npz"
    if file.exists():
        with np.load(file) as saved:
            return ImageSet(saved["images"], saved["labels"])
    from sklearn.datasets import fetch_openml

    title, number, shape = OPENML[name]
    try:
        data = fetch_openml(data_id=number, as_frame=False, parser="liac-arff", data_home=str(cache / "openml"))
    except Exception as error:  # scikit-learn lets whatever the network raises through
        raise UserError(
            f"{title} could not be fetched from OpenML ({type(error).__name__}: {error}); open IDX files instead."
        ) from error
    images = data.data.reshape(-1, *shape).astype(np.uint8)
    labels = data.target.astype(np.int64)
    file.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(file, images=images, labels=labels)
    return ImageSet(images, labels)


def load_openml_colour(name: str, cache: Path) -> tuple[UInt8[np.ndarray, "n h w 3"], Int[np.ndarray, " n"]]:
    """Fetch "cifar10" from OpenML, once; later from `cache`. Raises UserError if it cannot be had."""
    file = cache / "images" / f"{name}.npz"
    if not file.exists():
        from sklearn.datasets import fetch_openml

        title, number, (height, width) = OPENML_COLOUR[name]
        try:
            data = fetch_openml(data_id=number, as_frame=False, parser="liac-arff", data_home=str(cache / "openml"))
        except Exception as error:  # scikit-learn lets whatever the network raises through
            raise UserError(f"{title} could not be fetched from OpenML ({type(error).__name__}: {error}).") from error
        # A row is the red plane, then green, then blue.
        images = data.data.reshape(-1, 3, height, width).transpose(0, 2, 3, 1).astype(np.uint8)
        file.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(file, images=images, labels=data.target.astype(np.int64))
    with np.load(file) as saved:
        return saved["images"], saved["labels"]


def load_idx(images: Path, labels: Path | None = None) -> ImageSet:
    """Read IDX files, gzipped or not; without `labels`, those beside the images are found by name.

    Raises UserError naming the file and what is wrong with it.
    """
    labels = labels or _labels_beside(images)
    pictures, classes = read_idx(images, 3), read_idx(labels, 1)
    if len(pictures) != len(classes):
        raise UserError(f"{images.name} holds {len(pictures)} images and {labels.name} {len(classes)} labels.")
    if pictures.size == 0:
        raise UserError(f"{images.name} holds no images.")
    return ImageSet(pictures, classes.astype(np.int64))


def _labels_beside(images: Path) -> Path:
    name = images.name.replace("images", "labels").replace("idx3", "idx1")
    candidate = images.with_name(name)
    if name == images.name or not candidate.exists():
        raise UserError(f"The labels of {images.name} were expected beside it as {name}.")
    return candidate


def read_idx(file: Path, dimensions: int) -> UInt8[np.ndarray, "..."]:
    """Read one IDX file of unsigned bytes with the given number of dimensions; raises UserError."""
    try:
        with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as stream:
            header = stream.read(4 + 4 * dimensions)
            if len(header) < 4 + 4 * dimensions or header[:2] != b"\0\0":
                raise UserError(f"{file.name} is not an IDX file.")
            if header[2] != IDX_UNSIGNED_BYTE or header[3] != dimensions:
                raise UserError(
                    f"{file.name} holds {header[3]}-dimensional data of type {header[2]:#04x}; "
                    f"{dimensions}-dimensional bytes (0x08) are expected."
                )
            shape = struct.unpack(f">{dimensions}I", header[4:])
            size = math.prod(shape)
            if size > LARGEST_IDX_BYTES:
                raise UserError(f"{file.name} announces {size / 2**30:.1f} GiB; at most 2 GiB are read.")
            data = stream.read(size + 1)
    except (OSError, EOFError, gzip.BadGzipFile) as error:
        raise UserError(f"{file.name} cannot be read: {error}.") from None
    if len(data) != size:
        raise UserError(f"{file.name} announces {size} bytes and holds {'more' if len(data) > size else len(data)}.")
    return np.frombuffer(data, np.uint8).reshape(shape)
