"""What the adapters of speech vendors share: the faults of their SDKs in our words, and codes of languages."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from trunkline.errors import ProviderError, ProviderTimeout
from trunkline.voice.endpoint import answered

_CONNECT_SECONDS = 3.0


@dataclass(frozen=True)
class Sdk:
    """A vendor's SDK with one key, which all adapters of that key share."""

    client: Any
    http: httpx.AsyncClient
    """What the SDK sends requests over; the SDKs themselves never close theirs."""

    async def close(self) -> None:
        """Let go of the connections that are kept."""
        await self.http.aclose()


def http_client(timeout: float) -> httpx.AsyncClient:
    """`timeout`: seconds to an answer and between its pieces."""
    return httpx.AsyncClient(timeout=httpx.Timeout(timeout, connect=min(_CONNECT_SECONDS, timeout)))


@contextmanager
def faults(what: str) -> Iterator[None]:
    """Whatever an SDK raises as ProviderError, ProviderTimeout or ProviderRefused.

    The SDKs let through what their HTTP and WebSocket clients raise, and say so nowhere; errors of an HTTP status have
    `status_code` and `body` in both.
    """
    try:
        yield
    except ProviderError:
        raise
    except Exception as error:
        status = getattr(error, "status_code", None)
        if isinstance(status, int):
            raise answered(what, status, str(getattr(error, "body", ""))) from error
        if isinstance(error, TimeoutError | httpx.TimeoutException):
            raise ProviderTimeout(f"{what} did not answer in time") from error
        raise ProviderError(f"{what} failed: {type(error).__name__}") from error


def short(language: str) -> str:
    """`de` of `de-DE`."""
    return language.partition("-")[0].lower()


async def whole_samples(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same bytes, never half a sample at the end of a piece."""
    odd = b""
    async for piece in pieces:
        sound = odd + piece
        whole = len(sound) // 2 * 2
        odd = sound[whole:]
        if whole:
            yield sound[:whole]
