"""Figures that move together."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker

from workbench.views.picks import Pick
from workbench.views.plot import PlotView


def link(*views: PlotView) -> None:
    """Let views share their zoom and show each other's cursor, as fields beside each other do."""
    for view in views:
        others = tuple(other for other in views if other is not view)
        _Link(view, others)


class _Link:
    """Bound methods as slots, kept alive by the view that they belong to."""

    def __init__(self, view: PlotView, others: tuple[PlotView, ...]) -> None:
        self._view, self._others = view, others
        view.hovered.connect(self.show_cursor)
        view.range_changed.connect(self.share_range)
        view.__dict__.setdefault("_links", []).append(self)

    def show_cursor(self, pick: Pick | None) -> None:
        for other in self._others:
            other.set_cursor(None if pick is None else (pick.x, pick.y))

    def share_range(self) -> None:
        view = self._view
        for other in self._others:
            with QSignalBlocker(other):
                if view.follows_x and view.follows_y:
                    other.fit()
                else:
                    other.set_range((view.x_axis.low, view.x_axis.high), (view.y_axis.low, view.y_axis.high))
