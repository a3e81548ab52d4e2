"""Two tracks of a call on one clock, cut into chunks of a second: pure, fed in the order of the beats.

Left is the caller, one frame of 20 ms a beat, silence where it was lost. Right is what the caller hears: sound
handed to the line is played one frame a beat from a queue, as the line does it. A flush empties that queue, but
how much of it was really unsent is known only when the line reports it, up to two beats later; until then the
right track waits, so that nothing is written down that was not heard.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

BEATS_A_SECOND = 50
PATIENCE_BEATS = 10
"""Beats after which a flush that was never answered counts as having dropped the whole queue."""


class Beat(NamedTuple):
    """One beat: the caller's frame (None: lost) and the sound handed to the line (may be several frames)."""

    heard: bytes | None
    handed: bytes


class Flushing(NamedTuple):
    """The line was told to drop what is queued; sound of this beat comes after it."""


class Flushed(NamedTuple):
    """The line dropped this many samples, by a flush or because its streams were renewed."""

    samples: int


Entry = Beat | Flushing | Flushed


class Tracks:
    """Stereo recording of one call at `rate` samples a second."""

    def __init__(self, rate: int) -> None:
        self._frame = rate // BEATS_A_SECOND * 2
        self._second = self._frame * BEATS_A_SECOND
        self._left = bytearray()
        self._right = bytearray()
        self._queue = bytearray()
        """Handed over and, by the playout clock, not yet heard."""
        self._sound_end = 0
        """Where in `_right` the last sound ends."""
        self._flushed: bytearray | None = None
        """What was queued at a flush whose answer is awaited."""
        self._held: list[bytes] = []
        """Sound handed over in each beat since that flush."""

    def take(self, entries: Iterable[Entry]) -> Iterator[bytes]:
        """Feeds entries; yields each second (interleaved s16le) once it can change no more."""
        for entry in entries:
            match entry:
                case Beat(heard, handed):
                    self._beat(heard, handed)
                case Flushing():
                    self._flush()
                case Flushed(samples):
                    self._dropped(samples * 2)
            while len(self._right) >= self._second + PATIENCE_BEATS * self._frame:
                yield self._cut(self._second)

    def close(self) -> bytes:
        """The rest, after the last entry; b"" when there is none. Sound still queued was never heard."""
        self._settle()
        return self._cut(len(self._right))

    def _beat(self, heard: bytes | None, handed: bytes) -> None:
        self._left += (heard or b"")[: self._frame].ljust(self._frame, b"\0")
        if self._flushed is None:
            self._play(handed)
            return
        self._held.append(handed)
        if len(self._held) >= PATIENCE_BEATS:
            self._settle()

    def _play(self, handed: bytes) -> None:
        self._queue += handed
        sound = self._queue[: self._frame]
        del self._queue[: self._frame]
        self._right += sound
        if sound:
            self._sound_end = len(self._right)
        self._right += bytes(self._frame - len(sound))

    def _flush(self) -> None:
        self._settle()
        self._flushed, self._queue = self._queue, bytearray()

    def _dropped(self, size: int) -> None:
        """The answer to a flush; unasked for, the line's streams were renewed and lost what was queued."""
        if self._flushed is None:
            self._flush()
        assert self._flushed is not None
        unsent = min(size, len(self._flushed))
        self._queue = self._flushed[: len(self._flushed) - unsent]
        # The playout clock was ahead of the line: take back what it had already written down.
        start = max(0, self._sound_end - (size - unsent))
        self._right[start : self._sound_end] = bytes(self._sound_end - start)
        self._sound_end = start
        self._replay()

    def _settle(self) -> None:
        """An unanswered flush dropped everything that was queued."""
        if self._flushed is not None:
            self._replay()

    def _replay(self) -> None:
        held, self._held, self._flushed = self._held, [], None
        for handed in held:
            self._play(handed)

    def _cut(self, size: int) -> bytes:
        left, right = bytes(self._left[:size]), bytes(self._right[:size])
        del self._left[:size], self._right[:size]
        self._sound_end = max(0, self._sound_end - size)
        return interleave(left, right)


def interleave(left: bytes, right: bytes) -> bytes:
    """Two equally long mono tracks as one stereo track (s16le)."""
    both = np.stack((np.frombuffer(left, "<i2"), np.frombuffer(right, "<i2")), axis=1)
    return both.tobytes()
