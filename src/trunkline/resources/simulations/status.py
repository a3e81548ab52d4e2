"""The statuses of a simulation and the arrows between them.

    in-progress ──► completed | failed

Completed means that talk and verdict came to an end, whatever the verdict is; failed, that they could not. Every
write of a status is a conditional update whose condition is `sources(to)`.
"""

from enum import StrEnum


class RunStatus(StrEnum):
    """The words of the wire."""

    IN_PROGRESS = "in-progress"
    COMPLETED = "completed"
    FAILED = "failed"


_S = RunStatus
TRANSITIONS: dict[RunStatus, frozenset[RunStatus]] = {
    _S.IN_PROGRESS: frozenset({_S.COMPLETED, _S.FAILED}),
    _S.COMPLETED: frozenset(),
    _S.FAILED: frozenset(),
}


def sources(to: RunStatus) -> frozenset[RunStatus]:
    """The statuses from which a run may move to `to`: the condition of that update."""
    return frozenset(status for status, arrows in TRANSITIONS.items() if to in arrows)
