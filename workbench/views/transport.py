"""Transport: play, stop, loop, tempo, click, and where it is; it drives a Player and tells the playhead's place."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSignalBlocker, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QDoubleSpinBox, QHBoxLayout, QLabel, QToolButton, QWidget

from workbench.audio.notes import Notes
from workbench.audio.player import Player
from workbench.views.sound_menu import SoundButton
from workbench.views.theme import theme

TICK_MS = 30
IDLE_MS = 15_000
"""A silent device is let go after this."""


class Transport(QWidget):
    """Buttons of a tape deck over a Player. `moved` emits the beat while it plays or is sought, None never.

    `said` emits a sentence for the person, such as why a SoundFont cannot be used.
    """

    moved = Signal(object)
    playing_changed = Signal(bool)
    tempo_changed = Signal(object)
    said = Signal(str)

    def __init__(self, player: Player | None = None, *, beats_a_bar: int = 4, tempo: float = 100.0) -> None:
        super().__init__()
        self.player = player or Player()
        self._beats_a_bar = beats_a_bar
        self._loop: tuple[float, float] | None = None
        self._length = 0.0
        self.play_button = _button("▶", "Play or pause (P)", is_checkable=True)
        self.back_button = _button("|◀", "Back to the beginning")
        self.loop_button = _button("⟲", "Play the loop again and again; drag one in the ruler", is_checkable=True)
        self.click_button = _button("♩", "Click on each beat", is_checkable=True)
        self.sound_button = SoundButton(self.player)
        self.tempo_box = QDoubleSpinBox()
        self.tempo_box.setRange(40, 220)
        self.tempo_box.setDecimals(0)
        self.tempo_box.setValue(tempo)
        self.tempo_box.setSuffix(" bpm")
        self.tempo_box.setToolTip("Tempo")
        self.tempo_box.setAccessibleName("Tempo")
        self.tempo_box.setKeyboardTracking(False)
        self.place = QLabel("1.1")
        self.place.setMinimumWidth(self.fontMetrics().horizontalAdvance("000.0") + 4)
        self.place.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.place.setToolTip("Bar and beat")
        self.health = QLabel()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(2, 0, 2, 0)
        layout.setSpacing(3)
        for widget in (self.play_button, self.back_button, self.loop_button, self.click_button, self.sound_button,
                       self.place, self.tempo_box, self.health):  # fmt: skip
            layout.addWidget(widget)
        self._timer = QTimer(self)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self._tick)
        self._idle = QTimer(self)
        self._idle.setSingleShot(True)
        self._idle.setInterval(IDLE_MS)
        self._idle.timeout.connect(self._let_go)
        self.play_button.clicked.connect(self._play_clicked)
        self.back_button.clicked.connect(self._back)
        self.loop_button.toggled.connect(self._loop_toggled)
        self.click_button.toggled.connect(self.player.set_click)
        self.tempo_box.valueChanged.connect(self._tempo_chosen)
        self.sound_button.said.connect(self.said)
        self.player.set_tempo(tempo)
        theme().changed.connect(self._show_health)
        self._show_health()

    @property
    def is_playing(self) -> bool:
        """Whether it plays."""
        return self._timer.isActive()

    @property
    def tempo(self) -> float:
        """Beats a minute."""
        return self.tempo_box.value()

    def set_notes(self, notes: Notes, length: float) -> None:
        """Play these notes, of a piece of `length` beats; while it plays it goes on with them."""
        self._length = length
        self.player.set_notes(notes, length)
        self.play_button.setEnabled(len(notes) > 0)
        self.play_button.setToolTip("Play or pause (P)" if len(notes) else "There are no notes to play yet.")

    def set_tempo(self, tempo: float) -> None:
        """Show and use a tempo, without a signal."""
        with QSignalBlocker(self.tempo_box):
            self.tempo_box.setValue(tempo)
        self.player.set_tempo(self.tempo_box.value())

    def set_loop(self, span: tuple[float, float] | None) -> None:
        """Use a span as the loop, and switch looping on or (for None) off."""
        self._loop = span
        if self.loop_button.isChecked() != (span is not None):
            self.loop_button.setChecked(span is not None)
        else:
            self._loop_toggled(span is not None)

    def play(self) -> None:
        """Begin to play."""
        self.player.play()
        self._idle.stop()
        self._timer.start()
        self._show_playing(True)
        self.playing_changed.emit(True)

    def pause(self) -> None:
        """Stop where it is."""
        was_playing = self._timer.isActive()
        self.player.pause()
        self._timer.stop()
        self._idle.start()
        self._show_playing(False)
        if was_playing:
            self.playing_changed.emit(False)

    def seek(self, beat: float) -> None:
        """Go to a beat."""
        self.player.seek(beat)
        self._show_place(beat)
        self.moved.emit(beat)

    @Slot()
    def toggle(self) -> None:
        """Play or pause."""
        if self.is_playing:
            self.pause()
        elif self.play_button.isEnabled():
            self.play()

    @Slot()
    def _play_clicked(self) -> None:
        self.toggle()
        self._show_playing(self.is_playing)

    @Slot()
    def _back(self) -> None:
        self.seek(self._loop[0] if self._loop and self.loop_button.isChecked() else 0.0)

    @Slot(bool)
    def _loop_toggled(self, is_on: bool) -> None:
        span = self._loop or (0.0, self._length)
        self.player.set_loop(span if is_on else None)

    @Slot(float)
    def _tempo_chosen(self, tempo: float) -> None:
        self.player.set_tempo(tempo)
        self.tempo_changed.emit(tempo)

    @Slot()
    def _tick(self) -> None:
        beat = self.player.position
        self._show_place(beat)
        self.moved.emit(beat)
        self._show_health()
        if not self.player.is_playing:
            self.pause()

    @Slot()
    def _let_go(self) -> None:
        if not self.is_playing:
            self.player.close()

    def _show_place(self, beat: float) -> None:
        bar, inside = divmod(max(0.0, beat), self._beats_a_bar)
        self.place.setText(f"{int(bar) + 1}.{int(inside) + 1}")

    def _show_playing(self, is_playing: bool) -> None:
        # Text instead of the style's icons, which are black in both themes.
        self.play_button.setText("❚❚" if is_playing else "▶")
        self.play_button.setChecked(is_playing)

    @Slot()
    def _show_health(self) -> None:
        """Say what is wrong with the sound, or how often it had a gap."""
        problem, gaps = self.player.problem, self.player.underruns
        text = "no sound" if problem else f"{gaps} gaps" if gaps else ""
        if text != self.health.text():
            self.health.setText(text)
        self.health.setToolTip(problem or "Times that the sound had a gap since the device was opened.")
        self.health.setStyleSheet(f"color: {theme().warning}" if text else "")

    def hideEvent(self, event: QHideEvent) -> None:
        """A panel that is closed or covered stops and lets the device go."""
        if self.is_playing:
            self.pause()
        self._idle.stop()
        self.player.close()
        super().hideEvent(event)

    def event(self, event: QEvent) -> bool:
        """Let the device go before the widget is deleted."""
        if event.type() == QEvent.Type.DeferredDelete:
            self._timer.stop()
            self.player.close()
        return super().event(event)


def _button(text: str, help: str, *, is_checkable: bool = False) -> QToolButton:
    button = QToolButton()
    button.setText(text)
    button.setToolTip(help)
    button.setAccessibleName(help)
    button.setCheckable(is_checkable)
    button.setAutoRaise(True)
    return button


if __name__ == "__main__":
    import numpy as np

    from workbench.views.demo import show_demo

    def _make() -> Transport:
        transport = Transport()
        beats = np.arange(8.0)
        transport.set_notes(Notes.of(beats, np.full(8, 0.9), 60 + np.array([0, 2, 4, 5, 7, 9, 11, 12])), 8.0)
        return transport

    show_demo(_make)
