"""Sound that arrives in bursts, given out at its own pace."""

import numpy as np

FRAMES_A_SECOND = 50
_SAMPLE_BYTES = 2
_KEEP = 2
"""Frames that may wait for good."""
_LOOK_TICKS = 100
"""What always waited for so long (2 s) is delay and nothing else: as much of it is dropped where it is silent."""
_MOST_SECONDS = 10
_SILENT = 200
"""Peak of a frame that nobody misses."""


class JitterBuffer:
    """One side's sound: in by whatever arrives, out by one frame of 20 ms a tick."""

    def __init__(self, rate: int) -> None:
        self._frame = rate // FRAMES_A_SECOND * _SAMPLE_BYTES
        self._most = rate * _SAMPLE_BYTES * _MOST_SECONDS
        self._pcm = bytearray()
        self._least = self._most
        self._ticks = 0
        self._surplus = 0
        self.dropped = 0
        """Bytes that were not given out."""

    def push(self, pcm: bytes) -> None:
        """Sound arrived. Beyond 10 s the oldest is lost: the sender is far ahead of the time."""
        self._pcm += pcm
        self._drop(len(self._pcm) - self._most)

    def take(self) -> bytes:
        """The sound of this tick; b"" when there is none."""
        self._follow()
        while self._surplus >= self._frame and len(self._pcm) > self._frame and self._is_silent():
            self._drop(self._frame)
            self._surplus -= self._frame
        taken = bytes(self._pcm[: self._frame])
        del self._pcm[: self._frame]
        return taken

    def clear(self) -> None:
        """Forget what waits."""
        self._pcm.clear()

    def _follow(self) -> None:
        """See how much always waits."""
        self._least = min(self._least, len(self._pcm))
        self._ticks += 1
        if self._ticks >= _LOOK_TICKS:
            self._surplus = max(0, self._least - _KEEP * self._frame)
            self._least, self._ticks = self._most, 0

    def _is_silent(self) -> bool:
        frame = np.frombuffer(self._pcm[: self._frame], "<i2")
        return bool(np.abs(frame.astype(np.int32)).max() < _SILENT)

    def _drop(self, size: int) -> None:
        if size > 0:
            del self._pcm[:size]
            self.dropped += size
