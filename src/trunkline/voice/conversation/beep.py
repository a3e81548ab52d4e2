"""The beep of an answering machine, found in the frames: one tone, 400 to 2,000 Hz, a quarter of a second or more."""

import numpy as np

from trunkline.voice.conversation.events import TICK_MS

_LOW_HZ, _HIGH_HZ = 400, 2000
_TICKS = 250 // TICK_MS
_WINDOW_TICKS = 2
"""40 ms: bins of 25 Hz."""
_LOUD = 200.0
"""Level (RMS) below which a tone is no beep: -44 dB of full scale."""
_PURE = 0.8
"""Share of the energy that lies in the tone. Of a voice, even of a long vowel, it is half or less."""
_LOBE = 2
"""Bins on each side that belong to a tone, by the window's shape."""
_DRIFT = 1
"""Bins that a tone may wander."""


class Beep:
    """Listens for one, tick by tick."""

    def __init__(self, rate: int) -> None:
        size = rate * TICK_MS * _WINDOW_TICKS // 1000
        self._shape = np.hanning(size).astype(np.float32)
        hertz = rate / size
        self._low, self._high = round(_LOW_HZ / hertz), round(_HIGH_HZ / hertz)
        self._before = bytes(rate * TICK_MS // 1000 * 2)
        self._bin = 0
        self._run = 0
        self.over: int | None = None
        """Ticks since the last one ended; None while there was none."""

    @property
    def sounding(self) -> bool:
        """Is it a beep by now?"""
        return self._run >= _TICKS

    @property
    def heard(self) -> bool:
        """Was there one, or is there?"""
        return self.sounding or self.over is not None

    def tick(self, frame: bytes) -> None:
        """20 ms heard."""
        tone = self._tone(self._before + frame)
        self._before = frame
        if self.over is not None:
            self.over += 1
        if tone is not None and self._run and abs(tone - self._bin) <= _DRIFT:
            self._run += 1
            return
        if self.sounding:
            self.over = 1
        self._run = 0 if tone is None else 1
        self._bin = tone or 0

    def _tone(self, pcm: bytes) -> int | None:
        """The bin in which nearly all the energy lies."""
        samples = np.frombuffer(pcm, dtype="<i2").astype(np.float32)
        if samples.size != self._shape.size or np.dot(samples, samples) < _LOUD**2 * samples.size:
            return None
        energy = np.square(np.abs(np.fft.rfft(samples * self._shape)))
        peak = int(energy[self._low : self._high + 1].argmax()) + self._low
        share = energy[peak - _LOBE : peak + _LOBE + 1].sum() / energy.sum()
        return peak if share >= _PURE else None
