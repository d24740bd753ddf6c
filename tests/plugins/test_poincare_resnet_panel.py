"""The panel of Poincaré ResNet in the real window: every experiment is opened, trained and played with."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from plugins.poincare_resnet.panel_explore import triangle_angles
from plugins.poincare_resnet.panel_geometry import steps_between
from tests.gui.conftest import Person
from tests.gui.conftest import run as run
from tests.support.panels import drag
from workbench.engine import SessionState
from workbench.views.hyperbolic_plane import distance

SMALL = {"train_size": 200, "test_size": 80, "batch": 40, "widths": "2,3,4"}


@pytest.fixture
def person(qapp, home):
    person = Person()
    yield person
    for window in person.windows:
        window.close()
        window.deleteLater()
    qapp.processEvents()


async def opened(person, experiment, **values):
    window = person.open_window()
    panel = window.open_panel("poincare_resnet")
    await person.until(lambda: panel.session is not None)
    panel.show_experiment(experiment)
    session = panel.session
    session.set_parameters(session.parameters.changed(**values))
    session.reset()
    await person.state(session, SessionState.READY)
    return panel, session, panel.page.view


async def trained(person, panel, session):
    person.click(panel.page.controls.train_button)
    await person.until(lambda: session.state is SessionState.FINISHED, 90)
    assert panel.page.strip.sentence == ""


def place_of(disk, place):
    return disk.canvas.place_of(place)


def test_features_are_seen_moved_and_joined_by_a_geodesic_and_a_drawn_digit_lands(run, person):
    async def story():
        panel, session, view = await opened(person, "train", **SMALL, steps=6, evaluate_every=3)
        await person.until(lambda: len(view.disk.points.z) == 80)
        await trained(person, panel, session)
        await person.until(lambda: view._frame is not None and view._frame.step == 6)
        assert view.accuracy.series_names == ("accuracy/hyperbolic", "accuracy/euclidean")
        z = view.disk.points.z
        first, second = int(z.real.argmax()), int(z.real.argmin())
        for index in (first, second):
            QTest.mouseClick(view.disk.canvas, Qt.MouseButton.LeftButton,
                             pos=place_of(view.disk, (z[index].real, z[index].imag)))  # fmt: skip
        await person.until(lambda: len(view.between.series_names) > 0 and "along" in view.disk.marks)
        assert view._share == 0.5
        middle = view.disk.marks["along"].z
        handle = place_of(view.disk, (middle.real, middle.imag))
        end = view._path[-1]
        drag(view.disk.canvas, handle, handle + QPoint(6, 6), place_of(view.disk, (end.real, end.imag)))
        assert view._share > 0.8, "the handle stays on the geodesic and follows the mouse along it"
        assert "%" in view.verdict.text()
        assert len(view.balls._rows) == 7
        means = [name for name in view.disk.marks if name.startswith("mean ")]
        assert len(means) == 10
        view.shows_means.setChecked(False)
        assert not any(name.startswith("mean ") for name in view.disk.marks)
        view.means.layer.setCurrentText("block 2 a")
        view.means.layer.activated.emit(4)
        assert set(view.means.disk.marks) == {"mean block 2 a", "target"}
        assert len(view.means.disk.points.z) == 6
        before = view.disk.points.z.copy()
        session.set_parameters(session.parameters.changed(projection="horopca"))
        await person.until(lambda: not np.array_equal(view.disk.points.z, before))
        assert "HoroPCA" in view.disk.hint
        QTest.mouseDClick(view.disk.canvas, Qt.MouseButton.LeftButton, pos=place_of(view.disk, (0.3, 0.1)))
        await person.until(lambda: not view.disk._animation.isActive())
        drag(view.pad, QPoint(50, 20), QPoint(50, 60))
        await person.until(lambda: "drawn" in view.disk.marks)
        assert "%" in view.verdict.text()
        view.chosen.setCurrentIndex(1)
        view.chosen.activated.emit(1)
        assert view.disk.regions is None, "a Euclidean network decides nothing in the disk"

    run(story)


def test_a_tree_grows_in_the_disk(run, person):
    async def story():
        panel, session, view = await opened(person, "tree", steps=250, branching=2, depth=3)
        await trained(person, panel, session)
        await person.until(lambda: len(view.disk.points.z) == 15 and view.rank.series_names)
        assert view.disk.curves["edges"].z.shape == (14, 2)
        view.tiles.setCurrentText("{7,3}")
        view.tiles.activated.emit(1)
        assert "tiling" in view.disk.curves
        z = view.disk.points.z
        root, leaf = 0, int(np.abs(z).argmax())
        view._clicked(root, (0.0, 0.0))
        QTest.mouseClick(view.disk.canvas, Qt.MouseButton.LeftButton,
                         pos=place_of(view.disk, (z[leaf].real, z[leaf].imag)))  # fmt: skip
        assert view.disk.curves["way"].z.shape == (1, 2)
        steps = steps_between(view._frame.edges, *view._ends)
        assert 1 <= steps <= 6
        assert view.disk.title.endswith(f"for {steps} edges")

    run(story)


def test_the_way_between_two_nodes_is_counted():
    edges = np.array([[0, 1], [0, 2], [1, 3], [1, 4], [2, 5]])
    assert [steps_between(edges, *pair) for pair in ((0, 0), (0, 1), (3, 4), (3, 5))] == [0, 1, 2, 4]


def test_a_dragged_point_takes_the_means_along(run, person):
    async def story():
        panel, session, view = await opened(person, "mean", points=6)
        await person.until(lambda: "midpoint" in view.disk.marks)
        before = view.disk.marks["midpoint"].z
        z = view.disk.points.z
        start = place_of(view.disk, (z[0].real, z[0].imag))
        drag(view.disk.canvas, start, *(start + QPoint(-share, share // 2) for share in (10, 30, 60)))
        await person.until(lambda: view.disk.marks["midpoint"].z != before)
        dragged = view.disk.points.z[0]
        view.port.undo_stack.undo()
        assert view.disk.points.z[0] == z[0]
        await person.until(lambda: abs(view.disk.marks["midpoint"].z - before) < 1e-9)
        view.port.undo_stack.redo()
        assert view.disk.points.z[0] == dragged
        view.shows_plane.setChecked(True)
        handle = place_of(view.disk, view._handle)
        drag(view.disk.canvas, handle, handle + QPoint(0, -8), handle + QPoint(0, -20))
        assert view._handle[1] > 0.26
        assert view.signed.text() != "–"
        assert "level 0.0" in view.disk.curves
        await trained(person, panel, session)
        assert view.ratios.series_names == ("c = 0.1", "c = 1")
        assert view.disk.points.z[0] != z[0], "a new frame does not undo what was dragged"

    run(story)


def test_figures_are_drawn_measured_dragged_and_undone(run, person):
    async def story():
        panel, session, view = await opened(person, "plane", points=200)
        await trained(person, panel, session)
        await person.until(lambda: len(view.disk.points.z) == 200)
        assert view.measured._rows[3][1] < 180, "the angles of the triangle that is there at the start"
        view.figure.setCurrentText("geodesic")
        view.figure.activated.emit(0)
        for place in ((0.0, 0.2), (0.0, -0.2)):
            QTest.mouseClick(view.disk.canvas, Qt.MouseButton.LeftButton, pos=place_of(view.disk, place))
        row = view.measured._rows[0]
        assert row[1] == pytest.approx(4 * np.arctanh(0.2), abs=0.05)
        start = place_of(view.disk, (0.0, 0.2))
        drag(view.disk.canvas, start, start + QPoint(0, -20), start + QPoint(0, -50))
        assert view.measured._rows[0][1] > row[1] + 0.2
        session_undo = view.port.undo_stack
        session_undo.undo()
        assert view.measured._rows[0][1] == row[1]
        for figure, first in (("circle", "radius"), ("hyperplane", "distance from the origin")):
            view.figure.setCurrentText(figure)
            view.figure.activated.emit(0)
            assert view.measured._rows[0][0] == first
        view.p.setValue(4)
        await person.until(lambda: "does not tile" in panel.page.strip.sentence)
        assert "tiling" not in view.disk.curves
        view.q.setValue(5)
        assert "tiling" in view.disk.curves

    run(story)


def test_a_triangle_has_the_angles_of_the_disk():
    # Angles between geodesics are those that the eye sees, since the disk keeps angles: measured at the origin.
    corners = np.array([0.0, 0.5, 0.6j])
    sides = [float(distance(corners[(k + 1) % 3], corners[(k + 2) % 3])) for k in range(3)]
    angles = triangle_angles(sides)
    assert angles[0] == pytest.approx(np.pi / 2)
    assert sum(angles) < np.pi
    # A right triangle: tan A = tanh a / sinh b.
    assert np.tan(angles[1]) == pytest.approx(np.tanh(sides[1]) / np.sinh(sides[2]))
    assert triangle_angles([3, 4, 5], is_flat=True)[2] == pytest.approx(np.pi / 2)


@pytest.mark.parametrize(
    ("experiment", "values"),
    [("collapse", {"layers": 4}), ("cost", {"points": 500, "repeats": 1, "batch": 4})],
)
def test_measurements_fill_their_views(run, person, experiment, values):
    async def story():
        panel, session, view = await opened(person, experiment, **values)
        await trained(person, panel, session)
        table = view.table
        await person.until(lambda: len(table._rows) == (3 if experiment == "collapse" else 9))
        assert all(np.isfinite(cell) for row in table._rows for cell in row[1:])

    run(story)


def test_an_attacked_image_is_chosen(run, person):
    async def story():
        panel, session, view = await opened(person, "robustness", **SMALL, steps=4)
        await person.until(lambda: len(view.strip._images) == 9)
        assert view.attack.title.endswith("before training")
        await trained(person, panel, session)
        await person.until(lambda: len(view.table._rows) == 2)
        await person.until(lambda: view.attack.title.endswith("after step 4"))
        before = view.strip._images.copy()
        view.index.setValue(5)
        await person.until(lambda: not np.array_equal(view.strip._images, before))
        view.index.setValue(5000)
        await person.until(lambda: "There are 80 test images" in panel.page.strip.sentence)

    run(story)
