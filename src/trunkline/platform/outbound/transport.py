"""The guarded connections under a client of httpx2, for a library that wants one."""

from collections.abc import AsyncIterator

import httpx2
from aiohttp import ClientResponse
from multidict import CIMultiDict
from yarl import URL

from trunkline.platform.outbound.connections import Connections, told


class Transport(httpx2.AsyncBaseTransport):
    """Raises OutboundRefused and OutboundFailed, and none of httpx2's errors."""

    def __init__(self, connections: Connections) -> None:
        """`connections` are closed with it."""
        self._connections = connections

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """The answer up to its headers."""
        answer = await self._connections.open(
            request.method,
            URL(str(request.url)),
            CIMultiDict(request.headers.multi_items()),
            await request.aread(),
        )
        return httpx2.Response(
            answer.status, headers=list(answer.raw_headers), stream=_Body(answer), request=request
        )

    async def aclose(self) -> None:
        """Let go of connections."""
        await self._connections.close()


class _Body(httpx2.AsyncByteStream):
    def __init__(self, answer: ClientResponse) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with told(self._answer.url):
            async for chunk in self._answer.content.iter_any():
                yield chunk

    async def aclose(self) -> None:
        self._answer.close()
