"""How many requests a workspace may send: at most so many in any minute, each counted for exactly a minute.

Held in the memory of one process, so `n` replicas of the API let through up to `n` times as much. (The limits
that cost money, calls at once and attempts a second, are held in the database.) The headers are those of
draft-ietf-httpapi-ratelimit-headers-10.
"""

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from trunkline.errors import OverLimit

WINDOW_SECONDS = 60
_FORGET_ABOVE = 10_000


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left after a request, as headers."""

    quota: int
    remaining: int
    resets_in: int
    """Seconds until the oldest counted request is forgotten."""

    @property
    def headers(self) -> dict[str, str]:
        """`RateLimit-Policy` and `RateLimit`."""
        return {
            "RateLimit-Policy": f'"workspace";q={self.quota};w={WINDOW_SECONDS}',
            "RateLimit": f'"workspace";r={self.remaining};t={self.resets_in}',
        }


class OverRate(OverLimit):
    """Too many requests in a minute."""

    def __init__(self, allowance: Allowance) -> None:
        super().__init__(
            f"More than {allowance.quota} requests in {WINDOW_SECONDS} s; wait {allowance.resets_in} s, or have the "
            "operator raise TRUNKLINE_RATE_LIMIT.",
            allowance.resets_in,
        )
        self.allowance = allowance


class RequestLimit:
    """Counts requests by workspace; `quota` a minute, 0 for no limit."""

    def __init__(self, quota: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._quota = quota
        self._clock = clock
        self._sent: dict[UUID, deque[float]] = {}

    def take(self, workspace_id: UUID) -> Allowance | None:
        """Count one request; None where there is no limit. Raises OverRate, and then counts nothing."""
        if not self._quota:
            return None
        now = self._clock()
        sent = self._sent.setdefault(workspace_id, deque())
        while sent and sent[0] <= now - WINDOW_SECONDS:
            sent.popleft()
        full = len(sent) >= self._quota
        if not full:
            sent.append(now)
        resets_in = max(1, math.ceil(sent[0] + WINDOW_SECONDS - now))
        allowance = Allowance(self._quota, self._quota - len(sent), resets_in)
        if full:
            raise OverRate(allowance)
        self._forget_idle(now)
        return allowance

    def _forget_idle(self, now: float) -> None:
        if len(self._sent) > _FORGET_ABOVE:
            self._sent = {
                workspace: sent for workspace, sent in self._sent.items() if sent[-1] > now - WINDOW_SECONDS
            }
