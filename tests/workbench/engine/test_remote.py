"""A session on a cluster's worker behaves as one here: metrics, frames, actions, pause, faults, and its record."""

from __future__ import annotations

import os
import shutil

import numpy as np
import pytest

from tests.support.cluster import ClusterProcesses
from workbench.compute.protocol import Export
from workbench.engine import SessionState
from workbench.engine.asking import _Pending
from workbench.engine.cluster_link import remote_id, split_remote_id
from workbench.runs import RunFolder, folders
from workbench.sweeps.store import Cluster


@pytest.fixture
def far_home(tmp_path, user_plugins):
    """The home of another machine, with the tiny plugin installed there."""
    home = tmp_path / "far"
    shutil.copytree(user_plugins, home / "data" / "plugins")
    return home


@pytest.fixture
def cluster(tmp_path, far_home):
    cluster = ClusterProcesses(tmp_path, WORKBENCH_HOME=str(far_home))
    cluster.add_worker()
    yield cluster
    cluster.close()


@pytest.fixture
def connected(cluster, engine, qtbot):
    engine.cluster.connect_to(Cluster(cluster.address))
    qtbot.waitUntil(lambda: bool(engine.cluster.devices), timeout=90_000)
    return engine.cluster


def open_there(driver, **parameters):
    there = next(device.id for device in driver.engine.devices if device.id.startswith("dask|"))
    parameters_type = driver.entry.parameters_type("fit")
    session = driver.engine.open_session(driver.entry, "fit", parameters_type(**parameters), device=there)
    session.frames, session.failures = [], []
    session.failed.connect(session.failures.append)
    session.frame_arrived.connect(session.frames.append)
    session.frame_arrived.connect(lambda frame: session.grant_frame())
    return driver.wait_for(session, SessionState.READY, SessionState.FAILED)


def test_device_names_hold_the_workers_address():
    id = remote_id("tcp://10.0.0.2:40331", "cuda:0")
    assert split_remote_id(id) == ("tcp://10.0.0.2:40331", "cuda:0")
    assert split_remote_id("cuda:0") is None


def test_training_there_is_seen_and_recorded_here(driver, connected, far_home, tmp_path):
    session = open_there(driver, steps=3000)
    assert session.state is SessionState.READY, session.failures
    assert session.worker_process != os.getpid()
    driver.finished(session)
    assert session.history["count"][1].tolist() == list(range(1, 3001)), "no metric is lost on the way"
    assert session.frames
    assert session.frames[-1].step <= 3000
    answer = driver.answer(session, "predict", x=np.array([0.0, 1.0]))
    assert answer.shape == (2,)
    folder = RunFolder(session.run_folder)
    assert folder.path.parent == folders().runs
    record = folder.read()
    assert (record.status, record.step) == ("finished", 3000)
    assert "tcp://" in record.device
    assert folder.metrics.read()["count"][1].tolist() == list(range(1, 3001))
    far = far_home / "data" / "runs" / folder.path.name
    assert (far / "checkpoint.pt").read_bytes() == folder.checkpoint.read_bytes()
    written = export(driver, session, tmp_path / "out")
    assert {"run.json", "metrics.csv", "weights.safetensors", "line.txt"} <= set(written)
    assert (tmp_path / "out" / "line.txt").read_text() == "3000\n"


def export(driver, session, folder):
    found = []
    id = next(session._asking._ids)
    session._asking._pending[id] = _Pending(found.append, found.append, None)
    session._send(Export(id, folder))
    driver.wait(lambda: found)
    return found[0]


def test_the_numbers_are_those_of_a_run_here(driver, connected):
    there = driver.finished(open_there(driver, steps=200))
    here = driver.finished(driver.ready(steps=200))
    assert there.history["loss"][1].tolist() == here.history["loss"][1].tolist()


def test_a_paused_run_goes_on_there_or_here(driver, connected):
    session = open_there(driver, steps=100_000_000)
    session.train()
    driver.wait(lambda: session.history.latest("count") and session.history.latest("count") > 100)
    session.pause()
    driver.wait_for(session, SessionState.PAUSED)
    folder = session.run_folder
    driver.wait(lambda: RunFolder(folder).read().status == "paused")
    step = RunFolder(folder).read().step
    session.restart_from_checkpoint()
    driver.wait(lambda: session.information and session.information.step == step)
    driver.wait_for(session, SessionState.PAUSED)
    session.set_device("cpu")
    session.restart_from_checkpoint()
    driver.wait(lambda: session.information.device.id == "cpu" and session.state is SessionState.PAUSED)
    assert session.information.step == step
    session.step()
    driver.wait(lambda: session.history.latest("count") == step + 1)
    assert session.history["count"][1].tolist() == list(range(1, step + 2))


def test_the_death_of_the_process_or_of_its_machine_ends_the_session_with_a_sentence(driver, connected, cluster):
    session = driver.finished(open_there(driver, fault="kill", fault_step=30))
    assert session.state is SessionState.FAILED
    assert "killed" in session.failures[0].sentence
    other = open_there(driver, steps=100_000_000)
    other.train()
    driver.wait(lambda: other.history.names)
    cluster.kill(cluster.workers[0])
    driver.wait_for(other, SessionState.FAILED)
    assert "connection to the cluster's worker was lost" in other.failures[0].sentence
    here = driver.finished(driver.ready(steps=20))
    assert here.state is SessionState.FINISHED


def test_a_device_of_a_cluster_that_is_not_connected_says_so(driver):
    parameters = driver.entry.parameters_type("fit")()
    session = driver.engine.open_session(driver.entry, "fit", parameters, device=remote_id("tcp://127.0.0.1:1", "cpu"))
    assert session.state is SessionState.FAILED
    assert "No cluster is connected" in session.failure.sentence
    session.set_device("cpu")
    session.reset()
    driver.wait_for(session, SessionState.READY)


def test_a_scheduler_that_does_not_answer_is_told(engine, qtbot, monkeypatch):
    monkeypatch.setattr("workbench.sweeps.cluster.CONNECT_SECONDS", 1.0)
    engine.cluster.connect_to(Cluster("tcp://127.0.0.1:9"))
    qtbot.waitUntil(lambda: "cannot be reached" in engine.cluster.problem, timeout=30_000)
    assert not engine.cluster.is_connected
