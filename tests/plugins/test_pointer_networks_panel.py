"""The panel with its experiments behind it, in one process: it draws, is edited by mouse, steered and restored."""

import numpy as np
import pytest
from PySide6.QtCore import Qt

from plugins.pointer_networks import panel
from plugins.pointer_networks.experiments.tasks import Hull, Sort, Tour, Triangulation
from plugins.pointer_networks.panel_beams import placed, rows_of
from tests.support.panels import ViewBench, benches
from workbench.views.picks import Pick
from workbench.views.theme import theme

TINY = {"steps": 10, "evaluate_every": 5, "hidden": 12, "batch": 8, "test_sets": 50}
KINDS = {"Hull": Hull, "Delaunay": Triangulation, "Tour": Tour, "Sort": Sort}
EVERY = pytest.mark.parametrize("name", KINDS)


@pytest.fixture
def bench(qtbot):
    yield from benches(lambda name: ViewBench(getattr(panel, f"{name}View"), KINDS[name], qtbot, **TINY))


@EVERY
def test_every_view_shows_something_before_and_after_training_in_both_themes_and_exports(bench, name, tmp_path):
    own = bench(name)
    own.show()
    own.train()
    own.view._play.step.set_value(2)
    own.view._draw_answer()
    theme().set_mode("dark")
    own.view.grab()
    assert not own.port.said
    for view in own.view.views():
        assert view.data() or view.name == "beams", view.name
        view.export(tmp_path / f"{view.name}.png")
        assert (tmp_path / f"{view.name}.png").stat().st_size > 500


@EVERY
def test_a_click_adds_a_drag_moves_and_a_right_click_deletes_a_point_with_a_new_answer_each_time(bench, name):
    own = bench(name)
    editor = own.view.editor
    own.show()
    editor.set_points(np.array([(0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.2, 0.8), (0.4, 0.6)]))
    own.view._edited(editor.points)
    own.click(editor, 0.5, 0.5)
    assert len(editor.points) == 6
    assert own.port.asked[-1][0] == "answer"
    assert np.allclose(own.port.asked[-1][1]["points"][-1], 0.5, atol=0.01)
    own.drag(editor, (0.5, 0.5), (0.6, 0.3))
    assert np.allclose(editor.points[-1], (0.6, 0.3), atol=0.01)
    assert np.allclose(own.view._answer.points[-1], (0.6, 0.3), atol=0.01)
    own.click(editor, 0.6, 0.3, Qt.MouseButton.RightButton)
    assert len(editor.points) == len(own.view._answer.points) == 5
    own.port.undo_stack.undo()
    own.port.undo_stack.undo()
    assert np.allclose(own.view._answer.points[-1], 0.5, atol=0.01)
    own.draw()  # a frame does not take the person's points away
    assert len(editor.points) == 6


def test_six_points_are_refused_by_the_lstms_and_answered_by_the_pointer_network(bench):
    own = bench("Hull")
    own.view.use_points(np.random.default_rng(0).random((6, 2)))
    answers = own.view._answer.answers
    assert "no words for more than 5" in answers["lstm"].refusal
    assert answers["attention"].refusal
    assert not answers["pointer"].refusal
    assert answers["pointer"].probabilities.shape[1] == 7
    own.view._play.model.setCurrentIndex(2)
    own.view._draw_answer()
    assert "no words" in own.view.matrix.message


def test_clicking_a_point_at_a_step_forces_it_there_and_the_rest_follows(bench):
    own = bench("Tour")
    own.view._play.step.set_value(3)
    own.view._draw_answer()
    before = own.view.shown.slots.copy()
    other = next(slot for slot in range(1, 6) if slot not in before[:3])
    own.view.editor.point_clicked.emit(other - 1)
    after = own.view.shown.slots
    assert after[2] == other
    assert np.array_equal(after[:2], before[:2])
    assert sorted(after[:5]) == [1, 2, 3, 4, 5]
    assert own.view._play.free.isEnabled()
    own.view._play.free.click()
    assert np.array_equal(own.view.shown.slots, before)


def test_a_row_of_the_matrix_presets_orders_and_two_opt_do_what_they_say(bench):
    own = bench("Tour")
    own.view.matrix.clicked.emit(Pick(0, 1, "", 6 + 2))
    assert own.view._play.step.value == 2
    own.view._play.preset.setCurrentText("Circle")
    own.view._play.count.setValue(9)
    own.view._play._draw()
    circle = own.view.editor.points
    assert len(circle) == 9
    assert np.allclose(np.linalg.norm(circle - 0.5, axis=1), 0.42)
    lengths = {name: length for name, length, _ in own.view._answer.others}
    assert abs(lengths["Held–Karp (exact)"] - 2 * 9 * 0.42 * np.sin(np.pi / 9)) < 1e-9
    own.view._play.reordered.emit([8, 0, 1, 2, 3, 4, 5, 6, 7])
    assert np.array_equal(own.view.editor.points, np.roll(circle, 1, 0))
    own.view._play.worst_wanted.emit()
    assert {tuple(row) for row in own.view.editor.points} == {tuple(row) for row in circle}
    own.view._play.improve_wanted.emit()
    for _ in range(30):
        own.view._next_improvement()
    assert not own.view._timer.isActive()


@EVERY
def test_state_of_a_view_goes_back_into_a_fresh_one(bench, name):
    first, second = bench(name), bench(name)
    first.view.use_points(np.random.default_rng(1).random((7, 2)))
    second.view.restore({"nonsense": 3, "own": True, "points": {"points": "seven"}})
    second.view.restore(first.view.state())
    second.train()
    assert np.array_equal(second.view._answer.points, first.view.editor.points)


def test_candidates_are_searched_while_their_tab_is_open_and_a_click_forces_one(bench):
    own = bench("Tour")
    own.show()
    assert not any(action == "candidates" for action, _ in own.port.asked)
    tabs = own.view.beams.parentWidget().parentWidget()
    tabs.setCurrentWidget(own.view.beams)
    found = own.view.beams.candidates
    assert len(found) == 6
    totals = [float(logs.sum()) for _, logs in found]
    assert totals == sorted(totals, reverse=True)
    assert sorted(found[0][0].tolist()) == [0, 1, 2, 3, 4, 5]
    own.click(own.view.beams, 2.0, own.view.beams._order[3])
    assert own.view.shown.slots.tolist() == found[3][0].tolist()
    assert own.view.shown.log_probability == pytest.approx(totals[3], abs=1e-4)


def test_beginnings_that_candidates_share_are_one_branch_and_branches_do_not_cross():
    paths = [(1, 2, 0), (2, 1, 0), (1, 3, 0), (2, 3, 0)]
    rows = rows_of(paths)
    assert rows == [0, 2, 1, 3]
    nodes = placed(paths, rows)
    assert nodes[(1,)] == (1, 0.5)
    assert nodes[(2,)] == (1, 2.5)
    assert len(nodes) == 10


def test_a_bar_draws_its_tour_over_the_points_with_its_length(bench):
    own = bench("Tour")
    names = [name for name, _, _ in own.view._answer.others]
    assert {"A3 Christofides + 2-opt", "Ptr-Net, beam 5", "Held–Karp (exact)"} <= set(names)
    row = names.index("A1 nearest neighbour")
    own.view.lengths.clicked.emit(Pick(0, row, "length", row))
    labels = [entry.label for entry in own.view.editor.legend_entries()]
    length = own.view._answer.others[row][1]
    assert f"A1 nearest neighbour {length:.3f}" in labels
    own.view.lengths.clicked.emit(Pick(0, row, "length", row))
    assert not any("A1" in entry.label for entry in own.view.editor.legend_entries())


def test_states_are_principal_axes_and_hovering_one_rings_its_point(bench):
    own = bench("Hull")
    states = own.view.shown.states
    assert states.shape == (5, 2)
    assert np.allclose(states.mean(0), 0, atol=1e-9)
    assert states[:, 0].var() >= states[:, 1].var()
    own.view.states.hovered.emit(Pick(0, 0, "", 3))
    assert own.view.editor._marked == 3
    own.view.states.hovered.emit(None)
    assert own.view.editor._marked is None


def test_the_table_says_fail_where_more_than_one_per_cent_cross_themselves(bench):
    view = bench("Hull").view
    assert view.quality_cell(0.985, 0.99) == "FAIL"
    assert view.quality_cell(0.995, 0.99) == 0.99
