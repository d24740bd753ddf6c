"""View of the plane without a network: points, tilings, and figures drawn and measured by mouse."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from PySide6.QtCore import Slot
from PySide6.QtWidgets import (
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from plugins.poincare_resnet.contract import ExploreFrame
from plugins.poincare_resnet.panel_parts import LEVELS, draw_hyperplane
from workbench.views import CurvesView, ExperimentView, HistogramView, SessionPort, TableView
from workbench.views.edits import Edit
from workbench.views.hyperbolic_plane import circle, distance, signed_distance
from workbench.views.layouts import above, beside
from workbench.views.poincare_disk import PoincareDiskView

FIGURES = {"geodesic": 2, "triangle": 3, "circle": 2, "hyperplane": 1}
"""How many corners each takes."""
CORNERS = ("A", "B", "C")
FARTHEST_CORNER = 0.999
FIRST_CORNERS = (-0.55 - 0.35j, 0.6 - 0.3j, 0.05 + 0.65j)


class ExploreView(ExperimentView):
    """The disk at the left; what was drawn in it is measured at the right, beside what a flat plane would say."""

    hint = "Click to place the corners of the figure chosen under Play, drag them; drag the empty plane to move it."

    def __init__(self, port: SessionPort, parent: QWidget | None = None) -> None:
        super().__init__(port, parent)
        self._corners: list[complex] = list(FIRST_CORNERS)
        self._before: list[complex] = []
        self._frame: ExploreFrame | None = None
        self.disk = PoincareDiskView(
            "disk", "Hyperbolic plane",
            hint="Click places a corner, drag moves it or the plane, right-click makes a place the origin, Shift+drag "
            "selects.",
        )  # fmt: skip
        self.measured = TableView("measured", "Measured")
        self.distances = HistogramView("distances", "Distances of the points from the origin", "distance")
        self.room = CurvesView("room", "Room at a distance", "distance", "length of the circle", log_y=True)
        right = above(self.measured, self.distances, self.room, sizes=(1, 1, 1))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(beside(self.disk, right, sizes=(60, 40)))
        self._play = self._make_play()
        self.disk.clicked.connect(self._clicked)
        self.disk.moved.connect(self._moved)
        self.disk.released.connect(self._released)
        self.disk.selected.connect(self._selected)
        self._draw()

    def _make_play(self) -> QWidget:
        play = QWidget()
        form = QFormLayout(play)
        form.setContentsMargins(0, 0, 0, 0)
        self.figure = QComboBox()
        self.figure.addItems(list(FIGURES))
        self.figure.setCurrentText("triangle")
        self.figure.setAccessibleName("Figure that clicks in the disk draw")
        self.figure.activated.connect(self._figure_chosen)
        form.addRow("figure", self.figure)
        row = QHBoxLayout()
        self.p, self.q = QSpinBox(), QSpinBox()
        for box, value, name in ((self.p, 7, "Corners of a tile"), (self.q, 3, "Tiles around a corner")):
            box.setRange(0, 20)
            box.setSpecialValueText("none")
            box.setValue(value)
            box.setAccessibleName(name)
            box.setToolTip(name)
            box.setMinimumWidth(50)
            box.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            box.valueChanged.connect(self._tiling_changed)
            row.addWidget(box)
        form.addRow("tiling {p, q}", row)
        self.chosen = QLabel("Shift+drag in the disk")
        self.chosen.setWordWrap(True)
        form.addRow("selection", self.chosen)
        clear = QPushButton("Clear the figure")
        clear.clicked.connect(self._clear)
        form.addRow(clear)
        self._tiling_changed()
        return play

    def play_controls(self) -> QWidget:
        """Figure and tiling."""
        return self._play

    def show_frame(self, frame: ExploreFrame) -> None:
        """Draw the points so far."""
        is_new = self._frame is None or self._frame.c != frame.c
        self._frame = frame
        self.disk.set_points(
            frame.points, classes=frame.classes, class_names=frame.class_names, labels=frame.labels,
            sizes=3.0 if len(frame.points) > 1000 else 6.0,
        )  # fmt: skip
        self.disk.set_segments("edges", frame.points[frame.edges] if len(frame.edges) else None, color="muted")
        radii = self._length(2 * np.arctanh(np.hypot(*frame.points.T)))
        self.distances.set_samples("points", radii)
        r = np.linspace(0.01, max(float(radii.max(initial=0)), 1.0), 100)
        s = frame.c**0.5
        self.room.set_series("hyperbolic", r, 2 * math.pi * np.sinh(s * r) / s, label="hyperbolic: 2π sinh(√c r) / √c")
        self.room.set_series("flat", r, 2 * math.pi * r, label="flat: 2π r", style="dash", color="muted")
        if is_new:
            self._draw()

    def _length(self, value: np.ndarray | float) -> np.ndarray | float:
        """A length of the unit disk as one of curvature -c."""
        return value / (self._frame.c**0.5 if self._frame else 1.0)

    # Figures

    @property
    def _wanted(self) -> int:
        return FIGURES[self.figure.currentText()]

    @Slot()
    def _figure_chosen(self) -> None:
        self._change("Choose a figure", self._corners[: self._wanted])

    @Slot(int, object)
    def _clicked(self, index: int, place: tuple[float, float]) -> None:
        z = complex(self.disk.points.z[index]) if index >= 0 else complex(*place)
        kept = self._corners if len(self._corners) < self._wanted else []
        self._change("Place a corner", [*kept, z])

    @Slot(object, object)
    def _moved(self, what: object, place: tuple[float, float]) -> None:
        if what in CORNERS and np.hypot(*place) < FARTHEST_CORNER:
            self._before = self._before or list(self._corners)
            self._corners = list(self._corners)
            self._corners[CORNERS.index(str(what))] = complex(*place)
            self._draw()

    @Slot(object, object)
    def _released(self, what: object, place: tuple[float, float]) -> None:
        self._moved(what, place)
        before, self._before = self._before, []
        if before:
            self.port.undo_stack.push(Edit("Drag a corner", self._show_corners, before, self._corners))

    @Slot()
    def _clear(self) -> None:
        self._change("Clear the figure", [])

    def _change(self, text: str, corners: list[complex]) -> None:
        if corners != self._corners:
            self.port.undo_stack.push(Edit(text, self._show_corners, self._corners, corners))
        self._show_corners(corners)

    def _show_corners(self, corners: list[complex]) -> None:
        self._corners = corners
        self._draw()

    def _draw(self) -> None:
        corners, figure = self._corners, self.figure.currentText()
        for index, name in enumerate(CORNERS):
            place = (corners[index].real, corners[index].imag) if index < len(corners) else None
            self.disk.set_mark(name, place, name, color=index + 1, draggable=True)
        is_whole = len(corners) == self._wanted
        is_polygon = is_whole and figure in ("geodesic", "triangle")
        ends = [(corners[i], corners[(i + 1) % len(corners)]) for i in range(len(corners) if len(corners) > 2 else 1)
                ] if is_polygon else None  # fmt: skip
        self.disk.set_segments(
            "sides", None if ends is None else np.array([[(z.real, z.imag) for z in pair] for pair in ends]),
            color="accent", width=2.0,
        )  # fmt: skip
        is_circle = is_whole and figure == "circle"
        rim = circle(corners[0], float(distance(np.array(corners[0]), np.array(corners[1])))) if is_circle else None
        self.disk.set_curve("circle", rim, color="accent", width=2.0)
        draw_hyperplane(self.disk, corners[0] if is_whole and figure == "hyperplane" else None)
        rows: list[list[object]] = MEASURES[figure](corners, self) if is_whole else []
        left = self._wanted - len(corners)
        self.measured.show_message(
            "" if rows else f"Click {left} place{'s' if left > 1 else ''} in the disk to draw a {figure}."
        )
        self.measured.set_rows(["what", "hyperbolic", "the same, flat"], rows)

    # Others

    @Slot()
    def _tiling_changed(self) -> None:
        p, q = self.p.value(), self.q.value()
        try:
            self.disk.set_tiling((p, q) if p and q else None)
            self.p.setStyleSheet("")
        except ValueError as error:
            self.disk.set_tiling(None)
            self.port.say(str(error))

    @Slot(object)
    def _selected(self, indices: np.ndarray) -> None:
        z = self.disk.points.z[indices]
        mean = f", mean distance from 0: {self._length(float(distance(z, np.array(0)).mean())):.2f}" if len(z) else ""
        self.chosen.setText(f"{len(z)} points{mean}; exported as the column selected")


def _geodesic(corners: list[complex], view: ExploreView) -> list[list[object]]:
    length = float(distance(np.array(corners[0]), np.array(corners[1])))
    return [["length AB", view._length(length), view._length(2 * abs(corners[0] - corners[1]))]]


def _triangle(corners: list[complex], view: ExploreView) -> list[list[object]]:
    sides = [float(distance(np.array(corners[i]), np.array(corners[(i + 1) % 3]))) for i in (1, 2, 0)]
    angles = triangle_angles(sides)
    if not np.isfinite(angles).all():
        return []
    a, b, c = (float(view._length(side)) for side in sides)
    half = (a + b + c) / 2
    heron = math.sqrt(max(half * (half - a) * (half - b) * (half - c), 0))
    area = float(view._length(view._length(math.pi - sum(angles))))
    names = [*(f"angle {corner} (°)" for corner in CORNERS), "sum of angles (°)"]
    flat = triangle_angles([a, b, c], is_flat=True)
    degrees = [[name, math.degrees(own), math.degrees(other)] for name, own, other in
               zip(names, [*angles, sum(angles)], [*flat, math.pi], strict=True)]  # fmt: skip
    lengths = [[f"length {name}", side, side] for name, side in zip(("BC", "CA", "AB"), (a, b, c), strict=True)]
    return [*degrees, ["area", area, heron], *lengths]


def triangle_angles(sides: list[float], *, is_flat: bool = False) -> list[float]:
    """Angles (radians) opposite to the sides, by the law of cosines of the hyperbolic or the flat plane."""
    found = []
    for index in range(3):
        a, b, c = (sides[(index + shift) % 3] for shift in range(3))
        if is_flat:
            below, above_ = 2 * b * c, b * b + c * c - a * a
        else:
            below, above_ = math.sinh(b) * math.sinh(c), math.cosh(b) * math.cosh(c) - math.cosh(a)
        found.append(math.acos(min(1.0, max(-1.0, above_ / below))) if below > 0 else math.nan)
    return found


def _circle(corners: list[complex], view: ExploreView) -> list[list[object]]:
    unit = float(distance(np.array(corners[0]), np.array(corners[1])))
    r = float(view._length(unit))
    around = float(view._length(2 * math.pi * math.sinh(unit)))
    area = float(view._length(view._length(2 * math.pi * (math.cosh(unit) - 1))))
    inside = int((distance(view.disk.points.z, np.array(corners[0])) < unit).sum())
    return [["radius", r, r], ["length of the circle", around, 2 * math.pi * r], ["area", area, math.pi * r * r],
            ["points inside", inside, None]]  # fmt: skip


def _hyperplane(corners: list[complex], view: ExploreView) -> list[list[object]]:
    offset = float(distance(np.array(corners[0]), np.array(0)))
    beyond = int((signed_distance(view.disk.points.z, corners[0], offset) > 0).sum())
    return [["distance from the origin", view._length(offset), None], ["angle of its normal (°)",
            math.degrees(math.atan2(corners[0].imag, corners[0].real)), None], ["points beyond it", beyond, None],
            ["level sets at", ", ".join(f"{level:g}" for level in LEVELS if level > 0), None]]  # fmt: skip


MEASURES: dict[str, Callable[[list[complex], ExploreView], list[list[object]]]] = {
    "geodesic": _geodesic, "triangle": _triangle, "circle": _circle, "hyperplane": _hyperplane,
}  # fmt: skip
