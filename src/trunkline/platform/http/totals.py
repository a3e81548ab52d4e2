"""Totals of long lists, remembered for a moment: counting a million rows takes longer than reading a page."""

import time
from collections.abc import Awaitable, Callable, Hashable

LIFETIME = 2.0
WORTH_KEEPING = 1000
MOST_CACHED = 10_000


class Totals:
    """Counts by key (workspace and filters). Short lists are counted anew each time, so they are never stale."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: dict[Hashable, tuple[float, int]] = {}

    async def get(self, key: Hashable, count: Callable[[], Awaitable[int]]) -> int:
        """The total under `key`, from memory if it is younger than two seconds."""
        until, total = self._known.get(key, (0.0, 0))
        if until > self._clock():
            return total
        total = await count()
        if total >= WORTH_KEEPING:
            if len(self._known) >= MOST_CACHED:
                self._known.clear()
            self._known[key] = (self._clock() + LIFETIME, total)
        return total
