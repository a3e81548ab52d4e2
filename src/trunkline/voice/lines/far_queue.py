"""What the other side has been sent and has still to play: our clock's guess, held to the truth by its marks.

A carrier queues what it is sent and plays it at its own pace, somewhere behind us. A mark comes back when all before it
has been played. One that is sent while nothing plays comes back at once: that is the round trip. Any other one comes
back a round trip after our clock has played up to it, and what it takes longer is what the carrier lags behind.
"""

from collections import deque
from typing import NamedTuple

from trunkline.voice.lines.jitter import FRAMES_A_SECOND

_PATIENCE_TICKS = 50
"""After this (1 s) beyond its time a mark is not waited for: the other side answers none."""
_TAIL_TICKS = 1
"""What is told to be queued while only the last mark is awaited: little enough that new sound is not held up by it."""


class _Sent(NamedTuple):
    name: str
    position: int
    """Samples sent before it."""
    due: int
    """The tick at which our clock has played up to it."""
    idle: bool
    """Nothing was playing when it was sent."""


class FarQueue:
    """The sound of one line on its way to an ear. Samples and ticks of 20 ms; not safe for threads."""

    def __init__(self, rate: int) -> None:
        self._frame = rate // FRAMES_A_SECOND
        self._tick = 0
        self._sent = 0
        self._heard = 0
        """What is known to be over: played by a mark's word, or dropped."""
        self._ahead = 0
        """What our clock has not played yet."""
        self._over = 0
        """Ticks for which our clock has had nothing to play: the other side makes up for so much of its lag."""
        self._marks: deque[_Sent] = deque()
        self._names = 0
        self._round_trip = 0
        self._lag = 0
        """Ticks that the other side was behind our clock at the last mark, beyond the round trip."""
        self._least: int | None = None
        """The least lag since the other side last had nothing to play: what it always takes, and no stall."""
        self._mute = False
        """It does not answer marks."""

    @property
    def ahead(self) -> int:
        """Samples that our clock has not played yet."""
        return self._ahead

    @property
    def unheard(self) -> int:
        """Samples that are still to be heard, as far as pacing goes: the tail after our clock counts as a tick."""
        if self._ahead or self._heard == self._sent:
            return self._ahead
        return _TAIL_TICKS * self._frame

    def tick(self) -> None:
        """20 ms pass."""
        self._tick += 1
        self._over = 0 if self._ahead else self._over + 1
        self._ahead = max(0, self._ahead - self._frame)
        if self._marks and self._tick > self._marks[0].due + self._round_trip + self._lag + _PATIENCE_TICKS:
            self._mute = True
            self._marks.clear()
        if self._mute:
            self._heard = max(self._heard, self._sent - self._ahead)

    def send(self, samples: int) -> None:
        """Sound leaves."""
        if self._over and self._heard < self._sent:
            self._lag = max(0, self._lag - self._over)
        self._over = 0
        self._sent += samples
        self._ahead += samples

    def mark(self) -> str:
        """A mark leaves: its name."""
        self._names += 1
        name = str(self._names)
        idle = self._heard == self._sent
        if idle and self._least is not None:
            self._lag, self._least = self._least, None  # it begins anew; what it was behind is made up for
        due = self._tick + -(-self._ahead // self._frame)
        self._marks.append(_Sent(name, self._sent, due, idle))
        return name

    def marked(self, name: str) -> None:
        """A mark came back; those of sound that was dropped say nothing, and neither do unknown ones."""
        if all(mark.name != name for mark in self._marks):
            return
        while (mark := self._marks.popleft()).name != name:
            pass  # overtaken, or lost on the way
        self._mute = False
        self._heard = max(self._heard, mark.position)
        late = max(0, self._tick - mark.due)
        if mark.idle:
            self._round_trip = late
        else:
            self._lag = max(0, late - self._round_trip)
            self._least = self._lag if self._least is None else min(self._least, self._lag)

    def drop(self, *, gone: bool = False) -> int:
        """What was sent last and will not be heard, once the other side gets the order to drop what it has.

        `gone`: it has ended the call already, half a round trip ago.
        """
        lag = 0 if self._mute else self._lag
        if self._marks:
            lag = max(lag, self._tick - self._marks[0].due - self._round_trip)
        if gone and not self._mute:
            lag += self._round_trip
        behind = max(0, lag - self._over) * self._frame
        heard = min(self._sent, max(self._heard, self._sent - self._ahead - behind))
        dropped = self._sent - heard
        self._heard = self._sent
        self._ahead = 0
        self._marks.clear()
        return dropped
