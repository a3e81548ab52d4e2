"""The one HTTP client that leaves the building: for every address that users, callers or models can set."""

import asyncio
import ssl
import time
import zlib
from base64 import b64encode
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import NamedTuple

import httpx2

from trunkline import __version__
from trunkline.errors import OutboundFailed, OutboundRefused
from trunkline.platform.outbound.connection import written
from trunkline.platform.outbound.connections import Connections, Exchange, Origin
from trunkline.platform.outbound.guard import Allowance, Guard, Resolver, resolve

USER_AGENT = f"Trunkline/{__version__}"
_FRAMING = frozenset(
    {"accept-encoding", "connection", "content-length", "host", "transfer-encoding", "upgrade"}
)
"""Headers of the connection and of the body's length: the client's own business, dropped when set from outside."""
CONNECTIONS = 200
_KEEPALIVE_S = 30.0
_ADDRESSES_KEPT = 256
_WITH_LENGTH = frozenset({"POST", "PUT", "PATCH"})
"""Methods that tell the length of a body even where there is none."""


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
        address = _address(url)
        started = time.monotonic()
        try:
            async with asyncio.timeout(within):
                request = written(
                    method.encode(),
                    address.target,
                    _headers(method, address, headers or {}, content),
                    content or b"",
                )
                answer = await self._shared.ask(address.origin, request, head=method == "HEAD")
                first_byte = _since(started)
                try:
                    body = await (_body(answer, largest) if whole else _beginning(answer, largest))
                finally:
                    await answer.aclose()
        except (TimeoutError, httpx2.TimeoutException) as error:
            raise OutboundFailed(
                f"{address.shown} gave no answer within {within:g} s", timed_out=True
            ) from error
        except httpx2.HTTPError as error:
            raise OutboundFailed(
                f"{address.shown} was not reached: {error or type(error).__name__}"
            ) from error
        return Answer(answer.status, _joined(answer.headers), body, _since(started), first_byte)

    def client(self, within: float) -> httpx2.AsyncClient:
        """A client with the same guard, for a library that wants one; the caller closes it.

        `within` seconds for each step (connect, read, write); the size of a body is the caller's to watch.
        """
        return httpx2.AsyncClient(
            transport=_Transport(self._connected()),
            trust_env=False,
            follow_redirects=False,
            timeout=httpx2.Timeout(within),
            headers={"User-Agent": USER_AGENT},
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        )

    async def close(self) -> None:
        """Let go of connections."""
        if "_shared" in self.__dict__:
            await self._shared.aclose()

    @cached_property
    def _shared(self) -> Connections:
        return self._connected()

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        context = httpx2.create_ssl_context(trust_env=False)  # 20 ms: once, not for each client
        context.set_alpn_protocols(["http/1.1"])
        return context

    def _connected(self) -> Connections:
        guard = Guard(self._allowance, self._resolver)
        return Connections(self._tls, guard, self._connections, _KEEPALIVE_S)


class _Address(NamedTuple):
    origin: Origin
    target: bytes
    """Path and query."""
    host: bytes
    """The header."""
    authorization: bytes | None
    """What name and password in the address say."""
    shown: str
    """The host, for people."""


@lru_cache(maxsize=_ADDRESSES_KEPT)
def _address(url: str) -> _Address:
    """What an address says. Raises OutboundRefused where it is none."""
    try:
        read = httpx2.URL(url)
    except (httpx2.InvalidURL, UnicodeError, ValueError) as error:
        raise OutboundRefused(f"{url!r} is no address; write one like https://example.com/path") from error
    if read.scheme not in ("http", "https") or not read.host:
        raise OutboundRefused(f"{url!r} is no address of the web; write one like https://example.com/path")
    named = f"{read.username}:{read.password}".encode() if read.userinfo else b""
    return _Address(
        _origin(read),
        read.raw_path,
        read.netloc,
        b"Basic " + b64encode(named) if named else None,
        read.host,
    )


def _origin(url: httpx2.URL) -> Origin:
    return Origin(
        url.scheme, url.raw_host.decode("ascii"), url.port or (443 if url.scheme == "https" else 80)
    )


def _headers(
    method: str, address: _Address, wanted: Mapping[str, str], content: bytes | None
) -> Iterable[tuple[bytes, bytes]]:
    """Those that are wanted, our own where nothing else is, and those of connection and body."""
    sent = {
        "accept": (b"Accept", b"*/*"),
        "user-agent": (b"User-Agent", USER_AGENT.encode()),
        **{
            name.lower(): (name.encode(), value.encode())
            for name, value in wanted.items()
            if name.lower() not in _FRAMING
        },
    }
    if address.authorization is not None:
        sent["authorization"] = b"Authorization", address.authorization
    yield b"Host", address.host
    yield b"Connection", b"keep-alive"
    yield b"Accept-Encoding", b"gzip"
    yield from sent.values()
    if content or method in _WITH_LENGTH:
        yield b"Content-Length", b"%d" % len(content or b"")


def _joined(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in headers:
        key, said = name.decode("latin-1").lower(), _decoded(value)
        joined[key] = f"{joined[key]}, {said}" if key in joined else said
    return joined


def _decoded(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


class _Transport(httpx2.AsyncBaseTransport):
    """The guarded connections, for a client of httpx2."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        content = await request.aread()
        headers = [each for each in request.headers.raw if each[0].lower() != b"transfer-encoding"]
        if len(headers) < len(request.headers.raw):
            headers.append((b"Content-Length", b"%d" % len(content)))
        times = request.extensions.get("timeout", {})
        answer = await self._connections.ask(
            _origin(request.url),
            written(request.method.encode(), request.url.raw_path, headers, content),
            head=request.method == "HEAD",
            connect_within=times.get("connect"),
            read_within=times.get("read"),
        )
        return httpx2.Response(answer.status, headers=answer.headers, stream=_Stream(answer))

    async def aclose(self) -> None:
        await self._connections.aclose()


class _Stream(httpx2.AsyncByteStream):
    def __init__(self, answer: Exchange) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._answer.chunks():
            yield chunk

    async def aclose(self) -> None:
        await self._answer.aclose()


def _since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)


async def _beginning(answer: Exchange, largest: int) -> bytes:
    """As much of the body as can be had: for a receiver that has taken what was sent, whatever it says to that."""
    try:
        return await _body(answer, largest)
    except OutboundFailed:
        return b""


async def _body(answer: Exchange, largest: int) -> bytes:
    """The body, unpacked; never more than `largest` bytes in memory, packed or not.

    Decoders of clients unpack a chunk whole and as often as the sender says, so a small answer could fill memory.
    """
    packed = bytearray()
    async for chunk in answer.chunks():
        packed += chunk
        if len(packed) > largest:
            raise OutboundFailed(f"the answer is larger than {largest} bytes", too_large=True)
    encoding = _joined(answer.headers).get("content-encoding", "identity").strip().lower()
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
