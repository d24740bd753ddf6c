"""Folders, settings, application state, and the record of every run. Neither Qt nor torch."""

from workbench.runs.folders import Folders, folders
from workbench.runs.settings import Settings
from workbench.runs.state import AppState, OpenPanel
from workbench.runs.store import RunFolder, RunRecord, RunStore

__all__ = ["AppState", "Folders", "OpenPanel", "RunFolder", "RunRecord", "RunStore", "Settings", "folders"]
