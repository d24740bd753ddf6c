"""One plugin in the catalog: its card, whether it works, and what can be imported from it."""

from __future__ import annotations

import importlib
import json
import logging
import traceback
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

from workbench.catalog.loading import load_object
from workbench.sdk import ClaimInfo, Parameters, claims_of

if TYPE_CHECKING:
    from workbench.sdk import Experiment, PaperCard

log = logging.getLogger(__name__)

Status = Literal["ok", "broken", "planned"]
Origin = Literal["built-in", "installed", "user"]


class BrokenPlugin(Exception):
    """A plugin's own code failed; `str()` is one sentence, `details` the traceback."""

    def __init__(self, sentence: str, details: str) -> None:
        super().__init__(sentence)
        self.details = details


@dataclass
class Entry:
    """A plugin as the catalog knows it. `status` turns to "broken" when something of it fails to import."""

    card: PaperCard
    status: Status
    origin: Origin = "built-in"
    error: str = ""
    traceback: str = ""

    def parameters_type(self, experiment: str) -> type[Parameters]:
        """Import the Parameters of an experiment (its contract; no torch). Raises BrokenPlugin."""
        loaded = self._load(self.card.experiment(experiment).parameters, "contract")
        if not (isinstance(loaded, type) and issubclass(loaded, Parameters)):
            raise self._broken(f"{self.card.experiment(experiment).parameters} is not a Parameters class.")
        try:
            loaded.specs()
            loaded()
        except Exception as error:
            raise self._broken(f"The parameters of {self.card.short} cannot be used: {error}") from error
        return loaded

    def view_type(self, experiment: str) -> type[Any]:
        """Import the Qt view of an experiment. Raises BrokenPlugin."""
        loaded = self._load(self.card.experiment(experiment).view, "panel")
        assert isinstance(loaded, type)
        return loaded

    def experiment_type(self, experiment: str) -> type[Experiment[Any, Any]]:
        """Import an experiment, in a worker or on the command line. Raises BrokenPlugin."""
        loaded = self._load(self.card.experiment(experiment).experiment, "experiment")
        assert isinstance(loaded, type)
        return loaded

    def claims(self) -> dict[str, ClaimInfo]:
        """Import the claims, by id; torch may be imported with them. Raises BrokenPlugin."""
        if not self.card.claims:
            return {}
        module = self._load(self.card.claims, "claims")
        assert isinstance(module, ModuleType)
        return claims_of(module)

    def paper_markdown(self) -> str:
        """Return the text of the Paper tab; the summary where the plugin brings none."""
        file = self.card.folder / "paper.md" if self.card.folder else None
        if file and file.exists():
            return file.read_text(encoding="utf-8")
        return f"# {self.card.title}\n\n{self.card.summary}\n"

    def thumbnail(self, dark: bool) -> Path | None:
        """Return the picture for the gallery, if the plugin has one."""
        names = ("thumbnail_dark.png", "thumbnail.png") if dark else ("thumbnail.png",)
        for name in names:
            if self.card.folder and (file := self.card.folder / name).exists():
                return file
        return None

    def recorded_claims(self) -> dict[str, dict[str, Any]]:
        """Return the results of the claims that ship with the plugin, by id."""
        file = self.card.folder / "reproduction.json" if self.card.folder else None
        if not file or not file.exists():
            return {}
        try:
            return dict(json.loads(file.read_text(encoding="utf-8"))["claims"])
        except (ValueError, KeyError, TypeError) as error:
            log.warning("%s cannot be read: %s", file, error)
            return {}

    def _load(self, dotted: str, what: str) -> Any:
        try:
            return load_object(dotted)
        except Exception as error:
            raise self._broken(f"The {what} of {self.card.short} failed to load: {_one_line(error)}") from error

    def _broken(self, sentence: str) -> BrokenPlugin:
        self.status, self.error, self.traceback = "broken", sentence, traceback.format_exc()
        log.warning("%s\n%s", sentence, self.traceback)
        return BrokenPlugin(sentence, self.traceback)


def _one_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else 'no message'}"


def reload_packages(package: str) -> None:
    """Forget the imported modules of a plugin, so that its next import reads the files anew."""
    import sys

    for name in [name for name in sys.modules if name == package or name.startswith(f"{package}.")]:
        del sys.modules[name]
    importlib.invalidate_caches()
