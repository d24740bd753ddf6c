"""Files of input and output fields and of flows: .npz, .mat (v5, and v7.3 which is HDF5), .h5 and .npy pairs."""

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

FIELD_SUFFIXES = (".npz", ".mat", ".h5", ".hdf5", ".npy")
LARGEST_BYTES = 8 * 2**30
NAMES = (("coeff", "sol"), ("x", "y"), ("a", "u"), ("input", "output"), ("inputs", "outputs"), ("nu", "tensor"))
"""Pairs of names in which published sets keep inputs and outputs (FNO and MgNO: coeff, sol; neuraloperator: x, y)."""
FLOW_NAMES = ("u", "flow", "flows", "w", "vorticity")
"""Names in which published sets keep flows (FNO: u)."""
PIPE_PARTS = ("x", "y", "q")
"""Ends of the names of Geo-FNO's pipe files: coordinates of the mesh, and velocities and more on it."""
SMALLEST_GRID = 8


@dataclass(frozen=True)
class FieldPairs:
    """Samples of inputs (several channels for a mesh) and outputs on one grid, row 0 of an image at y = 0."""

    inputs: Float[np.ndarray, "b *c n n"]
    outputs: Float[np.ndarray, "b n n"]
    source: str


def load_field_pairs(file: Path, *, most: int | None = None, stride: int = 1) -> FieldPairs:
    """Read pairs (N, n, n) as float32; `most` samples, every `stride`-th point of each axis.

    Arrays may have a channel axis of 1 anywhere. MATLAB's v7.3 files hold arrays transposed, which is undone. A .npy
    file is one of two whose names end in a known pair of names, as train_x.npy and train_y.npy; either may be chosen.
    Raises UserError naming the file and what is wrong: unreadable, no known pair of names, other shapes, too large,
    or numbers that are not finite (with the sample's number).
    """
    file = Path(file)
    arrays = _arrays(file)
    lower = {name.lower(): name for name in arrays}
    pair = next(((lower[a], lower[b]) for a, b in NAMES if a in lower and b in lower), None)
    if pair is None:
        known = ", ".join(f"{a}/{b}" for a, b in NAMES)
        raise UserError(f"{file.name} holds {_held(arrays)}; a pair of arrays named {known} is expected.")
    inputs, outputs = (_fields(file, name, arrays[name], most, stride) for name in pair)
    if inputs.shape != outputs.shape:
        raise UserError(
            f"{file.name}: {pair[0]} is {inputs.shape} and {pair[1]} is {outputs.shape}; both must be on one grid."
        )
    return FieldPairs(inputs, outputs, file.name)


def load_flows(file: Path, *, most: int | None = None, frames: int | None = None) -> Float[np.ndarray, "b t n n"]:
    """Read flows as float32: an array u (N, n, n, T), as FNO's sets have it, or (N, T, n, n).

    Time is the last axis where the two before it are equal; a .npy file holds nothing but the flows. Raises UserError
    as load_field_pairs does.
    """
    file = Path(file)
    arrays = {"u": _read_npy(_existing(file))} if file.suffix.lower() == ".npy" else _arrays(file)
    lower = {name.lower(): name for name in arrays}
    name = next((lower[known] for known in FLOW_NAMES if known in lower), None)
    if name is None:
        raise UserError(f"{file.name} holds {_held(arrays)}; an array of flows named u is expected.")
    values = arrays[name]
    if values.ndim != 4 or values.dtype.kind not in "fiu":
        raise UserError(
            f"{file.name}: {name} is {values.dtype} {values.shape}; numbers (flows, n, n, times) are expected."
        )
    if values.shape[1] == values.shape[2]:
        values = np.moveaxis(values, -1, 1)
    elif values.shape[2] != values.shape[3]:
        raise UserError(f"{file.name}: {name} is {values.shape}; square grids are expected.")
    picked = values[: most or None, : frames or None]
    if picked.shape[-1] < SMALLEST_GRID or picked.shape[1] < 2:
        raise UserError(
            f"{file.name}: {name} has {picked.shape[1]} times on {picked.shape[-1]} points a side; at least 2 times on "
            f"{SMALLEST_GRID} points are needed."
        )
    return _finite(file, name, picked, "flow")


def load_pipe(file: Path, *, most: int | None = None, stride: int = 1) -> FieldPairs:
    """Read Geo-FNO's pipe: of NAME_X.npy, NAME_Y.npy (N, n, n) and NAME_Q.npy (N, c, n, n) one is chosen.

    Inputs (N, 2, n, n) are the mesh's x and y, outputs the first channel of Q, the velocity along the pipe. An odd grid
    loses its last line (129 -> 128, as in the paper). Raises UserError as load_field_pairs does.
    """
    file = _existing(Path(file))
    stem, end = _split_name(file)
    if file.suffix.lower() != ".npy" or end not in PIPE_PARTS:
        raise UserError(f"{file.name}: the pipe is read from three files NAME_X.npy, NAME_Y.npy and NAME_Q.npy.")
    found = {}
    for part in PIPE_PARTS:
        sibling = _sibling(file, stem, part)
        if sibling is None:
            raise UserError(f"{file.name}: {stem}{part.upper()}.npy is missing beside it.")
        values = _read_npy(sibling)
        found[part] = values[:, 0] if part == "q" and values.ndim == 4 else values
    shapes = {part: values.shape for part, values in found.items()}
    if len(set(shapes.values())) > 1 or len(shapes["x"]) != 3:
        held = ", ".join(f"{part.upper()} {shape}" for part, shape in shapes.items())
        raise UserError(f"{file.name}: {held}; three arrays (samples, n, n) on one mesh are expected.")
    even = [size - size % 2 for size in shapes["x"][1:]]
    x, y, q = (_fields(file, part, found[part][:, : even[0], : even[1]], most, stride) for part in PIPE_PARTS)
    return FieldPairs(np.stack((x, y), 1), q, file.name)


def _existing(file: Path) -> Path:
    if not file.is_file():
        raise UserError(f"{file.name}: there is no such file.")
    return file


def _arrays(file: Path) -> dict[str, Any]:
    readers: Mapping[str, Callable[[Path], dict[str, Any]]] = {
        ".npz": _read_npz, ".mat": _read_mat, ".h5": _read_hdf5, ".hdf5": _read_hdf5, ".npy": _read_npy_pair,
    }  # fmt: skip
    reader = readers.get(_existing(file).suffix.lower())
    if reader is None:
        raise UserError(f"{file.name}: fields are read from {', '.join(FIELD_SUFFIXES)} files, not from {file.suffix}.")
    return reader(file)


def _held(arrays: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {np.shape(value)}" for name, value in arrays.items()) or "no arrays"


def _finite(file: Path, name: str, values: np.ndarray, what: str = "sample") -> Float[np.ndarray, "*n"]:
    """Float32 copy; raises UserError naming the first sample with values that are not finite."""
    made = np.ascontiguousarray(values, np.float32)
    bad = np.flatnonzero(~np.isfinite(made).reshape(len(made), -1).all(1))
    if len(bad):
        raise UserError(f"{file.name}: {name} of {what} {bad[0]} has values that are not finite.")
    return made


def _fields(file: Path, name: str, values: np.ndarray, most: int | None, stride: int) -> Float[np.ndarray, "b n n"]:
    shape = tuple(size for axis, size in enumerate(values.shape) if size != 1 or axis == 0)
    if len(shape) == 2 and values.ndim == 2:
        shape = (1, *shape)
    if len(shape) != 3 or values.dtype.kind not in "fiub":
        raise UserError(f"{file.name}: {name} is {values.dtype} {values.shape}; numbers (samples, n, n) are expected.")
    if shape[1] != shape[2]:
        raise UserError(f"{file.name}: {name} has grids of {shape[1]} x {shape[2]}; square grids are expected.")
    picked = values.reshape(shape)[: most or None, ::stride, ::stride]
    if picked.shape[-1] < SMALLEST_GRID:
        raise UserError(
            f"{file.name}: {name} has only {picked.shape[-1]} points a side; at least {SMALLEST_GRID} are needed."
        )
    return _finite(file, name, picked)


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


def _split_name(file: Path) -> tuple[str, str]:
    """What a name begins with, and its last word in lower case: ("train_", "x") of train_x.npy."""
    cut = max(file.stem.rfind(mark) for mark in "_-. ") + 1
    return file.stem[:cut], file.stem[cut:].lower()


def _sibling(file: Path, stem: str, end: str) -> Path | None:
    """The .npy file beside this one whose name ends in another word, in upper or lower case."""
    wanted = f"{stem}{end}.npy".lower()
    return next((other for other in sorted(file.parent.iterdir()) if other.name.lower() == wanted), None)


def _read_npy(file: Path) -> np.ndarray:
    """Map an array of numbers without reading it; nothing is unpickled."""
    try:
        values = np.load(file, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f"{file.name} is not a readable .npy file: {error}.") from None
    if not isinstance(values, np.ndarray):
        raise UserError(f"{file.name} is not a .npy file of one array.")
    _check_size(file, "the array", values.shape, 4)
    return values


def _read_npy_pair(file: Path) -> dict[str, Any]:
    """Read a file and the one beside it that completes a known pair of names."""
    stem, end = _split_name(file)
    if end in PIPE_PARTS and _sibling(file, stem, "q") is not None:
        raise UserError(f"{file.name}: {stem}Q.npy lies beside it, so this is a mesh: choose the data set Pipe for it.")
    for pair in NAMES:
        if end in pair:
            files = {name: file if name == end else _sibling(file, stem, name) for name in pair}
            missing = next((name for name, own in files.items() if own is None), None)
            if missing is not None:
                raise UserError(f"{file.name}: {stem}{missing}.npy is missing beside it.")
            return {name: _read_npy(own) for name, own in files.items() if own is not None}
    known = ", ".join(f"{a}/{b}" for a, b in NAMES)
    raise UserError(f"{file.name}: the name of a .npy file must end in one of a pair, {known}, as train_x.npy does.")


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
