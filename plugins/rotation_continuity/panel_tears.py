"""View of the tear explorer: pick a loop of rotations and see where each network turns the wrong way."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import Slot
from PySide6.QtWidgets import QFormLayout, QLineEdit, QProgressBar, QPushButton, QVBoxLayout, QWidget

from plugins.rotation_continuity.contract import LABELS
from plugins.rotation_continuity.frames import LoopAnswer, SurfaceAnswer, TearFrame
from plugins.rotation_continuity.panel_parts import (
    Ball,
    ErrorViews,
    NameBox,
    RotationScene,
    colour,
    columns_of,
    exponential,
    logarithm,
)
from workbench.sdk import MetricsHistory, Progress
from workbench.views import Column, CurvesView, ExperimentView, SessionPort, TableView
from workbench.views.layouts import tabs_of
from workbench.views.picks import Pick
from workbench.views.scene3d_picking import Pick3D

RIM = 1.08 * math.pi
"""Where the axis' handle is: just outside the ball."""
DEGREES = 180 / math.pi


class TearView(ExperimentView):
    """The loop's start as a frame, the ball with loop and tears, the error along the loop, and the tears as numbers."""

    hint = "Drag the dot on the ball's rim for the loop's axis, the frame for its start; then sweep the surface."

    def __init__(self, port: SessionPort, parent: QWidget | None = None) -> None:
        super().__init__(port, parent)
        self._frame: TearFrame | None = None
        self._loop: LoopAnswer | None = None
        self._surface: SurfaceAnswer | None = None
        self._axis = np.array([0.0, 0.0, 1.0])
        self._base = np.eye(3)
        self._is_own = False
        self.scene = RotationScene("start", "The loop's start", hint="Drag the frame: the loop starts there.")
        self.ball = Ball("ball", "Loop and tears",
                         hint="Drag the dot on the rim to turn the loop's axis; the other dots are tears.")  # fmt: skip
        self.chosen = NameBox("Whose tears the ball shows")
        self.ball.add_tool(self.chosen)
        self.along = CurvesView(
            "along", "Error along the loop", "turned about the axis", "error", x_unit="°", y_unit="°",
            hint="Diamonds: tears, refined by bisection to 180°. Click to see the rotation there.",
        )  # fmt: skip
        self.lifts = CurvesView(
            "lifts", "Inner product of the true and the network's unit quaternion", "turned about the axis",
            "inner product", x_unit="°", hint="It begins and ends with opposite signs, so it must cross 0: 180° error.",
        )  # fmt: skip
        self.tears = TableView("tears", "Tears", hint="What was found on this loop, and on the surface so far.")
        self.errors = ErrorViews("°", {})
        pages = tabs_of({
            "Tears": self.tears, "Inner product": self.lifts, "Percentiles": self.errors.percentiles,
            "Errors": self.errors.table, "Loss": self.errors.loss,
        })  # fmt: skip
        splitter = columns_of((self.ball, self.scene), (self.along, pages))
        splitter.setSizes([450, 530])
        splitter.widget(0).setSizes([430, 260])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(splitter)
        self._play = self._make_play()
        self.ball.handle_dragged.connect(self._axis_dragged)
        self.scene.turned.connect(self._base_turned)
        self.chosen.picked.connect(self._show_tears)
        self.along.clicked.connect(self._along_clicked)
        self.errors.case_chosen.connect(self._start_at_case)

    def _make_play(self) -> QWidget:
        play = QWidget()
        form = QFormLayout(play)
        form.setContentsMargins(0, 0, 0, 0)
        self._typed = QLineEdit("0 0 1")
        self._typed.setToolTip("The loop's axis: three numbers")
        self._typed.setAccessibleName("Axis")
        self._typed.returnPressed.connect(self._axis_typed)
        form.addRow("Axis", self._typed)
        self._sweep = QPushButton("Sweep the tear surface")
        self._sweep.setToolTip("Follow a loop about each of many axes from this start, and collect every tear")
        self._sweep.clicked.connect(self._sweep_surface)
        form.addRow(self._sweep)
        self._progress = QProgressBar()
        self._progress.setFormat("%v of %m loops")
        self._progress.setVisible(False)
        form.addRow(self._progress)
        self._reset = QPushButton("Loop about z from the identity")
        self._reset.clicked.connect(self._first_loop)
        form.addRow(self._reset)
        return play

    def play_controls(self) -> QWidget:
        """Type the axis; sweep the surface."""
        return self._play

    def start_over(self) -> None:
        """Forget the networks before; the chosen loop stays."""
        self._frame = self._loop = self._surface = None
        self.errors.start_over()
        self._progress.setVisible(False)

    def show_frame(self, frame: TearFrame) -> None:
        """Draw the loop as the networks take it now."""
        is_first = self._frame is None
        self._frame = frame
        self.chosen.set_names(frame.names)
        is_new = self.errors.show_frame(frame)
        if is_new and self._surface is not None:
            self._surface = None  # of the networks as they were
        if not self._is_own and (is_new or is_first):
            self._show_loop(frame.loop)
        elif is_new:
            self._ask_loop()

    def show_metrics(self, history: MetricsHistory) -> None:
        """Draw the loss."""
        self.errors.show_metrics(history)

    def _show_loop(self, loop: LoopAnswer) -> None:
        self._loop = loop
        turned = loop.t * DEGREES
        for view in (self.along, self.lifts):
            for name in view.series_names:
                if name not in loop.names:
                    view.remove_series(name)
        for index, name in enumerate(loop.names):
            style = {"label": LABELS[name], "color": colour(name)}
            self.along.set_series(name, turned, loop.error[index], **style)
            if np.isfinite(loop.lifts[index]).any():
                self.lifts.set_series(name, turned, loop.lifts[index], **style)
        self.along.set_line("half turn", 180.0, label="180°", color="error")
        self.lifts.set_line("zero", 0.0, color="error")
        self.scene.show_truth(loop.base)
        self._place_axis(loop.axis)
        self.ball.show_path("loop", loop.ball, color="accent")
        self._show_tears()

    @Slot()
    def _show_tears(self) -> None:
        loop, surface = self._loop, self._surface
        if loop is None or self.chosen.name not in loop.names:
            return
        index = loop.names.index(self.chosen.name)
        here = np.array([logarithm(rotation) for rotation in loop.tear_rotations[index]]).reshape(-1, 3)
        self.ball.set_points("tears", here, color="foreground", size=13.0, label="tears of this loop", pickable=False)
        points = surface.points[index] if surface is not None else np.empty((0, 3))
        self.ball.set_points("surface", points, color=colour(self.chosen.name), size=5.0,
                             label="tear surface" if len(points) else "", pickable=False)  # fmt: skip
        rows = []
        for row, name in enumerate(loop.names):
            times, found = loop.tears[row], loop.tear_errors[row]
            places = ", ".join(f"{t * DEGREES:.2f}°" for t in times[:4]) + ("…" if len(times) > 4 else "")
            largest = max(float(loop.error[row].max()), float(found.max(initial=0.0)))
            cells: list[object] = [LABELS[name], len(times), places or "none", largest]
            cells += [None, None] if surface is None else [
                f"{surface.torn_loops[row]} of {surface.loops}", float(surface.worst[row])
            ]  # fmt: skip
            rows.append(cells)
        self.tears.set_rows(
            ["code", "tears", "at", Column("max (°)", digits=6), "torn loops", Column("max on surface (°)", digits=6)],
            rows,
        )
        self._describe(loop)

    def _describe(self, loop: LoopAnswer) -> None:
        torn = [LABELS[name] for name, found in zip(loop.names, loop.tear_errors, strict=True)
                if found.max(initial=0.0) > 179]  # fmt: skip
        whole = [LABELS[name] for name, error, found in zip(loop.names, loop.error, loop.tear_errors, strict=True)
                 if max(error.max(), found.max(initial=0.0)) <= 179]  # fmt: skip
        words = f"Wrong by 180°: {', '.join(torn)}." if torn else "No network tears on this loop."
        self.along.title = words + (f" Not torn: {', '.join(whole)}." if torn and whole else "")

    # Choosing the loop

    def _place_axis(self, axis: np.ndarray) -> None:
        self.ball.set_points("axis", RIM * axis[None], color="accent", size=14.0, handle=True)
        self.ball.set_lines("axle", RIM * np.stack([-axis, axis]), color="muted", width=1.0)

    def _ask_loop(self) -> None:
        self._is_own = True
        self.port.ask_latest("loop_error", self._show_own_loop, axis=self._axis, base=self._base)

    def _show_own_loop(self, loop: LoopAnswer) -> None:
        if self._is_own:
            self._show_loop(loop)

    @Slot(object)
    def _axis_dragged(self, pick: Pick3D) -> None:
        position = np.asarray(pick.position, float)
        length = float(np.linalg.norm(position))
        if length > 1e-6:
            self._axis = position / length
            self._place_axis(self._axis)
            self._typed.setText(" ".join(f"{value:.3f}" for value in self._axis))
            self._ask_loop()

    @Slot(object)
    def _base_turned(self, rotation: np.ndarray) -> None:
        self._base = np.asarray(rotation, float)
        self._surface = None
        self._ask_loop()

    @Slot()
    def _axis_typed(self) -> None:
        try:
            axis = np.array([float(word) for word in self._typed.text().replace(",", " ").split()])
        except ValueError:
            axis = np.empty(0)
        if axis.shape != (3,) or np.linalg.norm(axis) < 1e-9:
            self.port.say("The axis is three numbers, not all zero.")
            return
        self._axis = axis / np.linalg.norm(axis)
        self._ask_loop()

    @Slot()
    def _first_loop(self) -> None:
        self._axis, self._base, self._is_own = np.array([0.0, 0.0, 1.0]), np.eye(3), False
        self._typed.setText("0 0 1")
        if self._frame is not None:
            self._show_loop(self._frame.loop)

    @Slot(object)
    def _start_at_case(self, case: int) -> None:
        frame = self._frame
        if frame is not None and case < len(frame.ball):
            self._base = exponential(frame.ball[case].astype(float))
            self._surface = None
            self._ask_loop()

    @Slot(object)
    def _along_clicked(self, pick: Pick) -> None:
        loop = self._loop
        if loop is not None and pick.index >= 0:
            t = loop.t[min(pick.index, len(loop.t) - 1)]
            self.ball.set_points("here", logarithm(exponential(t * loop.axis) @ loop.base)[None],
                                 color="foreground", size=11.0, pickable=False)  # fmt: skip

    # The surface

    @Slot()
    def _sweep_surface(self) -> None:
        self._surface = None
        self._progress.setVisible(True)
        self._progress.setRange(0, 0)
        self._sweep.setEnabled(False)
        self._sweep.setToolTip("The sweep is running")
        self.port.ask_latest(
            "tear_surface", self._swept, partial=self._show_surface, failed=self._sweep_failed, base=self._base
        )

    def _show_surface(self, said: SurfaceAnswer | Progress) -> None:
        if isinstance(said, SurfaceAnswer):
            self._surface = said
            self._progress.setRange(0, said.total)
            self._progress.setValue(said.loops)
            self._show_tears()

    def _swept(self, answer: SurfaceAnswer) -> None:
        self._show_surface(answer)
        self._sweep_over()

    def _sweep_failed(self, sentence: str) -> None:
        self._sweep_over()
        self.port.say(sentence)

    def _sweep_over(self) -> None:
        self._progress.setVisible(False)
        self._sweep.setEnabled(True)
        self._sweep.setToolTip("Follow a loop about each of many axes from this start, and collect every tear")
