"""The statuses of a batch and of its tasks, and the arrows between them.

    scheduled ──► in_progress ──► completed ──► in_progress (tasks were added)
        ▲ │           ▲ │
        │ ▼           │ ▼
        paused ◄──────┘ (and back to where it was)          any but completed ──► canceled

    pending ──► dispatched | failed | canceled

Every write of a status is a conditional update or made under the batch's lock. `claimed` is a word of the wire that no
task ever has: its call is stored in the same transaction that takes it out of `pending`, so a worker that dies leaves
it either pending or dispatched, and nobody is called twice.
"""

from enum import StrEnum

from trunkline.errors import Conflict


class BatchStatus(StrEnum):
    """The words of the wire."""

    SCHEDULED = "scheduled"
    """Nobody was called yet."""
    IN_PROGRESS = "in_progress"
    PAUSED = "paused"
    COMPLETED = "completed"
    """No task waits, and the calls are over."""
    CANCELED = "canceled"


class TaskStatus(StrEnum):
    """The words of the wire."""

    PENDING = "pending"
    CLAIMED = "claimed"
    DISPATCHED = "dispatched"
    """It has a call, which tells how it went."""
    FAILED = "failed"
    """No call could be made of it."""
    CANCELED = "canceled"


_B = BatchStatus
OPEN = frozenset({_B.SCHEDULED, _B.IN_PROGRESS})
"""Statuses in which tasks are dispatched."""

TRANSITIONS: dict[BatchStatus, frozenset[BatchStatus]] = {
    _B.SCHEDULED: frozenset({_B.IN_PROGRESS, _B.PAUSED, _B.COMPLETED, _B.CANCELED}),
    _B.IN_PROGRESS: frozenset({_B.PAUSED, _B.COMPLETED, _B.CANCELED}),
    _B.PAUSED: frozenset({_B.SCHEDULED, _B.IN_PROGRESS, _B.CANCELED}),
    _B.COMPLETED: frozenset({_B.IN_PROGRESS}),
    _B.CANCELED: frozenset(),
}


def move(source: BatchStatus, to: BatchStatus) -> BatchStatus:
    """`to`, if the table has that arrow.

    Raises:
        Conflict: it has not; the text says where the batch may go.
    """
    if to not in TRANSITIONS[source]:
        allowed = ", ".join(sorted(TRANSITIONS[source])) or "nothing, it is final"
        raise Conflict(f"The batch is {source} and cannot become {to}; it may become: {allowed}.")
    return to
