"""Views of the experiments with networks: the desk across the width, figures below it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QSignalBlocker, Qt, Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QMenu,
    QPushButton,
    QSpinBox,
    QSplitter,
    QTabWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from plugins.cm_hrnn.contract import COLOURS, LABELS, SHORT, key_at, key_shift, named
from plugins.cm_hrnn.frames import Analysis, MelodyFrame, NextNote, Song
from plugins.cm_hrnn.panel_clock import NO_TICKS, ONE_TIER, ClockView, take_ticks
from plugins.cm_hrnn.panel_desk import MelodyDesk
from plugins.cm_hrnn.panel_importing import MUSIC_FILTER, Learning
from plugins.cm_hrnn.panel_pages import (
    SEED_SONG,
    THIS,
    BoxPage,
    DurationView,
    MeasuresView,
    NextNoteView,
    PatternsView,
    SimilarityView,
    TensionView,
    maker_colour,
    short_name,
)
from plugins.cm_hrnn.panel_score import Score, TakeEntry
from plugins.cm_hrnn.representation import SUSTAIN
from workbench.audio.player import Player
from workbench.sdk import MetricsHistory, Parameters
from workbench.views import CurvesView, ExperimentView, SessionPort
from workbench.views.file_dialogs import ask_file
from workbench.views.layouts import beside
from workbench.views.picks import Pick

BAR = 16
QUALITIES = ("success-bar ratio", "compression ratio", "pitch accuracy")
LOSS_PARTS = ("pitch nats", "duration nats", "bar nats")


class MelodyView(Learning, ExperimentView):
    """Desk above; likeness of bars, and tabs with patterns, tension, clock, next note, loss and measures below."""

    hint = "Draw, move and stretch notes; type chords; Generate goes on from the primer. P plays, G generates."
    variant_label = "Network"
    first_page = "Patterns"

    def __init__(self, port: SessionPort, parent: QWidget | None = None, *, player: Player | None = None) -> None:
        super().__init__(port, parent)
        self._frame: MelodyFrame | None = None
        self._analysis: Analysis | None = None
        self._restored: Score | None = None
        self._song_index = 0
        self.desk = MelodyDesk(port, player=player)
        self.likeness = SimilarityView("bars", "Bars alike")
        self.truth = SimilarityView("bars_of_seed_song", "… in the song", self.likeness)
        self.patterns, self.tension = PatternsView(), TensionView()
        self.clock, self.next_pitches, self.next_durations = ClockView(), NextNoteView(), DurationView()
        self.loss = CurvesView("loss", "Loss", "step", "cross-entropy", y_unit="nats", smoothing=0.9)
        self.quality = CurvesView(
            "quality",
            "Each time it is listened to",
            "step",
            "ratio",
            y_unit="",
            hint="Ratios of the one song that is generated again at each look; the share of right pitches in training.",
        )
        self.measures = MeasuresView()
        self.boxes = BoxPage()
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        for text, page in self.pages().items():
            self.tabs.addTab(page, text)
        below = QSplitter(Qt.Orientation.Horizontal)
        below.setChildrenCollapsible(False)
        for widget in self.left_pages():
            below.addWidget(widget)
        below.addWidget(self.tabs)
        below.setSizes([*(260 for _ in self.left_pages()), 480])
        down = QSplitter(Qt.Orientation.Vertical)
        down.setChildrenCollapsible(False)
        down.addWidget(self.desk)
        down.addWidget(below)
        down.setSizes([400, 270])
        down.setStretchFactor(0, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(down)
        self._play = self._make_play()
        self._connect()

    def left_pages(self) -> list[QWidget]:
        """Figures beside the tabs."""
        return [self.likeness, self.truth]

    def pages(self) -> dict[str, QWidget]:
        """The tabs."""
        return {
            "Patterns": self.patterns,
            "Measures": self.measures,
            "Next note": beside(self.next_pitches, self.next_durations),
            "Clock": self.clock,
            "Tension": self.tension,
            "Loss": self.loss,
            "Quality": self.quality,
            "Spread": self.boxes,
        }

    def _connect(self) -> None:
        desk = self.desk
        desk.changed.connect(self._score_changed)
        desk.next_note_changed.connect(self._next_note)
        desk.transport.moved.connect(self._playhead_moved)
        desk.transport.playing_changed.connect(self._playing_changed)
        self.patterns.clicked.connect(self._pattern_clicked)
        self.patterns.shapes.chosen.connect(self._draw_patterns)
        self.likeness.clicked.connect(self._bar_clicked)
        self.clock.copied.connect(self._copy_tick)
        self.next_pitches.clicked.connect(self._force_pitch)

    def _make_play(self) -> QWidget:
        play = QWidget()
        form = QFormLayout(play)
        form.setContentsMargins(0, 0, 0, 0)
        self._variant = QComboBox()
        self._variant.setToolTip("Who generates, and whose live take is shown")
        self._variant.activated.connect(self._variant_chosen)
        form.addRow(self.variant_label, self._variant)
        self._primer, self._bars, self._seed = QSpinBox(), QSpinBox(), QSpinBox()
        for box, low, high, value, words in (
            (self._primer, 0, 64, 2, "Bars that are given; the network goes on behind them"),
            (self._bars, 1, 128, 16, "Length of the song in bars; chords go on as they began"),
            (self._seed, 0, 999_999, 0, "The same seed, primer and chords give the same notes"),
        ):
            box.setRange(low, high)
            box.setValue(value)
            box.setToolTip(words)
            box.setKeyboardTracking(False)
        self._primer.setSuffix(" bars")
        self._bars.setSuffix(" bars")
        self._primer.valueChanged.connect(self.desk.set_primer)
        self._bars.valueChanged.connect(self.desk.set_bars)
        self._seed.valueChanged.connect(self._seed_chosen)
        form.addRow("Primer", self._primer)
        form.addRow("Length", self._bars)
        form.addRow("Seed", self._seed)
        self._auto = QCheckBox("Generate again after a chord edit")
        self._auto.setToolTip("From the first changed chord on; what comes before it, and the tiers' states, stay")
        self._auto.toggled.connect(self._auto_toggled)
        form.addRow(self._auto)
        files = QHBoxLayout()
        song = QPushButton("Next song")
        song.setToolTip("Take the chords and the beginning of another test song")
        song.clicked.connect(self._next_song)
        self._open = QPushButton("Open …")
        self._open.setToolTip("Open a MusicXML, MXL, ABC, Kern or MIDI file in the roll")
        self._open.clicked.connect(self._open_file)
        for button in (song, self._open):
            files.addWidget(button)
        form.addRow(files)
        more = QHBoxLayout()
        self._export = QToolButton()
        self._export.setText("Export ⇩")
        self._export.setToolTip("MIDI, MusicXML, WAV, CSV or the paper's event array of the song shown")
        self._export.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._export.setMenu(self.desk.export_menu(self._export))
        self._import = QToolButton()
        self._import.setText("Learn from …")
        self._import.setToolTip("Convert your own files or a folder, and learn from them")
        self._import.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self._import)
        menu.addAction("Files …").triggered.connect(self._import_files)
        menu.addAction("A folder …").triggered.connect(self._import_folder)
        self._import.setMenu(menu)
        for button in (self._export, self._import):
            more.addWidget(button)
        more.addStretch(1)
        form.addRow(more)
        return play

    def play_controls(self) -> QWidget:
        """Who generates, primer, length, seed; songs and files."""
        return self._play

    # Frames

    def parameters_changed(self, parameters: Parameters) -> None:
        """Show everything in the chosen key."""
        self.desk.set_key(key_shift(str(getattr(parameters, "key", "C"))))

    def start_over(self) -> None:
        """Forget the run before; takes that the person made stay."""
        self._frame = None
        self.desk.variant = ""
        self.measures.set_samples((), {})

    def show_frame(self, frame: MelodyFrame) -> None:
        """Take over the live takes and measures."""
        is_first, before = self._frame is None, self._frame
        self.parameters_changed(self.port.parameters)
        self._frame = frame
        if is_first or (before is not None and before.names != frame.names):
            self._fill_variants(frame)
        if is_first or before is None or before.look_step != frame.look_step:
            self._show_live()
        if is_first:
            self.port.ask_latest("analyse_seed", self._seed_analysed)
            if self._restored is not None:
                self._show_restored()
        is_measured_anew = before is None or before.look_step != frame.look_step or _counts(before) != _counts(frame)
        if frame.samples and is_measured_anew:
            self.measures.set_samples(frame.measure_names, frame.samples)
            self.boxes.show_frame(frame)

    def _fill_variants(self, frame: MelodyFrame) -> None:
        now = self._variant.currentData()
        with QSignalBlocker(self._variant):
            self._variant.clear()
            for name in frame.names:
                self._variant.addItem(LABELS.get(name, named(name)), name)
            self._variant.setCurrentIndex(max(0, frame.names.index(now) if now in frame.names else 0))
        self._variant.setEnabled(len(frame.names) > 1)
        if len(frame.names) == 1:
            self._variant.setToolTip("This experiment has one network")

    @property
    def variant(self) -> str:
        """Who generates."""
        return str(self._variant.currentData() or "")

    def _show_live(self) -> None:
        frame = self._frame
        if frame is None:
            return
        take = next((own for own in frame.takes if own.song.maker == self.variant), None)
        self.desk.variant = self.variant
        if take is not None:
            self.desk.show_live(take)

    @Slot()
    def _variant_chosen(self) -> None:
        self._show_live()
        self.desk.show_entry(self.desk.entries[0])

    def _seed_analysed(self, analysis: Analysis) -> None:
        self.truth.set_matrices(analysis.similarity)
        self.measures.set_song(SEED_SONG, analysis.measures)

    def show_metrics(self, history: MetricsHistory) -> None:
        """Draw the losses and what was found at each look."""
        names = [name for name in history.names if name.split("/")[0] in ("loss", "validation nats", *LOSS_PARTS)]
        for name in names:
            part, _, variant = name.partition("/")
            steps, values = history[name]
            if variant:
                if part in ("loss", "validation nats"):
                    self.loss.set_series(
                        name,
                        steps,
                        values,
                        label=f"{SHORT.get(variant, variant)}{', validation' if part != 'loss' else ''}",
                        color=COLOURS.get(variant, 7),
                        style="solid" if part == "loss" else "dash",
                    )
            else:
                order = ("loss", *LOSS_PARTS, "validation nats")
                self.loss.set_series(
                    name,
                    steps,
                    values,
                    label=name,
                    color=order.index(part),
                    style="dash" if part == "validation nats" else "solid",
                )
        for name in history.names:
            part, _, variant = name.partition("/")
            if part in QUALITIES:
                steps, values = history[name]
                label = f"{part}{', ' + short_name(variant) if variant else ''}"
                colour = maker_colour(variant, 0) if variant else QUALITIES.index(part)
                self.quality.set_series(
                    name,
                    steps,
                    values,
                    label=label,
                    color=colour,
                    style=("dash", "solid", "dot")[QUALITIES.index(part)] if variant else "solid",
                )

    # The score

    @Slot()
    def _score_changed(self) -> None:
        score, desk = self.desk.score, self.desk
        for box, value in ((self._primer, -(-score.primer // BAR)), (self._bars, score.bars), (self._seed, desk.seed)):
            with QSignalBlocker(box):
                box.setValue(value)
        take = desk.shown.take
        self.clock.set_ticks(take_ticks(take), score.length, ONE_TIER if take is not None else NO_TICKS)
        if len(score.notes):
            is_own = (
                take is not None
                and len(take.song.events)
                and np.array_equal(take.song.notes, score.in_key(0).note_rows())
            )
            events = take.song.events if take is not None and is_own else None
            self.port.ask_latest("analyse", self._analysed, events=events, **score.arguments())

    def _analysed(self, analysis: Analysis) -> None:
        self._analysis = analysis
        self.likeness.set_matrices(analysis.similarity)
        self.patterns.show_analysis(analysis, self.desk.key)
        self.tension.show_analysis(analysis)
        self.measures.set_song(THIS, analysis.measures)
        self._draw_patterns()

    @Slot()
    def _draw_patterns(self) -> None:
        self.desk.roll.set_shapes(
            self.patterns.drawn(self._analysis, self.desk.key) if self._analysis is not None else []
        )

    @Slot(object)
    def _pattern_clicked(self, row: int) -> None:
        self.patterns.chosen = None if self.patterns.chosen == row else row
        self.patterns.shapes.set_value(True)
        self._draw_patterns()

    @Slot(object)
    def _bar_clicked(self, pick: Pick) -> None:
        bars = self.desk.score.bars
        if 0 <= pick.index < bars * bars:
            first, second = sorted(divmod(pick.index, bars))
            self.desk.transport.seek(first * 4.0)
            notes = self.desk.roll.notes
            chosen = [i for i, note in enumerate(notes) if int(note.start // 4) in (first, second)]
            self.desk.roll.set_selected(chosen)

    # The next note

    @Slot(object)
    def _next_note(self, found: tuple[NextNote, int] | None) -> None:
        answer, row = found if found is not None else (None, -1)
        if self.next_pitches.isVisible() or not self.desk.transport.is_playing:
            temperature = float(getattr(self.port.parameters, "pitch_temperature", 1.0))
            self.next_pitches.show_answer(answer, row, temperature, self.desk.key)
            self.next_durations.show_answer(answer, row)

    @Slot(object)
    def _playhead_moved(self, beat: float) -> None:
        self.clock.set_playhead(beat if self.desk.transport.is_playing else None)

    @Slot(bool)
    def _playing_changed(self, is_playing: bool) -> None:
        if not is_playing:
            self.clock.set_playhead(None)

    @Slot(object)
    def _force_pitch(self, row: int) -> None:
        if not 0 <= row < len(self.next_pitches.codes):
            return
        code, time = self.next_pitches.codes[row], self.next_pitches.time
        if code <= SUSTAIN:
            self.port.say("A pitch can be forced; a rest or a held note is made by deleting or stretching a note.")
            return
        self.desk.generate_from(time, forced={time: code - 2})

    @Slot(object, object)
    def _copy_tick(self, source: int, target: int) -> None:
        take = self.desk.shown.take
        if take is None or not take.ticks:
            return
        self.desk.compose(self.desk.score.primer, copies={target: source})
        self.port.say(f"Tick {target + 1} of the {take.ticks[0].tier} now takes the summary of tick {source + 1}.")

    # Controls

    @Slot(int)
    def _seed_chosen(self, seed: int) -> None:
        self.desk.seed = seed

    @Slot(bool)
    def _auto_toggled(self, is_on: bool) -> None:
        self.desk.regenerates = is_on

    @Slot()
    def _next_song(self) -> None:
        self._song_index += 1
        self.port.ask_latest("corpus_song", self._song_answered, index=self._song_index)

    def _song_answered(self, song: Song) -> None:
        self.desk.use_song(song, f"song: {song.title}")

    @Slot()
    def _open_file(self) -> None:
        ask_file(self, "Open a song", [MUSIC_FILTER], self.open_song)

    def open_song(self, path: str | Path) -> None:
        """Read a file into the roll."""
        self.port.ask_latest("open_song", self._song_opened, path=str(path))

    def _song_opened(self, song: Song) -> None:
        """Show a file's song in its own key; networks are asked in C all the same."""
        if song.key % 12 != self.desk.key % 12:
            self.port.change_parameters("use the song's key", {"key": key_at(song.key)})
        self._song_answered(song)

    # State

    def state(self) -> dict[str, Any]:
        """The views, and the score that the person works on."""
        made = super().state()
        if not self.desk.shown.is_live:
            made["score"] = self.desk.score.as_plain()
        return made

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore the views; the score comes back with the first frame."""
        super().restore(state)
        if isinstance(saved := state.get("score"), Mapping):
            try:
                self._restored = Score.of_plain(saved)
            except ValueError:
                self._restored = None

    def _show_restored(self) -> None:
        score, self._restored = self._restored, None
        if score is not None:
            self.desk.insert(TakeEntry("restored take", score.coloured(), variant=self.variant))


def _counts(frame: MelodyFrame) -> tuple[tuple[str, int], ...]:
    return tuple((name, len(rows)) for name, rows in frame.samples.items())
