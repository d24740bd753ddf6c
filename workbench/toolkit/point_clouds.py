"""Point clouds from files: meshes (.obj here; .ply, .off, .stl through trimesh), clouds from .pts, .xyz and .npy."""

from __future__ import annotations

import warnings
from itertools import pairwise
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int64

from workbench.sdk import UserError

MESH_SUFFIXES = (".obj", ".ply", ".off", ".stl")
CLOUD_SUFFIXES = (".pts", ".xyz", ".npy")
MINIMUM_POINTS = 16
MAX_BYTES = 256_000_000
MAX_POINTS = 5_000_000


def load_cloud(path: Path, count: int, rng: np.random.Generator) -> Float[np.ndarray, "n 3"]:
    """Read a shape and return `count` points of it: area-weighted samples of a mesh, or points of a cloud.

    A cloud gives distinct points where it has enough of them. Raises UserError with one sentence naming the file
    (and line) for what cannot be used: NaN, fewer than 16 points, no extent, an unknown format.
    """
    suffix = path.suffix.lower()
    _check_size(path)
    if suffix in MESH_SUFFIXES:
        vertices, faces = _read_obj(path) if suffix == ".obj" else _read_mesh(path)
        _check_points(path, vertices, 3 if len(faces) else MINIMUM_POINTS)
        if len(faces):
            _check_faces(path, vertices, faces)
            return sample_surface(vertices, faces, count, rng)
        points = vertices
    elif suffix == ".npy":
        points = _read_npy(path)
    elif suffix in CLOUD_SUFFIXES:
        points = _read_text(path)
    else:
        raise UserError(f"{path.name} is no shape: expected {', '.join((*MESH_SUFFIXES, *CLOUD_SUFFIXES))}.")
    _check_points(path, points, MINIMUM_POINTS)
    return points[rng.choice(len(points), count, replace=len(points) < count)]


def centred(points: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
    """Move the mean to the origin and scale the farthest point to distance 1."""
    moved = points - points.mean(0)
    return moved / np.linalg.norm(moved, axis=1).max()


def sample_surface(
    vertices: Float[np.ndarray, "v 3"], faces: Int64[np.ndarray, "f 3"], count: int, rng: np.random.Generator
) -> Float[np.ndarray, "n 3"]:
    """Draw points uniformly on a triangle mesh: (1 - sqrt u) A + sqrt u (1 - v) B + sqrt u v C, by area."""
    a, b, c = (vertices[faces[:, corner]] for corner in range(3))
    areas = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    picked = rng.choice(len(faces), count, p=areas / areas.sum())
    root, v = np.sqrt(rng.random((count, 1))), rng.random((count, 1))
    return (1 - root) * a[picked] + root * (1 - v) * b[picked] + root * v * c[picked]


def symmetry_ratio(points: Float[np.ndarray, "n 3"]) -> float:
    """Ratio (at most 1) of the two closest principal second moments; near 1 the shape may look alike when turned."""
    moments = np.sort(np.linalg.eigvalsh(np.cov(points.T)))[::-1]
    ratios = moments[1:] / np.maximum(moments[:-1], np.finfo(float).tiny)
    return float(ratios.max())


def shapes_beside(path: Path) -> list[Path]:
    """All files of known formats in the folder of `path` (or in it, where it is a folder), sorted by name."""
    folder = path if path.is_dir() else path.parent
    return sorted(item for item in folder.iterdir() if item.suffix.lower() in (*MESH_SUFFIXES, *CLOUD_SUFFIXES))


def _check_size(path: Path) -> None:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise UserError(f"{path.name} cannot be read: {error.strerror or error}.") from None
    if size > MAX_BYTES:
        raise UserError(f"{path.name} has {size / 1e6:.0f} MB, more than the {MAX_BYTES / 1e6:.0f} MB allowed.")


def _check_points(path: Path, points: Float[np.ndarray, "n 3"], minimum: int) -> None:
    if len(points) < minimum:
        raise UserError(f"{path.name} has {len(points)} points; at least {minimum} are needed.")
    if len(points) > MAX_POINTS:
        raise UserError(f"{path.name} has {len(points)} points, more than the {MAX_POINTS} allowed.")
    if not np.isfinite(points).all():
        index = int(np.flatnonzero(~np.isfinite(points).all(1))[0])
        raise UserError(f"{path.name}: point {index + 1} has a coordinate that is not a finite number.")
    if not np.ptp(points, axis=0).max() > 0:
        raise UserError(f"{path.name} has no extent: all its points are in one place.")


def _read_mesh(path: Path) -> tuple[Float[np.ndarray, "v 3"], Int64[np.ndarray, "f 3"]]:
    import trimesh

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            loaded = trimesh.load(str(path), process=False)
            if isinstance(loaded, trimesh.Scene):
                loaded = loaded.to_mesh()
        except Exception as error:
            # trimesh raises whatever its parsers stumble over; any of it means that the file is unusable.
            raise UserError(f"{path.name} is not a readable {path.suffix} file: {_first_line(error)}.") from error
    vertices = np.asarray(getattr(loaded, "vertices", np.empty((0, 3))), float).reshape(-1, 3)
    faces = np.asarray(getattr(loaded, "faces", np.empty((0, 3))), np.int64).reshape(-1, 3)
    return vertices, faces


def _check_faces(path: Path, vertices: Float[np.ndarray, "v 3"], faces: Int64[np.ndarray, "f 3"]) -> None:
    if faces.min() < 0 or faces.max() >= len(vertices):
        raise UserError(f"{path.name} has a face that names a vertex which is not there.")
    a, b, c = (vertices[faces[:, corner]] for corner in range(3))
    total = np.linalg.norm(np.cross(b - a, c - a), axis=1).sum()
    if not (total > 0 and np.isfinite(total)):
        raise UserError(f"{path.name} has no surface: the area of its faces is {total:g}.")


def _read_obj(path: Path) -> tuple[Float[np.ndarray, "v 3"], Int64[np.ndarray, "f 3"]]:
    """Read vertices and faces; corners may be v, v/vt, v/vt/vn or negative, also mixed (trimesh drops those)."""
    vertices: list[list[float]] = []
    faces: list[tuple[int, int, int]] = []
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, text in enumerate(file, 1):
            words = text.split("#", 1)[0].split()
            try:
                if words[:1] == ["v"]:
                    vertices.append([float(word) for word in words[1:4]])
                    if len(vertices[-1]) < 3:
                        raise ValueError("three coordinates are needed")
                elif words[:1] == ["f"]:
                    named = [int(word.split("/", 1)[0]) for word in words[1:]]
                    corners = [index - 1 if index > 0 else len(vertices) + index for index in named]
                    faces += [(corners[0], *pair) for pair in pairwise(corners[1:])]
            except ValueError:
                raise UserError(f"{path.name}, line {number}: {text.strip()[:40]!r} cannot be read.") from None
            if len(vertices) > MAX_POINTS or len(faces) > MAX_POINTS:
                raise UserError(f"{path.name} has more than the {MAX_POINTS} vertices or faces allowed.")
    return np.array(vertices, float).reshape(-1, 3), np.array(faces, np.int64).reshape(-1, 3)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


def _read_npy(path: Path) -> Float[np.ndarray, "n 3"]:
    try:
        values = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise UserError(f"{path.name} is not a readable .npy array: {_first_line(error)}.") from None
    if not isinstance(values, np.ndarray) or values.ndim != 2 or values.shape[1] < 3 or values.dtype.kind not in "fiu":
        shape = getattr(values, "shape", "?")
        raise UserError(f"{path.name} should hold numbers of shape (points, 3), not {shape}.")
    return np.array(values[:, :3], float)


def _read_text(path: Path) -> Float[np.ndarray, "n 3"]:
    rows: list[list[float]] = []
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, text in enumerate(file, 1):
            words = text.split("#", 1)[0].replace(",", " ").split()
            if not words or (len(words) == 1 and not rows):  # some writers begin with the number of points
                continue
            try:
                rows.append([float(word) for word in words[:3]])
            except ValueError:
                raise UserError(f"{path.name}, line {number}: {text.strip()[:40]!r} is no point.") from None
            if len(rows[-1]) < 3:
                raise UserError(f"{path.name}, line {number}: a point needs three numbers, not {len(rows[-1])}.")
            if len(rows) > MAX_POINTS:
                raise UserError(f"{path.name} has more than the {MAX_POINTS} points allowed.")
    return np.array(rows, float).reshape(-1, 3)
