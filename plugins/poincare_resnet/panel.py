"""The panel: one view for each experiment."""

from __future__ import annotations

from plugins.poincare_resnet.panel_explore import ExploreView
from plugins.poincare_resnet.panel_geometry import CollapseView, CostView, MeanView, TreeView
from plugins.poincare_resnet.panel_robustness import RobustnessView
from plugins.poincare_resnet.panel_train import TrainView

__all__ = ["CollapseView", "CostView", "ExploreView", "MeanView", "RobustnessView", "TrainView", "TreeView"]
