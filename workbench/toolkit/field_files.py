"""Files of input and output fields: .npz, .mat (v5, and v7.3 which is HDF5), .h5 and .npy pairs."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from workbench.sdk import UserError

FIELD_SUFFIXES = (".npz", ".mat", ".h5", ".hdf5")
LARGEST_BYTES = 8 * 2**30
NAMES = (("coeff", "sol"), ("x", "y"), ("a", "u"), ("input", "output"), ("inputs", "outputs"), ("nu", "tensor"))
"""Pairs of names in which published sets keep inputs and outputs (FNO and MgNO: coeff, sol; neuraloperator: x, y)."""


@dataclass(frozen=True)
class FieldPairs:
    """Samples of inputs and outputs on one grid, row 0 of an image at y = 0."""

    inputs: Float[np.ndarray, "b n n"]
    outputs: Float[np.ndarray, "b n n"]
    source: str


def load_field_pairs(file: Path, *, most: int | None = None, stride: int = 1) -> FieldPairs:
    """Read pairs (N, n, n) as float32; `most` samples, every `stride`-th point of each axis.

    Arrays may have a channel axis of 1 anywhere. MATLAB's v7.3 files hold arrays transposed, which is undone.
    Raises UserError naming the file and what is wrong: unreadable, no known pair of names, other shapes, too large,
    or numbers that are not finite (with the sample's number).
    """
    file = Path(file)
    if not file.is_file():
        raise UserError(f"{file.name}: there is no such file.")
    readers: Mapping[str, Callable[[Path], dict[str, Any]]] = {
        ".npz": _read_npz, ".mat": _read_mat, ".h5": _read_hdf5, ".hdf5": _read_hdf5,
    }  # fmt: skip
    reader = readers.get(file.suffix.lower())
    if reader is None:
        raise UserError(f"{file.name}: fields are read from {', '.join(FIELD_SUFFIXES)} files, not from {file.suffix}.")
    arrays = reader(file)
    lower = {name.lower(): name for name in arrays}
    pair = next(((lower[a], lower[b]) for a, b in NAMES if a in lower and b in lower), None)
    if pair is None:
        known = ", ".join(f"{a}/{b}" for a, b in NAMES)
        held = ", ".join(f"{name} {np.shape(value)}" for name, value in arrays.items()) or "no arrays"
        raise UserError(f"{file.name} holds {held}; a pair of arrays named {known} is expected.")
    inputs, outputs = (_fields(file, name, arrays[name], most, stride) for name in pair)
    if inputs.shape != outputs.shape:
        raise UserError(
            f"{file.name}: {pair[0]} is {inputs.shape} and {pair[1]} is {outputs.shape}; both must be on one grid."
        )
    return FieldPairs(inputs, outputs, file.name)


def _fields(file: Path, name: str, values: np.ndarray, most: int | None, stride: int) -> Float[np.ndarray, "b n n"]:
    shape = tuple(size for axis, size in enumerate(values.shape) if size != 1 or axis == 0)
    if len(shape) == 2 and values.ndim == 2:
        shape = (1, *shape)
    if len(shape) != 3 or values.dtype.kind not in "fiub":
        raise UserError(f"{file.name}: {name} is {values.dtype} {values.shape}; numbers (samples, n, n) are expected.")
    if shape[1] != shape[2]:
        raise UserError(f"{file.name}: {name} has grids of {shape[1]} x {shape[2]}; square grids are expected.")
    picked = values.reshape(shape)[: most or None, ::stride, ::stride]
    if picked.shape[-1] < 8:
        raise UserError(f"{file.name}: {name} has only {picked.shape[-1]} points a side; at least 8 are needed.")
    made = np.ascontiguousarray(picked, np.float32)
    bad = np.flatnonzero(~np.isfinite(made).all(axis=(1, 2)))
    if len(bad):
        raise UserError(f"{file.name}: {name} of sample {bad[0]} has values that are not finite.")
    return made


def _check_size(file: Path, name: str, shape: tuple[int, ...], item: int) -> None:
    size = math.prod(shape) * item
    if size > LARGEST_BYTES:
        raise UserError(
            f"{file.name}: {name} would take {size / 2**30:.1f} GiB; at most {LARGEST_BYTES >> 30} are read."
        )


def _read_npz(file: Path) -> dict[str, Any]:
    try:
        with zipfile.ZipFile(file) as archive:
            for member in archive.infolist():
                _check_size(file, member.filename, (member.file_size,), 1)
        with np.load(file, allow_pickle=False) as saved:
            return {name: saved[name] for name in saved.files}
    except UserError:
        raise
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(f"{file.name} is not a readable .npz file: {error}.") from None


def _read_mat(file: Path) -> dict[str, Any]:
    """Read a .mat file: version 5 by scipy, version 7.3 (HDF5) by h5py."""
    import h5py
    from scipy.io import loadmat, whosmat

    if h5py.is_hdf5(file):
        return _read_hdf5(file)
    try:
        for name, shape, kind in whosmat(str(file)):
            _check_size(file, name, tuple(shape), 8 if kind in ("double", "int64", "uint64") else 4)
        loaded = loadmat(str(file))
    except UserError:
        raise
    except Exception as error:  # scipy raises whatever the bytes lead it to
        raise UserError(f"{file.name} is not a readable .mat file: {str(error) or type(error).__name__}.") from None
    return {name: value for name, value in loaded.items() if not name.startswith("_") and isinstance(value, np.ndarray)}


def _read_hdf5(file: Path) -> dict[str, Any]:
    """Read numeric arrays of an HDF5 file; MATLAB's are stored with their axes reversed."""
    import h5py

    try:
        with h5py.File(file, "r") as opened:
            found: dict[str, Any] = {}
            for name, node in opened.items():
                if not isinstance(node, h5py.Dataset) or node.dtype.kind not in "fiub":
                    continue
                _check_size(file, name, node.shape, node.dtype.itemsize)
                values = node[()]
                is_matlab = file.suffix.lower() == ".mat" or "MATLAB_class" in node.attrs
                found[name] = values.transpose() if is_matlab else values
            return found
    except UserError:
        raise
    except Exception as error:  # h5py raises many kinds
        raise UserError(f"{file.name} is not a readable HDF5 file: {str(error) or type(error).__name__}.") from None
