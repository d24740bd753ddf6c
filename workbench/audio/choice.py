"""What a person chose to hear: the synthesiser, or a SoundFont of their own, kept for the next time."""

from __future__ import annotations

import json
import logging
import threading
from dataclasses import asdict, dataclass
from pathlib import Path

from workbench.audio.soundfont import SoundFont
from workbench.runs.atomic import write_json
from workbench.runs.folders import folders

log = logging.getLogger(__name__)
_lock = threading.Lock()
_loaded: dict[SoundChoice, SoundFont] = {}


@dataclass(frozen=True)
class SoundChoice:
    """A SoundFont file and the General MIDI programme in it; no file: the synthesiser."""

    path: str = ""
    programme: int = 0

    @staticmethod
    def file() -> Path:
        """Where the choice is kept."""
        return folders().config / "sound.json"

    @classmethod
    def load(cls) -> SoundChoice:
        """Read the choice; the synthesiser where nothing was chosen or the file is damaged."""
        try:
            value = json.loads(cls.file().read_text(encoding="utf-8"))
            return cls(str(value["path"]), int(value["programme"]))
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.warning("%s cannot be read: %s", cls.file(), error)
            return cls()

    def save(self) -> None:
        """Keep the choice."""
        write_json(self.file(), asdict(self))

    def bank(self) -> SoundFont | None:
        """Load the SoundFont, once for all who play; raise UserError with a sentence if it cannot be used."""
        if not self.path:
            return None
        with _lock:
            if self not in _loaded:
                made = SoundFont(self.path, self.programme)
                _loaded.clear()  # of several fonts, only what is heard stays in memory
                _loaded[self] = made
            return _loaded[self]
