"""G.711: mu-law (PCMU) and A-law (PCMA) as tables, computed from the segments of ITU-T G.711."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

_U16 = np.dtype("<u2")
_BIAS = 132
"""Of mu-law at 16 bits: 33 of the standard's 14, shifted by 2."""
_CLIP = 32_635


def ulaw_to_pcm(data: bytes) -> bytes:
    """Mu-law bytes to s16le."""
    return _wide(data, *_ulaw_halves())


def pcm_to_ulaw(pcm: bytes) -> bytes:
    """s16le to mu-law bytes."""
    return bytes(_ulaw_codes().take(np.frombuffer(pcm, _U16), mode="clip").tobytes())


def alaw_to_pcm(data: bytes) -> bytes:
    """A-law bytes to s16le."""
    return _wide(data, *_alaw_halves())


def pcm_to_alaw(pcm: bytes) -> bytes:
    """s16le to A-law bytes."""
    return bytes(_alaw_codes().take(np.frombuffer(pcm, _U16), mode="clip").tobytes())


def _wide(data: bytes, low: bytes, high: bytes) -> bytes:
    """Each byte as the two that the tables have for it. 2.3 us for 20 ms; indexing an array by them takes 5.8."""
    pcm = bytearray(2 * len(data))
    pcm[::2] = data.translate(low)
    pcm[1::2] = data.translate(high)
    return bytes(pcm)


@cache
def _ulaw_halves() -> tuple[bytes, bytes]:
    return _halves(_ulaw_values())


@cache
def _alaw_halves() -> tuple[bytes, bytes]:
    return _halves(_alaw_values())


def _halves(values: NDArray[np.int16]) -> tuple[bytes, bytes]:
    """The low and the high bytes of 256 values."""
    pairs = values.astype("<i2").tobytes()
    return pairs[::2], pairs[1::2]


def _ulaw_values() -> NDArray[np.int16]:
    code = ~np.arange(256, dtype=np.uint8)
    segment, step = (code >> 4 & 7).astype(np.int32), (code & 15).astype(np.int32)
    size = (((step << 3) + _BIAS) << segment) - _BIAS
    return np.where(code & 0x80, -size, size).astype("<i2")


@cache
def _ulaw_codes() -> NDArray[np.uint8]:
    value = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32)
    size = np.minimum(np.abs(value), _CLIP) + _BIAS
    segment = np.floor(np.log2(size)).astype(np.int32) - 7
    step = size >> (segment + 3) & 15
    sign = np.where(value < 0, 0x80, 0)
    codes: NDArray[np.uint8] = (~(sign | segment << 4 | step)).astype(np.uint8)
    return codes


def _alaw_values() -> NDArray[np.int16]:
    code = np.arange(256, dtype=np.int32) ^ 0x55
    segment, step = code >> 4 & 7, code & 15
    size = np.where(segment == 0, (step << 4) + 8, ((step << 4) + 0x108) << np.maximum(segment - 1, 0))
    return np.where(code & 0x80, size, -size).astype("<i2")


@cache
def _alaw_codes() -> NDArray[np.uint8]:
    value = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32)
    # The negative half is the positive one shifted by a step (-1 falls into the first negative interval).
    size = np.where(value < 0, -value - 1, value)
    segment = np.maximum(np.floor(np.log2(np.maximum(size, 1))).astype(np.int32) - 7, 0)
    step = size >> np.maximum(segment + 3, 4) & 15
    sign = np.where(value < 0, 0, 0x80)
    codes: NDArray[np.uint8] = ((sign | segment << 4 | step) ^ 0x55).astype(np.uint8)
    return codes
