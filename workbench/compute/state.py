"""The state of an experiment, captured from its public attributes as plain values and tensors."""

from __future__ import annotations

import collections
import dataclasses
import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from workbench.sdk import Experiment

KIND = "__kind__"
_OUTSIDE_STATE = {"parameters", "context"}


def capture_state(experiment: Experiment[Any, Any]) -> dict[str, Any]:
    """Return the experiment's state as values that `torch.load(weights_only=True)` accepts.

    Raises TypeError naming an attribute that cannot be saved.
    """
    return {name: _encode(value, f"{type(experiment).__name__}.{name}") for name, value in _attributes(experiment)}


def restore_state(experiment: Experiment[Any, Any], state: Mapping[str, Any]) -> None:
    """Put a captured state back, in place where the experiment holds networks, optimisers or generators."""
    for name, encoded in state.items():
        setattr(experiment, name, _decode(encoded, getattr(experiment, name, None)))


def _attributes(experiment: Experiment[Any, Any]) -> list[tuple[str, Any]]:
    return [
        (name, value)
        for name, value in vars(experiment).items()
        if not name.startswith("_") and name not in _OUTSIDE_STATE
    ]


def _encode(value: Any, path: str) -> Any:
    match value:
        case None | bool() | int() | float() | str() | bytes():
            return value
        case torch.Tensor():
            return value.detach()
        case torch.Generator():
            return {KIND: "generator", "state": value.get_state()}
        case np.random.Generator():
            return {KIND: "rng", "state": value.bit_generator.state}
        case random.Random():
            version, words, gauss = value.getstate()
            return {KIND: "random", "state": [version, list(words), gauss]}
        case np.ndarray() if value.dtype != object:
            return (
                {KIND: "array", "value": torch.from_numpy(value.copy())}
                if value.dtype.kind in "iufcb"
                else {KIND: "text_array", "value": value.tolist()}
            )
        case np.generic():
            return value.item()
        case _ if hasattr(value, "state_dict") and hasattr(value, "load_state_dict"):
            return {KIND: "stateful", "state": value.state_dict()}
        case Mapping():
            pairs = [[_encode(key, path), _encode(item, f"{path}[{key!r}]")] for key, item in value.items()]
            return {KIND: "dict", "items": pairs}
        case list() | tuple() | collections.deque() | set() | frozenset():
            items = [_encode(item, f"{path}[{index}]") for index, item in enumerate(value)]
            length = value.maxlen if isinstance(value, collections.deque) else None
            return {KIND: _sequence_kind(value), "items": items, "maxlen": length}
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields = {
                item.name: _encode(getattr(value, item.name), f"{path}.{item.name}")
                for item in dataclasses.fields(value)
            }
            return {KIND: "dataclass", "fields": fields}
    raise TypeError(
        f"{path} is a {type(value).__name__}, which a checkpoint cannot hold; give it a name that starts with '_' "
        "if __init__ or prepare makes it again, or give it state_dict and load_state_dict."
    )


def _sequence_kind(value: Any) -> str:
    for kind in (tuple, collections.deque, frozenset, set):
        if isinstance(value, kind):
            return kind.__name__
    return "list"


_SEQUENCES: dict[str, Any] = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}


def _decode(encoded: Any, existing: Any) -> Any:
    if isinstance(encoded, torch.Tensor):
        return _decode_tensor(encoded, existing)
    if not isinstance(encoded, Mapping):
        return encoded
    match encoded[KIND]:
        case "generator":
            existing.set_state(encoded["state"].cpu())
            return existing
        case "rng":
            existing.bit_generator.state = encoded["state"]
            return existing
        case "random":
            version, words, gauss = encoded["state"]
            existing.setstate((version, tuple(words), gauss))
            return existing
        case "stateful":
            existing.load_state_dict(encoded["state"])
            return existing
        case "array":
            return encoded["value"].cpu().numpy().copy()
        case "text_array":
            return np.array(encoded["value"])
        case "dict":
            known = existing if isinstance(existing, Mapping) else {}
            values = {key: _decode(item, known.get(key)) for key, item in encoded["items"]}
            if isinstance(existing, dict):
                existing.clear()
                existing.update(values)
                return existing
            return values
        case "dataclass":
            values = {name: _decode(item, getattr(existing, name)) for name, item in encoded["fields"].items()}
            return dataclasses.replace(existing, **values)
        case kind:
            known_items = list(existing) if isinstance(existing, list | tuple | collections.deque) else []
            known_items += [None] * (len(encoded["items"]) - len(known_items))
            items = [_decode(item, known) for item, known in zip(encoded["items"], known_items, strict=False)]
            return collections.deque(items, encoded["maxlen"]) if kind == "deque" else _SEQUENCES[kind](items)


def _decode_tensor(saved: torch.Tensor, existing: Any) -> torch.Tensor:
    """Write into an existing tensor of the same shape, because an optimiser may hold it."""
    if isinstance(existing, torch.Tensor) and existing.shape == saved.shape and existing.dtype == saved.dtype:
        with torch.no_grad():
            existing.copy_(saved)
        return existing
    return saved.clone()


def weights_of(experiment: Experiment[Any, Any]) -> dict[str, torch.Tensor]:
    """Return every network's parameters and buffers, and every trainable tensor, by dotted attribute name."""
    weights: dict[str, torch.Tensor] = {}
    for name, value in vars(experiment).items():
        if name not in _OUTSIDE_STATE:
            _collect(value, name.lstrip("_"), weights)
    return weights


def _collect(value: Any, path: str, weights: dict[str, torch.Tensor]) -> None:
    if isinstance(value, torch.nn.Module):
        weights.update({f"{path}.{key}": tensor.detach() for key, tensor in value.state_dict().items()})
    elif isinstance(value, torch.Tensor) and value.requires_grad and value.is_leaf:
        weights[path] = value.detach()
    elif isinstance(value, Mapping):
        for key, item in value.items():
            _collect(item, f"{path}.{key}", weights)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            _collect(item, f"{path}.{index}", weights)
