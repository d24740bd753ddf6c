"""Starting the workbench again as another process, from its sources or from a bundle, where there is no Python."""

from __future__ import annotations

import sys


def is_bundled() -> bool:
    """Whether this is the bundle, whose executable is the workbench and not Python."""
    return bool(getattr(sys, "frozen", False))


def own_command(*arguments: str) -> list[str]:
    """Return the command line that runs the workbench with these arguments."""
    return [sys.executable, *arguments] if is_bundled() else [sys.executable, "-m", "workbench", *arguments]
