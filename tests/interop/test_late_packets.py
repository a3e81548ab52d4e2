"""SIP calls whose packets come late and out of order: what is heard is whole."""

import asyncio
import heapq
import random
import select
import socket
import sys
import time

from benchmarks.ports import free_port, some_rtp_ports
from benchmarks.wire import CueKind, Step, WireCaller

from benchmarks import mulaw
from tests.interop.datagrams import Datagrams
from trunkline.voice.conversation.events import ClosedBy
from trunkline.voice.lines.line import IncomingCall
from trunkline.voice.lines.sip import SipEngine
from trunkline.voice.speech import tones

WORDS = "late packets"
TIMES = 14
RATE = 8000


class Relay(Datagrams):
    """Gives packets out late, some after the one that follows, by a seeded pattern."""

    def __init__(self, seed: int, jitter_ms: float, swapped: float) -> None:
        """Each packet is up to `jitter_ms` late; this share of them another 25 ms, and so after the next."""
        super().__init__()
        self._dice = random.Random(seed)
        self._jitter, self._swapped = jitter_ms / 1000, swapped
        self.target: tuple[str, int] | None = None
        self.numbers: list[int] = []
        """RTP sequence numbers in the order in which they went on."""
        self._waiting: list[tuple[float, int, bytes]] = []

    @property
    def out_of_order(self) -> int:
        return sum(after < before for before, after in zip(self.numbers, self.numbers[1:], strict=False))

    def _run(self) -> None:
        count = 0
        while not self._stopping.is_set():
            wait = self._waiting[0][0] - time.monotonic() if self._waiting else 0.02
            if select.select([self._socket], [], [], max(0.0, wait))[0]:
                late = self._dice.uniform(0, self._jitter) + 0.025 * (self._dice.random() < self._swapped)
                count += 1
                heapq.heappush(self._waiting, (time.monotonic() + late, count, self._socket.recv(2048)))
            while self._waiting and self._waiting[0][0] <= time.monotonic():
                packet = heapq.heappop(self._waiting)[2]
                self.numbers.append(int.from_bytes(packet[2:4], "big"))
                assert self.target is not None
                self._socket.sendto(packet, self.target)


class Detour:
    """The caller's socket: what it sends goes by way of the relay; all else is the socket's."""

    def __init__(self, rtp: socket.socket, relay: Relay) -> None:
        self._rtp = rtp
        self._relay = relay

    def sendto(self, data: bytes, address: tuple[str, int]) -> int:
        self._relay.target = address
        return self._rtp.sendto(data, self._relay.address)

    def __getattr__(self, name: str) -> object:
        return getattr(self._rtp, name)


async def heard_of_a_call(engine: SipEngine, calls: list[IncomingCall], heard: bytearray, seed: int) -> int:
    """How often the words came whole through a relay that is up to 20 ms late, a fifth of the packets 25 ms more."""
    heard.clear()
    calls.clear()
    caller = WireCaller()
    sound = mulaw.encode(tones.speak(" ".join([WORDS] * TIMES), RATE))
    ends = 1000 * len(sound) // RATE + 1500
    call = caller.call(
        f"sip:100@127.0.0.1:{engine.port}", [Step(CueKind.AT, 500, sound), Step(CueKind.AT, ends)]
    )
    with Relay(seed, jitter_ms=20, swapped=0.2) as relay:
        call.rtp = Detour(call.rtp, relay)  # type: ignore[assignment]
        try:
            await asyncio.to_thread(caller.run, 60.0)
        finally:
            caller.close()
    async with asyncio.timeout(30):
        while calls[0].line.closed is None:  # noqa: ASYNC110 - told by the stack's thread
            await asyncio.sleep(0.02)
    assert calls[0].line.closed.by is ClosedBy.REMOTE
    assert relay.out_of_order > 10
    return tones.hear(bytes(heard), RATE).count(WORDS)


async def test_what_comes_late_and_out_of_order_is_heard_whole() -> None:
    """The buffer needs the first words to learn of it, and a busy machine may tear some; without it nearly all are torn."""
    seed = random.randrange(1 << 32)
    sys.stdout.write(f"seed {seed}\n")
    heard = bytearray()
    calls: list[IncomingCall] = []

    async def listen(call: IncomingCall) -> None:
        calls.append(call)
        await call.line.answer()
        while call.line.closed is None:
            heard.extend(call.line.read())
            await asyncio.sleep(0.02)

    engine = SipEngine(port=free_port(), rtp_ports=some_rtp_ports())
    await engine.start(listen)
    try:
        best = 0
        for attempt in range(4):
            best = max(best, await heard_of_a_call(engine, calls, heard, seed + attempt))
            if best > TIMES // 3:
                break
    finally:
        await engine.stop()
    assert best > TIMES // 3
