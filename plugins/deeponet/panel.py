"""The panel: one view for each experiment."""

from __future__ import annotations

from plugins.deeponet.panel_fractional import FractionalView
from plugins.deeponet.panel_operator import OperatorView
from plugins.deeponet.panel_spaces import ShiftView, StochasticView
from plugins.deeponet.panel_sweeps import DuelView, ScalingView, SensorsView

__all__ = ["DuelView", "FractionalView", "OperatorView", "ScalingView", "SensorsView", "ShiftView", "StochasticView"]
