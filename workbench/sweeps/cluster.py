"""Connecting to Dask: a cluster of local processes sized to the machine, or one that exists already."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from workbench.sdk import UserError
from workbench.sweeps.store import Cluster

if TYPE_CHECKING:
    from distributed import Client

CONNECT_SECONDS = 10.0
NO_DASK = "Sweeps and clusters need Dask: pip install 'paper-workbench[cluster]'."


def local_workers(points: int) -> int:
    """Return how many processes of one thread to start: the cores, one of them left to the person."""
    return max(1, min(points, (os.cpu_count() or 2) - 1 or 1))


@contextmanager
def connected(cluster: Cluster, points: int = 1) -> Iterator[Client]:
    """Give a client of the cluster; raises UserError with one sentence where it cannot be reached."""
    try:
        import distributed
    except ImportError:
        raise UserError(NO_DASK) from None
    if cluster.address == "local":
        with (
            distributed.LocalCluster(
                n_workers=cluster.workers or local_workers(points), threads_per_worker=1, processes=True,
                dashboard_address=None, host="127.0.0.1", memory_limit=0, silence_logs=40,
            ) as local,
            distributed.Client(local) as client,
        ):  # fmt: skip
            yield client
        return
    client = connect(cluster)
    try:
        yield client
    finally:
        client.close()


def connect(cluster: Cluster, **options: Any) -> Client:
    """Return a client of an existing cluster; raises UserError where it cannot be reached or the certificates fail."""
    try:
        import distributed
    except ImportError:
        raise UserError(NO_DASK) from None
    address = cluster.address
    if not address.startswith(("tcp://", "tls://")):
        raise UserError(f"A cluster's address begins with tcp:// or tls://, not {address!r}.")
    try:
        return distributed.Client(address, timeout=CONNECT_SECONDS, security=_security(cluster), **options)
    except (OSError, TimeoutError, ValueError, RuntimeError) as error:
        first = str(error).strip().splitlines()
        raise UserError(f"The cluster at {address} cannot be reached: {first[0] if first else 'no answer'}.") from error


def _security(cluster: Cluster) -> Any:
    if not cluster.address.startswith("tls://"):
        return None
    from distributed.security import Security

    files = {"certificate of the authority": cluster.ca, "certificate": cluster.certificate, "key": cluster.key}
    for what, file in files.items():
        if not file or not os.path.isfile(file):
            raise UserError(f"tls:// needs the {what} as a PEM file; {file or 'none'} is not one.")
    return Security(
        tls_ca_file=cluster.ca, tls_client_cert=cluster.certificate, tls_client_key=cluster.key, require_encryption=True
    )
