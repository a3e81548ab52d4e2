"""When the other side speaks, by its level and the voice-activity model: for whatever waits for such a moment."""

import numpy as np

from trunkline.voice.conversation.events import TICK_MS

_LOUD = 180.0
"""RMS of a frame from which it counts as voiced: -45 dB of full scale."""
_VOICE = 0.5
_APART_MS = 700
"""Silence after which what is said is a new turn."""


class Watch:
    """Counts the other side's turns, tick by tick. A turn is noticed within 40 ms of its first sound."""

    def __init__(self) -> None:
        self.turn = 0
        """How often it has begun to speak."""
        self.since_ms = 0
        """Since this turn's first sound."""
        self.quiet_ms = _APART_MS
        """Since its last sound."""

    @property
    def speaks(self) -> bool:
        """Was there sound within the last 100 ms?"""
        return self.turn > 0 and self.quiet_ms < 100

    def tick(self, frame: bytes | None, speech: float) -> None:
        """20 ms heard. A lost frame is taken for one like those around it."""
        self.since_ms += TICK_MS
        if frame is None and self.quiet_ms == 0:
            return
        if speech < _VOICE or frame is None or not _is_loud(frame):
            self.quiet_ms += TICK_MS
            return
        if self.quiet_ms >= _APART_MS:
            self.turn += 1
            self.since_ms = TICK_MS
        self.quiet_ms = 0


def _is_loud(frame: bytes) -> bool:
    samples = np.frombuffer(frame, "<i2").astype(np.float32)
    return float(np.dot(samples, samples)) >= _LOUD**2 * len(samples)
