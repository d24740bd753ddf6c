"""Figures and their data as files: one menu and one set of writers for all views.

Everything is drawn anew from the data at the size asked, never grabbed from the screen, so it also works on Qt's
`offscreen` platform. Lines keep their share of the figure: painters are scaled (a device pixel ratio for images, a
transform for PDF) and no pen is cosmetic, so at 4x a line is four times as many pixels wide.
"""

from __future__ import annotations

import csv
import io
import os
import secrets
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QMarginsF, QMimeData, QRect, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import QColor, QGuiApplication, QImage, QPainter, QPdfWriter
from PySide6.QtWidgets import QMenu

from workbench.sdk import UserError
from workbench.views.file_dialogs import ask_target, tell_problem
from workbench.views.painting import TEXT_PX, draw_text, figure_font
from workbench.views.theme import as_theme, theme

if TYPE_CHECKING:
    from workbench.views.base import View

MAX_PIXELS = 120_000_000
"""Bound on the pixels of an image: 480 MB of memory."""
POINTS_PER_INCH = 72
LOGICAL_PIXELS_PER_INCH = 96
PDF_RESOLUTION = 1200
MARGIN = 10.0


def export_view(view: View, path: Path, *, scale: int = 2, size: tuple[int, int] | None = None) -> None:
    """Write `view` to `path` as its suffix says; see View.export."""
    writers: dict[str, Callable[[], bytes]] = {
        ".png": lambda: png_bytes(view, scale, size),
        ".svg": lambda: svg_bytes(view, size),
        ".pdf": lambda: pdf_bytes(view, size),
        ".csv": lambda: csv_text(view.data()).encode("utf-8"),
        ".npz": lambda: npz_bytes(view.data()),
    }
    suffix = path.suffix.lower()
    if suffix not in writers:
        raise UserError(
            f"{path.name}: a view is exported as {', '.join(writers)}, not as {suffix or 'a file without suffix'}."
        )
    write_atomically(path, writers[suffix]())


def write_atomically(path: Path, content: bytes) -> None:
    """Write a whole file or nothing: to a temporary name beside it, then renamed. Raises UserError if it cannot."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise UserError(f"{path} could not be written: {error.strerror or error}.") from error


def draw_figure(view: View, painter: QPainter, size: tuple[int, int]) -> None:
    """Draw title and figure on a white page of `size` logical pixels, in the light theme."""
    width, height = size
    with as_theme("light"):
        painter.fillRect(QRectF(0, 0, width, height), QColor(theme().background))
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
        top = MARGIN
        if view.title:
            heading = QRectF(MARGIN, top, width - 2 * MARGIN, TEXT_PX * 1.6)
            painter.setFont(figure_font(TEXT_PX + 1, bold=True))
            draw_text(painter, heading, view.title, theme().foreground, Qt.AlignmentFlag.AlignLeft)
            top = heading.bottom() + 2
        painter.setFont(figure_font())
        view.paint(painter, QRectF(MARGIN, top, width - 2 * MARGIN, height - top - MARGIN))


def figure_image(view: View, scale: int = 2, size: tuple[int, int] | None = None) -> QImage:
    """Return the figure as an image of `scale` times `size` (default: as on the screen) pixels."""
    width, height = _checked_size(size or view.export_size())
    if not 1 <= scale <= 8 or width * height * scale**2 > MAX_PIXELS:
        raise UserError(f"An image of {width}x{height} at {scale}x is too large; scales go from 1 to 8.")
    image = QImage(width * scale, height * scale, QImage.Format.Format_ARGB32_Premultiplied)
    image.setDevicePixelRatio(scale)
    # Metadata only: it makes "actual size" in a viewer the size on the screen.
    image.setDotsPerMeterX(round(LOGICAL_PIXELS_PER_INCH * scale / 0.0254))
    image.setDotsPerMeterY(round(LOGICAL_PIXELS_PER_INCH * scale / 0.0254))
    painter = QPainter(image)
    try:
        draw_figure(view, painter, (width, height))
    finally:
        painter.end()
    return image


def png_bytes(view: View, scale: int = 2, size: tuple[int, int] | None = None) -> bytes:
    """Return the figure as a PNG."""
    return png_of(figure_image(view, scale, size))


def svg_bytes(view: View, size: tuple[int, int] | None = None) -> bytes:
    """Return the figure as SVG."""
    from PySide6.QtSvg import QSvgGenerator

    width, height = _checked_size(size or view.export_size())
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    generator = QSvgGenerator()
    generator.setOutputDevice(buffer)
    generator.setSize(QSize(width, height))
    generator.setViewBox(QRect(0, 0, width, height))
    generator.setResolution(LOGICAL_PIXELS_PER_INCH)
    generator.setTitle(view.title)
    painter = QPainter(generator)
    try:
        draw_figure(view, painter, (width, height))
    finally:
        painter.end()
    return _bytes_of(buffer.data())


def pdf_bytes(view: View, size: tuple[int, int] | None = None) -> bytes:
    """Return the figure as one PDF page that has just its size (96 logical pixels an inch)."""
    from PySide6.QtGui import QPageSize

    width, height = _checked_size(size or view.export_size())
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QPdfWriter(buffer)
    writer.setResolution(PDF_RESOLUTION)
    writer.setTitle(view.title)
    points = QSizeF(width, height) * (POINTS_PER_INCH / LOGICAL_PIXELS_PER_INCH)
    writer.setPageSize(QPageSize(points, QPageSize.Unit.Point, "", QPageSize.SizeMatchPolicy.ExactMatch))
    writer.setPageMargins(QMarginsF(0, 0, 0, 0))
    painter = QPainter(writer)
    try:
        painter.scale(PDF_RESOLUTION / LOGICAL_PIXELS_PER_INCH, PDF_RESOLUTION / LOGICAL_PIXELS_PER_INCH)
        draw_figure(view, painter, (width, height))
    finally:
        painter.end()
    return _bytes_of(buffer.data())


def csv_text(data: Mapping[str, np.ndarray], delimiter: str = ",") -> str:
    """Return arrays as one table: a column for a (n,) array, k columns for a (n, k) one, short ones padded empty.

    A single (h, w) array is written as a bare matrix without a header, as spreadsheets and `numpy.loadtxt` expect.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=delimiter, lineterminator="\n")
    arrays = {name: np.asarray(values) for name, values in data.items()}
    if len(arrays) == 1 and (matrix := next(iter(arrays.values()))).ndim == 2:
        writer.writerows(matrix.tolist())
        return stream.getvalue()
    columns: dict[str, list[object]] = {}
    for name, values in arrays.items():
        if values.ndim <= 1:
            columns[name] = np.atleast_1d(values).tolist()
        else:
            table = values.reshape(len(values), -1)
            columns |= {f"{name}_{index}": table[:, index].tolist() for index in range(table.shape[1])}
    writer.writerow(columns)
    rows = max((len(column) for column in columns.values()), default=0)
    for row in range(rows):
        writer.writerow([column[row] if row < len(column) else "" for column in columns.values()])
    return stream.getvalue()


def npz_bytes(data: Mapping[str, np.ndarray]) -> bytes:
    """Return arrays as a compressed NPZ archive."""
    stream = io.BytesIO()
    # A member's name may not contain "/" (metrics do): numpy would write folders that np.load cannot name.
    members = {name.replace("/", "_"): np.asarray(values) for name, values in data.items()}
    np.savez_compressed(stream, allow_pickle=False, **members)
    return stream.getvalue()


def copy_image(view: View) -> None:
    """Put the figure on the clipboard at twice its size on the screen."""
    QGuiApplication.clipboard().setImage(figure_image(view, scale=2))


def copy_data(view: View) -> None:
    """Put the data on the clipboard as tab-separated text, as spreadsheets paste it."""
    mime = QMimeData()
    mime.setText(csv_text(view.data(), delimiter="\t"))
    QGuiApplication.clipboard().setMimeData(mime)


def export_menu(view: View) -> QMenu:
    """Return a menu with every way to export `view`; all views use it."""
    menu = QMenu(view)
    menu.setToolTipsVisible(True)
    for scale in (1, 2, 3, 4):
        action = menu.addAction(f"PNG {scale}x …")
        action.triggered.connect(partial(_ask_and_export, view, ".png", scale))
    menu.addSeparator()
    menu.addAction("SVG …").triggered.connect(partial(_ask_and_export, view, ".svg", 1))
    menu.addAction("PDF …").triggered.connect(partial(_ask_and_export, view, ".pdf", 1))
    menu.addSeparator()
    data_actions = [menu.addAction("Data CSV …"), menu.addAction("Data NPZ …")]
    for action, suffix in zip(data_actions, (".csv", ".npz"), strict=True):
        action.triggered.connect(partial(_ask_and_export, view, suffix, 1))
    menu.addSeparator()
    menu.addAction("Copy image").triggered.connect(partial(_guarded, view, view.copy_image))
    data_actions.append(menu.addAction("Copy data"))
    data_actions[-1].triggered.connect(partial(_guarded, view, partial(copy_data, view)))
    if not view.data():
        for action in data_actions:
            action.setEnabled(False)
            action.setToolTip("There is no data yet.")
    return menu


_last_folder = ""


def _ask_and_export(view: View, suffix: str, scale: int, checked: bool = False) -> None:
    proposal = str(Path(_last_folder) / f"{view.name}{suffix}")

    def write(chosen: Path) -> None:
        global _last_folder
        path = chosen if chosen.suffix.lower() == suffix else chosen.with_name(chosen.name + suffix)
        _last_folder = str(path.parent)
        _guarded(view, partial(export_view, view, path, scale=scale))

    ask_target(view, f"Export {view.title}", proposal, [f"*{suffix}"], write)


def _guarded(view: View, act: Callable[[], None], checked: bool = False) -> None:
    try:
        act()
    except UserError as error:
        tell_problem(view, "Export", str(error))


def _checked_size(size: tuple[int, int]) -> tuple[int, int]:
    width, height = size
    if not (16 <= width <= 20_000 and 16 <= height <= 20_000):
        raise UserError(f"A figure can be 16 to 20000 pixels wide and high, not {width}x{height}.")
    return width, height


def png_of(image: QImage) -> bytes:
    """Return an image as a PNG."""
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")  # type: ignore[call-overload]
    return _bytes_of(buffer.data())


def _bytes_of(array: QByteArray) -> bytes:
    return bytes(array.data())
