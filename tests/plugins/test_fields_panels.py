"""The panels of DeepONet and MgNO with their experiments behind them: they draw, are drawn on, clicked, exported."""

import os
import sys

import numpy as np
import pytest
import torch
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QUndoStack
from PySide6.QtWidgets import QApplication

import plugins.deeponet.panel as deeponet
import plugins.mgno.panel as mgno
from plugins.deeponet.experiments.duel import Duel
from plugins.deeponet.experiments.operator import Operator
from plugins.deeponet.experiments.scaling import Scaling
from plugins.deeponet.experiments.sensors import Sensors
from plugins.deeponet.experiments.shift import Shift
from plugins.deeponet.experiments.stochastic import Stochastic
from plugins.mgno.experiments.boundary import BoundaryLab
from plugins.mgno.experiments.fields import Fields
from plugins.mgno.experiments.multigrid_lab import MultigridLab
from plugins.mgno.experiments.rollout import Rollout
from workbench.compute.building import build, prepared
from workbench.sdk import MetricsBlock, MetricsHistory, Progress, UserError
from workbench.views import View
from workbench.views.theme import theme

if sys.platform.startswith("linux") and not os.environ.get("DISPLAY") and not os.environ.get("WAYLAND_DISPLAY"):
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

FEW = {"triples": 300, "test_triples": 200, "evaluate_every": 5, "steps": 10}
SMALL = {
    "operator": (deeponet.OperatorView, Operator, FEW),
    "pendulum": (deeponet.OperatorView, Operator, FEW | {"problem": "pendulum"}),
    "reaction": (deeponet.OperatorView, Operator, FEW | {"problem": "diffusion_reaction"}),
    "legendre": (deeponet.OperatorView, Operator, FEW | {"problem": "legendre"}),
    "duel": (deeponet.DuelView, Duel, FEW | {"fnn_width": 16}),
    "sensors": (deeponet.SensorsView, Sensors, FEW | {"counts": "2 4 6 10", "length_scales": "0.2 0.5"}),
    "scaling": (deeponet.ScalingView, Scaling,
                {"functions": "50 100 200", "test_triples": 200, "evaluate_every": 5, "steps": 10}),
    "shift": (deeponet.ShiftView, Shift, FEW | {"scales": "0.1 0.2 0.5"}),
    "paths": (deeponet.StochasticView, Stochastic,
              {"kernels": 30, "test_kernels": 20, "evaluate_every": 5, "steps": 10}),
    "fields": (mgno.FieldsView, Fields,
               {"n": 24, "train": 8, "test": 8, "channels": 4, "layers": 2, "levels": 3, "batch": 4, "steps": 10,
                "evaluate_every": 5, "fno_width": 4, "fno_modes": 3}),
    "waves": (mgno.FieldsView, Fields,
              {"dataset": "helmholtz", "n": 25, "train": 8, "test": 8, "channels": 3, "layers": 2, "levels": 3,
               "batch": 4, "steps": 10, "evaluate_every": 5, "models": ("mgno",)}),
    "multigrid": (mgno.MultigridView, MultigridLab, {"n": "15", "steps": 10, "batch": 2}),
    "boundary": (mgno.BoundaryView, BoundaryLab,
                 {"n": 16, "train": 16, "test": 8, "channels": 4, "levels": 3, "steps": 10, "evaluate_every": 5}),
    "rollout": (mgno.RolloutView, Rollout,
                {"n": 16, "trajectories": 8, "test": 4, "frames": 3, "channels": 4, "layers": 2, "levels": 3,
                 "batch": 4, "steps": 10, "evaluate_every": 5}),
}  # fmt: skip
EVERY = pytest.mark.parametrize("name", SMALL)


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


class Bench:
    """A view and its experiment."""

    def __init__(self, name, qtbot, **changes):
        view, kind, small = SMALL[name]
        self.experiment = prepared(build(kind, small | changes))
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


@pytest.fixture
def bench(qtbot):
    theme().set_mode("light")
    yield lambda name, **changes: Bench(name, qtbot, **changes)
    theme().set_mode("light")


@EVERY
def test_every_view_draws_before_and_after_training_in_both_themes_and_exports(bench, name, tmp_path):
    own = bench(name)
    own.train()
    assert not own.port.said
    theme().set_mode("dark")
    own.view.grab()
    drawn = [view for view in own.view.findChildren(View) if view.data()]
    assert len(drawn) >= 3
    for view in drawn[:4]:
        view.export(tmp_path / f"{view.name}.png", scale=1)
        view.export(tmp_path / f"{view.name}.csv")
        assert (tmp_path / f"{view.name}.png").stat().st_size > 500
    names = [view.name for view in own.view.findChildren(View)]
    assert len(names) == len(set(names))
    own.view.restore(own.view.state())
    own.view.start_over()
    own.draw()


def test_drawing_an_input_asks_while_the_mouse_moves_and_is_undone(bench):
    own = bench("operator")
    before = own.view.editor.values
    own.drag(own.view.editor, (0.2, 0.5), (0.4, 0.8), (0.6, 0.2))
    assert own.port.asked.count("respond") >= 3
    drawn = own.view.editor.values
    assert np.abs(drawn - before).max() > 0.1
    shown = own.view.answer.data()
    assert np.allclose(shown["truth"], own.experiment.respond(drawn).truth, atol=1e-6)
    own.port.undo_stack.undo()
    assert np.allclose(own.view.editor.values, before)
    own.port.undo_stack.redo()
    assert np.allclose(own.view.editor.values, drawn)


def test_moved_sensors_are_asked_about_and_trained_with(bench):
    own = bench("operator", sensors=5)
    own.view.editor.mode_buttons.set_value("sensors")
    values = own.view.editor.values
    own.drag(own.view.editor, (0.25, np.interp(0.25, np.linspace(0, 1, 201), values)), (0.35, 0.0))
    assert own.view.moved_sensors is not None
    assert own.view._response.kappa > 0
    own.draw()
    own.qtbot.mouseClick(own.play.train_here, Qt.MouseButton.LeftButton)
    assert own.port.parameters.layout == "dragged"
    assert len(own.port.parameters.positions.split()) == 5
    assert own.view.moved_sensors is None


def test_controls_beside_the_drawing_do_what_they_say(bench):
    own = bench("operator")
    own.train()
    own.play.case.setValue(3)
    assert own.port.asked[-1] == "case"
    for button in own.play.findChildren(type(own.play.worst)):
        if button.isEnabled():
            own.qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert {"draw_input", "worst_input"} <= set(own.port.asked)
    own.play.history._slider.setValue(0)
    assert own.play.snapshot == 0
    assert own.view._response.step == 0
    own.play.history._slider.setValue(own.play.history._slider.maximum())
    assert own.play.snapshot == -1
    assert not own.port.said


def test_the_pendulum_is_pushed_by_the_mouse(bench):
    own = bench("pendulum")
    own.view.tabs.setCurrentIndex(own.view._pendulum_tab)
    view = own.view.pendulum
    view.grab()
    point = view.frame().point(0.8, 0.0)
    own.qtbot.mousePress(view.body, Qt.MouseButton.LeftButton, pos=QPoint(round(point.x()), round(point.y())))
    own.qtbot.waitUntil(lambda: not view.is_moving, timeout=20_000)
    own.qtbot.mouseRelease(view.body, Qt.MouseButton.LeftButton, pos=QPoint(round(point.x()), round(point.y())))
    force = view.data()["force"]
    assert force.max() == pytest.approx(0.8 / 1.2 * 2.5, abs=0.1)
    assert np.abs(view.data()["truth"]).max() > 0.1


def test_time_is_scrubbed_through_a_field(bench):
    own = bench("reaction")
    assert own.view.answers.currentIndex() == 1
    own.view.time._slider.setValue(40)
    assert own.view.fields.place[1] == pytest.approx(40 / 99)
    own.drag(own.view.editor, (0.2, 0.5), (0.6, 0.2))
    assert own.view.fields.truth.values.shape == (100, 100)


def test_clicks_in_the_other_deeponet_views_choose_examples(bench):
    own = bench("shift")
    own.train()
    own.click(own.view.errors, 0.1, own.view.errors.y_axis.low * 1.5)
    assert "0.1" in own.view.input.title
    own = bench("paths")
    own.train()
    own.view.scale._box.setValue(1.8)
    assert own.port.asked[-1] == "at"
    assert "1.80" in own.view.fan.title
    own.qtbot.mouseClick(own.view.dice, Qt.MouseButton.LeftButton)
    own.draw()


def test_painting_a_coefficient_asks_at_once_and_solves_when_the_mouse_rests(bench):
    own = bench("fields")
    before = own.view.coefficient
    own.port.asked.clear()
    own.drag(own.view.editor, (0.2, 0.5), (0.4, 0.5), (0.6, 0.5))
    assert own.port.asked.count("predict") >= 3
    assert "solve" not in own.port.asked
    own.qtbot.waitUntil(lambda: "solve" in own.port.asked, timeout=5000)
    answer = own.view._answer
    assert answer.truth is not None
    assert np.allclose(answer.input, own.view.coefficient, atol=1e-5)
    assert "iterations" in own.view.iterations.title
    own.port.undo_stack.undo()
    assert np.allclose(own.view.coefficient, before)


def test_pixels_levels_cases_and_grids_are_asked_for(bench):
    own = bench("fields")
    own.train()
    own.click(own.view.fields.prediction, 0.5, 0.25)
    assert own.view.receptive.values.shape == (24, 24)
    own.play._sliders[0]._box.setValue(0.0)
    assert own.play.gains == [0.0, 1.0]
    own.play._sliders[0]._box.setValue(1.0)
    assert own.play.gains is None
    own.play.case.setValue(4)
    own.qtbot.mouseClick(own.play.new, Qt.MouseButton.LeftButton)
    own.play.tau._box.setValue(9.0)
    assert own.port.asked.count("draw") == 2
    own.qtbot.mouseClick(own.play.grids, Qt.MouseButton.LeftButton)
    assert len(own.view.resolution.series_names) == 2
    own.click(own.view.histogram, float(own.view._frame.errors[0, 2]), own.view.histogram.y_axis.low + 0.1)
    own.view.model.setCurrentIndex(1)
    own.view.model.activated.emit(1)
    assert not own.port.said


def test_a_cycle_is_stepped_through_and_its_smoothers_are_shown(bench):
    own = bench("fields")
    own.train()
    for page in (own.view.cycle, own.view.smoothers):
        own.view.tabs.setCurrentWidget(page)
        page.grab()
    assert own.port.asked[-1] == "symbols"
    own.view.tabs.setCurrentWidget(own.view.cycle)
    own.view.cycle.moments._slider.setValue(3)
    assert own.view.cycle.u.values.shape == (6, 6)
    own.view.cycle.layer.setValue(2)
    own.view.cycle.channel.setValue(1)
    own.view.smoothers.layer.setValue(2)
    assert not own.view.smoothers.learnt.message
    alone = bench("fields", models=("fno",))
    alone.view.tabs.setCurrentWidget(alone.view.cycle)
    assert "MgNO" in alone.view.cycle.u.message


def test_a_painted_source_is_solved_and_a_cell_of_the_matrix_shows_its_network(bench):
    own = bench("multigrid")
    own.drag(own.view.editor, (0.3, 0.3), (0.6, 0.6))
    assert own.port.asked.count("solve") >= 2
    own.port.undo_stack.undo()
    own.train()
    own = bench("boundary")
    own.train()
    own.click(own.view.matrix, 2.0, 1.0)
    assert "Neumann with circular" in own.view.prediction.title


def test_a_painted_vorticity_goes_on_and_the_film_is_played(bench):
    own = bench("rollout")
    own.train()
    own.drag(own.view.editor, (0.3, 0.3), (0.6, 0.6))
    assert own.port.asked[-1] == "continue_from"
    assert own.view.go.isEnabled()
    own.view.time._slider.setValue(1)
    assert "t = 1" in own.view.fields.prediction.title
    own.view.number.setValue(3)
    assert own.port.asked[-1] == "flow"
    own.port.undo_stack.undo()
    QApplication.processEvents()
