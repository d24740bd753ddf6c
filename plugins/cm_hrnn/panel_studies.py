"""Views of the five experiments with networks: which figures come first, and what each adds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import Slot
from PySide6.QtWidgets import QPushButton, QWidget

from plugins.cm_hrnn.frames import ImportReport, MelodyFrame
from plugins.cm_hrnn.panel_importing import summary
from plugins.cm_hrnn.panel_melody import MelodyView
from plugins.cm_hrnn.panel_pages import short_name
from workbench.views import BarsView, Column, TableView
from workbench.views.file_dialogs import ask_folder
from workbench.views.layouts import beside


class ListenView(MelodyView):
    """One network."""


class CompareView(MelodyView):
    """Networks side by side: the loss first."""

    def pages(self) -> dict[str, QWidget]:
        """Also the takes' measures side by side."""
        self.sides = TableView(
            "sides",
            "The same chords, seed and dice",
            hint="The latest take of each network: validation loss of the pitch, success-bar ratio, compression "
            "ratio, tensile strain, chord-tone ratio, bar-repeat ratio, notes.",
        )
        pages = super().pages()
        return {"Side by side": self.sides, **pages}

    def show_frame(self, frame: MelodyFrame) -> None:
        """Also the table."""
        super().show_frame(frame)
        rows = []
        for take in frame.takes:
            found, nll = take.measures, frame.nll.get(take.song.maker)
            rows.append(
                (
                    short_name(take.song.maker),
                    None if nll is None else float(nll[0]),
                    *(
                        found.get(key, np.nan)
                        for key in ("success_bar", "compression", "strain", "chord_tones", "bar_repeats", "notes")
                    ),
                )
            )
        self.sides.set_rows(
            [
                "network",
                Column("pitch", "nats", better="low", digits=3),
                Column("full bars", better="high", digits=3),
                Column("CR", better="high", digits=3),
                Column("strain", better="low", digits=3),
                Column("on chord", digits=3),
                Column("repeats", digits=3),
                Column("notes"),
            ],
            rows,
        )


class StructureView(MelodyView):
    """Distributions first."""

    def left_pages(self) -> list[QWidget]:
        """The boxes beside the tabs."""
        return [self.boxes]

    def pages(self) -> dict[str, QWidget]:
        """Measures first; the likeness among the tabs."""
        pages = super().pages()
        pages.pop("Spread")
        return {"Measures": pages.pop("Measures"), "Bars": beside(self.likeness, self.truth), **pages}

    def _make_play(self) -> QWidget:
        play = super()._make_play()
        measure = QPushButton("Measure a folder …")
        measure.setToolTip("Take the same measures of any MIDI, ABC or MusicXML files, yours or another system's")
        measure.clicked.connect(self._choose_folder)
        play.layout().addRow(measure)  # type: ignore[union-attr]
        return play

    @Slot()
    def _choose_folder(self) -> None:
        ask_folder(self, "A folder of music files to measure", self.measure_folder)

    def measure_folder(self, folder: str | Path) -> None:
        """Let the worker measure a folder; its row joins the others."""
        self.port.ask_latest("measure_files", self._folder_measured, folder=str(folder))

    def _folder_measured(self, answer: tuple[str, np.ndarray, ImportReport]) -> None:
        name, rows, report = answer
        self._others = {**getattr(self, "_others", {}), name: rows}
        self.port.say(summary(report))
        self._show_samples()

    def _show_samples(self) -> None:
        frame = self._frame
        if frame is None:
            return
        whole = replace(frame, samples={**frame.samples, **getattr(self, "_others", {})})
        self.measures.set_samples(whole.measure_names, whole.samples)
        self.boxes.show_frame(whole)

    def show_frame(self, frame: MelodyFrame) -> None:
        """Also what was measured from folders."""
        super().show_frame(frame)
        if getattr(self, "_others", {}):
            self._show_samples()


class HarmonyView(MelodyView):
    """The same seed under different progressions."""

    variant_label = "Progression"

    def pages(self) -> dict[str, QWidget]:
        """First how well each progression is followed."""
        self.following = BarsView(
            "following",
            "Share of the melody on notes of its chord",
            "chord-tone ratio",
            horizontal=True,
            hint="The latest take under each progression.",
        )
        return {"Following": self.following, **super().pages()}

    def show_frame(self, frame: MelodyFrame) -> None:
        """Also the bars."""
        super().show_frame(frame)
        found = {take.song.maker: take.measures.get("chord_tones", np.nan) for take in frame.takes}
        self.following.set_bars(list(found), {"chord tones": np.nan_to_num(np.array(list(found.values()), float))})


class AblateView(MelodyView):
    """What the slow tiers are worth."""

    variant_label = "Slow tiers"

    def pages(self) -> dict[str, QWidget]:
        """First what each ablation costs in likelihood."""
        self.cost = BarsView(
            "cost",
            "Held-out songs, by what the slow tiers say",
            "negative log-likelihood",
            unit="nats",
            hint="Higher means that the network misses what was taken away.",
        )
        return {"Cost": self.cost, **super().pages()}

    def show_frame(self, frame: MelodyFrame) -> None:
        """Also the cost."""
        super().show_frame(frame)
        names = [name for name in frame.names if name in frame.nll]
        if names:
            table = np.array([frame.nll[name] for name in names])
            self.cost.set_bars(
                [short_name(name) for name in names],
                {part: table[:, index] for index, part in enumerate(("pitch", "duration", "bar"))},
            )
