"""Silence cut from the ends of speech: what is queued before the first voiced sample is latency."""

import numpy as np

from trunkline.voice.speech.features import Floats

QUIET = 10 ** (-46 / 20)
"""Below this a sample is silence (-46 dBFS: about 20 dB below the speech of the local voice)."""
_LEAD_MS = 10
"""Kept before the first voiced sample, so that a soft onset is not clipped."""


class HeadTrim:
    """Drops the silence at the head of a stream of s16le PCM."""

    def __init__(self, rate: int) -> None:
        self._lead = rate * _LEAD_MS // 1000
        self._begun = False
        self._kept = b""

    def push(self, pcm: bytes) -> bytes:
        """What of the sound so far is to be heard; b"" while all is silence."""
        if self._begun:
            return pcm
        sound = self._kept + pcm
        first = first_loud(np.frombuffer(sound, "<i2").astype(np.float32) / 32768.0)
        if first is None:
            self._kept = sound[-2 * self._lead :]
            return b""
        self._begun = True
        return sound[2 * max(0, first - self._lead) :]


def first_loud(audio: Floats) -> int | None:
    """Index of the first sample over QUIET; None when there is none."""
    loud = np.abs(audio) > QUIET
    return int(loud.argmax()) if loud.any() else None


def trim_tail(audio: Floats, keep: int) -> Floats:
    """At most `keep` samples of silence at the end."""
    last = first_loud(audio[::-1])
    return audio if last is None else audio[: len(audio) - max(0, last - keep)]
