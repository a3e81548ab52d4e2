"""Kept connections, by origin: taking one and giving it back cost the same however many there are."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from typing import NamedTuple

import httpx2

from trunkline.platform.outbound.connection import Connection, Reading
from trunkline.platform.outbound.guard import Guard


class Origin(NamedTuple):
    """Whom a connection leads to."""

    scheme: str
    """`http` or `https`."""
    host: str
    """As name servers know it, without brackets."""
    port: int


class Connections:
    """HTTP/1.1 only."""

    def __init__(self, tls: ssl.SSLContext, guard: Guard, most: int, kept_s: float) -> None:
        """At most `most` in use, and as many idle, each for `kept_s` seconds."""
        self._tls = tls
        self._guard = guard
        self._most = most
        self._kept_s = kept_s
        self._places = asyncio.Semaphore(most)
        self._idle: dict[Origin, list[Connection]] = {}
        self._idle_count = 0
        self._swept_at = time.monotonic()

    async def ask(
        self,
        origin: Origin,
        request: bytes,
        *,
        head: bool,
        connect_within: float | None = None,
        read_within: float | None = None,
    ) -> "Exchange":
        """The answer to a written request, up to its headers; it has to be closed. Waits for a place.

        `head`: the method is HEAD. Seconds for the connection, and for each time that more has to come.

        Raises:
            OutboundRefused: the guard lets nothing through to there.
            httpx2.TransportError: no answer came.
        """
        await self._places.acquire()
        try:
            connection = await self._taken(origin, connect_within)
            try:
                reading = await connection.ask(request, head=head, within=read_within)
            except BaseException:
                connection.done()
                raise
        except BaseException:
            self._places.release()
            raise
        return Exchange(self, origin, connection, reading)

    async def give_back(self, connection: Connection, origin: Origin) -> None:
        """An answer has been read or left: its connection is kept where it can be used again."""
        self._places.release()
        connection.done()
        connection.idle_since = time.monotonic()
        if connection.usable and self._idle_count < self._most:
            self._idle.setdefault(origin, []).append(connection)
            self._idle_count += 1
        else:
            await connection.aclose()
        if connection.idle_since - self._swept_at > self._kept_s:
            await self._sweep()

    async def aclose(self) -> None:
        """Close what is idle."""
        idle, self._idle, self._idle_count = self._idle, {}, 0
        for kept in idle.values():
            for each in kept:
                await each.aclose()

    async def _taken(self, origin: Origin, within: float | None) -> Connection:
        """One that was given back last, if it still lives, or a new one."""
        kept = self._idle.get(origin, [])
        while kept:
            connection = kept.pop()
            self._idle_count -= 1
            if not self._expired(connection):
                return connection
            await connection.aclose()
        try:
            async with asyncio.timeout(within):
                tls = self._tls if origin.scheme == "https" else None
                return await self._guard.connect(origin.host, origin.port, Connection, tls)
        except TimeoutError as error:
            raise httpx2.ConnectTimeout(f"{origin.host} was not reached in time") from error

    def _expired(self, connection: Connection) -> bool:
        return not connection.usable or time.monotonic() - connection.idle_since > self._kept_s

    async def _sweep(self) -> None:
        """Close what has been idle for too long; forget origins that nothing is kept of."""
        self._swept_at = time.monotonic()
        expired = []
        for origin, kept in list(self._idle.items()):
            expired += [each for each in kept if self._expired(each)]
            self._idle[origin] = [each for each in kept if each not in expired]
            if not self._idle[origin]:
                del self._idle[origin]
        self._idle_count -= len(expired)
        for each in expired:
            await each.aclose()


class Exchange:
    """An answer, which gives its connection back when it is closed."""

    def __init__(
        self, connections: Connections, origin: Origin, connection: Connection, reading: Reading
    ) -> None:
        self._connections = connections
        self._origin = origin
        self._connection = connection
        self._reading = reading
        self._closed = False

    @property
    def status(self) -> int:
        """Of HTTP."""
        return self._reading.status

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """As they came."""
        return self._reading.headers

    def chunks(self) -> AsyncIterator[bytes]:
        """The body, packed as it came. Raises httpx2.TransportError when it breaks off."""
        return self._reading.chunks()

    async def aclose(self) -> None:
        """Safe to repeat."""
        if not self._closed:
            self._closed = True
            await self._connections.give_back(self._connection, self._origin)
