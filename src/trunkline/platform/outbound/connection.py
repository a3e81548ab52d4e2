"""One connection of HTTP/1.1: a request is written whole, its answer is read as it comes, one after the other.

The parser is llhttp, which reads strictly. A general client in Python costs a small request several times what the
database does.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Iterable
from typing import cast

import httpx2
from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

LARGEST_HEAD = 102_400
"""Bytes of an answer until its headers are complete."""
_MOST_HELD = 262_144
"""Bytes of a body that wait for their reader before the sender has to."""

_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(rb"([\x21-\x7e\x80-\xff]([\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?")
_TARGET = re.compile(rb"[\x21-\x7e]+")


def written(method: bytes, target: bytes, headers: Iterable[tuple[bytes, bytes]], content: bytes) -> bytes:
    """A request as it goes over the wire; `headers` tell the length of `content`.

    Raises:
        httpx2.LocalProtocolError: method, target or a header holds what would end it.
    """
    if not _TOKEN.fullmatch(method) or not _TARGET.fullmatch(target):
        raise httpx2.LocalProtocolError("the method or the path cannot be sent")
    lines = [b"%b %b HTTP/1.1" % (method, target)]
    for name, value in headers:
        if not _TOKEN.fullmatch(name) or not _VALUE.fullmatch(value):
            raise httpx2.LocalProtocolError(f"the header {name!r} cannot be sent")
        lines.append(b"%b: %b" % (name, value))
    return b"\r\n".join((*lines, b"", content))


class Connection(asyncio.Protocol):
    """A connection and whether it can be used again."""

    def __init__(self) -> None:
        self._lost = asyncio.get_running_loop().create_future()
        self._reading: Reading | None = None
        self.idle_since = 0.0
        """In the pool's clock; of one that was given back."""

    @property
    def usable(self) -> bool:
        """Nothing is under way, and the other side has not hung up."""
        return self._reading is None and not self._lost.done() and not self._transport.is_closing()

    async def ask(self, request: bytes, *, head: bool, within: float | None = None) -> "Reading":
        """The answer to a request that is written, up to its headers; `head`: it has no body, whatever they say.

        `within` seconds for each time that more has to come.

        Raises:
            httpx2.ReadTimeout: nothing more came in time.
            httpx2.ReadError, httpx2.RemoteProtocolError: the connection broke, or what came is no HTTP.
        """
        reading = Reading(self._transport, head, within)
        self._reading = reading
        self._transport.write(request)
        if self._lost.done():
            reading.lost(None)
        await reading.started()
        return reading

    def done(self) -> None:
        """The answer was read, or nobody wants the rest of it; then the connection ends."""
        reading, self._reading = self._reading, None
        if reading is None or not reading.leaves_usable:
            self._transport.abort()

    async def aclose(self) -> None:
        """End it. Safe to repeat."""
        self._transport.abort()
        await asyncio.shield(self._lost)

    # ---- called by asyncio ----

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance

    def data_received(self, data: bytes) -> None:
        if self._reading is None:
            self._transport.abort()  # nobody has asked
        else:
            self._reading.feed(data)

    def connection_lost(self, error: Exception | None) -> None:
        if not self._lost.done():
            self._lost.set_result(None)
        if self._reading is not None:
            self._reading.lost(error)


class Reading:
    """An answer as it comes."""

    def __init__(self, transport: asyncio.Transport, head: bool, within: float | None) -> None:
        self._transport = transport
        self._head = head
        self._within = within
        self._parser = HttpResponseParser(self)
        self._head_bytes = 0
        self._interim = False
        self._chunks: list[bytes] = []
        self._held = 0
        self._complete = False
        self._kept = False
        self._failure: httpx2.TransportError | None = None
        self._waiter: asyncio.Future[None] | None = None
        self.status = 0
        """0 until the headers have come."""
        self.headers: list[tuple[bytes, bytes]] = []

    @property
    def leaves_usable(self) -> bool:
        """The whole of it was there, and the other side wants another request."""
        return self._complete and self._kept and self._held <= _MOST_HELD

    async def started(self) -> None:
        """Status and headers are there. Raises like `Connection.ask`."""
        while not self.status:
            await self._more()

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body, packed as it came. Raises like `Connection.ask`."""
        while self._chunks or not self._complete:
            if not self._chunks:
                await self._more()
                continue
            chunk = b"".join(self._chunks)
            self._chunks.clear()
            if self._held > _MOST_HELD:
                self._transport.resume_reading()
            self._held = 0
            yield chunk

    async def _more(self) -> None:
        if self._failure is not None:
            raise self._failure
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(self._within):
                await self._waiter
        except TimeoutError as error:
            raise httpx2.ReadTimeout("nothing more came in time") from error
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # ---- called by the connection ----

    def feed(self, data: bytes) -> None:
        """Bytes that came."""
        if not self.status:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            self._kept = False
            self._fail(httpx2.RemoteProtocolError(f"the answer is no HTTP/1.1 that is understood: {error}"))
        if not self.status and self._head_bytes > LARGEST_HEAD:
            self._fail(httpx2.RemoteProtocolError(f"the headers are larger than {LARGEST_HEAD} bytes"))
        if self._held > _MOST_HELD:
            self._transport.pause_reading()
        self._wake()

    def lost(self, error: Exception | None) -> None:
        """There is no connection any more."""
        self._kept = False
        if self.status and not self._framed:
            self._complete = True
        elif self.status:
            self._fail(httpx2.RemoteProtocolError("the connection was closed before the whole answer came"))
        else:
            self._fail(httpx2.ReadError(str(error or "the connection was closed before an answer came")))
        self._wake()

    def _fail(self, failure: httpx2.TransportError) -> None:
        if not self._complete and self._failure is None:
            self._failure = failure

    @property
    def _framed(self) -> bool:
        """The headers say where the body ends; else the end of the connection does."""
        return any(name.lower() in (b"content-length", b"transfer-encoding") for name, _ in self.headers)

    # ---- called by the parser; after the end only what was not asked for ----

    def on_message_begin(self) -> None:
        if self._complete:
            self._kept = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.status:  # else a trailer
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        if self.status:
            return
        status = self._parser.get_status_code()
        if status == 101:
            raise ValueError("nobody wanted another protocol")
        if status < 200:
            self._interim = True
            self.headers.clear()
            return
        self.status = status
        self._complete = self._head

    def on_body(self, data: bytes) -> None:
        if not self._complete:
            self._chunks.append(data)
            self._held += len(data)

    def on_message_complete(self) -> None:
        if self._interim:
            self._interim = False
        elif not self._complete:
            self._complete = True
            self._kept = self._parser.should_keep_alive()
