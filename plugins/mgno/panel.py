"""The panel: one view for each experiment."""

from __future__ import annotations

from plugins.mgno.panel_fields import FieldsView

__all__ = ["FieldsView"]
