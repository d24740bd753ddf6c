"""Images of files and folders that a person has: folders of pictures, CIFAR's binary files, SVHN's MATLAB files.

Pixels are (n, h, w, 3) bytes, labels (n,). Whatever is wrong with a file is a UserError of one sentence that names it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int, UInt8

from workbench.sdk import UserError

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp")
MOST_PICTURES = 100_000
LARGEST_SIDE, SMALLEST_SIDE = 64, 8
CIFAR_SIDE = 32
CIFAR_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
CIFAR_FILES = {
    10: ([f"data_batch_{number}.bin" for number in range(1, 6)], "test_batch.bin", "batches.meta.txt"),
    100: (["train.bin"], "test.bin", "fine_label_names.txt"),
}
"""By number of classes: files of the training set, of the test set, and of the names."""
LARGEST_MAT_BYTES = 4 * 2**30


@dataclass(frozen=True)
class LabelledPictures:
    """Images with classes; the first `training` of them are the set's own training images, where it says so."""

    pixels: UInt8[np.ndarray, "n h w ch"]
    labels: Int[np.ndarray, " n"]
    names: tuple[str, ...]
    training: int | None = None


def read_folder(folder: Path) -> LabelledPictures:
    """Read pictures in sub-folders named after their classes, all made as large as the first one.

    Raises UserError where there are no two classes, or naming a file that is no picture.
    """
    _check_folder(folder, "one with a sub-folder for each class")
    classes = sorted(child for child in folder.iterdir() if child.is_dir() and not child.name.startswith("."))
    files = [(file, index) for index, child in enumerate(classes) for file in sorted(child.iterdir())
             if file.suffix.lower() in PICTURES]  # fmt: skip
    if len({index for _, index in files}) < 2:
        raise UserError(f"{folder} holds no two sub-folders with pictures ({', '.join(PICTURES)}).")
    if len(files) > MOST_PICTURES:
        raise UserError(f"{folder} holds {len(files)} pictures; at most {MOST_PICTURES} are read.")
    labels = np.array([index for _, index in files], np.int64)
    return LabelledPictures(_read_pictures([file for file, _ in files]), labels, tuple(own.name for own in classes))


def read_pictures(folder: Path, size: tuple[int, int], at_most: int) -> UInt8[np.ndarray, "n h w 3"]:
    """Read pictures anywhere below a folder (as Textures' `images`), resized to `size` (width, height).

    Of more than `at_most` so many are taken evenly over the sorted list. Raises UserError where there is none.
    """
    _check_folder(folder, "one with pictures")
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in PICTURES)
    if not files:
        raise UserError(f"{folder} holds no pictures ({', '.join(PICTURES)}).")
    chosen = np.linspace(0, len(files) - 1, min(at_most, len(files))).round().astype(int)
    return _read_pictures([files[index] for index in chosen], size)


def resized(pixels: UInt8[np.ndarray, "n h w 3"], size: tuple[int, int]) -> UInt8[np.ndarray, "n k l 3"]:
    """Make images of another size (width, height)."""
    from PIL import Image

    return np.stack([np.asarray(Image.fromarray(own).resize(size), np.uint8) for own in pixels])


def grey(pixels: UInt8[np.ndarray, "n h w 3"]) -> UInt8[np.ndarray, "n h w 1"]:
    """Luma of ITU-R BT.601, as Pillow's mode L."""
    luma = pixels @ np.array([0.299, 0.587, 0.114])
    return luma.round().astype(np.uint8)[..., None]


def read_cifar(folder: Path) -> LabelledPictures:
    """Read the binary version of CIFAR-10 or CIFAR-100, unpacked: training files, then the test file.

    A record is the label (for CIFAR-100 the coarse and the fine one, which is kept) and the red, green and blue planes
    of 32x32 bytes. Raises UserError naming the file that is missing or of another size.
    """
    _check_folder(folder, "one with CIFAR's binary files")
    for classes, (training, test, names) in CIFAR_FILES.items():
        if (folder / training[0]).exists():
            parts = [_cifar_records(folder / name, classes) for name in [*training, test]]
            pixels, labels = (np.concatenate(own) for own in zip(*parts, strict=True))
            return LabelledPictures(pixels, labels, _cifar_names(folder / names, classes),
                                    sum(len(own[1]) for own in parts[:-1]))  # fmt: skip
    wanted = " or ".join(training[0] for training, _, _ in CIFAR_FILES.values())
    raise UserError(f"{folder} holds no {wanted}; CIFAR's binary version, unpacked, is expected.")


def _cifar_records(file: Path, classes: int) -> tuple[UInt8[np.ndarray, "n 32 32 3"], Int[np.ndarray, " n"]]:
    header = 1 if classes == 10 else 2
    length = header + 3 * CIFAR_SIDE**2
    try:
        data = np.fromfile(file, np.uint8)
    except OSError as error:
        raise UserError(f"{file.name} cannot be read: {error.strerror}.") from None
    if not len(data) or len(data) % length:
        raise UserError(f"{file.name} holds {len(data)} bytes, which is no whole number of records of {length}.")
    records = data.reshape(-1, length)
    labels = records[:, header - 1].astype(np.int64)
    if labels.max() >= classes:
        raise UserError(f"{file.name} holds the label {labels.max()}; there are {classes} classes.")
    return records[:, header:].reshape(-1, 3, CIFAR_SIDE, CIFAR_SIDE).transpose(0, 2, 3, 1), labels


def _cifar_names(file: Path, classes: int) -> tuple[str, ...]:
    try:
        names = tuple(line.strip() for line in file.read_text(encoding="utf-8").splitlines() if line.strip())
    except (OSError, UnicodeDecodeError):
        names = ()
    if len(names) == classes:
        return names
    return CIFAR_CLASSES if classes == 10 else tuple(f"class {index}" for index in range(classes))


def read_svhn(file: Path) -> tuple[UInt8[np.ndarray, "n 32 32 3"], Int[np.ndarray, " n"]]:
    """Read SVHN's format 2: a MATLAB file with bytes X (32, 32, 3, n) and y (n, 1) in 1..10, where 10 is the digit 0.

    Raises UserError naming the file and what is wrong with it.
    """
    from scipy.io import loadmat

    try:
        if file.stat().st_size > LARGEST_MAT_BYTES:
            raise UserError(f"{file.name} is larger than {LARGEST_MAT_BYTES / 2**30:.0f} GiB.")
        found = loadmat(file, variable_names=["X", "y"])
    except UserError:
        raise
    except OSError as error:
        raise UserError(f"{file.name or file} cannot be read: {error.strerror or error}.") from None
    except Exception as error:  # the reader raises whatever a damaged file leads it to
        raise UserError(
            f"{file.name} is no MATLAB file of version 5 that can be read ({type(error).__name__})."
        ) from None
    pixels, labels = found.get("X"), found.get("y")
    if not isinstance(pixels, np.ndarray) or not isinstance(labels, np.ndarray):
        raise UserError(f"{file.name} holds no X and y; SVHN's cropped digits (format 2) are expected.")
    if pixels.ndim != 4 or pixels.shape[:3] != (32, 32, 3) or pixels.dtype != np.uint8 or not pixels.size:
        raise UserError(
            f"{file.name} holds X of shape {pixels.shape} and type {pixels.dtype}; bytes (32, 32, 3, n) are expected."
        )
    if labels.size != pixels.shape[3] or labels.dtype.kind not in "uif":
        raise UserError(f"{file.name} holds {pixels.shape[3]} images and {labels.size} labels.")
    return np.ascontiguousarray(pixels.transpose(3, 0, 1, 2)), labels.ravel().astype(np.int64) % 10


def _check_folder(folder: Path, what: str) -> None:
    if not folder.name or not folder.is_dir():
        raise UserError(f"{folder} is not a folder; {what} is expected.")


def _read_pictures(files: Sequence[Path], size: tuple[int, int] | None = None) -> UInt8[np.ndarray, "n h w 3"]:
    """Read pictures as colour, all as large as `size` or as the first one, within reason."""
    from PIL import Image, UnidentifiedImageError

    pixels = []
    for file in files:
        try:
            with Image.open(file) as picture:
                size = size or _bounded(picture.size)
                pixels.append(np.asarray(picture.convert("RGB").resize(size), np.uint8))
        except (OSError, UnidentifiedImageError, Image.DecompressionBombError, ValueError) as error:
            raise UserError(f"{file.name} is not a picture that can be read: {error}.") from None
    return np.stack(pixels)


def _bounded(size: tuple[int, int]) -> tuple[int, int]:
    width, height = size
    shrink = max(1.0, max(width, height) / LARGEST_SIDE)
    return max(SMALLEST_SIDE, round(width / shrink)), max(SMALLEST_SIDE, round(height / shrink))
