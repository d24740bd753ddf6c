"""Files that the experiments export: per-sample CSV, tables, clouds, and networks with their configuration."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from plugins.rotation_continuity.contract import DIMENSIONS, LABELS
from plugins.rotation_continuity.networks import Ensemble
from workbench.sdk import UserError
from workbench.toolkit.rotations import matrix_to_quaternion, rotation_angle

MAX_WIDTH = 8192
MAX_CONFIG_BYTES = 1_000_000


def write_rows(path: Path, header: Sequence[str], rows: np.ndarray) -> None:
    """Write one CSV file of numbers with nine significant digits."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows([f"{value:.9g}" for value in row] for row in rows)


def write_named_rows(path: Path, header: Sequence[str], names: Sequence[str], rows: np.ndarray) -> None:
    """Write one CSV file whose first column holds names."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows([name, *(f"{value:.9g}" for value in row)] for name, row in zip(names, rows, strict=True))


def write_cases(
    path: Path, rotations: Float[Tensor, "n 3 3"], names: Sequence[str], errors: Float[np.ndarray, "r s n"]
) -> None:
    """Write each test rotation (quaternion w, x, y, z and angle in degrees) and every network's error in degrees."""
    angles = np.degrees(rotation_angle(rotations).numpy())
    quaternions = matrix_to_quaternion(rotations).numpy()
    header = ["w", "x", "y", "z", "angle_degrees"]
    header += [f"error_degrees_{name}_seed{seed}" for name in names for seed in range(errors.shape[1])]
    columns = np.column_stack([quaternions, angles, errors.reshape(-1, errors.shape[-1]).T])
    write_rows(path, header, columns)


def write_tables(
    folder: Path,
    names: Sequence[str],
    table: Float[np.ndarray, "r 7"],
    unit: str,
    published: Mapping[str, tuple[float, float, float]],
) -> None:
    """Write the table of errors as Markdown and LaTeX, beside the paper's numbers (marked as unverified)."""
    header = ["Representation", "mean", "median", "p99", "max", "std", "> 90°", "paper mean*", "paper max*"]
    if unit != "degrees":
        header.remove("> 90°")
    rows = []
    for name, row in zip(names, table, strict=True):
        cells = [LABELS[name], *(f"{value:.2f}" for value in row[:5])]
        cells += [f"{100 * row[5]:.2f} %"] if unit == "degrees" else []
        cells += [f"{value:g}" for value in published[name][:2]] if name in published else ["–", "–"]
        rows.append(cells)
    note = f"Errors in {unit}. * As remembered from the paper, not verified."
    lines = ["| " + " | ".join(cells) + " |" for cells in (header, ["---"] * len(header), *rows)]
    (folder / "table.md").write_text("\n".join([*lines, "", note, ""]), encoding="utf-8")
    body = [" & ".join(_latex(cell) for cell in cells) + r" \\" for cells in (header, *rows)]
    latex = [
        rf"\begin{{tabular}}{{l{'r' * (len(header) - 1)}}}", r"\hline", body[0], r"\hline", *body[1:], r"\hline",
        r"\end{tabular}", f"% {note}", "",
    ]  # fmt: skip
    (folder / "table.tex").write_text("\n".join(latex), encoding="utf-8")


def _latex(text: str) -> str:
    escaped = text.replace("%", r"\%").replace("°", r"$^\circ$").replace("–", "--").replace("×", r"$\times$")
    return re.sub(r"> ", "$>$ ", escaped)


def write_cloud(path: Path, points: Float[np.ndarray, "n 3"], colors: np.ndarray | None = None) -> None:
    """Write an ASCII PLY cloud, with an 8-bit RGB colour for each point where given."""
    header = ["ply", "format ascii 1.0", f"element vertex {len(points)}"]
    header += [f"property float {axis}" for axis in "xyz"]
    if colors is not None:
        header += [f"property uchar {channel}" for channel in ("red", "green", "blue")]
    lines = [*header, "end_header"]
    for index, point in enumerate(points):
        color = "" if colors is None else " " + " ".join(str(int(value)) for value in colors[index])
        lines.append(" ".join(f"{value:.7g}" for value in point) + color)
    path.write_text("\n".join(lines) + "\n", encoding="ascii")


def save_networks(path: Path, ensemble: Ensemble, config: Mapping[str, Any]) -> None:
    """Write every network as ordinary unpadded tensors `6d.seed0.layers.0.weight`, and its JSON configuration."""
    tensors = {
        f"{name}.seed{seed}.{key}": value.clone()
        for index, name in enumerate(ensemble.names)
        for seed in range(len(ensemble.seeds))
        for key, value in ensemble.network_state(index, seed).items()
    }
    save_file(tensors, path)
    described = {"representations": list(ensemble.names), "seeds": len(ensemble.seeds), **config}
    path.with_suffix(".json").write_text(json.dumps(described, indent=1) + "\n", encoding="utf-8")


def load_config(path: Path) -> dict[str, Any]:
    """Read and check the JSON beside a file of networks: representations, seeds, width and depth.

    Raises UserError naming the file and what is wrong with it.
    """
    beside = path.with_suffix(".json")
    try:
        if beside.stat().st_size > MAX_CONFIG_BYTES:
            raise UserError(f"{beside.name} is too large for a configuration of networks.")
        config = json.loads(beside.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path.name} needs its configuration {beside.name} in the same folder.") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{beside.name} is not readable JSON: {error}.") from None
    names = config.get("representations") if isinstance(config, dict) else None
    if not isinstance(names, list) or not names or not all(isinstance(n, str) and n in DIMENSIONS for n in names):
        raise UserError(f"{beside.name} must list known representations under 'representations'.")
    for key, limit in (("width", MAX_WIDTH), ("depth", 64), ("seeds", 100)):
        if not isinstance(config.get(key), int) or not 1 <= config[key] <= limit:
            raise UserError(f"{beside.name} must give '{key}' as a whole number from 1 to {limit}.")
    return config


def load_networks(path: Path, ensemble: Ensemble) -> None:
    """Put the first seed's weights of a saved file into an ensemble; raise UserError if they do not fit."""
    try:
        with safe_open(path, "pt") as file:
            keys = list(file.keys())
            for index, name in enumerate(ensemble.names):
                prefix = f"{name}.seed0."
                state = {key.removeprefix(prefix): file.get_tensor(key) for key in keys if key.startswith(prefix)}
                ensemble.load_network(index, 0, state)
    except (OSError, SafetensorError) as error:
        raise UserError(f"{path.name} is not a readable safetensors file: {error}.") from None
    except (KeyError, ValueError) as error:
        raise UserError(f"{path.name} does not hold networks of its configuration: {error.args[0]}.") from None
