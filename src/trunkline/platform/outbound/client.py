"""The one HTTP client that leaves the building: for every address that users, callers or models can set."""

import asyncio
import ssl
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx2

from trunkline import __version__
from trunkline.errors import OutboundFailed, OutboundRefused
from trunkline.platform.outbound.connections import Connections
from trunkline.platform.outbound.guard import Allowance, GuardedBackend, Resolver, resolve

USER_AGENT = f"Trunkline/{__version__}"
_FRAMING = frozenset(
    {"accept-encoding", "connection", "content-length", "host", "transfer-encoding", "upgrade"}
)
"""Headers of the connection and of the body's length: the client's own business, dropped when set from outside."""
CONNECTIONS = 200
_KEEPALIVE_S = 30.0


@dataclass(frozen=True)
class Answer:
    """What came back, whatever its status."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case; several of one name are joined by a comma."""
    body: bytes
    """Unpacked."""
    elapsed_ms: int
    """To the last byte."""
    first_byte_ms: int
    """To the headers of the answer."""


class Outbound:
    """Reaches public addresses only, but for what the operator allows; follows no redirect, keeps no cookie."""

    def __init__(
        self, allow: str = "", resolver: Resolver = resolve, *, connections: int = CONNECTIONS
    ) -> None:
        """`allow`: hosts and networks, separated by commas, that may be reached though they are not public.

        At most `connections` are in use, and as many kept for the next request.

        Raises:
            SetupError: `allow` cannot be read.
        """
        self._allowance = Allowance.parse(allow)
        self._resolver = resolver
        self._connections = connections

    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        within: float = 15.0,
        largest: int = 1 << 20,
        whole: bool = True,
    ) -> Answer:
        """One request; `within` seconds for all of it, `largest` bytes of body.

        Without `whole` a body that is longer, or packed so that it cannot be read, is left out, and no failure.

        Raises:
            OutboundRefused: the address is not public, or is none.
            OutboundFailed: no answer came: not reached, too late, too large.
        """
        request = self._request(method, url, headers or {}, content)
        started = time.monotonic()
        try:
            async with asyncio.timeout(within):
                answer = await self._shared.send(request, stream=True)
                first_byte = _since(started)
                try:
                    body = await (_body(answer, largest) if whole else _beginning(answer, largest))
                finally:
                    await answer.aclose()
        except (TimeoutError, httpx2.TimeoutException) as error:
            raise OutboundFailed(
                f"{request.url.host} gave no answer within {within:g} s", timed_out=True
            ) from error
        except httpx2.HTTPError as error:
            raise OutboundFailed(
                f"{request.url.host} was not reached: {error or type(error).__name__}"
            ) from error
        return Answer(answer.status_code, dict(answer.headers), body, _since(started), first_byte)

    def client(self, within: float) -> httpx2.AsyncClient:
        """A client with the same guard, for a library that wants one; the caller closes it.

        `within` seconds for each step (connect, read, write); the size of a body is the caller's to watch.
        """
        return self._guarded(httpx2.Timeout(within))

    async def close(self) -> None:
        """Let go of connections."""
        if "_shared" in self.__dict__:
            await self._shared.aclose()

    @cached_property
    def _shared(self) -> httpx2.AsyncClient:
        return self._guarded(httpx2.Timeout(None))  # `send` bounds the whole of it

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return httpx2.create_ssl_context(trust_env=False)  # 20 ms: once, not for each client

    def _guarded(self, timeout: httpx2.Timeout) -> httpx2.AsyncClient:
        backend = GuardedBackend(self._allowance, self._resolver)
        transport = httpx2.AsyncHTTPTransport(verify=self._tls, trust_env=False)
        # httpx2 has no public place for a pool; a test notices when an upgrade moves this one.
        transport._pool = Connections(self._tls, backend, self._connections, _KEEPALIVE_S)  # type: ignore[assignment]
        return httpx2.AsyncClient(
            transport=transport,
            trust_env=False,
            follow_redirects=False,
            timeout=timeout,
            headers={"User-Agent": USER_AGENT},
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        )

    def _request(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes | None
    ) -> httpx2.Request:
        kept = {
            name.encode(): value.encode() for name, value in headers.items() if name.lower() not in _FRAMING
        }
        try:
            request = self._shared.build_request(
                method, url, headers={**kept, b"Accept-Encoding": b"gzip"}, content=content
            )
        except (httpx2.InvalidURL, UnicodeError, ValueError) as error:
            raise OutboundRefused(
                f"{url!r} is no address; write one like https://example.com/path"
            ) from error
        if request.url.scheme not in ("http", "https") or not request.url.host:
            raise OutboundRefused(
                f"{url!r} is no address of the web; write one like https://example.com/path"
            )
        return request


def _since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)


async def _beginning(answer: httpx2.Response, largest: int) -> bytes:
    """As much of the body as can be had: for a receiver that has taken what was sent, whatever it says to that."""
    try:
        return await _body(answer, largest)
    except OutboundFailed:
        return b""


async def _body(answer: httpx2.Response, largest: int) -> bytes:
    """The body, unpacked; never more than `largest` bytes in memory, packed or not.

    httpx2's own decoders unpack a chunk whole and as often as the sender says, so a small answer could fill memory.
    """
    packed = bytearray()
    async for chunk in answer.aiter_raw():
        packed += chunk
        if len(packed) > largest:
            raise OutboundFailed(f"the answer is larger than {largest} bytes", too_large=True)
    encoding = answer.headers.get("content-encoding", "identity").strip().lower()
    if encoding in ("identity", "") or not packed:
        return bytes(packed)
    if encoding not in ("gzip", "x-gzip"):
        raise OutboundFailed(f"the answer came packed as {encoding!r}, which nobody asked for")
    unpacker = zlib.decompressobj(wbits=31)
    try:
        body = unpacker.decompress(bytes(packed), largest + 1)
    except zlib.error as error:
        raise OutboundFailed("the answer is not gzip, though it says so") from error
    if len(body) > largest:
        raise OutboundFailed(f"the answer is larger than {largest} bytes", too_large=True)
    if not unpacker.eof:
        raise OutboundFailed("the answer ends before its gzip does")
    return body
