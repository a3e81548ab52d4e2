"""Streaming change of sample rate (soxr), s16le in and out."""

import numpy as np
import soxr
from numpy.typing import NDArray


class Resampler:
    """One stream from one rate to another; equal rates pass through. The same pieces always give the same bytes."""

    def __init__(self, source: int, target: int, quality: str = "HQ") -> None:
        # Floats: to integers soxr adds dither, which is another each time once a piece has made no sound.
        self._stream = (
            None if source == target else soxr.ResampleStream(source, target, 1, "float32", quality)
        )

    def push(self, pcm: bytes) -> bytes:
        """What can be made from the sound so far; the filter holds back some milliseconds."""
        return self._chunk(pcm, last=False)

    def finish(self) -> bytes:
        """What the filter held back; the stream is over."""
        return self._chunk(b"", last=True)

    def _chunk(self, pcm: bytes, last: bool) -> bytes:
        if self._stream is None:
            return pcm
        return _rounded(self._stream.resample_chunk(_floats(pcm), last=last))


def resample(pcm: bytes, source: int, target: int) -> bytes:
    """A whole piece of sound at once."""
    if source == target:
        return pcm
    return _rounded(soxr.resample(_floats(pcm), source, target, "HQ"))


def _floats(pcm: bytes) -> NDArray[np.float32]:
    return np.frombuffer(pcm, "<i2").astype(np.float32)


def _rounded(samples: NDArray[np.float32]) -> bytes:
    return np.clip(np.rint(samples), -32768, 32767).astype("<i2").tobytes()
