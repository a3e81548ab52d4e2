"""How many calls this process has, from their first ring or dial to their finished record."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from trunkline.platform.telemetry import metrics


class Admission:
    """Counts calls. Belongs to the work loop."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.count = 0
        self.idle = asyncio.Event()
        """Set while there is no call."""
        self.idle.set()
        metrics.calls_capacity.set(capacity)

    @property
    def full(self) -> bool:
        return self.count >= self.capacity

    @contextmanager
    def one(self) -> Iterator[None]:
        """A call more, for as long as the block runs."""
        self._count(1)
        try:
            yield
        finally:
            self._count(-1)

    def _count(self, by: int) -> None:
        self.count += by
        metrics.calls_active.set(self.count)
        if self.count:
            self.idle.clear()
        else:
            self.idle.set()
