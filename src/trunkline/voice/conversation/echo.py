"""Is a voice on the line only our own sound coming back?

An echo is our sound, later, quieter and coloured by its way: what is heard can then be made out of what was played
by a short filter. The share of the heard energy that the best such filter explains tells echo from a voice. It is
asked only when something sounds while we do, so a line without echo pays next to nothing.
"""

import math
from collections import deque

import numpy as np
from numpy.typing import NDArray

from trunkline.voice.conversation.events import TICK_MS

_HEARD_TICKS = 8
"""Compared: the last 160 ms …"""
_REACH_TICKS = 24
"""… with what was played up to this long before: an echo of 300 ms, and what the line queues on its way."""
_RATE = 8000
_TAPS = 32
"""Length of the filter: 4 ms."""
_BEFORE_PEAK = 8
_EXPLAINED = 0.5
"""Share from which it is echo. Measured on echoes of -12 to -30 dB: 99.8 % of the ticks with voice in them lie
above; a caller's voice over them brings it below within 20 ms at the median, 130 at most."""
_HUSH = 60.0
"""Level (RMS) of what was played below which nothing of it comes back."""

_Floats = NDArray[np.float32]
_SAMPLES = np.dtype("<i2")


def level(pcm: bytes) -> float:
    """Root mean square of s16le PCM, 0..32768."""
    if not pcm:
        return 0.0
    samples = np.frombuffer(pcm, _SAMPLES).astype(np.float32)
    # Not `dot`: that lets go of the interpreter each time, and another thread would take it from the beat.
    return math.sqrt(np.vecdot(samples, samples) / samples.size)


class EchoGuard:
    """Remembers what was played; told apart from it is what is heard."""

    def __init__(self, rate: int) -> None:
        self._factor = max(1, rate // _RATE)
        self._frame = rate * TICK_MS // 1000 * 2
        self._silence = bytes(self._frame)
        self._queue = bytearray()
        """Handed over and not played yet."""
        self._played: deque[bytes] = deque(
            [self._silence] * (_HEARD_TICKS + _REACH_TICKS), _HEARD_TICKS + _REACH_TICKS
        )
        self._since = _HEARD_TICKS + _REACH_TICKS
        """Ticks since something of ours was played."""
        self._lag = 0
        """Of the echo that was found last, in samples at 8 kHz."""

    def tick(self, sent: bytes) -> None:
        """20 ms: what was handed over in them."""
        if sent:
            self._queue += sent
        if self._queue:
            frame = bytes(self._queue[: self._frame])
            del self._queue[: self._frame]
            self._played.append(frame.ljust(self._frame, b"\0"))
            self._since = 0
        else:
            self._played.append(self._silence)
            self._since += 1

    def flushed(self) -> None:
        """What was not played yet never is."""
        self._queue.clear()

    @property
    def possible(self) -> bool:
        """Was anything played of which an echo could still come?"""
        return self._since < _HEARD_TICKS + _REACH_TICKS

    def explains(self, heard: bytes) -> bool:
        """Can what is heard (its last 160 ms) be made out of what was played?"""
        if not self.possible:
            return False
        sound, ours = (
            self._samples(heard[-_HEARD_TICKS * self._frame :]),
            self._samples(b"".join(self._played)),
        )
        if not sound.size or float(np.dot(ours, ours)) < _HUSH**2 * ours.size / 8:
            return False
        if self._lag and _explained(sound, ours, self._lag) >= _EXPLAINED:
            return True
        lag = _likeliest_lag(sound, ours)
        if _explained(sound, ours, lag) < _EXPLAINED:
            return False
        self._lag = lag
        return True

    def _samples(self, pcm: bytes) -> _Floats:
        """At 8 kHz; wider lines by averages, alike in both directions."""
        samples = np.frombuffer(pcm, "<i2").astype(np.float32)
        if self._factor == 1:
            return samples
        whole = samples[: samples.size // self._factor * self._factor].reshape(-1, self._factor)
        return np.asarray(whole.mean(axis=1), np.float32)


def _likeliest_lag(heard: _Floats, ours: _Floats) -> int:
    """Samples by which what is heard follows what was played, by their cross-correlation."""
    size, longest = heard.size, ours.size - heard.size
    points = 1 << (ours.size - 1).bit_length()
    products = np.fft.irfft(np.fft.rfft(ours, points) * np.conj(np.fft.rfft(heard, points)), points)
    sums = np.concatenate(([0.0], np.cumsum(ours * ours, dtype=np.float64)))
    energies = sums[size:] - sums[:-size]
    match = np.abs(products[: longest + 1]) / np.sqrt(energies + size * 100.0)
    return longest - int(np.argmax(match))


def _explained(heard: _Floats, ours: _Floats, lag: int) -> float:
    """Share of the heard energy that a filter around this lag makes out of what was played."""
    size = heard.size
    start = ours.size - size - lag - (_TAPS - _BEFORE_PEAK)
    start = max(0, min(start, ours.size - size - _TAPS + 1))
    rows = np.ascontiguousarray(np.lib.stride_tricks.sliding_window_view(ours, size)[start : start + _TAPS])
    power = rows @ rows.T
    power[np.diag_indices(_TAPS)] += 0.001 * power.trace() / _TAPS + size
    match = rows @ heard
    taps = np.linalg.solve(power, match)
    rest = heard - taps @ rows
    return 1.0 - float(np.dot(rest, rest)) / (float(np.dot(heard, heard)) + 1e-9)
