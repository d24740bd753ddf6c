"""The panel: one view for each experiment."""

from __future__ import annotations

from plugins.cm_hrnn.panel_inspect import InspectView
from plugins.cm_hrnn.panel_studies import AblateView, CompareView, HarmonyView, ListenView, StructureView

__all__ = ["AblateView", "CompareView", "HarmonyView", "InspectView", "ListenView", "StructureView"]
