import time

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication

from workbench.sdk import MetricsBlock, MetricsHistory
from workbench.views.curves import CurvesView
from workbench.views.theme import as_theme, theme


@pytest.fixture
def view(show):
    made = CurvesView("loss", "Loss", y_label="loss")
    made.set_series("down", np.arange(101), np.linspace(10, 0, 101))
    made.set_series("up", np.arange(101), np.linspace(0, 5, 101))
    return show(made)


def at(view, x, y):
    """The body's pixel of a data coordinate."""
    return view.frame().point(x, y).toPoint()


def wheel(view, place, notches=1):
    position = QPointF(place)
    event = QWheelEvent(
        position,
        view.body.mapToGlobal(position),
        QPoint(),
        QPoint(0, 120 * notches),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(view.body, event)


def test_the_axes_follow_the_data_until_the_person_zooms(view, qtbot):
    assert view.frame().x.high >= 100
    view.set_series("down", np.arange(501), np.linspace(10, -40, 501))
    assert view.frame().x.high >= 500
    assert view.frame().y.low <= -40
    with qtbot.waitSignal(view.range_changed):
        wheel(view, at(view, 250, 0))
    before = view.frame()
    view.set_series("down", np.arange(9001), np.linspace(10, -900, 9001))
    after = view.frame()
    assert (after.x.low, after.x.high) == (before.x.low, before.x.high)
    assert (after.y.low, after.y.high) == (before.y.low, before.y.high)
    qtbot.mouseDClick(view.body, Qt.MouseButton.LeftButton, pos=at(view, 250, 0))
    assert view.frame().x.high >= 9000


def test_the_wheel_keeps_what_is_under_the_mouse(view):
    place = at(view, 30, 4)
    before = view.frame().data(QPointF(place))
    wheel(view, place, 3)
    # A few pixels of play: new tick labels may need another margin.
    assert view.frame().data(QPointF(place)) == pytest.approx(before, abs=1.5)
    assert view.frame().x.high - view.frame().x.low < 100 * 0.85**3 * 1.1


def test_the_wheel_over_an_axis_zooms_that_axis_only(view):
    y = view.frame().y
    wheel(view, QPoint(at(view, 50, 0).x(), view.body.height() - 8))
    assert view.frame().x.high < 100
    assert (view.frame().y.low, view.frame().y.high) == (y.low, y.high)
    assert view.follows_y


def test_dragging_pans_by_what_was_grabbed(view, qtbot):
    start, end = at(view, 50, 5), at(view, 30, 7)
    grabbed = view.frame().data(QPointF(start))
    qtbot.mousePress(view.body, Qt.MouseButton.LeftButton, pos=start)
    qtbot.mouseMove(view.body, end)
    qtbot.mouseRelease(view.body, Qt.MouseButton.LeftButton, pos=end)
    assert view.frame().data(QPointF(end)) == pytest.approx(grabbed, abs=1.5)


def test_a_fits_from_the_keyboard(view, qtbot):
    wheel(view, at(view, 50, 5), 5)
    view.body.setFocus()
    qtbot.keyClick(view.body, Qt.Key.Key_A)
    assert view.frame().x.low <= 0
    assert view.frame().x.high >= 100


def test_hovering_says_every_curves_value_at_the_mouse(view):
    frame = view.frame()
    read_out = view.read_out(frame, frame.point(40, 3))
    assert [text for _, text in read_out.lines] == ["step 40", "down  6", "up  2"]
    assert [(x, y) for x, y, _ in read_out.points] == [(40, 6), (40, pytest.approx(2))]


def test_hovering_finds_the_sample_among_a_million(show):
    view = CurvesView("big", "Big")
    x = np.arange(1_000_000)
    y = np.zeros(len(x))
    y[500_000:] = 1
    view.set_series("step", x, y)
    show(view)
    frame = view.frame()
    assert view.read_out(frame, frame.point(250_000, 0.5)).points[0][1] == 0
    assert view.read_out(frame, frame.point(750_000, 0.5)).points[0][1] == 1


def test_a_click_reports_the_nearest_point_of_the_nearest_curve(view, qtbot):
    with qtbot.waitSignal(view.clicked) as caught:
        qtbot.mouseClick(view.body, Qt.MouseButton.LeftButton, pos=at(view, 20, 1.3))
    pick = caught.args[0]
    assert (pick.series, pick.index, pick.x) == ("up", 20, 20)
    assert pick.y == pytest.approx(1)


def test_a_click_on_the_legend_hides_a_curve_and_refits(view, qtbot, pixels, near):
    place = view.layout_in(QRectF(view.body.rect())).legend[0]
    assert place.entry.name == "down"
    assert near(pixels(view.body.grab()), theme().series(0)).sum() > 200
    qtbot.mouseClick(view.body, Qt.MouseButton.LeftButton, pos=place.rect.center().toPoint())
    assert near(pixels(view.body.grab()), theme().series(0)).sum() == 0
    assert view.frame().y.high < 6
    qtbot.mouseClick(view.body, Qt.MouseButton.LeftButton, pos=place.rect.center().toPoint())
    assert near(pixels(view.body.grab()), theme().series(0)).sum() > 200


def test_the_legend_wraps_and_never_covers_the_curves(show):
    view = CurvesView("many", "Many")
    for index in range(14):
        view.set_series(f"series number {index}", [0, 1], [index, index + 1])
    show(view, 420, 400)
    layout = view.layout_in(QRectF(view.body.rect()))
    assert len({entry.rect.top() for entry in layout.legend}) > 1
    assert max(entry.rect.bottom() for entry in layout.legend) <= layout.frame.rect.top()
    assert all(entry.rect.right() <= view.body.width() for entry in layout.legend)


def test_a_missing_value_is_a_gap(show, pixels, near):
    view = CurvesView("gap", "Gap", y_label="y")
    y = np.ones(100)
    y[40:60] = np.nan
    view.set_series("y", np.arange(100), y)
    show(view)
    drawn = near(pixels(view.body.grab()), theme().series(0)).any(0)
    left, middle, right = (at(view, x, 1).x() for x in (20, 50, 80))
    assert drawn[left]
    assert drawn[right]
    assert not drawn[middle]


def test_smoothing_draws_the_average_and_keeps_the_raw_curve_faint_below(show, pixels, near):
    view = CurvesView("noise", "Noise", y_label="y")
    rng = np.random.default_rng(0)
    view.set_series("y", np.arange(2000), rng.standard_normal(2000))
    show(view)
    rough = near(pixels(view.body.grab()), theme().series(0)).any(1).sum()
    view.smoothing = 0.98
    image = pixels(view.body.grab())
    smooth = near(image, theme().series(0)).any(1).sum()
    assert smooth < rough / 2
    faint = near(image, "#adcee4", 12)
    assert faint.any(1).sum() > 0.8 * rough


def test_log_axes_leave_out_what_has_no_place(show):
    view = CurvesView("log", "Log", log_y=True)
    view.set_series("y", np.arange(5), [0.0, -1.0, 0.01, 1.0, 100.0])
    show(view)
    assert 0 < view.frame().y.low < 0.01
    view.set_log(y=False)
    assert view.frame().y.low < -1


def test_turning_an_axis_logarithmic_from_the_menu_refits(view, qtbot):
    from PySide6.QtWidgets import QMenu

    wheel(view, at(view, 50, 5))
    menu = QMenu()
    qtbot.addWidget(menu)
    view.build_menu(menu)
    next(action for action in menu.actions() if action.text() == "Logarithmic y").trigger()
    assert view.frame().y.is_log
    assert view.frame().y.low > 0
    assert view.frame().y.high >= 10


def test_bands_and_reference_lines_and_spans_are_drawn_and_fitted(show, pixels, near):
    view = CurvesView("marks", "Marks", y_label="y")
    x = np.arange(50)
    view.set_series("mean", x, np.ones(50), band=(np.zeros(50), np.full(50, 2.0)))
    view.set_line("paper", 5.0, label="paper", color="error")
    view.set_span("warm", (0, 10), color="warning", label="warm-up")
    show(view)
    frame, image = view.frame(), pixels(view.body.grab())
    assert frame.y.high >= 5
    assert near(image, theme().error, 60).any(1)[int(frame.point(0, 5).y()) - 1 : int(frame.point(0, 5).y()) + 2].any()
    inside = image[int(frame.point(0, 1.6).y()), int(frame.point(30.5, 0).x())]
    assert inside[2] > inside[0] + 20  # bluish: the band
    shaded = image[int(frame.point(0, 4.3).y()), int(frame.point(5.5, 0).x())]
    assert shaded[0] > shaded[2] + 10  # yellowish: the span
    view.set_line("paper", None)
    assert view.frame().y.high < 5


def test_a_history_becomes_labelled_curves(show):
    view = show(CurvesView("history", "History"))
    view.show_message("Press Train to see the loss fall.")
    steps = np.arange(3)
    history = MetricsHistory([MetricsBlock({"loss": (steps, np.array([3.0, 2.0, 1.0]))})])
    view.show_history(history, {"loss": "training loss", "test": "test loss"})
    assert view.series_names == ("loss",)
    assert view.message == ""
    history.append(MetricsBlock({"test": (steps, np.array([4.0, 3.0, 2.5]))}))
    view.show_history(history, {"loss": "training loss", "test": "test loss"})
    entries = view.legend_entries()
    assert [entry.label for entry in entries] == ["training loss", "test loss"]
    assert entries[0].colour != entries[1].colour


def test_seeds_of_a_group_share_a_colour_and_a_legend_entry(show):
    view = show(CurvesView("seeds", "Seeds"))
    for method in ("6D", "quaternion"):
        for seed in range(3):
            view.set_series(f"{method} {seed}", [0, 1], [seed, seed], group=method)
    assert [entry.label for entry in view.legend_entries()] == ["6D", "quaternion"]
    view.set_shown("6D", False)
    frame = view.frame()
    names = [text for _, text in view.read_out(frame, frame.point(0.5, 1)).lines[1:]]
    assert all(name.startswith("quaternion") for name in names)
    assert len(names) == 3


def test_state_comes_back(view, show):
    view.set_range(x=(3, 7))
    view.smoothing = 0.5
    view.set_shown("up", False)
    view.set_log(y=True)
    other = show(CurvesView("loss", "Loss"))
    other.set_series("up", np.arange(101), np.linspace(0, 5, 101))
    other.restore(view.state())
    assert other.state() == view.state()
    other.restore({"x": "nonsense", "smoothing": None, "hidden": 3, "log": [1]})
    assert other.state()["x"] == [3, 7]


def test_x_and_y_must_fit(qtbot):
    view = CurvesView("a", "A")
    qtbot.addWidget(view)
    with pytest.raises(ValueError, match="3 positions but 2 values"):
        view.set_series("y", [1, 2, 3], [1, 2])


def test_curves_change_colour_with_the_theme(view, pixels, near):
    theme().set_mode("dark")
    image = pixels(view.body.grab())
    with as_theme("dark") as colours:
        assert near(image, colours.series(0)).sum() > 200
        assert near(image, colours.background, 2).mean() > 0.5


def test_a_view_fits_where_six_share_a_small_window(show):
    view = CurvesView("small", "A title that is far too long for such a small view", y_label="loss", y_unit="nats")
    view.set_series("y", np.arange(1_000_000), np.linspace(0, 1e-7, 1_000_000))
    show(view, 160, 120)
    assert view.minimumSizeHint().width() <= 333
    assert view.frame().rect.width() > 40
    assert view.frame().rect.height() > 20


def test_a_million_points_are_fluid(show, record_property):
    view = CurvesView("big", "Big")
    rng = np.random.default_rng(0)
    x, y = np.arange(1_000_000), rng.standard_normal(1_000_000)
    show(view, 800, 500)
    view.set_series("y", x, y)
    view.body.grab()
    started = time.perf_counter()
    for _ in range(5):
        view.set_series("y", x, y)
        view.body.grab()
    update = (time.perf_counter() - started) / 5
    started = time.perf_counter()
    for _ in range(5):
        wheel(view, at(view, 500_000, 0))
        view.body.grab()
    zoom = (time.perf_counter() - started) / 5
    record_property("update_ms", 1000 * update)
    print(f"a million points: {1000 * update:.0f} ms an update with its painting, {1000 * zoom:.0f} ms a zoom")
