"""StripsView: every representation's code along a path, one strip each, with its jumps flagged.

6D   │~~~~~~~~~~~~│
Quat │~~~~~|~~~~~~│     | a jump: the code leaps, the rotation does not
Euler│~~|~~~~~~|~~│
      turned (degrees)
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter

from plugins.rotation_continuity.contract import LABELS
from plugins.rotation_continuity.frames import PathAnswer
from plugins.rotation_continuity.panel_parts import colour
from workbench.views import PlotView
from workbench.views.axis import Frame2D
from workbench.views.decimation import decimate
from workbench.views.painting import SMALL_PX, draw_curve, draw_text, figure_font, mixed, pen, text_height
from workbench.views.picks import Pick, ReadOut
from workbench.views.plot import Bounds
from workbench.views.theme import theme
from workbench.views.ticks import format_number

STRIP = 0.84
"""Part of a strip's height that its curves take."""
SHADES = (0.0, 0.3, 0.5, 0.15, 0.4, 0.6, 0.2, 0.45, 0.65)
"""Share of the background in the colours of a code's entries, to tell neighbours apart."""


class StripsView(PlotView):
    """Codes along a path; `clicked` emits a Pick whose index is the nearest sample's."""

    HAS_LOG_TOGGLES = False

    def __init__(self, name: str, title: str) -> None:
        super().__init__(
            name, title, x_label="turned so far", x_unit="°",
            hint="Each strip is one code, all its numbers; a red line is a jump. Click to see the rotation there.",
        )  # fmt: skip
        self._path: PathAnswer | None = None
        self._length = 0.0
        self.y_axis.is_reversed = True

    def set_path(self, path: PathAnswer, length: float = 0.0) -> None:
        """Show a path's codes; `length` (degrees) keeps room for what is still to come."""
        self._path, self._length = path, length
        self.y_axis.tick_labels = [(index + 0.5, LABELS[name]) for index, name in enumerate(path.names)]
        self.show_message("")
        self.refresh()

    def bounds(self) -> Bounds | None:
        """The whole path across, one unit a representation down."""
        if self._path is None:
            return None
        end = max(float(self._path.travelled[-1]), self._length, 1e-3)
        return (0.0, end), (0.0, float(len(self._path.names)))

    def with_room(self, axis: object, low: float, high: float) -> tuple[float, float]:
        """Leave no margins: the strips fill the figure."""
        return low, high

    def draw(self, painter: QPainter, frame: Frame2D, *, is_export: bool) -> None:
        """Draw each strip's curves, then its jumps over the whole height of the strip."""
        path = self._path
        if path is None:
            return
        colours, start = theme(), 0
        for index, (name, width) in enumerate(zip(path.names, path.widths, strict=True)):
            codes = path.codes[:, start : start + width].astype(np.float64)
            start += width
            top, bottom = index + (1 - STRIP) / 2, index + (1 + STRIP) / 2
            if index:
                painter.setPen(pen(colours.grid, 1.0))
                y = frame.point(0.0, float(index)).y()
                painter.drawLine(QPointF(frame.rect.left(), y), QPointF(frame.rect.right(), y))
            low, high = _range(codes)
            x, own = path.travelled.astype(np.float64), colours.colour(colour(name))
            places = x[np.flatnonzero(path.jumps[index])]
            painter.setPen(pen(colours.error, 1.6))
            for place in places[:400]:
                a, b = frame.point(float(place), top - 0.06), frame.point(float(place), bottom + 0.06)
                painter.drawLine(a, b)
            for entry in range(width):
                y = bottom - (bottom - top) * np.clip((codes[:, entry] - low) / (high - low), -0.05, 1.05)
                # A jump is a gap in the curve, not a steep line: the code is never in between.
                broken = np.where(path.jumps[index], np.nan, y)
                cut_x, cut_y = decimate(x, broken, frame.x.low, frame.x.high, int(frame.rect.width()))
                shade = mixed(own, colours.background, SHADES[entry % len(SHADES)])
                draw_curve(painter, frame.points(cut_x, cut_y), shade, 1.6, "solid", is_export=is_export)
            self._write(painter, frame, index, len(places), float(path.gaps[index]))

    def _write(self, painter: QPainter, frame: Frame2D, index: int, jumps: int, gap: float) -> None:
        colours, font = theme(), figure_font(SMALL_PX)
        words = "no jump" if jumps == 0 else "1 jump" if jumps == 1 else f"{jumps} jumps"
        if np.isfinite(gap):
            words += ", closes" if gap < 0.05 else f", ends {gap:.2f} away"
        top = frame.point(0.0, float(index)).y() + 2
        height = text_height(font)
        painter.setFont(font)
        width = painter.fontMetrics().horizontalAdvance(words) + 8
        place = QRectF(frame.rect.right() - width - 3, top, width, height)
        painter.fillRect(place, mixed(colours.background, colours.background, 0))
        draw_text(painter, place, words, colours.error if jumps else colours.success, Qt.AlignmentFlag.AlignCenter)

    def read_out(self, frame: Frame2D, position: QPointF) -> ReadOut | None:
        """Say the code of the strip under the mouse."""
        path = self._path
        if path is None:
            return None
        x, y = frame.data(position)
        row, sample = int(y), self._sample(x)
        if not 0 <= row < len(path.names):
            return None
        start = sum(path.widths[:row])
        code = path.codes[sample, start : start + path.widths[row]]
        name = path.names[row]
        numbers = "  ".join(format_number(float(value), 3) for value in code)
        lines = [
            (theme().colour(colour(name)), f"{LABELS[name]}  {numbers}"),
            (
                theme().muted,
                f"{format_number(path.travelled[sample], 4)}°, moving {path.speed[row, sample]:.2f} a radian",
            ),
        ]
        if path.jumps[row, sample]:
            lines.append((theme().error, "jumps here"))
        return ReadOut(tuple(lines), ((float(path.travelled[sample]), y, theme().foreground),))

    def pick(self, frame: Frame2D, position: QPointF) -> Pick:
        """Return the nearest sample."""
        x, y = frame.data(position)
        return Pick(x, y, "", self._sample(x))

    def _sample(self, x: float) -> int:
        if self._path is None:
            return -1
        return int(np.clip(np.searchsorted(self._path.travelled, x), 0, len(self._path.travelled) - 1))

    def data(self) -> Mapping[str, np.ndarray]:
        """Columns of the path: degrees turned, every code's entries, and the jumps."""
        path = self._path
        if path is None:
            return {}
        columns: dict[str, np.ndarray] = {"turned": path.travelled}
        start = 0
        for index, (name, width) in enumerate(zip(path.names, path.widths, strict=True)):
            for entry in range(width):
                columns[f"{name}.{entry}"] = path.codes[:, start + entry]
            columns[f"{name}.jump"] = path.jumps[index].astype(np.int64)
            start += width
        return columns


def _range(codes: np.ndarray) -> tuple[float, float]:
    """Range of a strip: that of most codes (some run off to infinity), and at least one unit, so that rest is flat."""
    low, high = (float(edge) for edge in np.percentile(codes, (2, 98)))
    middle, half = (low + high) / 2, max((high - low) / 2, 0.5)
    return middle - half, middle + half
