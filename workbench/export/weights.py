"""Weights as safetensors: read by every framework, and never executed when opened."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.runs.atomic import replacing
from workbench.sdk import UserError

if TYPE_CHECKING:
    import torch


def save_weights(path: Path, weights: Mapping[str, torch.Tensor], metadata: Mapping[str, Any] | None = None) -> None:
    """Write tensors and JSON metadata (under the key "workbench") to a safetensors file, atomically."""
    from safetensors.torch import save_file

    separate = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in weights.items()}
    with replacing(path) as temporary:
        save_file(separate, temporary, {"workbench": json.dumps(metadata or {})})


def load_weights(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Read tensors and metadata; raise UserError with one sentence if the file cannot be used."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            metadata = json.loads((file.metadata() or {}).get("workbench", "{}"))
            return {name: file.get_tensor(name) for name in file.keys()}, metadata  # noqa: SIM118 - not a dict
    except (OSError, SafetensorError, ValueError) as error:
        raise UserError(f"{path.name} is not a readable safetensors file: {error}") from None
