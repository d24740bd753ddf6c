"""The figures under the desk: bars' likeness, patterns, tension, the tiers' clock, the next note, the measures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from PySide6.QtCore import QRectF, Qt, Slot
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QComboBox, QWidget

from plugins.cm_hrnn.contract import COLOURS, REAL, named
from plugins.cm_hrnn.frames import Analysis, MelodyFrame, NextNote
from plugins.cm_hrnn.measures import LONG_PATTERN, MEASURES, bootstrap_mean
from workbench.views import BarsView, BoxesView, Column, CurvesView, ImageView, SegmentedButtons, TableView
from workbench.views.painting import pen
from workbench.views.roll_notes import pitch_name
from workbench.views.theme import theme

BEAT, BAR = 4, 16
NEXT_COLUMNS = ("pitch", Column("probability", "%", digits=3))
SEED_SONG, THIS = "seed song", "this take"
TENSIONS = ("cloud diameter", "cloud momentum", "tensile strain")
DURATION_NAMES = (
    "1/16",
    "1/8",
    "3/16",
    "1/4",
    "5/16",
    "3/8",
    "7/16",
    "1/2",
    "9/16",
    "5/8",
    "11/16",
    "3/4",
    "13/16",
    "7/8",
    "15/16",
    "1",
)


class SimilarityView(ImageView):
    """Bar by bar likeness; stripes beside the diagonal are repetition. `clicked` as ImageView's."""

    def __init__(self, name: str, title: str, leader: SimilarityView | None = None) -> None:
        super().__init__(
            name,
            title,
            x_label="bar",
            y_label="bar",
            value_label="equal slots",
            levels=(0.0, 1.0),
            origin="upper",
            hint="Share of the 16 slots that two bars have in common; stripes off the diagonal are repetition. Click "
            "to hear a bar.",
        )
        self._kinds: dict[str, np.ndarray] = {}
        self.kind = QComboBox() if leader is None else leader.kind
        if leader is None:
            self.kind.addItems(["exact", "transposed", "rhythm"])
            self.kind.setToolTip("What must be equal: pitches, pitches from the bar's first, or onsets only")
            self.add_tool(self.kind)
        self.kind.currentIndexChanged.connect(self._draw_kind)

    def set_matrices(self, kinds: Mapping[str, np.ndarray]) -> None:
        """Show one of these matrices, as the buttons say."""
        self._kinds = dict(kinds)
        self._draw_kind()

    @Slot()
    def _draw_kind(self) -> None:
        matrix = self._kinds.get(self.kind.currentText())
        if matrix is None or not matrix.size:
            return
        labels = [str(bar + 1) for bar in range(len(matrix))]
        self.set_image(matrix, row_labels=labels, column_labels=labels)


class PatternsView(TableView):
    """COSIATEC's patterns; `chosen` emits the index of the one whose row was clicked, None for all."""

    def __init__(self) -> None:
        super().__init__(
            "patterns",
            "Repeated patterns (COSIATEC)",
            hint="Click a row to see only that pattern on the roll; click it again for all.",
        )
        self.chosen: int | None = None
        self.shapes = SegmentedButtons([(True, "on the roll"), (False, "hidden")], help="Draw patterns on the roll")
        self.shapes.set_value(False)
        self.add_tool(self.shapes)

    def show_analysis(self, analysis: Analysis, key: int = 0) -> None:
        """List the patterns of a song, with pitches named `key` semitones above C."""
        self.chosen = None
        rows = [
            (
                index + 1,
                len(own.occurrences[0]),
                len(own.occurrences),
                own.span / BEAT,
                "long" if own.span >= LONG_PATTERN else "short",
                ", ".join(pitch_name(int(p) + key) for p in own.occurrences[0][:6, 1]),
            )
            for index, own in enumerate(analysis.patterns)
        ]
        self.set_rows([Column("#"), Column("notes"), Column("times"), Column("span", "beats"), "kind", "begins"], rows)
        ratio = analysis.measures.get("compression", float("nan"))
        self.title = (
            f"Repeated patterns (COSIATEC): compression ratio {ratio:.3f}"
            if np.isfinite(ratio)
            else ("Repeated patterns (COSIATEC)")
        )

    def drawn(self, analysis: Analysis, key: int = 0) -> list[tuple[list[np.ndarray], str | int]]:
        """What the roll shows of them, `key` semitones above C: the chosen one, or the first eight."""
        if not self.shapes.value:
            return []
        made: list[tuple[list[np.ndarray], str | int]] = []
        for index, own in enumerate(analysis.patterns[:8] if self.chosen is None else analysis.patterns):
            if self.chosen in (None, index):
                made.append(([places / (BEAT, 1) + (0, key) for places in own.occurrences], index))
        return made


class TensionView(CurvesView):
    """The three curves of the spiral array, one value a bar."""

    def __init__(self) -> None:
        super().__init__(
            "tension",
            "Tonal tension (spiral array)",
            "bar",
            "distance",
            hint="Windows of one bar over melody and chords: cloud diameter (dissonance), cloud momentum "
            "(movement), tensile strain (distance from the key).",
        )

    def show_analysis(self, analysis: Analysis) -> None:
        """Draw a song's tension."""
        bars = np.arange(analysis.tension.shape[1]) + 1
        for index, name in enumerate(TENSIONS):
            values = analysis.tension[index]
            if np.isfinite(values).any():
                self.set_series(name, bars, values, label=name, color=(0, 2, 1)[index])
            else:
                self.remove_series(name)


class NextNoteView(TableView):
    """What could come at the place under the mouse: pitches with their probabilities; a click forces one."""

    def __init__(self) -> None:
        super().__init__(
            "next_pitches",
            "Next note",
            hint="The likeliest next pitches where the mouse or playhead is. Click one to force it and "
            "generate on from there.",
        )
        self.codes: tuple[int, ...] = ()
        self.time = 0

    def show_answer(self, answer: NextNote | None, row: int, temperature: float, key: int = 0) -> None:
        """Show the probabilities of one event, with its pitches named `key` semitones above C."""
        if answer is None or row < 0:
            self.codes = ()
            self.set_rows(NEXT_COLUMNS, [])
            self.title = "Next note: nothing is predicted here (primer)"
            return
        chances = answer.pitch[row]
        order = np.argsort(-chances)[:10]
        self.codes, self.time = tuple(int(code) for code in order), int(answer.starts[row])
        names = [("rest", "hold")[code] if code < 2 else pitch_name(code - 2 + key) for code in self.codes]
        rows = [(name, 100 * float(chances[code])) for name, code in zip(names, self.codes, strict=True)]
        self.set_rows(NEXT_COLUMNS, rows)
        bar, inside = divmod(self.time, BAR)
        self.title = (
            f"Next note, bar {bar + 1} beat {inside / BEAT + 1:g}: new bar {100 * float(answer.bar[row, 1]):.0f} %, "
            f"{answer.elapsed[row]}/16 of the bar filled (at T = {temperature:g})"
        )


class TimeDial(QWidget):
    """The time accumulated in the bar, a_t, as a dial of 16 sixteenths that fills clockwise from the top."""

    def __init__(self) -> None:
        super().__init__()
        self.filled: int | None = None
        self.setFixedSize(22, 22)
        self.set_filled(None)

    def set_filled(self, sixteenths: int | None) -> None:
        """Show how many sixteenths of the bar are filled; None where nothing is predicted."""
        self.filled = sixteenths
        words = "nothing is predicted here" if sixteenths is None else f"{sixteenths}/16 of the bar are filled"
        self.setToolTip(f"Accumulated time: {words}")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """A ring, and a sector for what is filled."""
        colours, box = theme(), QRectF(self.rect()).adjusted(2, 2, -2, -2)
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(pen(colours.muted, 1.2))
            painter.drawEllipse(box)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours.accent))
            painter.drawPie(box.adjusted(1, 1, -1, -1), 90 * 16, -round(360 * 16 * (self.filled or 0) / BAR))


class DurationView(BarsView):
    """Probability of each duration of the next note."""

    def __init__(self) -> None:
        super().__init__(
            "next_durations",
            "Next duration",
            "probability",
            hint="Probability of each length of the next note, in whole notes; the dial shows how full the bar is.",
        )
        self.dial = TimeDial()
        self.add_tool(self.dial)

    def show_answer(self, answer: NextNote | None, row: int) -> None:
        """Show the probabilities of one event."""
        if answer is not None and row >= 0:
            self.set_bars(DURATION_NAMES, {"probability": answer.duration[row].astype(float)})
        self.dial.set_filled(int(answer.elapsed[row]) if answer is not None and row >= 0 else None)


class MeasuresView(TableView):
    """Measures in rows: this take and the seed song, and means with bootstrap intervals of many songs."""

    def __init__(self) -> None:
        super().__init__(
            "measures",
            "Measures",
            hint="Brackets: 95 % bootstrap interval of the mean over the songs. Which tension measure the "
            "paper tabulates is unverified, so all three are shown.",
        )
        self._columns_of: dict[str, dict[str, float]] = {}
        self._samples: dict[str, np.ndarray] = {}
        self._names: tuple[str, ...] = tuple(MEASURES)

    def set_song(self, name: str, measures: Mapping[str, float]) -> None:
        """Put one song's measures into a column."""
        self._columns_of[name] = dict(measures)
        self._fill()

    def set_samples(self, names: Sequence[str], samples: Mapping[str, np.ndarray]) -> None:
        """Put the means of many songs of each maker into columns."""
        self._names = tuple(names) or tuple(MEASURES)
        self._samples = {name: own for name, own in samples.items() if len(own)}
        self._fill()

    def _fill(self) -> None:
        columns: list[Column | str] = [
            "measure",
            *self._columns_of,
            *(f"{short_name(own)} (n = {len(rows)})" for own, rows in self._samples.items()),
        ]
        rows = []
        for index, key in enumerate(self._names):
            cells: list[object] = [MEASURES[key][0]]
            cells += [_number(own.get(key)) for own in self._columns_of.values()]
            cells += [_interval(own[:, index]) for own in self._samples.values()]
            rows.append(cells)
        self.set_rows(columns, rows)


def short_name(maker: str) -> str:
    """A maker's short name."""
    return named(maker)


def maker_colour(maker: str, index: int) -> str | int:
    """A maker's colour: its own where it has one."""
    return "muted" if maker == REAL else COLOURS.get(maker, index)


def _number(value: float | None) -> str:
    return "–" if value is None or not np.isfinite(value) else f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


def _interval(values: np.ndarray) -> str:
    mean, low, high = bootstrap_mean(values)
    return "–" if not np.isfinite(mean) else f"{mean:.3f} [{low:.3f}, {high:.3f}]"


class BoxPage(BoxesView):
    """Box plots of one measure over makers; a combo picks the measure."""

    def __init__(self) -> None:
        super().__init__("boxes", "Measures over many songs", "compression ratio")
        self.measure = QComboBox()
        self.measure.setToolTip("Which measure")
        for key, (label, _) in MEASURES.items():
            self.measure.addItem(label, key)
        self.measure.setCurrentIndex(list(MEASURES).index("compression"))
        self.measure.currentIndexChanged.connect(self._redraw)
        self.add_tool(self.measure)
        self._frame: MelodyFrame | None = None
        self.show_message("Songs are generated and measured when training ends.")

    def show_frame(self, frame: MelodyFrame) -> None:
        """Take over the measures."""
        self._frame = frame
        self._redraw()

    @Slot()
    def _redraw(self) -> None:
        frame = self._frame
        if frame is None or not frame.samples:
            return
        key = str(self.measure.currentData())
        index = frame.measure_names.index(key)
        values = {short_name(maker): rows[:, index] for maker, rows in frame.samples.items() if len(rows)}
        colours = {short_name(maker): maker_colour(maker, place) for place, maker in enumerate(frame.samples)}
        self.y_axis.label = MEASURES[key][0]
        self.title = f"{MEASURES[key][0].capitalize()} over many songs"
        self.set_values(values, colours)
