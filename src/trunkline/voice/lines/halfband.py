"""Between 8 and 16 kHz, 20 ms in and 20 ms out.

For a line whose codec changes in mid-call. soxr, which does the rest, hands out lumps of 100 ms.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

_SIDE = 24
"""Taps on each side of the middle, at 16 kHz: 1.5 ms of delay."""
_AT = np.arange(-_SIDE, _SIDE + 1)
_SINC = np.sinc(_AT / 2 * 0.9) * np.hamming(_AT.size)
_LOW_PASS: NDArray[np.float64] = _SINC / _SINC.sum()
"""A windowed sinc that leaves what 8 kHz can hold of 16 kHz."""


def rate_change(source: int, target: int) -> Callable[[bytes], bytes]:
    """What brings a stream of mono s16le from one rate to the other. ValueError for rates that are not 8 or 16 kHz."""
    if {source, target} - {8000, 16_000}:
        raise ValueError(f"{source} Hz to {target} Hz: only 8000 and 16000 are known")
    if source == target:
        return lambda pcm: pcm
    return _Halving() if source > target else _Doubling()


class _Halving:
    def __init__(self) -> None:
        self._before = np.zeros(2 * _SIDE, np.int16)

    def __call__(self, pcm: bytes) -> bytes:
        if not pcm:
            return b""
        sound = np.concatenate((self._before, np.frombuffer(pcm, np.int16)))
        narrow = np.convolve(sound, _LOW_PASS, "valid")[::2]
        used = 2 * len(narrow)
        self._before = sound[used:]
        return _samples(narrow)


class _Doubling:
    def __init__(self) -> None:
        self._before = np.zeros(2 * _SIDE, np.int16)

    def __call__(self, pcm: bytes) -> bytes:
        if not pcm:
            return b""
        wide = np.zeros(len(pcm), np.int16)  # two samples for each of two bytes
        wide[::2] = np.frombuffer(pcm, np.int16)
        sound = np.concatenate((self._before, wide))
        self._before = sound[-2 * _SIDE :]
        return _samples(2 * np.convolve(sound, _LOW_PASS, "valid"))


def _samples(sound: NDArray[np.float64]) -> bytes:
    return bytes(np.clip(np.rint(sound), -32768, 32767).astype(np.int16).tobytes())
