"""The panel: one view for each experiment."""

from __future__ import annotations

from plugins.rotation_continuity.panel_continuity import ContinuityView
from plugins.rotation_continuity.panel_kinematics import KinematicsView
from plugins.rotation_continuity.panel_rotation import CloudsView, SanityView
from plugins.rotation_continuity.panel_special_orthogonal import SpecialOrthogonalView
from plugins.rotation_continuity.panel_tears import TearView

__all__ = ["CloudsView", "ContinuityView", "KinematicsView", "SanityView", "SpecialOrthogonalView", "TearView"]
