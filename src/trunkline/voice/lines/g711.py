"""G.711 mu-law (ITU-T G.711), for lines that carry it in the open: 8 kHz, one byte a sample."""

import numpy as np
from numpy.typing import NDArray

_BIAS = 0x84
_CLIP = 32635


def _decoded(codes: NDArray[np.uint8]) -> NDArray[np.int16]:
    """Sign, three bits of exponent, four of mantissa, all inverted; the bias makes the segments join."""
    bits = ~codes.astype(np.int32) & 0xFF
    magnitude = ((((bits & 0x0F) << 3) + _BIAS) << ((bits >> 4) & 7)) - _BIAS
    return np.where(bits & 0x80, -magnitude, magnitude).astype(np.int16)


_TABLE = _decoded(np.arange(256, dtype=np.uint8))


def decode(ulaw: bytes) -> bytes:
    """PCM (s16le) of mu-law."""
    return _TABLE[np.frombuffer(ulaw, dtype=np.uint8)].tobytes()


def encode(pcm: bytes) -> bytes:
    """mu-law of PCM (s16le)."""
    samples = np.frombuffer(pcm, dtype="<i2").astype(np.int32)
    biased = np.minimum(np.abs(samples), _CLIP) + _BIAS
    exponent = np.floor(np.log2(biased)).astype(np.int32) - 7
    mantissa = (biased >> (exponent + 3)) & 0x0F
    sign = np.where(samples < 0, 0x80, 0)
    codes: NDArray[np.uint8] = (~(sign | (exponent << 4) | mantissa) & 0xFF).astype(np.uint8)
    return codes.tobytes()
