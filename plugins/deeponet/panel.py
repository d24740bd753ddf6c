"""The panel: one view for each experiment."""

from __future__ import annotations

from plugins.deeponet.panel_operator import OperatorView

__all__ = ["OperatorView"]
