"""The panel of CM-HRNN with its experiments behind it, in one process, for the tests."""

import os
import sys

import numpy as np
import torch
from PySide6.QtCore import Qt
from PySide6.QtGui import QUndoStack
from PySide6.QtTest import QTest

from plugins.cm_hrnn import panel
from plugins.cm_hrnn.experiments.inspecting import Inspect
from plugins.cm_hrnn.experiments.listen import Ablate, Compare, Harmony, Listen, Structure
from workbench.audio.player import Player
from workbench.compute.building import build, prepared
from workbench.sdk import MetricsBlock, MetricsHistory, Progress, UserError
from workbench.views.theme import theme

if sys.platform.startswith("linux") and not os.environ.get("DISPLAY") and not os.environ.get("WAYLAND_DISPLAY"):
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

TINY = {"steps": 3, "evaluate_every": 3, "hidden": 16, "batch": 4, "test_songs": 2, "songs": 12}
KINDS = {"Listen": Listen, "Compare": Compare, "Structure": Structure, "Harmony": Harmony, "Ablate": Ablate}
OWN = {"Compare": {"models": ("ad_rm3t_fc_rs", "attention")}, "Structure": {"models": ("ad_rm3t_fc_rs", "vanilla")},
       "Harmony": {"progressions": "C | G ; Am | F"}}  # fmt: skip


class Port:
    """Answers actions at once, as the worker would; keeps what was asked and said."""

    def __init__(self, experiment):
        self.undo_stack = QUndoStack()
        self.experiment, self.parameters = experiment, experiment.parameters
        self.asked, self.said, self.changed = [], [], []

    @torch.no_grad()
    def ask_latest(self, action, done, /, *, partial=None, failed=None, **arguments):
        self.asked.append((action, arguments))
        try:
            answer = getattr(self.experiment, action)(**arguments)
            while hasattr(answer, "send"):
                try:
                    said = next(answer)
                    if partial:
                        partial(said)
                except StopIteration as end:
                    answer = end.value
        except UserError as error:
            (failed or self.say)(str(error))
            return
        done(answer)

    def change_parameters(self, text, changes):
        self.changed.append(dict(changes))

    def say(self, sentence):
        self.said.append(sentence)


class SilentStream:
    """A sound card that hears nothing and whose time the test moves."""

    problem, underflows = "", 0

    def __init__(self, fill):
        self.fill, self.time = fill, 0.0

    def now(self):
        return self.time

    def close(self):
        pass


class Bench:
    """A view and its experiment."""

    def __init__(self, name, qtbot, **values):
        kind = {**KINDS, "Inspect": Inspect}[name]
        settings = {"steps": 3, "songs": 6} if name == "Inspect" else {**TINY, **OWN.get(name, {})}
        self.experiment = prepared(build(kind, {**settings, **values}))
        self.port = Port(self.experiment)
        self.player = Player(SilentStream)
        self.view = getattr(panel, f"{name}View")(self.port, player=self.player)
        qtbot.addWidget(self.view)
        qtbot.addWidget(self.view.play_controls())
        self.view.resize(980, 680)
        self.view.start_over()
        self.draw()
        self.settle()

    @torch.no_grad()
    def draw(self):
        self.view.show_frame(self.experiment.frame())

    def settle(self):
        """What follows a moment after the last change, at once."""
        if hasattr(self.view, "desk"):
            self.view.desk._settle.stop()
            self.view.desk._settled()

    def train(self):
        history = MetricsHistory()
        for said in self.experiment.run():
            if not isinstance(said, Progress):
                step = np.array([self.experiment.step])
                history.append(MetricsBlock({k: (step, np.array([float(v)])) for k, v in said.items()}))
        self.view.show_metrics(history)
        self.draw()
        self.settle()

    def show(self, qtbot):
        self.view.show()
        qtbot.waitExposed(self.view)
        self.view.grab()

    def at(self, beat, pitch):
        return self.view.desk.roll.frame().point(beat, pitch).toPoint()

    def drag(self, start, end, modifiers=Qt.KeyboardModifier.NoModifier, button=Qt.MouseButton.LeftButton):
        body = self.view.desk.roll.body
        QTest.mousePress(body, button, modifiers, start)
        QTest.mouseMove(body, (start + end) / 2)
        QTest.mouseMove(body, end)
        QTest.mouseRelease(body, button, modifiers, end)


def benches(qtbot):
    """Makes benches for a test, and closes their players behind it; the body of a fixture."""
    theme().set_mode("light")
    made = []

    def make(name, **values):
        made.append(Bench(name, qtbot, **values))
        return made[-1]

    yield make
    for own in made:
        own.player.close()
    theme().set_mode("light")
