"""Streaming change of sample rate (soxr), s16le in and out."""

import numpy as np
import soxr


class Resampler:
    """One stream from one rate to another; equal rates pass through."""

    def __init__(self, source: int, target: int, quality: str = "HQ") -> None:
        self._stream = None if source == target else soxr.ResampleStream(source, target, 1, "int16", quality)

    def push(self, pcm: bytes) -> bytes:
        """What can be made from the sound so far; the filter holds back some milliseconds."""
        return self._chunk(pcm, last=False)

    def finish(self) -> bytes:
        """What the filter held back; the stream is over."""
        return self._chunk(b"", last=True)

    def _chunk(self, pcm: bytes, last: bool) -> bytes:
        if self._stream is None:
            return pcm
        made = self._stream.resample_chunk(np.frombuffer(pcm, "<i2"), last=last)
        return bytes(made.tobytes())


def resample(pcm: bytes, source: int, target: int) -> bytes:
    """A whole piece of sound at once."""
    if source == target:
        return pcm
    return bytes(soxr.resample(np.frombuffer(pcm, "<i2"), source, target, "HQ").tobytes())
