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
from aiohttp import ClientResponse
from multidict import CIMultiDict
from yarl import URL

from trunkline import __version__
from trunkline.errors import OutboundFailed, OutboundRefused
from trunkline.platform.outbound.connections import Connections, told
from trunkline.platform.outbound.guard import Allowance, Guard, Resolver, resolve
from trunkline.platform.outbound.transport import Transport

USER_AGENT = f"Trunkline/{__version__}"
CONNECTIONS = 200


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

        At most `connections` are in use at once.

        Raises:
            SetupError: `allow` cannot be read.
        """
        self._guard = Guard(Allowance.parse(allow), resolver)
        self._most = connections

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
        target = _target(url)
        fields = CIMultiDict(headers or {})
        fields.setdefault("User-Agent", USER_AGENT)
        fields["Accept-Encoding"] = "gzip"  # what `_body` can unpack
        started = time.monotonic()
        try:
            async with asyncio.timeout(within):
                answer = await self._shared.open(method, target, fields, content)
                first_byte = _since(started)
                try:
                    body = await (_body(answer, largest) if whole else _beginning(answer, largest))
                finally:
                    answer.close()
        except TimeoutError as error:
            raise OutboundFailed(
                f"{target.host} gave no answer within {within:g} s", timed_out=True
            ) from error
        return Answer(answer.status, _joined(answer), body, _since(started), first_byte)

    def client(self, within: float) -> httpx2.AsyncClient:
        """A client with the same guard, for a library that wants one; the caller closes it.

        `within` seconds for each step (connect, read, write); the size of a body is the caller's to watch.
        """
        return httpx2.AsyncClient(
            transport=Transport(self._connections(within)),
            trust_env=False,
            follow_redirects=False,
            timeout=None,
            headers={"User-Agent": USER_AGENT},
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        )

    async def close(self) -> None:
        """Let go of connections."""
        if "_shared" in self.__dict__:
            await self._shared.close()

    @cached_property
    def _shared(self) -> Connections:
        return self._connections(None)  # `send` bounds the whole of it

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return httpx2.create_ssl_context(trust_env=False)  # 20 ms: once, not for each client

    def _connections(self, step_s: float | None) -> Connections:
        return Connections(self._guard, self._tls, self._most, step_s)


def _target(url: str) -> URL:
    try:
        target = URL(url)
        fit = target.scheme in ("http", "https") and bool(target.host) and target.port is not None
    except ValueError as error:
        raise OutboundRefused(f"{url!r} is no address; write one like https://example.com/path") from error
    if not fit:
        raise OutboundRefused(f"{url!r} is no address of the web; write one like https://example.com/path")
    return target


def _joined(answer: ClientResponse) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in answer.headers.items():
        name = name.lower()
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined


def _since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)


async def _beginning(answer: ClientResponse, largest: int) -> bytes:
    """As much of the body as can be had: for a receiver that has taken what was sent, whatever it says to that."""
    try:
        return await _body(answer, largest)
    except OutboundFailed:
        return b""


async def _body(answer: ClientResponse, largest: int) -> bytes:
    """The body, unpacked; never more than `largest` bytes in memory, packed or not.

    Decoders of clients unpack a chunk whole and as often as the sender says, so a small answer could fill memory.
    """
    packed = bytearray()
    with told(answer.url):
        async for chunk in answer.content.iter_any():
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
