"""Where the workbench keeps what it writes; nothing is ever written into the installation."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

APP_NAME = "paper-workbench"
HOME_VARIABLE = "WORKBENCH_HOME"


@dataclass(frozen=True)
class Folders:
    """Folders of the current user; `make` creates them."""

    data: Path
    cache: Path
    logs: Path
    config: Path

    @property
    def runs(self) -> Path:
        """One folder a run."""
        return self.data / "runs"

    @property
    def plugins(self) -> Path:
        """The user's own plugins, one folder each."""
        return self.data / "plugins"

    def make(self) -> Folders:
        """Create what is missing and return self."""
        for folder in (self.data, self.cache, self.logs, self.config, self.runs, self.plugins):
            folder.mkdir(parents=True, exist_ok=True)
        return self


def folders() -> Folders:
    """Return the user's folders; the environment variable WORKBENCH_HOME puts all of them under one folder."""
    if home := os.environ.get(HOME_VARIABLE):
        root = Path(home)
        return Folders(root / "data", root / "cache", root / "logs", root / "config")
    dirs = platformdirs.PlatformDirs(APP_NAME, appauthor=False)
    return Folders(
        Path(dirs.user_data_dir), Path(dirs.user_cache_dir), Path(dirs.user_log_dir), Path(dirs.user_config_dir)
    )
