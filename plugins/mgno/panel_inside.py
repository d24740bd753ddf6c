"""Looking into a V-cycle: u and f at every moment of it, and the symbols of its smoothers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Slot
from PySide6.QtWidgets import QSpinBox, QVBoxLayout, QWidget

from plugins.mgno.frames import CycleAnswer, FieldFrame, SymbolAnswer
from workbench.views import CurvesView, FrameScrubber, ImageView
from workbench.views.layouts import beside

if TYPE_CHECKING:
    from plugins.mgno.panel_fields import FieldsView

UNIT = (0.0, 1.0, 0.0, 1.0)


class CycleViews(QWidget):
    """u and f of one moment of the cycle, with a scrubber through all moments, and where the cycle is."""

    def __init__(self, view: FieldsView) -> None:
        super().__init__()
        self._view = view
        self._answer: CycleAnswer | None = None
        self.u = ImageView("cycle-u", "u", value_label="u", x_label="x", y_label="y")
        self.f = ImageView("cycle-f", "f", value_label="f", x_label="x", y_label="y")
        self.path = CurvesView("cycle-path", "The V", "moment", "level", hint="Click a moment of the cycle.")
        self.path.y_axis.is_reversed = True
        self.path.clicked.connect(self._path_clicked)
        self.layer = QSpinBox()
        self.layer.setPrefix("layer ")
        self.layer.setRange(1, 8)
        self.layer.valueChanged.connect(self._changed)
        self.channel = QSpinBox()
        self.channel.setRange(0, 12)
        self.channel.setSpecialValueText("rms of channels")
        self.channel.setPrefix("channel ")
        self.channel.valueChanged.connect(self._changed)
        self.u.add_tool(self.layer)
        self.f.add_tool(self.channel)
        self.moments = FrameScrubber(frames_per_second=2)
        self.moments.frame_changed.connect(self._moment_changed)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(beside(self.path, self.u, self.f, sizes=(300, 340, 340)), 1)
        layout.addWidget(self.moments)

    def set_levels(self, frame: FieldFrame) -> None:
        """Name the levels by their grids."""
        self.path.y_axis.tick_labels = [(float(level), f"{size}²") for level, size in enumerate(frame.levels)]

    def ask(self) -> None:
        """Ask for the cycle of the coefficient in the editor."""
        values = self._view.coefficient
        if values is not None:
            self._view.port.ask_latest("cycle", self._show, failed=self._failed, values=values,
                                       layer=self.layer.value() - 1, channel=self.channel.value() - 1)  # fmt: skip

    def _failed(self, sentence: str) -> None:
        self.u.show_message(sentence)

    @Slot()
    def _changed(self) -> None:
        self.ask()

    def _show(self, answer: CycleAnswer) -> None:
        is_new = self._answer is None or len(self._answer.levels) != len(answer.levels)
        self._answer = answer
        self.channel.setMaximum(answer.channels)
        self.path.set_series("level", np.arange(len(answer.levels)), answer.levels, color="foreground", label="level")
        self.moments.set_count(len(answer.levels))
        if is_new:
            self.moments.set_frame(len(answer.levels) - 1)
        self._draw()

    @Slot(object)
    def _moment_changed(self, index: int) -> None:
        self._draw()

    @Slot(object)
    def _path_clicked(self, pick: object) -> None:
        index = getattr(pick, "index", -1)
        if index >= 0:
            self.moments.set_frame(index)
            self._draw()

    def _draw(self) -> None:
        answer = self._answer
        if answer is None:
            return
        index = min(self.moments.frame, len(answer.levels) - 1)
        self.u.set_image(answer.u[index], extent=UNIT)
        self.f.set_image(answer.f[index], extent=UNIT)
        n = len(answer.u[index])
        self.u.title = f"u · level {answer.levels[index]} ({n} × {n}) · {answer.stages[index]}"
        self.path.set_line("here", float(index), "vertical", color="accent")


class SmootherViews(QWidget):
    """Spectral radius of I - S^A^ over frequencies, of one learnt smoother and of damped Jacobi, on one scale."""

    def __init__(self, view: FieldsView) -> None:
        super().__init__()
        self._view = view
        self._answer: SymbolAnswer | None = None
        options = {"x_label": "θ₁", "y_label": "θ₂", "value_label": "ρ", "levels": (0.0, 2.0)}
        self.learnt = ImageView("symbol", "Learnt smoother: ρ(I − ŜÂ)", **options)  # type: ignore[arg-type]
        self.jacobi = ImageView("symbol-jacobi", "Damped Jacobi, ω = 0.8", **options)  # type: ignore[arg-type]
        self.cut = CurvesView("symbol-cut", "Along the diagonal θ₁ = θ₂", "θ", "spectral radius",
                              hint="Below 1 a frequency is damped; a good smoother damps the high ones.")  # fmt: skip
        self.layer = QSpinBox()
        self.layer.setPrefix("layer ")
        self.layer.setRange(1, 8)
        self.layer.valueChanged.connect(self._changed)
        self.which = QSpinBox()
        self.which.setPrefix("smoother ")
        self.which.setRange(1, 1)
        self.which.valueChanged.connect(self._draw)
        self.learnt.add_tool(self.layer)
        self.learnt.add_tool(self.which)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(beside(self.learnt, self.jacobi, self.cut, sizes=(340, 300, 340)))

    def ask(self) -> None:
        """Ask for the symbols of the chosen layer."""
        self._view.port.ask_latest("symbols", self._show, failed=self._failed, layer=self.layer.value() - 1)

    def _failed(self, sentence: str) -> None:
        self.learnt.show_message(sentence)

    @Slot()
    def _changed(self) -> None:
        self.ask()

    def _show(self, answer: SymbolAnswer) -> None:
        self._answer = answer
        self.which.setRange(1, len(answer.names))
        self._draw()

    @Slot()
    def _draw(self) -> None:
        answer = self._answer
        if answer is None:
            return
        index = min(self.which.value(), len(answer.names)) - 1
        extent = (-math.pi, math.pi, -math.pi, math.pi)
        self.learnt.set_image(answer.radius[index], extent=extent)
        self.learnt.title = f"ρ(I − ŜÂ) · {answer.names[index]}"
        self.jacobi.set_image(answer.jacobi, extent=extent)
        theta = np.linspace(-math.pi, math.pi, len(answer.jacobi))
        self.cut.set_series("learnt", theta, np.diag(answer.radius[index]), color=0)
        self.cut.set_series("jacobi", theta, np.diag(answer.jacobi), color="muted", label="damped Jacobi", style="dash")
        self.cut.set_line("one", 1.0)
