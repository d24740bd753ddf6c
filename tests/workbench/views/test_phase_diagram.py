"""The phase diagram: clicks ask for probes, the ring is dragged, maps and lines are read and exported."""

import numpy as np
import pytest
from PySide6.QtCore import Qt

from workbench.views.phase_diagram import Phase, PhaseDiagramView

PHASES = (Phase("disordered", "muted"), Phase("ordered", 0))
X, Y = np.linspace(0, 1, 11), np.linspace(0.1, 2.1, 6)


@pytest.fixture
def view(show):
    made = PhaseDiagramView("d", "D", PHASES, x_label="load", y_label="noise", value_label="m", value_levels=(0, 1))
    order = np.clip(1 - X[None] - Y[:, None] / 2, 0, 1)
    made.set_map(X, Y, np.where(order > 0, 1.0, 0.0), order)
    made.set_boundary("line", X, 2 - 2 * X)
    made.set_handle((0.5, 1.0))
    return show(made, 520, 460)


def at(view, x, y):
    return view.frame().point(x, y).toPoint()


def test_a_click_asks_for_a_probe_where_it_was(view, qtbot):
    with qtbot.waitSignal(view.probe_asked) as said:
        qtbot.mouseClick(view.body, Qt.MouseButton.LeftButton, pos=at(view, 0.2, 1.5))
    assert said.args[0].x == pytest.approx(0.2, abs=0.01)
    assert said.args[0].y == pytest.approx(1.5, abs=0.02)


def test_the_ring_follows_the_hand_and_stays_inside(view, qtbot):
    moves, drops = [], []
    view.handle_moved.connect(moves.append)
    view.handle_dropped.connect(drops.append)
    qtbot.mousePress(view.body, Qt.MouseButton.LeftButton, pos=at(view, 0.5, 1.0))
    qtbot.mouseMove(view.body, at(view, 0.3, 0.6))
    view.set_handle((0.9, 0.9))  # a frame comes while the hand holds the ring
    assert view.handle == pytest.approx((0.3, 0.6), abs=0.02)
    qtbot.mouseMove(view.body, at(view, -3, 0.6))
    qtbot.mouseRelease(view.body, Qt.MouseButton.LeftButton, pos=at(view, -3, 0.6))
    assert len(moves) == 2
    assert len(drops) == 1
    assert view.handle[0] == view.frame().x.low
    view.set_handle((0.5, 0.5))
    assert view.handle == (0.5, 0.5)


def test_hovering_names_the_phase_or_the_probe(view):
    inside = view.read_out(view.frame(), view.frame().point(0.1, 0.5))
    assert any("ordered" in text for _, text in inside.lines)
    view.set_probes(np.array([[0.8, 1.8, 0.3]]), ["m = 0.3 ± 0.1"])
    probe = view.read_out(view.frame(), view.frame().point(0.8, 1.8))
    assert probe.lines[0][1] == "m = 0.3 ± 0.1"
    pick = view.pick(view.frame(), view.frame().point(0.8, 1.8))
    assert (pick.series, pick.index) == ("probe", 0)


def test_phases_have_their_colours_the_value_a_scale_and_the_legend_names_what_occurs(view):
    assert [entry.label for entry in view.legend_entries()] == ["disordered", "ordered", "line"]
    assert view.colour_scale() is None
    phases = view.values
    assert phases.shape == (6, 11, 4)
    assert len({tuple(cell) for cell in phases.reshape(-1, 4).tolist()}) == 2
    view._shown.set_value("value")
    view._show()
    assert np.array_equal(view.values, view._value)
    assert (view.colour_scale().low, view.colour_scale().high) == (0, 1)


def test_cells_not_known_yet_are_empty(view):
    phase = np.full((6, 11), np.nan)
    phase[0] = 1
    view.set_map(X, Y, phase, np.full((6, 11), np.nan))
    assert (view.values[1:, :, 3] == 0).all()
    assert (view.values[0, :, 3] == 255).all()


def test_data_and_state_come_back(view, tmp_path):
    view.set_probes(np.array([[0.8, 1.8, 0.3]]))
    data = view.data()
    assert np.allclose(data["x"], X)
    assert np.allclose(data["y"], Y)
    assert data["boundary line"].shape == (11, 2)
    assert data["probes"].shape == (1, 3)
    other = PhaseDiagramView("d", "D", PHASES, x_label="load", y_label="noise")
    other.restore(view.state())
    assert other.handle == (0.5, 1.0)
    other.restore({"handle": "nonsense", "shows": 7})
    assert other.handle == (0.5, 1.0)
    view.clear_boundaries()
    assert view.boundary_names == ()
    view.export(tmp_path / "map.pdf")
    assert (tmp_path / "map.pdf").stat().st_size > 1000
