"""What the way over a cluster costs: one session here and one on a worker on loopback, in one run.

`python tests/benchmarks/remote_session.py` prints action round trips and training speed, and their ratios.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))
ASKS, SECONDS = 200, 4.0


async def measure(session, until):
    """Return the median action round trip of an idle session (ms) and the steps per second of a running one."""
    from workbench.engine import SessionState

    await until(lambda: session.state is SessionState.READY, "the session to be ready", seconds=60)
    times = []
    for _ in range(ASKS):
        began = time.perf_counter()
        await session.ask("predict", x=np.linspace(-1, 1, 100))
        times.append(1000 * (time.perf_counter() - began))
    session.train()
    await until(lambda: session.history.latest("count") is not None, "the first step")
    first, began = session.history.latest("count"), time.perf_counter()
    await asyncio.sleep(SECONDS)
    rate = (session.history.latest("count") - first) / (time.perf_counter() - began)
    session.stop()
    return statistics.median(times), statistics.quantiles(times, n=20)[-1], rate


async def main():
    """Open both sessions and print."""
    from tests.support.cluster import ClusterProcesses
    from workbench.catalog import Catalog
    from workbench.cli.driving import until
    from workbench.engine import Engine
    from workbench.runs import Settings, folders
    from workbench.sweeps.store import Cluster

    home = folders().make()
    shutil.copytree(ROOT / "tests/support/plugins/tiny", home.plugins / "tiny")
    entry = Catalog.discover(home.plugins).entry("tiny")
    engine = Engine(Settings(worker_threads=1))
    cluster = ClusterProcesses(home.data)
    try:
        cluster.add_worker()
        engine.start()
        engine.cluster.connect_to(Cluster(cluster.address))
        await until(lambda: engine.cluster.devices and engine.local_devices, "the devices", seconds=90)
        results = {}
        for name, device in (("here", "cpu"), ("cluster", engine.cluster.devices[0].id)):
            parameters = entry.parameters_type("fit")(steps=100_000_000)
            session = engine.open_session(entry, "fit", parameters, device=device)
            session.frame_arrived.connect(lambda frame, session=session: session.grant_frame())
            results[name] = await measure(session, until)
            engine.close_session(session)
        for name, (median, p95, rate) in results.items():
            print(f"{name:8} action median {median:6.2f} ms, p95 {p95:6.2f} ms; {rate:8.0f} steps/s")
        here, there = results["here"], results["cluster"]
        print(f"ratio    action x{there[0] / here[0]:.1f}; speed x{there[2] / here[2]:.2f}")
    finally:
        engine.shutdown()
        cluster.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.environ["WORKBENCH_HOME"] = folder
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
        from workbench.cli.driving import drive

        drive(main)
