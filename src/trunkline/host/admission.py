"""How many calls this process has, and whether it has room for one more. Its own count decides: no call waits for the
database to be let in or refused."""

import asyncio

from trunkline.errors import NoFreeSlot
from trunkline.platform.telemetry import metrics


class Admission:
    """Counts calls, and lets in no more than there are slots. Belongs to the work loop."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.count = 0
        """Calls, from their first ring or dial to their finished record."""
        self.idle = asyncio.Event()
        """Set while there is no call."""
        self.idle.set()
        self._taken = 0
        metrics.calls_capacity.set(capacity)

    @property
    def no_room(self) -> str | None:
        """Why no call can be let in; None when one can."""
        if self._taken < self.capacity:
            return None
        return f"all {self.capacity} slots are taken; TRUNKLINE_MAX_CALLS sets how many there are"

    def take(self) -> "Slot":
        """A slot for one call more, which is the call's while the slot's block runs. Raises NoFreeSlot."""
        if (reason := self.no_room) is not None:
            raise NoFreeSlot(reason)
        self._taken += 1
        self.count += 1
        self._changed()
        return Slot(self)

    def _freed(self) -> None:
        self._taken -= 1
        self._changed()

    def _finished(self) -> None:
        self.count -= 1
        self._changed()

    def _changed(self) -> None:
        metrics.calls_active.set(self._taken)
        if self.count:
            self.idle.clear()
        else:
            self.idle.set()


class Slot:
    """What one call takes of a process while its line rings or is up."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._free = False

    def free(self) -> None:
        """The line has gone: another call may come while this one is written down. Safe to repeat."""
        if not self._free:
            self._free = True
            self._admission._freed()

    def __enter__(self) -> "Slot":
        return self

    def __exit__(self, *_: object) -> None:
        """The call is finished."""
        self.free()
        self._admission._finished()
