"""What a caller hears who waits for somebody else: music of our own making, or silence.

Waiting is music as media rather than a SIP hold: the caller's system would play its own, or nothing.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from trunkline.host.leg import Talk
from trunkline.voice.conversation.events import Event, LineClosed, Request

_AHEAD_FRAMES = 3
"""Kept in the line (60 ms), so that its clock and ours may differ."""
_LEVEL = 0.05
"""RMS of full scale: -26 dB, about that of the voice."""
_NOTE_SECONDS = 0.4
_CHORDS = (
    (261.63, 329.63, 392.00, 493.88),
    (220.00, 261.63, 329.63, 392.00),
    (174.61, 220.00, 261.63, 329.63),
    (196.00, 246.94, 293.66, 349.23),
)
"""C, A minor, F, G, each with its seventh (Hz): each is played up and down, twice."""


class Waiting:
    """Has a caller's line while the conversation is away. It goes on with the time of the call and hears its end."""

    def __init__(self, talk: Talk, rate: int, music: bool) -> None:
        self._talk = talk
        self._frame = rate // 50
        self._loop = _melody(rate) if music else None
        self._at = 0

    @property
    def ended(self) -> bool:
        return self._talk.ended

    def tick(self, frame: bytes | None, speech: float, queued: int) -> tuple[bytes, list[Request]]:
        sound, requests = self._talk.tick(frame, speech, queued)
        return sound or self._music(queued), requests

    def feed(self, event: Event) -> list[Request]:
        return self._talk.feed(event)

    def _music(self, queued: int) -> bytes:
        if self._loop is None:
            return b""
        count = max(0, _AHEAD_FRAMES * self._frame - queued) // self._frame * self._frame
        at = np.arange(self._at, self._at + count) % len(self._loop)
        self._at = (self._at + count) % len(self._loop)
        return bytes(self._loop[at].tobytes())


class Silence:
    """Has a line on which nobody says anything yet."""

    def __init__(self) -> None:
        self.ended = False

    def tick(self, frame: bytes | None, speech: float, queued: int) -> tuple[bytes, list[Request]]:
        return b"", []

    def feed(self, event: Event) -> list[Request]:
        self.ended = self.ended or isinstance(event, LineClosed)
        return []


@cache
def _melody(rate: int) -> NDArray[np.int16]:
    """A loop of plucked notes without a seam."""
    notes = [note for chord in _CHORDS for note in (*chord, *chord[::-1]) * 2]
    step = int(_NOTE_SECONDS * rate)
    sound = np.zeros(step * len(notes))
    time = np.arange(4 * step) / rate
    for n, hertz in enumerate(notes):
        pluck = (np.sin(2 * np.pi * hertz * time) + 0.3 * np.sin(4 * np.pi * hertz * time)) * np.exp(
            -time * 3
        )
        sound[np.arange(n * step, n * step + len(pluck)) % len(sound)] += pluck
    sized: NDArray[np.int16] = (sound * (_LEVEL / np.sqrt(np.mean(sound**2))) * 32767).astype("<i2")
    return sized
