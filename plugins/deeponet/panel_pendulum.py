"""PendulumView: two pendulums that the mouse pushes, the true one and the network's.

┌──────────────┐    hold the left button: the mouse's x is the force u(t), now
│      ┬       │    both swing; the record of u is the input in the editor
│     ╱ ╲      │
└──────────────┘
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QToolButton

from workbench.views.legend import LegendEntry
from workbench.views.painting import pen
from workbench.views.plot import Bounds, PlotView
from workbench.views.theme import theme

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from PySide6.QtGui import QPainter

    from plugins.deeponet.frames import Response
    from workbench.views.axis import Frame2D
    from workbench.views.picks import Pick, ReadOut

POINTS = 201
TICK_MS = 33
SECONDS_PER_UNIT = 4.0
"""The film is this much slower than the equation's own time, so that a hand can steer it."""
MODEST_SWING = 1.4
"""Angle in radians up to which the picture shows only what is below the pivot."""
STRONGEST = 2.5
"""Force at the edge of the picture; the training process has unit variance."""


class PendulumView(PlotView):
    """Draws both angles at one time. `pushed` emits the record of the force (201,) while the person pushes."""

    pushed = Signal(object)
    HAS_LOG_TOGGLES = False

    def __init__(self, name: str, title: str) -> None:
        super().__init__(name, title, aspect="equal",
                         hint="Hold the mouse and move it sideways: its place is the force.")  # fmt: skip
        self.x_axis.tick_labels, self.y_axis.tick_labels = [], []
        self._force = np.zeros(POINTS)
        self._index = 0
        self._end = 1.0
        self._angles: tuple[np.ndarray, np.ndarray | None] = (np.zeros(2), None)
        self._now = 0.0
        self._is_pushing = False
        self._play = QToolButton()
        self._play.setText("▶")
        self._play.setToolTip("Let both swing once under the force that was recorded")
        self._play.clicked.connect(self._replay)
        self.add_tool(self._play)
        self._timer = QTimer(self)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self._tick)
        self.drags = "edit"
        self.pressed.connect(self._begin)
        self.dragged.connect(self._steer)
        self.released.connect(self._let_go)

    @property
    def is_moving(self) -> bool:
        """Whether time runs."""
        return self._timer.isActive()

    def show_response(self, response: Response, end: float) -> None:
        """Take over the angles of both, over [0, end]."""
        self._end = end
        self._angles = (response.prediction.ravel(), None if response.truth is None else response.truth.ravel())
        self.refresh()

    @Slot(object)
    def _begin(self, pick: Pick) -> None:
        self._is_pushing, self._index = True, 0
        self._force = np.zeros(POINTS)
        self._now = self._strength(pick)
        self._timer.start()

    @Slot(object)
    def _steer(self, pick: Pick) -> None:
        self._now = self._strength(pick)

    @Slot(object)
    def _let_go(self, pick: Pick) -> None:
        self._now = 0.0

    @staticmethod
    def _strength(pick: Pick) -> float:
        return float(np.clip(pick.x / 1.2, -1, 1)) * STRONGEST

    @Slot()
    def _replay(self) -> None:
        self._is_pushing, self._index = False, 0
        self._timer.start()

    @Slot()
    def _tick(self) -> None:
        ahead = max(1, round(TICK_MS / 1000 / SECONDS_PER_UNIT / self._end * (POINTS - 1)))
        upto = min(POINTS - 1, self._index + ahead)
        if self._is_pushing:
            # What has not happened yet is taken to go on as now: causality makes it irrelevant to the true angle.
            self._force[self._index :] = self._now
            self.pushed.emit(self._force.copy())
        self._index = upto
        if self._index >= POINTS - 1:
            self._timer.stop()
            self._is_pushing = False
        self.refresh()

    def bounds(self) -> Bounds:
        """The room that a rod of length 1 needs: below the pivot only, while it does not swing higher."""
        highest = max(
            (float(np.nanmax(np.abs(own))) for own in self._angles if own is not None and len(own)), default=0
        )
        return (-1.3, 1.3), (-1.25, 1.25 if highest > MODEST_SWING else 0.3)

    def _angle(self, angles: np.ndarray) -> float:
        share = self._index / (POINTS - 1)
        return float(np.interp(share, np.linspace(0, 1, len(angles)), angles))

    def draw(self, painter: QPainter, frame: Frame2D, *, is_export: bool) -> None:
        """Draw the rods, the force as an arrow, and the time."""
        network, truth = self._angles
        pivot = frame.point(0.0, 0.0)
        for angles, colour, width in ((truth, theme().foreground, 5.0), (network, theme().colour(0), 2.4)):
            if angles is None or not len(angles):
                continue
            angle = self._angle(angles)
            bob = frame.point(math.sin(angle), -math.cos(angle))
            painter.setPen(pen(colour, width))
            painter.drawLine(pivot, bob)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colour))
            radius = 9.0 if width > 3 else 6.0
            painter.drawEllipse(bob, radius, radius)
            painter.setBrush(Qt.BrushStyle.NoBrush)
        if self.is_moving:
            force = self._force[min(self._index, POINTS - 1)]
            start, end = frame.point(0.0, -1.15), frame.point(0.5 * force, -1.15)
            painter.setPen(pen(theme().accent, 3.0))
            painter.drawLine(start, end)
            painter.drawEllipse(QPointF(end), 3.0, 3.0)

    def legend_entries(self) -> Sequence[LegendEntry]:
        """Which is which."""
        return (
            LegendEntry("truth", "true pendulum", theme().foreground, "line"),
            LegendEntry("network", "network", theme().colour(0), "line"),
        )

    def read_out(self, frame: Frame2D, position: QPointF) -> ReadOut | None:
        """Say nothing under the mouse: it is pushing."""
        return None

    def data(self) -> Mapping[str, np.ndarray]:
        """The recorded force and both angles."""
        network, truth = self._angles
        return {"force": self._force, "network": network} | ({"truth": truth} if truth is not None else {})
