"""Ways into the depth of a long list: a page far from the start need not read all that lies before it.

A database finds the row at an offset by counting up to it. Of a list that is ordered by age, newest first, the old
part never changes, so the places of every `STRIDE`th row in it are remembered, counted from a moment in the past
(`settled`). A page at an offset is then: count what is newer than that moment, take the landmark before the page,
and count on from there. The answer is the same row for row.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

STRIDE = 1000
WORTH_IT = 5000
"""Nearer offsets are counted; that is as quick."""
LIFETIME = 3600.0
MOST_CACHED = 1000


@dataclass(frozen=True, slots=True)
class Place:
    """A row's place in a list ordered by `created_at DESC, id`."""

    created_at: datetime
    id: UUID


@dataclass(frozen=True, slots=True)
class Way:
    """The landmarks of one list."""

    settled: datetime
    """Rows of this moment and before change no more."""
    places: tuple[Place, ...]
    """Of the settled rows the `STRIDE`th, the `2 * STRIDE`th and so on."""

    def before(self, settled_offset: int) -> tuple[Place | None, int]:
        """The last landmark before an offset among the settled rows, and how many rows to count on from it."""
        known = min(settled_offset // STRIDE, len(self.places))
        return (self.places[known - 1] if known else None), settled_offset - known * STRIDE


@dataclass
class Landmarks:
    """The ways that one process knows, by list (workspace and filters)."""

    clock: Callable[[], float] = time.monotonic
    _known: dict[Hashable, tuple[float, Way]] = field(default_factory=dict)
    _looking: dict[Hashable, asyncio.Lock] = field(default_factory=dict)

    async def get(self, key: Hashable, look: Callable[[], Awaitable[Way]]) -> Way:
        """The way under `key`; one request looks for it while others wait."""
        async with self._looking.setdefault(key, asyncio.Lock()):
            until, way = self._known.get(key, (0.0, None))
            if way is None or until <= self.clock():
                way = await look()
                self._known[key] = (self.clock() + LIFETIME, way)
                if len(self._known) > MOST_CACHED:
                    self._known = {key: self._known[key]}
        self._looking.pop(key, None)
        return way
