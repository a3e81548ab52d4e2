"""The measuring carrier: many calls of Twilio's kind over WebSockets from plain sockets, paced by one thread.

As `wire` does for SIP, with no WebSocket library and nothing of the platform in it. What the agent sends is played
from a queue, as a carrier does: the log has each 20 ms of it at the time when it sounds, marks go back when they are
reached, a clear drops what has not sounded. Arrivals are read every 2 ms, which is how exact a time is.
"""

import json
import random
import secrets
import select
import socket
import time
from array import array
from base64 import b64decode, b64encode
from collections import deque
from collections.abc import Sequence
from enum import Enum
from functools import cache
from urllib.parse import urlsplit

from benchmarks import mulaw
from benchmarks.wire import FRAME_NS, GRID_NS, Speaker, Step

_MEDIA = (
    '{"event":"media","sequenceNumber":"%d","media":{"track":"inbound","chunk":"%d","timestamp":"%d","payload":"%s"},'
    '"streamSid":"%s"}'
)
_TEXT, _CLOSE, _PING, _PONG = 1, 8, 9, 10
_NORMAL = b"\x03\xe8"


class State(Enum):
    """Where a stream stands."""

    PLANNED = "planned"
    ASKED = "asked"
    UP = "up"
    ENDED = "ended"


class StreamCall(Speaker):
    """One call: its socket, its script and its log. `log.status` is 200, or what the handshake was answered."""

    def __init__(self, url: str, script: Sequence[Step], start_ns: int) -> None:
        super().__init__(script)
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        self.state = State.PLANNED
        self.due_ns = start_ns
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.stream = f"MZ{secrets.token_hex(16)}"
        self._inbox = b""
        self._unsent = b""
        self._played_ns = 0
        """Until when the queue sounds."""
        self._queue: deque[tuple[int, bytes | str]] = deque()
        """When each packet sounds, or a mark is reached."""
        self._sent = 0
        self._packets = 0

    @property
    def ended(self) -> bool:
        return self.state is State.ENDED

    def open(self) -> None:
        """Connect and ask for the stream."""
        self.socket.connect((self._host, self._port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        key = b64encode(secrets.token_bytes(16)).decode()
        self._send(
            f"GET {self._path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        self.state = State.ASKED

    def advance(self, now_ns: int) -> None:
        """The call's 20 ms have come round."""
        self._play(now_ns)
        payload = self.next_payload(now_ns)
        if payload is None:
            self._tell({"event": "stop", "streamSid": self.stream, "stop": {"callSid": self.stream}})
            self.end(now_ns)
            return
        self._sent += 1
        at_ms = self._sent * 20
        text = _MEDIA % (self._sent + 2, self._sent, at_ms, _base64(payload), self.stream)
        self._send(_frame(_TEXT, text.encode()))
        self.log.sent.add(now_ns, self._sent, payload)

    def drain(self, now_ns: int) -> None:
        """Take in what has arrived."""
        gone = False
        while not (gone or self.ended):
            try:
                arrived = self.socket.recv(65536)
            except BlockingIOError:
                break
            except OSError:
                arrived = b""
            gone = not arrived
            self._inbox += arrived
        # What came before the end counts: a refusal is an answer and an end in one.
        if self.state is State.ASKED:
            self._answered(now_ns)
        if self.state is State.UP:
            self._messages(now_ns)
        if gone and not self.ended:
            self.log.ended_by_agent = True
            self.end(now_ns)

    def end(self, now_ns: int) -> None:
        """Close it; safe to repeat."""
        if self.ended:
            return
        if self.state is State.UP:
            self._send(_frame(_CLOSE, _NORMAL))
        self.state = State.ENDED
        self.log.ended_ns = now_ns
        self.socket.close()

    # ---- the handshake ----

    def _answered(self, now_ns: int) -> None:
        head, complete, rest = self._inbox.partition(b"\r\n\r\n")
        if not complete:
            return
        status = int(head.split(b" ", 2)[1])
        if status != 101:
            self.log.status = status
            self.end(now_ns)
            return
        self._inbox = rest
        self.state = State.UP
        self.log.status, self.log.answered_ns = 200, now_ns
        start = {
            "streamSid": self.stream,
            "callSid": self.stream.replace("MZ", "CA"),
            "tracks": ["inbound"],
            "customParameters": {"from": "+15550199"},
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        }
        self._tell({"event": "connected", "protocol": "Call", "version": "1.0.0"})
        self._tell({"event": "start", "sequenceNumber": "1", "start": start, "streamSid": self.stream})

    # ---- messages ----

    def _messages(self, now_ns: int) -> None:
        box, at = self._inbox, 0
        while (found := _opened(box, at)) is not None:
            kind, content, at = found
            if kind == _TEXT:
                self._heard(content, now_ns)
            elif kind == _PING:
                self._send(_frame(_PONG, content))
            elif kind == _CLOSE:
                self.log.ended_by_agent = True
                self.end(now_ns)
                return
        self._inbox = box[at:]

    def _heard(self, message: bytes, now_ns: int) -> None:
        event = _value(message, b'"event":"')
        self._play(now_ns)
        self._played_ns = max(self._played_ns, now_ns)
        if event == b"media":
            sound = b64decode(_value(message, b'"payload":"'))
            for packet in mulaw.packets(sound):
                self._queue.append((self._played_ns, packet))
                self._played_ns += FRAME_NS
        elif event == b"mark":
            self._queue.append((self._played_ns, _value(message, b'"name":"').decode()))
        elif event == b"clear":
            for _, item in self._queue:
                if isinstance(item, str):
                    self._mark(item)
            self._queue.clear()
            self._played_ns = now_ns
        self._play(now_ns)

    def _play(self, now_ns: int) -> None:
        """What has begun to sound by now."""
        while self._queue and self._queue[0][0] <= now_ns:
            at_ns, item = self._queue.popleft()
            if isinstance(item, str):
                self._mark(item)
                continue
            self._packets += 1
            if self.log.heard.add(at_ns, self._packets, item):
                self.heard(at_ns)

    def _mark(self, name: str) -> None:
        self._tell({"event": "mark", "streamSid": self.stream, "mark": {"name": name}})

    def _tell(self, content: dict[str, object]) -> None:
        self._send(_frame(_TEXT, json.dumps(content, separators=(",", ":")).encode()))

    def _send(self, data: bytes) -> None:
        data = self._unsent + data
        try:
            sent = self.socket.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            return  # the next read tells
        self._unsent = data[sent:]


class StreamCaller:
    """Makes calls, all in the thread that runs `run`."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)
        self._epoll = select.epoll()
        self._calls: list[StreamCall] = []
        self._by_socket: dict[int, StreamCall] = {}
        self.late_ns: array[int] = array("q")
        """How late each message left, against its deadline."""

    def call(self, url: str, script: Sequence[Step], after_s: float = 0.0) -> StreamCall:
        """Plan a stream to `ws://…`, `after_s` seconds from now."""
        start = time.time_ns() + int(after_s * 1e9) + self._random.randrange(FRAME_NS // GRID_NS) * GRID_NS
        call = StreamCall(url, script, start // GRID_NS * GRID_NS)
        self._calls.append(call)
        self._by_socket[call.socket.fileno()] = call
        return call

    def run(self, seconds: float) -> None:
        """Work until every call has ended, or this long; calls that are still up then are ended."""
        until = time.time_ns() + int(seconds * 1e9)
        grid = time.time_ns() // GRID_NS * GRID_NS
        while (now := time.time_ns()) < until and (calls := [call for call in self._calls if not call.ended]):
            for call in calls:
                if call.due_ns <= now:
                    self._advance(call, now)
            now = time.time_ns()
            for number, _ in self._epoll.poll(0, 4096):
                self._by_socket[number].drain(now)
            grid = max(grid + GRID_NS, now // GRID_NS * GRID_NS)
            time.sleep(max(0.0, (grid - time.time_ns()) / 1e9))
        self.close()

    def close(self) -> None:
        """End what is left; safe to repeat."""
        for call in self._calls:
            call.end(time.time_ns())

    def _advance(self, call: StreamCall, now_ns: int) -> None:
        if call.state is State.PLANNED:
            call.open()
            self._epoll.register(call.socket.fileno(), select.EPOLLIN)
        elif call.state is State.UP:
            call.advance(now_ns)
            self.late_ns.append(now_ns - call.due_ns)
        call.due_ns += FRAME_NS
        if call.due_ns < now_ns:
            call.due_ns += (now_ns - call.due_ns) // FRAME_NS * FRAME_NS


@cache
def _base64(payload: bytes) -> str:
    return b64encode(payload).decode()


def _frame(kind: int, content: bytes) -> bytes:
    """A WebSocket frame of a client (RFC 6455, 5.2), masked with zeros: the same bytes, and no work for us."""
    if len(content) < 126:
        return bytes((0x80 | kind, 0x80 | len(content))) + bytes(4) + content
    return bytes((0x80 | kind, 0xFE)) + len(content).to_bytes(2) + bytes(4) + content


def _opened(box: bytes, at: int) -> tuple[int, bytes, int] | None:
    """Kind and content of the frame that begins there, and where the next one does; None while it is not whole."""
    if len(box) < at + 2:
        return None
    kind, size, start = box[at] & 0x0F, box[at + 1] & 0x7F, at + 2
    if size >= 126:
        width = 2 if size == 126 else 8
        size, start = int.from_bytes(box[start : start + width]), start + width
    if len(box) < start + size:
        return None
    return kind, box[start : start + size], start + size


def _value(message: bytes, before: bytes) -> bytes:
    """The text after this key; b"" where it is not there. Good for what our own platform writes."""
    start = message.find(before)
    return b"" if start < 0 else message[start + len(before) : message.index(b'"', start + len(before))]
