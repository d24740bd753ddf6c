"""What a person chose for the whole application."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from workbench.runs.atomic import write_json
from workbench.runs.folders import folders

log = logging.getLogger(__name__)


class Settings(BaseModel):
    """Read from `settings.json` in the configuration folder; a value that cannot be used falls back to its default."""

    model_config = ConfigDict(validate_assignment=True, extra="ignore")

    theme: Literal["system", "light", "dark"] = "system"
    worker_threads: int | None = Field(None, ge=1, le=256, description="torch threads; empty: cores - 1, at least 1")
    frame_share: float = Field(0.05, gt=0, le=0.9, description="share of the worker's time that frames may take")
    queue_policy: Literal["turns", "share"] = Field("turns", description="two sessions on one accelerator")
    cpu_queue_policy: Literal["turns", "share"] = Field("share", description="two sessions on the processor")
    checkpoint_seconds: float = Field(60.0, ge=5, description="time between checkpoints of a running session")
    restore_panels: bool = Field(True, description="open the panels of the last time at the start")
    first_run: bool = True
    cluster_address: str = Field("", description="a Dask scheduler, tcp:// or tls://, for sweeps and live training")
    cluster_ca: str = Field("", description="certificate of the authority (PEM), for tls://")
    cluster_certificate: str = Field("", description="own certificate (PEM), for tls://")
    cluster_key: str = Field("", description="own key (PEM), for tls://")

    @classmethod
    def path(cls) -> Path:
        """Return the file the settings are kept in."""
        return folders().config / "settings.json"

    @classmethod
    def load(cls) -> Self:
        """Return the saved settings, with defaults for what is missing or unusable."""
        file = cls.path()
        if not file.exists():
            return cls()
        try:
            return cls.model_validate_json(file.read_bytes())
        except ValidationError as error:
            log.warning("%s has unusable settings: %s", file, error)
            return cls._without_bad_fields(file, error)

    @classmethod
    def _without_bad_fields(cls, file: Path, error: ValidationError) -> Self:
        import json

        try:
            values: Any = json.loads(file.read_bytes())
        except ValueError:
            return cls()
        if not isinstance(values, dict):
            return cls()
        for problem in error.errors():
            values.pop(problem["loc"][0] if problem["loc"] else "", None)
        return cls.model_validate(values)

    def save(self) -> None:
        """Write the settings."""
        write_json(self.path(), self.model_dump())
