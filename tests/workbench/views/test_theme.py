import numpy as np
import pytest
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication

from workbench.views.base import View
from workbench.views.theme import CYCLIC, DIVERGING, as_theme, theme

# Machado, Oliveira & Fernandes 2009: what a person without green (or red) cones sees, for linear RGB.
DEUTERANOPIA = np.array(
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]]
)
PROTANOPIA = np.array(
    [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
)


def linear(colour):
    channels = np.array(QColor(colour).getRgbF()[:3])
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def luminance(colour):
    return float(linear(colour) @ [0.2126, 0.7152, 0.0722])


def contrast(a, b):
    """WCAG 2's contrast ratio."""
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def lab(rgb):
    """CIE L*a*b* of linear RGB, D65."""
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = to_xyz @ np.clip(rgb, 0, 1) / [0.9505, 1.0, 1.089]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_every_colour_is_readable_on_its_background(mode):
    with as_theme(mode) as colours:
        for index in range(8):
            assert contrast(colours.series(index), colours.background) >= 3, index
        for name in ("foreground", "muted", "warning", "error", "accent", "success"):
            assert contrast(colours.colour(name), colours.background) >= 4.5, name
            assert contrast(colours.colour(name), colours.window) >= 4, name


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("blindness", [np.eye(3), DEUTERANOPIA, PROTANOPIA])
def test_the_first_six_series_differ_for_colour_blind_eyes_too(mode, blindness):
    with as_theme(mode) as colours:
        seen = [lab(blindness @ linear(colours.series(index))) for index in range(6)]
    for i in range(6):
        for j in range(i):
            # A difference of 10 in L*a*b* is seen at a glance; 2.3 is the just noticeable one.
            assert np.linalg.norm(seen[i] - seen[j]) > 10, (i, j)


def test_set_mode_recolours_the_application_and_its_views(qtbot):
    class Restyled(View):
        times = 0

        def restyle(self):
            self.times += 1

    view = Restyled("a", "A view")
    qtbot.addWidget(view)
    with qtbot.waitSignal(theme().changed):
        theme().set_mode("dark")
    assert theme().is_dark
    assert view.times == 1
    palette = QApplication.palette()
    assert palette.base().color().name() == theme().background
    assert palette.windowText().color().lightness() > palette.window().color().lightness()
    assert QApplication.style().objectName() == "fusion"


def test_as_theme_changes_nothing_outside_its_block(qtbot):
    theme().set_mode("dark")
    with qtbot.assertNotEmitted(theme().changed), as_theme("light") as colours:
        assert not colours.is_dark
        assert colours.background == "#ffffff"
    assert theme().is_dark


def test_colormaps_are_tables_of_bytes_and_diverging_ones_are_symmetric_in_lightness():
    assert theme().colormap().shape == (256, 4)
    assert theme().colormap().dtype == np.uint8
    table = theme().colormap(DIVERGING)[:, :3] / 255
    lightness = np.array([luminance(QColor.fromRgbF(*row)) for row in table])
    assert lightness[128] > 0.7
    assert np.abs(lightness - lightness[::-1]).max() < 0.12
    cyclic = theme().colormap(CYCLIC)[:, :3].astype(int)
    assert np.abs(cyclic[0] - cyclic[-1]).max() < 12


def test_an_unknown_colormap_is_refused():
    with pytest.raises(ValueError, match="no_such_map"):
        theme().colormap("no_such_map")


def test_a_view_needs_a_name_that_can_be_a_file(qtbot):
    with pytest.raises(ValueError, match="file name"):
        View("loss/train", "Loss")
