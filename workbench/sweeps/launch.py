"""Starting a sweep's driver in a process that lives on when the application closes."""

from __future__ import annotations

import subprocess
import sys
import threading

from workbench.runs import folders
from workbench.runs.processes import own_command
from workbench.sweeps.store import Sweep

WINDOWS_DETACHED = 0x00000008 | 0x00000200
"""DETACHED_PROCESS and CREATE_NEW_PROCESS_GROUP."""


def launch(sweep: Sweep) -> int:
    """Drive a sweep in a detached process and return its identifier; what it prints goes to the log folder."""
    log = folders().make().logs / f"sweep-{sweep.id}.log"
    flags = WINDOWS_DETACHED if sys.platform == "win32" else 0
    with log.open("ab") as output:
        process = subprocess.Popen(
            own_command("sweep", "--attach", sweep.id, "--quiet"), stdin=subprocess.DEVNULL, stdout=output,
            stderr=output, start_new_session=sys.platform != "win32", creationflags=flags,
        )  # fmt: skip
    # Where this process outlives the driver, somebody must take note of its end, or it stays as a zombie.
    threading.Thread(target=process.wait, name="sweep driver", daemon=True).start()
    return process.pid
