"""The devices torch can compute on, and what they say of themselves."""

from __future__ import annotations

import platform

import psutil
import torch

from workbench.compute.protocol import DeviceInfo
from workbench.sdk import UserError


def devices() -> tuple[DeviceInfo, ...]:
    """Return all usable devices, the processor first."""
    found = [DeviceInfo("cpu", platform.processor() or platform.machine(), psutil.virtual_memory().total)]
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            properties = torch.cuda.get_device_properties(index)
            found.append(DeviceInfo(f"cuda:{index}", properties.name, properties.total_memory))
    if torch.backends.mps.is_available():
        found.append(DeviceInfo("mps", "Apple GPU"))
    return tuple(found)


def resolve(id: str) -> DeviceInfo:
    """Return the device called `id`; "auto" is the first accelerator, else the processor. Raises UserError."""
    known = devices()
    if id == "auto":
        return known[1] if len(known) > 1 else known[0]
    for device in known:
        if device.id == id or (id == "cuda" and device.id == "cuda:0"):
            return device
    raise UserError(f"There is no device {id!r} here; there is {', '.join(device.id for device in known)}.")


def memory_used(device: torch.device) -> int | None:
    """Bytes that this process holds on an accelerator; None on the processor."""
    if device.type == "cuda":
        return torch.cuda.memory_allocated(device)
    if device.type == "mps":
        return torch.mps.current_allocated_memory()
    return None
