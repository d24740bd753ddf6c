import io
import os
import subprocess
import sys
import xml.etree.ElementTree as ET

import numpy as np
import pypdf
import pytest
from PIL import Image
from PySide6.QtGui import QGuiApplication

from workbench.sdk import UserError
from workbench.views.curves import CurvesView
from workbench.views.figure_export import csv_text, png_bytes
from workbench.views.scatter import ScatterView
from workbench.views.theme import theme

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def view(qtbot):
    made = CurvesView("loss", "Loss of the model", y_label="loss", y_unit="nats")
    qtbot.addWidget(made)
    made.set_series("train", np.arange(100), np.linspace(3, 1, 100))
    made.set_series("test", np.arange(100), np.linspace(3.2, 1.5, 100))
    return made


def test_a_png_has_the_asked_size_times_its_scale(view, tmp_path):
    for scale in (1, 2, 3, 4):
        view.export(tmp_path / "a.png", scale=scale, size=(300, 200))
        with Image.open(tmp_path / "a.png") as image:
            assert image.size == (300 * scale, 200 * scale)
            assert image.getpixel((0, 0))[:3] == (255, 255, 255)


@pytest.mark.parametrize("count", [2, 100, 5000])
def test_a_line_is_as_many_times_thicker_as_the_image_is_larger(qtbot, count):
    view = CurvesView("flat", "Flat", y_label="y")
    qtbot.addWidget(view)
    view.set_series("flat", np.linspace(0, 1, count), np.full(count, 0.55), width=2.0)
    view.set_range(y=(0.13, 0.97))
    thickness = {}
    for scale in (1, 4):
        image = np.asarray(Image.open(io.BytesIO(png_bytes(view, scale, (400, 300)))).convert("RGB")).astype(int)
        column = image[:, int(0.41 * image.shape[1])]
        # Red runs from 255 on paper to 0 in the line: antialiased rims count by their share.
        shares = (255 - column[:, 0]) / 255
        shares[np.abs(column - column[:, :1]).max(1) < 30] = 0  # greys are grid and frame
        thickness[scale] = shares.sum()
    assert thickness[1] == pytest.approx(2, abs=0.6)
    assert thickness[4] == pytest.approx(8, abs=0.8)


def test_text_grows_with_the_image(view):
    def dark_rows(scale):
        image = np.asarray(Image.open(io.BytesIO(png_bytes(view, scale, (400, 300)))).convert("L"))
        return np.flatnonzero((image[: 30 * scale] < 100).any(1))

    small, large = dark_rows(1), dark_rows(4)
    assert len(large) == pytest.approx(4 * len(small), rel=0.2)


def test_an_svg_is_drawn_in_lines_and_words(view, tmp_path):
    view.export(tmp_path / "a.svg", size=(300, 200))
    root = ET.parse(tmp_path / "a.svg").getroot()
    assert root.attrib["viewBox"] == "0 0 300 200"
    words = {"".join(text.itertext()) for text in root.iter(f"{SVG}text")}
    assert {"Loss of the model", "train", "test", "step", "loss (nats)"} <= words
    assert len(list(root.iter(f"{SVG}polyline"))) >= 2
    assert not list(root.iter(f"{SVG}image"))


def test_a_pdf_is_one_page_of_just_the_figures_size_with_its_words(view, tmp_path):
    view.export(tmp_path / "a.pdf", size=(400, 300))
    reader = pypdf.PdfReader(tmp_path / "a.pdf")
    assert len(reader.pages) == 1
    # 96 logical pixels are 72 points; Qt rounds a page to whole points.
    assert float(reader.pages[0].mediabox.width) == pytest.approx(300, abs=1)
    assert float(reader.pages[0].mediabox.height) == pytest.approx(225, abs=1)
    text = " ".join(reader.pages[0].extract_text().split())
    assert "Loss of the model" in text
    assert "train" in text
    assert not reader.pages[0].images


def test_data_come_back_from_csv_and_npz(view, tmp_path):
    view.export(tmp_path / "a.csv")
    view.export(tmp_path / "a.npz")
    table = np.genfromtxt(tmp_path / "a.csv", delimiter=",", names=True)
    assert table.dtype.names == ("step", "train", "test")
    with np.load(tmp_path / "a.npz", allow_pickle=False) as arrays:
        for name in ("step", "train", "test"):
            np.testing.assert_array_equal(arrays[name], table[name])
        np.testing.assert_array_equal(arrays["train"], np.linspace(3, 1, 100))


def test_columns_of_different_lengths_and_widths_share_one_table():
    text = csv_text({"a": np.arange(3), "b": np.arange(4).reshape(2, 2), "word": np.array(["x, y"])})
    assert text.splitlines() == ["a,b_0,b_1,word", '0,0,1,"x, y"', "1,2,3,", "2,,,"]


def test_a_matrix_alone_is_written_bare():
    np.testing.assert_array_equal(np.loadtxt(io.StringIO(csv_text({"m": np.eye(3)})), delimiter=","), np.eye(3))


def test_a_dark_window_exports_on_white(view):
    light = png_bytes(view, 1, (300, 200))
    theme().set_mode("dark")
    assert png_bytes(view, 1, (300, 200)) == light
    assert theme().is_dark


def test_an_unknown_suffix_and_an_unwritable_place_are_said_in_a_sentence(view, tmp_path):
    with pytest.raises(UserError, match=r"\.png, \.svg, \.pdf, \.csv, \.npz"):
        view.export(tmp_path / "a.bmp")
    with pytest.raises(UserError, match="could not be written"):
        view.export(tmp_path / "no" / "such" / "folder.png")
    with pytest.raises(UserError, match="too large"):
        view.export(tmp_path / "a.png", scale=8, size=(9000, 9000))
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_file_whole(view, tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    path.write_bytes(b"old")

    def full(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(UserError, match="No space left"):
        view.export(path)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.png"]


def test_many_points_are_one_picture_inside_a_vector_figure(qtbot, tmp_path):
    view = ScatterView("many", "Many", "x", "y")
    qtbot.addWidget(view)
    view.set_points(*np.random.default_rng(0).normal(size=(2, 30_000)))
    view.export(tmp_path / "a.svg", size=(400, 300))
    root = ET.parse(tmp_path / "a.svg").getroot()
    assert len(list(root.iter(f"{SVG}image"))) == 1
    assert (tmp_path / "a.svg").stat().st_size < 2_000_000


def test_the_menu_offers_every_export_and_says_why_data_are_missing(view, qtbot):
    texts = [action.text() for action in view.export_menu().actions() if action.text()]
    assert texts == [
        *[f"PNG {scale}x …" for scale in (1, 2, 3, 4)],
        "SVG …",
        "PDF …",
        "Data CSV …",
        "Data NPZ …",
        "Copy image",
        "Copy data",
    ]
    empty = CurvesView("empty", "Empty")
    qtbot.addWidget(empty)
    disabled = [action for action in empty.export_menu().actions() if action.text() and not action.isEnabled()]
    assert [action.text() for action in disabled] == ["Data CSV …", "Data NPZ …", "Copy data"]
    assert all(action.toolTip() == "There is no data yet." for action in disabled)


def test_copying_puts_a_picture_and_a_table_on_the_clipboard(view):
    actions = {action.text(): action for action in view.export_menu().actions()}
    actions["Copy image"].trigger()
    assert QGuiApplication.clipboard().image().width() == 2 * view.export_size()[0]
    actions["Copy data"].trigger()
    assert QGuiApplication.clipboard().text().splitlines()[0] == "step\ttrain\ttest"


def test_everything_exports_without_a_display(tmp_path):
    script = f"""
import numpy as np
from pathlib import Path
from PySide6.QtWidgets import QApplication
app = QApplication([])
from workbench.views import CurvesView, Scene3DView
curves = CurvesView("c", "Curves")
curves.set_series("a", [0, 1, 2], [1, 2, 0])
scene = Scene3DView("s", "Scene")
scene.set_points("p", np.random.default_rng(0).normal(size=(50, 3)))
for view in (curves, scene):
    for suffix in ("png", "svg", "pdf", "csv", "npz"):
        view.export(Path({str(tmp_path)!r}) / f"{{view.name}}.{{suffix}}")
import sys
assert "vispy" not in sys.modules and "torch" not in sys.modules
"""
    environment = {key: value for key, value in os.environ.items() if key != "DISPLAY"} | {
        "QT_QPA_PLATFORM": "offscreen"
    }
    subprocess.run([sys.executable, "-W", "error", "-c", script], env=environment, check=True, timeout=120)
    assert len(list(tmp_path.iterdir())) == 10
    with Image.open(tmp_path / "s.png") as image:
        assert len(image.convert("RGB").getcolors(100_000)) > 20
