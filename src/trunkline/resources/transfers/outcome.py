"""What came of a transfer, and how the record tells it (contract, section 5.5)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from trunkline.errors import DialFailed


class Reason(StrEnum):
    """Why a transfer failed; a refusal has its code behind it (`refused_603`)."""

    NOT_SENT = "not_sent"
    """Nothing went out: no such address, no trunk, no slot."""
    NO_RESPONSE = "no_response"
    """Nobody rang, nor said anything at all."""
    REFUSED = "refused"
    BUSY = "busy"
    NOT_ANSWERED = "not_answered"
    """It rang for as long as it may, or whoever answered stayed silent."""
    ANSWERED_BY_MACHINE = "answered_by_machine"
    DECLINED = "declined"
    """A person answered and did not take the call."""
    OUTSIDE_AVAILABILITY = "transfer_outside_availability"
    CALLER_HUNG_UP = "caller_hung_up"


class Status(StrEnum):
    """The three words of the contract."""

    SUCCESS = "transfer-success"
    TIMEOUT = "transfer-failed-timeout"
    CONNECTION_ERROR = "transfer-failed-connection-error"


_TIMEOUTS = (Reason.NO_RESPONSE, Reason.NOT_ANSWERED)


@dataclass(frozen=True)
class Failure:
    """Why an attempt, or the whole transfer, came to nothing."""

    reason: Reason
    code: int | None = None
    """SIP status, where there was one."""
    text: str = ""
    """In plain words."""
    said: str = ""
    """Told to the caller in place of `failed_msg`; "" for that."""

    def __str__(self) -> str:
        return f"refused_{self.code}" if self.reason is Reason.REFUSED and self.code else self.reason.value

    @property
    def status(self) -> Status:
        return Status.TIMEOUT if self.reason in _TIMEOUTS else Status.CONNECTION_ERROR


def of_dial(failed: DialFailed) -> Failure:
    """What a call that was not answered means."""
    match failed.outcome:
        case "busy":
            reason = Reason.BUSY
        case "no_answer":
            reason = Reason.NOT_ANSWERED
        case "refused":
            reason = Reason.REFUSED
        case "canceled":
            reason = Reason.CALLER_HUNG_UP
        case _:
            reason = Reason.REFUSED if failed.code else Reason.NO_RESPONSE
    return Failure(reason, failed.code, str(failed))


def of_code(code: int | None, text: str) -> Failure:
    """What the other side's last word on a REFER means; without a code nothing was told."""
    match code:
        case None:
            return Failure(Reason.NO_RESPONSE, text=text)
        case 486 | 600:
            return Failure(Reason.BUSY, code, text)
        case 408 | 480 | 487:
            return Failure(Reason.NOT_ANSWERED, code, text)
    return Failure(Reason.REFUSED, code, text)


@dataclass
class Attempt:
    """One try to reach somebody."""

    number: str
    """The destination as it was configured."""
    uri: str
    """The SIP address that was called or referred to; "" when there was none."""
    method: str
    """`refer`, `dial` or `replaces`."""
    started_at: datetime
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    failure: Failure | None = None
    recording: str = ""
    """Id under which the briefing is kept; "" where none is."""
    ladder: list[dict[str, Any]] = field(default_factory=list)
    """What passed between us and them: `{at, message}`, in order."""

    def step(self, at: datetime, message: str) -> None:
        """Note a message of the signalling."""
        self.ladder.append({"at": at.isoformat(), "message": message})

    def told(self) -> dict[str, Any]:
        """As the timeline has it: `started`, `success` or `failed`, another vocabulary than the transfer's own."""
        status = "started" if self.ended_at is None else "failed" if self.failure else "success"
        return {
            "number": self.number,
            "uri": self.uri,
            "method": self.method,
            "status": status,
            "failed_reason": str(self.failure) if self.failure else None,
            "started_at": self.started_at.isoformat(),
            "answered_at": self.answered_at.isoformat() if self.answered_at else None,
            "ended_at": self.ended_at.isoformat() if self.ended_at else None,
            "briefing_recording_id": self.recording or None,
            "sip_ladder": self.ladder,
        }


@dataclass(frozen=True)
class Transferred:
    """What came of a transfer."""

    attempts: Sequence[Attempt]
    failure: Failure | None = None
    """None: a person has the caller."""
    human_connected_at: datetime | None = None
    """When the person was reached and the caller joined; of warm transfers."""
    summary: str = ""
    """What the person was told of the call, where the model wrote it."""
    chosen: str = ""
    """The name of the destination that the model chose, where there were several."""
    others: Sequence[str] = ()
    """The names of the others, which may be asked next."""
    keep_recording: bool = True
    """Whether what they say to each other is recorded too."""

    @property
    def ok(self) -> bool:
        return self.failure is None

    @property
    def value(self) -> dict[str, Any]:
        """`return_value`, and what the model reads."""
        told: dict[str, Any] = {
            "status": (self.failure.status if self.failure else Status.SUCCESS).value,
            "failed_reason": str(self.failure) if self.failure else None,
            "human_connected_at": self.human_connected_at.isoformat() if self.human_connected_at else None,
            "attempts": [attempt.told() for attempt in self.attempts],
        }
        if self.failure is not None and self.failure.text:
            told["error"] = self.failure.text
        if self.summary:
            told["summary"] = self.summary
        if self.chosen:
            told["destination"] = self.chosen
        if self.failure is not None and self.others:
            told["next_destinations"] = list(self.others)
        return told
