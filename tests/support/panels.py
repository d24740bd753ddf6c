"""A panel's view with its experiment behind it in one process: it draws, is drawn on, clicked."""

from __future__ import annotations

import os
import sys

import numpy as np
import torch
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QUndoStack
from PySide6.QtTest import QTest

from workbench.compute.building import build, prepared
from workbench.sdk import MetricsBlock, MetricsHistory, Progress, UserError
from workbench.views.theme import theme

if sys.platform.startswith("linux") and not os.environ.get("DISPLAY") and not os.environ.get("WAYLAND_DISPLAY"):
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


def drag(widget, *places, button=Qt.MouseButton.LeftButton, modifiers=Qt.KeyboardModifier.NoModifier):
    """Press at the first of the `places` (pixels), move through the others, and let go at the last."""
    first, *others = [QPointF(place).toPoint() for place in places]
    QTest.mousePress(widget, button, modifiers, first)
    for place in others:
        QTest.mouseMove(widget, place)
    QTest.mouseRelease(widget, button, modifiers, (others or [first])[-1])


class Port:
    """Answers actions at once, as the worker would; keeps what was asked, said and changed."""

    def __init__(self, experiment):
        self.undo_stack = QUndoStack()
        self.experiment, self.parameters = experiment, experiment.parameters
        self.asked, self.said, self.changed = [], [], []

    @property
    def actions(self):
        """Names of the actions in `asked`, which also holds their arguments."""
        return [action for action, _ in self.asked]

    @torch.no_grad()
    def ask_latest(self, action, done, /, *, partial=None, failed=None, **arguments):
        self.asked.append((action, arguments))
        try:
            answer = getattr(self.experiment, action)(**arguments)
            if hasattr(answer, "send"):
                answer = self._drain(answer, partial)
        except UserError as error:
            (failed or self.say)(str(error))
            return
        done(answer)

    @staticmethod
    def _drain(answer, partial):
        while True:
            try:
                said = next(answer)
            except StopIteration as end:
                return end.value
            if partial:
                partial(said)

    def change_parameters(self, text, changes):
        self.changed.append(dict(changes))
        self.parameters = self.parameters.changed(**changes)

    def say(self, sentence):
        self.said.append(sentence)


class ViewBench:
    """A view and its experiment; `view` makes one of a port, `kind` is the experiment's class."""

    def __init__(self, view, kind, qtbot, /, **parameters):
        self.experiment = prepared(build(kind, parameters))
        self.port = Port(self.experiment)
        self.view = view(self.port)
        self.qtbot = qtbot
        self.play = self.view.play_controls()
        if self.play is not None:
            qtbot.addWidget(self.play)
        qtbot.addWidget(self.view)
        self.view.resize(980, 680)
        self.view.start_over()
        self.draw()

    @torch.no_grad()
    def draw(self):
        """Show a new frame; it is kept as `frame`."""
        self.frame = self.experiment.frame()
        self.view.show_frame(self.frame)
        return self.frame

    def train(self):
        """Run to the end, and show the metrics and the last frame, painted."""
        history = MetricsHistory()
        for said in self.experiment.run():
            if not isinstance(said, Progress):
                step = np.array([self.experiment.step])
                history.append(MetricsBlock({k: (step, np.array([float(v)])) for k, v in said.items()}))
        self.view.show_metrics(history)
        self.draw()
        self.view.grab()

    def show(self):
        """On the screen and painted."""
        self.view.show()
        self.qtbot.waitExposed(self.view)
        self.view.grab()
        return self

    def drag(self, view, *places, **how):
        """Drag in one of the views through places in the units of its axes."""
        drag(view.body, *(view.frame().point(*place) for place in places), **how)

    def click(self, view, x, y, button=Qt.MouseButton.LeftButton):
        """Click in one of the views at a place in the units of its axes."""
        QTest.mouseClick(view.body, button, pos=view.frame().point(x, y).toPoint())

    def let_go(self):
        """Nothing of it is on the screen or to be undone any more."""
        self.view.hide()
        self.port.undo_stack.clear()


def benches(make):
    """The body of a fixture: gives `make` to a test, and lets go of what it made behind it."""
    theme().set_mode("light")
    made = []

    def kept(*names, **values):
        made.append(make(*names, **values))
        return made[-1]

    yield kept
    theme().set_mode("light")
    while made:
        made.pop().let_go()
