"""From what a line delivers, in whatever pieces, to exactly one frame a tick, and to what the VAD hears."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

FRAMES_A_SECOND = 50
VAD_RATE = 8000
VAD_CHUNK = 512
"""Bytes of one VAD window: 256 samples at 8 kHz, 32 ms."""

_LIMIT = 3
"""Frames (60 ms) that may wait before a quiet caller's queue is shortened."""
_KEEP = 2
"""Frames left by shortening: the one that is taken now and a cushion against jitter."""
_IDLE_TICKS = 100
"""Ticks (2 s) after which frames that always waited are taken to be delay and nothing else."""
_CEILING = 50
"""Frames (1 s) beyond which the queue is shortened even while the caller speaks."""


class FrameQueue:
    """A short queue between a line's clock and ours.

    Clocks drift: a queue over 60 ms is shortened while the caller is silent, and so is one that has not been needed
    against jitter for 2 s, for it only adds delay. An empty queue gives None.
    """

    __slots__ = ("_ceiling", "_frame", "_least", "_pcm", "_ticks", "dropped", "missing")

    def __init__(self, rate: int) -> None:
        self._frame = rate // FRAMES_A_SECOND * 2
        self._ceiling = self._frame * _CEILING
        self._pcm = bytearray()
        self._least = self._ceiling
        """Fewest bytes left by a tick since `_ticks` began to count."""
        self._ticks = 0
        self.missing = 0
        """Ticks without a frame so far."""
        self.dropped = 0
        """Bytes cut to follow the other side's clock so far."""

    def push(self, pcm: bytes) -> None:
        """Take what the line delivered."""
        self._pcm += pcm

    def take(self, quiet: bool, behind: int = 0) -> bytes | None:
        """The frame of this tick; None if it is not there.

        `quiet`: nothing is lost by shortening now. `behind`: ticks still to be caught up, whose frames may wait.
        """
        pcm, frame = self._pcm, self._frame
        waiting = len(pcm)
        if waiting < frame:
            self.missing += 1
            self._least, self._ticks = self._ceiling, 0
            return None
        if (quiet and waiting > frame * (_LIMIT + behind)) or waiting > self._ceiling + frame * behind:
            self._shorten(waiting - frame * (_KEEP + behind))
        taken = bytes(pcm[:frame])
        del pcm[:frame]
        self._least = min(self._least, len(pcm))
        self._ticks += 1
        if quiet and self._ticks >= _IDLE_TICKS:
            self._shorten(self._least // frame * frame)
        return taken

    def _shorten(self, surplus: int) -> None:
        del self._pcm[:surplus]
        self.dropped += surplus
        self._least, self._ticks = self._ceiling, 0


@cache
def _low_pass(factor: int) -> NDArray[np.float32]:
    """A windowed sinc that leaves what 8 kHz can hold of a signal `factor` times as fine."""
    taps = np.arange(-6 * factor, 6 * factor + 1)
    kernel = np.sinc(taps / factor * 0.9) * np.hamming(taps.size)
    narrow: NDArray[np.float32] = (kernel / kernel.sum()).astype(np.float32)
    return narrow


class VadWindow:
    """Cuts a leg's frames into the VAD's windows: 256 samples at 8 kHz, wider lines decimated."""

    __slots__ = ("_factor", "_history", "_pcm", "_silence")

    def __init__(self, rate: int) -> None:
        if rate % VAD_RATE:
            raise ValueError(f"a line's rate must be a multiple of {VAD_RATE}, not {rate}")
        self._factor = rate // VAD_RATE
        self._history: NDArray[np.float32] = np.zeros(12 * self._factor, np.float32)
        self._pcm = bytearray()
        self._silence = bytes(rate // FRAMES_A_SECOND * 2)

    def push(self, frame: bytes | None) -> bytes | None:
        """Take one tick's frame (a lost one counts as silence); the next whole window, if there is one.

        A tick is shorter than a window, so there is never more than one.
        """
        heard = self._silence if frame is None else frame
        self._pcm += heard if self._factor == 1 else self._decimated(heard)
        if len(self._pcm) < VAD_CHUNK:
            return None
        window = bytes(self._pcm[:VAD_CHUNK])
        del self._pcm[:VAD_CHUNK]
        return window

    def _decimated(self, frame: bytes) -> bytes:
        factor = self._factor
        sound = np.concatenate((self._history, np.frombuffer(frame, "<i2")), dtype=np.float32)
        self._history = sound[-12 * factor :]
        # Only the samples that stay are filtered: one overlapping row of taps for each of them.
        rows = np.ndarray((len(frame) // 2 // factor, 12 * factor + 1), np.float32, sound, 0, (4 * factor, 4))
        narrow = rows @ _low_pass(factor)
        np.maximum(narrow, -32768, out=narrow)
        np.minimum(narrow, 32767, out=narrow)
        return narrow.astype("<i2").tobytes()
