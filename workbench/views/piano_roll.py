"""PianoRoll: notes over bars and beats, a keyboard at the left edge, a chord lane below; everything can be edited.

    ▁▂ |1      |2      |3      |4         ruler: click sets the playhead, drag a loop, Ctrl-click keeps a bar
▆▆ ▓░ │  ▬▬   ▬▬▬▬   ▬▬  │                 left: draw, move, stretch; right click: delete; Shift-drag: select
 ▂ ▓░ │▬▬  ▬▬      ▬▬    │
    └──│ C     │ Am7   │ F  G  │          lane: click a chord to change it, drag its edge
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter

from workbench.views.axis import Frame2D
from workbench.views.legend import LegendEntry
from workbench.views.painting import (
    SMALL_PX,
    draw_text,
    draw_text_up,
    elided,
    figure_font,
    mixed,
    pen,
    polygon,
    text_height,
    text_width,
    with_alpha,
)
from workbench.views.piano_keys import KEYS, RollOverlay, draw_keys
from workbench.views.picks import ReadOut
from workbench.views.plot import Bounds, Layout, PlotView
from workbench.views.roll_mouse import RollMouse
from workbench.views.roll_notes import BLACK, Notes, RollNote, pitch_name
from workbench.views.theme import theme

if TYPE_CHECKING:
    from jaxtyping import Float

RULER = 17.0
LANE = 25.0
EDGE = 5.0
"""Logical pixels at a note's right end, or about a chord's edge, that stretch it."""
FEWEST_PITCHES = 18
KINDS: dict[str, tuple[str | int, str]] = {"note": (0, "")}
GHOST = "muted"


class PianoRoll(PlotView):
    """A piano roll in beats. What the person does is told by signals; the owner shows it by `set_notes` and friends.

    `edited` (before, after, what): the notes were changed by hand; they are shown already. `chords_edited` likewise.
    """

    edited = Signal(object, object, str)
    chords_edited = Signal(object, object)
    chord_clicked = Signal(object)
    """Index of a chord that was clicked in the lane; `clicked_beat` is where."""
    chord_moved = Signal(object, object)
    """Indices of a chord that was dragged in the lane and of the chord that it was dropped on."""
    note_clicked = Signal(object)
    """Index of a note that was clicked and not moved."""
    seeked = Signal(object)
    """A beat that was clicked in the ruler."""
    loop_dragged = Signal(object)
    """A span of beats that was dragged in the ruler."""
    bar_toggled = Signal(object)
    """Index of a bar that was Ctrl-clicked in the ruler."""

    HAS_LOG_TOGGLES = False

    def __init__(
        self,
        name: str,
        title: str,
        *,
        kinds: Mapping[str, tuple[str | int, str]] | None = None,
        beats_a_bar: int = 4,
        grid: float = 0.25,
        is_monophonic: bool = True,
        hint: str = "",
    ) -> None:
        super().__init__(
            name, title, x_label="", y_label="",
            hint=hint or "Drag draws, moves or stretches a note, right-click deletes it, Shift-drag selects, "
            "Alt-wheel: velocity; wheel zooms, middle drag pans, A fits.",
        )  # fmt: skip
        self.kinds = dict(kinds or KINDS)
        self.beats_a_bar, self.grid, self.is_monophonic = beats_a_bar, grid, is_monophonic
        self.is_editable = True
        self.shows_joins = False
        """Draw a line where a note goes on over a bar line or a chord change."""
        self.clicked_beat = 0.0
        self.x_axis.tick_labels = self.y_axis.tick_labels = []
        self._notes: Notes = ()
        self._selected: frozenset[int] = frozenset()
        self._ghosts: Notes = ()
        self._chords: tuple[tuple[float, str], ...] = ()
        self._shapes: tuple[tuple[tuple[np.ndarray, ...], str | int], ...] = ()
        self._kept_bars: frozenset[int] = frozenset()
        self._loop: tuple[float, float] | None = None
        self._primer = 0.0
        self._length = 16.0
        self._ribbons: dict[str, tuple[np.ndarray, str | int]] = {}
        self._overlay = RollOverlay(self, self._canvas)
        self._mouse = RollMouse(self, self._canvas, self._overlay)
        self._canvas.installEventFilter(self._mouse)

    # What panels use

    @property
    def notes(self) -> Notes:
        """The notes as they are now."""
        return self._notes

    @property
    def chords(self) -> tuple[tuple[float, str], ...]:
        """Beat and name of each chord."""
        return self._chords

    @property
    def length(self) -> float:
        """Beats that the roll has."""
        return self._length

    @property
    def selected(self) -> frozenset[int]:
        """Indices of the selected notes."""
        return self._selected

    @property
    def kept_bars(self) -> frozenset[int]:
        """Bars marked to be kept."""
        return self._kept_bars

    @property
    def loop(self) -> tuple[float, float] | None:
        """The loop that is shown."""
        return self._loop

    def set_notes(self, notes: Sequence[RollNote], *, length: float | None = None) -> None:
        """Show these notes, without a signal; the selection is kept where they are the same."""
        made = tuple(notes)
        if made != self._notes:
            self._selected = frozenset(i for i in self._selected if i < len(made) and made[i] == self._notes[i])
            self._notes = made
        if length is not None:
            self._length = max(length, 1.0)
        self.refresh()

    def set_selected(self, chosen: Sequence[int] | frozenset[int]) -> None:
        """Select notes by their index."""
        self._selected = frozenset(chosen)
        self.refresh()

    def set_ghosts(self, notes: Sequence[RollNote]) -> None:
        """Draw other notes as outlines behind, to compare."""
        self._ghosts = tuple(notes)
        self.refresh()

    def set_chords(self, chords: Sequence[tuple[float, str]]) -> None:
        """Show chords from their beat to the next one's."""
        self._chords = tuple((float(beat), str(text)) for beat, text in chords)
        self.refresh()

    def set_shapes(self, shapes: Sequence[tuple[Sequence[np.ndarray], str | int]]) -> None:
        """Draw patterns as translucent shapes: for each, its occurrences (k, 2) of beat and pitch, and a colour."""
        self._shapes = tuple((tuple(np.asarray(own, float) for own in places), colour) for places, colour in shapes)
        self.refresh()

    def set_kept_bars(self, bars: Sequence[int] | frozenset[int]) -> None:
        """Mark bars as kept."""
        self._kept_bars = frozenset(bars)
        self.refresh()

    def set_loop(self, span: tuple[float, float] | None) -> None:
        """Mark a loop in the ruler."""
        self._loop = span
        self.refresh()

    def set_primer(self, beat: float) -> None:
        """Mark where the given beginning ends; 0 for none."""
        self._primer = beat
        self.refresh()

    def set_keys(self, probabilities: Float[np.ndarray, "128"] | None, pressed: Sequence[int] = ()) -> None:
        """Show the probability of each next pitch on the keyboard, and pressed keys."""
        self._overlay.set_keys(probabilities, frozenset(pressed))

    @property
    def key_probabilities(self) -> Float[np.ndarray, "128"] | None:
        """What the keyboard shows."""
        return self._overlay.probabilities

    def set_playhead(self, beat: float | None, *, follows: bool = False) -> None:
        """Move the playhead; `follows` turns the page when it leaves the view."""
        self._overlay.set_playhead(beat)
        if follows and beat is not None and not self.follows_x:
            low, high = self.x_axis.low, self.x_axis.high
            if not low <= beat <= high:
                span = high - low
                start = max(0.0, min(beat - 0.05 * span, max(0.0, self._length - span)))
                self.x_axis.set_range(start, start + span)
                self.refresh()

    @property
    def playhead(self) -> float | None:
        """Beat of the playhead."""
        return self._overlay.playhead

    # What the mouse uses

    def show_edit(self, notes: Sequence[RollNote], selected: frozenset[int] | None = None) -> None:
        """Show notes while they are being edited."""
        self._notes = tuple(notes)
        if selected is not None:
            self._selected = selected
        self.refresh()

    def note_at(self, frame: Frame2D, position: QPointF) -> int:
        """Index of the note under a point, the last drawn first; -1 for none."""
        for index in reversed(range(len(self._notes))):
            if self.note_rect(frame, self._notes[index]).adjusted(-1, -1, 1, 1).contains(position):
                return index
        return -1

    def note_rect(self, frame: Frame2D, note: RollNote) -> QRectF:
        """Where a note is drawn."""
        corner, other = frame.point(note.start, note.pitch + 0.46), frame.point(note.end, note.pitch - 0.46)
        return QRectF(corner, QPointF(max(other.x() - 0.8, corner.x() + 1.5), max(other.y(), corner.y() + 1.5)))

    def ruler_rect(self, frame: Frame2D) -> QRectF:
        """Where the ruler is."""
        return QRectF(frame.rect.left(), frame.rect.top() - RULER, frame.rect.width(), RULER)

    def lane_rect(self, frame: Frame2D) -> QRectF:
        """Where the chord lane is."""
        return QRectF(frame.rect.left(), frame.rect.bottom() + 2, frame.rect.width(), LANE - 3)

    def chord_at(self, frame: Frame2D, position: QPointF) -> int:
        """Index of the chord under a point of the lane; -1 for none."""
        beat = frame.data(position)[0]
        found = [index for index, (start, _) in enumerate(self._chords) if start <= beat + 1e-9]
        return found[-1] if found and beat < self._length else -1

    def chord_edge_at(self, frame: Frame2D, position: QPointF) -> int:
        """Index of the chord whose left edge, not the first's, is near a point of the lane; -1 for none."""
        for index, (start, _) in enumerate(self._chords):
            if index and abs(frame.point(start, 0).x() - position.x()) <= EDGE:
                return index
        return -1

    # Drawing

    def bounds(self) -> Bounds | None:
        """The whole piece, and the pitches of its notes with some room."""
        pitches = [note.pitch for note in (*self._notes, *self._ghosts)] or [60, 72]
        low, high = min(pitches) - 2, max(pitches) + 2
        missing = max(0, FEWEST_PITCHES - (high - low))
        return (0.0, self._length), (low - missing / 2 - 0.5, high + missing / 2 + 0.5)

    def with_room(self, axis: Any, low: float, high: float) -> tuple[float, float]:
        """No more than the piece."""
        return low, high

    def layout_in(self, rect: QRectF) -> Layout:
        """Leave room for the keyboard, the ruler and the lane."""
        layout = super().layout_in(rect.adjusted(KEYS, 0, 0, -LANE))
        plot = layout.frame.rect.adjusted(0, RULER, 0, 0)
        return replace(layout, frame=Frame2D(plot, layout.frame.x, layout.frame.y))

    def paint_plot(self, painter: QPainter, rect: QRectF, *, is_export: bool) -> Layout:
        """Draw the figure, the ruler and the lane; in exports the keyboard too."""
        layout = super().paint_plot(painter, rect, is_export=is_export)
        self._draw_ruler(painter, layout.frame)
        self._draw_lane(painter, layout.frame)
        if is_export:
            draw_keys(painter, layout.frame, self._overlay.probabilities, frozenset())
        return layout

    def draw(self, painter: QPainter, frame: Frame2D, *, is_export: bool) -> None:
        """Draw rows and beats, patterns, ghosts, notes."""
        self._draw_rows(painter, frame)
        self._draw_beats(painter, frame)
        for places, colour in self._shapes:
            self._draw_shape(painter, frame, places, theme().colour(colour))
        for note in self._ghosts:
            painter.setPen(pen(theme().colour(GHOST), 1.2, "dot"))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(self.note_rect(frame, note))
        for index, note in enumerate(self._notes):
            self._draw_note(painter, frame, note, is_selected=index in self._selected)
        self._mouse.draw(painter)

    def _draw_rows(self, painter: QPainter, frame: Frame2D) -> None:
        colours = theme()
        shade = mixed(colours.background, colours.foreground, 0.045)
        line = mixed(colours.grid, colours.background, 0.4)
        for pitch in range(max(0, int(frame.y.low)), min(127, int(frame.y.high) + 1) + 1):
            if pitch % 12 in BLACK:
                area = QRectF(QPointF(frame.rect.left(), frame.point(0, pitch + 0.5).y()),
                              QPointF(frame.rect.right(), frame.point(0, pitch - 0.5).y()))  # fmt: skip
                painter.fillRect(area, QColor(shade))
            if pitch % 12 == 0:
                painter.setPen(pen(line, 1.0))
                y = frame.point(0, pitch - 0.5).y()
                painter.drawLine(QPointF(frame.rect.left(), y), QPointF(frame.rect.right(), y))
        for bar in self._kept_bars:
            left, right = (frame.point(own * self.beats_a_bar, 0).x() for own in (bar, bar + 1))
            painter.fillRect(QRectF(left, frame.rect.top(), right - left, frame.rect.height()),
                             with_alpha(colours.success, 0.10))  # fmt: skip
        if self._primer > 0:
            x = frame.point(self._primer, 0).x()
            area = QRectF(frame.rect.left(), frame.rect.top(), x - frame.rect.left(), frame.rect.height())
            if area.width() > 0:
                painter.fillRect(area, with_alpha(colours.muted, 0.10))
            painter.setPen(pen(colours.muted, 1.2, "dash"))
            painter.drawLine(QPointF(x, frame.rect.top()), QPointF(x, frame.rect.bottom()))

    def _draw_beats(self, painter: QPainter, frame: Frame2D) -> None:
        colours = theme()
        a_beat = frame.rect.width() / max(1e-9, frame.x.high - frame.x.low)
        steps = [(1.0, 0.55)] if a_beat >= 7 else []
        if a_beat * self.grid >= 9:
            steps.insert(0, (self.grid, 0.8))
        steps.append((float(self.beats_a_bar), 0.0))
        for step, faint in steps:
            every = step if a_beat * step >= 5 else step * max(1, int(5 / (a_beat * step)))
            first = max(0, int(frame.x.low / every))
            painter.setPen(pen(mixed(mixed(colours.grid, colours.muted, 0.35), colours.background, faint), 1.0))
            for index in range(first, int(min(frame.x.high, self._length) / every) + 1):
                x = frame.point(index * every, 0).x()
                painter.drawLine(QPointF(x, frame.rect.top()), QPointF(x, frame.rect.bottom()))
        if frame.x.high > self._length:
            x = frame.point(self._length, 0).x()
            painter.fillRect(QRectF(x, frame.rect.top(), frame.rect.right() - x, frame.rect.height()),
                             QColor(colours.window))  # fmt: skip

    def _draw_shape(self, painter: QPainter, frame: Frame2D, places: Sequence[np.ndarray], colour: str) -> None:
        for points in places:
            pixels = frame.points(points[:, 0], points[:, 1])
            left, top = pixels.min(0) - np.array((2, 5))
            right, bottom = pixels.max(0) + np.array((8, 5))
            painter.setPen(pen(with_alpha(colour, 0.7), 1.0))
            painter.setBrush(with_alpha(colour, 0.10))
            painter.drawRoundedRect(QRectF(left, top, right - left, bottom - top), 4, 4)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(pen(with_alpha(colour, 0.55), 1.4))
            painter.drawPolyline(polygon(pixels))

    def _draw_note(self, painter: QPainter, frame: Frame2D, note: RollNote, *, is_selected: bool) -> None:
        rect = self.note_rect(frame, note)
        if rect.right() < frame.rect.left() or rect.left() > frame.rect.right():
            return
        colours = theme()
        colour = colours.colour(self.kinds.get(note.kind, (0, ""))[0])
        fill = mixed(colour, colours.background, 0.45 * (1 - note.velocity / 127))
        painter.setPen(pen(colours.foreground if is_selected else mixed(colour, colours.foreground, 0.25),
                           2.0 if is_selected else 0.8))  # fmt: skip
        painter.setBrush(QColor(fill))
        painter.drawRoundedRect(rect, 2, 2)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for beat in self.joins_of(note) if self.shows_joins else ():
            x = frame.point(beat, 0).x()
            painter.setPen(pen(colours.background, 1.2))
            painter.drawLine(QPointF(x, rect.top() + 1), QPointF(x, rect.bottom() - 1))
        if rect.height() >= 6 and rect.width() >= 8:  # how loud, as a line inside
            y = rect.center().y()
            painter.setPen(pen(with_alpha(colours.background, 0.75), 1.4))
            reach = (rect.width() - 6) * note.velocity / 127
            painter.drawLine(QPointF(rect.left() + 3, y), QPointF(rect.left() + 3 + reach, y))

    def joins_of(self, note: RollNote) -> list[float]:
        """Beats inside a note at which a bar begins or the chord changes."""
        bars = range(int(note.start // self.beats_a_bar) + 1, int(np.ceil(note.end / self.beats_a_bar)))
        found = {float(bar * self.beats_a_bar) for bar in bars} | {beat for beat, _ in self._chords}
        return sorted(beat for beat in found if note.start + 1e-9 < beat < note.end - 1e-9)

    def _draw_ruler(self, painter: QPainter, frame: Frame2D) -> None:
        colours, rect = theme(), self.ruler_rect(frame)
        painter.save()
        painter.setClipRect(rect.adjusted(-2, 0, 12, 0))
        painter.fillRect(rect, QColor(colours.window))
        if self._loop is not None:
            left, right = (frame.point(beat, 0).x() for beat in self._loop)
            painter.fillRect(QRectF(left, rect.top(), right - left, rect.height()), with_alpha(colours.accent, 0.3))
        font = figure_font(SMALL_PX)
        painter.setFont(font)
        a_bar = rect.width() / max(1e-9, frame.x.high - frame.x.low) * self.beats_a_bar
        every = next((own for own in (1, 2, 4, 8, 16, 32, 64) if own * a_bar >= 24), 128)
        bars = int(np.ceil(self._length / self.beats_a_bar))
        for bar in range(bars):
            x = frame.point(bar * self.beats_a_bar, 0).x()
            if not rect.left() - 1 <= x <= rect.right():
                continue
            if bar in self._kept_bars:
                painter.fillRect(QRectF(x, rect.top(), a_bar, 4), QColor(colours.success))
            if bar % every == 0:
                painter.setPen(pen(colours.muted, 1.0))
                painter.drawLine(QPointF(x, rect.bottom() - 6), QPointF(x, rect.bottom()))
                draw_text(painter, QRectF(x + 3, rect.top(), 60, rect.height()), str(bar + 1), colours.muted,
                          Qt.AlignmentFlag.AlignLeft)  # fmt: skip
        painter.restore()

    def _draw_lane(self, painter: QPainter, frame: Frame2D) -> None:
        colours, rect = theme(), self.lane_rect(frame)
        painter.save()
        painter.setClipRect(rect)
        font, narrow = figure_font(SMALL_PX + 0.5), figure_font(8)
        painter.setFont(font)
        for index, (start, text) in enumerate(self._chords):
            end = self._chords[index + 1][0] if index + 1 < len(self._chords) else self._length
            left, right = frame.point(start, 0).x(), frame.point(end, 0).x()
            if right < rect.left() or left > rect.right():
                continue
            box = QRectF(left + 0.5, rect.top(), right - left - 1.5, rect.height() - 1)
            is_target = index in self._mouse.chord_drag
            painter.setPen(pen(colours.warning if is_target else mixed(colours.muted, colours.background, 0.5), 1.0))
            painter.setBrush(QColor(mixed(colours.window, colours.accent, 0.3 if is_target else 0.08)))
            painter.drawRoundedRect(box, 3, 3)
            shown = box.intersected(rect)
            if shown.width() >= min(text_width(text, font), 2 * shown.height()) + 2:
                draw_text(painter, shown, elided(text, shown.width() - 2, font), colours.foreground)
            elif shown.width() >= 8:  # too narrow to read across
                painter.setFont(narrow)
                draw_text_up(painter, shown, text, colours.foreground)
                painter.setFont(font)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.restore()
        caption = QRectF(rect.left() - KEYS, rect.top(), KEYS - 6, text_height(font))
        draw_text(painter, caption, "chords", colours.muted, Qt.AlignmentFlag.AlignRight)

    def legend_entries(self) -> Sequence[LegendEntry]:
        """The kinds of notes that are shown and have a label."""
        used = {note.kind for note in self._notes}
        return tuple(
            LegendEntry(kind, label, theme().colour(colour), "line")
            for kind, (colour, label) in self.kinds.items()
            if label and kind in used
        )

    def read_out(self, frame: Frame2D, position: QPointF) -> ReadOut | None:
        """Say the note under the mouse, or the pitch and the place."""
        index = self.note_at(frame, position)
        beat, pitch = frame.data(position)
        if index < 0:
            row = round(pitch)
            if not 0 <= row <= 127:
                return None
            return ReadOut(((theme().muted, f"{pitch_name(row)}, {self.place_text(beat)}"),), has_crosshair=False)
        note = self._notes[index]
        lines = [
            (theme().foreground, f"{pitch_name(note.pitch)}, {self.place_text(note.start)}"),
            (theme().muted, f"{note.length:g} beats, velocity {note.velocity}"),
        ]
        if label := self.kinds.get(note.kind, (0, ""))[1]:
            lines.append((theme().muted, label))
        return ReadOut(tuple(lines), has_crosshair=False)

    def place_text(self, beat: float) -> str:
        """Bar and beat as a musician counts them, from 1."""
        bar, inside = divmod(max(0.0, beat), self.beats_a_bar)
        return f"bar {int(bar) + 1} beat {inside + 1:.3g}"

    def data(self) -> Mapping[str, np.ndarray]:
        """A row for each note."""
        if not self._notes:
            return {}
        return {
            "start_beats": np.array([note.start for note in self._notes]),
            "length_beats": np.array([note.length for note in self._notes]),
            "pitch": np.array([note.pitch for note in self._notes]),
            "velocity": np.array([note.velocity for note in self._notes]),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore the zoom."""
        super().restore({key: value for key, value in state.items() if key != "log"})


if __name__ == "__main__":
    from workbench.views.demo import show_demo

    def _make() -> PianoRoll:
        view = PianoRoll("roll", "A scale")
        view.set_notes([RollNote(i * 0.5, 0.5, 60 + step) for i, step in enumerate((0, 2, 4, 5, 7, 9, 11, 12))])
        view.set_chords([(0.0, "C"), (2.0, "G7")])
        return view

    show_demo(_make)
