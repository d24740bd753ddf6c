"""The four tasks' views: what each adds to the common one."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Slot
from PySide6.QtWidgets import QWidget

from plugins.pointer_networks.contract import LABELS, ModelAnswer, PointerFrame, SetAnswer
from plugins.pointer_networks.panel_parts import COLOURS, pairs_of
from plugins.pointer_networks.panel_view import FAIL_SHARE, PointerView
from workbench.views import BarsView
from workbench.views.picks import Pick


class HullView(PointerView):
    """Convex hulls."""

    task, quality_label = "hull", "area covered"

    def test_pages(self) -> dict[str, QWidget]:
        """Also accuracy by when the hull's points come."""
        self.ranks = BarsView(
            "order",
            "Accuracy by when the hull's points come in the input",
            "accuracy",
            hint="Thirds of the test sets by the mean input place of the hull's points.",
        )
        pages = super().test_pages()
        return {"Sizes": pages.pop("Sizes"), "Area": pages.pop("Area covered"), "Order": self.ranks, **pages}

    def quality_cell(self, valid: float, quality: float) -> object:
        """The area, or FAIL by the paper's rule: more than 1 % of the outputs cross themselves."""
        return "FAIL" if 1 - valid > FAIL_SHARE else super().quality_cell(valid, quality)

    def _show_test(self, frame: PointerFrame) -> None:
        super()._show_test(frame)
        self.ranks.set_bars(
            ["early", "middle", "late"],
            {LABELS[name]: frame.ranks[row] for row, name in enumerate(frame.models)},
            colors={LABELS[name]: COLOURS[name] for name in frame.models},
        )


class DelaunayView(PointerView):
    """Delaunay triangulations."""

    task, quality_label = "delaunay", "triangles covered"

    def test_pages(self) -> dict[str, QWidget]:
        """As in the base class, with a shorter word."""
        pages = super().test_pages()
        return {"Sizes": pages.pop("Sizes"), "Triangles": pages.pop("Triangles covered"), **pages}


class TourView(PointerView):
    """Round tours, with the heuristics beside the model's."""

    task, quality_label = "tour", "tour length"

    def test_pages(self) -> dict[str, QWidget]:
        """First the lengths of these points' tours."""
        self._overlaid: set[str] = set()
        self.lengths = BarsView(
            "lengths",
            "Tours of these points",
            "length",
            horizontal=True,
            hint="Click a bar to draw its tour over the points, or to take it off.",
        )
        self.lengths.clicked.connect(self._bar_clicked)
        pages = super().test_pages()
        return {"These": self.lengths, "Lengths": pages.pop("Tour length"), **pages}

    def truth_label(self, answer: SetAnswer) -> str:
        """The dashed tour's solver and length."""
        length = tour_length(answer.points, answer.truth)
        return f"{'optimal' if answer.is_exact else '2-opt'} {length:.3f}"

    def answer_label(self, name: str, found: ModelAnswer | None) -> str:
        """Also the tour's length."""
        label = super().answer_label(name, found)
        return f"{label} {found.quality:.3f}" if found is not None and np.isfinite(found.quality) else label

    def _draw_answer(self) -> None:
        super()._draw_answer()
        if self._answer is None:
            return
        for index, (name, length, slots) in enumerate(self._answer.others):
            pairs = pairs_of("tour", slots) if name in self._overlaid else None
            self.editor.set_lines(
                f"other {name}", pairs, color=3 + index % 5, style="dot", width=2.0, label=f"{name} {length:.3f}"
            )

    def _show_numbers(self, answer: SetAnswer, own: ModelAnswer) -> None:
        super()._show_numbers(answer, own)
        found = {name: length for name, length, _ in answer.others}
        found |= {LABELS[name]: one.quality for name, one in answer.answers.items() if np.isfinite(one.quality)}
        self.lengths.set_bars(list(found), {"length": list(found.values())})

    @Slot(object)
    def _bar_clicked(self, pick: Pick) -> None:
        if self._answer is not None and 0 <= pick.index < len(self._answer.others):
            self._overlaid ^= {self._answer.others[pick.index][0]}
            self._draw_answer()


def tour_length(points: np.ndarray, slots: np.ndarray) -> float:
    """Length of a closed tour given as 1-based slots."""
    ordered = points[slots[slots > 0] - 1]
    return float(np.linalg.norm(ordered - np.roll(ordered, -1, 0), axis=1).sum())


class SortView(PointerView):
    """Sorting numbers."""

    task, quality_label = "sort", "places right"
    hint = "The numbers are the points' x; drag one sideways and watch the order change."
