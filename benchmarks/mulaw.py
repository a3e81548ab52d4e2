"""G.711 mu-law (ITU-T G.711) by table, for the measuring instruments."""

import numpy as np
from numpy.typing import NDArray

SAMPLES_A_PACKET = 160
"""20 ms at 8 kHz; one byte a sample."""
SILENCE = b"\xff" * SAMPLES_A_PACKET


def _decode_table() -> NDArray[np.int16]:
    code = ~np.arange(256, dtype=np.int32) & 0xFF
    magnitude = (((code & 0x0F) << 3) + 0x84 << ((code & 0x70) >> 4)) - 0x84
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


_DECODED = _decode_table()


def _encode_table() -> NDArray[np.uint8]:
    """For each 16-bit value (as unsigned index) the nearest code."""
    codes = np.argsort(_DECODED, kind="stable")
    levels = _DECODED[codes].astype(np.int32)
    values = np.arange(65536, dtype=np.int32).astype(np.uint16).astype(np.int16).astype(np.int32)
    right = np.clip(np.searchsorted(levels, values), 1, 255)
    nearer_left = values - levels[right - 1] <= levels[right] - values
    return codes[np.where(nearer_left, right - 1, right)].astype(np.uint8)


_ENCODED = _encode_table()
_ENCODED[0] = 0xFF
# Zero has two codes; 0xFF is the one that networks send.

_LOUDNESS = bytes(np.minimum(np.abs(_DECODED.astype(np.int32)) // 16, 255).astype(np.uint8))
VOICED_LEVEL = 128
"""Mean magnitude of a packet's samples (16-bit scale, about -45 dBFS RMS for speech) from which it counts as voiced."""


def encode(pcm: bytes) -> bytes:
    """mu-law of signed 16-bit PCM."""
    return _ENCODED[np.frombuffer(pcm, dtype=np.uint16)].tobytes()


def decode(ulaw: bytes) -> bytes:
    """Signed 16-bit PCM of mu-law."""
    return _DECODED[np.frombuffer(ulaw, dtype=np.uint8)].tobytes()


def voiced(payload: bytes) -> bool:
    """Is there sound above VOICED_LEVEL in the packet? About a microsecond."""
    return sum(payload.translate(_LOUDNESS)) * 16 >= VOICED_LEVEL * len(payload) > 0


def packets(ulaw: bytes) -> list[bytes]:
    """Payloads of 20 ms, the last one filled with silence."""
    whole = ulaw + SILENCE[: -len(ulaw) % SAMPLES_A_PACKET]
    return [whole[at : at + SAMPLES_A_PACKET] for at in range(0, len(whole), SAMPLES_A_PACKET)]
