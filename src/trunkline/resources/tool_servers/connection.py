"""One question to a tool server over the Model Context Protocol, by the protocol's own client library.

Streamable HTTP first; a server that does not speak it (400, 404 or 405 to the first request) is tried by the older
transport over server-sent events, as the protocol's specification advises.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import TypeVar

import httpx2
from mcp import Client, MCPError
from mcp.client import Transport
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import Implementation

from trunkline import __version__
from trunkline.errors import OutboundFailed, OutboundRefused
from trunkline.platform.outbound.client import Outbound
from trunkline.resources.tool_servers.exchange import Exchange
from trunkline.resources.tool_servers.server import ToolServer

# What goes wrong with somebody else's server is told to who asked; the library would write a traceback of it as well.
logging.getLogger("mcp.client").setLevel(logging.CRITICAL)

LARGEST = 4 << 20
"""Bytes of one answer."""
_NOT_STREAMABLE = (400, 404, 405)
_US = Implementation(name="trunkline", version=__version__)

T = TypeVar("T")
Question = Callable[[Client], Awaitable[T]]


async def ask(
    outbound: Outbound,
    server: ToolServer,
    within: float,
    question: Question[T],
    seen: list[Exchange] | None = None,
) -> T:
    """What `question` answers on a new connection; `within` seconds for all of it. `seen` gets what goes over the wire.

    Raises:
        OutboundRefused: the address may not be reached.
        OutboundFailed: the server was not reached, took too long, or answered with an error.
    """
    talk = _Talk(outbound, server, within, [] if seen is None else seen)
    try:
        async with asyncio.timeout(within):
            try:
                return await talk.streamed(question)
            except Exception:
                if talk.began or talk.status not in _NOT_STREAMABLE:
                    raise
            return await talk.by_events(question)
    except TimeoutError as error:
        raise OutboundFailed(f"{server.host} gave no answer within {within:g} s", timed_out=True) from error
    except Exception as error:  # whatever a foreign server makes the library raise, in groups
        raise talk.told(error) from error


class _Talk:
    """What became of one question, for the words of its failure."""

    def __init__(self, outbound: Outbound, server: ToolServer, within: float, seen: list[Exchange]) -> None:
        self._outbound = outbound
        self._server = server
        self._within = within
        self._seen = seen
        self._open: dict[httpx2.Request, Exchange] = {}
        self.began = False
        """The connection stood."""
        self.status = 0
        """Of the last answer over HTTP."""

    async def streamed(self, question: Question[T]) -> T:
        async with self._client() as client:
            return await self._ask(streamable_http_client(self._server.url, http_client=client), question)

    async def by_events(self, question: Question[T]) -> T:
        events = sse_client(self._server.url, httpx_client_factory=self._client)
        return await self._ask(events, question, mode="legacy")

    async def _ask(self, transport: Transport, question: Question[T], mode: str = "auto") -> T:
        async with Client(transport, mode=mode, client_info=_US, cache=None) as client:
            self.began = True
            return await question(client)

    def _client(
        self,
        headers: dict[str, str] | None = None,
        timeout: httpx2.Timeout | None = None,
        auth: httpx2.Auth | None = None,
    ) -> httpx2.AsyncClient:
        """A guarded client; the library's own wishes are those of a client without a guard."""
        client = self._outbound.client(self._within)
        client.headers.update(self._server.headers)
        client.headers["Accept-Encoding"] = "identity"
        client.event_hooks = {"request": [self._note], "response": [self._look_at]}
        return client

    async def _note(self, request: httpx2.Request) -> None:
        if request.method != "POST":
            return  # a stream that is kept open, or its end
        exchange = Exchange(request.method, str(request.url), dict(request.headers), await request.aread())
        self._open[request] = exchange
        self._seen.append(exchange)

    async def _look_at(self, answer: httpx2.Response) -> None:
        self.status = answer.status_code
        exchange = self._open.pop(answer.request, None)
        if exchange is not None:
            exchange.answered(answer.status_code, answer.headers)
        if answer.headers.get("content-encoding", "identity") != "identity":
            raise OutboundFailed(f"{self._server.host} packed its answer, which nobody asked for")
        assert isinstance(answer.stream, httpx2.AsyncByteStream)
        answer.stream = _Bounded(answer.stream, self._server.host, exchange)

    def told(self, error: Exception) -> OutboundFailed | OutboundRefused:
        """The failure in our words."""
        leaves = list(_leaves(error))
        host, answered = self._server.host, f" (status {self.status})" if self.status >= 400 else ""
        for leaf in leaves:
            if isinstance(leaf, OutboundFailed | OutboundRefused):
                return leaf
        for leaf in leaves:
            match leaf:
                case httpx2.TimeoutException():
                    return OutboundFailed(f"{host} gave no answer within {self._within:g} s", timed_out=True)
                case httpx2.HTTPStatusError():
                    return OutboundFailed(f"{host} answered {leaf.response.status_code}")
                case MCPError():
                    return OutboundFailed(f"{host} answered with an error{answered}: {leaf.message}")
                case httpx2.HTTPError():
                    return OutboundFailed(f"{host} was not reached: {leaf or type(leaf).__name__}")
        return OutboundFailed(f"{host} does not speak MCP as it should{answered}: {type(leaves[0]).__name__}")


class _Bounded(httpx2.AsyncByteStream):
    """A body of `LARGEST` bytes at most; its exchange, if it has one, gets it too."""

    def __init__(self, body: httpx2.AsyncByteStream, host: str, exchange: Exchange | None) -> None:
        self._body = body
        self._host = host
        self._exchange = exchange

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for piece in self._body:
            size += len(piece)
            if size > LARGEST:
                raise OutboundFailed(f"the answer of {self._host} is larger than {LARGEST} bytes")
            if self._exchange is not None:
                self._exchange.read(piece)
            yield piece

    async def aclose(self) -> None:
        await self._body.aclose()


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _leaves(each)
    else:
        yield error
