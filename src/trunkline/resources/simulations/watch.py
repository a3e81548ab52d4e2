"""When the other side speaks, by its level and the voice-activity model: for whatever waits for such a moment."""

import numpy as np

from trunkline.voice.conversation.events import TICK_MS

_LOUD = 128.0
"""Mean magnitude of a frame from which it counts as voiced: about -45 dB of full scale, RMS, for speech."""
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
        loud = (
            bool(frame) and float(np.abs(np.frombuffer(frame or b"", "<i2").astype(np.int32)).mean()) >= _LOUD
        )
        if not loud or speech < _VOICE:
            self.quiet_ms += TICK_MS
            return
        if self.quiet_ms >= _APART_MS:
            self.turn += 1
            self.since_ms = TICK_MS
        self.quiet_ms = 0
