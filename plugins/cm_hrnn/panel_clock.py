"""The tiers' clock: when each tier ticks, its states, and copying what the slowest tier says to a later place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Signal, Slot
from PySide6.QtGui import QPainter

from plugins.cm_hrnn.frames import Take, Ticks
from workbench.views.painting import SMALL_PX, draw_image, draw_text, figure_font, pen, rgba_image
from workbench.views.picks import Pick, ReadOut
from workbench.views.plot import Bounds, PlotView
from workbench.views.theme import theme

if TYPE_CHECKING:
    from workbench.views.axis import Frame2D

BEAT, BAR = 4, 16
MOST_UNITS = 48
NO_TICKS = "No network has made this song: generate one to see its tiers tick."
ONE_TIER = "This network has one tier only: every event is a tick."


class ClockView(PlotView):
    """When each tier ticks and its state then: a row a tier, a column of units a tick, as wide as until the next.

    Dragging a cell of the slowest tier onto a later one emits `copied` (from tick, to tick): "sound like that".
    """

    copied = Signal(object, object)
    HAS_LOG_TOGGLES = False

    def __init__(self) -> None:
        super().__init__(
            "clock",
            "The tiers' clock",
            x_label="bar",
            hint="Each cell is a tick: units of the tier's state from -1 (blue) to 1 (red). Drag a cell of the top row "
            "onto a later one: the music there takes the earlier summary.",
        )
        self._ticks: tuple[Ticks, ...] = ()
        self._length = 1
        self._held = -1
        self._target = -1
        self._lit: tuple[int, ...] = ()
        self.y_axis.tick_labels = []
        self.grabs = self._is_slowest
        self.pressed.connect(self._press)
        self.dragged.connect(self._drag)
        self.released.connect(self._release)

    def set_ticks(self, ticks: Sequence[Ticks], length: int, why: str = NO_TICKS) -> None:
        """Show the ticks of a song of `length` sixteenths, the slowest tier first; `why` says why there are none."""
        self._ticks, self._length = tuple(ticks), max(length, 1)
        rows = len(self._ticks)
        self.y_axis.tick_labels = [(rows - 1 - index, own.tier) for index, own in enumerate(self._ticks)]
        bars = range(0, -(-self._length // BAR))
        self.x_axis.tick_labels = [(bar * BAR, str(bar + 1)) for bar in bars]
        self.show_message("" if rows else why)
        self.refresh()

    def bounds(self) -> Bounds | None:
        """From the first tick to the end."""
        if not self._ticks:
            return None
        start = min(0, *(int(own.times[0]) for own in self._ticks if len(own.times)))
        return (float(start), float(self._length)), (-0.5, len(self._ticks) - 0.5)

    def with_room(self, axis: Any, low: float, high: float) -> tuple[float, float]:
        """No more than the song."""
        return low, high

    def _cells(self, own: Ticks) -> np.ndarray:
        return np.append(own.times, max(self._length, int(own.times[-1]) + 1))

    def draw(self, painter: QPainter, frame: Frame2D, *, is_export: bool) -> None:
        """Draw each tick's state as a column of colours."""
        table = theme().colormap("crameri:vik")
        for row, own in enumerate(self._ticks):
            y = len(self._ticks) - 1 - row
            edges = self._cells(own)
            states = own.states[:, :MOST_UNITS]
            shade = np.clip((np.tanh(states) + 1) / 2 * 255, 0, 255).astype(int)
            top, bottom = frame.point(0, y + 0.42).y(), frame.point(0, y - 0.42).y()
            xs = frame.points(edges, np.zeros(len(edges)))[:, 0]
            for index in range(len(states)):
                if xs[index + 1] < frame.rect.left() or xs[index] > frame.rect.right():
                    continue
                cell = QRectF(xs[index], top, max(xs[index + 1] - xs[index] - 0.6, 1.0), bottom - top)
                draw_image(painter, cell, rgba_image(table[shade[index]][:, None]))
                if row < len(self._lit) and index == self._lit[row] and not is_export:
                    painter.setPen(pen(theme().accent, 2.5))
                    painter.drawRect(cell.adjusted(0, -2, 0, 2))
                if row == 0:
                    self._mark(painter, cell, index)

    def set_playhead(self, beat: float | None) -> None:
        """Light the cell of each tier that the music has reached; None: none of them."""
        time = None if beat is None else beat * BEAT + 1e-6
        lit = () if time is None else tuple(int(np.searchsorted(own.times, time, "right")) - 1 for own in self._ticks)
        if lit != self._lit:
            self._lit = lit
            self.refresh()

    @property
    def lit(self) -> tuple[int, ...]:
        """Index of the lit cell of each tier, from the slowest; -1 before its first tick, empty while nothing plays."""
        return self._lit

    def _mark(self, painter: QPainter, cell: QRectF, index: int) -> None:
        colours = theme()
        painter.setPen(
            pen(
                colours.warning if index in (self._held, self._target) else colours.muted,
                2.5 if index in (self._held, self._target) else 0.8,
            )
        )
        painter.drawRect(cell)
        if cell.width() > 12:
            painter.setFont(figure_font(SMALL_PX))
            box = QRectF(cell.left() + 2, cell.top() + 1, 18, 14)
            painter.fillRect(box, theme().background)
            draw_text(painter, box, str(index + 1), colours.foreground)

    def _slowest_at(self, x: float, y: float) -> int:
        if not self._ticks or abs(y - (len(self._ticks) - 1)) > 0.5:
            return -1
        return int(np.searchsorted(self._ticks[0].times, x, side="right")) - 1

    def _is_slowest(self, x: float, y: float) -> bool:
        return self._slowest_at(x, y) >= 0

    @Slot(object)
    def _press(self, pick: Pick) -> None:
        self._held = self._target = self._slowest_at(pick.x, pick.y)
        self.refresh()

    @Slot(object)
    def _drag(self, pick: Pick) -> None:
        self._target = self._slowest_at(pick.x, pick.y)
        self.refresh()

    @Slot(object)
    def _release(self, pick: Pick) -> None:
        source, target = self._held, self._slowest_at(pick.x, pick.y)
        self._held = self._target = -1
        self.refresh()
        if source >= 0 and target >= 0 and source != target:
            self.copied.emit(min(source, target), max(source, target))

    def read_out(self, frame: Frame2D, position: QPointF) -> ReadOut | None:
        """Say the tick under the mouse."""
        x, y = frame.data(position)
        row = len(self._ticks) - 1 - round(y)
        if not 0 <= row < len(self._ticks):
            return None
        own = self._ticks[row]
        index = int(np.searchsorted(own.times, x, side="right")) - 1
        if index < 0:
            return None
        bar, inside = divmod(int(own.times[index]), BAR)
        lines = [
            (theme().foreground, f"{own.tier}, tick {index + 1} of {len(own.times)}"),
            (theme().muted, f"after event {own.events[index]}, bar {bar + 1} beat {inside / BEAT + 1:g}"),
        ]
        if index:
            change = float(np.linalg.norm(own.states[index] - own.states[index - 1]))
            lines.append((theme().muted, f"its state moved by {change:.3g}"))
        return ReadOut(tuple(lines), has_crosshair=False)

    def data(self) -> Mapping[str, np.ndarray]:
        """Times and states of each tier."""
        made: dict[str, np.ndarray] = {}
        for own in self._ticks:
            made[f"{own.tier} times"], made[f"{own.tier} states"] = own.times, own.states
        return made


def take_ticks(take: Take | None) -> tuple[Ticks, ...]:
    """The ticks of a take, none where there is none."""
    return () if take is None else take.ticks
