"""Views of the sanity test and of the point clouds: one case in space, the ball of rotations, errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from PySide6.QtCore import Slot
from PySide6.QtWidgets import QCheckBox, QFormLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from plugins.rotation_continuity import published
from plugins.rotation_continuity.contract import LABELS
from plugins.rotation_continuity.frames import CaseAnswer, CloudAnswer, CloudsFrame, SanityFrame
from plugins.rotation_continuity.panel_parts import (
    Ball,
    ErrorViews,
    NameBox,
    RotationScene,
    colour,
    columns_of,
    logarithm,
    parsed_rotation,
)
from workbench.sdk import MetricsHistory
from workbench.views import ExperimentView, LabelledSlider, ScatterView, SessionPort
from workbench.views.layouts import beside, tabs_of
from workbench.views.picks import Pick
from workbench.views.scene3d_picking import Pick3D


class RotationView(ExperimentView):
    """One rotation in space, the ball of all test rotations, and the errors; base of two experiments."""

    published = published.SANITY
    scene_title = "A rotation"

    def __init__(self, port: SessionPort, parent: QWidget | None = None) -> None:
        super().__init__(port, parent)
        self._frame: SanityFrame | None = None
        self._case = -1
        self._matrix: np.ndarray | None = None
        self.scene = RotationScene("case", self.scene_title)
        self.ball = Ball("ball", "Errors in the ball")
        self.chosen = NameBox("Whose errors the ball and the scatter show")
        self.ball.add_tool(self.chosen)
        self.scatter = ScatterView(
            "scatter", "Error against rotation angle", "rotation angle", "error", x_unit="°", y_unit="°", log_y=True,
            median=True, point_size=4.0, hint="The line is the running median. Click a point to see the case.",
        )  # fmt: skip
        self.errors = ErrorViews("°", self.published)
        tests = tabs_of({"Errors": self.errors.table, "Worst cases": self.errors.worst, "By angle": self.scatter})
        curves = tabs_of({"Loss": self.errors.loss, "Mean error": self.errors.error})
        splitter = columns_of((self.scene, self.ball), (beside(self.errors.percentiles, curves, sizes=(1, 1)), tests))
        splitter.setSizes([340, 640])
        splitter.widget(1).setSizes([400, 290])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(splitter)
        self._play = self._make_play()
        self.scene.turned.connect(self._ask_rotation)
        self.ball.picked.connect(self._ball_picked)
        self.scatter.clicked.connect(self._scatter_clicked)
        self.errors.case_chosen.connect(self.show_case)
        self.chosen.picked.connect(self._show_points)

    def _make_play(self) -> QWidget:
        play = QWidget()
        form = QFormLayout(play)
        form.setContentsMargins(0, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._typed = QLineEdit()
        self._typed.setPlaceholderText("0 0 180")
        self._typed.setToolTip("3 numbers: axis times degrees; 4: quaternion w x y z; 9: a matrix, row by row")
        self._typed.setAccessibleName("Rotation")
        self._typed.returnPressed.connect(self._typed_rotation)
        form.addRow("Type a rotation", self._typed)
        self._sliced = QCheckBox("Slice the ball")
        self._sliced.toggled.connect(self._show_points)
        self._height = LabelledSlider("at z", -3.1, 3.1, 0.0, decimals=2, unit="rad", help="Height of the slice")
        self._height.value_changed.connect(self._height_moved)
        form.addRow(self._sliced)
        form.addRow(self._height)
        self._forget = QPushButton("Back to the first test case")
        self._forget.clicked.connect(self._forget_case)
        form.addRow(self._forget)
        self._about = QLabel(wordWrap=True)
        form.addRow(self._about)
        return play

    def play_controls(self) -> QWidget:
        """Type a rotation, slice the ball."""
        return self._play

    def state(self) -> dict[str, Any]:
        """Zooms, and which test case is shown."""
        return super().state() | {"case": self._case}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore what `state` returned; the case is asked for with the next look at the test set."""
        super().restore(state)
        if isinstance(case := state.get("case"), int) and case >= 0:
            self._case, self._matrix = case, None

    def start_over(self) -> None:
        """Forget the run before."""
        self._frame = None
        self._case, self._matrix = -1, None
        self.errors.start_over()

    def show_frame(self, frame: SanityFrame) -> None:
        """Draw the case, and where there is a newer look at the test set, everything else."""
        self._frame = frame
        self.chosen.set_names(frame.names)
        if self._case < 0 and self._matrix is None:
            self.show_answer(self.case_of(frame))
        if self.errors.show_frame(frame):
            self._show_points()
            self._ask_again()
            self._describe(frame)

    def case_of(self, frame: SanityFrame) -> CaseAnswer:
        """The frame's own case as an answer."""
        return CaseAnswer(0, frame.names, frame.truth, frame.predicted, _errors(frame.truth, frame.predicted))

    def show_metrics(self, history: MetricsHistory) -> None:
        """Draw loss and error over steps."""
        self.errors.show_metrics(history)

    def show_answer(self, answer: CaseAnswer) -> None:
        """Draw one case."""
        self.draw_case(answer)
        self.ball.set_points("here", logarithm(answer.truth)[None], color="foreground", size=13.0, pickable=False)
        self.scene.title = self.scene_title if answer.index < 0 else f"Case {answer.index}"

    def draw_case(self, answer: CaseAnswer) -> None:
        """Draw truth and answers in space."""
        self.scene.show_truth(answer.truth)
        self.scene.show_answers(answer.names, answer.predicted, [f"{error:.1f}°" for error in answer.errors])

    def _describe(self, frame: SanityFrame) -> None:
        loose = [
            f"{LABELS[name]}: |RᵀR − 1| up to {off:.2g}, det {low:.2g} to {high:.2g}."
            for name, off, (low, high) in zip(frame.names, frame.orthogonality, frame.determinant, strict=True)
            if off > 1e-3
        ]
        self._about.setText(("Not rotations: " + " ".join(loose)) if loose else "")

    @Slot()
    def _show_points(self) -> None:
        frame = self._frame
        if frame is None or self.chosen.name not in frame.names:
            return
        row = frame.names.index(self.chosen.name)
        errors = frame.errors[row]
        count = len(errors)
        height = self._height.value if self._sliced.isChecked() else None
        self.ball.show_errors(frame.ball[:count], errors, height)
        worst = frame.worst_cases[row]
        self.ball.show_links(frame.ball[worst[worst < count]])
        self.scatter.set_points(frame.angles[:count], np.maximum(errors, 0.05), color=colour(self.chosen.name))
        self.scatter.title = f"Error of {LABELS[self.chosen.name]} against rotation angle"

    @Slot(object)
    def _height_moved(self, _: float) -> None:
        if not self._sliced.isChecked():
            self._sliced.setChecked(True)
        else:
            self._show_points()

    @Slot()
    def _typed_rotation(self) -> None:
        try:
            matrix = parsed_rotation(self._typed.text())
        except ValueError as error:
            self.port.say(str(error))
            return
        self._ask_rotation(matrix)

    @Slot(object)
    def _ask_rotation(self, matrix: np.ndarray) -> None:
        self._matrix, self._case = np.asarray(matrix, float), -1
        self.port.ask_latest("rotate", self._answered, matrix=self._matrix)

    @Slot(object)
    def show_case(self, case: int) -> None:
        """Load a test case into the scene."""
        self._case, self._matrix = int(case), None
        self.port.ask_latest("case", self._answered, index=self._case)
        frame = self._frame
        if frame is not None and case < frame.errors.shape[1]:
            self.scatter.set_highlight([case])

    def _ask_again(self) -> None:
        if self._matrix is not None:
            self.port.ask_latest("rotate", self._answered, matrix=self._matrix)
        elif self._case >= 0:
            self.port.ask_latest("case", self._answered, index=self._case)

    def _answered(self, answer: CaseAnswer) -> None:
        if self._matrix is None and self._case < 0:
            return
        # While the frame is being dragged, the answer is a little behind the hand: the hand's rotation stays.
        self.show_answer(answer)
        if self._matrix is not None:
            self.scene.follow_hand(self._matrix)

    @Slot()
    def _forget_case(self) -> None:
        self._case, self._matrix = -1, None
        if self._frame is not None:
            self.show_answer(self.case_of(self._frame))

    @Slot(object)
    def _ball_picked(self, pick: Pick3D) -> None:
        case = self.ball.case_at(pick)
        if case is not None:
            self.show_case(case)

    @Slot(object)
    def _scatter_clicked(self, pick: Pick) -> None:
        if pick.index >= 0:
            self.show_case(pick.index)


class SanityView(RotationView):
    """Experiment A."""


class CloudsView(RotationView):
    """Experiment B: the case is a pair of clouds, and every network's turn of the first."""

    published = published.CLOUDS
    scene_title = "Two clouds"

    def __init__(self, port: SessionPort, parent: QWidget | None = None) -> None:
        super().__init__(port, parent)
        self.scene.hint = "Drag to turn the second cloud (or the view: buttons above); click legend entries to hide."
        self.scene.set_bounds(*(np.full(3, side * 0.9) for side in (-1, 1)))
        self._warned = False

    def start_over(self) -> None:
        """Forget the run before, and its warning."""
        super().start_over()
        self._warned = False

    def show_frame(self, frame: CloudsFrame) -> None:
        """Draw the pair, and warn where the shape may look alike when turned."""
        super().show_frame(frame)
        if frame.symmetry > 0 and not self._warned:
            self._warned = True
            self.port.say(
                f"A shape's second moments nearly agree (ratio {frame.symmetry:.2f}): if it looks alike when turned, "
                "several answers are right and the errors mean little."
            )

    def case_of(self, frame: CloudsFrame) -> CloudAnswer:
        """The frame's own pair as an answer."""
        errors = _errors(frame.truth, frame.predicted)
        return CloudAnswer(0, frame.names, frame.truth, frame.predicted, errors, frame.first, frame.second)

    def draw_case(self, answer: CloudAnswer) -> None:
        """Draw both clouds, and the first one as each network turns it."""
        self.scene.rotation = np.asarray(answer.truth, float)
        shift = (answer.second - answer.first @ answer.truth.T).mean(0)
        self.scene.set_points("first", answer.first, color="muted", size=3.0, label="first", pickable=False)
        self.scene.set_points("second", answer.second, color="foreground", size=8.0, label="second", pickable=False)
        known = {f"cloud {name}" for name in answer.names}
        for item in self.scene.item_names:
            if item.startswith("cloud ") and item not in known:
                self.scene.remove(item)
        for name, matrix, error in zip(answer.names, answer.predicted, answer.errors, strict=True):
            turned = answer.first @ matrix.T + shift
            label = f"{LABELS[name]} {error:.1f}°"
            self.scene.set_points(f"cloud {name}", turned, color=colour(name), size=5.0, label=label, pickable=False)


def _errors(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    cosine = (np.einsum("rij,ij->r", predicted, truth) - 1) / 2
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))
