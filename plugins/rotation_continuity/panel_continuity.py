"""View of the continuity lab: drag a frame or draw a loop, and see which codes jump."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import Slot
from PySide6.QtGui import QUndoCommand
from PySide6.QtWidgets import QFormLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from plugins.rotation_continuity.contract import DIMENSIONS, LABELS
from plugins.rotation_continuity.frames import ContinuityFrame, PathAnswer
from plugins.rotation_continuity.panel_parts import (
    Ball,
    RotationScene,
    columns_of,
    exponential,
    logarithm,
    parsed_rotation,
)
from plugins.rotation_continuity.panel_strips import StripsView
from workbench.views import Column, CurvesView, ExperimentView, SegmentedButtons, SessionPort, TableView
from workbench.views.layouts import tabs_of
from workbench.views.picks import Pick
from workbench.views.scene3d_picking import Pick3D

HAND_SAMPLES = 500  # of the path that the hand has made, oldest forgotten first
NO_PATH = np.empty((0, 3, 3))
LEAST_TURN = math.radians(0.3)
CLOSES_WITHIN = math.radians(20)  # a drawn loop is closed for the person if its ends are that near


class ContinuityView(ExperimentView):
    """A frame to drag, the ball with its path, every code as a strip, and the two-dimensional case."""

    hint = "Drag the frame, or drag the dot in the ball to draw a loop; red lines are jumps."

    def __init__(self, port: SessionPort, parent: QWidget | None = None) -> None:
        super().__init__(port, parent)
        self._walk: ContinuityFrame | None = None
        self._path: PathAnswer | None = None
        self._hand: list[np.ndarray] = []
        self._walked = NO_PATH
        self._loop: list[np.ndarray] = []
        self.scene = RotationScene("frame", "Drag this frame", hint="Drag the frame: the strips follow your hand.")
        self.ball = Ball("ball", "The path in the ball",
                         hint="Drag the dot to draw a loop; past the rim it comes in opposite.")  # fmt: skip
        self.strips = StripsView("strips", "Codes along the path")
        self.planar = CurvesView(
            "planar", "The same in two dimensions", "turned so far", "code", x_unit="°",
            hint="An angle has to jump once a turn; its cosine and sine do not.",
        )  # fmt: skip
        self.codes = TableView("codes", "Codes", hint="The code of the rotation shown, and what it did on the path.")
        splitter = columns_of((self.scene, self.ball), (self.strips, tabs_of({
            "Two dimensions": self.planar, "Table": self.codes,
        })))  # fmt: skip
        splitter.setSizes([380, 600])
        splitter.widget(1).setSizes([430, 230])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(splitter)
        self._play = self._make_play()
        self.scene.turned.connect(self._turned_by_hand)
        self.ball.handle_dragged.connect(self._dot_dragged)
        self.ball.handle_released.connect(self._dot_released)
        self.strips.clicked.connect(self._strip_clicked)

    def _make_play(self) -> QWidget:
        play = QWidget()
        form = QFormLayout(play)
        form.setContentsMargins(0, 0, 0, 0)
        self._source = SegmentedButtons([("walk", "the walk"), ("hand", "my hand")], help="Whose path the strips show")
        self._source.chosen.connect(self._source_chosen)
        form.addRow("Strips show", self._source)
        self._typed = QLineEdit()
        self._typed.setPlaceholderText("0 0 180")
        self._typed.setToolTip("3 numbers: axis times degrees; 4: quaternion w x y z; 9: a matrix, row by row")
        self._typed.setAccessibleName("Rotation")
        self._typed.returnPressed.connect(self._typed_rotation)
        form.addRow("Turn to", self._typed)
        self._take = QPushButton("Walk my path")
        self._take.setToolTip("Take the drawn path as the one that Train walks")
        self._take.setEnabled(False)
        self._take.clicked.connect(self._walk_hand)
        form.addRow(self._take)
        self._again = QPushButton("Forget my path")
        self._again.clicked.connect(self._forget_hand)
        form.addRow(self._again)
        return play

    def play_controls(self) -> QWidget:
        """Whose path is shown; type a rotation; walk the drawn path."""
        return self._play

    def start_over(self) -> None:
        """Forget the walk before; what the hand drew stays."""
        self._walk = None
        self._walked = NO_PATH

    def show_frame(self, frame: ContinuityFrame) -> None:
        """Draw the walk, unless the strips show the hand's path."""
        self._walk = frame
        if self._source.value == "walk":
            self._show_walk()

    def _show_walk(self) -> None:
        frame = self._walk
        if frame is None:
            return
        path = frame.path
        self._show_path(path)
        here = path.rotations[-1]
        self.scene.show_truth(here)
        self._place_dot(logarithm(here.astype(float)))
        turned = path.travelled
        self.planar.set_series("angle", turned, _cut(frame.planar_angle), label="angle (rad)", color=1)
        self.planar.set_series("cosine", turned, frame.planar_point[:, 0], label="cosine", color=0)
        self.planar.set_series("sine", turned, frame.planar_point[:, 1], label="sine", color=2)

    def _show_path(self, path: PathAnswer) -> None:
        self._path = path
        self.strips.set_path(path)
        self.ball.show_path("path", path.ball, color="accent")
        rows, start = [], 0
        for index, (name, width) in enumerate(zip(path.names, path.widths, strict=True)):
            code = "  ".join(f"{value:+.2f}" for value in path.codes[-1, start : start + width])
            start += width
            speed = float(np.median(path.speed[index, 1:])) if len(path.travelled) > 1 else math.nan
            gap = float(path.gaps[index])
            rows.append((LABELS[name], DIMENSIONS[name], int(path.jumps[index].sum()), speed,
                         gap if math.isfinite(gap) else None, code))  # fmt: skip
        columns = ["representation", Column("numbers"), Column("jumps", better="low"),
                   Column("median speed", "per rad", digits=3), Column("ends away", digits=3), "code here"]  # fmt: skip
        self.codes.set_rows(columns, rows)
        self.strips.title = _verdict(path)

    # The hand

    @Slot(object)
    def _source_chosen(self, source: str) -> None:
        if source == "walk":
            self._show_walk()
        elif self._hand:
            self._ask_path(self._hand)

    @Slot(object)
    def _turned_by_hand(self, rotation: np.ndarray) -> None:
        self._add_to_hand(rotation)
        self._place_dot(logarithm(rotation))

    def _add_to_hand(self, rotation: np.ndarray) -> None:
        self._source.set_value("hand")
        if self._hand and np.linalg.norm(rotation - self._hand[-1]) < LEAST_TURN:
            return
        self._hand.append(np.asarray(rotation, float).copy())
        del self._hand[:-HAND_SAMPLES]
        self._take.setEnabled(len(self._hand) > 2)
        self._ask_path(self._hand)

    def _ask_path(self, rotations: list[np.ndarray]) -> None:
        if len(rotations) > 1:
            self.port.ask_latest("encode_path", self._path_answered, matrices=np.stack(rotations))

    def _path_answered(self, path: PathAnswer) -> None:
        if self._source.value == "hand":
            self._show_path(path)

    @Slot()
    def _typed_rotation(self) -> None:
        try:
            goal = parsed_rotation(self._typed.text())
        except ValueError as error:
            self.port.say(str(error))
            return
        start = self.scene.rotation
        turn = logarithm(goal @ start.T)
        self._source.set_value("hand")
        for share in np.linspace(0.02, 1, 50):
            self._hand.append(exponential(share * turn) @ start)
        self.scene.show_truth(goal)
        self._add_to_hand(goal)
        self._place_dot(logarithm(goal))

    @Slot()
    def _forget_hand(self) -> None:
        self._hand.clear()
        self._take.setEnabled(False)
        self._source.set_value("walk")
        self._show_walk()

    @Slot()
    def _walk_hand(self) -> None:
        self.port.undo_stack.push(_WalkPath(self, np.stack(self._hand), self._walked))

    def walk(self, matrices: np.ndarray) -> None:
        """Let the experiment walk these rotations; none of them means the preset path."""
        self._walked = matrices
        self._source.set_value("walk")
        self.port.ask_latest("walk", self._walking, matrices=matrices)

    def _walking(self, _: int) -> None:
        if len(self._walked):
            self.port.say("Train now walks the path that you drew; undo brings back the one before.")

    # Drawing a loop in the ball

    def _place_dot(self, vector: np.ndarray) -> None:
        self.ball.set_points("dot", vector[None], color="foreground", size=14.0, handle=True)

    @Slot(object)
    def _dot_dragged(self, pick: Pick3D) -> None:
        vector = np.asarray(pick.position, float)
        if not self._loop:
            self._loop.append(self.scene.rotation)
            self._hand[:] = [self.scene.rotation]
        length = float(np.linalg.norm(vector))
        # Twice the rim is the identity again; farther out nothing new comes.
        vector *= min(1.0, 2 * math.pi / max(length, 1e-9))
        self.ball.set_points("dot", vector[None], color="foreground", size=14.0, handle=True)
        rotation = exponential(vector)
        self._loop.append(rotation)
        self.scene.show_truth(rotation)
        self._add_to_hand(rotation)

    @Slot(object)
    def _dot_released(self, _: Pick3D) -> None:
        if not self._loop:
            return
        start, end = self._loop[0], self._loop[-1]
        self._loop = []
        turn = logarithm(start @ end.T)
        if np.linalg.norm(turn) < CLOSES_WITHIN:
            for share in np.linspace(0.1, 1, 10):
                self._hand.append(exponential(share * turn) @ end)
            end = start
            self.scene.show_truth(start)
        self._hand[-1] = end
        self._place_dot(logarithm(end))
        self._ask_path(self._hand)

    @Slot(object)
    def _strip_clicked(self, pick: Pick) -> None:
        path = self._path
        if path is not None and 0 <= pick.index < len(path.rotations):
            self.scene.show_truth(path.rotations[pick.index])
            self._place_dot(path.ball[pick.index].astype(float))


class _WalkPath(QUndoCommand):
    """Walking a drawn path instead of the one before."""

    def __init__(self, view: ContinuityView, path: np.ndarray, before: np.ndarray) -> None:
        super().__init__("walk my path")
        self._view, self._path, self._before = view, path, before

    def redo(self) -> None:
        """Walk the drawn path."""
        self._view.walk(self._path)

    def undo(self) -> None:
        """Walk the path before."""
        self._view.walk(self._before)


def _cut(angle: np.ndarray) -> np.ndarray:
    """Break the curve where the angle wraps: it is never in between."""
    cut = angle.astype(float)
    cut[1:][np.abs(np.diff(angle)) > math.pi] = np.nan
    return cut


def _verdict(path: PathAnswer) -> str:
    """What the path showed, in a sentence."""
    smooth = [LABELS[name] for name, jumps in zip(path.names, path.jumps, strict=True) if not jumps.any()]
    torn = [LABELS[name] for name, jumps in zip(path.names, path.jumps, strict=True) if jumps.any()]
    if not torn:
        return "No code has jumped so far. Turn through 180°, or past 90° about z."
    words = f"Jumped: {', '.join(torn)}." + (f" Smooth: {', '.join(smooth)}." if smooth else "")
    if path.is_closed:
        elsewhere = [LABELS[name] for name, gap in zip(path.names, path.gaps, strict=True) if gap > 0.05]
        words += " The loop is closed"
        words += f"; followed without jumping, {', '.join(elsewhere)} would end elsewhere." if elsewhere else "."
    return words
