"""Scatter plots, histograms and bars."""

import time

import numpy as np
import pytest
from PySide6.QtCore import QRectF, Qt

from workbench.views.bars import BarsView, mean_and_spread
from workbench.views.histogram import HistogramView, shared_edges
from workbench.views.scatter import ScatterView, running_median, stamp_points
from workbench.views.theme import theme


@pytest.fixture
def scatter(show):
    view = ScatterView("s", "Scatter", "x", "y")
    view.set_points([0, 1, 2, 3], [0, 1, 4, 9], labels=["a", "b", "c", "d"])
    return show(view)


def test_clicking_a_point_gives_its_index_and_elsewhere_none(scatter, qtbot):
    for place, index in (((2, 4), 2), ((1, 8), -1)):
        with qtbot.waitSignal(scatter.clicked) as caught:
            position = scatter.frame().point(*place).toPoint()
            qtbot.mouseClick(scatter.body, Qt.MouseButton.LeftButton, pos=position)
        assert caught.args[0].index == index


def test_hovering_names_the_point(scatter):
    frame = scatter.frame()
    assert [text for _, text in scatter.read_out(frame, frame.point(3, 9)).lines] == ["d", "x  3", "y  9"]
    assert scatter.read_out(frame, frame.point(0, 9)) is None


def test_a_hidden_class_is_neither_drawn_nor_found(show, pixels, near):
    view = ScatterView("c", "Classes")
    view.set_points([0, 1], [0, 1], classes=[0, 1], class_names=["even", "odd"])
    show(view)
    assert near(pixels(view.body.grab()), theme().series(1)).any()
    view.legend_clicked("1")
    frame = view.frame()
    # Only the legend's own dot is left.
    shown = near(pixels(view.body.grab()), theme().series(1))
    assert not shown[int(frame.rect.top()) :].any()
    assert view.pick(frame, frame.point(1, 1)).index == -1


def test_values_colour_points_by_the_map(show, pixels):
    view = ScatterView("v", "Values", point_size=12, value_label="z")
    view.set_points([0, 1], [0, 0], values=[5.0, 9.0])
    show(view)
    image = pixels(view.body.grab())
    for x, row in ((0, 0), (1, 255)):
        place = view.frame().point(x, 0)
        found = image[int(place.y()), int(place.x())]
        np.testing.assert_allclose(found, theme().colormap()[row, :3], atol=3)
    assert view.colour_scale().label == "z"


def test_many_points_are_stamped_where_few_are_drawn():
    points = np.array([[30.5, 20.5], [60.5, 40.5]])
    colours = np.array([[200, 0, 0, 255], [0, 0, 200, 255]], np.uint8)
    image = stamp_points(points, colours, np.array([6.0, 10.0]), QRectF(0, 0, 100, 60), 1.0)
    assert image.shape == (60, 100, 4)
    for (x, y), colour, size in zip(points, colours, (6, 10), strict=True):
        assert image[int(y), int(x)].tolist() == colour.tolist()
        mine = (image[..., :3] == colour[:3]).all(-1) * image[..., 3] / 255
        assert mine.sum() == pytest.approx(np.pi * (size / 2) ** 2, rel=0.2)
        rows, columns = np.nonzero(mine > 0.5)
        assert (rows.mean(), columns.mean()) == (pytest.approx(int(y)), pytest.approx(int(x)))


def test_points_outside_the_picture_are_left_out():
    points = np.array([[-500.0, 3.0], [5.0, 1e6]])
    assert not stamp_points(points, np.full((2, 4), 255, np.uint8), np.full(2, 5.0), QRectF(0, 0, 20, 20), 2.0).any()


def test_the_running_median_ignores_outliers():
    x = np.linspace(1, 100, 5000)
    y = 2 * x
    y[::7] = 1e9
    at, median = running_median(np.stack([x, y], 1))
    # A seventh of the points lies above everything, which moves a median by a fourteenth of its bin's range, 8.25.
    np.testing.assert_allclose(median, 2 * at, atol=8.25 / 10)
    assert len(running_median(np.zeros((3, 2)))[0]) == 0


def test_fifty_thousand_points_are_fluid(show):
    view = ScatterView("many", "Many")
    rng = np.random.default_rng(0)
    view.set_points(*rng.normal(size=(2, 50_000)), values=rng.normal(size=50_000))
    show(view, 800, 500)
    started = time.perf_counter()
    for _ in range(5):
        view.refresh()
        view.body.grab()
    print(f"50 000 points: {200 * (time.perf_counter() - started):.0f} ms a painting")


def test_lengths_must_fit(qtbot):
    view = ScatterView("bad", "Bad")
    qtbot.addWidget(view)
    with pytest.raises(ValueError, match="2 values for 3 points"):
        view.set_points([1, 2, 3], [1, 2, 3], values=[1, 2])


def test_histograms_share_bins_and_count_everything(show):
    view = HistogramView("h", "Histogram", "error")
    rng = np.random.default_rng(0)
    first, second = rng.normal(0, 1, 2000), rng.normal(5, 1, 500)
    view.set_samples("first", np.append(first, [np.nan, np.inf]))
    view.set_samples("second", second)
    show(view)
    data = view.data()
    assert data["first"].sum() == 2000
    assert data["second"].sum() == 500
    edges = np.append(data["low"], data["high"][-1])
    np.testing.assert_array_equal(data["second"], np.histogram(second, edges)[0])
    frame = view.frame()
    assert frame.x.low <= first.min()
    assert frame.x.high >= second.max()
    assert frame.y.low == 0


def test_the_bin_width_is_freedman_and_diaconis():
    values = np.random.default_rng(0).normal(size=10_000)
    edges = shared_edges(values, "auto")
    quarter, three_quarters = np.percentile(values, (25, 75))
    assert np.diff(edges)[0] == pytest.approx(2 * (three_quarters - quarter) / 10_000 ** (1 / 3), rel=0.02)


def test_bins_are_equal_in_the_logarithm_on_a_log_axis(qtbot):
    view = HistogramView("h", "H", log_x=True, bins=8)
    qtbot.addWidget(view)
    view.set_samples("a", [0.0, -3.0, 1.0, 10.0, 100.0])
    edges = np.append(view.data()["low"], view.data()["high"][-1])
    np.testing.assert_allclose(np.diff(np.log(edges)), np.log(100) / 8)
    assert view.data()["a"].sum() == 3


def test_hovering_and_clicking_find_the_bin(show, qtbot):
    view = HistogramView("h", "H", "x", bins=[0, 1, 2, 3])
    view.set_samples("a", [0.5, 1.5, 1.6, 1.7, 2.5])
    show(view)
    frame = view.frame()
    assert [text for _, text in view.read_out(frame, frame.point(1.5, 1)).lines] == ["1 to 2", "a  3 (60.0 %)"]
    pick = view.pick(frame, frame.point(1.5, 1))
    assert (pick.series, pick.index) == ("a", 1)
    assert view.pick(frame, frame.point(0.5, 2.5)).index == -1


def test_counts_from_elsewhere_need_one_edge_more(qtbot):
    view = HistogramView("h", "H")
    qtbot.addWidget(view)
    view.set_counts("a", np.arange(4), np.array([1, 2, 3]))
    assert view.data()["a"].tolist() == [1, 2, 3]
    with pytest.raises(ValueError, match="4 edges"):
        view.set_counts("a", np.arange(3), np.array([1, 2, 3]))


@pytest.fixture
def bars(show):
    view = BarsView("b", "Bars", "error", unit="°")
    values = np.array([[1.0, 2.0, 3.0], [4.0, np.nan, 6.0]])
    view.set_bars(("chair", "sofa"), {"6D": values, "quaternion": 2 * values}, references={"6D": [2.5, 5.5]})
    return show(view)


def test_bars_have_the_mean_and_the_sample_deviation(bars):
    table = np.array([[1.0, 2.0, 3.0], [4.0, np.nan, 6.0], [np.nan] * 3])
    mean, spread = mean_and_spread(table)
    np.testing.assert_allclose(mean[:2], np.nanmean(table[:2], 1))
    np.testing.assert_allclose(spread[:2], np.nanstd(table[:2], axis=1, ddof=1))
    assert np.isnan(mean[2])


def test_a_bar_reaches_from_zero_to_its_mean(bars, pixels):
    frame, image = bars.frame(), pixels(bars.body.grab())
    colour = image[int(frame.point(0, 0.5).y()), int(frame.point(-0.25, 0).x())]
    column = image[:, int(frame.point(-0.25, 0).x())]
    rows = np.flatnonzero(np.abs(column - colour).max(1) < 8)
    assert rows.max() == pytest.approx(frame.point(0, 0).y(), abs=3)
    assert rows.min() == pytest.approx(frame.point(0, 2).y(), abs=3)


def test_hovering_a_bar_says_mean_spread_seeds_and_the_papers_value(bars):
    frame = bars.frame()
    lines = [text for _, text in bars.read_out(frame, frame.point(-0.2, 1)).lines]
    assert lines == ["chair", "6D  2 ± 1 ° (s.d., 3 seeds)", "paper  2.5 °"]
    pick = bars.pick(frame, frame.point(1.2, 1))
    assert (pick.series, pick.index) == ("quaternion", 1)


def test_horizontal_bars_read_from_top_to_bottom(show):
    view = BarsView("b", "Bars", "error", horizontal=True)
    view.set_bars(("first", "second"), {"a": [1.0, 2.0]})
    show(view)
    frame = view.frame()
    assert frame.point(0, 0).y() < frame.point(0, 1).y()
    assert view.pick(frame, frame.point(0.5, 1)).index == 1


def test_bars_must_fit_their_groups(qtbot):
    view = BarsView("b", "Bars")
    qtbot.addWidget(view)
    with pytest.raises(ValueError, match="for 2 groups"):
        view.set_bars(("a", "b"), {"s": [1.0, 2.0, 3.0]})


def test_bars_export_every_seed(bars, tmp_path):
    bars.export(tmp_path / "b.csv")
    rows = (tmp_path / "b.csv").read_text().splitlines()
    assert rows[0].split(",")[:4] == ["group", "6D_0", "6D_1", "6D_2"]
    assert rows[1].split(",")[:4] == ["chair", "1.0", "2.0", "3.0"]
