"""Playing through the sound card: a thread renders ahead into a buffer, the stream's callback only copies.

Without a sound card a clock calls the same callback in time, so everything but the sound goes on.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_right
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from workbench.audio.notes import Notes
from workbench.audio.synth import SAMPLE_RATE, Bank, Sequencer

AHEAD = 0.25  # seconds rendered before they are needed
LATENCY = 0.12  # seconds asked of the stream
RENDER_BLOCK = 1024
CLOCK_BLOCK = 1024
FADE = 256  # samples of a fade where the sound is cut off
KEPT_ANCHORS = 4096

Fill = Callable[[np.ndarray, float], None]
"""Called with a buffer to fill and the time (seconds, the stream's clock) at which its first sample is heard."""


class Stream(Protocol):
    """What plays: opened, it calls its fill function until closed."""

    problem: str
    underflows: int

    def now(self) -> float:
        """Time in the stream's clock, in seconds."""

    def close(self) -> None:
        """End it."""


class SoundCard:
    """The default output device through PortAudio; raises OSError with a sentence if there is none."""

    problem = ""

    def __init__(self, fill: Fill) -> None:
        try:
            import sounddevice
        except OSError as error:  # PortAudio itself is missing
            raise OSError(f"PortAudio is not installed ({error})") from None

        self.underflows = 0

        def callback(out: np.ndarray, frames: int, moment: Any, status: Any) -> None:
            self.underflows += bool(status and status.output_underflow)
            fill(out[:, 0], float(moment.outputBufferDacTime))

        try:
            self._stream = sounddevice.OutputStream(
                samplerate=SAMPLE_RATE, channels=1, dtype="float32", latency=LATENCY, callback=callback
            )
            self._stream.start()
        except Exception as error:  # PortAudioError has no common base; whatever it is, there is no sound
            raise OSError(f"no audio device can be opened ({' '.join(str(error).split())})") from None

    def now(self) -> float:
        """PortAudio's clock."""
        return float(self._stream.time)

    def close(self) -> None:
        """Stop and close the device."""
        self._stream.close(ignore_errors=True)


class Clock:
    """Stands in for a sound card: asks for samples in time, and throws them away."""

    def __init__(self, fill: Fill, problem: str = "") -> None:
        self.problem, self.underflows = problem, 0
        self._fill, self._is_open = fill, True
        self._thread = threading.Thread(target=self._run, name="audio clock", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        buffer = np.zeros(CLOCK_BLOCK, np.float32)
        due = time.monotonic()
        while self._is_open:
            self._fill(buffer, due)
            due += CLOCK_BLOCK / SAMPLE_RATE
            wait = due - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            elif wait < -0.5:  # the machine slept
                due = time.monotonic()

    def now(self) -> float:
        """The machine's clock."""
        return time.monotonic()

    def close(self) -> None:
        """End the thread."""
        self._is_open = False
        self._thread.join(1.0)


def open_output(fill: Fill) -> Stream:
    """The sound card, or a clock that says why there is none."""
    try:
        return SoundCard(fill)
    except OSError as error:
        return Clock(fill, f"No sound: {error}. The roll runs in time all the same.")


class Player:
    """Play, pause, seek, loop and tempo; all methods may be called from the user interface's thread.

    The device is opened at the first `play`. `underruns` counts the times that the buffer ran dry.
    """

    def __init__(self, open_stream: Callable[[Fill], Stream] = open_output) -> None:
        self._open_stream = open_stream
        self._sequencer = Sequencer()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._ready: deque[np.ndarray] = deque()
        self._buffered = 0
        self._consumed = 0
        self._heard = (0, 0.0)
        self._anchors: deque[tuple[int, float, float]] = deque(maxlen=KEPT_ANCHORS)
        self._stream: Stream | None = None
        self._thread: threading.Thread | None = None
        self._is_open = False
        self._dry = 0
        self._to_prepare: deque[tuple[int, int, float]] = deque()

    # What a transport asks

    @property
    def problem(self) -> str:
        """Why there is no sound, or an empty text; known once something was played."""
        return self._stream.problem if self._stream is not None else ""

    @property
    def underruns(self) -> int:
        """Times that the sound had a gap since the device was opened."""
        return self._dry + (self._stream.underflows if self._stream is not None else 0)

    @property
    def is_playing(self) -> bool:
        """Whether it plays, the last buffered moment included."""
        return self._sequencer.is_playing

    @property
    def position(self) -> float:
        """Beat that is heard now."""
        with self._lock:
            if not self._sequencer.is_playing or self._stream is None:
                return self._sequencer.position
            consumed, heard_at = self._heard
            sample = consumed + (self._stream.now() - heard_at) * SAMPLE_RATE
            anchors = list(self._anchors)
            place = bisect_right([anchor[0] for anchor in anchors], sample) - 1
            if place < 0:
                return anchors[0][1] if anchors else self._sequencer.position
            at, beat, rate = anchors[place]
            return beat + max(0.0, min(sample - at, RENDER_BLOCK)) * rate

    @property
    def tempo(self) -> float:
        """Beats a minute."""
        return self._sequencer.tempo

    def set_notes(self, notes: Notes, length: float) -> None:
        """Play these; while playing it goes on with them."""
        with self._lock:
            self._sequencer.set_notes(notes, length)
            self._prepare()

    def set_bank(self, bank: Bank | None) -> None:
        """Play through a bank of notes, such as a SoundFont, from the next note on; None: the synthesiser."""
        with self._lock:
            self._sequencer.bank = bank
            self._prepare()

    def _prepare(self) -> None:
        """List the notes that a bank has to render, so that it is done before they are due; call with the lock."""
        own = self._sequencer
        self._to_prepare.clear()
        if own.bank is not None:
            columns = own.notes.pitch.tolist(), own.notes.velocity.tolist(), own.seconds_of(own.notes).tolist()
            self._to_prepare.extend(zip(*columns, strict=True))

    def set_tempo(self, tempo: float) -> None:
        """Beats a minute from now on."""
        with self._lock:
            self._sequencer.tempo = tempo

    def set_loop(self, span: tuple[float, float] | None) -> None:
        """Play a span of beats again and again; None: to the end, once."""
        with self._lock:
            self._sequencer.loop = span if span is None or span[1] > span[0] else None

    def set_click(self, has_click: bool) -> None:
        """Sound a click on each beat."""
        with self._lock:
            self._sequencer.has_click = has_click

    def play(self) -> None:
        """Play from the position."""
        self._open()
        with self._lock:
            self._cut()
            self._sequencer.play()
        self._wake.set()

    def pause(self) -> None:
        """Stop where it is heard now."""
        here = self.position
        with self._lock:
            self._cut()
            self._sequencer.is_playing = False
            self._sequencer.position = min(here, self._sequencer.length)

    def seek(self, beat: float) -> None:
        """Go to a beat."""
        with self._lock:
            self._cut()
            self._sequencer.seek(beat)
        self._wake.set()

    def close(self) -> None:
        """Let the device go and end the thread."""
        self._is_open = False
        self._wake.set()
        if self._stream is not None:
            self._stream.close()
            self._stream = None
        if self._thread is not None:
            self._thread.join(1.0)
            self._thread = None
        self._sequencer.is_playing = False

    # Behind it

    def _open(self) -> None:
        if self._is_open:
            return
        self._is_open, self._dry = True, 0
        self._thread = threading.Thread(target=self._render_ahead, name="audio render", daemon=True)
        self._thread.start()
        self._stream = self._open_stream(self._fill)

    def _cut(self) -> None:
        """Fade out what is buffered within a few milliseconds, and drop the rest; call with the lock."""
        whole = np.concatenate([*self._ready, np.zeros(0, np.float32)])[:FADE]
        self._sequencer.silence()
        self._ready.clear()
        self._buffered = len(whole)
        if len(whole):
            self._ready.append((whole * np.linspace(1, 0, len(whole))).astype(np.float32))
        # Samples of the sequencer's clock that are never heard: the next ones take their place.
        self._sequencer.clock = self._consumed + self._buffered
        while self._anchors and self._anchors[-1][0] >= self._sequencer.clock:
            self._anchors.pop()

    def _render_ahead(self) -> None:
        while self._is_open:
            with self._lock:
                if self._buffered < AHEAD * SAMPLE_RATE:
                    own = self._sequencer
                    rate = 1 / own.samples_a_beat if own.is_playing else 0.0
                    self._anchors.append((own.clock, own.position, rate))
                    self._ready.append(own.render(RENDER_BLOCK))
                    self._buffered += RENDER_BLOCK
                    continue
                bank, due = self._sequencer.bank, self._to_prepare.popleft() if self._to_prepare else None
            if bank is not None and due is not None:
                bank.note(*due)  # without the lock, which the callback waits for
                continue
            self._wake.wait(RENDER_BLOCK / SAMPLE_RATE / 2)
            self._wake.clear()

    def _fill(self, out: np.ndarray, heard_at: float) -> None:
        """The stream's callback: copy what is ready, count if it is not enough."""
        with self._lock:
            self._heard = (self._consumed, heard_at)
            filled = 0
            while filled < len(out) and self._ready:
                first = self._ready[0]
                count = min(len(first), len(out) - filled)
                out[filled : filled + count] = first[:count]
                filled += count
                self._buffered -= count
                if count == len(first):
                    self._ready.popleft()
                else:
                    self._ready[0] = first[count:]
            out[filled:] = 0
            if filled < len(out) and self._consumed and self._sequencer.is_playing:
                self._dry += 1
            # A gap is heard as silence; the clock of the output goes on with the samples that were given.
            self._consumed += filled
        self._wake.set()
