"""FunctionEditor: a function that is drawn by mouse, with movable points at which something reads it.

── drawn  ● sensors
u │   ╭─●─╮        drag draws; with "sensors" a drag moves a point along the curve,
  │ ●─╯   ╰─●      a right click deletes it and a click adds one
  └──────────── x
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from PySide6.QtCore import QEvent, QObject, Qt, Signal, Slot
from PySide6.QtGui import QColor, QMouseEvent

from workbench.views.controls import SegmentedButtons
from workbench.views.curves import CurvesView
from workbench.views.painting import pen
from workbench.views.theme import theme

if TYPE_CHECKING:
    from jaxtyping import Float
    from PySide6.QtCore import QPointF
    from PySide6.QtGui import QPainter

    from workbench.views.axis import Axis, Frame2D
    from workbench.views.picks import Pick

DRAWN = "drawn"
REACH = 12.0
"""Logical pixels within which the mouse finds a sensor."""
SMALLEST_RANGE = 0.5
MOST_SENSORS = 200


class FunctionEditor(CurvesView):
    """One function on equispaced points, edited by strokes of a smooth brush.

    `values_changed` emits the values (n,) while the person draws, `drawing_finished` those before and after a stroke.
    `sensors_changed` and `sensors_finished` do the same for sensor positions, (m,) ascending. `brush` is the standard
    deviation of the smoothing along a stroke, as a share of the interval: what lies away from the stroke stays.
    """

    values_changed = Signal(object)
    drawing_finished = Signal(object, object)
    sensors_changed = Signal(object)
    sensors_finished = Signal(object, object)

    def __init__(
        self, name: str, title: str, x_label: str = "x", y_label: str = "u", *, brush: float = 0.02, label: str = "u",
        hint: str = "",
    ) -> None:  # fmt: skip
        super().__init__(
            name, title, x_label, y_label,
            hint=hint or "Drag to draw the function. With “sensors”: drag a dot, right-click deletes, click adds.",
        )  # fmt: skip
        self.brush = brush
        self.label = label
        self._x: np.ndarray = np.linspace(0.0, 1.0, 101)
        self._values: np.ndarray = np.zeros(101)
        self._sensors: np.ndarray = np.zeros(0)
        self._before: np.ndarray = self._values
        self._raw: np.ndarray = self._values
        self._touched: np.ndarray = np.zeros(101, bool)
        self._last: tuple[float, float] | None = None
        self._held = -1
        self._was_following = True
        self.drags = "edit"
        self.mode_buttons = SegmentedButtons(
            [("draw", "draw"), ("sensors", "sensors"), ("pan", "pan")], help="What a drag in this figure does"
        )
        self.mode_buttons.chosen.connect(self._choose_mode)
        self.add_tool(self.mode_buttons)
        self.pressed.connect(self._press)
        self.dragged.connect(self._drag)
        self.released.connect(self._release)
        self.set_drawing("sensors", self._draw_sensors)
        self._canvas.installEventFilter(self)

    # What panels use

    @property
    def mode(self) -> Literal["draw", "sensors", "pan"]:
        """What a drag does."""
        return self.mode_buttons.value  # type: ignore[return-value]

    @property
    def values(self) -> Float[np.ndarray, " n"]:
        """The function now."""
        return self._values.copy()

    @property
    def sensors(self) -> Float[np.ndarray, " m"]:
        """Sensor positions, ascending."""
        return self._sensors.copy()

    @property
    def is_drawing(self) -> bool:
        """Whether a stroke or a sensor is in the person's hand."""
        return self._last is not None or self._held >= 0

    def set_function(self, interval: tuple[float, float], values: Float[np.ndarray, " n"]) -> None:
        """Show these values, equally spaced over `interval`, without a signal. Raises ValueError below 4 values."""
        values = np.asarray(values, np.float64).ravel()
        if len(values) < 4:
            raise ValueError(f"{self.name}: a function needs 4 values or more, not {len(values)}")
        self._x = np.linspace(*interval, len(values))
        self._values = values.copy()
        self._show()

    def set_sensors(self, positions: Float[np.ndarray, " m"]) -> None:
        """Show sensors at these positions, without a signal."""
        self._sensors = np.sort(np.asarray(positions, np.float64).ravel())
        self.refresh()

    def _show(self) -> None:
        self.set_series(DRAWN, self._x, self._values, color="foreground", width=2.0, label=self.label)

    def with_room(self, axis: Axis, low: float, high: float) -> tuple[float, float]:
        """Leave room above and below to draw into."""
        if axis is not self.y_axis:
            return super().with_room(axis, low, high)
        middle, half = 0.5 * (low + high), max(0.5 * (high - low), 0.5 * SMALLEST_RANGE)
        return middle - 1.35 * half, middle + 1.35 * half

    # The mouse

    @Slot(object)
    def _choose_mode(self, mode: str) -> None:
        self.drags = "pan" if mode == "pan" else "edit"

    @Slot(object)
    def _press(self, pick: Pick) -> None:
        # The axis stays while the hand moves; following the curve would move the paper under the pen.
        self._was_following, self.follows_y = self.follows_y, False
        if self.mode == "sensors":
            self._before = self._sensors.copy()
            self._held = self._sensor_at(pick)
            if self._held < 0 and len(self._sensors) < MOST_SENSORS:
                place = float(np.clip(pick.x, self._x[0], self._x[-1]))
                self._sensors = np.sort(np.append(self._sensors, place))
                self._held = int(np.searchsorted(self._sensors, place))
                self._sensors_moved()
            return
        self._before = self._values.copy()
        self._raw, self._touched = self._values.copy(), np.zeros(len(self._values), bool)
        self._last = None
        self._stroke(pick)

    @Slot(object)
    def _drag(self, pick: Pick) -> None:
        if self.mode == "sensors":
            if self._held >= 0:
                place = float(np.clip(pick.x, self._x[0], self._x[-1]))
                rest = np.delete(self._sensors, self._held)
                self._held = int(np.searchsorted(rest, place))
                self._sensors = np.insert(rest, self._held, place)
                self._sensors_moved()
            return
        self._stroke(pick)

    @Slot(object)
    def _release(self, pick: Pick) -> None:
        self.follows_y = self._was_following
        if self.mode == "sensors":
            self._held = -1
            if not np.array_equal(self._before, self._sensors):
                self.sensors_finished.emit(self._before, self.sensors)
            return
        self._last = None
        self.refresh()
        if not np.array_equal(self._before, self._values):
            self.drawing_finished.emit(self._before, self.values)

    def _stroke(self, pick: Pick) -> None:
        """Write the way from the last place to this one into the samples, and smooth along the stroke."""
        x = float(np.clip(pick.x, self._x[0], self._x[-1]))
        y = float(np.clip(pick.y, self.y_axis.low, self.y_axis.high))
        first = self._last or (x, y)
        self._last = (x, y)
        step = self._x[1] - self._x[0]
        low, high = sorted((round((first[0] - self._x[0]) / step), round((x - self._x[0]) / step)))
        covered = np.arange(low, high + 1)
        ends = sorted((first, (x, y)))
        self._raw[covered] = np.interp(self._x[covered], [p[0] for p in ends], [p[1] for p in ends])
        self._touched[covered] = True
        deviation = max(self.brush * (len(self._values) - 1), 1e-3)
        smooth = _smoothed(self._raw, deviation)
        reach = np.convolve(self._touched, np.ones(2 * int(np.ceil(2 * deviation)) + 1), "same") > 0
        share = _smoothed(reach.astype(float), deviation)
        self._values = (1 - share) * self._before + share * smooth
        self._show()
        self.values_changed.emit(self.values)

    def _sensors_moved(self) -> None:
        self.refresh()
        self.sensors_changed.emit(self.sensors)

    def _sensor_at(self, pick: Pick) -> int:
        if not len(self._sensors):
            return -1
        frame = self.frame()
        pixels = frame.points(self._sensors, np.interp(self._sensors, self._x, self._values))
        here = frame.point(pick.x, pick.y)
        away = np.hypot(pixels[:, 0] - here.x(), pixels[:, 1] - here.y())
        nearest = int(away.argmin())
        return nearest if away[nearest] <= REACH else -1

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Delete the sensor under a right click while sensors are edited."""
        if (
            watched is self._canvas
            and isinstance(event, QMouseEvent)
            and event.type() == QEvent.Type.MouseButtonPress
            and event.button() == Qt.MouseButton.RightButton
            and self.mode == "sensors"
            and len(self._sensors) > 1
        ):
            index = self._sensor_at(self.pick_at(event.position()))
            if index >= 0:
                before = self._sensors.copy()
                self._sensors = np.delete(self._sensors, index)
                self._sensors_moved()
                self.sensors_finished.emit(before, self.sensors)
                return True
        return super().eventFilter(watched, event)

    def pick_at(self, position: QPointF) -> Pick:
        """The place under a pixel."""
        from workbench.views.picks import Pick

        return Pick(*self.frame().data(position))

    def pick(self, frame: Frame2D, position: QPointF) -> Pick:
        """Return the place itself: what is drawn goes where the mouse is, not to the nearest curve."""
        from workbench.views.picks import Pick

        return Pick(*frame.data(position))

    def _draw_sensors(self, painter: QPainter, frame: Frame2D) -> None:
        if not len(self._sensors):
            return
        pixels = frame.points(self._sensors, np.interp(self._sensors, self._x, self._values))
        radius = 3.6 if len(self._sensors) <= 40 else 2.2
        painter.setPen(pen(theme().background, 1.0))
        painter.setBrush(QColor(theme().accent))
        for x, y in pixels.tolist():
            if np.isfinite(y):
                painter.drawEllipse(int(x - radius), int(y - radius), int(2 * radius), int(2 * radius))
        painter.setBrush(Qt.BrushStyle.NoBrush)

    def data(self) -> Mapping[str, np.ndarray]:
        """Curves and sensors."""
        return dict(super().data()) | ({"sensors": self._sensors} if len(self._sensors) else {})

    def state(self) -> dict[str, Any]:
        """Zoom and the function."""
        return super().state() | {"interval": [float(self._x[0]), float(self._x[-1])], "values": self._values.tolist()}


def _smoothed(values: Float[np.ndarray, " n"], deviation: float) -> Float[np.ndarray, " n"]:
    """Gaussian smoothing in units of samples; at the ends the average of what there is."""
    half = int(np.ceil(3 * deviation))
    if half < 1:
        return values.copy()
    offsets = np.arange(-half, half + 1)
    kernel = np.exp(-0.5 * (offsets / deviation) ** 2)
    total = np.convolve(np.ones(len(values)), kernel)[half : half + len(values)]
    return np.convolve(values, kernel)[half : half + len(values)] / total


if __name__ == "__main__":
    from workbench.views.demo import show_demo

    def _make() -> FunctionEditor:
        view = FunctionEditor("input", "Draw a function")
        view.set_function((0, 1), np.sin(np.linspace(0, 6, 201)))
        view.set_sensors(np.linspace(0, 1, 11))
        return view

    show_demo(_make)
