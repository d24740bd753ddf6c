"""The panel: one view for each experiment."""

from __future__ import annotations

from plugins.pointer_networks.panel_tasks import DelaunayView, HullView, SortView, TourView

__all__ = ["DelaunayView", "HullView", "SortView", "TourView"]
