"""Starting the workbench: the window without arguments, otherwise the command line."""

from __future__ import annotations

import multiprocessing
import sys


def main() -> int:
    """Open the window, or run a command; return the exit code."""
    multiprocessing.freeze_support()
    if len(sys.argv) == 1:
        from workbench.app.application import run_app

        return run_app(sys.argv)
    from workbench.cli import main as run_command

    return run_command(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
