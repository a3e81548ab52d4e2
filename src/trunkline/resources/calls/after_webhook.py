"""The post-call webhook: what it says of a call, and to whom (contract, section 14)."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Boolean, Select, Uuid, bindparam, exists, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer

from trunkline.resources.agents.models import Agent
from trunkline.resources.calls.after import MEMORY, StepState
from trunkline.resources.calls.announced import HEADER
from trunkline.resources.calls.models import AfterCall, AfterCallStep, Call, CallEvent
from trunkline.resources.calls.privacy import without_personal_data
from trunkline.resources.calls.record import CUT_OFF, END_WORDS
from trunkline.resources.calls.wire import RecordingUrl
from trunkline.resources.webhooks import deliveries
from trunkline.voice.conversation.events import EndReason, Kind

UNDEFINED = "undefined"
_TIMEOUT = "timeout"
# Two ends are `timeout` in the record; which of them it was, the call's last note says.
_WORDS = {words.rest: words.webhook for words in (*END_WORDS.values(), CUT_OFF) if words.rest != _TIMEOUT}


class _ToTell(NamedTuple):
    call: Call
    agents_url: str | None
    ended_by: str | None
    """The reason on its last note, where the record's word is two reasons'."""


async def tell(
    session: AsyncSession, call_id: UUID, recording_url: RecordingUrl, *, late: bool = False
) -> bool:
    """Have the call reported when the transaction commits, if it is ready to be and is not reported yet.

    It is ready when no step is to be done but the memory, or when it is `late`. The work after it is held.
    Whether there is a delivery now that was not there before.
    """
    found = await _to_tell(session, call_id, late)
    if found is None:
        return False
    call = found.call
    url = call.overrides.get("external_webhook_url") or found.agents_url
    if not url:
        return False
    payload = rendered(call, end_word(call, found.ended_by), recording_url(call))
    if call.redacts_pii:
        payload = without_personal_data(payload, call.name)
    added = await deliveries.add(
        session,
        workspace_id=call.workspace_id,
        kind="external_webhook",
        call_id=call.id,
        agent_id=call.agent_id,
        url=url,
        body=json.dumps(payload, ensure_ascii=False).encode(),
    )
    return added is not None


async def _to_tell(session: AsyncSession, call_id: UUID, late: bool) -> _ToTell | None:
    """Mark the call as told, and read it, in one statement; None: it is not ready, or told already."""
    row = (await session.execute(_TO_TELL, {"of_call": call_id, "late": late})).one_or_none()
    return None if row is None else _ToTell(*row)


def _marking() -> Select[Call, str | None, str | None]:
    of_call = bindparam("of_call", type_=Uuid())
    mine = AfterCallStep.call_id == of_call, AfterCallStep.state == StepState.PENDING
    waits = exists().where(*mine, AfterCallStep.step != MEMORY)
    marked = (
        update(AfterCall)
        .where(AfterCall.call_id == of_call, ~AfterCall.told, bindparam("late", type_=Boolean()) | ~waits)
        .values(told=True)
        .returning(AfterCall.call_id)
        .cte("marked")
    )
    noted = CallEvent.call_id == Call.id, CallEvent.kind == Kind.ENDED, Call.end_reason == _TIMEOUT
    ended_by = select(CallEvent.data["reason"].astext).where(*noted).order_by(CallEvent.seq).limit(1)
    return (
        select(Call, Agent.external_webhook_url, ended_by.correlate(Call).scalar_subquery())
        .join(marked, marked.c.call_id == Call.id)
        .join(Agent, Agent.id == Call.agent_id)
        .options(defer(Call.ledger))
        .execution_options(populate_existing=True)
    )


_TO_TELL = _marking()  # once: to put it together takes longer than to run it


def rendered(call: Call, end_call_reason: str, recording_url: str | None) -> dict[str, Any]:
    """The payload. `end_call_reason` is in the webhook's own vocabulary."""
    custom = call.end_detail if call.end_reason == "custom_end_call" else None
    told = {
        "status": call.status,
        "end_call_reason": end_call_reason,
        "custom_end_call_reason": custom,
        "model_id": str(call.agent_id),
        "timezone": call.timezone,
        "call_id": str(call.id),
        "duration": call.duration_s or 0,
        "start_time": (call.started_at or call.created_at).isoformat(),
        "transcript": call.transcript or "",
        "recording_url": recording_url,
        "diversion": _header(call, "Diversion"),
        "external_id": _header(call, HEADER),
    }
    left_out = {name for name in ("custom_end_call_reason", "recording_url") if not told[name]}
    return {
        "status": call.status,
        "error_message": call.error_message or "",
        "lead": {
            "name": call.name,
            "phone_number": call.other_party,
            "prompt_variables": call.variables,
        },
        "call": {name: value for name, value in told.items() if name not in left_out},
        "executed_actions": call.executed_actions,
        "analysis": call.judge_results,
        "collected_variables": _collected(call.collected_variables),
    }


def end_word(call: Call, ended_by: str | None) -> str:
    """What ended the call, in the webhook's vocabulary; `ended_by` is the reason on its last note."""
    if call.end_reason != _TIMEOUT:
        return _WORDS.get(call.end_reason or "", UNDEFINED)
    capped = ended_by == EndReason.MAX_DURATION
    return END_WORDS[EndReason.MAX_DURATION if capped else EndReason.IDLE].webhook


def _header(call: Call, name: str) -> str:
    """A header of the INVITE that brought the call; "" for none."""
    held: Mapping[str, Any] = call.sip_headers or {}
    return next((str(value) for key, value in held.items() if key.lower() == name.lower()), "")


def _collected(by_agent: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Those that were collected, of all agents together."""
    return {
        name: shown
        for variables in by_agent.values()
        for name, shown in variables.items()
        if shown.get("collected") is True
    }
