"""How a call ends in the database, all at once: its notes are folded, its record stored, and what is done after it is
begun."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.resources.calls import after
from trunkline.resources.calls.models import Call, CallEvent
from trunkline.resources.calls.moves import move_call
from trunkline.resources.calls.privacy import redact_events
from trunkline.resources.calls.record import (
    END_WORDS,
    Direction,
    Record,
    TelephonyDisconnectReason,
    TelephonyHangup,
    fold,
)
from trunkline.resources.calls.status import FINAL, CallStatus, sources
from trunkline.resources.limits import repository as limits
from trunkline.voice.conversation.events import EndReason, Note


class Recording(NamedTuple):
    """A joined recording: its key in the blob store and its length."""

    key: str
    seconds: float


@dataclass(frozen=True)
class Fault:
    """Why a call is closed as failed, whatever its notes say."""

    message: str


CANCELED = {
    "end_reason": END_WORDS[EndReason.USER_CANCELED].rest,
    "hangup_by": TelephonyHangup.CALLER,
    "disconnect_reason": TelephonyDisconnectReason.CALLER_HANGUP,
}
"""What is told of an outbound call that the user canceled before it was answered."""
_WAITING = (CallStatus.REGISTERED, CallStatus.PENDING, CallStatus.QUEUE, CallStatus.PAUSED)


async def close_call(
    session: AsyncSession, call_id: UUID, recording: Recording | None = None, fault: Fault | None = None
) -> bool:
    """Fold what was heard and move the call to its end; False when it is there already. System role."""
    call = await locked(session, call_id)
    if call is None or CallStatus(call.status) in FINAL:
        return False
    record = await folded(session, call)
    status, message = _outcome(call, record, fault)
    now = (await session.execute(select(func.now()))).scalar_one()
    values = _told(record) | _times(call, record, now)
    values |= {
        "error_message": message,
        "end_reason": record.end.rest if record.end else None,
        "end_detail": record.end_detail or None,
        "hangup_by": record.hangup,
        "disconnect_reason": record.disconnect,
        "agents_used": [str(call.agent_id)],
    }
    if recording is not None:
        values |= {"recording_key": recording.key, "recording_s": recording.seconds}
    if fault is not None:
        values |= {"end_reason": "error", "disconnect_reason": "error", "hangup_by": None}
    return await end_call(session, call, status, **values)


async def end_call(session: AsyncSession, call: Call, to: CallStatus, **values: Any) -> bool:
    """Move a call to a final status, give its place back, begin what follows; False when it cannot. System role."""
    if not await move_call(session, call.id, to, **{"ended_at": func.now(), **values}):
        return False
    if call.counted:
        await limits.release(session, call.workspace_id)
    await after.begin(session, call.id, call.workspace_id)
    return True


async def cancel_waiting(session: AsyncSession, call_id: UUID) -> bool:
    """Cancel a call that no host has begun to dial; False when one has, or it is over. System role."""
    call = await locked(session, call_id)
    if call is None or call.status not in _WAITING:
        return False
    by_user = call.status in sources(CallStatus.USER_CANCELED)
    to = CallStatus.USER_CANCELED if by_user else CallStatus.CANCELED
    return await end_call(session, call, to, **(CANCELED if by_user else {}))


async def refold(session: AsyncSession, call: Call) -> None:
    """Read a closed call's record again, because notes came late; its end stays as it was told."""
    told = _told(await folded(session, call))
    told["executed_actions"] = told["executed_actions"] | await after.entries_of(session, call.id)
    for column, value in told.items():
        setattr(call, column, value)


async def locked(session: AsyncSession, call_id: UUID) -> Call | None:
    """The call, held until the transaction ends: no note can be appended meanwhile."""
    query = select(Call).where(Call.id == call_id).with_for_update()
    return (await session.execute(query)).scalar_one_or_none()


async def folded(session: AsyncSession, call: Call) -> Record:
    """The record of the notes that are stored so far; they are redacted first where the call is."""
    query = select(CallEvent).where(CallEvent.call_id == call.id).order_by(CallEvent.seq)
    events = (await session.execute(query)).scalars().all()
    if call.redacts_pii:
        await redact_events(session, call, events)
    notes = [Note(event.at_ms, event.kind, event.data) for event in events]
    began = call.answered_at or call.started_at or call.created_at
    return fold(notes, Direction(call.direction), began)


def _told(record: Record) -> dict[str, Any]:
    """The columns that hold what was heard and done."""
    return {
        "transcript": record.transcript or None,
        "executed_actions": record.executed_actions,
        "models": list(record.models),
        "ledger": record.turns,
    }


def _times(call: Call, record: Record, now: datetime) -> dict[str, Any]:
    """The end is the last note's time: what is written after it takes time of its own.

    An answer that was told late, because the database was away, does not put the end into the future.
    """
    if call.answered_at is None:
        return {"ended_at": now}
    talked = timedelta(milliseconds=record.last_ms)
    ended = min(now, call.answered_at + talked)
    rang_from = call.ringing_at or call.started_at or call.answered_at
    return {
        "ended_at": ended,
        "duration_s": round(talked.total_seconds()),
        "ringing_ms": _ms(call.answered_at - rang_from),
        "telephony_ms": _ms(ended - (call.started_at or call.answered_at)),
    }


def _ms(span: timedelta) -> int:
    return round(span.total_seconds() * 1000)


def _outcome(call: Call, record: Record, fault: Fault | None) -> tuple[CallStatus, str | None]:
    """The final status, and what went wrong."""
    if fault is not None:
        return CallStatus.FAILED, fault.message
    if call.answered_at is None:
        return CallStatus.CANCELED, None  # the caller gave up while it rang
    match record.end_reason:
        case None:
            return (
                CallStatus.FAILED,
                "The call ended without a reason; look for its id in the log of its voice host.",
            )
        case EndReason.ERROR:
            return CallStatus.FAILED, record.end_detail or "The conversation failed."
        case EndReason.LINE_LOST:
            return (
                CallStatus.FAILED,
                record.end_detail or "The line was lost: no more sound came from the other side.",
            )
        case EndReason.USER_CANCELED:
            return CallStatus.USER_CANCELED, None
        case EndReason.VOICEMAIL:
            return CallStatus.HANGUP_ON_VOICEMAIL, None
        case EndReason.VOICEMAIL_LEFT | EndReason.VOICEMAIL_CUT_OFF:
            return CallStatus.LEFT_VOICEMAIL, None
    return CallStatus.COMPLETED, None
