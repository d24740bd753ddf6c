"""What needs OpenGL, and what happens without it."""

import os
import subprocess
import sys
import time

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QObject, QRectF, QTimer
from PySide6.QtWidgets import QApplication, QSplitter, QTabWidget

from workbench.views.scene3d import Scene3DView
from workbench.views.theme import as_theme, theme

MAGENTA = "#ff00ff"


@pytest.fixture
def scene(qtbot):
    if QApplication.platformName() == "offscreen":
        pytest.skip("needs a display with GLX")
    view = Scene3DView("scene", "Scene", axes=False)
    view.set_points("big", [[0, 0, 0]], color=MAGENTA, size=60)
    view.set_points("rim", np.concatenate([np.eye(3), -np.eye(3)]), size=4)
    qtbot.addWidget(view)
    view.resize(400, 330)
    return view


def on_screen(view):
    """What the display really shows of a view's body."""
    body = view.body
    corner = body.mapToGlobal(body.rect().topLeft())
    return body.screen().grabWindow(0, corner.x(), corner.y(), body.width(), body.height())


@pytest.fixture
def draws(qtbot, pixels, near):
    """Wait until the screen shows the large point in the middle of a view."""

    def shows_the_point(view):
        assert view.renderer == "gl", view.fallback_reason
        found = near(pixels(on_screen(view)), MAGENTA)
        rows, columns = np.nonzero(found)
        area = np.pi * 30**2
        assert area * 0.8 < found.sum() < area * 1.2
        assert abs(rows.mean() - found.shape[0] / 2) < 3
        assert abs(columns.mean() - found.shape[1] / 2) < 3

    return lambda view: qtbot.waitUntil(lambda: shows_the_point(view), timeout=10_000)


@pytest.mark.gl
def test_opengl_draws_where_the_camera_says(scene, qtbot, draws, pixels, near):
    scene.show()
    draws(scene)
    scene.set_points("big", [[0.6, 0.4, 0.2]], color=MAGENTA, size=30)
    rect = QRectF(scene.body.rect())

    def moved():
        expected = scene.camera.project(np.array([[0.6, 0.4, 0.2]]), rect)[0][0]
        rows, columns = np.nonzero(near(pixels(on_screen(scene)), MAGENTA))
        np.testing.assert_allclose([columns.mean(), rows.mean()], expected, atol=2)

    qtbot.waitUntil(moved, timeout=10_000)
    scene.look_from(120, 50)
    qtbot.waitUntil(moved, timeout=10_000)


@pytest.mark.gl
def test_opengl_and_the_painter_draw_the_same_picture(scene, qtbot, draws, pixels, near):
    points = np.random.default_rng(0).normal(size=(40, 3)) / 3
    square = np.array([[-0.8, -0.8, 0], [0.8, -0.8, 0], [0.8, 0.8, 0], [-0.8, 0.8, 0.0]])

    def fill(view):
        view.set_points("cloud", points, color="#0000ff", size=9)
        view.set_lines("frame", square, "loop", color="#ff0000", width=3)
        view.set_mesh("plate", 0.5 * square, [[0, 1, 2], [0, 2, 3]], color="#00ff00")

    fill(scene)
    scene.show()

    def draws_something():
        return near(pixels(on_screen(scene)), "#0000ff", 60).sum() > 500

    qtbot.waitUntil(draws_something, timeout=10_000)
    painted = Scene3DView("painted", "", axes=False, renderer="painter")
    painted.set_points("big", [[0, 0, 0]], color=MAGENTA, size=60)
    painted.set_points("rim", np.concatenate([np.eye(3), -np.eye(3)]), size=4)
    fill(painted)
    qtbot.addWidget(painted)
    painted.resize(scene.size())
    painted.show()
    qtbot.waitExposed(painted)
    ours = pixels(painted.body.grab())
    painted.hide()
    qtbot.wait(100)
    qtbot.waitUntil(draws_something, timeout=10_000)
    theirs = pixels(on_screen(scene))
    for colour in ("#0000ff", MAGENTA):
        a, b = near(ours, colour, 60), near(theirs, colour, 60)
        overlap = (a & b).sum() / (a | b).sum()
        assert overlap > 0.7, (colour, overlap)


@pytest.mark.gl
def test_the_scene_survives_moves_between_tabs_splitters_and_windows(scene, qtbot, draws):
    splitter = QSplitter()
    first, second = QTabWidget(), QTabWidget()
    splitter.addWidget(first)
    splitter.addWidget(second)
    first.addTab(scene, "scene")
    second.addTab(Scene3DView("other", "Other"), "other")
    qtbot.addWidget(splitter)
    splitter.resize(900, 420)
    splitter.show()
    qtbot.waitExposed(splitter)
    draws(scene)
    second.addTab(scene, "scene")
    second.setCurrentWidget(scene)
    draws(scene)
    second.setCurrentIndex(0)
    second.setCurrentWidget(scene)
    draws(scene)
    window = QTabWidget()
    qtbot.addWidget(window)
    window.addTab(scene, "floating")
    window.resize(420, 380)
    window.show()
    qtbot.waitExposed(window)
    window.raise_()
    draws(scene)
    first.addTab(scene, "back")
    first.setCurrentWidget(scene)
    window.hide()
    draws(scene)
    scene.setParent(None)


@pytest.mark.gl
def test_items_are_updated_and_never_made_again(scene, qtbot, draws):
    scene.show()
    draws(scene)
    visual = scene._stage._gl._visuals["rim"]
    for step in range(3):
        scene.set_points("rim", np.full((5, 3), 0.1 * step))
        qtbot.waitUntil(lambda: not scene._flush_timer.isActive())
    assert scene._stage._gl._visuals["rim"] is visual
    scene.remove("rim")
    qtbot.waitUntil(lambda: "rim" not in scene._stage._gl._visuals)
    scene.set_lines("big", np.eye(3))
    qtbot.waitUntil(lambda: type(scene._stage._gl._visuals["big"]).__name__ == "Line")


@pytest.mark.gl
def test_a_theme_changes_the_canvas(scene, qtbot, draws, pixels, near):
    scene.show()
    draws(scene)
    theme().set_mode("dark")
    with as_theme("dark") as colours:
        dark = colours.background
    qtbot.waitUntil(lambda: near(pixels(on_screen(scene)), dark, 3).mean() > 0.5, timeout=10_000)


@pytest.mark.gl
def test_a_canvas_that_fails_while_drawing_gives_way_to_the_painter(scene, qtbot, draws, monkeypatch, pixels, near):
    scene.show()
    draws(scene)

    def broken(*arguments):
        raise RuntimeError("the driver is unhappy")

    monkeypatch.setattr(type(scene._stage._gl._canvas), "_draw_scene", broken, raising=False)
    scene.refresh()
    qtbot.waitUntil(lambda: scene.renderer == "painter", timeout=10_000)
    assert "the driver is unhappy" in scene.fallback_reason
    qtbot.waitUntil(lambda: near(pixels(on_screen(scene)), MAGENTA).sum() > 1000, timeout=10_000)


@pytest.mark.gl
def test_frames_per_second_of_a_busy_scene(qtbot):
    if QApplication.platformName() == "offscreen":
        pytest.skip("needs a display with GLX")
    view = Scene3DView("busy", "Busy")
    rng = np.random.default_rng(0)
    points, turn = rng.normal(size=(3000, 3)) / 2, np.linspace(0, 12, 301)
    poses = np.repeat(np.eye(4)[None], 10, 0)
    poses[:, :3, 3] = rng.uniform(-1, 1, (10, 3))
    qtbot.addWidget(view)
    view.resize(1280, 800)
    view.show()
    qtbot.waitExposed(view)
    qtbot.waitUntil(lambda: view.renderer == "gl", timeout=10_000)
    drawn = []

    def next_frame():
        drawn.append(time.perf_counter())
        moved = points + 0.01 * rng.normal(size=points.shape)
        view.set_points("points", moved, values=moved[:, 2], levels=(-1, 1))
        view.set_lines("path", np.stack([np.cos(turn + len(drawn) / 9), np.sin(turn), turn / 6 - 1], 1), color=1)
        view.set_frames("frames", poses, size=0.3)

    class AfterPainting(QObject):
        def eventFilter(self, watched, event):
            if event.type() == QEvent.Type.Paint:
                QTimer.singleShot(0, next_frame)
            return False

    after = AfterPainting()
    view._stage._surface.installEventFilter(after)
    next_frame()
    qtbot.wait(2500)
    assert len(drawn) > 10
    print(f"3-D at 1280x800, 3000 points, 300 segments, 10 frames: {len(drawn) / 2.5:.0f} frames/s")


def test_without_opengl_the_view_says_so_and_still_draws_turns_and_picks(tmp_path):
    script = f"""
import numpy as np
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
app = QApplication([])
from workbench.views import Scene3DView
view = Scene3DView("scene", "Scene")
view.set_points("p", [[0, 0, 0], [1, 1, 1]], color="#ff00ff", size=30)
view.resize(400, 300)
view.show()
QTest.qWait(50)
assert view.renderer == "painter"
assert view.fallback_reason == "Qt's offscreen platform has none", view.fallback_reason
image = view.grab().toImage()
assert sum(image.pixelColor(x, y).name() == "#ff00ff" for x in range(400) for y in range(300)) > 400
surface = view.body.childAt(view.body.rect().center())
before = view.camera.orientation.copy()
QTest.mousePress(surface, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(10, 200))
QTest.mouseMove(surface, QPoint(90, 200))
QTest.mouseRelease(surface, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(90, 200))
assert np.abs(view.camera.orientation - before).max() > 0.1
QTest.qWait(50)
picks = []
view.picked.connect(picks.append)
from PySide6.QtCore import QEvent, QObject, QRectF, QTimer
place = view.camera.project(np.array([[1.0, 1, 1]]), QRectF(view.body.rect()))[0][0]
QTest.mouseClick(surface, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(*map(round, place)))
assert [pick.index for pick in picks] == [1]
view.export({str(tmp_path / "a.png")!r})
"""
    environment = {key: value for key, value in os.environ.items() if key != "DISPLAY"}
    environment["QT_QPA_PLATFORM"] = "offscreen"
    subprocess.run([sys.executable, "-W", "error", "-c", script], env=environment, check=True, timeout=120)
    assert (tmp_path / "a.png").stat().st_size > 1000


def test_importing_one_view_imports_neither_opengl_nor_torch():
    script = """
import sys
from workbench.views import CurvesView, Scene3DView, TableView
assert not {"vispy", "OpenGL", "torch", "scipy", "pyqtgraph", "PySide6.QtSvg"} & set(sys.modules)
from workbench.views import *
assert callable(link)
import workbench.views
try:
    workbench.views.NoSuchView
except AttributeError:
    pass
else:
    raise AssertionError
"""
    subprocess.run([sys.executable, "-W", "error", "-c", script], check=True, timeout=60)
