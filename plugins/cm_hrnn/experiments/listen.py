"""The experiments with networks: train and listen, compare, structure, harmony, ablate."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from plugins.cm_hrnn.chords import BAR, parsed_progression, progression_bars
from plugins.cm_hrnn.contract import (
    AblateParameters,
    CompareParameters,
    HarmonyParameters,
    ListenParameters,
    StructureParameters,
)
from plugins.cm_hrnn.experiments.training import MelodyTraining
from plugins.cm_hrnn.frames import ImportReport, MelodyFrame
from plugins.cm_hrnn.generation import ABLATIONS, Request, Sampling, request_of
from plugins.cm_hrnn.importing import Imported, import_music
from plugins.cm_hrnn.representation import LeadSheet
from workbench.sdk import Context, Progress, UserError, action

HARMONY_BARS = 16
ABLATION_SONGS = 12
MOST_PROGRESSIONS = 8
QUICK_SONGS = 6


class Listen(MelodyTraining[ListenParameters, MelodyFrame]):
    """One network: train it, hear it learn, play with it."""


class Compare(MelodyTraining[CompareParameters, MelodyFrame]):
    """Networks side by side on the same chords and the same seed."""

    def model_names(self) -> tuple[str, ...]:
        """Those chosen."""
        return tuple(self.parameters.models)


class Structure(MelodyTraining[StructureParameters, MelodyFrame]):
    """The measures over many songs of each network, of real music, and of another system's files."""

    def model_names(self) -> tuple[str, ...]:
        """Those chosen."""
        return tuple(self.parameters.models)

    def look(self) -> Iterator[Progress]:
        """Also measure real music and a few songs of each network, so that the distributions grow while it learns."""
        yield from super().look()
        yield from self.measure_real()
        yield from self.measure_variants(min(QUICK_SONGS, self.parameters.test_songs))

    def measure(self) -> Iterator[Progress]:
        """Also the folder of another system's files."""
        yield from super().measure()
        if self.parameters.folder:
            yield from self.measure_folder(self.parameters.folder)

    def measure_folder(self, path: str) -> Iterator[Progress]:
        """Take the measures of every music file in the folder that holds `path`."""
        place = Path(path)
        folder = place if place.is_dir() else place.parent
        answer = yield from self._folder_measures(folder)
        self.samples[answer[0]] = answer[1]

    @action
    def measure_files(self, folder: str) -> Iterator[Any]:
        """Measure a folder of music files; the answer is its name, the measures (songs, k), and the report."""
        return self._folder_measures(Path(folder))

    def _folder_measures(self, folder: Path) -> Generator[Progress, None, tuple[str, np.ndarray, ImportReport]]:
        for said in import_music([folder]):
            if not isinstance(said, Imported):
                yield said
                continue
            if not said.sheets:
                raise UserError(f"None of the {len(said.pieces)} pieces in {folder.name} can be measured.")
            rows = []
            for index, sheet in enumerate(said.sheets):
                yield Progress(f"Measuring {folder.name}", index / len(said.sheets))
                rows.append(self.measured(sheet, None))
            pieces = tuple((own.file, own.title, own.is_used, own.words) for own in said.pieces)
            return f"files: {folder.name}", np.array(rows), ImportReport(pieces, len(said.sheets))
        raise AssertionError("an import ends with its result")


class Harmony(MelodyTraining[HarmonyParameters, MelodyFrame]):
    """The same seed and the same dice under different progressions."""

    def __init__(self, parameters: HarmonyParameters, context: Context) -> None:
        super().__init__(parameters, context)
        self._progressions: dict[str, tuple[np.ndarray, int]] = {}
        for text in (part.strip() for part in parameters.progressions.split(";")):
            if text:
                self._progressions[text] = repeated(text)
        if not 1 <= len(self._progressions) <= MOST_PROGRESSIONS:
            raise UserError(f"Give 1 to {MOST_PROGRESSIONS} progressions, separated by semicolons.")

    def variants(self) -> tuple[str, ...]:
        """One for each progression, and the song's own chords."""
        return ("the song's own chords", *self._progressions)

    def sampling_of(self, variant: str) -> Sampling:
        """By time always: there are no events whose chords could be used."""
        return replace(super().sampling_of(variant), by_time=True)

    def request_for(self, variant: str, sheet: LeadSheet) -> Request:
        """The song's beginning under the progression."""
        if variant not in self._progressions:
            return super().request_for(variant, sheet)
        chords, length = self._progressions[variant]
        return request_of(sheet, self.seed_events, chords=chords, length=length)


def repeated(text: str) -> tuple[np.ndarray, int]:
    """Chords of a typed progression repeated to sixteen bars at least, and the length; UserError if it is none."""
    try:
        rows, bars = parsed_progression(text), progression_bars(text)
    except ValueError as error:
        raise UserError(str(error)) from None
    times = -(-HARMONY_BARS // bars)
    whole = np.concatenate([rows + np.array([index * bars * BAR, 0]) for index in range(times)])
    return whole, times * bars * BAR


class Ablate(MelodyTraining[AblateParameters, MelodyFrame]):
    """What the slow tiers say is zeroed or frozen, in generation and in the likelihood of held-out songs."""

    def variants(self) -> tuple[str, ...]:
        """Intact, and the ablations that the network has."""
        tiers = self.network_of("").config.tiers
        return ABLATIONS if tiers == 3 else tuple(own for own in ABLATIONS if "bar tier" not in own)

    def sampling_of(self, variant: str) -> Sampling:
        """With the ablation."""
        return replace(super().sampling_of(variant), ablation=variant if variant in ABLATIONS else "none")

    def validation(self, variant: str) -> Generator[Progress, None, np.ndarray]:
        """Nats of whole held-out songs, run event by event with the ablation."""
        return self.likelihood(variant, self.split.validation[:ABLATION_SONGS], variant)
