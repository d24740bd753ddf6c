"""Measured points lie on theory curves: they count for the axes, are found by the mouse, and are exported."""

import numpy as np
import pytest
from PySide6.QtCore import Qt

from workbench.views.measured import MeasuredView


@pytest.fixture
def view(show):
    made = MeasuredView("m", "Magnetisation", "load", "m")
    made.set_series("theory", np.array([0.0, 1.0]), np.array([1.0, 0.5]), color=0)
    made.set_points("measured", [0.5, 2.0], [0.7, 0.2], [0.1, 0.4], color=1, label="Monte Carlo")
    return show(made)


def test_axes_reach_the_ends_of_the_error_bars(view):
    (x0, x1), (y0, y1) = view.bounds()
    assert (x0, x1) == (0.0, 2.0)
    assert y0 == pytest.approx(-0.2)
    assert y1 == 1.0


def test_a_click_near_a_point_reports_it_and_elsewhere_the_curve(view, qtbot):
    picks = []
    view.clicked.connect(picks.append)
    qtbot.mouseClick(view.body, Qt.MouseButton.LeftButton, pos=view.frame().point(2.0, 0.2).toPoint())
    qtbot.mouseClick(view.body, Qt.MouseButton.LeftButton, pos=view.frame().point(0.02, 0.2).toPoint())
    assert [(pick.series, pick.index) for pick in picks] == [("measured", 1), ("theory", 0)]


def test_hovering_a_point_reads_its_spread(view):
    said = view.read_out(view.frame(), view.frame().point(0.5, 0.7))
    assert "0.7 ± 0.1" in said.lines[1][1]


def test_points_are_drawn_over_the_curve_in_their_colour_and_hide_by_the_legend(view, pixels):
    from workbench.views.theme import theme

    def has_dot():
        at = view.frame().point(0.5, 0.7).toPoint()
        return view.body.grab().toImage().pixelColor(at).name() == theme().colour(1).lower()

    assert has_dot()
    view.legend_clicked("measured")
    assert not has_dot()
    view.legend_clicked("measured")
    assert {entry.kind for entry in view.legend_entries()} == {"line", "dot"}


def test_data_have_points_beside_curves_and_lengths_must_fit(view):
    assert view.data()["measured.spread"].tolist() == [0.1, 0.4]
    with pytest.raises(ValueError, match="2 positions"):
        view.set_points("bad", [0, 1], [1])
    view.remove_points("measured")
    assert view.point_names == ()
    view.clear()
    assert view.bounds() is None


def test_error_bars_on_a_logarithmic_axis_end_at_its_foot(show):
    made = MeasuredView("m", "M", log_y=True)
    made.set_points("p", [1, 2], [1.0, 10.0], [5.0, 2.0])
    show(made)
    assert made.bounds()[1][0] > 0
