"""Sweeps on a real cluster: every point done once, whatever dies meanwhile."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from tests.support.cluster import ClusterProcesses
from workbench.compute.checkpoint import read_checkpoint
from workbench.runs import RunStore, folders
from workbench.sdk import UserError
from workbench.sweeps import Axis, SweepSpec, SweepStore
from workbench.sweeps.cluster import connect, connected
from workbench.sweeps.driver import Driver
from workbench.sweeps.store import Cluster

STEPS = 30


def make(address, slopes=(1, 2, 3), pause=0.05, **changes):
    spec = SweepSpec(
        plugin="tiny", experiment="fit", axes=(Axis(name="slope", values=slopes),),
        parameters={"steps": STEPS, "pause": pause}, seeds=(0, 1), **changes,
    )  # fmt: skip
    return SweepStore().create(spec, Cluster(address))


def runs_of(sweep):
    return [(folder, record) for folder, record in RunStore(folders().runs).runs() if record.sweep == sweep.id]


def assert_every_point_was_done_once(sweep):
    assert sweep.read().status == "finished"
    assert {index: state.state for index, state in sweep.points().items()} == dict.fromkeys(range(6), "done")
    found = runs_of(sweep)
    wanted = {(slope, seed) for slope in (1.0, 2.0, 3.0) for seed in (0, 1)}
    assert sorted((r.parameters["slope"], r.seed) for _, r in found) == sorted(wanted)
    for folder, record in found:
        assert (record.status, record.step) == ("finished", STEPS)
        steps, counts = folder.metrics.read()["count"]
        assert steps.tolist() == counts.tolist() == list(range(1, STEPS + 1)), "each step was recorded once"
        assert read_checkpoint(folder.checkpoint)["step"] == STEPS


def in_background(driver):
    failures = []

    def run():
        try:
            driver.drive()
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, failures


def wait(condition, seconds=90):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def test_a_worker_killed_in_the_middle_costs_no_point_and_doubles_none(cluster):
    sweep = make(cluster.address)
    thread, failures = in_background(Driver(sweep))
    wait(lambda: sum(state.state == "running" for state in sweep.points().values()) == 2)
    cluster.kill(cluster.workers[0])
    thread.join(120)
    assert failures == []
    assert_every_point_was_done_once(sweep)
    assert max(state.attempts for state in sweep.points().values()) == 2, "a lost point was begun again"


def test_a_killed_driver_is_followed_by_another_that_does_the_rest(cluster, home):
    sweep = make(cluster.address)
    command = [sys.executable, "-m", "workbench", "sweep", "--attach", sweep.id, "--quiet"]
    first = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait(lambda: any(state.state == "done" for state in sweep.points().values()))
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert not sweep.is_driven
    done = {state.run for state in sweep.points().values() if state.state == "done"}
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    finished = [record.id for _, record in runs_of(sweep) if record.status == "finished"]
    assert done <= set(finished)
    assert len(finished) == 6
    assert {state.state for state in sweep.points().values()} == {"done"}


def test_cancelling_stops_what_runs_and_what_waits(cluster):
    sweep = make(cluster.address, pause=1.0)
    thread, failures = in_background(Driver(sweep))
    wait(lambda: any(state.state == "running" for state in sweep.points().values()))
    sweep.cancel()
    thread.join(60)
    assert not thread.is_alive()
    assert failures == []
    assert sweep.read().status == "cancelled"
    assert {state.state for state in sweep.points().values()} == {"cancelled"}
    assert all(record.status == "stopped" for _, record in runs_of(sweep))


def test_a_point_that_fails_says_why_and_the_others_go_on(cluster):
    spec = SweepSpec(
        plugin="tiny", experiment="fit", axes=(Axis(name="fault", values=("none", "exception", "nan")),),
        parameters={"steps": 20, "fault_step": 5},
    )  # fmt: skip
    sweep = SweepStore().create(spec, Cluster(cluster.address))
    Driver(sweep).drive()
    states = sweep.points()
    assert [states[index].state for index in range(3)] == ["done", "failed", "failed"]
    assert "a bug in the plugin" in states[1].error
    assert "loss became nan" in states[2].error


def test_the_same_seed_gives_the_same_numbers_as_a_run_here(cluster, tiny):
    from workbench.compute.building import build
    from workbench.compute.runner import run_to_end

    sweep = make(cluster.address, slopes=(2,), pause=0.0)
    Driver(sweep).drive()
    here = run_to_end(build(tiny.experiment_type("fit"), {"steps": STEPS, "slope": 2.0}, seed=1))
    there = next(folder for folder, record in runs_of(sweep) if record.seed == 1).metrics.read()
    assert there["loss"][1].tolist() == here["loss"][1].tolist()


def test_a_local_sweep_needs_no_cluster_and_survives_whoever_started_it(home, user_plugins):
    command = ["sweep", "tiny/fit", "--grid", "slope=1,2", "--seeds", "2", "--steps", "25", "--workers", "2"]
    workbench = [sys.executable, "-m", "workbench"]
    began = subprocess.run([*workbench, *command, "--detach"], capture_output=True, text=True, check=True)
    assert "4 runs" in began.stdout
    (sweep,) = SweepStore().sweeps()
    wait(lambda: sweep.read().status == "finished")
    assert sweep.counts()["done"] == 4
    listed = json.loads(subprocess.run([*workbench, "sweep", "--list", "--json"], capture_output=True, text=True,
                                       check=True).stdout)["sweeps"]  # fmt: skip
    assert [(row["id"], row["status"], row["done"]) for row in listed] == [(sweep.id, "finished", 4)]
    bad = subprocess.run([*workbench, "sweep", "tiny/fit", "--grid", "slope=99"], capture_output=True, text=True,
                         check=False)  # fmt: skip
    assert bad.returncode == 2
    assert "slope = 99" in bad.stderr
    assert len(SweepStore().sweeps()) == 1, "a refused sweep leaves nothing behind"


@pytest.mark.parametrize(
    ("address", "words"),
    [("tcp://127.0.0.1:9", "cannot be reached"), ("127.0.0.1:8786", "begins with tcp:// or tls://"),
     ("tls://127.0.0.1:8786", "needs the certificate of the authority")],
)  # fmt: skip
def test_a_cluster_that_cannot_be_used_is_refused_with_one_sentence(home, user_plugins, monkeypatch, address, words):
    monkeypatch.setattr("workbench.sweeps.cluster.CONNECT_SECONDS", 1.0)
    sweep = make(address)
    with pytest.raises(UserError, match=words):
        Driver(sweep).drive()
    assert sweep.read().status == "failed"
    assert words in sweep.read().why


@pytest.fixture
def certificates(tmp_path):
    """A certificate that signs itself, for scheduler, workers and client alike."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    return key, certificate


def test_a_cluster_with_certificates_is_used_and_one_without_them_is_not(tmp_path, user_plugins, certificates):
    key, certificate = certificates
    security = ("--tls-ca-file", str(certificate), "--tls-cert", str(certificate), "--tls-key", str(key))
    processes = ClusterProcesses(tmp_path, security)
    try:
        worker = processes._start("worker", processes.address, "--no-nanny", "--nthreads", "1", "--no-dashboard",
                                  "--host", "tls://127.0.0.1")  # fmt: skip
        processes.workers.append(worker)
        mine = Cluster(processes.address, None, str(certificate), str(certificate), str(key))
        with connected(mine) as client:
            assert client.submit(os.getpid).result(timeout=60) == worker.pid
        with pytest.raises(UserError, match=r"cannot be reached|needs"):
            connect(Cluster(processes.address.replace("tls://", "tcp://")))
    finally:
        processes.close()
