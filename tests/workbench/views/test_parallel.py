from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtTest import QTest

from workbench.views.parallel import BOTTOM, TOP, ParallelAxis, ParallelView

WORDS = ("5D", "6D", "Euler")


@pytest.fixture
def view(qtbot):
    view = ParallelView("p", "Runs")
    qtbot.addWidget(view)
    view.resize(600, 400)
    view.set_axes([
        ParallelAxis("rate", np.array([1e-4, 1e-3, 1e-2]), is_log=True),
        ParallelAxis("code", np.array([0.0, 1.0, 2.0]), WORDS),
        ParallelAxis("loss", np.array([3.0, 1.0, np.nan])),
    ])  # fmt: skip
    view.show()
    return view


def test_axes_span_their_values_logarithmic_ones_in_the_exponent(view):
    rate, code, loss = view._axes
    assert rate.places().tolist() == pytest.approx([0, 0.5, 1])
    assert code.places().tolist() == [0, 0.5, 1]
    assert loss.places()[:2].tolist() == [1, 0]
    assert np.isnan(loss.places()[2])
    assert (rate.ends(), code.ends()) == (("0.0001", "0.01"), ("5D", "Euler"))


def test_dragging_along_an_axis_keeps_the_lines_through_that_range_and_a_double_click_lets_go(view):
    canvas = view.body
    x, span = int(view.x_of(0, canvas.width())), canvas.height() - TOP - BOTTOM

    def at(place):
        return QPoint(x, round(canvas.height() - BOTTOM - place * span))

    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=at(0.4))
    QTest.mouseMove(canvas, at(0.7))
    QTest.mouseMove(canvas, at(1.0))
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=at(1.0))
    assert view.kept.tolist() == [False, True, True]
    restored = ParallelView("q", "Again")
    restored.set_axes(view._axes)
    restored.restore(view.state())
    assert restored.kept.tolist() == [False, True, True]
    QTest.mouseDClick(canvas, Qt.MouseButton.LeftButton, pos=at(0.5))
    assert view.kept.all()


def test_a_click_near_a_line_names_its_item(view):
    rect = QRectF(view.body.rect())
    points = view.points(rect)
    middle = (points[1, 0] + points[1, 1]) / 2
    assert view.nearest(QPointF(*middle), rect) == 1
    assert view.nearest(QPointF(middle[0], rect.top()), rect) is None


def test_data_gives_words_as_words(view):
    assert view.data()["code"].tolist() == list(WORDS)


def test_one_value_stands_in_the_middle_and_no_value_nowhere():
    assert ParallelAxis("a", np.array([2.0, 2.0])).places().tolist() == [0.5, 0.5]
    assert np.isnan(ParallelAxis("a", np.array([np.nan])).places()).all()


def test_axes_of_different_lengths_are_refused(view):
    with pytest.raises(ValueError, match="values"):
        view.set_axes([ParallelAxis("a", np.zeros(2)), ParallelAxis("b", np.zeros(3))])


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf", ".csv", ".npz"])
def test_it_exports_like_every_view(view, tmp_path, suffix):
    view.export(tmp_path / f"p{suffix}")
    assert (tmp_path / f"p{suffix}").stat().st_size > 50
