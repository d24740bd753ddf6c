"""Importing what a card names, in either process."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

USER_PACKAGE = "workbench_user_plugins"
"""The package under which plugins of the user's folder are imported, the same in the UI and the worker."""


def mount_user_folder(folder: Path) -> None:
    """Make the plugins in `folder` importable as `workbench_user_plugins.<id>`."""
    package = sys.modules.get(USER_PACKAGE)
    if package is None:
        package = ModuleType(USER_PACKAGE, "Plugins of the user's own folder.")
        sys.modules[USER_PACKAGE] = package
    package.__path__ = [str(folder)]
    importlib.invalidate_caches()


def load_object(dotted: str) -> Any:
    """Import `module:name` (or a whole `module`); raise ImportError or AttributeError as Python does."""
    module_name, _, attribute = dotted.partition(":")
    module = importlib.import_module(module_name)
    return getattr(module, attribute) if attribute else module
