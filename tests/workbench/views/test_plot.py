import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication

from workbench.views.image import ImageView
from workbench.views.linking import link
from workbench.views.plot import PlotView


@pytest.fixture
def plot(show):
    view = PlotView("plot", "Plot", x_label="x", y_label="y")
    view.set_range((0, 10), (0, 10))
    return show(view)


def drag(qtbot, view, start, end, button=Qt.MouseButton.LeftButton):
    frame = view.frame()
    first, last = (frame.point(*place).toPoint() for place in (start, end))
    qtbot.mousePress(view.body, button, pos=first)
    qtbot.mouseMove(view.body, last)
    qtbot.mouseRelease(view.body, button, pos=last)


def test_painting_reports_where_the_mouse_goes_and_does_not_pan(plot, qtbot):
    plot.drags = "edit"
    seen = []
    for name, signal in (("press", plot.pressed), ("drag", plot.dragged), ("release", plot.released)):
        signal.connect(lambda pick, name=name: seen.append((name, round(pick.x), round(pick.y))))
    drag(qtbot, plot, (2, 3), (6, 8))
    assert seen[0] == ("press", 2, 3)
    assert ("drag", 6, 8) in seen
    assert seen[-1] == ("release", 6, 8)
    assert plot.x_axis.low == 0


def test_only_what_is_grabbed_is_dragged_elsewhere_it_pans(plot, qtbot):
    plot.grabs = lambda x, y: np.hypot(x - 5, y - 5) < 1
    with qtbot.waitSignal(plot.dragged):
        drag(qtbot, plot, (5.2, 5), (7, 7))
    assert plot.x_axis.low == 0
    with qtbot.assertNotEmitted(plot.dragged):
        drag(qtbot, plot, (2, 2), (4, 4))
    assert plot.x_axis.low == pytest.approx(-2, abs=0.1)


def test_a_right_drag_zooms_into_the_rectangle(plot, qtbot):
    drag(qtbot, plot, (2, 3), (6, 8), Qt.MouseButton.RightButton)
    frame = plot.frame()
    assert (frame.x.low, frame.x.high) == pytest.approx((2, 6), abs=0.1)
    assert (frame.y.low, frame.y.high) == pytest.approx((3, 8), abs=0.1)


def test_equal_scales_draw_a_circle_round(show):
    view = PlotView("round", "Round", aspect="equal")
    view.set_range((0, 1), (0, 1))
    show(view, 700, 300)
    frame = view.frame()
    across = frame.point(1, 0).x() - frame.point(0, 0).x()
    up = frame.point(0, 0).y() - frame.point(0, 1).y()
    assert across == pytest.approx(up)
    assert frame.x.low <= 0
    assert frame.y.high >= 1


def test_a_panels_own_drawing_is_on_the_screen_and_in_exports(plot, pixels, near, tmp_path):
    from PySide6.QtGui import QColor, QImage

    def mark(painter, frame):
        painter.fillRect(QRectF(frame.point(4, 6), frame.point(6, 4)), QColor("#ff00ff"))

    plot.set_drawing("mark", mark)
    assert near(pixels(plot.body.grab()), "#ff00ff").sum() > 500
    plot.export(tmp_path / "a.png", scale=1, size=(400, 300))
    assert near(pixels(QImage(str(tmp_path / "a.png"))), "#ff00ff").sum() > 500
    plot.set_drawing("mark", None)
    assert near(pixels(plot.body.grab()), "#ff00ff").sum() == 0


def test_hovering_reports_the_place_and_the_end(plot, qtbot):
    picks = []
    plot.hovered.connect(picks.append)
    # Sent, not moved: a display's own pointer would have its say too.
    for place in (plot.frame().point(3, 4), QPointF(1, 1)):
        none = Qt.MouseButton.NoButton
        move = QMouseEvent(QEvent.Type.MouseMove, place, place, none, none, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(plot.body, move)
    assert (3, 4) in [(round(pick.x), round(pick.y)) for pick in picks if pick is not None]
    assert picks[-1] is None


def test_linked_views_share_zoom_and_cursor(show, qtbot):
    views = [ImageView(name, name) for name in ("truth", "prediction")]
    for view in views:
        view.set_image(np.eye(20))
        show(view, 300, 300)
    link(*views)
    views[0].set_range((2, 8), (3, 9))
    views[0].range_changed.emit()
    assert (views[1].x_axis.low, views[1].y_axis.high) == (2, 9)
    before = views[1].body.grab().toImage()
    views[0].hovered.emit(views[0].pick(views[0].frame(), views[0].frame().point(5, 5)))
    assert views[1].body.grab().toImage() != before
    views[0].hovered.emit(None)
    assert views[1].body.grab().toImage() == before
    views[1].fit()
    assert views[0].follows_x


def test_a_double_click_on_the_title_asks_to_enlarge(plot, qtbot):
    from workbench.views.base import _TitleBar

    bar = plot.findChild(_TitleBar)
    with qtbot.waitSignal(plot.enlarge_requested) as caught:
        qtbot.mouseDClick(bar, Qt.MouseButton.LeftButton)
    assert caught.args == [plot]


def test_a_message_stands_in_for_an_empty_figure(plot):
    plot.show_message("Press Train to see the loss fall.")
    assert not plot.body.isVisible()
    plot.show_message("")
    assert plot.body.isVisible()


@pytest.mark.parametrize("size", [(150, 110), (333, 230), (1600, 900)])
def test_no_label_is_cut_off(show, size):
    view = PlotView("labels", "Labels", x_label="time", x_unit="ms", y_label="error", y_unit="°")
    view.set_range((0, 1.23e6), (-1e-5, 1e-5))
    show(view, *size)
    layout = view.layout_in(QRectF(view.body.rect()))
    from workbench.views.painting import SMALL_PX, figure_font, text_height, text_width

    font = figure_font(SMALL_PX)
    widest = max(text_width(text, font) for _, text in layout.y_ticks.major)
    assert layout.frame.rect.left() - 5 - widest >= text_height()
    centres = [layout.frame.point(value, 0).x() for value, _ in layout.x_ticks.major]
    widths = [text_width(text, font) for _, text in layout.x_ticks.major]
    for index in range(1, len(centres)):
        assert centres[index] - centres[index - 1] >= (widths[index] + widths[index - 1]) / 2
    assert layout.frame.rect.bottom() + 4 + text_height(font) + text_height() <= view.body.height() + 1
