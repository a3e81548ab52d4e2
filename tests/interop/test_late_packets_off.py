"""SIP calls whose packets come late and out of order: what is heard is whole."""

import asyncio
import heapq
import random
import select
import socket
import sys
import threading
import time
from types import TracebackType

from benchmarks.ports import free_port, some_rtp_ports
from benchmarks.wire import CueKind, Step, WireCaller

from benchmarks import mulaw
from trunkline.voice.conversation.events import ClosedBy
from trunkline.voice.lines.line import IncomingCall
from trunkline.voice.lines.sip import SipEngine
from trunkline.voice.speech import tones

WORDS = "late packets"
TIMES = 14
RATE = 8000


class Relay:
    """Takes packets on a port of its own, and gives them out late, some after the one that follows, by a seeded pattern."""

    def __init__(self, seed: int, jitter_ms: float, swapped: float) -> None:
        """Each packet is up to `jitter_ms` late; this share of them another 25 ms, and so after the next."""
        self._dice = random.Random(seed)
        self._jitter, self._swapped = jitter_ms / 1000, swapped
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self.address: tuple[str, int] = self._socket.getsockname()
        self.target: tuple[str, int] | None = None
        self.numbers: list[int] = []
        """RTP sequence numbers in the order in which they went on."""
        self._waiting: list[tuple[float, int, bytes]] = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="relay")

    def __enter__(self) -> "Relay":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join()
        self._socket.close()

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


async def test_what_comes_late_and_out_of_order_is_heard_whole() -> None:
    """A busy machine may tear a word of its own, so it is said often; without a buffer none of them comes through."""
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

    port = free_port()
    engine = SipEngine(port=port, rtp_ports=some_rtp_ports(), jitter_ms=(0, 0))
    await engine.start(listen)
    caller = WireCaller()
    sound = mulaw.encode(tones.speak(" ".join([WORDS] * TIMES), RATE))
    ends = 1000 * len(sound) // RATE + 1500
    call = caller.call(f"sip:100@127.0.0.1:{port}", [Step(CueKind.AT, 500, sound), Step(CueKind.AT, ends)])
    with Relay(seed, jitter_ms=40, swapped=0.2) as relay:
        call.rtp = Detour(call.rtp, relay)  # type: ignore[assignment]
        try:
            await asyncio.to_thread(caller.run, 60.0)
            async with asyncio.timeout(30):
                while not calls or calls[0].line.closed is None:  # noqa: ASYNC110 - told by the stack's thread
                    await asyncio.sleep(0.02)
        finally:
            caller.close()
            await engine.stop()
    closed = calls[0].line.closed
    assert closed is not None and closed.by is ClosedBy.REMOTE
    assert relay.out_of_order > 20
    assert tones.hear(bytes(heard), RATE).count(WORDS) >= TIMES // 2
