"""Import and inspect a corpus: every song with its measures, and a report of what was left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from plugins.cm_hrnn.contract import InspectParameters
from plugins.cm_hrnn.corpus import load_corpus, split_paths
from plugins.cm_hrnn.experiments.playing import Playing, analysis_of, import_report, song_of
from plugins.cm_hrnn.frames import Analysis, ImportReport, InspectFrame, Song
from plugins.cm_hrnn.measures import MEASURES, measures_of
from plugins.cm_hrnn.representation import LeadSheet, encode
from workbench.sdk import Context, Experiment, Metrics, Progress, UserError, action

MEASURED = tuple(MEASURES)


class Inspect(Experiment[InspectParameters, InspectFrame]):
    """One step measures one song."""

    def __init__(self, parameters: InspectParameters, context: Context) -> None:
        super().__init__(parameters, context)
        self.measures = np.zeros((0, len(MEASURED)))
        self._sheets: list[LeadSheet] = []
        self._report: ImportReport | None = None
        self._counts = (np.zeros(12, np.int64), np.zeros(16, np.int64), np.zeros(49, np.int64))

    @property
    def total_steps(self) -> int:
        """Songs to measure."""
        return min(self.parameters.steps, len(self._sheets)) if self._sheets else self.parameters.steps

    def prepare(self) -> Iterator[Progress]:
        """Load or convert the corpus, and count its pitches, durations and chords."""
        own = self.parameters
        if own.corpus == "files" and own.files:
            said = import_report(split_paths(own.files), self.context.cache)
            while True:
                try:
                    yield next(said)
                except StopIteration as end:
                    self._report = end.value
                    break
        for found in load_corpus(own.corpus, own.files, own.songs, self.context.cache):
            if isinstance(found, Progress):
                yield found
            else:
                self._sheets = found
        pitches, durations, chords = self._counts
        for index, sheet in enumerate(self._sheets):
            if index % 50 == 0:
                yield Progress("Counting", index / len(self._sheets))
            events = encode(sheet)
            pitches += np.bincount(sheet.notes[:, 2] % 12, minlength=12)
            durations += np.bincount(events[:, 2], minlength=16)
            chords += np.bincount(events[:, 1], minlength=49)

    def run(self) -> Iterator[Metrics]:
        """Measure the songs in order."""
        while self.step < self.total_steps:
            sheet = self._sheets[self.step]
            found = measures_of(sheet, encode(sheet))
            self.measures = np.concatenate([self.measures, [[found[name] for name in MEASURED]]])
            self.step += 1
            yield {name: found[name] for name in ("compression", "strain", "bar_repeats") if np.isfinite(found[name])}

    def frame(self) -> InspectFrame:
        """What is known so far; the song shown is the first."""
        return InspectFrame(
            self.step, tuple(sheet.title for sheet in self._sheets), MEASURED, self.measures.copy(),
            song_of(self._sheets[0]), self._report, *(each.copy() for each in self._counts),
        )  # fmt: skip

    @action
    def song(self, index: int) -> Song:
        """One song in full."""
        if not 0 <= int(index) < len(self._sheets):
            raise UserError(f"There are {len(self._sheets)} songs.")
        return song_of(self._sheets[int(index)])

    @action
    def analyse(self, notes: Any, chords: Any, length: int, events: Any = None) -> Analysis:
        """Likeness of bars, COSIATEC patterns, tension and measures of a song."""
        from plugins.cm_hrnn.experiments.playing import checked_sheet

        return analysis_of(checked_sheet(notes, chords, length), None if events is None else np.asarray(events))

    @action
    def import_files(self, paths: Sequence[str]) -> Iterator[Any]:
        """Convert a person's files; the answer is the report."""
        return import_report(paths, self.context.cache)

    save = Playing.save
