import numpy as np
import pytest
from PySide6.QtCore import QRectF, Qt

from workbench.views.colour_bar import colour_bar_width
from workbench.views.image import ImageView
from workbench.views.painting import SMALL_PX, figure_font, text_width
from workbench.views.theme import DIVERGING, theme


@pytest.fixture
def field(show):
    view = ImageView("u", "Field", x_label="x", y_label="y", value_label="u")
    y, x = np.mgrid[0:2:20j, 0:1:10j]
    view.set_image(x + 10 * y, extent=(0, 1, 0, 2))
    return show(view)


def colour_at(view, pixels, x, y):
    place = view.frame().point(x, y)
    return pixels(view.body.grab())[int(place.y()), int(place.x())]


def test_row_zero_is_at_the_bottom_of_a_field_and_at_the_top_of_a_matrix(show, pixels):
    values = np.zeros((4, 4))
    values[0] = 1.0
    for origin, row_of_ones in (("lower", 0), ("upper", 0)):
        view = ImageView("a", "A", origin=origin)
        view.set_image(values)
        show(view)
        bright = theme().colormap()[-1, :3]
        np.testing.assert_allclose(colour_at(view, pixels, 1, row_of_ones), bright, atol=3)
        np.testing.assert_allclose(colour_at(view, pixels, 1, 3), theme().colormap()[0, :3], atol=3)
        top = view.frame().point(0, 0).y() < view.frame().point(0, 3).y()
        assert top == (origin == "upper")


def test_hovering_reads_the_cell_under_the_mouse(field):
    frame = field.frame()
    # Cells are 0.1 by 0.1: column 3, row 7.
    read_out = field.read_out(frame, frame.point(0.35, 0.75))
    assert field.cell(0.35, 0.75) == (7, 3)
    expected = field.values[7, 3]
    assert read_out.lines[1][1] == f"u  {expected:.4g}"
    assert field.read_out(frame, frame.point(-5, 0)) is None


def test_a_click_reports_the_cell_and_the_place(field, qtbot):
    with qtbot.waitSignal(field.clicked) as caught:
        place = field.frame().point(0.35, 0.75).toPoint()
        qtbot.mouseClick(field.body, Qt.MouseButton.LeftButton, pos=place)
    pick = caught.args[0]
    assert divmod(pick.index, 10) == (7, 3)
    assert (pick.x, pick.y) == pytest.approx((0.35, 0.75), abs=0.02)


def test_cells_are_square_where_scales_are_equal(field):
    frame = field.frame()
    across = frame.point(1, 0).x() - frame.point(0, 0).x()
    up = frame.point(0, 0).y() - frame.point(0, 2).y()
    assert up == pytest.approx(2 * across)


def test_missing_values_are_transparent(show, pixels):
    view = ImageView("hole", "Hole")
    values = np.ones((3, 3))
    values[1, 1] = np.nan
    view.set_image(values, extent=(0, 3, 0, 3))
    show(view)
    assert colour_at(view, pixels, 1.7, 1.7).tolist() == [255, 255, 255]


def test_a_symmetric_scale_has_zero_in_the_middle_of_a_diverging_map(show, pixels):
    view = ImageView("signed", "Signed", symmetric=True)
    view.set_image(np.array([[-1.0, 0.0, 4.0]]))
    show(view)
    assert view.levels == (-4, 4)
    assert view.colormap == DIVERGING
    np.testing.assert_allclose(colour_at(view, pixels, 1, 0.2), theme().colormap(DIVERGING)[128, :3], atol=4)


def test_levels_follow_the_data_until_they_are_held(field):
    assert field.levels == (pytest.approx(0), pytest.approx(21))
    field.set_levels((0, 5))
    field.set_image(np.full((2, 2), 100.0))
    assert field.levels == (0, 5)
    field.set_levels(None)
    assert field.levels[0] < 100 < field.levels[1]


def test_zooming_in_shows_the_same_cells_larger(field, pixels):
    before = colour_at(field, pixels, 0.35, 0.75)
    field.set_range((0.3, 0.5), (0.6, 1.0))
    after = colour_at(field, pixels, 0.35, 0.75)
    np.testing.assert_allclose(before, after, atol=3)
    np.testing.assert_allclose(colour_at(field, pixels, 0.32, 0.72), after, atol=3)
    assert (colour_at(field, pixels, 0.45, 0.95) != after).any()


def test_colour_images_are_shown_as_they_are(show, pixels):
    view = ImageView("rgb", "Colours", origin="upper")
    image = np.zeros((2, 2, 3), np.uint8)
    image[0, 1] = (200, 30, 10)
    view.set_image(image)
    show(view)
    assert colour_at(view, pixels, 1, 0).tolist() == [200, 30, 10]
    assert view.colour_scale() is None


def test_rows_and_columns_can_have_names(show):
    view = ImageView("m", "Matrix", origin="upper", x_label="predicted", y_label="true")
    view.set_image(np.eye(2), row_labels=["cat", "dog"], column_labels=["cat", "dog"])
    show(view)
    frame = view.frame()
    assert view.read_out(frame, frame.point(1, 0)).lines[0][1] == "cat · dog"
    with pytest.raises(ValueError, match="3 labels for 2"):
        view.set_image(np.eye(2), row_labels=["a", "b", "c"])


def test_other_shapes_are_refused(qtbot):
    view = ImageView("bad", "Bad")
    qtbot.addWidget(view)
    with pytest.raises(ValueError, match="an image is"):
        view.set_image(np.zeros((2, 2, 5)))


def test_a_field_exports_its_coordinates_and_a_matrix_only_itself(field, tmp_path):
    field.export(tmp_path / "u.npz")
    with np.load(tmp_path / "u.npz") as arrays:
        np.testing.assert_array_equal(arrays["values"], field.values)
        np.testing.assert_allclose(arrays["x"], (np.arange(10) + 0.5) / 10)
    field.set_image(np.eye(3))
    field.export(tmp_path / "u.csv")
    np.testing.assert_array_equal(np.loadtxt(tmp_path / "u.csv", delimiter=","), np.eye(3))


def test_state_comes_back(field, show):
    field.set_colormap("magma")
    field.set_levels((0, 3))
    other = show(ImageView("u", "Field"))
    other.restore(field.state())
    assert other.colormap == "magma"
    assert other.levels == (0, 3)
    other.restore({"colormap": "no_such_map", "levels": ["a"]})
    assert other.colormap == "magma"


@pytest.mark.parametrize("width", [180, 230, 260, 300, 420])
def test_bar_and_labels_have_room_however_low_equal_scales_make_the_picture(qtbot, width):
    view = ImageView("f", "f", value_label="")
    qtbot.addWidget(view)
    view.set_levels((2.0, 12.0))
    view.set_image(np.random.default_rng(0).random((32, 32)), extent=(0, 1, 0, 1))
    layout = view.layout_in(QRectF(0, 0, width, 300))
    font = figure_font(SMALL_PX)
    widest = max(text_width(text, font) for _, text in layout.y_ticks.major)
    assert layout.frame.rect.left() >= widest
    if layout.bar is not None:
        assert layout.bar.left() + colour_bar_width(view.colour_scale(), layout.bar.height()) <= width
