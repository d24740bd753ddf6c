"""View of a corpus: its pieces with their measures, one piece in full, and what an import left out and why."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import Slot
from PySide6.QtWidgets import QAbstractButton, QFormLayout, QPushButton, QWidget

from plugins.cm_hrnn.chords import NAMES
from plugins.cm_hrnn.frames import Analysis, ImportReport, InspectFrame, Song
from plugins.cm_hrnn.measures import MEASURES
from plugins.cm_hrnn.panel_importing import Importing
from plugins.cm_hrnn.panel_pages import DURATION_NAMES, PatternsView, SimilarityView, TensionView
from plugins.cm_hrnn.panel_score import BEAT, KINDS, score_of
from workbench.audio.player import Player
from workbench.sdk import MetricsHistory, Progress
from workbench.views import BarsView, Column, ExperimentView, PianoRoll, SessionPort, TableView, Transport
from workbench.views.roll_notes import NAMES as PITCH_NAMES

SHOWN_MEASURES = (
    "compression",
    "long_patterns",
    "diameter",
    "momentum",
    "strain",
    "chord_tones",
    "bar_repeats",
    "entropy",
    "notes",
)
MOST_ROWS = 2000


class InspectView(Importing, ExperimentView):
    """A table of pieces; the chosen one as a roll, with its likeness of bars, patterns and tension."""

    import_purpose = "look at"
    hint = "Click a piece to see and hear it; Train measures them one after the other."

    def __init__(self, port: SessionPort, parent: QWidget | None = None, *, player: Player | None = None) -> None:
        super().__init__(port, parent)
        from PySide6.QtCore import Qt
        from PySide6.QtWidgets import QSplitter, QTabWidget, QVBoxLayout

        self._frame: InspectFrame | None = None
        self._analysis: Analysis | None = None
        self._rows = -1
        self._song: Song | None = None
        self.roll = PianoRoll("roll", "Piece", kinds=KINDS, hint="Drag pans, wheel zooms; click the ruler to seek.")
        self.roll.is_editable = False
        self.transport = Transport(player)
        self.pieces = TableView("pieces", "Pieces", hint="Click a piece to see it; click a heading to sort.")
        self.report = TableView("report", "Import", hint="What was used and what was left out, with the reason.")
        self.likeness, self.patterns, self.tension = (
            SimilarityView("bars", "Likeness of bars"),
            PatternsView(),
            TensionView(),
        )
        self.pitches = BarsView("pitch_classes", "Pitch classes of all notes", "notes")
        self.durations = BarsView("durations", "Durations of all events (whole notes)", "events")
        self.chords = BarsView("chords", "Chords of all events", "events", horizontal=True)
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        for text, page in {
            "Pieces": self.pieces,
            "Import report": self.report,
            "Patterns": self.patterns,
            "Tension": self.tension,
            "Pitches": self.pitches,
            "Durations": self.durations,
            "Chords": self.chords,
        }.items():
            self.tabs.addTab(page, text)
        below = QSplitter(Qt.Orientation.Horizontal)
        below.setChildrenCollapsible(False)
        below.addWidget(self.likeness)
        below.addWidget(self.tabs)
        below.setSizes([300, 680])
        down = QSplitter(Qt.Orientation.Vertical)
        down.setChildrenCollapsible(False)
        above = QWidget()
        column = QVBoxLayout(above)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(1)
        column.addWidget(self.roll, 1)
        column.addWidget(self.transport, 0, Qt.AlignmentFlag.AlignLeft)
        down.addWidget(above)
        down.addWidget(below)
        down.setSizes([330, 340])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(down)
        self._play = self._make_play()
        self.pieces.clicked.connect(self._piece_clicked)
        self.patterns.clicked.connect(self._pattern_clicked)
        self.patterns.shapes.chosen.connect(self._draw_patterns)
        self.roll.seeked.connect(self.transport.seek)
        self.roll.loop_dragged.connect(self._loop_dragged)
        self.transport.moved.connect(self._moved)
        self.transport.said.connect(self._said)

    def _make_play(self) -> QWidget:
        play = QWidget()
        form = QFormLayout(play)
        form.setContentsMargins(0, 0, 0, 0)
        self._files = QPushButton("Import files …")
        self._files.setToolTip("MusicXML, MXL, ABC, Kern, MIDI; what cannot be used is listed with the reason")
        self._files.clicked.connect(self._import_files)
        self._folder = QPushButton("Import a folder …")
        self._folder.setToolTip("Every music file in it and below it")
        self._folder.clicked.connect(self._import_folder)
        form.addRow(self._files)
        form.addRow(self._folder)
        return play

    def play_controls(self) -> QWidget:
        """Import files or a folder."""
        return self._play

    def start_over(self) -> None:
        """Forget the corpus before."""
        self._frame = self._song = None
        self._rows = -1

    def show_frame(self, frame: InspectFrame) -> None:
        """List the pieces; show the first one at once."""
        is_first = self._frame is None
        self._frame = frame
        if is_first:
            self._show_song(frame.shown)
            self._show_counts(frame)
            if frame.report is not None:
                self._fill_report(frame.report)
        if len(frame.measures) != self._rows:
            self._rows = len(frame.measures)
            self._fill_pieces(frame)

    def _fill_pieces(self, frame: InspectFrame) -> None:
        columns = [frame.measure_names.index(key) for key in SHOWN_MEASURES]
        rows = []
        for index, title in enumerate(frame.titles[:MOST_ROWS]):
            known = index < len(frame.measures)
            found = [float(frame.measures[index, column]) if known else None for column in columns]
            rows.append((title or f"piece {index + 1}", *found))
        heads = [Column(MEASURES[key][0].replace(" (bits)", ""), digits=3) for key in SHOWN_MEASURES]
        self.pieces.set_rows(["piece", *heads], rows)
        self.pieces.title = f"{len(frame.titles)} pieces, {len(frame.measures)} measured"

    def _show_counts(self, frame: InspectFrame) -> None:
        self.pitches.set_bars(PITCH_NAMES, {"notes": frame.pitch_counts.astype(float)})
        self.durations.set_bars(DURATION_NAMES, {"events": frame.duration_counts.astype(float)})
        order = np.argsort(-frame.chord_counts)[:16]
        order = order[frame.chord_counts[order] > 0]
        self.chords.set_bars([NAMES[chord] for chord in order], {"events": frame.chord_counts[order].astype(float)})

    def _fill_report(self, report: ImportReport) -> None:
        rows = [
            (file, title, "used" if is_used else "left out", words)
            for file, title, is_used, words in report.rows[:MOST_ROWS]
        ]
        rows.sort(key=lambda row: row[2])
        self.report.set_rows(["file", "piece", "", "why, or what was changed"], rows)
        self.report.title = f"Import: {report.used} of {len(report.rows)} pieces can be used"

    def show_metrics(self, history: MetricsHistory) -> None:
        """The table says it all."""

    # One piece

    @Slot(object)
    def _piece_clicked(self, row: int) -> None:
        self.port.ask_latest("song", self._show_song, index=row)

    def _show_song(self, song: Song) -> None:
        self._song = song
        score = score_of(song).coloured()
        self.roll.title = song.title or "Piece"
        self.roll.set_notes(score.notes, length=score.length / BEAT)
        self.roll.set_chords(score.lane())
        self.roll.set_shapes([])
        self.transport.set_tempo(score.tempo)
        self.transport.set_notes(score.sound(), score.length / BEAT)
        self.port.ask_latest(
            "analyse", self._analysed, notes=song.notes, chords=song.chords, length=song.length, events=song.events
        )

    def _analysed(self, analysis: Analysis) -> None:
        self._analysis = analysis
        self.likeness.set_matrices(analysis.similarity)
        self.patterns.show_analysis(analysis)
        self.tension.show_analysis(analysis)
        self._draw_patterns()

    @Slot()
    def _draw_patterns(self) -> None:
        self.roll.set_shapes(self.patterns.drawn(self._analysis) if self._analysis is not None else [])

    @Slot(object)
    def _pattern_clicked(self, row: int) -> None:
        self.patterns.chosen = None if self.patterns.chosen == row else row
        self.patterns.shapes.set_value(True)
        self._draw_patterns()

    @Slot(object)
    def _loop_dragged(self, span: tuple[float, float] | None) -> None:
        self.roll.set_loop(span)
        self.transport.set_loop(span)

    @Slot(str)
    def _said(self, sentence: str) -> None:
        self.port.say(sentence)

    @Slot(object)
    def _moved(self, beat: float) -> None:
        self.roll.set_playhead(beat, follows=True)
        if self.transport.is_playing:
            self.roll.set_keys(None, [note.pitch for note in self.roll.notes if note.start <= beat < note.end])

    # Import

    def import_buttons(self) -> Sequence[QAbstractButton]:
        """Files, a folder."""
        return [self._files, self._folder]

    def show_import_progress(self, said: Progress) -> None:
        """Above the report that is to come."""
        self.report.title = said.text

    def show_report(self, report: ImportReport) -> None:
        """In its table, on top."""
        self._fill_report(report)
        self.tabs.setCurrentWidget(self.report)
