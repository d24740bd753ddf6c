"""Plots that a panel's author brings from pyqtgraph are exported like our own."""

import xml.etree.ElementTree

import numpy as np
import pytest
from PIL import Image
from pypdf import PdfReader

from workbench.views.pyqtgraph_view import PyqtgraphView


@pytest.fixture
def view(qtbot):
    made = PyqtgraphView("brought", "Brought")
    qtbot.addWidget(made)
    plot = made.plot(x_label="x", y_label="y")
    plot.plot([0, 1], [0.5, 0.5], pen="#ff0000", name="line")
    plot.setRange(xRange=(0, 1), yRange=(0, 1), padding=0)
    made.resize(500, 400)
    made.show()
    qtbot.waitExposed(made)
    return made


def thickness(file):
    """Rows of red in the middle column of a picture."""
    pixels = np.asarray(Image.open(file).convert("RGB")).astype(int)
    column = pixels[:, pixels.shape[1] // 2]
    return int(((column[:, 0] > 180) & (column[:, 1] < 120) & (column[:, 2] < 120)).sum())


def test_lines_scale_with_the_picture(view, tmp_path):
    for scale in (1, 4):
        view.export(tmp_path / f"{scale}.png", scale=scale, size=(500, 400))
    assert thickness(tmp_path / "4.png") >= 3 * max(1, thickness(tmp_path / "1.png"))


def test_figures_and_data_are_read_by_others(view, tmp_path):
    for suffix in ("svg", "pdf", "npz", "csv"):
        view.export(tmp_path / f"brought.{suffix}")
    assert xml.etree.ElementTree.parse(tmp_path / "brought.svg").getroot().tag.endswith("svg")
    assert len(PdfReader(tmp_path / "brought.pdf").pages) == 1
    with np.load(tmp_path / "brought.npz") as saved:
        assert saved["line y"].tolist() == [0.5, 0.5]


def test_an_export_leaves_the_pens_as_they_were(view, tmp_path):
    import pyqtgraph

    [curve] = list(view._curves())
    view.export(tmp_path / "x.png", scale=3)
    assert pyqtgraph.mkPen(curve.opts["pen"]) == pyqtgraph.mkPen("#ff0000")
