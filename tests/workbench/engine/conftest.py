from __future__ import annotations

import pytest

from workbench.engine import Engine, SessionState
from workbench.runs import Settings


@pytest.fixture
def engine(qapp, home):
    engine = Engine(Settings(worker_threads=1))
    yield engine
    engine.shutdown()


class Driver:
    """Opens sessions of the tiny plugin and waits for their signals."""

    def __init__(self, engine, entry, qtbot):
        self.engine, self.entry, self.qtbot = engine, entry, qtbot

    def open(self, experiment="fit", run_folder=None, grant=True, **parameters):
        parameters_type = self.entry.parameters_type(experiment)
        session = self.engine.open_session(self.entry, experiment, parameters_type(**parameters), run_folder=run_folder)
        session.frames, session.failures, session.states = [], [], []
        session.failed.connect(session.failures.append)
        session.state_changed.connect(session.states.append)
        session.frame_arrived.connect(session.frames.append)
        if grant:
            session.frame_arrived.connect(lambda frame: session.grant_frame())
        return session

    def wait(self, condition, seconds=60):
        self.qtbot.waitUntil(lambda: bool(condition()), timeout=int(seconds * 1000))

    def wait_for(self, session, *states, seconds=60):
        self.wait(lambda: session.state in states, seconds)
        return session

    def ready(self, experiment="fit", **parameters):
        return self.wait_for(self.open(experiment, **parameters), SessionState.READY, SessionState.FAILED)

    def finished(self, session, seconds=60):
        session.train()
        self.wait(lambda: session.state is not SessionState.FINISHED)
        return self.wait_for(session, SessionState.FINISHED, SessionState.FAILED, seconds=seconds)

    def answer(self, session, action, **arguments):
        found = []
        session.ask_latest(action, found.append, failed=found.append, **arguments)
        self.wait(lambda: found)
        return found[0]


@pytest.fixture
def driver(engine, tiny, qtbot):
    return Driver(engine, tiny, qtbot)
