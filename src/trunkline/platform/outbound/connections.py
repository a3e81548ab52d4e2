"""Connections to addresses that the guard lets through, kept by origin for the next request (aiohttp, HTTP/1.1)."""

import io
import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property

from aiohttp import (
    ClientConnectorCertificateError,
    ClientConnectorError,
    ClientError,
    ClientResponse,
    ClientResponseError,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    InvalidURL,
    TCPConnector,
    encode_basic_auth,
)
from aiohttp.abc import AbstractResolver, ResolveResult
from multidict import CIMultiDict
from yarl import URL

from trunkline.errors import OutboundFailed, OutboundRefused
from trunkline.platform.outbound.guard import Guard

_FRAMING = frozenset({"connection", "content-length", "expect", "host", "transfer-encoding", "upgrade"})
"""Headers of the connection and of the body's length: the client's own business, dropped when set from outside."""
_LONGEST_LINE = 65_536
"""Bytes of one header of an answer; sites send policies of many kilobytes."""
_MOST_FIELDS = 256
_WRITTEN_WHOLE = 1 << 20
"""Bytes of a body that may be written at once."""
_KEPT_S = 30.0
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_LONGEST_REASON = 300


class Connections:
    """Belongs to the event loop that first uses it. Follows no redirect, keeps no cookie, reads no environment."""

    def __init__(self, guard: Guard, tls: ssl.SSLContext, most: int, step_s: float | None = None) -> None:
        """At most `most` in use; `step_s` seconds for each of connecting and reading (None: the caller bounds them)."""
        self._guard = guard
        self._tls = tls
        self._most = most
        self._timeout = ClientTimeout(connect=step_s, sock_connect=step_s, sock_read=step_s)

    async def open(
        self, method: str, url: URL, fields: CIMultiDict[str], content: bytes | None
    ) -> ClientResponse:
        """The answer up to its headers, as packed as it came; to be read within `told`, and closed. Waits for a place.

        `fields`: headers, ours to change.

        Raises:
            OutboundRefused: the address may not be reached.
            OutboundFailed: no answer came.
        """
        self._guard.check(url.raw_host or "")
        with told(url):
            _check(method, fields)
            if url.raw_user or url.raw_password:
                fields["Authorization"] = encode_basic_auth(url.user or "", url.password or "")
                url = url.with_user(None)
            return await self._session.request(
                method,
                url,
                headers=fields,
                data=_payload(content),
                allow_redirects=False,
            )

    async def close(self) -> None:
        """Let go of all of them."""
        if "_session" in self.__dict__:
            await self._session.close()

    @cached_property
    def _session(self) -> ClientSession:
        connector = TCPConnector(
            ssl=self._tls,
            limit=self._most,
            keepalive_timeout=_KEPT_S,
            resolver=_Names(self._guard),
            use_dns_cache=False,  # what is not resolved is not judged
        )
        return ClientSession(
            connector=connector,
            timeout=self._timeout,
            cookie_jar=DummyCookieJar(),
            skip_auto_headers=("Content-Type",),
            auto_decompress=False,
            trust_env=False,
            max_line_size=_LONGEST_LINE,
            max_field_size=_LONGEST_LINE,
            max_headers=_MOST_FIELDS,
        )


@contextmanager
def told(url: URL) -> Iterator[None]:
    """Faults of the client as ours: without the address, which may hold secrets."""
    try:
        yield
    except TimeoutError as error:
        raise OutboundFailed(f"{url.host} gave no answer in time", timed_out=True) from error
    except InvalidURL as error:
        raise OutboundRefused(f"{url.host!r} is no host; name a public one in the URL") from error
    except (ClientError, ValueError) as error:
        raise OutboundFailed(f"{url.host} was not reached: {_reason(error)}") from error


class _Names(AbstractResolver):
    """Hands out addresses that the guard has let through."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=str(address),
                port=port,
                family=socket.AF_INET if address.version == 4 else socket.AF_INET6,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for address in await self._guard.addresses(host, port)
        ]

    async def close(self) -> None:
        """It holds nothing."""


def _check(method: str, fields: CIMultiDict[str]) -> None:
    """Take out headers of the connection. Raises ValueError for what would end its line."""
    for name in _FRAMING:
        fields.popall(name, None)
    if not _TOKEN.fullmatch(method):
        raise ValueError("the method is none")
    for name, value in fields.items():
        if not _TOKEN.fullmatch(name) or _CONTROL.search(value):
            raise ValueError("a header holds characters that no header may hold")


def _payload(content: bytes | None) -> io.BytesIO | bytes | None:
    return io.BytesIO(content) if content and len(content) > _WRITTEN_WHOLE else content or None


def _reason(error: Exception) -> str:
    match error:
        case ClientConnectorCertificateError():
            reason = str(error.certificate_error)
        case ClientConnectorError():
            reason = error.strerror or str(error.os_error)
        case ClientResponseError():
            reason = error.message
        case _:
            reason = str(error)
    return reason[:_LONGEST_REASON] or type(error).__name__
