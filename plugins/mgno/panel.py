"""The panel: one view for each experiment."""

from __future__ import annotations

from plugins.mgno.panel_fields import FieldsView
from plugins.mgno.panel_lab import BoundaryView, MultigridView
from plugins.mgno.panel_rollout import RolloutView

__all__ = ["BoundaryView", "FieldsView", "MultigridView", "RolloutView"]
