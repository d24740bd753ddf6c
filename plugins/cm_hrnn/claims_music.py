"""The music that a claim is checked on: the embedded chorales, or the lead sheets that a person imported last."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plugins.cm_hrnn.corpus import last_import, load_corpus
from plugins.cm_hrnn.representation import LeadSheet
from workbench.runs.folders import folders
from workbench.sdk import ClaimBench, Finding, Progress, claim


@dataclass(frozen=True)
class Music:
    """A corpus by its name in sentences, as the experiments' parameters name it."""

    name: str
    corpus: str = "chorales"
    files: str = ""

    @property
    def parameters(self) -> dict[str, Any]:
        """What to give to `ClaimBench.run`."""
        return {"corpus": self.corpus, "files": self.files}

    def told(self, sentence: str) -> str:
        """A sentence of what was measured, with the corpus in front where it is not the embedded one."""
        return f"{self.name}: {sentence}" if self.corpus == "files" else sentence

    def sheets(self, bench: ClaimBench) -> list[LeadSheet]:
        """The songs themselves."""
        found: list[LeadSheet] = []
        for said in load_corpus(self.corpus, self.files, 0, folders().cache):
            if isinstance(said, Progress):
                bench.say(said.text, said.fraction)
            else:
                found = said
        return found


EMBEDDED = Music("chorales")
GENERATED = Music("generated", "synthetic")


def imported_music() -> Music:
    """The corpus that was imported last; raise UserError with what to do where there is none."""
    paths, songs = last_import(folders().cache)
    name = ", ".join(Path(path).name for path in paths[:3]) + ("…" if len(paths) > 3 else "")
    return Music(f"{songs} songs imported from {name}", "files", os.pathsep.join(paths))


def on_imported(check: Callable[..., Finding], laptop: str) -> Callable[[ClaimBench], Finding]:
    """The same claim on the imported lead sheets; `check` takes a bench and the music."""
    known = check.__workbench_claim__  # type: ignore[attr-defined]

    def check_imported(bench: ClaimBench) -> Finding:
        return check(bench, imported_music())

    check_imported.__doc__ = check.__doc__
    return claim(
        f"{known.id}_imported",
        statement=f"On your own lead sheets: {known.statement}",
        source=known.source,
        paper=known.paper,
        experiment=known.experiment,
        laptop=laptop,
        seeds=known.seeds,
    )(check_imported)
