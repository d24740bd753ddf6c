"""Results of claims that were run on this machine, one file a plugin, beside those that ship with the plugin."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workbench.runs.atomic import write_json
from workbench.runs.folders import folders

log = logging.getLogger(__name__)


class Reproductions:
    """The user's own results at one scale, in the stable form of reports: `{"plugin", "claims": {id: {...}}}`."""

    def __init__(self, scale: str = "laptop", folder: Path | None = None) -> None:
        self.scale = scale
        self.folder = folder or folders().data / "reproductions"

    def _file(self, plugin: str) -> Path:
        return self.folder / f"{plugin}{'' if self.scale == 'laptop' else f'-{self.scale}'}.json"

    def of(self, plugin: str) -> dict[str, dict[str, Any]]:
        """Return this machine's results of a plugin by claim; none where nothing was run or the file is damaged."""
        file = self._file(plugin)
        if not file.exists():
            return {}
        try:
            claims = json.loads(file.read_text(encoding="utf-8"))["claims"]
            return {id: dict(claim) for id, claim in claims.items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning("%s cannot be read: %s", file, error)
            return {}

    def keep(self, plugin: str, results: Mapping[str, Mapping[str, Any]]) -> None:
        """Keep results; each replaces the one before of its claim."""
        merged = {**self.of(plugin), **{id: dict(result) for id, result in results.items()}}
        write_json(self._file(plugin), {"plugin": plugin, "claims": merged})

    def forget(self, plugin: str, claim: str) -> None:
        """Drop the result of one claim, so that the recorded one is shown again."""
        kept = {id: result for id, result in self.of(plugin).items() if id != claim}
        write_json(self._file(plugin), {"plugin": plugin, "claims": kept})
