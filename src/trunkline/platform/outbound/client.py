"""The one HTTP client that leaves the building: for every address that users, callers or models can set."""

from collections.abc import Mapping
from dataclasses import dataclass

import httpx2


@dataclass(frozen=True)
class Answer:
    """What came back, whatever its status."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    elapsed_ms: int


class Outbound:
    """Reaches public addresses only, but for what the operator allows; follows no redirect."""

    def __init__(self, allow: str = "") -> None:
        """`allow`: hosts and networks, separated by commas, that may be reached though they are not public."""

    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        within: float = 15.0,
        largest: int = 1 << 20,
    ) -> Answer:
        """One request; `within` seconds for all of it, `largest` bytes of body.

        Raises:
            OutboundRefused: the address is not public, or is none.
            OutboundFailed: no answer came: not reached, too late, too large.
        """
        raise NotImplementedError

    def client(self, within: float) -> httpx2.AsyncClient:
        """A client with the same guard, for a library that wants one; the caller closes it."""
        raise NotImplementedError

    async def close(self) -> None:
        """Let go of connections."""
