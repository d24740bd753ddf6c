"""Starting the workbench: the window without arguments or with files to open, otherwise the command line."""

from __future__ import annotations

import multiprocessing
import sys
from pathlib import Path

from workbench.runs.folders import folders
from workbench.runs.processes import is_bundled

FILES = (".workbench-run", ".zip")
"""Files that open in the window, as a double-click on one does."""


def main() -> int:
    """Open the window, or run a command; return the exit code."""
    if is_bundled():
        _keep_bytecode()
    multiprocessing.freeze_support()
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    if all(argument.endswith(FILES) for argument in arguments):
        from workbench.app.application import run_app

        return run_app([Path(argument) for argument in arguments], is_debug="--debug" in sys.argv)
    from workbench.cli import main as run_command

    return run_command(sys.argv[1:])


def _keep_bytecode() -> None:
    """Keep the compiled plugins in the user's cache: their sources lie in an installation that is not ours to write."""
    sys.pycache_prefix, sys.dont_write_bytecode = str(folders().cache / "bytecode"), False


if __name__ == "__main__":
    sys.exit(main())
