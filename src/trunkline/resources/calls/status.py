"""The statuses of a call and the arrows between them.

    registered ──► ringing ──► in-progress ──► completed | failed | user-canceled |
                     ▲  │                       hangup_on_voicemail | left_voicemail
    paused ◄► pending┤  └────► no-answer | busy | failed | canceled | user-canceled | spam
                │ ▲  │
                ▼ │  │
               queue ┘

Every write of a status is a conditional update whose condition is `sources(to)`, so two writers cannot both
move one call: the second finds its row gone from the source states.
"""

from enum import StrEnum

from trunkline.errors import IllegalTransition


class CallStatus(StrEnum):
    """The words of the wire, hyphens and underscores exactly."""

    REGISTERED = "registered"
    """Announced by prepare_inbound; nobody rings yet."""
    PENDING = "pending"
    QUEUE = "queue"
    """Accepted, waiting for a free slot."""
    PAUSED = "paused"
    RINGING = "ringing"
    IN_PROGRESS = "in-progress"
    COMPLETED = "completed"
    NO_ANSWER = "no-answer"
    BUSY = "busy"
    FAILED = "failed"
    CANCELED = "canceled"
    USER_CANCELED = "user-canceled"
    HANGUP_ON_VOICEMAIL = "hangup_on_voicemail"
    LEFT_VOICEMAIL = "left_voicemail"
    SPAM = "spam"


_S = CallStatus
_NOT_REACHED = frozenset({_S.NO_ANSWER, _S.BUSY, _S.FAILED, _S.CANCELED, _S.USER_CANCELED, _S.SPAM})
_UNDER_WAY = frozenset({_S.RINGING, _S.IN_PROGRESS})

TRANSITIONS: dict[CallStatus, frozenset[CallStatus]] = {
    _S.REGISTERED: _UNDER_WAY | {_S.FAILED, _S.CANCELED},
    _S.PENDING: _UNDER_WAY | _NOT_REACHED | {_S.QUEUE, _S.PAUSED},
    _S.QUEUE: _UNDER_WAY | _NOT_REACHED | {_S.PENDING, _S.PAUSED},
    _S.PAUSED: frozenset({_S.PENDING, _S.CANCELED}),
    _S.RINGING: _NOT_REACHED | {_S.IN_PROGRESS},
    _S.IN_PROGRESS: frozenset(
        {_S.COMPLETED, _S.FAILED, _S.USER_CANCELED, _S.HANGUP_ON_VOICEMAIL, _S.LEFT_VOICEMAIL}
    ),
    _S.COMPLETED: frozenset(),
    _S.NO_ANSWER: frozenset(),
    _S.BUSY: frozenset(),
    _S.FAILED: frozenset(),
    _S.CANCELED: frozenset(),
    _S.USER_CANCELED: frozenset(),
    _S.HANGUP_ON_VOICEMAIL: frozenset(),
    _S.LEFT_VOICEMAIL: frozenset(),
    _S.SPAM: frozenset(),
}

FINAL = frozenset(status for status, arrows in TRANSITIONS.items() if not arrows)
"""Statuses that nothing leaves."""


def move(source: CallStatus, to: CallStatus) -> CallStatus:
    """`to`, if the table has that arrow.

    Raises:
        IllegalTransition: it has not.
    """
    if to not in TRANSITIONS[source]:
        allowed = ", ".join(sorted(TRANSITIONS[source])) or "nothing, it is final"
        raise IllegalTransition(
            f"A call cannot move from {source} to {to}; from {source} it may move to: {allowed}."
        )
    return to


def sources(to: CallStatus) -> frozenset[CallStatus]:
    """The statuses from which a call may move to `to`: the condition of that update."""
    return frozenset(status for status, arrows in TRANSITIONS.items() if to in arrows)


class AttemptState(StrEnum):
    """One try to place a call: pending → dialling → answered | failed, or pending → revoked."""

    PENDING = "pending"
    """Offered to a host, which has not claimed it yet."""
    DIALLING = "dialling"
    """Claimed: the INVITE may be out, so nobody else may send one."""
    ANSWERED = "answered"
    FAILED = "failed"
    REVOKED = "revoked"
    """Taken back from a host that did not claim it."""


UNDER_WAY = frozenset({AttemptState.PENDING, AttemptState.DIALLING, AttemptState.ANSWERED})
"""States of an attempt beside which no other may be made."""
