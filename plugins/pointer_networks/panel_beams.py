"""BeamTreeView: the outputs that a beam search kept, as a tree of their common beginnings.

     ┌─ 3 ── 4 ── ⇐   −0.41
1 ── 2
     └─ 4 ── 3 ── ⇐   −1.37      thick: likely steps; right: log-probability of the whole output
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QFont, QPainter

from workbench.views import PlotView
from workbench.views.axis import Frame2D
from workbench.views.painting import SMALL_PX, draw_text, figure_font, pen, text_height, text_width, with_alpha
from workbench.views.picks import Pick
from workbench.views.plot import Bounds
from workbench.views.theme import theme

STOP = "⇐"
Candidate = tuple[np.ndarray, np.ndarray]


class BeamTreeView(PlotView):
    """Candidates (slots (T,), log-probability of each step (T,)), best first. `clicked` has the candidate's index."""

    HAS_LOG_TOGGLES = False

    def __init__(self, name: str, title: str, hint: str = "") -> None:
        super().__init__(
            name,
            title,
            x_label="output step",
            hint=hint or "Lines are as thick as their step is likely; right: log p of the whole output.",
        )
        self.y_axis.tick_labels = []
        self.y_axis.is_reversed = True
        self._candidates: tuple[Candidate, ...] = ()
        self._order: list[int] = []
        self._nodes: dict[tuple[int, ...], tuple[float, float]] = {}

    def set_candidates(self, candidates: Sequence[Candidate]) -> None:
        """Show these outputs; none of them shows a sentence."""
        self._candidates = tuple(candidates)
        paths = [tuple(slots.tolist()) for slots, _ in self._candidates]
        self._order = rows_of(paths)
        self._nodes = placed(paths, self._order)
        self.show_message("" if self._candidates else "There are no candidates for these points.")
        self.refresh()

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """What is shown."""
        return self._candidates

    def bounds(self) -> Bounds | None:
        """Steps, with room for the numbers at the right, and one row a candidate."""
        if not self._candidates:
            return None
        longest = max(len(slots) for slots, _ in self._candidates)
        return (0.0, longest * 1.12 + 0.6), (-0.6, len(self._candidates) - 0.4)

    def draw(self, painter: QPainter, frame: Frame2D, *, is_export: bool) -> None:
        """Draw the branches, then the nodes with their slots, then the totals."""
        font = figure_font(SMALL_PX)
        painter.setFont(font)
        height = text_height(font)
        for row, (slots, logs) in reversed(list(enumerate(self._candidates))):
            path = tuple(slots.tolist())
            colour = theme().colour(0) if row == 0 else theme().muted
            for depth in range(1, len(path) + 1):
                here = frame.point(*self._nodes[path[:depth]])
                if depth > 1:
                    share = float(np.exp(logs[depth - 1]))
                    painter.setPen(pen(with_alpha(colour, 0.35 + 0.65 * share), 1.0 + 4.0 * share))
                    painter.drawLine(frame.point(*self._nodes[path[: depth - 1]]), here)
            end = frame.point(*self._nodes[path])
            text = f"{float(logs.sum()):.2f}"
            place = QRectF(end.x() + 12, end.y() - height / 2, text_width(text, font) + 4, height)
            draw_text(painter, place, text, theme().foreground)
        for path, place in self._nodes.items():
            self._draw_node(painter, frame.point(*place), STOP if path[-1] == 0 else str(path[-1]), height, font)

    @staticmethod
    def _draw_node(painter: QPainter, centre: QPointF, text: str, height: float, font: QFont) -> None:
        width = max(height, text_width(text, font) + 6)
        box = QRectF(centre.x() - width / 2, centre.y() - height / 2, width, height)
        painter.setPen(pen(theme().muted, 1.0))
        painter.setBrush(with_alpha(theme().background, 1.0))
        painter.drawRoundedRect(box, 4, 4)
        draw_text(painter, box, text, theme().foreground)

    def pick(self, frame: Frame2D, position: QPointF) -> Pick:
        """The candidate whose row is nearest."""
        x, y = frame.data(position)
        row = round(y)
        return Pick(x, y, "", self._order.index(row) if row in self._order else -1)

    def data(self) -> Mapping[str, np.ndarray]:
        """Slots and step log-probabilities, one row a candidate, padded with 0."""
        if not self._candidates:
            return {}
        longest = max(len(slots) for slots, _ in self._candidates)
        return {
            "slots": np.stack([np.pad(slots, (0, longest - len(slots))) for slots, _ in self._candidates]),
            "log_probability": np.stack([np.pad(logs, (0, longest - len(logs))) for _, logs in self._candidates]),
        }


def rows_of(paths: Sequence[tuple[int, ...]]) -> list[int]:
    """Row of each output, so that those with a common beginning are neighbours and better branches are higher up."""
    best: dict[tuple[int, ...], int] = {}
    for rank, path in enumerate(paths):
        for depth in range(len(path) + 1):
            best.setdefault(path[:depth], rank)
    order = sorted(range(len(paths)), key=lambda k: [best[paths[k][:depth]] for depth in range(len(paths[k]) + 1)])
    return [order.index(rank) for rank in range(len(paths))]


def placed(paths: Sequence[tuple[int, ...]], rows: Sequence[int]) -> dict[tuple[int, ...], tuple[float, float]]:
    """Place each beginning at (its length, the mean row of the outputs that share it)."""
    shared: dict[tuple[int, ...], list[int]] = {}
    for row, path in zip(rows, paths, strict=True):
        for depth in range(1, len(path) + 1):
            shared.setdefault(path[:depth], []).append(row)
    return {path: (float(len(path)), float(np.mean(own))) for path, own in shared.items()}
