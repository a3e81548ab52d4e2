"""A WebSocket as a line: media in messages, coded here, paced by the beat.

The beat moves PCM between memory and memory: each tick one frame goes from a line's queue to its outbox, silence when
the queue is empty. The work loop codes and sends, so that neither a codec nor a slow peer ever delays the beat.
"""

import asyncio
import threading
from abc import ABC, abstractmethod
from collections import deque
from enum import Enum
from typing import Protocol, TypeVar

import structlog

from trunkline.errors import Unavailable
from trunkline.voice.conversation.events import ClosedBy, Digit, Flushed, LineClosed, LineEvent
from trunkline.voice.lines.codecs import Codec
from trunkline.voice.lines.framing import Framing, Heard, Key, KeyFraming, Mark, Message, Sound, Stop
from trunkline.voice.lines.jitter import FRAMES_A_SECOND, JitterBuffer
from trunkline.voice.lines.line import Line, LineStats, Referred

log = structlog.get_logger(__name__)

SAMPLE_BYTES = 2
_NOWHERE = "A WebSocket cannot be sent elsewhere."
_DELAY_MS = 11
"""10 until the beat reads (half of 20), and the codec; what is written leaves with the beat that wrote it."""
QUEUE_SECONDS = 2
_OUTBOX_ITEMS = 25
"""500 ms: a peer that is further behind loses the oldest, as it would on UDP."""

NORMAL = 1000
REFUSED = 4486
"""Close code of a line that was not answered: SIP's 486 in the range that applications may use."""
_GOOD_CLOSES = frozenset({1000, 1001, 1005})
"""Of the other side; other codes mean that the connection broke (RFC 6455, 7.4.1)."""


class Order(Enum):
    """What a line says to the other side beside sound and marks."""

    CLEAR = "clear"


Outgoing = bytes | Mark | Order
"""PCM, a mark, or an order."""


class SocketClosed(Exception):
    """The other side has gone; `code` is its close code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"closed with {code}")
        self.code = code


class Socket(Protocol):
    """An open WebSocket. Belongs to the work loop."""

    async def receive(self) -> Message:
        """The next message. Raises SocketClosed."""
        ...

    async def send(self, message: Message) -> None:
        """Returns when there is room for more. Raises SocketClosed."""
        ...

    async def close(self, code: int, reason: str) -> None:
        """Close it; safe to repeat, and after the other side has."""
        ...


class SocketLine(ABC):
    """One party on a WebSocket, whoever paces the sound; it rings from the first moment and is up from `answer`."""

    delay_ms = _DELAY_MS

    def __init__(self, socket: Socket, codec: Codec, framing: Framing) -> None:
        self._socket = socket
        self._codec = codec
        self._framing = framing
        self._lock = threading.Lock()
        self._arrived = JitterBuffer(codec.rate)
        self._outbox: deque[Outgoing] = deque()
        self._events: deque[LineEvent] = deque()
        self._up = False
        self._closed: LineClosed | None = None
        self._wake = asyncio.Event()
        self._received = self._sent = self._lost = 0

    @property
    def rate(self) -> int:
        return self._codec.rate

    @property
    def closed(self) -> LineClosed | None:
        """How the line ended, once it has."""
        return self._closed

    # ---- beat ----

    def read(self) -> bytes:
        if not self._up:
            return b""
        with self._lock:
            return self._arrived.take()

    @abstractmethod
    def write(self, pcm: bytes) -> int: ...

    @abstractmethod
    def queued(self) -> int: ...

    @abstractmethod
    def flush(self) -> None: ...

    def events(self) -> list[LineEvent]:
        happened = []
        while self._events:
            happened.append(self._events.popleft())
        return happened

    @abstractmethod
    def depart(self) -> bool:
        """One tick: what is due goes to the outbox. False when there is nothing to send."""
        ...

    def _post(self, item: Outgoing) -> None:
        """Into the outbox; with the lock held. Of what is too much the oldest sound goes: orders are obeyed, however late."""
        if len(self._outbox) >= _OUTBOX_ITEMS:
            del self._outbox[next((at for at, old in enumerate(self._outbox) if isinstance(old, bytes)), 0)]
            self._lost += 1
        self._outbox.append(item)

    # ---- work loop ----

    async def answer(self) -> None:
        if self._closed is not None:
            raise Unavailable("The other side hung up before the call was answered.")
        self._up = True

    async def hang_up(self) -> None:
        if self._closed is not None:
            return
        code, reason = (NORMAL, "hung_up") if self._up else (REFUSED, "Busy Here")
        self._close(LineClosed(ClosedBy.LOCAL, "hung_up"))
        await self._socket.close(code, reason)

    @abstractmethod
    async def send_digits(self, digits: str) -> None: ...

    async def hold(self) -> None:
        return  # a WebSocket has no signalling for it

    async def resume(self) -> None:
        return

    async def refer(self, target: str, seconds: float) -> Referred:
        return Referred(False, _NOWHERE)

    async def replace(self, other: Line, seconds: float) -> Referred:
        return Referred(False, _NOWHERE)

    def stats(self) -> LineStats:
        return LineStats(self._received, self._sent, self._lost)

    def wake(self) -> None:
        """The outbox may hold something."""
        self._wake.set()

    async def run(self) -> None:
        """Carry messages both ways until either side ends the line."""
        sending = asyncio.create_task(self._send())
        try:
            while self._closed is None:
                self._hear(await self._socket.receive())
        except SocketClosed as closed:
            self.gone(closed.code)
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    def gone(self, code: int) -> None:
        """The other side has ended the connection with this code, or it broke."""
        if not self._up:
            self._close(LineClosed(ClosedBy.REMOTE, "cancelled"))
        elif code in _GOOD_CLOSES:
            self._close(LineClosed(ClosedBy.REMOTE, "hung_up"))
        else:
            self._close(LineClosed(ClosedBy.FAULT, "connection_lost", code))

    def _hear(self, message: Message) -> None:
        self._received += 1
        try:
            heard = self._framing.read(message)
            if isinstance(heard, Stop):
                self.gone(NORMAL)
            elif self._up:
                self._take(heard)
        except ValueError:
            self._lost += self._up

    def _take(self, heard: Heard) -> None:
        """Of a line that is up. Raises ValueError for a payload that is none of the codec's."""
        if isinstance(heard, Sound):
            pcm = self._codec.decode(heard.payload)
            with self._lock:
                self._lost += heard.missing
                self._arrived.push(pcm)
        elif isinstance(heard, Key):
            self._events.append(Digit(heard.digit))

    async def _send(self) -> None:
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while (item := self._next()) is not None:
                    await self._socket.send(self._message(item))
                    self._sent += 1
        except SocketClosed as closed:
            self.gone(closed.code)

    def _next(self) -> Outgoing | None:
        with self._lock:
            return self._outbox.popleft() if self._outbox else None

    @abstractmethod
    def _message(self, item: Outgoing) -> Message: ...

    def _close(self, how: LineClosed) -> None:
        if self._closed is None:
            self._closed, self._up = how, False
            self._events.append(how)


class WebSocketLine(SocketLine):
    """Paced here: a frame each 20 ms, silence where there is no sound, as RTP would be."""

    def __init__(self, socket: Socket, codec: Codec, framing: KeyFraming) -> None:
        super().__init__(socket, codec, framing)
        self._keys = framing
        self._frame_bytes = codec.rate // FRAMES_A_SECOND * SAMPLE_BYTES
        self._queue = bytearray()

    def write(self, pcm: bytes) -> int:
        if not self._up:
            return 0
        with self._lock:
            room = self.rate * QUEUE_SECONDS * SAMPLE_BYTES - len(self._queue)
            taken = pcm[: max(0, room)]
            self._queue += taken
        return len(taken) // SAMPLE_BYTES

    def queued(self) -> int:
        return len(self._queue) // SAMPLE_BYTES

    def flush(self) -> None:
        with self._lock:
            dropped = len(self._queue) // SAMPLE_BYTES
            self._queue.clear()
        self._events.append(Flushed(dropped))

    def depart(self) -> bool:
        if not self._up:
            return False
        with self._lock:
            frame = bytes(self._queue[: self._frame_bytes])
            del self._queue[: self._frame_bytes]
            self._post(frame.ljust(self._frame_bytes, b"\0"))
        return True

    async def send_digits(self, digits: str) -> None:
        if not self._up:
            raise Unavailable("The keys could not be sent: the line is not up.")
        try:
            for digit in digits:
                await self._socket.send(self._keys.key(digit))
        except SocketClosed as error:
            raise Unavailable("The keys could not be sent: the other side has gone.") from error

    def _message(self, item: Outgoing) -> Message:
        assert isinstance(item, bytes)
        return self._framing.sound(self._codec.encode(item))


L = TypeVar("L", bound=SocketLine)


class WebSocketLines:
    """The lines of one process; `tick` is their clock."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._lines: list[SocketLine] = []
        self._running: set[asyncio.Task[None]] = set()

    def carry(self, line: L) -> L:
        """A line on a socket that was just opened; it carries messages from now on."""
        self._lines = [*self._lines, line]  # a new list: the beat may be going through the old one
        running = asyncio.create_task(self._run(line), name="websocket line")
        self._running.add(running)
        running.add_done_callback(self._running.discard)
        return line

    def tick(self) -> None:
        """20 ms on every line; on the beat thread, after what was written in this tick."""
        lines = [line for line in self._lines if line.depart()]
        if lines:
            self._loop.call_soon_threadsafe(_wake, lines)

    async def _run(self, line: SocketLine) -> None:
        try:
            await line.run()
        except Exception:
            # Whatever the socket raised: the call ends as if it had broken.
            log.exception("websocket_line_failed")
            line.gone(1011)
        finally:
            self._lines = [other for other in self._lines if other is not line]


def _wake(lines: list[SocketLine]) -> None:
    for line in lines:
        line.wake()
