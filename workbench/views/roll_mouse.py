"""What the mouse and the keys do in a piano roll: draw, move, stretch, delete, select notes; chords; ruler."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QWheelEvent

from workbench.views.painting import pen, with_alpha
from workbench.views.roll_notes import Notes, RollNote, floored, louder, moved, resized, snapped, without_overlaps
from workbench.views.theme import theme

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from workbench.views.axis import Frame2D
    from workbench.views.piano_roll import PianoRoll

Gesture = Literal["none", "draw", "move", "resize", "select", "ruler", "edge", "lane", "delete"]
STRETCH = 6.0
"""Logical pixels at a note's right end that stretch it."""
DRAG = 4.0
LOUDER = 6
DEFAULT_LENGTH = 1.0


class RollMouse(QObject):
    """Filters the canvas' events; middle drags, wheels and right clicks on nothing stay the canvas' own."""

    def __init__(self, view: PianoRoll, canvas: QWidget, overlay: QWidget) -> None:
        super().__init__(view)
        self._view, self._canvas, self._overlay = view, canvas, overlay
        self._gesture: Gesture = "none"
        self._start = self._now = QPointF()
        self._before: Notes = ()
        self._chords_before: tuple[tuple[float, str], ...] = ()
        self._held = -1
        self._chosen: frozenset[int] = frozenset()
        self._has_moved = False
        self._length = DEFAULT_LENGTH

    @property
    def is_editing(self) -> bool:
        """Whether a gesture is going on."""
        return self._gesture != "none"

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take the events that edit."""
        # While Python takes the view apart, Qt may still send events here.
        if watched is not self.__dict__.get("_canvas"):
            return False
        kind = event.type()
        if kind == QEvent.Type.Resize:
            self._overlay.resize(self._canvas.size())
        elif isinstance(event, QWheelEvent):
            return self._wheel(event)
        elif isinstance(event, QKeyEvent) and kind == QEvent.Type.KeyPress:
            return self._key(event)
        elif isinstance(event, QMouseEvent):
            if kind == QEvent.Type.MouseButtonPress:
                return self._press(event)
            if kind == QEvent.Type.MouseButtonDblClick:
                return self._press(event)
            if kind == QEvent.Type.MouseMove:
                return self._move(event)
            if kind == QEvent.Type.MouseButtonRelease:
                return self._release(event)
        return False

    # Pressing

    def _press(self, event: QMouseEvent) -> bool:
        view, frame, at = self._view, self._view.frame(), event.position()
        self._start = self._now = at
        self._has_moved = False
        self._before, self._chords_before = view.notes, view.chords
        if event.button() == Qt.MouseButton.RightButton:
            self._held = view.note_at(frame, at) if view.is_editable and frame.rect.contains(at) else -1
            self._gesture = "delete" if self._held >= 0 else "none"
            return self._held >= 0
        if event.button() != Qt.MouseButton.LeftButton:
            return False
        self._canvas.setFocus(Qt.FocusReason.MouseFocusReason)
        if view.ruler_rect(frame).contains(at):
            self._gesture = "ruler"
            return True
        if view.lane_rect(frame).contains(at):
            self._held = view.chord_edge_at(frame, at) if view.is_editable else -1
            self._gesture = "edge" if self._held >= 0 else "lane"
            return True
        if not frame.rect.contains(at):
            return False
        return self._press_in_roll(event, frame, at)

    def _press_in_roll(self, event: QMouseEvent, frame: Frame2D, at: QPointF) -> bool:
        view = self._view
        index = view.note_at(frame, at)
        self._held = index
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier and index < 0:
            self._gesture = "select"
            return True
        if index >= 0:
            if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
                view.set_selected(view.selected ^ {index})
                self._gesture = "none"
                return True
            if index not in view.selected:
                view.set_selected([index])
            self._chosen = view.selected
            if not view.is_editable:
                self._gesture = "lane"
                return True
            rect = view.note_rect(frame, view.notes[index])
            is_end = at.x() > rect.right() - min(STRETCH, rect.width() / 3)
            self._gesture = "resize" if is_end else "move"
            return True
        if not view.is_editable:
            view.set_selected(())
            return False
        beat, pitch = frame.data(at)
        start = floored(beat, view.grid)
        if not (0 <= start < view.length and 0 <= round(pitch) <= 127):
            return True
        note = RollNote(start, min(self._length, view.length - start), round(pitch))
        self._gesture, self._held = "draw", len(self._before)
        view.show_edit((*self._before, note), frozenset((self._held,)))
        return True

    # Moving

    def _move(self, event: QMouseEvent) -> bool:
        self._now = event.position()
        if self._gesture == "none":
            self._show_cursor(event.position())
            return False
        if (self._now - self._start).manhattanLength() >= DRAG:
            self._has_moved = True
        view, frame = self._view, self._view.frame()
        beat, pitch = frame.data(self._now)
        if self._gesture == "draw":
            note = view.notes[self._held]
            if self._has_moved:
                end = max(snapped(beat, view.grid), note.start + view.grid)
                note = RollNote(note.start, min(end, view.length) - note.start, note.pitch)
            view.show_edit((*self._before, note), frozenset((self._held,)))
        elif self._gesture in ("move", "resize") and self._has_moved:
            first = frame.data(self._start)
            if self._gesture == "move":
                by = snapped(beat - first[0], view.grid)
                made = moved(self._before, self._chosen, by, round(pitch - first[1]), view.length)
            else:
                by = snapped(beat, view.grid) - self._before[self._held].end
                made = resized(self._before, self._chosen, by, view.grid, view.length)
            view.show_edit(made, self._chosen)
        elif self._gesture == "edge" and self._has_moved:
            self._drag_edge(beat)
        elif self._gesture == "ruler" and self._has_moved:
            view.set_loop(self._span(frame))
        view.refresh()
        return True

    def _drag_edge(self, beat: float) -> None:
        """Move a chord's beginning between its neighbours', by whole beats; with less room by the grid."""
        view, chords = self._view, list(self._chords_before)
        low = chords[self._held - 1][0] + view.grid
        high = (chords[self._held + 1][0] if self._held + 1 < len(chords) else view.length) - view.grid
        to = snapped(beat, 1.0)
        if not low <= to <= high:
            to = snapped(min(max(beat, low), high), view.grid)
        chords[self._held] = (to, chords[self._held][1])
        view.set_chords(chords)

    def _span(self, frame: Frame2D) -> tuple[float, float] | None:
        view = self._view
        beats = sorted(frame.data(own)[0] for own in (self._start, self._now))
        low = snapped(max(beats[0], 0.0), 1.0)
        high = min(max(snapped(beats[1], 1.0), low + 1.0), view.length)
        return (low, high) if high > low else None

    def _show_cursor(self, at: QPointF) -> None:
        view, frame = self._view, self._view.frame()
        shape = Qt.CursorShape.ArrowCursor
        if view.is_editable and frame.rect.contains(at):
            index = view.note_at(frame, at)
            if index >= 0:
                rect = view.note_rect(frame, view.notes[index])
                is_end = at.x() > rect.right() - min(STRETCH, rect.width() / 3)
                shape = Qt.CursorShape.SizeHorCursor if is_end else Qt.CursorShape.OpenHandCursor
            else:
                shape = Qt.CursorShape.CrossCursor
        elif view.lane_rect(frame).contains(at):
            is_edge = view.is_editable and view.chord_edge_at(frame, at) >= 0
            shape = Qt.CursorShape.SplitHCursor if is_edge else Qt.CursorShape.PointingHandCursor
        elif view.ruler_rect(frame).contains(at):
            shape = Qt.CursorShape.PointingHandCursor
        self._canvas.setCursor(shape)

    @property
    def chord_drag(self) -> tuple[int, ...]:
        """Indices of the chord that is dragged and of the one under the mouse; none while no chord is dragged."""
        view, frame = self._view, self._view.frame()
        is_in_lane = self._gesture == "lane" and view.is_editable and view.lane_rect(frame).contains(self._start)
        if not (is_in_lane and self._has_moved):
            return ()
        chords = (view.chord_at(frame, self._start), view.chord_at(frame, self._now))
        return chords if min(chords) >= 0 and chords[0] != chords[1] else ()

    # Letting go

    def _release(self, event: QMouseEvent) -> bool:
        self._now = event.position()
        dragged = self.chord_drag
        gesture, self._gesture = self._gesture, "none"
        if gesture == "none":
            return False
        view, frame = self._view, self._view.frame()
        if gesture == "delete":
            if not self._has_moved and 0 <= self._held < len(view.notes):
                gone = view.selected if self._held in view.selected else frozenset((self._held,))
                self._finish(tuple(n for i, n in enumerate(view.notes) if i not in gone), frozenset(), "delete")
        elif gesture == "draw":
            self._length = view.notes[self._held].length
            self._finish_winning(view.notes, frozenset((self._held,)), "draw a note")
        elif gesture in ("move", "resize"):
            if self._has_moved and view.notes != self._before:
                self._finish_winning(view.notes, self._chosen, "move notes" if gesture == "move" else "stretch notes")
            elif not self._has_moved:
                view.set_selected([self._held])
                view.note_clicked.emit(self._held)
        elif gesture == "select":
            area = QRectF(self._start, self._now).normalized()
            found = [i for i, note in enumerate(view.notes) if view.note_rect(frame, note).intersects(area)]
            view.set_selected(found)
        elif gesture == "edge":
            if view.chords != self._chords_before:
                view.chords_edited.emit(self._chords_before, view.chords)
        elif gesture == "lane":
            if dragged:
                view.chord_moved.emit(*dragged)
            else:
                self._release_in_lane(frame)
        elif gesture == "ruler":
            self._release_in_ruler(event, frame)
        view.refresh()
        return True

    def _release_in_lane(self, frame: Frame2D) -> None:
        view = self._view
        if view.lane_rect(frame).contains(self._now) and (index := view.chord_at(frame, self._now)) >= 0:
            view.clicked_beat = frame.data(self._now)[0]
            view.chord_clicked.emit(index)
        elif not view.is_editable and self._held >= 0:
            view.note_clicked.emit(self._held)

    def _release_in_ruler(self, event: QMouseEvent, frame: Frame2D) -> None:
        view = self._view
        beat = min(max(frame.data(self._now)[0], 0.0), view.length)
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            view.bar_toggled.emit(int(beat / view.beats_a_bar))
        elif self._has_moved:
            view.loop_dragged.emit(self._span(frame))
        else:
            view.seeked.emit(snapped(beat, view.grid))

    def _finish_winning(self, notes: Notes, winners: frozenset[int], text: str) -> None:
        """End an edit in which some notes were placed: in a monophonic roll others give way to them."""
        view = self._view
        placed = {notes[index] for index in winners}
        made = without_overlaps(notes, winners) if view.is_monophonic else tuple(sorted(notes, key=lambda n: n.start))
        self._finish(made, frozenset(i for i, note in enumerate(made) if note in placed), text)

    def _finish(self, notes: Notes, selected: frozenset[int], text: str) -> None:
        view = self._view
        view.show_edit(notes, selected)
        if notes != self._before:
            view.edited.emit(self._before, notes, text)

    # Wheel and keys

    def _wheel(self, event: QWheelEvent) -> bool:
        view, frame, at = self._view, self._view.frame(), event.position()
        notches = (event.angleDelta().y() or event.angleDelta().x()) / 120
        if event.modifiers() & Qt.KeyboardModifier.AltModifier and view.is_editable:
            index = view.note_at(frame, at)
            if index >= 0 and notches:
                self._before = view.notes
                chosen = view.selected if index in view.selected else frozenset((index,))
                self._finish(louder(view.notes, chosen, round(LOUDER * notches)), chosen, "change velocity")
            return True
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier and notches:
            span = frame.x.high - frame.x.low
            low = min(max(frame.x.low - 0.1 * span * notches, 0.0), max(0.0, view.length - span))
            view.set_range(x=(low, low + span))
            return True
        return False

    def _key(self, event: QKeyEvent) -> bool:
        view, key = self._view, event.key()
        has_control = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        if has_control and key == Qt.Key.Key_A:
            view.set_selected(range(len(view.notes)))
            return True
        if key == Qt.Key.Key_Escape and view.selected:
            view.set_selected(())
            return True
        if not view.is_editable or not view.selected:
            return False
        self._before, chosen = view.notes, view.selected
        if key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self._finish(tuple(n for i, n in enumerate(view.notes) if i not in chosen), frozenset(), "delete notes")
            return True
        octave = bool(event.modifiers() & (Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.ControlModifier))
        step = 12 if octave else 1
        ways = {Qt.Key.Key_Up: (0.0, step), Qt.Key.Key_Down: (0.0, -step),
                Qt.Key.Key_Left: (-view.grid, 0), Qt.Key.Key_Right: (view.grid, 0)}  # fmt: skip
        if key not in ways:
            return False
        self._finish_winning(moved(view.notes, chosen, *ways[Qt.Key(key)], view.length), chosen, "move notes")
        return True

    def draw(self, painter: QPainter) -> None:
        """Draw the selection rectangle."""
        if self._gesture == "select":
            area = QRectF(self._start, self._now).normalized()
            painter.fillRect(area, with_alpha(theme().accent, 0.15))
            painter.setPen(pen(theme().accent, 1.0))
            painter.drawRect(area)
