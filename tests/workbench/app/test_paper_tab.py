import re

import numpy as np
import pytest
from PySide6.QtCore import QUrl
from PySide6.QtGui import QColor, QDesktopServices, QFontMetricsF, QImage, QTextDocument
from PySide6.QtWidgets import QApplication

from workbench.app.paper_tab import PaperTab, draw_equation, equation, markdown_html
from workbench.views.theme import theme


def ink(image):
    """Rows that hold ink, in device pixels."""
    image = image.convertToFormat(QImage.Format.Format_ARGB32)
    pixels = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.width(), 4)
    return np.flatnonzero(pixels[..., 3].max(axis=1) > 60)


def test_markdown_and_both_kinds_of_equations_become_html():
    text = markdown_html("# Title\n\nInline $x_1$ and\n\n$$\\frac{a}{b}$$\n\n| a | b |\n|---|---|\n| 1 | 2 |\n")
    assert "<h1>Title</h1>" in text
    assert '<img src="math:x_1"' in text
    assert '<p align="center"><img src="display:%5Cfrac%7Ba%7D%7Bb%7D"' in text
    assert "<table>" in text
    assert "<td>2</td>" in text


def test_html_in_a_paper_is_shown_as_text():
    assert "<script>" not in markdown_html("<script>alert(1)</script>")


def test_prices_are_not_mathematics():
    assert "<img" not in markdown_html("It costs $5 and $6 a day.")


@pytest.mark.parametrize("ratio", [1.0, 2.0, 3.0])
@pytest.mark.parametrize("latex", [r"x", r"\frac{a}{\sqrt{b}}", r"y_{i_j}", r"\hat{A}^{2^2}"])
def test_an_inline_equation_stands_on_the_baseline_of_the_text(latex, ratio):
    """Qt puts the middle of the image half an x-height above the baseline; the padding has to make up for the rest."""
    x_height = 9.0
    rendered = equation(latex, 18.0, "#000000", False)
    image = draw_equation(rendered, x_height, ratio, is_inline=True)
    rows = ink(image)
    height = image.height() / ratio
    below_baseline = (height - x_height / 2) / 2
    lowest_ink = height - (rows[-1] + 1) / ratio
    assert below_baseline - lowest_ink == pytest.approx(rendered.descent - 1, abs=1.6)
    assert image.devicePixelRatio() == ratio


def test_an_equation_is_as_sharp_as_the_screen():
    rendered = equation("x^2", 20.0, "#000000", True)
    one, two = (draw_equation(rendered, 9, ratio, is_inline=False) for ratio in (1, 2))
    assert two.width() == pytest.approx(2 * one.width(), abs=2)


def test_an_equation_that_cannot_be_read_is_an_error_that_names_it():
    with pytest.raises(ValueError, match=r"\\frac"):
        equation(r"\frac{", 16.0, "#000000", False)


def show(qtbot, text, folder=None):
    tab = PaperTab(text, folder)
    tab.resize(700, 400)
    qtbot.addWidget(tab)
    tab.show()
    return tab


def colours(tab):
    image = tab.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    pixels = np.frombuffer(image.constBits(), np.uint8).reshape(-1, 4)
    return {tuple(int(part) for part in colour[2::-1]) for colour in np.unique(pixels, axis=0)}


def test_equations_take_the_colours_of_the_theme_and_follow_it(qtbot):
    tab = show(qtbot, r"$$\int_0^1 x\,dx = \frac12$$")
    assert QColor(theme().foreground).getRgb()[:3] in colours(tab)
    theme().set_mode("dark")
    QApplication.processEvents()
    assert QColor(theme().foreground).getRgb()[:3] in colours(tab)
    assert QColor(theme().background).getRgb()[:3] in colours(tab)


def test_a_bad_equation_shows_its_source_and_the_rest_of_the_page(qtbot, caplog):
    tab = show(qtbot, "Before $\\frac{$ after.")
    assert "Before" in tab.toPlainText()
    assert "after." in tab.toPlainText()
    assert "cannot be drawn" in caplog.text


def test_links_open_in_the_browser_and_only_web_addresses_do(qtbot, monkeypatch):
    opened = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toString()))
    tab = show(qtbot, "[paper](https://arxiv.org/abs/1812.07035) [file](file:///etc/passwd)")
    for url in re.findall(r'href="([^"]+)"', markdown_html(tab._markdown)):
        tab.anchorClicked.emit(QUrl(url))
    assert opened == ["https://arxiv.org/abs/1812.07035"]


def test_pictures_come_from_the_folder_of_the_plugin_only(qtbot, tmp_path, caplog):
    folder = tmp_path / "plugin"
    folder.mkdir()
    image = QImage(10, 10, QImage.Format.Format_RGB32)
    image.fill(0)
    image.save(str(folder / "inside.png"))
    image.save(str(tmp_path / "outside.png"))
    tab = show(qtbot, "", folder)
    kind = QTextDocument.ResourceType.ImageResource.value
    assert not tab.loadResource(kind, QUrl("inside.png")).isNull()
    assert tab.loadResource(kind, QUrl("../outside.png")).isNull()
    assert "outside.png" in caplog.text


def test_lines_of_text_are_kept_to_a_readable_width(qtbot):
    tab = show(qtbot, "word " * 400)
    tab.resize(1800, 600)
    frame = tab.document().rootFrame().frameFormat()
    assert 1800 - frame.leftMargin() - frame.rightMargin() <= 800
    tab.resize(500, 600)
    assert tab.document().rootFrame().frameFormat().leftMargin() == 28
    assert QFontMetricsF(tab.font()).height() > 0
