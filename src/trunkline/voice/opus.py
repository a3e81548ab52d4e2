"""Opus (RFC 6716) by libopus: the one inside baresip's wheel, else the system's. BSD, both.

The wheel's shared object exports libopus's functions; loading it once more gives the copy that is loaded already.
"""

import ctypes
import ctypes.util
import importlib.util
from functools import cache
from typing import Any

from trunkline.errors import SetupError

_VOIP = 2048
_LONGEST_MS = 120
"""Of a packet, by the standard."""
_LARGEST_BYTES = 1275
_SAMPLE_BYTES = 2
_SET_BITRATE = 4002
_BITRATE = 24_000
"""Wideband speech; the usual figure for calls (RFC 7587, 3.1.1)."""
_SET_COMPLEXITY = 4010
_COMPLEXITY = 5
"""Of 10: half the work of the default, and no difference to hear at this rate."""


class OpusCoder:
    """One call's encoder and decoder: mono s16le PCM at `rate`. Not safe to enter from two threads at once."""

    def __init__(self, rate: int) -> None:
        """Raises SetupError where there is no libopus."""
        self._opus = _library()
        self._rate = rate
        failed = ctypes.c_int()
        self._encoder = self._opus.opus_encoder_create(rate, 1, _VOIP, ctypes.byref(failed))
        self._decoder = self._opus.opus_decoder_create(rate, 1, ctypes.byref(failed))
        if not self._encoder or not self._decoder:
            self.close()
            raise SetupError(f"libopus would not code at {rate} samples a second ({failed.value}).")
        for setting, value in ((_SET_BITRATE, _BITRATE), (_SET_COMPLEXITY, _COMPLEXITY)):
            self._opus.opus_encoder_ctl(self._encoder, setting, ctypes.c_int(value))
        self._packet = ctypes.create_string_buffer(_LARGEST_BYTES)
        self._sound = ctypes.create_string_buffer(rate * _LONGEST_MS // 1000 * _SAMPLE_BYTES)

    def encode(self, pcm: bytes) -> bytes:
        """One packet from 2.5, 5, 10, 20, 40 or 60 ms. Raises ValueError for any other length."""
        size = self._opus.opus_encode(
            self._encoder, pcm, len(pcm) // _SAMPLE_BYTES, self._packet, _LARGEST_BYTES
        )
        if size < 0:
            raise ValueError(f"libopus would not encode {len(pcm)} bytes ({size})")
        return self._packet.raw[:size]

    def decode(self, packet: bytes) -> bytes:
        """The sound of one packet. Raises ValueError for what is none."""
        room = len(self._sound) // _SAMPLE_BYTES
        samples = self._opus.opus_decode(self._decoder, packet, len(packet), self._sound, room, 0)
        if not packet or samples < 0:
            raise ValueError(f"{len(packet)} bytes are no Opus packet ({samples})")
        return self._sound.raw[: samples * _SAMPLE_BYTES]

    def close(self) -> None:
        """Give the memory back; safe to repeat."""
        encoder, self._encoder = self._encoder, None
        decoder, self._decoder = self._decoder, None
        if encoder:
            self._opus.opus_encoder_destroy(encoder)
        if decoder:
            self._opus.opus_decoder_destroy(decoder)

    def __del__(self) -> None:
        if getattr(self, "_encoder", None) or getattr(self, "_decoder", None):
            self.close()


def available() -> bool:
    """Whether there is a libopus."""
    try:
        _library()
    except SetupError:
        return False
    return True


@cache
def _library() -> Any:
    for path in (_inside_the_wheel(), ctypes.util.find_library("opus")):
        if path is None:
            continue
        try:
            library = ctypes.CDLL(path)
            return _declared(library)
        except (OSError, AttributeError):
            continue
    raise SetupError("There is no libopus here: install it (Debian: libopus0), or use pcmu, pcma or l16.")


def _inside_the_wheel() -> str | None:
    found = importlib.util.find_spec("baresip._native")
    return None if found is None else found.origin


def _declared(library: Any) -> Any:
    pointer, number, size = ctypes.c_void_p, ctypes.c_int, ctypes.c_int32
    types: dict[str, tuple[Any, list[Any]]] = {
        "opus_encoder_create": (pointer, [size, number, number, ctypes.POINTER(number)]),
        "opus_decoder_create": (pointer, [size, number, ctypes.POINTER(number)]),
        "opus_encode": (size, [pointer, ctypes.c_char_p, number, ctypes.c_char_p, size]),
        "opus_decode": (number, [pointer, ctypes.c_char_p, size, ctypes.c_char_p, number, number]),
        "opus_encoder_ctl": (number, [pointer, number]),  # variadic: the value comes after these
        "opus_encoder_destroy": (None, [pointer]),
        "opus_decoder_destroy": (None, [pointer]),
    }
    for name, (answer, arguments) in types.items():
        function = getattr(library, name)
        function.restype, function.argtypes = answer, arguments
    return library
