"""A WebSocket as a line: media in messages, coded here, paced by the beat.

The beat moves PCM between memory and memory: each tick one frame goes from a line's queue to its outbox, silence when
the queue is empty. The work loop codes and sends, so that neither a codec nor a slow peer ever delays the beat.
"""

import asyncio
import threading
from collections import deque
from typing import Protocol

import structlog

from trunkline.errors import Unavailable
from trunkline.voice.conversation.events import ClosedBy, Digit, Flushed, LineClosed, LineEvent
from trunkline.voice.lines.codecs import Codec
from trunkline.voice.lines.framing import Framing, Key, Message, Sound
from trunkline.voice.lines.jitter import FRAMES_A_SECOND, JitterBuffer
from trunkline.voice.lines.line import LineStats, Referred

log = structlog.get_logger(__name__)

_SAMPLE_BYTES = 2
_DELAY_MS = 11
"""10 until the beat reads (half of 20), and the codec; what is written leaves with the beat that wrote it."""
_QUEUE_SECONDS = 2
_OUTBOX_FRAMES = 25
"""500 ms: a peer that is further behind loses the oldest, as it would on UDP."""

NORMAL = 1000
REFUSED = 4486
"""Close code of a line that was not answered: SIP's 486 in the range that applications may use."""
_GOOD_CLOSES = frozenset({1000, 1001, 1005})
"""Of the other side; other codes mean that the connection broke (RFC 6455, 7.4.1)."""


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


class WebSocketLine:
    """One party on a WebSocket; it rings from the first moment and is up from `answer`."""

    delay_ms = _DELAY_MS

    def __init__(self, socket: Socket, codec: Codec, framing: Framing) -> None:
        self._socket = socket
        self._codec = codec
        self._framing = framing
        self._frame_bytes = codec.rate // FRAMES_A_SECOND * _SAMPLE_BYTES
        self._lock = threading.Lock()
        self._arrived = JitterBuffer(codec.rate)
        self._queue = bytearray()
        self._outbox: deque[bytes | None] = deque()
        """Frames to send; None: tell the other side to drop what it has."""
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

    def write(self, pcm: bytes) -> int:
        if not self._up:
            return 0
        with self._lock:
            room = self.rate * _QUEUE_SECONDS * _SAMPLE_BYTES - len(self._queue)
            taken = pcm[: max(0, room)]
            self._queue += taken
        return len(taken) // _SAMPLE_BYTES

    def queued(self) -> int:
        return len(self._queue) // _SAMPLE_BYTES

    def flush(self) -> None:
        with self._lock:
            dropped = len(self._queue) // _SAMPLE_BYTES
            self._queue.clear()
        if dropped:
            self._outbox.append(None)
        self._events.append(Flushed(dropped))

    def events(self) -> list[LineEvent]:
        happened = []
        while self._events:
            happened.append(self._events.popleft())
        return happened

    def depart(self) -> bool:
        """One tick: 20 ms go to the outbox. False when the line is not up."""
        if not self._up:
            return False
        with self._lock:
            frame = bytes(self._queue[: self._frame_bytes])
            del self._queue[: self._frame_bytes]
        if len(self._outbox) >= _OUTBOX_FRAMES:
            self._outbox.popleft()
            self._lost += 1
        self._outbox.append(frame.ljust(self._frame_bytes, b"\0"))
        return True

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

    async def send_digits(self, digits: str) -> None:
        if not self._up:
            raise Unavailable("The keys could not be sent: the line is not up.")
        try:
            for digit in digits:
                await self._socket.send(self._framing.key(digit))
        except SocketClosed as error:
            raise Unavailable("The keys could not be sent: the other side has gone.") from error

    async def hold(self) -> None:
        return

    async def resume(self) -> None:
        return

    async def refer(self, target: str, seconds: float) -> Referred:
        return Referred(False, "A WebSocket cannot be sent elsewhere.")

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
            self._gone(closed.code)
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    def _hear(self, message: Message) -> None:
        self._received += 1
        if not self._up:
            return
        try:
            heard = self._framing.read(message)
            pcm = self._codec.decode(heard.payload) if isinstance(heard, Sound) else b""
        except ValueError:
            self._lost += 1
            return
        if isinstance(heard, Key):
            self._events.append(Digit(heard.digit))
        with self._lock:
            self._arrived.push(pcm)

    async def _send(self) -> None:
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._outbox:
                    frame = self._outbox.popleft()
                    message = (
                        self._framing.clear()
                        if frame is None
                        else self._framing.sound(self._codec.encode(frame))
                    )
                    if message is not None:
                        await self._socket.send(message)
                        self._sent += 1
        except SocketClosed as closed:
            self._gone(closed.code)

    def _gone(self, code: int) -> None:
        """The other side has ended the connection, or it broke."""
        if not self._up:
            self._close(LineClosed(ClosedBy.REMOTE, "cancelled"))
        elif code in _GOOD_CLOSES:
            self._close(LineClosed(ClosedBy.REMOTE, "hung_up"))
        else:
            self._close(LineClosed(ClosedBy.FAULT, "connection_lost", code))

    def _close(self, how: LineClosed) -> None:
        if self._closed is None:
            self._closed, self._up = how, False
            self._events.append(how)


class WebSocketLines:
    """The lines of one process; `tick` is their clock."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._lines: list[WebSocketLine] = []
        self._running: set[asyncio.Task[None]] = set()

    def open(self, socket: Socket, codec: Codec, framing: Framing) -> WebSocketLine:
        """A line on a socket that was just opened; it carries messages from now on."""
        line = WebSocketLine(socket, codec, framing)
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

    async def _run(self, line: WebSocketLine) -> None:
        try:
            await line.run()
        except Exception:
            # Whatever the socket raised: the call ends as if it had broken.
            log.exception("websocket_line_failed")
            line._gone(1011)
        finally:
            self._lines = [other for other in self._lines if other is not line]


def _wake(lines: list[WebSocketLine]) -> None:
    for line in lines:
        line.wake()
