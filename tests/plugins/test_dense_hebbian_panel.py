"""The panel with its experiments behind it, in one process: drawn, painted on, clicked, dragged, undone, exported."""

import numpy as np
import pytest
import torch

from plugins.dense_hebbian import panel
from plugins.dense_hebbian.experiments.detection import Detection
from plugins.dense_hebbian.experiments.images import Images
from plugins.dense_hebbian.experiments.learning import LearningCurve
from plugins.dense_hebbian.experiments.phase import PhaseDiagram
from plugins.dense_hebbian.experiments.retrieve import Retrieve
from plugins.dense_hebbian.experiments.teacher import Teacher
from plugins.dense_hebbian.panel_parts import near_square, sheet, sheet_index
from tests.support.panels import ViewBench, benches
from workbench.views.pattern_editor import PaintedSites
from workbench.views.picks import Pick
from workbench.views.theme import theme

KINDS = {
    "Retrieve": (Retrieve, {"steps": 8, "side": 8, "gamma": 0.02, "pause": 0.0, "parts": 4}),
    "Phase": (PhaseDiagram, {"resolution": 8, "entropies": ("0.2",), "neurons": 20, "replicas": 2, "sweeps": 3}),
    "Learning": (LearningCurve, {"neurons": 20, "points": 4, "seeds": 2, "most_examples": 20}),
    "Detection": (Detection, {"neurons": 12, "points": 3, "seeds": 2, "sizes": ("16", "20")}),
    "Images": (Images, {"tests": 3}),
    "Teacher": (Teacher, {"neurons": 16, "points": 3, "seeds": 2, "most_examples": 16}),
}
EVERY = pytest.mark.parametrize("name", KINDS)


@pytest.fixture
def bench(qtbot):
    def made(name):
        kind, values = KINDS[name]
        return ViewBench(getattr(panel, f"{name}View"), kind, qtbot, **values)

    yield from benches(made)


@EVERY
def test_every_view_shows_something_before_or_after_training_in_both_themes_and_exports(bench, name, tmp_path):
    own = bench(name).show()
    assert any(view.data() for view in own.view.views()), "nothing is shown at first sight"
    own.train()
    theme().set_mode("dark")
    own.view.grab()
    for view in own.view.views():
        assert view.data() or view.message, view.name
        view.export(tmp_path / f"{view.name}.png")
        assert (tmp_path / f"{view.name}.png").stat().st_size > 400
    own.view.restore(own.view.state())
    own.view.restore({"nonsense": 1})


# Draw and retrieve


def test_the_brush_paints_on_the_network_itself_and_undo_takes_it_back(bench):
    own = bench("Retrieve").show()
    own.port.experiment.begin_with(-np.ones(64))
    own.draw()
    editor = own.view.state_view
    own.click(editor, 3, 2)
    if own.port.asked[-1][0] != "paint":  # a click without a move may count as a click only
        own.drag(editor, (3, 2))
    site = 2 * 8 + 3
    assert own.port.asked[-1][0] == "paint"
    assert (own.experiment.spins[..., site] == 1).all()
    own.port.undo_stack.undo()
    assert (own.experiment.spins[..., site] == -1).all()
    own.port.undo_stack.redo()
    assert (own.experiment.spins[..., site] == 1).all()


def test_strokes_that_the_worker_has_not_taken_over_yet_are_kept(bench):
    own = bench("Retrieve")
    taken = []
    own.port.ask_latest = lambda action, done, /, **arguments: taken.append((done, arguments))
    own.view.state_view.painted.emit(PaintedSites((1, 2), 1))
    own.view.state_view.painted.emit(PaintedSites((3,), -1))
    assert taken[-1][1]["sites"] == [1, 2, 3]  # the first request may never be answered
    own.draw()
    assert own.view.state_view.values.flat[1] == 1
    taken[-1][0](3)
    assert not own.view._painted


def test_right_drag_noise_starts_and_a_bar_click_reach_the_network(bench):
    own = bench("Retrieve")
    before = own.experiment.spins.clone()
    own.view.state_view.disturbed.emit(tuple(range(64)))
    assert not torch.equal(own.experiment.spins, before)
    own.draw()
    place = int(np.flatnonzero(own.view._frame.indices != 0)[0])
    target = int(own.view._frame.indices[place])
    own.view.stored.clicked.emit(Pick(0, 0, "|m|", place))
    assert own.experiment.target == target
    assert own.port.asked[-1][0] == "relax"
    own.view._play.blank_wanted.emit()
    assert (own.experiment.spins == -1).all()
    own.view._play.noise_wanted.emit()
    assert own.experiment.spins.unique().tolist() == [-1.0, 1.0]
    own.view._play.store_wanted.emit()
    own.draw()
    assert "drawing" in own.view._play.pattern.itemText(own.experiment.target)
    assert any("Stored" in sentence for sentence in own.port.said)


def test_basins_are_painted_recoloured_while_sliders_move_and_a_click_starts_there(bench):
    own = bench("Retrieve")
    assert own.view.basins.message
    own.view._play.basins_wanted.emit()
    assert not own.view.basins.message
    fine = own.view.basins.data()["phase"]
    assert fine.shape == (24, 24)
    own.view._play.basin_patterns.set_value(20)
    own.view._play.basin_patterns.value_changed.emit(20)
    assert own.port.asked[-1][1]["patterns"] == 20
    assert own.view.basins.data()["phase"].shape == (12, 12)
    own.view.basins.probe_asked.emit(Pick(1.0, 0.0))
    assert own.experiment.target == 1
    assert own.experiment.trace[0][2] == pytest.approx(1.0)


def test_the_radius_of_a_basin_is_measured_on_demand(bench):
    own = bench("Retrieve")
    assert own.view.radius.message
    own.view._play.radius_wanted.emit()
    assert not own.view.radius.message
    assert len(own.view.radius.data()["recalled"]) == 11
    assert "may be turned" in own.view.radius.title


def test_local_fields_are_shown_on_demand(bench):
    own = bench("Retrieve")
    assert own.view.state_view.fields is None
    own.view._play.fields.click()
    assert own.view.state_view.fields.shape == (8, 8)


# Phase diagram


def test_a_click_on_the_map_runs_monte_carlo_there_and_the_table_lists_it(bench):
    own = bench("Phase").show()
    own.train()
    diagram = own.view.diagram
    own.click(diagram, 0.05, 0.3)
    assert own.port.asked[-1][0] == "probe"
    own.draw()
    assert len(diagram.data()["probes"]) == 1
    assert len(own.view.table.data()["γ"]) == 1
    assert own.view.slices.point_names == ("probes",)
    own.view._clear()
    own.draw()
    assert "probes" not in diagram.data()
    own.port.undo_stack.undo()
    own.draw()
    assert len(diagram.data()["probes"]) == 1


def test_dragging_the_ring_melts_the_attractor_and_the_entropy_moves_a_line(bench):
    own = bench("Phase").show()
    own.train()
    diagram = own.view.diagram
    own.drag(diagram, diagram.handle, (0.1, 1.15))
    melted = own.view.melting.values.mean()
    assert abs(melted) < 0.9
    assert "T' = 1.1" in own.view.traces.title
    own.view._entropy.set_value(0.1)
    own.view._entropy.value_changed.emit(0.1)
    assert any("slider" in name for name in diagram.boundary_names)
    assert "0.1" in own.view._about.text()


# Curves


def test_the_theory_follows_the_quality_and_can_be_measured(bench):
    own = bench("Learning")
    own.train()
    own.view._quality.set_value(0.6)
    own.view._quality.value_changed.emit(0.6)
    assert "own" in own.view.curve.series_names
    assert "r = 0.600" in own.view._about.text()
    own.view._take()
    assert own.port.changed[-1]["quality"] == 0.6


def test_omega_shows_what_is_kept_and_theory_is_not_taken_for_measurement(bench):
    own = bench("Detection")
    assert own.port.asked[0][0] == "look"
    own.train()
    own.view._omega.set_value(0.0)
    own.view._look()
    assert own.view.kept[4].values.min() == own.view.kept[2].values.min() == 1
    lines = own.view.scaling.data()
    frame = own.experiment.frame()
    assert np.array_equal(lines["P = 4.mean"], frame.extra["P = 4"][1])
    assert np.array_equal(lines["P = 4"], frame.lines["P = 4"][1])


# Images


def test_a_drawing_is_recalled_undone_and_orders_are_compared(bench):
    own = bench("Images").show()
    assert own.view.recalled.values.shape == (8, 8)  # alive before Train
    drawing = own.view._drawing.copy()
    editor = own.view.drawing
    own.drag(editor, (4, 4))
    assert own.view._drawing[4, 4] == 1
    own.port.undo_stack.undo()
    assert np.array_equal(own.view._drawing, drawing)
    own.view.means.clicked.emit(Pick(0, 0, "", 9 * 44 + 20))  # second row, third column: the digit 7
    assert own.view._class.currentIndex() == 7
    own.view._compare()
    assert len(own.view.orders.data()) > 0
    own.view._blank()
    assert (own.view._drawing == -1).all()


def test_sheets_place_images_with_gaps_and_know_which_is_where():
    images = np.arange(7 * 2 * 3).reshape(7, 2, 3).astype(float)
    made = sheet(images, 5)
    assert made.shape == (5, 19)
    assert np.array_equal(made[3:5, 4:7], images[6])
    assert np.isnan(made[2]).all()
    assert sheet_index(3 * 19 + 4, (2, 3), 5, 19) == 6
    assert sheet_index(2 * 19 + 4, (2, 3), 5, 19) == -1
    assert near_square(60) == (6, 10)
    assert near_square(7) == (1, 7)
