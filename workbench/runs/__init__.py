"""Folders, settings, application state, and the record of every run. Neither Qt nor torch."""

from workbench.runs.folders import Folders, folders
from workbench.runs.index import IndexedRun, RunIndex
from workbench.runs.reproductions import Reproductions
from workbench.runs.settings import Settings
from workbench.runs.state import AppState, OpenPanel
from workbench.runs.store import RunFolder, RunRecord, RunStore

__all__ = [
    "AppState",
    "Folders",
    "IndexedRun",
    "OpenPanel",
    "Reproductions",
    "RunFolder",
    "RunIndex",
    "RunRecord",
    "RunStore",
    "Settings",
    "folders",
]
