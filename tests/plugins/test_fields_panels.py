"""The panels of DeepONet and MgNO with their experiments behind them: they draw, are drawn on, clicked, exported."""

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication

import plugins.deeponet.panel as deeponet
import plugins.mgno.panel as mgno
from plugins.deeponet.experiments.duel import Duel
from plugins.deeponet.experiments.fractional import Fractional
from plugins.deeponet.experiments.operator import Operator
from plugins.deeponet.experiments.scaling import Scaling
from plugins.deeponet.experiments.sensors import Sensors
from plugins.deeponet.experiments.shift import Shift
from plugins.deeponet.experiments.stochastic import Stochastic
from plugins.mgno.experiments.boundary import BoundaryLab
from plugins.mgno.experiments.fields import Fields
from plugins.mgno.experiments.multigrid_lab import MultigridLab
from plugins.mgno.experiments.rollout import Rollout
from tests.support.panels import ViewBench, benches
from workbench.views import View
from workbench.views.theme import theme

FEW = {"triples": 300, "test_triples": 200, "evaluate_every": 5, "steps": 10}
SMALL = {
    "operator": (deeponet.OperatorView, Operator, FEW),
    "pendulum": (deeponet.OperatorView, Operator, FEW | {"problem": "pendulum"}),
    "reaction": (deeponet.OperatorView, Operator, FEW | {"problem": "diffusion_reaction"}),
    "caputo": (deeponet.OperatorView, Operator, FEW | {"problem": "caputo_orders"}),
    "legendre": (deeponet.OperatorView, Operator, FEW | {"problem": "legendre"}),
    "duel": (deeponet.DuelView, Duel, FEW | {"fnn_width": 16}),
    "sensors": (deeponet.SensorsView, Sensors, FEW | {"counts": "2 4 6 10", "length_scales": "0.2 0.5"}),
    "scaling": (deeponet.ScalingView, Scaling,
                {"functions": "50 100 200", "test_triples": 200, "evaluate_every": 5, "steps": 10}),
    "shift": (deeponet.ShiftView, Shift, FEW | {"scales": "0.1 0.2 0.5"}),
    "paths": (deeponet.StochasticView, Stochastic,
              {"kernels": 30, "test_kernels": 20, "evaluate_every": 5, "steps": 10}),
    "disc": (deeponet.FractionalView, Fractional,
             {"functions": 20, "test_functions": 10, "grid": 8, "orders": 3, "width": 8, "batch": 8, "steps": 10,
              "evaluate_every": 5}),
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


@pytest.fixture
def bench(qtbot):
    def made(name, **changes):
        view, kind, small = SMALL[name]
        return ViewBench(view, kind, qtbot, **(small | changes)).show()

    yield from benches(made)


@pytest.fixture
def pipe_files(tmp_path):
    """Twelve small meshes with velocities on them, in Geo-FNO's three files."""
    rng = np.random.default_rng(0)
    y, x = np.meshgrid(np.linspace(0, 1, 17), np.linspace(0, 10, 17))
    bent = y + 0.2 * rng.standard_normal((12, 1, 1)) * np.sin(x)
    np.save(tmp_path / "Pipe_X.npy", np.broadcast_to(x, bent.shape))
    np.save(tmp_path / "Pipe_Y.npy", bent)
    np.save(tmp_path / "Pipe_Q.npy", np.stack((y * (1 - y) + 0 * bent, 0 * bent, bent), 1))
    return tmp_path / "Pipe_X.npy"


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
    assert own.port.actions.count("respond") >= 3
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
    assert own.port.actions[-1] == "case"
    for button in own.play.findChildren(type(own.play.worst)):
        if button.isEnabled():
            own.qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert {"draw_input", "worst_input"} <= set(own.port.actions)
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
    own.qtbot.waitUntil(lambda: not view.is_moving, timeout=60_000)
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
    assert own.port.actions[-1] == "at"
    assert "1.80" in own.view.fan.title
    own.qtbot.mouseClick(own.view.dice, Qt.MouseButton.LeftButton)
    own.draw()


def test_painting_a_coefficient_asks_at_once_and_solves_when_the_mouse_rests(bench):
    own = bench("fields")
    before = own.view.coefficient
    own.port.asked.clear()
    own.drag(own.view.editor, (0.2, 0.5), (0.4, 0.5), (0.6, 0.5))
    assert own.port.actions.count("predict") >= 3
    assert "solve" not in own.port.actions
    own.qtbot.waitUntil(lambda: "solve" in own.port.actions, timeout=5000)
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
    assert own.port.actions.count("draw") == 2
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
    assert own.port.actions[-1] == "symbols"
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
    assert own.port.actions.count("solve") >= 2
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
    assert own.port.actions[-1] == "continue_from"
    assert own.view.go.isEnabled()
    own.view.time._slider.setValue(1)
    assert "t = 1" in own.view.fields.prediction.title
    own.view.number.setValue(3)
    assert own.port.actions[-1] == "flow"
    own.port.undo_stack.undo()
    QApplication.processEvents()


def test_the_order_slides_and_the_disc_is_painted_and_undone(bench):
    own = bench("disc")
    own.train()
    before = own.view.editor.field
    own.view.order._box.setValue(0.8)
    assert own.port.actions[-1] == "case"
    assert "0.80" in own.view.fields.truth.title
    own.drag(own.view.editor, (0.0, 0.0), (0.3, 0.3))
    assert own.port.actions[-1] == "respond"
    painted = own.view.editor.field
    assert np.nanmax(np.abs(painted - before)) > 0.1
    assert np.array_equal(np.isnan(painted), np.isnan(before))
    shown = own.experiment.respond(painted, 0.8)
    assert np.allclose(own.view.fields.truth.values, shown.truth, equal_nan=True, atol=1e-4)
    own.port.undo_stack.undo()
    assert np.allclose(own.view.editor.field, before, equal_nan=True, atol=1e-6)
    own.qtbot.mouseClick(own.view.flat, Qt.MouseButton.LeftButton)
    assert np.nanmax(np.abs(own.view.editor.field)) < 1e-9
    own.qtbot.mouseClick(own.view.bump, Qt.MouseButton.LeftButton)
    assert np.nanmax(own.view.editor.field) == pytest.approx(1.0, abs=0.1)
    own.view.model.setCurrentIndex(1)
    own.view.model.activated.emit(1)
    assert own.view.fields.prediction.title.startswith("CNN")
    assert not own.port.said


def test_a_roll_out_is_written_as_a_film_and_a_stopped_one_is_not(bench, tmp_path):
    own = bench("rollout", history=2)
    own.view.time.go_to(1)
    assert "given" in own.view.fields.prediction.title
    with own.qtbot.waitSignal(own.view.film.finished, timeout=20_000) as written:
        own.view.film.start(tmp_path / "flow.gif")
        assert own.view.film.is_drawing
    assert written.args[0] == [tmp_path / "flow.gif"]
    with Image.open(tmp_path / "flow.gif") as film:
        assert film.n_frames == 4
        assert film.size == (3 * 420, 340)
    assert own.view.time.frame == 1
    own.view.film.start(tmp_path / "other.gif")
    own.qtbot.mouseClick(own.view.film, Qt.MouseButton.LeftButton)
    assert not own.view.film.is_drawing
    assert not (tmp_path / "other.gif").exists()


def test_time_moves_through_a_field_of_any_second_axis_and_its_film_is_written(bench, tmp_path):
    own = bench("caputo")
    assert own.view.films()[0].scrubber.count == 25
    with own.qtbot.waitSignal(own.view.film.finished, timeout=30_000):
        own.view.film.start(tmp_path / "orders.png")
    assert len(list(tmp_path.glob("orders-*.png"))) == 25
    assert own.port.said.pop() == f"Wrote 25 images to {tmp_path}."
    own.view.time._slider.setValue(3)
    assert own.view.fields.section.title.startswith("Section at α")
    other = bench("operator")
    assert other.view.films()[0].scrubber.count == 1


def test_the_pipe_shows_meshes_and_refuses_paint(bench, pipe_files):
    own = bench("fields", dataset="pipe", path=str(pipe_files), models=("mgno",), loss="l2", levels=2)
    assert own.view.editor.title == "Mesh y"
    assert not own.view.palette_box.isEnabled()
    own.drag(own.view.editor, (0.3, 0.3), (0.6, 0.6))
    assert "predict" not in own.port.actions
    own.view.tabs.setCurrentWidget(own.view.cycle)
    own.click(own.view.fields.truth, 0.5, 0.5)
    assert own.port.actions[-1] == "receptive"
    assert not own.port.said
