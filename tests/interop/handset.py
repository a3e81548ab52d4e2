"""The sound of a peer whose signalling is SIPp's: a UDP socket that speaks words as tones and hears them.

SIPp's SDP names the socket's port, so what is said depends on what was heard, which a scenario cannot do.
"""

import asyncio
import random
import socket
import struct
from collections import deque
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from benchmarks import mulaw
from tests.host.rig import Caller

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


class Handset(asyncio.DatagramProtocol):
    """G.711 mu-law and keys on a port of its own, for as long as the block runs."""

    def __init__(self) -> None:
        self._wire = _Wire()
        self._caller = Caller(self._wire)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.keys = ""
        """Keys that the other side has pressed."""
        self._sound: list[bytes] = []
        self._key_at = -1
        self._pressing: deque[bytes] = deque()
        self._to: tuple[str, int] | None = None
        self._transport: asyncio.DatagramTransport | None = None
        self._pacing: asyncio.Task[None] | None = None

    @property
    def heard(self) -> str:
        """Every word so far; a word counts when 100 ms of silence have followed it."""
        return self._caller.heard

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
            code = _KEYS.index(key)
            for n in range(1, 9):
                ends = 0x80 if n > 5 else 0
                marker = 0x80 if n == 1 else 0
                self._pressing.append(
                    bytes([marker | _EVENT]) + struct.pack("!BBH", code, ends | 10, min(n, 5) * _FRAME)
                )
            self._pressing += [b""] * 3

    async def __aenter__(self) -> "Handset":
        self._socket.setblocking(False)
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, sock=self._socket)
        self._pacing = asyncio.create_task(self._pace(), name="handset")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._pacing is not None
        assert self._transport is not None
        self._pacing.cancel()
        await asyncio.wait((self._pacing,))
        self._transport.close()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._to = addr
        payload = data[1] & 0x7F
        if payload == 0:
            pcm = mulaw.decode(data[_RTP.size :])
            self._wire.heard.append(pcm)
            self._sound.append(pcm)
        elif payload == _EVENT:
            self._key(struct.unpack_from("!I", data, 4)[0], data[_RTP.size])

    def _key(self, timestamp: int, code: int) -> None:
        if timestamp != self._key_at:
            self._key_at = timestamp
            self.keys += _KEYS[code]

    async def _pace(self) -> None:
        """A packet every 20 ms, on absolute deadlines."""
        loop = asyncio.get_running_loop()
        source, sequence, timestamp, event_at = random.getrandbits(32), 0, 0, 0
        due = loop.time()
        while True:
            sequence, timestamp, due = sequence + 1 & 0xFFFF, timestamp + _FRAME & 0xFFFFFFFF, due + 0.02
            event = self._pressing.popleft() if self._pressing else b""
            if event:
                event_at = timestamp if event[0] & 0x80 else event_at
                packet = _RTP.pack(0x80, event[0], sequence, event_at, source) + event[1:]
            else:
                packet = _RTP.pack(0x80, 0, sequence, timestamp, source) + mulaw.encode(self._next())
            if self._to is not None and self._transport is not None:
                self._transport.sendto(packet, self._to)
            self._caller.listen()
            await asyncio.sleep(max(0.0, due - loop.time()))

    def _next(self) -> bytes:
        said = bytes(self._wire.to_say[: 2 * _FRAME]) if self._to is not None else b""
        del self._wire.to_say[: len(said)]
        return said.ljust(2 * _FRAME, b"\0")
