"""Is a voice on the line only our own sound coming back? Decided by the envelopes of the last 400 ms."""

from collections import deque

import numpy as np

_WINDOW = 20
"""Ticks compared: 400 ms."""
_MAX_LAG = 20
"""Longest way there and back, in ticks."""
_CORRELATION = 0.85
_QUIETER = 0.7
"""An echo is quieter than what was sent."""
_NO_ECHO = 0.02
"""34 dB below what was sent: nothing that a voice-activity model takes for voice."""
_ONSET_TICKS = 8
"""A voice may sound this long before the model is sure of it."""


def level(pcm: bytes) -> float:
    """Root mean square of s16le PCM, 0..32768."""
    if not pcm:
        return 0.0
    samples = np.frombuffer(pcm, dtype="<i2").astype(np.float32)
    return float(np.sqrt(np.dot(samples, samples) / samples.size))


class EchoGuard:
    """Remembers the envelopes of both directions, one value a tick."""

    def __init__(self) -> None:
        self._heard: deque[float] = deque(maxlen=_WINDOW)
        self._sent: deque[float] = deque(maxlen=_WINDOW + _MAX_LAG)

    def tick(self, heard: float, sent: bytes) -> None:
        """One tick of both directions: the level heard, and what was on its way out."""
        self._heard.append(heard)
        self._sent.append(level(sent))

    def clear(self) -> None:
        """Forget: nothing of ours is on the line."""
        self._heard.clear()
        self._sent.clear()

    def is_echo(self, voiced: int) -> bool:
        """True when what is heard follows what was sent, and is quieter than it.

        `voiced`: for how many ticks there has been voice. An echo is there as long as we speak: a line that was
        silent until then, while we were not, has none.
        """
        if len(self._heard) < _WINDOW or len(self._sent) < _WINDOW:
            return False
        heard = np.asarray(self._heard)
        sent = np.asarray(self._sent)
        before = heard[: max(0, heard.size - voiced - _ONSET_TICKS)]
        if heard.std() < 1.0 or (before.size and before.mean() < _NO_ECHO * sent.mean()):
            return False
        for lag in range(sent.size - _WINDOW + 1):
            part = sent[sent.size - _WINDOW - lag : sent.size - lag]
            if part.std() < 1.0 or heard.mean() > _QUIETER * part.mean():
                continue
            if float(np.corrcoef(heard, part)[0, 1]) >= _CORRELATION:
                return True
        return False
