"""The in-tree twin of the SIP line: two lines joined in memory, moved by a tick clock instead of a network.

`Loopback.advance()` is 20 ms on the wire. Queue, flush and silence behave as on the SIP line, so that a conversation
over it is timed like a call; `Impairments` (seeded) make it as bad as a telephone network.
"""

import asyncio
import random
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trunkline.errors import Unavailable
from trunkline.voice import g711
from trunkline.voice.conversation.events import (
    TICK_MS,
    ClosedBy,
    Digit,
    Flushed,
    Held,
    LineClosed,
    LineEvent,
    Resumed,
)
from trunkline.voice.lines.line import Line, LineStats, Referred

_SAMPLE_BYTES = 2
_RING_SECONDS = 2
"""What a line takes in before it accepts no more, as on the SIP line."""


@dataclass(frozen=True)
class Impairments:
    """What happens to sound on its way to one side."""

    loss: float = 0.0
    """Share of the packets that never arrive (0 to 1); a lost packet is missing from what is read."""
    burst: float = 1.0
    """Packets that are lost in a row, at the mean; 1: each by itself."""
    silence: tuple[int, int] = (0, 0)
    """From and to, in ms on the wire: nothing arrives at all."""
    delay_ms: int = 0
    """Added delay, in whole packets of 20 ms."""
    jitter_ms: int = 0
    """Up to so much more for each packet, in whole packets; the line gives them out in order, so some come at once."""
    echo: float = 0.0
    """Gain with which that side's own sound comes back to it."""
    echo_ms: int = 100
    """How long the echo takes."""
    echo_colour: float = 0.0
    """How much its way changes its sound: the size of some taps, drawn anew for each seed, behind the first."""
    mulaw: bool = True
    """Through G.711 and back."""
    seed: int = 0


class _EchoPath:
    """The way there and back: later, quieter, coloured."""

    def __init__(self, impairments: Impairments, rate: int) -> None:
        dice = np.random.default_rng(impairments.seed)
        taps = np.arange(1, 24)
        behind = impairments.echo_colour * dice.standard_normal(taps.size) * np.exp(-taps / 5)
        way = np.concatenate(([1.0], behind))
        self._way = impairments.echo * way / np.sqrt((way * way).sum())
        self._delay = rate * impairments.echo_ms // 1000
        self._sound = np.zeros(self._delay + self._way.size - 1)

    def back(self, own: bytes) -> NDArray[np.float64]:
        """What comes back while `own` leaves."""
        self._sound = np.concatenate((self._sound, np.frombuffer(own, "<i2")))
        size, reach = len(own) // 2, self._way.size - 1
        returned = np.convolve(self._sound[: size + reach], self._way, "valid")
        self._sound = self._sound[size:]
        return np.asarray(returned, np.float64)


class LoopbackLine:
    """One end. `answer`, `hang_up` and the keys act at once; sound moves with `Loopback.advance()`."""

    delay_ms = 0

    def __init__(self, rate: int, impairments: Impairments, rings: bool) -> None:
        self.rate = rate
        self.rings = rings
        """True: this end was called; False: it called."""
        self.other: LoopbackLine
        self._frame_bytes = rate * TICK_MS // 1000 * _SAMPLE_BYTES
        self._impairments = impairments
        self._random = random.Random(impairments.seed)  # noqa: S311 - reproducible, not secret
        self._lock = threading.Lock()
        self._queue = bytearray()
        self._waiting = bytearray()
        self._arrived = bytearray()
        self._events: deque[LineEvent] = deque()
        self._flushes = 0
        self._flushed: int | None = None
        silence = bytes(self._frame_bytes)
        self._on_the_way = deque((at, silence) for at in range(impairments.delay_ms // TICK_MS))
        """With the tick at which it arrives."""
        self._ticks = 0
        self._losing = False
        self._echo = _EchoPath(impairments, rate) if impairments.echo else None
        self._received = self._sent = self._lost = 0
        self.up = False
        self.reachable: dict[str, Referred] = {}
        """Whom this end can call in our place when it is asked to, and what comes of it."""
        self.replacing = Referred(False, "Not Implemented", 501)
        """What comes of it when this end is asked to take our place in another call."""
        self.microphone: Callable[[bytes], bytes] | None = None
        """What becomes of the 20 ms that leave from here: the place this end is in (the persona of a simulation)."""
        self.settled = asyncio.Event()
        """Set when the call was answered or has ended."""
        self.closed: LineClosed | None = None

    # ---- beat ----

    def read(self) -> bytes:
        with self._lock:
            pcm = bytes(self._arrived)
            self._arrived.clear()
        return pcm

    def write(self, pcm: bytes) -> int:
        with self._lock:
            if not self.up:
                return 0
            room = self.rate * _RING_SECONDS * _SAMPLE_BYTES - len(self._queue) - len(self._waiting)
            taken = pcm[: max(0, room)]
            (self._waiting if self._flushes else self._queue).extend(taken)
        return len(taken) // _SAMPLE_BYTES

    def queued(self) -> int:
        return (len(self._queue) + len(self._waiting)) // _SAMPLE_BYTES

    def flush(self) -> None:
        with self._lock:
            if not self.up or (not self._flushes and not self._queue):
                self._events.append(Flushed(0))
            else:
                self._flushes += 1

    def events(self) -> list[LineEvent]:
        with self._lock:
            if self._flushed is not None:
                self._events.append(Flushed(self._flushed))
                self._events.extend(Flushed(0) for _ in range(self._flushes - 1))
                self._flushed, self._flushes = None, 0
                self._queue += self._waiting
                self._waiting.clear()
            happened = list(self._events)
            self._events.clear()
        return happened

    # ---- work loop ----

    async def answer(self) -> None:
        if self.closed is not None or self.other.closed is not None:
            raise Unavailable("The caller hung up before the call was answered.")
        self.up = self.other.up = True
        self.settled.set()
        self.other.settled.set()

    async def hang_up(self) -> None:
        if self.closed is not None:
            return
        if self.up:
            theirs = LineClosed(ClosedBy.REMOTE, "hung_up")
        elif self.rings:
            theirs = LineClosed(ClosedBy.REMOTE, "Busy Here", 486)
        else:
            theirs = LineClosed(ClosedBy.REMOTE, "cancelled")
        self.close(LineClosed(ClosedBy.LOCAL, "hung_up"))
        self.other.close(theirs)

    async def send_digits(self, digits: str) -> None:
        if not self.up:
            raise Unavailable("The keys could not be sent: the line is not up.")
        for digit in digits:
            self.other.tell(Digit(digit))

    async def hold(self) -> None:
        self.other.tell(Held())

    async def resume(self) -> None:
        self.other.tell(Resumed())

    async def refer(self, target: str, seconds: float) -> Referred:
        """The other end calls who is in its `reachable`; anybody else is not found."""
        if not self.up:
            return Referred(False, "The line is not up.")
        await asyncio.sleep(0)  # on a network the outcome never comes at once
        outcome = self.other.reachable.get(target, Referred(False, "Not Found", 404))
        if outcome.ok:
            self.close(LineClosed(ClosedBy.TRANSFER, "transferred"))
            self.other.close(LineClosed(ClosedBy.REMOTE, "hung_up"))
        return outcome

    async def replace(self, other: Line, seconds: float) -> Referred:
        """What comes of it is in the other end's `replacing`; those who are joined then talk elsewhere."""
        if not self.up or not isinstance(other, LoopbackLine):
            return Referred(False, "The line is not up.")
        await self.hold()
        await other.hold()
        await asyncio.sleep(0)
        outcome = self.other.replacing
        if outcome.ok:
            self.close(LineClosed(ClosedBy.TRANSFER, "transferred"))
            for end in (self.other, other, other.other):
                end.close(LineClosed(ClosedBy.REMOTE, "hung_up"))
        return outcome

    def stats(self) -> LineStats:
        return LineStats(self._received, self._sent, self._lost, 0.0, float(2 * self._impairments.delay_ms))

    # ---- the other side's doings, for tests and simulations ----

    def tell(self, event: LineEvent) -> None:
        """Let an event happen on this line."""
        with self._lock:
            self._events.append(event)

    def close(self, how: LineClosed) -> None:
        """End this end of the line, in this way; the first time counts."""
        if self.closed is None:
            self.closed, self.up = how, False
            self.settled.set()
            self.tell(how)

    # ---- the wire ----

    def depart(self) -> bytes:
        """20 ms that go out now: what is queued, silence when nothing is, or silence while a flush is done."""
        with self._lock:
            if self._flushes and self._flushed is None:
                self._flushed = len(self._queue) // _SAMPLE_BYTES
                self._queue.clear()
            frame = bytes(self._queue[: self._frame_bytes])
            del self._queue[: self._frame_bytes]
            self._sent += 1
        frame = frame.ljust(self._frame_bytes, b"\0")
        return frame if self.microphone is None else self.microphone(frame)

    def arrive(self, frame: bytes, own: bytes) -> None:
        """20 ms of the other side's sound come in; `own` is what left from here in the same tick."""
        bad = self._impairments
        if self._echo is not None:
            mixed = np.frombuffer(frame, "<i2") + self._echo.back(own)
            frame = np.clip(mixed, -32768, 32767).astype("<i2").tobytes()
        late = self._random.randint(0, bad.jitter_ms // TICK_MS) if bad.jitter_ms else 0
        self._on_the_way.append((self._ticks + bad.delay_ms // TICK_MS + late, frame))
        while self._on_the_way and self._on_the_way[0][0] <= self._ticks:
            self._receive(self._on_the_way.popleft()[1])
        self._ticks += 1

    def _receive(self, frame: bytes) -> None:
        if self._is_lost():
            self._lost += 1
            return
        if self._impairments.mulaw:
            frame = g711.ulaw_to_pcm(g711.pcm_to_ulaw(frame))
        with self._lock:
            self._received += 1
            self._arrived += frame
            del self._arrived[: -self.rate * _RING_SECONDS * _SAMPLE_BYTES]

    def _is_lost(self) -> bool:
        """Losses come in runs whose mean length is `burst` (Gilbert's model)."""
        bad = self._impairments
        goes_on = 1 - 1 / bad.burst
        begins = bad.loss / bad.burst / (1 - bad.loss) if bad.loss < 1 else 1.0
        self._losing = self._random.random() < (goes_on if self._losing else begins)
        first, last = bad.silence
        return self._losing or first <= self._ticks * TICK_MS < last


class Loopback:
    """Two lines joined: ours is `near`. `inbound`: the far one calls and ours rings; else the other way round."""

    def __init__(
        self,
        rate: int = 8000,
        to_near: Impairments | None = None,
        to_far: Impairments | None = None,
        inbound: bool = True,
    ) -> None:
        self.near = LoopbackLine(rate, to_near or Impairments(), rings=inbound)
        self.far = LoopbackLine(rate, to_far or Impairments(), rings=not inbound)
        self.near.other, self.far.other = self.far, self.near

    def advance(self) -> None:
        """One tick (20 ms) on the wire; nothing moves before the answer and after the end."""
        if not (self.near.up and self.far.up):
            return
        from_near, from_far = self.near.depart(), self.far.depart()
        self.near.arrive(from_far, own=from_near)
        self.far.arrive(from_near, own=from_far)
