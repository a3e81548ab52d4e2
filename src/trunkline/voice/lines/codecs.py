"""Codecs of lines whose media we code ourselves: 20 ms of PCM to a payload and back."""

from collections.abc import Callable
from enum import StrEnum
from typing import Protocol

import numpy as np

from trunkline.voice import g711
from trunkline.voice.opus import OpusCoder


class CodecName(StrEnum):
    """The codecs by their names on the wire."""

    OPUS = "opus"
    PCMA = "pcma"
    PCMU = "pcmu"
    L16 = "l16"
    """Big-endian 16-bit PCM at 16 kHz."""


class Codec(Protocol):
    """One line's coder; mono s16le PCM at `rate` on our side."""

    @property
    def rate(self) -> int: ...

    @property
    def payload_type(self) -> int:
        """Of RTP (RFC 3551); from 96 on where none is assigned."""
        ...

    @property
    def clock(self) -> int:
        """Ticks a second of RTP's timestamps."""
        ...

    def encode(self, pcm: bytes) -> bytes:
        """The payload of 20 ms."""
        ...

    def decode(self, payload: bytes) -> bytes:
        """The sound of a payload of any length. Raises ValueError for what is none."""
        ...


class PlainCodec:
    """A codec that keeps nothing from one payload to the next."""

    def __init__(
        self, rate: int, payload_type: int, encode: Callable[[bytes], bytes], decode: Callable[[bytes], bytes]
    ) -> None:
        self.rate = self.clock = rate
        self.payload_type = payload_type
        self.encode = encode
        self.decode = decode


class _Opus:
    rate = 16_000
    payload_type = 111
    clock = 48_000  # always (RFC 7587, 4.1)

    def __init__(self) -> None:
        coder = OpusCoder(self.rate)
        self.encode = coder.encode
        self.decode = coder.decode


def codec(name: CodecName) -> Codec:
    """A new coder for one line. Raises SetupError for Opus where there is no libopus."""
    match name:
        case CodecName.PCMU:
            return PlainCodec(8000, 0, g711.pcm_to_ulaw, g711.ulaw_to_pcm)
        case CodecName.PCMA:
            return PlainCodec(8000, 8, g711.pcm_to_alaw, g711.alaw_to_pcm)
        case CodecName.L16:
            return PlainCodec(16_000, 96, _swapped, _swapped)
        case CodecName.OPUS:
            return _Opus()


def _swapped(samples: bytes) -> bytes:
    """Samples of 16 bits with their bytes the other way round; half a sample at the end is dropped."""
    return np.frombuffer(samples, "<u2", len(samples) // 2).byteswap().tobytes()
