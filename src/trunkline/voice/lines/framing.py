"""How payloads travel in the messages of a WebSocket, each carrier's way behind one seam."""

import json
import secrets
import struct
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from trunkline.voice.conversation.events import TICK_MS

Message = bytes | str
"""A binary or a text frame of the WebSocket."""

KEYS = frozenset("0123456789*#ABCD")
_HEADER = struct.Struct("!BBHII")
_VERSION_2 = 0x80
_MOST_MISSING, _MOST_LATE = 3000, 100
"""Packets; a sequence that leaps further has begun anew (RFC 3550, A.1)."""


class FramingName(StrEnum):
    """The framings by their names on the wire."""

    RTP = "rtp"
    PAYLOAD = "payload"
    """As `rtp`, without the RTP header."""


@dataclass(frozen=True)
class Sound:
    """A payload of the codec."""

    payload: bytes
    missing: int = 0
    """Packets that should have come before it and did not; -1: it is one of those, late."""


@dataclass(frozen=True)
class Key:
    """A key was pressed."""

    digit: str


@dataclass(frozen=True)
class Mark:
    """A name that comes back when all sound sent before it has been played, or was dropped."""

    name: str


@dataclass(frozen=True)
class Stop:
    """The other side ends the call."""


Heard = Sound | Key | Mark | Stop | None
"""What a message brought; None: nothing that a call needs."""


class Framing(Protocol):
    """One line's way of writing messages."""

    def read(self, message: Message) -> Heard:
        """What a message says. Raises ValueError for what makes no sense."""
        ...

    def sound(self, payload: bytes) -> Message:
        """Sound, as the codec made it."""
        ...


class KeyFraming(Framing, Protocol):
    """One that carries keys of ours."""

    def key(self, digit: str) -> Message:
        """A key of ours."""
        ...


class CarrierFraming(Framing, Protocol):
    """One of a side that queues what it is sent and plays it at its own pace."""

    def mark(self, name: str) -> Message:
        """A name to be sent back."""
        ...

    def clear(self) -> Message:
        """Tells the other side to drop what it has not played."""
        ...


class PayloadFraming:
    """A binary message is one payload, a text message JSON: `{"type": "dtmf", "digit": "5"}`."""

    def read(self, message: Message) -> Heard:
        if isinstance(message, bytes):
            return Sound(message)
        told = json.loads(message)
        if not isinstance(told, dict) or told.get("type") != "dtmf":
            return None
        digit = told.get("digit")
        if not isinstance(digit, str) or digit not in KEYS:
            raise ValueError("digit is no key")
        return Key(digit)

    def sound(self, payload: bytes) -> Message:
        return payload

    def key(self, digit: str) -> Message:
        return json.dumps({"type": "dtmf", "digit": digit})


class RtpFraming(PayloadFraming):
    """A binary message is one RTP packet (RFC 3550, 5.1) as it would be on UDP."""

    def __init__(self, payload_type: int, clock: int) -> None:
        self._payload_type = payload_type
        self._step = clock * TICK_MS // 1000
        self._sequence = secrets.randbits(16)
        self._timestamp = secrets.randbits(32)
        self._source = secrets.randbits(32)
        self._newest: int | None = None

    def read(self, message: Message) -> Heard:
        if isinstance(message, str):
            return super().read(message)
        payload = _payload(message)
        return Sound(payload, self._missing(int.from_bytes(message[2:4])))

    def _missing(self, sequence: int) -> int:
        """How many packets this number says are lost."""
        before = sequence if self._newest is None else self._newest
        step = (sequence - before) & 0xFFFF
        if step == 0 or step >= 0x10000 - _MOST_LATE:
            self._newest = before
            return -1 if step else 0
        self._newest = sequence
        return step - 1 if step <= _MOST_MISSING else 0

    def sound(self, payload: bytes) -> Message:
        header = _HEADER.pack(_VERSION_2, self._payload_type, self._sequence, self._timestamp, self._source)
        self._sequence = (self._sequence + 1) & 0xFFFF
        self._timestamp = (self._timestamp + self._step) & 0xFFFFFFFF
        return header + payload


def _payload(packet: bytes) -> bytes:
    """Past the header, its sources and its extension, without the padding."""
    if len(packet) < _HEADER.size or packet[0] & 0xC0 != _VERSION_2:
        raise ValueError("no RTP packet")
    start, end = _HEADER.size + 4 * (packet[0] & 0x0F), len(packet)
    if packet[0] & 0x10:
        start += 4 + 4 * int.from_bytes(packet[start + 2 : start + 4])
    if packet[0] & 0x20:
        end -= packet[-1]
    if start > end:
        raise ValueError("an RTP packet that is cut short")
    return packet[start:end]
