"""The figures under the desk: bars' likeness, patterns, tension, the tiers' clock, the next note, the measures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Signal, Slot
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QComboBox

from plugins.cm_hrnn.contract import COLOURS, REAL, named
from plugins.cm_hrnn.frames import Analysis, MelodyFrame, NextNote, Take, Ticks
from plugins.cm_hrnn.measures import LONG_PATTERN, MEASURES, bootstrap_mean
from workbench.views import BarsView, BoxesView, Column, CurvesView, ImageView, SegmentedButtons, TableView
from workbench.views.painting import SMALL_PX, draw_image, draw_text, figure_font, pen, rgba_image
from workbench.views.picks import Pick, ReadOut
from workbench.views.plot import Bounds, PlotView
from workbench.views.roll_notes import pitch_name
from workbench.views.theme import theme

if TYPE_CHECKING:
    from workbench.views.axis import Frame2D

BEAT, BAR = 4, 16
MOST_UNITS = 48
NO_TICKS = "No network has made this song: generate one to see its tiers tick."
ONE_TIER = "This network has one tier only: every event is a tick."
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

    def show_analysis(self, analysis: Analysis) -> None:
        """List the patterns of a song."""
        self.chosen = None
        rows = [
            (
                index + 1,
                len(own.occurrences[0]),
                len(own.occurrences),
                own.span / BEAT,
                "long" if own.span >= LONG_PATTERN else "short",
                ", ".join(pitch_name(int(p)) for p in own.occurrences[0][:6, 1]),
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


class ClockView(PlotView):
    """When each tier ticks and its state then: a row a tier, a column of units a tick, as wide as until the next.

    Dragging a cell of the slowest tier onto a later one emits `copied` (from tick, to tick): "sound like that".
    """

    copied = Signal(object, object)
    HAS_LOG_TOGGLES = False

    def __init__(self) -> None:
        super().__init__(
            "clock",
            "The tiers' clock",
            x_label="bar",
            hint="Each cell is a tick: units of the tier's state from -1 (blue) to 1 (red). Drag a cell of the top row "
            "onto a later one: the music there takes the earlier summary.",
        )
        self._ticks: tuple[Ticks, ...] = ()
        self._length = 1
        self._held = -1
        self._target = -1
        self.playhead: float | None = None
        self.y_axis.tick_labels = []
        self.grabs = self._is_slowest
        self.pressed.connect(self._press)
        self.dragged.connect(self._drag)
        self.released.connect(self._release)

    def set_ticks(self, ticks: Sequence[Ticks], length: int, why: str = NO_TICKS) -> None:
        """Show the ticks of a song of `length` sixteenths, the slowest tier first; `why` says why there are none."""
        self._ticks, self._length = tuple(ticks), max(length, 1)
        rows = len(self._ticks)
        self.y_axis.tick_labels = [(rows - 1 - index, own.tier) for index, own in enumerate(self._ticks)]
        bars = range(0, -(-self._length // BAR))
        self.x_axis.tick_labels = [(bar * BAR, str(bar + 1)) for bar in bars]
        self.show_message("" if rows else why)
        self.refresh()

    def bounds(self) -> Bounds | None:
        """From the first tick to the end."""
        if not self._ticks:
            return None
        start = min(0, *(int(own.times[0]) for own in self._ticks if len(own.times)))
        return (float(start), float(self._length)), (-0.5, len(self._ticks) - 0.5)

    def with_room(self, axis: Any, low: float, high: float) -> tuple[float, float]:
        """No more than the song."""
        return low, high

    def _cells(self, own: Ticks) -> np.ndarray:
        return np.append(own.times, max(self._length, int(own.times[-1]) + 1))

    def draw(self, painter: QPainter, frame: Frame2D, *, is_export: bool) -> None:
        """Draw each tick's state as a column of colours."""
        table = theme().colormap("crameri:vik")
        for row, own in enumerate(self._ticks):
            y = len(self._ticks) - 1 - row
            edges = self._cells(own)
            states = own.states[:, :MOST_UNITS]
            shade = np.clip((np.tanh(states) + 1) / 2 * 255, 0, 255).astype(int)
            top, bottom = frame.point(0, y + 0.42).y(), frame.point(0, y - 0.42).y()
            xs = frame.points(edges, np.zeros(len(edges)))[:, 0]
            for index in range(len(states)):
                if xs[index + 1] < frame.rect.left() or xs[index] > frame.rect.right():
                    continue
                cell = QRectF(xs[index], top, max(xs[index + 1] - xs[index] - 0.6, 1.0), bottom - top)
                draw_image(painter, cell, rgba_image(table[shade[index]][:, None]))
                if row == 0:
                    self._mark(painter, cell, index)

    def _mark(self, painter: QPainter, cell: QRectF, index: int) -> None:
        colours = theme()
        painter.setPen(
            pen(
                colours.warning if index in (self._held, self._target) else colours.muted,
                2.5 if index in (self._held, self._target) else 0.8,
            )
        )
        painter.drawRect(cell)
        if cell.width() > 12:
            painter.setFont(figure_font(SMALL_PX))
            box = QRectF(cell.left() + 2, cell.top() + 1, 18, 14)
            painter.fillRect(box, theme().background)
            draw_text(painter, box, str(index + 1), colours.foreground)

    def _slowest_at(self, x: float, y: float) -> int:
        if not self._ticks or abs(y - (len(self._ticks) - 1)) > 0.5:
            return -1
        return int(np.searchsorted(self._ticks[0].times, x, side="right")) - 1

    def _is_slowest(self, x: float, y: float) -> bool:
        return self._slowest_at(x, y) >= 0

    @Slot(object)
    def _press(self, pick: Pick) -> None:
        self._held = self._target = self._slowest_at(pick.x, pick.y)
        self.refresh()

    @Slot(object)
    def _drag(self, pick: Pick) -> None:
        self._target = self._slowest_at(pick.x, pick.y)
        self.refresh()

    @Slot(object)
    def _release(self, pick: Pick) -> None:
        source, target = self._held, self._slowest_at(pick.x, pick.y)
        self._held = self._target = -1
        self.refresh()
        if source >= 0 and target >= 0 and source != target:
            self.copied.emit(min(source, target), max(source, target))

    def read_out(self, frame: Frame2D, position: QPointF) -> ReadOut | None:
        """Say the tick under the mouse."""
        x, y = frame.data(position)
        row = len(self._ticks) - 1 - round(y)
        if not 0 <= row < len(self._ticks):
            return None
        own = self._ticks[row]
        index = int(np.searchsorted(own.times, x, side="right")) - 1
        if index < 0:
            return None
        bar, inside = divmod(int(own.times[index]), BAR)
        lines = [
            (theme().foreground, f"{own.tier}, tick {index + 1} of {len(own.times)}"),
            (theme().muted, f"after event {own.events[index]}, bar {bar + 1} beat {inside / BEAT + 1:g}"),
        ]
        if index:
            change = float(np.linalg.norm(own.states[index] - own.states[index - 1]))
            lines.append((theme().muted, f"its state moved by {change:.3g}"))
        return ReadOut(tuple(lines), has_crosshair=False)

    def data(self) -> Mapping[str, np.ndarray]:
        """Times and states of each tier."""
        made: dict[str, np.ndarray] = {}
        for own in self._ticks:
            made[f"{own.tier} times"], made[f"{own.tier} states"] = own.times, own.states
        return made


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
            self.title = "Next note: nothing is predicted here (primer)"
            return
        chances = answer.pitch[row]
        order = np.argsort(-chances)[:10]
        self.codes, self.time = tuple(int(code) for code in order), int(answer.starts[row])
        names = [("rest", "hold")[code] if code < 2 else pitch_name(code - 2 + key) for code in self.codes]
        rows = [(name, 100 * float(chances[code])) for name, code in zip(names, self.codes, strict=True)]
        self.set_rows(["pitch", Column("probability", "%", digits=3)], rows)
        bar, inside = divmod(self.time, BAR)
        self.title = (
            f"Next note, bar {bar + 1} beat {inside / BEAT + 1:g}: new bar {100 * float(answer.bar[row, 1]):.0f} %, "
            f"{answer.elapsed[row]}/16 of the bar filled (at T = {temperature:g})"
        )


class DurationView(BarsView):
    """Probability of each duration of the next note."""

    def __init__(self) -> None:
        super().__init__(
            "next_durations",
            "Next duration",
            "probability",
            hint="Probability of each length of the next note, in whole notes.",
        )

    def show_answer(self, answer: NextNote | None, row: int) -> None:
        """Show the probabilities of one event."""
        if answer is not None and row >= 0:
            self.set_bars(DURATION_NAMES, {"probability": answer.duration[row].astype(float)})


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


def take_ticks(take: Take | None) -> tuple[Ticks, ...]:
    """The ticks of a take, none where there is none."""
    return () if take is None else take.ticks
