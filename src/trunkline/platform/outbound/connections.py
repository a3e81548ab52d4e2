"""Kept connections, by origin: taking one and giving it back cost the same however many there are.

httpcore2's own pool looks at every connection and every waiting request each time, and asks the system about each
that is idle: beyond a few dozen connections that is most of what a request costs.
"""

import asyncio
import ssl
import time
from collections.abc import AsyncIterable, AsyncIterator
from types import TracebackType
from typing import Self

import httpcore2

_Key = tuple[bytes, bytes, int]


class Connections:
    """What `httpx2.AsyncHTTPTransport` wants of its pool. HTTP/1.1 only."""

    def __init__(
        self, tls: ssl.SSLContext, backend: httpcore2.AsyncNetworkBackend, most: int, kept_s: float
    ) -> None:
        """At most `most` in use, and as many idle, each for `kept_s` seconds."""
        self._tls = tls
        self._backend = backend
        self._most = most
        self._kept_s = kept_s
        self._places = asyncio.Semaphore(most)
        self._idle: dict[_Key, list[httpcore2.AsyncHTTPConnection]] = {}
        self._idle_count = 0
        self._swept_at = time.monotonic()

    async def handle_async_request(self, request: httpcore2.Request) -> httpcore2.Response:
        """The answer, up to its headers; its stream has to be closed. Waits for a place. Raises what httpcore2 does."""
        await self._places.acquire()
        try:
            connection = await self._taken(request.url.origin)
            try:
                answer = await connection.handle_async_request(request)
            except BaseException:
                await asyncio.shield(connection.aclose())
                raise
        except BaseException:
            self._places.release()
            raise
        assert isinstance(answer.stream, AsyncIterable)
        body = _Body(answer.stream, self, connection, request.url.origin)
        return httpcore2.Response(
            answer.status, headers=answer.headers, content=body, extensions=answer.extensions
        )

    async def give_back(self, connection: httpcore2.AsyncHTTPConnection, origin: httpcore2.Origin) -> None:
        """An answer has been read or left: its connection is kept where it can be used again."""
        self._places.release()
        if connection.is_available() and self._idle_count < self._most:
            self._idle.setdefault(_key(origin), []).append(connection)
            self._idle_count += 1
        else:
            await connection.aclose()
        if time.monotonic() - self._swept_at > self._kept_s:
            await self._sweep()

    async def aclose(self) -> None:
        """Close what is idle."""
        idle, self._idle, self._idle_count = self._idle, {}, 0
        for kept in idle.values():
            for each in kept:
                await each.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _taken(self, origin: httpcore2.Origin) -> httpcore2.AsyncHTTPConnection:
        """One that was given back last, if it still lives, or a new one."""
        kept = self._idle.get(_key(origin), [])
        while kept:
            connection = kept.pop()
            self._idle_count -= 1
            if not connection.has_expired():
                return connection
            await connection.aclose()
        return httpcore2.AsyncHTTPConnection(
            origin, ssl_context=self._tls, keepalive_expiry=self._kept_s, network_backend=self._backend
        )

    async def _sweep(self) -> None:
        """Close what has been idle for too long; forget origins that nothing is kept of."""
        self._swept_at = time.monotonic()
        expired = []
        for key, kept in list(self._idle.items()):
            expired += [each for each in kept if each.has_expired()]
            self._idle[key] = [each for each in kept if each not in expired]
            if not self._idle[key]:
                del self._idle[key]
        self._idle_count -= len(expired)
        for each in expired:
            await each.aclose()


class _Body:
    """The body of an answer, which gives its connection back when it is closed."""

    def __init__(
        self,
        stream: AsyncIterable[bytes],
        connections: Connections,
        connection: httpcore2.AsyncHTTPConnection,
        origin: httpcore2.Origin,
    ) -> None:
        self._stream = stream
        self._connections = connections
        self._connection = connection
        self._origin = origin
        self._closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._stream:
            yield chunk

    async def aclose(self) -> None:
        """Safe to repeat."""
        if self._closed:
            return
        self._closed = True
        try:
            await self._stream.aclose()  # type: ignore[attr-defined]  # every stream of httpcore2 has it
        finally:
            await self._connections.give_back(self._connection, self._origin)


def _key(origin: httpcore2.Origin) -> _Key:
    return origin.scheme, origin.host, origin.port
