"""What the application restores at its next start: versioned, migrated, and forgiving panel by panel."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from workbench.runs.atomic import write_json
from workbench.runs.folders import folders

log = logging.getLogger(__name__)

VERSION = 1
MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""For each old version, the function that makes the values of the next one of its values."""


class OpenPanel(BaseModel):
    """One open panel: its experiment, form values by experiment, and whatever the panel wants to find again."""

    model_config = ConfigDict(extra="ignore")

    plugin: str
    experiment: str = ""
    parameters: dict[str, dict[str, Any]] = Field(default_factory=dict)
    seeds: dict[str, int] = Field(default_factory=dict)
    devices: dict[str, str] = Field(default_factory=dict)
    runs: dict[str, str] = Field(default_factory=dict)
    extra: dict[str, Any] = Field(default_factory=dict)


class AppState(BaseModel):
    """Window, layout and open panels, kept in `state.json` in the configuration folder."""

    model_config = ConfigDict(extra="ignore")

    version: int = VERSION
    window: dict[str, Any] = Field(default_factory=dict)
    layout: dict[str, Any] = Field(default_factory=dict)
    panels: list[OpenPanel] = Field(default_factory=list)
    recent: list[str] = Field(default_factory=list)
    saved_parameters: dict[str, dict[str, Any]] = Field(default_factory=dict)

    @classmethod
    def path(cls) -> Path:
        """Return the file the state is kept in."""
        return folders().config / "state.json"

    @classmethod
    def load(cls, path: Path | None = None) -> Self:
        """Return the saved state; one that cannot be read is set aside as `state.unreadable.json`, never lost."""
        file = path or cls.path()
        if not file.exists():
            return cls()
        try:
            values = json.loads(file.read_bytes())
            while values.get("version", 1) < VERSION:
                values = MIGRATIONS[values.get("version", 1)](values)
            return cls._keeping_good_panels(values)
        except (ValueError, KeyError, AttributeError, ValidationError) as error:
            log.warning("%s cannot be restored (%s); it is kept as state.unreadable.json", file, error)
            file.replace(file.with_name("state.unreadable.json"))
            return cls()

    @classmethod
    def _keeping_good_panels(cls, values: dict[str, Any]) -> Self:
        panels = []
        for panel in values.pop("panels", []):
            try:
                panels.append(OpenPanel.model_validate(panel))
            except ValidationError as error:
                log.warning("an open panel cannot be restored: %s", error)
        return cls.model_validate(values | {"panels": panels})

    def save(self, path: Path | None = None) -> None:
        """Write the state."""
        write_json(path or self.path(), self.model_dump())
