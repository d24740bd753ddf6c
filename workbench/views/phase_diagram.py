r"""PhaseDiagramView: which phase a system is in over two control parameters, with boundaries, probes and a handle.

T ┌──────────────┐
  │ ░░░░░░░░░░░░ │   lines: boundaries; circles: what was measured there, filled by value
  │ ▒▒▒▒\░░░░◎░░ │   ◎ the handle, dragged to another point; a click elsewhere asks for a probe
  │ ▓▓▓▓▓\▒▒▒▒▒▒ │
  └──────────────┘ load
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QColor

from workbench.views.colour_bar import ColourScale
from workbench.views.controls import SegmentedButtons
from workbench.views.image import ImageView
from workbench.views.legend import LegendEntry
from workbench.views.painting import LineStyle, draw_curve, mixed, pen
from workbench.views.picks import Pick, ReadOut
from workbench.views.theme import theme
from workbench.views.ticks import format_number

if TYPE_CHECKING:
    from jaxtyping import Float
    from PySide6.QtCore import QPointF
    from PySide6.QtGui import QPainter

    from workbench.views.axis import Frame2D

PROBE_RADIUS, HANDLE_RADIUS, REACH = 6.0, 8.0, 14.0
"""Sizes in logical pixels; REACH is how near the mouse must be to take the handle."""
WASH = 0.55
"""Share of the background in a phase's colour, so that lines stand out from it."""


@dataclass(frozen=True)
class Phase:
    """A phase: what it is called, and its colour (an index of the theme's series or a name)."""

    label: str
    colour: str | int


class PhaseDiagramView(ImageView):
    """Phases (or a value) as an image over two axes, with lines, probes and a handle.

    `probe_asked` emits a Pick where the person clicked, `handle_moved` and `handle_dropped` one while and after the
    handle is dragged.
    """

    probe_asked = Signal(object)
    handle_moved = Signal(object)
    handle_dropped = Signal(object)

    def __init__(
        self,
        name: str,
        title: str,
        phases: Sequence[Phase],
        *,
        x_label: str,
        y_label: str,
        value_label: str = "",
        value_levels: tuple[float, float] | None = None,
        hint: str = "",
    ) -> None:
        super().__init__(
            name,
            title,
            x_label=x_label,
            y_label=y_label,
            value_label=value_label,
            aspect="free",
            hint=hint or "Click for a probe there; drag the ring; hover to read; the wheel zooms, drag pans.",
        )
        self.phases = tuple(phases)
        self.value_levels = value_levels
        self._phase: np.ndarray | None = None
        self._value: np.ndarray | None = None
        self._edges = (0.0, 1.0, 0.0, 1.0)
        self._boundaries: dict[str, tuple[np.ndarray, np.ndarray, str | int, LineStyle]] = {}
        self._probes = np.empty((0, 3))
        self._words: tuple[str, ...] = ()
        self._handle: tuple[float, float] | None = None
        self._is_held = False
        self._shown = SegmentedButtons(
            [("phase", "phase"), ("value", value_label or "value")], help="What the colours are"
        )
        self._shown.chosen.connect(self._choose)
        self.add_tool(self._shown)
        self.grabs = self._is_near_handle
        self.pressed.connect(self._take)
        self.dragged.connect(self._drag)
        self.released.connect(self._drop)
        self.clicked.connect(self.probe_asked)

    @property
    def shows(self) -> Literal["phase", "value"]:
        """What the colours are."""
        return "value" if self._shown.value == "value" else "phase"

    def set_map(
        self, x: Float[np.ndarray, " w"], y: Float[np.ndarray, " h"], phase: Float[np.ndarray, "h w"],
        value: Float[np.ndarray, "h w"],
    ) -> None:  # fmt: skip
        """Show phases (whole numbers, NaN where not known) and a value over evenly spaced x and y."""
        self._phase, self._value = np.asarray(phase, np.float64), np.asarray(value, np.float64)
        half_x, half_y = (0.5 * float(axis[-1] - axis[0]) / max(1, len(axis) - 1) for axis in (x, y))
        self._edges = (float(x[0]) - half_x, float(x[-1]) + half_x, float(y[0]) - half_y, float(y[-1]) + half_y)
        self._show()

    def set_boundary(
        self, name: str, x: np.ndarray, y: np.ndarray, *, colour: str | int = "foreground", style: LineStyle = "solid"
    ) -> None:
        """Draw or replace a line; `name` stands in the legend."""
        self._boundaries[name] = np.asarray(x, float), np.asarray(y, float), colour, style
        self.refresh()

    def clear_boundaries(self) -> None:
        """Remove all lines."""
        self._boundaries.clear()
        self.refresh()

    @property
    def boundary_names(self) -> tuple[str, ...]:
        """The lines, in order."""
        return tuple(self._boundaries)

    def set_probes(self, points: Float[np.ndarray, "p 3"], words: Sequence[str] = ()) -> None:
        """Draw points (x, y, value) filled in the value's colour; `words` are what hovering says of each."""
        self._probes, self._words = np.asarray(points, float).reshape(-1, 3), tuple(words)
        self.refresh()

    def set_handle(self, position: tuple[float, float] | None) -> None:
        """Place the ring that can be dragged; while it is held it stays with the hand."""
        if not self._is_held:
            self._handle = position
            self.refresh()

    @property
    def handle(self) -> tuple[float, float] | None:
        """Where the ring is."""
        return self._handle

    def _show(self) -> None:
        if self._phase is None or self._value is None:
            return
        if self.shows == "value":
            self.set_levels(self.value_levels)
            self.set_image(self._value, extent=self._edges)
            return
        colours = np.zeros((*self._phase.shape, 4), np.uint8)
        for index, phase in enumerate(self.phases):
            tone = QColor(mixed(theme().colour(phase.colour), theme().background, WASH))
            colours[self._phase == index] = (tone.red(), tone.green(), tone.blue(), 255)
        self.set_image(colours, extent=self._edges)

    @Slot(object)
    def _choose(self, shown: str) -> None:
        self._show()

    def restyle(self) -> None:
        """Take the phases' colours of the new theme."""
        self._show()
        super().restyle()

    def colour_scale(self) -> ColourScale | None:
        """What the value's colours mean; probes use them too."""
        if self._value is None or (self.shows == "phase" and not len(self._probes)):
            return None
        return self._value_scale()

    def _value_scale(self) -> ColourScale:
        low, high = self.value_levels or (0.0, 1.0)
        return ColourScale(low, high, self.colormap, self.value_label)

    def draw(self, painter: QPainter, frame: Frame2D, *, is_export: bool) -> None:
        """Draw the map, the lines, the probes, and the handle."""
        super().draw(painter, frame, is_export=is_export)
        for x, y, colour, style in self._boundaries.values():
            points = frame.points(x, y)
            draw_curve(painter, points, theme().background, 4.0, is_export=is_export)
            draw_curve(painter, points, theme().colour(colour), 2.0, style, is_export=is_export)
        if len(self._probes):
            fills = self._value_scale().rgba(self._probes[:, 2])
            for (x, y, _), fill in zip(self._probes, fills.tolist(), strict=True):
                painter.setPen(pen(theme().foreground, 1.4))
                painter.setBrush(QColor(*fill))
                painter.drawEllipse(frame.point(x, y), PROBE_RADIUS, PROBE_RADIUS)
        painter.setBrush(QColor(0, 0, 0, 0))
        if self._handle is not None:
            centre = frame.point(*self._handle)
            for colour, width in ((theme().background, 5.0), (theme().accent, 2.6)):
                painter.setPen(pen(colour, width))
                painter.drawEllipse(centre, HANDLE_RADIUS, HANDLE_RADIUS)

    def legend_entries(self) -> Sequence[LegendEntry]:
        """The phases that occur, and the lines."""
        entries = []
        if self._phase is not None and self.shows == "phase":
            for index, phase in enumerate(self.phases):
                if (self._phase == index).any():
                    tone = mixed(theme().colour(phase.colour), theme().background, WASH)
                    entries.append(LegendEntry("", phase.label, tone, "box"))
        for name, (_, _, colour, style) in self._boundaries.items():
            entries.append(LegendEntry(name, name, theme().colour(colour), "line", style))
        return tuple(entries)

    def read_out(self, frame: Frame2D, position: QPointF) -> ReadOut | None:
        """Say the nearest probe, or the phase and value under the mouse."""
        near = self._probe_at(frame, position)
        if near is not None and near < len(self._words):
            return ReadOut(((theme().foreground, self._words[near]),), has_crosshair=False)
        x, y = frame.data(position)
        lines = [(theme().muted, f"{self.x_axis.label} {format_number(x)}  {self.y_axis.label} {format_number(y)}")]
        cell = self.cell(x, y)
        if cell is not None and self._phase is not None and self._value is not None:
            number = self._phase[cell]
            if math.isfinite(number) and 0 <= int(number) < len(self.phases):
                lines.append((theme().foreground, self.phases[int(number)].label))
            if math.isfinite(self._value[cell]):
                lines.append((theme().foreground, f"{self.value_label} {format_number(self._value[cell])}"))
        return ReadOut(tuple(lines))

    def _probe_at(self, frame: Frame2D, position: QPointF) -> int | None:
        if not len(self._probes):
            return None
        away = frame.points(self._probes[:, 0], self._probes[:, 1]) - (position.x(), position.y())
        distance = np.hypot(*away.T)
        nearest = int(distance.argmin())
        return nearest if distance[nearest] <= PROBE_RADIUS + 3 else None

    def pick(self, frame: Frame2D, position: QPointF) -> Pick:
        """Return the place, and the index of a probe under the mouse."""
        near = self._probe_at(frame, position)
        return Pick(*frame.data(position), "probe" if near is not None else "", -1 if near is None else near)

    # The handle

    def _is_near_handle(self, x: float, y: float) -> bool:
        if self._handle is None:
            return False
        frame = self.frame()
        away = frame.point(x, y) - frame.point(*self._handle)
        return math.hypot(away.x(), away.y()) <= REACH

    @Slot(object)
    def _take(self, pick: Pick) -> None:
        self._is_held = True

    @Slot(object)
    def _drag(self, pick: Pick) -> None:
        frame = self.frame()
        self._handle = (
            min(max(pick.x, frame.x.low), frame.x.high),
            min(max(pick.y, frame.y.low), frame.y.high),
        )
        self.refresh()
        self.handle_moved.emit(Pick(*self._handle))

    @Slot(object)
    def _drop(self, pick: Pick) -> None:
        self._is_held = False
        if self._handle is not None:
            self.handle_dropped.emit(Pick(*self._handle))

    def data(self) -> Mapping[str, np.ndarray]:
        """The map with its axes, each line, and the probes."""
        if self._phase is None or self._value is None:
            return {}
        height, width = self._phase.shape
        x0, x1, y0, y1 = self._edges
        found: dict[str, np.ndarray] = {
            "x": x0 + (np.arange(width) + 0.5) * (x1 - x0) / width,
            "y": y0 + (np.arange(height) + 0.5) * (y1 - y0) / height,
            "phase": self._phase,
            "value": self._value,
        }
        for name, (x, y, _, _) in self._boundaries.items():
            found[f"boundary {name}"] = np.stack([x, y], 1)
        return found | ({"probes": self._probes} if len(self._probes) else {})

    def state(self) -> dict[str, Any]:
        """Zoom, what the colours are, and where the handle is."""
        return super().state() | {"shows": self.shows, "handle": list(self._handle) if self._handle else None}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore what `state` returned."""
        super().restore({key: value for key, value in state.items() if key != "levels"})
        if state.get("shows") in ("phase", "value"):
            self._shown.set_value(state["shows"])
            self._show()
        handle = state.get("handle")
        if isinstance(handle, list) and len(handle) == 2 and all(isinstance(part, (int, float)) for part in handle):
            self.set_handle((float(handle[0]), float(handle[1])))


if __name__ == "__main__":
    from workbench.views.demo import show_demo

    def _make() -> PhaseDiagramView:
        phases = (Phase("disordered", "muted"), Phase("ordered", 0))
        view = PhaseDiagramView("phases", "Phases", phases, x_label="load", y_label="noise", value_label="m")
        x, y = np.linspace(0, 1, 40), np.linspace(0, 1, 40)
        order = np.clip(1 - x[None] - y[:, None] ** 2, 0, 1)
        view.set_map(x, y, (order > 0).astype(float), order)
        view.set_boundary("transition", 1 - y**2, y)
        view.set_probes(np.array([[0.2, 0.3, 0.7], [0.7, 0.8, 0.0]]), ("m 0.7", "m 0"))
        view.set_handle((0.4, 0.4))
        return view

    show_demo(_make)
