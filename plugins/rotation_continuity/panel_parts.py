"""Parts that the panel's experiments share: colours, rotations in numpy, triads, the ball of rotations, error views."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtWidgets import QComboBox, QSplitter, QWidget

from plugins.rotation_continuity.contract import LABELS
from plugins.rotation_continuity.frames import ErrorsFrame
from workbench.sdk import MetricsHistory
from workbench.views import Column, CurvesView, Pick, Scene3DView, SegmentedButtons, TableView
from workbench.views.scene3d_picking import Pick3D
from workbench.views.theme import theme

COLOURS: dict[str, int] = {
    "6d": 0, "quaternion": 1, "5d": 2, "axis_angle": 3, "euler": 4, "rodrigues": 5, "svd": 6, "matrix": 7,
    "half_quaternion": 1, "euler_sin_cos": 4, "hopf": 3,
    "gram_schmidt": 0, "lie": 1, "stereographic": 2,
}  # fmt: skip
"""Index of each representation's colour in the theme: the same one in every view."""
UNVERIFIED = "paper and p. max: the paper's mean and maximum, as remembered from its Table 1, not verified."
LOWEST_DEGREES = 0.1


def colour(name: str) -> int:
    """Return a representation's colour as an index of the theme's series."""
    return COLOURS.get(name, 7)


def exponential(vector: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3 3"]:
    """Rotation by |v| radians about v (Rodrigues' formula)."""
    angle = float(np.linalg.norm(vector))
    x, y, z = vector
    skew = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    if angle < 1e-12:
        return np.eye(3) + skew
    return np.eye(3) + math.sin(angle) / angle * skew + (1 - math.cos(angle)) / angle**2 * skew @ skew


def logarithm(matrix: Float[np.ndarray, "3 3"]) -> Float[np.ndarray, "3"]:
    """Axis times angle of a rotation, angle in [0, pi]."""
    skew = 0.5 * np.array([matrix[2, 1] - matrix[1, 2], matrix[0, 2] - matrix[2, 0], matrix[1, 0] - matrix[0, 1]])
    sine = float(np.linalg.norm(skew))
    angle = math.atan2(sine, 0.5 * (np.trace(matrix) - 1))
    if sine > 1e-6:
        return skew / sine * angle
    if angle < 1:
        return skew
    # Near a half turn R + 1 is twice the projection onto the axis.
    column = (matrix + np.eye(3))[:, np.argmax(np.diag(matrix))]
    return angle * column / np.linalg.norm(column)


def orthonormal(matrix: Float[np.ndarray, "3 3"]) -> Float[np.ndarray, "3 3"]:
    """Nearest rotation, so that many small drags do not add up to a skewed frame."""
    u, _, vt = np.linalg.svd(matrix)
    return u @ np.diag([1, 1, np.linalg.det(u @ vt)]) @ vt


def parsed_rotation(text: str) -> Float[np.ndarray, "3 3"]:
    """Read what a person types: 3 numbers (axis times degrees), 4 (quaternion w x y z), 9 (matrix, row by row).

    Raises ValueError with one sentence for anything else.
    """
    words = re.findall(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", text)
    numbers = np.array([float(word) for word in words])
    if len(numbers) == 3:
        return exponential(np.radians(numbers))
    if len(numbers) == 4 and (norm := float(np.linalg.norm(numbers))) > 1e-9:
        w, x, y, z = numbers / norm
        imaginary = np.array([x, y, z])
        sine = float(np.linalg.norm(imaginary))
        return exponential(imaginary / max(sine, 1e-12) * 2 * math.atan2(sine, w))
    if len(numbers) == 9 and abs(np.linalg.det(numbers.reshape(3, 3))) > 1e-6:
        return orthonormal(numbers.reshape(3, 3))
    raise ValueError("Type 3 numbers (axis times degrees), 4 (quaternion w x y z) or 9 (matrix, row by row).")


def columns_of(*groups: Sequence[QWidget]) -> QSplitter:
    """Groups of widgets beside each other, each group one above the other, all with movable borders."""
    across = QSplitter(Qt.Orientation.Horizontal)
    across.setChildrenCollapsible(False)
    for group in groups:
        if len(group) == 1:
            across.addWidget(group[0])
            continue
        down = QSplitter(Qt.Orientation.Vertical)
        down.setChildrenCollapsible(False)
        for widget in group:
            down.addWidget(widget)
        across.addWidget(down)
    across.setSizes([1000] * len(groups))
    return across


CLOSE_UP = 0.76
"""Share of a sphere's bounding box that the camera is told to show: the sphere then fills the view."""


class RotationScene(Scene3DView):
    """A true frame in red, green, blue and each network's answer in its own colour; dragging turns the truth.

    `turned` emits the new rotation (3, 3) while the person drags it.
    """

    turned = Signal(object)

    def __init__(self, name: str, title: str, *, hint: str = "") -> None:
        super().__init__(
            name, title, camera="arcball", axes=False,
            hint=hint or "Drag to turn the frame (or the view: buttons above); thick axes are the truth.",
        )  # fmt: skip
        self.drag_mode = "rotate"
        self.rotation = np.eye(3)
        self._mode = SegmentedButtons([("rotate", "frame"), ("camera", "view")], help="What a drag turns")
        self._mode.chosen.connect(self._choose_mode)
        self.add_tool(self._mode)
        self.rotated.connect(self._drag)
        self.set_lines("globe", sphere_lines(1.0, 24), color="grid", width=1.0)
        self.set_bounds(*(np.full(3, side * CLOSE_UP) for side in (-1, 1)))

    @Slot(object)
    def _choose_mode(self, mode: str) -> None:
        self.drag_mode = "camera" if mode == "camera" else "rotate"

    @Slot(object)
    def _drag(self, turn: np.ndarray) -> None:
        self.rotation = orthonormal(turn @ self.rotation)
        self.follow_hand(self.rotation)
        self.turned.emit(self.rotation)

    def follow_hand(self, rotation: Float[np.ndarray, "3 3"]) -> None:
        """Show the rotation that the hand has reached, which answers may lag behind."""
        self.rotation = rotation
        if "truth" in self.item_names:
            self.show_truth(rotation)

    def show_truth(self, rotation: Float[np.ndarray, "3 3"]) -> None:
        """Draw the true frame."""
        self.rotation = np.asarray(rotation, float)
        self.set_frames("truth", self.rotation[None], size=1.0, width=5.0)
        self.set_text("letters", 1.04 * self.rotation.T, ("x", "y", "z"))

    def show_answers(self, names: Sequence[str], predicted: Float[np.ndarray, "r 3 3"], words: Sequence[str]) -> None:
        """Draw each network's frame; `words` go into the legend beside the names."""
        known = {f"answer {name}" for name in names}
        for item in self.item_names:
            if item.startswith("answer ") and item not in known:
                self.remove(item)
        for name, matrix, word in zip(names, predicted, words, strict=True):
            ends = np.stack([np.zeros((3, 3)), 0.9 * matrix.T], 1).reshape(-1, 3)
            label = f"{LABELS[name]} {word}".strip()
            self.set_lines(f"answer {name}", ends, "segments", color=colour(name), width=2.0, label=label)


class Ball(Scene3DView):
    """All rotations at axis times angle, in a ball of radius pi whose opposite boundary points are one rotation."""

    def __init__(self, name: str, title: str, *, hint: str = "") -> None:
        super().__init__(
            name, title, axes=False,
            hint=hint or "Each rotation at axis × angle; opposite points of the rim are the same. Click one to see it.",
        )  # fmt: skip
        self.set_lines("globe", sphere_lines(math.pi, 48), color="grid", width=1.0)
        self.set_bounds(*(np.full(3, side * CLOSE_UP * math.pi) for side in (-1, 1)))
        self._shown: tuple[np.ndarray, np.ndarray, float | None] | None = None
        self._outliers = np.empty(0, np.int64)

    def show_errors(
        self, points: Float[np.ndarray, "k 3"], errors: Float[np.ndarray, " k"], height: float | None = None
    ) -> None:
        """Draw rotations coloured by error in degrees, on a logarithmic scale; near one height only if one is given."""
        self._shown = points, errors, height
        values = np.log10(np.clip(errors, LOWEST_DEGREES, 180))
        if height is not None:
            points = np.where(np.abs(points[:, 2:] - height) < SLICE, points, np.nan)
        # Large errors should stand out from the background, which is light or dark.
        look = {
            "colormap": "crameri:lajolla" if theme().is_dark else "crameri:lajolla_r",
            "levels": (math.log10(LOWEST_DEGREES), math.log10(180)),
        }
        self.set_points("errors", points, values=values, size=5.0 if height is None else 8.0,
                        value_label="log₁₀ error (°)", names=[f"{error:.2f}°" for error in errors], **look)  # fmt: skip
        self._outliers = np.flatnonzero(errors > OUTLIER)
        chosen = self._outliers
        self.set_points("outliers", points[chosen], values=values[chosen], size=11.0,
                        names=[f"{error:.1f}°" for error in errors[chosen]], **look)  # fmt: skip

    def case_at(self, pick: Pick3D) -> int | None:
        """Return which of the rotations was picked, or None if it was something else."""
        if pick.item == "outliers" and pick.index < len(self._outliers):
            return int(self._outliers[pick.index])
        return pick.index if pick.item == "errors" else None

    def restyle(self) -> None:
        """Take the colour scale that suits the background."""
        super().restyle()
        if self._shown is not None:
            self.show_errors(*self._shown)

    def show_links(self, points: Float[np.ndarray, "k 3"]) -> None:
        """Draw faint links between rotations near the rim and their opposite points, which are nearly the same."""
        near = points[np.linalg.norm(points, axis=1) > 0.93 * math.pi]
        ends = np.stack([near, -near], 1).reshape(-1, 3)
        self.set_lines("links", ends, "segments", color="grid", width=1.0)

    def show_path(self, name: str, points: Float[np.ndarray, "k 3"], *, color: str | int, width: float = 2.5) -> None:
        """Draw a path, broken where it leaves the ball on one side and comes in on the other."""
        self.set_lines(name, broken_at_rim(points), color=color, width=width)


OUTLIER = 30.0  # degrees; drawn larger, over the others
SLICE = 0.35  # half the thickness of a slice of the ball, in radians


def broken_at_rim(points: Float[np.ndarray, "k 3"]) -> Float[np.ndarray, "m 3"]:
    """Put NaN between neighbours that are far apart in the ball, where a path of rotations crosses its rim."""
    if len(points) < 2:
        return points
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    places = np.flatnonzero(steps > 1.0) + 1
    return np.insert(points.astype(float), places, np.nan, axis=0)


def sphere_lines(radius: float, corners: int) -> Float[np.ndarray, "m 3"]:
    """Circles of latitude and longitude as one strip with NaN between them."""
    t = np.linspace(0, 2 * math.pi, corners + 1)
    circles = []
    for latitude in (-math.pi / 4, 0.0, math.pi / 4):
        ring = [np.cos(latitude) * np.cos(t), np.cos(latitude) * np.sin(t), np.full_like(t, np.sin(latitude))]
        circles.append(np.stack(ring, 1))
    for longitude in np.arange(4) * math.pi / 4:
        circles.append(np.stack([np.cos(t) * np.cos(longitude), np.cos(t) * np.sin(longitude), np.sin(t)], 1))
    gap = np.full((1, 3), np.nan)
    return radius * np.concatenate([part for circle in circles for part in (circle, gap)])


class NameBox(QComboBox):
    """Picks one of the representations that a frame has; `picked` emits its index."""

    picked = Signal(object)

    def __init__(self, help: str) -> None:
        super().__init__()
        self.setToolTip(help)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self._names: tuple[str, ...] = ()
        self.activated.connect(self._activated)

    def set_names(self, names: Sequence[str], prefer: str = "quaternion") -> None:
        """Offer these, keeping the choice where it is still there; else `prefer`."""
        if tuple(names) == self._names:
            return
        before = self.name or prefer
        self._names = tuple(names)
        self.clear()
        self.addItems([LABELS[name] for name in names])
        chosen = next((name for name in (before, prefer) if name in names), names[0] if names else "")
        if chosen:
            self.setCurrentIndex(self._names.index(chosen))

    @property
    def name(self) -> str:
        """The chosen representation, or an empty text."""
        index = self.currentIndex()
        return self._names[index] if 0 <= index < len(self._names) else ""

    @Slot(int)
    def _activated(self, index: int) -> None:
        self.picked.emit(index)


class ErrorViews(QObject):
    """Views of errors on a test set: percentiles, loss and error over steps, the table, the worst cases.

    `case_chosen` emits a test case that the person clicked.
    """

    case_chosen = Signal(object)

    def __init__(
        self, unit: str, published: Mapping[str, tuple[float, float, float]], *, lowest: float = LOWEST_DEGREES
    ) -> None:
        super().__init__()
        self._unit, self._published, self._lowest = unit, published, lowest
        self._frame: ErrorsFrame | None = None
        self.percentiles = CurvesView(
            "percentiles", "Error by percentile", "percentile", "error", x_unit="%", y_unit=unit,
            log_y=True, hint="The paper's figure. Click a curve to see the case that stands there.",
        )  # fmt: skip
        self.loss = CurvesView("loss", "Training loss", "step", "loss", log_y=True, smoothing=0.9)
        self.error = CurvesView("error", "Mean error on the test set", "step", "mean error", y_unit=unit, log_y=True)
        self.table = TableView("table", "Errors", hint="Click a heading to sort. " + UNVERIFIED * bool(published))
        self.worst = TableView("worst", "Worst cases", hint="Click a row to see the case.")
        self.worst_of = NameBox("Whose worst cases")
        self.worst.add_tool(self.worst_of)
        self.percentiles.clicked.connect(self._percentile_clicked)
        self.worst.clicked.connect(self._worst_clicked)
        self.worst_of.picked.connect(self._show_worst)

    def start_over(self) -> None:
        """Forget what was drawn."""
        self._frame = None
        for view in (self.percentiles, self.loss, self.error, self.table, self.worst):
            view.clear()

    def show_frame(self, frame: ErrorsFrame) -> bool:
        """Draw a frame's errors; return whether it has a newer look at the test set than the one before."""
        before = self._frame
        self._frame = frame
        if before is not None and (before.evaluated, before.tested) == (frame.evaluated, frame.tested):
            return False
        for name in self.percentiles.series_names:
            if name not in frame.names:
                self.percentiles.remove_series(name)
        percent = np.arange(101)
        for name, row in zip(frame.names, frame.percentiles, strict=True):
            shown = np.maximum(row, self._lowest)
            self.percentiles.set_series(name, percent, shown, label=LABELS[name], color=colour(name))
        self.worst_of.set_names(frame.names)
        self._show_table(frame)
        self._show_worst()
        return True

    def _show_table(self, frame: ErrorsFrame) -> None:
        has_outliers = bool(np.isfinite(frame.table[:, 5]).any())
        columns: list[Column | str] = ["code"]
        columns += [Column(name, "", "low", 3) for name in ("mean", "median", "p99", "max", "sd")]
        columns += [Column("> 90° %", "", "low", 2)] if has_outliers else []
        columns += [Column("paper", digits=3), Column("p. max", digits=4)] if self._published else []
        has_degenerate = bool(frame.table[:, 6].any())
        columns += [Column("degenerate")] if has_degenerate else []
        rows = []
        for name, numbers in zip(frame.names, frame.table, strict=True):
            row: list[object] = [LABELS[name], *numbers[:5]]
            row += [100 * numbers[5]] if has_outliers else []
            if self._published:
                row += self._published[name][:2] if name in self._published else (None, None)
            row += [int(numbers[6])] if has_degenerate else []
            rows.append(row)
        unit = "degrees" if self._unit == "°" else self._unit
        self.table.title = f"Errors in {unit} on {frame.tested} test cases, step {frame.evaluated}"
        self.table.set_rows(columns, rows)

    @Slot()
    def _show_worst(self) -> None:
        frame = self._frame
        if frame is None or self.worst_of.name not in frame.names:
            return
        row = frame.names.index(self.worst_of.name)
        pairs = zip(frame.worst_cases[row].tolist(), frame.worst_errors[row].tolist(), strict=True)
        self.worst.set_rows(
            ["test case", Column("error", self._unit, digits=5)], [(case, error) for case, error in pairs]
        )

    @Slot(object)
    def _worst_clicked(self, row: int) -> None:
        frame = self._frame
        if frame is not None and self.worst_of.name in frame.names:
            self.case_chosen.emit(int(frame.worst_cases[frame.names.index(self.worst_of.name), row]))

    @Slot(object)
    def _percentile_clicked(self, pick: Pick) -> None:
        frame = self._frame
        if frame is not None and pick.series in frame.names and 0 <= pick.index <= 100:
            self.case_chosen.emit(int(frame.percentile_cases[frame.names.index(pick.series), pick.index]))

    def show_metrics(self, history: MetricsHistory) -> None:
        """Draw loss and mean error; where there are several seeds, each one faintly."""
        for view, kind in ((self.loss, "loss"), (self.error, "error")):
            for metric in history.names:
                head, _, rest = metric.partition("/")
                name, _, seed = rest.partition("/")
                if head == kind and name in LABELS:
                    steps, values = history[metric]
                    view.set_series(metric, steps, values, label=LABELS[name], color=colour(name), faint=bool(seed))
