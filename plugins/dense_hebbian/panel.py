"""The panel: one view for each experiment."""

from __future__ import annotations

from plugins.dense_hebbian.panel_curves import DetectionView, LearningView, TeacherView
from plugins.dense_hebbian.panel_images import ImagesView
from plugins.dense_hebbian.panel_phase import PhaseView
from plugins.dense_hebbian.panel_retrieve import RetrieveView

__all__ = ["DetectionView", "ImagesView", "LearningView", "PhaseView", "RetrieveView", "TeacherView"]
