"""Films: every frame is drawn, axes hold still, GIFs play at the right speed, and what cannot be written is said."""

from itertools import pairwise

import numpy as np
import pytest
from PIL import Image
from PySide6.QtGui import QColor, QImage

from workbench.sdk import UserError
from workbench.views import CurvesView, Film, FilmButton, FrameScrubber, ImageView
from workbench.views.film import gif_bytes, write_film

FRAMES = 5


@pytest.fixture
def film(qtbot):
    """A field whose one lit cell moves, and a curve whose height grows."""
    image, curve = ImageView("field", "Field", levels=(0, 1)), CurvesView("curve", "Curve", "x", "y")
    scrubber = FrameScrubber(FRAMES, frames_per_second=10)
    for widget in (image, curve, scrubber):
        qtbot.addWidget(widget)

    def show(index):
        image.set_image(np.eye(FRAMES)[index][None].repeat(FRAMES, 0))
        curve.set_series("y", np.arange(3.0), (1 + index) * np.arange(3.0))

    scrubber.frame_changed.connect(show)
    show(0)
    return Film("moving", (image, curve), scrubber, (200, 160))


def pixels(image):
    made = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(made.constBits(), np.uint8).reshape(made.height(), made.bytesPerLine())
    return rows[:, : 3 * made.width()].reshape(made.height(), made.width(), 3).copy()


def test_every_frame_is_drawn_and_the_one_before_is_shown_again(film):
    film.scrubber.go_to(2)
    images = list(film.images(scale=2))
    assert len(images) == FRAMES
    assert {(image.width(), image.height()) for image in images} == {(800, 320)}
    assert film.scrubber.frame == 2
    lit = [pixels(image)[:, :400].astype(int) for image in images]
    assert all(np.abs(a - b).max() > 100 for a, b in pairwise(lit))


def test_axes_hold_still_over_the_film_and_follow_again_after_it(film):
    curve = film.views[1]
    ranges = set()
    for _ in film.images():
        ranges.add((curve.y_axis.low, curve.y_axis.high))
    assert len(ranges) == 1
    assert max(ranges)[1] >= 2 * FRAMES
    assert curve.follows_y


def test_a_gif_has_all_frames_in_their_colours_and_at_their_speed(film, tmp_path):
    images = list(film.images())
    assert write_film(tmp_path / "film.gif", images, 8) == [tmp_path / "film.gif"]
    with Image.open(tmp_path / "film.gif") as gif:
        assert gif.n_frames == FRAMES
        assert gif.info["duration"] == 120  # hundredths of a second: 1 / 8 rounded
        assert gif.info["loop"] == 0
        for index, image in enumerate(images):
            gif.seek(index)
            shown = np.asarray(gif.convert("RGB")).astype(int)
            assert np.abs(shown - pixels(image)).mean() < 3


def test_numbered_images_lie_beside_each_other(film, tmp_path):
    files = write_film(tmp_path / "film.png", list(film.images()), 8)
    assert [file.name for file in files] == [f"film-000{number}.png" for number in range(1, FRAMES + 1)]
    with Image.open(files[-1]) as last:
        assert last.size == (400, 160)


def test_what_cannot_be_written_is_said_in_a_sentence(film, tmp_path):
    images = list(film.images())
    with pytest.raises(UserError, match=r"written as \.gif or \.png"):
        write_film(tmp_path / "film.mp4", images, 8)
    with pytest.raises(UserError, match="no frames"):
        write_film(tmp_path / "film.gif", [], 8)
    with pytest.raises(UserError, match="1 to 400 frames"):
        one = QImage(16, 16, QImage.Format.Format_RGB888)
        one.fill(QColor("white"))
        gif_bytes([one] * 401, 8)
    with pytest.raises(UserError, match="could not be written"):
        write_film(tmp_path / "nowhere" / "film.gif", images, 8)


def test_the_button_says_what_failed_and_when_there_is_nothing(film, qtbot, tmp_path):
    button = FilmButton(film)
    qtbot.addWidget(button)
    with qtbot.waitSignal(button.failed) as said:
        button.start(tmp_path / "nowhere" / "film.gif")
    assert "could not be written" in said.args[0]
    assert not button.is_drawing
    film.scrubber.set_count(1)
    with qtbot.waitSignal(button.failed) as said:
        button.start(tmp_path / "film.gif")
    assert "no film" in said.args[0]
    assert not list(tmp_path.iterdir())
