"""Reusable views. Names are imported when they are first asked for, so one view never pays for another's libraries.

The colours are at `workbench.views.theme.theme()`; they have no shorter name, since `theme` here is that module.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.views.bars import BarsView
    from workbench.views.base import View
    from workbench.views.boxes import BoxesView
    from workbench.views.controls import FrameScrubber, LabelledSlider, SegmentedButtons
    from workbench.views.curves import CurvesView
    from workbench.views.experiment_view import ExperimentView, SessionPort
    from workbench.views.field_editor import BrushPalette, FieldEditor
    from workbench.views.field_row import FieldRow
    from workbench.views.film import Film, FilmButton
    from workbench.views.function_editor import FunctionEditor
    from workbench.views.histogram import HistogramView
    from workbench.views.image import ImageView
    from workbench.views.linking import link
    from workbench.views.measured import MeasuredView
    from workbench.views.parallel import ParallelAxis, ParallelView
    from workbench.views.pattern_editor import PatternEditor
    from workbench.views.phase_diagram import PhaseDiagramView
    from workbench.views.piano_roll import PianoRoll
    from workbench.views.picks import Pick
    from workbench.views.plot import PlotView
    from workbench.views.point_editor import PointEditor
    from workbench.views.pyqtgraph_view import PyqtgraphView
    from workbench.views.roll_notes import RollNote
    from workbench.views.scatter import ScatterView
    from workbench.views.scene3d import Scene3DView
    from workbench.views.table import Column, TableView
    from workbench.views.theme import Theme, as_theme
    from workbench.views.transport import Transport

_HOMES = {
    "BarsView": "bars",
    "BrushPalette": "field_editor",
    "Column": "table",
    "BoxesView": "boxes",
    "PianoRoll": "piano_roll",
    "RollNote": "roll_notes",
    "Transport": "transport",
    "CurvesView": "curves",
    "ExperimentView": "experiment_view",
    "FieldEditor": "field_editor",
    "FieldRow": "field_row",
    "Film": "film",
    "FilmButton": "film",
    "FrameScrubber": "controls",
    "FunctionEditor": "function_editor",
    "HistogramView": "histogram",
    "ImageView": "image",
    "LabelledSlider": "controls",
    "ParallelAxis": "parallel",
    "ParallelView": "parallel",
    "MeasuredView": "measured",
    "PatternEditor": "pattern_editor",
    "PhaseDiagramView": "phase_diagram",
    "Pick": "picks",
    "PlotView": "plot",
    "PointEditor": "point_editor",
    "PyqtgraphView": "pyqtgraph_view",
    "ScatterView": "scatter",
    "Scene3DView": "scene3d",
    "SegmentedButtons": "controls",
    "SessionPort": "experiment_view",
    "TableView": "table",
    "Theme": "theme",
    "View": "base",
    "as_theme": "theme",
    "link": "linking",
}

__all__ = [
    "BarsView",
    "BoxesView",
    "BrushPalette",
    "Column",
    "CurvesView",
    "ExperimentView",
    "FieldEditor",
    "FieldRow",
    "Film",
    "FilmButton",
    "FrameScrubber",
    "FunctionEditor",
    "HistogramView",
    "ImageView",
    "LabelledSlider",
    "MeasuredView",
    "ParallelAxis",
    "ParallelView",
    "PatternEditor",
    "PhaseDiagramView",
    "PianoRoll",
    "Pick",
    "PlotView",
    "PointEditor",
    "PyqtgraphView",
    "RollNote",
    "ScatterView",
    "Scene3DView",
    "SegmentedButtons",
    "SessionPort",
    "TableView",
    "Theme",
    "Transport",
    "View",
    "as_theme",
    "link",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"workbench.views.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
