from __future__ import annotations

import pytest

from tests.support.cluster import ClusterProcesses


@pytest.fixture
def cluster(tmp_path, user_plugins):
    """A scheduler with two workers that know the tiny plugin."""
    cluster = ClusterProcesses(tmp_path)
    for _ in range(2):
        cluster.add_worker()
    yield cluster
    cluster.close()
