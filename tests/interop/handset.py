"""The sound of a peer whose signalling is SIPp's: a UDP socket that speaks words as tones and hears them.

SIPp's SDP names the socket's port, so what is said depends on what was heard, which a scenario cannot do.
"""

import os
import random
import select
import struct
import threading
import time
from collections import deque
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from benchmarks import mulaw
from tests.host.rig import Caller
from tests.interop.datagrams import Datagrams

RATE = 8000
_FRAME = 160
_RTP = struct.Struct("!BBHII")
_KEYS = "0123456789*#ABCD"
_EVENT = 101


class _Wire:
    """Both directions of the sound, as `Caller` wants them."""

    def __init__(self) -> None:
        self.to_say = bytearray()
        self.heard: deque[bytes] = deque()

    def write(self, pcm: bytes) -> int:
        self.to_say += pcm
        return len(pcm) // 2

    def read(self) -> bytes:
        sound = b"".join(self.heard)
        self.heard.clear()
        return sound


class Handset(Datagrams):
    """G.711 mu-law and keys."""

    def __init__(self) -> None:
        super().__init__()
        self.port = self.address[1]
        self._wire = _Wire()
        self._caller = Caller(self._wire)
        self.keys = ""
        """Keys that the other side has pressed."""
        self.strays: list[bytes] = []
        """What came that is neither sound nor a key."""
        self._sound: list[bytes] = []
        self._key_at = -1
        self._pressing: deque[bytes] = deque()
        self._to: tuple[str, int] | None = None

    @property
    def heard(self) -> str:
        """Every word so far; a word counts when 100 ms of silence have followed it."""
        return self._caller.heard

    @property
    def speaking(self) -> bool:
        """Is there something left to say?"""
        return bool(self._wire.to_say)

    @property
    def hears_sound(self) -> bool:
        """Is there sound just now?"""
        return self._caller.hears_sound

    @property
    def sound(self) -> NDArray[np.float64]:
        """All that was received, by arrival."""
        return np.frombuffer(b"".join(self._sound), "<i2").astype(float)

    def say(self, text: str) -> None:
        self._caller.say(text)

    def play(self, pcm: bytes) -> None:
        """Any other sound."""
        self._wire.write(pcm)

    def press(self, keys: str) -> None:
        """Keys as RFC 4733 has them: 100 ms each."""
        for key in keys:
            for n in range(1, 9):
                marker, ends = (0x80 if n == 1 else 0), (0x80 if n > 5 else 0)
                event = struct.pack("!BBH", _KEYS.index(key), ends | 10, min(n, 5) * _FRAME)
                self._pressing.append(bytes([marker | _EVENT]) + event)
            self._pressing.extend([b""] * 3)

    def _run(self) -> None:
        """A packet every 20 ms, on absolute deadlines."""
        with suppress(OSError):  # a privilege, as for the beat
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), -10)
        source, n, event_at = random.getrandbits(32), 0, 0
        due = time.monotonic()
        while not self._stopping.is_set():
            n, due = n + 1, due + 0.02
            while (left := due - time.monotonic()) > 0:
                if select.select([self._socket], [], [], left)[0]:
                    self._receive(*self._socket.recvfrom(2048))
            event = self._pressing.popleft() if self._pressing else b""
            if event:
                event_at = n * _FRAME if event[0] & 0x80 else event_at
                packet = _RTP.pack(0x80, event[0], n & 0xFFFF, event_at, source) + event[1:]
            else:
                packet = _RTP.pack(0x80, 0, n & 0xFFFF, n * _FRAME, source) + mulaw.encode(self._next())
            if self._to is not None:
                with suppress(OSError):  # the other side has gone
                    self._socket.sendto(packet, self._to)
            self._caller.listen()

    def _receive(self, packet: bytes, sender: tuple[str, int]) -> None:
        payload = packet[1] & 0x7F
        if payload == 0:
            self._to = sender
            pcm = mulaw.decode(packet[_RTP.size :])
            self._wire.heard.append(pcm)
            self._sound.append(pcm)
        elif payload == _EVENT:
            timestamp = struct.unpack_from("!I", packet, 4)[0]
            if timestamp != self._key_at:
                self._key_at = timestamp
                self.keys += _KEYS[packet[_RTP.size]]
        else:
            self.strays.append(packet)

    def _next(self) -> bytes:
        said = bytes(self._wire.to_say[: 2 * _FRAME]) if self._to is not None else b""
        del self._wire.to_say[: len(said)]
        return said.ljust(2 * _FRAME, b"\0")
