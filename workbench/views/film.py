"""Films: views drawn at every frame of a scrubber, written as an animated GIF or as numbered images.

A Film says which views stand beside each other and which scrubber moves them; FilmButton is the small menu beside the
scrubber. Frames are drawn anew from the data, as every export is. Axes that follow the data are held still over the
whole film, so that only what moves in the data moves in the picture.

Qt writes no GIF; Pillow does, with one palette for all frames so that colours do not flicker.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QRect, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QMenu, QToolButton

from workbench.sdk import UserError
from workbench.views.figure_export import figure_image, png_of, write_atomically
from workbench.views.file_dialogs import ask_target
from workbench.views.plot import PlotView

if TYPE_CHECKING:
    from PIL.Image import Image

    from workbench.views.base import View
    from workbench.views.controls import FrameScrubber

DEFAULT_SIZE = (420, 340)
"""Logical pixels of each view in a film."""
COLOURS = 256
PALETTE_SIDE = 96
"""Frames are shrunk to this many pixels a side for the choice of the palette."""
LONGEST_GIF = 400
FILM_SUFFIXES = (".gif", ".png")
NOTHING = "There is no film to write yet."


@dataclass(frozen=True)
class Film:
    """Views beside each other, drawn at every index of `scrubber`, which must redraw them at once."""

    name: str
    views: tuple[View, ...]
    scrubber: FrameScrubber
    size: tuple[int, int] = DEFAULT_SIZE

    def images(self, scale: int = 1) -> Iterator[QImage]:
        """Draw one image a frame, from the first to the last; afterwards the frame shown before is shown again."""
        shown = self.scrubber.frame
        try:
            with self._held_axes():
                for index in range(self.scrubber.count):
                    self.scrubber.go_to(index)
                    yield self._drawn(scale)
        finally:
            self.scrubber.go_to(shown)

    def _drawn(self, scale: int) -> QImage:
        width, height = self.size
        whole = QImage(width * len(self.views) * scale, height * scale, QImage.Format.Format_RGB888)
        whole.fill(Qt.GlobalColor.white)
        painter = QPainter(whole)
        try:
            for column, view in enumerate(self.views):
                target = QRect(column * width * scale, 0, width * scale, height * scale)
                painter.drawImage(target, figure_image(view, scale, self.size))
        finally:
            painter.end()
        return whole

    @contextmanager
    def _held_axes(self) -> Iterator[None]:
        """Ranges of following axes over the whole film, for the time of drawing."""
        following = [view for view in self.views if isinstance(view, PlotView) and view.follows_x and view.follows_y]
        found: dict[PlotView, list[np.ndarray]] = {view: [] for view in following}
        for index in range(self.scrubber.count):
            self.scrubber.go_to(index)
            for view in following:
                if (bounds := view.bounds()) is not None:
                    found[view].append(np.asarray(bounds, float))
        for view, all_bounds in found.items():
            if all_bounds:
                (x0, x1), (y0, y1) = (
                    (float(own[:, 0].min()), float(own[:, 1].max())) for own in np.stack(all_bounds, 1)
                )
                view.set_range(view.with_room(view.x_axis, x0, x1), view.with_room(view.y_axis, y0, y1))
        try:
            yield
        finally:
            for view in following:
                view.fit()


def gif_bytes(images: Sequence[QImage], frames_per_second: float) -> bytes:
    """Return images as an animated GIF that loops. Raises UserError for no images or too many."""
    if not 1 <= len(images) <= LONGEST_GIF:
        raise UserError(f"A GIF can have 1 to {LONGEST_GIF} frames, not {len(images)}; write numbered images instead.")
    from PIL.Image import Dither

    pictures = [_pillow(image) for image in images]
    palette = _common_palette(pictures)
    frames = [picture.quantize(palette=palette, dither=Dither.NONE) for picture in pictures]
    stream = io.BytesIO()
    # GIF counts in hundredths of a second, and viewers slow frames shorter than two of them down.
    duration = max(20, round(100 / frames_per_second) * 10)
    frames[0].save(stream, "GIF", save_all=True, append_images=frames[1:], duration=duration, loop=0, optimize=False)
    return stream.getvalue()


def write_film(path: Path, images: Sequence[QImage], frames_per_second: float) -> list[Path]:
    """Write a .gif, or for .png numbered images NAME-0001.png beside each other. Returns the files written.

    Raises UserError with one sentence for another suffix, for no images, and where a file cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix not in FILM_SUFFIXES:
        raise UserError(f"{path.name}: a film is written as {' or '.join(FILM_SUFFIXES)}, not as {suffix or 'this'}.")
    if not images:
        raise UserError("There are no frames to write yet.")
    if suffix == ".gif":
        write_atomically(path, gif_bytes(images, frames_per_second))
        return [path]
    files = [path.with_name(f"{path.stem}-{number:04d}.png") for number in range(1, len(images) + 1)]
    for file, image in zip(files, images, strict=True):
        write_atomically(file, png_of(image))
    return files


def _pillow(image: QImage) -> Image:
    from PIL import Image as Pillow

    made = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(made.constBits(), np.uint8).reshape(made.height(), made.bytesPerLine())
    pixels = rows[:, : 3 * made.width()].reshape(made.height(), made.width(), 3)
    return Pillow.fromarray(pixels.copy())


def _common_palette(pictures: Sequence[Image]) -> Image:
    """One palette from all frames, shrunk and stacked."""
    from PIL import Image as Pillow

    some = pictures[:: max(1, len(pictures) // 32)]
    strip = Pillow.new("RGB", (PALETTE_SIDE * len(some), PALETTE_SIDE))
    for index, picture in enumerate(some):
        strip.paste(picture.resize((PALETTE_SIDE, PALETTE_SIDE), Pillow.Resampling.NEAREST), (index * PALETTE_SIDE, 0))
    return strip.quantize(COLOURS, method=Pillow.Quantize.MEDIANCUT)


class FilmButton(QToolButton):
    """Menu that writes a Film; while it draws, frame by frame between other events, a click stops it.

    `finished` emits the files written (a list of Path), `failed` a sentence; `say` is told both in a sentence.
    """

    finished = Signal(object)
    failed = Signal(object)

    def __init__(self, film: Film, say: Callable[[str], None] | None = None) -> None:
        super().__init__()
        self.film, self._say = film, say
        self._path = Path()
        self._images: list[QImage] = []
        self._drawing: Iterator[QImage] | None = None
        self._menu = QMenu(self)
        for text, suffix, scale in (
            ("GIF …", ".gif", 1), ("GIF 2x …", ".gif", 2), ("Numbered PNG …", ".png", 1),
            ("Numbered PNG 2x …", ".png", 2),
        ):  # fmt: skip
            self._menu.addAction(text).triggered.connect(partial(self._ask, suffix, scale))
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setAutoRaise(True)
        self.setAccessibleName("Export the film")
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._draw_one)
        self.clicked.connect(self.stop)
        self.failed.connect(self._tell)
        self._show_idle()

    @property
    def is_drawing(self) -> bool:
        """Whether a film is being drawn."""
        return self._drawing is not None

    def start(self, path: Path, scale: int = 1) -> None:
        """Draw the film and write it to `path`; see write_film."""
        if self._drawing is not None:
            return
        if self.film.scrubber.count < 2:
            self.failed.emit(NOTHING)
            return
        self.film.scrubber.set_playing(False)
        self._path, self._images = path, []
        self._drawing = self.film.images(scale)
        self.setMenu(None)  # type: ignore[arg-type]
        self.setToolTip("Stop drawing the film")
        self._timer.start()

    @Slot()
    def stop(self) -> None:
        """Give up a film that is being drawn."""
        if self._drawing is not None:
            self._end()

    @Slot()
    def _draw_one(self) -> None:
        drawing = self._drawing
        if drawing is None:
            return
        try:
            self._images.append(next(drawing))
        except StopIteration:
            self._write()
        except UserError as error:
            self._end()
            self.failed.emit(str(error))
        else:
            self.setText(f"{len(self._images)}/{self.film.scrubber.count}")

    def _write(self) -> None:
        images = self._images
        self._end()
        try:
            files = write_film(self._path, images, self.film.scrubber.frames_per_second)
        except UserError as error:
            self.failed.emit(str(error))
        else:
            self.finished.emit(files)
            self._tell(
                f"Wrote {self._path}." if len(files) == 1 else f"Wrote {len(files)} images to {files[0].parent}."
            )

    @Slot(object)
    def _tell(self, sentence: str) -> None:
        if self._say is not None:
            self._say(sentence)

    def _end(self) -> None:
        self._timer.stop()
        drawing, self._drawing, self._images = self._drawing, None, []
        if drawing is not None:
            drawing.close()  # type: ignore[attr-defined]
        self._show_idle()

    def _show_idle(self) -> None:
        self.setText("Film ⇩")
        self.setToolTip("Write all frames as a GIF or as numbered images")
        self.setMenu(self._menu)

    def _ask(self, suffix: str, scale: int, checked: bool = False) -> None:
        if self.film.scrubber.count < 2:
            self.failed.emit(NOTHING)
            return
        proposal = Path.home() / f"{self.film.name}{suffix}"
        ask_target(self, "Export the film", proposal, [f"*{suffix}"], partial(self._chosen, suffix, scale))

    def _chosen(self, suffix: str, scale: int, path: Path) -> None:
        self.start(path if path.suffix.lower() == suffix else path.with_name(path.name + suffix), scale)
