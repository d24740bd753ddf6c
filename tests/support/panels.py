"""A panel's view with its experiment behind it in one process: it draws, is drawn on, clicked."""

import numpy as np
import torch
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QUndoStack

from workbench.compute.building import build, prepared
from workbench.sdk import MetricsBlock, MetricsHistory, Progress, UserError


class Port:
    """Answers actions at once, as the worker would; keeps what was asked and said."""

    def __init__(self, experiment):
        self.undo_stack = QUndoStack()
        self.experiment, self.parameters = experiment, experiment.parameters
        self.asked, self.said = [], []

    @torch.no_grad()
    def ask_latest(self, action, done, /, *, partial=None, failed=None, **arguments):
        self.asked.append(action)
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
        self.parameters = self.parameters.changed(**changes)

    def say(self, sentence):
        self.said.append(sentence)


class ViewBench:
    """A view and its experiment."""

    def __init__(self, view, kind, qtbot, **parameters):
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
        self.view.show()
        qtbot.waitExposed(self.view)
        self.view.grab()

    @torch.no_grad()
    def draw(self):
        self.view.show_frame(self.experiment.frame())

    def train(self):
        history = MetricsHistory()
        for said in self.experiment.run():
            if not isinstance(said, Progress):
                step = np.array([self.experiment.step])
                history.append(MetricsBlock({k: (step, np.array([float(v)])) for k, v in said.items()}))
        self.view.show_metrics(history)
        self.draw()
        self.view.grab()

    def drag(self, view, *places):
        canvas = view.body
        points = [view.frame().point(*place) for place in places]
        points = [QPoint(round(p.x()), round(p.y())) for p in points]
        self.qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=points[0])
        for point in points[1:]:
            self.qtbot.mouseMove(canvas, point)
        self.qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=points[-1])

    def click(self, view, x, y):
        point = view.frame().point(x, y)
        self.qtbot.mouseClick(view.body, Qt.MouseButton.LeftButton, pos=QPoint(round(point.x()), round(point.y())))
