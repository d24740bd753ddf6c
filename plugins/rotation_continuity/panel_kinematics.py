"""View of inverse kinematics: play a clip, drag a hand or a foot, and see every network's pose as a ghost."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Slot
from PySide6.QtWidgets import QFormLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from plugins.rotation_continuity import published
from plugins.rotation_continuity.contract import LABELS
from plugins.rotation_continuity.frames import KinematicsFrame, PoseAnswer
from plugins.rotation_continuity.panel_parts import ErrorViews, colour, columns_of
from workbench.sdk import MetricsHistory
from workbench.views import CurvesView, ExperimentView, FrameScrubber, Scene3DView, SessionPort
from workbench.views.layouts import tabs_of
from workbench.views.picks import Pick
from workbench.views.scene3d_picking import Pick3D

LARGEST_SHOWN_CLIP = 2000
WRONG_CM = 100.0
ROOM = 0.9  # of the box around the clip; its corners are empty, but arms may be dragged there


class KinematicsView(ExperimentView):
    """A stick figure with handles on every joint, its ghosts, the clip's errors, and the errors on the test set."""

    hint = "Drag a joint: the pose follows, and every network answers with its own."

    def __init__(self, port: SessionPort, parent: QWidget | None = None) -> None:
        super().__init__(port, parent)
        self._frame: KinematicsFrame | None = None
        self._pose: np.ndarray | None = None
        self._case = -1
        self._joint = -1
        self.scene = Scene3DView(
            "pose", "The pose, and each network's answer", up="y", axes=False,
            hint="Drag a joint to move it; drag beside to turn the view; click legend entries to hide ghosts.",
        )  # fmt: skip
        self.scene.look_from(25, 12)
        self.scrubber = FrameScrubber(frames_per_second=30)
        self.scrubber.frame_changed.connect(self._frame_scrubbed)
        self.clip = CurvesView(
            "clip", "Error along the clip", "time", "error", x_unit="s", y_unit="cm",
            hint="Click to go to that moment.",
        )  # fmt: skip
        self.errors = ErrorViews("cm", published.KINEMATICS)
        self.errors.percentiles.hint = "The paper's figure for joint positions. Click a curve to see that pose."
        stage = QWidget()
        inside = QVBoxLayout(stage)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(0)
        inside.addWidget(self.scene, 1)
        inside.addWidget(self.scrubber)
        right = (
            self.errors.percentiles,
            tabs_of({"Errors": self.errors.table, "Worst poses": self.errors.worst, "Clip": self.clip}),
            tabs_of({"Loss": self.errors.loss, "Mean error": self.errors.error}),
        )
        splitter = columns_of((stage,), right)
        splitter.setSizes([490, 490])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(splitter)
        self._play = self._make_play()
        self.scene.handle_dragged.connect(self._joint_dragged)
        self.clip.clicked.connect(self._clip_clicked)
        self.errors.case_chosen.connect(self._show_case)

    def _make_play(self) -> QWidget:
        play = QWidget()
        form = QFormLayout(play)
        form.setContentsMargins(0, 0, 0, 0)
        self._back = QPushButton("Back to the clip")
        self._back.setToolTip("Forget the dragged pose or the test pose")
        self._back.clicked.connect(self._back_to_clip)
        form.addRow(self._back)
        self._said = QLabel(wordWrap=True)
        form.addRow(self._said)
        return play

    def play_controls(self) -> QWidget:
        """Go back to the clip; what each network's error is now."""
        return self._play

    def start_over(self) -> None:
        """Forget the run before."""
        self._frame, self._pose, self._case = None, None, -1
        self.errors.start_over()
        self.clip.clear()
        self.scene.clear()

    def show_frame(self, frame: KinematicsFrame) -> None:
        """Draw the clip at the scrubber's place, and where there is a newer look at the test set, everything."""
        is_first = self._frame is None
        self._frame = frame
        self.scrubber.set_count(min(len(frame.clip), LARGEST_SHOWN_CLIP))
        if is_first:
            low, high = frame.clip.min((0, 1)), frame.clip.max((0, 1))
            self.scene.set_bounds(*_closer(low, high))
            self._draw_floor(float(low[1]))
        is_new = self.errors.show_frame(frame)
        if is_new:
            time = np.arange(len(frame.clip)) * frame.frame_time
            for name, errors in zip(frame.names, frame.clip_errors, strict=True):
                self.clip.set_series(name, time, errors, label=LABELS[name], color=colour(name))
        if self._pose is None and self._case < 0:
            if is_new or is_first:
                self._show_clip()
        elif is_new:
            self._ask_again()

    def show_metrics(self, history: MetricsHistory) -> None:
        """Draw loss and error over steps."""
        self.errors.show_metrics(history)

    def _draw_floor(self, height: float) -> None:
        ticks = np.linspace(-1, 1, 9)
        lines = [((a, height, -1), (a, height, 1)) for a in ticks] + [((-1, height, a), (1, height, a)) for a in ticks]
        self.scene.set_lines("floor", np.array(lines).reshape(-1, 3), "segments", color="grid", width=1.0)

    # Poses

    def _show_clip(self) -> None:
        frame = self._frame
        if frame is not None and len(frame.clip):
            at = min(self.scrubber.frame, len(frame.clip) - 1)
            self._draw(frame.names, frame.clip[at], frame.predicted[:, at], frame.clip_errors[:, at])
            self.clip.set_line("now", at * frame.frame_time, "vertical", color="accent")

    def _draw(self, names: tuple[str, ...], truth: np.ndarray, predicted: np.ndarray, errors: np.ndarray) -> None:
        frame = self._frame
        if frame is None:
            return
        child = np.arange(1, len(frame.parents))
        bones = np.stack([frame.parents[1:], child], 1).ravel()
        known = {f"ghost {name}" for name in names}
        for item in self.scene.item_names:
            if item.startswith("ghost ") and item not in known:
                self.scene.remove(item)
        for name, pose, error in zip(names, predicted, errors, strict=True):
            label = f"{LABELS[name]} {error:.1f} cm"
            self.scene.set_lines(f"ghost {name}", pose[bones], "segments", color=colour(name), width=2.0, label=label)
        self.scene.set_lines("bones", truth[bones], "segments", color="foreground", width=5.0, label="true pose")
        self.scene.set_points("joints", truth, color="foreground", size=9.0, handle=True, names=frame.joints)
        wrong = [LABELS[name] for name, error in zip(names, errors, strict=True) if error > WRONG_CM]
        self._said.setText(f"{', '.join(wrong)}: more than {WRONG_CM:.0f} cm off here." if wrong else "")

    @Slot(object)
    def _frame_scrubbed(self, _: int) -> None:
        self._pose, self._case = None, -1
        self._show_clip()

    @Slot(object)
    def _clip_clicked(self, pick: Pick) -> None:
        if pick.index >= 0:
            self.scrubber.set_frame(pick.index)
            self._frame_scrubbed(pick.index)

    @Slot()
    def _back_to_clip(self) -> None:
        self._frame_scrubbed(self.scrubber.frame)

    @Slot(object)
    def _joint_dragged(self, pick: Pick3D) -> None:
        if pick.index < 1:
            return  # the root stays where it is
        self.scrubber.set_playing(False)
        position = np.asarray(pick.position, float)
        self._joint = pick.index
        self.port.ask_latest(
            "reach", self._reached, joint=pick.index, position=position, frame=self.scrubber.frame, pose=self._pose
        )

    def _reached(self, answer: PoseAnswer) -> None:
        self._pose, self._case = answer.rotations, -1
        self._answered(answer)

    @Slot(object)
    def _show_case(self, case: int) -> None:
        self._case, self._pose = int(case), None
        self.scrubber.set_playing(False)
        self.port.ask_latest("case", self._answered, index=self._case)

    def _ask_again(self) -> None:
        if self._case >= 0:
            self.port.ask_latest("case", self._answered, index=self._case)
        elif self._pose is not None:
            self.port.ask_latest("pose", self._answered, pose=self._pose)

    def _answered(self, answer: PoseAnswer) -> None:
        self._draw(answer.names, answer.truth, answer.predicted, answer.errors)
        self.scene.title = (
            f"Test pose {self._case}, and each network's answer" if self._case >= 0
            else "The pose, and each network's answer"
        )  # fmt: skip


def _closer(low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shrink the box a little, so that an upright figure fills the view."""
    middle, half = (low + high) / 2, (high - low) / 2
    return middle - ROOM * half, middle + ROOM * half
